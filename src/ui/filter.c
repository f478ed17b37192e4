/* SPDX-License-Identifier: ISC */
/* Filters as typed: words, not-words, fields, alternatives. */
#include "ui/filter.h"

#include "berth/base/str.h"

#include <ctype.h>
#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

const char *text_find(const char *text, const char *word)
{
    size_t length = strlen(word);
    if (!length)
        return text;
    char first = lower(word[0]);
    for (; *text; text++) {
        size_t i = 1;
        if (lower(*text) != first)
            continue;
        while (i < length && lower(text[i]) == lower(word[i]))
            i++;
        if (i == length)
            return text;
    }
    return NULL;
}

static void add_term(struct filter *filter, char *word, bool starts_alternative)
{
    struct filter_term *term = &filter->terms[filter->count];
    *term = (struct filter_term){.field = "", .starts_alternative = starts_alternative};
    if (word[0] == '!' && word[1]) {
        term->is_not = true;
        word++;
    }
    char *colon = strchr(word, ':');
    bool named = colon && colon > word;
    for (const char *at = word; named && at < colon; at++)
        named = isalpha((unsigned char)*at) != 0;
    if (named) {
        *colon = '\0';
        term->field = word;
        word = colon + 1;
    }
    term->word = word;
    filter->count++;
}

void filter_set(struct filter *filter, const char *text)
{
    bool starts = true;
    char *rest = filter->words, *word;
    filter->count = 0;
    text_copy(filter->text, sizeof filter->text, text);
    text_copy(filter->words, sizeof filter->words, text);
    while ((word = strsep(&rest, " ")) && filter->count < FILTER_TERMS) {
        if (strcmp(word, "|") == 0) {
            starts = true;
        } else if (*word) {
            add_term(filter, word, starts);
            starts = false;
        }
    }
}

static bool term_fits(const struct filter_term *term, const void *row, filter_field *field, void *context)
{
    const char *text = field(row, term->field, context);
    if (!text) /* no such field: the colon belongs to a word that no row has */
        return term->is_not;
    return (text_find(text, term->word) != NULL) != term->is_not;
}

bool filter_fits(const struct filter *filter, const void *row, filter_field *field, void *context)
{
    bool fits = true;
    if (!filter->count)
        return true;
    for (size_t i = 0; i < filter->count; i++) {
        if (filter->terms[i].starts_alternative && i > 0) {
            if (fits)
                return true;
            fits = true;
        }
        fits = fits && term_fits(&filter->terms[i], row, field, context);
    }
    return fits;
}
