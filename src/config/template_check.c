/* SPDX-License-Identifier: ISC */
/* Checks of templates: what one file can answer alone, and what only the entry that uses it can. */
#include "config/check.h"
#include "config/expression.h"
#include "config/read.h"
#include "config/template.h"

#include "berth/base/str.h"
#include "berth/config/expand.h"

#include <stdlib.h>
#include <string.h>

struct path_use { /* one scalar whose paths are looked at */
    struct arena *arena;
    const char *file;
    const struct template *template;
    const struct node *node;
    const struct config *config; /* NULL: the template alone */
    const struct config_entry *entry;
    struct template *const *templates;
    size_t template_count;
    bool lacks_some; /* of the entry's templates: what they may have is not told missing */
    struct name_list action_inputs;
    bool in_action;
    struct problems *problems;
};

const struct template *template_named(struct template *const *templates, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equal(templates[i]->name, name))
            return templates[i];
    }
    return NULL;
}

static const struct template_resource *find_required(struct template *const *templates, size_t count,
                                                     const struct template *template, const char *name,
                                                     const struct template **owner, size_t depth)
{
    const struct template_resource *found = template_resource_named(template, name);

    *owner = template;
    for (size_t i = 0; !found && depth < count && i < template->requires.count; i++) {
        const struct template *required = template_named(templates, count, template->requires.items[i]);

        if (required)
            found = find_required(templates, count, required, name, owner, depth + 1);
    }
    return found;
}

const struct template_resource *template_find(struct template *const *templates, size_t count,
                                              const struct template *template, const char *name,
                                              const struct template **owner)
{
    return find_required(templates, count, template, name, owner, 0);
}

static bool complain(const struct path_use *use, const char *path, const char *hint, const char *what)
{
    return problem_add(use->problems, PROBLEM_ERROR, use->file, use->node->line, use->node->column, hint,
                       "${{ %s }}: %s", path, what);
}

static struct name_list field_names(struct arena *arena, const struct config_input *inputs, size_t count)
{
    const char **names = arena_alloc(arena, (count + 1) * sizeof(*names));

    for (size_t i = 0; i < count; i++)
        names[i] = inputs[i].name;
    return (struct name_list){names, count};
}

static void use_parameter(const struct path_use *use, const char *path, const char *name)
{
    struct name_list names = field_names(use->arena, use->template->parameters, use->template->parameter_count);

    if (!names_have(&names, name))
        complain(use, path, did_you_mean(use->arena, name, &names),
                 arena_printf(use->arena, "the template \"%s\" has no parameter \"%s\"", use->template->name, name));
}

static void use_resource(const struct path_use *use, const char *path)
{
    struct str address = STR_INIT;
    const char *key = expand_output_key(path, &address), *name;
    const struct template *owner;
    const struct template_resource *resource;

    if (!key) {
        complain(use, path, "", "expected resource.NAME.outputs.KEY");
        return;
    }
    name = arena_strndup(use->arena, address.data, strcspn(address.data, "["));
    str_release(&address);
    resource = template_find(use->templates, use->template_count, use->template, name, &owner);
    if (!resource && (!use->config || use->lacks_some) && use->template->requires.count > 0)
        return; /* it may be of a template that this one requires: seen when they are checked together */
    if (!resource) {
        const char **names = arena_alloc(use->arena, (use->template->resource_count + 1) * sizeof(*names));

        for (size_t i = 0; i < use->template->resource_count; i++)
            names[i] = use->template->resources[i].name;
        complain(use, path, did_you_mean(use->arena, name, &(struct name_list){names, use->template->resource_count}),
                 arena_printf(use->arena, "there is no resource \"%s\"", name));
    } else if (!names_have(&resource->outputs, key)) {
        complain(use, path, did_you_mean(use->arena, key, &resource->outputs),
                 arena_printf(use->arena, "\"%s\" does not name it in its outputs", name));
    }
}

