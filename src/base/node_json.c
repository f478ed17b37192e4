/* SPDX-License-Identifier: ISC */
/* Trees of nodes as canonical JSON: sorted keys, no blanks, numbers in one form. */
#include "berth/base/node.h"

#include "berth/base/str.h"
#include "berth/base/text.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_pairs(const void *a, const void *b)
{
    const struct node_pair *left = a, *right = b;
    return strcmp(left->key->text, right->key->text);
}

static void quote(const char *text, struct str *out)
{
    text_json_quote(out, text, strlen(text));
}

/* The shortest digits that give the number back; what JSON cannot say (.inf, .nan) stays text. */
static void add_float(const char *text, struct str *out)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0), before;
    BUG_ON(plain == (locale_t)0);
    before = uselocale(plain);
    double number = strpbrk(text, "0123456789") ? strtod(text, NULL) : NAN;
    if (!isfinite(number)) {
        quote(text, out);
    } else {
        number += 0.0; /* -0 would come back as the whole number 0 */
        char digits[40];
        for (int precision = 15; precision <= 17; precision++) {
            snprintf(digits, sizeof digits, "%.*g", precision, number);
            if (strtod(digits, NULL) == number)
                break;
        }
        str_add(out, digits);
    }
    uselocale(before);
    freelocale(plain);
}

static void add_map(const struct node *node, struct str *out)
{
    struct node_pair *sorted = mem_copy(node->pairs, node->count * sizeof *sorted);
    qsort(sorted, node->count, sizeof *sorted, compare_pairs);
    str_add_char(out, '{');
    for (size_t i = 0; i < node->count; i++) {
        if (i)
            str_add_char(out, ',');
        quote(sorted[i].key->text, out);
        str_add_char(out, ':');
        node_to_json(sorted[i].value, out);
    }
    str_add_char(out, '}');
    free(sorted);
}

static void add_list(const struct node *node, struct str *out)
{
    str_add_char(out, '[');
    for (size_t i = 0; i < node->count; i++) {
        if (i)
            str_add_char(out, ',');
        node_to_json(node->items[i], out);
    }
    str_add_char(out, ']');
}

/* Calls itself at most NODE_LIMIT_DEPTH deep. */
void node_to_json(const struct node *node, struct str *out)
{
    switch (node->kind) {
    case NODE_NULL: str_add(out, "null"); break;
    case NODE_BOOL: str_add(out, node->number ? "true" : "false"); break;
    case NODE_INT: str_addf(out, "%lld", (long long)node->number); break;
    case NODE_FLOAT: add_float(node->text, out); break;
    case NODE_TEXT: quote(node->text, out); break;
    case NODE_LIST: add_list(node, out); break;
    case NODE_MAP: add_map(node, out); break;
    }
}
