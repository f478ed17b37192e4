/* SPDX-License-Identifier: ISC */
/* The real berthd: which steps are given to workers, how many at once, what becomes of those that do not end; and the outbox. */
#include "faults/world.h"

#include "berth/base/file.h"
#include "berth/base/time.h"
#include "berth/model/words.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#define TEST(test) cmocka_unit_test_teardown(test, tear_down)

static struct world world;
static char *program; /* of berthd */

static int tear_down(void **state)
{
    (void)state;
    world_close(&world);
    setenv("BERTHD", program, 1);
    return 0;
}

/* --- shorthand ---------------------------------------------------------------------------------------------------- */

/* berthd with a file of its own. */
static void configure(const char *yaml)
{
    struct error error = {0};
    char *config = path_join(world.folder, "berthd.yaml"), *script = path_join(world.folder, "berthd");
    char *text = path_printf("#!/bin/sh\nexec '%s' --config '%s' \"$@\"\n", program, config);
    assert_true(file_replace(config, yaml, strlen(yaml), 0644, FILE_RELAXED, &error));
    assert_true(file_replace(script, text, strlen(text), 0755, FILE_RELAXED, &error));
    setenv("BERTHD", script, 1);
    free(text);
    free(script);
    free(config);
}

/* A template of `count` resources r0, r1, …, each with these lines more. The caller frees. */
static char *resources(size_t count, const char *run, const char *more)
{
    struct str text = STR_INIT;
    str_add(&text, "template: shop\nversion: 1\nresources:\n");
    for (size_t i = 0; i < count; i++)
        str_addf(&text, "  r%zu: { executor: exec, run: [%s, r%zu], undo: [./tool, down, r%zu]%s }\n", i, run, i, i,
                 more);
    return str_take(&text);
}

struct steps {
    enum step_status status;
    bool later;
    int64_t wanted, found;
};

static bool count_step(const void *row, void *context)
{
    struct steps *steps = context;
    steps->found += !steps->later || ((const struct step *)row)->not_before_at > time_now_ms();
    return true;
}

static int64_t steps_now(struct world *looked, struct steps *steps)
{
    struct store_query query = {
        .type = &step_type, .index = "status", .equal = {word_name(step_status_names, (int)steps->status)}};
    steps->found = 0;
    assert_true(store_each(looked->store, &query, count_step, steps, NULL));
    return steps->found;
}

static bool has_steps(struct world *looked, void *context)
{
    struct steps *steps = context;
    return steps_now(looked, steps) >= steps->wanted;
}

static bool is_listed(struct world *looked, void *id)
{
    struct branch row;
    return store_get(looked->store, &branch_type, id, &looked->arena, &row, NULL) == STORE_FOUND;
}

static void start(void)
{
    world_start(&world);
    assert_true(world_wait(&world, is_listed, (void *)(uintptr_t) "app:feature/x"));
}

static const struct run *deployed_to_the_gate(const char *branch)
{
    const struct command *command = world_ask(&world, "deploy", branch, "");
    assert_non_null(command);
    assert_int_equal(command->status, COMMAND_ACCEPTED);
    const struct run *run = world_wait_run(&world, 1u << RUN_GATE);
    assert_non_null(run);
    return run;
}

static const struct run *deployed(const char *branch)
{
    const struct run *run = deployed_to_the_gate(branch);
    const struct command *command =
        world_ask(&world, "approve", run->id, arena_printf(&world.arena, "{\"digest\":\"%s\"}", run->digest));
    assert_non_null(command);
    assert_int_not_equal(command->status, COMMAND_REFUSED);
    return run;
}

/* --- taken over ----------------------------------------------------------------------------------------------------- */

static bool is_over(struct world *looked, void *context)
{
    char *folder = path_join(looked->store_folder, "runs/1");
    bool over = world_last_run(looked)->status == RUN_DONE && !folder_exists(folder);
    (void)context;
    free(folder);
    return over;
}

static bool has_fired(struct world *looked, void *point)
{
    return world_fired(looked, point) != 0;
}

struct life {
    pid_t pid;
    uint64_t ticks;
};

