/* SPDX-License-Identifier: ISC */
/*
 * The keeper: looks once at all that providers keep in the store's folder, and ends. Of each mirror it lists the pins, says them, and does what it is told; it decides
 * nothing. Killed at any moment it leaves only what the next one sees: it counts and remembers nothing. After each release it lists again, so that only what was
 * judged by rows that are newer than the pins is relied on when a mirror is packed.
 */
#include "agent/observer.h"

#include "agent/protocol.h"
#include "berth/base/fault.h"
#include "berth/base/frame.h"
#include "berth/base/log.h"
#include "berth/base/str.h"
#include "berth/config.h"
#include "berth/provider.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS_MOST 8 /* lists of one mirror: runs end all the time, and the next look is not far */

struct keeper {
    struct setup setup;
    bool ended; /* nobody hears any more */
};
struct mirror {
    struct keeper *keeper;
    const struct provider *provider;
    const char *repository;
    struct provider_context context;
    json_t *listed; /* as it was judged last; owned */
};

/* --- the conversation ---------------------------------------------------------------------------------------------- */

static bool say(struct keeper *keeper, uint8_t kind, json_t *message)
{
    char *json = message ? json_dumps(message, JSON_COMPACT) : NULL;
    if (!keeper->ended && (!json || !frame_send(CHILD_SOCKET_FD, kind, json, strlen(json), NULL)))
        keeper->ended = true;
    free(json);
    json_decref(message);
    return !keeper->ended;
}

/* Waits for a frame of that kind. The policy is what it was at the beginning: this process lives for one look. NULL: nobody speaks any more. */
static json_t *hear(struct keeper *keeper, uint8_t wanted)
{
    struct str payload = STR_INIT;
    struct error error = {0};
    uint8_t kind = 0;
    json_t *message = NULL;
    while (!message && !keeper->ended && frame_receive(CHILD_SOCKET_FD, &kind, &payload, NULL)) {
        if (kind == FRAME_SETUP && wanted == FRAME_SETUP &&
            !setup_take(&keeper->setup, payload.data, payload.length, &error))
            log_error("agent", LOG_WARNING, &error);
        if (kind == FRAME_ASK)
            keeper->ended = !frame_send(CHILD_SOCKET_FD, FRAME_HERE, "", 0, NULL);
        if (kind == wanted)
            message = kind == FRAME_SETUP ? json_object() : json_loadb(payload.data, payload.length, 0, NULL);
    }
    keeper->ended |= !message;
    str_release(&payload);
    return message;
}

/* --- one mirror ------------------------------------------------------------------------------------------------------ */

static bool add_pin(const char *pin, const char *commit, void *owner)
{
    return json_array_append_new(owner, json_pack("[s,s]", pin, commit)) == 0;
}

/* NULL: with the error, or nobody answers. */
static json_t *ask(struct mirror *mirror, struct error *error)
{
    json_t *pins = json_array();
    if (!provider_call_pins(mirror->provider, &mirror->context, mirror->repository, add_pin, pins, error)) {
        json_decref(pins);
        return NULL;
    }
    json_decref(mirror->listed);
    mirror->listed = json_incref(pins);
    json_t *message = json_pack("{s:s, s:o}", "repository", mirror->repository, "pins", pins);
    return say(mirror->keeper, FRAME_PINS, message) ? hear(mirror->keeper, FRAME_KEEP) : NULL;
}

static bool release_all(struct mirror *mirror, const json_t *names, struct error *error)
{
    size_t at;
    json_t *name;
    fault_point("keeper.before_release");
    json_array_foreach(names, at, name)
    {
        if (!provider_call_unpin(mirror->provider, &mirror->context, mirror->repository, json_string_value(name),
                                 error))
            return false;
        fault_point("keeper.mid_release");
    }
    fault_point("keeper.after_release");
    return true;
}

/* What cannot be had any more is said, and does not keep the mirror from being tidied. */
static void take_all(struct mirror *mirror, const json_t *pins)
{
    size_t at;
    json_t *pin;
    json_array_foreach(pins, at, pin)
    {
        const char *name = json_string_value(json_array_get(pin, 0)),
                   *commit = json_string_value(json_array_get(pin, 1));
        struct error error = {0};
        if (provider_call_pin(mirror->provider, &mirror->context, mirror->repository, commit, name, &error))
            continue;
        error_context(&error, "commit %.12s of '%s' is needed, and no pin held it", commit, mirror->repository);
        log_error("agent", LOG_WARNING, &error);
    }
}

