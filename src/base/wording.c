/* SPDX-License-Identifier: ISC */
/* Ages, what is left, commits and persons as people read them: the one place for both programs' words. */
#include "berth/base/wording.h"

#include "berth/base/time.h"

#include <string.h>

void wording_left(struct str *out, int64_t left_ms)
{
    int64_t smaller = left_ms >= MS_DAY ? MS_HOUR : left_ms >= 10 * MS_MINUTE ? MS_MINUTE : MS_SECOND;
    int64_t rounded = left_ms <= 0 ? 0 : (left_ms + smaller / 2) / smaller * smaller;

    if (rounded == 0)
        str_add(out, "now");
    else
        duration_format(out, rounded);
}

void wording_age(struct str *out, int64_t at_ms, int64_t now_ms)
{
    if (at_ms == 0)
        str_add(out, "-");
    else if (at_ms > now_ms)
        wording_left(out, at_ms - now_ms);
    else
        duration_short(out, now_ms - at_ms);
}

void wording_ago(struct str *out, int64_t at_ms, int64_t now_ms)
{
    if (at_ms == 0) {
        str_add(out, "never");
        return;
    }
    if (at_ms > now_ms && at_ms - now_ms >= MS_SECOND)
        str_add(out, "in ");
    wording_age(out, at_ms, now_ms);
    if (now_ms - at_ms >= MS_SECOND)
        str_add(out, " ago");
}

void wording_took(struct str *out, int64_t from_ms, int64_t to_ms)
{
    if (from_ms == 0 || to_ms == 0)
        str_add(out, "-");
    else
        duration_format(out, to_ms > from_ms ? to_ms - from_ms : 0);
}

void wording_commit(struct str *out, const char *commit)
{
    size_t length = commit != NULL ? strnlen(commit, COMMIT_SHOWN) : 0;

    while (length > 0 && ((unsigned char)commit[length] & 0xc0) == 0x80) /* not inside a character */
        length--;
    if (length == 0)
        str_add(out, "-");
    else
        str_add_bytes(out, commit, length);
}

void wording_because(struct str *out, const char *status, const char *reason)
{
    const char *rest = text_starts(reason, status) ? reason + strlen(status) : NULL;

    if (text_empty(reason))
        return;
    if (rest != NULL && (*rest == '\0' || *rest == ' ' || *rest == ':'))
        str_add(out, rest);
    else
        str_addf(out, ": %s", reason);
}

void wording_person(struct str *out, const char *person, const char *actor)
{
    str_add(out, !text_empty(person) ? person : !text_empty(actor) ? actor : "-");
}
