/* SPDX-License-Identifier: ISC */
/* The difference between two plans as the gate shows it: a line, words beside parts, a tree of its own. */
#include "ui/gate_delta.h"

#include "berth/base/text.h"

#define KEYS "delta\n" /* begins the keys of the tree of its own: it folds apart from the whole plan */

void gate_delta_release(struct gate_delta *self)
{
    if (self->is_there)
        delta_release(&self->delta);
    self->is_there = false;
    map_release(&self->parts);
}

/* --- reading ------------------------------------------------------------------------------------------------ */

/* As plan_tree makes the keys of the same parts. */
static void index_parts(struct gate_delta *self)
{
    struct str key = STR_INIT;
    for (size_t i = 0; i < self->delta.parts.count; i++) {
        const struct delta_part *part = &self->delta.parts.items[i];
        const char *deposed = json_get_text(part->now, "deposed");
        if (part->kind == DELTA_GONE)
            continue;
        str_clear(&key);
        str_add(&key, part->address);
        if (part->now)
            str_addf(&key, "\n%s%s%s", part->path, *deposed ? " " : "", deposed);
        (void)map_set(&self->parts, key.data, (void *)(uintptr_t)(i + 1));
    }
    str_release(&key);
}

bool gate_delta_read(struct gate_delta *self, struct store *store, const struct run *run, const struct plan *plans,
                     size_t count, struct arena *arena, struct error *error)
{
    gate_delta_release(self);
    self->approved = (struct approved){.how = APPROVED_NEVER};
    if ((!self->alone && text_empty(run->approved_digest)) || text_empty(run->digest))
        return true;
    if (!store_approved(store, run, arena, &self->approved, error))
        return false;
    if (self->approved.how == APPROVED_NEVER)
        return true;
    delta_make(&self->delta, self->approved.plans, self->approved.count, plans, count);
    self->is_there = true;
    index_parts(self);
    return true;
}

/* --- words -------------------------------------------------------------------------------------------------- */

bool gate_delta_speaks(const struct gate_delta *self)
{
    return self->is_there && (self->alone || self->approved.is_own);
}

enum style gate_delta_say(const struct gate_delta *self, const struct dashboard *dashboard, struct str *out)
{
    struct str as = STR_INIT, when = STR_INIT;
    const struct delta_counts *counts = &self->delta.counts;
    if (self->approved.at)
        format_when(&when, dashboard->times, self->approved.at, dashboard->now_ms);
    approved_say(&self->approved, when.data, &as);
    delta_say(&self->delta, as.data, out);
    str_release(&when);
    str_release(&as);
    return counts->removes                     ? sign_style(action_sign(PLAN_DESTROY))
           : counts->added + counts->different ? STYLE_WARNING
                                               : STYLE_OK;
}

void gate_delta_tag(const struct delta_part *part, struct str *out)
{
    switch (part->kind) {
    case DELTA_SAME: return;
    case DELTA_NEW: str_add(out, "new"); return;
    case DELTA_GONE:
    case DELTA_ACTION: str_addf(out, "was %s", part->was_action); return;
    case DELTA_VALUES:
        if (part->value_count)
            str_addf(out, "%zu value%s", part->value_count, part->value_count == 1 ? " differs" : "s differ");
        else
            str_add(out, "differs");
        return;
    }
}

const struct delta_part *gate_delta_part(const struct gate_delta *self, const struct plan_node *node)
{
    if (node->part || !self->is_there)
        return node->part;
    uintptr_t place = (uintptr_t)map_get(&self->parts, node->key);
    return place ? &self->delta.parts.items[place - 1] : NULL;
}

/* --- the tree ----------------------------------------------------------------------------------------------- */

struct building {
    const struct delta *delta;
    struct plan_tree *tree;
    struct arena *arena;
    size_t resource; /* the node of the resource whose parts are added */
};

static size_t add(struct building *building, struct plan_node node)
{
    vec_push(&building->tree->nodes, node);
    return building->tree->nodes.count - 1;
}

static void close_node(struct plan_tree *tree, size_t at)
{
    struct plan_node *node = &tree->nodes.items[at];
    node->end = tree->nodes.count;
    node->opens = node->end > at + 1;
}

