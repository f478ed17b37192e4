/* SPDX-License-Identifier: ISC */
/* What the edges promise, a sentence each, through a store; and the page that shows them. */
#include "play.h"

#include "berth/base/file.h"
#include "berth/base/str.h"
#include "berth/base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static int set_up(void **state)
{
    static const char *const pushes[] = {"feature/x", "c1", "fix/y", "f1", "main", "m1", NULL};

    return play_begin(state, play_yaml, pushes);
}

static int tear_down(void **state)
{
    return play_end(state);
}

/* --- shorthand ---------------------------------------------------------------------------------------------------- */

static void prepare(struct world *world, const char *run, const struct play_resource *resources, size_t count,
                    const char *checks)
{
    const char *step = arena_printf(&world->arena, "%s.prepare.main", run);

    assert_true(world_claim(world, step));
    world_result(world, world_step(world, step), STEP_DONE,
                 play_prepare(world, world_run(world, run)->environment_name, "c1", resources, count, checks),
                 ERROR_NONE, world_step(world, step)->token, world->epoch);
}

static int status_of(struct world *world, const char *step)
{
    const struct step *row = world_step(world, step);

    assert_non_null(row);
    return row->status;
}

static const struct play_resource chain[] = {{.name = "database"}, {.name = "server", .needs = "database"}};

/* --- steps ----------------------------------------------------------------------------------------------------------- */

static void apply__waits_for_what_it_needs(void **state)
{
    struct world *world = *state;

    play_deploy(world, "feature/x");
    prepare(world, "1", chain, 2, "");
    play_step(world, "1.plan.database");
    play_step(world, "1.plan.server");
    assert_int_equal(status_of(world, "1.apply.database"), STEP_READY);
    assert_int_equal(status_of(world, "1.apply.server"), STEP_WAITING);
    play_step(world, "1.apply.database");
    assert_int_equal(status_of(world, "1.apply.server"), STEP_READY);
}

static void apply__takes_the_status_over_from_the_probes(void **state)
{
    struct world *world = *state;
    struct resource seen;

    play_deploy(world, "feature/x");
    prepare(world, "1", chain, 1, "");
    play_all(world, "1");
    seen = *world_resource(world, "dev", "database");
    seen.status = RESOURCE_FAILED;
    seen.observed_by = "probes";
    world_put(world, &resource_type, &seen);
    world_push(world, "feature/x", "c2");
    play_deploy(world, "feature/x");
    prepare(world, "2", chain, 1, "");
    play_step(world, "2.plan.database");
    play_ends(world, "2.apply.database", STEP_FAILED, "", ERROR_TOOL);
    assert_int_equal(world_resource(world, "dev", "database")->status, RESOURCE_FAILED);
    assert_string_equal(world_resource(world, "dev", "database")->observed_by, "");
}

static void failure__skips_dependents_and_holds_with_the_evidence(void **state)
{
    struct world *world = *state;

    play_deploy(world, "feature/x");
    prepare(world, "1", chain, 2, "");
    play_step(world, "1.plan.database");
    play_step(world, "1.plan.server");
    play_ends(world, "1.apply.database", STEP_FAILED, "", ERROR_TOOL);
    assert_status(world, "1", "held");
    assert_int_equal(status_of(world, "1.apply.server"), STEP_SKIPPED);
    assert_int_equal(world_environment(world, "dev")->status, ENVIRONMENT_FAILED);
    assert_true(world_environment(world, "dev")->marks & MARK_HELD);
    assert_string_equal(world_environment(world, "dev")->lock_run, "");
    assert_int_equal(world_resource(world, "dev", "database")->status, RESOURCE_FAILED);
    assert_null(world_resource(world, "dev", "server"));
    assert_int_equal(world->holds.count, 1);
}

static void retry__goes_on_with_what_failed_and_repeats_nothing(void **state)
{
    struct world *world = *state;

    play_deploy(world, "feature/x");
    prepare(world, "1", chain, 2, "");
    play_step(world, "1.plan.database");
    play_step(world, "1.plan.server");
    play_step(world, "1.apply.database");
    play_ends(world, "1.apply.server", STEP_FAILED, "", ERROR_TOOL);
    assert_status(world, "1", "held");
    assert_int_equal(play_command(world, "retry", "1", ""), COMMAND_DONE);
    assert_int_equal(status_of(world, "1.apply.database"), STEP_DONE);
    play_step(world, "1.apply.server");
    assert_status(world, "1", "done");
    assert_int_equal(world_step(world, "1.apply.server")->attempt, 2);
    assert_int_equal(world->holds.count, 0);
}

