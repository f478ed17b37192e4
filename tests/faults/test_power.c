/* SPDX-License-Identifier: ISC */
/*
 * The power fails under both programs: at a named moment, or at some change of a file, all processes are killed and the store's folder is made as a disk
 * would be found that lost what was not synced, wholly or partly. After the restart everything that anybody could have seen as answered, approved or done
 * is there, the audit is whole, nothing that was interrupted runs again unasked, and the story goes on to its end.
 */
#include "faults/calls.h"
#include "faults/cases.h"
#include "faults/disk.h"
#include "faults/story.h"

#include "berth/base/file.h"
#include "berth/base/time.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANY_MOMENTS 12 /* in CI; ten times as many under `make torture` */
#define LIMIT_MS 30000
#define POLL_MS 2

static const char *const resources[] = {"a", "b", "c"};
#define RESOURCES (sizeof resources / sizeof resources[0])

struct moment {
    const char *name, *fault; /* NULL: at once after `verb` was answered, or at any change */
    const char *verb;
    bool left; /* the supervisor is killed, and a worker that nobody listens to leaves its result of b */
};
static const struct moment moments[] = {
    {"a deploy is accepted", "supervisor.after_accept:1=stop", NULL, false},
    {"an approval is answered", NULL, "approve", false},
    {"a plan is claimed", "supervisor.after_claim:2=stop", NULL, false},
    {"the second step of an apply is claimed", "supervisor.after_claim:6=stop", NULL, false},
    {"a tool has ended", "worker.after_tool:2=stop", NULL, false},
    {"a result is sent", "worker.after_result:6=stop", NULL, false},
    {"a result is stored", "supervisor.after_commit:6=stop", NULL, false},
    {"a destroy is answered", NULL, "destroy", false},
    {"a destroy has begun", "worker.mid_destroy:2=stop", NULL, false},
    {"a result is left by a worker whose supervisor is gone", NULL, NULL, true},
};
#define MOMENTS (sizeof moments / sizeof moments[0])

struct changes {           /* of files, in a story to its end */
    size_t count, moments; /* cut at so many of them */
    size_t first;          /* case that is played */
};

struct cut {
    struct world world;
    struct calls *calls;
    const struct moment *moment; /* NULL: any change */
    uint64_t seed;
    enum disk_loss loss;
    bool is_now;
    struct str *trouble;
};

/* --- until the power fails ------------------------------------------------------------------------------------------------ */

static bool has_fired(struct cut *cut)
{
    bool named = cut->moment && cut->moment->fault;
    char point[64] = "";
    if (named)
        snprintf(point, sizeof point, "%.*s", (int)strcspn(cut->moment->fault, ":"), cut->moment->fault);
    cut->is_now = cut->is_now || (named ? world_fired(&cut->world, point) : atomic_load(&cut->calls->fired) != 0);
    return cut->is_now;
}

/* The real berth asks; what it has to wait for may never come. */
static void ask(struct cut *cut, const char *const *arguments)
{
    struct error error = {0};
    struct process process;
    int status = 0;
    const char *argv[12] = {getenv("BERTH") ? getenv("BERTH") : TEST_BUILDDIR "/src/berth"};
    for (size_t i = 0; arguments[i] && i < 10; i++)
        argv[i + 1] = arguments[i];
    struct process_spec spec = {
        .argv = argv, .folder = cut->world.repository, .input_fd = -1, .output_fd = -1, .error_fd = -1};
    calls_enter(&cut->world);
    bool started = process_start(&spec, &process, &error), ended = !started;
    calls_leave();
    while (!ended && !has_fired(cut)) {
        ended = process_poll(&process, &status);
        if (!ended)
            poll(NULL, 0, POLL_MS); /* poll: until it is answered, or the power fails */
    }
    if (ended && (!started || status != 0))
        str_addf(cut->trouble, "berth %s failed: %s; ", arguments[0], error.message);
    if (ended && cut->moment && text_equal(cut->moment->verb, arguments[0]))
        cut->is_now = true;
    if (!ended) {
        process_signal(&process, SIGKILL);
        ended = process_wait(&process, &status, NULL);
    }
    process_release(&process);
}

/* The last run as soon as it has one of the statuses; NULL when the power fails before. */
static const struct run *until(struct cut *cut, enum workflow workflow, unsigned statuses)
{
    int64_t limit = time_monotonic_ms() + LIMIT_MS;
    while (!has_fired(cut) && time_monotonic_ms() < limit) {
        const struct run *run = world_last_run(&cut->world);
        if (run && run->workflow == (int)workflow && (statuses & 1u << run->status))
            return run;
        poll(NULL, 0, POLL_MS); /* poll: the row changes, or the power fails */
    }
    return NULL;
}

