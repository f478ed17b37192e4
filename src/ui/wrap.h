/* SPDX-License-Identifier: ISC */
/* Long text on several rows: cut between words where there are some, at a character where a word is wider than the row. */
#ifndef UI_WRAP_H
#define UI_WRAP_H

#include "ui/grid.h"

#include <stddef.h>

/* The next row of visible text: from `*at` as much as fits `width` cells. An empty text is one empty row; false: there is no more. Begin with
 * `*at` 0. */
bool wrap_next(const char *text, size_t length, int width, size_t *at, size_t *start, size_t *bytes);
/* How many rows it takes. */
int wrap_rows(const char *text, int width);
/* Draws it in the area, the last row cut with an ellipsis where there are too few; gives the rows used. Untrusted text is safe. */
int wrap_put(struct grid *grid, struct area area, enum style style, const char *text);

#endif
