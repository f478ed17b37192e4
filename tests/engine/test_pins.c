/* SPDX-License-Identifier: ISC */
/* What keeps commits: which rows need one, which pins that holds and which go, over a store in memory. */
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/engine.h"
#include "berth/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccc"
#define D "dddddddddddddddddddddddddddddddddddddddd"
#define OF(commit) "[{\"repository\":\"app\",\"ref\":\"main\",\"commit\":\"" commit "\"}]"
#define NOW INT64_C(1000000000)

static const char policy[] =
    "version: 1\n"
    "workspace: shop\n"
    "trusted: { repository: app, ref: main }\n"
    "repositories: { app: { provider: git, url: . }, lib: { provider: git, url: ../lib } }\n"
    "targets: { here: { provider: local } }\n"
    "environments:\n"
    "  - { name: dev, tier: dev, repository: app, source: { branches: [main] }, templates: [shop], target: here "
    "}\n";

struct scene {
    struct store *store;
    struct config *config;
    struct arena arena;
    struct error error;
    struct engine_pins_verdict verdict;
};

static void put(struct scene *scene, const struct record_type *type, const void *row)
{
    assert_true(store_begin(scene->store, STORE_RELAXED, NULL) && store_put(scene->store, type, row, NULL) &&
                store_commit(scene->store, NULL, NULL));
}

static int set_up(void **state)
{
    struct scene *scene = mem_zero(1, sizeof *scene);
    struct problems problems;
    problems_init(&problems, &scene->arena);
    scene->config = config_load("berth.yaml", policy, strlen(policy), &problems);
    assert_non_null(scene->config);
    problems_release(&problems);
    scene->store = store_open_checked(store_open_memory());
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    engine_pins_verdict_release(&scene->verdict);
    store_close(scene->store);
    config_free(scene->config);
    arena_release(&scene->arena);
    vec_free(scene);
    return 0;
}

static void put_environment(struct scene *scene, enum environment_status status, const char *commit)
{
    const struct environment row = {.id = "E1",
                                    .name = "dev",
                                    .slug = "dev",
                                    .entry = "dev",
                                    .repository = "app",
                                    .branch = "main",
                                    .status = status,
                                    .commit = commit};
    put(scene, &environment_type, &row);
}

static void put_run(struct scene *scene, int64_t number, enum run_status status, enum workflow workflow,
                    const char *sources)
{
    const struct run row = {.id = arena_printf(&scene->arena, "%lld", (long long)number),
                            .number = number,
                            .environment = "E1",
                            .environment_name = "dev",
                            .entry = "dev",
                            .workflow = workflow,
                            .status = status,
                            .repository = "app",
                            .ref = "main",
                            .sources = sources};
    put(scene, &run_type, &row);
}

static void put_release(struct scene *scene, int64_t version, const char *run, const char *commit, const char *sources)
{
    const struct release row = {.id = arena_printf(&scene->arena, "E1/v%lld", (long long)version),
                                .environment = "E1",
                                .version = version,
                                .run = run,
                                .commit = commit,
                                .sources = sources,
                                .validated = true,
                                .verdict = "good"};
    put(scene, &release_type, &row);
}

/* "runs/1 runs/3": the names, in their order. */
static const char *names(struct scene *scene, const struct engine_pin *pins, size_t count)
{
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        text = arena_printf(&scene->arena, "%s%s%s", text, i > 0 ? " " : "", pins[i].name);
    return text;
}

static void judge(struct scene *scene, const char *repository, const struct engine_pin *pins, size_t count)
{
    struct engine_pins *needed = engine_pins_load(scene->store, scene->config, NOW, &scene->error);
    assert_non_null(needed);
    engine_pins_verdict_release(&scene->verdict);
    engine_pins_judge(needed, repository, pins, count, &scene->arena, &scene->verdict);
    engine_pins_free(needed);
}

static void expect(struct scene *scene, const char *released, const char *taken)
{
    const struct engine_pins_verdict *verdict = &scene->verdict;
    assert_string_equal(names(scene, verdict->release.items, verdict->release.count), released);
    assert_string_equal(names(scene, verdict->take.items, verdict->take.count), taken);
}

static const struct engine_pin four[] = {{.name = "policy", .commit = A}, {.name = "runs/10", .commit = B},
                                         {.name = "runs/9", .commit = B}, {.name = "runs/2", .commit = C},
                                         {.name = "runs/1", .commit = A}, {.name = "somebodys", .commit = D}};
#define FOUR four, sizeof four / sizeof *four

