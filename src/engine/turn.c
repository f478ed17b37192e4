/* SPDX-License-Identifier: ISC */
/* The rows of one call at work: what was read, with what was changed laid over it; and what the call leaves behind. */
#include "engine/inner.h"

#include "berth/base/str.h"
#include "berth/config.h"

#include <stdlib.h>

static void table_fill(struct turn_table *table, const struct record_type *type, const void *const *rows, size_t count)
{
    table->type = type;
    if (count == 0)
        return;
    table->rows.items = mem_copy(rows, count * sizeof *rows);
    table->states.items = mem_zero(count, sizeof *table->states.items); /* ROW_AS_READ */
    table->rows.count = table->rows.room = table->states.count = table->states.room = count;
}
#define FILL(table, type, from) table_fill(table, type, (const void *const *)(from).items, (from).count)

const void *turn_row(const struct turn_table *table, size_t at)
{
    return table->states.items[at] == ROW_REMOVED ? NULL : table->rows.items[at];
}

void *turn_edit(struct engine_turn *turn, struct turn_table *table, size_t at)
{
    BUG_ON(table->states.items[at] == ROW_REMOVED);
    if (table->states.items[at] == ROW_AS_READ) {
        table->rows.items[at] = arena_copy(turn->arena, table->rows.items[at], table->type->size);
        table->states.items[at] = ROW_CHANGED;
    }
    /* the copy above is this turn's own */
    return (void *)(uintptr_t)table->rows.items[at];
}

size_t turn_add(struct turn_table *table, const void *row)
{
    vec_push(&table->rows, row);
    vec_push(&table->states, ROW_CHANGED);
    return table->rows.count - 1;
}

void turn_drop(struct turn_table *table, size_t at)
{
    table->states.items[at] = ROW_REMOVED;
}

long turn_find(const struct turn_table *table, const char *id)
{
    for (size_t i = 0; i < table->rows.count; i++) {
        if (table->states.items[i] != ROW_REMOVED && row_has_id(table->rows.items[i], id))
            return (long)i;
    }
    return -1;
}

struct step *step_edit(struct engine_turn *turn, size_t at)
{
    return turn_edit(turn, &turn->steps, at);
}

struct plan *plan_edit(struct engine_turn *turn, size_t at)
{
    return turn_edit(turn, &turn->plans, at);
}

struct resource *resource_edit(struct engine_turn *turn, size_t at)
{
    return turn_edit(turn, &turn->resources, at);
}

struct run *run_edit(struct engine_turn *turn, size_t at)
{
    return turn_edit(turn, &turn->runs, at);
}

long resource_find(const struct engine_turn *turn, const char *address)
{
    for (size_t i = 0; i < turn->resources.rows.count; i++) {
        const struct resource *resource = resource_at(turn, i);

        if (resource != NULL && text_equal(resource->address, address))
            return (long)i;
    }
    return -1;
}

static size_t waiting_before(const struct engine_turn *turn)
{
    size_t count = 0;
    long long number;

    for (size_t i = 0; i < turn->facts->waiting.count; i++)
        count += text_to_int(turn->facts->waiting.items[i], &number) && number < turn->run->number;
    return count;
}

void runs_count(const struct engine_facts *facts, const char *but, struct limit_counts *counts, struct arena *arena)
{
    limit_counts_init(counts, facts->config, LIMIT_RUNS, arena);
    for (size_t i = 0; i < facts->active.count; i++) {
        const struct engine_active *active = &facts->active.items[i];
        const struct config_entry *entry = config_entry_named(facts->config, active->entry);

        if (entry != NULL && !text_equal(active->run, but))
            limit_counts_add(counts, entry->target, (int)entry->tier);
    }
}

/* Which limit of the run's target or tier holds it; "" none. */
static const char *limit_in_the_way(const struct engine_turn *turn)
{
    const struct config_entry *entry = turn->entry;
    const struct environment *environment = turn->environment;
    struct limit_counts counts;

    if (!turn->facts->config->limits.divides_runs || (entry == NULL && environment == NULL))
        return "";
    runs_count(turn->facts, turn->run->id, &counts, turn->arena);
    return limit_text(&counts, entry != NULL ? entry->target : environment->target,
                      entry != NULL ? (int)entry->tier : environment->tier, turn->arena);
}

