/* SPDX-License-Identifier: ISC */
/* The receiver webhook: each event is posted as JSON to an endpoint, signed when the section has a secret. */
#include "berth/base/hash.h"
#include "berth/model/ledger.h"
#include "provider/http_client.h"
#include "provider/registry.h"
#include "provider/section.h"

#define TRIES 2 /* in one call; the outbox tries again later */

struct message {
    struct str url, secret;
    const char *headers[8];
    const char *body;
};

static bool text_is_header(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 32 || *text == 127)
            return false;
    return true;
}

static void add_headers(struct message *message, const struct delivery *delivery, const char *key, struct arena *arena)
{
    size_t count = 0;
    message->headers[count++] = "Content-Type: application/json";
    message->headers[count++] = arena_printf(arena, "Idempotency-Key: %s", text_is_header(key) ? key : delivery->id);
    if (!text_empty(delivery->event) && text_is_header(delivery->event))
        message->headers[count++] = arena_printf(arena, "X-Berth-Event: %s", delivery->event);
    if (message->secret.length > 0) {
        char hex[HASH_HEX_SIZE];
        hash_hmac(message->secret.data, message->secret.length, message->body, strlen(message->body), hex);
        message->headers[count++] = arena_printf(arena, "X-Berth-Signature: sha256=%s", hex);
    }
    message->headers[count] = NULL;
}

static bool judge(const struct http_response *response, const char *url, struct error *error)
{
    struct str host = STR_INIT;
    bool passing =
        response->status == 408 || response->status == 425 || response->status == 429 || response->status >= 500;
    if (response->status >= 200 && response->status < 300)
        return true;
    http_shown(&host, url);
    error_set(error, ERROR_PROVIDER, "%s answered %ld to a notification", host.data, response->status);
    if (response->status >= 300 && response->status < 400)
        error_hint(error, "it wants to be asked elsewhere: correct `url`");
    else
        error_hint(error,
                   passing ? "it is tried again" : "see what the receiver says of it; correct `url` or `secret`");
    if (error)
        error->retry = passing;
    str_release(&host);
    return false;
}

static bool deliver(const struct provider_context *context, const struct delivery *delivery, const char *key,
                    struct error *error)
{
    struct message message = {.url = STR_INIT, .secret = STR_INIT};
    struct http_response response = {.status = 0};
    struct arena arena = {0};
    message.body = text_empty(delivery->payload) ? "{}" : delivery->payload;
    bool delivered =
        section_text(context, "url", &message.url, error) && section_text(context, "secret", &message.secret, error);
    if (delivered && message.url.length == 0)
        delivered = error_set(error, ERROR_CONFIG, "the receiver has no `url`");
    if (delivered) {
        add_headers(&message, delivery, key, &arena);
        struct http_request request = {
            .method = "POST",
            .url = message.url.data,
            .headers = message.headers,
            .body = message.body,
            .body_count = strlen(message.body),
            .tries = TRIES,
            .flags = HTTP_REPEATABLE | HTTP_NO_BODY,
        };
        delivered = http_send(context, &request, &response, error) && judge(&response, message.url.data, error);
        http_response_release(&response);
    }
    str_release(&message.url);
    str_release(&message.secret);
    arena_release(&arena);
    return delivered;
}

static const struct provider_notify notify = {
    .deliver = deliver,
};

const struct provider webhook_provider = {
    .name = "webhook",
    .notify = &notify,
};
