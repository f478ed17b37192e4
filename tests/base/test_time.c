/* SPDX-License-Identifier: ISC */
/* Durations, instants, calendar and time zones; what the C library says is the oracle for zones. */
#include "prelude.h"

#include "berth/base/time.h"

#include <time.h>

static int64_t parse(const char *text)
{
    int64_t at_ms = -1;
    struct error error = {0};
    if (!instant_parse(text, &at_ms, &error))
        fail_msg("%s: %s", text, error.message);
    return at_ms;
}

static void duration__reads_units_from_large_to_small(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"90s", 90 * MS_SECOND},  {"10m", 10 * MS_MINUTE}, {"8h", 8 * MS_HOUR},
        {"2d", 2 * MS_DAY},       {"1w", 7 * MS_DAY},      {"3y", 1095 * MS_DAY},
        {"1d12h", 36 * MS_HOUR},  {"250ms", 250},          {"0s", 0},
        {"100y", 36500 * MS_DAY}, {"1m30s500ms", 90500},
    };
    static const char *const bad[] = {"",   "5",   "s",    "5 m", "-5m",  "1.5h",         "5x",  "12h1d", "1h1h",
                                      "5M", "1d ", "101y", "ms",  "5min", "99999999999s", "1h5", NULL};
    int64_t ms;
    struct error error = {0};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(duration_parse(good[i].text, &ms, &error));
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ms = 77;
        if (duration_parse(bad[i], &ms, &error))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(ms, 77);
    }
    assert_false(duration_parse("101y", &ms, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_false(duration_parse("100y1s", &ms, &error));
}

static void check_duration(int64_t ms, const char *format, const char *brief)
{
    struct str out = STR_INIT;
    duration_format(&out, ms);
    assert_string_equal(out.data, format);
    str_clear(&out);
    duration_short(&out, ms);
    assert_string_equal(out.data, brief);
    str_release(&out);
}

static void duration__is_written_in_two_units_and_in_one(void **state)
{
    (void)state;
    check_duration(0, "0s", "now");
    check_duration(250, "250ms", "now");
    check_duration(1999, "1s", "1s");
    check_duration(130 * MS_SECOND, "2m10s", "2m");
    check_duration(125 * MS_SECOND, "2m05s", "2m");
    check_duration(41 * MS_MINUTE, "41m", "41m");
    check_duration(28 * MS_HOUR, "1d04h", "1d");
    check_duration(MS_DAY + 59 * MS_MINUTE, "1d", "1d");
    check_duration(20 * MS_DAY, "20d", "20d");
    check_duration(400 * MS_DAY, "1y35d", "1y");
    check_duration(-130 * MS_SECOND, "-2m10s", "-2m");
    check_duration(INT64_MIN, "-292471208y247d", "-292471208y");
}

static void instant__reads_rfc3339_and_local_times(void **state)
{
    (void)state;
    assert_int_equal(parse("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(parse("2026-11-21T14:05:09Z"), INT64_C(1795269909000));
    assert_int_equal(parse("2026-11-21T15:05:09+01:00"), INT64_C(1795269909000));
    assert_int_equal(parse("2026-11-21T14:05:09.123456Z"), INT64_C(1795269909123));
    assert_int_equal(parse("2026-12-01T00:00 Europe/Lisbon"), parse("2026-12-01T00:00:00Z"));
    assert_int_equal(parse("2026-07-01T00:00 Europe/Berlin"), parse("2026-06-30T22:00:00Z"));
    assert_int_equal(parse("2024-02-29T00:00Z"), parse("2024-02-28T23:00:00-01:00"));
    static const char *const bad[] = {"",
                                      "2026-11-21",
                                      "2026-11-21T14:05:09",
                                      "2026-02-29T00:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "x",
                                      "2026-11-21T24:00:00Z",
                                      "2026-11-21T14:60:00Z",
                                      "2026-11-21T14:05:09Zx",
                                      "2026-11-21T14:05:09.Z",
                                      "20261121T",
                                      "2026-00-10T00:00:00Z",
                                      "2026-11-00T00:00:00Z",
                                      "2026-11-21T14:05:09+1",
                                      "2026-12-01T00:00 No/Where",
                                      NULL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t at_ms;
        struct error error = {0};
        if (instant_parse(bad[i], &at_ms, &error))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(error.code, ERROR_CONFIG);
    }
}

static void instant__is_written_in_utc_and_in_a_zone(void **state)
{
    (void)state;
    struct str out = STR_INIT;
    struct zone *zone = zone_load("Europe/Berlin", NULL);
    instant_format(&out, INT64_C(1795269909999));
    assert_string_equal(out.data, "2026-11-21T14:05:09Z");
    str_clear(&out);
    instant_format_local(&out, zone, INT64_C(1795269909999));
    assert_string_equal(out.data, "2026-11-21 15:05");
    str_clear(&out);
    instant_format(&out, -1);
    assert_string_equal(out.data, "1969-12-31T23:59:59Z");
    zone_free(zone);
    str_release(&out);
}

static void calendar__agrees_with_the_c_library_over_four_centuries(void **state)
{
    (void)state;
    for (int64_t day = -150000; day < 150000; day += 13) {
        time_t at = (time_t)(day * 86400 + 12345);
        struct tm tm;
        gmtime_r(&at, &tm);
        struct civil civil = civil_from_instant(NULL, (int64_t)at * 1000);
        assert_int_equal(civil.year, tm.tm_year + 1900);
        assert_int_equal(civil.month, tm.tm_mon + 1);
        assert_int_equal(civil.day, tm.tm_mday);
        assert_int_equal(civil.hour, tm.tm_hour);
        assert_int_equal(civil.minute, tm.tm_min);
        assert_int_equal(civil.second, tm.tm_sec);
        assert_int_equal(civil.weekday, tm.tm_wday);
        assert_int_equal(civil_to_instant(NULL, &civil), (int64_t)at * 1000);
    }
}

static void zone__agrees_with_the_c_library(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/Berlin",     "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata",
                                        "America/Sao_Paulo", "Pacific/Apia",     "Africa/Casablanca",   "Europe/Dublin",
                                        "Asia/Tehran",       "Antarctica/Troll", "America/Santiago",    "UTC"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct error error = {0};
        struct zone *zone = zone_load(names[i], &error);
        assert_non_null(zone);
        assert_string_equal(zone_name(zone), names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        for (int64_t at_s = INT64_C(-2000000000); at_s < INT64_C(6000000000); at_s += 86400 * 3 + 3611) {
            time_t at = (time_t)at_s;
            struct tm tm;
            localtime_r(&at, &tm);
            if (zone_offset_s(zone, at_s * 1000) != tm.tm_gmtoff)
                fail_msg("%s at %lld: %d, not %ld", names[i], (long long)at_s, zone_offset_s(zone, at_s * 1000),
                         tm.tm_gmtoff);
            struct civil civil = civil_from_instant(zone, at_s * 1000);
            assert_int_equal(civil.hour, tm.tm_hour);
            assert_int_equal(civil.day, tm.tm_mday);
        }
        zone_free(zone);
    }
    setenv("TZ", "UTC", 1);
    tzset();
}

static void zone__changes_at_the_very_second(void **state)
{
    (void)state;
    struct zone *zone = zone_load("Europe/Berlin", NULL);
    static const char *const changes[] = {"2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2090-03-26T01:00:00Z",
                                          "2090-10-29T01:00:00Z"};
    for (size_t i = 0; i < 4; i++) {
        int64_t at_ms = parse(changes[i]);
        int before = i % 2 ? 7200 : 3600;
        assert_int_equal(zone_offset_s(zone, at_ms - 1), before);
        assert_int_equal(zone_offset_s(zone, at_ms), 10800 - before);
    }
    zone_free(zone);
}

static void civil__in_a_gap_is_the_first_instant_after_it(void **state)
{
    (void)state;
    struct zone *zone = zone_load("Europe/Berlin", NULL);
    struct civil civil = {.year = 2026, .month = 3, .day = 29, .hour = 2, .minute = 30};
    assert_int_equal(civil_to_instant(zone, &civil), parse("2026-03-29T01:00:00Z"));
    civil = (struct civil){.year = 2090, .month = 3, .day = 26, .hour = 2};
    assert_int_equal(civil_to_instant(zone, &civil), parse("2090-03-26T01:00:00Z"));
    zone_free(zone);
    zone = zone_load("Pacific/Apia", NULL); /* left a whole day out */
    civil = (struct civil){.year = 2011, .month = 12, .day = 30, .hour = 12};
    assert_int_equal(civil_to_instant(zone, &civil), parse("2011-12-30T10:00:00Z"));
    zone_free(zone);
}

static void civil__in_an_overlap_is_the_first_of_the_two(void **state)
{
    (void)state;
    struct zone *zone = zone_load("America/New_York", NULL);
    struct civil civil = {.year = 2026, .month = 11, .day = 1, .hour = 1, .minute = 30};
    assert_int_equal(civil_to_instant(zone, &civil), parse("2026-11-01T05:30:00Z"));
    civil.hour = 2;
    assert_int_equal(civil_to_instant(zone, &civil), parse("2026-11-01T07:30:00Z"));
    zone_free(zone);
}

/* Each instant's calendar time leads back to it, or, in an overlap, to the same time an hour or so before. */
static void civil__leads_back_to_its_instant(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"};
    for (size_t i = 0; i < 4; i++) {
        struct zone *zone = zone_load(names[i], NULL);
        for (int64_t at_ms = parse("2011-01-01T00:00:00Z"); at_ms < parse("2045-01-01T00:00:00Z");
             at_ms += 29 * MS_MINUTE + 7 * MS_SECOND) {
            struct civil civil = civil_from_instant(zone, at_ms);
            int64_t back_ms = civil_to_instant(zone, &civil);
            if (back_ms == at_ms)
                continue;
            struct civil again = civil_from_instant(zone, back_ms);
            assert_true(back_ms < at_ms && back_ms >= at_ms - MS_HOUR);
            assert_memory_equal(&again, &civil, sizeof civil);
        }
        zone_free(zone);
    }
}

static void zone_load__refuses_names_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",         "..",     "../../etc/passwd", "/etc/localtime",  "Europe/../Europe/Berlin",
        "No/Where", "Europe", "Europe/Berlin\n",  "Europe/Berlin x", NULL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error error = {0};
        assert_null(zone_load(bad[i], &error));
        assert_int_equal(error.code, ERROR_CONFIG);
    }
}

/* A file in version 2 with one type, its rule given. */
static struct zone *zone_of_rule(const char *rule)
{
    static const char head[] = "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4";
    struct str bytes = STR_INIT;
    for (int block = 0; block < 2; block++) {
        str_add_bytes(&bytes, head, 40);
        str_add_bytes(&bytes, "\0\0\0\4", 4);
        str_add_bytes(&bytes, "\0\0\0\0\0\0UTC\0", 10);
    }
    bytes.data[36 + 3] = bytes.data[54 + 36 + 3] = 1;
    str_addf(&bytes, "\n%s\n", rule);
    struct zone *zone = zone_parse("test", bytes.data, bytes.length, NULL);
    str_release(&bytes);
    return zone;
}

static void zone_rule__knows_all_forms_of_posix(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *at;
        int offset_s;
    } cases[] = {
        {"", "2026-01-01T00:00:00Z", 0},
        {"<+0545>-5:45", "2026-01-01T00:00:00Z", 20700},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-03-08T06:59:59Z", -18000},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-03-08T07:00:00Z", -14400},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-11-01T06:00:00Z", -18000},
        {"EST5EDT,0/0,J365/25", "2026-12-31T23:59:59Z", -14400}, /* saving all year */
        {"EST5EDT,0/0,J365/25", "2026-07-01T00:00:00Z", -14400},
        {"<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "2026-03-29T01:00:00Z", -7200},
        {"<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "2026-03-29T00:59:59Z", -10800},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-01-01T00:00:00Z", 39600}, /* southern */
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-07-01T00:00:00Z", 36000},
        {"XXX0YYY,J60,300", "2024-03-01T02:00:00Z", 3600}, /* J60 is the first of March in every year */
        {"XXX0YYY,J60,300", "2024-03-01T01:59:59Z", 0},
        {"XXX0YYY,59,300", "2024-02-29T02:00:00Z", 3600}, /* 59 from 0 counts the leap day */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct zone *zone = zone_of_rule(cases[i].rule);
        if (!zone || zone_offset_s(zone, parse(cases[i].at)) != cases[i].offset_s)
            fail_msg("%s at %s: %d", cases[i].rule, cases[i].at, zone ? zone_offset_s(zone, parse(cases[i].at)) : -1);
        zone_free(zone);
    }
    static const char *const bad[] = {"X5",
                                      "EST",
                                      "EST25",
                                      "EST5EDT",
                                      "EST5EDT,M13.1.0,M1.1.0",
                                      "EST5EDT,M3.2.0",
                                      "EST5EDT,M3.0.0,M1.1.0",
                                      "EST5EDT,M3.2.7,M1.1.0",
                                      "EST5EDT,J0,J1",
                                      "<EST5",
                                      "EST5:60",
                                      "EST5EDT,M3.2.0,M11.1.0x",
                                      "EST5EDT,M3.2.0/168,M11.1.0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct zone *zone = zone_of_rule(bad[i]);
        if (zone)
            fail_msg("\"%s\" was taken", bad[i]);
    }
}

