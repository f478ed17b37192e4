/* SPDX-License-Identifier: ISC */
/* The environment and the end of a tool that an executor runs. */
#include "provider/job.h"

#include "berth/model/record.h"

#include <stdlib.h>

#define RESERVED "BERTH_"

bool job_check_environment(const struct executor_task *task, struct error *error)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(task->spec, "env"), name, value)
    {
        if (text_starts(name, RESERVED)) {
            error_set(error, ERROR_CONFIG, "`env` sets '%s', but names that begin with " RESERVED " are berth's own",
                      name);
            return error_hint(error, "give it another name");
        }
    }
    return true;
}

static void add_texts(json_t *environment, const json_t *from)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)from, name, value)
    {
        char *dumped = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        json_object_set_new(environment, name, json_string(dumped ? dumped : json_string_value(value)));
        free(dumped);
    }
}

json_t *job_environment(const struct executor_task *task)
{
    json_t *environment = json_object();
    add_texts(environment, task->variables);
    add_texts(environment, json_object_get(task->spec, "env"));
    return environment;
}

bool job_ended_well(const struct runner_outcome *outcome, const char *program, const char *word, struct error *error)
{
    if (outcome->cancelled)
        return error_set(error, ERROR_CANCELLED, "'%s' was cancelled", program);
    if (outcome->timed_out) {
        error_set(error, ERROR_TIMEOUT, "'%s' did not end in time", program);
        return error_hint(error, "see its log; `timeout` of the resource says how long it may take");
    }
    if (outcome->exit_status == 0)
        return true;
    if (outcome->exit_status > 128)
        error_set(error, ERROR_TOOL, "'%s' was killed by signal %d", program, (int)outcome->exit_status - 128);
    else
        error_set(error, ERROR_TOOL, "'%s' ended with exit %d", program, (int)outcome->exit_status);
    error_detail(error, "%s", outcome->last_line);
    return error_hint(error, "see its log; mend it and %s again", word);
}
