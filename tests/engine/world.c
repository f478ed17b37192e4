/* SPDX-License-Identifier: ISC */
/* The rows of a world, and the supervisor's part played over them. */
#include "world.h"

#include "berth/base/str.h"
#include "berth/base/text.h"
#include "engine/accept.h"

#include <stdio.h>
#include <stdlib.h>

struct rows {
    const void **items;
    size_t count, room;
};

struct config *world_config(const char *yaml)
{
    struct arena arena = {0};
    struct problems problems;
    struct config *config;

    problems_init(&problems, &arena);
    config = config_load("berth.yaml", yaml, strlen(yaml), &problems);
    for (size_t i = 0; config == NULL && i < problems.list.count; i++)
        fprintf(stderr, "berth.yaml:%d: %s\n", problems.list.items[i].line, problems.list.items[i].message);
    BUG_ON(config == NULL);
    problems_release(&problems);
    arena_release(&arena);
    return config;
}

void world_init(struct world *world, struct config *config)
{
    *world = (struct world){.config = config, .now = WORLD_NOW, .epoch = 1, .next_run = 1};
}

void world_use_store(struct world *world)
{
    world->store = store_open_checked(store_open_memory());
}

void world_release(struct world *world)
{
    if (world->store != NULL)
        store_close(world->store);
    vec_release(&world->environments);
    vec_release(&world->resources);
    vec_release(&world->releases);
    vec_release(&world->holds);
    vec_release(&world->freezes);
    vec_release(&world->runs);
    vec_release(&world->steps);
    vec_release(&world->plans);
    vec_release(&world->approved_plans);
    vec_release(&world->approvals);
    vec_release(&world->branches);
    vec_release(&world->repositories);
    vec_release(&world->entrypoints);
    vec_release(&world->templates);
    vec_release(&world->groups);
    vec_release(&world->recipes);
    vec_release(&world->deliveries);
    vec_release(&world->commands);
    vec_release(&world->audits);
    vec_release(&world->asked_to_stop);
    vec_release(&world->wakes);
    vec_release(&world->due);
    vec_release(&world->slot_runs);
    arena_release(&world->arena);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static void *rows_of(struct world *world, const struct record_type *type)
{
    const struct {
        const struct record_type *type;
        void *rows;
    } all[] = {
        {&environment_type, &world->environments},
        {&resource_type, &world->resources},
        {&release_type, &world->releases},
        {&hold_type, &world->holds},
        {&freeze_type, &world->freezes},
        {&run_type, &world->runs},
        {&step_type, &world->steps},
        {&plan_type, &world->plans},
        {&approved_plan_type, &world->approved_plans},
        {&approval_type, &world->approvals},
        {&branch_type, &world->branches},
        {&repository_type, &world->repositories},
        {&entrypoint_type, &world->entrypoints},
        {&environment_template_type, &world->templates},
        {&resource_group_type, &world->groups},
        {&recipe_type, &world->recipes},
        {&delivery_type, &world->deliveries},
        {&command_type, &world->commands},
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].type == type)
            return all[i].rows;
    return NULL;
}

static void put_row(struct world *world, const struct record_type *type, const void *row, const char *id)
{
    VEC(const void *) *rows = rows_of(world, type);

    if (type == &command_type && world->answered == NULL && text_equal(id, world->asked))
        world->answered = row;
    if (rows == NULL)
        return;
    for (size_t i = rows->count; i-- > 0;) {
        if (!text_equal(record_id(rows->items[i]), id))
            continue;
        if (row != NULL) {
            rows->items[i] = row;
        } else {
            memmove(rows->items + i, rows->items + i + 1, (rows->count - i - 1) * sizeof *rows->items);
            rows->count--;
        }
        return;
    }
    if (row != NULL)
        vec_push(rows, row);
}

static void must(bool done, const struct error *error)
{
    char line[2048];

    if (done)
        return;
    fprintf(stderr, "%s\n", error_line(error, line, sizeof line));
    abort();
}

