/* SPDX-License-Identifier: ISC */
/* A pager over any text: why something is so, a tool's own words, everything recorded about a row. */
#include "ui/dashboard.h"
#include "ui/pager.h"

struct text_view_state {
    struct view view;
    struct pager pager;
};

static struct text_view_state *self_of(struct view *view)
{
    return (struct text_view_state *)view;
}

/* The argument is the title, a line's end, and the text. */
static void init(struct view *view, const char *argument)
{
    struct pager *pager = &self_of(view)->pager;
    const char *end = strchr(argument, '\n');
    pager_init(pager);
    if (end) {
        pager_add(pager, end + 1, strlen(end + 1));
        view->argument[end - argument] = '\0';
    }
}

static void release(struct view *view)
{
    pager_release(&self_of(view)->pager);
}

static void title(struct view *view, struct str *out)
{
    str_add(out, view->argument);
}

static void draw(struct view *view, struct grid *grid, struct area area)
{
    struct area inside = area;
    if (!frame_is_small(grid)) {
        grid_box(grid, area, BOX_PLAIN, NULL);
        inside = area_inside(area);
        inside.column++;
        inside.columns -= 2;
    }
    pager_draw(&self_of(view)->pager, grid, inside);
}

static unsigned handle(struct view *view, enum request request)
{
    return pager_handle(&self_of(view)->pager, request) ? REFRESH_SCREEN : REFRESH_NOTHING;
}

static const char *filter(struct view *view, const char *text)
{
    return dashboard_search(view->dashboard, &self_of(view)->pager, text, "this text");
}

const struct view_ops text_view = {
    .name = "text",
    .kind = VIEW_TEXT,
    .size = sizeof(struct text_view_state),
    .init = init,
    .release = release,
    .title = title,
    .draw = draw,
    .handle = handle,
    .filter = filter,
};
