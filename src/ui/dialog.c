/* SPDX-License-Identifier: ISC */
/*
 * The preview of an action, the same everywhere: what will happen, where, in which order, to whom, which rules are met, how to undo it. Cancel has the
 * focus; keys typed before it opened are dropped and for a moment none confirms; Enter never confirms a removal; a destroy asks for the name.
 */
#include "berth/base/text.h"
#include "ui/action.h"
#include "ui/dialog.h"
#include "ui/line.h"
#include "ui/terminal.h"
#include "ui/wrap.h"

#include <stdlib.h>

#define GUARD_US 400000 /* after it opened, before a key confirms: a finger that was on its way */
#define MOST_FIELDS 6
#define COMMAND_ROWS 2 /* of the same action as a command line */

struct field {
    const char *label, *argument; /* argument "": the reason; "confirm": the typed name */
    struct line line;
    bool is_required;
};
struct dialog {
    struct layer layer;
    struct action *action;
    struct str body; /* "name<TAB>text" lines */
    int top, lines, shown;
    struct field fields[MOST_FIELDS];
    int field_count, focus; /* 0: Cancel, then the fields, last the button */
    size_t dropped;
    int64_t opened_us;
    bool shows_command, removes, is_pressed; /* it was pressed too early: what is missing shows as a refusal */
    struct str complaint;
};

static struct dialog *self_of(struct layer *layer)
{
    return (struct dialog *)layer;
}

/* --- may it be confirmed ---------------------------------------------------------------------------------- */

static bool guard_passed(const struct dialog *dialog)
{
    struct terminal *terminal = dialog->layer.dashboard->terminal;
    return terminal->ops->monotonic_us(terminal) - dialog->opened_us >= GUARD_US;
}

static bool wants_name(const struct dialog *dialog)
{
    return dialog->action->verb->confirm == CONFIRM_NAME;
}

static bool name_fits(const struct dialog *dialog)
{
    return !wants_name(dialog) || text_equal(dialog->fields[0].line.text.data, dialog->action->environment_name);
}

static bool seen_to_the_end(const struct dialog *dialog)
{
    return dialog->action->verb->confirm != CONFIRM_SUMMARY || dialog->top + dialog->shown >= dialog->lines;
}

static bool is_in_field(const struct dialog *dialog)
{
    return dialog->focus > 0 && dialog->focus <= dialog->field_count;
}

/* What is still missing, or NULL. */
static const char *missing(const struct dialog *dialog)
{
    if (!name_fits(dialog))
        return is_in_field(dialog) ? "type the environment's name"
                                   : "type the environment's name (Tab goes to the field)";
    for (int i = 0; i < dialog->field_count; i++) {
        if (dialog->fields[i].is_required && !dialog->fields[i].line.text.length)
            return is_in_field(dialog) ? "fill in what is required"
                                       : "fill in what is required (Tab goes to the field)";
    }
    if (!seen_to_the_end(dialog))
        return "read to the end first (j, PgDn)";
    return guard_passed(dialog) ? NULL : "a moment";
}

static void fill_call(struct dialog *dialog)
{
    for (int i = 0; i < dialog->field_count; i++) {
        const struct field *field = &dialog->fields[i];
        if (*field->argument && field->line.text.length)
            json_object_set_new(dialog->action->arguments, field->argument, json_string(field->line.text.data));
    }
}

static const char *reason_of(const struct dialog *dialog)
{
    return dialog->fields[dialog->field_count - 1].line.text.data;
}

static void submit(struct dialog *dialog, bool dry_run)
{
    struct error error = {0};
    const char *why = dry_run ? NULL : missing(dialog);
    dialog->is_pressed = why != NULL;
    if (why)
        return;
    fill_call(dialog);
    if (action_submit(dialog->layer.dashboard, dialog->action, reason_of(dialog), dry_run, &error)) {
        dialog->layer.is_done = !dry_run || !wants_name(dialog);
        return;
    }
    char line[2200];
    str_add(&dialog->complaint, error_line(&error, line, sizeof line));
}

/* --- keys ------------------------------------------------------------------------------------------------- */

static bool ends_a_run(const struct dialog *dialog)
{
    return text_equal(dialog->action->verb->name, "cancel");
}

static void leave(struct dialog *dialog)
{
    dialog->layer.is_done = true;
    dashboard_say(dialog->layer.dashboard, STYLE_MUTED, "%s: %s, nothing was asked", dialog->action->verb->name,
                  ends_a_run(dialog) ? "left as it is" : "cancelled");
}

static void scroll(struct dialog *dialog, int step)
{
    int last = dialog->lines - dialog->shown;
    dialog->top += step;
    dialog->top = dialog->top > last ? last : dialog->top;
    dialog->top = dialog->top < 0 ? 0 : dialog->top;
}

