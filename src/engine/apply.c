/* SPDX-License-Identifier: ISC */
/* Apply: steps in the order of the graph, destroys in the reverse of what is recorded, and the resource rows that follow each step. */
#include "engine/inner.h"

#include "berth/base/str.h"
#include "berth/config.h"
#include "berth/model/graph.h"

/* --- edges between steps ---------------------------------------------------------------------------------------------
 * A node is an address that the plan or the record knows. An apply waits for the applies of what it needs; a node that does not change passes
 * the wait on to what it needs itself. A destroy waits for the destroys, and the applies, of what needed it. */

struct place {
    const char *address;
    json_t *needs;    /* of what is wanted, else of what is recorded; owned */
    json_t *recorded; /* needs as recorded; owned */
    int action;
    size_t visited;
    VEC(size_t) users; /* nodes whose recorded needs name this one */
};
struct graph_of_plan {
    VEC(struct place) nodes;
    struct map places; /* address -> place + 1 */
    size_t visit;
};

static size_t node_add(struct graph_of_plan *graph, const char *address)
{
    uintptr_t place = (uintptr_t)map_get(&graph->places, address);
    struct place node = {.address = address, .action = PLAN_NONE};

    if (place != 0)
        return place - 1;
    vec_push(&graph->nodes, node);
    (void)map_set(&graph->places, address, (void *)(uintptr_t)graph->nodes.count);
    return graph->nodes.count - 1;
}

static void link_users(struct graph_of_plan *graph)
{
    for (size_t i = 0; i < graph->nodes.count; i++) {
        size_t at;
        json_t *need;

        json_array_foreach(graph->nodes.items[i].recorded, at, need)
        {
            uintptr_t place =
                (uintptr_t)map_get(&graph->places, json_string_value(need) ? json_string_value(need) : "");

            if (place != 0 && place - 1 != i)
                vec_push(&graph->nodes.items[place - 1].users, i);
        }
    }
}

static void graph_fill(const struct engine_turn *turn, struct graph_of_plan *graph)
{
    for (size_t i = 0; i < turn->plans.rows.count; i++) {
        const struct plan *plan = plan_at(turn, i);
        size_t at;

        if (plan == NULL)
            continue;
        at = node_add(graph, plan->address);
        graph->nodes.items[at].action = plan->action;
        graph->nodes.items[at].needs = json_column(plan->needs);
    }
    for (size_t i = 0; i < turn->resources.rows.count; i++) {
        const struct resource *resource = resource_at(turn, i);
        size_t at;

        if (resource == NULL)
            continue;
        at = node_add(graph, resource->address);
        graph->nodes.items[at].recorded = json_column(resource->needs);
    }
    link_users(graph);
}

static void graph_release(struct graph_of_plan *graph)
{
    for (size_t i = 0; i < graph->nodes.count; i++) {
        json_decref(graph->nodes.items[i].needs);
        json_decref(graph->nodes.items[i].recorded);
        vec_release(&graph->nodes.items[i].users);
    }
    vec_release(&graph->nodes);
    map_release(&graph->places);
}

static const char *step_id(struct engine_turn *turn, const char *address, int action)
{
    return arena_printf(turn->arena, "%s.%s.%s", turn->run->id, action == PLAN_DESTROY ? "destroy" : "apply", address);
}

static void add_apply_needs(struct engine_turn *turn, struct graph_of_plan *graph, size_t place, json_t *list)
{
    const json_t *needs = graph->nodes.items[place].needs;
    size_t at;
    json_t *need;

    json_array_foreach(needs, at, need)
    {
        uintptr_t found = (uintptr_t)map_get(&graph->places, json_string_value(need) ? json_string_value(need) : "");
        struct place *node = found == 0 ? NULL : &graph->nodes.items[found - 1];

        if (node == NULL || node->visited == graph->visit)
            continue;
        node->visited = graph->visit;
        if (plan_acts(node->action) && node->action != PLAN_DESTROY)
            json_array_append_new(list, json_string(step_id(turn, node->address, node->action)));
        else
            add_apply_needs(turn, graph, found - 1, list);
    }
}

