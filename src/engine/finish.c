/* SPDX-License-Identifier: ISC */
/* How a run ends: validated and released, destroyed, held with its evidence, failed, cancelled; and what is left behind. */
#include "engine/turn.h"

#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/policy/life.h"

#define APPLIES (PHASES(PHASE_APPLY) | PHASES(PHASE_DESTROY))

bool changed_anything(const struct engine_turn *turn)
{
    for (size_t i = 0; i < turn->steps.rows.count; i++) {
        const struct step *step = step_at(turn, i);

        if (step != NULL && step->attempt > 0 &&
            ((PHASES(step->phase) & APPLIES) != 0 || (step->phase == PHASE_EXEC && turn->run->applying_at != 0)))
            return true;
    }
    return false;
}

/* --- evidence --------------------------------------------------------------------------------------------------- */

void evidence_remove(struct engine_turn *turn)
{
    bool held = false;

    for (size_t i = 0; i < turn->holds.rows.count; i++) {
        const struct hold *hold = hold_at(turn, i);

        if (hold != NULL && text_equal(hold->kind, "evidence"))
            turn_drop(&turn->holds, i);
        else
            held |= hold != NULL && text_equal(hold->kind, "hold");
    }
    if (turn->environment != NULL && !held)
        turn->environment->marks &= ~(unsigned)MARK_HELD;
}

static void evidence_keep(struct engine_turn *turn)
{
    struct hold *hold = arena_alloc(turn->arena, sizeof *hold);

    *hold = (struct hold){
        .id = turn_new_id(turn),
        .environment = turn->environment->id,
        .kind = "evidence",
        .reason = turn->run->status_reason,
        .by = arena_printf(turn->arena, "run %s", turn->run->id),
        .since = turn->facts->now_ms,
    };
    (void)turn_add(&turn->holds, hold);
    turn->environment->marks |= MARK_HELD;
}

/* --- validating --------------------------------------------------------------------------------------------------- */

static int64_t timeout_of(const json_t *check)
{
    int64_t ms = json_get_int(check, "timeout_ms");
    struct error error;

    return ms > 0 || duration_parse(json_get_text(check, "timeout"), &ms, &error) ? ms : 0;
}

static void add_check(struct engine_turn *turn, json_t *check, size_t at)
{
    struct step *step = arena_alloc(turn->arena, sizeof *step);
    const char *name = json_get_text(check, "name");
    json_t *spec = json_object();

    if (text_empty(name))
        name = arena_printf(turn->arena, "%zu", at + 1);
    json_object_set(spec, "check", check);
    *step = (struct step){
        .id = arena_printf(turn->arena, "%s.check.%s", turn->run->id, name),
        .run = turn->run->id,
        .environment = turn->run->environment,
        .phase = PHASE_CHECK,
        .status = STEP_READY,
        .address = arena_strdup(turn->arena, name),
        .executor = "check",
        .runner = arena_strdup(turn->arena, json_get_text(check, "runner")),
        .spec = json_text(turn->arena, spec),
        .position = (int64_t)at,
        .attempts = json_get_int(check, "attempts") > 1 ? json_get_int(check, "attempts") : 1,
        .timeout_ms = timeout_of(check),
        .ready_at = turn->facts->now_ms,
        .exit_status = -1,
        .progress = -1,
    };
    json_decref(spec);
    if (turn_find(&turn->steps, step->id) < 0)
        (void)turn_add(&turn->steps, step);
}

/* What only is observed, or is another environment's, has a row but no step. */
static void put_foreign(struct engine_turn *turn, const json_t *wanted)
{
    const json_t *list = json_object_get(wanted, "foreign");
    size_t at;
    json_t *item;

    json_array_foreach(list, at, item) resource_is_foreign(turn, item);
}

static void forget_foreign(struct engine_turn *turn)
{
    for (size_t i = 0; i < turn->plans.rows.count; i++) {
        const struct plan *plan = plan_at(turn, i);
        long at = plan == NULL || plan->action != PLAN_FORGET ? -1 : resource_find(turn, plan->address);

        if (at >= 0)
            turn_drop(&turn->resources, (size_t)at);
    }
}

