/* SPDX-License-Identifier: ISC */
/* A receiver of webhooks on loopback: a process that answers 204 and writes the Idempotency-Key of each delivery into a file; other connections it
 * only takes. */
#ifndef FAULTS_RECEIVER_H
#define FAULTS_RECEIVER_H

#include <stddef.h>
#include <sys/types.h>

struct receiver {
    pid_t pid;
    int port;
    int keys; /* a file of no folder: a key a line */
};
/* Aborts on trouble. */
void receiver_start(struct receiver *receiver);
void receiver_stop(struct receiver *receiver);
/* How often a delivery with this key came. */
size_t receiver_count(const struct receiver *receiver, const char *key);

#endif
