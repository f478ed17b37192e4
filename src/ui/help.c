/* SPDX-License-Identifier: ISC */
/* Help, from the keymap and the verb table: nothing is listed here by hand. Typing searches. */
#include "ui/dashboard.h"
#include "ui/filter.h"
#include "ui/line.h"
#include "ui/terminal.h"

#include <stdlib.h>

struct help {
    struct layer layer;
    struct line search;
    bool is_searching;
    int top, lines, shown;
};

enum { LINE_TITLE, LINE_KEY, LINE_TEXT };
struct help_writer {
    struct grid *grid;
    struct area area;
    int line, top; /* of all lines, and the first that is shown */
    const char *search;
};

static void put(struct help_writer *writer, int kind, const char *key, const char *text, const char *right)
{
    if (kind == LINE_KEY && *writer->search && !text_find(key, writer->search) && !text_find(text, writer->search) &&
        !text_find(right, writer->search))
        return;
    int row = writer->area.row + writer->line++ - writer->top, column = writer->area.column;
    if (row < writer->area.row || row >= writer->area.row + writer->area.rows)
        return;
    if (kind == LINE_TITLE || kind == LINE_TEXT) {
        grid_put(writer->grid, row, column, writer->area.columns, kind == LINE_TITLE ? STYLE_TITLE : STYLE_MUTED, text);
        return;
    }
    bool wide = writer->area.columns > 90;
    grid_put(writer->grid, row, column + 1, 10, STYLE_KEY, key);
    grid_put(writer->grid, row, column + 12, writer->area.columns - (wide ? 42 : 12), STYLE_NORMAL, text);
    if (wide)
        grid_put(writer->grid, row, column + writer->area.columns - 29, 29, STYLE_MUTED, right);
}

static void put_bindings(struct help_writer *writer, enum view_kind view, enum key_group group, const char *title)
{
    size_t count;
    const struct binding *list = bindings(&count);
    put(writer, LINE_TITLE, "", title, "");
    for (size_t i = 0; i < count; i++) {
        if (list[i].group == group)
            put(writer, LINE_KEY, list[i].name, list[i].help, list[i].views & (unsigned)view ? "" : "not in this view");
    }
    put(writer, LINE_TEXT, "", "", "");
}

static void put_verbs(struct help_writer *writer)
{
    size_t count;
    const struct verb *list = verbs(&count);
    put(writer, LINE_TITLE, "", "ACT: each opens a preview, none acts at once", "");
    for (size_t i = 0; i < count; i++) {
        char key[2] = {list[i].key, '\0'};
        struct str right = STR_INIT;
        str_addf(&right, ":%s   %s", list[i].name, word_name(role_names, (int)list[i].role));
        if (list[i].key)
            put(writer, LINE_KEY, key, list[i].help, right.data);
        str_release(&right);
    }
    put(writer, LINE_TEXT, "", "", "");
    put(writer, LINE_TITLE, "", "COMMANDS after : (Tab completes; the same as on the command line)", "");
    for (size_t i = 0; i < count; i++) {
        struct str name = STR_INIT;
        str_addf(&name, ":%s", list[i].name);
        if (list[i].kind != VERB_LOCAL)
            put(writer, LINE_KEY, name.data, list[i].help, word_name(role_names, (int)list[i].role));
        str_release(&name);
    }
    put(writer, LINE_TEXT, "", "", "");
}

