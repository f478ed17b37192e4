/* SPDX-License-Identifier: ISC */
/* Steps of any phase: counting, becoming ready, claims, results, interruptions. */
#include "engine/exec.h"

#include "berth/base/str.h"
#include "berth/base/time.h"

#include <stdlib.h>

#define BACKOFF_LIMIT_MS MS_HOUR
#define QUIET_ATTEMPTS 3 /* prepare and plan change nothing: so often they are begun when their worker dies */

unsigned phases_of(int run_status)
{
    switch ((enum run_status)run_status) {
    case RUN_PREPARING: return PHASES(PHASE_PREPARE);
    case RUN_PLANNING: return PHASES(PHASE_PLAN) | PHASES(PHASE_EXEC);
    case RUN_APPLYING: return PHASES(PHASE_APPLY) | PHASES(PHASE_DESTROY) | PHASES(PHASE_EXEC);
    case RUN_VALIDATING: return PHASES(PHASE_CHECK);
    case RUN_QUEUED:
    case RUN_GATE:
    case RUN_ROLLING_BACK: /* its answer has the steps */
    case RUN_HELD:
    case RUN_DONE:
    case RUN_FAILED:
    case RUN_ROLLED_BACK:
    case RUN_REJECTED:
    case RUN_SUPERSEDED:
    case RUN_CANCELLED: return 0;
    }
    return 0;
}

static bool in_phases(const struct step *step, unsigned phases)
{
    return step != NULL && (phases & PHASES(step->phase)) != 0;
}

struct tally steps_count(const struct engine_turn *turn, unsigned phases)
{
    struct tally tally = {.first_failed = -1};

    for (size_t i = 0; i < turn->steps.rows.count; i++) {
        const struct step *step = step_at(turn, i);

        if (!in_phases(step, phases))
            continue;
        tally.total++;
        switch ((enum step_status)step->status) {
        case STEP_WAITING: tally.open++; break;
        case STEP_READY:
            tally.open++;
            if (step_backs_off(step, turn->facts->now_ms) &&
                (tally.wake_at == 0 || step->not_before_at < tally.wake_at))
                tally.wake_at = step->not_before_at;
            break;
        case STEP_RUNNING: tally.running++; break;
        case STEP_DONE: tally.done++; break;
        case STEP_FAILED: tally.failed++; break;
        case STEP_SKIPPED:
            tally.skipped++;
            tally.asking += text_starts(step->status_reason, ASKS);
            break;
        case STEP_CANCELLED: tally.cancelled++; break;
        case STEP_INTERRUPTED: tally.interrupted++; break;
        }
        if (tally.first_failed < 0 && (step->status == STEP_FAILED || step->status == STEP_INTERRUPTED))
            tally.first_failed = (long)i;
    }
    return tally;
}

const char *steps_cause(const struct engine_turn *turn, const struct tally *tally)
{
    const struct step *step = tally->first_failed < 0 ? NULL : step_at(turn, (size_t)tally->first_failed);

    if (step == NULL)
        return "nothing failed";
    return arena_printf(turn->arena, "%s: %s", step->address,
                        text_empty(step->status_reason) ? "failed" : step->status_reason);
}

/* --- becoming ready ---------------------------------------------------------------------------------------------- */

/* The next text of a canonical JSON list of ids, which hold no escapes but are compared as they are written. */
static bool next_need(const char **at, struct str *need)
{
    const char *from = strchr(*at, '"'), *to;

    if (from == NULL)
        return false;
    for (to = from + 1; *to != '\0' && *to != '"'; to++)
        to += *to == '\\' && to[1] != '\0';
    str_clear(need);
    str_add_bytes(need, from + 1, (size_t)(to - from - 1));
    *at = *to == '\0' ? to : to + 1;
    return true;
}

static bool needs_name(const struct step *step, const char *id)
{
    return !text_empty(step->needs) && strstr(step->needs, id) != NULL;
}

/* Only when somebody waits. */
static void index_steps(const struct engine_turn *turn, unsigned phases, struct map *map)
{
    bool waits = false;

    for (size_t i = 0; i < turn->steps.rows.count && !waits; i++)
        waits = in_phases(step_at(turn, i), phases) && step_at(turn, i)->status == STEP_WAITING;
    for (size_t i = 0; i < turn->steps.rows.count && waits; i++) {
        const struct step *step = step_at(turn, i);

        if (in_phases(step, phases))
            (void)map_set(map, step->id, (void *)(uintptr_t)(i + 1));
    }
}

