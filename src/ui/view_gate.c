/* SPDX-License-Identifier: ISC */
/* A run's plan and its gate: every rule with its answer, every resource with what would be done to it, the digest that an approval binds to. */
#include "berth/base/file.h"
#include "berth/base/text.h"
#include "berth/base/wording.h"
#include "berth/store.h"
#include "ui/outline.h"
#include "ui/wrap.h"

#include <stdlib.h>

#define TEXT_LIMIT (1u << 20) /* of a tool's own text that is shown */
#define AFTER_ROWS 4          /* of what happens next */
#define RULE_ROWS 8           /* of the gate, before the plan gets the rest */

struct gate_line {
    size_t plan;
    long change; /* -1: the resource itself */
};
struct gate_view_state {
    struct outline_view outline;
    struct run run;
    bool found;
    const struct why *gate;
    struct plan *plans;
    struct approval *answers;
    size_t plan_count, answer_count;
    json_t **changes; /* of each plan, or NULL */
    VEC(struct gate_line) lines;
    int address_width; /* of the longest */
};

static struct gate_view_state *self_of(struct view *view)
{
    return (struct gate_view_state *)view;
}

/* --- rows ------------------------------------------------------------------------------------------------- */

/* What removes or replaces comes first, what changes nothing last. */
static int weight(const struct plan *plan)
{
    switch ((enum plan_action)plan->action) {
    case PLAN_DESTROY: return 0;
    case PLAN_REPLACE: return 1;
    case PLAN_UPDATE: return 2;
    case PLAN_DEFERRED: return 3;
    case PLAN_RUN: return 4;
    case PLAN_CREATE: return 5;
    case PLAN_FORGET: return 6;
    case PLAN_NONE: break;
    }
    return 7;
}

static int by_weight(const void *a, const void *b)
{
    const struct plan *left = a, *right = b;
    int order = weight(left) - weight(right);
    if (order)
        return order;
    return left->position < right->position ? -1 : left->position > right->position;
}

static void free_changes(struct gate_view_state *self)
{
    for (size_t i = 0; i < self->plan_count; i++)
        json_decref(self->changes[i]);
}

static bool is_open(const struct gate_view_state *self, const struct plan *plan)
{
    return outline_is_open(&self->outline, plan->address, false);
}

static void arrange(struct view *view)
{
    struct gate_view_state *self = self_of(view);
    vec_clear(&self->lines);
    self->address_width = 0;
    for (size_t i = 0; i < self->plan_count; i++) {
        int width = text_width(self->plans[i].address);
        self->address_width = width > self->address_width ? width : self->address_width;
        size_t changes = is_open(self, &self->plans[i]) ? json_array_size(self->changes[i]) : 0;
        vec_push(&self->lines, ((struct gate_line){i, -1}));
        for (size_t c = 0; c < changes; c++)
            vec_push(&self->lines, ((struct gate_line){i, (long)c}));
    }
}

static size_t count(struct view *view)
{
    return self_of(view)->lines.count;
}

static bool read_rows(struct view *view, struct store *store, struct arena *arena, struct error *error)
{
    struct gate_view_state *self = self_of(view);
    struct store_query query = {.type = &plan_type, .index = "run", .equal = {view->argument}};
    struct store_query answers = {.type = &approval_type, .index = "run", .equal = {view->argument}};
    free_changes(self);
    self->plan_count = self->answer_count = 0;
    self->gate = NULL;
    self->found = false;
    enum store_found found = store_get(store, &run_type, view->argument, arena, &self->run, error);
    if (found == STORE_ERROR || !store_list(store, &query, arena, &self->plans, &self->plan_count, error) ||
        !store_list(store, &answers, arena, &self->answers, &self->answer_count, error)) {
        self->plan_count = self->answer_count = 0;
        return false;
    }
    self->found = found == STORE_FOUND;
    if (self->plan_count)
        qsort(self->plans, self->plan_count, sizeof *self->plans, by_weight);
    self->changes = arena_alloc(arena, (self->plan_count + 1) * sizeof(json_t *));
    for (size_t i = 0; i < self->plan_count; i++)
        self->changes[i] = json_column(self->plans[i].changes);
    json_t *gate = self->found ? json_column(self->run.gate) : NULL;
    self->gate = gate ? why_from_json(gate, arena) : NULL;
    json_decref(gate);
    return true;
}

