/* SPDX-License-Identifier: ISC */
/*
 * Runs the cells of the tables of kills with the real berthd: a story, one process killed at one moment of it. After each:
 * nothing that was recorded as finished ran again, nothing interrupted ran again without being asked, no gate was skipped, no tool is left, no
 * lock stays, the audit verifies, the run reached its end or said what it waits for.
 */
#include "faults/cases.h"
#include "faults/killing.h"
#include "faults/shop.h"

#include "berth/base/file.h"
#include "berth/base/str.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY_BRANCHES 2200 /* more than one batch of a listing */
#define FEWER_BRANCHES 2100
#define LONG_STORIES_SHARE 5 /* one in so many is played each time */

static bool child_is_there(struct world *world, void *context)
{
    return world_child(world, context) != 0;
}

static bool tool_runs(struct world *world, void *context)
{
    return world_journal(world, context) > 0;
}

static void arm_in_tool(struct killing *killing)
{
    if (!world_wait(&killing->world, tool_runs, (void *)(uintptr_t) "begin up a"))
        killing_trouble(killing, "the tool never began");
    killing_arm(killing);
    world_release_tool(&killing->world, "up", "a");
}

/* A held run is asked to go on, once it is seen that nothing of it was done again meanwhile. */
static const struct run *go_on_when_held(struct killing *killing, const struct run *run)
{
    for (int tries = 0; run && run->status == RUN_HELD && tries < 3; tries++) {
        killing->held = true;
        if (text_empty(run->status_reason))
            killing_trouble(killing, "a held run does not say why");
        world_ask(&killing->world, "retry", run->id, "{}");
        run = world_wait_run(&killing->world, RUNS_REST & ~(1u << RUN_HELD));
    }
    return run;
}

static bool is_open_at(const struct killing *killing, enum kill_moment moment)
{
    return killing_is_of(killing, "dashboard") && killing_is_at(killing, moment);
}

/* --- the parts of the story ---------------------------------------------------------------------------------------------- */

static void kill_at_gate(struct killing *killing)
{
    if (is_open_at(killing, AT_GATE))
        killing_open_dashboard(killing, "");
    killing_now(killing);
    const struct run *run = world_wait_run(&killing->world, 1u << RUN_GATE | RUNS_REST);
    if (!run || run->status != RUN_GATE)
        killing_trouble(killing, "the gate did not stay");
}

/* Kills, or lets die, while the first tool of an approved run works; it is held meanwhile. */
static void kill_in_apply(struct killing *killing, const struct run *run, const char *action, const char *name)
{
    bool arms = killing_armed_in_tool(killing->cell);
    if (is_open_at(killing, killing->cell->moment))
        killing_open_dashboard(killing, "");
    world_hold_tool(&killing->world, action, name);
    if (run->status == RUN_GATE)
        story_approve(&killing->world, run);
    if (arms)
        arm_in_tool(killing);
    else
        killing_in_tool(killing, action, name);
}

/* From the gate to the run's end, with what is killed after its approval. */
static bool approve_to_end(struct killing *killing, const struct run *run, bool pruning)
{
    struct world *world = &killing->world;
    if (!pruning && (killing_is_at(killing, AT_APPLY) || killing_armed_in_tool(killing->cell))) {
        kill_in_apply(killing, run, "up", "a");
    } else if (!pruning && killing_is_at(killing, AT_CHECK)) {
        kill_in_apply(killing, run, "check", "all");
    } else if (pruning && killing_is_at(killing, AT_PRUNE)) {
        kill_in_apply(killing, run, "down", "c");
    } else {
        bool stops = killing_is_at(killing, AT_HANDED) || killing_is_at(killing, AT_AFTER_TOOL);
        if (killing_armed_at_gate(killing->cell))
            killing_arm(killing);
        if (is_open_at(killing, AT_AFTER_TOOL))
            killing_open_dashboard(killing, "");
        story_approve(world, run);
        if (stops)
            killing_while_stopped(killing);
    }
    run = go_on_when_held(killing, world_wait_run(world, RUNS_REST));
    if (run && run->status == RUN_DONE)
        return true;
    killing_trouble(killing, "the run did not end well");
    return false;
}

/* Moments between the command and the gate at which some process stops itself. */
static bool is_stopped_early(const struct killing *killing)
{
    static const enum kill_moment moments[] = {AT_CLAIM, AT_AFTER_CLAIM, AT_PREPARE, AT_PLAN};
    bool is = false;
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++)
        is = is || (killing->cell->point && killing_is_at(killing, moments[i]));
    return is;
}

