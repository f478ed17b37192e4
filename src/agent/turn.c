/* SPDX-License-Identifier: ISC */
/*
 * A turn of the supervisor: results are stored, commands are answered, runs go on, steps are claimed, all in one durable transaction;
 * only after its commit are results acknowledged and tasks sent. A turn that fails changes nothing and is tried again.
 */
#include "agent/supervisor.h"

#include "agent/marker.h"
#include "agent/protocol.h"
#include "berth/base/fault.h"
#include "berth/base/hash.h"
#include "berth/base/log.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/store.h"
#include "berth/store_trouble.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMANDS_A_TURN 16      /* more come in the next turn: what these made ready is claimed first */
#define ADVANCES_A_TURN 1000    /* a turn ends; what is left comes in the next */
#define FAILED_TURN_WAIT_MS 200 /* doubled with each failure in a row */
#define FAILED_TURN_LONGEST_MS 5000
#define HOT_BYTES (16u << 20)
#define REASONS_AFTER_MS 5000 /* who got no slot says where it stands by then … */
#define REASONS_AT_ONCE 8     /* … a few in a turn */
#define REASONS_APART_MS 100

void supervisor_due(struct supervisor *supervisor, const char *run, int64_t at_ms)
{
    for (size_t i = 0; i < supervisor->due.count; i++) {
        struct due_run *due = &supervisor->due.items[i];
        if (text_equal(due->run, run)) {
            if (at_ms < due->at_ms)
                due->at_ms = at_ms;
            return;
        }
    }
    struct due_run due = {.run = mem_strdup(run), .at_ms = at_ms};
    vec_push(&supervisor->due, due);
}

void supervisor_forget_slots(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->slot_runs.count; i++)
        free(supervisor->slot_runs.items[i]);
    vec_clear(&supervisor->slot_runs);
}

/* The newest list is the whole one. */
static void note_slot(struct supervisor *supervisor, const struct engine_effects *effects)
{
    if (effects->slot_runs.count == 0)
        return;
    supervisor_forget_slots(supervisor);
    for (size_t i = 0; i < effects->slot_runs.count; i++)
        vec_push(&supervisor->slot_runs, mem_strdup(effects->slot_runs.items[i]));
}

/* No slot is left: who still waits is named again with the next one. Their reasons say how many are before them, which has changed. */
static void leave_waiting(struct supervisor *supervisor, int64_t now_ms)
{
    for (size_t i = 0; i < supervisor->slot_runs.count; i++)
        supervisor_due(supervisor, supervisor->slot_runs.items[i],
                       now_ms + REASONS_AFTER_MS + (int64_t)(i / REASONS_AT_ONCE) * REASONS_APART_MS);
    supervisor_forget_slots(supervisor);
}

/* --- facts --------------------------------------------------------------------------------------------------------- */

static void note_slots_taken(struct supervisor *supervisor)
{
    const struct engine_facts *facts = &supervisor->hot.facts;
    const int limit = supervisor->config->limits.runs;
    supervisor->slots_taken = limit > 0 && facts->runs_active >= limit;
}

void supervisor_cool(struct supervisor *supervisor)
{
    if (!supervisor->hot.run)
        return;
    engine_facts_release(&supervisor->hot.facts);
    arena_release(&supervisor->hot.arena);
    free(supervisor->hot.run);
    memset(&supervisor->hot, 0, sizeof supervisor->hot);
}

static bool visit_number(const void *row, void *context)
{
    *(int64_t *)context = ((const struct run *)row)->number;
    return false;
}

static int64_t next_run(struct supervisor *supervisor)
{
    if (supervisor->next_run == 0) {
        static const char *const columns[] = {"id", "number", NULL};
        int64_t last = 0;
        struct store_query query = {
            .type = &run_type, .index = "number", .descending = true, .limit = 1, .columns = columns};
        struct error error = {0};
        if (store_each(supervisor->store, &query, visit_number, &last, &error))
            supervisor->next_run = last + 1;
        else
            log_error("agent", LOG_ERROR, &error);
    }
    return supervisor->next_run;
}