static void retry__is_refused_when_another_run_changed_the_environment(void **state)
{
    struct world *world = *state;

    play_deploy(world, "feature/x");
    prepare(world, "1", chain, 2, "");
    play_step(world, "1.plan.database");
    play_step(world, "1.plan.server");
    play_ends(world, "1.apply.database", STEP_FAILED, "", ERROR_TOOL);
    world_push(world, "feature/x", "c2");
    play_deploy(world, "feature/x");
    play_all(world, "2");
    assert_status(world, "2", "done");
    assert_status(world, "1", "superseded");
    assert_int_equal(play_command(world, "retry", "1", ""), COMMAND_REFUSED);
}

static void attempts__come_back_after_their_backoff(void **state)
{
    static const struct play_resource twice[] = {{.name = "database", .attempts = 2, .repeatable = true}};
    struct world *world = *state;

    play_deploy(world, "feature/x");
    prepare(world, "1", twice, 1, "");
    play_step(world, "1.plan.database");
    play_ends(world, "1.apply.database", STEP_FAILED, "", ERROR_TOOL);
    assert_int_equal(status_of(world, "1.apply.database"), STEP_READY);
    assert_false(world_claim(world, "1.apply.database"));
    world_pass(world, MS_SECOND);
    play_step(world, "1.apply.database");
    assert_status(world, "1", "done");
}

static void attempts__do_not_wait_for_a_clock_that_went_back(void **state)
{
    static const struct play_resource twice[] = {{.name = "database", .attempts = 2, .repeatable = true}};
    struct world *world = *state;

    play_deploy(world, "feature/x");
    prepare(world, "1", twice, 1, "");
    play_step(world, "1.plan.database");
    play_ends(world, "1.apply.database", STEP_FAILED, "", ERROR_TOOL);
    assert_false(world_claim(world, "1.apply.database"));
    world->now -= MS_DAY;
    play_step(world, "1.apply.database");
    assert_status(world, "1", "done");
}

static void interrupted__exec_is_held_and_asks(void **state)
{
    struct world *world = *state;

    play_deploy(world, "feature/x");
    prepare(world, "1", chain, 2, "");
    play_step(world, "1.plan.database");
    play_step(world, "1.plan.server");
    assert_true(world_claim(world, "1.apply.database"));
    world_interrupt(world, "1.apply.database");
    assert_int_equal(status_of(world, "1.apply.database"), STEP_INTERRUPTED);
    assert_status(world, "1", "held");
    assert_int_equal(world_resource(world, "dev", "database")->status, RESOURCE_UNKNOWN);
}

static void interrupted__a_repeatable_step_begins_again(void **state)
{
    static const struct play_resource twice[] = {{.name = "database", .attempts = 2, .repeatable = true}};
    struct world *world = *state;

    play_deploy(world, "feature/x");
    prepare(world, "1", twice, 1, "");
    play_step(world, "1.plan.database");
    assert_true(world_claim(world, "1.apply.database"));
    world_interrupt(world, "1.apply.database");
    assert_int_equal(status_of(world, "1.apply.database"), STEP_READY);
}

static void interrupted__an_executor_that_replans_plans_again(void **state)
{
    static const struct play_resource planner[] = {{.name = "cluster", .replans = true}};
    struct world *world = *state;

    play_deploy(world, "feature/x");
    prepare(world, "1", planner, 1, "");
    play_step(world, "1.plan.cluster");
    assert_true(world_claim(world, "1.apply.cluster"));
    world_interrupt(world, "1.apply.cluster");
    assert_int_equal(status_of(world, "1.apply.cluster"), STEP_READY);
    /* what was approved still says what may be done */
    assert_non_null(strstr(world_step(world, "1.apply.cluster")->spec, "\"planned\":\"create\""));
}

