/* SPDX-License-Identifier: ISC */
/* How values are written on the screen. */
#include "ui/format.h"

#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/base/wording.h"
#include "berth/model/environment.h"
#include "berth/model/run.h"

#include <time.h>

const char *const time_form_names[] = {[TIME_AGE] = "age", [TIME_UTC] = "UTC", [TIME_LOCAL] = "local", NULL};

static const struct {
    const char *ascii, *glyph;
    enum style style;
} signs[] = {
    [SIGN_UNKNOWN] = {"[??]", "?", STYLE_UNKNOWN},
    [SIGN_OK] = {"[OK]", "✓", STYLE_OK},
    [SIGN_RUN] = {"[RUN]", "↻", STYLE_RUNNING},
    [SIGN_WAIT] = {"[WAIT]", "◆", STYLE_WAITING},
    [SIGN_WARN] = {"[WARN]", "▲", STYLE_WARNING},
    [SIGN_FAIL] = {"[FAIL]", "✗", STYLE_FAILED},
    [SIGN_DELETE] = {"[DEL]", "▾", STYLE_DESTROYING},
    [SIGN_GONE] = {"[GONE]", "○", STYLE_GONE},
    [SIGN_NONE] = {"", "", STYLE_MUTED},
};

enum style sign_style(enum sign sign)
{
    return signs[sign].style;
}

const char *sign_text(enum sign sign, bool ascii)
{
    return ascii ? signs[sign].ascii : signs[sign].glyph;
}

static const struct {
    unsigned mark;
    enum sign sign;
    const char *word;
} marks[] = {
    {MARK_WAITING, SIGN_WAIT, "needs approval"},
    {MARK_UNREACHABLE, SIGN_WARN, "unreachable"},
    {MARK_HELD, SIGN_WARN, "held"},
    {MARK_DEGRADED, SIGN_WARN, "degraded"},
    {MARK_DRIFTED, SIGN_WARN, "drifted"},
    {MARK_BRANCH_GONE, SIGN_WARN, "branch gone"},
    {MARK_EXPIRING, SIGN_WARN, "expiring"},
    {MARK_ASLEEP, SIGN_GONE, "asleep"},
};
#define MARK_COUNT (sizeof marks / sizeof *marks)

/* The mark that says more than the status: waiting always does, the others when the status itself is calm. */
static size_t telling_mark(const struct environment *environment)
{
    bool calm = environment->status == ENVIRONMENT_OK || environment->status == ENVIRONMENT_ABSENT;
    for (size_t i = 0; i < MARK_COUNT; i++) {
        if ((environment->marks & marks[i].mark) && (calm || marks[i].mark == MARK_WAITING))
            return i;
    }
    return MARK_COUNT;
}

enum sign environment_sign(const struct environment *environment)
{
    size_t mark = telling_mark(environment);
    if (mark < MARK_COUNT)
        return marks[mark].sign;
    switch ((enum environment_status)environment->status) {
    case ENVIRONMENT_ABSENT: return SIGN_GONE;
    case ENVIRONMENT_DEPLOYING:
    case ENVIRONMENT_VALIDATING: return SIGN_RUN;
    case ENVIRONMENT_OK: return SIGN_OK;
    case ENVIRONMENT_FAILED: return SIGN_FAIL;
    case ENVIRONMENT_DESTROYING: return SIGN_DELETE;
    case ENVIRONMENT_DESTROYED: return SIGN_GONE;
    case ENVIRONMENT_UNKNOWN: break;
    }
    return SIGN_UNKNOWN;
}

const char *environment_word(const struct environment *environment)
{
    size_t mark = telling_mark(environment);
    return mark < MARK_COUNT ? marks[mark].word : word_name(environment_status_names, environment->status);
}

void format_run_status(struct str *out, const struct run *run)
{
    const char *status = word_name(run_status_names, run->status);
    str_add(out, status);
    wording_because(out, status, run->status_reason);
}

int environment_urgency(const struct environment *environment)
{
    switch (environment_sign(environment)) {
    case SIGN_FAIL: return 0;
    case SIGN_WAIT: return 1;
    case SIGN_WARN: return 2;
    case SIGN_RUN: return 3;
    case SIGN_DELETE: return 4;
    case SIGN_UNKNOWN: return 5;
    case SIGN_OK: return 6;
    case SIGN_GONE:
    case SIGN_NONE: break;
    }
    return 7;
}

