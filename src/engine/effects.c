/* SPDX-License-Identifier: ISC */
/* Effects, and facts that follow them without a load. */
#include "engine/turn.h"

#include "berth/base/hash.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"

void engine_effects_init(struct engine_effects *effects, struct arena *arena)
{
    *effects = (struct engine_effects){.arena = arena};
}

void engine_effects_release(struct engine_effects *effects)
{
    vec_release(&effects->puts);
    vec_release(&effects->audits);
    vec_release(&effects->cancel_steps);
    vec_release(&effects->give_up_steps);
    vec_release(&effects->touched_runs);
    vec_release(&effects->slot_runs);
}

void effects_put(struct engine_effects *effects, const struct record_type *type, const void *row)
{
    struct engine_put put = {.type = type, .row = row, .id = record_id(row)};

    vec_push(&effects->puts, put);
}

void effects_remove(struct engine_effects *effects, const struct record_type *type, const char *id)
{
    struct engine_put put = {.type = type, .row = NULL, .id = id};

    vec_push(&effects->puts, put);
}

void effects_audit(struct engine_effects *effects, const struct audit *entry)
{
    const struct audit *copy = arena_copy(effects->arena, entry, sizeof *entry);

    vec_push(&effects->audits, copy);
}

void effects_wake(struct engine_effects *effects, int64_t at_ms)
{
    if (at_ms > 0 && (effects->wake_at == 0 || at_ms < effects->wake_at))
        effects->wake_at = at_ms;
}

void effects_touch(struct engine_effects *effects, const char *run)
{
    for (size_t i = 0; i < effects->touched_runs.count; i++)
        if (text_equal(effects->touched_runs.items[i], run))
            return;
    vec_push(&effects->touched_runs, arena_strdup(effects->arena, run));
}

const char *id_take(struct id_supply *supply, struct arena *arena)
{
    size_t at = supply->used++;
    char hex[HASH_HEX_SIZE];
    const char *seed;

    if (at < supply->count)
        return arena_strdup(arena, supply->ids[at]);
    seed = arena_printf(arena, "%s/%zu", supply->call, at);
    hash_sha256(seed, strlen(seed), hex);
    return arena_strndup(arena, hex, ID_SIZE - 1);
}

static bool listed(const struct name_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (text_equal(list->items[i], name))
            return true;
    }
    return list->count == 0;
}

void notice_put(struct engine_effects *effects, const struct notice *notice)
{
    json_t *fallback =
        notice->payload == NULL ? json_pack("{s:s, s:s}", "event", notice->event, "run", notice->run) : NULL;
    const char *payload = json_text(effects->arena, notice->payload != NULL ? notice->payload : fallback);

    json_decref(fallback);
    for (size_t i = 0; i < notice->config->notify_count; i++) {
        const struct config_notify *notify = &notice->config->notify[i];
        struct delivery *delivery;

        if (!text_empty(notify->ref)) /* it keeps records of runs: run_record_put tells it of their ends alone */
            continue;
        if (!listed(&notify->events, notice->event) || !listed(&notify->tiers, notice->tier))
            continue;
        delivery = arena_alloc(effects->arena, sizeof *delivery);
        *delivery = (struct delivery){
            .id = arena_printf(effects->arena, "%s.%zu", notice->id, i),
            .event = notice->event,
            .environment = notice->environment,
            .run = notice->run,
            .receiver = notify->id,
            .provider = notify->section.provider,
            .payload = payload,
            .status = DELIVERY_WAITING,
            .created_at = notice->now_ms,
            .next_at = notice->now_ms,
        };
        effects_put(effects, &delivery_type, delivery);
    }
}

void engine_facts_release(struct engine_facts *facts)
{
    vec_release(&facts->resources);
    vec_release(&facts->releases);
    vec_release(&facts->holds);
    vec_release(&facts->freezes);
    vec_release(&facts->runs);
    vec_release(&facts->steps);
    vec_release(&facts->plans);
    vec_release(&facts->failed_plans);
    vec_release(&facts->approvals);
    vec_release(&facts->entrypoints);
    vec_release(&facts->templates);
    vec_release(&facts->groups);
    vec_release(&facts->waiting);
    vec_release(&facts->active);
}

/* --- following ---------------------------------------------------------------------------------------------------- */

struct rows { /* any of the vectors of facts, seen alike */
    const void **items;
    size_t count, room;
};
#define INDEX_FROM 8 /* so many puts of one table are looked up through a map */

static size_t count_puts(const struct engine_effects *effects, const struct record_type *type)
{
    size_t count = 0;

    for (size_t i = 0; i < effects->puts.count; i++)
        count += effects->puts.items[i].type == type;
    return count;
}

static size_t place_of(const struct rows *rows, const struct map *map, const char *id)
{
    if (map != NULL)
        return (uintptr_t)map_get(map, id);
    for (size_t i = 0; i < rows->count; i++)
        if (rows->items[i] != NULL && *(const char *const *)rows->items[i] == id)
            return i + 1;
    for (size_t i = 0; i < rows->count; i++)
        if (rows->items[i] != NULL && row_has_id(rows->items[i], id))
            return i + 1;
    return 0;
}

