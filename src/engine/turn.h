/* SPDX-License-Identifier: ISC */
/*
 * One call at work: the facts with what this call has changed so far laid over them. Rows are copied when they are first changed and put once,
 * at the end; nothing that did not change is copied or put. Text of new rows lives in the effects' arena, the tables below on the heap
 * until turn_end.
 */
#ifndef ENGINE_TURN_H
#define ENGINE_TURN_H

#include "berth/policy.h"
#include "berth/policy/limits.h"
#include "engine/effects.h"

#include <jansson.h>

struct config_entry;

enum row_state { ROW_AS_READ, ROW_CHANGED, ROW_REMOVED };
struct turn_table {
    const struct record_type *type;
    VEC(const void *) rows;
    VEC(char) states; /* enum row_state, one a row */
};

struct engine_turn {
    const struct engine_facts *facts;
    struct engine_effects *effects;
    struct arena *arena;
    struct run *run;                 /* the one at work, or NULL; a copy */
    struct environment *environment; /* or NULL; a copy */
    struct turn_table steps, plans, resources, runs, holds;
    struct turn_table inner; /* inner parts of resources, which are none themselves: only inner.c knows them */
    VEC(const struct approval *) approvals;
    const struct config_entry *entry; /* of the run, or NULL when berth.yaml lost it */
    struct id_supply ids;
    const char *reason;             /* of the event that is being fired, for status_reason and audit */
    struct prepare_result *prepare; /* while a prepare result is taken over */
    const json_t *prepare_body;
    struct command *command; /* the one that `run` came from, or NULL; a copy */
    const char *ended;       /* the notice of the run's end in this turn, or NULL */
    bool new_run;            /* `run` is made in this turn */
    bool forgotten;          /* the environment's row goes: it was never deployed */
    bool all_met;            /* waiting steps were looked at since a step last ended */
    bool slot_was_held;      /* the run counted against limits.runs when the turn began */
};

/* `run` NULL: facts->run. */
void turn_begin(struct engine_turn *turn, const struct engine_facts *facts, struct engine_effects *effects);
void turn_set_run(struct engine_turn *turn, struct run *run);
/* Puts what changed, touches who waits for what this turn freed, frees the tables. */
void turn_end(struct engine_turn *turn);
/* Rows of a table. NULL: removed in this turn. */
const void *turn_row(const struct turn_table *table, size_t at);
/* The row, writable from now on. */
void *turn_edit(struct engine_turn *turn, struct turn_table *table, size_t at);
size_t turn_add(struct turn_table *table, const void *row);
void turn_drop(struct turn_table *table, size_t at);
/* The place of the row with this id, or -1. Linear. */
long turn_find(const struct turn_table *table, const char *id);

static inline const struct step *step_at(const struct engine_turn *turn, size_t at)
{
    return turn_row(&turn->steps, at);
}
static inline const struct plan *plan_at(const struct engine_turn *turn, size_t at)
{
    return turn_row(&turn->plans, at);
}
static inline const struct resource *resource_at(const struct engine_turn *turn, size_t at)
{
    return turn_row(&turn->resources, at);
}
static inline const struct run *run_at(const struct engine_turn *turn, size_t at)
{
    return turn_row(&turn->runs, at);
}
static inline const struct hold *hold_at(const struct engine_turn *turn, size_t at)
{
    return turn_row(&turn->holds, at);
}
struct step *step_edit(struct engine_turn *turn, size_t at);
struct plan *plan_edit(struct engine_turn *turn, size_t at);
struct resource *resource_edit(struct engine_turn *turn, size_t at);
struct run *run_edit(struct engine_turn *turn, size_t at);
long resource_find(const struct engine_turn *turn, const char *address);

/* Other rows, put or removed at once. */
void turn_put(struct engine_turn *turn, const struct record_type *type, const void *row);
void turn_remove(struct engine_turn *turn, const struct record_type *type, const char *id);
/* An id for a new row: of the caller's supply, else made from what is known. */
const char *turn_new_id(struct engine_turn *turn);
/* An audit entry about the run at work by berth itself; `actor` "" is berth. */
void turn_audit(struct engine_turn *turn, const char *action, const char *actor, const char *result, const char *reason,
                const char *detail);
