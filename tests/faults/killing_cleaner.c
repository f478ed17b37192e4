/* SPDX-License-Identifier: ISC */
/* A release whose branch goes, one process killed while the cleaner takes the environment after it; or somebody says undo, the branch comes back, too many would go. */
#include "faults/killing.h"

#include "berth/base/str.h"

#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BRANCH "refs/heads/feature/x"
#define OTHER "refs/heads/feature/y"
#define GRACE_MS 2000 /* as the policy of the story says */
#define MID_PLAN "worker.mid_plan"

static bool is_at(const struct killing *killing, enum kill_moment moment)
{
    return killing->cell->moment == moment;
}

static bool is_undone(const struct killing *killing)
{
    return is_at(killing, AT_UNDO) || is_at(killing, AT_UNDONE);
}

static bool is_kept(const struct killing *killing)
{
    return is_undone(killing) || is_at(killing, AT_BACK);
}

static bool are_too_many(const struct killing *killing)
{
    return is_at(killing, AT_TOO_MANY) || is_at(killing, AT_QUESTION);
}

/* --- conditions ------------------------------------------------------------------------------------------------------- */

static bool is_missed(struct world *world, void *context)
{
    struct branch row;
    (void)world;
    return killing_branch(context, &row) && row.misses > 0;
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
    return killing_branch(context, &row) && row.gone_at == 0 && row.misses == 0;
}

static bool has_end(struct world *world, void *context)
{
    const struct environment *environment = world_environment(world, STORY_ENVIRONMENT);
    (void)context;
    return environment && environment->ends_at != 0;
}

static bool is_destroyed(struct world *world, void *context)
{
    const struct environment *environment = world_environment(world, STORY_ENVIRONMENT);
    const struct run *run = world_last_run(world);
    (void)context;
    return (environment && environment->status == ENVIRONMENT_DESTROYED) || (run && run->status == RUN_HELD);
}

static bool count_question(const void *row, void *context)
{
    *(size_t *)context += text_equal(((const struct hold *)row)->kind, "cleaner");
    return true;
}

static bool both_are_asked(struct world *world, void *context)
{
    struct store_query query = {.type = &hold_type};
    size_t questions = 0;
    (void)context;
    return store_each(world->store, &query, count_question, &questions, NULL) && questions == 2;
}

static void expect(struct killing *killing, world_condition *holds, const char *otherwise)
{
    if (!world_wait(&killing->world, holds, killing))
        killing_trouble(killing, otherwise);
}

/* --- the story -------------------------------------------------------------------------------------------------------- */

static bool other_is_listed(struct world *world, void *context)
{
    struct branch row;
    (void)context;
    return store_get(world->store, &branch_type, "app:feature/y", &world->arena, &row, NULL) == STORE_FOUND;
}

static void deploy_other(struct killing *killing)
{
    struct world *world = &killing->world;
    world_git(world, "update-ref", OTHER, BRANCH);
    expect(killing, other_is_listed, "the other branch was not seen");
    world_ask(world, "deploy", "feature/y", "{}");
    const struct run *run = story_to_end(world, &killing->trouble);
    if (!run || run->status != RUN_DONE || killing_count_runs(killing, WORKFLOW_DEPLOY) != 2)
        killing_trouble(killing, "the other environment is not there");
}

/* The first is stored when the second has been sent. */
static bool is_second_listing(const struct killing *killing)
{
    return is_at(killing, AT_GONE_TWICE) || killing_is_at(killing, AT_GONE_ONCE);
}

static void get_ready(struct killing *killing)
{
    struct world *world = &killing->world;
    if (is_at(killing, AT_LAST_GONE) || is_at(killing, AT_ENDED))
        world_hold_tool(world, "down", "a");
    else if (killing_is_at(killing, AT_FIRST_TOUCH))
        world_hold_tool(world, "down", "c");
    else if (killing->cell->point && !is_undone(killing))
        killing_arm_point(killing, killing->cell->point, is_second_listing(killing) ? 2 : 1);
    if (is_undone(killing))
        killing_arm_point(killing, MID_PLAN, 1);
    if (killing_is_of(killing, "dashboard"))
        killing_open_dashboard(killing, "");
}

/* While the destroy is being planned by a worker that stopped itself there. */
static void undo(struct killing *killing)
{
    struct world *world = &killing->world;
    pid_t planning = killing_stopped(killing, MID_PLAN);
    if (killing->cell->way == KILL_AT_POINT) {
        killing_arm(killing);
        world_ask(world, "undo", STORY_ENVIRONMENT, "{}");
    } else {
        const char *asked = world_submit(world, "undo", STORY_ENVIRONMENT, "{}");
        killing->killed = planning > 0 && kill(planning, SIGKILL) == 0;
        (void)asked;
    }
    if (planning > 0)
        kill(planning, SIGCONT);
}

static void come_back(struct killing *killing, const char *commit)
{
    struct world *world = &killing->world;
    pid_t planning = killing_stopped(killing, MID_PLAN);
    world_git(world, "update-ref", BRANCH, commit);
    if (killing_is_of(killing, "observer:branches"))
        killing_now(killing);
    expect(killing, is_back, "it was not seen that the branch is back");
    if (killing_is_of(killing, "worker"))
        killing->killed = planning > 0 && kill(planning, SIGKILL) == 0;
    else if (!killing_is_of(killing, "observer:branches"))
        killing_now(killing);
    if (planning > 0)
        kill(planning, SIGCONT);
}

