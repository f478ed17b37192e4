/* SPDX-License-Identifier: ISC */
/*
 * The skeleton provider. Its outside is a folder: a branch that never moves, resources and notifications that are files. What to copy is the order in
 * each function: look whether there is time, do one thing, say what was tried and what to do.
 */
#include "provider/skeleton/skeleton.h"

#include "berth/base/file.h"
#include "berth/base/hash.h"
#include "berth/model/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define BRANCH "main"
#define COMMIT "5ce1e7005ce1e7005ce1e7005ce1e7005ce1e700"
#define FILE_NAME "readme"
#define FILE_TEXT "a skeleton\n"

/* Every function that may take long asks this first and in its loops. */
static bool may_go_on(const struct provider_context *context, const char *what, struct error *error)
{
    if (provider_stopped(context))
        return error_set(error, ERROR_CANCELLED, "%s was cancelled", what);
    if (provider_left_ms(context) > 0)
        return true;
    error_set(error, ERROR_TIMEOUT, "there was no time left for %s", what);
    return error_hint(error, "it is tried again; `timeout` says how long it may take");
}

/* Where this provider's outside keeps something. The caller frees. */
static char *place_of(const struct provider_context *context, const char *kind, const char *name)
{
    char hex[HASH_HEX_SIZE]; /* names come from outside and are no file names */
    hash_sha256(name, strlen(name), hex);
    return path_printf("%s/skeleton-%s-%.16s", context->store_folder, kind, hex);
}

/* --- branches ------------------------------------------------------------------------------------------------ */

static bool list(const struct provider_context *context, const char *repository, const struct map *known,
                 bool (*visit)(const struct branch *branch, void *owner), void *owner, bool *complete,
                 const char **default_branch, struct arena *arena, struct error *error)
{
    *complete = false;
    if (!may_go_on(context, "listing branches", error))
        return false;
    const char *before = known ? map_get(known, BRANCH) : NULL;
    struct branch branch = {
        .id = arena_printf(arena, "%s:%s", repository, BRANCH),
        .repository = repository,
        .name = BRANCH,
        .commit = COMMIT,
        .subject = text_equal(before, COMMIT) ? NULL : "The only commit",
        .is_default = true,
        .ahead = -1,
        .behind = -1,
    };
    *default_branch = BRANCH;
    if (!visit(&branch, owner))
        return error_set(error, ERROR_CANCELLED, "listing branches was stopped");
    *complete = true;
    return true;
}

static bool follow(const struct provider_context *context, struct str *state, int *fd, struct error *error)
{
    (void)fd; /* stays -1: there is nothing to wait on, the caller polls */
    if (!may_go_on(context, "following branches", error))
        return false;
    str_add(state, COMMIT);
    return true;
}

static bool resolve(const struct provider_context *context, const char *repository, const char *ref,
                    struct arena *arena, const char **commit, const char **kind, const char **branch,
                    struct error *error)
{
    bool is_branch = text_empty(ref) || text_equal(ref, BRANCH);
    (void)arena;
    if (!may_go_on(context, "resolving a ref", error))
        return false;
    if (!is_branch && !text_equal(ref, COMMIT)) {
        error_set(error, ERROR_NOT_FOUND, "'%s' is no branch or commit of '%s'", ref, repository);
        return error_hint(error, "there is only " BRANCH);
    }
    *commit = COMMIT;
    *kind = is_branch ? "branch" : "commit";
    *branch = is_branch ? BRANCH : "";
    return true;
}

static bool knows_commit(const char *commit, struct error *error)
{
    if (text_equal(commit, COMMIT))
        return true;
    error_set(error, ERROR_NOT_FOUND, "commit %.12s is not there", commit);
    return error_hint(error, "there is only %.12s", COMMIT);
}

static bool pin(const struct provider_context *context, const char *repository, const char *commit, const char *name,
                struct error *error)
{
    (void)repository;
    char *path = place_of(context, "pin", name);
    bool pinned = knows_commit(commit, error) && file_replace(path, commit, strlen(commit), 0600, FILE_SYNCED, error);
    free(path);
    return pinned;
}

