/* SPDX-License-Identifier: ISC */
/* Redaction: no form of a secret comes through, whole or split, and nothing else is lost. */
#include "prelude.h"

#include "berth/base/time.h"

static const char secret[] = "s3cr3t/pass+w\"rd";

/* Feeds the text in pieces of `step` bytes. */
static void feed(const struct redactor *redactor, const char *text, size_t length, size_t step, struct str *out)
{
    struct redact_stream stream = {.covered = 0};
    str_clear(out);
    for (size_t at = 0; at < length; at += step) {
        size_t count = length - at < step ? length - at : step;
        redact_bytes(redactor, &stream, text + at, count, out);
    }
    redact_finish(redactor, &stream, out);
}

static void expect(const struct redactor *redactor, const char *text, const char *wanted)
{
    struct str out = STR_INIT;
    for (size_t step = 1; step <= strlen(text); step++) {
        feed(redactor, text, strlen(text), step, &out);
        assert_string_equal(out.data, wanted);
    }
    str_clear(&out);
    redact_text(redactor, text, &out);
    assert_string_equal(out.data, wanted);
    str_release(&out);
}

static struct redactor *knowing(const char *value)
{
    struct redactor *redactor = redactor_new();
    redactor_add(redactor, value, strlen(value));
    return redactor;
}

static void redact__hides_a_value_however_reads_split_it(void **state)
{
    (void)state;
    struct redactor *redactor = knowing(secret);
    expect(redactor, "token=s3cr3t/pass+w\"rd; ok", "token=***; ok");
    expect(redactor, "s3cr3t/pass+w\"rds3cr3t/pass+w\"rd", "******");
    expect(redactor, "s3cr3t/pass+w\"r", "s3cr3t/pass+w\"r");
    expect(redactor, "s3cs3cr3t/pass+w\"rd", "s3c***");
    redactor_free(redactor);
}

static void redact__hides_json_and_url_forms(void **state)
{
    (void)state;
    struct redactor *redactor = knowing(secret);
    expect(redactor, "{\"a\":\"s3cr3t/pass+w\\\"rd\"}", "{\"a\":\"***\"}");
    expect(redactor, "{\"a\":\"s3cr3t\\/pass+w\\\"rd\"}", "{\"a\":\"***\"}");
    expect(redactor, "?t=s3cr3t%2Fpass%2Bw%22rd&x", "?t=***&x");
    expect(redactor, "?t=s3cr3t%2fpass%2bw%22rd&x", "?t=***&x");
    expect(redactor, "/s3cr3t/pass%2Bw%22rd", "/***");
    redactor_free(redactor);
    redactor = knowing("gehe\xc3\xaam\xf0\x9f\x94\x91 1");
    expect(redactor, "\"gehe\\u00eam\\ud83d\\udd11 1\"", "\"***\"");
    expect(redactor, "\"gehe\\u00EAm\\uD83D\\uDD11 1\"", "\"***\"");
    expect(redactor, "gehe%C3%AAm%F0%9F%94%91+1", "***");
    redactor_free(redactor);
}

static void redact__hides_base64_in_every_alignment_and_alphabet(void **state)
{
    (void)state;
    static const char *const prefixes[] = {"", "x", "xy", "user:", "user1:"};
    struct redactor *redactor = knowing("\xffhunter2\xfe?>pass");
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        for (int url = 0; url < 2; url++) {
            static const char alphabet[2][65] = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"};
            struct str plain = STR_INIT, coded = STR_INIT, out = STR_INIT;
            str_addf(&plain, "%s\xffhunter2\xfe?>pass", prefixes[i]);
            str_add(&plain, "tail");
            for (size_t at = 0; at < plain.length; at += 3) {
                unsigned word = 0;
                for (size_t k = 0; k < 3; k++)
                    word = word << 8 | (at + k < plain.length ? (unsigned char)plain.data[at + k] : 0);
                for (int k = 3; k >= 0; k--)
                    str_add_char(&coded, alphabet[url][word >> (6 * k) & 63]);
            }
            feed(redactor, coded.data, coded.length, 5, &out);
            assert_non_null(strstr(out.data, "***"));
            assert_null(strstr(out.data, "aHVudGVyM")); /* "hunter2" at the first alignment */
            assert_true(out.length + 10 < coded.length);
            str_release(&plain);
            str_release(&coded);
            str_release(&out);
        }
    }
    redactor_free(redactor);
}

