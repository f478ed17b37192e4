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

#include "berth/base/memory.h"
#include "berth/base/node.h"
#include "berth/model/words.h"

#include <stdint.h>

struct window;
struct cron;
struct expression;

struct name_list {
    const char *const *items;
    size_t count;
};
/* A section that a provider understands: `node` is the whole map, checked against the provider's schema. */
struct config_section {
    const char *name; /* its key; "" in lists */
    const char *provider;
    const char *pool;         /* which berthd may claim, or "" */
    bool is_protected, built; /* built: this version has the provider */
    int line;
    const struct node *node;
};
struct config_sections {
    const struct config_section *items;
    size_t count;
};
struct config_person {
    const char *name;
    struct name_list email;
    const char *github, *slack, *unix_name, *heroku;
    int line;
};
struct config_group {
    const char *name;
    struct name_list members; /* persons, and foreign groups as "github-team:…" */
    int line;
};
struct config_access {
    struct name_list who; /* groups, persons, "token:…", "mtls:…" */
    enum role role;
    struct name_list tiers, environments, tags; /* empty: everywhere */
    int line;
};
enum source_kind { SOURCE_BRANCHES, SOURCE_PULL_REQUESTS, SOURCE_PROMOTE, SOURCE_MANUAL, SOURCE_WORKTREE };
enum trigger {
    TRIGGER_PUSH = 1,
    TRIGGER_PULL_REQUEST = 2,
    TRIGGER_CHECKS = 4,
    TRIGGER_COMMENT = 8,
    TRIGGER_PROMOTE = 16,
    TRIGGER_MANUAL = 32,
    TRIGGER_QUEUE = 64
};
struct config_gate {
    bool present;
    int approvals;
    struct name_list by, require; /* groups; approved, mergeable, undiverged */
    bool not_author;
    const struct window *const *windows;
    size_t window_count;
    int64_t expires_ms; /* 0: never */
    int line;
};
struct config_rollback {
    bool gate_none, ignore_windows;
    struct name_list ask_if; /* destroys, data */
    int line;
};
struct config_input {
    const char *name, *type, *pattern, *preset; /* preset: default text, or "" */
    bool required;
    struct name_list values; /* enum */
    int line;
};
/* one item of `environments` */
struct config_entry {
    const char *name; /* as written, with ${{ }} */
    const struct expression *name_expression;
    enum tier tier;
    const char *description, *deployment, *repository, *target, *plan_target, *runner, *managed_by;
    struct name_list tags, templates;
    unsigned sources;          /* 1 << enum source_kind */
    struct name_list branches; /* globs; "!" excludes; the last that fits decides */
    struct name_list refs;     /* manual: commit, branch, tag */
    const char *default_ref, *promote_from, *promote_by;
    unsigned deploy_on, plan_on; /* enum trigger bits */
    struct name_list deploy_queues, plan_queues;
    const struct node *with; /* map of parameters, expressions inside */
    const struct config_input *inputs;
    size_t input_count;
    bool allow_present;
    struct name_list allow_executors, allow_secrets; /* patterns */
    int64_t ttl_default_ms, ttl_max_ms;
    const char *ttl_from; /* created, last_push, last_deploy */
    int ttl_extensions;
    bool destroy_with_branch;
    int64_t destroy_after_ms;
    enum failure_answer on_failure;
    struct config_gate gate;
    struct config_rollback rollback;
    bool break_glass;
    struct name_list break_glass_by;
    int64_t break_glass_ms;
    const char *data_policy, *data_seed, *forks;
    const struct cron *drift;
    struct name_list drift_blocks, require_checks;
    int64_t soak_ms;
    int slug_max;
    bool permanent;
    int line;
    const struct node *node; /* the whole entry, for what later providers read */
};
struct config_freeze {
    const char *name;
    struct name_list tiers, except;
    int64_t from, until;
    int line;
};
struct config_notify {
    struct config_section section;
    struct name_list events, tiers; /* empty: all */
};
struct config_limits {
    int runs, steps, remove_at_once, remove_share_percent; /* 0: no limit of ours */
    int line;
};
struct config {
    struct arena arena;
    const char *file, *commit;                                /* where it was read: for messages and why-trees */
    const char *workspace, *trusted_repository, *trusted_ref; /* ref "": the default branch */
    struct config_sections repositories, secrets, targets, runners, queues, registries;
    const struct config_section *artifacts; /* or NULL */
    const struct config_person *people;
    size_t person_count;
    const struct config_group *groups;
    size_t group_count;
    const struct config_access *access;
    size_t access_count;
    const struct config_entry *environments;
    size_t environment_count;
    const struct config_notify *notify;
    size_t notify_count;
    const struct config_freeze *freezes;
    size_t freeze_count;
    struct config_limits limits;
    const struct node *root;
};

/* Reads berth.yaml's text. NULL when there were errors (all of them are in `problems`); warnings alone do not hinder. */
struct config *config_load(const char *file, const char *text, size_t length,
                           struct problems *problems) BERTH_MUST_CHECK;
