/* SPDX-License-Identifier: ISC */
/* Kills one process of a story at its moment. */
#include "faults/killing.h"

#include "berth/base/file.h"
#include "berth/base/str.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 20
#define ARMED 100000 /* more often than a point is reached before */
#define WHEN_ARMED ":100000"
#define RETRIES 4

void killing_trouble(struct killing *killing, const char *text)
{
    story_trouble(&killing->world, &killing->trouble, text);
}

bool killing_is_at(const struct killing *killing, enum kill_moment moment)
{
    return killing->cell->way == KILL_FROM_TEST && killing->cell->moment == moment;
}

bool killing_is_of(const struct killing *killing, const char *process)
{
    return text_equal(killing->cell->process, process);
}

/* --- points -------------------------------------------------------------------------------------------------------- */

/* Points that every result reaches: armed while the first tool runs, so that it is a tool's result that dies there. */
bool killing_armed_in_tool(const struct kill_cell *cell)
{
    return cell->way == KILL_AT_POINT && ((cell->moment == AT_AFTER_TOOL && text_equal(cell->process, "supervisor")) ||
                                          cell->moment == AT_AFTER_RESULT);
}

/* Claims of an apply, not of the prepare step before it. */
bool killing_armed_at_gate(const struct kill_cell *cell)
{
    return cell->moment == AT_HANDED || (cell->way == KILL_AT_POINT && text_equal(cell->process, "supervisor") &&
                                         (cell->moment == AT_CLAIM || cell->moment == AT_AFTER_CLAIM));
}

void killing_arm(struct killing *killing)
{
    killing_arm_point(killing, killing->cell->point, 1);
}

void killing_arm_point(struct killing *killing, const char *point, int nth)
{
    char *path = path_printf("%s/faults/%s.count", killing->world.folder, point);
    char *count = path_printf("%d\n", ARMED - nth),
         *guard = path_printf("%s/faults/%s.lock", killing->world.folder, point);
    struct file_lock lock;
    bool locked = file_lock(&lock, guard, LOCK_BLOCK, NULL); /* who reaches the point now counts before, or after */
    if (!locked || !file_replace(path, count, strlen(count), 0600, FILE_RELAXED, NULL))
        killing_trouble(killing, "the point cannot be armed");
    free(path);
    if (locked)
        file_unlock(&lock);
    free(guard);
    free(count);
}

/* An undo comes while the destroy is being planned; the process that dies is another than the one that stops there. */
static bool stops_plan(const struct kill_cell *cell)
{
    return cell->way == KILL_AT_POINT && (cell->moment == AT_UNDO || cell->moment == AT_UNDONE);
}

const char *killing_fault(const struct kill_cell *cell, char *buffer, size_t size)
{
    bool armed = killing_armed_in_tool(cell) || killing_armed_at_gate(cell) || cell->moment == AT_LATER_LISTING ||
                 cell->story != KILL_DEPLOY;
    bool elsewhere = text_equal(cell->process, "dashboard") && cell->way == KILL_AT_POINT;
    char when[16] = "";
    buffer[0] = '\0';
    if (armed)
        snprintf(when, sizeof when, ":%d", ARMED);
    if (cell->point && !elsewhere)
        snprintf(buffer, size, "%s%s%s%s", cell->point, when, cell->way == KILL_FROM_TEST ? "=stop" : "",
                 stops_plan(cell) ? ",worker.mid_plan" WHEN_ARMED "=stop" : "");
    return buffer;
}

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

static bool serves_now(struct world *world, void *context)
{
    struct daemon row;
    (void)context;
    return store_get(world->store, &daemon_type, "berthd", &world->arena, &row, NULL) == STORE_FOUND &&
           row.pid == world->daemon.pid;
}

/* --- killing ---------------------------------------------------------------------------------------------------------- */

static void kill_one(pid_t pid, void *context)
{
    (void)context;
    kill(pid, SIGKILL);
}

/* What the tool forked is left to whoever has to end it. */
static void kill_leader(pid_t pid, void *context)
{
    (void)context;
    if (getsid(pid) == pid)
        kill(pid, SIGKILL);
}

