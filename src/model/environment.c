/* SPDX-License-Identifier: ISC */
/* The tables of what is there: environments and what belongs to them, and the branches they come from. */
#include "berth/model/environment.h"

#include "berth/base/str.h"

#include "model/columns.h"

static const struct column environment_columns[] = {
    TEXT(environment, id),
    TEXT(environment, name),
    TEXT(environment, slug),
    ENUM(environment, tier, tier_names),
    TEXT(environment, entry),
    TEXT(environment, description),
    JSON(environment, tags),
    TEXT(environment, owner),
    TEXT(environment, managed_by),
    TEXT(environment, repository),
    TEXT(environment, branch),
    TEXT(environment, target),
    TEXT(environment, deployment),
    JSON(environment, inputs),
    ENUM(environment, status, environment_status_names),
    MARKS(environment, marks, environment_mark_names),
    TEXT(environment, status_reason),
    BOOL(environment, permanent),
    BOOL(environment, is_protected),
    TIME(environment, created_at),
    TIME(environment, deployed_at),
    TIME(environment, destroyed_at),
    TIME(environment, planned_destruction_at),
    TIME_SINCE(2, environment, ends_at),
    TEXT_SINCE(2, environment, ends_why),
    INT(environment, extensions),
    INT_SINCE(4, environment, extended_ms),
    TIME_SINCE(4, environment, given_until),
    TIME_SINCE(4, environment, used_at),
    TEXT_SINCE(4, environment, used_by),
    INT(environment, release),
    TEXT(environment, commit),
    TEXT(environment, lock_run),
    TIME(environment, lock_since),
    TEXT(environment, excluded_commit),
    TEXT(environment, entrypoint),
    QUIET_TIME(environment, observed_at),
    QUIET_TEXT(environment, observed_by),
};
static const struct record_index environment_indexes[] = {
    {.name = "name", .columns = {"name", "created_at"}},
    {.name = "slug", .columns = {"slug", "created_at"}},
    {.name = "status", .columns = {"status", "name"}},
    {.name = "branch", .columns = {"repository", "branch", "name"}},
};
const struct record_type environment_type = {
    .name = "environments",
    RECORD_OF(environment, environment_columns),
    INDEXED_BY(environment_indexes),
    .flags = RECORD_HISTORY,
};

static const struct column environment_template_columns[] = {
    TEXT(environment_template, id),       TEXT(environment_template, environment),
    TEXT(environment_template, template), TEXT(environment_template, version),
    TEXT(environment_template, commit),   TEXT(environment_template, repository),
};
static const struct record_index environment_template_indexes[] = {
    {.name = "environment", .columns = {"environment", "template"}},
    {.name = "template", .columns = {"template", "environment"}},
};
const struct record_type environment_template_type = {
    .name = "environment_templates",
    RECORD_OF(environment_template, environment_template_columns),
    INDEXED_BY(environment_template_indexes),
};

static const struct column template_columns[] = {
    TEXT(template_row, id),         TEXT(template_row, name),       TEXT(template_row, version),
    TEXT(template_row, repository), TEXT(template_row, commit),     TEXT(template_row, description),
    JSON(template_row, tags),       JSON(template_row, parameters), JSON(template_row, graph),
    JSON(template_row, groups),     JSON(template_row, resources),  JSON(template_row, actions),
};
static const struct record_index template_indexes[] = {
    {.name = "name", .columns = {"name", "repository", "commit"}},
};
const struct record_type template_type = {
    .name = "templates",
    RECORD_OF(template_row, template_columns),
    INDEXED_BY(template_indexes),
};

static const struct column resource_group_columns[] = {
    TEXT(resource_group, id),          TEXT(resource_group, environment), TEXT(resource_group, name),
    TEXT(resource_group, description), JSON(resource_group, tags),        JSON(resource_group, needs),
    JSON(resource_group, graph),       JSON(resource_group, members),
};
static const struct record_index resource_group_indexes[] = {
    {.name = "environment", .columns = {"environment", "name"}},
};
const struct record_type resource_group_type = {
    .name = "resource_groups",
    RECORD_OF(resource_group, resource_group_columns),
    INDEXED_BY(resource_group_indexes),
};

