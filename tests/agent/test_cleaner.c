/* SPDX-License-Identifier: ISC */
/* The cleaner's part of a turn, over a store in memory: when its look counts, what it makes stale, which listings it goes by. */
#include "agent/supervisor.h"

#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char policy[] = "version: 1\n"
                             "workspace: shop\n"
                             "repositories: { app: { provider: git, url: . } }\n"
                             "targets: { here: { provider: local } }\n"
                             "environments:\n"
                             "  - name: dev\n"
                             "    tier: dev\n"
                             "    source: { branches: [\"feature/**\"] }\n"
                             "    templates: [shop]\n"
                             "    target: here\n"
                             "    deploy_on: [push]\n"
                             "    destroy_with_branch: { after: 1h }\n"
                             "    ttl: { default: 2d, max: 7d, from: last_push }\n"
                             "limits: { remove_at_once: 1, remove_share: 100% }\n";

struct scene {
    struct supervisor supervisor;
    struct agent_options options;
    struct arena arena;
};

static void put(struct scene *scene, const struct record_type *type, const void *row)
{
    struct store *store = scene->supervisor.store;
    assert_true(store_begin(store, STORE_RELAXED, NULL) && store_put(store, type, row, NULL) &&
                store_commit(store, NULL, NULL));
}

/* dev of feature/x, whose branch went two hours ago by whole listings; run 1 stands at its gate. */
static int set_up(void **state)
{
    struct scene *scene = mem_zero(1, sizeof *scene);
    struct problems problems;
    const int64_t now = time_now_ms();
    const struct environment dev = {.id = "E1",
                                    .name = "dev",
                                    .slug = "dev",
                                    .entry = "dev",
                                    .repository = "app",
                                    .branch = "feature/x",
                                    .status = ENVIRONMENT_OK,
                                    .created_at = now - MS_DAY,
                                    .deployed_at = now - MS_DAY};
    const struct branch branch = {.id = "app:feature/x",
                                  .repository = "app",
                                  .name = "feature/x",
                                  .misses = BRANCH_GONE_MISSES,
                                  .gone_at = now - 2 * MS_HOUR};
    const struct repository repository = {
        .id = "app", .complete = true, .listed = true, .branches = 3, .listed_at = now - MS_HOUR};
    const struct run run = {.id = "1",
                            .number = 1,
                            .environment = "E1",
                            .environment_name = "dev",
                            .entry = "dev",
                            .workflow = WORKFLOW_DEPLOY,
                            .status = RUN_HELD,
                            .repository = "app",
                            .ref = "feature/x"};
    problems_init(&problems, &scene->arena);
    scene->options.store_folder = "/nonexistent";
    scene->supervisor.options = &scene->options;
    scene->supervisor.config = config_load("berth.yaml", policy, strlen(policy), &problems);
    assert_non_null(scene->supervisor.config);
    problems_release(&problems);
    scene->supervisor.store = store_open_checked(store_open_memory());
    put(scene, &environment_type, &dev);
    put(scene, &branch_type, &branch);
    put(scene, &repository_type, &repository);
    put(scene, &run_type, &run);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    supervisor_cool(&scene->supervisor);
    for (size_t i = 0; i < scene->supervisor.listed.count; i++)
        vec_free(scene->supervisor.listed.items[i]);
    vec_release(&scene->supervisor.listed);
    for (size_t i = 0; i < scene->supervisor.due.count; i++)
        vec_free(scene->supervisor.due.items[i].run);
    vec_release(&scene->supervisor.due);
    store_close(scene->supervisor.store);
    config_free(scene->supervisor.config);
    arena_release(&scene->arena);
    vec_free(scene);
    return 0;
}

static void list(struct scene *scene)
{
    static const char ended[] = "{\"repository\":\"app\",\"provider\":\"git\",\"complete\":true,\"count\":3}";
    listing_ended(&scene->supervisor, ended, strlen(ended));
}

enum fate { COMMITTED, ABANDONED };

