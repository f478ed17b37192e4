/* SPDX-License-Identifier: ISC */
/*
 * A disk that loses power: from the list of all changes that the library of calls.h wrote down, the folder is made as it could be found afterwards.
 * A file holds what was synced; a folder's names are those at its last sync (which also brings the names of the folders above it, as
 * journaling file systems do). What was not synced is lost wholly, or by a seed partly: any of a file's later writes, cut at a sector here and
 * there, and names up to some moment, in their order.
 */
#ifndef FAULTS_DISK_H
#define FAULTS_DISK_H

#include "berth/base/error.h"

#include <stdint.h>

enum disk_change {
    DISK_CREATE, /* text: path */
    DISK_WRITE,  /* offset; text: bytes */
    DISK_CUT,    /* offset: the new length */
    DISK_MODE,
    DISK_SYNC,   /* of a file or a folder */
    DISK_RENAME, /* text: path, NUL, path; so for a link */
    DISK_LINK,
    DISK_REMOVE,  /* of a name or an empty folder */
    DISK_MKDIR,   /* with the folder's inode */
    DISK_SYMLINK, /* text: path, NUL, target */
};
struct disk_record { /* `length` bytes of text follow */
    uint32_t change, length;
    uint64_t inode;
    int64_t offset;
    uint32_t mode, reserved;
};

enum disk_loss { DISK_LOSES_ALL, DISK_LOSES_SOME };
/* Replaces `root` by what a power cut after the last change in the file `changes` leaves. */
bool disk_cut(const char *changes, const char *root, enum disk_loss loss, uint64_t seed,
              struct error *error) BERTH_MUST_CHECK;

#endif
