/* SPDX-License-Identifier: ISC */
/* POSIX TZ strings: "CET-1CEST,M3.5.0,M10.5.0/3". */
#include "base/posix_zone.h"

#include "base/calendar.h"

#include <ctype.h>

#define DAY_S 86400

static bool skip_name(const char **at)
{
    const char *begin = *at;
    if (*begin == '<') {
        do
            ++*at;
        while (isalnum((unsigned char)**at) || **at == '+' || **at == '-');
        if (**at != '>')
            return false;
        ++*at;
        return *at - begin >= 3;
    }
    while (isalpha((unsigned char)**at))
        ++*at;
    return *at - begin >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool scan_time(const char **at, int most_hours, int *seconds)
{
    int sign = **at == '-' ? -1 : 1, hours, minutes = 0, rest = 0;
    if (**at == '-' || **at == '+')
        ++*at;
    if (!scan_digits(at, 1, 3, &hours) || hours > most_hours)
        return false;
    if (**at == ':') {
        ++*at;
        if (!scan_digits(at, 1, 2, &minutes) || minutes > 59)
            return false;
        if (**at == ':') {
            ++*at;
            if (!scan_digits(at, 1, 2, &rest) || rest > 59)
                return false;
        }
    }
    *seconds = sign * (hours * 3600 + minutes * 60 + rest);
    return true;
}

static bool scan_between(const char **at, int low, int high, int *value)
{
    return scan_digits(at, 1, 3, value) && *value >= low && *value <= high;
}

static bool scan_dot(const char **at)
{
    if (**at != '.')
        return false;
    ++*at;
    return true;
}

static bool scan_date(const char **at, struct posix_date *date)
{
    *date = (struct posix_date){.form = 'n', .time_s = 7200};
    if (**at == 'M') {
        ++*at;
        date->form = 'M';
        if (!scan_between(at, 1, 12, &date->month) || !scan_dot(at) || !scan_between(at, 1, 5, &date->week) ||
            !scan_dot(at) || !scan_between(at, 0, 6, &date->day))
            return false;
    } else if (**at == 'J') {
        ++*at;
        date->form = 'J';
        if (!scan_between(at, 1, 365, &date->day))
            return false;
    } else if (!scan_between(at, 0, 365, &date->day)) {
        return false;
    }
    if (**at != '/')
        return true;
    ++*at;
    return scan_time(at, 167, &date->time_s);
}

bool posix_zone_parse(const char *text, struct posix_zone *zone)
{
    const char *at = text;
    *zone = (struct posix_zone){0};
    if (!skip_name(&at) || !scan_time(&at, 24, &zone->standard_s))
        return false;
    zone->standard_s = -zone->standard_s; /* POSIX counts west */
    if (!*at)
        return true;
    zone->saves = true;
    zone->saving_s = zone->standard_s + 3600;
    if (!skip_name(&at))
        return false;
    if (*at != ',') {
        if (!scan_time(&at, 24, &zone->saving_s))
            return false;
        zone->saving_s = -zone->saving_s;
    }
    if (*at++ != ',' || !scan_date(&at, &zone->start) || *at++ != ',' || !scan_date(&at, &zone->end))
        return false;
    return !*at;
}

/* The local second, counted as if it were UTC, at which the date comes in a year. */
static int64_t date_in_year(const struct posix_date *date, int64_t year)
{
    int64_t days = calendar_days(year, 1, 1);
    if (date->form == 'n') {
        days += date->day;
    } else if (date->form == 'J') {
        days += date->day - 1 + (calendar_leap(year) && date->day >= 60);
    } else {
        struct civil first;
        days = calendar_days(year, date->month, 1);
        calendar_date(days, &first);
        int day = (date->day - first.weekday + 7) % 7 + 7 * (date->week - 1);
        while (day >= calendar_month_length(year, date->month))
            day -= 7;
        days += day;
    }
    return days * DAY_S + date->time_s;
}

int posix_zone_offset(const struct posix_zone *zone, int64_t at_s)
{
    if (!zone->saves)
        return zone->standard_s;
    struct civil local;
    calendar_date(floor_divide(at_s + zone->standard_s, DAY_S), &local);
    int64_t start = date_in_year(&zone->start, local.year) - zone->standard_s;
    int64_t end = date_in_year(&zone->end, local.year) - zone->saving_s;
    bool saving = start < end ? at_s >= start && at_s < end : at_s >= start || at_s < end;
    return saving ? zone->saving_s : zone->standard_s;
}
