/* SPDX-License-Identifier: ISC */
/* What a tool gives back: the file named by BERTH_OUTPUTS. */
#ifndef PROVIDER_EXEC_OUTPUTS_H
#define PROVIDER_EXEC_OUTPUTS_H

#include "berth/base/error.h"

#include <jansson.h>

#define OUTPUTS_LIMIT 65536 /* bytes */
#define OUTPUT_NAME_LIMIT 128

/* Lines KEY=VALUE (empty ones and #comments are skipped) or one JSON object of scalars. A new object of texts, NULL with an error. */
json_t *outputs_parse(const char *text, size_t length, struct error *error) BERTH_MUST_CHECK;
/* Reads the file; missing or empty gives an empty object. */
json_t *outputs_read(const char *path, struct error *error) BERTH_MUST_CHECK;

#endif
