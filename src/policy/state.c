/* SPDX-License-Identifier: ISC */
/* Whether there is anything to act on: what a verb needs of a run or an environment besides leave. */
#include "policy/rules.h"

#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/model/environment.h"
#include "berth/model/ledger.h"
#include "berth/model/run.h"
#include "berth/policy/limits.h"

static bool can_be_undone(const struct run *run)
{
    return run->workflow == WORKFLOW_DESTROY && run->applying_at == 0 && !run_ended((enum run_status)run->status);
}

bool policy_run_takes(const struct run *run, const char *verb)
{
    const enum run_status status = (enum run_status)run->status;

    if (text_equal(verb, "approve") || text_equal(verb, "reject"))
        return status == RUN_GATE;
    if (text_equal(verb, "cancel"))
        return status < RUN_ROLLING_BACK || status == RUN_HELD;
    if (text_equal(verb, "retry"))
        return status == RUN_HELD || status == RUN_FAILED;
    if (text_equal(verb, "undo"))
        return can_be_undone(run);
    return true;
}

static const struct why *state_no(struct arena *arena, const char *reason, const char *next)
{
    struct why *why = arena_alloc(arena, sizeof *why);

    *why = (struct why){
        .kind = WHY_RULE, .verdict = POLICY_NO, .rule = "state", .reason = reason, .source = "", .next = next};
    return why;
}

static const struct why *not_undone(const struct run *run, struct arena *arena)
{
    if (run->workflow != WORKFLOW_DESTROY)
        return state_no(arena, arena_printf(arena, "run %s is no destroy that could be undone", run->id), "");
    return state_no(arena,
                    run->applying_at != 0 ? arena_printf(arena, "run %s has begun to remove resources", run->id)
                                          : arena_printf(arena, "run %s is %s: there is nothing to undo", run->id,
                                                         word_name(run_status_names, run->status)),
                    run->applying_at != 0 ? "berth cancel stops it; deploy again what is gone" : "");
}

const struct why *policy_run_state(const struct run *run, const char *verb, struct arena *arena)
{
    const char *status = word_name(run_status_names, run->status), *reason = run->status_reason;

    if (policy_run_takes(run, verb))
        return NULL;
    if (text_equal(verb, "undo"))
        return not_undone(run, arena);
    if (!text_empty(reason) && !text_starts(reason, status)) /* "cancelled by uid:0" says both */
        status = arena_printf(arena, "%s, %s", status, reason);
    else if (!text_empty(reason))
        status = reason;
    return state_no(arena, arena_printf(arena, "run %s is %s: there is nothing to %s", run->id, status, verb), "");
}

static const struct release *release_of(const struct environment *environment, const struct release *const *releases,
                                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (releases[i]->version == environment->release)
            return releases[i];
    return NULL;
}

/* The newest one before the environment's that was not rolled back and is not the same once more. */
static const struct release *release_before(const struct environment *environment, const struct release *now,
                                            const struct release *const *releases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct release *release = releases[i];

        if (release->version < environment->release && release->validated && text_equal(release->verdict, "good") &&
            (now == NULL || !text_equal(release->commit, now->commit) || !text_equal(release->inputs, now->inputs) ||
             !settings_agree(release->settings, now->settings)))
            return release;
    }
    return NULL;
}

const struct release *policy_release_meant(const struct environment *environment, const struct release *const *releases,
                                           size_t count)
{
    const struct release *now = release_of(environment, releases, count);

    /* what is there is not the release it has: a deploy failed, or was stopped in the middle */
    return environment->status != ENVIRONMENT_OK && now != NULL && text_equal(now->verdict, "good")
               ? now
               : release_before(environment, now, releases, count);
}

const struct why *policy_rollback_state(const struct environment *environment, const struct release *const *releases,
                                        size_t count, struct arena *arena)
{
    if (policy_release_meant(environment, releases, count) != NULL)
        return NULL;
    return state_no(arena, arena_printf(arena, "'%s' has no good release before the one it has", environment->name),
                    arena_printf(arena, "berth releases %s lists them", environment->name));
}

const struct why *policy_release_state(const struct environment *environment, const struct release *release,
                                       struct arena *arena)
{
    if (environment->status != ENVIRONMENT_OK || release->version != environment->release)
        return NULL;
    return state_no(arena, arena_printf(arena, "'%s' is at v%lld", environment->name, (long long)release->version),
                    "deploy it again, or name another release");
}

const struct why *policy_there_state(const struct environment *environment, const char *name, const char *verb,
                                     struct arena *arena)
{
    if (environment != NULL && environment->status != ENVIRONMENT_DESTROYED)
        return NULL;
    return state_no(arena,
                    arena_printf(arena, "'%s' %s: there is nothing to %s", name,
                                 environment == NULL ? "was never deployed" : "is destroyed",
                                 text_equal(verb, "rollback") ? "roll back" : verb),
                    "deploy it first");
}

const struct why *policy_extend_state(const struct environment *environment, struct arena *arena)
{
    if (environment->planned_destruction_at == 0)
        return state_no(arena, arena_printf(arena, "'%s' has no end to extend", environment->name), "");
    if (environment->ends_at != 0 && environment->ends_at < environment->planned_destruction_at)
        return state_no(arena,
                        arena_printf(arena, "'%s' ends at %s whatever its ttl: %s", environment->name,
                                     instant_text(arena, environment->ends_at), environment->ends_why),
                        arena_printf(arena, "berth protect %s keeps it", environment->name));
    return NULL;
}

