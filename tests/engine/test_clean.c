/* SPDX-License-Identifier: ISC */
/* The cleaner, a sentence each: what ends, on which evidence, what stops it, what calls it back. */
#include "world.h"

#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/policy/life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define NOW WORLD_NOW

static const char yaml[] = "version: 1\n"
                           "workspace: shop\n"
                           "repositories: { app: { provider: git, url: . } }\n"
                           "targets: { here: { provider: local } }\n"
                           "environments:\n"
                           "  - name: \"review/${{ branch.slug }}\"\n"
                           "    tier: review\n"
                           "    source: { branches: [\"feature/**\"] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "    ttl: { default: 2d, max: 7d }\n"
                           "    destroy_with_branch: { after: 10m }\n"
                           "  - name: dev\n"
                           "    tier: dev\n"
                           "    source: { branches: [main] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "limits: { remove_at_once: 3, remove_share: 50% }\n"
                           "notify:\n"
                           "  - { provider: webhook, url: \"http://127.0.0.1:9/\", events: [expiring, held] }\n";

#define PLACES 8
struct scene {
    struct config *config;
    struct arena arena;
    struct environment environments[PLACES];
    struct branch branches[PLACES];
    struct repository repository;
    struct hold hold;
    struct run run;
    struct clean_facts facts;
    struct engine_effects effects;
};

/* Eight review environments of branches that are all there, none near its end. */
static int set_up(void **state)
{
    struct scene *scene = mem_zero(1, sizeof *scene);

    scene->config = world_config(yaml);
    scene->repository =
        (struct repository){.id = "app", .complete = true, .listed = true, .branches = 9, .listed_at = NOW};
    scene->facts = (struct clean_facts){.now_ms = NOW, .looked_at = NOW - MS_SECOND, .config = scene->config};
    for (size_t i = 0; i < PLACES; i++) {
        const char *name = arena_printf(&scene->arena, "feature/b%zu", i);

        scene->environments[i] = (struct environment){
            .id = arena_printf(&scene->arena, "E%zu", i),
            .name = arena_printf(&scene->arena, "review/b%zu", i),
            .entry = "review/${{ branch.slug }}",
            .tier = TIER_REVIEW,
            .repository = "app",
            .branch = name,
            .status = ENVIRONMENT_OK,
            .planned_destruction_at = NOW + 3 * MS_DAY,
            .ends_at = NOW + 3 * MS_DAY,
            .ends_why = "ttl, from created",
        };
        scene->branches[i] =
            (struct branch){.id = arena_printf(&scene->arena, "app:%s", name), .repository = "app", .name = name};
        vec_push(&scene->facts.environments, (const struct environment *)&scene->environments[i]);
        vec_push(&scene->facts.branches, (const struct branch *)&scene->branches[i]);
    }
    vec_push(&scene->facts.repositories, (const struct repository *)&scene->repository);
    engine_effects_init(&scene->effects, &scene->arena);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    clean_facts_release(&scene->facts);
    engine_effects_release(&scene->effects);
    arena_release(&scene->arena);
    config_free(scene->config);
    vec_free(scene);
    return 0;
}

/* --- looking ---------------------------------------------------------------------------------------------------------- */

static void clean(struct scene *scene)
{
    engine_effects_release(&scene->effects);
    engine_effects_init(&scene->effects, &scene->arena);
    engine_clean(&scene->facts, &scene->effects);
}

static size_t puts_of(const struct scene *scene, const struct record_type *type)
{
    size_t count = 0;

    for (size_t i = 0; i < scene->effects.puts.count; i++)
        count += scene->effects.puts.items[i].type == type && scene->effects.puts.items[i].row != NULL;
    return count;
}

static const void *put_of(const struct scene *scene, const struct record_type *type)
{
    for (size_t i = 0; i < scene->effects.puts.count; i++)
        if (scene->effects.puts.items[i].type == type)
            return scene->effects.puts.items[i].row;
    return NULL;
}

static const struct command *asked(const struct scene *scene)
{
    return put_of(scene, &command_type);
}

static void branch_went(struct scene *scene, size_t at, int64_t ago_ms)
{
    scene->branches[at].misses = 2;
    scene->branches[at].gone_at = scene->facts.now_ms - ago_ms;
}

static void hold_it(struct scene *scene, const char *kind, int64_t until)
{
    scene->hold = (struct hold){.id = "H", .environment = "E0", .kind = kind, .until = until};
    vec_push(&scene->facts.holds, (const struct hold *)&scene->hold);
}

