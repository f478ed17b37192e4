/* SPDX-License-Identifier: ISC */
/* Which ref may go to which environment, a sentence each: a branch makes one environment, and --ref is no way around `source`. */
#include "play.h"

#include "berth/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define SLUG "feature-x-217d2b"

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
                           "    deploy_on: [push]\n"
                           "  - name: \"auto/${{ branch.slug }}\"\n"
                           "    tier: review\n"
                           "    source: { branches: [\"auto/**\"] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "  - name: staging\n"
                           "    tier: staging\n"
                           "    source: { branches: [main] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "  - name: preview\n"
                           "    tier: test\n"
                           "    source: { branches: [main] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "    plan_on: [pull_request]\n"
                           "  - name: \"try/${{ input.name }}\"\n"
                           "    tier: ephemeral\n"
                           "    source: { manual: { refs: [commit, branch], default: main } }\n"
                           "    inputs: { name: { type: string, required: true } }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "    ttl: { default: 8h, max: 5d }\n";

static int set_up(void **state)
{
    static const char *const pushes[] = {"feature/x", "c1", "feature/y", "c2", "main", "m1", NULL};

    return play_begin(state, yaml, pushes);
}

static int tear_down(void **state)
{
    return play_end(state);
}

static void accepted(struct world *world, const char *verb, const char *subject, const char *arguments)
{
    assert_int_equal(world_command(world, verb, subject, arguments, OWNER, "cli")->status, COMMAND_ACCEPTED);
}

static void refused(struct world *world, const char *verb, const char *subject, const char *arguments, const char *why)
{
    assert_int_equal(world_command(world, verb, subject, arguments, OWNER, "cli")->status, COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), why));
    assert_true(world_audited(world, arena_printf(&world->arena, "%s.denied", verb)));
}

static const struct run *last_run(const struct world *world)
{
    return world->runs.items[world->runs.count - 1];
}

static void ref__branch_goes_to_the_environment_it_makes(void **state)
{
    struct world *world = *state;

    accepted(world, "deploy", "feature/x", "");
    assert_string_equal(last_run(world)->environment_name, "review/" SLUG);
    accepted(world, "deploy", "review/" SLUG, "{\"ref\":\"feature/x\",\"with\":[\"a=1\"]}");
    assert_string_equal(last_run(world)->ref, "feature/x");
    assert_string_equal(last_run(world)->commit, "");
}

static void ref__branch_makes_no_second_environment(void **state)
{
    struct world *world = *state;

    refused(world, "deploy", "review/feature-x", "{\"ref\":\"feature/x\"}",
            "the environment of the branch 'feature/x' is 'review/" SLUG "', not 'review/feature-x'");
    refused(world, "plan", "review/feature-x", "{\"ref\":\"feature/x\"}", "not 'review/feature-x'");
    assert_int_equal(world->runs.count, 0);
}

static void ref__branch_named_as_an_entry_would_name_is_the_branch(void **state)
{
    struct world *world = *state;

    world_push(world, "auto/sa", "c3");
    accepted(world, "plan", "auto/sa", "");
    assert_string_equal(last_run(world)->environment_name, "auto/auto-sa-7056d1");
    accepted(world, "deploy", "auto/sa", "");
    assert_string_equal(last_run(world)->environment_name, "auto/auto-sa-7056d1");
    assert_string_equal(last_run(world)->ref, "auto/sa");
    play_all(world, last_run(world)->id);
    accepted(world, "deploy", "auto/auto-sa-7056d1", ""); /* as it is called from now on */
    assert_string_equal(last_run(world)->ref, "auto/sa");
    accepted(world, "deploy", "auto/sa", "");
    assert_string_equal(last_run(world)->environment_name, "auto/auto-sa-7056d1");
    refused(world, "deploy", "auto/sb", "{\"ref\":\"auto/sa\"}", "not 'auto/sb'"); /* no such branch */
}

static void ref__branch_named_as_an_entry_is_called_takes_nothing_of_it(void **state)
{
    struct world *world = *state;

    world_push(world, "staging", "c3");
    accepted(world, "deploy", "staging", "");
    assert_string_equal(last_run(world)->environment_name, "staging");
    assert_string_equal(last_run(world)->ref, "main");
}

static void ref__branch_of_another_environment_is_denied(void **state)
{
    struct world *world = *state;

    accepted(world, "deploy", "feature/x", "");
    play_all(world, "1");
    refused(world, "deploy", "review/" SLUG, "{\"ref\":\"feature/y\"}", "the environment of the branch 'feature/y' is");
    refused(world, "deploy", "feature/x", "{\"ref\":\"feature/y\"}", "the environment of the branch 'feature/y' is");
}

