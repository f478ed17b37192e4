/* SPDX-License-Identifier: ISC */
/* What becomes of an environment's row and of commands: its entry goes, its branch changes, a plan leaves nothing, a command ends with its run. */
#include "play.h"

#include "berth/base/str.h"
#include "berth/base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define OWNER "uid:1000"
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define assert_status(world, run, status_name) \
    assert_string_equal(word_name(run_status_names, world_run(world, run)->status), status_name)

static int set_up(void **state)
{
    struct world *world = mem_zero(1, sizeof *world);

    world_init(world, world_config(play_yaml));
    world_use_store(world);
    world->follow = true;
    world_push(world, "feature/x", "c1");
    world_push(world, "feature/y", "y1");
    world_push(world, "main", "m1");
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    struct config *config = world->config;

    for (size_t i = 0; i < world->runs.count; i++)
        assert_string_equal(world_check(world, world->runs.items[i]->id), "");
    world_release(world);
    config_free(config);
    vec_free(world);
    return 0;
}

/* --- shorthand ---------------------------------------------------------------------------------------------------- */

static int command(struct world *world, const char *verb, const char *subject, const char *arguments)
{
    return world_command(world, verb, subject, arguments, OWNER, "cli")->status;
}

static void deploy(struct world *world, const char *subject)
{
    assert_int_equal(command(world, "deploy", subject, ""), COMMAND_ACCEPTED);
}

static int approve(struct world *world, const char *run)
{
    return command(world, "approve", run,
                   arena_printf(&world->arena, "{\"digest\":\"%s\"}", world_run(world, run)->digest));
}

/* --- an entry that is gone ------------------------------------------------------------------------------------------ */

static const char without_staging[] = "version: 1\n"
                                      "workspace: shop\n"
                                      "repositories: { app: { provider: git, url: . } }\n"
                                      "people:\n"
                                      "  alice: { email: [alice@acme.org], unix: al }\n"
                                      "access:\n"
                                      "  - { who: [alice], role: admin }\n"
                                      "targets: { here: { provider: local } }\n"
                                      "environments:\n"
                                      "  - name: dev\n"
                                      "    tier: dev\n"
                                      "    source: { branches: [\"feature/**\"] }\n"
                                      "    templates: [shop]\n"
                                      "    target: here\n";

static void take_entry_away(struct world *world)
{
    config_free(world->config);
    world->config = world_config(without_staging);
}

static void look_again(struct world *world, const char *run)
{
    vec_push(&world->due, run);
    world_settle(world);
}

static void entry_gone__gate_that_asked_for_an_approval_does_not_open_without(void **state)
{
    struct world *world = *state;

    deploy(world, "main");
    play_all(world, "1");
    assert_status(world, "1", "at the gate");
    take_entry_away(world);
    look_again(world, "1");
    assert_status(world, "1", "at the gate");
    (void)approve(world, "1");
    assert_status(world, "1", "at the gate");
    assert_non_null(strstr(world_run(world, "1")->status_reason, "no entry of berth.yaml makes staging any more"));
}

static void entry_gone__deploy_with_nothing_to_do_runs_no_checks(void **state)
{
    struct world *world = *state;
    const struct step *step;

    deploy(world, "main");
    play_all(world, "1");
    assert_int_equal(approve(world, "1"), COMMAND_DONE);
    play_all(world, "1");
    assert_status(world, "1", "done");
    world_push(world, "main", "m2");
    deploy(world, "main");
    play_step(world, "2.prepare.main");
    take_entry_away(world);
    for (size_t i = 0; i < 2; i++) {
        const char *name = i == 0 ? "2.plan.database" : "2.plan.server";

        assert_true(world_claim(world, name));
        step = world_step(world, name);
        world_result(world, step, STEP_DONE, play_plan(world, "none", "d1"), ERROR_NONE, step->token, step->epoch);
    }
    assert_status(world, "2", "at the gate");
}

static void entry_gone__what_is_there_can_be_destroyed(void **state)
{
    struct world *world = *state;

    deploy(world, "main");
    play_all(world, "1");
    assert_int_equal(approve(world, "1"), COMMAND_DONE);
    play_all(world, "1");
    take_entry_away(world);
    assert_int_equal(command(world, "deploy", "staging", "{\"ref\":\"main\"}"), COMMAND_REFUSED);
    assert_int_equal(command(world, "destroy", "staging", "{\"confirm\":\"staging\"}"), COMMAND_ACCEPTED);
    play_all(world, "2");
    assert_status(world, "2", "done");
    assert_null(world_environment(world, "staging"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entry_gone__gate_that_asked_for_an_approval_does_not_open_without),
        TEST(entry_gone__deploy_with_nothing_to_do_runs_no_checks),
        TEST(entry_gone__what_is_there_can_be_destroyed),
    };
    return cmocka_run_group_tests_name("engine environments", tests, NULL, NULL);
}
