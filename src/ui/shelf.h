/* SPDX-License-Identifier: ISC */
/*
 * Rows of one table kept in memory: an array whose places never change, an index from id to place, and the memory their text lives in. Rows that
 * are put again leave their old text behind; when that is more than the living text, all is packed anew.
 */
#ifndef UI_SHELF_H
#define UI_SHELF_H

#include "berth/model/record.h"
#include "ui/picture.h"

void row_index_release(struct row_index *index);
/* The place of an id, or -1; `id_at` gives the id of a place. */
typedef const char *row_index_id(const void *context, size_t place);
long row_index_find(const struct row_index *index, const char *id, row_index_id *id_at, const void *context);
void row_index_add(struct row_index *index, size_t place, const char *id);

struct shelf_row { /* as environment_row and run_row */
    const void *row;
    bool is_removed;
};
struct shelf {
    const struct record_type *type;
    VEC(struct shelf_row) rows;
    struct row_index index;
    struct arena arena;
    size_t packed_bytes; /* of the arena when it was last packed */
    uint64_t version;
};
void shelf_init(struct shelf *shelf, const struct record_type *type);
void shelf_release(struct shelf *shelf);
/* Puts or replaces; the row is copied. */
void shelf_put(struct shelf *shelf, const void *row);
void shelf_remove(struct shelf *shelf, const char *id);
/* NULL: none, or removed. */
const void *shelf_get(const struct shelf *shelf, const char *id);

/* The branches: smaller rows, text without padding. */
struct text_block;
struct branch_shelf {
    VEC(struct branch_row) rows;
    struct row_index index;
    struct text_block *blocks;
    size_t text_bytes, wasted_bytes;
    struct map authors; /* each author's text once */
    uint64_t version;
};
void branch_shelf_release(struct branch_shelf *shelf);
void branch_shelf_put(struct branch_shelf *shelf, const struct branch *branch);
void branch_shelf_remove(struct branch_shelf *shelf, const char *id);
const struct branch_row *branch_shelf_get(const struct branch_shelf *shelf, const char *id);

#endif