static void redact__hides_overlapping_values_whole(void **state)
{
    (void)state;
    struct redactor *redactor = redactor_new();
    redactor_add(redactor, "abcdef", 6);
    redactor_add(redactor, "defghi", 6);
    redactor_add(redactor, "abcdefXX", 8);
    assert_int_equal(redactor_count(redactor), 3);
    expect(redactor, "1abcdefghi2", "1***2");
    expect(redactor, "1abcdefXX2", "1***2");
    expect(redactor, "1abcdefX2", "1***X2");
    expect(redactor, "abcdef", "***");
    redactor_free(redactor);
}

static void redact__hides_lines_and_the_untrimmed_value(void **state)
{
    (void)state;
    struct redactor *redactor = knowing("-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nshort\n");
    expect(redactor, "| MIIEpAIBAAKCAQEA\n| short\n", "| ***\n| short\n");
    redactor_free(redactor);
    redactor = knowing("line-end-secret\n");
    expect(redactor, "a line-end-secret b", "a *** b");
    redactor_free(redactor);
}

static void redact__leaves_short_values_and_other_text_alone(void **state)
{
    (void)state;
    struct redactor *redactor = knowing("abc");
    assert_int_equal(redactor_count(redactor), 0);
    expect(redactor, "abc abc", "abc abc");
    redactor_free(redactor);
}

static void redact__keeps_bytes_that_are_no_text(void **state)
{
    (void)state;
    static const char bytes[] = "a\0b\xff\xfe\0s3cr3t/pass+w\"rd\0z";
    static const char wanted[] = "a\0b\xff\xfe\0***\0z";
    struct redactor *redactor = knowing(secret);
    struct str out = STR_INIT;
    for (size_t step = 1; step < sizeof bytes; step++) {
        feed(redactor, bytes, sizeof bytes - 1, step, &out);
        assert_int_equal(out.length, sizeof wanted - 1);
        assert_memory_equal(out.data, wanted, sizeof wanted - 1);
    }
    str_release(&out);
    redactor_free(redactor);
}

static void redact__holds_no_more_than_the_longest_form(void **state)
{
    (void)state;
    struct redactor *redactor = knowing("aaaaaaaaaaaaaaaa");
    struct redact_stream stream = {.covered = 0};
    struct str out = STR_INIT;
    char chunk[4096];
    memset(chunk, 'a', sizeof chunk);
    for (int i = 0; i < 100; i++) {
        redact_bytes(redactor, &stream, chunk, sizeof chunk, &out);
        assert_true(stream.held.length < 64);
    }
    redact_finish(redactor, &stream, &out);
    assert_string_equal(out.data, "***");
    str_release(&out);
    redactor_free(redactor);
}

static void redact__streams_a_long_line_fast(void **state)
{
    (void)state;
    enum { CHUNK = 65536, CHUNKS = 1600 };
    struct redactor *redactor = knowing(secret);
    struct redact_stream stream = {.covered = 0};
    struct str out = STR_INIT;
    char *chunk = malloc(CHUNK);
    size_t total = 0;
    for (size_t i = 0; i < CHUNK; i++)
        chunk[i] = (char)('a' + (i * 7 + i / 26) % 26);
    int64_t began_us = time_monotonic_us();
    for (int i = 0; i < CHUNKS; i++) {
        str_clear(&out);
        redact_bytes(redactor, &stream, chunk, CHUNK, &out);
        total += out.length;
    }
    redact_finish(redactor, &stream, &out);
    int64_t took_us = time_monotonic_us() - began_us;
    print_message("# %.0f MB/s\n", (double)CHUNK * CHUNKS / (double)took_us);
    assert_true(total > (size_t)CHUNK * (CHUNKS - 1));
    free(chunk);
    str_release(&out);
    redactor_free(redactor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redact__hides_a_value_however_reads_split_it),
        cmocka_unit_test(redact__hides_json_and_url_forms),
        cmocka_unit_test(redact__hides_base64_in_every_alignment_and_alphabet),
        cmocka_unit_test(redact__hides_overlapping_values_whole),
        cmocka_unit_test(redact__hides_lines_and_the_untrimmed_value),
        cmocka_unit_test(redact__leaves_short_values_and_other_text_alone),
        cmocka_unit_test(redact__keeps_bytes_that_are_no_text),
        cmocka_unit_test(redact__holds_no_more_than_the_longest_form),
        cmocka_unit_test(redact__streams_a_long_line_fast),
    };
    return TESTS_RUN(tests);
}
