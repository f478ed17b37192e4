/* SPDX-License-Identifier: ISC */
/*
 * The backend in memory: sorted shelves of items, and a list of what to put back when a transaction is abandoned. Plain and
 * slow on purpose: it is what the other backends are compared with.
 */
#include "store/backend.h"

#include "berth/base/str.h"
#include "store/order.h"

#include <stdio.h>
#include <stdlib.h>

struct item {
    const char *key;   /* in `arena` */
    const void *value; /* in `arena`: a row, or one of the structs below */
    int64_t revision, at;
    struct arena arena; /* dies with the item */
};
struct tombstone {
    const char *type, *id;
};
struct kept { /* a value of a change */
    const char *id, *bytes;
    size_t count;
};
struct shelf { /* sorted by key */
    VEC(struct item *) items;
};
struct undo {
    struct shelf *shelf;
    char *key;
    struct item *old; /* NULL: there was none */
};

#define TYPE_LIMIT 64
struct memory {
    struct backend backend;
    struct shelf rows[TYPE_LIMIT], values[TYPE_LIMIT];
    struct shelf tombstones, numbers, texts;
    VEC(struct undo) undo;
    int64_t commits, seen;
};

static void item_free(struct item *item)
{
    if (!item)
        return;
    arena_release(&item->arena);
    free(item);
}

static struct item *item_new(const char *key)
{
    struct item *item = mem_zero(1, sizeof *item);
    item->key = arena_strdup(&item->arena, key);
    return item;
}

