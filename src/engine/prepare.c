/* SPDX-License-Identifier: ISC */
/* From queued to planning: the prepare step, and what its result makes: environment, templates, groups, plan steps. */
#include "engine/exec.h"

#include "berth/base/hash.h"
#include "berth/base/str.h"
#include "berth/config.h"

#define PREPARE_ATTEMPTS 3
#define PREPARE_BACKOFF_MS 2000
#define SLUG_HASH 6

void prepare_start(struct engine_turn *turn)
{
    struct run *run = turn->run;
    struct step *step = arena_alloc(turn->arena, sizeof *step);

    run->started_at = turn->facts->now_ms;
    if (turn->environment == NULL || turn->environment->status == ENVIRONMENT_DESTROYED)
        run->environment = "";
    *step = (struct step){
        .id = arena_printf(turn->arena, "%s.prepare.main", run->id),
        .run = run->id,
        .environment = run->environment,
        .phase = PHASE_PREPARE,
        .status = STEP_READY,
        .address = "main",
        .executor = "prepare",
        .attempts = PREPARE_ATTEMPTS,
        .backoff_ms = PREPARE_BACKOFF_MS,
        .repeatable = true,
        .ready_at = turn->facts->now_ms,
        .exit_status = -1,
        .progress = -1,
    };
    (void)turn_add(&turn->steps, step);
}

/* --- the environment's row ------------------------------------------------------------------------------------- */

static const char *slug_of(struct engine_turn *turn, const char *id, bool *changed)
{
    const char *wish = turn->prepare->slug_wish;
    size_t limit = config_entry_slug_limit(turn->entry);
    size_t length = strlen(wish);
    char hex[HASH_HEX_SIZE];

    *changed = text_empty(wish) || turn->facts->slug_taken || !text_equal(wish, turn->facts->slug);
    if (!*changed)
        return arena_strdup(turn->arena, wish);
    hash_sha256(id, strlen(id), hex);
    if (length + SLUG_HASH + 1 > limit)
        length = limit > SLUG_HASH + 1 ? limit - SLUG_HASH - 1 : 0;
    return arena_printf(turn->arena, "%.*s-%.*s", length > 0 ? (int)length : 1, length > 0 ? wish : "e", SLUG_HASH,
                        hex);
}

static bool has_row(const struct engine_turn *turn)
{
    return turn->environment != NULL && turn->environment->status != ENVIRONMENT_DESTROYED;
}

bool prepare_must_repeat(struct engine_turn *turn)
{
    bool changed = false;

    if (!has_row(turn))
        (void)slug_of(turn, "", &changed);
    return changed;
}

/* The branch that a run brings there, when the entry's environments belong to branches: its ref is then one, unless refs are asked for by hand too. */
static const char *branch_of(const struct engine_turn *turn)
{
    const struct run *run = turn->run;
    const struct branch *branch = turn->facts->branch;

    if (turn->entry == NULL)
        return "";
    if (branch != NULL && text_equal(branch->name, run->ref) &&
        (turn->entry->sources & (1u << SOURCE_BRANCHES | 1u << SOURCE_PULL_REQUESTS)) != 0)
        return branch->name;
    return (turn->entry->sources & (1u << SOURCE_MANUAL)) == 0 &&
                   config_entry_takes(turn->entry, run->repository, run->ref)
               ? run->ref
               : "";
}

void environment_follows_branch(struct engine_turn *turn)
{
    const struct branch *branch = turn->facts->branch;
    struct environment *environment = turn->environment;
    const char *name = branch_of(turn);

    environment->repository = turn->run->repository;
    if (!text_equal(environment->branch, name))
        environment->branch = arena_strdup(turn->arena, name);
    environment->marks &= ~(unsigned)MARK_BRANCH_GONE;
    if (branch != NULL && branch->gone_at != 0 && text_equal(branch->name, name))
        environment->marks |= MARK_BRANCH_GONE;
}

