/* SPDX-License-Identifier: ISC */
/*
 * Named points at which a test kills, stops or fails a process. They exist only in builds configured with
 * --enable-faults; otherwise they compile to nothing. The variable BERTH_FAULT names what happens:
 *
 *   POINT[:N][=ACTION]   at the Nth time (1 when not given) that this process tree reaches POINT;
 *                        ACTION kill (SIGKILL to itself, the default), stop (SIGSTOP), fail (fault_fails returns true), exit
 *
 * several separated by commas. "N+" means the Nth time and each after it; N of 0 only counts. When BERTH_FAULT names a point and
 * BERTH_FAULT_FOLDER is set, POINT.count there holds how often it was reached: from it a test knows how large N can be.
 * When BERTH_FAULT_FOLDER is set, counting is over all processes that share it (a file per point), and
 * a point that fired writes POINT.fired there with the pid, so that a test can wait for it and a restarted process does not fire it again.
 * Every point's name is in the one table of src/base/fault.c, with its room and meaning: tests/faults is generated from it.
 */
#ifndef BERTH_BASE_FAULT_H
#define BERTH_BASE_FAULT_H

#include <stdbool.h>
#include <stddef.h>

struct fault_point {
    const char *name;    /* "worker.after_tool": process.moment */
    const char *process; /* supervisor, worker, observer, notifier, dashboard, tool */
    const char *moment;  /* one sentence */
};
const struct fault_point *fault_points(size_t *count);

#ifdef BERTH_FAULTS
/* Reaches a point: may kill or stop this process. */
void fault_point(const char *name);
/* Reaches a point that a test can make fail: true when the caller must behave as if the call had failed. */
bool fault_fails(const char *name);
#else
static inline void fault_point(const char *name)
{
    (void)name;
}
static inline bool fault_fails(const char *name)
{
    (void)name;
    return false;
}
#endif

#endif
