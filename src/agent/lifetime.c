/* SPDX-License-Identifier: ISC */
/*
 * The beginning and end of a supervisor: one lock and one epoch a store; it ends by itself only in a transaction that saw no command and nothing to come,
 * and looks once more after it let the lock go, so that a command inserted meanwhile is never left alone. Without the lock another may have served and
 * ended: whoever goes on begins anew, with a new epoch and nothing remembered.
 */
#include "agent/supervisor.h"

#include "agent/keeping.h"

#include "berth/base/fault.h"
#include "berth/base/log.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/store.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAEMON_ID "berthd"
#define LINGER_MS 15000
#define LOCK_NAME "berthd.lock"
#define STORE_NAME "store.db"
#define FOLDER_WAIT_MS 3000

static bool put_daemon(struct supervisor *supervisor, const char *state, const char *ends_when, struct error *error)
{
    char host[128] = "";
    uint64_t ticks = 0;
    gethostname(host, sizeof host - 1);
    if (!process_start_ticks(getpid(), &ticks))
        ticks = 0;
    struct daemon row = {
        .id = DAEMON_ID,
        .pid = getpid(),
        .start_ticks = (int64_t)ticks,
        .epoch = supervisor->epoch,
        .started_at = supervisor->started_at_ms,
        .ended_at = text_equal(state, "ended") ? time_now_ms() : 0,
        .version = PACKAGE_VERSION,
        .host = host,
        .state = state,
        .ends_when = ends_when,
    };
    return store_put(supervisor->store, &daemon_type, &row, error);
}

static bool say_state(struct supervisor *supervisor, const char *state, const char *ends_when, struct error *error)
{
    if (store_begin(supervisor->store, STORE_DURABLE, error) && put_daemon(supervisor, state, ends_when, error) &&
        store_commit(supervisor->store, NULL, error))
        return true;
    store_abandon(supervisor->store);
    return false;
}

/* The lock file can be taken away while it is held, and a new one locked: the folder is held beside it, and as long as the database is in the same
 * folder nobody else can have that. Who finds it held waits: the other looks once a second whether its own lock file is still there. */
static bool take_locks(struct supervisor *supervisor, struct error *error)
{
    const char *folder = supervisor->options->store_folder;
    char *lock = path_join(folder, LOCK_NAME);
    bool locked = folder_make(folder, 0700, error) && folder_is_private(folder, error) &&
                  file_lock(&supervisor->lock, lock, LOCK_TRY, error) &&
                  folder_lock(&supervisor->folder, folder, FOLDER_WAIT_MS, error);
    free(lock);
    return locked;
}

void lifetime_unlock(struct supervisor *supervisor)
{
    file_unlock(&supervisor->folder); /* first: who gets the lock file waits for nothing */
    file_unlock(&supervisor->lock);
}

static ino_t number_of(const char *folder, const char *name)
{
    struct stat status;
    char *path = path_join(folder, name);
    ino_t number = stat(path, &status) == 0 ? status.st_ino : 0;
    free(path);
    return number;
}

bool lifetime_begin(struct supervisor *supervisor, struct error *error)
{
    if (!take_locks(supervisor, error))
        return false;
    supervisor->started_at_ms = time_now_ms();
    supervisor->store = store_open(supervisor->options->store_folder, STORE_OWNER, error);
    supervisor->database = number_of(supervisor->options->store_folder, STORE_NAME);
    return supervisor->store && store_new_epoch(supervisor->store, &supervisor->epoch, error) &&
           say_state(supervisor, "starting", "", error);
}

/* What is missing or another's of what it serves; NULL: nothing. */
static const char *what_is_lost(const struct supervisor *supervisor)
{
    const char *folder = supervisor->options->store_folder;
    char *lock = path_join(folder, LOCK_NAME);
    const char *lost = NULL;
    if (!file_lock_is_at(&supervisor->folder, folder))
        lost = "its folder was moved, deleted or replaced";
    else if (number_of(folder, STORE_NAME) != supervisor->database)
        lost = "its database was deleted or replaced";
    else if (!file_lock_is_at(&supervisor->lock, lock))
        lost = "its lock file was deleted or replaced";
    free(lock);
    return lost;
}

void lifetime_watch_place(struct supervisor *supervisor)
{
    const char *lost = what_is_lost(supervisor);
    if (!lost)
        return;
    error_set(&supervisor->lost, ERROR_INTERRUPTED, "berthd of %s ends: %s while it served",
              supervisor->options->workspace, lost);
    error_detail(&supervisor->lost, "the store was in %s", supervisor->options->store_folder);
    error_hint(&supervisor->lost,
               "the next command starts another; steps at work end by themselves and leave their results");
    lifetime_end(supervisor);
}

bool lifetime_serving(struct supervisor *supervisor, struct error *error)
{
    supervisor->serving = supervisor->serving || say_state(supervisor, "serving", "", error);
    return supervisor->serving;
}

/* --- what is still to come -------------------------------------------------------------------------------------------- */

static bool any_row(struct supervisor *supervisor, const struct record_type *type, const char *index, const char *value)
{
    int64_t count = 0;
    struct store_query query = {.type = type, .index = index, .equal = {value}, .limit = 1};
    return !store_count(supervisor->store, &query, &count, NULL) || count > 0;
}

