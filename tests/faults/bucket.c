/* SPDX-License-Identifier: ISC */
/* The few requests of S3 that keep a state and its lock: look, get, put, put if there is none, delete, and a list that is always empty. */
#include "faults/bucket.h"

#include "berth/base/file.h"
#include "berth/base/memory.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_LIMIT ((size_t)1 << 20)

static void die(const char *what)
{
    printf("Bail out! %s\n", what);
    exit(1);
}

static int listen_on_loopback(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        die("a bucket cannot listen");
    *port = ntohs(address.sin_port);
    return fd;
}

/* --- one request --------------------------------------------------------------------------------------------------- */

struct request {
    struct str bytes;
    const char *body;
    size_t body_length;
};

static bool is_whole(struct request *request)
{
    char *end = strstr(request->bytes.data, "\r\n\r\n");
    char *length = strcasestr(request->bytes.data, "\r\nContent-Length:");
    if (!end)
        return false;
    request->body = end + 4;
    request->body_length = length && length < end ? (size_t)strtoull(length + 17, NULL, 10) : 0;
    return request->bytes.length >= (size_t)(request->body - request->bytes.data) + request->body_length;
}

static bool take(int connection, struct request *request)
{
    ssize_t got = 1;
    while (!is_whole(request) && got > 0 && request->bytes.length < REQUEST_LIMIT) {
        got = read(connection, str_reserve(&request->bytes, 4096), 4096);
        str_grew(&request->bytes, got > 0 ? (size_t)got : 0);
    }
    return request->bytes.length > 0 && is_whole(request);
}

static void answer(int connection, const char *status, const char *body, size_t length, bool with_body)
{
    struct str text = STR_INIT;
    str_addf(&text, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\nETag: \"x\"\r\n\r\n", status, length);
    if (with_body)
        str_add_bytes(&text, body, length);
    for (size_t sent = 0; sent < text.length;) {
        ssize_t wrote = write(connection, text.data + sent, text.length - sent);
        if (wrote <= 0)
            break;
        sent += (size_t)wrote;
    }
    str_release(&text);
}

static void answer_error(int connection, const char *status, const char *code, bool with_body)
{
    char body[120];
    int length = snprintf(body, sizeof body, "<Error><Code>%s</Code></Error>", code);
    answer(connection, status, body, (size_t)length, with_body);
}

static void put(int connection, const struct request *request, const char *path)
{
    if (strcasestr(request->bytes.data, "\r\nIf-None-Match: *") && file_exists(path))
        answer_error(connection, "412 Precondition Failed", "PreconditionFailed", true);
    else if (file_replace(path, request->body, request->body_length, 0600, FILE_RELAXED, NULL))
        answer(connection, "200 OK", "", 0, true);
    else
        answer_error(connection, "500 Internal Server Error", "InternalError", true);
}

static void get(int connection, const char *path, bool with_body)
{
    struct str object = STR_INIT;
    if (file_read(path, REQUEST_LIMIT, &object, NULL))
        answer(connection, "200 OK", object.data, object.length, with_body);
    else
        answer_error(connection, "404 Not Found", "NoSuchKey", with_body);
    str_release(&object);
}

static void serve(int connection, const struct bucket *bucket, struct request *request)
{
    static const char empty[] = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    char method[8] = "", target[512] = "";
    if (sscanf(request->bytes.data, "%7s /%511s", method, target) != 2)
        return;
    bool lists = strstr(target, "list-type=") != NULL;
    target[strcspn(target, "?")] = '\0';
    char *path = bucket_object(bucket, target);
    if (strcmp(method, "PUT") == 0)
        put(connection, request, path);
    else if (strcmp(method, "DELETE") == 0)
        answer(connection, unlink(path) == 0 ? "204 No Content" : "204 Nothing There", "", 0, false);
    else if (lists)
        answer(connection, "200 OK", empty, sizeof empty - 1, true);
    else
        get(connection, path, strcmp(method, "HEAD") != 0);
    free(path);
}

/* --- the process --------------------------------------------------------------------------------------------------- */

void bucket_start(struct bucket *bucket, const char *folder)
{
    int listening = listen_on_loopback(&bucket->port);
    bucket->folder = mem_strdup(folder);
    if (!folder_make(folder, 0700, NULL))
        die(folder);
    bucket->pid = fork();
    if (bucket->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct sigaction ignore = {.sa_handler = SIG_IGN};
        sigaction(SIGPIPE, &ignore, NULL);
        for (int connection; (connection = accept4(listening, NULL, NULL, SOCK_CLOEXEC)) >= 0; close(connection)) {
            struct request request = {.bytes = STR_INIT};
            if (take(connection, &request))
                serve(connection, bucket, &request);
            str_release(&request.bytes);
        }
        _exit(0);
    }
    close(listening);
}

void bucket_stop(struct bucket *bucket)
{
    if (bucket->pid > 0) {
        kill(bucket->pid, SIGKILL);
        waitpid(bucket->pid, NULL, 0);
    }
    free(bucket->folder);
}

char *bucket_object(const struct bucket *bucket, const char *name)
{
    char *path = path_join(bucket->folder, name);
    for (char *at = path + strlen(bucket->folder) + 1; *at; at++)
        if (*at == '/')
            *at = '+';
    return path;
}

void bucket_backend(const struct bucket *bucket, const char *name, struct str *out)
{
    str_addf(out,
             "terraform {\n  backend \"s3\" {\n    bucket = \"b\"\n    key = \"%s\"\n    region = \"us-east-1\"\n"
             "    access_key = \"k\"\n    secret_key = \"s\"\n    use_path_style = true\n    use_lockfile = true\n"
             "    skip_credentials_validation = true\n    skip_requesting_account_id = true\n"
             "    skip_metadata_api_check = true\n    skip_region_validation = true\n    skip_s3_checksum = true\n"
             "    endpoints = { s3 = \"http://127.0.0.1:%d\" }\n  }\n}\n",
             name, bucket->port);
}
