/* SPDX-License-Identifier: ISC */
/* The screen in memory: text cut into cells, boxes, and the same as plain text for tests. */
#include "ui/grid.h"

#include "berth/base/memory.h"
#include "berth/base/str.h"
#include "berth/base/text.h"

#include <stdlib.h>

static int within(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

void grid_init(struct grid *grid, int rows, int columns, bool ascii)
{
    *grid = (struct grid){.ascii = ascii};
    grid_resize(grid, rows, columns);
}

void grid_release(struct grid *grid)
{
    free(grid->cells);
    grid->cells = NULL;
    grid->rows = grid->columns = 0;
}

void grid_resize(struct grid *grid, int rows, int columns)
{
    grid->rows = within(rows, 1, GRID_LIMIT);
    grid->columns = within(columns, 1, GRID_LIMIT);
    free(grid->cells);
    grid->cells = mem_zero((size_t)grid->rows * (size_t)grid->columns, sizeof *grid->cells);
    grid_clear(grid);
}

static void cell_blank(struct cell *cell, enum style style)
{
    memset(cell, 0, sizeof *cell);
    cell->text[0] = ' ';
    cell->width = 1;
    cell->style = (uint8_t)style;
}

void grid_clear(struct grid *grid)
{
    size_t count = (size_t)grid->rows * (size_t)grid->columns;
    for (size_t i = 0; i < count; i++)
        cell_blank(&grid->cells[i], STYLE_NORMAL);
    grid->cursor_row = -1;
    grid->cursor_column = 0;
}

struct cell *grid_cell(const struct grid *grid, int row, int column)
{
    BUG_ON(row < 0 || row >= grid->rows || column < 0 || column >= grid->columns);
    return &grid->cells[(size_t)row * (size_t)grid->columns + (size_t)column];
}

/* A wide character that loses one of its cells leaves a blank in the other. */
static void cell_set(struct grid *grid, int row, int column, const char *text, size_t length, int width,
                     enum style style)
{
    struct cell *cell = grid_cell(grid, row, column);
    if (cell->width == 0 && column > 0)
        cell_blank(cell - 1, (enum style)cell[-1].style);
    if (cell[width - 1].width == 2 && column + width < grid->columns)
        cell_blank(&cell[width], (enum style)cell[width].style);
    memset(cell, 0, sizeof *cell * (size_t)width);
    memcpy(cell->text, text, length);
    cell->width = (uint8_t)width;
    cell->style = (uint8_t)style;
    if (width == 2)
        cell[1].style = (uint8_t)style;
}

static bool is_variation(const char *character, size_t length)
{
    return length == 3 && memcmp(character, "\xef\xb8", 2) == 0 &&
           (character[2] & '\xfe') == '\x8e'; /* U+FE0E, U+FE0F */
}

/* What takes no cell of its own beside its base, in every terminal. */
static bool is_mark(const char *character, size_t length)
{
    char text[8] = "";
    static const char joiner[] = "\xe2\x80\x8d"; /* U+200D */
    if (length >= sizeof text || (length == 3 && memcmp(character, joiner, 3) == 0))
        return false;
    memcpy(text, character, length);
    return text_width(text) == 0;
}

/* The bytes of a cluster that a cell may hold: a base and its marks, which every terminal draws in the same width; a variation selector at the
 * end is left out. 0: it is joined or modified of several characters (families, skin tones, flags); terminals disagree about the cells these
 * take, and a part of one would be another picture. */
static size_t drawable_bytes(const char *cluster, size_t length)
{
    size_t kept = 0;
    for (size_t i = 0, next; i < length; i = next) {
        next = i + 1;
        while (next < length && ((unsigned char)cluster[next] & 0xc0) == 0x80)
            next++;
        if (next == length && i > 0 && is_variation(cluster + i, next - i))
            break;
        if (i > 0 && !is_mark(cluster + i, next - i))
            return 0;
        if (next < CELL_BYTES)
            kept = next;
    }
    return kept;
}

/* `text` is visible text already. */
static int put_visible(struct grid *grid, int row, int column, int width, enum style style, const char *text,
                       size_t length)
{
    size_t at = 0, start, bytes;
    int used = 0, cells;
    while (text_next(text, length, &at, &start, &bytes, &cells)) {
        if (cells == 0)
            continue;
        if (used + cells > width)
            break;
        size_t kept = drawable_bytes(text + start, bytes);
        bool drawable = kept > 0 && !(grid->ascii && (unsigned char)text[start] >= 0x80);
        const char *instead = grid->ascii ? "?" : "\xef\xbf\xbd"; /* U+FFFD */
        if (drawable)
            cell_set(grid, row, column + used, text + start, kept, cells, style);
        for (int i = 0; !drawable && i < cells; i++)
            cell_set(grid, row, column + used + i, instead, strlen(instead), 1, style);
        used += cells;
    }
    return used;
}

static bool is_plain(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
            return false;
    }
    return true;
}

