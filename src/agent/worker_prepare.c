/* SPDX-License-Identifier: ISC */
/*
 * The prepare phase: a ref becomes a commit that is copied into berth's mirror and pinned; the templates of that commit are read there,
 * expanded and checked; the tree is exported. What comes back are the run's sources, inputs and wanted resources.
 */
#include "agent/worker.h"

#include "berth/base/fault.h"
#include "berth/base/file.h"
#include "berth/base/text.h"
#include "berth/model/result.h"
#include "berth/policy.h"

#include <stdlib.h>
#include <string.h>

#define TEMPLATE_LIMIT (4u << 20)
#define TEMPLATES_LIMIT 64

struct preparing {
    struct attempt *attempt;
    const struct config_section *section;
    const struct provider *provider;
    struct provider_context context;
    const char *repository, *commit, *kind, *branch;
    struct branch facts;
    const char *committer_email;
    struct template *templates[TEMPLATES_LIMIT];
    size_t template_count;
    struct prepare_result result;
};

static bool names_kind(struct name_list kinds, const char *kind)
{
    for (size_t i = 0; i < kinds.count; i++)
        if (text_equal(kinds.items[i], kind))
            return true;
    return kinds.count == 0;
}

static bool refuse_ref(const struct preparing *preparing, const char *ref, const char *why, struct error *error)
{
    const struct attempt *attempt = preparing->attempt;
    error_set(error, ERROR_DENIED, "'%s' cannot go to '%s': %s (%s:%d)", ref, attempt->task->run.environment_name, why,
              attempt->context.config->file, attempt->entry->line);
    return error_hint(error, "deploy a ref that its `source` takes, or change that on the trusted ref");
}

/* A tag or commit that was named for an environment of branches must be one of its branch, which is the run's ref. */
static bool is_of_branch(const struct preparing *preparing, struct error *error)
{
    const struct run *run = &preparing->attempt->task->run;
    bool yes = false;
    if (text_equal(preparing->kind, "branch"))
        return refuse_ref(preparing, run->commit, "it is another branch", error);
    return provider_call_contains(preparing->provider, &preparing->context, run->repository, run->ref,
                                  preparing->commit, &yes, error) &&
           (yes ||
            refuse_ref(preparing, run->commit,
                       arena_printf(preparing->attempt->arena, "it is no commit of the branch '%s'", run->ref), error));
}

/* Whether the source that the policy gives the environment takes what the ref turned out to be. What a machine saw move, and what was prepared once,
 * was looked at then. */
static bool ref_is_taken(const struct preparing *preparing, struct error *error)
{
    const struct run *run = &preparing->attempt->task->run;
    const struct config_entry *entry = preparing->attempt->entry;
    bool is_plan = run->workflow == WORKFLOW_PLAN && entry->plan_on != 0;
    if (!text_empty(run->sources) || run->origin != ORIGIN_COMMAND || is_plan)
        return true;
    if (text_equal(preparing->kind, "branch") && text_empty(run->commit) &&
        config_entry_takes(entry, run->repository, preparing->branch))
        return true;
    if (entry->sources & (1u << SOURCE_MANUAL))
        return names_kind(entry->refs, preparing->kind) ||
               refuse_ref(preparing, run->ref,
                          arena_printf(preparing->attempt->arena, "a %s is not taken", preparing->kind), error);
    if (entry->sources & (1u << SOURCE_PULL_REQUESTS) && !(entry->sources & (1u << SOURCE_BRANCHES)))
        return error_set(error, ERROR_UNSUPPORTED, "'%s' takes pull requests, which no provider of this version knows",
                         entry->name);
    if (!(entry->sources & (1u << SOURCE_BRANCHES)))
        return true;
    if (text_empty(run->commit))
        return refuse_ref(preparing, run->ref, "it is no branch that is taken there", error);
    return is_of_branch(preparing, error);
}