static bool is_left(struct world *world)
{
    struct folder_list list;
    char *folder = path_join(world->store_folder, "runs/1");
    bool left = false;
    if (folder_list(folder, &list, NULL)) {
        for (size_t i = 0; i < list.count; i++)
            left = left || text_ends(list.names[i], ".result");
        folder_list_free(&list);
    }
    free(folder);
    return left;
}

static void see_process(pid_t pid, void *context)
{
    (void)pid;
    (void)context;
}

static bool none_runs(struct world *world)
{
    char *home = path_printf("HOME=%s", world->folder);
    size_t running = process_find(home, 0, see_process, NULL);
    free(home);
    return running == 0;
}

/* The result is there under its name, and its worker has ended: then it has promised to be durable. */
static void leave_result(struct cut *cut)
{
    struct world *world = &cut->world;
    int64_t limit = time_monotonic_ms() + LIMIT_MS;
    while (world_journal(world, "begin up b") == 0 && time_monotonic_ms() < limit)
        poll(NULL, 0, POLL_MS); /* poll: the tool is begun */
    world_kill(world, SIGKILL);
    world_release_tool(world, "up", "b");
    while (!(cut->is_now = is_left(world) && none_runs(world)) && time_monotonic_ms() < limit)
        poll(NULL, 0, POLL_MS); /* poll: the worker has ended */
}

static void play_until_cut(struct cut *cut)
{
    bool leaves = cut->moment && cut->moment->left;
    if (leaves)
        world_hold_tool(&cut->world, "up", "b");
    ask(cut, (const char *[]){"deploy", STORY_ENVIRONMENT, "--ref", "feature/x", NULL});
    const struct run *run = until(cut, WORKFLOW_DEPLOY, 1u << RUN_GATE);
    if (run)
        ask(cut, (const char *[]){"approve", run->id, "--digest", run->digest, NULL});
    if (leaves)
        leave_result(cut);
    else if (run && until(cut, WORKFLOW_DEPLOY, 1u << RUN_DONE)) {
        ask(cut, (const char *[]){"destroy", STORY_ENVIRONMENT, "--confirm", STORY_ENVIRONMENT, NULL});
        (void)until(cut, WORKFLOW_DESTROY, RUNS_REST);
    }
}

/* --- what was seen, and what is there afterwards ---------------------------------------------------------------------------- */

struct seen {
    VEC(const void *) rows;
    struct arena arena;
    const struct record_type *type;
    int64_t entries;
};

static bool keep_row(const void *row, void *context)
{
    struct seen *seen = context;
    vec_push(&seen->rows, record_copy(seen->type, row, &seen->arena));
    return true;
}

static void see(struct world *world, const struct record_type *type, struct seen *seen)
{
    struct store_query query = {.type = type};
    seen->type = type;
    if (!store_each(world->store, &query, keep_row, seen, NULL))
        printf("# the rows cannot be read\n");
}

static bool is_answer(const struct command *command)
{
    return command->status != COMMAND_WAITING;
}

static void check_rows(struct cut *cut, const struct seen *commands, const struct seen *steps,
                       const struct seen *approvals)
{
    struct world *world = &cut->world;
    for (size_t i = 0; i < commands->rows.count; i++) {
        const struct command *was = commands->rows.items[i], *is = world_command(world, was->id);
        if (!is || (is_answer(was) && is->status == COMMAND_WAITING))
            str_addf(cut->trouble, "the command %s (%s) is lost; ", was->verb, is ? "its answer" : "all of it");
    }
    for (size_t i = 0; i < steps->rows.count; i++) {
        const struct step *was = steps->rows.items[i];
        struct step is;
        bool found = store_get(world->store, &step_type, was->id, &world->arena, &is, NULL) == STORE_FOUND;
        if (was->status == STEP_DONE && (!found || is.status != STEP_DONE))
            str_addf(cut->trouble, "the step %s was done and is not any more; ", was->id);
    }
    for (size_t i = 0; i < approvals->rows.count; i++) {
        const struct approval *was = approvals->rows.items[i];
        struct approval is;
        if (store_get(world->store, &approval_type, was->id, &world->arena, &is, NULL) != STORE_FOUND)
            str_addf(cut->trouble, "the approval %s is lost; ", was->id);
    }
}

static bool was_done(const struct seen *steps, enum step_phase phase, const char *resource)
{
    for (size_t i = 0; i < steps->rows.count; i++) {
        const struct step *step = steps->rows.items[i];
        if (step->phase == (int)phase && step->status == STEP_DONE && step->address &&
            strstr(step->address, resource) && strlen(strstr(step->address, resource)) == strlen(resource))
            return true;
    }
    return false;
}

