/* SPDX-License-Identifier: ISC */
/* The files beside the store that say whether an attempt at a step was begun, by whom, and what it left. */
#include "agent/marker.h"

#include "berth/base/file.h"
#include "berth/base/hash.h"
#include "berth/base/memory.h"
#include "berth/base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESULT_LIMIT (16u << 20)

char *marker_run_folder(const char *store_folder, const char *run, struct error *error)
{
    char *folder = path_printf("%s/runs/%s", store_folder, run);
    if (!folder_make(folder, 0700, error)) {
        free(folder);
        return NULL;
    }
    return folder;
}

/* Addresses hold brackets, colons and whatever a template calls its resources; file names are a hash of the step's id. */
static char *marker_path(const char *store_folder, const char *run, const char *step, int64_t attempt,
                         const char *ending)
{
    char hex[HASH_HEX_SIZE];
    hash_sha256(step, strlen(step), hex);
    return path_printf("%s/runs/%s/%.24s.%" PRId64 ".%s", store_folder, run, hex, attempt, ending);
}

void marker_of_process(struct marker *marker)
{
    memset(marker, 0, sizeof *marker);
    marker->pid = getpid();
    process_boot_id(marker->boot);
    if (!process_start_ticks(marker->pid, &marker->start_ticks))
        marker->start_ticks = 0;
}

static bool write_marker(const char *path, const struct marker *marker, struct error *error)
{
    char text[128];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno(error, ERROR_IO, errno, "cannot note the beginning of a step in %s", path);
    int length =
        snprintf(text, sizeof text, "%ld %" PRIu64 " %s\n", (long)marker->pid, marker->start_ticks, marker->boot);
    bool written = file_write_all(fd, text, (size_t)length, error);
    close(fd);
    return written;
}

/* Written beside and renamed only where nothing is: exactly one wins, and nobody ever sees half a file. */
static enum marker_taken place_file(const char *path, const struct marker *marker, struct error *error)
{
    char *beside = path_printf("%s.%ld", path, (long)getpid());
    enum marker_taken taken = MARKER_TAKEN;
    if (!write_marker(beside, marker, error))
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
static enum marker_taken place_marker(const char *path, const struct marker *marker, char **placed, struct error *error)
{
    if (placed && *placed && link(*placed, path) == 0)
        return MARKER_TAKEN;
    enum marker_taken taken = place_file(path, marker, error);
    if (taken == MARKER_TAKEN && placed) {
        free(*placed);
        *placed = mem_strdup(path);
    }
    return taken;
}

enum marker_taken marker_take(const char *store_folder, const char *run, const char *step, int64_t attempt,
                              const struct marker *marker, char **placed, struct error *error)
{
    char *path = marker_path(store_folder, run, step, attempt, "started");
    char *folder = marker_run_folder(store_folder, run, error);
    enum marker_taken taken = folder ? place_marker(path, marker, placed, error) : MARKER_ERROR;
    free(folder);
    free(path);
    return taken;
}

bool marker_read(const char *store_folder, const char *run, const char *step, int64_t attempt, struct marker *marker,
                 struct error *error)
{
    char *path = marker_path(store_folder, run, step, attempt, "started");
    struct str text = STR_INIT;
    long pid = 0;
    bool read = file_read(path, 256, &text, error);
    memset(marker, 0, sizeof *marker);
    if (read && sscanf(text.data, "%ld %" SCNu64 " %39s", &pid, &marker->start_ticks, marker->boot) < 2)
        read = error_set(error, ERROR_CORRUPT, "%s does not say who began the step", path);
    marker->pid = (pid_t)pid;
    str_release(&text);
    free(path);
    return read;
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
