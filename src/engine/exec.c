/* SPDX-License-Identifier: ISC */
/*
 * An operator's own command to an executor's tool, and the release of a state's lock. What a run of it is about is in its `with`:
 * {"command": [words], "resource": ADDRESS, "changes": true} or {"unlock": ID or "", "resource": ADDRESS}. A command that only reads runs after its first step; any other
 * waits at the gate, and runs under the environment's lock. The environment itself neither fails nor comes to another release by it.
 */
#include "engine/accept.h"
#include "engine/exec.h"
#include "engine/inner.h"

#include "berth/base/str.h"
#include "berth/base/text.h"
#include "berth/config.h"

#include <stdlib.h>

#define PLAN_ATTEMPTS 3
#define PLAN_BACKOFF_MS 2000
#define UNLOCK_ATTEMPTS 2
#define NAMES_SHOWN 12
#define WORDS_LIMIT 512

/* --- what a run is about ---------------------------------------------------------------------------------------- */

bool run_is_exec(const struct run *run)
{
    return run->workflow == WORKFLOW_EXEC;
}

static bool with_has(const struct run *run, const char *key)
{
    json_t *with = json_column(run->with);
    bool has = json_object_get(with, key) != NULL;

    json_decref(with);
    return has;
}

bool run_only_looks(const struct run *run)
{
    return run->workflow == WORKFLOW_PLAN ||
           (run_is_exec(run) && !with_has(run, "changes") && !with_has(run, "unlock"));
}

bool run_unlocks(const struct run *run)
{
    return run_is_exec(run) && with_has(run, "unlock");
}

static bool is_recorded(const struct resource *resource)
{
    return resource != NULL && resource->created_at != 0 && resource->status != RESOURCE_GONE && !resource->external &&
           text_empty(resource->shared_environment);
}

long exec_resource(const struct engine_turn *turn)
{
    json_t *with = json_column(turn->run->with);
    long at = resource_find(turn, json_get_text(with, "resource"));

    json_decref(with);
    return at >= 0 && is_recorded(resource_at(turn, (size_t)at)) ? at : -1;
}

const char *exec_told(const struct engine_turn *turn, const struct step *step)
{
    json_t *told = json_column(turn->run->with);
    const char *text;

    json_object_del(told, "changes");
    json_object_set_new(told, "exit_status", json_integer(step->exit_status));
    text = json_text(turn->arena, told);
    json_decref(told);
    return text;
}

/* --- steps ---------------------------------------------------------------------------------------------------------- */

/* What the worker gets: the row as recorded, and the run's `with`. */
static const char *exec_spec(struct engine_turn *turn, const struct resource *resource, const json_t *lock)
{
    json_t *spec = json_object(), *with = json_column(turn->run->with), *unlock;
    const char *text;

    json_object_set_new(spec, "wanted", json_null());
    json_object_set_new(spec, "recorded", record_to_json(&resource_type, resource));
    if (run_unlocks(turn->run)) {
        unlock = lock != NULL ? json_deep_copy(lock) : json_object();
        if (lock == NULL)
            json_object_set(unlock, "id", json_object_get(with, "unlock"));
        json_object_set_new(unlock, "asked", json_boolean(turn->run->approved_at != 0));
        /* a lock is taken for one that berth left only if it is younger than the last change berth began */
        json_object_set_new(unlock, "since_ms",
                            json_integer(turn->facts->applied_at != 0 ? turn->facts->applied_at : turn->facts->now_ms));
        json_object_set_new(spec, "unlock", unlock);
    } else {
        json_object_set(spec, "command", json_object_get(with, "command"));
        json_object_set_new(spec, "changes", json_boolean(!run_only_looks(turn->run)));
    }
    text = json_text(turn->arena, spec);
    json_decref(with);
    json_decref(spec);
    return text;
}

static struct step *exec_step(struct engine_turn *turn, const struct resource *resource, int phase)
{
    struct step *step = arena_alloc(turn->arena, sizeof *step);

    *step = (struct step){
        .id =
            arena_printf(turn->arena, "%s.%s.%s", turn->run->id, word_name(step_phase_names, phase), resource->address),
        .run = turn->run->id,
        .environment = turn->run->environment,
        .phase = phase,
        .status = STEP_READY,
        .address = resource->address,
        .template = resource->template,
        .executor = resource->executor,
        .runner = resource->runner,
        .target = resource->target,
        .pool = resource->pool,
        .timeout_ms = resource->timeout_ms,
        .attempts = 1,
        .ready_at = turn->facts->now_ms,
        .exit_status = -1,
        .progress = -1,
    };
    return step;
}

