/* SPDX-License-Identifier: ISC */
/*
 * How values are written for people, the same on the command line and on the screen. The rules:
 *
 *   a commit is its first 8 digits, a digest its first 12;
 *   what is past is one unit and never more than it was: "41m", "1d"; less than a second is "now";
 *   what is left is at most two units, rounded: "2d" right after "2d" was set, then "1d23h"; in minutes below a day, in
 *   seconds below ten minutes;
 *   how long something took is at most two units, and milliseconds below a second: "2m10s", "340ms";
 *   what is not known is "-" in a column and "never" in a sentence;
 *   a person is the name that berth.yaml gives, else the actor as it is ("uid:1000").
 *
 * Pure; everything is appended to `out`.
 */
#ifndef BERTH_BASE_WORDING_H
#define BERTH_BASE_WORDING_H

#include "berth/base/str.h"

#include <stdint.h>

#define COMMIT_SHOWN 8
#define DIGEST_SHOWN 12

/* For columns: "41m", "now", of an instant to come what is left of it; "-" for none. */
void wording_age(struct str *out, int64_t at_ms, int64_t now_ms);
/* For sentences: "41m ago", "now", "in 1d23h"; "never" for none. */
void wording_ago(struct str *out, int64_t at_ms, int64_t now_ms);
/* What is left, in ms: "1d23h"; "now" where nothing is. */
void wording_left(struct str *out, int64_t left_ms);
/* "2m10s", "340ms"; "-" where one of the two instants is none. */
void wording_took(struct str *out, int64_t from_ms, int64_t to_ms);
/* The first 8 digits, "-" for none. Text from outside that is no commit is cut at a character. */
void wording_commit(struct str *out, const char *commit);
/* What follows a status in a sentence: ": reason", nothing without one, and of a reason that begins with the status itself only its rest (" by run 7"):
 * "rolled back: rolled back by run 7" says it twice. */
void wording_because(struct str *out, const char *status, const char *reason);
/* Who it was; "-" when neither is known. */
void wording_person(struct str *out, const char *person, const char *actor);

#endif
