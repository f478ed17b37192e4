/* SPDX-License-Identifier: ISC */
/*
 * The phases that are about one resource: plan, apply, destroy. Secrets and outputs are resolved here, once, and what
 * they resolve to is never looked at again; everything resolved is known to the redactor before any tool sees it.
 */
#include "agent/secrets.h"
#include "agent/variables.h"
#include "agent/working.h"

#include "berth/base/fault.h"
#include "berth/base/file.h"
#include "berth/base/time.h"
#include "berth/model/covered.h"
#include "berth/model/delta.h"
#include "berth/model/result.h"

#include <stdlib.h>
#include <string.h>

#define LOCAL_RUNNER "local"
#define RELEASE_TRIES \
    2 /* of a lock that an earlier attempt may have left: each may wait as long as its executor waits for locks */

/* --- secrets and outputs ------------------------------------------------------------------------------------- */

static bool sensitive_output(const struct working *user, const char *path, struct str *value, struct error *error);

static bool resolve_output(struct working *working, const char *path, struct str *value, struct error *error)
{
    const json_t *found = task_output(working->attempt->task, path);
    if (json_is_string(found)) {
        str_add(value, json_string_value(found));
        return true;
    }
    if (json_is_object(found))
        return sensitive_output(working, path, value, error);
    working->deferred = true;
    return error_set(error, ERROR_NOT_FOUND, "the output '%s' is not known yet", path);
}

static bool resolve_path(const char *path, struct str *value, void *context, struct error *error)
{
    struct working *working = context;
    if (text_starts(path, "secret."))
        return secrets_resolve(&working->attempt->context, working->attempt->entry, path + strlen("secret."),
                               working->attempt->arena, value, error);
    if (text_starts(path, "resource."))
        return resolve_output(working, path, value, error);
    return error_set(error, ERROR_CORRUPT, "'%s' was left to be resolved by the worker, which cannot", path);
}

/* --- setting up ------------------------------------------------------------------------------------------------ */

/* The commit a resource is worked on from: for what goes away the one that applied it, else the run's. */
static const char *source_commit(struct working *working, const char **repository)
{
    const struct run *run = &working->attempt->task->run;
    const char *commit = run->commit;
    *repository = run->repository;
    if (working->has_wanted || !working->has_recorded)
        return commit;
    json_t *sources = json_column(working->recorded.sources);
    const json_t *first = json_is_array(sources) ? json_array_get(sources, 0) : sources;
    if (!text_empty(json_get_text(first, "commit"))) {
        commit = arena_strdup(working->attempt->arena, json_get_text(first, "commit"));
        *repository = arena_strdup(working->attempt->arena, json_get_text(first, "repository"));
    }
    json_decref(sources);
    return commit;
}

static bool read_rows(struct working *working, struct error *error)
{
    const json_t *spec = working->attempt->task->spec;
    const json_t *wanted = json_object_get(spec, "wanted"), *recorded = json_object_get(spec, "recorded");
    working->has_wanted = json_is_object(wanted);
    working->has_recorded = json_is_object(recorded);
    return (!working->has_wanted || wanted_from_json(wanted, working->attempt->arena, &working->wanted, error)) &&
           (!working->has_recorded ||
            record_from_json(&resource_type, recorded, working->attempt->arena, &working->recorded, error));
}

bool working_resolve(struct working *working, struct error *error)
{
    json_t *recorded = working->has_wanted ? NULL : json_column(working->recorded.spec);
    const json_t *from = working->has_wanted ? working->wanted.spec : recorded;
    working->spec = from ? expand_parts(from, resolve_path, working, error) : json_object();
    json_decref(recorded);
    working->task.spec = working->spec;
    working->task.variables = working->variables;
    return working->spec;
}

static bool find_runner(struct working *working, const char *name, struct error *error)
{
    struct attempt *attempt = working->attempt;
    const struct config_section *section =
        text_empty(name) ? NULL : config_section_named(&attempt->context.config->runners, name);
    const struct provider *provider = provider_named(section            ? section->provider
                                                     : text_empty(name) ? LOCAL_RUNNER
                                                                        : name);
    if (!provider || !provider->runner)
        return error_set(error, ERROR_UNSUPPORTED, "the runner '%s' is not built yet",
                         text_empty(name) ? LOCAL_RUNNER : name);
    working->runner_context = worker_context(attempt, section);
    working->task.runner = provider->runner;
    working->task.runner_context = &working->runner_context;
    return true;
}