static void store_effects(struct world *world, const struct engine_effects *effects)
{
    struct error error;

    must(store_begin(world->store, STORE_DURABLE, &error), &error);
    for (size_t i = 0; i < effects->puts.count; i++) {
        const struct engine_put *put = &effects->puts.items[i];

        must(put->row != NULL ? store_put(world->store, put->type, put->row, &error)
                              : store_remove(world->store, put->type, put->id, &error),
             &error);
    }
    for (size_t i = 0; i < effects->audits.count; i++)
        must(store_audit(world->store, effects->audits.items[i], &error), &error);
    must(store_commit(world->store, NULL, &error), &error);
}

static void note_wake(struct world *world, const char *run, int64_t at)
{
    struct world_wake wake = {run, at};

    for (size_t i = 0; i < world->wakes.count; i++) {
        if (text_equal(world->wakes.items[i].run, run)) {
            world->wakes.items[i].at = at;
            return;
        }
    }
    vec_push(&world->wakes, wake);
}

void world_take(struct world *world, const char *run, struct engine_effects *effects)
{
    for (size_t i = 0; i < effects->puts.count; i++) {
        const struct engine_put *put = &effects->puts.items[i];

        if (world->on_put != NULL)
            world->on_put(world, put, world->context);
        put_row(world, put->type, put->row, put->id);
    }
    for (size_t i = 0; i < effects->audits.count; i++)
        vec_push(&world->audits, effects->audits.items[i]);
    for (size_t i = 0; i < effects->cancel_steps.count; i++)
        vec_push(&world->asked_to_stop, effects->cancel_steps.items[i]);
    for (size_t i = 0; i < effects->touched_runs.count; i++)
        vec_push(&world->due, effects->touched_runs.items[i]);
    if (effects->slot_runs.count > 0)
        vec_clear(&world->slot_runs);
    for (size_t i = 0; i < effects->slot_runs.count; i++)
        vec_push(&world->slot_runs, effects->slot_runs.items[i]);
    if (run != NULL && effects->wake_at > 0)
        note_wake(world, arena_strdup(&world->arena, run), effects->wake_at);
    if (effects->took_run_number)
        world->next_run++;
    if (world->store != NULL)
        store_effects(world, effects);
    engine_effects_release(effects);
}

/* --- facts ---------------------------------------------------------------------------------------------------------- */

void world_ids(struct world *world, struct engine_facts *facts)
{
    enum { IDS = 8 };
    char(*ids)[27] = arena_alloc(&world->arena, IDS * sizeof *ids);

    for (size_t i = 0; i < IDS; i++)
        snprintf(ids[i], sizeof ids[i], "ID%024lld", (long long)++world->ids);
    facts->new_id = ids;
    facts->new_id_count = IDS;
    facts->epoch = world->epoch;
    facts->policy_commit = "policy";
    facts->owner_uid = 1000;
    facts->owner_login = "al";
    facts->next_run = world->next_run;
}

static void gather_environment(struct world *world, struct engine_facts *facts)
{
    const char *id = facts->environment->id;

    GATHER(&facts->resources, &world->resources, text_equal(world->resources.items[i]->environment, id))
    GATHER(&facts->holds, &world->holds, text_equal(world->holds.items[i]->environment, id))
    GATHER(&facts->entrypoints, &world->entrypoints, text_equal(world->entrypoints.items[i]->environment, id))
    GATHER(&facts->templates, &world->templates, text_equal(world->templates.items[i]->environment, id))
    GATHER(&facts->groups, &world->groups, text_equal(world->groups.items[i]->environment, id))
    for (size_t i = world->releases.count; i-- > 0;)
        if (text_equal(world->releases.items[i]->environment, id))
            vec_push(&facts->releases, world->releases.items[i]);
}

static void gather_runs(struct world *world, const char *name, struct engine_facts *facts)
{
    for (size_t i = 0; i < world->runs.count; i++) {
        const struct run *run = world->runs.items[i];

        facts->runs_active += run_is_active(run->status);
        if (run_is_active(run->status) && world->config->limits.divides_runs) {
            const struct engine_active active = {.run = run->id, .entry = run->entry};

            vec_push(&facts->active, active);
        }
        if (run->status == RUN_QUEUED || (run->status == RUN_GATE && text_starts(run->status_reason, WAITS_FOR_SLOT)))
            vec_push(&facts->waiting, run->id);
        if (!text_equal(run->environment_name, name))
            continue;
        if (!run_ended((enum run_status)run->status))
            vec_push(&facts->runs, run);
        if (facts->environment != NULL && text_equal(run->environment, facts->environment->id) &&
            run->applying_at > facts->applied_at) {
            facts->applied_at = run->applying_at;
            facts->applied_run = run->id;
        }
    }
}

