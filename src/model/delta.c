/* SPDX-License-Identifier: ISC */
/* Comparing an approved plan with another: parts are matched by resource and inner address, then by what would be done, then value by value. */
#include "berth/model/delta.h"

#include "berth/base/str.h"
#include "berth/model/covered.h"
#include "berth/model/run.h"

#include <stdlib.h>

const char *const delta_kind_names[] = {
    [DELTA_SAME] = "same",     [DELTA_GONE] = "gone",     [DELTA_NEW] = "new",
    [DELTA_ACTION] = "action", [DELTA_VALUES] = "values", NULL,
};

struct side { /* one resource in one plan */
    const struct plan *plan;
    json_t *changes;
    int action; /* enum plan_action; PLAN_NONE: nothing is done to it */
};
struct pair {
    const char *address;
    struct side was, now;
};

static bool is_inner(const json_t *change)
{
    return json_object_get(change, "attributes") || json_object_get(change, "kind");
}

static bool has_inner(const struct side *side)
{
    size_t at;
    json_t *change;
    json_array_foreach(side->changes, at, change)
    {
        if (is_inner(change))
            return true;
    }
    return false;
}

static bool removes(const char *action)
{
    return plan_takes_away(word_value(plan_action_names, action));
}

/* --- values ------------------------------------------------------------------------------------------------- */

/* The value of that path; lists of two plans have the same order but for what came or went, so it is looked for from `*from` on. */
static const json_t *value_at(const json_t *list, const char *path, size_t *from)
{
    size_t count = json_array_size(list);
    for (size_t i = 0; i < count; i++) {
        size_t at = (*from + i) % count;
        const json_t *value = json_array_get(list, at);
        if (text_equal(json_get_text(value, "path"), path)) {
            *from = at + 1;
            return value;
        }
    }
    return NULL;
}

static void add_value(struct delta *delta, enum delta_kind kind, const json_t *was, const json_t *now)
{
    struct delta_value value = {.kind = kind, .path = json_get_text(now ? now : was, "path"), .was = was, .now = now};
    vec_push(&delta->values, value);
}

/* What was to be known after apply may cover a value of another path. */
static bool is_covered_by_any(const json_t *list, const json_t *value)
{
    size_t at;
    json_t *approved;
    json_array_foreach(list, at, approved)
    {
        if (value_is_covered(approved, value))
            return true;
    }
    return false;
}

static void compare_values(struct delta *delta, const json_t *was, const json_t *now)
{
    size_t at, from = 0;
    json_t *value;
    json_array_foreach(now, at, value)
    {
        const json_t *approved = value_at(was, json_get_text(value, "path"), &from);
        if (approved ? !value_is_covered(approved, value) : !is_covered_by_any(was, value))
            add_value(delta, approved ? DELTA_VALUES : DELTA_NEW, approved, value);
    }
    from = 0;
    json_array_foreach(was, at, value)
    {
        if (!value_at(now, json_get_text(value, "path"), &from) && !json_is_true(json_object_get(value, "unknown")))
            add_value(delta, DELTA_GONE, value, NULL);
    }
}

static void add_all_values(struct delta *delta, const json_t *list)
{
    size_t at;
    json_t *value;
    json_array_foreach(list, at, value) add_value(delta, DELTA_NEW, NULL, value);
}

/* --- parts -------------------------------------------------------------------------------------------------- */

static void count_part(struct delta_counts *counts, const struct delta_part *part)
{
    counts->planned += part->kind != DELTA_GONE;
    counts->same += part->kind == DELTA_SAME;
    counts->gone += part->kind == DELTA_GONE;
    counts->added += part->kind == DELTA_NEW;
    counts->different += part->kind == DELTA_ACTION || part->kind == DELTA_VALUES;
    counts->removes += part->removes;
}

static void add_part(struct delta *delta, const struct pair *pair, struct delta_part part)
{
    part.address = pair->address;
    part.was_plan = pair->was.plan;
    part.now_plan = pair->now.plan;
    part.removes = part.kind != DELTA_SAME && part.kind != DELTA_GONE && removes(part.now_action);
    part.value_count = delta->values.count - part.first_value;
    part.ordinal = delta->parts.count;
    count_part(&delta->counts, &part);
    vec_push(&delta->parts, part);
}

