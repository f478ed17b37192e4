/* SPDX-License-Identifier: ISC */
/* Windows of the week: "Mon-Fri 09:00-16:00 Europe/Berlin"; they may pass midnight. */
#include "base/calendar.h"
#include "berth/base/memory.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MINUTES 1440
#define SEARCH_DAYS 22 /* three weeks: an opening may vanish in a gap of daylight saving, not twice running */

struct window {
    char *text;
    bool days[7];
    int from, to; /* minutes of the day; `to` past a day when it ends on the next */
    struct zone *zone;
};

struct opening { /* from_ms included, to_ms not */
    int64_t from_ms, to_ms;
};

/* "Mon-Fri", "Mon,Wed", "Sat-Mon" */
static bool scan_days(const char **at, bool days[7])
{
    do {
        int first = scan_weekday(at), last = first;
        if (**at == '-' && first >= 0) {
            ++*at;
            last = scan_weekday(at);
        }
        if (first < 0 || last < 0)
            return false;
        for (int day = first;; day = (day + 1) % 7) {
            days[day] = true;
            if (day == last)
                break;
        }
    } while (**at == ',' && ++*at);
    return **at == ' ';
}

static bool scan_minute(const char **at, int *minute)
{
    int hours, minutes;
    if (!scan_digits(at, 2, 2, &hours) || *(*at)++ != ':' || !scan_digits(at, 2, 2, &minutes) || minutes > 59)
        return false;
    *minute = hours * 60 + minutes;
    return *minute <= DAY_MINUTES;
}

static bool scan_window(const char *at, struct window *window, const char **zone)
{
    if (!scan_days(&at, window->days))
        return false;
    at += strspn(at, " ");
    if (!scan_minute(&at, &window->from) || *at++ != '-' || !scan_minute(&at, &window->to) || *at != ' ')
        return false;
    if (window->from == DAY_MINUTES || window->from == window->to)
        return false;
    if (window->to < window->from)
        window->to += DAY_MINUTES;
    *zone = at + strspn(at, " ");
    return **zone != '\0';
}

struct window *window_parse(const char *text, struct error *error)
{
    struct window *window = mem_zero(1, sizeof *window);
    const char *zone = NULL;
    window->text = mem_strdup(text ? text : "");
    if (scan_window(window->text, window, &zone)) {
        window->zone = zone_load(zone, error);
    } else {
        error_set(error, ERROR_CONFIG, "\"%s\" is no window", window->text);
        error_hint(error, "write days, times and a zone: Mon-Fri 09:00-16:00 Europe/Berlin");
    }
    if (!window->zone) {
        window_free(window);
        return NULL;
    }
    return window;
}

void window_free(struct window *window)
{
    if (!window)
        return;
    zone_free(window->zone);
    free(window->text);
    free(window);
}

const char *window_text(const struct window *window)
{
    return window->text;
}

static int64_t minute_of_day(const struct window *window, int64_t day, int minute)
{
    struct civil time = {0};
    calendar_date(day + minute / DAY_MINUTES, &time);
    time.hour = minute % DAY_MINUTES / 60;
    time.minute = minute % 60;
    return civil_to_instant(window->zone, &time);
}

/* The first opening that ends after `after_ms`; false when there is none. */
static bool find_opening(const struct window *window, int64_t after_ms, struct opening *opening)
{
    struct civil start = civil_from_instant(window->zone, after_ms);
    int64_t first = calendar_days(start.year, start.month, start.day) - 2;
    for (int64_t day = first; day < first + SEARCH_DAYS; day++) {
        struct civil date;
        calendar_date(day, &date);
        if (!window->days[date.weekday])
            continue;
        opening->from_ms = minute_of_day(window, day, window->from);
        opening->to_ms = minute_of_day(window, day, window->to);
        if (opening->to_ms > after_ms && opening->to_ms > opening->from_ms)
            return true;
    }
    return false;
}

bool window_open(const struct window *window, int64_t at_ms)
{
    struct opening opening;
    return find_opening(window, at_ms, &opening) && opening.from_ms <= at_ms;
}

int64_t window_next_open(const struct window *window, int64_t at_ms)
{
    struct opening opening;
    if (!find_opening(window, at_ms, &opening))
        return 0;
    return opening.from_ms > at_ms ? opening.from_ms : at_ms;
}

int64_t window_closes(const struct window *window, int64_t at_ms)
{
    struct opening opening;
    if (!find_opening(window, at_ms, &opening) || opening.from_ms > at_ms)
        return 0;
    /* Openings that touch are one; all days whole never close. */
    for (int joined = 0; joined < SEARCH_DAYS; joined++) {
        int64_t end_ms = opening.to_ms;
        if (!find_opening(window, end_ms, &opening) || opening.from_ms > end_ms)
            return end_ms;
    }
    return INT64_MAX;
}
