/* SPDX-License-Identifier: ISC */
/* The files that say which process began an attempt at a step. */
#include "berth/store_marker.h"

#include "berth/base/file.h"
#include "berth/base/hash.h"
#include "berth/base/process.h"
#include "berth/base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Addresses hold brackets, colons and whatever a template calls its resources; file names are a hash of the step's id. */
char *marker_path(const char *store_folder, const char *run, const char *step, int64_t attempt, const char *ending)
{
    char hex[HASH_HEX_SIZE];
    hash_sha256(step, strlen(step), hex);
    return path_printf("%s/runs/%s/%.24s.%" PRId64 ".%s", store_folder, run, hex, attempt, ending);
}

bool marker_read(const char *store_folder, const char *run, const char *step, int64_t attempt, struct marker *marker,
                 struct error *error)
{
    char *path = marker_path(store_folder, run, step, attempt, "started");
    struct str text = STR_INIT;
    long pid = 0;
    bool read = file_read(path, STORE_MARKER_LIMIT, &text, error);
    memset(marker, 0, sizeof *marker);
    if (read && sscanf(text.data, "%ld %" SCNu64 " %39s", &pid, &marker->start_ticks, marker->boot) < 2)
        read = error_set(error, ERROR_CORRUPT, "%s does not say who began the step", path);
    marker->pid = (pid_t)pid;
    str_release(&text);
    free(path);
    return read;
}

bool marker_lives(const struct marker *marker)
{
    char boot[sizeof marker->boot];
    process_boot_id(boot);
    return marker->pid > 0 && strcmp(marker->boot, boot) == 0 && process_alive(marker->pid, marker->start_ticks);
}
