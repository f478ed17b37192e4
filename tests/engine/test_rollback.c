/* SPDX-License-Identifier: ISC */
/* The way back, a sentence each: after a failure, by hand, refused, failing, overtaken; through a store. */
#include "play.h"

#include "berth/base/str.h"
#include "berth/base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char yaml[] = "version: 1\n"
                           "workspace: shop\n"
                           "repositories: { app: { provider: git, url: . } }\n"
                           "people:\n"
                           "  alice: { email: [alice@acme.org], unix: al }\n"
                           "groups: { ops: [alice] }\n"
                           "access:\n"
                           "  - { who: [ops], role: admin }\n"
                           "targets: { here: { provider: local } }\n"
                           "environments:\n"
                           "  - name: dev\n"
                           "    tier: dev\n"
                           "    source: { branches: [main] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "    deploy_on: [push]\n"
                           "    on_failure: rollback\n"
                           "    rollback: { gate: none }\n"
                           "  - name: staging\n"
                           "    tier: staging\n"
                           "    source: { branches: [stage] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "    gate: { approvals: 1, by: [ops] }\n"
                           "    on_failure: rollback\n"
                           "    rollback: { gate: none, windows: ignore, ask_if: [data] }\n";

static int set_up(void **state)
{
    static const char *const pushes[] = {"main", "m1", "stage", "s1", NULL};

    return play_begin(state, yaml, pushes);
}

static int tear_down(void **state)
{
    return play_end(state);
}

/* --- shorthand ---------------------------------------------------------------------------------------------------- */

static const struct play_resource two[] = {{.name = "database"}, {.name = "server", .needs = "database"}};
static const struct play_resource three[] = {
    {.name = "database"}, {.name = "server", .needs = "database"}, {.name = "cache"}};
static const struct play_resource only_server[] = {{.name = "server"}};

/* Deploys a commit of main to dev up to its plans; the new run's id. */
static const char *deploy_checked(struct world *world, const char *commit, const struct play_resource *resources,
                                  size_t count, const char *checks)
{
    const char *run, *step;

    world_push(world, "main", commit);
    run = play_deploy(world, "dev");
    step = arena_printf(&world->arena, "%s.prepare.main", run);
    play_ends(world, step, STEP_DONE, play_prepare(world, "dev", commit, resources, count, checks), ERROR_NONE);
    return run;
}

static const char *deploy(struct world *world, const char *commit, const struct play_resource *resources, size_t count)
{
    return deploy_checked(world, commit, resources, count, "");
}

static void release(struct world *world, const char *commit)
{
    const char *run = deploy(world, commit, two, 2);

    play_all(world, run);
    assert_status(world, run, "done");
}

static void fails(struct world *world, const char *run, const char *what)
{
    play_ends(world, arena_printf(&world->arena, "%s.%s", run, what), STEP_FAILED, NULL, ERROR_TOOL);
}

static const char *deploy_that_fails(struct world *world, const char *commit)
{
    const char *run = deploy(world, commit, two, 2);

    play_phase(world, run, PHASE_PLAN);
    play_step(world, arena_printf(&world->arena, "%s.apply.database", run));
    fails(world, run, "apply.server");
    return run;
}

static const struct environment *dev(struct world *world)
{
    return world_environment(world, "dev");
}

static const char *verdict(struct world *world, int64_t version)
{
    for (size_t i = 0; i < world->releases.count; i++)
        if (world->releases.items[i]->version == version)
            return world->releases.items[i]->verdict;
    return "";
}

/* --- after a failure -------------------------------------------------------------------------------------------------- */

static void failure__goes_back_to_the_last_good_release(void **state)
{
    struct world *world = *state;
    const struct run *back;

    release(world, "c1");
    assert_string_equal(deploy_that_fails(world, "c2"), "2");
    assert_status(world, "2", "rolling back");
    assert_string_equal(dev(world)->excluded_commit, "c2"); /* from now on */
    back = world_run(world, "3");
    assert_int_equal(back->workflow, WORKFLOW_ROLLBACK);
    assert_string_equal(back->commit, "c1");
    assert_string_equal(back->parent, "2");
    play_all(world, "3");
    assert_status(world, "3", "done");
    assert_status(world, "2", "rolled back");
    assert_int_equal(dev(world)->release, 1);
    assert_string_equal(dev(world)->commit, "c1");
    assert_string_equal(dev(world)->excluded_commit, "c2");
    assert_int_equal(world->releases.count, 1);
}

