/* SPDX-License-Identifier: ISC */
/* Filters as typed: words, not-words, fields, regular expressions, times and numbers, alternatives. */
#include "ui/filter.h"

#include "berth/base/expression.h"
#include "berth/base/str.h"
#include "berth/base/time.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MATCH_STEPS 10000u /* of one match: a list of 100,000 rows is filtered between keys */

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

/* --- regular expressions ---------------------------------------------------------------------------------- */

static void say_trouble(const struct filter *filter, const char *before, const char *text)
{
    const size_t used = strlen(before);
    text_copy(filter->trouble, FILTER_TROUBLE, before);
    text_copy(filter->trouble + used, FILTER_TROUBLE - used, text);
}

/* "~expression~"; false where its end is not typed yet, or it is none. */
static bool read_pattern(struct filter *filter, struct filter_term *term, char *word)
{
    const size_t length = strlen(word);
    struct error error = {0};
    if (length < 3 || word[length - 1] != '~')
        return false;
    word[length - 1] = '\0';
    term->word = word + 1;
    term->pattern = expression_compile(term->word, length - 2, EXPRESSION_ANY_CASE, MATCH_STEPS, &error);
    if (!term->pattern)
        say_trouble(filter, "no expression: ", error.message);
    return term->pattern != NULL;
}

static bool pattern_fits_text(const struct filter *filter, const struct filter_term *term, const char *text)
{
    enum expression_match match = expression_match(term->pattern, text);
    if (match == EXPRESSION_GAVE_UP)
        say_trouble(filter, "the expression takes too long: ", "rows are left out");
    return match == EXPRESSION_FITS;
}

void filter_release(struct filter *filter)
{
    for (size_t i = 0; i < filter->count; i++)
        expression_free(filter->terms[i].pattern);
    filter->count = 0;
    free(filter->trouble);
    filter->trouble = NULL;
}

const char *filter_trouble(const struct filter *filter)
{
    return filter->trouble ? filter->trouble : "";
}

/* --- terms ------------------------------------------------------------------------------------------------ */

/* False: nothing to look for, as it is not typed to its end. */
static bool read_term(struct filter *filter, struct filter_term *term, char *word)
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
    if (!term->compare && *word == '~')
        return read_pattern(filter, term, word);
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
    if (!read_term(filter, term, word))
        return false;
    filter->count++;
    return true;
}

/* The next word of `*rest`: up to a blank, an expression up to the `~` that ends it. */
static char *next_word(char **rest)
{
    char *word = *rest, *end;
    size_t before = word ? strcspn(word, "~ ") : 0;
    bool is_pattern =
        word && word[before] == '~' && (!before || word[before - 1] == ':' || (before == 1 && *word == '!'));
    for (end = is_pattern ? strchr(word + before + 1, '~') : NULL; end && end[1] && end[1] != ' ';)
        end = strchr(end + 1, '~');
    if (!is_pattern)
        return strsep(rest, " ");
    *rest = end && end[1] ? end + 2 : NULL; /* without an end all of it is not typed to its end */
    if (end)
        end[1] = '\0';
    return word;
}

void filter_set(struct filter *filter, const char *text)
{
    bool starts = true;
    char *rest = filter->words, *word;
    filter_release(filter);
    filter->trouble = mem_zero(1, FILTER_TROUBLE);
    text_copy(filter->text, sizeof filter->text, text);
    text_copy(filter->words, sizeof filter->words, text);
    while ((word = next_word(&rest)) && filter->count < FILTER_TERMS) {
        if (strcmp(word, "|") == 0) {
            starts = true;
        } else if (*word && add_term(filter, word, starts)) {
            starts = false;
        }
    }
}

static bool is_in(const struct filter *filter, const struct filter_term *term, const char *text)
{
    return term->pattern ? pattern_fits_text(filter, term, text) : text_find(text, term->word) != NULL;
}

static bool term_fits(const struct filter *filter, const struct filter_term *term, const void *row, filter_field *field,
                      filter_number *number, void *context)
{
    int64_t value;
    if (term->compare) {
        bool known = number && number(row, term->field, context, &value);
        return known && (term->compare == '<' ? value < term->number : value > term->number) != term->is_not;
    }
    const char *text = field(row, term->field, context);
    if (!text) /* no such field: the colon belongs to a word that no row has */
        return term->is_not;
    return is_in(filter, term, text) != term->is_not;
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
        fits = fits && term_fits(filter, &filter->terms[i], row, field, number, context);
    }
    return fits;
}

bool filter_asks(const struct filter *filter, const char *field, const char *text)
{
    for (size_t i = 0; i < filter->count; i++) {
        const struct filter_term *term = &filter->terms[i];
        if (!term->is_not && text_equal(term->field, field) && is_in(filter, term, text))
            return true;
    }
    return false;
}
