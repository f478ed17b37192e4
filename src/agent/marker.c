/* SPDX-License-Identifier: ISC */
/* The files beside the store that say whether an attempt at a step was begun, by whom, and what it left. */
#include "agent/marker.h"

#include "berth/base/frame.h"
#include "berth/base/file.h"
#include "berth/base/memory.h"
#include "berth/base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESULT_LIMIT FRAME_LIMIT /* whatever could be handed in can be left */
#define TOOL_AT \
    128 /* where the note of a tool begins: a line says which process began, a second one which tool it started */
#define TOOL_SIZE 160

char *marker_run_folder(const char *store_folder, const char *run, struct error *error)
{
    char *folder = path_printf("%s/runs/%s", store_folder, run);
    if (!folder_make(folder, 0700, error)) {
        free(folder);
        return NULL;
    }
    return folder;
}

void marker_of_process(struct marker *marker)
{
    memset(marker, 0, sizeof *marker);
    marker->pid = getpid();
    process_boot_id(marker->boot);
    if (!process_start_ticks(marker->pid, &marker->start_ticks))
        marker->start_ticks = 0;
}

void marker_file_release(struct marker_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    free(file->path);
    *file = (struct marker_file)MARKER_FILE_INIT;
}

/* The descriptor of the new file, or -1. */
static int write_marker(const char *path, const struct marker *marker, struct error *error)
{
    char text[TOOL_AT];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        error_errno(error, ERROR_IO, errno, "cannot note the beginning of a step in %s", path);
        return -1;
    }
    int length =
        snprintf(text, sizeof text, "%ld %" PRIu64 " %s\n", (long)marker->pid, marker->start_ticks, marker->boot);
    if (file_write_all(fd, text, (size_t)length, error))
        return fd;
    close(fd);
    return -1;
}

/* Written beside and renamed only where nothing is: exactly one wins, and nobody ever sees half a file. */
static enum marker_taken place_file(const char *path, const struct marker *marker, int *fd, struct error *error)
{
    char *beside = path_printf("%s.%ld", path, (long)getpid());
    enum marker_taken taken = MARKER_TAKEN;
    *fd = write_marker(beside, marker, error);
    if (*fd < 0)
        taken = MARKER_ERROR;
    else if (renameat2(AT_FDCWD, beside, AT_FDCWD, path, RENAME_NOREPLACE) != 0) {
        taken = errno == EEXIST ? MARKER_WAS_THERE : MARKER_ERROR;
        error_errno(error, ERROR_IO, errno, "cannot note the beginning of a step in %s", path);
    }
    if (taken != MARKER_TAKEN)
        unlink(beside);
    free(beside);
    return taken;
}

/* All markers of a process say the same: one more name for the last of them costs less than one more file, and is as exclusive. */
static enum marker_taken place_marker(const char *path, const struct marker *marker, struct marker_file *placed,
                                      struct error *error)
{
    int fd;
    if (placed && placed->path && link(placed->path, path) == 0)
        return MARKER_TAKEN;
    enum marker_taken taken = place_file(path, marker, &fd, error);
    if (taken == MARKER_TAKEN && placed) {
        marker_file_release(placed);
        *placed = (struct marker_file){.path = mem_strdup(path), .fd = fd};
    } else if (fd >= 0) {
        close(fd);
    }
    return taken;
}

enum marker_taken marker_take(const char *store_folder, const char *run, const char *step, int64_t attempt,
                              const struct marker *marker, struct marker_file *placed, struct error *error)
{
    char *path = marker_path(store_folder, run, step, attempt, "started");
    char *folder = marker_run_folder(store_folder, run, error);
    enum marker_taken taken = folder ? place_marker(path, marker, placed, error) : MARKER_ERROR;
    free(folder);
    free(path);
    return taken;
}

void marker_give_back(const char *store_folder, const char *run, const char *step, int64_t attempt)
{
    char *path = marker_path(store_folder, run, step, attempt, "started");
    unlink(path);
    free(path);
}

bool marker_note_tool(const struct marker_file *placed, const char *token, const struct process *tool, const char *boot,
                      struct error *error)
{
    char text[TOOL_SIZE];
    if (placed->fd < 0)
        return error_set(error, ERROR_IO, "no step was begun whose tool could be noted");
    memset(text, '\0', sizeof text); /* always as long: nothing of a longer note before is left behind it */
    snprintf(text, sizeof text, "%.39s %ld %" PRIu64 " %.39s\n", token, (long)tool->pid, tool->start_ticks, boot);
    if (pwrite(placed->fd, text, TOOL_SIZE, TOOL_AT) == TOOL_SIZE)
        return true;
    return error_errno(error, ERROR_IO, errno, "cannot note the tool of a step in %s", placed->path);
}

pid_t marker_read_tool(const char *store_folder, const char *run, const char *step, int64_t attempt, const char *token,
                       const char *boot)
{
    char *path = marker_path(store_folder, run, step, attempt, "started");
    char noted_token[40] = "", noted_boot[40] = "";
    struct str text = STR_INIT;
    long pid = 0;
    uint64_t noted_ticks = 0, ticks = 0;
    bool read =
        file_read(path, STORE_MARKER_LIMIT, &text, NULL) && text.length > TOOL_AT &&
        sscanf(text.data + TOOL_AT, "%39s %ld %" SCNu64 " %39s", noted_token, &pid, &noted_ticks, noted_boot) == 4 &&
        strcmp(noted_token, token) == 0 && strcmp(noted_boot, boot) == 0 && pid > 1;
    str_release(&text);
    free(path);
    /* the leader may have ended and left its session behind; another process of that number leads another one */
    return read && !(process_start_ticks((pid_t)pid, &ticks) && ticks != noted_ticks) ? (pid_t)pid : 0;
}

bool marker_leave_result(const char *store_folder, const char *run, const char *step, int64_t attempt, const char *json,
                         struct error *error)
{
    char *path = marker_path(store_folder, run, step, attempt, "result");
    bool left = file_replace(path, json, strlen(json), 0600, FILE_SYNCED, error);
    free(path);
    return left;
}

bool marker_read_result(const char *store_folder, const char *run, const char *step, int64_t attempt, struct str *json,
                        struct error *error)
{
    char *path = marker_path(store_folder, run, step, attempt, "result");
    bool read = file_read(path, RESULT_LIMIT, json, error);
    free(path);
    return read;
}

void marker_drop_result(const char *store_folder, const char *run, const char *step, int64_t attempt)
{
    char *path = marker_path(store_folder, run, step, attempt, "result");
    unlink(path);
    free(path);
}