void config_free(struct config *config);
const struct config_entry *config_entry_named(const struct config *config, const char *name);
const struct config_section *config_section_named(const struct config_sections *sections, const char *name);
/* Every entry that a branch of a repository matches, in order; returns how many were written to `entries` (at most `room`). */
size_t config_match_branch(const struct config *config, const char *repository, const char *branch,
                           const struct config_entry **entries, size_t room);
/* The entry whose pattern yields an environment name ("review/x" from "review/${{ branch.slug }}"), or NULL. */
const struct config_entry *config_entry_for_name(const struct config *config, const char *environment_name);

/* --- berthd.yaml ------------------------------------------------------------------------------------------- */
/* the machine's own file; every member has a default */
struct host_config {
    struct arena arena;
    const char *store;
    struct name_list pools;
    int workers;       /* 0: as many as `limits.steps`, at most 8 */
    int64_t linger_ms; /* how long an idle supervisor waits before it ends itself */
    int64_t poll_ms;   /* of repositories that cannot be watched */
    const char *log;   /* text | json */
    const struct node *root;
};
struct host_config *host_config_load(const char *file, const char *text, size_t length,
                                     struct problems *problems) BERTH_MUST_CHECK;
struct host_config *host_config_default(void) BERTH_MUST_CHECK;
void host_config_free(struct host_config *host);

/* --- templates --------------------------------------------------------------------------------------------- */
struct template_resource {
    const char *name, *executor, *group, *target, *runner, *description, *contact;
    struct name_list needs, outputs, tags;
    const struct node *node; /* the whole map */
    int64_t timeout_ms, backoff_ms;
    int attempts;
    bool repeatable, data, external;
    int line;
};
/* a parsed templates/NAME.yaml */
struct template
{
    struct arena arena;
    const char *file, *name, *version, *description;
    struct name_list tags, requires;
    const struct config_input *parameters;
    size_t parameter_count;
    const struct template_resource *resources;
    size_t resource_count;
    const struct node *root; /* groups, checks, entrypoints, links, actions, status_endpoints are read from here */
};
struct template *template_load(const char *file, const char *text, size_t length,
                               struct problems *problems) BERTH_MUST_CHECK;
void template_free(struct template *template);
/* Checks templates against the configuration that uses them: unknown needs, cycles, unknown targets and groups, parameters not given, executors and
 * secrets not allowed for an entry. Adds problems. */
void config_check_templates(const struct config *config, struct template *const *templates, size_t count,
                            struct problems *problems);

/* --- ${{ }} ------------------------------------------------------------------------------------------------- */
struct json_t;
struct scope; /* names and values that paths may name */
struct scope *scope_new(void) BERTH_MUST_CHECK;
void scope_free(struct scope *scope);
/* "branch.slug" -> text. Values are data: never looked at for placeholders. */
void scope_set(struct scope *scope, const char *path, const char *value);
enum expand_mode {
    EXPAND_ALL,   /* an unknown path is an error */
    EXPAND_EARLY, /* resource.* and secret.* stay as $parts (see result.h) */
};
/* Expands one scalar to text. Errors name the path and file:line. With EXPAND_ALL resource.* and secret.* must be in the scope. */
bool expand_text(const struct scope *scope, const char *file, const struct node *scalar, struct str *out,
                 struct problems *problems) BERTH_MUST_CHECK;
/* A `when:`: comparison or truth of a path. */
bool expand_condition(const struct scope *scope, const char *file, const struct node *scalar, bool *yes,
                      struct problems *problems) BERTH_MUST_CHECK;
/* A whole tree as JSON (new reference); scalars keep their YAML type when they hold no placeholder. NULL after problems. */
struct json_t *expand_tree(const struct scope *scope, const char *file, const struct node *node, enum expand_mode mode,
                           struct problems *problems) BERTH_MUST_CHECK;
/* In a worker: replaces each {"$parts": …} by text with what `resolve` gives for its paths. `resolve` appends the value, or false with its error. */
typedef bool expand_resolve(const char *path, struct str *value, void *context, struct error *error);
struct json_t *expand_parts(const struct json_t *tree, expand_resolve *resolve, void *context,
                            struct error *error) BERTH_MUST_CHECK;
/* Every path named by $parts below `tree` ("resource.db.outputs.url", "secret.env.HOOK"), each once. */
void expand_paths(const struct json_t *tree, void (*visit)(const char *path, void *context), void *context);

/* What the templates of an entry want, counted and expanded: fills `result` (wanted, templates, groups, checks, entrypoints, links …; not sources and
 * commit). `scope` has env.*, branch.*, commit.*, pr.*, actor.*, input.*; param.* and values.* are set here from `with`. */
struct prepare_result;
bool template_expand(const struct config *config, const struct config_entry *entry, struct template *const *templates,
                     size_t count, struct scope *scope, struct arena *arena, struct prepare_result *result,
                     struct problems *problems) BERTH_MUST_CHECK;

/* --- published ----------------------------------------------------------------------------------------------- */
enum schema_kind { SCHEMA_BERTH, SCHEMA_TEMPLATE, SCHEMA_HOST };
/* The JSON Schema (draft 2020-12) as text, appended. */
void schema_publish(enum schema_kind kind, struct str *out);
/* A first berth.yaml for `berth init`: valid, commented. */
void config_first(const char *workspace, const char *default_branch, struct str *out);

#endif