static bool find_source(struct preparing *preparing, struct error *error)
{
    struct attempt *attempt = preparing->attempt;
    const struct run *run = &attempt->task->run;
    preparing->repository = run->repository;
    preparing->section = setup_repository(&attempt->worker->setup, run->repository, error);
    if (!preparing->section)
        return false;
    preparing->provider = provider_named(preparing->section->provider);
    if (!preparing->provider || !preparing->provider->branches)
        return error_set(error, ERROR_UNSUPPORTED, "repositories of provider '%s' are not built yet",
                         preparing->section->provider);
    preparing->context = worker_context(attempt, preparing->section);
    const char *wish = text_empty(run->commit) ? run->ref : run->commit;
    return provider_call_resolve(preparing->provider, &preparing->context, run->repository, wish, attempt->arena,
                                 &preparing->commit, &preparing->kind, &preparing->branch, error) &&
           ref_is_taken(preparing, error);
}

static bool pin_source(struct preparing *preparing, struct error *error)
{
    struct attempt *attempt = preparing->attempt;
    return worker_pin(attempt, preparing->provider, &preparing->context, preparing->repository, preparing->commit,
                      error) &&
           provider_call_describe(preparing->provider, &preparing->context, preparing->repository, preparing->commit,
                                  attempt->arena, &preparing->facts, &preparing->committer_email, error);
}

static bool already_read(const struct preparing *preparing, const char *name)
{
    for (size_t i = 0; i < preparing->template_count; i++)
        if (text_equal(preparing->templates[i]->name, name))
            return true;
    return false;
}

static bool read_template(struct preparing *preparing, const char *name, struct problems *problems, struct error *error)
{
    struct str text = STR_INIT;
    const char *path = arena_printf(preparing->attempt->arena, "templates/%s.yaml", name);
    if (already_read(preparing, name))
        return true;
    if (preparing->template_count == TEMPLATES_LIMIT)
        return error_set(error, ERROR_LIMIT, "an environment of more than %d templates", TEMPLATES_LIMIT);
    bool read = provider_call_read(preparing->provider, &preparing->context, preparing->repository, preparing->commit,
                                   path, TEMPLATE_LIMIT, &text, error);
    if (read) {
        struct template *template = template_load(path, text.data, text.length, problems);
        if (template)
            preparing->templates[preparing->template_count++] = template;
        else
            read = problems_error(problems, error);
    } else {
        error_context(error, "cannot read the template '%s' of commit %.12s", name, preparing->commit);
        error_hint(error, "add %s to that commit, or take it out of `templates`", path);
    }
    str_release(&text);
    return read;
}

static void set_commit_scope(const struct preparing *preparing, struct scope *scope)
{
    const char *branch = text_empty(preparing->branch) ? preparing->attempt->task->branch.name : preparing->branch;
    scope_set(scope, "commit.id", preparing->commit);
    scope_set(scope, "commit.short", arena_strndup(preparing->attempt->arena, preparing->commit, 12));
    scope_set(scope, "commit.subject", preparing->facts.subject);
    scope_set(scope, "commit.author", preparing->facts.author);
    if (!text_empty(branch))
        config_entry_set_branch(preparing->attempt->entry, branch, scope);
}

static void set_inputs(struct scope *scope, const struct config_entry *entry, const char *inputs_json,
                       struct arena *arena)
{
    json_t *inputs = json_column(inputs_json);
    const char *key;
    json_t *value;
    for (size_t i = 0; entry && i < entry->input_count; i++)
        scope_set(scope, arena_printf(arena, "input.%s", entry->inputs[i].name), entry->inputs[i].preset);
    json_object_foreach(inputs, key, value)
    {
        if (json_is_string(value))
            scope_set(scope, arena_printf(arena, "input.%s", key), json_string_value(value));
    }
    json_decref(inputs);
}

/* What a release deployed is deployed again, whatever the entry says today. */
static void set_settings(struct preparing *preparing, struct scope *scope)
{
    const struct run *run = &preparing->attempt->task->run;
    struct arena *arena = preparing->attempt->arena;
    json_t *settings = json_column(run->settings), *values, *value;
    const char *template, *key;
    json_object_foreach(json_object_get(settings, "inputs"), key, value)
        scope_set(scope, arena_printf(arena, "input.%s", key), json_string_value(value));
    json_object_foreach(json_object_get(settings, "parameters"), template, values)
    {
        json_object_foreach(values, key, value)
            scope_set(scope, arena_printf(arena, "setting.%s.%s", template, key), json_string_value(value));
    }
    json_decref(settings);
}

