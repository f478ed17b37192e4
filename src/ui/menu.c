/* SPDX-License-Identifier: ISC */
/* A pop-up of a few choices, one key each: after `g`, after `s`, and where a branch fits several environments. */
#include "berth/base/text.h"
#include "ui/dashboard.h"
#include "ui/terminal.h"

#include <stdlib.h>

#define MOST_ITEMS 16

struct menu {
    struct layer layer;
    char *title, *labels[MOST_ITEMS];
    char keys[MOST_ITEMS];
    size_t count, selected;
    menu_chosen *chosen;
    void *context;
    bool is_told;
};

static void menu_draw(struct layer *layer, struct grid *grid)
{
    const struct menu *menu = (const struct menu *)layer;
    int width = text_width(menu->title) + 8;
    for (size_t i = 0; i < menu->count; i++)
        width = text_width(menu->labels[i]) + 9 > width ? text_width(menu->labels[i]) + 9 : width;
    width = width > grid->columns ? grid->columns : width;
    int rows = (int)menu->count + 2, row = grid->rows - 2 - rows;
    struct area area = {row < 0 ? 0 : row, grid->columns > width + 2 ? 2 : 0, rows, width};
    grid_blank(grid, area, STYLE_NORMAL);
    grid_box(grid, area, BOX_PLAIN, menu->title);
    for (size_t i = 0; i < menu->count; i++) {
        int line = area.row + 1 + (int)i;
        grid_putf(grid, line, area.column + 2, 1, STYLE_KEY, "%c", menu->keys[i]);
        grid_put(grid, line, area.column + 5, width - 7, STYLE_NORMAL, menu->labels[i]);
        if (i == menu->selected)
            grid_select(grid, line, area.column + 1, width - 2);
    }
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
        if (menu->keys[i] == key) {
            tell(menu, i);
            return;
        }
    }
    if (key == PRESS_DOWN && menu->selected + 1 < menu->count)
        menu->selected++;
    else if (key == PRESS_UP && menu->selected > 0)
        menu->selected--;
    else if (key == PRESS_ENTER)
        tell(menu, menu->selected);
    else if (key != PRESS_DOWN && key != PRESS_UP)
        layer->is_done = true;
}

static void menu_release(struct layer *layer)
{
    struct menu *menu = (struct menu *)layer;
    if (!menu->is_told)
        menu->chosen(layer->dashboard, SIZE_MAX, menu->context); /* nothing was chosen: its context is given back */
    for (size_t i = 0; i < menu->count; i++)
        free(menu->labels[i]);
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
    menu->count = count < MOST_ITEMS ? count : MOST_ITEMS;
    menu->chosen = chosen;
    menu->context = context;
    for (size_t i = 0; i < menu->count; i++) {
        menu->keys[i] = items[i].key;
        menu->labels[i] = mem_strdup(items[i].label);
    }
    dashboard_layer(dashboard, &menu->layer);
}
