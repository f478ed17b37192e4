/* SPDX-License-Identifier: ISC */
/* Finding and ending what a tool left behind. */
#include "provider/local/session.h"

#include "berth/base/file.h"
#include "berth/base/process.h"
#include "berth/base/time.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LEAVE_MS 200 /* how long a process that was just forked may take to call setsid */
#define LEAVE_POLL_MS 5
#define END_GRACE_MS 2000
#define END_LIMIT_MS 10000

void session_adopt_orphans(void)
{
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* refused: only session_may_have_left sees less */
}

static void signal_one(pid_t pid, void *context)
{
    const int *signal_number = context;
    (void)kill(pid, *signal_number);
    (void)kill(pid, SIGCONT);
}

void session_signal(pid_t session, int signal_number)
{
    (void)process_find(NULL, session, signal_one, &signal_number);
}

/* Reaps orphans that were adopted: zombies of another session than this process's own, for children of its own making that are not tools
 * live in its session. Returns false when there is no child at all. */
static bool reap_orphans(void)
{
    pid_t own = getsid(0);
    for (;;) {
        siginfo_t info = {.si_pid = 0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
            return errno != ECHILD;
        if (info.si_pid == 0 || getsid(info.si_pid) == own)
            return true;
        while (waitpid(info.si_pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
}

bool session_may_have_left(void)
{
    return reap_orphans();
}

bool session_end(pid_t session, struct error *error)
{
    int64_t until_ms = time_monotonic_ms() + LEAVE_MS;
    while (process_find(NULL, session, NULL, NULL) > 0) {
        if (time_monotonic_ms() < until_ms) {
            (void)poll(NULL, 0, LEAVE_POLL_MS);
            continue;
        }
        if (!process_end_all(NULL, session, SIGTERM, END_GRACE_MS, END_LIMIT_MS, error))
            return false;
        break;
    }
    return true;
}

bool session_end_all(pid_t session, const char *token, int first_signal, int64_t grace_ms, struct error *error)
{
    char *variable = text_empty(token) ? NULL : path_printf("BERTH_STEP_TOKEN=%s", token);
    bool ended = process_end_all(variable, session, first_signal, grace_ms, grace_ms + END_LIMIT_MS, error);
    free(variable);
    return ended;
}
