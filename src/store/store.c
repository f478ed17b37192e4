/* SPDX-License-Identifier: ISC */
/* The store above its backend: roles, transactions and their revision, reading and writing rows. */
#include "store/private.h"

#include "berth/base/fault.h"
#include "berth/base/file.h"
#include "berth/base/hash.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/model/ledger.h"

#include <stdio.h>
#include <stdlib.h>

struct store *store_new(struct backend *backend, enum store_role role, const char *folder)
{
    struct store *store = mem_zero(1, sizeof *store);
    store->backend = backend;
    store->role = role;
    store->folder = mem_strdup(folder);
    return store;
}

struct store *store_open_memory(void)
{
    struct store *store = store_new(backend_memory_new(), STORE_OWNER, "");
    bool made =
        store_begin(store, STORE_DURABLE, NULL) && store_make_id(store, NULL) && store_commit(store, NULL, NULL);
    BUG_ON(!made);
    return store;
}

struct store *store_open_checked(struct store *inner)
{
    BUG_ON(inner->reading || inner->writing);
    inner->backend = backend_checked_new(inner->backend);
    return inner;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    if (store->writing)
        store_abandon(store);
    if (store->reading)
        store_read_end(store);
    store->backend->ops->close(store->backend);
    free(store->folder);
    free(store);
}

const char *store_folder(const struct store *store)
{
    return store->folder;
}

char *store_folder_for(const char *repository, const char *workspace, struct error *error)
{
    char *home = path_state_home(error);
    if (!home)
        return NULL;
    bool url = strstr(repository, "://") || (strchr(repository, ':') && !folder_exists(repository));
    char *place = url ? mem_strdup(repository) : path_canonical(repository, error);
    char *folder = NULL;
    if (place) {
        struct str text = STR_INIT;
        char hex[HASH_HEX_SIZE];
        str_add(&text, place);
        str_add_char(&text, '\n');
        str_add(&text, workspace);
        hash_sha256(text.data, text.length, hex);
        folder = path_printf("%s/%.20s", home, hex);
        str_release(&text);
    }
    free(place);
    free(home);
    return folder;
}

bool store_may_read(struct error *error)
{
    if (!fault_fails("store.read"))
        return true;
    return error_set(error, ERROR_IO, "cannot read the store: a test made this call fail");
}

bool store_may_write(struct error *error)
{
    if (!fault_fails("store.write"))
        return true;
    return error_set(error, ERROR_IO, "cannot write the store: a test made this call fail");
}

/* --- reading ---------------------------------------------------------------------------------------------- */

bool store_read_begin(struct store *store, struct error *error)
{
    BUG_ON(store->reading || store->writing);
    if (!store_may_read(error) || !store->backend->ops->read_begin(store->backend, error))
        return false;
    store->reading = true;
    return true;
}

void store_read_end(struct store *store)
{
    BUG_ON(!store->reading);
    store->reading = false;
    store->backend->ops->read_end(store->backend);
}

bool store_cursor(struct store *store, struct store_cursor *cursor, struct error *error)
{
    const struct backend_ops *ops = store->backend->ops;
    bool bracket = !store->reading && !store->writing;
    if (bracket && !store_read_begin(store, error))
        return false;
    bool done = store_may_read(error) &&
                ops->get_text(store->backend, TEXT_STORE_ID, cursor->store_id, sizeof cursor->store_id, error) &&
                ops->get_number(store->backend, NUMBER_EPOCH, &cursor->epoch, error) &&
                ops->get_number(store->backend, NUMBER_REVISION, &cursor->revision, error);
    if (bracket)
        store_read_end(store);
    return done;
}

enum store_found store_get(struct store *store, const struct record_type *type, const char *id, struct arena *arena,
                           void *row, struct error *error)
{
    if (!store_may_read(error))
        return STORE_ERROR;
    return store->backend->ops->get(store->backend, type, id ? id : "", arena, row, error);
}