/* --- what ends -------------------------------------------------------------------------------------------------------- */

static void life__that_is_over_becomes_one_destroy_with_its_evidence(void **state)
{
    struct scene *scene = *state;
    const struct command *first;

    scene->environments[0].planned_destruction_at = NOW - MS_SECOND;
    clean(scene);
    first = asked(scene);
    assert_non_null(first);
    assert_string_equal(first->verb, "destroy");
    assert_string_equal(first->subject, "review/b0");
    assert_string_equal(first->via, "ttl");
    assert_non_null(strstr(first->reason, "its life ended at 2026-11-21T13:59:59Z"));
    scene->facts.now_ms += MS_MINUTE;
    clean(scene);
    assert_string_equal(asked(scene)->key, first->key); /* the same end is one command */
    scene->environments[0].planned_destruction_at += MS_SECOND;
    clean(scene);
    assert_string_not_equal(asked(scene)->key, first->key);
}

static void life__that_is_not_over_ends_nothing_and_says_when_to_look(void **state)
{
    struct scene *scene = *state;

    clean(scene);
    assert_int_equal(scene->effects.puts.count, 0);
    assert_int_equal(scene->effects.wake_at, NOW + MS_DAY); /* the warning two days before */
}

static void branch__that_is_gone_ends_its_environment_after_the_grace(void **state)
{
    struct scene *scene = *state;

    branch_went(scene, 0, 9 * MS_MINUTE);
    clean(scene);
    assert_null(asked(scene));
    assert_int_equal(scene->effects.wake_at, NOW + MS_MINUTE);
    scene->facts.now_ms += MS_MINUTE;
    clean(scene);
    assert_string_equal(asked(scene)->via, "cleaner");
    assert_non_null(strstr(asked(scene)->reason, "branch app:feature/b0 gone since"));
    assert_non_null(strstr(asked(scene)->reason, "missing in 2 whole listings"));
}

static void branch__that_is_gone_is_marked_at_once(void **state)
{
    struct scene *scene = *state;
    const struct environment *marked;

    branch_went(scene, 0, 0);
    clean(scene);
    marked = put_of(scene, &environment_type);
    assert_true(marked->marks & MARK_BRANCH_GONE);
    scene->environments[0].marks = marked->marks;
    scene->branches[0].gone_at = 0;
    clean(scene);
    marked = put_of(scene, &environment_type);
    assert_int_equal(marked->marks & MARK_BRANCH_GONE, 0);
}

static void branch__nothing_is_gone_that_a_listing_did_not_prove(void **state)
{
    struct scene *scene = *state;

    branch_went(scene, 0, MS_HOUR);
    scene->repository.complete = false;
    clean(scene);
    assert_null(asked(scene));
    scene->repository.complete = true;
    scene->repository.branches = 0; /* an empty one proves nothing either */
    clean(scene);
    assert_null(asked(scene));
    scene->repository.branches = 9;
    scene->facts.branches.items[0] = NULL; /* nobody knows it */
    clean(scene);
    assert_null(asked(scene));
    scene->facts.branches.items[0] = &scene->branches[0];
    clean(scene);
    assert_non_null(asked(scene));
}

static void branch__gone_ends_nothing_where_berth_yaml_does_not_say_so(void **state)
{
    struct scene *scene = *state;

    scene->environments[0].entry = "dev";
    branch_went(scene, 0, MS_DAY);
    clean(scene);
    assert_null(asked(scene));
}

/* --- what stays ------------------------------------------------------------------------------------------------------- */

static void kept__whatever_a_person_keeps_stays(void **state)
{
    struct scene *scene = *state;

    scene->environments[0].planned_destruction_at = NOW - 1;
    scene->environments[0].is_protected = true;
    clean(scene);
    assert_null(asked(scene));
    scene->environments[0].is_protected = false;
    scene->environments[0].permanent = true;
    clean(scene);
    assert_null(asked(scene));
    scene->environments[0].permanent = false;
    hold_it(scene, "hold", 0);
    clean(scene);
    assert_null(asked(scene));
    scene->hold.until = NOW - 1; /* it has run out */
    clean(scene);
    assert_non_null(asked(scene));
}

