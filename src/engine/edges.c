/* SPDX-License-Identifier: ISC */
/* The edges of the workflows, as data: from, event, guard, to, effect. Every change of a run's status goes through turn_fire. */
#include "engine/exec.h"

#include "berth/base/str.h"

#define STAYS (-1)

static bool is_plan(struct engine_turn *turn)
{
    return turn->run->workflow == WORKFLOW_PLAN;
}

static bool is_destroy(struct engine_turn *turn)
{
    return run_destroys(turn->run);
}

static bool is_exec(struct engine_turn *turn)
{
    return run_is_exec(turn->run);
}

/* Of a command that only reads nothing is left to do once it is planned, for it ran meanwhile; nor of a lock that nobody holds. */
static bool exec_is_over(struct engine_turn *turn)
{
    return run_is_exec(turn->run) && (run_only_looks(turn->run) || plan_changes_nothing(turn->run));
}

static bool exec_interrupted(struct engine_turn *turn)
{
    return run_is_exec(turn->run) && steps_count(turn, phases_of(turn->run->status)).interrupted > 0;
}

static bool nothing_and_free(struct engine_turn *turn)
{
    return plan_changes_nothing(turn->run) && has_leave(turn) && lock_is_free(turn);
}

static bool nothing_to_do(struct engine_turn *turn)
{
    return plan_changes_nothing(turn->run);
}

static bool changed_anything_here(struct engine_turn *turn)
{
    return changed_anything(turn);
}

static bool interrupted(struct engine_turn *turn)
{
    return steps_count(turn, phases_of(turn->run->status)).interrupted > 0;
}

static bool answer_destroys(struct engine_turn *turn)
{
    return turn->run->on_failure == ANSWER_DESTROY && !run_destroys(turn->run);
}

static bool prepare_failed(struct engine_turn *turn)
{
    return steps_count(turn, PHASES(PHASE_PREPARE)).failed > 0;
}

static bool environment_went(struct engine_turn *turn)
{
    return turn->run->applying_at == 0 && !run_destroys(turn->run) &&
           (turn->environment == NULL || !text_equal(turn->environment->id, turn->run->environment));
}

static bool plan_failed(struct engine_turn *turn)
{
    return text_empty(turn->run->digest);
}

static void retry_prepare(struct engine_turn *turn)
{
    turn->run->ended_at = 0;
    steps_again(turn, PHASES(PHASE_PREPARE));
    steps_ready(turn, PHASES(PHASE_PREPARE), NULL);
}

static void retry_from_the_beginning(struct engine_turn *turn)
{
    turn->run->ended_at = 0;
    plan_again(turn);
}

/* What a plan kept for its apply went when the run ended: then all is planned anew, for one may use what another says. */
static void drop_kept_plans(struct engine_turn *turn)
{
    bool kept = false;

    for (size_t i = 0; i < turn->plans.rows.count; i++)
        kept |= plan_at(turn, i) != NULL && !text_empty(plan_at(turn, i)->artifact);
    for (size_t i = 0; kept && i < turn->steps.rows.count; i++)
        if (step_at(turn, i) != NULL && step_at(turn, i)->phase == PHASE_PLAN && step_at(turn, i)->status == STEP_DONE)
            step_edit(turn, i)->status = STEP_CANCELLED;
}

static void retry_plan(struct engine_turn *turn)
{
    turn->run->ended_at = 0;
    drop_kept_plans(turn);
    steps_again(turn, phases_of(RUN_PLANNING));
    steps_ready(turn, phases_of(RUN_PLANNING), NULL);
}

static void retry_apply(struct engine_turn *turn)
{
    turn->run->ended_at = 0;
    gate_open_for_answers(turn);
}

