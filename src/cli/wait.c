/* SPDX-License-Identifier: ISC */
/* Waiting for the store: the bell, and a run followed to its end. */
#include "cli/output.h"

#include "berth/base/time.h"

#include <poll.h>

#define LOOK_AGAIN_MS MS_SECOND /* a bell may be lost to a crash: look anyway */

void wait_for_bell(struct store *store, int64_t limit_ms)
{
    int64_t wait = limit_ms < LOOK_AGAIN_MS ? limit_ms : LOOK_AGAIN_MS;
    struct pollfd bell = {.fd = store_bell(store), .events = POLLIN};

    if (wait > 0)
        (void)poll(&bell, 1, (int)wait);
    (void)store_changed(store);
}

struct follower {
    struct cli *cli;
    FILE *out; /* NULL: silent */
    int run_status;
    struct map steps; /* id -> status + 1 as a pointer-sized number */
};

static void say_run(struct follower *follower, const struct run *run)
{
    struct cli *cli = follower->cli;
    enum style style;

    if (run->status == follower->run_status)
        return;
    follower->run_status = run->status;
    if (follower->out == NULL)
        return;
    fprintf(follower->out, "run %s  %s  %s%s\n", run->id, shown(cli, run->environment_name),
            shown_run_status(cli, run->status, &style),
            shown_because(cli, word_name(run_status_names, run->status), run->status_reason));
    fflush(follower->out);
}

/* `is_old`: it was so before the run was followed, and is not told. */
static void say_step(struct follower *follower, const struct step *step, bool is_old)
{
    struct cli *cli = follower->cli;
    void *status = (void *)(uintptr_t)(step->status + 1);
    enum style style;

    if (map_get(&follower->steps, step->id) == status)
        return;
    map_set(&follower->steps, step->id, status);
    if (follower->out == NULL || step->status < STEP_RUNNING || is_old)
        return;
    fprintf(follower->out, "run %s  %-7s  %-24s  %s%s\n", step->run, word_name(step_phase_names, step->phase),
            shown(cli, step->address), shown_step_status(cli, step->status, &style),
            shown_because(cli, word_name(step_status_names, step->status), step->status_reason));
    fflush(follower->out);
}

bool waits_for_person(struct cli *cli, const struct run *run)
{
    json_t *json;
    const struct why *why, *first;

    if (run->status != RUN_GATE)
        return false;
    json = json_column(run->gate);
    why = why_from_json(json, &cli->arena);
    json_decref(json);
    first = why != NULL ? why_first(why) : NULL;
    return first != NULL && (text_equal(first->rule, "approvals") || text_equal(first->rule, "trust") ||
                             text_equal(first->rule, "rollback"));
}

static int status_of_end(const struct run *run)
{
    return run->status == RUN_DONE ? 0 : 1;
}

static void say_gate(struct follower *follower, const struct run *run)
{
    if (follower->out == NULL)
        return;
    fprintf(follower->out, "run %s waits for an approval: berth approve %s --digest %s\n", run->id, run->id,
            run->digest);
    fflush(follower->out);
}

static bool look(struct follower *follower, const char *id, struct run *run, struct error *error)
{
    struct cli *cli = follower->cli;
    struct step *steps;
    size_t count;
    bool first = follower->run_status < 0, done = false;

    if (!store_read_begin(cli->store, error))
        return false;
    switch (store_get(cli->store, &run_type, id, &cli->arena, run, error)) {
    case STORE_FOUND: done = session_list(cli, &step_type, "run", id, false, 0, &steps, &count, error); break;
    case STORE_MISSING: error_set(error, ERROR_NOT_FOUND, "run %s is gone", id); break;
    case STORE_ERROR: break;
    }
    store_read_end(cli->store);
    if (!done)
        return false;
    /* a phase is told before its steps, a gate or an end after them */
    if (run->status != RUN_GATE && run->status < RUN_HELD)
        say_run(follower, run);
    for (size_t i = 0; i < count; i++) {
        bool planned = steps[i].phase == PHASE_PREPARE || steps[i].phase == PHASE_PLAN;

        say_step(follower, &steps[i], first && planned && run->approved_at != 0);
    }
    say_run(follower, run);
    return true;
}

/* A run that failed is over when the run that answers it is. False: `error`. */
static bool look_at_answer(struct follower *answering, const struct run *failed, struct run *answer,
                           struct error *error)
{
    struct run *rows;
    size_t count;

    *answer = (struct run){0};
    if (failed->status != RUN_ROLLING_BACK)
        return true;
    if (!session_list(answering->cli, &run_type, "parent", failed->id, true, 1, &rows, &count, error))
        return false;
    return count == 0 || look(answering, rows[0].id, answer, error);
}

bool wait_for_run(struct cli *cli, const char *id, int64_t deadline_ms, FILE *out, int *status, struct error *error)
{
    struct follower follower = {.cli = cli, .out = out, .run_status = -1}, answering = follower;
    struct arena outer = cli->arena;
    bool done = false;

    cli->arena = (struct arena){0}; /* what each look reads is dropped again */
    for (;;) {
        struct run run, answer;
        int64_t left;

        arena_release(&cli->arena);
        if (!look(&follower, id, &run, error) || !look_at_answer(&answering, &run, &answer, error))
            break;
        done = true;
        if (run_ended((enum run_status)run.status) || run.status == RUN_HELD) {
            *status = status_of_end(&run);
            break;
        }
        if (waits_for_person(cli, &run) || waits_for_person(cli, &answer)) {
            say_gate(&follower, run.status == RUN_GATE ? &run : &answer);
            *status = error_info(ERROR_WAITING)->exit_status;
            break;
        }
        left = deadline_ms == 0 ? LOOK_AGAIN_MS : deadline_ms - time_monotonic_ms();
        if (left <= 0) {
            *status = error_info(ERROR_TIMEOUT)->exit_status;
            break;
        }
        done = false;
        if (!daemon_ensure(cli, error))
            break;
        wait_for_bell(cli->store, left);
    }
    arena_release(&cli->arena);
    cli->arena = outer;
    map_release(&follower.steps);
    map_release(&answering.steps);
    return done;
}
