/* SPDX-License-Identifier: ISC */
/* A step as it travels from the supervisor to a worker. */
#include "agent/task.h"

#include "berth/base/str.h"
#include "berth/config.h"
#include "berth/store.h"

#include <stdlib.h>
#include <string.h>

/* A run's wanted list, gate and base may be large and are the engine's alone. */
static struct run run_for_worker(const struct run *run)
{
    struct run lean = *run;
    lean.wanted = lean.gate = lean.base = NULL;
    return lean;
}

struct outputs_wanted {
    struct store *store;
    struct arena *arena;
    const char *environment, *run;
    bool planning;
    json_t *outputs;
    bool failed;
    struct error *error;
};

/* What a resource gave when it was last applied; NULL: it has given nothing. */
static json_t *recorded_outputs(struct outputs_wanted *wanted, const char *address)
{
    struct resource row;
    const char *id = arena_printf(wanted->arena, "%s/%s", wanted->environment, address);
    enum store_found found = store_get(wanted->store, &resource_type, id, wanted->arena, &row, wanted->error);
    wanted->failed |= found == STORE_ERROR;
    return found == STORE_FOUND ? json_column(row.outputs) : NULL;
}

/* Of a resource that this run changes: those outputs whose value its plan knows already. */
static json_t *known_of_plan(const struct plan *plan)
{
    json_t *known = json_object(), *spec = json_column(plan->spec), *output;
    const char *name;
    json_object_foreach(json_object_get(spec, "outputs"), name, output)
    {
        if (json_is_string(json_object_get(output, "value")))
            json_object_set(known, name, json_object_get(output, "value"));
    }
    json_decref(spec);
    return known;
}

/* While planning, what a resource will give counts, not what it gave. */
static json_t *planned_outputs(struct outputs_wanted *wanted, const char *address)
{
    struct plan plan;
    const char *id = arena_printf(wanted->arena, "%s/%s", wanted->run, address);
    enum store_found found = STORE_MISSING;
    if (wanted->planning)
        found = store_get(wanted->store, &plan_type, id, wanted->arena, &plan, wanted->error);
    wanted->failed |= found == STORE_ERROR;
    return found == STORE_FOUND && plan.action != PLAN_NONE && plan.action != PLAN_FORGET
               ? known_of_plan(&plan)
               : recorded_outputs(wanted, address);
}

static void add_outputs_of(const char *path, void *context)
{
    struct outputs_wanted *wanted = context;
    struct str address = STR_INIT;
    if (!wanted->failed && expand_output_key(path, &address) && !json_object_get(wanted->outputs, address.data)) {
        json_t *known = planned_outputs(wanted, address.data);
        if (known)
            json_object_set_new(wanted->outputs, address.data, known);
    }
    str_release(&address);
}

static bool add_outputs(struct store *store, const struct step *step, const json_t *spec, json_t *task,
                        struct arena *arena, struct error *error)
{
    struct outputs_wanted wanted = {
        .store = store,
        .arena = arena,
        .environment = step->environment ? step->environment : "",
        .run = step->run,
        .planning = step->phase == PHASE_PLAN,
        .outputs = json_object(),
        .error = error,
    };
    expand_paths(spec, add_outputs_of, &wanted);
    json_object_set_new(task, "outputs", wanted.outputs);
    return !wanted.failed;
}

static bool add_row(struct store *store, const struct record_type *type, const char *id, const char *name, json_t *task,
                    struct arena *arena, struct error *error)
{
    json_t *value = NULL;
    if (!text_empty(id)) {
        void *row = arena_alloc(arena, type->size);
        enum store_found found = store_get(store, type, id, arena, row, error);
        if (found == STORE_ERROR)
            return false;
        if (found == STORE_FOUND)
            value = record_to_json(type, row);
    }
    json_object_set_new(task, name, value ? value : json_null());
    return true;
}

static bool write_all(struct store *store, const struct run *run, const struct step *step, json_t *task,
                      struct arena *arena, struct error *error)
{
    struct run lean = run_for_worker(run);
    json_t *step_json = record_to_json(&step_type, step);
    json_object_set_new(task, "step", step_json);
    json_object_set_new(task, "run", record_to_json(&run_type, &lean));
    const char *branch = NULL;
    if (step->phase == PHASE_PREPARE && !text_empty(run->ref))
        branch = arena_printf(arena, "%s:%s", run->repository ? run->repository : "", run->ref);
    return add_row(store, &environment_type, run->environment, "environment", task, arena, error) &&
           add_row(store, &branch_type, branch, "branch", task, arena, error) &&
           add_outputs(store, step, json_object_get(step_json, "spec"), task, arena, error);
}

bool task_write(struct store *store, const struct run *run, const struct step *step, struct str *out,
                struct error *error)
{
    struct arena arena = {0};
    json_t *task = json_object();
    bool written = write_all(store, run, step, task, &arena, error);
    if (written) {
        char *text = json_dumps(task, JSON_COMPACT | JSON_ENCODE_ANY);
        str_add(out, text ? text : "{}");
        free(text);
    }
    json_decref(task);
    arena_release(&arena);
    return written;
}

const json_t *task_output(const struct task *task, const char *path)
{
    struct str address = STR_INIT;
    const char *key = expand_output_key(path, &address);
    const json_t *found = key ? json_object_get(json_object_get(task->outputs, address.data), key) : NULL;
    str_release(&address);
    return found;
}

static bool read_row(const struct record_type *type, const json_t *json, struct arena *arena, void *row, bool *there,
                     struct error *error)
{
    *there = json_is_object(json);
    return !*there || record_from_json(type, json, arena, row, error);
}

bool task_read(const char *json, size_t length, struct arena *arena, struct task *task, struct error *error)
{
    bool has_step = false, has_run = false;
    memset(task, 0, sizeof *task);
    task->document = json_loadb(json, length, 0, NULL);
    if (!task->document)
        return error_set(error, ERROR_CORRUPT, "a task is not JSON");
    const json_t *step = json_object_get(task->document, "step");
    task->spec = json_object_get(step, "spec");
    task->outputs = json_object_get(task->document, "outputs");
    bool read = read_row(&step_type, step, arena, &task->step, &has_step, error) &&
                read_row(&run_type, json_object_get(task->document, "run"), arena, &task->run, &has_run, error) &&
                read_row(&environment_type, json_object_get(task->document, "environment"), arena, &task->environment,
                         &task->has_environment, error) &&
                read_row(&branch_type, json_object_get(task->document, "branch"), arena, &task->branch,
                         &task->has_branch, error);
    if (read && (!has_step || !has_run))
        read = error_set(error, ERROR_CORRUPT, "a task without a step or a run");
    if (!read)
        task_release(task);
    return read;
}

void task_release(struct task *task)
{
    json_decref(task->document);
    task->document = NULL;
}
