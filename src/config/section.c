/* SPDX-License-Identifier: ISC */
/* The names of a file's sections, and the provider of one section. */
#include "config/section.h"
#include "config/scalar.h"

#include "berth/base/str.h"

static void add_name(struct name_section *section, const char *name)
{
    if (!map_set(&section->names, name, section))
        vec_push(&section->order, name);
}

static void fill_section(struct name_section *section, const struct node *node)
{
    for (size_t i = 0; node && node->kind == NODE_MAP && i < node->count; i++)
        add_name(section, node->pairs[i].key->text);
    for (size_t i = 0; node && node->kind == NODE_LIST && i < node->count; i++) {
        const struct node *name = node_get(node->items[i], "name");

        if (name && is_scalar(name))
            add_name(section, name->text);
    }
}

void name_index_fill(struct name_index *index, const struct schema *schema, const struct node *root)
{
    static const char *const sections[] = {"repositories", "people",  "groups",     "targets",      "runners",
                                           "queues",       "secrets", "registries", "environments", "resources"};
    const struct shape *shape = schema_root(schema);
    const bool required = node_get(root, "requires") != NULL; /* then names may be of other templates */

    *index = (struct name_index){0};
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        for (size_t k = 0; k < shape->key_count; k++) {
            if (!text_equal(shape->keys[k].name, sections[i]))
                continue;
            if (required && (text_equal(sections[i], "resources") || text_equal(sections[i], "groups")))
                continue;
            index->sections[index->count].section = sections[i];
            fill_section(&index->sections[index->count++], node_get(root, sections[i]));
        }
    }
}

void name_index_release(struct name_index *index)
{
    for (size_t i = 0; i < index->count; i++) {
        map_release(&index->sections[i].names);
        vec_release(&index->sections[i].order);
    }
}

static const struct name_section *find(const struct name_index *index, const char *section)
{
    for (size_t i = 0; i < index->count; i++) {
        if (text_equal(index->sections[i].section, section))
            return &index->sections[i];
    }
    return NULL;
}

bool name_index_has(const struct name_index *index, const char *section, const char *name)
{
    const struct name_section *found = find(index, section);

    return found ? map_get(&found->names, name) != NULL : name_fits(name);
}

struct name_list name_index_near(const struct name_index *index, const char *section)
{
    const struct name_section *found = find(index, section);

    if (!found || found->order.count > NAME_INDEX_NEAR_LIMIT)
        return (struct name_list){0};
    return (struct name_list){found->order.items, found->order.count};
}

const struct node *section_discriminator(const struct capability *capability, const struct node *section)
{
    if (!text_equal(capability->by, "key"))
        return node_get(section, capability->by);
    for (size_t i = 0; section->kind == NODE_MAP && i < section->count; i++) {
        for (size_t p = 0; p < capability->providers.count; p++) {
            if (text_equal(section->pairs[i].key->text, capability->providers.items[p]))
                return section->pairs[i].key;
        }
    }
    return NULL;
}
