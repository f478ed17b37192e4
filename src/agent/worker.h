/* SPDX-License-Identifier: ISC */
/*
 * A worker: one step at a time, blocking, reused until it has held a secret. It keeps a result until the supervisor says that it is
 * stored; if the supervisor is gone it finishes the step, leaves the result in the run's folder and ends.
 */
#ifndef AGENT_WORKER_H
#define AGENT_WORKER_H

#include "agent/marker.h"
#include "agent/setup.h"
#include "agent/task.h"
#include "berth/base/str.h"
#include "berth/provider.h"
#include "berth/store_log.h"

struct worker {
    struct setup setup;
    struct redactor *redactor;
    struct marker self;
    struct marker_file placed;   /* its last marker */
    struct run_log log;          /* of the run it last did a step of */
    bool held_secrets, orphaned; /* orphaned: the supervisor's end of the socket is closed */
};
/* The worker's process; returns its exit status. */
int worker_main(const struct agent_options *options);

/* One attempt at one step. */
struct attempt {
    struct worker *worker;
    struct task *task;
    struct arena *arena;
    const struct config_entry *entry; /* or NULL */
    char *run_folder;
    int64_t progress_at_ms; /* monotonic, of the last one sent */
    struct provider_context context;
    json_t *rest;  /* of a phase that fails: what its result knows all the same; of ERROR_WAITING the new plan; owned */
    json_t *parts; /* inner parts that came along since the supervisor was last told; owned */
    int64_t inner_at_ms; /* monotonic: so much of the time has been used to tell of them */
};

/* The phases. Each gives the body of the result (new reference) or NULL with the error. */
json_t *worker_prepare(struct attempt *attempt, struct error *error) BERTH_MUST_CHECK;
json_t *worker_plan(struct attempt *attempt, struct error *error) BERTH_MUST_CHECK;
json_t *worker_apply(struct attempt *attempt, struct error *error) BERTH_MUST_CHECK;
json_t *worker_destroy(struct attempt *attempt, struct error *error) BERTH_MUST_CHECK;
json_t *worker_check(struct attempt *attempt, struct error *error) BERTH_MUST_CHECK;
/* Of an operator's command, or of a lock to be released: what it would be, and the thing itself. */
json_t *worker_exec_plan(struct attempt *attempt, struct error *error) BERTH_MUST_CHECK;
json_t *worker_exec(struct attempt *attempt, struct error *error) BERTH_MUST_CHECK;

/* Whether the policy as it is now lets the environment's templates use an executor. ERROR_DENIED says where it does not. */
bool worker_may_use(const struct attempt *attempt, const char *address, const char *executor,
                    struct error *error) BERTH_MUST_CHECK;
/* Pins a commit for as long as the attempt's run needs it. */
bool worker_pin(const struct attempt *attempt, const struct provider *provider, const struct provider_context *context,
                const char *repository, const char *commit, struct error *error) BERTH_MUST_CHECK;
/* The folder of a commit's exported tree in the run's folder, exported when it is not there yet. In the arena. */
const char *worker_tree(struct attempt *attempt, const char *repository, const char *commit,
                        struct error *error) BERTH_MUST_CHECK;
/* A context like the attempt's with another section. */
struct provider_context worker_context(const struct attempt *attempt, const struct config_section *section);

#endif
