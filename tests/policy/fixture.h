/* SPDX-License-Identifier: ISC */
/* A small workspace for policy tests: people, groups, access rules and entries, written out as the config room would give them. */
#ifndef TESTS_POLICY_FIXTURE_H
#define TESTS_POLICY_FIXTURE_H

#include "berth/config.h"
#include "berth/model/environment.h"
#include "berth/model/ledger.h"
#include "berth/model/run.h"
#include "berth/policy.h"

#define NOW INT64_C(1795269600000) /* 2026-11-21T14:00:00Z, a Saturday */
#define LIST(...)                                                                                             \
    {                                                                                                         \
        (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *) \
    }

static const struct config_person fixture_people[] = {
    {.name = "alice",
     .email = LIST("alice@acme.org", "Alice@home.org"),
     .github = "alice-gh",
     .unix_name = "al",
     .line = 10},
    {.name = "bob", .email = LIST("bob@acme.org"), .github = "bob", .unix_name = "bob", .line = 11},
    {.name = "carol", .email = LIST("carol@acme.org"), .unix_name = "carol", .line = 12},
    {.name = "dave", .email = LIST("dave@acme.org"), .unix_name = "dave", .line = 13},
};
static const struct config_group fixture_groups[] = {
    {.name = "ops", .members = LIST("alice", "bob"), .line = 15},
    {.name = "everybody", .members = LIST("ops", "devs"), .line = 16},
    {.name = "devs", .members = LIST("carol", "everybody"), .line = 17}, /* a cycle */
};
static const struct config_access fixture_access[] = {
    {.who = LIST("everybody"), .role = ROLE_VIEWER, .line = 20},
    {.who = LIST("devs"), .role = ROLE_DEPLOYER, .tiers = LIST("review", "ephemeral"), .line = 21},
    {.who = LIST("ops"), .role = ROLE_ADMIN, .line = 22},
    {.who = LIST("token:ci"), .role = ROLE_DEPLOYER, .environments = LIST("try/*"), .line = 23},
    {.who = LIST("dave"), .role = ROLE_APPROVER, .tags = LIST("team-d"), .line = 24},
};
static const struct config_entry fixture_entries[] = {
    {.name = "review/${{ branch.slug }}",
     .tier = TIER_REVIEW,
     .sources = 1u << SOURCE_BRANCHES,
     .branches = LIST("feature/**"),
     .deploy_on = TRIGGER_PUSH,
     .ttl_default_ms = 172800000,
     .ttl_extensions = 2,
     .destroy_with_branch = true,
     .line = 30},
    {.name = "staging",
     .tier = TIER_STAGING,
     .sources = 1u << SOURCE_BRANCHES,
     .branches = LIST("main"),
     .plan_on = TRIGGER_PULL_REQUEST,
     .deploy_on = TRIGGER_PUSH,
     .gate = {.present = true, .approvals = 1, .by = LIST("ops"), .line = 45},
     .rollback = {.gate_none = true},
     .permanent = true,
     .line = 40},
    {.name = "prod",
     .tier = TIER_PROD,
     .sources = 1u << SOURCE_PROMOTE,
     .promote_from = "staging",
     .deploy_on = TRIGGER_PROMOTE,
     .gate = {.present = true, .approvals = 2, .by = LIST("ops"), .not_author = true, .line = 55},
     .drift_blocks = LIST("promote"),
     .permanent = true,
     .line = 50},
    {.name = "try/${{ input.name }}",
     .tier = TIER_EPHEMERAL,
     .sources = 1u << SOURCE_MANUAL,
     .refs = LIST("branch", "tag"),
     .deploy_on = TRIGGER_MANUAL,
     .on_failure = ANSWER_DESTROY,
     .line = 60},
};
enum { REVIEW, STAGING, PROD, TRY };

static inline struct config fixture_config(void)
{
    return (struct config){.file = "berth.yaml",
                           .people = fixture_people,
                           .person_count = 4,
                           .groups = fixture_groups,
                           .group_count = 3,
                           .access = fixture_access,
                           .access_count = 5,
                           .environments = fixture_entries,
                           .environment_count = 4};
}

static inline struct policy_question fixture_question(const struct config *config, int entry, const char *name)
{
    return (struct policy_question){.config = config,
                                    .entry = &fixture_entries[entry],
                                    .environment_name = name,
                                    .tier = fixture_entries[entry].tier,
                                    .verb = "deploy",
                                    .role = ROLE_DEPLOYER,
                                    .flags = POLICY_DEPLOYS,
                                    .actor = "uid:1000",
                                    .person = "alice",
                                    .commit = "c0ffee",
                                    .ref_kind = "branch",
                                    .now_ms = NOW};
}

/* The verdict of the first rule of that name in a tree, -1 when there is none. */
static inline int fixture_rule(const struct why *why, const char *rule)
{
    for (size_t i = 0; i < why->count; i++) {
        if (strcmp(why->children[i]->rule, rule) == 0)
            return (int)why->children[i]->verdict;
    }
    return -1;
}

#endif
