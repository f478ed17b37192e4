/* SPDX-License-Identifier: ISC */
/*
 * Redaction: finds every form of every secret in a stream of bytes. All forms are looked for at once: the hash of the four bytes at each place is
 * looked up in a bitmap that fits a processor's first cache, and only where a form begins with them it is compared.
 */
#include "berth/provider.h"
#include "provider/redact_forms.h"

#include <stdlib.h>

#define SHORTEST 4
#define HASH_BITS 16
#define BUCKETS (1u << HASH_BITS)
#define NONE UINT32_MAX
#define MASK "***"

struct form {
    size_t offset, length; /* in `bytes` */
    uint32_t next;         /* of its bucket */
};
struct redactor {
    size_t values;
    struct str bytes;
    VEC(struct form) forms;
    uint32_t buckets[BUCKETS];
    unsigned char begins[BUCKETS / 8]; /* a bit for each bucket that holds a form */
};

static uint32_t hash_of(const char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return (word * UINT32_C(2654435761)) >> (32 - HASH_BITS);
}

struct redactor *redactor_new(void)
{
    struct redactor *redactor = mem_zero(1, sizeof *redactor);
    str_init(&redactor->bytes);
    for (size_t i = 0; i < BUCKETS; i++)
        redactor->buckets[i] = NONE;
    return redactor;
}

void redactor_free(struct redactor *redactor)
{
    if (!redactor)
        return;
    str_release(&redactor->bytes);
    vec_release(&redactor->forms);
    free(redactor);
}

static const char *text_of(const struct redactor *redactor, const struct form *form)
{
    return redactor->bytes.data + form->offset;
}

static void add_form(const char *bytes, size_t length, void *owner)
{
    struct redactor *redactor = owner;
    if (length < SHORTEST)
        return;
    uint32_t hash = hash_of(bytes);
    for (uint32_t at = redactor->buckets[hash]; at != NONE; at = redactor->forms.items[at].next) {
        const struct form *known = &redactor->forms.items[at];
        if (known->length == length && memcmp(text_of(redactor, known), bytes, length) == 0)
            return;
    }
    struct form form = {.offset = redactor->bytes.length, .length = length, .next = redactor->buckets[hash]};
    str_add_bytes(&redactor->bytes, bytes, length);
    redactor->buckets[hash] = (uint32_t)redactor->forms.count;
    redactor->begins[hash / 8] |= (unsigned char)(1u << hash % 8);
    vec_push(&redactor->forms, form);
}

void redactor_add(struct redactor *redactor, const char *value, size_t length)
{
    if (length < SHORTEST)
        return;
    redactor->values++;
    redact_forms(value, length, add_form, redactor);
}

size_t redactor_count(const struct redactor *redactor)
{
    return redactor->values;
}

struct match {
    size_t length; /* of the longest form that is there whole, 0: none */
    bool partial;  /* a form may begin here and go on behind the end */
};

static struct match look_in_bucket(const struct redactor *redactor, const char *bytes, size_t left)
{
    struct match match = {0};
    for (uint32_t at = redactor->buckets[hash_of(bytes)]; at != NONE; at = redactor->forms.items[at].next) {
        const struct form *form = &redactor->forms.items[at];
        if (form->length <= match.length)
            continue;
        size_t compared = form->length <= left ? form->length : left;
        if (memcmp(text_of(redactor, form), bytes, compared) != 0)
            continue;
        if (form->length <= left)
            match.length = form->length;
        else
            match.partial = true;
    }
    return match;
}

/* The last bytes of a read, too few for the hash. */
static struct match look_at_few(const struct redactor *redactor, const char *bytes, size_t left)
{
    struct match match = {0};
    for (size_t i = 0; i < redactor->forms.count && !match.partial; i++)
        match.partial = memcmp(text_of(redactor, &redactor->forms.items[i]), bytes, left) == 0;
    return match;
}

/* Skips what begins no form; the place of the next that may, or the first of the last three bytes. */
static size_t skip(const struct redactor *redactor, const char *bytes, size_t at, size_t count)
{
    for (; at + SHORTEST <= count; at++) {
        uint32_t hash = hash_of(bytes + at);
        if (redactor->begins[hash / 8] >> hash % 8 & 1)
            break;
    }
    return at;
}

enum ending { MORE_COMES, AT_THE_END };

/* Writes what is sure to `out`; returns how many bytes at the end are not, and how many of those are covered already. */
static size_t scan(const struct redactor *redactor, const char *bytes, size_t count, size_t *covered,
                   enum ending ending, struct str *out)
{
    size_t plain = *covered, masked_to = *covered, at = 0, hold = count;
    for (at = skip(redactor, bytes, 0, count); at < count; at = skip(redactor, bytes, at + 1, count)) {
        size_t left = count - at;
        struct match match = {0};
        if (left >= SHORTEST)
            match = look_in_bucket(redactor, bytes + at, left);
        else if (ending == MORE_COMES)
            match = look_at_few(redactor, bytes + at, left);
        if (match.length > 0 && at + match.length > masked_to) {
            if (at >= masked_to) {
                str_add_bytes(out, bytes + plain, at - plain);
                str_add(out, MASK);
            }
            plain = masked_to = at + match.length;
        }
        if (match.partial && ending == MORE_COMES) {
            hold = at;
            break;
        }
    }
    if (plain < hold)
        str_add_bytes(out, bytes + plain, hold - plain);
    *covered = masked_to > hold ? masked_to - hold : 0;
    return count - hold;
}

static void redact(const struct redactor *redactor, struct redact_stream *stream, const char *bytes, size_t count,
                   enum ending ending, struct str *out)
{
    if (!stream->held.data)
        str_init(&stream->held);
    if (stream->held.length == 0) {
        size_t kept = scan(redactor, bytes, count, &stream->covered, ending, out);
        str_add_bytes(&stream->held, bytes + count - kept, kept);
    } else {
        str_add_bytes(&stream->held, bytes, count);
        size_t kept = scan(redactor, stream->held.data, stream->held.length, &stream->covered, ending, out);
        str_consume(&stream->held, stream->held.length - kept);
    }
}

void redact_bytes(const struct redactor *redactor, struct redact_stream *stream, const char *bytes, size_t count,
                  struct str *out)
{
    redact(redactor, stream, bytes, count, MORE_COMES, out);
}

void redact_finish(const struct redactor *redactor, struct redact_stream *stream, struct str *out)
{
    redact(redactor, stream, "", 0, AT_THE_END, out);
    str_release(&stream->held);
    stream->covered = 0;
}

void redact_text(const struct redactor *redactor, const char *text, struct str *out)
{
    struct redact_stream stream = {.covered = 0};
    redact(redactor, &stream, text, strlen(text), AT_THE_END, out);
    str_release(&stream.held);
}