static void stopped__what_the_machines_may_not_do_is_done_when_they_may_again(void **state)
{
    struct scene *scene = *state;
    const struct freeze stop = {.id = "F", .tiers = "[]", .machines = true, .by = "alice", .until = NOW + MS_HOUR};

    scene->environments[0].planned_destruction_at = NOW - 1;
    vec_push(&scene->facts.freezes, (const struct freeze *)&stop);
    clean(scene);
    assert_null(asked(scene));
    assert_int_equal(scene->effects.wake_at, NOW + MS_HOUR);
    scene->facts.now_ms += MS_HOUR;
    clean(scene);
    assert_non_null(asked(scene));
}

static void assert_brake(struct scene *scene, const char *words)
{
    const struct hold *question = put_of(scene, &hold_type);

    assert_non_null(question);
    assert_non_null(strstr(question->reason, words));
}

static void brake__too_many_at_once_are_asked_about(void **state)
{
    struct scene *scene = *state;
    const struct hold *question;

    for (size_t i = 0; i < 4; i++)
        scene->environments[i].planned_destruction_at = NOW - 1;
    clean(scene);
    assert_null(asked(scene));
    assert_int_equal(puts_of(scene, &hold_type), 4);
    question = put_of(scene, &hold_type);
    assert_string_equal(question->kind, CLEANER_ASKS);
    assert_brake(scene, "; 4 environments end by themselves within an hour (4 now), limits.remove_at_once is 3");
    assert_int_equal(puts_of(scene, &delivery_type), 4);
}

static void brake__too_large_a_share_is_asked_about_but_one_alone_may_go(void **state)
{
    struct scene *scene = *state;

    scene->facts.environments.count = scene->facts.branches.count = 3;
    scene->environments[0].planned_destruction_at = scene->environments[1].planned_destruction_at = NOW - 1;
    clean(scene);
    assert_null(asked(scene));
    assert_int_equal(puts_of(scene, &hold_type), 2);
    assert_brake(scene, "; 2 of 3 environments end by themselves within an hour (2 now), limits.remove_share is ");
    scene->facts.environments.count = scene->facts.branches.count = 1;
    clean(scene);
    assert_non_null(asked(scene));
}

static void brake__what_was_asked_about_waits_for_a_person_when_fewer_would_go(void **state)
{
    struct scene *scene = *state;

    scene->environments[0].planned_destruction_at = NOW - 1;
    hold_it(scene, CLEANER_ASKS, 0);
    clean(scene);
    assert_null(asked(scene));
    assert_int_equal(puts_of(scene, &hold_type), 0);
    scene->environments[1].planned_destruction_at = NOW - 1; /* nobody asked about this one */
    clean(scene);
    assert_int_equal(puts_of(scene, &command_type), 1);
    assert_string_equal(asked(scene)->subject, "review/b1");
}

static void brake__a_question_is_asked_once_and_dropped_when_it_is_moot(void **state)
{
    struct scene *scene = *state;

    for (size_t i = 0; i < 4; i++)
        scene->environments[i].planned_destruction_at = NOW - 1;
    hold_it(scene, CLEANER_ASKS, 0);
    clean(scene);
    assert_int_equal(puts_of(scene, &hold_type), 3);
    scene->environments[0].planned_destruction_at = NOW + MS_DAY; /* extended */
    scene->facts.environments.count = scene->facts.branches.count = 1;
    clean(scene);
    assert_int_equal(scene->effects.puts.count, 2); /* it says its new end, and the question goes */
    assert_int_equal(((const struct environment *)put_of(scene, &environment_type))->ends_at, NOW + MS_DAY);
    assert_true(scene->effects.puts.items[1].type == &hold_type && scene->effects.puts.items[1].row == NULL);
}

static bool question_goes(const struct scene *scene)
{
    for (size_t i = 0; i < scene->effects.puts.count; i++)
        if (scene->effects.puts.items[i].type == &hold_type)
            return scene->effects.puts.items[i].row == NULL;
    return false;
}

static void brake__a_question_is_answered_by_protecting_its_environment(void **state)
{
    struct scene *scene = *state;
    const struct hold protect = {.id = "P", .environment = "E0", .kind = "protect", .until = NOW + MS_HOUR};

    scene->environments[0].planned_destruction_at = NOW - 1;
    hold_it(scene, CLEANER_ASKS, 0);
    scene->environments[0].is_protected = true;
    clean(scene);
    assert_null(asked(scene));
    assert_true(question_goes(scene));
    assert_false(((const struct environment *)put_of(scene, &environment_type))->marks & MARK_EXPIRING);
    scene->environments[0].is_protected = false;
    vec_push(&scene->facts.holds, &protect);
    clean(scene);
    assert_null(asked(scene));
    assert_true(question_goes(scene));
    assert_int_equal(scene->effects.wake_at, NOW + MS_HOUR); /* then it is looked at anew */
}