static void put_signs(struct help_writer *writer, bool ascii)
{
    static const struct {
        enum sign sign;
        const char *text;
    } rows[] = {
        {SIGN_OK, "well"},
        {SIGN_RUN, "being worked on"},
        {SIGN_WAIT, "waits, for a person or for what it needs"},
        {SIGN_WARN, "degraded, drifted, held, expiring"},
        {SIGN_FAIL, "failed"},
        {SIGN_DELETE, "being destroyed"},
        {SIGN_GONE, "gone, never deployed or asleep"},
        {SIGN_UNKNOWN, "not known: never shown as well"},
    };
    put(writer, LINE_TITLE, "", "STATUSES", "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        put(writer, LINE_KEY, sign_text(rows[i].sign, ascii), rows[i].text, "");
    put(writer, LINE_TEXT, "", "", "");
    put(writer, LINE_TITLE, "", "FILTERS after /", "");
    put(writer, LINE_KEY, "word", "rows that have it, whatever the case; several words: all of them", "");
    put(writer, LINE_KEY, "!word", "rows that do not have it", "");
    put(writer, LINE_KEY, "field:word", "a column: status:failed, tier:prod, author:anna", "");
    put(writer, LINE_KEY, "age>3d", "older; ttl<2h ends sooner; deployed, took: times in s m h d",
        "environments, branches, runs");
    put(writer, LINE_KEY, "ahead>0", "numbers: ahead, behind, release, run, destroys", "where the view has it");
    put(writer, LINE_KEY, "a | b", "either", "");
    put(writer, LINE_KEY, "~^fix/.*~", "a regular expression, also in a field: branch:~x$~", "");
}

static void help_draw(struct layer *layer, struct grid *grid)
{
    struct help *help = (struct help *)layer;
    struct view *view = dashboard_view(layer->dashboard);
    struct area area = {frame_is_small(grid) ? 0 : 2, 0, grid->rows - (frame_is_small(grid) ? 1 : 3), grid->columns};
    struct str title = STR_INIT;
    grid_blank(grid, (struct area){area.row, 0, grid->rows - area.row, grid->columns}, STYLE_NORMAL);
    str_addf(&title, "help: %s   lower case looks, CAPITALS act, X removes, C says no", view->ops->name);
    grid_box(grid, area, BOX_PLAIN, title.data);
    struct area inside = area_inside(area);
    inside.column++;
    inside.columns -= 2;
    help->shown = inside.rows;
    struct help_writer writer = {.grid = grid, .area = inside, .top = help->top, .search = help->search.text.data};
    put_bindings(&writer, view->ops->kind, KEYS_MOVE, "MOVE");
    put_bindings(&writer, view->ops->kind, KEYS_LOOK, "LOOK: never changes anything");
    put_bindings(&writer, view->ops->kind, KEYS_VIEW, "VIEWS");
    put_bindings(&writer, view->ops->kind, KEYS_PREFIX, "AFTER g");
    put_verbs(&writer);
    put_signs(&writer, grid->ascii);
    help->lines = writer.line;
    int row = grid->rows - 1;
    if (help->is_searching) {
        grid_put(grid, row, 1, 1, STYLE_PROMPT, "/");
        line_draw(&help->search, grid, row, 2, grid->columns - 3, STYLE_PROMPT, true);
    } else {
        grid_put(grid, row, 1, grid->columns - 2, STYLE_MUTED,
                 "esc close   j k ^d ^u scroll   / search keys and commands");
    }
    str_release(&title);
}

static void help_scroll(struct help *help, int step)
{
    int last = help->lines - help->shown;
    help->top += step;
    help->top = help->top > last ? last : help->top;
    help->top = help->top < 0 ? 0 : help->top;
}

static void help_press(struct layer *layer, int key)
{
    struct help *help = (struct help *)layer;
    int page = help->shown > 1 ? help->shown - 1 : 1;
    if (help->is_searching) {
        if (key == PRESS_ENTER || key == PRESS_ESCAPE) {
            help->is_searching = false;
            if (key == PRESS_ESCAPE)
                line_set(&help->search, "");
        } else if (line_press(&help->search, key)) {
            help->top = 0;
        }
        return;
    }
    switch ((int)request_for_key(key, VIEW_TEXT, false)) {
    case REQUEST_UP: help_scroll(help, -1); break;
    case REQUEST_DOWN: help_scroll(help, 1); break;
    case REQUEST_PAGE_UP: help_scroll(help, -page); break;
    case REQUEST_PAGE_DOWN: help_scroll(help, page); break;
    case REQUEST_HALF_UP: help_scroll(help, -page / 2); break;
    case REQUEST_HALF_DOWN: help_scroll(help, page / 2); break;
    case REQUEST_TOP: help_scroll(help, -help->lines); break;
    case REQUEST_BOTTOM: help_scroll(help, help->lines); break;
    case REQUEST_FILTER: help->is_searching = true; break;
    default: layer->is_done = true; break;
    }
}

static void help_release(struct layer *layer)
{
    line_release(&((struct help *)layer)->search);
    free(layer);
}

static const struct layer_ops help_ops = {
    .name = "help", .draw = help_draw, .press = help_press, .release = help_release};

void help_open(struct dashboard *dashboard)
{
    struct help *help = mem_zero(1, sizeof *help);
    help->layer = (struct layer){.ops = &help_ops, .dashboard = dashboard};
    line_init(&help->search);
    dashboard_layer(dashboard, &help->layer);
}
