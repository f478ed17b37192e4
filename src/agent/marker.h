/* SPDX-License-Identifier: ISC */
/*
 * The two files that make an attempt at a step unambiguous, in runs/RUN/ of the store's folder:
 *   STEP.ATTEMPT.started  made exclusively, by the worker that begins it or by the recovery that takes it back: exactly one wins;
 *                         below that the tool the worker last started
 *   STEP.ATTEMPT.result   what a worker leaves when its supervisor is gone
 */
#ifndef AGENT_MARKER_H
#define AGENT_MARKER_H

#include "berth/base/error.h"
#include "berth/base/process.h"
#include "berth/base/str.h"
#include "berth/store_marker.h"

#include <stdint.h>
#include <sys/types.h>

/* Beside them lie the exported trees, each under this and its commit. */
#define MARKER_TREE_PREFIX "tree-"

/* The file of a process's last marker: its next ones become links to it, and it notes its tools there. Embedded: MARKER_FILE_INIT. */
struct marker_file {
    char *path;
    int fd; /* -1: none */
};
#define MARKER_FILE_INIT \
    {                    \
        .fd = -1         \
    }
void marker_file_release(struct marker_file *file);

enum marker_taken { MARKER_TAKEN, MARKER_WAS_THERE, MARKER_ERROR };
/* Makes the file; `marker` says for whom: a worker's own (marker_of_process), or a recovery's (all zero). `placed` (may be
 * NULL) is the caller's last file. */
enum marker_taken marker_take(const char *store_folder, const char *run, const char *step, int64_t attempt,
                              const struct marker *marker, struct marker_file *placed,
                              struct error *error) BERTH_MUST_CHECK;
/* Takes a marker of this process back: nothing was begun under it. */
void marker_give_back(const char *store_folder, const char *run, const char *step, int64_t attempt);
/* What this process writes: its pid, start and boot. */
void marker_of_process(struct marker *marker);
/* Notes the tool of the attempt `token`, in place of the one before: one write, not synced. */
bool marker_note_tool(const struct marker_file *placed, const char *token, const struct process *tool, const char *boot,
                      struct error *error) BERTH_MUST_CHECK;
/* The session that tool leads; 0 when none is noted for this token, it is of another boot of the machine, or its number is another process's by now. */
pid_t marker_read_tool(const char *store_folder, const char *run, const char *step, int64_t attempt, const char *token,
                       const char *boot);
/* The result file: written whole and synced; read, ERROR_NOT_FOUND when there is none; removed once stored. */
bool marker_leave_result(const char *store_folder, const char *run, const char *step, int64_t attempt, const char *json,
                         struct error *error) BERTH_MUST_CHECK;
bool marker_read_result(const char *store_folder, const char *run, const char *step, int64_t attempt, struct str *json,
                        struct error *error) BERTH_MUST_CHECK;
void marker_drop_result(const char *store_folder, const char *run, const char *step, int64_t attempt);
/* The run's folder, made 0700 when missing. The caller frees. */
char *marker_run_folder(const char *store_folder, const char *run, struct error *error) BERTH_MUST_CHECK;

#endif