static void brake__after_a_jump_of_the_clock_nothing_goes_by_itself(void **state)
{
    struct scene *scene = *state;

    scene->environments[0].planned_destruction_at = NOW - 1;
    scene->facts.clock_jumped = true;
    clean(scene);
    assert_null(asked(scene));
    assert_non_null(strstr(((const struct hold *)put_of(scene, &hold_type))->reason, "the clock jumped"));
}

static void brake__nobody_gets_past_it_one_after_the_other(void **state)
{
    struct scene *scene = *state;

    scene->environments[0].planned_destruction_at = NOW - 1;
    for (size_t i = 1; i < 4; i++) /* the others end in a moment */
        scene->environments[i].planned_destruction_at = NOW + MS_MINUTE;
    clean(scene);
    assert_null(asked(scene));
    assert_int_equal(puts_of(scene, &hold_type), 1);
    assert_brake(scene, "; 4 environments end by themselves within an hour (1 now, 3 in the next 10m), limits.");
    for (size_t i = 1; i < 4; i++)
        scene->environments[i].planned_destruction_at = NOW + 3 * MS_DAY;
    scene->facts.ended_lately = 3; /* or did so within the hour */
    clean(scene);
    assert_null(asked(scene));
    assert_brake(scene, "; 4 environments end by themselves within an hour (1 now, 3 gone), limits.");
    scene->facts.ended_lately = 1;
    clean(scene);
    assert_non_null(asked(scene));
}

static void brake__what_was_asked_for_before_does_not_count(void **state)
{
    struct scene *scene = *state;

    for (size_t i = 0; i < PLACES; i++) {
        struct clean_asked answered = {.answered = i < 4};

        vec_push(&scene->facts.asked, answered);
        if (i < 5)
            scene->environments[i].planned_destruction_at = scene->environments[i].ends_at = NOW - 1;
    }
    clean(scene);
    assert_int_equal(puts_of(scene, &hold_type), 0);
    assert_int_equal(puts_of(scene, &command_type), 1);
    assert_string_equal(asked(scene)->subject, "review/b4");
}

static void unknown__a_listing_that_failed_drops_no_question_and_calls_nothing_back(void **state)
{
    struct scene *scene = *state;

    scene->environments[0].planned_destruction_at = scene->environments[0].ends_at = 0;
    scene->environments[0].ends_why = "";
    branch_went(scene, 0, MS_HOUR);
    hold_it(scene, CLEANER_ASKS, 0);
    scene->repository.complete = false;
    clean(scene);
    assert_int_equal(scene->effects.puts.count, 0);
    scene->run = (struct run){
        .id = "9", .environment = "E0", .workflow = WORKFLOW_DESTROY, .status = RUN_QUEUED, .origin = ORIGIN_CLEANER};
    vec_push(&scene->facts.runs, (const struct run *)&scene->run);
    clean(scene);
    assert_int_equal(scene->effects.puts.count, 0);
}

/* --- calling back, warning ---------------------------------------------------------------------------------------------- */

static void destroy__is_called_back_when_the_branch_is_there_again(void **state)
{
    struct scene *scene = *state;

    scene->run = (struct run){
        .id = "9", .environment = "E0", .workflow = WORKFLOW_DESTROY, .status = RUN_QUEUED, .origin = ORIGIN_CLEANER};
    vec_push(&scene->facts.runs, (const struct run *)&scene->run);
    clean(scene);
    assert_string_equal(asked(scene)->verb, "cancel");
    assert_string_equal(asked(scene)->subject, "9");
    assert_string_equal(asked(scene)->reason, "its branch is there again");
    scene->run.applying_at = NOW; /* it has begun */
    clean(scene);
    assert_null(asked(scene));
    scene->run.applying_at = 0;
    scene->run.origin = ORIGIN_COMMAND; /* a person asked */
    clean(scene);
    assert_null(asked(scene));
    scene->run.origin = ORIGIN_CLEANER;
    branch_went(scene, 0, MS_HOUR); /* it is over still */
    clean(scene);
    assert_null(asked(scene));
}

