/* SPDX-License-Identifier: ISC */
/*
 * ${{ }}: replaced after the YAML is parsed, inside scalars only. A value can never add structure and is never expanded again.
 */
#ifndef BERTH_CONFIG_EXPAND_H
#define BERTH_CONFIG_EXPAND_H

#include "berth/config/types.h"

struct json_t;
struct str;
struct scope; /* names and values that paths may name */
struct scope *scope_new(void) BERTH_MUST_CHECK;
void scope_free(struct scope *scope);
/* "branch.slug" -> text; replaces. Values are data: never looked at for placeholders. */
void scope_set(struct scope *scope, const char *path, const char *value);
/* As scope_set for a value with a YAML type (NODE_INT, NODE_BOOL, NODE_FLOAT): a scalar that is only this path keeps it. */
void scope_set_typed(struct scope *scope, const char *path, const char *value, enum node_kind kind);
/* The value, or NULL. */
const char *scope_get(const struct scope *scope, const char *path);
enum expand_mode {
    EXPAND_ALL,   /* an unknown path is an error */
    EXPAND_EARLY, /* resource.* and secret.* stay as $parts (see result.h) */
};
/* Expands one scalar to text. Errors name the path and file:line. With EXPAND_ALL resource.* and secret.* must be in the scope. */
bool expand_text(const struct scope *scope, const char *file, const struct node *scalar, struct str *out,
                 struct problems *problems) BERTH_MUST_CHECK;
/* A `when:`: comparison or truth of a path. */
bool expand_condition(const struct scope *scope, const char *file, const struct node *scalar, bool *yes,
                      struct problems *problems) BERTH_MUST_CHECK;
/* A whole tree as JSON (new reference); scalars keep their YAML type when they hold no placeholder. NULL after problems. */
struct json_t *expand_tree(const struct scope *scope, const char *file, const struct node *node, enum expand_mode mode,
                           struct problems *problems) BERTH_MUST_CHECK;
/* In a worker: replaces each {"$parts": …} by text with what `resolve` gives for its paths. `resolve` appends the value, or false with its error. */
typedef bool expand_resolve(const char *path, struct str *value, void *context, struct error *error);
struct json_t *expand_parts(const struct json_t *tree, expand_resolve *resolve, void *context,
                            struct error *error) BERTH_MUST_CHECK;
/* Every path named by $parts below `tree` ("resource.db.outputs.url", "secret.env.HOOK"), each once. */
void expand_paths(const struct json_t *tree, void (*visit)(const char *path, void *context), void *context);
/* Of "resource.ADDRESS.outputs.KEY": the key, borrowed from the path, and the address as the whole text of `address`. NULL: it names no output. */
const char *expand_output_key(const char *path, struct str *address);

#endif
