/* SPDX-License-Identifier: ISC */
/*
 * Secrets in a child: a reference becomes its value here, and the redactor knows it before anything else does. Only workers and the
 * notifier resolve any; the supervisor never does.
 */
#ifndef AGENT_SECRETS_H
#define AGENT_SECRETS_H

#include "berth/provider.h"

/* Appends the value of "STORE.KEY" or "STORE". `entry` (may be NULL: a reference of the policy itself) says whether it may be used.
 * The context's config and redactor are used; its section is not. */
bool secrets_resolve(const struct provider_context *context, const struct config_entry *entry, const char *path,
                     struct arena *arena, struct str *value, struct error *error) BERTH_MUST_CHECK;
#endif