/* `map` NULL: found by looking along, which is cheaper for the few that need one step. */
static const struct step *needed_step(const struct engine_turn *turn, const struct map *map, const char *id)
{
    long at = map != NULL ? (long)(uintptr_t)map_get(map, id) - 1 : turn_find(&turn->steps, id);

    return at < 0 ? NULL : step_at(turn, (size_t)at);
}

static bool needs_done(const struct engine_turn *turn, const struct step *step, const struct map *map, struct str *need)
{
    const char *at = step->needs;

    while (!text_empty(at) && next_need(&at, need)) {
        const struct step *needed = needed_step(turn, map, need->data);

        if (needed == NULL || needed->status != STEP_DONE)
            return false;
    }
    return true;
}

static void make_ready(struct engine_turn *turn, size_t at)
{
    struct step *step = step_edit(turn, at);

    step->status = STEP_READY;
    step->status_reason = "";
    step->ready_at = turn->facts->now_ms;
}

void steps_ready(struct engine_turn *turn, unsigned phases, const char *ended)
{
    struct map map = {0};
    struct str need = STR_INIT;

    if (ended == NULL)
        index_steps(turn, phases, &map);
    for (size_t i = 0; i < turn->steps.rows.count; i++) {
        const struct step *step = step_at(turn, i);

        if (in_phases(step, phases) && step->status == STEP_WAITING && (ended == NULL || needs_name(step, ended)) &&
            needs_done(turn, step, ended == NULL ? &map : NULL, &need))
            make_ready(turn, i);
    }
    str_release(&need);
    map_release(&map);
}

/* --- stopping and beginning again ------------------------------------------------------------------------------- */

void steps_stop(struct engine_turn *turn, unsigned phases, enum step_status status, const char *reason)
{
    for (size_t i = 0; i < turn->steps.rows.count; i++) {
        const struct step *step = step_at(turn, i);
        struct step *edited;

        if (!in_phases(step, phases) || (step->status != STEP_WAITING && step->status != STEP_READY))
            continue;
        edited = step_edit(turn, i);
        edited->status = (int)status;
        edited->status_reason = reason;
        edited->ended_at = turn->facts->now_ms;
    }
}

void steps_end(struct engine_turn *turn, const char *reason)
{
    for (size_t i = 0; i < turn->steps.rows.count; i++) {
        const struct step *step = step_at(turn, i);
        struct step *edited;

        if (step == NULL || step_ended((enum step_status)step->status))
            continue;
        if (step->status == STEP_RUNNING)
            vec_push(&turn->effects->cancel_steps, arena_strdup(turn->arena, step->id));
        edited = step_edit(turn, i);
        edited->status = STEP_CANCELLED;
        edited->status_reason = reason;
        edited->ended_at = turn->facts->now_ms;
    }
}

/* How often a step may be begun before a person is needed. */
static int64_t declared_attempts(const struct step *step)
{
    json_t *spec;
    int64_t attempts;

    if (step->phase == PHASE_PREPARE || step->phase == PHASE_PLAN)
        return QUIET_ATTEMPTS;
    spec = json_column(step->spec);
    attempts = json_get_int(json_object_get(spec, step->phase == PHASE_CHECK     ? "check"
                                                  : step->phase == PHASE_DESTROY ? "recorded"
                                                                                 : "wanted"),
                            "attempts");
    json_decref(spec);
    return attempts > 1 ? attempts : 1;
}

size_t steps_again(struct engine_turn *turn, unsigned phases)
{
    size_t count = 0;

    for (size_t i = 0; i < turn->steps.rows.count; i++) {
        const struct step *step = step_at(turn, i);
        struct step *edited;

        if (!in_phases(step, phases) || !step_ended((enum step_status)step->status) || step->status == STEP_DONE)
            continue;
        edited = step_edit(turn, i);
        edited->status = STEP_WAITING;
        edited->status_reason = "";
        edited->attempts = edited->attempt + declared_attempts(edited);
        edited->not_before_at = edited->ended_at = 0;
        edited->token = edited->result = "";
        count++;
    }
    return count;
}

