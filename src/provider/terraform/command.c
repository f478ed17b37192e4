/* SPDX-License-Identifier: ISC */
/*
 * What an operator has the tool do, in the module's folder and on its state. Whatever the state calls sensitive is known to the redactor before the tool says a word; what
 * cannot be blotted out of a text (a word of three letters, `true`) is not printed in any form that shows it.
 */
#include "provider/terraform/command.h"

#include "provider/terraform/events.h"
#include "provider/terraform/module.h"
#include "provider/terraform/secrets.h"
#include "provider/terraform/shown.h"

#include "berth/base/fault.h"

#include <unistd.h>

#define DEPTH_LIMIT 64
#define OWN_WORDS 8

/* --- what is sensitive --------------------------------------------------------------------------------------- */

struct secrets {
    struct redactor *redactor;
    json_t *outputs;  /* of the state: name -> {"sensitive", "value"}; owned */
    size_t too_short; /* values that the redactor cannot hide */
};

/* `marks` is like the value, with true where it is sensitive, and above. */
static void hide_marked(struct secrets *secrets, const json_t *value, const json_t *marks, int depth)
{
    const char *key;
    json_t *mark;
    size_t at;
    if (depth > DEPTH_LIMIT || json_is_true(marks)) {
        secrets->too_short += secrets_hide(secrets->redactor, NULL, value);
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)marks, key, mark)
        hide_marked(secrets, json_object_get(value, key), mark, depth + 1);
    json_array_foreach(marks, at, mark) hide_marked(secrets, json_array_get(value, at), mark, depth + 1);
}

static void hide_module(struct secrets *secrets, const json_t *module, int depth)
{
    size_t at;
    json_t *item;
    json_array_foreach(json_object_get(module, "resources"), at, item)
        hide_marked(secrets, json_object_get(item, "values"), json_object_get(item, "sensitive_values"), 0);
    if (depth > DEPTH_LIMIT)
        return;
    json_array_foreach(json_object_get(module, "child_modules"), at, item) hide_module(secrets, item, depth + 1);
}

static bool is_sensitive(const json_t *output)
{
    return json_is_true(json_object_get(output, "sensitive"));
}

/* Tells the redactor all that the state calls sensitive. */
static bool learn_secrets(struct module *module, struct secrets *secrets, struct error *error)
{
    const struct executor_task *task = module->task;
    struct str shown = STR_INIT;
    const char *name;
    json_t *output;
    /* what it says beside is not what the operator asked for */
    struct executor_task silent = *module->task;
    struct provider_context no_log = *module->task->runner_context;
    no_log.log = NULL;
    silent.runner_context = &no_log;
    module->task = &silent;
    bool asked = module_ask(module, (const char *const[]){"show", "-json", "-no-color", NULL}, &shown, error);
    module->task = task;
    json_t *root = asked ? json_loadb(shown.data, shown.length, 0, NULL) : NULL;
    const json_t *values = json_object_get(root, "values");
    if (asked && !root) {
        error_set(error, ERROR_TOOL, "what is sensitive in the state of '%s' cannot be known", module->task->address);
        error_hint(error, "see its log for what the tool said");
    }
    secrets->outputs = json_incref(json_object_get(values, "outputs"));
    json_object_foreach(secrets->outputs, name, output)
    {
        if (is_sensitive(output))
            secrets->too_short += secrets_hide(secrets->redactor, NULL, json_object_get(output, "value"));
    }
    hide_module(secrets, json_object_get(values, "root_module"), 0);
    json_decref(root);
    str_release(&shown);
    return root;
}

/* --- which command it is --------------------------------------------------------------------------------------- */

static bool begins(const char *const *words, const char *first, const char *second)
{
    return text_equal(words[0], first) && (!second || (words[1] && text_equal(words[1], second)));
}

/* Prints nothing of any value. */
static bool tells_no_values(const char *const *words)
{
    return begins(words, "version", NULL) || begins(words, "validate", NULL) || begins(words, "providers", NULL) ||
           begins(words, "graph", NULL) || begins(words, "state", "list");
}

/* The output that is asked for by name, or NULL. */
static const char *output_named(const char *const *words)
{
    for (size_t i = 1; begins(words, "output", NULL) && words[i]; i++)
        if (words[i][0] != '-')
            return words[i];
    return NULL;
}

static bool has_option(const char *const *words, const char *option)
{
    for (; *words; words++) {
        const char *word = *words + (text_starts(*words, "--") ? 1 : 0);
        if (text_starts(word, option) && (word[strlen(option)] == '\0' || word[strlen(option)] == '='))
            return true;
    }
    return false;
}

/* Values come as they are, where the tool's own texts hide what is sensitive. */
static bool prints_raw(const char *const *words)
{
    return has_option(words, "-json") || has_option(words, "-raw") || begins(words, "state", "pull") ||
           output_named(words);
}

