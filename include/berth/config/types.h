/* SPDX-License-Identifier: ISC */
/*
 * The typed form of berth.yaml: what config_load gives. Everything lives in the config's arena until config_free and is immutable
 * after loading, so it may be shared. `line` members are lines of the file they were read from, for why-trees and messages.
 */
#ifndef BERTH_CONFIG_TYPES_H
#define BERTH_CONFIG_TYPES_H

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
/* A parameter of a template, or an input of an entry or an action. */
struct config_input {
    const char *name, *type, *pattern, *preset; /* preset: default text, or "" */
    const char *min, *max;                      /* numbers as written, or "" */
    const char *repository, *description;
    bool required, has_preset;
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
    struct name_list allow_executors, allow_secrets; /* patterns; no executors: all */
    struct name_list allow_commands;                 /* how an operator's commands may begin; not named: all */
    struct name_list allow_targets, allow_runners;   /* besides the entry's own */
    int64_t ttl_default_ms, ttl_max_ms;
    const char *ttl_from; /* created, last_push, last_deploy, last_use */
    int ttl_extensions;   /* -1: as many as fit below max */
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
    const char
        *id; /* "webhook:HASH": of what the section says of the receiver; its place, events and tiers may change */
    struct name_list events, tiers; /* empty: all */
    const char *repository, *ref;   /* of one that keeps a record of each run that ended (git), else "" */
};
struct config_limit { /* of one target or one tier; 0: none */
    const char *name;
    int runs, steps;
    int line;
};
struct config_limits {
    int runs, steps, remove_at_once, remove_share_percent; /* 0: no limit of ours */
    const struct config_limit *targets;
    size_t target_count;
    struct config_limit tiers[TIER_PROD + 1];
    bool divides_runs, divides_steps; /* some target or tier has a limit of its own */
    int environments[TIER_PROD + 1];  /* at most, by tier; -1: no limit */
    int environments_line;
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

#endif
