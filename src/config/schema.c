/* SPDX-License-Identifier: ISC */
/* Compiles the embedded schema files into shapes. */
#include "config/schema.h"
#include "config/embedded.h"

#include "berth/base/str.h"

#include <stdlib.h>

struct cached_section {
    const char *capability;
    struct provider_section section;
    struct cached_section *next;
};
struct cached_capability {
    struct capability capability;
    const struct node *node;
    struct cached_capability *next;
};
struct schema {
    struct arena *arena;
    const struct node *file, *shared, *paths; /* berth/template/host.yaml, capabilities.yaml, paths.yaml */
    const struct shape *root;
    struct cached_capability *capabilities;
    struct cached_section *sections;
};

static const char *const kind_words[SHAPE_KIND_COUNT] = {
    [SHAPE_TEXT] = "text",
    [SHAPE_NAME] = "name",
    [SHAPE_KEY] = "key",
    [SHAPE_VARIABLE] = "variable",
    [SHAPE_VERSION] = "version",
    [SHAPE_PATH] = "path",
    [SHAPE_URL] = "url",
    [SHAPE_EMAIL] = "email",
    [SHAPE_HOST_PORT] = "host_port",
    [SHAPE_GLOB] = "glob",
    [SHAPE_BRANCH_GLOB] = "branch_glob",
    [SHAPE_REGEX] = "regex",
    [SHAPE_DURATION] = "duration",
    [SHAPE_INSTANT] = "instant",
    [SHAPE_CRON] = "cron",
    [SHAPE_WINDOW] = "window",
    [SHAPE_SHARE] = "share",
    [SHAPE_INT] = "int",
    [SHAPE_NUMBER] = "number",
    [SHAPE_BOOL] = "bool",
    [SHAPE_CONDITION] = "condition",
    [SHAPE_ENUM] = "enum",
    [SHAPE_REF] = "ref",
    [SHAPE_SCALAR] = "scalar",
    [SHAPE_ANY] = "any",
    [SHAPE_LIST] = "list",
    [SHAPE_MAP] = "map",
    [SHAPE_KEYS] = "keys",
    [SHAPE_ONE_OF] = "one_of",
    [SHAPE_SECTION] = "section",
};

static const struct shape *compile(struct schema *schema, const struct node *node);

static const char *text_of(const struct node *node, const char *key, const char *otherwise)
{
    const struct node *value = node_get(node, key);

    return value && value->text ? value->text : otherwise;
}

static bool flag_of(const struct node *node, const char *key)
{
    const struct node *value = node_get(node, key);

    return value && value->kind == NODE_BOOL && value->number;
}

static struct name_list names_of(struct arena *arena, const struct node *list)
{
    struct name_list names = {0};
    const char **items;

    if (!list)
        return names;
    BUG_ON(list->kind != NODE_LIST);
    items = arena_alloc(arena, (list->count + 1) * sizeof(*items));
    for (size_t i = 0; i < list->count; i++)
        items[i] = list->items[i]->text;
    names.items = items;
    names.count = list->count;
    return names;
}

/* Appends the keys of a `keys:` map; `from` holds `used` already. */
static size_t compile_keys(struct schema *schema, const struct node *keys, struct shape_key *into, size_t used)
{
    for (size_t i = 0; keys && i < keys->count; i++) {
        const struct node *value = keys->pairs[i].value;

        into[used++] = (struct shape_key){
            .name = keys->pairs[i].key->text,
            .shape = compile(schema, value),
            .required = flag_of(value, "required"),
            .preset = text_of(value, "default", ""),
            .doc = text_of(value, "doc", ""),
        };
    }
    return used;
}

static void compile_parts(struct schema *schema, const struct node *node, struct shape *shape)
{
    const struct node *keys = node_get(node, "keys"), *shapes = node_get(node, "shapes");
    const struct node *prefixed = node_get(node, "prefixed");

    if (keys) {
        struct shape_key *into = arena_alloc(schema->arena, (keys->count + 1) * sizeof(*into));

        shape->key_count = compile_keys(schema, keys, into, 0);
        shape->keys = into;
    }
    if (shapes) {
        const struct shape **into = arena_alloc(schema->arena, shapes->count * sizeof(*into));

        for (size_t i = 0; i < shapes->count; i++)
            into[i] = compile(schema, shapes->items[i]);
        shape->shapes = into;
        shape->shape_count = shapes->count;
    }
    if (prefixed) {
        struct shape_prefix *into = arena_alloc(schema->arena, prefixed->count * sizeof(*into));

        for (size_t i = 0; i < prefixed->count; i++)
            into[i] = (struct shape_prefix){prefixed->pairs[i].key->text, prefixed->pairs[i].value->text};
        shape->prefixes = into;
        shape->prefix_count = prefixed->count;
    }
}