static struct scope *scope_of(struct preparing *preparing)
{
    struct attempt *attempt = preparing->attempt;
    const struct task *task = attempt->task;
    const struct config_entry *entry = attempt->entry;
    struct scope *scope = scope_new();
    struct str slug = STR_INIT;
    config_entry_slug(entry, task->run.environment_name, &slug);
    preparing->result.slug_wish = arena_strdup(attempt->arena, slug.data);
    scope_set(scope, "env.name", task->run.environment_name);
    scope_set(scope, "env.slug",
              task->has_environment && !text_empty(task->environment.slug) ? task->environment.slug : slug.data);
    scope_set(scope, "env.tier", word_name(tier_names, (int)entry->tier));
    scope_set(scope, "actor.id", task->run.actor);
    scope_set(scope, "actor.person", task->run.person);
    if (task->run.pull_request > 0)
        scope_set(scope, "pr.number", arena_printf(attempt->arena, "%lld", (long long)task->run.pull_request));
    set_commit_scope(preparing, scope);
    set_inputs(scope, entry, task->run.inputs, attempt->arena);
    str_release(&slug);
    return scope;
}

/* `--with key=value` stands over the entry's `with`. */
static void set_overrides(struct scope *scope, const char *with_json, struct arena *arena)
{
    json_t *with = json_column(with_json);
    const char *key;
    json_t *value;
    json_object_foreach(with, key, value)
    {
        if (json_is_string(value))
            scope_set(scope, arena_printf(arena, "with.%s", key), json_string_value(value));
    }
    json_decref(with);
}

static bool expand_templates(struct preparing *preparing, struct problems *problems, struct error *error)
{
    struct attempt *attempt = preparing->attempt;
    const struct config *config = attempt->worker->setup.config;
    struct scope *scope = scope_of(preparing);
    set_overrides(scope, attempt->task->run.with, attempt->arena);
    if (attempt->task->run.workflow == WORKFLOW_ROLLBACK)
        set_settings(preparing, scope);
    bool expanded = template_expand(config, attempt->entry, preparing->templates, preparing->template_count, scope,
                                    attempt->arena, &preparing->result, problems);
    scope_free(scope);
    return expanded || problems_error(problems, error);
}

bool worker_may_use(const struct attempt *attempt, const char *address, const char *executor, struct error *error)
{
    const char *file = attempt->context.config->file;
    if (policy_executor_allowed(attempt->entry, executor))
        return true;
    if (attempt->entry)
        return error_set(error, ERROR_DENIED, "'%s' may not use the executor '%s' in '%s' (%s:%d)", address, executor,
                         attempt->entry->name, file, attempt->entry->line);
    error_set(error, ERROR_DENIED, "'%s' may not use the executor '%s': %s has no environment '%s' any more", address,
              executor, file, attempt->task->run.entry);
    return error_hint(error, "put the entry back on the trusted ref; what is recorded can only be destroyed");
}

/* Every executor must be built, allowed, and find its spec usable. */
static bool check_wanted(struct preparing *preparing, const char *tree, struct error *error)
{
    struct attempt *attempt = preparing->attempt;
    for (size_t i = 0; i < preparing->result.wanted.count; i++) {
        struct wanted_resource *wanted = &preparing->result.wanted.items[i];
        const struct provider *provider = provider_named(wanted->executor);
        if (!provider || !provider->executor)
            return error_set(error, ERROR_UNSUPPORTED, "cannot deploy '%s': the executor '%s' is not built yet",
                             wanted->address, wanted->executor);
        if (!worker_may_use(attempt, wanted->address, wanted->executor, error))
            return false;
        struct executor_task task = {
            .wanted = wanted,
            .spec = wanted->spec,
            .environment = attempt->task->run.environment_name,
            .address = wanted->address,
            .tree = tree,
            .commit = preparing->commit,
        };
        if (provider->executor->check && !provider_call_check(provider, &attempt->context, &task, error))
            return error_context(error, "the resource '%s' cannot be deployed", wanted->address);
        wanted->replans = (provider->executor->flags & EXECUTOR_REPLANS) != 0;
        if (provider_stopped(&attempt->context))
            return error_set(error, ERROR_CANCELLED, "preparing was cancelled");
    }
    return true;
}

