/* SPDX-License-Identifier: ISC */
/* Lives that move by what an observer brings: a push that they count from, a `ttl` that the trusted ref has otherwise now. */
#include "agent/supervisor.h"

#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/policy/life.h"
#include "berth/store.h"

bool lives_pushed(struct supervisor *supervisor, const struct branch *branch, struct arena *arena, struct error *error)
{
    struct environment *rows;
    size_t count;
    if (!listing_environments(supervisor, branch, arena, &rows, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct config_entry *entry = config_entry_named(supervisor->config, rows[i].entry);
        if (rows[i].status == ENVIRONMENT_DESTROYED || rows[i].planned_destruction_at == 0 || !entry ||
            !text_equal(entry->ttl_from, "last_push") || !policy_life_grows(entry, &rows[i], branch))
            continue;
        if (!store_put(supervisor->store, &environment_type, &rows[i], error))
            return false;
    }
    return true;
}

static bool own_branch(struct supervisor *supervisor, const struct environment *environment, struct arena *arena,
                       struct branch *row, const struct branch **branch, struct error *error)
{
    *branch = NULL;
    if (text_empty(environment->branch))
        return true;
    const char *id = arena_printf(arena, "%s:%s", environment->repository, environment->branch);
    enum store_found found = store_get(supervisor->store, &branch_type, id, arena, row, error);
    if (found == STORE_FOUND)
        *branch = row;
    return found != STORE_ERROR;
}

static bool change_life(struct supervisor *supervisor, const struct config *config, struct environment *environment,
                        struct arena *arena, struct error *error)
{
    const struct config_entry *before = config_entry_named(supervisor->config, environment->entry);
    const struct config_entry *after = config_entry_named(config, environment->entry);
    const struct branch *branch;
    struct branch row;
    if (!before || !after)
        return true; /* what no entry speaks of keeps the end that it has */
    if (!own_branch(supervisor, environment, arena, &row, &branch, error))
        return false;
    return !policy_life_changes(before, after, environment, branch, time_now_ms()) ||
           store_put(supervisor->store, &environment_type, environment, error);
}

bool lives_by_policy(struct supervisor *supervisor, const struct config *config, struct error *error)
{
    struct arena arena = {0};
    bool changed = true;
    if (!supervisor->config)
        return true; /* nobody knows what it said before */
    for (int status = 0; environment_status_names[status] && changed; status++) {
        struct store_query query = {
            .type = &environment_type, .index = "status", .equal = {environment_status_names[status]}};
        struct environment *rows;
        size_t count;
        if (status == ENVIRONMENT_ABSENT || status == ENVIRONMENT_DESTROYING || status == ENVIRONMENT_DESTROYED)
            continue;
        changed = store_list(supervisor->store, &query, &arena, &rows, &count, error);
        for (size_t i = 0; i < count && changed; i++)
            changed = change_life(supervisor, config, &rows[i], &arena, error);
    }
    supervisor->look_at_lives = true;
    arena_release(&arena);
    return changed;
}