static void interrupted__prepare_is_bounded(void **state)
{
    struct world *world = *state;

    play_deploy(world, "feature/x");
    for (int i = 0; i < 3; i++) {
        assert_true(world_claim(world, "1.prepare.main"));
        world_interrupt(world, "1.prepare.main");
    }
    assert_status(world, "1", "failed");
    assert_null(world_environment(world, "dev"));
}

static void result__of_another_attempt_is_ignored_and_audited(void **state)
{
    struct world *world = *state;

    play_deploy(world, "feature/x");
    assert_true(world_claim(world, "1.prepare.main"));
    world_result(world, world_step(world, "1.prepare.main"), STEP_DONE, "{}", ERROR_NONE, "forged", world->epoch);
    assert_int_equal(status_of(world, "1.prepare.main"), STEP_RUNNING);
    assert_true(world_audited(world, "step.result.ignored"));
}

/* --- answers to failure --------------------------------------------------------------------------------------------- */

static void on_failure_destroy__starts_a_destroy_of_what_was_made(void **state)
{
    struct world *world = *state;

    play_deploy(world, "fix/y");
    prepare(world, "1", chain, 2, "");
    play_step(world, "1.plan.database");
    play_step(world, "1.plan.server");
    play_step(world, "1.apply.database");
    play_ends(world, "1.apply.server", STEP_FAILED, "", ERROR_TOOL);
    assert_status(world, "1", "failed");
    assert_string_equal(world_run(world, "2")->parent, "1");
    assert_int_equal(world_run(world, "2")->origin, ORIGIN_ON_FAILURE);
    play_all(world, "2");
    assert_status(world, "2", "done");
    assert_null(world_environment(world, "brief"));
    assert_int_equal(world->recipes.count, 1);
}

static void check__failing_keeps_the_environment_from_ok(void **state)
{
    struct world *world = *state;

    play_deploy(world, "feature/x");
    prepare(world, "1", chain, 1, "[{\"run\":[\"./smoke\"],\"timeout\":\"2m\"}]");
    play_step(world, "1.plan.database");
    play_step(world, "1.apply.database");
    assert_status(world, "1", "validating");
    assert_int_equal(world_step(world, "1.check.1")->timeout_ms, 2 * MS_MINUTE);
    play_ends(world, "1.check.1", STEP_FAILED, "", ERROR_TOOL);
    assert_status(world, "1", "held");
    assert_int_equal(world_environment(world, "dev")->release, 0);
    assert_int_equal(play_command(world, "retry", "1", ""), COMMAND_DONE);
    play_step(world, "1.check.1");
    assert_status(world, "1", "done");
    assert_int_equal(world_environment(world, "dev")->release, 1);
}

static void retry__of_a_failed_run_goes_on_when_its_destroy_was_cancelled(void **state)
{
    struct world *world = *state;

    play_deploy(world, "fix/y");
    prepare(world, "1", chain, 2, "");
    play_step(world, "1.plan.database");
    play_step(world, "1.plan.server");
    play_step(world, "1.apply.database");
    play_ends(world, "1.apply.server", STEP_FAILED, "", ERROR_TOOL);
    assert_int_equal(play_command(world, "retry", "1", ""), COMMAND_REFUSED);
    assert_int_equal(play_command(world, "cancel", "2", ""), COMMAND_DONE);
    assert_int_equal(play_command(world, "retry", "1", ""), COMMAND_DONE);
    play_step(world, "1.apply.server");
    assert_status(world, "1", "done");
}

static void retry__of_a_check_with_nothing_to_do_checks_again(void **state)
{
    struct world *world = *state;

    play_deploy(world, "feature/x");
    prepare(world, "1", NULL, 0, "[{\"name\":\"smoke\",\"run\":[\"./smoke\"]}]");
    play_ends(world, "1.check.smoke", STEP_FAILED, "", ERROR_TOOL);
    assert_status(world, "1", "held");
    assert_int_equal(play_command(world, "retry", "1", ""), COMMAND_DONE);
    assert_status(world, "1", "validating");
    play_step(world, "1.check.smoke");
    assert_status(world, "1", "done");
}

/* --- the gate --------------------------------------------------------------------------------------------------------- */

