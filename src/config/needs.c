/* SPDX-License-Identifier: ISC */
/* What comes before what: needs, groups, required templates, and outputs that are named. */
#include "config/read.h"
#include "config/wants.h"

#include "berth/base/str.h"

#include <string.h>

void json_add_text(json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (text_equal(json_string_value(json_array_get(list, i)), text))
            return;
    }
    json_array_append_new(list, json_string(text));
}

json_t *names_json(const struct name_list *names)
{
    json_t *list = json_array();

    for (size_t i = 0; i < names->count; i++)
        json_add_text(list, names->items[i]);
    return list;
}

static bool refuse(struct wants *wants, const struct want *from, const struct node *at, const char *hint,
                   const char *message)
{
    return problem_add(wants->problems, PROBLEM_ERROR, from->template->file, at->line, at->column, hint, "%s", message);
}

/* Every instance of a wanted resource. One that is not wanted stands for what it would have needed itself, so that order is kept. */
static bool add_addresses(struct wants *wants, const struct want *of, json_t *needs, size_t depth)
{
    bool fine = true;

    if (!of->dropped) {
        for (int64_t i = 0; i < of->count; i++)
            json_add_text(needs, want_address(wants, of, i));
        return true;
    }
    for (size_t i = 0; depth < wants->list.count && i < of->resource->needs.count; i++) {
        const struct template *owner;
        const struct template_resource *needed =
            template_find(wants->templates, wants->template_count, of->template, of->resource->needs.items[i], &owner);
        const struct want *want = needed ? wants_find(wants, owner, needed) : NULL;

        fine = (!want || add_addresses(wants, want, needs, depth + 1)) && fine;
    }
    return fine;
}

static bool in_group(const struct wants *wants, const struct want *want, const char *group)
{
    if (text_equal(want->resource->group, group))
        return true;
    for (size_t t = 0; t < wants->template_count; t++) {
        const struct node *members =
            node_get(node_get(node_get(wants->templates[t]->root, "groups"), group), "resources");

        for (size_t i = 0; members && i < members->count; i++) {
            if (text_equal(read_text(members->items[i], "template", ""), want->template->name) &&
                text_equal(read_text(members->items[i], "name", ""), want->resource->name))
                return true;
        }
    }
    return false;
}

static bool add_groups(struct wants *wants, const struct want *want, json_t *needs)
{
    bool fine = true;

    for (size_t t = 0; t < wants->template_count; t++) {
        const struct node *groups = node_get(wants->templates[t]->root, "groups");

        for (size_t g = 0; groups && g < groups->count; g++) {
            struct name_list needed = read_names(wants->arena, groups->pairs[g].value, "needs");

            if (needed.count == 0 || !in_group(wants, want, groups->pairs[g].key->text))
                continue;
            for (size_t n = 0; n < needed.count; n++) {
                for (size_t i = 0; i < wants->list.count; i++) {
                    if (&wants->list.items[i] != want && in_group(wants, &wants->list.items[i], needed.items[n]))
                        fine = add_addresses(wants, &wants->list.items[i], needs, 0) && fine;
                }
            }
        }
    }
    return fine;
}

/* The first resources of a template come after all of the templates it requires. */
static bool add_required(struct wants *wants, const struct want *want, json_t *needs)
{
    bool fine = true;

    for (size_t r = 0; r < want->template->requires.count; r++) {
        for (size_t i = 0; i < wants->list.count; i++) {
            const struct want *other = &wants->list.items[i];

            if (text_equal(other->template->name, want->template->requires.items[r]))
                fine = add_addresses(wants, other, needs, 0) && fine;
        }
    }
    return fine;
}

bool wants_needs(struct wants *wants, const struct want *want, json_t *needs)
{
    bool fine = true;

    for (size_t i = 0; i < want->resource->needs.count; i++) {
        const char *name = want->resource->needs.items[i];
        const struct template *owner;
        const struct template_resource *needed =
            template_find(wants->templates, wants->template_count, want->template, name, &owner);
        const struct want *found = needed ? wants_find(wants, owner, needed) : NULL;

        if (!found)
            fine = refuse(
                wants, want, node_get(want->resource->node, "needs"), "",
                arena_printf(wants->arena, "%s needs \"%s\", which no template here has", want->resource->name, name));
        else
            fine = add_addresses(wants, found, needs, 0) && fine;
    }
    fine = add_groups(wants, want, needs) && fine;
    if (want->resource->needs.count == 0)
        fine = add_required(wants, want, needs) && fine;
    return fine;
}

