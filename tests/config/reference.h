/* SPDX-License-Identifier: ISC */
/* The key reference of the manual page and of doc/configuration.md, written from the schemas. */
#ifndef TESTS_CONFIG_REFERENCE_H
#define TESTS_CONFIG_REFERENCE_H

#include "berth/base/str.h"

/* The keys of berth.yaml, templates, berthd.yaml and of every provider, as roff. */
void reference_manual(struct str *out);
/* The providers by capability, as Markdown tables. */
void reference_providers(struct str *out);

#endif
