/* SPDX-License-Identifier: ISC */
/* Plans that need each other's outputs: in which order they are made, what is known before apply, what is left for later. */
#include "play.h"

#include "berth/base/file.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/model/delta.h"
#include "berth/store_approved.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct play_resource chain[] = {{.name = "server", .needs = "network", .uses = "network"},
                                             {.name = "network"}};

static int set_up(void **state)
{
    static const char *const pushes[] = {"feature/x", "c1", NULL};

    return play_begin(state, play_yaml, pushes);
}

static int tear_down(void **state)
{
    return play_end(state);
}

static void deploy(struct world *world, const char *run)
{
    const char *step = arena_printf(&world->arena, "%s.prepare.main", run);

    assert_int_equal(world_command(world, "deploy", "feature/x", "", OWNER, "cli")->status, COMMAND_ACCEPTED);
    play_ends(world, step, STEP_DONE, play_prepare(world, "dev", "c1", chain, 2, ""), ERROR_NONE);
}

static void plans(struct world *world, const char *step, const char *action, const char *outputs)
{
    const struct step *row;

    assert_true(world_claim(world, step));
    row = world_step(world, step);
    world_result(
        world, row, STEP_DONE,
        arena_printf(&world->arena,
                     "{\"action\":\"%s\",\"summary\":\"\",\"reason\":\"\",\"spec_digest\":\"d1\",\"changes\":[],"
                     "\"outputs\":%s}",
                     action, outputs),
        ERROR_NONE, row->token, row->epoch);
}

static int status_of(struct world *world, const char *step)
{
    return world_step(world, step)->status;
}

static void plan__waits_for_the_plan_of_what_it_uses(void **state)
{
    struct world *world = *state;

    deploy(world, "1");
    assert_int_equal(status_of(world, "1.plan.server"), STEP_WAITING);
    assert_int_equal(status_of(world, "1.plan.network"), STEP_READY);
    plans(world, "1.plan.network", "create", "{}");
    assert_int_equal(status_of(world, "1.plan.server"), STEP_READY);
}

static void plan__of_outputs_that_are_known_before_apply_stands(void **state)
{
    struct world *world = *state;

    deploy(world, "1");
    plans(world, "1.plan.network", "create", "{\"url\":{\"value\":\"http://network\"}}");
    plans(world, "1.plan.server", "create", "{}");
    assert_int_equal(world_plan(world, "1/server")->action, PLAN_CREATE);
    play_all(world, "1");
    assert_int_equal(world_run(world, "1")->status, RUN_DONE);
    deploy(world, "2");
    plans(world, "2.plan.network", "update", "{\"url\":{\"value\":\"http://network\"}}");
    plans(world, "2.plan.server", "none", "{}");
    assert_int_equal(world_plan(world, "2/server")->action, PLAN_NONE);
}

static void plan__of_an_output_that_is_not_known_is_for_later(void **state)
{
    struct world *world = *state;

    deploy(world, "1");
    plans(world, "1.plan.network", "create", "{\"url\":{\"unknown\":true}}");
    plans(world, "1.plan.server", "deferred", "{}");
    play_all(world, "1");
    assert_int_equal(world_run(world, "1")->status, RUN_DONE);
    deploy(world, "2");
    plans(world, "2.plan.network", "update", "{\"url\":{\"unknown\":true}}");
    plans(world, "2.plan.server", "none", "{}"); /* a worker that took the old value for the new one */
    assert_int_equal(world_plan(world, "2/server")->action, PLAN_DEFERRED);
}

