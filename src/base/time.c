/* SPDX-License-Identifier: ISC */
/* The clocks, durations and instants as text. */
#include "base/calendar.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DURATION_MOST (100 * 365 * MS_DAY)

static const struct unit {
    const char *name;
    int64_t ms;
} units[] = {/* the largest first */
             {"y", 365 * MS_DAY}, {"w", 7 * MS_DAY}, {"d", MS_DAY}, {"h", MS_HOUR},
             {"m", MS_MINUTE},    {"s", MS_SECOND},  {"ms", 1}};
#define UNIT_COUNT (sizeof units / sizeof *units)
#define UNIT_WEEK 1 /* read, never written */

static int64_t clock_us(clockid_t id)
{
    struct timespec now;
    BUG_ON(clock_gettime(id, &now) != 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

#ifdef BERTH_FAULTS
/* A test moves the clock of running processes by the milliseconds in a file. */
static int64_t shift_in_file(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
        close(fd);
    return got > 0 ? strtoll(text, NULL, 10) : 0;
}
#endif

int64_t time_now_ms(void)
{
    int64_t now_ms = clock_us(CLOCK_REALTIME) / 1000;
#ifdef BERTH_FAULTS
    const char *shift = getenv("BERTH_CLOCK");
    if (shift && *shift == '/')
        return now_ms + shift_in_file(shift);
    if (shift && *shift == '@')
        return strtoll(shift + 1, NULL, 10);
    if (shift)
        now_ms += strtoll(shift, NULL, 10);
#endif
    return now_ms;
}

int64_t time_monotonic_ms(void)
{
    return clock_us(CLOCK_MONOTONIC) / 1000;
}

int64_t time_boot_ms(void)
{
    return clock_us(CLOCK_BOOTTIME) / 1000;
}

int64_t time_monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

/* The unit whose name is here, or UNIT_COUNT. */
static size_t scan_unit(const char **at)
{
    size_t length = 0;
    while (isalpha((unsigned char)(*at)[length]))
        length++;
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (strlen(units[i].name) == length && memcmp(units[i].name, *at, length) == 0) {
            *at += length;
            return i;
        }
    }
    return UNIT_COUNT;
}

bool duration_parse(const char *text, int64_t *ms, struct error *error)
{
    int64_t total = 0;
    const char *at = text ? text : "";
    bool good = *at != '\0';
    for (size_t least = 0; good && *at;) {
        int number = 0;
        good = scan_digits(&at, 1, 9, &number);
        size_t unit = good ? scan_unit(&at) : UNIT_COUNT;
        good = unit < UNIT_COUNT && unit >= least; /* larger before smaller, each once */
        if (good && number > (DURATION_MOST - total) / units[unit].ms)
            return error_set(error, ERROR_LIMIT, "the duration \"%s\" is longer than 100 years", text);
        if (good)
            total += number * units[unit].ms;
        least = unit + 1;
    }
    if (!good) {
        error_set(error, ERROR_CONFIG, "\"%s\" is no duration", text ? text : "");
        return error_hint(error, "write a number with its unit: 90s, 10m, 8h, 2d, 1d12h");
    }
    *ms = total;
    return true;
}

/* The largest unit that fits into it (seconds at least, or milliseconds). */
static size_t unit_of(uint64_t ms)
{
    size_t unit = 0;
    while (unit + 1 < UNIT_COUNT && (unit == UNIT_WEEK || ms < (uint64_t)units[unit].ms))
        unit++;
    return unit;
}

static uint64_t magnitude(int64_t ms)
{
    return ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
}

void duration_format(struct str *out, int64_t ms)
{
    uint64_t left = magnitude(ms);
    size_t unit = unit_of(left), smaller = unit + 1 + (unit + 1 == UNIT_WEEK);
    if (left == 0) {
        str_add(out, "0s");
        return;
    }
    uint64_t size = (uint64_t)units[unit].ms;
    str_addf(out, "%s%llu%s", ms < 0 ? "-" : "", (unsigned long long)(left / size), units[unit].name);
    if (smaller + 1 >= UNIT_COUNT)
        return; /* milliseconds beside seconds tell nobody anything */
    uint64_t rest = left % size / (uint64_t)units[smaller].ms;
    if (rest)
        str_addf(out, "%02llu%s", (unsigned long long)rest, units[smaller].name);
}

const char *duration_text(struct arena *arena, int64_t ms)
{
    struct str text = STR_INIT;
    duration_format(&text, ms);
    const char *copy = arena_strdup(arena, text.data);
    str_release(&text);
    return copy;
}

void duration_short(struct str *out, int64_t ms)
{
    uint64_t left = magnitude(ms);
    if (left < (uint64_t)MS_SECOND) {
        str_add(out, "now");
        return;
    }
    size_t unit = unit_of(left);
    str_addf(out, "%s%llu%s", ms < 0 ? "-" : "", (unsigned long long)(left / (uint64_t)units[unit].ms),
             units[unit].name);
}

void instant_format(struct str *out, int64_t at_ms)
{
    struct civil c = civil_from_instant(NULL, at_ms);
    str_addf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day, c.hour, c.minute, c.second);
}

