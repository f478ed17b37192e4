/* SPDX-License-Identifier: ISC */
/*
 * The executor exec: a resource is what a program of the repository makes. `run` makes or changes it, `undo` removes it. It runs again when its
 * commit (or the files of `changed`), arguments, environment or inputs differ from what was last applied.
 */
#include "provider/exec/digest.h"
#include "provider/exec/outputs.h"
#include "provider/exec/show.h"
#include "provider/job.h"
#include "provider/registry.h"

#include "berth/base/file.h"
#include "berth/base/hash.h"
#include "berth/store_log.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARGUMENTS_LIMIT 4096
#define SHORT_COMMIT 12

/* --- what is asked for --------------------------------------------------------------------------------------- */

static const char *recorded_commit(const struct executor_task *task, struct arena *arena)
{
    json_t *sources = json_column(task->recorded ? task->recorded->sources : NULL);
    const json_t *first = json_is_array(sources) ? json_array_get(sources, 0) : sources;
    const char *commit = arena_strdup(arena, json_get_text(first, "commit"));
    json_decref(sources);
    return commit;
}

static const char *shown(struct arena *arena, const json_t *value)
{
    struct str text = STR_INIT;
    exec_show(&text, value);
    const char *copy = arena_strdup(arena, text.data);
    str_release(&text);
    return copy;
}

/* The spec with its placeholders: what may be shown. */
static json_t *spec_to_show(const struct executor_task *task)
{
    return task->wanted ? json_incref(task->wanted->spec) : json_column(task->recorded ? task->recorded->spec : NULL);
}

/* The resolved argument list under `key`; NULL when there is none or it is no list of texts. */
static const char **arguments_of(const struct executor_task *task, const char *key, struct arena *arena)
{
    const json_t *list = json_object_get(task->spec, key);
    size_t count = json_array_size(list);
    if (count == 0 || count > ARGUMENTS_LIMIT)
        return NULL;
    const char **argv = arena_alloc(arena, (count + 1) * sizeof *argv);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_string(item))
            return NULL;
        argv[i] = json_string_value(item);
    }
    return argv;
}

static const char *folder_of(const struct executor_task *task, struct arena *arena)
{
    const char *dir = json_get_text(task->spec, "dir");
    return dir[0] && !text_equal(dir, ".") ? arena_printf(arena, "%s/%s", task->tree, dir) : task->tree;
}

/* --- check --------------------------------------------------------------------------------------------------- */

static bool check_folder(const struct executor_task *task, struct error *error)
{
    const json_t *dir = json_object_get(task->spec, "dir");
    const char *name = json_string_value(dir);
    if (!name || text_equal(name, "."))
        return true;
    if (!path_inside(name)) {
        error_set(error, ERROR_CONFIG, "the folder '%s' it is to run in leads out of the repository", name);
        return error_hint(error, "name a folder of the repository in `dir`");
    }
    char *full = path_join(task->tree, name);
    bool there = folder_exists(full);
    free(full);
    if (there)
        return true;
    error_set(error, ERROR_NOT_FOUND, "the folder '%s' it is to run in is not in the commit", name);
    return error_hint(error, "add it to the repository, or correct `dir`");
}

/* A program named by a path: below the folder it runs in, or absolute. */
static bool check_path(const struct executor_task *task, const char *key, const char *program, struct error *error)
{
    const char *dir = json_get_text(task->spec, "dir");
    const char *name = program;
    struct stat status;
    while (text_starts(name, "./"))
        name += 2;
    char *below = dir[0] && !text_equal(dir, ".") ? path_printf("%s/%s", dir, name) : mem_strdup(name);
    char *full = name[0] == '/' ? mem_strdup(name) : path_join(task->tree, below);
    bool good = true;
    if (name[0] != '/' && !path_inside(below)) {
        good = error_set(error, ERROR_CONFIG, "`%s` names '%s', which leads out of the repository", key, program);
        error_hint(error, "name a program of the repository, or an absolute path");
    } else if (stat(full, &status) != 0 || !S_ISREG(status.st_mode)) {
        good = error_set(error, ERROR_NOT_FOUND, "`%s` names '%s', which is not in the commit", key, program);
        error_hint(error, "add the file to the repository, or correct the name");
    } else if (access(full, X_OK) != 0) {
        good = error_set(error, ERROR_CONFIG, "`%s` names '%s', which is not executable", key, program);
        error_hint(error, "git update-index --chmod=+x %s", below);
    }
    free(below);
    free(full);
    return good;
}