static void look(struct scene *scene, enum fate fate)
{
    struct supervisor *supervisor = &scene->supervisor;
    assert_true(store_begin(supervisor->store, STORE_DURABLE, NULL));
    assert_true(cleaner_look(supervisor, NULL));
    if (fate == COMMITTED) {
        assert_true(store_commit(supervisor->store, NULL, NULL));
        cleaner_looked(supervisor);
    } else {
        store_abandon(supervisor->store);
        cleaner_forget(supervisor);
    }
}

static int64_t count(struct scene *scene, const struct record_type *type)
{
    const struct store_query query = {.type = type};
    int64_t rows = 0;
    assert_true(store_count(scene->supervisor.store, &query, &rows, NULL));
    return rows;
}

static void look__counts_only_once_it_is_committed(void **state)
{
    struct scene *scene = *state;
    struct supervisor *supervisor = &scene->supervisor;
    list(scene);
    supervisor->cleaned_at_ms = time_now_ms() - MS_DAY; /* the clock went a day ahead since the last look */
    supervisor->cleaned_boot_ms = time_boot_ms() - 2 * MS_SECOND;
    const int64_t at = supervisor->cleaned_at_ms, boot = supervisor->cleaned_boot_ms;
    look(scene, ABANDONED);
    assert_int_equal(supervisor->cleaned_at_ms, at);
    assert_int_equal(supervisor->cleaned_boot_ms, boot);
    assert_true(cleaner_is_due(supervisor));
    look(scene, COMMITTED); /* what was not written is not forgotten: it asks */
    assert_int_equal(count(scene, &command_type), 0);
    assert_int_equal(count(scene, &hold_type), 1);
    assert_true(supervisor->cleaned_at_ms > at);
    assert_false(cleaner_is_due(supervisor));
}

static void look__makes_the_facts_of_the_run_at_work_stale(void **state)
{
    struct scene *scene = *state;
    struct supervisor *supervisor = &scene->supervisor;
    struct engine_facts *facts = supervisor_facts(supervisor, "1", NULL);
    assert_non_null(facts);
    assert_int_equal(facts->holds.count, 0);
    assert_int_equal(facts->environment->ends_at, 0);
    list(scene);
    assert_non_null(supervisor_facts(supervisor, "1", NULL));
    supervisor->cleaned_at_ms = time_now_ms() - MS_DAY;
    supervisor->cleaned_boot_ms = time_boot_ms() - 2 * MS_SECOND;
    look(scene, COMMITTED);
    facts = supervisor_facts(supervisor, "1", NULL);
    assert_non_null(facts);
    assert_int_equal(facts->holds.count, 1);
    assert_true(facts->environment->ends_at != 0 && (facts->environment->marks & MARK_BRANCH_GONE));
}

static void listing__makes_the_facts_of_the_run_at_work_stale(void **state)
{
    struct scene *scene = *state;
    struct str rows = STR_INIT;
    const struct branch back = {.id = "app:feature/x", .repository = "app", .name = "feature/x", .commit = "c2"};
    struct engine_facts *facts = supervisor_facts(&scene->supervisor, "1", NULL);
    assert_true(facts && facts->branch && facts->branch->gone_at != 0);
    record_pack(&branch_type, &back, &rows);
    listing_branches(&scene->supervisor, rows.data, rows.length);
    facts = supervisor_facts(&scene->supervisor, "1", NULL);
    assert_true(facts && facts->branch && facts->branch->gone_at == 0);
    str_release(&rows);
}

/* The life of dev that was to end then, after a push of its branch. */
static int64_t life_after_push(struct scene *scene, const char *commit, int64_t ends_at)
{
    struct store *store = scene->supervisor.store;
    const struct branch pushed = {.id = "app:feature/x", .repository = "app", .name = "feature/x", .commit = commit};
    struct environment dev;
    struct str rows = STR_INIT;
    assert_int_equal(store_get(store, &environment_type, "E1", &scene->arena, &dev, NULL), STORE_FOUND);
    dev.planned_destruction_at = ends_at;
    put(scene, &environment_type, &dev);
    record_pack(&branch_type, &pushed, &rows);
    listing_branches(&scene->supervisor, rows.data, rows.length);
    assert_int_equal(store_get(store, &environment_type, "E1", &scene->arena, &dev, NULL), STORE_FOUND);
    str_release(&rows);
    return dev.planned_destruction_at;
}

