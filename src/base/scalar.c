/* SPDX-License-Identifier: ISC */
/* Plain YAML scalars: null, booleans, numbers, else text. */
#include "base/scalar.h"

#include "berth/base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (text_equal(text, *words))
            return true;
    }
    return false;
}

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?, .inf and .nan */
static bool is_float(const char *text)
{
    static const char *const special[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL};
    bool sign = *text == '-' || *text == '+';
    if (is_one_of(text + sign, special))
        return !sign || tolower((unsigned char)text[2]) == 'i';
    text += sign;
    size_t whole = digits(text), part = 0;
    text += whole;
    if (*text == '.') {
        part = digits(text + 1);
        text += 1 + part;
    }
    if (!whole && !part)
        return false;
    if (*text == 'e' || *text == 'E') {
        text += 1 + (text[1] == '-' || text[1] == '+');
        size_t exponent = digits(text);
        if (!exponent)
            return false;
        text += exponent;
    }
    return !*text;
}

/* [-+]?[0-9]+, 0o[0-7]+, 0x[0-9a-fA-F]+ */
static bool is_int(const char *text, int *base)
{
    const char *allowed = "0123456789";
    *base = 10;
    if (text[0] == '0' && (text[1] == 'o' || text[1] == 'x')) {
        *base = text[1] == 'o' ? 8 : 16;
        allowed = text[1] == 'o' ? "01234567" : "0123456789abcdefABCDEF";
        text += 2;
    } else if (*text == '-' || *text == '+') {
        text++;
    }
    return *text && !text[strspn(text, allowed)];
}

void scalar_resolve(struct node *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    const char *text = node->text;
    int base;
    node->number = 0;
    if (is_one_of(text, nulls)) {
        node->kind = NODE_NULL;
    } else if (is_one_of(text, trues) || is_one_of(text, falses)) {
        node->kind = NODE_BOOL;
        node->number = is_one_of(text, trues);
    } else if (is_int(text, &base)) {
        errno = 0;
        node->number = strtoll(base == 10 ? text : text + 2, NULL, base);
        node->kind = errno ? NODE_FLOAT : NODE_INT;
        node->number = errno ? 0 : node->number;
    } else {
        node->kind = is_float(text) ? NODE_FLOAT : NODE_TEXT;
    }
}
