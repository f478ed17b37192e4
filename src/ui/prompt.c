/* SPDX-License-Identifier: ISC */
/* The last row being typed in: `:` with completion, `/` filtering as one types. */
#include "ui/dashboard.h"
#include "ui/line.h"
#include "ui/terminal.h"

#include <stdlib.h>

#define SHOWN_CHOICES 8
#define LIST_COLUMNS 100
#define NOTE_COLUMN 14 /* where what is noted of a word begins at the least, and at the most */
#define NOTE_COLUMN_MOST 40

struct prompt {
    struct layer layer;
    struct line line;
    bool is_filter;
    char *before;       /* the filter that Esc gives back */
    struct str choices; /* of the word being completed, one a line */
    size_t choice;      /* 1 is the first; 0: none taken yet */
    struct str typed;   /* what was there when completing began */
};

static struct prompt *self_of(struct layer *layer)
{
    return (struct prompt *)layer;
}

/* The n-th line from 1; `length` is that of its word, what is noted of it follows a tab. */
static const char *nth_choice(struct prompt *prompt, size_t n, size_t *length)
{
    const char *at = prompt->choices.data;
    for (; n > 1 && *at; n--) {
        at = strchr(at, '\n');
        at = at ? at + 1 : "";
    }
    *length = strcspn(at, "\t\n");
    return at;
}

static size_t count_choices(const struct prompt *prompt)
{
    size_t count = 0;
    for (const char *at = prompt->choices.data; *at; at++)
        count += *at == '\n';
    return count;
}

/* Behind the longest of the words that are shown. */
static int note_column(struct prompt *prompt, size_t first, int rows)
{
    int column = NOTE_COLUMN;
    for (int i = 0; i < rows; i++) {
        size_t length;
        nth_choice(prompt, first + (size_t)i + 1, &length);
        column = (int)length + 2 > column ? (int)length + 2 : column;
    }
    return column < NOTE_COLUMN_MOST ? column : NOTE_COLUMN_MOST;
}

static void forget_choices(struct prompt *prompt)
{
    str_clear(&prompt->choices);
    prompt->choice = 0;
}

/* Each Tab takes the next choice for the last word. */
static void complete(struct prompt *prompt, int step)
{
    if (!prompt->choice) {
        str_clear(&prompt->typed);
        str_add(&prompt->typed, prompt->line.text.data);
        str_clear(&prompt->choices);
        palette_complete(prompt->layer.dashboard, prompt->typed.data, &prompt->choices);
    }
    size_t count = count_choices(prompt), length;
    if (!count)
        return;
    prompt->choice = step > 0 ? prompt->choice % count + 1 : prompt->choice > 1 ? prompt->choice - 1 : count;
    const char *choice = nth_choice(prompt, prompt->choice, &length);
    struct str text = STR_INIT;
    const char *word = strrchr(prompt->typed.data, ' ');
    str_add_bytes(&text, prompt->typed.data, word ? (size_t)(word + 1 - prompt->typed.data) : 0);
    str_add_bytes(&text, choice, length);
    if (count == 1)
        str_add_char(&text, ' ');
    line_set(&prompt->line, text.data);
    if (count == 1)
        forget_choices(prompt);
    str_release(&text);
}

static void prompt_draw(struct layer *layer, struct grid *grid)
{
    struct prompt *prompt = self_of(layer);
    int row = grid->rows - 1;
    grid_blank(grid, (struct area){row, 0, 1, grid->columns}, STYLE_NORMAL);
    grid_put(grid, row, 1, 1, STYLE_PROMPT, prompt->is_filter ? "/" : ":");
    line_draw(&prompt->line, grid, row, 2, grid->columns - 3, STYLE_PROMPT, true);
    size_t count = prompt->choice ? count_choices(prompt) : 0,
           first = prompt->choice > SHOWN_CHOICES ? prompt->choice - SHOWN_CHOICES : 0;
    int rows = (int)(count > SHOWN_CHOICES ? SHOWN_CHOICES : count);
    if (rows < 2)
        return;
    int notes = note_column(prompt, first, rows);
    struct area area = {row - rows - 2, 0, rows + 2, LIST_COLUMNS < grid->columns ? LIST_COLUMNS : grid->columns};
    grid_blank(grid, area, STYLE_NORMAL);
    grid_box(grid, area, BOX_PLAIN, NULL);
    for (int i = 0; i < rows; i++) {
        size_t length;
        const char *choice = nth_choice(prompt, first + (size_t)i + 1, &length);
        const char *note = choice[length] == '\t' ? choice + length + 1 : "";
        enum style style = text_starts(note, PALETTE_NOT_NOW) ? STYLE_KEY_DISABLED : STYLE_NORMAL;
        int used = grid_putf(grid, area.row + 1 + i, 2, area.columns - 4, style, "%.*s", (int)length, choice);
        int column = 2 + (used < notes - 1 ? notes : used + 2);
        if (column < area.columns - 2)
            grid_putf(grid, area.row + 1 + i, column, area.columns - 2 - column, STYLE_MUTED, "%.*s",
                      (int)strcspn(note, "\n"), note);
        if (first + (size_t)i + 1 == prompt->choice)
            grid_select(grid, area.row + 1 + i, 1, area.columns - 2);
    }
}

