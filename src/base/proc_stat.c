/* SPDX-License-Identifier: ISC */
/* Reads /proc/PID/stat. */
#include "base/proc_stat.h"

#include "berth/base/error.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STAT_SIZE 1024
#define FIELD_SESSION 6
#define FIELD_START 22

bool proc_stat_read(pid_t pid, struct proc_stat *stat)
{
    char path[64], text[STAT_SIZE];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0)
        return false;
    text[length] = '\0';
    char *at = strrchr(text, ')'); /* the name before it may hold anything, also ')' and blanks */
    if (!at || at[1] != ' ')
        return false;
    at += 2;
    stat->state = *at;
    for (int field = 3; field <= FIELD_START; field++) {
        if (field == FIELD_SESSION)
            stat->session = (pid_t)strtol(at, NULL, 10);
        if (field == FIELD_START)
            stat->start_ticks = strtoull(at, NULL, 10);
        at = strchr(at, ' ');
        if (!at++)
            return false;
    }
    return true;
}

bool proc_stat_ended(const struct proc_stat *stat)
{
    return stat->state == 'Z' || stat->state == 'X' || stat->state == 'x';
}
