/* SPDX-License-Identifier: ISC */
/* Turns a checked template into a struct template. */
#include "config/check.h"
#include "config/expression.h"
#include "config/read.h"
#include "config/salvage.h"
#include "config/template.h"

#include "berth/base/str.h"

#include <stdlib.h>

static void read_retries(const struct node *node, struct template_resource *resource)
{
    const struct node *retries = node_get(node, "retries");

    resource->attempts = (int)read_int(retries, "attempts", 1);
    resource->backoff_ms = read_duration(retries, "backoff", 0);
    resource->repeatable = retries && retries->kind == NODE_MAP;
}

static void read_resources(struct template *template)
{
    struct arena *arena = &template->arena;
    const struct node *map = node_get(template->root, "resources");
    struct template_resource *items = arena_alloc(arena, (map->count + 1) * sizeof(*items));

    template->resources = items;
    template->resource_count = map->count;
    for (size_t i = 0; i < map->count; i++) {
        const struct node *node = map->pairs[i].value;

        items[i] = (struct template_resource){
            .name = map->pairs[i].key->text,
            .executor = read_text(node, "executor", ""),
            .group = read_text(node, "group", ""),
            .target = read_text(node, "target", ""),
            .runner = read_text(node, "runner", ""),
            .description = read_text(node, "description", ""),
            .contact = read_text(node, "contact", ""),
            .needs = read_names(arena, node, "needs"),
            .outputs = read_names(arena, node, "outputs"),
            .tags = read_names(arena, node, "tags"),
            .node = node,
            .timeout_ms = read_duration(node, "timeout", 0),
            .data = read_bool(node, "data"),
            .external = text_equal(read_text(node, "executor", ""), "external"),
            .line = map->pairs[i].key->line,
        };
        read_retries(node, &items[i]);
    }
}

const struct template_resource *template_resource_named(const struct template *template, const char *name)
{
    for (size_t i = 0; i < template->resource_count; i++) {
        if (text_equal(template->resources[i].name, name))
            return &template->resources[i];
    }
    return NULL;
}

static void read_all(struct template *template)
{
    struct arena *arena = &template->arena;

    template->name = read_text(template->root, "template", "");
    template->version = read_text(template->root, "version", "");
    template->description = read_text(template->root, "description", "");
    template->tags = read_names(arena, template->root, "tags");
    template->requires = read_names(arena, template->root, "requires");
    template->parameters = read_fields(arena, template->root, "parameters", &template->parameter_count);
    read_resources(template);
}

/* What lies behind the errors of a file: told with them. The template is thrown away afterwards. */
static void check_behind(struct template *template, const struct check *check, size_t first)
{
    static const char *const keys[SALVAGE_KEYS] = {"template", "resources"};
    struct salvage salvage;

    if (salvage_begin(&salvage, check, first, keys)) {
        template->root = salvage.root;
        read_all(template);
        template_check(template, check->file, &salvage.found);
        template_check_order(template, check->file, &salvage.found);
        salvage_tell(&salvage);
    }
    salvage_release(&salvage);
}

struct template *template_load(const char *file, const char *text, size_t length, struct problems *problems)
{
    struct template *template = mem_zero(1, sizeof(*template));
    size_t before = problems->errors, first = problems->list.count;
    struct check check;

    arena_init(&template->arena);
    template->file = arena_strdup(&template->arena, file);
    template->root = node_parse(&template->arena, file, text, length, problems);
    if (template->root && problems->errors == before) {
        check = (struct check){.arena = &template->arena,
                               .schema = schema_load(&template->arena, SCHEMA_TEMPLATE),
                               .file = file,
                               .root = template->root,
                               .problems = problems};
        check_tree(&check);
        template->unbuilt = check.unbuilt;
        if (problems->errors == before) {
            read_all(template);
            template_check(template, file, problems);
            template_check_order(template, file, problems);
        } else {
            check_behind(template, &check, first);
        }
    }
    problems_sort(problems);
    if (problems->errors == before && template->root)
        return template;
    template_free(template);
    return NULL;
}

void template_free(struct template *template)
{
    if (!template)
        return;
    arena_release(&template->arena);
    free(template);
}
