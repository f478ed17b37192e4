/* SPDX-License-Identifier: ISC */
/* The skeleton provider: every capability in its smallest honest form, to copy from. It is compiled and passes the conformance suite, and is in no
 * registry: no policy can name it. */
#ifndef PROVIDER_SKELETON_H
#define PROVIDER_SKELETON_H

#include "berth/provider.h"

extern const struct provider skeleton_provider;

#endif