static void use_secret(const struct path_use *use, const char *path)
{
    const char *secret = path + strlen("secret."), *dot = strchr(secret, '.');
    const char *store = dot ? arena_strndup(use->arena, secret, (size_t)(dot - secret)) : secret;

    if (!text_equal(store, "env") && !text_equal(store, "file") && !config_section_named(&use->config->secrets, store))
        complain(use, path, "", arena_printf(use->arena, "there is no secret store \"%s\"", store));
    else if (!config_allows_secret(use->entry, secret))
        complain(use, path, arena_printf(use->arena, "add it to allow: { secrets: [%s] } of the entry", secret),
                 arena_printf(use->arena, "the entry \"%s\" (%s:%d) does not allow this secret", use->entry->name,
                              use->config->file, use->entry->line));
}

static void use_input(const struct path_use *use, const char *path, const char *name)
{
    struct name_list names = field_names(use->arena, use->entry->inputs, use->entry->input_count);

    if (!names_have(&names, name) && !names_have(&use->action_inputs, name))
        complain(use, path, did_you_mean(use->arena, name, names.count ? &names : &use->action_inputs),
                 arena_printf(use->arena, "neither the entry \"%s\" nor the action has an input \"%s\"",
                              use->entry->name, name));
}

static void visit_path(const char *path, void *context)
{
    const struct path_use *use = context;
    char root[32];
    const char *rest = path_root(path, root, sizeof(root));

    if (!use->config && (text_equal(root, "param") || text_equal(root, "values")))
        use_parameter(use, path, rest);
    else if (text_equal(root, "resource") && (!use->config || use->template->requires.count > 0))
        use_resource(use, path);
    else if (use->config && text_equal(root, "secret"))
        use_secret(use, path);
    else if (use->config && text_equal(root, "input"))
        use_input(use, path, rest);
}

static void visit_tree(struct path_use *use, const struct node *node)
{
    const struct node *outer = use->node;

    for (size_t i = 0; node->kind == NODE_LIST && i < node->count; i++)
        visit_tree(use, node->items[i]);
    for (size_t i = 0; node->kind == NODE_MAP && i < node->count; i++)
        visit_tree(use, node->pairs[i].value);
    if (node->kind == NODE_TEXT && text_has_expression(node->text)) {
        struct expression *expression = expression_parse(use->arena, node->text, NULL);

        use->node = node;
        if (expression)
            expression_paths(expression, visit_path, use);
        use->node = outer;
    }
}

static void visit_template(struct path_use *use)
{
    const struct node *root = use->template->root, *actions = node_get(root, "actions");

    for (size_t i = 0; i < root->count; i++) {
        if (root->pairs[i].value != actions)
            visit_tree(use, root->pairs[i].value);
    }
    for (size_t i = 0; actions && i < actions->count; i++) {
        const struct node *inputs = node_get(actions->items[i], "inputs");
        const char **names = arena_alloc(use->arena, ((inputs ? inputs->count : 0) + 1) * sizeof(*names));

        for (size_t n = 0; inputs && n < inputs->count; n++)
            names[n] = inputs->pairs[n].key->text;
        use->action_inputs = (struct name_list){names, inputs ? inputs->count : 0};
        visit_tree(use, actions->items[i]);
        use->action_inputs = (struct name_list){0};
    }
}

static void check_presets(struct arena *arena, const char *file, const struct node *fields, struct problems *problems)
{
    struct node holder = {.kind = NODE_MAP};
    struct node key = {.kind = NODE_TEXT, .text = "fields"};
    struct node_pair pair = {&key, (struct node *)fields};
    struct config_input *inputs;
    size_t count;

    holder.pairs = &pair;
    holder.count = 1;
    inputs = read_fields(arena, &holder, "fields", &count);
    for (size_t i = 0; i < count; i++) {
        const struct node *preset = node_get(fields->pairs[i].value, "default");
        struct error error = {0};

        if (preset && !config_input_fits(&inputs[i], preset->text, &error))
            problem_add(problems, PROBLEM_ERROR, file, preset->line, preset->column, error.hint, "default of %s",
                        error.message);
    }
}