static void push__gives_time_and_takes_none_away(void **state)
{
    struct scene *scene = *state;
    const int64_t now = time_now_ms(), extended = now + 5 * MS_DAY;
    assert_true(life_after_push(scene, "c2", now + MS_DAY) >= now + 2 * MS_DAY);
    assert_int_equal(life_after_push(scene, "c3", extended), extended);
    assert_int_equal(life_after_push(scene, "c4", 0), 0); /* it has no end to count */
}

static struct sweep sweep_of(struct scene *scene)
{
    struct sweep row;
    assert_int_equal(store_get(scene->supervisor.store, &sweep_type, "branches/app", &scene->arena, &row, NULL),
                     STORE_FOUND);
    return row;
}

static void listing__that_still_holds_is_as_fresh_as_the_look(void **state)
{
    static const char unchanged[] = "{\"repository\":\"app\",\"unchanged\":true}";
    struct scene *scene = *state;
    struct sweep row;
    int64_t revision, before = time_now_ms();
    list(scene);
    row = sweep_of(scene);
    row.at = 1000;
    row.count = 3;
    put(scene, &sweep_type, &row);
    revision = sweep_of(scene).revision;
    scene->supervisor.look_at_lives = false;
    listing_ended(&scene->supervisor, unchanged, strlen(unchanged));
    row = sweep_of(scene);
    assert_true(row.at >= before);
    assert_int_equal(row.count, 3);
    assert_true(row.complete);
    assert_int_equal(row.revision, revision);
    assert_false(scene->supervisor.look_at_lives); /* it proves nothing that was not known */
}

static void listing__of_an_earlier_life_ends_nothing(void **state)
{
    struct scene *scene = *state;
    look(scene, COMMITTED); /* the branch may have come back while nobody served */
    assert_int_equal(count(scene, &command_type), 0);
    assert_int_equal(count(scene, &hold_type), 0);
    list(scene);
    assert_true(scene->supervisor.look_at_lives);
    look(scene, COMMITTED);
    assert_int_equal(count(scene, &command_type), 1);
}

static void look__counts_what_nobody_has_answered_yet(void **state)
{
    struct scene *scene = *state;
    struct store *store = scene->supervisor.store;
    struct environment other;
    assert_int_equal(store_get(store, &environment_type, "E1", &scene->arena, &other, NULL), STORE_FOUND);
    list(scene);
    look(scene, COMMITTED);
    assert_int_equal(count(scene, &command_type), 1);
    other.id = "E2";
    other.name = other.slug = "dev2";
    put(scene, &environment_type, &other);
    look(scene, COMMITTED);
    assert_int_equal(count(scene, &command_type), 1);
    assert_int_equal(count(scene, &hold_type), 1);
}

/* The newest command was answered an hour ago; the run it began, if any, was cancelled then. */
static void answer_newest(struct scene *scene, enum command_status status, const char *run, const char *cancel_by)
{
    const struct store_query query = {.type = &command_type};
    struct command *rows, newest;
    size_t found;
    assert_true(store_list(scene->supervisor.store, &query, &scene->arena, &rows, &found, NULL) && found > 0);
    newest = rows[0];
    for (size_t i = 1; i < found; i++)
        if (strcmp(rows[i].key, newest.key) > 0)
            newest = rows[i];
    newest.status = (int)status;
    newest.run = run;
    newest.answered_at = time_now_ms() - MS_HOUR;
    put(scene, &command_type, &newest);
    if (text_empty(run))
        return;
    const struct run ended = {.id = run,
                              .number = run[0] - '0',
                              .environment = "E1",
                              .environment_name = "dev",
                              .workflow = WORKFLOW_DESTROY,
                              .status = RUN_CANCELLED,
                              .cancel_by = cancel_by,
                              .ended_at = newest.answered_at};
    put(scene, &run_type, &ended);
}

