/* SPDX-License-Identifier: ISC */
/*
 * The one HTTP client: timeouts, retries with backoff and jitter for what is safe to repeat, Retry-After, a circuit breaker for each host, TLS checked,
 * limits on what is read. It ends early when the context is stopped. It shows of a URL only scheme, host and port: the rest may hold a secret.
 *
 * A breaker opens after BREAKER_FAILURES calls in a row that got no answer or a 5xx; then the host is not asked for BREAKER_OPEN_MS, and
 * after that by one call whose result decides. It lives in the process's client (context->http); without one there is none.
 */
#ifndef PROVIDER_HTTP_CLIENT_H
#define PROVIDER_HTTP_CLIENT_H

#include "berth/base/str.h"

#include <stdint.h>

struct provider_context;

#define BREAKER_FAILURES 5
#define BREAKER_OPEN_MS 30000
#define HTTP_TRIES 3
#define HTTP_TIMEOUT_MS 10000 /* of one try */
#define HTTP_BODY_LIMIT ((size_t)16 << 20)
#define HTTP_RETRY_AFTER_MOST_MS 60000 /* a longer Retry-After is left to the caller */

enum http_flag {
    HTTP_REPEATABLE = 1 << 0, /* a repeat does no harm; GET and HEAD always are */
    HTTP_FOLLOW = 1 << 1,     /* redirects, at most 5, to http and https */
    HTTP_NO_BODY = 1 << 2,    /* what is answered is not kept, and not read to its end */
    HTTP_NO_BREAKER = 1 << 3, /* for probes: whether it answers is the question */
};
struct http_request {
    const char *method, *url;
    const char *const *headers; /* "Name: value", NULL-terminated; or NULL */
    const void *body;
    size_t body_count, body_limit; /* limit of the answer; 0: HTTP_BODY_LIMIT */
    int tries;                     /* 0: HTTP_TRIES when repeatable, else 1 */
    int64_t timeout_ms;            /* of one try; 0: HTTP_TIMEOUT_MS */
    unsigned flags;                /* enum http_flag */
};
enum http_cause { HTTP_NO_CAUSE, HTTP_NOT_RESOLVED, HTTP_REFUSED, HTTP_SLOW, HTTP_UNTRUSTED, HTTP_BROKEN };
struct http_response {
    long status;            /* 0: no answer */
    struct str body;        /* http_response_release frees */
    int64_t retry_after_ms; /* 0: not said */
    int tries;
    enum http_cause cause; /* why there was no answer */
};
void http_response_release(struct http_response *response);
/* True when there is an answer, whatever its status. Else ERROR_UNREACHABLE, ERROR_TIMEOUT, ERROR_CANCELLED, ERROR_LIMIT, ERROR_CONFIG (the URL),
 * with `retry` set when the same may succeed later. */
bool http_send(const struct provider_context *context, const struct http_request *request,
               struct http_response *response, struct error *error) BERTH_MUST_CHECK;
/* "https://host:port" of a URL. */
void http_shown(struct str *out, const char *url);

#endif