static void add_destroy_needs(struct engine_turn *turn, struct graph_of_plan *graph, size_t place, json_t *list)
{
    for (size_t i = 0; i < graph->nodes.items[place].users.count; i++) {
        size_t user = graph->nodes.items[place].users.items[i];
        struct place *node = &graph->nodes.items[user];

        if (node->visited == graph->visit)
            continue;
        node->visited = graph->visit;
        if (plan_acts(node->action))
            json_array_append_new(list, json_string(step_id(turn, node->address, node->action)));
        else
            add_destroy_needs(turn, graph, user, list);
    }
}

static const char *needs_of(struct engine_turn *turn, struct graph_of_plan *graph, const struct plan *plan)
{
    size_t place = node_add(graph, plan->address);
    json_t *list = json_array();
    const char *text = "";

    graph->visit++;
    graph->nodes.items[place].visited = graph->visit;
    if (plan->action == PLAN_DESTROY)
        add_destroy_needs(turn, graph, place, list);
    else
        add_apply_needs(turn, graph, place, list);
    if (json_array_size(list) > 0)
        text = json_text(turn->arena, list);
    json_decref(list);
    return text;
}

/* --- steps -------------------------------------------------------------------------------------------------------------- */

/* The spec of the plan step, and what was planned; attempts and repeatability as the template says, or said when it was applied. */
static void fill_spec(struct engine_turn *turn, struct step *step, const struct step *planned, const struct plan *plan)
{
    json_t *spec = json_column(planned->spec), *told = json_column(plan->spec);
    json_t *wanted = json_object_get(spec, "wanted");
    json_t *of = json_is_object(wanted) ? wanted : json_object_get(spec, "recorded");
    int64_t attempts = json_get_int(of, "attempts");

    json_object_set_new(spec, "planned", json_string(word_name(plan_action_names, plan->action)));
    json_object_set_new(spec, "planned_spec_digest", json_string(json_get_text(told, "spec_digest")));
    if (!text_empty(plan->artifact))
        json_object_set_new(spec, "artifact", json_string(plan->artifact));
    step->spec = json_text(turn->arena, spec);
    step->attempts = attempts > 1 ? attempts : 1;
    step->backoff_ms = json_get_int(of, "backoff_ms");
    step->repeatable = json_is_true(json_object_get(of, "repeatable"));
    json_decref(told);
    json_decref(spec);
}

void step_take_plan(struct engine_turn *turn, struct step *step, const struct plan *plan)
{
    json_t *spec = json_column(step->spec);

    json_object_del(spec, "artifact");
    step->spec = json_text(turn->arena, spec);
    json_decref(spec);
    fill_spec(turn, step, step, plan);
}

static void add_step(struct engine_turn *turn, struct graph_of_plan *graph, const struct step *planned,
                     const struct plan *plan)
{
    struct step *step = arena_alloc(turn->arena, sizeof *step);

    *step = (struct step){
        .id = step_id(turn, plan->address, plan->action),
        .run = turn->run->id,
        .environment = turn->run->environment,
        .phase = plan->action == PLAN_DESTROY ? PHASE_DESTROY : PHASE_APPLY,
        .status = STEP_WAITING,
        .address = planned->address,
        .template = planned->template,
        .executor = planned->executor,
        .runner = planned->runner,
        .target = planned->target,
        .pool = planned->pool,
        .needs = needs_of(turn, graph, plan),
        .position = plan->position,
        .timeout_ms = planned->timeout_ms,
        .exit_status = -1,
        .progress = -1,
    };
    fill_spec(turn, step, planned, plan);
    (void)turn_add(&turn->steps, step);
}

static struct resource *new_resource(struct engine_turn *turn, const char *address)
{
    struct resource *resource = arena_alloc(turn->arena, sizeof *resource);

    *resource = (struct resource){
        .id = arena_printf(turn->arena, "%s/%s", turn->run->environment, address),
        .environment = turn->run->environment,
        .address = arena_strdup(turn->arena, address),
        .status = RESOURCE_WAITING,
    };
    return resource;
}

/* What will be there is seen before it is: as waiting, with no date of creation. */
static void add_waiting(struct engine_turn *turn, const struct step *planned, const struct plan *plan,
                        const struct map *known)
{
    struct resource *resource;

    if (plan->action == PLAN_DESTROY || map_get(known, plan->address) != NULL)
        return;
    resource = new_resource(turn, plan->address);
    resource->template = planned->template;
    resource->name = resource->address;
    resource->executor = planned->executor;
    resource->needs = plan->needs;
    (void)turn_add(&turn->resources, resource);
}

