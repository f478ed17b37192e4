/* SPDX-License-Identifier: ISC */
/* Comparing two plans of one resource, change by change and attribute by attribute. */
#include "berth/model/covered.h"

#include "berth/base/str.h"
#include "berth/model/record.h"

static bool same(const json_t *a, const json_t *b, const char *key)
{
    const json_t *x = json_object_get(a, key), *y = json_object_get(b, key);
    return json_is_null(x) || !x ? json_is_null(y) || !y : json_equal(x, y);
}

static bool is_set(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* The path itself, or one inside it. */
static bool is_within(const char *path, const char *whole)
{
    size_t length = strlen(whole);
    return text_starts(path, whole) && (path[length] == '\0' || path[length] == '.' || path[length] == '[');
}

/* How much of a change is compared. The second half of a replacement makes from nothing what the whole would have made; what the whole left as it was
 * was not listed then and is now. */
enum half { WHOLE, MAKING };

static bool attribute_covers(const json_t *approved, const json_t *planned, enum half half)
{
    const char *path = json_get_text(planned, "path"), *of = json_get_text(approved, "path");
    if (is_set(planned, "forces") && !is_set(approved, "forces"))
        return false;
    if (is_set(approved, "unknown") && is_within(path, of))
        return true;
    return text_equal(path, of) && (half == MAKING || same(approved, planned, "before")) &&
           same(approved, planned, "after") && is_set(approved, "unknown") == is_set(planned, "unknown") &&
           same(approved, planned, "sensitive");
}

/* The one of the same place is tried first: two lists mostly have the same order. */
static bool list_covers(const json_t *list, size_t place, const json_t *attribute, enum half half)
{
    size_t count = json_array_size(list);
    bool listed = false;
    for (size_t i = 0; i < count; i++) {
        const json_t *candidate = json_array_get(list, (place + i) % count);
        if (attribute_covers(candidate, attribute, half))
            return true;
        listed = listed || text_equal(json_get_text(candidate, "path"), json_get_text(attribute, "path"));
    }
    return half == MAKING && !listed;
}

static bool attributes_cover(const json_t *approved, const json_t *planned, enum half half)
{
    const json_t *list = json_object_get(approved, "attributes");
    size_t at;
    json_t *attribute;
    json_array_foreach(json_object_get(planned, "attributes"), at, attribute)
    {
        if (!list_covers(list, at, attribute, half))
            return false;
    }
    return true;
}

bool value_is_covered(const json_t *approved, const json_t *planned)
{
    return attribute_covers(approved, planned, WHOLE);
}

bool change_is_covered(const json_t *approved, const json_t *planned)
{
    const char *was = json_get_text(approved, "action"), *now = json_get_text(planned, "action");
    if (!text_equal(json_get_text(approved, "path"), json_get_text(planned, "path")))
        return false;
    if (text_equal(was, "replace") && text_equal(now, "destroy")) /* made already; what it replaced is left */
        return !text_empty(json_get_text(planned, "deposed"));
    if (text_equal(was, "replace") && text_equal(now, "create"))
        return attributes_cover(approved, planned, MAKING);
    return text_equal(was, now) && same(approved, planned, "before") && same(approved, planned, "after") &&
           same(approved, planned, "was") && same(approved, planned, "deposed") &&
           attributes_cover(approved, planned, WHOLE);
}

const json_t *covered_not(const json_t *approved, const json_t *planned)
{
    size_t at, of;
    json_t *change, *candidate;
    json_array_foreach(planned, at, change)
    {
        bool found = false;
        json_array_foreach(approved, of, candidate) found = found || change_is_covered(candidate, change);
        if (!found)
            return change;
    }
    return NULL;
}
