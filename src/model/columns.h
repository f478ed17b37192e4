/* SPDX-License-Identifier: ISC */
/*
 * How the tables are written down: one line a column, named as its struct member, so that a column cannot point elsewhere.
 */
#ifndef MODEL_COLUMNS_H
#define MODEL_COLUMNS_H

#include "berth/model/record.h"

#define COLUMN(owner, member, kind, words, bits)                                                                     \
    {                                                                                                                \
        .name = #member, .type = (kind), .offset = offsetof(struct owner, member), .names = (words), .flags = (bits) \
    }
#define TEXT(owner, member) COLUMN(owner, member, COLUMN_TEXT, NULL, 0)
#define JSON(owner, member) COLUMN(owner, member, COLUMN_JSON, NULL, 0)
#define INT(owner, member) COLUMN(owner, member, COLUMN_INT, NULL, 0)
#define TIME(owner, member) COLUMN(owner, member, COLUMN_TIME, NULL, 0)
#define BOOL(owner, member) COLUMN(owner, member, COLUMN_BOOL, NULL, 0)
#define ENUM(owner, member, words) COLUMN(owner, member, COLUMN_ENUM, words, 0)
#define MARKS(owner, member, words) COLUMN(owner, member, COLUMN_MARKS, words, 0)
#define QUIET_TEXT(owner, member) COLUMN(owner, member, COLUMN_TEXT, NULL, COLUMN_QUIET)
#define QUIET_INT(owner, member) COLUMN(owner, member, COLUMN_INT, NULL, COLUMN_QUIET)
#define QUIET_TIME(owner, member) COLUMN(owner, member, COLUMN_TIME, NULL, COLUMN_QUIET)

/* Columns that a later version of the schema brought. */
#define JSON_SINCE(version, owner, member) COLUMN(owner, member, COLUMN_JSON, NULL, (version)*COLUMN_SINCE)
#define TEXT_SINCE(version, owner, member) COLUMN(owner, member, COLUMN_TEXT, NULL, (version)*COLUMN_SINCE)
#define INT_SINCE(version, owner, member) COLUMN(owner, member, COLUMN_INT, NULL, (version)*COLUMN_SINCE)
#define TIME_SINCE(version, owner, member) COLUMN(owner, member, COLUMN_TIME, NULL, (version)*COLUMN_SINCE)

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
/* The members of a record type that follow from its struct, columns and indexes; `.name` and `.flags` are given beside it. */
#define RECORD_OF(owner, column_list)                                                              \
    .size = sizeof(struct owner), .columns = (column_list), .column_count = COUNT_OF(column_list), \
    .revision_offset = offsetof(struct owner, revision)
#define INDEXED_BY(index_list) .indexes = (index_list), .index_count = COUNT_OF(index_list)

#endif
