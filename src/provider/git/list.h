/* SPDX-License-Identifier: ISC */
/* Listing the branches of a repository; see struct provider_branches. */
#ifndef PROVIDER_GIT_LIST_H
#define PROVIDER_GIT_LIST_H

#include "berth/provider.h"

#include <git2.h>

struct commit_facts;

bool list_branches(const struct provider_context *context, const char *repository, const struct map *known,
                   bool (*visit)(const struct branch *branch, void *owner), void *owner, bool *complete,
                   const char **default_branch, struct arena *arena, struct error *error) BERTH_MUST_CHECK;
/* The facts of one commit; false when it is not there or no commit. */
bool list_read_commit(git_odb *objects, const char *commit, struct commit_facts *facts) BERTH_MUST_CHECK;
/* `out` becomes the name of a ref as rows hold it. */
void list_name(struct str *out, const char *name);

#endif
