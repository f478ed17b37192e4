/* SPDX-License-Identifier: ISC */
/*
 * What every child of the supervisor keeps: its options, its socket and the policy it was last told. And how a section of the policy becomes what
 * a provider may use (relative repository paths made absolute against the trusted repository).
 */
#ifndef AGENT_SETUP_H
#define AGENT_SETUP_H

#include "berth/agent.h"
#include "berth/base/memory.h"
#include "berth/config.h"

#include <jansson.h>
#include <stdint.h>

struct provider;

struct setup {
    const struct agent_options *options;
    struct config *config;           /* NULL: none yet */
    struct arena arena;              /* of sections that were made for this policy … */
    struct map sections;             /* … by repository */
    struct arena own;                /* of `bootstrap` */
    struct config_section bootstrap; /* the trusted repository before there is a policy */
};
void setup_init(struct setup *setup, const struct agent_options *options);
void setup_release(struct setup *setup);
/* Takes a FRAME_SETUP payload. A text that does not load leaves the old one: the supervisor has checked it. */
bool setup_take(struct setup *setup, const char *json, size_t length, struct error *error) BERTH_MUST_CHECK;
/* The section of a repository, ready for a provider; `name` "" or unknown without a policy: the bootstrap. NULL with an error. */
const struct config_section *setup_repository(struct setup *setup, const char *name,
                                              struct error *error) BERTH_MUST_CHECK;

/* Builds a FRAME_SETUP payload. */
struct str;
void setup_write(struct str *out, const char *text, const char *commit);

/* The provider of an item of `probes`: its first key that names one with that capability. NULL: none is built. */
const struct provider *setup_probe(const json_t *spec);

#endif
