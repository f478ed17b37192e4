/* SPDX-License-Identifier: ISC */
/*
 * What happens in the demo: a first part that gives the dashboard something to show, and the whole story in acts for where nobody watches. Commands are
 * those a person would type; each is run as typed, and what came of it must be what the story tells.
 */
#include "cli/demo.h"

#include "cli/dispatch.h"
#include "cli/output.h"

#include "berth/base/time.h"

#include <unistd.h>

#define WORDS_MOST 10
#define PATIENCE_MS (2 * MS_MINUTE)

struct story {
    const struct demo *demo;
    struct error *error;
    int acts; /* told */
};

/* --- one thing at a time ------------------------------------------------------------------------------------------- */

static void act(struct story *story, const char *title)
{
    struct cli *cli = story->demo->cli;

    printf("\n");
    print_heading(cli, arena_printf(&cli->arena, "%d. %s", ++story->acts, title));
}

/* Runs one command as it would be typed. */
static bool tell(struct story *story, const char *const *words)
{
    char *argv[WORDS_MOST + 1] = {0};
    int argc = 0, status;

    printf("$ berth");
    for (; words[argc] != NULL && argc < WORDS_MOST; argc++) {
        argv[argc] = arena_strdup(&story->demo->cli->arena, words[argc]);
        printf(" %s", words[argc]);
    }
    printf("\n");
    fflush(stdout);
    status = run_words(story->demo->repository, argc, argv);
    return status == 0 || error_set(story->error, ERROR_TOOL, "berth %s ended with %d, which the demo does not expect",
                                    words[0], status);
}

#define TELL(story, ...) tell(story, (const char *const[]){__VA_ARGS__, NULL})

/* Runs a program of the system, told as it would be typed; "" tells nothing. */
static bool run_program(struct story *story, const char *told, const char *const *argv, int output_fd)
{
    if (!text_empty(told))
        printf("$ %s\n", told);
    fflush(stdout);
    return demo_run(argv, story->demo->repository, -1, output_fd, story->error);
}

/* --- what the store says ------------------------------------------------------------------------------------------- */

/* Something of the workspace through a session of its own; what it gives lives in the arena of `own`. */
typedef bool look_function(struct story *story, struct cli *own, const char *subject, void *result);

static bool look(struct story *story, look_function *function, const char *subject, void *result)
{
    struct cli own = {.folder = story->demo->repository};
    bool done;

    output_setup(&own);
    done = session_open(&own, STORE_READER, SESSION_AS_IT_IS, story->error) && function(story, &own, subject, result);
    session_close(&own);
    arena_release(&own.arena);
    return done;
}

static bool look_newest_run(struct story *story, struct cli *own, const char *subject, void *result)
{
    struct run *rows, **run = result;
    size_t count = 0;

    if (!session_list(own, &run_type, "number", NULL, true, 0, &rows, &count, story->error))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (text_equal(rows[i].environment_name, subject)) {
            *run = record_copy(&run_type, &rows[i], &story->demo->cli->arena);
            return true;
        }
    }
    return error_set(story->error, ERROR_NOT_FOUND, "there is no run of %s", subject);
}

static bool newest_run(struct story *story, const char *environment, struct run **run)
{
    return look(story, look_newest_run, environment, run);
}

static bool look_entrypoint(struct story *story, struct cli *own, const char *subject, void *result)
{
    struct environment environment;

    if (!session_need_environment(own, subject, &environment, story->error))
        return false;
    *(const char **)result = arena_strdup(&story->demo->cli->arena, environment.entrypoint);
    return true;
}

/* Until the run waits for a person or has ended; `result` gets the exit status that --wait would have. */
static bool look_until_settled(struct story *story, struct cli *own, const char *subject, void *result)
{
    return wait_for_run(own, subject, time_monotonic_ms() + PATIENCE_MS, NULL, result, story->error);
}

/* Until the environment is destroyed. */
static bool look_until_gone(struct story *story, struct cli *own, const char *subject, void *result)
{
    const int64_t deadline = time_monotonic_ms() + PATIENCE_MS;

    (void)result;
    for (;;) {
        struct environment environment;
        int64_t left = deadline - time_monotonic_ms();

        if (!session_need_environment(own, subject, &environment, story->error))
            return false;
        if (environment.status == ENVIRONMENT_DESTROYED)
            return true;
        if (left <= 0)
            return error_set(story->error, ERROR_TIMEOUT, "%s did not end with its branch", subject);
        wait_for_bell(own->store, left);
    }
}

/* --- runs ---------------------------------------------------------------------------------------------------------- */

/* Follows the newest run of an environment and says in one line what came of it. */
static bool follow(struct story *story, const char *environment, int wanted, struct run **run)
{
    struct cli *cli = story->demo->cli;
    enum style style;
    int status = -1;
    const char *text;

    if (!newest_run(story, environment, run) || !look(story, look_until_settled, (*run)->id, &status) ||
        !newest_run(story, environment, run))
        return false;
    text = shown_run_status(cli, (*run)->status, &style);
    printf("run %s of %s: ", (*run)->id, environment);
    print_styled(cli, style, text);
    printf("%s\n", shown_because(cli, word_name(run_status_names, (*run)->status), (*run)->status_reason));
    fflush(stdout);
    return status == wanted || error_set(story->error, ERROR_TOOL, "run %s ended with %d where the demo wants %d",
                                         (*run)->id, status, wanted);
}

