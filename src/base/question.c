/* SPDX-License-Identifier: ISC */
/* Text questions: equality, globs, numbers, the nearest word. */
#include "berth/base/memory.h"
#include "berth/base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DISTANCE_LIMIT 64
#define GLOB_ON_STACK 256

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

bool text_equal(const char *a, const char *b)
{
    return strcmp(or_empty(a), or_empty(b)) == 0;
}

bool text_empty(const char *text)
{
    return !text || !*text;
}

bool text_starts(const char *text, const char *prefix)
{
    return strncmp(or_empty(text), or_empty(prefix), strlen(or_empty(prefix))) == 0;
}

bool text_ends(const char *text, const char *suffix)
{
    size_t length = strlen(or_empty(text)), tail = strlen(or_empty(suffix));
    return tail <= length && memcmp(or_empty(text) + length - tail, or_empty(suffix), tail) == 0;
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

bool text_copy(char *buffer, size_t size, const char *text)
{
    BUG_ON(size == 0);
    text = or_empty(text);
    size_t length = strlen(text);
    bool whole = length < size;
    if (!whole) {
        length = size - 1;
        while (length > 0 && is_continuation(text[length]))
            length--;
    }
    memmove(buffer, text, length);
    buffer[length] = '\0';
    return whole;
}

bool text_to_int(const char *text, long long *value)
{
    text = or_empty(text);
    const char *digits = text + (*text == '-' || *text == '+');
    if (!*digits || digits[strspn(digits, "0123456789")])
        return false;
    errno = 0;
    long long number = strtoll(text, NULL, 10);
    if (errno)
        return false;
    *value = number;
    return true;
}

/* Tokens of a pattern are its bytes but for `**`, which is one; at[] would cost memory, so a star pair is marked where it stands. */
static size_t token_length(const char *pattern)
{
    return pattern[0] == '*' && pattern[1] == '*' ? 2 : 1;
}

/* What can be reached without taking a byte: a star may stand for nothing. */
static void glob_skip_stars(const char *pattern, size_t length, bool *reached)
{
    for (size_t i = 0; i < length;) {
        size_t token = token_length(pattern + i);
        if (reached[i] && pattern[i] == '*')
            reached[i + token] = true;
        i += token;
    }
}

/* One byte of text moves the set of reached places of the pattern on, from the back so that it can be done in place. */
static bool glob_step(const char *pattern, size_t length, bool *reached, bool *next, char byte)
{
    bool any = false;
    memset(next, 0, length + 1);
    for (size_t i = 0; i < length;) {
        size_t token = token_length(pattern + i), to = i + token;
        if (token == 2 || (pattern[i] == '*' && byte != '/'))
            next[i] |= reached[i];
        else if (pattern[i] == '?') {
            next[to] |= reached[i] && byte != '/' && !is_continuation(byte);
            next[to] |= reached[to] && is_continuation(byte); /* the rest of the one character */
        } else if (pattern[i] != '*' && pattern[i] == byte)
            next[to] |= reached[i];
        any |= next[i] || next[to];
        i = to;
    }
    return any;
}

bool text_glob(const char *pattern, const char *text)
{
    pattern = or_empty(pattern);
    text = or_empty(text);
    while (*pattern && *pattern != '*' && *pattern != '?') {
        if (*pattern++ != *text++)
            return false;
    }
    if (!*pattern)
        return !*text;
    size_t length = strlen(pattern);
    bool small[2][GLOB_ON_STACK] = {{false}};
    bool *large = length < GLOB_ON_STACK ? NULL : mem_zero(2 * (length + 1), sizeof(bool));
    bool *reached = large ? large : small[0], *next = large ? large + length + 1 : small[1];
    reached[0] = true;
    bool alive = true;
    for (; *text && alive; text++) {
        glob_skip_stars(pattern, length, reached);
        alive = glob_step(pattern, length, reached, next, *text);
        bool *swap = reached;
        reached = next;
        next = swap;
    }
    glob_skip_stars(pattern, length, reached);
    bool matches = alive && reached[length];
    free(large);
    return matches;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t text_distance(const char *a, const char *b)
{
    size_t a_length = strnlen(or_empty(a), DISTANCE_LIMIT), b_length = strnlen(or_empty(b), DISTANCE_LIMIT);
    size_t rows[3][DISTANCE_LIMIT + 1]; /* a turning window: two swapped letters count as one change */
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *above_that = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t changed = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(changed, 1 + least(above[j], row[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], above_that[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

const char *text_nearest(const char *word, const char *const *names, size_t count)
{
    size_t length = strlen(or_empty(word)), best = length / 3;
    if (best == 0 && length > 1)
        best = 1;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t distance = text_distance(word, names[i]);
        if (distance < best + !nearest) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