static bool has_ended(struct world *looked, void *context)
{
    const struct life *life = context;
    (void)looked;
    return !process_alive(life->pid, life->ticks);
}

/* The worker has the first apply in its hands and is stopped; its supervisor dies, the next one has the step done, and the run is over with all markers. */
static void killed__supervisor_of_a_worker_that_begins_when_the_run_is_over(void **state)
{
    (void)state;
    static const char point[] = "worker.before_start";
    struct life life = {.pid = 0};
    char *template = resources(1, "./tool, up", "");
    world_open(&world, &(struct world_spec){.template_text = template});
    free(template);
    world.fault = "worker.before_start:3=stop"; /* after prepare and plan */
    start();
    deployed("feature/x");
    assert_true(world_wait(&world, has_fired, (void *)(uintptr_t)point));
    life.pid = world_fired(&world, point);
    assert_true(process_start_ticks(life.pid, &life.ticks));
    world_kill(&world, SIGKILL);
    assert_true(world_wait(&world, is_over, NULL));
    assert_int_equal(kill(life.pid, SIGCONT), 0);
    assert_true(world_wait(&world, has_ended, &life));
    assert_int_equal(world_journal(&world, "begin up r0"), 1);
    assert_true(is_over(&world, NULL)); /* and it left nothing */
}

/* --- which, and how many ------------------------------------------------------------------------------------------- */

static void backoff__forty_steps_in_it_keep_nobody_else_waiting(void **state)
{
    (void)state;
    const char *argv[] = {"git", "branch", "feature/y", "main", NULL};
    char *template = resources(40, "\"false\"", ", retries: { attempts: 3, backoff: 20m }");
    world_open(&world, &(struct world_spec){.template_text = template});
    free(template);
    world_command_line(world.repository, argv);
    start();
    deployed("feature/x");
    assert_true(world_wait(&world, has_steps, &(struct steps){.status = STEP_READY, .later = true, .wanted = 40}));
    assert_true(world_wait(&world, is_listed, (void *)(uintptr_t) "app:feature/y"));
    deployed_to_the_gate("feature/y");
}

static void hold_all(size_t count)
{
    for (size_t i = 0; i < count; i++)
        world_hold_tool(&world, "up", arena_printf(&world.arena, "r%zu", i));
}

static void limit__twenty_steps_at_once_are_twenty(void **state)
{
    (void)state;
    char *template = resources(24, "./tool, up", "");
    world_open(&world, &(struct world_spec){.template_text = template, .policy_more = "limits: { steps: 20 }\n"});
    free(template);
    hold_all(24);
    start();
    deployed("feature/x");
    struct steps running = {.status = STEP_RUNNING, .wanted = 20};
    assert_true(world_wait(&world, has_steps, &running));
    assert_int_equal(running.found, 20);
}

static void limit__more_workers_do_not_widen_it(void **state)
{
    (void)state;
    char *template = resources(6, "./tool, up", "");
    world_open(&world, &(struct world_spec){.template_text = template, .policy_more = "limits: { steps: 2 }\n"});
    free(template);
    configure("workers: 64\n");
    hold_all(6);
    start();
    deployed("feature/x");
    struct steps running = {.status = STEP_RUNNING, .wanted = 2};
    assert_true(world_wait(&world, has_steps, &running));
    assert_non_null(world_ask(&world, "plan", "feature/x", "")); /* whatever was to be claimed is claimed by then */
    assert_int_equal(steps_now(&world, &running), 2);
}

/* --- slots ----------------------------------------------------------------------------------------------------------- */

static const char own_names[] =
    "template: shop\nversion: 1\nresources:\n"
    "  r: { executor: exec, run: [./tool, up, \"${{ env.slug }}\"], undo: [./tool, down, r] }\n";

/* Branches feature/y0, feature/y1, … beside feature/x, all with the template. */
static void open_with_slots(int branches)
{
    world_open(&world, &(struct world_spec){.template_text = own_names, .policy_more = "limits: { runs: 1 }\n"});
    for (int i = 0; i < branches; i++)
        world_git(&world, "branch", arena_printf(&world.arena, "feature/y%d", i), "feature/x");
    start();
    for (int i = 0; i < branches; i++)
        assert_true(world_wait(&world, is_listed, arena_printf(&world.arena, "app:feature/y%d", i)));
}

