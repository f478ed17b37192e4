/* SPDX-License-Identifier: ISC */
/* What becomes of an environment's row and of commands: its entry goes, its branch changes, a plan leaves nothing, a command ends with its run. */
#include "play.h"

#include "berth/base/str.h"
#include "berth/base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static int set_up(void **state)
{
    static const char *const pushes[] = {"feature/x", "c1", "feature/y", "y1", "fix/y", "f1", "main", "m1", NULL};

    return play_begin(state, play_yaml, pushes);
}

static int tear_down(void **state)
{
    return play_end(state);
}

/* --- shorthand ---------------------------------------------------------------------------------------------------- */

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

static void look_again(struct world *world, const char *run)
{
    vec_push(&world->due, run);
    world_settle(world);
}

static void entry_gone__gate_that_asked_for_an_approval_does_not_open_without(void **state)
{
    struct world *world = *state;

    play_deploy(world, "main");
    play_all(world, "1");
    assert_status(world, "1", "at the gate");
    play_policy(world, without_staging);
    look_again(world, "1");
    assert_status(world, "1", "at the gate");
    (void)play_approve(world, "1");
    assert_status(world, "1", "at the gate");
    assert_non_null(strstr(world_run(world, "1")->status_reason, "no entry of berth.yaml makes staging any more"));
}

static void entry_gone__deploy_with_nothing_to_do_runs_no_checks(void **state)
{
    struct world *world = *state;
    const struct step *step;

    play_deploy(world, "main");
    play_all(world, "1");
    assert_int_equal(play_approve(world, "1"), COMMAND_DONE);
    play_all(world, "1");
    assert_status(world, "1", "done");
    world_push(world, "main", "m2");
    play_deploy(world, "main");
    play_step(world, "2.prepare.main");
    play_policy(world, without_staging);
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

    play_deploy(world, "main");
    play_all(world, "1");
    assert_int_equal(play_approve(world, "1"), COMMAND_DONE);
    play_all(world, "1");
    play_policy(world, without_staging);
    assert_int_equal(play_command(world, "deploy", "staging", "{\"ref\":\"main\"}"), COMMAND_REFUSED);
    assert_int_equal(play_command(world, "destroy", "staging", "{\"confirm\":\"staging\"}"), COMMAND_ACCEPTED);
    play_all(world, "2");
    assert_status(world, "2", "done");
    assert_null(world_environment(world, "staging"));
}

/* --- whose it is ------------------------------------------------------------------------------------------------------ */

static void branch__is_the_one_that_is_deployed_now(void **state)
{
    struct world *world = *state;
    struct branch gone;

    play_deploy(world, "feature/x");
    play_all(world, "1");
    assert_string_equal(world_environment(world, "dev")->branch, "feature/x");
    assert_int_equal(play_command(world, "deploy", "dev", "{\"ref\":\"feature/y\"}"), COMMAND_ACCEPTED);
    play_step(world, "2.prepare.main");
    assert_string_equal(world_environment(world, "dev")->branch, "feature/x"); /* wanted, and not there yet */
    play_all(world, "2");
    assert_status(world, "2", "done");
    assert_string_equal(world_environment(world, "dev")->branch, "feature/y");
    gone = (struct branch){
        .id = "app:feature/x", .repository = "app", .name = "feature/x", .commit = "c1", .gone_at = world->now};
    world_put(world, &branch_type, &gone);
    assert_int_equal(play_command(world, "plan", "feature/x", ""), COMMAND_ACCEPTED);
    play_all(world, "3");
    assert_string_equal(world_environment(world, "dev")->branch, "feature/y");
    assert_int_equal(play_command(world, "deploy", "dev", "{\"ref\":\"feature/x\"}"), COMMAND_ACCEPTED);
    play_all(world, "4");
    assert_string_equal(world_environment(world, "dev")->branch, "feature/x");
    assert_true(world_environment(world, "dev")->marks & MARK_BRANCH_GONE);
    assert_int_equal(play_command(world, "deploy", "dev", "{\"ref\":\"feature/y\"}"), COMMAND_ACCEPTED);
    play_all(world, "5");
    assert_false(world_environment(world, "dev")->marks & MARK_BRANCH_GONE);
}

