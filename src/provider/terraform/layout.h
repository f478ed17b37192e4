/* SPDX-License-Identifier: ISC */
/* The folder a module is worked on in: a mirror of links around one real folder. */
#ifndef PROVIDER_TERRAFORM_LAYOUT_H
#define PROVIDER_TERRAFORM_LAYOUT_H

#include "berth/base/error.h"

/* Makes `mirror` (not there yet; appears whole or not at all) of the folder `tree`: `dir` below it is real, all else are links. `pool` is a folder, made when it is not
 * there, on the same disk: mirrors with the same pool share their links. */
bool layout_mirror(const char *tree, const char *dir, const char *mirror, const char *pool,
                   struct error *error) BERTH_MUST_CHECK;

#endif
