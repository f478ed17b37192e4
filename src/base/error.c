/* SPDX-License-Identifier: ISC */
/* The table of error codes and the filling of struct error. */
#include "berth/base/error.h"

#include "berth/base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct error_info infos[ERROR_CODE_COUNT] = {
    [ERROR_NONE] = {"none", 0, 200, "it was done"},
    [ERROR_USAGE] = {"usage", 2, 400, "a command line or an argument is wrong"},
    [ERROR_CONFIG] = {"config", 1, 422, "berth.yaml, berthd.yaml or a template is wrong"},
    [ERROR_NOT_FOUND] = {"not_found", 1, 404, "there is no such environment, branch, run or file"},
    [ERROR_DENIED] = {"denied", 4, 403, "policy refused it"},
    [ERROR_CONFLICT] = {"conflict", 5, 409,
                        "somebody else holds it, it moved meanwhile, or there is nothing to act on"},
    [ERROR_WAITING] = {"waiting", 3, 202, "it waits for an approval"},
    [ERROR_TIMEOUT] = {"timeout", 6, 504, "it took longer than allowed"},
    [ERROR_CANCELLED] = {"cancelled", 1, 409, "a person or a shutdown ended it"},
    [ERROR_IO] = {"io", 1, 500, "a file, pipe or socket failed"},
    [ERROR_FULL] = {"full", 1, 507, "no space is left"},
    [ERROR_STORE] = {"store", 1, 503, "the store could not do it"},
    [ERROR_CORRUPT] = {"corrupt", 1, 500, "stored bytes are not what was written"},
    [ERROR_DAMAGED] = {"damaged", 1, 500, "one stored row cannot be read, the rest can"},
    [ERROR_VERSION] = {"version", 1, 503, "it was written by a newer berth, or needs another version"},
    [ERROR_UNREACHABLE] = {"unreachable", 1, 502, "the other side did not answer"},
    [ERROR_PROVIDER] = {"provider", 1, 502, "the other side answered with a failure"},
    [ERROR_TOOL] = {"tool", 1, 500, "a tool ended with a failure"},
    [ERROR_INTERRUPTED] = {"interrupted", 1, 500, "nobody knows whether it was done"},
    [ERROR_LIMIT] = {"limit", 1, 413, "it is larger, deeper or more than a named limit"},
    [ERROR_UNSUPPORTED] = {"unsupported", 1, 501, "it is not possible here, or not built yet"},
};

const struct error_info *error_info(enum error_code code)
{
    return (unsigned)code < ERROR_CODE_COUNT ? &infos[code] : &infos[ERROR_IO];
}

enum error_code error_code_from_name(const char *name)
{
    for (int code = 0; code < ERROR_CODE_COUNT; code++) {
        if (text_equal(infos[code].name, name))
            return (enum error_code)code;
    }
    return ERROR_NONE;
}

/* Text that does not fit loses its end, and never half a character. Aliasing is allowed: the text is made before it is put. */
static void BERTH_PRINTF(3, 0) fill(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct str text = STR_INIT;
    str_addv(&text, format, arguments);
    text_copy(buffer, size, text.data);
    str_release(&text);
}

/* Formats the rest of the caller's arguments into one of the texts. */
#define FILL(text, format)                             \
    do {                                               \
        va_list arguments;                             \
        va_start(arguments, format);                   \
        fill((text), sizeof(text), format, arguments); \
        va_end(arguments);                             \
    } while (0)

bool error_set(struct error *error, enum error_code code, const char *format, ...)
{
    if (!error)
        return false;
    FILL(error->message, format);
    error->code = code;
    error->retry = false;
    error->detail[0] = error->hint[0] = '\0';
    return false;
}

bool error_detail(struct error *error, const char *format, ...)
{
    if (error)
        FILL(error->detail, format);
    return false;
}

bool error_hint(struct error *error, const char *format, ...)
{
    if (error)
        FILL(error->hint, format);
    return false;
}

bool error_errno(struct error *error, enum error_code code, int errno_value, const char *format, ...)
{
    if (!error)
        return false;
    FILL(error->message, format);
    bool full = errno_value == ENOSPC || errno_value == EDQUOT;
    error->code = full ? ERROR_FULL : code;
    error->retry = false;
    error->hint[0] = '\0';
    const char *sentence = strerrordesc_np(errno_value);
    if (sentence)
        text_copy(error->detail, sizeof error->detail, sentence);
    else
        error_detail(error, "system error %d", errno_value);
    if (full)
        error_hint(error, "free some space and try again");
    return false;
}

bool error_context(struct error *error, const char *format, ...)
{
    if (!error)
        return false;
    struct str detail = STR_INIT;
    str_add(&detail, error->message);
    if (error->detail[0])
        str_addf(&detail, "%s%s", detail.length ? ": " : "", error->detail);
    FILL(error->message, format);
    text_copy(error->detail, sizeof error->detail, detail.data);
    str_release(&detail);
    return false;
}

void error_clear(struct error *error)
{
    if (!error)
        return;
    error->code = ERROR_NONE;
    error->retry = false;
    error->message[0] = error->detail[0] = error->hint[0] = '\0';
}

char *error_line(const struct error *error, char *buffer, size_t size)
{
    struct str line = STR_INIT;
    str_add(&line, error->message);
    if (error->detail[0])
        str_addf(&line, "%s%s", line.length ? ": " : "", error->detail);
    if (error->hint[0])
        str_addf(&line, "%s(%s)", line.length ? " " : "", error->hint);
    text_copy(buffer, size, line.data);
    str_release(&line);
    return buffer;
}

void bug_abort(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: this must never be: %s\n", file, line, condition);
    abort();
}
