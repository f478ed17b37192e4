/* SPDX-License-Identifier: ISC */
/* The executor external: what others keep, or another environment's resource. It is recorded and observed, never changed. */
#include "provider/registry.h"

static bool check(const struct provider_context *context, const struct executor_task *task, struct error *error)
{
    (void)context;
    const json_t *resource = json_object_get(task->spec, "resource");
    if (!resource || (json_object_get(resource, "environment") && json_object_get(resource, "name")))
        return true;
    error_set(error, ERROR_CONFIG, "`resource` of '%s' does not say whose it is", task->address);
    return error_hint(error, "resource: { environment: NAME, name: RESOURCE }");
}

static bool plan(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                 struct plan_result *result, struct error *error)
{
    (void)context;
    (void)arena;
    (void)error;
    result->action = task->wanted ? PLAN_NONE : PLAN_FORGET;
    result->summary = task->wanted ? "nothing to do" : "berth forgets it; others keep it";
    result->reason = "others keep it; berth only observes it";
    result->spec_digest = "external";
    return true;
}

static bool apply(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                  struct apply_result *result, struct error *error)
{
    (void)context;
    (void)task;
    (void)arena;
    (void)error;
    result->exit_status = -1;
    result->spec_digest = "external";
    return true;
}

static bool destroy(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                    struct apply_result *result, struct error *error)
{
    provider_log(context, "berth: '%s' is kept by others: it is forgotten, not removed", task->address);
    return apply(context, task, arena, result, error);
}

static bool observe(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                    struct resource *seen, struct error *error)
{
    (void)context;
    (void)task;
    (void)arena;
    (void)error;
    seen->status = RESOURCE_UNKNOWN;
    seen->status_reason = "only its probes tell how it is";
    return true;
}

static const struct provider_executor executor = {
    .flags = EXECUTOR_OBSERVES | EXECUTOR_NO_STEPS | EXECUTOR_REPLANS,
    .check = check,
    .plan = plan,
    .apply = apply,
    .destroy = destroy,
    .observe = observe,
};

const struct provider external_provider = {
    .name = "external",
    .executor = &executor,
};
