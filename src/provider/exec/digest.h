/* SPDX-License-Identifier: ISC */
/*
 * The digest of what an exec resource would run: four parts, each a keyed hash, so that a difference can be told in words and no value be guessed
 * from it. "1-CODE-ARGUMENTS-ENVIRONMENT-INPUTS".
 */
#ifndef PROVIDER_EXEC_DIGEST_H
#define PROVIDER_EXEC_DIGEST_H

#include "berth/base/error.h"

struct arena;
struct executor_task;
struct provider_context;

enum digest_part { DIGEST_CODE, DIGEST_ARGUMENTS, DIGEST_ENVIRONMENT, DIGEST_INPUTS, DIGEST_PARTS };

/* NULL with an error. `*files`: how many files `changed` named (0 without `changed`). */
const char *exec_digest(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                        size_t *files, struct error *error) BERTH_MUST_CHECK;
/* The set of parts (1 << enum digest_part) that differ; all when either is of another form. */
unsigned exec_digest_difference(const char *before, const char *after);

#endif