static const struct environment *environment_with_id(const struct world *world, const char *id)
{
    for (size_t i = 0; i < world->environments.count; i++)
        if (!text_empty(id) && text_equal(world->environments.items[i]->id, id))
            return world->environments.items[i];
    return NULL;
}

const struct branch *world_branch(const struct world *world, const char *name)
{
    for (size_t i = 0; i < world->branches.count; i++)
        if (text_equal(world->branches.items[i]->name, name))
            return world->branches.items[i];
    return NULL;
}

/* What the end of an environment is judged by. */
static void gather_own_branch(const struct world *world, struct engine_facts *facts)
{
    if (facts->environment == NULL)
        return;
    facts->own_branch = world_branch(world, facts->environment->branch);
    facts->fed_by = world_fed_by(world, facts->environment);
    if (world->repositories.count > 0)
        facts->own_repository = world->repositories.items[0];
}

const struct command *world_command_row(const struct world *world, const char *id)
{
    for (size_t i = 0; i < world->commands.count; i++)
        if (text_equal(world->commands.items[i]->id, id))
            return world->commands.items[i];
    return NULL;
}

static void gather_slug(struct world *world, const char *name, struct engine_facts *facts)
{
    struct str slug = STR_INIT;

    text_slug(&slug, name, 40);
    facts->slug = arena_strdup(&world->arena, slug.data);
    str_release(&slug);
    for (size_t i = 0; i < world->environments.count; i++)
        facts->slug_taken |= world->environments.items[i]->status != ENVIRONMENT_DESTROYED &&
                             text_equal(world->environments.items[i]->slug, facts->slug);
}

static void gather_run(struct world *world, const struct run *run, struct engine_facts *facts)
{
    facts->run = run;
    GATHER(&facts->steps, &world->steps, text_equal(world->steps.items[i]->run, run->id))
    GATHER(&facts->plans, &world->plans, text_equal(world->plans.items[i]->run, run->id))
    GATHER(&facts->approvals, &world->approvals, text_equal(world->approvals.items[i]->run, run->id))
    if (run->workflow == WORKFLOW_DESTROY)
        gather_own_branch(world, facts);
    for (size_t i = 0; run->status == RUN_ROLLING_BACK && i < world->runs.count; i++)
        if (text_equal(world->runs.items[i]->parent, run->id))
            facts->answer = world->runs.items[i];
    if (run->workflow == WORKFLOW_ROLLBACK && !text_empty(run->parent)) {
        facts->failed = world_run(world, run->parent);
        GATHER(&facts->failed_plans, &world->plans, text_equal(world->plans.items[i]->run, run->parent))
    }
}

void world_facts(struct world *world, const char *run, const char *name, struct engine_facts *facts)
{
    const struct run *row = run != NULL ? world_run(world, run) : NULL;

    *facts = (struct engine_facts){.now_ms = world->now, .config = world->config, .applied_run = "", .slug = ""};
    world_ids(world, facts);
    if (row != NULL) {
        facts->environment = environment_with_id(world, row->environment);
        if (facts->environment != NULL && facts->environment->status == ENVIRONMENT_DESTROYED &&
            row->workflow != WORKFLOW_DESTROY && row->workflow != WORKFLOW_ROLLBACK &&
            (row->status == RUN_QUEUED || row->status == RUN_PREPARING))
            facts->environment = NULL;
        facts->branch = world_branch(world, row->ref);
        facts->command = world_command_row(world, row->command);
        name = row->environment_name;
    }
    if (facts->environment == NULL)
        facts->environment = world_environment(world, name);
    if (facts->environment != NULL)
        gather_environment(world, facts);
    else
        gather_slug(world, name, facts);
    gather_runs(world, name, facts);
    GATHER(&facts->freezes, &world->freezes, true)
    if (row != NULL)
        gather_run(world, row, facts);
}

