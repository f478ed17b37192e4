/* SPDX-License-Identifier: ISC */
/* Makes a tree of a plan's rows. */
#include "ui/plan_tree.h"

#include "berth/base/text.h"
#include "berth/model/delta.h"

#include <stdlib.h>

#define OPEN_AT_FIRST 60  /* values below one resource that are shown at once when it takes away */
#define NAMES_IN_A_NOTE 4 /* of values that force a replacement */
#define SAID_ALONE (-1)   /* an action that only inner parts have: read, move, import */

/* --- order ------------------------------------------------------------------------------------------------ */

static int action_of_change(const json_t *change)
{
    return word_value(plan_action_names, json_get_text(change, "action"));
}

struct ordered {
    const json_t *change;
    size_t at;
    int weight;
};

static int by_weight(const void *a, const void *b)
{
    const struct ordered *left = a, *right = b;
    if (left->weight != right->weight)
        return left->weight - right->weight;
    return left->at < right->at ? -1 : left->at > right->at;
}

struct weighed {
    struct plan plan;
    json_t *changes;
    int weight;
};

static int by_resource(const void *a, const void *b)
{
    const struct weighed *left = a, *right = b;
    if (left->weight != right->weight)
        return left->weight - right->weight;
    return left->plan.position < right->plan.position ? -1 : left->plan.position > right->plan.position;
}

/* A module that is updated may destroy inside: it comes where its worst part would. */
static int weight_of_plan(const struct plan *plan, const json_t *changes)
{
    int weight = plan_weight(plan->action);
    size_t at;
    const json_t *change;
    json_array_foreach(changes, at, change)
    {
        int action = action_of_change(change);
        if (plan_takes_away(action) && plan_weight(action) < weight)
            weight = plan_weight(action);
    }
    return weight;
}

/* --- nodes ------------------------------------------------------------------------------------------------ */

struct building {
    struct plan_tree *tree;
    struct arena *arena;
    struct plan *plans;
    size_t count;
    const struct plan *plan;
};

static size_t add(struct building *building, struct plan_node node)
{
    struct plan_tree *tree = building->tree;
    node.plan = building->plan;
    vec_push(&tree->nodes, node);
    return tree->nodes.count - 1;
}

static void close_node(struct plan_tree *tree, size_t at)
{
    struct plan_node *node = &tree->nodes.items[at];
    node->end = tree->nodes.count;
    node->opens = node->end > at + 1;
}

static void add_value(struct building *building, size_t parent, const json_t *change)
{
    struct plan_node *above = &building->tree->nodes.items[parent];
    const char *path = json_get_text(change, "path");
    int width = text_width(path);
    if (width > above->name_width)
        above->name_width = width;
    size_t at = add(building, (struct plan_node){
                                  .kind = PLAN_NODE_VALUE,
                                  .depth = (unsigned char)(above->depth + 1),
                                  .parent = parent,
                                  .key = arena_printf(building->arena, "%s\n%s", above->key, path),
                                  .name = path,
                                  .change = change,
                                  .action = above->action,
                              });
    close_node(building->tree, at);
}

static void add_note(struct building *building, size_t parent, const char *text)
{
    size_t at = add(building,
                    (struct plan_node){
                        .kind = PLAN_NODE_NOTE,
                        .depth = (unsigned char)(building->tree->nodes.items[parent].depth + 1),
                        .parent = parent,
                        .key = arena_printf(building->arena, "%s\n\n%s", building->tree->nodes.items[parent].key, text),
                        .name = text,
                    });
    close_node(building->tree, at);
}

static void count_inner(struct plan_counts *counts, int action)
{
    switch (action) {
    case PLAN_CREATE: counts->creates++; break;
    case PLAN_UPDATE: counts->updates++; break;
    case PLAN_REPLACE: counts->replaces++; break;
    case PLAN_DESTROY: counts->destroys++; break;
    default: counts->others++; break;
    }
}

