/* SPDX-License-Identifier: ISC */
/*
 * Terraform killed in the middle of an apply or a destroy, and its worker, and berthd: its children end, what it had finished is in the state and seen, the rest
 * is planned again and done where it is what was approved, else asked for; at the end nothing is left. Its cells are in the table of kills.
 */
#include "faults/cases.h"
#include "faults/chain.h"
#include "faults/kills.h"
#include "faults/story.h"

#include "berth/base/file.h"
#include "berth/base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_LIMIT ((size_t)1 << 20)

/* --- the world ----------------------------------------------------------------------------------------------------- */

static bool no_tool(struct world *world, void *context)
{
    (void)context;
    return world_tools(world, NULL, NULL) == 0;
}

/* Stopped first: it must not see that its workers went. */
static void kill_both(struct world *world)
{
    world_kill(world, SIGSTOP);
    world_kill_workers(world);
    world_kill(world, SIGKILL);
}

/* --- the state ----------------------------------------------------------------------------------------------------- */

static char *state_path(struct world *world)
{
    const struct environment *environment = world_environment(world, STORY_ENVIRONMENT);
    return path_printf("%s/terraform/%s/infra/terraform.tfstate", world->store_folder, environment->id);
}

static bool state_has(struct world *world, const char *name)
{
    struct str text = STR_INIT;
    char *path = state_path(world), *quoted = path_printf("\"name\": \"%s\"", name);
    bool has = file_read(path, STATE_LIMIT, &text, NULL) && strstr(text.data, quoted);
    str_release(&text);
    free(quoted);
    free(path);
    return has;
}

/* As if making `done` had gone wrong: whoever plans now wants to make it anew, which nobody approved. */
static bool spoil_state(struct world *world)
{
    char *path = state_path(world);
    json_t *state = json_load_file(path, 0, NULL), *resource;
    bool spoilt = false;
    size_t at;
    json_array_foreach(json_object_get(state, "resources"), at, resource)
    {
        if (strcmp(json_string_value(json_object_get(resource, "name")), "done") == 0)
            spoilt = json_object_set_new(json_array_get(json_object_get(resource, "instances"), 0), "status",
                                         json_string("tainted")) == 0;
    }
    spoilt = spoilt && json_dump_file(state, path, JSON_INDENT(2)) == 0;
    json_decref(state);
    free(path);
    return spoilt;
}

/* --- the stories --------------------------------------------------------------------------------------------------- */

/* Up to the middle of the apply: `done` is made, `held` is being made. */
static bool to_the_middle(struct world *world, struct str *trouble)
{
    const struct run *run = story_to_gate(world, trouble);
    if (!run)
        return false;
    story_approve(world, run);
    if (world_wait(world, chain_is_in_the_middle, NULL))
        return true;
    story_trouble(world, trouble, "it was not seen that terraform makes `held`");
    return false;
}

static void expect_part(struct world *world, struct str *trouble, const char *name, enum resource_status status)
{
    const struct resource *row = chain_part(world, name);
    if (!chain_is(world, name, status))
        str_addf(trouble, "%s is %s; ", name, row ? word_name(resource_status_names, row->status) : "not there");
}

static void to_the_end(struct world *world, struct str *trouble)
{
    const struct run *run = story_to_end(world, trouble);
    char *state = NULL;
    if (!run || run->status != RUN_DONE)
        return;
    expect_part(world, trouble, "done", RESOURCE_OK);
    expect_part(world, trouble, "held", RESOURCE_OK);
    expect_part(world, trouble, "last", RESOURCE_OK);
    state = state_path(world);
    if (!state_has(world, "last"))
        str_add(trouble, "the state is not whole; ");
    if (story_destroy(world, trouble)) {
        if (file_exists(state))
            str_add(trouble, "the state is left; ");
        if (chain_part(world, "done"))
            str_add(trouble, "an inner part is left; ");
    }
    world_breaches(world, trouble);
    free(state);
}

static bool killed_tool(struct world *world, struct str *trouble)
{
    size_t killed = chain_kill_tool(world);
    const struct run *run = killed > 0 ? world_wait_run(world, RUNS_REST) : NULL;
    if (!run || run->status != RUN_HELD) {
        story_trouble(world, trouble, killed > 0 ? "it is not held" : "there was no terraform to kill");
        return false;
    }
    if (!world_wait(world, no_tool, NULL))
        str_add(trouble, "what terraform ran lives on; ");
    if (!state_has(world, "done"))
        str_add(trouble, "what was finished is not in the state; ");
    expect_part(world, trouble, "done", RESOURCE_OK);
    expect_part(world, trouble, "held", RESOURCE_UNKNOWN);
    return true;
}

