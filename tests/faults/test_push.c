/* SPDX-License-Identifier: ISC */
/*
 * Branches that move while runs wait or work, and listings that are empty for a moment: the last push is what is deployed, nothing that was recorded is
 * lost, nothing runs twice, also when the supervisor is killed in between.
 */
#include "faults/cases.h"
#include "faults/story.h"

#include "berth/base/file.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AFTER_LISTING "observer.after_listing"
#define ARMED_COUNT "99999\n"
#define HALF_STORED(n)                                                                                                \
    {                                                                                                                 \
        "a first listing triggers nothing when write " #n " fails", is_half_stored, "push", "store.write:" #n "=fail" \
    }

struct sight {
    const char *id;
    const char *commit;
    bool gone;
};

static char *commit_of(struct world *world, const char *ref)
{
    struct str text = STR_INIT;
    char *path = path_printf("%s/.git/refs/heads/%s", world->repository, ref);
    if (!file_read(path, 100, &text, NULL))
        printf("# %s cannot be read\n", path);
    free(path);
    text.data[strcspn(text.data, "\n")] = '\0';
    return str_take(&text);
}

static bool branch_is(struct world *world, void *context)
{
    const struct sight *sight = context;
    struct branch row;
    return store_get(world->store, &branch_type, sight->id, &world->arena, &row, NULL) == STORE_FOUND &&
           (!sight->commit || text_equal(row.commit, sight->commit)) && (row.gone_at > 0) == sight->gone;
}

static void wait_branch(struct world *world, const char *commit, bool gone, struct str *trouble)
{
    struct sight sight = {.id = "app:feature/x", .commit = commit, .gone = gone};
    if (!world_wait(world, branch_is, &sight))
        story_trouble(world, trouble, gone ? "a branch that went is still there" : "a push was not seen");
}

static void push(struct world *world, const char *commit, struct str *trouble)
{
    world_git(world, "update-ref", "refs/heads/feature/x", commit);
    wait_branch(world, commit, false, trouble);
}

struct wanted {
    const char *commit;
    unsigned statuses;
};

static bool last_run_is(struct world *world, void *context)
{
    const struct wanted *wanted = context;
    const struct run *run = world_last_run(world);
    return run && text_equal(run->commit, wanted->commit) && (wanted->statuses & 1u << run->status);
}

/* The last run is about this commit and has one of these statuses. */
static const struct run *wait_run_of(struct world *world, const char *commit, unsigned statuses, struct str *trouble)
{
    struct wanted wanted = {.commit = commit, .statuses = statuses};
    if (world_wait(world, last_run_is, &wanted))
        return world_last_run(world);
    story_trouble(world, trouble, "the run of the last push is not where it should be");
    return NULL;
}

static size_t count_runs(struct world *world, enum run_status status)
{
    int64_t count = 0;
    struct store_query query = {
        .type = &run_type, .index = "status", .equal = {word_name(run_status_names, (int)status)}};
    return store_count(world->store, &query, &count, NULL) ? (size_t)count : SIZE_MAX;
}

struct commits {
    char *a, *b;
};

/* feature/x at a new commit: a push, where main's first was there when berth looked first. */
static struct commits make_commits(struct world *world)
{
    struct commits commits = {.a = commit_of(world, "feature/x")};
    world_git(world, "checkout", "-q", "feature/x");
    world_git(world, "commit", "--allow-empty", "-qmsecond");
    commits.b = commit_of(world, "feature/x");
    world_git(world, "checkout", "-q", "main");
    return commits;
}

/* A is there, B is pushed, A is pushed again: the run of B never applies. */
static void back_and_forth(struct world *world, bool kills, struct str *trouble)
{
    wait_branch(world, NULL, false, trouble);
    struct commits commits = make_commits(world);
    const struct run *run = wait_run_of(world, commits.b, 1u << RUN_GATE, trouble);
    const char *digest_of_b = run ? run->digest : "", *run_of_b = run ? run->id : "";
    push(world, commits.a, trouble);
    if (kills)
        world_kill(world, SIGKILL);
    run = wait_run_of(world, commits.a, 1u << RUN_GATE, trouble);
    struct str arguments = STR_INIT;
    str_addf(&arguments, "{\"digest\":\"%s\"}", digest_of_b);
    const struct command *late = world_ask(world, "approve", run_of_b, arguments.data);
    str_release(&arguments);
    if (!late || late->status == COMMAND_DONE)
        story_trouble(world, trouble, "a plan that a newer push replaced was approved");
    if (world_journal(world, "begin up a") > 0)
        story_trouble(world, trouble, "a tool ran before the gate");
    if (kills)
        world_kill(world, SIGKILL);
    if (run && story_to_end(world, trouble) && !text_equal(world_last_run(world)->commit, commits.a))
        story_trouble(world, trouble, "another commit than the last push was deployed");
    if (count_runs(world, RUN_SUPERSEDED) != 1 || count_runs(world, RUN_DONE) != 1)
        story_trouble(world, trouble, "one run was to be superseded, and one done");
    free(commits.a);
    free(commits.b);
}