/* A worker is started when there is something to do: often there is none before that. */
static void kill_idle_worker(struct killing *killing)
{
    if (world_child(&killing->world, "worker") != 0)
        killing_now(killing);
    killing->killed = true;
}

/* A tool runs while planning where `plan:` names one. */
static bool is_of_planning_tool(const struct killing *killing)
{
    return killing_is_of(killing, "tool") && killing_is_at(killing, AT_PLAN);
}

static const struct run *deploy_again(struct killing *killing, const struct run *failed)
{
    if (!failed || failed->status != RUN_FAILED || text_empty(failed->status_reason))
        killing_trouble(killing, "a plan that was killed does not fail with its reason");
    return story_to_gate(&killing->world, &killing->trouble);
}

static bool deploy(struct killing *killing)
{
    struct world *world = &killing->world;
    if (killing_is_of(killing, "worker") && killing_is_at(killing, AT_CLAIM))
        kill_idle_worker(killing);
    if (killing_is_of(killing, "dashboard") && is_stopped_early(killing))
        killing_open_dashboard(killing, "");
    if (is_of_planning_tool(killing))
        world_hold_tool(world, "plan", "a");
    if (killing_is_of(killing, "dashboard") && killing->cell->moment == AT_ACCEPT)
        killing_deploy_by_key(killing);
    else
        world_submit(world, "deploy", STORY_ENVIRONMENT, "{\"ref\":\"feature/x\"}");
    if (is_of_planning_tool(killing))
        killing_in_tool(killing, "plan", "a");
    if (is_stopped_early(killing))
        killing_while_stopped(killing);
    const struct run *run = world_wait_run(world, 1u << RUN_GATE | RUNS_REST);
    if (killing->cell->outcome == KILL_FAILS)
        run = deploy_again(killing, run);
    if (!run || run->status != RUN_GATE) {
        killing_trouble(killing, "the deploy did not reach its gate");
        return false;
    }
    if (world_journal(world, "begin up a") > 0)
        killing_trouble(killing, "a tool ran before the gate");
    if (killing_is_at(killing, AT_GATE))
        kill_at_gate(killing);
    return approve_to_end(killing, run, false);
}

struct awaited {
    enum workflow workflow;
    int64_t above;
};

static bool run_rests(struct world *world, void *context)
{
    const struct awaited *awaited = context;
    const struct run *run = world_last_run(world);
    return run && run->number > awaited->above && (run->status == RUN_GATE || (RUNS_REST & 1u << run->status));
}

/* The next run, when it is at its gate or rests. */
static const struct run *next_run(struct killing *killing, const char *verb, const char *arguments)
{
    const struct run *last = world_last_run(&killing->world);
    struct awaited awaited = {.above = last ? last->number : 0};
    world_ask(&killing->world, verb, STORY_ENVIRONMENT, arguments);
    if (world_wait(&killing->world, run_rests, &awaited))
        return world_last_run(&killing->world);
    killing_trouble(killing, "the next run does not rest");
    return NULL;
}

static void prune(struct killing *killing)
{
    struct str pruned = STR_INIT;
    shop_template(&pruned, killing->cell->executor, SHOP_AFTER_PRUNE, killing->receiver.port);
    world_push(&killing->world, pruned.data);
    str_release(&pruned);
    const struct run *run = next_run(killing, "deploy", "{\"ref\":\"feature/x\"}");
    if (run && run->status == RUN_GATE)
        approve_to_end(killing, run, true);
    else
        killing_trouble(killing, "pruning did not reach its gate");
    size_t gone = world_journal(&killing->world, "end down c"), fewer = world_journal(&killing->world, "end down d");
    if (gone < 1 || fewer < 1 ||
        (!killing->held && killing->cell->executor != WORLD_EXEC_RETRIES && (gone > 1 || fewer > 1)))
        killing_trouble(killing, "what the template no longer wants is still there");
}

static bool destroyed(struct world *world, void *context)
{
    const struct environment *environment = world_environment(world, STORY_ENVIRONMENT);
    (void)context;
    return environment && environment->status == ENVIRONMENT_DESTROYED;
}

/* A destroy may begin at once or wait at a gate. */
static bool destroy_begins(struct world *world, void *context)
{
    const struct run *run = world_last_run(world);
    (void)context;
    return run && run->workflow == WORKFLOW_DESTROY && run->status >= RUN_GATE;
}

