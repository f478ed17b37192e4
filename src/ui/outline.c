/* SPDX-License-Identifier: ISC */
/* The base of views over the rows of one thing. */
#include "ui/outline.h"

#include "berth/store.h"

#include <stdlib.h>

static struct outline_view *self_of(struct view *view)
{
    return (struct outline_view *)view;
}

static size_t count_of(struct view *view)
{
    return view->ops->outline->count(view);
}

static void remember(struct view *view)
{
    struct outline_view *self = self_of(view);
    const struct outline_ops *ops = view->ops->outline;
    free(self->selected);
    self->selected = ops->key && self->cursor.at < count_of(view) ? mem_strdup(ops->key(view, self->cursor.at)) : NULL;
}

static bool may_rest(struct view *view, size_t at)
{
    return !view->ops->outline->rests || view->ops->outline->rests(view, at);
}

/* From a row where the cursor may not stay to the next one in that direction, else in the other; a title above the first comes into sight with it. */
static void rest(struct view *view, int direction)
{
    struct cursor *cursor = &self_of(view)->cursor;
    size_t count = count_of(view), first = 0;
    while (first < count && !may_rest(view, first))
        first++;
    if (first == count)
        return;
    if (cursor->at <= first) {
        cursor->at = first;
        cursor->top = 0;
    }
    size_t at = cursor->at;
    while (direction > 0 && at + 1 < count && !may_rest(view, at))
        at++;
    while (at > first && !may_rest(view, at))
        at--;
    cursor->at = at;
    cursor_keep(cursor, count);
}

/* The row that was selected stays selected, on its line, when rows come and go. */
static void arrange(struct view *view)
{
    struct outline_view *self = self_of(view);
    const struct outline_ops *ops = view->ops->outline;
    if (ops->arrange)
        ops->arrange(view);
    size_t count = count_of(view);
    for (size_t at = 0; self->selected && at < count; at++) {
        if (text_equal(ops->key(view, at), self->selected)) {
            cursor_follow(&self->cursor, at);
            return;
        }
    }
    if (self->cursor.at >= count)
        self->cursor.at = count ? count - 1 : 0;
    rest(view, 1);
}

void outline_refresh(struct view *view, unsigned changed)
{
    struct outline_view *self = self_of(view);
    struct store *store = view->dashboard->reader;
    struct error error = {0};
    (void)changed;
    if (!store_read_begin(store, &error)) { /* what was read before stays on the screen */
        dashboard_say_error(view->dashboard, &error);
        return;
    }
    arena_release(&self->arena);
    if (!view->ops->outline->read(view, store, &self->arena, &error))
        dashboard_say_error(view->dashboard, &error);
    store_read_end(store);
    arrange(view);
}

void outline_init(struct view *view, const char *argument)
{
    (void)argument;
    outline_refresh(view, PICTURE_ALL);
}

void outline_release(struct view *view)
{
    struct outline_view *self = self_of(view);
    arena_release(&self->arena);
    map_release(&self->folds);
    free(self->selected);
}

void outline_draw(struct view *view, struct grid *grid, struct area area)
{
    struct outline_view *self = self_of(view);
    const struct outline_ops *ops = view->ops->outline;
    size_t count = count_of(view);
    self->cursor.lines = area.rows;
    cursor_keep(&self->cursor, count);
    for (int line = 0; line < area.rows && self->cursor.top + (size_t)line < count; line++) {
        size_t at = self->cursor.top + (size_t)line;
        ops->draw_row(view, grid, area, area.row + line, at);
        if (at == self->cursor.at && self->is_aside)
            cursor_point(grid, area, area.row + line);
        else if (at == self->cursor.at)
            cursor_mark(grid, area, area.row + line);
    }
    if (!count)
        grid_put(grid, area.row, area.column + 1, area.columns - 1, STYLE_MUTED, ops->empty(view));
}

bool outline_move(struct view *view, enum request request)
{
    struct cursor *cursor = &self_of(view)->cursor;
    size_t before = cursor->at;
    if (!cursor_handle(cursor, request, count_of(view)))
        return false;
    rest(view, cursor->at < before ? -1 : 1);
    remember(view);
    return true;
}

bool outline_is_open(const struct outline_view *outline, const char *key, bool by_default)
{
    return by_default != (map_get(&outline->folds, key) != NULL);
}

static void turn_over(struct outline_view *self, const char *key)
{
    if (map_get(&self->folds, key))
        map_remove(&self->folds, key);
    else
        map_set(&self->folds, key, self);
}

void outline_fold(struct view *view, const char *key, bool by_default, enum request request)
{
    struct outline_view *self = self_of(view);
    bool open = outline_is_open(self, key, by_default);
    if (request == (open ? REQUEST_RIGHT : REQUEST_LEFT))
        return;
    turn_over(self, key);
    remember(view);
    arrange(view);
}

struct folding {
    struct outline_view *self;
    size_t closed;
    bool open; /* what all shall be */
};

static void count_closed(void *context, const char *key, bool by_default)
{
    struct folding *folding = context;
    folding->closed += !outline_is_open(folding->self, key, by_default);
}

static void open_or_close(void *context, const char *key, bool by_default)
{
    struct folding *folding = context;
    if (outline_is_open(folding->self, key, by_default) != folding->open)
        turn_over(folding->self, key);
}

void outline_fold_all(struct view *view)
{
    const struct outline_ops *ops = view->ops->outline;
    struct folding folding = {.self = self_of(view)};
    if (!ops->folds)
        return;
    ops->folds(view, count_closed, &folding);
    folding.open = folding.closed > 0;
    ops->folds(view, open_or_close, &folding);
    arrange(view);
}
