/* SPDX-License-Identifier: ISC */
/* Parses ${{ }} into terms. */
#include "config/expression.h"

#include "berth/base/str.h"

#include <ctype.h>
#include <string.h>

struct parser {
    struct arena *arena;
    const char *at;
    int depth;
    size_t terms;
    struct error *error;
};

static const struct term *parse_or(struct parser *parser);

bool text_has_expression(const char *text)
{
    return strstr(text, "${{") != NULL;
}

static void skip_space(struct parser *parser)
{
    while (*parser->at == ' ' || *parser->at == '\t' || *parser->at == '\n' || *parser->at == '\r')
        parser->at++;
}

static bool take(struct parser *parser, const char *word)
{
    size_t length = strlen(word);

    skip_space(parser);
    if (strncmp(parser->at, word, length) != 0)
        return false;
    parser->at += length;
    return true;
}

static const struct term *expected(struct parser *parser, const char *what)
{
    char found[24];

    if (!*parser->at || strncmp(parser->at, "}}", 2) == 0)
        text_copy(found, sizeof(found), *parser->at ? "the end of ${{ }}" : "the end of the text");
    else
        text_copy(found, sizeof(found), parser->at);
    error_set(parser->error, ERROR_CONFIG, "in ${{ }}: expected %s, found %s", what, found);
    return NULL;
}

static struct term *new_term(struct parser *parser, enum term_kind kind, const char *text)
{
    struct term *term;

    if (++parser->terms > EXPRESSION_LIMIT_TERMS) {
        error_set(parser->error, ERROR_CONFIG, "more than %d terms of ${{ }} in one text", EXPRESSION_LIMIT_TERMS);
        return NULL;
    }
    term = arena_alloc(parser->arena, sizeof(*term));
    term->kind = kind;
    term->text = text;
    return term;
}

static const struct term *join(struct parser *parser, enum term_kind kind, const struct term *left,
                               const struct term *right)
{
    struct term *term = left && right ? new_term(parser, kind, "") : NULL;

    if (term) {
        term->left = left;
        term->right = right;
    }
    return term;
}

/* 'text' or "text"; the quote twice is the quote itself. */
static const struct term *parse_quoted(struct parser *parser)
{
    const char quote = *parser->at++;
    struct str text = STR_INIT;
    const struct term *term = NULL;

    while (*parser->at && (*parser->at != quote || parser->at[1] == quote)) {
        str_add_char(&text, *parser->at);
        parser->at += *parser->at == quote ? 2 : 1;
    }
    if (*parser->at == quote) {
        parser->at++;
        term = new_term(parser, TERM_LITERAL, arena_strdup(parser->arena, text.data));
    } else {
        expected(parser, quote == '\'' ? "the closing '" : "the closing \"");
    }
    str_release(&text);
    return term;
}

static bool is_path_byte(char byte)
{
    return isalnum((unsigned char)byte) || (byte && strchr("_-./:@+~[]", byte));
}

static const struct term *parse_word(struct parser *parser)
{
    const char *start = parser->at;
    const char *word;

    while (is_path_byte(*parser->at))
        parser->at++;
    word = arena_strndup(parser->arena, start, (size_t)(parser->at - start));
    if (text_equal(word, "true") || text_equal(word, "false"))
        return new_term(parser, TERM_BOOL, word);
    if (isdigit((unsigned char)word[0]) || (word[0] == '-' && isdigit((unsigned char)word[1]))) {
        if (strspn(word, "-0123456789.") != strlen(word)) {
            parser->at = start;
            return expected(parser, "a path, a number or a 'text'");
        }
        return new_term(parser, TERM_NUMBER, word);
    }
    if (!strchr(word, '.') || text_ends(word, ".") || strstr(word, "..")) {
        parser->at = start;
        return expected(parser, "a path such as env.slug");
    }
    return new_term(parser, TERM_PATH, word);
}

