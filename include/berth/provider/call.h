/* SPDX-License-Identifier: ISC */
/*
 * The one way into a provider: a function for each of its capabilities' functions (see berth/provider.h for what they take, give and do). Each counts the fault
 * point provider.call, traces, and refuses a missing capability with ERROR_UNSUPPORTED.
 */
#ifndef BERTH_PROVIDER_CALL_H
#define BERTH_PROVIDER_CALL_H

#include "berth/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct apply_result;
struct arena;
struct branch;
struct delivery;
struct executor_command;
struct executor_drift;
struct executor_task;
struct lock_release;
struct lock_seen;
struct map;
struct plan_result;
struct provider;
struct provider_context;
struct resource;
struct runner_job;
struct runner_outcome;
struct str;

bool provider_call_check(const struct provider *provider, const struct provider_context *context,
                         const struct executor_task *task, struct error *error) BERTH_MUST_CHECK;
bool provider_call_plan(const struct provider *provider, const struct provider_context *context,
                        const struct executor_task *task, struct arena *arena, struct plan_result *result,
                        struct error *error) BERTH_MUST_CHECK;
bool provider_call_apply(const struct provider *provider, const struct provider_context *context,
                         const struct executor_task *task, struct arena *arena, struct apply_result *result,
                         struct error *error) BERTH_MUST_CHECK;
bool provider_call_destroy(const struct provider *provider, const struct provider_context *context,
                           const struct executor_task *task, struct arena *arena, struct apply_result *result,
                           struct error *error) BERTH_MUST_CHECK;
bool provider_call_observe(const struct provider *provider, const struct provider_context *context,
                           const struct executor_task *task, struct arena *arena, struct resource *seen,
                           struct error *error) BERTH_MUST_CHECK;
bool provider_call_drift(const struct provider *provider, const struct provider_context *context,
                         const struct executor_task *task, struct arena *arena, struct executor_drift *drift,
                         struct error *error) BERTH_MUST_CHECK;
bool provider_call_output(const struct provider *provider, const struct provider_context *context,
                          const struct executor_task *task, const char *name, struct str *value,
                          struct error *error) BERTH_MUST_CHECK;
bool provider_call_unlock(const struct provider *provider, const struct provider_context *context,
                          const struct executor_task *task, const struct lock_release *release,
                          struct error *error) BERTH_MUST_CHECK;
bool provider_call_command(const struct provider *provider, const struct provider_context *context,
                           const struct executor_task *task, struct executor_command *command,
                           struct error *error) BERTH_MUST_CHECK;
bool provider_call_look_at_lock(const struct provider *provider, const struct provider_context *context,
                                const struct executor_task *task, int64_t since_ms, struct arena *arena,
                                struct lock_seen *seen, struct error *error) BERTH_MUST_CHECK;
bool provider_call_put(const struct provider *provider, const struct provider_context *context, const char *run,
                       const char *name, const void *bytes, size_t count, struct error *error) BERTH_MUST_CHECK;
bool provider_call_get(const struct provider *provider, const struct provider_context *context, const char *run,
                       const char *name, size_t limit, struct str *bytes, struct error *error) BERTH_MUST_CHECK;
bool provider_call_remove(const struct provider *provider, const struct provider_context *context, const char *run,
                          struct error *error) BERTH_MUST_CHECK;
bool provider_call_run(const struct provider *provider, const struct provider_context *context,
                       const struct runner_job *job, struct runner_outcome *outcome,
                       struct error *error) BERTH_MUST_CHECK;
bool provider_call_secret(const struct provider *provider, const struct provider_context *context, const char *key,
                          struct str *value, struct error *error) BERTH_MUST_CHECK;
bool provider_call_probe(const struct provider *provider, const struct provider_context *context, const json_t *spec,
                         struct arena *arena, struct resource *seen, struct error *error) BERTH_MUST_CHECK;
bool provider_call_deliver(const struct provider *provider, const struct provider_context *context,
                           const struct delivery *delivery, const char *key, struct error *error) BERTH_MUST_CHECK;
bool provider_call_list(const struct provider *provider, const struct provider_context *context, const char *repository,
                        const struct map *known, bool (*visit)(const struct branch *branch, void *owner), void *owner,
                        bool *complete, const char **default_branch, struct arena *arena,
                        struct error *error) BERTH_MUST_CHECK;
bool provider_call_follow(const struct provider *provider, const struct provider_context *context, struct str *state,
                          int *fd, struct error *error) BERTH_MUST_CHECK;
bool provider_call_resolve(const struct provider *provider, const struct provider_context *context,
                           const char *repository, const char *ref, struct arena *arena, const char **commit,
                           const char **kind, const char **branch, struct error *error) BERTH_MUST_CHECK;
bool provider_call_contains(const struct provider *provider, const struct provider_context *context,
                            const char *repository, const char *branch, const char *commit, bool *yes,
                            struct error *error) BERTH_MUST_CHECK;
bool provider_call_pin(const struct provider *provider, const struct provider_context *context, const char *repository,
                       const char *commit, const char *pin, struct error *error) BERTH_MUST_CHECK;
bool provider_call_unpin(const struct provider *provider, const struct provider_context *context,
                         const char *repository, const char *pin, struct error *error) BERTH_MUST_CHECK;
bool provider_call_mirrors(const struct provider *provider, const struct provider_context *context,
                           bool (*visit)(const char *repository, void *owner), void *owner,
                           struct error *error) BERTH_MUST_CHECK;
bool provider_call_pins(const struct provider *provider, const struct provider_context *context, const char *repository,
                        bool (*visit)(const char *pin, const char *commit, void *owner), void *owner,
                        struct error *error) BERTH_MUST_CHECK;
bool provider_call_tidy(const struct provider *provider, const struct provider_context *context, const char *repository,
                        const char *const *held, struct str *done, struct error *error) BERTH_MUST_CHECK;
bool provider_call_forget(const struct provider *provider, const struct provider_context *context,
                          const char *repository, struct str *done, struct error *error) BERTH_MUST_CHECK;
bool provider_call_describe(const struct provider *provider, const struct provider_context *context,
                            const char *repository, const char *commit, struct arena *arena, struct branch *facts,
                            const char **committer_email, struct error *error) BERTH_MUST_CHECK;
bool provider_call_read(const struct provider *provider, const struct provider_context *context, const char *repository,
                        const char *commit, const char *path, size_t limit, struct str *out,
                        struct error *error) BERTH_MUST_CHECK;
bool provider_call_export(const struct provider *provider, const struct provider_context *context,
                          const char *repository, const char *commit, const char *folder,
                          struct error *error) BERTH_MUST_CHECK;

#endif