/* One random id and its successors: they differ in their last two characters. */
static void fresh_ids(struct supervisor *supervisor, int64_t now_ms)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    char first[ID_SIZE];
    id_new(first, now_ms);
    for (size_t i = 0; i < SUPERVISOR_NEW_IDS; i++) {
        memcpy(supervisor->new_ids[i], first, sizeof first);
        supervisor->new_ids[i][ID_SIZE - 3] = digits[i / 32 % 32];
        supervisor->new_ids[i][ID_SIZE - 2] = digits[i % 32];
    }
}

void supervisor_fill_facts(struct supervisor *supervisor, struct engine_facts *facts)
{
    facts->now_ms = time_now_ms();
    facts->epoch = supervisor->epoch;
    facts->config = supervisor->config;
    facts->policy_commit = supervisor->policy_commit;
    facts->owner_uid = getuid();
    facts->owner_login = supervisor->owner_login;
    facts->next_run = next_run(supervisor);
    fresh_ids(supervisor, facts->now_ms);
    facts->new_id = supervisor->new_ids;
    facts->new_id_count = SUPERVISOR_NEW_IDS;
    if (facts->own_repository && !listing_is_fresh(supervisor, facts->own_repository->id))
        facts->own_repository = NULL;
}

struct engine_facts *supervisor_facts(struct supervisor *supervisor, const char *run, struct error *error)
{
    struct hot_run *hot = &supervisor->hot;
    if (hot->run && (!text_equal(hot->run, run) || hot->arena.used_bytes > HOT_BYTES))
        supervisor_cool(supervisor);
    if (!hot->run) {
        if (!engine_load_for_run(supervisor->store, run, supervisor->config, time_now_ms(), &hot->arena, &hot->facts,
                                 error)) {
            if (error->code == ERROR_DAMAGED)
                aside_put(supervisor, run, error);
            engine_facts_release(&hot->facts);
            arena_release(&hot->arena);
            memset(hot, 0, sizeof *hot);
            return NULL;
        }
        hot->run = mem_strdup(run);
        note_slots_taken(supervisor);
    }
    supervisor_fill_facts(supervisor, &hot->facts);
    return &hot->facts;
}

/* --- effects ---------------------------------------------------------------------------------------------------------- */

static void note_effects(struct supervisor *supervisor, const struct engine_effects *effects, const char *run)
{
    for (size_t i = 0; i < effects->touched_runs.count; i++)
        supervisor_due(supervisor, effects->touched_runs.items[i], 0);
    for (size_t i = 0; i < effects->cancel_steps.count; i++)
        vec_push(&supervisor->cancel_steps, mem_strdup(effects->cancel_steps.items[i]));
    for (size_t i = 0; i < effects->give_up_steps.count; i++)
        vec_push(&supervisor->give_up_steps, mem_strdup(effects->give_up_steps.items[i]));
    note_slot(supervisor, effects);
    if (effects->wake_at > 0 && run)
        supervisor_due(supervisor, run, effects->wake_at);
    if (effects->took_run_number)
        supervisor->next_run++;
}

/* It begins, or ends: its tier has room for one less, or for one more that was refused. */
static bool changes_room(const struct run *run)
{
    return run->status == RUN_QUEUED || run->status == RUN_PREPARING || run_ended((enum run_status)run->status);
}

static bool write_effects(struct supervisor *supervisor, const struct engine_effects *effects, struct error *error)
{
    for (size_t i = 0; i < effects->puts.count; i++) {
        const struct engine_put *put = &effects->puts.items[i];
        if (!run_record_is(put) && (put->row ? !store_put(supervisor->store, put->type, put->row, error)
                                             : !store_remove(supervisor->store, put->type, put->id, error)))
            return false;
        if (put->type == &step_type)
            supervisor->look_at_steps = true;
        if (put->type == &run_type && put->row) {
            cleanup_note(supervisor, put->row);
            supervisor->look_at_lives |= changes_room(put->row);
        }
        if (put->type == &environment_type && !put->row)
            cleanup_note_environment(supervisor, put->id);
        if (put->type == &delivery_type)
            supervisor->look_at_deliveries = true;
        if (put->type == &environment_type || put->type == &hold_type || put->type == &freeze_type)
            supervisor->look_at_lives = true;
    }
    for (size_t i = 0; i < effects->audits.count; i++)
        if (!store_audit(supervisor->store, effects->audits.items[i], error))
            return false;
    return run_record_seal(supervisor, effects, error);
}