/* A step of an earlier plan of this run keeps its number of attempts: each attempt's traces on disk are its own. */
static void put_step(struct engine_turn *turn, struct step *step)
{
    long at = turn_find(&turn->steps, step->id);

    if (at < 0) {
        (void)turn_add(&turn->steps, step);
        return;
    }
    step->attempt = step_at(turn, (size_t)at)->attempt;
    step->attempts += step->attempt;
    *step_edit(turn, (size_t)at) = *step;
}

void exec_plan(struct engine_turn *turn)
{
    const struct resource *resource;
    long at = exec_resource(turn);
    struct step *look, *act;

    if (turn->run->started_at == 0)
        turn->run->started_at = turn->facts->now_ms;
    turn->run->base = base_text(turn);
    if (at < 0)
        return; /* the run ends with what it is about */
    resource = resource_at(turn, (size_t)at);
    look = exec_step(turn, resource, PHASE_PLAN);
    look->spec = exec_spec(turn, resource, NULL);
    look->attempts = PLAN_ATTEMPTS;
    look->backoff_ms = PLAN_BACKOFF_MS;
    look->repeatable = true;
    if (run_only_looks(turn->run)) {
        act = exec_step(turn, resource, PHASE_EXEC);
        act->spec = look->spec;
        act->status = STEP_WAITING;
        act->position = 1;
        act->needs = arena_printf(turn->arena, "[\"%s\"]", look->id);
        put_step(turn, act);
    }
    put_step(turn, look);
}

/* What the first step saw of the lock; new reference, NULL when nothing. */
static json_t *lock_seen(const struct engine_turn *turn)
{
    json_t *lock = NULL;

    for (size_t i = 0; i < turn->plans.rows.count && lock == NULL; i++) {
        json_t *spec = plan_at(turn, i) != NULL ? json_column(plan_at(turn, i)->spec) : NULL;

        lock = json_incref(json_object_get(spec, "lock"));
        json_decref(spec);
    }
    return lock;
}

bool exec_is_proven(struct engine_turn *turn)
{
    json_t *lock = run_unlocks(turn->run) ? lock_seen(turn) : NULL;
    bool proven = json_is_true(json_object_get(lock, "dead")) && lock_is_free(turn) && has_leave(turn);

    json_decref(lock);
    return proven;
}

void exec_start(struct engine_turn *turn)
{
    long at = exec_resource(turn);
    const struct resource *resource = at < 0 ? NULL : resource_at(turn, (size_t)at);
    struct step *step;
    json_t *lock;

    lock_hold(turn);
    if (!run_unlocks(turn->run))
        lock_changes(turn);
    BUG_ON(resource == NULL); /* the base holds: it is recorded as it was */
    lock = lock_seen(turn);
    step = exec_step(turn, resource, PHASE_EXEC);
    step->spec = exec_spec(turn, resource, lock);
    step->position = 1;
    if (run_unlocks(turn->run)) { /* of exactly this lock: once more does nothing more */
        step->repeatable = true;
        step->attempts = UNLOCK_ATTEMPTS;
    }
    put_step(turn, step);
    json_decref(lock);
}

#define NOT_LOOKED_AT "a command may have changed it, not looked at since"
#define TO_BE_MADE "a part of it is to be made anew"

void exec_left(struct engine_turn *turn, const struct step *step, const json_t *body)
{
    long at = resource_find(turn, step->address);
    const json_t *there = json_object_get(body, "there");
    const struct resource *resource = at < 0 ? NULL : resource_at(turn, (size_t)at);
    struct resource *edited;
    bool all_ok, doubted;

    if (step->phase != PHASE_EXEC || run_only_looks(turn->run) || run_unlocks(turn->run) || resource == NULL)
        return;
    all_ok = inner_seen(turn, resource, there, NOT_LOOKED_AT);
    doubted = text_equal(resource->status_reason, TO_BE_MADE) || text_equal(resource->status_reason, NOT_LOOKED_AT);
    if (all_ok ? !doubted : resource->status != RESOURCE_OK && !doubted)
        return;
    edited = resource_edit(turn, (size_t)at);
    edited->status = all_ok ? RESOURCE_OK : json_is_array(there) ? RESOURCE_DEGRADED : RESOURCE_UNKNOWN;
    edited->status_reason = all_ok ? "" : json_is_array(there) ? TO_BE_MADE : NOT_LOOKED_AT;
}

/* --- the end ---------------------------------------------------------------------------------------------------------- */

void exec_ended(struct engine_turn *turn)
{
    if (turn->environment != NULL)
        turn->environment->marks &= ~(unsigned)MARK_WAITING;
    lock_release(turn);
}