/* What a caller can get wrong in a query is told here once, for all backends. */
static bool query_fits(const struct store_query *query, struct error *error)
{
    const struct record_index *index = NULL;
    if (query->index) {
        int number = record_index_named(query->type, query->index);
        if (number < 0)
            return error_set(error, ERROR_STORE, "%s has no index %s", query->type->name, query->index);
        index = &query->type->indexes[number];
    }
    for (size_t i = 0; i < RECORD_INDEX_COLUMNS && query->equal[i]; i++) {
        if (!index || !index->columns[i])
            return error_set(error, ERROR_STORE, "a query of %s asks for more columns than its index has",
                             query->type->name);
        const struct column *column = record_column(query->type, index->columns[i]);
        long long number;
        bool is_text = cell_is_text(column) || column->type == COLUMN_ENUM;
        if (!is_text && !text_to_int(query->equal[i], &number))
            return error_set(error, ERROR_STORE, "a query of %s: %s is a number, not '%s'", query->type->name,
                             column->name, query->equal[i]);
    }
    for (size_t i = 0; query->columns && query->columns[i]; i++)
        if (!record_column(query->type, query->columns[i]) && !text_equal(query->columns[i], "revision"))
            return error_set(error, ERROR_STORE, "%s has no column %s", query->type->name, query->columns[i]);
    return true;
}

bool store_each(struct store *store, const struct store_query *query, store_visit *visit, void *context,
                struct error *error)
{
    return store_may_read(error) && query_fits(query, error) &&
           store->backend->ops->each(store->backend, query, visit, context, error);
}

struct listing {
    const struct record_type *type;
    struct arena *arena;
    VEC(void *) rows;
};

static bool add_to_listing(const void *row, void *context)
{
    struct listing *listing = context;
    void *copy = record_copy(listing->type, row, listing->arena);
    vec_push(&listing->rows, copy);
    return true;
}

bool store_list(struct store *store, const struct store_query *query, struct arena *arena, void *rows, size_t *count,
                struct error *error)
{
    struct listing listing = {.type = query->type, .arena = arena};
    bool done = store_each(store, query, add_to_listing, &listing, error);
    if (done) {
        char *array = arena_alloc(arena, listing.rows.count * query->type->size);
        for (size_t i = 0; i < listing.rows.count; i++)
            memcpy(array + i * query->type->size, listing.rows.items[i], query->type->size);
        *(void **)rows = array;
        *count = listing.rows.count;
    }
    vec_release(&listing.rows);
    return done;
}

bool store_count(struct store *store, const struct store_query *query, int64_t *count, struct error *error)
{
    return store_may_read(error) && query_fits(query, error) &&
           store->backend->ops->count(store->backend, query, count, error);
}

/* --- transactions ----------------------------------------------------------------------------------------- */

bool store_begin(struct store *store, enum store_durability durability, struct error *error)
{
    const struct backend_ops *ops = store->backend->ops;
    BUG_ON(store->reading || store->writing || store->role == STORE_READER);
    if (!store_may_write(error) || !ops->write_begin(store->backend, durability, error))
        return false;
    store->writing = true;
    store->failed = store->wrote = store->taken = false;
    store->grown = 0;
    store->at = time_now_ms();
    int64_t revision;
    if (!ops->get_number(store->backend, NUMBER_REVISION, &revision, error) ||
        !ops->get_number(store->backend, NUMBER_EPOCH, &store->epoch, error)) {
        store_abandon(store);
        return false;
    }
    store->revision = revision + 1;
    if (store->own_epoch && store->epoch != store->own_epoch) {
        store_abandon(store);
        error_set(error, ERROR_CONFLICT, "another berthd serves the store %s now", store->folder);
        error_detail(error, "its epoch is %lld, ours %lld", (long long)store->epoch, (long long)store->own_epoch);
        return error_hint(error, "end this one");
    }
    return true;
}

