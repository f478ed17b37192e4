/* SPDX-License-Identifier: ISC */
/* The receiver git: one commit for each run that ended, on a ref of its own; see struct provider_notify. */
#ifndef PROVIDER_GIT_AUDIT_H
#define PROVIDER_GIT_AUDIT_H

#include "berth/provider.h"

/* Delivers a record (run_record.h). The same record again makes no second commit; a commit made from it and the same parent has the same id. */
bool audit_deliver(const struct provider_context *context, const struct delivery *delivery, const char *key,
                   struct error *error) BERTH_MUST_CHECK;
/* Whether a branch is where a receiver keeps its records: no branch to deploy. */
bool audit_is_kept_in(const struct config *config, const char *repository, const char *branch);

#endif
