/* SPDX-License-Identifier: ISC */
/* What happens once a gate is answered, in words: the order, what follows, what a failure does, who may answer. */
#ifndef UI_GATE_AFTER_H
#define UI_GATE_AFTER_H

#include "ui/dashboard.h"

/* Appends "name<TAB>text" lines. The plans are as the gate shows them. */
void gate_after_write(struct dashboard *dashboard, const struct run *run, const struct plan *plans, size_t count,
                      struct str *out);

#endif
