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

/* The newest run of an environment, through a session of its own. */
static bool newest_run(struct story *story, const char *environment, struct run *run)
{
    struct cli own = {.folder = story->folder};
    struct run found;
    bool done = session_open(&own, STORE_READER, SESSION_AS_IT_IS, story->error) &&
                session_need_run(&own, environment, NULL, &found, story->error);

    if (done)
        *run = *(struct run *)record_copy(&run_type, &found, &story->cli->arena);
    session_close(&own);
    arena_release(&own.arena);
    return done;
}

static bool approve(struct story *story, const char *environment, int wanted)
{
    struct run run;

    return newest_run(story, environment, &run) && TELL(story, 0, "runs", run.id) &&
           TELL(story, wanted, "approve", run.id, "--digest", run.digest, "--wait", "--timeout", "2m");
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

static bool show_failure(struct story *story, const char *environment)
{
    struct run run;

    return newest_run(story, environment, &run) &&
           TELL(story, 0, "log", arena_printf(&story->cli->arena, "%s.apply.migration", run.id));
}

bool demo_story(struct cli *cli, const char *folder, const char *service, struct error *error)
{
    static const char good[] = "review/feature-checkout", bad[] = "review/fix-broken-migration";
    struct story story = {cli, folder, service, error};

    return TELL(&story, 0, "branches") && TELL(&story, 0, "why", "deploy", good) &&
           TELL(&story, 3, "deploy", "feature/checkout", "--wait", "--timeout", "2m") && approve(&story, good, 0) &&
           TELL(&story, 0, "env", good) && entrypoint_answers(&story, good) && TELL(&story, 0, "graph", good) &&
           TELL(&story, 3, "deploy", "fix/broken-migration", "--wait", "--timeout", "2m") && approve(&story, bad, 1) &&
           TELL(&story, 0, "env", bad) && show_failure(&story, bad) && TELL(&story, 0, "envs") &&
           TELL(&story, 0, "destroy", good, "--confirm", good, "--wait", "--timeout", "2m") &&
           TELL(&story, 0, "envs", "--all") && TELL(&story, 0, "runs") && TELL(&story, 0, "audit", "verify") &&
           TELL(&story, 0, "audit") && TELL(&story, 0, "stop");
}
