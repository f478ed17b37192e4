/* SPDX-License-Identifier: ISC */
/*
 * The dependency graph of named nodes: order, waves, cycles, closure. Pure. Nodes are numbered from 0 in the order
 * added; edges point from a node to what it needs.
 */
#ifndef BERTH_MODEL_GRAPH_H
#define BERTH_MODEL_GRAPH_H

#include "berth/base/memory.h"

struct graph;
struct graph *graph_new(void) BERTH_MUST_CHECK;
void graph_free(struct graph *graph);
/* The node's number; adding a name twice gives the first. */
size_t graph_add(struct graph *graph, const char *name);
/* -1 when there is none. */
long graph_find(const struct graph *graph, const char *name);
void graph_need(struct graph *graph, size_t node, size_t needed);
size_t graph_count(const struct graph *graph);
const char *graph_name(const struct graph *graph, size_t node);
/* What a node needs, and who needs it; `count` is set, the array borrowed until the next change. */
const size_t *graph_needs(const struct graph *graph, size_t node, size_t *count);
const size_t *graph_needed_by(const struct graph *graph, size_t node, size_t *count);
/* Fills `order` (graph_count entries): what is needed comes first, else the order added. False when there is a cycle; `cycle` then gets
 * it as "a -> b -> a" (may be NULL). */
struct str;
bool graph_order(const struct graph *graph, size_t *order, struct str *cycle);
/* The longest path from a node without needs to each: 0, 1, …: nodes of one wave can run together. Needs an acyclic graph. */
void graph_waves(const struct graph *graph, int *wave);

#endif
