/* SPDX-License-Identifier: ISC */
/* The HTTP server of the tests. */
#include "http_server.h"

#include "prelude.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int listen_somewhere(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

int free_port(void)
{
    int port, fd = listen_somewhere(&port);
    close(fd);
    return port;
}

/* Reads a request to the end of its body and writes it down. */
static void take_request(int fd, int record)
{
    char request[65536];
    size_t length = 0, wanted = sizeof request;
    while (length < wanted && length < sizeof request - 1) {
        ssize_t got = read(fd, request + length, sizeof request - 1 - length);
        if (got <= 0)
            break;
        length += (size_t)got;
        request[length] = '\0';
        const char *end = strstr(request, "\r\n\r\n");
        const char *size = strcasestr(request, "content-length:");
        if (end)
            wanted = (size_t)(end + 4 - request) + (size && size < end ? strtoul(size + 15, NULL, 10) : 0);
    }
    (void)!write(record, request, length);
    (void)!write(record, "\n----\n", 6);
}

static void serve(int listener, const char *const *answers, int record)
{
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        if (strcmp(*answers, "close") != 0)
            take_request(fd, record);
        if (strcmp(*answers, "hang") == 0)
            (void)!read(fd, &(char){0}, 1); /* until the client gives up */
        else if (strcmp(*answers, "close") != 0)
            (void)!write(fd, *answers, strlen(*answers));
        close(fd);
        if (answers[1])
            answers++;
    }
}

void http_server_start(struct http_server *server, const char *folder, const char *const *answers)
{
    int listener = listen_somewhere(&server->port);
    server->asked = path_join(folder, "asked");
    int record = open(server->asked, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    server->pid = fork();
    assert_true(server->pid >= 0 && record >= 0);
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
        serve(listener, answers, record);
        _exit(0);
    }
    close(listener);
    close(record);
}

void http_server_stop(struct http_server *server)
{
    kill(server->pid, SIGKILL);
    while (waitpid(server->pid, NULL, 0) < 0) {
    }
    free(server->asked);
}