static void branch__is_known_when_the_gate_is_answered_by_the_environments_name(void **state)
{
    struct world *world = *state;

    struct branch gone = {.id = "app:main", .repository = "app", .name = "main", .commit = "m1", .gone_at = world->now};

    play_deploy(world, "main");
    play_all(world, "1");
    world_put(world, &branch_type, &gone);
    assert_int_equal(play_command(world, "approve", "staging",
                                  arena_printf(&world->arena, "{\"digest\":\"%s\"}", world_run(world, "1")->digest)),
                     COMMAND_DONE);
    assert_status(world, "1", "applying");
    assert_string_equal(world_environment(world, "staging")->branch, "main");
    assert_true(world_environment(world, "staging")->marks & MARK_BRANCH_GONE);
}

/* --- what was never deployed ------------------------------------------------------------------------------------------ */

static void plan__of_what_was_never_deployed_leaves_no_environment(void **state)
{
    struct world *world = *state;

    assert_int_equal(play_command(world, "plan", "feature/x", ""), COMMAND_ACCEPTED);
    play_step(world, "1.prepare.main");
    assert_int_equal(world_environment(world, "dev")->status, ENVIRONMENT_ABSENT);
    play_all(world, "1");
    assert_status(world, "1", "done");
    assert_null(world_environment(world, "dev"));
    assert_int_equal(world->environments.count, 0);
    assert_int_equal(world->groups.count, 0);
    assert_string_equal(world_run(world, "1")->environment, "");
    play_deploy(world, "feature/x");
    play_all(world, "2");
    assert_int_equal(world_environment(world, "dev")->status, ENVIRONMENT_OK);
}

static void plan__beside_a_deploy_that_waits_keeps_the_row(void **state)
{
    struct world *world = *state;

    play_deploy(world, "main");
    play_all(world, "1");
    assert_int_equal(play_command(world, "plan", "staging", "{\"ref\":\"main\",\"with\":[\"a=1\"]}"), COMMAND_ACCEPTED);
    play_all(world, "2");
    assert_status(world, "2", "done");
    assert_non_null(world_environment(world, "staging"));
    assert_int_equal(play_command(world, "reject", "1", ""), COMMAND_DONE);
    assert_null(world_environment(world, "staging"));
}

static void plan__that_failed_is_retried_with_a_row_of_its_own(void **state)
{
    struct world *world = *state;

    assert_int_equal(play_command(world, "plan", "feature/x", ""), COMMAND_ACCEPTED);
    play_step(world, "1.prepare.main");
    play_ends(world, "1.plan.database", STEP_FAILED, "", ERROR_TOOL);
    play_all(world, "1");
    assert_status(world, "1", "failed");
    assert_null(world_environment(world, "dev"));
    assert_int_equal(play_command(world, "retry", "1", ""), COMMAND_DONE);
    assert_status(world, "1", "preparing");
    play_all(world, "1");
    assert_status(world, "1", "done");
    assert_null(world_environment(world, "dev"));
}

static void plan__of_what_somebody_holds_keeps_the_row(void **state)
{
    struct world *world = *state;

    assert_int_equal(play_command(world, "plan", "feature/x", ""), COMMAND_ACCEPTED);
    play_step(world, "1.prepare.main");
    assert_int_equal(play_command(world, "hold", "dev", ""), COMMAND_DONE);
    play_all(world, "1");
    assert_non_null(world_environment(world, "dev"));
}

static const char plans_pushes[] =
    "version: 1\n"
    "workspace: shop\n"
    "repositories: { app: { provider: git, url: . } }\n"
    "targets: { here: { provider: local } }\n"
    "environments:\n"
    "  - name: dev\n"
    "    tier: dev\n"
    "    source: { branches: [\"feature/**\", main] }\n"
    "    templates: [shop]\n"
    "    target: here\n"
    "    plan_on: [push]\n"
    "    gate: { approvals: 2 }\n"
    "limits: { runs: 1 }\n"
    "notify: [ { provider: webhook, url: \"http://127.0.0.1:9/\", events: [planned] } ]\n";

static int pushed(struct world *world, const char *verb, const char *branch, const char *commit)
{
    world_push(world, branch, commit);
    return world_command(world, verb, "dev",
                         arena_printf(&world->arena, "{\"ref\":\"%s\",\"commit\":\"%s\"}", branch, commit),
                         "trigger:push", "push")
        ->status;
}