static bool any_open_run(struct supervisor *supervisor)
{
    for (int status = RUN_QUEUED; status < RUN_DONE; status++)
        if (status != RUN_HELD && any_row(supervisor, &run_type, "status", word_name(run_status_names, status)))
            return true;
    return false;
}

static bool policy_acts_by_itself(const struct config *config)
{
    for (size_t i = 0; config && i < config->environment_count; i++)
        if (((config->environments[i].deploy_on | config->environments[i].plan_on) & ~(unsigned)TRIGGER_MANUAL) ||
            config->environments[i].drift || config->environments[i].destroy_with_branch)
            return true;
    return false;
}

struct to_come {
    bool ttl, probes;
};

static bool visit_environment(const void *row, void *context)
{
    const struct environment *environment = row;
    struct to_come *to_come = context;
    if (environment->status != ENVIRONMENT_DESTROYED && environment_ends_at(environment) > 0)
        to_come->ttl = true;
    return true;
}

static bool visit_resource(const void *row, void *context)
{
    const struct resource *resource = row;
    struct to_come *to_come = context;
    if (resource->status != RESOURCE_GONE && !text_empty(resource->probes) && !text_equal(resource->probes, "[]"))
        to_come->probes = true;
    return !to_come->probes;
}

/* One thing that keeps it alive, or NULL: nothing is to come. */
static const char *what_is_to_come(struct supervisor *supervisor)
{
    static const char *const environment_columns[] = {"id", "status", "planned_destruction_at", "ends_at", NULL};
    static const char *const resource_columns[] = {"id", "status", "probes", NULL};
    struct to_come to_come = {0};
    struct store_query environments = {.type = &environment_type, .columns = environment_columns};
    struct store_query resources = {.type = &resource_type, .columns = resource_columns};
    if (!supervisor->config)
        return "a policy to be read";
    if (any_row(supervisor, &command_type, "status", word_name(command_status_names, COMMAND_WAITING)))
        return "a command to be answered";
    if (any_open_run(supervisor))
        return "a run to end";
    if (any_row(supervisor, &delivery_type, "status", word_name(delivery_status_names, DELIVERY_WAITING)))
        return "a notification to be delivered";
    if (policy_acts_by_itself(supervisor->config))
        return "a push to happen: some environment is deployed or planned by itself";
    if (any_row(supervisor, &schedule_type, NULL, NULL))
        return "a schedule to come";
    if (!store_each(supervisor->store, &environments, visit_environment, &to_come, NULL) || to_come.ttl)
        return "the end of an environment's life";
    if (!store_each(supervisor->store, &resources, visit_resource, &to_come, NULL) || to_come.probes)
        return "probes to be made";
    return NULL;
}

/* Ends in one transaction, lets go of the lock, and looks again: for a command that came in between it begins anew. */
static bool end_if_nothing_comes(struct supervisor *supervisor, struct error *error)
{
    struct store_cursor cursor;
    if (!store_cursor(supervisor->store, &cursor, error))
        return false;
    if (cursor.revision == supervisor->waited_at_revision) /* nothing changed since it had something to wait for */
        return true;
    if (!store_begin(supervisor->store, STORE_DURABLE, error))
        return false;
    const char *to_come = what_is_to_come(supervisor);
    if (!put_daemon(supervisor, to_come ? "serving" : "ended", to_come ? to_come : "", error) ||
        !store_commit(supervisor->store, &cursor.revision, error)) {
        store_abandon(supervisor->store);
        return false;
    }
    supervisor->waited_at_revision = to_come ? cursor.revision : 0;
    if (to_come)
        return true;
    lifetime_unlock(supervisor);
    fault_point("supervisor.after_unlock");
    supervisor->begin_anew =
        any_row(supervisor, &command_type, "status", word_name(command_status_names, COMMAND_WAITING));
    lifetime_end(supervisor);
    return true;
}

void lifetime_end(struct supervisor *supervisor)
{
    supervisor->ended = true;
    uv_stop(&supervisor->loop);
}

void lifetime_look(struct supervisor *supervisor)
{
    struct error error = {0};
    int64_t now = time_monotonic_ms(), linger = supervisor->options->host->linger_ms;
    if (supervisor->draining &&
        (supervisor->leave_now || (workers_busy(supervisor) == 0 && supervisor->results.count == 0))) {
        if (!say_state(supervisor, "ended", "", &error))
            log_error("agent", LOG_ERROR, &error);
        lifetime_end(supervisor);
        return;
    }
    if (supervisor->draining) {
        supervisor->told_draining =
            supervisor->told_draining || say_state(supervisor, "draining", "steps to end", &error);
        return;
    }
    if (supervisor->config && !lifetime_serving(supervisor, &error))
        log_error("agent", LOG_ERROR, &error);
    if (workers_busy(supervisor) > 0 || supervisor->endings.count > 0 || supervisor->due.count > 0 ||
        supervisor->delivering || keeping_is_due(supervisor)) {
        supervisor->idle_since_ms = now;
        return;
    }
    if (now - supervisor->idle_since_ms < (linger > 0 ? linger : LINGER_MS))
        return;
    supervisor->idle_since_ms = now;
    if (!end_if_nothing_comes(supervisor, &error))
        log_error("agent", LOG_ERROR, &error);
}
