/* SPDX-License-Identifier: ISC */
/* What sections a file has: names that references may name, and which provider a section is of. */
#ifndef BERTH_CONFIG_SECTION_H
#define BERTH_CONFIG_SECTION_H

#include "config/schema.h"

#define NAME_INDEX_SECTIONS 16
#define NAME_INDEX_NEAR_LIMIT 500 /* with more names than this nothing near is looked for */

struct name_section {
    const char *section;
    struct map names;
    VEC(const char *) order;
};
struct name_index {
    struct name_section sections[NAME_INDEX_SECTIONS];
    size_t count;
};
/* Fills it with the names of every section that the schema's file can have. Release it. */
void name_index_fill(struct name_index *index, const struct schema *schema, const struct node *root);
void name_index_release(struct name_index *index);
/* A section of another file cannot be answered here: then any well-formed name is there. */
bool name_index_has(const struct name_index *index, const char *section, const char *name);
struct name_list name_index_near(const struct name_index *index, const char *section);

/* The node that says which provider a section is of: the value of the capability's key, or a probe's own key; NULL when none does. */
const struct node *section_discriminator(const struct capability *capability, const struct node *section);

#endif
