/* SPDX-License-Identifier: ISC */
/*
 * The words of berth as enumerations with their one spelling: tiers, roles, statuses, marks, workflows, phases.
 * Zero is always the least known value, so that zeroed memory never claims health. Name arrays end with NULL.
 */
#ifndef BERTH_MODEL_WORDS_H
#define BERTH_MODEL_WORDS_H

#include <stdbool.h>

enum tier { TIER_NONE, TIER_LOCAL, TIER_REVIEW, TIER_EPHEMERAL, TIER_DEV, TIER_TEST, TIER_STAGING, TIER_PROD };
enum role { ROLE_NONE, ROLE_VIEWER, ROLE_DEPLOYER, ROLE_APPROVER, ROLE_ADMIN }; /* ordered */

enum environment_status {
    ENVIRONMENT_UNKNOWN,
    ENVIRONMENT_ABSENT, /* never deployed */
    ENVIRONMENT_DEPLOYING,
    ENVIRONMENT_VALIDATING,
    ENVIRONMENT_OK,
    ENVIRONMENT_FAILED,
    ENVIRONMENT_DESTROYING,
    ENVIRONMENT_DESTROYED
};
/* bits, shown beside the status */
enum environment_mark {
    MARK_WAITING = 1 << 0, /* for an approval */
    MARK_DEGRADED = 1 << 1,
    MARK_DRIFTED = 1 << 2,
    MARK_EXPIRING = 1 << 3,
    MARK_BRANCH_GONE = 1 << 4,
    MARK_UNREACHABLE = 1 << 5,
    MARK_HELD = 1 << 6,
    MARK_ASLEEP = 1 << 7
};
enum resource_status {
    RESOURCE_UNKNOWN,
    RESOURCE_ABSENT,
    RESOURCE_WAITING,
    RESOURCE_CREATING,
    RESOURCE_UPDATING,
    RESOURCE_OK,
    RESOURCE_DEGRADED,
    RESOURCE_FAILED,
    RESOURCE_DESTROYING,
    RESOURCE_GONE
};
enum run_status {
    RUN_QUEUED,
    RUN_PREPARING,
    RUN_PLANNING,
    RUN_GATE,
    RUN_APPLYING, /* also destroying */
    RUN_VALIDATING,
    RUN_ROLLING_BACK,
    RUN_HELD, /* waits for a person: retry or cancel; holds no lock */
    RUN_DONE, /* from here on: ended */
    RUN_FAILED,
    RUN_ROLLED_BACK,
    RUN_REJECTED,
    RUN_SUPERSEDED,
    RUN_CANCELLED
};
enum workflow {
    WORKFLOW_NONE,
    WORKFLOW_PLAN,
    WORKFLOW_DEPLOY, /* plan-apply, ephemeral, promote and rollback are deploys with other sources and answers */
    WORKFLOW_DESTROY,
    WORKFLOW_ROLLBACK,
    WORKFLOW_PROMOTE,
    WORKFLOW_EXEC
};
enum step_status {
    STEP_WAITING, /* its needs are not met yet */
    STEP_READY,
    STEP_RUNNING,
    STEP_DONE, /* from here on: ended */
    STEP_FAILED,
    STEP_SKIPPED,
    STEP_CANCELLED,
    STEP_INTERRUPTED /* nobody knows how far it came */
};
enum step_phase { PHASE_PREPARE, PHASE_PLAN, PHASE_APPLY, PHASE_DESTROY, PHASE_CHECK, PHASE_EXEC };
enum plan_action {
    PLAN_NONE,
    PLAN_CREATE,
    PLAN_UPDATE,
    PLAN_REPLACE,
    PLAN_DESTROY,
    PLAN_DEFERRED,
    PLAN_RUN,
    PLAN_FORGET
};
enum run_origin {
    ORIGIN_COMMAND,
    ORIGIN_PUSH,
    ORIGIN_TTL,
    ORIGIN_CRON,
    ORIGIN_CLEANER,
    ORIGIN_ON_FAILURE,
    ORIGIN_FOREIGN
};
enum failure_answer { ANSWER_HOLD, ANSWER_ROLLBACK, ANSWER_DESTROY };
enum command_status { COMMAND_WAITING, COMMAND_ACCEPTED, COMMAND_REFUSED, COMMAND_DONE, COMMAND_FAILED };
enum approval_verdict { VERDICT_APPROVE, VERDICT_REJECT, VERDICT_CLEARED, VERDICT_EXPIRED };
enum delivery_status { DELIVERY_WAITING, DELIVERY_DONE, DELIVERY_GIVEN_UP };

extern const char *const tier_names[];
extern const char *const role_names[];
extern const char *const environment_status_names[]; /* "unknown", "absent", "Deploying" … as in DESIGN */
extern const char *const environment_mark_names[];
extern const char *const resource_status_names[];
extern const char *const run_status_names[];
extern const char *const workflow_names[];
extern const char *const step_status_names[];
extern const char *const step_phase_names[];
extern const char *const plan_action_names[];
extern const char *const run_origin_names[];
extern const char *const failure_answer_names[];
extern const char *const command_status_names[];
extern const char *const approval_verdict_names[];
extern const char *const delivery_status_names[];

/* The value of a name in an array above, or -1. */
int word_value(const char *const *names, const char *name);
/* The name of a value, "unknown" when it is out of range: an unknown status never shows as healthy. */
const char *word_name(const char *const *names, int value);

/* Whether a run counts against limits of runs. */
static inline bool run_is_active(int status)
{
    return status == RUN_PREPARING || status == RUN_PLANNING || status == RUN_APPLYING || status == RUN_VALIDATING;
}

/* Whether a plan of that action does something: what stays, and what is only forgotten, does not. */
bool plan_acts(int action);
/* Whether it destroys or replaces. */
bool plan_takes_away(int action);
/* Where it stands in a plan that is read: what takes away comes first, what changes nothing last; -1: an action that only inner parts have. */
int plan_weight(int action);

static inline bool run_ended(enum run_status status)
{
    return status >= RUN_DONE;
}
static inline bool step_ended(enum step_status status)
{
    return status >= STEP_DONE;
}

#endif
