/* SPDX-License-Identifier: ISC */
/* The gate: what the plan stood on, the environment's lock, the answers; evaluated by policy, opened here. */
#include "engine/exec.h"

#include "berth/base/hash.h"
#include "berth/base/str.h"
#include "berth/config.h"

/* --- base ------------------------------------------------------------------------------------------------------- */

static int64_t release_of(const struct engine_turn *turn)
{
    return turn->environment != NULL ? turn->environment->release : 0;
}

/* What is recorded, by what berth itself wrote of it: what observers see changes no base. */
static void recorded_digest(const struct engine_turn *turn, char hex[HASH_HEX_SIZE])
{
    struct str text = STR_INIT;

    for (size_t i = 0; i < turn->resources.rows.count; i++) {
        const struct resource *resource = resource_at(turn, i);

        if (resource == NULL || resource->created_at == 0)
            continue;
        str_addf(&text, "%s %lld %s %s %d\n", resource->address, (long long)resource->position,
                 resource->applied_run != NULL ? resource->applied_run : "",
                 resource->spec_digest != NULL ? resource->spec_digest : "", resource->status == RESOURCE_GONE);
    }
    hash_sha256(text.data, text.length, hex);
    str_release(&text);
}

const char *base_text(const struct engine_turn *turn)
{
    char hex[HASH_HEX_SIZE];
    json_t *base = json_object();
    const char *text;

    recorded_digest(turn, hex);
    json_object_set_new(base, "environment", json_string(turn->environment != NULL ? turn->environment->id : ""));
    json_object_set_new(base, "release", json_integer(release_of(turn)));
    json_object_set_new(base, "applied", json_string(turn->facts->applied_run != NULL ? turn->facts->applied_run : ""));
    json_object_set_new(base, "recorded", json_string(hex));
    text = json_text(turn->arena, base);
    json_decref(base);
    return text;
}

/* Whoever changes an environment takes its lock and becomes the one that applied last: what this run itself began still stands. */
bool base_holds(const struct engine_turn *turn)
{
    if (turn->run->applying_at != 0)
        return text_equal(turn->facts->applied_run, turn->run->id);
    return text_equal(turn->run->base, base_text(turn));
}

/* --- lock -------------------------------------------------------------------------------------------------------- */

bool lock_is_free(const struct engine_turn *turn)
{
    return turn->environment == NULL || text_empty(turn->environment->lock_run) ||
           text_equal(turn->environment->lock_run, turn->run->id);
}

/* Held runs can be retried, and a roll-back that asks can be answered, only while nobody else changed what the failed one left. */
static bool stands_on_what_was_left(const struct run *run)
{
    return run->status == RUN_HELD || (run->status == RUN_GATE && run_rolls_back(run) && run->approved_at == 0);
}

/* Whoever takes the lock ends those. */
static void supersede_held(struct engine_turn *turn)
{
    for (size_t i = 0; i < turn->runs.rows.count; i++) {
        const struct run *other = run_at(turn, i);

        if (other == NULL || !stands_on_what_was_left(other) || text_equal(other->id, turn->run->id) ||
            !text_empty(other->superseded_by))
            continue;
        run_edit(turn, i)->superseded_by = turn->run->id;
        turn_touch(turn, other->id);
    }
}

void lock_hold(struct engine_turn *turn)
{
    struct environment *environment = turn->environment;
    struct run *run = turn->run;

    BUG_ON(environment == NULL || !lock_is_free(turn));
    if (!text_equal(environment->lock_run, run->id)) {
        environment->lock_run = run->id;
        environment->lock_since = turn->facts->now_ms;
    }
    environment->marks &= ~(unsigned)MARK_WAITING;
    run->gate = "";
    run->ended_at = 0;
    run->epoch = turn->facts->epoch;
}

void lock_changes(struct engine_turn *turn)
{
    struct run *run = turn->run;

    if (run->applying_at == 0)
        run->applying_at =
            turn->facts->now_ms > turn->facts->applied_at ? turn->facts->now_ms : turn->facts->applied_at + 1;
    supersede_held(turn);
}

