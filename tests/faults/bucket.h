/* SPDX-License-Identifier: ISC */
/*
 * A bucket as terraform's backend `s3` needs one, on loopback: a process that keeps objects as files of a folder, "/" in their names as "+", and makes one that must not be there yet
 * whole or not at all. So the state's lock is a file that outlives its holder, and tests can lay one there and take it away.
 */
#ifndef FAULTS_BUCKET_H
#define FAULTS_BUCKET_H

#include "berth/base/str.h"

#include <sys/types.h>

struct bucket {
    pid_t pid;
    int port;
    char *folder;
};
/* Makes the folder. Aborts on trouble. */
void bucket_start(struct bucket *bucket, const char *folder);
void bucket_stop(struct bucket *bucket);
/* The block `backend "s3" { … }` whose state is the object b/NAME, its lock b/NAME.tflock. Appended. */
void bucket_backend(const struct bucket *bucket, const char *name, struct str *out);
/* The path of an object's file; the caller frees. */
char *bucket_object(const struct bucket *bucket, const char *name);

#endif
