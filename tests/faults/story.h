/* SPDX-License-Identifier: ISC */
/*
 * The story that most tests of faults play: a deploy with its gate, then a destroy, by somebody who does what a person would: approves what was
 * shown, and tries again what is held or failed. And what must hold when it is over.
 */
#ifndef FAULTS_STORY_H
#define FAULTS_STORY_H

#include "faults/world.h"

#define STORY_ENVIRONMENT "review/feature-x-217d2b"
#define RUNS_ENDED                                                                                         \
    (1u << RUN_DONE | 1u << RUN_FAILED | 1u << RUN_REJECTED | 1u << RUN_SUPERSEDED | 1u << RUN_CANCELLED | \
     1u << RUN_ROLLED_BACK)
#define RUNS_REST (RUNS_ENDED | 1u << RUN_HELD)

/* Appends `text` and how the last run stands. */
void story_trouble(struct world *world, struct str *trouble, const char *text);
/* Approves the digest that is shown and waits for the answer. */
void story_approve(struct world *world, const struct run *run);
/* Brings the last run to its end: approves, retries what is held or failed, a few times. NULL when it neither ends nor says what it waits for. */
const struct run *story_to_end(struct world *world, struct str *trouble);
/* Asks for a deploy and waits for its gate; NULL with trouble. */
const struct run *story_to_gate(struct world *world, struct str *trouble);
bool story_deploy(struct world *world, struct str *trouble);
bool story_destroy(struct world *world, struct str *trouble);
/* Each resource went up and down, and nothing that had finished ran again; audit, tools, locks. */
void story_check(struct world *world, struct str *trouble);

#endif
