/* SPDX-License-Identifier: ISC */
/* A run's plan and its gate: every rule with its answer, every resource with what would be done to it, the digest that an approval binds to. */
#include "berth/base/text.h"
#include "berth/base/wording.h"
#include "berth/store.h"
#include "ui/gate_after.h"
#include "ui/gate_delta.h"
#include "ui/outline.h"
#include "ui/plan_text.h"
#include "ui/plan_tree.h"
#include "ui/wrap.h"

#include <stdlib.h>

#define RULE_ROWS 8 /* of the gate, before the plan gets the rest */

struct gate_view_state {
    struct outline_view outline;
    struct run run;
    bool found;
    const struct why *gate;
    struct plan *plans;
    struct approval *answers;
    size_t plan_count, answer_count;
    struct plan_tree tree;
    struct gate_delta delta;
};

static struct gate_view_state *self_of(struct view *view)
{
    return (struct gate_view_state *)view;
}

/* --- rows ------------------------------------------------------------------------------------------------- */

static const struct plan_node *node_at(const struct gate_view_state *self, size_t at)
{
    return &self->tree.nodes.items[self->tree.lines.items[at]];
}

static bool opens(void *context, const char *key, bool at_first)
{
    return outline_is_open(context, key, at_first);
}

static void arrange(struct view *view)
{
    plan_tree_arrange(&self_of(view)->tree, opens, view);
}

static size_t count(struct view *view)
{
    return self_of(view)->tree.lines.count;
}

static const char *key(struct view *view, size_t at)
{
    return node_at(self_of(view), at)->key;
}

static void folds(struct view *view, outline_fold_visit *visit, void *context)
{
    const struct plan_tree *tree = &self_of(view)->tree;
    for (size_t i = 0; i < tree->nodes.count; i++) {
        if (tree->nodes.items[i].opens)
            visit(context, tree->nodes.items[i].key, tree->nodes.items[i].is_open_first);
    }
}

/* The whole plan, or what is different in it alone; what was compared points to the plans as the tree has put them in order. */
static bool build(struct gate_view_state *self, struct store *store, struct arena *arena, struct error *error)
{
    plan_tree_build(&self->tree, self->plans, self->plan_count, arena);
    if (self->found && !gate_delta_read(&self->delta, store, &self->run, self->plans, self->plan_count, arena, error)) {
        plan_tree_release(&self->tree);
        return false;
    }
    if (self->delta.alone && self->delta.is_there)
        gate_delta_tree(&self->delta, &self->tree, arena);
    return true;
}

static bool read_rows(struct view *view, struct store *store, struct arena *arena, struct error *error)
{
    struct gate_view_state *self = self_of(view);
    struct store_query query = {.type = &plan_type, .index = "run", .equal = {view->argument}};
    struct store_query answers = {.type = &approval_type, .index = "run", .equal = {view->argument}};
    plan_tree_release(&self->tree);
    gate_delta_release(&self->delta);
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
    if (!build(self, store, arena, error)) {
        self->plan_count = self->answer_count = 0;
        return false;
    }
    json_t *gate = self->found ? json_column(self->run.gate) : NULL;
    self->gate = gate ? why_from_json(gate, arena) : NULL;
    json_decref(gate);
    return true;
}

/* A plan that is whole stays as it is: while others work, thousands of its rows are not read again. */
static void refresh(struct view *view, unsigned changed)
{
    const struct gate_view_state *self = self_of(view);
    struct arena arena = {0};
    struct run run;
    bool same = changed != PICTURE_ALL && self->found && self->run.status >= RUN_GATE &&
                store_get(view->dashboard->reader, &run_type, view->argument, &arena, &run, NULL) == STORE_FOUND &&
                run.revision == self->run.revision;
    arena_release(&arena);
    if (!same)
        outline_refresh(view, changed);
}