/* Removing what is not there is fine: a repeat must do no harm. */
static bool remove_file(char *path, struct error *error)
{
    bool removed = unlink(path) == 0 || errno == ENOENT;
    if (!removed)
        error_errno(error, ERROR_IO, errno, "cannot remove %s", path);
    free(path);
    return removed;
}

static bool unpin(const struct provider_context *context, const char *repository, const char *name, struct error *error)
{
    (void)repository;
    return remove_file(place_of(context, "pin", name), error);
}

static bool describe(const struct provider_context *context, const char *repository, const char *commit,
                     struct arena *arena, struct branch *facts, const char **committer_email, struct error *error)
{
    (void)context;
    if (!knows_commit(commit, error))
        return false;
    *facts = (struct branch){.repository = arena_strdup(arena, repository),
                             .commit = COMMIT,
                             .subject = "The only commit",
                             .author = "Nobody",
                             .author_email = "nobody@example.org"};
    *committer_email = "nobody@example.org";
    return true;
}

static bool read_file(const struct provider_context *context, const char *repository, const char *commit,
                      const char *path, size_t limit, struct str *out, struct error *error)
{
    (void)context;
    (void)repository;
    if (!knows_commit(commit, error))
        return false;
    if (!text_equal(path, FILE_NAME)) {
        error_set(error, ERROR_NOT_FOUND, "commit %.12s has no file %s", commit, path);
        return error_hint(error, "there is only " FILE_NAME);
    }
    if (strlen(FILE_TEXT) > limit) {
        error_set(error, ERROR_LIMIT, "%s is larger than %zu bytes", path, limit);
        return error_hint(error, "make it smaller");
    }
    str_add(out, FILE_TEXT);
    return true;
}

/* Whole or not at all: under another name first. */
static bool export(const struct provider_context *context, const char *repository, const char *commit,
                   const char *folder, struct error *error)
{
    (void)repository;
    if (!knows_commit(commit, error) || !may_go_on(context, "laying out a commit", error))
        return false;
    if (folder_exists(folder)) {
        error_set(error, ERROR_CONFLICT, "the folder %s is there already", folder);
        return error_hint(error, "name one that is not");
    }
    char *own = path_printf("%s.new", folder), *file = path_join(own, FILE_NAME);
    bool made = folder_make(own, 0755, error) &&
                file_replace(file, FILE_TEXT, strlen(FILE_TEXT), 0644, FILE_RELAXED, error) &&
                (rename(own, folder) == 0 || error_errno(error, ERROR_IO, errno, "cannot make %s", folder));
    free(file);
    free(own);
    return made;
}

/* --- executor ------------------------------------------------------------------------------------------------ */

static bool check(const struct provider_context *context, const struct executor_task *task, struct error *error)
{
    (void)context;
    if (json_is_object(task->spec))
        return true;
    error_set(error, ERROR_CONFIG, "'%s' has no keys", task->address);
    return error_hint(error, "give it some");
}

/* Of everything that makes the resource what it is; with a key when a secret may be in it (see exec/digest.c). */
static const char *digest_of(const struct executor_task *task, struct arena *arena)
{
    char hex[HASH_HEX_SIZE];
    const char *text = json_text(arena, task->spec);
    hash_sha256(text, strlen(text), hex);
    return arena_strdup(arena, hex);
}

static bool plan(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                 struct plan_result *result, struct error *error)
{
    if (!may_go_on(context, "planning", error))
        return false;
    result->spec_digest = digest_of(task, arena);
    if (!task->wanted) {
        result->action = PLAN_DESTROY;
        result->summary = "removes its file";
        result->reason = "it is to go away";
    } else if (!task->recorded) {
        result->action = PLAN_CREATE;
        result->summary = "writes its file";
        result->reason = "it is not there yet";
    } else if (!text_equal(task->recorded->spec_digest, result->spec_digest)) {
        result->action = PLAN_UPDATE;
        result->summary = "writes its file";
        result->reason = "its keys changed";
    } else {
        result->action = PLAN_NONE;
        result->summary = "nothing to do";
        result->reason = "it is as last applied";
    }
    return true;
}

