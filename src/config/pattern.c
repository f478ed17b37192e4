/* SPDX-License-Identifier: ISC */
/* Regular expressions of `pattern:`, which a whole value fits. */
#include "config/scalar.h"

#include "berth/base/expression.h"

#include <string.h>

#define PATTERN_LIMIT_STEPS 100000u

static struct expression *compile(const char *pattern, struct error *error)
{
    return expression_compile(pattern, strlen(pattern), EXPRESSION_WHOLE, PATTERN_LIMIT_STEPS, error);
}

bool pattern_valid(const char *pattern, struct error *error)
{
    struct expression *compiled = compile(pattern, error);

    expression_free(compiled);
    return compiled != NULL;
}

bool pattern_fits(const char *pattern, const char *text)
{
    struct expression *compiled = compile(pattern, NULL);
    bool fits = compiled != NULL && expression_match(compiled, text) == EXPRESSION_FITS;

    expression_free(compiled);
    return fits;
}
