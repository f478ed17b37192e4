/* SPDX-License-Identifier: ISC */
/* From the cleaner's decision to the first resource that is touched: what may still come between, a sentence each; through a store. */
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
                           "access:\n"
                           "  - { who: [alice], role: admin }\n"
                           "targets: { here: { provider: local } }\n"
                           "environments:\n"
                           "  - name: dev\n"
                           "    tier: dev\n"
                           "    source: { branches: [\"feature/**\"] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "    deploy_on: [push]\n"
                           "    ttl: { default: 2d, max: 7d, from: last_deploy }\n"
                           "    destroy_with_branch: { after: 10m }\n"
                           "    on_failure: destroy\n"
                           "  - name: \"fix/${{ branch.slug }}\"\n"
                           "    tier: review\n"
                           "    source: { branches: [\"fix/**\"] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "    destroy_with_branch: { after: 0s }\n"
                           "limits: { runs: 1, remove_at_once: 2 }\n";

static int set_up(void **state)
{
    static const char *const pushes[] = {"feature/x", "x1", "feature/y", "y1", "fix/a", "a1", "fix/b", "b1",
                                         "fix/c",     "c1", "fix/d",     "d1", "main",  "m1", NULL};

    (void)play_begin(state, yaml, pushes);
    world_list(*state, WORLD_WHOLE);
    return 0;
}

static int tear_down(void **state)
{
    return play_end(state);
}

/* --- shorthand ---------------------------------------------------------------------------------------------------- */

static void release(struct world *world, const char *branch)
{
    const char *run = play_deploy(world, branch);

    play_all(world, run);
    assert_status(world, run, "done");
}

/* dev is deployed from feature/x, whose branch then goes; its grace is over. */
static void dev_lost_its_branch(struct world *world)
{
    release(world, "feature/x");
    world_lose_branch(world, "feature/x");
    world_clean(world, WORLD_STEADY);
    world_pass(world, 11 * MS_MINUTE);
}

static size_t waiting(const struct world *world)
{
    size_t count = 0;

    for (size_t i = 0; i < world->commands.count; i++)
        count += world->commands.items[i]->status == COMMAND_WAITING;
    return count;
}

static const struct run *last_run(const struct world *world)
{
    return world->runs.items[world->runs.count - 1];
}

static const struct environment *dev(const struct world *world)
{
    return world_environment(world, "dev");
}

/* --- between the decision and its acceptance --------------------------------------------------------------------------- */

static void decided__what_is_over_is_destroyed(void **state)
{
    struct world *world = *state;

    dev_lost_its_branch(world);
    world_clean(world, WORLD_STEADY);
    assert_int_equal(waiting(world), 1);
    world_accept(world);
    assert_string_equal(last_run(world)->via, "cleaner");
    play_all(world, last_run(world)->id);
    assert_null(dev(world));
}

static void decided__a_life_made_longer_meanwhile_goes_on(void **state)
{
    struct world *world = *state;

    release(world, "feature/x");
    world_pass(world, 2 * MS_DAY);
    world_clean(world, WORLD_STEADY);
    assert_int_equal(waiting(world), 1);
    assert_int_equal(play_command(world, "extend", "dev", "{\"by\":\"1d\"}"), COMMAND_DONE);
    world_accept(world);
    assert_int_equal(world->answered->status, COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), "its life goes on until 2026-11-24T14:00:00Z"));
    assert_int_equal(world->runs.count, 1);
}

static void decided__a_branch_that_is_back_meanwhile_keeps_it(void **state)
{
    struct world *world = *state;

    dev_lost_its_branch(world);
    world_clean(world, WORLD_STEADY);
    world_push(world, "feature/x", "x1");
    world_accept(world);
    assert_int_equal(world->answered->status, COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), "its branch is there again"));
}

static void decided__a_branch_that_went_again_has_a_grace_of_its_own(void **state)
{
    struct world *world = *state;

    dev_lost_its_branch(world);
    world_clean(world, WORLD_STEADY);
    world_lose_branch(world, "feature/x"); /* was back, and went a moment ago */
    world_accept(world);
    assert_int_equal(world->answered->status, COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), "its branch went only at 2026-11-21T14:11:00Z"));
    world_clean(world, WORLD_STEADY);
    assert_int_equal(waiting(world), 0);
    world_pass(world, 10 * MS_MINUTE);
    world_clean(world, WORLD_STEADY); /* another end: another command */
    assert_int_equal(waiting(world), 1);
}

