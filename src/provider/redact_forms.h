/* SPDX-License-Identifier: ISC */
/* The forms in which a secret may appear in a tool's output. */
#ifndef PROVIDER_REDACT_FORMS_H
#define PROVIDER_REDACT_FORMS_H

#include <stddef.h>

/* Calls `add` for each form of the value: itself, without its line end, its lines, JSON-escaped, URL-encoded, base64 in each alignment and
 * alphabet, and base64 as tools wrap it. Forms may repeat. */
void redact_forms(const char *value, size_t length, void (*add)(const char *form, size_t length, void *owner),
                  void *owner);

#endif