static int put_ascii(struct grid *grid, int row, int column, int width, enum style style, const char *text)
{
    int used = 0;
    for (; text[used] && used < width; used++)
        cell_set(grid, row, column + used, text + used, 1, 1, style);
    if (text[used] && width > 0)
        cell_set(grid, row, column + width - 1, grid->ascii ? ">" : "…", grid->ascii ? 1 : strlen("…"), 1, style);
    return used;
}

int grid_put(struct grid *grid, int row, int column, int width, enum style style, const char *text)
{
    if (row < 0 || row >= grid->rows || column < 0 || column >= grid->columns || !text)
        return 0;
    if (width > grid->columns - column)
        width = grid->columns - column;
    if (width <= 0)
        return 0;
    if (is_plain(text))
        return put_ascii(grid, row, column, width, style, text);
    struct str visible = STR_INIT, fitted = STR_INIT;
    text_visible(&visible, text, strlen(text), TEXT_ONE_LINE);
    text_fit(&fitted, visible.data, width, grid->ascii);
    int used = put_visible(grid, row, column, width, style, fitted.data, fitted.length);
    str_release(&visible);
    str_release(&fitted);
    return used;
}

int grid_putf(struct grid *grid, int row, int column, int width, enum style style, const char *format, ...)
{
    struct str text = STR_INIT;
    va_list arguments;
    va_start(arguments, format);
    str_addv(&text, format, arguments);
    va_end(arguments);
    int used = grid_put(grid, row, column, width, style, text.data);
    str_release(&text);
    return used;
}

int grid_put_right(struct grid *grid, int row, int column_end, enum style style, const char *text)
{
    struct str visible = STR_INIT;
    text_visible(&visible, text, strlen(text), TEXT_ONE_LINE);
    int width = text_width(visible.data);
    int column = column_end - width < 0 ? 0 : column_end - width;
    grid_put(grid, row, column, column_end - column, style, text);
    str_release(&visible);
    return column;
}

static struct area clipped(const struct grid *grid, struct area area)
{
    int end_row = within(area.row + area.rows, 0, grid->rows);
    int end_column = within(area.column + area.columns, 0, grid->columns);
    area.row = within(area.row, 0, end_row);
    area.column = within(area.column, 0, end_column);
    area.rows = end_row - area.row;
    area.columns = end_column - area.column;
    return area;
}

void grid_blank(struct grid *grid, struct area area, enum style style)
{
    area = clipped(grid, area);
    for (int row = area.row; row < area.row + area.rows; row++) {
        for (int column = area.column; column < area.column + area.columns; column++)
            cell_set(grid, row, column, " ", 1, 1, style);
    }
}

void grid_select(struct grid *grid, int row, int column, int width)
{
    struct area area = clipped(grid, (struct area){row, column, 1, width});
    for (int i = 0; i < area.columns && area.rows; i++)
        grid_cell(grid, area.row, area.column + i)->selected = 1;
}

void grid_restyle(struct grid *grid, struct area area, enum style style)
{
    area = clipped(grid, area);
    for (int row = area.row; row < area.row + area.rows; row++) {
        for (int column = area.column; column < area.column + area.columns; column++) {
            grid_cell(grid, row, column)->style = (uint8_t)style;
            grid_cell(grid, row, column)->selected = 0;
        }
    }
}

