/* SPDX-License-Identifier: ISC */
/* Questions on the terminal. Without one nobody is asked and nothing is taken for yes. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "cli/cli.h"

/* Asks and reads one line (without its end) into the arena; NULL when there is no terminal or it ended. */
const char *ask_line(struct cli *cli, const char *question);

/* Makes sure that a person saw what a verb wants seen: for approve the plan (and its digest in the arguments), for destroy the name (and `confirm` in
 * the arguments), for the others that need a confirmation a yes where there is a terminal. ERROR_USAGE without a terminal, ERROR_CANCELLED on no. */
bool ask_confirmation(struct cli *cli, const char *subject, struct error *error) BERTH_MUST_CHECK;

/* "+", "-/+" …: what a plan does. */
const char *plan_sign(int action);
/* The plan of a run as a table; of one that asks again, how much of it was approved before. */
bool print_plan(struct cli *cli, const struct run *run, FILE *out, struct error *error) BERTH_MUST_CHECK;

#endif
