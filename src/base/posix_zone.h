/* SPDX-License-Identifier: ISC */
/* The rule that a TZif file ends with (a POSIX TZ string): what holds after its last transition. */
#ifndef BERTH_SRC_BASE_POSIX_ZONE_H
#define BERTH_SRC_BASE_POSIX_ZONE_H

#include <stdbool.h>
#include <stdint.h>

struct posix_date {
    char form; /* 'M' month.week.day, 'J' day 1..365 without the leap day, 'n' day 0..365 */
    int month, week, day;
    int time_s; /* local, may be negative or beyond a day */
};
struct posix_zone {
    int standard_s, saving_s; /* east of UTC */
    bool saves;
    struct posix_date start, end; /* of saving */
};

/* Text up to its NUL, nothing may follow. */
bool posix_zone_parse(const char *text, struct posix_zone *zone);
int posix_zone_offset(const struct posix_zone *zone, int64_t at_s);

#endif
