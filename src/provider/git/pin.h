/* SPDX-License-Identifier: ISC */
/* Copying commits into berth's mirror and keeping them there; see struct provider_branches. */
#ifndef PROVIDER_GIT_PIN_H
#define PROVIDER_GIT_PIN_H

#include "berth/provider.h"

bool pin_commit(const struct provider_context *context, const char *repository, const char *commit, const char *pin,
                struct error *error) BERTH_MUST_CHECK;
bool pin_remove(const struct provider_context *context, const char *repository, const char *pin,
                struct error *error) BERTH_MUST_CHECK;

#endif
