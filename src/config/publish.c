/* SPDX-License-Identifier: ISC */
/* The schemas as JSON Schema (draft 2020-12), for editors. */
#include "config/schema.h"

#include "berth/base/str.h"

#include <jansson.h>
#include <stdlib.h>

struct publishing {
    struct schema *schema;
    json_t *definitions;
};

static json_t *publish_shape(struct publishing *publishing, const struct shape *shape);

static json_t *typed(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

static json_t *patterned(const char *pattern)
{
    return json_pack("{s:s, s:s}", "type", "string", "pattern", pattern);
}

static json_t *publish_words(const struct name_list *words)
{
    json_t *json = json_object(), *list = json_array();

    for (size_t i = 0; i < words->count; i++)
        json_array_append_new(list, json_string(words->items[i]));
    json_object_set_new(json, "enum", list);
    return json;
}

static json_t *publish_number(const struct shape *shape, const char *type)
{
    json_t *json = typed(type);

    if (shape->has_min)
        json_object_set_new(json, "minimum", json_integer(shape->min));
    if (shape->has_max)
        json_object_set_new(json, "maximum", json_integer(shape->max));
    return json;
}

static json_t *publish_keys(struct publishing *publishing, const struct shape *shape)
{
    json_t *json = typed("object"), *properties = json_object(), *required = json_array();

    for (size_t i = 0; i < shape->key_count; i++) {
        const struct shape_key *key = &shape->keys[i];
        json_t *property = publish_shape(publishing, key->shape);

        if (*key->doc)
            json_object_set_new(property, "description", json_string(key->doc));
        if (*key->preset)
            json_object_set_new(property, "default", json_string(key->preset));
        json_object_set_new(properties, key->name, property);
        if (key->required)
            json_array_append_new(required, json_string(key->name));
    }
    json_object_set_new(json, "properties", properties);
    if (json_array_size(required) > 0)
        json_object_set(json, "required", required);
    json_decref(required);
    json_object_set_new(json, "additionalProperties", json_false());
    return json;
}

/* One definition a provider, told apart by its `provider` (or `executor`), a probe by its own key. */
static void define_section(struct publishing *publishing, const struct capability *capability, const char *provider,
                           const char *name)
{
    const struct provider_section *section = schema_section(publishing->schema, capability->name, provider);
    json_t *json, *by;

    json_object_set_new(publishing->definitions, name,
                        json_object()); /* first, so that it is not defined again within itself */
    json = publish_keys(publishing, section->shape);
    by = json_object_get(json_object_get(json, "properties"), capability->by);
    if (by) {
        json_object_del(by, "enum");
        json_object_set_new(by, "const", json_string(provider));
    }
    json_object_set_new(json, "description", json_string(section->doc));
    json_object_set_new(publishing->definitions, name, json);
}

static json_t *publish_section(struct publishing *publishing, const struct shape *shape)
{
    const struct capability *capability = schema_capability(publishing->schema, shape->capability);
    json_t *json = json_object(), *list = json_array();

    for (size_t i = 0; i < capability->providers.count; i++) {
        struct str name = STR_INIT, reference = STR_INIT;

        str_addf(&name, "%s.%s", capability->name, capability->providers.items[i]);
        str_addf(&reference, "#/$defs/%s", name.data);
        if (!json_object_get(publishing->definitions, name.data))
            define_section(publishing, capability, capability->providers.items[i], name.data);
        json_array_append_new(list, json_pack("{s:s}", "$ref", reference.data));
        str_release(&name);
        str_release(&reference);
    }
    json_object_set_new(json, "oneOf", list);
    return json;
}

static json_t *publish_list(struct publishing *publishing, const struct shape *shape)
{
    json_t *json = typed("array");

    json_object_set_new(json, "items", publish_shape(publishing, shape->item));
    if (shape->has_min)
        json_object_set_new(json, "minItems", json_integer(shape->min));
    if (shape->has_max)
        json_object_set_new(json, "maxItems", json_integer(shape->max));
    return json;
}

static json_t *publish_map(struct publishing *publishing, const struct shape *shape)
{
    json_t *json = typed("object");

    json_object_set_new(json, "propertyNames", publish_shape(publishing, shape->name));
    json_object_set_new(json, "additionalProperties", publish_shape(publishing, shape->item));
    if (shape->has_min)
        json_object_set_new(json, "minProperties", json_integer(shape->min));
    if (shape->has_max)
        json_object_set_new(json, "maxProperties", json_integer(shape->max));
    return json;
}

static json_t *publish_one_of(struct publishing *publishing, const struct shape *shape)
{
    json_t *json = json_object(), *list = json_array();

    for (size_t i = 0; i < shape->shape_count; i++)
        json_array_append_new(list, publish_shape(publishing, shape->shapes[i]));
    json_object_set_new(json, "anyOf", list);
    return json;
}

static json_t *publish_scalar(const struct shape *shape)
{
    static const char *const patterns[SHAPE_KIND_COUNT] = {
        [SHAPE_NAME] = "^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}$",
        [SHAPE_KEY] = "^[^$].{0,255}$",
        [SHAPE_VARIABLE] = "^[A-Za-z_][A-Za-z0-9_]*$",
        [SHAPE_URL] = "^([A-Za-z][A-Za-z0-9+.-]*://|.*\\$\\{\\{)",
        [SHAPE_EMAIL] = "^[^@ ]+@[^@ ]+$",
        [SHAPE_HOST_PORT] = ":",
        [SHAPE_DURATION] = "^([0-9]+(ms|s|m|h|d|w|y))+$",
        [SHAPE_SHARE] = "^[0-9]+%$",
    };

    if (shape->kind == SHAPE_ENUM)
        return publish_words(&shape->words);
    if (shape->kind == SHAPE_INT)
        return publish_number(shape, "integer");
    if (shape->kind == SHAPE_NUMBER)
        return publish_number(shape, "number");
    if (shape->kind == SHAPE_BOOL)
        return typed("boolean");
    if (shape->kind == SHAPE_CONDITION)
        return json_pack("{s:[s,s]}", "type", "boolean", "string");
    if (shape->kind == SHAPE_SCALAR)
        return json_pack("{s:[s,s,s]}", "type", "string", "number", "boolean");
    if (shape->kind == SHAPE_VERSION)
        return json_pack("{s:[s,s]}", "type", "string", "number");
    return patterns[shape->kind] ? patterned(patterns[shape->kind]) : typed("string");
}

static json_t *publish_shape(struct publishing *publishing, const struct shape *shape)
{
    json_t *json;

    if (shape->kind == SHAPE_LIST)
        return publish_list(publishing, shape);
    if (shape->kind == SHAPE_MAP)
        return publish_map(publishing, shape);
    if (shape->kind == SHAPE_KEYS)
        return publish_keys(publishing, shape);
    if (shape->kind == SHAPE_ONE_OF)
        return publish_one_of(publishing, shape);
    if (shape->kind == SHAPE_SECTION)
        return publish_section(publishing, shape);
    if (shape->kind == SHAPE_ANY)
        return json_object();
    json = publish_scalar(shape);
    if (*shape->expression && shape->kind != SHAPE_TEXT && shape->kind != SHAPE_URL && shape->kind != SHAPE_SCALAR &&
        shape->kind != SHAPE_CONDITION)
        json = json_pack("{s:[o, o]}", "anyOf", json, patterned("\\$\\{\\{"));
    return json;
}

void schema_publish(enum schema_kind kind, struct str *out)
{
    struct arena arena = {0};
    struct publishing publishing = {.schema = schema_load(&arena, kind), .definitions = json_object()};
    json_t *root = json_object(), *body = publish_keys(&publishing, schema_root(publishing.schema));
    char *text;

    json_object_set_new(root, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
    json_object_set_new(root, "title", json_string(schema_title(publishing.schema)));
    json_object_update(root, body);
    json_decref(body);
    if (json_object_size(publishing.definitions) > 0)
        json_object_set(root, "$defs", publishing.definitions);
    json_decref(publishing.definitions);
    text = json_dumps(root, JSON_INDENT(1));
    BUG_ON(!text);
    str_add(out, text);
    str_add_char(out, '\n');
    free(text);
    json_decref(root);
    arena_release(&arena);
}
