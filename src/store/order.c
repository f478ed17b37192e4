/* SPDX-License-Identifier: ISC */
/* The order and the filter of a query. */
#include "store/order.h"

#include "berth/base/str.h"

#include <stdlib.h>

void order_of(struct order *order, const struct store_query *query)
{
    memset(order, 0, sizeof *order);
    order->type = query->type;
    order->descending = query->descending;
    if (query->index) {
        const struct record_index *index = &query->type->indexes[record_index_named(query->type, query->index)];
        for (size_t i = 0; i < RECORD_INDEX_COLUMNS && index->columns[i]; i++) {
            const struct column *column = record_column(query->type, index->columns[i]);
            if (query->equal[i] && order->equal_count == i) {
                order->equal_columns[i] = column;
                order->equal[order->equal_count++] = query->equal[i];
            } else {
                order->columns[order->column_count++] = column;
            }
        }
    }
    order->columns[order->column_count++] = &query->type->columns[0];
}

static const char *cell_word(const struct column *column, const void *row)
{
    return column->names[cell_number(column, row)];
}

bool order_fits(const struct order *order, const void *row)
{
    for (size_t i = 0; i < order->equal_count; i++) {
        const struct column *column = order->equal_columns[i];
        if (cell_is_text(column)) {
            if (strcmp(cell_text(column, row), order->equal[i]) != 0)
                return false;
        } else if (column->type == COLUMN_ENUM) {
            if (strcmp(cell_word(column, row), order->equal[i]) != 0)
                return false;
        } else if (cell_number(column, row) != strtoll(order->equal[i], NULL, 10)) {
            return false;
        }
    }
    return true;
}

int order_compare(const struct order *order, const void *a, const void *b)
{
    for (size_t i = 0; i < order->column_count; i++) {
        const struct column *column = order->columns[i];
        int difference;
        if (cell_is_text(column)) {
            difference = strcmp(cell_text(column, a), cell_text(column, b));
        } else if (column->type == COLUMN_ENUM) {
            difference = strcmp(cell_word(column, a), cell_word(column, b));
        } else {
            int64_t left = cell_number(column, a), right = cell_number(column, b);
            difference = (left > right) - (left < right);
        }
        if (difference != 0)
            return order->descending ? -difference : difference;
    }
    return 0;
}
