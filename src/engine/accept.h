/* SPDX-License-Identifier: ISC */
/* A command being answered: who asks for what, what policy says, and the one answer it gets. */
#ifndef ENGINE_ACCEPT_H
#define ENGINE_ACCEPT_H

#include "engine/turn.h"

struct verb;

/* What the subject of a command means. */
struct subject {
    const char *environment;          /* its name, or "" */
    const struct config_entry *entry; /* or NULL */
    const char *refusal, *next;       /* why it means nothing, "" when it does */
    bool by_branch;                   /* it is the branch, and the environment the one that the branch makes */
};
/* `environment` and `branch` (either may be NULL) are what is stored under the subject's name. */
void subject_resolve(const struct config *config, const struct command *command, const struct environment *environment,
                     const struct branch *branch, struct arena *arena, struct subject *subject);
/* The arguments' `with` as an object of texts: {"key": "value"}, from an object or a list of "key=value". New reference. */
json_t *subject_pairs(const struct command *command);
bool subject_is_run(const char *verb);

/* Which ref a deploy or plan of an environment is about. An environment that branches make takes a branch that makes just it, or a tag or commit of
 * that branch: `ref` is then the branch and `commit` the other. Any other entry takes what is asked for, as far as its `refs` allow. */
struct ref_wish {
    const struct config *config;
    const struct command *command;
    const struct environment *environment; /* or NULL: none yet */
    const char *name;                      /* the environment's */
    const struct branch *branch;           /* the one that is the subject, or the ref; or NULL */
    const struct branch *ref_branch;       /* the one that is the ref, or NULL */
    bool by_branch;                        /* the subject is that branch */
    const char *ref, *commit;              /* out; "" none */
    const char *refusal, *next;            /* out: why not, "" when it may */
};
bool subject_ref(struct ref_wish *wish, const struct config_entry *entry, const char *asked, struct arena *arena);

struct request {
    struct engine_turn *turn;
    const struct command *command;
    const struct verb *verb;
    json_t *arguments; /* object, never NULL */
    const char *person;
    bool owner;
    const char *line; /* what an operator wants run, as one would type it; NULL: nothing */
    struct subject subject;
    struct policy_question question;
};

/* The one answer: the command's row and the audit entry. A dry run was only looked at: say what would be. */
void answer_done(struct request *request, enum command_status status, const char *run, const struct why *why,
                 const char *message);
void answer_refused(struct request *request, enum error_code code, const struct why *why, const char *message,
                    const char *next);
/* Policy's answer to the question; false: refused already. */
bool policy_allows(struct request *request, const struct why **why);
/* Whose doing a command is (enum run_origin), and the trigger bit of a machine. */
int origin_of(const struct command *command, int *trigger);
const char *argument_text(const struct request *request, const char *name);
/* An instant of an argument: RFC 3339, or a duration from now; 0 when it is not given. False: refused already. */
bool argument_until(struct request *request, const char *name, int64_t *until);
bool argument_duration(struct request *request, const char *name, int64_t *ms);

/* What a run would be about. */
struct wish {
    const char *repository, *ref, *commit, *inputs, *with,
        *settings; /* `settings` of a roll-back, "" or NULL: not known yet */
    int64_t ttl_ms, pull_request;
};
struct run *new_run(struct request *request, int workflow, const struct wish *wish);
/* Answers, and begins the run unless it is a dry one. `what` is asked for: "deploy dev". */
/* What is refused beyond life_latest, and until when it may live. */
const char *life_latest_text(const struct engine_turn *turn, const struct config_entry *entry, const char *name,
                             int64_t latest_ms);
void begin_run(struct request *request, struct run *run, const struct why *why, const char *what);
/* Whether what the command names is an environment, or can be one; else it is answered as not found. */
bool is_named(struct request *request);
/* Whether something was deployed there; else the command is a conflict that says so. "absent" with something recorded is what a first deploy that failed
 * left. */
bool is_there(struct request *request, const struct why *why);

typedef void accept_verb(struct request *request);
accept_verb accept_deploy, accept_plan, accept_rollback, accept_destroy;             /* begin.c */
accept_verb accept_exec, accept_unlock;                                              /* exec.c */
accept_verb accept_approve, accept_reject, accept_cancel, accept_undo, accept_retry; /* answer.c */
accept_verb accept_extend, accept_hold, accept_unhold, accept_protect, accept_unprotect, accept_freeze, accept_unfreeze,
    accept_stop_all, accept_resume_all; /* order.c */

#endif