static bool check_command(const struct executor_task *task, const char *key, struct error *error)
{
    const json_t *list = json_object_get(task->spec, key);
    if (!list)
        return true;
    const json_t *first = json_array_get(list, 0);
    if (json_array_size(list) > ARGUMENTS_LIMIT)
        return error_set(error, ERROR_LIMIT, "`%s` has more than %d arguments", key, ARGUMENTS_LIMIT);
    const char *program = json_string_value(first);
    if (!first || (program && program[0] == '\0')) {
        error_set(error, ERROR_CONFIG, "`%s` names no program", key);
        return error_hint(error, "write it as a list: %s: [\"./scripts/server\", \"up\"]", key);
    }
    return !program || !strchr(program, '/') || check_path(task, key, program, error);
}

static bool check(const struct provider_context *context, const struct executor_task *task, struct error *error)
{
    (void)context;
    if (!json_object_get(task->spec, "run")) {
        error_set(error, ERROR_CONFIG, "it has no `run`");
        return error_hint(error, "say what makes it: run: [\"./scripts/server\", \"up\"]");
    }
    return check_folder(task, error) && check_command(task, "run", error) && check_command(task, "undo", error) &&
           check_command(task, "plan", error) && job_check_environment(task, error);
}

/* --- running a command --------------------------------------------------------------------------------------- */

/* Runs the list under `key` to its end. */
static bool run_command(const struct provider_context *context, const struct executor_task *task, const char *key,
                        const char *outputs_file, struct arena *arena, int64_t *exit_status, struct error *error)
{
    const char **argv = arguments_of(task, key, arena);
    struct runner_outcome outcome = {.exit_status = -1};
    if (!argv || !task->runner)
        return error_set(error, ERROR_CONFIG, "`%s` of '%s' is no list of texts", key, task->address);
    json_t *environment = job_environment(task);
    struct runner_job job = {
        .argv = argv, .folder = folder_of(task, arena), .environment = environment, .outputs_file = outputs_file};
    json_t *spec = spec_to_show(task);
    provider_log(context, "$ %s", shown(arena, json_object_get(spec, key)));
    json_decref(spec);
    bool ran = task->runner->run(task->runner_context, &job, &outcome, error);
    json_decref(environment);
    *exit_status = outcome.exit_status;
    return ran && job_ended_well(&outcome, argv[0], text_equal(key, "undo") ? "destroy" : "deploy", error);
}

/* --- plan ---------------------------------------------------------------------------------------------------- */

static const char *short_commit(struct arena *arena, const char *commit)
{
    return arena_strndup(arena, commit, strnlen(commit, SHORT_COMMIT));
}

static const char *reason_for(const struct executor_task *task, unsigned different, const char *commit_before,
                              struct arena *arena)
{
    const char *reasons[DIGEST_PARTS];
    size_t count = 0;
    if (different & (1u << DIGEST_CODE)) {
        if (json_object_get(task->spec, "changed"))
            reasons[count++] = "files named by `changed` differ";
        else
            reasons[count++] = arena_printf(arena, "its commit changed (%s → %s)", short_commit(arena, commit_before),
                                            short_commit(arena, task->commit));
    }
    if (different & (1u << DIGEST_ARGUMENTS))
        reasons[count++] = "its arguments changed";
    if (different & (1u << DIGEST_ENVIRONMENT))
        reasons[count++] = "its environment variables changed";
    if (different & (1u << DIGEST_INPUTS))
        reasons[count++] = "an input changed";
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        text = arena_printf(arena, "%s%s%s", text, i > 0 ? "; " : "", reasons[i]);
    return text;
}

