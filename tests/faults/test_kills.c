/* SPDX-License-Identifier: ISC */
/*
 * Runs every cell of the table of kills with the real berthd: a deploy with its gate, then a destroy, one process killed at one moment. After each story:
 * nothing that was recorded as finished ran again, nothing interrupted ran again without being asked, no gate was skipped, no tool is left, no
 * lock stays, the audit verifies, the run reached its end or said what it waits for.
 */
#include "faults/kills.h"

#include "berth/base/file.h"
#include "berth/base/str.h"
#include "berth/base/time.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENVIRONMENT "review/feature-x"
#define ENDED                                                                                              \
    (1u << RUN_DONE | 1u << RUN_FAILED | 1u << RUN_REJECTED | 1u << RUN_SUPERSEDED | 1u << RUN_CANCELLED | \
     1u << RUN_ROLLED_BACK)
#define RESTS (ENDED | 1u << RUN_HELD)

struct story {
    struct world world;
    const struct kill_cell *cell;
    struct str trouble;
    bool held, killed;
};

static void trouble(struct story *story, const char *text)
{
    const struct run *run = world_last_run(&story->world);
    str_addf(&story->trouble, "%s (run %s: %s, %s); ", text, run ? run->id : "-",
             run ? word_name(run_status_names, run->status) : "none",
             run && run->status_reason ? run->status_reason : "");
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

static void kill_now(struct story *story)
{
    struct world *world = &story->world;
    const char *process = story->cell->process;
    struct store_query steps = {.type = &step_type};
    story->killed = true;
    if (text_equal(process, "supervisor")) {
        world_kill(world, SIGKILL);
    } else if (text_equal(process, "tool")) {
        if (!store_each(world->store, &steps, kill_tool_of, NULL, NULL))
            trouble(story, "cannot find the tool");
    } else {
        pid_t child = world_child(world, process);
        if (child != 0)
            kill(child, SIGKILL);
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

static const char *fault_of(const struct kill_cell *cell, char *buffer, size_t size)
{
    buffer[0] = '\0';
    if (cell->way == KILL_AT_POINT)
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
        size_t begun = world_journal(&story->world, "begin up a") + world_journal(&story->world, "begin down c");
        story->held = true;
        if (text_empty(run->status_reason))
            trouble(story, "a held run does not say why");
        if (world_journal(&story->world, "begin up a") + world_journal(&story->world, "begin down c") != begun)
            trouble(story, "a held run went on");
        world_submit(&story->world, "retry", run->id, "{}");
        run = world_wait_run(&story->world, RESTS & ~(1u << RUN_HELD));
    }
    return run;
}

static void approve(struct story *story, const struct run *run)
{
    struct str arguments = STR_INIT;
    str_addf(&arguments, "{\"digest\":\"%s\"}", run->digest);
    world_submit(&story->world, "approve", run->id, arguments.data);
    str_release(&arguments);
}

/* Kills in the middle of a tool that the test holds in its pipe. */
static void kill_in_tool(struct story *story, const char *action, const char *name)
{
    struct str line = STR_INIT;
    str_addf(&line, "begin %s %s", action, name);
    if (!world_wait(&story->world, tool_runs, line.data))
        trouble(story, "the tool never began");
    kill_now(story);
    if (!text_equal(story->cell->process, "tool"))
        world_keep(&story->world);
    world_release_tool(&story->world, action, name);
    str_release(&line);
}

static bool deploy(struct story *story)
{
    struct world *world = &story->world;
    if (from_test_at(story, AT_CLAIM))
        kill_now(story);
    world_submit(world, "deploy", ENVIRONMENT, "{\"ref\":\"feature/x\"}");
    if (from_test_at(story, AT_PREPARE) || from_test_at(story, AT_PLAN))
        kill_while_stopped(story);
    const struct run *run = world_wait_run(world, 1u << RUN_GATE | RESTS);
    if (!run || run->status != RUN_GATE) {
        trouble(story, "the deploy did not reach its gate");
        return false;
    }
    if (world_journal(world, "begin up a") > 0)
        trouble(story, "a tool ran before the gate");
    if (from_test_at(story, AT_GATE)) {
        kill_now(story);
        run = world_wait_run(world, 1u << RUN_GATE | RESTS);
        if (!run || run->status != RUN_GATE)
            trouble(story, "the gate did not stay");
    }
    if (from_test_at(story, AT_APPLY))
        world_hold_tool(world, "up", "a");
    approve(story, run);
    if (from_test_at(story, AT_APPLY))
        kill_in_tool(story, "up", "a");
    run = go_on_when_held(story, world_wait_run(world, RESTS));
    if (!run || run->status != RUN_DONE) {
        trouble(story, "the deploy did not end well");
        return false;
    }
    return true;
}

static bool destroyed(struct world *world, void *context)
{
    const struct environment *environment = world_environment(world, context);
    return environment && environment->status == ENVIRONMENT_DESTROYED;
}

static bool destroy_rests(struct world *world, void *context)
{
    const struct run *run = world_last_run(world);
    (void)context;
    return run && run->workflow == WORKFLOW_DESTROY && (run->status == RUN_GATE || (RESTS & 1u << run->status));
}

static void destroy(struct story *story)
{
    struct world *world = &story->world;
    if (from_test_at(story, AT_DESTROY))
        world_hold_tool(world, "down", "c");
    world_submit(world, "destroy", ENVIRONMENT, "{\"confirm\":\"" ENVIRONMENT "\"}");
    if (from_test_at(story, AT_DESTROY))
        kill_in_tool(story, "down", "c");
    if (!world_wait(world, destroy_rests, NULL)) {
        trouble(story, "the destroy does not rest");
        return;
    }
    const struct run *run = world_last_run(world);
    if (run->status == RUN_GATE) {
        approve(story, run);
        run = world_wait_run(world, RESTS);
    }
    run = go_on_when_held(story, run);
    if (!run || run->status != RUN_DONE || !destroyed(world, (void *)(uintptr_t)ENVIRONMENT))
        trouble(story, "the destroy did not end well");
}

/* --- what must hold ---------------------------------------------------------------------------------------------------- */

static void check_counts(struct story *story)
{
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++) {
        char begin_up[32], end_up[32], end_down[32];
        snprintf(begin_up, sizeof begin_up, "begin up %s", names[i]);
        snprintf(end_up, sizeof end_up, "end up %s", names[i]);
        snprintf(end_down, sizeof end_down, "end down %s", names[i]);
        size_t up = world_journal(&story->world, end_up), down = world_journal(&story->world, end_down);
        bool may_repeat = story->held || story->cell->executor == WORLD_EXEC_RETRIES;
        if (up < 1 || down < 1)
            trouble(story, "something was skipped");
        if (!may_repeat && (up > 1 || down > 1 || world_journal(&story->world, begin_up) > 1))
            trouble(story, "something finished ran again");
        if (world_journal(&story->world, begin_up) > 2)
            trouble(story, "something ran more often than asked");
    }
}

/* Folders of runs go with their runs. */
static bool folders_are_gone(struct world *world, void *context)
{
    struct folder_list list = {0};
    char *runs = path_join(world->store_folder, "runs");
    bool gone = folder_list(runs, &list, NULL) && list.count == 0;
    (void)context;
    folder_list_free(&list);
    free(runs);
    return gone;
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
    if (!world_wait(&story->world, folders_are_gone, NULL))
        trouble(story, "folders of ended runs stay");
    if (world_breaches(&story->world, &story->trouble) > 0)
        trouble(story, "");
}

static void run_cell(const struct kill_cell *cell, size_t number)
{
    struct story story = {.cell = cell, .trouble = STR_INIT};
    char fault[128];
    world_open(&story.world, cell->executor);
    story.world.fault = fault_of(cell, fault, sizeof fault);
    world_start(&story.world);
    if (!world_wait(&story.world, child_is_there, (void *)(uintptr_t) "observer:branches"))
        trouble(&story, "no observer");
    if (deploy(&story))
        destroy(&story);
    check_story(&story);
    bool passed = story.trouble.length == 0;
    printf("%s %zu - kill %s %s, %s\n", passed ? "ok" : "not ok", number, cell->process,
           kill_moment_names[cell->moment], world_executor_names[cell->executor]);
    if (!passed)
        printf("# %s\n", story.trouble.data);
    if (!passed && getenv("BERTH_KEEP")) {
        printf("# kept %s\n", story.world.folder);
        exit(1);
    }
    fflush(stdout);
    str_release(&story.trouble);
    world_close(&story.world);
}

int main(int argc, char **argv)
{
    struct kill_cell cells[256];
    size_t count = kill_cells(cells, 256), number = 0, planned = 0;
    const char *only = argc > 1 ? argv[1] : NULL;
    if (only && text_equal(only, "--table")) {
        struct str table = STR_INIT;
        kill_table(&table);
        fputs(table.data, stdout);
        str_release(&table);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        if (cells[i].way != KILL_IMPOSSIBLE) {
            number++;
            if (!only || strtoull(only, NULL, 10) == number) {
                run_cell(&cells[i], number);
                planned++;
            }
        }
    printf("1..%zu\n", planned);
    return 0;
}
