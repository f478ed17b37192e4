/* SPDX-License-Identifier: ISC */
/* One story of the table of kills while it is played, and the ways in which its process is killed at its moment. */
#ifndef FAULTS_KILLING_H
#define FAULTS_KILLING_H

#include "faults/kills.h"
#include "faults/receiver.h"
#include "faults/story.h"
#include "e2e/screen.h"

struct killing {
    struct world world;
    const struct kill_cell *cell;
    struct receiver receiver;
    struct screen dashboard;
    struct str trouble;
    bool held, killed;
};

/* Appends `text` and how the last run stands. */
void killing_trouble(struct killing *killing, const char *text);
/* True when it is the test that kills, and at this moment. */
bool killing_is_at(const struct killing *killing, enum kill_moment moment);
bool killing_is_of(const struct killing *killing, const char *process);
/* What BERTH_FAULT of every berthd says; in `buffer`. */
const char *killing_fault(const struct kill_cell *cell, char *buffer, size_t size);
/* Points that are reached more often are armed when the story is where the kill belongs. */
bool killing_armed_at_gate(const struct kill_cell *cell);
bool killing_armed_in_tool(const struct kill_cell *cell);
void killing_arm(struct killing *killing);
/* The same for a point by its name, that fires when it is reached the Nth time from now. */
void killing_arm_point(struct killing *killing, const char *point, int nth);
/* The process that stopped itself at a point, once it has; 0 after the bound. */
pid_t killing_stopped(struct killing *killing, const char *point);
/* Waits until a line of the journal is there so often. */
void killing_wait_tool(struct killing *killing, const char *line, size_t times);
/* Brings every run to its end: retries what is held, once it is seen that nothing of it was done again meanwhile. */
void killing_settle(struct killing *killing);
/* So many runs of a workflow there are. */
size_t killing_count_runs(struct killing *killing, enum workflow workflow);
/* Whatever a listing or a look of the cleaner triggers has been answered: main moves, it is seen, and a command after it is answered. */
void killing_let_look(struct killing *killing);
/* The branch of the story, as it is in the store; true when it was listed and is (not) gone. */
bool killing_branch(struct killing *killing, struct branch *row);
/* What holds after a roll-back and after the cleaner's work, besides world_breaches: each run has its record in git. */
void killing_check_records(struct killing *killing);

/* The stories (killing_rollback.c, killing_cleaner.c), from the first deploy to what must hold. */
void killing_play_rollback(struct killing *killing);
void killing_play_cleaner(struct killing *killing);

/* Kills the process of the cell. */
void killing_now(struct killing *killing);
/* Waits until a process stopped itself at the cell's point, kills the process of the cell, lets the stopped one go on. */
void killing_while_stopped(struct killing *killing);
/* Waits until the tool has begun (it waits at its pipe), kills the process of the cell, lets the tool go on or leaves it to the recovery. */
void killing_in_tool(struct killing *killing, const char *action, const char *name);

/* The real dashboard on a terminal, showing the branch of the story. */
void killing_open_dashboard(struct killing *killing, const char *fault);
/* Asks for the deploy by a key; the dashboard dies the moment its command is in the store. */
void killing_deploy_by_key(struct killing *killing);
/* Asks for the destroy by keys: its name is typed, wholly or half. */
void killing_destroy_by_key(struct killing *killing, bool whole);

#endif