/* --- events -------------------------------------------------------------------------------------------------------- */

/* Whoever waits for this one, and whoever waits for those, never comes to its turn. */
static void skip_users(struct engine_turn *turn, const char *id, const char *reason)
{
    const char *need = arena_printf(turn->arena, "\"%s\"", id);

    for (size_t i = 0; i < turn->steps.rows.count; i++) {
        const struct step *step = step_at(turn, i);
        struct step *edited;

        if (step == NULL || step->status != STEP_WAITING || !needs_name(step, need))
            continue;
        edited = step_edit(turn, i);
        edited->status = STEP_SKIPPED;
        edited->status_reason = reason;
        edited->ended_at = turn->facts->now_ms;
        skip_users(turn, edited->id, reason);
    }
}

static void stop_others(struct engine_turn *turn, const struct step *step, const char *what)
{
    unsigned phases = PHASES(step->phase);

    if (step->phase == PHASE_APPLY || step->phase == PHASE_DESTROY)
        phases = PHASES(PHASE_APPLY) | PHASES(PHASE_DESTROY);
    if (step->phase == PHASE_PREPARE || step->phase == PHASE_PLAN) {
        skip_users(turn, step->id, arena_printf(turn->arena, "not begun: %s %s", step->address, what));
        return; /* they change nothing: let all others say what is wrong */
    }
    steps_stop(turn, phases, STEP_SKIPPED, arena_printf(turn->arena, "not begun: %s %s", step->address, what));
}

static bool changes_things(const struct step *step)
{
    return step->phase == PHASE_APPLY || step->phase == PHASE_DESTROY;
}

static void ready_again(struct engine_turn *turn, struct step *step, int64_t wait_ms, const char *reason)
{
    step->status = STEP_READY;
    step->status_reason = reason;
    step->ready_at = turn->facts->now_ms;
    step->not_before_at = wait_ms > 0 ? turn->facts->now_ms + wait_ms : 0;
    step->token = "";
    if (changes_things(step))
        resource_fails(turn, step, RESOURCE_WAITING, reason);
}

static int64_t backoff_of(const struct step *step)
{
    int64_t wait = step->backoff_ms;

    for (int64_t i = 1; i < step->attempt && wait < BACKOFF_LIMIT_MS; i++)
        wait *= 2;
    return wait < BACKOFF_LIMIT_MS ? wait : BACKOFF_LIMIT_MS;
}

static void audit_step(struct engine_turn *turn, const struct step *step, const char *what, const char *result)
{
    if (step->status == STEP_DONE && (step->phase == PHASE_PREPARE || step->phase == PHASE_PLAN))
        return; /* told by the run's next phase and its digest */
    turn_audit(turn, arena_printf(turn->arena, "step.%s", what), "", result,
               text_empty(step->status_reason) ? step->id
                                               : arena_printf(turn->arena, "%s: %s", step->id, step->status_reason),
               step->phase == PHASE_EXEC ? exec_told(turn, step) : NULL);
}

static bool asked_to_stop(const struct engine_turn *turn)
{
    return !text_empty(turn->run->cancel_by);
}

static void step_fails(struct engine_turn *turn, struct step *step, const struct error *error)
{
    bool quiet = step->phase == PHASE_PREPARE || step->phase == PHASE_PLAN;
    char line[2048];

    (void)error_line(error, line, sizeof line);
    step->status_reason = arena_strdup(turn->arena, line);
    if (step->attempt < step->attempts && !asked_to_stop(turn) && (!quiet || error->retry) &&
        steps_count(turn, phases_of(turn->run->status)).first_failed < 0) {
        ready_again(turn, step, backoff_of(step),
                    arena_printf(turn->arena, "attempt %lld of %lld failed: %s", (long long)step->attempt,
                                 (long long)step->attempts, line));
        audit_step(turn, step, "failed", "retried");
        return;
    }
    step->status = STEP_FAILED;
    step->ended_at = turn->facts->now_ms;
    if (changes_things(step))
        resource_fails(turn, step, RESOURCE_FAILED, step->status_reason);
    audit_step(turn, step, "failed", "failed");
    stop_others(turn, step, "failed");
}