/* Half a confirmation destroys nothing. */
static void confirm_half(struct killing *killing)
{
    int64_t asked = 0;
    struct store_query query = {.type = &command_type, .index = "status"};
    const struct environment *environment = world_environment(&killing->world, STORY_ENVIRONMENT);
    killing_destroy_by_key(killing, false);
    killing_now(killing);
    if (!store_count(killing->world.store, &query, &asked, NULL) || asked != 2)
        killing_trouble(killing, "besides deploy and approve something was asked for");
    if (!environment || environment->status != ENVIRONMENT_OK)
        killing_trouble(killing, "half a confirmation did something");
}

static void destroy(struct killing *killing)
{
    struct world *world = &killing->world;
    bool kills = killing_is_at(killing, AT_DESTROY);
    if (killing_is_at(killing, AT_CONFIRM))
        confirm_half(killing);
    if (kills)
        world_hold_tool(world, "down", "b");
    if (is_open_at(killing, AT_DESTROY))
        killing_destroy_by_key(killing, true);
    else
        world_ask(world, "destroy", STORY_ENVIRONMENT, "{\"confirm\":\"" STORY_ENVIRONMENT "\"}");
    if (!world_wait(world, destroy_begins, NULL)) {
        killing_trouble(killing, "the destroy does not begin");
        return;
    }
    const struct run *run = world_last_run(world);
    if (run->status == RUN_GATE)
        story_approve(world, run);
    if (kills)
        killing_in_tool(killing, "down", "b");
    run = go_on_when_held(killing, world_wait_run(world, RUNS_REST));
    if (!run || run->status != RUN_DONE || !destroyed(world, NULL))
        killing_trouble(killing, "the destroy did not end well");
}

/* --- what must hold ---------------------------------------------------------------------------------------------------- */

static void check_counts(struct killing *killing)
{
    static const char *const names[] = {"a", "b", "c"};
    bool may_repeat = killing->held || killing->cell->executor == WORLD_EXEC_RETRIES;
    for (size_t i = 0; i < 3; i++) {
        char begin_up[32], end_up[32], end_down[32];
        snprintf(begin_up, sizeof begin_up, "begin up %s", names[i]);
        snprintf(end_up, sizeof end_up, "end up %s", names[i]);
        snprintf(end_down, sizeof end_down, "end down %s", names[i]);
        size_t up = world_journal(&killing->world, end_up), down = world_journal(&killing->world, end_down);
        if (up < 1 || down < 1)
            killing_trouble(killing, "something was skipped");
        if (!may_repeat && (up > 1 || down > 1 || world_journal(&killing->world, begin_up) > 1))
            killing_trouble(killing, "something finished ran again");
        if (world_journal(&killing->world, begin_up) > 2)
            killing_trouble(killing, "something ran more often than asked");
    }
}

struct delivered {
    const struct killing *killing;
    size_t waiting, rows, lost, repeated;
};

static bool look_at_delivery(const void *row, void *context)
{
    const struct delivery *delivery = row;
    struct delivered *delivered = context;
    size_t came = receiver_count(&delivered->killing->receiver, delivery->id);
    delivered->rows++;
    delivered->waiting += delivery->status == DELIVERY_WAITING;
    delivered->lost += came == 0;
    delivered->repeated += came > 1;
    return true;
}

static bool all_delivered(struct world *world, void *context)
{
    struct delivered *delivered = context;
    struct store_query query = {.type = &delivery_type};
    *delivered = (struct delivered){.killing = delivered->killing};
    return store_each(world->store, &query, look_at_delivery, delivered, NULL) && delivered->waiting == 0;
}

/* A notification may come twice with the same key; none is lost. */
static void check_deliveries(struct killing *killing)
{
    struct delivered delivered = {.killing = killing};
    if (!world_wait(&killing->world, all_delivered, &delivered))
        killing_trouble(killing, "notifications still wait");
    if (delivered.rows == 0 || delivered.lost > 0)
        killing_trouble(killing, "a notification was lost");
    bool may_repeat = killing->cell->way == KILL_FROM_TEST, repeats = killing->cell->moment == AT_DELIVERED;
    if ((delivered.repeated > 0) != repeats && !may_repeat)
        killing_trouble(killing, "notifications came more often, or less often, than the kill explains");
}

