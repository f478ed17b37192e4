/* SPDX-License-Identifier: ISC */
/*
 * Rows that say what is done: runs, steps, plans, approvals. A run is one execution of a workflow on one environment; a
 * step is one resource's part of one phase of a run. Conventions of record.h.
 */
#ifndef BERTH_MODEL_RUN_H
#define BERTH_MODEL_RUN_H

#include "berth/model/record.h"
#include "berth/model/words.h"

struct run {
    const char *id; /* decimal number, "17" */
    int64_t number;
    const char *environment, *environment_name; /* environment may be "" until prepare made it */
    const char *entry;                          /* berth.yaml entry */
    int workflow, status;                       /* enum workflow, enum run_status */
    const char *status_reason;                  /* what it waits for, or why it ended */
    int origin;                                 /* enum run_origin */
    const char *command, *actor, *person, *via, *reason;
    const char *repository, *ref, *commit, *subject;
    const char *sources; /* JSON: [{"repository","ref","commit"}] */
    const char *inputs;  /* JSON object */
    const char *with;    /* JSON object: --with */
    const char *authors; /* JSON list of persons and unmapped identities: author, committer, pusher, starter */
    const char *wanted;  /* JSON: what prepare returned (see result.h) */
    const char *base;    /* JSON: release, revisions of recorded resources the plan stood on */
    const char *digest;  /* of the whole plan, "" until planned */
    const char *gate;    /* JSON: the why-tree as last evaluated */
    int64_t creates, updates, replaces, destroys, deferred; /* of the plan */
    bool touches_data;
    int64_t created_at, started_at, gate_at, gate_expires_at, approved_at, applying_at, ended_at;
    int on_failure;        /* enum failure_answer */
    const char *cancel_by; /* who asked to cancel, "" nobody */
    bool untrusted;        /* the commit's author may not push: nothing is done until a person agrees */
    const char *parent;    /* the run whose failure or destroy started this one */
    const char *superseded_by;
    const char *
        settings; /* JSON object: every value that its inputs and parameters had (see prepare_result). Of a roll-back: what its release had */
    const char *approved_digest; /* of the plan that was approved before it was made again (approved_plans), "" never */
    int64_t ttl_ms;
    int64_t pull_request;
    const char *policy_commit;
    const char *log_folder; /* below the store's logs/ */
    int64_t epoch;
    int64_t revision;
};
struct step {
    const char *id; /* RUN.PHASE.ADDRESS: "17.apply.server[1]" */
    const char *run, *environment;
    int phase, status; /* enum step_phase, enum step_status */
    const char *status_reason;
    const char *address, *template, *executor, *runner, *target, *pool;
    const char *needs;  /* JSON list of step ids */
    const char *spec;   /* JSON: what to do, see result.h */
    const char *result; /* JSON, once ended */
    int64_t position;
    int64_t attempt, attempts; /* this one from 1, allowed */
    int64_t backoff_ms, timeout_ms;
    bool repeatable; /* declared `retries`: an interrupted one may run again without asking */
    int64_t ready_at, not_before_at, started_at, ended_at;
    int64_t epoch;             /* of the supervisor that claimed it */
    int64_t worker;            /* pid, 0 none; quiet */
    const char *token;         /* of this attempt: fences results, marks the tool's processes */
    int64_t exit_status;       /* of the tool, -1 none */
    int64_t progress;          /* percent, -1 unknown; quiet */
    const char *progress_text; /* quiet */
    int64_t log_bytes;         /* quiet */
    int64_t revision;
};
/* Into the order in which a person reads a run: by phase (prepare, plan, apply …), then by position. An index gives them by position and id. */
void steps_sort(struct step *steps, size_t count);

/* Its backoff is not over. Where it began later than now the clock went back, and nobody knows how much of the wait is left: none. */
static inline bool step_backs_off(const struct step *step, int64_t now_ms)
{
    return step->not_before_at > now_ms && step->ready_at <= now_ms;
}
/* one resource's part of a run's plan */
struct plan {
    const char *id; /* RUN/ADDRESS */
    const char *run, *environment, *address, *template, *executor;
    int action;          /* enum plan_action */
    const char *summary; /* "runs ./scripts/server up" */
    const char *reason;  /* why it changes: "its commit changed", "vanished from the template" */
    const char *changes; /* JSON list: [{"path","before","after","sensitive","action"}] */
    const char *needs;   /* JSON list of addresses */
    const char *spec;    /* JSON: for apply */
    const char *digest;  /* of this part */
    const char *text;    /* the tool's own words: a path below the run's folder, or "" */
    const char *artifact;
    bool data;
    int64_t position;
    int64_t created_at;
    int64_t revision;
};
/* One resource's part of the plan that a run had been approved for when it was made again: as it was then, for whoever is asked again. It stays with its run. A
 * row is of that plan while `whole` is the run's approved_digest. */
struct approved_plan {
    const char *id; /* RUN/ADDRESS */
    const char *run, *whole, *address, *template, *executor;
    int action; /* enum plan_action */
    const char *summary, *reason, *changes, *digest;
    bool data;
    int64_t position;
    int64_t created_at;
    int64_t revision;
};
struct approval {
    const char *id; /* ULID */
    const char *run, *environment, *digest;
    int verdict; /* enum approval_verdict */
    const char *actor, *person, *via, *reason;
    int64_t at, expires_at;
    int64_t revision;
};

/* Tables and the indexes that store_query.index names (each orders by its last column, then by id):
 *   runs       number (number) · environment (environment, number) · environment_name (environment_name, number) ·
 *              status (status, number) · parent (parent, number) · open (environment_name, status, number) ·
 *              applied (environment, applying_at)
 *   steps      run (run, position) · status (status, ready_at)
 *   plans      run (run, position)
 *   approvals  run (run, at) · environment (environment, at)
 *   approved_plans  run (run, position) */
extern const struct record_type run_type, step_type, plan_type, approval_type, approved_plan_type;

#endif