static void gate__expires(void **state)
{
    struct world *world = *state;

    play_deploy(world, "staging");
    play_all(world, "1");
    assert_status(world, "1", "at the gate");
    world_pass(world, 8 * MS_HOUR);
    assert_status(world, "1", "cancelled");
    assert_non_null(strstr(world_run(world, "1")->status_reason, "expired"));
}

static void gate__rejected_ends_the_run(void **state)
{
    struct world *world = *state;

    play_deploy(world, "staging");
    play_all(world, "1");
    assert_int_equal(play_command(world, "reject", "1", ""), COMMAND_DONE);
    assert_status(world, "1", "rejected");
    assert_null(world_environment(world, "staging")); /* it was never deployed */
}

static void gate__a_moved_base_is_planned_again_and_needs_a_new_approval(void **state)
{
    struct world *world = *state;

    play_deploy(world, "staging");
    play_all(world, "1");
    assert_int_equal(play_approve(world, "1"), COMMAND_DONE);
    play_all(world, "1");
    assert_status(world, "1", "done");
    assert_int_equal(play_command(world, "destroy", "staging", "{\"confirm\":\"staging\"}"), COMMAND_ACCEPTED);
    world_push(world, "main", "m2");
    assert_int_equal(play_command(world, "hold", "staging", ""), COMMAND_DONE);
    play_all(world, "2");
    assert_status(world, "2", "at the gate"); /* held */
    assert_int_equal(play_command(world, "unhold", "staging", ""), COMMAND_DONE);
    assert_status(world, "2", "applying");
    play_deploy(world, "main");
    assert_status(world, "3", "queued");
    assert_non_null(strstr(world_run(world, "3")->status_reason, "waits for run 2"));
    play_all(world, "2");
    assert_status(world, "2", "done");
    play_all(world, "3");
    assert_status(world, "3", "at the gate");
    assert_string_not_equal(world_run(world, "3")->environment, world_run(world, "1")->environment);
}

static void gate__nothing_to_do_needs_no_answer(void **state)
{
    struct world *world = *state;

    play_deploy(world, "staging");
    prepare(world, "1", NULL, 0, "");
    assert_status(world, "1", "done");
    assert_int_equal(world_environment(world, "staging")->release, 1);
}

static void deferred__that_would_replace_opens_the_gate_again(void **state)
{
    static const struct play_resource user[] = {{.name = "database"},
                                                {.name = "server", .needs = "database", .uses = "database"}};
    struct world *world = *state;
    const char *digest;

    play_deploy(world, "staging");
    prepare(world, "1", user, 2, "");
    play_step(world, "1.plan.database");
    assert_true(world_claim(world, "1.plan.server"));
    world_result(world, world_step(world, "1.plan.server"), STEP_DONE, play_plan(world, "deferred", ""), ERROR_NONE,
                 world_step(world, "1.plan.server")->token, world->epoch);
    assert_int_equal(world_run(world, "1")->deferred, 1);
    digest = world_run(world, "1")->digest;
    assert_int_equal(play_approve(world, "1"), COMMAND_DONE);
    play_step(world, "1.apply.database");
    play_asks(world, "1.apply.server", play_plan(world, "replace", "d2"));
    assert_status(world, "1", "at the gate");
    assert_string_not_equal(world_run(world, "1")->digest, digest);
    assert_string_equal(world_environment(world, "staging")->lock_run, "");
    assert_int_equal(world_run(world, "1")->replaces, 1);
    assert_int_equal(play_approve(world, "1"), COMMAND_DONE);
    play_step(world, "1.apply.server");
    assert_status(world, "1", "done");
}

static void gate__that_opened_again_ends_when_another_run_changed_the_environment(void **state)
{
    static const struct play_resource user[] = {{.name = "database"},
                                                {.name = "server", .needs = "database", .uses = "database"}};
    struct world *world = *state;

    play_deploy(world, "staging");
    prepare(world, "1", user, 2, "");
    play_step(world, "1.plan.database");
    assert_true(world_claim(world, "1.plan.server"));
    world_result(world, world_step(world, "1.plan.server"), STEP_DONE, play_plan(world, "deferred", ""), ERROR_NONE,
                 world_step(world, "1.plan.server")->token, world->epoch);
    assert_int_equal(play_approve(world, "1"), COMMAND_DONE);
    play_step(world, "1.apply.database");
    play_asks(world, "1.apply.server", play_plan(world, "replace", "d2"));
    assert_status(world, "1", "at the gate");
    world_push(world, "main", "m2");
    play_deploy(world, "main");
    play_all(world, "2");
    assert_int_equal(play_approve(world, "2"), COMMAND_DONE);
    play_all(world, "2");
    assert_status(world, "2", "done");
    assert_status(world, "1", "failed");
}

