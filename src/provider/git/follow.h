/* SPDX-License-Identifier: ISC */
/* Noticing that refs changed; see struct provider_branches. */
#ifndef PROVIDER_GIT_FOLLOW_H
#define PROVIDER_GIT_FOLLOW_H

#include "berth/provider.h"

bool follow_refs(const struct provider_context *context, struct str *state, int *fd,
                 struct error *error) BERTH_MUST_CHECK;

#endif
