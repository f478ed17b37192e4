/* SPDX-License-Identifier: ISC */
/*
 * What the observer of probes saw: a resource's status follows it only while nothing is being done to the resource; an environment's marks follow
 * its resources. What did not change costs no revision: freshness is the sweep's row and a quiet column.
 */
#include "agent/supervisor.h"

#include "berth/base/log.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/store.h"

#include <string.h>

static bool settled(int status)
{
    return status == RESOURCE_OK || status == RESOURCE_DEGRADED || status == RESOURCE_UNKNOWN ||
           status == RESOURCE_FAILED;
}

/* A resource whose apply failed stays failed until somebody applies it again: a probe that answers does not make it whole. What a probe found
 * failed, a probe finds ok again. */
static bool may_follow(const struct resource *resource)
{
    return resource->external ? resource->status != RESOURCE_GONE
                              : settled(resource->status) && (resource->status != RESOURCE_FAILED ||
                                                              text_equal(resource->observed_by, "probes"));
}

/* A row that cannot be read must not cost the others what was seen of them. */
static bool is_left_out(struct error *error)
{
    bool damaged = error->code == ERROR_DAMAGED;
    if (damaged)
        error_clear(error);
    return damaged;
}

static bool take_one(struct supervisor *supervisor, const json_t *seen, int64_t at_ms, struct map *touched,
                     struct arena *arena, struct error *error)
{
    struct resource row;
    int status = word_value(resource_status_names, json_get_text(seen, "status"));
    enum store_found found =
        store_get(supervisor->store, &resource_type, json_get_text(seen, "resource"), arena, &row, error);
    if (found != STORE_FOUND)
        return found == STORE_MISSING || is_left_out(error);
    if (status < 0 || !may_follow(&row))
        return true;
    if (row.status != status)
        map_set(touched, row.environment, arena_strdup(arena, row.environment));
    row.status = status;
    row.status_reason = json_get_text(seen, "reason");
    if (!text_empty(json_get_text(seen, "ready")))
        row.ready = json_get_text(seen, "ready");
    row.observed_at = at_ms;
    row.observed_by = "probes";
    return store_put(supervisor->store, &resource_type, &row, error);
}

struct health {
    bool degraded, unreachable;
};

static bool visit_health(const void *row, void *context)
{
    const struct resource *resource = row;
    struct health *health = context;
    health->degraded = health->degraded || resource->status == RESOURCE_DEGRADED || resource->status == RESOURCE_FAILED;
    health->unreachable = health->unreachable || (resource->status == RESOURCE_UNKNOWN && resource->observed_at > 0);
    return true;
}

static bool mark_environment(struct supervisor *supervisor, const char *id, struct arena *arena, struct error *error)
{
    static const char *const columns[] = {"id", "status", "observed_at", NULL};
    struct environment row;
    struct health health = {0};
    struct store_query query = {.type = &resource_type, .index = "environment", .equal = {id}, .columns = columns};
    enum store_found found = store_get(supervisor->store, &environment_type, id, arena, &row, error);
    if (found != STORE_FOUND)
        return found == STORE_MISSING || is_left_out(error);
    if (!store_each(supervisor->store, &query, visit_health, &health, error))
        return is_left_out(error);
    row.marks &= ~(unsigned)(MARK_DEGRADED | MARK_UNREACHABLE);
    row.marks |= (health.degraded ? MARK_DEGRADED : 0u) | (health.unreachable ? MARK_UNREACHABLE : 0u);
    row.observed_at = time_now_ms();
    row.observed_by = "probes";
    return store_put(supervisor->store, &environment_type, &row, error);
}

static bool take_all(struct supervisor *supervisor, const json_t *message, struct arena *arena, struct error *error)
{
    struct map touched = {0};
    size_t at;
    json_t *seen;
    int64_t at_ms = json_get_int(message, "at");
    bool taken = true;
    json_array_foreach(json_object_get(message, "seen"), at, seen) taken =
        taken && take_one(supervisor, seen, at_ms, &touched, arena, error);
    size_t slot = 0;
    const char *environment;
    void *value;
    while (taken && map_next(&touched, &slot, &environment, &value))
        taken = mark_environment(supervisor, environment, arena, error);
    map_release(&touched);
    struct sweep sweep = {.id = "probes/all",
                          .provider = "probes",
                          .what = "all",
                          .complete = true,
                          .at = at_ms,
                          .count = json_get_int(message, "count"),
                          .took_ms = json_get_int(message, "took_ms")};
    return taken && store_put(supervisor->store, &sweep_type, &sweep, error);
}

void observations_take(struct supervisor *supervisor, const char *json, size_t length)
{
    struct arena arena = {0};
    struct error error = {0};
    json_t *message = json_loadb(json, length, 0, NULL);
    supervisor_cool(supervisor); /* resource rows change under the hot facts */
    if (message && (!store_begin(supervisor->store, STORE_RELAXED, &error) ||
                    !take_all(supervisor, message, &arena, &error) || !store_commit(supervisor->store, NULL, &error))) {
        log_error("agent", LOG_ERROR, &error);
        store_abandon(supervisor->store);
    }
    json_decref(message);
    arena_release(&arena);
}
