/* SPDX-License-Identifier: ISC */
/* The template that the stories deploy: three resources a <- b <- c that are scripts, in the ways that differ when something is killed. */
#ifndef FAULTS_SHOP_H
#define FAULTS_SHOP_H

#include "faults/world.h"

enum shop_stage {
    SHOP_WHOLE,        /* a, b, c and a check */
    SHOP_PLANNED,      /* the same, and the tool says what each would do */
    SHOP_BEFORE_PRUNE, /* a, b, c and two of d; no check */
    SHOP_AFTER_PRUNE,  /* c is gone, and one of d */
    SHOP_BROKEN,       /* b fails each time */
};
/* Appends the template; `port` is where probes of WORLD_GUARDED connect to. */
void shop_template(struct str *out, enum world_executor executor, enum shop_stage stage, int port);
/* Appends the script that each resource runs: it keeps a journal in `folder` and waits at a pipe when the test has put one there. */
void shop_tool(struct str *out, enum world_executor executor, const char *folder);
/* Appends the rest of what the tool of WORLD_CLEARED runs in an empty environment, beside a process it forks. */
void shop_cleared_tool(struct str *out, const char *folder);

#endif
