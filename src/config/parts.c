/* SPDX-License-Identifier: ISC */
/* {"$parts": …}: texts that are put together in a worker, once, from what their paths stand for. */
#include "berth/config/expand.h"

#include "berth/base/memory.h"
#include "berth/base/str.h"

#include <jansson.h>

#define PARTS_LIMIT_DEPTH 70 /* NODE_LIMIT_DEPTH and what a spec adds around it */

struct resolving {
    expand_resolve *resolve;
    void *context;
    struct error *error;
    int depth;
};

static json_t *resolve_node(struct resolving *resolving, const json_t *tree);

static const json_t *parts_of(const json_t *tree)
{
    const json_t *parts = json_object_get(tree, "$parts");

    return json_is_array(parts) && json_object_size(tree) == 1 ? parts : NULL;
}

static json_t *resolve_parts(struct resolving *resolving, const json_t *parts)
{
    struct str text = STR_INIT;
    json_t *json;
    bool fine = true;

    for (size_t i = 0; fine && i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i);
        const char *path = json_string_value(json_object_get(part, "path"));

        if (json_is_string(part))
            str_add_bytes(&text, json_string_value(part), json_string_length(part));
        else if (path)
            fine = resolving->resolve(path, &text, resolving->context, resolving->error);
        else
            fine = error_set(resolving->error, ERROR_CORRUPT, "a spec's $parts hold neither text nor a path");
    }
    json = fine ? json_stringn(text.data, text.length) : NULL;
    if (fine && !json)
        error_set(resolving->error, ERROR_CONFIG, "a value that is put into a spec is not valid UTF-8");
    str_release(&text);
    return json;
}

static json_t *resolve_object(struct resolving *resolving, const json_t *tree)
{
    json_t *json = json_object();
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)tree, key, value)
    {
        json_t *inner = resolve_node(resolving, value);

        if (!inner) {
            json_decref(json);
            return NULL;
        }
        json_object_set_new_nocheck(json, key, inner);
    }
    return json;
}

static json_t *resolve_array(struct resolving *resolving, const json_t *tree)
{
    json_t *json = json_array();

    for (size_t i = 0; i < json_array_size(tree); i++) {
        json_t *inner = resolve_node(resolving, json_array_get(tree, i));

        if (!inner) {
            json_decref(json);
            return NULL;
        }
        json_array_append_new(json, inner);
    }
    return json;
}

static json_t *resolve_node(struct resolving *resolving, const json_t *tree)
{
    json_t *json;

    if (resolving->depth > PARTS_LIMIT_DEPTH) {
        error_set(resolving->error, ERROR_LIMIT, "a spec is nested deeper than %d", PARTS_LIMIT_DEPTH);
        return NULL;
    }
    resolving->depth++;
    if (json_is_object(tree))
        json = parts_of(tree) ? resolve_parts(resolving, parts_of(tree)) : resolve_object(resolving, tree);
    else if (json_is_array(tree))
        json = resolve_array(resolving, tree);
    else
        json = json_deep_copy(tree);
    resolving->depth--;
    return json;
}

struct json_t *expand_parts(const struct json_t *tree, expand_resolve *resolve, void *context, struct error *error)
{
    struct resolving resolving = {resolve, context, error, 0};

    return resolve_node(&resolving, tree);
}

struct visiting {
    void (*visit)(const char *path, void *context);
    void *context;
    struct map seen;
};

static void visit_node(struct visiting *visiting, const json_t *tree, int depth)
{
    const json_t *parts = parts_of(tree);
    const char *key;
    json_t *value;

    for (size_t i = 0; parts && i < json_array_size(parts); i++) {
        const char *path = json_string_value(json_object_get(json_array_get(parts, i), "path"));

        if (path && !map_set(&visiting->seen, path, visiting))
            visiting->visit(path, visiting->context);
    }
    if (parts || depth > PARTS_LIMIT_DEPTH)
        return;
    for (size_t i = 0; i < json_array_size(tree); i++)
        visit_node(visiting, json_array_get(tree, i), depth + 1);
    json_object_foreach((json_t *)tree, key, value) visit_node(visiting, value, depth + 1);
}

void expand_paths(const struct json_t *tree, void (*visit)(const char *path, void *context), void *context)
{
    struct visiting visiting = {.visit = visit, .context = context};

    visit_node(&visiting, tree, 0);
    map_release(&visiting.seen);
}
