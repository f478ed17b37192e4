/* SPDX-License-Identifier: ISC */
/*
 * Many small stories in one test program: each plays in a process of its own, several at once (they mostly wait), and their results come out in
 * order as TAP. A case that takes too long, or dies, has failed.
 */
#ifndef FAULTS_CASES_H
#define FAULTS_CASES_H

#include "berth/base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* One case: what went wrong is appended to `trouble` (empty: it passed), what is to be told anyway to `note`. Runs in its own process. */
typedef void case_play(size_t index, void *context, struct str *trouble, struct str *note);
struct case_result {
    struct str trouble, note;
};
/* Plays cases 0 … count-1. The caller frees with cases_free. */
struct case_result *cases_play(size_t count, case_play *play, void *context);
void cases_free(struct case_result *results, size_t count);
/* Prints one line of TAP, skipped where the note says "SKIP reason"; the trouble below it. True when it passed. */
bool cases_tell(size_t number, const struct case_result *result, const char *format, ...) BERTH_PRINTF(3, 4);
/* True under `make torture`: everything is tried, not a choice. */
bool cases_exhaustive(void);
/* BERTH_SEED, or 1. */
size_t cases_seed(void);
/* A choice of at most `most` of 1 … count, evenly spread, its beginning by BERTH_SEED; all of them under `make torture`. Fills `chosen` (room for count), returns how many. */
size_t cases_choose(size_t count, size_t most, size_t *chosen);

#endif
