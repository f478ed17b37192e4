/* SPDX-License-Identifier: ISC */
/* When an environment ends: from which base, with what extensions gave, never later than the longest, and by another `ttl` than before. */
#include "berth/policy/life.h"

#include "fixture.h"

#include "berth/base/time.h"
#include "berth/model/environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define MADE (NOW - 10 * MS_DAY)

static struct config_entry ttl(int64_t life, int64_t longest, const char *from)
{
    return (struct config_entry){.name = "x", .ttl_default_ms = life, .ttl_max_ms = longest, .ttl_from = from};
}

/* Deployed two days ago, used one day ago. */
static struct environment there(int64_t end)
{
    return (struct environment){.name = "x",
                                .branch = "feature/x",
                                .status = ENVIRONMENT_OK,
                                .created_at = MADE,
                                .deployed_at = NOW - 2 * MS_DAY,
                                .used_at = NOW - MS_DAY,
                                .planned_destruction_at = end};
}

static void base__is_what_from_names(void **state)
{
    const struct environment environment = there(0);
    const struct branch pushed = {.name = "feature/x", .pushed_at = NOW - MS_HOUR},
                        old = {.name = "feature/x", .pushed_at = MADE - MS_DAY},
                        other = {.name = "y", .pushed_at = NOW};
    const struct config_entry by_push = ttl(MS_DAY, 0, "last_push");
    struct config_entry entry = ttl(MS_DAY, 0, "created");

    (void)state;
    assert_int_equal(policy_life_base(&entry, &environment, &pushed), MADE);
    entry.ttl_from = "last_deploy";
    assert_int_equal(policy_life_base(&entry, &environment, &pushed), NOW - 2 * MS_DAY);
    entry.ttl_from = "last_use";
    assert_int_equal(policy_life_base(&entry, &environment, &pushed), NOW - MS_DAY);
    assert_int_equal(policy_life_base(&by_push, &environment, &pushed), NOW - MS_HOUR);
    assert_int_equal(policy_life_base(&by_push, &environment, &old), MADE);
    assert_int_equal(policy_life_base(&by_push, &environment, &other), NOW - 2 * MS_DAY);
    assert_int_equal(policy_life_base(&by_push, &environment, NULL), NOW - 2 * MS_DAY);
}

static void life__that_grows_keeps_its_extensions_and_never_passes_max(void **state)
{
    const struct config_entry entry = ttl(2 * MS_DAY, 7 * MS_DAY, "last_use"), endless = ttl(2 * MS_DAY, 0, "last_use");
    struct environment environment = there(NOW + MS_DAY);

    (void)state;
    assert_false(policy_life_grows(&entry, &environment, NULL)); /* the base did not move */
    environment.extended_ms = 3 * MS_DAY;
    environment.marks = MARK_EXPIRING;
    assert_true(policy_life_grows(&entry, &environment, NULL));
    assert_int_equal(environment.planned_destruction_at, NOW + 4 * MS_DAY);
    assert_int_equal(environment.marks, 0);
    environment.extended_ms = 30 * MS_DAY;
    assert_true(policy_life_grows(&entry, &environment, NULL));
    assert_int_equal(environment.planned_destruction_at, NOW + 6 * MS_DAY);
    assert_int_equal(environment.planned_destruction_at, policy_life_latest(&entry, &environment, NULL));
    assert_int_equal(policy_life_latest(&endless, &environment, NULL), INT64_MAX);
    environment.planned_destruction_at = NOW + 20 * MS_DAY; /* what it has is not taken away by a push or a use */
    assert_false(policy_life_grows(&entry, &environment, NULL));
    assert_int_equal(environment.planned_destruction_at, NOW + 20 * MS_DAY);
}

static void change__to_none_or_to_a_longer_life_is_taken_at_once(void **state)
{
    const struct config_entry before = ttl(4 * MS_DAY, 0, "last_deploy"), longer = ttl(6 * MS_DAY, 0, "last_deploy"),
                              none = ttl(0, 0, "created");
    struct environment environment = there(NOW + 2 * MS_DAY);

    (void)state;
    assert_false(policy_life_changes(&before, &before, &environment, NULL, NOW));
    assert_true(policy_life_changes(&before, &longer, &environment, NULL, NOW));
    assert_int_equal(environment.planned_destruction_at, NOW + 4 * MS_DAY);
    assert_true(policy_life_changes(&longer, &none, &environment, NULL, NOW));
    assert_int_equal(environment.planned_destruction_at, 0);
}

static void change__to_a_shorter_life_leaves_time_to_see_it_come(void **state)
{
    const struct config_entry none = ttl(0, 0, "created"), before = ttl(4 * MS_DAY, 0, "last_deploy"),
                              shorter = ttl(3 * MS_DAY, 0, "last_deploy"), past = ttl(MS_HOUR, 0, "last_deploy");
    struct environment environment = there(NOW + 2 * MS_DAY);

    (void)state;
    assert_true(policy_life_changes(&before, &shorter, &environment, NULL, NOW));
    assert_int_equal(environment.planned_destruction_at, NOW + MS_DAY);
    assert_true(policy_life_changes(&shorter, &past, &environment, NULL, NOW));
    assert_int_equal(environment.planned_destruction_at, NOW + LIFE_NOTICE_MS);
    environment = there(0); /* it had no end at all */
    assert_true(policy_life_changes(&none, &past, &environment, NULL, NOW));
    assert_int_equal(environment.planned_destruction_at, NOW + LIFE_NOTICE_MS);
    environment = there(NOW + MS_HOUR); /* nearer than that already: it stays, and comes no later */
    environment.deployed_at = NOW + MS_HOUR - before.ttl_default_ms;
    assert_false(policy_life_changes(&before, &past, &environment, NULL, NOW));
    assert_int_equal(environment.planned_destruction_at, NOW + MS_HOUR);
}

static void change__takes_nothing_that_a_person_gave(void **state)
{
    const struct config_entry before = ttl(4 * MS_DAY, 9 * MS_DAY, "last_deploy"),
                              shorter = ttl(3 * MS_DAY, 9 * MS_DAY, "last_deploy"), none = ttl(0, 0, "created");
    struct environment environment = there(NOW + 3 * MS_DAY);

    (void)state;
    assert_false(policy_life_changes(&before, &shorter, &environment, NULL, NOW)); /* it is not what `before` gave */
    environment.extended_ms = MS_DAY;
    assert_true(
        policy_life_changes(&before, &shorter, &environment, NULL, NOW)); /* but this is, and a day stays on top */
    assert_int_equal(environment.planned_destruction_at, NOW + 2 * MS_DAY);
    environment.given_until = environment.planned_destruction_at;
    assert_true(policy_life_is_given(&environment));
    assert_false(policy_life_changes(&before, &none, &environment, NULL, NOW));
    environment = there(0);
    environment.permanent = true;
    assert_false(policy_life_changes(&none, &before, &environment, NULL, NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base__is_what_from_names),
        cmocka_unit_test(life__that_grows_keeps_its_extensions_and_never_passes_max),
        cmocka_unit_test(change__to_none_or_to_a_longer_life_is_taken_at_once),
        cmocka_unit_test(change__to_a_shorter_life_leaves_time_to_see_it_come),
        cmocka_unit_test(change__takes_nothing_that_a_person_gave),
    };

    return cmocka_run_group_tests_name("policy life", tests, NULL, NULL);
}
