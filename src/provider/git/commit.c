/* SPDX-License-Identifier: ISC */
/* Reading commits. */
#include "provider/git/commit.h"

#include "berth/base/memory.h"
#include "berth/base/text.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>

#define MS 1000
#define ENCODING_LIMIT 64
#define SECONDS_LIMIT (INT64_MAX / MS)

struct span {
    const char *bytes;
    size_t count;
};

void commit_facts_init(struct commit_facts *facts)
{
    str_init(&facts->subject);
    str_init(&facts->author);
    str_init(&facts->author_email);
    str_init(&facts->committer_email);
    facts->committed_at = 0;
}

void commit_facts_release(struct commit_facts *facts)
{
    str_release(&facts->subject);
    str_release(&facts->author);
    str_release(&facts->author_email);
    str_release(&facts->committer_email);
}

/* --- text ---------------------------------------------------------------------------------------------------- */

static bool convert(struct str *out, const char *bytes, size_t count, const char *encoding)
{
    iconv_t converter = iconv_open("UTF-8", encoding);
    if (converter == (iconv_t)-1)
        return false;
    char *in = (char *)(uintptr_t)bytes;
    size_t left = count, before = out->length, room = count * 4 + 16;
    char *to = str_reserve(out, room), *start = to;
    bool converted = iconv(converter, &in, &left, &to, &room) != (size_t)-1 && left == 0;
    iconv_close(converter);
    if (converted)
        str_grew(out, (size_t)(to - start));
    if (!converted || !text_valid(out->data + before, out->length - before) ||
        memchr(out->data + before, '\0', out->length - before)) {
        str_cut(out, before);
        return false;
    }
    return true;
}

/* Keeps what is valid and makes the rest visible, byte by byte. */
static void add_repaired(struct str *out, const char *bytes, size_t count)
{
    for (size_t at = 0; at < count;) {
        size_t length = 1;
        while (length <= 4 && at + length <= count && !text_valid(bytes + at, length))
            length++;
        if (bytes[at] != '\0' && length <= 4 && at + length <= count) {
            str_add_bytes(out, bytes + at, length);
            at += length;
        } else {
            str_addf(out, "\\x%02X", (unsigned char)bytes[at]);
            at++;
        }
    }
}

void commit_text(struct str *out, const char *bytes, size_t count, const char *encoding)
{
    bool foreign = encoding && encoding[0] && strcasecmp(encoding, "utf-8") != 0 && strcasecmp(encoding, "utf8") != 0;
    if (foreign && convert(out, bytes, count, encoding))
        return;
    if (text_valid(bytes, count) && !memchr(bytes, '\0', count))
        str_add_bytes(out, bytes, count);
    else
        add_repaired(out, bytes, count);
}

static void set_text(struct str *out, struct span span, size_t limit, const char *encoding)
{
    str_clear(out);
    commit_text(out, span.bytes, span.count < limit ? span.count : limit, encoding);
}

/* --- the header ---------------------------------------------------------------------------------------------- */

static struct span trimmed(const char *start, const char *end)
{
    while (start < end && (*start == ' ' || *start == '\t'))
        start++;
    while (start < end && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return (struct span){start, (size_t)(end - start)};
}

/* "NAME <EMAIL> SECONDS ZONE" */
static void parse_person(struct span line, struct span *name, struct span *email, int64_t *seconds)
{
    const char *end = line.bytes + line.count;
    const char *open = memchr(line.bytes, '<', line.count);
    const char *close = open ? memchr(open, '>', (size_t)(end - open)) : NULL;
    *name = trimmed(line.bytes, open ? open : end);
    *email = close ? trimmed(open + 1, close) : (struct span){line.bytes, 0};
    *seconds = 0;
    const char *at = close ? close + 1 : end;
    while (at < end && *at == ' ')
        at++;
    for (; at < end && *at >= '0' && *at <= '9' && *seconds < SECONDS_LIMIT / 10; at++)
        *seconds = *seconds * 10 + (*at - '0');
}

/* The first paragraph, its lines joined by spaces, as git shows a subject. */
static void parse_subject(struct str *out, struct span body, const char *encoding)
{
    const char *at = body.bytes, *end = body.bytes + body.count;
    struct str joined = STR_INIT;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct span line = trimmed(at, stop ? stop : end);
        if (line.count > 0 && line.bytes[line.count - 1] == '\r')
            line = trimmed(line.bytes, line.bytes + line.count - 1);
        if (line.count == 0 && joined.length > 0)
            break;
        if (line.count > 0 && joined.length > 0)
            str_add_char(&joined, ' ');
        str_add_bytes(&joined, line.bytes, line.count);
        at = stop ? stop + 1 : end;
        if (joined.length > COMMIT_SUBJECT_LIMIT)
            break;
    }
    set_text(out, (struct span){joined.data, joined.length}, COMMIT_SUBJECT_LIMIT, encoding);
    str_release(&joined);
}

void commit_parse(struct commit_facts *facts, const char *bytes, size_t count)
{
    struct span name = {"", 0}, email = {"", 0}, committer = {"", 0}, ignored;
    char encoding[ENCODING_LIMIT] = "";
    const char *at = bytes, *end = bytes + count;
    int64_t seconds = 0, unused;
    while (at < end && *at != '\n') {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((stop ? stop : end) - at);
        if (length > 7 && memcmp(at, "author ", 7) == 0)
            parse_person((struct span){at + 7, length - 7}, &name, &email, &unused);
        else if (length > 10 && memcmp(at, "committer ", 10) == 0)
            parse_person((struct span){at + 10, length - 10}, &ignored, &committer, &seconds);
        else if (length > 9 && length - 9 < sizeof encoding && memcmp(at, "encoding ", 9) == 0)
            memcpy(encoding, at + 9, length - 9);
        at = stop ? stop + 1 : end;
    }
    at += at < end;
    facts->committed_at = seconds * MS;
    set_text(&facts->author, name, COMMIT_NAME_LIMIT, encoding);
    set_text(&facts->author_email, email, COMMIT_NAME_LIMIT, encoding);
    set_text(&facts->committer_email, committer, COMMIT_NAME_LIMIT, encoding);
    parse_subject(&facts->subject, (struct span){at, (size_t)(end - at)}, encoding);
}
