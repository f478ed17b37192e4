/* SPDX-License-Identifier: ISC */
/* What a state calls sensitive, told to the redactor: the tool hides it where it is marked, and not where a copy of it stands. */
#ifndef PROVIDER_TERRAFORM_SECRETS_H
#define PROVIDER_TERRAFORM_SECRETS_H

#include <jansson.h>

struct redactor;

/* Every value of a state file (version 4; NULL holds none) that is marked: whole outputs, and parts of inner resources. `redactor` may be NULL. Texts that are too short for it
 * (under 4 bytes) become keys of `shorts`, an object, or NULL: they can be hidden only where they stand alone. */
void secrets_of_state(struct redactor *redactor, json_t *shorts, const json_t *state);
/* The same of one value and all in it. Returns how many values the redactor cannot hide: short ones, true and false. */
size_t secrets_hide(struct redactor *redactor, json_t *shorts, const json_t *value);

#endif
