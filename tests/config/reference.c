/* SPDX-License-Identifier: ISC */
/* Writes the key reference from the schemas. */
#include "reference.h"

#include "config/schema.h"

#include "berth/base/memory.h"

#include <string.h>

struct writing {
    struct arena arena;
    struct schema *schema;
    struct str *out;
};

/* Text as roff: no line begins with a request, no backslash is one. */
static void add_roff(struct str *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        str_add(out, "\\&");
    for (; *text; text++) {
        if (*text == '\\')
            str_add(out, "\\e");
        else if (*text == '-')
            str_add(out, "\\-");
        else if (*text != '`')
            str_add_char(out, *text);
    }
}

static const char *kind_text(struct writing *writing, const struct shape *shape)
{
    if (shape->kind == SHAPE_LIST && shape->item->kind != SHAPE_KEYS && shape->item->kind != SHAPE_SECTION)
        return arena_printf(&writing->arena, "list of %s", kind_text(writing, shape->item));
    if (shape->kind == SHAPE_SECTION)
        return arena_printf(&writing->arena, "%s section", shape->capability);
    if (shape->kind == SHAPE_MAP && shape->item->kind != SHAPE_KEYS && shape->item->kind != SHAPE_SECTION)
        return arena_printf(&writing->arena, "map to %s", kind_text(writing, shape->item));
    return shape_expected(writing->schema, shape);
}

static void write_shape(struct writing *writing, const struct shape *shape, const char *path);

static void write_key(struct writing *writing, const struct shape_key *key, const char *prefix)
{
    const char *path = arena_printf(&writing->arena, "%s%s", prefix, key->name);

    str_add(writing->out, ".TP\n.B ");
    add_roff(writing->out, path);
    str_add(writing->out, "\n");
    add_roff(writing->out, key->doc);
    str_add(writing->out, "\n.br\n");
    add_roff(writing->out, arena_printf(&writing->arena, "(%s%s%s%s%s)", kind_text(writing, key->shape),
                                        key->required ? "; required" : "", *key->preset ? "; default " : "",
                                        key->preset, *key->shape->expression ? "; may hold ${{ }}" : ""));
    str_add(writing->out, "\n");
    write_shape(writing, key->shape, path);
}

static void write_keys(struct writing *writing, const struct shape *shape, const char *prefix)
{
    for (size_t i = 0; i < shape->key_count; i++)
        write_key(writing, &shape->keys[i], prefix);
}

/* What is below a key; sections are in the part about providers. */
static void write_shape(struct writing *writing, const struct shape *shape, const char *path)
{
    if (shape->kind == SHAPE_KEYS)
        write_keys(writing, shape, arena_printf(&writing->arena, "%s.", path));
    else if (shape->kind == SHAPE_LIST)
        write_shape(writing, shape->item, arena_printf(&writing->arena, "%s[]", path));
    else if (shape->kind == SHAPE_MAP)
        write_shape(writing, shape->item, arena_printf(&writing->arena, "%s.NAME", path));
    for (size_t i = 0; shape->kind == SHAPE_ONE_OF && i < shape->shape_count; i++)
        write_shape(writing, shape->shapes[i], path);
}

static void write_file(struct str *out, enum schema_kind kind, const char *heading)
{
    struct writing writing = {.out = out};

    writing.schema = schema_load(&writing.arena, kind);
    str_addf(out, ".SH %s\n", heading);
    write_keys(&writing, schema_root(writing.schema), "");
    arena_release(&writing.arena);
}

static bool has_key(const struct shape *common, const char *name)
{
    for (size_t i = 0; i < common->key_count; i++) {
        if (strcmp(common->keys[i].name, name) == 0)
            return true;
    }
    return false;
}

static void write_provider(struct writing *writing, const char *capability, const struct provider_section *section,
                           const struct shape *common)
{
    str_add(writing->out, ".SS ");
    add_roff(writing->out, arena_printf(&writing->arena, "%s (%s)%s", section->provider, capability,
                                        section->built ? "" : ", not in this version yet"));
    str_add(writing->out, "\n");
    add_roff(writing->out, section->doc);
    str_add(writing->out, "\n");
    for (size_t i = 0; i < section->shape->key_count; i++) {
        if (!has_key(common, section->shape->keys[i].name))
            write_key(writing, &section->shape->keys[i], "");
    }
}

/* The keys that every provider of a capability has. */
static const struct shape *common_keys(struct writing *writing, const struct capability *capability)
{
    const struct provider_section *first =
        schema_section(writing->schema, capability->name, capability->providers.items[0]);
    struct shape *common = arena_copy(&writing->arena, first->shape, sizeof(*common));
    struct shape_key *keys = arena_alloc(&writing->arena, (common->key_count + 1) * sizeof(*keys));
    size_t used = 0;

    for (size_t i = 0; i < first->shape->key_count; i++) {
        bool everywhere = true;

        for (size_t p = 0; p < capability->providers.count; p++)
            everywhere =
                everywhere &&
                has_key(schema_section(writing->schema, capability->name, capability->providers.items[p])->shape,
                        first->shape->keys[i].name);
        if (everywhere)
            keys[used++] = first->shape->keys[i];
    }
    common->keys = keys;
    common->key_count = used;
    return common;
}

void reference_manual(struct str *out)
{
    struct writing writing = {.out = out};
    struct name_list capabilities;

    write_file(out, SCHEMA_BERTH, "KEYS OF BERTH.YAML");
    write_file(out, SCHEMA_TEMPLATE, "KEYS OF A TEMPLATE");
    write_file(out, SCHEMA_HOST, "KEYS OF BERTHD.YAML");
    str_add(out, ".SH SECTIONS OF PROVIDERS\n");
    writing.schema = schema_load(&writing.arena, SCHEMA_TEMPLATE);
    capabilities = schema_capabilities(writing.schema);
    for (size_t i = 0; i < capabilities.count; i++) {
        const struct capability *capability = schema_capability(writing.schema, capabilities.items[i]);
        const struct shape *common = common_keys(&writing, capability);

        str_addf(out, ".SS every %s section\n", capability->name);
        write_keys(&writing, common, "");
        for (size_t p = 0; p < capability->providers.count; p++)
            write_provider(&writing, capability->name,
                           schema_section(writing.schema, capability->name, capability->providers.items[p]), common);
    }
    arena_release(&writing.arena);
}

void reference_providers(struct str *out)
{
    struct writing writing = {.out = out};
    struct name_list capabilities;

    writing.schema = schema_load(&writing.arena, SCHEMA_BERTH);
    capabilities = schema_capabilities(writing.schema);
    str_add(out, "| capability | provider | in this version | what it is |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < capabilities.count; i++) {
        const struct capability *capability = schema_capability(writing.schema, capabilities.items[i]);

        for (size_t p = 0; p < capability->providers.count; p++) {
            const struct provider_section *section =
                schema_section(writing.schema, capability->name, capability->providers.items[p]);

            str_addf(out, "| %s | `%s` | %s | %s |\n", capability->name, section->provider,
                     section->built ? "yes" : "checked only", section->doc);
        }
    }
    arena_release(&writing.arena);
}