static const char *slug_of(const struct run *run)
{
    return world_environment(&world, run->environment_name)->slug;
}

/* Applying, with its tool held, so that it keeps the only slot. */
static const struct run *keep_slot(const char *branch)
{
    const struct run *run = deployed_to_the_gate(branch);
    world_hold_tool(&world, "up", slug_of(run));
    assert_int_not_equal(
        world_ask(&world, "approve", run->id, arena_printf(&world.arena, "{\"digest\":\"%s\"}", run->digest))->status,
        COMMAND_REFUSED);
    assert_non_null(world_wait_run(&world, 1u << RUN_APPLYING));
    return run;
}

static bool is_done(struct world *looked, void *id)
{
    return world_run(looked, id)->status == RUN_DONE;
}

static bool count_queued(const struct feed_value *value, void *context)
{
    int *count = context;
    *count += value->row && ((const struct run *)value->row)->status == RUN_QUEUED;
    return true;
}

/* So often was the row of a run written while it waited. */
static int queued_writes(const char *run)
{
    int count = 0;
    assert_true(feed_history(world.store, &run_type, run, 0, 1000, count_queued, &count, NULL));
    return count;
}

static void slot__goes_to_who_waited_longest_and_leaves_the_others_alone(void **state)
{
    (void)state;
    enum { WAITING = 7 };
    open_with_slots(WAITING);
    const struct run *first = keep_slot("feature/x");
    int64_t began = time_monotonic_ms(), revision = 0;
    for (int i = 0; i < WAITING; i++)
        assert_int_equal(world_ask(&world, "plan", arena_printf(&world.arena, "feature/y%d", i), "")->status,
                         COMMAND_ACCEPTED);
    world_release_tool(&world, "up", slug_of(first));
    const struct run *last = world_last_run(&world);
    assert_true(world_wait(&world, is_done, (void *)(uintptr_t)last->id));
    for (int64_t number = first->number; number <= last->number;
         number++) { /* what was written last was written in this order */
        const struct run *run = world_run(&world, arena_printf(&world.arena, "%lld", (long long)number));
        assert_int_equal(run->status, RUN_DONE);
        assert_true(run->revision > revision);
        revision = run->revision;
    }
    int allowed =
        2 + (int)((time_monotonic_ms() - began) / 5000); /* asked, and once in a while how many are before it */
    assert_in_range(queued_writes(last->id), 1, allowed);
}

struct place {
    const struct run *run;
    const char *words;
};

static bool says(struct world *looked, void *context)
{
    const struct place *place = context;
    return strstr(world_run(looked, place->run->id)->status_reason, place->words) != NULL;
}

static void slot__who_gets_none_says_again_how_many_are_before_it(void **state)
{
    (void)state;
    const struct run *runs[3];
    open_with_slots(2);
    runs[0] = deployed_to_the_gate("feature/y0");
    runs[1] = deployed_to_the_gate("feature/y1");
    world_hold_tool(&world, "up", slug_of(runs[0]));
    world_hold_tool(&world, "up", slug_of(runs[1]));
    runs[2] = keep_slot("feature/x");
    for (int i = 0; i < 2; i++)
        assert_non_null(world_ask(&world, "approve", runs[i]->id,
                                  arena_printf(&world.arena, "{\"digest\":\"%s\"}", runs[i]->digest)));
    assert_true(says(&world, &(struct place){runs[0], "0 wait before it"}));
    assert_true(says(&world, &(struct place){runs[1], "1 waits before it"}));
    world_release_tool(&world, "up", slug_of(runs[2]));
    assert_true(world_wait(&world, says, &(struct place){runs[1], "0 wait before it"}));
    assert_int_equal(world_run(&world, runs[0]->id)->status, RUN_APPLYING);
    assert_int_equal(world_run(&world, runs[1]->id)->status, RUN_GATE);
}

