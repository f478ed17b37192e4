/* SPDX-License-Identifier: ISC */
/* One line of text being typed: in a prompt, in a field of a dialog. */
#ifndef UI_LINE_H
#define UI_LINE_H

#include "berth/base/str.h"
#include "ui/grid.h"

#define LINE_BYTES 1000
struct line {
    struct str text;
    size_t at; /* byte of the cursor */
};
void line_init(struct line *line);
void line_release(struct line *line);
void line_set(struct line *line, const char *text);
/* Takes a key that edits; false when it was none. */
bool line_press(struct line *line, int key);
/* Draws it into `width` cells so that the cursor is seen, and puts the terminal's cursor there. */
void line_draw(const struct line *line, struct grid *grid, int row, int column, int width, enum style style,
               bool has_cursor);

#endif
