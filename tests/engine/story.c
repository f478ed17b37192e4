/* SPDX-License-Identifier: ISC */
/* What must hold while rows are written, told in another way than the engine does it. */
#include "story.h"

#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/policy/life.h"

#include <stdarg.h>

void wrong(struct story *story, const char *format, ...)
{
    va_list arguments;

    story->wrong++;
    str_addf(&story->trail, "!! after %s: ", story->event);
    va_start(arguments, format);
    str_addv(&story->trail, format, arguments);
    va_end(arguments);
    str_add_char(&story->trail, '\n');
}

static void remember(struct story *story, const char *run)
{
    for (size_t i = 0; i < story->touched.count; i++)
        if (text_equal(story->touched.items[i], run))
            return;
    vec_push(&story->touched, run);
}

static bool changes(const struct step *step)
{
    return step->phase == PHASE_APPLY || step->phase == PHASE_DESTROY || step->phase == PHASE_CHECK ||
           (step->phase == PHASE_EXEC && strstr(step->spec, "\"changes\":false") == NULL);
}

static bool plan_is_none(struct story *story, const char *run, const char *address)
{
    const struct plan *plan = world_plan(&story->world, arena_printf(&story->world.arena, "%s/%s", run, address));

    return plan != NULL && plan->action == PLAN_NONE;
}

/* Nothing that is still there may need what goes. */
static void watch_destroy(struct story *story, const struct step *step)
{
    const char *quoted = arena_printf(&story->world.arena, "\"%s\"", step->address);

    for (size_t i = 0; i < story->world.resources.count; i++) {
        const struct resource *resource = story->world.resources.items[i];

        if (text_equal(resource->environment, step->environment) && resource->status != RESOURCE_GONE &&
            resource->created_at != 0 && !text_empty(resource->needs) && strstr(resource->needs, quoted) != NULL &&
            !plan_is_none(story, step->run, resource->address))
            wrong(story, "%s is destroyed while %s needs it", step->address, resource->address);
    }
}

/* Clocks go back; events do not. */
static uintptr_t event_of(const struct map *map, const char *id)
{
    return (uintptr_t)map_get(map, id);
}

static void note_event(struct story *story, struct map *map, const char *id)
{
    (void)map_set(map, id, (void *)(uintptr_t)(story->events + 1));
}

static void watch_step(struct story *story, const struct step *step)
{
    const struct step *before = world_step(&story->world, step->id);

    remember(story, step->run);
    if (before == NULL)
        return;
    if (before->status != STEP_INTERRUPTED && step->status == STEP_INTERRUPTED)
        note_event(story, &story->cut, step->id);
    if (before->status == STEP_DONE && step->status != STEP_DONE && changes(step))
        wrong(story, "%s was done and is %s", step->id, word_name(step_status_names, step->status));
    if (before->status == STEP_INTERRUPTED && step->status != STEP_INTERRUPTED && changes(step) &&
        event_of(&story->gated, step->run) < event_of(&story->cut, step->id))
        wrong(story, "%s was interrupted and goes on without being asked for", step->id);
    if (story->interrupts && before->status == STEP_RUNNING && step->status == STEP_READY && changes(step) &&
        !step->repeatable && strstr(step->spec, "\"replans\":true") == NULL)
        wrong(story, "%s was interrupted and begins again blindly", step->id);
    if (before->status != STEP_RUNNING && step->status == STEP_DONE)
        wrong(story, "%s is done without having run", step->id);
    if (step->phase == PHASE_DESTROY && before->status == STEP_READY && step->status == STEP_RUNNING)
        watch_destroy(story, step);
    if (step->attempt < before->attempt)
        wrong(story, "%s goes back from attempt %lld to %lld", step->id, (long long)before->attempt,
              (long long)step->attempt);
}

/* Counted again, in another way than policy does. */
static int voices_for(struct story *story, const struct run *run)
{
    const char *voices[8];
    int count = 0;

    for (size_t i = 0; i < story->world.approvals.count; i++) {
        const struct approval *approval = story->world.approvals.items[i];
        const char *voice = text_empty(approval->person) ? approval->actor : approval->person;
        bool known = false;

        if (!text_equal(approval->run, run->id))
            continue;
        if (approval->verdict == VERDICT_CLEARED)
            count = 0;
        if (approval->verdict != VERDICT_APPROVE || !text_equal(approval->digest, run->digest))
            continue;
        for (int j = 0; j < count; j++)
            known |= text_equal(voices[j], voice);
        if (!known && count < 8)
            voices[count++] = voice;
    }
    return count;
}

