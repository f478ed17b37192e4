/* SPDX-License-Identifier: ISC */
/*
 * A screen in memory: cells of one grapheme, its width and a style role. Views draw here and nowhere else, so they can be tested without
 * a terminal. All text goes through text_visible: a grid never holds a control character. What does not fit is cut, never wrapped.
 */
#ifndef UI_GRID_H
#define UI_GRID_H

#include "berth/base/error.h"
#include "ui/style.h"

#include <stdint.h>

struct str;

#define CELL_BYTES 13
struct cell {
    char text[CELL_BYTES]; /* one base character and its marks, terminated; "" in the second cell of a wide one */
    uint8_t width;         /* 1, 2, or 0 in the second cell of a wide one */
    uint8_t style;         /* enum style */
    uint8_t selected;      /* STYLE_SELECTED is laid over it */
};
struct grid {
    int rows, columns;
    bool ascii;                    /* line drawing and ellipsis in ASCII */
    int cursor_row, cursor_column; /* where the terminal's cursor stands; row -1: hidden */
    struct cell *cells;
};
struct area { /* a rectangle of the grid */
    int row, column, rows, columns;
};

void grid_init(struct grid *grid, int rows, int columns, bool ascii);
void grid_release(struct grid *grid);
/* Empties it and takes a new size; at least 1x1, at most GRID_LIMIT each way. */
#define GRID_LIMIT 1000
void grid_resize(struct grid *grid, int rows, int columns);
void grid_clear(struct grid *grid);
struct cell *grid_cell(const struct grid *grid, int row, int column);
/* Puts text into at most `width` cells (cut with an ellipsis); returns the cells used. Untrusted text is safe. */
int grid_put(struct grid *grid, int row, int column, int width, enum style style, const char *text);
int grid_putf(struct grid *grid, int row, int column, int width, enum style style, const char *format, ...)
    BERTH_PRINTF(6, 7);
/* The same, ending at the cell before `column_end`. Returns where it begins. */
int grid_put_right(struct grid *grid, int row, int column_end, enum style style, const char *text);
/* Empties the area. */
void grid_blank(struct grid *grid, struct area area, enum style style);
/* Lays the selection over a row's cells. */
void grid_select(struct grid *grid, int row, int column, int width);
/* Gives every cell of the area one style (what lies under a dialog is muted). */
void grid_restyle(struct grid *grid, struct area area, enum style style);

enum box { BOX_PLAIN, BOX_PROD };
/* A frame around the area with a title in its upper border; the inside is not touched. */
void grid_box(struct grid *grid, struct area area, enum box box, const char *title);
/* A horizontal border from side to side of a box, with a title: divides it. */
void grid_divide(struct grid *grid, struct area area, int row, enum box box, const char *title);
/* A vertical line inside a box, from `row` on, `rows` long. */
void grid_vertical(struct grid *grid, int row, int column, int rows, enum box box);
/* The area inside a box. */
struct area area_inside(struct area area);

/* One row as text, trailing blanks cut; the whole screen, a line a row. For tests and for what is printed. */
void grid_row_text(const struct grid *grid, int row, struct str *out);
void grid_text(const struct grid *grid, struct str *out);
/* One letter a cell for its style ('.' normal), in the same layout: golden tests of roles. */
void grid_styles(const struct grid *grid, struct str *out);

#endif
