/* SPDX-License-Identifier: ISC */
/*
 * The folder of a run (exported trees, plans, markers) goes when the run has ended; its logs stay. Removing a large tree takes long, so a thread of
 * the loop's pool does it; what a killed supervisor left is found at the next start.
 */
#include "agent/supervisor.h"

#include "berth/base/log.h"
#include "berth/base/hash.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/store.h"

#include <stdio.h>
#include <stdlib.h>

#define REMOVED_PREFIX ".removed-"

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
static void remove_run(struct supervisor *supervisor, const char *run)
{
    char unique[ID_SIZE];
    id_new(unique, time_now_ms());
    char *folder = path_printf("%s/runs/%s", supervisor->options->store_folder, run);
    char *aside = path_printf("%s/runs/" REMOVED_PREFIX "%s", supervisor->options->store_folder, unique);
    if (rename(folder, aside) == 0)
        remove_later(supervisor, aside);
    else
        free(aside);
    free(folder);
}

void cleanup_note(struct supervisor *supervisor, const struct run *run)
{
    if (run_ended(run->status))
        vec_push(&supervisor->ended_runs, mem_strdup(run->id));
}

void cleanup_forget(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->ended_runs.count; i++)
        free(supervisor->ended_runs.items[i]);
    vec_clear(&supervisor->ended_runs);
}

void cleanup_ended(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->ended_runs.count; i++)
        remove_run(supervisor, supervisor->ended_runs.items[i]);
    cleanup_forget(supervisor);
}

void cleanup_left(struct supervisor *supervisor)
{
    struct arena arena = {0};
    struct folder_list list = {0};
    char *runs = path_join(supervisor->options->store_folder, "runs");
    bool listed = folder_list(runs, &list, NULL);
    for (size_t i = 0; listed && i < list.count; i++) {
        struct run run;
        if (text_starts(list.names[i], REMOVED_PREFIX)) {
            remove_later(supervisor, path_join(runs, list.names[i]));
            continue;
        }
        enum store_found found = store_get(supervisor->store, &run_type, list.names[i], &arena, &run, NULL);
        if (found == STORE_MISSING || (found == STORE_FOUND && run_ended(run.status)))
            remove_run(supervisor, list.names[i]);
    }
    if (listed)
        folder_list_free(&list);
    free(runs);
    arena_release(&arena);
}
