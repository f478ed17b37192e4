/* SPDX-License-Identifier: ISC */
/* The dependency graph: nodes in the order added, edges both ways, Kahn's order and longest paths. */
#include "berth/model/graph.h"

#include "berth/base/str.h"

#include <stdint.h>
#include <stdlib.h>

struct node {
    char *name;
    VEC(size_t) needs, needed_by;
};
struct graph {
    VEC(struct node) nodes;
    struct map numbers; /* name to number + 1 */
};

struct graph *graph_new(void)
{
    return mem_zero(1, sizeof(struct graph));
}

void graph_free(struct graph *graph)
{
    if (!graph)
        return;
    for (size_t i = 0; i < graph->nodes.count; i++) {
        vec_release(&graph->nodes.items[i].needs);
        vec_release(&graph->nodes.items[i].needed_by);
        free(graph->nodes.items[i].name);
    }
    vec_release(&graph->nodes);
    map_release(&graph->numbers);
    free(graph);
}

long graph_find(const struct graph *graph, const char *name)
{
    return (long)(uintptr_t)map_get(&graph->numbers, name) - 1;
}

size_t graph_add(struct graph *graph, const char *name)
{
    long there = graph_find(graph, name);
    if (there >= 0)
        return (size_t)there;
    struct node node = {.name = mem_strdup(name)};
    vec_push(&graph->nodes, node);
    map_set(&graph->numbers, name, (void *)(uintptr_t)graph->nodes.count);
    return graph->nodes.count - 1;
}

void graph_need(struct graph *graph, size_t node, size_t needed)
{
    BUG_ON(node >= graph->nodes.count || needed >= graph->nodes.count);
    struct node *from = &graph->nodes.items[node];
    for (size_t i = 0; i < from->needs.count; i++)
        if (from->needs.items[i] == needed)
            return;
    vec_push(&from->needs, needed);
    vec_push(&graph->nodes.items[needed].needed_by, node);
}

size_t graph_count(const struct graph *graph)
{
    return graph->nodes.count;
}

const char *graph_name(const struct graph *graph, size_t node)
{
    BUG_ON(node >= graph->nodes.count);
    return graph->nodes.items[node].name;
}

const size_t *graph_needs(const struct graph *graph, size_t node, size_t *count)
{
    BUG_ON(node >= graph->nodes.count);
    *count = graph->nodes.items[node].needs.count;
    return graph->nodes.items[node].needs.items;
}

const size_t *graph_needed_by(const struct graph *graph, size_t node, size_t *count)
{
    BUG_ON(node >= graph->nodes.count);
    *count = graph->nodes.items[node].needed_by.count;
    return graph->nodes.items[node].needed_by.items;
}

/* `left[n]` is above 0 for every node on a cycle or behind one; following the first such need from any of them ends in a cycle. */
static void describe_cycle(const struct graph *graph, const size_t *left, struct str *cycle)
{
    size_t at = 0;
    while (left[at] == 0)
        at++;
    size_t *seen_at = mem_zero(graph->nodes.count, sizeof *seen_at);
    VEC(size_t) path = {0};
    while (seen_at[at] == 0) {
        vec_push(&path, at);
        seen_at[at] = path.count;
        const struct node *node = &graph->nodes.items[at];
        size_t i = 0;
        while (left[node->needs.items[i]] == 0)
            i++;
        at = node->needs.items[i];
    }
    for (size_t i = seen_at[at] - 1; i < path.count; i++) {
        str_add(cycle, graph->nodes.items[path.items[i]].name);
        str_add(cycle, " -> ");
    }
    str_add(cycle, graph->nodes.items[at].name);
    vec_release(&path);
    free(seen_at);
}

/* A heap of numbers, smallest first, so that nodes keep the order in which they were added wherever their needs allow. */
static void heap_put(size_t *heap, size_t *count, size_t number)
{
    size_t at = (*count)++;
    while (at > 0 && heap[(at - 1) / 2] > number) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = number;
}

static size_t heap_take(size_t *heap, size_t *count)
{
    size_t first = heap[0], last = heap[--*count], at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= *count)
            break;
        if (child + 1 < *count && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= last)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return first;
}

bool graph_order(const struct graph *graph, size_t *order, struct str *cycle)
{
    size_t count = graph->nodes.count, done = 0, waiting = 0;
    size_t *left = mem_zero(count + 1, sizeof *left);
    size_t *heap = mem_zero(count + 1, sizeof *heap);
    for (size_t i = 0; i < count; i++) {
        left[i] = graph->nodes.items[i].needs.count;
        if (left[i] == 0)
            heap_put(heap, &waiting, i);
    }
    while (waiting > 0) {
        size_t node = heap_take(heap, &waiting);
        order[done++] = node;
        const struct node *from = &graph->nodes.items[node];
        for (size_t i = 0; i < from->needed_by.count; i++)
            if (--left[from->needed_by.items[i]] == 0)
                heap_put(heap, &waiting, from->needed_by.items[i]);
    }
    if (done < count && cycle)
        describe_cycle(graph, left, cycle);
    free(left);
    free(heap);
    return done == count;
}

void graph_waves(const struct graph *graph, int *wave)
{
    size_t *order = mem_zero(graph->nodes.count + 1, sizeof *order);
    bool acyclic = graph_order(graph, order, NULL);
    BUG_ON(!acyclic);
    for (size_t i = 0; i < graph->nodes.count; i++) {
        const struct node *node = &graph->nodes.items[order[i]];
        int longest = 0;
        for (size_t n = 0; n < node->needs.count; n++)
            if (wave[node->needs.items[n]] >= longest)
                longest = wave[node->needs.items[n]] + 1;
        wave[order[i]] = longest;
    }
    free(order);
}
