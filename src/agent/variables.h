/* SPDX-License-Identifier: ISC */
/* What every tool of a run is told in its environment, whatever the phase: the BERTH_ variables. */
#ifndef AGENT_VARIABLES_H
#define AGENT_VARIABLES_H

#include "agent/worker.h"

#include <jansson.h>

/* A new object for the attempt's step worked on from `commit`; makes the environment's own folder, which BERTH_ENVIRONMENT_FOLDER names.
 * NULL: that could not be made. */
json_t *worker_variables(struct attempt *attempt, const char *commit, struct error *error) BERTH_MUST_CHECK;

#endif
