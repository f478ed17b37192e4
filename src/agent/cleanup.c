/* SPDX-License-Identifier: ISC */
/*
 * The folder of a run (exported trees, plans, markers) goes when the run has ended; its logs stay. The folder of an environment (what its tools keep) goes
 * when it is destroyed, or was never deployed and its row went; so does a state that never held anything. Removing a large tree takes long, so a thread of the loop's pool does it; what a killed
 * supervisor left is found at the next start.
 */
#include "agent/supervisor.h"

#include "agent/keeping.h"

#include "berth/base/log.h"
#include "berth/base/hash.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define REMOVED_PREFIX ".removed-"
#define RUNS "runs" /* folders of the store */
#define ENVIRONMENTS "environments"
#define STATES "terraform"

struct removal {
    uv_work_t work;
    char *folder;
};

static void remove_folder(uv_work_t *work)
{
    struct removal *removal = work->data;
    struct error error = {0};
    if (!folder_remove(removal->folder, &error))
        log_error("agent", LOG_WARNING, &error);
}

static void removed(uv_work_t *work, int status)
{
    struct removal *removal = work->data;
    (void)status;
    free(removal->folder);
    free(removal);
}

static void remove_later(struct supervisor *supervisor, char *folder_take)
{
    struct removal *removal = mem_zero(1, sizeof *removal);
    removal->folder = folder_take;
    removal->work.data = removal;
    if (uv_queue_work(&supervisor->loop, &removal->work, remove_folder, removed) != 0)
        removed(&removal->work, 0);
}

/* Moved aside at once: a retry of the run finds no half of it, and its new markers cannot be taken for old ones. */
static void remove_below(struct supervisor *supervisor, const char *below, const char *name)
{
    char unique[ID_SIZE];
    id_new(unique, time_now_ms());
    char *folder = path_printf("%s/%s/%s", supervisor->options->store_folder, below, name);
    char *aside = path_printf("%s/%s/" REMOVED_PREFIX "%s", supervisor->options->store_folder, below, unique);
    if (rename(folder, aside) == 0)
        remove_later(supervisor, aside);
    else
        free(aside);
    free(folder);
}

static bool is_over(struct supervisor *supervisor, const char *environment)
{
    struct arena arena = {0};
    struct environment row;
    enum store_found found = store_get(supervisor->store, &environment_type, environment, &arena, &row, NULL);
    bool over = found == STORE_MISSING || (found == STORE_FOUND && row.status == ENVIRONMENT_DESTROYED);
    arena_release(&arena);
    return over;
}

static bool has_ended(struct supervisor *supervisor, const char *id)
{
    struct arena arena = {0};
    struct run run;
    enum store_found found = store_get(supervisor->store, &run_type, id, &arena, &run, NULL);
    bool ended = found == STORE_MISSING || (found == STORE_FOUND && run_ended(run.status));
    arena_release(&arena);
    return ended;
}

/* What tells who holds a lock stays behind when its tool is killed; the lock itself went with the tool. */
static bool is_lock_note(const char *name)
{
    return text_starts(name, ".") && text_ends(name, ".lock.info");
}

/* Nothing but empty files: the state of what was planned and never applied. A state that holds something is nobody's to remove. */
static bool holds_nothing(const char *folder)
{
    struct folder_list list = {0};
    struct stat status;
    bool nothing = folder_list(folder, &list, NULL);
    for (size_t i = 0; nothing && i < list.count; i++) {
        char *path = path_join(folder, list.names[i]);
        nothing =
            lstat(path, &status) == 0 &&
            (S_ISDIR(status.st_mode) ? holds_nothing(path)
                                     : S_ISREG(status.st_mode) && (status.st_size == 0 || is_lock_note(list.names[i])));
        free(path);
    }
    folder_list_free(&list);
    return nothing;
}

static bool is_left_state(struct supervisor *supervisor, const char *environment)
{
    char *folder = path_printf("%s/" STATES "/%s", supervisor->options->store_folder, environment);
    bool left = folder_exists(folder) && is_over(supervisor, environment) && holds_nothing(folder);
    free(folder);
    return left;
}

void cleanup_note_environment(struct supervisor *supervisor, const char *environment)
{
    if (!text_empty(environment))
        vec_push(&supervisor->left_environments, mem_strdup(environment));
}

void cleanup_note(struct supervisor *supervisor, const struct run *run)
{
    if (!run_ended(run->status))
        return;
    vec_push(&supervisor->ended_runs, mem_strdup(run->id));
    cleanup_note_environment(supervisor, run->environment);
}

void cleanup_forget(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->ended_runs.count; i++)
        free(supervisor->ended_runs.items[i]);
    for (size_t i = 0; i < supervisor->left_environments.count; i++)
        free(supervisor->left_environments.items[i]);
    vec_clear(&supervisor->ended_runs);
    vec_clear(&supervisor->left_environments);
}

void cleanup_ended(struct supervisor *supervisor)
{
    if (supervisor->ended_runs.count > 0 || supervisor->left_environments.count > 0)
        keeping_note(supervisor);
    for (size_t i = 0; i < supervisor->ended_runs.count; i++)
        remove_below(supervisor, RUNS, supervisor->ended_runs.items[i]);
    for (size_t i = 0; i < supervisor->left_environments.count; i++) {
        const char *environment = supervisor->left_environments.items[i];
        if (is_left_state(supervisor, environment))
            remove_below(supervisor, STATES, environment);
        if (is_over(supervisor, environment))
            remove_below(supervisor, ENVIRONMENTS, environment);
    }
    cleanup_forget(supervisor);
}

static void look_below(struct supervisor *supervisor, const char *below,
                       bool (*is_left)(struct supervisor *supervisor, const char *name))
{
    struct folder_list list = {0};
    char *folder = path_join(supervisor->options->store_folder, below);
    bool listed = folder_exists(folder) && folder_list(folder, &list, NULL);
    for (size_t i = 0; listed && i < list.count; i++) {
        if (text_starts(list.names[i], REMOVED_PREFIX))
            remove_later(supervisor, path_join(folder, list.names[i]));
        else if (is_left(supervisor, list.names[i]))
            remove_below(supervisor, below, list.names[i]);
    }
    if (listed)
        folder_list_free(&list);
    free(folder);
}

void cleanup_left(struct supervisor *supervisor)
{
    look_below(supervisor, RUNS, has_ended);
    look_below(supervisor, ENVIRONMENTS, is_over);
    look_below(supervisor, STATES, is_left_state);
}