/* The next supervisor is killed as soon as it has begun. */
static void kill_next(struct killing *killing)
{
    while (!world_keep(&killing->world))
        continue;
    if (!world_wait(&killing->world, serves_now, NULL))
        killing_trouble(killing, "the next supervisor never began");
    world_kill(&killing->world, SIGKILL);
}

/* After a restart pids mean other processes: every mark names this living process, of another boot. */
static void restart_machine(struct killing *killing)
{
    struct folder_list list;
    struct str text = STR_INIT;
    const struct run *run = world_last_run(&killing->world);
    char *folder = path_printf("%s/runs/%s", killing->world.store_folder, run ? run->id : "");
    uint64_t ticks = 0;
    if (!process_start_ticks(getpid(), &ticks) || !folder_list(folder, &list, NULL)) {
        killing_trouble(killing, "no marks");
        return;
    }
    str_addf(&text, "%d %" PRIu64 " 00000000-0000-0000-0000-000000000000\n", (int)getpid(), ticks);
    for (size_t i = 0; i < list.count; i++) {
        char *path = path_join(folder, list.names[i]);
        if (text_ends(path, ".started") && !file_replace(path, text.data, text.length, 0600, FILE_RELAXED, NULL))
            killing_trouble(killing, "a mark cannot be changed");
        free(path);
    }
    folder_list_free(&list);
    free(folder);
    str_release(&text);
}

static void kill_child(struct killing *killing, const char *kind)
{
    if (world_wait(&killing->world, child_is_there, (void *)(uintptr_t)kind))
        kill(world_child(&killing->world, kind), SIGKILL);
    else
        killing_trouble(killing, "there is nothing to kill");
}

/* Stopped first: it must not see that its workers went. */
static void kill_supervisor_and_workers(struct killing *killing)
{
    world_kill(&killing->world, SIGSTOP);
    if (world_kill_workers(&killing->world) == 0 && killing->cell->moment != AT_GATE)
        killing_trouble(killing, "there is no worker to kill");
    if (killing_is_of(killing, THE_MACHINE))
        world_tools(&killing->world, kill_one, NULL);
    world_kill(&killing->world, SIGKILL);
    if (killing_is_of(killing, THE_MACHINE))
        restart_machine(killing);
}

void killing_now(struct killing *killing)
{
    struct world *world = &killing->world;
    killing->killed = true;
    if (killing_is_of(killing, "supervisor")) {
        world_kill(world, SIGKILL);
    } else if (killing_is_of(killing, SUPERVISOR_TWICE)) {
        world_kill(world, SIGKILL);
        kill_next(killing);
    } else if (killing_is_of(killing, SUPERVISOR_AND_WORKER) || killing_is_of(killing, THE_MACHINE)) {
        kill_supervisor_and_workers(killing);
    } else if (killing_is_of(killing, "tool")) {
        if (world_tools(world, kill_leader, NULL) == 0)
            killing_trouble(killing, "there is no tool to kill");
    } else if (killing_is_of(killing, "dashboard")) {
        screen_stop(&killing->dashboard);
    } else {
        kill_child(killing, killing->cell->process);
    }
}

pid_t killing_stopped(struct killing *killing, const char *point)
{
    char *path = path_printf("%s/faults/%s.fired", killing->world.folder, point);
    struct str text = STR_INIT;
    pid_t pid = 0;
    if (!world_wait(&killing->world, point_fired, (void *)(uintptr_t)point))
        killing_trouble(killing, "the point was never reached");
    if (file_read(path, 64, &text, NULL))
        pid = (pid_t)strtol(text.data, NULL, 10);
    str_release(&text);
    free(path);
    return pid;
}

void killing_while_stopped(struct killing *killing)
{
    struct world *world = &killing->world;
    pid_t pid = killing_stopped(killing, killing->cell->point);
    killing_now(killing);
    if (killing_is_of(killing, "supervisor")) {
        while (!world_keep(world))
            continue;
        /* the step is given to another worker while the first has it in its hands, and has not begun */
        if (killing->cell->moment == AT_HANDED && !world_wait(world, tool_runs, (void *)(uintptr_t) "end up a"))
            killing_trouble(killing, "a step that nobody began was not taken over");
    }
    if (pid > 0 && !killing_is_of(killing, SUPERVISOR_AND_WORKER))
        kill(pid, SIGCONT);
}

