/* SPDX-License-Identifier: ISC */
/* The worker's loop: take a task, do it, hand in the result, wait until it is stored. */
#include "agent/worker.h"

#include "agent/marker.h"
#include "agent/protocol.h"
#include "berth/base/fault.h"
#include "berth/base/file.h"
#include "berth/base/frame.h"
#include "berth/base/log.h"
#include "berth/base/time.h"
#include "berth/store_log.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_EVERY_MS 250
#define INNER_FRAME_LIMIT 2000            /* parts in one frame */
#define INNER_AT_ONCE 8                   /* frames */
#define RESULT_MOST (FRAME_LIMIT - 1024u) /* bytes */

struct provider_context worker_context(const struct attempt *attempt, const struct config_section *section)
{
    struct provider_context context = attempt->context;
    context.section = section;
    return context;
}

/* Progress is a courtesy: it is sent now and then and never waited for. */
static void send_progress(const struct provider_context *context, int percent, const char *text)
{
    struct attempt *attempt = context->owner;
    int64_t now = time_monotonic_ms();
    if (attempt->worker->orphaned || now - attempt->progress_at_ms < PROGRESS_EVERY_MS)
        return;
    attempt->progress_at_ms = now;
    json_t *message =
        json_pack("{s:s, s:i, s:s}", "step", attempt->task->step.id, "percent", percent, "text", text ? text : "");
    char *json = json_dumps(message, JSON_COMPACT);
    if (json && !frame_send(CHILD_SOCKET_FD, FRAME_PROGRESS, json, strlen(json), NULL))
        attempt->worker->orphaned = true;
    free(json);
    json_decref(message);
}

/* A few at once, and then one every so often. */
static void send_inner(struct attempt *attempt, int64_t now)
{
    json_t *message = json_pack("{s:s, s:s, s:O}", "step", attempt->task->step.id, "token", attempt->task->step.token,
                                "parts", attempt->parts);
    char *json = json_dumps(message, JSON_COMPACT);
    if (json && !frame_send(CHILD_SOCKET_FD, FRAME_INNER, json, strlen(json), NULL))
        attempt->worker->orphaned = true;
    free(json);
    json_decref(message);
    json_array_clear(attempt->parts);
    attempt->inner_at_ms += PROGRESS_EVERY_MS;
    if (attempt->inner_at_ms < now - INNER_AT_ONCE * PROGRESS_EVERY_MS)
        attempt->inner_at_ms = now - INNER_AT_ONCE * PROGRESS_EVERY_MS;
}

static json_t *part_named(const json_t *parts, const char *address)
{
    size_t at;
    json_t *part;
    json_array_foreach(parts, at, part) if (text_equal(json_get_text(part, "address"), address)) return part;
    return NULL;
}

/* What inner parts come to is told now and then, together; the last of it comes with the result. */
static void note_inner(const struct provider_context *context, const struct inner_progress *inner)
{
    struct attempt *attempt = context->owner;
    const char *status = word_name(resource_status_names, (int)inner->status);
    int64_t now = time_monotonic_ms();
    if (attempt->worker->orphaned)
        return;
    if (!attempt->parts)
        attempt->parts = json_array();
    json_t *part = part_named(attempt->parts, inner->address);
    if (!part && json_array_size(attempt->parts) < INNER_FRAME_LIMIT) {
        part = json_pack("{s:s, s:s}", "address", inner->address, "kind", inner->kind ? inner->kind : "");
        json_array_append_new(attempt->parts, part);
    }
    json_object_set_new(part, "status", json_string(status));
    json_object_set_new(part, "text", json_string(inner->text ? inner->text : ""));
    if (now - attempt->inner_at_ms >= PROGRESS_EVERY_MS)
        send_inner(attempt, now);
}

static void tell_waiting(const struct provider_context *context, const char *reason)
{
    struct attempt *attempt = context->owner;
    struct str clean = STR_INIT;
    if (attempt->worker->orphaned)
        return;
    redact_text(attempt->worker->redactor, reason, &clean);
    json_t *message = json_pack("{s:s, s:s, s:s}", "step", attempt->task->step.id, "token", attempt->task->step.token,
                                "reason", clean.data);
    char *json = json_dumps(message, JSON_COMPACT);
    if (json && !frame_send(CHILD_SOCKET_FD, FRAME_WAITING, json, strlen(json), NULL))
        attempt->worker->orphaned = true;
    free(json);
    json_decref(message);
    str_release(&clean);
}

/* Whoever ends the tools of a dead worker finds them by the token in their environment; one that drops it, by its session. */
static void note_tool(const struct provider_context *context, const struct process *tool)
{
    struct attempt *attempt = context->owner;
    struct error error = {0};
    if (!marker_note_tool(&attempt->worker->placed, context->token, tool, attempt->worker->self.boot, &error))
        log_error("agent", LOG_WARNING, &error);
}

