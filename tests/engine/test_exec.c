/* SPDX-License-Identifier: ISC */
/* An operator's own commands and the release of a state's lock, a sentence each; through a store. */
#include "play.h"

#include "berth/base/str.h"
#include "berth/base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define LIST "{\"command\":[\"terraform\",\"state\",\"list\"]}"
#define REMOVE "{\"command\":[\"terraform\",\"state\",\"rm\",\"a\"]}"

static const char yaml[] = "version: 1\n"
                           "workspace: shop\n"
                           "repositories: { app: { provider: git, url: . } }\n"
                           "people:\n"
                           "  alice: { email: [alice@acme.org], unix: al }\n"
                           "  bob: { email: [bob@acme.org], github: bob }\n"
                           "  eve: { email: [eve@acme.org], github: eve }\n"
                           "groups: { ops: [alice, bob] }\n"
                           "access:\n"
                           "  - { who: [ops], role: admin }\n"
                           "  - { who: [eve], role: viewer }\n"
                           "targets: { here: { provider: local } }\n"
                           "environments:\n"
                           "  - name: dev\n"
                           "    tier: dev\n"
                           "    source: { branches: [main] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "    on_failure: rollback\n"
                           "  - name: narrow\n"
                           "    tier: dev\n"
                           "    source: { branches: [main] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "    allow: { commands: [terraform output, terraform state list] }\n"
                           "  - name: staging\n"
                           "    tier: staging\n"
                           "    source: { branches: [main] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "    gate: { approvals: 2, by: [ops], windows: [\"Mon-Fri 09:00-16:00 UTC\"] }\n";

static int set_up(void **state)
{
    return play_begin(state, yaml, (const char *const[]){"main", "m1", NULL});
}

static int tear_down(void **state)
{
    return play_end(state);
}

/* --- shorthand ---------------------------------------------------------------------------------------------------- */

static const struct play_resource one[] = {{.name = "infra", .executor = "terraform"}, {.name = "note"}};
static const struct play_resource several[] = {{.name = "infra", .executor = "terraform"},
                                               {.name = "net", .executor = "terraform"}};

static const char *id(struct world *world, const char *run, const char *what)
{
    return arena_printf(&world->arena, "%s.%s", run, what);
}

static int command_by(struct world *world, const char *verb, const char *subject, const char *arguments,
                      const char *actor)
{
    return world_command(world, verb, subject, arguments, actor, "cli")->status;
}

static const char *new_run(struct world *world)
{
    return arena_strdup(&world->arena, world->answered->run);
}

static void approve(struct world *world, const char *run, const char *actor)
{
    const char *digest = arena_printf(&world->arena, "{\"digest\":\"%s\"}", world_run(world, run)->digest);

    assert_int_equal(command_by(world, "approve", run, digest, actor), COMMAND_DONE);
}

static const char *deploy(struct world *world, const char *environment, const char *commit,
                          const struct play_resource *resources)
{
    const char *run, *step;

    world_push(world, "main", commit);
    assert_int_equal(play_command(world, "deploy", environment, ""), COMMAND_ACCEPTED);
    run = new_run(world);
    step = id(world, run, "prepare.main");
    assert_true(world_claim(world, step));
    world_result(world, world_step(world, step), STEP_DONE, play_prepare(world, environment, commit, resources, 2, ""),
                 ERROR_NONE, world_step(world, step)->token, world->epoch);
    play_all(world, run);
    return run;
}

/* An environment that is deployed. */
static void deployed(struct world *world, const char *environment, const struct play_resource *resources)
{
    assert_status(world, deploy(world, environment, "m1", resources), "done");
}

/* A command that is accepted and whose first step is played. */
static const char *begun(struct world *world, const char *verb, const char *environment, const char *arguments)
{
    const char *run;

    assert_int_equal(play_command(world, verb, environment, arguments), COMMAND_ACCEPTED);
    run = new_run(world);
    assert_int_equal(world_run(world, run)->workflow, WORKFLOW_EXEC);
    if (text_equal(verb, "exec"))
        play_step(world, id(world, run, "plan.infra"));
    return run;
}

static void lock_is_seen(struct world *world, const char *run, const char *dead)
{
    const char *step = id(world, run, "plan.infra");

    assert_true(world_claim(world, step));
    world_result(world, world_step(world, step), STEP_DONE,
                 arena_printf(&world->arena,
                              "{\"action\":\"run\",\"summary\":\"releases\",\"reason\":\"held by bob\","
                              "\"spec_digest\":\"\",\"changes\":[],\"lock\":{\"id\":\"l1\",\"dead\":%s}}",
                              dead),
                 ERROR_NONE, world_step(world, step)->token, world->epoch);
}

static const struct audit *audit_of(struct world *world, const char *action)
{
    const struct audit *found = NULL;

    for (size_t i = 0; i < world->audits.count; i++)
        if (text_equal(world->audits.items[i]->action, action))
            found = world->audits.items[i];
    return found;
}

/* --- what only reads ---------------------------------------------------------------------------------------------- */

static void exec__that_reads_runs_at_once_beside_a_deploy(void **state)
{
    struct world *world = *state;
    const char *busy, *run;

    deployed(world, "dev", one);
    world_push(world, "main", "m2");
    assert_int_equal(play_command(world, "deploy", "dev", ""), COMMAND_ACCEPTED);
    busy = new_run(world);
    play_ends(world, id(world, busy, "prepare.main"), STEP_DONE, play_prepare(world, "dev", "m2", one, 2, ""),
              ERROR_NONE);
    play_step(world, id(world, busy, "plan.infra"));
    play_step(world, id(world, busy, "plan.note"));
    assert_status(world, busy, "applying");
    run = begun(world, "exec", "dev", LIST);
    assert_status(world, run, "planning");
    play_step(world, id(world, run, "exec.infra"));
    assert_status(world, run, "done");
    assert_int_equal(world_run(world, run)->applying_at, 0);
    assert_string_equal(world_run(world, run)->status_reason, "terraform state list: exit 0");
    play_all(world, busy);
    assert_status(world, busy, "done"); /* nobody's plan moved */
}

static void exec__that_fails_has_the_tools_exit_status_and_leaves_the_environment(void **state)
{
    struct world *world = *state;
    const char *run;

    deployed(world, "dev", one);
    run = begun(world, "exec", "dev", LIST);
    play_ends(world, id(world, run, "exec.infra"), STEP_FAILED, "{\"exit_status\":7}", ERROR_TOOL);
    assert_status(world, run, "failed");
    assert_int_equal(world_step(world, id(world, run, "exec.infra"))->exit_status, 7);
    assert_int_equal(world_environment(world, "dev")->status, ENVIRONMENT_OK);
    assert_int_equal(world->runs.count, 2); /* nothing answers it, whatever on_failure says */
}

static void exec__that_reads_is_not_repeated_when_it_was_interrupted(void **state)
{
    struct world *world = *state;
    const char *run, *step;

    deployed(world, "dev", one);
    run = begun(world, "exec", "dev", LIST);
    step = id(world, run, "exec.infra");
    assert_true(world_claim(world, step));
    world_interrupt(world, step);
    assert_status(world, run, "failed");
    assert_int_equal(world_step(world, step)->attempt, 1);
}

/* --- what changes the state ----------------------------------------------------------------------------------------- */

static void exec__that_changes_waits_for_an_approval_where_no_gate_is_asked_for(void **state)
{
    struct world *world = *state;
    const char *run;

    deployed(world, "dev", one);
    run = begun(world, "exec", "dev", REMOVE);
    assert_status(world, run, "at the gate");
    assert_int_equal(world_plan(world, arena_printf(&world->arena, "%s/infra", run))->action, PLAN_RUN);
    assert_null(world_step(world, id(world, run, "exec.infra")));
    assert_string_equal(world_run(world, run)->subject, "terraform state rm a"); /* what will be run is in sight */
    approve(world, run, OWNER);
    assert_status(world, run, "applying");
    assert_string_equal(world_environment(world, "dev")->lock_run, run);
    play_step(world, id(world, run, "exec.infra"));
    assert_status(world, run, "done");
    assert_string_equal(world_environment(world, "dev")->lock_run, "");
    assert_int_equal(world_environment(world, "dev")->release, 1);
}

static void exec__that_changes_asks_for_what_the_gate_of_the_policy_asks(void **state)
{
    struct world *world = *state;
    const char *run;

    run = deploy(world, "staging", "m1", one);
    approve(world, run, OWNER);
    approve(world, run, "github:bob");
    world_pass(world, 2 * MS_DAY); /* Monday, in the window */
    play_all(world, run);
    assert_status(world, run, "done");
    run = begun(world, "exec", "staging", REMOVE);
    approve(world, run, OWNER);
    assert_status(world, run, "at the gate");
    approve(world, run, "github:bob");
    assert_status(world, run, "applying");
}

static void exec__that_changes_moves_the_base_of_what_waits(void **state)
{
    struct world *world = *state;
    const char *run, *waiting;

    run = deploy(world, "staging", "m1", one);
    approve(world, run, OWNER);
    approve(world, run, "github:bob");
    world_pass(world, 2 * MS_DAY);
    play_all(world, run);
    waiting = deploy(world, "staging", "m2", one);
    assert_status(world, waiting, "at the gate");
    run = begun(world, "exec", "staging", REMOVE);
    approve(world, run, OWNER);
    approve(world, run, "github:bob");
    play_step(world, id(world, run, "exec.infra"));
    assert_status(world, run, "done");
    assert_status(world, waiting, "preparing"); /* what it was planned on is not so any more */
}

static void exec__that_was_interrupted_is_held_and_asks(void **state)
{
    struct world *world = *state;
    const char *run, *step;

    deployed(world, "dev", one);
    run = begun(world, "exec", "dev", REMOVE);
    approve(world, run, OWNER);
    step = id(world, run, "exec.infra");
    assert_true(world_claim(world, step));
    world_interrupt(world, step);
    assert_status(world, run, "held");
    assert_string_equal(world_environment(world, "dev")->lock_run, "");
    world_pass(world, MS_DAY);
    assert_status(world, run, "held");
    assert_int_equal(world_step(world, step)->attempt, 1);
    assert_int_equal(play_command(world, "retry", run, ""), COMMAND_DONE);
    play_step(world, step);
    assert_status(world, run, "done");
    assert_int_equal(world_step(world, step)->attempt, 2);
}

static void exec__that_changes_is_stopped_by_a_hold_and_one_that_reads_is_not(void **state)
{
    struct world *world = *state;

    deployed(world, "dev", one);
    assert_int_equal(play_command(world, "hold", "dev", ""), COMMAND_DONE);
    assert_int_equal(play_command(world, "exec", "dev", REMOVE), COMMAND_REFUSED);
    assert_int_equal(play_command(world, "exec", "dev", LIST), COMMAND_ACCEPTED);
}

static void cancel__of_a_command_waits_for_its_tool(void **state)
{
    struct world *world = *state;
    const char *run, *step;

    deployed(world, "dev", one);
    run = begun(world, "exec", "dev", REMOVE);
    approve(world, run, OWNER);
    step = id(world, run, "exec.infra");
    assert_true(world_claim(world, step));
    assert_int_equal(play_command(world, "cancel", run, ""), COMMAND_DONE);
    assert_status(world, run, "applying");
    assert_int_equal(world->asked_to_stop.count, 1);
    world_result(world, world_step(world, step), STEP_CANCELLED, NULL, ERROR_CANCELLED, world_step(world, step)->token,
                 world->epoch);
    assert_status(world, run, "cancelled");
    assert_int_equal(world_environment(world, "dev")->status, ENVIRONMENT_OK);
}

/* --- what it leaves ------------------------------------------------------------------------------------------------ */

#define PART(name, status) "{\"address\":\"" name "\",\"kind\":\"t\",\"status\":\"" status "\"}"

/* An environment whose resource infra has the parts a and b. */
static void deployed_with_parts(struct world *world)
{
    const char *run;

    world_push(world, "main", "m1");
    assert_int_equal(play_command(world, "deploy", "dev", ""), COMMAND_ACCEPTED);
    run = new_run(world);
    play_ends(world, id(world, run, "prepare.main"), STEP_DONE, play_prepare(world, "dev", "m1", one, 2, ""),
              ERROR_NONE);
    play_phase(world, run, PHASE_PLAN);
    play_ends(world, id(world, run, "apply.infra"), STEP_DONE,
              "{\"outputs\":{},\"spec_digest\":\"d1\",\"inner\":[" PART("a", "ok") "," PART("b", "ok") "]}",
              ERROR_NONE);
    play_all(world, run);
    assert_status(world, run, "done");
}

/* A command on the state, up to its end, which is the caller's; it is given its step. */
static const char *changing(struct world *world)
{
    const char *run = begun(world, "exec", "dev", REMOVE);

    approve(world, run, OWNER);
    return id(world, run, "exec.infra");
}

static const struct resource *part(struct world *world, const char *name)
{
    return world_resource(world, "dev", arena_printf(&world->arena, "infra%s%s", name[0] != '\0' ? "//" : "", name));
}

static void expect_status(struct world *world, const char *name, enum resource_status status)
{
    assert_non_null(part(world, name));
    assert_int_equal(part(world, name)->status, status);
}

static void exec__that_changes_leaves_the_parts_that_are_there(void **state)
{
    struct world *world = *state;

    deployed_with_parts(world);
    play_ends(world, changing(world), STEP_DONE,
              "{\"exit_status\":0,\"there\":[" PART("b", "ok") "," PART("c", "ok") "]}", ERROR_NONE);
    assert_null(part(world, "a"));
    expect_status(world, "b", RESOURCE_OK);
    expect_status(world, "c", RESOURCE_OK);
    expect_status(world, "", RESOURCE_OK);
    /* one that failed may have done something too */
    play_ends(world, changing(world), STEP_FAILED, "{\"exit_status\":1,\"there\":[" PART("b", "ok") "]}", ERROR_TOOL);
    assert_null(part(world, "c"));
    /* and one that never began did nothing */
    play_ends(world, changing(world), STEP_FAILED, NULL, ERROR_DENIED);
    expect_status(world, "b", RESOURCE_OK);
}

static void exec__that_makes_a_part_to_be_made_anew_is_seen_at_its_resource(void **state)
{
    struct world *world = *state;

    deployed_with_parts(world);
    play_ends(world, changing(world), STEP_DONE,
              "{\"exit_status\":0,\"there\":[" PART("a", "failed") "," PART("b", "ok") "]}", ERROR_NONE);
    expect_status(world, "a", RESOURCE_FAILED);
    expect_status(world, "", RESOURCE_DEGRADED);
    assert_non_null(strstr(part(world, "")->status_reason, "made anew"));
    play_ends(world, changing(world), STEP_DONE,
              "{\"exit_status\":0,\"there\":[" PART("a", "ok") "," PART("b", "ok") "]}", ERROR_NONE);
    expect_status(world, "a", RESOURCE_OK);
    expect_status(world, "", RESOURCE_OK);
    assert_string_equal(part(world, "")->status_reason, "");
}

/* What is wrong with it for another reason is not mended by whole parts. */
static void exec__that_leaves_all_parts_well_says_nothing_of_what_was_doubted_for_something_else(void **state)
{
    struct world *world = *state;
    struct resource degraded;

    deployed_with_parts(world);
    degraded = *part(world, "");
    degraded.status = RESOURCE_DEGRADED;
    degraded.status_reason = "its probe fails";
    world_put(world, &resource_type, &degraded);
    play_ends(world, changing(world), STEP_DONE,
              "{\"exit_status\":0,\"there\":[" PART("a", "ok") "," PART("b", "ok") "]}", ERROR_NONE);
    expect_status(world, "", RESOURCE_DEGRADED);
    assert_string_equal(part(world, "")->status_reason, "its probe fails");
}

static void exec__that_changes_leaves_unknown_what_was_not_looked_at(void **state)
{
    struct world *world = *state;
    const char *step;

    deployed_with_parts(world);
    step = changing(world);
    assert_true(world_claim(world, step));
    world_interrupt(world, step);
    expect_status(world, "a", RESOURCE_UNKNOWN);
    expect_status(world, "b", RESOURCE_UNKNOWN);
    assert_non_null(strstr(part(world, "a")->status_reason, "not looked at since"));
    expect_status(world, "", RESOURCE_UNKNOWN);
    play_ends(world, changing(world), STEP_DONE, "{\"exit_status\":0,\"there\":[" PART("b", "ok") "]}", ERROR_NONE);
    assert_null(part(world, "a"));
    expect_status(world, "b", RESOURCE_OK);
    expect_status(world, "", RESOURCE_OK);
}

static void exec__that_reads_leaves_the_parts_as_they_are(void **state)
{
    struct world *world = *state;
    const char *step;

    deployed_with_parts(world);
    step = id(world, begun(world, "exec", "dev", LIST), "exec.infra");
    assert_true(world_claim(world, step));
    world_interrupt(world, step);
    expect_status(world, "a", RESOURCE_OK);
    expect_status(world, "", RESOURCE_OK);
}

/* --- who may what -------------------------------------------------------------------------------------------------- */

static void exec__is_refused_with_the_word_for_what_to_do_instead(void **state)
{
    struct world *world = *state;
    static const char *const refused[][2] = {
        {"[\"terraform\",\"apply\"]", "terraform apply is not run by hand"},
        {"[\"terraform\",\"destroy\",\"-auto-approve\"]", "terraform destroy is not run by hand"},
        {"[\"terraform\",\"force-unlock\",\"x\"]", "terraform force-unlock is not run by hand"},
        {"[\"terraform\",\"-chdir=/\",\"state\",\"list\"]", "-chdir is berth's own"},
        {"[\"terraform\",\"state\",\"list\",\"-state=/etc/passwd\"]", "-state is berth's own"},
        {"[\"terraform\",\"import\",\"-lock=false\",\"a\",\"b\"]", "-lock is berth's own"},
        {"[\"terraform\"]", "nothing says what terraform is to do"},
        {"[\"sh\",\"-c\",\"id\"]", "nothing in 'dev' is made with 'sh'"},
    };

    deployed(world, "dev", one);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const char *arguments = arena_printf(&world->arena, "{\"command\":%s}", refused[i][0]);

        assert_int_equal(play_command(world, "exec", "dev", arguments), COMMAND_REFUSED);
        assert_non_null(strstr(world_answer(world), refused[i][1]));
    }
    assert_non_null(strstr(audit_of(world, "exec.refused")->reason, "sh -c id: "));
}

static void exec__counts_what_it_does_not_know_as_a_change(void **state)
{
    struct world *world = *state;
    static const char *const changing[] = {"[\"terraform\",\"show\",\"/other/terraform.tfstate\"]",
                                           "[\"terraform\",\"plan\",\"-out=/tmp/x\"]", "[\"terraform\",\"frobnicate\"]",
                                           "[\"terraform\",\"state\",\"mv\",\"a\",\"b\"]",
                                           "[\"terraform\",\"providers\",\"lock\"]"};

    deployed(world, "dev", one);
    for (size_t i = 0; i < sizeof changing / sizeof *changing; i++) {
        const char *run = begun(world, "exec", "dev", arena_printf(&world->arena, "{\"command\":%s}", changing[i]));

        assert_status(world, run, "at the gate");
        assert_int_equal(play_command(world, "cancel", run, ""), COMMAND_DONE);
    }
}

static void exec__is_for_whom_policy_lets_deploy(void **state)
{
    struct world *world = *state;

    deployed(world, "dev", one);
    assert_int_equal(command_by(world, "exec", "dev", LIST, "github:eve"), COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), "eve is viewer here; exec needs deployer"));
    assert_non_null(strstr(audit_of(world, "exec.denied")->reason, "terraform state list: "));
    assert_int_equal(command_by(world, "unlock", "dev", "", "github:eve"), COMMAND_REFUSED);
}

