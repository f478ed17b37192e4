/* SPDX-License-Identifier: ISC */
/* SQLite: the store's own numbers and texts, tombstones, and the values of changes. */
#include "store/sqlite.h"

/* --- numbers and texts ---------------------------------------------------------------------------------------- */

bool sqlite_get_number(struct backend *backend, const char *name, int64_t *value, struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    struct statement *statement = statement_take(sqlite, "SELECT number FROM meta WHERE name = ?", error);
    if (!statement)
        return false;
    bind_text(statement, 1, name);
    int code = sqlite3_step(statement->handle);
    *value = code == SQLITE_ROW ? sqlite3_column_int64(statement->handle, 0) : 0;
    bool done = code == SQLITE_ROW || code == SQLITE_DONE || sqlite_error(sqlite, error, "read");
    statement_done(statement);
    return done;
}

bool sqlite_set_number(struct backend *backend, const char *name, int64_t value, struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    struct statement *statement = statement_take(sqlite,
                                                 "INSERT INTO meta (name, number) VALUES (?, ?)"
                                                 " ON CONFLICT (name) DO UPDATE SET number = excluded.number",
                                                 error);
    if (!statement)
        return false;
    bind_text(statement, 1, name);
    bind_number(statement, 2, value);
    bool done = statement_run(sqlite, statement, "write to", error);
    statement_done(statement);
    return done;
}

bool sqlite_get_text(struct backend *backend, const char *name, char *value, size_t size, struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    struct statement *statement = statement_take(sqlite, "SELECT text FROM meta WHERE name = ?", error);
    if (!statement)
        return false;
    bind_text(statement, 1, name);
    int code = sqlite3_step(statement->handle);
    bool done = code == SQLITE_ROW || code == SQLITE_DONE || sqlite_error(sqlite, error, "read");
    const char *text = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement->handle, 0) : "";
    if (done && !text_copy(value, size, text))
        done = error_set(error, ERROR_CORRUPT, "the %s of the store %s is too long", name, sqlite->folder);
    statement_done(statement);
    return done;
}

bool sqlite_set_text(struct backend *backend, const char *name, const char *value, struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    struct statement *statement = statement_take(sqlite,
                                                 "INSERT INTO meta (name, text) VALUES (?, ?)"
                                                 " ON CONFLICT (name) DO UPDATE SET text = excluded.text",
                                                 error);
    if (!statement)
        return false;
    bind_text(statement, 1, name);
    bind_text(statement, 2, value);
    bool done = statement_run(sqlite, statement, "write to", error);
    statement_done(statement);
    return done;
}

/* Steps through the rows of a statement and is done with it. `visit` gets each; false ends it early. */
static bool each_row(struct sqlite *sqlite, struct statement *statement,
                     bool (*visit)(sqlite3_stmt *row, void *context), void *context, const char *what,
                     struct error *error)
{
    int code = SQLITE_DONE;
    bool more = true;
    while (more && (code = sqlite3_step(statement->handle)) == SQLITE_ROW)
        more = visit(statement->handle, context);
    bool done = !more || code == SQLITE_DONE || sqlite_error(sqlite, error, what);
    statement_done(statement);
    return done;
}

/* --- tombstones ----------------------------------------------------------------------------------------------- */

bool sqlite_tombstone_put(struct backend *backend, const struct record_type *type, const char *id, int64_t revision,
                          int64_t at, struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    struct statement *statement =
        statement_take(sqlite, "INSERT OR REPLACE INTO tombstones (type, id, revision, at) VALUES (?, ?, ?, ?)", error);
    if (!statement)
        return false;
    bind_text(statement, 1, type->name);
    bind_text(statement, 2, id);
    bind_number(statement, 3, revision);
    bind_number(statement, 4, at);
    sqlite->tombstones_known = false;
    bool done = statement_run(sqlite, statement, "write to", error);
    statement_done(statement);
    return done;
}

