/* SPDX-License-Identifier: ISC */
/*
 * ${{ }}: a scalar's text cut into literal pieces and expressions. An expression is a path, a literal, or these joined with
 * ==, !=, &&, ||, ! and parentheses. Parsed once, after the YAML; what a path stands for is never parsed.
 */
#ifndef BERTH_CONFIG_EXPRESSION_H
#define BERTH_CONFIG_EXPRESSION_H

#include "berth/base/memory.h"

#define EXPRESSION_LIMIT_DEPTH 32
#define EXPRESSION_LIMIT_TERMS 256 /* in one scalar */

enum term_kind {
    TERM_LITERAL,
    TERM_NUMBER,
    TERM_BOOL,
    TERM_PATH,
    TERM_NOT,
    TERM_EQUAL,
    TERM_UNEQUAL,
    TERM_AND,
    TERM_OR
};
struct term {
    enum term_kind kind;
    const char *text; /* of literals and paths */
    const struct term *left, *right;
};
struct piece {
    const char *text;        /* literal text, or NULL */
    const struct term *term; /* where text is NULL */
};
struct expression {
    const struct piece *pieces;
    size_t count;
};

bool text_has_expression(const char *text);
/* Everything in the arena. ERROR_CONFIG says what was expected. */
struct expression *expression_parse(struct arena *arena, const char *text, struct error *error) BERTH_MUST_CHECK;
/* The one term when the scalar is exactly one ${{ }}, else NULL. */
const struct term *expression_whole(const struct expression *expression);
/* Each path, in order; a path named twice is visited twice. */
typedef void expression_visit(const char *path, void *context);
void expression_paths(const struct expression *expression, expression_visit *visit, void *context);
/* The first segment of a path ("env") into `root`, which has `size` bytes; returns what follows the dot, or "". */
const char *path_root(const char *path, char *root, size_t size);

#endif