/* The next supervisor has looked several times, and leaves a worker that lives alone. */
static void leave_alone(struct killing *killing)
{
    int before = (int)world_last_run(&killing->world)->status;
    if (!world_wait(&killing->world, serves_now, NULL))
        killing_trouble(killing, "the next supervisor never began");
    for (int looks = 0; looks < 20; looks++)
        poll(NULL, 0, LOOK_MS);
    if ((int)world_last_run(&killing->world)->status != before)
        killing_trouble(killing, "a living worker was taken for dead");
}

void killing_in_tool(struct killing *killing, const char *action, const char *name)
{
    struct str line = STR_INIT;
    str_addf(&line, "begin %s %s", action, name);
    if (!world_wait(&killing->world, tool_runs, line.data))
        killing_trouble(killing, "the tool never began");
    killing_now(killing);
    if (killing_is_of(killing, "supervisor")) {
        while (!world_keep(&killing->world))
            poll(NULL, 0, 1);
        leave_alone(killing);
    }
    if (killing_is_of(killing, SUPERVISOR_AND_WORKER))
        world_forget_tool(&killing->world, action, name); /* only the recovery ends it */
    else
        world_release_tool(&killing->world, action, name);
    str_release(&line);
}

/* --- the dashboard ------------------------------------------------------------------------------------------------------ */

void killing_open_dashboard(struct killing *killing, const char *fault)
{
    char program[] = TEST_BUILDDIR "/src/berth", view[] = "--view", branches[] = "branches";
    char *folder = path_join(killing->world.folder, "faults");
    char *argv[] = {getenv("BERTH") ? getenv("BERTH") : program, view, branches, NULL};
    setenv("BERTH_FAULT", fault, 1);
    setenv("BERTH_FAULT_FOLDER", folder, 1);
    screen_start(&killing->dashboard, 36, 120, killing->world.repository, argv);
    unsetenv("BERTH_FAULT");
    unsetenv("BERTH_FAULT_FOLDER");
    if (!screen_wait(&killing->dashboard, "feature/x"))
        killing_trouble(killing, "the dashboard shows no branch");
    free(folder);
}

static void expect(struct killing *killing, const char *text)
{
    if (!screen_wait(&killing->dashboard, text))
        killing_trouble(killing, "the dashboard does not show what it should");
}

static void find_branch(struct killing *killing)
{
    screen_type(&killing->dashboard, "/feature\r");
    expect(killing, "Branches 1 of");
}

void killing_deploy_by_key(struct killing *killing)
{
    killing_open_dashboard(killing, killing->cell->point);
    find_branch(killing);
    screen_type(&killing->dashboard, "D");
    expect(killing, "y: deploy");
    screen_type(&killing->dashboard, "y");
    if (!screen_wait_end(&killing->dashboard))
        killing_trouble(killing, "the dashboard did not die");
    screen_stop(&killing->dashboard);
    killing->killed = true;
}

void killing_destroy_by_key(struct killing *killing, bool whole)
{
    static const char half[] = "review/feat";
    killing_open_dashboard(killing, "");
    find_branch(killing);
    screen_type(&killing->dashboard, "ge");
    expect(killing, "RESOURCES");
    screen_type(&killing->dashboard, "X");
    expect(killing, "DESTROY");
    screen_type(&killing->dashboard, "\t");
    screen_type(&killing->dashboard, whole ? STORY_ENVIRONMENT : half);
    expect(killing, half);
    if (!whole)
        return;
    screen_type(&killing->dashboard, "\t\t");
    expect(killing, "y: destroy");
    screen_type(&killing->dashboard, "y");
}

/* --- what the longer stories share ---------------------------------------------------------------------------------------- */

struct times {
    const char *line;
    size_t times;
};

static bool tool_ran(struct world *world, void *context)
{
    const struct times *times = context;
    return world_journal(world, times->line) >= times->times;
}

void killing_wait_tool(struct killing *killing, const char *line, size_t times)
{
    struct times wanted = {.line = line, .times = times};
    if (!world_wait(&killing->world, tool_ran, &wanted))
        killing_trouble(killing, "a tool never began");
}