/* Most stores have no tombstone, and a first listing puts 100,000 rows: one look a transaction instead of a search a row. */
static bool any_tombstone(struct sqlite *sqlite, bool *any, struct error *error)
{
    if (sqlite->tombstones_known) {
        *any = sqlite->tombstones_any;
        return true;
    }
    struct statement *statement = statement_take(sqlite, "SELECT EXISTS (SELECT 1 FROM tombstones)", error);
    if (!statement)
        return false;
    bool done = sqlite3_step(statement->handle) == SQLITE_ROW || sqlite_error(sqlite, error, "read");
    if (done)
        *any = sqlite->tombstones_any = sqlite3_column_int(statement->handle, 0) != 0;
    sqlite->tombstones_known = done;
    statement_done(statement);
    return done;
}

bool sqlite_tombstone_drop(struct backend *backend, const struct record_type *type, const char *id, struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    bool any;
    if (!any_tombstone(sqlite, &any, error))
        return false;
    if (!any)
        return true;
    struct statement *statement = statement_take(sqlite, "DELETE FROM tombstones WHERE type = ? AND id = ?", error);
    if (!statement)
        return false;
    bind_text(statement, 1, type->name);
    bind_text(statement, 2, id);
    bool done = statement_run(sqlite, statement, "write to", error);
    statement_done(statement);
    return done;
}

struct tombstone_visit {
    backend_tombstone_visit *visit;
    void *context;
};

static bool visit_tombstone(sqlite3_stmt *row, void *context)
{
    const struct tombstone_visit *visit = context;
    return visit->visit((const char *)sqlite3_column_text(row, 0), (const char *)sqlite3_column_text(row, 1),
                        sqlite3_column_int64(row, 2), visit->context);
}

bool sqlite_tombstones(struct backend *backend, int64_t since, backend_tombstone_visit *visit, void *context,
                       struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    struct tombstone_visit inner = {.visit = visit, .context = context};
    struct statement *statement = statement_take(
        sqlite, "SELECT type, id, revision FROM tombstones WHERE revision > ? ORDER BY revision, type, id", error);
    if (!statement)
        return false;
    bind_number(statement, 1, since);
    return each_row(sqlite, statement, visit_tombstone, &inner, "read", error);
}

static bool take_highest(sqlite3_stmt *row, void *highest)
{
    int64_t revision = sqlite3_column_int64(row, 0);
    if (revision > *(int64_t *)highest)
        *(int64_t *)highest = revision;
    return true;
}

bool sqlite_tombstone_trim(struct backend *backend, int64_t before, size_t *rows, int64_t *highest, struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    struct statement *statement = statement_take(sqlite,
                                                 "DELETE FROM tombstones WHERE (type, id) IN (SELECT type, id"
                                                 " FROM tombstones WHERE at < ? ORDER BY revision LIMIT ?)"
                                                 " RETURNING revision",
                                                 error);
    if (!statement)
        return false;
    bind_number(statement, 1, before);
    bind_number(statement, 2, (int64_t)*rows);
    if (!each_row(sqlite, statement, take_highest, highest, "write to", error))
        return false;
    *rows = (size_t)sqlite3_changes64(sqlite->db);
    return true;
}

/* --- values of changes ------------------------------------------------------------------------------------------ */

/* The cost of a value that is there already under this revision (two changes of a row in one transaction). */
static bool value_cost(struct sqlite *sqlite, const struct record_type *type, const char *id, int64_t revision,
                       int64_t *cost, struct error *error)
{
    struct statement *statement = statement_take(
        sqlite, "SELECT coalesce(length(value), 0) FROM history WHERE type = ? AND id = ? AND revision = ?", error);
    if (!statement)
        return false;
    bind_text(statement, 1, type->name);
    bind_text(statement, 2, id);
    bind_number(statement, 3, revision);
    int code = sqlite3_step(statement->handle);
    *cost = code == SQLITE_ROW ? sqlite3_column_int64(statement->handle, 0) + BACKEND_VALUE_OVERHEAD : 0;
    bool done = code == SQLITE_ROW || code == SQLITE_DONE || sqlite_error(sqlite, error, "read");
    statement_done(statement);
    return done;
}

