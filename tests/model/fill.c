/* SPDX-License-Identifier: ISC */
/* Rows with made-up values. */
#include "fill.h"

#include "berth/base/time.h"

uint64_t dice_roll(struct dice *dice, uint64_t sides)
{
    dice->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = dice->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % sides;
}

static const char *const plain_texts[] = {
    "",        "a",    "review/feature-x",   "it's \"quoted\"; DROP TABLE runs;--", "${{ secret.env.X }}",
    "größe 🚢", "%s%n", "one\ntwo\t\x1b[31m",
};
static const char *const rude_texts[] = {"\xff\xfe", "caf\xe9", "\xed\xa0\x80", "\xc2", "ok \xf0\x9f\x9a\xa2 \x80"};
static const char *const json_texts[] = {
    "", "{}", "[]", "{\"a\":1,\"b\":[true,null]}", "[\"x\",\"ü\"]", "\"text\"", "17", "{\"a\":{\"b\":{\"c\":\"d\"}}}",
};
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const char *any_text(struct dice *dice, enum fill_text text, struct arena *arena)
{
    if (text == FILL_ANY_BYTES && dice_roll(dice, 4) == 0)
        return rude_texts[dice_roll(dice, COUNT_OF(rude_texts))];
    const char *base = plain_texts[dice_roll(dice, COUNT_OF(plain_texts))];
    if (dice_roll(dice, 2))
        return base;
    return arena_printf(arena, "%s%d", base, (int)dice_roll(dice, 50));
}

static int64_t any_number(struct dice *dice)
{
    switch (dice_roll(dice, 6)) {
    case 0: return 0;
    case 1: return -1;
    case 2: return INT64_MAX;
    case 3: return INT64_MIN;
    default: return (int64_t)dice_roll(dice, 1000);
    }
}

void fill_cell(struct dice *dice, const struct column *column, enum fill_text text, struct arena *arena, void *row)
{
    uint64_t names = 0;
    while (column->names && column->names[names])
        names++;
    switch (column->type) {
    case COLUMN_TEXT: cell_set_text(column, row, any_text(dice, text, arena)); break;
    case COLUMN_JSON: cell_set_text(column, row, json_texts[dice_roll(dice, COUNT_OF(json_texts))]); break;
    case COLUMN_INT: cell_set_number(column, row, any_number(dice)); break;
    case COLUMN_TIME:
        cell_set_number(column, row,
                        dice_roll(dice, 5) ? INT64_C(1700000000000) + (int64_t)dice_roll(dice, 90 * MS_DAY) : 0);
        break;
    case COLUMN_BOOL: cell_set_number(column, row, (int64_t)dice_roll(dice, 2)); break;
    case COLUMN_ENUM: cell_set_number(column, row, (int64_t)dice_roll(dice, names)); break;
    case COLUMN_MARKS: cell_set_number(column, row, (int64_t)dice_roll(dice, UINT64_C(1) << names)); break;
    }
}

void fill_row(struct dice *dice, const struct record_type *type, const char *id, enum fill_text text,
              struct arena *arena, void *row)
{
    memset(row, 0, type->size);
    for (size_t i = 1; i < type->column_count; i++)
        fill_cell(dice, &type->columns[i], text, arena, row);
    cell_set_text(&type->columns[0], row, arena_strdup(arena, id));
}
