/* SPDX-License-Identifier: ISC */
/*
 * The clock of running processes jumps (an hour back, a year ahead), and processes are stopped for a moment: no gate is skipped, an approval past its time
 * does not count, nothing is lost or done twice, and a stopped process is not taken for dead.
 */
#include "faults/cases.h"
#include "faults/story.h"

#include "berth/base/file.h"
#include "berth/base/time.h"

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_BACK (-INT64_C(3600000))
#define YEAR_AHEAD (INT64_C(365) * 24 * 3600000)
#define STOPPED_MS 2500 /* longer than the supervisor's tick */

enum jump_at { JUMP_AT_GATE, JUMP_UNSEEN, JUMP_MID_APPLY };
struct moment {
    const char *name;
    int64_t jump_ms;
    enum jump_at at;
    const char *stopped; /* a process that is stopped mid-apply, or NULL */
};
static const struct moment moments[] = {
    {"the clock goes an hour back at the gate", HOUR_BACK, JUMP_AT_GATE, NULL},
    {"the clock goes a year ahead at the gate", YEAR_AHEAD, JUMP_AT_GATE, NULL},
    {"a year passes at the gate while nobody serves", YEAR_AHEAD, JUMP_UNSEEN, NULL},
    {"the clock goes an hour back mid-apply", HOUR_BACK, JUMP_MID_APPLY, NULL},
    {"the clock goes a year ahead mid-apply", YEAR_AHEAD, JUMP_MID_APPLY, NULL},
    {"the supervisor is stopped mid-apply", 0, JUMP_MID_APPLY, "supervisor"},
    {"a worker is stopped mid-apply", 0, JUMP_MID_APPLY, "worker"},
    {"the observer of branches is stopped mid-apply", 0, JUMP_MID_APPLY, "observer:branches"},
    {"the observer of probes is stopped mid-apply", 0, JUMP_MID_APPLY, "observer:probes"},
    {"the tool is stopped mid-apply", 0, JUMP_MID_APPLY, "tool"},
};

static void jump(struct world *world, int64_t ms)
{
    struct error error = {0};
    char *path = path_join(world->folder, "clock"), *text = path_printf("%lld", (long long)ms);
    if (!file_replace(path, text, strlen(text), 0600, FILE_RELAXED, &error))
        printf("# %s\n", error.message);
    free(path);
    free(text);
}

static bool tool_runs(struct world *world, void *context)
{
    return world_journal(world, context) > 0;
}

static bool child_is_there(struct world *world, void *context)
{
    return world_child(world, context) != 0;
}

struct to_signal {
    int number;
    size_t count;
};

static void signal_one(pid_t pid, void *context)
{
    struct to_signal *to = context;
    to->count += kill(pid, to->number) == 0;
}

static bool signal_tool(const void *row, void *context)
{
    const struct step *step = row;
    struct str variable = STR_INIT;
    if (step->status == STEP_RUNNING) {
        str_addf(&variable, "BERTH_STEP_TOKEN=%s", step->token);
        process_find(variable.data, 0, signal_one, context);
    }
    str_release(&variable);
    return true;
}

/* All processes of a kind; how many heard it. */
static size_t signal_all(struct world *world, const char *who, int number)
{
    struct to_signal to = {.number = number};
    struct store_query steps = {.type = &step_type};
    if (text_equal(who, "supervisor"))
        signal_one(world->daemon.pid, &to);
    else if (text_equal(who, "tool"))
        to.count += !store_each(world->store, &steps, signal_tool, &to, NULL);
    else
        signal_one(world_child(world, who), &to);
    return to.count;
}

