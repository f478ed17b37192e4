/* SPDX-License-Identifier: ISC */
/* A process that takes webhooks and writes down their keys. */
#include "faults/receiver.h"

#include "berth/base/str.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_LIMIT 65536
#define KEYS_LIMIT (1u << 16)

static int listen_on_loopback(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 8) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        printf("Bail out! a receiver cannot listen\n");
        exit(1);
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static bool request_is_whole(const struct str *request)
{
    const char *end = strstr(request->data, "\r\n\r\n"), *length = strcasestr(request->data, "Content-Length:");
    size_t body = length ? (size_t)strtoull(length + 15, NULL, 10) : 0;
    return end && request->length >= (size_t)(end - request->data) + 4 + body;
}

/* The key is written before the answer: what berth believes delivered has been noted. */
static void take_one(int connection, int keys)
{
    static const char answer[] = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    struct str request = STR_INIT;
    ssize_t got = 1;
    while (!request_is_whole(&request) && request.length < REQUEST_LIMIT && got > 0) {
        got = read(connection, str_reserve(&request, 4096), 4096);
        str_grew(&request, got > 0 ? (size_t)got : 0);
    }
    char *key = strcasestr(request.data, "Idempotency-Key: ");
    if (key) {
        key += 17;
        dprintf(keys, "%.*s\n", (int)strcspn(key, "\r\n"), key);
        got = write(connection, answer, sizeof answer - 1);
    }
    close(connection);
    str_release(&request);
}

void receiver_start(struct receiver *receiver)
{
    int listening = listen_on_loopback(&receiver->port);
    receiver->keys = memfd_create("keys", MFD_CLOEXEC);
    receiver->pid = fork();
    if (receiver->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct sigaction ignore = {.sa_handler = SIG_IGN};
        sigaction(SIGPIPE, &ignore, NULL);
        for (int connection; (connection = accept(listening, NULL, NULL)) >= 0;)
            take_one(connection, receiver->keys);
        _exit(0);
    }
    close(listening);
}

void receiver_stop(struct receiver *receiver)
{
    int status;
    if (receiver->pid > 0) {
        kill(receiver->pid, SIGKILL);
        waitpid(receiver->pid, &status, 0);
    }
    if (receiver->pid > 0)
        close(receiver->keys);
}

size_t receiver_count(const struct receiver *receiver, const char *key)
{
    struct str keys = STR_INIT;
    size_t count = 0, length = strlen(key);
    ssize_t got = pread(receiver->keys, str_reserve(&keys, KEYS_LIMIT), KEYS_LIMIT, 0);
    str_grew(&keys, got > 0 ? (size_t)got : 0);
    for (const char *line = keys.data; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        count += strncmp(line, key, length) == 0 && line[length] == '\n';
    str_release(&keys);
    return count;
}
