/* SPDX-License-Identifier: ISC */
/* Plans: what a plan step says becomes a row; when all are in, what could not be known is deferred, and the digest names the whole. */
#include "engine/exec.h"
#include "engine/inner.h"

#include "berth/base/hash.h"
#include "berth/base/str.h"
#include "berth/config.h"

#include <stdlib.h>

bool plan_changes_nothing(const struct run *run)
{
    return !run_destroys(run) && run->creates + run->updates + run->replaces + run->destroys + run->deferred == 0;
}

static const char *part_digest(struct engine_turn *turn, const struct plan *plan, const char *spec_digest)
{
    json_t *part = json_object(), *changes = json_column(plan->changes);
    char hex[HASH_HEX_SIZE];
    const char *text;

    json_object_set_new(part, "address", json_string(plan->address));
    json_object_set_new(part, "action", json_string(word_name(plan_action_names, plan->action)));
    json_object_set_new(part, "spec", json_string(spec_digest));
    json_object_set_new(part, "changes", changes != NULL ? changes : json_array());
    text = json_text(turn->arena, part);
    json_decref(part);
    hash_sha256(text, strlen(text), hex);
    return arena_strdup(turn->arena, hex);
}

/* What an executor may answer: it never destroys what is wanted, never makes what is not. */
static bool makes_sense(const struct plan_result *result, bool wanted, bool is_exec, struct error *error)
{
    bool destroy = result->action == PLAN_DESTROY || result->action == PLAN_FORGET;

    if (is_exec)
        return result->action == PLAN_RUN || result->action == PLAN_NONE ||
               error_set(error, ERROR_CORRUPT, "the plan of a command would %s something",
                         word_name(plan_action_names, (int)result->action));
    if (wanted && destroy)
        return error_set(error, ERROR_CORRUPT, "the plan would destroy what the template wants");
    if (!wanted && !destroy && result->action != PLAN_NONE)
        return error_set(error, ERROR_CORRUPT, "the plan of a destroy would %s something",
                         word_name(plan_action_names, (int)result->action));
    return true;
}

/* What apply is told, and what others that use its outputs may know before. */
static const char *planned_spec(struct engine_turn *turn, const struct plan_result *result)
{
    json_t *spec = json_object();
    const char *text;

    json_object_set_new(spec, "planned", json_string(word_name(plan_action_names, (int)result->action)));
    json_object_set_new(spec, "spec_digest", json_string(result->spec_digest));
    if (json_object_size(result->outputs) > 0)
        json_object_set(spec, "outputs", result->outputs);
    if (json_object_size(result->lock) > 0)
        json_object_set(spec, "lock", result->lock);
    if (!text_empty(result->base))
        json_object_set_new(spec, "base", json_string(result->base));
    text = json_text(turn->arena, spec);
    json_decref(spec);
    return text;
}

bool plan_take(struct engine_turn *turn, const struct step *step, const json_t *body, struct error *error)
{
    struct plan_result result;
    struct plan *plan;
    json_t *spec = json_column(step->spec);
    json_t *wanted = json_object_get(spec, "wanted"), *recorded = json_object_get(spec, "recorded");
    const char *id = arena_printf(turn->arena, "%s/%s", step->run, step->address);
    long at = turn_find(&turn->plans, id);
    bool taken = plan_result_from_json(body, turn->arena, &result, error) &&
                 makes_sense(&result, json_is_object(wanted), run_is_exec(turn->run), error);

    if (taken) {
        json_t *of = json_is_object(wanted) ? wanted : recorded;

        plan = arena_alloc(turn->arena, sizeof *plan);
        *plan = (struct plan){
            .id = id,
            .run = step->run,
            .environment = step->environment,
            .address = step->address,
            .template = step->template,
            .executor = step->executor,
            .action = (int)result.action,
            .summary = result.summary,
            .reason = result.reason,
            .changes = result.changes != NULL ? json_text(turn->arena, result.changes) : "",
            .needs = json_text(turn->arena, json_object_get(of, "needs")),
            .text = result.text,
            .artifact = result.artifact,
            .data = json_is_true(json_object_get(of, "data")),
            .position = step->position,
            .created_at = turn->facts->now_ms,
        };
        inner_planned(turn, step->address, result.inner, result.changes);
        plan->spec = planned_spec(turn, &result);
        plan->digest = part_digest(turn, plan, result.spec_digest);
        if (at >= 0)
            *plan_edit(turn, (size_t)at) = *plan;
        else
            (void)turn_add(&turn->plans, plan);
    }
    json_decref(spec);
    return taken;
}

