/* SPDX-License-Identifier: ISC */
/* Cron lines and windows, against walks over every minute. */
#include "prelude.h"

#include "berth/base/time.h"

static int64_t parse(const char *text)
{
    int64_t at_ms = -1;
    assert_true(instant_parse(text, &at_ms, NULL));
    return at_ms;
}

static void check_next(const char *line, const char *after, const char *expected)
{
    struct error error = {0};
    struct cron *cron = cron_parse(line, &error);
    if (!cron)
        fail_msg("%s: %s", line, error.message);
    int64_t next_ms = cron_next(cron, parse(after));
    if (next_ms != (expected ? parse(expected) : 0))
        fail_msg("%s after %s: %lld", line, after, (long long)next_ms);
    cron_free(cron);
}

static void cron__fires_at_the_next_match(void **state)
{
    (void)state;
    check_next("* * * * * UTC", "2026-11-21T14:05:00Z", "2026-11-21T14:06:00Z");
    check_next("* * * * * UTC", "2026-11-21T14:05:59.999Z", "2026-11-21T14:06:00Z");
    check_next("0 19 * * 1-5 UTC", "2026-11-20T19:00:00Z", "2026-11-23T19:00:00Z");
    check_next("0 */6 * * * UTC", "2026-11-21T14:05:00Z", "2026-11-21T18:00:00Z");
    check_next("*/30 * * * * UTC", "2026-11-21T23:59:00Z", "2026-11-22T00:00:00Z");
    check_next("0 3 * * * Europe/Berlin", "2026-11-21T14:05:00Z", "2026-11-22T02:00:00Z");
    check_next("5/20 8-9 * JAN,jul Mon-fri UTC", "2026-11-21T00:00:00Z", "2027-01-01T08:05:00Z");
    check_next("5/20 * * * * UTC", "2026-11-21T14:05:00Z", "2026-11-21T14:25:00Z");
    check_next("0 0 1,15 * * UTC", "2026-11-02T00:00:00Z", "2026-11-15T00:00:00Z");
    check_next("0 0 29 2 * UTC", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z");
    check_next("0 0 29 2 * UTC", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z");
    check_next("0 0 30 2 * UTC", "2026-03-01T00:00:00Z", NULL);
    check_next("0 0 * * 7 UTC", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z");
    check_next("0 0 * * 0 UTC", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z");
    check_next("0 0 * * sat-sun UTC", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z");
    check_next("  0\t0  * * 5-7   UTC", "2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z");
}

static void cron__with_both_day_fields_limited_takes_either(void **state)
{
    (void)state;
    check_next("0 0 13 * 5 UTC", "2026-11-10T00:00:00Z", "2026-11-13T00:00:00Z");
    check_next("0 0 13 * 5 UTC", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z");
    check_next("0 0 13 * * UTC", "2026-11-13T00:00:00Z", "2026-12-13T00:00:00Z");
    check_next("0 0 * * 5 UTC", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z");
    check_next("0 0 */2 * 5 UTC", "2026-11-01T00:00:00Z", "2026-11-13T00:00:00Z"); /* a star first: both */
}

static void cron__in_a_gap_fires_at_its_end_and_in_an_overlap_once(void **state)
{
    (void)state;
    check_next("30 2 * * * Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z");
    check_next("30 2 * * * Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z");
    check_next("*/15 2 * * * Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z");
    check_next("*/15 2 * * * Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"); /* four became one */
    check_next("30 2 * * * Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z");
    check_next("30 2 * * * Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
    check_next("30 1 * * * America/New_York", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z");
}

static void cron__refuses_what_is_no_schedule(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "* * * * *",
                                      "* * * * * ",
                                      "60 * * * * UTC",
                                      "* 24 * * * UTC",
                                      "* * 0 * * UTC",
                                      "* * 32 * * UTC",
                                      "* * * 13 * UTC",
                                      "* * * 0 * UTC",
                                      "* * * * 8 UTC",
                                      "*/0 * * * * UTC",
                                      "5-1 * * * * UTC",
                                      "a * * * * UTC",
                                      "1,,2 * * * * UTC",
                                      "1, * * * * UTC",
                                      "* * * * mo UTC",
                                      "* * * foo * UTC",
                                      "* * * * * No/Where",
                                      "* * * * * * UTC",
                                      "-1 * * * * UTC",
                                      "1- * * * * UTC",
                                      "@daily UTC",
                                      NULL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error error = {0};
        struct cron *cron = cron_parse(bad[i], &error);
        if (cron)
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(error.code, ERROR_CONFIG);
        assert_true(error.hint[0] != '\0');
    }
}

/* The schedules of the walk, as questions about a calendar time. */
static bool every_quarter(const struct civil *c)
{
    return c->minute % 15 == 0;
}
static bool half_past_one_and_two(const struct civil *c)
{
    return c->minute == 30 && (c->hour == 1 || c->hour == 2);
}
static bool sundays_at_two_or_the_first(const struct civil *c)
{
    return c->minute == 0 && c->hour == 2 && (c->weekday == 0 || c->day == 1);
}
static const struct walk {
    const char *line;
    bool (*fires)(const struct civil *c);
} walks[] = {{"*/15 * * * *", every_quarter},
             {"30 1,2 * * *", half_past_one_and_two},
             {"0 2 1 * sun", sundays_at_two_or_the_first}};

/* Whether a local minute that matches was skipped by a gap that ends at this instant. */
static bool ends_a_gap_with_a_match(const struct zone *zone, int64_t at_ms, bool (*fires)(const struct civil *c))
{
    int jump_s = zone_offset_s(zone, at_ms) - zone_offset_s(zone, at_ms - 1);
    struct civil c = civil_from_instant(zone, at_ms);
    bool any = false;
    int minutes = c.hour * 60 + c.minute;
    for (int back = 1; back <= jump_s / 60; back++) { /* gaps of these zones stay within a day */
        c.hour = (minutes - back) / 60;
        c.minute = (minutes - back) % 60;
        any |= fires(&c);
    }
    return any;
}

/* Whether this local time was there before, an overlap ago. */
static bool is_second_time(const struct zone *zone, int64_t at_ms)
{
    struct civil c = civil_from_instant(zone, at_ms);
    return civil_to_instant(zone, &c) != at_ms;
}

static void walk(const char *zone_name_text, const struct walk *schedule, const char *from, const char *to)
{
    struct zone *zone = zone_load(zone_name_text, NULL);
    struct str line = STR_INIT;
    str_addf(&line, "%s %s", schedule->line, zone_name_text);
    struct cron *cron = cron_parse(line.data, NULL);
    assert_non_null(cron);
    int64_t at_ms = parse(from), next_ms = cron_next(cron, at_ms), end_ms = parse(to);
    int fired = 0;
    for (at_ms += MS_MINUTE; at_ms < end_ms; at_ms += MS_MINUTE) {
        struct civil c = civil_from_instant(zone, at_ms);
        bool expected = (schedule->fires(&c) && !is_second_time(zone, at_ms)) ||
                        ends_a_gap_with_a_match(zone, at_ms, schedule->fires);
        if (expected != (next_ms == at_ms))
            fail_msg("%s: %lld, expected %d, next is %lld", line.data, (long long)at_ms, expected, (long long)next_ms);
        if (expected) {
            fired++;
            next_ms = cron_next(cron, at_ms);
        }
    }
    assert_true(fired > 0);
    cron_free(cron);
    zone_free(zone);
    str_release(&line);
}

static void cron__agrees_with_a_walk_over_every_minute_of_changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
        walk("Europe/Berlin", &walks[i], "2026-03-20T00:00:00Z", "2026-04-08T00:00:00Z");
        walk("Europe/Berlin", &walks[i], "2026-10-20T00:00:00Z", "2026-11-05T00:00:00Z");
        walk("America/New_York", &walks[i], "2026-02-26T00:00:00Z", "2026-03-14T00:00:00Z");
        walk("America/New_York", &walks[i], "2026-10-28T00:00:00Z", "2026-11-05T00:00:00Z");
    }
}

static struct window *window_of(const char *text)
{
    struct error error = {0};
    struct window *window = window_parse(text, &error);
    if (!window)
        fail_msg("%s: %s", text, error.message);
    return window;
}

static void window__opens_and_closes_on_its_minutes(void **state)
{
    (void)state;
    struct window *window = window_of("Mon-Fri 09:00-16:00 Europe/Berlin");
    assert_string_equal(window_text(window), "Mon-Fri 09:00-16:00 Europe/Berlin");
    int64_t opens = parse("2026-11-20T08:00:00Z"), closes = parse("2026-11-20T15:00:00Z"); /* a Friday */
    assert_false(window_open(window, opens - 1));
    assert_true(window_open(window, opens));
    assert_true(window_open(window, closes - 1));
    assert_false(window_open(window, closes));
    assert_int_equal(window_next_open(window, opens - MS_HOUR), opens);
    assert_int_equal(window_next_open(window, opens + 1), opens + 1);
    assert_int_equal(window_next_open(window, closes), parse("2026-11-23T08:00:00Z"));
    assert_int_equal(window_closes(window, opens), closes);
    assert_int_equal(window_closes(window, closes), 0);
    window_free(window);
}

static void window__passes_midnight_and_joins_what_touches(void **state)
{
    (void)state;
    struct window *window = window_of("Fri 22:00-02:00 UTC");
    assert_true(window_open(window, parse("2026-11-21T01:59:00Z")));
    assert_false(window_open(window, parse("2026-11-20T01:59:00Z")));
    assert_int_equal(window_closes(window, parse("2026-11-20T23:00:00Z")), parse("2026-11-21T02:00:00Z"));
    window_free(window);
    window = window_of("Sat-Mon 00:00-24:00 UTC");
    assert_int_equal(window_closes(window, parse("2026-11-21T12:00:00Z")), parse("2026-11-24T00:00:00Z"));
    assert_int_equal(window_next_open(window, parse("2026-11-24T00:00:00Z")), parse("2026-11-28T00:00:00Z"));
    window_free(window);
    window = window_of("Sun 02:10-02:50 Europe/Berlin"); /* not there on the day the clocks go forward */
    assert_int_equal(window_next_open(window, parse("2026-03-28T00:00:00Z")), parse("2026-04-05T00:10:00Z"));
    window_free(window);
    window = window_of("mon-sun 00:00-24:00 Europe/Berlin");
    assert_true(window_closes(window, parse("2026-11-21T12:00:00Z")) == INT64_MAX);
    window_free(window);
}

static void window__refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "Mon",
                                      "Mon 09:00-16:00",
                                      "Mon 9:00-16:00 UTC",
                                      "Mon 09:00-25:00 UTC",
                                      "Mon 09:00-09:00 UTC",
                                      "Mon 24:00-01:00 UTC",
                                      "Foo 09:00-16:00 UTC",
                                      "Mon- 09:00-16:00 UTC",
                                      "Mon, 09:00-16:00 UTC",
                                      "09:00-16:00 UTC",
                                      "Mon 09:00-16:60 UTC",
                                      "Mon 09:00 16:00 UTC",
                                      "Mon 09:00-16:00 No/Where",
                                      "Mon 09:00-16:00 ",
                                      "Mon,,Tue 09:00-16:00 UTC",
                                      "Monday 09:00-16:00 UTC",
                                      "Mon 09:00-24:01 UTC",
                                      NULL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error error = {0};
        if (window_parse(bad[i], &error))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(error.code, ERROR_CONFIG);
    }
}

/* The minutes of a week that the text means, by local time; the second pass through an overlap is left out. */
static bool open_by_calendar(const bool days[7], int from, int to, const struct civil *c)
{
    int minute = c->hour * 60 + c->minute, yesterday = (c->weekday + 6) % 7;
    if (from < to)
        return days[c->weekday] && minute >= from && minute < to;
    return (days[c->weekday] && minute >= from) || (days[yesterday] && minute < to);
}

static void walk_window(const char *text, const bool days[7], int from, int to, const char *zone_text,
                        const char *begin, const char *end)
{
    struct zone *zone = zone_load(zone_text, NULL);
    struct str line = STR_INIT;
    str_addf(&line, "%s %s", text, zone_text);
    struct window *window = window_of(line.data);
    int64_t end_ms = parse(end), opening_ms = 0;
    bool before = false;
    for (int64_t at_ms = parse(begin); at_ms < end_ms; at_ms += MS_MINUTE) {
        struct civil c = civil_from_instant(zone, at_ms);
        bool is_open = window_open(window, at_ms);
        if (!is_second_time(zone, at_ms) && is_open != open_by_calendar(days, from, to, &c))
            fail_msg("%s: %lld is open: %d", line.data, (long long)at_ms, is_open);
        int64_t closes = window_closes(window, at_ms);
        assert_true(is_open == (closes > at_ms));
        assert_true(is_open == (window_next_open(window, at_ms) == at_ms));
        if (is_open && !before && opening_ms)
            assert_int_equal(opening_ms, at_ms); /* what was foretold when it closed */
        if (!is_open)
            opening_ms = window_next_open(window, at_ms);
        before = is_open;
    }
    window_free(window);
    zone_free(zone);
    str_release(&line);
}

static void window__agrees_with_a_walk_over_every_minute_of_changes(void **state)
{
    (void)state;
    static const bool work[7] = {false, true, true, true, true, true, false}, weekend[7] = {true, true, [6] = true},
                      some[7] = {[1] = true, [3] = true, [0] = true};
    static const char *const spans[][3] = {{"Europe/Berlin", "2026-03-25T00:00:00Z", "2026-04-03T00:00:00Z"},
                                           {"Europe/Berlin", "2026-10-22T00:00:00Z", "2026-10-30T00:00:00Z"},
                                           {"America/New_York", "2026-03-04T00:00:00Z", "2026-03-12T00:00:00Z"},
                                           {"America/New_York", "2026-10-29T00:00:00Z", "2026-11-05T00:00:00Z"}};
    for (size_t i = 0; i < 4; i++) {
        walk_window("Mon-Fri 09:00-16:00", work, 540, 960, spans[i][0], spans[i][1], spans[i][2]);
        walk_window("Sat-Mon 22:00-03:00", weekend, 1320, 180, spans[i][0], spans[i][1], spans[i][2]);
        walk_window("Mon,Wed,Sun 01:00-23:59", some, 60, 1439, spans[i][0], spans[i][1], spans[i][2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cron__fires_at_the_next_match),
        cmocka_unit_test(cron__with_both_day_fields_limited_takes_either),
        cmocka_unit_test(cron__in_a_gap_fires_at_its_end_and_in_an_overlap_once),
        cmocka_unit_test(cron__refuses_what_is_no_schedule),
        cmocka_unit_test(cron__agrees_with_a_walk_over_every_minute_of_changes),
        cmocka_unit_test(window__opens_and_closes_on_its_minutes),
        cmocka_unit_test(window__passes_midnight_and_joins_what_touches),
        cmocka_unit_test(window__refuses_what_is_none),
        cmocka_unit_test(window__agrees_with_a_walk_over_every_minute_of_changes),
    };
    return TESTS_RUN(tests);
}
