/* SPDX-License-Identifier: ISC */
/*
 * The logs of runs: append-only files beside the database, `logs/RUN/PROCESS.log`, one for each worker that did a step of the run. A file for
 * each step would cost more than a short step itself: `logs/RUN/index` says, a line an attempt, which step begins where in which
 * file, and is written before the first byte. The worker that runs the step writes it, already redacted; whoever reads asks for
 * a step by offset. Bytes are kept as they came: no line is waited for, so a line of 100 MB is as good as any; making them harmless for a
 * terminal is the reader's work.
 *
 * Run and step ids become names by a readable slug and, where that lost anything (addresses hold brackets, slashes, colons), a
 * hash: two ids never share one and none leaves the folder or its line.
 */
#ifndef BERTH_STORE_LOG_H
#define BERTH_STORE_LOG_H

#include "berth/base/error.h"
#include "berth/base/str.h"

#include <stdint.h>

#define RUN_LOG_LIMIT (INT64_C(1) << 30) /* bytes of one attempt; what comes after is dropped, and the file says so */
#define RUN_LOG_READ_LIMIT ((size_t)1 << 20) /* bytes that one read gives at most */

/* --- writing ------------------------------------------------------------------------------------------------ */

struct run_log {
    int fd, index_fd; /* -1: closed; close-on-exec, appending */
    char *run_folder;
    int64_t start, size; /* where the attempt began in the file, and its bytes since */
    bool full;           /* the limit is reached */
};
#define RUN_LOG_INIT             \
    {                            \
        .fd = -1, .index_fd = -1 \
    }
/* Begins the log of an attempt at a step; those that came before keep their text. `log` is RUN_LOG_INIT or still open: the files of the same run
 * are used again. Makes folder (0700) and files (0600). ERROR_IO, ERROR_FULL: `log` is closed. */
bool run_log_open(struct run_log *log, const char *folder, const char *run, const char *step,
                  struct error *error) BERTH_MUST_CHECK;
/* Appends; past the limit it drops and is true. Not synced: a step's result is what must last, not its last line. */
bool run_log_append(struct run_log *log, const void *bytes, size_t count, struct error *error) BERTH_MUST_CHECK;
void run_log_close(struct run_log *log);

/* --- reading ------------------------------------------------------------------------------------------------ */

/* Bytes there now; 0 when there is none yet. */
int64_t run_log_size(const char *folder, const char *run, const char *step);
/* Appends at most `limit` (and RUN_LOG_READ_LIMIT) bytes from `offset` to `out`; none at or past the end, or when there is none yet. */
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
