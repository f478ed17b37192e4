/* SPDX-License-Identifier: ISC */
/*
 * The agent: berthd's processes. One supervisor a store turns commands into work and is the only writer; its children (workers, observers, notifier, keeper)
 * are the same program started with `--child`, and speak frames with it over a socket (src/agent/protocol.h).
 *
 *   berthd --store FOLDER --repository PATH_OR_URL --workspace NAME [--config FILE] [--foreground] [-v…]
 */
#ifndef BERTH_AGENT_H
#define BERTH_AGENT_H

#include "berth/base/error.h"

struct host_config;

struct agent_options {
    const char *program; /* absolute path of berthd, for starting children */
    const char *store_folder;
    const char *repository; /* the trusted repository: an absolute path or a URL; policy is read from it */
    const char *workspace;  /* must be what the policy says */
    const struct host_config *host;
};

/* Runs the supervisor until it is told to end (SIGTERM drains) or nothing is to come. Returns an exit status: 0, or 5 when another
 * supervisor serves the store. Errors are logged and returned. */
int agent_supervise(const struct agent_options *options, struct error *error);

/* Runs a child: "worker", "observer:branches", "observer:probes", "notifier", "keeper". Descriptor 3 is the socket, 4 the stop event. */
int agent_child(const char *kind, const struct agent_options *options, struct error *error);

#endif
