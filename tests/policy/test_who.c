/* SPDX-License-Identifier: ISC */
/* Persons, groups of groups, roles by tier, environment and tag, and what templates may use. */
#include "fixture.h"

#include "berth/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void person__every_identity_of_alice_is_alice(void **state)
{
    const struct config config = fixture_config();
    static const struct {
        const char *identity, *login, *person;
    } cases[] = {
        {"uid:1000", "al", "alice"},
        {"uid:1000", "alice", ""},
        {"uid:1000", "", ""},
        {"alice@acme.org", "", "alice"},
        {"alice@HOME.org", "", "alice"},
        {"github:alice-gh", "", "alice"},
        {"github:ALICE-GH", "", "alice"},
        {"github:alice", "", ""},
        {"mallory@acme.org", "", ""},
        {"token:ci", "", "token:ci"},
        {"trigger:push", "", "trigger:push"},
        {"berth", "", "berth"},
        {"mtls:spiffe://a/b", "", "mtls:spiffe://a/b"},
        {"", "al", ""},
        {"slack:", "", ""},
        {"github:", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(policy_person(&config, cases[i].identity, cases[i].login), cases[i].person);
    assert_string_equal(policy_person(NULL, "uid:1000", "al"), "");
}

static void group__members_of_groups_of_groups_count_and_a_cycle_ends(void **state)
{
    const struct config config = fixture_config();

    (void)state;
    assert_true(policy_in_group(&config, "alice", "ops"));
    assert_true(policy_in_group(&config, "alice", "everybody"));
    assert_true(policy_in_group(&config, "carol", "everybody"));
    assert_false(policy_in_group(&config, "dave", "everybody"));
    assert_false(policy_in_group(&config, "carol", "ops"));
    assert_false(policy_in_group(&config, "", "ops"));
    assert_false(policy_in_group(&config, "alice", "nosuch"));
}

static void role__the_highest_rule_that_applies_wins_and_names_its_line(void **state)
{
    const struct config config = fixture_config();
    static const struct {
        const char *person;
        enum tier tier;
        const char *environment, *tags;
        enum role role;
        int line;
    } cases[] = {
        {"alice", TIER_PROD, "prod", "", ROLE_ADMIN, 22},
        {"carol", TIER_REVIEW, "review/x", "", ROLE_DEPLOYER, 21},
        {"carol", TIER_PROD, "prod", "", ROLE_VIEWER, 20},
        {"token:ci", TIER_EPHEMERAL, "try/a", "", ROLE_DEPLOYER, 23},
        {"token:ci", TIER_EPHEMERAL, "try/a/b", "", ROLE_NONE, 0},
        {"token:ci", TIER_REVIEW, "review/x", "", ROLE_NONE, 0},
        {"dave", TIER_REVIEW, "review/x", "[\"team-d\"]", ROLE_APPROVER, 24},
        {"dave", TIER_REVIEW, "review/x", "[\"team-c\"]", ROLE_NONE, 0},
        {"dave", TIER_REVIEW, "review/x", "", ROLE_NONE, 0},
        {"", TIER_REVIEW, "review/x", "", ROLE_NONE, 0},
        {"trigger:push", TIER_REVIEW, "review/x", "", ROLE_NONE, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int line = -1;

        assert_int_equal(
            policy_role(&config, cases[i].person, cases[i].tier, cases[i].environment, cases[i].tags, &line),
            cases[i].role);
        assert_int_equal(line, cases[i].line);
    }
}

/* The rule itself is config's and tested there. */
static void allow__without_it_review_gets_no_secret_and_every_executor(void **state)
{
    const struct config_entry review = {.tier = TIER_REVIEW}, staging = {.tier = TIER_STAGING};
    const struct config_entry some = {
        .tier = TIER_REVIEW, .allow_present = true, .allow_secrets = LIST("env.REVIEW_*")};

    (void)state;
    assert_true(policy_executor_allowed(&review, "terraform"));
    assert_false(policy_executor_allowed(NULL, "exec"));
    assert_false(policy_executor_allowed(NULL, "external"));
    assert_false(policy_secret_allowed(&review, "env.HOOK"));
    assert_true(policy_secret_allowed(&staging, "env.HOOK"));
    assert_true(policy_secret_allowed(&some, "env.REVIEW_DB"));
    assert_false(policy_secret_allowed(&some, "env.PROD_DB"));
    assert_false(policy_secret_allowed(NULL, "env.HOOK"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(person__every_identity_of_alice_is_alice),
        cmocka_unit_test(group__members_of_groups_of_groups_count_and_a_cycle_ends),
        cmocka_unit_test(role__the_highest_rule_that_applies_wins_and_names_its_line),
        cmocka_unit_test(allow__without_it_review_gets_no_secret_and_every_executor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
