/* SPDX-License-Identifier: ISC */
/* May this verb start: who asks, what the entry lets in, what is held, frozen, drifted, and what must be confirmed. */
#include "policy/rules.h"

#include "berth/base/str.h"
#include "berth/model/environment.h"

#define CHANGES (POLICY_DEPLOYS | POLICY_DESTROYS | POLICY_ALTERS)

static const struct {
    unsigned trigger;
    const char *name;
} trigger_names[] = {
    {TRIGGER_PUSH, "push"},       {TRIGGER_PULL_REQUEST, "pull_request"}, {TRIGGER_CHECKS, "checks"},
    {TRIGGER_COMMENT, "comment"}, {TRIGGER_PROMOTE, "promote"},           {TRIGGER_MANUAL, "manual"},
    {TRIGGER_QUEUE, "queue"},
};

static const char *trigger_name(unsigned trigger)
{
    for (size_t i = 0; i < sizeof trigger_names / sizeof *trigger_names; i++) {
        if (trigger_names[i].trigger == trigger)
            return trigger_names[i].name;
    }
    return "nothing known";
}

static const char *triggers_text(struct arena *arena, unsigned triggers)
{
    const char *text = "";

    for (size_t i = 0; i < sizeof trigger_names / sizeof *trigger_names; i++) {
        if (triggers & trigger_names[i].trigger)
            text = arena_printf(arena, "%s%s%s", text, *text != '\0' ? ", " : "", trigger_names[i].name);
    }
    return *text != '\0' ? text : "nothing";
}

/* A gate's `by` may name persons whose role alone would not do. */
static bool names_answerer(const struct policy_question *question)
{
    return (question->flags & POLICY_ANSWERS_GATE) && question->entry != NULL && question->entry->gate.present &&
           person_in_list(question->config, question->person, question->entry->gate.by);
}

static void add_role(struct why_builder *builder, const struct policy_question *question)
{
    struct arena *arena = builder->arena;
    const char *who = who_text(question->actor, question->person);
    int line;
    enum role role = role_of(question, question->person, (question->flags & POLICY_OWNER) != 0, arena, &line);
    const char *source = why_line(arena, question->config, line);

    if (role < question->role && names_answerer(question)) {
        why_add(builder, POLICY_YES, "role", why_line(arena, question->config, question->entry->gate.line), "",
                "%s is named by this gate", who);
        return;
    }
    if (role >= question->role) {
        why_add(builder, POLICY_YES, "role", source, "", "%s may %s here: %s%s", who, question->verb,
                word_name(role_names, (int)role),
                line == 0 && role == ROLE_ADMIN ? " (owns this store, berth.yaml maps nobody)" : "");
        return;
    }
    if (text_empty(question->person))
        why_add(builder, POLICY_NO, "role", source,
                "add this person to people and access in berth.yaml on the trusted ref",
                "%s is nobody that berth.yaml knows; %s needs %s", who, question->verb,
                word_name(role_names, (int)question->role));
    else
        why_add(builder, POLICY_NO, "role", source,
                arena_printf(arena, "ask somebody who is %s here, or change access in berth.yaml",
                             word_name(role_names, (int)question->role)),
                "%s is %s here; %s needs %s", who, role == ROLE_NONE ? "no one" : word_name(role_names, (int)role),
                question->verb, word_name(role_names, (int)question->role));
}

/* What starts a deploy or a plan with no person asking. */
static void add_trigger(struct why_builder *builder, const struct policy_question *question)
{
    const struct config_entry *entry = question->entry;
    bool deploys = (question->flags & POLICY_DEPLOYS) != 0;
    const char *key = deploys ? "deploy_on" : "plan_on";
    unsigned wanted = entry == NULL ? 0 : deploys ? entry->deploy_on : entry->plan_on;
    const char *source = entry == NULL ? "" : why_line(builder->arena, question->config, entry->line);

    if (text_equal(question->verb, "rollback"))
        why_add(builder, POLICY_YES, "source", source, "", "a failure is answered with the last good release");
    else if (wanted & (unsigned)question->trigger)
        why_add(builder, POLICY_YES, "source", source, "", "%s: %s", key, triggers_text(builder->arena, wanted));
    else
        why_add(builder, POLICY_NO, "source", source, "ask by hand, or add it in berth.yaml on the trusted ref",
                "%s does not start this by itself; %s: %s", trigger_name((unsigned)question->trigger), key,
                triggers_text(builder->arena, wanted));
}

/* What nobody can tell now is asked again before anything is touched. */
static void add_end(struct why_builder *builder, const struct policy_question *question)
{
    const struct why *end = policy_end(question, builder->arena);

    if (end->verdict == POLICY_WAIT)
        why_add(builder, POLICY_YES, end->rule, end->source, end->next, "%s: it waits at its gate", end->reason);
    else
        why_add_node(builder, end);
}

static bool excluded(const struct policy_question *question)
{
    return question->environment != NULL && !text_empty(question->commit) &&
           text_equal(question->environment->excluded_commit, question->commit);
}

static void add_ref_kind(struct why_builder *builder, const struct policy_question *question, const char *source)
{
    const struct config_entry *entry = question->entry;
    bool by_hand_only = entry->sources == 1u << SOURCE_MANUAL;

    if (by_hand_only && entry->refs.count > 0 && !text_empty(question->ref_kind) &&
        !name_in_list(entry->refs, question->ref_kind))
        why_add(builder, POLICY_NO, "source", source,
                arena_printf(builder->arena, "name a %s", names_text(builder->arena, entry->refs)),
                "a %s is not taken here; refs: %s", question->ref_kind, names_text(builder->arena, entry->refs));
    else
        why_add(builder, POLICY_YES, "source", source, "", "asked by hand");
}

