/* SPDX-License-Identifier: ISC */
/* What a state calls sensitive, told to the redactor: the tool hides it where it is marked, and not where a copy of it stands. */
#ifndef PROVIDER_TERRAFORM_SECRETS_H
#define PROVIDER_TERRAFORM_SECRETS_H

#include <jansson.h>

struct redactor;

/* Every value of a state file (version 4; NULL holds none) that is marked: whole outputs, and parts of inner resources. `redactor` may be NULL. */
void secrets_of_state(struct redactor *redactor, const json_t *state);

#endif