enum sign resource_sign(int status)
{
    switch ((enum resource_status)status) {
    case RESOURCE_ABSENT:
    case RESOURCE_GONE: return SIGN_GONE;
    case RESOURCE_WAITING: return SIGN_WAIT;
    case RESOURCE_CREATING:
    case RESOURCE_UPDATING: return SIGN_RUN;
    case RESOURCE_OK: return SIGN_OK;
    case RESOURCE_DEGRADED: return SIGN_WARN;
    case RESOURCE_FAILED: return SIGN_FAIL;
    case RESOURCE_DESTROYING: return SIGN_DELETE;
    case RESOURCE_UNKNOWN: break;
    }
    return SIGN_UNKNOWN;
}

enum sign run_sign(int status)
{
    switch ((enum run_status)status) {
    case RUN_QUEUED:
    case RUN_PREPARING:
    case RUN_PLANNING:
    case RUN_APPLYING:
    case RUN_VALIDATING:
    case RUN_ROLLING_BACK: return SIGN_RUN;
    case RUN_GATE:
    case RUN_HELD: return SIGN_WAIT;
    case RUN_DONE: return SIGN_OK;
    case RUN_FAILED: return SIGN_FAIL;
    case RUN_ROLLED_BACK: return SIGN_WARN;
    case RUN_REJECTED:
    case RUN_SUPERSEDED:
    case RUN_CANCELLED: return SIGN_GONE;
    }
    return SIGN_UNKNOWN;
}

enum sign step_sign(int status)
{
    switch ((enum step_status)status) {
    case STEP_WAITING:
    case STEP_READY: return SIGN_WAIT;
    case STEP_RUNNING: return SIGN_RUN;
    case STEP_DONE: return SIGN_OK;
    case STEP_FAILED: return SIGN_FAIL;
    case STEP_SKIPPED:
    case STEP_CANCELLED: return SIGN_GONE;
    case STEP_INTERRUPTED: return SIGN_WARN;
    }
    return SIGN_UNKNOWN;
}

enum sign action_sign(int plan_action)
{
    switch ((enum plan_action)plan_action) {
    case PLAN_NONE: return SIGN_GONE;
    case PLAN_CREATE:
    case PLAN_RUN: return SIGN_OK;
    case PLAN_UPDATE: return SIGN_RUN;
    case PLAN_REPLACE:
    case PLAN_DESTROY: return SIGN_FAIL;
    case PLAN_DEFERRED:
    case PLAN_FORGET: return SIGN_WARN;
    }
    return SIGN_UNKNOWN;
}

void format_status(struct str *out, enum sign sign, const char *word, bool ascii)
{
    const char *symbol = sign_text(sign, ascii);
    str_addf(out, "%s%s%s", symbol, *symbol ? " " : "", word);
}

static void format_clock(struct str *out, enum time_form form, int64_t at_ms, int64_t now_ms)
{
    time_t at = (time_t)(at_ms / MS_SECOND), now = (time_t)(now_ms / MS_SECOND);
    struct tm then, today;
    char text[32];
    if (form == TIME_LOCAL) {
        localtime_r(&at, &then);
        localtime_r(&now, &today);
    } else {
        gmtime_r(&at, &then);
        gmtime_r(&now, &today);
    }
    if (then.tm_year == today.tm_year && then.tm_yday == today.tm_yday)
        strftime(text, sizeof text, "%H:%M:%S", &then);
    else if (then.tm_year == today.tm_year)
        strftime(text, sizeof text, "%m-%d %H:%M", &then);
    else
        strftime(text, sizeof text, "%Y-%m-%d", &then);
    str_addf(out, "%s%s", text, form == TIME_UTC ? "Z" : "");
}

void format_time(struct str *out, enum time_form form, int64_t at_ms, int64_t now_ms)
{
    if (form == TIME_AGE || !at_ms)
        wording_age(out, at_ms, now_ms);
    else
        format_clock(out, form, at_ms, now_ms);
}

void format_when(struct str *out, enum time_form form, int64_t at_ms, int64_t now_ms)
{
    if (form == TIME_AGE && at_ms)
        wording_ago(out, at_ms, now_ms);
    else
        format_time(out, form, at_ms, now_ms);
}