static const struct step *step_named(const char *id)
{
    struct step *step = arena_alloc(&world.arena, sizeof *step);
    assert_int_equal(store_get(world.store, &step_type, id, &world.arena, step, NULL), STORE_FOUND);
    return step;
}

struct waiting_step {
    const char *id, *reason;
};

static bool has_reason(struct world *looked, void *context)
{
    const struct waiting_step *waiting = context;
    (void)looked;
    return strncmp(step_named(waiting->id)->status_reason, waiting->reason, strlen(waiting->reason)) == 0;
}

static bool runs(struct world *looked, void *id)
{
    (void)looked;
    return step_named(id)->status == STEP_RUNNING;
}

static void limit__of_a_target_holds_its_steps_and_no_others(void **state)
{
    (void)state;
    static const char template[] = "template: shop\n"
                                   "version: 1\n"
                                   "resources:\n"
                                   "  r0: { executor: exec, run: [./tool, up, r0], target: there }\n"
                                   "  r1: { executor: exec, run: [./tool, up, r1], target: there }\n"
                                   "  r2: { executor: exec, run: [./tool, up, r2], target: there }\n"
                                   "  r3: { executor: exec, run: [./tool, up, r3] }\n"
                                   "  r4: { executor: exec, run: [./tool, up, r4] }\n";
    world_open(&world, &(struct world_spec){.template_text = template,
                                            .policy_more = "limits: { steps: 4, per_target: { there: 2 } }\n"});
    hold_all(5);
    start();
    const struct run *run = deployed("feature/x");
    struct steps running = {.status = STEP_RUNNING, .wanted = 4};
    assert_true(
        world_wait(&world, has_steps, &running)); /* no place of the workspace is free while the target is full */
    struct waiting_step third = {.id = arena_printf(&world.arena, "%s.apply.r2", run->id),
                                 .reason = "waits: 2 of 2 steps on target there (limits.per_target, berth.yaml:"};
    assert_true(world_wait(&world, has_reason, &third));
    assert_int_equal(step_named(third.id)->status, STEP_READY);
    world_release_tool(&world, "up", "r3");
    assert_non_null(world_ask(&world, "plan", "feature/x", "{\"with\":[\"a=1\"]}"));
    assert_int_equal(step_named(third.id)->status, STEP_READY);
    world_release_tool(&world, "up", "r0");
    assert_true(world_wait(&world, runs, (void *)(uintptr_t)third.id));
    assert_string_equal(step_named(third.id)->status_reason, "");
}

static bool both_began(struct world *looked, void *context)
{
    (void)context;
    return world_journal(looked, "begin up r0") == 1 && world_journal(looked, "begin up r1") == 1;
}

static void limit__of_a_tier_counts_what_an_earlier_berthd_left_running(void **state)
{
    (void)state;
    char *template = resources(3, "./tool, up", "");
    world_open(&world, &(struct world_spec){.template_text = template,
                                            .policy_more = "limits: { per_tier: { review: { steps: 2 } } }\n"});
    free(template);
    hold_all(3);
    start();
    const struct run *run = deployed("feature/x");
    struct steps running = {.status = STEP_RUNNING, .wanted = 2};
    assert_true(world_wait(&world, both_began, NULL));
    world_kill(&world, SIGKILL);
    world_start(&world);
    struct waiting_step third = {.id = arena_printf(&world.arena, "%s.apply.r2", run->id),
                                 .reason = "waits: 2 of 2 steps of tier review (limits.per_tier, berth.yaml:"};
    assert_true(world_wait(&world, has_reason, &third));
    assert_non_null(world_ask(&world, "hold", run->environment_name, "")); /* answered by the new one */
    assert_int_equal(steps_now(&world, &running), 2);
    world_release_tool(&world, "up", "r1");
    assert_true(world_wait(&world, runs, (void *)(uintptr_t)third.id));
}

/* --- what does not end ---------------------------------------------------------------------------------------------- */

#define DETACHED \
    "env -i PATH=\"$PATH\" setsid sh -c \"echo \\$\\$ >$HOME/detached.new; mv $HOME/detached.new $HOME/detached; exec sleep 3131\""

