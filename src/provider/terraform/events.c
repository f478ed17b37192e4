/* SPDX-License-Identifier: ISC */
/* Reading apply's lines of JSON. */
#include "provider/terraform/events.h"

#include "berth/model/record.h"

#include <stdio.h>
#include <string.h>

#define EVENTS_INNER_LIMIT 20000
#define TEXT_LIMIT 240

void events_init(struct events *events, const struct provider_context *context, struct arena *arena)
{
    *events = (struct events){.context = context, .arena = arena, .inner = json_array()};
    diagnostic_init(&events->failed);
}

void events_release(struct events *events)
{
    diagnostic_release(&events->failed);
    map_release(&events->at);
    json_decref(events->inner);
    json_decref(events->outputs);
}

static void say(const struct events *events, const char *text, size_t length)
{
    provider_log(events->context, "%.*s", (int)length, text);
}

/* The place of an inner resource in the list; NULL when there are too many. */
static json_t *inner_at(struct events *events, const char *address, const char *kind)
{
    uintptr_t place = (uintptr_t)map_get(&events->at, address);
    if (place > 0)
        return json_array_get(events->inner, place - 1);
    if (json_array_size(events->inner) >= EVENTS_INNER_LIMIT)
        return NULL;
    json_t *inner =
        json_pack("{s:s, s:s, s:s, s:s}", "address", address, "kind", kind, "status", "waiting", "text", "");
    json_array_append_new(events->inner, inner);
    (void)map_set(&events->at, address, (void *)(uintptr_t)json_array_size(events->inner));
    return inner;
}

static enum resource_status doing(const char *action)
{
    if (text_equal(action, "delete"))
        return RESOURCE_DESTROYING;
    return text_equal(action, "create") ? RESOURCE_CREATING : RESOURCE_UPDATING;
}

static enum resource_status status_of(const char *type, const char *action)
{
    if (text_equal(type, "planned_change"))
        return RESOURCE_WAITING;
    if (text_equal(type, "apply_errored"))
        return RESOURCE_FAILED;
    if (text_equal(type, "apply_complete"))
        return text_equal(action, "delete") ? RESOURCE_GONE : RESOURCE_OK;
    return doing(action);
}

static void tell(const struct events *events, const char *address, const char *kind, const char *text,
                 enum resource_status status, int64_t elapsed_ms)
{
    const struct provider_context *context = events->context;
    struct str clean = STR_INIT, clean_address = STR_INIT, line = STR_INIT;
    char shown[TEXT_LIMIT];
    if (context->redactor) {
        redact_text(context->redactor, text, &clean);
        redact_text(context->redactor, address, &clean_address);
    } else {
        str_add(&clean, text);
        str_add(&clean_address, address);
    }
    str_addf(&line, "%zu of %zu: ", events->done, events->total);
    str_add(&line, clean.data);
    (void)text_copy(shown, sizeof shown, line.data);
    if (context->progress)
        context->progress(context, events->total > 0 ? (int)(100 * events->done / events->total) : -1, shown);
    if (context->inner)
        context->inner(context, &(struct inner_progress){.address = clean_address.data,
                                                         .kind = kind,
                                                         .text = clean.data,
                                                         .status = status,
                                                         .elapsed_ms = elapsed_ms});
    str_release(&clean);
    str_release(&clean_address);
    str_release(&line);
}

/* A replacement is two things to do, as terraform reports it. */
static void plan_said(struct events *events, const json_t *change, const char *text)
{
    const json_t *resource = json_object_get(change, "resource");
    const char *action = json_get_text(change, "action");
    if (text_equal(action, "read") || text_equal(action, "noop"))
        return;
    events->total += text_equal(action, "replace")                                                                ? 2
                     : text_equal(action, "move") || text_equal(action, "forget") || text_equal(action, "remove") ? 0
                                                                                                                  : 1;
    const char *was = json_get_text(json_object_get(change, "previous_resource"), "addr");
    json_t *inner = was[0] ? inner_at(events, was, json_get_text(resource, "resource_type")) : NULL;
    if (inner) /* it moves: nothing is done to it */
        json_object_set_new(inner, "status", json_string("gone"));
    inner = inner_at(events, json_get_text(resource, "addr"), json_get_text(resource, "resource_type"));
    if (inner && (text_equal(action, "forget") || text_equal(action, "remove"))) /* nothing more is said of it */
        json_object_set_new(inner, "status", json_string("gone"));
    else if (inner)
        tell(events, json_get_text(resource, "addr"), json_get_text(resource, "resource_type"), text, RESOURCE_WAITING,
             -1);
}

static void work_said(struct events *events, const char *type, const json_t *hook, const char *text)
{
    const json_t *resource = json_object_get(hook, "resource");
    const char *address = json_get_text(resource, "addr"), *kind = json_get_text(resource, "resource_type");
    const char *action = json_get_text(hook, "action");
    const json_t *elapsed = json_object_get(hook, "elapsed_seconds");
    enum resource_status status = status_of(type, action);
    if (text_equal(action, "read") || text_starts(address, "data."))
        return;
    if (text_equal(type, "apply_complete") || text_equal(type, "apply_errored"))
        events->done += events->done < events->total;
    json_t *inner = inner_at(events, address, kind);
    if (inner) {
        json_object_set_new(inner, "status", json_string(word_name(resource_status_names, (int)status)));
        json_object_set_new(inner, "text", json_string(text));
    }
    tell(events, address, kind, text, status,
         json_is_number(elapsed) ? (int64_t)(json_number_value(elapsed) * 1000) : -1);
}

static void say_diagnostic(struct events *events, const json_t *said)
{
    const char *severity = json_get_text(said, "severity"), *detail = json_get_text(said, "detail");
    struct diagnostic one;
    provider_log(events->context, "%s: %s", text_equal(severity, "warning") ? "Warning" : "Error",
                 json_get_text(said, "summary"));
    diagnostic_init(&one);
    diagnostic_json(&one, said);
    if (one.detail.length > 0)
        say(events, one.detail.data, one.detail.length - 1);
    else if (detail[0])
        say(events, detail, strlen(detail));
    diagnostic_release(&one);
    diagnostic_json(&events->failed, said);
}

static void say_outputs(struct events *events, const json_t *message, const char *text)
{
    json_t *outputs = json_object_get(message, "outputs");
    if (!json_is_object(outputs))
        return;
    json_decref(events->outputs);
    events->outputs = json_incref(outputs);
    if (json_object_size(outputs) > 0)
        say(events, text, strlen(text));
}

void events_line(const char *line, size_t length, void *owner)
{
    struct events *events = owner;
    json_t *message = length > 0 && line[0] == '{' ? json_loadb(line, length, 0, NULL) : NULL;
    const char *type = json_get_text(message, "type"), *text = json_get_text(message, "@message");
    if (!json_is_object(message) || !json_object_get(message, "@message")) {
        diagnostic_line(&events->failed, line, length);
        say(events, line, length);
    } else if (text_equal(type, "diagnostic")) {
        say_diagnostic(events, json_object_get(message, "diagnostic"));
    } else if (text_equal(type, "outputs")) {
        say_outputs(events, message, text);
    } else {
        say(events, text, strlen(text));
        if (text_equal(type, "planned_change"))
            plan_said(events, json_object_get(message, "change"), text);
        else if (text_starts(type, "apply_"))
            work_said(events, type, json_object_get(message, "hook"), text);
    }
    json_decref(message);
}
