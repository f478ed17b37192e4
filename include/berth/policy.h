/* SPDX-License-Identifier: ISC */
/*
 * Policy: may this actor do this verb to this environment now, and if not, why not. Evaluated as a tree of named rules, each with the
 * source line it comes from and what to do next. Pure: configuration, rows and an instant in, a tree out. The same tree is
 * the greyed key, `berth why`, the refusal of a command and the audit record of a denied attempt.
 */
#ifndef BERTH_POLICY_H
#define BERTH_POLICY_H

#include "berth/base/memory.h"
#include "berth/model/words.h"

#include <jansson.h>
#include <stdint.h>

struct config;
struct config_entry;
struct environment;
struct run;
struct approval;
struct branch;
struct hold;
struct freeze;
struct release;
struct repository;

enum verdict { POLICY_YES, POLICY_WAIT, POLICY_NO }; /* WAIT: not yet; nothing is wrong (an approval, a window) */

/* --- who ----------------------------------------------------------------------------------------------------- */
/* The person behind an identity, or "" (an unmapped identity is nobody): "uid:1000" by the user's login name, an e-mail address,
 * "github:NAME", "token:ci" and "trigger:push" name themselves. uid → login is looked up by the caller: `login` may be "". */
const char *policy_person(const struct config *config, const char *identity, const char *login);
bool policy_in_group(const struct config *config, const char *person, const char *group);
/* The highest role on an environment, by tier, name and tags. Embedded mode: the uid that owns the store is admin where berth.yaml maps nobody
 * (POLICY_OWNER). `line` gets the access rule's. */
enum role policy_role(const struct config *config, const char *person, enum tier tier, const char *environment,
                      const char *tags_json, int *line);

/* --- the tree -------------------------------------------------------------------------------------------------- */
enum why_kind { WHY_ALL, WHY_ANY, WHY_RULE };
struct why {
    enum why_kind kind;
    enum verdict verdict;
    const char *
        rule; /* role, access, tier, source, gate, approvals, not_author, window, hold, freeze, lock, digest, protected, confirm,
                           limit, soak, drift, trust, state */
    const char *reason; /* "alice may deploy here: admin", "0 of 2 approvals of ops" */
    const char *source; /* "berth.yaml:32", "hold 01J…", or "" */
    const char *next;   /* what to do: "ask bob to approve, or wait until 09:00", or "" */
    const struct why *const *children;
    size_t count;
};
json_t *why_to_json(const struct why *why) BERTH_MUST_CHECK;
const struct why *why_from_json(const json_t *json, struct arena *arena);
/* An indented text, one rule a line: "yes"/"wait"/"NO" first. */
struct str;
void why_text(const struct why *why, struct str *out);
/* The first rule that says NO (else the first WAIT), for one-line messages; NULL when all say yes. */
const struct why *why_first(const struct why *why);

/* --- may it start ---------------------------------------------------------------------------------------------- */
enum policy_flag {
    POLICY_DEPLOYS = 1 << 0, /* brings a commit there */
    POLICY_DESTROYS = 1 << 1,
    POLICY_CONFIRMED = 1 << 2, /* a typed confirmation that names it came with the command */
    POLICY_BY_ITSELF = 1 << 3, /* a trigger, TTL, schedule: no person asked */
    POLICY_READS = 1 << 4,     /* changes nothing */
    POLICY_ANSWERS_GATE = 1 << 5,
    POLICY_CANCELS = 1 << 6,
    POLICY_OWNER = 1 << 7, /* the actor is the uid that owns the store (embedded mode) */
    POLICY_ALTERS =
        1 << 9, /* changes what is there, but brings no commit and takes nothing away: an operator's command */
    POLICY_TO_CONFIRM =
        1 << 8, /* nobody is asked yet: the name is typed, and what is kept approved, when the time comes */
};
struct policy_question {
    const struct config *config;
    const struct config_entry *entry;      /* may be NULL: the entry vanished from berth.yaml */
    const struct environment *environment; /* may be NULL: never deployed */
    const char *environment_name;
    enum tier tier;
    const char *verb;
    enum role role; /* the verb's */
    unsigned flags; /* enum policy_flag */
    const char *actor, *person;
    int trigger;                     /* enum trigger bit when BY_ITSELF, else 0 */
    const char *commit, *ref_kind;   /* branch, tag, commit; "" unknown */
    const struct hold *const *holds; /* of the environment */
    size_t hold_count;
    const struct freeze *const *freezes; /* rows and the configuration's */
    size_t freeze_count;
    int64_t now_ms;
    /* Of a destroy that no person asked for: which end of the environment it says has come, and what that is judged by. */
    int origin;                          /* enum run_origin */
    int64_t asked_at;                    /* when the end was found to have come; 0: now */
    const struct branch *branch;         /* the environment's; NULL: not known */
    const struct repository *repository; /* of that branch, once listed by who serves now; NULL: not yet */
    const char *fed_by;                  /* another branch that brings commits to it, "" or NULL: none is known */
};
/* YES: it may start. A destroy by a person needs POLICY_CONFIRMED: whoever asks before the name was typed (a greyed key, `berth why`) sets it. Freezes of
 * the configuration are looked at here too, unless a row "config:NAME" tells them. */
const struct why *policy_may(const struct policy_question *question, struct arena *arena) BERTH_MUST_CHECK;

/* --- is there anything to act on -------------------------------------------------------------------------------- */
/* What a verb needs besides leave: `berth why` and the command's refusal ask the same functions. A node is a rule "state" that says NO, with the sentence
 * that the command is answered with; NULL: there is something. approve, reject, cancel, retry and undo want a run that is so far; any other verb any. */
