/* SPDX-License-Identifier: ISC */
/*
 * Packing what refs need: git's own `pack-objects`, run without a shell, since libgit2 has nothing that packs a large repository as well. It only adds a pack;
 * nothing is taken away here.
 */
#ifndef PROVIDER_GIT_PACK_H
#define PROVIDER_GIT_PACK_H

#include "berth/base/memory.h"
#include "berth/base/str.h"
#include "provider/git/place.h"

/* What all refs of a mirror name, as pack-objects reads it. */
struct pack_tips {
    struct map ids; /* of the objects that are named, 40 digits: a set */
    struct str cut; /* the lines that say of which commits the parents are not here */
};
/* Reads them, and adds those of `held` that are there (NULL ends it; may be NULL). Where history is not copied (a mirror that was never fetched) each commit stands alone. */
bool pack_tips_read(git_repository *mirror, const char *const *held, struct pack_tips *tips,
                    struct error *error) BERTH_MUST_CHECK;
void pack_tips_release(struct pack_tips *tips);

/* Packs what `tips` need and `packed` (may be NULL) do not into one new pack of the mirror in `folder`; `name` becomes "pack-…", "" when that is nothing. `held` is
 * a descriptor that git keeps open: the lock is held as long as it is at work, whoever dies. ERROR_UNSUPPORTED: there is no git here. */
bool pack_write(const struct provider_context *context, const char *folder, const struct pack_tips *tips,
                const struct pack_tips *packed, int held, struct str *name, struct error *error) BERTH_MUST_CHECK;

#endif