static void plan__of_a_push_takes_the_place_of_an_older_one_that_has_not_begun(void **state)
{
    struct world *world = *state;

    play_policy(world, plans_pushes);
    assert_int_equal(pushed(world, "plan", "feature/x", "c1"), COMMAND_ACCEPTED);
    assert_int_equal(pushed(world, "plan", "feature/x", "c2"), COMMAND_ACCEPTED);
    assert_int_equal(pushed(world, "plan", "feature/y", "y2"), COMMAND_ACCEPTED);
    assert_int_equal(play_command(world, "plan", "dev", "{\"ref\":\"feature/x\",\"with\":[\"a=1\"]}"),
                     COMMAND_ACCEPTED);
    assert_int_equal(pushed(world, "plan", "feature/x", "c3"), COMMAND_ACCEPTED);
    assert_status(world, "1", "preparing"); /* it has begun */
    assert_status(world, "2", "superseded");
    assert_string_equal(world_run(world, "2")->status_reason, "superseded by run 5");
    assert_status(world, "3", "queued"); /* another branch */
    assert_status(world, "4", "queued"); /* a person asked */
    assert_status(world, "5", "queued");
    play_all(world, "1");
    assert_status(world, "1", "done"); /* no gate */
    assert_string_equal(world_run(world, "1")->status_reason, "planned: 2 to create");
    assert_int_equal(world_delivered(world, "planned"), 1);
    assert_int_equal(pushed(world, "deploy", "feature/x", "c3"), COMMAND_REFUSED);
}

/* --- how far back ------------------------------------------------------------------------------------------------------- */

static void retry__knows_who_applied_last_behind_many_plans(void **state)
{
    struct world *world = *state;

    play_deploy(world, "feature/x");
    play_step(world, "1.prepare.main");
    play_step(world, "1.plan.database");
    play_step(world, "1.plan.server");
    play_ends(world, "1.apply.database", STEP_FAILED, "", ERROR_TOOL);
    assert_status(world, "1", "held");
    for (int i = 0; i < 60; i++) {
        assert_int_equal(play_command(world, "plan", "feature/x", ""), COMMAND_ACCEPTED);
        play_all(world, arena_printf(&world->arena, "%d", i + 2));
    }
    assert_int_equal(play_command(world, "retry", "1", ""), COMMAND_DONE);
    play_all(world, "1");
    assert_status(world, "1", "done");
}

/* --- how long it lives -------------------------------------------------------------------------------------------------- */

static const char lives[] = "version: 1\n"
                            "workspace: shop\n"
                            "repositories: { app: { provider: git, url: . } }\n"
                            "targets: { here: { provider: local } }\n"
                            "environments:\n"
                            "  - name: dev\n"
                            "    tier: dev\n"
                            "    source: { branches: [\"feature/**\"] }\n"
                            "    templates: [shop]\n"
                            "    target: here\n"
                            "    on_failure: rollback\n"
                            "    ttl: { default: 2d, max: 7d, from: last_push }\n";

static void life__counts_from_the_last_push_and_not_from_a_deploy(void **state)
{
    struct world *world = *state;
    int64_t created, pushed;

    play_policy(world, lives);
    world->now += MS_DAY; /* the branch is a day old */
    play_deploy(world, "feature/x");
    play_all(world, "1");
    created = world_environment(world, "dev")->created_at;
    assert_int_equal(world_environment(world, "dev")->planned_destruction_at, created + 2 * MS_DAY);
    world_pass(world, MS_HOUR);
    assert_int_equal(play_command(world, "deploy", "dev", "{\"with\":[\"a=1\"]}"), COMMAND_ACCEPTED);
    play_all(world, "2");
    assert_status(world, "2", "done");
    assert_int_equal(world_environment(world, "dev")->planned_destruction_at, created + 2 * MS_DAY);
    world_push(world, "feature/x", "c2");
    pushed = world->now;
    world_pass(world, MS_HOUR);
    play_deploy(world, "feature/x");
    play_all(world, "3");
    assert_int_equal(world_environment(world, "dev")->planned_destruction_at, pushed + 2 * MS_DAY);
}

