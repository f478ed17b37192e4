/* SPDX-License-Identifier: ISC */
/* Errors, their table and their lines. */
#include "prelude.h"

#include "berth/base/error.h"
#include "berth/base/str.h"
#include "berth/base/text.h"

#include <errno.h>

static void error_table__has_a_whole_row_for_each_code(void **state)
{
    (void)state;
    for (int code = 0; code < ERROR_CODE_COUNT; code++) {
        const struct error_info *info = error_info((enum error_code)code);
        assert_non_null(info->name);
        assert_true(strlen(info->meaning) > 5);
        assert_true(info->http_status >= 200 && info->http_status < 600);
        assert_int_equal(error_code_from_name(info->name), code);
        assert_true(code == ERROR_NONE ? info->exit_status == 0 : info->exit_status >= 1 && info->exit_status <= 6);
    }
    assert_ptr_equal(error_info((enum error_code)999), error_info(ERROR_IO));
    assert_int_equal(error_code_from_name("nonsense"), ERROR_NONE);
    assert_int_equal(error_info(ERROR_WAITING)->exit_status, 3);
    assert_int_equal(error_info(ERROR_DENIED)->exit_status, 4);
    assert_int_equal(error_info(ERROR_CONFLICT)->exit_status, 5);
    assert_int_equal(error_info(ERROR_TIMEOUT)->exit_status, 6);
}

static void error_set__returns_false_and_clears_the_rest(void **state)
{
    (void)state;
    struct error error = {.retry = true, .detail = "old", .hint = "old"};
    assert_false(error_set(&error, ERROR_DENIED, "cannot %s %s", "deploy", "prod"));
    assert_int_equal(error.code, ERROR_DENIED);
    assert_string_equal(error.message, "cannot deploy prod");
    assert_string_equal(error.detail, "");
    assert_string_equal(error.hint, "");
    assert_false(error.retry);
    assert_false(error_set(NULL, ERROR_IO, "nobody cares"));
    error_clear(&error);
    assert_int_equal(error.code, ERROR_NONE);
}

static void error_context__moves_the_old_message_into_the_detail(void **state)
{
    (void)state;
    struct error error;
    char line[256];
    error_errno(&error, ERROR_IO, EACCES, "cannot open %s", "/x");
    error_hint(&error, "try as another user");
    assert_false(error_context(&error, "cannot read the template"));
    assert_string_equal(error.message, "cannot read the template");
    assert_string_equal(error.detail, "cannot open /x: Permission denied");
    assert_string_equal(error_line(&error, line, sizeof line),
                        "cannot read the template: cannot open /x: Permission denied (try as another user)");
    char tiny[5];
    assert_string_equal(error_line(&error, tiny, sizeof tiny), "cann");
}

static void error_errno__knows_a_full_disk(void **state)
{
    (void)state;
    struct error error;
    error_errno(&error, ERROR_IO, ENOSPC, "cannot write");
    assert_int_equal(error.code, ERROR_FULL);
    error_errno(&error, ERROR_STORE, EDQUOT, "cannot write");
    assert_int_equal(error.code, ERROR_FULL);
    error_errno(&error, ERROR_STORE, EIO, "cannot write");
    assert_int_equal(error.code, ERROR_STORE);
    error_errno(&error, ERROR_STORE, 99999, "cannot write");
    assert_string_equal(error.detail, "system error 99999");
}

static void error_text__too_long_is_cut_at_a_character(void **state)
{
    (void)state;
    struct error error;
    struct str text = STR_INIT;
    for (int i = 0; i < 1000; i++)
        str_add(&text, "é");
    error_set(&error, ERROR_IO, "%s", text.data);
    assert_int_equal(strlen(error.message), 510); /* 511 would hold half of one */
    error_detail(&error, "x%s", text.data);
    assert_int_equal(strlen(error.detail), 1023);
    for (int i = 0; i < 20; i++)
        error_context(&error, "%s", text.data);
    assert_true(text_valid(error.detail, strlen(error.detail)));
    str_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_table__has_a_whole_row_for_each_code),
        cmocka_unit_test(error_set__returns_false_and_clears_the_rest),
        cmocka_unit_test(error_context__moves_the_old_message_into_the_detail),
        cmocka_unit_test(error_errno__knows_a_full_disk),
        cmocka_unit_test(error_text__too_long_is_cut_at_a_character),
    };
    return TESTS_RUN(tests);
}