void exec_done(struct engine_turn *turn)
{
    const struct plan *plan = turn->plans.rows.count > 0 ? plan_at(turn, 0) : NULL;

    if (plan != NULL && !run_unlocks(turn->run))
        turn->run->status_reason = arena_printf(turn->arena, "%s: exit 0", turn->run->subject);
    else if (plan != NULL)
        turn->run->status_reason =
            plan->action == PLAN_NONE ? plan->summary : arena_printf(turn->arena, "released: %s", plan->reason);
    exec_ended(turn);
}

/* --- commands ------------------------------------------------------------------------------------------------------------ */

/* What an operator asks for, of which resource. */
struct order {
    const char *const *words; /* NULL: to release a lock */
    const char *line;         /* the words as one would type them */
    struct config_tool tool;  /* of the resource's executor */
    const struct resource *resource;
};

static bool takes_order(const struct order *order, const struct config_tool *tool)
{
    if (order->words == NULL)
        return tool->locks;
    for (size_t i = 0; i < tool->names.count; i++)
        if (text_equal(tool->names.items[i], order->words[0]))
            return true;
    return false;
}

static bool refuse_resource(struct request *request, const struct order *order, const struct resource *resource)
{
    struct arena *arena = request->turn->arena;
    struct config_tool tool;

    config_tool_of(resource->executor, arena, &tool);
    answer_refused(request, ERROR_UNSUPPORTED, NULL,
                   tool.names.count == 0
                       ? arena_printf(arena, "'%s' is made by %s, which has no tool to run commands with",
                                      resource->address, resource->executor)
                       : arena_printf(arena, "'%s' is made by %s, whose tool is not '%s'", resource->address,
                                      resource->executor, order->words != NULL ? order->words[0] : "a lock's"),
                   tool.names.count == 0 ? "resources of terraform have one"
                                         : arena_printf(arena, "begin with %s", tool.names.items[0]));
    return false;
}

/* The resource that was named; false: refused already. */
static bool named_resource(struct request *request, struct order *order, const char *address)
{
    struct engine_turn *turn = request->turn;
    long at = resource_find(turn, address);
    const struct resource *resource = at < 0 ? NULL : resource_at(turn, (size_t)at);

    if (!is_recorded(resource)) {
        answer_refused(request, ERROR_NOT_FOUND, NULL,
                       arena_printf(turn->arena, "'%s' has no resource '%s'", request->subject.environment, address),
                       arena_printf(turn->arena, "berth env %s lists them", request->subject.environment));
        return false;
    }
    config_tool_of(resource->executor, turn->arena, &order->tool);
    order->resource = resource;
    return takes_order(order, &order->tool) || refuse_resource(request, order, resource);
}

/* The only one there is. */
static bool only_resource(struct request *request, struct order *order)
{
    struct engine_turn *turn = request->turn;
    struct config_tool tool = {0};
    const char *executor = "", *names = "";
    size_t count = 0;

    for (size_t i = 0; i < turn->resources.rows.count; i++) {
        const struct resource *resource = resource_at(turn, i);

        if (!is_recorded(resource))
            continue;
        if (!text_equal(executor, resource->executor))
            config_tool_of(executor = resource->executor, turn->arena, &tool);
        if (!takes_order(order, &tool))
            continue;
        order->resource = resource;
        order->tool = tool;
        if (count++ < NAMES_SHOWN)
            names = arena_printf(turn->arena, "%s%s%s", names, count > 1 ? ", " : "", resource->address);
    }
    if (count == 1)
        return true;
    if (count == 0)
        answer_refused(request, ERROR_NOT_FOUND, NULL,
                       order->words != NULL ? arena_printf(turn->arena, "nothing in '%s' is made with '%s'",
                                                           request->subject.environment, order->words[0])
                                            : arena_printf(turn->arena, "nothing in '%s' has a state that is locked",
                                                           request->subject.environment),
                       arena_printf(turn->arena, "berth env %s lists its resources and what makes them",
                                    request->subject.environment));
    else
        answer_refused(request, ERROR_USAGE, NULL,
                       arena_printf(turn->arena, "%zu resources of '%s' could be meant: %s%s", count,
                                    request->subject.environment, names, count > NAMES_SHOWN ? ", …" : ""),
                       arena_printf(turn->arena, "say which with --resource ADDRESS%s",
                                    count > NAMES_SHOWN ? arena_printf(turn->arena, "; berth env %s lists them all",
                                                                       request->subject.environment)
                                                        : ""));
    return false;
}

static bool find_resource(struct request *request, struct order *order)
{
    const char *address = argument_text(request, "resource");

    return text_empty(address) ? only_resource(request, order) : named_resource(request, order, address);
}

