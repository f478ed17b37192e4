/* SPDX-License-Identifier: ISC */
/* Rows in memory whose places never change, with an index by id and text that is packed when too much of it is old. */
#include "ui/shelf.h"

#include "berth/base/str.h"

#include <stdlib.h>

#define FIRST_ROOM 64
#define PACK_SLACK (1u << 20) /* bytes of old text that are never worth packing */
#define BLOCK_BYTES (64u << 10)
#define SUBJECT_BYTES 96 /* of a commit's subject that a list may show */

/* --- index ------------------------------------------------------------------------------------------------ */

static uint32_t hash_of(const char *id)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * UINT64_C(1099511628211);
    return (uint32_t)(hash ^ (hash >> 29));
}

void row_index_release(struct row_index *index)
{
    free(index->slots);
    *index = (struct row_index){0};
}

long row_index_find(const struct row_index *index, const char *id, row_index_id *id_at, const void *context)
{
    uint32_t hash = hash_of(id);
    if (!index->room)
        return -1;
    for (size_t at = hash & (index->room - 1); index->slots[at].place; at = (at + 1) & (index->room - 1)) {
        const struct row_slot *slot = &index->slots[at];
        if (slot->hash == hash && strcmp(id_at(context, slot->place - 1), id) == 0)
            return (long)slot->place - 1;
    }
    return -1;
}

static void insert(struct row_index *index, struct row_slot slot)
{
    size_t at = slot.hash & (index->room - 1);
    while (index->slots[at].place)
        at = (at + 1) & (index->room - 1);
    index->slots[at] = slot;
}

void row_index_add(struct row_index *index, size_t place, const char *id)
{
    if ((index->count + 1) * 2 > index->room) {
        struct row_slot *old = index->slots;
        size_t old_room = index->room;
        index->room = old_room ? old_room * 2 : FIRST_ROOM;
        index->slots = mem_zero(index->room, sizeof *index->slots);
        for (size_t i = 0; i < old_room; i++) {
            if (old[i].place)
                insert(index, old[i]);
        }
        free(old);
    }
    insert(index, (struct row_slot){(uint32_t)place + 1, hash_of(id)});
    index->count++;
}

/* --- rows of any table ------------------------------------------------------------------------------------ */

static const char *shelf_id(const void *context, size_t place)
{
    return record_id(((const struct shelf *)context)->rows.items[place].row);
}

void shelf_init(struct shelf *shelf, const struct record_type *type)
{
    *shelf = (struct shelf){.type = type};
    arena_init(&shelf->arena);
}

void shelf_release(struct shelf *shelf)
{
    vec_release(&shelf->rows);
    row_index_release(&shelf->index);
    arena_release(&shelf->arena);
}

static void pack(struct shelf *shelf)
{
    struct arena fresh;
    if (shelf->arena.used_bytes < 2 * shelf->packed_bytes + PACK_SLACK)
        return;
    arena_init(&fresh);
    for (size_t i = 0; i < shelf->rows.count; i++)
        shelf->rows.items[i].row = record_copy(shelf->type, shelf->rows.items[i].row, &fresh);
    arena_release(&shelf->arena);
    shelf->arena = fresh;
    shelf->packed_bytes = fresh.used_bytes;
}

void shelf_put(struct shelf *shelf, const void *row)
{
    long place = row_index_find(&shelf->index, record_id(row), shelf_id, shelf);
    struct shelf_row fresh = {.row = record_copy(shelf->type, row, &shelf->arena)};
    shelf->version++;
    if (place >= 0) {
        shelf->rows.items[place] = fresh;
        pack(shelf);
        return;
    }
    vec_push(&shelf->rows, fresh);
    row_index_add(&shelf->index, shelf->rows.count - 1, record_id(row));
}

void shelf_remove(struct shelf *shelf, const char *id)
{
    long place = row_index_find(&shelf->index, id, shelf_id, shelf);
    if (place < 0 || shelf->rows.items[place].is_removed)
        return;
    shelf->rows.items[place].is_removed = true;
    shelf->version++;
}

const void *shelf_get(const struct shelf *shelf, const char *id)
{
    long place = row_index_find(&shelf->index, id, shelf_id, shelf);
    return place < 0 || shelf->rows.items[place].is_removed ? NULL : shelf->rows.items[place].row;
}

/* --- branches --------------------------------------------------------------------------------------------- */

struct text_block {
    struct text_block *next;
    size_t used, size;
    char text[];
};