static void release(struct view *view)
{
    struct gate_view_state *self = self_of(view);
    free_changes(self);
    vec_release(&self->lines);
    outline_release(view);
}

/* --- drawing ---------------------------------------------------------------------------------------------- */

static void title(struct view *view, struct str *out)
{
    const struct gate_view_state *self = self_of(view);
    const struct run *run = &self->run;
    if (!self->found) {
        str_addf(out, "Run %s is not there", view->argument);
        return;
    }
    str_addf(out, "Approval of run %s   %s %s", run->id, word_name(workflow_names, run->workflow),
             run->environment_name);
    if (run->gate_expires_at && run->status == RUN_GATE) {
        str_add(out, "   expires ");
        format_when(out, view->dashboard->times, run->gate_expires_at, view->dashboard->now_ms);
    }
    str_addf(out, "   %s ", run->ref);
    wording_commit(out, run->commit);
    str_addf(out, "   by ");
    wording_person(out, run->person, run->actor);
    str_addf(out, " via %s", run->via);
}

static const char *verdict_word(enum verdict verdict)
{
    return verdict == POLICY_YES ? "yes" : verdict == POLICY_WAIT ? "wait" : "NO";
}

static enum style verdict_style(enum verdict verdict)
{
    return verdict == POLICY_YES ? STYLE_OK : verdict == POLICY_WAIT ? STYLE_WAITING : STYLE_FAILED;
}

static void count_rules(const struct why *why, size_t *yes, size_t *all)
{
    if (why->kind == WHY_RULE) {
        *yes += why->verdict == POLICY_YES;
        ++*all;
    }
    for (size_t i = 0; i < why->count; i++)
        count_rules(why->children[i], yes, all);
}

/* One rule; what still stands in the way is wrapped, with what to do next, what is met is one row. */
static int draw_rule(struct grid *grid, struct area area, int row, const struct why *why)
{
    bool met = why->verdict == POLICY_YES;
    int rows = 1, column = area.column + 17, width = area.columns - 17;
    grid_put(grid, row, area.column, 4, verdict_style(why->verdict), verdict_word(why->verdict));
    grid_put(grid, row, area.column + 5, 11, STYLE_MUTED, why->rule);
    if (met) {
        int used = grid_put(grid, row, column, width, STYLE_NORMAL, why->reason) + 2;
        if (*why->source && width - used > 8)
            grid_put(grid, row, column + used, width - used, STYLE_MUTED, why->source);
        return rows;
    }
    struct str text = STR_INIT;
    str_addf(&text, "%s%s%s", why->reason, *why->next ? "; " : "", why->next);
    rows = wrap_put(grid, (struct area){row, column, area.row + area.rows - row, width}, STYLE_NORMAL, text.data);
    str_release(&text);
    return rows;
}

/* What still stands in the way first, so that it is seen even where there is little room. */
static int draw_rules(struct grid *grid, struct area area, int row, const struct why *why, bool met)
{
    if (why->kind == WHY_RULE && (why->verdict == POLICY_YES) == met && row < area.row + area.rows)
        row += draw_rule(grid, area, row, why);
    for (size_t i = 0; i < why->count; i++)
        row = draw_rules(grid, area, row, why->children[i], met);
    return row;
}