static void plan_run(const struct executor_task *task, const char *digest, struct arena *arena,
                     struct plan_result *result)
{
    const struct resource *recorded = task->recorded;
    const char *commit_before = recorded_commit(task, arena);
    bool there = recorded && recorded->status != RESOURCE_GONE && recorded->status != RESOURCE_ABSENT;
    unsigned different = exec_digest_difference(recorded ? recorded->spec_digest : NULL, digest);
    json_t *before = json_column(there ? recorded->spec : NULL);
    const char *command = shown(arena, json_object_get(task->wanted->spec, "run"));
    result->summary = arena_printf(arena, "runs %s", command);
    if (!there) {
        result->action = PLAN_CREATE;
        result->reason = "it is not there yet";
    } else if (recorded->status == RESOURCE_FAILED) {
        result->action = PLAN_UPDATE;
        result->reason = "it failed the last time";
    } else if (text_empty(recorded->spec_digest)) {
        result->action = PLAN_UPDATE;
        result->reason = "it was never applied to its end";
    } else if (different) {
        result->action = PLAN_UPDATE;
        result->reason = reason_for(task, different, commit_before, arena);
    } else {
        result->action = PLAN_NONE;
        result->summary = "nothing to do";
        result->reason = json_object_get(task->spec, "changed")
                             ? "the files named by `changed`, its arguments and inputs are as last applied"
                             : "its commit, arguments and inputs are as last applied";
    }
    if (result->action != PLAN_NONE)
        result->changes = exec_changes(before, task->wanted->spec, there ? commit_before : "", task->commit);
    json_decref(before);
}

static void plan_away(const struct executor_task *task, struct arena *arena, struct plan_result *result)
{
    json_t *spec = spec_to_show(task);
    const json_t *undo = json_object_get(spec, "undo");
    if (json_array_size(undo) > 0) {
        result->action = PLAN_DESTROY;
        result->summary = arena_printf(arena, "runs %s", shown(arena, undo));
        result->reason = "it is to go away";
    } else {
        result->action = PLAN_FORGET;
        result->summary = "berth forgets it; what it made stays";
        result->reason = "it has no `undo`: nothing says how to remove it";
    }
    const char *commit = recorded_commit(task, arena);
    result->changes = exec_changes(spec, NULL, commit, "");
    json_decref(spec);
}

/* `plan:` shows what it would do in its own words; they are kept beside the run. */
static bool run_plan_command(const struct provider_context *context, const struct executor_task *task,
                             struct arena *arena, struct plan_result *result, struct error *error)
{
    char hex[HASH_HEX_SIZE];
    int64_t exit_status;
    if (json_array_size(json_object_get(task->spec, "plan")) == 0 || text_empty(context->run_folder))
        return true;
    hash_sha256(task->address, strlen(task->address), hex);
    result->text = arena_printf(arena, "plan-%.16s.txt", hex);
    struct provider_context apart = *task->runner_context;
    struct executor_task told = *task;
    char *path = path_join(context->run_folder, result->text);
    FILE *file = fopen(path, "we");
    struct run_log text = {.fd = file ? fileno(file) : -1};
    bool planned = file || error_set(error, ERROR_IO, "cannot write the plan's text %s", path);
    if (file) {
        apart.log = &text;
        told.runner_context = &apart;
        planned = run_command(context, &told, "plan", NULL, arena, &exit_status, error);
        fclose(file);
    }
    free(path);
    return planned;
}

static bool plan(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                 struct plan_result *result, struct error *error)
{
    size_t files = 0;
    if (!task->wanted) {
        plan_away(task, arena, result);
        result->spec_digest = task->recorded && task->recorded->spec_digest ? task->recorded->spec_digest : "";
        return true;
    }
    const char *digest = exec_digest(context, task, arena, &files, error);
    if (!digest)
        return false;
    if (files == 0 && json_object_get(task->spec, "changed"))
        provider_log(context, "warning: `changed` of '%s' names no file of the commit", task->address);
    plan_run(task, digest, arena, result);
    result->spec_digest = digest;
    return result->action == PLAN_NONE || run_plan_command(context, task, arena, result, error);
}