void check_start(struct engine_turn *turn)
{
    json_t *wanted = json_column(turn->run->wanted);
    const json_t *checks = json_object_get(wanted, "checks");
    size_t at;
    json_t *check;

    lock_take(turn);
    turn->environment->status = ENVIRONMENT_VALIDATING;
    turn->environment->status_reason = "";
    put_foreign(turn, wanted);
    resources_describe_unchanged(turn);
    if (steps_count(turn, PHASES(PHASE_CHECK)).total == 0) {
        json_array_foreach(checks, at, check) add_check(turn, check, at);
    } else {
        (void)steps_again(turn, PHASES(PHASE_CHECK));
        steps_ready(turn, PHASES(PHASE_CHECK), NULL);
    }
    json_decref(wanted);
}

/* --- done ------------------------------------------------------------------------------------------------------------- */

static bool resolve_output(const char *path, struct str *value, void *context, struct error *error)
{
    const struct engine_turn *turn = context;
    struct str address = STR_INIT;
    const char *key = expand_output_key(path, &address);
    long at = key == NULL ? -1 : resource_find(turn, address.data);
    json_t *outputs = at < 0 ? NULL : json_column(resource_at(turn, (size_t)at)->outputs);
    const char *found = key == NULL ? "" : json_get_text(outputs, key);
    bool known = !text_empty(found);

    if (known)
        str_add(value, found);
    json_decref(outputs);
    str_release(&address);
    return known || error_set(error, ERROR_NOT_FOUND, "'%s' was given by nothing", path);
}

json_t *with_outputs(const struct engine_turn *turn, const json_t *json, struct error *error)
{
    return expand_parts(json, resolve_output, (void *)(uintptr_t)turn, error);
}

static void put_entrypoint(struct engine_turn *turn, const char *kind, json_t *item, struct map *kept)
{
    struct entrypoint *row = arena_alloc(turn->arena, sizeof *row);
    struct error error = {0};
    json_t *resolved = with_outputs(turn, item, &error);
    const char *name = arena_strdup(turn->arena, json_get_text(item, "name"));

    *row = (struct entrypoint){
        .id = arena_printf(turn->arena, "%s/%s/%s", turn->environment->id, kind, name),
        .environment = turn->environment->id,
        .template = arena_strdup(turn->arena, json_get_text(item, "template")),
        .name = name,
        .url = arena_strdup(turn->arena, resolved != NULL ? json_get_text(resolved, "url") : ""),
        .kind = kind,
        .status = RESOURCE_UNKNOWN,
        .status_reason = resolved != NULL ? "" : arena_strdup(turn->arena, error.message),
    };
    json_decref(resolved);
    for (size_t i = 0; i < turn->facts->entrypoints.count; i++) {
        const struct entrypoint *old = turn->facts->entrypoints.items[i];

        if (text_equal(old->id, row->id) && text_equal(old->url, row->url)) {
            row->status = old->status;
            row->status_reason = old->status_reason;
            row->observed_at = old->observed_at;
        }
    }
    (void)map_set(kept, row->id, row);
    turn_put(turn, &entrypoint_type, row);
    if (text_equal(kind, "entrypoint") && text_empty(turn->environment->entrypoint))
        turn->environment->entrypoint = row->url;
}

static void put_entrypoints(struct engine_turn *turn, const json_t *wanted)
{
    static const char *const kinds[][2] = {
        {"entrypoints", "entrypoint"}, {"links", "link"}, {"status_endpoints", "status_endpoint"}};
    struct map kept = {0};
    size_t at;
    json_t *item;

    turn->environment->entrypoint = "";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        json_array_foreach(json_object_get(wanted, kinds[i][0]), at, item)
            put_entrypoint(turn, kinds[i][1], item, &kept);
    for (size_t i = 0; i < turn->facts->entrypoints.count; i++)
        if (map_get(&kept, turn->facts->entrypoints.items[i]->id) == NULL)
            turn_remove(turn, &entrypoint_type, turn->facts->entrypoints.items[i]->id);
    map_release(&kept);
}

