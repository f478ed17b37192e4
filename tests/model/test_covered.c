/* SPDX-License-Identifier: ISC */
/* What is left to do of an approved plan, and what is more than that. */
#include "berth/model/covered.h"

#include "berth/base/str.h"
#include "berth/model/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const char approved[] =
    "[{\"path\":\"d.a\",\"action\":\"create\",\"before\":null,\"after\":null,\"attributes\":["
    "{\"path\":\"id\",\"before\":null,\"after\":null,\"unknown\":true},"
    "{\"path\":\"input\",\"before\":null,\"after\":\"one\"}]},"
    "{\"path\":\"d.b\",\"action\":\"update\",\"attributes\":[{\"path\":\"input\",\"before\":\"x\",\"after\":\"y\"}]},"
    "{\"path\":\"d.c\",\"action\":\"replace\",\"attributes\":["
    "{\"path\":\"id\",\"before\":\"7\",\"after\":null,\"unknown\":true},"
    "{\"path\":\"trigger\",\"before\":\"1\",\"after\":\"2\",\"forces\":true}]},"
    "{\"path\":\"d.d\",\"action\":\"destroy\",\"attributes\":[]},"
    "{\"path\":\"d.s\",\"action\":\"create\",\"attributes\":[{\"path\":\"pw\",\"before\":null,\"after\":\"hmac:1\",\"sensitive\":true}]}]";

/* The path of the first that is not covered; "" all are. */
static const char *beyond(const char *planned, char *name, size_t size)
{
    json_t *was = json_loads(approved, 0, NULL), *now = json_loads(planned, 0, NULL);
    assert_non_null(was);
    assert_non_null(now);
    const json_t *change = covered_not(was, now);
    (void)text_copy(name, size, change ? json_get_text(change, "path") : "");
    json_decref(was);
    json_decref(now);
    return name;
}
#define COVERED(planned) assert_string_equal(beyond(planned, (char[64]){0}, 64), "")
#define BEYOND(planned, path) assert_string_equal(beyond(planned, (char[64]){0}, 64), path)

static void covered__the_same_and_less_are(void **state)
{
    (void)state;
    COVERED(approved);
    COVERED("[]");
    COVERED("[{\"path\":\"d.d\",\"action\":\"destroy\",\"attributes\":[]}]");
}

static void covered__something_else_is_not(void **state)
{
    (void)state;
    BEYOND("[{\"path\":\"d.x\",\"action\":\"create\",\"attributes\":[]}]", "d.x");
    BEYOND("[{\"path\":\"d.b\",\"action\":\"destroy\",\"attributes\":[]}]", "d.b");
    BEYOND("[{\"path\":\"d.b\",\"action\":\"replace\",\"attributes\":[]}]", "d.b");
    BEYOND("[{\"path\":\"d.a\",\"action\":\"replace\",\"attributes\":[]}]", "d.a");
}

static void covered__other_values_are_not(void **state)
{
    (void)state;
    BEYOND(
        "[{\"path\":\"d.b\",\"action\":\"update\",\"attributes\":[{\"path\":\"input\",\"before\":\"z\",\"after\":\"y\"}]}]",
        "d.b");
    BEYOND(
        "[{\"path\":\"d.b\",\"action\":\"update\",\"attributes\":[{\"path\":\"input\",\"before\":\"x\",\"after\":\"z\"}]}]",
        "d.b");
    BEYOND(
        "[{\"path\":\"d.b\",\"action\":\"update\",\"attributes\":[{\"path\":\"more\",\"before\":\"x\",\"after\":\"y\"}]}]",
        "d.b");
    BEYOND("[{\"path\":\"d.s\",\"action\":\"create\",\"attributes\":["
           "{\"path\":\"pw\",\"before\":null,\"after\":\"hmac:2\",\"sensitive\":true}]}]",
           "d.s");
    BEYOND("[{\"path\":\"d.b\",\"action\":\"update\",\"attributes\":["
           "{\"path\":\"input\",\"before\":\"x\",\"after\":\"y\",\"forces\":true}]}]",
           "d.b");
}

static void covered__what_was_to_be_known_later_may_be_known_now(void **state)
{
    (void)state;
    COVERED(
        "[{\"path\":\"d.a\",\"action\":\"create\",\"attributes\":[{\"path\":\"id\",\"before\":null,\"after\":\"42\"}]}]");
    COVERED("[{\"path\":\"d.a\",\"action\":\"create\",\"attributes\":["
            "{\"path\":\"id.part\",\"before\":null,\"after\":\"42\"}]}]");
    BEYOND(
        "[{\"path\":\"d.a\",\"action\":\"create\",\"attributes\":[{\"path\":\"idle\",\"before\":null,\"after\":1}]}]",
        "d.a");
    BEYOND("[{\"path\":\"d.a\",\"action\":\"create\",\"attributes\":["
           "{\"path\":\"input\",\"before\":null,\"after\":null,\"unknown\":true}]}]",
           "d.a");
}

static void covered__the_second_half_of_a_replacement_is(void **state)
{
    (void)state;
    COVERED(
        "[{\"path\":\"d.c\",\"action\":\"create\",\"attributes\":[{\"path\":\"id\",\"before\":null,\"unknown\":true},"
        "{\"path\":\"as_before\",\"before\":null,\"after\":1},{\"path\":\"trigger\",\"before\":null,\"after\":\"2\"}]}]");
    COVERED("[{\"path\":\"d.c\",\"action\":\"destroy\",\"deposed\":\"ab12\",\"attributes\":[]}]");
    BEYOND(
        "[{\"path\":\"d.c\",\"action\":\"create\",\"attributes\":[{\"path\":\"trigger\",\"before\":null,\"after\":\"3\"}]}]",
        "d.c");
    BEYOND("[{\"path\":\"d.c\",\"action\":\"destroy\",\"attributes\":[]}]", "d.c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(covered__the_same_and_less_are),
        cmocka_unit_test(covered__something_else_is_not),
        cmocka_unit_test(covered__other_values_are_not),
        cmocka_unit_test(covered__what_was_to_be_known_later_may_be_known_now),
        cmocka_unit_test(covered__the_second_half_of_a_replacement_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
