/* SPDX-License-Identifier: ISC */
/* Between the two halves of the library: which calls fail, and what of files is written down. */
#ifndef FAULTS_CALLS_LIBRARY_H
#define FAULTS_CALLS_LIBRARY_H

#include "faults/calls.h"
#include "faults/disk.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* NULL: this process is none of ours. */
struct calls *library_calls(void);

/* Nothing of these happens unless changes are written down. Each keeps errno. */
void record_start(const char *changes, const char *root);
bool record_on(void);
bool record_is_there(int folder, const char *path);
void record_path(enum disk_change change, int folder, const char *path, uint64_t inode, mode_t mode);
void record_paths(enum disk_change change, int from_folder, const char *from, int to_folder, const char *to);
void record_symlink(const char *target, int folder, const char *path);
void record_opened(int fd, bool was_there, int flags, mode_t mode, int folder, const char *path);
/* `offset` -1: where the descriptor stands after the write. */
void record_write(int fd, const void *bytes, size_t count, int64_t offset);
void record_cut(int fd, int64_t length);
void record_mode(int fd, mode_t mode);
/* True when the descriptor is a file or folder of the disk: its sync is written down and need not be made. */
bool record_sync(int fd);
void record_closed(int fd);

#endif