static void add_versions(struct preparing *preparing)
{
    size_t at;
    json_t *row;
    json_array_foreach(preparing->result.templates, at, row)
    {
        json_object_set_new(row, "repository", json_string(preparing->repository));
        json_object_set_new(row, "commit", json_string(preparing->commit));
        const char *id = arena_printf(preparing->attempt->arena, "%s/%s@%s", preparing->repository,
                                      json_get_text(row, "name"), preparing->commit);
        json_object_set_new(row, "id", json_string(id));
    }
}

/* A roll-back deploys what its release was made of; a release from before that was kept, what the entry names today. */
static struct name_list template_names(struct preparing *preparing)
{
    const struct run *run = &preparing->attempt->task->run;
    struct arena *arena = preparing->attempt->arena;
    json_t *settings = run->workflow == WORKFLOW_ROLLBACK ? json_column(run->settings) : NULL;
    const json_t *kept = json_object_get(settings, "templates");
    struct name_list names = preparing->attempt->entry->templates;
    if (json_array_size(kept) > 0) {
        const char **items = arena_alloc(arena, json_array_size(kept) * sizeof *items);
        for (names.count = 0; names.count < json_array_size(kept); names.count++) {
            const char *name = json_string_value(json_array_get(kept, names.count));
            items[names.count] = arena_strdup(arena, name ? name : "");
        }
        names.items = items;
    }
    json_decref(settings);
    return names;
}

static bool prepare_all(struct preparing *preparing, struct problems *problems, struct error *error)
{
    struct attempt *attempt = preparing->attempt;
    if (!find_source(preparing, error) || !pin_source(preparing, error))
        return false;
    provider_log(&attempt->context, "%s %s is commit %s", preparing->kind, attempt->task->run.ref, preparing->commit);
    fault_point("worker.mid_prepare");
    const struct name_list names = template_names(preparing);
    for (size_t i = 0; i < names.count; i++)
        if (!read_template(preparing, names.items[i], problems, error))
            return false;
    if (!expand_templates(preparing, problems, error))
        return false;
    const char *tree = worker_tree(attempt, preparing->repository, preparing->commit, error);
    if (!tree || !check_wanted(preparing, tree, error))
        return false;
    provider_log(&attempt->context, "%zu resources of %zu templates", preparing->result.wanted.count,
                 preparing->template_count);
    add_versions(preparing);
    struct source source = {
        .repository = preparing->repository, .ref = attempt->task->run.ref, .commit = preparing->commit};
    vec_push(&preparing->result.sources, source);
    preparing->result.environment_name = attempt->task->run.environment_name;
    preparing->result.commit = preparing->commit;
    preparing->result.subject = preparing->facts.subject;
    preparing->result.author = preparing->facts.author;
    preparing->result.author_email = preparing->facts.author_email;
    preparing->result.committer_email = preparing->committer_email;
    return true;
}

json_t *worker_prepare(struct attempt *attempt, struct error *error)
{
    struct preparing preparing = {.attempt = attempt};
    struct problems problems;
    json_t *body = NULL;
    if (!attempt->entry) {
        error_set(error, ERROR_CONFIG, "%s has no environment '%s' any more", attempt->context.config->file,
                  attempt->task->run.entry);
        return NULL;
    }
    problems_init(&problems, attempt->arena);
    if (prepare_all(&preparing, &problems, error))
        body = prepare_result_to_json(&preparing.result);
    template_expand_release(&preparing.result);
    for (size_t i = 0; i < preparing.template_count; i++)
        template_free(preparing.templates[i]);
    problems_release(&problems);
    vec_release(&preparing.result.sources);
    return body;
}