static void zone_parse__refuses_every_cut_of_a_file(void **state)
{
    (void)state;
    FILE *file = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");
    char bytes[8192];
    if (!file)
        skip();
    size_t count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(count > 500);
    for (size_t length = 0; length < count; length++) {
        char *exact = malloc(length ? length : 1); /* so that valgrind sees a byte too many */
        memcpy(exact, bytes, length);
        struct zone *zone = zone_parse("cut", exact, length, NULL);
        assert_null(zone);
        free(exact);
    }
}

static void clocks__go_on(void **state)
{
    (void)state;
    int64_t first = time_monotonic_us();
    assert_true(time_monotonic_us() >= first);
    assert_true(time_monotonic_ms() >= first / 1000);
    assert_true(time_now_ms() > parse("2024-01-01T00:00:00Z"));
#ifdef BERTH_FAULTS
    setenv("BERTH_CLOCK", "@1795269909000", 1);
    assert_int_equal(time_now_ms(), INT64_C(1795269909000));
    unsetenv("BERTH_CLOCK");
    int64_t now_ms = time_now_ms();
    setenv("BERTH_CLOCK", "-3600000", 1);
    assert_true(time_now_ms() < now_ms - MS_HOUR + MS_MINUTE);
    setenv("BERTH_CLOCK", "+3600000", 1);
    assert_true(time_now_ms() >= now_ms + MS_HOUR);
    unsetenv("BERTH_CLOCK");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duration__reads_units_from_large_to_small),
        cmocka_unit_test(duration__is_written_in_two_units_and_in_one),
        cmocka_unit_test(instant__reads_rfc3339_and_local_times),
        cmocka_unit_test(instant__is_written_in_utc_and_in_a_zone),
        cmocka_unit_test(calendar__agrees_with_the_c_library_over_four_centuries),
        cmocka_unit_test(zone__agrees_with_the_c_library),
        cmocka_unit_test(zone__changes_at_the_very_second),
        cmocka_unit_test(civil__in_a_gap_is_the_first_instant_after_it),
        cmocka_unit_test(civil__in_an_overlap_is_the_first_of_the_two),
        cmocka_unit_test(civil__leads_back_to_its_instant),
        cmocka_unit_test(zone_load__refuses_names_that_are_none),
        cmocka_unit_test(zone_rule__knows_all_forms_of_posix),
        cmocka_unit_test(zone_parse__refuses_every_cut_of_a_file),
        cmocka_unit_test(clocks__go_on),
    };
    return TESTS_RUN(tests);
}