void lock_take(struct engine_turn *turn)
{
    lock_hold(turn);
    if (!run_destroys(turn->run))
        environment_follows_branch(turn);
    lock_changes(turn);
    evidence_remove(turn);
}

void lock_release(struct engine_turn *turn)
{
    struct environment *environment = turn->environment;

    if (environment == NULL || !text_equal(environment->lock_run, turn->run->id))
        return;
    environment->lock_run = "";
    environment->lock_since = 0;
}

/* --- questions ------------------------------------------------------------------------------------------------------ */

/* What a run left behind when it was held is looked at by who says that it goes on: it stops others, not the run itself. */
static bool is_own_evidence(const struct engine_turn *turn, const struct hold *hold)
{
    return turn->run != NULL && text_equal(hold->kind, "evidence") &&
           text_equal(hold->by, arena_printf(turn->arena, "run %s", turn->run->id));
}

void question_add_blocks(const struct engine_turn *turn, struct policy_question *question)
{
    const struct hold **holds = arena_alloc(turn->arena, (turn->holds.rows.count + 1) * sizeof *holds);

    for (size_t i = 0; i < turn->holds.rows.count; i++)
        if (hold_at(turn, i) != NULL && !is_own_evidence(turn, hold_at(turn, i)))
            holds[question->hold_count++] = hold_at(turn, i);
    question->holds = holds;
    question->freezes = turn->facts->freezes.items;
    question->freeze_count = turn->facts->freezes.count;
    question->now_ms = turn->facts->now_ms;
}

void question_add_end(const struct engine_turn *turn, struct policy_question *question, int origin, int64_t asked_at)
{
    question->origin = origin;
    question->asked_at = asked_at;
    question->branch = turn->facts->own_branch;
    question->repository = turn->facts->own_repository;
    question->fed_by = turn->facts->fed_by;
}

static bool was_confirmed(const struct run *run)
{
    json_t *with = json_column(run->with);
    bool confirmed =
        !text_empty(run->environment_name) && text_equal(json_get_text(with, "confirm"), run->environment_name);

    json_decref(with);
    return confirmed;
}

void question_of_run(const struct engine_turn *turn, struct policy_question *question)
{
    const struct run *run = turn->run;

    *question = (struct policy_question){
        .config = turn->facts->config,
        .entry = turn->entry,
        .environment = turn->environment,
        .environment_name = run->environment_name,
        .tier = turn->environment != NULL ? (enum tier)turn->environment->tier
                : turn->entry != NULL     ? turn->entry->tier
                                          : TIER_NONE,
        .verb = run_unlocks(run) ? "unlock" : word_name(workflow_names, run->workflow),
        .role = ROLE_DEPLOYER,
        .flags = run_destroys(run)                         ? POLICY_DESTROYS
                 : run_only_looks(run) || run_unlocks(run) ? POLICY_READS
                 : run_is_exec(run)                        ? POLICY_ALTERS
                                                           : POLICY_DEPLOYS,
        .actor = run->actor,
        .person = run->person,
        .commit = run->commit,
        .ref_kind = "",
    };
    if (run->origin != ORIGIN_COMMAND)
        question->flags |= POLICY_BY_ITSELF;
    if (run_destroys(run) && was_confirmed(run))
        question->flags |= POLICY_CONFIRMED;
    question_add_blocks(turn, question);
    question_add_end(turn, question, run->origin, run->created_at);
}

void gate_fill(const struct engine_turn *turn, struct policy_gate *gate)
{
    *gate = (struct policy_gate){
        .run = turn->run,
        .approvals = turn->approvals.items,
        .approval_count = turn->approvals.count,
        .lock_free = lock_is_free(turn),
        .lock_holder = turn->environment != NULL ? turn->environment->lock_run : "",
        .base_holds = base_holds(turn),
        .takes_older = rollback_takes_older(turn),
    };
    question_of_run(turn, &gate->question);
}

/* --- the gate ---------------------------------------------------------------------------------------------------------- */

bool has_leave(const struct engine_turn *turn)
{
    return turn->entry != NULL || run_destroys(turn->run);
}

