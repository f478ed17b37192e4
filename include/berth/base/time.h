/* SPDX-License-Identifier: ISC */
/*
 * Instants, durations, time zones, cron and windows. An instant is an int64_t of milliseconds since 1970-01-01T00:00Z
 * (0: none); a duration is an int64_t of milliseconds. Everything but the two clocks is pure. A struct zone is
 * immutable once loaded and may be shared; zone_load reads the system's tz database.
 */
#ifndef BERTH_BASE_TIME_H
#define BERTH_BASE_TIME_H

#include "berth/base/error.h"
#include "berth/base/memory.h"
#include "berth/base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define MS_SECOND INT64_C(1000)
#define MS_MINUTE (60 * MS_SECOND)
#define MS_HOUR (60 * MS_MINUTE)
#define MS_DAY (24 * MS_HOUR)

/* The wall clock. In builds with BERTH_FAULTS the variable BERTH_CLOCK shifts it ("+3600000", "-3600000" ms), holds it ("@MS")
 * or names a file ("/…") whose number of ms shifts it, and may change while processes run. */
int64_t time_now_ms(void);
/* Never goes back; unrelated to the wall clock. */
int64_t time_monotonic_ms(void);
int64_t time_monotonic_us(void);
/* As time_monotonic_ms, but it goes on while the machine sleeps. */
int64_t time_boot_ms(void);

/* "90s", "10m", "8h", "2d", "3y", "1d12h", "250ms"; a bare number is refused. Up to 100 years. */
bool duration_parse(const char *text, int64_t *ms, struct error *error) BERTH_MUST_CHECK;
/* The shortest honest form with at most two units: "2m10s", "1d04h", "41m", "0s". */
void duration_format(struct str *out, int64_t ms);
/* The same as a text of its own, in the arena. */
const char *duration_text(struct arena *arena, int64_t ms) BERTH_MUST_CHECK;
/* One unit, for columns: "41m", "2d", "now" under a second. What people read is written by base/wording.h. */
void duration_short(struct str *out, int64_t ms);

struct zone;
/* "UTC" or a name of the tz database ("Europe/Berlin"); a name with "..", a leading '/' or unknown is ERROR_CONFIG. Free with zone_free. */
struct zone *zone_load(const char *name, struct error *error) BERTH_MUST_CHECK;
/* From the bytes of a TZif file (tests, fuzzing). */
struct zone *zone_parse(const char *name, const void *bytes, size_t count, struct error *error) BERTH_MUST_CHECK;
void zone_free(struct zone *zone);
const char *zone_name(const struct zone *zone);
/* Seconds east of UTC at an instant. */
int zone_offset_s(const struct zone *zone, int64_t at_ms);

/* a calendar time in some zone */
struct civil {
    int year, month, day; /* month 1..12, day 1..31 */
    int hour, minute, second;
    int weekday; /* 0 Sunday … 6 Saturday */
};
struct civil civil_from_instant(const struct zone *zone, int64_t at_ms); /* zone NULL: UTC */
/* The instant of a calendar time; in a gap of daylight saving the first valid instant after it, in an overlap the first of the two. */
int64_t civil_to_instant(const struct zone *zone, const struct civil *civil);

/* "2026-11-21T14:05:09Z" */
void instant_format(struct str *out, int64_t at_ms);
/* The same as a text of its own, in the arena. */
const char *instant_text(struct arena *arena, int64_t at_ms) BERTH_MUST_CHECK;
/* "2026-11-21 15:05" in the zone */
void instant_format_local(struct str *out, const struct zone *zone, int64_t at_ms);
/* RFC 3339, or "2026-12-01T00:00 Europe/Lisbon" (loads the zone). */
bool instant_parse(const char *text, int64_t *at_ms, struct error *error) BERTH_MUST_CHECK;

/* --- cron: "m h dom mon dow ZONE" -------------------------------------------------------------------------- */
struct cron;
struct cron *cron_parse(const char *text, struct error *error) BERTH_MUST_CHECK;
void cron_free(struct cron *cron);
/* The first instant after `after_ms` at which it fires, or 0 when none comes within 8 years. A gap of daylight saving fires at the
 * next valid instant, an overlap once. */
int64_t cron_next(const struct cron *cron, int64_t after_ms);

/* --- window: "Mon-Fri 09:00-16:00 Europe/Berlin" ------------------------------------------------------------ */
struct window;
struct window *window_parse(const char *text, struct error *error) BERTH_MUST_CHECK;
void window_free(struct window *window);
const char *window_text(const struct window *window);
bool window_open(const struct window *window, int64_t at_ms);
/* The next instant at or after `at_ms` at which it is open (at_ms itself when open), 0 when never. */
int64_t window_next_open(const struct window *window, int64_t at_ms);
/* The end of the opening that holds `at_ms`, 0 when it is closed then. Openings that touch are one; INT64_MAX when it never closes. */
int64_t window_closes(const struct window *window, int64_t at_ms);

#endif
