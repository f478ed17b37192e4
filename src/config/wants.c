/* SPDX-License-Identifier: ISC */
/* Scopes of an entry's templates, and which resources are wanted how many times. */
#include "config/wants.h"
#include "config/read.h"

#include "berth/base/str.h"
#include "berth/base/text.h"

#include <string.h>

static void set_default(struct scope *scope, const char *path, const char *value)
{
    if (!scope_get(scope, path))
        scope_set(scope, path, value);
}

static enum node_kind kind_of(const struct config_input *input)
{
    if (text_equal(input->type, "int"))
        return NODE_INT;
    if (text_equal(input->type, "number"))
        return NODE_FLOAT;
    return text_equal(input->type, "bool") ? NODE_BOOL : NODE_TEXT;
}

/* settings[kind][owner][name], or settings[kind][name] without an owner. */
static void keep_setting(struct wants *wants, const char *kind, const char *owner, const char *name, const char *value)
{
    json_t *list = json_object_get(wants->result->settings, kind);

    if (owner && !json_object_get(list, owner))
        json_object_set_new(list, owner, json_object());
    json_object_set_new(owner ? json_object_get(list, owner) : list, name, json_string(value));
}

static bool set_value(struct wants *wants, struct scope *scope, const char *path, const struct config_input *input,
                      const char *value, const struct node *at)
{
    struct error error = {0};

    if (!config_input_fits(input, value, &error))
        return problem_add(wants->problems, PROBLEM_ERROR, wants->config->file, at->line, at->column, error.hint, "%s",
                           error.message);
    scope_set_typed(scope, path, value, *value ? kind_of(input) : NODE_TEXT);
    return true;
}

static bool set_inputs(struct wants *wants, struct scope *scope)
{
    const struct config_entry *entry = wants->entry;
    bool fine = true;

    for (size_t i = 0; i < entry->input_count; i++) {
        const struct config_input *input = &entry->inputs[i];
        const char *path = arena_printf(wants->arena, "input.%s", input->name);
        const char *given = scope_get(scope, path);
        struct node at = {.line = input->line, .column = 1};

        if (text_empty(given) && input->required && !input->has_preset)
            fine = problem_add(wants->problems, PROBLEM_ERROR, wants->config->file, input->line, 1,
                               arena_printf(wants->arena, "give it with --with %s=VALUE", input->name),
                               "the input \"%s\" of %s is required and was not given", input->name, entry->name);
        else if (given || input->has_preset)
            fine = set_value(wants, scope, path, input, given ? given : input->preset, &at) && fine;
        else
            scope_set(scope, path, "");
        keep_setting(wants, "inputs", NULL, input->name, scope_get(scope, path));
    }
    return fine;
}

static bool set_environment(struct wants *wants, struct scope *scope)
{
    const struct config_entry *entry = wants->entry;
    struct str text = STR_INIT;
    bool fine = true;
    const struct node *deployment = node_get(entry->node, "deployment"),
                      *description = node_get(entry->node, "description");

    set_default(scope, "env.tier", word_name(tier_names, entry->tier));
    if (!scope_get(scope, "env.name")) {
        fine = config_entry_expand_name(wants->config, entry, scope, &text, wants->problems);
        scope_set(scope, "env.name", text.data);
    }
    str_clear(&text);
    config_entry_slug(entry, scope_get(scope, "env.name"), &text);
    wants->result->slug_wish = arena_strdup(wants->arena, text.data);
    set_default(scope, "env.slug", text.data);
    str_clear(&text);
    if (deployment)
        fine = expand_text(scope, wants->config->file, deployment, &text, wants->problems) && fine;
    set_default(scope, "env.deployment", deployment ? text.data : scope_get(scope, "env.name"));
    str_clear(&text);
    if (description)
        fine = expand_text(scope, wants->config->file, description, &text, wants->problems) && fine;
    set_default(scope, "env.description", text.data);
    str_release(&text);
    wants->result->environment_name = arena_strdup(wants->arena, scope_get(scope, "env.name"));
    wants->result->deployment = arena_strdup(wants->arena, scope_get(scope, "env.deployment"));
    wants->result->description = arena_strdup(wants->arena, scope_get(scope, "env.description"));
    return fine;
}

/* What stands over `with`: the value that a release had (setting.TEMPLATE.NAME in the scope), else what the command gives (with.NAME). */
static const char *over_with(const struct wants *wants, const struct scope *from, const struct template *template,
                             const struct config_input *parameter)
{
    const char *kept = scope_get(from, arena_printf(wants->arena, "setting.%s.%s", template->name, parameter->name));

    return kept ? kept : scope_get(from, arena_printf(wants->arena, "with.%s", parameter->name));
}