static void allow__says_what_commands_may_begin_with(void **state)
{
    struct world *world = *state;

    deployed(world, "narrow", one);
    assert_int_equal(play_command(world, "exec", "narrow", LIST), COMMAND_ACCEPTED);
    assert_int_equal(play_command(world, "exec", "narrow", REMOVE), COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), "`allow: commands` of 'narrow'"));
    assert_int_equal(play_command(world, "exec", "narrow", "{\"command\":[\"terraform\",\"state\",\"listing\"]}"),
                     COMMAND_REFUSED);
}

static void allow__says_whose_tools_may_be_used(void **state)
{
    struct world *world = *state;
    const char *at = strstr(yaml, "commands: [terraform output");

    deployed(world, "narrow", one);
    play_policy(world, arena_printf(&world->arena, "%.*sexecutors: [exec], %s", (int)(at - yaml), yaml, at));
    assert_int_equal(play_command(world, "exec", "narrow", LIST), COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), "`allow: executors` of 'narrow' does not name terraform"));
    assert_int_equal(play_command(world, "unlock", "narrow", ""), COMMAND_REFUSED);
}

static void exec__of_several_says_which(void **state)
{
    struct world *world = *state;

    deployed(world, "dev", several);
    assert_int_equal(play_command(world, "exec", "dev", LIST), COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), "2 resources of 'dev' could be meant: infra, net"));
    assert_non_null(strstr(world->answered->answer, "say which with --resource ADDRESS\""));
    assert_int_equal(
        play_command(world, "exec", "dev", "{\"resource\":\"net\",\"command\":[\"terraform\",\"state\",\"list\"]}"),
        COMMAND_ACCEPTED);
    assert_non_null(world_step(world, id(world, world->answered->run, "plan.net")));
    assert_int_equal(
        play_command(world, "exec", "dev", "{\"resource\":\"none\",\"command\":[\"terraform\",\"state\",\"list\"]}"),
        COMMAND_REFUSED);
}

