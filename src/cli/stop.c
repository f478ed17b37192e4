/* SPDX-License-Identifier: ISC */
/* berth stop: asks the workspace's berthd to drain, and waits until it has ended. */
#include "cli/output.h"

#include "berth/base/time.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#define STOP_LIMIT_MS (10 * MS_MINUTE) /* a running step is waited for */
#define NAME_LIMIT_MS (5 * MS_SECOND)
#define SAY_AFTER_MS MS_SECOND
#define LOOK_AGAIN_MS 20

/* The berthd that holds the lock; one that has just begun may not have told its name yet. */
static bool find_daemon(struct cli *cli, struct daemon *daemon, struct error *error)
{
    int64_t deadline = time_monotonic_ms() + NAME_LIMIT_MS;

    for (;;) {
        enum store_found found = store_get(cli->store, &daemon_type, "berthd", &cli->arena, daemon, error);

        if (found == STORE_ERROR)
            return false;
        if (found == STORE_FOUND && daemon->pid > 1 && process_alive((pid_t)daemon->pid, (uint64_t)daemon->start_ticks))
            return true;
        if (!daemon_runs(cli->store_folder) || time_monotonic_ms() > deadline)
            break;
        wait_for_bell(cli->store, LOOK_AGAIN_MS);
    }
    error_set(error, ERROR_CONFLICT, "somebody holds %s/berthd.lock but is not the berthd it names", cli->store_folder);
    return error_hint(error, "it may be starting: try again, then berth doctor");
}

static bool ask_to_end(struct cli *cli, struct daemon *daemon, struct error *error)
{
    if (!find_daemon(cli, daemon, error))
        return false;
    if (kill((pid_t)daemon->pid, SIGTERM) != 0 && errno != ESRCH)
        return error_errno(error, ERROR_IO, errno, "cannot signal berthd, process %lld", (long long)daemon->pid);
    return true;
}

bool cli_stop(struct cli *cli, int *status, struct error *error)
{
    struct daemon daemon = {0};
    int64_t start = time_monotonic_ms();
    bool said = false;

    (void)status;
    if (!session_open(cli, STORE_READER, SESSION_AS_IT_IS, error))
        return error->code == ERROR_NOT_FOUND && !text_empty(cli->store_folder)
                   ? printf("no berthd serves %s\n", cli->workspace) > 0
                   : false;
    if (!daemon_runs(cli->store_folder)) {
        printf("no berthd serves %s\n", shown(cli, cli->workspace));
        return true;
    }
    if (!ask_to_end(cli, &daemon, error))
        return false;
    while (daemon_runs(cli->store_folder)) {
        int64_t waited = time_monotonic_ms() - start;

        if (waited > STOP_LIMIT_MS)
            return error_set(error, ERROR_TIMEOUT, "berthd, process %lld, still finishes its steps",
                             (long long)daemon.pid);
        if (waited > SAY_AFTER_MS && !said) {
            fprintf(stderr, "berthd finishes the steps that run …\n");
            said = true;
        }
        (void)poll(NULL, 0, LOOK_AGAIN_MS);
    }
    printf("berthd of %s has ended\n", shown(cli, cli->workspace));
    return true;
}