static void put_template_rows(struct engine_turn *turn, const json_t *wanted)
{
    struct map kept = {0};
    size_t at;
    json_t *item;

    json_array_foreach(json_object_get(wanted, "templates"), at, item)
    {
        struct environment_template *row = arena_alloc(turn->arena, sizeof *row);
        json_t *version = json_object_get(item, "version");

        *row = (struct environment_template){
            .environment = turn->environment->id,
            .template = arena_strdup(turn->arena, json_get_text(item, "name")),
            .version = json_is_integer(version)
                           ? arena_printf(turn->arena, "%lld", (long long)json_integer_value(version))
                           : arena_strdup(turn->arena, json_get_text(item, "version")),
            .commit = arena_strdup(turn->arena, json_get_text(item, "commit")),
            .repository = arena_strdup(turn->arena, json_get_text(item, "repository")),
        };
        row->id = arena_printf(turn->arena, "%s/%s", row->environment, row->template);
        (void)map_set(&kept, row->id, row);
        turn_put(turn, &environment_template_type, row);
    }
    for (size_t i = 0; i < turn->facts->templates.count; i++)
        if (map_get(&kept, turn->facts->templates.items[i]->id) == NULL)
            turn_remove(turn, &environment_template_type, turn->facts->templates.items[i]->id);
    map_release(&kept);
}

static const char *released_resources(struct engine_turn *turn)
{
    json_t *list = json_array();
    const char *text;

    for (size_t i = 0; i < turn->resources.rows.count; i++) {
        const struct resource *resource = resource_at(turn, i);
        json_t *item;

        if (resource == NULL)
            continue;
        item = json_object();
        json_object_set_new(item, "address", json_string(resource->address));
        json_object_set_new(item, "spec_digest", json_string(resource->spec_digest ? resource->spec_digest : ""));
        json_array_append_new(list, item);
    }
    text = json_text(turn->arena, list);
    json_decref(list);
    return text;
}

static int64_t last_release(const struct engine_turn *turn)
{
    int64_t last = turn->environment->release;

    if (turn->facts->releases.count > 0 && turn->facts->releases.items[0]->version > last)
        last = turn->facts->releases.items[0]->version;
    return last;
}

/* The same commit with nothing to do is the release that is there already. */
static bool is_released(const struct engine_turn *turn)
{
    const struct release *last = turn->facts->releases.count > 0 ? turn->facts->releases.items[0] : NULL;

    return plan_changes_nothing(turn->run) && last != NULL && last->validated &&
           last->version == turn->environment->release && text_equal(last->commit, turn->run->commit) &&
           text_equal(last->inputs, turn->run->inputs);
}

static void put_release(struct engine_turn *turn, const json_t *wanted)
{
    struct run *run = turn->run;
    struct release *release;

    if (run_rolls_back(run) && rollback_done(turn))
        return;
    if (!run_rolls_back(run))
        turn->environment->excluded_commit = ""; /* a newer one came, or a person deployed it all the same */
    if (is_released(turn))
        return;
    release = arena_alloc(turn->arena, sizeof *release);
    *release = (struct release){
        .environment = turn->environment->id,
        .version = last_release(turn) + 1,
        .run = run->id,
        .commit = run->commit,
        .sources = run->sources,
        .inputs = run->inputs,
        .settings = run->settings,
        .templates = json_text(turn->arena, json_object_get(wanted, "templates")),
        .resources = released_resources(turn),
        .validated = true,
        .verdict = "good",
        .created_at = turn->facts->now_ms,
    };
    release->id = arena_printf(turn->arena, "%s/v%lld", turn->environment->id, (long long)release->version);
    turn_put(turn, &release_type, release);
    turn->environment->release = release->version;
    run->status_reason = arena_printf(turn->arena, "release v%lld", (long long)release->version);
}

int64_t life_latest(const struct engine_turn *turn, const struct config_entry *entry)
{
    const int64_t now = turn->facts->now_ms;
    struct environment deployed = {.created_at = now};

    if (turn->environment != NULL && turn->environment->deployed_at != 0 &&
        turn->environment->status != ENVIRONMENT_DESTROYED)
        deployed = *turn->environment;
    deployed.deployed_at = deployed.used_at = now;
    return entry != NULL ? policy_life_latest(entry, &deployed, turn->facts->branch) : INT64_MAX;
}

