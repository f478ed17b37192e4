/* SPDX-License-Identifier: ISC */
/*
 * What can still be checked of a file that has errors: its tree without the parts that are wrong, so that errors which lie behind them are told at once and not
 * in the next round. What only follows from a part that was left out is not told.
 */
#ifndef BERTH_CONFIG_SALVAGE_H
#define BERTH_CONFIG_SALVAGE_H

#include "config/check.h"

struct salvage {
    struct node *root; /* without what is wrong; it passes check_tree */
    struct problems found;
    struct problems *problems;
    const char *file;
    VEC(int64_t) bad;       /* places of errors, sorted */
    VEC(int64_t) lacking;   /* places of maps that lack a key, sorted */
    VEC(int64_t) touched;   /* places of maps that lost a value */
    VEC(const char *) lost; /* names of entries, targets, resources … that were left out whole */
};
#define SALVAGE_KEYS 4
/* After check_tree, where the problems from number `first` on are its own. `keys` (end with NULL): what the
 * whole must have to be looked at further. False: nothing is left that could be checked. Release it in either case. */
bool salvage_begin(struct salvage *salvage, const struct check *check, size_t first,
                   const char *const keys[SALVAGE_KEYS]) BERTH_MUST_CHECK;
/* Tells what was added to `found` meanwhile, but for what comes of the parts that are missing. */
void salvage_tell(struct salvage *salvage);
void salvage_release(struct salvage *salvage);

#endif