void fields_check(struct arena *arena, const char *file, const struct node *map, struct problems *problems)
{
    if (map)
        check_presets(arena, file, map, problems);
}

void template_check(const struct template *template, const char *file, struct problems *problems)
{
    struct template *alone[] = {(struct template *)template};
    struct arena arena = {0};
    struct path_use use = {.arena = &arena,
                           .file = file,
                           .template = template,
                           .templates = alone,
                           .template_count = 1,
                           .problems = problems};
    const struct node *actions = node_get(template->root, "actions");

    visit_template(&use);
    fields_check(&arena, file, node_get(template->root, "parameters"), problems);
    for (size_t i = 0; actions && i < actions->count; i++)
        fields_check(&arena, file, node_get(actions->items[i], "inputs"), problems);
    arena_release(&arena);
}

static void at_key(const struct path_use *use, const struct template_resource *resource, const char *key,
                   const char *hint, const char *message)
{
    const struct node *node = node_get(resource->node, key);

    problem_add(use->problems, PROBLEM_ERROR, use->template->file, node ? node->line : resource->line,
                node ? node->column : 1, hint, "%s", message);
}

static void check_target(const struct path_use *use, const struct template_resource *resource)
{
    const struct config_section *target = config_section_named(&use->config->targets, resource->target);

    if (!*resource->target)
        return;
    if (!target)
        at_key(use, resource, "target", "",
               arena_printf(use->arena, "%s: there is no target \"%s\" in %s", resource->name, resource->target,
                            use->config->file));
    else if (target->is_protected && !text_equal(target->name, use->entry->target) &&
             !names_have(&use->entry->allow_targets, target->name))
        at_key(use, resource, "target", "add it to allow: { targets: […] } of the entry",
               arena_printf(use->arena,
                            "%s: the target \"%s\" is protected, and the entry \"%s\" (%s:%d) does not allow it",
                            resource->name, target->name, use->entry->name, use->config->file, use->entry->line));
}

static void check_runner(const struct path_use *use, const struct template_resource *resource)
{
    bool young = use->entry->tier == TIER_REVIEW || use->entry->tier == TIER_EPHEMERAL;

    if (!*resource->runner)
        return;
    if (!config_section_named(&use->config->runners, resource->runner))
        at_key(use, resource, "runner", "",
               arena_printf(use->arena, "%s: there is no runner \"%s\" in %s", resource->name, resource->runner,
                            use->config->file));
    else if (young && !text_equal(resource->runner, use->entry->runner) &&
             !names_have(&use->entry->allow_runners, resource->runner))
        at_key(use, resource, "runner", "add it to allow: { runners: […] } of the entry",
               arena_printf(use->arena, "%s: the entry \"%s\" (%s:%d) does not allow the runner \"%s\"", resource->name,
                            use->entry->name, use->config->file, use->entry->line, resource->runner));
}

static bool group_exists(const struct path_use *use, const char *group)
{
    for (size_t t = 0; t < use->template_count; t++) {
        if (node_get(node_get(use->templates[t]->root, "groups"), group))
            return true;
    }
    return false;
}

static void check_resource(const struct path_use *use, const struct template_resource *resource)
{
    const char *repository = read_text(resource->node, "repository", "");
    const struct template *owner;

    if (!config_allows_executor(use->entry, resource->executor))
        at_key(use, resource, "executor", "add it to allow: { executors: […] } of the entry",
               arena_printf(use->arena, "%s: the entry \"%s\" (%s:%d) does not allow the executor \"%s\"",
                            resource->name, use->entry->name, use->config->file, use->entry->line, resource->executor));
    check_target(use, resource);
    check_runner(use, resource);
    if (*repository && !config_section_named(&use->config->repositories, repository))
        at_key(use, resource, "repository", "",
               arena_printf(use->arena, "%s: there is no repository \"%s\" in %s", resource->name, repository,
                            use->config->file));
    if (*resource->group && !use->lacks_some && !group_exists(use, resource->group))
        at_key(use, resource, "group", "",
               arena_printf(use->arena, "%s: there is no group \"%s\"", resource->name, resource->group));
    for (size_t i = 0; i < resource->needs.count; i++) {
        if (!(use->lacks_some && use->template->requires.count > 0) &&
            !template_find(use->templates, use->template_count, use->template, resource->needs.items[i], &owner))
            at_key(use, resource, "needs", "",
                   arena_printf(use->arena, "%s needs \"%s\", which neither this template nor one it requires has",
                                resource->name, resource->needs.items[i]));
    }
}