static void pins__of_runs_that_ended_go_when_nothing_needs_them(void **state)
{
    struct scene *scene = *state;
    put_run(scene, 1, RUN_CANCELLED, WORKFLOW_DEPLOY, OF(A));
    put_run(scene, 2, RUN_DONE, WORKFLOW_PLAN, OF(C));
    judge(scene, "app", FOUR);
    expect(scene, "runs/1 runs/2 runs/9 runs/10", "");
    assert_int_equal(scene->verdict.kept, 2); /* the policy's, and what nobody here made */
    assert_true(scene->verdict.wanted);
}

static void pin__of_a_run_that_has_not_ended_stays_whatever_its_row_says(void **state)
{
    struct scene *scene = *state;
    for (int status = RUN_QUEUED; status < RUN_DONE; status++) {
        put_run(scene, 2, (enum run_status)status, WORKFLOW_DEPLOY, ""); /* its worker has it, its row not yet */
        judge(scene, "app", FOUR);
        expect(scene, "runs/1 runs/9 runs/10", "");
    }
}

static void pin__of_the_oldest_run_holds_a_commit_for_all(void **state)
{
    struct scene *scene = *state;
    put_environment(scene, ENVIRONMENT_OK, B);
    put_release(scene, 1, "9", B, OF(B));
    put_release(scene, 2, "10", B, OF(B));
    judge(scene, "app", FOUR);
    expect(scene, "runs/1 runs/2 runs/10", "");
    assert_non_null(strstr(scene->verdict.release.items[2].why, "runs/9 holds the same commit"));
}

static void commit__is_needed_by_environment_resources_and_releases(void **state)
{
    struct scene *scene = *state;
    const struct resource resource = {
        .id = "E1/a", .environment = "E1", .address = "a", .sources = OF(C), .applied_run = "2", .status = RESOURCE_OK};
    put_environment(scene, ENVIRONMENT_FAILED, A);
    put(scene, &resource_type, &resource);
    put_release(scene, 1, "9", B, OF(B));
    judge(scene, "app", FOUR);
    expect(scene, "runs/10", "");
    put_environment(scene, ENVIRONMENT_DESTROYED, "");
    judge(scene, "app", FOUR);
    expect(scene, "runs/1 runs/2 runs/9 runs/10", "");
}

static void commit__is_needed_by_the_newest_failed_run_alone(void **state)
{
    struct scene *scene = *state;
    put_environment(scene, ENVIRONMENT_OK, "");
    put_run(scene, 1, RUN_FAILED, WORKFLOW_DEPLOY, OF(A));
    put_run(scene, 2, RUN_FAILED, WORKFLOW_DEPLOY, OF(C));
    put_run(scene, 3, RUN_DONE, WORKFLOW_PLAN, OF(D)); /* only looks */
    put_run(scene, 4, RUN_DONE, WORKFLOW_EXEC, "");    /* an operator's command deploys nothing */
    judge(scene, "app", FOUR);
    expect(scene, "runs/1 runs/9 runs/10", "");
    put_run(scene, 10, RUN_DONE, WORKFLOW_DEPLOY, "");
    judge(scene, "app", FOUR);
    expect(scene, "runs/1 runs/2 runs/9 runs/10", "");
}

static void put_recipe(struct scene *scene, int64_t destroyed_at, int64_t kept_until)
{
    const struct recipe row = {.id = "E0",
                               .name = "review/x",
                               .sources = OF(C),
                               .run = "2",
                               .destroyed_at = destroyed_at,
                               .kept_until = kept_until};
    put(scene, &recipe_type, &row);
}

static void commit__is_needed_by_a_recipe_until_its_horizon(void **state)
{
    struct scene *scene = *state;
    put_recipe(scene, NOW - 10, NOW + 1);
    judge(scene, "app", FOUR);
    expect(scene, "runs/1 runs/9 runs/10", "");
    put_recipe(scene, NOW - 10, NOW);
    judge(scene, "app", FOUR);
    expect(scene, "runs/1 runs/2 runs/9 runs/10", "");
    put_recipe(scene, NOW + 10, NOW); /* the clock went back */
    judge(scene, "app", FOUR);
    expect(scene, "runs/1 runs/9 runs/10", "");
}

static void commit__that_no_pin_holds_is_pinned_again(void **state)
{
    struct scene *scene = *state;
    put_environment(scene, ENVIRONMENT_OK, D);
    put_release(scene, 1, "7", D, OF(D));
    judge(scene, "app", FOUR);
    expect(scene, "runs/1 runs/2 runs/9 runs/10", "runs/7");
    put_release(scene, 1, "2", D, OF(D)); /* that name is another commit's: it is not moved */
    judge(scene, "app", FOUR);
    expect(scene, "runs/1 runs/2 runs/9 runs/10", "");
}