static const struct node *named_shape(const struct schema *schema, const char *name)
{
    const struct node *found = node_get(node_get(schema->file, "shapes"), name);

    return found ? found : node_get(node_get(schema->shared, "shapes"), name);
}

static void compile_limits(const struct node *node, struct shape *shape)
{
    const struct node *min = node_get(node, "min"), *max = node_get(node, "max");

    if (min) {
        shape->has_min = true;
        shape->min = min->number;
    }
    if (max) {
        shape->has_max = true;
        shape->max = max->number;
    }
}

static enum shape_kind kind_named(const char *word)
{
    for (int kind = 0; kind < SHAPE_KIND_COUNT; kind++) {
        if (text_equal(kind_words[kind], word))
            return (enum shape_kind)kind;
    }
    return SHAPE_KIND_COUNT;
}

static const struct shape *compile(struct schema *schema, const struct node *node)
{
    const char *word = node->kind == NODE_MAP ? text_of(node, "is", "") : node->text;
    const struct node *named = named_shape(schema, word);
    struct shape *shape;
    const struct node *of;

    if (named) { /* a named shape; a key may only add `required`, `default`, `doc`, `min` */
        shape = arena_copy(schema->arena, compile(schema, named), sizeof(*shape));
        compile_limits(node, shape);
        return shape;
    }
    shape = arena_alloc(schema->arena, sizeof(*shape));
    shape->kind = kind_named(word);
    BUG_ON(shape->kind == SHAPE_KIND_COUNT);
    shape->expression = text_of(node, "expression", "");
    shape->by = text_of(node, "by", "");
    shape->capability = text_of(node, "capability", "");
    shape->words = names_of(schema->arena, node_get(node, shape->kind == SHAPE_REF ? "words" : "values"));
    shape->to = names_of(schema->arena, node_get(node, "to"));
    of = node_get(node, "of");
    if (of)
        shape->item = compile(schema, of);
    if (shape->kind == SHAPE_MAP) {
        const struct node *name = node_get(node, "name");
        struct shape *key = arena_alloc(schema->arena, sizeof(*key));

        *key = (struct shape){.kind = SHAPE_KEY, .expression = "", .by = "", .capability = ""};
        shape->name = name ? compile(schema, name) : key;
    }
    BUG_ON((shape->kind == SHAPE_LIST || shape->kind == SHAPE_MAP) && !shape->item);
    compile_limits(node, shape);
    compile_parts(schema, node, shape);
    return shape;
}

/* A map of the keys of `own`, before them those of `common`, before them `by` (each may be NULL). */
static const struct shape *keys_shape(struct schema *schema, const struct node *own, const struct node *common,
                                      const struct shape_key *by)
{
    size_t room = (own ? own->count : 0) + (common ? common->count : 0) + 1, used = 0;
    struct shape_key *keys = arena_alloc(schema->arena, room * sizeof(*keys));
    struct shape *shape = arena_alloc(schema->arena, sizeof(*shape));

    if (by)
        keys[used++] = *by;
    used = compile_keys(schema, own, keys, used);
    used = compile_keys(schema, common, keys, used);
    *shape = (struct shape){.kind = SHAPE_KEYS, .expression = "", .by = "", .capability = ""};
    shape->keys = keys;
    shape->key_count = used;
    return shape;
}

static const struct node *parse_embedded(struct schema *schema, const char *name)
{
    const struct embedded_file *file = embedded_named(name);
    struct problems problems;
    const struct node *node;

    BUG_ON(!file);
    problems_init(&problems, schema->arena);
    node = node_parse(schema->arena, file->name, file->text, file->size, &problems);
    BUG_ON(!node || problems.errors > 0);
    problems_release(&problems);
    return node;
}

struct schema *schema_load(struct arena *arena, enum schema_kind kind)
{
    static const char *const files[] = {
        [SCHEMA_BERTH] = "src/config/schema/berth.yaml",
        [SCHEMA_TEMPLATE] = "src/config/schema/template.yaml",
        [SCHEMA_HOST] = "src/config/schema/host.yaml",
    };
    struct schema *schema = arena_alloc(arena, sizeof(*schema));

