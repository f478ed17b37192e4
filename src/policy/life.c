/* SPDX-License-Identifier: ISC */
/* When an environment ends by what `ttl` says: from its base, with what it was extended, within its longest. */
#include "berth/policy/life.h"

#include "berth/base/str.h"
#include "berth/config.h"
#include "berth/model/environment.h"

static int64_t later(int64_t left, int64_t right)
{
    return left > right ? left : right;
}

int64_t policy_life_base(const struct config_entry *entry, const struct environment *environment,
                         const struct branch *branch)
{
    const int64_t made = environment->created_at, deployed = later(made, environment->deployed_at);

    if (text_equal(entry->ttl_from, "created"))
        return made;
    if (text_equal(entry->ttl_from, "last_use"))
        return later(deployed, environment->used_at);
    if (text_equal(entry->ttl_from, "last_push") && branch != NULL && text_equal(branch->name, environment->branch))
        return later(made, branch->pushed_at); /* deploying an old branch by hand must not be its end */
    return deployed;
}

int64_t policy_life_latest(const struct config_entry *entry, const struct environment *environment,
                           const struct branch *branch)
{
    return entry->ttl_max_ms > 0 ? policy_life_base(entry, environment, branch) + entry->ttl_max_ms : INT64_MAX;
}

int64_t policy_life_end(const struct config_entry *entry, const struct environment *environment,
                        const struct branch *branch)
{
    const int64_t latest = policy_life_latest(entry, environment, branch);
    int64_t end;

    if (entry->ttl_default_ms <= 0)
        return 0;
    end = policy_life_base(entry, environment, branch) + entry->ttl_default_ms + environment->extended_ms;
    return end < latest ? end : latest;
}

bool policy_life_is_given(const struct environment *environment)
{
    return environment->given_until != 0 && environment->given_until == environment->planned_destruction_at;
}

bool policy_life_grows(const struct config_entry *entry, struct environment *environment, const struct branch *branch)
{
    const int64_t end = policy_life_end(entry, environment, branch);

    if (end <= environment->planned_destruction_at)
        return false;
    environment->planned_destruction_at = end;
    environment->marks &= ~(unsigned)MARK_EXPIRING;
    return true;
}

static bool says_the_same(const struct config_entry *before, const struct config_entry *after)
{
    return before->ttl_default_ms == after->ttl_default_ms && before->ttl_max_ms == after->ttl_max_ms &&
           text_equal(before->ttl_from, after->ttl_from);
}

bool policy_life_changes(const struct config_entry *before, const struct config_entry *after,
                         struct environment *environment, const struct branch *branch, int64_t now_ms)
{
    const int64_t was = environment->planned_destruction_at, end = policy_life_end(after, environment, branch);

    if (says_the_same(before, after) || environment->permanent || policy_life_is_given(environment))
        return false;
    if (end == 0 || (was != 0 && end >= was))
        environment->planned_destruction_at = end;
    else if (was == policy_life_end(before, environment, branch)) {
        int64_t noticed = later(end, now_ms + LIFE_NOTICE_MS);

        environment->planned_destruction_at = was != 0 && was < noticed ? was : noticed;
    }
    return environment->planned_destruction_at != was;
}
