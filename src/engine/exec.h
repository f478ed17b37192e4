/* SPDX-License-Identifier: ISC */
/* Runs of an operator's own command, or of a state's lock that is to be released. */
#ifndef ENGINE_EXEC_H
#define ENGINE_EXEC_H

#include "engine/turn.h"

bool run_is_exec(const struct run *run);
/* It changes nothing: a plan, or a command that only reads. Nobody waits for it. */
bool run_only_looks(const struct run *run);
bool run_unlocks(const struct run *run);
/* The place of the resource that it is about, or -1. */
long exec_resource(const struct engine_turn *turn);
/* The steps of a command that begins, or of one that has to be asked for again. */
void exec_plan(struct engine_turn *turn);
void exec_start(struct engine_turn *turn);
/* Guard: it would release a lock whose holder is proven dead, and nobody else is at work. */
bool exec_is_proven(struct engine_turn *turn);
void exec_done(struct engine_turn *turn);
/* A command that may have changed something was at work: its resource's inner parts are what `body` says is there, else unknown. Nothing for any other step. */
void exec_left(struct engine_turn *turn, const struct step *step, const json_t *body);
/* Failed, held, cancelled: the environment is as it was to berth, and free. */
void exec_ended(struct engine_turn *turn);
/* What an audit entry tells of its step: the words and how they ended. */
const char *exec_told(const struct engine_turn *turn, const struct step *step);

/* gate.c: the two halves of lock_take. Nobody else works there meanwhile; and what others had planned, or left half done, stands on something else from
 * now on. */
void lock_hold(struct engine_turn *turn);
void lock_changes(struct engine_turn *turn);

#endif