/* Who answered the gate that is behind the run, and what: as it was recorded. */
static int draw_answers(struct view *view, struct grid *grid, struct area area)
{
    static const char *const words[] = {"approved", "rejected", "cleared", "expired"};
    const struct gate_view_state *self = self_of(view);
    size_t rows = area.rows > 0 ? (size_t)area.rows : 0,
           from = self->answer_count > rows ? self->answer_count - rows : 0;
    struct str text = STR_INIT;
    for (size_t i = from; i < self->answer_count; i++) {
        const struct approval *answer = &self->answers[i];
        bool known = answer->verdict >= 0 && answer->verdict < (int)(sizeof words / sizeof *words);
        str_clear(&text);
        str_addf(&text, "%s by %s%s%s ", known ? words[answer->verdict] : "answered",
                 text_empty(answer->person) ? answer->actor : answer->person, text_empty(answer->via) ? "" : " via ",
                 text_empty(answer->via) ? "" : answer->via);
        format_when(&text, view->dashboard->times, answer->at, view->dashboard->now_ms);
        str_addf(&text, ", plan %.12s", answer->digest);
        if (!text_empty(answer->reason))
            str_addf(&text, ": %s", answer->reason);
        grid_put(grid, area.row + (int)(i - from), area.column, area.columns,
                 answer->verdict == VERDICT_APPROVE ? STYLE_OK : STYLE_MUTED, text.data);
    }
    str_release(&text);
    return area.row + (int)(self->answer_count - from);
}

static int draw_gate(struct view *view, struct grid *grid, struct area area)
{
    const struct gate_view_state *self = self_of(view);
    if (!self->gate && self->answer_count)
        return draw_answers(view, grid, area);
    if (!self->gate) {
        grid_put(grid, area.row, area.column, area.columns, STYLE_MUTED,
                 self->run.status < RUN_GATE ? "the gate opens when every part of the plan is there"
                 : self->run.gate_at         ? "the gate asked nobody: no approval was needed"
                                             : "this run never came to a gate");
        return area.row + 1;
    }
    int row = draw_rules(grid, area, area.row, self->gate, false);
    return draw_rules(grid, area, row, self->gate, true);
}

static void plan_title(struct view *view, struct str *out)
{
    const struct run *run = &self_of(view)->run;
    str_addf(out, "plan  %lld create  %lld change  %lld replace  %lld destroy", (long long)run->creates,
             (long long)run->updates, (long long)run->replaces, (long long)run->destroys);
    if (run->deferred)
        str_addf(out, "  %lld deferred", (long long)run->deferred);
    if (run->touches_data)
        str_add(out, "   touches DATA");
    if (!text_empty(run->digest))
        str_addf(out, "   digest %.12s", run->digest);
}

static const char *action_mark(int action)
{
    static const char *const names[] = {" ", "+", "~", "-/+", "-", "?", ">", "."};
    return action >= 0 && action < (int)(sizeof names / sizeof *names) ? names[action] : "?";
}

static void draw_plan(struct view *view, struct grid *grid, struct area area, int row, size_t at)
{
    const struct gate_view_state *self = self_of(view);
    const struct plan *plan = &self->plans[self->lines.items[at].plan];
    const json_t *changes = self->changes[self->lines.items[at].plan];
    enum style style = plan->action == PLAN_NONE ? STYLE_MUTED : sign_style(action_sign(plan->action));
    bool open = is_open(self, plan);
    int name = self->address_width > area.columns / 3 ? area.columns / 3 : self->address_width;
    grid_put(grid, row, area.column + 1, 3, style, action_mark(plan->action));
    grid_put(grid, row, area.column + 5, 8, style,
             plan->action == PLAN_NONE ? "as it is" : word_name(plan_action_names, plan->action));
    if (json_array_size(changes))
        grid_put(grid, row, area.column + 14, 1, STYLE_MUTED, open ? "v" : ">");
    grid_put(grid, row, area.column + 16, name, plan->action == PLAN_NONE ? STYLE_MUTED : STYLE_NORMAL, plan->address);
    int column = area.column + 17 + name;
    if (plan->data)
        column += grid_put(grid, row, column, 5, STYLE_DANGER, "DATA") + 1;
    column += grid_put(grid, row, column, area.column + area.columns - column, STYLE_NORMAL, plan->summary) + 2;
    if (area.column + area.columns - column > 8)
        grid_put(grid, row, column, area.column + area.columns - column, STYLE_MUTED, plan->reason);
}

