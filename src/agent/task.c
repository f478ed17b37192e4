/* SPDX-License-Identifier: ISC */
/* A step as it travels from the supervisor to a worker. */
#include "agent/task.h"

#include "berth/base/str.h"
#include "berth/config.h"
#include "berth/engine.h"
#include "berth/store.h"

#include <stdlib.h>
#include <string.h>

#define ROW_MISSING '\0'
#define ROW_FOLLOWS '\1'

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
    json_t *outputs, *givers;
    bool failed;
    struct error *error;
};

/* What a resource gave when it was last applied; NULL: it has given nothing. */
static json_t *recorded_outputs(const struct resource *row)
{
    json_t *outputs = row ? json_column(row->outputs) : NULL, *sensitive = row ? json_column(row->sensitive) : NULL;
    json_t *mark;
    const char *name;
    json_object_foreach(sensitive, name, mark)
    {
        if (!outputs)
            outputs = json_object();
        json_object_set_new(outputs, name, json_pack("{s:O}", "sensitive", mark));
    }
    json_decref(sensitive);
    return outputs;
}

/* Of a resource that this run changes: those outputs whose value its plan knows already. A sensitive one is known where it stays as it was. */
static json_t *known_of_plan(const struct plan *plan, const json_t *recorded)
{
    json_t *known = json_object(), *spec = json_column(plan->spec), *output;
    const char *name;
    json_object_foreach(json_object_get(spec, "outputs"), name, output)
    {
        const json_t *mark = json_object_get(output, "sensitive"), *was = json_object_get(recorded, name);
        if (json_is_string(json_object_get(output, "value")))
            json_object_set(known, name, json_object_get(output, "value"));
        else if (mark && json_equal(output, was))
            json_object_set(known, name, output);
    }
    json_decref(spec);
    return known;
}

/* While planning, what a resource will give counts, not what it gave. */
static json_t *known_outputs(struct outputs_wanted *wanted, const char *address, const struct resource *row)
{
    struct plan plan;
    const char *id = arena_printf(wanted->arena, "%s/%s", wanted->run, address);
    json_t *recorded = recorded_outputs(row), *known;
    enum store_found found = STORE_MISSING;
    if (wanted->planning)
        found = store_get(wanted->store, &plan_type, id, wanted->arena, &plan, wanted->error);
    wanted->failed |= found == STORE_ERROR;
    if (found != STORE_FOUND || plan.action == PLAN_NONE || plan.action == PLAN_FORGET)
        return recorded;
    known = known_of_plan(&plan, recorded);
    json_decref(recorded);
    return known;
}

static void add_outputs_of(const char *path, void *context);

/* Whoever gives a sensitive output is asked for it, and may itself use what others give. */
static void add_giver(struct outputs_wanted *wanted, const struct resource *row)
{
    json_t *spec = json_column(row->spec);
    json_object_set_new(wanted->givers, row->address, record_to_json(&resource_type, row));
    expand_paths(spec, add_outputs_of, wanted);
    json_decref(spec);
}

static void add_outputs_of(const char *path, void *context)
{
    struct outputs_wanted *wanted = context;
    struct str address = STR_INIT;
    if (!wanted->failed && expand_output_key(path, &address) && !json_object_get(wanted->outputs, address.data)) {
        struct resource row;
        const char *id = arena_printf(wanted->arena, "%s/%s", wanted->environment, address.data);
        enum store_found found = store_get(wanted->store, &resource_type, id, wanted->arena, &row, wanted->error);
        wanted->failed |= found == STORE_ERROR;
        json_t *known = known_outputs(wanted, address.data, found == STORE_FOUND ? &row : NULL);
        if (known)
            json_object_set_new(wanted->outputs, address.data, known);
        if (found == STORE_FOUND && !text_empty(row.sensitive))
            add_giver(wanted, &row);
    }
    str_release(&address);
}

/* Only a spec that names an output is looked through. */
static bool add_outputs(struct store *store, const struct step *step, json_t *rest, struct arena *arena,
                        struct error *error)
{
    if (!step->spec || !strstr(step->spec, ".outputs."))
        return true;
    struct outputs_wanted wanted = {
        .store = store,
        .arena = arena,
        .environment = step->environment ? step->environment : "",
        .run = step->run,
        .planning = step->phase == PHASE_PLAN,
        .outputs = json_object(),
        .givers = json_object(),
        .error = error,
    };
    json_t *spec = json_column(step->spec);
    expand_paths(spec, add_outputs_of, &wanted);
    json_object_set_new(rest, "outputs", wanted.outputs);
    json_object_set_new(rest, "givers", wanted.givers);
    json_decref(spec);
    return !wanted.failed;
}

