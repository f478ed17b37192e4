/* SPDX-License-Identifier: ISC */
/* The walk over a tree, its shapes beside it. */
#include "config/check.h"
#include "config/expression.h"
#include "config/scalar.h"
#include "config/section.h"

#include "berth/base/str.h"
#include "berth/base/text.h"

#include <string.h>

#define SHOWN_LIMIT 60 /* bytes of a wrong value in a message */

struct walk {
    struct check *check;
    struct name_index names; /* names of sections, for references */
    VEC(const char *) unbuilt;
    int unbuilt_line;
};

static void check_value(struct walk *walk, const struct shape *shape, const struct node *node, const char *name);

const char *did_you_mean(struct arena *arena, const char *word, const struct name_list *names)
{
    const char *nearest = text_nearest(word, names->items, names->count);

    return nearest ? arena_printf(arena, "did you mean \"%s\"?", nearest) : "";
}

const char *join_names(struct arena *arena, const struct name_list *names)
{
    struct str joined = STR_INIT;
    char *copy;

    for (size_t i = 0; i < names->count; i++) {
        if (joined.length > 200) {
            str_add(&joined, " …");
            break;
        }
        if (i > 0)
            str_add(&joined, i + 1 == names->count ? " or " : ", ");
        str_add(&joined, names->items[i]);
    }
    copy = arena_strndup(arena, joined.data, joined.length);
    str_release(&joined);
    return copy;
}

/* The value as a message shows it: its kind, or its text. */
static const char *shown(struct walk *walk, const struct node *node)
{
    struct str text = STR_INIT;
    char cut[SHOWN_LIMIT + 1];
    const char *copy;

    if (!is_scalar(node) || node->kind == NODE_NULL)
        return node->kind == NODE_NULL ? "no value"
                                       : arena_printf(walk->check->arena, "a %s", node_kind_name(node->kind));
    text_copy(cut, sizeof(cut), node->text);
    text_visible(&text, cut, strlen(cut), TEXT_ONE_LINE);
    copy = arena_printf(walk->check->arena, node->kind == NODE_TEXT ? "\"%s\"" : "%s", text.data);
    str_release(&text);
    return copy;
}

static void complain(struct walk *walk, const struct node *at, const char *hint, const char *message)
{
    struct check *check = walk->check;

    problem_add(check->problems, PROBLEM_ERROR, check->file, at->line, at->column, hint, "%s", message);
}

static void wrong(struct walk *walk, const struct shape *shape, const struct node *node, const char *name,
                  const char *hint)
{
    struct check *check = walk->check;

    complain(walk, node, hint,
             arena_printf(check->arena, "%s: expected %s, found %s", name, shape_expected(check->schema, shape),
                          shown(walk, node)));
}

struct path_check {
    struct walk *walk;
    const struct shape *shape;
    const struct node *node;
    struct name_list roots;
};

static bool list_has(const struct name_list *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (text_equal(names->items[i], name))
            return true;
    }
    return false;
}

static void check_path(const char *path, void *context)
{
    struct path_check *paths = context;
    struct check *check = paths->walk->check;
    char root[64];
    const char *rest = path_root(path, root, sizeof(root));
    struct name_list members;

    if (!list_has(&paths->roots, root)) {
        complain(paths->walk, paths->node, did_you_mean(check->arena, root, &paths->roots),
                 arena_printf(check->arena, "${{ %s }}: \"%s\" cannot be named here, expected %s", path, root,
                              join_names(check->arena, &paths->roots)));
        return;
    }
    members = schema_path_members(check->schema, root);
    if (members.count > 0 && !list_has(&members, rest))
        complain(paths->walk, paths->node, did_you_mean(check->arena, rest, &members),
                 arena_printf(check->arena, "${{ %s }}: \"%s\" has no \"%s\", expected %s", path, root, rest,
                              join_names(check->arena, &members)));
}