static void check_requires(const struct path_use *use)
{
    const struct node *list = node_get(use->template->root, "requires");

    for (size_t i = 0; list && i < list->count; i++) {
        if (!template_named(use->templates, use->template_count, list->items[i]->text) &&
            !(use->lacks_some && names_have(&use->entry->templates, list->items[i]->text)))
            problem_add(use->problems, PROBLEM_ERROR, use->template->file, list->items[i]->line, list->items[i]->column,
                        "add it to the entry's templates:",
                        "the template \"%s\" is required, and the entry \"%s\" (%s:%d) does not use it",
                        list->items[i]->text, use->entry->name, use->config->file, use->entry->line);
    }
}

static const struct config_input *parameter_named(const struct template *template, const char *name)
{
    for (size_t i = 0; i < template->parameter_count; i++) {
        if (text_equal(template->parameters[i].name, name))
            return &template->parameters[i];
    }
    return NULL;
}

/* Each key of `with` must be a parameter of one of the templates and fit it. */
static void check_with(const struct path_use *use)
{
    const struct node *with = use->entry->with;

    for (size_t i = 0; with && i < with->count; i++) {
        const struct node *key = with->pairs[i].key, *value = with->pairs[i].value;
        const struct config_input *parameter = NULL;
        struct name_list names = {0};
        struct error error = {0};

        for (size_t t = 0; t < use->template_count && !parameter; t++) {
            parameter = parameter_named(use->templates[t], key->text);
            names = field_names(use->arena, use->templates[t]->parameters, use->templates[t]->parameter_count);
        }
        if (!parameter && use->lacks_some)
            continue;
        if (!parameter)
            problem_add(use->problems, PROBLEM_ERROR, use->config->file, key->line, key->column,
                        did_you_mean(use->arena, key->text, &names),
                        "with: no template of \"%s\" has a parameter \"%s\"", use->entry->name, key->text);
        else if (!text_has_expression(value->text) && !config_input_fits(parameter, value->text, &error))
            problem_add(use->problems, PROBLEM_ERROR, use->config->file, value->line, value->column, error.hint,
                        "with: %s", error.message);
    }
}

static void check_given(const struct path_use *use)
{
    for (size_t i = 0; i < use->template->parameter_count; i++) {
        const struct config_input *parameter = &use->template->parameters[i];

        if (parameter->required && !parameter->has_preset && !node_get(use->entry->with, parameter->name))
            problem_add(use->problems, PROBLEM_ERROR, use->config->file, use->entry->line, 1, "set it under with:",
                        "\"%s\" does not set the parameter \"%s\" that the template \"%s\" requires", use->entry->name,
                        parameter->name, use->template->name);
    }
}

/* Needs, requires and groups of several templates together. */
static void check_one(struct path_use *use)
{
    check_requires(use);
    check_given(use);
    for (size_t i = 0; i < use->template->resource_count; i++)
        check_resource(use, &use->template->resources[i]);
    visit_template(use);
}

/* An entry names templates by their files; one that calls itself otherwise would pass under a name that nobody asked for. */
static void check_own_name(const struct config_entry *entry, const struct template *template, struct problems *problems)
{
    const struct node *name = node_get(template->root, "template");

    if (names_have(&entry->templates, template->name) || !name)
        return;
    problem_add(problems, PROBLEM_ERROR, template->file, name->line, name->column,
                "give it the name of its file, and name that in `templates`",
                "the template calls itself \"%s\", which is none of the templates of \"%s\"", template->name,
                entry->name);
}