/* The task of a resource whose rows are read. */
static bool open_task(struct working *working, const char *executor, const char *runner, const char *address,
                      struct error *error)
{
    struct attempt *attempt = working->attempt;
    const struct task *task = attempt->task;
    const char *target = working->has_wanted ? working->wanted.target : working->recorded.target, *repository;
    working->provider = provider_named(executor);
    if (!working->provider || !working->provider->executor)
        return error_set(error, ERROR_UNSUPPORTED, "the executor '%s' is not built yet", executor);
    working->context =
        worker_context(attempt, config_section_named(&attempt->context.config->targets, target ? target : ""));
    working->task = (struct executor_task){
        .wanted = working->has_wanted ? &working->wanted : NULL,
        .recorded = working->has_recorded ? &working->recorded : NULL,
        .environment = task->run.environment_name,
        .environment_id = task->environment.id,
        .slug = task->environment.slug,
        .tier = word_name(tier_names, task->environment.tier),
        .address = address,
    };
    working->task.commit = source_commit(working, &repository);
    working->task.tree = worker_tree(attempt, repository, working->task.commit, error);
    if (working->task.tree && find_runner(working, runner, error))
        working->variables = worker_variables(attempt, working->task.commit, error);
    return working->variables;
}

bool working_open(struct working *working, struct attempt *attempt, struct error *error)
{
    const struct step *step = &attempt->task->step;
    working->attempt = attempt;
    if (!read_rows(working, error) || !open_task(working, step->executor, step->runner, step->address, error))
        return false;
    working->task.planned_spec_digest = json_get_text(attempt->task->spec, "planned_spec_digest");
    working->task.artifact = json_get_text(attempt->task->spec, "artifact");
    working->task.earlier_ms = step->attempt > 1 ? attempt->task->run.applying_at : 0;
    return true;
}

/* The policy may have changed since this was prepared; what is only destroyed needs no leave any more. */
static bool may_be_wanted(const struct working *working, struct error *error)
{
    return !working->has_wanted ||
           worker_may_use(working->attempt, working->task.address, working->attempt->task->step.executor, error);
}

void working_close(struct working *working)
{
    json_decref(working->spec);
    json_decref(working->variables);
}

/* A sensitive output is kept nowhere: its executor is asked for it, in the folder and the state of the resource that gives it. */
static bool sensitive_output(const struct working *user, const char *path, struct str *value, struct error *error)
{
    struct attempt *attempt = user->attempt;
    struct working giver = {.attempt = attempt, .has_recorded = true};
    struct str address = STR_INIT;
    const char *key = expand_output_key(path, &address);
    const json_t *row = json_object_get(attempt->task->givers, address.data);
    size_t before = value->length;
    bool got = row && record_from_json(&resource_type, row, attempt->arena, &giver.recorded, error) &&
               open_task(&giver, giver.recorded.executor, giver.recorded.runner, giver.recorded.address, error) &&
               working_resolve(&giver, error);
    if (got) {
        got = provider_call_output(giver.provider, &giver.context, &giver.task, key, value, error);
    }
    if (got)
        redactor_add(attempt->worker->redactor, value->data + before, value->length - before);
    else if (!row)
        error_set(error, ERROR_NOT_FOUND, "the resource that gives '%s' is not recorded", path);
    working_close(&giver);
    str_release(&address);
    return got || error_context(error, "the sensitive output '%s' cannot be read", path);
}

bool worker_pin(const struct attempt *attempt, const struct provider *provider, const struct provider_context *context,
                const char *repository, const char *commit, struct error *error)
{
    char *pin = path_printf("runs/%s", attempt->task->run.id);
    bool pinned = provider_call_pin(provider, context, repository, commit, pin, error);
    free(pin);
    return pinned;
}

/* A run that failed long ago and is tried again may stand on a commit that nothing held meanwhile: the repository may have it still. */
static bool lay_out(const struct attempt *attempt, const struct provider *provider,
                    const struct provider_context *context, const char *repository, const char *commit,
                    const char *folder, struct error *error)
{
    struct error missing = {0};
    if (provider_call_export(provider, context, repository, commit, folder, &missing))
        return true;
    if (missing.code == ERROR_NOT_FOUND && worker_pin(attempt, provider, context, repository, commit, NULL))
        return provider_call_export(provider, context, repository, commit, folder, error);
    if (error)
        *error = missing;
    return false;
}

const char *worker_tree(struct attempt *attempt, const char *repository, const char *commit, struct error *error)
{
    const char *folder = arena_printf(attempt->arena, "%s/" MARKER_TREE_PREFIX "%.40s", attempt->run_folder, commit);
    if (folder_exists(folder))
        return folder;
    const struct config_section *section = setup_repository(&attempt->worker->setup, repository, error);
    const struct provider *provider = section ? provider_named(section->provider) : NULL;
    if (!section)
        return NULL;
    if (!provider || !provider->branches) {
        error_set(error, ERROR_UNSUPPORTED, "repositories of provider '%s' are not built yet", section->provider);
        return NULL;
    }
    struct provider_context context = worker_context(attempt, section);
    if (lay_out(attempt, provider, &context, repository, commit, folder, error) || folder_exists(folder))
        return folder;
    error_context(error, "cannot lay out the tree of commit %.12s", commit);
    return NULL;
}

