/* SPDX-License-Identifier: ISC */
/*
 * What is kept, and how long. Commits: after something ended, and every hour, the keeper lists the pins, and what they are still needed for is derived from the store, as it is then.
 *
 * Why no pin goes that a run just took: a run's row is committed before its worker hears of it, so a listed pin is of a run that is in the store when the list is
 * judged, and one that came after the list is not in it. Between the verdict and its release only that very run could begin to need its pin again (a retry): none
 * of its steps is given to a worker before the keeper has said how the release went. It then lists again, and what is needed and not held is pinned anew, before
 * anything is packed.
 */
#include "agent/keeping.h"

#include "agent/protocol.h"
#include "agent/supervisor.h"
#include "berth/base/log.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/store.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define SOON_MS 1000        /* after something ended */
#define BETWEEN_MS 5000     /* at least, from one look to the next */
#define EVERY_MS MS_HOUR    /* also when nothing ends: horizons pass, and a keeper may have died */
#define SWEEP_ROWS 500      /* removed in one transaction */
#define RUNS_PREFIX "runs/" /* of a run's pin */

static void look_at(struct supervisor *supervisor, int64_t at_ms)
{
    if (supervisor->kept_ms != 0 && at_ms < supervisor->kept_ms + BETWEEN_MS)
        at_ms = supervisor->kept_ms + BETWEEN_MS;
    if (supervisor->keep_at_ms == 0 || at_ms < supervisor->keep_at_ms)
        supervisor->keep_at_ms = at_ms;
}

void keeping_note(struct supervisor *supervisor)
{
    look_at(supervisor, time_monotonic_ms() + SOON_MS);
}

bool keeping_is_due(const struct supervisor *supervisor)
{
    if (!supervisor->config)
        return false;
    return children_find(supervisor, CHILD_KEEPER) ||
           (supervisor->keep_at_ms != 0 && supervisor->keep_at_ms - time_monotonic_ms() <= BETWEEN_MS);
}

/* --- rows that nothing refers to ---------------------------------------------------------------------------------------- */

static void say_swept(const struct engine_effects *effects)
{
    size_t recipes = 0;
    for (size_t i = 0; i < effects->puts.count; i++)
        recipes += effects->puts.items[i].type == &recipe_type;
    if (effects->puts.count > 0)
        log_line("agent", LOG_INFO,
                 "removed %zu recipes beyond their horizon, and %zu templates of commits that nothing needs", recipes,
                 effects->puts.count - recipes);
}

static bool sweep_rows(struct supervisor *supervisor, struct arena *arena, bool *more, struct error *error)
{
    struct engine_effects effects;
    int64_t now = time_now_ms();
    struct engine_pins *pins = engine_pins_load(supervisor->store, supervisor->config, now, error);
    if (!pins)
        return false;
    engine_effects_init(&effects, arena);
    bool swept = engine_pins_sweep(supervisor->store, pins, now, SWEEP_ROWS, &effects, more, error) &&
                 supervisor_apply(supervisor, &effects, error);
    if (swept)
        say_swept(&effects);
    engine_effects_release(&effects);
    engine_pins_free(pins);
    return swept;
}

/* True: there is more. What fails is tried again at the next look. */
static bool sweep(struct supervisor *supervisor)
{
    struct arena arena = {0};
    struct error error = {0};
    bool more = false;
    if (!store_begin(supervisor->store, STORE_RELAXED, &error) || !sweep_rows(supervisor, &arena, &more, &error) ||
        !store_commit(supervisor->store, NULL, &error)) {
        log_error("agent", LOG_WARNING, &error);
        store_abandon(supervisor->store);
        more = false;
    }
    arena_release(&arena);
    return more;
}

/* --- values beyond their horizon ----------------------------------------------------------------------------------------- */

/* A batch every hour, and the next at once while there is something to forget. True: there is more. */
static bool trim(struct supervisor *supervisor, int64_t now)
{
    struct error error = {0};
    bool more = false;
    if (now < supervisor->trim_at_ms)
        return false;
    if (!store_trim(supervisor->store, time_now_ms(), &more, &error))
        log_error("agent", LOG_WARNING, &error);
    supervisor->trim_at_ms = more ? now : now + EVERY_MS;
    return more;
}

/* --- the keeper --------------------------------------------------------------------------------------------------------- */

void keeping_look(struct supervisor *supervisor)
{
    int64_t now = time_monotonic_ms();
    struct error error = {0};
    if (!supervisor->config || supervisor->draining || supervisor->keep_at_ms == 0 || supervisor->keep_at_ms > now ||
        children_find(supervisor, CHILD_KEEPER))
        return;
    supervisor->keep_at_ms = 0;
    supervisor->kept_ms = now;
    supervisor->kept_all = false;
    bool more = sweep(supervisor);
    if (trim(supervisor, now) || more)
        keeping_note(supervisor);
    look_at(supervisor, now + EVERY_MS);
    if (!children_start(supervisor, CHILD_KEEPER, &error))
        log_error("agent", LOG_ERROR, &error);
}

