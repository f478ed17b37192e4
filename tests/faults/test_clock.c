/* SPDX-License-Identifier: ISC */
/*
 * The clock of running processes jumps (an hour back, a year ahead), and processes are stopped for a moment: no gate is skipped, an approval past its time
 * does not count, nothing is lost or done twice, and a stopped process is not taken for dead. Nor does anything end by a jump alone, or by what was seen before
 * nobody served.
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

/* --- lives ------------------------------------------------------------------------------------------------------------- */

#define DAY (INT64_C(24) * 3600000)

enum life_ends { BY_TTL, WITH_BRANCH };
struct life {
    const char *name;
    enum life_ends ends;
    int64_t jump_ms;
    bool unserved; /* it jumps, and the branch is back, while nobody serves */
    bool asks;     /* the cleaner asks what to do */
};
static const struct life lives[] = {
    {"the clock goes a month ahead over the end of a life", BY_TTL, 30 * DAY, false, true},
    {"the clock goes a month ahead over the grace of a branch", WITH_BRANCH, 30 * DAY, false, true},
    {"the clock goes a day back while a branch is gone", WITH_BRANCH, -DAY, false, false},
    {"a branch comes back in the hours in which nobody serves", WITH_BRANCH, 3 * 3600000, true, false},
};

static bool is_marked_gone(struct world *world, void *context)
{
    const struct environment *environment = world_environment(world, context);
    return environment && (environment->marks & MARK_BRANCH_GONE);
}

static bool is_unmarked(struct world *world, void *context)
{
    return !is_marked_gone(world, context);
}

static bool is_asked_about(struct world *world, void *context)
{
    struct store_query holds = {.type = &hold_type};
    int64_t count = 0;
    (void)context;
    return store_count(world->store, &holds, &count, NULL) && count > 0;
}

/* A look that knows of the jump: the row of the cleaner's sweep is of the new time. */
static bool has_looked_since(struct world *world, void *context)
{
    const int64_t *from = context;
    struct sweep sweep;
    return store_get(world->store, &sweep_type, "cleaner/environments", &world->arena, &sweep, NULL) == STORE_FOUND &&
           sweep.at >= from[0] && sweep.at <= from[1];
}

static void lose_branch(struct world *world, const char *name, struct str *trouble)
{
    world_git(world, "branch", "-D", "feature/x");
    if (!world_wait(world, is_marked_gone, (void *)(uintptr_t)name))
        story_trouble(world, trouble, "the branch was not missed");
}

static void wait_for_look(struct world *world, const struct life *life, struct str *trouble)
{
    const int64_t there = time_now_ms() + life->jump_ms, range[] = {there - 60000, there + DAY / 2};
    if (!world_wait(world, has_looked_since, (void *)(uintptr_t)range))
        story_trouble(world, trouble, "the cleaner did not look at the new time");
}

static void live(struct world *world, const struct life *life, const char *name, struct str *trouble)
{
    if (life->ends == WITH_BRANCH)
        lose_branch(world, name, trouble);
    if (life->unserved) {
        world_kill(world, SIGSTOP);
        world_git(world, "branch", "feature/x", "main");
    }
    jump(world, life->jump_ms);
    if (life->unserved)
        world_kill(world, SIGKILL);
    wait_for_look(world, life, trouble);
    if (life->asks && !world_wait(world, is_asked_about, NULL))
        story_trouble(world, trouble, "the cleaner did not ask");
    if (life->unserved && !world_wait(world, is_unmarked, (void *)(uintptr_t)name))
        story_trouble(world, trouble, "the branch that is back was not seen");
}

static void play_life(const struct life *life, struct str *trouble)
{
    struct world world;
    world_open(&world,
               &(struct world_spec){.executor = WORLD_EXEC,
                                    .policy_more = life->ends == BY_TTL ? "    ttl: { default: 2d }\n"
                                                                        : "    destroy_with_branch: { after: 1h }\n"});
    char *clock = path_printf("BERTH_CLOCK=%s/clock", world.folder);
    world.variables[0] = clock;
    world_start(&world);
    const struct run *run = story_to_gate(&world, trouble);
    if (run)
        story_approve(&world, run);
    run = world_wait_run(&world, RUNS_REST);
    if (run && run->status == RUN_DONE)
        live(&world, life, run->environment_name, trouble);
    else
        story_trouble(&world, trouble, "the deploy did not end well");
    if (world_journal(&world, "begin down c") > 0 || world_last_run(&world)->workflow == WORKFLOW_DESTROY)
        story_trouble(&world, trouble, "a jump of the clock ended an environment");
    story_destroy(&world, trouble);
    story_check(&world, trouble);
    free(clock);
    world_close(&world);
}

#define MOMENTS (sizeof moments / sizeof moments[0])
#define LIVES (sizeof lives / sizeof lives[0])

static void play_any(size_t index, void *context, struct str *trouble, struct str *note)
{
    if (index < MOMENTS)
        play(index, context, trouble, note);
    else
        play_life(&lives[index - MOMENTS], trouble);
}

int main(void)
{
    size_t count = MOMENTS + LIVES;
    struct case_result *results = cases_play(count, play_any, NULL);
    for (size_t i = 0; i < count; i++)
        cases_tell(i + 1, &results[i], "%s", i < MOMENTS ? moments[i].name : lives[i - MOMENTS].name);
    cases_free(results, count);
    printf("1..%zu\n", count);
    return 0;
}