struct listed {
    size_t branches, gone, old; /* old: still at the commit it had before */
    const char *commit;
};

static bool look_at_branch(const void *row, void *context)
{
    const struct branch *branch = row;
    struct listed *listed = context;
    listed->branches++;
    listed->gone += branch->gone_at > 0;
    listed->old += branch->gone_at == 0 && text_starts(branch->name, "more/") && listed->commit &&
                   !text_equal(branch->commit, listed->commit);
    return true;
}

static struct listed look_at_branches(struct world *world, const char *commit)
{
    struct listed listed = {.commit = commit};
    struct store_query query = {.type = &branch_type};
    if (!store_each(world->store, &query, look_at_branch, &listed, NULL))
        listed.branches = 0;
    return listed;
}

static bool all_listed(struct world *world, void *context)
{
    struct listed listed = look_at_branches(world, NULL);
    (void)context;
    return listed.branches == MANY_BRANCHES + 2 && listed.gone == 0;
}

static bool all_listed_again(struct world *world, void *context)
{
    struct listed listed = look_at_branches(world, context);
    return listed.branches == MANY_BRANCHES + 2 && listed.gone == MANY_BRANCHES - FEWER_BRANCHES && listed.old == 0;
}

/* Each branch gets another commit and some go, and the observer dies when it has told a part of that. */
static void list_again(struct killing *killing)
{
    struct world *world = &killing->world;
    if (!world_wait(world, all_listed, NULL))
        killing_trouble(killing, "branches are missing");
    killing_arm(killing);
    world_git(world, "commit", "--allow-empty", "-qmmore");
    char *commit = world_more_branches(world, FEWER_BRANCHES);
    if (!world_wait(world, all_listed_again, commit))
        killing_trouble(killing, "a later listing is not what the repository holds");
    free(commit);
}

static void check_kill(struct killing *killing)
{
    const struct kill_cell *cell = killing->cell;
    if (cell->way == KILL_AT_POINT && !world_fired(&killing->world, cell->point))
        killing_trouble(killing, "the point was never reached");
    if (cell->way == KILL_FROM_TEST && !killing->killed)
        killing_trouble(killing, "nothing was killed");
    if ((cell->outcome == KILL_HOLDS) != killing->held)
        killing_trouble(killing, killing->held ? "it was held, which was not called for" : "it went on without asking");
    if (world_breaches(&killing->world, &killing->trouble) > 0)
        killing_trouble(killing, "");
}

static void check_deploy(struct killing *killing)
{
    const struct kill_cell *cell = killing->cell;
    check_counts(killing);
    if (text_equal(cell->process, "notifier"))
        check_deliveries(killing);
    if (cell->moment == AT_LISTING && !world_wait(&killing->world, all_listed, NULL))
        killing_trouble(killing, "branches are missing");
}

/* --- the cells ------------------------------------------------------------------------------------------------------------ */

/* The policy of a story: what the environment's entry and the whole say besides. */
static void write_policy(struct killing *killing, struct str *policy, struct world_spec *spec)
{
    const struct kill_cell *cell = killing->cell;
    bool asks = cell->moment == AT_TOO_MANY || cell->moment == AT_QUESTION;
    if (cell->story == KILL_DEPLOY && killing_is_of(killing, "notifier"))
        str_addf(policy, "notify: [ { provider: webhook, url: \"http://127.0.0.1:%d/\" } ]\n", spec->port);
    if (cell->story != KILL_DEPLOY)
        str_addf(policy, "notify: [ { provider: git, repository: app } ]\nlimits: { remove_at_once: %d }\n",
                 asks ? 1 : 5);
    spec->policy_more = policy->data;
    if (cell->story == KILL_ROLLBACK) {
        spec->deploy_on = "push";
        spec->on_failure = "rollback";
        spec->entry_more = "    rollback: { gate: none }\n";
    } else if (cell->story == KILL_CLEANER) {
        spec->entry_more = "    destroy_with_branch: { after: 2s }\n";
    }
}

