/* SPDX-License-Identifier: ISC */
/* Cron lines with a time zone: "m h dom mon dow ZONE". */
#include "base/calendar.h"
#include "berth/base/memory.h"

#include <stdlib.h>
#include <string.h>

#define SEARCH_DAYS (8 * 366)

struct cron {
    uint64_t minutes, hours, days, months, weekdays; /* a bit for each value that fires */
    bool either_day;                                 /* both day fields are limited: one of them is enough */
    struct zone *zone;
};

struct field {
    const char *name;
    int low, high;
    int (*scan_name)(const char **at);
    int first_name; /* what the first name stands for */
};
static const struct field fields[] = {
    {"minute", 0, 59, NULL, 0},
    {"hour", 0, 23, NULL, 0},
    {"day of the month", 1, 31, NULL, 0},
    {"month", 1, 12, scan_month, 1},
    {"day of the week", 0, 7, scan_weekday, 0}, /* 0 and 7 are Sunday */
};
enum { FIELD_MINUTE, FIELD_HOUR, FIELD_DAY, FIELD_MONTH, FIELD_WEEKDAY, FIELD_COUNT };

static bool scan_value(const struct field *field, const char **at, int *value)
{
    int named = field->scan_name ? field->scan_name(at) : -1;
    if (named >= 0) {
        *value = named + field->first_name;
        return true;
    }
    return scan_digits(at, 1, 2, value) && *value >= field->low && *value <= field->high;
}

/* One of "*", "5", "1-5", each with "/2" behind. */
static bool scan_range(const struct field *field, const char **at, uint64_t *bits)
{
    int low = field->low, high = field->high, step = 1;
    bool open = false; /* "5/10" goes on to the end */
    if (**at == '*') {
        ++*at;
    } else {
        if (!scan_value(field, at, &low))
            return false;
        high = low;
        open = true;
        if (**at == '-') {
            ++*at;
            if (!scan_value(field, at, &high))
                return false;
            if (field->high == 7 && high == 0)
                high = 7; /* fri-sun */
            open = false;
        }
    }
    if (**at == '/') {
        ++*at;
        if (!scan_digits(at, 1, 2, &step) || step == 0)
            return false;
        if (open)
            high = field->high;
    }
    for (int value = low; value <= high; value += step)
        *bits |= UINT64_C(1) << value;
    return low <= high;
}

static bool scan_field(const struct field *field, const char **at, uint64_t *bits)
{
    do {
        if (!scan_range(field, at, bits))
            return false;
    } while (**at == ',' && ++*at);
    return **at == ' ' || **at == '\t';
}

static void skip_blanks(const char **at)
{
    *at += strspn(*at, " \t");
}

struct cron *cron_parse(const char *text, struct error *error)
{
    uint64_t bits[FIELD_COUNT] = {0};
    bool any[FIELD_COUNT];
    const char *at = text ? text : "";
    for (int i = 0; i < FIELD_COUNT; i++) {
        skip_blanks(&at);
        any[i] = *at == '*';
        if (!scan_field(&fields[i], &at, &bits[i])) {
            error_set(error, ERROR_CONFIG, "\"%s\" is no schedule: its %s is wrong", text ? text : "", fields[i].name);
            error_hint(error, "write minute, hour, day, month, day of the week and a zone: 30 6 * * 1-5 Europe/Berlin");
            return NULL;
        }
    }
    skip_blanks(&at);
    if (!*at) {
        error_set(error, ERROR_CONFIG, "\"%s\" is no schedule: its time zone is missing", text);
        error_hint(error, "write UTC or a name such as Europe/Berlin at its end");
        return NULL;
    }
    struct zone *zone = zone_load(at, error);
    if (!zone)
        return NULL;
    struct cron *cron = mem_zero(1, sizeof *cron);
    *cron = (struct cron){bits[FIELD_MINUTE],
                          bits[FIELD_HOUR],
                          bits[FIELD_DAY],
                          bits[FIELD_MONTH],
                          bits[FIELD_WEEKDAY],
                          !any[FIELD_DAY] && !any[FIELD_WEEKDAY],
                          zone};
    cron->weekdays |= cron->weekdays >> 7 & 1;
    return cron;
}

void cron_free(struct cron *cron)
{
    if (!cron)
        return;
    zone_free(cron->zone);
    free(cron);
}

static bool has(uint64_t bits, int value)
{
    return bits >> value & 1;
}

static bool is_day(const struct cron *cron, const struct civil *date)
{
    bool by_date = has(cron->days, date->day), by_week = has(cron->weekdays, date->weekday);
    return has(cron->months, date->month) && (cron->either_day ? by_date || by_week : by_date && by_week);
}

/* The first instant of a day that is after `after_ms`, or 0. Instants of a day never go back as its minutes go on. */
static int64_t next_on_day(const struct cron *cron, struct civil time, int64_t after_ms)
{
    for (time.hour = 0; time.hour < 24; time.hour++) {
        if (!has(cron->hours, time.hour))
            continue;
        for (time.minute = 0; time.minute < 60; time.minute++) {
            if (!has(cron->minutes, time.minute))
                continue;
            int64_t at_ms = civil_to_instant(cron->zone, &time);
            if (at_ms > after_ms)
                return at_ms;
        }
    }
    return 0;
}

int64_t cron_next(const struct cron *cron, int64_t after_ms)
{
    struct civil start = civil_from_instant(cron->zone, after_ms);
    /* From the day before: a gap may have put its last minutes after midnight. */
    int64_t first = calendar_days(start.year, start.month, start.day) - 1;
    for (int64_t day = first; day <= first + SEARCH_DAYS + 1; day++) {
        struct civil date = {0};
        calendar_date(day, &date);
        int64_t at_ms = is_day(cron, &date) ? next_on_day(cron, date, after_ms) : 0;
        if (at_ms)
            return at_ms;
    }
    return 0;
}
