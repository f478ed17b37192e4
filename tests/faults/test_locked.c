/* SPDX-License-Identifier: ISC */
/*
 * The lock of a remote state that outlives its holder: who waits for it says who holds it; one that a killed tool left is released by `berth unlock`, and by a retry, once its holder
 * is proven dead; another's is not, and never another than the one that was asked for.
 */
#include "faults/bucket.h"
#include "faults/cases.h"
#include "faults/chain.h"
#include "faults/story.h"

#include "berth/base/file.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOCK "state.tflock"
#define LOOKS 30 /* a tool that others run by hand on this machine is no proof of anything: looked at again */
#define BOBS "abc-1"

struct play {
    struct world world;
    struct bucket bucket;
    struct str *trouble;
};

static bool is_locked(struct play *play)
{
    char *path = bucket_object(&play->bucket, "b/" LOCK);
    bool is = file_exists(path);
    free(path);
    return is;
}

/* As bob's tool does it, on another machine. */
static void lay_lock(struct play *play)
{
    static const char text[] =
        "{\"ID\":\"" BOBS
        "\",\"Operation\":\"OperationTypePlan\",\"Info\":\"\",\"Who\":\"bob@away\",\"Version\":\"1.11.4\","
        "\"Created\":\"2026-11-20T09:08:07.5Z\",\"Path\":\"b/state\"}";
    char *path = bucket_object(&play->bucket, "b/" LOCK);
    if (!file_replace(path, text, strlen(text), 0600, FILE_RELAXED, NULL))
        str_add(play->trouble, "no lock can be laid; ");
    free(path);
}

static void take_lock_away(struct play *play)
{
    char *path = bucket_object(&play->bucket, "b/" LOCK);
    unlink(path);
    free(path);
}

static bool says(struct str *trouble, const char *what, const char *text, const char *wanted)
{
    if (text && strstr(text, wanted))
        return true;
    str_addf(trouble, "%s does not say '%s' but '%s'; ", what, wanted, text ? text : "");
    return false;
}

/* `berth` with these words; its exit status, and what it printed in `printed`. */
static int berth(struct play *play, struct str *printed, const char *const *words)
{
    str_clear(printed);
    return world_berth(&play->world, words, printed);
}
#define BERTH(printed, ...) berth(play, printed, (const char *const[]){__VA_ARGS__, NULL})

/* --- waiting ------------------------------------------------------------------------------------------------------- */

static bool waits_for_bob(struct world *world, void *context)
{
    const struct run *run = world_last_run(world);
    (void)context;
    return run && run->status == RUN_PLANNING && strstr(run->status_reason, "held by bob@away");
}

static bool waits_no_more(struct world *world, void *context)
{
    const struct run *run = world_last_run(world);
    (void)context;
    return run && (run->status != RUN_PLANNING || text_empty(run->status_reason));
}

static void waits(struct play *play)
{
    static const char who[] =
        "infra: waits for the lock of its state, held by bob@away since 2026-11-20T09:08:07Z, for "
        "Plan (lock " BOBS ")";
    struct world *world = &play->world;
    struct str printed = STR_INIT;
    lay_lock(play);
    world_ask(world, "deploy", STORY_ENVIRONMENT, "{\"ref\":\"feature/x\"}");
    if (!world_wait(world, waits_for_bob, NULL)) {
        story_trouble(world, play->trouble, "it is not said who holds the lock");
        return;
    }
    (void)says(play->trouble, "the run", world_last_run(world)->status_reason, who);
    (void)BERTH(&printed, "runs", "1");
    (void)says(play->trouble, "berth runs 1", printed.data, "held by bob@away");
    take_lock_away(play);
    if (!world_wait(world, waits_no_more, NULL))
        story_trouble(world, play->trouble, "it goes on waiting for a lock that nobody holds");
    chain_say(world, "go");
    const struct run *run = story_to_end(world, play->trouble);
    if (!run || run->status != RUN_DONE)
        story_trouble(world, play->trouble, "it did not end well");
    str_release(&printed);
}

/* --- releasing ----------------------------------------------------------------------------------------------------- */

/* A tool that is killed in the middle of an apply: its run is held, its lock is left. */
static bool leaves_lock(struct play *play)
{
    struct world *world = &play->world;
    const struct run *run = story_to_gate(world, play->trouble);
    if (!run)
        return false;
    story_approve(world, run);
    if (!world_wait(world, chain_is_in_the_middle, NULL) || chain_kill_tool(world) == 0) {
        story_trouble(world, play->trouble, "there was no terraform to kill");
        return false;
    }
    run = world_wait_run(world, RUNS_REST);
    if (!run || run->status != RUN_HELD || !is_locked(play)) {
        story_trouble(world, play->trouble, "it is not held, or left no lock");
        return false;
    }
    chain_let_go(world);
    return true;
}

static bool first_run_is_done(struct world *world, void *context)
{
    const struct run *run = world_run(world, "1");
    (void)context;
    return run && run->status == RUN_DONE;
}