static const struct engine_edge edges[] = {
#define EDGE(from_, event_, to_, effect_, acts_, ...)                                                      \
    {                                                                                                      \
        .from = (from_), .event = (event_), .to = (to_), .effect = (effect_), .acts = (acts_), __VA_ARGS__ \
    }
#define IF(words, test) .guard = (words), .holds = (test)
#define ELSE .guard = "", .holds = NULL
    EDGE(RUN_QUEUED, "start", RUN_PLANNING, "plans from what is recorded", plan_recorded,
         IF("it destroys", is_destroy)),
    EDGE(RUN_QUEUED, "start", RUN_PLANNING, "inserts the steps of the command", exec_plan,
         IF("it runs a command", is_exec)),
    EDGE(RUN_QUEUED, "start", RUN_PREPARING, "inserts the prepare step", prepare_start, ELSE),
    EDGE(RUN_QUEUED, "supersede", RUN_SUPERSEDED, "", finish_untouched, ELSE),
    EDGE(RUN_QUEUED, "destroyed", RUN_SUPERSEDED, "", finish_untouched, ELSE),
    EDGE(RUN_QUEUED, "cancel", RUN_CANCELLED, "", finish_untouched, ELSE),

    EDGE(RUN_PREPARING, "prepared", RUN_PREPARING, "makes the environment with another slug and prepares again",
         prepare_again, IF("the slug is taken", prepare_must_repeat)),
    EDGE(RUN_PREPARING, "prepared", RUN_PLANNING, "makes the environment and the plan steps", prepare_take, ELSE),
    EDGE(RUN_PREPARING, "failed", RUN_FAILED, "", finish_untouched, ELSE),
    EDGE(RUN_PREPARING, "destroyed", RUN_SUPERSEDED, "ends its steps", finish_untouched, ELSE),
    EDGE(RUN_PREPARING, "supersede", RUN_SUPERSEDED, "ends its steps", finish_untouched, ELSE),
    EDGE(RUN_PREPARING, "cancel", RUN_CANCELLED, "ends its steps", finish_untouched, ELSE),

    EDGE(RUN_PLANNING, "planned", RUN_DONE, "", finish_planned, IF("it only plans", is_plan)),
    EDGE(RUN_PLANNING, "planned", RUN_DONE, "", exec_done, IF("its command changes nothing", exec_is_over)),
    EDGE(RUN_PLANNING, "planned", RUN_APPLYING, "takes the lock, inserts the step", exec_start,
         IF("it releases the lock of somebody who is proven dead", exec_is_proven)),
    EDGE(RUN_PLANNING, "planned", RUN_VALIDATING, "takes the lock, inserts check steps", check_start,
         IF("nothing to do and the lock is free", nothing_and_free)),
    EDGE(RUN_PLANNING, "planned", RUN_GATE, "the gate waits for answers", gate_open_for_answers, ELSE),
    EDGE(RUN_PLANNING, "failed", RUN_FAILED, "", finish_untouched, ELSE),
    EDGE(RUN_PLANNING, "supersede", RUN_SUPERSEDED, "ends its steps", finish_untouched, ELSE),
    EDGE(RUN_PLANNING, "destroyed", RUN_SUPERSEDED, "ends its steps", finish_untouched, ELSE),
    EDGE(RUN_PLANNING, "cancel", RUN_CANCELLED, "ends its steps", finish_untouched, ELSE),

    EDGE(RUN_GATE, "approve", STAYS, "records the approval", NULL, ELSE),
    EDGE(RUN_GATE, "open", RUN_VALIDATING, "takes the lock, inserts check steps", check_start,
         IF("nothing to do", nothing_to_do)),
    EDGE(RUN_GATE, "open", RUN_APPLYING, "takes the lock, inserts the step", exec_start,
         IF("it runs a command", is_exec)),
    EDGE(RUN_GATE, "open", RUN_APPLYING, "takes the lock, inserts apply and destroy steps", apply_start, ELSE),
    EDGE(RUN_GATE, "base moved", RUN_FAILED, "", finish_untouched, IF("something was applied", changed_anything_here)),
    EDGE(RUN_GATE, "base moved", RUN_PLANNING, "clears approvals, plans again", plan_again,
         IF("it destroys", is_destroy)),
    EDGE(RUN_GATE, "base moved", RUN_PLANNING, "clears approvals, asks again", plan_again,
         IF("it runs a command", is_exec)),
    EDGE(RUN_GATE, "base moved", RUN_PREPARING, "clears approvals, prepares and plans again", plan_again, ELSE),
    EDGE(RUN_GATE, "reject", RUN_REJECTED, "", finish_untouched, ELSE),
    EDGE(RUN_GATE, "expired", RUN_CANCELLED, "", finish_untouched, ELSE),
    EDGE(RUN_GATE, "supersede", RUN_SUPERSEDED, "", finish_untouched, ELSE),
    EDGE(RUN_GATE, "destroyed", RUN_SUPERSEDED, "", finish_untouched, ELSE),
    EDGE(RUN_GATE, "cancel", RUN_CANCELLED, "", finish_untouched, ELSE),

    EDGE(RUN_APPLYING, "cancel", STAYS, "nothing new starts, running steps are asked to stop", NULL, ELSE),
    EDGE(RUN_APPLYING, "finished", RUN_DONE, "the environment is destroyed, the recipe kept", finish_done,
         IF("it destroys", is_destroy)),
    EDGE(RUN_APPLYING, "finished", RUN_DONE, "frees the lock", exec_done, IF("it runs a command", is_exec)),
    EDGE(RUN_APPLYING, "finished", RUN_VALIDATING, "inserts check steps", check_start, ELSE),
    EDGE(RUN_APPLYING, "asks", RUN_GATE, "frees the lock; a deferred resource would replace or destroy", finish_asks,
         ELSE),
    EDGE(RUN_APPLYING, "failed", RUN_HELD, "frees the lock", exec_ended,
         IF("its command was interrupted", exec_interrupted)),
    EDGE(RUN_APPLYING, "failed", RUN_FAILED, "frees the lock", exec_ended, IF("it runs a command", is_exec)),
    EDGE(RUN_APPLYING, "failed", RUN_HELD, "frees the lock, keeps the evidence", finish_held,
         IF("a step was interrupted", interrupted)),
    EDGE(RUN_APPLYING, "failed", RUN_FAILED, "frees the lock, starts a destroy", finish_failed,
         IF("on_failure: destroy", answer_destroys)),
    EDGE(RUN_APPLYING, "failed", RUN_ROLLING_BACK, "frees the lock, starts a roll-back, excludes the commit",
         rollback_start, IF("on_failure: rollback and there is a good release", rollback_answers)),
    EDGE(RUN_APPLYING, "failed", RUN_HELD, "frees the lock, keeps the evidence", finish_held, ELSE),
    EDGE(RUN_APPLYING, "stopped", RUN_CANCELLED, "frees the lock", exec_ended, IF("it runs a command", is_exec)),
    EDGE(RUN_APPLYING, "stopped", RUN_CANCELLED, "frees the lock", finish_cancelled, ELSE),

    EDGE(RUN_VALIDATING, "cancel", STAYS, "running checks are asked to stop", NULL, ELSE),
    EDGE(RUN_VALIDATING, "finished", RUN_DONE, "release vN, frees the lock", finish_done, ELSE),
    EDGE(RUN_VALIDATING, "failed", RUN_HELD, "frees the lock, keeps the evidence", finish_held,
         IF("a check was interrupted", interrupted)),
    EDGE(RUN_VALIDATING, "failed", RUN_FAILED, "frees the lock, starts a destroy", finish_failed,
         IF("on_failure: destroy", answer_destroys)),
    EDGE(RUN_VALIDATING, "failed", RUN_ROLLING_BACK, "frees the lock, starts a roll-back, excludes the commit",
         rollback_start, IF("on_failure: rollback and there is a good release", rollback_answers)),
    EDGE(RUN_VALIDATING, "failed", RUN_HELD, "frees the lock, keeps the evidence", finish_held, ELSE),
    EDGE(RUN_VALIDATING, "stopped", RUN_CANCELLED, "frees the lock", finish_cancelled, ELSE),

    EDGE(RUN_ROLLING_BACK, "rolled back", RUN_ROLLED_BACK, "", NULL, ELSE),
    EDGE(RUN_ROLLING_BACK, "not rolled back", RUN_HELD, "keeps the evidence", finish_not_rolled_back,
         IF("the roll-back changed nothing", rollback_changed_nothing)),
    EDGE(RUN_ROLLING_BACK, "not rolled back", RUN_FAILED, "", NULL, ELSE),
    EDGE(RUN_ROLLING_BACK, "supersede", RUN_SUPERSEDED, "", finish_untouched, ELSE),
    EDGE(RUN_ROLLING_BACK, "destroyed", RUN_SUPERSEDED, "", finish_untouched, ELSE),

    EDGE(RUN_HELD, "retry", RUN_GATE, "what did not end well runs again under the same digest", retry_apply, ELSE),
    EDGE(RUN_HELD, "cancel", RUN_CANCELLED, "", finish_untouched, ELSE),
    EDGE(RUN_HELD, "supersede", RUN_SUPERSEDED, "", finish_untouched, ELSE),
    EDGE(RUN_HELD, "destroyed", RUN_SUPERSEDED, "", finish_untouched, ELSE),

    EDGE(RUN_FAILED, "retry", RUN_PREPARING, "prepares again", retry_prepare, IF("prepare failed", prepare_failed)),
    EDGE(RUN_FAILED, "retry", RUN_PREPARING, "prepares and plans again", retry_from_the_beginning,
         IF("its environment's row went", environment_went)),
    EDGE(RUN_FAILED, "retry", RUN_PLANNING, "plans what failed again", retry_plan, IF("a plan failed", plan_failed)),
    EDGE(RUN_FAILED, "retry", RUN_GATE, "what did not end well runs again under the same digest", retry_apply, ELSE),
};
#define EDGES (sizeof edges / sizeof *edges)

