/* SPDX-License-Identifier: ISC */
/* Who is asking, as the policy room's rules see it: embedded mode, membership of lists, identities that are one person. */
#ifndef POLICY_WHO_H
#define POLICY_WHO_H

#include "berth/config.h"
#include "berth/policy.h"

/* True where berth.yaml maps nobody to a role (no people, or no access rules): then the uid that owns the store is admin. */
bool maps_nobody(const struct config *config);
/* True when the person is one of the names, or a member of a group of them. */
bool person_in_list(const struct config *config, const char *person, struct name_list names);
/* True when an identity of `authors` (a JSON list of persons and identities) is this person under any of their identities. */
bool person_is_author(const struct config *config, const char *authors, const char *actor, const char *person);
bool name_in_list(struct name_list names, const char *name);
/* True when the name fits one of the patterns (`*` fits '/' too where `pattern` has "**"). */
bool name_fits_list(struct name_list patterns, const char *name);
/* "a, b": in the arena. */
const char *names_text(struct arena *arena, struct name_list names) BERTH_MUST_CHECK;

#endif