static size_t times(struct world *world, const char *what, size_t at)
{
    char line[32];
    snprintf(line, sizeof line, "%s %s", what, resources[at]);
    return world_journal(world, line);
}

/* --- the cut and what follows --------------------------------------------------------------------------------------------- */

static void write_boot(struct world *world, const char *id)
{
    struct error error = {0};
    char *path = path_join(world->folder, "boot");
    if (!file_replace(path, id, strlen(id), 0600, FILE_RELAXED, &error))
        printf("Bail out! %s\n", error.message);
    free(path);
}

static void set_variable(struct world *world, const char *name, const char *path)
{
    size_t at = 0;
    while (world->variables[at])
        at++;
    world->variables[at] = arena_printf(&world->arena, "%s=%s", name, path);
}

/* What is started from now on writes its changes down; see calls.h. */
static void record_changes(struct cut *cut)
{
    struct world *world = &cut->world;
    char *changes = path_join(world->folder, "changes"), *boot = path_join(world->folder, "boot");
    write_boot(world, "11111111-1111-1111-1111-111111111111\n");
    cut->calls = calls_prepare(world);
    set_variable(world, "BERTH_CALLS_BOOT", boot);
    set_variable(world, "BERTH_CALLS_DISK", changes);
    set_variable(world, "BERTH_CALLS_ROOT", world->store_folder);
    free(changes);
    free(boot);
}

static void power_off(struct cut *cut)
{
    struct world *world = &cut->world;
    struct error error = {0};
    int status;
    char *home = path_printf("HOME=%s", world->folder), *changes = path_join(world->folder, "changes");
    store_close(world->store);
    world->store = NULL;
    process_signal(&world->daemon, SIGKILL);
    if (!process_wait(&world->daemon, &status, NULL) || !process_end_all(home, 0, SIGKILL, 0, 5000, &error))
        str_addf(cut->trouble, "not all can be killed: %s; ", error.message);
    process_release(&world->daemon);
    world->daemon.pid = 0;
    if (!disk_cut(changes, world->store_folder, cut->loss, cut->seed, &error))
        str_addf(cut->trouble, "no power cut: %s: %s; ", error.message, error.detail);
    write_boot(world, "22222222-2222-2222-2222-222222222222\n");
    world->variables[3] = NULL; /* nothing is written down any more */
    world->fault = "";
    cut->calls->stop_at = 0;
    free(changes);
    free(home);
}

/* Somebody does what is left: asks again for what was never answered, tries again what is held. */
static void play_to_end(struct cut *cut)
{
    struct world *world = &cut->world;
    const struct run *run = world_last_run(world);
    if (run && run->workflow == WORKFLOW_DESTROY) {
        run = story_to_end(world, cut->trouble);
        if (!run || run->status != RUN_DONE)
            story_trouble(world, cut->trouble, "the destroy did not end well");
    } else if (run ? story_to_end(world, cut->trouble) != NULL : story_deploy(world, cut->trouble)) {
        story_destroy(world, cut->trouble);
    }
}

static bool find_waiting(const void *row, void *context)
{
    *(bool *)context = *(bool *)context || !is_answer(row);
    return true;
}

static bool all_answered(struct world *world, void *context)
{
    struct store_query query = {.type = &command_type};
    bool waiting = false;
    (void)context;
    return store_each(world->store, &query, find_waiting, &waiting, NULL) && !waiting;
}

static void check_audit(struct cut *cut, int64_t entries)
{
    struct error error = {0};
    struct str said = STR_INIT;
    int64_t now = 0;
    int status = world_berth(&cut->world, (const char *const[]){"audit", "verify", NULL}, &said);
    if (!store_verify_audit(cut->world.store, &now, &error) || now < entries || status != 0)
        str_addf(cut->trouble, "the audit has %lld entries of %lld; berth says: %s; ", (long long)now,
                 (long long)entries, said.data);
    str_release(&said);
}

