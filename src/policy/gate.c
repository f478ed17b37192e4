/* SPDX-License-Identifier: ISC */
/* Does the gate open: approvals that bind to a digest, windows, holds, freezes, expiry, the lock; and whose answer it takes. */
#include "policy/rules.h"

#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/model/environment.h"
#include "berth/model/run.h"

static const struct config_gate *gate_of(const struct policy_gate *gate)
{
    const struct config_entry *entry = gate->question.entry;

    return entry != NULL && entry->gate.present ? &entry->gate : NULL;
}

static bool rolls_back(const struct policy_gate *gate)
{
    return gate->run->workflow == WORKFLOW_ROLLBACK;
}

static bool destroys(const struct policy_gate *gate)
{
    return gate->run->workflow == WORKFLOW_DESTROY;
}

static bool runs_command(const struct policy_gate *gate)
{
    return gate->run->workflow == WORKFLOW_EXEC;
}

/* Releasing a lock changes nothing in the environment: no window, hold or freeze is about it. */
static bool only_unlocks(const struct policy_gate *gate)
{
    return runs_command(gate) && text_equal(gate->question.verb, "unlock");
}

/* What protected it when the run was asked for protects it from that run still: a gate never comes to ask for less by waiting. */
static bool is_kept_from(const struct policy_gate *gate)
{
    struct policy_question then = gate->question;

    then.now_ms = gate->run->created_at;
    return is_kept(&gate->question) || is_kept(&then);
}

/* Why a rollback may not go by itself; "" when it may. */
static const char *rollback_asks(const struct policy_gate *gate, struct arena *arena)
{
    const struct config_entry *entry = gate->question.entry;
    const struct run *run = gate->run;
    const long long gone = (long long)(run->destroys + run->replaces);

    if (!text_empty(gate->takes_older))
        return gate->takes_older;
    if (entry != NULL && run->touches_data && name_in_list(entry->rollback.ask_if, "data"))
        return "ask_if: data, and it would destroy or replace a resource that holds data";
    if (entry != NULL && gone > 0 && name_in_list(entry->rollback.ask_if, "destroys"))
        return arena_printf(arena, "ask_if: destroys, and it would destroy or replace %lld", gone);
    return "";
}

/* A destroy of what is not kept has its policy or its typed name; a rollback needs none where berth.yaml says so. */
static int approvals_needed(const struct policy_gate *gate, struct arena *arena)
{
    const struct config_entry *entry = gate->question.entry;
    const struct config_gate *rule = gate_of(gate);
    int needed = rule != NULL ? rule->approvals : 0;
    bool must;

    if (rolls_back(gate)) {
        must = !text_empty(rollback_asks(gate, arena));
        needed = entry != NULL && entry->rollback.gate_none ? 0 : needed;
    } else if (destroys(gate)) {
        must = is_kept_from(gate);
        needed = must ? needed : 0;
    } else if (runs_command(gate)) { /* nobody plans what it will do: somebody has to have seen it */
        must = true;
    } else {
        return needed;
    }
    return must && needed < 1 ? 1 : needed;
}

static const char *gate_source(const struct policy_gate *gate, struct arena *arena)
{
    const struct config_gate *rule = gate_of(gate);

    if (rule != NULL)
        return why_line(arena, gate->question.config, rule->line);
    return gate->question.entry != NULL ? why_line(arena, gate->question.config, gate->question.entry->line) : "";
}

/* A person of `by`, or an approver where `by` is empty. Where berth.yaml maps nobody the store belongs to one uid, which is its admin. */
static bool may_answer(const struct policy_gate *gate, const char *actor, const char *person, struct arena *arena)
{
    const struct config *config = gate->question.config;
    const struct config_gate *rule = gate_of(gate);
    int line;

    if (maps_nobody(config) && text_starts(actor, "uid:"))
        return true;
    if (rule != NULL && rule->by.count > 0)
        return person_in_list(config, person, rule->by);
    return role_of(&gate->question, person, false, arena, &line) >= ROLE_APPROVER;
}

static bool is_author(const struct policy_gate *gate, const char *actor, const char *person)
{
    const struct run *run = gate->run;

    return person_is_author(gate->question.config, run->authors, actor, person) ||
           (!text_empty(run->actor) && text_equal(run->actor, actor)) ||
           (!text_empty(run->person) && text_equal(run->person, person));
}

