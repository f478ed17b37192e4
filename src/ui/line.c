/* SPDX-License-Identifier: ISC */
/* Editing one line: characters, deleting, moving, whole words. */
#include "ui/line.h"

#include "berth/base/text.h"
#include "ui/terminal.h"

void line_init(struct line *line)
{
    *line = (struct line){.text = STR_INIT};
}

void line_release(struct line *line)
{
    str_release(&line->text);
}

void line_set(struct line *line, const char *text)
{
    str_clear(&line->text);
    str_add(&line->text, text);
    line->at = line->text.length;
}

static bool is_inside(const struct line *line, size_t at)
{
    return at < line->text.length && ((unsigned char)line->text.data[at] & 0xc0) == 0x80;
}

static size_t before(const struct line *line)
{
    size_t at = line->at;
    if (at)
        at--;
    while (at && is_inside(line, at))
        at--;
    return at;
}

static size_t after(const struct line *line)
{
    size_t at = line->at < line->text.length ? line->at + 1 : line->at;
    while (is_inside(line, at))
        at++;
    return at;
}

/* Replaces the bytes from `from` to `to`. */
static void replace(struct line *line, size_t from, size_t to, const char *bytes, size_t count)
{
    struct str text = STR_INIT;
    str_add_bytes(&text, line->text.data, from);
    str_add_bytes(&text, bytes, count);
    str_add_bytes(&text, line->text.data + to, line->text.length - to);
    str_release(&line->text);
    line->text = text;
    line->at = from + count;
}

static size_t encode(int c, char bytes[4])
{
    if (c < 0x80) {
        bytes[0] = (char)c;
        return 1;
    }
    size_t count = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = count - 1; i > 0; i--, c >>= 6)
        bytes[i] = (char)(0x80 | (c & 0x3f));
    bytes[0] = (char)((count == 2 ? 0xc0 : count == 3 ? 0xe0 : 0xf0) | c);
    return count;
}

static size_t word_before(const struct line *line)
{
    size_t at = line->at;
    while (at && line->text.data[at - 1] == ' ')
        at--;
    while (at && line->text.data[at - 1] != ' ')
        at--;
    return at;
}

bool line_press(struct line *line, int key)
{
    char bytes[4];
    if (key == PRESS_LEFT)
        line->at = before(line);
    else if (key == PRESS_RIGHT)
        line->at = after(line);
    else if (key == PRESS_HOME || key == CONTROL('a'))
        line->at = 0;
    else if (key == PRESS_END || key == CONTROL('e'))
        line->at = line->text.length;
    else if (key == PRESS_BACKSPACE)
        replace(line, before(line), line->at, "", 0);
    else if (key == PRESS_DELETE)
        replace(line, line->at, after(line), "", 0);
    else if (key == CONTROL('u'))
        replace(line, 0, line->at, "", 0);
    else if (key == CONTROL('w'))
        replace(line, word_before(line), line->at, "", 0);
    else if (key >= ' ' && key < 0x110000 && key != 127 && line->text.length < LINE_BYTES)
        replace(line, line->at, line->at, bytes, encode(key, bytes));
    else
        return false;
    return true;
}

void line_draw(const struct line *line, struct grid *grid, int row, int column, int width, enum style style,
               bool has_cursor)
{
    struct str head = STR_INIT;
    size_t from = 0;
    str_add_bytes(&head, line->text.data, line->at);
    while (text_width(head.data + from) >= width && from < head.length) { /* its front goes out of sight */
        from++;
        while (from < head.length && ((unsigned char)head.data[from] & 0xc0) == 0x80)
            from++;
    }
    grid_put(grid, row, column, width, style, line->text.data + from);
    if (has_cursor) {
        grid->cursor_row = row;
        grid->cursor_column = column + text_width(head.data + from);
    }
    str_release(&head);
}
