/* SPDX-License-Identifier: ISC */
/*
 * The store: the tables, the feed and the queries. It is the bus between berth and berthd and the only thing they share.
 *
 * One interface, several backends (sqlite; memory; a checking wrapper over any): callers never see which. A struct store belongs to one
 * thread. Roles: a READER opens read-only; a CLIENT also submits commands; the OWNER (berthd's supervisor, or tests) writes all.
 *
 * Reading: between store_read_begin and store_read_end all reads see one moment; no read may outlive a turn of the event loop.
 * A single read outside such a bracket is a moment of its own. Writing: one transaction takes one revision; every row it really changes
 * carries it; rows that are put unchanged, or changed in quiet columns only, take none. Transactions are serialised between
 * processes by a blocking lock on `store.write`.
 *
 * The folder (store_folder): store.db, store.write, bell, berthd.lock, key, logs/, runs/, mirrors/. After a commit returned, one byte is
 * written to `bell`.
 */
#ifndef BERTH_STORE_H
#define BERTH_STORE_H

#include "berth/base/memory.h"
#include "berth/model/record.h"

#include <stdint.h>

struct store;
struct command;
struct audit;
struct freeze;

#define STORE_READER_VERSION 1 /* a store says which reader and writer versions it needs at least */
#define STORE_WRITER_VERSION 1
#define STORE_HORIZON_MS (INT64_C(30) * 24 * 3600 * 1000)
#define STORE_HORIZON_BYTES (INT64_C(256) << 20)

enum store_role { STORE_READER, STORE_CLIENT, STORE_OWNER };

/* Opens the store in `folder`; an OWNER makes folder (0700), tables and store id where missing and migrates (only the holder of berthd.lock opens as
 * OWNER in production). Errors: ERROR_NOT_FOUND (reader or client, none there), ERROR_UNSUPPORTED (network file system), ERROR_VERSION (newer store),
 * ERROR_CORRUPT, ERROR_IO, ERROR_STORE. */
struct store *store_open(const char *folder, enum store_role role, struct error *error) BERTH_MUST_CHECK;
/* A store in memory with the same behaviour, for tests and pure simulations. */
struct store *store_open_memory(void) BERTH_MUST_CHECK;
/* Wraps a store: checks the caller's use of this interface (BUG_ON) and the promises of the wrapped one (errors). Takes it over. */
struct store *store_open_checked(struct store *inner) BERTH_MUST_CHECK;
void store_close(struct store *store);
const char *store_folder(const struct store *store); /* "" for memory */

/* --- where ------------------------------------------------------------------------------------------------- */
/* The folder's path for a workspace: state home + hash of the trusted repository's canonical path or URL and the workspace name. The caller frees. */
char *store_folder_for(const char *repository, const char *workspace, struct error *error) BERTH_MUST_CHECK;

/* --- reading ----------------------------------------------------------------------------------------------- */
bool store_read_begin(struct store *store, struct error *error) BERTH_MUST_CHECK;
void store_read_end(struct store *store);

/* a place in the feed */
struct store_cursor {
    char store_id[27];
    int64_t epoch, revision;
};
bool store_cursor(struct store *store, struct store_cursor *cursor, struct error *error) BERTH_MUST_CHECK;

enum store_found { STORE_FOUND, STORE_MISSING, STORE_ERROR };
/* One row by its id; its text lives in `arena`. */
enum store_found store_get(struct store *store, const struct record_type *type, const char *id, struct arena *arena,
                           void *row, struct error *error) BERTH_MUST_CHECK;

struct store_query {
    const struct record_type *type;
    const char *index; /* a record_index name, or NULL: by id */
    const char *
        equal[RECORD_INDEX_COLUMNS]; /* text of the leading index columns (ints in decimal, enums by name); NULL ends */
    bool descending;
    const char *after;          /* only rows that come after the row with this id in this order (paging), or NULL */
    size_t limit;               /* 0: all */
    int64_t since;              /* only rows with a revision above, 0: all */
    const char *const *columns; /* only these (NULL-terminated) are filled, the rest is zero; NULL: all */
    /* A row that cannot be read (an unknown word, a JSON column that is none, among the columns asked for) fails the query with ERROR_DAMAGED; with this it is
     * told here and left out. Only for who shows or sorts out many rows: who decides about a thing must know all of it. */
    void (*damaged)(const char *id, const struct error *error, void *context);
    void *damaged_context;
};
/* `row` and its text are borrowed for the call. Return false to stop. */
typedef bool store_visit(const void *row, void *context);
bool store_each(struct store *store, const struct store_query *query, store_visit *visit, void *context,
                struct error *error) BERTH_MUST_CHECK;
/* All rows of the query, copied into `arena`: `*rows` is an array of the row struct. */
bool store_list(struct store *store, const struct store_query *query, struct arena *arena, void *rows, size_t *count,
                struct error *error) BERTH_MUST_CHECK;
bool store_count(struct store *store, const struct store_query *query, int64_t *count,
                 struct error *error) BERTH_MUST_CHECK;
/* All freezes, in `arena`. One that cannot be read stands there as one of everything, with its id and what is wrong with it as the reason: whoever decides
 * holds back, and `unfreeze all` removes it. */
bool store_freezes(struct store *store, struct arena *arena, struct freeze **rows, size_t *count,
                   struct error *error) BERTH_MUST_CHECK;

