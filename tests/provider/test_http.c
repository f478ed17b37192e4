/* SPDX-License-Identifier: ISC */
/* The HTTP client, and what stands on it: the probe http and the receiver webhook; and the probe tcp. */
#include "http_server.h"
#include "prelude.h"

#include "berth/base/hash.h"
#include "berth/base/time.h"
#include "berth/model/ledger.h"
#include "provider/http_client.h"

#include <fcntl.h>
#include <unistd.h>

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
#define STATUS(line) "HTTP/1.1 " line "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    place_make(place, "webhook");
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    place_remove(*state);
    free(*state);
    return 0;
}

struct asking {
    struct place *place;
    struct http_server server;
    struct http_response response;
    char url[128];
};

static void ask_begin(struct asking *asking, struct place *place, const char *const *answers)
{
    memset(asking, 0, sizeof *asking);
    asking->place = place;
    http_server_start(&asking->server, place->folder, answers);
    snprintf(asking->url, sizeof asking->url, "http://127.0.0.1:%d/path?token=hunter2", asking->server.port);
    error_clear(&place->error);
}

static bool ask(struct asking *asking, struct http_request *request)
{
    request->url = asking->url;
    request->method = request->method ? request->method : "GET";
    http_response_release(&asking->response);
    return http_send(&asking->place->context, request, &asking->response, &asking->place->error);
}

static size_t times_asked(const struct asking *asking)
{
    struct str text = STR_INIT;
    struct error error;
    size_t count = 0;
    must(file_read(asking->server.asked, 1 << 20, &text, &error), &error);
    for (const char *at = text.data; (at = strstr(at, "\n----\n")) != NULL; at++)
        count++;
    str_release(&text);
    return count;
}

static void ask_end(struct asking *asking)
{
    http_response_release(&asking->response);
    http_server_stop(&asking->server);
}

static void send__gives_status_and_body(void **state)
{
    struct asking asking;
    ask_begin(&asking, *state, (const char *const[]){OK_ANSWER, NULL});
    must(ask(&asking, &(struct http_request){0}), &asking.place->error);
    assert_int_equal(asking.response.status, 200);
    assert_string_equal(asking.response.body.data, "hi");
    ask_end(&asking);
}

static void send__repeats_what_is_safe_and_nothing_else(void **state)
{
    struct asking asking;
    ask_begin(&asking, *state, (const char *const[]){STATUS("503 No"), "close", OK_ANSWER, NULL});
    must(ask(&asking, &(struct http_request){0}), &asking.place->error);
    assert_int_equal(asking.response.status, 200);
    assert_int_equal(asking.response.tries, 3);
    ask_end(&asking);
    ask_begin(&asking, *state, (const char *const[]){STATUS("503 No"), OK_ANSWER, NULL});
    must(ask(&asking, &(struct http_request){.method = "POST", .body = "x", .body_count = 1}), &asking.place->error);
    assert_int_equal(asking.response.status, 503);
    assert_int_equal(times_asked(&asking), 1);
    must(ask(&asking, &(struct http_request){.method = "POST", .flags = HTTP_REPEATABLE}), &asking.place->error);
    ask_end(&asking);
    ask_begin(&asking, *state, (const char *const[]){STATUS("404 No"), OK_ANSWER, NULL});
    must(ask(&asking, &(struct http_request){0}), &asking.place->error);
    assert_int_equal(asking.response.status, 404);
    ask_end(&asking);
}