void gate_open_for_answers(struct engine_turn *turn)
{
    struct run *run = turn->run;

    run->gate_at = turn->facts->now_ms;
    run->gate = "";
    run->gate_expires_at = 0;
    if (turn->entry != NULL && turn->entry->gate.present && turn->entry->gate.expires_ms > 0)
        run->gate_expires_at = turn->facts->now_ms + turn->entry->gate.expires_ms;
}

void gate_clear_approvals(struct engine_turn *turn, const char *reason)
{
    struct run *run = turn->run;
    struct approval *cleared;

    run->approved_at = 0;
    if (turn->approvals.count == 0)
        return;
    cleared = arena_alloc(turn->arena, sizeof *cleared);
    *cleared = (struct approval){
        .id = turn_new_id(turn),
        .run = run->id,
        .environment = run->environment,
        .digest = run->digest,
        .verdict = VERDICT_CLEARED,
        .actor = "berth",
        .reason = arena_strdup(turn->arena, reason),
        .at = turn->facts->now_ms,
    };
    turn_put(turn, &approval_type, cleared);
    vec_push(&turn->approvals, cleared);
    turn_audit(turn, "approvals.cleared", "", "ok", reason, NULL);
}

static const char *gate_json(struct engine_turn *turn, const struct why *why)
{
    json_t *json = why_to_json(why);
    const char *text = json_text(turn->arena, json);

    json_decref(json);
    return text;
}

static const char *reason_of(struct engine_turn *turn, const struct why *why)
{
    const struct why *first = why_first(why);

    if (first == NULL)
        return "";
    return arena_strdup(turn->arena, first->reason);
}

static void gate_waits(struct engine_turn *turn, const struct policy_gate *gate, const struct why *why)
{
    struct run *run = turn->run;
    const struct why *first = why_first(why);
    bool first_time = text_empty(run->gate);
    bool for_people = first != NULL && (text_equal(first->rule, "approvals") || text_equal(first->rule, "trust") ||
                                        text_equal(first->rule, "rollback"));

    run->gate = gate_json(turn, why);
    run->status_reason = reason_of(turn, why);
    if (turn->environment != NULL && for_people)
        turn->environment->marks |= MARK_WAITING;
    if (first_time)
        turn_notify(turn, "gate");
    turn_wake(turn, policy_gate_next(gate));
}

/* What it was begun for is not so any more, and nothing is touched yet. */
static bool is_called_back(struct engine_turn *turn, const struct why *end)
{
    if (end == NULL || end->verdict != POLICY_NO)
        return false;
    turn->run->cancel_by = "berth";
    return turn_fire(turn, "cancel", arena_printf(turn->arena, "called back: %s", end->reason));
}

void gate_look(struct engine_turn *turn)
{
    struct run *run = turn->run;
    struct policy_gate gate;
    const struct why *why;

    if (run->gate_expires_at != 0 && run->gate_expires_at <= turn->facts->now_ms) {
        (void)turn_fire(turn, "expired", "expired: nobody answered the gate in time");
        return;
    }
    gate_fill(turn, &gate);
    if (is_called_back(turn, policy_gate_end(&gate, turn->arena)))
        return;
    if (!gate.base_holds && gate.lock_free) {
        (void)turn_fire(turn, "base moved", "the environment has changed since this was planned");
        return;
    }
    if (plan_changes_nothing(run) && has_leave(turn) && gate.lock_free && gate.base_holds) {
        if (turn_has_slot(turn))
            (void)turn_fire(turn, "open", "");
        return;
    }
    why = policy_gate(&gate, turn->arena);
    if (why->verdict == POLICY_YES && gate.lock_free && gate.base_holds) {
        if (!turn_has_slot(turn)) {
            turn_wake(turn, policy_gate_next(&gate));
            return;
        }
        turn_audit(turn, "gate.opened", "", "ok", run->digest, gate_json(turn, why));
        (void)turn_fire(turn, "open", "");
        return;
    }
    gate_waits(turn, &gate, why);
}
