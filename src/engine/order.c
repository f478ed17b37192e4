/* SPDX-License-Identifier: ISC */
/* Standing orders: how long an environment lives, what holds it, what is frozen, whether the machines act. */
#include "engine/accept.h"

#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/policy/life.h"

/* Policy and the environment; false: refused already. */
static bool may_order(struct request *request, const struct why **why)
{
    struct engine_turn *turn = request->turn;

    turn->run = NULL;
    if (turn->environment == NULL || turn->environment->status == ENVIRONMENT_DESTROYED) {
        answer_refused(request, ERROR_NOT_FOUND, NULL,
                       arena_printf(turn->arena, "there is no environment '%s'", request->command->subject),
                       "berth envs lists them");
        return false;
    }
    return policy_allows(request, why);
}

/* Answers, and says whether the order is to be carried out. */
static bool carry_out(struct request *request, const struct why *why, const char *message)
{
    answer_done(request, COMMAND_DONE, "", why, message);
    return !request->command->dry_run;
}

/* Runs that wait at a gate or in the queue may go on now. */
static void touch_waiting_runs(struct engine_turn *turn)
{
    for (size_t i = 0; i < turn->runs.rows.count; i++)
        if (run_at(turn, i) != NULL)
            turn_touch(turn, run_at(turn, i)->id);
    for (size_t i = 0; i < turn->facts->waiting.count; i++)
        turn_touch(turn, turn->facts->waiting.items[i]);
}

/* --- life ------------------------------------------------------------------------------------------------------- */

/* A longer life that is promised while a destroy is under way would be a lie. */
static bool is_being_destroyed(struct request *request, const struct why *why)
{
    struct engine_turn *turn = request->turn;

    for (size_t i = 0; i < turn->runs.rows.count; i++) {
        const struct run *run = run_at(turn, i);

        if (run == NULL || !run_destroys(run) || run->status == RUN_HELD)
            continue;
        answer_refused(request, ERROR_CONFLICT, why,
                       arena_printf(turn->arena, "run %s destroys '%s': it is %s", run->id, run->environment_name,
                                    word_name(run_status_names, run->status)),
                       run->applying_at == 0 ? arena_printf(turn->arena, "berth undo %s, then extend it", run->id)
                                             : "");
        return true;
    }
    return false;
}

static int64_t life_goes_on_until(const struct engine_turn *turn)
{
    return turn->environment->planned_destruction_at > turn->facts->now_ms ? turn->environment->planned_destruction_at
                                                                           : turn->facts->now_ms;
}

const char *life_latest_text(const struct engine_turn *turn, const struct config_entry *entry, const char *name,
                             int64_t latest_ms)
{
    return arena_printf(turn->arena, "'%s' may live until %s at the latest: ttl.max is %s from %s (%s:%d)", name,
                        instant_text(turn->arena, latest_ms), duration_text(turn->arena, entry->ttl_max_ms),
                        entry->ttl_from, turn->facts->config->file, entry->line);
}

/* Whether its life may be so long; an extension is a use. */
static bool fits_its_longest(struct request *request, const struct why *why, int64_t until)
{
    struct engine_turn *turn = request->turn;
    const struct config_entry *entry = request->subject.entry;
    struct environment used = *turn->environment;
    int64_t latest, room;

    used.used_at = turn->facts->now_ms;
    latest = entry != NULL ? policy_life_latest(entry, &used, turn->facts->branch) : INT64_MAX;
    if (until <= latest)
        return true;
    room = latest - life_goes_on_until(turn);
    answer_refused(request, ERROR_LIMIT, why, life_latest_text(turn, entry, used.name, latest),
                   room >= MS_MINUTE ? arena_printf(turn->arena, "ask for at most %s", duration_text(turn->arena, room))
                                     : "it cannot be extended further");
    return false;
}

void accept_extend(struct request *request)
{
    struct engine_turn *turn = request->turn;
    struct environment *environment = turn->environment;
    const struct why *why, *state;
    int64_t by, until;

    if (!may_order(request, &why) || !argument_duration(request, "by", &by))
        return;
    if (by == 0) {
        answer_refused(request, ERROR_USAGE, why, "nothing says by how much", "berth extend ENV 2d");
        return;
    }
    if (is_being_destroyed(request, why))
        return;
    state = policy_extend_state(environment, turn->arena);
    if (state != NULL) {
        answer_refused(request, ERROR_CONFLICT, why, state->reason, state->next);
        return;
    }
    until = life_goes_on_until(turn) + by;
    if (!fits_its_longest(request, why, until))
        return;
    if (!carry_out(
            request, why,
            arena_printf(turn->arena, "'%s' lives until %s", environment->name, instant_text(turn->arena, until))))
        return;
    if (policy_life_is_given(environment))
        environment->given_until = until;
    environment->planned_destruction_at = until;
    environment->extended_ms += by;
    environment->extensions++;
    environment->marks &= ~(unsigned)MARK_EXPIRING;
}

/* --- holds -------------------------------------------------------------------------------------------------------- */