/* True when the scalar holds ${{ }}: then its type is seen only when it is expanded. */
static bool check_expression(struct walk *walk, const struct shape *shape, const struct node *node, const char *name)
{
    struct check *check = walk->check;
    struct path_check paths = {.walk = walk, .shape = shape, .node = node};
    struct error error = {0};
    struct expression *expression;

    if (node->kind != NODE_TEXT || !text_has_expression(node->text))
        return false;
    if (!*shape->expression) {
        complain(walk, node, "", arena_printf(check->arena, "%s: ${{ }} cannot stand here", name));
        return true;
    }
    expression = expression_parse(check->arena, node->text, &error);
    if (!expression) {
        complain(walk, node, error.hint, arena_printf(check->arena, "%s: %s", name, error.message));
        return true;
    }
    paths.roots = schema_path_set(check->schema, shape->expression);
    expression_paths(expression, check_path, &paths);
    return true;
}

static void check_reference(struct walk *walk, const struct shape *shape, const struct node *node, const char *name)
{
    struct check *check = walk->check;
    struct name_list near = {0};
    const char *colon = strchr(node->text, ':');

    if (list_has(&shape->words, node->text))
        return;
    for (size_t i = 0; colon && i < shape->prefix_count; i++) {
        const struct shape_prefix *prefix = &shape->prefixes[i];

        if (strncmp(node->text, prefix->prefix, (size_t)(colon - node->text)) != 0 ||
            prefix->prefix[colon - node->text] != '\0')
            continue;
        if (*prefix->to ? name_index_has(&walk->names, prefix->to, colon + 1) : colon[1] != '\0')
            return;
        near = name_index_near(&walk->names, prefix->to);
        complain(walk, node, did_you_mean(check->arena, colon + 1, &near),
                 arena_printf(check->arena, "%s: there is no \"%s\" in %s", name, colon + 1,
                              *prefix->to ? prefix->to : "a name after the colon"));
        return;
    }
    for (size_t i = 0; i < shape->to.count; i++) {
        if (name_index_has(&walk->names, shape->to.items[i], node->text))
            return;
    }
    for (size_t i = 0; i < shape->to.count && near.count == 0; i++)
        near = name_index_near(&walk->names, shape->to.items[i]);
    if (shape->words.count > 0)
        near = shape->words;
    complain(walk, node, did_you_mean(check->arena, node->text, &near),
             shape->to.count > 0 ? arena_printf(check->arena, "%s: there is no %s in %s", name, shown(walk, node),
                                                join_names(check->arena, &shape->to))
                                 : arena_printf(check->arena, "%s: expected %s, found %s", name,
                                                shape_expected(check->schema, shape), shown(walk, node)));
}

static void check_scalar(struct walk *walk, const struct shape *shape, const struct node *node, const char *name)
{
    struct error error = {0};
    const char *hint;

    if (is_scalar(node) && check_expression(walk, shape, node, name))
        return;
    if (!scalar_fits(shape, node, &error)) {
        hint = shape->kind == SHAPE_ENUM && is_scalar(node)
                   ? did_you_mean(walk->check->arena, node->text, &shape->words)
                   : arena_strdup(walk->check->arena, error.message);
        wrong(walk, shape, node, name, hint);
        return;
    }
    if (shape->kind == SHAPE_REF)
        check_reference(walk, shape, node, name);
}

static void check_count(struct walk *walk, const struct shape *shape, const struct node *node, const char *name)
{
    if (shape->has_min && (int64_t)node->count < shape->min)
        complain(walk, node, "",
                 arena_printf(walk->check->arena, "%s: expected at least %lld, found %zu", name, (long long)shape->min,
                              node->count));
    if (shape->has_max && (int64_t)node->count > shape->max)
        complain(walk, node, "",
                 arena_printf(walk->check->arena, "%s: expected at most %lld, found %zu", name, (long long)shape->max,
                              node->count));
}