static void add_inner(struct delta *delta, const struct pair *pair, const json_t *was, const json_t *now)
{
    struct delta_part part = {
        .path = json_get_text(now ? now : was, "path"),
        .was = was,
        .now = now,
        .was_action = json_get_text(was, "action"),
        .now_action = json_get_text(now, "action"),
        .first_value = delta->values.count,
    };
    if (!now)
        part.kind = DELTA_GONE;
    else if (!was)
        part.kind = DELTA_NEW;
    else if (change_is_covered(was, now))
        part.kind = DELTA_SAME;
    else
        part.kind = text_equal(part.was_action, part.now_action) ? DELTA_VALUES : DELTA_ACTION;
    if (part.kind == DELTA_NEW)
        add_all_values(delta, json_object_get(now, "attributes"));
    else if (part.kind == DELTA_ACTION || part.kind == DELTA_VALUES)
        compare_values(delta, json_object_get(was, "attributes"), json_object_get(now, "attributes"));
    add_part(delta, pair, part);
}

/* What was approved of one resource, found by path: lists of two plans have the same order but for what came or went, so the next one is tried before
 * they are indexed. Objects that a replacement left behind have the path of what replaced them, and the key of their own. */
struct finder {
    const json_t *list;
    size_t next;
    bool *met;      /* a place each */
    struct map map; /* path and deposed key -> place + 1, once it is needed */
    struct str key;
};

static const char *key_of(struct finder *finder, const char *path, const char *deposed)
{
    str_clear(&finder->key);
    str_add(&finder->key, path);
    str_add_char(&finder->key, '\n');
    str_add(&finder->key, deposed);
    return finder->key.data;
}

static void index_list(struct finder *finder)
{
    size_t at;
    json_t *change;
    json_array_foreach(finder->list, at, change)
    {
        const char *key = key_of(finder, json_get_text(change, "path"), json_get_text(change, "deposed"));
        (void)map_set(&finder->map, key, (void *)(uintptr_t)(at + 1));
    }
}

static long find(struct finder *finder, const char *path, const char *deposed)
{
    const json_t *next = json_array_get(finder->list, finder->next);
    if (next && text_equal(json_get_text(next, "path"), path) && text_equal(json_get_text(next, "deposed"), deposed))
        return (long)finder->next++;
    if (!finder->map.count)
        index_list(finder);
    long place = (long)(uintptr_t)map_get(&finder->map, key_of(finder, path, deposed)) - 1;
    if (place >= 0)
        finder->next = (size_t)place + 1;
    return place;
}

/* What was approved about it: of what a half-done replacement left behind, that replacement. */
static const json_t *find_approved(struct finder *finder, const json_t *change)
{
    const char *path = json_get_text(change, "path"), *deposed = json_get_text(change, "deposed");
    long place = find(finder, path, deposed);
    if (place < 0 && *deposed) {
        place = find(finder, path, "");
        if (place >= 0 && !change_is_covered(json_array_get(finder->list, (size_t)place), change))
            place = -1;
    }
    if (place < 0 || !is_inner(json_array_get(finder->list, (size_t)place)))
        return NULL;
    finder->met[place] = true;
    return json_array_get(finder->list, (size_t)place);
}

static void compare_inner(struct delta *delta, const struct pair *pair)
{
    struct finder finder = {.list = pair->was.changes,
                            .met = mem_zero(json_array_size(pair->was.changes) + 1, sizeof *finder.met),
                            .key = STR_INIT};
    size_t at;
    json_t *change;
    json_array_foreach(pair->now.changes, at, change)
    {
        if (is_inner(change))
            add_inner(delta, pair, find_approved(&finder, change), change);
    }
    json_array_foreach(pair->was.changes, at, change)
    {
        if (is_inner(change) && pair->now.action != PLAN_DEFERRED && !finder.met[at])
            add_inner(delta, pair, change, NULL);
    }
    free(finder.met);
    str_release(&finder.key);
    map_release(&finder.map);
}

static bool is_same(const struct side *was, const struct side *now)
{
    return text_equal(was->plan->digest, now->plan->digest) && text_equal(was->plan->changes, now->plan->changes);
}

/* Its parts say what is done to it; without parts it is one itself. */
static void compare_whole(struct delta *delta, const struct pair *pair)
{
    const struct side *was = &pair->was, *now = &pair->now;
    bool planned = plan_acts(now->action), approved = plan_acts(was->action);
    struct delta_part part = {
        .path = "",
        .was_action = approved ? word_name(plan_action_names, was->action) : "",
        .now_action = planned ? word_name(plan_action_names, now->action) : "",
        .first_value = delta->values.count,
    };
    if (!planned)
        part.kind = DELTA_GONE;
    else if (!approved)
        part.kind = DELTA_NEW;
    else if (was->action != now->action)
        part.kind = DELTA_ACTION;
    else if (has_inner(was) && !json_array_size(now->changes))
        part.kind = DELTA_SAME; /* its parts are done, what they give is left to be taken */
    else
        part.kind = is_same(was, now) ? DELTA_SAME : DELTA_VALUES;
    if (part.kind == DELTA_NEW)
        add_all_values(delta, now->changes);
    else if (part.kind == DELTA_ACTION || part.kind == DELTA_VALUES)
        compare_values(delta, has_inner(was) ? NULL : was->changes, now->changes);
    add_part(delta, pair, part);
}