bool supervisor_apply(struct supervisor *supervisor, const struct engine_effects *effects, struct error *error)
{
    supervisor_cool(supervisor);
    supervisor->slots_taken = false;
    return write_effects(supervisor, effects, error);
}

bool supervisor_apply_hot(struct supervisor *supervisor, const char *run, struct engine_effects *effects,
                          struct error *error)
{
    bool applied = write_effects(supervisor, effects, error);
    if (applied) {
        engine_apply_effects(&supervisor->hot.facts, effects);
        note_slots_taken(supervisor);
        note_effects(supervisor, effects, run);
    }
    engine_effects_release(effects);
    return applied;
}

/* --- the parts of a turn ------------------------------------------------------------------------------------------------ */

static bool store_result(struct supervisor *supervisor, struct pending_result *pending, struct error *error)
{
    struct engine_facts *facts = supervisor_facts(supervisor, pending->run, error);
    if (!facts)
        return false;
    struct engine_effects effects;
    struct step_result result;
    json_t *json = json_loads(pending->json, 0, NULL);
    if (!json || !step_result_from_json(json, &supervisor->hot.arena, &result, error)) {
        json_decref(json);
        log_line("agent", LOG_ERROR, "a result of step %s cannot be read", pending->step);
        if (pending->child) /* who sends such a thing is not trusted with another step */
            process_signal(&pending->child->process, SIGKILL);
        recover_add(supervisor, pending->run, pending->step, pending->attempt,
                    pending->child ? pending->child->token : "", 0);
        return true;
    }
    engine_effects_init(&effects, &supervisor->hot.arena);
    if (facts->run)
        cleanup_note(supervisor,
                     facts->run); /* it ended while this step was at work, which may have made its folder anew */
    engine_step_result(facts, &result, &effects);
    json_decref(json);
    return supervisor_apply_hot(supervisor, pending->run, &effects, error);
}

static bool store_results(struct supervisor *supervisor, struct error *error)
{
    for (size_t i = 0; i < supervisor->results.count; i++)
        if (!aside_is(supervisor, supervisor->results.items[i].run) &&
            !store_result(supervisor, &supervisor->results.items[i], error))
            return false;
    return true;
}

struct command_list {
    struct arena *arena;
    VEC(struct command *) commands;
};

static bool collect_command(const void *row, void *context)
{
    struct command_list *list = context;
    struct command *copy = record_copy(&command_type, row, list->arena);
    vec_push(&list->commands, copy);
    return true;
}

static bool accept_command(struct supervisor *supervisor, const struct command *command, struct error *error)
{
    struct arena arena = {0};
    struct engine_facts facts;
    struct engine_effects effects;
    memset(&facts, 0, sizeof facts);
    bool loaded =
        engine_load_for_command(supervisor->store, command, supervisor->config, time_now_ms(), &arena, &facts, error);
    if (!loaded && error->code == ERROR_DAMAGED) {
        char line[2200];
        engine_facts_release(&facts);
        facts = (struct engine_facts){.damaged = arena_strdup(&arena, error_line(error, line, sizeof line))};
        error_clear(error);
        loaded = true;
    }
    if (loaded) {
        supervisor_fill_facts(supervisor, &facts);
        engine_effects_init(&effects, &arena);
        engine_accept(&facts, command, &effects);
        loaded = supervisor_apply(supervisor, &effects, error);
        if (loaded)
            note_effects(supervisor, &effects, facts.run ? facts.run->id : NULL);
        engine_effects_release(&effects);
    }
    engine_facts_release(&facts);
    arena_release(&arena);
    return loaded;
}