static void check_any(struct walk *walk, const struct shape *shape, const struct node *node, const char *name)
{
    struct shape key = {.kind = SHAPE_KEY, .expression = "", .by = "", .capability = ""};

    if (is_scalar(node)) {
        check_scalar(walk, shape, node, name);
        return;
    }
    for (size_t i = 0; node->kind == NODE_LIST && i < node->count; i++)
        check_any(walk, shape, node->items[i], name);
    for (size_t i = 0; node->kind == NODE_MAP && i < node->count; i++) {
        struct node as_text = *node->pairs[i].key;

        as_text.kind = NODE_TEXT;
        check_scalar(walk, &key, &as_text, "a key");
        check_any(walk, shape, node->pairs[i].value, as_text.text);
    }
}

static void check_map(struct walk *walk, const struct shape *shape, const struct node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        struct node as_text = *node->pairs[i].key;

        if (as_text.kind != NODE_NULL)
            as_text.kind = NODE_TEXT;
        check_scalar(walk, shape->name, &as_text, "a key");
        check_value(walk, shape->item, node->pairs[i].value, as_text.text);
    }
}

static const struct shape_key *key_named(const struct shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->key_count; i++) {
        if (text_equal(shape->keys[i].name, name))
            return &shape->keys[i];
    }
    return NULL;
}

static struct name_list key_names(struct arena *arena, const struct shape *shape)
{
    const char **names = arena_alloc(arena, (shape->key_count + 1) * sizeof(*names));

    for (size_t i = 0; i < shape->key_count; i++)
        names[i] = shape->keys[i].name;
    return (struct name_list){names, shape->key_count};
}

static void check_keys(struct walk *walk, const struct shape *shape, const struct node *node, const char *name)
{
    struct arena *arena = walk->check->arena;

    for (size_t i = 0; i < node->count; i++) {
        const struct node *key = node->pairs[i].key;
        const struct shape_key *found = key_named(shape, key->text);

        if (walk->check->problems->errors >= PROBLEMS_LIMIT)
            return;
        if (found) {
            check_value(walk, found->shape, node->pairs[i].value, key->text);
            continue;
        }
        struct name_list names = key_names(arena, shape);

        complain(walk, key, did_you_mean(arena, key->text, &names),
                 arena_printf(arena, "%s: unknown key %s, expected %s", name, shown(walk, key),
                              names.count ? join_names(arena, &names) : "none"));
    }
    for (size_t i = 0; i < shape->key_count; i++) {
        if (shape->keys[i].required && !node_get(node, shape->keys[i].name))
            complain(walk, node, arena_strdup(arena, shape->keys[i].doc),
                     arena_printf(arena, "%s: the key \"%s\" is missing", name, shape->keys[i].name));
    }
}

/* Remembers a provider that this version does not have; all of them make one warning. */
static void note_unbuilt(struct walk *walk, const char *provider, const char *capability, int line)
{
    const char *name = arena_printf(walk->check->arena, "%s (%s)", provider, capability);

    for (size_t i = 0; i < walk->unbuilt.count; i++) {
        if (text_equal(walk->unbuilt.items[i], name))
            return;
    }
    if (walk->unbuilt.count == 0)
        walk->unbuilt_line = line;
    vec_push(&walk->unbuilt, name);
}

static bool any_has_key(struct walk *walk, const struct capability *capability, const char *key)
{
    for (size_t i = 0; i < capability->providers.count; i++) {
        const struct provider_section *section =
            schema_section(walk->check->schema, capability->name, capability->providers.items[i]);

        if (key_named(section->shape, key))
            return true;
    }
    return false;
}

/* Which provider a section is of is not known: a key is wrong when none of them has it. */
static void check_keys_of_any(struct walk *walk, const struct capability *capability, const struct node *node,
                              const char *name)
{
    struct arena *arena = walk->check->arena;
    struct name_list by = {&capability->by, 1};
    const struct name_list *near = text_equal(capability->by, "key") ? &capability->providers : &by;

    for (size_t i = 0; i < node->count; i++) {
        const struct node *key = node->pairs[i].key;

        if (!any_has_key(walk, capability, key->text))
            complain(walk, key, did_you_mean(arena, key->text, near),
                     arena_printf(arena, "%s: no %s has the key %s", name, capability->name, shown(walk, key)));
    }
}