static void compare(struct delta *delta, const struct pair *pair)
{
    bool planned = plan_acts(pair->now.action), approved = plan_acts(pair->was.action);
    bool was_inner = approved && has_inner(&pair->was), now_inner = planned && has_inner(&pair->now);
    if (!planned && !approved)
        return;
    if ((planned && !now_inner) || (!planned && !was_inner))
        compare_whole(delta, pair);
    if (was_inner || now_inner)
        compare_inner(delta, pair);
}

/* --- order -------------------------------------------------------------------------------------------------- */

static int rank_of(const struct delta_part *part)
{
    return part->removes ? 0 : part->kind == DELTA_SAME ? 3 : part->kind == DELTA_GONE ? 2 : 1;
}

static int64_t position_of(const struct delta_part *part)
{
    const struct plan *plan = part->now_plan ? part->now_plan : part->was_plan;
    return plan ? plan->position : 0;
}

struct ranked {
    const struct delta_part *part;
    int64_t position;
    int resource_rank, rank, weight;
};

static int by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->resource_rank != y->resource_rank)
        return x->resource_rank - y->resource_rank;
    if (x->position != y->position)
        return x->position < y->position ? -1 : 1;
    int address = x->part->address == y->part->address ? 0 : strcmp(x->part->address, y->part->address);
    if (address)
        return address;
    if (x->rank != y->rank)
        return x->rank - y->rank;
    if (x->weight != y->weight)
        return x->weight - y->weight;
    return x->part->ordinal < y->part->ordinal ? -1 : x->part->ordinal > y->part->ordinal;
}

/* Of the parts of one resource, which lie together; `*end` is the place after them. */
static int best_rank(const struct delta *delta, size_t first, size_t *end)
{
    const struct delta_part *parts = delta->parts.items;
    int best = rank_of(&parts[first]);
    size_t at = first + 1;
    for (; at < delta->parts.count && parts[at].address == parts[first].address; at++)
        best = rank_of(&parts[at]) < best ? rank_of(&parts[at]) : best;
    *end = at;
    return best;
}

static void put_in_order(struct delta *delta)
{
    size_t count = delta->parts.count;
    struct ranked *ranked = mem_zero(count + 1, sizeof *ranked);
    struct delta_part *parts = mem_alloc(count * sizeof *parts);
    for (size_t i = 0, end = 0; i < count; i++) {
        const struct delta_part *part = &delta->parts.items[i];
        const char *action = *part->now_action ? part->now_action : part->was_action;
        ranked[i] = (struct ranked){.part = part,
                                    .position = position_of(part),
                                    .rank = rank_of(part),
                                    .weight = plan_weight(word_value(plan_action_names, action))};
        ranked[i].resource_rank = i == end ? best_rank(delta, i, &end) : ranked[i - 1].resource_rank;
    }
    qsort(ranked, count, sizeof *ranked, by_rank);
    for (size_t i = 0; i < count; i++)
        parts[i] = *ranked[i].part;
    for (size_t i = 0; i < count; i++)
        delta->parts.items[i] = parts[i];
    free(parts);
    free(ranked);
}

/* --- the whole ---------------------------------------------------------------------------------------------- */

static struct side side_of(struct delta *delta, const struct plan *plan, const struct side *other)
{
    struct side side = {.plan = plan, .action = plan->action};
    if (!plan_acts(plan->action))
        return side;
    if (other && other->changes && text_equal(other->plan->changes, plan->changes)) {
        side.changes = other->changes;
        return side;
    }
    side.changes = json_column(plan->changes);
    vec_push(&delta->held, side.changes);
    return side;
}

void delta_make(struct delta *delta, const struct plan *approved, size_t approved_count, const struct plan *planned,
                size_t planned_count)
{
    struct map map = {0};
    struct pair *pairs = mem_zero(approved_count + planned_count + 1, sizeof *pairs);
    size_t count = 0;
    *delta = (struct delta){0};
    for (size_t i = 0; i < approved_count; i++) {
        pairs[count++] = (struct pair){.address = approved[i].address, .was = side_of(delta, &approved[i], NULL)};
        (void)map_set(&map, approved[i].address, (void *)(uintptr_t)count);
    }
    for (size_t i = 0; i < planned_count; i++) {
        uintptr_t place = (uintptr_t)map_get(&map, planned[i].address);
        if (!place)
            pairs[place = count++].address = planned[i].address;
        else
            place--;
        pairs[place].now = side_of(delta, &planned[i], &pairs[place].was);
    }
    for (size_t i = 0; i < count; i++)
        compare(delta, &pairs[i]);
    put_in_order(delta);
    free(pairs);
    map_release(&map);
}