static bool step_replans(const struct step *step)
{
    json_t *spec = json_column(step->spec);
    const json_t *wanted = json_object_get(spec, "wanted");
    const json_t *of = json_is_object(wanted) ? wanted : json_object_get(spec, "recorded");
    bool replans = json_is_true(json_object_get(of, "replans"));

    json_decref(spec);
    return replans;
}

/* Nobody knows how far it came. What changes nothing begins again; what may be repeated too; else a person is asked. */
static void step_interrupted(struct engine_turn *turn, struct step *step)
{
    bool quiet = step->phase == PHASE_PREPARE || step->phase == PHASE_PLAN;
    bool replans = changes_things(step) && step_replans(step);
    int64_t allowed = replans && step->attempts < QUIET_ATTEMPTS ? QUIET_ATTEMPTS : step->attempts;

    if ((quiet || replans || step->repeatable) && step->attempt < allowed && !asked_to_stop(turn) &&
        steps_count(turn, phases_of(turn->run->status)).first_failed < 0) {
        ready_again(turn, step, 0, "was interrupted, begins again");
        audit_step(turn, step, "interrupted", "retried");
        return;
    }
    if (quiet) {
        struct error error;

        error_set(&error, ERROR_INTERRUPTED, "was interrupted %lld times", (long long)step->attempt);
        step->attempts = step->attempt;
        step_fails(turn, step, &error);
        return;
    }
    step->status = STEP_INTERRUPTED;
    step->status_reason = "interrupted: nobody knows how far it came; retry runs it again, cancel gives up";
    step->ended_at = turn->facts->now_ms;
    if (changes_things(step))
        resource_fails(turn, step, RESOURCE_UNKNOWN, step->status_reason);
    audit_step(turn, step, "interrupted", "interrupted");
    stop_others(turn, step, "was interrupted");
}

/* What was planned again would do other things than were approved: the rest waits for the gate. */
static void step_asks(struct engine_turn *turn, struct step *step, const struct step_result *result)
{
    const char *id = arena_printf(turn->arena, "%s/%s", step->run, step->address);
    struct error error;
    struct plan *plan;

    if (steps_count(turn, phases_of(turn->run->status)).asking == 0)
        plan_keep(turn); /* the first that asks finds the plan as it was approved */
    if (!plan_take(turn, step, result->body, &error)) {
        step->attempts = step->attempt;
        step_fails(turn, step, &error);
        return;
    }
    plan = plan_edit(turn, (size_t)turn_find(&turn->plans, id));
    plan->reason = arena_strdup(turn->arena, result->error.message);
    step_take_plan(turn, step, plan);
    step->status = STEP_SKIPPED;
    step->status_reason = arena_printf(turn->arena, ASKS "%s", result->error.message);
    step->ended_at = turn->facts->now_ms;
    resource_fails(turn, step, RESOURCE_WAITING, step->status_reason);
    audit_step(turn, step, "asks", "waiting");
    stop_others(turn, step, "needs the gate again");
}

static bool take_body(struct engine_turn *turn, struct step *step, const struct step_result *result,
                      struct error *error)
{
    const json_t *body = result->body;

    switch ((enum step_phase)step->phase) {
    case PHASE_PREPARE: {
        struct prepare_result *prepare = arena_alloc(turn->arena, sizeof *prepare);

        if (!prepare_result_from_json(body, turn->arena, prepare, error))
            return false;
        turn->prepare = prepare;
        turn->prepare_body = body;
        return true;
    }
    case PHASE_PLAN: return plan_take(turn, step, body, error);
    case PHASE_APPLY:
    case PHASE_DESTROY: return resource_ends(turn, step, body, error);
    case PHASE_CHECK:
    case PHASE_EXEC: return true;
    }
    return error_set(error, ERROR_CORRUPT, "a step of an unknown phase");
}

/* What is there has rows of its own. */
static const char *kept_of(struct engine_turn *turn, const json_t *body)
{
    json_t *kept = json_copy((json_t *)(uintptr_t)body);
    const char *text;

    json_object_del(kept, "there");
    text = json_text(turn->arena, kept);
    json_decref(kept);
    return text;
}

