/* SPDX-License-Identifier: ISC */
/*
 * What the observer of branches brings: rows in small batches, the end of a listing, the policy of the trusted ref. Batches are their own relaxed
 * transactions, so that a command never waits behind a listing. A push that a policy deploys or plans by itself becomes a command in the same
 * transaction as the branch's new row; a first listing of a repository triggers nothing.
 */
#include "agent/supervisor.h"

#include "agent/setup.h"
#include "berth/base/hash.h"
#include "berth/base/log.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/store.h"

#include <stdlib.h>
#include <string.h>

/* --- triggers -------------------------------------------------------------------------------------------------------- */

/* No key: the row of the branch is written in the same transaction, and a branch may come back to a commit it had before. */
static bool trigger(struct supervisor *supervisor, const struct branch *branch, const char *verb, const char *name,
                    struct arena *arena, struct error *error)
{
    char id[ID_SIZE];
    int64_t now = time_now_ms();
    if (text_empty(name))
        return true; /* a name that needs more than a branch is not made by a push */
    json_t *arguments = json_pack("{s:s, s:s}", "ref", branch->name, "commit", branch->commit);
    id_new(id, now);
    struct command command = {
        .id = id,
        .verb = verb,
        .subject = name,
        .arguments = json_text(arena, arguments),
        .actor = "trigger:push",
        .via = "push",
        .status = COMMAND_WAITING,
        .submitted_at = now,
    };
    json_decref(arguments);
    supervisor->look_at_commands = true;
    return store_put(supervisor->store, &command_type, &command, error);
}

/* What is deployed is planned first anyway: of the two it is one run. */
static bool trigger_pushed(struct supervisor *supervisor, const struct branch *branch, struct arena *arena,
                           struct error *error)
{
    size_t room = supervisor->config->environment_count;
    const struct config_entry **entries = arena_alloc(arena, room * sizeof *entries);
    size_t count = config_match_branch(supervisor->config, branch->repository, branch->name, entries, room);
    for (size_t i = 0; i < count; i++) {
        const char *verb = entries[i]->deploy_on & TRIGGER_PUSH ? "deploy"
                           : entries[i]->plan_on & TRIGGER_PUSH ? "plan"
                                                                : NULL;
        const char *name =
            verb ? config_entry_branch_name(supervisor->config, entries[i], branch->name, NULL, arena) : "";
        if (verb && !trigger(supervisor, branch, verb, name, arena, error))
            return false;
    }
    return true;
}

/* --- rows ---------------------------------------------------------------------------------------------------------------- */

struct listed_repository {
    char name[256];
    bool listed;
};

/* Whether a first whole listing of the branch's repository is in the store; asked once for a run of rows of one repository. */
static bool is_listed(struct supervisor *supervisor, const char *repository, struct listed_repository *cache,
                      struct arena *arena)
{
    struct repository row;
    if (text_equal(cache->name, repository))
        return cache->listed;
    text_copy(cache->name, sizeof cache->name, repository);
    cache->listed =
        store_get(supervisor->store, &repository_type, repository, arena, &row, NULL) == STORE_FOUND && row.listed;
    return cache->listed;
}

bool listing_environments(struct supervisor *supervisor, const struct branch *branch, struct arena *arena,
                          struct environment **rows, size_t *count, struct error *error)
{
    struct store_query query = {
        .type = &environment_type, .index = "branch", .equal = {branch->repository, branch->name}};
    return store_list(supervisor->store, &query, arena, rows, count, error);
}

/* The environments of a branch say beside their status that it is gone, or not any more. */
static bool mark_environments(struct supervisor *supervisor, const struct branch *branch, bool gone,
                              struct arena *arena, struct error *error)
{
    struct environment *rows;
    size_t count;
    if (!listing_environments(supervisor, branch, arena, &rows, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].status == ENVIRONMENT_DESTROYED || gone == ((rows[i].marks & MARK_BRANCH_GONE) != 0))
            continue;
        rows[i].marks ^= MARK_BRANCH_GONE;
        if (!store_put(supervisor->store, &environment_type, &rows[i], error))
            return false;
    }
    return true;
}

static bool put_branch(struct supervisor *supervisor, struct branch *branch, bool listed, struct arena *arena,
                       struct error *error)
{
    struct branch before;
    enum store_found found = STORE_MISSING;
    branch->pushed_at = branch->committed_at; /* the best that is known of what was there before berth looked */
    if (listed) {
        found = store_get(supervisor->store, &branch_type, branch->id, arena, &before, error);
        if (found == STORE_ERROR)
            return false;
        bool same = found == STORE_FOUND && text_equal(before.commit, branch->commit) && before.gone_at == 0;
        branch->pushed_at = same ? before.pushed_at : time_now_ms();
        if (found == STORE_FOUND && before.gone_at != 0 && !mark_environments(supervisor, branch, false, arena, error))
            return false;
        if (!same && supervisor->config && !lives_pushed(supervisor, branch, arena, error))
            return false;
        if (!same && supervisor->config && !trigger_pushed(supervisor, branch, arena, error))
            return false;
    }
    return store_put(supervisor->store, &branch_type, branch, error);
}