bool policy_run_takes(const struct run *run, const char *verb);
const struct why *policy_run_state(const struct run *run, const char *verb, struct arena *arena) BERTH_MUST_CHECK;
/* Where a rollback that names no release goes: the release the environment has where something else is there now, else the newest good one before it
 * that is not the same once more; or NULL. `releases` newest first. */
const struct release *policy_release_meant(const struct environment *environment, const struct release *const *releases,
                                           size_t count);
/* Of a rollback that names no release. */
const struct why *policy_rollback_state(const struct environment *environment, const struct release *const *releases,
                                        size_t count, struct arena *arena) BERTH_MUST_CHECK;
const struct why *policy_extend_state(const struct environment *environment, struct arena *arena) BERTH_MUST_CHECK;
/* Of a rollback to a release that is named: it must not be what is there now. */
const struct why *policy_release_state(const struct environment *environment, const struct release *release,
                                       struct arena *arena) BERTH_MUST_CHECK;
/* Of a verb that is about what was deployed: there must be an environment, and not a destroyed one. */
const struct why *policy_there_state(const struct environment *environment, const char *name, const char *verb,
                                     struct arena *arena) BERTH_MUST_CHECK;

/* --- may I, and what will I be asked ---------------------------------------------------------------------------- */
/* For whoever has not asked yet: the greyed key, the preview, `berth why`, --dry-run. Leave and state in one tree, in the order in
 * which the command is refused; the name of a destroy that nobody typed yet is told as what will be asked. */
struct policy_about {
    const struct run *run; /* of a verb about a run; its digest matters where the verb answers a gate */
    const struct approval *const *approvals; /* of that run, oldest first */
    size_t approval_count;
    const struct release *const *releases; /* of the environment, newest first, for a rollback; NULL: not known */
    size_t release_count;
    const struct release *to; /* that the rollback names; NULL: none is named */
    const struct run *active; /* at work, of a verb that starts a run: what it may have to wait for */
    size_t active_count;
    bool names_ref;         /* says which commit: it need not be of the environment's own branch */
    bool needs_environment; /* the verb is about what is there, not about what it makes */
};
const struct why *policy_ask(const struct policy_question *question, const struct policy_about *about,
                             struct arena *arena) BERTH_MUST_CHECK;

/* A person protects its environment now: by its row, or by a hold of kind "protect" that has not run out. What berth.yaml calls permanent is not meant. */
bool policy_is_protected(const struct policy_question *question) BERTH_MUST_CHECK;

/* Whether what a destroy by itself says is so, and still is: its life was over when it was asked for, its branch is gone (missed by whole listings for the
 * grace and longer, nobody else feeds it), a failure is answered so. WAIT: nobody can tell now. One rule; NO says what calls it back. */
const struct why *policy_end(const struct policy_question *question, struct arena *arena) BERTH_MUST_CHECK;

/* --- does the gate open ------------------------------------------------------------------------------------------ */
struct policy_gate {
    struct policy_question question;         /* verb, entry, environment, actor = the run's */
    const struct run *run;                   /* digest, authors, workflow, counts, expiry */
    const struct approval *const *approvals; /* of the run, all verdicts, oldest first */
    size_t approval_count;
    bool lock_free; /* nobody else holds the environment's lock */
    const char *lock_holder;
    bool base_holds; /* what the plan stood on is still so (checked under the lock) */
    const char *
        takes_older; /* of an automatic rollback: what it would destroy that the failed run did not create, "" nothing */
};
/* YES: apply may start. WAIT: approvals, window, lock. NO: rejected, expired, digest moved: the run ends or plans again; rule says which.
 * An approval counts when it is by a person of `by` (role approver where `by` is empty), names run->digest, is not expired, not an author when
 * not_author; each person once. Destroy of a permanent or protected environment needs at least one
 * approval besides the typed confirmation; of any other none. What only a forge knows (require, checks) waits while it is not known. A run that
 * is `untrusted` also waits for an approval of its commit (digest: the commit) or of its plan. A rollback goes by itself where berth.yaml says
 * `rollback: { gate: none }`, but for what `ask_if` names and for what was there before the run that failed: then it wants one approval at least. */
const struct why *policy_gate(const struct policy_gate *gate, struct arena *arena) BERTH_MUST_CHECK;
/* policy_end of a run that destroys because a life ended or a branch went, while it has touched nothing; of any other NULL. NO: it is called back. */
const struct why *policy_gate_end(const struct policy_gate *gate, struct arena *arena) BERTH_MUST_CHECK;
/* May this person's answer be taken: role, group, not author, digest equals the run's. */
const struct why *policy_may_approve(const struct policy_gate *gate, const char *actor, const char *person, bool owner,
                                     const char *digest, struct arena *arena) BERTH_MUST_CHECK;
/* The instant at which a WAIT may turn by time alone (window opens, approval or gate expires, freeze ends), or 0. */
int64_t policy_gate_next(const struct policy_gate *gate);

/* --- what a template may use -------------------------------------------------------------------------------------- */
/* An environment that no entry speaks of any more may use nothing: only what is recorded there may be destroyed. */
bool policy_executor_allowed(const struct config_entry *entry, const char *executor);
/* `path` is "env.HOOK", "vault.github/token" (without "secret."). Without allow: all, but none in review and ephemeral tiers. */
bool policy_secret_allowed(const struct config_entry *entry, const char *path);

#endif
