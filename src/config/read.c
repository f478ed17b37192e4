/* SPDX-License-Identifier: ISC */
/* Reads values out of a checked tree. */
#include "config/read.h"

#include "berth/base/str.h"
#include "berth/base/time.h"

const char *read_text(const struct node *map, const char *key, const char *otherwise)
{
    const struct node *value = node_get(map, key);

    return value && value->kind != NODE_LIST && value->kind != NODE_MAP && value->kind != NODE_NULL ? value->text
                                                                                                    : otherwise;
}

int64_t read_int(const struct node *map, const char *key, int64_t otherwise)
{
    const struct node *value = node_get(map, key);

    return value && value->kind == NODE_INT ? value->number : otherwise;
}

bool read_bool(const struct node *map, const char *key)
{
    const struct node *value = node_get(map, key);

    return value && value->kind == NODE_BOOL && value->number != 0;
}

int64_t read_duration(const struct node *map, const char *key, int64_t otherwise)
{
    int64_t ms;

    return duration_parse(read_text(map, key, ""), &ms, NULL) ? ms : otherwise;
}

struct name_list read_names(struct arena *arena, const struct node *map, const char *key)
{
    const struct node *list = node_get(map, key);
    const char **items;
    size_t used = 0;

    if (!list || list->kind != NODE_LIST)
        return (struct name_list){0};
    items = arena_alloc(arena, (list->count + 1) * sizeof(*items));
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i]->kind != NODE_LIST && list->items[i]->kind != NODE_MAP)
            items[used++] = list->items[i]->text;
    }
    return (struct name_list){items, used};
}

struct config_input *read_fields(struct arena *arena, const struct node *map, const char *key, size_t *count)
{
    const struct node *fields = node_get(map, key);
    struct config_input *inputs;

    *count = fields && fields->kind == NODE_MAP ? fields->count : 0;
    inputs = arena_alloc(arena, (*count + 1) * sizeof(*inputs));
    for (size_t i = 0; i < *count; i++) {
        const struct node *field = fields->pairs[i].value;
        const struct node *min = node_get(field, "min"), *max = node_get(field, "max");

        inputs[i] = (struct config_input){
            .name = fields->pairs[i].key->text,
            .type = read_text(field, "type", "string"),
            .pattern = read_text(field, "pattern", ""),
            .preset = read_text(field, "default", ""),
            .has_preset = node_get(field, "default") != NULL,
            .min = min ? min->text : "",
            .max = max ? max->text : "",
            .repository = read_text(field, "repository", ""),
            .description = read_text(field, "description", ""),
            .required = read_bool(field, "required"),
            .values = read_names(arena, field, "enum"),
            .line = fields->pairs[i].key->line,
        };
    }
    return inputs;
}

bool names_have(const struct name_list *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (text_equal(names->items[i], name))
            return true;
    }
    return false;
}
