/* SPDX-License-Identifier: ISC */
/*
 * One root module being worked on for one resource: its folders, the tool that works on it, its state.
 *
 * The tool runs in a folder of the resource's own below the run's (0700): the module's folder is real there, everything in it and around it is a link into the exported
 * tree. So two resources may share one module, nothing is ever written into the tree, and plan and apply see the same absolute path. State without a
 * backend of the module's own lies in the store's folder, terraform/ENVIRONMENT/RESOURCE.
 */
#ifndef PROVIDER_TERRAFORM_MODULE_H
#define PROVIDER_TERRAFORM_MODULE_H

#include "provider/terraform/diagnostic.h"

#define TERRAFORM_STATE_VARIABLE "BERTH_TERRAFORM_STATE" /* in every tool's environment: ENVIRONMENT/RESOURCE */

struct module {
    const struct provider_context *context;
    const struct executor_task *task;
    struct arena *arena;
    const char *work;         /* of the resource in the run's folder */
    const char *root;         /* where the tool runs */
    const char *plan, *text;  /* paths of the plan and of the tool's words about it */
    const char *variables;    /* path of the file of variables */
    const char *state_folder; /* in the store; also for what a remote state leaves behind */
    const char *state;        /* the file, when the state is local */
    const char *state_name;   /* value of TERRAFORM_STATE_VARIABLE */
    bool own_backend;         /* known after module_begin */
    json_t *environment;      /* owned */
    const char *program;      /* argv[0], known after module_begin */
    json_t *seen;             /* by module_look, as the tool writes a state; NULL: none; owned */
    const char *errored;      /* by module_tidy: the state that could not be written where it belongs; NULL: it was */
    json_t *shorts;           /* by module_look, as fingerprints.shorts; owned */
    struct diagnostic failed; /* of the last run of the tool */
    struct state_lock lock;   /* it failed on; id "" when not */
    bool locked;
};
/* What the spec says, with nothing made and nothing run. */
bool module_check(const struct executor_task *task, struct error *error) BERTH_MUST_CHECK;
/* Lays out the folders, chooses the tool and initialises the module unless this run did so before. Release it in either case. */
bool module_begin(struct module *module, const struct provider_context *context, const struct executor_task *task,
                  struct arena *arena, struct error *error) BERTH_MUST_CHECK;
void module_release(struct module *module);

/* Runs the tool: `words` are the arguments after its name, NULL ends. Its lines go to the log, to module->text when MODULE_KEEP_TEXT is given. */
enum module_flag { MODULE_KEEP_TEXT = 1 << 0 };
bool module_run(struct module *module, const char *const *words, unsigned flags, struct error *error) BERTH_MUST_CHECK;
/* The same for a command that answers with JSON: its standard output is appended and nowhere else. */
bool module_ask(struct module *module, const char *const *words, struct str *output,
                struct error *error) BERTH_MUST_CHECK;
/* Writes the command line of a run that module_follow_quietly does not. */
void module_log_command(struct module *module, const char *const *words);
/* The same with all its standard output appended, whatever its exit status. Errors go to the log. */
bool module_capture(struct module *module, const char *const *words, struct str *output, struct runner_outcome *outcome,
                    struct error *error);
bool module_follow_quietly(struct module *module, const char *const *words,
                           void (*line)(const char *line, size_t length, void *owner), void *owner,
                           struct runner_outcome *outcome, struct error *error);
/* The same with each line given to `line`; whoever takes them finds the errors in them (module->failed stays empty). */
bool module_follow(struct module *module, const char *const *words,
                   void (*line)(const char *line, size_t length, void *owner), void *owner,
                   struct runner_outcome *outcome, struct error *error) BERTH_MUST_CHECK;
/* Makes the error of a run that ended badly: a lock, a stale plan, or its own first error. False. */
bool module_explain(struct module *module, const struct diagnostic *failed, const struct runner_outcome *outcome,
                    const char *what, struct error *error);

/* Appends to `words` what gives the module its variables: files, never the command line, which others could read. `*count` grows by as many; at most
 * MODULE_WORDS in all. Remove module->variables when the tool has read them. */
#define MODULE_WORDS 64
bool module_add_variables(struct module *module, const char **words, size_t *count, struct error *error);
/* The option that has the tool wait for the state's lock as long as the spec's lock_timeout says. In the arena. */
const char *module_lock_timeout(const struct module *module);
/* Has `attempt` run the tool with *option, which is set to the one above: first without waiting, and where somebody holds the state's lock again with a part of the time, until
 * all of lock_timeout is over. Who holds it is told (provider_context.waits) while it waits; one that is proven dead is not waited for. A run that does not get the lock has done nothing. */
bool module_await_lock(struct module *module, const char **option,
                       bool (*attempt)(struct module *module, void *owner, struct error *error), void *owner,
                       struct error *error);
/* Writes it, 0600. */
bool module_write_json(const char *path, const json_t *value, struct error *error) BERTH_MUST_CHECK;
/* The local state; NULL: it is not there, is empty, or is no state. New reference. */
json_t *module_read_state(const struct module *module) BERTH_MUST_CHECK;
/* True when the state is local and there is nothing in it. */
bool module_is_empty(const struct module *module);
/* Reads the state as it is now, wherever it is, into module->seen, and tells the redactor what it calls sensitive: before the tool speaks of it, for copies of a value are
 * not marked. A remote one costs a run of the tool. */
bool module_look(struct module *module, struct error *error);
/* What there is in it after the tool was at work: a list as apply_result.there, the caller's; NULL: not known, for it cannot be read, somebody else is at it, or
 * what the tool made could not be written into it. */
json_t *module_there(struct module *module);
/* Makes what the tool wrote beside the local state private, and keeps an errored.tfstate: its new path in the arena, or NULL. */
const char *module_tidy(struct module *module);

#endif
