/* SPDX-License-Identifier: ISC */
/* A receiver of webhooks on loopback: a process that answers 204 and writes the Idempotency-Key of each delivery into a file. */
#ifndef FAULTS_RECEIVER_H
#define FAULTS_RECEIVER_H

#include <stddef.h>
#include <sys/types.h>

struct receiver {
    pid_t pid;
    int port;
    char *keys; /* the file: a key a line */
};
/* Writes into `folder`. Aborts on trouble. */
void receiver_start(struct receiver *receiver, const char *folder);
void receiver_stop(struct receiver *receiver);
/* How often a delivery with this key came. */
size_t receiver_count(const struct receiver *receiver, const char *key);

#endif