/* Stopped for a while: longer than anybody's patience is, if they have any. The tool may go on meanwhile. */
static void stop_for_a_moment(struct world *world, const char *who, struct str *trouble)
{
    if (!text_equal(who, "supervisor") && !text_equal(who, "tool") &&
        !world_wait(world, child_is_there, (void *)(uintptr_t)who))
        story_trouble(world, trouble, "there is nothing to stop");
    pid_t worker = world_child(world, who);
    if (signal_all(world, who, SIGSTOP) == 0)
        story_trouble(world, trouble, "nothing was stopped");
    int64_t until = time_monotonic_ms() + STOPPED_MS;
    while (time_monotonic_ms() < until)
        poll(NULL, 0, 50);
    const struct run *run = world_last_run(world);
    if (!run || run->status != RUN_APPLYING)
        story_trouble(world, trouble, "a stopped process was taken for dead");
    if (worker > 0)
        kill(worker, SIGCONT);
    else
        signal_all(world, who, SIGCONT);
}

static const struct run *mid_apply(struct world *world, const struct moment *moment, const struct run *run,
                                   struct str *trouble)
{
    world_hold_tool(world, "up", "a");
    story_approve(world, run);
    if (!world_wait(world, tool_runs, (void *)(uintptr_t) "begin up a"))
        story_trouble(world, trouble, "the tool never began");
    if (moment->stopped)
        stop_for_a_moment(world, moment->stopped, trouble);
    else
        jump(world, moment->jump_ms);
    world_release_tool(world, "up", "a");
    return world_wait_run(world, RUNS_REST);
}

/* The next supervisor ends what passed its time before it began, by itself; a new deploy gets its own gate. */
static const struct run *while_nobody_serves(struct world *world, const struct moment *moment, struct str *trouble)
{
    world_kill(world, SIGSTOP);
    jump(world, moment->jump_ms);
    world_kill(world, SIGKILL);
    const struct run *run = world_wait_run(world, RUNS_ENDED);
    if (!run || run->status == RUN_DONE)
        story_trouble(world, trouble, "a gate that passed its time still waits");
    run = story_to_gate(world, trouble);
    if (run)
        story_approve(world, run);
    return world_wait_run(world, RUNS_REST);
}

/* A year later the gate has passed its time: nothing ran, and a new deploy gets its own gate. */
static const struct run *at_gate(struct world *world, const struct moment *moment, const struct run *run,
                                 struct str *trouble)
{
    jump(world, moment->jump_ms);
    story_approve(world, run);
    run = world_wait_run(world, moment->jump_ms > 0 ? RUNS_REST : 1u << RUN_DONE | 1u << RUN_HELD);
    if (moment->jump_ms < 0)
        return run;
    if (!run || run->status == RUN_DONE || world_journal(world, "begin up a") > 0)
        story_trouble(world, trouble, "a gate that had passed its time let an apply begin");
    run = story_to_gate(world, trouble);
    if (run)
        story_approve(world, run);
    return world_wait_run(world, RUNS_REST);
}

static void play(size_t index, void *context, struct str *trouble, struct str *note)
{
    const struct moment *moment = &moments[index];
    struct world world;
    (void)context;
    (void)note;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC, .gate_expires = "8h"});
    char *clock = path_printf("BERTH_CLOCK=%s/clock", world.folder);
    world.variables[0] = clock;
    world_start(&world);
    const struct run *run = story_to_gate(&world, trouble);
    if (run && world_journal(&world, "begin up a") > 0)
        story_trouble(&world, trouble, "a tool ran before the gate");
    if (run)
        run = moment->at == JUMP_UNSEEN    ? while_nobody_serves(&world, moment, trouble)
              : moment->at == JUMP_AT_GATE ? at_gate(&world, moment, run, trouble)
                                           : mid_apply(&world, moment, run, trouble);
    if (!run || run->status != RUN_DONE)
        story_trouble(&world, trouble, "the deploy did not end well");
    story_destroy(&world, trouble);
    story_check(&world, trouble);
    free(clock);
    world_close(&world);
}

int main(void)
{
    size_t count = sizeof moments / sizeof moments[0];
    struct case_result *results = cases_play(count, play, NULL);
    for (size_t i = 0; i < count; i++)
        cases_tell(i + 1, &results[i], "%s", moments[i].name);
    cases_free(results, count);
    printf("1..%zu\n", count);
    return 0;
}
