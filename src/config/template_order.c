/* SPDX-License-Identifier: ISC */
/* What comes before what inside one template: needs, groups that need groups, outputs that are named. None of it may run in a circle. */
#include "config/expression.h"
#include "config/read.h"
#include "config/template.h"

#include "berth/base/str.h"
#include "berth/model/graph.h"

#include <stdlib.h>
#include <string.h>

struct ordering {
    const struct template *template;
    struct arena arena;
    struct graph *graph;
    size_t from; /* the resource whose keys are looked at */
};

static void add_edge(struct ordering *ordering, size_t from, const char *name)
{
    long needed = graph_find(ordering->graph, name);

    if (needed >= 0)
        graph_need(ordering->graph, from, (size_t)needed);
}

/* "resource.a[0].outputs.url" is an edge to a. */
static void visit_path(const char *path, void *context)
{
    struct ordering *ordering = context;
    const char *name = path + strlen("resource.");

    if (text_starts(path, "resource."))
        add_edge(ordering, ordering->from, arena_strndup(&ordering->arena, name, strcspn(name, ".[")));
}

static void visit_tree(struct ordering *ordering, const struct node *node)
{
    for (size_t i = 0; node->kind == NODE_LIST && i < node->count; i++)
        visit_tree(ordering, node->items[i]);
    for (size_t i = 0; node->kind == NODE_MAP && i < node->count; i++)
        visit_tree(ordering, node->pairs[i].value);
    if (node->kind == NODE_TEXT && text_has_expression(node->text)) {
        struct expression *expression = expression_parse(&ordering->arena, node->text, NULL);

        if (expression)
            expression_paths(expression, visit_path, ordering);
    }
}

/* Probes and links come after, and may name the resource's own outputs. */
static void add_outputs(struct ordering *ordering, const struct node *resource)
{
    for (size_t i = 0; i < resource->count; i++) {
        const char *key = resource->pairs[i].key->text;

        if (!text_equal(key, "probes") && !text_equal(key, "links"))
            visit_tree(ordering, resource->pairs[i].value);
    }
}

static void add_group(struct ordering *ordering, const struct template_resource *resource)
{
    const struct node *group = node_get(node_get(ordering->template->root, "groups"), resource->group);
    struct name_list needs = read_names(&ordering->arena, group, "needs");

    for (size_t n = 0; n < needs.count; n++) {
        for (size_t i = 0; i < ordering->template->resource_count; i++) {
            if (text_equal(ordering->template->resources[i].group, needs.items[n]))
                add_edge(ordering, ordering->from, ordering->template->resources[i].name);
        }
    }
}

static int line_of(const struct template *template, const char *cycle)
{
    for (size_t i = 0; i < template->resource_count; i++) {
        if (text_starts(cycle, template->resources[i].name) && cycle[strlen(template->resources[i].name)] == ' ')
            return template->resources[i].line;
    }
    return template->resources[0].line;
}

void template_check_order(const struct template *template, const char *file, struct problems *problems)
{
    struct ordering ordering = {.template = template, .graph = graph_new()};
    struct str cycle = STR_INIT;
    size_t *order = mem_zero(template->resource_count + 1, sizeof(*order));

    for (size_t i = 0; i < template->resource_count; i++)
        graph_add(ordering.graph, template->resources[i].name);
    for (size_t i = 0; i < template->resource_count; i++) {
        const struct template_resource *resource = &template->resources[i];

        ordering.from = i;
        for (size_t n = 0; n < resource->needs.count; n++)
            add_edge(&ordering, i, resource->needs.items[n]);
        add_outputs(&ordering, resource->node);
        if (*resource->group)
            add_group(&ordering, resource);
    }
    if (!graph_order(ordering.graph, order, &cycle))
        problem_add(problems, PROBLEM_ERROR, file, line_of(template, cycle.data), 3,
                    "take out one of these needs, or one of the outputs that are named",
                    "the needs run in a circle: %s", cycle.data);
    free(order);
    str_release(&cycle);
    graph_free(ordering.graph);
    arena_release(&ordering.arena);
}

/* The first word of a list, where it is a path of the repository that is written out. */
static void visit_program(const struct node *list, const char *folder, template_program_visit *visit, void *context)
{
    const struct node *word = list != NULL && list->kind == NODE_LIST && list->count > 0 ? list->items[0] : NULL;

    if (word != NULL && word->kind == NODE_TEXT && text_starts(word->text, "./") && !text_has_expression(word->text))
        visit(word, folder, context);
}

static void visit_list(const struct template *template, const char *key, template_program_visit *visit, void *context)
{
    const struct node *list = node_get(template->root, key);

    for (size_t i = 0; list != NULL && i < list->count; i++)
        visit_program(node_get(list->items[i], "run"), read_text(list->items[i], "dir", ""), visit, context);
}

void template_programs(const struct template *template, template_program_visit *visit, void *context)
{
    static const char *const keys[] = {"run", "undo", "plan"};

    for (size_t i = 0; i < template->resource_count; i++) {
        const struct template_resource *resource = &template->resources[i];

        if (!text_equal(resource->executor, "exec") || node_get(resource->node, "repository") != NULL)
            continue;
        for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
            visit_program(node_get(resource->node, keys[k]), read_text(resource->node, "dir", ""), visit, context);
    }
    visit_list(template, "checks", visit, context);
    visit_list(template, "actions", visit, context);
}