void life_set(struct engine_turn *turn)
{
    struct environment *environment = turn->environment;
    struct environment deployed = *environment;

    deployed.deployed_at = deployed.used_at = turn->facts->now_ms;
    if (environment->permanent) {
        environment->planned_destruction_at = 0;
    } else if (turn->run->ttl_ms > 0) {
        const int64_t latest = life_latest(turn, turn->entry), asked = turn->facts->now_ms + turn->run->ttl_ms;
        const int64_t end = asked < latest ? asked : latest;

        if (end > environment->planned_destruction_at)
            environment->planned_destruction_at = environment->given_until = end;
        environment->marks &= ~(unsigned)MARK_EXPIRING;
    } else if (turn->entry != NULL && policy_life_grows(turn->entry, &deployed, turn->facts->branch)) {
        environment->planned_destruction_at = deployed.planned_destruction_at;
        environment->marks &= ~(unsigned)MARK_EXPIRING;
    }
}

static void note_use(struct engine_turn *turn, const char *by)
{
    turn->environment->used_at = turn->facts->now_ms;
    turn->environment->used_by = by;
}

void life_used(struct engine_turn *turn, const struct config_entry *entry, const char *by)
{
    struct environment *environment = turn->environment;

    note_use(turn, by);
    if (entry != NULL && text_equal(entry->ttl_from, "last_use") && environment->planned_destruction_at != 0)
        (void)policy_life_grows(entry, environment, NULL);
}

static void forget_gone(struct engine_turn *turn)
{
    for (size_t i = 0; i < turn->resources.rows.count; i++)
        if (resource_at(turn, i) != NULL && resource_at(turn, i)->status == RESOURCE_GONE)
            turn_drop(&turn->resources, i);
}

static void deploy_done(struct engine_turn *turn)
{
    struct environment *environment = turn->environment;
    json_t *wanted = json_column(turn->run->wanted);

    forget_foreign(turn);
    forget_gone(turn);
    put_entrypoints(turn, wanted);
    put_template_rows(turn, wanted);
    put_release(turn, wanted);
    json_decref(wanted);
    environment->status = ENVIRONMENT_OK;
    environment->status_reason = "";
    environment->commit = turn->run->commit;
    environment->deployed_at = turn->facts->now_ms;
    environment->inputs = turn->run->inputs;
    environment->marks &= ~(unsigned)(MARK_DEGRADED | MARK_DRIFTED | MARK_WAITING);
    life_set(turn);
    note_use(turn, arena_printf(turn->arena, "run %s", turn->run->id));
    lock_release(turn);
}

#define RECIPE_KEPT_MS (90 * MS_DAY)

static void put_recipe(struct engine_turn *turn)
{
    const struct environment *environment = turn->environment;
    const struct release *last = turn->facts->releases.count > 0 ? turn->facts->releases.items[0] : NULL;
    struct recipe *recipe = arena_alloc(turn->arena, sizeof *recipe);

    *recipe = (struct recipe){
        .id = environment->id,
        .name = environment->name,
        .entry = environment->entry,
        .sources = last != NULL ? last->sources : "",
        .inputs = last != NULL ? last->inputs : environment->inputs,
        .templates = last != NULL ? last->templates : "",
        .reason = turn->run->reason,
        .run = turn->run->id,
        .destroyed_at = turn->facts->now_ms,
        .kept_until = turn->facts->now_ms + RECIPE_KEPT_MS,
    };
    turn_put(turn, &recipe_type, recipe);
}

static void destroy_done(struct engine_turn *turn)
{
    struct environment *environment = turn->environment;

    put_recipe(turn);
    for (size_t i = 0; i < turn->resources.rows.count; i++)
        turn_drop(&turn->resources, i);
    for (size_t i = 0; i < turn->holds.rows.count; i++)
        turn_drop(&turn->holds, i);
    for (size_t i = 0; i < turn->facts->entrypoints.count; i++)
        turn_remove(turn, &entrypoint_type, turn->facts->entrypoints.items[i]->id);
    for (size_t i = 0; i < turn->facts->templates.count; i++)
        turn_remove(turn, &environment_template_type, turn->facts->templates.items[i]->id);
    for (size_t i = 0; i < turn->facts->groups.count; i++)
        turn_remove(turn, &resource_group_type, turn->facts->groups.items[i]->id);
    environment->status = ENVIRONMENT_DESTROYED;
    environment->status_reason = arena_printf(turn->arena, "destroyed by run %s", turn->run->id);
    environment->destroyed_at = turn->facts->now_ms;
    environment->planned_destruction_at = environment->release = 0; /* ends_at stays: whether it ended by itself */
    environment->marks = 0;
    environment->commit = environment->entrypoint = "";
    lock_release(turn);
}

