/* SPDX-License-Identifier: ISC */
/* Scopes, and the expansion of ${{ }} in scalars and trees. */
#include "berth/config/expand.h"
#include "config/check.h"
#include "config/expression.h"
#include "config/scalar.h"
#include "config/wants.h"

#include "berth/base/str.h"

#include <jansson.h>
#include <stdlib.h>

#define EXPAND_LIMIT_BYTES (1u << 20) /* of one expanded text */

struct value {
    enum node_kind kind;
    const char *text;
};
struct scope {
    struct arena arena;
    struct map values;
};

/* One scalar being expanded. */
struct work {
    const struct scope *scope;
    const char *file;
    const struct node *node;
    enum expand_mode mode;
    struct problems *problems;
};

struct scope *scope_new(void)
{
    return mem_zero(1, sizeof(struct scope));
}

void scope_free(struct scope *scope)
{
    if (!scope)
        return;
    map_release(&scope->values);
    arena_release(&scope->arena);
    free(scope);
}

void scope_set_typed(struct scope *scope, const char *path, const char *value, enum node_kind kind)
{
    struct value *entry = arena_alloc(&scope->arena, sizeof(*entry));

    entry->kind = kind;
    entry->text = arena_strdup(&scope->arena, value);
    map_set(&scope->values, path, entry);
}

void scope_set(struct scope *scope, const char *path, const char *value)
{
    scope_set_typed(scope, path, value, NODE_TEXT);
}

struct scope *scope_copy(const struct scope *scope)
{
    struct scope *copy = scope_new();
    size_t at = 0;
    const char *key;
    void *value;

    while (map_next(&scope->values, &at, &key, &value))
        scope_set_typed(copy, key, ((const struct value *)value)->text, ((const struct value *)value)->kind);
    return copy;
}

bool scope_next(const struct scope *scope, size_t *at, const char **path)
{
    void *value;

    return map_next(&scope->values, at, path, &value);
}

const char *scope_get(const struct scope *scope, const char *path)
{
    const struct value *value = map_get(&scope->values, path);

    return value ? value->text : NULL;
}

static bool is_late_path(const char *path)
{
    return text_starts(path, "resource.") || text_starts(path, "secret.");
}

static bool fail(const struct work *work, const char *hint, const char *format, const char *path)
{
    char message[400];

    snprintf(message, sizeof(message), "${{ %.200s }}: %s", path, format);
    return problem_add(work->problems, PROBLEM_ERROR, work->file, work->node->line, work->node->column, hint, "%s",
                       message);
}

static bool unknown_path(const struct work *work, const char *path)
{
    struct arena arena = {0};
    VEC(const char *) names = {0};
    struct name_list list;
    size_t at = 0;
    const char *key;
    void *value;

    while (names.count < 1000 && map_next(&work->scope->values, &at, &key, &value))
        vec_push(&names, key);
    list = (struct name_list){names.items, names.count};
    fail(work, did_you_mean(&arena, path, &list), "it has no value here", path);
    vec_release(&names);
    arena_release(&arena);
    return false;
}

static bool is_true(const char *text)
{
    return *text && !text_equal(text, "false") && !text_equal(text, "0");
}

static bool evaluate(const struct work *work, const struct term *term, struct value *out);

static bool evaluate_pair(const struct work *work, const struct term *term, struct value *out)
{
    struct value left, right;
    bool yes;

    if (!evaluate(work, term->left, &left))
        return false;
    if (term->kind == TERM_NOT) {
        yes = !is_true(left.text);
    } else if (term->kind == TERM_AND && !is_true(left.text)) {
        yes = false;
    } else if (term->kind == TERM_OR && is_true(left.text)) {
        yes = true;
    } else if (!evaluate(work, term->right, &right)) {
        return false;
    } else if (term->kind == TERM_EQUAL || term->kind == TERM_UNEQUAL) {
        yes = text_equal(left.text, right.text) == (term->kind == TERM_EQUAL);
    } else {
        yes = is_true(right.text);
    }
    *out = (struct value){NODE_BOOL, yes ? "true" : "false"};
    return true;
}

