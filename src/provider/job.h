/* SPDX-License-Identifier: ISC */
/* What executors that run tools have in common. */
#ifndef PROVIDER_JOB_H
#define PROVIDER_JOB_H

#include "berth/provider.h"

/* The tool's environment: berth's own variables, then those of `env`. New reference. */
json_t *job_environment(const struct executor_task *task) BERTH_MUST_CHECK;
/* How a tool ended, as an error; true when it ended well. `word`: what to do again once it is mended. */
bool job_ended_well(const struct runner_outcome *outcome, const char *program, const char *word,
                    struct error *error) BERTH_MUST_CHECK;
/* `env` sets none of berth's own names. */
bool job_check_environment(const struct executor_task *task, struct error *error) BERTH_MUST_CHECK;

#endif
