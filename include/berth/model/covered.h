/* SPDX-License-Identifier: ISC */
/*
 * Whether what is planned now is part of what was approved: an apply that was interrupted has done some of it, so the new plan has less. What was to be known
 * after apply may be known by now.
 */
#ifndef BERTH_MODEL_COVERED_H
#define BERTH_MODEL_COVERED_H

#include <jansson.h>
#include <stdbool.h>

/* Whether the change is one that was approved, or what is left of it. */
bool change_is_covered(const json_t *approved, const json_t *planned);
/* The same of one value of it. */
bool value_is_covered(const json_t *approved, const json_t *planned);
/* The first of the planned changes (lists as plan_result.changes) that none of the approved ones covers; borrowed, NULL: all are covered. */
const json_t *covered_not(const json_t *approved, const json_t *planned);

#endif
