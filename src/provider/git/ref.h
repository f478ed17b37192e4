/* SPDX-License-Identifier: ISC */
/* Setting and removing refs, also where a process that was killed left its lock. */
#ifndef PROVIDER_GIT_REF_H
#define PROVIDER_GIT_REF_H

#include <git2.h>
#include <stdbool.h>

/* Sets `name` to `commit`. With `compares`: only while it is still at `was` (NULL: not there); else wherever it is. A lock in the way is waited for up to 4.5 s;
 * one that was empty, or held this very commit, and did not change for 3 s of it is what a killed process left (who lives needs milliseconds), and is taken
 * away. Returns what libgit2 does: 0, GIT_EMODIFIED, GIT_EEXISTS, GIT_ELOCKED … */
int ref_set(git_repository *repository, const char *name, const git_oid *commit, bool compares, const git_oid *was,
            const char *message);
/* The same of its end; 0 when it is not there. */
int ref_remove(git_repository *repository, const char *name);

#endif
