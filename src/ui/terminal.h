/* SPDX-License-Identifier: ISC */
/*
 * What the dashboard asks of a terminal. Two implementations: curses (the one file that knows it), and memory for tests. Nothing here waits:
 * the loop polls the descriptor and then reads keys until none is left.
 */
#ifndef UI_TERMINAL_H
#define UI_TERMINAL_H

#include "berth/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct grid;
struct theme;

/* A key is a character (its code point; control characters are themselves: ^d is 4) or one of these. */
enum press {
    PRESS_NONE = 0,
    PRESS_BACKSPACE = 8,
    PRESS_TAB = 9,
    PRESS_ENTER = 13,
    PRESS_ESCAPE = 27,
    PRESS_UP = 0x110000,
    PRESS_DOWN,
    PRESS_LEFT,
    PRESS_RIGHT,
    PRESS_HOME,
    PRESS_END,
    PRESS_PAGE_UP,
    PRESS_PAGE_DOWN,
    PRESS_DELETE,
    PRESS_BACK_TAB,
    PRESS_F1,
    PRESS_RESIZE, /* the size changed */
    PRESS_HANG_UP /* the terminal or the session goes away: end at once */
};
/* Laid over a character that was pasted, not typed: it never is a key, only text for a field. */
#define PRESS_PASTED 0x1000000
#define CONTROL(letter) ((letter)&0x1f)

struct terminal;
struct terminal_ops {
    const char *name;
    void (*size)(struct terminal *terminal, int *rows, int *columns);
    /* Shows the grid; sends only what differs from what was shown. */
    void (*paint)(struct terminal *terminal, const struct grid *grid);
    /* The next key that is already there, or PRESS_NONE. */
    int (*read)(struct terminal *terminal);
    /* Descriptors to poll for input (-1: none); reading decides what it was. */
    void (*wait_on)(struct terminal *terminal, int fds[2]);
    /* Stops this process as ^Z does, comes back redrawn. */
    void (*suspend)(struct terminal *terminal);
    /* Forgets what was shown: the next paint sends all. */
    void (*redraw)(struct terminal *terminal);
    void (*set_theme)(struct terminal *terminal, const struct theme *theme);
    /* Puts text without control characters on the terminal's clipboard; false: it has none. */
    bool (*copy)(struct terminal *terminal, const char *text);
    void (*ring)(struct terminal *terminal);
    int64_t (*now_ms)(struct terminal *terminal);       /* the wall clock */
    int64_t (*monotonic_us)(struct terminal *terminal); /* for budgets and guards */
    void (*close)(struct terminal *terminal);
};
struct terminal {
    const struct terminal_ops *ops;
};

/* ERROR_UNSUPPORTED: standard input or output is no terminal, TERM is not known, or it cannot place a cursor. */
struct terminal *terminal_open_curses(const struct theme *theme, struct error *error) BERTH_MUST_CHECK;

/* --- in memory, for tests --------------------------------------------------------------------------------- */
struct terminal *terminal_open_memory(int rows, int columns) BERTH_MUST_CHECK;
/* Keys to be read: characters, and names in angle brackets: "j<enter><esc><^d><tab>". */
void terminal_memory_type(struct terminal *terminal, const char *keys);
/* Text that comes as one paste. */
void terminal_memory_paste(struct terminal *terminal, const char *text);
/* What was copied last, NULL: nothing; one without a clipboard. */
const char *terminal_memory_copied(const struct terminal *terminal);
void terminal_memory_no_clipboard(struct terminal *terminal);
void terminal_memory_resize(struct terminal *terminal, int rows, int columns);
void terminal_memory_clock(struct terminal *terminal, int64_t now_ms);
const struct grid *terminal_memory_grid(const struct terminal *terminal);
/* The key a name in angle brackets means ("enter", "^d"), or PRESS_NONE. */
int press_named(const char *name, size_t length);

#endif
