/* SPDX-License-Identifier: ISC */
/*
 * Diagnostic lines for whoever runs the programs (not the logs of runs). Off by default but for warnings; `-v`, `-vv` and
 * the variable BERTH_TRACE ("store,engine" or "all") switch rooms on. Lines go to one descriptor set by main (stderr, or berthd's
 * log file), as "2026-11-21T14:05:09.123Z room level text", one write(2) each, control characters made visible.
 * The level, rooms and descriptor are set once at start, before other threads; this is the one global of base.
 */
#ifndef BERTH_BASE_LOG_H
#define BERTH_BASE_LOG_H

#include "berth/base/error.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_TRACE };
/* Every room writes up to `level`; the rooms of the list `rooms` (the value of BERTH_TRACE, or NULL) write everything. */
void log_setup(int fd, enum log_level level, const char *rooms);
void log_line(const char *room, enum log_level level, const char *format, ...) BERTH_PRINTF(3, 4);
void log_error(const char *room, enum log_level level, const struct error *error);

#endif
