/* SPDX-License-Identifier: ISC */
/* All freezes: one that cannot be read is one of everything, so that nobody gets past it and it can be taken away like any other. */
#include "berth/store.h"

#include "berth/base/memory.h"
#include "berth/model/ledger.h"

struct freezes {
    struct arena *arena;
    VEC(struct freeze) rows;
};

static bool take(const void *row, void *context)
{
    struct freezes *freezes = context;
    const struct freeze *copy = record_copy(&freeze_type, row, freezes->arena);
    vec_push(&freezes->rows, *copy);
    return true;
}

static void take_unread(const char *id, const struct error *error, void *context)
{
    struct freezes *freezes = context;
    struct freeze freeze = {
        .id = arena_strdup(freezes->arena, id),
        .tiers = "[]",
        .except = "[]",
        .name = "all",
        .reason = arena_printf(freezes->arena, "freeze %s cannot be read, %s: berth unfreeze all takes it away", id,
                               error->detail),
        .by = "",
    };
    vec_push(&freezes->rows, freeze);
}

bool store_freezes(struct store *store, struct arena *arena, struct freeze **rows, size_t *count, struct error *error)
{
    struct freezes freezes = {.arena = arena};
    const struct store_query query = {.type = &freeze_type, .damaged = take_unread, .damaged_context = &freezes};
    bool listed = store_each(store, &query, take, &freezes, error);
    *count = listed ? freezes.rows.count : 0;
    *rows = *count > 0 ? arena_copy(arena, freezes.rows.items, *count * sizeof **rows) : NULL;
    vec_release(&freezes.rows);
    return listed;
}
