/* SPDX-License-Identifier: ISC */
/* What keeps commits, and what the keeper is told to release: the supervisor's part of it. */
#ifndef AGENT_KEEPING_H
#define AGENT_KEEPING_H

#include <stdbool.h>
#include <stddef.h>

struct child;
struct supervisor;

/* Something ended that may have needed a commit: soon it is looked at. */
void keeping_note(struct supervisor *supervisor);
/* Once a second: starts the keeper when it is time. */
void keeping_look(struct supervisor *supervisor);
/* Whether it is at work, or about to be: until then this process does not end by itself. */
bool keeping_is_due(const struct supervisor *supervisor);
/* The pin of this run is being released: nothing of it is given to a worker until that is over, for it would take the pin again. */
bool keeping_releases(const struct supervisor *supervisor, const char *run);
void keeping_judge(struct supervisor *supervisor, struct child *keeper, const char *json, size_t length);
void keeping_kept(struct supervisor *supervisor, const char *json, size_t length);
/* The keeper is gone, done or not. */
void keeping_over(struct supervisor *supervisor);
void keeping_release(struct supervisor *supervisor);

#endif