static const char *keep(struct branch_shelf *shelf, const char *text, size_t length)
{
    if (!length)
        return "";
    if (!shelf->blocks || shelf->blocks->size - shelf->blocks->used < length + 1) {
        size_t size = length + 1 > BLOCK_BYTES ? length + 1 : BLOCK_BYTES;
        struct text_block *block = mem_alloc(sizeof *block + size);
        *block = (struct text_block){.next = shelf->blocks, .size = size};
        shelf->blocks = block;
    }
    char *kept = shelf->blocks->text + shelf->blocks->used;
    memcpy(kept, text, length);
    kept[length] = '\0';
    shelf->blocks->used += length + 1;
    shelf->text_bytes += length + 1;
    return kept;
}

static void free_blocks(struct text_block *block)
{
    while (block) {
        struct text_block *next = block->next;
        free(block);
        block = next;
    }
}

void branch_shelf_release(struct branch_shelf *shelf)
{
    vec_release(&shelf->rows);
    row_index_release(&shelf->index);
    free_blocks(shelf->blocks);
    map_release(&shelf->authors);
    *shelf = (struct branch_shelf){0};
}

static const char *branch_id(const void *context, size_t place)
{
    return ((const struct branch_shelf *)context)->rows.items[place].id;
}

static const char *keep_author(struct branch_shelf *shelf, const char *author)
{
    if (text_empty(author))
        return "";
    const char *kept = map_get(&shelf->authors, author);
    if (kept)
        return kept;
    union { /* the map's values are pointers it never follows */
        const char *text;
        void *value;
    } author_text = {.text = keep(shelf, author, strlen(author))};
    map_set(&shelf->authors, author, author_text.value);
    return author_text.text;
}

static void name_inside(struct branch_row *row)
{
    const char *colon = strchr(row->id, ':');
    row->name = colon ? colon + 1 : row->id;
}

static const char *keep_subject(struct branch_shelf *shelf, const char *subject)
{
    char cut[SUBJECT_BYTES];
    text_copy(cut, sizeof cut, subject ? subject : "");
    return keep(shelf, cut, strlen(cut));
}

/* Text that rows no longer name is dropped by keeping all living text anew. */
static void pack_branches(struct branch_shelf *shelf)
{
    struct text_block *old = shelf->blocks;
    if (shelf->wasted_bytes < shelf->text_bytes / 2 + PACK_SLACK)
        return;
    shelf->blocks = NULL;
    shelf->text_bytes = shelf->wasted_bytes = 0;
    map_release(&shelf->authors);
    shelf->authors = (struct map){0};
    for (size_t i = 0; i < shelf->rows.count; i++) {
        struct branch_row *row = &shelf->rows.items[i];
        row->id = keep(shelf, row->id, strlen(row->id));
        name_inside(row);
        row->subject = keep(shelf, row->subject, strlen(row->subject));
        row->author = keep_author(shelf, row->author);
    }
    free_blocks(old);
}

static void fill_branch(struct branch_shelf *shelf, struct branch_row *row, const struct branch *branch)
{
    row->subject = keep_subject(shelf, branch->subject);
    row->author = keep_author(shelf, branch->author);
    text_copy(row->commit, sizeof row->commit, branch->commit ? branch->commit : "");
    row->is_default = branch->is_default;
    row->is_gone = branch->gone_at != 0;
    row->is_removed = false;
    row->ahead = (int32_t)branch->ahead;
    row->behind = (int32_t)branch->behind;
    row->pull_request = (int32_t)branch->pull_request;
    row->committed_at = branch->committed_at;
    row->pushed_at = branch->pushed_at;
}

void branch_shelf_put(struct branch_shelf *shelf, const struct branch *branch)
{
    long place = row_index_find(&shelf->index, branch->id, branch_id, shelf);
    shelf->version++;
    if (place >= 0) {
        struct branch_row *row = &shelf->rows.items[place];
        shelf->wasted_bytes += strlen(row->subject) + 1;
        fill_branch(shelf, row, branch);
        pack_branches(shelf);
        return;
    }
    struct branch_row row = {.id = keep(shelf, branch->id, strlen(branch->id))};
    name_inside(&row);
    fill_branch(shelf, &row, branch);
    vec_push(&shelf->rows, row);
    row_index_add(&shelf->index, shelf->rows.count - 1, row.id);
}

void branch_shelf_remove(struct branch_shelf *shelf, const char *id)
{
    long place = row_index_find(&shelf->index, id, branch_id, shelf);
    if (place < 0 || shelf->rows.items[place].is_removed)
        return;
    shelf->rows.items[place].is_removed = true;
    shelf->version++;
}

const struct branch_row *branch_shelf_get(const struct branch_shelf *shelf, const char *id)
{
    long place = row_index_find(&shelf->index, id, branch_id, shelf);
    return place < 0 || shelf->rows.items[place].is_removed ? NULL : &shelf->rows.items[place];
}