static void send__waits_as_long_as_it_is_told(void **state)
{
    struct asking asking;
    int64_t began = time_monotonic_ms();
    ask_begin(
        &asking, *state,
        (const char *const[]){"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                              OK_ANSWER, NULL});
    must(ask(&asking, &(struct http_request){0}), &asking.place->error);
    assert_int_equal(asking.response.status, 200);
    assert_true(time_monotonic_ms() - began >= 1000);
    ask_end(&asking);
    ask_begin(&asking, *state,
              (const char *const[]){
                  "HTTP/1.1 429 Slow\r\nRetry-After: 3600\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", OK_ANSWER,
                  NULL});
    must(ask(&asking, &(struct http_request){0}), &asking.place->error);
    assert_int_equal(asking.response.status, 429);
    assert_int_equal(asking.response.retry_after_ms, 3600000);
    ask_end(&asking);
}

static void send__follows_redirects_only_when_asked(void **state)
{
    struct asking asking;
    ask_begin(&asking, *state,
              (const char *const[]){
                  "HTTP/1.1 302 There\r\nLocation: /there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", OK_ANSWER,
                  NULL});
    must(ask(&asking, &(struct http_request){0}), &asking.place->error);
    assert_int_equal(asking.response.status, 302);
    ask_end(&asking);
    ask_begin(&asking, *state,
              (const char *const[]){
                  "HTTP/1.1 302 There\r\nLocation: /there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", OK_ANSWER,
                  NULL});
    must(ask(&asking, &(struct http_request){.flags = HTTP_FOLLOW}), &asking.place->error);
    assert_int_equal(asking.response.status, 200);
    ask_end(&asking);
    ask_begin(
        &asking, *state,
        (const char *const[]){
            "HTTP/1.1 302 There\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            NULL});
    assert_false(ask(&asking, &(struct http_request){.flags = HTTP_FOLLOW, .tries = 1}));
    ask_end(&asking);
}

static void send__gives_up_in_time_and_shows_no_secret(void **state)
{
    struct asking asking;
    int64_t began = time_monotonic_ms();
    ask_begin(&asking, *state, (const char *const[]){"hang", NULL});
    assert_false(ask(&asking, &(struct http_request){.tries = 1, .timeout_ms = 200}));
    assert_int_equal(asking.place->error.code, ERROR_TIMEOUT);
    assert_true(asking.place->error.retry && asking.place->error.hint[0]);
    assert_true(time_monotonic_ms() - began < PATIENCE_MS / 2);
    char line[2200];
    error_line(&asking.place->error, line, sizeof line);
    assert_null(strstr(line, "hunter2"));
    assert_non_null(strstr(line, "http://127.0.0.1:"));
    asking.place->context.deadline_ms = time_monotonic_ms() + 100;
    assert_false(ask(&asking, &(struct http_request){.timeout_ms = PATIENCE_MS}));
    assert_int_equal(asking.place->error.code, ERROR_TIMEOUT);
    asking.place->context.deadline_ms = 0;
    ask_end(&asking);
}

static void send__ends_when_it_is_stopped(void **state)
{
    struct asking asking;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    ask_begin(&asking, *state, (const char *const[]){"hang", NULL});
    asking.place->context.stop_fd = ends[0];
    pid_t teller = fork();
    if (teller == 0) {
        while (times_asked(&asking) == 0) {
        }
        _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
    }
    assert_false(ask(&asking, &(struct http_request){.timeout_ms = PATIENCE_MS}));
    assert_int_equal(asking.place->error.code, ERROR_CANCELLED);
    ask_end(&asking);
    close(ends[0]);
    close(ends[1]);
}

static void send__has_a_limit_for_answers(void **state)
{
    struct asking asking;
    ask_begin(&asking, *state, (const char *const[]){OK_ANSWER, NULL});
    assert_false(ask(&asking, &(struct http_request){.body_limit = 1}));
    assert_int_equal(asking.place->error.code, ERROR_LIMIT);
    assert_int_equal(times_asked(&asking), 1);
    ask_end(&asking);
}

static void breaker__spares_a_host_that_is_down(void **state)
{
    struct asking asking;
    ask_begin(&asking, *state, (const char *const[]){STATUS("500 No"), NULL});
    asking.place->context.http = http_client_new();
    for (int i = 0; i < BREAKER_FAILURES; i++)
        must(ask(&asking, &(struct http_request){.tries = 1}), &asking.place->error);
    assert_false(ask(&asking, &(struct http_request){.tries = 1}));
    assert_int_equal(asking.place->error.code, ERROR_UNREACHABLE);
    assert_true(asking.place->error.retry);
    assert_int_equal(times_asked(&asking), BREAKER_FAILURES);
    must(ask(&asking, &(struct http_request){.tries = 1, .flags = HTTP_NO_BREAKER}), &asking.place->error);
    http_client_free(asking.place->context.http);
    ask_end(&asking);
}

/* --- probes -------------------------------------------------------------------------------------------------- */

static int look(struct place *place, const char *provider, json_t *spec, const char *word)
{
    struct resource seen = {0};
    must(provider_call_probe(provider_named(provider), &place->context, spec, &place->arena, &seen, &place->error),
         &place->error);
    if (!seen.status_reason || !strstr(seen.status_reason, word))
        fail_msg("'%s' is not in '%s'", word, seen.status_reason);
    assert_null(strstr(seen.status_reason, "hunter2"));
    json_decref(spec);
    return seen.status;
}

static void probe__http_compares_the_status(void **state)
{
    struct asking asking;
    ask_begin(&asking, *state,
              (const char *const[]){OK_ANSWER, STATUS("204 None"), STATUS("204 None"), STATUS("500 No"),
                                    STATUS("301 There"), "hang", NULL});
    assert_int_equal(look(*state, "http", json_pack("{s:s}", "http", asking.url), "answers 200"), RESOURCE_OK);
    assert_int_equal(look(*state, "http", json_pack("{s:s,s:i}", "http", asking.url, "expect", 204), "answers 204"),
                     RESOURCE_OK);
    assert_int_equal(look(*state, "http", json_pack("{s:s,s:[i,i]}", "http", asking.url, "expect", 200, 204), "204"),
                     RESOURCE_OK);
    assert_int_equal(look(*state, "http", json_pack("{s:s}", "http", asking.url), "answers 500, not 200"),
                     RESOURCE_FAILED);
    assert_int_equal(look(*state, "http", json_pack("{s:s}", "http", asking.url), "301"), RESOURCE_FAILED);
    assert_int_equal(look(*state, "http", json_pack("{s:s,s:s}", "http", asking.url, "timeout", "100ms"), "in time"),
                     RESOURCE_FAILED);
    ask_end(&asking);
    assert_int_equal(
        look(*state, "http", json_pack("{s:o}", "http", json_sprintf("http://127.0.0.1:%d/", free_port())), "refuses"),
        RESOURCE_FAILED);
    assert_int_equal(look(*state, "http", json_pack("{s:s}", "http", "gopher://x"), "cannot be used"),
                     RESOURCE_UNKNOWN);
}

static void probe__tcp_takes_a_connection(void **state)
{
    struct asking asking;
    ask_begin(&asking, *state, (const char *const[]){"close", NULL});
    assert_int_equal(
        look(*state, "tcp", json_pack("{s:o}", "tcp", json_sprintf("127.0.0.1:%d", asking.server.port)), "takes"),
        RESOURCE_OK);
    assert_int_equal(
        look(*state, "tcp", json_pack("{s:o}", "tcp", json_sprintf("[127.0.0.1]:%d", asking.server.port)), "takes"),
        RESOURCE_OK);
    ask_end(&asking);
    assert_int_equal(
        look(*state, "tcp", json_pack("{s:o}", "tcp", json_sprintf("127.0.0.1:%d", free_port())), "refused"),
        RESOURCE_FAILED);
    static const char *const wrong[] = {"", "host", "host:", ":1", "host:0", "host:99999", "host:x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(look(*state, "tcp", json_pack("{s:s}", "tcp", wrong[i]), "HOST:PORT"), RESOURCE_UNKNOWN);
}

/* --- webhook ------------------------------------------------------------------------------------------------- */

static bool deliver(struct asking *asking)
{
    struct delivery delivery = {.id = "01D", .event = "gate", .payload = "{\"event\":\"gate\"}"};
    place_key(asking->place, "url", asking->url);
    error_clear(&asking->place->error);
    return provider_call_deliver(provider_named("webhook"), &asking->place->context, &delivery, "KEY-1",
                                 &asking->place->error);
}

static void webhook__posts_the_event_signed_and_with_its_key(void **state)
{
    struct asking asking;
    struct str asked = STR_INIT;
    char hex[HASH_HEX_SIZE];
    setenv("TEST_HOOK_SECRET", "sign with this", 1);
    ask_begin(&asking, *state, (const char *const[]){STATUS("204 None"), NULL});
    place_key(asking.place, "secret", "${{ secret.env.TEST_HOOK_SECRET }}");
    must(deliver(&asking), &asking.place->error);
    must(file_read(asking.server.asked, 10000, &asked, &asking.place->error), &asking.place->error);
    hash_hmac("sign with this", 14, "{\"event\":\"gate\"}", 16, hex);
    assert_true(text_starts(asked.data, "POST /path?token=hunter2 HTTP/1.1\r\n"));
    assert_non_null(strstr(asked.data, "Idempotency-Key: KEY-1\r\n"));
    assert_non_null(strstr(asked.data, "X-Berth-Event: gate\r\n"));
    assert_non_null(strstr(asked.data, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(asked.data, arena_printf(&asking.place->arena, "X-Berth-Signature: sha256=%s\r\n", hex)));
    assert_non_null(strstr(asked.data, "\r\n\r\n{\"event\":\"gate\"}\n----\n"));
    str_release(&asked);
    ask_end(&asking);
}

static void webhook__says_whether_to_try_again(void **state)
{
    static const struct {
        const char *answer;
        bool retry;
    } cases[] = {{STATUS("503 No"), true},
                 {STATUS("429 Slow"), true},
                 {STATUS("404 No"), false},
                 {STATUS("302 There"), false},
                 {"close", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct asking asking;
        ask_begin(&asking, *state, (const char *const[]){cases[i].answer, NULL});
        assert_false(deliver(&asking));
        assert_int_equal(asking.place->error.retry, cases[i].retry);
        assert_true(asking.place->error.hint[0]);
        assert_null(strstr(asking.place->error.message, "hunter2"));
        ask_end(&asking);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(send__gives_status_and_body),
        TEST(send__repeats_what_is_safe_and_nothing_else),
        TEST(send__waits_as_long_as_it_is_told),
        TEST(send__follows_redirects_only_when_asked),
        TEST(send__gives_up_in_time_and_shows_no_secret),
        TEST(send__ends_when_it_is_stopped),
        TEST(send__has_a_limit_for_answers),
        TEST(breaker__spares_a_host_that_is_down),
        TEST(probe__http_compares_the_status),
        TEST(probe__tcp_takes_a_connection),
        TEST(webhook__posts_the_event_signed_and_with_its_key),
        TEST(webhook__says_whether_to_try_again),
    };
    return TESTS_RUN(tests);
}