static void press_enter(struct dialog *dialog)
{
    int button = dialog->field_count + 1;
    if (dialog->focus == 0)
        leave(dialog);
    else if (dialog->focus < button)
        dialog->focus++;
    else if (!dialog->removes)
        submit(dialog, false);
    else
        str_add(&dialog->complaint, "Enter never confirms a removal: press y here");
}

static bool takes_yes(const struct dialog *dialog)
{
    return dialog->focus == dialog->field_count + 1 || (dialog->focus == 0 && !wants_name(dialog));
}

/* Where a name is to be typed no letter leaves: the rest of a name that is typed beside its field would reach the list below. */
static void press_plain(struct dialog *dialog, int key)
{
    if (key == 'y' && takes_yes(dialog))
        submit(dialog, false);
    else if (key == 'y')
        str_add(&dialog->complaint, "type the name, then Tab to the button and press y");
    else if (key == 'd' && dialog->action->verb->dry_run)
        submit(dialog, true);
    else if (key == 'c')
        dialog->shows_command = !dialog->shows_command;
    else if (key == 'j' || key == PRESS_DOWN)
        scroll(dialog, 1);
    else if (key == 'k' || key == PRESS_UP)
        scroll(dialog, -1);
    else if (key == 'G' || key == PRESS_END)
        scroll(dialog, dialog->lines);
    else if ((key == 'q' || key == 'n') && !wants_name(dialog))
        leave(dialog);
}

static void dialog_press(struct layer *layer, int key)
{
    struct dialog *dialog = self_of(layer);
    int stops = dialog->field_count + 2, page = dialog->shown > 1 ? dialog->shown - 1 : 1;
    str_clear(&dialog->complaint);
    if (key == PRESS_ESCAPE || key == CONTROL('c')) {
        leave(dialog);
    } else if (key == PRESS_TAB || key == PRESS_BACK_TAB) {
        dialog->focus = (dialog->focus + (key == PRESS_TAB ? 1 : stops - 1)) % stops;
    } else if (key == PRESS_ENTER) {
        press_enter(dialog);
    } else if (key == PRESS_PAGE_DOWN || key == CONTROL('f') || key == CONTROL('d')) {
        scroll(dialog, page);
    } else if (key == PRESS_PAGE_UP || key == CONTROL('b') || (key == CONTROL('u') && !is_in_field(dialog))) {
        scroll(dialog, -page);
    } else if (is_in_field(dialog)) {
        line_press(&dialog->fields[dialog->focus - 1].line, key);
    } else {
        press_plain(dialog, key);
    }
}

static void dialog_paste(struct layer *layer, int character)
{
    struct dialog *dialog = self_of(layer);
    if (character >= ' ' && is_in_field(dialog))
        line_press(&dialog->fields[dialog->focus - 1].line, character);
}

/* --- drawing ---------------------------------------------------------------------------------------------- */

/* One row of the body: a name (or none, where a text goes on) and as much of the text as fits. */
typedef void body_row(const char *name, size_t name_length, const char *text, size_t length, void *context);

static void each_row_of_fact(const char *fact, size_t length, int width, body_row *visit, void *context)
{
    size_t tab = strcspn(fact, "\t\n"), name = tab < length ? tab : length, from = name < length ? name + 1 : length;
    size_t at = 0, start, bytes;
    for (; wrap_next(fact + from, length - from, width, &at, &start, &bytes); name = 0)
        visit(fact, name, fact + from + start, bytes, context);
}

static void each_row(const char *body, int width, body_row *visit, void *context)
{
    while (*body) {
        size_t length = strcspn(body, "\n");
        each_row_of_fact(body, length, width < 8 ? 8 : width, visit, context);
        body += length + (body[length] == '\n');
    }
}

static void count_row(const char *name, size_t name_length, const char *text, size_t length, void *context)
{
    (void)name;
    (void)name_length;
    (void)text;
    (void)length;
    ++*(int *)context;
}

struct body_drawing {
    struct grid *grid;
    struct area area;
    int row; /* of the next one, may be outside the area */
};

static void draw_body_row(const char *name, size_t name_length, const char *text, size_t length, void *context)
{
    struct body_drawing *drawing = context;
    int row = drawing->row++, column = drawing->area.column;
    if (row < drawing->area.row || row >= drawing->area.row + drawing->area.rows)
        return;
    enum style style = strncmp(name, "NO\t", 3) == 0     ? STYLE_FAILED
                       : strncmp(name, "yes\t", 4) == 0  ? STYLE_OK
                       : strncmp(name, "wait\t", 5) == 0 ? STYLE_WAITING
                                                         : STYLE_MUTED;
    grid_putf(drawing->grid, row, column, 9, style, "%.*s", (int)name_length, name);
    grid_putf(drawing->grid, row, column + 10, drawing->area.columns - 10, STYLE_NORMAL, "%.*s", (int)length, text);
}

