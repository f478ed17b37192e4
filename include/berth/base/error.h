/* SPDX-License-Identifier: ISC */
/*
 * What could not be done, to what, why, and what to do next.
 *
 * A struct error is plain memory that the caller owns, usually on the stack; nothing in it is allocated, so it
 * needs no release. A function that can fail takes `struct error *error` last, returns false (or NULL), and has
 * filled it; on success it leaves it alone. `error` may be NULL where the caller does not care.
 *
 * Messages are lower case, without a full stop and without function names:
 *   message  what could not be done, to what          cannot open the store /home/a/.local/state/berth/…
 *   detail   why, the nearer cause                    database disk image is malformed
 *   hint     what to do next                          restore a copy, or move the folder away and start berth again
 *
 * One table (error_info) gives each code its name, exit status, HTTP status and sentence for the documentation.
 */
#ifndef BERTH_BASE_ERROR_H
#define BERTH_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__GNUC__)
#define BERTH_MUST_CHECK __attribute__((warn_unused_result))
#define BERTH_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#define BERTH_NORETURN __attribute__((noreturn))
#else
#define BERTH_MUST_CHECK
#define BERTH_PRINTF(format_at, first_at)
#define BERTH_NORETURN
#endif

enum error_code {
    ERROR_NONE,        /* no error */
    ERROR_USAGE,       /* a command line or an argument is wrong */
    ERROR_CONFIG,      /* berth.yaml, berthd.yaml or a template is wrong */
    ERROR_NOT_FOUND,   /* no such environment, branch, run, file … */
    ERROR_DENIED,      /* policy refused */
    ERROR_CONFLICT,    /* somebody else holds it, or it moved meanwhile */
    ERROR_WAITING,     /* it waits for an approval */
    ERROR_TIMEOUT,     /* it took longer than allowed */
    ERROR_CANCELLED,   /* a person or a shutdown ended it */
    ERROR_IO,          /* a file, pipe or socket */
    ERROR_FULL,        /* no space left */
    ERROR_STORE,       /* the store could not do it */
    ERROR_CORRUPT,     /* stored bytes are not what was written */
    ERROR_DAMAGED,     /* one stored row cannot be read, the rest can */
    ERROR_VERSION,     /* written by a newer berth, or needs another version */
    ERROR_UNREACHABLE, /* the other side did not answer */
    ERROR_PROVIDER,    /* the other side answered with a failure */
    ERROR_TOOL,        /* a tool ended with a failure */
    ERROR_INTERRUPTED, /* nobody knows whether it was done */
    ERROR_LIMIT,       /* larger, deeper or more than a named limit */
    ERROR_UNSUPPORTED, /* not possible here, or not built yet */
    ERROR_CODE_COUNT
};

struct error {
    enum error_code code;
    bool retry; /* the same call may succeed later */
    char message[512];
    char detail[1024];
    char hint[512];
};

struct error_info {
    const char *name; /* "not_found": in JSON, logs and the audit */
    int exit_status; /* of the command line, see EXAMPLE: 1 failed, 2 usage, 3 waiting, 4 refused, 5 conflict, 6 timeout */
    int http_status;
    const char *meaning;
};

/* The row of a code; never NULL, an unknown code gives ERROR_IO's row. */
const struct error_info *error_info(enum error_code code);
/* The code named `name`, or ERROR_NONE when there is none. */
enum error_code error_code_from_name(const char *name);

/* Sets code and message, clears detail, hint and retry. Returns false, so that `return error_set(…)` reads well.
 * Text that does not fit is cut at a character's border. `error` may be NULL. */
bool error_set(struct error *error, enum error_code code, const char *format, ...) BERTH_PRINTF(3, 4);
/* Sets the detail, the hint. Both return false. */
bool error_detail(struct error *error, const char *format, ...) BERTH_PRINTF(2, 3);
bool error_hint(struct error *error, const char *format, ...) BERTH_PRINTF(2, 3);
/* Sets code, message and, as detail, the sentence of `errno_value`; ENOSPC and EDQUOT turn the code into ERROR_FULL. */
bool error_errno(struct error *error, enum error_code code, int errno_value, const char *format, ...)
    BERTH_PRINTF(4, 5);
/* Puts what the outer function was doing before the message; the old message moves to the front of the detail. */
bool error_context(struct error *error, const char *format, ...) BERTH_PRINTF(2, 3);
/* Empties it (code ERROR_NONE). */
void error_clear(struct error *error);
/* "message: detail (hint)" in one line into `buffer`, always terminated. Returns `buffer`. */
char *error_line(const struct error *error, char *buffer, size_t size);

/* A broken invariant: prints file, line and condition to stderr and aborts. */
#define BUG_ON(condition)                              \
    do {                                               \
        if (condition)                                 \
            bug_abort(__FILE__, __LINE__, #condition); \
    } while (0)
void bug_abort(const char *file, int line, const char *condition) BERTH_NORETURN;

#endif