/* --- the phases -------------------------------------------------------------------------------------------------- */

json_t *worker_plan(struct attempt *attempt, struct error *error)
{
    struct working working = {0};
    struct plan_result result = {0};
    json_t *body = NULL;
    bool planned = working_open(&working, attempt, error) && may_be_wanted(&working, error);
    if (planned && working_resolve(&working, error)) {
        fault_point("worker.mid_plan");
        planned = provider_call_plan(working.provider, &working.context, &working.task, attempt->arena, &result, error);
    } else if (planned && working.deferred) {
        result.action = PLAN_DEFERRED;
        result.summary = "is planned when what it needs is there";
        result.reason = arena_strdup(attempt->arena, error->message);
        error_clear(error);
    } else {
        planned = false;
    }
    if (planned) {
        provider_log(&attempt->context, "%s: %s", word_name(plan_action_names, (int)result.action),
                     result.summary ? result.summary : "");
        body = plan_result_to_json(&result);
    }
    plan_result_release(&result);
    working_close(&working);
    return body;
}

/* The body of the result; NULL when it failed: what is known all the same goes beside the error. */
static json_t *hand_back(struct attempt *attempt, struct apply_result *result, bool done)
{
    json_t *body = apply_result_to_json(result);
    bool tells =
        json_array_size(result->inner) + json_array_size(result->there) > 0 || json_object_size(result->lock) > 0;
    apply_result_release(result);
    if (done)
        return body;
    if (tells && !attempt->rest)
        attempt->rest = body;
    else
        json_decref(body);
    return NULL;
}

/* --- what was planned, planned again ------------------------------------------------------------------------------- */

static bool ask_again(struct working *working, const struct plan_result *plan, const char *what, struct error *error)
{
    working->attempt->rest = plan_result_to_json(plan);
    error_set(error, ERROR_WAITING, "'%s' would now %s", working->task.address, what);
    return error_hint(error, "look at the new plan and approve it, or cancel");
}

/* Whether what is planned now may be done: of what was deferred, nothing that replaces or destroys was approved; of anything else, just the changes that
 * were. Else it ends with ERROR_WAITING and the new plan. */
static bool is_approved(struct working *working, const struct plan_result *plan, struct error *error)
{
    const struct task *task = working->attempt->task;
    const json_t *beyond = working->was_deferred ? NULL : covered_not(task->approved, plan->changes);
    if (working->was_deferred && (plan->action == PLAN_REPLACE || plan->action == PLAN_DESTROY))
        return ask_again(working, plan,
                         plan->action == PLAN_REPLACE ? "replace something, which was not known before"
                                                      : "destroy something, which was not known before",
                         error);
    if (!beyond)
        return true;
    const char *what = arena_printf(working->attempt->arena, "%s %s, which was not approved",
                                    json_get_text(beyond, "action"), json_get_text(beyond, "path"));
    return ask_again(working, plan, what, error);
}

/* A lock that an earlier attempt of this run may have left behind is released where its holder is proven dead; anybody else's stays. */
static bool released_own_lock(struct working *working, const json_t *told)
{
    struct error problem = {0};
    struct state_lock lock = {.id = json_get_text(told, "id"),
                              .who = json_get_text(told, "who"),
                              .operation = json_get_text(told, "operation"),
                              .path = json_get_text(told, "path"),
                              .version = ""};
    struct lock_release release = {.lock = &lock, .since_ms = working->task.earlier_ms};
    if (text_empty(lock.id) || release.since_ms == 0 || !working->provider->executor->unlock)
        return false;
    if (!text_empty(json_get_text(told, "since")))
        (void)!instant_parse(json_get_text(told, "since"), &lock.since_ms, NULL);
    bool released = provider_call_unlock(working->provider, &working->context, &working->task, &release, &problem);
    if (!released) /* the executor tells of one that it released */
        provider_log(&working->attempt->context, "berth: the lock %s stays: %s", lock.id, problem.message);
    return released;
}

static bool call_plan(struct working *working, struct plan_result *plan, struct error *error)
{
    struct arena *arena = working->attempt->arena;
    for (int tries = 0;; tries++) {
        if (provider_call_plan(working->provider, &working->context, &working->task, arena, plan, error))
            return true;
        /* what was proven a moment ago may not be now, for somebody's tool began: the executor waits and looks again */
        if (!released_own_lock(working, plan->lock) && (!plan->lock || working->task.earlier_ms == 0))
            return false;
        if (tries == RELEASE_TRIES)
            return false;
        error_clear(error);
        plan_result_release(plan);
        *plan = (struct plan_result){0};
    }
}