const struct engine_edge *engine_edges(size_t *count)
{
    *count = EDGES;
    return edges;
}

bool edge_exists(int status, const char *event)
{
    for (size_t i = 0; i < EDGES; i++) {
        if (edges[i].from == status && text_equal(edges[i].event, event))
            return true;
    }
    return false;
}

static const struct engine_edge *edge_of(struct engine_turn *turn, const char *event)
{
    for (size_t i = 0; i < EDGES; i++) {
        const struct engine_edge *edge = &edges[i];

        if (edge->from == turn->run->status && text_equal(edge->event, event) &&
            (edge->holds == NULL || edge->holds(turn)))
            return edge;
    }
    return NULL;
}

/* Events people listen to. */
static const char *notice_of(int status)
{
    switch ((enum run_status)status) {
    case RUN_DONE: return "done";
    case RUN_FAILED: return "failed";
    case RUN_HELD: return "held";
    case RUN_REJECTED: return "rejected";
    case RUN_CANCELLED: return "cancelled";
    case RUN_SUPERSEDED: return "superseded";
    case RUN_ROLLED_BACK: return "rolled_back";
    case RUN_QUEUED:
    case RUN_PREPARING:
    case RUN_PLANNING:
    case RUN_GATE:
    case RUN_APPLYING:
    case RUN_VALIDATING:
    case RUN_ROLLING_BACK: return NULL;
    }
    return NULL;
}

