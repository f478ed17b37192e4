/* SPDX-License-Identifier: ISC */
/* The graph of an environment's resources as text, dot, Mermaid or JSON. Names are data: quoted in each form. */
#include "cli/output.h"

#include "berth/model/graph.h"

#include <stdlib.h>

struct picture {
    const struct resource *resources;
    size_t count;
    struct graph *graph;
};

static void build(struct picture *picture)
{
    picture->graph = graph_new();
    for (size_t i = 0; i < picture->count; i++)
        (void)graph_add(picture->graph, picture->resources[i].address);
    for (size_t i = 0; i < picture->count; i++) {
        json_t *needs = json_column(picture->resources[i].needs);

        for (size_t k = 0; k < json_array_size(needs); k++) {
            long needed = graph_find(picture->graph, json_string_value(json_array_get(needs, k)));

            if (needed >= 0)
                graph_need(picture->graph, i, (size_t)needed);
        }
        json_decref(needs);
    }
}

static void print_node(struct cli *cli, const struct picture *picture, size_t at, int depth)
{
    const struct resource *resource = &picture->resources[at];
    bool inner = !text_empty(resource->parent);
    size_t count;
    const size_t *needs = graph_needs(picture->graph, at, &count);
    enum style style;
    const char *text = shown_resource_status(cli, resource->status, &style);

    printf("%*s%s  ", depth * 2, "", shown(cli, inner ? resource->name : resource->address));
    print_styled(cli, style, text);
    for (size_t k = 0; k < count; k++)
        printf("%s%s", k == 0 ? "  needs " : ", ",
               shown(cli, resource_name_within(resource, picture->resources[needs[k]].address)));
    putchar('\n');
    for (size_t i = 0; !inner && i < picture->count; i++)
        if (text_equal(picture->resources[i].parent, resource->address))
            print_node(cli, picture, i, depth + 1);
}

static void print_text(struct cli *cli, const struct picture *picture)
{
    size_t *order = mem_zero(picture->count + 1, sizeof *order);
    int *waves = mem_zero(picture->count + 1, sizeof *waves);

    if (graph_order(picture->graph, order, NULL))
        graph_waves(picture->graph, waves);
    else
        for (size_t i = 0; i < picture->count; i++)
            order[i] = i;
    for (size_t i = 0; i < picture->count; i++)
        if (text_empty(picture->resources[order[i]].parent))
            print_node(cli, picture, order[i], waves[order[i]]);
    free(order);
    free(waves);
}

/* A name inside the quotes of dot or Mermaid. */
static const char *quoted(struct cli *cli, const char *name)
{
    struct str out = STR_INIT;
    const char *copy;

    for (const char *at = shown(cli, name); *at != '\0'; at++) {
        if (*at == '"')
            str_add(&out, "'");
        else if (*at == '\\')
            str_add(&out, "\\\\");
        else
            str_add_char(&out, *at);
    }
    copy = arena_strdup(&cli->arena, out.data);
    str_release(&out);
    return copy;
}

static void print_edges(const struct picture *picture, const char *format)
{
    for (size_t i = 0; i < picture->count; i++) {
        size_t count;
        const size_t *needs = graph_needs(picture->graph, i, &count);

        for (size_t k = 0; k < count; k++) {
            if (*format == 'd')
                printf("  n%zu -> n%zu;\n", i, needs[k]);
            else
                printf("  n%zu --> n%zu\n", i, needs[k]);
        }
        if (!text_empty(picture->resources[i].parent)) { /* what it is a part of */
            long parent = graph_find(picture->graph, picture->resources[i].parent);

            if (parent >= 0)
                printf(*format == 'd' ? "  n%zu -> n%ld [style=dotted];\n" : "  n%zu -.-> n%ld\n", i, parent);
        }
    }
}

static void print_dot(struct cli *cli, const struct picture *picture, const char *name)
{
    printf("digraph \"%s\" {\n  rankdir=LR;\n", quoted(cli, name));
    for (size_t i = 0; i < picture->count; i++)
        printf("  n%zu [label=\"%s\\n%s\"];\n", i, quoted(cli, picture->resources[i].address),
               word_name(resource_status_names, picture->resources[i].status));
    print_edges(picture, "dot");
    printf("}\n");
}

static void print_mermaid(struct cli *cli, const struct picture *picture)
{
    printf("graph LR\n");
    for (size_t i = 0; i < picture->count; i++)
        printf("  n%zu[\"%s: %s\"]\n", i, quoted(cli, picture->resources[i].address),
               word_name(resource_status_names, picture->resources[i].status));
    print_edges(picture, "mermaid");
}

static json_t *to_json(const struct picture *picture)
{
    json_t *answer = json_object(), *nodes = json_array(), *edges = json_array();

    for (size_t i = 0; i < picture->count; i++) {
        const struct resource *resource = &picture->resources[i];
        size_t count;
        const size_t *needs = graph_needs(picture->graph, i, &count);

        json_array_append_new(nodes, json_pack("{s:s, s:s, s:s, s:s}", "name", resource->address, "executor",
                                               text_empty(resource->executor) ? "" : resource->executor, "status",
                                               word_name(resource_status_names, resource->status), "parent",
                                               text_empty(resource->parent) ? "" : resource->parent));
        for (size_t k = 0; k < count; k++)
            json_array_append_new(edges, json_pack("{s:s, s:s}", "from", resource->address, "needs",
                                                   picture->resources[needs[k]].address));
    }
    json_object_set_new(answer, "nodes", nodes);
    json_object_set_new(answer, "edges", edges);
    return answer;
}

bool cli_graph(struct cli *cli, int *status, struct error *error)
{
    const char *format = cli->call.json ? "json" : cli_argument(cli, "format");
    struct environment environment;
    struct resource *resources;
    struct picture picture;

    (void)status;
    if (!session_open(cli, STORE_READER, SESSION_AS_IT_IS, error) ||
        !session_need_environment(cli, cli->call.subject, &environment, error) ||
        !session_list(cli, &resource_type, "environment", environment.id, false, 0, &resources, &picture.count, error))
        return false;
    picture.resources = resources;
    build(&picture);
    if (text_equal(format, "json"))
        print_json(to_json(&picture));
    else if (text_equal(format, "dot"))
        print_dot(cli, &picture, environment.name);
    else if (text_equal(format, "mermaid"))
        print_mermaid(cli, &picture);
    else
        print_text(cli, &picture);
    graph_free(picture.graph);
    return true;
}
