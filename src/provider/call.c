/* SPDX-License-Identifier: ISC */
/* The one way into a provider: every call is checked for its capability, counted as a fault point and traced here. */
#include "berth/provider.h"

#include "berth/base/fault.h"
#include "berth/base/log.h"
#include "berth/base/time.h"

#include <stdio.h>
#include <stdlib.h>

#define TRACE_SIZE 512

struct provider_wrapper {
    const struct provider *inner;
    void (*line)(const char *text, void *owner);
    void *owner;
};
struct wrapped {
    struct provider provider; /* first: what the caller holds */
    struct provider_wrapper wrapper;
};
struct call {
    const struct provider *provider;
    const char *capability, *function, *subject;
    int64_t began_us;
};

/* `has`: the provider has the function. */
static bool begin(struct call *call, bool has, struct error *error)
{
    call->began_us = time_monotonic_us();
    if (!has) {
        error_set(error, ERROR_UNSUPPORTED, "the provider '%s' has no %s.%s", call->provider->name, call->capability,
                  call->function);
        return error_hint(error, "name another provider: doc/adding-a-provider.md lists which can do what");
    }
    if (!fault_fails("provider.call"))
        return true;
    error_set(error, ERROR_PROVIDER, "cannot call %s.%s of the provider '%s'", call->capability, call->function,
              call->provider->name);
    return error_detail(error, "a test made it fail");
}

static bool end(const struct call *call, bool done, const struct error *error)
{
    char line[TRACE_SIZE];
    int64_t took_us = time_monotonic_us() - call->began_us;
    (void)snprintf(line, sizeof line, "%s.%s.%s %s: %s in %lld us", call->provider->name, call->capability,
                   call->function, call->subject ? call->subject : "",
                   done ? "ok" : error_info(error ? error->code : ERROR_NONE)->name, (long long)took_us);
    for (const struct provider *at = call->provider; at->wrapper; at = at->wrapper->inner)
        at->wrapper->line(line, at->wrapper->owner);
    log_line("provider", LOG_TRACE, "%s", line);
    return done;
}