static bool apply(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                  struct apply_result *result, struct error *error)
{
    if (!may_go_on(context, "applying", error))
        return false;
    const char *text = json_text(arena, task->spec);
    char *path = place_of(context, "resource", task->address);
    bool written = file_replace(path, text, strlen(text), 0600, FILE_SYNCED, error);
    free(path);
    result->exit_status = -1; /* no tool */
    result->spec_digest = digest_of(task, arena);
    return written;
}

static bool destroy(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                    struct apply_result *result, struct error *error)
{
    (void)arena;
    result->exit_status = -1;
    return may_go_on(context, "destroying", error) && remove_file(place_of(context, "resource", task->address), error);
}

static bool observe(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                    struct resource *seen, struct error *error)
{
    char *path = place_of(context, "resource", task->address);
    bool there = file_exists(path);
    (void)arena;
    (void)error;
    free(path);
    seen->status = there ? RESOURCE_OK : RESOURCE_GONE;
    seen->status_reason = there ? "its file is there" : "its file is not there";
    return true;
}

/* --- the small ones ------------------------------------------------------------------------------------------ */

/* A runner elsewhere would send the tree, start, follow the log and fetch the outputs; this one hands it on to this machine. */
static bool run(const struct provider_context *context, const struct runner_job *job, struct runner_outcome *outcome,
                struct error *error)
{
    const struct provider *local = provider_named("local");
    return local->runner->run(context, job, outcome, error);
}

static bool resolve_secret(const struct provider_context *context, const char *key, struct str *value,
                           struct error *error)
{
    (void)context;
    if (text_equal(key, "known")) {
        str_add(value, "the known secret");
        return true;
    }
    error_set(error, ERROR_NOT_FOUND, "there is no secret '%s'", key);
    return error_hint(error, "there is only 'known'");
}

static bool look(const struct provider_context *context, const json_t *spec, struct arena *arena, struct resource *seen,
                 struct error *error)
{
    const char *name = json_get_text(spec, "skeleton");
    (void)arena;
    (void)error;
    seen->status = RESOURCE_UNKNOWN;
    if (provider_stopped(context) || provider_left_ms(context) == 0) {
        seen->status_reason = "there was no time to look";
    } else if (name[0] == '\0') {
        seen->status_reason = "the probe names nothing to look at";
    } else {
        seen->status = RESOURCE_OK;
        seen->status_reason = "it is there";
    }
    return true;
}

static bool deliver(const struct provider_context *context, const struct delivery *delivery, const char *key,
                    struct error *error)
{
    if (!may_go_on(context, "delivering", error))
        return false;
    const char *text = delivery->payload ? delivery->payload : "{}";
    char *path = place_of(context, "delivery", key); /* the same key, the same file: a repeat does no harm */
    bool written = file_replace(path, text, strlen(text), 0600, FILE_RELAXED, error);
    if (!written && error)
        error->retry = true;
    free(path);
    return written;
}

static const struct provider_branches branches = {
    .list = list,
    .follow = follow,
    .resolve = resolve,
    .pin = pin,
    .unpin = unpin,
    .describe = describe,
    .read = read_file,
    .export = export,
};
static const struct provider_executor executor = {
    .flags = EXECUTOR_OBSERVES | EXECUTOR_REPLANS,
    .check = check,
    .plan = plan,
    .apply = apply,
    .destroy = destroy,
    .observe = observe,
};
static const struct provider_runner runner = {.run = run};
static const struct provider_secrets secrets = {.resolve = resolve_secret};
static const struct provider_probe probe = {.look = look};
static const struct provider_notify notify = {.deliver = deliver};

const struct provider skeleton_provider = {
    .name = "skeleton",
    .branches = &branches,
    .executor = &executor,
    .runner = &runner,
    .secrets = &secrets,
    .probe = &probe,
    .notify = &notify,
};
