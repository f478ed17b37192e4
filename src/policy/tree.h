/* SPDX-License-Identifier: ISC */
/*
 * How the policy room grows a why-tree: a builder collects rules, finishing it gives the node that holds them. Everything lives in the
 * arena given; a builder that was begun must be finished.
 */
#ifndef POLICY_TREE_H
#define POLICY_TREE_H

#include "berth/policy.h"

struct why_builder {
    struct arena *arena;
    enum why_kind kind; /* WHY_ALL: the worst verdict of the children; WHY_ANY: the best */
    VEC(const struct why *) children;
};
void why_begin(struct why_builder *builder, enum why_kind kind, struct arena *arena);
/* Adds a rule. `source` and `next` may be ""; both must outlive the arena or live in it. */
void why_add(struct why_builder *builder, enum verdict verdict, const char *rule, const char *source, const char *next,
             const char *format, ...) BERTH_PRINTF(6, 7);
void why_add_node(struct why_builder *builder, const struct why *node);
/* The node over all that was added; without children an ALL says yes. The builder is empty afterwards. */
const struct why *why_finish(struct why_builder *builder, const char *rule, const char *reason) BERTH_MUST_CHECK;

/* "berth.yaml:32", or "" for line 0 or no configuration. */
const char *why_line(struct arena *arena, const struct config *config, int line) BERTH_MUST_CHECK;

#endif