/* What `berth` prints has this in it. */
static void expect_said(struct world *world, struct str *trouble, const char *const *arguments, const char *text)
{
    struct str printed = STR_INIT;
    int status = world_berth(world, arguments, &printed);
    if (status != 0 || !strstr(printed.data, text))
        str_addf(trouble, "berth %s (exit %d) does not say '%s' but: %s; ", arguments[0], status, text, printed.data);
    str_release(&printed);
}

static void kills_tool(struct world *world, struct str *trouble)
{
    if (!to_the_middle(world, trouble) || !killed_tool(world, trouble))
        return;
    chain_let_go(world);
    to_the_end(world, trouble);
    expect_said(world, trouble, (const char *const[]){"log", "1", NULL}, "covered by the approval, goes on");
}

/* Which part it is that nobody approved. */
static void expect_delta(struct world *world, struct str *trouble)
{
    static const char *const lines[] = {"plan", STORY_ENVIRONMENT, "--delta", NULL};
    static const char *const json[] = {"plan", STORY_ENVIRONMENT, "--delta", "--json", NULL};
    expect_said(world, trouble, lines, " as approved by ");
    expect_said(world, trouble, lines, "replace  infra terraform_data.done: was create");
    expect_said(world, trouble, json, "\"how\": \"approved\"");
    expect_said(world, trouble, (const char *const[]){"runs", "1", NULL}, "--delta shows these");
}

static void kills_tool_and_spoils(struct world *world, struct str *trouble)
{
    const struct run *run;
    char digest[100];
    if (!to_the_middle(world, trouble) || !killed_tool(world, trouble))
        return;
    chain_let_go(world);
    if (!spoil_state(world))
        str_add(trouble, "the state cannot be spoilt; ");
    run = world_last_run(world);
    (void)text_copy(digest, sizeof digest, run->digest);
    world_ask(world, "retry", run->id, "");
    run = world_wait_run(world, 1u << RUN_GATE | RUNS_ENDED);
    if (!run || run->status != RUN_GATE || text_equal(run->digest, digest))
        story_trouble(world, trouble, "what nobody approved was not asked for");
    else
        expect_delta(world, trouble);
    to_the_end(world, trouble);
}

static void kills_worker(struct world *world, struct str *trouble)
{
    if (!to_the_middle(world, trouble))
        return;
    chain_say(world, "go"); /* for the next attempt; this one waits on */
    world_kill_workers(world);
    to_the_end(world, trouble);
}

static void kills_supervisor(struct world *world, struct str *trouble)
{
    if (!to_the_middle(world, trouble))
        return;
    world_kill(world, SIGKILL);
    chain_let_go(world);
    to_the_end(world, trouble);
}

static void kills_both(struct world *world, struct str *trouble)
{
    if (!to_the_middle(world, trouble))
        return;
    chain_say(world, "go");
    kill_both(world);
    to_the_end(world, trouble);
}

static bool all_is_made(struct world *world, void *context)
{
    (void)context;
    return state_has(world, "last");
}

/* What terraform made while nobody could take note of it: no attempt says it, and the next finds nothing left to do. */
static void kills_both_when_made(struct world *world, struct str *trouble)
{
    if (!to_the_middle(world, trouble))
        return;
    world_kill(world, SIGSTOP);
    chain_let_go(world);
    if (!world_wait(world, all_is_made, NULL))
        str_add(trouble, "the stopped berthd's worker did not make the rest; ");
    world_kill_workers(world);
    world_kill(world, SIGKILL);
    to_the_end(world, trouble);
}

/* --- while destroying ---------------------------------------------------------------------------------------------- */

static bool held_is_going(struct world *world, void *context)
{
    (void)context;
    return !chain_part(world, "last") && chain_is(world, "held", RESOURCE_DESTROYING);
}

static bool destroy_begins(struct world *world, void *context)
{
    const struct run *run = world_last_run(world);
    (void)context;
    return run && run->workflow == WORKFLOW_DESTROY && run->status >= RUN_GATE;
}