static bool has_pid(struct world *looked, void *context)
{
    struct str text = STR_INIT;
    char *path = path_join(looked->folder, "detached");
    long long pid = 0;
    if (file_read(path, 32, &text, NULL)) {
        text.data[strcspn(text.data, "\n")] = '\0';
        if (!text_to_int(text.data, &pid))
            pid = 0;
    }
    *(pid_t *)context = (pid_t)pid;
    free(path);
    str_release(&text);
    return pid > 0;
}

static bool tool_waits(struct world *looked, void *line)
{
    return world_journal(looked, line) > 0;
}

static void killed__tool_that_detached_itself_and_cleaned_its_environment_ends(void **state)
{
    (void)state;
    pid_t detached = 0;
    uint64_t ticks;
    world_open(&world, &(struct world_spec){.template_text = "template: shop\nversion: 1\nresources:\n"
                                                             "  a: { executor: exec, run: [sh, -c, '" DETACHED
                                                             " & exec sleep 3130'], undo: [\"true\"] }\n"});
    start();
    deployed("feature/x");
    assert_true(world_wait(&world, has_pid, &detached));
    assert_int_not_equal(world_kill_workers(&world), 0);
    const struct run *run = world_wait_run(&world, 1u << RUN_HELD | 1u << RUN_FAILED | 1u << RUN_DONE);
    assert_non_null(run);
    assert_int_equal(run->status, RUN_HELD);
    assert_false(process_start_ticks(detached, &ticks) && process_alive(detached, ticks));
}

static void killed__worker_leaves_alone_what_an_earlier_step_detached(void **state)
{
    (void)state;
    pid_t detached = 0;
    uint64_t ticks;
    world_open(&world, &(struct world_spec){.template_text = "template: shop\nversion: 1\nresources:\n"
                                                             "  a: { executor: exec, run: [sh, -c, '" DETACHED
                                                             " & while ! [ -e $HOME/detached ]; do sleep 0.05; done'], "
                                                             "undo: [\"true\"] }\n"
                                                             "  b: { executor: exec, run: [./tool, up, b], "
                                                             "undo: [\"true\"], needs: [a] }\n"});
    world_hold_tool(&world, "up", "b");
    start();
    deployed("feature/x");
    assert_true(world_wait(&world, has_pid, &detached));
    assert_true(world_wait(&world, tool_waits, (void *)(uintptr_t) "begin up b"));
    assert_int_not_equal(world_kill_workers(&world), 0);
    const struct run *run = world_wait_run(&world, 1u << RUN_HELD | 1u << RUN_FAILED | 1u << RUN_DONE);
    assert_non_null(run);
    assert_int_equal(run->status, RUN_HELD);
    assert_true(process_start_ticks(detached, &ticks) && process_alive(detached, ticks));
    kill(detached, SIGKILL);
}

static void cancel__second_one_gives_up_a_worker_that_does_not_answer(void **state)
{
    (void)state;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC, .policy_more = "limits: { steps: 1 }\n"});
    world_hold_tool(&world, "up", "a");
    start();
    const struct run *run = deployed("feature/x");
    assert_true(world_wait(&world, tool_waits, (void *)(uintptr_t) "begin up a"));
    kill(world_child(&world, "worker"), SIGSTOP); /* the only one */
    const struct command *first = world_ask(&world, "cancel", run->id, "");
    assert_non_null(first);
    assert_int_equal(first->status, COMMAND_DONE);
    assert_int_equal(world_run(&world, run->id)->status, RUN_APPLYING);
    const struct command *second = world_ask(&world, "cancel", run->id, "");
    assert_non_null(second);
    assert_int_equal(second->status, COMMAND_DONE);
    assert_non_null(strstr(second->answer, "does not answer"));
    assert_non_null(world_wait_run(&world, 1u << RUN_CANCELLED));
    assert_int_equal(world_tools(&world, NULL, NULL), 0);
}

