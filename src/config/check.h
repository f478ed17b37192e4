/* SPDX-License-Identifier: ISC */
/* Checks a tree against the schema: every key, every value, every reference that the file itself can answer; all errors, not the first. */
#ifndef BERTH_CONFIG_CHECK_H
#define BERTH_CONFIG_CHECK_H

#include "config/schema.h"

struct check {
    struct arena *arena;
    struct schema *schema;
    const char *file;
    const struct node *root;
    struct problems *problems;
};
/* Adds problems; also one warning that names all providers that this version does not have. */
void check_tree(struct check *check);
/* "did you mean "x"?" from the nearest of `names`, or "". In the arena. */
const char *did_you_mean(struct arena *arena, const char *word, const struct name_list *names);
/* "a, b or c"; long lists are cut. In the arena. */
const char *join_names(struct arena *arena, const struct name_list *names);

#endif