struct tally {
    struct world *world;
    enum workflow workflow;
    size_t of_workflow, open;
    const char *held; /* a run that is, or NULL */
};

static bool tally_run(const void *row, void *context)
{
    struct tally *tally = context;
    const struct run *run = row;
    tally->of_workflow += run->workflow == (int)tally->workflow;
    tally->open += !run_ended(run->status) && run->status != RUN_HELD;
    if (run->status == RUN_HELD)
        tally->held = arena_strdup(&tally->world->arena, run->id);
    return true;
}

static struct tally tally_runs(struct world *world, enum workflow workflow)
{
    struct tally tally = {.world = world, .workflow = workflow};
    struct store_query query = {.type = &run_type, .index = "number"};
    if (!store_each(world->store, &query, tally_run, &tally, NULL))
        tally.open = 1;
    return tally;
}

static bool all_rest(struct world *world, void *context)
{
    (void)context;
    return tally_runs(world, WORKFLOW_NONE).open == 0;
}

size_t killing_count_runs(struct killing *killing, enum workflow workflow)
{
    return tally_runs(&killing->world, workflow).of_workflow;
}

static bool is_held_no_more(struct world *world, void *context)
{
    const struct run *run = world_run(world, context);
    return run && run->status != RUN_HELD;
}

void killing_settle(struct killing *killing)
{
    struct world *world = &killing->world;
    for (int tries = 0; tries < RETRIES; tries++) {
        if (!world_wait(world, all_rest, NULL)) {
            killing_trouble(killing, "a run neither ends nor says what it waits for");
            return;
        }
        const char *held = tally_runs(world, WORKFLOW_NONE).held;
        if (!held)
            return;
        killing->held = true;
        if (text_empty(world_run(world, held)->status_reason))
            killing_trouble(killing, "a held run does not say why");
        world_ask(world, "retry", held, "{}");
        if (!world_wait(world, is_held_no_more, (void *)(uintptr_t)held))
            killing_trouble(killing, "a retry does not go on");
    }
    killing_trouble(killing, "it does not end well however often it is tried again");
}

bool killing_branch(struct killing *killing, struct branch *row)
{
    return store_get(killing->world.store, &branch_type, "app:feature/x", &killing->world.arena, row, NULL) ==
           STORE_FOUND;
}

struct seen {
    const char *commit;
};

static bool main_is_seen(struct world *world, void *context)
{
    const struct seen *seen = context;
    struct branch row;
    return store_get(world->store, &branch_type, "app:main", &world->arena, &row, NULL) == STORE_FOUND &&
           text_equal(row.commit, seen->commit);
}

void killing_let_look(struct killing *killing)
{
    struct world *world = &killing->world;
    struct str commit = STR_INIT;
    char *path = path_join(world->repository, ".git/refs/heads/main");
    world_git(world, "commit", "--allow-empty", "-qmlook");
    if (!file_read(path, 100, &commit, NULL))
        killing_trouble(killing, "main cannot be read");
    commit.data[strcspn(commit.data, "\n")] = '\0';
    struct seen seen = {.commit = commit.data};
    if (!world_wait(world, main_is_seen, &seen))
        killing_trouble(killing, "main did not move");
    world_ask(world, "freeze", "prod", "{\"until\":\"1h\"}"); /* nobody is at prod: only its answer counts */
    str_release(&commit);
    free(path);
}

static bool count_waiting(const void *row, void *context)
{
    *(size_t *)context += ((const struct delivery *)row)->status == DELIVERY_WAITING;
    return true;
}

static bool all_recorded(struct world *world, void *context)
{
    struct store_query query = {.type = &delivery_type};
    size_t waiting = 0;
    (void)context;
    return store_each(world->store, &query, count_waiting, &waiting, NULL) && waiting == 0;
}

void killing_check_records(struct killing *killing)
{
    static const char *const verify[] = {"audit", "verify", NULL};
    struct str said = STR_INIT;
    if (!world_wait(&killing->world, all_recorded, NULL))
        killing_trouble(killing, "a run's record still waits");
    if (world_berth(&killing->world, verify, &said) != 0)
        killing_trouble(killing, said.data);
    str_release(&said);
}
