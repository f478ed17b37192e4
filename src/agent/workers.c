/* SPDX-License-Identifier: ISC */
/* Workers as the supervisor sees them: how many there are, which step each gets, and when one is let go. */
#include "agent/supervisor.h"

#include "agent/keeping.h"
#include "agent/marker.h"
#include "agent/places.h"
#include "agent/task.h"
#include "berth/base/fault.h"
#include "berth/base/hash.h"
#include "berth/base/log.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/store.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS_MOST 64 /* processes, where berthd.yaml does not say how many */
#define IDLE_WORKER_MS 20000
#define ANSWER_MS \
    30000 /* from asking a worker to stop its step until it counts as one that does not answer; a person must ask again */

static size_t workers_allowed(const struct supervisor *supervisor)
{
    int own = supervisor->options->host->workers, steps = supervisor->config->limits.steps;
    if (own <= 0)
        own = WORKERS_MOST;
    return (size_t)(steps < own ? steps : own);
}

void workers_note_limits(const struct supervisor *supervisor)
{
    size_t steps = (size_t)supervisor->config->limits.steps, workers = workers_allowed(supervisor);
    if (workers < steps)
        log_line(
            "agent", LOG_WARNING,
            "berth.yaml lets %zu steps run at once, but there are at most %zu workers here: `workers` of berthd.yaml says "
            "how many",
            steps, workers);
}

static bool is_worker(const struct child *child)
{
    return child->kind == CHILD_WORKER && !child->ended && !child->retire;
}

size_t workers_busy(const struct supervisor *supervisor)
{
    size_t busy = 0;
    for (size_t i = 0; i < supervisor->children.count; i++)
        busy += supervisor->children.items[i]->kind == CHILD_WORKER && supervisor->children.items[i]->step;
    return busy;
}

static bool is_claimed(const struct supervisor *supervisor, const struct child *child)
{
    for (size_t i = 0; i < supervisor->claims.count; i++)
        if (supervisor->claims.items[i].worker == child)
            return true;
    return false;
}

/* Free: it does nothing, or its result is being stored by this very transaction and it said that it goes on. */
static struct child *free_worker(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->children.count; i++) {
        struct child *child = supervisor->children.items[i];
        if (is_worker(child) && (!child->step || child->result_pending) && !is_claimed(supervisor, child))
            return child;
    }
    return NULL;
}

/* How many more steps may begin: `limits.steps` without those that run, here or with a worker whose end is still awaited. */
static size_t room_for_steps(const struct supervisor *supervisor)
{
    size_t limit = (size_t)supervisor->config->limits.steps, running = supervisor->claims.count;
    for (size_t i = 0; i < supervisor->children.count; i++) {
        const struct child *child = supervisor->children.items[i];
        running += child->kind == CHILD_WORKER && child->step && !child->result_pending;
    }
    for (size_t i = 0; i < supervisor->endings.count; i++)
        running += !supervisor->endings.items[i].resolved;
    return running < limit ? limit - running : 0;
}

struct ready_steps {
    struct supervisor *supervisor;
    struct arena *arena;
    VEC(struct step *) steps;
    VEC(const char *) not_now; /* that could not be had: not listed again */
    struct places *places;     /* or NULL: no target or tier has a limit */
    int64_t now_ms;
    size_t limit; /* so many that may begin now are listed */
};

static bool is_not_now(const struct ready_steps *ready, const char *step)
{
    for (size_t i = 0; i < ready->not_now.count; i++)
        if (text_equal(ready->not_now.items[i], step))
            return true;
    return false;
}

static bool collect_ready(const void *row, void *context)
{
    struct ready_steps *ready = context;
    const struct step *step = row;
    if (step_backs_off(step, ready->now_ms)) {
        supervisor_due(ready->supervisor, step->run, step->not_before_at);
        return true;
    }
    if (is_not_now(ready, step->id) || (ready->places && !places_have(ready->places, step)))
        return true;
    struct step *copy = arena_alloc(ready->arena, sizeof *copy);
    copy->id = arena_strdup(ready->arena, step->id);
    copy->run = arena_strdup(ready->arena, step->run);
    vec_push(&ready->steps, copy);
    return ready->steps.count < ready->limit;
}

