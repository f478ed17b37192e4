/* SPDX-License-Identifier: ISC */
/*
 * Steps whose worker is gone, or was started by an earlier supervisor. Nothing is taken over before it is proven that nobody works on it any more: a
 * result left in the run's folder is read first; a worker that lives is left alone; one that never began is made ready again (the
 * exclusive .started file decides); of a dead one all tools are ended, and only then the step counts as interrupted.
 */
#include "agent/supervisor.h"

#include "agent/marker.h"
#include "berth/base/file.h"
#include "berth/base/log.h"
#include "berth/base/process.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/model/run.h"
#include "berth/store.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define TOOL_GRACE_MS 10000
#define CLEAN_LOOKS 2 /* a look can pass a process that is just being born, or given to us */

void recover_add(struct supervisor *supervisor, const char *run, const char *step, int64_t attempt, const char *token,
                 uint64_t begun_ticks)
{
    for (size_t i = 0; i < supervisor->endings.count; i++)
        if (text_equal(supervisor->endings.items[i].step, step) && supervisor->endings.items[i].attempt == attempt)
            return;
    struct ending ending = {.run = mem_strdup(run),
                            .step = mem_strdup(step),
                            .token = mem_strdup(token),
                            .attempt = attempt,
                            .begun_ticks = begun_ticks};
    vec_push(&supervisor->endings, ending);
    log_line("agent", LOG_INFO, "step %s lost its worker", step);
}

static bool visit_running(const void *row, void *context)
{
    const struct step *step = row;
    recover_add(context, step->run, step->id, step->attempt, step->token, 0);
    return true;
}

/* --- the machine -------------------------------------------------------------------------------------------------------
 * Markers are not synced: a power cut may have taken one of a step that was at work. So the machine's boot is noted beside the store, and after
 * another one a running step without a marker counts as begun by a process that is gone. */

static bool is_other_boot(struct supervisor *supervisor, const char *path)
{
    struct str text = STR_INIT;
    bool other = file_read(path, 128, &text, NULL) && !text_equal(text.data, supervisor->boot);
    str_release(&text);
    return other;
}

static bool note_lost_markers(struct supervisor *supervisor, struct error *error)
{
    const char *folder = supervisor->options->store_folder;
    const struct marker lost = {.pid = -1};
    bool noted = true;
    for (size_t i = 0; noted && i < supervisor->endings.count; i++) {
        const struct ending *ending = &supervisor->endings.items[i];
        noted = marker_take(folder, ending->run, ending->step, ending->attempt, &lost, NULL, error) != MARKER_ERROR;
    }
    return noted;
}

/* Trees are exported without a sync: what a power cut left of one may be empty files. They are laid out again when they are needed. */
static bool remove_trees(struct supervisor *supervisor, struct error *error)
{
    struct folder_list runs = {0};
    char *folder = path_join(supervisor->options->store_folder, "runs");
    bool done = !folder_exists(folder) || folder_list(folder, &runs, error);
    for (size_t i = 0; done && i < runs.count; i++) {
        struct folder_list inside = {0};
        char *run = path_join(folder, runs.names[i]);
        done = folder_list(run, &inside, error);
        for (size_t j = 0; done && j < inside.count; j++) {
            char *tree = path_join(run, inside.names[j]);
            done = !text_starts(inside.names[j], MARKER_TREE_PREFIX) || folder_remove(tree, error);
            free(tree);
        }
        folder_list_free(&inside);
        free(run);
    }
    folder_list_free(&runs);
    free(folder);
    return done;
}

static bool look_at_boot(struct supervisor *supervisor, struct error *error)
{
    char *path = path_join(supervisor->options->store_folder, "boot");
    bool looked = (!is_other_boot(supervisor, path) ||
                   (note_lost_markers(supervisor, error) && remove_trees(supervisor, error))) &&
                  file_replace(path, supervisor->boot, strlen(supervisor->boot), 0600, FILE_SYNCED, error);
    free(path);
    return looked;
}

bool recover_running(struct supervisor *supervisor, struct error *error)
{
    static const char *const columns[] = {"id", "run", "attempt", "token", NULL};
    struct store_query query = {.type = &step_type,
                                .index = "status",
                                .equal = {word_name(step_status_names, STEP_RUNNING)},
                                .columns = columns};
    return store_each(supervisor->store, &query, visit_running, supervisor, error) && look_at_boot(supervisor, error);
}

/* A result that its worker left counts like one that was handed in. */
static bool take_left_result(struct supervisor *supervisor, const struct ending *ending)
{
    struct str json = STR_INIT;
    if (!marker_read_result(supervisor->options->store_folder, ending->run, ending->step, ending->attempt, &json,
                            NULL)) {
        str_release(&json);
        return false;
    }
    struct pending_result result = {.run = mem_strdup(ending->run),
                                    .step = mem_strdup(ending->step),
                                    .attempt = ending->attempt,
                                    .json = str_take(&json)};
    vec_push(&supervisor->results, result);
    return true;
}