enum line {
    LINE_ACROSS,
    LINE_DOWN,
    LINE_TOP_LEFT,
    LINE_TOP_RIGHT,
    LINE_BOTTOM_LEFT,
    LINE_BOTTOM_RIGHT,
    LINE_LEFT,
    LINE_RIGHT
};

static void put_line(struct grid *grid, int row, int column, enum box box, enum line line)
{
    static const char *const plain[] = {"─", "│", "┌", "┐", "└", "┘", "├", "┤"};
    static const char *const prod[] = {"━", "┃", "┏", "┓", "┗", "┛", "┣", "┫"};
    static const char *const ascii[] = {"-", "|", "+", "+", "+", "+", "+", "+"};
    if (row < 0 || row >= grid->rows || column < 0 || column >= grid->columns)
        return;
    const char *text = grid->ascii ? (box == BOX_PROD ? "#" : ascii[line]) : box == BOX_PROD ? prod[line] : plain[line];
    cell_set(grid, row, column, text, strlen(text), 1, box == BOX_PROD ? STYLE_BORDER_PROD : STYLE_BORDER);
}

static void put_across(struct grid *grid, struct area area, int row, enum box box, enum line left, enum line right,
                       const char *title)
{
    int end = area.column + area.columns - 1;
    put_line(grid, row, area.column, box, left);
    for (int column = area.column + 1; column < end; column++)
        put_line(grid, row, column, box, LINE_ACROSS);
    put_line(grid, row, end, box, right);
    if (text_empty(title) || area.columns < 8)
        return;
    int used = grid_put(grid, row, area.column + 3, area.columns - 6, STYLE_TITLE, title);
    grid_put(grid, row, area.column + 2, 1, STYLE_BORDER, " ");
    grid_put(grid, row, area.column + 3 + used, 1, STYLE_BORDER, " ");
}

void grid_box(struct grid *grid, struct area area, enum box box, const char *title)
{
    if (area.rows < 2 || area.columns < 2)
        return;
    put_across(grid, area, area.row, box, LINE_TOP_LEFT, LINE_TOP_RIGHT, title);
    put_across(grid, area, area.row + area.rows - 1, box, LINE_BOTTOM_LEFT, LINE_BOTTOM_RIGHT, NULL);
    for (int row = area.row + 1; row < area.row + area.rows - 1; row++) {
        put_line(grid, row, area.column, box, LINE_DOWN);
        put_line(grid, row, area.column + area.columns - 1, box, LINE_DOWN);
    }
}

void grid_divide(struct grid *grid, struct area area, int row, enum box box, const char *title)
{
    put_across(grid, area, row, box, LINE_LEFT, LINE_RIGHT, title);
}

void grid_vertical(struct grid *grid, int row, int column, int rows, enum box box)
{
    for (int i = 0; i < rows; i++)
        put_line(grid, row + i, column, box, LINE_DOWN);
}

struct area area_inside(struct area area)
{
    return (struct area){area.row + 1, area.column + 1, area.rows > 2 ? area.rows - 2 : 0,
                         area.columns > 2 ? area.columns - 2 : 0};
}

void grid_row_text(const struct grid *grid, int row, struct str *out)
{
    size_t end = out->length;
    for (int column = 0; column < grid->columns; column++) {
        const struct cell *cell = grid_cell(grid, row, column);
        str_add(out, cell->text);
        if (cell->text[0] && !text_equal(cell->text, " "))
            end = out->length;
    }
    str_cut(out, end);
}

void grid_text(const struct grid *grid, struct str *out)
{
    for (int row = 0; row < grid->rows; row++) {
        grid_row_text(grid, row, out);
        str_add_char(out, '\n');
    }
}

void grid_styles(const struct grid *grid, struct str *out)
{
    for (int row = 0; row < grid->rows; row++) {
        size_t end = out->length;
        for (int column = 0; column < grid->columns; column++) {
            const struct cell *cell = grid_cell(grid, row, column);
            str_add_char(out, cell->style == STYLE_NORMAL ? '.' : (char)('a' + cell->style - 1));
            if (cell->style != STYLE_NORMAL)
                end = out->length;
        }
        str_cut(out, end);
        str_add_char(out, '\n');
    }
}