static void cut_power(struct cut *cut)
{
    struct world *world = &cut->world;
    struct seen commands = {.entries = 0}, steps = {.entries = 0}, approvals = {.entries = 0};
    size_t began[2][RESOURCES];
    int64_t entries = 0;
    see(world, &command_type, &commands);
    see(world, &step_type, &steps);
    see(world, &approval_type, &approvals);
    if (!store_verify_audit(world->store, &entries, NULL))
        str_add(cut->trouble, "the audit is broken before the cut; ");
    power_off(cut);
    for (size_t i = 0; i < RESOURCES; i++) {
        began[0][i] = times(world, "begin up", i);
        began[1][i] = times(world, "begin down", i);
    }
    world_start(world);
    check_rows(cut, &commands, &steps, &approvals);
    check_audit(cut, entries);
    if (!world_wait(world, all_answered, NULL) ||
        (world_last_run(world) && !world_wait_run(world, 1u << RUN_GATE | RUNS_REST)))
        story_trouble(world, cut->trouble, "after the restart a command or a run goes no further");
    for (size_t i = 0; i < RESOURCES; i++)
        if ((began[0][i] > 0 && times(world, "begin up", i) != began[0][i]) ||
            (began[1][i] > 0 && times(world, "begin down", i) != began[1][i]))
            str_addf(cut->trouble, "the tool of %s ran again and nobody asked; ", resources[i]);
    play_to_end(cut);
    for (size_t i = 0; i < RESOURCES; i++) {
        size_t up = times(world, "end up", i), down = times(world, "end down", i);
        bool left = cut->moment && cut->moment->left && text_equal(resources[i], "b");
        if (up == 0 || down == 0 || (up > 1 && left) || (up > 1 && was_done(&steps, PHASE_APPLY, resources[i])) ||
            (down > 1 && was_done(&steps, PHASE_DESTROY, resources[i])))
            str_addf(cut->trouble, "the tool of %s ran %zu times up, %zu down; ", resources[i], up, down);
    }
    world_breaches(world, cut->trouble);
    vec_release(&commands.rows);
    vec_release(&steps.rows);
    vec_release(&approvals.rows);
    arena_release(&commands.arena);
    arena_release(&steps.arena);
    arena_release(&approvals.arena);
}

static void play(size_t index, void *context, struct str *trouble, struct str *note)
{
    const struct changes *changes = context;
    size_t number = index + (changes ? changes->first : 0), which = number / 2;
    struct cut cut = {.loss = number % 2 ? DISK_LOSES_SOME : DISK_LOSES_ALL,
                      .seed = which + 1,
                      .moment = which < MOMENTS ? &moments[which] : NULL,
                      .trouble = trouble};
    world_open(&cut.world, &(struct world_spec){.executor = WORLD_EXEC});
    record_changes(&cut);
    cut.world.fault = changes && cut.moment && cut.moment->fault ? cut.moment->fault : "";
    world_start(&cut.world);
    if (!cut.moment)
        cut.calls->stop_at =
            atomic_load(&cut.calls->changes) + 1 + (which - MOMENTS) * changes->count / changes->moments;
    uint64_t before = atomic_load(&cut.calls->changes);
    play_until_cut(&cut);
    str_addf(note, "%llu", (unsigned long long)(atomic_load(&cut.calls->changes) - before));
    if (changes && !cut.is_now && cut.moment)
        str_add(trouble, "the moment never came; ");
    if (changes)
        cut_power(&cut);
    if (trouble->length > 0 && getenv("BERTH_SLOW")) {
        struct str kept = STR_INIT;
        str_addf(&kept, "cp -r %s /tmp/kept.%zu", cut.world.folder, index);
        world_command_line("/", (const char *const[]){"sh", "-c", kept.data, NULL});
        str_release(&kept);
    }
    world_close(&cut.world);
}

static void tell(size_t number, size_t which, const struct changes *changes, const struct case_result *result)
{
    const char *loss = which % 2 ? "some of what was not synced is lost" : "all that was not synced is lost";
    size_t any = which / 2 - MOMENTS;
    if (which / 2 < MOMENTS)
        cases_tell(number, result, "%s, then the power fails and %s", moments[which / 2].name, loss);
    else
        cases_tell(number, result, "the power fails at change %zu of %zu and %s",
                   any * changes->count / changes->moments + 1, changes->count, loss);
}

/* An argument: only this case. */
int main(int argc, char **argv)
{
    struct changes changes = {.moments = ANY_MOMENTS * (cases_exhaustive() ? 10 : 1)};
    struct case_result *counted = cases_play(1, play, NULL);
    changes.count = (size_t)strtoull(counted[0].note.data, NULL, 10);
    cases_tell(1, &counted[0], "the story, with its changes of files counted");
    cases_free(counted, 1);
    changes.first = argc > 1 ? (size_t)strtoull(argv[1], NULL, 10) : 0;
    size_t total = argc > 1 ? 1 : 2 * (MOMENTS + changes.moments);
    struct case_result *results = cases_play(total, play, &changes);
    for (size_t i = 0; i < total; i++)
        tell(i + 2, i + changes.first, &changes, &results[i]);
    cases_free(results, total);
    printf("1..%zu\n", total + 1);
    return 0;
}
