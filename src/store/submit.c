/* SPDX-License-Identifier: ISC */
/* The one door for commands: a row, synced, once for each idempotency key. */
#include "store/private.h"

#include "berth/base/hash.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/model/ledger.h"

#include <unistd.h>

static bool submitted_before(struct store *store, const char *key, struct arena *arena, struct command *command,
                             bool *before, struct error *error)
{
    *before = false;
    if (text_empty(key))
        return true;
    struct store_query query = {.type = &command_type, .index = "key", .equal = {key}, .limit = 1};
    struct command *older;
    size_t count;
    if (!store_list(store, &query, arena, &older, &count, error))
        return false;
    *before = count > 0;
    if (*before)
        *command = *older;
    return true;
}

/* A client speaks for its own user and for nobody else; what only berthd says of a command is not taken from it. */
static bool be_honest(const struct store *store, struct command *command, struct arena *arena, struct error *error)
{
    const char *self = arena_printf(arena, "uid:%lld", (long long)geteuid());
    if (store->role != STORE_CLIENT)
        return true;
    if (!text_empty(command->actor) && !text_equal(command->actor, self)) {
        error_set(error, ERROR_DENIED, "a command of '%s' cannot be submitted by %s", command->actor, self);
        return error_hint(error, "only berthd itself speaks for triggers, schedules and other people");
    }
    command->actor = self;
    command->status = COMMAND_WAITING;
    command->run = command->answer = "";
    command->answered_at = 0;
    return true;
}

/* Fills what is empty; the row must be new. */
static bool put_command(struct store *store, struct command *command, struct arena *arena, struct error *error)
{
    if (text_empty(command->id)) {
        char id[ID_SIZE];
        id_new(id, store->at);
        command->id = arena_strdup(arena, id);
    }
    if (command->submitted_at == 0)
        command->submitted_at = store->at;
    struct command *older = arena_alloc(arena, sizeof *older);
    enum store_found found = store_get(store, &command_type, command->id, arena, older, error);
    if (found == STORE_FOUND)
        return error_set(error, ERROR_CONFLICT, "there is a command %s already", command->id);
    return found == STORE_MISSING && store_put_row(store, &command_type, command, error);
}

bool store_submit(struct store *store, struct command *command, struct arena *arena, struct error *error)
{
    struct error local = {0};
    error = error ? error : &local;
    BUG_ON(store->role == STORE_READER);
    if (!store_begin(store, STORE_DURABLE, error))
        return false;
    bool before = false;
    if (!submitted_before(store, command->key, arena, command, &before, error) || before) {
        store_abandon(store);
        return before;
    }
    if (!be_honest(store, command, arena, error) || !put_command(store, command, arena, error)) {
        store_abandon(store);
        return error_context(error, "cannot submit the command %s", command->verb ? command->verb : "");
    }
    if (!store_commit(store, &command->revision, error))
        return error_context(error, "cannot submit the command %s", command->verb ? command->verb : "");
    return true;
}
