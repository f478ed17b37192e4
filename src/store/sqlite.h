/* SPDX-License-Identifier: ISC */
/*
 * The inside of the SQLite backend, shared by its files; and how tests open it with another schema, file layer or size.
 *
 * One connection a handle. Statements are prepared once and kept by their text; one that is busy (a visit that queries again) gets a
 * twin. Nothing but SQLite opens or closes store.db: closing any other descriptor of it would drop SQLite's locks.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "berth/base/file.h"
#include "berth/base/str.h"
#include "store/backend.h"
#include "store/schema.h"

#include <signal.h>
#include <sqlite3.h>

struct statement {
    sqlite3_stmt *handle;
    bool busy, single; /* single: a twin, finalized when done */
};

/* What decides the text of a query of one type: two alike have the same statement, so its text is made once. */
struct query_shape {
    uint64_t columns[2]; /* a bit a column */
    int index, equal;    /* the index, -1 by id; so many of its columns are bound */
    unsigned flags;      /* enum shape_flag of sqlite_query.c */
};
struct shaped_query {
    struct query_shape shape;
    struct statement *statement; /* of `statements` */
};
struct type_statements { /* per record type: those that every write needs, and the queries that were asked */
    struct statement get, insert, update, remove;
    VEC(struct shaped_query) queries;
};

struct sqlite {
    struct backend backend;
    sqlite3 *db;
    enum store_role role;
    const struct schema *schema;
    char *folder, *bell_path, *lock_path;
    struct file_lock lock; /* store.write, while writing */
    sigset_t signals;      /* the mask before ^Z was blocked */
    bool synced;           /* synchronous=FULL is set, else NORMAL */
    int bell_fd;           /* for ringing, -1 until needed */
    int watch_fd;          /* inotify on the bell, -1 until asked for */
    int64_t data_version, own_commits, seen_commits;
    int wal_pages;                         /* in the -wal after the last commit */
    bool tombstones_known, tombstones_any; /* in this transaction */
    struct map statements;                 /* text to struct statement */
    struct type_statements *of_type;
};

#define NUMBER_READER_VERSION "reader.version"
#define NUMBER_WRITER_VERSION "writer.version"

struct sqlite_options { /* zeroed: as in production */
    const struct schema *schema;
    const char *vfs;
    int64_t page_limit; /* of the database file, 0: none */
};

/* See store_open. `*made` (may be NULL) says that the store is new. */
struct backend *backend_sqlite_open(const char *folder, enum store_role role, const struct sqlite_options *options,
                                    struct error *error) BERTH_MUST_CHECK;
struct store *store_open_with(const char *folder, enum store_role role, const struct sqlite_options *options,
                              struct error *error) BERTH_MUST_CHECK;

static inline struct sqlite *sqlite_of(struct backend *backend)
{
    return (struct sqlite *)(void *)backend;
}

/* --- sqlite_call.c: statements and errors ------------------------------------------------------------------- */

/* Fills `error` for a result code of SQLite: "cannot WHAT". Returns false. */
extern const char sqlite_hint_read_only[]; /* what to do about a store that cannot be written */
bool sqlite_error(struct sqlite *sqlite, struct error *error, const char *what);
/* A prepared statement for `sql`, bindings empty; NULL with an error. Give it back with statement_done. */
struct statement *statement_take(struct sqlite *sqlite, const char *sql, struct error *error) BERTH_MUST_CHECK;
bool statement_prepare(struct sqlite *sqlite, struct statement *statement, const char *sql,
                       struct error *error) BERTH_MUST_CHECK;
void statement_done(struct statement *statement);
void statements_release(struct sqlite *sqlite);
/* Runs `sql` without parameters and results. */
bool sqlite_run(struct sqlite *sqlite, const char *sql, struct error *error) BERTH_MUST_CHECK;
/* Steps a statement that gives no row. */
bool statement_run(struct sqlite *sqlite, struct statement *statement, const char *what,
                   struct error *error) BERTH_MUST_CHECK;
void bind_text(struct statement *statement, int place, const char *text);
void bind_number(struct statement *statement, int place, int64_t number);

/* --- sqlite_rows.c ------------------------------------------------------------------------------------------- */

struct type_statements *statements_of(struct sqlite *sqlite, const struct record_type *type);
enum store_found sqlite_get(struct backend *backend, const struct record_type *type, const char *id,
                            struct arena *arena, void *row, struct error *error);
bool sqlite_insert(struct backend *backend, const struct record_type *type, const void *row, int64_t revision,
                   struct error *error);
bool sqlite_update(struct backend *backend, const struct record_type *type, const void *row, int64_t revision,
                   struct error *error);
bool sqlite_remove(struct backend *backend, const struct record_type *type, const char *id, struct error *error);

/* --- sqlite_query.c ------------------------------------------------------------------------------------------ */

bool sqlite_each(struct backend *backend, const struct store_query *query, store_visit *visit, void *context,
                 struct error *error);
bool sqlite_count(struct backend *backend, const struct store_query *query, int64_t *count, struct error *error);
/* The columns of a result, in order, into a row whose text is borrowed from the statement. */
bool sqlite_read_row(struct sqlite *sqlite, sqlite3_stmt *handle, const struct record_type *type,
                     const struct column *const *columns, size_t count, void *row, struct error *error);

/* --- sqlite_feed.c: numbers, texts, tombstones, values -------------------------------------------------------- */

bool sqlite_get_number(struct backend *backend, const char *name, int64_t *value, struct error *error);
bool sqlite_set_number(struct backend *backend, const char *name, int64_t value, struct error *error);
bool sqlite_get_text(struct backend *backend, const char *name, char *value, size_t size, struct error *error);
bool sqlite_set_text(struct backend *backend, const char *name, const char *value, struct error *error);
bool sqlite_tombstone_put(struct backend *backend, const struct record_type *type, const char *id, int64_t revision,
                          int64_t at, struct error *error);
bool sqlite_tombstone_drop(struct backend *backend, const struct record_type *type, const char *id,
                           struct error *error);
bool sqlite_tombstones(struct backend *backend, int64_t since, backend_tombstone_visit *visit, void *context,
                       struct error *error);
bool sqlite_tombstone_trim(struct backend *backend, int64_t before, size_t *rows, int64_t *highest,
                           struct error *error);
bool sqlite_value_put(struct backend *backend, const struct record_type *type, const char *id, int64_t revision,
                      int64_t at, const char *bytes, size_t count, int64_t *grown, struct error *error);
bool sqlite_values(struct backend *backend, const struct record_type *type, const char *id, int64_t since,
                   int64_t until, size_t limit, backend_value_visit *visit, void *context, struct error *error);
bool sqlite_value_trim(struct backend *backend, const struct record_type *type, int64_t before, size_t *rows,
                       int64_t *freed, struct error *error);

/* --- sqlite_bell.c ------------------------------------------------------------------------------------------- */

int sqlite_bell(struct backend *backend);
bool sqlite_changed(struct backend *backend);
void sqlite_ring(struct backend *backend);
void sqlite_bell_release(struct sqlite *sqlite);
/* Makes the bell where it is missing. */
bool sqlite_bell_make(struct sqlite *sqlite, struct error *error) BERTH_MUST_CHECK;

#endif
