/* SPDX-License-Identifier: ISC */
/*
 * A looker: a short process of an observer that looks at one resource and writes what it saw into a pipe. It may call a provider that never comes back: it
 * is ended at its deadline, and it dies with the observer. The observer owns it and never waits for it.
 */
#ifndef AGENT_LOOKER_H
#define AGENT_LOOKER_H

#include "berth/base/error.h"
#include "berth/base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct looker {
    char *resource; /* id, owned */
    pid_t pid;
    int fd; /* its answer; readable at its end too */
    struct str answer;
    int64_t began_ms, until_ms; /* monotonic */
    bool ended;                 /* all that it says has been read */
    bool slow;                  /* its owner's: it looks at what was slow before */
};

/* Runs in the looker; gives {"resource","status","reason","ready"}, or NULL. */
typedef json_t *looker_call(const char *resource, void *context);
/* Starts it. At `until_ms` (monotonic) it is given up. looker_release afterwards, when this was true. */
bool looker_start(struct looker *looker, const char *resource, int64_t until_ms, looker_call *call, void *context,
                  struct error *error) BERTH_MUST_CHECK;
/* Reads what is there without waiting. */
void looker_read(struct looker *looker);
/* What it saw, the caller's; "unknown" with a reason when it died or its time is over; NULL: it still looks. */
json_t *looker_answer(struct looker *looker);
/* Ends it if it still runs, and frees. */
void looker_release(struct looker *looker);

#endif
