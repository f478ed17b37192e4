/* SPDX-License-Identifier: ISC */
/* One row of the store that cannot be read: what depends on it is held aside and said, everything else goes on. */
#include "faults/story.h"
#include "faults/world.h"

#include "berth/base/file.h"

#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define TEST(test) cmocka_unit_test_teardown(test, tear_down)
#define OTHER "feature/y"

static struct world world;

static int tear_down(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

static bool is_listed(struct world *looked, void *id)
{
    struct branch row;
    return store_get(looked->store, &branch_type, id, &looked->arena, &row, NULL) == STORE_FOUND;
}

/* A world whose feature/x is deployed to its gate. */
static const struct run *at_the_gate(void)
{
    struct str trouble = STR_INIT;
    const struct run *run;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world_git(&world, "branch", OTHER, "main");
    world_start(&world);
    assert_true(world_wait(&world, is_listed, (void *)(uintptr_t) "app:" OTHER));
    run = story_to_gate(&world, &trouble);
    if (!run)
        fail_msg("%s", trouble.data);
    str_release(&trouble);
    return run;
}

static void stop(void)
{
    int status;
    world_kill(&world, SIGKILL);
    assert_true(process_wait(&world.daemon, &status, NULL));
}

/* Puts a value into one cell, as a hand or a disk would: behind berth's back. Returns what it was (free). */
static char *put_cell(const char *table, const char *column, const char *where, const char *value)
{
    char *path = path_join(world.store_folder, "store.db"), *was = NULL;
    char *read = path_printf("SELECT \"%s\" FROM %s WHERE %s", column, table, where);
    char *write = path_printf("UPDATE %s SET \"%s\" = ?1 WHERE %s", table, column, where);
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, read, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    was = mem_strdup((const char *)sqlite3_column_text(statement, 0));
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE); /* one cell */
    sqlite3_finalize(statement);
    assert_int_equal(sqlite3_prepare_v2(database, write, -1, &statement, NULL), SQLITE_OK);
    sqlite3_bind_text(statement, 1, value, -1, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    free(path);
    free(read);
    free(write);
    return was;
}

static bool has_ended(struct world *looked, void *id)
{
    const struct run *run = world_run(looked, id);
    return run && run->status == RUN_DONE;
}

/* Whoever is about something else is served: a plan of another branch comes to its end. */
static void expect_others_served(void)
{
    const struct command *command = world_ask(&world, "plan", OTHER, "");
    assert_non_null(command);
    assert_int_equal(command->status, COMMAND_ACCEPTED);
    assert_true(world_wait(&world, has_ended, (void *)(uintptr_t)command->run));
}

static int ask_berth_all(const char *const *arguments, const char *said)
{
    struct str printed = STR_INIT, flat = STR_INIT;
    int status = world_berth(&world, arguments, &printed);
    for (const char *at = printed.data; *at; at++) /* sentences are wrapped */
        if (!strchr(" \n", *at) || (flat.length > 0 && flat.data[flat.length - 1] != ' '))
            str_add_bytes(&flat, *at == '\n' ? " " : at, 1);
    if (!strstr(flat.data, said))
        fail_msg("berth %s does not say '%s':\n%s", arguments[0], said, printed.data);
    str_release(&printed);
    str_release(&flat);
    return status;
}

static int ask_berth(const char *a, const char *b, const char *said)
{
    return ask_berth_all((const char *const[]){a, b, NULL}, said);
}

#define OF_IT "run = '1' AND id = (SELECT max(id) FROM "
static const struct damage {
    const char *table, *column, *where, *value, *said;
} damages[] = {
    {"runs", "inputs", "id = '1'", "{\"a\":", "its inputs is no whole JSON"},
    {"runs", "workflow", "id = '1'", "splendid", "its workflow is 'splendid', which no berth wrote"},
    {"environments", "tags", "id = (SELECT environment FROM runs WHERE id = '1')", "[1,", "its tags is no whole JSON"},
    {"environments", "status", "id = (SELECT environment FROM runs WHERE id = '1')", "splendid",
     "its status is 'splendid', which no berth wrote"},
    {"steps", "needs", OF_IT "steps WHERE run = '1')", "nothing", "its needs is no whole JSON"},
    {"plans", "changes", OF_IT "plans WHERE run = '1')", "[}", "its changes is no whole JSON"},
    {"commands", "arguments", "run = '1'", "{", "its arguments is no whole JSON"},
};

static const struct command *approve(const char *id, const char *digest)
{
    const struct command *command =
        world_ask(&world, "approve", id, arena_printf(&world.arena, "{\"digest\":\"%s\"}", digest));
    assert_non_null(command);
    return command;
}

/* One that a person asks about it gets the reason; one about anything else gets what it asked for. */
static void expect_held_aside(const struct damage *damage, const char *id, const char *digest)
{
    print_message("# %s.%s\n", damage->table, damage->column);
    char *was = put_cell(damage->table, damage->column, damage->where, damage->value);
    world_start(&world);
    expect_others_served();
    const struct command *command = approve(id, digest);
    assert_int_equal(command->status, COMMAND_REFUSED);
    if (!strstr(command->answer, damage->said))
        fail_msg("refused with: %s", command->answer);
    assert_int_equal(ask_berth("doctor", NULL, damage->said), 1);
    if (text_equal(damage->table, "runs") || text_equal(damage->table, "environments"))
        assert_int_equal(ask_berth(text_equal(damage->table, "runs") ? "runs" : "envs", NULL, damage->said), 0);
    stop();
    free(put_cell(damage->table, damage->column, damage->where, was));
    free(was);
}

static void damage__holds_its_run_aside_and_nothing_else(void **state)
{
    const struct run *run = at_the_gate();
    const char *id = run->id, *digest = run->digest;
    (void)state;
    expect_others_served();
    stop();
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++)
        expect_held_aside(&damages[i], id, digest);
    world_start(&world);
    assert_int_not_equal(approve(id, digest)->status, COMMAND_REFUSED);
    assert_true(world_wait(&world, has_ended, (void *)(uintptr_t)id));
}

