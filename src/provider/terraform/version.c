/* SPDX-License-Identifier: ISC */
/* Comparing versions. A version with a suffix ("1.10.0-rc1") comes before the one without, and fits only where it is named exactly. */
#include "provider/terraform/version.h"

#include "berth/base/str.h"

#include <stdlib.h>
#include <string.h>

#define PARTS 3
#define NUMBER_DIGITS 6

struct version {
    long parts[PARTS];
    int given; /* how many parts were written */
    char suffix[32];
};

static bool parse(const char **at, struct version *version)
{
    *version = (struct version){0};
    if (**at == 'v')
        (*at)++;
    for (int i = 0; i < PARTS; i++) {
        size_t digits = strspn(*at, "0123456789");
        if (digits == 0 || digits > NUMBER_DIGITS)
            return false;
        version->parts[i] = strtol(*at, NULL, 10);
        version->given = i + 1;
        *at += digits;
        if (**at != '.' || i == PARTS - 1)
            break;
        (*at)++;
    }
    if (**at != '-')
        return true;
    size_t length = strspn(*at, "-.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    if (length >= sizeof version->suffix)
        return false;
    memcpy(version->suffix, *at, length);
    *at += length;
    return true;
}

static int compare(const struct version *a, const struct version *b)
{
    for (int i = 0; i < PARTS; i++)
        if (a->parts[i] != b->parts[i])
            return a->parts[i] < b->parts[i] ? -1 : 1;
    if (!a->suffix[0] || !b->suffix[0])
        return (b->suffix[0] != '\0') - (a->suffix[0] != '\0');
    return strcmp(a->suffix, b->suffix);
}

/* "~> 1.9" is 1.9 and all later 1.x; "~> 1.9.2" is 1.9.2 and all later 1.9.x. */
static bool fits_about(const struct version *wanted, const struct version *version)
{
    for (int i = 0; i + 1 < wanted->given; i++)
        if (version->parts[i] != wanted->parts[i])
            return false;
    return compare(version, wanted) >= 0;
}

static bool fits_one(const char *operator, const struct version * wanted, const struct version *version)
{
    int order = compare(version, wanted);
    if (version->suffix[0] && !text_equal(operator, "=") && !text_equal(operator, ""))
        return false;
    if (text_equal(operator, "~>"))
        return fits_about(wanted, version);
    if (text_equal(operator, "!="))
        return order != 0;
    if (operator[0] == '>')
        return operator[1] ? order >= 0 : order> 0;
    if (operator[0] == '<')
        return operator[1] ? order <= 0 : order<0;
    return order == 0;
}

/* One constraint after the other; `version` NULL only reads them. */
static bool walk(const char *constraints, const struct version *version)
{
    static const char *const operators[] = {"~>", ">=", "<=", "!=", "=", ">", "<", ""};
    const char *at = constraints;
    for (;;) {
        struct version wanted;
        size_t operator= 0;
        at += strspn(at, " ");
        while (!text_starts(at, operators[operator]))
            operator++;
        at += strlen(operators[operator]);
        at += strspn(at, " ");
        if (!parse(&at, &wanted) || (version && !fits_one(operators[operator], &wanted, version)))
            return false;
        at += strspn(at, " ");
        if (*at == '\0')
            return true;
        if (*at++ != ',')
            return false;
    }
}

bool version_constraints_valid(const char *constraints)
{
    return walk(constraints, NULL);
}

bool version_fits(const char *constraints, const char *version)
{
    struct version parsed;
    const char *at = version;
    return parse(&at, &parsed) && *at == '\0' && walk(constraints, &parsed);
}

const char *version_exact(const char *constraints)
{
    struct version parsed;
    const char *start = constraints + strspn(constraints, "= "), *at = start;
    return parse(&at, &parsed) && *at == '\0' && parsed.given == PARTS ? start : NULL;
}
