/* SPDX-License-Identifier: ISC */
/* Copying commits into berth's mirror and keeping them there; see struct provider_branches. */
#ifndef PROVIDER_GIT_PIN_H
#define PROVIDER_GIT_PIN_H

#include "berth/provider.h"

bool pin_commit(const struct provider_context *context, const char *repository, const char *commit, const char *pin,
                struct error *error) BERTH_MUST_CHECK;
bool pin_remove(const struct provider_context *context, const char *repository, const char *pin,
                struct error *error) BERTH_MUST_CHECK;
bool pin_list(const struct provider_context *context, const char *repository, provider_visit_pin *visit, void *owner,
              struct error *error) BERTH_MUST_CHECK;
/* Whether a pin holds the commit (full): it is there whatever became of it in the repository. */
bool pin_holds(const struct provider_context *context, const char *repository, const char *commit, bool *holds,
               struct error *error) BERTH_MUST_CHECK;

#endif
