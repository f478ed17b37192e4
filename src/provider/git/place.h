/* SPDX-License-Identifier: ISC */
/*
 * Where a repository is: the one the policy names (a local one, or a URL's mirror) and berth's own mirror of it, into which deployed commits are
 * copied and pinned. A mirror is only ever written here and below.
 */
#ifndef PROVIDER_GIT_PLACE_H
#define PROVIDER_GIT_PLACE_H

#include "berth/provider.h"

#include <git2.h>

#define PIN_PREFIX "refs/berth/pins/"
#define HEADS_PREFIX "refs/heads/"

/* Sets code and message, and as detail what libgit2 says. Returns false. */
bool git_failed(struct error *error, enum error_code code, const char *format, ...) BERTH_PRINTF(3, 4);
/* The url of the context's section, resolved. */
bool place_url(const struct provider_context *context, struct str *url, struct error *error) BERTH_MUST_CHECK;
bool place_is_url(const char *url);
/* berth's mirror; made when it is missing. */
bool place_mirror(const struct provider_context *context, const char *repository, git_repository **mirror,
                  struct error *error) BERTH_MUST_CHECK;
/* Where branches are read: the local repository, or the mirror of a URL (fetched when it never was). */
bool place_source(const struct provider_context *context, const char *repository, git_repository **source,
                  struct error *error) BERTH_MUST_CHECK;
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