static void make_environment(struct engine_turn *turn)
{
    struct run *run = turn->run;
    struct environment *environment = arena_alloc(turn->arena, sizeof *environment);
    const struct config_entry *entry = turn->entry;
    const char *id = turn_new_id(turn);
    bool changed;

    *environment = (struct environment){
        .id = id,
        .name = run->environment_name,
        .slug = slug_of(turn, id, &changed),
        .entry = run->entry,
        .owner = text_empty(run->person) ? run->actor : run->person,
        .inputs = run->inputs,
        .status = ENVIRONMENT_ABSENT,
        .created_at = turn->facts->now_ms,
    };
    if (entry != NULL) {
        environment->tier = (int)entry->tier;
        environment->target = entry->target;
        environment->managed_by = entry->managed_by;
        environment->permanent = entry->permanent;
    }
    turn->environment = environment;
    environment_follows_branch(turn);
}

/* What a newer commit may say anew; name, slug, owner and life stay. */
static void describe_environment(struct engine_turn *turn)
{
    const struct prepare_result *prepare = turn->prepare;
    struct environment *environment = turn->environment;

    if (!text_empty(prepare->description))
        environment->description = arena_strdup(turn->arena, prepare->description);
    if (!text_empty(prepare->deployment))
        environment->deployment = arena_strdup(turn->arena, prepare->deployment);
    if (prepare->environment_tags != NULL)
        environment->tags = json_text(turn->arena, prepare->environment_tags);
}

static void set_environment(struct engine_turn *turn)
{
    if (!has_row(turn))
        make_environment(turn);
    describe_environment(turn);
    turn->run->environment = turn->environment->id;
    for (size_t i = 0; i < turn->steps.rows.count; i++) {
        const struct step *step = step_at(turn, i);

        if (step != NULL && !text_equal(step->environment, turn->environment->id))
            step_edit(turn, i)->environment = turn->environment->id;
    }
}

static void prepare_ready(struct engine_turn *turn, const char *reason)
{
    for (size_t i = 0; i < turn->steps.rows.count; i++) {
        const struct step *step = step_at(turn, i);
        struct step *edited;

        if (step == NULL || step->phase != PHASE_PREPARE)
            continue;
        edited = step_edit(turn, i);
        edited->status = STEP_READY;
        edited->status_reason = reason;
        edited->ready_at = turn->facts->now_ms;
        edited->ended_at = edited->not_before_at = 0;
        edited->attempts = edited->attempt + PREPARE_ATTEMPTS;
        edited->token = "";
    }
}

void prepare_again(struct engine_turn *turn)
{
    set_environment(turn);
    prepare_ready(turn, "its slug was taken, it is prepared with another");
    turn->run->status_reason = arena_printf(turn->arena, "its slug is %s", turn->environment->slug);
}

/* --- the run --------------------------------------------------------------------------------------------------- */

static void add_author(json_t *authors, const char *identity)
{
    size_t at;
    json_t *known;

    if (text_empty(identity))
        return;
    json_array_foreach(authors, at, known)
    {
        if (text_equal(json_string_value(known), identity))
            return;
    }
    json_array_append_new(authors, json_string(identity));
}

static void add_person(const struct engine_turn *turn, json_t *authors, const char *identity)
{
    const char *person =
        turn->facts->config != NULL && !text_empty(identity) ? policy_person(turn->facts->config, identity, "") : "";

    add_author(authors, text_empty(person) ? identity : person);
}

static const char *authors_of(struct engine_turn *turn)
{
    json_t *authors = json_array();
    const char *text;

    add_person(turn, authors, turn->prepare->author_email);
    add_person(turn, authors, turn->prepare->committer_email);
    add_author(authors, turn->run->person);
    add_author(authors, turn->run->actor);
    text = json_text(turn->arena, authors);
    json_decref(authors);
    return text;
}

