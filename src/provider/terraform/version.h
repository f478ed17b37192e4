/* SPDX-License-Identifier: ISC */
/* Which versions of the tool a resource may be worked on with: "1.9.8", or constraints as terraform writes them: ">= 1.5, < 2.0", "~> 1.9". Pure. */
#ifndef PROVIDER_TERRAFORM_VERSION_H
#define PROVIDER_TERRAFORM_VERSION_H

#include "berth/base/error.h"

/* Whether the constraints can be read at all. */
bool version_constraints_valid(const char *constraints);
/* False too when either cannot be read. */
bool version_fits(const char *constraints, const char *version);
/* The one version that "1.9.8" or "= 1.9.8" asks for, or NULL. */
const char *version_exact(const char *constraints);

#endif
