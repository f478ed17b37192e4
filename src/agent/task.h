/* SPDX-License-Identifier: ISC */
/*
 * What a worker is given to do: one attempt at one step, with all that it needs from the rows. Written by the supervisor (task_write) from the
 * store, read by the worker (task_read). The worker never opens the store.
 *
 * Packed rows, since both sides are one program: step, run, environment, branch, each after a byte that says whether it is there; the rest is JSON:
 * {"outputs": {"ADDRESS": {…}}, "givers": {"ADDRESS": row}, "approved": [changes]}, what of it there is.
 */
#ifndef AGENT_TASK_H
#define AGENT_TASK_H

#include "berth/base/memory.h"
#include "berth/model/environment.h"
#include "berth/model/run.h"

#include <jansson.h>

struct engine_facts;
struct store;
struct str;

struct task {
    struct step step;
    struct run run; /* the columns a worker needs; others are zero */
    struct environment environment;
    bool has_environment;
    struct branch branch;
    bool has_branch;
    json_t *spec; /* of the step: {"wanted","recorded",…}, see model/result.h; owned */
    json_t *
        outputs; /* object: address -> object of outputs already known, a sensitive one as {"sensitive": mark}; NULL: the spec names none; owned */
    json_t *givers; /* object: address -> row of each resource that gives a sensitive output; NULL: none; owned */
    json_t *
        approved; /* of what an executor plans again after an interruption: the changes that were approved; NULL: it does not; owned */
};

/* Appends a claimed step of the facts' run. Reads what is missing from the store. */
bool task_write(struct store *store, const struct engine_facts *facts, const struct step *step, struct str *out,
                struct error *error) BERTH_MUST_CHECK;
/* The reverse; text lives in the arena. task_release drops the JSON. */
bool task_read(const char *bytes, size_t count, struct arena *arena, struct task *task,
               struct error *error) BERTH_MUST_CHECK;
void task_release(struct task *task);
/* The value that a path "resource.ADDRESS.outputs.KEY" names, where it is known; borrowed, NULL else. */
const json_t *task_output(const struct task *task, const char *path);

#endif