static void gate__of_a_run_that_begins_there_expires_too(void **state)
{
    struct world *world = *state;

    play_deploy(world, "staging");
    prepare(world, "1", NULL, 0, "");
    assert_status(world, "1", "done");
    assert_int_equal(play_command(world, "protect", "staging", ""), COMMAND_DONE);
    assert_int_equal(play_command(world, "destroy", "staging", "{\"confirm\":\"staging\"}"), COMMAND_ACCEPTED);
    assert_status(world, "2", "at the gate");
    world_pass(world, 8 * MS_HOUR);
    assert_status(world, "2", "cancelled");
}

static void unchanged__that_uses_what_changes_is_deferred(void **state)
{
    static const struct play_resource user[] = {{.name = "database"},
                                                {.name = "server", .needs = "database", .uses = "database"}};
    struct world *world = *state;

    play_deploy(world, "feature/x");
    prepare(world, "1", user, 2, "");
    play_all(world, "1");
    assert_status(world, "1", "done");
    world_push(world, "feature/x", "c2");
    play_deploy(world, "feature/x");
    prepare(world, "2", user, 2, "");
    play_step(world, "2.plan.database");
    assert_true(world_claim(world, "2.plan.server"));
    world_result(world, world_step(world, "2.plan.server"), STEP_DONE, play_plan(world, "none", "d1"), ERROR_NONE,
                 world_step(world, "2.plan.server")->token, world->epoch);
    assert_int_equal(world_plan(world, "2/server")->action, PLAN_DEFERRED);
    assert_int_equal(status_of(world, "2.apply.server"), STEP_WAITING);
}

/* --- queue, supersede, cancel ------------------------------------------------------------------------------------------ */

static void deploy__newer_commit_supersedes_what_nobody_approved(void **state)
{
    struct world *world = *state;

    play_deploy(world, "main");
    play_all(world, "1");
    world_push(world, "main", "m2");
    play_deploy(world, "main");
    assert_status(world, "1", "superseded");
    assert_string_equal(world_run(world, "1")->superseded_by, "2");
}

static void deploy__same_commit_is_a_conflict(void **state)
{
    struct world *world = *state;

    assert_int_equal(
        world_command(world, "deploy", "feature/x", "{\"ref\":\"feature/x\",\"commit\":\"c1\"}", "trigger:push", "push")
            ->status,
        COMMAND_ACCEPTED);
    assert_int_equal(
        world_command(world, "deploy", "feature/x", "{\"ref\":\"feature/x\",\"commit\":\"c1\"}", "trigger:push", "push")
            ->status,
        COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), "run 1 does this already"));
}

static void deploy__by_nobody_is_denied_and_audited(void **state)
{
    struct world *world = *state;

    assert_int_equal(world_command(world, "deploy", "dev", "", "uid:7", "cli")->status, COMMAND_REFUSED);
    assert_true(world_audited(world, "deploy.denied"));
    assert_int_equal(world->runs.count, 0);
}

static void limit__of_runs_queues_and_goes_on(void **state)
{
    struct world *world = *state;

    play_deploy(world, "feature/x");
    play_deploy(world, "fix/y");
    play_deploy(world, "staging");
    assert_status(world, "3", "queued");
    play_all(world, "1");
    assert_status(world, "1", "done");
    assert_status(world, "3", "preparing");
}