static void failure__of_a_check_goes_back_too(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    (void)deploy_checked(world, "c2", two, 2, "[{\"run\":[\"./smoke\"]}]");
    play_phase(world, "2", PHASE_PLAN);
    play_step(world, "2.apply.database");
    play_step(world, "2.apply.server");
    fails(world, "2", "check.1");
    assert_status(world, "2", "rolling back");
    play_all(world, "3");
    assert_status(world, "2", "rolled back");
    assert_int_equal(dev(world)->release, 1);
}

static void failure__without_a_good_release_is_held_and_says_so(void **state)
{
    struct world *world = *state;

    (void)deploy_that_fails(world, "c1");
    assert_status(world, "1", "held");
    assert_non_null(strstr(world_run(world, "1")->status_reason, "nothing to roll back to"));
    assert_int_equal(world->runs.count, 1);
}

static void failure__of_the_very_release_is_held(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    (void)deploy_that_fails(world, "c1");
    assert_status(world, "2", "held");
    assert_non_null(strstr(world_run(world, "2")->status_reason, "v1 is what failed"));
}

static void rolled_back_commit__is_not_deployed_by_itself_again(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    (void)deploy_that_fails(world, "c2");
    play_all(world, "3");
    (void)world_command(world, "deploy", "dev", "{\"ref\":\"main\",\"commit\":\"c2\"}", "trigger:push", "push");
    assert_int_equal(world->answered->status, COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), "rolled back here"));
    (void)world_command(world, "deploy", "dev", "{\"ref\":\"main\",\"commit\":\"c3\"}", "trigger:push", "push");
    assert_int_equal(world->answered->status, COMMAND_ACCEPTED);
    play_all(world, "4");
    assert_status(world, "4", "done");
    assert_string_equal(dev(world)->excluded_commit, "");
    assert_int_equal(dev(world)->release, 2);
}

static void rollback__that_fails_is_held_and_nothing_answers_it(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    (void)deploy_that_fails(world, "c2");
    play_step(world, "3.prepare.main");
    play_phase(world, "3", PHASE_PLAN);
    fails(world, "3", "apply.database");
    assert_status(world, "3", "held");
    assert_status(world, "2", "failed");
    assert_non_null(strstr(world_run(world, "2")->status_reason, "its roll-back, run 3, is held"));
    assert_int_equal(world->runs.count, 3);
    assert_int_equal(play_command(world, "retry", "3", ""), COMMAND_DONE);
    play_all(world, "3");
    assert_status(world, "3", "done");
    assert_int_equal(dev(world)->release, 1);
}

static void rollback__that_cannot_be_planned_leaves_the_failed_run_to_a_person(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    (void)deploy_that_fails(world, "c2");
    assert_int_equal(play_command(world, "cancel", "3", ""), COMMAND_DONE);
    assert_status(world, "3", "cancelled");
    assert_status(world, "2", "held");
    assert_true(dev(world)->marks & MARK_HELD);
}

static void rollback__that_takes_away_what_was_there_before_asks(void **state)
{
    struct world *world = *state;

    release(world, "c1"); /* database and server */
    play_all(world, deploy(world, "c2", three, 3));
    assert_int_equal(dev(world)->release, 2);
    assert_int_equal(play_command(world, "rollback", "dev", ""), COMMAND_ACCEPTED); /* by hand: no question */
    play_all(world, "3");
    assert_status(world, "3", "done");
    assert_null(world_resource(world, "dev", "cache"));
}

#define CHANGES(list) \
    "{\"action\":\"%s\",\"summary\":\"\",\"reason\":\"\",\"spec_digest\":\"d1\",\"changes\":[" list "]}"