static bool not_author(const struct policy_gate *gate)
{
    const struct config_gate *rule = gate_of(gate);

    return rule != NULL && rule->not_author;
}

/* One person is one voice under all identities; whom berth.yaml does not know is counted by uid. */
static const char *voice(const struct approval *approval)
{
    return text_empty(approval->person) ? approval->actor : approval->person;
}

struct tally {
    VEC(const char *) voices;
    int other_digest, expired, authors, strangers; /* that did not count, and why */
    const struct approval *rejected;
};

static bool has_voice(const struct tally *tally, const char *name)
{
    for (size_t i = 0; i < tally->voices.count; i++) {
        if (text_equal(tally->voices.items[i], name))
            return true;
    }
    return false;
}

static void count_approval(struct tally *tally, const struct policy_gate *gate, const struct approval *approval,
                           const char *digest, struct arena *arena)
{
    if (text_empty(digest) || !text_equal(approval->digest, digest))
        tally->other_digest++;
    else if (approval->expires_at != 0 && approval->expires_at <= gate->question.now_ms)
        tally->expired++;
    else if (!may_answer(gate, approval->actor, approval->person, arena))
        tally->strangers++;
    else if (not_author(gate) && is_author(gate, approval->actor, approval->person))
        tally->authors++;
    else if (!has_voice(tally, voice(approval)))
        vec_push(&tally->voices, voice(approval));
}

/* Counts approvals of `digest`; what came before a clearing counts no more. */
static void count_approvals(struct tally *tally, const struct policy_gate *gate, const char *digest,
                            struct arena *arena)
{
    *tally = (struct tally){0};
    for (size_t i = 0; i < gate->approval_count; i++) {
        const struct approval *approval = gate->approvals[i];

        switch ((enum approval_verdict)approval->verdict) {
        case VERDICT_APPROVE: count_approval(tally, gate, approval, digest, arena); break;
        case VERDICT_REJECT:
            if (tally->rejected == NULL)
                tally->rejected = approval;
            break;
        case VERDICT_CLEARED: vec_clear(&tally->voices); break;
        case VERDICT_EXPIRED: break;
        }
    }
}

static const char *voices_text(const struct tally *tally, struct arena *arena)
{
    return names_text(arena, (struct name_list){tally->voices.items, tally->voices.count});
}

/* " (1 of another digest, 2 expired)", or "" when every approval counted. */
static const char *uncounted_text(const struct tally *tally, struct arena *arena)
{
    const struct {
        int count;
        const char *what;
    } parts[] = {{tally->other_digest, "of another digest"},
                 {tally->expired, "expired"},
                 {tally->authors, "by an author"},
                 {tally->strangers, "by somebody who may not"}};
    const char *text = "";

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].count > 0)
            text = arena_printf(arena, "%s%s%d %s", text, *text == '\0' ? " (not counted: " : ", ", parts[i].count,
                                parts[i].what);
    }
    return *text == '\0' ? "" : arena_printf(arena, "%s)", text);
}

static void add_approvals(struct why_builder *builder, const struct policy_gate *gate)
{
    struct arena *arena = builder->arena;
    const struct config_gate *rule = gate_of(gate);
    int needed = approvals_needed(gate, arena);
    const char *source = gate_source(gate, arena);
    const char *of =
        rule != NULL && rule->by.count > 0 ? arena_printf(arena, " of %s", names_text(arena, rule->by)) : "";
    struct tally tally;

    count_approvals(&tally, gate, gate->run->digest, arena);
    if (tally.rejected != NULL)
        why_add(builder, POLICY_NO, "approvals", source, "change what was refused and deploy again",
                "rejected by %s%s%s", voice(tally.rejected), text_empty(tally.rejected->reason) ? "" : ": ",
                text_empty(tally.rejected->reason) ? "" : tally.rejected->reason);
    else if (needed == 0)
        why_add(builder, POLICY_YES, "approvals", source, "", "no approval is asked for");
    else if ((int)tally.voices.count >= needed)
        why_add(builder, POLICY_YES, "approvals", source, "", "%d of %d approvals%s: %s", (int)tally.voices.count,
                needed, of, voices_text(&tally, arena));
    else
        why_add(builder, POLICY_WAIT, "approvals", source,
                needed > 1 && maps_nobody(gate->question.config)
                    ? "name people in berth.yaml: one uid never gives more than one approval"
                    : arena_printf(arena, "ask %s to approve: berth approve %s --digest %.12s",
                                   *of != '\0' ? of + 4 : "an approver", gate->run->id, gate->run->digest),
                "%d of %d approvals%s%s%s", (int)tally.voices.count, needed, of,
                not_author(gate) ? ", not an author" : "", uncounted_text(&tally, arena));
    vec_release(&tally.voices);
}