static void step_done(struct engine_turn *turn, struct step *step, const struct step_result *result)
{
    struct error error;

    if (!take_body(turn, step, result, &error)) {
        step->attempts = step->attempt;
        step_fails(turn, step, &error);
        return;
    }
    step->status = STEP_DONE;
    step->status_reason = "";
    step->ended_at = turn->facts->now_ms;
    step->progress = 100;
    if (step->phase != PHASE_PREPARE && step->phase != PHASE_PLAN)
        step->result = kept_of(turn, result->body); /* those two live in the run and in plans */
    audit_step(turn, step, "done", "ok");
    steps_ready(turn, phases_of(turn->run->status), step->id);
}

static void step_cancelled(struct engine_turn *turn, struct step *step)
{
    step->status = STEP_CANCELLED;
    step->status_reason = "cancelled";
    step->ended_at = turn->facts->now_ms;
    if (changes_things(step))
        resource_fails(turn, step, RESOURCE_UNKNOWN, "stopped in the middle");
    audit_step(turn, step, "cancelled", "cancelled");
}

static void ignore_result(struct engine_turn *turn, const char *step, const char *why)
{
    turn_audit(turn, "step.result.ignored", "", "ignored", arena_printf(turn->arena, "%s: %s", step, why), NULL);
}

/* What the tool said although it did not end well. A step that asks brings a plan instead. */
static void take_rest(struct engine_turn *turn, struct step *step, const struct step_result *result)
{
    const json_t *body = result->error.code == ERROR_WAITING ? NULL : result->body;

    resource_stops(turn, step, body);
    if (json_object_size(json_object_get(body, "lock")) > 0)
        step->result = kept_of(turn, body);
}

/* What the run says of a step that is held up. */
static const char *held_up(struct engine_turn *turn, const struct step *step)
{
    return arena_printf(turn->arena, "%s: %s", step->address, step->status_reason);
}

/* The run says it no more than the step. */
static void goes_on(struct engine_turn *turn, const struct step *step)
{
    if (step->status == STEP_RUNNING && !text_empty(step->status_reason) &&
        text_equal(turn->run->status_reason, held_up(turn, step)))
        turn->run->status_reason = "";
}

static void take_result(struct engine_turn *turn, struct step *step, const struct step_result *result)
{
    const json_t *exit_status = json_object_get(result->body, "exit_status");

    goes_on(turn, step);
    step->worker = 0;
    step->log_bytes = result->log_bytes;
    step->exit_status = json_is_integer(exit_status) ? (int64_t)json_integer_value(exit_status) : -1;
    if (result->status != STEP_DONE && changes_things(step))
        take_rest(turn, step, result);
    if (result->body != NULL || result->status != STEP_FAILED) /* else the tool was not even started */
        exec_left(turn, step, result->body);
    switch (result->status) {
    case STEP_DONE: step_done(turn, step, result); return;
    case STEP_CANCELLED:
        if (asked_to_stop(turn))
            step_cancelled(turn, step);
        else
            step_interrupted(turn, step);
        return;
    case STEP_FAILED:
        if (changes_things(step) && result->error.code == ERROR_WAITING)
            step_asks(turn, step, result);
        else
            step_fails(turn, step, &result->error);
        return;
    case STEP_WAITING:
    case STEP_READY:
    case STEP_RUNNING:
    case STEP_SKIPPED:
    case STEP_INTERRUPTED: step_interrupted(turn, step); return;
    }
}

void engine_step_result(const struct engine_facts *facts, const struct step_result *result,
                        struct engine_effects *effects)
{
    struct engine_turn turn;
    const struct step *step;
    long at;

    if (facts->run == NULL)
        return;
    turn_begin(&turn, facts, effects);
    at = turn_find(&turn.steps, result->step);
    step = at < 0 ? NULL : step_at(&turn, (size_t)at);
    if (step == NULL || step->status != STEP_RUNNING)
        ignore_result(&turn, result->step, step == NULL ? "no such step" : "it does not run");
    else if (!text_equal(step->token, result->token) || step->epoch != result->epoch)
        ignore_result(&turn, result->step, "of another attempt");
    else {
        take_result(&turn, step_edit(&turn, (size_t)at), result);
        if (turn.prepare != NULL)
            (void)turn_fire(&turn, "prepared", "");
        turn_advance(&turn);
    }
    turn_end(&turn);
}

