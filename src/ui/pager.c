/* SPDX-License-Identifier: ISC */
/* Text that scrolls, follows and is searched; escape sequences end here. */
#include "ui/pager.h"

#include "berth/base/text.h"
#include "ui/filter.h"
#include "ui/wrap.h"

#define TAB_WIDTH 8

void pager_init(struct pager *pager)
{
    *pager = (struct pager){.text = STR_INIT, .wrap = true};
    vec_push(&pager->lines, 0);
}

void pager_release(struct pager *pager)
{
    str_release(&pager->text);
    vec_release(&pager->lines);
}

void pager_clear(struct pager *pager)
{
    str_clear(&pager->text);
    vec_clear(&pager->lines);
    vec_push(&pager->lines, 0);
    pager->top = pager->dropped = 0;
    pager->state = PAGER_TEXT;
    pager->carriage_return = false;
}

static size_t line_start(const struct pager *pager)
{
    return pager->lines.items[pager->lines.count - 1];
}

static void end_line(struct pager *pager)
{
    vec_push(&pager->lines, pager->text.length);
}

static void add_text_byte(struct pager *pager, char byte)
{
    size_t length = pager->text.length - line_start(pager);
    if (byte == '\n') {
        end_line(pager);
        return;
    }
    if (pager->carriage_return) {
        str_cut(&pager->text, line_start(pager));
        length = 0;
    }
    if (length >= PAGER_LINE && ((unsigned char)byte & 0xc0) != 0x80) {
        end_line(pager);
        length = 0;
    }
    if (byte == '\t')
        str_add_fill(&pager->text, ' ', TAB_WIDTH - length % TAB_WIDTH);
    else
        str_add_char(&pager->text, byte);
}

static void add_byte(struct pager *pager, char byte)
{
    unsigned char c = (unsigned char)byte;
    switch (pager->state) {
    case PAGER_TEXT:
        if (c == 0x1b) {
            pager->state = PAGER_ESCAPE;
            return;
        }
        if (c != '\r')
            add_text_byte(pager, byte);
        pager->carriage_return = c == '\r';
        return;
    case PAGER_ESCAPE:
        pager->state = c == '[' ? PAGER_CSI : c == ']' || c == 'P' || c == '_' || c == '^' ? PAGER_OSC : PAGER_TEXT;
        if (c == '\n')
            add_text_byte(pager, byte);
        return;
    case PAGER_CSI:
        if ((c >= 0x40 && c <= 0x7e) || c == '\n' || c == 0x1b)
            pager->state = c == 0x1b ? PAGER_ESCAPE : PAGER_TEXT;
        if (c == '\n')
            add_text_byte(pager, byte);
        return;
    case PAGER_OSC: /* a line's end ends it too: an unfinished one must not hide the rest of the log */
        if (c == '\a' || c == '\n')
            pager->state = PAGER_TEXT;
        else if (c == 0x1b)
            pager->state = PAGER_OSC_ESCAPE;
        if (c == '\n')
            add_text_byte(pager, byte);
        return;
    case PAGER_OSC_ESCAPE: pager->state = c == '\\' ? PAGER_TEXT : PAGER_OSC; return;
    }
}

static void drop_oldest(struct pager *pager)
{
    size_t lines = 0, count = pager->lines.count;
    if (pager->text.length <= PAGER_BYTES)
        return;
    while (lines + 1 < count && pager->text.length - pager->lines.items[lines] > PAGER_BYTES / 2)
        lines++;
    size_t bytes = pager->lines.items[lines];
    str_consume(&pager->text, bytes);
    for (size_t i = lines; i < count; i++)
        pager->lines.items[i - lines] = pager->lines.items[i] - bytes;
    pager->lines.count -= lines;
    pager->dropped += lines;
    pager->top = pager->top > lines ? pager->top - lines : 0;
}

void pager_add(struct pager *pager, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_byte(pager, bytes[i]);
    drop_oldest(pager);
}

/* Lines there are to show: a last one that is still empty does not count. */
static size_t line_count(const struct pager *pager)
{
    return pager->lines.count - (line_start(pager) == pager->text.length ? 1 : 0);
}

static void copy_line(const struct pager *pager, size_t line, struct str *out)
{
    size_t from = pager->lines.items[line];
    size_t to = line + 1 < pager->lines.count ? pager->lines.items[line + 1] : pager->text.length;
    str_clear(out);
    str_add_bytes(out, pager->text.data + from, to - from);
}

/* The first line on the screen when the end is at its bottom; wrapped lines take several rows. */
static size_t last_top(const struct pager *pager)
{
    size_t shown = pager->shown_lines > 0 ? (size_t)pager->shown_lines : 1, count = line_count(pager), rows = 0;
    struct str text = STR_INIT;
    if (!pager->wrap || !pager->shown_columns)
        return count > shown ? count - shown : 0;
    size_t top = count;
    while (top > 0) {
        copy_line(pager, top - 1, &text);
        rows += (size_t)wrap_rows(text.data, pager->shown_columns);
        if (rows > shown && top < count)
            break;
        top--;
    }
    str_release(&text);
    return top;
}

