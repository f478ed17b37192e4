/* SPDX-License-Identifier: ISC */
/*
 * The demo's HTTP service: a program of its own that needs nothing, so that the demo runs where berth was built.
 *
 *   demo-service start FOLDER TEXT   serves TEXT on a free port of this machine in the background; prints the URL once it answers
 *   demo-service stop FOLDER         ends it; none there is fine
 *   demo-service get URL             asks it; exit 0 on status 200
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define REQUEST_LIMIT 4096
#define PATIENCE_MS 5000
#define LOOK_AGAIN_MS 20

extern char **environ;

static int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int fail(const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "demo-service: ");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s%s\n", errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
    return 1;
}

/* Field 22 of /proc/PID/stat: with the pid it names a process for good. 0: there is none. */
static unsigned long long start_ticks(long pid)
{
    char path[64], line[1024], *at;
    FILE *file;
    size_t length;

    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    file = fopen(path, "re");
    if (file == NULL)
        return 0;
    length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = '\0';
    at = strrchr(line, ')');
    if (at == NULL || at[1] != ' ' || at[2] == 'Z')
        return 0;
    for (int field = 2; field < 22 && at != NULL; field++)
        at = strchr(at + 1, ' ');
    return at != NULL ? strtoull(at + 1, NULL, 10) : 0;
}

static int write_pid(const char *folder)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/pid", folder);
    file = fopen(path, "we");
    if (file == NULL)
        return fail("cannot write %s", path);
    fprintf(file, "%ld %llu\n", (long)getpid(), start_ticks((long)getpid()));
    return fclose(file) == 0 ? 0 : fail("cannot write %s", path);
}

static void answer(int client, const char *text)
{
    struct pollfd ready = {.fd = client, .events = POLLIN};
    char request[REQUEST_LIMIT], head[256];
    int healthy, length;

    if (poll(&ready, 1, PATIENCE_MS) != 1 || (length = (int)recv(client, request, sizeof request - 1, 0)) <= 0)
        return;
    request[length] = '\0';
    healthy = strncmp(request, "GET /healthz", 12) == 0;
    length = snprintf(head, sizeof head,
                      "HTTP/1.0 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n\r\n",
                      healthy ? (size_t)3 : strlen(text) + 1);
    (void)!send(client, head, (size_t)length, MSG_NOSIGNAL);
    if (healthy) {
        (void)!send(client, "ok\n", 3, MSG_NOSIGNAL);
    } else {
        (void)!send(client, text, strlen(text), MSG_NOSIGNAL);
        (void)!send(client, "\n", 1, MSG_NOSIGNAL);
    }
}

static int serve(const char *folder, const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), null;

    if (server < 0 || bind(server, (struct sockaddr *)&address, sizeof address) != 0 || listen(server, 16) != 0 ||
        getsockname(server, (struct sockaddr *)&address, &size) != 0)
        return fail("cannot listen");
    if (write_pid(folder) != 0)
        return 1;
    printf("http://127.0.0.1:%d/\n", ntohs(address.sin_port));
    fflush(stdout);
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
        return 1;
    for (;;) {
        int client = accept4(server, NULL, NULL, SOCK_CLOEXEC);

        if (client < 0)
            continue;
        answer(client, text);
        shutdown(client, SHUT_WR);
        close(client);
    }
}

static int start(char *folder, char *text)
{
    char serve_word[] = "serve", self[] = "/proc/self/exe", url[256];
    char *argv[] = {self, serve_word, folder, text, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int ends[2];
    ssize_t length;
    pid_t pid;

    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return fail("cannot make %s", folder);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail("cannot make a pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    errno = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (errno != 0)
        return fail("cannot start");
    close(ends[1]);
    length = read(ends[0], url, sizeof url - 1);
    if (length <= 0)
        return fail("it did not start");
    fwrite(url, 1, (size_t)length, stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}

static int stop(const char *folder)
{
    char path[4096];
    FILE *file;
    long pid = 0;
    unsigned long long ticks = 0;

    snprintf(path, sizeof path, "%s/pid", folder);
    file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%ld %llu", &pid, &ticks) != 2)
        pid = 0;
    fclose(file);
    if (pid > 1 && start_ticks(pid) == ticks && ticks != 0)
        kill((pid_t)pid, SIGTERM);
    for (int waited = 0; pid > 1 && start_ticks(pid) == ticks && ticks != 0; waited += LOOK_AGAIN_MS) {
        if (waited > PATIENCE_MS)
            return fail("process %ld does not end", pid);
        (void)poll(NULL, 0, LOOK_AGAIN_MS);
    }
    unlink(path);
    rmdir(folder);
    return 0;
}

static int get(const char *url)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char request[REQUEST_LIMIT], reply[REQUEST_LIMIT];
    const char *port, *path;
    size_t length = 0;
    ssize_t more;
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), size;

    errno = 0;
    if (strncmp(url, "http://127.0.0.1:", 17) != 0)
        return fail("only this machine is asked, not %s", url);
    port = url + 17;
    path = strchr(port, '/');
    address.sin_port = htons((unsigned short)strtoul(port, NULL, 10));
    if (client < 0 || connect(client, (struct sockaddr *)&address, sizeof address) != 0)
        return fail("%s does not answer", url);
    size = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\n\r\n", path != NULL ? path : "/");
    if (size < 0 || (size_t)size >= sizeof request || send(client, request, (size_t)size, MSG_NOSIGNAL) != size)
        return fail("cannot ask %s", url);
    while (length < sizeof reply - 1 && (more = recv(client, reply + length, sizeof reply - 1 - length, 0)) > 0)
        length += (size_t)more;
    reply[length] = '\0';
    close(client);
    if (strncmp(reply, "HTTP/1.0 200", 12) != 0)
        return fail("%s does not answer as it should", url);
    path = strstr(reply, "\r\n\r\n");
    printf("%s", path != NULL ? path + 4 : reply);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "start") == 0)
        return start(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2], argv[3]);
    if (argc == 3 && strcmp(argv[1], "stop") == 0)
        return stop(argv[2]);
    if (argc == 3 && strcmp(argv[1], "get") == 0)
        return get(argv[2]);
    fprintf(stderr, "usage: demo-service start FOLDER TEXT | stop FOLDER | get URL\n");
    return 2;
}