/* --- what cannot be known before something else is applied -------------------------------------------------------- */

struct uses {
    const struct engine_turn *turn;
    const struct map *plans; /* address or name -> place + 1 */
    bool unknown;
};

/* The mark of a sensitive output that is the same after apply as it is recorded. */
static bool keeps_sensitive(const struct engine_turn *turn, const struct plan *plan, const json_t *output,
                            const char *key)
{
    const char *mark = json_get_text(output, "sensitive");
    long at = text_empty(mark) ? -1 : resource_find(turn, plan->address);
    json_t *recorded = at < 0 ? NULL : json_column(resource_at(turn, (size_t)at)->sensitive);
    bool same = text_equal(json_get_text(recorded, key), mark);

    json_decref(recorded);
    return at >= 0 && same;
}

/* A resource that stays gives what it gave; one that changes, what its plan knows already. */
static bool gives_known(const struct engine_turn *turn, const struct plan *plan, const char *key)
{
    const json_t *output;
    json_t *spec;
    bool known;

    if (!plan_acts(plan->action))
        return true;
    spec = json_column(plan->spec);
    output = json_object_get(json_object_get(spec, "outputs"), key);
    known = json_is_string(json_object_get(output, "value")) || keeps_sensitive(turn, plan, output, key);
    json_decref(spec);
    return known;
}

static void visit_use(const char *path, void *context)
{
    struct uses *uses = context;
    struct str address = STR_INIT;
    const char *key = expand_output_key(path, &address);
    uintptr_t place = key == NULL ? 0 : (uintptr_t)map_get(uses->plans, address.data);

    if (place != 0)
        uses->unknown |= !gives_known(uses->turn, plan_at(uses->turn, place - 1), key);
    str_release(&address);
}

static bool uses_unknown(const struct engine_turn *turn, const struct step *step, const struct map *plans)
{
    struct uses uses = {.turn = turn, .plans = plans};
    json_t *spec;

    if (strstr(step->spec, "\"$parts\"") == NULL)
        return false;
    spec = json_column(step->spec);
    expand_paths(json_object_get(spec, "wanted"), visit_use, &uses);
    json_decref(spec);
    return uses.unknown;
}

/* A resource that would stay as it is but uses outputs of one that changes is deferred; so on until nothing is added. */
static void defer_users(struct engine_turn *turn)
{
    struct map plans = {0};
    bool again = true;

    for (size_t i = 0; i < turn->plans.rows.count; i++)
        if (plan_at(turn, i) != NULL)
            (void)map_set(&plans, plan_at(turn, i)->address, (void *)(uintptr_t)(i + 1));
    while (again) {
        again = false;
        for (size_t i = 0; i < turn->steps.rows.count; i++) {
            const struct step *step = step_at(turn, i);
            uintptr_t place = step == NULL ? 0 : (uintptr_t)map_get(&plans, step->address);
            struct plan *plan;

            if (place == 0 || step->phase != PHASE_PLAN || plan_at(turn, place - 1)->action != PLAN_NONE ||
                !uses_unknown(turn, step, &plans))
                continue;
            plan = plan_edit(turn, place - 1);
            plan->action = PLAN_DEFERRED;
            plan->summary = "is planned when what it uses is there";
            plan->reason = "it uses an output of a resource that changes";
            plan->spec = "{\"planned\":\"deferred\",\"spec_digest\":\"\"}";
            plan->digest = part_digest(turn, plan, "");
            again = true;
        }
    }
    map_release(&plans);
}

/* --- the whole ------------------------------------------------------------------------------------------------------- */

static void count_plan(struct run *run, const struct plan *plan)
{
    switch ((enum plan_action)plan->action) {
    case PLAN_CREATE: run->creates++; break;
    case PLAN_UPDATE:
    case PLAN_RUN: run->updates++; break;
    case PLAN_REPLACE: run->replaces++; break;
    case PLAN_DESTROY: run->destroys++; break;
    case PLAN_DEFERRED: run->deferred++; break;
    case PLAN_NONE:
    case PLAN_FORGET: break;
    }
    run->touches_data |= plan->data && (plan->action == PLAN_REPLACE || plan->action == PLAN_DESTROY);
}

