/* SPDX-License-Identifier: ISC */
/*
 * A small real world for tests of berthd: a git repository, a policy, resources that are scripts which keep a journal, the real berthd, and a client of its
 * store. berthd is started again whenever it is found dead, as `berth` would. Everything lies in one temporary folder and ends with world_close.
 */
#ifndef FAULTS_WORLD_H
#define FAULTS_WORLD_H

#include "berth/base/memory.h"
#include "berth/base/process.h"
#include "berth/base/str.h"
#include "berth/model/environment.h"
#include "berth/model/ledger.h"
#include "berth/model/run.h"
#include "berth/store.h"

#include <stdbool.h>

enum world_executor {
    WORLD_EXEC,
    WORLD_EXEC_RETRIES, /* each resource declares `retries` */
    WORLD_EXTERNAL,     /* beside an external resource */
    WORLD_GUARDED,      /* each resource takes a secret and has a probe */
    WORLD_CLEARED,      /* the tool empties its environment, and forks */
    WORLD_EXECUTORS
};

#define SHOP_CLEARED "cleared-tool" /* the file that the tool of WORLD_CLEARED runs: its processes are known by it */
#define WORLD_SECRET "open-sesame-7c1f-4e0b" /* the value that WORLD_GUARDED uses */

#define WORLD_VARIABLES 6

struct world {
    char *folder, *repository, *store_folder;
    const char *fault;                      /* BERTH_FAULT of every berthd that is started, or "" */
    const char *variables[WORLD_VARIABLES]; /* more of their environment, "NAME=value"; the first NULL ends them */
    char *host_config;                      /* the berthd.yaml of every berthd that is started, or NULL */
    struct process daemon;
    pid_t watcher;       /* ends all of the world once this process is gone, however it went */
    int alive;           /* what the watcher watches: this process's end of a pipe */
    struct store *store; /* a client's */
    struct arena arena;  /* rows that were read */
    int starts;          /* of berthd */
};

struct world_spec {
    enum world_executor executor;
    const char *template_text; /* NULL: resources a <- b <- c and a check */
    const char *policy_more;   /* lines at the end of the policy, or NULL */
    const char *entry_more;    /* lines of the environments' entry, or NULL */
    const char *on_failure;    /* NULL: hold */
    const char *gate_expires;  /* a duration, or NULL */
    const char *deploy_on;     /* NULL: manual */
    size_t branches;           /* more of them: more/1 … */
    int port;                  /* of the probes of WORLD_GUARDED */
};
/* Makes folder, repository (with the branch feature/x) and sets XDG_STATE_HOME so that `berth` there finds the same store. Aborts on trouble: a test
 * cannot go on. */
void world_open(struct world *world, const struct world_spec *spec);
/* Ends berthd and everything it left, removes the folder. When this process dies before, that happens all the same. */
void world_close(struct world *world);
/* Gives berthd a berthd.yaml, from its next start on. */
void world_configure(struct world *world, const char *yaml);
void world_start(struct world *world);
/* Starts berthd when it is not there; true when it had to. */
bool world_keep(struct world *world);
void world_kill(struct world *world, int signal_number);
/* Ends all workers of this berthd at once. Returns how many. */
size_t world_kill_workers(struct world *world);
/* The pid of a child of this berthd by its kind ("worker", "observer:branches" …), 0: none. */
pid_t world_child(struct world *world, const char *kind);

/* A command row; returns its id (in the arena). */
const char *world_submit(struct world *world, const char *verb, const char *subject, const char *arguments);
/* The same, and waits for its answer; NULL after the bound. */
const struct command *world_ask(struct world *world, const char *verb, const char *subject, const char *arguments);
/* Waits until `holds` says true, keeping berthd alive; false after a bound. */
typedef bool world_condition(struct world *world, void *context);
bool world_wait(struct world *world, world_condition *holds, void *context);
/* The row, in the arena; NULL: none. */
const struct run *world_run(struct world *world, const char *id);
const struct run *world_last_run(struct world *world);
const struct command *world_command(struct world *world, const char *id);
const struct environment *world_environment(struct world *world, const char *name);
/* Waits until the last run has one of the statuses (bits 1 << enum run_status); NULL after the bound. */
const struct run *world_wait_run(struct world *world, unsigned statuses);
/* Lines of the journal that equal `text`: "begin up a", "end up a" … */
size_t world_journal(struct world *world, const char *text);
/* Makes a tool wait when it is started (before its end), lets it go. */
void world_hold_tool(struct world *world, const char *action, const char *name);
void world_release_tool(struct world *world, const char *action, const char *name);
/* The tool that waits goes on waiting for ever, the next one does not wait. */
void world_forget_tool(struct world *world, const char *action, const char *name);
/* The process at which a fault named in `fault` has fired; 0: it has not. */
pid_t world_fired(struct world *world, const char *point);
/* Living tools of steps, this world's only. Calls `found` (or NULL) for each, returns how many. */
size_t world_tools(struct world *world, void (*found)(pid_t pid, void *context), void *context);
/* What must hold after every story: audit whole, no tool left, no lock held, no file of the store holds the secret. Appends a sentence for each breach, returns how many. */
size_t world_breaches(struct world *world, struct str *out);
void world_write(struct world *world, const char *path, const char *text, bool executable);
void world_command_line(const char *folder, const char *const *argv);
/* Runs git in the repository; NULL ends the arguments. */
void world_git(struct world *world, const char *a, const char *b, const char *c);
/* A new commit on feature/x with this template. */
void world_push(struct world *world, const char *template_text);
/* Rewrites the branches more/N: the first `count` of them are there, at the commit that `main` is at, which is returned (free). */
char *world_more_branches(struct world *world, size_t count);
/* The real `berth` in the repository with these arguments (NULL ends them): its exit status, and what it printed (both streams). */
int world_berth(struct world *world, const char *const *arguments, struct str *printed);
/* Whether terraform can be run here. */
bool world_has_terraform(void);

#endif
