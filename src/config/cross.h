/* SPDX-License-Identifier: ISC */
/* The checks that see several keys together; each adds its own problems. */
#ifndef BERTH_CONFIG_CROSS_H
#define BERTH_CONFIG_CROSS_H

#include "config/load.h"

struct cross {
    const struct config *config;
    const char *file; /* the caller's */
    struct arena *arena;
    struct problems *problems;
    struct map entries, people, groups; /* by name */
};
void cross_people(struct cross *cross);   /* access, groups, gates */
void cross_names(struct cross *cross);    /* names that two entries yield, patterns that match nothing */
void cross_triggers(struct cross *cross); /* sources, triggers, queues, promotion */
void cross_paths(struct cross *cross);    /* what ${{ }} names in berth.yaml */
bool cross_error(struct cross *cross, const struct node *at, const char *hint, const char *format, ...)
    BERTH_PRINTF(4, 5);
bool cross_warning(struct cross *cross, int line, const char *hint, const char *format, ...) BERTH_PRINTF(4, 5);
/* Whether the name pattern of an entry can yield `name`. */
bool name_pattern_fits(const struct config_entry *entry, const char *name);
/* Where a key of an entry stands, or the entry itself; `key` may be "gate.approvals". */
const struct node *entry_at(const struct config_entry *entry, const char *key);

#endif
