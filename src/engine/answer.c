/* SPDX-License-Identifier: ISC */
/* Commands about a run: approve, reject, cancel, retry. */
#include "engine/accept.h"
#include "engine/exec.h"

#include "berth/base/str.h"
#include "berth/config.h"

static bool has_run(struct request *request)
{
    if (request->turn->run != NULL)
        return true;
    answer_refused(request, ERROR_NOT_FOUND, NULL,
                   arena_printf(request->turn->arena, "there is no run '%s' to %s", request->command->subject,
                                request->command->verb),
                   "berth runs lists them");
    return false;
}

/* Whether the run is so far; else the command is a conflict that says how it is. */
static bool is_so_far(struct request *request)
{
    const struct why *state = policy_run_state(request->turn->run, request->command->verb, request->turn->arena);

    if (state != NULL)
        answer_refused(request, ERROR_CONFLICT, NULL, state->reason, state->next);
    return state == NULL;
}

/* --- the gate ---------------------------------------------------------------------------------------------------- */

static void add_approval(struct request *request, int verdict, const char *digest)
{
    struct engine_turn *turn = request->turn;
    struct approval *approval = arena_alloc(turn->arena, sizeof *approval);
    int64_t expires = turn->entry != NULL && turn->entry->gate.present ? turn->entry->gate.expires_ms : 0;

    *approval = (struct approval){
        .id = turn_new_id(turn),
        .run = turn->run->id,
        .environment = turn->run->environment,
        .digest = digest,
        .verdict = verdict,
        .actor = request->command->actor,
        .person = request->person,
        .via = request->command->via,
        .reason = request->command->reason,
        .at = turn->facts->now_ms,
        .expires_at = expires > 0 ? turn->facts->now_ms + expires : 0,
    };
    turn_put(turn, &approval_type, approval);
    vec_push(&turn->approvals, approval);
}

/* False: refused already. */
static bool may_answer(struct request *request, const char *digest, const struct why **why)
{
    struct policy_gate gate;
    const struct why *first;

    gate_fill(request->turn, &gate);
    *why = policy_may_approve(&gate, request->command->actor, request->person, request->owner, digest,
                              request->turn->arena);
    if ((*why)->verdict == POLICY_YES)
        return true;
    first = why_first(*why);
    answer_refused(request, first != NULL && text_equal(first->rule, "digest") ? ERROR_CONFLICT : ERROR_DENIED, *why,
                   first != NULL ? first->reason : "policy refused it", first != NULL ? first->next : "");
    return false;
}

static bool answered_before(const struct request *request, const char *digest)
{
    bool answered = false;

    for (size_t i = 0; i < request->turn->approvals.count; i++) {
        const struct approval *approval = request->turn->approvals.items[i];
        bool same = text_equal(approval->actor, request->command->actor) && text_equal(approval->digest, digest);

        if (approval->verdict == VERDICT_CLEARED)
            answered = false;
        else if (approval->verdict == VERDICT_APPROVE && same &&
                 (approval->expires_at == 0 || approval->expires_at > request->turn->facts->now_ms))
            answered = true;
    }
    return answered;
}

void accept_approve(struct request *request)
{
    struct engine_turn *turn = request->turn;
    const char *digest = argument_text(request, "digest");
    const struct why *why;

    if (!has_run(request) || !is_so_far(request) || !may_answer(request, digest, &why))
        return;
    if (answered_before(request, digest)) {
        answer_refused(request, ERROR_CONFLICT, why,
                       arena_printf(turn->arena, "%s approved this plan already",
                                    text_empty(request->person) ? request->command->actor : request->person),
                       "somebody else must, if more approvals are asked for");
        return;
    }
    answer_done(request, COMMAND_DONE, turn->run->id, why,
                arena_printf(turn->arena, "approved run %s, plan %.12s", turn->run->id, digest));
    if (request->command->dry_run)
        return;
    add_approval(request, VERDICT_APPROVE, digest);
    turn->run->approved_at = turn->facts->now_ms;
    (void)turn_fire(turn, "approve", turn->run->status_reason);
    turn_advance(turn);
}