static json_t *do_phase(struct attempt *attempt, struct error *error)
{
    switch ((enum step_phase)attempt->task->step.phase) {
    case PHASE_PREPARE: fault_point("worker.before_prepare"); return worker_prepare(attempt, error);
    case PHASE_PLAN:
        fault_point("worker.before_plan");
        return attempt->task->run.workflow == WORKFLOW_EXEC ? worker_exec_plan(attempt, error)
                                                            : worker_plan(attempt, error);
    case PHASE_EXEC: fault_point("worker.before_exec"); return worker_exec(attempt, error);
    case PHASE_APPLY: fault_point("worker.before_apply"); return worker_apply(attempt, error);
    case PHASE_DESTROY: fault_point("worker.before_destroy"); return worker_destroy(attempt, error);
    case PHASE_CHECK: fault_point("worker.before_check"); return worker_check(attempt, error);
    }
    error_set(error, ERROR_CORRUPT, "a step of an unknown phase");
    return NULL;
}

static bool open_attempt(struct attempt *attempt, struct error *error)
{
    struct worker *worker = attempt->worker;
    const struct step *step = &attempt->task->step;
    if (!worker->setup.config)
        return error_set(error, ERROR_CONFIG, "there is no policy to work by");
    attempt->entry = config_entry_named(worker->setup.config, attempt->task->run.entry);
    attempt->run_folder = marker_run_folder(worker->setup.options->store_folder, attempt->task->run.id, error);
    if (!attempt->run_folder ||
        !run_log_open(&worker->log, worker->setup.options->store_folder, attempt->task->run.id, step->id, error))
        return false;
    attempt->context = (struct provider_context){
        .config = worker->setup.config,
        .store_folder = worker->setup.options->store_folder,
        .run_folder = attempt->run_folder,
        .run = attempt->task->run.id,
        .token = step->token,
        .deadline_ms = step->timeout_ms > 0 ? time_monotonic_ms() + step->timeout_ms : 0,
        .stop_fd = CHILD_STOP_FD,
        .log = &worker->log,
        .redactor = worker->redactor,
        .progress = send_progress,
        .inner = note_inner,
        .waits = tell_waiting,
        .tool_started = note_tool,
        .owner = attempt,
    };
    return true;
}

static enum step_status status_of_failure(const struct error *error)
{
    if (error->code == ERROR_CANCELLED)
        return STEP_CANCELLED;
    return error->code == ERROR_INTERRUPTED ? STEP_INTERRUPTED : STEP_FAILED;
}

/* Text by text: a secret may look like JSON. Keys are the executors' own words. */
static void redact_json(const struct redactor *redactor, json_t *value)
{
    const char *key;
    json_t *item;
    void *next;
    size_t at;
    if (json_is_string(value)) {
        struct str clean = STR_INIT;
        redact_text(redactor, json_string_value(value), &clean);
        json_string_set(value, clean.data);
        str_release(&clean);
    }
    json_array_foreach(value, at, item) redact_json(redactor, item);
    json_object_foreach_safe(value, next, key, item) redact_json(redactor, item);
}

static void redact_error(const struct redactor *redactor, struct error *error)
{
    char *parts[] = {error->message, error->detail, error->hint};
    size_t sizes[] = {sizeof error->message, sizeof error->detail, sizeof error->hint};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct str clean = STR_INIT;
        redact_text(redactor, parts[i], &clean);
        text_copy(parts[i], sizes[i], clean.data);
        str_release(&clean);
    }
}

static void write_result(const struct step_result *result, struct str *out)
{
    json_t *json = step_result_to_json(result);
    char *text = json_dumps(json, JSON_COMPACT);
    str_clear(out);
    str_add(out, text ? text : "{}");
    free(text);
    json_decref(json);
}

/* One that cannot be handed in is a failure with its reason, not the silence of a worker that is taken for dead. */
static void replace_result(struct step_result *result, struct str *out)
{
    json_decref(result->body);
    result->body = NULL;
    result->status = STEP_FAILED;
    error_set(&result->error, ERROR_LIMIT, "the result of this step is %zu MB long, at most %u MB can be stored",
              (out->length >> 20) + 1, RESULT_MOST >> 20);
    error_hint(&result->error,
               "of a prepare step it is what the templates expand to: fewer resources, or shorter ones");
    write_result(result, out);
}

/* An operator's command that ended with another status than 0: its log is what the tool said, and nothing else. */
static bool said_by_tool(const struct attempt *attempt)
{
    return attempt->task->step.phase == PHASE_EXEC && attempt->rest != NULL;
}

/* Does the step; the result's JSON into `out`. */
static void do_task(struct worker *worker, struct task *task, struct arena *arena, struct str *out)
{
    struct attempt attempt = {.worker = worker, .task = task, .arena = arena};
    struct step_result result = {
        .step = task->step.id, .token = task->step.token, .epoch = task->step.epoch, .status = STEP_DONE};
    bool opened = open_attempt(&attempt, &result.error);
    if (opened)
        result.body = do_phase(&attempt, &result.error);
    if (task->step.phase >= PHASE_APPLY)
        fault_point("worker.after_tool");
    if (!result.body) {
        result.body = attempt.rest;
        result.status = status_of_failure(&result.error);
        redact_error(worker->redactor, &result.error);
        if (opened && !said_by_tool(&attempt)) {
            char line[2200];
            provider_log(&attempt.context, "berth: %s", error_line(&result.error, line, sizeof line));
        }
    }
    if (redactor_count(worker->redactor) > 0)
        redact_json(worker->redactor, result.body);
    result.log_bytes = opened ? worker->log.size : 0;
    write_result(&result, out);
    if (out->length > RESULT_MOST)
        replace_result(&result, out);
    json_decref(result.body);
    json_decref(attempt.parts);
    free(attempt.run_folder);
    worker->held_secrets = worker->held_secrets || redactor_count(worker->redactor) > 0;
}