static void kill_in_destroy(struct killing *killing)
{
    if (killing_is_at(killing, AT_ENDING_PLAN))
        killing_while_stopped(killing);
    if (killing_is_at(killing, AT_FIRST_TOUCH))
        killing_in_tool(killing, "down", "c");
    if (is_at(killing, AT_LAST_GONE) || is_at(killing, AT_ENDED)) {
        killing_wait_tool(killing, "begin down a", 1);
        killing_arm(killing);
        world_release_tool(&killing->world, "down", "a");
    }
}

static void go(struct killing *killing, const char *commit)
{
    struct world *world = &killing->world;
    if (are_too_many(killing))
        world_git(world, "update-ref", "-d", OTHER);
    world_git(world, "update-ref", "-d", BRANCH);
    if (killing_is_at(killing, AT_GONE_ONCE)) {
        expect(killing, is_missed, "it was not seen that the branch is missing");
        killing_while_stopped(killing);
    } else if (killing_is_at(killing, AT_GONE_TWICE)) {
        expect(killing, is_gone, "it was not seen that the branch went");
        killing_now(killing);
    } else if (killing_is_at(killing, AT_GRACE)) {
        expect(killing, has_end, "no end was set");
        killing_now(killing);
    }
    if (is_undone(killing))
        undo(killing);
    else if (is_at(killing, AT_BACK))
        come_back(killing, commit);
    else
        kill_in_destroy(killing);
}

/* --- what must hold --------------------------------------------------------------------------------------------------- */

static bool take_destroy(const void *row, void *context)
{
    const struct run *run = row;
    struct killing *killing = context;
    struct branch branch;
    bool is_cleaners = run->origin == ORIGIN_CLEANER;
    if (run->workflow != WORKFLOW_DESTROY)
        return true;
    if (!is_cleaners || !strstr(run->reason, "gone since") || !strstr(run->reason, "missing in"))
        str_addf(&killing->trouble, "run %s destroys without evidence: %s; ", run->id, run->reason);
    if (!killing_branch(killing, &branch) || run->created_at < branch.gone_at + GRACE_MS)
        str_addf(&killing->trouble, "run %s did not wait for the grace; ", run->id);
    return true;
}

static void check_destroyed(struct killing *killing)
{
    static const char *const lines[] = {"end down a", "end down b", "end down c"};
    struct store_query query = {.type = &run_type, .index = "number"};
    expect(killing, is_destroyed, "it was not destroyed");
    killing_settle(killing);
    bool may_repeat = killing->held || killing->cell->executor == WORLD_EXEC_RETRIES;
    expect(killing, is_destroyed, "it was not destroyed");
    if (killing_count_runs(killing, WORKFLOW_DESTROY) != 1)
        killing_trouble(killing, "there is not exactly one destroy");
    if (!store_each(killing->world.store, &query, take_destroy, killing, NULL))
        killing_trouble(killing, "runs cannot be read");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        size_t times = world_journal(&killing->world, lines[i]);
        if (times < 1 || times > 1u + may_repeat)
            str_addf(&killing->trouble, "\"%s\" %zu times; ", lines[i], times);
    }
    killing_let_look(killing);
    if (killing_count_runs(killing, WORKFLOW_DESTROY) != 1)
        killing_trouble(killing, "it was destroyed again");
}

static void check_untouched(struct killing *killing, size_t destroys)
{
    const struct environment *environment;
    killing_settle(killing);
    killing_let_look(killing);
    environment = world_environment(&killing->world, STORY_ENVIRONMENT);
    if (!environment || environment->status != ENVIRONMENT_OK || !text_empty(environment->lock_run))
        killing_trouble(killing, "the environment is not as it was");
    if (world_journal(&killing->world, "begin down c") > 0)
        killing_trouble(killing, "something was destroyed");
    if (killing_count_runs(killing, WORKFLOW_DESTROY) != destroys)
        killing_trouble(killing, "it was asked for again");
    story_destroy(&killing->world, &killing->trouble); /* by a person, who types its name */
}

static void check_asked(struct killing *killing)
{
    expect(killing, both_are_asked, "nobody was asked whether so many may go");
    if (killing_is_at(killing, AT_QUESTION))
        killing_now(killing);
    check_untouched(killing, 0);
}

void killing_play_cleaner(struct killing *killing)
{
    struct world *world = &killing->world;
    char commit[64];
    if (!story_deploy(world, &killing->trouble))
        return;
    text_copy(commit, sizeof commit, world_environment(world, STORY_ENVIRONMENT)->commit);
    if (are_too_many(killing))
        deploy_other(killing);
    get_ready(killing);
    go(killing, commit);
    if (are_too_many(killing))
        check_asked(killing);
    else if (is_kept(killing))
        check_untouched(killing, 1);
    else
        check_destroyed(killing);
    killing_check_records(killing);
}
