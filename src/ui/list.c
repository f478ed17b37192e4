/* SPDX-License-Identifier: ISC */
/* The base of the list views. */
#include "ui/list.h"

#include "ui/notices.h"

#include "ui/terminal.h"
#include "ui/wrap.h"

#define CALM_US 500000 /* after a key, before rows may change their order */
#define LEAST_ROWS_WITH_PREVIEW 24

static struct list_view *self_of(struct view *view)
{
    return (struct list_view *)view;
}

/* The place of the selected row, -1: none is there. */
static long place_of(struct view *view)
{
    const struct table *table = &self_of(view)->table;
    long place = table_place(table);
    return place >= 0 && table->source->exists(view, (size_t)place) ? place : -1;
}

void list_init(struct view *view, const char *argument)
{
    struct list_view *self = self_of(view);
    const struct list_ops *list = view->ops->list;
    (void)argument;
    table_init(&self->table, list->source, view, list->columns, list->column_count);
    table_sort(&self->table, list->sort, false);
    for (int i = 0; i < list->column_count; i++)
        self->titles[i] = list->columns[i].title;
}

void list_release(struct view *view)
{
    table_release(&self_of(view)->table);
}

bool list_work(struct view *view, int64_t budget_us)
{
    struct table *table = &self_of(view)->table;
    bool begun = table->state != TABLE_IDLE || table->seen == UINT64_MAX;
    bool moving = view->dashboard->last_key_us && list_monotonic(view) - view->dashboard->last_key_us < CALM_US;
    if (!begun && moving)
        return false;
    return table_work(table, budget_us);
}

const char *list_filter(struct view *view, const char *text)
{
    struct table *table = &self_of(view)->table;
    if (text)
        table_filter(table, text);
    return table->filter.text;
}

const struct filter *list_filters(const struct view *view)
{
    return &((const struct list_view *)view)->table.filter;
}

const char *const *list_columns(struct view *view)
{
    return self_of(view)->titles;
}

void list_sort(struct view *view, int column)
{
    struct table *table = &self_of(view)->table;
    table_sort(table, column, table->sort == column && !table->descending);
}

int64_t list_monotonic(void *context)
{
    struct view *view = context;
    return view->dashboard->terminal->ops->monotonic_us(view->dashboard->terminal);
}

bool list_age(void *context, int64_t at, int64_t *number)
{
    *number = ((struct view *)context)->dashboard->now_ms - at;
    return at != 0;
}

/* Shows what is left out of the list, or leaves it out again, at once. */
static void show_noise(struct view *view)
{
    struct table *table = &self_of(view)->table;
    view->dashboard->destroyed_shown = !view->dashboard->destroyed_shown;
    table_sort(table, table->sort, table->descending);
}

unsigned list_handle(struct view *view, enum request request)
{
    long place = place_of(view);
    if (request == REQUEST_OPEN && place >= 0)
        view->ops->list->open(view, (size_t)place);
    else if (request == REQUEST_NOISE)
        show_noise(view);
    else if (!table_handle(&self_of(view)->table, request))
        return REFRESH_NOTHING;
    return REFRESH_SCREEN;
}

void list_subject(struct view *view, struct subject *subject)
{
    long place = place_of(view);
    if (place >= 0)
        view->ops->list->subject(view, (size_t)place, subject);
}

bool list_why(struct view *view, struct str *out)
{
    long place = place_of(view);
    return place >= 0 && view->ops->list->why && view->ops->list->why(view, (size_t)place, out);
}

void list_title(struct view *view, struct str *out)
{
    struct table *table = &self_of(view)->table;
    const char *what = view->ops->list->title;
    size_t all = table->source->count(view), there = 0;
    if (table->filter.count) {
        for (size_t i = 0; all <= 5000 && i < all; i++)
            there += table->source->exists(view, i);
        str_addf(out, "%s %zu of %zu%s   filter: %s", what, table->shown.count, all <= 5000 ? there : all,
                 table->state != TABLE_IDLE ? " ..." : "", table->filter.text);
        if (*filter_trouble(&table->filter))
            str_addf(out, " (%s)", filter_trouble(&table->filter));
    } else if (*filter_trouble(&table->filter)) {
        str_addf(out, "%s %zu   filter: %s (%s)", what, table->shown.count, table->filter.text,
                 filter_trouble(&table->filter));
    } else {
        str_addf(out, "%s %zu%s", what, table->shown.count, table->state != TABLE_IDLE ? " ..." : "");
    }
    if (table->sort >= 0) {
        str_add(out, "   sort ");
        for (const char *at = table->columns[table->sort].title; *at; at++)
            str_add_char(out, *at >= 'A' && *at <= 'Z' ? (char)(*at + 32) : *at);
        if (table->descending)
            str_add(out, " (reversed)");
    }
    if (view->ops->list->title_more)
        view->ops->list->title_more(view, out);
}

/* Why there is nothing to see: the filter, what is wrong, or what the view says. */
static void put_nothing(struct view *view, struct grid *grid, struct area inside)
{
    struct area area = {inside.row + 2, inside.column + 2, inside.rows - 2, inside.columns - 4};
    struct str trouble = STR_INIT;
    if (self_of(view)->table.filter.count)
        wrap_put(grid, area, STYLE_MUTED, "nothing fits the filter (Esc clears it)");
    else if (frame_trouble(view->dashboard, &trouble))
        wrap_put(grid, area, STYLE_WARNING, trouble.data);
    else
        wrap_put(grid, area, STYLE_MUTED, view->ops->list->empty(view));
    str_release(&trouble);
}

void list_draw(struct view *view, struct grid *grid, struct area area)
{
    struct table *table = &self_of(view)->table;
    const struct list_ops *list = view->ops->list;
    long place = place_of(view);
    bool small = frame_is_small(grid);
    struct area inside = small ? area : area_inside(area);
    if (!small)
        grid_box(grid, area, BOX_PLAIN, NULL);
    if (!small && place >= 0 && !view->dashboard->preview_off && grid->rows > LEAST_ROWS_WITH_PREVIEW) {
        int row = area.row + area.rows - 2 - list->preview_rows;
        struct str name = STR_INIT;
        list->name(view, (size_t)place, &name);
        grid_divide(grid, area, row, BOX_PLAIN, name.data);
        str_release(&name);
        list->preview(view, (size_t)place, grid,
                      (struct area){row + 1, inside.column + 1, list->preview_rows, inside.columns - 2});
        inside.rows = row - inside.row;
    }
    table_draw(table, grid, inside);
    if (!table->shown.count && table->state == TABLE_IDLE)
        put_nothing(view, grid, inside);
}

void list_fact(struct grid *grid, struct area area, int line, const char *name, const char *text)
{
    if (line >= area.rows)
        return;
    grid_put(grid, area.row + line, area.column, NOTICE_NAME_WIDTH, STYLE_MUTED, name);
    grid_put(grid, area.row + line, area.column + NOTICE_NAME_WIDTH + 1, area.columns - NOTICE_NAME_WIDTH - 1,
             STYLE_NORMAL, text);
}
