/* SPDX-License-Identifier: ISC */
/*
 * Every table of the store is described once, as data: a record type names its columns, their types and where they lie
 * in the C struct. From that one description come the SQL, the in-memory store, the feed, JSON, the binary form sent
 * between berthd's processes, `--json` and the conformance suite. There is no hand-written row code anywhere.
 *
 * A row is a plain struct whose first member is `const char *id` (the key, unique in its table, never empty). Text
 * members are borrowed pointers, NULL counts as ""; JSON members hold canonical JSON text ("" when nothing). Rows read from a
 * store borrow from the arena that was given. `revision` is set by the store; it is no column but is in the JSON and binary forms.
 * Columns are named as their struct members, the index names of each table are at the end of its header (store_query.index).
 */
#ifndef BERTH_MODEL_RECORD_H
#define BERTH_MODEL_RECORD_H

#include "berth/base/memory.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str;

enum column_type {
    COLUMN_TEXT, /* const char * */
    COLUMN_JSON, /* const char *, JSON text */
    COLUMN_INT,  /* int64_t */
    COLUMN_TIME, /* int64_t, milliseconds since 1970, 0: none */
    COLUMN_BOOL, /* bool */
    COLUMN_ENUM, /* int, with `names`; stored as its name so that a table can be read by a person */
    COLUMN_MARKS /* unsigned, a set of bits with `names`; stored as an integer, JSON: a list of names */
};

enum column_flag {
    COLUMN_QUIET =
        1 << 0, /* a change of quiet columns alone takes no revision (leases, progress, offsets, freshness) */
    COLUMN_SINCE = 1 << 8, /* times the version of the schema that brought the column; none: the first */
};

struct column {
    const char *name;
    enum column_type type;
    size_t offset;
    const char *const *names; /* ENUM, MARKS: name of value i (bit i), ends with NULL */
    unsigned flags;
};

#define RECORD_INDEX_COLUMNS 3
/* equality on all columns but the last may be asked, the last is ordered */
struct record_index {
    const char *name;
    const char *columns[RECORD_INDEX_COLUMNS];
    bool unique; /* empty text is exempt */
};

enum record_flag {
    RECORD_HISTORY = 1 << 0, /* the feed keeps each change's values for the horizon */
    RECORD_APPEND = 1 << 1,  /* rows are never changed or removed (audit, approvals) */
    RECORD_CHAINED = 1 << 2, /* a row's own hash tells whether it is whole (audit): it is read however it is */
};

struct record_type {
    const char *name;             /* the table's name: plural, lower case */
    size_t size;                  /* of the struct */
    const struct column *columns; /* the first is `id` */
    size_t column_count;
    const struct record_index *indexes;
    size_t index_count;
    size_t revision_offset;
    unsigned flags;
};

/* All tables, in the order in which they are created. A table's place in this list is its number in the binary form: append only. */
const struct record_type *const *record_types(size_t *count);
const struct record_type *record_type_named(const char *name);
/* The column, or NULL. */
const struct column *record_column(const struct record_type *type, const char *name);
int record_index_named(const struct record_type *type, const char *name); /* -1: none */

const char *record_id(const void *row);
int64_t record_revision(const struct record_type *type, const void *row);
/* A deep copy in the arena. */
void *record_copy(const struct record_type *type, const void *row, struct arena *arena) BERTH_MUST_CHECK;
enum record_difference { RECORD_SAME, RECORD_QUIET, RECORD_DIFFERENT };
/* Compares all but the revision; QUIET: only quiet columns differ. */
enum record_difference record_compare(const struct record_type *type, const void *a, const void *b);

/* The row can be stored: it has an id, its enums and marks have names. ERROR_STORE names the column. */
bool record_check(const struct record_type *type, const void *row, struct error *error) BERTH_MUST_CHECK;

/* One cell of a row, for code that treats all tables alike. Text is never NULL; a number is an int, time, bool, enum or the marks. */
bool cell_is_text(const struct column *column);
const char *cell_text(const struct column *column, const void *row);
int64_t cell_number(const struct column *column, const void *row);
bool cell_equal(const struct column *column, const void *a, const void *b);
/* The text is borrowed by the row. */
void cell_set_text(const struct column *column, void *row, const char *text);
void cell_set_number(const struct column *column, void *row, int64_t number);

/* A JSON object with one member a column (JSON columns as their value, times as RFC 3339 with
 * milliseconds or null, enums by name) and `revision`. Bytes that are not UTF-8 become `\xNN`. New reference. */
json_t *record_to_json(const struct record_type *type, const void *row) BERTH_MUST_CHECK;
/* The reverse; unknown members are ignored, missing ones are zero; a wrong type or enum name is ERROR_CORRUPT. */
bool record_from_json(const struct record_type *type, const json_t *object, struct arena *arena, void *row,
                      struct error *error) BERTH_MUST_CHECK;
/* Compact binary form, for frames: appends; reads one from `bytes` and says how many it took. */
void record_pack(const struct record_type *type, const void *row, struct str *out);
bool record_unpack(const struct record_type *type, const char *bytes, size_t count, struct arena *arena, void *row,
                   size_t *taken, struct error *error) BERTH_MUST_CHECK;

/* JSON texts in columns: parse (NULL or "" gives NULL), and canonical printing (sorted keys, compact) into an arena. */
json_t *json_column(const char *text);
/* Whether a text is one whole JSON value by its syntax, without making it: for rows that are read far more often than damaged. */
bool json_is_whole(const char *text);
const char *json_text(struct arena *arena, const json_t *value);
const char *json_get_text(const json_t *object, const char *key); /* "" when absent or no string */
int64_t json_get_int(const json_t *object, const char *key);      /* 0 when absent */

#endif
