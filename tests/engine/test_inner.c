/* SPDX-License-Identifier: ISC */
/* Inner parts of a resource: seen as they come along, never taken for resources, gone with it. */
#include "play.h"

#include "berth/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct play_resource alone[] = {{.name = "infra", .replans = true}};

static int set_up(void **state)
{
    static const char *const pushes[] = {"feature/x", "c1", NULL};

    return play_begin(state, play_yaml, pushes);
}

static int tear_down(void **state)
{
    return play_end(state);
}

static const struct step *claimed(struct world *world, const char *step)
{
    assert_true(world_claim(world, step));
    return world_step(world, step);
}

static void done(struct world *world, const char *step, const char *body)
{
    const struct step *row = claimed(world, step);

    world_result(world, row, STEP_DONE, body, ERROR_NONE, row->token, row->epoch);
}

/* Up to the apply step of infra, claimed. */
static const struct step *apply_begins(struct world *world, const char *run, const char *commit, const char *action)
{
    assert_int_equal(world_command(world, "deploy", "feature/x", "", OWNER, "cli")->status, COMMAND_ACCEPTED);
    done(world, arena_printf(&world->arena, "%s.prepare.main", run), play_prepare(world, "dev", commit, alone, 1, ""));
    done(world, arena_printf(&world->arena, "%s.plan.infra", run), play_plan(world, action, commit));
    return claimed(world, arena_printf(&world->arena, "%s.apply.infra", run));
}

static void ends(struct world *world, const struct step *step, enum step_status status, const char *parts)
{
    const char *body = arena_printf(&world->arena, "{\"outputs\":{},\"inner\":[%s]}", parts);

    world_result(world, step, status, body, status == STEP_DONE ? ERROR_NONE : ERROR_TOOL, step->token, step->epoch);
}

/* The same, and all that is there. */
static void ends_with(struct world *world, const struct step *step, enum step_status status, const char *parts,
                      const char *there)
{
    const char *body = arena_printf(&world->arena, "{\"outputs\":{},\"inner\":[%s],\"there\":[%s]}", parts, there);

    world_result(world, step, status, body, status == STEP_DONE ? ERROR_NONE : ERROR_TOOL, step->token, step->epoch);
}

#define PART(name, status) "{\"address\":\"" name "\",\"kind\":\"data\",\"status\":\"" status "\",\"text\":\"said\"}"

static const char *status_of(struct world *world, const char *part)
{
    const struct resource *row = world_resource(world, "dev", arena_printf(&world->arena, "infra//%s", part));

    return row == NULL ? "none" : word_name(resource_status_names, row->status);
}

static void inner__parts_stand_below_their_resource(void **state)
{
    struct world *world = *state;
    const struct resource *row;

    ends(world, apply_begins(world, "1", "c1", "create"), STEP_DONE,
         PART("a", "ok") ",{\"address\":\"b\",\"kind\":\"data\",\"status\":\"ok\",\"text\":\"\",\"needs\":[\"a\"]}");
    assert_int_equal(world_run(world, "1")->status, RUN_DONE);
    row = world_resource(world, "dev", "infra//b");
    assert_non_null(row);
    assert_string_equal(row->parent, "infra");
    assert_string_equal(row->name, "b");
    assert_string_equal(row->kind, "data");
    assert_string_equal(row->executor, "exec");
    assert_string_equal(row->needs, "[\"infra//a\"]");
    assert_int_equal(row->position, world_resource(world, "dev", "infra")->position);
}

static void inner__parts_are_never_planned_or_pruned(void **state)
{
    struct world *world = *state;

    ends(world, apply_begins(world, "1", "c1", "create"), STEP_DONE, PART("a", "ok") "," PART("b", "ok"));
    ends(world, apply_begins(world, "2", "c2", "update"), STEP_DONE, PART("b", "gone") "," PART("c", "ok"));
    assert_int_equal(world_run(world, "2")->status, RUN_DONE);
    assert_int_equal(world_run(world, "2")->destroys, 0);
    assert_null(world_plan(world, "2/infra//a"));
    assert_string_equal(status_of(world, "a"), "ok");
    assert_string_equal(status_of(world, "b"), "none");
    assert_string_equal(status_of(world, "c"), "ok");
}

static void inner__parts_go_with_their_resource(void **state)
{
    struct world *world = *state;
    const struct step *step;

    ends(world, apply_begins(world, "1", "c1", "create"), STEP_DONE, PART("a", "ok"));
    world_command(world, "destroy", "dev", "{\"confirm\":\"dev\"}", OWNER, "cli");
    done(world, "2.plan.infra", play_plan(world, "destroy", "d"));
    step = claimed(world, "2.destroy.infra");
    ends(world, step, STEP_DONE, "");
    assert_int_equal(world_run(world, "2")->status, RUN_DONE);
    assert_string_equal(status_of(world, "a"), "none");
}