static void moves(struct world *world, struct str *trouble)
{
    back_and_forth(world, false, trouble);
    story_destroy(world, trouble);
    story_check(world, trouble);
}

static void moves_killed(struct world *world, struct str *trouble)
{
    back_and_forth(world, true, trouble);
    story_destroy(world, trouble);
    story_check(world, trouble);
}

static bool tool_runs(struct world *world, void *context)
{
    return world_journal(world, context) > 0;
}

/* B is being applied when A is pushed again: B ends, then A has its own gate and is deployed. */
static void moves_in_apply(struct world *world, struct str *trouble)
{
    wait_branch(world, NULL, false, trouble);
    struct commits commits = make_commits(world);
    const struct run *run = wait_run_of(world, commits.b, 1u << RUN_GATE, trouble);
    world_hold_tool(world, "up", "a");
    if (run)
        story_approve(world, run);
    if (!world_wait(world, tool_runs, (void *)(uintptr_t) "begin up a"))
        story_trouble(world, trouble, "the tool never began");
    push(world, commits.a, trouble);
    world_kill(world, SIGKILL);
    world_release_tool(world, "up", "a");
    run = wait_run_of(world, commits.a, 1u << RUN_GATE, trouble);
    if (count_runs(world, RUN_DONE) != 1)
        story_trouble(world, trouble, "an apply under way was not ended by itself");
    if (run)
        story_approve(world, run);
    if (!wait_run_of(world, commits.a, 1u << RUN_DONE, trouble) || world_journal(world, "end up a") != 2)
        story_trouble(world, trouble, "each push that was approved is applied once");
    story_destroy(world, trouble);
    if (world_breaches(world, trouble) > 0)
        story_trouble(world, trouble, "");
    free(commits.a);
    free(commits.b);
}

/* Every branch but the trusted one vanishes and comes back: nothing is destroyed, nothing is deployed again. */
static void vanishes(struct world *world, struct str *trouble)
{
    wait_branch(world, NULL, false, trouble);
    struct commits commits = make_commits(world);
    wait_run_of(world, commits.b, 1u << RUN_GATE, trouble);
    story_to_end(world, trouble);
    world_git(world, "update-ref", "-d", "refs/heads/feature/x");
    wait_branch(world, NULL, true, trouble);
    world_kill(world, SIGKILL);
    const struct environment *environment = world_environment(world, STORY_ENVIRONMENT);
    if (!environment || environment->status != ENVIRONMENT_OK)
        story_trouble(world, trouble, "an environment went with its branch");
    story_destroy(world, trouble); /* its commit is pinned */
    story_check(world, trouble);
    free(commits.a);
    free(commits.b);
}

/* For a moment the repository has no refs at all. */
static void is_empty(struct world *world, struct str *trouble)
{
    char *aside = path_join(world->repository, ".git/aside");
    wait_branch(world, NULL, false, trouble);
    if (!story_deploy(world, trouble))
        story_trouble(world, trouble, "no deploy");
    int64_t before = world_last_run(world)->number;
    world_git(world, "pack-refs", "--all", NULL);
    char *packed = path_join(world->repository, ".git/packed-refs");
    if (rename(packed, aside) != 0)
        story_trouble(world, trouble, "no refs to take away");
    wait_branch(world, NULL, true, trouble);
    world_kill(world, SIGKILL);
    if (rename(aside, packed) != 0)
        story_trouble(world, trouble, "no refs to give back");
    wait_branch(world, NULL, false, trouble);
    const struct run *run = world_last_run(world);
    if (!run || (run->number != before && run->status != RUN_GATE))
        story_trouble(world, trouble, "a listing without a branch made something run");
    story_destroy(world, trouble);
    story_check(world, trouble);
    free(aside);
    free(packed);
}