/* What the plan of a step's resource would change, where its executor may have to plan again. */
static bool add_approved(struct store *store, const struct step *step, json_t *rest, struct arena *arena,
                         struct error *error)
{
    struct plan plan;
    if ((step->phase != PHASE_APPLY && step->phase != PHASE_DESTROY) || !step->spec ||
        !strstr(step->spec, "\"replans\":true"))
        return true;
    const char *id = arena_printf(arena, "%s/%s", step->run, step->address);
    enum store_found found = store_get(store, &plan_type, id, arena, &plan, error);
    json_t *changes = found == STORE_FOUND ? json_column(plan.changes) : NULL;
    if (found == STORE_FOUND)
        json_object_set_new(rest, "approved", changes ? changes : json_array());
    return found != STORE_ERROR;
}

static bool add_rest(struct store *store, const struct step *step, struct str *out, struct arena *arena,
                     struct error *error)
{
    json_t *rest = json_object();
    bool added = add_outputs(store, step, rest, arena, error) && add_approved(store, step, rest, arena, error);
    char *text = added && json_object_size(rest) > 0 ? json_dumps(rest, JSON_COMPACT) : NULL;
    str_add(out, text ? text : "");
    free(text);
    json_decref(rest);
    return added;
}

/* The row of that id into the arena; NULL when there is none. */
static bool find_row(struct store *store, const struct record_type *type, const char *id, struct arena *arena,
                     const void **row, struct error *error)
{
    void *place = arena_alloc(arena, type->size);
    enum store_found found = text_empty(id) ? STORE_MISSING : store_get(store, type, id, arena, place, error);
    *row = found == STORE_FOUND ? place : NULL;
    return found != STORE_ERROR;
}

static void pack_found(const struct record_type *type, const void *row, struct str *out)
{
    str_add_char(out, row ? ROW_FOLLOWS : ROW_MISSING);
    if (row)
        record_pack(type, row, out);
}

static bool write_all(struct store *store, const struct engine_facts *facts, const struct step *step, struct str *out,
                      struct arena *arena, struct error *error)
{
    const struct run *run = facts->run;
    struct run lean = run_for_worker(run);
    const void *environment = facts->environment, *branch;
    const char *ref = NULL;
    if (step->phase == PHASE_PREPARE && !text_empty(run->ref))
        ref = arena_printf(arena, "%s:%s", run->repository ? run->repository : "", run->ref);
    if (!(environment && text_equal(run->environment, facts->environment->id)) &&
        !find_row(store, &environment_type, run->environment, arena, &environment, error))
        return false;
    if (!find_row(store, &branch_type, ref, arena, &branch, error))
        return false;
    pack_found(&step_type, step, out);
    pack_found(&run_type, &lean, out);
    pack_found(&environment_type, environment, out);
    pack_found(&branch_type, branch, out);
    return add_rest(store, step, out, arena, error);
}

bool task_write(struct store *store, const struct engine_facts *facts, const struct step *step, struct str *out,
                struct error *error)
{
    struct arena arena = {0};
    bool written = write_all(store, facts, step, out, &arena, error);
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

struct reading {
    const char *bytes;
    size_t count;
    struct arena *arena;
    struct error *error;
};

static bool read_row(struct reading *reading, const struct record_type *type, void *row, bool *there)
{
    size_t taken = 0;
    if (reading->count == 0)
        return error_set(reading->error, ERROR_CORRUPT, "a task is cut off");
    *there = reading->bytes[0] == ROW_FOLLOWS;
    reading->bytes++;
    reading->count--;
    if (*there && !record_unpack(type, reading->bytes, reading->count, reading->arena, row, &taken, reading->error))
        return false;
    reading->bytes += taken;
    reading->count -= taken;
    return true;
}

bool task_read(const char *bytes, size_t count, struct arena *arena, struct task *task, struct error *error)
{
    struct reading reading = {bytes, count, arena, error};
    bool has_step = false, has_run = false;
    memset(task, 0, sizeof *task);
    bool read = read_row(&reading, &step_type, &task->step, &has_step) &&
                read_row(&reading, &run_type, &task->run, &has_run) &&
                read_row(&reading, &environment_type, &task->environment, &task->has_environment) &&
                read_row(&reading, &branch_type, &task->branch, &task->has_branch);
    if (read && (!has_step || !has_run))
        read = error_set(error, ERROR_CORRUPT, "a task without a step or a run");
    if (read && reading.count > 0) {
        json_t *rest = json_loadb(reading.bytes, reading.count, 0, NULL);
        task->outputs = json_incref(json_object_get(rest, "outputs"));
        task->givers = json_incref(json_object_get(rest, "givers"));
        task->approved = json_incref(json_object_get(rest, "approved"));
        json_decref(rest);
        read = rest || error_set(error, ERROR_CORRUPT, "what follows the rows of a task is not JSON");
    }
    if (read)
        task->spec = json_column(task->step.spec);
    else
        task_release(task);
    return read;
}

void task_release(struct task *task)
{
    json_decref(task->spec);
    json_decref(task->outputs);
    json_decref(task->givers);
    json_decref(task->approved);
    task->spec = task->outputs = task->givers = task->approved = NULL;
}