static void inner__parts_of_a_failed_apply_keep_what_was_said(void **state)
{
    struct world *world = *state;

    ends(world, apply_begins(world, "1", "c1", "create"), STEP_FAILED,
         PART("a", "ok") "," PART("b", "failed") "," PART("c", "creating") "," PART("d", "waiting"));
    assert_string_equal(status_of(world, "a"), "ok");
    assert_string_equal(status_of(world, "b"), "failed");
    assert_string_equal(world_resource(world, "dev", "infra//b")->status_reason, "said");
    assert_string_equal(status_of(world, "c"), "unknown");
    assert_string_equal(status_of(world, "d"), "none");
}

static void inner__lock_that_a_step_failed_on_is_in_its_row(void **state)
{
    struct world *world = *state;
    const struct step *step = apply_begins(world, "1", "c1", "create");

    world_result(world, step, STEP_FAILED, "{\"inner\":[],\"lock\":{\"id\":\"l-1\",\"who\":\"bob@host\"}}",
                 ERROR_CONFLICT, step->token, step->epoch);
    assert_non_null(strstr(world_step(world, "1.apply.infra")->result, "l-1"));
}

static void inner__parts_of_an_interrupted_apply_are_unknown_until_it_is_done(void **state)
{
    struct world *world = *state;

    world_inner(world, apply_begins(world, "1", "c1", "create"),
                "[" PART("a", "ok") "," PART("b", "creating") "," PART("c", "waiting") "]");
    assert_string_equal(status_of(world, "a"), "ok");
    assert_string_equal(status_of(world, "b"), "creating");
    assert_string_equal(status_of(world, "c"), "waiting");
    world_interrupt(world, "1.apply.infra");
    assert_string_equal(status_of(world, "a"), "ok");
    assert_string_equal(status_of(world, "b"), "unknown");
    assert_string_equal(status_of(world, "c"), "none");
    ends(world, claimed(world, "1.apply.infra"), STEP_DONE, PART("c", "ok"));
    assert_string_equal(status_of(world, "b"), "ok"); /* what is as planned needs no more word */
    assert_string_equal(status_of(world, "c"), "ok");
}

static void inner__part_that_was_being_destroyed_is_gone_when_the_rest_is_done(void **state)
{
    struct world *world = *state;
    const struct step *step;

    ends(world, apply_begins(world, "1", "c1", "create"), STEP_DONE, PART("a", "ok") "," PART("b", "ok"));
    step = apply_begins(world, "2", "c2", "update");
    world_inner(world, step, "[" PART("a", "destroying") "]");
    ends(world, step, STEP_DONE, "");
    assert_string_equal(status_of(world, "a"), "none");
    assert_string_equal(status_of(world, "b"), "ok");
}

/* `b` was being made when its tool died, and the next commit does not want it: nothing will ever speak of it again. */
static void inner__part_that_never_came_to_be_goes_with_the_next_plan(void **state)
{
    struct world *world = *state;
    const char *plan;

    ends(world, apply_begins(world, "1", "c1", "create"), STEP_FAILED,
         PART("a", "ok") "," PART("b", "creating") "," PART("c", "creating"));
    assert_string_equal(status_of(world, "b"), "unknown");
    assert_int_equal(world_command(world, "deploy", "feature/x", "", OWNER, "cli")->status, COMMAND_ACCEPTED);
    done(world, "2.prepare.main", play_prepare(world, "dev", "c2", alone, 1, ""));
    plan = play_plan(world, "update", "c2");
    done(world, "2.plan.infra",
         arena_printf(&world->arena, "%.*s,\"inner\":[%s,%s]}", (int)strlen(plan) - 1, plan, PART("a", "ok"),
                      PART("c", "waiting")));
    assert_string_equal(status_of(world, "a"), "ok");
    assert_string_equal(status_of(world, "b"), "none");
    assert_string_equal(status_of(world, "c"), "unknown");
}

static void inner__parts_of_another_attempt_are_not_heard(void **state)
{
    struct world *world = *state;
    const struct step *first = apply_begins(world, "1", "c1", "create");

    world_interrupt(world, "1.apply.infra");
    (void)claimed(world, "1.apply.infra");
    world_inner(world, first, "[" PART("a", "failed") "]");
    assert_string_equal(status_of(world, "a"), "none");
    play_all(world, "1");
    ends(world, world_step(world, "1.apply.infra"), STEP_DONE, "");
}

