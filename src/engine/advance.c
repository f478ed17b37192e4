/* SPDX-License-Identifier: ISC */
/* What can go on now: one look after the other until nothing changes. Idempotent. */
#include "engine/exec.h"

#include "berth/base/str.h"
#include "berth/config.h"

#define LOOKS_LIMIT 16 /* more than any run has phases: a loop is a bug */

static bool environment_is_destroyed(const struct engine_turn *turn)
{
    return turn->environment == NULL || turn->environment->status == ENVIRONMENT_DESTROYED;
}

/* The answer to a failure goes first, whatever came meanwhile: it waits only for who changes the environment. */
static bool goes_before(const struct run *run, const struct run *other)
{
    const bool answers = run_rolls_back(run) && run->origin == ORIGIN_ON_FAILURE;
    const bool other_answers = run_rolls_back(other) && other->origin == ORIGIN_ON_FAILURE;

    if (answers && !other_answers)
        return other->status != RUN_APPLYING && other->status != RUN_VALIDATING;
    return !(other_answers && !answers) && other->number >= run->number;
}

/* Another run of the environment that is at work, or is going to be without asking anybody, and comes first. */
static const struct run *first_at_work(const struct engine_turn *turn)
{
    for (size_t i = 0; i < turn->runs.rows.count; i++) {
        const struct run *other = run_at(turn, i);

        if (other == NULL || text_equal(other->id, turn->run->id) || goes_before(turn->run, other) ||
            run_only_looks(other) || run_ended((enum run_status)other->status) || other->status == RUN_HELD ||
            other->status == RUN_ROLLING_BACK || !text_empty(other->superseded_by))
            continue;
        if (other->status != RUN_GATE || other->approved_at != 0)
            return other;
    }
    return NULL;
}

static void look_queued(struct engine_turn *turn)
{
    const struct run *first = run_only_looks(turn->run) ? NULL : first_at_work(turn);

    if (run_destroys(turn->run) && environment_is_destroyed(turn)) {
        (void)turn_fire(turn, "destroyed", "the environment is destroyed already");
        return;
    }
    if (first != NULL) {
        turn->run->status_reason = arena_printf(turn->arena, "waits for run %s, which is %s", first->id,
                                                word_name(run_status_names, first->status));
        return;
    }
    if (turn_has_slot(turn))
        (void)turn_fire(turn, "start", "");
}

static void look_preparing(struct engine_turn *turn)
{
    struct tally tally = steps_count(turn, PHASES(PHASE_PREPARE));

    if (tally.failed > 0)
        (void)turn_fire(turn, "failed", steps_cause(turn, &tally));
    turn_wake(turn, tally.wake_at);
}

static void look_planning(struct engine_turn *turn)
{
    struct tally tally = steps_count(turn, phases_of(RUN_PLANNING));
    const size_t failed = tally.failed + tally.interrupted;

    turn_wake(turn, tally.wake_at);
    if (tally.open + tally.running > 0)
        return;
    if (failed > 0)
        (void)turn_fire(turn, "failed",
                        failed == 1 ? steps_cause(turn, &tally)
                                    : arena_printf(turn->arena, "%zu plans failed, the first is %s", failed,
                                                   steps_cause(turn, &tally)));
    else if (!plan_settle(turn))
        (void)turn_fire(turn, "failed", turn->reason);
    else
        (void)turn_fire(turn, "planned", "");
}

static const char *asking(const struct engine_turn *turn)
{
    for (size_t i = 0; i < turn->steps.rows.count; i++) {
        const struct step *step = step_at(turn, i);

        if (step != NULL && step->status == STEP_SKIPPED && text_starts(step->status_reason, ASKS))
            return arena_printf(turn->arena, "%s: %s", step->address, step->status_reason);
    }
    return "";
}

static void look_working(struct engine_turn *turn)
{
    struct tally tally = steps_count(turn, phases_of(turn->run->status));

    turn_wake(turn, tally.wake_at);
    if (tally.open + tally.running > 0)
        return;
    if (!text_empty(turn->run->cancel_by))
        (void)turn_fire(turn, "stopped", arena_printf(turn->arena, "cancelled by %s", turn->run->cancel_by));
    else if (tally.failed + tally.interrupted > 0)
        (void)turn_fire(turn, "failed", steps_cause(turn, &tally));
    else if (tally.asking > 0)
        (void)turn_fire(turn, "asks", asking(turn));
    else if (tally.done == tally.total)
        (void)turn_fire(turn, "finished", "");
}

static bool is_superseded(struct engine_turn *turn)
{
    const struct run *run = turn->run;

    if (text_empty(run->superseded_by) || run_ended((enum run_status)run->status) ||
        !edge_exists(run->status, "supersede") ||
        (run->status != RUN_HELD && run->status != RUN_ROLLING_BACK && run->approved_at != 0))
        return false;
    return turn_fire(turn, "supersede", arena_printf(turn->arena, "superseded by run %s", run->superseded_by));
}

/* The environment went while this run stood on it. */
static bool lost_environment(struct engine_turn *turn)
{
    const struct run *run = turn->run;

    if (text_empty(run->environment) || !environment_is_destroyed(turn) ||
        (run->status != RUN_PLANNING && run->status != RUN_GATE && run->status != RUN_HELD &&
         run->status != RUN_ROLLING_BACK &&
         !(run_rolls_back(run) && (run->status == RUN_QUEUED || run->status == RUN_PREPARING))))
        return false;
    return turn_fire(turn, "destroyed", "the environment was destroyed meanwhile");
}

/* The resource went that an operator's command is about. */
static bool lost_resource(struct engine_turn *turn)
{
    if (!run_is_exec(turn->run) || !edge_exists(turn->run->status, "destroyed") || exec_resource(turn) >= 0)
        return false;
    return turn_fire(turn, "destroyed", "what it is about is not there any more");
}

static void look(struct engine_turn *turn)
{
    if (is_superseded(turn) || lost_environment(turn) || lost_resource(turn))
        return;
    switch ((enum run_status)turn->run->status) {
    case RUN_QUEUED: look_queued(turn); return;
    case RUN_PREPARING: look_preparing(turn); return;
    case RUN_PLANNING: look_planning(turn); return;
    case RUN_GATE: gate_look(turn); return;
    case RUN_APPLYING:
    case RUN_VALIDATING: look_working(turn); return;
    case RUN_ROLLING_BACK: rollback_look(turn); return;
    case RUN_HELD:
    case RUN_DONE:
    case RUN_FAILED:
    case RUN_ROLLED_BACK:
    case RUN_REJECTED:
    case RUN_SUPERSEDED:
    case RUN_CANCELLED: return;
    }
}

void turn_advance(struct engine_turn *turn)
{
    int status;
    int looks = 0;

    do {
        BUG_ON(looks++ > LOOKS_LIMIT);
        status = turn->run->status;
        turn->effects->wake_at = 0;
        look(turn);
    } while (turn->run->status != status);
}

void engine_advance(const struct engine_facts *facts, struct engine_effects *effects)
{
    struct engine_turn turn;
    unsigned phases;

    if (facts->run == NULL)
        return;
    turn_begin(&turn, facts, effects);
    phases = phases_of(turn.run->status);
    if (phases != 0 && text_empty(turn.run->cancel_by))
        steps_ready(&turn, phases, NULL);
    turn_advance(&turn);
    turn_end(&turn);
}