/* A commit of somebody who may not push: a person who may approve here must agree to that very commit, or to its plan. */
static void add_trust(struct why_builder *builder, const struct policy_gate *gate)
{
    struct arena *arena = builder->arena;
    struct tally commit, plan;

    if (!gate->run->untrusted)
        return;
    count_approvals(&commit, gate, gate->run->commit, arena);
    count_approvals(&plan, gate, gate->run->digest, arena);
    if (commit.voices.count + plan.voices.count > 0)
        why_add(builder, POLICY_YES, "trust", "", "", "agreed to by %s",
                voices_text(commit.voices.count > 0 ? &commit : &plan, arena));
    else
        why_add(builder, POLICY_WAIT, "trust", "",
                arena_printf(arena, "read the commit, then berth approve %s --digest %.12s", gate->run->id,
                             gate->run->commit),
                "the commit's author may not push here; a person must agree first");
    vec_release(&commit.voices);
    vec_release(&plan.voices);
}

/* Whoever asked for approvals, windows and checks is gone from berth.yaml: nothing asks any more is not that nothing is asked. */
static void add_entry(struct why_builder *builder, const struct policy_gate *gate)
{
    if (gate->question.entry == NULL && !destroys(gate))
        why_add(builder, POLICY_NO, "source", "",
                "put the entry back on the trusted ref, or cancel the run; what is there can be destroyed",
                "no entry of berth.yaml makes %s any more", gate->question.environment_name);
}

/* Says why it asks; the asking itself is the approvals'. */
static void add_rollback(struct why_builder *builder, const struct policy_gate *gate)
{
    struct arena *arena = builder->arena;
    const char *asks;
    struct tally tally;

    if (!rolls_back(gate) || text_empty(gate->run->digest))
        return;
    asks = rollback_asks(gate, arena);
    count_approvals(&tally, gate, gate->run->digest, arena);
    if (text_empty(asks))
        why_add(builder, POLICY_YES, "rollback", gate_source(gate, arena), "", "it takes nothing away that must stay");
    else if (tally.voices.count > 0)
        why_add(builder, POLICY_YES, "rollback", gate_source(gate, arena), "", "agreed to: %s", asks);
    else
        why_add(builder, POLICY_WAIT, "rollback", gate_source(gate, arena),
                arena_printf(arena, "look at what it destroys, then berth approve %s --digest %.12s", gate->run->id,
                             gate->run->digest),
                "%s", asks);
    vec_release(&tally.voices);
}

/* What a destroy by itself says of its environment's end must be so until something is touched. */
static void add_end(struct why_builder *builder, const struct policy_gate *gate)
{
    const struct why *end = policy_gate_end(gate, builder->arena);

    if (end != NULL)
        why_add_node(builder, end);
}

static void add_digest(struct why_builder *builder, const struct policy_gate *gate)
{
    if (text_empty(gate->run->digest))
        why_add(builder, POLICY_WAIT, "digest", "", "wait for the plan", "nothing is planned yet");
    else if (!gate->base_holds)
        why_add(builder, POLICY_NO, "digest", "", "it plans again; look at the new plan",
                "what the plan stood on has moved since");
    else
        why_add(builder, POLICY_YES, "digest", "", "", "plan %.12s stands", gate->run->digest);
}

static void add_expiry(struct why_builder *builder, const struct policy_gate *gate)
{
    int64_t expires = gate->run->gate_expires_at;

    if (expires == 0)
        return;
    if (expires <= gate->question.now_ms)
        why_add(builder, POLICY_NO, "gate", gate_source(gate, builder->arena), "deploy again for a fresh plan",
                "the gate expired at %s", instant_text(builder->arena, expires));
    else
        why_add(builder, POLICY_YES, "gate", gate_source(gate, builder->arena), "", "open for answers until %s",
                instant_text(builder->arena, expires));
}

