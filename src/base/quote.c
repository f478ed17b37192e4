/* SPDX-License-Identifier: ISC */
/* Text for other readers: a shell line to look at, JSON, slugs. */
#include "berth/base/text.h"

#include "base/unicode.h"
#include "berth/base/hash.h"
#include "berth/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define SLUG_LEAST 12
#define SLUG_HASH_DIGITS 6
#define SLUG_TAIL (SLUG_HASH_DIGITS + 1) /* with its '-' */

void text_shell_quote(struct str *out, const char *argument)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    if (*argument && !argument[strspn(argument, plain)]) {
        str_add(out, argument);
        return;
    }
    str_add_char(out, '\'');
    for (; *argument; argument++) {
        if (*argument == '\'')
            str_add(out, "'\\''");
        else
            str_add_char(out, *argument);
    }
    str_add_char(out, '\'');
}

/* As \uNNNN, two of them beyond the first plane. */
static void json_escape(struct str *out, int32_t c)
{
    static const char letters[] = "\bb\tt\nn\ff\rr";
    for (const char *pair = letters; *pair; pair += 2) {
        if (*pair == c) {
            str_addf(out, "\\%c", pair[1]);
            return;
        }
    }
    unsigned code = (unsigned)c;
    if (code >= 0x10000) {
        str_addf(out, "\\u%04x", 0xd800 + ((code - 0x10000) >> 10));
        code = 0xdc00 + (code & 0x3ff);
    }
    str_addf(out, "\\u%04x", code);
}

void text_json_quote(struct str *out, const char *text, size_t length)
{
    str_add_char(out, '"');
    for (size_t at = 0, bytes; at < length; at += bytes) {
        int32_t c;
        bytes = unicode_decode(text + at, length - at, &c);
        if (!bytes) {
            str_add(out, "\\ufffd");
            bytes = 1;
        } else if (c == '"' || c == '\\') {
            str_addf(out, "\\%c", c);
        } else if (unicode_steers(c)) {
            json_escape(out, c);
        } else {
            str_add_bytes(out, text + at, bytes);
        }
    }
    str_add_char(out, '"');
}

static bool is_slug_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* The text in small letters without accents, where it is valid; else as it is. The caller frees. */
static char *fold(const char *text)
{
    utf8proc_uint8_t *folded = NULL;
    utf8proc_ssize_t length =
        utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)strlen(text), &folded,
                     UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_STRIPMARK | UTF8PROC_CASEFOLD);
    char *copy = mem_strdup(length >= 0 ? (char *)folded : text);
    free(folded);
    return copy;
}

/* An input that looks as if it ended in a hash would meet the slug of another: it counts as changed. */
static bool looks_hashed(const char *text)
{
    size_t length = strlen(text);
    return length > SLUG_TAIL && text[length - SLUG_TAIL] == '-' &&
           strspn(text + length - SLUG_HASH_DIGITS, "0123456789abcdef") == SLUG_HASH_DIGITS;
}

/* Letters and digits, all else one '-' between them; begins with a letter. */
static void add_readable(struct str *slug, const char *text)
{
    for (; *text; text++) {
        if (is_slug_letter(*text)) {
            if (!slug->length && *text <= '9')
                str_add_char(slug, 'x');
            str_add_char(slug, *text);
        } else if (slug->length && slug->data[slug->length - 1] != '-') {
            str_add_char(slug, '-');
        }
    }
}

static void trim(struct str *slug, size_t length)
{
    if (slug->length > length)
        str_cut(slug, length);
    while (slug->length && slug->data[slug->length - 1] == '-')
        str_cut(slug, slug->length - 1);
}

void text_slug(struct str *out, const char *text, size_t max)
{
    BUG_ON(max < SLUG_LEAST);
    struct str slug = STR_INIT;
    char *folded = fold(text);
    add_readable(&slug, folded);
    trim(&slug, max);
    if (strcmp(slug.data, text) != 0 || !slug.length || looks_hashed(text)) {
        char hex[HASH_HEX_SIZE];
        hash_sha256(text, strlen(text), hex);
        trim(&slug, max - SLUG_TAIL);
        if (!slug.length)
            str_add_char(&slug, 'x');
        str_addf(&slug, "-%.*s", SLUG_HASH_DIGITS, hex);
    }
    str_add_bytes(out, slug.data, slug.length);
    str_release(&slug);
    free(folded);
}