static void look__asks_again_for_an_end_that_came_to_nothing_by_itself(void **state)
{
    struct scene *scene = *state;
    list(scene);
    look(scene, COMMITTED);
    look(scene, COMMITTED);
    assert_int_equal(count(scene, &command_type), 1);
    answer_newest(scene, COMMAND_REFUSED, "", "");
    look(scene, COMMITTED);
    assert_int_equal(count(scene, &command_type), 2);
    answer_newest(scene, COMMAND_FAILED, "2", "berth");
    look(scene, COMMITTED);
    assert_int_equal(count(scene, &command_type), 3);
    answer_newest(scene, COMMAND_FAILED, "3", "alice");
    look(scene, COMMITTED);
    assert_int_equal(count(scene, &command_type), 3);
}

static void released_from(struct scene *scene, const char *repository, const char *branch)
{
    const char *id = arena_printf(&scene->arena, "%s:%s", repository, branch);
    put(scene, &branch_type, &(struct branch){.id = id, .repository = repository, .name = branch});
    put(scene, &release_type,
        &(struct release){
            .id = "E1/v1",
            .environment = "E1",
            .version = 1,
            .sources = arena_printf(&scene->arena, "[{\"repository\":\"%s\",\"ref\":\"%s\"}]", repository, branch)});
}

static void fed__by_another_branch_of_its_repository_it_stays(void **state)
{
    struct scene *scene = *state;
    released_from(scene, "app", "feature/y");
    list(scene);
    look(scene, COMMITTED);
    assert_int_equal(count(scene, &command_type), 0);
}

static void fed__is_nothing_by_what_its_runs_took_from_elsewhere(void **state)
{
    struct scene *scene = *state;
    released_from(scene, "charts", "main");
    list(scene);
    look(scene, COMMITTED);
    assert_int_equal(count(scene, &command_type), 1);
}

/* The brakes count what goes together. */
static void listing__what_it_misses_went_at_one_instant(void **state)
{
    enum { MANY = 2000 };
    struct scene *scene = *state;
    json_t *missing = json_array(), *message = json_pack("{s:s, s:s, s:b, s:i, s:o}", "repository", "app", "provider",
                                                         "git", "complete", 1, "count", 3, "missing", missing);
    struct branch *rows;
    struct store_query query = {.type = &branch_type};
    size_t listed;
    int64_t at = 0;
    char *text;
    for (int i = 0; i < MANY; i++) {
        const char *id = arena_printf(&scene->arena, "app:m%d", i);
        put(scene, &branch_type, &(struct branch){.id = id, .repository = "app", .name = id + 4, .misses = 1});
        json_array_append_new(missing, json_string(id));
    }
    text = json_dumps(message, JSON_COMPACT);
    listing_ended(&scene->supervisor, text, strlen(text));
    assert_true(store_list(scene->supervisor.store, &query, &scene->arena, &rows, &listed, NULL));
    for (size_t i = 0; i < listed; i++)
        if (!text_equal(rows[i].name, "feature/x")) {
            assert_true(rows[i].gone_at != 0 && (at == 0 || at == rows[i].gone_at));
            at = rows[i].gone_at;
        }
    free(text);
    json_decref(message);
}

/* --- missed pushes ---------------------------------------------------------------------------------------------------- */

/* A push of feature/y that was refused with that code, a minute ago. */
static void push_was_refused(struct scene *scene, const char *id, const char *commit, enum error_code code)
{
    const char *answer = arena_printf(&scene->arena, "{\"code\":\"%s\"}", error_info(code)->name);
    put(scene, &command_type,
        &(struct command){
            .id = id,
            .verb = "deploy",
            .subject = "dev",
            .arguments = arena_printf(&scene->arena, "{\"ref\":\"feature/y\",\"commit\":\"%s\"}", commit),
            .actor = "trigger:push",
            .via = "push",
            .answer = answer,
            .status = COMMAND_REFUSED,
            .submitted_at = time_now_ms() - MS_MINUTE,
        });
}

