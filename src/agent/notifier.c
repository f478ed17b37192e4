/* SPDX-License-Identifier: ISC */
/*
 * The notifier: delivers one row of the outbox at a time and says how it went. The delivery's id goes along as an idempotency key, so a
 * notifier that dies after a delivery and before its answer does no harm when the next one repeats it.
 */
#include "agent/observer.h"

#include "agent/protocol.h"
#include "berth/base/fault.h"
#include "berth/base/frame.h"
#include "berth/base/log.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/model/ledger.h"
#include "berth/provider.h"

#include <stdlib.h>
#include <string.h>

struct notifier {
    struct setup setup;
    struct http_client *http;
    int64_t within_ms; /* the time that the present delivery may take */
};

static struct provider_context context_of(const struct notifier *notifier, struct redactor *redactor)
{
    return (struct provider_context){
        .config = notifier->setup.config,
        .http = notifier->http,
        .store_folder = notifier->setup.options->store_folder,
        .run_folder = "",
        .token = "",
        .deadline_ms = time_monotonic_ms() + notifier->within_ms,
        .stop_fd = -1,
        .redactor = redactor,
    };
}

static bool forget_artifacts(const struct notifier *notifier, const char *run, struct error *error)
{
    struct redactor *redactor = redactor_new();
    struct provider_context context = context_of(notifier, redactor);
    bool forgotten = artifacts_forget(&context, run, error);
    redactor_free(redactor);
    if (!forgotten && error)
        error->retry = true; /* nobody else comes to remove them */
    return forgotten;
}

static bool deliver(struct notifier *notifier, const struct delivery *delivery, struct error *error)
{
    const struct config_notify *notify = config_notify_named(notifier->setup.config, delivery->receiver);
    const struct provider *provider = notify ? provider_named(notify->section.provider) : NULL;
    if (!notify)
        return error_set(error, ERROR_NOT_FOUND, "the policy has no such receiver any more (%s)", delivery->provider);
    if (!provider || !provider->notify)
        return error_set(error, ERROR_UNSUPPORTED, "notifications of provider '%s' are not built yet",
                         notify->section.provider);
    const struct config_section *section = text_empty(notify->repository)
                                               ? &notify->section
                                               : setup_repository(&notifier->setup, notify->repository, error);
    if (!section)
        return false;
    struct redactor *redactor = redactor_new();
    struct provider_context context = context_of(notifier, redactor);
    context.section = section;
    bool delivered = provider_call_deliver(provider, &context, delivery, delivery->id, error);
    redactor_free(redactor);
    return delivered;
}

static bool take_delivery(struct notifier *notifier, const struct str *payload)
{
    struct arena arena = {0};
    struct delivery delivery;
    struct error error = {0};
    char line[2200] = "";
    json_t *message = json_loadb(payload->data, payload->length, 0, NULL);
    const json_t *row = json_object_get(message, "delivery");
    bool done = row && record_from_json(&delivery_type, row, &arena, &delivery, &error);
    notifier->within_ms = json_integer_value(json_object_get(message, "within_ms"));
    if (done) {
        fault_point("notifier.before_delivery");
        done = text_equal(delivery.event, DELIVERY_FORGET) ? forget_artifacts(notifier, delivery.run, &error)
                                                           : deliver(notifier, &delivery, &error);
        fault_point("notifier.after_delivery");
    }
    if (!done)
        error_line(&error, line, sizeof line);
    json_t *answer = json_pack("{s:s, s:b, s:b, s:s}", "delivery", json_get_text(row, "id"), "done", done, "retry",
                               error.retry, "error", line);
    char *json = json_dumps(answer, JSON_COMPACT);
    bool told = json && frame_send(CHILD_SOCKET_FD, FRAME_DELIVERED, json, strlen(json), NULL);
    free(json);
    json_decref(answer);
    json_decref(message);
    arena_release(&arena);
    return told;
}

int notifier_main(const struct agent_options *options)
{
    struct notifier notifier = {.http = http_client_new()};
    struct str payload = STR_INIT;
    struct error error = {0};
    uint8_t kind = 0;
    bool go_on = true;
    setup_init(&notifier.setup, options);
    while (go_on && frame_receive(CHILD_SOCKET_FD, &kind, &payload, NULL)) {
        if (kind == FRAME_SETUP && !setup_take(&notifier.setup, payload.data, payload.length, &error))
            log_error("agent", LOG_WARNING, &error);
        if (kind == FRAME_ASK)
            go_on = frame_send(CHILD_SOCKET_FD, FRAME_HERE, "", 0, NULL);
        if (kind == FRAME_DELIVER)
            go_on = take_delivery(&notifier, &payload);
    }
    str_release(&payload);
    http_client_free(notifier.http);
    setup_release(&notifier.setup);
    return 0;
}
