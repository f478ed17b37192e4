/* SPDX-License-Identifier: ISC */
/*
 * The tables of kills: in which story, which process, at which moment, with which executor, and what must hold. Generated here from a few lists, printed
 * as doc/kills.md (a test compares), and played by test_kills and test_terraform.
 */
#ifndef FAULTS_KILLS_H
#define FAULTS_KILLS_H

#include "faults/world.h"

#define SUPERVISOR_TWICE "supervisor, and the next one at once"
#define SUPERVISOR_AND_WORKER "supervisor and worker together"
#define THE_MACHINE "everything, and the machine restarts" /* played: all is killed, the marks say another boot */

#define KILL_CELLS 640 /* room for all of them */

enum kill_story {
    KILL_DEPLOY, /* a deploy with its gate and a check, then a destroy */
    KILL_ROLLBACK, /* a deploy, a push that fails and is rolled back by itself, the branch back at the bad commit, a destroy */
    KILL_CLEANER, /* a deploy, then its branch goes, and the environment after it; or an undo, or the branch is back */
    KILL_STORIES
};

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
    AT_FAILURE, /* of a deploy; from here: moments of a roll-back */
    AT_ROLLBACK,
    AT_ROLLBACK_PREPARE,
    AT_ROLLBACK_PLAN,
    AT_ROLLBACK_APPLY,
    AT_ROLLBACK_END,
    AT_ROLLED_BACK,
    AT_RECORD,
    AT_GONE_ONCE, /* a branch; from here: moments of the cleaner's work */
    AT_GONE_TWICE,
    AT_GRACE,
    AT_DECIDED,
    AT_ASKED,
    AT_ENDING,
    AT_ENDING_PLAN,
    AT_FIRST_TOUCH,
    AT_LAST_GONE,
    AT_ENDED,
    AT_UNDO,
    AT_UNDONE,
    AT_BACK,
    AT_TOO_MANY,
    AT_QUESTION,
    AT_MOMENTS
};
struct kill_cell {
    enum kill_story story;
    const char *process;
    enum kill_moment moment;
    enum world_executor executor;
    enum kill_way way;
    const char *point; /* of KILL_AT_POINT; of KILL_FROM_TEST: where a process stops itself meanwhile, or NULL */
    enum kill_outcome outcome;
    const char *why;
};

/* The cells of test_terraform, in its order. */
#define KILL_TERRAFORM_CASES 10
struct kill_terraform {
    const char *process, *moment, *holds;
};
extern const struct kill_terraform kill_terraform[KILL_TERRAFORM_CASES];

extern const char *const kill_moment_names[];
extern const char *const world_executor_names[WORLD_EXECUTORS];
/* Fills `cells` (room for `room`), returns how many there are. */
size_t kill_cells(struct kill_cell *cells, size_t room);
/* The table as Markdown. */
void kill_table(struct str *out);

#endif
