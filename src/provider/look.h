/* SPDX-License-Identifier: ISC */
/* What probes share: how long a look may take, and saying what was seen. */
#ifndef PROVIDER_LOOK_H
#define PROVIDER_LOOK_H

#include "berth/provider.h"

/* `timeout` of the probe (default 5 s), cut to the context's deadline. */
int look_timeout_ms(const struct provider_context *context, const json_t *spec);
/* Sets status and reason; returns true. Reasons hold no times and counts that differ at each look: only news takes a revision. */
bool look_says(struct resource *seen, struct arena *arena, enum resource_status status, const char *format, ...)
    BERTH_PRINTF(4, 5);

#endif