static void add_steps(struct engine_turn *turn)
{
    struct graph_of_plan graph = {0};
    struct map plans = {0}, known = {0};
    size_t planned = turn->steps.rows.count;

    graph_fill(turn, &graph);
    for (size_t i = 0; i < turn->plans.rows.count; i++)
        if (plan_at(turn, i) != NULL)
            (void)map_set(&plans, plan_at(turn, i)->address, (void *)(uintptr_t)(i + 1));
    for (size_t i = 0; i < turn->resources.rows.count; i++)
        if (resource_at(turn, i) != NULL)
            (void)map_set(&known, resource_at(turn, i)->address, (void *)(uintptr_t)(i + 1));
    for (size_t i = 0; i < planned; i++) {
        const struct step *step = step_at(turn, i);
        uintptr_t place = step == NULL || step->phase != PHASE_PLAN ? 0 : (uintptr_t)map_get(&plans, step->address);
        const struct plan *plan = place == 0 ? NULL : plan_at(turn, place - 1);

        if (plan == NULL || !plan_acts(plan->action))
            continue;
        add_step(turn, &graph, step, plan);
        add_waiting(turn, step, plan, &known);
    }
    map_release(&plans);
    map_release(&known);
    graph_release(&graph);
}

/* --- circles ------------------------------------------------------------------------------------------------------------
 * What templates want has no circle, but what is recorded was recorded by different commits: together their needs may have one. Then nothing
 * would ever start, so a destroy of the circle waits for nobody. */

static void index_order(const struct engine_turn *turn, struct graph *graph)
{
    for (size_t i = 0; i < turn->steps.rows.count; i++) {
        const struct step *step = step_at(turn, i);
        json_t *needs, *need;
        size_t at, from;

        if (step == NULL || (step->phase != PHASE_APPLY && step->phase != PHASE_DESTROY))
            continue;
        from = graph_add(graph, step->id);
        needs = json_column(step->needs);
        json_array_foreach(needs, at, need) graph_need(graph, from, graph_add(graph, json_string_value(need)));
        json_decref(needs);
    }
}

/* The first destroy that a circle, told as "a -> b -> a", names. */
static long destroy_in(const struct engine_turn *turn, const char *circle)
{
    for (size_t i = 0; i < turn->steps.rows.count; i++) {
        const struct step *step = step_at(turn, i);

        if (step != NULL && step->phase == PHASE_DESTROY && strstr(circle, step->id) != NULL)
            return (long)i;
    }
    return -1;
}

static bool find_circle(const struct engine_turn *turn, struct str *circle)
{
    struct graph *graph = graph_new();
    size_t *order;
    bool ordered;

    index_order(turn, graph);
    order = mem_zero(graph_count(graph) + 1, sizeof *order);
    str_clear(circle);
    ordered = graph_order(graph, order, circle);
    vec_free(order);
    graph_free(graph);
    return !ordered;
}

static void open_circles(struct engine_turn *turn)
{
    struct str circle = STR_INIT;
    bool any = false;
    long at;

    for (size_t i = 0; i < turn->steps.rows.count && !any; i++)
        any = step_at(turn, i) != NULL && step_at(turn, i)->phase == PHASE_DESTROY;
    while (any && find_circle(turn, &circle) && (at = destroy_in(turn, circle.data)) >= 0) {
        turn_audit(turn, "order.circle", "", "ok", circle.data, NULL);
        step_edit(turn, (size_t)at)->needs = "";
    }
    str_release(&circle);
}

void apply_start(struct engine_turn *turn)
{
    const unsigned phases = PHASES(PHASE_APPLY) | PHASES(PHASE_DESTROY);
    struct environment *environment = turn->environment;

    lock_take(turn);
    environment->status = run_destroys(turn->run) ? ENVIRONMENT_DESTROYING : ENVIRONMENT_DEPLOYING;
    environment->status_reason = "";
    if (!run_destroys(turn->run) && environment->planned_destruction_at == 0)
        life_set(turn); /* a first deploy that fails does not live for ever */
    if (steps_count(turn, phases).total == 0) {
        add_steps(turn);
        open_circles(turn);
    } else {
        (void)steps_again(turn, phases | PHASES(PHASE_CHECK));
    }
    steps_ready(turn, phases, NULL);
}