void check_entry_templates(const struct config *config, const struct config_entry *entry,
                           struct template *const *templates, size_t count, enum templates_given given,
                           struct problems *problems)
{
    struct arena arena = {0};
    struct path_use use = {.arena = &arena,
                           .config = config,
                           .entry = entry,
                           .templates = templates,
                           .template_count = count,
                           .lacks_some = given == TEMPLATES_SOME,
                           .problems = problems};

    check_with(&use);
    for (size_t t = 0; t < count; t++) {
        use.template = templates[t];
        use.file = templates[t]->file;
        check_own_name(entry, templates[t], problems);
        check_one(&use);
    }
    arena_release(&arena);
}

/* Its file is there and was not taken: what is wrong in it is said already. */
static bool is_refused(const struct problems *problems, const char *name)
{
    struct str end = STR_INIT;
    bool refused = false;

    str_addf(&end, "templates/%s.yaml", name);
    for (size_t i = 0; i < problems->list.count && !refused; i++)
        refused = !problems->list.items[i].warning && text_ends(problems->list.items[i].file, end.data);
    str_release(&end);
    return refused;
}

/* The templates of another repository's entry cannot be at hand: they are seen when it is deployed. */
static void missing_template(const struct config *config, const struct config_entry *entry, const struct node *name,
                             const char *hint, struct problems *problems)
{
    bool elsewhere = !text_equal(entry->repository, config->trusted_repository);

    if (elsewhere)
        problem_add(problems, PROBLEM_WARNING, config->file, name->line, name->column,
                    "it is checked when it is deployed",
                    "the template \"%s\" of \"%s\" is in the repository \"%s\" and not at hand", name->text,
                    entry->name, entry->repository);
    else
        problem_add(problems, PROBLEM_ERROR, config->file, name->line, name->column, hint,
                    "the entry \"%s\" uses the template \"%s\", which is not there: looked for templates/%s.yaml",
                    entry->name, name->text, name->text);
}

/* The names of the templates that are there, for "did you mean". */
static void hint_templates(const char *name, struct template *const *templates, size_t count, struct str *out)
{
    struct arena arena = {0};
    const char **names = arena_alloc(&arena, (count + 1) * sizeof(*names));
    const char *nearest;

    for (size_t i = 0; i < count; i++)
        names[i] = templates[i]->name;
    nearest = did_you_mean(&arena, name, &(struct name_list){names, count});
    str_clear(out);
    str_add(out, *nearest ? nearest : "make that file, or take it out of templates:");
    arena_release(&arena);
}

void config_check_templates(const struct config *config, struct template *const *templates, size_t count,
                            struct problems *problems)
{
    for (size_t e = 0; e < config->environment_count; e++) {
        const struct config_entry *entry = &config->environments[e];
        const struct node *names = node_get(entry->node, "templates");
        struct template **used = mem_zero(names->count + 1, sizeof(*used));
        struct str nearest = STR_INIT;
        size_t used_count = 0;

        for (size_t i = 0; i < names->count; i++) {
            const struct template *found = template_named(templates, count, names->items[i]->text);

            if (found)
                used[used_count++] = (struct template *)found;
            else if (!is_refused(problems, names->items[i]->text)) {
                hint_templates(names->items[i]->text, templates, count, &nearest);
                missing_template(config, entry, names->items[i], nearest.data, problems);
            }
        }
        check_entry_templates(config, entry, used, used_count,
                              used_count == names->count ? TEMPLATES_ALL : TEMPLATES_SOME, problems);
        free(used);
        str_release(&nearest);
    }
    for (size_t t = 0; t < count; t++)
        warn_unbuilt(problems, config->file, 1, &templates[t]->unbuilt);
    problems_sort(problems);
}
