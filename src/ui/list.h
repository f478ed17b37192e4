/* SPDX-License-Identifier: ISC */
/*
 * The base of every view that is one list with a preview below it: moving, paging, filter, order, title, what to say when there is nothing. A list
 * view is its columns, its rows by place, and what a row means (struct list_ops); `LIST_VIEW` fills the rest of its struct view_ops.
 */
#ifndef UI_LIST_H
#define UI_LIST_H

#include "ui/dashboard.h"
#include "ui/table.h"

#define LIST_COLUMNS 16
struct list_ops {
    const char *title; /* "Environments", begins row 3 */
    const struct table_column *columns;
    int column_count, sort;            /* sort: the column it opens with */
    const struct table_source *source; /* its context is the view */
    int preview_rows;
    /* Of the row at a place; the base asks only for rows that are there. */
    void (*name)(struct view *view, size_t place, struct str *out);
    void (*preview)(struct view *view, size_t place, struct grid *grid, struct area area);
    void (*subject)(struct view *view, size_t place, struct subject *subject);
    void (*open)(struct view *view, size_t place);
    bool (*why)(struct view *view, size_t place, struct str *out);
    /* Of the whole list. */
    void (*title_more)(struct view *view, struct str *out); /* NULL: nothing */
    const char *(*empty)(struct view *view);                /* what to do when there is no row */
};
struct list_view {
    struct view view;
    struct table table;
    const char *titles[LIST_COLUMNS + 1];
};
#define LIST_VIEW                                                                                                  \
    .size = sizeof(struct list_view), .init = list_init, .release = list_release, .work = list_work,               \
    .title = list_title, .draw = list_draw, .handle = list_handle, .subject = list_subject, .filter = list_filter, \
    .columns = list_columns, .sort = list_sort, .why = list_why
/* The rows of a list view: its file's functions by the names of their jobs. */
#define LIST_SOURCE                                                                                       \
    .count = count, .exists = exists, .compare = compare, .field = field, .number = number, .cell = cell, \
    .version = version, .monotonic_us = list_monotonic
void list_init(struct view *view, const char *argument);
void list_release(struct view *view);
bool list_work(struct view *view, int64_t budget_us);
void list_title(struct view *view, struct str *out); /* "Environments 13 of 41   filter: x   sort status" */
void list_draw(struct view *view, struct grid *grid, struct area area);
unsigned list_handle(struct view *view, enum request request);
void list_subject(struct view *view, struct subject *subject);
const char *list_filter(struct view *view, const char *text);
const char *const *list_columns(struct view *view);
void list_sort(struct view *view, int column);
bool list_why(struct view *view, struct str *out);

const struct filter *list_filters(const struct view *view);
int64_t list_monotonic(void *context); /* for a table_source */
/* For its `number`: how long ago an instant was; false where there is none. */
bool list_age(void *context, int64_t at, int64_t *number);
/* "why   text" on a line of the preview. */
void list_fact(struct grid *grid, struct area area, int line, const char *name, const char *text);

#endif
