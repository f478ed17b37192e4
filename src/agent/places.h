/* SPDX-License-Identifier: ISC */
/* The limits of targets and tiers, while a turn gives steps out. */
#ifndef AGENT_PLACES_H
#define AGENT_PLACES_H

#include "berth/base/hash.h"
#include "berth/model/run.h"
#include "berth/policy/limits.h"

struct supervisor;

#define PLACES_NOTED 16 /* so many held steps are told a turn what holds them: the oldest, whose turn comes first */
struct held_step {
    const char *run, *step, *reason;
};
struct places { /* while a turn gives steps out */
    struct supervisor *supervisor;
    struct limit_counts counts;
    struct arena *arena;
    struct map tiers; /* environment -> its tier + 1 */
    VEC(struct held_step) held;
    bool keeps; /* for the oldest held step, what it needs besides the limit that holds it */
};
/* Counts what is at work or given out. Only where the policy has such limits; everything in the arena but `tiers` and `held`. */
void places_count(struct places *places, struct supervisor *supervisor, struct arena *arena);
void places_release(struct places *places);
/* Whether a ready step may begin as far as they go, and has its place then. May be called while the store is visited. */
bool places_have(struct places *places, const struct step *step);
/* Writes at held steps what holds them, where that is news. */
bool places_note(struct places *places, struct error *error) BERTH_MUST_CHECK;

#endif