/* What a tool that was ended in its plan left of an environment's state. */
static char *plant_state(const struct run *run, const char *state)
{
    static const char note[] = "{\"Operation\":\"OperationTypePlan\"}";
    struct error error = {0};
    char *environment = path_printf("%s/terraform/%s", world.store_folder, run->environment);
    char *folder = path_join(environment, "base"), *path = path_join(folder, "terraform.tfstate");
    char *lock = path_join(folder, ".terraform.tfstate.lock.info");
    assert_true(folder_make(folder, 0700, &error));
    assert_true(file_replace(path, state, strlen(state), 0600, FILE_RELAXED, &error));
    assert_true(file_replace(lock, note, strlen(note), 0600, FILE_RELAXED, &error));
    free(lock);
    free(path);
    free(folder);
    return environment;
}

static bool is_removed(struct world *looked, void *context)
{
    (void)looked;
    return !folder_exists(context);
}

static void cancel__of_a_first_plan_leaves_no_state_unless_it_holds_something(void **state)
{
    (void)state;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world_git(&world, "branch", "feature/full", "feature/x");
    start();
    const struct run *full = deployed_to_the_gate("feature/full");
    char *kept = plant_state(full, "{}");
    assert_non_null(world_ask(&world, "cancel", full->id, ""));
    const struct run *empty = deployed_to_the_gate("feature/x");
    char *folder = plant_state(empty, "");
    assert_non_null(world_ask(&world, "cancel", empty->id, ""));
    assert_true(world_wait(&world, is_removed, folder));
    assert_true(folder_exists(kept));
    free(folder);
    free(kept);
}

static void cancel__of_a_run_that_only_waits_says_a_whole_sentence(void **state)
{
    (void)state;
    char *template = resources(1, "\"false\"", ", retries: { attempts: 3, backoff: 20m }");
    world_open(&world, &(struct world_spec){.template_text = template});
    free(template);
    start();
    const struct run *run = deployed("feature/x");
    assert_true(world_wait(&world, has_steps, &(struct steps){.status = STEP_READY, .later = true, .wanted = 1}));
    const struct command *command = world_ask(&world, "cancel", run->id, "");
    assert_non_null(command);
    assert_non_null(strstr(command->answer, arena_printf(&world.arena, "\"cancelled run %s\"", run->id)));
}

static void result__too_long_to_be_stored_is_a_failure_with_its_reason(void **state)
{
    (void)state;
    struct str template = STR_INIT;
    str_add(&template,
            "template: shop\nversion: 1\nresources:\n  r: { executor: exec, count: 1000, run: [\"true\", \"");
    for (size_t i = 0; i < 4000; i++)
        str_add(&template, "0123456789");
    str_add(&template, "\"], undo: [\"true\"] }\n");
    world_open(&world, &(struct world_spec){.template_text = template.data});
    str_release(&template);
    start();
    assert_non_null(world_ask(&world, "deploy", "feature/x", ""));
    const struct run *run = world_wait_run(&world, 1u << RUN_FAILED | 1u << RUN_HELD | 1u << RUN_GATE);
    assert_non_null(run);
    assert_int_equal(run->status, RUN_FAILED);
    if (!strstr(run->status_reason, "MB can be stored"))
        fail_msg("%s", run->status_reason);
}

static bool is_in_trouble(struct world *looked, void *context)
{
    char *path = path_join(looked->store_folder, "berthd.trouble");
    bool there = file_exists(path);
    (void)context;
    free(path);
    return there;
}

static bool is_answered(struct world *asked, void *id)
{
    const struct command *command = world_command(asked, id);
    return command && command->status != COMMAND_WAITING;
}

static void size__limit_of_files_is_trouble_and_no_end(void **state)
{
    (void)state;
    struct rlimit small = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    start();
    assert_int_equal(prlimit(world.daemon.pid, RLIMIT_FSIZE, &small, NULL), 0);
    const char *id = world_submit(&world, "plan", "feature/x", "");
    assert_true(world_wait(&world, is_in_trouble, NULL));
    assert_int_equal(prlimit(world.daemon.pid, RLIMIT_FSIZE, &none, NULL), 0);
    assert_true(world_wait(&world, is_answered, (void *)(uintptr_t)id));
    assert_int_equal(world.starts, 1);
}

