/* SPDX-License-Identifier: ISC */
/*
 * Child processes: always fork and exec together, always an argument list, never a shell. A child's descriptors are
 * exactly those named; all others are closed or close-on-exec. A struct process is owned by whoever started it.
 */
#ifndef BERTH_BASE_PROCESS_H
#define BERTH_BASE_PROCESS_H

#include "berth/base/error.h"
#include "berth/base/str.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum process_flag {
    PROCESS_NEW_SESSION = 1 << 0,     /* setsid in the child */
    PROCESS_DIE_WITH_PARENT = 1 << 1, /* PR_SET_PDEATHSIG SIGKILL; helpers only, never a tool or a worker */
};

struct process_spec {
    const char *const *argv;           /* argv[0] is looked up in PATH of `environment` unless it has a '/' */
    const char *program;               /* the path that is run, whatever argv[0] says; NULL: argv[0] */
    const char *const *environment;    /* "NAME=value" … NULL; NULL: this process's own */
    const char *folder;                /* working directory, or NULL */
    int input_fd, output_fd, error_fd; /* become 0, 1, 2; -1: /dev/null */
    const int *extra_fds;              /* become 3, 4, … in this order */
    size_t extra_count;
    unsigned flags; /* enum process_flag */
};
struct process {
    pid_t pid;            /* 0: none */
    int pid_fd;           /* pidfd, readable when it has ended; -1: none */
    uint64_t start_ticks; /* field 22 of /proc/PID/stat: pid and start name a process for good */
};
/* From here on a write past a file size limit, and with PROCESS_PIPES one that nobody reads, is an error of that write and not the end of this process. Children
 * that it starts have the signals' own actions. */
enum process_endures { PROCESS_SIZES, PROCESS_PIPES };
void process_endure(enum process_endures what);
/* Starts it. A program that cannot be run (missing, not executable) is an error here, not an exit status: ERROR_NOT_FOUND or ERROR_IO. */
bool process_start(const struct process_spec *spec, struct process *process, struct error *error) BERTH_MUST_CHECK;
/* Waits for its end (reaps). `status` as of waitpid. */
bool process_wait(struct process *process, int *status, struct error *error) BERTH_MUST_CHECK;
/* Reaps when it has ended; false when it still runs. PROCESS_STATUS_UNKNOWN when somebody else has reaped it. */
#define PROCESS_STATUS_UNKNOWN (-1)
bool process_poll(struct process *process, int *status);
bool process_signal(const struct process *process, int signal_number);
void process_release(struct process *process); /* closes the pidfd; does not end it */
/* True when a process with this pid and start time is there (a zombie is not). */
bool process_alive(pid_t pid, uint64_t start_ticks);
/* True when it is there but stopped (SIGSTOP, a debugger): it does nothing until somebody lets it go on. */
bool process_stopped(pid_t pid, uint64_t start_ticks);
bool process_start_ticks(pid_t pid, uint64_t *start_ticks);
/* This boot of the machine, "" when it cannot be told: pids and start times of another one mean nothing. */
void process_boot_id(char boot[40]);
/* "exit 3", "killed by SIGKILL" */
void process_status_text(struct str *out, int status);

/* Every process of this user whose environment at start holds `variable` ("NAME=value"), or whose session is `session` (0: any is not asked),
 * except this process and those that have ended. `variable` NULL: only the session is asked. Calls `found` for each; used to end the tools of a dead worker. Returns how many. */
size_t process_find(const char *variable, pid_t session, void (*found)(pid_t pid, void *context), void *context);
/* Signals what process_find finds, each only while it still is what was found (numbers are used again); 0 only counts. Returns how many. */
size_t process_signal_all(const char *variable, pid_t session, int signal_number);
/* The same for one process that is known by its start. */
bool process_signal_exactly(pid_t pid, uint64_t start_ticks, int signal_number);
/* Whether its environment at start holds a variable of this name. */
bool process_has_variable(pid_t pid, const char *name);
/* The living children of a process of one thread (0: of this one), also those that became its as a subreaper. */
void process_children(pid_t parent, void (*found)(pid_t pid, uint64_t start_ticks, void *context), void *context);
/* Now, as start times are counted. */
uint64_t process_ticks_now(void);
/* Ends what process_find finds: `first_signal`, then after `grace_ms` SIGKILL, until none is left or `limit_ms` passed (ERROR_TIMEOUT). */
bool process_end_all(const char *variable, pid_t session, int first_signal, int64_t grace_ms, int64_t limit_ms,
                     struct error *error) BERTH_MUST_CHECK;

#endif
