/* SPDX-License-Identifier: ISC */
/*
 * Opening a repository. Not by git_repository_open: libgit2 1.5 loses 20 kB for each entry of the configuration whenever it matches names against a
 * pattern, which opening and naming a remote both do, and an observer opens often. So the folder is found and opened as it is, and what git
 * asks of it (owner, version, extensions) is asked here.
 */
#ifndef PROVIDER_GIT_OPEN_H
#define PROVIDER_GIT_OPEN_H

#include "berth/base/error.h"

#include <git2.h>

struct str;

/* Before any other use of libgit2; open_repository does it itself. */
void open_begin(void);
/* `path` must be the repository itself, not a folder inside. */
bool open_repository(const char *path, git_repository **repository, struct error *error) BERTH_MUST_CHECK;
/* Whether its own configuration says that it has no work tree. */
bool open_is_bare(git_repository *repository);
/* The URL as the user's url.*.insteadOf rewrites it. */
void open_rewrite(const char *url, struct str *out);

#endif