    schema->arena = arena;
    schema->shared = parse_embedded(schema, "src/config/schema/capabilities.yaml");
    schema->paths = parse_embedded(schema, "src/config/schema/paths.yaml");
    schema->file = parse_embedded(schema, files[kind]);
    schema->root = keys_shape(schema, node_get(schema->file, "keys"), NULL, NULL);
    return schema;
}

const struct shape *schema_root(const struct schema *schema)
{
    return schema->root;
}

const char *schema_title(const struct schema *schema)
{
    return text_of(schema->file, "title", "");
}

/* The folder of src/provider/NAME/schema.yaml as a name, or NULL. */
static const char *provider_of(struct schema *schema, const struct embedded_file *file)
{
    static const char prefix[] = "src/provider/", suffix[] = "/schema.yaml";
    size_t length = strlen(file->name);

    if (!text_starts(file->name, prefix) || !text_ends(file->name, suffix))
        return NULL;
    return arena_strndup(schema->arena, file->name + sizeof(prefix) - 1,
                         length - (sizeof(prefix) - 1) - (sizeof(suffix) - 1));
}

/* A provider's file has its capabilities, and nothing else, as lines indented by two: no need to parse it to know them. */
static struct name_list providers_of(struct schema *schema, const char *capability)
{
    size_t count, used = 0;
    const struct embedded_file *files = embedded_files(&count);
    const char **names = arena_alloc(schema->arena, count * sizeof(*names));
    const char *mark = arena_printf(schema->arena, "\n  %s:", capability);

    for (size_t i = 0; i < count; i++) {
        const char *provider = strstr(files[i].text, mark) ? provider_of(schema, &files[i]) : NULL;

        if (provider)
            names[used++] = provider;
    }
    return (struct name_list){names, used};
}

static struct cached_capability *find_capability(struct schema *schema, const char *name)
{
    const struct node *node = node_get(node_get(schema->shared, "capabilities"), name);
    struct cached_capability *found;

    for (found = schema->capabilities; found; found = found->next) {
        if (text_equal(found->capability.name, name))
            return found;
    }
    if (!node)
        return NULL;
    found = arena_alloc(schema->arena, sizeof(*found));
    found->capability.name = arena_strdup(schema->arena, name);
    found->capability.by = text_of(node, "by", "");
    found->capability.providers = providers_of(schema, name);
    found->node = node;
    found->next = schema->capabilities;
    schema->capabilities = found;
    return found;
}

const struct capability *schema_capability(struct schema *schema, const char *name)
{
    struct cached_capability *found = find_capability(schema, name);

    return found ? &found->capability : NULL;
}

struct name_list schema_capabilities(const struct schema *schema)
{
    const struct node *map = node_get(schema->shared, "capabilities");
    const char **names = arena_alloc(schema->arena, (map->count + 1) * sizeof(*names));

    for (size_t i = 0; i < map->count; i++)
        names[i] = map->pairs[i].key->text;
    return (struct name_list){names, map->count};
}

static bool has_name(const struct name_list *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (text_equal(names->items[i], name))
            return true;
    }
    return false;
}

const struct provider_section *schema_section(struct schema *schema, const char *capability, const char *provider)
{
    struct cached_capability *common = find_capability(schema, capability);
    struct cached_section *found;
    const struct node *file, *own;
    struct shape_key by;
    struct shape *names;

    if (!common || !has_name(&common->capability.providers, provider))
        return NULL;
    for (found = schema->sections; found; found = found->next) {
        if (text_equal(found->capability, capability) && text_equal(found->section.provider, provider))
            return &found->section;
    }
    file = parse_embedded(schema, arena_printf(schema->arena, "src/provider/%s/schema.yaml", provider));
    own = node_get(node_get(file, "capabilities"), capability);
    BUG_ON(!own);
    names = arena_alloc(schema->arena, sizeof(*names));
    *names = (struct shape){.kind = SHAPE_ENUM, .expression = "", .by = "", .capability = ""};
    names->words = common->capability.providers;
    by = (struct shape_key){common->capability.by, names, true, "", "Which provider it is of."};
    found = arena_alloc(schema->arena, sizeof(*found));
    found->capability = common->capability.name;
    found->section.provider = arena_strdup(schema->arena, provider);
    found->section.doc = text_of(file, "doc", "");
    found->section.built = flag_of(own, "built");
    found->section.shape = keys_shape(schema, node_get(own, "keys"), node_get(common->node, "keys"),
                                      text_equal(by.name, "key") ? NULL : &by);
    found->next = schema->sections;
    schema->sections = found;
    return &found->section;
}