/* All is made, and `held` is being taken away. */
static bool to_the_middle_of_the_end(struct world *world, struct str *trouble)
{
    chain_say(world, "go");
    if (!story_deploy(world, trouble))
        return false;
    chain_say(world, "stay");
    world_ask(world, "destroy", STORY_ENVIRONMENT, "{\"confirm\":\"" STORY_ENVIRONMENT "\"}");
    if (!world_wait(world, destroy_begins, NULL)) {
        story_trouble(world, trouble, "the destroy does not begin");
        return false;
    }
    if (world_last_run(world)->status == RUN_GATE)
        story_approve(world, world_last_run(world));
    if (world_wait(world, held_is_going, NULL))
        return true;
    story_trouble(world, trouble, "it was not seen that terraform takes `held` away");
    return false;
}

static void to_the_end_of_all(struct world *world, struct str *trouble)
{
    char *state = state_path(world);
    const struct run *run = story_to_end(world, trouble);
    const struct environment *environment = world_environment(world, STORY_ENVIRONMENT);
    if (!run || run->status != RUN_DONE || !environment || environment->status != ENVIRONMENT_DESTROYED)
        story_trouble(world, trouble, "the destroy did not end well");
    if (file_exists(state))
        str_add(trouble, "the state is left; ");
    if (chain_part(world, "done"))
        str_add(trouble, "an inner part is left; ");
    world_breaches(world, trouble);
    free(state);
}

static void kills_tool_destroying(struct world *world, struct str *trouble)
{
    if (!to_the_middle_of_the_end(world, trouble))
        return;
    size_t killed = chain_kill_tool(world);
    chain_unsay(world, "stay");
    const struct run *run = killed > 0 ? world_wait_run(world, RUNS_REST) : NULL;
    if (!run || run->status != RUN_HELD)
        story_trouble(world, trouble, killed > 0 ? "it is not held" : "there was no terraform to kill");
    if (!world_wait(world, no_tool, NULL))
        str_add(trouble, "what terraform ran lives on; ");
    if (!state_has(world, "done") || state_has(world, "last"))
        str_add(trouble, "the state is not what was left; ");
    to_the_end_of_all(world, trouble);
}

static void kills_worker_destroying(struct world *world, struct str *trouble)
{
    if (!to_the_middle_of_the_end(world, trouble))
        return;
    world_kill_workers(world);
    chain_unsay(world, "stay");
    to_the_end_of_all(world, trouble);
}

static void kills_supervisor_destroying(struct world *world, struct str *trouble)
{
    if (!to_the_middle_of_the_end(world, trouble))
        return;
    world_kill(world, SIGKILL);
    chain_unsay(world, "stay");
    chain_let_go(world);
    to_the_end_of_all(world, trouble);
}

static void kills_both_destroying(struct world *world, struct str *trouble)
{
    if (!to_the_middle_of_the_end(world, trouble))
        return;
    kill_both(world);
    chain_unsay(world, "stay");
    to_the_end_of_all(world, trouble);
}

/* In the order of kill_terraform. */
static void (*const plays[KILL_TERRAFORM_CASES])(struct world *world, struct str *trouble) = {
    kills_tool,
    kills_tool_and_spoils,
    kills_worker,
    kills_supervisor,
    kills_both,
    kills_both_when_made,
    kills_tool_destroying,
    kills_worker_destroying,
    kills_supervisor_destroying,
    kills_both_destroying,
};

static void play(size_t index, void *context, struct str *trouble, struct str *note)
{
    struct world world;
    if (!*(bool *)context) {
        str_add(note, "SKIP there is no terraform on PATH");
        return;
    }
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC, .template_text = chain_template});
    chain_add(&world, "");
    world_start(&world);
    plays[index](&world, trouble);
    world_close(&world);
}

int main(void)
{
    bool there = world_has_terraform();
    struct case_result *results = cases_play(KILL_TERRAFORM_CASES, play, &there);
    for (size_t i = 0; i < KILL_TERRAFORM_CASES; i++)
        cases_tell(i + 1, &results[i], "kill %s %s: %s", kill_terraform[i].process, kill_terraform[i].moment,
                   kill_terraform[i].holds);
    cases_free(results, KILL_TERRAFORM_CASES);
    printf("1..%d\n", KILL_TERRAFORM_CASES);
    return 0;
}