#define CHANGE(path, action, more) "{\"path\":\"" path "\",\"action\":\"" action "\",\"kind\":\"data\"" more "}"

#define PARTS(name, status)                                                                                 \
    "{\"outputs\":{\"url\":\"u\"},\"spec_digest\":\"d1\",\"exit_status\":0,\"inner\":[{\"address\":\"" name \
    "\",\"kind\":\"data\",\"status\":\"" status "\",\"text\":\"\"}]}"

static void applies_database(struct world *world, const char *id, enum step_status status, const char *body)
{
    const struct step *step;

    assert_true(world_claim(world, id));
    step = world_step(world, id);
    world_result(world, step, status, body, status == STEP_DONE ? ERROR_NONE : ERROR_TOOL, step->token, step->epoch);
}

/* The database has an inner part y; x comes with c2, which fails behind `planned`; the way back would do `back`, and is planned. */
static void goes_back_over(struct world *world, const char *planned, const char *back)
{
    (void)deploy(world, "c1", two, 2);
    play_phase(world, "1", PHASE_PLAN);
    applies_database(world, "1.apply.database", STEP_DONE, PARTS("y", "ok"));
    play_all(world, "1");
    assert_status(world, "1", "done");
    world_pass(world, MS_MINUTE);
    (void)deploy(world, "c2", two, 2);
    play_ends(world, "2.plan.database", STEP_DONE, planned, ERROR_NONE);
    play_step(world, "2.plan.server");
    applies_database(world, "2.apply.database", STEP_FAILED, PARTS("x", "failed"));
    assert_status(world, "2", "rolling back");
    play_step(world, "3.prepare.main");
    play_ends(world, "3.plan.database", STEP_DONE, back, ERROR_NONE);
    play_all(world, "3");
}

#define UPDATES(list) arena_printf(&world->arena, CHANGES(list), "update")
#define REPLACES(list) arena_printf(&world->arena, CHANGES(list), "replace")

static void rollback__takes_the_inner_parts_that_only_the_failed_run_made(void **state)
{
    struct world *world = *state;

    goes_back_over(world, UPDATES(CHANGE("x", "create", "")),
                   REPLACES(CHANGE("x", "destroy", "") "," CHANGE("y", "update", "")));
    assert_status(world, "3", "done");
    assert_status(world, "2", "rolled back");
}

static void asks_for_the_database(struct world *world)
{
    assert_status(world, "3", "at the gate");
    assert_non_null(strstr(world_run(world, "3")->status_reason, "replace database, which run 2 did not create"));
}

static void rollback__asks_before_it_takes_another_inner_part(void **state)
{
    struct world *world = *state;

    goes_back_over(
        world, UPDATES(CHANGE("x", "create", "") "," CHANGE("y", "create", "")),
        REPLACES(CHANGE("x", "destroy", "") "," CHANGE("y", "destroy", ""))); /* the failed run came not so far */
    asks_for_the_database(world);
}

static void rollback__asks_before_it_takes_an_inner_part_that_nobody_saw_come(void **state)
{
    struct world *world = *state;

    goes_back_over(world, UPDATES(CHANGE("x", "create", "") "," CHANGE("z", "create", "")),
                   REPLACES(CHANGE("x", "destroy", "") "," CHANGE("z", "destroy", "")));
    asks_for_the_database(world);
}

static void rollback__asks_before_it_takes_an_inner_part_that_was_there(void **state)
{
    struct world *world = *state;

    goes_back_over(world, UPDATES(CHANGE("x", "update", "")), REPLACES(CHANGE("x", "replace", "")));
    asks_for_the_database(world);
}

static void rollback__asks_before_it_takes_an_inner_part_that_was_imported(void **state)
{
    struct world *world = *state;

    goes_back_over(world, UPDATES(CHANGE("x", "create", ",\"imports\":true")), REPLACES(CHANGE("x", "destroy", "")));
    asks_for_the_database(world);
}

