/* SPDX-License-Identifier: ISC */
/*
 * The branches of a repository whose refs are files, read without libgit2, which opens and stats far more than a listing of a hundred thousand needs.
 * Loose refs are read before packed ones, as git does: a ref that is packed meanwhile is found in one of them.
 */
#ifndef PROVIDER_GIT_REFS_H
#define PROVIDER_GIT_REFS_H

#include "berth/base/memory.h"
#include "berth/base/str.h"

#define HEX_SIZE 41

struct ref { /* `name` without refs/heads/; any bytes but NUL */
    const char *name;
    const char *target;    /* of a symbolic ref, else NULL */
    char commit[HEX_SIZE]; /* "" while it is not known */
};
struct refs {
    struct str packed; /* the file; names of packed refs point into it */
    struct arena arena;
    VEC(struct ref) loose;
    size_t broken; /* loose refs that cannot be read: a listing of them is partial */
};
void refs_release(struct refs *refs);
/* Reads all of refs/heads of a repository's common folder. */
bool refs_read(struct refs *refs, const char *common_folder, struct error *error) BERTH_MUST_CHECK;
/* Calls `visit` for each branch once; false ends early. Destroys the packed text: once only. */
bool refs_each(struct refs *refs, bool (*visit)(const struct ref *ref, void *owner), void *owner);

#endif
