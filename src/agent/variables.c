/* SPDX-License-Identifier: ISC */
/* The BERTH_ variables: who the tool works for, on what, and where it may keep things. */
#include "agent/variables.h"

#include "berth/base/file.h"
#include "berth/model/result.h"

#include <stdlib.h>

static void add_variable(json_t *variables, const char *prefix, const char *name, const char *value)
{
    struct str variable = STR_INIT;
    str_addf(&variable, "BERTH_%s", prefix);
    for (const char *at = name; *at; at++)
        str_add_char(&variable, (*at >= 'a' && *at <= 'z')                                 ? (char)(*at - 'a' + 'A')
                                : (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') ? *at
                                                                                           : '_');
    json_object_set_new(variables, variable.data, json_string(value ? value : ""));
    str_release(&variable);
}

static void add_inputs(json_t *variables, const char *inputs_json)
{
    json_t *inputs = json_column(inputs_json);
    const char *key;
    json_t *value;
    json_object_foreach(inputs, key, value)
    {
        if (json_is_string(value))
            add_variable(variables, "INPUT_", key, json_string_value(value));
    }
    json_decref(inputs);
}

json_t *worker_variables(struct attempt *attempt, const char *commit, struct error *error)
{
    const struct task *task = attempt->task;
    char *folder = path_printf("%s/environments/%s", attempt->context.store_folder,
                               task->environment.id ? task->environment.id : "none");
    json_t *variables = folder_make(folder, 0700, error) ? json_object() : NULL;
    if (variables) {
        add_variable(variables, "", "environment", task->run.environment_name);
        add_variable(variables, "", "slug", task->has_environment ? task->environment.slug : "");
        add_variable(variables, "", "tier", word_name(tier_names, task->environment.tier));
        add_variable(variables, "", "run", task->run.id);
        add_variable(variables, "", "commit", commit);
        add_variable(variables, "", "resource", task->step.address);
        add_variable(variables, "", "environment_folder", folder);
        add_inputs(variables, task->run.inputs);
    }
    free(folder);
    return variables;
}
