/* SPDX-License-Identifier: ISC */
/* Encoding a secret in every way tools do. */
#include "provider/redact_forms.h"

#include "berth/base/memory.h"
#include "berth/base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define LINE_LEAST 8       /* shorter lines of a value are no secret of their own */
#define WRAPPED_LEAST 16   /* of a line of wrapped base64 */
#define ENCODED_MOST 65536 /* larger values are known as they are and by their lines alone */

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

typedef void adder(const char *form, size_t length, void *owner);

/* --- base64 -------------------------------------------------------------------------------------------------- */

/* The characters that the value alone decides when `before` (0 to 2) unknown bytes stand in front of it. */
static void base64_core(struct str *out, const char *alphabet, const char *value, size_t length, size_t before)
{
    size_t bits = (before + length) * 8, first = (before * 8 + 5) / 6, last = bits / 6;
    for (size_t at = first; at < last; at++) {
        unsigned six = 0;
        for (size_t bit = at * 6; bit < at * 6 + 6; bit++) {
            size_t byte = bit / 8 - before;
            six = six << 1 | (((unsigned char)value[byte] >> (7 - bit % 8)) & 1u);
        }
        str_add_char(out, alphabet[six]);
    }
}

static void add_wrapped(const struct str *core, size_t width, adder *add, void *owner)
{
    if (core->length <= width)
        return;
    for (size_t at = 0; at < core->length; at += width) {
        size_t count = core->length - at < width ? core->length - at : width;
        if (count >= WRAPPED_LEAST)
            add(core->data + at, count, owner);
    }
}

static void add_base64(const char *value, size_t length, adder *add, void *owner)
{
    const char *const alphabets[] = {standard, url_safe};
    struct str core = STR_INIT;
    for (size_t i = 0; i < 2; i++) {
        for (size_t before = 0; before < 3; before++) {
            str_clear(&core);
            base64_core(&core, alphabets[i], value, length, before);
            add(core.data, core.length, owner);
            if (before == 0) {
                add_wrapped(&core, 76, add, owner);
                add_wrapped(&core, 64, add, owner);
            }
        }
    }
    str_release(&core);
}

/* --- JSON ---------------------------------------------------------------------------------------------------- */

enum json_form { JSON_PLAIN, JSON_SLASHED, JSON_ASCII_LOWER, JSON_ASCII_UPPER, JSON_FORMS };

static void add_unit(struct str *out, unsigned unit, enum json_form form)
{
    str_addf(out, form == JSON_ASCII_UPPER ? "\\u%04X" : "\\u%04x", unit);
}

/* Decodes one character of UTF-8; a byte that begins none stands for itself. */
static uint32_t next_character(const unsigned char *bytes, size_t length, size_t *at)
{
    unsigned char lead = bytes[*at];
    size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    uint32_t code = more == 3 ? lead & 7u : more == 2 ? lead & 15u : more == 1 ? lead & 31u : lead;
    if (*at + more >= length)
        more = 0;
    for (size_t i = 1; i <= more; i++)
        code = code << 6 | (bytes[*at + i] & 63u);
    *at += more + 1;
    return code;
}

static void add_json_character(struct str *out, uint32_t code, const char *bytes, size_t count, enum json_form form)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = code > 0 && code < 128 ? strchr(plain, (int)code) : NULL;
    if (found) {
        str_add_char(out, '\\');
        str_add_char(out, letters[found - plain]);
    } else if (code == '/' && form == JSON_SLASHED) {
        str_add(out, "\\/");
    } else if (code < 32) {
        add_unit(out, code, form);
    } else if (code >= 128 && form >= JSON_ASCII_LOWER) {
        if (code >= 0x10000) {
            add_unit(out, 0xD800u + ((code - 0x10000) >> 10), form);
            code = 0xDC00u + ((code - 0x10000) & 0x3FFu);
        }
        add_unit(out, code, form);
    } else {
        str_add_bytes(out, bytes, count);
    }
}

static void add_json(const char *value, size_t length, adder *add, void *owner)
{
    struct str text = STR_INIT;
    for (int form = JSON_PLAIN; form < JSON_FORMS; form++) {
        str_clear(&text);
        for (size_t at = 0; at < length;) {
            size_t start = at;
            uint32_t code = next_character((const unsigned char *)value, length, &at);
            add_json_character(&text, code, value + start, at - start, (enum json_form)form);
        }
        add(text.data, text.length, owner);
    }
    str_release(&text);
}

/* --- URL ----------------------------------------------------------------------------------------------------- */

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c);
}

/* `kept`: what stays beside the unreserved; `plus`: a space becomes '+'. */
static void add_url(const char *value, size_t length, const char *kept, bool plus, adder *add, void *owner)
{
    struct str text = STR_INIT;
    for (size_t i = 0; i < 2; i++) {
        str_clear(&text);
        for (size_t at = 0; at < length; at++) {
            char c = value[at];
            if (plus && c == ' ')
                str_add_char(&text, '+');
            else if (c != '\0' && (is_unreserved(c) || strchr(kept, c)))
                str_add_char(&text, c);
            else if (i == 0)
                str_addf(&text, "%%%02X", (unsigned char)c);
            else
                str_addf(&text, "%%%02x", (unsigned char)c);
        }
        add(text.data, text.length, owner);
    }
    str_release(&text);
}

/* --- all ----------------------------------------------------------------------------------------------------- */

static void add_encoded(const char *value, size_t length, adder *add, void *owner)
{
    add(value, length, owner);
    if (length > ENCODED_MOST)
        return;
    add_json(value, length, add, owner);
    add_url(value, length, "", false, add, owner);
    add_url(value, length, "", true, add, owner);
    add_url(value, length, "/", false, add, owner);
    add_url(value, length, "!*'()", false, add, owner);
    add_base64(value, length, add, owner);
}

void redact_forms(const char *value, size_t length, adder *add, void *owner)
{
    size_t trimmed = length;
    while (trimmed > 0 && strchr(" \t\r\n", value[trimmed - 1]) && value[trimmed - 1])
        trimmed--;
    add_encoded(value, length, add, owner);
    if (trimmed < length)
        add_encoded(value, trimmed, add, owner);
    for (size_t at = 0; memchr(value, '\n', trimmed) && at < trimmed;) {
        const char *end = memchr(value + at, '\n', trimmed - at);
        size_t count = end ? (size_t)(end - value) - at : trimmed - at;
        size_t bare = count > 0 && value[at + count - 1] == '\r' ? count - 1 : count;
        if (bare >= LINE_LEAST)
            add(value + at, bare, owner);
        at += count + 1;
    }
}
