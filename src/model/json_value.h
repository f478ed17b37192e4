/* SPDX-License-Identifier: ISC */
/*
 * Text of any bytes as a JSON string.
 */
#ifndef MODEL_JSON_VALUE_H
#define MODEL_JSON_VALUE_H

#include <jansson.h>

/* Git subjects and tools' words need not be UTF-8, JSON must be: each byte that does not fit becomes `\xNN`. New reference. */
json_t *json_from_text(const char *text);

#endif