void turn_touch(struct engine_turn *turn, const char *run);
/* The turn's run should be looked at again at that instant. */
void turn_wake(struct engine_turn *turn, int64_t at_ms);
/* A delivery to every receiver of the policy that listens to the event and tier. */
void turn_notify(struct engine_turn *turn, const char *event);
/* The tier of the run's environment, or of its entry where that is not made yet. */
const char *turn_tier(const struct engine_turn *turn);
/* Whether a slot is free for the run at work, or its own: of limits.runs, and of its target and tier. Else its status_reason is set, and begins so. */
#define WAITS_FOR_SLOT "waits for a slot: "
bool turn_has_slot(struct engine_turn *turn);
/* Counts the runs at work against the limits of targets and tiers, but for one. */
void runs_count(const struct engine_facts *facts, const char *but, struct limit_counts *counts, struct arena *arena);
bool run_destroys(const struct run *run);

/* --- run_record.c ---------------------------------------------------------------------------------------------- */
/* A run ended in this turn: its record for each receiver that keeps one of each run and listens to this end, once. */
void run_record_put(struct engine_turn *turn);

/* --- edges.c --------------------------------------------------------------------------------------------------- */
/* Takes the edge of that event from the run's status; false, with an audit entry, when there is none. `reason` becomes status_reason. */
bool turn_fire(struct engine_turn *turn, const char *event, const char *reason);
/* Whether any edge leaves the status by that event. */
bool edge_exists(int status, const char *event);

/* --- steps.c: steps of any phase ----------------------------------------------------------------------------------- */
struct tally { /* of the steps of a run's present phase */
    size_t total, open, running, done, failed, skipped, cancelled, interrupted, asking;
    long first_failed; /* place of the first failed or interrupted, -1 none */
    int64_t wake_at;   /* the earliest backoff's end */
};
#define PHASES(phase) (1u << (phase))
struct tally steps_count(const struct engine_turn *turn, unsigned phases);
/* The bits of the phases that a run of this status works on. */
unsigned phases_of(int run_status);
/* Waiting steps whose needs are done become ready. `ended`: only those that need this one, NULL: all are looked at. */
void steps_ready(struct engine_turn *turn, unsigned phases, const char *ended);
/* Nothing of these phases starts any more: waiting and ready ones get `status`. */
void steps_stop(struct engine_turn *turn, unsigned phases, enum step_status status, const char *reason);
/* All of the run's steps end now; running ones are cancelled and their workers asked to stop. */
void steps_end(struct engine_turn *turn, const char *reason);
/* Failed, interrupted, skipped and cancelled ones of these phases go back to waiting. Returns how many. */
size_t steps_again(struct engine_turn *turn, unsigned phases);
/* What a failed step says, as a cause line. */
const char *steps_cause(const struct engine_turn *turn, const struct tally *tally);
/* Marks the beginning of a reason of a step that needs the gate again. */
#define ASKS "needs the gate again: "

/* --- prepare.c, plan.c ---------------------------------------------------------------------------------------------- */
void prepare_start(struct engine_turn *turn);
/* Takes over turn->prepare: run, environment, templates, groups, plan steps. */
void prepare_take(struct engine_turn *turn);
bool prepare_must_repeat(struct engine_turn *turn);
void prepare_again(struct engine_turn *turn);
/* The environment is of the branch that the run at work brings, and gone with it. */
void environment_follows_branch(struct engine_turn *turn);
void plan_recorded(struct engine_turn *turn);
void plan_again(struct engine_turn *turn);
/* A plan step was done. False with the error when its result makes no sense. */
bool plan_take(struct engine_turn *turn, const struct step *step, const json_t *body,
               struct error *error) BERTH_MUST_CHECK;
/* All are planned: what could not be known is deferred, counts and digest are computed. False: the reason for which it cannot go on is set. */
bool plan_settle(struct engine_turn *turn);
void plan_digest(struct engine_turn *turn);
void plan_keep(struct engine_turn *turn); /* as it was approved, before any part of it is made again */
bool plan_changes_nothing(const struct run *run);

/* --- gate.c ------------------------------------------------------------------------------------------------------------ */
const char *base_text(const struct engine_turn *turn);
bool base_holds(const struct engine_turn *turn);
/* The environment's lock is free or the run's own. */
bool lock_is_free(const struct engine_turn *turn);
void lock_take(struct engine_turn *turn);
void lock_release(struct engine_turn *turn);
void gate_fill(const struct engine_turn *turn, struct policy_gate *gate);
/* berth.yaml still has the entry that the run is about; what is recorded may be destroyed without. */
bool has_leave(const struct engine_turn *turn);
void gate_open_for_answers(struct engine_turn *turn);
void gate_look(struct engine_turn *turn);
/* Approvals given so far count no more. */
void gate_clear_approvals(struct engine_turn *turn, const char *reason);
void question_of_run(const struct engine_turn *turn, struct policy_question *question);
void question_add_blocks(const struct engine_turn *turn, struct policy_question *question);
/* What a destroy by itself is judged by: the end that `origin` says had come at that instant. */
void question_add_end(const struct engine_turn *turn, struct policy_question *question, int origin, int64_t asked_at);

