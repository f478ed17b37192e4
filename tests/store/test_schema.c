/* SPDX-License-Identifier: ISC */
/* The tables of a released version are frozen: who changes a record type without a step and a higher version is told here. */
#include "store/schema.h"

#include "berth/base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define LIMIT (1u << 20)

static void tables_of(const struct schema *schema, struct str *out)
{
    str_addf(out, "-- version %lld, read from %lld, written from %lld\n", (long long)schema->version,
             (long long)schema->reader_version, (long long)schema->writer_version);
    str_add(out, schema_own_sql());
    for (size_t i = 0; i < schema->type_count; i++) {
        schema_table_sql(out, schema->types[i]);
        schema_index_sql(out, schema->types[i]);
    }
}

static void the_tables__are_those_of_their_version(void **state)
{
    struct schema schema;
    struct str now = STR_INIT, then = STR_INIT;
    struct error error = {0};
    (void)state;
    schema_now(&schema);
    tables_of(&schema, &now);
    char *path = path_printf(TEST_SRCDIR "/tests/store/schema-%lld.sql", (long long)schema.version);
    if (getenv("BERTH_UPDATE"))
        assert_true(file_replace(path, now.data, now.length, 0644, FILE_RELAXED, &error));
    assert_true(file_read(path, LIMIT, &then, &error));
    if (!text_equal(now.data, then.data))
        print_message("a table changed: raise SCHEMA_VERSION, add a step to src/store/schema.c, and write the new %s "
                      "with BERTH_UPDATE=1\n",
                      path);
    assert_string_equal(now.data, then.data);
    free(path);
    str_release(&now);
    str_release(&then);
}

/* Rows that were packed before a column came are told by their count of columns: each column says when it came, as its step does. */
static void later_columns__say_the_version_of_their_step(void **state)
{
    struct schema schema;
    size_t later = 0, told = 0;
    (void)state;
    schema_now(&schema);
    for (size_t i = 0; i < schema.step_count; i++) {
        const struct schema_step *step = &schema.steps[i];
        if (!step->column)
            continue;
        const struct column *column = record_column(record_type_named(step->table), step->column);
        assert_non_null(column);
        assert_int_equal(column->flags / COLUMN_SINCE, step->version);
        told++;
    }
    for (size_t i = 0; i < schema.type_count; i++)
        for (size_t c = 0; c < schema.types[i]->column_count; c++)
            later += schema.types[i]->columns[c].flags / COLUMN_SINCE != 0;
    assert_int_equal(later, told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_tables__are_those_of_their_version),
                                       cmocka_unit_test(later_columns__say_the_version_of_their_step)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