static void tell(struct engine_turn *turn, int from)
{
    const struct run *run = turn->run;
    const char *notice = notice_of(run->status);

    turn_audit(turn, arena_printf(turn->arena, "run.%s", word_name(run_status_names, run->status)), "",
               run->status == RUN_FAILED || run->status == RUN_HELD ? "failed" : "ok", run->status_reason, NULL);
    if (from == RUN_QUEUED && !run_ended((enum run_status)run->status))
        turn_notify(turn, "started");
    if (run_ended((enum run_status)from) && !run_ended((enum run_status)run->status))
        artifacts_stay(turn);
    if (notice != NULL)
        turn_notify(turn, notice);
    turn->ended = run_ended((enum run_status)run->status) ? notice : NULL;
    if (run->status == RUN_DONE && run_destroys(run))
        turn_notify(turn, "destroyed");
    if (run->status == RUN_DONE && run->workflow == WORKFLOW_PLAN)
        turn_notify(turn, "planned");
    if (run_rolls_back(run) && !text_empty(run->parent) &&
        (run->status == RUN_HELD || run_ended((enum run_status)run->status)))
        turn_touch(turn, run->parent); /* it waits for this answer */
}

bool turn_fire(struct engine_turn *turn, const char *event, const char *reason)
{
    const struct engine_edge *edge = edge_of(turn, event);
    int from = turn->run->status;

    if (edge == NULL) {
        turn_audit(turn, "run.conflict", "", "conflict",
                   arena_printf(turn->arena, "'%s' has no edge from %s", event, word_name(run_status_names, from)),
                   NULL);
        return false;
    }
    turn->reason = reason;
    if (edge->to != STAYS)
        turn->run->status = edge->to;
    turn->run->status_reason = arena_strdup(turn->arena, reason);
    if (edge->acts != NULL)
        edge->acts(turn);
    if (run_ended((enum run_status)turn->run->status) && turn->run->ended_at == 0)
        turn->run->ended_at = turn->facts->now_ms;
    if (edge->to != STAYS)
        tell(turn, from);
    return true;
}

static const char *anchor(int status)
{
    return status < 0 ? "" : run_status_names[status];
}

/* A Mermaid name has no blanks. */
static void add_state(struct str *out, int status)
{
    for (const char *at = anchor(status); *at != '\0'; at++)
        str_add_char(out, *at == ' ' ? '_' : *at);
}

void engine_diagram(struct str *out)
{
    str_add(out, "stateDiagram-v2\n    [*] --> ");
    add_state(out, RUN_QUEUED);
    str_add_char(out, '\n');
    for (size_t i = 0; i < EDGES; i++) {
        const struct engine_edge *edge = &edges[i];

        str_add(out, "    ");
        add_state(out, edge->from);
        str_add(out, " --> ");
        add_state(out, edge->to == STAYS ? edge->from : edge->to);
        str_addf(out, ": %s", edge->event);
        if (!text_empty(edge->guard))
            str_addf(out, " [%s]", edge->guard);
        str_add_char(out, '\n');
    }
    for (int status = RUN_DONE; status <= RUN_CANCELLED; status++) {
        str_add(out, "    ");
        add_state(out, status);
        str_add(out, " --> [*]\n");
    }
}
