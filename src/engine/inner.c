/* SPDX-License-Identifier: ISC */
/*
 * Inner parts of a resource (a module's own resources): rows below it that no plan, order or base counts. They are what its executor says of
 * them, go with it, and stand behind it wherever resources are listed.
 */
#include "engine/inner.h"

#include "berth/base/str.h"

void inner_split(struct engine_turn *turn)
{
    struct turn_table *table = &turn->resources;
    size_t kept = 0;

    turn->inner.type = &resource_type;
    for (size_t i = 0; i < table->rows.count; i++) {
        const struct resource *resource = table->rows.items[i];

        if (text_empty(resource->parent)) {
            table->rows.items[kept++] = resource;
            continue;
        }
        vec_push(&turn->inner.rows, (const void *)resource);
        vec_push(&turn->inner.states, ROW_AS_READ);
    }
    table->rows.count = table->states.count = kept;
}

static const struct resource *inner_row(const struct engine_turn *turn, size_t at)
{
    return turn_row(&turn->inner, at);
}

const struct resource *inner_part(const struct engine_turn *turn, const char *parent, const char *name)
{
    for (size_t i = 0; i < turn->inner.rows.count; i++) {
        const struct resource *row = inner_row(turn, i);

        if (row != NULL && text_equal(row->parent, parent) && text_equal(row->name, name))
            return row;
    }
    return NULL;
}

void inner_forget(struct engine_turn *turn, const char *parent)
{
    for (size_t i = 0; i < turn->inner.rows.count; i++)
        if (inner_row(turn, i) != NULL && text_equal(inner_row(turn, i)->parent, parent))
            turn_drop(&turn->inner, i);
}

void inner_follow_dropped(struct engine_turn *turn)
{
    for (size_t i = 0; turn->inner.rows.count > 0 && i < turn->resources.rows.count; i++)
        if (turn->resources.states.items[i] == ROW_REMOVED)
            inner_forget(turn, ((const struct resource *)turn->resources.rows.items[i])->address);
}

/* --- what the executor says ----------------------------------------------------------------------------------------- */

static const char *address_of(struct engine_turn *turn, const struct resource *parent, const char *inner)
{
    return arena_printf(turn->arena, "%s" RESOURCE_INNER "%s", parent->address, inner);
}

static const char *needs_of_part(struct engine_turn *turn, const struct resource *parent, const json_t *part)
{
    json_t *list = json_array(), *need;
    const char *text = "";
    size_t at;

    json_array_foreach(json_object_get(part, "needs"), at, need) if (json_is_string(need))
        json_array_append_new(list, json_string(address_of(turn, parent, json_string_value(need))));
    if (json_array_size(list) > 0)
        text = json_text(turn->arena, list);
    json_decref(list);
    return text;
}

static struct resource *new_part(struct engine_turn *turn, const struct resource *parent, const char *address)
{
    struct resource *row = arena_alloc(turn->arena, sizeof *row);

    *row = (struct resource){
        .id = arena_printf(turn->arena, "%s/%s", parent->environment, address),
        .environment = parent->environment,
        .address = address,
        .parent = parent->address,
        .applied_run = "",
        .position = parent->position, /* lists stand in the order of position and id: it comes right behind */
    };
    (void)turn_add(&turn->inner, row);
    return row;
}

/* The rows below one resource: address -> place + 1. */
static void know_parts(const struct engine_turn *turn, const char *parent, struct map *known)
{
    for (size_t i = 0; i < turn->inner.rows.count; i++)
        if (inner_row(turn, i) != NULL && text_equal(inner_row(turn, i)->parent, parent))
            (void)map_set(known, inner_row(turn, i)->address, (void *)(uintptr_t)(i + 1));
}

/* The row of a part, made when there is none, with what the executor says of it but for its status. */
static struct resource *put_part(struct engine_turn *turn, const struct resource *parent, struct map *known,
                                 const json_t *part)
{
    const char *name = json_get_text(part, "address"), *address = address_of(turn, parent, name);
    uintptr_t place = (uintptr_t)map_get(known, address);
    struct resource *row = place != 0 ? turn_edit(turn, &turn->inner, place - 1) : new_part(turn, parent, address);

    if (place == 0)
        (void)map_set(known, address, (void *)(uintptr_t)turn->inner.rows.count);
    row->template = parent->template;
    row->group = parent->group;
    row->target = parent->target;
    row->executor = parent->executor;
    row->name = arena_strdup(turn->arena, name);
    row->kind = arena_strdup(turn->arena, json_get_text(part, "kind"));
    if (json_is_array(json_object_get(part, "needs")))
        row->needs = needs_of_part(turn, parent, part);
    return row;
}