static void exec__of_what_has_no_tool_says_so(void **state)
{
    struct world *world = *state;

    deployed(world, "dev", one);
    assert_int_equal(
        play_command(world, "exec", "dev", "{\"resource\":\"note\",\"command\":[\"terraform\",\"state\",\"list\"]}"),
        COMMAND_REFUSED);
    assert_non_null(strstr(world_answer(world), "'note' is made by exec, which has no tool"));
    assert_int_equal(play_command(world, "exec", "nowhere", LIST), COMMAND_REFUSED);
    assert_int_equal(play_command(world, "exec", "dev", "{\"command\":[\"\"]}"), COMMAND_REFUSED);
}

static void audit__tells_the_words_and_how_they_ended(void **state)
{
    struct world *world = *state;
    const char *run;

    deployed(world, "dev", one);
    assert_int_equal(world_command(world, "exec", "dev", LIST, OWNER, "cli")->status, COMMAND_ACCEPTED);
    run = new_run(world);
    assert_non_null(strstr(audit_of(world, "exec")->reason, "terraform state list"));
    assert_string_equal(audit_of(world, "exec")->actor, OWNER);
    play_all(world, run);
    assert_string_equal(audit_of(world, "step.done")->detail,
                        "{\"command\":[\"terraform\",\"state\",\"list\"],\"exit_status\":0,\"resource\":\"infra\"}");
}

