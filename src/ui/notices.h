/* SPDX-License-Identifier: ISC */
/* What a person should know of an environment before anything else: a question that waits, why it ends, what was taken back. */
#ifndef UI_NOTICES_H
#define UI_NOTICES_H

#include "ui/dashboard.h"

/* Appends "name<TAB>text" lines, the most pressing first; nothing when there is nothing. `runs`: the environment's newest, newest first. */
void notices_write(const struct dashboard *dashboard, const struct environment *environment, const struct run *runs,
                   size_t count, struct str *out);
/* The question that the cleaner asks about it, or NULL. */
const struct hold *notices_question(const struct dashboard *dashboard, const char *environment);
#define NOTICE_NAME_WIDTH 10 /* of the names of facts and notices: what they say stands in one column */
/* Draws them, each on at most `most_each` rows, at most as many as the area has; gives the rows that were used. */
int notices_draw(struct grid *grid, struct area area, int most_each, const char *notices);

#endif
