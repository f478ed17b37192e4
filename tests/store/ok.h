/* SPDX-License-Identifier: ISC */
/*
 * A call that must succeed, in tests: OK(store_begin(store, STORE_RELAXED, &error)) fails the test with the error's line.
 */
#ifndef TESTS_STORE_OK_H
#define TESTS_STORE_OK_H

#include "berth/base/error.h"

#define OK(call)                                                              \
    do {                                                                      \
        struct error error = {0};                                             \
        if (!(call)) {                                                        \
            char line[2400];                                                  \
            fail_msg("%s: %s", #call, error_line(&error, line, sizeof line)); \
        }                                                                     \
    } while (0)

#endif