const char *instant_text(struct arena *arena, int64_t at_ms)
{
    struct str text = STR_INIT;
    instant_format(&text, at_ms);
    const char *copy = arena_strdup(arena, text.data);
    str_release(&text);
    return copy;
}

void instant_format_local(struct str *out, const struct zone *zone, int64_t at_ms)
{
    struct civil c = civil_from_instant(zone, at_ms);
    str_addf(out, "%04d-%02d-%02d %02d:%02d", c.year, c.month, c.day, c.hour, c.minute);
}

static bool scan_byte(const char **at, const char *any_of)
{
    if (!**at || !strchr(any_of, **at))
        return false;
    ++*at;
    return true;
}

/* "2026-11-21T14:05[:09[.123]]" */
static bool scan_civil(const char **at, struct civil *c, int *ms)
{
    *c = (struct civil){0};
    *ms = 0;
    if (!scan_digits(at, 4, 4, &c->year) || !scan_byte(at, "-") || !scan_digits(at, 2, 2, &c->month) ||
        !scan_byte(at, "-") || !scan_digits(at, 2, 2, &c->day) || !scan_byte(at, "Tt ") ||
        !scan_digits(at, 2, 2, &c->hour) || !scan_byte(at, ":") || !scan_digits(at, 2, 2, &c->minute))
        return false;
    if (scan_byte(at, ":") && !scan_digits(at, 2, 2, &c->second))
        return false;
    if (scan_byte(at, ".")) {
        if (!isdigit((unsigned char)**at))
            return false;
        for (int scale = 100; isdigit((unsigned char)**at); ++*at, scale /= 10)
            *ms += (**at - '0') * scale;
    }
    return c->month >= 1 && c->month <= 12 && c->day >= 1 && c->day <= calendar_month_length(c->year, c->month) &&
           c->hour <= 23 && c->minute <= 59 && c->second <= 59;
}

/* "Z", "+01:00" */
static bool scan_offset(const char **at, int64_t *offset_ms)
{
    int hours, minutes;
    *offset_ms = 0;
    if (scan_byte(at, "Zz"))
        return true;
    int sign = **at == '-' ? -1 : 1;
    if (!scan_byte(at, "+-") || !scan_digits(at, 2, 2, &hours) || !scan_byte(at, ":") ||
        !scan_digits(at, 2, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset_ms = sign * (hours * MS_HOUR + minutes * MS_MINUTE);
    return true;
}

bool instant_parse(const char *text, int64_t *at_ms, struct error *error)
{
    struct civil civil;
    int ms;
    int64_t offset_ms;
    const char *at = text ? text : "";
    if (scan_civil(&at, &civil, &ms)) {
        if (*at == ' ') {
            struct zone *zone = zone_load(at + 1, error);
            if (!zone)
                return false;
            *at_ms = civil_to_instant(zone, &civil) + ms;
            zone_free(zone);
            return true;
        }
        if (scan_offset(&at, &offset_ms) && !*at) {
            *at_ms = civil_to_instant(NULL, &civil) + ms - offset_ms;
            return true;
        }
    }
    error_set(error, ERROR_CONFIG, "\"%s\" is no point in time", text ? text : "");
    return error_hint(error, "write 2026-12-01T08:30:00Z, 2026-12-01T09:30:00+01:00 or 2026-12-01T09:30 Europe/Berlin");
}
