/* SPDX-License-Identifier: ISC */
/*
 * What a backend does: keep rows, numbers, tombstones and values, in transactions. What these mean (revisions, the feed, the
 * audit chain, commands) is decided once, above, in store.c, feed.c and audit.c; so a new backend is this table of functions.
 *
 * A backend belongs to one thread. Between read_begin and read_end all reads see one moment; a read outside is a moment of its own.
 * Writes happen between write_begin and write_commit or write_abandon only, and reads there see them. All functions that can fail
 * fill `error`; a unique index violated is ERROR_CONFLICT and leaves the transaction usable, any other failure makes the caller abandon it.
 */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include "berth/store.h"

struct backend_ops;
struct backend {
    const struct backend_ops *ops;
};

/* `bytes` NULL: the row was removed. Borrowed for the call; return false to stop. */
typedef bool backend_value_visit(const char *id, int64_t revision, int64_t at, const char *bytes, size_t count,
                                 void *context);
typedef bool backend_tombstone_visit(const char *type, const char *id, int64_t revision, void *context);

struct backend_ops {
    const char *name;
    void (*close)(struct backend *backend);

    bool (*read_begin)(struct backend *backend, struct error *error);
    void (*read_end)(struct backend *backend);
    /* Waits for other writers. */
    bool (*write_begin)(struct backend *backend, enum store_durability durability, struct error *error);
    /* When it fails nothing was stored and the transaction is over. */
    bool (*write_commit)(struct backend *backend, struct error *error);
    void (*write_abandon)(struct backend *backend);

    /* Copies the row into `arena`. */
    enum store_found (*get)(struct backend *backend, const struct record_type *type, const char *id,
                            struct arena *arena, void *row, struct error *error);
    /* The query is checked already: its index, its equal columns and its column names exist. */
    bool (*each)(struct backend *backend, const struct store_query *query, store_visit *visit, void *context,
                 struct error *error);
    bool (*count)(struct backend *backend, const struct store_query *query, int64_t *count, struct error *error);
    /* The row is not there (insert), is there (update, remove): the caller has looked. */
    bool (*insert)(struct backend *backend, const struct record_type *type, const void *row, int64_t revision,
                   struct error *error);
    bool (*update)(struct backend *backend, const struct record_type *type, const void *row, int64_t revision,
                   struct error *error);
    bool (*remove)(struct backend *backend, const struct record_type *type, const char *id, struct error *error);

    /* Named numbers and texts of the store itself: 0 and "" when never set. */
    bool (*get_number)(struct backend *backend, const char *name, int64_t *value, struct error *error);
    bool (*set_number)(struct backend *backend, const char *name, int64_t value, struct error *error);
    bool (*get_text)(struct backend *backend, const char *name, char *value, size_t size, struct error *error);
    bool (*set_text)(struct backend *backend, const char *name, const char *value, struct error *error);

    /* That a row was removed. One tombstone a row; put replaces, drop of none is fine. */
    bool (*tombstone_put)(struct backend *backend, const struct record_type *type, const char *id, int64_t revision,
                          int64_t at, struct error *error);
    bool (*tombstone_drop)(struct backend *backend, const struct record_type *type, const char *id,
                           struct error *error);
    /* Those with a revision above, in the order of revisions, then types and ids. */
    bool (*tombstones)(struct backend *backend, int64_t since, backend_tombstone_visit *visit, void *context,
                       struct error *error);
    /* Forgets at most `*rows` of those made before `before`, lowest revisions first; `*rows` becomes how many went, `*highest` is the highest forgotten, or unchanged. */
    bool (*tombstone_trim)(struct backend *backend, int64_t before, size_t *rows, int64_t *highest,
                           struct error *error);

    /* Values of changes, packed. One a row and revision; put replaces and says in `*grown` by how many bytes the store of values grew. */
    bool (*value_put)(struct backend *backend, const struct record_type *type, const char *id, int64_t revision,
                      int64_t at, const char *bytes, size_t count, int64_t *grown, struct error *error);
    /* Newest first; id NULL: of all rows; only those at or after `since` and at or before `until`; limit 0: all. */
    bool (*values)(struct backend *backend, const struct record_type *type, const char *id, int64_t since,
                   int64_t until, size_t limit, backend_value_visit *visit, void *context, struct error *error);
    /* Forgets at most `*rows` values that were replaced before `before` (so that the value in force at `before` stays), lowest revisions
     * first; `*rows` becomes how many went, `*freed` their bytes. */
    bool (*value_trim)(struct backend *backend, const struct record_type *type, int64_t before, size_t *rows,
                       int64_t *freed, struct error *error);

    /* See store_bell, store_changed; ring after a commit that changed something. */
    int (*bell)(struct backend *backend);
    bool (*changed)(struct backend *backend);
    void (*ring)(struct backend *backend);
    bool (*verify)(struct backend *backend, struct error *error);
};

/* What a value costs beside its bytes, for the horizon's size. */
#define BACKEND_VALUE_OVERHEAD 64

struct backend *backend_memory_new(void) BERTH_MUST_CHECK;
/* Takes `inner` over. */
struct backend *backend_checked_new(struct backend *inner) BERTH_MUST_CHECK;

#endif