/* The cleaner asks, and somebody holds it before that is answered; then nobody does. */
static void ask_for_nothing(struct world *world)
{
    world_clean(world, WORLD_STEADY);
    assert_int_equal(waiting(world), 1);
    assert_int_equal(play_command(world, "hold", "dev", ""), COMMAND_DONE);
    world_accept(world);
    assert_int_equal(world->answered->status, COMMAND_REFUSED);
    world_clean(world, WORLD_STEADY);
    assert_int_equal(waiting(world), 0);
    assert_int_equal(play_command(world, "unhold", "dev", ""), COMMAND_DONE);
}

static void decided__what_was_refused_is_asked_for_again_when_nothing_keeps_it(void **state)
{
    struct world *world = *state;

    dev_lost_its_branch(world);
    ask_for_nothing(world);
    world_clean(world, WORLD_STEADY);
    assert_int_equal(waiting(world), 0); /* not at once */
    world_pass(world, MS_MINUTE);
    world_clean(world, WORLD_STEADY);
    assert_int_equal(waiting(world), 1);
    world_clean(world, WORLD_STEADY);
    assert_int_equal(waiting(world), 1);
    world_accept(world);
    play_all(world, last_run(world)->id);
    assert_null(dev(world));
}

static void decided__what_is_refused_again_and_again_is_left_to_a_person(void **state)
{
    struct world *world = *state;

    dev_lost_its_branch(world);
    for (int tries = 0; tries < 8; tries++) {
        ask_for_nothing(world);
        world_pass(world, (MS_MINUTE << tries) - 1);
        world_clean(world, WORLD_STEADY);
        assert_int_equal(waiting(world), 0);
        world_pass(world, 1);
    }
    world_pass(world, 12 * MS_HOUR);
    world_clean(world, WORLD_STEADY);
    assert_int_equal(waiting(world), 0);
    assert_int_equal(dev(world)->status, ENVIRONMENT_OK);
}

static void decided__another_environment_of_that_name_is_not_meant(void **state)
{
    struct world *world = *state;
    struct environment other;

    dev_lost_its_branch(world);
    world_clean(world, WORLD_STEADY);
    other = *dev(world);
    other.status = ENVIRONMENT_DESTROYED;
    world_put(world, &environment_type, &other);
    while (world->resources.count > 0) {
        assert_true(store_begin(world->store, STORE_DURABLE, NULL) &&
                    store_remove(world->store, &resource_type, world->resources.items[0]->id, NULL) &&
                    store_commit(world->store, NULL, NULL));
        world->resources.items[0] = world->resources.items[--world->resources.count];
    }
    other.id = "ANOTHER";
    other.slug = "dev";
    other.status = ENVIRONMENT_OK;
    world_put(world, &environment_type, &other);
    world_accept(world);
    assert_int_equal(world->answered->status, COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), "it is another one by now"));
}

static void decided__what_an_answer_to_failures_may_is_not_what_the_cleaner_may(void **state)
{
    struct world *world = *state;

    release(world, "feature/x"); /* on_failure: destroy */
    (void)world_command(world, "destroy", "dev", "", "berth", "cleaner");
    assert_int_equal(world->answered->status, COMMAND_REFUSED);
    (void)world_command(world, "destroy", "dev", "", "berth", "ttl");
    assert_int_equal(world->answered->status, COMMAND_REFUSED);
}

/* --- between its acceptance and the first resource ------------------------------------------------------------------------ */

/* Up to the plans: the gate looks next. */
static const char *destroy_is_planned(struct world *world)
{
    const char *run;

    world_clean(world, WORLD_STEADY);
    world_accept(world);
    run = arena_strdup(&world->arena, last_run(world)->id);
    play_step(world, arena_printf(&world->arena, "%s.plan.server", run));
    return run;
}

static void accepted__a_branch_that_is_back_calls_it_back_at_the_gate(void **state)
{
    struct world *world = *state;
    const char *run;

    dev_lost_its_branch(world);
    run = destroy_is_planned(world);
    world_push(world, "feature/x", "x1"); /* the cleaner has not looked since */
    play_step(world, arena_printf(&world->arena, "%s.plan.database", run));
    assert_status(world, run, "cancelled");
    assert_string_equal(world_run(world, run)->status_reason, "called back: its branch is there again");
    assert_int_equal(dev(world)->status, ENVIRONMENT_OK);
}

