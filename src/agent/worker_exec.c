/* SPDX-License-Identifier: ISC */
/*
 * The phases of an operator's own command, and of a state's lock that is to be released. The first step gets everything ready and says what would be done; the second does it, and
 * its log holds nothing but what the tool says.
 */
#include "agent/working.h"

#include "berth/base/fault.h"
#include "berth/base/time.h"
#include "berth/model/result.h"

#include <string.h>

/* The recorded resource, resolved, of an executor that berth.yaml lets be used there. */
static bool open_recorded(struct working *working, struct attempt *attempt, struct error *error)
{
    return working_open(working, attempt, error) &&
           worker_may_use(attempt, working->task.address, attempt->task->step.executor, error) &&
           working_resolve(working, error);
}

/* --- a command ----------------------------------------------------------------------------------------------- */

/* The words behind the tool's name. */
static const char *const *command_words(const struct attempt *attempt)
{
    const json_t *list = json_object_get(attempt->task->spec, "command");
    size_t count = json_array_size(list);
    const char **words = arena_alloc(attempt->arena, (count + 1) * sizeof *words);
    for (size_t i = 1; i < count; i++)
        words[i - 1] = json_string_value(json_array_get(list, i));
    words[count > 0 ? count - 1 : 0] = NULL;
    return words;
}

static bool rehearse(struct working *working, struct plan_result *result, struct error *error)
{
    struct attempt *attempt = working->attempt;
    struct executor_command command = {.words = command_words(attempt), .rehearse = true};
    result->action = PLAN_RUN;
    result->summary = attempt->task->run.subject;
    result->reason = json_is_true(json_object_get(attempt->task->spec, "changes"))
                         ? "it may change the state, and nobody can plan how"
                         : "it only reads";
    return provider_call_command(working->provider, &working->context, &working->task, &command, error);
}

/* The body of the result; with another exit status than 0 it is the failure's, which has one where the tool was started at all. */
static json_t *run_command(struct working *working, struct error *error)
{
    struct attempt *attempt = working->attempt;
    struct executor_command command = {.words = command_words(attempt),
                                       .changes = json_is_true(json_object_get(attempt->task->spec, "changes"))};
    bool ran = provider_call_command(working->provider, &working->context, &working->task, &command, error);
    json_t *body = command.began ? json_pack("{s:I}", "exit_status", (json_int_t)command.exit_status) : NULL;
    if (command.there)
        json_object_set_new(body, "there", command.there);
    if (ran && command.exit_status == 0)
        return body;
    attempt->rest = body;
    if (ran)
        error_set(error, ERROR_TOOL, "%s: exit %lld", attempt->task->run.subject, (long long)command.exit_status);
    return NULL;
}

/* --- a lock -------------------------------------------------------------------------------------------------- */

static const json_t *lock_asked(const struct attempt *attempt)
{
    return json_object_get(attempt->task->spec, "unlock");
}

static json_t *attribute(const char *path, const char *value)
{
    return json_pack("{s:s, s:s, s:n, s:b, s:b, s:b}", "path", path, "before", value, "after", "sensitive", 0,
                     "unknown", 0, "forces", 0);
}

/* What is known of it, as a change that a gate shows. */
static json_t *lock_change(const struct state_lock *lock, const char *since, const char *verdict)
{
    json_t *attributes = json_array();
    const struct {
        const char *path, *value;
    } known[] = {{"holder", lock->who},
                 {"holder is dead", verdict},
                 {"operation", lock->operation},
                 {"since", since},
                 {"state", lock->path}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!text_empty(known[i].value))
            json_array_append_new(attributes, attribute(known[i].path, known[i].value));
    return json_pack("[{s:s, s:s, s:s, s:n, s:n, s:b, s:o}]", "path", lock->id, "action", "destroy", "kind",
                     "state lock", "before", "after", "sensitive", 0, "attributes", attributes);
}

