/* SPDX-License-Identifier: ISC */
/* The tables of what is done: runs, their steps, plans and approvals. */
#include "berth/model/run.h"

#include <stdlib.h>

#include "model/columns.h"

static const struct column run_columns[] = {
    TEXT(run, id),
    INT(run, number),
    TEXT(run, environment),
    TEXT(run, environment_name),
    TEXT(run, entry),
    ENUM(run, workflow, workflow_names),
    ENUM(run, status, run_status_names),
    TEXT(run, status_reason),
    ENUM(run, origin, run_origin_names),
    TEXT(run, command),
    TEXT(run, actor),
    TEXT(run, person),
    TEXT(run, via),
    TEXT(run, reason),
    TEXT(run, repository),
    TEXT(run, ref),
    TEXT(run, commit),
    TEXT(run, subject),
    JSON(run, sources),
    JSON(run, inputs),
    JSON(run, with),
    JSON(run, authors),
    JSON(run, wanted),
    JSON(run, base),
    TEXT(run, digest),
    JSON(run, gate),
    INT(run, creates),
    INT(run, updates),
    INT(run, replaces),
    INT(run, destroys),
    INT(run, deferred),
    BOOL(run, touches_data),
    TIME(run, created_at),
    TIME(run, started_at),
    TIME(run, gate_at),
    TIME(run, gate_expires_at),
    TIME(run, approved_at),
    TIME(run, applying_at),
    TIME(run, ended_at),
    ENUM(run, on_failure, failure_answer_names),
    TEXT(run, cancel_by),
    BOOL(run, untrusted),
    TEXT(run, parent),
    TEXT(run, superseded_by),
    INT(run, ttl_ms),
    INT(run, pull_request),
    TEXT(run, policy_commit),
    TEXT(run, log_folder),
    INT(run, epoch),
    TEXT_SINCE(4, run, approved_digest),
    JSON_SINCE(4, run, settings),
};
static const struct record_index run_indexes[] = {
    {.name = "number", .columns = {"number"}},
    {.name = "environment", .columns = {"environment", "number"}},
    {.name = "environment_name", .columns = {"environment_name", "number"}},
    {.name = "status", .columns = {"status", "number"}},
    {.name = "parent", .columns = {"parent", "number"}},
    {.name = "open", .columns = {"environment_name", "status", "number"}},
    {.name = "applied", .columns = {"environment", "applying_at"}},
};
const struct record_type run_type = {
    .name = "runs",
    RECORD_OF(run, run_columns),
    INDEXED_BY(run_indexes),
    .flags = RECORD_HISTORY,
};

static const struct column step_columns[] = {
    TEXT(step, id),
    TEXT(step, run),
    TEXT(step, environment),
    ENUM(step, phase, step_phase_names),
    ENUM(step, status, step_status_names),
    TEXT(step, status_reason),
    TEXT(step, address),
    TEXT(step, template),
    TEXT(step, executor),
    TEXT(step, runner),
    TEXT(step, target),
    TEXT(step, pool),
    JSON(step, needs),
    JSON(step, spec),
    JSON(step, result),
    INT(step, position),
    INT(step, attempt),
    INT(step, attempts),
    INT(step, backoff_ms),
    INT(step, timeout_ms),
    BOOL(step, repeatable),
    TIME(step, ready_at),
    TIME(step, not_before_at),
    TIME(step, started_at),
    TIME(step, ended_at),
    INT(step, epoch),
    QUIET_INT(step, worker),
    TEXT(step, token),
    INT(step, exit_status),
    QUIET_INT(step, progress),
    QUIET_TEXT(step, progress_text),
    QUIET_INT(step, log_bytes),
};
static const struct record_index step_indexes[] = {
    {.name = "run", .columns = {"run", "position"}},
    {.name = "status", .columns = {"status", "ready_at"}},
};
const struct record_type step_type = {
    .name = "steps",
    RECORD_OF(step, step_columns),
    INDEXED_BY(step_indexes),
};

static const struct column plan_columns[] = {
    TEXT(plan, id),
    TEXT(plan, run),
    TEXT(plan, environment),
    TEXT(plan, address),
    TEXT(plan, template),
    TEXT(plan, executor),
    ENUM(plan, action, plan_action_names),
    TEXT(plan, summary),
    TEXT(plan, reason),
    JSON(plan, changes),
    JSON(plan, needs),
    JSON(plan, spec),
    TEXT(plan, digest),
    TEXT(plan, text),
    TEXT(plan, artifact),
    BOOL(plan, data),
    INT(plan, position),
    TIME(plan, created_at),
};
static const struct record_index plan_indexes[] = {
    {.name = "run", .columns = {"run", "position"}},
};
const struct record_type plan_type = {
    .name = "plans",
    RECORD_OF(plan, plan_columns),
    INDEXED_BY(plan_indexes),
};

static const struct column approval_columns[] = {
    TEXT(approval, id),
    TEXT(approval, run),
    TEXT(approval, environment),
    TEXT(approval, digest),
    ENUM(approval, verdict, approval_verdict_names),
    TEXT(approval, actor),
    TEXT(approval, person),
    TEXT(approval, via),
    TEXT(approval, reason),
    TIME(approval, at),
    TIME(approval, expires_at),
};
static const struct record_index approval_indexes[] = {
    {.name = "run", .columns = {"run", "at"}},
    {.name = "environment", .columns = {"environment", "at"}},
};
const struct record_type approval_type = {
    .name = "approvals",
    RECORD_OF(approval, approval_columns),
    INDEXED_BY(approval_indexes),
    .flags = RECORD_HISTORY | RECORD_APPEND,
};

static const struct column approved_plan_columns[] = {
    TEXT(approved_plan, id),
    TEXT(approved_plan, run),
    TEXT(approved_plan, whole),
    TEXT(approved_plan, address),
    TEXT(approved_plan, template),
    TEXT(approved_plan, executor),
    ENUM(approved_plan, action, plan_action_names),
    TEXT(approved_plan, summary),
    TEXT(approved_plan, reason),
    JSON(approved_plan, changes),
    TEXT(approved_plan, digest),
    BOOL(approved_plan, data),
    INT(approved_plan, position),
    TIME(approved_plan, created_at),
};
static const struct record_index approved_plan_indexes[] = {
    {.name = "run", .columns = {"run", "position"}},
};
const struct record_type approved_plan_type = {
    .name = "approved_plans",
    RECORD_OF(approved_plan, approved_plan_columns),
    INDEXED_BY(approved_plan_indexes),
};

static int by_phase(const void *a, const void *b)
{
    const struct step *left = a, *right = b;

    if (left->phase != right->phase)
        return left->phase - right->phase;
    return left->position < right->position ? -1 : left->position > right->position;
}

void steps_sort(struct step *steps, size_t count)
{
    if (count > 0)
        qsort(steps, count, sizeof *steps, by_phase);
}