static void accepted__a_life_made_longer_calls_it_back_at_the_gate(void **state)
{
    struct world *world = *state;
    struct environment longer;
    const char *run;

    release(world, "feature/x");
    world_pass(world, 2 * MS_DAY);
    run = destroy_is_planned(world);
    longer = *dev(world);
    longer.planned_destruction_at += MS_DAY; /* a push prolonged it */
    world_put(world, &environment_type, &longer);
    play_step(world, arena_printf(&world->arena, "%s.plan.database", run));
    assert_status(world, run, "cancelled");
}

static void accepted__a_clock_that_went_back_calls_nothing_back(void **state)
{
    struct world *world = *state;
    const char *run;

    release(world, "feature/x");
    world_pass(world, 2 * MS_DAY);
    run = destroy_is_planned(world);
    world->now -= MS_DAY;
    play_step(world, arena_printf(&world->arena, "%s.plan.database", run));
    assert_status(world, run, "applying");
}

static void accepted__protection_calls_it_back(void **state)
{
    struct world *world = *state;
    const char *run;

    dev_lost_its_branch(world);
    run = destroy_is_planned(world);
    assert_int_equal(play_command(world, "protect", "dev", ""), COMMAND_DONE);
    play_step(world, arena_printf(&world->arena, "%s.plan.database", run));
    assert_status(world, run, "cancelled");
    assert_non_null(strstr(world_run(world, run)->status_reason, "dev is protected"));
}

static void accepted__a_listing_that_failed_since_makes_it_wait(void **state)
{
    struct world *world = *state;
    const char *run;

    dev_lost_its_branch(world);
    run = destroy_is_planned(world);
    world_list(world, WORLD_PARTIAL);
    play_step(world, arena_printf(&world->arena, "%s.plan.database", run));
    assert_status(world, run, "at the gate");
    assert_non_null(strstr(world_run(world, run)->status_reason, "nobody can tell whether its branch is back"));
    world_list(world, WORLD_WHOLE);
    world_clean(world, WORLD_STEADY); /* looks at who waits for that */
    world_settle(world);
    assert_status(world, run, "applying");
}

static void accepted__once_something_was_touched_nothing_calls_it_back(void **state)
{
    struct world *world = *state;
    const char *run;

    dev_lost_its_branch(world);
    run = destroy_is_planned(world);
    play_step(world, arena_printf(&world->arena, "%s.plan.database", run));
    assert_status(world, run, "applying");
    play_step(world, arena_printf(&world->arena, "%s.destroy.server", run));
    world_push(world, "feature/x", "x1");
    world_clean(world, WORLD_STEADY);
    world_accept(world);
    play_all(world, run);
    assert_status(world, run, "done");
}

static void held__a_person_lets_it_go_on(void **state)
{
    struct world *world = *state;
    const char *run, *step;

    dev_lost_its_branch(world);
    run = destroy_is_planned(world);
    play_step(world, arena_printf(&world->arena, "%s.plan.database", run));
    step = arena_printf(&world->arena, "%s.destroy.server", run);
    assert_true(world_claim(world, step));
    world_interrupt(world, step);
    assert_status(world, run, "held");
    assert_int_equal(play_command(world, "retry", run, ""), COMMAND_DONE);
    assert_status(world, run, "applying"); /* its own evidence stops others */
    play_all(world, run);
    assert_status(world, run, "done");
}

static void accepted__what_was_called_back_is_asked_for_again_when_it_is_over_again(void **state)
{
    struct world *world = *state;
    const char *run;

    dev_lost_its_branch(world);
    run = destroy_is_planned(world);
    assert_int_equal(play_command(world, "protect", "dev", ""), COMMAND_DONE);
    play_step(world, arena_printf(&world->arena, "%s.plan.database", run));
    assert_status(world, run, "cancelled");
    assert_string_equal(world_run(world, run)->cancel_by, "berth");
    world_pass(world, MS_HOUR);
    world_clean(world, WORLD_STEADY);
    assert_int_equal(waiting(world), 0);
    assert_int_equal(play_command(world, "unprotect", "dev", ""), COMMAND_DONE);
    world_clean(world, WORLD_STEADY);
    assert_int_equal(waiting(world), 1);
    world_accept(world);
    assert_string_not_equal(last_run(world)->id, run);
    play_all(world, last_run(world)->id);
    assert_null(dev(world));
}