static bool evaluate(const struct work *work, const struct term *term, struct value *out)
{
    const struct value *found;

    switch (term->kind) {
    case TERM_LITERAL: *out = (struct value){NODE_TEXT, term->text}; return true;
    case TERM_NUMBER: *out = (struct value){NODE_TEXT, term->text}; return true;
    case TERM_BOOL: *out = (struct value){NODE_BOOL, term->text}; return true;
    case TERM_PATH:
        found = map_get(&work->scope->values, term->text);
        if (found)
            *out = *found;
        else if (work->mode == EXPAND_EARLY && is_late_path(term->text))
            return fail(work, "it is known only when the step runs", "it can be inserted, not compared", term->text);
        return found ? true : unknown_path(work, term->text);
    case TERM_NOT:
    case TERM_EQUAL:
    case TERM_UNEQUAL:
    case TERM_AND:
    case TERM_OR: break;
    }
    return evaluate_pair(work, term, out);
}

static struct expression *parse(const struct work *work, struct arena *arena)
{
    struct error error = {0};
    struct expression *expression = expression_parse(arena, work->node->text, &error);

    if (!expression)
        problem_add(work->problems, PROBLEM_ERROR, work->file, work->node->line, work->node->column, error.hint, "%s",
                    error.message);
    return expression;
}

static bool expand_pieces(const struct work *work, const struct expression *expression, struct str *out)
{
    for (size_t i = 0; i < expression->count; i++) {
        struct value value;

        if (expression->pieces[i].text) {
            str_add(out, expression->pieces[i].text);
            continue;
        }
        if (!evaluate(work, expression->pieces[i].term, &value))
            return false;
        str_add(out, value.text);
        if (out->length > EXPAND_LIMIT_BYTES)
            return fail(work, "", "the text becomes longer than 1 MB", "…");
    }
    return true;
}

bool expand_text(const struct scope *scope, const char *file, const struct node *scalar, struct str *out,
                 struct problems *problems)
{
    struct work work = {scope, file, scalar, EXPAND_ALL, problems};
    struct arena arena = {0};
    struct expression *expression;
    bool fine;

    if (!is_scalar(scalar))
        return problem_add(problems, PROBLEM_ERROR, file, scalar->line, scalar->column, "", "expected text, found a %s",
                           node_kind_name(scalar->kind));
    expression = parse(&work, &arena);
    fine = expression && expand_pieces(&work, expression, out);
    arena_release(&arena);
    return fine;
}

bool expand_condition(const struct scope *scope, const char *file, const struct node *scalar, bool *yes,
                      struct problems *problems)
{
    struct str text = STR_INIT;
    bool fine = expand_text(scope, file, scalar, &text, problems);

    *yes = fine && is_true(text.data);
    str_release(&text);
    return fine;
}

static json_t *typed_json(enum node_kind kind, const char *text)
{
    long long number;

    if (kind == NODE_BOOL)
        return json_boolean(text_equal(text, "true"));
    if (kind == NODE_INT && text_to_int(text, &number))
        return json_integer(number);
    if (kind == NODE_FLOAT)
        return json_real(strtod(text, NULL));
    return json_string(text);
}

