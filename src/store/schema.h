/* SPDX-License-Identifier: ISC */
/*
 * The tables as SQL, and how an older store becomes a newer one.
 *
 * Tables are generated from record types. A new column is one line in its record type, at the end, and one step here; a new table is one
 * line in the list of types and a higher version. An owner migrates in one transaction; readers and clients refuse a store
 * that is older than they are. A newer store says which reader and writer versions it needs, so that an older berth may go on reading
 * (and writing) where the newer one only added columns and tables.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "berth/base/str.h"
#include "berth/model/record.h"

#include <stdint.h>

#define SCHEMA_APPLICATION_ID 0x62727468 /* "brth", in the header of the file */

/* One change that leads to `version`: a column of a record type, or SQL. */
struct schema_step {
    int64_t version;
    const char *table, *column; /* ALTER TABLE … ADD COLUMN */
    const char *sql;
};
struct schema {
    const struct record_type *const *types;
    size_t type_count;
    int64_t version;
    int64_t reader_version, writer_version; /* that a store of this schema needs, at least */
    const struct schema_step *steps;
    size_t step_count;
};

/* The schema of this berth; `types` is filled in. */
void schema_now(struct schema *schema);

/* Appends statements, each ended by ';'. */
void schema_table_sql(struct str *out, const struct record_type *type);
void schema_index_sql(struct str *out, const struct record_type *type);
void schema_step_sql(struct str *out, const struct schema *schema, const struct schema_step *step);
/* The store's own tables. */
const char *schema_own_sql(void);
/* A quoted SQL name; names are ours, never data. */
void schema_name(struct str *out, const char *name);

#endif
