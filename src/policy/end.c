/* SPDX-License-Identifier: ISC */
/* What a destroy that no person asked for stands on: a life that is over, a branch that went, a failure that is answered so. */
#include "policy/rules.h"

#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/model/environment.h"

struct ending { /* the rule that is being made */
    const struct policy_question *question;
    struct arena *arena;
    const char *source;
};

static const struct why *rule(const struct ending *ending, enum verdict verdict, const char *reason, const char *next)
{
    struct why *why = arena_alloc(ending->arena, sizeof *why);

    *why = (struct why){.kind = WHY_RULE,
                        .verdict = verdict,
                        .rule = "source",
                        .reason = reason,
                        .source = ending->source,
                        .next = next};
    return why;
}

static const struct why *no_policy(const struct ending *ending)
{
    return rule(ending, POLICY_NO,
                arena_printf(ending->arena, "no policy says that %s is destroyed by itself",
                             ending->question->environment_name),
                "a person destroys it, with its name typed");
}

static const struct why *kept(const struct ending *ending)
{
    struct why *why = arena_alloc(ending->arena, sizeof *why);

    *why =
        *rule(ending, POLICY_NO,
              arena_printf(ending->arena, "%s is %s: nothing destroys it by itself", ending->question->environment_name,
                           policy_is_protected(ending->question) ? "protected" : "permanent"),
              "a person destroys it, with its name typed and an approval");
    why->rule = "protected";
    return why;
}

/* By the instant at which it was asked for: a clock that jumped since makes nothing of it true or untrue. */
static int64_t asked_at(const struct policy_question *question)
{
    return question->asked_at != 0 ? question->asked_at : question->now_ms;
}

static const struct why *of_life(const struct ending *ending)
{
    const int64_t end = ending->question->environment->planned_destruction_at;

    if (end == 0)
        return no_policy(ending);
    if (end > asked_at(ending->question))
        return rule(ending, POLICY_NO,
                    arena_printf(ending->arena, "its life goes on until %s", instant_text(ending->arena, end)), "");
    return rule(ending, POLICY_YES,
                arena_printf(ending->arena, "its life ended at %s", instant_text(ending->arena, end)), "");
}

static const struct why *of_branch(const struct ending *ending)
{
    const struct policy_question *question = ending->question;
    const struct branch *branch = question->branch;
    struct arena *arena = ending->arena;

    if (question->entry == NULL || !question->entry->destroy_with_branch)
        return no_policy(ending);
    if (branch != NULL && branch->gone_at == 0)
        return rule(ending, POLICY_NO, "its branch is there again", "");
    if (!text_empty(question->fed_by))
        return rule(ending, POLICY_NO, arena_printf(arena, "%s brings commits to it too", question->fed_by), "");
    if (branch != NULL && (branch->misses < BRANCH_GONE_MISSES ||
                           branch->gone_at + question->entry->destroy_after_ms > asked_at(question)))
        return rule(ending, POLICY_NO,
                    arena_printf(arena, "its branch went only at %s", instant_text(arena, branch->gone_at)), "");
    if (branch == NULL || question->repository == NULL || !repository_is_whole(question->repository))
        return rule(ending, POLICY_WAIT, "nobody can tell whether its branch is back",
                    "wait for a whole listing of its repository");
    return rule(ending, POLICY_YES, "destroy_with_branch, and its branch is gone", "");
}

const struct why *policy_end(const struct policy_question *question, struct arena *arena)
{
    const struct config_entry *entry = question->entry;
    const struct ending ending = {.question = question,
                                  .arena = arena,
                                  .source = entry == NULL ? "" : why_line(arena, question->config, entry->line)};

    if (is_kept(question))
        return kept(&ending);
    if (question->origin == ORIGIN_ON_FAILURE && entry != NULL && entry->on_failure == ANSWER_DESTROY)
        return rule(&ending, POLICY_YES, "on_failure: destroy", "");
    if (question->environment == NULL)
        return no_policy(&ending);
    return question->origin == ORIGIN_TTL       ? of_life(&ending)
           : question->origin == ORIGIN_CLEANER ? of_branch(&ending)
                                                : no_policy(&ending);
}
