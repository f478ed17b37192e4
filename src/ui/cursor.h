/* SPDX-License-Identifier: ISC */
/*
 * Where a person is among rows: which one is selected, which one is the first on the screen, how many fit. Every list, outline and menu of steps
 * moves by it, so a key moves the same everywhere and the selected row stays on its line when rows come and go.
 */
#ifndef UI_CURSOR_H
#define UI_CURSOR_H

#include "ui/grid.h"
#include "ui/keymap.h"

struct cursor {
    size_t at, top;
    int lines; /* of rows on the screen, as drawn last */
};
/* Moves when the request is a movement, and says whether it was one. */
bool cursor_handle(struct cursor *cursor, enum request request, size_t count);
/* Brings it back inside `count` rows and onto the screen. */
void cursor_keep(struct cursor *cursor, size_t count);
/* The selected row is at another place now: it stays on its line of the screen. */
void cursor_follow(struct cursor *cursor, size_t at);
/* Marks the selected row, which was drawn on `row`; only points at it. */
void cursor_mark(struct grid *grid, struct area area, int row);
void cursor_point(struct grid *grid, struct area area, int row);

#endif
