/* SPDX-License-Identifier: ISC */
/*
 * A child process of the supervisor as the supervisor sees it: started, spoken to in frames, ended. The supervisor owns it; its handlers run on the
 * event loop. Nothing here blocks: what cannot be written now waits in `out`.
 */
#ifndef AGENT_CHILD_H
#define AGENT_CHILD_H

#include "berth/base/memory.h"
#include "berth/base/process.h"
#include "berth/base/str.h"

#include <stdint.h>
#include <uv.h>

struct agent_options;
struct child;

enum child_kind { CHILD_WORKER, CHILD_BRANCHES, CHILD_PROBES, CHILD_NOTIFIER, CHILD_KEEPER };

struct child_handlers {
    /* One frame came. False: enough for now, call child_resume to go on (back-pressure). The payload is borrowed for the call. */
    bool (*frame)(struct child *child, uint8_t kind, const char *payload, size_t count);
    /* Its socket is closed and what it had sent has been handled. It may not be reaped yet. Called once. */
    void (*gone)(struct child *child);
};

/* a process that a worker left, and that is nobody's to end */
struct orphan {
    pid_t pid;
    uint64_t start_ticks;
};

struct child {
    enum child_kind kind;
    struct process process;
    int socket, stop_event; /* -1: none */
    struct str in, out;
    uv_poll_t poll;
    bool poll_open, paused, ended;
    const struct child_handlers *handlers;
    void *owner;
    /* a worker's */
    char *step, *run; /* what it does now, or NULL: free; of a notifier the run whose artifacts it removes */
    int64_t attempt;
    char *token, *target;
    int tier;             /* of the step's environment */
    uint64_t begun_ticks; /* when the step was given to it, as process_ticks_now */
    int64_t told_ms;      /* monotonic, when it was asked to stop; 0: it was not */
    bool result_pending, retire;
    VEC(struct orphan) left; /* its own children that its ended steps left: see orphans.c */
    int64_t idle_since_ms;
    /* anybody else's */
    char *
        subject; /* the repository an observer looks at now, the delivery of the notifier; NULL: it waits, and answers when it is asked */
    int64_t silent_ms; /* it has said nothing for so long, of which the supervisor was awake */
    bool asked, given_up;
};

/* Starts it and watches its socket. The caller frees with child_free after `gone`. */
struct child *child_start(enum child_kind kind, const struct agent_options *options, uv_loop_t *loop,
                          const struct child_handlers *handlers, void *owner, struct error *error) BERTH_MUST_CHECK;
/* Closes the socket (a child that reads its end then ends by itself) and frees. */
void child_free(struct child *child);
const char *child_kind_name(enum child_kind kind);
/* Queues a frame; goes out now as far as the socket takes it. */
void child_send(struct child *child, uint8_t kind, const void *payload, size_t count);
/* Says that nothing more will be sent: a child that reads its end ends by itself. */
void child_hang_up(struct child *child);
/* Handles frames that are waiting after `frame` had returned false. */
void child_resume(struct child *child);
/* Asks a worker's present step to stop, takes that back before the next one. */
void child_stop_step(struct child *child);
void child_clear_stop(struct child *child);
/* A worker's present step: set when a task is sent, cleared when its result is stored. */
void child_set_step(struct child *child, const char *run, const char *step, int64_t attempt, const char *token);
/* Whose limits that step counts against, until it is cleared. */
void child_set_place(struct child *child, const char *target, int tier);
void child_clear_step(struct child *child);

#endif