/* What a killed attempt made nobody heard of: the next finds it there, and says so. */
static void inner__part_that_nobody_heard_of_is_there_when_the_rest_is_done(void **state)
{
    struct world *world = *state;
    const struct resource *row;

    world_inner(world, apply_begins(world, "1", "c1", "create"), "[" PART("a", "creating") "]");
    world_interrupt(world, "1.apply.infra");
    ends_with(world, claimed(world, "1.apply.infra"), STEP_DONE, "",
              PART("a", "ok") ",{\"address\":\"b\",\"kind\":\"data\",\"status\":\"ok\",\"needs\":[\"a\"]}");
    assert_string_equal(status_of(world, "a"), "ok");
    row = world_resource(world, "dev", "infra//b");
    assert_non_null(row);
    assert_int_equal(row->status, RESOURCE_OK);
    assert_string_equal(row->needs, "[\"infra//a\"]");
    assert_string_equal(row->applied_run, "1");
    assert_true(row->created_at != 0);
    assert_null(strstr(world_step(world, "1.apply.infra")->result, "there"));
}

static void inner__part_that_is_there_no_more_goes_when_the_rest_is_done(void **state)
{
    struct world *world = *state;
    const struct step *step;

    ends(world, apply_begins(world, "1", "c1", "create"), STEP_DONE, PART("a", "ok") "," PART("b", "ok"));
    step = apply_begins(world, "2", "c2", "update");
    ends_with(world, step, STEP_DONE, PART("c", "ok"), PART("a", "ok") "," PART("c", "ok") "," PART("d", "failed"));
    assert_string_equal(status_of(world, "d"), "ok"); /* for the whole was done */
    assert_string_equal(status_of(world, "a"), "ok");
    assert_string_equal(world_resource(world, "dev", "infra//a")->applied_run, "1"); /* nobody worked on it */
    assert_string_equal(status_of(world, "b"), "none");
    assert_string_equal(status_of(world, "c"), "ok");
}

/* `b` was made unheard, `c` was being made, `old` was taken away unheard. */
static void inner__parts_of_a_failed_apply_are_those_that_are_there(void **state)
{
    struct world *world = *state;

    ends(world, apply_begins(world, "1", "c1", "create"), STEP_DONE, PART("a", "ok") "," PART("old", "ok"));
    ends_with(world, apply_begins(world, "2", "c2", "update"), STEP_FAILED,
              PART("a", "updating") "," PART("c", "creating") "," PART("d", "failed"),
              PART("a", "ok") "," PART("b", "ok"));
    assert_string_equal(status_of(world, "a"), "unknown"); /* the old values, or the new ones */
    assert_string_equal(status_of(world, "b"), "ok");
    assert_string_equal(status_of(world, "c"), "unknown");
    assert_string_equal(status_of(world, "d"), "failed");
    assert_string_equal(status_of(world, "old"), "none");
}

/* A plan with a list of what is there. */
static const char *plan_with(struct world *world, const char *action, const char *digest, const char *parts)
{
    const char *plan = play_plan(world, action, digest);

    return arena_printf(&world->arena, "%.*s,\"inner\":[%s]}", (int)strlen(plan) - 1, plan, parts);
}

/* It was mended by hand after a failure: nothing is left to do, and nobody works on them again. */
static void inner__parts_are_as_a_plan_finds_them(void **state)
{
    struct world *world = *state;

    ends(world, apply_begins(world, "1", "c1", "create"), STEP_FAILED,
         PART("a", "creating") "," PART("b", "failed") "," PART("c", "ok") "," PART("d", "failed"));
    assert_int_equal(world_command(world, "deploy", "feature/x", "", OWNER, "cli")->status, COMMAND_ACCEPTED);
    done(world, "2.prepare.main", play_prepare(world, "dev", "c2", alone, 1, ""));
    done(world, "2.plan.infra",
         plan_with(world, "update", "c2",
                   PART("a", "ok") "," PART("b", "ok") "," PART("d", "waiting") "," PART("e", "ok")));
    assert_string_equal(status_of(world, "a"), "ok");
    assert_string_equal(status_of(world, "b"), "ok");
    assert_string_equal(world_resource(world, "dev", "infra//b")->status_reason, "");
    assert_string_equal(status_of(world, "c"), "none");
    assert_string_equal(status_of(world, "d"), "failed");
    assert_string_equal(status_of(world, "e"), "ok");
    assert_string_equal(world_resource(world, "dev", "infra//e")->applied_run, ""); /* no run made it */
}

