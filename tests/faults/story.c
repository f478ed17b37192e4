/* SPDX-License-Identifier: ISC */
/* A deploy with its gate and a destroy, as a person would bring them to their end. */
#include "faults/story.h"

#include "berth/base/file.h"
#include "berth/base/str.h"

#include <stdint.h>
#include <stdlib.h>

#define TRIES 4

void story_trouble(struct world *world, struct str *trouble, const char *text)
{
    const struct run *run = world_last_run(world);
    str_addf(trouble, "%s (run %s: %s, %s); ", text, run ? run->id : "-",
             run ? word_name(run_status_names, run->status) : "none",
             run && run->status_reason ? run->status_reason : "");
}

void story_approve(struct world *world, const struct run *run)
{
    struct str arguments = STR_INIT;
    str_addf(&arguments, "{\"digest\":\"%s\"}", run->digest);
    world_ask(world, "approve", run->id, arguments.data);
    str_release(&arguments);
}

/* A retry may be answered while its run is still ending: what is looked at is the run after the answer. */
static bool again(struct world *world, const struct run *run)
{
    const struct command *answer = world_ask(world, "retry", run->id, "{}");
    return answer && answer->status != COMMAND_REFUSED && answer->status != COMMAND_FAILED;
}

const struct run *story_to_end(struct world *world, struct str *trouble)
{
    const struct run *run = NULL;
    for (int tries = 0; tries < TRIES; tries++) {
        run = world_wait_run(world, 1u << RUN_GATE | RUNS_REST);
        if (run && run->status == RUN_GATE) {
            story_approve(world, run);
            run = world_wait_run(world, RUNS_REST);
        }
        if (!run) {
            story_trouble(world, trouble, "the run neither ends nor says what it waits for");
            return NULL;
        }
        if (run->status == RUN_DONE)
            return run;
        if (text_empty(run->status_reason))
            story_trouble(world, trouble, "a run rests without a reason");
        if (!again(world, run)) {
            story_trouble(world, trouble, "a retry was not accepted");
            return run;
        }
    }
    story_trouble(world, trouble, "it does not end well however often it is tried again");
    return run;
}

const struct run *story_to_gate(struct world *world, struct str *trouble)
{
    world_ask(world, "deploy", STORY_ENVIRONMENT, "{\"ref\":\"feature/x\"}");
    const struct run *run = world_wait_run(world, 1u << RUN_GATE | RUNS_REST);
    if (run && run->status == RUN_GATE)
        return run;
    story_trouble(world, trouble, "the deploy did not reach its gate");
    return NULL;
}

bool story_deploy(struct world *world, struct str *trouble)
{
    world_ask(world, "deploy", STORY_ENVIRONMENT, "{\"ref\":\"feature/x\"}");
    const struct run *run = story_to_end(world, trouble);
    if (run && run->status == RUN_DONE)
        return true;
    story_trouble(world, trouble, "the deploy did not end well");
    return false;
}

/* What tools kept of an environment goes with it. */
static bool nothing_kept(struct world *world, void *context)
{
    const struct environment *environment = context;
    char *folder = path_printf("%s/environments/%s", world->store_folder, environment->id);
    bool nothing = !file_exists(folder);
    free(folder);
    return nothing;
}

bool story_destroy(struct world *world, struct str *trouble)
{
    world_ask(world, "destroy", STORY_ENVIRONMENT, "{\"confirm\":\"" STORY_ENVIRONMENT "\"}");
    const struct run *run = story_to_end(world, trouble);
    const struct environment *environment = world_environment(world, STORY_ENVIRONMENT);
    if (run && run->status == RUN_DONE && run->workflow == WORKFLOW_DESTROY && environment &&
        environment->status == ENVIRONMENT_DESTROYED) {
        if (!world_wait(world, nothing_kept, (void *)(uintptr_t)environment))
            story_trouble(world, trouble, "the folder of a destroyed environment is left");
        return true;
    }
    story_trouble(world, trouble, "the destroy did not end well");
    return false;
}

void story_check(struct world *world, struct str *trouble)
{
    static const char *const lines[] = {"end up a", "end up b", "end up c", "end down a", "end down b", "end down c"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        size_t times = world_journal(world, lines[i]);
        if (times != 1)
            str_addf(trouble, "\"%s\" %zu times; ", lines[i], times);
    }
    if (world_breaches(world, trouble) > 0)
        story_trouble(world, trouble, "");
}