static void add_hold(struct request *request, const char *kind, int64_t until)
{
    struct engine_turn *turn = request->turn;
    struct hold *hold = arena_alloc(turn->arena, sizeof *hold);

    *hold = (struct hold){
        .id = turn_new_id(turn),
        .environment = turn->environment->id,
        .kind = kind,
        .reason = request->command->reason,
        .by = text_empty(request->person) ? request->command->actor : request->person,
        .since = turn->facts->now_ms,
        .until = until,
    };
    (void)turn_add(&turn->holds, hold);
}

static size_t remove_holds(struct engine_turn *turn, const char *kind)
{
    size_t count = 0;

    for (size_t i = 0; i < turn->holds.rows.count; i++) {
        const struct hold *hold = hold_at(turn, i);
        bool lifts = hold != NULL &&
                     (text_equal(hold->kind, kind) || (text_equal(kind, "hold") && text_equal(hold->kind, "evidence")));

        if (!lifts)
            continue;
        turn_drop(&turn->holds, i);
        count++;
    }
    return count;
}

/* The cleaner's question is no hold: it is answered by destroying the environment, or by keeping it. */
static bool cleaner_asks(struct request *request, const struct why *why)
{
    struct engine_turn *turn = request->turn;
    const char *name = turn->environment->name;

    for (size_t i = 0; i < turn->holds.rows.count; i++) {
        if (hold_at(turn, i) == NULL || !text_equal(hold_at(turn, i)->kind, CLEANER_ASKS))
            continue;
        answer_refused(request, ERROR_CONFLICT, why,
                       arena_printf(turn->arena, "the cleaner asks about '%s': %s", name, hold_at(turn, i)->reason),
                       arena_printf(turn->arena, "berth destroy %s lets it go; berth protect %s keeps it", name, name));
        return true;
    }
    return false;
}

static bool is_held(const struct engine_turn *turn)
{
    for (size_t i = 0; i < turn->holds.rows.count; i++)
        if (hold_at(turn, i) != NULL &&
            (text_equal(hold_at(turn, i)->kind, "hold") || text_equal(hold_at(turn, i)->kind, "evidence")))
            return true;
    return (turn->environment->marks & MARK_HELD) || !text_empty(turn->environment->excluded_commit);
}

void accept_hold(struct request *request)
{
    struct engine_turn *turn = request->turn;
    const struct why *why;
    int64_t until;

    if (!may_order(request, &why) || !argument_until(request, "until", &until) ||
        !carry_out(request, why, arena_printf(turn->arena, "'%s' is held", turn->environment->name)))
        return;
    add_hold(request, "hold", until);
    turn->environment->marks |= MARK_HELD;
}

void accept_unhold(struct request *request)
{
    struct engine_turn *turn = request->turn;
    const struct why *why;

    if (!may_order(request, &why))
        return;
    if (!is_held(turn) && cleaner_asks(request, why))
        return;
    if (!is_held(turn)) {
        answer_refused(request, ERROR_CONFLICT, why,
                       arena_printf(turn->arena, "nothing holds '%s'", turn->environment->name), "");
        return;
    }
    if (!carry_out(request, why, arena_printf(turn->arena, "'%s' is not held any more", turn->environment->name)))
        return;
    (void)remove_holds(turn, "hold");
    turn->environment->marks &= ~(unsigned)MARK_HELD;
    turn->environment->excluded_commit = "";
    touch_waiting_runs(turn);
}

void accept_protect(struct request *request)
{
    struct engine_turn *turn = request->turn;
    const struct why *why;
    int64_t until;

    if (!may_order(request, &why) || !argument_until(request, "until", &until) ||
        !carry_out(request, why, arena_printf(turn->arena, "'%s' is protected", turn->environment->name)))
        return;
    if (until != 0)
        add_hold(request, "protect", until); /* ends by itself */
    else
        turn->environment->is_protected = true;
}

/* Protection is what a waiting destroy asks its approval for: taking it away must not be the approval. */
static bool destroy_waits(struct request *request, const struct why *why)
{
    struct engine_turn *turn = request->turn;

    for (size_t i = 0; i < turn->runs.rows.count; i++) {
        const struct run *run = run_at(turn, i);

        if (run == NULL || run->status != RUN_GATE || !run_destroys(run))
            continue;
        answer_refused(request, ERROR_CONFLICT, why,
                       arena_printf(turn->arena, "run %s waits at its gate to destroy '%s': nothing would stop it",
                                    run->id, run->environment_name),
                       arena_printf(turn->arena, "berth reject %s first, or let an approver answer it", run->id));
        return true;
    }
    return false;
}

void accept_unprotect(struct request *request)
{
    struct engine_turn *turn = request->turn;
    const struct why *why;

    if (!may_order(request, &why) || destroy_waits(request, why) ||
        !carry_out(request, why, arena_printf(turn->arena, "'%s' is not protected any more", turn->environment->name)))
        return;
    (void)remove_holds(turn, "protect");
    turn->environment->is_protected = false;
    touch_waiting_runs(turn);
}

/* --- freezes --------------------------------------------------------------------------------------------------------- */

