/* SPDX-License-Identifier: ISC */
/*
 * The verbs: one table row gives a verb its name, arguments, role, confirmation, key, footer hint, help, usage, REST route, audit name and
 * manual entry. Remove the row and it is gone everywhere: dashboard, command line, palette, completion, man page.
 */
#ifndef BERTH_COMMAND_H
#define BERTH_COMMAND_H

#include "berth/base/memory.h"
#include "berth/model/words.h"

#include <jansson.h>

enum verb_kind {
    VERB_LOOKS, /* reads the store, changes nothing */
    VERB_ACTS,  /* inserts a command row */
    VERB_LOCAL, /* works on files or this program (init, check, demo, stop) */
};
enum confirm { CONFIRM_NONE, CONFIRM_KEY, CONFIRM_SUMMARY, CONFIRM_NAME };
enum argument_type {
    ARGUMENT_TEXT,
    ARGUMENT_ENVIRONMENT,
    ARGUMENT_BRANCH_OR_ENVIRONMENT,
    ARGUMENT_RUN,
    ARGUMENT_RUN_STEP,
    ARGUMENT_REF,
    ARGUMENT_DURATION,
    ARGUMENT_INSTANT,
    ARGUMENT_PAIR,
    ARGUMENT_NUMBER,
    ARGUMENT_FLAG,
    ARGUMENT_CHOICE,
    ARGUMENT_CRON,
    ARGUMENT_REST,
    ARGUMENT_TIER,
    ARGUMENT_DIGEST
};
struct verb_argument {
    const char *name; /* "ref": --ref; positional when `positional` */
    enum argument_type type;
    bool positional, required, repeated;
    const char *choices; /* "text|dot|mermaid|json" */
    const char *help;
    char letter; /* "f": -f, 0: none */
};
enum verb_scope {
    SCOPE_ENVIRONMENT = 1,
    SCOPE_BRANCH = 2,
    SCOPE_RUN = 4,
    SCOPE_GATE = 8,
    SCOPE_WORKSPACE = 16,
    SCOPE_STEP = 32
};
#define VERB_ARGUMENTS 12
struct verb {
    const char *name;
    enum verb_kind kind;
    enum role role;
    unsigned scopes;       /* enum verb_scope: where its key is valid */
    unsigned policy_flags; /* enum policy_flag */
    enum confirm confirm;
    char key;           /* of the dashboard, 0: none */
    const char *hint;   /* footer: "deploy" */
    const char *help;   /* one sentence */
    const char *manual; /* a paragraph for the man page and --help */
    const char *route;  /* "POST /api/v1/environments/{name}/actions" */
    const char *audit;  /* "deploy" */
    const char *undo;   /* the verb that takes it back, or "" */
    bool json, wait, dry_run;
    struct verb_argument arguments[VERB_ARGUMENTS]; /* ends with name NULL */
};
#define ROUTES_NOTE "not served by this version yet" /* what whoever shows a route says of it */
const struct verb *verbs(size_t *count);
const struct verb *verb_named(const char *name);
/* Fills `error` with ERROR_USAGE and the nearest name. Always false. */
bool verb_unknown(const char *word, struct error *error);
const struct verb *verb_for_key(char key, enum verb_scope scope);
const struct verb_argument *verb_argument_named(const struct verb *verb, const char *name);
/* What its subject is: a run; or an environment that is there already, not one that the verb makes. */
bool verb_is_about_run(const struct verb *verb);
bool verb_needs_environment(const struct verb *verb);

/* A parsed call of a verb. `arguments` also holds "reason" and "key" of verbs that act and "timeout" of those that wait. A repeated argument's
 * value is a list; a repeated first positional is `subject` and, with all that follow, a list under its own name. */
struct call {
    const struct verb *verb;
    const char *subject; /* the first positional, "" when none */
    json_t *arguments;   /* object: name -> text, true, or list where repeated */
    bool json, wait, dry_run, help;
    int verbose;
};
/* Parses `berth VERB …` (argv[0] is the verb). Errors are ERROR_USAGE with a hint ("did you mean …", the usage line). */
bool call_parse(int argc, char **argv, struct arena *arena, struct call *call, struct error *error) BERTH_MUST_CHECK;
/* Checks types, patterns, required ones of arguments that came from anywhere (CLI, palette, REST, bus). */
bool call_check(const struct verb *verb, const char *subject, const json_t *arguments,
                struct error *error) BERTH_MUST_CHECK;
/* The same action as a person would type it: "berth deploy review/x --ref main", shell-quoted. */
struct str;
void call_shell(const struct verb *verb, const char *subject, const json_t *arguments, struct str *out);
void verb_usage(const struct verb *verb, struct str *out); /* one line */
void verb_help(const struct verb *verb, struct str *out);  /* the whole --help text */
void verbs_overview(struct str *out);                      /* berth --help */
void verbs_manual(struct str *out);                        /* the COMMANDS section of berth(1), man source */
void verbs_reference(struct str *out);                     /* doc/commands.md */
void verbs_completion(const char *shell, struct str *out); /* bash, zsh, fish */

#endif