static bool may_print(const struct module *module, const char *const *words, const struct secrets *secrets,
                      struct error *error)
{
    const char *name = output_named(words);
    if (name && is_sensitive(json_object_get(secrets->outputs, name))) {
        error_set(error, ERROR_DENIED, "the output '%s' of '%s' is sensitive: it is printed nowhere", name,
                  module->task->address);
        return error_hint(error, "a resource that needs it uses ${{ resource.%s.outputs.%s }}", module->task->address,
                          name);
    }
    if (!prints_raw(words) || secrets->too_short == 0)
        return true;
    error_set(error, ERROR_DENIED, "%zu sensitive values of '%s' are too short to be blotted out", secrets->too_short,
              module->task->address);
    return error_hint(error, "`state show ADDRESS` and `output` hide them where they are marked; a copy of one is not");
}

/* --- running it -------------------------------------------------------------------------------------------------- */

enum own { OWN_LOCK = 1 << 0, OWN_INPUT = 1 << 1, OWN_VARIABLES = 1 << 2 };
static const struct {
    const char *first, *second;
    unsigned own; /* what the resource's own steps would say too */
} subcommands[] = {
    {"plan", NULL, OWN_LOCK | OWN_INPUT | OWN_VARIABLES},
    {"import", NULL, OWN_LOCK | OWN_INPUT | OWN_VARIABLES},
    {"refresh", NULL, OWN_LOCK | OWN_INPUT | OWN_VARIABLES},
    {"taint", NULL, OWN_LOCK},
    {"untaint", NULL, OWN_LOCK},
    {"state", "mv", OWN_LOCK},
    {"state", "rm", OWN_LOCK},
    {"state", "push", OWN_LOCK},
    {"state", "replace-provider", OWN_LOCK},
};

/* The operator's words with berth's own behind the sub-command; NULL with an error. */
static const char *const *with_own(struct module *module, const char *const *words, struct error *error)
{
    size_t count = 0, given = 0, first = 1;
    unsigned own = 0;
    while (words[given])
        given++;
    for (size_t i = 0; i < sizeof subcommands / sizeof *subcommands && own == 0; i++) {
        if (!begins(words, subcommands[i].first, subcommands[i].second))
            continue;
        own = subcommands[i].own;
        first += subcommands[i].second != NULL;
    }
    const char **all = arena_alloc(module->arena, (given + MODULE_WORDS + OWN_WORDS) * sizeof *all);
    for (; count < first && count < given; count++)
        all[count] = words[count];
    if (own & OWN_INPUT)
        all[count++] = "-input=false";
    if ((own & OWN_LOCK) && !has_option(words, "-lock-timeout"))
        all[count++] = module_lock_timeout(module);
    if ((own & OWN_VARIABLES) && !module_add_variables(module, all, &count, error))
        return NULL;
    for (size_t i = first; i < given; i++)
        all[count++] = words[i];
    all[count++] = "-no-color"; /* every sub-command takes it, behind its other words too */
    all[count] = NULL;
    return all;
}

/* Raw values are blotted out in the whole text: a line that is cut, or two that belong together, would hide a value from the redactor. */
static bool run_raw(struct module *module, const char *const *words, struct runner_outcome *outcome,
                    struct error *error)
{
    struct str output = STR_INIT;
    bool ran = module_capture(module, words, &output, outcome, error);
    if (ran && output.length > 0) {
        str_cut(&output, output.length - (output.data[output.length - 1] == '\n'));
        provider_log(module->context, "%s", output.data);
    }
    str_release(&output);
    return ran;
}

static bool run(struct module *module, struct executor_command *command, struct error *error)
{
    struct events events;
    struct runner_outcome outcome = {.exit_status = -1};
    const char *const *words = command->words, *const *all = with_own(module, words, error);
    if (!all)
        return false;
    events_init(&events, module->context, module->arena);
    fault_point("terraform.before_command");
    command->began = true;
    bool ran = prints_raw(words) ? run_raw(module, all, &outcome, error)
                                 : module_follow_quietly(module, all, events_line, &events, &outcome, error);
    if (ran && (outcome.cancelled || outcome.timed_out)) /* any exit status is an answer */
        ran = module_explain(module, &events.failed, &outcome, words[0], error);
    (void)unlink(module->variables);
    (void)module_tidy(module);
    command->exit_status = outcome.exit_status;
    if (command->changes) /* however it ended: it may have done something before it failed */
        command->there = module_there(module);
    events_release(&events);
    return ran;
}

bool terraform_command(const struct provider_context *context, const struct executor_task *task,
                       struct executor_command *command, struct error *error)
{
    struct arena arena = {0};
    struct module module;
    struct secrets secrets = {.redactor = context->redactor};
    command->exit_status = -1;
    bool done = module_begin(&module, context, task, &arena, error) &&
                (tells_no_values(command->words) || learn_secrets(&module, &secrets, error)) &&
                may_print(&module, command->words, &secrets, error);
    if (done && command->rehearse)
        module_log_command(&module, command->words);
    else if (done)
        done = run(&module, command, error);
    json_decref(secrets.outputs);
    module_release(&module);
    arena_release(&arena);
    return done;
}
