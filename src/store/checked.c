/* SPDX-License-Identifier: ISC */
/*
 * A backend that wraps another and watches both sides: a caller that breaks the rules of backend.h is a bug (abort), a backend that
 * breaks its promises is an error.
 */
#include "store/backend.h"

#include "berth/base/str.h"
#include "store/order.h"

#include <stdlib.h>

struct checked {
    struct backend backend, *inner;
    bool reading, writing;
    int visiting; /* depth of visits: nothing may be written meanwhile, and no bracket may end */
};

static struct checked *checked_of(struct backend *backend)
{
    return (struct checked *)(void *)backend;
}

static bool broken(struct checked *checked, struct error *error, const char *promise, const char *type, const char *id)
{
    error_set(error, ERROR_STORE, "the %s store broke a promise: %s", checked->inner->ops->name, promise);
    return error_detail(error, "%s %s", type, id);
}

/* --- transactions --------------------------------------------------------------------------------------------- */

static bool checked_read_begin(struct backend *backend, struct error *error)
{
    struct checked *checked = checked_of(backend);
    BUG_ON(checked->reading || checked->writing || checked->visiting);
    return checked->reading = checked->inner->ops->read_begin(checked->inner, error);
}

static void checked_read_end(struct backend *backend)
{
    struct checked *checked = checked_of(backend);
    BUG_ON(!checked->reading || checked->visiting);
    checked->reading = false;
    checked->inner->ops->read_end(checked->inner);
}

static bool checked_write_begin(struct backend *backend, enum store_durability durability, struct error *error)
{
    struct checked *checked = checked_of(backend);
    BUG_ON(checked->reading || checked->writing || checked->visiting);
    BUG_ON(durability != STORE_DURABLE && durability != STORE_RELAXED);
    return checked->writing = checked->inner->ops->write_begin(checked->inner, durability, error);
}

static bool checked_write_commit(struct backend *backend, struct error *error)
{
    struct checked *checked = checked_of(backend);
    BUG_ON(!checked->writing || checked->visiting);
    checked->writing = false;
    return checked->inner->ops->write_commit(checked->inner, error);
}

static void checked_write_abandon(struct backend *backend)
{
    struct checked *checked = checked_of(backend);
    BUG_ON(!checked->writing || checked->visiting);
    checked->writing = false;
    checked->inner->ops->write_abandon(checked->inner);
}

static void may_write(struct checked *checked)
{
    BUG_ON(!checked->writing || checked->visiting);
}

/* --- rows ------------------------------------------------------------------------------------------------------- */

static enum store_found checked_get(struct backend *backend, const struct record_type *type, const char *id,
                                    struct arena *arena, void *row, struct error *error)
{
    struct checked *checked = checked_of(backend);
    BUG_ON(!id || !arena || !row);
    enum store_found found = checked->inner->ops->get(checked->inner, type, id, arena, row, error);
    if (found == STORE_FOUND && !text_equal(record_id(row), id)) {
        broken(checked, error, "get gave another row", type->name, id);
        return STORE_ERROR;
    }
    return found;
}

struct watch {
    struct checked *checked;
    const struct store_query *query;
    struct order order;
    store_visit *visit;
    void *context;
    struct arena arena;
    const void *last;
    size_t rows;
    bool whole; /* all columns are there, so order and filter can be seen */
    bool failed;
    struct error *error;
};

static bool watch_row(const void *row, void *context)
{
    struct watch *watch = context;
    const struct record_type *type = watch->query->type;
    const char *promise = NULL;
    if (record_revision(type, row) <= watch->query->since && watch->query->since > 0)
        promise = "each gave a row that is not younger than asked";
    else if (watch->query->limit > 0 && ++watch->rows > watch->query->limit)
        promise = "each gave more rows than asked";
    else if (watch->whole && !order_fits(&watch->order, row))
        promise = "each gave a row that does not fit the query";
    else if (watch->whole && watch->last && order_compare(&watch->order, watch->last, row) >= 0)
        promise = "each gave rows out of order";
    for (size_t i = 0; !promise && i < type->column_count; i++)
        if (cell_is_text(&type->columns[i]) &&
            !*(const char *const *)(const void *)((const char *)row + type->columns[i].offset))
            promise = "each gave a text that is no text";
    if (promise) {
        watch->failed = true;
        return broken(watch->checked, watch->error, promise, type->name, record_id(row));
    }
    if (watch->whole) {
        arena_release(&watch->arena);
        watch->last = record_copy(type, row, &watch->arena);
    }
    return watch->visit(row, watch->context);
}

static bool checked_each(struct backend *backend, const struct store_query *query, store_visit *visit, void *context,
                         struct error *error)
{
    struct checked *checked = checked_of(backend);
    BUG_ON(!query->type || !visit);
    struct watch watch = {.checked = checked,
                          .query = query,
                          .visit = visit,
                          .context = context,
                          .whole = query->columns == NULL,
                          .error = error};
    order_of(&watch.order, query);
    checked->visiting++;
    bool done = checked->inner->ops->each(checked->inner, query, watch_row, &watch, error);
    checked->visiting--;
    arena_release(&watch.arena);
    return done && !watch.failed;
}