/* Its worker may be at another commit by now than its row: nobody else touches that name. */
static void commit__of_a_run_in_preparation_is_left_to_its_worker(void **state)
{
    struct scene *scene = *state;
    put_run(scene, 20, RUN_PREPARING, WORKFLOW_DEPLOY, OF(D));
    judge(scene, "app", FOUR);
    expect(scene, "runs/1 runs/2 runs/9 runs/10", "");
    put_run(scene, 20, RUN_GATE, WORKFLOW_DEPLOY, OF(D));
    judge(scene, "app", FOUR);
    expect(scene, "runs/1 runs/2 runs/9 runs/10", "runs/20");
}

static void mirror__is_wanted_by_policy_or_by_what_is_there(void **state)
{
    struct scene *scene = *state;
    judge(scene, "lib", FOUR);
    assert_true(scene->verdict.wanted);
    judge(scene, "gone", four, 1);
    assert_false(scene->verdict.wanted);
    expect(scene, "policy", ""); /* the policy is read elsewhere */
    put_environment(scene, ENVIRONMENT_OK, "");
    put_release(scene, 1, "2", "", "[{\"repository\":\"gone\",\"ref\":\"main\",\"commit\":\"" C "\"}]");
    judge(scene, "gone", FOUR);
    assert_true(scene->verdict.wanted);
    expect(scene, "policy runs/1 runs/9 runs/10", "");
}

static size_t swept(struct scene *scene, size_t limit, bool *more)
{
    struct engine_effects effects;
    struct engine_pins *needed = engine_pins_load(scene->store, scene->config, NOW, &scene->error);
    engine_effects_init(&effects, &scene->arena);
    assert_true(store_begin(scene->store, STORE_RELAXED, NULL));
    assert_true(engine_pins_sweep(scene->store, needed, NOW, limit, &effects, more, &scene->error));
    for (size_t i = 0; i < effects.puts.count; i++) {
        assert_null(effects.puts.items[i].row);
        assert_true(store_remove(scene->store, effects.puts.items[i].type, effects.puts.items[i].id, NULL));
    }
    assert_true(store_commit(scene->store, NULL, NULL));
    size_t count = effects.puts.count;
    engine_effects_release(&effects);
    engine_pins_free(needed);
    return count;
}

static bool is_there(struct scene *scene, const struct record_type *type, const char *id)
{
    void *row = arena_alloc(&scene->arena, type->size);
    return store_get(scene->store, type, id, &scene->arena, row, NULL) == STORE_FOUND;
}

static void sweep__removes_recipes_and_templates_that_nothing_refers_to(void **state)
{
    struct scene *scene = *state;
    static const char *const commits[] = {A, B, C};
    bool more = false;
    for (size_t i = 0; i < sizeof commits / sizeof *commits; i++) {
        const struct template_row row = {.id = arena_printf(&scene->arena, "app/shop@%s", commits[i]),
                                         .name = "shop",
                                         .repository = "app",
                                         .commit = commits[i]};
        put(scene, &template_type, &row);
    }
    put_environment(scene, ENVIRONMENT_OK, "");
    put_release(scene, 1, "1", A, OF(A));
    put_recipe(scene, NOW - 10, NOW - 1);
    assert_int_equal(swept(scene, 1, &more), 1);
    assert_true(more);
    assert_false(is_there(scene, &recipe_type, "E0"));
    assert_int_equal(swept(scene, 100, &more), 2);
    assert_false(more);
    assert_true(is_there(scene, &template_type, "app/shop@" A));
    assert_int_equal(swept(scene, 100, &more), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pins__of_runs_that_ended_go_when_nothing_needs_them),
        TEST(pin__of_a_run_that_has_not_ended_stays_whatever_its_row_says),
        TEST(pin__of_the_oldest_run_holds_a_commit_for_all),
        TEST(commit__is_needed_by_environment_resources_and_releases),
        TEST(commit__is_needed_by_the_newest_failed_run_alone),
        TEST(commit__is_needed_by_a_recipe_until_its_horizon),
        TEST(commit__that_no_pin_holds_is_pinned_again),
        TEST(commit__of_a_run_in_preparation_is_left_to_its_worker),
        TEST(mirror__is_wanted_by_policy_or_by_what_is_there),
        TEST(sweep__removes_recipes_and_templates_that_nothing_refers_to),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL);
}