/* --- resource rows -------------------------------------------------------------------------------------------------------- */

static int64_t next_position(const struct engine_turn *turn)
{
    int64_t last = 0;

    for (size_t i = 0; i < turn->resources.rows.count; i++)
        if (resource_at(turn, i) != NULL && resource_at(turn, i)->position > last)
            last = resource_at(turn, i)->position;
    return last + 1;
}

static const char *list_text(struct engine_turn *turn, const json_t *list)
{
    return json_array_size(list) > 0 ? json_text(turn->arena, list) : "";
}

/* Probes and links come after, so they may name the resource's own outputs. What cannot be resolved stays to be seen as such. */
static const char *resolved_text(struct engine_turn *turn, const char *list)
{
    struct error error;
    json_t *json = json_column(list);
    json_t *resolved = json != NULL ? with_outputs(turn, json, &error) : NULL;
    const char *text = resolved != NULL ? json_text(turn->arena, resolved) : list;

    json_decref(resolved);
    json_decref(json);
    return text;
}

/* What the template says of it; what it is like is filled when it was applied. */
static void describe(struct engine_turn *turn, struct resource *resource, const json_t *wanted)
{
    struct wanted_resource want;
    struct error error;

    if (!wanted_from_json(wanted, turn->arena, &want, &error))
        return;
    resource->template = want.template;
    resource->template_version = want.template_version;
    resource->name = want.name;
    resource->item = want.item;
    resource->count = want.count;
    resource->executor = want.executor;
    resource->runner = want.runner;
    resource->pool = want.pool;
    resource->timeout_ms = want.timeout_ms;
    resource->attempts = want.attempts;
    resource->backoff_ms = want.backoff_ms;
    resource->repeatable = want.repeatable;
    resource->replans = want.replans;
    resource->group = want.group;
    resource->target = want.target;
    resource->description = want.description;
    resource->contact = want.contact;
    resource->external = want.external;
    resource->data = want.data;
    resource->shared_environment = want.shared_environment;
    resource->shared_resource = want.shared_resource;
    resource->links = resolved_text(turn, list_text(turn, want.links));
    resource->tags = list_text(turn, want.tags);
    resource->needs = list_text(turn, want.needs);
    resource->probes = resolved_text(turn, list_text(turn, want.probes));
}

void resource_begins(struct engine_turn *turn, const struct step *step)
{
    long at = resource_find(turn, step->address);
    struct resource *resource;
    json_t *spec;

    if (at < 0) {
        if (step->phase == PHASE_DESTROY)
            return;
        at = (long)turn_add(&turn->resources, new_resource(turn, step->address));
    }
    resource = resource_edit(turn, (size_t)at);
    resource->status_reason = resource->observed_by = ""; /* its status is the step's from here on */
    resource->applied_run = turn->run->id;
    if (step->phase == PHASE_DESTROY) {
        resource->status = RESOURCE_DESTROYING;
        return;
    }
    resource->status = resource->applied_at == 0 ? RESOURCE_CREATING : RESOURCE_UPDATING;
    resource->spec_digest = ""; /* from here on nobody knows whether it is as it was */
    if (resource->created_at != 0)
        return;
    /* From its first attempt on it may be there: what undoes it is recorded before it begins. */
    spec = json_column(step->spec);
    describe(turn, resource, json_object_get(spec, "wanted"));
    resource->spec = json_text(turn->arena, json_object_get(json_object_get(spec, "wanted"), "spec"));
    resource->sources = turn->run->sources;
    resource->position = next_position(turn);
    resource->created_at = turn->facts->now_ms;
    json_decref(spec);
}

