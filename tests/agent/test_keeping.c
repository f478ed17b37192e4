/* SPDX-License-Identifier: ISC */
/* The real berthd and the pins of its mirror: each is held as long as something needs it, and goes then, whoever is killed meanwhile. */
#include "faults/shop.h"
#include "faults/story.h"

#include "berth/base/file.h"
#include "berth/base/time.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define TEST(test) cmocka_unit_test_teardown(test, tear_down)

static struct world world;

static int tear_down(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

static void open_world(const char *fault)
{
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world.fault = fault;
    world_start(&world);
}

/* --- what is pinned ------------------------------------------------------------------------------------------------ */

static char *mirror(const char *below)
{
    return arena_printf(&world.arena, "%s/mirrors/app.git/%s", world.store_folder, below);
}

/* "1 4": the runs whose pins there are. */
static const char *pins(void)
{
    struct folder_list list = {0};
    const char *folder = mirror("refs/berth/pins/runs"), *text = "";
    if (folder_exists(folder) && folder_list(folder, &list, NULL))
        for (size_t i = 0; i < list.count; i++)
            if (!strstr(list.names[i], ".lock"))
                text = arena_printf(&world.arena, "%s%s%s", text, *text ? " " : "", list.names[i]);
    folder_list_free(&list);
    return text;
}

static bool pins_are(struct world *looked, void *wanted)
{
    (void)looked;
    return text_equal(pins(), wanted);
}

static void expect_pins(const char *wanted)
{
    if (!world_wait(&world, pins_are, (void *)(uintptr_t)wanted))
        fail_msg("the pins are of the runs '%s', not '%s'", pins(), wanted);
}

static bool says(struct world *looked, void *text)
{
    struct str said = STR_INIT;
    char *path = path_join(looked->store_folder, "berthd.log");
    bool is = file_read(path, 4u << 20, &said, NULL) && strstr(said.data, text);
    free(path);
    str_release(&said);
    return is;
}

static void expect_said(const char *text)
{
    if (!world_wait(&world, says, (void *)(uintptr_t)text))
        fail_msg("berthd.log does not say: %s", text);
}

static bool has_fired(struct world *fired, void *point)
{
    return world_fired(fired, point);
}

static void expect_fired(const char *point)
{
    if (!world_wait(&world, has_fired, (void *)(uintptr_t)point))
        fail_msg("%s was not reached", point);
}

/* --- stories ------------------------------------------------------------------------------------------------------- */

static void deploy(void)
{
    struct str trouble = STR_INIT;
    if (!story_deploy(&world, &trouble))
        fail_msg("%s", trouble.data);
    str_release(&trouble);
}

static void destroy(void)
{
    struct str trouble = STR_INIT;
    if (!story_destroy(&world, &trouble))
        fail_msg("%s", trouble.data);
    str_release(&trouble);
}

static void push(enum shop_stage stage)
{
    struct str text = STR_INIT;
    shop_template(&text, WORLD_EXEC, stage, 0);
    world_git(&world, "checkout", "-q", "feature/x");
    world_write(&world, "templates/shop.yaml", text.data, false);
    world_git(&world, "add", "-A", NULL);
    world_git(&world, "commit", "--allow-empty", "-qmchange");
    world_git(&world, "checkout", "-q", "main");
    str_release(&text);
}

/* A run that reached its gate and was given up. */
static void cancelled_run(void)
{
    struct str trouble = STR_INIT;
    const struct run *run = story_to_gate(&world, &trouble);
    if (!run)
        fail_msg("%s", trouble.data);
    assert_non_null(world_ask(&world, "cancel", run->id, "{}"));
    assert_non_null(world_wait_run(&world, 1u << RUN_CANCELLED));
    str_release(&trouble);
}

/* feature/x is deleted, and what only it had is collected: nobody but the mirror has its commits any more. */
static void collect_branch(void)
{
    world_git(&world, "update-ref", "-d", "refs/heads/feature/x");
    world_git(&world, "reflog", "expire", "--expire=now");
    world_git(&world, "gc", "-q", "--prune=now");
}

static void release__of_a_run_that_was_cancelled_says_why(void **state)
{
    (void)state;
    open_world("");
    cancelled_run();
    expect_pins("");
    expect_said("releases the pin runs/1 of 'app'");
    expect_said("run 1 has ended, and nothing needs its commit");
}

static void deployed_commit__is_held_until_its_recipe_is_over(void **state)
{
    (void)state;
    open_world("");
    push(SHOP_WHOLE);
    deploy(); /* run 1 */
    push(SHOP_PLANNED);
    deploy(); /* run 2 */
    deploy(); /* run 3, at the commit of run 2 */
    expect_pins("1 2");
    expect_said("run 3 has ended, and runs/2 holds the same commit");
    collect_branch();
    destroy(); /* run 4, by the template of run 2 */
    expect_pins("2");
    world_kill(&world, SIGKILL);
    struct error error = {0};
    struct recipe recipe;
    struct store *store = store_open(world.store_folder, STORE_OWNER, &error);
    const struct environment *environment = world_environment(&world, STORY_ENVIRONMENT);
    assert_non_null(store);
    assert_non_null(environment);
    assert_int_equal(store_get(store, &recipe_type, environment->id, &world.arena, &recipe, &error), STORE_FOUND);
    recipe.kept_until = time_now_ms() - 1;
    assert_true(store_begin(store, STORE_DURABLE, &error) && store_put(store, &recipe_type, &recipe, &error) &&
                store_commit(store, NULL, &error));
    store_close(store);
    expect_pins("");
    assert_int_equal(store_get(world.store, &recipe_type, environment->id, &world.arena, &recipe, &error),
                     STORE_MISSING);
    int64_t templates = 1;
    const struct store_query query = {.type = &template_type};
    assert_true(store_count(world.store, &query, &templates, &error));
    assert_int_equal(templates, 0);
}

static void rollback__finds_a_commit_that_only_its_pin_holds(void **state)
{
    (void)state;
    open_world("");
    push(SHOP_WHOLE);
    deploy();
    push(SHOP_PLANNED);
    deploy();
    collect_branch();
    const struct command *command = world_ask(&world, "rollback", STORY_ENVIRONMENT, "{\"to\":\"v1\"}");
    assert_non_null(command);
    assert_int_not_equal(command->status, COMMAND_REFUSED);
    struct str trouble = STR_INIT;
    const struct run *run = story_to_end(&world, &trouble);
    if (!run || run->status != RUN_DONE)
        fail_msg("%s", trouble.data);
    assert_string_equal(run->status_reason, "back at release v1");
    str_release(&trouble);
    expect_pins("1 2"); /* v2 can be gone back to */
}

/* Beside the environment's own mirror: one of a repository that no policy names any more. */
static void mirror__of_no_repository_goes(void **state)
{
    (void)state;
    open_world("");
    cancelled_run();
    expect_pins("");
    char *other = path_printf("%s/mirrors/other.git", world.store_folder);
    const char *argv[] = {"git", "init", "-q", "--bare", other, NULL};
    world_command_line(world.folder, argv);
    cancelled_run();
    expect_said("the mirror of 'other': removed the mirror");
    assert_false(folder_exists(other));
    assert_true(folder_exists(mirror("")));
    free(other);
}

static void pin__that_was_lost_is_taken_again(void **state)
{
    (void)state;
    open_world("");
    push(SHOP_WHOLE);
    deploy();
    expect_pins("1");
    assert_int_equal(unlink(mirror("refs/berth/pins/runs/1")), 0);
    collect_branch(); /* its objects are in the mirror, and nothing holds them there */
    world_kill(&world, SIGKILL);
    expect_pins("1");
    expect_said("takes the pin runs/1 of 'app' again");
    destroy();
}

static const char *digest_of_repository(void)
{
    /* what git itself looks after when it is asked something is no part of it */
    const char *argv[] = {"sh", "-c",
                          "find . -type f ! -name index ! -name '*.lock' -exec sha256sum {} + | sort >../digest", NULL};
    struct str text = STR_INIT;
    char *path = path_printf("%s/../digest", world.repository);
    struct error error = {0};
    world_command_line(world.repository, argv);
    assert_true(file_read(path, 4u << 20, &text, &error));
    const char *copy = arena_strdup(&world.arena, text.data);
    str_release(&text);
    free(path);
    return copy;
}

static void users_repository__is_as_it_was_when_all_is_destroyed(void **state)
{
    (void)state;
    open_world("");
    push(SHOP_WHOLE);
    const char *before = digest_of_repository();
    deploy();
    destroy();
    cancelled_run(); /* run 3 */
    expect_pins("1");
    expect_said("releases the pin runs/3");
    assert_string_equal(digest_of_repository(), before);
}

/* The first number that the statement gives, 0: none. */
static int64_t ask_database(const char *text, const char *parameter)
{
    char *path = path_join(world.store_folder, "store.db");
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(database, 10000), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, text, -1, &statement, NULL), SQLITE_OK);
    if (parameter)
        assert_int_equal(sqlite3_bind_text(statement, 1, parameter, -1, SQLITE_STATIC), SQLITE_OK);
    int answer = sqlite3_step(statement);
    assert_true(answer == SQLITE_DONE || answer == SQLITE_ROW);
    int64_t number = answer == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    sqlite3_close(database);
    free(path);
    return number;
}