static void check_section(struct walk *walk, const struct shape *shape, const struct node *node, const char *name)
{
    struct check *check = walk->check;
    const struct capability *capability = schema_capability(check->schema, shape->capability);
    const struct node *by = section_discriminator(capability, node);
    const struct provider_section *section;

    if (!by) {
        complain(walk, node, join_names(check->arena, &capability->providers),
                 text_equal(capability->by, "key")
                     ? arena_printf(check->arena, "%s: none of its keys names a probe", name)
                     : arena_printf(check->arena, "%s: the key \"%s\" is missing", name, capability->by));
        check_keys_of_any(walk, capability, node, name);
        return;
    }
    section = is_scalar(by) ? schema_section(check->schema, shape->capability, by->text) : NULL;
    if (!section) {
        complain(walk, by, is_scalar(by) ? did_you_mean(check->arena, by->text, &capability->providers) : "",
                 arena_printf(check->arena, "%s: there is no %s provider %s, expected %s", name, capability->name,
                              shown(walk, by), join_names(check->arena, &capability->providers)));
        return;
    }
    if (!section->built)
        note_unbuilt(walk, section->provider, shape->capability, node->line);
    check_keys(walk, section->shape, node, name);
}

static void check_one_of(struct walk *walk, const struct shape *shape, const struct node *node, const char *name)
{
    if (*shape->by) {
        check_value(walk, shape->shapes[node_get(node, shape->by) ? 0 : 1], node, name);
        return;
    }
    for (size_t i = 0; i < shape->shape_count; i++) {
        bool nested = shape->shapes[i]->kind == SHAPE_KEYS || shape->shapes[i]->kind == SHAPE_MAP;

        if (nested ? node->kind == NODE_MAP : is_scalar(node)) {
            check_value(walk, shape->shapes[i], node, name);
            return;
        }
    }
    wrong(walk, shape, node, name, "");
}

static void check_value(struct walk *walk, const struct shape *shape, const struct node *node, const char *name)
{
    if (walk->check->problems->errors >= PROBLEMS_LIMIT) /* a hostile file is not read to its end */
        return;
    if (shape->kind == SHAPE_LIST
            ? node->kind != NODE_LIST
            : (shape->kind == SHAPE_MAP || shape->kind == SHAPE_KEYS || shape->kind == SHAPE_SECTION) &&
                  node->kind != NODE_MAP) {
        wrong(walk, shape, node, name, "");
        return;
    }
    if (shape->kind == SHAPE_LIST) {
        for (size_t i = 0; i < node->count; i++)
            check_value(walk, shape->item, node->items[i], name);
    } else if (shape->kind == SHAPE_MAP) {
        check_map(walk, shape, node);
    } else if (shape->kind == SHAPE_KEYS) {
        check_keys(walk, shape, node, name);
    } else if (shape->kind == SHAPE_SECTION) {
        check_section(walk, shape, node, name);
    } else if (shape->kind == SHAPE_ONE_OF) {
        check_one_of(walk, shape, node, name);
    } else if (shape->kind == SHAPE_ANY) {
        check_any(walk, shape, node, name);
    } else {
        check_scalar(walk, shape, node, name);
    }
    if (!is_scalar(node) && shape->kind != SHAPE_ANY)
        check_count(walk, shape, node, name);
}

void check_tree(struct check *check)
{
    struct walk walk = {.check = check};

    name_index_fill(&walk.names, check->schema, check->root);
    check_value(&walk, schema_root(check->schema), check->root, "the file");
    check->unbuilt.items = arena_copy(check->arena, walk.unbuilt.items, walk.unbuilt.count * sizeof(const char *));
    check->unbuilt.count = walk.unbuilt.count;
    check->unbuilt_line = walk.unbuilt_line;
    vec_release(&walk.unbuilt);
    name_index_release(&walk.names);
}
