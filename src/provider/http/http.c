/* SPDX-License-Identifier: ISC */
/* The probe http: an endpoint that must answer with the expected status. What it answers is never kept. */
#include "provider/http_client.h"
#include "provider/look.h"
#include "provider/registry.h"

#define EXPECTED 200

static bool is_expected(const json_t *expect, long status)
{
    size_t at;
    json_t *item;
    if (json_is_integer(expect))
        return json_integer_value(expect) == status;
    if (json_is_string(expect)) {
        long long number;
        return text_to_int(json_string_value(expect), &number) && number == status;
    }
    if (!json_is_array(expect))
        return status == EXPECTED;
    json_array_foreach(expect, at, item) if (is_expected(item, status)) return true;
    return false;
}

static void show_expected(struct str *out, const json_t *expect)
{
    size_t at;
    json_t *item;
    if (json_is_integer(expect))
        str_addf(out, "%lld", (long long)json_integer_value(expect));
    else if (json_is_string(expect))
        str_add(out, json_string_value(expect));
    else if (!json_is_array(expect))
        str_addf(out, "%d", EXPECTED);
    json_array_foreach(expect, at, item)
    {
        str_add(out, at > 0 ? " or " : "");
        show_expected(out, item);
    }
}

static bool says_status(const json_t *expect, const struct http_response *response, const char *host,
                        struct arena *arena, struct resource *seen)
{
    struct str expected = STR_INIT;
    if (is_expected(expect, response->status))
        return look_says(seen, arena, RESOURCE_OK, "%s answers %ld", host, response->status);
    show_expected(&expected, expect);
    look_says(seen, arena, RESOURCE_FAILED, "%s answers %ld, not %s", host, response->status, expected.data);
    str_release(&expected);
    return true;
}

static bool says_failure(const struct http_response *response, const char *host, const struct error *problem,
                         struct arena *arena, struct resource *seen)
{
    if (problem->code == ERROR_CONFIG)
        return look_says(seen, arena, RESOURCE_UNKNOWN, "the probe's URL cannot be used");
    if (problem->code == ERROR_CANCELLED || response->tries == 0)
        return look_says(seen, arena, RESOURCE_UNKNOWN, "there was no time to look at %s", host);
    switch (response->cause) {
    case HTTP_NOT_RESOLVED: return look_says(seen, arena, RESOURCE_UNKNOWN, "the name of %s is not known", host);
    case HTTP_REFUSED: return look_says(seen, arena, RESOURCE_FAILED, "%s refuses connections", host);
    case HTTP_SLOW: return look_says(seen, arena, RESOURCE_FAILED, "%s does not answer in time", host);
    case HTTP_UNTRUSTED: return look_says(seen, arena, RESOURCE_FAILED, "the certificate of %s is not trusted", host);
    case HTTP_NO_CAUSE:
    case HTTP_BROKEN: break;
    }
    return look_says(seen, arena, RESOURCE_FAILED, "%s breaks the connection", host);
}

static bool look(const struct provider_context *context, const json_t *spec, struct arena *arena, struct resource *seen,
                 struct error *error)
{
    const char *method = json_get_text(spec, "method");
    struct http_request request = {
        .method = method[0] ? method : "GET",
        .url = json_get_text(spec, "http"),
        .timeout_ms = look_timeout_ms(context, spec),
        .tries = 1,
        .flags = HTTP_NO_BODY | HTTP_NO_BREAKER,
    };
    struct http_response response = {.status = 0};
    struct error problem = {0};
    struct str host = STR_INIT;
    (void)error;
    http_shown(&host, request.url);
    if (http_send(context, &request, &response, &problem))
        says_status(json_object_get(spec, "expect"), &response, host.data, arena, seen);
    else
        says_failure(&response, host.data, &problem, arena, seen);
    http_response_release(&response);
    str_release(&host);
    return true;
}

static const struct provider_probe probe = {
    .look = look,
};

const struct provider http_provider = {
    .name = "http",
    .probe = &probe,
};
