/* SPDX-License-Identifier: ISC */
/* Measuring text in the cells of a terminal. */
#include "berth/base/text.h"

#include "base/unicode.h"

#include <string.h>
#include <utf8proc.h>

static int character_width(int32_t c)
{
    int width = utf8proc_charwidth(c);
    return width < 0 ? 0 : width > 2 ? 2 : width;
}

static bool is_regional(int32_t c)
{
    return c >= 0x1f1e6 && c <= 0x1f1ff;
}

bool text_next(const char *text, size_t length, size_t *at, size_t *cluster_start, size_t *cluster_length, int *width)
{
    int32_t c, next;
    size_t bytes = *at < length ? unicode_decode(text + *at, length - *at, &c) : 0;
    if (!bytes) {
        if (*at >= length)
            return false;
        bytes = 1; /* never in valid text: one cell, so that measuring ends */
        c = '?';
    }
    *cluster_start = *at;
    *width = character_width(c);
    bool flag = is_regional(c);
    utf8proc_int32_t state = 0;
    for (*at += bytes; *at < length; *at += bytes) {
        bytes = unicode_decode(text + *at, length - *at, &next);
        if (!bytes || utf8proc_grapheme_break_stateful(c, next, &state))
            break;
        int wider = flag && is_regional(next) ? 2 : character_width(next);
        if (wider > *width)
            *width = wider;
        c = next;
    }
    *cluster_length = *at - *cluster_start;
    return true;
}

int text_width(const char *text)
{
    size_t length = text ? strlen(text) : 0, at = 0, start, bytes;
    int cells = 0, width;
    while (text_next(text, length, &at, &start, &bytes, &width))
        cells += width;
    return cells;
}

int text_fit(struct str *out, const char *text, int width, bool ascii)
{
    size_t length = text ? strlen(text) : 0, at = 0, start, bytes, cut = 0;
    int cells = 0, cells_at_cut = 0, cluster;
    if (width <= 0)
        return 0;
    while (text_next(text, length, &at, &start, &bytes, &cluster)) {
        if (cells + cluster > width) {
            str_add_bytes(out, text, cut);
            str_add(out, ascii ? ">" : "…");
            return cells_at_cut + 1;
        }
        cells += cluster;
        if (cells < width) { /* up to here there is a cell left for the mark of the cut */
            cut = at;
            cells_at_cut = cells;
        }
    }
    str_add_bytes(out, text, length);
    return cells;
}
