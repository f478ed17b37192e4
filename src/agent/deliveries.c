/* SPDX-License-Identifier: ISC */
/* The outbox: rows that wait are given to the notifier one at a time; what it says is stored, failures come again later. */
#include "agent/supervisor.h"

#include "agent/protocol.h"
#include "berth/base/log.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/store.h"

#include <stdlib.h>
#include <string.h>

#define ATTEMPTS_LIMIT 12
#define FIRST_WAIT_MS 2000
#define LONGEST_WAIT_MS (30 * MS_MINUTE)

struct waiting_delivery {
    struct arena *arena;
    struct delivery *row;
};

static bool take_first(const void *row, void *context)
{
    struct waiting_delivery *waiting = context;
    waiting->row = record_copy(&delivery_type, row, waiting->arena);
    return false;
}

/* It has half of the time after which it is ended, so that it can still say what it waited for. */
static bool give(struct supervisor *supervisor, const struct delivery *row, struct error *error)
{
    struct child *notifier = children_find(supervisor, CHILD_NOTIFIER);
    if (!notifier)
        notifier = children_start(supervisor, CHILD_NOTIFIER, error);
    if (!notifier)
        return false;
    json_t *message = json_pack("{s:o, s:I}", "delivery", record_to_json(&delivery_type, row), "within_ms",
                                (json_int_t)(supervisor->options->host->hung_after_ms / 2));
    char *json = json_dumps(message, JSON_COMPACT);
    child_send(notifier, FRAME_DELIVER, json, strlen(json));
    notifier->subject = mem_strdup(row->id);
    notifier->run = text_equal(row->event, DELIVERY_FORGET) ? mem_strdup(row->run) : NULL;
    notifier->silent_ms = 0;
    supervisor->delivering = true;
    free(json);
    json_decref(message);
    return true;
}

bool deliveries_forget_now(const struct supervisor *supervisor, const char *run)
{
    const struct child *notifier = children_find(supervisor, CHILD_NOTIFIER);
    return notifier && notifier->run && text_equal(notifier->run, run);
}

static void leave_out(const char *id, const struct error *error, void *context)
{
    char line[2200];
    (void)context;
    log_line("agent", LOG_ERROR, "delivery %s is left out: %s", id, error_line(error, line, sizeof line));
}

/* A wait that is longer than any is of a clock that went back. */
static bool is_due(const struct delivery *row, int64_t now_ms)
{
    return row->next_at <= now_ms || row->next_at - now_ms > LONGEST_WAIT_MS;
}

void deliveries_send(struct supervisor *supervisor)
{
    struct arena arena = {0};
    struct error error = {0};
    struct waiting_delivery waiting = {.arena = &arena};
    struct store_query query = {.type = &delivery_type,
                                .index = "status",
                                .equal = {word_name(delivery_status_names, DELIVERY_WAITING)},
                                .damaged = leave_out};
    if (supervisor->delivering || !supervisor->config || supervisor->draining)
        return;
    if (!store_each(supervisor->store, &query, take_first, &waiting, &error))
        log_error("agent", LOG_ERROR, &error);
    if (!waiting.row)
        supervisor->look_at_deliveries = false;
    if (waiting.row && is_due(waiting.row, time_now_ms()) && !give(supervisor, waiting.row, &error))
        log_error("agent", LOG_ERROR, &error);
    arena_release(&arena);
}

static int64_t wait_after(int64_t attempts)
{
    int64_t wait = FIRST_WAIT_MS;
    for (int64_t i = 1; i < attempts && wait < LONGEST_WAIT_MS; i++)
        wait *= 2;
    return wait < LONGEST_WAIT_MS ? wait : LONGEST_WAIT_MS;
}

static bool store_outcome(struct supervisor *supervisor, const json_t *message, struct arena *arena,
                          struct error *error)
{
    struct delivery row;
    bool done = json_is_true(json_object_get(message, "done")), retry = json_is_true(json_object_get(message, "retry"));
    enum store_found found =
        store_get(supervisor->store, &delivery_type, json_get_text(message, "delivery"), arena, &row, error);
    if (found != STORE_FOUND)
        return found == STORE_MISSING;
    row.attempts++;
    row.error = json_get_text(message, "error");
    bool record = text_equal(row.event, DELIVERY_RECORD); /* of a run: it may wait for days, but not be lost */
    if (done) {
        row.status = DELIVERY_DONE;
        row.delivered_at = time_now_ms();
        if (record)
            row.payload = ""; /* the receiver has it, and the chain its hash */
    } else if (!retry || (row.attempts >= ATTEMPTS_LIMIT && !record)) {
        row.status = DELIVERY_GIVEN_UP;
    } else {
        row.next_at = time_now_ms() + wait_after(row.attempts);
    }
    return store_put(supervisor->store, &delivery_type, &row, error);
}

static void take_outcome(struct supervisor *supervisor, const json_t *message)
{
    struct arena arena = {0};
    struct error error = {0};
    if (message &&
        (!store_begin(supervisor->store, STORE_DURABLE, &error) ||
         !store_outcome(supervisor, message, &arena, &error) || !store_commit(supervisor->store, NULL, &error))) {
        log_error("agent", LOG_ERROR, &error);
        store_abandon(supervisor->store);
    }
    supervisor->delivering = false;
    supervisor->look_at_deliveries = supervisor->look_at_steps = true;
    arena_release(&arena);
}

static void came_to_nothing(struct supervisor *supervisor, const struct child *notifier, const char *why)
{
    json_t *message =
        json_pack("{s:s, s:b, s:b, s:s}", "delivery", notifier->subject, "done", false, "retry", true, "error", why);
    take_outcome(supervisor, message);
    json_decref(message);
}

void deliveries_lost(struct supervisor *supervisor, const struct child *notifier)
{
    came_to_nothing(supervisor, notifier,
                    notifier->given_up ? "delivering it did not come back: the notifier was ended"
                                       : "the notifier died while it delivered it");
}

void deliveries_taken(struct supervisor *supervisor, struct child *notifier, const char *json, size_t length)
{
    json_t *message = json_loadb(json, length, 0, NULL);
    if (text_equal(json_get_text(message, "delivery"), notifier->subject))
        take_outcome(supervisor, message);
    else
        came_to_nothing(supervisor, notifier,
                        "the notifier answered about something else"); /* it is not given again at once */
    free(notifier->subject);
    free(notifier->run);
    notifier->subject = notifier->run = NULL;
    json_decref(message);
}