static void forget_releasing(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->releasing.count; i++)
        free(supervisor->releasing.items[i]);
    supervisor->look_at_steps |= supervisor->releasing.count > 0;
    vec_clear(&supervisor->releasing);
}

void keeping_over(struct supervisor *supervisor)
{
    forget_releasing(supervisor);
    if (!supervisor->kept_all)
        keeping_note(supervisor);
}

void keeping_release(struct supervisor *supervisor)
{
    forget_releasing(supervisor);
    vec_release(&supervisor->releasing);
}

bool keeping_releases(const struct supervisor *supervisor, const char *run)
{
    for (size_t i = 0; i < supervisor->releasing.count; i++)
        if (text_equal(supervisor->releasing.items[i], run))
            return true;
    return false;
}

/* --- the verdict --------------------------------------------------------------------------------------------------------- */

static const struct engine_pin *pins_of(const json_t *list, struct arena *arena)
{
    struct engine_pin *pins = arena_alloc(arena, (json_array_size(list) + 1) * sizeof *pins);
    size_t at;
    json_t *pin;
    json_array_foreach(list, at, pin)
    {
        const char *name = json_string_value(json_array_get(pin, 0)),
                   *commit = json_string_value(json_array_get(pin, 1));
        pins[at] = (struct engine_pin){.name = name ? name : "", .commit = commit ? commit : ""};
    }
    return pins;
}

static json_t *order_of(struct supervisor *supervisor, const char *repository,
                        const struct engine_pins_verdict *verdict)
{
    json_t *release = json_array(), *take = json_array();
    for (size_t i = 0; i < verdict->release.count; i++) {
        const struct engine_pin *pin = &verdict->release.items[i];
        json_array_append_new(release, json_string(pin->name));
        if (text_starts(pin->name, RUNS_PREFIX))
            vec_push(&supervisor->releasing, mem_strdup(pin->name + strlen(RUNS_PREFIX)));
        log_line("agent", LOG_INFO, "releases the pin %s of '%s' (commit %.12s): %s", pin->name, repository,
                 pin->commit, pin->why);
    }
    for (size_t i = 0; i < verdict->take.count; i++) {
        const struct engine_pin *pin = &verdict->take.items[i];
        json_array_append_new(take, json_pack("[s,s]", pin->name, pin->commit));
        log_line("agent", LOG_WARNING, "takes the pin %s of '%s' again (commit %.12s), which was lost: %s", pin->name,
                 repository, pin->commit, pin->why);
    }
    bool forget = !verdict->wanted && verdict->kept == 0 && verdict->release.count == 0;
    return json_pack("{s:o, s:o, s:b}", "release", release, "take", take, "forget", forget);
}

void keeping_judge(struct supervisor *supervisor, struct child *keeper, const char *json, size_t length)
{
    struct arena arena = {0};
    struct error error = {0};
    struct engine_pins_verdict verdict;
    json_t *message = json_loadb(json, length, 0, NULL), *order = NULL;
    const json_t *list = json_object_get(message, "pins");
    const char *repository = json_get_text(message, "repository");
    struct engine_pins *pins = engine_pins_load(supervisor->store, supervisor->config, time_now_ms(), &error);
    forget_releasing(supervisor);
    if (pins) {
        engine_pins_judge(pins, repository, pins_of(list, &arena), json_array_size(list), &arena, &verdict);
        order = order_of(supervisor, repository, &verdict);
        engine_pins_verdict_release(&verdict);
    } else {
        log_error("agent", LOG_ERROR, &error);
    }
    char *text = order ? json_dumps(order, JSON_COMPACT) : NULL;
    if (text)
        child_send(keeper, FRAME_KEEP, text, strlen(text));
    else
        child_hang_up(keeper); /* it ends; the next look asks again */
    free(text);
    engine_pins_free(pins);
    json_decref(order);
    json_decref(message);
    arena_release(&arena);
}

void keeping_kept(struct supervisor *supervisor, const char *json, size_t length)
{
    json_t *message = json_loadb(json, length, 0, NULL);
    const char *repository = json_get_text(message, "repository"), *done = json_get_text(message, "done");
    const char *failed = json_get_text(message, "error");
    forget_releasing(supervisor);
    supervisor->kept_all = text_empty(repository);
    if (!text_empty(done))
        log_line("agent", LOG_INFO, "the mirror of '%s': %s", repository, done);
    if (!text_empty(failed))
        log_line("agent", LOG_WARNING, "the mirror of '%s': %s", repository, failed);
    json_decref(message);
}