static bool answers_step(const struct str *payload, const char *step)
{
    json_t *message = json_loadb(payload->data, payload->length, 0, NULL);
    bool answers = text_equal(json_get_text(message, "step"), step);
    json_decref(message);
    return answers;
}

/* Hands in the result and waits until it is stored; leaves it in the run's folder when nobody is there. False: end. */
static bool hand_in(struct worker *worker, const struct task *task, const struct str *result)
{
    struct str payload = STR_INIT;
    struct error error = {0};
    uint8_t kind = 0;
    bool stored = false;
    if (worker->held_secrets && !worker->orphaned)
        worker->orphaned = !frame_send(CHILD_SOCKET_FD, FRAME_LEAVING, "", 0, NULL);
    if (!worker->orphaned && frame_send(CHILD_SOCKET_FD, FRAME_RESULT, result->data, result->length, NULL)) {
        fault_point("worker.after_result");
        while (!stored && frame_receive(CHILD_SOCKET_FD, &kind, &payload, NULL)) {
            if (kind == FRAME_SETUP && !setup_take(&worker->setup, payload.data, payload.length, &error))
                log_error("agent", LOG_WARNING, &error);
            stored = kind == FRAME_STORED && answers_step(&payload, task->step.id);
        }
    }
    str_release(&payload);
    if (stored)
        return true;
    if (!marker_leave_result(worker->setup.options->store_folder, task->run.id, task->step.id, task->step.attempt,
                             result->data, &error))
        log_error("agent", LOG_ERROR, &error);
    return false;
}

/* Its supervisor has ended; one that only says that nothing more will come has not. */
static bool is_orphaned(void)
{
    struct pollfd polled = {.fd = CHILD_SOCKET_FD};
    return poll(&polled, 1, 0) > 0 && (polled.revents & POLLHUP);
}

/* A worker that was held up may come to its task when a recovery has long had another do it, and the run is over and its folder with all markers gone: then
 * its own marker proves nothing. So it begins nothing without its supervisor: while that lives there was no recovery, and whoever recovers later finds the
 * marker. */
static enum marker_taken begin_task(struct worker *worker, const struct task *task, struct error *error)
{
    const char *folder = worker->setup.options->store_folder;
    if (is_orphaned())
        return MARKER_WAS_THERE;
    enum marker_taken taken =
        marker_take(folder, task->run.id, task->step.id, task->step.attempt, &worker->self, &worker->placed, error);
    if (taken != MARKER_TAKEN || !is_orphaned())
        return taken;
    marker_give_back(folder, task->run.id, task->step.id, task->step.attempt);
    return MARKER_WAS_THERE;
}

static bool take_task(struct worker *worker, const struct str *payload)
{
    struct arena arena = {0};
    struct task task;
    struct error error = {0};
    struct str result = STR_INIT;
    bool go_on = true;
    if (!task_read(payload->data, payload->length, &arena, &task, &error)) {
        log_error("agent", LOG_ERROR, &error);
        arena_release(&arena);
        return false;
    }
    fault_point("worker.before_start");
    enum marker_taken taken = begin_task(worker, &task, &error);
    if (taken == MARKER_TAKEN) {
        do_task(worker, &task, &arena, &result);
        go_on = hand_in(worker, &task, &result);
    } else { /* a recovery took it back or will, or the disk is full: nothing was begun, and the next recovery will see so */
        if (taken == MARKER_ERROR)
            log_error("agent", LOG_ERROR, &error);
        go_on = false;
    }
    str_release(&result);
    task_release(&task);
    arena_release(&arena);
    return go_on && !worker->held_secrets;
}

int worker_main(const struct agent_options *options)
{
    struct worker worker = {.redactor = redactor_new(), .placed = MARKER_FILE_INIT, .log = RUN_LOG_INIT};
    struct str payload = STR_INIT;
    struct error error = {0};
    uint8_t kind = 0;
    bool go_on = true;
    setup_init(&worker.setup, options);
    marker_of_process(&worker.self);
    while (go_on && frame_receive(CHILD_SOCKET_FD, &kind, &payload, NULL)) {
        if (kind == FRAME_SETUP && !setup_take(&worker.setup, payload.data, payload.length, &error))
            log_error("agent", LOG_WARNING, &error);
        else if (kind == FRAME_TASK)
            go_on = take_task(&worker, &payload);
    }
    setup_release(&worker.setup);
    redactor_free(worker.redactor);
    marker_file_release(&worker.placed);
    run_log_close(&worker.log);
    str_release(&payload);
    return 0;
}
