/* SPDX-License-Identifier: ISC */
/*
 * What `terraform apply -json` says while it works, line by line: readable text for the log, progress, how each inner resource ended, the first
 * error and the outputs. The lines may be anything.
 */
#ifndef PROVIDER_TERRAFORM_EVENTS_H
#define PROVIDER_TERRAFORM_EVENTS_H

#include "provider/terraform/diagnostic.h"

struct events {
    const struct provider_context *context; /* log, progress and inner are told through it */
    struct arena *arena;                    /* of the addresses */
    struct diagnostic failed;
    struct map at;      /* address -> place in inner + 1 */
    json_t *inner;      /* list of {"address","kind","status","text"} in the order of their first mention; owned */
    json_t *outputs;    /* the tool's object NAME: {"sensitive","value"}; owned, NULL: it said none */
    size_t total, done; /* things to do, of these ended */
};
void events_init(struct events *events, const struct provider_context *context, struct arena *arena);
void events_release(struct events *events);
/* For runner_job.line; owner: struct events. */
void events_line(const char *line, size_t length, void *owner);

#endif
