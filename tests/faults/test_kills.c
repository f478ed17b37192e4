/* SPDX-License-Identifier: ISC */
/*
 * Runs every cell of the table of kills with the real berthd: a deploy with its gate, then a destroy, one process killed at one moment. After each story:
 * nothing that was recorded as finished ran again, nothing interrupted ran again without being asked, no gate was skipped, no tool is left, no
 * lock stays, the audit verifies, the run reached its end or said what it waits for.
 */
#include "faults/cases.h"
#include "faults/kills.h"
#include "faults/receiver.h"
#include "faults/story.h"

#include "berth/base/file.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "e2e/screen.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELLS_LIMIT 256
#define LOOK_MS 20
#define ARMED 100000       /* more often than a point is reached before */
#define MANY_BRANCHES 2200 /* more than one batch of a listing */

/* What pruning begins with, and what it goes to: c goes, and of two d one stays. a and b are not run again: the commit does not touch their tool. */
#define SHOP(resources) "template: shop\nversion: 1\nresources:\n" resources
#define CHANGED "changed: [tool]"
#define LASTING(more)                                                                            \
    "  a: { executor: exec, run: [./tool, up, a], undo: [./tool, down, a], " CHANGED more " }\n" \
    "  b: { executor: exec, run: [./tool, up, b], undo: [./tool, down, b], needs: [a], " CHANGED more " }\n"
#define PRUNED(more) \
    "  c: { executor: exec, run: [./tool, up, c], undo: [./tool, down, c], needs: [b], " CHANGED more " }\n"
#define COUNTED(count, more) \
    "  d: { executor: exec, run: [./tool, up, d], undo: [./tool, down, d], count: " count ", " CHANGED more " }\n"
#define AGAIN ", retries: { attempts: 3, backoff: 1s }"
#define BESIDE "  zone: { executor: external, description: not ours, contact: bob }\n"
static const char *const before_prune[] = {SHOP(LASTING("") PRUNED("") COUNTED("2", "")),
                                           SHOP(LASTING(AGAIN) PRUNED(AGAIN) COUNTED("2", AGAIN)),
                                           SHOP(BESIDE LASTING("") PRUNED("") COUNTED("2", ""))};
static const char *const after_prune[] = {SHOP(LASTING("") COUNTED("1", "")), SHOP(LASTING(AGAIN) COUNTED("1", AGAIN)),
                                          SHOP(BESIDE LASTING("") COUNTED("1", ""))};

struct story {
    struct world world;
    const struct kill_cell *cell;
    struct receiver receiver;
    struct screen dashboard;
    struct str trouble;
    bool held, killed;
};

static void trouble(struct story *story, const char *text)
{
    story_trouble(&story->world, &story->trouble, text);
}

/* --- killing at the right moment ---------------------------------------------------------------------------------- */

static bool point_fired(struct world *world, void *context)
{
    return world_fired(world, context);
}

static bool tool_runs(struct world *world, void *context)
{
    return world_journal(world, context) > 0;
}

static bool child_is_there(struct world *world, void *context)
{
    return world_child(world, context) != 0;
}

static void kill_tool(pid_t pid, void *context)
{
    (void)context;
    kill(pid, SIGKILL);
}

static bool kill_tool_of(const void *row, void *context)
{
    const struct step *step = row;
    struct str variable = STR_INIT;
    (void)context;
    if (step->status == STEP_RUNNING) {
        str_addf(&variable, "BERTH_STEP_TOKEN=%s", step->token);
        process_find(variable.data, 0, kill_tool, NULL);
    }
    str_release(&variable);
    return true;
}

static void kill_tools(struct story *story)
{
    struct store_query steps = {.type = &step_type};
    if (!store_each(story->world.store, &steps, kill_tool_of, NULL, NULL))
        trouble(story, "cannot find the tool");
}

static bool serves_now(struct world *world, void *context)
{
    struct daemon row;
    (void)context;
    return store_get(world->store, &daemon_type, "berthd", &world->arena, &row, NULL) == STORE_FOUND &&
           row.pid == world->daemon.pid;
}

