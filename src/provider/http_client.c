/* SPDX-License-Identifier: ISC */
/* Asking by HTTP. */
#include "provider/http_client.h"

#include "berth/base/hash.h"
#include "berth/base/log.h"
#include "berth/base/time.h"
#include "berth/provider.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>

#define BACKOFF_FIRST_MS 200
#define BACKOFF_MOST_MS 10000
#define REDIRECTS_MOST 5L
#define DISCARD_LIMIT 65536 /* of a body nobody wants */
#define HOSTS_MOST 256      /* breakers kept */

struct breaker {
    int failures;
    int64_t open_until_ms; /* monotonic, 0: closed */
};
struct http_client {
    CURLM *multi;
    struct map breakers; /* "https://host:port" -> struct breaker, owned */
};

struct exchange {
    const struct provider_context *context;
    const struct http_request *request;
    struct http_response *response;
    struct http_client *client;
    char problem[CURL_ERROR_SIZE];
    bool too_large, stopped, out_of_time;
    size_t received;
};

struct http_client *http_client_new(void)
{
    struct http_client *client = mem_zero(1, sizeof *client);
    client->multi = curl_multi_init();
    BUG_ON(!client->multi);
    return client;
}

void http_client_free(struct http_client *client)
{
    size_t at = 0;
    const char *host;
    void *breaker;
    if (!client)
        return;
    while (map_next(&client->breakers, &at, &host, &breaker))
        free(breaker);
    map_release(&client->breakers);
    curl_multi_cleanup(client->multi);
    free(client);
}

void http_response_release(struct http_response *response)
{
    str_release(&response->body);
}

void http_shown(struct str *out, const char *url)
{
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    if (curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        str_addf(out, "%s://%s", scheme, host);
        if (curl_url_get(parts, CURLUPART_PORT, &port, 0) == CURLUE_OK)
            str_addf(out, ":%s", port);
    } else {
        str_add(out, "(no URL)");
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
}

/* --- one try ------------------------------------------------------------------------------------------------- */

static size_t take_body(char *bytes, size_t size, size_t count, void *owner)
{
    struct exchange *exchange = owner;
    size_t limit = exchange->request->body_limit ? exchange->request->body_limit : HTTP_BODY_LIMIT;
    exchange->received += size * count;
    if (exchange->request->flags & HTTP_NO_BODY)
        return exchange->received > DISCARD_LIMIT ? 0 : size * count;
    if (exchange->received > limit) {
        exchange->too_large = true;
        return 0;
    }
    str_add_bytes(&exchange->response->body, bytes, size * count);
    return size * count;
}

static struct curl_slist *headers_of(const struct http_request *request)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:"); /* no waiting for 100 Continue */
    for (const char *const *at = request->headers; at && *at; at++)
        list = curl_slist_append(list, *at);
    BUG_ON(!list);
    return list;
}

static void set_up(CURL *easy, struct exchange *exchange, struct curl_slist *headers, int64_t timeout_ms)
{
    const struct http_request *request = exchange->request;
    bool head = text_equal(request->method, "HEAD");
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "berth/" VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->problem);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, request->flags & HTTP_FOLLOW ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, REDIRECTS_MOST);
    if (request->body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_count);
    }
    if (head)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

/* Drives the transfer; the stop descriptor wakes it. */
static CURLcode drive(struct exchange *exchange, CURL *easy)
{
    CURLM *multi = exchange->client->multi;
    CURLcode result = CURLE_ABORTED_BY_CALLBACK;
    int running = 1;
    curl_multi_add_handle(multi, easy);
    while (running > 0 && !exchange->stopped) {
        struct curl_waitfd stop = {.fd = exchange->context->stop_fd, .events = CURL_WAIT_POLLIN};
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            break;
        if (running > 0)
            curl_multi_poll(multi, &stop, exchange->context->stop_fd >= 0 ? 1 : 0, 1000, NULL);
        exchange->stopped = provider_stopped(exchange->context);
    }
    for (int left = 1; left > 0;) {
        CURLMsg *message = curl_multi_info_read(multi, &left);
        if (message && message->msg == CURLMSG_DONE && message->easy_handle == easy)
            result = message->data.result;
    }
    curl_multi_remove_handle(multi, easy);
    return result;
}