static void rollback__asks_before_it_takes_what_an_inner_part_was(void **state)
{
    struct world *world = *state;

    goes_back_over(world, UPDATES(CHANGE("x", "create", "")), REPLACES(CHANGE("x", "destroy", ",\"deposed\":\"1f\"")));
    asks_for_the_database(world);
}

static void rollback__asks_before_it_replaces_what_says_nothing_of_its_parts(void **state)
{
    struct world *world = *state;

    goes_back_over(world, UPDATES(CHANGE("x", "create", "")), play_plan(world, "replace", "d1"));
    asks_for_the_database(world);
}

/* The release wants less than what was there before the failed run: an older one left it, and an automatic roll-back may not take it. */
static void rollback__of_what_an_older_run_left_asks(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    /* a deploy that made a cache and was then held, not rolled back */
    (void)deploy(world, "c2", three, 3);
    play_phase(world, "2", PHASE_PLAN);
    play_step(world, "2.apply.cache");
    fails(world, "2", "apply.database");
    assert_status(world, "2", "rolling back");
    assert_int_equal(play_command(world, "cancel", "3", ""), COMMAND_DONE); /* the cache stays */
    world_pass(world, MS_MINUTE);
    (void)deploy(world, "c3", three, 3);
    play_phase(world, "4", PHASE_PLAN);
    fails(world, "4", "apply.database");
    assert_status(world, "4", "rolling back");
    play_step(world, "5.prepare.main");
    play_phase(world, "5", PHASE_PLAN);
    assert_status(world, "5", "at the gate");
    assert_non_null(strstr(world_run(world, "5")->status_reason, "destroy cache, which run 4 did not create"));
    assert_status(world, "4", "rolling back");
    assert_int_equal(play_approve(world, "5"), COMMAND_DONE);
    play_all(world, "5");
    assert_status(world, "4", "rolled back");
    assert_null(world_resource(world, "dev", "cache"));
}

static void rollback__takes_what_only_the_failed_run_made(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    world_pass(world, MS_MINUTE);
    (void)deploy(world, "c2", three, 3);
    play_phase(world, "2", PHASE_PLAN);
    play_step(world, "2.apply.cache");
    fails(world, "2", "apply.database");
    play_all(world, "3");
    assert_status(world, "2", "rolled back");
    assert_null(world_resource(world, "dev", "cache"));
}

static void rollback__brings_back_what_the_failed_commit_lost(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    (void)deploy(world, "c2", only_server, 1); /* database vanished from the template */
    play_phase(world, "2", PHASE_PLAN);
    play_step(world, "2.apply.server");
    fails(world, "2", "destroy.database");
    assert_status(world, "2", "rolling back");
    play_all(world, "3");
    assert_status(world, "3", "done");
    assert_non_null(world_resource(world, "dev", "database"));
    assert_int_equal(world_resource(world, "dev", "database")->status, RESOURCE_OK);
}

static void rollback__undoes_a_new_name(void **state)
{
    static const struct play_resource renamed[] = {{.name = "db"}, {.name = "server", .needs = "db"}};
    struct world *world = *state;

    release(world, "c1");
    world_pass(world, MS_MINUTE);
    (void)deploy(world, "c2", renamed, 2);
    play_step(world, "2.plan.db");
    play_step(world, "2.plan.server");
    play_step(world, "2.plan.database");
    play_step(world, "2.apply.db");
    fails(world, "2", "apply.server");
    assert_status(world, "2", "rolling back");
    play_all(world, "3");
    assert_status(world, "2", "rolled back");
    assert_null(world_resource(world, "dev", "db"));
    assert_int_equal(world_resource(world, "dev", "database")->status, RESOURCE_OK);
    assert_string_equal(world_resource(world, "dev", "server")->needs, "[\"database\"]");
}