static void is_made(struct resource *row, int64_t now_ms)
{
    row->applied_at = now_ms;
    if (row->created_at == 0)
        row->created_at = now_ms;
}

static void take_part(struct engine_turn *turn, const struct resource *parent, struct map *known, const json_t *part)
{
    const char *name = json_get_text(part, "address"), *address = address_of(turn, parent, name);
    int status = word_value(resource_status_names, json_get_text(part, "status"));
    uintptr_t place = (uintptr_t)map_get(known, address);
    struct resource *row;

    if (text_empty(name) || status < 0)
        return;
    if (status == RESOURCE_GONE) {
        if (place != 0)
            turn_drop(&turn->inner, place - 1);
        (void)map_remove(known, address);
        return;
    }
    row = put_part(turn, parent, known, part);
    row->status = status;
    row->status_reason = status == RESOURCE_FAILED ? arena_strdup(turn->arena, json_get_text(part, "text")) : "";
    row->applied_run = turn->run->id;
    if (status == RESOURCE_OK)
        is_made(row, turn->facts->now_ms);
}

static void take_parts(struct engine_turn *turn, const struct resource *parent, const json_t *parts)
{
    struct map known = {0};
    size_t at;
    json_t *part;

    know_parts(turn, parent->address, &known);
    json_array_foreach(parts, at, part) take_part(turn, parent, &known, part);
    map_release(&known);
}

/* The whole was applied: what it did not speak of is as it should be, and what was planned away or never begun is not there. */
static void settle_done(struct engine_turn *turn, size_t at)
{
    const struct resource *part = inner_row(turn, at);
    struct resource *edited;

    if (part->status == RESOURCE_OK)
        return;
    if (part->status == RESOURCE_DESTROYING ||
        (part->status == RESOURCE_WAITING && part->created_at == 0 && !text_equal(part->applied_run, turn->run->id))) {
        turn_drop(&turn->inner, at);
        return;
    }
    edited = turn_edit(turn, &turn->inner, at);
    edited->status = RESOURCE_OK;
    edited->status_reason = "";
    is_made(edited, turn->facts->now_ms);
}

/* Nobody works on it any more. */
static void settle_stopped(struct engine_turn *turn, size_t at)
{
    const struct resource *part = inner_row(turn, at);
    struct resource *edited;

    if (part->status == RESOURCE_OK || part->status == RESOURCE_FAILED || part->status == RESOURCE_UNKNOWN)
        return;
    if (part->status == RESOURCE_WAITING && part->created_at == 0) {
        turn_drop(&turn->inner, at);
        return;
    }
    edited = turn_edit(turn, &turn->inner, at);
    edited->status_reason = part->status == RESOURCE_WAITING ? "was to be changed, not begun" : "stopped in the middle";
    edited->status = RESOURCE_UNKNOWN;
}

/* --- what is there --------------------------------------------------------------------------------------------------- */

enum occasion { AFTER_DONE, AFTER_STOP, WHEN_SEEN, WHEN_PLANNED };

/* Whether the row, as it is now that the work has been settled, goes with what is known of it. What was stopped in the middle may be half done where the state has it whole. */
static bool goes_with(const struct resource *row, int status, enum occasion occasion)
{
    switch (occasion) {
    case AFTER_DONE:
    case WHEN_SEEN: return row->status == status;
    case AFTER_STOP: return true;
    case WHEN_PLANNED: return row->status != RESOURCE_UNKNOWN && row->status != RESOURCE_FAILED;
    }
    return true;
}

/* It is in the list of what is there: whoever made it, and whether or not anybody heard of that. */
static void take_there(struct engine_turn *turn, const struct resource *parent, struct map *known, const json_t *part,
                       enum occasion occasion)
{
    int status = word_value(resource_status_names, json_get_text(part, "status"));
    uintptr_t place = (uintptr_t)map_get(known, address_of(turn, parent, json_get_text(part, "address")));
    struct resource *row;