static void load_run(struct world *world, const char *run, struct engine_facts *facts)
{
    struct error error;

    if (world->store == NULL) {
        world_facts(world, run, NULL, facts);
        return;
    }
    must(engine_load_for_run(world->store, run, world->config, world->now, &world->arena, facts, &error), &error);
    world_ids(world, facts);
}

/* As engine_load_for_command does, over rows: a run by its number, an environment or a branch by its name. */
static void load_command(struct world *world, const struct command *command, struct engine_facts *facts)
{
    const struct run *run;
    const struct branch *branch;
    struct subject subject;
    struct error error;

    if (world->store != NULL) {
        must(engine_load_for_command(world->store, command, world->config, world->now, &world->arena, facts, &error),
             &error);
        world_ids(world, facts);
        return;
    }
    run = world_run(world, command->subject);
    if (run != NULL) {
        world_facts(world, run->id, NULL, facts);
        return;
    }
    branch = world_environment(world, command->subject) == NULL ? world_branch(world, command->subject) : NULL;
    subject_resolve(world->config, command, world_environment(world, command->subject), branch, &world->arena,
                    &subject);
    world_facts(world, NULL, text_empty(subject.environment) ? command->subject : subject.environment, facts);
    for (size_t i = 0; i < world->runs.count; i++) /* what the command may lift */
        if (world->runs.items[i]->status == RUN_GATE)
            vec_push(&facts->waiting, world->runs.items[i]->id);
    if (branch != NULL)
        facts->branch = branch;
    if (facts->branch == NULL && facts->environment != NULL)
        facts->branch = world_branch(world, facts->environment->branch);
    gather_own_branch(world, facts);
}

/* --- following ------------------------------------------------------------------------------------------------------- */

static bool same_rows(const struct record_type *type, const void *a_rows, const void *b_rows, size_t a_count,
                      size_t b_count)
{
    const void *const *a = a_rows, *const *b = b_rows;

    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++) {
        bool found = false;

        for (size_t j = 0; j < b_count && !found; j++)
            found = text_equal(record_id(a[i]), record_id(b[j])) && record_compare(type, a[i], b[j]) == RECORD_SAME;
        if (!found)
            return false;
    }
    return true;
}
#define SAME(type, part) same_rows(&(type), (a)->part.items, (b)->part.items, (a)->part.count, (b)->part.count)

static bool same_facts(const struct engine_facts *a, const struct engine_facts *b)
{
    return SAME(resource_type, resources) && SAME(release_type, releases) && SAME(hold_type, holds) &&
           SAME(run_type, runs) && SAME(step_type, steps) && SAME(plan_type, plans) && SAME(approval_type, approvals) &&
           SAME(entrypoint_type, entrypoints) && SAME(environment_template_type, templates) &&
           record_compare(&run_type, a->run, b->run) == RECORD_SAME && a->runs_active == b->runs_active &&
           a->active.count == b->active.count && text_equal(a->applied_run, b->applied_run) &&
           a->applied_at == b->applied_at &&
           text_equal(a->answer != NULL ? a->answer->id : "", b->answer != NULL ? b->answer->id : "");
}

/* Effects are written; facts that followed them must be what a load gives. */
static void end_event(struct world *world, const char *run, struct engine_facts *facts, struct engine_effects *effects)
{
    struct engine_facts loaded;

    if (world->follow)
        engine_apply_effects(facts, effects);
    world_take(world, run, effects);
    if (world->follow) {
        world_facts(world, run, NULL, &loaded);
        /* an ended run is loaded with the environment it had, which may be another by then */
        BUG_ON(!run_ended((enum run_status)facts->run->status) && !same_facts(facts, &loaded));
        engine_facts_release(&loaded);
    }
    engine_facts_release(facts);
}

/* --- acting ------------------------------------------------------------------------------------------------------------ */

static void advance(struct world *world, const char *run)
{
    struct engine_facts facts;
    struct engine_effects effects;

    load_run(world, run, &facts);
    engine_effects_init(&effects, &world->arena);
    engine_advance(&facts, &effects);
    end_event(world, run, &facts, &effects);
}