/* The second run changes network, whose sensitive `url` will have this mark then. */
static int planned_action_of_user(struct world *world, const char *mark)
{
    const struct step *step;

    deploy(world, "1");
    plans(world, "1.plan.network", "create", "{\"url\":{\"unknown\":true}}");
    plans(world, "1.plan.server", "deferred", "{}");
    assert_true(world_claim(world, "1.apply.network"));
    step = world_step(world, "1.apply.network");
    world_result(world, step, STEP_DONE, "{\"outputs\":{},\"sensitive\":{\"url\":\"hmac:1\"}}", ERROR_NONE, step->token,
                 step->epoch);
    play_all(world, "1");
    assert_string_equal(world_resource(world, "dev", "network")->sensitive, "{\"url\":\"hmac:1\"}");
    deploy(world, "2");
    plans(world, "2.plan.network", "update", arena_printf(&world->arena, "{\"url\":{\"sensitive\":\"%s\"}}", mark));
    plans(world, "2.plan.server", "none", "{}");
    return world_plan(world, "2/server")->action;
}

static void plan__of_a_sensitive_output_that_stays_stands(void **state)
{
    assert_int_equal(planned_action_of_user(*state, "hmac:1"), PLAN_NONE);
}

static void plan__of_a_sensitive_output_that_changes_is_for_later(void **state)
{
    assert_int_equal(planned_action_of_user(*state, "hmac:2"), PLAN_DEFERRED);
}

/* Whether the end of a run whose plan keeps an artifact has it removed, under this policy. */
static bool forgets_artifacts(const char *more)
{
    struct world world;
    char *yaml = path_printf("%s%s", play_yaml, more);
    struct config *config = world_config(yaml);
    const struct step *step;
    bool forgets;

    world_init(&world, config);
    world_use_store(&world);
    world_push(&world, "feature/x", "c1");
    deploy(&world, "1");
    assert_true(world_claim(&world, "1.plan.network"));
    step = world_step(&world, "1.plan.network");
    world_result(
        &world, step, STEP_DONE,
        "{\"action\":\"create\",\"summary\":\"\",\"reason\":\"\",\"spec_digest\":\"d1\",\"artifact\":\"plan-1\","
        "\"changes\":[]}",
        ERROR_NONE, step->token, step->epoch);
    assert_int_equal(world_delivered(&world, DELIVERY_FORGET), 0);
    play_all(&world, "1");
    assert_int_equal(world_run(&world, "1")->status, RUN_DONE);
    forgets = world_delivered(&world, DELIVERY_FORGET) == 1;
    world_release(&world);
    config_free(config);
    free(yaml);
    return forgets;
}

static void artifacts__that_lie_elsewhere_are_removed_when_their_run_ends(void **state)
{
    (void)state;
    assert_true(forgets_artifacts("artifacts: { provider: file, dir: /tmp/kept }\n"));
    assert_false(forgets_artifacts(""));
}

#define KEEPS \
    "{\"action\":\"create\",\"summary\":\"\",\"reason\":\"\",\"spec_digest\":\"d1\",\"artifact\":\"plan-1\",\"changes\":[]}"

static const char *forget_id(struct world *world)
{
    for (size_t i = 0; i < world->deliveries.count; i++)
        if (text_equal(world->deliveries.items[i]->event, DELIVERY_FORGET))
            return arena_strdup(&world->arena, world->deliveries.items[i]->id);
    fail_msg("nothing is forgotten");
    return "";
}

