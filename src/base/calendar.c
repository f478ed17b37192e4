/* SPDX-License-Identifier: ISC */
/* Days, dates and their names. */
#include "base/calendar.h"

#include <ctype.h>
#include <strings.h>

int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

bool calendar_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int calendar_month_length(int64_t year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return lengths[month - 1] + (month == 2 && calendar_leap(year));
}

/* Both count in eras of 400 years that begin on the first of March, so that the leap day comes last. */
int64_t calendar_days(int64_t year, int month, int64_t day)
{
    year -= month <= 2;
    int64_t era = floor_divide(year, 400), year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year + day - 1 - 719468;
}

void calendar_date(int64_t days, struct civil *civil)
{
    int64_t shifted = days + 719468, era = floor_divide(shifted, 146097), day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    civil->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    civil->month = (int)(month < 10 ? month + 3 : month - 9);
    civil->year = (int)(year_of_era + era * 400 + (civil->month <= 2));
    civil->weekday = (int)(days + 4 - floor_divide(days + 4, 7) * 7);
}

bool scan_digits(const char **at, int least, int most, int *value)
{
    int count = 0, number = 0;
    for (; count < most && isdigit((unsigned char)(*at)[count]); count++)
        number = number * 10 + ((*at)[count] - '0');
    if (count < least)
        return false;
    *at += count;
    *value = number;
    return true;
}

static int scan_name(const char **at, const char *names, int count)
{
    for (int i = 0; i < count; i++) {
        if (strncasecmp(*at, names + 3 * i, 3) == 0 && !isalnum((unsigned char)(*at)[3])) {
            *at += 3;
            return i;
        }
    }
    return -1;
}

int scan_weekday(const char **at)
{
    return scan_name(at, "sunmontuewedthufrisat", 7);
}

int scan_month(const char **at)
{
    return scan_name(at, "janfebmaraprmayjunjulaugsepoctnovdec", 12);
}