static enum http_cause cause_of(CURLcode code)
{
    switch ((int)code) {
    case CURLE_OK: return HTTP_NO_CAUSE;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return HTTP_NOT_RESOLVED;
    case CURLE_COULDNT_CONNECT: return HTTP_REFUSED;
    case CURLE_OPERATION_TIMEDOUT: return HTTP_SLOW;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR: return HTTP_UNTRUSTED;
    default: return HTTP_BROKEN;
    }
}

static CURLcode try_once(struct exchange *exchange, int64_t timeout_ms)
{
    struct http_response *response = exchange->response;
    struct curl_slist *headers = headers_of(exchange->request);
    CURL *easy = curl_easy_init();
    curl_off_t retry_after_s = 0;
    BUG_ON(!easy);
    str_clear(&response->body);
    exchange->received = 0;
    exchange->problem[0] = '\0';
    set_up(easy, exchange, headers, timeout_ms);
    CURLcode code = drive(exchange, easy);
    response->status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &response->status);
    if (curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after_s) == CURLE_OK)
        response->retry_after_ms = retry_after_s > 0 && retry_after_s < 86400 ? (int64_t)retry_after_s * 1000 : 0;
    bool enough = code == CURLE_WRITE_ERROR && (exchange->request->flags & HTTP_NO_BODY) && response->status > 0;
    if (enough)
        code = CURLE_OK;
    if (code != CURLE_OK)
        response->status = 0;
    response->cause = cause_of(code);
    response->tries++;
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    return code;
}

/* --- the breaker --------------------------------------------------------------------------------------------- */

static struct breaker *breaker_of(struct exchange *exchange, const char *host)
{
    struct map *breakers = &exchange->client->breakers;
    if (!exchange->context->http || (exchange->request->flags & HTTP_NO_BREAKER))
        return NULL;
    struct breaker *breaker = map_get(breakers, host);
    if (!breaker && breakers->count < HOSTS_MOST) {
        breaker = mem_zero(1, sizeof *breaker);
        map_set(breakers, host, breaker);
    }
    return breaker;
}

static bool breaker_lets(const struct breaker *breaker, const char *host, struct error *error)
{
    int64_t left_ms = breaker ? breaker->open_until_ms - time_monotonic_ms() : 0;
    if (left_ms <= 0)
        return true;
    error_set(error, ERROR_UNREACHABLE, "%s is not asked now", host);
    error_detail(error, "it failed %d times in a row; the next try is in %lld s", breaker->failures,
                 (long long)(left_ms + 999) / 1000);
    if (error)
        error->retry = true;
    return error_hint(error, "see whether it is up");
}

static void breaker_learns(struct breaker *breaker, bool answered)
{
    if (!breaker)
        return;
    breaker->failures = answered ? 0 : breaker->failures + 1;
    breaker->open_until_ms = breaker->failures >= BREAKER_FAILURES ? time_monotonic_ms() + BREAKER_OPEN_MS : 0;
}

/* --- again and again ----------------------------------------------------------------------------------------- */

static bool is_passing(long status)
{
    return status == 0 || status == 408 || status == 425 || status == 429 || status >= 500;
}

static bool is_repeatable(const struct http_request *request)
{
    return (request->flags & HTTP_REPEATABLE) || text_equal(request->method, "GET") ||
           text_equal(request->method, "HEAD");
}