static void add_inner(struct building *building, size_t parent, const json_t *change)
{
    struct plan_tree *tree = building->tree;
    const char *name = json_get_text(change, "path"), *deposed = json_get_text(change, "deposed");
    int action = action_of_change(change), width = text_width(name);
    size_t item;
    const json_t *value;
    size_t at = add(building, (struct plan_node){
                                  .kind = PLAN_NODE_INNER,
                                  .depth = 1,
                                  .parent = parent,
                                  .key = arena_printf(building->arena, "%s\n%s%s%s", tree->nodes.items[parent].key,
                                                      name, *deposed ? " " : "", deposed),
                                  .name = name,
                                  .change = change,
                                  .action = action,
                                  .is_open_first = action == PLAN_REPLACE,
                              });
    tree->inner_width = width > tree->inner_width ? width : tree->inner_width;
    count_inner(&tree->inner, action);
    json_array_foreach(json_object_get(change, "attributes"), item, value) add_value(building, at, value);
    close_node(tree, at);
}

static void add_changes(struct building *building, size_t parent, const json_t *changes)
{
    size_t count = json_array_size(changes);
    struct ordered *ordered = mem_zero(count + 1, sizeof *ordered);
    for (size_t i = 0; i < count; i++) {
        const json_t *change = json_array_get(changes, i);
        bool is_inner = json_object_get(change, "attributes") || json_object_get(change, "kind");
        ordered[i] = (struct ordered){change, i, is_inner ? plan_weight(action_of_change(change)) : -1};
    }
    qsort(ordered, count, sizeof *ordered, by_weight);
    for (size_t i = 0; i < count; i++) {
        if (ordered[i].weight < 0)
            add_value(building, parent, ordered[i].change);
        else
            add_inner(building, parent, ordered[i].change);
    }
    free(ordered);
}

/* What it waits for: those it needs that this plan changes. */
static void add_deferred(struct building *building, size_t parent)
{
    json_t *needs = json_column(building->plan->needs), *need;
    struct str text = STR_INIT;
    size_t at;
    json_array_foreach(needs, at, need)
    {
        for (size_t i = 0; i < building->count; i++) {
            const struct plan *other = &building->plans[i];
            if (other->action != PLAN_NONE && text_equal(other->address, json_string_value(need)))
                str_addf(&text, "%s%s (%s)", text.length ? ", " : "waits for ", other->address,
                         word_name(plan_action_names, other->action));
        }
    }
    json_decref(needs);
    if (text.length)
        add_note(building, parent, arena_strdup(building->arena, text.data));
    add_note(building, parent, "then it is planned again: creates and updates go on by themselves,");
    add_note(building, parent, "what would destroy or replace comes to the gate again");
    str_release(&text);
}

static void add_resource(struct building *building, const struct plan *plan, const json_t *changes, int weight)
{
    struct plan_tree *tree = building->tree;
    int width = text_width(plan->address);
    building->plan = plan;
    tree->name_width = width > tree->name_width ? width : tree->name_width;
    size_t at = add(building, (struct plan_node){
                                  .kind = PLAN_NODE_RESOURCE,
                                  .key = plan->address,
                                  .name = plan->address,
                                  .action = plan->action,
                                  .parent = tree->nodes.count,
                              });
    add_changes(building, at, changes);
    if (plan->action == PLAN_DEFERRED)
        add_deferred(building, at);
    close_node(tree, at);
    struct plan_node *node = &tree->nodes.items[at];
    node->is_open_first = plan->action == PLAN_DEFERRED || (weight < 2 && node->end - at < OPEN_AT_FIRST);
}

/* --- the whole -------------------------------------------------------------------------------------------- */

void plan_tree_clear(struct plan_tree *tree)
{
    for (size_t i = 0; i < tree->held.count; i++)
        json_decref(tree->held.items[i]);
    vec_clear(&tree->held);
    vec_clear(&tree->nodes);
    vec_clear(&tree->lines);
    tree->inner = (struct plan_counts){0};
    tree->name_width = tree->inner_width = 0;
}

void plan_tree_release(struct plan_tree *tree)
{
    plan_tree_clear(tree);
    vec_release(&tree->held);
    vec_release(&tree->nodes);
    vec_release(&tree->lines);
}