/* What the pins held when they were judged stays, although one may be at another commit by now: a run that is prepared again moves its own. */
static bool tidy(struct mirror *mirror, struct str *done, struct error *error)
{
    const char **held = mem_zero(json_array_size(mirror->listed) + 1, sizeof *held);
    size_t at;
    json_t *pin;
    json_array_foreach(mirror->listed, at, pin) held[at] = json_string_value(json_array_get(pin, 1));
    bool tidied = provider_call_tidy(mirror->provider, &mirror->context, mirror->repository, held, done, error);
    free(held);
    return tidied;
}

static bool end_of_order(struct mirror *mirror, const json_t *order, struct str *done, struct error *error)
{
    take_all(mirror, json_object_get(order, "take"));
    return json_is_true(json_object_get(order, "forget"))
               ? provider_call_forget(mirror->provider, &mirror->context, mirror->repository, done, error)
               : tidy(mirror, done, error);
}

/* Lists and does what it is told until nothing is to be released any more. */
static bool keep(struct mirror *mirror, struct str *done, struct error *error)
{
    for (int round = 0; round < ROUNDS_MOST; round++) {
        json_t *order = ask(mirror, error);
        const json_t *names = json_object_get(order, "release");
        if (!order)
            return false;
        bool last = json_array_size(names) == 0;
        bool good = last ? end_of_order(mirror, order, done, error) : release_all(mirror, names, error);
        json_decref(order);
        if (last || !good)
            return good;
    }
    return true;
}

static bool keep_mirror(const char *repository, void *owner)
{
    struct mirror *mirror = owner;
    struct keeper *keeper = mirror->keeper;
    struct str done = STR_INIT;
    struct error error = {0};
    char line[2200] = "";
    mirror->repository = repository;
    mirror->context = (struct provider_context){
        .config = keeper->setup.config,
        .section = setup_repository(&keeper->setup, repository, NULL), /* NULL: no policy names it any more */
        .store_folder = keeper->setup.options->store_folder,
        .run_folder = "",
        .token = "",
        .stop_fd = CHILD_STOP_FD,
    };
    bool kept = keep(mirror, &done, &error);
    json_decref(mirror->listed);
    mirror->listed = NULL;
    if (!kept && error.code != ERROR_NONE)
        error_line(&error, line, sizeof line);
    if (!keeper->ended)
        say(keeper, FRAME_KEPT,
            json_pack("{s:s, s:s, s:s}", "repository", repository, "done", done.data, "error", line));
    str_release(&done);
    return !keeper->ended;
}

/* --- all of them ----------------------------------------------------------------------------------------------------- */

struct names {
    VEC(char *) items;
};

static bool note_name(const char *repository, void *owner)
{
    struct names *names = owner;
    vec_push(&names->items, mem_strdup(repository));
    return true;
}

/* Listed first, worked on then: mirrors come and go. */
static void keep_provider(struct keeper *keeper, const struct provider *provider)
{
    struct provider_context context = {
        .config = keeper->setup.config, .store_folder = keeper->setup.options->store_folder, .stop_fd = CHILD_STOP_FD};
    struct mirror mirror = {.keeper = keeper, .provider = provider};
    struct names names = {0};
    struct error error = {0};
    if (!provider_call_mirrors(provider, &context, note_name, &names, &error))
        log_error("agent", LOG_WARNING, &error);
    for (size_t i = 0; i < names.items.count; i++) {
        if (!keeper->ended)
            (void)keep_mirror(names.items.items[i], &mirror);
        free(names.items.items[i]);
    }
    vec_release(&names.items);
}

int keeper_main(const struct agent_options *options)
{
    struct keeper keeper = {.ended = false};
    size_t count;
    const struct provider *const *all = providers(&count);
    setup_init(&keeper.setup, options);
    json_decref(hear(&keeper, FRAME_SETUP));
    for (size_t i = 0; i < count && !keeper.ended && keeper.setup.config; i++)
        if (all[i]->branches && all[i]->branches->mirrors)
            keep_provider(&keeper, all[i]);
    if (!keeper.ended)
        say(&keeper, FRAME_KEPT, json_pack("{s:s}", "repository", "")); /* that was all */
    setup_release(&keeper.setup);
    return 0;
}