/* --- writing (owner) ---------------------------------------------------------------------------------------- */
enum store_durability {
    STORE_DURABLE, /* synced when committed: commands, approvals, results, audit */
    STORE_RELAXED, /* may be lost by a power cut, never torn: listings, observations */
};
bool store_begin(struct store *store, enum store_durability durability, struct error *error) BERTH_MUST_CHECK;
/* Inserts or replaces; sets nothing in the caller's row. ERROR_CONFLICT (a unique key that another row has, a change of a RECORD_APPEND row) leaves
 * the transaction usable; any other failure makes its commit fail. Not for audit: store_audit. */
bool store_put(struct store *store, const struct record_type *type, const void *row,
               struct error *error) BERTH_MUST_CHECK;
/* Removing what is not there is fine, and so is what cannot be read. Leaves a tombstone. */
bool store_remove(struct store *store, const struct record_type *type, const char *id,
                  struct error *error) BERTH_MUST_CHECK;
/* Appends to the audit chain: fills sequence, id, previous, hash, epoch (and `at` when 0) of a copy; `detail` is stored as canonical JSON. */
bool store_audit(struct store *store, const struct audit *entry, struct error *error) BERTH_MUST_CHECK;
/* The next value of a named counter ("run"), from 1. */
bool store_next(struct store *store, const char *counter, int64_t *value, struct error *error) BERTH_MUST_CHECK;
/* When it fails (also because an earlier put of this transaction failed) nothing was stored and the transaction is over.
 * `*revision` (may be NULL) is the one taken, or the last one when nothing changed. */
bool store_commit(struct store *store, int64_t *revision, struct error *error) BERTH_MUST_CHECK;
/* Undoes the transaction; without one it does nothing. */
void store_abandon(struct store *store);
/* Makes this owner's epoch one higher than any before; in its own transaction. */
bool store_new_epoch(struct store *store, int64_t *epoch, struct error *error) BERTH_MUST_CHECK;
/* Forgets values and tombstones beyond the horizon (age and size), a small batch; `*more`: the batch was full, and there may be more. In its own
 * transaction. */
bool store_trim(struct store *store, int64_t now_ms, bool *more, struct error *error) BERTH_MUST_CHECK;

/* --- commands (client or owner) ------------------------------------------------------------------------------ */
/* Inserts the command durably in a transaction of its own (id, submitted_at and status are filled when empty). Same non-empty key as an older command: nothing is
 * inserted, `*command` becomes the older one (text in `arena`). ^Z is blocked meanwhile. A CLIENT's command is of the process's own user: another actor is
 * ERROR_DENIED (a trigger's, a schedule's, somebody else's), an empty one is filled in; that it waits is set, whatever the row says. */
bool store_submit(struct store *store, struct command *command, struct arena *arena,
                  struct error *error) BERTH_MUST_CHECK;

/* --- the feed ------------------------------------------------------------------------------------------------ */
enum feed_kind { FEED_PUT, FEED_REMOVED };
struct feed_change {
    enum feed_kind kind;
    const struct record_type *type;
    const char *id;
    int64_t revision;
    const void *row; /* FEED_PUT: as it is now, borrowed for the call */
};
typedef bool feed_visit(const struct feed_change *change, void *context);
/* Everything that changed after the cursor, each row once with its present values, by table. A cursor of another store, or older than the
 * horizon keeps: ERROR_CONFLICT, the follower reloads. A zeroed cursor gives every row there is. `*cursor` moves to what was seen. */
bool feed_since(struct store *store, struct store_cursor *cursor, feed_visit *visit, void *context,
                struct error *error) BERTH_MUST_CHECK;
/* A RECORD_HISTORY row as it was at an instant (STORE_MISSING: it was not there, or beyond the horizon). */
enum store_found feed_at(struct store *store, const struct record_type *type, const char *id, int64_t at_ms,
                         struct arena *arena, void *row, struct error *error) BERTH_MUST_CHECK;
/* The kept values of changes of one row or table (id NULL), newest first, at most `limit`. `removed` rows come as a change with row NULL. */
struct feed_value {
    const struct record_type *type;
    const char *id;
    int64_t revision, at;
    const void *row; /* NULL: removed */
};
typedef bool feed_value_visit(const struct feed_value *value, void *context);
bool feed_history(struct store *store, const struct record_type *type, const char *id, int64_t since_ms, size_t limit,
                  feed_value_visit *visit, void *context, struct error *error) BERTH_MUST_CHECK;

/* --- waking up ----------------------------------------------------------------------------------------------- */
/* A descriptor that becomes readable after a commit by any process (inotify on `bell`); -1 for memory. Borrowed. */
int store_bell(struct store *store);
/* Empties the descriptor, then says whether anything was committed since the last call (the first call: yes), by this handle too and
 * also when only quiet columns changed: arm, then look. Also call once a second. Not between read_begin and read_end. */
bool store_changed(struct store *store);

/* --- checking ------------------------------------------------------------------------------------------------ */
/* Walks the audit chain. A break: ERROR_CORRUPT that names the entry and the column whose bytes do not fit; `*entries` counts what was good. */
bool store_verify_audit(struct store *store, int64_t *entries, struct error *error) BERTH_MUST_CHECK;
/* The backend's own consistency check (doctor). */
bool store_verify(struct store *store, struct error *error) BERTH_MUST_CHECK;

#endif
