/* SPDX-License-Identifier: ISC */
/* An exec resource in words, made from the spec with its placeholders, so that no secret can be in them. */
#ifndef PROVIDER_EXEC_SHOW_H
#define PROVIDER_EXEC_SHOW_H

#include <jansson.h>

struct str;

/* A value as a person would write it: a list as a command line, parts with their ${{ }}. */
void exec_show(struct str *out, const json_t *value);
/* What differs between two specs, as `changes` of a plan; a new list. Either may be NULL. */
json_t *exec_changes(const json_t *before, const json_t *after, const char *commit_before, const char *commit_after);

#endif
