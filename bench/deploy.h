/* SPDX-License-Identifier: ISC */
/* A deploy as benchmarks time it: with its gate, in a world of its own. */
#ifndef BENCH_DEPLOY_H
#define BENCH_DEPLOY_H

#include "faults/world.h"

#include <stdint.h>

#define DEPLOY_ENVIRONMENT "review/feature-x-217d2b"

struct deploy_times {
    int64_t plan_us;  /* from the command to the open gate */
    int64_t apply_us; /* from the approval to the stored end */
};
/* Deploys feature/x, whose berthd is started; false when it did not end well: why is printed. */
bool deploy_once(struct world *world, struct deploy_times *times);
/* Whether there is a terraform that runs. */
bool has_terraform(void);

#endif
