/* SPDX-License-Identifier: ISC */
/*
 * A filter as typed after `/`: words that must all be in the row, whatever their case. `!word` must not be there, `field:word` looks in one
 * field, `~expression~` is a regular expression (in a field: `field:~expression~`; it may hold blanks), `field<2h` and `field>3` compare a time or a
 * number, `|` separates alternatives. What is not typed to its end yet hides nothing. What one match may cost is bounded: a row for which an
 * expression takes more is left out, and `trouble` says so, as it does of an expression that is none.
 */
#ifndef UI_FILTER_H
#define UI_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_TERMS 16
#define FILTER_BYTES 200
#define FILTER_TROUBLE 160
struct expression;
struct filter {              /* zeroed to begin with */
    char text[FILTER_BYTES]; /* as typed, at most this much of it counts */
    char words[FILTER_BYTES];
    struct filter_term {
        const char *field, *word; /* field "": any */
        char compare;             /* '<' or '>': the field's number is compared; 0: its text is searched */
        int64_t number;           /* to compare with; times in milliseconds */
        bool is_not, starts_alternative;
        struct expression *pattern; /* NULL: it is a word */
    } terms[FILTER_TERMS];
    size_t count;
    char *trouble; /* with its expressions: matching tells it too */
};
void filter_set(struct filter *filter, const char *text);
void filter_release(struct filter *filter);
/* What is wrong with its expressions, or "". */
const char *filter_trouble(const struct filter *filter);
/* The text of a field of the row, or NULL when there is no such field; `field` "" asks for the text that is searched when none is named. */
typedef const char *filter_field(const void *row, const char *field, void *context);
/* The number of a field of the row; false where the row has none. */
typedef bool filter_number(const void *row, const char *field, void *context, int64_t *number);
bool filter_fits(const struct filter *filter, const void *row, filter_field *field, filter_number *number,
                 void *context);
/* Whether it asks for rows whose field holds the text: what is left out of a list else is shown then. */
bool filter_asks(const struct filter *filter, const char *field, const char *text);
/* Where `word` is in `text` whatever its ASCII case, or NULL. */
const char *text_find(const char *text, const char *word);

#endif
