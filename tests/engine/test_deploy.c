/* SPDX-License-Identifier: ISC */
/* A deploy from the command to the release, and the destroy after it, through a store. */
#include "play.h"

#include "berth/base/str.h"
#include "berth/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char yaml[] = "version: 1\n"
                           "workspace: shop\n"
                           "repositories: { app: { provider: git, url: . } }\n"
                           "people:\n"
                           "  alice: { email: [alice@acme.org], unix: al }\n"
                           "  bob: { email: [bob@acme.org], unix: bob }\n"
                           "groups: { ops: [alice, bob] }\n"
                           "access:\n"
                           "  - { who: [ops], role: admin }\n"
                           "targets: { here: { provider: local } }\n"
                           "environments:\n"
                           "  - name: \"review/${{ branch.slug }}\"\n"
                           "    tier: review\n"
                           "    source: { branches: [\"feature/**\"] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "    deploy_on: [push]\n"
                           "    ttl: { default: 2d, max: 7d, from: last_deploy, extensions: 3 }\n"
                           "  - name: staging\n"
                           "    tier: staging\n"
                           "    source: { branches: [main] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "    gate: { approvals: 1, by: [ops], expires: 8h }\n";

static int set_up(void **state)
{
    static const char *const pushes[] = {"feature/x", "c1", "main", "m1", NULL};

    return play_begin(state, yaml, pushes);
}

static int tear_down(void **state)
{
    return play_end(state);
}

static void deploy__a_branch_becomes_an_environment_with_a_release(void **state)
{
    struct world *world = *state;
    const struct environment *environment;

    assert_int_equal(world_command(world, "deploy", "feature/x", "", OWNER, "cli")->status, COMMAND_ACCEPTED);
    play_all(world, "1");
    assert_string_equal(word_name(run_status_names, world_run(world, "1")->status), "done");
    environment = world_environment(world, world_run(world, "1")->environment_name);
    assert_non_null(environment);
    assert_int_equal(environment->status, ENVIRONMENT_OK);
    assert_int_equal(environment->release, 1);
    assert_string_equal(world_check(world, "1"), "");
}

static void deploy__waits_at_the_gate_until_the_digest_is_approved(void **state)
{
    struct world *world = *state;
    const struct run *run;

    world_command(world, "deploy", "staging", "", OWNER, "cli");
    play_all(world, "1");
    run = world_run(world, "1");
    assert_int_equal(run->status, RUN_GATE);
    assert_int_equal(run->creates, 2);
    assert_true(strstr(run->status_reason, "0 of 1 approvals") != NULL);
    assert_true(world_environment(world, "staging")->marks & MARK_WAITING);

    assert_int_equal(world_command(world, "approve", "1", "{\"digest\":\"wrong\"}", OWNER, "cli")->status,
                     COMMAND_REFUSED);
    assert_int_equal(world_run(world, "1")->status, RUN_GATE);
    assert_int_equal(play_approve(world, "1"), COMMAND_DONE);
    assert_int_equal(world_run(world, "1")->status, RUN_APPLYING);
    assert_string_equal(world_environment(world, "staging")->lock_run, "1");
    assert_int_equal(world_resource(world, "staging", "server")->status, RESOURCE_WAITING);
    play_all(world, "1");
    assert_int_equal(world_run(world, "1")->status, RUN_DONE);
    assert_string_equal(world_environment(world, "staging")->lock_run, "");
    assert_string_equal(world_check(world, "1"), "");
}

static void destroy__removes_resources_in_reverse_and_keeps_the_recipe(void **state)
{
    struct world *world = *state;
    const char *name;

    world_command(world, "deploy", "feature/x", "", OWNER, "cli");
    play_all(world, "1");
    name = world_run(world, "1")->environment_name;
    assert_int_equal(world_command(world, "destroy", name, "", OWNER, "cli")->status, COMMAND_REFUSED);
    assert_true(world_audited(world, "destroy.denied"));
    assert_int_equal(
        world_command(world, "destroy", name, arena_printf(&world->arena, "{\"confirm\":\"%s\"}", name), OWNER, "cli")
            ->status,
        COMMAND_ACCEPTED);
    play_step(world, "2.plan.server");
    play_step(world, "2.plan.database");
    assert_int_equal(world_run(world, "2")->status, RUN_APPLYING);
    assert_int_equal(world_step(world, "2.destroy.server")->status, STEP_READY);
    assert_int_equal(world_step(world, "2.destroy.database")->status, STEP_WAITING);
    play_all(world, "2");
    assert_int_equal(world_run(world, "2")->status, RUN_DONE);
    assert_null(world_environment(world, name));
    assert_int_equal(world->resources.count, 0);
    assert_int_equal(world->recipes.count, 1);
    assert_string_equal(world_check(world, "2"), "");
}

/* Policy says of a run whether a verb can be about it: just where an edge takes it. */
static void edges__and_policy_name_the_same_answers(void **state)
{
    static const char *const verbs[] = {"approve", "reject", "cancel", "retry"};
    size_t count;
    const struct engine_edge *edges = engine_edges(&count);

    (void)state;
    for (int status = RUN_QUEUED; status <= RUN_CANCELLED; status++) {
        for (size_t v = 0; v < sizeof verbs / sizeof *verbs; v++) {
            const struct run run = {.status = status};
            bool has_edge = false;

            for (size_t i = 0; i < count; i++)
                has_edge |= edges[i].from == status && text_equal(edges[i].event, verbs[v]);
            if (policy_run_takes(&run, verbs[v]) != has_edge)
                fail_msg("%s of a run that is %s", verbs[v], word_name(run_status_names, status));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(deploy__a_branch_becomes_an_environment_with_a_release),
        TEST(deploy__waits_at_the_gate_until_the_digest_is_approved),
        TEST(destroy__removes_resources_in_reverse_and_keeps_the_recipe),
        cmocka_unit_test(edges__and_policy_name_the_same_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
