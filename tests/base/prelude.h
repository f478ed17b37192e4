/* SPDX-License-Identifier: ISC */
/* What every test of the base room begins with: cmocka, and a folder of the test's own. */
#ifndef BERTH_TESTS_BASE_PRELUDE_H
#define BERTH_TESTS_BASE_PRELUDE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TESTS_RUN(tests) cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL)

/* A new folder; the test removes it with folder_remove and free. */
static inline char *test_folder(void)
{
    char pattern[] = "/tmp/berth-test-XXXXXX";
    char *folder = mkdtemp(pattern);
    assert_non_null(folder);
    return strdup(folder);
}

#endif