static bool count_row(const void *row, void *context)
{
    (void)row;
    ++*(int64_t *)context;
    return true;
}

static bool checked_count(struct backend *backend, const struct store_query *query, int64_t *count, struct error *error)
{
    struct checked *checked = checked_of(backend);
    int64_t visited = 0;
    /* Outside a bracket another process may write between the two. */
    if (!checked->reading && !checked->writing)
        return checked->inner->ops->count(checked->inner, query, count, error);
    if (!checked->inner->ops->count(checked->inner, query, count, error) ||
        !checked_each(backend, query, count_row, &visited, error))
        return false;
    return visited == *count || broken(checked, error, "count and each differ", query->type->name, "");
}

/* The row that was written is the row that is read. */
static bool written(struct checked *checked, const struct record_type *type, const void *row, int64_t revision,
                    struct error *error)
{
    struct arena arena = {0};
    void *copy = arena_alloc(&arena, type->size);
    enum store_found found = checked->inner->ops->get(checked->inner, type, record_id(row), &arena, copy, error);
    bool same = found == STORE_FOUND && record_compare(type, row, copy) == RECORD_SAME &&
                record_revision(type, copy) == revision;
    arena_release(&arena);
    if (found == STORE_ERROR)
        return false;
    return same || broken(checked, error, "a written row reads differently", type->name, record_id(row));
}

static bool is_there(struct checked *checked, const struct record_type *type, const char *id)
{
    struct arena arena = {0};
    void *copy = arena_alloc(&arena, type->size);
    enum store_found found = checked->inner->ops->get(checked->inner, type, id, &arena, copy, NULL);
    arena_release(&arena);
    return found == STORE_FOUND;
}

static bool checked_insert(struct backend *backend, const struct record_type *type, const void *row, int64_t revision,
                           struct error *error)
{
    struct checked *checked = checked_of(backend);
    may_write(checked);
    BUG_ON(!record_check(type, row, NULL) || is_there(checked, type, record_id(row)));
    return checked->inner->ops->insert(checked->inner, type, row, revision, error) &&
           written(checked, type, row, revision, error);
}

static bool checked_update(struct backend *backend, const struct record_type *type, const void *row, int64_t revision,
                           struct error *error)
{
    struct checked *checked = checked_of(backend);
    may_write(checked);
    BUG_ON(!record_check(type, row, NULL) || (type->flags & RECORD_APPEND) || !is_there(checked, type, record_id(row)));
    return checked->inner->ops->update(checked->inner, type, row, revision, error) &&
           written(checked, type, row, revision, error);
}

static bool checked_remove(struct backend *backend, const struct record_type *type, const char *id, struct error *error)
{
    struct checked *checked = checked_of(backend);
    may_write(checked);
    BUG_ON((type->flags & RECORD_APPEND) || !is_there(checked, type, id));
    if (!checked->inner->ops->remove(checked->inner, type, id, error))
        return false;
    return !is_there(checked, type, id) || broken(checked, error, "a removed row is still there", type->name, id);
}

/* --- numbers, texts, tombstones, values ---------------------------------------------------------------------------- */

static bool checked_get_number(struct backend *backend, const char *name, int64_t *value, struct error *error)
{
    struct checked *checked = checked_of(backend);
    return checked->inner->ops->get_number(checked->inner, name, value, error);
}

static bool checked_set_number(struct backend *backend, const char *name, int64_t value, struct error *error)
{
    struct checked *checked = checked_of(backend);
    int64_t back;
    may_write(checked);
    if (!checked->inner->ops->set_number(checked->inner, name, value, error) ||
        !checked->inner->ops->get_number(checked->inner, name, &back, error))
        return false;
    return back == value || broken(checked, error, "a number reads differently", "number", name);
}

static bool checked_get_text(struct backend *backend, const char *name, char *value, size_t size, struct error *error)
{
    struct checked *checked = checked_of(backend);
    return checked->inner->ops->get_text(checked->inner, name, value, size, error);
}

static bool checked_set_text(struct backend *backend, const char *name, const char *value, struct error *error)
{
    struct checked *checked = checked_of(backend);
    may_write(checked);
    return checked->inner->ops->set_text(checked->inner, name, value, error);
}

static bool checked_tombstone_put(struct backend *backend, const struct record_type *type, const char *id,
                                  int64_t revision, int64_t at, struct error *error)
{
    struct checked *checked = checked_of(backend);
    may_write(checked);
    BUG_ON(is_there(checked, type, id));
    return checked->inner->ops->tombstone_put(checked->inner, type, id, revision, at, error);
}

static bool checked_tombstone_drop(struct backend *backend, const struct record_type *type, const char *id,
                                   struct error *error)
{
    struct checked *checked = checked_of(backend);
    may_write(checked);
    return checked->inner->ops->tombstone_drop(checked->inner, type, id, error);
}