static int by_address(const void *a, const void *b)
{
    const struct plan *const *x = a, *const *y = b;

    return strcmp((*x)->address, (*y)->address);
}

static json_t *sorted_parts(const struct engine_turn *turn)
{
    VEC(const struct plan *) plans = {0};
    json_t *parts = json_array();

    for (size_t i = 0; i < turn->plans.rows.count; i++) {
        const struct plan *plan = plan_at(turn, i);

        if (plan != NULL && plan_acts(plan->action))
            vec_push(&plans, plan);
    }
    if (plans.count > 0)
        qsort(plans.items, plans.count, sizeof *plans.items, by_address);
    for (size_t i = 0; i < plans.count; i++) {
        json_t *part = json_array();

        json_array_append_new(part, json_string(plans.items[i]->address));
        json_array_append_new(part, json_string(word_name(plan_action_names, plans.items[i]->action)));
        json_array_append_new(part, json_string(plans.items[i]->digest));
        json_array_append_new(parts, part);
    }
    vec_release(&plans);
    return parts;
}

static void set_json(json_t *object, const char *key, const char *text)
{
    json_t *value = json_column(text);

    json_object_set_new(object, key, value != NULL ? value : json_null());
}

void plan_digest(struct engine_turn *turn)
{
    struct run *run = turn->run;
    json_t *whole = json_object(), *wanted = json_column(run->wanted);
    json_t *templates = json_object_get(wanted, "templates");
    char hex[HASH_HEX_SIZE];
    const char *text;

    run->creates = run->updates = run->replaces = run->destroys = run->deferred = 0;
    run->touches_data = false;
    for (size_t i = 0; i < turn->plans.rows.count; i++)
        if (plan_at(turn, i) != NULL)
            count_plan(run, plan_at(turn, i));
    json_object_set_new(whole, "workflow", json_string(word_name(workflow_names, run->workflow)));
    json_object_set_new(whole, "environment", json_string(run->environment_name));
    json_object_set_new(whole, "commit", json_string(run->commit != NULL ? run->commit : ""));
    set_json(whole, "sources", run->sources);
    set_json(whole, "inputs", run->inputs);
    set_json(whole, "with", run->with);
    json_object_set(whole, "templates", templates != NULL ? templates : json_null());
    json_object_set_new(whole, "parts", sorted_parts(turn));
    text = json_text(turn->arena, whole);
    json_decref(whole);
    json_decref(wanted);
    hash_sha256(text, strlen(text), hex);
    run->digest = arena_strdup(turn->arena, hex);
}

static void keep_part(struct engine_turn *turn, const struct plan *plan)
{
    struct approved_plan *kept = arena_alloc(turn->arena, sizeof *kept);

    *kept = (struct approved_plan){
        .id = plan->id,
        .run = plan->run,
        .whole = turn->run->digest,
        .address = plan->address,
        .template = plan->template,
        .executor = plan->executor,
        .action = plan->action,
        .summary = plan->summary,
        .reason = plan->reason,
        .changes = plan->changes,
        .digest = plan->digest,
        .data = plan->data,
        .position = plan->position,
        .created_at = plan->created_at,
    };
    turn_put(turn, &approved_plan_type, kept);
}

void plan_keep(struct engine_turn *turn)
{
    turn->run->approved_digest = turn->run->digest;
    for (size_t i = 0; i < turn->plans.rows.count; i++) {
        const struct plan *plan = plan_at(turn, i);

        if (plan != NULL && plan_acts(plan->action))
            keep_part(turn, plan);
    }
}

bool plan_settle(struct engine_turn *turn)
{
    defer_users(turn);
    plan_digest(turn);
    if (run_destroys(turn->run) &&
        turn->run->creates + turn->run->updates + turn->run->replaces + turn->run->deferred > 0) {
        turn->reason = "the plan of a destroy would create or change something";
        return false;
    }
    turn_audit(turn, "run.planned", "", "ok", turn->run->digest, NULL);
    return true;
}