/* Nobody asked for it, and it would take away what was there before the run that failed. */
static bool takes_older(struct story *story, const struct run *run)
{
    const struct run *failed = text_empty(run->parent) ? NULL : world_run(&story->world, run->parent);

    for (size_t i = 0; failed != NULL && i < story->world.plans.count; i++) {
        const struct plan *plan = story->world.plans.items[i];
        const struct resource *resource =
            text_equal(plan->run, run->id) && (plan->action == PLAN_DESTROY || plan->action == PLAN_REPLACE)
                ? world_resource(&story->world, run->environment_name, plan->address)
                : NULL;

        if (resource != NULL && resource->created_at < failed->applying_at)
            return true;
    }
    return false;
}

static bool changes_state(const struct run *run)
{
    return run->workflow != WORKFLOW_EXEC || strstr(run->with, "\"unlock\"") == NULL;
}

static int voices_needed(struct story *story, const struct run *run, const struct environment *environment)
{
    const struct config_entry *entry = config_entry_named(story->world.config, run->entry);
    int needed = entry != NULL && entry->gate.present ? entry->gate.approvals : 0;
    bool kept = environment != NULL &&
                (environment->permanent || environment->is_protected || (entry != NULL && entry->permanent));

    if (run->workflow == WORKFLOW_ROLLBACK && takes_older(story, run))
        return needed > 1 && !entry->rollback.gate_none ? needed : 1;
    if (run->workflow == WORKFLOW_ROLLBACK && entry != NULL && entry->rollback.gate_none)
        return 0;
    if (run->workflow == WORKFLOW_EXEC) /* a lock of the dead is nobody's to ask about */
        return map_get(&story->proven, run->id) != NULL ? 0 : needed > 1 ? needed : 1;
    if (run->workflow != WORKFLOW_DESTROY)
        return run->creates + run->updates + run->replaces + run->destroys + run->deferred == 0 ? 0 : needed;
    if (kept)
        return needed > 1 ? needed : 1;
    return 0; /* its name was typed, or policy ordered it */
}

/* Nobody else may have changed the environment since this was planned. */
static void watch_base(struct story *story, const struct run *run)
{
    uintptr_t planned = (uintptr_t)map_get(&story->planned, run->id);
    uintptr_t applied = (uintptr_t)map_get(&story->applied, run->environment);
    const char *by = map_get(&story->applier, run->environment);

    if (applied > planned && !text_equal(by, run->id))
        wrong(story, "run %s goes on over what run %s has changed since it was planned", run->id, by);
    (void)map_set(&story->applied, run->environment, (void *)(uintptr_t)(story->events + 1));
    (void)map_set(&story->applier, run->environment, arena_strdup(&story->world.arena, run->id));
}

static void watch_opening(struct story *story, const struct run *run)
{
    const struct environment *environment = world_environment(&story->world, run->environment_name);

    if (changes_state(run))
        watch_base(story, run);
    if (voices_for(story, run) < voices_needed(story, run, environment))
        wrong(story, "run %s goes on with %d of %d approvals", run->id, voices_for(story, run),
              voices_needed(story, run, environment));
    if (run->creates + run->updates + run->replaces + run->destroys + run->deferred == 0 || !changes_state(run))
        return;
    for (size_t i = 0; environment != NULL && i < story->world.holds.count; i++) {
        const struct hold *hold = story->world.holds.items[i];

        if (text_equal(hold->environment, environment->id) && text_equal(hold->kind, "hold") &&
            (hold->until == 0 || hold->until > story->world.now))
            wrong(story, "run %s goes on although %s is held", run->id, environment->name);
    }
}

/* --- ends ------------------------------------------------------------------------------------------------------------ */

bool is_machines_destroy(const struct run *run)
{
    return run->workflow == WORKFLOW_DESTROY && (run->origin == ORIGIN_TTL || run->origin == ORIGIN_CLEANER);
}

static const struct branch *branch_of(struct story *story, const struct environment *environment)
{
    for (size_t i = 0; i < story->world.branches.count; i++)
        if (text_equal(story->world.branches.items[i]->name, environment->branch))
            return story->world.branches.items[i];
    return NULL;
}

