/* SPDX-License-Identifier: ISC */
/* Filters as typed: words, not-words, fields, times and numbers, alternatives. */
#include "ui/filter.h"

#include "berth/base/str.h"
#include "berth/base/time.h"

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

/* "field" before `mark`, letters alone; the mark becomes its end. */
static bool is_field(char *word, char *mark)
{
    if (!mark || mark == word)
        return false;
    for (const char *at = word; at < mark; at++) {
        if (!isalpha((unsigned char)*at))
            return false;
    }
    *mark = '\0';
    return true;
}

/* False: nothing to look for, as it is not typed to its end. */
static bool read_term(struct filter_term *term, char *word)
{
    char *mark;
    long long number;
    if (word[0] == '!') {
        term->is_not = true;
        word++;
    }
    mark = strpbrk(word, ":<>");
    char compare = mark && *mark != ':' ? *mark : '\0';
    if (is_field(word, mark)) {
        term->field = word;
        term->compare = compare;
        word = mark + 1;
    }
    term->word = word;
    if (!term->compare)
        return *word != '\0';
    if (text_to_int(word, &number))
        term->number = number;
    else if (!duration_parse(word, &term->number, NULL))
        return false;
    return true;
}

static bool add_term(struct filter *filter, char *word, bool starts_alternative)
{
    struct filter_term *term = &filter->terms[filter->count];
    *term = (struct filter_term){.field = "", .starts_alternative = starts_alternative};
    if (!read_term(term, word))
        return false;
    filter->count++;
    return true;
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
        } else if (*word && add_term(filter, word, starts)) {
            starts = false;
        }
    }
}

static bool term_fits(const struct filter_term *term, const void *row, filter_field *field, filter_number *number,
                      void *context)
{
    int64_t value;
    if (term->compare) {
        bool known = number && number(row, term->field, context, &value);
        return known && (term->compare == '<' ? value < term->number : value > term->number) != term->is_not;
    }
    const char *text = field(row, term->field, context);
    if (!text) /* no such field: the colon belongs to a word that no row has */
        return term->is_not;
    return (text_find(text, term->word) != NULL) != term->is_not;
}

bool filter_fits(const struct filter *filter, const void *row, filter_field *field, filter_number *number,
                 void *context)
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
        fits = fits && term_fits(&filter->terms[i], row, field, number, context);
    }
    return fits;
}

bool filter_asks(const struct filter *filter, const char *field, const char *text)
{
    for (size_t i = 0; i < filter->count; i++) {
        const struct filter_term *term = &filter->terms[i];
        if (!term->is_not && text_equal(term->field, field) && text_find(text, term->word))
            return true;
    }
    return false;
}