static bool put_branches(struct supervisor *supervisor, const char *payload, size_t count, struct error *error)
{
    struct listed_repository cache = {.name = ""};
    struct arena arena = {0};
    bool put = true;
    for (size_t at = 0, taken = 0; put && at < count; at += taken) {
        struct branch branch;
        put = record_unpack(&branch_type, payload + at, count - at, &arena, &branch, &taken, error) &&
              put_branch(supervisor, &branch, is_listed(supervisor, branch.repository, &cache, &arena), &arena, error);
    }
    arena_release(&arena);
    return put;
}

void listing_branches(struct supervisor *supervisor, const char *payload, size_t count)
{
    struct error error = {0};
    supervisor_cool(supervisor); /* branches, and environments with them, change under the hot facts */
    if (store_begin(supervisor->store, STORE_RELAXED, &error) && put_branches(supervisor, payload, count, &error) &&
        store_commit(supervisor->store, NULL, &error))
        return;
    log_error("agent", LOG_ERROR, &error);
    store_abandon(supervisor->store);
    supervisor->listing_failed = true; /* its end will not count as whole */
    children_observe_again(supervisor, CHILD_BRANCHES);
}

/* All that one listing misses went at one instant: together they are counted by the cleaner's brakes. */
static bool miss_branch(struct supervisor *supervisor, const char *id, int64_t now_ms, struct arena *arena,
                        struct error *error)
{
    struct branch branch;
    enum store_found found = store_get(supervisor->store, &branch_type, id, arena, &branch, error);
    if (found != STORE_FOUND)
        return found == STORE_MISSING;
    branch.misses++;
    if (branch.misses >= BRANCH_GONE_MISSES && branch.gone_at == 0) {
        branch.gone_at = now_ms;
        if (!mark_environments(supervisor, &branch, true, arena, error))
            return false;
    }
    return store_put(supervisor->store, &branch_type, &branch, error);
}

static bool put_listing(struct supervisor *supervisor, const json_t *message, struct arena *arena, struct error *error)
{
    const char *name = json_get_text(message, "repository");
    bool complete = json_is_true(json_object_get(message, "complete")) && !supervisor->listing_failed;
    struct repository row = {.id = name};
    struct sweep sweep = {
        .id = arena_printf(arena, "branches/%s", name), .provider = json_get_text(message, "provider"), .what = name};
    size_t at;
    json_t *missing;
    enum store_found found = store_get(supervisor->store, &repository_type, name, arena, &row, error);
    if (found == STORE_ERROR ||
        store_get(supervisor->store, &sweep_type, sweep.id, arena, &sweep, error) == STORE_ERROR)
        return false;
    row.id = name;
    row.provider = json_get_text(message, "provider");
    row.url = json_get_text(message, "url");
    row.error =
        supervisor->listing_failed ? "a part of the last listing could not be stored" : json_get_text(message, "error");
    row.complete = complete;
    row.listed = row.listed || complete;
    row.listed_at = sweep.at = time_now_ms();
    if (complete) {
        row.branches = json_get_int(message, "count");
        row.default_branch = json_get_text(message, "default_branch");
    }
    sweep.provider = row.provider;
    sweep.error = row.error;
    sweep.complete = complete;
    sweep.count = json_get_int(message, "count");
    sweep.took_ms = json_get_int(message, "took_ms");
    json_array_foreach(json_object_get(message, "missing"), at, missing)
    {
        if (complete && !miss_branch(supervisor, json_string_value(missing), sweep.at, arena, error))
            return false;
    }
    return store_put(supervisor->store, &repository_type, &row, error) &&
           store_put(supervisor->store, &sweep_type, &sweep, error);
}

/* Freshness alone: it takes no revision, and a listing that was not whole stays so. */
static bool put_unchanged(struct supervisor *supervisor, const json_t *message, struct arena *arena,
                          struct error *error)
{
    struct sweep sweep;
    const char *id = arena_printf(arena, "branches/%s", json_get_text(message, "repository"));
    enum store_found found = store_get(supervisor->store, &sweep_type, id, arena, &sweep, error);
    if (found != STORE_FOUND)
        return found == STORE_MISSING;
    sweep.at = time_now_ms();
    return store_put(supervisor->store, &sweep_type, &sweep, error);
}

