/* SPDX-License-Identifier: ISC */
/* A process named in a file, for whoever has to end its session when the one who started it is gone. */
#include "berth/base/file.h"
#include "berth/base/memory.h"
#include "berth/base/process.h"
#include "berth/base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void process_boot_id(char boot[40])
{
    struct str text = STR_INIT;
    boot[0] = '\0';
    if (file_read("/proc/sys/kernel/random/boot_id", 128, &text, NULL)) {
        text_copy(boot, 40, text.data);
        boot[strcspn(boot, "\n")] = '\0';
    }
    str_release(&text);
}

bool process_note(const char *path, const struct process *process, struct error *error)
{
    char boot[40], text[128];
    process_boot_id(boot);
    int length = snprintf(text, sizeof text, "%ld %" PRIu64 " %s\n", (long)process->pid, process->start_ticks, boot);
    return file_replace(path, text, (size_t)length, 0600, FILE_RELAXED, error);
}

pid_t process_noted(const char *path, const char *boot)
{
    struct str text = STR_INIT;
    char noted_boot[40] = "";
    long pid = 0;
    uint64_t noted_ticks = 0, ticks = 0;
    bool read = file_read(path, 256, &text, NULL) &&
                sscanf(text.data, "%ld %" SCNu64 " %39s", &pid, &noted_ticks, noted_boot) == 3;
    str_release(&text);
    if (!read || pid <= 1 || strcmp(noted_boot, boot) != 0)
        return 0;
    /* the leader may have ended and left its session behind; another process of that number leads another one */
    return process_start_ticks((pid_t)pid, &ticks) && ticks != noted_ticks ? 0 : (pid_t)pid;
}