static void artifacts__of_a_run_that_is_tried_again_stay(void **state)
{
    struct config *config = world_config(
        "version: 1\nworkspace: shop\nrepositories: { app: { provider: git, url: . } }\n"
        "targets: { here: { provider: local } }\nartifacts: { provider: file, dir: /tmp/kept }\n"
        "environments: [ { name: dev, tier: dev, source: { branches: [\"feature/**\"] }, templates: [shop], target: here } ]\n");
    struct world world;
    const struct step *step;
    const char *forgets;

    (void)state;
    world_init(&world, config);
    world_use_store(&world);
    world_push(&world, "feature/x", "c1");
    deploy(&world, "1");
    play_all(&world, "1");
    world_push(&world, "feature/x", "c2");
    deploy(&world, "2");
    assert_true(world_claim(&world, "2.plan.network"));
    step = world_step(&world, "2.plan.network");
    world_result(&world, step, STEP_DONE, KEEPS, ERROR_NONE, step->token, step->epoch);
    while (world_run(&world, "2")->status == RUN_PLANNING) {
        size_t at = 0;

        while (at < world.steps.count && world.steps.items[at]->status != STEP_READY)
            at++;
        assert_true(at < world.steps.count);
        step = world.steps.items[at];
        assert_true(world_claim(&world, step->id));
        step = world_step(&world, step->id);
        world_result(&world, step, STEP_FAILED, NULL, ERROR_TOOL, step->token, step->epoch);
    }
    assert_int_equal(world_run(&world, "2")->status, RUN_FAILED);
    assert_int_equal(world_delivered(&world, DELIVERY_FORGET), 1);
    forgets = forget_id(&world);
    world_pass(&world, MS_MINUTE);
    assert_int_equal(world_command(&world, "retry", "2", "", OWNER, "cli")->status, COMMAND_DONE);
    assert_int_equal(world_delivered(&world, DELIVERY_FORGET), 0);
    assert_int_equal(status_of(&world, "2.plan.network"), STEP_READY); /* what it kept is gone */
    step = world_step(&world, "2.plan.network");
    assert_true(world_claim(&world, step->id));
    step = world_step(&world, step->id);
    world_result(&world, step, STEP_DONE, KEEPS, ERROR_NONE, step->token, step->epoch);
    play_all(&world, "2");
    assert_int_equal(world_run(&world, "2")->status, RUN_DONE);
    assert_string_not_equal(forget_id(&world), forgets); /* what comes of the first is not this one's */
    world_release(&world);
    config_free(config);
}

static void plan__that_fails_leaves_those_that_use_it_unmade(void **state)
{
    struct world *world = *state;
    const struct step *step;

    deploy(world, "1");
    assert_true(world_claim(world, "1.plan.network"));
    step = world_step(world, "1.plan.network");
    world_result(world, step, STEP_FAILED, NULL, ERROR_TOOL, step->token, step->epoch);
    assert_int_equal(world_run(world, "1")->status, RUN_FAILED);
    assert_int_equal(status_of(world, "1.plan.server"), STEP_SKIPPED);
    assert_int_equal(world_command(world, "retry", "1", "", OWNER, "cli")->status, COMMAND_DONE);
    play_all(world, "1");
    assert_int_equal(world_run(world, "1")->status, RUN_DONE);
}

static void approve(struct world *world, const char *run)
{
    const char *digest = arena_printf(&world->arena, "{\"digest\":\"%s\"}", world_run(world, run)->digest);

    assert_int_equal(world_command(world, "approve", run, digest, OWNER, "cli")->status, COMMAND_DONE);
}

static void interrupted__whose_rest_is_not_what_was_approved_asks_again(void **state)
{
    static const struct play_resource planner[] = {{.name = "cluster", .replans = true}};
    struct world *world = *state;
    const char *digest;

    world_push(world, "main", "m1");
    assert_int_equal(world_command(world, "deploy", "staging", "", OWNER, "cli")->status, COMMAND_ACCEPTED);
    assert_true(world_claim(world, "1.prepare.main"));
    world_result(world, world_step(world, "1.prepare.main"), STEP_DONE,
                 play_prepare(world, "staging", "m1", planner, 1, ""), ERROR_NONE,
                 world_step(world, "1.prepare.main")->token, world->epoch);
    play_step(world, "1.plan.cluster");
    digest = world_run(world, "1")->digest;
    approve(world, "1");
    assert_true(world_claim(world, "1.apply.cluster"));
    world_interrupt(world, "1.apply.cluster");
    play_asks(world, "1.apply.cluster",
              "{\"action\":\"update\",\"summary\":\"\",\"reason\":\"\",\"spec_digest\":\"d7\",\"artifact\":\"plan-7\","
              "\"base\":\"l/7\",\"changes\":[{\"path\":\"x\",\"action\":\"update\"}]}");
    assert_int_equal(world_run(world, "1")->status, RUN_GATE);
    assert_string_not_equal(world_run(world, "1")->digest, digest);
    assert_int_equal(world_plan(world, "1/cluster")->action, PLAN_UPDATE);
    assert_non_null(strstr(world_plan(world, "1/cluster")->spec, "l/7"));
    approve(world, "1");
    assert_int_equal(status_of(world, "1.apply.cluster"), STEP_READY);
    assert_non_null(strstr(world_step(world, "1.apply.cluster")->spec, "plan-7"));
    assert_non_null(strstr(world_step(world, "1.apply.cluster")->spec, "\"planned_spec_digest\":\"d7\""));
    play_step(world, "1.apply.cluster");
    assert_int_equal(world_run(world, "1")->status, RUN_DONE);
}

