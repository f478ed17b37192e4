/* SPDX-License-Identifier: ISC */
/* What only several keys together show, and which entries a branch matches. */
#include "prelude.h"

struct reading {
    struct arena arena;
    struct problems problems;
    struct config *config;
};

static void load(struct reading *reading, const char *root, const char *entry)
{
    struct str text = STR_INIT;

    *reading = (struct reading){0};
    problems_init(&reading->problems, &reading->arena);
    small_config(&text, root, entry);
    reading->config = config_load("berth.yaml", text.data, text.length, &reading->problems);
    str_release(&text);
}

static void forget(struct reading *reading)
{
    config_free(reading->config);
    problems_release(&reading->problems);
    arena_release(&reading->arena);
}

static void check_error(const char *entry, int line, const char *words)
{
    struct reading reading;

    load(&reading, "", entry);
    assert_null(reading.config);
    expect_error(&reading.problems, line, words);
    forget(&reading);
}

static void check_warning(const char *root, const char *entry, int line, const char *words)
{
    struct reading reading;

    load(&reading, root, entry);
    expect_no_error(&reading.problems);
    assert_non_null(reading.config);
    expect_warning(&reading.problems, line, words);
    forget(&reading);
}

static void check_quiet(const char *root, const char *entry)
{
    struct reading reading;

    load(&reading, root, entry);
    if (reading.problems.list.count > 0)
        print_problems(&reading.problems);
    assert_int_equal(reading.problems.list.count, 0);
    forget(&reading);
}

#define REST "    tier: review\n    templates: [web]\n    target: here\n    source: { branches: [\"f/**\"] }\n"

static void cross__a_gate_that_cannot_be_passed_is_warned_of(void **state)
{
    (void)state;
    check_warning("", SMALL_SOURCE "    gate: { approvals: 3, by: [ops] }\n", 14, "can never be passed: it needs 3");
    check_warning("", SMALL_SOURCE "    gate: { approvals: 2, by: [ops], not_author: true }\n", 14,
                  "for a change by one of its own people");
    check_warning("", SMALL_SOURCE "    gate: { approvals: 2, by: [alice] }\n", 14, "and 1 of people");
    check_quiet("", SMALL_SOURCE "    gate: { approvals: 1, by: [ops], not_author: true }\n");
    check_quiet("", SMALL_SOURCE "    gate: { approvals: 3, by: [ops, \"github-team:acme/devs\"] }\n");
    check_quiet("", SMALL_SOURCE "    gate: { approvals: 1 }\n");
}

static void cross__a_rule_that_names_nobody_is_warned_of(void **state)
{
    struct reading reading;
    static const char text[] = "version: 1\nworkspace: w\nrepositories: { a: { provider: git, url: . } }\n"
                               "targets: { here: { provider: local } }\ngroups: { none: [] }\n"
                               "access:\n  - { who: [none], role: viewer }\n  - { who: [], role: viewer }\n"
                               "  - { who: [\"token:ci\"], role: viewer, environments: [prod] }\n"
                               "environments:\n  - name: one\n    tier: dev\n    source: { branches: [main] }\n"
                               "    templates: [web]\n    target: here\n";

    (void)state;
    reading = (struct reading){0};
    problems_init(&reading.problems, &reading.arena);
    reading.config = config_load("berth.yaml", text, strlen(text), &reading.problems);
    assert_non_null(reading.config);
    expect_warning(&reading.problems, 5, "the group \"none\" has no members");
    expect_warning(&reading.problems, 7, "names nobody");
    expect_warning(&reading.problems, 8, "names nobody");
    expect_warning(&reading.problems, 9, "names the environment \"prod\"");
    forget(&reading);
}

static void cross__a_prod_without_gate_is_warned_of(void **state)
{
    struct reading reading;

    (void)state;
    load(&reading,
         "  - name: prod\n    tier: prod\n    templates: [web]\n    target: here\n    source: { branches: [p] }\n",
         SMALL_SOURCE);
    expect_warning(&reading.problems, 14, "is of tier prod and has no gate");
    forget(&reading);
}