bool turn_has_slot(struct engine_turn *turn)
{
    const struct config *config = turn->facts->config;
    int64_t others = turn->facts->runs_active - (turn->slot_was_held ? 1 : 0);
    const char *limit;
    size_t before;

    if (config == NULL || config->limits.runs <= 0)
        return true;
    before = waiting_before(turn);
    limit = limit_in_the_way(turn);
    if (others < config->limits.runs && !text_empty(limit)) {
        turn->run->status_reason = arena_printf(turn->arena, WAITS_FOR_SLOT "%s", limit);
        return false;
    }
    if (others < config->limits.runs && !(turn->new_run && before > 0))
        return true;
    turn->run->status_reason =
        arena_printf(turn->arena, WAITS_FOR_SLOT "%lld of %d runs are at work (limits.runs), %zu %s before it",
                     (long long)others, config->limits.runs, before, before == 1 ? "waits" : "wait");
    if (others < config->limits.runs)
        turn_touch(turn, turn->run->id); /* a slot came free in this very transaction: who waited is looked at first */
    return false;
}

bool run_destroys(const struct run *run)
{
    return run->workflow == WORKFLOW_DESTROY;
}

void turn_set_run(struct engine_turn *turn, struct run *run)
{
    turn->run = run;
    turn->slot_was_held = run_is_active(run->status);
    if (turn->facts->config != NULL)
        turn->entry = config_entry_named(turn->facts->config, run->entry);
}

void turn_begin(struct engine_turn *turn, const struct engine_facts *facts, struct engine_effects *effects)
{
    *turn = (struct engine_turn){.facts = facts,
                                 .effects = effects,
                                 .arena = effects->arena,
                                 .ids = {.ids = facts->new_id, .count = facts->new_id_count},
                                 .reason = ""};
    FILL(&turn->steps, &step_type, facts->steps);
    FILL(&turn->plans, &plan_type, facts->plans);
    FILL(&turn->resources, &resource_type, facts->resources);
    inner_split(turn);
    FILL(&turn->runs, &run_type, facts->runs);
    FILL(&turn->holds, &hold_type, facts->holds);
    for (size_t i = 0; i < facts->approvals.count; i++)
        vec_push(&turn->approvals, facts->approvals.items[i]);
    if (facts->environment != NULL)
        turn->environment = arena_copy(turn->arena, facts->environment, sizeof *facts->environment);
    if (facts->run != NULL)
        turn_set_run(turn, arena_copy(turn->arena, facts->run, sizeof *facts->run));
    if (facts->run != NULL && facts->command != NULL)
        turn->command = arena_copy(turn->arena, facts->command, sizeof *facts->command);
}

static void put_table(struct engine_turn *turn, const struct turn_table *table)
{
    for (size_t i = 0; i < table->rows.count; i++) {
        if (table->states.items[i] == ROW_CHANGED)
            turn_put(turn, table->type, table->rows.items[i]);
        else if (table->states.items[i] == ROW_REMOVED)
            turn_remove(turn, table->type, record_id(table->rows.items[i]));
    }
}

static void touch_others(struct engine_turn *turn)
{
    for (size_t i = 0; i < turn->runs.rows.count; i++) {
        const struct run *other = run_at(turn, i);

        if (other != NULL && !text_equal(other->id, turn->run->id))
            turn_touch(turn, other->id);
    }
}

/* A lock or a slot that became free, or an end: whoever waited is looked at. */
static void touch_waiting(struct engine_turn *turn)
{
    const struct run *before = turn->facts->run;
    const struct environment *was = turn->facts->environment;
    bool had_lock = was != NULL && turn->run != NULL && text_equal(was->lock_run, turn->run->id);

    if (turn->run == NULL)
        return;
    if ((had_lock && turn->environment != NULL && !text_equal(turn->environment->lock_run, turn->run->id)) ||
        (before != NULL && before->status != turn->run->status))
        touch_others(turn);
    if (turn->slot_was_held && !run_is_active(turn->run->status)) {
        for (size_t i = 0; i < turn->facts->waiting.count; i++)
            vec_push(&turn->effects->slot_runs, arena_strdup(turn->arena, turn->facts->waiting.items[i]));
    }
}

static void table_release(struct turn_table *table)
{
    vec_release(&table->rows);
    vec_release(&table->states);
}

/* A command that made a run ends with it, and is open again while the run is retried. */
static void end_command(struct engine_turn *turn)
{
    struct command *command = turn->command;
    int status;

    if (command == NULL || turn->run == NULL || !text_equal(command->id, turn->run->command))
        return;
    status = !run_ended((enum run_status)turn->run->status) ? COMMAND_ACCEPTED
             : turn->run->status == RUN_DONE                ? COMMAND_DONE
                                                            : COMMAND_FAILED;
    if (command->status == status)
        return;
    command->status = status;
    turn_put(turn, &command_type, command);
}