/* "" when the subject is all; false: refused already. */
static bool tier_of(struct request *request, const char *text, const char **tier)
{
    *tier = "";
    if (text_empty(text) || text_equal(text, "all"))
        return true;
    if (word_value(tier_names, text) > TIER_NONE) {
        *tier = text;
        return true;
    }
    answer_refused(request, ERROR_USAGE, NULL, arena_printf(request->turn->arena, "'%s' is no tier", text),
                   "local, review, ephemeral, dev, test, staging, prod or all");
    return false;
}

static const char *list_of(struct engine_turn *turn, const char *text)
{
    json_t *list = json_array();
    const char *copy;

    if (!text_empty(text))
        json_array_append_new(list, json_string(text));
    copy = json_text(turn->arena, list);
    json_decref(list);
    return copy;
}

static const char *excepted(struct request *request)
{
    json_t *except = json_object_get(request->arguments, "except");

    if (json_is_array(except))
        return json_text(request->turn->arena, except);
    return list_of(request->turn, json_is_string(except) ? json_string_value(except) : "");
}

enum stops { STOPS_ALL, STOPS_MACHINES };

static void add_freeze(struct request *request, const char *tier, int64_t until, enum stops stops)
{
    struct engine_turn *turn = request->turn;
    struct freeze *freeze = arena_alloc(turn->arena, sizeof *freeze);

    *freeze = (struct freeze){
        .id = turn_new_id(turn),
        .tiers = list_of(turn, tier),
        .except = excepted(request),
        .name = stops == STOPS_MACHINES ? "stop-all"
                : text_empty(tier)      ? "all"
                                        : tier,
        .reason = request->command->reason,
        .by = text_empty(request->person) ? request->command->actor : request->person,
        .machines = stops == STOPS_MACHINES,
        .until = until, /* and from now on: a clock that goes back lifts nothing */
    };
    turn_put(turn, &freeze_type, freeze);
}

/* Removes what was ordered by hand; berth.yaml's freezes are ended there. */
static size_t remove_freezes(struct request *request, const char *tier, enum stops stops)
{
    struct engine_turn *turn = request->turn;
    const char *tiers = list_of(turn, tier);
    size_t count = 0;

    for (size_t i = 0; i < turn->facts->freezes.count; i++) {
        const struct freeze *freeze = turn->facts->freezes.items[i];

        if (text_starts(freeze->id, "config:") || freeze->machines != (stops == STOPS_MACHINES) ||
            (stops == STOPS_ALL && !text_equal(freeze->tiers, tiers)))
            continue;
        if (!request->command->dry_run)
            turn_remove(turn, &freeze_type, freeze->id);
        count++;
    }
    return count;
}

/* Orders about the workspace stand on no environment. */
static bool may_order_all(struct request *request, const struct why **why)
{
    request->turn->run = NULL;
    request->turn->environment = NULL;
    request->question.environment = NULL;
    request->question.entry = NULL;
    request->question.environment_name = "";
    return policy_allows(request, why);
}

static void freeze_or_stop(struct request *request, const char *tier_text, enum stops stops)
{
    struct engine_turn *turn = request->turn;
    const struct why *why;
    const char *tier;
    int64_t until;

    if (!tier_of(request, tier_text, &tier))
        return;
    request->question.tier = text_empty(tier) ? TIER_NONE : (enum tier)word_value(tier_names, tier);
    if (!may_order_all(request, &why) || !argument_until(request, "until", &until) ||
        !carry_out(request, why,
                   arena_printf(turn->arena, "%s %s",
                                stops == STOPS_MACHINES ? "nothing happens by itself in" : "frozen:",
                                text_empty(tier) ? "all tiers" : tier)))
        return;
    add_freeze(request, tier, until, stops);
}

static void thaw(struct request *request, const char *tier_text, enum stops stops)
{
    struct engine_turn *turn = request->turn;
    const struct why *why;
    const char *tier;

    if (!tier_of(request, tier_text, &tier))
        return;
    request->question.tier = text_empty(tier) ? TIER_NONE : (enum tier)word_value(tier_names, tier);
    if (!may_order_all(request, &why))
        return;
    if (remove_freezes(request, tier, stops) == 0) {
        answer_refused(request, ERROR_CONFLICT, why,
                       stops == STOPS_MACHINES ? "the machines are not stopped"
                                               : arena_printf(turn->arena, "nothing by hand freezes %s",
                                                              text_empty(tier) ? "all tiers" : tier),
                       "");
        return;
    }
    if (carry_out(request, why, stops == STOPS_MACHINES ? "the machines act again" : "not frozen any more"))
        touch_waiting_runs(turn);
}

void accept_freeze(struct request *request)
{
    freeze_or_stop(request, request->command->subject, STOPS_ALL);
}

void accept_unfreeze(struct request *request)
{
    thaw(request, request->command->subject, STOPS_ALL);
}

void accept_stop_all(struct request *request)
{
    freeze_or_stop(request, argument_text(request, "tier"), STOPS_MACHINES);
}

void accept_resume_all(struct request *request)
{
    thaw(request, "", STOPS_MACHINES);
}