static void life__from_the_last_use_goes_on_with_what_a_person_does(void **state)
{
    struct world *world = *state;
    char *yaml = mem_strdup(lives);
    int64_t deployed;

    memcpy(strstr(yaml, "last_push"), "last_use ", strlen("last_use "));
    play_policy(world, yaml);
    free(yaml);
    play_deploy(world, "feature/x");
    play_all(world, "1");
    deployed = world->now;
    assert_string_equal(world_environment(world, "dev")->used_by, "run 1");
    assert_int_equal(world_environment(world, "dev")->planned_destruction_at, deployed + 2 * MS_DAY);
    world_pass(world, MS_HOUR);
    world_push(world, "feature/x", "c2"); /* a push alone is no use */
    assert_int_equal(world_environment(world, "dev")->used_at, deployed);
    assert_int_equal(play_command(world, "plan", "dev", ""), COMMAND_ACCEPTED);
    assert_int_equal(world_environment(world, "dev")->planned_destruction_at, deployed + MS_HOUR + 2 * MS_DAY);
    assert_string_equal(world_environment(world, "dev")->used_by, "plan by uid:1000");
    play_all(world, "2");
    assert_int_equal(play_command(world, "extend", "dev", "{\"by\":\"3d\"}"), COMMAND_DONE);
    assert_int_equal(world_environment(world, "dev")->planned_destruction_at, deployed + MS_HOUR + 5 * MS_DAY);
    world_pass(world, MS_DAY);
    assert_int_equal(play_command(world, "plan", "dev", "{\"with\":[\"a=1\"]}"), COMMAND_ACCEPTED);
    assert_int_equal(world_environment(world, "dev")->used_at, world->now);
    assert_int_equal(world_environment(world, "dev")->planned_destruction_at,
                     deployed + MS_HOUR + 6 * MS_DAY); /* what was given stays on top */
    assert_int_equal(play_command(world, "extend", "dev", "{\"by\":\"3d\"}"), COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), "'dev' may live until "));
    assert_non_null(strstr(world_answer(world), " at the latest: ttl.max is 7d from last_use (berth.yaml:"));
    assert_int_equal(play_command(world, "extend", "dev", "{\"by\":\"2d\"}"), COMMAND_DONE); /* exactly that */
    world_pass(world, MS_HOUR);
    assert_int_equal(play_command(world, "plan", "dev", "{\"with\":[\"a=2\"]}"), COMMAND_ACCEPTED);
    assert_int_equal(world_environment(world, "dev")->planned_destruction_at, world->now + 7 * MS_DAY);
    assert_int_equal(play_command(world, "protect", "dev", ""), COMMAND_DONE);
    assert_string_equal(world_environment(world, "dev")->used_by, "plan by uid:1000");
}

static void life__from_the_beginning_is_not_extended_beyond_its_longest(void **state)
{
    struct world *world = *state;
    char *yaml = mem_strdup(lives);
    int64_t created;

    memcpy(strstr(yaml, "last_push"), "created  ", strlen("created  "));
    play_policy(world, yaml);
    free(yaml);
    play_deploy(world, "feature/x");
    play_all(world, "1");
    created = world_environment(world, "dev")->created_at;
    world_pass(world, MS_DAY);
    assert_int_equal(play_command(world, "extend", "dev", "{\"by\":\"6d\"}"), COMMAND_REFUSED);
    assert_int_equal(play_command(world, "extend", "dev", "{\"by\":\"5d\"}"), COMMAND_DONE);
    assert_int_equal(world_environment(world, "dev")->planned_destruction_at, created + 7 * MS_DAY);
    assert_int_equal(play_command(world, "deploy", "dev", "{\"with\":[\"a=1\"],\"ttl\":\"7d\"}"), COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), " at the latest: ttl.max is 7d from created"));
    assert_int_equal(play_command(world, "extend", "dev", "{\"by\":\"1m\"}"), COMMAND_REFUSED);
    assert_int_equal(world_environment(world, "dev")->planned_destruction_at, created + 7 * MS_DAY);
}

static void life__that_a_deploy_asked_for_is_known_as_that(void **state)
{
    struct world *world = *state;

    play_policy(world, lives);
    assert_int_equal(play_command(world, "deploy", "feature/x", "{\"ttl\":\"1h\"}"), COMMAND_ACCEPTED);
    play_all(world, "1");
    assert_int_equal(world_environment(world, "dev")->planned_destruction_at, world->now + MS_HOUR);
    assert_int_equal(world_environment(world, "dev")->given_until, world->now + MS_HOUR);
    assert_int_equal(play_command(world, "extend", "dev", "{\"by\":\"1h\"}"), COMMAND_DONE);
    assert_int_equal(world_environment(world, "dev")->given_until, world->now + 2 * MS_HOUR);
    world_clean(world, WORLD_STEADY);
    assert_string_equal(world_environment(world, "dev")->ends_why, "ttl, as its deploy asked");
}

static void rollback__without_a_release_says_so(void **state)
{
    struct world *world = *state;

    play_policy(world, lives);
    play_deploy(world, "feature/x");
    play_step(world, "1.prepare.main");
    play_step(world, "1.plan.database");
    play_step(world, "1.plan.server");
    play_ends(world, "1.apply.database", STEP_FAILED, "", ERROR_TOOL);
    assert_status(world, "1", "held");
    assert_non_null(
        strstr(world_run(world, "1")->status_reason, "nothing to roll back to: no release of it was validated yet"));
    assert_true(world_environment(world, "dev")->planned_destruction_at > 0);
}

