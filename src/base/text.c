/* SPDX-License-Identifier: ISC */
/* Makes text from outside harmless for a terminal: nothing that steers one, hides or reorders text gets through. */
#include "berth/base/text.h"

#include "base/unicode.h"

#include <utf8proc.h>

#define TAB_WIDTH 8
#define MARKS_LIMIT 8 /* combining marks on one base */

#define ZERO_WIDTH_JOINER 0x200d
#define KEYCAP 0x20e3

/* Characters whose category is harmless but which show nothing or choose a variant: they make equal-looking names. */
static bool is_invisible(int32_t c)
{
    return c == 0x034f || c == 0x115f || c == 0x1160 || c == 0x17b4 || c == 0x17b5 || (c >= 0x180b && c <= 0x180f) ||
           c == 0x2800 || c == 0x3164 || c == 0xffa0 || (c >= 0xfe00 && c <= 0xfe0d) || (c >= 0xe0000 && c <= 0xe0fff);
}

static bool is_variation(int32_t c)
{
    return c == 0xfe0e || c == 0xfe0f;
}

static bool is_skin_tone(int32_t c)
{
    return c >= 0x1f3fb && c <= 0x1f3ff;
}

static bool is_pictograph(int32_t c)
{
    return utf8proc_get_property(c)->boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

static bool is_mark(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC || category == UTF8PROC_CATEGORY_ME;
}

bool unicode_steers(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);
    return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP;
}

static bool is_harmful(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);
    return unicode_steers(c) || category == UTF8PROC_CATEGORY_CS || category == UTF8PROC_CATEGORY_CO ||
           category == UTF8PROC_CATEGORY_CN || is_invisible(c);
}

size_t unicode_decode(const char *bytes, size_t count, int32_t *c)
{
    utf8proc_int32_t decoded;
    utf8proc_ssize_t length = utf8proc_iterate((const utf8proc_uint8_t *)bytes, (utf8proc_ssize_t)count, &decoded);
    if (length <= 0)
        return 0;
    *c = decoded;
    return (size_t)length;
}

/* What has been put so far, as far as the next character's fate hangs on it. */
struct sight {
    int marks;       /* combining marks on the current base */
    bool base;       /* something is there for a mark to sit on */
    bool pictograph; /* the last base was an emoji; its tones and variation selectors may have followed */
    bool keycap;     /* the last character was one that a keycap encloses */
    int column;      /* since the line began, for tabs */
};

static void escape(struct str *out, struct sight *sight, int32_t c, bool whole_character)
{
    size_t before = out->length;
    if (c < 0x80 || !whole_character)
        str_addf(out, "\\x%02x", (unsigned)c);
    else
        str_addf(out, "\\u{%04x}", (unsigned)c);
    *sight = (struct sight){.base = true, .column = sight->column + (int)(out->length - before)};
}

/* The next character after `count` bytes were taken, or -1. */
static int32_t peek(const char *bytes, size_t count)
{
    int32_t c;
    return unicode_decode(bytes, count, &c) ? c : -1;
}

static bool may_pass(const struct sight *sight, int32_t c, int32_t next)
{
    if (c == ZERO_WIDTH_JOINER)
        return sight->pictograph && next >= 0 && is_pictograph(next);
    if (is_variation(c))
        return sight->pictograph || (sight->keycap && next == KEYCAP);
    if (is_harmful(c))
        return false;
    if (is_mark(c))
        return sight->base && sight->marks < MARKS_LIMIT;
    return true;
}

static void pass(struct str *out, struct sight *sight, const char *bytes, size_t length, int32_t c)
{
    str_add_bytes(out, bytes, length);
    bool keycap = (c >= '0' && c <= '9') || c == '#' || c == '*';
    if (is_variation(c)) {
        sight->marks++;
        sight->pictograph &= sight->marks < MARKS_LIMIT;
        sight->keycap = false;
        return;
    } else if (is_mark(c)) {
        sight->marks++;
    } else if (!(is_skin_tone(c) && sight->pictograph)) {
        *sight = (struct sight){.base = true, .pictograph = is_pictograph(c), .column = sight->column};
    }
    sight->keycap = keycap;
    sight->column += utf8proc_charwidth(c);
}

static bool keep_line(struct str *out, struct sight *sight, int32_t c)
{
    if (c == '\n') {
        str_add_char(out, '\n');
        *sight = (struct sight){0};
        return true;
    }
    if (c != '\t')
        return false;
    int spaces = TAB_WIDTH - sight->column % TAB_WIDTH;
    str_add_fill(out, ' ', (size_t)spaces);
    *sight = (struct sight){.base = true, .column = sight->column + spaces};
    return true;
}

void text_visible(struct str *out, const char *bytes, size_t count, enum text_form form)
{
    struct sight sight = {0};
    for (size_t at = 0; at < count;) {
        size_t plain = at; /* the common case at once */
        while (plain < count && bytes[plain] >= 0x20 && bytes[plain] < 0x7f)
            plain++;
        if (plain > at + 1) {
            str_add_bytes(out, bytes + at, plain - at - 1);
            sight = (struct sight){.base = true, .column = sight.column + (int)(plain - at - 1)};
            at = plain - 1;
        }
        int32_t c;
        size_t length = unicode_decode(bytes + at, count - at, &c);
        if (!length) {
            escape(out, &sight, (unsigned char)bytes[at], false);
            length = 1;
        } else if (!(form == TEXT_LINES && keep_line(out, &sight, c))) {
            if (may_pass(&sight, c, peek(bytes + at + length, count - at - length)))
                pass(out, &sight, bytes + at, length, c);
            else
                escape(out, &sight, c, true);
        }
        at += length;
    }
}

bool text_valid(const char *bytes, size_t count)
{
    int32_t c;
    for (size_t at = 0, length; at < count; at += length) {
        length = unicode_decode(bytes + at, count - at, &c);
        if (!length)
            return false;
    }
    return true;
}