/* A branch that went, for longer than its grace when that was said, and of which nobody is unsure; nobody else is at home. */
static void watch_deserted(struct story *story, const struct run *run, const struct environment *environment,
                           const struct config_entry *entry)
{
    const struct branch *branch = branch_of(story, environment);
    const struct repository *repository = story->world.repositories.items[0];

    if (entry == NULL || !entry->destroy_with_branch)
        wrong(story, "run %s destroys %s, and no policy ends it with its branch", run->id, environment->name);
    else if (branch == NULL || branch->gone_at == 0)
        wrong(story, "run %s destroys %s, and its branch is there", run->id, environment->name);
    else if (branch->misses < 2 || branch->gone_at + entry->destroy_after_ms > run->created_at)
        wrong(story, "run %s destroys %s within its grace", run->id, environment->name);
    if (!repository->complete)
        wrong(story, "run %s destroys %s, and the last listing proves nothing", run->id, environment->name);
    if (!text_empty(world_fed_by(&story->world, environment)))
        wrong(story, "run %s destroys %s, which %s feeds", run->id, environment->name,
              world_fed_by(&story->world, environment));
}

/* The first resource is about to be touched. */
static void watch_end(struct story *story, const struct run *run, const struct environment *environment)
{
    const struct config_entry *entry = config_entry_named(story->world.config, environment->entry);
    const struct run *failed = world_run(&story->world, run->parent);

    if (!text_equal(run->environment, environment->id))
        wrong(story, "run %s destroys another environment of its name", run->id);
    if (run->origin == ORIGIN_COMMAND && strstr(run->with, environment->name) == NULL)
        wrong(story, "run %s destroys %s, whose name nobody typed", run->id, environment->name);
    if (run->origin == ORIGIN_ON_FAILURE && (failed == NULL || failed->status != RUN_FAILED))
        wrong(story, "run %s answers no failure", run->id);
    if (!is_machines_destroy(run))
        return;
    if (environment->is_protected || environment->permanent || (entry != NULL && entry->permanent))
        wrong(story, "run %s destroys %s, which is kept", run->id, environment->name);
    if (run->origin == ORIGIN_CLEANER)
        watch_deserted(story, run, environment, entry);
    else if (environment->planned_destruction_at == 0 || environment->planned_destruction_at > run->created_at)
        wrong(story, "run %s destroys %s, whose life goes on", run->id, environment->name);
}

static bool is_open(int status)
{
    return status != RUN_HELD && !run_ended((enum run_status)status);
}

/* One failure has one answer at a time. */
static void watch_answer(struct story *story, const struct run *run)
{
    for (size_t i = 0; i < story->world.runs.count; i++) {
        const struct run *other = story->world.runs.items[i];

        if (!text_equal(other->id, run->id) && text_equal(other->parent, run->parent) && is_open(other->status))
            wrong(story, "runs %s and %s both answer the failure of run %s", other->id, run->id, run->parent);
    }
}

/* Environments, not commands: one that was asked for may have got another end before anybody answered. */
static size_t asked_by_itself(const struct story *story)
{
    struct map asked = {0};
    size_t count;

    for (size_t i = 0; i < story->world.commands.count; i++) {
        const struct command *command = story->world.commands.items[i];

        if (command->status == COMMAND_WAITING && text_equal(command->verb, "destroy"))
            (void)map_set(&asked, command->subject, &asked);
    }
    count = asked.count;
    map_release(&asked);
    return count;
}

/* What goes by itself now or went within the hour. */
static size_t going_by_itself(const struct story *story)
{
    size_t count = 0;

    for (size_t i = 0; i < story->world.runs.count; i++) {
        const struct run *run = story->world.runs.items[i];
        const bool went = run->status == RUN_DONE && run->ended_at > story->world.now - MS_HOUR;

        count +=
            is_machines_destroy(run) && run->applying_at != 0 && (went || !run_ended((enum run_status)run->status));
        count += is_machines_destroy(run) && run->applying_at == 0 && !run_ended((enum run_status)run->status);
    }
    return count;
}

void before_clean(struct story *story)
{
    story->asked_before = asked_by_itself(story);
    story->going_before = going_by_itself(story);
}

void after_clean(struct story *story)
{
    const size_t asks = asked_by_itself(story) - story->asked_before;
    const size_t together = asks + story->asked_before + story->going_before;
    const struct config_limits *limits = &story->world.config->limits;

    if (asks == 0)
        return;
    if (story->jumped)
        wrong(story, "%zu environments end after a jump of the clock", asks);
    if (limits->remove_at_once > 0 && together > (size_t)limits->remove_at_once)
        wrong(story, "%zu environments end together, remove_at_once is %d", together, limits->remove_at_once);
}

