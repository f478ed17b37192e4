/* SPDX-License-Identifier: ISC */
/* Following an operator's command: what the tool says as it comes, its exit status, and ^C, which cancels the run. */
#include "cli/output.h"

#include "berth/base/time.h"
#include "berth/store_log.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LOOK_AGAIN_MS ((int)MS_SECOND) /* a bell may be lost to a crash: look anyway */
#define INTERRUPTS_MOST 3              /* then whoever waits is let go; the run goes on to its end */
#define STATUS_INTERRUPTED 130

struct following {
    struct cli *cli;
    const char *run_id;
    struct run run;
    struct step step; /* the one that runs the command; id NULL: none yet */
    int64_t printed;  /* bytes of its log */
    int signals, log; /* descriptors; -1 none */
    int interrupts;
};

/* --- ^C ----------------------------------------------------------------------------------------------------------- */

static void catch_interrupts(struct following *following, sigset_t *before)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, before);
    following->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static bool was_interrupted(const struct following *following)
{
    struct signalfd_siginfo info;

    return following->signals >= 0 && read(following->signals, &info, sizeof info) == (ssize_t)sizeof info;
}

/* Asked again, it also ends a worker that does not answer. */
static bool cancel_run(struct following *following, struct error *error)
{
    struct cli *cli = following->cli;
    struct command command = {.verb = "cancel",
                              .subject = following->run_id,
                              .actor = session_actor(cli),
                              .via = "cli",
                              .key = "",
                              .reason = "interrupted by ^C",
                              .arguments = "{}"};

    following->interrupts++;
    fprintf(stderr, "berth: cancelling run %s\n", following->run_id);
    return store_submit(cli->store, &command, &cli->arena, error);
}

/* --- looking ------------------------------------------------------------------------------------------------------- */

/* The rows as they are now, and what the tool said since the last time. */
static bool look(struct following *following, struct error *error)
{
    struct cli *cli = following->cli;
    struct step *steps;
    size_t count;
    bool ended;

    following->step = (struct step){0};
    if (!session_need_run(cli, following->run_id, NULL, &following->run, error) ||
        !session_list(cli, &step_type, "run", following->run_id, false, 0, &steps, &count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        if (steps[i].phase == PHASE_EXEC)
            following->step = steps[i];
    if (following->step.id == NULL || cli->call.json || text_equal(cli->call.verb->name, "unlock"))
        return true;
    ended = run_ended((enum run_status)following->run.status) || step_ended((enum step_status)following->step.status);
    return log_print_step(cli, following->run_id, following->step.id, &following->printed, ended, error);
}

static void wait_for_more(struct following *following)
{
    struct cli *cli = following->cli;
    struct pollfd events[] = {{.fd = store_bell(cli->store), .events = POLLIN},
                              {.fd = following->log, .events = POLLIN},
                              {.fd = following->signals, .events = POLLIN}};

    (void)poll(events, sizeof events / sizeof *events, LOOK_AGAIN_MS);
    (void)store_changed(cli->store);
    if (following->log >= 0)
        run_log_woken(following->log);
    else
        following->log = run_log_watch(cli->store_folder, following->run_id);
}

/* --- the end ------------------------------------------------------------------------------------------------------- */

static bool print_lock(struct following *following, FILE *out, struct error *error)
{
    struct cli *cli = following->cli;
    struct plan *plans;
    size_t count;

    if (!session_list(cli, &plan_type, "run", following->run_id, false, 0, &plans, &count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        print_wrapped(cli, shown(cli, text_empty(plans[i].reason) ? plans[i].summary : plans[i].reason), out);
    return true;
}

static bool at_gate(struct following *following, int *status, struct error *error)
{
    const struct run *run = &following->run;

    *status = error_info(ERROR_WAITING)->exit_status;
    if (text_equal(following->cli->call.verb->name, "unlock") && !print_lock(following, stderr, error))
        return false;
    fprintf(stderr, "run %s waits for an approval: berth approve %s --digest %s\n", run->id, run->id, run->digest);
    return true;
}

/* A tool that ran has said itself what went wrong. */
static void at_end(struct following *following, int *status)
{
    const struct run *run = &following->run;
    struct cli *cli = following->cli;

    if (following->step.exit_status >= 0 && following->step.id != NULL &&
        (run->status == RUN_DONE || run->status == RUN_FAILED)) {
        *status = (int)following->step.exit_status;
        return;
    }
    if (run->status == RUN_DONE) {
        if (!cli->call.json)
            print_wrapped(cli, shown(cli, run->status_reason), stdout);
        return;
    }
    *status = following->interrupts > 0 && run->status == RUN_CANCELLED ? STATUS_INTERRUPTED : 1;
    fprintf(stderr, "berth: run %s: %s%s\n", run->id, word_name(run_status_names, run->status),
            shown_because(cli, word_name(run_status_names, run->status), run->status_reason));
    if (run->status == RUN_HELD)
        fprintf(stderr, "berth: berth retry %s runs it again, berth cancel %s gives it up\n", run->id, run->id);
}

static bool follow(struct following *following, int *status, struct error *error)
{
    struct cli *cli = following->cli;

    for (;;) {
        arena_release(&cli->arena);
        if (!look(following, error))
            return false;
        if (run_ended((enum run_status)following->run.status) || following->run.status == RUN_HELD) {
            at_end(following, status);
            return true;
        }
        if (waits_for_person(cli, &following->run))
            return at_gate(following, status, error);
        if (!daemon_ensure(cli, error))
            return false;
        wait_for_more(following);
        if (!was_interrupted(following))
            continue;
        if (following->interrupts + 1 >= INTERRUPTS_MOST) {
            *status = STATUS_INTERRUPTED;
            fprintf(stderr, "berth: run %s is left to its end: berth log %s -f\n", following->run_id,
                    following->run_id);
            return true;
        }
        if (!cancel_run(following, error))
            return false;
    }
}

bool exec_follow(struct cli *cli, const char *run, int *status, struct error *error)
{
    struct following following = {.cli = cli, .run_id = run, .signals = -1, .log = -1};
    struct arena outer = cli->arena;
    sigset_t before;
    bool done;

    sigemptyset(&before);
    catch_interrupts(&following, &before);
    cli->arena = (struct arena){0}; /* what each look reads is dropped again */
    done = follow(&following, status, error);
    arena_release(&cli->arena);
    cli->arena = outer;
    if (following.log >= 0)
        close(following.log);
    if (following.signals >= 0)
        close(following.signals);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return done;
}
