/* SPDX-License-Identifier: ISC */
/*
 * A file layer for SQLite that knows what a power cut would leave: beside each file it keeps the bytes as of the last sync and the
 * writes since. forget_cut makes the folder as it could be found afterwards.
 */
#ifndef TESTS_STORE_FORGET_VFS_H
#define TESTS_STORE_FORGET_VFS_H

#include <stdint.h>

struct forget;
/* Registers the layer under `name` until forget_free. */
struct forget *forget_new(const char *name);
void forget_free(struct forget *forget);
/* Calls `before` ahead of each write, cut and sync of a file that is kept, so that a test can look at what would be left just then. NULL: no more. */
void forget_before_each_write(struct forget *forget, void (*before)(void *context), void *context);
enum forget_rest {
    FORGET_ALL,  /* nothing of what was not synced reached the disk */
    FORGET_SOME, /* any part of it did, in any order, chosen by the seed */
};
/* Writes the database's files into `folder` (which exists) as a power cut now would leave them. */
void forget_cut(struct forget *forget, const char *folder, enum forget_rest rest, uint64_t seed);

#endif
