/* SPDX-License-Identifier: ISC */
/*
 * A run's plan as a tree: each resource, below it the changes of its inner parts, below those the values that change. What takes away comes first on
 * each level. Built once when the rows are read; which of it is shown is a list of places, so that thousands of changes cost nothing to draw.
 */
#ifndef UI_PLAN_TREE_H
#define UI_PLAN_TREE_H

#include "berth/base/memory.h"
#include "berth/model/run.h"
#include "ui/format.h"

#include <jansson.h>

struct delta_part;
struct delta_value;

enum plan_node_kind {
    PLAN_NODE_RESOURCE,
    PLAN_NODE_INNER, /* an inner part of the resource above it */
    PLAN_NODE_VALUE, /* one value before and after */
    PLAN_NODE_NOTE   /* a sentence */
};
enum plan_side { PLAN_SIDE_ONLY, PLAN_SIDE_APPROVED, PLAN_SIDE_NOW };
struct plan_node {
    const char *key, *name; /* key: unique in the tree */
    const struct plan *plan;
    const json_t *change; /* as in model/result.h, NULL of a resource and of a note */
    size_t end, parent;   /* the place after all that is below it; the node above, itself at the top */
    int action;           /* enum plan_action; -1: one of the inner parts alone, see plan_node_word */
    unsigned char kind, depth;
    bool opens, is_open_first; /* there is something below it; it is shown at first */
    int name_width;            /* of the longest name below it */
    /* Of a tree of what is different from an approved plan: */
    const struct delta_part *part;   /* that a resource or inner part is, NULL: it only holds some */
    const struct delta_value *value; /* that a value is */
    unsigned char side;              /* enum plan_side: in which of the two plans */
};
struct plan_counts {
    size_t creates, updates, replaces, destroys, others;
};
struct plan_tree {
    VEC(struct plan_node) nodes;
    VEC(size_t) lines; /* places of nodes that are shown */
    VEC(json_t *) held;
    struct plan_counts inner; /* of all inner parts */
    int name_width, inner_width;
};
void plan_tree_release(struct plan_tree *tree);
void plan_tree_clear(struct plan_tree *tree); /* memory is kept */
/* Builds it anew from the plans, which are put in order; text goes to the arena, plans stay the caller's and must live as long. */
void plan_tree_build(struct plan_tree *tree, struct plan *plans, size_t count, struct arena *arena);
typedef bool plan_node_opens(void *context, const char *key, bool at_first);
void plan_tree_arrange(struct plan_tree *tree, plan_node_opens *is_open, void *context);
/* "create", "move" …, of a resource that stays "as it is"; the mark before it: "+", "-/+" …; how it is drawn. */
const char *plan_node_word(const struct plan_node *node);
const char *plan_node_mark(const struct plan_node *node);
enum style plan_node_style(const struct plan_node *node);
/* One side of a value ("before", "after") as it may be shown: "(sensitive)", "(known after apply)", "(none)". */
void plan_value_text(const json_t *change, const char *side, struct str *out);
/* Why an inner part changes, what it was, which values force its replacement; nothing when there is nothing to say. */
void plan_node_note(const struct plan_node *node, struct str *out);

#endif
