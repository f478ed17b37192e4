/* SPDX-License-Identifier: ISC */
/*
 * What `terraform show -json` says of a plan, made into what berth keeps. Pure; the bytes may be anything. Nothing sensitive comes out.
 */
#ifndef PROVIDER_TERRAFORM_SHOWN_H
#define PROVIDER_TERRAFORM_SHOWN_H

#include "provider/terraform/attributes.h"

#include "berth/base/memory.h"
#include "berth/model/words.h"

#define SHOWN_LIMIT ((size_t)64 << 20) /* bytes of a plan or a state as JSON */
#define INNER_LIMIT 20000              /* inner resources of one module */

struct shown_counts {
    size_t creates, updates, replaces, destroys, reads, forgets, moves, imports;
};
struct shown_plan {
    json_t *changes, *drift, *outputs, *inner; /* as plan_result; owned, shown_plan_release */
    struct shown_counts counts;
    bool output_changes; /* an output would change */
    bool there;          /* something is in the state it was planned on */
    bool applyable;      /* terraform says that applying it would do something; what is counted may be nothing */
    const char *version; /* of the tool, in the arena */
};
/* Reads a plan. ERROR_TOOL when it is none or one that failed, ERROR_VERSION when its format is not known, ERROR_LIMIT. */
bool shown_plan_read(const char *bytes, size_t count, const struct fingerprints *with, struct arena *arena,
                     struct shown_plan *plan, struct error *error) __attribute__((warn_unused_result));
void shown_plan_release(struct shown_plan *plan);
/* "2 to create, 1 to replace", "only outputs change", "no changes". In the arena. */
const char *shown_summary(const struct shown_plan *plan, struct arena *arena);
/* What it means for the resource as a whole that is wanted; for one that is to go away see shown_creates. */
enum plan_action shown_action(const struct shown_plan *plan);
/* The address of an inner resource that the plan creates, changes or brings in, or NULL: a destroy may do none of that. */
const char *shown_creates(const struct shown_plan *plan);

/* A list of inner resources in the order of their addresses: what works at once ends in any order. Takes the reference; new reference. */
json_t *shown_in_order(json_t *inner_take) __attribute__((warn_unused_result));

/* The value of an output as text: a text as it is, all else as JSON. New reference. */
json_t *output_text(const json_t *value) __attribute__((warn_unused_result));

#endif