static bool waits_for_freeze(struct world *looked, void *id)
{
    const struct run *run = world_run(looked, id);
    return run && run->status == RUN_GATE && run->approved_at != 0 && strstr(run->status_reason, "cannot be read");
}

static void order(const char *verb, const char *subject)
{
    const struct command *command = world_ask(&world, verb, subject, "");
    assert_non_null(command);
    assert_int_equal(command->status, COMMAND_DONE);
}

/* Nobody knows what it froze, so it freezes everything, says which it is, and can be taken away. */
static void damage__of_a_freeze_freezes_everything_until_it_is_taken_away(void **state)
{
    const struct run *run = at_the_gate();
    const char *id = run->id;
    (void)state;
    order("freeze", "prod");
    stop();
    free(put_cell("freezes", "tiers", "1", "[\"prod"));
    world_start(&world);
    assert_int_not_equal(approve(id, run->digest)->status, COMMAND_REFUSED);
    assert_true(world_wait(&world, waits_for_freeze, (void *)(uintptr_t)id));
    assert_int_equal(ask_berth("doctor", NULL, "until it is gone it freezes everything"), 1);
    (void)ask_berth("doctor", NULL, "berth unfreeze all");
    (void)ask_berth_all((const char *const[]){"why", "deploy", STORY_ENVIRONMENT, NULL},
                        "cannot be read, its tiers is no whole JSON: berth unfreeze all takes it away");
    order("unfreeze", "all");
    assert_true(world_wait(&world, has_ended, (void *)(uintptr_t)id));
    assert_int_equal(ask_berth("doctor", NULL, "can be read"), 0);
}

static bool has_begun(struct world *looked, void *line)
{
    return world_journal(looked, line) > 0;
}

static bool has_left_its_result(struct world *looked, void *context)
{
    char *folder = path_join(looked->store_folder, "runs/1");
    struct folder_list list = {0};
    bool left = false;
    (void)context;
    if (folder_list(folder, &list, NULL))
        for (size_t i = 0; i < list.count; i++)
            left = left || strstr(list.names[i], ".result");
    folder_list_free(&list);
    free(folder);
    return left;
}

/* Who is there when the step ends: the berthd that gave it hears its result and cannot store it, another one finds the worker at work. */
enum served_by { SAME_BERTHD, ANOTHER_BERTHD };

/* A run whose row is damaged while its first tool works: what the worker did meanwhile is neither lost nor done again. */
static void play_damage_at_work(enum served_by served_by)
{
    const struct run *run = at_the_gate();
    const char *id = run->id;
    world_hold_tool(&world, "up", "a");
    assert_int_not_equal(approve(id, run->digest)->status, COMMAND_REFUSED);
    assert_true(world_wait(&world, has_begun, (void *)(uintptr_t) "begin up a"));
    if (served_by == ANOTHER_BERTHD)
        stop();
    char *was = put_cell("runs", "inputs", "id = '1'", "{");
    if (served_by == ANOTHER_BERTHD)
        world_start(&world);
    expect_others_served(); /* the other run's facts take the place of this one's */
    world_release_tool(&world, "up", "a");
    assert_true(world_wait(&world, has_left_its_result, NULL));
    expect_others_served();
    assert_int_equal(world.starts, served_by == ANOTHER_BERTHD ? 2 : 1);
    stop();
    free(put_cell("runs", "inputs", "id = '1'", was));
    free(was);
    world_start(&world);
    assert_true(world_wait(&world, has_ended, (void *)(uintptr_t)id));
    assert_int_equal(world_journal(&world, "begin up a"), 1);
}

static void damage__of_a_run_at_work_keeps_the_result_of_its_step(void **state)
{
    (void)state;
    play_damage_at_work(ANOTHER_BERTHD);
}

static void damage__met_by_a_result_leaves_it_beside_its_step(void **state)
{
    (void)state;
    play_damage_at_work(SAME_BERTHD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(damage__holds_its_run_aside_and_nothing_else),
        TEST(damage__of_a_freeze_freezes_everything_until_it_is_taken_away),
        TEST(damage__of_a_run_at_work_keeps_the_result_of_its_step),
        TEST(damage__met_by_a_result_leaves_it_beside_its_step),
    };
    return cmocka_run_group_tests_name("damaged rows", tests, NULL, NULL);
}