/* Steps that wait for a later moment, or for their target or tier, are no part of the limit: however many there are, what may begin now is found. */
static bool list_ready(struct supervisor *supervisor, struct ready_steps *ready, struct error *error)
{
    static const char *const columns[] = {"id", "run", "not_before_at", "ready_at", NULL};
    static const char *const placed[] = {"id",       "run",           "not_before_at", "environment",
                                         "ready_at", "status_reason", "target",        NULL};
    struct store_query query = {.type = &step_type,
                                .index = "status",
                                .equal = {word_name(step_status_names, STEP_READY)},
                                .columns = ready->places ? placed : columns};
    if (ready->places)
        places_count(ready->places, supervisor, ready->arena);
    ready->supervisor = supervisor;
    ready->now_ms = time_now_ms();
    vec_clear(&ready->steps);
    return ready->limit == 0 || store_each(supervisor->store, &query, collect_ready, ready, error);
}

/* Starts workers for what is ready, before the transaction: starting a process must not hold the store. */
void workers_ensure(struct supervisor *supervisor)
{
    struct arena arena = {0};
    struct places places = {0};
    struct ready_steps ready = {.arena = &arena, .places = supervisor->config->limits.divides_steps ? &places : NULL};
    struct error error = {0};
    size_t allowed = workers_allowed(supervisor), room = room_for_steps(supervisor), have = 0, unoccupied = 0;
    for (size_t i = 0; i < supervisor->children.count; i++) {
        const struct child *child = supervisor->children.items[i];
        have += child->kind == CHILD_WORKER;
        unoccupied += is_worker(child) && (!child->step || child->result_pending);
    }
    ready.limit = room < allowed ? room : allowed;
    if (!supervisor->draining && list_ready(supervisor, &ready, &error)) {
        /* a waiting command or result will most likely make a step: one worker is kept ready for it */
        size_t wanted = ready.steps.count > 0 ? ready.steps.count : 1;
        for (; unoccupied < wanted && have < allowed; unoccupied++, have++) {
            if (!children_start(supervisor, CHILD_WORKER, &error)) {
                log_error("agent", LOG_ERROR, &error);
                break;
            }
        }
    }
    vec_release(&ready.steps);
    places_release(&places);
    arena_release(&arena);
}

static const struct step *step_in(const struct engine_facts *facts, const char *id)
{
    for (size_t i = 0; i < facts->steps.count; i++)
        if (text_equal(facts->steps.items[i]->id, id))
            return facts->steps.items[i];
    return NULL;
}

enum claimed { CLAIMED, NOT_NOW, CLAIM_FAILED };

static enum claimed claim_step(struct supervisor *supervisor, struct child *worker, const struct step *ready,
                               struct error *error)
{
    char token[ID_SIZE];
    struct engine_effects effects;
    if (aside_is(supervisor, ready->run) || keeping_releases(supervisor, ready->run) ||
        deliveries_forget_now(supervisor, ready->run))
        return NOT_NOW;
    struct engine_facts *facts = supervisor_facts(supervisor, ready->run, error);
    if (!facts)
        return CLAIM_FAILED;
    id_new(token, facts->now_ms);
    engine_effects_init(&effects, &supervisor->hot.arena);
    engine_step_claimed(facts, ready->id, token, &effects);
    bool applied = supervisor_apply_hot(supervisor, ready->run, &effects, error);
    const struct step *step = step_in(facts, ready->id);
    if (!applied || !step || step->status != STEP_RUNNING || !text_equal(step->token, token))
        return applied ? NOT_NOW : CLAIM_FAILED;
    struct claim claim = {.worker = worker,
                          .run = mem_strdup(step->run),
                          .step = mem_strdup(step->id),
                          .token = mem_strdup(token),
                          .target = mem_strdup(text_empty(step->target) ? "" : step->target),
                          .tier = facts->environment ? facts->environment->tier : TIER_NONE,
                          .attempt = step->attempt};
    str_init(&claim.task);
    bool written = task_write(supervisor->store, facts, step, &claim.task, error);
    vec_push(&supervisor->claims, claim);
    if (!written && error->code == ERROR_DAMAGED)
        aside_put(supervisor, ready->run, error);
    return written ? CLAIMED : CLAIM_FAILED;
}

