/* SPDX-License-Identifier: ISC */
/*
 * What a test and the library that it loads into berth and berthd (calls_library.c) share: counts of system calls by the kind of process and of call, which one of
 * them fails and how, and what became of the processes. It lies in a file that all of them map; the environment says where:
 *
 *   LD_PRELOAD          the library
 *   BERTH_CALLS         the file with a struct calls
 *   BERTH_CALLS_DISK    where each change of a file is written down for disk.h (optional)
 *   BERTH_CALLS_ROOT    …of files below this folder
 *   BERTH_CALLS_BOOT    a file that stands for /proc/sys/kernel/random/boot_id (optional)
 */
#ifndef FAULTS_CALLS_H
#define FAULTS_CALLS_H

#include <stdatomic.h>
#include <stdint.h>

enum calls_process {
    CALLS_SUPERVISOR,
    CALLS_WORKER,
    CALLS_OBSERVER,
    CALLS_NOTIFIER,
    CALLS_BERTH,
    CALLS_PROCESSES,
};
enum calls_kind {
    CALLS_OPEN,
    CALLS_READ,
    CALLS_WRITE,
    CALLS_SYNC,
    CALLS_RENAME,
    CALLS_LINK,
    CALLS_MKDIR,
    CALLS_UNLINK,
    CALLS_TRUNCATE,
    CALLS_LOCK,
    CALLS_FORK,
    CALLS_DESCRIPTOR, /* pipe2, socketpair, eventfd, inotify_init1 … */
    CALLS_WATCH,
    CALLS_MAP,
    CALLS_POLL,
    CALLS_KINDS,
};
extern const char *const calls_process_names[CALLS_PROCESSES], *const calls_kind_names[CALLS_KINDS];

#define CALLS_OUTCOMES 3

struct calls {
    /* set by the test */
    int32_t process, kind; /* -1: nothing fails */
    uint32_t number;       /* the Nth of these, over all processes of the kind */
    uint32_t outcome;      /* which of the errors that this call may give, modulo their number */
    uint64_t
        stop_at; /* the change of a file at which its process stops itself, so that all can be killed at this moment; 0: never */
    /* set by the library */
    _Atomic uint32_t counts[CALLS_PROCESSES][CALLS_KINDS];
    _Atomic uint64_t changes;                /* of files, in BERTH_CALLS_DISK */
    _Atomic uint32_t fired;                  /* the chosen call was reached; for stop_at, too */
    _Atomic uint32_t crashed;                /* the signal of a process that broke an invariant or its memory */
    _Atomic uint32_t exits[CALLS_PROCESSES]; /* with another status than 0 */
    int32_t errno_given;                     /* of the call that failed; -1: it was cut short */
    char about[256];                         /* its path or what its descriptor is */
};

struct world;
/* Makes the file in the world's folder and maps it; berthd that the world starts from then on has the library. Aborts on trouble. */
struct calls *calls_prepare(struct world *world);
/* The same for programs that this process starts itself, until calls_leave. */
void calls_enter(const struct world *world);
void calls_leave(void);

#endif