static void warning__is_given_once_at_each_distance(void **state)
{
    struct scene *scene = *state;
    const struct environment *marked;

    scene->environments[0].planned_destruction_at = NOW + 2 * MS_HOUR;
    clean(scene);
    assert_int_equal(puts_of(scene, &delivery_type), 1);
    marked = put_of(scene, &environment_type);
    assert_true(marked->marks & MARK_EXPIRING);
    scene->environments[0] = *marked;
    scene->facts.looked_at = NOW;
    scene->facts.now_ms += MS_MINUTE;
    clean(scene);
    assert_int_equal(scene->effects.puts.count, 0);
    assert_int_equal(scene->effects.wake_at, NOW + 90 * MS_MINUTE); /* the next, half an hour before */
}

static void warning__is_given_of_an_end_that_another_policy_brought_near(void **state)
{
    struct scene *scene = *state;
    const struct config_entry *after = config_entry_named(scene->config, scene->environments[0].entry);
    struct config_entry before = *after;

    before.ttl_default_ms = 13 * MS_DAY;
    before.ttl_max_ms = 0;
    scene->environments[0].created_at = NOW - 10 * MS_DAY;
    assert_true(policy_life_changes(&before, after, &scene->environments[0], NULL, NOW));
    clean(scene);
    assert_null(asked(scene));
    assert_int_equal(puts_of(scene, &delivery_type), 1);
    assert_true(((const struct environment *)put_of(scene, &environment_type))->marks & MARK_EXPIRING);
}

static void expiring__is_what_was_never_deployed_only_in_the_last_quarter_of_its_life(void **state)
{
    struct scene *scene = *state;
    const struct environment *marked;

    scene->environments[0].created_at = NOW - MS_MINUTE;
    scene->environments[0].deployed_at = 0; /* its first deploy failed */
    scene->facts.looked_at = NOW - MS_HOUR;
    scene->environments[0].planned_destruction_at = NOW + 7 * MS_MINUTE;
    clean(scene);
    assert_int_equal(puts_of(scene, &delivery_type), 0); /* nor is anybody warned of what lies before its life */
    marked = put_of(scene, &environment_type);
    assert_false(marked->marks & MARK_EXPIRING);
    assert_int_equal(scene->effects.wake_at, NOW + 5 * MS_MINUTE);
    scene->environments[0] = *marked;
    scene->facts.now_ms += 5 * MS_MINUTE;
    clean(scene);
    assert_true(((const struct environment *)put_of(scene, &environment_type))->marks & MARK_EXPIRING);
}

static void life__says_what_it_counts_from(void **state)
{
    struct scene *scene = *state;
    const struct environment *marked;

    scene->environments[0].created_at = NOW - MS_DAY;
    scene->environments[0].extended_ms = 3 * MS_HOUR;
    clean(scene);
    marked = put_of(scene, &environment_type);
    assert_non_null(marked);
    assert_string_equal(marked->ends_why, "ttl, from created (2026-11-20T14:00:00Z), extended by 3h");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(life__that_is_over_becomes_one_destroy_with_its_evidence),
        TEST(life__that_is_not_over_ends_nothing_and_says_when_to_look),
        TEST(life__says_what_it_counts_from),
        TEST(warning__is_given_of_an_end_that_another_policy_brought_near),
        TEST(expiring__is_what_was_never_deployed_only_in_the_last_quarter_of_its_life),
        TEST(branch__that_is_gone_ends_its_environment_after_the_grace),
        TEST(branch__that_is_gone_is_marked_at_once),
        TEST(branch__nothing_is_gone_that_a_listing_did_not_prove),
        TEST(branch__gone_ends_nothing_where_berth_yaml_does_not_say_so),
        TEST(kept__whatever_a_person_keeps_stays),
        TEST(stopped__what_the_machines_may_not_do_is_done_when_they_may_again),
        TEST(brake__too_many_at_once_are_asked_about),
        TEST(brake__too_large_a_share_is_asked_about_but_one_alone_may_go),
        TEST(brake__what_was_asked_about_waits_for_a_person_when_fewer_would_go),
        TEST(brake__a_question_is_asked_once_and_dropped_when_it_is_moot),
        TEST(brake__a_question_is_answered_by_protecting_its_environment),
        TEST(brake__after_a_jump_of_the_clock_nothing_goes_by_itself),
        TEST(brake__nobody_gets_past_it_one_after_the_other),
        TEST(brake__what_was_asked_for_before_does_not_count),
        TEST(unknown__a_listing_that_failed_drops_no_question_and_calls_nothing_back),
        TEST(destroy__is_called_back_when_the_branch_is_there_again),
        TEST(warning__is_given_once_at_each_distance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