void accept_reject(struct request *request)
{
    struct engine_turn *turn = request->turn;
    const char *who = text_empty(request->person) ? request->command->actor : request->person;
    const struct why *why;

    /* A refusal is about the run as it is, whatever plan was seen. */
    if (!has_run(request) || !is_so_far(request) || !policy_allows(request, &why))
        return;
    answer_done(request, COMMAND_DONE, turn->run->id, why, arena_printf(turn->arena, "rejected run %s", turn->run->id));
    if (request->command->dry_run)
        return;
    add_approval(request, VERDICT_REJECT, turn->run->digest);
    (void)turn_fire(turn, "reject",
                    text_empty(request->command->reason)
                        ? arena_printf(turn->arena, "rejected by %s", who)
                        : arena_printf(turn->arena, "rejected by %s: %s", who, request->command->reason));
}

/* --- cancel --------------------------------------------------------------------------------------------------------- */

static const char *running_names(const struct engine_turn *turn)
{
    const char *names = "";
    size_t more = 0, shown = 0;

    for (size_t i = 0; i < turn->steps.rows.count; i++) {
        const struct step *step = step_at(turn, i);

        if (step == NULL || step->status != STEP_RUNNING)
            continue;
        if (shown++ < 3)
            names = arena_printf(turn->arena, "%s%s%s", names, shown > 1 ? ", " : "", step->address);
        else
            more++;
    }
    return more > 0 ? arena_printf(turn->arena, "%s and %zu more", names, more) : names;
}

static void each_running(const struct engine_turn *turn,
                         void (*visit)(struct engine_effects *effects, const char *step))
{
    for (size_t i = 0; i < turn->steps.rows.count; i++) {
        const struct step *step = step_at(turn, i);

        if (step != NULL && step->status == STEP_RUNNING)
            visit(turn->effects, arena_strdup(turn->arena, step->id));
    }
}

static void ask_step(struct engine_effects *effects, const char *step)
{
    vec_push(&effects->cancel_steps, step);
}

static void give_up_step(struct engine_effects *effects, const char *step)
{
    vec_push(&effects->give_up_steps, step);
}

/* Asked once more by a person: no clock alone may end a step that lives, but nobody has to wait for a worker that does not answer. */
static void ask_again(struct request *request, const struct why *why)
{
    struct engine_turn *turn = request->turn;
    const struct run *run = turn->run;
    const char *names = running_names(turn);

    answer_done(
        request, COMMAND_DONE, run->id, why,
        text_empty(names)
            ? arena_printf(turn->arena, "run %s is being cancelled by %s already", run->id, run->cancel_by)
            : arena_printf(
                  turn->arena,
                  "run %s is being cancelled by %s already, it waits for %s: tools have been asked to end and are "
                  "killed when they have not done so in their time; a worker that does not answer (it is "
                  "stopped, or was asked 30 s ago) is ended now, and its tools with 10 s of time",
                  run->id, run->cancel_by, names));
    if (!request->command->dry_run)
        each_running(turn, give_up_step);
}

static void ask_to_stop(struct engine_turn *turn)
{
    unsigned phases = phases_of(turn->run->status);

    steps_stop(turn, phases, STEP_CANCELLED, "the run was cancelled before it began");
    each_running(turn, ask_step);
}

void accept_cancel(struct request *request)
{
    struct engine_turn *turn = request->turn;
    const char *who = text_empty(request->person) ? request->command->actor : request->person;
    const char *names;
    const struct why *why;
    bool at_work;

    if (!has_run(request) || !is_so_far(request) || !policy_allows(request, &why))
        return;
    if (!text_empty(turn->run->cancel_by) && !run_ended((enum run_status)turn->run->status)) {
        ask_again(request, why);
        return;
    }
    names = running_names(turn);
    at_work = turn->run->status == RUN_APPLYING || turn->run->status == RUN_VALIDATING;
    answer_done(request, COMMAND_DONE, turn->run->id, why,
                at_work && !text_empty(names)
                    ? arena_printf(turn->arena, "run %s stops: it waits for %s", turn->run->id, names)
                    : arena_printf(turn->arena, "cancelled run %s", turn->run->id));
    if (request->command->dry_run)
        return;
    turn->run->cancel_by = who;
    (void)turn_fire(turn, "cancel", arena_printf(turn->arena, "cancelled by %s", who));
    if (!at_work)
        return;
    ask_to_stop(turn);
    turn_advance(turn);
}

