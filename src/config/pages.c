/* SPDX-License-Identifier: ISC */
/* The rows of templates and groups, and the lists of checks, entrypoints, links and status endpoints. */
#include "config/read.h"
#include "config/wants.h"

#include "berth/base/str.h"

/* The tree as it is written; placeholders stay. NULL gives an empty `otherwise`. */
static json_t *raw_json(const struct node *node, const char *otherwise)
{
    struct str text = STR_INIT;
    json_t *json;

    if (node)
        node_to_json(node, &text);
    json = json_loads(node ? text.data : otherwise, JSON_DECODE_ANY, NULL);
    str_release(&text);
    return json ? json : json_null();
}

static json_t *template_graph(const struct template *template)
{
    json_t *graph = json_object();

    for (size_t i = 0; i < template->resource_count; i++)
        json_object_set_new(graph, template->resources[i].name, names_json(&template->resources[i].needs));
    return graph;
}

static void add_template(struct wants *wants, const struct template *template, const struct scope *scope)
{
    const char *commit = scope_get(scope, "commit.id"), *repository = wants->entry->repository;
    const struct node *root = template->root;
    json_t *row = json_object();

    json_object_set_new(
        row, "id",
        json_string(arena_printf(wants->arena, "%s/%s@%s", repository, template->name, commit ? commit : "")));
    json_object_set_new(row, "name", json_string(template->name));
    json_object_set_new(row, "version", json_string(template->version));
    json_object_set_new(row, "repository", json_string(repository));
    json_object_set_new(row, "commit", json_string(commit ? commit : ""));
    json_object_set_new(row, "description", json_string(template->description));
    json_object_set_new(row, "tags", names_json(&template->tags));
    json_object_set_new(row, "parameters", raw_json(node_get(root, "parameters"), "{}"));
    json_object_set_new(row, "graph", template_graph(template));
    json_object_set_new(row, "groups", raw_json(node_get(root, "groups"), "{}"));
    json_object_set_new(row, "resources", raw_json(node_get(root, "resources"), "{}"));
    json_object_set_new(row, "actions", raw_json(node_get(root, "actions"), "[]"));
    json_array_append_new(wants->result->templates, row);
}

static bool is_member(const json_t *members, const char *template, const char *name)
{
    for (size_t i = 0; i < json_array_size(members); i++) {
        const json_t *member = json_array_get(members, i);

        if (text_equal(json_string_value(json_object_get(member, "template")), template) &&
            text_equal(json_string_value(json_object_get(member, "name")), name))
            return true;
    }
    return false;
}

static void add_member(json_t *members, const char *template, const char *name)
{
    if (!is_member(members, template, name))
        json_array_append_new(members, json_pack("{s:s, s:s}", "template", template, "name", name));
}

/* The needs among a group's members. */
static json_t *group_graph(const struct wants *wants, const json_t *members)
{
    json_t *graph = json_object();

    for (size_t i = 0; i < wants->list.count; i++) {
        const struct want *want = &wants->list.items[i];
        json_t *inner;

        if (!is_member(members, want->template->name, want->resource->name))
            continue;
        inner = json_array();
        for (size_t n = 0; n < want->resource->needs.count; n++) {
            const struct template *owner;
            const struct template_resource *needed = template_find(
                wants->templates, wants->template_count, want->template, want->resource->needs.items[n], &owner);

            if (needed && is_member(members, owner->name, needed->name))
                json_add_text(inner, needed->name);
        }
        json_object_set_new(graph, want->base, inner);
    }
    return graph;
}

static void merge_names(struct wants *wants, json_t *list, const struct node *map, const char *key)
{
    struct name_list names = read_names(wants->arena, map, key);

    for (size_t i = 0; i < names.count; i++)
        json_add_text(list, names.items[i]);
}

static json_t *group_row(json_t *groups, const char *name)
{
    json_t *row;

    for (size_t i = 0; i < json_array_size(groups); i++) {
        if (text_equal(json_string_value(json_object_get(json_array_get(groups, i), "name")), name))
            return json_array_get(groups, i);
    }
    row = json_pack("{s:s, s:s, s:s, s:s, s:[], s:[], s:[]}", "id", name, "environment", "", "name", name,
                    "description", "", "tags", "needs", "members");
    json_array_append_new(groups, row);
    return row;
}

static void add_groups(struct wants *wants)
{
    json_t *groups = wants->result->groups;

    for (size_t t = 0; t < wants->template_count; t++) {
        const struct node *map = node_get(wants->templates[t]->root, "groups");

        for (size_t g = 0; map && g < map->count; g++) {
            const struct node *group = map->pairs[g].value, *members = node_get(group, "resources");
            json_t *row = group_row(groups, map->pairs[g].key->text);

            if (*read_text(group, "description", ""))
                json_object_set_new(row, "description", json_string(read_text(group, "description", "")));
            merge_names(wants, json_object_get(row, "tags"), group, "tags");
            merge_names(wants, json_object_get(row, "needs"), group, "needs");
            for (size_t i = 0; members && i < members->count; i++)
                add_member(json_object_get(row, "members"), read_text(members->items[i], "template", ""),
                           read_text(members->items[i], "name", ""));
        }
    }
    for (size_t i = 0; i < wants->list.count; i++) {
        const struct want *want = &wants->list.items[i];

        if (*want->resource->group && !want->dropped)
            add_member(json_object_get(group_row(groups, want->resource->group), "members"), want->template->name,
                       want->resource->name);
    }
    for (size_t i = 0; i < json_array_size(groups); i++) {
        json_t *row = json_array_get(groups, i);

        json_object_set_new(row, "graph", group_graph(wants, json_object_get(row, "members")));
    }
}

/* Adds the items of one template's list, each with the template's name. */
static bool add_list(struct wants *wants, const struct template *template, struct scope *scope, const char *key,
                     json_t *into)
{
    const struct node *list = node_get(template->root, key);
    struct want from = {.template = template, .scope = scope};
    bool fine = true;

    for (size_t i = 0; list && i < list->count; i++) {
        json_t *item = expand_tree(scope, template->file, list->items[i], EXPAND_EARLY, wants->problems);

        if (!item || !wants_resolve_paths(wants, item, &from, NULL, NULL, list->items[i])) {
            json_decref(item);
            fine = false;
            continue;
        }
        json_object_set_new(item, "template", json_string(template->name));
        json_array_append_new(into, item);
    }
    return fine;
}

bool wants_pages(struct wants *wants)
{
    struct prepare_result *result = wants->result;
    bool fine = true;

    result->templates = json_array();
    result->groups = json_array();
    result->checks = json_array();
    result->entrypoints = json_array();
    result->links = json_array();
    result->status_endpoints = json_array();
    for (size_t t = 0; t < wants->template_count; t++) {
        const struct template *template = wants->templates[t];
        struct scope *scope = wants->scopes[t];

        add_template(wants, template, scope);
        fine = add_list(wants, template, scope, "checks", result->checks) && fine;
        fine = add_list(wants, template, scope, "entrypoints", result->entrypoints) && fine;
        fine = add_list(wants, template, scope, "links", result->links) && fine;
        fine = add_list(wants, template, scope, "status_endpoints", result->status_endpoints) && fine;
    }
    add_groups(wants);
    return fine;
}