#define CALL(provider_, capability_, function_, subject_, arguments)               \
    do {                                                                           \
        struct call call = {(provider_), #capability_, #function_, (subject_), 0}; \
        const struct provider *has = (provider_);                                  \
        if (!begin(&call, has->capability_ && has->capability_->function_, error)) \
            return end(&call, false, error);                                       \
        return end(&call, has->capability_->function_ arguments, error);           \
    } while (0)

bool provider_call_check(const struct provider *provider, const struct provider_context *context,
                         const struct executor_task *task, struct error *error)
{
    CALL(provider, executor, check, task->address, (context, task, error));
}

bool provider_call_plan(const struct provider *provider, const struct provider_context *context,
                        const struct executor_task *task, struct arena *arena, struct plan_result *result,
                        struct error *error)
{
    CALL(provider, executor, plan, task->address, (context, task, arena, result, error));
}

bool provider_call_apply(const struct provider *provider, const struct provider_context *context,
                         const struct executor_task *task, struct arena *arena, struct apply_result *result,
                         struct error *error)
{
    CALL(provider, executor, apply, task->address, (context, task, arena, result, error));
}

bool provider_call_destroy(const struct provider *provider, const struct provider_context *context,
                           const struct executor_task *task, struct arena *arena, struct apply_result *result,
                           struct error *error)
{
    CALL(provider, executor, destroy, task->address, (context, task, arena, result, error));
}

bool provider_call_observe(const struct provider *provider, const struct provider_context *context,
                           const struct executor_task *task, struct arena *arena, struct resource *seen,
                           struct error *error)
{
    CALL(provider, executor, observe, task->address, (context, task, arena, seen, error));
}

bool provider_call_drift(const struct provider *provider, const struct provider_context *context,
                         const struct executor_task *task, struct arena *arena, struct executor_drift *drift,
                         struct error *error)
{
    CALL(provider, executor, drift, task->address, (context, task, arena, drift, error));
}

bool provider_call_output(const struct provider *provider, const struct provider_context *context,
                          const struct executor_task *task, const char *name, struct str *value, struct error *error)
{
    CALL(provider, executor, output, name, (context, task, name, value, error));
}

bool provider_call_unlock(const struct provider *provider, const struct provider_context *context,
                          const struct executor_task *task, const struct lock_release *release, struct error *error)
{
    CALL(provider, executor, unlock, release->lock->id, (context, task, release, error));
}

bool provider_call_command(const struct provider *provider, const struct provider_context *context,
                           const struct executor_task *task, struct executor_command *command, struct error *error)
{
    CALL(provider, executor, command, task->address, (context, task, command, error));
}

bool provider_call_look_at_lock(const struct provider *provider, const struct provider_context *context,
                                const struct executor_task *task, int64_t since_ms, struct arena *arena,
                                struct lock_seen *seen, struct error *error)
{
    CALL(provider, executor, look_at_lock, task->address, (context, task, since_ms, arena, seen, error));
}

bool provider_call_put(const struct provider *provider, const struct provider_context *context, const char *run,
                       const char *name, const void *bytes, size_t count, struct error *error)
{
    CALL(provider, artifacts, put, name, (context, run, name, bytes, count, error));
}

bool provider_call_get(const struct provider *provider, const struct provider_context *context, const char *run,
                       const char *name, size_t limit, struct str *bytes, struct error *error)
{
    CALL(provider, artifacts, get, name, (context, run, name, limit, bytes, error));
}

bool provider_call_remove(const struct provider *provider, const struct provider_context *context, const char *run,
                          struct error *error)
{
    CALL(provider, artifacts, remove, run, (context, run, error));
}

bool provider_call_run(const struct provider *provider, const struct provider_context *context,
                       const struct runner_job *job, struct runner_outcome *outcome, struct error *error)
{
    CALL(provider, runner, run, job->argv[0], (context, job, outcome, error));
}

bool provider_call_secret(const struct provider *provider, const struct provider_context *context, const char *key,
                          struct str *value, struct error *error)
{
    CALL(provider, secrets, resolve, key, (context, key, value, error));
}

bool provider_call_probe(const struct provider *provider, const struct provider_context *context, const json_t *spec,
                         struct arena *arena, struct resource *seen, struct error *error)
{
    CALL(provider, probe, look, "", (context, spec, arena, seen, error));
}

bool provider_call_deliver(const struct provider *provider, const struct provider_context *context,
                           const struct delivery *delivery, const char *key, struct error *error)
{
    CALL(provider, notify, deliver, key, (context, delivery, key, error));
}

bool provider_call_list(const struct provider *provider, const struct provider_context *context, const char *repository,
                        const struct map *known, bool (*visit)(const struct branch *branch, void *owner), void *owner,
                        bool *complete, const char **default_branch, struct arena *arena, struct error *error)
{
    CALL(provider, branches, list, repository,
         (context, repository, known, visit, owner, complete, default_branch, arena, error));
}

bool provider_call_follow(const struct provider *provider, const struct provider_context *context, struct str *state,
                          int *fd, struct error *error)
{
    CALL(provider, branches, follow, "", (context, state, fd, error));
}

bool provider_call_resolve(const struct provider *provider, const struct provider_context *context,
                           const char *repository, const char *ref, struct arena *arena, const char **commit,
                           const char **kind, const char **branch, struct error *error)
{
    CALL(provider, branches, resolve, ref, (context, repository, ref, arena, commit, kind, branch, error));
}

bool provider_call_contains(const struct provider *provider, const struct provider_context *context,
                            const char *repository, const char *branch, const char *commit, bool *yes,
                            struct error *error)
{
    CALL(provider, branches, contains, branch, (context, repository, branch, commit, yes, error));
}

bool provider_call_pin(const struct provider *provider, const struct provider_context *context, const char *repository,
                       const char *commit, const char *pin, struct error *error)
{
    CALL(provider, branches, pin, pin, (context, repository, commit, pin, error));
}

bool provider_call_unpin(const struct provider *provider, const struct provider_context *context,
                         const char *repository, const char *pin, struct error *error)
{
    CALL(provider, branches, unpin, pin, (context, repository, pin, error));
}

bool provider_call_mirrors(const struct provider *provider, const struct provider_context *context,
                           provider_visit_mirror *visit, void *owner, struct error *error)
{
    CALL(provider, branches, mirrors, "", (context, visit, owner, error));
}

bool provider_call_pins(const struct provider *provider, const struct provider_context *context, const char *repository,
                        provider_visit_pin *visit, void *owner, struct error *error)
{
    CALL(provider, branches, pins, repository, (context, repository, visit, owner, error));
}

bool provider_call_tidy(const struct provider *provider, const struct provider_context *context, const char *repository,
                        const char *const *held, struct str *done, struct error *error)
{
    CALL(provider, branches, tidy, repository, (context, repository, held, done, error));
}

bool provider_call_forget(const struct provider *provider, const struct provider_context *context,
                          const char *repository, struct str *done, struct error *error)
{
    CALL(provider, branches, forget, repository, (context, repository, done, error));
}

bool provider_call_describe(const struct provider *provider, const struct provider_context *context,
                            const char *repository, const char *commit, struct arena *arena, struct branch *facts,
                            const char **committer_email, struct error *error)
{
    CALL(provider, branches, describe, commit, (context, repository, commit, arena, facts, committer_email, error));
}

bool provider_call_read(const struct provider *provider, const struct provider_context *context, const char *repository,
                        const char *commit, const char *path, size_t limit, struct str *out, struct error *error)
{
    CALL(provider, branches, read, path, (context, repository, commit, path, limit, out, error));
}

bool provider_call_export(const struct provider *provider, const struct provider_context *context,
                          const char *repository, const char *commit, const char *folder, struct error *error)
{
    CALL(provider, branches, export, commit, (context, repository, commit, folder, error));
}

const struct provider *provider_traced(const struct provider *inner, void (*line)(const char *text, void *owner),
                                       void *owner)
{
    struct wrapped *wrapped = mem_alloc(sizeof *wrapped);
    wrapped->wrapper = (struct provider_wrapper){.inner = inner, .line = line, .owner = owner};
    wrapped->provider = *inner;
    wrapped->provider.wrapper = &wrapped->wrapper;
    return &wrapped->provider;
}

void provider_unwrap(const struct provider *wrapper)
{
    BUG_ON(wrapper && !wrapper->wrapper);
    free((void *)(uintptr_t)wrapper);
}