void engine_step_interrupted(const struct engine_facts *facts, const char *step, struct engine_effects *effects)
{
    struct engine_turn turn;
    long at;

    if (facts->run == NULL)
        return;
    turn_begin(&turn, facts, effects);
    at = turn_find(&turn.steps, step);
    if (at < 0 || step_at(&turn, (size_t)at)->status != STEP_RUNNING) {
        ignore_result(&turn, step, "interrupted, but it does not run");
    } else {
        struct step *edited = step_edit(&turn, (size_t)at);

        goes_on(&turn, edited);
        edited->worker = 0;
        if (changes_things(edited))
            resource_stops(&turn, edited, NULL);
        exec_left(&turn, edited, NULL);
        step_interrupted(&turn, edited);
        turn_advance(&turn);
    }
    turn_end(&turn);
}

void engine_step_claimed(const struct engine_facts *facts, const char *step, const char *token,
                         struct engine_effects *effects)
{
    struct engine_turn turn;
    struct step *edited;
    long at;

    if (facts->run == NULL)
        return;
    turn_begin(&turn, facts, effects);
    at = turn_find(&turn.steps, step);
    if (at >= 0 && step_at(&turn, (size_t)at)->status == STEP_READY &&
        !step_backs_off(step_at(&turn, (size_t)at), facts->now_ms) &&
        in_phases(step_at(&turn, (size_t)at), phases_of(turn.run->status)) && text_empty(turn.run->cancel_by)) {
        edited = step_edit(&turn, (size_t)at);
        edited->status = STEP_RUNNING;
        edited->status_reason = "";
        edited->attempt++;
        edited->token = arena_strdup(turn.arena, token);
        edited->epoch = facts->epoch;
        edited->started_at = facts->now_ms;
        edited->exit_status = edited->progress = -1;
        if (changes_things(edited))
            resource_begins(&turn, edited);
    }
    turn_end(&turn);
}

void engine_step_waits(const struct engine_facts *facts, const char *step, const char *reason,
                       struct engine_effects *effects)
{
    struct engine_turn turn;
    long at;

    if (facts->run == NULL)
        return;
    turn_begin(&turn, facts, effects);
    at = turn_find(&turn.steps, step);
    if (at >= 0 && step_at(&turn, (size_t)at)->status == STEP_READY)
        step_edit(&turn, (size_t)at)->status_reason = arena_strdup(turn.arena, reason);
    turn_end(&turn);
}

void engine_step_held_up(const struct engine_facts *facts, const char *step, const char *token, const char *reason,
                         struct engine_effects *effects)
{
    struct engine_turn turn;
    struct step *edited;
    long at;

    if (facts->run == NULL)
        return;
    turn_begin(&turn, facts, effects);
    at = turn_find(&turn.steps, step);
    if (at >= 0 && step_at(&turn, (size_t)at)->status == STEP_RUNNING &&
        text_equal(step_at(&turn, (size_t)at)->token, token)) {
        edited = step_edit(&turn, (size_t)at);
        goes_on(&turn, edited);
        edited->status_reason = arena_strdup(turn.arena, reason);
        if (!text_empty(reason))
            turn.run->status_reason = held_up(&turn, edited);
    }
    turn_end(&turn);
}

/* The worker never began: nothing was done, and this attempt counts for nothing but its number, whose traces are on disk. */
void engine_step_returned(const struct engine_facts *facts, const char *step, struct engine_effects *effects)
{
    struct engine_turn turn;
    struct step *edited;
    long at;

    if (facts->run == NULL)
        return;
    turn_begin(&turn, facts, effects);
    at = turn_find(&turn.steps, step);
    if (at < 0 || step_at(&turn, (size_t)at)->status != STEP_RUNNING) {
        ignore_result(&turn, step, "returned, but it does not run");
    } else {
        edited = step_edit(&turn, (size_t)at);
        edited->worker = 0;
        edited->attempts++;
        if (asked_to_stop(&turn))
            step_cancelled(&turn, edited);
        else if (steps_count(&turn, phases_of(turn.run->status)).first_failed >= 0 && changes_things(edited)) {
            edited->status = STEP_SKIPPED;
            edited->status_reason = "not begun: another step failed";
            edited->ended_at = facts->now_ms;
            resource_fails(&turn, edited, RESOURCE_WAITING, "");
        } else
            ready_again(&turn, edited, 0, "");
        turn_advance(&turn);
    }
    turn_end(&turn);
}