static const struct column resource_columns[] = {
    TEXT(resource, id),
    TEXT(resource, environment),
    TEXT(resource, address),
    TEXT(resource, template),
    TEXT(resource, template_version),
    TEXT(resource, name),
    INT(resource, item),
    INT(resource, count),
    TEXT(resource, parent),
    TEXT(resource, executor),
    TEXT(resource, kind),
    TEXT(resource, group),
    TEXT(resource, target),
    TEXT(resource, description),
    TEXT(resource, contact),
    TEXT(resource, runner),
    TEXT(resource, pool),
    INT(resource, timeout_ms),
    INT(resource, attempts),
    INT(resource, backoff_ms),
    BOOL(resource, repeatable),
    BOOL(resource, replans),
    ENUM(resource, status, resource_status_names),
    TEXT(resource, status_reason),
    TEXT(resource, ready),
    JSON(resource, links),
    JSON(resource, tags),
    JSON(resource, needs),
    BOOL(resource, external),
    BOOL(resource, data),
    TEXT(resource, shared_environment),
    TEXT(resource, shared_resource),
    JSON(resource, spec),
    TEXT(resource, spec_digest),
    JSON(resource, sources),
    JSON(resource, outputs),
    JSON_SINCE(3, resource, sensitive),
    JSON(resource, probes),
    TEXT(resource, applied_run),
    INT(resource, position),
    TIME(resource, created_at),
    TIME(resource, applied_at),
    QUIET_TIME(resource, observed_at),
    QUIET_TEXT(resource, observed_by),
};
static const struct record_index resource_indexes[] = {
    {.name = "environment", .columns = {"environment", "position"}},
    {.name = "status", .columns = {"status", "environment"}},
    {.name = "shared", .columns = {"shared_environment", "shared_resource"}},
};
const struct record_type resource_type = {
    .name = "resources",
    RECORD_OF(resource, resource_columns),
    INDEXED_BY(resource_indexes),
    .flags = RECORD_HISTORY,
};

static const struct column entrypoint_columns[] = {
    TEXT(entrypoint, id),
    TEXT(entrypoint, environment),
    TEXT(entrypoint, template),
    TEXT(entrypoint, name),
    TEXT(entrypoint, url),
    TEXT(entrypoint, kind),
    ENUM(entrypoint, status, resource_status_names),
    TEXT(entrypoint, status_reason),
    QUIET_TIME(entrypoint, observed_at),
};
static const struct record_index entrypoint_indexes[] = {
    {.name = "environment", .columns = {"environment", "kind", "name"}},
};
const struct record_type entrypoint_type = {
    .name = "entrypoints",
    RECORD_OF(entrypoint, entrypoint_columns),
    INDEXED_BY(entrypoint_indexes),
};

static const struct column release_columns[] = {
    TEXT(release, id),         TEXT(release, environment),       INT(release, version),    TEXT(release, run),
    TEXT(release, commit),     JSON(release, sources),           JSON(release, inputs),    JSON(release, images),
    JSON(release, templates),  JSON(release, resources),         BOOL(release, validated), TEXT(release, verdict),
    TIME(release, created_at), JSON_SINCE(4, release, settings),
};
static const struct record_index release_indexes[] = {
    {.name = "environment", .columns = {"environment", "version"}},
};
bool settings_agree(const char *one, const char *other)
{
    json_t *a, *b;
    bool agree;

    if (text_empty(one) || text_empty(other) || text_equal(one, other))
        return true;
    a = json_column(one);
    b = json_column(other);
    if (json_object_get(a, "templates") == NULL || json_object_get(b, "templates") == NULL) {
        json_object_del(a, "templates");
        json_object_del(b, "templates");
    }
    agree = json_equal(a, b) != 0;
    json_decref(a);
    json_decref(b);
    return agree;
}

const struct record_type release_type = {
    .name = "releases",
    RECORD_OF(release, release_columns),
    INDEXED_BY(release_indexes),
};