/* What prepare returned without the resources (each is in its plan step, but for those that have none) and without the templates' bodies (they have rows). */
static const char *lean_body(struct engine_turn *turn)
{
    json_t *lean = json_object(), *templates = json_array(), *row;
    static const char *const kept[] = {"checks", "entrypoints", "links", "status_endpoints"};
    size_t at;
    json_t *foreign = json_array();
    const char *text;

    for (size_t i = 0; i < turn->prepare->wanted.count; i++) {
        const struct wanted_resource *wanted = &turn->prepare->wanted.items[i];

        if (wanted->external || !text_empty(wanted->shared_environment))
            json_array_append(foreign, json_array_get(json_object_get(turn->prepare_body, "wanted"), i));
    }
    json_object_set_new(lean, "foreign", foreign);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        json_t *value = json_object_get(turn->prepare_body, kept[i]);

        if (value != NULL)
            json_object_set(lean, kept[i], value);
    }
    json_array_foreach(turn->prepare->templates, at, row)
    {
        json_t *version = json_object_get(row, "version");
        json_t *entry = json_object();

        json_object_set_new(entry, "name", json_string(json_get_text(row, "name")));
        json_object_set_new(entry, "commit", json_string(json_get_text(row, "commit")));
        json_object_set_new(entry, "repository", json_string(json_get_text(row, "repository")));
        if (version != NULL)
            json_object_set(entry, "version", version);
        json_array_append_new(templates, entry);
    }
    json_object_set_new(lean, "templates", templates);
    text = json_text(turn->arena, lean);
    json_decref(lean);
    return text;
}

static void fill_run(struct engine_turn *turn)
{
    const struct prepare_result *prepare = turn->prepare;
    json_t *sources = json_object_get(turn->prepare_body, "sources");
    struct run *run = turn->run;

    run->commit = arena_strdup(turn->arena, prepare->commit);
    run->subject = arena_strdup(turn->arena, prepare->subject);
    run->sources = json_text(turn->arena, sources);
    run->authors = authors_of(turn);
    run->wanted = lean_body(turn);
    if (!run_rolls_back(run) || text_empty(run->settings)) /* what an input's row says today is none of a release's */
        run->settings = turn->prepare->settings != NULL ? json_text(turn->arena, turn->prepare->settings) : "";
    run->base = base_text(turn);
}

/* --- templates and groups ------------------------------------------------------------------------------------------ */

static void put_templates(struct engine_turn *turn)
{
    size_t at;
    json_t *json;
    struct error error;

    json_array_foreach(turn->prepare->templates, at, json)
    {
        struct template_row *row = arena_alloc(turn->arena, sizeof *row);

        if (record_from_json(&template_type, json, turn->arena, row, &error) && !text_empty(row->id))
            turn_put(turn, &template_type, row);
        else
            turn_audit(turn, "template.unreadable", "", "failed", json_get_text(json, "name"), NULL);
    }
}

static void put_groups(struct engine_turn *turn)
{
    size_t at;
    json_t *json;
    struct error error;

    json_array_foreach(turn->prepare->groups, at, json)
    {
        struct resource_group *row = arena_alloc(turn->arena, sizeof *row);

        if (!record_from_json(&resource_group_type, json, turn->arena, row, &error) || text_empty(row->name))
            continue;
        row->environment = turn->environment->id;
        row->id = arena_printf(turn->arena, "%s/%s", turn->environment->id, row->name);
        turn_put(turn, &resource_group_type, row);
    }
}

/* --- plan steps -------------------------------------------------------------------------------------------------- */

static const char *plan_spec(struct engine_turn *turn, json_t *wanted, const struct resource *recorded)
{
    json_t *spec = json_object();
    const char *text;

    json_object_set_new(spec, "wanted", wanted == NULL ? json_null() : json_incref(wanted));
    json_object_set_new(spec, "recorded", recorded == NULL ? json_null() : record_to_json(&resource_type, recorded));
    text = json_text(turn->arena, spec);
    json_decref(spec);
    return text;
}

#define PLAN_ATTEMPTS 3
#define PLAN_BACKOFF_MS 2000

/* A step planned before keeps its number of attempts: each attempt's traces on disk are its own. */
static void put_plan_step(struct engine_turn *turn, struct map *old, const struct step *step)
{
    uintptr_t place = (uintptr_t)map_remove(old, step->id);
    struct step *edited;
    int64_t attempt;

    if (place == 0) {
        (void)turn_add(&turn->steps, step);
        return;
    }
    edited = step_edit(turn, place - 1);
    attempt = edited->attempt;
    *edited = *step;
    edited->attempt = attempt;
    edited->attempts = attempt + PLAN_ATTEMPTS;
}

static struct step *new_plan_step(struct engine_turn *turn, const char *address, int64_t position)
{
    struct step *step = arena_alloc(turn->arena, sizeof *step);

