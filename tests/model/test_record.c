/* SPDX-License-Identifier: ISC */
/* Record types: what holds for every table, and rows in their JSON and binary forms. */
#include "berth/model/record.h"

#include "berth/base/str.h"
#include "berth/base/text.h"
#include "berth/model/environment.h"
#include "berth/model/ledger.h"
#include "berth/model/run.h"
#include "fill.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define ROW_ROOM 1024
union any_row {
    char bytes[ROW_ROOM];
    int64_t aligned;
};

static void types__are_described_without_gaps(void **state)
{
    (void)state;
    size_t count;
    const struct record_type *const *types = record_types(&count);
    assert_int_equal(count, 24);
    for (size_t t = 0; t < count; t++) {
        const struct record_type *type = types[t];
        assert_ptr_equal(record_type_named(type->name), type);
        assert_true(type->size <= ROW_ROOM);
        assert_string_equal(type->columns[0].name, "id");
        assert_int_equal(type->columns[0].offset, 0);
        /* Columns and revision cover the struct: no member was forgotten but for padding. */
        size_t bytes = sizeof(int64_t);
        for (size_t c = 0; c < type->column_count; c++) {
            const struct column *column = &type->columns[c];
            assert_ptr_equal(record_column(type, column->name), column);
            bool small = column->type == COLUMN_ENUM || column->type == COLUMN_MARKS;
            bytes += column->type == COLUMN_BOOL ? 1 : small ? 4 : 8;
            assert_true((column->names != NULL) == small);
        }
        assert_true(bytes <= type->size);
        assert_true(bytes + 8 * 6 > type->size);
        for (size_t i = 0; i < type->index_count; i++) {
            assert_int_equal(record_index_named(type, type->indexes[i].name), i);
            for (size_t c = 0; c < RECORD_INDEX_COLUMNS && type->indexes[i].columns[c]; c++)
                assert_non_null(record_column(type, type->indexes[i].columns[c]));
        }
    }
    assert_null(record_type_named("nothing"));
    assert_int_equal(record_index_named(&run_type, "nothing"), -1);
}

typedef void round_trip(const struct record_type *type, const void *row, struct arena *arena, void *copy);

static void through_json(const struct record_type *type, const void *row, struct arena *arena, void *copy)
{
    struct error error = {0};
    json_t *object = record_to_json(type, row);
    assert_int_equal(json_object_size(object), type->column_count + 1);
    assert_true(record_from_json(type, object, arena, copy, &error));
    json_decref(object);
}

static void through_bytes(const struct record_type *type, const void *row, struct arena *arena, void *copy)
{
    struct error error = {0};
    struct str out = STR_INIT;
    size_t taken = 0;
    record_pack(type, row, &out);
    assert_true(record_unpack(type, out.data, out.length, arena, copy, &taken, &error));
    assert_int_equal(taken, out.length);
    union any_row cut;
    for (size_t length = 0; length < out.length; length += 7)
        assert_false(record_unpack(type, out.data, length, arena, &cut, &taken, &error));
    str_release(&out);
}

static void through_copy(const struct record_type *type, const void *row, struct arena *arena, void *copy)
{
    memcpy(copy, record_copy(type, row, arena), type->size);
}

static void rows_come_back(round_trip *trip, enum fill_text text)
{
    struct dice dice = {7};
    size_t count;
    const struct record_type *const *types = record_types(&count);
    for (size_t t = 0; t < count; t++) {
        for (int i = 0; i < 100; i++) {
            struct arena arena = {0};
            union any_row row, copy;
            fill_row(&dice, types[t], "id", text, &arena, &row);
            *(int64_t *)(void *)(row.bytes + types[t]->revision_offset) = 41;
            trip(types[t], &row, &arena, &copy);
            assert_int_equal(record_compare(types[t], &row, &copy), RECORD_SAME);
            assert_int_equal(record_revision(types[t], &copy), 41);
            arena_release(&arena);
        }
    }
}

static void json__gives_back_every_row(void **state)
{
    (void)state;
    rows_come_back(through_json, FILL_PLAIN);
}

static void bytes__give_back_every_row_whatever_its_text(void **state)
{
    (void)state;
    rows_come_back(through_bytes, FILL_ANY_BYTES);
}

static void copy__is_deep_and_equal(void **state)
{
    (void)state;
    rows_come_back(through_copy, FILL_ANY_BYTES);
}

static void json__of_text_that_is_not_utf8_shows_the_bytes(void **state)
{
    (void)state;
    struct branch branch = {.id = "app:x", .subject = "caf\xe9 \xf0\x9f\x9a\xa2"};
    json_t *object = record_to_json(&branch_type, &branch);
    assert_string_equal(json_get_text(object, "subject"), "caf\\xe9 \xf0\x9f\x9a\xa2");
    json_decref(object);
}

static void json__names_words_and_times(void **state)
{
    (void)state;
    struct environment environment = {
        .id = "e",
        .tier = TIER_PROD,
        .status = ENVIRONMENT_OK,
        .marks = MARK_HELD | MARK_DRIFTED,
        .created_at = 1500,
    };
    json_t *object = record_to_json(&environment_type, &environment);
    assert_string_equal(json_get_text(object, "tier"), "prod");
    assert_string_equal(json_get_text(object, "status"), "OK");
    assert_string_equal(json_get_text(object, "created_at"), "1970-01-01T00:00:01.500Z");
    assert_true(json_is_null(json_object_get(object, "deployed_at")));
    assert_int_equal(json_array_size(json_object_get(object, "marks")), 2);
    assert_string_equal(json_string_value(json_array_get(json_object_get(object, "marks"), 0)), "drifted");
    json_decref(object);
}

