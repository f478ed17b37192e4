/* SPDX-License-Identifier: ISC */
/* Regular expressions of `pattern:`, with a bound on the work one match may do. */
#include "config/scalar.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#define PATTERN_LIMIT_BYTES 1024
#define PATTERN_LIMIT_STEPS 100000u

static pcre2_code *compile_pattern(const char *pattern, struct error *error)
{
    int code;
    PCRE2_SIZE offset;
    PCRE2_UCHAR message[128];
    pcre2_code *compiled;

    if (strlen(pattern) > PATTERN_LIMIT_BYTES) {
        error_set(error, ERROR_LIMIT, "the pattern is longer than %d bytes", PATTERN_LIMIT_BYTES);
        return NULL;
    }
    compiled =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                      PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C, &code, &offset, NULL);
    if (!compiled) {
        pcre2_get_error_message(code, message, sizeof(message));
        error_set(error, ERROR_CONFIG, "%s at character %zu", (const char *)message, (size_t)offset + 1);
    }
    return compiled;
}

bool pattern_valid(const char *pattern, struct error *error)
{
    pcre2_code *compiled = compile_pattern(pattern, error);

    pcre2_code_free(compiled);
    return compiled != NULL;
}

bool pattern_fits(const char *pattern, const char *text)
{
    pcre2_code *compiled = compile_pattern(pattern, NULL);
    pcre2_match_data *data;
    pcre2_match_context *limits;
    int found;

    if (!compiled)
        return false;
    data = pcre2_match_data_create_from_pattern(compiled, NULL);
    limits = pcre2_match_context_create(NULL);
    BUG_ON(!data || !limits);
    pcre2_set_match_limit(limits, PATTERN_LIMIT_STEPS);
    pcre2_set_depth_limit(limits, PATTERN_LIMIT_STEPS);
    found = pcre2_match(compiled, (PCRE2_SPTR)text, strlen(text), 0, 0, data, limits);
    pcre2_match_context_free(limits);
    pcre2_match_data_free(data);
    pcre2_code_free(compiled);
    return found >= 0;
}