static void cancel__while_planning_ends_at_once(void **state)
{
    struct world *world = *state;

    play_deploy(world, "feature/x");
    prepare(world, "1", chain, 2, "");
    assert_true(world_claim(world, "1.plan.database"));
    assert_int_equal(play_command(world, "cancel", "1", ""), COMMAND_DONE);
    assert_status(world, "1", "cancelled");
    assert_int_equal(world->asked_to_stop.count, 1);
    assert_int_equal(status_of(world, "1.plan.database"), STEP_CANCELLED);
    assert_int_equal(play_command(world, "cancel", "1", ""), COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), "run 1 is cancelled by "));
    assert_non_null(strstr(world_answer(world), ": there is nothing to cancel"));
}

static void cancel__while_applying_waits_for_what_runs(void **state)
{
    struct world *world = *state;
    const struct step *step;

    play_deploy(world, "feature/x");
    prepare(world, "1", chain, 2, "");
    play_step(world, "1.plan.database");
    play_step(world, "1.plan.server");
    assert_true(world_claim(world, "1.apply.database"));
    assert_int_equal(play_command(world, "cancel", "1", ""), COMMAND_DONE);
    assert_status(world, "1", "applying");
    assert_int_equal(play_command(world, "cancel", "1", ""), COMMAND_DONE);
    assert_non_null(strstr(world_answer(world), "waits for database"));
    assert_non_null(strstr(world_answer(world), "tools have been asked to end"));
    step = world_step(world, "1.apply.database");
    world_result(world, step, STEP_DONE, "{}", ERROR_NONE, step->token, step->epoch);
    assert_status(world, "1", "cancelled");
    assert_int_equal(world_environment(world, "dev")->status, ENVIRONMENT_FAILED);
    assert_int_equal(world_resource(world, "dev", "database")->status, RESOURCE_OK);
}

/* --- prune and destroy ---------------------------------------------------------------------------------------------------- */

static void prune__destroys_what_vanished_after_its_users_were_applied(void **state)
{
    static const struct play_resource alone[] = {{.name = "server"}};
    struct world *world = *state;

    play_deploy(world, "feature/x");
    prepare(world, "1", chain, 2, "");
    play_all(world, "1");
    world_push(world, "feature/x", "c2");
    play_deploy(world, "feature/x");
    prepare(world, "2", alone, 1, "");
    play_step(world, "2.plan.server");
    play_step(world, "2.plan.database");
    assert_int_equal(world_run(world, "2")->destroys, 1);
    assert_int_equal(status_of(world, "2.destroy.database"), STEP_WAITING);
    play_step(world, "2.apply.server");
    play_step(world, "2.destroy.database");
    assert_status(world, "2", "done");
    assert_null(world_resource(world, "dev", "database"));
}

static void count__that_shrinks_loses_its_highest(void **state)
{
    static const struct play_resource two[] = {{.name = "server[0]"}, {.name = "server[1]"}};
    struct world *world = *state;

    play_deploy(world, "feature/x");
    prepare(world, "1", two, 2, "");
    play_all(world, "1");
    world_push(world, "feature/x", "c2");
    play_deploy(world, "feature/x");
    prepare(world, "2", two, 1, "");
    play_step(world, "2.plan.server[0]");
    play_step(world, "2.plan.server[1]");
    assert_int_equal(world_plan(world, "2/server[1]")->action, PLAN_DESTROY);
    assert_null(world_step(world, "2.destroy.server[0]"));
}

static void destroy__of_what_needs_each_other_still_starts(void **state)
{
    struct world *world = *state;
    struct resource *row;

    play_deploy(world, "feature/x");
    prepare(world, "1", chain, 2, "");
    play_all(world, "1");
    /* as an older commit may have left it */
    world->follow = false;
    row = arena_copy(&world->arena, world_resource(world, "dev", "database"), sizeof *row);
    row->needs = "[\"server\"]";
    world_put(world, &resource_type, row);
    assert_int_equal(play_command(world, "destroy", "dev", "{\"confirm\":\"dev\"}"), COMMAND_ACCEPTED);
    play_all(world, "2");
    assert_status(world, "2", "done");
}

