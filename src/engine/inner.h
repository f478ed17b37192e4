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
/* The work on a resource ended: `parts` (list as apply_result.inner, may be NULL) are as they say, the others as that end implies; and what `there`
 * (apply_result.there, may be NULL) names is there though nobody heard of it, what it does not name is not. */
void inner_ends(struct engine_turn *turn, const struct resource *parent, const json_t *parts, const json_t *there,
                enum inner_end end);
/* Somebody's command may have changed anything: they are what `there` says, or unknown for that reason where it is NULL. False: not all of them are ok. */
bool inner_seen(struct engine_turn *turn, const struct resource *parent, const json_t *there, const char *reason);
/* A plan knows all that is there and will be (plan_result.inner) and what it would do: a part that it finds as it should be is there, one of which it does not speak is not. */
void inner_planned(struct engine_turn *turn, const char *parent, const json_t *parts, const json_t *changes);

#endif
