/* SPDX-License-Identifier: ISC */
/*
 * Regular expressions over UTF-8, with a bound on what one match may cost whoever wrote them: so many steps, so much memory, then it is given up. Text that
 * is not UTF-8 is matched as far as it is. Owner: whoever compiled it; not to be used by two threads at once.
 */
#ifndef BERTH_BASE_EXPRESSION_H
#define BERTH_BASE_EXPRESSION_H

#include "berth/base/error.h"

#include <stddef.h>

#define EXPRESSION_LIMIT 1024 /* bytes of its text */

struct expression;
enum expression_flag {
    EXPRESSION_WHOLE = 1 << 0,   /* fits only a whole text */
    EXPRESSION_ANY_CASE = 1 << 1 /* whatever the case */
};
/* NULL: ERROR_LIMIT where it is too long, ERROR_CONFIG where it is none ("missing closing parenthesis at character 4"). `steps_most`: of one match. */
struct expression *expression_compile(const char *text, size_t length, unsigned flags, unsigned steps_most,
                                      struct error *error) BERTH_MUST_CHECK;
enum expression_match { EXPRESSION_NO, EXPRESSION_FITS, EXPRESSION_GAVE_UP };
enum expression_match expression_match(struct expression *expression, const char *text) BERTH_MUST_CHECK;
void expression_free(struct expression *expression);

#endif
