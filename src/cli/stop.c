/* SPDX-License-Identifier: ISC */
/*
 * berth stop: asks the workspace's berthd to drain, says which steps it waits for, and waits until it has ended. With --now berthd ends at once:
 * its workers finish their steps alone and the next berthd reads their results, so nothing is interrupted either way.
 */
#include "cli/output.h"

#include "berth/base/time.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#define STOP_LIMIT_MS \
    (10 * MS_MINUTE) /* unless --timeout says otherwise; the systemd unit's TimeoutStopSec is the same */
#define NAME_LIMIT_MS (5 * MS_SECOND)
#define SAY_AFTER_MS MS_SECOND
#define SAY_AGAIN_MS 500
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

static bool send_signal(const struct daemon *daemon, int number, struct error *error)
{
    if (kill((pid_t)daemon->pid, number) != 0 && errno != ESRCH)
        return error_errno(error, ERROR_IO, errno, "cannot signal berthd, process %lld", (long long)daemon->pid);
    return true;
}

/* The first signal lets it drain, a second one ends it at once: one that drains is told no second time by a plain stop. */
static bool tell(const struct daemon *daemon, bool now, struct error *error)
{
    bool drains = text_equal(daemon->state, "draining");

    return (drains || send_signal(daemon, SIGTERM, error)) && (!now || send_signal(daemon, SIGINT, error));
}

/* A line for each step that runs: of which run and environment, since when. "" when none does. */
static const char *running_steps(struct cli *cli)
{
    struct step *steps;
    struct run run;
    size_t count;
    const char *text = "";

    if (!session_list(cli, &step_type, "status", word_name(step_status_names, STEP_RUNNING), false, 0, &steps, &count,
                      NULL))
        return "";
    for (size_t i = 0; i < count; i++) {
        bool found = store_get(cli->store, &run_type, steps[i].run, &cli->arena, &run, NULL) == STORE_FOUND;

        text = arena_printf(&cli->arena, "%s  run %s%s%s: %s %s (%s) since %s\n", text, steps[i].run,
                            found ? " of " : "", found ? shown(cli, run.environment_name) : "",
                            word_name(step_phase_names, steps[i].phase), shown(cli, steps[i].address),
                            text_empty(steps[i].executor) ? "berth" : shown(cli, steps[i].executor),
                            shown_instant(cli, steps[i].started_at));
    }
    return text;
}

/* What is waited for, again whenever it changes. */
static void say_waiting(struct cli *cli, char **said)
{
    const char *steps;

    (void)store_changed(cli->store);
    steps = running_steps(cli);
    if (text_equal(steps, *said) || text_empty(steps))
        return;
    fprintf(stderr, "berthd finishes what runs:\n");
    print_wrapped(cli, steps, stderr);
    free(*said);
    *said = mem_strdup(steps);
}

static bool too_long(struct cli *cli, const struct daemon *daemon, struct error *error)
{
    error_set(error, ERROR_TIMEOUT, "berthd, process %lld, still finishes what runs", (long long)daemon->pid);
    error_detail(error, "%s", running_steps(cli));
    return error_hint(error, "it ends when they have; berth cancel RUN interrupts one, berth stop --now lets them "
                             "finish without berthd");
}

static bool wait_for_end(struct cli *cli, const struct daemon *daemon, struct error *error)
{
    struct arena outer = cli->arena;
    int64_t start = time_monotonic_ms(), limit = STOP_LIMIT_MS, say_at = start + SAY_AFTER_MS;
    char *said = mem_strdup("");
    bool done = true;

    if (duration_parse(cli_argument(cli, "timeout"), &limit, NULL) && limit < SAY_AFTER_MS)
        say_at = start;
    cli->arena = (struct arena){0}; /* what each look reads is dropped again */
    while (done && daemon_runs(cli->store_folder)) {
        int64_t now = time_monotonic_ms();

        arena_release(&cli->arena);
        if (now >= say_at) {
            say_waiting(cli, &said);
            say_at = now + SAY_AGAIN_MS;
        }
        done = now - start <= limit || too_long(cli, daemon, error);
        if (done)
            (void)poll(NULL, 0, LOOK_AGAIN_MS);
    }
    arena_release(&cli->arena);
    cli->arena = outer;
    free(said);
    return done;
}

bool cli_stop(struct cli *cli, int *status, struct error *error)
{
    bool now = json_is_true(json_object_get(cli->call.arguments, "now"));
    struct daemon daemon = {0};
    const char *left;

    (void)status;
    if (!session_open(cli, STORE_READER, SESSION_AS_IT_IS, error))
        return error->code == ERROR_NOT_FOUND && !text_empty(cli->store_folder)
                   ? printf("no berthd serves %s\n", cli->workspace) > 0
                   : false;
    if (!daemon_runs(cli->store_folder)) {
        printf("no berthd serves %s\n", shown(cli, cli->workspace));
        return true;
    }
    if (!find_daemon(cli, &daemon, error))
        return false;
    left = now ? running_steps(cli) : "";
    if (!tell(&daemon, now, error) || !wait_for_end(cli, &daemon, error))
        return false;
    printf("berthd of %s has ended\n", shown(cli, cli->workspace));
    if (!text_empty(left)) {
        printf("these go on without it; the next berthd takes their results:\n");
        print_wrapped(cli, left, stdout);
    }
    return true;
}