static void cross__names_that_meet_are_told(void **state)
{
    struct reading reading;

    (void)state;
    load(&reading, "  - name: one\n" REST, SMALL_SOURCE);
    assert_null(reading.config);
    expect_error(&reading.problems, 14, "the name \"one\" is taken: the entry at line 9");
    forget(&reading);
    check_warning("  - name: \"o${{ branch.slug }}\"\n" REST, SMALL_SOURCE, 9,
                  "can also be yielded by \"o${{ branch.slug }}\"");
    check_warning("  - name: \"r/${{ branch.slug }}\"\n" REST "  - name: \"r/${{ branch.name }}\"\n" REST, SMALL_SOURCE,
                  19, "can yield the same name");
    check_quiet("  - name: \"r/${{ branch.slug }}\"\n" REST, SMALL_SOURCE);
}

static void cross__patterns_that_exclude_everything_are_warned_of(void **state)
{
    (void)state;
    check_warning("", "    source: { branches: [\"!main\"] }\n", 13, "no branch can match \"one\"");
    check_warning("", "    source: { branches: [\"feature/**\", \"!**\"] }\n", 13, "no branch can match");
    check_warning("", "    source: { branches: [\"feature/x\", \"!feature/**\"] }\n", 13, "no branch can match");
    check_quiet("", "    source: { branches: [main, main] }\n");
    check_quiet("", "    source: { branches: [b, ab, \"!ab\"] }\n");
    check_quiet("", "    source: { branches: [\"!**\", main] }\n");
    check_quiet("", "    source: { branches: [\"feature/**\", \"!feature/*\"] }\n");
}

static void cross__lives_that_contradict_are_errors(void **state)
{
    (void)state;
    check_error(SMALL_SOURCE "    ttl: { default: 3d, max: 2d }\n", 14, "default is longer than max");
    check_error(SMALL_SOURCE "    permanent: true\n    ttl: { default: 3d }\n", 15,
                "is permanent and cannot have a ttl");
    check_error(SMALL_SOURCE "    permanent: true\n    destroy_with_branch: { after: 1h }\n", 15,
                "cannot go with its branch");
    check_error(SMALL_SOURCE "    permanent: true\n    on_failure: destroy\n", 15, "cannot be destroyed on failure");
    check_error("    source: { promote_from: one }\n    deploy_on: [promote]\n", 13, "is promoted from itself");
    check_error(SMALL_SOURCE "    deploy_on: [promote]\n", 14, "nothing is promoted to it");
    check_error(SMALL_SOURCE "    inputs: { n: { type: int, default: many } }\n", 14, "default of n: expected int");
}

static void cross__promotion_does_not_run_in_a_circle(void **state)
{
    struct reading reading;

    (void)state;
    load(&reading,
         "  - name: two\n    tier: test\n    templates: [web]\n    target: here\n    source: { promote_from: one }\n",
         "    source: { promote_from: two }\n");
    assert_null(reading.config);
    expect_error(&reading.problems, 13, "\"one\" is promoted from itself");
    expect_error(&reading.problems, 18, "\"two\" is promoted from itself");
    forget(&reading);
}

static void cross__a_name_needs_a_source_that_gives_it(void **state)
{
    struct reading reading;

    (void)state;
    load(&reading, "  - name: \"pr/${{ pr.number }}\"\n" REST, SMALL_SOURCE);
    assert_null(reading.config);
    expect_error(&reading.problems, 14, "no pull request is the source");
    forget(&reading);
}

