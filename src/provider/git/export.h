/* SPDX-License-Identifier: ISC */
/* Laying out a commit's tree as a folder; see struct provider_branches. */
#ifndef PROVIDER_GIT_EXPORT_H
#define PROVIDER_GIT_EXPORT_H

#include "berth/provider.h"

bool export_commit(const struct provider_context *context, const char *repository, const char *commit,
                   const char *folder, struct error *error) BERTH_MUST_CHECK;
/* True when a link with this target, in any folder of a tree, stays inside: relative, and ".." only at its front, at most `depth` times.
 * (A ".." after a name could climb out through another link.) */
bool export_link_stays(const char *target, size_t length, int depth);

#endif
