/* SPDX-License-Identifier: ISC */
/* The feed: what changed after a cursor, and the values that changes had. */
#include "store/private.h"

#include "berth/base/str.h"

#include <inttypes.h>
#include <stdio.h>

#define TRIM_ROWS 500 /* forgotten in one call of store_trim, so that no command waits for it */

bool feed_keep(struct store *store, const struct record_type *type, const char *id, const void *row,
               struct error *error)
{
    if (!(type->flags & RECORD_HISTORY))
        return true;
    struct str bytes = STR_INIT;
    if (row)
        record_pack(type, row, &bytes);
    int64_t grown = 0;
    bool done = store->backend->ops->value_put(store->backend, type, id, store->revision, store->at,
                                               row ? bytes.data : NULL, bytes.length, &grown, error);
    store->grown += grown;
    str_release(&bytes);
    return done;
}

/* --- what changed ------------------------------------------------------------------------------------------- */

static bool reload(struct error *error, const char *why)
{
    error_set(error, ERROR_CONFLICT, "the feed cannot go on from this cursor");
    error_detail(error, "%s", why);
    return error_hint(error, "read everything anew and follow from there");
}

static bool cursor_fits(struct store *store, const struct store_cursor *cursor, const struct store_cursor *now,
                        struct error *error)
{
    const struct backend_ops *ops = store->backend->ops;
    if (cursor->revision == 0 && cursor->store_id[0] == '\0')
        return true;
    if (!text_equal(cursor->store_id, now->store_id))
        return reload(error, "it is of another store");
    if (cursor->epoch > now->epoch || cursor->revision > now->revision)
        return reload(error, "it is ahead of the store, which was put back to an earlier state");
    for (int64_t epoch = cursor->epoch + 1; epoch <= now->epoch; epoch++) {
        char name[40];
        int64_t began;
        snprintf(name, sizeof name, NUMBER_EPOCH_PREFIX "%" PRId64, epoch);
        if (!ops->get_number(store->backend, name, &began, error))
            return false;
        if (cursor->revision > began)
            return reload(error, "the store was put back to an earlier state meanwhile");
    }
    int64_t horizon;
    if (!ops->get_number(store->backend, NUMBER_HORIZON, &horizon, error))
        return false;
    if (cursor->revision < horizon && cursor->revision > 0)
        return reload(error, "it is older than what the store remembers of removed rows");
    return true;
}

struct follow {
    feed_visit *visit;
    void *context;
    const struct record_type *type;
    bool stopped;
};

static bool follow_tombstone(const char *type, const char *id, int64_t revision, void *context)
{
    struct follow *follow = context;
    struct feed_change change = {.kind = FEED_REMOVED, .type = record_type_named(type), .id = id, .revision = revision};
    if (change.type && !follow->visit(&change, follow->context))
        follow->stopped = true;
    return !follow->stopped;
}

static bool follow_row(const void *row, void *context)
{
    struct follow *follow = context;
    struct feed_change change = {.kind = FEED_PUT,
                                 .type = follow->type,
                                 .id = record_id(row),
                                 .revision = record_revision(follow->type, row),
                                 .row = row};
    if (!follow->visit(&change, follow->context))
        follow->stopped = true;
    return !follow->stopped;
}

/* Whoever follows keeps what the row was before. */
static void pass_over(const char *id, const struct error *error, void *context)
{
    (void)id;
    (void)error;
    (void)context;
}

static bool follow_all(struct store *store, int64_t since, struct follow *follow, struct error *error)
{
    const struct backend_ops *ops = store->backend->ops;
    if (since > 0 && !ops->tombstones(store->backend, since, follow_tombstone, follow, error))
        return false;
    size_t count;
    const struct record_type *const *types = record_types(&count);
    for (size_t i = 0; i < count && !follow->stopped; i++) {
        struct store_query query = {.type = types[i], .since = since, .damaged = pass_over};
        follow->type = types[i];
        if (!ops->each(store->backend, &query, follow_row, follow, error))
            return false;
    }
    return true;
}

bool feed_since(struct store *store, struct store_cursor *cursor, feed_visit *visit, void *context, struct error *error)
{
    bool bracket = !store->reading && !store->writing;
    if (bracket && !store_read_begin(store, error))
        return false;
    struct store_cursor now;
    struct follow follow = {.visit = visit, .context = context};
    bool done = store_cursor(store, &now, error) && cursor_fits(store, cursor, &now, error) &&
                (now.revision == cursor->revision || follow_all(store, cursor->revision, &follow, error));
    if (bracket)
        store_read_end(store);
    if (done && !follow.stopped)
        *cursor = now;
    return done;
}

/* --- as it was ---------------------------------------------------------------------------------------------- */

struct lookup {
    const struct record_type *type;
    struct arena *arena;
    void *row;
    enum store_found found;
    struct error *error;
};