static void rollback__gives_back_the_count_that_a_bad_commit_cut(void **state)
{
    static const struct play_resource counted[] = {{.name = "cache[0]"}, {.name = "cache[1]"}, {.name = "server"}};
    static const struct play_resource fewer[] = {{.name = "cache[0]"}, {.name = "server"}};
    struct world *world = *state;

    play_all(world, deploy(world, "c1", counted, 3));
    assert_int_equal(dev(world)->release, 1);
    (void)deploy_checked(world, "c2", fewer, 2, "[{\"run\":[\"./smoke\"]}]");
    play_phase(world, "2", PHASE_PLAN);
    play_phase(world, "2", PHASE_APPLY);
    play_phase(world, "2", PHASE_DESTROY);
    assert_int_equal(world_resource(world, "dev", "cache[1]")->status, RESOURCE_GONE);
    fails(world, "2", "check.1");
    play_ends(world, "3.prepare.main", STEP_DONE, play_prepare(world, "dev", "c1", counted, 3, ""), ERROR_NONE);
    play_all(world, "3");
    assert_status(world, "2", "rolled back");
    assert_non_null(world_resource(world, "dev", "cache[1]"));
    assert_int_equal(world_resource(world, "dev", "cache[1]")->status, RESOURCE_OK);
}

static void rollback__that_a_resource_refuses_is_held_until_it_goes(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    world_pass(world, MS_MINUTE);
    (void)deploy(world, "c2", three, 3);
    play_phase(world, "2", PHASE_PLAN);
    play_step(world, "2.apply.cache");
    fails(world, "2", "apply.database");
    play_step(world, "3.prepare.main");
    play_phase(world, "3", PHASE_PLAN);
    play_phase(world, "3", PHASE_APPLY);
    fails(world, "3", "destroy.cache");
    assert_status(world, "3", "held");
    assert_status(world, "2", "failed");
    assert_non_null(world_resource(world, "dev", "cache")); /* it is there still, and nobody says otherwise */
    assert_int_not_equal(world_resource(world, "dev", "cache")->status, RESOURCE_OK);
    assert_int_equal(dev(world)->release, 1);
    assert_int_equal(play_command(world, "retry", "3", ""), COMMAND_DONE);
    play_all(world, "3");
    assert_status(world, "3", "done");
    assert_null(world_resource(world, "dev", "cache"));
}

/* --- overtaken -------------------------------------------------------------------------------------------------------- */

static void newer_push__waits_until_the_way_back_is_gone(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    (void)deploy(world, "c2", two, 2);
    play_phase(world, "2", PHASE_PLAN);
    play_step(world, "2.apply.database");
    (void)world_command(world, "deploy", "dev", "{\"ref\":\"main\",\"commit\":\"c3\"}", "trigger:push", "push");
    assert_status(world, "3", "queued");
    fails(world, "2", "apply.server");
    assert_status(world, "2", "rolling back");
    assert_status(world, "3", "queued");
    assert_non_null(strstr(world_run(world, "3")->status_reason, "waits for run 4"));
    play_all(world, "4");
    assert_status(world, "2", "rolled back");
    play_all(world, "3");
    assert_status(world, "3", "done");
    assert_string_equal(dev(world)->commit, "c3");
}

static void newer_deploy__ends_a_way_back_that_nobody_answered(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    (void)deploy(world, "c2", three, 3);
    play_all(world, "2");
    assert_int_equal(dev(world)->release, 2);
    (void)deploy(world, "c3", only_server, 1);
    play_phase(world, "3", PHASE_PLAN);
    fails(world, "3", "apply.server");
    assert_status(world, "3", "rolling back");
    play_step(world, "4.prepare.main"); /* database and server: the cache would go, which run 2 made */
    play_phase(world, "4", PHASE_PLAN);
    assert_status(world, "4", "at the gate");
    assert_int_equal(play_command(world, "deploy", "dev", ""), COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), "did this and failed: run 4 goes back, and is at the gate"));
    release(world, "c5");
    assert_status(world, "4", "superseded");
    assert_status(world, "3", "superseded");
}

