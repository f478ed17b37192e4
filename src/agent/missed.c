/* SPDX-License-Identifier: ISC */
/*
 * Pushes that the machines might not answer when they came: a stop, a freeze or a hold refused them, or their tier had enough environments. When one
 * would be taken now, and its branch is still at that commit, it is asked for again, once. The refused commands in the store are the memory: nothing else
 * is kept.
 */
#include "agent/supervisor.h"

#include "berth/base/hash.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/store.h"

#define LOOK_BACK 256 /* so many refused commands are looked through, the newest first */
#define LOOK_BACK_MS (30 * MS_DAY)

struct missed {
    struct supervisor *supervisor;
    struct arena *arena;
    VEC(const struct command *) commands; /* the newest of each environment, the newest first */
    int64_t now_ms;
    bool took_room; /* in this look: whether there is room for one more is seen when that one is accepted */
};

struct since {
    int64_t at;
    bool destroyed;
};

static bool is_newest(const struct missed *missed, const struct command *command)
{
    for (size_t i = 0; i < missed->commands.count; i++)
        if (text_equal(missed->commands.items[i]->subject, command->subject))
            return false;
    return true;
}

static bool was_refused_with(const struct command *command, enum error_code code)
{
    json_t *answer = json_column(command->answer);
    bool was = text_equal(json_get_text(answer, "code"), error_info(code)->name);
    json_decref(answer);
    return was;
}

/* By policy, or for want of room. What was refused because a run did it already is not asked again. */
static bool was_denied(const struct command *command)
{
    return was_refused_with(command, ERROR_DENIED) || was_refused_with(command, ERROR_LIMIT);
}

static bool visit_refused(const void *row, void *context)
{
    struct missed *missed = context;
    const struct command *command = row;
    if (command->submitted_at < missed->now_ms - LOOK_BACK_MS)
        return false;
    if (text_equal(command->actor, "trigger:push") && text_equal(command->verb, "deploy") &&
        is_newest(missed, command) && was_denied(command)) {
        const struct command *copy = record_copy(&command_type, row, missed->arena);
        vec_push(&missed->commands, copy);
    }
    return true;
}

/* Whether the engine would take it now. What it would write is dropped. */
static bool would_be_taken(struct missed *missed, const struct command *command, bool *taken, struct error *error)
{
    struct supervisor *supervisor = missed->supervisor;
    struct command trial = *command;
    struct engine_facts facts;
    struct engine_effects effects;
    memset(&facts, 0, sizeof facts);
    trial.dry_run = true;
    trial.status = COMMAND_WAITING;
    engine_effects_init(&effects, missed->arena);
    bool loaded = engine_load_for_command(supervisor->store, &trial, supervisor->config, missed->now_ms, missed->arena,
                                          &facts, error);
    *taken = false;
    if (loaded) {
        supervisor_fill_facts(supervisor, &facts);
        engine_accept(&facts, &trial, &effects);
        for (size_t i = 0; i < effects.puts.count; i++)
            if (effects.puts.items[i].type == &command_type && effects.puts.items[i].row)
                *taken = ((const struct command *)effects.puts.items[i].row)->status != COMMAND_REFUSED;
        const char *commit = facts.environment ? facts.environment->commit : "";
        json_t *arguments = json_column(command->arguments);
        const char *wanted = json_get_text(arguments, "commit");
        *taken = *taken && facts.ref_branch && facts.ref_branch->gone_at == 0 &&
                 text_equal(facts.ref_branch->commit, wanted) && !text_equal(commit, wanted);
        json_decref(arguments);
    }
    engine_effects_release(&effects);
    engine_facts_release(&facts);
    return loaded;
}

static bool is_asked_again(struct missed *missed, const char *key)
{
    struct store_query query = {.type = &command_type, .index = "key", .equal = {key}, .limit = 1};
    int64_t count = 0;
    return !store_count(missed->supervisor->store, &query, &count, NULL) || count > 0;
}

static bool visit_run(const void *row, void *context)
{
    struct since *since = context;
    const struct run *run = row;
    since->destroyed |= run->created_at >= since->at && run->workflow == WORKFLOW_DESTROY;
    return run->created_at >= since->at && !since->destroyed;
}

/* Whoever destroyed it after the refusal does not want that push any more: a new one, or a person, makes the environment anew. */
static bool was_destroyed_since(struct missed *missed, const struct command *command)
{
    struct since since = {.at = command->submitted_at};
    struct store_query query = {
        .type = &run_type, .index = "environment_name", .equal = {command->subject}, .descending = true};
    return !store_each(missed->supervisor->store, &query, visit_run, &since, NULL) || since.destroyed;
}

static bool ask_again(struct missed *missed, const struct command *command, struct error *error)
{
    char id[ID_SIZE];
    struct command again = *command;
    bool taken, for_room = was_refused_with(command, ERROR_LIMIT);
    if (for_room && missed->took_room)
        return true;
    again.key = arena_printf(missed->arena, "again %s", command->id);
    if (is_asked_again(missed, again.key) || was_destroyed_since(missed, command))
        return true;
    if (!would_be_taken(missed, command, &taken, error) || !taken)
        return error->code == ERROR_NONE;
    id_new(id, missed->now_ms);
    again.id = id;
    again.status = COMMAND_WAITING;
    again.run = again.answer = "";
    again.reason = for_room ? "it was pushed while its tier had enough environments"
                            : "it was pushed while the machines might not deploy it";
    again.submitted_at = missed->now_ms;
    again.answered_at = again.revision = 0;
    missed->supervisor->look_at_commands = true;
    missed->took_room |= for_room;
    return store_put(missed->supervisor->store, &command_type, &again, error);
}

bool missed_look(struct supervisor *supervisor, struct error *error)
{
    struct arena arena = {0};
    struct missed missed = {.supervisor = supervisor, .arena = &arena, .now_ms = time_now_ms()};
    struct store_query refused = {.type = &command_type,
                                  .index = "status",
                                  .equal = {word_name(command_status_names, COMMAND_REFUSED)},
                                  .descending = true,
                                  .limit = LOOK_BACK};
    bool done = store_each(supervisor->store, &refused, visit_refused, &missed, error);
    for (size_t i = missed.commands.count; done && i-- > 0;) /* who has waited longest goes first */
        done = ask_again(&missed, missed.commands.items[i], error);
    vec_release(&missed.commands);
    arena_release(&arena);
    return done;
}