static bool approve(struct story *story, const struct run *run)
{
    return TELL(story, "approve", run->id, "--digest", arena_strndup(&story->demo->cli->arena, run->digest, 12));
}

static const char *review_of(struct story *story, const char *branch)
{
    return arena_printf(&story->demo->cli->arena, "review/%s", branch);
}

/* The branches together: asked for, each at its gate, each approved, each done. */
static bool deploy_all(struct story *story, const char *const *list, size_t count)
{
    struct run *run;

    for (size_t i = 0; i < count; i++) {
        if (!TELL(story, "deploy", list[i]))
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!follow(story, review_of(story, list[i]), 3, &run) || !approve(story, run))
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!follow(story, review_of(story, list[i]), 0, &run))
            return false;
    }
    return true;
}

/* Somebody pushes the commit that fails. */
static bool push_broken(struct story *story)
{
    const char *const argv[] = {"git", "branch", "-f", DEMO_BROKEN, DEMO_BROKEN_NEXT, NULL};

    return run_program(story, "git branch -f " DEMO_BROKEN " " DEMO_BROKEN_NEXT, argv, -1);
}

static bool delete_branch(struct story *story)
{
    const char *const argv[] = {"git", "branch", "-q", "-D", DEMO_LEAVES, NULL};

    return run_program(story, "git branch -D " DEMO_LEAVES, argv, -1);
}

static bool entrypoint_answers(struct story *story, const char *environment)
{
    struct cli *cli = story->demo->cli;
    const char *url = "";

    return look(story, look_entrypoint, environment, &url) &&
           run_program(story, arena_printf(&cli->arena, "curl %s", url),
                       (const char *const[]){story->demo->service, "get", url, NULL}, STDOUT_FILENO);
}

/* --- the acts -------------------------------------------------------------------------------------------------------- */

static bool act_reviews(struct story *story)
{
    static const char *const list[] = {"checkout", DEMO_BROKEN, DEMO_LEAVES};

    act(story, "Three branches get an environment each: plan, gate, approval, apply");
    return deploy_all(story, list, 3) && entrypoint_answers(story, "review/checkout") &&
           TELL(story, "env", "review/checkout");
}

static bool act_staging(struct story *story)
{
    struct run *run;

    act(story, text_empty(story->demo->tool)
                   ? "Staging waits at its gate, for an approval of exactly this plan"
                   : "Staging waits at its gate, for an approval of exactly this Terraform plan");
    return TELL(story, "deploy", "staging") && follow(story, "staging", 3, &run) && TELL(story, "runs", run->id) &&
           approve(story, run) && follow(story, "staging", 0, &run) && TELL(story, "env", "staging");
}

static bool act_rollback(struct story *story)
{
    const char *environment = review_of(story, DEMO_BROKEN);
    struct run *run, *failed;

    act(story, "A commit that fails is rolled back to the last good release, by itself");
    return push_broken(story) && TELL(story, "deploy", DEMO_BROKEN) && follow(story, environment, 3, &failed) &&
           approve(story, failed) && look(story, look_until_settled, failed->id, &(int){0}) &&
           TELL(story, "log", arena_printf(&story->demo->cli->arena, "%s.apply.migration", failed->id)) &&
           follow(story, environment, 0, &run) && TELL(story, "runs", environment) &&
           TELL(story, "releases", environment);
}

static bool act_cleaner(struct story *story)
{
    const char *environment = review_of(story, DEMO_LEAVES);
    struct run *run;

    act(story, "A branch goes, and its environment after it");
    if (!delete_branch(story) || !look(story, look_until_gone, environment, NULL) ||
        !newest_run(story, environment, &run))
        return false;
    printf("run %s destroyed %s: %s\n", run->id, environment, shown(story->demo->cli, run->reason));
    return TELL(story, "runs", environment);
}

static bool act_destroy(struct story *story)
{
    struct run *run;

    act(story, "Another is destroyed by hand, by its name");
    return TELL(story, "destroy", "review/checkout", "--confirm", "review/checkout") &&
           follow(story, "review/checkout", 0, &run) && TELL(story, "envs", "--all");
}

bool demo_story(const struct demo *demo, struct error *error)
{
    struct story story = {.demo = demo, .error = error};

    act(&story, "A dozen branches, no environment yet");
    if (!TELL(&story, "branches") || !act_reviews(&story) || !act_staging(&story) || !act_rollback(&story) ||
        !act_cleaner(&story) || !act_destroy(&story))
        return false;
    act(&story, "All of it is in the audit, each entry chained to the one before");
    return TELL(&story, "audit", "verify") && TELL(&story, "audit", "--limit", "15");
}

/* A berthd that has listed the branches. */
static bool serve(struct story *story)
{
    struct cli own = {.folder = story->demo->repository};
    bool done;

    output_setup(&own);
    done = session_open(&own, STORE_READER, SESSION_START, story->error);
    session_close(&own);
    arena_release(&own.arena);
    return done;
}

bool demo_begin(const struct demo *demo, struct error *error)
{
    static const char *const list[] = {"search", DEMO_BROKEN, DEMO_LEAVES};
    struct story story = {.demo = demo, .error = error};
    struct run *run;

    return serve(&story) && deploy_all(&story, list, 3) && push_broken(&story) && delete_branch(&story) &&
           TELL(&story, "deploy", "staging") && follow(&story, "staging", 3, &run);
}
