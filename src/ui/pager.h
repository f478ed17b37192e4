/* SPDX-License-Identifier: ISC */
/*
 * Text that scrolls, follows its end and is searched. Bytes come as tools wrote them: escape sequences are taken out, a carriage return
 * begins its line again as on a terminal, tabs become spaces; whatever else is no text is made visible when it is drawn.
 */
#ifndef UI_PAGER_H
#define UI_PAGER_H

#include "berth/base/memory.h"
#include "berth/base/str.h"
#include "ui/grid.h"
#include "ui/keymap.h"

#define PAGER_BYTES (4u << 20) /* held at most; the oldest lines go */
#define PAGER_LINE 2000        /* bytes of one line; a longer one goes on in the next */

struct pager {
    struct str text;
    VEC(size_t) lines; /* where each begins in `text`; the last may still grow */
    size_t top;
    int shown_lines, shown_columns; /* of the area drawn last */
    bool follow, wrap;
    size_t dropped; /* lines that went */
    enum { PAGER_TEXT, PAGER_ESCAPE, PAGER_CSI, PAGER_OSC, PAGER_OSC_ESCAPE } state;
    bool carriage_return;
    char search[100];
};
void pager_init(struct pager *pager);
void pager_release(struct pager *pager);
void pager_clear(struct pager *pager);
void pager_add(struct pager *pager, const char *bytes, size_t count);
/* True when the request was one of its own. Scrolling up ends following; the end begins it again. */
bool pager_handle(struct pager *pager, enum request request);
/* Goes to the first line from the top that has the text; false when there is none. */
bool pager_search(struct pager *pager, const char *text);
void pager_draw(struct pager *pager, struct grid *grid, struct area area);

#endif
