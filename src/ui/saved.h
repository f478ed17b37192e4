/* SPDX-License-Identifier: ISC */
/* Filters and orders of lists that a person keeps under a name. */
#ifndef UI_SAVED_H
#define UI_SAVED_H

#include "ui/dashboard.h"

/* The words of `:view …`. */
void saved_view_run(struct dashboard *dashboard, char **words, int count);
/* Appends the names, a line each. */
void saved_view_names(struct str *out);

#endif