static void external__is_recorded_unknown_and_only_forgotten(void **state)
{
    static const struct play_resource zone[] = {{.name = "zone", .external = true}};
    struct world *world = *state;

    play_deploy(world, "feature/x");
    prepare(world, "1", zone, 1, "");
    assert_status(world, "1", "done");
    assert_int_equal(world_resource(world, "dev", "zone")->status, RESOURCE_UNKNOWN);
    assert_int_equal(play_command(world, "destroy", "dev", "{\"confirm\":\"dev\"}"), COMMAND_DONE); /* at once */
    assert_status(world, "2", "done");
    for (size_t i = 0; i < world->steps.count; i++)
        assert_string_not_equal(world->steps.items[i]->address, "zone");
}

static void destroy__of_what_was_never_deployed_is_refused(void **state)
{
    struct world *world = *state;

    assert_int_equal(play_command(world, "destroy", "dev", "{\"confirm\":\"dev\"}"), COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), "never deployed"));
}

static void destroy__that_would_create_fails(void **state)
{
    struct world *world = *state;

    play_deploy(world, "feature/x");
    prepare(world, "1", chain, 1, "");
    play_all(world, "1");
    assert_int_equal(play_command(world, "destroy", "dev", "{\"confirm\":\"dev\"}"), COMMAND_ACCEPTED);
    assert_true(world_claim(world, "2.plan.database"));
    world_result(world, world_step(world, "2.plan.database"), STEP_DONE, play_plan(world, "create", "d"), ERROR_NONE,
                 world_step(world, "2.plan.database")->token, world->epoch);
    assert_status(world, "2", "failed");
    assert_int_equal(world_environment(world, "dev")->status, ENVIRONMENT_OK);
}

static void unprotect__is_no_approval_of_a_destroy_that_waits(void **state)
{
    struct world *world = *state;

    play_deploy(world, "fix/y");
    prepare(world, "1", chain, 2, "");
    play_all(world, "1");
    assert_int_equal(play_command(world, "protect", "brief", ""), COMMAND_DONE);
    assert_int_equal(play_command(world, "destroy", "brief", "{\"confirm\":\"brief\"}"), COMMAND_ACCEPTED);
    play_all(world, "2");
    assert_status(world, "2", "at the gate");
    assert_int_equal(play_command(world, "unprotect", "brief", ""), COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), "run 2 waits at its gate to destroy 'brief'"));
    assert_status(world, "2", "at the gate");
    assert_int_equal(play_command(world, "reject", "2", ""), COMMAND_DONE);
    assert_int_equal(play_command(world, "unprotect", "brief", ""), COMMAND_DONE);
    assert_false(world_environment(world, "brief")->is_protected);
}

/* --- orders ------------------------------------------------------------------------------------------------------------------ */

static void orders__are_rows(void **state)
{
    struct world *world = *state;
    int64_t end;

    play_deploy(world, "fix/y");
    play_all(world, "1");
    end = world_environment(world, "brief")->planned_destruction_at;
    assert_int_equal(end, WORLD_NOW + 8 * MS_HOUR);
    assert_int_equal(play_command(world, "extend", "brief", "{\"by\":\"2h\"}"), COMMAND_DONE);
    assert_int_equal(world_environment(world, "brief")->planned_destruction_at, end + 2 * MS_HOUR);
    assert_int_equal(play_command(world, "extend", "brief", "{\"by\":\"30d\"}"), COMMAND_REFUSED);
    assert_int_equal(play_command(world, "hold", "brief", ""), COMMAND_DONE);
    assert_int_equal(play_command(world, "destroy", "brief", "{\"confirm\":\"brief\"}"), COMMAND_REFUSED);
    assert_int_equal(play_command(world, "unhold", "brief", ""), COMMAND_DONE);
    assert_int_equal(play_command(world, "protect", "brief", ""), COMMAND_DONE);
    assert_true(world_environment(world, "brief")->is_protected);
    assert_int_equal(play_command(world, "unprotect", "brief", ""), COMMAND_DONE);
    assert_int_equal(play_command(world, "freeze", "ephemeral", "{\"until\":\"4h\"}"), COMMAND_DONE);
    world_push(world, "fix/y", "f2");
    assert_int_equal(play_command(world, "deploy", "fix/y", ""), COMMAND_REFUSED);
    assert_int_equal(play_command(world, "unfreeze", "ephemeral", ""), COMMAND_DONE);
    assert_int_equal(play_command(world, "stop-all", "", ""), COMMAND_DONE);
    assert_int_equal(world->freezes.count, 1);
    assert_int_equal(play_command(world, "resume-all", "", ""), COMMAND_DONE);
    assert_int_equal(world->freezes.count, 0);
}