static bool slots_are_taken(const struct world *world)
{
    int active = 0;

    for (size_t i = 0; i < world->runs.count; i++)
        active += run_is_active(world->runs.items[i]->status);
    return world->config != NULL && world->config->limits.runs > 0 && active >= world->config->limits.runs;
}

/* As engine.h says: who is left when all slots are taken is not looked at. */
static void offer_slots(struct world *world)
{
    while (world->slot_runs.count > 0 && !slots_are_taken(world)) {
        const char *run = world->slot_runs.items[0];

        world->slot_runs.count--;
        memmove(world->slot_runs.items, world->slot_runs.items + 1,
                world->slot_runs.count * sizeof *world->slot_runs.items);
        advance(world, run);
    }
    vec_clear(&world->slot_runs);
}

void world_settle(struct world *world)
{
    offer_slots(world);
    for (size_t i = 0; i < world->due.count; i++) {
        BUG_ON(i > 10000);
        advance(world, world->due.items[i]);
        offer_slots(world);
    }
    vec_clear(&world->due);
}

void world_pass(struct world *world, int64_t ms)
{
    world->now += ms;
    for (size_t i = 0; i < world->wakes.count; i++) {
        if (world->wakes.items[i].at > world->now)
            continue;
        vec_push(&world->due, world->wakes.items[i].run);
        world->wakes.items[i] = world->wakes.items[--world->wakes.count];
        i--;
    }
    world_settle(world);
}

static void answer(struct world *world, const struct command *command)
{
    struct engine_facts facts;
    struct engine_effects effects;

    world->answered = NULL;
    world->asked = command->id;
    load_command(world, command, &facts);
    engine_effects_init(&effects, &world->arena);
    engine_accept(&facts, command, &effects);
    world_take(world, facts.run != NULL ? facts.run->id : NULL, &effects);
    engine_facts_release(&facts);
    BUG_ON(world->answered == NULL);
    world_settle(world);
}

const struct command *world_command(struct world *world, const char *verb, const char *subject, const char *arguments,
                                    const char *actor, const char *via)
{
    struct command *command = arena_alloc(&world->arena, sizeof *command);

    *command = (struct command){
        .id = arena_printf(&world->arena, "CMD%023lld", (long long)++world->ids),
        .verb = verb,
        .subject = subject,
        .arguments = arguments,
        .actor = actor,
        .via = via,
        .status = COMMAND_WAITING,
        .submitted_at = world->now,
    };
    answer(world, command);
    return world->answered;
}

void world_accept(struct world *world)
{
    for (size_t i = 0; i < world->commands.count; i++)
        if (world->commands.items[i]->status == COMMAND_WAITING)
            answer(world, world->commands.items[i]);
}

/* --- the supervisor's other events -------------------------------------------------------------------------------------- */

bool world_claim(struct world *world, const char *step)
{
    const struct step *row = world_step(world, step);
    struct engine_facts facts;
    struct engine_effects effects;
    bool claimed;

    BUG_ON(row == NULL);
    load_run(world, row->run, &facts);
    engine_effects_init(&effects, &world->arena);
    engine_step_claimed(&facts, step, arena_printf(&world->arena, "T%lld", (long long)++world->tokens), &effects);
    claimed = effects.puts.count > 0;
    end_event(world, row->run, &facts, &effects);
    return claimed;
}

void world_result(struct world *world, const struct step *step, enum step_status status, const char *body,
                  enum error_code code, const char *token, int64_t epoch)
{
    struct step_result result = {.step = step->id, .token = token, .epoch = epoch, .status = status};
    struct engine_facts facts;
    struct engine_effects effects;

    if (code != ERROR_NONE)
        error_set(&result.error, code, "the tool ended with exit 1");
    result.error.retry = code == ERROR_UNREACHABLE;
    result.body = json_column(body);
    load_run(world, step->run, &facts);
    engine_effects_init(&effects, &world->arena);
    engine_step_result(&facts, &result, &effects);
    json_decref(result.body);
    end_event(world, step->run, &facts, &effects);
    world_settle(world);
}

void world_interrupt(struct world *world, const char *step)
{
    const struct step *row = world_step(world, step);
    struct engine_facts facts;
    struct engine_effects effects;

    load_run(world, row->run, &facts);
    engine_effects_init(&effects, &world->arena);
    engine_step_interrupted(&facts, step, &effects);
    end_event(world, row->run, &facts, &effects);
    world_settle(world);
}

