/* SPDX-License-Identifier: ISC */
/* What /proc/PID/stat says of a process. */
#ifndef BERTH_SRC_BASE_PROC_STAT_H
#define BERTH_SRC_BASE_PROC_STAT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_stat {
    char state; /* as ps shows it: R, S, D, T, Z … */
    pid_t session;
    uint64_t start_ticks;
};

/* False when there is no such process (any more). */
bool proc_stat_read(pid_t pid, struct proc_stat *stat);
/* A zombie, or about to be one: it does nothing any more. */
bool proc_stat_ended(const struct proc_stat *stat);

#endif