/* {"$parts": [...]} of a scalar that names resource.* or secret.*; NULL after a problem. */
static json_t *make_parts(const struct work *work, const struct expression *expression)
{
    json_t *parts = json_array();
    struct str run = STR_INIT;
    bool fine = true;

    for (size_t i = 0; fine && i < expression->count; i++) {
        const struct piece *piece = &expression->pieces[i];
        struct value value;

        if (piece->text) {
            str_add(&run, piece->text);
        } else if (piece->term->kind == TERM_PATH && is_late_path(piece->term->text)) {
            if (run.length > 0)
                json_array_append_new(parts, json_stringn(run.data, run.length));
            str_clear(&run);
            json_array_append_new(parts, json_pack("{s:s}", "path", piece->term->text));
        } else if ((fine = evaluate(work, piece->term, &value))) {
            str_add(&run, value.text);
        }
    }
    if (run.length > 0)
        json_array_append_new(parts, json_stringn(run.data, run.length));
    str_release(&run);
    if (!fine) {
        json_decref(parts);
        return NULL;
    }
    return json_pack("{s:o}", "$parts", parts);
}

static void note_late(const char *path, void *context)
{
    bool *late = context;

    *late = *late || is_late_path(path);
}

static json_t *expand_scalar(const struct work *work)
{
    const struct node *node = work->node;
    struct arena arena = {0};
    struct expression *expression;
    struct str text = STR_INIT;
    struct value value;
    json_t *json = NULL;
    bool late = false;
    size_t before = work->problems->errors;

    if (node->kind != NODE_TEXT || !text_has_expression(node->text))
        return node->kind == NODE_NULL   ? json_null()
               : node->kind == NODE_BOOL ? json_boolean(node->number)
               : node->kind == NODE_INT  ? json_integer(node->number)
                                         : typed_json(node->kind, node->text);
    expression = parse(work, &arena);
    if (expression && work->mode == EXPAND_EARLY)
        expression_paths(expression, note_late, &late);
    if (expression && late) {
        json = make_parts(work, expression);
    } else if (expression && expression_whole(expression)) {
        if (evaluate(work, expression_whole(expression), &value))
            json = typed_json(value.kind, value.text);
    } else if (expression && expand_pieces(work, expression, &text)) {
        json = json_stringn(text.data, text.length);
    }
    if (!json && work->problems->errors == before)
        fail(work, "", "the text is not valid UTF-8", "…");
    str_release(&text);
    arena_release(&arena);
    return json;
}

static json_t *expand_node(const struct work *work);

static json_t *expand_map(const struct work *work)
{
    json_t *json = json_object();

    for (size_t i = 0; i < work->node->count; i++) {
        const struct node_pair *pair = &work->node->pairs[i];
        struct work inner = *work;
        json_t *value;

        inner.node = pair->key;
        if (pair->key->text[0] == '$') {
            json_decref(json);
            fail(&inner, "", "a key does not begin with $", pair->key->text);
            return NULL;
        }
        inner.node = pair->value;
        value = expand_node(&inner);
        if (!value || json_object_set_new(json, pair->key->text, value) != 0) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

static json_t *expand_list(const struct work *work)
{
    json_t *json = json_array();

    for (size_t i = 0; i < work->node->count; i++) {
        struct work inner = *work;
        json_t *value;

        inner.node = work->node->items[i];
        value = expand_node(&inner);
        if (!value) {
            json_decref(json);
            return NULL;
        }
        json_array_append_new(json, value);
    }
    return json;
}

static json_t *expand_node(const struct work *work)
{
    if (work->node->kind == NODE_MAP)
        return expand_map(work);
    if (work->node->kind == NODE_LIST)
        return expand_list(work);
    return expand_scalar(work);
}

struct json_t *expand_tree(const struct scope *scope, const char *file, const struct node *node, enum expand_mode mode,
                           struct problems *problems)
{
    struct work work = {scope, file, node, mode, problems};

    return expand_node(&work);
}

const char *expand_output_key(const char *path, struct str *address)
{
    static const char begin[] = "resource.", middle[] = ".outputs.";
    const char *name = path + sizeof begin - 1, *end;

    str_clear(address);
    if (!text_starts(path, begin) || !(end = strstr(name, middle)) || end == name || end[sizeof middle - 1] == '\0')
        return NULL;
    str_add_bytes(address, name, (size_t)(end - name));
    return end + sizeof middle - 1;
}