void world_inner(struct world *world, const struct step *step, const char *parts)
{
    struct engine_facts facts;
    struct engine_effects effects;
    json_t *list = json_column(parts);

    load_run(world, step->run, &facts);
    engine_effects_init(&effects, &world->arena);
    engine_step_inner(&facts, step->id, step->token, list, &effects);
    json_decref(list);
    end_event(world, step->run, &facts, &effects);
}

void world_held_up(struct world *world, const struct step *step, const char *reason)
{
    struct engine_facts facts;
    struct engine_effects effects;

    load_run(world, step->run, &facts);
    engine_effects_init(&effects, &world->arena);
    engine_step_held_up(&facts, step->id, step->token, reason, &effects);
    end_event(world, step->run, &facts, &effects);
}

void world_put(struct world *world, const struct record_type *type, const void *row)
{
    const void *kept = record_copy(type, row, &world->arena);
    struct engine_put put = {type, kept, record_id(kept)};
    struct engine_effects effects;

    engine_effects_init(&effects, &world->arena);
    vec_push(&effects.puts, put);
    world_take(world, NULL, &effects);
}

void world_push(struct world *world, const char *branch, const char *commit)
{
    struct branch *row = arena_alloc(&world->arena, sizeof *row);

    *row = (struct branch){
        .id = arena_printf(&world->arena, "app:%s", branch),
        .repository = "app",
        .name = branch,
        .commit = arena_strdup(&world->arena, commit),
        .pushed_at = world->now,
    };
    world_put(world, &branch_type, row);
}

/* --- looking ------------------------------------------------------------------------------------------------------------- */

const struct run *world_run(const struct world *world, const char *id)
{
    for (size_t i = world->runs.count; i-- > 0;)
        if (text_equal(world->runs.items[i]->id, id))
            return world->runs.items[i];
    return NULL;
}

const struct step *world_step(const struct world *world, const char *id)
{
    for (size_t i = world->steps.count; i-- > 0;)
        if (text_equal(world->steps.items[i]->id, id))
            return world->steps.items[i];
    return NULL;
}

const struct environment *world_environment(const struct world *world, const char *name)
{
    for (size_t i = world->environments.count; i-- > 0;)
        if (text_equal(world->environments.items[i]->name, name) &&
            world->environments.items[i]->status != ENVIRONMENT_DESTROYED)
            return world->environments.items[i];
    return NULL;
}

const struct resource *world_resource(const struct world *world, const char *environment, const char *address)
{
    const struct environment *row = world_environment(world, environment);

    for (size_t i = 0; row != NULL && i < world->resources.count; i++)
        if (text_equal(world->resources.items[i]->environment, row->id) &&
            text_equal(world->resources.items[i]->address, address))
            return world->resources.items[i];
    return NULL;
}

const struct plan *world_plan(const struct world *world, const char *id)
{
    for (size_t i = 0; i < world->plans.count; i++)
        if (text_equal(world->plans.items[i]->id, id))
            return world->plans.items[i];
    return NULL;
}

bool world_audited(const struct world *world, const char *action)
{
    for (size_t i = 0; i < world->audits.count; i++)
        if (text_equal(world->audits.items[i]->action, action))
            return true;
    return false;
}

size_t world_delivered(const struct world *world, const char *event)
{
    size_t count = 0;

    for (size_t i = 0; i < world->deliveries.count; i++)
        count += text_equal(world->deliveries.items[i]->event, event);
    return count;
}

const char *world_answer(struct world *world)
{
    json_t *answer = json_column(world->answered->answer);
    const char *text = arena_strdup(&world->arena, json_get_text(answer, "message"));

    json_decref(answer);
    return text;
}

const char *world_check(struct world *world, const char *run)
{
    struct engine_facts facts;
    struct str text = STR_INIT;
    const char *copy = "";

    world_facts(world, run, NULL, &facts);
    if (engine_check(&facts, &text) > 0)
        copy = arena_strdup(&world->arena, text.data);
    engine_facts_release(&facts);
    str_release(&text);
    return copy;
}