/* --- slots -------------------------------------------------------------------------------------------------------------- */

static void limit__holds_back_an_approved_gate_too(void **state)
{
    struct world *world = *state;

    play_deploy(world, "main"); /* at its gate it has no slot */
    play_all(world, "1");
    play_deploy(world, "feature/x");
    play_deploy(world, "fix/y");
    assert_int_equal(play_approve(world, "1"), COMMAND_DONE);
    assert_status(world, "1", "at the gate");
    assert_string_equal(world_run(world, "1")->status_reason,
                        "waits for a slot: 2 of 2 runs are at work (limits.runs), 0 wait before it");
    assert_string_equal(world_environment(world, "staging")->lock_run, "");
    play_all(world, "2");
    assert_status(world, "2", "done");
    assert_status(world, "1", "applying");
}

static void queue__says_how_many_are_before_and_is_cancelled(void **state)
{
    struct world *world = *state;

    play_deploy(world, "feature/x");
    play_deploy(world, "fix/y");
    play_deploy(world, "main");
    assert_int_equal(play_command(world, "plan", "feature/y", ""), COMMAND_ACCEPTED);
    assert_status(world, "3", "queued");
    assert_non_null(strstr(world_run(world, "3")->status_reason, "2 of 2 runs are at work (limits.runs), 0 wait"));
    assert_non_null(strstr(world_run(world, "4")->status_reason, "1 waits before it"));
    assert_int_equal(play_command(world, "cancel", "3", ""), COMMAND_DONE);
    assert_status(world, "3", "cancelled");
    play_all(world, "1");
    assert_status(world, "4", "preparing");
}

static const char divided[] =
    "version: 1\n"
    "workspace: shop\n"
    "repositories: { app: { provider: git, url: . } }\n"
    "targets: { here: { provider: local }, there: { provider: local } }\n"
    "environments:\n"
    "  - name: \"review/${{ branch.slug }}\"\n"
    "    tier: review\n"
    "    source: { branches: [\"feature/**\", \"more/**\"] }\n"
    "    templates: [shop]\n"
    "    target: here\n"
    "  - name: staging\n"
    "    tier: staging\n"
    "    source: { branches: [main] }\n"
    "    templates: [shop]\n"
    "    target: there\n"
    "limits: { runs: 8, per_target: { there: { runs: 1 } }, per_tier: { review: { runs: 1 } },\n"
    "          environments: { review: 2 } }\n";

static void limit__of_a_tier_holds_its_runs_and_no_others(void **state)
{
    struct world *world = *state;

    play_policy(world, divided);
    play_deploy(world, "feature/x");
    play_deploy(world, "feature/y");
    play_deploy(world, "main");
    assert_status(world, "1", "preparing");
    assert_status(world, "2", "queued");
    assert_string_equal(world_run(world, "2")->status_reason,
                        "waits for a slot: 1 of 1 runs of tier review (limits.per_tier, berth.yaml:16)");
    assert_status(world, "3", "preparing");
    play_all(world, "3");
    assert_status(world, "3", "done");
    assert_status(world, "2", "queued");
    play_all(world, "1");
    assert_status(world, "2", "preparing");
    assert_int_equal(play_command(world, "plan", "staging", "{\"with\":[\"a=1\"]}"), COMMAND_ACCEPTED);
    assert_int_equal(play_command(world, "plan", "staging", "{\"with\":[\"a=2\"]}"), COMMAND_ACCEPTED);
    assert_status(world, "4", "preparing");
    assert_string_equal(world_run(world, "5")->status_reason,
                        "waits for a slot: 1 of 1 runs on target there (limits.per_target, berth.yaml:16)");
}

static void limit__of_a_tier_lets_those_who_wait_go_in_their_order(void **state)
{
    struct world *world = *state;

    play_policy(world, divided);
    play_deploy(world, "feature/x");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(
            play_command(world, "plan", "feature/y", arena_printf(&world->arena, "{\"with\":[\"a=%zu\"]}", i)),
            COMMAND_ACCEPTED);
    play_all(world, "1");
    assert_status(world, "2", "preparing");
    assert_status(world, "3", "queued");
    play_all(world, "2");
    assert_status(world, "3", "preparing");
    assert_status(world, "4", "queued");
}

