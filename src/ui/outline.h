/* SPDX-License-Identifier: ISC */
/*
 * The base of views over the rows of one thing (an environment, a plan, the steps of a run): read anew inside one moment whenever the feed says so,
 * one row a line, the selected row kept by its key, rows that open and fold, moving, paging. A view adds what it reads and how a row is drawn.
 */
#ifndef UI_OUTLINE_H
#define UI_OUTLINE_H

#include "berth/base/memory.h"
#include "ui/cursor.h"
#include "ui/dashboard.h"

typedef void outline_fold_visit(void *context, const char *key, bool by_default);
struct outline_ops {
    /* Reads everything the view shows, inside a read transaction. What `arena` held is gone: after an error nothing may point into it. */
    bool (*read)(struct view *view, struct store *store, struct arena *arena, struct error *error);
    /* Makes rows of what was read (also after a fold); optional. */
    void (*arrange)(struct view *view);
    size_t (*count)(struct view *view);
    const char *(*key)(struct view *view, size_t at); /* the row that stays selected; NULL: by its place */
    bool (*rests)(struct view *view, size_t at);      /* whether the cursor may stay there; NULL: everywhere */
    void (*draw_row)(struct view *view, struct grid *grid, struct area area, int row, size_t at);
    const char *(*empty)(struct view *view);
    /* Calls `visit` for each row that can fold, shown or not, with whether it is open at first; NULL: none can. */
    void (*folds)(struct view *view, outline_fold_visit *visit, void *context);
};
struct outline_view { /* the first member of such a view */
    struct view view;
    struct arena arena;
    struct cursor cursor;
    char *selected;   /* its key */
    struct map folds; /* keys of rows that are not as they were at first */
    bool is_aside;    /* another pane has the keys: the selected row is pointed at, not laid over */
};
void outline_init(struct view *view, const char *argument);
void outline_release(struct view *view);
void outline_refresh(struct view *view, unsigned changed);
/* Rows from the top of the area; what does not fit scrolls. */
void outline_draw(struct view *view, struct grid *grid, struct area area);
/* Movements only: true when it was one. */
bool outline_move(struct view *view, enum request request);
/* Whether a row that is open at first (`by_default`) is open now. */
bool outline_is_open(const struct outline_view *outline, const char *key, bool by_default);
/* Left folds, right unfolds, anything else changes it; makes the rows anew. */
void outline_fold(struct view *view, const char *key, bool by_default, enum request request);
/* Opens every row that can fold; when all are open, folds them all. */
void outline_fold_all(struct view *view);

#endif