void finish_done(struct engine_turn *turn)
{
    if (run_destroys(turn->run))
        destroy_done(turn);
    else
        deploy_done(turn);
}

/* --- not done ----------------------------------------------------------------------------------------------------------- */

static bool another_waits(const struct engine_turn *turn)
{
    for (size_t i = 0; i < turn->runs.rows.count; i++) {
        const struct run *other = run_at(turn, i);

        if (other != NULL && other->status == RUN_GATE && !text_equal(other->id, turn->run->id))
            return true;
    }
    return false;
}

/* It had begun to change things and stood at the gate again, or was held: what it left is what failed. */
static void leave_half_done(struct engine_turn *turn)
{
    struct environment *environment = turn->environment;

    if (environment == NULL || environment->status == ENVIRONMENT_DESTROYED ||
        !text_equal(turn->facts->applied_run, turn->run->id))
        return;
    evidence_remove(turn);
    if (environment->status == ENVIRONMENT_DEPLOYING || environment->status == ENVIRONMENT_DESTROYING ||
        environment->status == ENVIRONMENT_VALIDATING) {
        environment->status = ENVIRONMENT_FAILED;
        environment->status_reason = turn->run->status_reason;
    }
}

static bool somebody_stands_on(const struct engine_turn *turn)
{
    if (turn->environment->is_protected)
        return true;
    for (size_t i = 0; i < turn->holds.rows.count; i++)
        if (hold_at(turn, i) != NULL)
            return true;
    for (size_t i = 0; i < turn->runs.rows.count; i++) {
        const struct run *other = run_at(turn, i);

        if (other != NULL && !run_ended((enum run_status)other->status) && !text_equal(other->id, turn->run->id) &&
            text_equal(other->environment, turn->environment->id))
            return true;
    }
    return false;
}

/* A row that was made for a slug and then never deployed to is no environment: it goes with the last run that stood on it. */
static void forget_environment(struct engine_turn *turn)
{
    if (turn->environment == NULL || turn->environment->status != ENVIRONMENT_ABSENT || turn->facts->applied_at != 0 ||
        turn->run->applying_at != 0 || turn->facts->resources.count > 0 || somebody_stands_on(turn))
        return;
    for (size_t i = 0; i < turn->facts->groups.count; i++)
        turn_remove(turn, &resource_group_type, turn->facts->groups.items[i]->id);
    for (size_t i = turn->effects->puts.count; i-- > 0;)
        if (turn->effects->puts.items[i].type == &resource_group_type)
            turn_remove(turn, &resource_group_type, turn->effects->puts.items[i].id);
    turn->run->environment = "";
    turn->environment = NULL;
    turn->forgotten = turn->facts->environment != NULL;
}

/* Ends before anything was changed, or long after: the environment stays as it is. */
void finish_untouched(struct engine_turn *turn)
{
    steps_end(turn, turn->run->status_reason);
    turn->run->ended_at = turn->facts->now_ms;
    if (turn->environment != NULL && !another_waits(turn))
        turn->environment->marks &= ~(unsigned)MARK_WAITING;
    if (turn->run->applying_at != 0)
        leave_half_done(turn);
    lock_release(turn);
    forget_environment(turn);
}

/* Lists show it: what a deploy would do. */
void finish_planned(struct engine_turn *turn)
{
    const struct run *run = turn->run;
    const struct {
        int64_t count;
        const char *what;
    } parts[] = {{run->destroys, "to destroy"},
                 {run->replaces, "to replace"},
                 {run->creates, "to create"},
                 {run->updates, "to update"},
                 {run->deferred, "deferred"}};
    const char *text = "";

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].count > 0)
            text = arena_printf(turn->arena, "%s%s%lld %s", text, *text != '\0' ? ", " : "", (long long)parts[i].count,
                                parts[i].what);
    turn->run->status_reason = arena_printf(turn->arena, "planned: %s", *text != '\0' ? text : "nothing would change");
    finish_untouched(turn);
}

void leave_failed(struct engine_turn *turn)
{
    resources_forget_waiting(turn);
    turn->environment->status = ENVIRONMENT_FAILED;
    turn->environment->status_reason = turn->run->status_reason;
    lock_release(turn);
}

