/* SPDX-License-Identifier: ISC */
/* Any bytes as a time zone file; and, as text, as a schedule, a window, a duration and an instant. */
#include "berth/base/time.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* None at whose minute an opening ends at 1970-01-01T00:00Z: that instant is 0, which also says "none". */
static const int64_t moments_ms[] = {INT64_C(-4000000000000), 123456789, INT64_C(1795269909000),
                                     INT64_C(9000000000000)};

static void check_zone(const uint8_t *data, size_t size)
{
    struct zone *zone = zone_parse("fuzz", data, size, NULL);
    for (size_t i = 0; zone && i < sizeof moments_ms / sizeof *moments_ms; i++) {
        struct civil civil = civil_from_instant(zone, moments_ms[i]);
        int64_t back_ms = civil_to_instant(zone, &civil);
        BUG_ON(zone_offset_s(zone, back_ms) > 90000 * 2 || zone_offset_s(zone, back_ms) < -90000 * 2);
    }
    zone_free(zone);
}

static void check_text(const char *text)
{
    int64_t ms;
    struct cron *cron = cron_parse(text, NULL);
    struct window *window = window_parse(text, NULL);
    for (size_t i = 0; i < sizeof moments_ms / sizeof *moments_ms; i++) {
        int64_t next_ms = cron ? cron_next(cron, moments_ms[i]) : 0;
        BUG_ON(next_ms && next_ms <= moments_ms[i]);
        BUG_ON(window && window_open(window, moments_ms[i]) != (window_closes(window, moments_ms[i]) > moments_ms[i] &&
                                                                window_closes(window, moments_ms[i]) != 0));
    }
    cron_free(cron);
    window_free(window);
    if (duration_parse(text, &ms, NULL))
        BUG_ON(ms < 0 || ms > 100 * 365 * MS_DAY);
    (void)!instant_parse(text, &ms, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_zone(data, size);
    struct str text = STR_INIT;
    str_add_bytes(&text, data, size);
    check_text(text.data);
    str_release(&text);
    return 0;
}
