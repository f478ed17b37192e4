/* SPDX-License-Identifier: ISC */
/* How much may be at work at once on a target and in a tier. */
#include "berth/policy/limits.h"

#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct config_limit targets[] = {{.name = "eks-dev", .runs = 1, .steps = 2, .line = 12}};

static struct config limited(void)
{
    struct config config = fixture_config();

    config.limits.targets = targets;
    config.limits.target_count = 1;
    config.limits.tiers[TIER_REVIEW] = (struct config_limit){.name = "review", .steps = 3, .line = 14};
    return config;
}

static void limit__of_a_target_holds_only_what_goes_there(void **state)
{
    struct config config = limited();
    struct arena arena = {0};
    struct limit_counts counts;

    (void)state;
    limit_counts_init(&counts, &config, LIMIT_STEPS, &arena);
    limit_counts_add(&counts, "eks-dev", TIER_REVIEW);
    assert_false(limit_reached(&counts, "eks-dev", TIER_DEV));
    limit_counts_add(&counts, "eks-dev", TIER_DEV);
    assert_true(limit_reached(&counts, "eks-dev", TIER_DEV));
    assert_false(limit_reached(&counts, "elsewhere", TIER_DEV));
    assert_false(limit_reached(&counts, "", TIER_NONE));
    assert_string_equal(limit_text(&counts, "eks-dev", TIER_DEV, &arena),
                        "2 of 2 steps on target eks-dev (limits.per_target, berth.yaml:12)");
    assert_string_equal(limit_text(&counts, "elsewhere", TIER_DEV, &arena), "");
    arena_release(&arena);
}

static void limit__of_a_tier_counts_all_its_targets_together(void **state)
{
    struct config config = limited();
    struct arena arena = {0};
    struct limit_counts counts;

    (void)state;
    limit_counts_init(&counts, &config, LIMIT_STEPS, &arena);
    limit_counts_add(&counts, "a", TIER_REVIEW);
    limit_counts_add(&counts, "b", TIER_REVIEW);
    limit_counts_add(&counts, "b", TIER_PROD);
    assert_false(limit_reached(&counts, "c", TIER_REVIEW));
    limit_counts_add(&counts, NULL, TIER_REVIEW);
    assert_true(limit_reached(&counts, "c", TIER_REVIEW));
    assert_false(limit_reached(&counts, "c", TIER_PROD));
    assert_string_equal(limit_text(&counts, "c", TIER_REVIEW, &arena),
                        "3 of 3 steps of tier review (limits.per_tier, berth.yaml:14)");
    arena_release(&arena);
}

static void limit__of_runs_is_not_that_of_steps(void **state)
{
    struct config config = limited();
    struct arena arena = {0};
    struct limit_counts counts;

    (void)state;
    limit_counts_init(&counts, &config, LIMIT_RUNS, &arena);
    for (size_t i = 0; i < 9; i++)
        limit_counts_add(&counts, "a", TIER_REVIEW); /* a tier that limits steps alone */
    assert_false(limit_reached(&counts, "a", TIER_REVIEW));
    limit_counts_add(&counts, "eks-dev", TIER_REVIEW);
    assert_true(limit_reached(&counts, "eks-dev", TIER_REVIEW));
    arena_release(&arena);
}

static void limit__that_does_not_hold_is_kept_for_who_waits_for_the_other(void **state)
{
    struct config config = limited();
    struct arena arena = {0};
    struct limit_counts counts;

    (void)state;
    limit_counts_init(&counts, &config, LIMIT_STEPS, &arena);
    for (size_t i = 0; i < 3; i++)
        limit_counts_add(&counts, i == 0 ? "eks-dev" : "a", TIER_REVIEW);
    assert_true(limit_reached(&counts, "eks-dev", TIER_REVIEW));
    assert_false(limit_reached(&counts, "eks-dev", TIER_DEV));
    limit_keep(&counts, "eks-dev", TIER_REVIEW);
    assert_true(limit_reached(&counts, "eks-dev", TIER_DEV));
    arena_release(&arena);
}

static void limit__that_a_run_would_wait_for_is_told_before_it_is_asked_for(void **state)
{
    struct config config = limited();
    const struct run active[] = {{.entry = "staging"}, {.entry = "gone"}, {.entry = "staging"}};
    struct policy_about about = {.active = active, .active_count = 3};
    struct arena arena = {0};
    struct policy_question question;
    const struct why *why;

    (void)state;
    config.limits.tiers[TIER_STAGING] = (struct config_limit){.name = "staging", .runs = 2, .line = 15};
    question = fixture_question(&config, STAGING, "staging");
    why = why_first(policy_ask(&question, &about, &arena));
    assert_int_equal(why->verdict, POLICY_WAIT);
    assert_string_equal(why->rule, "limit");
    assert_string_equal(
        why->reason,
        "its run waits in the queue: 2 of 2 runs of tier staging (limits.per_tier, berth.yaml:15) are at work");
    question = fixture_question(&config, REVIEW, "review/x");
    assert_int_equal(fixture_rule(policy_ask(&question, &about, &arena), "limit"), -1);
    config.limits.runs = 3;
    assert_int_equal(fixture_rule(policy_ask(&question, &about, &arena), "limit"), POLICY_WAIT);
    about.active_count = 2;
    assert_int_equal(fixture_rule(policy_ask(&question, &about, &arena), "limit"), -1);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limit__of_a_target_holds_only_what_goes_there),
        cmocka_unit_test(limit__of_a_tier_counts_all_its_targets_together),
        cmocka_unit_test(limit__of_runs_is_not_that_of_steps),
        cmocka_unit_test(limit__that_does_not_hold_is_kept_for_who_waits_for_the_other),
        cmocka_unit_test(limit__that_a_run_would_wait_for_is_told_before_it_is_asked_for),
    };
    return cmocka_run_group_tests_name("policy limits", tests, NULL, NULL);
}
