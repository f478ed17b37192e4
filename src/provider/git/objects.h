/* SPDX-License-Identifier: ISC */
/* The files that a mirror's objects are in: which there are, and taking some of them away. Only who has the mirror alone (folder_lock) removes. */
#ifndef PROVIDER_GIT_OBJECTS_H
#define PROVIDER_GIT_OBJECTS_H

#include "berth/base/error.h"
#include "berth/base/memory.h"

#include <stdbool.h>
#include <stddef.h>

/* starts zeroed */
struct objects {
    VEC(char *) packs; /* "pack-1234…": without its endings; those that somebody marked to be kept are left out */
    VEC(char *) loose; /* "ab/cdef…" */
};
/* What is in the mirror's folder now. */
bool objects_look(const char *folder, struct objects *objects, struct error *error) BERTH_MUST_CHECK;
void objects_release(struct objects *objects);
/* Removes what was there at that look, but the packs that are named like one of `kept` (NULL ends them). A pack's index goes first: what died in the middle has left
 * no index that promises what is not there. */
bool objects_remove(const char *folder, const struct objects *objects, const char *const *kept,
                    struct error *error) BERTH_MUST_CHECK;
/* Removes what processes that died left half written: temporary files, packs without an index, locks of refs, what git computed from packs that went. */
bool objects_sweep(const char *folder, struct error *error) BERTH_MUST_CHECK;

#endif
