/* SPDX-License-Identifier: ISC */
/* What ${{ }} names in berth.yaml: secret stores, inputs, and values that an entry's source does not have. */
#include "config/check.h"
#include "config/cross.h"
#include "config/expression.h"
#include "config/read.h"

#include "berth/base/str.h"

#include <string.h>

struct path_use {
    struct cross *cross;
    const struct config_entry *entry; /* NULL outside of entries */
    const struct node *node;
    bool in_name;
};

/* Adds what the queues of an entry, and of those it is promoted from, give as `with.NAME`. */
static void add_given(struct cross *cross, const struct config_entry *entry, struct name_list *names, size_t depth)
{
    const struct name_list *lists[] = {&entry->deploy_queues, &entry->plan_queues};
    const char **items = (const char **)(void *)names->items;

    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            const struct config_section *queue = config_section_named(&cross->config->queues, lists[l]->items[i]);
            const struct node *map = queue ? node_get(queue->node, "map") : NULL;

            for (size_t m = 0; map && m < map->count && names->count < 256; m++) {
                if (text_starts(map->pairs[m].key->text, "with."))
                    items[names->count++] = map->pairs[m].key->text + strlen("with.");
            }
        }
    }
    if (*entry->promote_from && depth < cross->config->environment_count) {
        const struct config_entry *from = map_get(&cross->entries, entry->promote_from);

        if (from)
            add_given(cross, from, names, depth + 1);
    }
}

static void use_input(struct path_use *use, const char *path, const char *name)
{
    struct arena arena = {0};
    const char **items = arena_alloc(&arena, (256 + use->entry->input_count) * sizeof(*items));
    struct name_list names = {items, 0};
    const char *hint;

    add_given(use->cross, use->entry, &names, 0);
    for (size_t i = 0; i < use->entry->input_count; i++)
        items[names.count++] = use->entry->inputs[i].name;
    hint = did_you_mean(&arena, name, &names);
    if (!names_have(&names, name))
        cross_error(use->cross, use->node, *hint ? hint : "declare it under inputs:",
                    "${{ %s }}: \"%s\" has no input \"%s\", and no queue of it gives one", path, use->entry->name,
                    name);
    arena_release(&arena);
}

static void use_secret(struct path_use *use, const char *path)
{
    struct cross *cross = use->cross;
    const char *secret = path + strlen("secret.");
    const char *store = arena_strndup(cross->arena, secret, strcspn(secret, "."));
    const struct config_sections *stores = &cross->config->secrets;
    const char **items;
    struct name_list names = {0};

    if (text_equal(store, "env") || text_equal(store, "file") || config_section_named(stores, store))
        return;
    items = arena_alloc(cross->arena, (stores->count + 2) * sizeof(*items));
    names.items = items;

    items[names.count++] = "env";
    items[names.count++] = "file";
    for (size_t i = 0; i < stores->count; i++)
        items[names.count++] = stores->items[i].name;
    cross_error(cross, use->node, did_you_mean(cross->arena, store, &names),
                "${{ %s }}: there is no secret store \"%s\"", path, store);
}

/* The name needs a value for every environment that the entry can yield. */
static void use_in_name(struct path_use *use, const char *path, const char *root)
{
    const struct config_entry *entry = use->entry;
    unsigned branches = 1u << SOURCE_BRANCHES, pulls = 1u << SOURCE_PULL_REQUESTS;

    if (text_equal(root, "branch") && !(entry->sources & (branches | pulls)))
        cross_error(use->cross, use->node, "", "${{ %s }}: no branch is the source of \"%s\"", path, entry->name);
    if (text_equal(root, "pr") && !(entry->sources & pulls))
        cross_error(use->cross, use->node, "add source: { pull_requests: { base: […] } }",
                    "${{ %s }}: no pull request is the source of \"%s\"", path, entry->name);
}

static void visit_path(const char *path, void *context)
{
    struct path_use *use = context;
    char root[32];
    const char *rest = path_root(path, root, sizeof(root));

    if (text_equal(root, "secret"))
        use_secret(use, path);
    else if (use->entry && text_equal(root, "input"))
        use_input(use, path, rest);
    if (use->in_name)
        use_in_name(use, path, root);
}

static void visit_tree(struct path_use *use, const struct node *node)
{
    struct expression *expression;

    for (size_t i = 0; node->kind == NODE_LIST && i < node->count; i++)
        visit_tree(use, node->items[i]);
    for (size_t i = 0; node->kind == NODE_MAP && i < node->count; i++)
        visit_tree(use, node->pairs[i].value);
    if (node->kind != NODE_TEXT || !text_has_expression(node->text))
        return;
    expression = expression_parse(use->cross->arena, node->text, NULL);
    use->node = node;
    use->in_name = use->entry && node == node_get(use->entry->node, "name");
    if (expression)
        expression_paths(expression, visit_path, use);
}

void cross_paths(struct cross *cross)
{
    const struct node *root = cross->config->root, *environments = node_get(root, "environments");
    struct path_use use = {.cross = cross};

    for (size_t i = 0; i < root->count; i++) {
        if (root->pairs[i].value != environments)
            visit_tree(&use, root->pairs[i].value);
    }
    for (size_t i = 0; i < cross->config->environment_count; i++) {
        use.entry = &cross->config->environments[i];
        visit_tree(&use, use.entry->node);
    }
}
