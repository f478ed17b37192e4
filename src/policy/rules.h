/* SPDX-License-Identifier: ISC */
/* Rules that more than one question asks: who may, what is frozen or held, and what the environment is. */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include "policy/tree.h"
#include "policy/who.h"

/* The actor's role on the question's environment; embedded mode's owner is admin. `line` gets the access rule's, 0 none. */
enum role role_of(const struct policy_question *question, const char *person, bool owner, struct arena *arena,
                  int *line);
/* "alice", or the actor where berth.yaml does not know the person. */
const char *who_text(const char *actor, const char *person);
/* Permanent or protected, by its row or its entry. */
bool is_kept(const struct policy_question *question);

/* Holds and freezes that stand in the way now, one rule each; `verdict` is what such a rule says. Nothing stands: one rule says yes. */
void add_holds(struct why_builder *builder, const struct policy_question *question, enum verdict verdict);
void add_freezes(struct why_builder *builder, const struct policy_question *question, enum verdict verdict);
/* The earliest end after now of what add_holds and add_freezes found, or 0. */
int64_t blocks_end(const struct policy_question *question);

#endif
