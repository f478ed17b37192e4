/* SPDX-License-Identifier: ISC */
/* The proleptic Gregorian calendar in whole days, for the files of base that reckon with dates. */
#ifndef BERTH_SRC_BASE_CALENDAR_H
#define BERTH_SRC_BASE_CALENDAR_H

#include "berth/base/time.h"

/* Days since 1970-01-01; month 1..12, day may lie outside of its month. */
int64_t calendar_days(int64_t year, int month, int64_t day);
/* Fills year, month, day and weekday. */
void calendar_date(int64_t days, struct civil *civil);
int calendar_month_length(int64_t year, int month);
bool calendar_leap(int64_t year);
/* Division that rounds down, for instants before 1970. */
int64_t floor_divide(int64_t value, int64_t by);

/* One field of digits only, `least`..`most` of them, moving *at on; false when there are fewer. */
bool scan_digits(const char **at, int least, int most, int *value);
/* "sun".."sat" or "jan".."dec" at the front, any case: 0.. or -1, and moves on. Only whole words. */
int scan_weekday(const char **at);
int scan_month(const char **at);

#endif
