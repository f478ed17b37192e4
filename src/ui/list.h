/* SPDX-License-Identifier: ISC */
/* What the views that are one list with a preview share: a view borrows these functions and adds its rows. */
#ifndef UI_LIST_H
#define UI_LIST_H

#include "ui/dashboard.h"
#include "ui/table.h"

#define LIST_COLUMNS 16
struct list_view {
    struct view view;
    struct table table;
    const char *titles[LIST_COLUMNS + 1];
};
void list_init(struct view *view, const struct table_source *source, const struct table_column *columns, int count,
               int sort);
void list_release(struct view *view);
void list_refresh(struct view *view, unsigned changed);
bool list_work(struct view *view, int64_t budget_us);
const char *list_filter(struct view *view, const char *text);
const char *const *list_columns(struct view *view);
void list_sort(struct view *view, int column);
unsigned list_handle(struct view *view, enum request request);
long list_place(struct view *view);
int64_t list_monotonic(void *context);
/* "Environments 13/41   filter: x   sort status" */
void list_title(struct view *view, const char *what, struct str *out);
/* The list in a box, below it a preview of `lines` where there is room. `empty`: what to do when there is nothing. */
typedef void list_preview(struct view *view, struct grid *grid, struct area area);
void list_draw(struct view *view, struct grid *grid, struct area area, const char *selected, list_preview *preview,
               int lines, const char *empty);
/* "why   text" on a line of the preview. */
void list_fact(struct grid *grid, struct area area, int line, const char *name, const char *text);

#endif