/* The next supervisor is killed as soon as it has begun. */
static void kill_next(struct story *story)
{
    while (!world_keep(&story->world))
        continue;
    if (!world_wait(&story->world, serves_now, NULL))
        trouble(story, "the next supervisor never began");
    world_kill(&story->world, SIGKILL);
}

/* After a restart pids mean other processes: every mark names this living process, of another boot. */
static void restart_machine(struct story *story)
{
    struct folder_list list;
    struct str text = STR_INIT;
    const struct run *run = world_last_run(&story->world);
    char *folder = path_printf("%s/runs/%s", story->world.store_folder, run ? run->id : "");
    uint64_t ticks = 0;
    if (!process_start_ticks(getpid(), &ticks) || !folder_list(folder, &list, NULL)) {
        trouble(story, "no marks");
        return;
    }
    str_addf(&text, "%d %" PRIu64 " 00000000-0000-0000-0000-000000000000\n", (int)getpid(), ticks);
    for (size_t i = 0; i < list.count; i++) {
        char *path = path_join(folder, list.names[i]);
        if (text_ends(path, ".started") && !file_replace(path, text.data, text.length, 0600, FILE_RELAXED, NULL))
            trouble(story, "a mark cannot be changed");
        free(path);
    }
    folder_list_free(&list);
    free(folder);
    str_release(&text);
}

static void kill_child(struct story *story, const char *kind)
{
    if (world_wait(&story->world, child_is_there, (void *)(uintptr_t)kind))
        kill(world_child(&story->world, kind), SIGKILL);
    else
        trouble(story, "there is nothing to kill");
}

static void kill_now(struct story *story)
{
    struct world *world = &story->world;
    const char *process = story->cell->process;
    story->killed = true;
    if (text_equal(process, "supervisor")) {
        world_kill(world, SIGKILL);
    } else if (text_equal(process, SUPERVISOR_TWICE)) {
        world_kill(world, SIGKILL);
        kill_next(story);
    } else if (text_equal(process, SUPERVISOR_AND_WORKER)) {
        world_kill(world, SIGSTOP); /* it must not see that its workers went */
        world_kill_workers(world);
        world_kill(world, SIGKILL);
    } else if (text_equal(process, THE_MACHINE)) {
        world_kill(world, SIGSTOP);
        world_kill_workers(world);
        kill_tools(story);
        world_kill(world, SIGKILL);
        restart_machine(story);
    } else if (text_equal(process, "tool")) {
        kill_tools(story);
    } else if (text_equal(process, "dashboard")) {
        screen_stop(&story->dashboard);
    } else {
        kill_child(story, process);
    }
}

/* A worker stopped itself at a point: the supervisor is killed meanwhile, then it may go on. */
static void kill_while_stopped(struct story *story)
{
    struct world *world = &story->world;
    char *path = path_printf("%s/faults/%s.fired", world->folder, story->cell->point);
    struct str text = STR_INIT;
    long long pid = 0;
    if (!world_wait(world, point_fired, (void *)(uintptr_t)story->cell->point))
        trouble(story, "the point was never reached");
    if (file_read(path, 64, &text, NULL))
        pid = strtoll(text.data, NULL, 10);
    kill_now(story);
    if (text_equal(story->cell->process, "supervisor")) {
        while (!world_keep(world))
            continue;
    }
    if (pid > 0)
        kill((pid_t)pid, SIGCONT);
    free(path);
    str_release(&text);
}

/* --- the story ------------------------------------------------------------------------------------------------------ */

/* Points that every result reaches: armed while the first tool runs, so that it is a tool's result that dies there. */
static bool is_armed_late(const struct kill_cell *cell)
{
    return cell->way == KILL_AT_POINT && ((cell->moment == AT_AFTER_TOOL && text_equal(cell->process, "supervisor")) ||
                                          cell->moment == AT_AFTER_RESULT);
}

