/* SPDX-License-Identifier: ISC */
/* The supervisor's children: started, heard, and gone. What they say is noted here and worked on in the next turn. */
#include "agent/supervisor.h"

#include "agent/keeping.h"
#include "agent/protocol.h"
#include "agent/setup.h"
#include "berth/base/log.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/store.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define OBSERVER_RESTART_MS 1000
#define OBSERVE_AGAIN_MS 2000
#define WATCHED_AT_MOST_MS 2000           /* of the time between two looks at who hangs */
#define KEEPER_SILENT_MS (15 * MS_MINUTE) /* longer than git may pack, twice */
#define SWEEP_POLLS 10                    /* `poll` of berthd.yaml, a minute when it is not said */

static void take_result(struct supervisor *supervisor, struct child *child, const char *payload, size_t count)
{
    if (!child->step) {
        log_line("agent", LOG_ERROR, "worker %d sent a result for nothing", (int)child->process.pid);
        return;
    }
    struct pending_result result = {
        .run = mem_strdup(child->run), .step = mem_strdup(child->step), .attempt = child->attempt, .child = child};
    result.json = mem_alloc(count + 1);
    memcpy(result.json, payload, count);
    result.json[count] = '\0';
    child->result_pending = true;
    orphans_note(child);
    vec_push(&supervisor->results, result);
}

static void note_sweep(struct child *child, const char *payload, size_t count)
{
    json_t *message = json_loadb(payload, count, 0, NULL);
    const char *repository = json_get_text(message, "repository");
    free(child->subject);
    child->subject = text_empty(repository) ? NULL : mem_strdup(repository);
    json_decref(message);
}

/* What a step says while it works: inner parts that come along, for what it waits. Lost without harm, for the result tells the last of it. */
static void take_word(struct supervisor *supervisor, const struct child *child, uint8_t kind, const char *payload,
                      size_t count)
{
    struct engine_effects effects;
    struct error error = {0};
    json_t *message = json_loadb(payload, count, 0, NULL);
    const char *step = json_get_text(message, "step"), *token = json_get_text(message, "token");
    struct engine_facts *facts =
        child->step && text_equal(child->step, step) ? supervisor_facts(supervisor, child->run, &error) : NULL;
    if (facts) {
        engine_effects_init(&effects, &supervisor->hot.arena);
        if (kind == FRAME_INNER)
            engine_step_inner(facts, step, token, json_object_get(message, "parts"), &effects);
        else
            engine_step_held_up(facts, step, token, json_get_text(message, "reason"), &effects);
        if (!store_begin(supervisor->store, STORE_RELAXED, &error)) {
            engine_effects_release(&effects);
        } else if (!supervisor_apply_hot(supervisor, child->run, &effects, &error) ||
                   !store_commit(supervisor->store, NULL, &error)) {
            store_abandon(supervisor->store);
            supervisor_cool(supervisor);
        }
    }
    if (error.code != ERROR_NONE)
        log_error("agent", LOG_WARNING, &error);
    json_decref(message);
}

static bool on_frame(struct child *child, uint8_t kind, const char *payload, size_t count)
{
    struct supervisor *supervisor = child->owner;
    supervisor_want(supervisor);
    child->silent_ms = 0;
    child->asked = false;
    switch (kind) {
    case FRAME_RESULT: take_result(supervisor, child, payload, count); return true;
    case FRAME_LEAVING: child->retire = true; return true;
    case FRAME_PROGRESS: return true;
    case FRAME_INNER:
    case FRAME_WAITING: take_word(supervisor, child, kind, payload, count); return true;
    case FRAME_BRANCHES: listing_branches(supervisor, payload, count); return false;
    case FRAME_LISTED: listing_ended(supervisor, payload, count); return false;
    case FRAME_SWEEPING: note_sweep(child, payload, count); return true;
    case FRAME_POLICY: listing_policy(supervisor, payload, count); return true;
    case FRAME_OBSERVED: observations_take(supervisor, payload, count); return false;
    case FRAME_DELIVERED: deliveries_taken(supervisor, child, payload, count); return true;
    case FRAME_PINS: keeping_judge(supervisor, child, payload, count); return true;
    case FRAME_KEPT: keeping_kept(supervisor, payload, count); return true;
    case FRAME_HERE: return true;
    default:
        log_line("agent", LOG_WARNING, "a %s sent a frame of kind %d", child_kind_name(child->kind), kind);
        return true;
    }
}

/* A worker that died in the middle: what it had handed in counts, the rest is taken over once its tools are gone. */
static void note_lost_step(struct supervisor *supervisor, struct child *child)
{
    for (size_t i = 0; i < supervisor->results.count; i++) {
        if (supervisor->results.items[i].child == child) {
            supervisor->results.items[i].child = NULL;
            return;
        }
    }
    if (child->step)
        recover_add(supervisor, child->run, child->step, child->attempt, child->token, child->begun_ticks);
}

static void observers_not_before(struct supervisor *supervisor, int64_t wait_ms)
{
    int64_t from = time_monotonic_ms() + wait_ms;
    if (from > supervisor->observers_from_ms)
        supervisor->observers_from_ms = from;
}