/* It stays as it is: `berth doctor` names it. */
static void note_unread_command(const char *id, const struct error *error, void *context)
{
    char line[2200];
    (void)context;
    log_line("agent", LOG_ERROR, "command %s is left out: %s", id, error_line(error, line, sizeof line));
}

static bool accept_commands(struct supervisor *supervisor, struct error *error)
{
    struct arena arena = {0};
    struct command_list list = {.arena = &arena};
    struct store_query query = {.type = &command_type,
                                .index = "status",
                                .equal = {word_name(command_status_names, COMMAND_WAITING)},
                                .limit = COMMANDS_A_TURN,
                                .damaged = note_unread_command};
    bool done = store_each(supervisor->store, &query, collect_command, &list, error);
    if (list.commands.count > 0)
        fault_point("supervisor.before_accept");
    for (size_t i = 0; done && i < list.commands.count; i++)
        done = accept_command(supervisor, list.commands.items[i], error);
    if (done) {
        supervisor->look_at_commands = list.commands.count == COMMANDS_A_TURN;
        supervisor->accepted = list.commands.count > 0;
    }
    vec_release(&list.commands);
    arena_release(&arena);
    return done;
}

/* A run that is gone has nothing to advance. */
static bool advance(struct supervisor *supervisor, const char *run, struct error *error)
{
    struct error missing = {0};
    struct engine_effects effects;
    struct engine_facts *facts = supervisor_facts(supervisor, run, &missing);
    if (!facts && missing.code != ERROR_NOT_FOUND)
        *error = missing;
    if (!facts)
        return missing.code == ERROR_NOT_FOUND;
    engine_effects_init(&effects, &supervisor->hot.arena);
    engine_advance(facts, &effects);
    return supervisor_apply_hot(supervisor, run, &effects, error);
}

/* The first of those who wait for a slot, while one may be free. `took`: there was one to look at. */
static bool offer_slot(struct supervisor *supervisor, bool *took, struct error *error)
{
    *took = false;
    if (supervisor->slots_taken)
        leave_waiting(supervisor, time_now_ms());
    if (supervisor->slot_runs.count == 0)
        return true;
    char *run = supervisor->slot_runs.items[0];
    supervisor->slot_runs.count--;
    memmove(&supervisor->slot_runs.items[0], &supervisor->slot_runs.items[1],
            supervisor->slot_runs.count * sizeof *supervisor->slot_runs.items);
    *took = true;
    bool aside = aside_is(supervisor, run), advanced = aside || advance(supervisor, run, error);
    if (aside)
        supervisor_due(supervisor, run, aside_until_ms(supervisor, run, time_now_ms()));
    free(run);
    return advanced;
}

/* The place of the first run that is due, or -1. What is held aside is due later. */
static long next_due(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->due.count; i++) {
        struct due_run *due = &supervisor->due.items[i];
        if (due->at_ms > time_now_ms())
            continue;
        if (!aside_is(supervisor, due->run))
            return (long)i;
        due->at_ms = aside_until_ms(supervisor, due->run, time_now_ms());
    }
    return -1;
}

static bool advance_next(struct supervisor *supervisor, long at, struct error *error)
{
    char *run = supervisor->due.items[at].run;
    supervisor->due.count--; /* in the order they came */
    memmove(&supervisor->due.items[at], &supervisor->due.items[at + 1],
            (supervisor->due.count - (size_t)at) * sizeof *supervisor->due.items);
    bool advanced = advance(supervisor, run, error);
    if (!advanced)
        supervisor_due(supervisor, run, 0);
    free(run);
    return advanced;
}

/* Advances every run that is due; what they touch is advanced in the same turn. Who waits for a slot that came free goes before them: who waited longest
 * gets it. */
static bool advance_due(struct supervisor *supervisor, struct error *error)
{
    for (size_t advances = 0; advances < ADVANCES_A_TURN; advances++) {
        bool offered;
        if (!offer_slot(supervisor, &offered, error))
            return false;
        if (offered)
            continue;
        long at = next_due(supervisor);
        if (at < 0)
            return true;
        if (!advance_next(supervisor, at, error))
            return false;
    }
    return true;
}

/* --- the turn ----------------------------------------------------------------------------------------------------------- */