/* Claims of an apply, not of the prepare step before it: armed at the gate. */
static bool is_armed_at_gate(const struct kill_cell *cell)
{
    return cell->way == KILL_AT_POINT && text_equal(cell->process, "supervisor") &&
           (cell->moment == AT_CLAIM || cell->moment == AT_AFTER_CLAIM);
}

static void arm(struct story *story)
{
    char *path = path_printf("%s/faults/%s.count", story->world.folder, story->cell->point);
    char *count = path_printf("%d\n", ARMED - 1);
    if (!file_replace(path, count, strlen(count), 0600, FILE_RELAXED, NULL))
        trouble(story, "the point cannot be armed");
    free(path);
    free(count);
}

static void arm_in_tool(struct story *story)
{
    if (!world_wait(&story->world, tool_runs, (void *)(uintptr_t) "begin up a"))
        trouble(story, "the tool never began");
    arm(story);
    world_release_tool(&story->world, "up", "a");
}

static const char *fault_of(const struct kill_cell *cell, char *buffer, size_t size)
{
    buffer[0] = '\0';
    if (is_armed_late(cell) || is_armed_at_gate(cell))
        snprintf(buffer, size, "%s:%d", cell->point, ARMED);
    else if (cell->way == KILL_AT_POINT)
        snprintf(buffer, size, "%s", cell->point);
    else if (cell->way == KILL_FROM_TEST && cell->point)
        snprintf(buffer, size, "%s=stop", cell->point);
    return buffer;
}

static bool from_test_at(const struct story *story, enum kill_moment moment)
{
    return story->cell->way == KILL_FROM_TEST && story->cell->moment == moment;
}

/* A held run is asked to go on, once it is seen that nothing of it was done again meanwhile. */
static const struct run *go_on_when_held(struct story *story, const struct run *run)
{
    for (int tries = 0; run && run->status == RUN_HELD && tries < 3; tries++) {
        story->held = true;
        if (text_empty(run->status_reason))
            trouble(story, "a held run does not say why");
        world_ask(&story->world, "retry", run->id, "{}");
        run = world_wait_run(&story->world, RUNS_REST & ~(1u << RUN_HELD));
    }
    return run;
}

/* --- the dashboard ------------------------------------------------------------------------------------------------------ */

static void open_dashboard(struct story *story, const char *fault)
{
    char program[] = TEST_BUILDDIR "/src/berth", view[] = "--view", branches[] = "branches";
    char *folder = path_join(story->world.folder, "faults");
    char *argv[] = {getenv("BERTH") ? getenv("BERTH") : program, view, branches, NULL};
    setenv("BERTH_FAULT", fault, 1);
    setenv("BERTH_FAULT_FOLDER", folder, 1);
    screen_start(&story->dashboard, 36, 120, story->world.repository, argv);
    unsetenv("BERTH_FAULT");
    unsetenv("BERTH_FAULT_FOLDER");
    if (!screen_wait(&story->dashboard, "feature/x"))
        trouble(story, "the dashboard shows no branch");
    free(folder);
}

/* The deploy is asked for by a key, and the dashboard dies the moment its command is in the store. */
static void deploy_by_key(struct story *story)
{
    open_dashboard(story, story->cell->point);
    screen_type(&story->dashboard, "/feature\r");
    if (!screen_wait(&story->dashboard, "Branches 1 of"))
        trouble(story, "the branch cannot be found");
    screen_type(&story->dashboard, "D");
    if (!screen_wait(&story->dashboard, "y: deploy"))
        trouble(story, "no question");
    screen_type(&story->dashboard, "y");
    if (!screen_wait_end(&story->dashboard))
        trouble(story, "the dashboard did not die");
    screen_stop(&story->dashboard);
    story->killed = true;
}

static void open_when_needed(struct story *story, enum kill_moment moment)
{
    if (text_equal(story->cell->process, "dashboard") && from_test_at(story, moment))
        open_dashboard(story, "");
}

/* --- the parts of the story ---------------------------------------------------------------------------------------------- */