/* --- policy -------------------------------------------------------------------------------------------------------------- */

static bool has_complaint(struct world *looked, void *wanted)
{
    struct policy_row row;
    return store_get(looked->store, &policy_type, "berth.yaml", &looked->arena, &row, NULL) == STORE_FOUND &&
           !text_empty(row.error) == *(bool *)wanted;
}

static void policy__complaint_goes_when_the_old_commit_is_back(void **state)
{
    (void)state;
    const char *commit[] = {"git",        "-c", "user.name=Test", "-c", "user.email=test@example.org", "commit",
                            "-qamchange", NULL};
    const char *back[] = {"git", "reset", "-q", "--hard", "HEAD~1", NULL};
    bool yes = true, no = false;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    start();
    world_write(&world, "berth.yaml", "version: nonsense\n", false);
    world_command_line(world.repository, commit);
    assert_true(world_wait(&world, has_complaint, &yes));
    world_command_line(world.repository, back);
    assert_true(world_wait(&world, has_complaint, &no));
}

/* --- the outbox -------------------------------------------------------------------------------------------------------- */

static bool take_delivery(const void *row, void *context)
{
    const struct delivery *delivery = row;
    bool *given_up = context;
    *given_up = delivery->status == DELIVERY_GIVEN_UP && strstr(delivery->error, "no such receiver");
    return false;
}

static bool is_given_up(struct world *looked, void *context)
{
    struct store_query query = {.type = &delivery_type};
    bool given_up = false;
    (void)context;
    assert_true(store_each(looked->store, &query, take_delivery, &given_up, NULL));
    return given_up;
}

static void outbox__what_was_for_one_receiver_is_never_for_another(void **state)
{
    (void)state;
    const char *commit[] = {"git",        "-c", "user.name=Test", "-c", "user.email=test@example.org", "commit",
                            "-qamchange", NULL};
    struct error error = {0};
    struct str policy = STR_INIT;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC,
                                            .policy_more =
                                                "notify: [ { provider: webhook, url: \"http://127.0.0.1:9/a\" } ]\n"});
    start();
    deployed_to_the_gate("feature/x");
    char *path = path_join(world.repository, "berth.yaml");
    assert_true(file_read(path, 1u << 20, &policy, &error));
    strstr(policy.data, ":9/a")[3] = 'b';
    world_write(&world, "berth.yaml", policy.data, false);
    world_command_line(world.repository, commit);
    assert_true(world_wait(&world, is_given_up, NULL));
    str_release(&policy);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(killed__supervisor_of_a_worker_that_begins_when_the_run_is_over),
        TEST(backoff__forty_steps_in_it_keep_nobody_else_waiting),
        TEST(limit__twenty_steps_at_once_are_twenty),
        TEST(limit__more_workers_do_not_widen_it),
        TEST(slot__goes_to_who_waited_longest_and_leaves_the_others_alone),
        TEST(slot__who_gets_none_says_again_how_many_are_before_it),
        TEST(limit__of_a_target_holds_its_steps_and_no_others),
        TEST(limit__of_a_tier_counts_what_an_earlier_berthd_left_running),
        TEST(killed__tool_that_detached_itself_and_cleaned_its_environment_ends),
        TEST(killed__worker_leaves_alone_what_an_earlier_step_detached),
        TEST(cancel__second_one_gives_up_a_worker_that_does_not_answer),
        TEST(cancel__of_a_first_plan_leaves_no_state_unless_it_holds_something),
        TEST(cancel__of_a_run_that_only_waits_says_a_whole_sentence),
        TEST(result__too_long_to_be_stored_is_a_failure_with_its_reason),
        TEST(size__limit_of_files_is_trouble_and_no_end),
        TEST(policy__complaint_goes_when_the_old_commit_is_back),
        TEST(outbox__what_was_for_one_receiver_is_never_for_another),
    };
    program = mem_strdup(getenv("BERTHD") ? getenv("BERTHD") : TEST_BUILDDIR "/src/berthd");
    int failed = cmocka_run_group_tests_name("agent work", tests, NULL, NULL);
    free(program);
    return failed;
}