static bool anything_to_do(const struct supervisor *supervisor)
{
    int64_t now = time_now_ms();
    if (supervisor->results.count > 0 || supervisor->look_at_commands || supervisor->look_at_steps ||
        supervisor->slot_runs.count > 0 || cleaner_is_due(supervisor))
        return true;
    for (size_t i = 0; i < supervisor->endings.count; i++)
        if (supervisor->endings.items[i].resolved)
            return true;
    for (size_t i = 0; i < supervisor->due.count; i++)
        if (supervisor->due.items[i].at_ms <= now)
            return true;
    return false;
}

static void acknowledge(struct pending_result *pending)
{
    json_t *message = json_pack("{s:s}", "step", pending->step);
    char *json = json_dumps(message, JSON_COMPACT);
    child_clear_stop(pending->child);
    child_clear_step(pending->child);
    pending->child->result_pending = false;
    pending->child->idle_since_ms = time_monotonic_ms();
    child_send(pending->child, FRAME_STORED, json, strlen(json));
    free(json);
    json_decref(message);
}

/* Its run cannot be read: the result waits in the run's folder, as if its worker had found no supervisor. False: it cannot be left there. */
static bool leave_result(struct supervisor *supervisor, struct pending_result *pending)
{
    struct error error = {0};
    if (!marker_leave_result(supervisor->options->store_folder, pending->run, pending->step, pending->attempt,
                             pending->json, &error)) {
        log_error("agent", LOG_ERROR, &error);
        return false;
    }
    recover_add(supervisor, pending->run, pending->step, pending->attempt, pending->child ? pending->child->token : "",
                0);
    if (pending->child)
        acknowledge(pending);
    return true;
}

static bool settle_result(struct supervisor *supervisor, struct pending_result *pending)
{
    if (aside_is(supervisor, pending->run))
        return leave_result(supervisor, pending);
    if (pending->child)
        acknowledge(pending);
    else
        marker_drop_result(supervisor->options->store_folder, pending->run, pending->step, pending->attempt);
    return true;
}

static void settle_results(struct supervisor *supervisor)
{
    size_t kept = 0;
    for (size_t i = 0; i < supervisor->results.count; i++) {
        struct pending_result *pending = &supervisor->results.items[i];
        if (!settle_result(supervisor, pending)) {
            supervisor->results.items[kept++] = *pending;
            continue;
        }
        free(pending->run);
        free(pending->step);
        free(pending->json);
    }
    supervisor->results.count = kept;
}

static void forget_claims(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->claims.count; i++) {
        struct claim *claim = &supervisor->claims.items[i];
        free(claim->run);
        free(claim->step);
        free(claim->token);
        free(claim->target);
        str_release(&claim->task);
    }
    vec_clear(&supervisor->claims);
}

static void send_claims(struct supervisor *supervisor)
{
    if (supervisor->claims.count > 0)
        fault_point("supervisor.after_claim");
    for (size_t i = 0; i < supervisor->claims.count; i++) {
        struct claim *claim = &supervisor->claims.items[i];
        child_set_step(claim->worker, claim->run, claim->step, claim->attempt, claim->token);
        child_set_place(claim->worker, claim->target, claim->tier);
        child_send(claim->worker, FRAME_TASK, claim->task.data, claim->task.length);
    }
    forget_claims(supervisor);
}

static void forget_cancels(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->cancel_steps.count; i++)
        free(supervisor->cancel_steps.items[i]);
    for (size_t i = 0; i < supervisor->give_up_steps.count; i++)
        free(supervisor->give_up_steps.items[i]);
    vec_clear(&supervisor->cancel_steps);
    vec_clear(&supervisor->give_up_steps);
}

static void send_cancels(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->cancel_steps.count; i++)
        workers_cancel(supervisor, supervisor->cancel_steps.items[i]);
    for (size_t i = 0; i < supervisor->give_up_steps.count; i++)
        workers_give_up(supervisor, supervisor->give_up_steps.items[i]);
    forget_cancels(supervisor);
}