/* The windows that bind this run; none for a rollback that may ignore them. */
static const struct config_gate *windows_of(const struct policy_gate *gate)
{
    const struct config_gate *rule = gate_of(gate);

    if (rule == NULL || rule->window_count == 0 || only_unlocks(gate) ||
        (rolls_back(gate) && gate->question.entry->rollback.ignore_windows))
        return NULL;
    return rule;
}

/* The next instant at which one of them is open (now when one is), 0 never. */
static int64_t next_opening(const struct config_gate *rule, int64_t now_ms)
{
    int64_t next = 0;

    for (size_t i = 0; i < rule->window_count; i++) {
        int64_t opens = window_next_open(rule->windows[i], now_ms);

        if (opens != 0 && (next == 0 || opens < next))
            next = opens;
    }
    return next;
}

static void add_window(struct why_builder *builder, const struct policy_gate *gate)
{
    struct arena *arena = builder->arena;
    const struct config_gate *rule = windows_of(gate);
    int64_t now = gate->question.now_ms, next;
    const char *text = "";

    if (rule == NULL)
        return;
    for (size_t i = 0; i < rule->window_count; i++)
        text = arena_printf(arena, "%s%s%s", text, i > 0 ? ", " : "", window_text(rule->windows[i]));
    next = next_opening(rule, now);
    if (next == now)
        why_add(builder, POLICY_YES, "window", gate_source(gate, arena), "", "open: %s", text);
    else
        why_add(builder, POLICY_WAIT, "window", gate_source(gate, arena),
                next == 0 ? "change the windows in berth.yaml"
                          : arena_printf(arena, "wait until %s", instant_text(arena, next)),
                "closed: %s", text);
}

/* Facts that only a forge knows: unknown is never taken for yes. */
static void add_forge(struct why_builder *builder, const struct policy_gate *gate)
{
    const struct config_gate *rule = gate_of(gate);
    const struct config_entry *entry = gate->question.entry;
    struct arena *arena = builder->arena;

    if (destroys(gate) || rolls_back(gate) || runs_command(gate))
        return;
    if (rule != NULL && rule->require.count > 0)
        why_add(builder, POLICY_WAIT, "gate", gate_source(gate, arena),
                "this repository's provider must tell pull requests", "not known here: %s",
                names_text(arena, rule->require));
    if (entry != NULL && entry->require_checks.count > 0)
        why_add(builder, POLICY_WAIT, "gate", gate_source(gate, arena), "this repository's provider must tell checks",
                "not known here: checks %s", names_text(arena, entry->require_checks));
}

static void add_lock(struct why_builder *builder, const struct policy_gate *gate)
{
    if (gate->lock_free)
        why_add(builder, POLICY_YES, "lock", "", "", "nobody else changes it");
    else
        why_add(builder, POLICY_WAIT, "lock", arena_printf(builder->arena, "run %s", gate->lock_holder),
                "wait until that run ended, or cancel it", "run %s changes it now", gate->lock_holder);
}

const struct why *policy_gate_end(const struct policy_gate *gate, struct arena *arena)
{
    const int origin = gate->run->origin;

    return destroys(gate) && gate->run->applying_at == 0 && (origin == ORIGIN_TTL || origin == ORIGIN_CLEANER)
               ? policy_end(&gate->question, arena)
               : NULL;
}

const struct why *policy_gate(const struct policy_gate *gate, struct arena *arena)
{
    struct why_builder builder;

    why_begin(&builder, WHY_ALL, arena);
    if (gate->question.config == NULL) {
        why_add(&builder, POLICY_WAIT, "trust", "", "berth doctor says what is wrong with berth.yaml",
                "no berth.yaml of the trusted ref has been read");
        return why_finish(&builder, "gate", "");
    }
    add_entry(&builder, gate);
    add_end(&builder, gate);
    add_trust(&builder, gate);
    add_digest(&builder, gate);
    add_rollback(&builder, gate);
    add_approvals(&builder, gate);
    add_expiry(&builder, gate);
    add_forge(&builder, gate);
    add_window(&builder, gate);
    if (!only_unlocks(gate)) {
        add_holds(&builder, &gate->question, POLICY_WAIT);
        add_freezes(&builder, &gate->question, POLICY_WAIT);
    }
    add_lock(&builder, gate);
    return why_finish(&builder, "gate", arena_printf(arena, "run %s", gate->run->id));
}

