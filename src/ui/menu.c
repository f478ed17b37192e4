/* SPDX-License-Identifier: ISC */
/* A pop-up of choices, one key each: after `g`, after `s`, and where a branch fits several environments. More than the screen holds scroll. */
#include "berth/base/text.h"
#include "ui/cursor.h"
#include "ui/dashboard.h"
#include "ui/terminal.h"

#include <stdlib.h>

struct menu {
    struct layer layer;
    char *title, **labels, *keys;
    size_t count;
    struct cursor cursor;
    menu_chosen *chosen;
    void *context;
    bool is_told;
};

static struct area menu_area(const struct menu *menu, const struct grid *grid, const char *title)
{
    int width = text_width(title) + 8,
        rows = menu->count + 4 < (size_t)grid->rows ? (int)menu->count + 2 : grid->rows - 2;
    for (size_t i = 0; i < menu->count; i++)
        width = text_width(menu->labels[i]) + 9 > width ? text_width(menu->labels[i]) + 9 : width;
    width = width > grid->columns ? grid->columns : width;
    int row = grid->rows - 2 - rows;
    return (struct area){row < 0 ? 0 : row, grid->columns > width + 2 ? 2 : 0, rows, width};
}

static void menu_draw(struct layer *layer, struct grid *grid)
{
    struct menu *menu = (struct menu *)layer;
    struct str title = STR_INIT;
    str_add(&title, menu->title);
    if (menu->count + 4 > (size_t)grid->rows)
        str_addf(&title, "   %zu of %zu", menu->cursor.at + 1, menu->count);
    struct area area = menu_area(menu, grid, title.data);
    grid_blank(grid, area, STYLE_NORMAL);
    grid_box(grid, area, BOX_PLAIN, title.data);
    menu->cursor.lines = area.rows - 2;
    cursor_keep(&menu->cursor, menu->count);
    for (int row = 0; row < menu->cursor.lines && menu->cursor.top + (size_t)row < menu->count; row++) {
        size_t at = menu->cursor.top + (size_t)row;
        int line = area.row + 1 + row;
        grid_putf(grid, line, area.column + 2, 1, STYLE_KEY, "%c", menu->keys[at]);
        grid_put(grid, line, area.column + 5, area.columns - 7, STYLE_NORMAL, menu->labels[at]);
        if (at == menu->cursor.at)
            grid_select(grid, line, area.column + 1, area.columns - 2);
    }
    str_release(&title);
}

static void tell(struct menu *menu, size_t item)
{
    struct dashboard *dashboard = menu->layer.dashboard;
    menu->is_told = true;
    menu->layer.is_done = true;
    menu_chosen *chosen = menu->chosen;
    void *context = menu->context;
    dashboard_layer(dashboard, NULL); /* frees the menu: what is chosen may open a layer of its own */
    chosen(dashboard, item, context);
}

static void menu_press(struct layer *layer, int key)
{
    struct menu *menu = (struct menu *)layer;
    for (size_t i = 0; i < menu->count; i++) {
        if (menu->keys[i] == key && key != ' ') {
            tell(menu, i);
            return;
        }
    }
    if (key == PRESS_ENTER)
        tell(menu, menu->cursor.at);
    else if (!cursor_handle(&menu->cursor, request_for_key(key, VIEW_TEXT, false), menu->count))
        layer->is_done = true;
}

static void menu_release(struct layer *layer)
{
    struct menu *menu = (struct menu *)layer;
    if (!menu->is_told)
        menu->chosen(layer->dashboard, SIZE_MAX, menu->context); /* nothing was chosen: its context is given back */
    for (size_t i = 0; i < menu->count; i++)
        free(menu->labels[i]);
    free(menu->labels);
    free(menu->keys);
    free(menu->title);
    free(menu);
}

static const struct layer_ops menu_ops = {
    .name = "menu", .draw = menu_draw, .press = menu_press, .release = menu_release};

void menu_open(struct dashboard *dashboard, const char *title, const struct menu_item *items, size_t count,
               menu_chosen *chosen, void *context)
{
    struct menu *menu = mem_zero(1, sizeof *menu);
    menu->layer = (struct layer){.ops = &menu_ops, .dashboard = dashboard};
    menu->title = mem_strdup(title);
    menu->count = count;
    menu->labels = mem_zero(count, sizeof *menu->labels);
    menu->keys = mem_zero(count, 1);
    menu->chosen = chosen;
    menu->context = context;
    for (size_t i = 0; i < menu->count; i++) {
        menu->keys[i] = items[i].key;
        menu->labels[i] = mem_strdup(items[i].label);
    }
    dashboard_layer(dashboard, &menu->layer);
}