static void accepted__an_undo_is_answered_before_the_gate_opens(void **state)
{
    struct world *world = *state;
    const char *run;

    dev_lost_its_branch(world);
    run = destroy_is_planned(world);
    assert_int_equal(play_command(world, "undo", run, ""), COMMAND_DONE);
    assert_status(world, run, "cancelled");
    world_clean(world, WORLD_STEADY); /* not asked for again */
    assert_int_equal(waiting(world), 0);
    world_pass(world, MS_HOUR);
    world_clean(world, WORLD_STEADY);
    assert_int_equal(waiting(world), 0);
}

static void stopped__the_machines_stay_so_when_the_clock_goes_back(void **state)
{
    struct world *world = *state;
    const char *run;

    dev_lost_its_branch(world);
    run = destroy_is_planned(world);
    assert_int_equal(play_command(world, "stop-all", "", ""), COMMAND_DONE);
    world->now -= MS_HOUR;
    play_step(world, arena_printf(&world->arena, "%s.plan.database", run));
    assert_status(world, run, "at the gate");
    assert_non_null(strstr(world_run(world, run)->status_reason, "the machines are stopped"));
}

static void extend__promises_nothing_while_it_is_being_destroyed(void **state)
{
    struct world *world = *state;
    const char *run;

    release(world, "feature/x");
    world_pass(world, 2 * MS_DAY);
    run = destroy_is_planned(world);
    assert_int_equal(play_command(world, "extend", "dev", "{\"by\":\"1d\"}"), COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), "destroys 'dev'"));
    play_step(world, arena_printf(&world->arena, "%s.plan.database", run));
    play_ends(world, arena_printf(&world->arena, "%s.destroy.server", run), STEP_FAILED, "", ERROR_TOOL);
    assert_status(world, run, "held");
    assert_int_equal(play_command(world, "extend", "dev", "{\"by\":\"1d\"}"),
                     COMMAND_DONE); /* it may stay so for days */
}

static void accepted__of_nothing_recorded_it_asks_its_gate_too(void **state)
{
    struct world *world = *state;
    const char *run = play_deploy(world, "feature/x");

    play_ends(world, arena_printf(&world->arena, "%s.prepare.main", run), STEP_DONE,
              play_prepare(world, "dev", "x1", NULL, 0, ""), ERROR_NONE);
    assert_status(world, run, "done");
    world_lose_branch(world, "feature/x");
    world_pass(world, 11 * MS_MINUTE);
    world_clean(world, WORLD_STEADY);
    world_list(world, WORLD_PARTIAL);
    world_accept(world);
    assert_status(world, last_run(world)->id, "at the gate");
    world_list(world, WORLD_WHOLE);
    world_clean(world, WORLD_STEADY);
    world_settle(world);
    assert_status(world, last_run(world)->id, "done");
    assert_null(dev(world));
}

/* --- more than one branch ---------------------------------------------------------------------------------------------------- */

static void fed__another_branch_that_lives_keeps_what_it_deploys_to(void **state)
{
    struct world *world = *state;

    release(world, "feature/y");
    dev_lost_its_branch(world); /* feature/x took it over, and went */
    world_clean(world, WORLD_STEADY);
    assert_int_equal(waiting(world), 0);
    assert_true(dev(world)->marks & MARK_BRANCH_GONE);
    assert_int_equal(dev(world)->ends_at, dev(world)->planned_destruction_at);
    world_lose_branch(world, "feature/y");
    world_clean(world, WORLD_STEADY);
    assert_int_equal(waiting(world), 1); /* now nobody feeds it */
}

static void fed__a_deploy_that_another_branch_has_begun_calls_it_back(void **state)
{
    struct world *world = *state;
    const char *run;

    dev_lost_its_branch(world);
    run = destroy_is_planned(world);
    (void)world_command(world, "deploy", "dev", "{\"ref\":\"feature/y\",\"commit\":\"y1\"}", "trigger:push", "push");
    assert_int_equal(world->answered->status, COMMAND_ACCEPTED);
    play_step(world, arena_printf(&world->arena, "%s.plan.database", run));
    assert_status(world, run, "cancelled");
    assert_string_equal(world_run(world, run)->status_reason, "called back: feature/y brings commits to it too");
    play_all(world, last_run(world)->id);
    assert_string_equal(dev(world)->branch, "feature/y");
}

