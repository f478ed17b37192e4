/* SPDX-License-Identifier: ISC */
/*
 * The logs of runs: one append-only file a step beside the database, `logs/RUN/STEP.log`. The worker that runs the step
 * writes it, already redacted; rows hold its size (step.log_bytes, quiet); whoever reads asks by offset. Bytes are kept as they
 * came: no line is waited for, so a line of 100 MB is as good as any; making them harmless for a terminal is the reader's work.
 *
 * Run and step ids become file names by a readable slug and, where that lost anything (addresses hold brackets, slashes, colons), a
 * hash: two ids never share a file and none leaves the folder.
 */
#ifndef BERTH_STORE_LOG_H
#define BERTH_STORE_LOG_H

#include "berth/base/error.h"
#include "berth/base/str.h"

#include <stdint.h>

#define RUN_LOG_LIMIT (INT64_C(1) << 30)     /* bytes of one step; what comes after is dropped, and the file says so */
#define RUN_LOG_READ_LIMIT ((size_t)1 << 20) /* bytes that one read gives at most */

/* The file's path below the store's folder `folder`; log_folder of a run is run_log_folder. The caller frees. */
char *run_log_path(const char *folder, const char *run, const char *step) BERTH_MUST_CHECK;
/* "logs/RUN": the run's folder, relative to the store's. The caller frees. */
char *run_log_folder(const char *run) BERTH_MUST_CHECK;

/* --- writing ------------------------------------------------------------------------------------------------ */

struct run_log {
    int fd;       /* -1: closed; close-on-exec */
    int64_t size; /* bytes in the file */
    bool full;    /* the limit is reached */
};
/* Opens for appending, makes folder (0700) and file (0600); an attempt that came before keeps its text. ERROR_IO, ERROR_FULL. */
bool run_log_open(struct run_log *log, const char *folder, const char *run, const char *step,
                  struct error *error) BERTH_MUST_CHECK;
/* Appends; past the limit it drops and is true. Not synced: a step's result is what must last, not its last line. */
bool run_log_append(struct run_log *log, const void *bytes, size_t count, struct error *error) BERTH_MUST_CHECK;
void run_log_close(struct run_log *log);

/* --- reading ------------------------------------------------------------------------------------------------ */

/* Bytes there now; 0 when there is no file yet. */
int64_t run_log_size(const char *folder, const char *run, const char *step);
/* Appends at most `limit` (and RUN_LOG_READ_LIMIT) bytes from `offset` to `out`; none at or past the end, or when there is no file yet. */
bool run_log_read(const char *folder, const char *run, const char *step, int64_t offset, size_t limit, struct str *out,
                  struct error *error) BERTH_MUST_CHECK;
/* The offset at which the last `lines` lines begin, looking back at most RUN_LOG_READ_LIMIT bytes (then the offset is there, within a line). */
bool run_log_tail(const char *folder, const char *run, const char *step, size_t lines, int64_t *offset,
                  struct error *error) BERTH_MUST_CHECK;
/* A descriptor (inotify, close-on-exec, non-blocking) that becomes readable when any file of the run's folder grows or appears; -1 when the
 * folder cannot be watched. Arm, then read. The caller closes; run_log_woken empties it. */
int run_log_watch(const char *folder, const char *run);
void run_log_woken(int watch_fd);

#endif
