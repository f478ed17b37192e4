/* SPDX-License-Identifier: ISC */
/*
 * The order and the filter of a query, for backends that have none of their own: as SQL would compare, byte by byte.
 */
#ifndef STORE_ORDER_H
#define STORE_ORDER_H

#include "berth/store.h"

struct order {
    const struct record_type *type;
    const struct column *equal_columns[RECORD_INDEX_COLUMNS];
    const char *equal[RECORD_INDEX_COLUMNS];
    size_t equal_count;
    const struct column *columns[RECORD_INDEX_COLUMNS + 1]; /* that the rows are ordered by, the id last */
    size_t column_count;
    bool descending;
};

void order_of(struct order *order, const struct store_query *query);
/* The row has the values that the query asks for. */
bool order_fits(const struct order *order, const void *row);
/* Below, at or above 0 as `a` comes before, with or after `b`. */
int order_compare(const struct order *order, const void *a, const void *b);

#endif
