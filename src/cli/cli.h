/* SPDX-License-Identifier: ISC */
/*
 * One run of the command line: its call, where it is, what it opened, how it prints. Everything in a struct cli lives until cli_release;
 * text that is handed out lives in its arena.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "berth/base/process.h"
#include "berth/base/str.h"
#include "berth/command.h"
#include "berth/config.h"
#include "berth/model/environment.h"
#include "berth/model/ledger.h"
#include "berth/model/run.h"
#include "berth/policy.h"
#include "berth/store.h"

#include <stdio.h>

struct cli {
    struct arena arena;
    struct call call;
    const char *folder; /* where to look for berth.yaml: -C, BERTH_WORKSPACE, else "." */
    int verbose;

    /* how it prints */
    bool terminal, colour, ascii; /* of standard output */
    bool asks;                    /* standard input and error are a terminal: a question can be put */
    int width;                    /* of the terminal, 0: no limit */

    /* the workspace, by workspace_find */
    const char *file;       /* its berth.yaml */
    const char *workspace;  /* its name */
    const char *repository; /* the trusted repository: canonical path or URL */
    const char *store_folder;

    /* by session_open */
    size_t unread; /* rows that were left out of a list because they cannot be read */
    bool unserved; /* nobody serves: of what was worked on nobody knows how far it is */
    struct store *store;
    struct config *config; /* the policy in force, NULL: none yet */
    struct policy_row policy;
    struct process daemon; /* the berthd that this process started; pid 0: none */
    int daemon_starts;     /* how many it started */
};

/* One verb. Sets `*status` to the exit status (0 when it does not). False: `error` says what failed; it becomes message and exit status. */
typedef bool cli_command(struct cli *cli, int *status, struct error *error);

cli_command cli_act;                                         /* act.c: every verb that acts */
cli_command cli_envs, cli_branches, cli_runs, cli_releases;  /* lists.c, runs.c */
cli_command cli_env, cli_graph, cli_log, cli_audit, cli_why; /* one file each */
cli_command cli_changes, cli_find;
cli_command cli_init, cli_check, cli_demo, cli_doctor, cli_stop; /* one file each */
cli_command cli_completion, cli_version, cli_help;               /* program.c */
/* The dashboard on the workspace in `cli->folder`. */
cli_command cli_dashboard;

/* --- the workspace and its store (workspace.c, session.c) ------------------------------------------------------ */
/* Looks for berth.yaml upwards. Reads only its workspace name and trusted repository: policy comes from the store. */
bool workspace_find(struct cli *cli, struct error *error) BERTH_MUST_CHECK;
/* Notes in the store whose it is, once: where berth.yaml cannot be read, workspace_find warns and goes by that. */
void workspace_note(struct cli *cli);
/* Where this repository lay before it was moved, and the store that it had there; NULL: nothing is known of such. */
const char *workspace_before(struct cli *cli, const char **store);

enum session_start {
    SESSION_AS_IT_IS, /* starts nothing; no store is ERROR_NOT_FOUND */
    SESSION_SERVE,    /* no store: starts berthd and waits until it serves; else makes sure that one is started */
    SESSION_START,    /* as SESSION_SERVE, and waits a while for the first listing of the repositories */
};
bool session_open(struct cli *cli, enum store_role role, enum session_start start,
                  struct error *error) BERTH_MUST_CHECK;
void session_close(struct cli *cli);
/* False, with the reason, while berthd has no policy: it then accepts nothing and lists nothing. */
bool session_need_policy(struct cli *cli, struct error *error) BERTH_MUST_CHECK;

/* The environment of that name: the one that is not destroyed, else the last one that was. */
enum store_found session_environment(struct cli *cli, const char *name, struct environment *environment,
                                     struct error *error);
/* The name of the environment that a branch of the trusted repository would have, where it fits one entry; else the text itself: a name, or what berthd
 * will ask about. In the arena. */
const char *session_environment_of(struct cli *cli, const char *subject) BERTH_MUST_CHECK;
/* As session_environment; a missing one is ERROR_NOT_FOUND with the nearest name. */
bool session_need_environment(struct cli *cli, const char *name, struct environment *environment,
                              struct error *error) BERTH_MUST_CHECK;
/* A run by number, or the newest of an environment that the verb can be about (policy_run_takes; NULL: any). */
bool session_need_run(struct cli *cli, const char *subject, const char *verb, struct run *run,
                      struct error *error) BERTH_MUST_CHECK;