bool store_write_result(struct store *store, bool done, struct error *error)
{
    if (done || store->failed || (error && error->code == ERROR_CONFLICT))
        return done;
    store->failed = true;
    if (error)
        store->failure = *error;
    else
        error_set(&store->failure, ERROR_STORE, "an earlier write of this transaction failed");
    return false;
}

int64_t store_take_revision(struct store *store)
{
    store->taken = true;
    store->wrote = true;
    return store->revision;
}

static bool store_own_numbers(struct store *store, struct error *error)
{
    const struct backend_ops *ops = store->backend->ops;
    int64_t bytes;
    if (store->taken && !ops->set_number(store->backend, NUMBER_REVISION, store->revision, error))
        return false;
    if (store->grown == 0)
        return true;
    return ops->get_number(store->backend, NUMBER_VALUE_BYTES, &bytes, error) &&
           ops->set_number(store->backend, NUMBER_VALUE_BYTES, bytes + store->grown, error);
}

bool store_commit(struct store *store, int64_t *revision, struct error *error)
{
    const struct backend_ops *ops = store->backend->ops;
    BUG_ON(!store->writing);
    if (store->failed || !store_may_write(error)) {
        if (store->failed && error)
            *error = store->failure;
        store_abandon(store);
        return false;
    }
    if (revision)
        *revision = store->taken ? store->revision : store->revision - 1;
    if (!store->wrote) {
        store_abandon(store);
        return true;
    }
    if (!store_own_numbers(store, error)) {
        store_abandon(store);
        return false;
    }
    store->writing = false;
    if (!ops->write_commit(store->backend, error))
        return false;
    ops->ring(store->backend);
    return true;
}

void store_abandon(struct store *store)
{
    if (!store->writing)
        return;
    store->writing = false;
    store->backend->ops->write_abandon(store->backend);
}

bool store_make_id(struct store *store, struct error *error)
{
    char id[ID_SIZE];
    const struct backend_ops *ops = store->backend->ops;
    if (!ops->get_text(store->backend, TEXT_STORE_ID, id, sizeof id, error))
        return false;
    if (id[0])
        return true;
    id_new(id, store->at);
    store->wrote = true;
    return ops->set_text(store->backend, TEXT_STORE_ID, id, error);
}

bool store_new_epoch(struct store *store, int64_t *epoch, struct error *error)
{
    const struct backend_ops *ops = store->backend->ops;
    BUG_ON(store->role != STORE_OWNER);
    store->own_epoch = 0;
    if (!store_begin(store, STORE_DURABLE, error))
        return false;
    char name[40];
    int64_t next = store->epoch + 1;
    snprintf(name, sizeof name, NUMBER_EPOCH_PREFIX "%lld", (long long)next);
    store->wrote = true;
    bool done = ops->set_number(store->backend, NUMBER_EPOCH, next, error) &&
                ops->set_number(store->backend, name, store->revision - 1, error);
    store_write_result(store, done, error);
    if (!store_commit(store, NULL, error))
        return false;
    store->own_epoch = *epoch = next;
    return true;
}

/* --- writing ---------------------------------------------------------------------------------------------- */

static bool write_row(struct store *store, const struct record_type *type, const void *row, enum store_found found,
                      const void *old, struct error *error)
{
    const struct backend_ops *ops = store->backend->ops;
    if (found != STORE_MISSING) {
        enum record_difference difference = found == STORE_FOUND ? record_compare(type, old, row) : RECORD_DIFFERENT;
        if (difference == RECORD_SAME)
            return true;
        if (type->flags & RECORD_APPEND)
            return error_set(error, ERROR_CONFLICT, "%s %s is written already and never changes", type->name,
                             record_id(row));
        if (difference == RECORD_QUIET) {
            store->wrote = true;
            return ops->update(store->backend, type, row, record_revision(type, old), error);
        }
        if (!ops->update(store->backend, type, row, store->revision, error))
            return false;
    } else if (!ops->insert(store->backend, type, row, store->revision, error) ||
               !ops->tombstone_drop(store->backend, type, record_id(row), error)) {
        return false;
    }
    store_take_revision(store);
    return feed_keep(store, type, record_id(row), row, error);
}