/* The words of the command; false: refused already. */
static bool read_words(struct request *request, struct order *order)
{
    const json_t *list = json_object_get(request->arguments, "command");
    size_t count = json_array_size(list);
    const char **words = arena_alloc(request->turn->arena, (count + 1) * sizeof *words);
    struct str line = STR_INIT;

    for (size_t i = 0; i < count; i++) {
        words[i] = arena_strdup(request->turn->arena, json_string_value(json_array_get(list, i)));
        if (i > 0)
            str_add_char(&line, ' ');
        text_shell_quote(&line, words[i] != NULL ? words[i] : "");
        if (words[i] == NULL || (i == 0 && *words[i] == '\0'))
            count = 0;
    }
    order->words = words;
    order->line = arena_strdup(request->turn->arena, line.data);
    request->line = order->line;
    str_release(&line);
    if (count > 0 && count <= WORDS_LIMIT)
        return true;
    answer_refused(request, ERROR_USAGE, NULL, count == 0 ? "nothing says what is to be run" : "it has too many words",
                   "berth exec ENV -- terraform state list");
    return false;
}

/* What berth.yaml lets be used there; false: refused already. */
static bool is_let(struct request *request, const struct order *order, const struct why *why)
{
    struct arena *arena = request->turn->arena;
    const struct config_entry *entry = request->subject.entry;
    const char *file = request->turn->facts->config->file, *environment = request->subject.environment;

    if (entry == NULL)
        answer_refused(request, ERROR_DENIED, why,
                       arena_printf(arena, "no entry of berth.yaml makes '%s' any more", environment),
                       "put the entry back on the trusted ref; what is there can be destroyed");
    else if (!policy_executor_allowed(entry, order->resource->executor))
        answer_refused(request, ERROR_DENIED, why,
                       arena_printf(arena, "`allow: executors` of '%s' does not name %s (%s:%d)", environment,
                                    order->resource->executor, file, entry->line),
                       "add it on the trusted ref");
    else if (order->words != NULL && !config_allows_command(entry, order->words))
        answer_refused(request, ERROR_DENIED, why,
                       arena_printf(arena, "`allow: commands` of '%s' names nothing that '%s' begins with (%s:%d)",
                                    environment, order->line, file, entry->line),
                       "add it on the trusted ref, or do it with a verb of berth");
    else
        return true;
    return false;
}

/* Begins a run of it; `with` is taken over. */
static void begin_order(struct request *request, const struct order *order, const struct why *why, json_t *with)
{
    struct engine_turn *turn = request->turn;
    const struct environment *environment = turn->environment;
    struct wish wish = {
        .repository = environment->repository, .ref = environment->branch, .commit = environment->commit};
    struct run *run;

    json_object_set_new(with, "resource", json_string(order->resource->address));
    wish.with = json_text(turn->arena, with);
    json_decref(with);
    run = new_run(request, WORKFLOW_EXEC, &wish);
    run->subject = order->line;
    run->on_failure = ANSWER_HOLD;
    begin_run(request, run, why,
              arena_printf(turn->arena, "%s %s, %s: %s", request->command->verb, request->subject.environment,
                           order->resource->address, order->line));
}

void accept_exec(struct request *request)
{
    struct engine_turn *turn = request->turn;
    struct order order = {0};
    const char *reason, *next;
    const struct why *why;
    enum tool_leave leave;
    json_t *with;

    turn->run = NULL;
    if (!is_named(request) || !is_there(request, NULL) || !read_words(request, &order) ||
        !find_resource(request, &order))
        return;
    leave = config_tool_leave(&order.tool, order.words, turn->arena, &reason, &next);
    if (leave == TOOL_CHANGES)
        request->question.flags = (request->question.flags & ~(unsigned)POLICY_READS) | POLICY_ALTERS;
    if (!policy_allows(request, &why))
        return;
    if (leave == TOOL_REFUSED) {
        answer_refused(request, ERROR_USAGE, why, reason, next);
        return;
    }
    if (!is_let(request, &order, why))
        return;
    with = json_object();
    json_object_set(with, "command", json_object_get(request->arguments, "command"));
    if (leave == TOOL_CHANGES)
        json_object_set_new(with, "changes", json_true());
    begin_order(request, &order, why, with);
}

void accept_unlock(struct request *request)
{
    struct order order = {.line = "release the lock of the state"};
    const struct why *why;
    json_t *with;

    request->turn->run = NULL;
    if (!is_named(request) || !is_there(request, NULL) || !find_resource(request, &order) ||
        !policy_allows(request, &why) || !is_let(request, &order, why))
        return;
    with = json_object();
    json_object_set_new(with, "unlock", json_string(argument_text(request, "lock")));
    begin_order(request, &order, why, with);
}