/* What must be known of every environment, and cannot be read, puts that off; it does not stop what people ask for. */
static bool look_at_lives(struct supervisor *supervisor, struct error *error)
{
    if (cleaner_look(supervisor, error) && missed_look(supervisor, error))
        return true;
    if (error->code != ERROR_DAMAGED)
        return false;
    log_error("agent", LOG_ERROR, error);
    error_clear(error);
    supervisor->look_at_lives = false;
    supervisor->clean_at_ms = time_now_ms() + MS_MINUTE;
    return true;
}

static bool work_in_transaction(struct supervisor *supervisor, struct error *error)
{
    bool commands = supervisor->look_at_commands;
    if (!store_results(supervisor, error) || !recover_store(supervisor, error))
        return false;
    if (commands && !accept_commands(supervisor, error))
        return false;
    if (!advance_due(supervisor, error) || !workers_claim(supervisor, error))
        return false;
    if (cleaner_is_due(supervisor) && !look_at_lives(supervisor, error))
        return false;
    fault_point("supervisor.before_commit");
    return store_commit(supervisor->store, NULL, error);
}

/* What was noted from effects that are not committed must not stay: everything that is not ended is looked at again. */
static void turn_failed(struct supervisor *supervisor, const struct error *error)
{
    log_error("agent", LOG_ERROR, error);
    trouble_note(supervisor->options->store_folder, error, time_now_ms());
    store_abandon(supervisor->store);
    supervisor_cool(supervisor);
    cleaner_forget(supervisor);
    forget_claims(supervisor);
    cleanup_forget(supervisor);
    forget_cancels(supervisor);
    supervisor_forget_slots(supervisor);
    supervisor->next_run = 0;
    supervisor->look_at_commands = supervisor->look_at_steps = true;
    supervisor->due_everything = true;
    supervisor->failed_wait_ms = supervisor->failed_wait_ms == 0 ? FAILED_TURN_WAIT_MS : 2 * supervisor->failed_wait_ms;
    if (supervisor->failed_wait_ms > FAILED_TURN_LONGEST_MS)
        supervisor->failed_wait_ms = FAILED_TURN_LONGEST_MS;
    supervisor->failed_until_ms = time_monotonic_ms() + supervisor->failed_wait_ms;
}

static bool visit_open_run(const void *row, void *context)
{
    const struct run *run = row;
    supervisor_due(context, run->id, 0);
    return true;
}

/* Every run that has not ended is due: after a start, and after a turn that failed. */
static bool due_everything(struct supervisor *supervisor, struct error *error)
{
    static const char *const columns[] = {"id", NULL};
    for (int status = RUN_QUEUED; status < RUN_DONE; status++) {
        struct store_query query = {
            .type = &run_type, .index = "status", .equal = {word_name(run_status_names, status)}, .columns = columns};
        if (!store_each(supervisor->store, &query, visit_open_run, supervisor, error))
            return false;
    }
    supervisor->due_everything = false;
    supervisor->look_at_lives = true;
    return true;
}

void supervisor_turn(struct supervisor *supervisor)
{
    struct error error = {0};
    recover_look(supervisor);
    if (!supervisor->config || supervisor->failed_until_ms > time_monotonic_ms())
        return;
    if (supervisor->due_everything && !due_everything(supervisor, &error)) {
        turn_failed(supervisor, &error);
        return;
    }
    if (!anything_to_do(supervisor))
        return;
    workers_ensure(supervisor);
    if (!store_begin(supervisor->store, STORE_DURABLE, &error) || !work_in_transaction(supervisor, &error)) {
        turn_failed(supervisor, &error);
        return;
    }
    if (supervisor->failed_wait_ms != 0)
        trouble_over(supervisor->options->store_folder, time_now_ms());
    supervisor->failed_wait_ms = 0;
    if (supervisor->accepted)
        fault_point("supervisor.after_accept");
    supervisor->accepted = false;
    cleaner_looked(supervisor);
    fault_point("supervisor.after_commit");
    settle_results(supervisor);
    recover_forget_stored(supervisor);
    send_claims(supervisor);
    send_cancels(supervisor);
    cleanup_ended(supervisor);
}