/* --- asked again: what was approved is kept ------------------------------------------------------------------- */

#define UPDATES(path) "{\"path\":\"" path "\",\"action\":\"update\",\"kind\":\"k\",\"attributes\":[]}"
#define DESTROYS(path) "{\"path\":\"" path "\",\"action\":\"destroy\",\"kind\":\"k\",\"attributes\":[]}"
#define PLANNED(changes) \
    "{\"action\":\"update\",\"summary\":\"\",\"reason\":\"\",\"spec_digest\":\"d\",\"changes\":[" changes "]}"

static void finish_with(struct world *world, const char *step, const char *body)
{
    const struct step *row;

    assert_true(world_claim(world, step));
    row = world_step(world, step);
    world_result(world, row, STEP_DONE, body, ERROR_NONE, row->token, row->epoch);
}

/* A run of two clusters on staging that planned this, is approved and works on both. */
static void approve_two(struct world *world, const char *a, const char *b)
{
    static const struct play_resource planners[] = {{.name = "a", .replans = true}, {.name = "b", .replans = true}};

    world_push(world, "main", "m1");
    assert_int_equal(world_command(world, "deploy", "staging", "", OWNER, "cli")->status, COMMAND_ACCEPTED);
    finish_with(world, "1.prepare.main", play_prepare(world, "staging", "m1", planners, 2, ""));
    finish_with(world, "1.plan.a", a);
    finish_with(world, "1.plan.b", b);
    approve(world, "1");
    assert_true(world_claim(world, "1.apply.a"));
    assert_true(world_claim(world, "1.apply.b"));
}

static void asks(struct world *world, const char *step, const char *plan)
{
    const struct step *row = world_step(world, step);

    world_result(world, row, STEP_FAILED, plan, ERROR_WAITING, row->token, row->epoch);
}

static void ends(struct world *world, const char *step)
{
    const struct step *row = world_step(world, step);

    world_result(world, row, STEP_DONE, "{\"exit_status\":0}", ERROR_NONE, row->token, row->epoch);
}

static void read_delta(struct world *world, const char *run, struct approved *approved, struct delta *delta)
{
    struct error error;
    struct store_query query = {.type = &plan_type, .index = "run", .equal = {run}};
    struct plan *plans;
    size_t count;

    assert_true(store_approved(world->store, world_run(world, run), &world->arena, approved, &error));
    assert_true(store_list(world->store, &query, &world->arena, &plans, &count, &error));
    delta_make(delta, approved->plans, approved->count, plans, count);
}