    *step = (struct step){
        .id = arena_printf(turn->arena, "%s.plan.%s", turn->run->id, address),
        .run = turn->run->id,
        .environment = turn->run->environment,
        .phase = PHASE_PLAN,
        .status = STEP_READY,
        .address = arena_strdup(turn->arena, address),
        .position = position,
        .attempts = PLAN_ATTEMPTS,
        .backoff_ms = PLAN_BACKOFF_MS,
        .repeatable = true,
        .ready_at = turn->facts->now_ms,
        .exit_status = -1,
        .progress = -1,
    };
    return step;
}

/* Rows that are not there any more are not recorded; they stay only to be seen until the run ends. */
static const struct resource *recorded_at(const struct engine_turn *turn, size_t at)
{
    const struct resource *resource = resource_at(turn, at);

    return resource == NULL || resource->status == RESOURCE_GONE || resource->created_at == 0 ? NULL : resource;
}

static bool is_foreign(const struct resource *resource)
{
    return resource->external || !text_empty(resource->shared_environment);
}

static void add_plan(struct engine_turn *turn, const char *address, const char *template, const char *executor,
                     int action, const char *summary, int64_t position)
{
    struct plan *plan = arena_alloc(turn->arena, sizeof *plan);

    *plan = (struct plan){
        .id = arena_printf(turn->arena, "%s/%s", turn->run->id, address),
        .run = turn->run->id,
        .environment = turn->run->environment,
        .address = arena_strdup(turn->arena, address),
        .template = arena_strdup(turn->arena, template),
        .executor = arena_strdup(turn->arena, executor),
        .action = action,
        .summary = summary,
        .position = position,
        .created_at = turn->facts->now_ms,
    };
    (void)turn_add(&turn->plans, plan);
}

/* What is gone from the templates: destroyed where it is ours, forgotten where it is not. */
static void add_vanished(struct engine_turn *turn, struct map *old, size_t at, int64_t position)
{
    const struct resource *resource = resource_at(turn, at);
    struct step *step;

    if (is_foreign(resource)) {
        add_plan(turn, resource->address, resource->template, resource->executor, PLAN_FORGET,
                 "is not of this environment: forgotten, not touched", position);
        return;
    }
    step = new_plan_step(turn, resource->address, position);
    step->template = resource->template;
    step->executor = resource->executor;
    step->runner = resource->runner;
    step->target = resource->target;
    step->pool = resource->pool;
    step->timeout_ms = resource->timeout_ms;
    step->spec = plan_spec(turn, NULL, resource);
    put_plan_step(turn, old, step);
}

struct planned_uses { /* the plans that one waits for */
    const struct engine_turn *turn;
    const char *address;
    json_t *needs;
};

static bool has_plan_step(const struct engine_turn *turn, const char *address)
{
    for (size_t i = 0; i < turn->prepare->wanted.count; i++) {
        const struct wanted_resource *wanted = &turn->prepare->wanted.items[i];

        if (text_equal(wanted->address, address))
            return !wanted->external && text_empty(wanted->shared_environment);
    }
    return false;
}

static void visit_planned_use(const char *path, void *context)
{
    struct planned_uses *uses = context;
    struct str address = STR_INIT;

    if (expand_output_key(path, &address) != NULL && !text_equal(address.data, uses->address) &&
        has_plan_step(uses->turn, address.data))
        json_array_append_new(uses->needs, json_sprintf("%s.plan.%s", uses->turn->run->id, address.data));
    str_release(&address);
}

/* Who uses what another gives is planned after it, with what that plan knows. */
static void wait_for_plans(struct engine_turn *turn, struct step *step, const json_t *spec)
{
    struct planned_uses uses = {.turn = turn, .address = step->address, .needs = json_array()};

    expand_paths(spec, visit_planned_use, &uses);
    if (json_array_size(uses.needs) > 0) {
        step->needs = json_text(turn->arena, uses.needs);
        step->status = STEP_WAITING;
    }
    json_decref(uses.needs);
}

