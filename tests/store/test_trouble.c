/* SPDX-License-Identifier: ISC */
/* berthd's last trouble: what, since when, how often, and when it was over. */
#include "berth/store_trouble.h"

#include "berth/base/file.h"
#include "berth/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char folder[64];

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/berth-trouble-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    struct error error;

    (void)state;
    return folder_remove(folder, &error) ? 0 : -1;
}

static void note(const char *message, int64_t at)
{
    struct error error = {0};

    error_set(&error, ERROR_STORE, "%s", message);
    trouble_note(folder, &error, at);
}

static void trouble__counts_the_same_and_begins_anew_after_its_end(void **state)
{
    struct arena arena = {0};
    struct trouble trouble;

    (void)state;
    assert_false(trouble_read(folder, &arena, &trouble));
    trouble_over(folder, 5);
    assert_false(trouble_read(folder, &arena, &trouble));
    note("the disk is full", 10);
    note("the disk is full", 20);
    assert_true(trouble_read(folder, &arena, &trouble));
    assert_true(trouble.first_at == 10 && trouble.last_at == 20 && trouble.times == 2 && trouble.over_at == 0);
    assert_non_null(strstr(trouble.text, "the disk is full"));
    trouble_over(folder, 30);
    trouble_over(folder, 40);
    assert_true(trouble_read(folder, &arena, &trouble) && trouble.over_at == 30);
    note("the disk is full", 50);
    assert_true(trouble_read(folder, &arena, &trouble) && trouble.first_at == 50 && trouble.times == 1);
    note("the table is gone", 60);
    assert_true(trouble_read(folder, &arena, &trouble) && trouble.first_at == 60 && trouble.times == 1);
    arena_release(&arena);
}

static void trouble__survives_a_file_that_is_none(void **state)
{
    char *path = path_join(folder, "berthd.trouble");
    struct arena arena = {0};
    struct trouble trouble;

    (void)state;
    assert_true(file_replace(path, "{\"last_at\": \"x\"", 15, 0600, FILE_RELAXED, NULL));
    assert_false(trouble_read(folder, &arena, &trouble));
    note("x", 70);
    assert_true(trouble_read(folder, &arena, &trouble) && trouble.times == 1);
    trouble_note("/nowhere/at/all", &(struct error){.code = ERROR_IO, .message = "x"}, 1);
    arena_release(&arena);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trouble__counts_the_same_and_begins_anew_after_its_end),
        cmocka_unit_test(trouble__survives_a_file_that_is_none),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