/* --- apply.c ------------------------------------------------------------------------------------------------------------ */
void apply_start(struct engine_turn *turn);
/* The row of a step that begins, ended well, or did not. */
void resource_begins(struct engine_turn *turn, const struct step *step);
bool resource_ends(struct engine_turn *turn, const struct step *step, const json_t *body,
                   struct error *error) BERTH_MUST_CHECK;
void resource_fails(struct engine_turn *turn, const struct step *step, enum resource_status status, const char *reason);
/* Nobody works on it any more although it did not end well; of its inner parts is known what `body` says (as an apply_result's, may be NULL). */
void resource_stops(struct engine_turn *turn, const struct step *step, const json_t *body);
/* Rows of resources that were only waited for go. */
void resources_forget_waiting(struct engine_turn *turn);
/* The row of a resource that berth only observes, or that is another environment's. */
void resource_is_foreign(struct engine_turn *turn, const json_t *wanted);
/* Resources whose plan was that nothing changes: what the template says of them may have. */
void resources_describe_unchanged(struct engine_turn *turn);
/* The step carries out that plan from now on. */
void step_take_plan(struct engine_turn *turn, struct step *step, const struct plan *plan);

/* --- finish.c ------------------------------------------------------------------------------------------------------------ */
void check_start(struct engine_turn *turn);
void finish_done(struct engine_turn *turn);
void finish_held(struct engine_turn *turn);
void finish_failed(struct engine_turn *turn);
/* The environment is Failed and free. */
void leave_failed(struct engine_turn *turn);
/* A new run that answers this one's failure, added and touched: its number, environment, reason; the caller says what it does. */
struct run *run_of_answer(struct engine_turn *turn);
void finish_not_rolled_back(struct engine_turn *turn);
/* Failed in prepare or plan, or only planned: nothing was touched. */
void finish_untouched(struct engine_turn *turn);
void finish_planned(struct engine_turn *turn);
void finish_cancelled(struct engine_turn *turn);
void finish_asks(struct engine_turn *turn);
/* A run ended in this turn: what its plans kept elsewhere is to be removed. */
void artifacts_leave(struct engine_turn *turn);
void artifacts_stay(struct engine_turn *turn); /* it is tried again: what it keeps from now on must not go with that */
/* When the environment's life ends, as its entry or the deploy says; what a person gave it more is not taken away. */
void life_set(struct engine_turn *turn);
/* The latest end that ttl.max allows an environment that is deployed now; INT64_MAX: any. */
int64_t life_latest(const struct engine_turn *turn, const struct config_entry *entry);
/* It was used: a life that counts from there grows. */
void life_used(struct engine_turn *turn, const struct config_entry *entry, const char *by);
bool changed_anything(const struct engine_turn *turn);
void evidence_remove(struct engine_turn *turn);

/* --- rollback.c ---------------------------------------------------------------------------------------------------------- */
bool run_rolls_back(const struct run *run);
bool release_is_of(const struct release *release, const struct run *run);
/* Guard: its failure is answered by going back to the last good release, and there is one. */
bool rollback_answers(struct engine_turn *turn);
/* Why there is none although the policy asks for it; "" where it does not. */
const char *rollback_missing(const struct engine_turn *turn);
/* Makes a new run one that deploys the release again. */
void rollback_fill(struct engine_turn *turn, struct run *run, const struct release *release);
void rollback_start(struct engine_turn *turn);
/* Guard: the roll-back ended before it touched anything, so what failed can still be tried again. */
bool rollback_changed_nothing(struct engine_turn *turn);
/* The run waits for its roll-back: looks how that ended. */
void rollback_look(struct engine_turn *turn);
/* Names what an automatic roll-back would destroy or replace that was there before the run that failed; "" nothing. */
const char *rollback_takes_older(const struct engine_turn *turn);
/* The environment is at its release again. False: there is no such release any more, it takes a new one. */
bool rollback_done(struct engine_turn *turn);

/* --- advance.c ------------------------------------------------------------------------------------------------------------ */
void turn_advance(struct engine_turn *turn);

/* A copy with the outputs that resources of the environment have given (new reference); NULL when one is named that nothing gave. */
json_t *with_outputs(const struct engine_turn *turn, const json_t *json, struct error *error) BERTH_MUST_CHECK;

#endif