static void filter_as_typed(struct prompt *prompt)
{
    struct view *view = dashboard_view(prompt->layer.dashboard);
    if (prompt->is_filter && view->ops->filter)
        view->ops->filter(view, prompt->line.text.data);
}

static void finish(struct prompt *prompt)
{
    struct dashboard *dashboard = prompt->layer.dashboard;
    char *text = mem_strdup(prompt->line.text.data);
    bool is_filter = prompt->is_filter;
    dashboard_layer(dashboard, NULL); /* the line may open a layer of its own */
    if (!is_filter && *text)
        palette_run(dashboard, text);
    free(text);
}

static void prompt_press(struct layer *layer, int key)
{
    struct prompt *prompt = self_of(layer);
    bool erases_nothing = key == PRESS_BACKSPACE && !prompt->line.text.length;
    if (key == PRESS_ENTER) {
        finish(prompt);
    } else if (key == PRESS_ESCAPE || key == CONTROL('c') || erases_nothing) {
        struct view *view = dashboard_view(layer->dashboard);
        if (prompt->is_filter && view->ops->filter)
            view->ops->filter(view, prompt->before);
        layer->is_done = true;
    } else if ((key == PRESS_TAB || key == PRESS_BACK_TAB) && !prompt->is_filter) {
        complete(prompt, key == PRESS_TAB ? 1 : -1);
    } else if (prompt->is_filter && (key == PRESS_UP || key == PRESS_DOWN)) {
        struct view *view = dashboard_view(layer->dashboard);
        view->ops->handle(view, key == PRESS_UP ? REQUEST_UP : REQUEST_DOWN);
    } else if (line_press(&prompt->line, key)) {
        forget_choices(prompt);
        filter_as_typed(prompt);
    }
}

static void prompt_paste(struct layer *layer, int character)
{
    struct prompt *prompt = self_of(layer);
    if (character < ' ' || !line_press(&prompt->line, character))
        return;
    forget_choices(prompt);
    filter_as_typed(prompt);
}

static void prompt_release(struct layer *layer)
{
    struct prompt *prompt = self_of(layer);
    line_release(&prompt->line);
    str_release(&prompt->choices);
    str_release(&prompt->typed);
    free(prompt->before);
    free(prompt);
}

static const struct layer_ops prompt_ops = {
    .name = "prompt", .draw = prompt_draw, .press = prompt_press, .paste = prompt_paste, .release = prompt_release};

static void prompt_open(struct dashboard *dashboard, bool is_filter)
{
    struct view *view = dashboard_view(dashboard);
    if (is_filter && !view->ops->filter)
        return;
    struct prompt *prompt = mem_zero(1, sizeof *prompt);
    prompt->layer = (struct layer){.ops = &prompt_ops, .dashboard = dashboard};
    prompt->is_filter = is_filter;
    line_init(&prompt->line);
    str_init(&prompt->choices);
    str_init(&prompt->typed);
    prompt->before = mem_strdup(is_filter ? view->ops->filter(view, NULL) : "");
    line_set(&prompt->line, prompt->before);
    dashboard_layer(dashboard, &prompt->layer);
}

void prompt_open_command(struct dashboard *dashboard)
{
    prompt_open(dashboard, false);
}

void prompt_open_filter(struct dashboard *dashboard)
{
    prompt_open(dashboard, true);
}
