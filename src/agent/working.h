/* SPDX-License-Identifier: ISC */
/* One resource being worked on in one attempt: its rows, its executor, and what it is made of with everything resolved. */
#ifndef AGENT_WORKING_H
#define AGENT_WORKING_H

#include "agent/worker.h"

#include "berth/model/result.h"

struct working {
    struct attempt *attempt;
    struct wanted_resource wanted;
    struct resource recorded;
    bool has_wanted, has_recorded, deferred; /* deferred: an output that it uses is not known yet */
    bool was_deferred;                       /* when it was approved */
    json_t *spec;                            /* resolved; owned */
    json_t *variables;                       /* owned */
    const struct provider *provider;
    struct provider_context context, runner_context;
    struct executor_task task;
};
/* Reads the rows of the attempt's task, lays out the tree, finds executor and runner. Begins zeroed; close it in either case. */
bool working_open(struct working *working, struct attempt *attempt, struct error *error) BERTH_MUST_CHECK;
/* The executor's own keys with secrets and outputs resolved, known to the redactor; the task is whole from then on. What goes away, or has only a command run
 * on it, is as recorded. */
bool working_resolve(struct working *working, struct error *error) BERTH_MUST_CHECK;
void working_close(struct working *working);

#endif
