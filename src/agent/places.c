/* SPDX-License-Identifier: ISC */
/*
 * Places of targets and tiers for steps. What is at work is counted once a turn; ready steps come oldest first, each takes its place or is passed over,
 * so that a full target holds nobody of another. Who is passed over for long keeps a place of the limit that does not hold it: else younger
 * steps could take that one for ever, each time the other comes free.
 */
#include "agent/places.h"

#include "agent/supervisor.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/store.h"

#define PATIENCE_MS (30 * MS_SECOND)
#define HELD "waits: "

/* Looked up once a turn; the map holds one more than it. */
static int tier_of(struct places *places, const char *environment)
{
    int known = (int)(uintptr_t)map_get(&places->tiers, environment);
    struct environment row;
    if (known > 0 || text_empty(environment))
        return known > 0 ? known - 1 : TIER_NONE;
    bool found =
        store_get(places->supervisor->store, &environment_type, environment, places->arena, &row, NULL) == STORE_FOUND;
    int tier = found ? row.tier : TIER_NONE;
    (void)map_set(&places->tiers, arena_strdup(places->arena, environment), (void *)(uintptr_t)(tier + 1));
    return tier;
}

/* A step that is no one's any more, and whose tools may still be at work. */
static void count_ending(struct places *places, const struct ending *ending)
{
    struct step step;
    if (!ending->resolved &&
        store_get(places->supervisor->store, &step_type, ending->step, places->arena, &step, NULL) == STORE_FOUND)
        limit_counts_add(&places->counts, step.target, tier_of(places, step.environment));
}

void places_count(struct places *places, struct supervisor *supervisor, struct arena *arena)
{
    places->supervisor = supervisor;
    places->arena = arena;
    places->keeps = false;
    vec_clear(&places->held);
    limit_counts_init(&places->counts, supervisor->config, LIMIT_STEPS, arena);
    for (size_t i = 0; i < supervisor->children.count; i++) {
        const struct child *child = supervisor->children.items[i];
        if (child->kind == CHILD_WORKER && child->step && !child->result_pending)
            limit_counts_add(&places->counts, child->target, child->tier);
    }
    for (size_t i = 0; i < supervisor->claims.count; i++)
        limit_counts_add(&places->counts, supervisor->claims.items[i].target, supervisor->claims.items[i].tier);
    for (size_t i = 0; i < supervisor->endings.count; i++)
        count_ending(places, &supervisor->endings.items[i]);
}

void places_release(struct places *places)
{
    vec_release(&places->held);
    map_release(&places->tiers);
}

/* What its last attempt left is kept: that says more. */
static void hold(struct places *places, const struct step *step, int tier)
{
    if (places->held.count >= PLACES_NOTED ||
        !(text_empty(step->status_reason) || text_starts(step->status_reason, HELD)))
        return;
    const char *limit = limit_text(&places->counts, step->target, tier, places->arena);
    struct held_step held = {.run = arena_strdup(places->arena, step->run),
                             .step = arena_strdup(places->arena, step->id),
                             .reason = arena_printf(places->arena, HELD "%s", limit)};
    if (!text_equal(held.reason, step->status_reason))
        vec_push(&places->held, held);
}

bool places_have(struct places *places, const struct step *step)
{
    int tier = tier_of(places, step->environment);
    if (!limit_reached(&places->counts, step->target, tier)) {
        limit_counts_add(&places->counts, step->target, tier);
        return true;
    }
    hold(places, step, tier);
    if (!places->keeps && time_now_ms() - step->ready_at > PATIENCE_MS) {
        places->keeps = true;
        limit_keep(&places->counts, step->target, tier);
    }
    return false;
}

bool places_note(struct places *places, struct error *error)
{
    for (size_t i = 0; i < places->held.count; i++) {
        const struct held_step *held = &places->held.items[i];
        struct engine_effects effects;
        struct engine_facts *facts = supervisor_facts(places->supervisor, held->run, error);
        if (!facts)
            return false;
        engine_effects_init(&effects, &places->supervisor->hot.arena);
        engine_step_waits(facts, held->step, held->reason, &effects);
        if (!supervisor_apply_hot(places->supervisor, held->run, &effects, error))
            return false;
    }
    return true;
}
