/* SPDX-License-Identifier: ISC */
/* Between the files of the loader. */
#ifndef BERTH_CONFIG_LOAD_H
#define BERTH_CONFIG_LOAD_H

#include "config/schema.h"

struct window;
struct cron;

/* What config_load makes: the configuration, and what is not of its arena. */
struct loaded {
    struct config config; /* first: config_free gets this address */
    VEC(struct window *) windows;
    VEC(struct cron *) crons;
    struct schema *schema;
    const char *file; /* the caller's, for problems: they outlive a configuration with errors */
};
void load_entries(struct loaded *loaded);
/* References between sections and entries that no single key shows. Adds problems. */
void cross_check(struct loaded *loaded, struct problems *problems);

#endif