static void machine__supersedes_no_deploy_that_somebody_asked_for(void **state)
{
    struct world *world = *state;
    const char *run;

    release(world, "feature/x");
    world_pass(world, 2 * MS_DAY);
    world_push(world, "feature/x", "x2");
    run = play_deploy(world, "feature/x");
    world_clean(world, WORLD_STEADY);
    world_accept(world);
    assert_status(world, run, "preparing");
    play_all(world, run);
    assert_status(world, run, "done");
    play_all(world, last_run(world)->id);
    assert_status(world, last_run(world)->id, "cancelled"); /* it lives again */
}

/* --- brakes ------------------------------------------------------------------------------------------------------------------ */

static void brake__counts_what_is_being_destroyed_and_what_was(void **state)
{
    struct world *world = *state;
    const char *run;

    release(world, "fix/a");
    release(world, "fix/b");
    release(world, "fix/c");
    release(world, "fix/d");
    world_lose_branch(world, "fix/a");
    run = destroy_is_planned(world);
    play_step(world, arena_printf(&world->arena, "%s.plan.database", run));
    assert_status(world, run, "applying");
    world_push(world, "fix/a", "a2"); /* too late: and it ended by itself all the same */
    world_lose_branch(world, "fix/b");
    world_lose_branch(world, "fix/c");
    world_clean(world, WORLD_STEADY);
    assert_int_equal(waiting(world), 0);
    assert_int_equal(world->holds.count, 2);
    play_all(world, run);
    assert_status(world, run, "done");
    world_push(world, "fix/b", "b2");
    world_push(world, "fix/c", "c2");
    world_clean(world, WORLD_STEADY);
    assert_int_equal(world->holds.count, 0);
    world_lose_branch(world, "fix/c");
    world_lose_branch(world, "fix/d");
    world_clean(world, WORLD_STEADY);
    assert_int_equal(waiting(world), 0);
    assert_int_equal(world->holds.count, 2);
}

static void brake__counts_what_was_decided_and_is_not_accepted_yet(void **state)
{
    struct world *world = *state;

    release(world, "fix/a");
    release(world, "fix/b");
    release(world, "fix/c");
    release(world, "fix/d");
    world_lose_branch(world, "fix/a");
    world_lose_branch(world, "fix/b");
    world_clean(world, WORLD_STEADY);
    assert_int_equal(waiting(world), 2);
    world_lose_branch(world, "fix/c");
    world_lose_branch(world, "fix/d");
    world_pass(world, MS_SECOND);
    world_clean(world, WORLD_STEADY); /* nobody has answered the first two */
    assert_int_equal(waiting(world), 2);
    assert_int_equal(world->holds.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(decided__what_is_over_is_destroyed),
        TEST(decided__a_life_made_longer_meanwhile_goes_on),
        TEST(decided__a_branch_that_is_back_meanwhile_keeps_it),
        TEST(decided__a_branch_that_went_again_has_a_grace_of_its_own),
        TEST(decided__what_was_refused_is_asked_for_again_when_nothing_keeps_it),
        TEST(decided__what_is_refused_again_and_again_is_left_to_a_person),
        TEST(decided__another_environment_of_that_name_is_not_meant),
        TEST(decided__what_an_answer_to_failures_may_is_not_what_the_cleaner_may),
        TEST(accepted__a_branch_that_is_back_calls_it_back_at_the_gate),
        TEST(accepted__a_life_made_longer_calls_it_back_at_the_gate),
        TEST(accepted__a_clock_that_went_back_calls_nothing_back),
        TEST(accepted__protection_calls_it_back),
        TEST(accepted__a_listing_that_failed_since_makes_it_wait),
        TEST(accepted__once_something_was_touched_nothing_calls_it_back),
        TEST(accepted__what_was_called_back_is_asked_for_again_when_it_is_over_again),
        TEST(accepted__an_undo_is_answered_before_the_gate_opens),
        TEST(held__a_person_lets_it_go_on),
        TEST(stopped__the_machines_stay_so_when_the_clock_goes_back),
        TEST(fed__another_branch_that_lives_keeps_what_it_deploys_to),
        TEST(fed__a_deploy_that_another_branch_has_begun_calls_it_back),
        TEST(machine__supersedes_no_deploy_that_somebody_asked_for),
        TEST(extend__promises_nothing_while_it_is_being_destroyed),
        TEST(accepted__of_nothing_recorded_it_asks_its_gate_too),
        TEST(brake__counts_what_is_being_destroyed_and_what_was),
        TEST(brake__counts_what_was_decided_and_is_not_accepted_yet),
    };

    return cmocka_run_group_tests_name("engine ends", tests, NULL, NULL);
}
