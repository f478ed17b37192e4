/* SPDX-License-Identifier: ISC */
/* A module of terraform with three resources in a chain, `done`, `held` and `last`: whoever makes the second, or takes it away, waits until the test lets it go. */
#ifndef FAULTS_CHAIN_H
#define FAULTS_CHAIN_H

#include "faults/world.h"

/* The template whose resource `infra` is the module. */
extern const char chain_template[];
/* Commits it to feature/x; `backend`: more text at its beginning, or "". */
void chain_add(struct world *world, const char *backend);
/* The row of one of the three, NULL: none. */
const struct resource *chain_part(struct world *world, const char *name);
bool chain_is(struct world *world, const char *name, enum resource_status status);
/* world_condition: `done` is made, `held` is being made. */
bool chain_is_in_the_middle(struct world *world, void *context);
/* Puts a file into the world's folder, takes it away: with "go" the making of `held` does not wait, with "stay" its end does. */
void chain_say(struct world *world, const char *name);
void chain_unsay(struct world *world, const char *name);
/* Says "go", and wakes who waits already. */
void chain_let_go(struct world *world);
/* Ends the tool itself, not what it runs. Returns how many there were. */
size_t chain_kill_tool(struct world *world);

#endif
