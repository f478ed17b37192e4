/* SPDX-License-Identifier: ISC */
/* Inner parts of resources, kept out of what is planned, ordered and counted. */
#ifndef ENGINE_INNER_H
#define ENGINE_INNER_H

#include "engine/turn.h"

/* Takes their rows out of turn->resources. */
void inner_split(struct engine_turn *turn);
/* Those of a resource whose row is dropped go with it. */
void inner_follow_dropped(struct engine_turn *turn);
/* The row of an inner part by the name that its executor has for it, or NULL. */
const struct resource *inner_part(const struct engine_turn *turn, const char *parent, const char *name);
void inner_forget(struct engine_turn *turn, const char *parent);
enum inner_end { INNER_DONE, INNER_STOPPED };
/* The work on a resource ended: `parts` (list as apply_result.inner, may be NULL) are as they say, the others as that end implies. */
void inner_ends(struct engine_turn *turn, const struct resource *parent, const json_t *parts, enum inner_end end);
/* A plan knows all that is there and will be: a part whose making was stopped, and of which it does not speak, never came to be. */
void inner_planned(struct engine_turn *turn, const char *parent, const json_t *parts, const json_t *changes);

#endif
