/* SPDX-License-Identifier: ISC */
/* A tool's own words about a part of a plan, for whoever does not trust a plan that is drawn anew. */
#ifndef UI_PLAN_TEXT_H
#define UI_PLAN_TEXT_H

#include "ui/dashboard.h"

/* Opens a pager on the text that the tool wrote beside its plan, else on the log of the plan's step; says so when there is neither. */
void plan_text_show(struct dashboard *dashboard, const struct plan *plan);
/* The same for a resource, by the newest of its runs that has a plan of it; `runs` are tried in their order. */
void plan_text_show_of(struct dashboard *dashboard, const struct resource *resource, const struct run *runs,
                       size_t count);

#endif