/* Whether the run would wait for a slot. */
static const struct why *slot_state(const struct policy_question *question, const struct policy_about *about,
                                    struct arena *arena)
{
    const struct config *config = question->config;
    const struct config_entry *entry = question->entry;
    struct limit_counts counts;
    const char *limit;
    struct why *why;

    if (about->active_count == 0 || config == NULL || entry == NULL)
        return NULL;
    limit_counts_init(&counts, config, LIMIT_RUNS, arena);
    for (size_t i = 0; i < about->active_count; i++) {
        const struct config_entry *other = config_entry_named(config, about->active[i].entry);

        if (other != NULL)
            limit_counts_add(&counts, other->target, (int)other->tier);
    }
    limit = limit_text(&counts, entry->target, (int)entry->tier, arena);
    if (text_empty(limit) && config->limits.runs > 0 && about->active_count >= (size_t)config->limits.runs)
        limit = arena_printf(arena, "%zu of %d runs (limits.runs, %s:%d)", about->active_count, config->limits.runs,
                             config->file, config->limits.line);
    if (text_empty(limit))
        return NULL;
    why = arena_alloc(arena, sizeof *why);
    *why = (struct why){.kind = WHY_RULE,
                        .verdict = POLICY_WAIT,
                        .rule = "limit",
                        .reason = arena_printf(arena, "its run waits in the queue: %s are at work", limit),
                        .source = "",
                        .next = "it begins when one of them ends: berth runs lists them"};
    return why;
}

/* Whether there is a branch to take the commit from. No more than a hint: it may be back and not listed yet, so the command is taken. */
static const struct why *branch_state(const struct policy_question *question, const struct policy_about *about,
                                      struct arena *arena)
{
    const struct environment *environment = question->environment;
    struct why *why;

    if (environment == NULL || !(environment->marks & MARK_BRANCH_GONE) || about->names_ref ||
        !(text_equal(question->verb, "deploy") || text_equal(question->verb, "plan")))
        return NULL;
    why = arena_alloc(arena, sizeof *why);
    *why = (struct why){
        .kind = WHY_RULE,
        .verdict = POLICY_WAIT,
        .rule = "state",
        .reason = arena_printf(arena, "the branch '%s' is gone: its run finds no commit unless it is back by then",
                               environment->branch),
        .source = "",
        .next = arena_printf(arena, "push %s again, or name another with --ref", environment->branch),
    };
    return why;
}

/* --- may I, and what will I be asked ----------------------------------------------------------------------------- */

static const struct why *state_of(const struct policy_question *question, const struct policy_about *about,
                                  struct arena *arena)
{
    const struct environment *environment = question->environment;
    const struct why *state = NULL;

    if (about->run != NULL)
        return policy_run_state(about->run, question->verb, arena);
    if (about->needs_environment && (environment == NULL || environment->status == ENVIRONMENT_DESTROYED))
        return policy_there_state(environment, question->environment_name, question->verb, arena);
    if (text_equal(question->verb, "extend") && environment != NULL)
        return policy_extend_state(environment, arena);
    if (text_equal(question->verb, "rollback") && environment != NULL && about->to != NULL)
        state = policy_release_state(environment, about->to, arena);
    else if (text_equal(question->verb, "rollback") && environment != NULL && about->releases != NULL)
        state = policy_rollback_state(environment, about->releases, about->release_count, arena);
    if (state == NULL)
        state = branch_state(question, about, arena);
    return state != NULL ? state : slot_state(question, about, arena);
}

static const struct why *may_answer(const struct policy_question *question, const struct policy_about *about,
                                    struct arena *arena)
{
    const struct policy_gate gate = {
        .question = *question,
        .run = about->run,
        .approvals = about->approvals,
        .approval_count = about->approval_count,
        .lock_free = true,
        .lock_holder = "",
        .base_holds = true,
    };

    return policy_may_approve(&gate, question->actor, question->person, (question->flags & POLICY_OWNER) != 0,
                              about->run->digest, arena);
}

/* Both in one tree, first what a command is refused with first: a run that is not so far, or no leave. */
static const struct why *together(const struct why *why, const struct why *state, bool state_first, struct arena *arena)
{
    struct why_builder builder;

    if (state == NULL)
        return why;
    why_begin(&builder, WHY_ALL, arena);
    if (state_first)
        why_add_node(&builder, state);
    for (size_t i = 0; i < why->count; i++)
        why_add_node(&builder, why->children[i]);
    if (!state_first)
        why_add_node(&builder, state);
    return why_finish(&builder, why->rule, why->reason);
}

const struct why *policy_ask(const struct policy_question *question, const struct policy_about *about,
                             struct arena *arena)
{
    struct policy_question asked = *question;
    const struct why *why;

    if ((asked.flags & POLICY_DESTROYS) && !(asked.flags & POLICY_CONFIRMED))
        asked.flags |= POLICY_TO_CONFIRM;
    why = (asked.flags & POLICY_ANSWERS_GATE) && about->run != NULL ? may_answer(&asked, about, arena)
                                                                    : policy_may(&asked, arena);
    return together(why, state_of(&asked, about, arena), about->run != NULL, arena);
}