static void value_text(const json_t *value, struct str *out)
{
    if (json_is_string(value)) {
        str_addf(out, "\"%s\"", json_string_value(value));
    } else if (value && !json_is_null(value)) {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
        str_add(out, text ? text : "?");
        free(text);
    } else {
        str_add(out, "(none)");
    }
}

static void draw_change(struct view *view, struct grid *grid, struct area area, int row, size_t at)
{
    const struct gate_view_state *self = self_of(view);
    const json_t *change =
        json_array_get(self->changes[self->lines.items[at].plan], (size_t)self->lines.items[at].change);
    bool sensitive = json_is_true(json_object_get(change, "sensitive"));
    struct str text = STR_INIT;
    if (sensitive) {
        str_add(&text, "changes (sensitive: its values are never shown)");
    } else {
        value_text(json_object_get(change, "before"), &text);
        str_add(&text, grid->ascii ? "  ->  " : "  →  ");
        value_text(json_object_get(change, "after"), &text);
    }
    grid_put(grid, row, area.column + 18, 30, STYLE_MUTED, json_get_text(change, "path"));
    grid_put(grid, row, area.column + 49, area.columns - 49, STYLE_NORMAL, text.data);
    str_release(&text);
}

static void draw_row(struct view *view, struct grid *grid, struct area area, int row, size_t at)
{
    if (self_of(view)->lines.items[at].change < 0)
        draw_plan(view, grid, area, row, at);
    else
        draw_change(view, grid, area, row, at);
}

static const char *empty(struct view *view)
{
    return self_of(view)->run.status <= RUN_PLANNING ? "the plan is being made"
                                                     : "the plan is empty: nothing would change";
}

static void write_after(const struct gate_view_state *self, struct str *out)
{
    const struct run *run = &self->run;
    if (run->status == RUN_GATE)
        str_addf(out,
                 "An approval applies exactly this plan (digest %.12s), or less. Then: lock, apply in the order of "
                 "the graph, checks, release.",
                 run->digest);
    else
        str_addf(out, "The run is %s%s%s.", word_name(run_status_names, run->status),
                 text_empty(run->status_reason) ? "" : ": ", run->status_reason);
    if (run_ended((enum run_status)run->status))
        return;
    str_addf(out, " On failure: %s.", word_name(failure_answer_names, run->on_failure));
    if (run->untrusted)
        str_add(out, " The commit's author may not push here: nothing is done until a person agrees.");
}

static void draw(struct view *view, struct grid *grid, struct area area)
{
    struct gate_view_state *self = self_of(view);
    struct str text = STR_INIT;
    size_t yes = 0, all = 0;
    bool small = frame_is_small(grid);
    struct area inside = small ? area : area_inside(area);
    const struct environment *environment = picture_environment(view->dashboard->picture, self->run.environment);
    enum box box = environment && environment->tier == TIER_PROD ? BOX_PROD : BOX_PLAIN;
    if (self->gate)
        count_rules(self->gate, &yes, &all);
    format_status(&text, run_sign(self->run.status), word_name(run_status_names, self->run.status), grid->ascii);
    if (self->gate)
        str_addf(&text, "   gate: %zu of %zu met", yes, all);
    if (!small)
        grid_box(grid, area, box, text.data);
    int most = inside.rows / 2 < RULE_ROWS ? inside.rows / 2 : RULE_ROWS;
    int row = draw_gate(view, grid,
                        (struct area){inside.row, inside.column + 1, small ? most / 2 + 1 : most, inside.columns - 2});
    str_clear(&text);
    plan_title(view, &text);
    if (small)
        grid_put(grid, row, inside.column, inside.columns, STYLE_TITLE, text.data);
    else
        grid_divide(grid, area, row, box, text.data);
    row++;
    int bottom = inside.row + inside.rows;
    if (!small) {
        struct str after = STR_INIT;
        write_after(self, &after);
        int rows = wrap_rows(after.data, inside.columns - 2);
        rows = rows > AFTER_ROWS ? AFTER_ROWS : rows;
        bottom -= rows + 1;
        grid_divide(grid, area, bottom, box,
                    self->run.status <= RUN_GATE ? "what happens on approve" : "what became of it");
        wrap_put(grid, (struct area){bottom + 1, inside.column + 1, rows, inside.columns - 2}, STYLE_NORMAL,
                 after.data);
        str_release(&after);
    }
    outline_draw(view, grid, (struct area){row, inside.column, bottom - row, inside.columns});
    str_release(&text);
}