static void rollback__asks_before_it_takes_what_the_failed_run_only_found(void **state)
{
    struct world *world = *state;
    const struct step *step;

    release(world, "c1");
    world_pass(world, MS_MINUTE);
    (void)deploy(world, "c2", three, 3);
    play_step(world, "2.plan.database");
    play_step(world, "2.plan.server");
    assert_true(world_claim(world, "2.plan.cache")); /* it is there already, and was never recorded */
    step = world_step(world, "2.plan.cache");
    world_result(world, step, STEP_DONE, play_plan(world, "update", "d1"), ERROR_NONE, step->token, step->epoch);
    play_step(world, "2.apply.cache");
    fails(world, "2", "apply.database");
    play_all(world, "3");
    assert_status(world, "3", "at the gate");
    assert_non_null(strstr(world_run(world, "3")->status_reason, "destroy cache, which run 2 did not create"));
}

/* Its row is older than the failed run, whatever that had planned. */
static void rollback__asks_before_it_takes_what_was_recorded_before(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    (void)deploy(world, "c2", three, 3); /* makes a cache, and is stopped */
    play_phase(world, "2", PHASE_PLAN);
    play_step(world, "2.apply.cache");
    assert_int_equal(play_command(world, "cancel", "2", ""), COMMAND_DONE);
    world_pass(world, MS_MINUTE);
    (void)deploy(world, "c3", three, 3);
    play_step(world, "3.plan.database");
    play_step(world, "3.plan.server");
    play_ends(world, "3.plan.cache", STEP_DONE, play_plan(world, "create", "d1"), ERROR_NONE); /* somebody removed it */
    fails(world, "3", "apply.database");
    play_all(world, "4");
    assert_status(world, "4", "at the gate");
    assert_non_null(strstr(world_run(world, "4")->status_reason, "destroy cache, which run 3 did not create"));
}

static void rollback__asks_before_it_takes_what_the_failed_run_imported(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    world_pass(world, MS_MINUTE);
    (void)deploy(world, "c2", three, 3);
    play_step(world, "2.plan.database");
    play_step(world, "2.plan.server");
    play_ends(world, "2.plan.cache", STEP_DONE,
              "{\"action\":\"create\",\"summary\":\"\",\"reason\":\"\",\"spec_digest\":\"d1\","
              "\"changes\":[{\"path\":\"x\",\"action\":\"none\",\"imports\":\"id-7\"}]}",
              ERROR_NONE);
    play_step(world, "2.apply.cache");
    fails(world, "2", "apply.database");
    play_all(world, "3");
    assert_status(world, "3", "at the gate");
    assert_non_null(strstr(world_run(world, "3")->status_reason, "destroy cache, which run 2 did not create"));
}

/* It goes before whoever waits, not over who has begun. */
static void rollback__waits_for_who_changes_the_environment(void **state)
{
    struct world *world = *state;
    struct environment locked;
    struct run answer, other;

    release(world, "c1");
    (void)deploy_that_fails(world, "c2");
    answer = *world_run(world, "3");
    answer.status = RUN_QUEUED;
    answer.status_reason = "waits for a slot";
    other = *world_run(world, "1");
    other.id = "9";
    other.number = 9;
    other.commit = "c9";
    other.status = RUN_APPLYING;
    other.applying_at = world->now;
    locked = *dev(world);
    locked.lock_run = "9";
    locked.status = ENVIRONMENT_DEPLOYING;
    world_put(world, &run_type, &other);
    world_put(world, &run_type, &answer);
    world_put(world, &environment_type, &locked);
    vec_push(&world->due, "3");
    world_settle(world);
    assert_status(world, "3", "queued");
    assert_string_equal(world_run(world, "3")->status_reason, "waits for run 9, which is applying");
    other.status = RUN_CANCELLED;
    locked.lock_run = "";
    locked.status = ENVIRONMENT_FAILED;
    world_put(world, &run_type, &other);
    world_put(world, &environment_type, &locked);
    vec_push(&world->due, "3");
    world_settle(world);
    assert_status(world, "3", "preparing");
}