/* --- undo ------------------------------------------------------------------------------------------------------------ */

void accept_undo(struct request *request)
{
    struct engine_turn *turn = request->turn;
    const char *who = text_empty(request->person) ? request->command->actor : request->person;
    const struct run *run = turn->run;
    const struct why *why;

    if (!has_run(request) || !is_so_far(request) || !policy_allows(request, &why))
        return;
    answer_done(request, COMMAND_DONE, run->id, why,
                arena_printf(turn->arena,
                             "run %s will not destroy '%s'; it is not asked for again by itself for the same reason",
                             run->id, run->environment_name));
    if (request->command->dry_run)
        return;
    turn->run->cancel_by = who;
    (void)turn_fire(turn, "cancel", arena_printf(turn->arena, "undone by %s before anything was touched", who));
}

/* --- retry ----------------------------------------------------------------------------------------------------------- */

/* A row that was never deployed to may have gone and come back with another id: who applied nothing begins over with what is there. */
static bool stands_on_another(const struct run *run, const struct environment *environment)
{
    if (environment != NULL && environment->status == ENVIRONMENT_DESTROYED)
        return true;
    return run->applying_at != 0 && (environment == NULL || !text_equal(environment->id, run->environment));
}

/* A run that applied something goes on only where nobody else changed what it left. */
static bool may_go_on(struct request *request)
{
    const struct engine_turn *turn = request->turn;
    const struct run *run = turn->run;
    const struct environment *environment = turn->environment;

    if (!text_empty(run->environment) && stands_on_another(run, environment))
        answer_refused(request, ERROR_CONFLICT, NULL, "its environment was destroyed", "deploy again");
    else if (run->applying_at != 0 && !base_holds(turn))
        answer_refused(request, ERROR_CONFLICT, NULL,
                       arena_printf(turn->arena, "run %s has changed the environment since", turn->facts->applied_run),
                       "deploy again: it is planned over what is there now");
    else
        return true;
    return false;
}

/* Nothing of it can happen before a person answers. */
static bool is_only_waiting(const struct run *run)
{
    return run->status == RUN_GATE && run->approved_at == 0;
}

static bool is_latest(struct request *request)
{
    const struct engine_turn *turn = request->turn;

    for (size_t i = 0; i < turn->runs.rows.count; i++) {
        const struct run *other = run_at(turn, i);

        if (other == NULL || other->number <= turn->run->number || run_only_looks(other) ||
            (turn->run->status == RUN_HELD && is_only_waiting(other)))
            continue;
        answer_refused(request, ERROR_CONFLICT, NULL,
                       arena_printf(turn->arena, "run %s came after it and is %s", other->id,
                                    word_name(run_status_names, other->status)),
                       arena_printf(turn->arena, "cancel run %s first", other->id));
        return false;
    }
    return true;
}

void accept_retry(struct request *request)
{
    struct engine_turn *turn = request->turn;
    const struct why *why;

    if (!has_run(request) || !is_so_far(request) || !policy_allows(request, &why) || !may_go_on(request) ||
        !is_latest(request))
        return;
    answer_done(request, COMMAND_DONE, turn->run->id, why, arena_printf(turn->arena, "run %s goes on", turn->run->id));
    if (request->command->dry_run)
        return;
    turn->run->cancel_by = "";
    if (turn_fire(turn, "retry", "goes on with what did not end well"))
        turn_advance(turn);
}