static void draw_body(struct dialog *dialog, struct grid *grid, struct area area)
{
    struct body_drawing drawing = {.grid = grid, .area = area, .row = area.row - dialog->top};
    each_row(dialog->body.data, area.columns - 10, draw_body_row, &drawing);
    if (dialog->top + dialog->shown < dialog->lines)
        grid_putf(grid, area.row + area.rows, area.column, area.columns, STYLE_WAITING, "%d more below (j, PgDn)",
                  dialog->lines - dialog->top - dialog->shown);
}

static void draw_fields(struct dialog *dialog, struct grid *grid, struct area area)
{
    for (int i = 0; i < dialog->field_count; i++) {
        struct field *field = &dialog->fields[i];
        bool focus = dialog->focus == i + 1;
        int row = area.row + i, column = area.column + 22;
        grid_put(grid, row, area.column, 21, focus ? STYLE_TITLE : STYLE_MUTED, field->label);
        grid_blank(grid, (struct area){row, column, 1, area.columns - 23}, focus ? STYLE_BUTTON_FOCUS : STYLE_BUTTON);
        grid_put(grid, row, column - 1, 1, STYLE_MUTED, focus ? ">" : "[");
        grid_put(grid, row, area.column + area.columns - 1, 1, STYLE_MUTED, focus ? "<" : "]");
        line_draw(&field->line, grid, row, column, area.columns - 24, focus ? STYLE_BUTTON_FOCUS : STYLE_BUTTON, focus);
    }
}

static void draw_buttons(struct dialog *dialog, struct grid *grid, int row, struct area area)
{
    bool on_button = dialog->focus == dialog->field_count + 1, ready = missing(dialog) == NULL;
    const char *away = ends_a_run(dialog) ? "Go back" : "Cancel"; /* never two buttons that say cancel */
    struct str text = STR_INIT;
    int column = area.column;
    str_addf(&text, dialog->focus == 0 ? "[>%s<]" : "[ %s ]", away);
    column += grid_put(grid, row, column, 12, dialog->focus == 0 ? STYLE_BUTTON_FOCUS : STYLE_BUTTON, text.data) + 3;
    str_clear(&text);
    str_addf(&text, on_button ? "[>%s<]" : "[ %s ]", dialog->action->verb->hint);
    column += grid_put(grid, row, column, area.columns,
                       !ready            ? STYLE_KEY_DISABLED
                       : on_button       ? STYLE_BUTTON_FOCUS
                       : dialog->removes ? STYLE_DANGER
                                         : STYLE_BUTTON,
                       text.data) +
              3;
    str_clear(&text);
    if (dialog->complaint.length)
        str_add(&text, dialog->complaint.data);
    else if (!ready)
        str_add(&text, missing(dialog));
    else
        str_addf(&text, "%s: %s", takes_yes(dialog) ? "y" : "Tab to the button, there y", dialog->action->verb->hint);
    grid_put(grid, row, column, area.column + area.columns - column,
             dialog->complaint.length || (dialog->is_pressed && !ready) ? STYLE_FAILED
             : ready                                                    ? STYLE_KEY
                                                                        : STYLE_MUTED,
             text.data);
    str_release(&text);
}

static int extra_rows(const struct dialog *dialog)
{
    return (dialog->shows_command ? COMMAND_ROWS : 0) + (dialog->dropped ? 1 : 0);
}

static void draw_extra(struct dialog *dialog, struct grid *grid, int row, struct area area)
{
    struct str text = STR_INIT;
    if (dialog->dropped)
        grid_putf(grid, row++, area.column, area.columns, STYLE_WARNING,
                  "%zu keystroke%s typed before this dialog opened %s dropped", dialog->dropped,
                  dialog->dropped == 1 ? "" : "s", dialog->dropped == 1 ? "was" : "were");
    if (dialog->shows_command) {
        fill_call(dialog);
        call_shell(dialog->action->verb, dialog->action->subject, dialog->action->arguments, &text);
        wrap_put(grid, (struct area){row, area.column, COMMAND_ROWS, area.columns}, STYLE_NORMAL, text.data);
    }
    str_release(&text);
}