static const struct term *parse_nested(struct parser *parser)
{
    const struct term *inner;

    if (parser->depth >= EXPRESSION_LIMIT_DEPTH) {
        error_set(parser->error, ERROR_CONFIG, "${{ }} is nested deeper than %d", EXPRESSION_LIMIT_DEPTH);
        return NULL;
    }
    parser->depth++;
    inner = parse_or(parser);
    parser->depth--;
    if (inner && !take(parser, ")"))
        return expected(parser, ")");
    return inner;
}

static const struct term *parse_one(struct parser *parser)
{
    size_t inverted = 0;
    const struct term *term;

    skip_space(parser);
    while (*parser->at == '!' && parser->at[1] != '=') {
        parser->at++;
        inverted++;
        skip_space(parser);
    }
    if (take(parser, "("))
        term = parse_nested(parser);
    else if (*parser->at == '\'' || *parser->at == '"')
        term = parse_quoted(parser);
    else if (isalnum((unsigned char)*parser->at) || *parser->at == '-')
        term = parse_word(parser);
    else
        term = expected(parser, "a path, a number or a 'text'");
    if (term && inverted % 2 == 1) {
        struct term *not = new_term(parser, TERM_NOT, "");

        if (not )
            not ->left = term;
        term = not ;
    }
    return term;
}

static const struct term *parse_comparison(struct parser *parser)
{
    const struct term *left = parse_one(parser);

    if (left && take(parser, "=="))
        return join(parser, TERM_EQUAL, left, parse_one(parser));
    if (left && take(parser, "!="))
        return join(parser, TERM_UNEQUAL, left, parse_one(parser));
    return left;
}

static const struct term *parse_and(struct parser *parser)
{
    const struct term *left = parse_comparison(parser);

    while (left && take(parser, "&&"))
        left = join(parser, TERM_AND, left, parse_comparison(parser));
    return left;
}

static const struct term *parse_or(struct parser *parser)
{
    const struct term *left = parse_and(parser);

    while (left && take(parser, "||"))
        left = join(parser, TERM_OR, left, parse_and(parser));
    return left;
}

struct expression *expression_parse(struct arena *arena, const char *text, struct error *error)
{
    struct parser parser = {.arena = arena, .at = text, .error = error};
    struct expression *expression = arena_alloc(arena, sizeof(*expression));
    VEC(struct piece) pieces = {0};
    const char *open;
    bool fine = true;

    while (fine && (open = strstr(parser.at, "${{")) != NULL) {
        const struct term *term;

        if (open > parser.at)
            vec_push(&pieces, ((struct piece){.text = arena_strndup(arena, parser.at, (size_t)(open - parser.at))}));
        parser.at = open + 3;
        term = parse_or(&parser);
        fine = term && take(&parser, "}}");
        if (term && !fine)
            expected(&parser, "}} or an operator (==, !=, &&, ||)");
        vec_push(&pieces, ((struct piece){.term = term}));
    }
    if (*parser.at || pieces.count == 0)
        vec_push(&pieces, ((struct piece){.text = arena_strdup(arena, parser.at)}));
    expression->pieces = arena_copy(arena, pieces.items, pieces.count * sizeof(*pieces.items));
    expression->count = pieces.count;
    vec_release(&pieces);
    return fine ? expression : NULL;
}

const struct term *expression_whole(const struct expression *expression)
{
    return expression->count == 1 ? expression->pieces[0].term : NULL;
}

static void visit_term(const struct term *term, expression_visit *visit, void *context)
{
    if (!term)
        return;
    if (term->kind == TERM_PATH)
        visit(term->text, context);
    visit_term(term->left, visit, context);
    visit_term(term->right, visit, context);
}

void expression_paths(const struct expression *expression, expression_visit *visit, void *context)
{
    for (size_t i = 0; i < expression->count; i++)
        visit_term(expression->pieces[i].term, visit, context);
}

const char *path_root(const char *path, char *root, size_t size)
{
    size_t length = strcspn(path, ".");

    if (length >= size)
        length = size - 1;
    memcpy(root, path, length);
    root[length] = '\0';
    path += strcspn(path, ".");
    return *path ? path + 1 : path;
}
