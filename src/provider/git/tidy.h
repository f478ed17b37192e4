/* SPDX-License-Identifier: ISC */
/* Keeping mirrors small, and taking away those that nobody needs; see struct provider_branches. */
#ifndef PROVIDER_GIT_TIDY_H
#define PROVIDER_GIT_TIDY_H

#include "berth/provider.h"

#include <git2.h>

bool tidy_mirrors(const struct provider_context *context, provider_visit_mirror *visit, void *owner,
                  struct error *error) BERTH_MUST_CHECK;
bool tidy_mirror(const struct provider_context *context, const char *repository, const char *const *held,
                 struct str *done, struct error *error) BERTH_MUST_CHECK;
bool tidy_forget(const struct provider_context *context, const char *repository, struct str *done,
                 struct error *error) BERTH_MUST_CHECK;
/* Before a ref goes: from now on the mirror may hold what nobody needs. */
bool tidy_note_released(git_repository *mirror, struct error *error) BERTH_MUST_CHECK;

#endif
