/* SPDX-License-Identifier: ISC */
/* The processes of a tool: everything in its session, and what its token marks. */
#ifndef PROVIDER_LOCAL_SESSION_H
#define PROVIDER_LOCAL_SESSION_H

#include "berth/base/error.h"

#include <stdint.h>
#include <sys/types.h>

/* Makes the orphans of tools children of this process, so that session_may_have_left can be cheap. */
void session_adopt_orphans(void);
/* Signals every process of the session, whatever its process group; wakes those that are stopped. */
void session_signal(pid_t session, int signal_number);
/* After the main process was reaped: reaps orphans too. False: certainly nothing of it is left. One system call when this process has no other child. */
bool session_may_have_left(void);
/* Ends what is left in the session. What is just about to leave it (setsid in a child) is given a moment for that. */
bool session_end(pid_t session, struct error *error) BERTH_MUST_CHECK;
/* Ends all of the session and every process marked by the token ("" none), detached ones too. */
bool session_end_all(pid_t session, const char *token, int first_signal, int64_t grace_ms,
                     struct error *error) BERTH_MUST_CHECK;

#endif
