/* SPDX-License-Identifier: ISC */
/* The words of a preview, apart from the dialog that shows them. */
#ifndef UI_DIALOG_H
#define UI_DIALOG_H

#include "ui/action.h"

/* Appends "name<TAB>text" lines: what will happen, where, in which order, to whom, the rules, how to undo it. */
void preview_write(struct dashboard *dashboard, const struct action *action, struct str *out);

#endif