static const struct column recipe_columns[] = {
    TEXT(recipe, id),           TEXT(recipe, name),       TEXT(recipe, entry),  JSON(recipe, sources),
    JSON(recipe, inputs),       JSON(recipe, templates),  TEXT(recipe, reason), TEXT(recipe, run),
    TIME(recipe, destroyed_at), TIME(recipe, kept_until),
};
static const struct record_index recipe_indexes[] = {
    {.name = "name", .columns = {"name", "destroyed_at"}},
    {.name = "kept", .columns = {"kept_until"}},
};
const struct record_type recipe_type = {
    .name = "recipes",
    RECORD_OF(recipe, recipe_columns),
    INDEXED_BY(recipe_indexes),
};

static const struct column repository_columns[] = {
    TEXT(repository, id),      TEXT(repository, provider), TEXT(repository, url),    TEXT(repository, default_branch),
    TEXT(repository, error),   BOOL(repository, complete), BOOL(repository, listed), QUIET_TIME(repository, listed_at),
    INT(repository, branches),
};
const struct record_type repository_type = {
    .name = "repositories",
    RECORD_OF(repository, repository_columns),
};

static const struct column branch_columns[] = {
    TEXT(branch, id),        TEXT(branch, repository), TEXT(branch, name),         TEXT(branch, commit),
    TEXT(branch, subject),   TEXT(branch, author),     TEXT(branch, author_email), TIME(branch, committed_at),
    TIME(branch, pushed_at), INT(branch, ahead),       INT(branch, behind),        BOOL(branch, is_default),
    INT(branch, misses),     TIME(branch, gone_at),    INT(branch, pull_request),  TEXT(branch, pull_request_state),
    TEXT(branch, checks),
};
static const struct record_index branch_indexes[] = {
    {.name = "repository", .columns = {"repository", "committed_at"}},
};
const struct record_type branch_type = {
    .name = "branches",
    RECORD_OF(branch, branch_columns),
    INDEXED_BY(branch_indexes),
};

static const struct column sweep_columns[] = {
    TEXT(sweep, id),
    TEXT(sweep, provider),
    TEXT(sweep, what),
    TEXT(sweep, error),
    BOOL(sweep, complete),
    QUIET_TIME(sweep, at),
    QUIET_INT(sweep, took_ms),
    QUIET_INT(sweep, count),
    QUIET_INT(sweep, failures),
    QUIET_TIME(sweep, next_at),
};
const struct record_type sweep_type = {
    .name = "sweeps",
    RECORD_OF(sweep, sweep_columns),
};

static const struct column policy_columns[] = {
    TEXT(policy_row, id),   TEXT(policy_row, repository), TEXT(policy_row, ref),   TEXT(policy_row, commit),
    TEXT(policy_row, path), TEXT(policy_row, text),       TEXT(policy_row, error), TIME(policy_row, loaded_at),
};
const struct record_type policy_type = {
    .name = "policies",
    RECORD_OF(policy_row, policy_columns),
};

const char *resource_name_within(const struct resource *resource, const char *address)
{
    size_t length = text_empty(resource->parent) ? 0 : strlen(resource->parent);

    return length > 0 && text_starts(address, resource->parent) && text_starts(address + length, RESOURCE_INNER)
               ? address + length + strlen(RESOURCE_INNER)
               : address;
}

const char *const life_end_names[] = {
    [LIFE_ENDS_NEVER] = "-", [LIFE_PERMANENT] = "permanent", [LIFE_GOES_ON] = "",
    [LIFE_OVER] = "ended",   [LIFE_ASKED] = "asks !",        NULL,
};

enum life_end environment_life_end(const struct environment *environment, bool is_asked, int64_t now_ms)
{
    const int64_t at = environment_ends_at(environment);

    if (environment->status == ENVIRONMENT_DESTROYED)
        return LIFE_ENDS_NEVER;
    if (is_asked)
        return LIFE_ASKED;
    if (environment->permanent)
        return LIFE_PERMANENT;
    return at == 0 ? LIFE_ENDS_NEVER : at <= now_ms ? LIFE_OVER : LIFE_GOES_ON;
}