/* Nobody is asked: the log says why, and what is left. */
static void tell_covered(const struct working *working, const struct plan_result *plan)
{
    struct attempt *attempt = working->attempt;
    struct delta delta;
    struct str text = STR_INIT;
    if (working->was_deferred) {
        provider_log(&attempt->context, "berth: planned now that it can be: %s; covered by the approval, goes on",
                     word_name(plan_action_names, (int)plan->action));
        return;
    }
    delta_of_changes(&delta, working->task.address, attempt->task->approved, plan->changes);
    delta_say(&delta, "as approved", &text);
    provider_log(&attempt->context, "berth: planned again: %s; covered by the approval, goes on", text.data);
    str_release(&text);
    delta_release(&delta);
}

static bool plan_again(struct working *working, struct plan_result *plan, struct apply_result *result,
                       struct error *error)
{
    if (!call_plan(working, plan, error)) {
        result->lock = json_incref(plan->lock);
        return false;
    }
    if (!is_approved(working, plan, error))
        return false;
    tell_covered(working, plan);
    working->task.planned_spec_digest = plan->spec_digest;
    working->task.artifact = plan->artifact;
    return true;
}

/* There is nothing left to do: an interrupted attempt had done it all, and what it would have said the plan knows. */
static void result_of_plan(const struct plan_result *plan, struct apply_result *result)
{
    const char *name;
    json_t *output;
    result->exit_status = 0;
    result->spec_digest = plan->spec_digest;
    result->base = plan->base;
    result->there = json_incref(plan->inner);
    result->outputs = json_object();
    result->sensitive = json_object();
    json_object_foreach(plan->outputs, name, output)
    {
        json_t *value = json_object_get(output, "value"), *mark = json_object_get(output, "sensitive");
        if (value)
            json_object_set(result->outputs, name, value);
        else if (mark)
            json_object_set(result->sensitive, name, mark);
    }
}

typedef bool carry_out(const struct provider *provider, const struct provider_context *context,
                       const struct executor_task *task, struct arena *arena, struct apply_result *result,
                       struct error *error);

static bool do_planned_again(struct working *working, carry_out *act, struct apply_result *result, struct error *error)
{
    struct plan_result plan = {0};
    bool done = plan_again(working, &plan, result, error);
    if (done && plan.action == PLAN_NONE && working->has_wanted)
        result_of_plan(&plan, result);
    else
        done =
            done && act(working->provider, &working->context, &working->task, working->attempt->arena, result, error);
    plan_result_release(&plan);
    return done;
}

/* The saved plan is gone, cannot be opened, or what it was made on has changed: nothing was done. */
static bool plan_did_not_fit(const struct apply_result *result, const struct error *error)
{
    return (error->code == ERROR_CONFLICT || error->code == ERROR_NOT_FOUND || error->code == ERROR_CORRUPT) &&
           !result->lock && json_array_size(result->inner) == 0;
}

/* What was planned is done as it was planned. What an earlier attempt may have begun, and what cannot be done as planned, is planned again where the
 * executor can do so. */
static bool carry_out_plan(struct working *working, carry_out *act, struct apply_result *result, struct error *error)
{
    struct attempt *attempt = working->attempt;
    bool replans = (working->provider->executor->flags & EXECUTOR_REPLANS) && attempt->task->approved;
    working->was_deferred = text_equal(json_get_text(attempt->task->spec, "planned"), plan_action_names[PLAN_DEFERRED]);
    if (working->was_deferred || (replans && attempt->task->step.attempt > 1))
        return do_planned_again(working, act, result, error);
    if (act(working->provider, &working->context, &working->task, attempt->arena, result, error))
        return true;
    if (!replans || !plan_did_not_fit(result, error))
        return false;
    provider_log(&attempt->context, "berth: %s; planning again", error->message);
    error_clear(error);
    apply_result_release(result);
    *result = (struct apply_result){.exit_status = -1};
    return do_planned_again(working, act, result, error);
}

json_t *worker_apply(struct attempt *attempt, struct error *error)
{
    struct working working = {0};
    struct apply_result result = {.exit_status = -1};
    bool done =
        working_open(&working, attempt, error) && may_be_wanted(&working, error) && working_resolve(&working, error);
    if (done) {
        done = carry_out_plan(&working, provider_call_apply, &result, error);
    }
    working_close(&working);
    return hand_back(attempt, &result, done);
}

json_t *worker_destroy(struct attempt *attempt, struct error *error)
{
    struct working working = {0};
    struct apply_result result = {.exit_status = -1};
    bool done = working_open(&working, attempt, error);
    if (done) {
        working.has_wanted = false;
        working.task.wanted = NULL;
        done = working_resolve(&working, error);
    }
    if (done) {
        fault_point("worker.mid_destroy");
        done = carry_out_plan(&working, provider_call_destroy, &result, error);
    }
    working_close(&working);
    return hand_back(attempt, &result, done);
}
