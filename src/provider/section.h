/* SPDX-License-Identifier: ISC */
/* Values of a provider's section, with the secrets they name. */
#ifndef PROVIDER_SECTION_H
#define PROVIDER_SECTION_H

#include "berth/base/error.h"

struct provider_context;
struct str;

/* Appends the text under `key` of the context's section, `${{ secret.* }}` resolved (and known to the context's redactor). A missing key appends
 * nothing and is no error. */
bool section_text(const struct provider_context *context, const char *key, struct str *value,
                  struct error *error) BERTH_MUST_CHECK;

#endif