    if (status == RESOURCE_FAILED && occasion == AFTER_DONE)
        status = RESOURCE_OK; /* the whole was done */
    if ((status != RESOURCE_OK && status != RESOURCE_FAILED) ||
        (place != 0 && goes_with(inner_row(turn, place - 1), status, occasion)))
        return;
    row = put_part(turn, parent, known, part);
    row->status = status;
    row->status_reason = status == RESOURCE_FAILED ? "it is to be made anew" : "";
    if (place == 0 && (occasion == AFTER_DONE || occasion == AFTER_STOP))
        row->applied_run = turn->run->id;
    if (row->created_at == 0)
        is_made(row, turn->facts->now_ms);
}

/* Not in the list, so it is not there. Of what was never seen to be there, and was stopped while it was being made or failed, nobody knows. */
static bool is_away(const struct resource *part, enum occasion occasion)
{
    return occasion != AFTER_STOP || part->status == RESOURCE_OK ||
           (part->status == RESOURCE_UNKNOWN && part->created_at != 0);
}

static void name_all(struct map *named, const json_t *list, const char *key)
{
    size_t at;
    json_t *item;

    json_array_foreach(list, at, item) if (json_get_text(item, key)[0] != '\0')(void)
        map_set(named, json_get_text(item, key), item);
}

/* `there`: list as apply_result.there; `changes`: of a plan, what it would do to parts, there or not. */
static void take_all_there(struct engine_turn *turn, const struct resource *parent, const json_t *there,
                           const json_t *changes, enum occasion occasion)
{
    struct map known = {0}, named = {0};
    size_t at;
    json_t *part;

    if (!json_is_array(there))
        return;
    know_parts(turn, parent->address, &known);
    name_all(&named, there, "address");
    name_all(&named, changes, "path");
    name_all(&named, changes, "was");
    json_array_foreach(there, at, part) if (json_get_text(part, "address")[0] != '\0')
        take_there(turn, parent, &known, part, occasion);
    for (size_t i = 0; i < turn->inner.rows.count; i++) {
        const struct resource *row = inner_row(turn, i);

        if (row != NULL && text_equal(row->parent, parent->address) && map_get(&named, row->name) == NULL &&
            is_away(row, occasion))
            turn_drop(&turn->inner, i);
    }
    map_release(&named);
    map_release(&known);
}

void inner_ends(struct engine_turn *turn, const struct resource *parent, const json_t *parts, const json_t *there,
                enum inner_end end)
{
    take_parts(turn, parent, parts);
    for (size_t i = 0; i < turn->inner.rows.count; i++) {
        if (inner_row(turn, i) == NULL || !text_equal(inner_row(turn, i)->parent, parent->address))
            continue;
        if (end == INNER_DONE)
            settle_done(turn, i);
        else
            settle_stopped(turn, i);
    }
    take_all_there(turn, parent, there, NULL, end == INNER_DONE ? AFTER_DONE : AFTER_STOP);
}

bool inner_seen(struct engine_turn *turn, const struct resource *parent, const json_t *there, const char *reason)
{
    bool all_ok = true;

    take_all_there(turn, parent, there, NULL, WHEN_SEEN);
    for (size_t i = 0; i < turn->inner.rows.count; i++) {
        const struct resource *part = inner_row(turn, i);

        if (part == NULL || !text_equal(part->parent, parent->address))
            continue;
        if (!json_is_array(there)) {
            struct resource *edited = turn_edit(turn, &turn->inner, i);

            edited->status = RESOURCE_UNKNOWN;
            edited->status_reason = reason;
        }
        all_ok = all_ok && inner_row(turn, i)->status == RESOURCE_OK;
    }
    return all_ok;
}

void inner_planned(struct engine_turn *turn, const char *parent, const json_t *parts, const json_t *changes)
{
    long at = resource_find(turn, parent);

    /* whoever holds the lock, or applied since, makes other parts than those the plan saw */
    if (at >= 0 && lock_is_free(turn) && base_holds(turn))
        take_all_there(turn, resource_at(turn, (size_t)at), parts, changes, WHEN_PLANNED);
}

void engine_step_inner(const struct engine_facts *facts, const char *step, const char *token, const json_t *parts,
                       struct engine_effects *effects)
{
    struct engine_turn turn;
    long at, place;

    if (facts->run == NULL)
        return;
    turn_begin(&turn, facts, effects);
    at = turn_find(&turn.steps, step);
    place = at < 0 ? -1 : resource_find(&turn, step_at(&turn, (size_t)at)->address);
    if (place >= 0 && step_at(&turn, (size_t)at)->status == STEP_RUNNING &&
        text_equal(step_at(&turn, (size_t)at)->token, token))
        take_parts(&turn, resource_at(&turn, (size_t)place), parts);
    turn_end(&turn);
}