bool store_put_row(struct store *store, const struct record_type *type, const void *row, struct error *error)
{
    if (!record_check(type, row, error))
        return false;
    struct arena arena = {0};
    void *old = arena_alloc(&arena, type->size);
    struct error unread = {0};
    enum store_found found = store->backend->ops->get(store->backend, type, record_id(row), &arena, old, &unread);
    bool known = found != STORE_ERROR || unread.code == ERROR_DAMAGED; /* whole again with what is written now */
    if (!known && error)
        *error = unread;
    bool done = known && write_row(store, type, row, found, old, error);
    arena_release(&arena);
    return done;
}

bool store_put(struct store *store, const struct record_type *type, const void *row, struct error *error)
{
    struct error local = {0};
    error = error ? error : &local;
    BUG_ON(!store->writing || store->role != STORE_OWNER || type == &audit_type);
    if (store->failed)
        return error_set(error, ERROR_STORE, "an earlier write of this transaction failed");
    return store_write_result(store, store_may_write(error) && store_put_row(store, type, row, error), error);
}

static bool remove_row(struct store *store, const struct record_type *type, const char *id, struct error *error)
{
    const struct backend_ops *ops = store->backend->ops;
    struct arena arena = {0};
    void *old = arena_alloc(&arena, type->size);
    struct error unread = {0};
    enum store_found found = ops->get(store->backend, type, id, &arena, old, &unread);
    arena_release(&arena);
    if (found == STORE_MISSING)
        return true;
    if (found == STORE_ERROR && unread.code != ERROR_DAMAGED) {
        *error = unread;
        return false;
    }
    if (type->flags & RECORD_APPEND)
        return error_set(error, ERROR_CONFLICT, "%s %s is written and never removed", type->name, id);
    int64_t revision = store_take_revision(store);
    return ops->remove(store->backend, type, id, error) &&
           ops->tombstone_put(store->backend, type, id, revision, store->at, error) &&
           feed_keep(store, type, id, NULL, error);
}

bool store_remove(struct store *store, const struct record_type *type, const char *id, struct error *error)
{
    struct error local = {0};
    error = error ? error : &local;
    BUG_ON(!store->writing || store->role != STORE_OWNER);
    if (store->failed)
        return error_set(error, ERROR_STORE, "an earlier write of this transaction failed");
    return store_write_result(store, store_may_write(error) && remove_row(store, type, id, error), error);
}

bool store_next(struct store *store, const char *counter, int64_t *value, struct error *error)
{
    struct error local = {0};
    error = error ? error : &local;
    const struct backend_ops *ops = store->backend->ops;
    BUG_ON(!store->writing || store->role != STORE_OWNER);
    char name[80];
    int length = snprintf(name, sizeof name, NUMBER_COUNTER_PREFIX "%s", counter);
    BUG_ON(length >= (int)sizeof name);
    bool done = store_may_write(error) && ops->get_number(store->backend, name, value, error) &&
                ops->set_number(store->backend, name, *value + 1, error);
    if (done)
        ++*value;
    store->wrote = true;
    return store_write_result(store, done, error);
}

/* --- waking up and checking --------------------------------------------------------------------------------- */

int store_bell(struct store *store)
{
    return store->backend->ops->bell(store->backend);
}

bool store_changed(struct store *store)
{
    bool changed = store->backend->ops->changed(store->backend);
    bool first = !store->looked;
    store->looked = true;
    return changed || first;
}

bool store_verify(struct store *store, struct error *error)
{
    return store->backend->ops->verify(store->backend, error);
}