bool resource_ends(struct engine_turn *turn, const struct step *step, const json_t *body, struct error *error)
{
    long at = resource_find(turn, step->address);
    struct apply_result result = {0};
    struct resource *resource;
    json_t *spec;

    if (!apply_result_from_json(body, turn->arena, &result, error))
        return false;
    if (at < 0)
        return step->phase == PHASE_DESTROY || error_set(error, ERROR_CORRUPT, "%s has no row", step->address);
    resource = resource_edit(turn, (size_t)at);
    resource->status_reason = "";
    if (step->phase == PHASE_DESTROY) {
        resource->status = RESOURCE_GONE;
        resource->ready = "";
        inner_forget(turn, resource->address);
        return true;
    }
    spec = json_column(step->spec);
    resource->outputs = result.outputs != NULL ? json_text(turn->arena, result.outputs) : "";
    resource->sensitive = json_object_size(result.sensitive) > 0 ? json_text(turn->arena, result.sensitive) : "";
    describe(turn, resource, json_object_get(spec, "wanted"));
    resource->status = RESOURCE_OK;
    resource->spec = json_text(turn->arena, json_object_get(json_object_get(spec, "wanted"), "spec"));
    resource->spec_digest = !text_empty(result.spec_digest)
                                ? result.spec_digest
                                : arena_strdup(turn->arena, json_get_text(spec, "planned_spec_digest"));
    resource->sources = turn->run->sources;
    if (json_array_size(result.links) > 0)
        resource->links = json_text(turn->arena, result.links);
    resource->kind = result.kind;
    resource->ready = result.ready;
    resource->applied_at = turn->facts->now_ms;
    inner_ends(turn, resource, result.inner, result.there, INNER_DONE);
    json_decref(spec);
    return true;
}

void resource_stops(struct engine_turn *turn, const struct step *step, const json_t *body)
{
    long at = resource_find(turn, step->address);

    if (at >= 0)
        inner_ends(turn, resource_at(turn, (size_t)at), json_object_get(body, "inner"), json_object_get(body, "there"),
                   INNER_STOPPED);
}

void resource_fails(struct engine_turn *turn, const struct step *step, enum resource_status status, const char *reason)
{
    long at = resource_find(turn, step->address);
    struct resource *resource;

    if (at < 0)
        return;
    resource = resource_edit(turn, (size_t)at);
    resource->status = (int)status;
    resource->status_reason = reason;
}

void resources_forget_waiting(struct engine_turn *turn)
{
    for (size_t i = 0; i < turn->resources.rows.count; i++) {
        const struct resource *resource = resource_at(turn, i);

        if (resource == NULL || resource->status != RESOURCE_WAITING)
            continue;
        if (resource->created_at == 0) {
            turn_drop(&turn->resources, i);
            continue;
        }
        /* it was begun at least once, and is not going to be begun again */
        resource_edit(turn, i)->status = RESOURCE_UNKNOWN;
    }
}

void resource_is_foreign(struct engine_turn *turn, const json_t *wanted)
{
    const char *address = json_get_text(wanted, "address");
    long at = resource_find(turn, address);
    struct resource *resource;

    if (at < 0) {
        resource = new_resource(turn, address);
        resource->status = RESOURCE_UNKNOWN;
        resource->created_at = turn->facts->now_ms;
        at = (long)turn_add(&turn->resources, resource);
    }
    resource = resource_edit(turn, (size_t)at);
    describe(turn, resource, wanted);
    resource->applied_run = turn->run->id;
}

/* A plan that finds nothing to change says that it is as wanted, not that it works: that is seen by looking. */
static void describe_unchanged(struct engine_turn *turn, size_t at, const json_t *wanted)
{
    struct resource *resource = resource_edit(turn, at);

    describe(turn, resource, wanted);
    if (resource->status == RESOURCE_OK || resource->status == RESOURCE_DEGRADED)
        return;
    resource->status = RESOURCE_UNKNOWN;
    resource->status_reason = "nothing to change, not looked at since";
}

void resources_describe_unchanged(struct engine_turn *turn)
{
    struct map plans = {0};

    for (size_t i = 0; i < turn->plans.rows.count; i++)
        if (plan_at(turn, i) != NULL && plan_at(turn, i)->action == PLAN_NONE)
            (void)map_set(&plans, plan_at(turn, i)->address, (void *)(uintptr_t)(i + 1));
    for (size_t i = 0; i < turn->steps.rows.count; i++) {
        const struct step *step = step_at(turn, i);
        json_t *spec, *wanted;
        long at;

        if (step == NULL || step->phase != PHASE_PLAN || map_get(&plans, step->address) == NULL)
            continue;
        at = resource_find(turn, step->address);
        spec = json_column(step->spec);
        wanted = json_object_get(spec, "wanted");
        if (at >= 0 && json_is_object(wanted))
            describe_unchanged(turn, (size_t)at, wanted);
        else if (at >= 0)
            turn_drop(&turn->resources, (size_t)at); /* nothing was left of it to destroy */
        json_decref(spec);
    }
    map_release(&plans);
}