/* The place of the first item whose key is not below. */
static size_t shelf_place(const struct shelf *shelf, const char *key)
{
    size_t low = 0, high = shelf->items.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(shelf->items.items[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct item *shelf_find(const struct shelf *shelf, const char *key)
{
    size_t place = shelf_place(shelf, key);
    if (place == shelf->items.count || strcmp(shelf->items.items[place]->key, key) != 0)
        return NULL;
    return shelf->items.items[place];
}

/* Puts (or, with `item` NULL, takes out) and returns what was there. */
static struct item *shelf_swap(struct shelf *shelf, const char *key, struct item *item)
{
    size_t place = shelf_place(shelf, key), count = shelf->items.count;
    struct item *old =
        place < count && strcmp(shelf->items.items[place]->key, key) == 0 ? shelf->items.items[place] : NULL;
    if (old && item) {
        shelf->items.items[place] = item;
    } else if (old) {
        memmove(shelf->items.items + place, shelf->items.items + place + 1, (count - place - 1) * sizeof item);
        shelf->items.count--;
    } else if (item) {
        vec_push(&shelf->items, item);
        memmove(shelf->items.items + place + 1, shelf->items.items + place, (count - place) * sizeof item);
        shelf->items.items[place] = item;
    }
    return old;
}

static void change(struct memory *memory, struct shelf *shelf, const char *key, struct item *item)
{
    struct undo undo = {.shelf = shelf, .key = mem_strdup(key)};
    undo.old = shelf_swap(shelf, undo.key, item);
    vec_push(&memory->undo, undo);
}

static void shelf_release(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->items.count; i++)
        item_free(shelf->items.items[i]);
    vec_release(&shelf->items);
}

static size_t type_place(const struct record_type *type)
{
    size_t count, i = 0;
    const struct record_type *const *types = record_types(&count);
    while (i < count && types[i] != type)
        i++;
    BUG_ON(i == count || count > TYPE_LIMIT);
    return i;
}

static struct memory *memory_of(struct backend *backend)
{
    return (struct memory *)(void *)backend;
}

static struct shelf *rows_of(struct backend *backend, const struct record_type *type)
{
    return &memory_of(backend)->rows[type_place(type)];
}

/* --- transactions ------------------------------------------------------------------------------------------- */

static bool memory_read_begin(struct backend *backend, struct error *error)
{
    (void)backend, (void)error;
    return true;
}

static void memory_read_end(struct backend *backend)
{
    (void)backend;
}

static bool memory_write_begin(struct backend *backend, enum store_durability durability, struct error *error)
{
    (void)durability, (void)error;
    BUG_ON(memory_of(backend)->undo.count > 0);
    return true;
}

static bool memory_write_commit(struct backend *backend, struct error *error)
{
    (void)error;
    struct memory *memory = memory_of(backend);
    for (size_t i = 0; i < memory->undo.count; i++) {
        item_free(memory->undo.items[i].old);
        free(memory->undo.items[i].key);
    }
    vec_clear(&memory->undo);
    return true;
}

static void memory_write_abandon(struct backend *backend)
{
    struct memory *memory = memory_of(backend);
    while (memory->undo.count > 0) {
        struct undo *undo = &memory->undo.items[--memory->undo.count];
        item_free(shelf_swap(undo->shelf, undo->key, undo->old));
        free(undo->key);
    }
}

/* --- rows --------------------------------------------------------------------------------------------------- */

static enum store_found memory_get(struct backend *backend, const struct record_type *type, const char *id,
                                   struct arena *arena, void *row, struct error *error)
{
    (void)error;
    const struct item *item = shelf_find(rows_of(backend, type), id);
    if (!item)
        return STORE_MISSING;
    memcpy(row, record_copy(type, item->value, arena), type->size);
    return STORE_FOUND;
}

static bool unique_holds(struct backend *backend, const struct record_type *type, const void *row, struct error *error)
{
    const struct shelf *shelf = rows_of(backend, type);
    for (size_t i = 0; i < type->index_count; i++) {
        if (!type->indexes[i].unique)
            continue;
        const struct column *column = record_column(type, type->indexes[i].columns[0]);
        if (cell_text(column, row)[0] == '\0')
            continue;
        for (size_t r = 0; r < shelf->items.count; r++) {
            const void *other = shelf->items.items[r]->value;
            if (cell_equal(column, row, other) && strcmp(record_id(row), record_id(other)) != 0) {
                error_set(error, ERROR_CONFLICT, "%s %s is not the only one with its %s", type->name, record_id(row),
                          column->name);
                return false;
            }
        }
    }
    return true;
}

static bool memory_set(struct backend *backend, const struct record_type *type, const void *row, int64_t revision,
                       struct error *error)
{
    if (!unique_holds(backend, type, row, error))
        return false;
    struct item *item = item_new(record_id(row));
    char *copy = record_copy(type, row, &item->arena);
    *(int64_t *)(void *)(copy + type->revision_offset) = revision;
    item->value = copy;
    change(memory_of(backend), rows_of(backend, type), item->key, item);
    return true;
}

static bool memory_remove(struct backend *backend, const struct record_type *type, const char *id, struct error *error)
{
    (void)error;
    change(memory_of(backend), rows_of(backend, type), id, NULL);
    return true;
}

static int compare_rows(const void *a, const void *b, void *order)
{
    return order_compare(order, *(const void *const *)a, *(const void *const *)b);
}

struct matches {
    VEC(const void *) rows;
};

static bool find_matches(struct backend *backend, const struct store_query *query, struct matches *matches,
                         struct error *error)
{
    struct order order;
    order_of(&order, query);
    const struct shelf *shelf = rows_of(backend, query->type);
    const struct item *after = query->after ? shelf_find(shelf, query->after) : NULL;
    if (query->after && query->index && !after)
        return error_set(error, ERROR_NOT_FOUND, "the list of %s cannot go on after %s, which is gone",
                         query->type->name, query->after);
    for (size_t i = 0; i < shelf->items.count; i++) {
        const void *row = shelf->items.items[i]->value;
        if (!order_fits(&order, row) || record_revision(query->type, row) <= query->since)
            continue;
        if (after && order_compare(&order, row, after->value) <= 0)
            continue;
        if (query->after && !after) { /* by id, after a row that is gone */
            int difference = strcmp(record_id(row), query->after);
            if (query->descending ? difference >= 0 : difference <= 0)
                continue;
        }
        vec_push(&matches->rows, row);
    }
    if (matches->rows.count > 1)
        qsort_r(matches->rows.items, matches->rows.count, sizeof *matches->rows.items, compare_rows, &order);
    if (query->limit > 0 && matches->rows.count > query->limit)
        matches->rows.count = query->limit;
    return true;
}

/* Only the asked columns, so that a caller that forgot one sees it here as it would with SQL. */
static void select_columns(const struct store_query *query, const void *row, void *selected)
{
    memset(selected, 0, query->type->size);
    for (size_t i = 0; i < query->type->column_count; i++) {
        const struct column *column = &query->type->columns[i];
        bool asked = i == 0;
        for (size_t c = 0; query->columns[c] && !asked; c++)
            asked = text_equal(query->columns[c], column->name);
        if (asked && cell_is_text(column))
            cell_set_text(column, selected, cell_text(column, row));
        else if (asked)
            cell_set_number(column, selected, cell_number(column, row));
        else if (cell_is_text(column))
            cell_set_text(column, selected, "");
    }
    *(int64_t *)(void *)((char *)selected + query->type->revision_offset) = record_revision(query->type, row);
}

static bool memory_each(struct backend *backend, const struct store_query *query, store_visit *visit, void *context,
                        struct error *error)
{
    struct matches matches = {0};
    bool done = find_matches(backend, query, &matches, error);
    void *selected = mem_alloc(query->type->size);
    bool more = true;
    for (size_t i = 0; done && more && i < matches.rows.count; i++) {
        const void *row = matches.rows.items[i];
        if (query->columns) {
            select_columns(query, row, selected);
            row = selected;
        }
        more = visit(row, context);
    }
    free(selected);
    vec_release(&matches.rows);
    return done;
}

static bool memory_count(struct backend *backend, const struct store_query *query, int64_t *count, struct error *error)
{
    struct matches matches = {0};
    bool done = find_matches(backend, query, &matches, error);
    *count = (int64_t)matches.rows.count;
    vec_release(&matches.rows);
    return done;
}

/* --- numbers and texts ---------------------------------------------------------------------------------------- */

static bool memory_get_number(struct backend *backend, const char *name, int64_t *value, struct error *error)
{
    (void)error;
    const struct item *item = shelf_find(&memory_of(backend)->numbers, name);
    *value = item ? item->revision : 0;
    return true;
}

static bool memory_set_number(struct backend *backend, const char *name, int64_t value, struct error *error)
{
    (void)error;
    struct item *item = item_new(name);
    item->revision = value;
    change(memory_of(backend), &memory_of(backend)->numbers, item->key, item);
    return true;
}

static bool memory_get_text(struct backend *backend, const char *name, char *value, size_t size, struct error *error)
{
    const struct item *item = shelf_find(&memory_of(backend)->texts, name);
    if (text_copy(value, size, item ? item->value : ""))
        return true;
    return error_set(error, ERROR_CORRUPT, "the store's %s is too long", name);
}

static bool memory_set_text(struct backend *backend, const char *name, const char *value, struct error *error)
{
    (void)error;
    struct item *item = item_new(name);
    item->value = arena_strdup(&item->arena, value);
    change(memory_of(backend), &memory_of(backend)->texts, item->key, item);
    return true;
}

/* --- tombstones ----------------------------------------------------------------------------------------------- */

static bool memory_tombstone_drop(struct backend *backend, const struct record_type *type, const char *id,
                                  struct error *error)
{
    (void)error;
    struct memory *memory = memory_of(backend);
    struct str key = STR_INIT;
    str_addf(&key, "%s\n%s", type->name, id);
    if (shelf_find(&memory->tombstones, key.data))
        change(memory, &memory->tombstones, key.data, NULL);
    str_release(&key);
    return true;
}

static bool memory_tombstone_put(struct backend *backend, const struct record_type *type, const char *id,
                                 int64_t revision, int64_t at, struct error *error)
{
    (void)error;
    struct str key = STR_INIT;
    str_addf(&key, "%s\n%s", type->name, id);
    struct item *item = item_new(key.data);
    struct tombstone *tombstone = arena_alloc(&item->arena, sizeof *tombstone);
    tombstone->type = type->name;
    tombstone->id = arena_strdup(&item->arena, id);
    item->value = tombstone;
    item->revision = revision;
    item->at = at;
    change(memory_of(backend), &memory_of(backend)->tombstones, item->key, item);
    str_release(&key);
    return true;
}

struct picked {
    VEC(struct item *) items;
};

static int by_revision(const void *a, const void *b)
{
    const struct item *left = *(struct item *const *)a, *right = *(struct item *const *)b;
    if (left->revision != right->revision)
        return left->revision < right->revision ? -1 : 1;
    return strcmp(left->key, right->key);
}

static void sort_picked(struct picked *picked)
{
    if (picked->items.count > 1)
        qsort(picked->items.items, picked->items.count, sizeof *picked->items.items, by_revision);
}

static bool memory_tombstones(struct backend *backend, int64_t since, backend_tombstone_visit *visit, void *context,
                              struct error *error)
{
    (void)error;
    const struct shelf *shelf = &memory_of(backend)->tombstones;
    struct picked picked = {0};
    for (size_t i = 0; i < shelf->items.count; i++)
        if (shelf->items.items[i]->revision > since)
            vec_push(&picked.items, shelf->items.items[i]);
    sort_picked(&picked);
    bool more = true;
    for (size_t i = 0; more && i < picked.items.count; i++) {
        const struct tombstone *tombstone = picked.items.items[i]->value;
        more = visit(tombstone->type, tombstone->id, picked.items.items[i]->revision, context);
    }
    vec_release(&picked.items);
    return true;
}

static bool memory_tombstone_trim(struct backend *backend, int64_t before, size_t *rows, int64_t *highest,
                                  struct error *error)
{
    (void)error;
    struct memory *memory = memory_of(backend);
    struct picked picked = {0};
    for (size_t i = 0; i < memory->tombstones.items.count; i++)
        if (memory->tombstones.items.items[i]->at < before)
            vec_push(&picked.items, memory->tombstones.items.items[i]);
    sort_picked(&picked);
    if (picked.items.count < *rows)
        *rows = picked.items.count;
    for (size_t i = 0; i < *rows; i++) {
        *highest = picked.items.items[i]->revision;
        change(memory, &memory->tombstones, picked.items.items[i]->key, NULL);
    }
    vec_release(&picked.items);
    return true;
}

/* --- values of changes ------------------------------------------------------------------------------------------ */

static int64_t kept_cost(const struct item *item)
{
    return item ? (int64_t)((const struct kept *)item->value)->count + BACKEND_VALUE_OVERHEAD : 0;
}

static bool memory_value_put(struct backend *backend, const struct record_type *type, const char *id, int64_t revision,
                             int64_t at, const char *bytes, size_t count, int64_t *grown, struct error *error)
{
    (void)error;
    struct memory *memory = memory_of(backend);
    struct shelf *shelf = &memory->values[type_place(type)];
    struct str key = STR_INIT;
    str_addf(&key, "%s\n%020lld", id, (long long)revision);
    struct item *item = item_new(key.data);
    struct kept *kept = arena_alloc(&item->arena, sizeof *kept);
    kept->id = arena_strdup(&item->arena, id);
    kept->bytes = bytes ? arena_copy(&item->arena, bytes, count) : NULL;
    kept->count = bytes ? count : 0;
    item->value = kept;
    item->revision = revision;
    item->at = at;
    *grown = kept_cost(item) - kept_cost(shelf_find(shelf, key.data));
    change(memory, shelf, item->key, item);
    str_release(&key);
    return true;
}

static bool memory_values(struct backend *backend, const struct record_type *type, const char *id, int64_t since,
                          int64_t until, size_t limit, backend_value_visit *visit, void *context, struct error *error)
{
    (void)error;
    const struct shelf *shelf = &memory_of(backend)->values[type_place(type)];
    struct picked picked = {0};
    for (size_t i = 0; i < shelf->items.count; i++) {
        struct item *item = shelf->items.items[i];
        const struct kept *kept = item->value;
        if (item->at >= since && item->at <= until && (!id || strcmp(kept->id, id) == 0))
            vec_push(&picked.items, item);
    }
    sort_picked(&picked);
    size_t told = 0;
    bool more = true;
    for (size_t i = picked.items.count; more && i > 0 && (limit == 0 || told < limit); i--, told++) {
        const struct item *item = picked.items.items[i - 1];
        const struct kept *kept = item->value;
        more = visit(kept->id, item->revision, item->at, kept->bytes, kept->count, context);
    }
    vec_release(&picked.items);
    return true;
}

/* Whether the value was replaced before `before`: items of one id lie side by side, by revision. */
static bool kept_replaced(const struct shelf *shelf, size_t place, int64_t before)
{
    const struct item *item = shelf->items.items[place];
    const struct kept *kept = item->value;
    if (item->at >= before)
        return false;
    if (!kept->bytes)
        return true;
    for (size_t i = place + 1; i < shelf->items.count; i++) {
        const struct item *next = shelf->items.items[i];
        if (strcmp(((const struct kept *)next->value)->id, kept->id) != 0)
            return false;
        if (next->at < before)
            return true;
    }
    return false;
}

static bool memory_value_trim(struct backend *backend, const struct record_type *type, int64_t before, size_t *rows,
                              int64_t *freed, struct error *error)
{
    (void)error;
    struct memory *memory = memory_of(backend);
    struct shelf *shelf = &memory->values[type_place(type)];
    struct picked picked = {0};
    for (size_t i = 0; i < shelf->items.count; i++)
        if (kept_replaced(shelf, i, before))
            vec_push(&picked.items, shelf->items.items[i]);
    sort_picked(&picked);
    *freed = 0;
    if (picked.items.count < *rows)
        *rows = picked.items.count;
    for (size_t i = 0; i < *rows; i++) {
        *freed += kept_cost(picked.items.items[i]);
        change(memory, shelf, picked.items.items[i]->key, NULL);
    }
    vec_release(&picked.items);
    return true;
}

/* --- waking up, ending ------------------------------------------------------------------------------------------- */

static int memory_bell(struct backend *backend)
{
    (void)backend;
    return -1;
}

static bool memory_changed(struct backend *backend)
{
    struct memory *memory = memory_of(backend);
    bool changed = memory->commits != memory->seen;
    memory->seen = memory->commits;
    return changed;
}

static void memory_ring(struct backend *backend)
{
    memory_of(backend)->commits++;
}

static bool memory_verify(struct backend *backend, struct error *error)
{
    (void)backend, (void)error;
    return true;
}

static void memory_close(struct backend *backend)
{
    struct memory *memory = memory_of(backend);
    memory_write_abandon(backend);
    vec_release(&memory->undo);
    for (size_t i = 0; i < TYPE_LIMIT; i++) {
        shelf_release(&memory->rows[i]);
        shelf_release(&memory->values[i]);
    }
    shelf_release(&memory->tombstones);
    shelf_release(&memory->numbers);
    shelf_release(&memory->texts);
    free(memory);
}

static const struct backend_ops memory_ops = {
    .name = "memory",
    .close = memory_close,
    .read_begin = memory_read_begin,
    .read_end = memory_read_end,
    .write_begin = memory_write_begin,
    .write_commit = memory_write_commit,
    .write_abandon = memory_write_abandon,
    .get = memory_get,
    .each = memory_each,
    .count = memory_count,
    .insert = memory_set,
    .update = memory_set,
    .remove = memory_remove,
    .get_number = memory_get_number,
    .set_number = memory_set_number,
    .get_text = memory_get_text,
    .set_text = memory_set_text,
    .tombstone_put = memory_tombstone_put,
    .tombstone_drop = memory_tombstone_drop,
    .tombstones = memory_tombstones,
    .tombstone_trim = memory_tombstone_trim,
    .value_put = memory_value_put,
    .values = memory_values,
    .value_trim = memory_value_trim,
    .bell = memory_bell,
    .changed = memory_changed,
    .ring = memory_ring,
    .verify = memory_verify,
};

struct backend *backend_memory_new(void)
{
    struct memory *memory = mem_zero(1, sizeof *memory);
    memory->backend.ops = &memory_ops;
    return &memory->backend;
}
