/* SPDX-License-Identifier: ISC */
/* What a template may use in an environment: executors and secrets, with and without `allow:`. */
#include "policy/who.h"

#include "berth/base/str.h"

#include <string.h>

bool policy_executor_allowed(const struct config_entry *entry, const char *executor)
{
    /* what is only observed needs no leave; `allow:` that speaks of secrets alone leaves executors free */
    if (entry == NULL || entry->allow_executors.count == 0 || text_equal(executor, "external"))
        return true;
    return name_in_list(entry->allow_executors, executor);
}

/* A `*` of a secret's pattern fits any text: keys may hold slashes and dots. Linear: after a `*` only the last one is retried. */
static bool secret_fits(const char *pattern, const char *path)
{
    const char *star = NULL, *retry = path;

    while (*path != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            retry = path;
        } else if (*pattern == *path) {
            pattern++;
            path++;
        } else if (star != NULL) {
            pattern = star;
            path = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

/* "vault" allows the whole store: "vault", "vault.github/token". */
static bool names_store_of(const char *pattern, const char *path)
{
    return text_starts(path, pattern) && path[strlen(pattern)] == '.';
}

bool policy_secret_allowed(const struct config_entry *entry, const char *path)
{
    if (entry == NULL)
        return false;
    if (entry->allow_secrets.count == 0)
        return entry->tier != TIER_REVIEW && entry->tier != TIER_EPHEMERAL;
    for (size_t i = 0; i < entry->allow_secrets.count; i++) {
        const char *pattern = entry->allow_secrets.items[i];

        if (secret_fits(pattern, path) || names_store_of(pattern, path))
            return true;
    }
    return false;
}
