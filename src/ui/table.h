/* SPDX-License-Identifier: ISC */
/*
 * A list of rows with columns: which rows are shown in which order, which is selected, what is on the screen. Sorting and filtering go in
 * small pieces (table_work), so that no key waits for 100,000 rows. Nothing jumps: when rows change or are re-ordered, the selected row
 * stays on its line of the screen.
 */
#ifndef UI_TABLE_H
#define UI_TABLE_H

#include "berth/base/memory.h"
#include "ui/cursor.h"
#include "ui/filter.h"

#define TABLE_COLUMNS 16
struct table_column {
    const char *title; /* also the name in filters and in the sort picker, lower case there */
    int least;         /* what it may shrink to when there is no room for all that is in it; 0: it never shrinks */
    int drop;          /* left out when there is still no room, highest first; 0: never */
};
struct
    table_source { /* where rows come from; a row is named by its place, which never changes while `generation` stands */
    size_t (*count)(void *context);
    bool (*exists)(void *context, size_t place); /* and is to be shown at all */
    /* Order of two rows by a column; ties are broken by place. */
    int (*compare)(void *context, size_t a, size_t b, int column);
    const char *(*field)(void *context, size_t place, const char *field); /* for filters; NULL: no such field */
    /* The number of a field, for filters: times in milliseconds. Optional; false: the row has none. */
    bool (*number)(void *context, size_t place, const char *field, int64_t *number);
    void (*cell)(void *context, size_t place, int column, struct str *text, enum style *style);
    uint64_t (*version)(void *context); /* grows when any row changed */
    int64_t (*monotonic_us)(void *context);
};
struct table {
    const struct table_source *source;
    void *context;
    const struct table_column *columns;
    int column_count;
    int sort; /* a column; -1: as the source has them */
    bool descending;
    struct filter filter;
    /* what is shown */
    VEC(uint32_t) shown;
    struct cursor cursor; /* in `shown` */
    int widest
        [TABLE_COLUMNS]; /* what each column was seen to hold: a column grows as one scrolls and never jumps back */
    /* work in progress: `order` is sorted bottom up in runs of `width`, then filtered into `next` */
    VEC(uint32_t) order, scratch, next;
    size_t width, left, left_end, right, right_end, at, scan;
    enum { TABLE_IDLE, TABLE_SORTING, TABLE_FILTERING } state;
    uint64_t seen; /* version of the rows that were looked at */
    bool filtered_once;
};
void table_init(struct table *table, const struct table_source *source, void *context,
                const struct table_column *columns, int column_count);
void table_release(struct table *table);
/* Looks whether rows changed and begins anew if so; then works for at most `budget_us`. True: there is more to do. */
bool table_work(struct table *table, int64_t budget_us);
/* Does all of it: for small tables and tests. */
void table_finish(struct table *table);
void table_sort(struct table *table, int column, bool descending);
void table_filter(struct table *table, const char *text);
/* The selected row's place, or -1 when nothing is shown. */
long table_place(const struct table *table);
/* Selects the row with this place when it is shown. */
void table_select(struct table *table, size_t place);
/* A movement among what is shown; false when the request was none. */
bool table_handle(struct table *table, enum request request);
/* Column titles on the first row, rows below. */
void table_draw(struct table *table, struct grid *grid, struct area area);

#endif
