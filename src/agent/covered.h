/* SPDX-License-Identifier: ISC */
/*
 * Whether what is planned now is part of what was approved: an apply that was interrupted has done some of it, so the new plan has less. What was to be known
 * after apply may be known by now.
 */
#ifndef AGENT_COVERED_H
#define AGENT_COVERED_H

#include <jansson.h>

/* The first of the planned changes (lists as plan_result.changes) that none of the approved ones covers; borrowed, NULL: all are covered. */
const json_t *covered_not(const json_t *approved, const json_t *planned);

#endif