static void open_world(struct killing *killing)
{
    const struct kill_cell *cell = killing->cell;
    bool receives = killing_is_of(killing, "notifier") && cell->story == KILL_DEPLOY;
    bool plans = is_of_planning_tool(killing);
    struct str template = STR_INIT, policy = STR_INIT;
    struct world_spec spec = {.executor = cell->executor};
    if (receives || cell->executor == WORLD_GUARDED)
        receiver_start(&killing->receiver);
    spec.port = killing->receiver.port;
    if (cell->moment == AT_PRUNE || plans) {
        shop_template(&template, cell->executor, plans ? SHOP_PLANNED : SHOP_BEFORE_PRUNE, spec.port);
        spec.template_text = template.data;
    }
    if (cell->moment == AT_LISTING || cell->moment == AT_LATER_LISTING)
        spec.branches = MANY_BRANCHES;
    write_policy(killing, &policy, &spec);
    world_open(&killing->world, &spec);
    str_release(&template);
    str_release(&policy);
}

static void play_deploy(struct killing *killing)
{
    if (killing->cell->moment == AT_LATER_LISTING)
        list_again(killing);
    if (deploy(killing)) {
        if (killing->cell->moment == AT_PRUNE)
            prune(killing);
        destroy(killing);
    }
    check_deploy(killing);
}

static void play_cell(size_t index, void *context, struct str *said, struct str *note)
{
    static void (*const stories[KILL_STORIES])(struct killing * killing) = {
        [KILL_DEPLOY] = play_deploy,
        [KILL_ROLLBACK] = killing_play_rollback,
        [KILL_CLEANER] = killing_play_cleaner,
    };
    const struct kill_cell *cells = context;
    struct killing killing = {.cell = &cells[index], .trouble = STR_INIT};
    char fault[128];
    (void)note;
    open_world(&killing);
    killing.world.fault = killing_fault(killing.cell, fault, sizeof fault);
    world_start(&killing.world);
    const char *observer = killing_is_of(&killing, "observer:probes") ? "observer:probes" : "observer:branches";
    if (!world_wait(&killing.world, child_is_there, (void *)(uintptr_t)observer))
        killing_trouble(&killing, "no observer");
    stories[killing.cell->story](&killing);
    check_kill(&killing);
    str_add(said, killing.trouble.data);
    str_release(&killing.trouble);
    receiver_stop(&killing.receiver);
    world_close(&killing.world);
}

/* doc/kills.md is what is played here. */
static bool page_is_new(void)
{
    struct str table = STR_INIT, page = STR_INIT;
    struct error error = {0};
    kill_table(&table);
    if (getenv("BERTH_UPDATE") &&
        !file_replace(TEST_SRCDIR "/doc/kills.md", table.data, table.length, 0644, FILE_RELAXED, &error))
        printf("# %s\n", error.message);
    bool same = file_read(TEST_SRCDIR "/doc/kills.md", 1u << 20, &page, &error) && text_equal(page.data, table.data);
    str_release(&table);
    str_release(&page);
    return same;
}

static void name_of(const struct kill_cell *cell, struct str *name)
{
    str_clear(name);
    str_addf(name, "kill %s %s, %s", cell->process, kill_moment_names[cell->moment],
             world_executor_names[cell->executor]);
}

/* Only the cell of this number, or those whose names hold this text; without that all, of the long stories a choice. */
static bool is_chosen(const char *choice, size_t number, const char *name, const struct kill_cell *cell)
{
    long long only;
    if (!choice)
        return cell->story == KILL_DEPLOY || cases_exhaustive() || (number + cases_seed()) % LONG_STORIES_SHARE == 0;
    return text_to_int(choice, &only) ? only == (long long)number : strstr(name, choice) != NULL;
}

int main(int argc, char **argv)
{
    struct kill_cell all[KILL_CELLS], cells[KILL_CELLS];
    size_t count = kill_cells(all, KILL_CELLS), kept = 0, numbers[KILL_CELLS], number = 0;
    struct str name = STR_INIT;
    for (size_t i = 0; i < count; i++) {
        name_of(&all[i], &name);
        if (all[i].way == KILL_IMPOSSIBLE || !is_chosen(argc > 1 ? argv[1] : NULL, ++number, name.data, &all[i]))
            continue;
        numbers[kept] = number;
        cells[kept++] = all[i];
    }
    struct case_result *results = cases_play(kept, play_cell, cells);
    for (size_t i = 0; i < kept; i++) {
        name_of(&cells[i], &name);
        cases_tell(i + 1, &results[i], "%s (cell %zu)", name.data, numbers[i]);
    }
    cases_free(results, kept);
    str_release(&name);
    printf("%s %zu - doc/kills.md is the table that was played\n1..%zu\n", page_is_new() ? "ok" : "not ok", kept + 1,
           kept + 1);
    return 0;
}
