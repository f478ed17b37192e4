/* SPDX-License-Identifier: ISC */
/*
 * What the benchmarks share: samples and their percentiles, a folder on a real disk, ending on an error.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "berth/base/error.h"
#include "berth/base/memory.h"

#include <stdint.h>

struct samples { /* microseconds */
    int64_t *items;
    size_t count, room;
};
void samples_add(struct samples *samples, int64_t us);
void samples_sort(struct samples *samples);
/* The percentile (0 to 100) of sorted samples, in milliseconds. */
double samples_ms(const struct samples *samples, int percent);
void samples_release(struct samples *samples);

/* A throwaway folder below $BENCH_FOLDER, else the working directory (a real disk; /tmp may be memory). measure_remove ends it. */
char *measure_folder(void);
void measure_remove(char *folder);
/* Appends one page to a file in the folder and syncs it, `count` times: what the disk itself costs. */
void measure_sync(const char *folder, size_t count, struct samples *samples);
/* Ends the program with the error's line. */
void require(bool done, const struct error *error);

#endif
