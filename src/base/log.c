/* SPDX-License-Identifier: ISC */
/* Diagnostic lines. */
#include "berth/base/log.h"

#include "berth/base/str.h"
#include "berth/base/text.h"
#include "berth/base/time.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROOMS_SIZE 256

/* Set once at start by log_setup, only read afterwards. */
static struct {
    int fd;
    enum log_level level;
    char rooms[ROOMS_SIZE];
} setup = {.fd = STDERR_FILENO, .level = LOG_WARNING};

void log_setup(int fd, enum log_level level, const char *rooms)
{
    setup.fd = fd;
    setup.level = level;
    text_copy(setup.rooms, sizeof setup.rooms, rooms);
}

static bool room_is_traced(const char *room)
{
    size_t length = strlen(room);
    for (const char *at = setup.rooms; *at;) {
        size_t name = strcspn(at, ",");
        if ((name == length && memcmp(at, room, name) == 0) || (name == 3 && memcmp(at, "all", 3) == 0))
            return true;
        at += name + (at[name] == ',');
    }
    return false;
}

static void add_time(struct str *line)
{
    int64_t now_ms = time_now_ms();
    instant_format(line, now_ms);
    str_cut(line, line->length - 1); /* the Z comes after the milliseconds */
    str_addf(line, ".%03dZ ", (int)(now_ms % MS_SECOND));
}

void log_line(const char *room, enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"error", "warning", "info", "trace"};
    if (level > setup.level && !room_is_traced(room))
        return;
    int kept_errno = errno;
    struct str text = STR_INIT, line = STR_INIT;
    va_list arguments;
    va_start(arguments, format);
    str_addv(&text, format, arguments);
    va_end(arguments);
    add_time(&line);
    str_addf(&line, "%s %s ", room, names[level]);
    text_visible(&line, text.data, text.length, TEXT_ONE_LINE);
    str_add_char(&line, '\n');
    ssize_t ignored = write(setup.fd, line.data, line.length); /* nowhere is left to tell that telling failed */
    (void)ignored;
    str_release(&text);
    str_release(&line);
    errno = kept_errno;
}

void log_error(const char *room, enum log_level level, const struct error *error)
{
    char line[sizeof error->message + sizeof error->detail + sizeof error->hint + 8];
    log_line(room, level, "%s", error_line(error, line, sizeof line));
}
