/* SPDX-License-Identifier: ISC */
/* Releasing the lock of a state whose holder is gone. */
#ifndef PROVIDER_TERRAFORM_LOCK_H
#define PROVIDER_TERRAFORM_LOCK_H

#include "berth/provider.h"

/* As provider_executor.unlock. */
bool terraform_unlock(const struct provider_context *context, const struct executor_task *task,
                      const struct lock_release *release, struct error *error);
/* As provider_executor.look_at_lock. */
bool terraform_look_at_lock(const struct provider_context *context, const struct executor_task *task, int64_t since_ms,
                            struct arena *arena, struct lock_seen *seen, struct error *error);
/* Whether the holder of a lock is proven dead on this machine: it is this user's on this machine, began not before `since_ms`, and no process that could hold it
 * lives: none that berth started on this state, and no tool of the kind that was started by hand. False says in `error` what speaks against it. */
bool lock_holder_is_dead(const struct state_lock *lock, const char *state_name, int64_t since_ms, struct error *error);

#endif
