/* SPDX-License-Identifier: ISC */
/* Regular expressions with a bound on the work that one match may do. */
#include "berth/base/expression.h"

#include "berth/base/memory.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define MATCH_KIB 1024u

struct expression {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *limits;
};

static pcre2_code *compile(const char *text, size_t length, unsigned flags, struct error *error)
{
    const uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C |
                             (flags & EXPRESSION_WHOLE ? PCRE2_ANCHORED | PCRE2_ENDANCHORED : 0u) |
                             (flags & EXPRESSION_ANY_CASE ? PCRE2_CASELESS : 0u);
    PCRE2_UCHAR message[128];
    PCRE2_SIZE offset;
    pcre2_code *code;
    int number;

    if (length > EXPRESSION_LIMIT) {
        error_set(error, ERROR_LIMIT, "the pattern is longer than %d bytes", EXPRESSION_LIMIT);
        return NULL;
    }
    code = pcre2_compile((PCRE2_SPTR)text, length, options, &number, &offset, NULL);
    if (code == NULL) {
        pcre2_get_error_message(number, message, sizeof message);
        error_set(error, ERROR_CONFIG, "%s at character %zu", (const char *)message, (size_t)offset + 1);
    }
    return code;
}

struct expression *expression_compile(const char *text, size_t length, unsigned flags, unsigned steps_most,
                                      struct error *error)
{
    pcre2_code *code = compile(text, length, flags, error);
    struct expression *expression;

    if (code == NULL)
        return NULL;
    expression = mem_zero(1, sizeof *expression);
    expression->code = code;
    expression->data = pcre2_match_data_create(1, NULL);
    expression->limits = pcre2_match_context_create(NULL);
    BUG_ON(!expression->data || !expression->limits);
    pcre2_set_match_limit(expression->limits, steps_most);
    pcre2_set_depth_limit(expression->limits, steps_most);
    pcre2_set_heap_limit(expression->limits, MATCH_KIB);
    return expression;
}

enum expression_match expression_match(struct expression *expression, const char *text)
{
    int found =
        pcre2_match(expression->code, (PCRE2_SPTR)text, strlen(text), 0, 0, expression->data, expression->limits);

    return found >= 0 ? EXPRESSION_FITS : found == PCRE2_ERROR_NOMATCH ? EXPRESSION_NO : EXPRESSION_GAVE_UP;
}

void expression_free(struct expression *expression)
{
    if (expression == NULL)
        return;
    pcre2_code_free(expression->code);
    pcre2_match_data_free(expression->data);
    pcre2_match_context_free(expression->limits);
    free(expression);
}