static void exec__ends_with_what_it_is_about(void **state)
{
    struct world *world = *state;
    const char *run;

    deployed(world, "dev", one);
    run = begun(world, "exec", "dev", REMOVE);
    assert_status(world, run, "at the gate");
    assert_int_equal(play_command(world, "destroy", "dev", "{\"confirm\":\"dev\"}"), COMMAND_ACCEPTED);
    play_all(world, new_run(world));
    world_settle(world);
    assert_status(world, run, "superseded");
}

/* --- locks ----------------------------------------------------------------------------------------------------------- */

static void unlock__of_a_free_lock_has_nothing_to_do(void **state)
{
    struct world *world = *state;
    const char *run;

    deployed(world, "dev", one);
    run = begun(world, "unlock", "dev", "");
    play_step(world, id(world, run, "plan.infra"));
    assert_status(world, run, "done");
    assert_null(world_step(world, id(world, run, "exec.infra")));
}

static void unlock__of_the_dead_goes_at_once(void **state)
{
    struct world *world = *state;
    const char *run, *held, *step;

    deployed(world, "dev", one);
    held = begun(world, "exec", "dev", REMOVE); /* a run that waits, and one that is held */
    approve(world, held, OWNER);
    step = id(world, held, "exec.infra");
    assert_true(world_claim(world, step));
    world_interrupt(world, step);
    assert_status(world, held, "held");
    run = begun(world, "unlock", "dev", "");
    lock_is_seen(world, run, "true");
    assert_status(world, run, "applying");
    assert_non_null(strstr(world_step(world, id(world, run, "exec.infra"))->spec, "\"asked\":false"));
    play_step(world, id(world, run, "exec.infra"));
    assert_status(world, run, "done");
    assert_string_equal(world_run(world, run)->status_reason, "released: held by bob");
    assert_int_equal(world_run(world, run)->applying_at, 0);
    assert_status(world, held, "held"); /* it can be retried: that is what the lock is released for */
    assert_int_equal(play_command(world, "retry", held, ""), COMMAND_DONE);
}