static void set_recipe(const char *sources)
{
    (void)ask_database("UPDATE recipes SET sources = ?", sources);
}

/* Values that were replaced more than 35 days ago; each but the one that was in force then. */
static int64_t old_values(void)
{
    return ask_database(
        "SELECT count(*) FROM history h WHERE at < (strftime('%s') - 35 * 86400) * 1000 AND EXISTS (SELECT 1 FROM"
        " history n WHERE n.type = h.type AND n.id = h.id AND n.revision > h.revision AND n.at <"
        " (strftime('%s') - 35 * 86400) * 1000)",
        NULL);
}

static bool no_old_value(struct world *looked, void *context)
{
    (void)looked;
    (void)context;
    return old_values() == 0;
}

static void values__beyond_their_horizon_are_forgotten(void **state)
{
    (void)state;
    open_world("");
    push(SHOP_WHOLE);
    deploy();
    world_kill(&world, SIGKILL);
    (void)ask_database("UPDATE history SET at = at - 40 * 86400000", NULL);
    assert_int_not_equal(old_values(), 0);
    assert_true(world_wait(&world, no_old_value, NULL));
    destroy();
}

/* Nothing goes while a row that may need it cannot be read. */
static void release__waits_for_a_row_that_cannot_be_read(void **state)
{
    struct recipe recipe;
    (void)state;
    open_world("");
    push(SHOP_WHOLE);
    deploy();
    destroy();
    expect_pins("1");
    const struct environment *environment = world_environment(&world, STORY_ENVIRONMENT);
    assert_int_equal(store_get(world.store, &recipe_type, environment->id, &world.arena, &recipe, NULL), STORE_FOUND);
    world_kill(&world, SIGKILL);
    set_recipe("[{");
    cancelled_run(); /* run 3 */
    expect_said("cannot be read");
    expect_said("keeper "); /* it was asked for all the same */
    assert_string_equal(pins(), "1 3");
    world_kill(&world, SIGKILL);
    set_recipe(recipe.sources);
    expect_pins("1");
}