static void cross__what_plain_git_cannot_tell_is_warned_of(void **state)
{
    (void)state;
    check_warning("", "    source: { pull_requests: { base: [main] } }\n", 13, "no pull request ever reaches it");
    check_warning("", SMALL_SOURCE "    plan_on: [pull_request]\n", 14, "plain git, which cannot tell of one");
    check_warning("", SMALL_SOURCE "    deploy_on: [checks]\n", 14, "waits for checks");
    check_warning("", SMALL_SOURCE "    forks: never\n", 14, "does not know a fork");
}

static void cross__a_sandbox_that_is_not_built_is_warned_of(void **state)
{
    (void)state;
    check_warning("runners:\n  shut: { provider: local, sandbox: bubblewrap }\n", SMALL_SOURCE, 15,
                  "which is not in this version: it refuses every step");
    check_quiet("runners:\n  open: { provider: local, sandbox: none }\n", SMALL_SOURCE);
}

static void cross__groups_and_persons_that_nothing_names_are_warned_of(void **state)
{
    (void)state;
    check_warning("access: [ { who: [alice], role: admin } ]\n", SMALL_SOURCE, 7, "nothing names the group \"ops\"");
    check_quiet("access: [ { who: [ops], role: admin } ]\n", SMALL_SOURCE);
    check_quiet("", SMALL_SOURCE);
}

static void cross__queues_have_a_direction(void **state)
{
    struct reading reading;

    (void)state;
    load(&reading, "queues: { out: { provider: sqs, url: \"https://x/\", direction: out } }\n",
         SMALL_SOURCE "    deploy_on: [\"queue:out\"]\n");
    assert_null(reading.config);
    expect_error(&reading.problems, 14, "has direction out");
    forget(&reading);
}

static void cross__a_freeze_ends_after_it_begins(void **state)
{
    struct reading reading;

    (void)state;
    load(&reading,
         "freezes: [ { name: f, from: \"2026-12-05T00:00 Europe/Lisbon\", to: \"2026-12-01T00:00 Europe/Lisbon\" } ]\n",
         SMALL_SOURCE);
    assert_null(reading.config);
    expect_error(&reading.problems, 14, "ends before it begins");
    forget(&reading);
}

static size_t matches(const struct config *config, const char *branch)
{
    const struct config_entry *entries[8];

    return config_match_branch(config, "app", branch, entries, 8);
}

static void match__the_last_pattern_that_fits_decides(void **state)
{
    struct reading reading;
    const struct config_entry *entries[8];

    (void)state;
    load(&reading, "", "    source: { branches: [\"**\", \"!main\", \"!**/wip-*\", \"keep/wip-1\"] }\n");
    assert_int_equal(matches(reading.config, "feature/x"), 1);
    assert_int_equal(matches(reading.config, "main"), 0);
    assert_int_equal(matches(reading.config, "a/b/wip-2"), 0);
    assert_int_equal(matches(reading.config, "keep/wip-1"), 1);
    assert_int_equal(config_match_branch(reading.config, "other", "feature/x", entries, 8), 0);
    assert_int_equal(config_match_branch(reading.config, "app", "feature/x", entries, 0), 0);
    forget(&reading);
}

static void match__every_entry_that_fits_applies(void **state)
{
    struct reading reading;

    (void)state;
    load(&reading, "  - name: \"r/${{ branch.slug }}\"\n" REST "  - name: \"s/${{ branch.slug }}\"\n" REST,
         SMALL_SOURCE);
    assert_int_equal(matches(reading.config, "f/x"), 2);
    assert_int_equal(matches(reading.config, "main"), 1);
    forget(&reading);
}

static void check_entry(const struct config *config, const char *name, const char *expected)
{
    const struct config_entry *entry = config_entry_for_name(config, name);

    if (!expected)
        assert_null(entry);
    else
        assert_string_equal(entry ? entry->name : "(none)", expected);
}