/* Gives what was listed to free workers; what its run does not let begin now is noted. */
static bool claim_listed(struct supervisor *supervisor, struct ready_steps *ready, struct error *error)
{
    for (size_t i = 0; i < ready->steps.count; i++) {
        struct child *worker = free_worker(supervisor);
        enum claimed claimed = worker ? claim_step(supervisor, worker, ready->steps.items[i], error) : NOT_NOW;
        if (!worker || claimed == CLAIM_FAILED)
            return !worker; /* the next result frees one and claims in its own transaction */
        if (claimed == NOT_NOW)
            vec_push(&ready->not_now, ready->steps.items[i]->id);
    }
    return true;
}

bool workers_claim(struct supervisor *supervisor, struct error *error)
{
    struct arena arena = {0};
    struct places places = {0};
    struct ready_steps ready = {.arena = &arena, .places = supervisor->config->limits.divides_steps ? &places : NULL};
    size_t before;
    bool claimed = true;
    supervisor->look_at_steps = false;
    if (supervisor->draining)
        return true;
    do { /* again only behind those that could not be had */
        before = ready.not_now.count;
        ready.limit = room_for_steps(supervisor);
        claimed = list_ready(supervisor, &ready, error);
        if (claimed && ready.steps.count > 0) {
            fault_point("supervisor.before_claim");
            claimed = claim_listed(supervisor, &ready, error);
        }
    } while (claimed && ready.not_now.count > before && free_worker(supervisor));
    claimed = claimed && (!ready.places || places_note(&places, error));
    vec_release(&ready.steps);
    vec_release(&ready.not_now);
    places_release(&places);
    arena_release(&arena);
    return claimed;
}

/* Idle workers go after a while; their memory is for others. */
void workers_retire(struct supervisor *supervisor)
{
    int64_t now = time_monotonic_ms();
    for (size_t i = 0; i < supervisor->children.count; i++) {
        struct child *child = supervisor->children.items[i];
        if (!is_worker(child) || child->step || now - child->idle_since_ms < IDLE_WORKER_MS)
            continue;
        child->retire = true;
        child_hang_up(child);
    }
}

/* Asks the worker that does a step to stop. A worker of an earlier supervisor hears nothing: its tool is asked. */
void workers_cancel(struct supervisor *supervisor, const char *step)
{
    for (size_t i = 0; i < supervisor->children.count; i++) {
        struct child *child = supervisor->children.items[i];
        if (child->kind == CHILD_WORKER && text_equal(child->step, step)) {
            child_stop_step(child);
            return;
        }
    }
    for (size_t i = 0; i < supervisor->endings.count; i++) {
        const struct ending *ending = &supervisor->endings.items[i];
        if (text_equal(ending->step, step)) {
            struct str variable = STR_INIT;
            str_addf(&variable, "BERTH_STEP_TOKEN=%s", ending->token);
            process_signal_all(variable.data, 0, SIGINT);
            str_release(&variable);
        }
    }
}

/* A worker answers by ending its tool, which may take its tool's grace; one that is stopped (SIGSTOP, a debugger) answers nothing at all. */
static bool is_deaf(pid_t pid, uint64_t start_ticks, int64_t told_ms)
{
    return process_stopped(pid, start_ticks) || (told_ms > 0 && time_monotonic_ms() - told_ms > ANSWER_MS);
}

static void give_up(pid_t pid, uint64_t start_ticks, const char *step)
{
    log_line("agent", LOG_WARNING, "worker %d of step %s does not answer: it is ended", (int)pid, step);
    process_signal_exactly(pid, start_ticks, SIGKILL);
}

void workers_give_up(struct supervisor *supervisor, const char *step)
{
    for (size_t i = 0; i < supervisor->children.count; i++) {
        const struct child *child = supervisor->children.items[i];
        if (child->kind == CHILD_WORKER && text_equal(child->step, step) &&
            is_deaf(child->process.pid, child->process.start_ticks, child->told_ms))
            give_up(child->process.pid, child->process.start_ticks, step);
    }
    for (size_t i = 0; i < supervisor->endings.count; i++) {
        const struct ending *ending = &supervisor->endings.items[i];
        struct marker marker;
        if (text_equal(ending->step, step) &&
            marker_read(supervisor->options->store_folder, ending->run, ending->step, ending->attempt, &marker, NULL) &&
            text_equal(marker.boot, supervisor->boot) && is_deaf(marker.pid, marker.start_ticks, 0))
            give_up(marker.pid, marker.start_ticks, step);
    }
}
