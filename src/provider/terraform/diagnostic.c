/* SPDX-License-Identifier: ISC */
/* Finding the first error in what terraform says, and the lock in it. */
#include "provider/terraform/diagnostic.h"

#include "berth/base/text.h"
#include "berth/base/time.h"
#include "berth/model/record.h"

#include <stdlib.h>
#include <string.h>

#define LOCK_MARK "Lock Info:"
#define HELD_MARK "already locked: ID="
#define LOCK_FIELD_LIMIT 512

void diagnostic_init(struct diagnostic *diagnostic)
{
    *diagnostic = (struct diagnostic){.detail = STR_INIT};
}

void diagnostic_release(struct diagnostic *diagnostic)
{
    str_release(&diagnostic->detail);
}

/* What only says that errors follow is not the cause. */
static bool is_preface(const char *summary)
{
    return strstr(summary, "encountered problems during initiali") != NULL;
}

/* Whether a new error takes the place of what was said so far. */
static bool is_first(struct diagnostic *diagnostic)
{
    if (!is_preface(diagnostic->summary))
        return !diagnostic->summary[0];
    str_clear(&diagnostic->detail);
    return true;
}

/* The frame that it draws around errors on some terminals. */
static void strip_frame(const char **line, size_t *length)
{
    static const char *const frames[] = {"╷", "│ ", "│", "╵"};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        size_t size = strlen(frames[i]);
        if (*length >= size && memcmp(*line, frames[i], size) == 0) {
            *line += size;
            *length -= size;
            return;
        }
    }
}

static bool begins(const char *line, size_t length, const char *with)
{
    return length >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

static void add_detail(struct diagnostic *diagnostic, const char *line, size_t length)
{
    size_t room = diagnostic->detail.length < DETAIL_LIMIT ? DETAIL_LIMIT - diagnostic->detail.length : 0;
    if (diagnostic->detail.length == 0 && length == 0)
        return;
    text_visible(&diagnostic->detail, line, length < room ? length : room, TEXT_LINES);
    if (room > 0)
        str_add_char(&diagnostic->detail, '\n');
}

static void set_summary(struct diagnostic *diagnostic, const char *text, size_t length)
{
    struct str visible = STR_INIT;
    text_visible(&visible, text, length < DETAIL_LIMIT ? length : DETAIL_LIMIT, TEXT_ONE_LINE);
    (void)text_copy(diagnostic->summary, sizeof diagnostic->summary, visible.data);
    str_release(&visible);
}

void diagnostic_line(struct diagnostic *diagnostic, const char *line, size_t length)
{
    strip_frame(&line, &length);
    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (begins(line, length, "Error: ") && is_first(diagnostic)) {
        set_summary(diagnostic, line + strlen("Error: "), length - strlen("Error: "));
        diagnostic->open = true;
    } else if (begins(line, length, "Error: ") || begins(line, length, "Warning: ")) {
        diagnostic->open = false; /* the first is the cause, what follows it often is not */
    } else if (diagnostic->open) {
        add_detail(diagnostic, line, length);
    }
}

void diagnostic_json(struct diagnostic *diagnostic, const json_t *said)
{
    const char *summary = json_get_text(said, "summary"), *address = json_get_text(said, "address");
    const char *detail = json_get_text(said, "detail"),
               *file = json_get_text(json_object_get(said, "range"), "filename");
    long long line = json_get_int(json_object_get(json_object_get(said, "range"), "start"), "line");
    if (!text_equal(json_get_text(said, "severity"), "error") || !is_first(diagnostic))
        return;
    set_summary(diagnostic, summary[0] ? summary : "an error without words", summary[0] ? strlen(summary) : 22);
    if (file[0]) {
        struct str where = STR_INIT;
        str_addf(&where, "on %s line %lld%s%s", file, line, address[0] ? ", in " : "", address);
        add_detail(diagnostic, where.data, where.length);
        str_release(&where);
    }
    for (const char *at = detail; *at;) {
        size_t length = strcspn(at, "\n");
        add_detail(diagnostic, at, length);
        at += length + (at[length] ? 1 : 0);
    }
}

/* The rest of the line after "  NAME:", or "". */
static const char *field(const char *text, const char *name, struct arena *arena)
{
    struct str mark = STR_INIT;
    str_addf(&mark, "\n  %s:", name);
    const char *at = strstr(text, mark.data);
    const char *value = "";
    if (at) {
        at += mark.length;
        at += strspn(at, " ");
        size_t length = strcspn(at, "\n");
        while (length > 0 && at[length - 1] == ' ')
            length--;
        value = arena_strndup(arena, at, length < LOCK_FIELD_LIMIT ? length : LOCK_FIELD_LIMIT);
    }
    str_release(&mark);
    return value;
}

/* "2026-11-21 14:17:40.985556553 +0000 UTC" */
static int64_t lock_time(const char *text)
{
    char form[] = "0000-00-00T00:00:00Z";
    int64_t at_ms = 0;
    if (strlen(text) < 19 || !strstr(text, "+0000"))
        return 0;
    memcpy(form, text, 19);
    form[10] = 'T';
    return instant_parse(form, &at_ms, NULL) ? at_ms : 0;
}

bool diagnostic_lock(const struct diagnostic *diagnostic, struct arena *arena, struct state_lock *lock)
{
    const char *info = diagnostic->detail.length > 0 ? strstr(diagnostic->detail.data, LOCK_MARK) : NULL;
    *lock = (struct state_lock){.id = "", .who = "", .operation = "", .path = "", .version = ""};
    if (!info || !strstr(diagnostic->summary, "lock"))
        return strstr(diagnostic->summary, "Error acquiring the state lock") != NULL;
    lock->id = field(info, "ID", arena);
    lock->who = field(info, "Who", arena);
    lock->operation = field(info, "Operation", arena);
    lock->path = field(info, "Path", arena);
    lock->version = field(info, "Version", arena);
    lock->since_ms = lock_time(field(info, "Created", arena));
    if (text_starts(lock->operation, "OperationType"))
        lock->operation += strlen("OperationType");
    const char *held = strstr(diagnostic->detail.data, HELD_MARK);
    if (held && held < info) { /* the http backend shows who asked, and of who holds it only the id */
        held += strlen(HELD_MARK);
        *lock = (struct state_lock){.who = "", .operation = "", .path = lock->path, .version = ""};
        lock->id = arena_strndup(arena, held, strcspn(held, "\n "));
    }
    return true;
}

const char *diagnostic_in_a_line(const struct diagnostic *diagnostic, struct arena *arena)
{
    char *line = arena_strdup(arena, diagnostic->detail.data), *end = line;
    for (const char *at = line; *at; at++) {
        if (*at != '\n')
            *end++ = *at;
        else if (end > line && end[-1] != ' ')
            *end++ = ' ';
    }
    end -= end > line && end[-1] == ' ';
    *end = '\0';
    return line;
}

bool diagnostic_stale(const struct diagnostic *diagnostic)
{
    return strstr(diagnostic->summary, "Saved plan is stale") != NULL;
}

json_t *lock_to_json(const struct state_lock *lock)
{
    struct str since = STR_INIT;
    if (lock->since_ms > 0)
        instant_format(&since, lock->since_ms);
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", lock->id, "who", lock->who, "since", since.data,
                             "operation", lock->operation, "path", lock->path);
    str_release(&since);
    return json;
}