struct name_list schema_path_set(const struct schema *schema, const char *set)
{
    return names_of(schema->arena, node_get(node_get(schema->paths, "sets"), set));
}

struct name_list schema_path_members(const struct schema *schema, const char *root)
{
    return names_of(schema->arena, node_get(node_get(schema->paths, "roots"), root));
}

static const char *with_limits(struct schema *schema, const struct shape *shape, const char *what)
{
    if (shape->has_min && shape->has_max)
        return arena_printf(schema->arena, "%s from %lld to %lld", what, (long long)shape->min, (long long)shape->max);
    if (shape->has_min)
        return arena_printf(schema->arena, "%s of at least %lld", what, (long long)shape->min);
    return what;
}

static const char *one_of_names(struct schema *schema, const struct name_list *names)
{
    const char *text = "";

    for (size_t i = 0; i < names->count; i++)
        text = arena_printf(schema->arena, "%s%s%s", text,
                            i == 0                  ? ""
                            : i + 1 == names->count ? " or "
                                                    : ", ",
                            names->items[i]);
    return text;
}

static const char *expected_reference(struct schema *schema, const struct shape *shape)
{
    const char *text = one_of_names(schema, &shape->words);

    if (shape->to.count > 0)
        text = arena_printf(schema->arena, "%s%sa name in %s", text, *text ? " or " : "",
                            one_of_names(schema, &shape->to));
    for (size_t i = 0; i < shape->prefix_count; i++)
        text = arena_printf(schema->arena, "%s or %s:NAME", text, shape->prefixes[i].prefix);
    return text;
}

const char *shape_expected(struct schema *schema, const struct shape *shape)
{
    static const char *const plain[SHAPE_KIND_COUNT] = {
        [SHAPE_TEXT] = "text",
        [SHAPE_NAME] = "a name of letters, digits, _ and -",
        [SHAPE_KEY] = "a key of one line that does not begin with $",
        [SHAPE_VARIABLE] = "the name of an environment variable",
        [SHAPE_VERSION] = "a version such as 3 or 1.9.8",
        [SHAPE_PATH] = "a path inside the repository",
        [SHAPE_URL] = "a URL such as https://example.org/",
        [SHAPE_EMAIL] = "an e-mail address",
        [SHAPE_HOST_PORT] = "HOST:PORT",
        [SHAPE_GLOB] = "a pattern",
        [SHAPE_BRANCH_GLOB] = "a branch pattern",
        [SHAPE_REGEX] = "a regular expression",
        [SHAPE_DURATION] = "a duration such as 90s, 10m, 8h or 2d",
        [SHAPE_INSTANT] = "an instant such as 2026-12-01T00:00 Europe/Lisbon",
        [SHAPE_CRON] = "a schedule such as \"0 3 * * * Europe/Berlin\"",
        [SHAPE_WINDOW] = "a window such as \"Mon-Fri 09:00-16:00 Europe/Berlin\"",
        [SHAPE_SHARE] = "a share such as 20%",
        [SHAPE_BOOL] = "true or false",
        [SHAPE_CONDITION] = "true, false or one ${{ }}",
        [SHAPE_SCALAR] = "text, a number, true or false",
        [SHAPE_ANY] = "a value",
        [SHAPE_LIST] = "a list",
        [SHAPE_MAP] = "a map",
        [SHAPE_KEYS] = "a map",
        [SHAPE_SECTION] = "a map",
    };
    const char *text = "";

    if (shape->kind == SHAPE_INT)
        return with_limits(schema, shape, "a whole number");
    if (shape->kind == SHAPE_NUMBER)
        return with_limits(schema, shape, "a number");
    if (shape->kind == SHAPE_ENUM)
        return one_of_names(schema, &shape->words);
    if (shape->kind == SHAPE_REF)
        return expected_reference(schema, shape);
    for (size_t i = 0; shape->kind == SHAPE_ONE_OF && i < shape->shape_count; i++)
        text = arena_printf(schema->arena, "%s%s%s", text, i ? " or " : "", shape_expected(schema, shape->shapes[i]));
    return shape->kind == SHAPE_ONE_OF ? text : plain[shape->kind];
}
