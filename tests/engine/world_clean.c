/* SPDX-License-Identifier: ISC */
/* The cleaner's part of a world, and the listings it goes by. */
#include "world.h"

#include "berth/base/str.h"
#include "berth/base/time.h"

/* --- the cleaner ------------------------------------------------------------------------------------------------------- */

static const struct command *command_with_key(const struct world *world, const char *key)
{
    for (size_t i = 0; i < world->commands.count; i++)
        if (text_equal(world->commands.items[i]->key, key))
            return world->commands.items[i];
    return NULL;
}

static bool is_another_that_lives(const struct world *world, const struct environment *environment, const char *name)
{
    const struct branch *branch = world_branch(world, name);

    return branch != NULL && branch->gone_at == 0 && !text_equal(name, environment->branch);
}

const char *world_fed_by(const struct world *world, const struct environment *environment)
{
    const char *fed_by = "";

    for (size_t i = 0; i < world->runs.count; i++) {
        const struct run *run = world->runs.items[i];
        bool brings = text_equal(run->environment_name, environment->name) && run->workflow == WORKFLOW_DEPLOY &&
                      (run_ended((enum run_status)run->status)
                           ? run->status == RUN_DONE && text_equal(run->environment, environment->id)
                           : run->status != RUN_HELD);

        if (brings && is_another_that_lives(world, environment, run->ref))
            fed_by = run->ref;
    }
    return fed_by;
}

static void gather_ending(struct world *world, const struct environment *environment, struct clean_facts *facts)
{
    const char *fed_by = world_fed_by(world, environment);
    const struct branch *branch = world_branch(world, environment->branch);
    struct clean_asked asked = {.answered = false};
    const bool over = environment->ends_at != 0 && environment->ends_at <= world->now;
    const struct command *command;

    while (over && (command = command_with_key(world, engine_clean_key(&world->arena, environment, environment->ends_at,
                                                                       asked.tries))) != NULL) {
        facts->asked_for += command->status == COMMAND_WAITING;
        if (!engine_clean_asked(command, text_empty(command->run) ? NULL : world_run(world, command->run), &asked))
            break;
    }
    vec_push(&facts->environments, environment);
    vec_push(&facts->branches, branch);
    vec_push(&facts->asked, asked);
    vec_push(&facts->fed_by, fed_by);
}

static void gather_endings(struct world *world, struct clean_facts *facts)
{
    for (size_t i = 0; i < world->environments.count; i++) {
        const struct environment *environment = world->environments.items[i];

        facts->ended_lately += environment->status == ENVIRONMENT_DESTROYED &&
                               environment->destroyed_at > world->now - MS_HOUR && environment->ends_at != 0 &&
                               environment->ends_at <= environment->destroyed_at;
        if (environment->status != ENVIRONMENT_DESTROYED && environment->status != ENVIRONMENT_ABSENT)
            gather_ending(world, environment, facts);
    }
    GATHER(&facts->repositories, &world->repositories, true)
    GATHER(&facts->holds, &world->holds, true)
    GATHER(&facts->freezes, &world->freezes, true)
    GATHER(&facts->runs, &world->runs, !run_ended((enum run_status)world->runs.items[i]->status))
}

static void drop_known(struct world *world, struct engine_effects *effects)
{
    size_t kept = 0;

    for (size_t i = 0; i < effects->puts.count; i++) {
        const struct engine_put *put = &effects->puts.items[i];

        if (put->type != &command_type || command_with_key(world, ((const struct command *)put->row)->key) == NULL)
            effects->puts.items[kept++] = *put;
    }
    effects->puts.count = kept;
}

void world_clean(struct world *world, enum world_clock clock)
{
    struct clean_facts facts = {.now_ms = world->now,
                                .epoch = world->epoch,
                                .config = world->config,
                                .looked_at = world->cleaned_at,
                                .clock_jumped = clock == WORLD_JUMPED};
    struct engine_facts ids = {0};
    struct engine_effects effects;

    world_ids(world, &ids);
    facts.new_id = ids.new_id;
    facts.new_id_count = ids.new_id_count;
    gather_endings(world, &facts);
    engine_effects_init(&effects, &world->arena);
    engine_clean(&facts, &effects);
    drop_known(world, &effects);
    world_take(world, NULL, &effects);
    clean_facts_release(&facts);
    world->cleaned_at = world->now;
}

/* --- listings ---------------------------------------------------------------------------------------------------------- */

void world_lose_branch(struct world *world, const char *branch)
{
    struct branch *row = arena_copy(&world->arena, world_branch(world, branch), sizeof *row);

    row->misses = 2;
    row->gone_at = world->now;
    world_put(world, &branch_type, row);
    world_list(world, WORLD_WHOLE);
}

void world_list(struct world *world, enum world_listing listing)
{
    const struct repository row = {.id = "app",
                                   .complete = listing == WORLD_WHOLE,
                                   .listed = true,
                                   .branches = (int64_t)world->branches.count + 1,
                                   .listed_at = world->now};

    world_put(world, &repository_type, &row);
}
