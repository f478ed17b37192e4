/* SPDX-License-Identifier: ISC */
/* Moving among rows. */
#include "ui/cursor.h"

static long page_of(const struct cursor *cursor)
{
    return cursor->lines > 1 ? cursor->lines : 1;
}

bool cursor_handle(struct cursor *cursor, enum request request, size_t count)
{
    long page = page_of(cursor), half = page / 2 ? page / 2 : 1, all = (long)count, step;
    switch ((int)request) {
    case REQUEST_UP: step = -1; break;
    case REQUEST_DOWN: step = 1; break;
    case REQUEST_PAGE_UP: step = -page; break;
    case REQUEST_PAGE_DOWN: step = page; break;
    case REQUEST_HALF_UP: step = -half; break;
    case REQUEST_HALF_DOWN: step = half; break;
    case REQUEST_TOP: step = -all; break;
    case REQUEST_BOTTOM: step = all; break;
    default: return false;
    }
    long to = (long)cursor->at + step;
    cursor->at = to < 0 || !count ? 0 : to >= all ? count - 1 : (size_t)to;
    cursor_keep(cursor, count);
    return true;
}

void cursor_keep(struct cursor *cursor, size_t count)
{
    size_t lines = (size_t)page_of(cursor), last_top = count > lines ? count - lines : 0;
    if (cursor->at >= count)
        cursor->at = count ? count - 1 : 0;
    if (cursor->lines <= 0) /* not drawn yet: nobody has seen where it is */
        return;
    if (cursor->at < cursor->top)
        cursor->top = cursor->at;
    if (cursor->at >= cursor->top + lines)
        cursor->top = cursor->at - lines + 1;
    if (cursor->top > last_top)
        cursor->top = last_top;
}

void cursor_follow(struct cursor *cursor, size_t at)
{
    size_t line = cursor->at - cursor->top;
    cursor->at = at;
    cursor->top = at > line ? at - line : 0;
}

void cursor_point(struct grid *grid, struct area area, int row)
{
    grid_put(grid, row, area.column, 1, STYLE_NORMAL, grid->ascii ? ">" : "▸");
}

void cursor_mark(struct grid *grid, struct area area, int row)
{
    cursor_point(grid, area, row);
    grid_select(grid, row, area.column, area.columns);
}
