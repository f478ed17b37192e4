/* SPDX-License-Identifier: ISC */
/*
 * Configuration: berth.yaml, berthd.yaml and templates; text in, a typed model out, or all the errors at once with
 * file:line:column. One schema (data, src/config/schema/ and src/provider/NAME/schema.yaml, embedded at build time) checks every key
 * of every file and is published as JSON Schema. Pure: nothing here opens a file, except where a function's name says so.
 *
 * Everything of a struct config lives in its own arena until config_free and is immutable after loading, so it may be shared.
 * `line` members are lines of the file they were read from, for why-trees and messages.
 */
#ifndef BERTH_CONFIG_H
#define BERTH_CONFIG_H

#include "berth/config/expand.h"
#include "berth/config/template.h"
#include "berth/config/types.h"

struct environment;
struct str;

/* Reads berth.yaml's text. NULL when there were errors (all of them are in `problems`); warnings alone do not hinder. */
struct config *config_load(const char *file, const char *text, size_t length,
                           struct problems *problems) BERTH_MUST_CHECK;
void config_free(struct config *config);
const struct config_entry *config_entry_named(const struct config *config, const char *name);
const struct config_section *config_section_named(const struct config_sections *sections, const char *name);
/* The receiver with this id, or NULL: the policy has none such. */
const struct config_notify *config_notify_named(const struct config *config, const char *id);
/* Every entry that a branch of a repository matches, in order; returns how many were written to `entries` (at most `room`). */
size_t config_match_branch(const struct config *config, const char *repository, const char *branch,
                           const struct config_entry **entries, size_t room);
/* Whether an entry's `branches` take that branch of that repository. */
bool config_entry_takes(const struct config_entry *entry, const char *repository, const char *branch);
/* The name of the environment that a branch makes by an entry, in the arena; `inputs` is an object of texts, or NULL. "" when the name needs more than
 * that. The one place that knows: whoever shows, triggers or accepts a deploy of a branch asks here. */
const char *config_entry_branch_name(const struct config *config, const struct config_entry *entry, const char *branch,
                                     const struct json_t *inputs, struct arena *arena);
/* The slug of a name (an environment's, a branch's) as the entry limits it, appended; `entry` may be NULL. */
size_t config_entry_slug_limit(const struct config_entry *entry);
void config_entry_slug(const struct config_entry *entry, const char *name, struct str *out);
/* Sets branch.name and branch.slug. */
void config_entry_set_branch(const struct config_entry *entry, const char *branch, struct scope *scope);
/* The entry whose pattern yields an environment name ("review/x" from "review/${{ branch.slug }}"), or NULL. */
const struct config_entry *config_entry_for_name(const struct config *config, const char *environment_name);
/* The entry that speaks of an environment: the one that made it, whatever else fits its name now, or NULL: no entry makes it any more. Of one
 * that is not there yet (`environment` NULL) the entry that yields its name. */
const struct config_entry *config_entry_of(const struct config *config, const struct environment *environment,
                                           const char *environment_name);
/* Whether an environment is there that no entry makes any more: nothing deploys, extends or keeps it; what is recorded can be destroyed. False where
 * `config` is NULL: nobody knows. */
bool config_left_behind(const struct config *config, const struct environment *environment);
#define LEFT_BEHIND "no entry" /* beside its status or name in lists */
/* Appends the sentence about such a one: what berth does with it from now on. */
void config_left_behind_say(const struct environment *environment, struct str *out);
/* Whether the name of a listed branch, given as what a command is about, means that branch and no environment that is yet to be: an entry takes the
 * branch, or no entry's pattern fits its name; but a name that an entry writes out is that entry's. */
bool config_name_means_branch(const struct config *config, const char *repository, const char *branch);

/* The name of an entry's environment: its pattern expanded in `scope` (branch.*, pr.*, actor.*, input.*), appended. */
bool config_entry_expand_name(const struct config *config, const struct config_entry *entry, const struct scope *scope,
                              struct str *out, struct problems *problems) BERTH_MUST_CHECK;
/* Whether the templates of an entry may use an executor; a secret ("env.HOOK", "vault.github/token", or a store's name). Without `allow:` every
 * executor and every secret may be used, but no secret in review and ephemeral tiers; `external` needs no leave. */
bool config_allows_executor(const struct config_entry *entry, const char *executor);
bool config_allows_secret(const struct config_entry *entry, const char *path);
/* Whether an operator may run a command there (`words` begin with the tool's name, NULL ends). Without `allow: commands` all. */
bool config_allows_command(const struct config_entry *entry, const char *const *words);

/* What an executor's own data say of the tool that an operator may use on its resources (`berth exec`, `berth unlock`). Text in the arena. */
enum tool_leave { TOOL_READS, TOOL_CHANGES, TOOL_REFUSED };
struct config_tool {
    struct name_list names; /* of the tool; none: the executor has none to use */
    bool locks;             /* it locks a state, and the lock can be released */
    const struct node *node;
};
void config_tool_of(const char *executor, struct arena *arena, struct config_tool *tool);
/* What a command to it would do; anything not known to change nothing counts as a change. TOOL_REFUSED: `reason` and `next` say why and what instead. */
enum tool_leave config_tool_leave(const struct config_tool *tool, const char *const *words, struct arena *arena,
                                  const char **reason, const char **next);
/* Whether a value fits a declared input or parameter; ERROR_USAGE says what was expected. */
bool config_input_fits(const struct config_input *input, const char *value, struct error *error) BERTH_MUST_CHECK;

/* --- berthd.yaml ------------------------------------------------------------------------------------------- */
/* the machine's own file; every member has a default */
struct host_config {
    struct arena arena;
    const char *store;
    struct name_list pools;
    int workers;           /* 0: as many as `limits.steps`, at most 8 */
    int64_t linger_ms;     /* how long an idle supervisor waits before it ends itself */
    int64_t poll_ms;       /* of repositories that cannot be watched */
    int64_t hung_after_ms; /* an observer or notifier that says nothing for so long is ended */
    const char *log;       /* text | json */
    const struct node *root;
};
struct host_config *host_config_load(const char *file, const char *text, size_t length,
                                     struct problems *problems) BERTH_MUST_CHECK;
struct host_config *host_config_default(void) BERTH_MUST_CHECK;
void host_config_free(struct host_config *host);

/* --- published ----------------------------------------------------------------------------------------------- */
enum schema_kind { SCHEMA_BERTH, SCHEMA_TEMPLATE, SCHEMA_HOST };
/* The JSON Schema (draft 2020-12) as text, appended. */
void schema_publish(enum schema_kind kind, struct str *out);
/* A first berth.yaml for `berth init`: valid, commented. */
void config_first(const char *workspace, const char *default_branch, struct str *out);

#endif