static void scroll(struct pager *pager, long lines)
{
    size_t last = last_top(pager);
    if (pager->follow)
        pager->top = last;
    if (lines < 0)
        pager->top = pager->top > (size_t)-lines ? pager->top - (size_t)-lines : 0;
    else
        pager->top += (size_t)lines;
    if (pager->top >= last) {
        pager->top = last;
        return;
    }
    pager->follow = false;
}

static bool line_has(const struct pager *pager, size_t line, struct str *text)
{
    copy_line(pager, line, text);
    return text_find(text->data, pager->search) != NULL;
}

static bool find(struct pager *pager, int direction)
{
    struct str text = STR_INIT;
    size_t count = line_count(pager), line = pager->top;
    bool found = false;
    for (size_t i = 0; pager->search[0] && !found && i < count; i++) {
        line = direction > 0 ? (line + 1) % count : (line + count - 1) % count;
        found = line_has(pager, line, &text);
    }
    if (found) {
        pager->follow = false;
        pager->top = line;
    }
    str_release(&text);
    return found;
}

bool pager_search(struct pager *pager, const char *text)
{
    struct str line = STR_INIT;
    text_copy(pager->search, sizeof pager->search, text);
    bool here = *text && pager->top < line_count(pager) && line_has(pager, pager->top, &line);
    str_release(&line);
    return here || !*text || find(pager, 1);
}

bool pager_handle(struct pager *pager, enum request request)
{
    long page = pager->shown_lines > 1 ? pager->shown_lines - 1 : 1;
    if (request == REQUEST_UP || request == REQUEST_DOWN)
        scroll(pager, request == REQUEST_UP ? -1 : 1);
    else if (request == REQUEST_PAGE_UP || request == REQUEST_PAGE_DOWN)
        scroll(pager, request == REQUEST_PAGE_UP ? -page : page);
    else if (request == REQUEST_HALF_UP || request == REQUEST_HALF_DOWN)
        scroll(pager, request == REQUEST_HALF_UP ? -(page / 2 + 1) : page / 2 + 1);
    else if (request == REQUEST_TOP)
        scroll(pager, -(long)line_count(pager));
    else if (request == REQUEST_BOTTOM)
        scroll(pager, (long)line_count(pager));
    else if (request == REQUEST_NEXT_MATCH || request == REQUEST_PREVIOUS_MATCH)
        find(pager, request == REQUEST_NEXT_MATCH ? 1 : -1);
    else if (request == REQUEST_WRAP)
        pager->wrap = !pager->wrap;
    else
        return false;
    return true;
}

static void mark_match(const struct pager *pager, struct grid *grid, int row, struct area area, const char *text)
{
    const char *at = pager->search[0] ? text_find(text, pager->search) : NULL;
    if (!at)
        return;
    struct str before = STR_INIT, match = STR_INIT;
    text_visible(&before, text, (size_t)(at - text), TEXT_ONE_LINE);
    str_add_bytes(&match, at, strlen(pager->search));
    int column = text_width(before.data);
    if (column < area.columns)
        grid_put(grid, row, area.column + column, area.columns - column, STYLE_MATCH, match.data);
    str_release(&before);
    str_release(&match);
}

/* Draws one line on one row, or on as many as it needs when wrapping; gives the rows used. */
static int draw_line(struct pager *pager, struct grid *grid, int row, struct area area, const char *text)
{
    struct str visible = STR_INIT;
    int used = 0;
    if (!pager->wrap) {
        grid_put(grid, row, area.column, area.columns, STYLE_NORMAL, text);
        mark_match(pager, grid, row, area, text);
        return 1;
    }
    text_visible(&visible, text, strlen(text), TEXT_ONE_LINE);
    size_t at = 0, start, bytes;
    while (wrap_next(visible.data, visible.length, area.columns, &at, &start, &bytes)) {
        if (row + used < area.row + area.rows) {
            struct str piece = STR_INIT;
            str_add_bytes(&piece, visible.data + start, bytes);
            grid_put(grid, row + used, area.column, area.columns, STYLE_NORMAL, piece.data);
            mark_match(pager, grid, row + used, area, piece.data);
            str_release(&piece);
        }
        used++;
    }
    str_release(&visible);
    return used;
}

void pager_draw(struct pager *pager, struct grid *grid, struct area area)
{
    struct str text = STR_INIT;
    pager->shown_lines = area.rows;
    pager->shown_columns = area.columns;
    if (pager->follow || pager->top > last_top(pager))
        pager->top = last_top(pager);
    size_t line = pager->top;
    for (int row = area.row; row < area.row + area.rows && line < line_count(pager); line++) {
        copy_line(pager, line, &text);
        row += draw_line(pager, grid, row, area, text.data);
    }
    str_release(&text);
}