struct resolving {
    struct wants *wants;
    const struct want *from;
    const char *own;
    json_t *named;
    const struct node *at;
};

/* "NAME[3]" -> "NAME" and 3; without an index -1. */
static const char *cut_index(struct wants *wants, const char *name, size_t length, int64_t *item)
{
    const char *open = memchr(name, '[', length);
    long long value;

    *item = -1;
    if (open && name[length - 1] == ']') {
        const char *digits = arena_strndup(wants->arena, open + 1, (size_t)(name + length - 1 - open - 1));

        if (text_to_int(digits, &value) && value >= 0)
            *item = value;
        length = (size_t)(open - name);
    }
    return arena_strndup(wants->arena, name, length);
}

static bool resolve_path(struct resolving *resolving, json_t *part, const char *path)
{
    struct wants *wants = resolving->wants;
    struct str said = STR_INIT;
    const char *key = expand_output_key(path, &said), *name;
    const struct template *owner;
    const struct template_resource *resource;
    const struct want *want;
    const char *address;
    int64_t item;

    if (!key)
        return refuse(wants, resolving->from, resolving->at, "",
                      arena_printf(wants->arena, "${{ %s }}: expected resource.NAME.outputs.KEY", path));
    name = cut_index(wants, said.data, said.length, &item);
    str_release(&said);
    resource = template_find(wants->templates, wants->template_count, resolving->from->template, name, &owner);
    want = resource ? wants_find(wants, owner, resource) : NULL;
    if (!want || want->dropped)
        return refuse(wants, resolving->from, resolving->at, "",
                      arena_printf(wants->arena, "${{ %s }}: the resource \"%s\" is not wanted here", path, name));
    if (resolving->own && want->resource == resolving->from->resource && item < 0) {
        address = resolving->own;
    } else {
        if (item >= want->count || (item >= 0 && !want->counted))
            return refuse(
                wants, resolving->from, resolving->at, "",
                arena_printf(wants->arena, "${{ %s }}: there are %lld of \"%s\"", path, (long long)want->count, name));
        if (item < 0 && want->counted && want->count != 1)
            return refuse(wants, resolving->from, resolving->at,
                          arena_printf(wants->arena, "write resource.%s[0].outputs…", name),
                          arena_printf(wants->arena, "${{ %s }}: there are %lld of \"%s\", say which", path,
                                       (long long)want->count, name));
        address = want_address(wants, want, item < 0 ? 0 : item);
        if (resolving->named)
            json_add_text(resolving->named, address);
    }
    json_object_set_new(part, "path", json_string(arena_printf(wants->arena, "resource.%s.outputs.%s", address, key)));
    return true;
}

static bool resolve_tree(struct resolving *resolving, json_t *tree)
{
    bool fine = true;
    json_t *parts = json_object_get(tree, "$parts"), *value;
    const char *key;
    void *next;

    for (size_t i = 0; parts && i < json_array_size(parts); i++) {
        json_t *part = json_array_get(parts, i);
        const char *path = json_string_value(json_object_get(part, "path"));

        if (path && text_starts(path, "resource."))
            fine = resolve_path(resolving, part, path) && fine;
    }
    if (parts)
        return fine;
    for (size_t i = 0; i < json_array_size(tree); i++)
        fine = resolve_tree(resolving, json_array_get(tree, i)) && fine;
    json_object_foreach_safe(tree, next, key, value) fine = resolve_tree(resolving, value) && fine;
    return fine;
}

bool wants_resolve_paths(struct wants *wants, json_t *tree, const struct want *from, const char *own, json_t *named,
                         const struct node *at)
{
    struct resolving resolving = {wants, from, own, named, at};

    return resolve_tree(&resolving, tree);
}
