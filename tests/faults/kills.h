/* SPDX-License-Identifier: ISC */
/*
 * The table of kills: which process, at which moment, with which executor, and what must hold. Generated here from a few lists, printed as
 * doc/kills.md (a test compares), and run whole by test_kills.
 */
#ifndef FAULTS_KILLS_H
#define FAULTS_KILLS_H

#include "faults/world.h"

#define SUPERVISOR_TWICE "supervisor, and the next one at once"
#define SUPERVISOR_AND_WORKER "supervisor and worker together"
#define THE_MACHINE "everything, and the machine restarts" /* played: all is killed, the marks say another boot */

#define KILL_CELLS 512 /* room for all of them */

enum kill_way {
    KILL_AT_POINT,   /* the process kills itself at a named point */
    KILL_FROM_TEST,  /* the test kills it when the story is at the moment */
    KILL_IMPOSSIBLE, /* `why` says so */
};
enum kill_outcome {
    KILL_CONTINUES, /* the story reaches its end by itself */
    KILL_FAILS,     /* the run fails before it touched anything and says why; the next one reaches its end */
    KILL_HOLDS,     /* the run is held and asks; `retry` then brings it to its end */
};
enum kill_moment {
    AT_ACCEPT,
    AT_ACCEPTED,
    AT_CLAIM,
    AT_AFTER_CLAIM,
    AT_HANDED,
    AT_PREPARE,
    AT_PLAN,
    AT_GATE,
    AT_APPLY,
    AT_AFTER_TOOL,
    AT_AFTER_RESULT,
    AT_CHECK,
    AT_DELIVER,
    AT_DELIVERED,
    AT_PRUNE,
    AT_CONFIRM,
    AT_DESTROY,
    AT_LISTING,
    AT_LATER_LISTING,
    AT_MOMENTS
};
struct kill_cell {
    const char *process;
    enum kill_moment moment;
    enum world_executor executor;
    enum kill_way way;
    const char *point; /* of KILL_AT_POINT; of KILL_FROM_TEST: where a process stops itself meanwhile, or NULL */
    enum kill_outcome outcome;
    const char *why;
};

extern const char *const kill_moment_names[];
extern const char *const world_executor_names[WORLD_EXECUTORS];
/* Fills `cells` (room for `room`), returns how many there are. */
size_t kill_cells(struct kill_cell *cells, size_t room);
/* The table as Markdown. */
void kill_table(struct str *out);

#endif
