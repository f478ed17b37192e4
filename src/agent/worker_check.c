/* SPDX-License-Identifier: ISC */
/*
 * The check phase: one item of a template's `checks` decides whether an environment that is Validating becomes OK. A check is a command run in the
 * commit's tree, or a probe repeated until it says ok or its time is over.
 */
#include "agent/variables.h"
#include "agent/worker.h"

#include "berth/base/time.h"
#include "berth/model/result.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define PROBE_EVERY_MS 500
#define CHECK_TIMEOUT_MS (5 * MS_MINUTE)

static bool resolve_output(const char *path, struct str *value, void *context, struct error *error)
{
    const json_t *found = task_output(context, path);
    if (json_is_string(found)) {
        str_add(value, json_string_value(found));
        return true;
    }
    return error_set(error, ERROR_NOT_FOUND, "a check needs '%s', which nothing gave", path);
}

static bool run_command(struct attempt *attempt, const json_t *check, struct error *error)
{
    const json_t *run = json_object_get(check, "run");
    size_t count = json_array_size(run);
    const char **argv = arena_alloc(attempt->arena, (count + 1) * sizeof *argv);
    for (size_t i = 0; i < count; i++)
        argv[i] = json_string_value(json_array_get(run, i));
    const char *tree = worker_tree(attempt, attempt->task->run.repository, attempt->task->run.commit, error);
    const struct provider *runner = provider_named("local");
    if (!tree || !runner)
        return false;
    json_t *variables = worker_variables(attempt, attempt->task->run.commit, error);
    if (!variables)
        return false;
    struct runner_job job = {.argv = argv, .folder = tree, .environment = variables};
    struct runner_outcome outcome = {.exit_status = -1};
    bool ran = provider_call_run(runner, &attempt->context, &job, &outcome, error);
    json_decref(variables);
    if (!ran)
        return false;
    if (outcome.cancelled)
        return error_set(error, ERROR_CANCELLED, "the check was cancelled");
    if (outcome.timed_out)
        return error_set(error, ERROR_TIMEOUT, "the check '%s' did not end in time", argv[0]);
    return outcome.exit_status == 0 ||
           error_set(error, ERROR_TOOL, "the check '%s' ended with exit %lld", argv[0], (long long)outcome.exit_status);
}

static bool look_until_ok(struct attempt *attempt, const struct provider *provider, const json_t *check,
                          struct error *error)
{
    struct resource seen = {0};
    for (;;) {
        struct pollfd stop = {.fd = attempt->context.stop_fd, .events = POLLIN};
        if (!provider_call_probe(provider, &attempt->context, check, attempt->arena, &seen, error))
            return false;
        if (seen.status == RESOURCE_OK)
            return true;
        provider_log(&attempt->context, "%s: %s", word_name(resource_status_names, seen.status),
                     seen.status_reason ? seen.status_reason : "");
        if (poll(&stop, 1, PROBE_EVERY_MS) > 0)
            return error_set(error, ERROR_CANCELLED, "the check was cancelled");
        if (provider_left_ms(&attempt->context) <= 0)
            return error_set(error, ERROR_TIMEOUT, "the check did not become ok: %s",
                             seen.status_reason ? seen.status_reason : "no reason given");
    }
}

json_t *worker_check(struct attempt *attempt, struct error *error)
{
    const json_t *given = json_object_get(attempt->task->spec, "check");
    json_t *check = expand_parts(given ? given : attempt->task->spec, resolve_output, attempt->task, error);
    const struct provider *probe = setup_probe(check);
    bool passed = false;
    if (attempt->context.deadline_ms == 0)
        attempt->context.deadline_ms = time_monotonic_ms() + CHECK_TIMEOUT_MS;
    if (!check)
        return NULL;
    if (!attempt->entry)
        error_set(error, ERROR_DENIED, "%s has no environment '%s' any more: nothing is run for it",
                  attempt->context.config->file, attempt->task->run.entry);
    else if (json_is_array(json_object_get(check, "run")))
        passed = run_command(attempt, check, error);
    else if (probe)
        passed = look_until_ok(attempt, probe, check, error);
    else
        error_set(error, ERROR_UNSUPPORTED, "the check of step '%s' is of a kind that is not built yet",
                  attempt->task->step.id);
    json_decref(check);
    return passed ? json_object() : NULL;
}