static void read_pid(struct world *world, const char *point, pid_t *pid)
{
    struct str text = STR_INIT;
    char *path = path_printf("%s/faults/%s.fired", world->folder, point);
    *pid = file_read(path, 64, &text, NULL) ? (pid_t)strtol(text.data, NULL, 10) : 0;
    str_release(&text);
    free(path);
}

static bool point_fired(struct world *world, void *context)
{
    return world_fired(world, context);
}

/* The next time that the point is reached is the one that BERTH_FAULT waits for. */
static void arm(struct world *world, struct str *trouble)
{
    char *path = path_printf("%s/faults/" AFTER_LISTING ".count", world->folder);
    if (!file_replace(path, ARMED_COUNT, strlen(ARMED_COUNT), 0600, FILE_RELAXED, NULL))
        story_trouble(world, trouble, "the point cannot be armed");
    free(path);
}

/* What a repository lists after `main` moved has been stored when main's new commit has. */
static void settle(struct world *world, struct str *trouble)
{
    world_git(world, "commit", "--allow-empty", "-qmsettle");
    struct sight sight = {.id = "app:main", .commit = commit_of(world, "main")};
    if (!world_wait(world, branch_is, &sight))
        story_trouble(world, trouble, "main did not move");
    free((char *)(uintptr_t)sight.commit);
    world_ask(world, "hold", STORY_ENVIRONMENT, "{}"); /* whatever a listing triggered has been answered by then */
}

/* One listing does not show the branch, the next does: it never went, so nothing is deployed anew. */
static void is_missed_once(struct world *world, struct str *trouble)
{
    pid_t observer = 0;
    wait_branch(world, NULL, false, trouble);
    settle(world, trouble);
    char *commit = commit_of(world, "feature/x");
    arm(world, trouble);
    world_git(world, "update-ref", "-d", "refs/heads/feature/x");
    if (!world_wait(world, point_fired, (void *)(uintptr_t)AFTER_LISTING))
        story_trouble(world, trouble, "it was not listed again");
    world_git(world, "update-ref", "refs/heads/feature/x", commit);
    read_pid(world, AFTER_LISTING, &observer);
    if (observer > 0)
        kill(observer, SIGCONT);
    settle(world, trouble);
    wait_branch(world, commit, false, trouble);
    if (world_last_run(world))
        story_trouble(world, trouble, "a branch that one listing did not show was deployed anew");
    free(commit);
}

/* What could not be stored of a first listing comes with the next, and is still no push. */
static void is_half_stored(struct world *world, struct str *trouble)
{
    wait_branch(world, NULL, false, trouble);
    settle(world, trouble);
    if (world_last_run(world))
        story_trouble(world, trouble, "a first listing deployed something");
}

static const struct push_case {
    const char *name;
    void (*play)(struct world *world, struct str *trouble);
    const char *deploy_on;
    const char *fault;
} cases[] = {
    {"a branch goes to another commit and back while runs wait", moves, "push", ""},
    {"a branch goes to another commit and back, the supervisor killed twice", moves_killed, "push", ""},
    {"a branch goes back while its commit is applied, the supervisor killed", moves_in_apply, "push", ""},
    {"a branch that vanishes takes nothing with it", vanishes, "push", ""},
    {"a repository without a ref for a moment loses nothing", is_empty, "manual", ""},
    {"a branch that one listing misses is not deployed anew", is_missed_once, "push", AFTER_LISTING ":100000=stop"},
    HALF_STORED(4),
    HALF_STORED(5),
    HALF_STORED(6),
    HALF_STORED(7),
    HALF_STORED(8),
    HALF_STORED(9),
    HALF_STORED(10),
    HALF_STORED(11),
    HALF_STORED(12),
};

static void play(size_t index, void *context, struct str *trouble, struct str *note)
{
    struct world world;
    (void)context;
    (void)note;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC, .deploy_on = cases[index].deploy_on});
    world.fault = cases[index].fault;
    world_start(&world);
    cases[index].play(&world, trouble);
    world_close(&world);
}

int main(void)
{
    size_t count = sizeof cases / sizeof cases[0];
    struct case_result *results = cases_play(count, play, NULL);
    for (size_t i = 0; i < count; i++)
        cases_tell(i + 1, &results[i], "%s", cases[i].name);
    cases_free(results, count);
    printf("1..%zu\n", count);
    return 0;
}
