/* SPDX-License-Identifier: ISC */
/* The one spelling of every word that is an enumeration. */
#include "berth/model/words.h"

#include <stddef.h>
#include <string.h>

const char *const tier_names[] = {
    [TIER_NONE] = "none",           [TIER_LOCAL] = "local", [TIER_REVIEW] = "review",
    [TIER_EPHEMERAL] = "ephemeral", [TIER_DEV] = "dev",     [TIER_TEST] = "test",
    [TIER_STAGING] = "staging",     [TIER_PROD] = "prod",   NULL,
};
const char *const role_names[] = {
    [ROLE_NONE] = "none",         [ROLE_VIEWER] = "viewer", [ROLE_DEPLOYER] = "deployer",
    [ROLE_APPROVER] = "approver", [ROLE_ADMIN] = "admin",   NULL,
};
const char *const environment_status_names[] = {
    [ENVIRONMENT_UNKNOWN] = "unknown",
    [ENVIRONMENT_ABSENT] = "absent",
    [ENVIRONMENT_DEPLOYING] = "Deploying",
    [ENVIRONMENT_VALIDATING] = "Validating",
    [ENVIRONMENT_OK] = "OK",
    [ENVIRONMENT_FAILED] = "Failed",
    [ENVIRONMENT_DESTROYING] = "Destroying",
    [ENVIRONMENT_DESTROYED] = "Destroyed",
    NULL,
};
/* In the order of the bits. */
const char *const environment_mark_names[] = {
    "waiting for approval", "degraded", "drifted", "expiring", "branch gone", "unreachable", "held", "asleep", NULL,
};
const char *const resource_status_names[] = {
    [RESOURCE_UNKNOWN] = "unknown",
    [RESOURCE_ABSENT] = "absent",
    [RESOURCE_WAITING] = "waiting",
    [RESOURCE_CREATING] = "creating",
    [RESOURCE_UPDATING] = "updating",
    [RESOURCE_OK] = "ok",
    [RESOURCE_DEGRADED] = "degraded",
    [RESOURCE_FAILED] = "failed",
    [RESOURCE_DESTROYING] = "destroying",
    [RESOURCE_GONE] = "gone",
    NULL,
};
const char *const run_status_names[] = {
    [RUN_QUEUED] = "queued",
    [RUN_PREPARING] = "preparing",
    [RUN_PLANNING] = "planning",
    [RUN_GATE] = "at the gate",
    [RUN_APPLYING] = "applying",
    [RUN_VALIDATING] = "validating",
    [RUN_ROLLING_BACK] = "rolling back",
    [RUN_HELD] = "held",
    [RUN_DONE] = "done",
    [RUN_FAILED] = "failed",
    [RUN_ROLLED_BACK] = "rolled back",
    [RUN_REJECTED] = "rejected",
    [RUN_SUPERSEDED] = "superseded",
    [RUN_CANCELLED] = "cancelled",
    NULL,
};
const char *const workflow_names[] = {
    [WORKFLOW_NONE] = "none",         [WORKFLOW_PLAN] = "plan",
    [WORKFLOW_DEPLOY] = "deploy",     [WORKFLOW_DESTROY] = "destroy",
    [WORKFLOW_ROLLBACK] = "rollback", [WORKFLOW_PROMOTE] = "promote",
    [WORKFLOW_EXEC] = "exec",         NULL,
};
const char *const step_status_names[] = {
    [STEP_WAITING] = "waiting",
    [STEP_READY] = "ready",
    [STEP_RUNNING] = "running",
    [STEP_DONE] = "done",
    [STEP_FAILED] = "failed",
    [STEP_SKIPPED] = "skipped",
    [STEP_CANCELLED] = "cancelled",
    [STEP_INTERRUPTED] = "interrupted",
    NULL,
};
const char *const step_phase_names[] = {
    [PHASE_PREPARE] = "prepare",
    [PHASE_PLAN] = "plan",
    [PHASE_APPLY] = "apply",
    [PHASE_DESTROY] = "destroy",
    [PHASE_CHECK] = "check",
    [PHASE_EXEC] = "exec",
    NULL,
};
const char *const plan_action_names[] = {
    [PLAN_NONE] = "none",       [PLAN_CREATE] = "create",   [PLAN_UPDATE] = "update",
    [PLAN_REPLACE] = "replace", [PLAN_DESTROY] = "destroy", [PLAN_DEFERRED] = "deferred",
    [PLAN_RUN] = "run",         [PLAN_FORGET] = "forget",   NULL,
};
const char *const run_origin_names[] = {
    [ORIGIN_COMMAND] = "command", [ORIGIN_PUSH] = "push",
    [ORIGIN_TTL] = "ttl",         [ORIGIN_CRON] = "cron",
    [ORIGIN_CLEANER] = "cleaner", [ORIGIN_ON_FAILURE] = "on_failure",
    [ORIGIN_FOREIGN] = "foreign", NULL,
};
const char *const failure_answer_names[] = {
    [ANSWER_HOLD] = "hold",
    [ANSWER_ROLLBACK] = "rollback",
    [ANSWER_DESTROY] = "destroy",
    NULL,
};
const char *const command_status_names[] = {
    [COMMAND_WAITING] = "waiting", [COMMAND_ACCEPTED] = "accepted", [COMMAND_REFUSED] = "refused",
    [COMMAND_DONE] = "done",       [COMMAND_FAILED] = "failed",     NULL,
};
const char *const approval_verdict_names[] = {
    [VERDICT_APPROVE] = "approve",
    [VERDICT_REJECT] = "reject",
    [VERDICT_CLEARED] = "cleared",
    [VERDICT_EXPIRED] = "expired",
    NULL,
};
const char *const delivery_status_names[] = {
    [DELIVERY_WAITING] = "waiting",
    [DELIVERY_DONE] = "done",
    [DELIVERY_GIVEN_UP] = "given up",
    NULL,
};

int word_value(const char *const *names, const char *name)
{
    for (int i = 0; name && names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

const char *word_name(const char *const *names, int value)
{
    for (int i = 0; names[i]; i++)
        if (i == value)
            return names[i];
    return "unknown";
}

bool plan_acts(int action)
{
    return action != PLAN_NONE && action != PLAN_FORGET;
}

bool plan_takes_away(int action)
{
    return action == PLAN_DESTROY || action == PLAN_REPLACE;
}

int plan_weight(int action)
{
    if (action < 0)
        return 7;
    switch ((enum plan_action)action) {
    case PLAN_DESTROY: return 0;
    case PLAN_REPLACE: return 1;
    case PLAN_FORGET: return 2;
    case PLAN_UPDATE: return 3;
    case PLAN_RUN: return 4;
    case PLAN_CREATE: return 5;
    case PLAN_DEFERRED: return 6;
    case PLAN_NONE: break;
    }
    return 8;
}
