/* SPDX-License-Identifier: ISC */
/* A child process of the supervisor: its start, its socket, its frames. */
#include "agent/child.h"

#include "agent/protocol.h"
#include "berth/agent.h"
#include "berth/base/frame.h"
#include "berth/base/log.h"
#include "berth/base/memory.h"
#include "berth/base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_CHUNK (256u << 10)

static const char *const kind_names[] = {"worker", "observer:branches", "observer:probes", "notifier", "keeper"};

const char *child_kind_name(enum child_kind kind)
{
    return kind_names[kind];
}

static void child_closed(struct child *child)
{
    if (child->ended)
        return;
    child->ended = true;
    uv_poll_stop(&child->poll);
    child->handlers->gone(child);
}

/* Hands out whole frames; true when all that came was handled. */
static bool handle_frames(struct child *child)
{
    uint8_t kind;
    const char *payload;
    size_t count, size;
    while (!child->paused) {
        enum frame_result next = frame_next(&child->in, &kind, &payload, &count, &size);
        if (next == FRAME_MORE)
            return true;
        if (next == FRAME_BAD) {
            log_line("agent", LOG_ERROR, "%s %d sent a broken frame", child_kind_name(child->kind),
                     (int)child->process.pid);
            str_clear(&child->in);
            process_signal(&child->process, SIGKILL); /* what was in it may be a result: recovery finds what it did */
            return true;
        }
        bool more = child->handlers->frame(child, kind, payload, count);
        str_consume(&child->in, size);
        if (!more)
            child->paused = true;
    }
    return false;
}

static void watch(struct child *child);

static void flush_out(struct child *child)
{
    while (child->out.length > 0) {
        ssize_t sent = send(child->socket, child->out.data, child->out.length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            str_consume(&child->out, (size_t)sent);
            continue;
        }
        if (sent < 0 && errno == EINTR)
            continue;
        break; /* full, or closed: then reading says so */
    }
    watch(child);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct child *child = poll->data;
    if (events & UV_WRITABLE)
        flush_out(child);
    if (!(events & UV_READABLE) && status == 0)
        return;
    ssize_t got = recv(child->socket, str_reserve(&child->in, READ_CHUNK), READ_CHUNK, MSG_DONTWAIT);
    if (got > 0) {
        str_grew(&child->in, (size_t)got);
        handle_frames(child);
        watch(child);
        return;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (!child->paused)
        child_closed(child);
    else
        uv_poll_stop(poll);
}

static void watch(struct child *child)
{
    if (child->ended)
        return;
    int events = (child->paused ? 0 : UV_READABLE) | (child->out.length > 0 ? UV_WRITABLE : 0);
    if (events)
        uv_poll_start(&child->poll, events, on_socket);
    else
        uv_poll_stop(&child->poll);
}

void child_resume(struct child *child)
{
    if (!child->paused || child->ended)
        return;
    child->paused = false;
    handle_frames(child);
    watch(child);
}

static bool start_process(struct child *child, const struct agent_options *options, int child_socket,
                          struct error *error)
{
    int extra[] = {child_socket, child->stop_event};
    const char *argv[] = {options->program,
                          "--child",
                          child_kind_name(child->kind),
                          "--store",
                          options->store_folder,
                          "--repository",
                          options->repository,
                          "--workspace",
                          options->workspace,
                          NULL};
    struct process_spec spec = {
        .argv = argv,
        .program = "/proc/self/exe", /* what runs now, also when an upgrade has put another at that path */
        .input_fd = -1,
        .output_fd = STDERR_FILENO,
        .error_fd = STDERR_FILENO,
        .extra_fds = extra,
        .extra_count = 2,
        .flags = PROCESS_NEW_SESSION | (child->kind == CHILD_WORKER ? 0 : PROCESS_DIE_WITH_PARENT),
    };
    return process_start(&spec, &child->process, error);
}

struct child *child_start(enum child_kind kind, const struct agent_options *options, uv_loop_t *loop,
                          const struct child_handlers *handlers, void *owner, struct error *error)
{
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
        error_errno(error, ERROR_IO, errno, "cannot make a socket for a %s", child_kind_name(kind));
        return NULL;
    }
    struct child *child = mem_zero(1, sizeof *child);
    child->kind = kind;
    child->socket = sockets[0];
    child->stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    child->handlers = handlers;
    child->owner = owner;
    child->process.pid_fd = -1;
    str_init(&child->in);
    str_init(&child->out);
    bool started = child->stop_event >= 0
                       ? start_process(child, options, sockets[1], error)
                       : error_errno(error, ERROR_IO, errno, "cannot make what would tell it to stop");
    close(sockets[1]);
    int code = started ? uv_poll_init(loop, &child->poll, child->socket) : 0;
    if (code != 0) { /* its socket closes, and it ends by itself */
        error_set(error, ERROR_IO, "its socket cannot be watched");
        error_detail(error, "%s", uv_strerror(code));
    } else if (started) {
        child->poll.data = child;
        child->poll_open = true;
        watch(child);
        return child;
    }
    error_context(error, "cannot start a %s", child_kind_name(kind));
    child_free(child);
    return NULL;
}

static void free_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void child_free(struct child *child)
{
    if (!child)
        return;
    child_clear_step(child);
    vec_release(&child->left);
    str_release(&child->in);
    str_release(&child->out);
    process_release(&child->process);
    child->ended = true;
    if (child->stop_event >= 0)
        close(child->stop_event);
    if (child->poll_open) {
        uv_poll_stop(&child->poll);
        close(child->socket);
        uv_close((uv_handle_t *)&child->poll, free_closed);
        return;
    }
    close(child->socket);
    free(child);
}

void child_send(struct child *child, uint8_t kind, const void *payload, size_t count)
{
    frame_add(&child->out, kind, payload, count);
    flush_out(child);
}

void child_hang_up(struct child *child)
{
    shutdown(child->socket, SHUT_WR);
}

void child_stop_step(struct child *child)
{
    uint64_t one = 1;
    if (child->told_ms == 0 && write(child->stop_event, &one, sizeof one) == (ssize_t)sizeof one)
        child->told_ms = time_monotonic_ms();
}

void child_clear_stop(struct child *child)
{
    uint64_t value;
    if (child->told_ms != 0 && read(child->stop_event, &value, sizeof value) == (ssize_t)sizeof value)
        child->told_ms = 0;
}

void child_set_place(struct child *child, const char *target, int tier)
{
    free(child->target);
    child->target = mem_strdup(target);
    child->tier = tier;
}

void child_set_step(struct child *child, const char *run, const char *step, int64_t attempt, const char *token)
{
    child_clear_step(child);
    child->run = mem_strdup(run);
    child->step = mem_strdup(step);
    child->token = mem_strdup(token);
    child->attempt = attempt;
    child->begun_ticks = process_ticks_now();
}

void child_clear_step(struct child *child)
{
    free(child->run);
    free(child->step);
    free(child->token);
    free(child->subject);
    free(child->target);
    child->run = child->step = child->token = child->target = NULL;
    child->attempt = 0;
}