bool sqlite_value_put(struct backend *backend, const struct record_type *type, const char *id, int64_t revision,
                      int64_t at, const char *bytes, size_t count, int64_t *grown, struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    int64_t older;
    if (!value_cost(sqlite, type, id, revision, &older, error))
        return false;
    struct statement *statement = statement_take(
        sqlite, "INSERT OR REPLACE INTO history (type, id, revision, at, value) VALUES (?, ?, ?, ?, ?)", error);
    if (!statement)
        return false;
    bind_text(statement, 1, type->name);
    bind_text(statement, 2, id);
    bind_number(statement, 3, revision);
    bind_number(statement, 4, at);
    if (bytes)
        sqlite3_bind_blob64(statement->handle, 5, bytes, count, SQLITE_STATIC);
    bool done = statement_run(sqlite, statement, "write to", error);
    statement_done(statement);
    *grown = (bytes ? (int64_t)count : 0) + BACKEND_VALUE_OVERHEAD - older;
    return done;
}

struct value_visit {
    backend_value_visit *visit;
    void *context;
};

static bool visit_value(sqlite3_stmt *row, void *context)
{
    const struct value_visit *visit = context;
    const char *bytes = sqlite3_column_type(row, 3) == SQLITE_NULL ? NULL : sqlite3_column_blob(row, 3);
    return visit->visit((const char *)sqlite3_column_text(row, 0), sqlite3_column_int64(row, 1),
                        sqlite3_column_int64(row, 2), bytes, (size_t)sqlite3_column_bytes(row, 3), visit->context);
}

bool sqlite_values(struct backend *backend, const struct record_type *type, const char *id, int64_t since,
                   int64_t until, size_t limit, backend_value_visit *visit, void *context, struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    struct value_visit inner = {.visit = visit, .context = context};
    struct statement *statement = statement_take(
        sqlite,
        id ? "SELECT id, revision, at, value FROM history WHERE type = ?1 AND at >= ?2 AND at <= ?3 AND id = ?5"
             " ORDER BY revision DESC LIMIT ?4"
           : "SELECT id, revision, at, value FROM history WHERE type = ?1 AND at >= ?2 AND at <= ?3"
             " ORDER BY revision DESC, id DESC LIMIT ?4",
        error);
    if (!statement)
        return false;
    bind_text(statement, 1, type->name);
    bind_number(statement, 2, since);
    bind_number(statement, 3, until);
    bind_number(statement, 4, limit > 0 ? (int64_t)limit : -1);
    if (id)
        bind_text(statement, 5, id);
    return each_row(sqlite, statement, visit_value, &inner, "read", error);
}

static bool add_freed(sqlite3_stmt *row, void *freed)
{
    *(int64_t *)freed += sqlite3_column_int64(row, 0) + BACKEND_VALUE_OVERHEAD;
    return true;
}

bool sqlite_value_trim(struct backend *backend, const struct record_type *type, int64_t before, size_t *rows,
                       int64_t *freed, struct error *error)
{
    struct sqlite *sqlite = sqlite_of(backend);
    struct statement *statement = statement_take(
        sqlite,
        "DELETE FROM history WHERE (type, id, revision) IN (SELECT type, id, revision FROM history h"
        " INDEXED BY \"history.revision\" WHERE type = ?1 AND at < ?2 AND (EXISTS (SELECT 1 FROM history n"
        " WHERE n.type = h.type AND n.id = h.id AND n.revision > h.revision AND n.at < ?2) OR value IS NULL)"
        " ORDER BY revision, id LIMIT ?3) RETURNING coalesce(length(value), 0)",
        error);
    if (!statement)
        return false;
    bind_text(statement, 1, type->name);
    bind_number(statement, 2, before);
    bind_number(statement, 3, (int64_t)*rows);
    *freed = 0;
    if (!each_row(sqlite, statement, add_freed, freed, "write to", error))
        return false;
    *rows = (size_t)sqlite3_changes64(sqlite->db);
    return true;
}