/* Full jitter: clients that failed together do not come back together. */
static int64_t pause_before(int next_try, int64_t retry_after_ms)
{
    int64_t most_ms = BACKOFF_FIRST_MS;
    uint32_t random;
    if (retry_after_ms > 0)
        return retry_after_ms;
    for (int i = 1; i < next_try && most_ms < BACKOFF_MOST_MS; i++)
        most_ms *= 2;
    random_bytes(&random, sizeof random);
    return 1 + (int64_t)(random % (uint32_t)most_ms);
}

/* False when it is to stop, or the time left is too short for another try. */
static bool wait_before(const struct provider_context *context, int64_t pause_ms)
{
    struct pollfd stop = {.fd = context->stop_fd, .events = POLLIN};
    if (pause_ms > HTTP_RETRY_AFTER_MOST_MS || pause_ms >= provider_left_ms(context))
        return false;
    return poll(&stop, 1, (int)pause_ms) == 0;
}

static bool explain(const struct exchange *exchange, CURLcode code, const char *host, struct error *error)
{
    const char *said = exchange->problem[0] ? exchange->problem : curl_easy_strerror(code);
    if (exchange->stopped)
        return error_set(error, ERROR_CANCELLED, "asking %s was cancelled", host);
    if (exchange->too_large) {
        error_set(error, ERROR_LIMIT, "%s answers with more than is read", host);
        return error_hint(error, "see whether the URL is the right one");
    }
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
        error_set(error, ERROR_CONFIG, "the URL cannot be used");
        return error_hint(error, "write https://HOST/PATH");
    }
    error_set(error, code == CURLE_OPERATION_TIMEDOUT ? ERROR_TIMEOUT : ERROR_UNREACHABLE, "cannot reach %s", host);
    error_detail(error, "%s (%d tries)", said, exchange->response->tries);
    if (error)
        error->retry = exchange->response->cause != HTTP_UNTRUSTED;
    return error_hint(error, exchange->response->cause == HTTP_UNTRUSTED
                                 ? "its certificate must be trusted by this machine"
                                 : "see whether it is up and can be reached from here");
}

static bool send_all(struct exchange *exchange, const char *host, struct error *error)
{
    const struct http_request *request = exchange->request;
    struct http_response *response = exchange->response;
    struct breaker *breaker = breaker_of(exchange, host);
    int tries = request->tries ? request->tries : HTTP_TRIES;
    int64_t timeout_ms = request->timeout_ms ? request->timeout_ms : HTTP_TIMEOUT_MS;
    CURLcode code;
    if (!breaker_lets(breaker, host, error))
        return false;
    do {
        int left_ms = provider_left_ms(exchange->context);
        if (left_ms == 0) {
            error_set(error, ERROR_TIMEOUT, "there was no time left to ask %s", host);
            return error_hint(error, "give it more time");
        }
        code = try_once(exchange, timeout_ms < left_ms ? timeout_ms : left_ms);
        log_line("provider", LOG_TRACE, "http %s %s: %ld %s", request->method, host, response->status,
                 curl_easy_strerror(code));
    } while (is_passing(response->status) && is_repeatable(request) && response->tries < tries && !exchange->stopped &&
             !exchange->too_large &&
             wait_before(exchange->context, pause_before(response->tries, response->retry_after_ms)));
    if (!exchange->stopped)
        breaker_learns(breaker, response->status > 0 && response->status < 500);
    return response->status > 0 || explain(exchange, code, host, error);
}

bool http_send(const struct provider_context *context, const struct http_request *request,
               struct http_response *response, struct error *error)
{
    struct http_client *own = context->http ? NULL : http_client_new();
    struct exchange exchange = {
        .context = context, .request = request, .response = response, .client = own ? own : context->http};
    struct str host = STR_INIT;
    *response = (struct http_response){.body = STR_INIT};
    http_shown(&host, request->url);
    bool sent = provider_stopped(context) ? error_set(error, ERROR_CANCELLED, "asking %s was cancelled", host.data)
                                          : send_all(&exchange, host.data, error);
    str_release(&host);
    http_client_free(own);
    return sent;
}