void delta_of_changes(struct delta *delta, const char *address, const json_t *approved, const json_t *planned)
{
    const struct pair pair = {
        .address = address,
        .was = {.changes = (json_t *)(uintptr_t)approved, .action = PLAN_UPDATE},
        .now = {.changes = (json_t *)(uintptr_t)planned, .action = PLAN_UPDATE},
    };
    *delta = (struct delta){0};
    compare_inner(delta, &pair);
    put_in_order(delta);
}

void delta_release(struct delta *delta)
{
    for (size_t i = 0; i < delta->held.count; i++)
        json_decref(delta->held.items[i]);
    vec_release(&delta->held);
    vec_release(&delta->parts);
    vec_release(&delta->values);
    delta->counts = (struct delta_counts){0};
}

bool delta_is_covered(const struct delta *delta)
{
    return delta->counts.same == delta->counts.planned;
}

/* --- words -------------------------------------------------------------------------------------------------- */

void delta_say(const struct delta *delta, const char *as, struct str *out)
{
    const struct delta_counts *counts = &delta->counts;
    const char *between = "; ";
    if (!counts->planned) {
        str_addf(out, "nothing is planned now; before it was %zu %s", counts->gone, as);
        return;
    }
    str_addf(out, "%zu of %zu %s", counts->same, counts->planned, as);
    if (counts->added) {
        str_addf(out, "%s%zu new", between, counts->added);
        between = ", ";
    }
    if (counts->different) {
        str_addf(out, "%s%zu different", between, counts->different);
        between = ", ";
    }
    if (counts->removes)
        str_addf(out, " (%zu remove%s)", counts->removes, counts->removes == 1 ? "s" : "");
    if (counts->gone)
        str_addf(out, "%s%zu not now", between, counts->gone);
}

bool delta_value_is_sensitive(const struct delta_value *value)
{
    return json_is_true(json_object_get(value->was, "sensitive")) ||
           json_is_true(json_object_get(value->now, "sensitive"));
}

static json_t *value_side(const json_t *value)
{
    static const char *const keys[] = {"before", "after", "unknown", "forces"};
    json_t *side = json_object();
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (json_object_get(value, keys[i]))
            json_object_set(side, keys[i], json_object_get(value, keys[i]));
    return side;
}

static json_t *values_to_json(const struct delta *delta, const struct delta_part *part)
{
    json_t *list = json_array();
    for (size_t i = 0; i < part->value_count; i++) {
        const struct delta_value *value = &delta->values.items[part->first_value + i];
        json_t *item = json_object();
        json_object_set_new(item, "path", json_string(value->path));
        json_object_set_new(item, "kind", json_string(delta_kind_names[value->kind]));
        if (delta_value_is_sensitive(value)) {
            json_object_set_new(item, "sensitive", json_true());
        } else {
            if (value->was)
                json_object_set_new(item, "was", value_side(value->was));
            if (value->now)
                json_object_set_new(item, "now", value_side(value->now));
        }
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *part_to_json(const struct delta *delta, const struct delta_part *part)
{
    json_t *item = json_object();
    json_object_set_new(item, "address", json_string(part->address));
    json_object_set_new(item, "part", json_string(part->path));
    json_object_set_new(item, "kind", json_string(delta_kind_names[part->kind]));
    json_object_set_new(item, "was", json_string(part->was_action));
    json_object_set_new(item, "now", json_string(part->now_action));
    if (part->kind != DELTA_SAME)
        json_object_set_new(item, "values", values_to_json(delta, part));
    return item;
}

json_t *delta_to_json(const struct delta *delta)
{
    const struct delta_counts *counts = &delta->counts;
    json_t *whole = json_object(), *parts = json_array();
    json_object_set_new(whole, "counts",
                        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "planned", (json_int_t)counts->planned, "same",
                                  (json_int_t)counts->same, "different", (json_int_t)counts->different, "new",
                                  (json_int_t)counts->added, "gone", (json_int_t)counts->gone, "removes",
                                  (json_int_t)counts->removes));
    for (size_t i = 0; i < delta->parts.count; i++)
        json_array_append_new(parts, part_to_json(delta, &delta->parts.items[i]));
    json_object_set_new(whole, "parts", parts);
    return whole;
}
