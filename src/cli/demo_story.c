/* SPDX-License-Identifier: ISC */
/* The demo's story without a screen: each command as a person would type it, what it says, and that it did what the story tells. */
#include "cli/demo.h"

#include "cli/dispatch.h"
#include "cli/output.h"

#include <unistd.h>

#define WORDS_MOST 10

struct story {
    struct cli *cli;
    const char *folder, *service;
    struct error *error;
};

/* Runs one command; true when it ended with the status that the story wants. */
static bool tell(struct story *story, int wanted, const char *const *words)
{
    char *argv[WORDS_MOST + 1] = {0};
    int argc = 0, status;

    printf("\n$ berth");
    for (; words[argc] != NULL && argc < WORDS_MOST; argc++) {
        argv[argc] = arena_strdup(&story->cli->arena, words[argc]);
        printf(" %s", words[argc]);
    }
    printf("\n");
    fflush(stdout);
    status = run_words(story->folder, argc, argv);
    if (status == wanted)
        return true;
    return error_set(story->error, ERROR_TOOL, "berth %s ended with %d where the demo wants %d", words[0], status,
                     wanted);
}

#define TELL(story, wanted, ...) tell(story, wanted, (const char *const[]){__VA_ARGS__, NULL})

/* The newest run, through a session of its own. */
static bool newest_run(struct story *story, struct run *run)
{
    struct cli own = {.folder = story->folder};
    struct run *rows;
    size_t count = 0;
    bool done = session_open(&own, STORE_READER, SESSION_AS_IT_IS, story->error) &&
                session_list(&own, &run_type, "number", NULL, true, 1, &rows, &count, story->error);

    if (done && count == 1)
        *run = *(struct run *)record_copy(&run_type, &rows[0], &story->cli->arena);
    session_close(&own);
    arena_release(&own.arena);
    return done && (count == 1 || error_set(story->error, ERROR_NOT_FOUND, "there is no run"));
}

/* Deploys a branch up to its gate, reads the plan, approves it; `run` tells where. */
static bool deploy(struct story *story, const char *branch, int wanted, struct run *run)
{
    return TELL(story, 3, "deploy", branch, "--wait", "--timeout", "2m") && newest_run(story, run) &&
           TELL(story, 0, "runs", run->id) &&
           TELL(story, wanted, "approve", run->id, "--digest", run->digest, "--wait", "--timeout", "2m");
}

static bool entrypoint_answers(struct story *story, const char *name)
{
    struct cli own = {.folder = story->folder};
    struct environment environment;
    const char *argv[] = {story->service, "get", "", NULL};
    bool done = session_open(&own, STORE_READER, SESSION_AS_IT_IS, story->error) &&
                session_need_environment(&own, name, &environment, story->error);

    if (done) {
        argv[2] = arena_strdup(&story->cli->arena, environment.entrypoint);
        printf("\n$ curl %s\n", argv[2]);
        fflush(stdout);
    }
    session_close(&own);
    arena_release(&own.arena);
    return done && demo_run(argv, story->folder, -1, STDOUT_FILENO, story->error);
}

bool demo_story(struct cli *cli, const char *folder, const char *service, struct error *error)
{
    struct story story = {cli, folder, service, error};
    struct run good, bad;

    return TELL(&story, 0, "branches") && TELL(&story, 0, "why", "deploy", "feature/checkout") &&
           deploy(&story, "feature/checkout", 0, &good) && TELL(&story, 0, "env", good.environment_name) &&
           entrypoint_answers(&story, good.environment_name) && TELL(&story, 0, "graph", good.environment_name) &&
           deploy(&story, "fix/broken-migration", 1, &bad) && TELL(&story, 0, "env", bad.environment_name) &&
           TELL(&story, 0, "log", arena_printf(&cli->arena, "%s.apply.migration", bad.id)) && TELL(&story, 0, "envs") &&
           TELL(&story, 0, "destroy", good.environment_name, "--confirm", good.environment_name, "--wait", "--timeout",
                "2m") &&
           TELL(&story, 0, "envs", "--all") && TELL(&story, 0, "runs") && TELL(&story, 0, "audit", "verify") &&
           TELL(&story, 0, "audit");
}