static void asked_again__what_was_approved_is_kept_as_it_was(void **state)
{
    struct world *world = *state;
    struct approved approved;
    struct delta delta;
    struct str text = STR_INIT;
    const char *digest;

    approve_two(world, PLANNED(UPDATES("x") "," UPDATES("y")), PLANNED(UPDATES("z")));
    digest = world_run(world, "1")->digest;
    asks(world, "1.apply.a", PLANNED(UPDATES("y") "," DESTROYS("w")));
    asks(world, "1.apply.b", PLANNED(DESTROYS("z"))); /* the second that asks finds a plan that nobody approved */
    assert_int_equal(world_run(world, "1")->status, RUN_GATE);
    assert_string_equal(world_run(world, "1")->approved_digest, digest);
    assert_string_not_equal(world_run(world, "1")->digest, digest);
    read_delta(world, "1", &approved, &delta);
    assert_true(approved.is_own);
    assert_int_equal(approved.how, APPROVED_BY_PERSONS);
    assert_string_equal(approved.digest, digest);
    assert_int_equal(approved.count, 2);
    approved_say(&approved, "now", &text);
    assert_non_null(strstr(text.data, "as approved by "));
    str_clear(&text);
    delta_say(&delta, "as approved", &text);
    assert_string_equal(text.data, "1 of 3 as approved; 1 new, 1 different (2 remove), 1 not now");
    str_release(&text);
    delta_release(&delta);
}

static void asked_again__a_second_time_is_compared_with_the_second_approval(void **state)
{
    struct world *world = *state;
    struct approved approved;
    struct delta delta;
    const char *digest;

    approve_two(world, PLANNED(UPDATES("x")), PLANNED(UPDATES("z")));
    asks(world, "1.apply.a", PLANNED(DESTROYS("x")));
    ends(world, "1.apply.b");
    digest = world_run(world, "1")->digest;
    approve(world, "1");
    assert_true(world_claim(world, "1.apply.a"));
    assert_int_equal(world_run(world, "1")->status, RUN_APPLYING);
    asks(world, "1.apply.a", PLANNED(DESTROYS("x") "," DESTROYS("v")));
    assert_string_equal(world_run(world, "1")->approved_digest, digest);
    read_delta(world, "1", &approved, &delta);
    assert_int_equal(delta.counts.removes, 1);
    assert_int_equal(delta.counts.same, 2);
    assert_string_equal(delta.parts.items[0].path, "v");
    delta_release(&delta);
    approve(world, "1");
    play_all(world, "1");
    assert_int_equal(world_run(world, "1")->status, RUN_DONE);
    read_delta(world, "1", &approved, &delta); /* it stays with its run: who approved what first can be read later */
    assert_int_equal(delta.counts.added, 1);
    delta_release(&delta);
}

static void planned_again_over_another_base__is_compared_with_what_was_approved(void **state)
{
    static const struct play_resource one[] = {{.name = "a"}};
    struct world *world = *state;
    struct approved approved;
    struct delta delta;
    const char *digest, *environment;

    world_push(world, "main", "m1");
    assert_int_equal(world_command(world, "deploy", "staging", "", OWNER, "cli")->status, COMMAND_ACCEPTED);
    finish_with(world, "1.prepare.main", play_prepare(world, "staging", "m1", one, 1, ""));
    play_step(world, "1.plan.a");
    digest = world_run(world, "1")->digest;
    assert_int_equal(world_command(world, "hold", "staging", "", OWNER, "cli")->status, COMMAND_DONE);
    approve(world, "1");
    assert_int_equal(world_run(world, "1")->status, RUN_GATE);
    environment = world_run(world, "1")->environment;
    const struct resource other = {.id = arena_printf(&world->arena, "%s/b", environment),
                                   .environment = environment,
                                   .address = "b",
                                   .executor = "exec",
                                   .status = RESOURCE_OK,
                                   .created_at = world->now};
    world_put(world, &resource_type, &other);
    assert_int_equal(world_command(world, "unhold", "staging", "", OWNER, "cli")->status, COMMAND_DONE);
    assert_int_equal(world_run(world, "1")->status, RUN_PREPARING);
    assert_string_equal(world_run(world, "1")->approved_digest, digest);
    finish_with(world, "1.prepare.main", play_prepare(world, "staging", "m1", one, 1, ""));
    play_step(world, "1.plan.a");
    play_step(world, "1.plan.b");
    assert_int_equal(world_run(world, "1")->status, RUN_GATE);
    read_delta(world, "1", &approved, &delta);
    assert_int_equal(approved.how, APPROVED_BY_PERSONS);
    assert_int_equal(delta.counts.same, 1);
    assert_string_equal(delta.parts.items[0].address, "b");
    assert_true(delta.parts.items[0].removes);
    delta_release(&delta);
}