static void slug__that_is_taken_gets_a_hash_and_is_prepared_again(void **state)
{
    struct world *world = *state;

    play_deploy(world, "feature/x");
    assert_true(world_claim(world, "1.prepare.main"));
    world_result(
        world, world_step(world, "1.prepare.main"), STEP_DONE,
        "{\"environment_name\":\"dev\",\"slug_wish\":\"other\",\"commit\":\"c1\",\"wanted\":[],\"sources\":[]}",
        ERROR_NONE, world_step(world, "1.prepare.main")->token, world->epoch);
    assert_status(world, "1", "preparing");
    assert_true(strncmp(world_environment(world, "dev")->slug, "other-", 6) == 0);
    prepare(world, "1", chain, 1, "");
    assert_status(world, "1", "planning");
    assert_true(strncmp(world_environment(world, "dev")->slug, "other-", 6) == 0);
}

static void page__shows_the_edges_as_they_are(void **state)
{
    struct str diagram = STR_INIT, page = STR_INIT;
    FILE *file = fopen(TEST_SRCDIR "/doc/workflows.md", "r");
    char line[1024];

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL)
        str_add(&page, line);
    fclose(file);
    engine_diagram(&diagram);
    if (strstr(page.data, diagram.data) == NULL)
        fail_msg("doc/workflows.md does not hold this diagram:\n%s", diagram.data);
    str_release(&page);
    str_release(&diagram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(apply__waits_for_what_it_needs),
        TEST(apply__takes_the_status_over_from_the_probes),
        TEST(failure__skips_dependents_and_holds_with_the_evidence),
        TEST(retry__goes_on_with_what_failed_and_repeats_nothing),
        TEST(retry__is_refused_when_another_run_changed_the_environment),
        TEST(attempts__come_back_after_their_backoff),
        TEST(attempts__do_not_wait_for_a_clock_that_went_back),
        TEST(interrupted__exec_is_held_and_asks),
        TEST(interrupted__a_repeatable_step_begins_again),
        TEST(interrupted__an_executor_that_replans_plans_again),
        TEST(interrupted__prepare_is_bounded),
        TEST(result__of_another_attempt_is_ignored_and_audited),
        TEST(on_failure_destroy__starts_a_destroy_of_what_was_made),
        TEST(check__failing_keeps_the_environment_from_ok),
        TEST(retry__of_a_failed_run_goes_on_when_its_destroy_was_cancelled),
        TEST(retry__of_a_check_with_nothing_to_do_checks_again),
        TEST(gate__that_opened_again_ends_when_another_run_changed_the_environment),
        TEST(gate__of_a_run_that_begins_there_expires_too),
        TEST(gate__expires),
        TEST(gate__rejected_ends_the_run),
        TEST(gate__a_moved_base_is_planned_again_and_needs_a_new_approval),
        TEST(gate__nothing_to_do_needs_no_answer),
        TEST(deferred__that_would_replace_opens_the_gate_again),
        TEST(unchanged__that_uses_what_changes_is_deferred),
        TEST(deploy__newer_commit_supersedes_what_nobody_approved),
        TEST(deploy__same_commit_is_a_conflict),
        TEST(deploy__by_nobody_is_denied_and_audited),
        TEST(limit__of_runs_queues_and_goes_on),
        TEST(cancel__while_planning_ends_at_once),
        TEST(cancel__while_applying_waits_for_what_runs),
        TEST(prune__destroys_what_vanished_after_its_users_were_applied),
        TEST(count__that_shrinks_loses_its_highest),
        TEST(destroy__of_what_needs_each_other_still_starts),
        TEST(external__is_recorded_unknown_and_only_forgotten),
        TEST(destroy__of_what_was_never_deployed_is_refused),
        TEST(destroy__that_would_create_fails),
        TEST(unprotect__is_no_approval_of_a_destroy_that_waits),
        TEST(orders__are_rows),
        TEST(slug__that_is_taken_gets_a_hash_and_is_prepared_again),
        cmocka_unit_test(page__shows_the_edges_as_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
