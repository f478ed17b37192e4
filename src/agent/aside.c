/* SPDX-License-Identifier: ISC */
/*
 * Runs of which a stored row cannot be read. Nothing may be decided about such a run, and it must not stop the others: the turn that met it fails, and until
 * it is tried again every turn leaves it out. A row that was put right is read at the next try; `berth doctor` names what cannot be read.
 */
#include "agent/supervisor.h"

#include "berth/base/log.h"
#include "berth/base/str.h"
#include "berth/base/time.h"

#include <stdlib.h>

#define ASIDE_MS MS_MINUTE

bool aside_is(const struct supervisor *supervisor, const char *run)
{
    for (size_t i = 0; i < supervisor->aside.count; i++)
        if (text_equal(supervisor->aside.items[i].run, run))
            return supervisor->aside.items[i].until_ms > time_monotonic_ms();
    return false;
}

void aside_put(struct supervisor *supervisor, const char *run, const struct error *error)
{
    struct aside aside = {.until_ms = time_monotonic_ms() + ASIDE_MS};
    char line[2200];
    log_line("agent", LOG_ERROR, "run %s is held aside for a minute: %s", run, error_line(error, line, sizeof line));
    for (size_t i = 0; i < supervisor->aside.count; i++) {
        if (text_equal(supervisor->aside.items[i].run, run)) {
            supervisor->aside.items[i].until_ms = aside.until_ms;
            return;
        }
    }
    aside.run = mem_strdup(run);
    vec_push(&supervisor->aside, aside);
}

int64_t aside_until_ms(const struct supervisor *supervisor, const char *run, int64_t now_ms)
{
    for (size_t i = 0; i < supervisor->aside.count; i++)
        if (text_equal(supervisor->aside.items[i].run, run))
            return now_ms + supervisor->aside.items[i].until_ms - time_monotonic_ms() + 1;
    return now_ms;
}

void aside_release(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->aside.count; i++)
        free(supervisor->aside.items[i].run);
    vec_release(&supervisor->aside);
}