static void note_unchanged(struct supervisor *supervisor, const json_t *message)
{
    struct arena arena = {0};
    struct error error = {0};
    if (!store_begin(supervisor->store, STORE_RELAXED, &error) || !put_unchanged(supervisor, message, &arena, &error) ||
        !store_commit(supervisor->store, NULL, &error)) {
        log_error("agent", LOG_ERROR, &error);
        store_abandon(supervisor->store);
    }
    arena_release(&arena);
}

static bool put_hung(struct supervisor *supervisor, const char *name, int64_t silent_ms, struct arena *arena,
                     struct error *error)
{
    struct repository row = {.id = name};
    struct sweep sweep = {.id = arena_printf(arena, "branches/%s", name), .what = name};
    struct str since = STR_INIT;
    enum store_found found = store_get(supervisor->store, &repository_type, name, arena, &row, error);
    if (found == STORE_ERROR ||
        store_get(supervisor->store, &sweep_type, sweep.id, arena, &sweep, error) == STORE_ERROR)
        return false;
    instant_format(&since, time_now_ms() - silent_ms);
    row.error = sweep.error = arena_printf(arena, "unreachable since %s: looking there did not come back", since.data);
    str_release(&since);
    row.complete = sweep.complete = false;
    sweep.failures++;
    return (found == STORE_MISSING || store_put(supervisor->store, &repository_type, &row, error)) &&
           store_put(supervisor->store, &sweep_type, &sweep, error);
}

void listing_hung(struct supervisor *supervisor, const char *repository, int64_t silent_ms)
{
    struct arena arena = {0};
    struct error error = {0};
    supervisor_cool(supervisor);
    log_line("agent", LOG_WARNING, "looking at the repository %s did not come back: its observer is ended", repository);
    if (!store_begin(supervisor->store, STORE_RELAXED, &error) ||
        !put_hung(supervisor, repository, silent_ms, &arena, &error) ||
        !store_commit(supervisor->store, NULL, &error)) {
        log_error("agent", LOG_ERROR, &error);
        store_abandon(supervisor->store);
    }
    arena_release(&arena);
}

bool listing_is_fresh(const struct supervisor *supervisor, const char *repository)
{
    for (size_t i = 0; i < supervisor->listed.count; i++)
        if (text_equal(supervisor->listed.items[i], repository))
            return true;
    return false;
}

static void note_listed(struct supervisor *supervisor, const char *repository)
{
    if (!listing_is_fresh(supervisor, repository))
        vec_push(&supervisor->listed, mem_strdup(repository));
}

void listing_ended(struct supervisor *supervisor, const char *json, size_t length)
{
    struct arena arena = {0};
    struct error error = {0};
    json_t *message = json_loadb(json, length, 0, NULL);
    supervisor_cool(supervisor);
    if (json_is_true(json_object_get(message, "unchanged"))) {
        note_unchanged(supervisor, message);
        json_decref(message);
        return;
    }
    if (message && store_begin(supervisor->store, STORE_RELAXED, &error) &&
        put_listing(supervisor, message, &arena, &error) && store_commit(supervisor->store, NULL, &error)) {
        note_listed(supervisor, json_get_text(message, "repository"));
    } else if (message) {
        log_error("agent", LOG_ERROR, &error);
        store_abandon(supervisor->store);
        children_observe_again(supervisor, CHILD_BRANCHES);
    }
    supervisor->listing_failed = false;
    supervisor->look_at_lives = true;
    json_decref(message);
    arena_release(&arena);
}

/* --- policy ---------------------------------------------------------------------------------------------------------------- */

static void use_policy(struct supervisor *supervisor, struct config *config, const struct policy_row *row)
{
    struct str payload = STR_INIT;
    supervisor_cool(supervisor);
    config_free(supervisor->config);
    free(supervisor->policy_commit);
    free(supervisor->setup_payload);
    supervisor->config = config;
    config->commit = arena_strdup(&config->arena, row->commit);
    supervisor->policy_commit = mem_strdup(row->commit);
    setup_write(&payload, row->text, row->commit);
    supervisor->setup_payload = str_take(&payload);
    supervisor->look_at_commands = supervisor->look_at_steps = supervisor->due_everything = true;
    children_setup_all(supervisor);
    workers_note_limits(supervisor);
}

static struct config *load_policy_text(struct supervisor *supervisor, const struct policy_row *row, struct error *error)
{
    struct arena arena = {0};
    struct problems problems;
    problems_init(&problems, &arena);
    /* the file's name must outlive the load: problems and why-trees point at it */
    struct config *config = config_load("berth.yaml", row->text, strlen(row->text), &problems);
    if (!config)
        problems_error(&problems, error);
    else if (!text_equal(config->workspace, supervisor->options->workspace)) {
        error_set(error, ERROR_CONFIG, "%s describes the workspace '%s', not '%s'", row->path, config->workspace,
                  supervisor->options->workspace);
        error_hint(error, "a workspace keeps its name; start berth in a checkout that says '%s'", config->workspace);
        config_free(config);
        config = NULL;
    }
    problems_release(&problems);
    arena_release(&arena);
    return config;
}