static void limit__of_environments_refuses_one_more_of_the_tier(void **state)
{
    struct world *world = *state;

    play_policy(world, divided);
    play_deploy(world, "feature/x");
    play_all(world, "1");
    assert_int_equal(play_command(world, "plan", "feature/y", ""), COMMAND_ACCEPTED); /* leaves none */
    play_all(world, "2");
    play_deploy(world, "feature/y");
    world_push(world, "more/z", "z1");
    assert_int_equal(play_command(world, "deploy", "more/z", ""), COMMAND_REFUSED); /* one is there, one on its way */
    assert_string_equal(world_answer(world),
                        "tier review has 2 of 2 environments (limits.environments, berth.yaml:17)");
    play_all(world, "3");
    world_push(world, "feature/x", "c2");
    play_deploy(world, "feature/x"); /* is there already */
    play_all(world, "4");
    play_deploy(world, "main");
    assert_int_equal(
        play_command(world, "destroy", world_run(world, "1")->environment_name,
                     arena_printf(&world->arena, "{\"confirm\":\"%s\"}", world_run(world, "1")->environment_name)),
        COMMAND_ACCEPTED);
    play_all(world, "6");
    play_deploy(world, "more/z");
}

/* --- how a command ends --------------------------------------------------------------------------------------------------- */

static int status_of_command(struct world *world, const char *run)
{
    const struct command *row = world_command_row(world, world_run(world, run)->command);

    assert_non_null(row);
    return row->status;
}

static void command__ends_with_the_run_it_started(void **state)
{
    struct world *world = *state;

    play_deploy(world, "feature/x");
    assert_int_equal(status_of_command(world, "1"), COMMAND_ACCEPTED);
    play_all(world, "1");
    assert_int_equal(status_of_command(world, "1"), COMMAND_DONE);
    play_deploy(world, "main");
    play_all(world, "2");
    assert_int_equal(status_of_command(world, "2"), COMMAND_ACCEPTED);
    assert_int_equal(play_command(world, "reject", "2", ""), COMMAND_DONE);
    assert_int_equal(status_of_command(world, "2"), COMMAND_FAILED);
    world_push(world, "feature/x", "c2");
    play_deploy(world, "feature/x");
    play_step(world, "3.prepare.main");
    play_ends(world, "3.plan.database", STEP_FAILED, "", ERROR_TOOL);
    play_all(world, "3");
    assert_int_equal(status_of_command(world, "3"), COMMAND_FAILED);
    assert_int_equal(play_command(world, "retry", "3", ""), COMMAND_DONE);
    assert_int_equal(status_of_command(world, "3"), COMMAND_ACCEPTED);
    play_all(world, "3");
    assert_int_equal(status_of_command(world, "3"), COMMAND_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entry_gone__gate_that_asked_for_an_approval_does_not_open_without),
        TEST(entry_gone__deploy_with_nothing_to_do_runs_no_checks),
        TEST(entry_gone__what_is_there_can_be_destroyed),
        TEST(branch__is_the_one_that_is_deployed_now),
        TEST(branch__is_known_when_the_gate_is_answered_by_the_environments_name),
        TEST(plan__of_what_was_never_deployed_leaves_no_environment),
        TEST(plan__beside_a_deploy_that_waits_keeps_the_row),
        TEST(plan__that_failed_is_retried_with_a_row_of_its_own),
        TEST(plan__of_what_somebody_holds_keeps_the_row),
        TEST(plan__of_a_push_takes_the_place_of_an_older_one_that_has_not_begun),
        TEST(retry__knows_who_applied_last_behind_many_plans),
        TEST(life__counts_from_the_last_push_and_not_from_a_deploy),
        TEST(life__from_the_last_use_goes_on_with_what_a_person_does),
        TEST(life__from_the_beginning_is_not_extended_beyond_its_longest),
        TEST(life__that_a_deploy_asked_for_is_known_as_that),
        TEST(rollback__without_a_release_says_so),
        TEST(limit__holds_back_an_approved_gate_too),
        TEST(queue__says_how_many_are_before_and_is_cancelled),
        TEST(limit__of_a_tier_holds_its_runs_and_no_others),
        TEST(limit__of_a_tier_lets_those_who_wait_go_in_their_order),
        TEST(limit__of_environments_refuses_one_more_of_the_tier),
        TEST(command__ends_with_the_run_it_started),
    };
    return cmocka_run_group_tests_name("engine environments", tests, NULL, NULL);
}