void plan_tree_build(struct plan_tree *tree, struct plan *plans, size_t count, struct arena *arena)
{
    struct weighed *weighed = mem_zero(count + 1, sizeof *weighed);
    struct building building = {.tree = tree, .arena = arena, .plans = plans, .count = count};
    plan_tree_clear(tree);
    for (size_t i = 0; i < count; i++) {
        json_t *changes = json_column(plans[i].changes);
        vec_push(&tree->held, changes);
        weighed[i] = (struct weighed){plans[i], changes, weight_of_plan(&plans[i], changes)};
    }
    qsort(weighed, count, sizeof *weighed, by_resource);
    for (size_t i = 0; i < count; i++)
        plans[i] = weighed[i].plan;
    for (size_t i = 0; i < count; i++)
        add_resource(&building, &plans[i], weighed[i].changes, weighed[i].weight);
    free(weighed);
}

void plan_tree_arrange(struct plan_tree *tree, plan_node_opens *is_open, void *context)
{
    vec_clear(&tree->lines);
    for (size_t at = 0; at < tree->nodes.count;) {
        const struct plan_node *node = &tree->nodes.items[at];
        vec_push(&tree->lines, at);
        at = node->opens && is_open(context, node->key, node->is_open_first) ? at + 1 : node->end;
    }
}

/* --- words ------------------------------------------------------------------------------------------------ */

const char *plan_node_word(const struct plan_node *node)
{
    if (node->part && node->part->kind == DELTA_GONE)
        return "not now";
    if (node->action == SAID_ALONE)
        return json_get_text(node->change, "action");
    return node->action == PLAN_NONE ? "as it is" : word_name(plan_action_names, node->action);
}

const char *plan_node_mark(const struct plan_node *node)
{
    static const char *const marks[] = {" ", "+", "~", "-/+", "-", "?", ">", "."};
    const char *word = plan_node_word(node);
    if (node->part && node->part->kind == DELTA_GONE)
        return " ";
    if (node->action >= 0 && node->action < (int)(sizeof marks / sizeof *marks))
        return marks[node->action];
    return text_equal(word, "read") ? "<=" : text_equal(word, "move") ? "->" : text_equal(word, "import") ? "<-" : "?";
}

enum style plan_node_style(const struct plan_node *node)
{
    if (node->part && node->part->kind == DELTA_GONE)
        return STYLE_GONE;
    return node->action == PLAN_NONE || node->action == SAID_ALONE ? STYLE_MUTED
                                                                   : sign_style(action_sign(node->action));
}

static void json_words(const json_t *value, struct str *out)
{
    if (!value || json_is_null(value)) {
        str_add(out, "(none)");
        return;
    }
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    str_add(out, text ? text : "?");
    free(text);
}

void plan_value_text(const json_t *change, const char *side, struct str *out)
{
    const json_t *value = json_object_get(change, side);
    bool is_none = !value || json_is_null(value);
    if (text_equal(side, "after") && is_none && json_is_true(json_object_get(change, "unknown")))
        str_add(out, "(known after apply)");
    else if (json_is_true(json_object_get(change, "sensitive")) && !is_none)
        str_add(out, "(sensitive)");
    else
        json_words(value, out);
}

static void add_part(struct str *out, const char *before, const char *text)
{
    if (!text_empty(text))
        str_addf(out, "%s%s%s", out->length ? ", " : "", before, text);
}

void plan_node_note(const struct plan_node *node, struct str *out)
{
    const json_t *change = node->change, *value;
    size_t at, forced = 0;
    struct str names = STR_INIT;
    json_array_foreach(json_object_get(change, "attributes"), at, value)
    {
        if (!json_is_true(json_object_get(value, "forces")))
            continue;
        if (forced < NAMES_IN_A_NOTE)
            str_addf(&names, "%s%s", forced ? ", " : "", json_get_text(value, "path"));
        forced++;
    }
    if (forced > NAMES_IN_A_NOTE)
        str_addf(&names, " and %zu more", forced - NAMES_IN_A_NOTE);
    add_part(out, "forced by ", names.data);
    add_part(out, "was ", json_get_text(change, "was"));
    add_part(out, "deposed ", json_get_text(change, "deposed"));
    add_part(out, "", json_is_true(json_object_get(change, "imports")) ? "imported" : "");
    add_part(out, "", json_get_text(change, "reason"));
    str_release(&names);
}
