/* SPDX-License-Identifier: ISC */
/* Long text on several rows. */
#include "ui/wrap.h"

#include "berth/base/str.h"
#include "berth/base/text.h"

#include <string.h>

#define NO_MORE SIZE_MAX

bool wrap_next(const char *text, size_t length, int width, size_t *at, size_t *start, size_t *bytes)
{
    size_t place = *at, from = *at, cluster, size, space = 0;
    int cells = 0, wide;
    if (*at == NO_MORE)
        return false;
    *start = from;
    while (text_next(text, length, &place, &cluster, &size, &wide)) {
        if (text[cluster] == ' ')
            space = cluster;
        if (cells + wide > width && cluster > from) {
            size_t end = space > from ? space : cluster;
            *bytes = end - from;
            *at = end + (space > from);
            return true;
        }
        cells += wide;
    }
    *bytes = length - from;
    *at = NO_MORE;
    return true;
}

int wrap_rows(const char *text, int width)
{
    struct str visible = STR_INIT;
    size_t at = 0, start, bytes;
    int rows = 0;
    text_visible(&visible, text, strlen(text), TEXT_ONE_LINE);
    while (wrap_next(visible.data, visible.length, width, &at, &start, &bytes))
        rows++;
    str_release(&visible);
    return rows;
}

int wrap_put(struct grid *grid, struct area area, enum style style, const char *text)
{
    struct str visible = STR_INIT;
    size_t at = 0, start, bytes;
    int row = 0;
    text_visible(&visible, text, strlen(text), TEXT_ONE_LINE);
    while (row < area.rows && wrap_next(visible.data, visible.length, area.columns, &at, &start, &bytes)) {
        bool cut = row == area.rows - 1;
        grid_putf(grid, area.row + row++, area.column, area.columns, style, "%.*s",
                  (int)(cut ? visible.length - start : bytes), visible.data + start);
    }
    str_release(&visible);
    return row;
}