static void match__a_name_leads_back_to_its_entry(void **state)
{
    struct reading reading;

    (void)state;
    load(&reading,
         "  - name: \"r/${{ branch.slug }}\"\n" REST "  - name: \"r/x-${{ branch.slug }}\"\n" REST
         "  - name: \"${{ branch.slug }}-end\"\n" REST,
         SMALL_SOURCE);
    expect_no_error(&reading.problems);
    check_entry(reading.config, "one", "one");
    check_entry(reading.config, "r/abc", "r/${{ branch.slug }}");
    check_entry(reading.config, "r/x-abc", "r/x-${{ branch.slug }}");
    check_entry(reading.config, "r/", NULL);
    check_entry(reading.config, "abc-end", "${{ branch.slug }}-end");
    check_entry(reading.config, "-end", NULL);
    check_entry(reading.config, "none", NULL);
    forget(&reading);
}

/* What lies behind a wrong key is told with it; what only comes of what is wrong is not. */
static void errors__behind_other_errors_are_told_at_once(void **state)
{
    static const char text[] = "version: 1\n"
                               "workspace: shop\n"
                               "trusted: { repository: app, ref: main }\n"
                               "repositories:\n"
                               "  app: { provider: git, url: ., bogus: 1 }\n" /* 5 */
                               "  two: { url: x }\n"
                               "targets: { here: { provider: local } }\n"
                               "environments:\n"
                               "  - name: one\n"
                               "    tier: review\n" /* 10 */
                               "    repository: app\n"
                               "    source: { branches: [main] }\n"
                               "    templates: [shop]\n"
                               "    target: here\n"
                               "    ttl: { default: 9d, max: 7d }\n" /* 15 */
                               "  - name: other\n"
                               "    repository: two\n"
                               "    tier: dev\n"
                               "    source: { branches: [dev] }\n"
                               "    templates: [shop]\n" /* 20 */
                               "    target: here\n"
                               "    permanent: true\n"
                               "    on_failure: destroy\n"
                               "    gate: { approvals: many }\n"
                               "  - name: third\n" /* 25 */
                               "    tier: dev\n"
                               "    source: { promote_from: other }\n"
                               "    templates: [shop]\n"
                               "    target: here\n";
    struct arena arena = {0};
    struct problems problems;

    (void)state;
    problems_init(&problems, &arena);
    assert_null(config_load("berth.yaml", text, sizeof text - 1, &problems));
    expect_error(&problems, 5, "unknown key \"bogus\"");
    expect_error(&problems, 6, "\"provider\" is missing");
    expect_error(&problems, 15, "default is longer than max");
    expect_error(&problems, 24, "expected a whole number");
    for (size_t i = 0; i < problems.list.count; i++)
        assert_null(strstr(problems.list.items[i].message, "there is no \"two\""));
    problems_release(&problems);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cross__a_gate_that_cannot_be_passed_is_warned_of),
        cmocka_unit_test(cross__a_rule_that_names_nobody_is_warned_of),
        cmocka_unit_test(cross__a_prod_without_gate_is_warned_of),
        cmocka_unit_test(cross__names_that_meet_are_told),
        cmocka_unit_test(cross__patterns_that_exclude_everything_are_warned_of),
        cmocka_unit_test(cross__lives_that_contradict_are_errors),
        cmocka_unit_test(cross__promotion_does_not_run_in_a_circle),
        cmocka_unit_test(cross__a_name_needs_a_source_that_gives_it),
        cmocka_unit_test(cross__what_plain_git_cannot_tell_is_warned_of),
        cmocka_unit_test(cross__a_sandbox_that_is_not_built_is_warned_of),
        cmocka_unit_test(cross__groups_and_persons_that_nothing_names_are_warned_of),
        cmocka_unit_test(cross__queues_have_a_direction),
        cmocka_unit_test(cross__a_freeze_ends_after_it_begins),
        cmocka_unit_test(match__the_last_pattern_that_fits_decides),
        cmocka_unit_test(match__every_entry_that_fits_applies),
        cmocka_unit_test(match__a_name_leads_back_to_its_entry),
        cmocka_unit_test(errors__behind_other_errors_are_told_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
