/* SPDX-License-Identifier: ISC */
/*
 * A growing byte string. `data` is always terminated with NUL (which `length` does not count), never NULL after
 * str_init or STR_INIT, and may hold any bytes. Owner: whoever declared it; str_release frees.
 */
#ifndef BERTH_BASE_STR_H
#define BERTH_BASE_STR_H

#include "berth/base/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct str {
    char *data;
    size_t length;
    size_t room; /* 0 while `data` is the shared empty string */
};

extern char str_empty[1]; /* always "", never written */
#define STR_INIT        \
    {                   \
        str_empty, 0, 0 \
    }

void str_init(struct str *str);
void str_release(struct str *str);
/* Length 0, memory kept. */
void str_clear(struct str *str);
/* Cuts to `length` bytes; longer than it is: a bug. */
void str_cut(struct str *str, size_t length);
void str_add(struct str *str, const char *text);
void str_add_bytes(struct str *str, const void *bytes, size_t count);
void str_add_char(struct str *str, char byte);
void str_add_fill(struct str *str, char byte, size_t count);
void str_addf(struct str *str, const char *format, ...) BERTH_PRINTF(2, 3);
void str_addv(struct str *str, const char *format, va_list arguments) BERTH_PRINTF(2, 0);
/* Takes `count` bytes out at the front. */
void str_consume(struct str *str, size_t count);
/* The buffer, now the caller's to free (never NULL); `str` is empty again. */
char *str_take(struct str *str) BERTH_MUST_CHECK;
/* Room for `count` more bytes at the end; returns where to write, then str_grew says how many were written. */
char *str_reserve(struct str *str, size_t count) BERTH_MUST_CHECK;
void str_grew(struct str *str, size_t count);

/* Text questions used everywhere; `text` NULL counts as "". */
bool text_equal(const char *a, const char *b);
bool text_empty(const char *text);
bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);
/* Copies into a buffer of `size`, cut at a character's border, always terminated. False when it was cut. */
bool text_copy(char *buffer, size_t size, const char *text);
/* A whole decimal number with optional sign and nothing else; false when it is not or does not fit. */
bool text_to_int(const char *text, long long *value) BERTH_MUST_CHECK;
/* Glob of branch patterns: `*` any but '/', `**` any, `?` one but '/', all else itself. Linear-time, no recursion on input. */
bool text_glob(const char *pattern, const char *text);
/* Edit distance for "did you mean"; at most 64 bytes of each are looked at. */
size_t text_distance(const char *a, const char *b);
/* The nearest of `count` names (within a third of its length), or NULL. */
const char *text_nearest(const char *word, const char *const *names, size_t count);

#endif