/* --- races and kills ----------------------------------------------------------------------------------------------- */

static bool is_preparing(struct world *looked, void *context)
{
    const struct run *run = world_run(looked, context);
    return run && run->status == RUN_PREPARING;
}

static bool keeper_is_gone(struct world *looked, void *context)
{
    (void)context;
    return world_child(looked, "keeper") == 0;
}

static void let_keeper_go_on(void)
{
    pid_t keeper = world_child(&world, "keeper");
    assert_true(keeper > 0);
    kill(keeper, SIGCONT);
}

/* A run that had ended is tried again while its pin is being released: what its worker takes then is not released with it. */
static void release__is_over_before_its_run_takes_the_pin_again(void **state)
{
    (void)state;
    open_world("keeper.before_release=stop,worker.mid_prepare:2=stop");
    world_push(&world, "template: [\n"); /* it is pinned, and then cannot be read */
    assert_non_null(world_ask(&world, "deploy", STORY_ENVIRONMENT, "{\"ref\":\"feature/x\"}"));
    assert_non_null(world_wait_run(&world, 1u << RUN_FAILED));
    expect_fired("keeper.before_release");
    expect_pins("1");
    const struct command *command = world_ask(&world, "retry", "1", "{}");
    assert_non_null(command);
    assert_int_not_equal(command->status, COMMAND_REFUSED);
    assert_true(world_wait(&world, is_preparing, (void *)(uintptr_t) "1"));
    let_keeper_go_on();
    expect_fired("worker.mid_prepare");
    assert_true(world_wait(&world, keeper_is_gone, NULL));
    assert_string_equal(pins(), "1");
}