static void add_wanted(struct engine_turn *turn, struct map *old, const struct wanted_resource *wanted, json_t *json,
                       const struct resource *recorded, int64_t position)
{
    struct step *step;

    if (wanted->external || !text_empty(wanted->shared_environment)) {
        add_plan(turn, wanted->address, wanted->template, wanted->executor, PLAN_NONE,
                 wanted->external ? "is only observed" : "belongs to another environment", position);
        return;
    }
    step = new_plan_step(turn, wanted->address, position);
    step->template = arena_strdup(turn->arena, wanted->template);
    step->executor = arena_strdup(turn->arena, wanted->executor);
    step->runner = arena_strdup(turn->arena, wanted->runner);
    step->target = arena_strdup(turn->arena, wanted->target);
    step->pool = arena_strdup(turn->arena, wanted->pool);
    step->timeout_ms = wanted->timeout_ms;
    step->spec = plan_spec(turn, json, recorded);
    if (strstr(step->spec, "\"$parts\"") != NULL)
        wait_for_plans(turn, step, wanted->spec);
    put_plan_step(turn, old, step);
}

static void index_recorded(const struct engine_turn *turn, struct map *map)
{
    for (size_t i = 0; i < turn->resources.rows.count; i++) {
        const struct resource *resource = recorded_at(turn, i);

        if (resource != NULL)
            (void)map_set(map, resource->address, (void *)(uintptr_t)(i + 1));
    }
}

/* Plan rows and steps of an earlier plan of this run: the rows go, the steps are found by id. */
static void begin_plans(struct engine_turn *turn, struct map *old)
{
    for (size_t i = 0; i < turn->plans.rows.count; i++)
        turn_drop(&turn->plans, i);
    for (size_t i = 0; i < turn->steps.rows.count; i++) {
        const struct step *step = step_at(turn, i);

        if (step != NULL && step->phase == PHASE_PLAN)
            (void)map_set(old, step->id, (void *)(uintptr_t)(i + 1));
    }
}

static void end_plans(struct engine_turn *turn, struct map *old)
{
    size_t at = 0;
    const char *id;
    void *place;

    while (map_next(old, &at, &id, &place))
        turn_drop(&turn->steps, (uintptr_t)place - 1);
    map_release(old);
}

static void add_plan_steps(struct engine_turn *turn)
{
    const json_t *list = json_object_get(turn->prepare_body, "wanted");
    struct map map = {0}, old = {0};
    int64_t position = 0;

    begin_plans(turn, &old);
    index_recorded(turn, &map);
    for (size_t i = 0; i < turn->prepare->wanted.count; i++) {
        const struct wanted_resource *wanted = &turn->prepare->wanted.items[i];
        uintptr_t place = (uintptr_t)map_remove(&map, wanted->address);

        add_wanted(turn, &old, wanted, json_array_get(list, i), place == 0 ? NULL : resource_at(turn, place - 1),
                   position++);
    }
    for (size_t i = turn->resources.rows.count; i-- > 0;) {
        const struct resource *resource = recorded_at(turn, i);

        if (resource != NULL && map_get(&map, resource->address) != NULL)
            add_vanished(turn, &old, i, position++);
    }
    map_release(&map);
    end_plans(turn, &old);
}

void prepare_take(struct engine_turn *turn)
{
    set_environment(turn);
    fill_run(turn);
    put_templates(turn);
    put_groups(turn);
    add_plan_steps(turn);
}

void plan_recorded(struct engine_turn *turn)
{
    struct map old = {0};
    int64_t position = 0;

    if (turn->run->started_at == 0)
        turn->run->started_at = turn->facts->now_ms;
    turn->run->base = base_text(turn);
    begin_plans(turn, &old);
    for (size_t i = turn->resources.rows.count; i-- > 0;) {
        if (recorded_at(turn, i) != NULL)
            add_vanished(turn, &old, i, position++);
    }
    end_plans(turn, &old);
}

/* What the run stood on moved: it is planned over what is recorded now, and nothing that was approved holds. */
void plan_again(struct engine_turn *turn)
{
    struct run *run = turn->run;

    if (run->approved_at != 0)
        plan_keep(turn);
    gate_clear_approvals(turn, turn->reason);
    run->digest = run->gate = "";
    run->gate_at = run->gate_expires_at = 0;
    if (run_destroys(run))
        plan_recorded(turn);
    else if (run_is_exec(run))
        exec_plan(turn);
    else
        prepare_ready(turn, turn->reason);
}