static void look_for_missed(struct scene *scene)
{
    struct supervisor *supervisor = &scene->supervisor;
    struct error error = {0};
    put(scene, &branch_type,
        &(struct branch){.id = "app:feature/y", .repository = "app", .name = "feature/y", .commit = "y2"});
    assert_true(store_begin(supervisor->store, STORE_DURABLE, NULL));
    assert_true(missed_look(supervisor, &error) && store_commit(supervisor->store, NULL, NULL));
}

static void missed__push_is_asked_for_again_once(void **state)
{
    struct scene *scene = *state;
    push_was_refused(scene, "C1", "y2", ERROR_DENIED);
    look_for_missed(scene);
    assert_int_equal(count(scene, &command_type), 2);
    assert_true(scene->supervisor.look_at_commands);
    look_for_missed(scene);
    assert_int_equal(count(scene, &command_type), 2);
}

static void missed__push_of_what_was_destroyed_since_is_not(void **state)
{
    struct scene *scene = *state;
    struct run destroy = {.id = "2",
                          .number = 2,
                          .environment_name = "dev",
                          .workflow = WORKFLOW_DESTROY,
                          .status = RUN_DONE,
                          .created_at = time_now_ms() - 2 * MS_MINUTE};
    push_was_refused(scene, "C1", "y2", ERROR_DENIED); /* a minute ago */
    put(scene, &run_type, &destroy);
    destroy.id = "3";
    destroy.number = 3;
    destroy.created_at = time_now_ms();
    put(scene, &run_type, &destroy);
    look_for_missed(scene);
    assert_int_equal(count(scene, &command_type), 1);
    destroy.workflow = WORKFLOW_PLAN; /* only the older destroys */
    put(scene, &run_type, &destroy);
    look_for_missed(scene);
    assert_int_equal(count(scene, &command_type), 2);
}

static void missed__push_that_another_followed_is_not(void **state)
{
    struct scene *scene = *state;
    push_was_refused(scene, "C1", "y1", ERROR_DENIED); /* the branch is at y2 by now */
    look_for_missed(scene);
    assert_int_equal(count(scene, &command_type), 1);
}

static void missed__push_that_was_refused_for_another_reason_is_not(void **state)
{
    struct scene *scene = *state;
    push_was_refused(scene, "C1", "y2", ERROR_CONFLICT);
    look_for_missed(scene);
    assert_int_equal(count(scene, &command_type), 1);
}

static void missed__push_that_may_not_go_yet_either_is_not(void **state)
{
    struct scene *scene = *state;
    push_was_refused(scene, "C1", "y2", ERROR_DENIED);
    put(scene, &freeze_type, &(struct freeze){.id = "F1", .tiers = "[]", .except = "[]", .machines = true});
    look_for_missed(scene);
    assert_int_equal(count(scene, &command_type), 1);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(look__counts_only_once_it_is_committed),
        TEST(look__makes_the_facts_of_the_run_at_work_stale),
        TEST(listing__makes_the_facts_of_the_run_at_work_stale),
        TEST(missed__push_is_asked_for_again_once),
        TEST(missed__push_of_what_was_destroyed_since_is_not),
        TEST(missed__push_that_another_followed_is_not),
        TEST(push__gives_time_and_takes_none_away),
        TEST(missed__push_that_was_refused_for_another_reason_is_not),
        TEST(missed__push_that_may_not_go_yet_either_is_not),
        TEST(look__counts_what_nobody_has_answered_yet),
        TEST(look__asks_again_for_an_end_that_came_to_nothing_by_itself),
        TEST(fed__by_another_branch_of_its_repository_it_stays),
        TEST(fed__is_nothing_by_what_its_runs_took_from_elsewhere),
        TEST(listing__what_it_misses_went_at_one_instant),
        TEST(listing__of_an_earlier_life_ends_nothing),
        TEST(listing__that_still_holds_is_as_fresh_as_the_look),
    };
    return cmocka_run_group_tests_name("agent cleaner", tests, NULL, NULL);
}
