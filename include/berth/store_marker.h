/* SPDX-License-Identifier: ISC */
/*
 * Which process began an attempt at a step: a small file in runs/RUN/ of the store's folder, beside the database because a worker that lost its supervisor
 * goes on. berthd writes it (src/agent/marker.h says when), and `berth` tells by it who still works when nobody serves.
 */
#ifndef BERTH_STORE_MARKER_H
#define BERTH_STORE_MARKER_H

#include "berth/base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define STORE_MARKER_LIMIT 512 /* bytes of such a file */

struct marker { /* what .started says */
    pid_t pid;  /* 0: taken back before it began */
    uint64_t start_ticks;
    char boot[40]; /* boot id of the machine */
};

/* The path of an attempt's file, `ending` is "started" or "result". The caller frees. */
char *marker_path(const char *store_folder, const char *run, const char *step, int64_t attempt, const char *ending);
/* False when there is none (error code ERROR_NOT_FOUND) or it cannot be read. */
bool marker_read(const char *store_folder, const char *run, const char *step, int64_t attempt, struct marker *marker,
                 struct error *error) BERTH_MUST_CHECK;
/* Whether the process that began it lives, on this boot of the machine. */
bool marker_lives(const struct marker *marker);

#endif