static void unlock__without_proof_asks_with_the_lock_in_sight(void **state)
{
    struct world *world = *state;
    const char *run;

    deployed(world, "dev", one);
    run = begun(world, "unlock", "dev", "");
    lock_is_seen(world, run, "false");
    assert_status(world, run, "at the gate");
    approve(world, run, OWNER);
    assert_status(world, run, "applying");
    assert_non_null(strstr(world_step(world, id(world, run, "exec.infra"))->spec, "\"asked\":true"));
    assert_non_null(strstr(world_step(world, id(world, run, "exec.infra"))->spec, "\"id\":\"l1\""));
}

static void unlock__looks_only_for_locks_that_the_last_change_may_have_left(void **state)
{
    struct world *world = *state;
    const char *run;
    int64_t applied;

    deployed(world, "dev", one);
    applied = world_run(world, "1")->applying_at;
    world_pass(world, MS_HOUR);
    assert_int_equal(play_command(world, "unlock", "dev", ""), COMMAND_ACCEPTED);
    run = new_run(world);
    assert_non_null(strstr(world_step(world, id(world, run, "plan.infra"))->spec,
                           arena_printf(&world->arena, "\"since_ms\":%lld", (long long)applied)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exec__that_reads_runs_at_once_beside_a_deploy),
        TEST(exec__that_fails_has_the_tools_exit_status_and_leaves_the_environment),
        TEST(exec__that_reads_is_not_repeated_when_it_was_interrupted),
        TEST(exec__that_changes_waits_for_an_approval_where_no_gate_is_asked_for),
        TEST(exec__that_changes_asks_for_what_the_gate_of_the_policy_asks),
        TEST(exec__that_changes_moves_the_base_of_what_waits),
        TEST(exec__that_was_interrupted_is_held_and_asks),
        TEST(exec__that_changes_is_stopped_by_a_hold_and_one_that_reads_is_not),
        TEST(cancel__of_a_command_waits_for_its_tool),
        TEST(exec__that_changes_leaves_the_parts_that_are_there),
        TEST(exec__that_makes_a_part_to_be_made_anew_is_seen_at_its_resource),
        TEST(exec__that_leaves_all_parts_well_says_nothing_of_what_was_doubted_for_something_else),
        TEST(exec__that_changes_leaves_unknown_what_was_not_looked_at),
        TEST(exec__that_reads_leaves_the_parts_as_they_are),
        TEST(exec__is_refused_with_the_word_for_what_to_do_instead),
        TEST(exec__counts_what_it_does_not_know_as_a_change),
        TEST(exec__is_for_whom_policy_lets_deploy),
        TEST(allow__says_what_commands_may_begin_with),
        TEST(allow__says_whose_tools_may_be_used),
        TEST(exec__of_several_says_which),
        TEST(exec__of_what_has_no_tool_says_so),
        TEST(audit__tells_the_words_and_how_they_ended),
        TEST(exec__ends_with_what_it_is_about),
        TEST(unlock__of_a_free_lock_has_nothing_to_do),
        TEST(unlock__of_the_dead_goes_at_once),
        TEST(unlock__without_proof_asks_with_the_lock_in_sight),
        TEST(unlock__looks_only_for_locks_that_the_last_change_may_have_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