/* --- keys ------------------------------------------------------------------------------------------------- */

static const struct plan *selected(const struct gate_view_state *self)
{
    size_t at = self->outline.cursor.at;
    return at < self->lines.count ? &self->plans[self->lines.items[at].plan] : NULL;
}

/* A change belongs to its resource: the resource is selected when it folds. */
static void fold(struct view *view, enum request request)
{
    struct gate_view_state *self = self_of(view);
    const struct plan *plan = selected(self);
    if (!plan)
        return;
    while (request != REQUEST_RIGHT && self->lines.items[self->outline.cursor.at].change >= 0)
        self->outline.cursor.at--;
    outline_fold(view, plan->address, false, request);
}

static void show_text(struct view *view)
{
    const struct gate_view_state *self = self_of(view);
    const struct plan *plan = selected(self);
    struct str text = STR_INIT;
    struct error error = {0};
    if (!plan)
        return;
    if (text_empty(plan->text)) {
        dashboard_say(view->dashboard, STYLE_MUTED, "%s: the executor %s gave no text of its own", plan->address,
                      plan->executor);
        return;
    }
    char *path = path_printf("%s/runs/%s/%s", store_folder(view->dashboard->reader), plan->run, plan->text);
    str_addf(&text, "%s: %s's own words\n", plan->address, plan->executor);
    if (!path_inside(plan->text))
        dashboard_say(view->dashboard, STYLE_FAILED, "%s: its text is outside the run's folder, it is not read",
                      plan->address);
    else if (file_read(path, TEXT_LIMIT, &text, &error))
        dashboard_push(view->dashboard, &text_view, text.data);
    else
        dashboard_say_error(view->dashboard, &error);
    free(path);
    str_release(&text);
}

static void describe(struct view *view)
{
    const struct plan *plan = selected(self_of(view));
    if (!plan)
        return;
    json_t *json = record_to_json(&plan_type, plan);
    char *text = json_dumps(json, JSON_INDENT(2));
    struct str whole = STR_INIT;
    str_addf(&whole, "plan of %s", plan->address);
    dashboard_show_text(view->dashboard, whole.data, text);
    str_release(&whole);
    free(text);
    json_decref(json);
}

static unsigned handle(struct view *view, enum request request)
{
    switch ((int)request) {
    case REQUEST_OPEN:
    case REQUEST_FOLD:
    case REQUEST_LEFT:
    case REQUEST_RIGHT: fold(view, request); break;
    case REQUEST_TEXT: show_text(view); break;
    case REQUEST_DESCRIBE: describe(view); break;
    default: return outline_move(view, request) ? REFRESH_SCREEN : REFRESH_NOTHING;
    }
    return REFRESH_SCREEN;
}

static void subject(struct view *view, struct subject *subject)
{
    if (self_of(view)->found)
        subject_run(subject, view->dashboard->picture, &self_of(view)->run);
}

static bool why(struct view *view, struct str *out)
{
    const struct gate_view_state *self = self_of(view);
    if (!self->found)
        return false;
    str_addf(out, "run %s is %s\n%s\n\n", self->run.id, word_name(run_status_names, self->run.status),
             self->run.status_reason);
    if (self->gate)
        why_text(self->gate, out);
    return true;
}

static const struct outline_ops outline = {
    .read = read_rows,
    .arrange = arrange,
    .count = count,
    .draw_row = draw_row,
    .empty = empty,
};
const struct view_ops gate_view = {
    .name = "approval",
    .kind = VIEW_GATE,
    .size = sizeof(struct gate_view_state),
    .outline = &outline,
    .init = outline_init,
    .release = release,
    .refresh = outline_refresh,
    .title = title,
    .draw = draw,
    .handle = handle,
    .subject = subject,
    .why = why,
};