static void add_answerer(struct why_builder *builder, const struct policy_gate *gate, const char *actor,
                         const char *person, bool owner)
{
    struct arena *arena = builder->arena;
    const struct config_gate *rule = gate_of(gate);
    const char *who = who_text(actor, person);
    bool embedded = maps_nobody(gate->question.config);
    bool yes = embedded ? owner : may_answer(gate, actor, person, arena);
    const char *source = gate_source(gate, arena);

    if (yes)
        why_add(builder, POLICY_YES, "role", source, "", "%s may answer this gate%s", who,
                embedded ? ": owns this store" : "");
    else if (rule != NULL && rule->by.count > 0)
        why_add(builder, POLICY_NO, "role", source, arena_printf(arena, "ask %s", names_text(arena, rule->by)),
                "%s is not of %s", who, names_text(arena, rule->by));
    else
        why_add(builder, POLICY_NO, "role", source, "ask somebody who is approver here", "%s is not approver here",
                who);
}

const struct why *policy_may_approve(const struct policy_gate *gate, const char *actor, const char *person, bool owner,
                                     const char *digest, struct arena *arena)
{
    const struct run *run = gate->run;
    struct why_builder builder;
    const char *wanted = text_empty(run->digest) && run->untrusted ? run->commit : run->digest;

    why_begin(&builder, WHY_ALL, arena);
    if (gate->question.config == NULL) {
        why_add(&builder, POLICY_NO, "trust", "", "berth doctor says what is wrong with berth.yaml",
                "no berth.yaml of the trusted ref has been read");
        return why_finish(&builder, "approve", "");
    }
    add_answerer(&builder, gate, actor, person, owner);
    if (not_author(gate)) {
        bool author = is_author(gate, actor, person);

        why_add(&builder, author ? POLICY_NO : POLICY_YES, "not_author", gate_source(gate, arena),
                author ? "ask somebody who neither wrote, pushed nor started it" : "",
                "%s is %san author or starter of it", who_text(actor, person), author ? "" : "not ");
    }
    if (text_empty(wanted))
        why_add(&builder, POLICY_NO, "digest", "", "wait for the plan", "nothing is planned yet");
    else if (text_empty(digest))
        why_add(&builder, POLICY_NO, "digest", "", arena_printf(arena, "look at the plan, then --digest %s", wanted),
                "an approval names the digest of what was seen");
    else
        why_add(&builder, text_equal(digest, wanted) ? POLICY_YES : POLICY_NO, "digest", "",
                text_equal(digest, wanted) ? "" : "look at the plan as it is now", "%.12s %s", digest,
                text_equal(digest, wanted) ? "is the plan that waits"
                                           : arena_printf(arena, "is not the plan that waits: %.12s", wanted));
    if (run->gate_expires_at != 0)
        add_expiry(&builder, gate);
    return why_finish(&builder, "approve", arena_printf(arena, "run %s", run->id));
}

static void keep_earliest(int64_t *next, int64_t at, int64_t now_ms)
{
    if (at > now_ms && (*next == 0 || at < *next))
        *next = at;
}

int64_t policy_gate_next(const struct policy_gate *gate)
{
    const int64_t now = gate->question.now_ms;
    const struct config_gate *rule = windows_of(gate);
    int64_t next = 0;

    keep_earliest(&next, gate->run->gate_expires_at, now);
    keep_earliest(&next, blocks_end(&gate->question), now);
    if (rule != NULL) {
        for (size_t i = 0; i < rule->window_count; i++) {
            keep_earliest(&next, window_next_open(rule->windows[i], now), now);
            keep_earliest(&next, window_closes(rule->windows[i], now), now);
        }
    }
    for (size_t i = 0; i < gate->approval_count; i++)
        keep_earliest(&next, gate->approvals[i]->expires_at, now);
    return next;
}