static void release(struct view *view)
{
    plan_tree_release(&self_of(view)->tree);
    gate_delta_release(&self_of(view)->delta);
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

static bool has_inner(const struct plan_counts *counts)
{
    return counts->creates + counts->updates + counts->replaces + counts->destroys + counts->others > 0;
}

static void add_brief(struct str *out, const struct plan_counts *counts)
{
    str_addf(out, "+%zu ~%zu -/+%zu -%zu", counts->creates, counts->updates, counts->replaces, counts->destroys);
    if (counts->others)
        str_addf(out, " other %zu", counts->others);
}

/* The counts, always on the screen: of resources, and of what is inside them where a tool plans more than one. */
static void plan_title(struct view *view, int width, struct str *out)
{
    const struct gate_view_state *self = self_of(view);
    const struct run *run = &self->run;
    const bool brief = width < 100 && has_inner(&self->tree.inner);
    struct plan_counts whole = {(size_t)run->creates, (size_t)run->updates, (size_t)run->replaces,
                                (size_t)run->destroys, 0};
    if (self->delta.alone && self->delta.is_there) {
        const struct delta_counts *counts = &self->delta.delta.counts;
        str_addf(out, "delta alone  %zu new  %zu different  %zu not now  of plan ", counts->added, counts->different,
                 counts->gone);
        add_brief(out, &whole);
        return;
    }
    str_add(out, "plan  ");
    if (brief)
        add_brief(out, &whole);
    else
        str_addf(out, "%zu create  %zu change  %zu replace  %zu destroy", whole.creates, whole.updates, whole.replaces,
                 whole.destroys);
    if (run->deferred)
        str_addf(out, "  %lld deferred", (long long)run->deferred);
    if (run->touches_data)
        str_add(out, "  DATA");
    if (has_inner(&self->tree.inner)) {
        str_add(out, brief ? "  inner " : "   inner parts ");
        add_brief(out, &self->tree.inner);
    }
}

/* What is with it since the last approval, at the right; gives where the rest of the row ends. */
static int draw_tag(const struct gate_view_state *self, struct grid *grid, struct area area, int row,
                    const struct plan_node *node)
{
    const struct delta_part *part = gate_delta_part(&self->delta, node);
    int end = area.column + area.columns;
    struct str tag = STR_INIT;
    if (part && (self->delta.alone || gate_delta_speaks(&self->delta)))
        gate_delta_tag(part, &tag);
    if (tag.length)
        end = grid_put_right(grid, row, end,
                             part->removes              ? plan_node_style(node)
                             : part->kind == DELTA_GONE ? STYLE_GONE
                                                        : STYLE_WARNING,
                             tag.data) -
              2;
    str_release(&tag);
    return end;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* "-/+ replace  >": what happens to it, and whether there is more below. */
static void draw_action(struct grid *grid, int row, int column, const struct plan_node *node, bool open)
{
    grid_put(grid, row, column, 3, plan_node_style(node), plan_node_mark(node));
    grid_put(grid, row, column + 4, 8, plan_node_style(node), plan_node_word(node));
    if (node->opens)
        grid_put(grid, row, column + 13, 1, STYLE_MUTED, open ? "v" : ">");
}

static void draw_resource(const struct gate_view_state *self, struct grid *grid, struct area area, int row,
                          const struct plan_node *node, bool open)
{
    const struct plan *plan = node->plan;
    int end = draw_tag(self, grid, area, row, node), most = least(area.columns / 3, end - area.column - 17);
    int name = self->tree.name_width > most ? most : self->tree.name_width;
    draw_action(grid, row, area.column + 1, node, open);
    grid_put(grid, row, area.column + 16, name, plan->action == PLAN_NONE ? STYLE_MUTED : STYLE_NORMAL, plan->address);
    int column = area.column + 17 + name;
    if (plan->data)
        column += grid_put(grid, row, column, 5, STYLE_DANGER, "DATA") + 1;
    column += grid_put(grid, row, column, end - column, STYLE_NORMAL, plan->summary) + 2;
    if (end - column > 8)
        grid_put(grid, row, column, end - column, STYLE_MUTED, plan->reason);
}

static void draw_inner(const struct gate_view_state *self, struct grid *grid, struct area area, int row,
                       const struct plan_node *node, bool open)
{
    struct str text = STR_INIT;
    size_t values = json_array_size(json_object_get(node->change, "attributes"));
    int end = draw_tag(self, grid, area, row, node), most = least(area.columns / 2, end - area.column - 19);
    int name = self->tree.inner_width > most ? most : self->tree.inner_width;
    draw_action(grid, row, area.column + 3, node, open);
    grid_put(grid, row, area.column + 18, name, STYLE_NORMAL, node->name);
    plan_node_note(node, &text);
    if (!text.length && !open && values)
        str_addf(&text, "%zu value%s", values, values == 1 ? "" : "s");
    int column = area.column + 20 + name;
    grid_put(grid, row, column, end - column, text.length && !open ? STYLE_MUTED : STYLE_NORMAL, text.data);
    str_release(&text);
}

/* Both sides of a value in one row: where they have no room each gives way, the one that needs less keeps what it needs. */
static void draw_sides(struct grid *grid, int row, int column, int end, const struct plan_node *node)
{
    const char *arrow = grid->ascii ? " -> " : " → ";
    struct str before = STR_INIT, after = STR_INIT;
    int room = end - column - text_width(arrow);
    plan_value_text(node->change, "before", &before);
    plan_value_text(node->change, "after", &after);
    int left = text_width(before.data), right = text_width(after.data), half = room / 2;
    if (left + right > room && left > half)
        left = right < half ? room - right : half;
    if (node->action == PLAN_CREATE || node->action == PLAN_DESTROY) {
        grid_put(grid, row, column, end - column, STYLE_NORMAL, node->action == PLAN_CREATE ? after.data : before.data);
    } else {
        column += grid_put(grid, row, column, left, STYLE_NORMAL, before.data);
        column += grid_put(grid, row, column, end - column, STYLE_MUTED, arrow);
        grid_put(grid, row, column, end - column, STYLE_NORMAL, after.data);
    }
    str_release(&before);
    str_release(&after);
}

static void draw_value(const struct gate_view_state *self, struct grid *grid, struct area area, int row,
                       const struct plan_node *node)
{
    const struct plan_node *above = &self->tree.nodes.items[node->parent];
    int column = area.column + 16 + node->depth * 2, end = area.column + area.columns, most = area.columns / 3;
    int path = above->name_width > most ? most : above->name_width;
    if (json_is_true(json_object_get(node->change, "forces")))
        end = grid_put_right(grid, row, end, STYLE_FAILED, area.columns < 100 ? "forces it" : "forces replacement") - 1;
    grid_put(grid, row, column, path, STYLE_MUTED, node->name);
    column += path + 1;
    if (node->value && delta_value_is_sensitive(node->value) && node->value->kind == DELTA_VALUES) {
        grid_put(grid, row, column, end - column, STYLE_NORMAL, "changed, sensitive");
        return;
    }
    if (node->side != PLAN_SIDE_ONLY)
        column += grid_put(grid, row, column, 9, STYLE_MUTED, node->side == PLAN_SIDE_NOW ? "now      " : "approved ");
    if (node->value && !node->change)
        grid_put(grid, row, column, end - column, STYLE_MUTED, "not changed");
    else
        draw_sides(grid, row, column, end, node);
}

static void draw_row(struct view *view, struct grid *grid, struct area area, int row, size_t at)
{
    const struct gate_view_state *self = self_of(view);
    const struct plan_node *node = node_at(self, at);
    bool open = outline_is_open(&self->outline, node->key, node->is_open_first);
    int column = area.column + 16 + node->depth * 2;
    area.columns--; /* a blank before the border */
    switch ((enum plan_node_kind)node->kind) {
    case PLAN_NODE_RESOURCE: draw_resource(self, grid, area, row, node, open); break;
    case PLAN_NODE_INNER: draw_inner(self, grid, area, row, node, open); break;
    case PLAN_NODE_VALUE: draw_value(self, grid, area, row, node); break;
    case PLAN_NODE_NOTE:
        grid_put(grid, row, column, area.column + area.columns - column, STYLE_WARNING, node->name);
        break;
    }
}

static const char *empty(struct view *view)
{
    if (self_of(view)->delta.alone && self_of(view)->delta.is_there)
        return "nothing of this plan is beyond what was approved";
    return self_of(view)->run.status <= RUN_PLANNING ? "the plan is being made"
                                                     : "the plan is empty: nothing would change";
}

/* A row each where there is little room, else as many as it needs, at most two. */
static int draw_after(struct grid *grid, struct area area, const char *facts)
{
    int most = grid->rows > 24 ? 2 : 1, row = area.row, column = area.column + 12;
    while (*facts && row < area.row + area.rows) {
        size_t length = strcspn(facts, "\n"), name = strcspn(facts, "\t");
        struct str text = STR_INIT;
        str_add_bytes(&text, facts + name + 1, length - name - 1);
        int rows = area.row + area.rows - row < most ? area.row + area.rows - row : most;
        grid_putf(grid, row, area.column, 11, STYLE_MUTED, "%.*s", (int)name, facts);
        row += wrap_put(grid, (struct area){row, column, rows, area.columns - 12}, STYLE_NORMAL, text.data);
        str_release(&text);
        facts += length + (facts[length] == '\n');
    }
    return row - area.row;
}

static int rows_after(const struct grid *grid, const char *facts, int columns)
{
    int rows = 0;
    while (*facts) {
        size_t length = strcspn(facts, "\n"), name = strcspn(facts, "\t");
        struct str text = STR_INIT;
        str_add_bytes(&text, facts + name + 1, length - name - 1);
        rows += grid->rows > 24 && wrap_rows(text.data, columns - 12) > 1 ? 2 : 1;
        str_release(&text);
        facts += length + (facts[length] == '\n');
    }
    return rows;
}

/* What is to come at the bottom; gives the row where it begins. */
static int draw_bottom(struct view *view, struct grid *grid, struct area area, struct area inside, enum box box)
{
    const struct gate_view_state *self = self_of(view);
    struct str after = STR_INIT;
    gate_after_write(view->dashboard, &self->run, self->plans, self->plan_count, &after);
    int rows = rows_after(grid, after.data, inside.columns - 2), most = inside.rows / 3;
    rows = rows > most ? most : rows;
    int row = inside.row + inside.rows - rows - 1;
    grid_divide(grid, area, row, box, self->run.status <= RUN_GATE ? "what happens next" : "what became of it");
    draw_after(grid, (struct area){row + 1, inside.column + 1, rows, inside.columns - 2}, after.data);
    str_release(&after);
    return row;
}

/* How much of it was approved before, where a run asks again; gives the row below. */
static int draw_delta(struct view *view, struct grid *grid, struct area area)
{
    const struct gate_view_state *self = self_of(view);
    struct str text = STR_INIT;
    if (!gate_delta_speaks(&self->delta))
        return area.row;
    enum style style = gate_delta_say(&self->delta, view->dashboard, &text);
    const char *hint = self->delta.alone ? "r the whole plan" : "r these alone";
    int rows = wrap_put(grid, area, style, text.data), used = text_width(text.data) + 2;
    if (used + text_width(hint) <= area.columns)
        grid_put(grid, area.row, area.column + used, area.columns - used, STYLE_MUTED, hint);
    str_release(&text);
    return area.row + rows;
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
    serving_status(view->dashboard, &text, run_sign(self->run.status), word_name(run_status_names, self->run.status));
    if (self->gate)
        str_addf(&text, "   gate: %zu of %zu met", yes, all);
    if (!small)
        grid_box(grid, area, box, text.data);
    int most = inside.rows / 2 < RULE_ROWS ? inside.rows / 2 : RULE_ROWS;
    int row = draw_gate(view, grid,
                        (struct area){inside.row, inside.column + 1, small ? most / 2 + 1 : most, inside.columns - 2});
    str_clear(&text);
    plan_title(view, inside.columns, &text);
    if (small)
        grid_put(grid, row, inside.column, inside.columns, STYLE_TITLE, text.data);
    else
        grid_divide(grid, area, row, box, text.data);
    row = draw_delta(view, grid, (struct area){row + 1, inside.column + 1, 2, inside.columns - 2});
    int bottom = small ? inside.row + inside.rows : draw_bottom(view, grid, area, inside, box);
    outline_draw(view, grid, (struct area){row, inside.column, bottom - row, inside.columns});
    str_release(&text);
}

/* --- keys ------------------------------------------------------------------------------------------------- */

static const struct plan_node *selected(const struct gate_view_state *self)
{
    size_t at = self->outline.cursor.at;
    return at < self->tree.lines.count ? node_at(self, at) : NULL;
}

/* What has nothing below it belongs to what is above it: that is selected when it folds. */
static void fold(struct view *view, enum request request)
{
    struct gate_view_state *self = self_of(view);
    const struct plan_node *node = selected(self);
    if (!node)
        return;
    bool closes = node->opens && outline_is_open(&self->outline, node->key, node->is_open_first);
    bool upward = !node->opens || (request == REQUEST_LEFT && !closes);
    if (upward && request == REQUEST_RIGHT)
        return;
    size_t to = upward ? node->parent : (size_t)(node - self->tree.nodes.items);
    node = &self->tree.nodes.items[to];
    while (self->tree.lines.items[self->outline.cursor.at] > to)
        self->outline.cursor.at--;
    if (node->opens)
        outline_fold(view, node->key, node->is_open_first, request);
}

static void add_whole(const json_t *change, const char *what, struct str *out)
{
    for (int side = 0; side < 2; side++) {
        const json_t *value = json_object_get(change, side ? "after" : "before");
        str_addf(out, "%s%s%s\n", side ? "\n\n" : "", what, side ? "after" : "before");
        if (json_is_string(value) && !json_is_true(json_object_get(change, "sensitive")))
            str_add(out, json_string_value(value));
        else
            plan_value_text(change, side ? "after" : "before", out);
    }
}

/* Both sides of a value as they are, however long. */
static void show_value(struct view *view, const struct plan_node *node)
{
    const struct delta_value *value = node->value;
    struct str text = STR_INIT;
    str_addf(&text, "%s of %s\n", value ? value->path : node->name, node->plan->address);
    if (value && value->was)
        add_whole(value->was, "as approved: ", &text);
    if (value && value->was && value->now)
        str_add(&text, "\n\n");
    if (!value || value->now)
        add_whole(value ? value->now : node->change, value && value->was ? "now: " : "", &text);
    dashboard_push(view->dashboard, &text_view, text.data);
    str_release(&text);
}

static void open_row(struct view *view)
{
    const struct plan_node *node = selected(self_of(view));
    if (node && node->kind == PLAN_NODE_VALUE)
        show_value(view, node);
    else
        fold(view, REQUEST_FOLD);
}

static void show_text(struct view *view)
{
    const struct plan_node *node = selected(self_of(view));
    if (node)
        plan_text_show(view->dashboard, node->plan);
}

static void describe(struct view *view)
{
    const struct plan_node *node = selected(self_of(view));
    if (!node)
        return;
    const struct plan *plan = node->plan;
    json_t *json = record_to_json(&plan_type, plan);
    char *text = json_dumps(json, JSON_INDENT(2));
    struct str whole = STR_INIT;
    str_addf(&whole, "plan of %s", plan->address);
    dashboard_show_text(view->dashboard, whole.data, text);
    str_release(&whole);
    free(text);
    json_decref(json);
}

static void toggle_delta(struct view *view)
{
    struct gate_view_state *self = self_of(view);
    self->delta.alone = !self->delta.alone;
    self->outline.cursor = (struct cursor){0};
    outline_refresh(view, PICTURE_ALL);
    if (!self->delta.alone || self->delta.is_there)
        return;
    self->delta.alone = false;
    dashboard_say(view->dashboard, STYLE_MUTED,
                  text_empty(self->run.digest) ? "there is no plan yet to compare"
                                               : "no plan was approved or applied here before: all of this one is new");
}

static unsigned handle(struct view *view, enum request request)
{
    switch ((int)request) {
    case REQUEST_DELTA: toggle_delta(view); break;
    case REQUEST_OPEN: open_row(view); break;
    case REQUEST_FOLD:
    case REQUEST_LEFT:
    case REQUEST_RIGHT: fold(view, request); break;
    case REQUEST_FOLD_ALL: outline_fold_all(view); break;
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

/* What happens next, its names in a column. */
static void write_after(struct view *view, struct str *out)
{
    const struct gate_view_state *self = self_of(view);
    struct str text = STR_INIT;
    gate_after_write(view->dashboard, &self->run, self->plans, self->plan_count, &text);
    for (const char *at = text.data; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        size_t name = strcspn(at, "\t\n"), length = strcspn(at, "\n");
        size_t from = name < length ? name + 1 : length;
        str_addf(out, "%-12.*s %.*s\n", (int)name, at, (int)(length - from), at + from);
    }
    str_release(&text);
}

static bool why(struct view *view, struct str *out)
{
    const struct gate_view_state *self = self_of(view);
    if (!self->found)
        return false;
    str_addf(out, "run %s is ", self->run.id);
    format_run_status(out, &self->run);
    str_add(out, "\n\n");
    if (self->gate)
        why_text(self->gate, out);
    str_add_char(out, '\n');
    write_after(view, out);
    return true;
}

static const struct outline_ops outline = {
    .read = read_rows,
    .arrange = arrange,
    .count = count,
    .key = key,
    .folds = folds,
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
    .refresh = refresh,
    .title = title,
    .draw = draw,
    .handle = handle,
    .subject = subject,
    .why = why,
};
