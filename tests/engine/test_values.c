/* SPDX-License-Identifier: ISC */
/* The values that a release had: a way back deploys them again, whatever berth.yaml says by then; through a store. */
#include "play.h"

#include "berth/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char yaml[] = "version: 1\n"
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
                           "    source: { branches: [main] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "    on_failure: rollback\n"
                           "    rollback: { gate: none }\n";

static int set_up(void **state)
{
    static const char *const pushes[] = {"main", "m1", NULL};

    return play_begin(state, yaml, pushes);
}

static int tear_down(void **state)
{
    return play_end(state);
}

static const struct play_resource two[] = {{.name = "database"}, {.name = "server", .needs = "database"}};

/* Deploys a commit of main to dev up to its plans, with the size that the world has. */
static const char *deploy(struct world *world, const char *commit)
{
    const char *run;

    world_push(world, "main", commit);
    run = play_deploy(world, "dev");
    play_ends(world, arena_printf(&world->arena, "%s.prepare.main", run), STEP_DONE,
              play_prepare(world, "dev", commit, two, 2, ""), ERROR_NONE);
    return run;
}

static void release(struct world *world, const char *commit)
{
    const char *run = deploy(world, commit);

    play_all(world, run);
    assert_status(world, run, "done");
}

static void deploy_that_fails(struct world *world, const char *commit)
{
    const char *run = deploy(world, commit);

    play_phase(world, run, PHASE_PLAN);
    play_step(world, arena_printf(&world->arena, "%s.apply.database", run));
    play_ends(world, arena_printf(&world->arena, "%s.apply.server", run), STEP_FAILED, NULL, ERROR_TOOL);
}

static const struct environment *dev(struct world *world)
{
    return world_environment(world, "dev");
}

#define SETTINGS(size) "{\"inputs\":{},\"parameters\":{\"shop\":{\"size\":\"" size "\"}}}"

static void failure__goes_back_to_the_values_of_the_release(void **state)
{
    struct world *world = *state;

    world->size = "small";
    release(world, "c1");
    world->size = "big"; /* berth.yaml moves, and stays moved while the way back is prepared */
    deploy_that_fails(world, "c2");
    assert_string_equal(world_run(world, "2")->settings, SETTINGS("big"));
    assert_string_equal(world_run(world, "3")->settings, SETTINGS("small"));
    assert_string_equal(world_run(world, "3")->reason, "run 2 failed: server: the tool ended with exit 1");
    play_all(world, "3");
    assert_status(world, "3", "done");
    assert_string_equal(world_run(world, "3")->settings, SETTINGS("small"));
    assert_int_equal(dev(world)->release, 1);
    assert_int_equal(world->releases.count, 1);
    assert_string_equal(world->releases.items[0]->settings, SETTINGS("small"));
}

static void failure__of_other_values_of_the_same_commit_goes_back(void **state)
{
    struct world *world = *state;

    world->size = "small";
    release(world, "c1");
    world->size = "big";
    deploy_that_fails(world, "c1");
    assert_status(world, "2", "rolling back");
    assert_string_equal(world_run(world, "3")->settings, SETTINGS("small"));
    play_all(world, "3");
    assert_status(world, "2", "rolled back");
    assert_int_equal(dev(world)->release, 1);
    assert_string_equal(dev(world)->excluded_commit, "");
}

static void rollback__to_a_release_without_its_values_takes_todays_and_says_so(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    world->size = "big";
    deploy_that_fails(world, "c2");
    assert_string_equal(
        world_run(world, "3")->reason,
        "run 2 failed: server: the tool ended with exit 1; v1 is older than the record of its values: those of today's berth.yaml are used");
    play_all(world, "3");
    assert_status(world, "3", "done");
    assert_string_equal(world_run(world, "3")->settings, SETTINGS("big"));
    assert_int_equal(dev(world)->release, 1);
}

static void by_hand__goes_to_other_values_of_the_same_commit(void **state)
{
    struct world *world = *state;

    world->size = "small";
    release(world, "c1");
    world->size = "big";
    release(world, "c1");
    assert_int_equal(dev(world)->release, 2);
    assert_int_equal(play_command(world, "rollback", "dev", ""), COMMAND_ACCEPTED);
    assert_string_equal(world_run(world, "3")->settings, SETTINGS("small"));
    play_all(world, "3");
    assert_status(world, "3", "done");
    assert_int_equal(dev(world)->release, 1);
    for (size_t i = 0; i < world->releases.count; i++)
        assert_string_equal(world->releases.items[i]->verdict,
                            world->releases.items[i]->version == 1 ? "good" : "rolled back");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(failure__goes_back_to_the_values_of_the_release, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failure__of_other_values_of_the_same_commit_goes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rollback__to_a_release_without_its_values_takes_todays_and_says_so, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(by_hand__goes_to_other_values_of_the_same_commit, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