/* The session of the tool, which its worker noted: a tool may have dropped the variable that marks its processes. */
static pid_t session_of(const struct supervisor *supervisor, const struct ending *ending)
{
    return marker_read_tool(supervisor->options->store_folder, ending->run, ending->step, ending->attempt,
                            ending->token, supervisor->boot);
}

/* SIGINT first, with time, then SIGKILL; true once none is left. */
static bool tools_ended(const struct supervisor *supervisor, struct ending *ending)
{
    struct str variable = STR_INIT;
    int64_t now = time_monotonic_ms();
    int signal_now = ending->since_ms == 0 ? SIGINT : now - ending->since_ms > TOOL_GRACE_MS ? SIGKILL : 0;
    size_t left = 0;
    if (!text_empty(ending->token)) {
        str_addf(&variable, "BERTH_STEP_TOKEN=%s", ending->token);
        left = process_signal_all(variable.data, session_of(supervisor, ending), signal_now);
    }
    left +=
        orphans_signal(supervisor, ending->begun_ticks, signal_now); /* after the tool: its end gives us its children */
    if (ending->since_ms == 0)
        ending->since_ms = now;
    str_release(&variable);
    ending->clean = left == 0 ? ending->clean + 1 : 0;
    return ending->clean >= CLEAN_LOOKS;
}

enum progress { GOES_ON, TAKEN, RESOLVED };

static enum progress look_at_ending(struct supervisor *supervisor, struct ending *ending)
{
    const char *folder = supervisor->options->store_folder;
    struct marker marker, nobody = {.pid = 0};
    struct error error = {0};
    if (take_left_result(supervisor, ending))
        return TAKEN;
    if (!marker_read(folder, ending->run, ending->step, ending->attempt, &marker, &error)) {
        if (error.code == ERROR_CORRUPT) /* a power cut took its bytes, and with them every process */
            return tools_ended(supervisor, ending) ? RESOLVED : GOES_ON;
        if (error.code != ERROR_NOT_FOUND) {
            log_error("agent", LOG_ERROR, &error);
            return GOES_ON;
        }
        enum marker_taken taken =
            marker_take(folder, ending->run, ending->step, ending->attempt, &nobody, NULL, &error);
        ending->never_started = taken == MARKER_TAKEN;
        return taken == MARKER_TAKEN ? RESOLVED : GOES_ON;
    }
    if (marker.pid == 0) { /* an earlier recovery took it back, and was killed before it could say so */
        ending->never_started = true;
        return RESOLVED;
    }
    if (text_equal(marker.boot, supervisor->boot) && process_alive(marker.pid, marker.start_ticks))
        return GOES_ON;
    if (take_left_result(supervisor, ending)) /* it may have left it between the two looks */
        return TAKEN;
    return tools_ended(supervisor, ending) ? RESOLVED : GOES_ON;
}

static void ending_release(struct ending *ending)
{
    free(ending->run);
    free(ending->step);
    free(ending->token);
}

void recover_look(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->endings.count;) {
        struct ending *ending = &supervisor->endings.items[i];
        if (aside_is(supervisor, ending->run)) {
            i++;
            continue;
        }
        enum progress progress = ending->resolved ? RESOLVED : look_at_ending(supervisor, ending);
        if (progress == TAKEN) {
            ending_release(ending);
            *ending = supervisor->endings.items[--supervisor->endings.count];
            continue;
        }
        ending->resolved = progress == RESOLVED;
        i++;
    }
}

bool recover_store(struct supervisor *supervisor, struct error *error)
{
    for (size_t i = 0; i < supervisor->endings.count; i++) {
        struct ending *ending = &supervisor->endings.items[i];
        if (!ending->resolved || aside_is(supervisor, ending->run))
            continue;
        struct engine_effects effects;
        struct engine_facts *facts = supervisor_facts(supervisor, ending->run, error);
        if (!facts)
            return false;
        engine_effects_init(&effects, &supervisor->hot.arena);
        if (facts->run)
            cleanup_note(supervisor, facts->run); /* as in store_result: an ended run's folder may be there anew */
        if (ending->never_started)
            engine_step_returned(facts, ending->step, &effects);
        else
            engine_step_interrupted(facts, ending->step, &effects);
        if (!supervisor_apply_hot(supervisor, ending->run, &effects, error))
            return false;
    }
    return true;
}

void recover_forget_stored(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->endings.count;) {
        struct ending *ending = &supervisor->endings.items[i];
        if (!ending->resolved || aside_is(supervisor, ending->run)) {
            i++;
            continue;
        }
        ending_release(ending);
        *ending = supervisor->endings.items[--supervisor->endings.count];
    }
}

bool recover_is_at_work(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->endings.count; i++)
        if (!aside_is(supervisor, supervisor->endings.items[i].run))
            return true;
    return false;
}