static void a_newer_run__is_compared_with_what_the_older_was_approved_for(void **state)
{
    static const struct play_resource one[] = {{.name = "a"}};
    struct world *world = *state;
    struct approved approved;
    struct delta delta;
    const char *digest;

    approve_two(world, PLANNED(UPDATES("x")), PLANNED(UPDATES("z")));
    digest = world_run(world, "1")->digest;
    asks(world, "1.apply.a", PLANNED(DESTROYS("x")));
    ends(world, "1.apply.b");
    world_push(world, "main", "m2");
    assert_int_equal(world_command(world, "deploy", "staging", "", OWNER, "cli")->status, COMMAND_ACCEPTED);
    assert_int_equal(world_run(world, "1")->status, RUN_GATE);
    finish_with(world, "2.prepare.main", play_prepare(world, "staging", "m2", one, 1, ""));
    finish_with(world, "2.plan.a", PLANNED(UPDATES("x")));
    read_delta(world, "2", &approved, &delta);
    assert_string_equal(approved.run, "1");
    assert_string_equal(approved.digest, digest);
    assert_false(approved.is_own);
    assert_int_equal(approved.how, APPROVED_BY_PERSONS);
    delta_release(&delta);
}

static void the_first_run__has_nothing_to_be_compared_with(void **state)
{
    static const struct play_resource one[] = {{.name = "a"}};
    struct world *world = *state;
    struct approved approved;
    struct delta delta;

    world_push(world, "main", "m1");
    for (int run = 1; run <= 2; run++) {
        const char *id = arena_printf(&world->arena, "%d", run);

        assert_int_equal(world_command(world, "deploy", "staging", "", OWNER, "cli")->status, COMMAND_ACCEPTED);
        finish_with(world, arena_printf(&world->arena, "%d.prepare.main", run),
                    play_prepare(world, "staging", "m1", one, 1, ""));
        play_step(world, arena_printf(&world->arena, "%d.plan.a", run));
        read_delta(world, id, &approved, &delta);
        assert_int_equal(approved.how, run == 1 ? APPROVED_NEVER : APPROVED_AND_APPLIED);
        assert_string_equal(approved.run, run == 1 ? "" : "1");
        delta_release(&delta);
        approve(world, id);
        play_all(world, id);
        assert_int_equal(world_run(world, id)->status, RUN_DONE);
    }
    read_delta(world, "1", &approved, &delta); /* neither itself nor what came after it */
    assert_int_equal(approved.how, APPROVED_NEVER);
    delta_release(&delta);
    assert_int_equal(world->approved_plans.count, 0); /* nobody was asked again: nothing is kept twice */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plan__waits_for_the_plan_of_what_it_uses),
        TEST(plan__of_outputs_that_are_known_before_apply_stands),
        TEST(plan__of_an_output_that_is_not_known_is_for_later),
        TEST(interrupted__whose_rest_is_not_what_was_approved_asks_again),
        TEST(plan__of_a_sensitive_output_that_stays_stands),
        TEST(plan__of_a_sensitive_output_that_changes_is_for_later),
        cmocka_unit_test(artifacts__that_lie_elsewhere_are_removed_when_their_run_ends),
        TEST(asked_again__what_was_approved_is_kept_as_it_was),
        TEST(asked_again__a_second_time_is_compared_with_the_second_approval),
        TEST(planned_again_over_another_base__is_compared_with_what_was_approved),
        TEST(a_newer_run__is_compared_with_what_the_older_was_approved_for),
        TEST(the_first_run__has_nothing_to_be_compared_with),
        TEST(artifacts__of_a_run_that_is_tried_again_stay),
        TEST(plan__that_fails_leaves_those_that_use_it_unmade),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
