/* SPDX-License-Identifier: ISC */
/* The real berthd in a small real world: how it ends and begins anew, and what it does when refs and policy move under it. */
#include "faults/world.h"

#include "berth/base/file.h"
#include "berth/base/time.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define REVIEW "review/feature-x-217d2b"
#define TEST(test) cmocka_unit_test_teardown(test, tear_down)

static struct world world;

static int tear_down(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

/* --- shorthand ---------------------------------------------------------------------------------------------------- */

static void git(const char *a, const char *b, const char *c)
{
    const char *argv[] = {"git", "-c", "user.name=Test", "-c", "user.email=test@example.org", a, b, c, NULL};
    world_command_line(world.repository, argv);
}

static bool has_fired(struct world *fired, void *point)
{
    return world_fired(fired, point);
}

static bool is_answered(struct world *asked, void *id)
{
    const struct command *command = world_command(asked, id);
    return command && command->status != COMMAND_WAITING;
}

static int64_t epoch(void)
{
    struct daemon row;
    assert_int_equal(store_get(world.store, &daemon_type, "berthd", &world.arena, &row, NULL), STORE_FOUND);
    return row.epoch;
}

static bool has_policy_with(struct world *looked, void *text)
{
    struct policy_row row;
    return store_get(looked->store, &policy_type, "berth.yaml", &looked->arena, &row, NULL) == STORE_FOUND &&
           strstr(row.text, text);
}

static void policy(const char *text, const char *mark)
{
    world_write(&world, "berth.yaml", text, false);
    git("commit", "-q", "-am policy");
    assert_true(world_wait(&world, has_policy_with, (void *)(uintptr_t)mark));
}

static const struct branch *branch_row(struct world *looked, const char *name)
{
    struct branch *row = arena_alloc(&looked->arena, sizeof *row);
    const char *id = arena_printf(&looked->arena, "app:%s", name);
    return store_get(looked->store, &branch_type, id, &looked->arena, row, NULL) == STORE_FOUND ? row : NULL;
}

static bool is_listed(struct world *looked, void *name)
{
    return branch_row(looked, name) != NULL;
}

static void start(void)
{
    world_start(&world);
    assert_true(world_wait(&world, is_listed, (void *)(uintptr_t) "feature/x"));
}

static const struct run *deployed_to_the_gate(void)
{
    const struct run *run;
    const struct command *command = world_ask(&world, "deploy", "feature/x", "");
    assert_non_null(command);
    assert_int_equal(command->status, COMMAND_ACCEPTED);
    run = world_wait_run(&world, 1u << RUN_GATE);
    assert_non_null(run);
    return run;
}

static void approve(const struct run *run)
{
    const struct command *command =
        world_ask(&world, "approve", run->id, arena_printf(&world.arena, "{\"digest\":\"%s\"}", run->digest));
    assert_non_null(command);
    assert_int_not_equal(command->status, COMMAND_REFUSED);
}

static bool tool_runs(struct world *looked, void *line)
{
    return world_journal(looked, line) > 0;
}

/* --- its own end ------------------------------------------------------------------------------------------------------ */

static void end__command_in_its_last_moment_is_answered_in_a_new_epoch(void **state)
{
    (void)state;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world_configure(&world, "linger: 1s\n");
    world.fault = "supervisor.after_unlock=stop";
    start();
    assert_true(world_wait(&world, has_fired, (void *)(uintptr_t) "supervisor.after_unlock"));
    int64_t before = epoch();
    const char *id = world_submit(&world, "plan", "feature/x", "");
    kill(world.daemon.pid, SIGCONT);
    assert_true(world_wait(&world, is_answered, (void *)(uintptr_t)id));
    assert_int_equal(world.starts, 1);
    assert_true(epoch() > before);
    const struct run *run = world_wait_run(&world, 1u << RUN_DONE);
    assert_non_null(run);
    assert_true(run->epoch > before);
}

/* --- what is taken away under it ------------------------------------------------------------------------------------- */

static bool says(const char *folder, const char *text)
{
    struct str said = STR_INIT;
    char *path = path_join(folder, "berthd.log");
    bool is = file_read(path, 1u << 20, &said, NULL) && strstr(said.data, text);
    free(path);
    str_release(&said);
    return is;
}

/* Waits for its own end, which nothing but itself may bring about; its log is in the folder (NULL: gone with it). */
static void expect_end(const char *folder, const char *why)
{
    int status, left = 1000;
    while (!process_poll(&world.daemon, &status) && left-- > 0)
        poll(NULL, 0, 10);
    assert_true(left > 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_true(!folder || says(folder, why));
}

static void remove_file(const char *name)
{
    char *path = path_join(world.store_folder, name);
    assert_int_equal(unlink(path), 0);
    free(path);
}

static void lock_file__that_is_taken_away_ends_it_and_the_next_one_serves(void **state)
{
    (void)state;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    start();
    int64_t before = epoch();
    remove_file("berthd.lock");
    expect_end(world.store_folder, "its lock file was deleted or replaced");
    (void)deployed_to_the_gate();
    assert_true(epoch() > before);
}

static void lock_file__that_is_taken_away_lets_no_second_one_write(void **state)
{
    struct error error = {0};
    struct process second;
    int status = -1;
    (void)state;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    start();
    int64_t before = epoch();
    char *moved = path_printf("%s-moved", world.store_folder);
    const char *argv[] = {getenv("BERTHD") ? getenv("BERTHD") : TEST_BUILDDIR "/src/berthd",
                          "--store",
                          world.store_folder,
                          "--repository",
                          world.repository,
                          "--workspace",
                          "faults",
                          "--foreground",
                          NULL};
    struct process_spec spec = {.argv = argv, .input_fd = -1, .output_fd = -1, .error_fd = -1};
    kill(world.daemon.pid, SIGSTOP); /* it cannot notice */
    remove_file("berthd.lock");
    assert_true(process_start(&spec, &second, &error) && process_wait(&second, &status, &error));
    process_release(&second);
    assert_int_equal(WEXITSTATUS(status), 5);
    assert_int_equal(epoch(), before);
    remove_file("berthd.lock");
    assert_int_equal(rename(world.store_folder, moved), 0); /* nor from where it was moved to */
    argv[2] = moved;
    assert_true(process_start(&spec, &second, &error) && process_wait(&second, &status, &error));
    process_release(&second);
    assert_int_equal(WEXITSTATUS(status), 5);
    assert_int_equal(epoch(), before);
    kill(world.daemon.pid, SIGCONT);
    expect_end(moved, "its folder was moved, deleted or replaced");
    free(moved);
}

static void database__that_is_replaced_ends_it(void **state)
{
    (void)state;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    start();
    remove_file("store.db");
    expect_end(world.store_folder, "its database was deleted or replaced");
}

static void folder__that_is_deleted_ends_it_and_the_next_one_begins_anew(void **state)
{
    struct error error = {0};
    (void)state;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    start();
    store_close(world.store);
    world.store = NULL;
    assert_true(folder_remove(world.store_folder, &error));
    expect_end(NULL, NULL);
    start();
    (void)deployed_to_the_gate();
}

/* --- policy that moves ------------------------------------------------------------------------------------------------- */

static const char without_review[] = "version: 1\n"
                                     "workspace: faults\n"
                                     "trusted: { repository: app, ref: main }\n"
                                     "repositories:\n"
                                     "  app: { provider: git, url: . }\n"
                                     "targets:\n"
                                     "  here: { provider: local }\n"
                                     "environments:\n"
                                     "  - name: other\n"
                                     "    tier: dev\n"
                                     "    source: { branches: [nothing] }\n"
                                     "    templates: [shop]\n"
                                     "    target: here\n";

static void policy__entry_that_goes_mid_apply_lets_nothing_more_begin(void **state)
{
    (void)state;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    start();
    const struct run *run = deployed_to_the_gate();
    world_hold_tool(&world, "up", "a");
    approve(run);
    assert_true(world_wait(&world, tool_runs, (void *)(uintptr_t) "begin up a"));
    policy(without_review, "name: other");
    world_release_tool(&world, "up", "a");
    run = world_wait_run(&world, 1u << RUN_HELD | 1u << RUN_DONE | 1u << RUN_FAILED);
    assert_non_null(run);
    assert_int_equal(run->status, RUN_HELD);
    assert_non_null(strstr(run->status_reason, "has no environment"));
    assert_int_equal(world_journal(&world, "begin up b"), 0);
    const struct command *destroy = world_ask(&world, "destroy", REVIEW, "{\"confirm\":\"" REVIEW "\"}");
    assert_non_null(destroy);
    assert_int_not_equal(destroy->status, COMMAND_REFUSED);
    assert_non_null(world_wait_run(&world, 1u << RUN_DONE));
    assert_int_equal(world_journal(&world, "end down a"), 1);
}

/* --- branches that move ------------------------------------------------------------------------------------------------- */

static bool is_marked_gone(struct world *looked, void *name)
{
    const struct environment *environment = world_environment(looked, name);
    return environment && (environment->marks & MARK_BRANCH_GONE);
}

static bool is_not_marked_gone(struct world *looked, void *name)
{
    return !is_marked_gone(looked, name);
}

static void branch__that_went_marks_its_environment_until_it_is_back(void **state)
{
    (void)state;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    start();
    (void)deployed_to_the_gate();
    git("branch", "-D", "feature/x");
    assert_true(world_wait(&world, is_marked_gone, (void *)(uintptr_t)REVIEW));
    git("branch", "feature/x", "HEAD");
    assert_true(world_wait(&world, is_not_marked_gone, (void *)(uintptr_t)REVIEW));
}

/* --- what happens by itself -------------------------------------------------------------------------------------------- */

#define POLICY(trigger)                            \
    "version: 1\n"                                 \
    "workspace: faults\n"                          \
    "trusted: { repository: app, ref: main }\n"    \
    "repositories:\n"                              \
    "  app: { provider: git, url: . }\n"           \
    "targets:\n"                                   \
    "  here: { provider: local }\n"                \
    "environments:\n"                              \
    "  - name: \"review/${{ branch.slug }}\"\n"    \
    "    tier: review\n"                           \
    "    source: { branches: [\"feature/**\"] }\n" \
    "    templates: [shop]\n"                      \
    "    target: here\n"                           \
    "    deploy_on: [" trigger "]\n"               \
    "    ttl: { default: 2d, from: last_push }\n"
static const char on_push[] = POLICY("push"), by_hand[] = POLICY("manual");

/* As many entries as a policy may have take a branch that is pushed. */
static bool asked_of_each(struct world *looked, void *count)
{
    int64_t asked = 0;
    struct store_query query = {.type = &command_type};
    return store_count(looked->store, &query, &asked, NULL) && (size_t)asked == *(size_t *)count;
}

static void push__is_for_every_entry_that_takes_it_however_many(void **state)
{
    size_t entries = 70;
    struct str text = STR_INIT;
    (void)state;
    str_add(&text, "version: 1\nworkspace: faults\ntrusted: { repository: app, ref: main }\nrepositories:\n"
                   "  app: { provider: git, url: . }\ntargets:\n  here: { provider: local }\nenvironments:\n");
    for (size_t i = 0; i < entries; i++)
        str_addf(&text,
                 "  - { name: \"e%zu/${{ branch.slug }}\", tier: review, source: { branches: [\"feature/**\"] }, "
                 "templates: [shop], target: here, deploy_on: [push], gate: { approvals: 1 } }\n",
                 i);
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    start();
    policy(text.data, "e69/");
    const struct command *command = world_ask(&world, "deploy", "feature/x", "");
    assert_non_null(command);
    assert_int_equal(command->status, COMMAND_REFUSED);
    assert_non_null(strstr(command->answer, "fits 70 environments"));
    git("commit", "--allow-empty", "-qmpushed");
    git("branch", "-f", "feature/x");
    entries++; /* the one that was refused */
    assert_true(world_wait(&world, asked_of_each, &entries));
    str_release(&text);
}

struct deployed {
    const char *number, *commit;
};

static bool is_deployed(struct world *looked, void *context)
{
    const struct deployed *deployed = context;
    const struct run *run = world_run(looked, deployed->number);
    return run && run->status == RUN_DONE && text_equal(run->commit, deployed->commit);
}

static const char *commit_of_branch(void)
{
    return branch_row(&world, "feature/x")->commit;
}

static bool is_another_commit(struct world *looked, void *commit)
{
    return !text_equal(branch_row(looked, "feature/x")->commit, commit);
}

static void deploys_by_itself(const char *number, const char *commit)
{
    struct deployed wanted = {number, commit};
    assert_true(world_wait(&world, is_deployed, &wanted));
    assert_string_equal(world_last_run(&world)->id, number);
    assert_int_equal(world_last_run(&world)->origin, ORIGIN_PUSH);
}

static void push__deploys_and_nothing_else_does(void **state)
{
    (void)state;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world_write(&world, "berth.yaml", on_push, false);
    git("commit", "-q", "-am policy");
    start(); /* a first listing */
    const char *first = commit_of_branch();
    policy(arena_printf(&world.arena, "%s    description: other\n", on_push), "description: other");
    assert_null(world_last_run(&world));
    world_push(&world, "template: shop\nversion: 2\nresources:\n"
                       "  a: { executor: exec, run: [./tool, up, a], undo: [./tool, down, a] }\n");
    assert_true(world_wait(&world, is_another_commit, (void *)(uintptr_t)first));
    const char *second = commit_of_branch();
    deploys_by_itself("1", second);
    int64_t life = world_environment(&world, REVIEW)->planned_destruction_at;
    policy(on_push, "from: last_push"); /* the policy moves again: nothing is deployed for it */
    git("branch", "-f", "feature/x");
    assert_true(world_wait(&world, is_another_commit, (void *)(uintptr_t)second));
    deploys_by_itself("2", commit_of_branch());
    git("update-ref", "refs/heads/feature/x", second); /* A, B, A */
    deploys_by_itself("3", second);
    assert_true(world_environment(&world, REVIEW)->planned_destruction_at > life);
}

#define SIZED(what)                                                      \
    "    on_failure: rollback\n"                                         \
    "    rollback: { gate: none }\n"                                     \
    "    inputs: { place: { type: string, default: " what "-place } }\n" \
    "    with: { size: " what " }\n"
#define SIZED_TEMPLATE(more)                                                                           \
    "template: shop\nversion: 1\nparameters: { size: { type: string, required: true } }\nresources:\n" \
    "  a: { executor: exec, run: [./tool, up, \"${{ param.size }}-${{ input.place }}\"" more           \
    "], undo: [./tool, down, a] }\n"
#define PLAIN_TEMPLATE(what, broken)           \
    "template: shop\nversion: 1\nresources:\n" \
    "  a: { executor: exec, run: [./tool, up, " what broken "], undo: [./tool, down, a] }\n"
static const char small[] = POLICY("push") SIZED("small"), big[] = POLICY("push") SIZED("big");

static void push__that_fails_goes_back_to_the_values_that_were_deployed(void **state)
{
    (void)state;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world_write(&world, "berth.yaml", small, false);
    git("commit", "-q", "-am policy");
    start();
    const char *first = commit_of_branch();
    world_push(&world, SIZED_TEMPLATE(""));
    assert_true(world_wait(&world, is_another_commit, (void *)(uintptr_t)first));
    const char *second = commit_of_branch();
    deploys_by_itself("1", second);
    assert_int_equal(world_journal(&world, "end up small-small-place"), 1);
    policy(big, "size: big");
    world_push(&world, SIZED_TEMPLATE(", broken"));
    struct deployed back = {"3", second};
    assert_true(world_wait(&world, is_deployed, &back));
    assert_int_equal(world_run(&world, "3")->workflow, WORKFLOW_ROLLBACK);
    assert_int_equal(world_journal(&world, "fail up big-big-place"), 1);
    assert_int_equal(world_journal(&world, "end up big"), 0);
    assert_int_equal(world_journal(&world, "end up small-small-place"), 2);
    assert_int_equal(world_environment(&world, REVIEW)->release, 1);
}

static const char more[] = POLICY("push") "    on_failure: rollback\n    rollback: { gate: none }\n";

/* Its commit knows nothing of a template that berth.yaml names since. */
static void push__that_fails_goes_back_to_the_templates_that_were_deployed(void **state)
{
    char two[sizeof more + 16];
    (void)state;
    const char *names = strstr(more, "[shop]");
    (void)snprintf(two, sizeof two, "%.*s[shop, more]%s", (int)(names - more), more, names + strlen("[shop]"));
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world_write(&world, "berth.yaml", more, false);
    git("commit", "-q", "-am policy");
    start();
    const char *first = commit_of_branch();
    world_push(&world, PLAIN_TEMPLATE("a", ""));
    assert_true(world_wait(&world, is_another_commit, (void *)(uintptr_t)first));
    const char *second = commit_of_branch();
    deploys_by_itself("1", second);
    policy(two, "shop, more");
    git("checkout", "-q", "feature/x");
    world_write(
        &world, "templates/more.yaml",
        "template: more\nversion: 1\nresources:\n  m: { executor: exec, run: [./tool, up, m], undo: [./tool, down, m] }\n",
        false);
    git("add", "templates", NULL);
    world_push(&world, PLAIN_TEMPLATE("b", ", broken"));
    struct deployed back = {"3", second};
    assert_true(world_wait(&world, is_deployed, &back));
    assert_int_equal(world_run(&world, "3")->workflow, WORKFLOW_ROLLBACK);
    assert_int_equal(world_journal(&world, "end up a"), 2);
    assert_int_equal(world_environment(&world, REVIEW)->release, 1);
}

static void push__is_planned_where_policy_plans_it(void **state)
{
    (void)state;
    static const char planned[] = POLICY("manual]\n    gate: { approvals: 2 }\n    plan_on: [push");
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world_write(&world, "berth.yaml", planned, false);
    git("commit", "-q", "-am policy");
    start();
    const char *first = commit_of_branch();
    policy(arena_printf(&world.arena, "%s    description: other\n", planned), "description: other");
    assert_null(world_last_run(&world)); /* a first listing, and another policy, plan nothing */
    world_push(&world, "template: shop\nversion: 2\nresources:\n"
                       "  a: { executor: exec, run: [./tool, up, a], undo: [./tool, down, a] }\n");
    assert_true(world_wait(&world, is_another_commit, (void *)(uintptr_t)first));
    deploys_by_itself("1", commit_of_branch());
    assert_int_equal(world_last_run(&world)->workflow, WORKFLOW_PLAN);
    assert_string_equal(world_last_run(&world)->status_reason, "planned: 1 to create");
    assert_null(world_environment(&world, REVIEW));
    assert_int_equal(world_journal(&world, "up a"), 0);
}

static void push__that_is_deployed_is_not_planned_beside(void **state)
{
    (void)state;
    static const char both[] = POLICY("push]\n    plan_on: [push");
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world_write(&world, "berth.yaml", both, false);
    git("commit", "-q", "-am policy");
    start();
    const char *first = commit_of_branch();
    world_push(&world, "template: shop\nversion: 2\nresources:\n"
                       "  a: { executor: exec, run: [./tool, up, a], undo: [./tool, down, a] }\n");
    assert_true(world_wait(&world, is_another_commit, (void *)(uintptr_t)first));
    deploys_by_itself("1", commit_of_branch());
    assert_int_equal(world_last_run(&world)->workflow, WORKFLOW_DEPLOY);
    assert_non_null(world_ask(&world, "hold", REVIEW, "")); /* whatever else was asked for has been answered by then */
    assert_string_equal(world_last_run(&world)->id, "1");
}

static bool is_refused(struct world *looked, void *subject)
{
    struct store_query query = {
        .type = &command_type, .index = "status", .equal = {word_name(command_status_names, COMMAND_REFUSED)}};
    int64_t count = 0;
    (void)subject;
    return store_count(looked->store, &query, &count, NULL) && count > 0;
}

static void push__during_a_stop_is_deployed_when_the_machines_act_again(void **state)
{
    (void)state;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world_write(&world, "berth.yaml", on_push, false);
    git("commit", "-q", "-am policy");
    start();
    const char *first = commit_of_branch();
    assert_non_null(world_ask(&world, "stop-all", "all", ""));
    world_push(&world, "template: shop\nversion: 2\nresources:\n"
                       "  a: { executor: exec, run: [./tool, up, a], undo: [./tool, down, a] }\n");
    assert_true(world_wait(&world, is_another_commit, (void *)(uintptr_t)first));
    assert_true(world_wait(&world, is_refused, NULL));
    assert_null(world_last_run(&world));
    assert_non_null(world_ask(&world, "resume-all", "all", ""));
    deploys_by_itself("1", commit_of_branch());
}

struct push_of {
    struct world *world;
    const char *branch;
    const struct command *command; /* the last that was asked for it */
};

static bool take_push(const void *row, void *context)
{
    const struct command *command = row;
    struct push_of *push = context;
    if (text_equal(command->actor, "trigger:push") && strstr(command->arguments, push->branch) &&
        (!push->command || push->command->submitted_at <= command->submitted_at))
        push->command = record_copy(&command_type, row, &push->world->arena);
    return true;
}

static const struct command *push_of(struct world *looked, const char *branch)
{
    struct push_of push = {.world = looked, .branch = branch};
    struct store_query query = {.type = &command_type};
    assert_true(store_each(looked->store, &query, take_push, &push, NULL));
    return push.command;
}

static bool is_refused_for_room(struct world *looked, void *branch)
{
    const struct command *command = push_of(looked, branch);
    return command && command->status == COMMAND_REFUSED && strstr(command->answer, "limits.environments");
}

static bool is_there(struct world *looked, void *branch)
{
    const struct command *command = push_of(looked, branch);
    const struct environment *environment = command ? world_environment(looked, command->subject) : NULL;
    return environment && environment->status == ENVIRONMENT_OK;
}

static void destroy(const char *name)
{
    const char *confirm = arena_printf(&world.arena, "{\"confirm\":\"%s\"}", name);
    const struct command *command = world_ask(&world, "destroy", name, confirm);
    assert_non_null(command);
    assert_int_equal(command->status, COMMAND_ACCEPTED);
}

/* Two wait for one place: the first of them gets it, the other the next one. */
static void push__refused_for_want_of_room_is_deployed_when_there_is_some(void **state)
{
    (void)state;
    const char *const y = "feature/y", *const z = "feature/z";
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world_write(&world, "berth.yaml",
                arena_printf(&world.arena, "%slimits: { environments: { review: 1 } }\n", on_push), false);
    git("commit", "-q", "-am policy");
    start();
    assert_non_null(world_ask(&world, "deploy", "feature/x", ""));
    assert_non_null(world_wait_run(&world, 1u << RUN_DONE));
    git("branch", y, "feature/x");
    assert_true(world_wait(&world, is_refused_for_room, (void *)(uintptr_t)y));
    git("branch", z, "feature/x");
    assert_true(world_wait(&world, is_refused_for_room, (void *)(uintptr_t)z));
    destroy(REVIEW);
    assert_true(world_wait(&world, is_there, (void *)(uintptr_t)y));
    assert_string_equal(push_of(&world, y)->reason, "it was pushed while its tier had enough environments");
    assert_true(is_refused_for_room(&world, (void *)(uintptr_t)z));
    destroy(push_of(&world, y)->subject);
    assert_true(world_wait(&world, is_there, (void *)(uintptr_t)z));
}

/* No look at all environments is to come: what there was to be looked at is. */
static bool cleaner_rests(struct world *looked, void *context)
{
    struct sweep row;
    (void)context;
    return store_get(looked->store, &sweep_type, "cleaner/environments", &looked->arena, &row, NULL) == STORE_FOUND &&
           time_now_ms() - row.at > 3 * MS_SECOND;
}

/* A run that is cancelled before there is an environment leaves nothing but its place. */
static void push__refused_for_want_of_room_takes_that_of_a_run_that_came_to_nothing(void **state)
{
    (void)state;
    const char *const y = "feature/y";
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world.fault = "worker.before_prepare=stop";
    world_write(&world, "berth.yaml",
                arena_printf(&world.arena, "%slimits: { environments: { review: 1 } }\n", on_push), false);
    git("commit", "-q", "-am policy");
    start();
    assert_non_null(world_ask(&world, "deploy", "feature/x", ""));
    assert_true(world_wait(&world, has_fired, (void *)(uintptr_t) "worker.before_prepare"));
    git("branch", y, "feature/x");
    assert_true(world_wait(&world, is_refused_for_room, (void *)(uintptr_t)y));
    assert_true(world_wait(&world, cleaner_rests, NULL));
    const struct command *cancelled = world_ask(&world, "cancel", "1", "");
    assert_non_null(cancelled);
    assert_int_not_equal(cancelled->status, COMMAND_REFUSED);
    assert_true(world_wait(&world, is_there, (void *)(uintptr_t)y));
}

static bool lives_longer(struct world *looked, void *context)
{
    return world_environment(looked, REVIEW)->planned_destruction_at > *(const int64_t *)context;
}

static void push__that_deploys_nothing_prolongs_the_life(void **state)
{
    (void)state;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world_write(&world, "berth.yaml", by_hand, false);
    git("commit", "-q", "-am policy");
    start();
    assert_non_null(world_ask(&world, "deploy", "feature/x", ""));
    assert_non_null(world_wait_run(&world, 1u << RUN_DONE));
    int64_t life = world_environment(&world, REVIEW)->planned_destruction_at;
    assert_true(life > 0);
    world_push(&world, "template: shop\nversion: 2\nresources: {}\n");
    assert_true(world_wait(&world, lives_longer, &life));
    assert_string_equal(world_last_run(&world)->id, "1");
}

static bool ends_at(struct world *looked, void *at)
{
    return world_environment(looked, REVIEW)->planned_destruction_at == *(const int64_t *)at;
}

static void life_says(const char *life)
{
    char *text = mem_strdup(by_hand);
    memcpy(strstr(text, "default: 2d") + strlen("default: "), life, strlen("2d"));
    policy(text, arena_printf(&world.arena, "default: %s", life));
    free(text);
}

static bool ends_soon(struct world *looked, void *unused)
{
    const struct environment *environment = world_environment(looked, REVIEW);
    (void)unused;
    return environment->planned_destruction_at < time_now_ms() + MS_DAY &&
           environment->ends_at == environment->planned_destruction_at;
}

static void policy__that_changes_a_life_moves_the_ends_of_what_is_there(void **state)
{
    (void)state;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world_write(&world, "berth.yaml", by_hand, false);
    git("commit", "-q", "-am policy");
    start();
    assert_non_null(world_ask(&world, "deploy", "feature/x", ""));
    assert_non_null(world_wait_run(&world, 1u << RUN_DONE));
    int64_t life = world_environment(&world, REVIEW)->planned_destruction_at, longer = life + 2 * MS_DAY;
    assert_true(life > 0);
    life_says("4d");
    assert_true(world_wait(&world, ends_at, &longer));
    int64_t before = time_now_ms();
    life_says("1s"); /* over long ago, but nobody was told */
    assert_true(world_wait(&world, ends_soon, NULL));
    assert_in_range(world_environment(&world, REVIEW)->planned_destruction_at, before + 2 * MS_HOUR,
                    time_now_ms() + 2 * MS_HOUR);
    assert_string_equal(world_last_run(&world)->id, "1");
}

/* --- an observer that hangs ---------------------------------------------------------------------------------------------- */

static bool is_unreachable(struct world *looked, void *id)
{
    struct sweep row;
    return store_get(looked->store, &sweep_type, id, &looked->arena, &row, NULL) == STORE_FOUND && !row.complete &&
           text_starts(row.error, "unreachable since ");
}

static bool is_whole(struct world *looked, void *name)
{
    struct repository row;
    return store_get(looked->store, &repository_type, name, &looked->arena, &row, NULL) == STORE_FOUND && row.complete;
}

static void observer__that_does_not_come_back_is_ended_and_said(void **state)
{
    (void)state;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world_configure(&world, "poll: 1s\n");
    world.fault = "observer.after_listing=stop";
    start();
    assert_true(world_wait(&world, is_unreachable, (void *)(uintptr_t) "branches/app"));
    assert_true(world_wait(&world, is_whole, (void *)(uintptr_t) "app")); /* the next one looks anew */
    assert_int_equal(world.starts, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(end__command_in_its_last_moment_is_answered_in_a_new_epoch),
        TEST(lock_file__that_is_taken_away_ends_it_and_the_next_one_serves),
        TEST(lock_file__that_is_taken_away_lets_no_second_one_write),
        TEST(database__that_is_replaced_ends_it),
        TEST(folder__that_is_deleted_ends_it_and_the_next_one_begins_anew),
        TEST(policy__entry_that_goes_mid_apply_lets_nothing_more_begin),
        TEST(push__is_for_every_entry_that_takes_it_however_many),
        TEST(push__deploys_and_nothing_else_does),
        TEST(push__that_fails_goes_back_to_the_values_that_were_deployed),
        TEST(push__that_fails_goes_back_to_the_templates_that_were_deployed),
        TEST(push__is_planned_where_policy_plans_it),
        TEST(push__that_is_deployed_is_not_planned_beside),
        TEST(push__during_a_stop_is_deployed_when_the_machines_act_again),
        TEST(push__refused_for_want_of_room_is_deployed_when_there_is_some),
        TEST(push__refused_for_want_of_room_takes_that_of_a_run_that_came_to_nothing),
        TEST(push__that_deploys_nothing_prolongs_the_life),
        TEST(policy__that_changes_a_life_moves_the_ends_of_what_is_there),
        TEST(observer__that_does_not_come_back_is_ended_and_said),
        TEST(branch__that_went_marks_its_environment_until_it_is_back),
    };
    return cmocka_run_group_tests_name("agent daemon", tests, NULL, NULL);
}