static void rollback__to_other_inputs_of_a_commit_does_not_exclude_it(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    world_push(world, "main", "c1");
    assert_int_equal(play_command(world, "deploy", "dev", "{\"with\":[\"a=1\"]}"), COMMAND_ACCEPTED);
    play_step(world, "2.prepare.main");
    play_phase(world, "2", PHASE_PLAN);
    fails(world, "2", "apply.database");
    assert_status(world, "2", "rolling back");
    assert_string_equal(dev(world)->excluded_commit, "c1");
    play_all(world, "3");
    assert_status(world, "2", "rolled back");
    assert_string_equal(dev(world)->excluded_commit, "");
}

static void rollback__excludes_nothing_that_a_person_has_lifted_meanwhile(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    (void)deploy_that_fails(world, "c2");
    assert_int_equal(play_command(world, "unhold", "dev", ""), COMMAND_DONE);
    play_all(world, "3");
    assert_status(world, "2", "rolled back");
    assert_string_equal(dev(world)->excluded_commit, "");
}

static void rollback__of_a_destroyed_environment_makes_it_not_anew(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    (void)deploy_that_fails(world, "c2");
    assert_status(world, "3", "preparing");
    assert_int_equal(play_command(world, "destroy", "dev", "{\"confirm\":\"dev\"}"), COMMAND_ACCEPTED);
    assert_int_equal(play_command(world, "rollback", "dev", "{\"to\":\"v1\"}"), COMMAND_REFUSED);
    world_put(world, &environment_type,
              &(struct environment){.id = dev(world)->id,
                                    .name = "dev",
                                    .slug = "dev",
                                    .entry = "dev",
                                    .status = ENVIRONMENT_DESTROYED,
                                    .destroyed_at = world->now});
    while (world->resources.count > 0)
        world->resources.count--;
    vec_push(&world->due, "3");
    world_settle(world);
    assert_status(world, "3", "superseded");
}

static void rollback__that_is_retried_keeps_the_bad_commit_out(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    (void)deploy_that_fails(world, "c2");
    play_step(world, "3.prepare.main");
    play_phase(world, "3", PHASE_PLAN);
    fails(world, "3", "apply.database");
    assert_status(world, "2", "failed");
    assert_int_equal(play_command(world, "retry", "3", ""), COMMAND_DONE);
    play_all(world, "3");
    assert_string_equal(dev(world)->excluded_commit, "c2");
    assert_int_equal(play_command(world, "rollback", "dev", "{\"to\":\"v1\"}"), COMMAND_REFUSED);
    assert_string_equal(dev(world)->excluded_commit, "c2");
}

/* --- by hand ---------------------------------------------------------------------------------------------------------- */

static void by_hand__goes_to_the_release_before_and_judges_the_newer(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    release(world, "c2");
    release(world, "c3");
    assert_int_equal(play_command(world, "rollback", "dev", ""), COMMAND_ACCEPTED);
    play_all(world, "4");
    assert_status(world, "4", "done");
    assert_int_equal(dev(world)->release, 2);
    assert_string_equal(verdict(world, 3), "rolled back");
    assert_string_equal(dev(world)->excluded_commit, "c3");
    assert_int_equal(play_command(world, "rollback", "dev", ""),
                     COMMAND_ACCEPTED); /* a roll-back of a roll-back: further back */
    play_all(world, "5");
    assert_int_equal(dev(world)->release, 1);
    assert_int_equal(play_command(world, "rollback", "dev", ""), COMMAND_REFUSED); /* and there it ends */
    assert_int_equal(play_command(world, "rollback", "dev", "{\"to\":\"v3\"}"),
                     COMMAND_ACCEPTED); /* or forward by name */
    play_all(world, "6");
    assert_int_equal(dev(world)->release, 3);
    assert_string_equal(verdict(world, 3), "good");
}

static void by_hand__after_a_deploy_that_was_stopped_it_goes_to_the_release_it_has(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    release(world, "c2");
    (void)deploy(world, "c3", two, 2);
    play_phase(world, "3", PHASE_PLAN);
    play_step(world, "3.apply.database");
    assert_int_equal(play_command(world, "cancel", "3", ""), COMMAND_DONE);
    assert_status(world, "3", "cancelled");
    assert_int_equal(play_command(world, "rollback", "dev", ""), COMMAND_ACCEPTED);
    assert_string_equal(world_run(world, "4")->commit, "c2");
    play_all(world, "4");
    assert_int_equal(dev(world)->release, 2);
    assert_string_equal(verdict(world, 2), "good");
}

