/* SPDX-License-Identifier: ISC */
/* What a template may use in an environment: the rule is config's, which checks templates by it; policy asks the same. */
#include "berth/config.h"
#include "berth/policy.h"

bool policy_executor_allowed(const struct config_entry *entry, const char *executor)
{
    return entry != NULL && config_allows_executor(entry, executor);
}

bool policy_secret_allowed(const struct config_entry *entry, const char *path)
{
    return entry != NULL && config_allows_secret(entry, path);
}
