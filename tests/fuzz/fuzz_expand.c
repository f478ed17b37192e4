/* SPDX-License-Identifier: ISC */
/* Expands the tree that a text is, with hostile values in scope: a value never adds structure and is never expanded again. */
#include "berth/base/str.h"
#include "berth/config.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "\"]}\n- ${{ secret.env.KEY }}"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool resolve(const char *path, struct str *value, void *context, struct error *error)
{
    (void)context;
    (void)error;
    if (strncmp(path, "resource.", 9) != 0 && strncmp(path, "secret.", 7) != 0)
        abort();
    str_add(value, SECRET);
    return true;
}

static void ignore_path(const char *path, void *context)
{
    (void)path;
    (void)context;
}

/* The JSON has the shape of the tree: what expansion puts in is always a scalar. */
static void check_shape(const struct node *node, const json_t *json)
{
    if (node->kind == NODE_MAP) {
        if (!json_is_object(json) || json_object_size(json) != node->count)
            abort();
        for (size_t i = 0; i < node->count; i++)
            check_shape(node->pairs[i].value, json_object_get(json, node->pairs[i].key->text));
    } else if (node->kind == NODE_LIST) {
        if (!json_is_array(json) || json_array_size(json) != node->count)
            abort();
        for (size_t i = 0; i < node->count; i++)
            check_shape(node->items[i], json_array_get(json, i));
    } else if (json_is_object(json) || json_is_array(json)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct problems problems;
    struct scope *scope = scope_new();
    struct error error;
    struct node *node;
    json_t *early, *late;
    struct str text = STR_INIT;
    bool yes;

    problems_init(&problems, &arena);
    scope_set(scope, "env.name", SECRET);
    scope_set(scope, "branch.name", "feature/x");
    scope_set_typed(scope, "param.n", "3", NODE_INT);
    node = node_parse(&arena, "t.yaml", (const char *)data, size, &problems);
    if (node) {
        if (expand_text(scope, "t.yaml", node, &text, &problems) &&
            !expand_condition(scope, "t.yaml", node, &yes, &problems))
            abort();
        early = expand_tree(scope, "t.yaml", node, EXPAND_EARLY, &problems);
        late = early ? expand_parts(early, resolve, NULL, &error) : NULL;
        if (early && !late)
            abort();
        if (late)
            check_shape(node, late);
        expand_paths(early, ignore_path, NULL);
        json_decref(early);
        json_decref(late);
    }
    str_release(&text);
    scope_free(scope);
    problems_release(&problems);
    arena_release(&arena);
    return 0;
}