/* One parameter of one template: what stands over `with`, else `with`, else its default. */
static bool set_parameter(struct wants *wants, struct scope *from, struct scope *into, const struct template *template,
                          const struct config_input *parameter)
{
    const struct node *given = node_get(wants->entry->with, parameter->name);
    const char *path = arena_printf(wants->arena, "param.%s", parameter->name);
    const char *stood_over = over_with(wants, from, template, parameter);
    struct node entry_at = {.line = wants->entry->line, .column = 1};
    struct str text = STR_INIT;
    bool fine = true;

    if (stood_over)
        str_add(&text, stood_over);
    else if (given)
        fine = expand_text(from, wants->config->file, given, &text, wants->problems);
    else if (parameter->has_preset)
        str_add(&text, parameter->preset);
    else if (parameter->required)
        fine = problem_add(wants->problems, PROBLEM_ERROR, wants->config->file, wants->entry->line, 1,
                           "set it under with:", "the parameter \"%s\" is required and %s does not set it",
                           parameter->name, wants->entry->name);
    if (fine && (stood_over || given || parameter->has_preset))
        fine = set_value(wants, into, path, parameter, text.data, given ? given : &entry_at);
    else if (fine)
        scope_set(into, path, "");
    if (fine) {
        scope_set_typed(into, arena_printf(wants->arena, "values.%s", parameter->name), text.data,
                        text.length ? kind_of(parameter) : NODE_TEXT);
        keep_setting(wants, "parameters", template->name, parameter->name, text.length ? text.data : "");
    }
    str_release(&text);
    return fine;
}

/* What a command gives over `with` must be a parameter of one of the templates. */
static bool check_given(struct wants *wants, const struct scope *scope)
{
    const char *path;
    size_t at = 0;
    bool fine = true;

    while (scope_next(scope, &at, &path)) {
        bool found = !text_starts(path, "with.");

        for (size_t t = 0; t < wants->template_count && !found; t++) {
            for (size_t i = 0; i < wants->templates[t]->parameter_count && !found; i++)
                found = text_equal(wants->templates[t]->parameters[i].name, path + strlen("with."));
        }
        if (!found)
            fine = problem_add(wants->problems, PROBLEM_ERROR, wants->config->file, wants->entry->line, 1, "",
                               "no template of \"%s\" has the parameter \"%s\" that the command gives",
                               wants->entry->name, path + strlen("with."));
    }
    return fine;
}

bool wants_scopes(struct wants *wants, struct scope *scope)
{
    bool fine;

    wants->result->settings = json_pack("{s:{}, s:{}, s:[]}", "inputs", "parameters", "templates");
    for (size_t t = 0; t < wants->template_count; t++)
        json_array_append_new(json_object_get(wants->result->settings, "templates"),
                              json_string(wants->templates[t]->name));
    fine = set_inputs(wants, scope);
    fine = check_given(wants, scope) && fine;
    fine = set_environment(wants, scope) && fine;
    if (!fine)
        return false;
    for (size_t t = 0; t < wants->template_count; t++) {
        const struct template *template = wants->templates[t];

        wants->scopes[t] = scope_copy(scope);
        for (size_t i = 0; i < template->parameter_count; i++)
            fine = set_parameter(wants, scope, wants->scopes[t], template, &template->parameters[i]) && fine;
    }
    return fine;
}

static bool same_name_elsewhere(const struct wants *wants, const struct template *template, const char *name)
{
    for (size_t t = 0; t < wants->template_count; t++) {
        if (wants->templates[t] != template && template_resource_named(wants->templates[t], name))
            return true;
    }
    return false;
}

static bool read_count(struct wants *wants, struct want *want, const struct node *count)
{
    struct str text = STR_INIT;
    bool fine = expand_text(want->scope, want->template->file, count, &text, wants->problems);
    long long value = 0;

    if (fine && (!text_to_int(text.data, &value) || value < 0 || value > 1000))
        fine = problem_add(wants->problems, PROBLEM_ERROR, want->template->file, count->line, count->column, "",
                           "count of %s: expected a whole number from 0 to 1000, found \"%s\"", want->resource->name,
                           text.data);
    want->counted = true;
    want->count = value;
    str_release(&text);
    return fine;
}

static bool add_want(struct wants *wants, struct scope *scope, const struct template *template,
                     const struct template_resource *resource, size_t *total)
{
    const struct node *when = node_get(resource->node, "when"), *count = node_get(resource->node, "count");
    struct want want = {template, resource, scope, false, false, 1, resource->name};
    bool yes = true, fine = true;

    if (same_name_elsewhere(wants, template, resource->name))
        want.base = arena_printf(wants->arena, "%s:%s", template->name, resource->name);
    if (when)
        fine = expand_condition(scope, template->file, when, &yes, wants->problems);
    want.dropped = !yes;
    if (fine && yes && count)
        fine = read_count(wants, &want, count);
    vec_push(&wants->list, want);
    *total += want.dropped ? 0 : (size_t)want.count;
    if (*total > WANTS_LIMIT_RESOURCES)
        return problem_add(wants->problems, PROBLEM_ERROR, template->file, resource->line, 1, "",
                           "%s wants more than %d resources", wants->entry->name, WANTS_LIMIT_RESOURCES);
    return fine;
}

bool wants_count(struct wants *wants)
{
    size_t total = 0;
    bool fine = true;

    for (size_t t = 0; t < wants->template_count; t++) {
        const struct template *template = wants->templates[t];

        for (size_t i = 0; i < template->resource_count && total <= WANTS_LIMIT_RESOURCES; i++)
            fine = add_want(wants, wants->scopes[t], template, &template->resources[i], &total) && fine;
    }
    return fine;
}

const struct want *wants_find(const struct wants *wants, const struct template *template,
                              const struct template_resource *resource)
{
    for (size_t i = 0; i < wants->list.count; i++) {
        if (wants->list.items[i].template == template && wants->list.items[i].resource == resource)
            return &wants->list.items[i];
    }
    return NULL;
}

const char *want_address(const struct wants *wants, const struct want *want, int64_t item)
{
    return want->counted ? arena_printf(wants->arena, "%s[%lld]", want->base, (long long)item) : want->base;
}