/* A promotion itself, the way back, and going on with a run that got there. */
static bool goes_without_promotion(const char *verb)
{
    return text_equal(verb, "promote") || text_equal(verb, "rollback") || text_equal(verb, "retry");
}

static void add_source(struct why_builder *builder, const struct policy_question *question)
{
    const struct config_entry *entry = question->entry;
    const unsigned direct =
        1u << SOURCE_BRANCHES | 1u << SOURCE_PULL_REQUESTS | 1u << SOURCE_MANUAL | 1u << SOURCE_WORKTREE;
    const char *source;

    if (entry == NULL) {
        why_add(builder, POLICY_NO, "source", "", "add an entry for it to berth.yaml on the trusted ref",
                "no entry of berth.yaml makes %s", question->environment_name);
        return;
    }
    source = why_line(builder->arena, question->config, entry->line);
    if ((entry->sources & (1u << SOURCE_PROMOTE)) && !(entry->sources & direct) &&
        !goes_without_promotion(question->verb)) {
        why_add(builder, POLICY_NO, "source", source,
                arena_printf(builder->arena, "deploy to %s, then promote from there", entry->promote_from),
                "nothing but a promotion from %s reaches %s", entry->promote_from, question->environment_name);
        return;
    }
    if (!(question->flags & POLICY_BY_ITSELF)) {
        add_ref_kind(builder, question, source);
        return;
    }
    add_trigger(builder, question);
    if (excluded(question))
        why_add(builder, POLICY_NO, "source", source, "push a newer commit, or deploy it by hand",
                "this commit was rolled back here and is not deployed by itself again");
}

static void add_drift(struct why_builder *builder, const struct policy_question *question)
{
    if (question->entry == NULL || question->environment == NULL || !(question->environment->marks & MARK_DRIFTED) ||
        !name_in_list(question->entry->drift_blocks, question->verb))
        return;
    why_add(builder, POLICY_NO, "drift", why_line(builder->arena, question->config, question->entry->line),
            "look at what changed, then deploy the declared state or change it in the repository",
            "%s has drifted, and drift blocks %s", question->environment_name, question->verb);
}

static void add_confirmation(struct why_builder *builder, const struct policy_question *question)
{
    bool kept = is_kept(question);
    const char *source =
        question->entry == NULL ? "" : why_line(builder->arena, question->config, question->entry->line);

    if (question->flags & POLICY_TO_CONFIRM)
        why_add(builder, kept ? POLICY_WAIT : POLICY_YES, kept ? "protected" : "confirm", kept ? source : "",
                arena_printf(builder->arena, "type its name when asked, or --confirm %s", question->environment_name),
                "its name has to be typed%s", kept ? ", and an approver has to approve" : "");
    else if (question->flags & POLICY_CONFIRMED)
        why_add(builder, POLICY_YES, kept ? "protected" : "confirm", kept ? source : "", "", "its name was typed%s",
                kept ? "; it also needs an approval" : "");
    else
        why_add(builder, POLICY_NO, kept ? "protected" : "confirm", kept ? source : "",
                arena_printf(builder->arena, "type its name, or --confirm %s", question->environment_name),
                "%s is destroyed only after its name was typed", question->environment_name);
}

static void add_extensions(struct why_builder *builder, const struct policy_question *question)
{
    const struct config_entry *entry = question->entry;

    if (!text_equal(question->verb, "extend") || question->environment == NULL)
        return;
    if (entry == NULL) {
        why_add(builder, POLICY_NO, "limit", "", "put the entry back on the trusted ref, or deploy it under another",
                "no entry of berth.yaml says how long %s may live", question->environment_name);
        return;
    }
    if (entry->ttl_extensions < 0)
        return; /* as many as fit below max */
    why_add(builder, question->environment->extensions < entry->ttl_extensions ? POLICY_YES : POLICY_NO, "limit",
            why_line(builder->arena, question->config, entry->line),
            question->environment->extensions < entry->ttl_extensions ? "" : "deploy it again, or let it end",
            "%lld of %d extensions are used", (long long)question->environment->extensions, entry->ttl_extensions);
}

const struct why *policy_may(const struct policy_question *question, struct arena *arena)
{
    const bool by_itself = (question->flags & POLICY_BY_ITSELF) != 0;
    const bool destroys = (question->flags & POLICY_DESTROYS) != 0;
    struct why_builder builder;

    why_begin(&builder, WHY_ALL, arena);
    if (question->config == NULL) {
        why_add(&builder, POLICY_NO, "trust", "",
                "commit a berth.yaml on the trusted ref; berth doctor says what is wrong",
                "no berth.yaml of the trusted ref has been read");
        return why_finish(&builder, question->verb, "");
    }
    if (!by_itself)
        add_role(&builder, question);
    if (question->flags & POLICY_DEPLOYS || (by_itself && text_equal(question->verb, "plan")))
        add_source(&builder, question);
    if (destroys && by_itself)
        add_end(&builder, question);
    if (destroys && !by_itself)
        add_confirmation(&builder, question);
    if (question->flags & CHANGES) {
        add_holds(&builder, question, POLICY_NO);
        add_freezes(&builder, question, POLICY_NO);
    }
    add_drift(&builder, question);
    add_extensions(&builder, question);
    return why_finish(&builder, question->verb,
                      text_empty(question->environment_name) ? "" : question->environment_name);
}