/* The next supervisor has looked several times, and leaves a worker that lives alone. */
static void leave_alone(struct story *story)
{
    int before = (int)world_last_run(&story->world)->status;
    if (!world_wait(&story->world, serves_now, NULL))
        trouble(story, "the next supervisor never began");
    for (int looks = 0; looks < 20; looks++)
        poll(NULL, 0, LOOK_MS);
    if ((int)world_last_run(&story->world)->status != before)
        trouble(story, "a living worker was taken for dead");
}

/* Kills in the middle of a tool that the test holds in its pipe. */
static void kill_in_tool(struct story *story, const char *action, const char *name)
{
    struct str line = STR_INIT;
    str_addf(&line, "begin %s %s", action, name);
    if (!world_wait(&story->world, tool_runs, line.data))
        trouble(story, "the tool never began");
    kill_now(story);
    if (text_equal(story->cell->process, "supervisor")) {
        while (!world_keep(&story->world))
            poll(NULL, 0, 1);
        leave_alone(story);
    }
    if (text_equal(story->cell->process, SUPERVISOR_AND_WORKER))
        world_forget_tool(&story->world, action, name); /* only the recovery ends it */
    else
        world_release_tool(&story->world, action, name);
    str_release(&line);
}

static void kill_at_gate(struct story *story)
{
    open_when_needed(story, AT_GATE);
    kill_now(story);
    const struct run *run = world_wait_run(&story->world, 1u << RUN_GATE | RUNS_REST);
    if (!run || run->status != RUN_GATE)
        trouble(story, "the gate did not stay");
}

/* From the gate to the run's end; the tool of the moment is held and something killed while it runs. */
static bool approve_to_end(struct story *story, const struct run *run, enum kill_moment moment, const char *action,
                           const char *name)
{
    struct world *world = &story->world;
    bool checks = moment == AT_APPLY && from_test_at(story, AT_CHECK), kills = from_test_at(story, moment) || checks;
    open_when_needed(story, moment);
    if (checks) {
        action = "check";
        name = "all";
    }
    bool arms = moment == AT_APPLY && is_armed_late(story->cell);
    if (kills || arms)
        world_hold_tool(world, action, name);
    if (moment == AT_APPLY && is_armed_at_gate(story->cell))
        arm(story);
    if (run->status == RUN_GATE)
        story_approve(world, run);
    if (kills)
        kill_in_tool(story, action, name);
    if (arms)
        arm_in_tool(story);
    run = go_on_when_held(story, world_wait_run(world, RUNS_REST));
    if (run && run->status == RUN_DONE)
        return true;
    trouble(story, "the run did not end well");
    return false;
}