static void tell_lock(struct working *working, const struct lock_seen *seen, struct plan_result *result)
{
    struct arena *arena = working->attempt->arena;
    const struct state_lock *lock = &seen->lock;
    struct str since = STR_INIT;
    if (lock->since_ms > 0)
        instant_format(&since, lock->since_ms);
    const char *verdict = seen->dead ? "proven: no process of it lives on this machine"
                                     : arena_printf(arena, "not proven: %s", seen->why);
    result->action = PLAN_RUN;
    result->summary = arena_printf(arena, "releases the lock %s", lock->id);
    result->reason = arena_printf(arena, "lock %s%s%s%s%s%s%s; its holder's death is %s", lock->id,
                                  lock->who[0] ? " held by " : "", lock->who, since.length > 0 ? " since " : "",
                                  since.data, lock->operation[0] ? " for " : "", lock->operation, verdict);
    result->changes = lock_change(lock, since.data, verdict);
    result->lock = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "id", lock->id, "who", lock->who, "since", since.data,
                             "operation", lock->operation, "path", lock->path, "dead", seen->dead);
    str_release(&since);
}

static bool look_at_lock(struct working *working, struct plan_result *result, struct error *error)
{
    struct attempt *attempt = working->attempt;
    const char *wanted = json_get_text(lock_asked(attempt), "id");
    struct lock_seen seen;
    if (!provider_call_look_at_lock(working->provider, &working->context, &working->task,
                                    json_get_int(lock_asked(attempt), "since_ms"), attempt->arena, &seen, error))
        return false;
    result->action = PLAN_NONE;
    result->summary = arena_printf(attempt->arena, "nobody holds the lock of '%s'", working->task.address);
    if (!seen.held)
        return true;
    tell_lock(working, &seen, result);
    if (text_empty(wanted) || text_equal(wanted, seen.lock.id))
        return true;
    error_set(error, ERROR_CONFLICT, "the lock of '%s' is %s, not %s", working->task.address, seen.lock.id, wanted);
    return error_hint(error, "look at who holds it: berth unlock %s --resource %s", working->task.environment,
                      working->task.address);
}

/* Exactly the lock that was seen, for the reason that was given: a person's, or the proof, which is made once more. */
static json_t *release_lock(struct working *working, struct error *error)
{
    const json_t *asked = lock_asked(working->attempt);
    struct state_lock lock = {.id = json_get_text(asked, "id"),
                              .who = json_get_text(asked, "who"),
                              .operation = json_get_text(asked, "operation"),
                              .path = json_get_text(asked, "path"),
                              .version = ""};
    struct lock_release release = {.lock = &lock,
                                   .asked = json_is_true(json_object_get(asked, "asked")),
                                   .since_ms = json_get_int(asked, "since_ms")};
    if (!text_empty(json_get_text(asked, "since")))
        (void)!instant_parse(json_get_text(asked, "since"), &lock.since_ms, NULL);
    if (!provider_call_unlock(working->provider, &working->context, &working->task, &release, error))
        return NULL;
    return json_pack("{s:s}", "released", lock.id);
}

/* --- the phases ------------------------------------------------------------------------------------------------ */

json_t *worker_exec_plan(struct attempt *attempt, struct error *error)
{
    struct working working = {0};
    struct plan_result result = {.spec_digest = ""};
    json_t *body = NULL;
    bool planned = open_recorded(&working, attempt, error);
    if (planned)
        planned = lock_asked(attempt) ? look_at_lock(&working, &result, error) : rehearse(&working, &result, error);
    if (planned && lock_asked(attempt))
        provider_log(&attempt->context, "berth: %s", result.action == PLAN_NONE ? result.summary : result.reason);
    if (planned)
        body = plan_result_to_json(&result);
    plan_result_release(&result);
    working_close(&working);
    return body;
}

json_t *worker_exec(struct attempt *attempt, struct error *error)
{
    struct working working = {0};
    json_t *body = NULL;
    if (open_recorded(&working, attempt, error)) {
        fault_point("worker.mid_exec");
        body = lock_asked(attempt) ? release_lock(&working, error) : run_command(&working, error);
    }
    working_close(&working);
    return body;
}
