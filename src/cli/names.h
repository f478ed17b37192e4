/* SPDX-License-Identifier: ISC */
/*
 * Names that a person gives. One that is not there is a call used wrongly (exit status 2), whatever the verb, and the answer names what was
 * nearly meant.
 */
#ifndef CLI_NAMES_H
#define CLI_NAMES_H

#include "cli/cli.h"

enum name_kind { NAME_OF_ENVIRONMENT, NAME_OF_ENVIRONMENT_OR_BRANCH };

/* Whether something can be meant by it: an environment that is or was, one that berth.yaml writes out or that a person may name, a listed
 * branch, or the environment that a listed branch would make. The session is open. */
bool name_is_known(struct cli *cli, const char *name);
/* Fills `error` with ERROR_USAGE and up to three names that are near. Always false. */
bool name_unknown(struct cli *cli, enum name_kind kind, const char *name, struct error *error);
/* The hint of it: `nearest` is "" or the quoted names. Always false. */
bool name_hint(struct error *error, const char *nearest, bool branches);

#endif