/* The plan was made before another run changed what there is. */
static void inner__plan_says_nothing_of_parts_that_another_run_works_on(void **state)
{
    struct world *world = *state;
    const struct step *applies;

    ends(world, apply_begins(world, "1", "c1", "create"), STEP_DONE, PART("a", "ok"));
    applies = apply_begins(world, "2", "c2", "update");
    world_inner(world, applies, "[" PART("b", "ok") "]");
    assert_int_equal(world_command(world, "plan", "dev", "", OWNER, "cli")->status, COMMAND_ACCEPTED);
    done(world, "3.prepare.main", play_prepare(world, "dev", "c2", alone, 1, ""));
    done(world, "3.plan.infra", plan_with(world, "update", "c2", PART("a", "ok")));
    assert_string_equal(status_of(world, "b"), "ok");
}

/* It was made before another run's apply, which was over before anybody heard of it. */
static void inner__plan_says_nothing_of_parts_that_another_run_made_since(void **state)
{
    struct world *world = *state;
    const struct step *applies;

    ends(world, apply_begins(world, "1", "c1", "create"), STEP_DONE, PART("a", "ok"));
    applies = apply_begins(world, "2", "c2", "update");
    assert_int_equal(world_command(world, "plan", "dev", "", OWNER, "cli")->status, COMMAND_ACCEPTED);
    done(world, "3.prepare.main", play_prepare(world, "dev", "c2", alone, 1, ""));
    ends_with(world, applies, STEP_DONE, PART("b", "ok"), PART("a", "ok") "," PART("b", "ok"));
    assert_string_equal(world_environment(world, "dev")->lock_run, "");
    done(world, "3.plan.infra", plan_with(world, "update", "c2", PART("a", "ok")));
    assert_string_equal(status_of(world, "b"), "ok");
}

static void held_up__step_and_its_run_say_for_what_until_it_goes_on(void **state)
{
    struct world *world = *state;
    const struct step *step = apply_begins(world, "1", "c1", "create");

    world_held_up(world, step, "waits for the lock of bob");
    assert_string_equal(world_step(world, "1.apply.infra")->status_reason, "waits for the lock of bob");
    assert_string_equal(world_run(world, "1")->status_reason, "infra: waits for the lock of bob");
    world_held_up(world, step, "waits for the lock of eve");
    assert_string_equal(world_run(world, "1")->status_reason, "infra: waits for the lock of eve");
    world_held_up(world, step, "");
    assert_string_equal(world_step(world, "1.apply.infra")->status_reason, "");
    assert_string_equal(world_run(world, "1")->status_reason, "");
    ends(world, step, STEP_DONE, "");
}

/* The worker was killed while it waited, and a late word of it comes. */
static void held_up__step_that_was_taken_over_waits_no_more(void **state)
{
    struct world *world = *state;
    const struct step *first = apply_begins(world, "1", "c1", "create");

    world_held_up(world, first, "waits for the lock of bob");
    world_interrupt(world, "1.apply.infra");
    assert_null(strstr(world_run(world, "1")->status_reason, "bob"));
    assert_null(strstr(world_step(world, "1.apply.infra")->status_reason, "bob"));
    (void)claimed(world, "1.apply.infra");
    world_held_up(world, first, "waits for the lock of bob");
    assert_string_equal(world_step(world, "1.apply.infra")->status_reason, "");
    assert_null(strstr(world_run(world, "1")->status_reason, "bob"));
    ends(world, world_step(world, "1.apply.infra"), STEP_DONE, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(inner__parts_stand_below_their_resource),
        TEST(inner__parts_are_never_planned_or_pruned),
        TEST(inner__parts_go_with_their_resource),
        TEST(inner__parts_of_a_failed_apply_keep_what_was_said),
        TEST(inner__lock_that_a_step_failed_on_is_in_its_row),
        TEST(inner__parts_of_an_interrupted_apply_are_unknown_until_it_is_done),
        TEST(inner__part_that_was_being_destroyed_is_gone_when_the_rest_is_done),
        TEST(inner__part_that_never_came_to_be_goes_with_the_next_plan),
        TEST(inner__parts_of_another_attempt_are_not_heard),
        TEST(inner__part_that_nobody_heard_of_is_there_when_the_rest_is_done),
        TEST(inner__part_that_is_there_no_more_goes_when_the_rest_is_done),
        TEST(inner__parts_of_a_failed_apply_are_those_that_are_there),
        TEST(inner__parts_are_as_a_plan_finds_them),
        TEST(inner__plan_says_nothing_of_parts_that_another_run_works_on),
        TEST(inner__plan_says_nothing_of_parts_that_another_run_made_since),
        TEST(held_up__step_and_its_run_say_for_what_until_it_goes_on),
        TEST(held_up__step_that_was_taken_over_waits_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
