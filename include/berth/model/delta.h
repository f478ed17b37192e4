/* SPDX-License-Identifier: ISC */
/*
 * What is different between a plan that was approved (or applied) and another one of the same environment, part by part: what a second look at a plan needs.
 * Pure. A part is a resource, or one inner part of a resource whose executor plans those. A part is as approved when its change is the same or is covered
 * (covered.h): what is left of it after an interruption, with what was to be known later known now. Nothing here approves anything: an approval names the
 * digest of a whole plan.
 *
 * The order depends on nothing but the two plans: resources with parts that take away beyond what was approved, then those with anything else beyond it, then
 * what is not planned any more, then what is as approved; within a resource the same, what destroys first.
 */
#ifndef BERTH_MODEL_DELTA_H
#define BERTH_MODEL_DELTA_H

#include "berth/base/memory.h"

#include <jansson.h>

struct plan;
struct str;

enum delta_kind {
    DELTA_SAME,   /* as approved, or what is left of that */
    DELTA_GONE,   /* was approved, is not planned any more: done, or not needed */
    DELTA_NEW,    /* nothing was approved about it */
    DELTA_ACTION, /* something else would be done to it */
    DELTA_VALUES  /* the same would be done, with other values */
};
extern const char *const delta_kind_names[]; /* "same", "gone", "new", "action", "values" */

struct delta_value { /* one that is not as approved: DELTA_GONE, DELTA_NEW or DELTA_VALUES */
    enum delta_kind kind;
    const char *path;
    const json_t *was, *now; /* {"path","before","after","sensitive",…} in each plan, NULL: not in that one */
};
struct delta_part {
    enum delta_kind kind;
    const char *address, *path;             /* of the resource; of the inner part, "" the resource itself */
    const char *was_action, *now_action;    /* words: "create", "move"; "" in that plan nothing is done to it */
    const struct plan *was_plan, *now_plan; /* of its resource; NULL: that plan does not name it */
    const json_t *was, *now;                /* the change of the inner part; NULL of a resource, or not in that plan */
    bool removes;                           /* not as approved, and it destroys or replaces */
    size_t first_value, value_count, ordinal; /* values in delta.values; the place in which it was found */
};
struct delta_counts {
    size_t planned, same, different, added, gone; /* planned = same + different + added */
    size_t removes;                               /* of different and added: those that destroy or replace */
};
struct delta {
    VEC(struct delta_part) parts;
    VEC(struct delta_value) values; /* of new parts all, of different ones those that differ */
    VEC(json_t *) held;
    struct delta_counts counts;
};

/* Compares two plans of one environment, rows in any order; text and JSON of the rows is borrowed, they must live as long. Overwrites `delta`. */
void delta_make(struct delta *delta, const struct plan *approved, size_t approved_count, const struct plan *planned,
                size_t planned_count);
/* Compares the changes of one resource (lists as plan_result.changes, borrowed) as parts of `address`; counts alone are of use to most. */
void delta_of_changes(struct delta *delta, const char *address, const json_t *approved, const json_t *planned);
void delta_release(struct delta *delta);
/* Nothing is beyond what was approved. */
bool delta_is_covered(const struct delta *delta);

/* "3 of 5 as approved by alice 12m ago; 1 new, 1 different (1 removes), 2 not now"; `as` is what stands behind "of 5", such as "as approved by alice". */
void delta_say(const struct delta *delta, const char *as, struct str *out);
/* A value is kept as a keyed fingerprint alone: neither side of it may be shown, only that it differs. */
bool delta_value_is_sensitive(const struct delta_value *value);
/* {"counts": {…}, "parts": [{"address","part","kind","was","now","values": [{"path","kind","was": {"before","after"}, "now": {…}}]}]}; of a sensitive value
 * "sensitive": true alone; parts that are as approved without values. New reference. */
json_t *delta_to_json(const struct delta *delta) BERTH_MUST_CHECK;

#endif