static void goes_on_after(struct play *play)
{
    world_ask(&play->world, "retry", "1", "{}");
    if (!world_wait(&play->world, first_run_is_done, NULL) || !chain_is(&play->world, "last", RESOURCE_OK)) {
        const struct run *run = world_run(&play->world, "1");
        str_addf(play->trouble, "it did not end well: %s, %s; ", word_name(run_status_names, run->status),
                 run->status_reason);
    }
    if (is_locked(play))
        str_add(play->trouble, "a lock is left; ");
}

static void is_released_by_unlock(struct play *play)
{
    struct world *world = &play->world;
    struct str printed = STR_INIT;
    int status = -1;
    if (!leaves_lock(play))
        return;
    for (int looks = 0; looks < LOOKS && status != 0; looks++) {
        status = BERTH(&printed, "unlock", STORY_ENVIRONMENT, "--resource", "infra");
        if (status == 0)
            break;
        if (!strstr(printed.data, "started by hand runs on this machine"))
            break;
        world_ask(world, "cancel", world_last_run(world)->id, "{}");
    }
    if (status != 0)
        str_addf(play->trouble, "unlock: exit %d: %s; ", status, printed.data);
    (void)says(play->trouble, "unlock", printed.data, "released");
    (void)says(play->trouble, "unlock", printed.data, "proven: no process of it lives on this machine");
    if (is_locked(play))
        str_add(play->trouble, "it is locked all the same; ");
    if (world_last_run(world)->approved_at != 0)
        str_add(play->trouble, "somebody was asked; ");
    goes_on_after(play);
    str_release(&printed);
}

static void is_released_by_retry(struct play *play)
{
    struct str printed = STR_INIT;
    if (!leaves_lock(play))
        return;
    goes_on_after(play);
    (void)BERTH(&printed, "log", "1");
    (void)says(play->trouble, "the log", printed.data, "is released: its holder is dead");
    str_release(&printed);
}

/* --- somebody else's ----------------------------------------------------------------------------------------------- */

static void stays_when_another_is_asked_for(struct play *play)
{
    struct world *world = &play->world;
    struct str printed = STR_INIT;
    chain_say(world, "go");
    if (!story_deploy(world, play->trouble))
        return;
    lay_lock(play);
    if (BERTH(&printed, "unlock", STORY_ENVIRONMENT, "--resource", "infra", "--lock", "other-9") == 0)
        str_add(play->trouble, "another lock is released; ");
    (void)says(play->trouble, "unlock --lock other-9", printed.data, "the lock of 'infra' is " BOBS ", not other-9");
    if (!is_locked(play))
        str_add(play->trouble, "the lock is gone; ");
    /* its own id: nobody can prove that bob is dead, so a person is asked, and then it is this one */
    (void)BERTH(&printed, "unlock", STORY_ENVIRONMENT, "--resource", "infra", "--lock", BOBS);
    (void)says(play->trouble, "unlock --lock " BOBS, printed.data, "held by bob@away");
    (void)says(play->trouble, "unlock --lock " BOBS, printed.data, "not proven: it is held by bob@away");
    const struct run *run = world_wait_run(world, 1u << RUN_GATE | RUNS_REST);
    if (!run || run->status != RUN_GATE || !is_locked(play)) {
        story_trouble(world, play->trouble, "nobody is asked");
        return;
    }
    story_approve(world, run);
    run = world_wait_run(world, RUNS_REST);
    if (!run || run->status != RUN_DONE || is_locked(play))
        story_trouble(world, play->trouble, "what was approved is not released");
    str_release(&printed);
}

/* --- all ----------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *sentence;
    void (*play)(struct play *play);
} plays[] = {
    {"who waits for the lock of a state says who holds it, until it goes on", waits},
    {"the lock of a killed tool is released by unlock, with proof and without asking", is_released_by_unlock},
    {"the lock of a killed tool is released by the retry of its run", is_released_by_retry},
    {"another lock than the one asked for stays, and so does that of the living", stays_when_another_is_asked_for},
};
#define PLAYS (sizeof plays / sizeof *plays)

static void play_one(size_t index, void *context, struct str *trouble, struct str *note)
{
    struct play play = {.trouble = trouble};
    struct str backend = STR_INIT;
    if (!*(bool *)context) {
        str_add(note, "SKIP there is no terraform on PATH");
        return;
    }
    world_open(&play.world, &(struct world_spec){.executor = WORLD_EXEC, .template_text = chain_template});
    char *folder = path_join(play.world.folder, "bucket");
    bucket_start(&play.bucket, folder);
    bucket_backend(&play.bucket, "state", &backend);
    chain_add(&play.world, backend.data);
    world_start(&play.world);
    plays[index].play(&play);
    bucket_stop(&play.bucket); /* first: it has the world's end of the pipe that says that the world is over */
    world_close(&play.world);
    str_release(&backend);
    free(folder);
}

int main(void)
{
    bool there = world_has_terraform();
    struct case_result *results = cases_play(PLAYS, play_one, &there);
    for (size_t i = 0; i < PLAYS; i++)
        (void)cases_tell(i + 1, &results[i], "%s", plays[i].sentence);
    cases_free(results, PLAYS);
    printf("1..%zu\n", PLAYS);
    return 0;
}
