/* SPDX-License-Identifier: ISC */
/*
 * The plan that a run's plan is compared with: what was approved last for it, else what was approved or applied last in its environment. Read inside the
 * caller's read bracket, or as a few single reads.
 *
 *   of a run whose plan was made again after an approval: what was approved then (approved_plans);
 *   else of the newest run before it in the same environment that came through its gate: the plan it came through with. A run that was approved, asked again and
 *   was then superseded counts with what was approved. A destroy and an operator's own
 *   command are compared with nothing but themselves, and nothing with what was before a destroy.
 */
#ifndef BERTH_STORE_APPROVED_H
#define BERTH_STORE_APPROVED_H

#include "berth/base/memory.h"
#include "berth/model/run.h"

struct store;
struct str;

enum approved_how {
    APPROVED_NEVER, /* there is no such plan */
    APPROVED_BY_PERSONS,
    APPROVED_BY_POLICY, /* its gate asked nobody */
    APPROVED_AND_APPLIED
};
struct approved {
    enum approved_how how;
    bool is_own;             /* of the run itself, which is asked for again */
    const char *run;         /* whose plan it is, "" none */
    const char *digest, *by; /* of the plan; who approved it, "alice, bob", "" nobody */
    int64_t at;              /* the last approval; of one that was applied, its end */
    struct plan *plans;
    size_t count;
};

/* Text and rows live in `arena`. */
bool store_approved(struct store *store, const struct run *run, struct arena *arena, struct approved *approved,
                    struct error *error) BERTH_MUST_CHECK;
/* Whether the plan that the run has now came through its gate. */
bool run_passed_gate(const struct run *run);
/* "as approved by alice 12m ago", "as run 15 applied it 3h ago"; `when`: "12m ago". */
void approved_say(const struct approved *approved, const char *when, struct str *out);

#endif