static void on_gone(struct child *child)
{
    struct supervisor *supervisor = child->owner;
    log_line("agent", LOG_INFO, "%s %d is gone", child_kind_name(child->kind), (int)child->process.pid);
    orphans_inherit(supervisor, child);
    note_lost_step(supervisor, child);
    if (child->kind == CHILD_NOTIFIER && child->subject)
        deliveries_lost(supervisor, child);
    if (child->kind == CHILD_KEEPER)
        keeping_over(supervisor);
    else if (child->kind != CHILD_WORKER)
        observers_not_before(supervisor, OBSERVER_RESTART_MS);
    for (size_t i = 0; i < supervisor->children.count; i++) {
        if (supervisor->children.items[i] == child) {
            supervisor->children.items[i] = supervisor->children.items[--supervisor->children.count];
            break;
        }
    }
    process_signal(&child->process, SIGKILL); /* its socket is closed: it has ended, or nobody can hear it any more */
    supervisor_want(supervisor);
    child_free(child);
}

static const struct child_handlers handlers = {.frame = on_frame, .gone = on_gone};

struct child *children_start(struct supervisor *supervisor, enum child_kind kind, struct error *error)
{
    struct child *child = child_start(kind, supervisor->options, &supervisor->loop, &handlers, supervisor, error);
    if (!child)
        return NULL;
    child->idle_since_ms = time_monotonic_ms();
    vec_push(&supervisor->children, child);
    if (supervisor->setup_payload)
        child_send(child, FRAME_SETUP, supervisor->setup_payload, strlen(supervisor->setup_payload));
    log_line("agent", LOG_INFO, "started %s %d", child_kind_name(kind), (int)child->process.pid);
    return child;
}

struct child *children_find(const struct supervisor *supervisor, enum child_kind kind)
{
    for (size_t i = 0; i < supervisor->children.count; i++)
        if (supervisor->children.items[i]->kind == kind)
            return supervisor->children.items[i];
    return NULL;
}

void children_setup_all(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->children.count; i++)
        child_send(supervisor->children.items[i], FRAME_SETUP, supervisor->setup_payload,
                   strlen(supervisor->setup_payload));
}

/* A sweep says nothing while a server is slow, a keeper while it packs; who delivers answers when it is done. */
static int64_t silence_allowed(const struct supervisor *supervisor, const struct child *child)
{
    const struct host_config *host = supervisor->options->host;
    if (child->kind == CHILD_KEEPER)
        return KEEPER_SILENT_MS;
    return child->kind == CHILD_BRANCHES && child->subject ? SWEEP_POLLS * host->poll_ms : host->hung_after_ms;
}

static void end_hung(struct supervisor *supervisor, struct child *child)
{
    child->given_up = true;
    log_line("agent", LOG_WARNING, "%s %d has said nothing for %lld s: it is ended", child_kind_name(child->kind),
             (int)child->process.pid, (long long)(child->silent_ms / MS_SECOND));
    if (child->kind == CHILD_BRANCHES && child->subject)
        listing_hung(supervisor, child->subject, child->silent_ms);
    process_signal(&child->process, SIGKILL);
}

/* No call of a provider can be trusted to come back (libgit2 waits for a connection without a bound), and any process can be stopped. Only time in which
 * the supervisor was awake itself counts, so that being stopped together does not look like hanging. Workers have their steps' deadlines. */
void children_end_hung(struct supervisor *supervisor)
{
    int64_t now = time_monotonic_ms(), passed = now - supervisor->watched_ms;
    supervisor->watched_ms = now;
    for (size_t i = 0; i < supervisor->children.count; i++) {
        struct child *child = supervisor->children.items[i];
        int64_t allowed = silence_allowed(supervisor, child);
        if (child->kind == CHILD_WORKER || child->paused || child->given_up)
            continue;
        child->silent_ms += passed < WATCHED_AT_MOST_MS ? passed : WATCHED_AT_MOST_MS;
        if (child->silent_ms >= allowed) {
            end_hung(supervisor, child);
        } else if (!child->asked && child->silent_ms >= allowed / 2) {
            child->asked = true;
            child_send(child, FRAME_ASK, "", 0);
        }
    }
}

/* Observers are started again when they died, not faster than once a second. */
void children_keep_observers(struct supervisor *supervisor)
{
    struct error error = {0};
    if (supervisor->draining || time_monotonic_ms() < supervisor->observers_from_ms)
        return;
    if (!children_find(supervisor, CHILD_BRANCHES) && !children_start(supervisor, CHILD_BRANCHES, &error))
        log_error("agent", LOG_ERROR, &error);
    if (supervisor->config && !children_find(supervisor, CHILD_PROBES) &&
        !children_start(supervisor, CHILD_PROBES, &error))
        log_error("agent", LOG_ERROR, &error);
}

void children_observe_again(struct supervisor *supervisor, enum child_kind kind)
{
    struct child *child = children_find(supervisor, kind);
    if (child)
        process_signal(&child->process, SIGKILL);
    observers_not_before(supervisor, OBSERVE_AGAIN_MS);
}

void children_free_all(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->children.count; i++)
        child_free(supervisor->children.items[i]);
    vec_release(&supervisor->children);
}
