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
