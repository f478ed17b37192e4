/* SPDX-License-Identifier: ISC */
/* A release, a push that fails and is rolled back by itself, one process killed in it. The roll-back is done exactly once, and the bad commit never again. */
#include "faults/killing.h"
#include "faults/shop.h"

#include "berth/base/str.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct commits {
    char good[64], bad[64];
};

static bool is_at(const struct killing *killing, enum kill_moment moment)
{
    return killing->cell->moment == moment;
}

static bool gate_of_push(struct world *world, void *context)
{
    const struct run *run = world_last_run(world);
    (void)context;
    return run && run->origin == ORIGIN_PUSH && run->status == RUN_GATE;
}

static bool push_broken(struct killing *killing, struct commits *commits)
{
    struct world *world = &killing->world;
    struct str template = STR_INIT;
    const struct environment *environment = world_environment(world, STORY_ENVIRONMENT);
    text_copy(commits->good, sizeof commits->good, environment ? environment->commit : "");
    shop_template(&template, killing->cell->executor, SHOP_BROKEN, 0);
    world_push(world, template.data);
    str_release(&template);
    if (!world_wait(world, gate_of_push, NULL)) {
        killing_trouble(killing, "the push did not reach its gate");
        return false;
    }
    text_copy(commits->bad, sizeof commits->bad, world_last_run(world)->commit);
    return true;
}

/* What is held, and armed, while the tool that will fail is held. */
static void get_ready(struct killing *killing)
{
    bool at_end = is_at(killing, AT_ROLLBACK_END) || is_at(killing, AT_ROLLED_BACK);
    if (killing_is_at(killing, AT_ROLLBACK_APPLY))
        world_hold_tool(&killing->world, "up", "a");
    if (at_end)
        world_hold_tool(&killing->world, "check", "all");
    else if (killing->cell->point)
        killing_arm(killing);
    if (killing_is_of(killing, "dashboard"))
        killing_open_dashboard(killing, "");
}

static void kill_in_rollback(struct killing *killing)
{
    bool dies_at_end = is_at(killing, AT_ROLLBACK_END) || is_at(killing, AT_ROLLED_BACK);
    if (killing_is_at(killing, AT_ROLLBACK_PREPARE) || killing_is_at(killing, AT_ROLLBACK_PLAN))
        killing_while_stopped(killing);
    if (killing_is_at(killing, AT_ROLLBACK_APPLY)) {
        killing_wait_tool(killing, "begin up a", 3);
        killing_in_tool(killing, "up", "a");
    }
    if (dies_at_end) {
        killing_wait_tool(killing, "begin check all", 2);
        killing_arm(killing);
        world_release_tool(&killing->world, "check", "all");
    }
}

static void fail(struct killing *killing)
{
    struct world *world = &killing->world;
    world_hold_tool(world, "up", "b");
    story_approve(world, world_last_run(world));
    killing_wait_tool(killing, "begin up b", 2);
    get_ready(killing);
    if (killing_is_at(killing, AT_FAILURE))
        killing_now(killing);
    if (killing_is_at(killing, AT_FAILURE) && killing_is_of(killing, SUPERVISOR_AND_WORKER))
        world_forget_tool(world, "up", "b");
    else
        world_release_tool(world, "up", "b");
    kill_in_rollback(killing);
}

/* --- what must hold --------------------------------------------------------------------------------------------------- */

static void expect_times(struct killing *killing, const char *line, size_t times)
{
    size_t ran = world_journal(&killing->world, line);
    bool may_repeat = killing->held || killing->cell->executor == WORLD_EXEC_RETRIES;
    if (ran < times || ran > times + may_repeat)
        str_addf(&killing->trouble, "\"%s\" %zu times, not %zu; ", line, ran, times);
}

static void check_rolled_back(struct killing *killing, const struct commits *commits)
{
    const struct environment *environment = world_environment(&killing->world, STORY_ENVIRONMENT);
    if (killing_count_runs(killing, WORKFLOW_ROLLBACK) != 1)
        killing_trouble(killing, "it was not rolled back exactly once");
    if (!environment || environment->status != ENVIRONMENT_OK || environment->release != 1)
        killing_trouble(killing, "it is not at its last good release");
    else if (!text_equal(environment->commit, commits->good) || !text_equal(environment->excluded_commit, commits->bad))
        killing_trouble(killing, "the commit is not the good one, or the bad one is not excluded");
    expect_times(killing, "begin up a", 3);
    expect_times(killing, "end up a", 3);
    expect_times(killing, "begin up b", 3);
    if (!killing_is_of(killing, "tool") || !is_at(killing, AT_FAILURE))
        expect_times(killing, "fail up b", 1); /* killed, it failed without a word */
    expect_times(killing, "end up b", 2);
    expect_times(killing, "end up c", 1);
}

static bool is_gone(struct world *world, void *context)
{
    struct branch row;
    (void)world;
    return killing_branch(context, &row) && row.gone_at > 0;
}

static bool is_back(struct world *world, void *context)
{
    struct branch row;
    (void)world;
    return killing_branch(context, &row) && row.gone_at == 0;
}

/* The branch goes and comes back: a push of the bad commit, which nobody may answer by itself. */
static void push_again(struct killing *killing, const struct commits *commits)
{
    struct world *world = &killing->world;
    int64_t before = world_last_run(world)->number;
    world_git(world, "update-ref", "-d", "refs/heads/feature/x");
    if (!world_wait(world, is_gone, killing))
        killing_trouble(killing, "it was not seen that the branch went");
    world_git(world, "update-ref", "refs/heads/feature/x", commits->bad);
    if (!world_wait(world, is_back, killing))
        killing_trouble(killing, "it was not seen that the branch is back");
    killing_let_look(killing);
    if (world_last_run(world)->number != before)
        killing_trouble(killing, "the bad commit was tried again");
}

/* Nor does the push that was refused bring it back. */
static void stays_away(struct killing *killing)
{
    const struct run *run;
    killing_let_look(killing);
    run = world_last_run(&killing->world);
    if (!run || run->workflow != WORKFLOW_DESTROY)
        killing_trouble(killing, "what was destroyed came back by itself");
}

void killing_play_rollback(struct killing *killing)
{
    struct world *world = &killing->world;
    struct commits commits;
    if (!story_deploy(world, &killing->trouble) || !push_broken(killing, &commits))
        return;
    fail(killing);
    killing_settle(killing);
    check_rolled_back(killing, &commits);
    push_again(killing, &commits);
    story_destroy(world, &killing->trouble);
    stays_away(killing);
    killing_check_records(killing);
}