void finish_held(struct engine_turn *turn)
{
    const char *missing = rollback_missing(turn);

    if (!text_empty(missing))
        turn->run->status_reason = arena_printf(turn->arena, "%s (%s)", turn->run->status_reason, missing);
    leave_failed(turn);
    evidence_keep(turn);
}

struct run *run_of_answer(struct engine_turn *turn)
{
    const struct run *failed = turn->run;
    struct run *run = arena_alloc(turn->arena, sizeof *run);

    *run = (struct run){
        .number = turn->facts->next_run,
        .environment = failed->environment,
        .environment_name = failed->environment_name,
        .entry = failed->entry,
        .status = RUN_QUEUED,
        .origin = ORIGIN_ON_FAILURE,
        .actor = "berth",
        .via = "on_failure",
        .reason = arena_printf(turn->arena, "run %s failed: %s", failed->id, failed->status_reason),
        .on_failure = ANSWER_HOLD,
        .parent = failed->id,
        .policy_commit = turn->facts->policy_commit,
        .created_at = turn->facts->now_ms,
        .epoch = turn->facts->epoch,
    };
    run->id = arena_printf(turn->arena, "%lld", (long long)run->number);
    run->log_folder = run->id;
    turn->effects->took_run_number = true;
    (void)turn_add(&turn->runs, run);
    turn_touch(turn, run->id);
    return run;
}

void finish_failed(struct engine_turn *turn)
{
    const struct run *failed = turn->run;
    struct run *run = run_of_answer(turn);

    run->workflow = WORKFLOW_DESTROY;
    run->repository = failed->repository;
    run->ref = failed->ref;
    run->commit = failed->commit;
    leave_failed(turn);
    turn_audit(turn, "destroy.on_failure", "", "ok", arena_printf(turn->arena, "run %s", run->id), NULL);
}

/* Nothing answers a roll-back that did not come about but a person. */
void finish_not_rolled_back(struct engine_turn *turn)
{
    turn->environment->status_reason = turn->run->status_reason;
    evidence_keep(turn);
}

void finish_cancelled(struct engine_turn *turn)
{
    struct tally tally = steps_count(turn, APPLIES);

    turn->run->status_reason = arena_printf(turn->arena, "cancelled by %s: %zu of %zu steps were done",
                                            turn->run->cancel_by, tally.done, tally.total);
    leave_failed(turn);
}

/* One an end: what comes of it is never taken for that of a later end of the same run. */
static const char *forget_of(const struct engine_turn *turn, int64_t ended_at)
{
    return arena_printf(turn->arena, "%s." DELIVERY_FORGET ".%lld", turn->run->id, (long long)ended_at);
}

void artifacts_stay(struct engine_turn *turn)
{
    if (turn->facts->config != NULL && turn->facts->config->artifacts != NULL)
        turn_remove(turn, &delivery_type, forget_of(turn, turn->facts->run->ended_at));
}

/* What plans keep for their apply lies where the policy says; beside the store it goes with the run's folder. */
void artifacts_leave(struct engine_turn *turn)
{
    const struct config *config = turn->facts->config;
    struct delivery *delivery;
    bool kept = false;

    if (turn->ended == NULL || config == NULL || config->artifacts == NULL)
        return;
    for (size_t i = 0; i < turn->plans.rows.count && !kept; i++)
        kept = plan_at(turn, i) != NULL && !text_empty(plan_at(turn, i)->artifact);
    if (!kept)
        return;
    delivery = arena_alloc(turn->arena, sizeof *delivery);
    *delivery = (struct delivery){
        .id = forget_of(turn, turn->run->ended_at),
        .event = DELIVERY_FORGET,
        .environment = turn->run->environment,
        .run = turn->run->id,
        .receiver = "",
        .provider = config->artifacts->provider,
        .payload = "",
        .status = DELIVERY_WAITING,
        .created_at = turn->facts->now_ms,
        .next_at = turn->facts->now_ms,
    };
    turn_put(turn, &delivery_type, delivery);
}

/* Mid-apply a deferred resource turned out to replace or destroy: a new digest, and nothing approved holds. */
void finish_asks(struct engine_turn *turn)
{
    gate_clear_approvals(turn, turn->reason);
    plan_digest(turn);
    resources_forget_waiting(turn);
    turn->environment->status_reason = turn->reason;
    lock_release(turn);
    gate_open_for_answers(turn);
}
