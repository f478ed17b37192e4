/* SPDX-License-Identifier: ISC */
/* From verbs to the functions that run them. */
#ifndef CLI_DISPATCH_H
#define CLI_DISPATCH_H

#include "cli/cli.h"

/* The command of a verb; NULL: nobody wrote it (a test sees to it that there is none such). */
cli_command *dispatch(const struct verb *verb);
/* Runs one verb with its words (argv[0] is the verb) as a call of its own, in `folder`. Returns the exit status. */
int run_words(const char *folder, int argc, char **argv);

#endif
