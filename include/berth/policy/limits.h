/* SPDX-License-Identifier: ISC */
/*
 * Limits of targets and tiers (`limits.per_target`, `limits.per_tier`): what is at work is counted once, then each that would begin is asked of. The limits
 * of the whole workspace are counted by their callers. Pure; no allocation but the caller's arena.
 */
#ifndef BERTH_POLICY_LIMITS_H
#define BERTH_POLICY_LIMITS_H

#include "berth/base/memory.h"

struct config;

enum limit_of { LIMIT_RUNS, LIMIT_STEPS };
struct limit_counts {
    const struct config *config;
    enum limit_of of;
    size_t *targets; /* at work, as config->limits.targets */
    size_t *tiers;   /* by enum tier */
};
/* Nothing is at work. `config` and arena outlive the counts. */
void limit_counts_init(struct limit_counts *counts, const struct config *config, enum limit_of of, struct arena *arena);
/* One more on that target (NULL, "" or one without a limit: not counted) and tier (enum tier). */
void limit_counts_add(struct limit_counts *counts, const char *target, int tier);
/* Whether a limit is reached there: nothing more begins. */
bool limit_reached(const struct limit_counts *counts, const char *target, int tier);
/* Takes a place of each limit there that is not reached: kept free for one that waits for the other. */
void limit_keep(struct limit_counts *counts, const char *target, int tier);
/* Which limit is reached, as "2 of 2 steps on target eks-dev (limits.per_target, berth.yaml:12)"; "" none. The target's comes first. */
const char *limit_text(const struct limit_counts *counts, const char *target, int tier, struct arena *arena);

#endif