static void dialog_draw(struct layer *layer, struct grid *grid)
{
    struct dialog *dialog = self_of(layer);
    bool small = frame_is_small(grid);
    int width = small ? grid->columns : grid->columns > 124 ? 116 : grid->columns - 4;
    dialog->lines = 0;
    each_row(dialog->body.data, width - 14, count_row, &dialog->lines);
    int fixed = dialog->field_count + 6 + extra_rows(dialog), room = grid->rows - (small ? 0 : 4);
    int body = dialog->lines < room - fixed ? dialog->lines : room - fixed;
    body = body < 1 ? 1 : body;
    struct area area = {small ? 0 : (grid->rows - body - fixed) / 2, (grid->columns - width) / 2, body + fixed, width};
    struct str title = STR_INIT;
    grid_restyle(grid, (struct area){0, 0, grid->rows, grid->columns}, STYLE_MUTED);
    grid_blank(grid, area, STYLE_NORMAL);
    str_addf(&title, "%s %s", dialog->action->verb->name, dialog->action->subject);
    for (char *at = title.data; *at && *at != ' '; at++)
        *at = *at >= 'a' && *at <= 'z' ? (char)(*at - 32) : *at;
    if (dialog->action->tier)
        str_addf(&title, "   tier %s",
                 dialog->action->tier == TIER_PROD ? "PROD" : word_name(tier_names, (int)dialog->action->tier));
    grid_box(grid, area, dialog->removes || dialog->action->tier == TIER_PROD ? BOX_PROD : BOX_PLAIN, title.data);
    struct area inside = {area.row + 1, area.column + 2, area.rows - 2, area.columns - 4};
    dialog->shown = body;
    scroll(dialog, 0);
    draw_body(dialog, grid, (struct area){inside.row, inside.column, body, inside.columns});
    int row = inside.row + body + 1;
    draw_fields(dialog, grid, (struct area){row, inside.column, dialog->field_count, inside.columns});
    row += dialog->field_count + 1;
    draw_buttons(dialog, grid, row++, inside);
    draw_extra(dialog, grid, row, inside);
    grid_put(grid, area.row + area.rows - 2, inside.column, inside.columns, STYLE_MUTED,
             dialog->action->verb->dry_run ? "tab next   esc back   d dry run   c as a command line"
                                           : "tab next   esc back   c as a command line");
    str_release(&title);
}

static void dialog_release(struct layer *layer)
{
    struct dialog *dialog = self_of(layer);
    for (int i = 0; i < dialog->field_count; i++)
        line_release(&dialog->fields[i].line);
    action_free(dialog->action);
    str_release(&dialog->body);
    str_release(&dialog->complaint);
    free(dialog);
}

static const struct layer_ops dialog_ops = {
    .name = "dialog", .draw = dialog_draw, .press = dialog_press, .paste = dialog_paste, .release = dialog_release};

/* --- opening ---------------------------------------------------------------------------------------------- */

static void add_field(struct dialog *dialog, const char *label, const char *argument, bool is_required)
{
    if (dialog->field_count == MOST_FIELDS)
        return;
    struct field *field = &dialog->fields[dialog->field_count++];
    *field = (struct field){.label = label, .argument = argument, .is_required = is_required};
    line_init(&field->line);
}

static void add_fields(struct dialog *dialog)
{
    const struct verb *verb = dialog->action->verb;
    bool subject_passed = false;
    if (verb->confirm == CONFIRM_NAME)
        add_field(dialog, "type its name", "confirm", true);
    for (const struct verb_argument *argument = verb->arguments; argument->name; argument++) {
        bool is_subject = argument->positional && !subject_passed;
        subject_passed = subject_passed || argument->positional;
        if (!is_subject && argument->required && !json_object_get(dialog->action->arguments, argument->name))
            add_field(dialog, argument->help, argument->name, true);
    }
    add_field(dialog, "reason (optional)", "", false);
}

void dialog_open(struct dashboard *dashboard, struct action *action)
{
    struct dialog *dialog = mem_zero(1, sizeof *dialog);
    struct terminal *terminal = dashboard->terminal;
    dialog->layer = (struct layer){.ops = &dialog_ops, .dashboard = dashboard};
    dialog->action = action;
    dialog->removes = (action->verb->policy_flags & POLICY_DESTROYS) != 0;
    str_init(&dialog->body);
    str_init(&dialog->complaint);
    preview_write(dashboard, action, &dialog->body);
    dialog->lines = INT32_MAX; /* until it was drawn, nobody has read it */
    add_fields(dialog);
    for (int key; (key = terminal->ops->read(terminal)) != PRESS_NONE;) {
        if (key == PRESS_RESIZE || key == PRESS_HANG_UP) {
            dashboard->quit = key == PRESS_HANG_UP;
            break;
        }
        dialog->dropped++;
    }
    dialog->opened_us = terminal->ops->monotonic_us(terminal);
    dashboard_layer(dashboard, &dialog->layer);
}
