/* SPDX-License-Identifier: ISC */
/* The probe tcp: a port that must take connections. */
#include "berth/base/time.h"
#include "provider/look.h"
#include "provider/registry.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* "HOST:PORT" or "[ADDRESS]:PORT" into two texts of the arena. */
static bool split(const char *place, struct arena *arena, const char **host, const char **port)
{
    const char *colon = strrchr(place, ':');
    long long number;
    if (!colon || colon == place || !text_to_int(colon + 1, &number) || number < 1 || number > 65535)
        return false;
    size_t length = (size_t)(colon - place);
    bool bracketed = place[0] == '[' && place[length - 1] == ']';
    *host = bracketed ? arena_strndup(arena, place + 1, length - 2) : arena_strndup(arena, place, length);
    *port = colon + 1;
    return true;
}

/* 0 when it is connected, else what went wrong; ECANCELED when the call is to stop. */
static int wait_connected(const struct provider_context *context, int fd, int64_t until_ms)
{
    for (;;) {
        struct pollfd watched[] = {{.fd = fd, .events = POLLOUT}, {.fd = context->stop_fd, .events = POLLIN}};
        int64_t left_ms = until_ms - time_monotonic_ms();
        int ready = left_ms > 0 ? poll(watched, 2, (int)left_ms) : 0;
        int problem = 0;
        socklen_t size = sizeof problem;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return ETIMEDOUT;
        if (watched[1].revents)
            return ECANCELED;
        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 ? problem : errno;
    }
}

static int try_connect(const struct provider_context *context, const struct addrinfo *address, int64_t until_ms)
{
    int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol);
    if (fd < 0)
        return errno;
    int problem = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (problem == EINPROGRESS)
        problem = wait_connected(context, fd, until_ms);
    close(fd);
    return problem;
}

static bool look(const struct provider_context *context, const json_t *spec, struct arena *arena, struct resource *seen,
                 struct error *error)
{
    const char *place = json_get_text(spec, "tcp"), *host, *port;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *addresses = NULL;
    int64_t until_ms = time_monotonic_ms() + look_timeout_ms(context, spec);
    int problem = ETIMEDOUT;
    (void)error;
    if (!split(place, arena, &host, &port))
        return look_says(seen, arena, RESOURCE_UNKNOWN, "'%s' is no HOST:PORT", place);
    if (provider_stopped(context) || provider_left_ms(context) == 0)
        return look_says(seen, arena, RESOURCE_UNKNOWN, "there was no time to look at %s", place);
    int code = getaddrinfo(host, port, &hints, &addresses);
    if (code != 0)
        return look_says(seen, arena, RESOURCE_UNKNOWN, "cannot find %s: %s", host, gai_strerror(code));
    for (const struct addrinfo *at = addresses; at && problem != 0 && problem != ECANCELED; at = at->ai_next)
        problem = try_connect(context, at, until_ms);
    freeaddrinfo(addresses);
    if (problem == 0)
        return look_says(seen, arena, RESOURCE_OK, "%s takes connections", place);
    if (problem == ECANCELED)
        return look_says(seen, arena, RESOURCE_UNKNOWN, "there was no time to look at %s", place);
    if (problem == ETIMEDOUT)
        return look_says(seen, arena, RESOURCE_FAILED, "%s did not answer in time", place);
    return look_says(seen, arena, RESOURCE_FAILED, "%s: %s", place, strerrordesc_np(problem));
}

static const struct provider_probe probe = {
    .look = look,
};

const struct provider tcp_provider = {
    .name = "tcp",
    .probe = &probe,
};