static void by_hand__names_what_is_wrong(void **state)
{
    struct world *world = *state;

    assert_int_equal(play_command(world, "rollback", "dev", ""), COMMAND_REFUSED);
    release(world, "c1");
    assert_int_equal(play_command(world, "rollback", "dev", "{\"to\":\"v9\"}"), COMMAND_REFUSED);
    assert_string_equal(world_answer(world), "'dev' has no release 'v9'");
    assert_int_equal(play_command(world, "rollback", "dev", "{\"to\":\"v1\"}"), COMMAND_REFUSED);
    assert_string_equal(world_answer(world), "'dev' is at v1");
    assert_int_equal(world_command(world, "rollback", "dev", "", "uid:7", "cli")->status, COMMAND_REFUSED);
}

static void by_hand__a_newer_release_takes_the_next_number(void **state)
{
    struct world *world = *state;

    release(world, "c1");
    release(world, "c2");
    assert_int_equal(play_command(world, "rollback", "dev", ""), COMMAND_ACCEPTED);
    play_all(world, "3");
    release(world, "c3");
    assert_int_equal(dev(world)->release, 3);
    assert_string_equal(dev(world)->excluded_commit, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(failure__goes_back_to_the_last_good_release),
        TEST(failure__of_a_check_goes_back_too),
        TEST(failure__without_a_good_release_is_held_and_says_so),
        TEST(failure__of_the_very_release_is_held),
        TEST(rolled_back_commit__is_not_deployed_by_itself_again),
        TEST(rollback__that_fails_is_held_and_nothing_answers_it),
        TEST(rollback__that_cannot_be_planned_leaves_the_failed_run_to_a_person),
        TEST(rollback__that_takes_away_what_was_there_before_asks),
        TEST(rollback__of_what_an_older_run_left_asks),
        TEST(rollback__takes_what_only_the_failed_run_made),
        TEST(rollback__brings_back_what_the_failed_commit_lost),
        TEST(rollback__undoes_a_new_name),
        TEST(rollback__gives_back_the_count_that_a_bad_commit_cut),
        TEST(rollback__that_a_resource_refuses_is_held_until_it_goes),
        TEST(newer_push__waits_until_the_way_back_is_gone),
        TEST(newer_deploy__ends_a_way_back_that_nobody_answered),
        TEST(rollback__asks_before_it_takes_what_the_failed_run_only_found),
        TEST(rollback__asks_before_it_takes_what_was_recorded_before),
        TEST(rollback__asks_before_it_takes_what_the_failed_run_imported),
        TEST(rollback__takes_the_inner_parts_that_only_the_failed_run_made),
        TEST(rollback__asks_before_it_takes_another_inner_part),
        TEST(rollback__asks_before_it_takes_an_inner_part_that_nobody_saw_come),
        TEST(rollback__asks_before_it_takes_an_inner_part_that_was_there),
        TEST(rollback__asks_before_it_takes_an_inner_part_that_was_imported),
        TEST(rollback__asks_before_it_takes_what_an_inner_part_was),
        TEST(rollback__asks_before_it_replaces_what_says_nothing_of_its_parts),
        TEST(rollback__waits_for_who_changes_the_environment),
        TEST(rollback__to_other_inputs_of_a_commit_does_not_exclude_it),
        TEST(rollback__excludes_nothing_that_a_person_has_lifted_meanwhile),
        TEST(rollback__of_a_destroyed_environment_makes_it_not_anew),
        TEST(rollback__that_is_retried_keeps_the_bad_commit_out),
        TEST(by_hand__goes_to_the_release_before_and_judges_the_newer),
        TEST(by_hand__after_a_deploy_that_was_stopped_it_goes_to_the_release_it_has),
        TEST(by_hand__names_what_is_wrong),
        TEST(by_hand__a_newer_release_takes_the_next_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
