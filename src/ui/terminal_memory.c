/* SPDX-License-Identifier: ISC */
/* A terminal in memory: keys come from a test, the painted grid is kept for it to look at. */
#include "ui/terminal.h"

#include "berth/base/memory.h"
#include "berth/base/str.h"
#include "ui/grid.h"

#include <stdlib.h>

struct memory_terminal {
    struct terminal terminal;
    struct grid grid;
    VEC(int) keys;
    size_t next;
    int rows, columns;
    int64_t now_ms;
    size_t paints;
    char *copied;
    bool no_clipboard;
};

static struct memory_terminal *self_of(const struct terminal *terminal)
{
    return (struct memory_terminal *)terminal;
}

static void memory_size(struct terminal *terminal, int *rows, int *columns)
{
    *rows = self_of(terminal)->rows;
    *columns = self_of(terminal)->columns;
}

static void memory_paint(struct terminal *terminal, const struct grid *grid)
{
    struct memory_terminal *self = self_of(terminal);
    struct cell *cells = mem_copy(grid->cells, sizeof *cells * (size_t)grid->rows * (size_t)grid->columns);
    grid_release(&self->grid);
    self->grid = *grid;
    self->grid.cells = cells;
    self->paints++;
}

static int memory_read(struct terminal *terminal)
{
    struct memory_terminal *self = self_of(terminal);
    return self->next < self->keys.count ? self->keys.items[self->next++] : PRESS_NONE;
}

static void memory_wait_on(struct terminal *terminal, int fds[2])
{
    (void)terminal;
    fds[0] = fds[1] = -1;
}

static void memory_nothing(struct terminal *terminal)
{
    (void)terminal;
}

static void memory_set_theme(struct terminal *terminal, const struct theme *theme)
{
    (void)terminal;
    (void)theme;
}

static bool memory_copy(struct terminal *terminal, const char *text)
{
    struct memory_terminal *self = self_of(terminal);
    if (self->no_clipboard)
        return false;
    free(self->copied);
    self->copied = mem_strdup(text);
    return true;
}

static int64_t memory_now(struct terminal *terminal)
{
    return self_of(terminal)->now_ms;
}

static int64_t memory_monotonic(struct terminal *terminal)
{
    return self_of(terminal)->now_ms * 1000;
}

static void memory_close(struct terminal *terminal)
{
    struct memory_terminal *self = self_of(terminal);
    if (!self)
        return;
    grid_release(&self->grid);
    vec_release(&self->keys);
    free(self_of(terminal)->copied);
    free(self);
}

static const struct {
    const char *name;
    int key;
} names[] = {
    {"enter", PRESS_ENTER},
    {"esc", PRESS_ESCAPE},
    {"tab", PRESS_TAB},
    {"backtab", PRESS_BACK_TAB},
    {"up", PRESS_UP},
    {"down", PRESS_DOWN},
    {"left", PRESS_LEFT},
    {"right", PRESS_RIGHT},
    {"home", PRESS_HOME},
    {"end", PRESS_END},
    {"pgup", PRESS_PAGE_UP},
    {"pgdn", PRESS_PAGE_DOWN},
    {"del", PRESS_DELETE},
    {"f1", PRESS_F1},
    {"bs", PRESS_BACKSPACE},
    {"space", ' '},
    {"lt", '<'},
};

int press_named(const char *name, size_t length)
{
    if (length == 2 && name[0] == '^')
        return CONTROL(name[1]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strncmp(names[i].name, name, length) == 0 && names[i].name[length] == '\0')
            return names[i].key;
    }
    return PRESS_NONE;
}

void terminal_memory_type(struct terminal *terminal, const char *keys)
{
    struct memory_terminal *self = self_of(terminal);
    for (const char *at = keys; *at; at++) {
        const char *end = *at == '<' ? strchr(at, '>') : NULL;
        if (!end) {
            vec_push(&self->keys, (unsigned char)*at);
            continue;
        }
        int key = press_named(at + 1, (size_t)(end - at - 1));
        BUG_ON(key == PRESS_NONE);
        vec_push(&self->keys, key);
        at = end;
    }
}

void terminal_memory_paste(struct terminal *terminal, const char *text)
{
    for (; *text; text++)
        vec_push(&self_of(terminal)->keys, PRESS_PASTED | (unsigned char)*text);
}

void terminal_memory_resize(struct terminal *terminal, int rows, int columns)
{
    struct memory_terminal *self = self_of(terminal);
    self->rows = rows;
    self->columns = columns;
    vec_push(&self->keys, PRESS_RESIZE);
}

void terminal_memory_clock(struct terminal *terminal, int64_t now_ms)
{
    self_of(terminal)->now_ms = now_ms;
}

const struct grid *terminal_memory_grid(const struct terminal *terminal)
{
    return &self_of(terminal)->grid;
}

static const struct terminal_ops memory_ops = {
    .name = "memory",
    .size = memory_size,
    .paint = memory_paint,
    .read = memory_read,
    .wait_on = memory_wait_on,
    .suspend = memory_nothing,
    .redraw = memory_nothing,
    .set_theme = memory_set_theme,
    .copy = memory_copy,
    .ring = memory_nothing,
    .now_ms = memory_now,
    .monotonic_us = memory_monotonic,
    .close = memory_close,
};

struct terminal *terminal_open_memory(int rows, int columns)
{
    struct memory_terminal *self = mem_zero(1, sizeof *self);
    self->terminal.ops = &memory_ops;
    self->rows = rows;
    self->columns = columns;
    return &self->terminal;
}

const char *terminal_memory_copied(const struct terminal *terminal)
{
    return self_of(terminal)->copied;
}

void terminal_memory_no_clipboard(struct terminal *terminal)
{
    self_of(terminal)->no_clipboard = true;
}
