/* SPDX-License-Identifier: ISC */
/*
 * What terraform says when it fails: the first error, whether it came as text or as JSON, and the state's lock when that is why. Pure.
 */
#ifndef PROVIDER_TERRAFORM_DIAGNOSTIC_H
#define PROVIDER_TERRAFORM_DIAGNOSTIC_H

#include "berth/base/memory.h"
#include "berth/base/str.h"
#include "berth/provider.h"

#include <jansson.h>

#define DETAIL_LIMIT 8192 /* bytes of the first error's text that are kept */

struct diagnostic {
    char summary[256]; /* "": no error was said */
    struct str detail; /* starts zeroed or with STR_INIT */
    bool open;         /* lines of text that come belong to it */
};
void diagnostic_init(struct diagnostic *diagnostic);
void diagnostic_release(struct diagnostic *diagnostic);
/* One line of the tool's text. */
void diagnostic_line(struct diagnostic *diagnostic, const char *line, size_t length);
/* The "diagnostic" of a line of JSON. */
void diagnostic_json(struct diagnostic *diagnostic, const json_t *said);
/* True when it failed because somebody holds the state's lock; fills what is said of it. */
bool diagnostic_lock(const struct diagnostic *diagnostic, struct arena *arena, struct state_lock *lock);
/* Its detail without the breaks by which the tool fits it to a screen. In the arena. */
const char *diagnostic_in_a_line(const struct diagnostic *diagnostic, struct arena *arena);
bool diagnostic_stale(const struct diagnostic *diagnostic); /* the saved plan is older than the state */
/* As in plan_result and apply_result. New reference. */
json_t *lock_to_json(const struct state_lock *lock) BERTH_MUST_CHECK;

#endif