static void make_old(const char *name)
{
    const struct timespec then = {.tv_sec = (time_t)(time_now_ms() / MS_SECOND - 2 * 86400)}, times[2] = {then, then};
    assert_int_equal(utimensat(AT_FDCWD, mirror(name), times, 0), 0);
}

/* Whoever dies at `point`: what is needed stays, what is not goes, and what is deployed can be destroyed. */
static void play_kill(const char *point)
{
    open_world(point);
    push(SHOP_WHOLE);
    deploy(); /* run 1 */
    push(SHOP_PLANNED);
    cancelled_run(); /* run 2 */
    push(SHOP_WHOLE);
    cancelled_run(); /* run 3 */
    expect_fired(arena_strndup(&world.arena, point, strcspn(point, ":")));
    expect_pins("1");
    collect_branch();
    destroy();
    expect_pins("1"); /* the recipe's */
}

static void kill__of_the_keeper_before_a_release_loses_nothing(void **state)
{
    (void)state;
    play_kill("keeper.before_release");
}

static void kill__of_the_keeper_amid_releases_loses_nothing(void **state)
{
    (void)state;
    play_kill("keeper.mid_release");
}

static void kill__of_the_keeper_after_its_releases_loses_nothing(void **state)
{
    (void)state;
    play_kill("keeper.after_release");
}

/* The mirror is packed and emptied, and whoever does that dies on the way. */
static void play_tidy(const char *fault, const char *point)
{
    open_world(fault);
    push(SHOP_WHOLE);
    deploy();
    push(SHOP_PLANNED);
    cancelled_run();
    expect_pins("1");
    make_old("berth-released");
    cancelled_run();
    if (point)
        expect_fired(point);
    else
        expect_said("the mirror of 'app': packed");
    collect_branch();
    world_kill(&world, SIGKILL); /* its trees are laid out anew */
    destroy();
    expect_pins("1");
}

static void tidy__leaves_what_a_deployed_environment_is_undone_from(void **state)
{
    (void)state;
    play_tidy("", NULL);
}

static void kill__before_old_packs_go_loses_nothing(void **state)
{
    (void)state;
    play_tidy("keeper.mid_tidy", "keeper.mid_tidy");
}

static void kill__while_old_packs_go_loses_nothing(void **state)
{
    (void)state;
    play_tidy("keeper.mid_removal", "keeper.mid_removal");
}

static void kill__of_the_supervisor_while_pins_go_loses_nothing(void **state)
{
    (void)state;
    open_world("keeper.mid_release=stop");
    push(SHOP_WHOLE);
    deploy();
    push(SHOP_PLANNED);
    cancelled_run();
    push(SHOP_WHOLE);
    cancelled_run();
    expect_fired("keeper.mid_release");
    world_kill(&world, SIGKILL); /* the keeper goes with it */
    expect_pins("1");
    collect_branch();
    destroy();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(release__of_a_run_that_was_cancelled_says_why),
        TEST(deployed_commit__is_held_until_its_recipe_is_over),
        TEST(rollback__finds_a_commit_that_only_its_pin_holds),
        TEST(mirror__of_no_repository_goes),
        TEST(pin__that_was_lost_is_taken_again),
        TEST(values__beyond_their_horizon_are_forgotten),
        TEST(users_repository__is_as_it_was_when_all_is_destroyed),
        TEST(release__waits_for_a_row_that_cannot_be_read),
        TEST(tidy__leaves_what_a_deployed_environment_is_undone_from),
#ifdef BERTH_FAULTS
        TEST(release__is_over_before_its_run_takes_the_pin_again),
        TEST(kill__of_the_keeper_before_a_release_loses_nothing),
        TEST(kill__of_the_keeper_amid_releases_loses_nothing),
        TEST(kill__of_the_keeper_after_its_releases_loses_nothing),
        TEST(kill__before_old_packs_go_loses_nothing),
        TEST(kill__while_old_packs_go_loses_nothing),
        TEST(kill__of_the_supervisor_while_pins_go_loses_nothing),
#endif
    };
    return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL);
}