static void watch_run(struct story *story, const struct run *run)
{
    const struct run *before = world_run(&story->world, run->id);

    remember(story, run->id);
    if (run->workflow == WORKFLOW_ROLLBACK && run->status == RUN_ROLLING_BACK)
        wrong(story, "run %s answers a failure with a failure's answer", run->id);
    if (before == NULL || before->status == RUN_PREPARING || before->status == RUN_QUEUED ||
        (run->status == RUN_PLANNING && before->status != RUN_PLANNING) || !text_equal(before->base, run->base))
        note_event(story, &story->planned, run->id);
    if (before == NULL && run->workflow == WORKFLOW_ROLLBACK && !text_empty(run->parent))
        watch_answer(story, run);
    if (before == NULL)
        return;
    if (before->gate_at != run->gate_at || (text_equal(story->verb, "retry") && before->status != run->status))
        note_event(story, &story->gated, run->id);
    if (before->applying_at == 0 && run->applying_at != 0 && run->workflow == WORKFLOW_DESTROY &&
        world_environment(&story->world, run->environment_name) != NULL)
        watch_end(story, run, world_environment(&story->world, run->environment_name));
    story->totals->ways[before->status][run->status]++;
    if (run->status == RUN_SUPERSEDED && before->status == RUN_GATE && before->approved_at != 0 &&
        text_starts(run->status_reason, "superseded"))
        wrong(story, "run %s was approved and is superseded", run->id);
    if ((run->status == RUN_APPLYING || run->status == RUN_VALIDATING) && before->status != RUN_APPLYING &&
        before->status != run->status)
        watch_opening(story, run);
    if ((before->status == RUN_HELD || run_ended((enum run_status)before->status)) && run->status != before->status &&
        !run_ended((enum run_status)run->status) && !text_equal(story->verb, "retry"))
        wrong(story, "run %s goes on from %s without being asked", run->id,
              word_name(run_status_names, before->status));
}

static void watch_environment(struct story *story, const struct environment *environment)
{
    for (size_t i = 0; i < story->world.environments.count; i++) {
        const struct environment *before = story->world.environments.items[i];

        if (text_equal(before->id, environment->id)) {
            if (!text_empty(before->lock_run) && !text_empty(environment->lock_run) &&
                !text_equal(before->lock_run, environment->lock_run))
                wrong(story, "run %s took the lock of run %s", environment->lock_run, before->lock_run);
            if (before->status == ENVIRONMENT_DESTROYED && environment->status != ENVIRONMENT_DESTROYED)
                wrong(story, "%s came back", environment->name);
            if (!text_equal(before->slug, environment->slug))
                wrong(story, "the slug of %s changed", environment->name);
        } else if (environment->status != ENVIRONMENT_DESTROYED && before->status != ENVIRONMENT_DESTROYED &&
                   (text_equal(before->name, environment->name) || text_equal(before->slug, environment->slug))) {
            wrong(story, "two environments are %s with the slug %s", environment->name, environment->slug);
        }
    }
}

void watch(struct world *world, const struct engine_put *put, void *context)
{
    struct story *story = context;

    (void)world;
    if (put->row == NULL)
        return;
    if (put->type == &step_type)
        watch_step(story, put->row);
    if (put->type == &run_type)
        watch_run(story, put->row);
    if (put->type == &environment_type)
        watch_environment(story, put->row);
}

void check_touched(struct story *story)
{
    for (size_t i = 0; i < story->touched.count; i++) {
        const char *text = world_check(&story->world, story->touched.items[i]);

        if (!text_empty(text))
            wrong(story, "%s", text);
    }
    vec_clear(&story->touched);
}

/* What a policy brings near has its notice, what it moves off is later, and what was nearer stays. */
static void watch_life(struct story *story, const struct environment *environment, int64_t was)
{
    const int64_t end = environment->planned_destruction_at, noticed = story->world.now + LIFE_NOTICE_MS;

    if (end != 0 && end < noticed && (was == 0 || end < was))
        wrong(story, "another policy ends %s without notice", environment->name);
    if (environment->permanent && end != was)
        wrong(story, "another policy ends %s, which is permanent", environment->name);
}

void story_policy(struct story *story, struct config *config)
{
    struct world *world = &story->world;

    for (size_t i = 0; i < world->environments.count; i++) {
        struct environment environment = *world->environments.items[i];
        const struct config_entry *before = config_entry_named(world->config, environment.entry);
        const struct config_entry *after = config_entry_named(config, environment.entry);
        const int64_t was = environment.planned_destruction_at;

        if (environment.status == ENVIRONMENT_ABSENT || environment.status == ENVIRONMENT_DESTROYING ||
            environment.status == ENVIRONMENT_DESTROYED || before == NULL || after == NULL ||
            !policy_life_changes(before, after, &environment, branch_of(story, &environment), world->now))
            continue;
        watch_life(story, &environment, was);
        world_put(world, &environment_type, &environment);
    }
    world->config = config;
}