struct tombstone_watch {
    struct checked *checked;
    int64_t since;
    backend_tombstone_visit *visit;
    void *context;
    bool failed;
    struct error *error;
};

static bool watch_tombstone(const char *type, const char *id, int64_t revision, void *context)
{
    struct tombstone_watch *watch = context;
    const struct record_type *found = record_type_named(type);
    if (revision <= watch->since || (found && is_there(watch->checked, found, id))) {
        watch->failed = true;
        return broken(watch->checked, watch->error, "a tombstone is too old, or its row is there", type, id);
    }
    watch->since = revision - 1;
    return watch->visit(type, id, revision, watch->context);
}

static bool checked_tombstones(struct backend *backend, int64_t since, backend_tombstone_visit *visit, void *context,
                               struct error *error)
{
    struct checked *checked = checked_of(backend);
    struct tombstone_watch watch = {
        .checked = checked, .since = since, .visit = visit, .context = context, .error = error};
    BUG_ON(!checked->reading && !checked->writing);
    checked->visiting++;
    bool done = checked->inner->ops->tombstones(checked->inner, since, watch_tombstone, &watch, error);
    checked->visiting--;
    return done && !watch.failed;
}

static bool checked_tombstone_trim(struct backend *backend, int64_t before, size_t *rows, int64_t *highest,
                                   struct error *error)
{
    struct checked *checked = checked_of(backend);
    may_write(checked);
    return checked->inner->ops->tombstone_trim(checked->inner, before, rows, highest, error);
}

static bool checked_value_put(struct backend *backend, const struct record_type *type, const char *id, int64_t revision,
                              int64_t at, const char *bytes, size_t count, int64_t *grown, struct error *error)
{
    struct checked *checked = checked_of(backend);
    may_write(checked);
    BUG_ON(!(type->flags & RECORD_HISTORY));
    return checked->inner->ops->value_put(checked->inner, type, id, revision, at, bytes, count, grown, error);
}

static bool checked_values(struct backend *backend, const struct record_type *type, const char *id, int64_t since,
                           int64_t until, size_t limit, backend_value_visit *visit, void *context, struct error *error)
{
    struct checked *checked = checked_of(backend);
    checked->visiting++;
    bool done = checked->inner->ops->values(checked->inner, type, id, since, until, limit, visit, context, error);
    checked->visiting--;
    return done;
}

static bool checked_value_trim(struct backend *backend, const struct record_type *type, int64_t before, size_t *rows,
                               int64_t *freed, struct error *error)
{
    struct checked *checked = checked_of(backend);
    may_write(checked);
    bool done = checked->inner->ops->value_trim(checked->inner, type, before, rows, freed, error);
    return done && (*freed >= 0 || broken(checked, error, "trimming made the values larger", type->name, ""));
}

/* --- the rest ------------------------------------------------------------------------------------------------------ */

static int checked_bell(struct backend *backend)
{
    struct checked *checked = checked_of(backend);
    return checked->inner->ops->bell(checked->inner);
}

static bool checked_changed(struct backend *backend)
{
    struct checked *checked = checked_of(backend);
    BUG_ON(checked->reading || checked->writing); /* one moment never changes: asked here it would always say no */
    return checked->inner->ops->changed(checked->inner);
}

static void checked_ring(struct backend *backend)
{
    struct checked *checked = checked_of(backend);
    BUG_ON(checked->writing); /* before COMMIT returned nobody could see it */
    checked->inner->ops->ring(checked->inner);
}

static bool checked_verify(struct backend *backend, struct error *error)
{
    struct checked *checked = checked_of(backend);
    return checked->inner->ops->verify(checked->inner, error);
}

static void checked_close(struct backend *backend)
{
    struct checked *checked = checked_of(backend);
    BUG_ON(checked->reading || checked->writing || checked->visiting);
    checked->inner->ops->close(checked->inner);
    free(checked);
}

static const struct backend_ops checked_ops = {
    .name = "checked",
    .close = checked_close,
    .read_begin = checked_read_begin,
    .read_end = checked_read_end,
    .write_begin = checked_write_begin,
    .write_commit = checked_write_commit,
    .write_abandon = checked_write_abandon,
    .get = checked_get,
    .each = checked_each,
    .count = checked_count,
    .insert = checked_insert,
    .update = checked_update,
    .remove = checked_remove,
    .get_number = checked_get_number,
    .set_number = checked_set_number,
    .get_text = checked_get_text,
    .set_text = checked_set_text,
    .tombstone_put = checked_tombstone_put,
    .tombstone_drop = checked_tombstone_drop,
    .tombstones = checked_tombstones,
    .tombstone_trim = checked_tombstone_trim,
    .value_put = checked_value_put,
    .values = checked_values,
    .value_trim = checked_value_trim,
    .bell = checked_bell,
    .changed = checked_changed,
    .ring = checked_ring,
    .verify = checked_verify,
};

struct backend *backend_checked_new(struct backend *inner)
{
    struct checked *checked = mem_zero(1, sizeof *checked);
    checked->backend.ops = &checked_ops;
    checked->inner = inner;
    return &checked->backend;
}