static void follow_put(struct rows *rows, struct map *map, const struct engine_put *put, bool first)
{
    size_t place = place_of(rows, map, put->id);

    if (place != 0) {
        rows->items[place - 1] = put->row;
        if (put->row == NULL && map != NULL)
            (void)map_remove(map, put->id);
        return;
    }
    if (put->row == NULL)
        return;
    vec_push(rows, put->row);
    if (first) {
        memmove(rows->items + 1, rows->items, (rows->count - 1) * sizeof *rows->items);
        rows->items[0] = put->row;
    }
    if (map != NULL)
        (void)map_set(map, put->id, (void *)(uintptr_t)rows->count);
}

static void squeeze(struct rows *rows)
{
    size_t kept = 0;

    for (size_t i = 0; i < rows->count; i++)
        if (rows->items[i] != NULL)
            rows->items[kept++] = rows->items[i];
    rows->count = kept;
}

static void follow(struct rows *rows, const struct engine_effects *effects, const struct record_type *type, bool first)
{
    size_t puts = count_puts(effects, type);
    struct map map = {0};
    bool indexed = puts >= INDEX_FROM && !first;

    if (puts == 0)
        return;
    for (size_t i = 0; indexed && i < rows->count; i++)
        (void)map_set(&map, record_id(rows->items[i]), (void *)(uintptr_t)(i + 1));
    for (size_t i = 0; i < effects->puts.count; i++)
        if (effects->puts.items[i].type == type)
            follow_put(rows, indexed ? &map : NULL, &effects->puts.items[i], first);
    squeeze(rows);
    map_release(&map);
}

/* The vectors differ only in the type their pointers have. */
#define FOLLOW(vec, type, first)                                                      \
    do {                                                                              \
        struct rows rows_ = {(const void **)(vec)->items, (vec)->count, (vec)->room}; \
        follow(&rows_, effects, &(type), (first));                                    \
        (vec)->items = (void *)rows_.items;                                           \
        (vec)->count = rows_.count;                                                   \
        (vec)->room = rows_.room;                                                     \
    } while (0)

static void follow_active(struct engine_facts *facts, const struct run *run)
{
    const struct engine_active active = {.run = run->id, .entry = run->entry};
    size_t at = 0;

    if (facts->config == NULL || !facts->config->limits.divides_runs)
        return;
    while (at < facts->active.count && !text_equal(facts->active.items[at].run, run->id))
        at++;
    if (at < facts->active.count && !run_is_active(run->status))
        facts->active.items[at] = facts->active.items[--facts->active.count];
    else if (at == facts->active.count && run_is_active(run->status))
        vec_push(&facts->active, active);
}

static void follow_run(struct engine_facts *facts, const struct run *run)
{
    const struct run *before = NULL;

    if (facts->run != NULL && text_equal(facts->run->id, run->id)) {
        before = facts->run;
        facts->run = run;
    }
    for (size_t i = 0; before == NULL && i < facts->runs.count; i++)
        if (text_equal(facts->runs.items[i]->id, run->id))
            before = facts->runs.items[i];
    facts->runs_active +=
        (run_is_active(run->status) ? 1 : 0) - (before != NULL && run_is_active(before->status) ? 1 : 0);
    follow_active(facts, run);
    if (run->applying_at != 0 && run->applying_at >= facts->applied_at) {
        facts->applied_at = run->applying_at;
        facts->applied_run = run->id;
    }
}

static void follow_answer(struct engine_facts *facts, const struct engine_effects *effects)
{
    if (facts->run == NULL || facts->run->status != RUN_ROLLING_BACK) {
        facts->answer = NULL;
        return;
    }
    for (size_t i = 0; i < effects->puts.count; i++) {
        const struct run *run = effects->puts.items[i].type == &run_type ? effects->puts.items[i].row : NULL;

        if (run != NULL && text_equal(run->parent, facts->run->id) &&
            (facts->answer == NULL || run->number >= facts->answer->number))
            facts->answer = run;
    }
}

static void follow_runs(struct engine_facts *facts, const struct engine_effects *effects)
{
    size_t kept = 0;

    for (size_t i = 0; i < effects->puts.count; i++)
        if (effects->puts.items[i].type == &run_type && effects->puts.items[i].row != NULL)
            follow_run(facts, effects->puts.items[i].row);
    FOLLOW(&facts->runs, run_type, false);
    for (size_t i = 0; i < facts->runs.count; i++)
        if (!run_ended((enum run_status)facts->runs.items[i]->status))
            facts->runs.items[kept++] = facts->runs.items[i];
    facts->runs.count = kept;
}

void engine_apply_effects(struct engine_facts *facts, const struct engine_effects *effects)
{
    for (size_t i = 0; i < effects->puts.count; i++)
        if (effects->puts.items[i].type == &environment_type)
            facts->environment = effects->puts.items[i].row;
        else if (effects->puts.items[i].type == &command_type && facts->command != NULL &&
                 text_equal(effects->puts.items[i].id, facts->command->id))
            facts->command = effects->puts.items[i].row;
    follow_runs(facts, effects);
    follow_answer(facts, effects);
    FOLLOW(&facts->resources, resource_type, false);
    FOLLOW(&facts->releases, release_type, true);
    FOLLOW(&facts->holds, hold_type, false);
    FOLLOW(&facts->freezes, freeze_type, false);
    FOLLOW(&facts->steps, step_type, false);
    FOLLOW(&facts->plans, plan_type, false);
    FOLLOW(&facts->approvals, approval_type, false);
    FOLLOW(&facts->entrypoints, entrypoint_type, false);
    FOLLOW(&facts->templates, environment_template_type, false);
    FOLLOW(&facts->groups, resource_group_type, false);
    if (effects->took_run_number)
        facts->next_run++;
}
