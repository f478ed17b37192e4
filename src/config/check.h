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
    struct name_list unbuilt; /* filled: "terraform (executor)", each once */
    int unbuilt_line;         /* of the first */
};
/* Adds problems, and fills what this version does not have. */
void check_tree(struct check *check);
/* The one warning about providers that this version does not have: adds it, or adds the names to it where it is there. */
void warn_unbuilt(struct problems *problems, const char *file, int line, const struct name_list *names);
/* "did you mean "x"?" from the nearest of `names`, or "". In the arena. */
const char *did_you_mean(struct arena *arena, const char *word, const struct name_list *names);
/* "a, b or c"; long lists are cut. In the arena. */
const char *join_names(struct arena *arena, const struct name_list *names);

#endif
