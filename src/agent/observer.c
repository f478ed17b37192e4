/* SPDX-License-Identifier: ISC */
/* The socket of an observer: waiting for what the supervisor says and for what it watches, and sending what it saw. */
#include "agent/observer.h"

#include "agent/protocol.h"
#include "berth/base/frame.h"
#include "berth/base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define READ_CHUNK (64u << 10)

void observer_init(struct observer *observer, const struct agent_options *options)
{
    memset(observer, 0, sizeof *observer);
    setup_init(&observer->setup, options);
    str_init(&observer->in);
}

void observer_release(struct observer *observer)
{
    setup_release(&observer->setup);
    str_release(&observer->in);
}

static void take_frames(struct observer *observer)
{
    uint8_t kind;
    const char *payload;
    size_t count, size;
    struct error error = {0};
    while (frame_next(&observer->in, &kind, &payload, &count, &size) == FRAME_READY) {
        if (kind == FRAME_SETUP && !setup_take(&observer->setup, payload, count, &error))
            log_error("agent", LOG_WARNING, &error);
        if (kind == FRAME_ASK)
            observer_send_bytes(observer, FRAME_HERE, &(struct str)STR_INIT);
        str_consume(&observer->in, size);
    }
}

static void read_socket(struct observer *observer)
{
    ssize_t got = recv(CHILD_SOCKET_FD, str_reserve(&observer->in, READ_CHUNK), READ_CHUNK, MSG_DONTWAIT);
    if (got > 0) {
        str_grew(&observer->in, (size_t)got);
        take_frames(observer);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        observer->ended = true;
    }
}

void observer_wait(struct observer *observer, const int *fds, bool *ready, size_t count, int64_t wait_ms)
{
    struct pollfd *polled = mem_zero(1 + count, sizeof *polled);
    polled[0] = (struct pollfd){.fd = CHILD_SOCKET_FD, .events = POLLIN};
    for (size_t i = 0; i < count; i++) {
        polled[i + 1] = (struct pollfd){.fd = fds[i], .events = POLLIN};
        ready[i] = false;
    }
    int timeout = wait_ms < 0 ? -1 : wait_ms > 3600000 ? 3600000 : (int)wait_ms;
    bool any = poll(polled, (nfds_t)(count + 1), timeout) > 0, heard = any && polled[0].revents;
    for (size_t i = 0; any && i < count; i++)
        ready[i] = (polled[i + 1].revents & (POLLIN | POLLHUP)) != 0; /* the end of a pipe is news too */
    free(polled);
    if (heard)
        read_socket(observer);
}

bool observer_send_bytes(struct observer *observer, uint8_t kind, const struct str *bytes)
{
    if (!observer->ended && !frame_send(CHILD_SOCKET_FD, kind, bytes->data, bytes->length, NULL))
        observer->ended = true;
    return !observer->ended;
}

bool observer_send(struct observer *observer, uint8_t kind, json_t *message)
{
    char *json = json_dumps(message, JSON_COMPACT);
    if (!observer->ended && (!json || !frame_send(CHILD_SOCKET_FD, kind, json, strlen(json), NULL)))
        observer->ended = true;
    free(json);
    json_decref(message);
    return !observer->ended;
}