void turn_end(struct engine_turn *turn)
{
    touch_waiting(turn);
    end_command(turn);
    if (turn->forgotten)
        turn_remove(turn, &environment_type, turn->facts->environment->id);
    if (turn->environment != NULL &&
        (turn->facts->environment == NULL ||
         record_compare(&environment_type, turn->facts->environment, turn->environment) != RECORD_SAME))
        turn_put(turn, &environment_type, turn->environment);
    if (turn->run != NULL && (turn->new_run || turn->facts->run == NULL ||
                              record_compare(&run_type, turn->facts->run, turn->run) != RECORD_SAME))
        turn_put(turn, &run_type, turn->run);
    put_table(turn, &turn->runs);
    inner_follow_dropped(turn);
    put_table(turn, &turn->resources);
    put_table(turn, &turn->inner);
    put_table(turn, &turn->plans);
    put_table(turn, &turn->steps);
    put_table(turn, &turn->holds);
    run_record_put(turn);
    artifacts_leave(turn);
    table_release(&turn->steps);
    table_release(&turn->plans);
    table_release(&turn->resources);
    table_release(&turn->inner);
    table_release(&turn->runs);
    table_release(&turn->holds);
    vec_release(&turn->approvals);
}

void turn_put(struct engine_turn *turn, const struct record_type *type, const void *row)
{
    effects_put(turn->effects, type, row);
}

void turn_remove(struct engine_turn *turn, const struct record_type *type, const char *id)
{
    effects_remove(turn->effects, type, id);
}

const char *turn_new_id(struct engine_turn *turn)
{
    turn->ids.call = arena_printf(turn->arena, "%s/%lld/%lld", turn->run != NULL ? turn->run->id : "",
                                  (long long)turn->facts->epoch, (long long)turn->facts->now_ms);
    return id_take(&turn->ids, turn->arena);
}

void turn_audit(struct engine_turn *turn, const char *action, const char *actor, const char *result, const char *reason,
                const char *detail)
{
    const struct run *run = turn->run;
    const struct audit entry = {
        .at = turn->facts->now_ms,
        .action = arena_strdup(turn->arena, action),
        .actor = text_empty(actor) ? "berth" : actor,
        .person = run != NULL && text_equal(actor, run->actor) ? run->person : "",
        .via = run != NULL ? run->via : "",
        .target = run != NULL                 ? run->environment_name
                  : turn->environment != NULL ? turn->environment->name
                                              : "",
        .environment = turn->environment != NULL ? turn->environment->id : "",
        .run = run != NULL ? run->id : "",
        .result = result,
        .reason = arena_strdup(turn->arena, reason),
        .detail = detail != NULL ? detail : "",
        .epoch = turn->facts->epoch,
    };

    effects_audit(turn->effects, &entry);
}

void turn_touch(struct engine_turn *turn, const char *run)
{
    effects_touch(turn->effects, run);
}

void turn_wake(struct engine_turn *turn, int64_t at_ms)
{
    effects_wake(turn->effects, at_ms);
}

const char *turn_tier(const struct engine_turn *turn)
{
    return word_name(tier_names, turn->environment != NULL ? turn->environment->tier
                                 : turn->entry != NULL     ? (int)turn->entry->tier
                                                           : TIER_NONE);
}

void turn_notify(struct engine_turn *turn, const char *event)
{
    const struct run *run = turn->run;
    struct notice notice = {
        .config = turn->facts->config,
        .event = event,
        .tier = turn_tier(turn),
        .environment = turn->environment != NULL ? turn->environment->id : "",
        .run = run->id,
        .id = arena_printf(turn->arena, "%s.%s.%lld", run->id, event, (long long)turn->facts->now_ms),
        .now_ms = turn->facts->now_ms,
    };

    if (notice.config == NULL)
        return;
    notice.payload = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "event", event, "workspace",
                               notice.config->workspace, "environment", run->environment_name, "run", run->id, "status",
                               word_name(run_status_names, run->status), "reason",
                               run->status_reason != NULL ? run->status_reason : "", "commit",
                               run->commit != NULL ? run->commit : "", "actor", run->actor != NULL ? run->actor : "",
                               "workflow", word_name(workflow_names, run->workflow));
    notice_put(turn->effects, &notice);
    json_decref(notice.payload);
}
