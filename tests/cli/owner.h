/* SPDX-License-Identifier: ISC */
/*
 * A workspace for tests of the command line: a repository's folder, a store with an owner (a thread that answers commands as
 * berthd would, and holds its lock), and berth's commands run with their output caught.
 */
#ifndef TESTS_CLI_OWNER_H
#define TESTS_CLI_OWNER_H

#include "berth/base/file.h"
#include "berth/base/str.h"
#include "berth/model/environment.h"
#include "berth/model/ledger.h"
#include "berth/model/run.h"
#include "berth/store.h"

#include <pthread.h>
#include <stdatomic.h>

struct owner {
    char folder[64];     /* everything of the test */
    char repository[96]; /* where berth.yaml is */
    char *store_folder;
    struct store *store; /* the owner's */
    struct file_lock lock;
    /* While commands are answered: a thread with a store handle of its own. */
    pthread_t thread;
    atomic_bool stop;
    bool (*answer)(struct store *store,
                   struct command *command); /* writes what follows from a command and the command itself */
    struct str out, error;                   /* of the last command */
    int terminal_fd;                         /* where standard error goes instead, -1: caught in `error` */
};

void owner_start(struct owner *owner, const char *berth_yaml);
void owner_end(struct owner *owner);
/* Stores rows and policy in one transaction. */
void owner_put(struct owner *owner, const struct record_type *type, const void *row);
/* Answers commands in the background until owner_end or owner_rest. */
void owner_answers(struct owner *owner, bool (*answer)(struct store *store, struct command *command));
void owner_rest(struct owner *owner);
/* Runs `berth WORDS…` (words separated by one space) in the repository; output goes to `out` and `error`. Returns the exit status. */
int owner_berth(struct owner *owner, const char *words);

#endif