bool listing_load_policy(struct supervisor *supervisor, struct error *error)
{
    struct arena arena = {0};
    struct policy_row row;
    enum store_found found = store_get(supervisor->store, &policy_type, "berth.yaml", &arena, &row, error);
    if (found == STORE_FOUND && !text_empty(row.text)) {
        struct error problem = {0};
        struct config *config = load_policy_text(supervisor, &row, &problem);
        if (config)
            use_policy(supervisor, config, &row);
        else
            log_error("agent", LOG_WARNING, &problem);
    }
    arena_release(&arena);
    return found != STORE_ERROR;
}

static bool put_policy(struct supervisor *supervisor, struct policy_row *row, const char *problem, struct error *error)
{
    struct arena arena = {0};
    struct policy_row before;
    enum store_found found = store_get(supervisor->store, &policy_type, "berth.yaml", &arena, &before, error);
    bool put = found != STORE_ERROR;
    if (put && !text_empty(problem)) { /* the policy in force stays; the row says why the newer one is not taken */
        struct policy_row kept = found == STORE_FOUND ? before : (struct policy_row){.id = "berth.yaml"};
        kept.error = problem;
        if (found != STORE_FOUND) {
            kept.repository = row->repository;
            kept.ref = row->ref;
            kept.path = row->path;
        }
        put = store_put(supervisor->store, &policy_type, &kept, error);
    } else if (put) {
        row->loaded_at = time_now_ms();
        put = store_put(supervisor->store, &policy_type, row, error);
        struct audit entry = {.at = row->loaded_at,
                              .action = "policy.loaded",
                              .actor = "berth",
                              .via = "observer",
                              .target = row->path,
                              .result = "ok",
                              .reason = arena_printf(&arena, "commit %s", row->commit),
                              .epoch = supervisor->epoch};
        put = put && store_audit(supervisor->store, &entry, error);
    }
    arena_release(&arena);
    return put;
}

/* The policy in force is the trusted one again: what was wrong with the one between is no news any more. */
static bool clear_complaint(struct supervisor *supervisor, struct error *error)
{
    struct arena arena = {0};
    struct policy_row row;
    enum store_found found = store_get(supervisor->store, &policy_type, "berth.yaml", &arena, &row, error);
    bool cleared = found != STORE_ERROR;
    if (found == STORE_FOUND && !text_empty(row.error)) {
        row.error = "";
        cleared = store_begin(supervisor->store, STORE_DURABLE, error) &&
                  store_put(supervisor->store, &policy_type, &row, error) &&
                  store_commit(supervisor->store, NULL, error);
        if (!cleared)
            store_abandon(supervisor->store);
    }
    arena_release(&arena);
    return cleared;
}

void listing_policy(struct supervisor *supervisor, const char *json, size_t length)
{
    struct error error = {0}, problem = {0};
    char line[2200] = "";
    json_t *message = json_loadb(json, length, 0, NULL);
    struct policy_row row = {
        .id = "berth.yaml",
        .repository = json_get_text(message, "repository"),
        .ref = json_get_text(message, "ref"),
        .commit = json_get_text(message, "commit"),
        .path = json_get_text(message, "path"),
        .text = json_get_text(message, "text"),
    };
    struct config *config = NULL;
    text_copy(line, sizeof line, json_get_text(message, "error"));
    if (!line[0] && supervisor->config && text_equal(supervisor->policy_commit, row.commit)) {
        if (!clear_complaint(supervisor, &error))
            log_error("agent", LOG_ERROR, &error);
        json_decref(message);
        return;
    }
    if (!line[0] && !(config = load_policy_text(supervisor, &row, &problem)))
        error_line(&problem, line, sizeof line);
    if (store_begin(supervisor->store, STORE_DURABLE, &error) && put_policy(supervisor, &row, line, &error) &&
        (!config || lives_by_policy(supervisor, config, &error)) && store_commit(supervisor->store, NULL, &error)) {
        if (config)
            use_policy(supervisor, config, &row);
        config = NULL;
        if (!lifetime_serving(supervisor, &error))
            log_error("agent", LOG_ERROR, &error);
    } else {
        log_error("agent", LOG_ERROR, &error);
        store_abandon(supervisor->store);
        children_observe_again(supervisor, CHILD_BRANCHES);
    }
    config_free(config);
    json_decref(message);
}