static bool look_at_value(const char *id, int64_t revision, int64_t at, const char *bytes, size_t count, void *context)
{
    (void)id, (void)at;
    struct lookup *lookup = context;
    size_t taken;
    if (!bytes)
        return false;
    bool read = record_unpack(lookup->type, bytes, count, lookup->arena, lookup->row, &taken, lookup->error);
    lookup->found = read ? STORE_FOUND : STORE_ERROR;
    *(int64_t *)(void *)((char *)lookup->row + lookup->type->revision_offset) = revision;
    return false;
}

enum store_found feed_at(struct store *store, const struct record_type *type, const char *id, int64_t at_ms,
                         struct arena *arena, void *row, struct error *error)
{
    BUG_ON(!(type->flags & RECORD_HISTORY));
    struct lookup lookup = {.type = type, .arena = arena, .row = row, .found = STORE_MISSING, .error = error};
    if (!store_may_read(error) ||
        !store->backend->ops->values(store->backend, type, id, INT64_MIN, at_ms, 1, look_at_value, &lookup, error))
        return STORE_ERROR;
    return lookup.found;
}

struct history {
    const struct record_type *type;
    feed_value_visit *visit;
    void *context, *row;
    bool failed;
    struct error *error;
};

static bool tell_value(const char *id, int64_t revision, int64_t at, const char *bytes, size_t count, void *context)
{
    struct history *history = context;
    struct feed_value value = {.type = history->type, .id = id, .revision = revision, .at = at};
    struct arena arena = {0};
    size_t taken;
    if (bytes) {
        if (!record_unpack(history->type, bytes, count, &arena, history->row, &taken, history->error)) {
            history->failed = true;
            arena_release(&arena);
            return false;
        }
        *(int64_t *)(void *)((char *)history->row + history->type->revision_offset) = revision;
        value.row = history->row;
    }
    bool more = history->visit(&value, history->context);
    arena_release(&arena);
    return more;
}

bool feed_history(struct store *store, const struct record_type *type, const char *id, int64_t since_ms, size_t limit,
                  feed_value_visit *visit, void *context, struct error *error)
{
    BUG_ON(!(type->flags & RECORD_HISTORY));
    struct arena arena = {0};
    struct history history = {
        .type = type, .visit = visit, .context = context, .row = arena_alloc(&arena, type->size), .error = error};
    bool done = store_may_read(error) && store->backend->ops->values(store->backend, type, id, since_ms, INT64_MAX,
                                                                     limit, tell_value, &history, error);
    arena_release(&arena);
    return done && !history.failed;
}

/* --- the horizon -------------------------------------------------------------------------------------------- */

static bool trim_values(struct store *store, int64_t now_ms, bool *more, struct error *error)
{
    const struct backend_ops *ops = store->backend->ops;
    int64_t bytes, freed;
    if (!ops->get_number(store->backend, NUMBER_VALUE_BYTES, &bytes, error))
        return false;
    /* Too many bytes: whatever was replaced by now may go, oldest first; else only what was replaced before the horizon. */
    int64_t before = bytes > STORE_HORIZON_BYTES ? now_ms : now_ms - STORE_HORIZON_MS;
    size_t count;
    const struct record_type *const *types = record_types(&count);
    for (size_t i = 0; i < count; i++) {
        size_t rows = TRIM_ROWS;
        if (!(types[i]->flags & RECORD_HISTORY))
            continue;
        freed = 0;
        if (!ops->value_trim(store->backend, types[i], before, &rows, &freed, error))
            return false;
        store->grown -= freed;
        store->wrote |= rows > 0;
        *more |= rows == TRIM_ROWS;
    }
    return true;
}

static bool trim_tombstones(struct store *store, int64_t now_ms, bool *more, struct error *error)
{
    const struct backend_ops *ops = store->backend->ops;
    int64_t horizon, highest = 0;
    size_t rows = TRIM_ROWS;
    if (!ops->get_number(store->backend, NUMBER_HORIZON, &horizon, error) ||
        !ops->tombstone_trim(store->backend, now_ms - STORE_HORIZON_MS, &rows, &highest, error))
        return false;
    if (rows == 0)
        return true;
    *more |= rows == TRIM_ROWS;
    store->wrote = true;
    return highest <= horizon || ops->set_number(store->backend, NUMBER_HORIZON, highest, error);
}

bool store_trim(struct store *store, int64_t now_ms, bool *more, struct error *error)
{
    BUG_ON(store->role != STORE_OWNER);
    *more = false;
    if (!store_begin(store, STORE_RELAXED, error))
        return false;
    if (!trim_values(store, now_ms, more, error) || !trim_tombstones(store, now_ms, more, error)) {
        store_abandon(store);
        *more = false;
        return false;
    }
    return store_commit(store, NULL, error);
}
