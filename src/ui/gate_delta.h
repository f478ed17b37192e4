/* SPDX-License-Identifier: ISC */
/* What is different from the plan that was approved last: for the gate, beside the whole plan or alone. */
#ifndef UI_GATE_DELTA_H
#define UI_GATE_DELTA_H

#include "berth/model/delta.h"
#include "berth/store_approved.h"
#include "ui/dashboard.h"
#include "ui/grid.h"
#include "ui/plan_tree.h"

struct gate_delta {
    bool alone, is_there; /* shown without the rest of the plan; `delta` was made */
    struct approved approved;
    struct delta delta;
    struct map parts; /* key of a node of the whole plan -> its part */
};
void gate_delta_release(struct gate_delta *self);
/* Finds what the run's plan is compared with and compares: where it is asked for again, and where the delta alone is to be shown. The plans stay the
 * caller's, in the order in which they are, and must live as long. */
bool gate_delta_read(struct gate_delta *self, struct store *store, const struct run *run, const struct plan *plans,
                     size_t count, struct arena *arena, struct error *error) BERTH_MUST_CHECK;
/* Whether the line is to be seen: the run asks again, or the delta is shown. */
bool gate_delta_speaks(const struct gate_delta *self);
/* "3 of 5 as approved by alice 12m ago; 1 new …" in a sentence, and in which style. */
enum style gate_delta_say(const struct gate_delta *self, const struct dashboard *dashboard, struct str *out);
/* The part that a node of either tree stands for, NULL: none, or nothing is compared. */
const struct delta_part *gate_delta_part(const struct gate_delta *self, const struct plan_node *node);
/* "new", "was create", "2 values differ"; nothing for what is as approved. */
void gate_delta_tag(const struct delta_part *part, struct str *out);
/* The tree of what is not as approved, what takes away first; text goes to the arena. */
void gate_delta_tree(const struct gate_delta *self, struct plan_tree *tree, struct arena *arena);

#endif