static bool deploy(struct story *story)
{
    struct world *world = &story->world;
    if (from_test_at(story, AT_CLAIM) && world_child(world, story->cell->process) != 0)
        kill_now(story);
    story->killed =
        story->killed || from_test_at(story, AT_CLAIM); /* a worker is started when there is something to do */
    if (text_equal(story->cell->process, "dashboard") && story->cell->moment == AT_ACCEPT)
        deploy_by_key(story);
    else
        world_submit(world, "deploy", STORY_ENVIRONMENT, "{\"ref\":\"feature/x\"}");
    if (from_test_at(story, AT_PREPARE) || from_test_at(story, AT_PLAN))
        kill_while_stopped(story);
    const struct run *run = world_wait_run(world, 1u << RUN_GATE | RUNS_REST);
    if (!run || run->status != RUN_GATE) {
        trouble(story, "the deploy did not reach its gate");
        return false;
    }
    if (world_journal(world, "begin up a") > 0)
        trouble(story, "a tool ran before the gate");
    if (from_test_at(story, AT_GATE))
        kill_at_gate(story);
    return approve_to_end(story, run, AT_APPLY, "up", "a");
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
static const struct run *next_run(struct story *story, const char *verb, const char *arguments)
{
    const struct run *last = world_last_run(&story->world);
    struct awaited awaited = {.above = last ? last->number : 0};
    world_ask(&story->world, verb, STORY_ENVIRONMENT, arguments);
    if (world_wait(&story->world, run_rests, &awaited))
        return world_last_run(&story->world);
    trouble(story, "the next run does not rest");
    return NULL;
}

static void prune(struct story *story)
{
    world_push(&story->world, after_prune[story->cell->executor]);
    const struct run *run = next_run(story, "deploy", "{\"ref\":\"feature/x\"}");
    if (run && run->status == RUN_GATE)
        approve_to_end(story, run, AT_PRUNE, "down", "c");
    else
        trouble(story, "pruning did not reach its gate");
    size_t gone = world_journal(&story->world, "end down c"), fewer = world_journal(&story->world, "end down d");
    if (gone < 1 || fewer < 1 ||
        (!story->held && story->cell->executor != WORLD_EXEC_RETRIES && (gone > 1 || fewer > 1)))
        trouble(story, "what the template no longer wants is still there");
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

static void destroy(struct story *story)
{
    struct world *world = &story->world;
    if (from_test_at(story, AT_DESTROY) && !text_equal(story->cell->process, "dashboard"))
        world_hold_tool(world, "down", "b");
    world_ask(world, "destroy", STORY_ENVIRONMENT, "{\"confirm\":\"" STORY_ENVIRONMENT "\"}");
    if (!world_wait(world, destroy_begins, NULL)) {
        trouble(story, "the destroy does not begin");
        return;
    }
    const struct run *run = world_last_run(world);
    if (run->status == RUN_GATE)
        story_approve(world, run);
    if (from_test_at(story, AT_DESTROY) && text_equal(story->cell->process, "dashboard")) {
        open_dashboard(story, "");
        kill_now(story);
    } else if (from_test_at(story, AT_DESTROY)) {
        kill_in_tool(story, "down", "b");
    }
    run = go_on_when_held(story, world_wait_run(world, RUNS_REST));
    if (!run || run->status != RUN_DONE || !destroyed(world, NULL))
        trouble(story, "the destroy did not end well");
}

/* --- what must hold ---------------------------------------------------------------------------------------------------- */

static void check_counts(struct story *story)
{
    static const char *const names[] = {"a", "b", "c"};
    bool may_repeat = story->held || story->cell->executor == WORLD_EXEC_RETRIES;
    for (size_t i = 0; i < 3; i++) {
        char begin_up[32], end_up[32], end_down[32];
        snprintf(begin_up, sizeof begin_up, "begin up %s", names[i]);
        snprintf(end_up, sizeof end_up, "end up %s", names[i]);
        snprintf(end_down, sizeof end_down, "end down %s", names[i]);
        size_t up = world_journal(&story->world, end_up), down = world_journal(&story->world, end_down);
        if (up < 1 || down < 1)
            trouble(story, "something was skipped");
        if (!may_repeat && (up > 1 || down > 1 || world_journal(&story->world, begin_up) > 1))
            trouble(story, "something finished ran again");
        if (world_journal(&story->world, begin_up) > 2)
            trouble(story, "something ran more often than asked");
    }
}

struct delivered {
    const struct story *story;
    size_t waiting, rows, lost, repeated;
};

static bool look_at_delivery(const void *row, void *context)
{
    const struct delivery *delivery = row;
    struct delivered *delivered = context;
    size_t came = receiver_count(&delivered->story->receiver, delivery->id);
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
    *delivered = (struct delivered){.story = delivered->story};
    return store_each(world->store, &query, look_at_delivery, delivered, NULL) && delivered->waiting == 0;
}

/* A notification may come twice with the same key; none is lost. */
static void check_deliveries(struct story *story)
{
    struct delivered delivered = {.story = story};
    if (!world_wait(&story->world, all_delivered, &delivered))
        trouble(story, "notifications still wait");
    if (delivered.rows == 0 || delivered.lost > 0)
        trouble(story, "a notification was lost");
    if ((delivered.repeated > 0) != (story->cell->moment == AT_DELIVERED))
        trouble(story, "notifications came more often, or less often, than the kill explains");
}

static bool all_listed(struct world *world, void *context)
{
    struct store_query query = {.type = &branch_type};
    int64_t count = 0;
    (void)context;
    return store_count(world->store, &query, &count, NULL) && count == MANY_BRANCHES + 2;
}

static void check_story(struct story *story)
{
    const struct kill_cell *cell = story->cell;
    if (cell->way == KILL_AT_POINT && !world_fired(&story->world, cell->point))
        trouble(story, "the point was never reached");
    if (cell->way == KILL_FROM_TEST && !story->killed)
        trouble(story, "nothing was killed");
    if ((cell->outcome == KILL_HOLDS) != story->held)
        trouble(story, story->held ? "it was held, which was not called for" : "it went on without asking");
    check_counts(story);
    if (text_equal(cell->process, "notifier"))
        check_deliveries(story);
    if (cell->moment == AT_LISTING && !world_wait(&story->world, all_listed, NULL))
        trouble(story, "branches are missing");
    if (world_breaches(&story->world, &story->trouble) > 0)
        trouble(story, "");
}

/* --- the cells ------------------------------------------------------------------------------------------------------------ */

static void open_world(struct story *story, struct str *policy)
{
    const struct kill_cell *cell = story->cell;
    struct world_spec spec = {.executor = cell->executor};
    if (cell->moment == AT_PRUNE)
        spec.template_text = before_prune[cell->executor];
    if (cell->moment == AT_LISTING)
        spec.branches = MANY_BRANCHES;
    if (text_equal(cell->process, "notifier")) {
        receiver_start(&story->receiver, "/tmp");
        str_addf(policy, "notify: [ { provider: webhook, url: \"http://127.0.0.1:%d/\" } ]\n", story->receiver.port);
        spec.policy_more = policy->data;
    }
    world_open(&story->world, &spec);
}

static void play_cell(size_t index, void *context, struct str *said, struct str *note)
{
    const struct kill_cell *cells = context;
    struct story story = {.cell = &cells[index], .trouble = STR_INIT};
    struct str policy = STR_INIT;
    char fault[128];
    (void)note;
    open_world(&story, &policy);
    story.world.fault = text_equal(story.cell->process, "dashboard") ? "" : fault_of(story.cell, fault, sizeof fault);
    world_start(&story.world);
    if (!world_wait(&story.world, child_is_there, (void *)(uintptr_t) "observer:branches"))
        trouble(&story, "no observer");
    if (deploy(&story)) {
        if (story.cell->moment == AT_PRUNE)
            prune(&story);
        destroy(&story);
    }
    check_story(&story);
    str_add(said, story.trouble.data);
    str_release(&story.trouble);
    str_release(&policy);
    receiver_stop(&story.receiver);
    world_close(&story.world);
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

int main(int argc, char **argv)
{
    struct kill_cell all[CELLS_LIMIT], cells[CELLS_LIMIT];
    size_t count = kill_cells(all, CELLS_LIMIT), kept = 0, numbers[CELLS_LIMIT], number = 0;
    size_t only = argc > 1 ? (size_t)strtoull(argv[1], NULL, 10) : 0;
    for (size_t i = 0; i < count; i++) {
        if (all[i].way == KILL_IMPOSSIBLE || (++number != only && only > 0))
            continue;
        numbers[kept] = number;
        cells[kept++] = all[i];
    }
    struct case_result *results = cases_play(kept, play_cell, cells);
    for (size_t i = 0; i < kept; i++)
        cases_tell(numbers[i], &results[i], "kill %s %s, %s", cells[i].process, kill_moment_names[cells[i].moment],
                   world_executor_names[cells[i].executor]);
    cases_free(results, kept);
    printf("%s %zu - doc/kills.md is the table that was played\n1..%zu\n", page_is_new() ? "ok" : "not ok", number + 1,
           kept + 1);
    return 0;
}