/* --- apply and destroy --------------------------------------------------------------------------------------- */

/* Only what the resource declares is kept; what it declares must be there, for others wait for it. */
static json_t *keep_declared(const struct provider_context *context, const struct executor_task *task, json_t *given,
                             struct error *error)
{
    json_t *kept = json_object();
    const json_t *declared = task->wanted ? task->wanted->outputs : NULL;
    size_t at;
    json_t *name;
    json_array_foreach(declared, at, name)
    {
        json_t *value = json_object_get(given, json_string_value(name));
        if (value) {
            json_object_set(kept, json_string_value(name), value);
            json_object_del(given, json_string_value(name));
            continue;
        }
        error_set(error, ERROR_TOOL, "'%s' did not give the output '%s' it declares", task->address,
                  json_string_value(name));
        error_hint(error, "write %s=VALUE to the file that $BERTH_OUTPUTS names, or take it out of `outputs`",
                   json_string_value(name));
        json_decref(kept);
        return NULL;
    }
    const char *key;
    json_t *value;
    json_object_foreach(given, key, value)
        provider_log(context, "berth: the output '%s' is not declared in `outputs` and is not kept", key);
    return kept;
}

static const char *outputs_path(const struct provider_context *context, const struct executor_task *task,
                                struct arena *arena)
{
    char hex[HASH_HEX_SIZE];
    const char *mark = text_empty(context->token) ? task->address : context->token;
    hash_sha256(mark, strlen(mark), hex);
    return arena_printf(arena, "%s/outputs-%.16s", context->run_folder, hex);
}

/* An approval holds for what was planned: arguments, environment (secrets by keyed hash) and inputs. Files that `changed` names are left out: tools of
 * the same run may have written them. */
static bool is_as_planned(const struct executor_task *task, const char *digest, struct error *error)
{
    static const char *const words[] = {"", "its arguments", "its environment or a secret", "its inputs"};
    if (text_empty(task->planned_spec_digest))
        return true;
    unsigned different = exec_digest_difference(task->planned_spec_digest, digest) & ~(1u << DIGEST_CODE);
    for (unsigned i = DIGEST_ARGUMENTS; i < DIGEST_PARTS; i++) {
        if (!(different & 1u << i))
            continue;
        error_set(error, ERROR_CONFLICT, "'%s' is not what was planned and approved", task->address);
        error_detail(error, "%s changed since", words[i]);
        return error_hint(error, "deploy again to see and approve it as it is now");
    }
    return true;
}

static bool apply(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                  struct apply_result *result, struct error *error)
{
    size_t files = 0;
    result->exit_status = -1;
    result->spec_digest = exec_digest(context, task, arena, &files, error);
    if (!result->spec_digest || !is_as_planned(task, result->spec_digest, error))
        return false;
    const char *path = outputs_path(context, task, arena);
    (void)unlink(path);
    bool done = run_command(context, task, "run", path, arena, &result->exit_status, error);
    json_t *given = done ? outputs_read(path, error) : NULL;
    (void)unlink(path);
    if (given)
        result->outputs = keep_declared(context, task, given, error);
    json_decref(given);
    return done && result->outputs;
}

static bool destroy(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                    struct apply_result *result, struct error *error)
{
    result->exit_status = -1;
    if (json_array_size(json_object_get(task->spec, "undo")) == 0) {
        provider_log(context, "berth: '%s' has no `undo`: it is forgotten, what it made stays", task->address);
        return true;
    }
    return run_command(context, task, "undo", NULL, arena, &result->exit_status, error);
}

static const struct provider_executor executor = {
    .check = check,
    .plan = plan,
    .apply = apply,
    .destroy = destroy,
};

const struct provider exec_provider = {
    .name = "exec",
    .executor = &executor,
};
