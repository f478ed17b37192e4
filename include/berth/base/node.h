/* SPDX-License-Identifier: ISC */
/*
 * YAML and JSON text as a tree whose every node knows its line and column, for configuration and for messages.
 *
 * Limits (NODE_LIMIT_*) are checked while reading: aliases are expanded by reference and counted, so an alias bomb is
 * refused, not built. Duplicate keys, merge keys (<<), tags other than the core schema's, and more than one document are errors
 * with their position. Anchors and aliases are allowed. Everything lives in the arena given.
 */
#ifndef BERTH_BASE_NODE_H
#define BERTH_BASE_NODE_H

#include "berth/base/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NODE_LIMIT_BYTES (16u << 20)
#define NODE_LIMIT_NODES 400000u /* counted with aliases expanded */
#define NODE_LIMIT_DEPTH 64

enum node_kind { NODE_NULL, NODE_BOOL, NODE_INT, NODE_FLOAT, NODE_TEXT, NODE_LIST, NODE_MAP };

struct node;
struct node_pair {
    struct node *key; /* always a scalar; its `text` is the key */
    struct node *value;
};
struct node {
    enum node_kind kind;
    int line, column;        /* from 1; where it begins in the file */
    const char *text;        /* scalars: as written (after unquoting), never NULL */
    bool quoted;             /* a quoted scalar is always NODE_TEXT */
    int64_t number;          /* NODE_INT; NODE_BOOL: 0 or 1 */
    struct node **items;     /* NODE_LIST */
    struct node_pair *pairs; /* NODE_MAP, in the order written */
    size_t count;
};

/* One error at a position; lists of them are what `berth check` prints. */
struct problem {
    const char *file;
    int line, column;
    bool warning;
    const char *message; /* what was found, what was expected */
    const char *hint;    /* or "" */
};
struct problems {
    struct arena *arena; /* where messages live; set by problems_init */
    VEC(struct problem) list;
    size_t errors, warnings; /* kept by problem_add; past PROBLEMS_LIMIT only counted */
};
#define PROBLEMS_LIMIT 1000
void problems_init(struct problems *problems, struct arena *arena);
void problems_release(struct problems *problems);
enum problem_kind { PROBLEM_ERROR, PROBLEM_WARNING };
/* Adds one; returns false. `file` is borrowed for the list's life. */
bool problem_add(struct problems *problems, enum problem_kind kind, const char *file, int line, int column,
                 const char *hint, const char *format, ...) BERTH_PRINTF(7, 8);
/* Sorts by file, line, column (stable). */
void problems_sort(struct problems *problems);
/* The first error as a struct error: "berth.yaml:12:3: …", and how many more. Returns false. */
bool problems_error(const struct problems *problems, struct error *error);

/* Reads YAML (JSON is a subset). NULL after adding problems. An empty document is a NODE_NULL. */
struct node *node_parse(struct arena *arena, const char *file, const char *text, size_t length,
                        struct problems *problems);
/* The value of a key, or NULL (also when `node` is NULL or no map). */
struct node *node_get(const struct node *node, const char *key);
/* "map", "text", "number" …, for messages: "expected a list, found text". */
const char *node_kind_name(enum node_kind kind);
/* The node as canonical JSON (sorted keys). Positions are lost. */
struct str;
void node_to_json(const struct node *node, struct str *out);

#endif