/* One side of a value: with `name` its path, else it belongs to the row above. */
static void add_side(struct building *building, size_t parent, const struct delta_value *value, enum plan_side side,
                     const char *name)
{
    struct plan_node *above = &building->tree->nodes.items[parent];
    int width = text_width(name);
    above->name_width = width > above->name_width ? width : above->name_width;
    size_t at = add(building, (struct plan_node){
                                  .kind = PLAN_NODE_VALUE,
                                  .depth = (unsigned char)(above->depth + 1),
                                  .parent = parent,
                                  .key = arena_printf(building->arena, "%s\n%s\n%d", above->key, value->path, side),
                                  .name = name,
                                  .plan = above->plan,
                                  .change = side == PLAN_SIDE_APPROVED ? value->was : value->now,
                                  .action = above->action,
                                  .value = value,
                                  .side = (unsigned char)side,
                              });
    close_node(building->tree, at);
}

static void add_values(struct building *building, size_t parent, const struct delta_part *part)
{
    for (size_t i = 0; i < part->value_count; i++) {
        const struct delta_value *value = &building->delta->values.items[part->first_value + i];
        if (part->kind == DELTA_NEW || value->kind == DELTA_NEW || delta_value_is_sensitive(value)) {
            add_side(building, parent, value, part->kind == DELTA_NEW ? PLAN_SIDE_ONLY : PLAN_SIDE_NOW, value->path);
            continue;
        }
        add_side(building, parent, value, PLAN_SIDE_APPROVED, value->path);
        add_side(building, parent, value, PLAN_SIDE_NOW, "");
    }
}

static const struct plan *plan_of(const struct delta_part *part)
{
    return part->now_plan && plan_acts(part->now_plan->action) ? part->now_plan : part->was_plan;
}

static void add_resource(struct building *building, const struct delta_part *part)
{
    struct plan_tree *tree = building->tree;
    const struct plan *plan = plan_of(part);
    bool is_part = !*part->path;
    int width = text_width(part->address);
    tree->name_width = width > tree->name_width ? width : tree->name_width;
    building->resource = add(building, (struct plan_node){
                                           .kind = PLAN_NODE_RESOURCE,
                                           .key = arena_printf(building->arena, KEYS "%s", part->address),
                                           .name = part->address,
                                           .plan = plan,
                                           .action = plan->action,
                                           .parent = tree->nodes.count,
                                           .part = is_part ? part : NULL,
                                           .is_open_first = !is_part || part->kind != DELTA_NEW || part->removes,
                                       });
    if (is_part)
        add_values(building, building->resource, part);
}

static void add_inner(struct building *building, const struct delta_part *part)
{
    struct plan_tree *tree = building->tree;
    const struct plan_node *above = &tree->nodes.items[building->resource];
    const char *action = *part->now_action ? part->now_action : part->was_action;
    const json_t *change = part->now ? part->now : part->was;
    int width = text_width(part->path);
    tree->inner_width = width > tree->inner_width ? width : tree->inner_width;
    size_t at = add(building, (struct plan_node){
                                  .kind = PLAN_NODE_INNER,
                                  .depth = 1,
                                  .parent = building->resource,
                                  .key = arena_printf(building->arena, "%s\n%s %s", above->key, part->path,
                                                      json_get_text(change, "deposed")),
                                  .name = part->path,
                                  .plan = above->plan,
                                  .change = change,
                                  .action = word_value(plan_action_names, action),
                                  .part = part,
                                  .is_open_first = part->kind != DELTA_NEW || part->removes,
                              });
    add_values(building, at, part);
    close_node(tree, at);
}

void gate_delta_tree(const struct gate_delta *self, struct plan_tree *tree, struct arena *arena)
{
    struct building building = {.delta = &self->delta, .tree = tree, .arena = arena};
    const char *address = NULL;
    plan_tree_clear(tree);
    for (size_t i = 0; i < self->delta.parts.count; i++) {
        const struct delta_part *part = &self->delta.parts.items[i];
        if (part->kind == DELTA_SAME)
            continue;
        if (!address || !text_equal(address, part->address)) {
            if (address)
                close_node(tree, building.resource);
            add_resource(&building, part);
            address = part->address;
        }
        if (*part->path)
            add_inner(&building, part);
    }
    if (address)
        close_node(tree, building.resource);
}
