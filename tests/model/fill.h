/* SPDX-License-Identifier: ISC */
/*
 * Rows with made-up values, for tests that treat all tables alike. The same seed gives the same rows.
 */
#ifndef TESTS_MODEL_FILL_H
#define TESTS_MODEL_FILL_H

#include "berth/model/record.h"

struct dice {
    uint64_t state;
};
uint64_t dice_roll(struct dice *dice, uint64_t sides);
/* Fills every column: awkward text (quotes, control bytes, bad UTF-8 unless `plain`), canonical JSON, any number. */
enum fill_text { FILL_PLAIN, FILL_ANY_BYTES };
void fill_row(struct dice *dice, const struct record_type *type, const char *id, enum fill_text text,
              struct arena *arena, void *row);
/* Fills one column anew. */
void fill_cell(struct dice *dice, const struct column *column, enum fill_text text, struct arena *arena, void *row);

#endif
