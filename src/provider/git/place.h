/* SPDX-License-Identifier: ISC */
/*
 * Where a repository is: the one the policy names (a local one, or a URL's mirror) and berth's own mirror of it, into which deployed commits are
 * copied and pinned. A mirror is only ever written here and below.
 */
#ifndef PROVIDER_GIT_PLACE_H
#define PROVIDER_GIT_PLACE_H

#include "berth/base/file.h"
#include "berth/provider.h"

#include <git2.h>

#define PIN_PREFIX "refs/berth/pins/"
#define HEADS_PREFIX "refs/heads/"

/* Sets code and message, and as detail what libgit2 says. Returns false. */
bool git_failed(struct error *error, enum error_code code, const char *format, ...) BERTH_PRINTF(3, 4);
/* The url of the context's section, resolved. */
bool place_url(const struct provider_context *context, struct str *url, struct error *error) BERTH_MUST_CHECK;
bool place_is_url(const char *url);
/* A repository that is open. A mirror's folder is shared as long (folder_share): who has it alone (tidy.c) takes objects away, and only then nobody reads,
 * copies or fetches. The user's own repository is never locked, for nothing of it is ever taken away. */
struct place {
    git_repository *repository;
    struct file_lock lock; /* fd -1: none is held */
};
#define PLACE_INIT                              \
    {                                           \
        .repository = NULL, .lock = {.fd = -1 } \
    }
/* Also of one that was never opened. */
void place_close(struct place *place);
/* The folder of a repository's mirror; NULL with an error when that can be no name. The caller frees. */
char *place_mirror_folder(const struct provider_context *context, const char *repository,
                          struct error *error) BERTH_MUST_CHECK;
/* berth's mirror; made when it is missing. Waits while somebody has it alone, until the context's deadline or end. */
bool place_mirror(const struct provider_context *context, const char *repository, struct place *mirror,
                  struct error *error) BERTH_MUST_CHECK;
/* Where branches are read: the local repository, or the mirror of a URL (fetched when it never was). */
bool place_source(const struct provider_context *context, const char *repository, struct place *source,
                  struct error *error) BERTH_MUST_CHECK;
/* Whether it is the mirror of a URL: its branches came with their history. What is copied from a local repository has none. */
bool place_was_fetched(git_repository *mirror);
/* Brings the mirror of a URL up to date. */
bool place_fetch(const struct provider_context *context, git_repository *mirror, const char *url,
                 struct error *error) BERTH_MUST_CHECK;
/* A URL with the credentials of the context's section, for one call; nothing is written into the repository's configuration. */
struct place_remote {
    const struct provider_context *context;
    git_remote *remote;
    struct str token, key;
    int asked; /* credentials that are refused are asked for again and again */
};
/* Whatever it returns, place_remote_close frees. */
bool place_remote_open(const struct provider_context *context, git_repository *repository, const char *url,
                       struct place_remote *with, struct error *error) BERTH_MUST_CHECK;
void place_remote_close(struct place_remote *with);
/* Credentials, and an end at the context's deadline; their payload is `with`. */
void place_remote_callbacks(struct place_remote *with, git_remote_callbacks *callbacks);
/* Says what libgit2 could not do ("fetch from") and why. Returns false. */
bool place_remote_failed(const struct place_remote *with, int code, const char *what, struct error *error);
/* The name of the default branch ("" none), in the arena. */
const char *place_default_branch(git_repository *source, struct arena *arena);

#endif