/* All rows of an index in order; `rows` gets an array in the arena. */
bool session_list(struct cli *cli, const struct record_type *type, const char *index, const char *equal,
                  bool descending, size_t limit, void *rows, size_t *count, struct error *error) BERTH_MUST_CHECK;
/* True when this process's uid owns the store's folder. */
bool session_is_owner(const struct cli *cli);
/* "uid:1000" and its login name, in the arena. */
const char *session_actor(struct cli *cli);
const char *session_login(struct cli *cli);
/* Whether this person may do what the call's verb does, and what they will be asked (policy_ask): to an environment (it need not exist yet), or to
 * `run` where the verb is about one. Reads what the answer stands on; in the arena. NULL with an error: it could not be read. */
const struct why *session_why(struct cli *cli, const struct verb *verb, const char *environment_name,
                              const struct run *run, struct error *error) BERTH_MUST_CHECK;

/* --- berthd (daemon.c) ------------------------------------------------------------------------------------------ */
/* True when a berthd holds the store's lock. */
bool daemon_runs(const char *store_folder);
/* "" while one serves; else a sentence: nobody works, since when, how the last one ended. The session is open. */
const char *daemon_absent(struct cli *cli);
/* While one holds the lock and does not answer: which process that is, whether it is stopped, and what to do then. */
const char *daemon_silent(struct cli *cli);
/* Whether that process is stopped (SIGSTOP, a debugger). */
bool daemon_is_stopped(const struct daemon *daemon);
/* Starts one, detached, and returns at once. */
bool daemon_start(struct cli *cli, struct error *error) BERTH_MUST_CHECK;
/* Waits a moment until the one just started holds the lock, so that what comes next, a stop for one, finds it. */
void daemon_settle(struct cli *cli);
/* Lets go of the one that this process started; it goes on. */
void daemon_forget(struct cli *cli);
/* While something is waited for: starts one again when the one that served is gone; after a few that end at once an error. */
bool daemon_ensure(struct cli *cli, struct error *error) BERTH_MUST_CHECK;
/* Waits until the store is there and its berthd serves; an error shows the end of berthd.log. */
bool daemon_wait(struct cli *cli, struct error *error) BERTH_MUST_CHECK;

/* --- waiting (wait.c) ---------------------------------------------------------------------------------------------- */
/* Sleeps until the store's bell rings, at most `limit_ms`. */
void wait_for_bell(struct store *store, int64_t limit_ms);
/* Follows a run to its end, to a gate that waits for a person, or to `deadline_ms` (monotonic; 0: none). A run that goes back
 * is followed in the run that answers it. Prints changes as lines to `out` unless NULL. `*status`: 0 done, 1 failed, 3 waits for an approval, 6 timed out. */
bool wait_for_run(struct cli *cli, const char *run, int64_t deadline_ms, FILE *out, int *status,
                  struct error *error) BERTH_MUST_CHECK;

/* Whether a gate waits for a person, rather than for a window, a lock or a hold. */
bool waits_for_person(struct cli *cli, const struct run *run);
/* Prints what came of a step's log behind `*offset`, which moves on. `ended`: nothing more will come (log.c). */
bool log_print_step(struct cli *cli, const char *run, const char *step, int64_t *offset, bool ended,
                    struct error *error) BERTH_MUST_CHECK;
/* Follows the run of an operator's command: what the tool says goes to standard output as it comes, all else to standard error; ^C cancels the run. `*status`
 * gets the tool's exit status where it ran, 3 at a gate that waits for a person (exec.c). */
bool exec_follow(struct cli *cli, const char *run, int *status, struct error *error) BERTH_MUST_CHECK;

/* `plan --delta`: a plan, made now or waiting, against the one that was approved or applied last (delta.c). The session is open. */
bool plan_delta(struct cli *cli, int *status, struct error *error) BERTH_MUST_CHECK;
/* Submits the call, and waits for its run as --wait does, without printing either; `run` (id "" none) is as it is then. */
bool act_silently(struct cli *cli, struct run *run, int *status, struct error *error) BERTH_MUST_CHECK;
/* Does one acting call: checks, asks, submits, waits for the answer and with --wait for the end (act.c). The session is open. */
bool act_submit(struct cli *cli, int *status, struct error *error) BERTH_MUST_CHECK;

/* --- arguments of the call ------------------------------------------------------------------------------------- */
const char *cli_argument(const struct cli *cli, const char *name); /* "" when not given */
size_t cli_limit(const struct cli *cli, size_t preset);            /* --limit; 0: all */

#endif