static void ref__branch_that_no_pattern_takes_is_denied(void **state)
{
    struct world *world = *state;

    refused(world, "deploy", "staging", "{\"ref\":\"feature/x\"}",
            "the branch 'feature/x' is none of those that 'staging' takes");
    refused(world, "plan", "staging", "{\"ref\":\"feature/x\"}", "is none of those");
    refused(world, "deploy", "review/main", "{\"ref\":\"main\"}", "is none of those");
    accepted(world, "deploy", "staging", "");
    assert_string_equal(last_run(world)->ref, "main");
}

static void ref__machine_is_held_to_it_too(void **state)
{
    struct world *world = *state;

    assert_int_equal(world_command(world, "deploy", "review/feature-x", "{\"ref\":\"feature/x\",\"commit\":\"c1\"}",
                                   "trigger:push", "push")
                         ->status,
                     COMMAND_REFUSED);
    assert_int_equal(world_command(world, "deploy", "review/" SLUG, "{\"ref\":\"feature/x\",\"commit\":\"c1\"}",
                                   "trigger:push", "push")
                         ->status,
                     COMMAND_ACCEPTED);
    assert_string_equal(last_run(world)->commit, "c1");
}

static void forged__person_who_says_push_is_refused_and_starts_nothing(void **state)
{
    static const char *const ways[] = {"push", "pull_request", "checks", "ttl", "cron", "cleaner", "on_failure"};
    struct world *world = *state;

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        assert_int_equal(world_command(world, "deploy", "review/" SLUG, "{\"ref\":\"feature/x\",\"commit\":\"c9\"}",
                                       "uid:4242", ways[i])
                             ->status,
                         COMMAND_REFUSED);
        assert_non_null(strstr(world_answer(world), "only berthd itself may say"));
        assert_int_equal(world_command(world, "destroy", "review/" SLUG, "", OWNER, ways[i])->status, COMMAND_REFUSED);
    }
    assert_int_equal(world->runs.count, 0);
    assert_true(world_audited(world, "deploy.denied"));
}

static void ref__commit_is_one_of_the_branch(void **state)
{
    struct world *world = *state;

    accepted(world, "deploy", "staging", "{\"ref\":\"v1.2\"}");
    assert_string_equal(last_run(world)->ref, "main");
    assert_string_equal(last_run(world)->commit, "v1.2");
    accepted(world, "deploy", "feature/x", "{\"ref\":\"abcdef12\"}");
    assert_string_equal(last_run(world)->ref, "feature/x");
    assert_string_equal(last_run(world)->commit, "abcdef12");
    refused(world, "deploy", "review/other", "{\"ref\":\"abcdef12\"}", "nothing says of which branch");
}

static void ref__commit_is_said_by_machines_alone(void **state)
{
    struct world *world = *state;

    accepted(world, "deploy", "staging", "{\"commit\":\"c1\"}");
    assert_string_equal(last_run(world)->ref, "main");
    assert_string_equal(last_run(world)->commit, "");
}

static void ref__another_branch_may_be_planned_where_policy_plans_them(void **state)
{
    struct world *world = *state;

    accepted(world, "plan", "preview", "{\"ref\":\"feature/x\"}");
    refused(world, "deploy", "preview", "{\"ref\":\"feature/x\"}", "is none of those");
}

static void ref__manual_environment_takes_what_is_asked_for(void **state)
{
    struct world *world = *state;

    accepted(world, "deploy", "try/a", "{\"ref\":\"feature/x\",\"with\":[\"name=a\"]}");
    assert_string_equal(last_run(world)->ref, "feature/x");
    accepted(world, "deploy", "try/b", "{\"ref\":\"abcdef12\",\"with\":[\"name=b\"]}");
    assert_string_equal(last_run(world)->ref, "abcdef12");
    assert_string_equal(last_run(world)->commit, "");
    accepted(world, "deploy", "try/c", "{\"with\":[\"name=c\"]}");
    assert_string_equal(last_run(world)->ref, "main");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ref__branch_goes_to_the_environment_it_makes),
        TEST(ref__branch_makes_no_second_environment),
        TEST(ref__branch_named_as_an_entry_would_name_is_the_branch),
        TEST(ref__branch_named_as_an_entry_is_called_takes_nothing_of_it),
        TEST(ref__branch_of_another_environment_is_denied),
        TEST(ref__branch_that_no_pattern_takes_is_denied),
        TEST(ref__machine_is_held_to_it_too),
        TEST(forged__person_who_says_push_is_refused_and_starts_nothing),
        TEST(ref__commit_is_one_of_the_branch),
        TEST(ref__commit_is_said_by_machines_alone),
        TEST(ref__another_branch_may_be_planned_where_policy_plans_them),
        TEST(ref__manual_environment_takes_what_is_asked_for),
    };
    return cmocka_run_group_tests_name("engine refs", tests, NULL, NULL);
}
