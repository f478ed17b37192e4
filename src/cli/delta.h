/* SPDX-License-Identifier: ISC */
/* A run's plan against the one that was approved, or applied, before it. */
#ifndef CLI_DELTA_H
#define CLI_DELTA_H

#include "cli/cli.h"

#include "berth/model/delta.h"
#include "berth/store_approved.h"

/* Finds what the run's plan is compared with (APPROVED_NEVER: nothing, all is new) and compares; the caller releases `delta`. */
bool delta_read(struct cli *cli, const struct run *run, struct approved *approved, struct delta *delta,
                struct error *error) BERTH_MUST_CHECK;
/* "3 of 5 as approved by alice 12m ago; 1 new, 1 different" */
void delta_sentence(struct cli *cli, const struct approved *approved, const struct delta *delta, struct str *out);

#endif