static void json__with_a_wrong_value_is_corrupt_and_names_the_column(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct run run;
    struct error error = {0};
    json_t *object = json_pack("{s:s, s:s}", "id", "1", "status", "splendid");
    assert_false(record_from_json(&run_type, object, &arena, &run, &error));
    assert_int_equal(error.code, ERROR_CORRUPT);
    assert_non_null(strstr(error.message, "status"));
    json_decref(object);
    arena_release(&arena);
}

static void compare__tells_quiet_columns_apart(void **state)
{
    (void)state;
    struct step a = {.id = "1.apply.x", .progress = 10},
                b = {.id = "1.apply.x", .progress = 20, .progress_text = "half"};
    assert_int_equal(record_compare(&step_type, &a, &a), RECORD_SAME);
    assert_int_equal(record_compare(&step_type, &a, &b), RECORD_QUIET);
    b.status = STEP_DONE;
    assert_int_equal(record_compare(&step_type, &a, &b), RECORD_DIFFERENT);
    b = a;
    b.revision = 9;
    assert_int_equal(record_compare(&step_type, &a, &b), RECORD_SAME);
}

static void check__refuses_a_row_without_id_or_with_an_unknown_word(void **state)
{
    (void)state;
    struct error error = {0};
    struct run run = {.id = "1"};
    assert_true(record_check(&run_type, &run, &error));
    run.status = 99;
    assert_false(record_check(&run_type, &run, &error));
    assert_non_null(strstr(error.message, "status"));
    struct environment environment = {.id = "e", .marks = 1u << 20};
    assert_false(record_check(&environment_type, &environment, &error));
    environment = (struct environment){.id = ""};
    assert_false(record_check(&environment_type, &environment, &error));
}

static void audit_hash__changes_with_every_column_but_the_chains_own(void **state)
{
    (void)state;
    struct dice dice = {3};
    struct arena arena = {0};
    struct audit entry;
    fill_row(&dice, &audit_type, "0000000000000001", FILL_PLAIN, &arena, &entry);
    char first[65], other[65];
    audit_hash(&entry, "", first);
    for (size_t c = 0; c < audit_type.column_count; c++) {
        const struct column *column = &audit_type.columns[c];
        struct audit changed = entry;
        if (cell_is_text(column))
            cell_set_text(column, &changed, column->type == COLUMN_JSON ? "\"other\"" : "other");
        else
            cell_set_number(column, &changed, cell_number(column, &entry) ^ 1);
        audit_hash(&changed, "", other);
        bool own = text_equal(column->name, "hash") || text_equal(column->name, "previous");
        if (own)
            assert_string_equal(first, other);
        else
            assert_string_not_equal(first, other);
    }
    audit_hash(&entry, first, other);
    assert_string_not_equal(first, other);
    arena_release(&arena);
}

static void words__go_both_ways_and_unknown_is_never_healthy(void **state)
{
    (void)state;
    assert_int_equal(word_value(run_status_names, "at the gate"), RUN_GATE);
    assert_int_equal(word_value(run_status_names, "nonsense"), -1);
    assert_int_equal(word_value(run_status_names, NULL), -1);
    assert_string_equal(word_name(environment_status_names, ENVIRONMENT_DESTROYED), "Destroyed");
    assert_string_equal(word_name(environment_status_names, 77), "unknown");
    assert_string_equal(word_name(environment_status_names, -1), "unknown");
    assert_string_equal(word_name(environment_mark_names, 7), "asleep");
    assert_string_equal(word_name(run_status_names, RUN_CANCELLED), "cancelled");
}

/* jansson says what is JSON; the scan must agree, or a row that was written could not be read. */
static void json__is_whole_where_it_can_be_parsed(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        " [ ] ",
        "{\"a\":1}",
        "{\"a\" : [1, -2.5e+3, true, false, null, \"x\\u00e9\\n\"], \"b\": {}}",
        "\"text\"",
        "0",
        "-0",
        "01",
        "1.",
        "1e",
        "1.5E-2",
        "--1",
        "+1",
        "tru",
        "truex",
        "nul",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "[}",
        "{]",
        "[[]",
        "[]]",
        "[] []",
        "{\"a\":1}x",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "\"a\tb\"",
        "[[[[[1]]]]]",
        "{\"a\":{\"b\":[{}]}}",
        "[{\"a\":[]},{}]",
        "'a'",
        "nothing",
        ",",
        ":",
        "]",
        "}",
        "[\"a\":1]",
        "{\"a\",1}",
        "[1,2",
        "\x7f",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *value = json_column(texts[i]);
        if (json_is_whole(texts[i]) != (value != NULL))
            fail_msg("'%s' is %sJSON", texts[i], value ? "" : "no ");
        json_decref(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json__is_whole_where_it_can_be_parsed),
        cmocka_unit_test(types__are_described_without_gaps),
        cmocka_unit_test(json__gives_back_every_row),
        cmocka_unit_test(bytes__give_back_every_row_whatever_its_text),
        cmocka_unit_test(copy__is_deep_and_equal),
        cmocka_unit_test(json__of_text_that_is_not_utf8_shows_the_bytes),
        cmocka_unit_test(json__names_words_and_times),
        cmocka_unit_test(json__with_a_wrong_value_is_corrupt_and_names_the_column),
        cmocka_unit_test(compare__tells_quiet_columns_apart),
        cmocka_unit_test(check__refuses_a_row_without_id_or_with_an_unknown_word),
        cmocka_unit_test(audit_hash__changes_with_every_column_but_the_chains_own),
        cmocka_unit_test(words__go_both_ways_and_unknown_is_never_healthy),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
