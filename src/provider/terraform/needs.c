/* SPDX-License-Identifier: ISC */
/* Reading what a module needs. The header of a block begins a line and ends on it, so lines are looked at; a file where that is not enough counts as it is. */
#include "provider/terraform/needs.h"

#include "berth/base/file.h"
#include "berth/base/hash.h"

#include <ctype.h>
#include <stdlib.h>

#define SOURCE_LIMIT ((size_t)8 << 20)
#define LABEL_LIMIT 128

void needs_release(struct needs *needs)
{
    for (size_t i = 0; i < needs->lines.count; i++)
        free(needs->lines.items[i]);
    vec_release(&needs->lines);
}

void needs_add(struct needs *needs, const char *kind, const char *name)
{
    char *line = path_printf("%s %s", kind, name);
    vec_push(&needs->lines, line);
}

static bool is_word(unsigned char byte)
{
    return isalnum(byte) || byte == '_' || byte == '-' || byte >= 0x80;
}

/* What follows a dot is a part of something and begins nothing: path.module. */
static bool has_word(const char *text, size_t length, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = text; (at = memmem(at, length - (size_t)(at - text), word, size)) != NULL; at += size)
        if ((at == text || (!is_word((unsigned char)at[-1]) && at[-1] != '.')) &&
            (at + size == text + length || !is_word((unsigned char)at[size])))
            return true;
    return false;
}

/* Their labels are names that the module gives, or nothing that init looks at. */
static bool is_harmless(const char *block)
{
    static const char *const harmless[] = {"variable", "output", "provisioner", "dynamic", "check"};
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (text_equal(block, harmless[i]))
            return true;
    return false;
}

/* From `at`, a word or what is in quotes; how many bytes that was, 0: neither, or too long. */
static size_t take_label(const char *at, const char *end, char label[LABEL_LIMIT])
{
    bool quoted = at < end && *at == '"';
    const char *from = at + quoted, *to = from;
    while (to < end && (quoted ? *to != '"' : is_word((unsigned char)*to)))
        to++;
    if (to == from || (quoted && to == end) || to - from >= LABEL_LIMIT)
        return 0;
    memcpy(label, from, (size_t)(to - from));
    label[to - from] = '\0';
    return (size_t)(to - at) + quoted;
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

/* The header of a block with a label: resource "aws_instance" "web" {. Its plugin is named by what stands before the first underscore. */
static void look_at_line(struct needs *needs, const char *at, const char *end)
{
    char block[LABEL_LIMIT], label[LABEL_LIMIT];
    at = skip_space(at, end);
    size_t size = at < end && is_word((unsigned char)*at) ? take_label(at, end, block) : 0;
    if (size == 0 || !memchr(at, '{', (size_t)(end - at)) || is_harmless(block))
        return;
    if (take_label(skip_space(at + size, end), end, label) == 0)
        return;
    label[strcspn(label, "_")] = '\0';
    needs_add(needs, block, label);
}

static void take_whole(struct needs *needs, const char *text, size_t length)
{
    char hex[HASH_HEX_SIZE];
    hash_sha256(text, length, hex);
    needs_add(needs, "file", hex);
}

void needs_of_text(struct needs *needs, const char *text, size_t length, enum needs_language language)
{
    if (has_word(text, length, "backend") || has_word(text, length, "cloud"))
        needs->flags |= NEEDS_BACKEND;
    if (has_word(text, length, "module"))
        needs->flags |= NEEDS_MODULES;
    if (language == NEEDS_JSON || memmem(text, length, "/*", 2) || has_word(text, length, "provider") ||
        has_word(text, length, "required_providers")) {
        take_whole(needs, text, length);
        return;
    }
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a mark of the byte order */
        text += 3;
        length -= 3;
    }
    for (const char *at = text, *end = text + length; at < end;) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        look_at_line(needs, at, line ? line : end);
        at = line ? line + 1 : end;
    }
}

bool needs_of_folder(struct needs *needs, const char *folder, struct error *error)
{
    struct folder_list list = {0};
    bool looked = folder_list(folder, &list, error);
    for (size_t i = 0; looked && i < list.count; i++) {
        const char *name = list.names[i];
        struct str text = STR_INIT;
        bool json = text_ends(name, ".tf.json") || text_ends(name, ".tofu.json");
        if (!json && !text_ends(name, ".tf") && !text_ends(name, ".tofu"))
            continue;
        char *path = path_join(folder, name);
        looked = file_read(path, SOURCE_LIMIT, &text, error);
        if (looked)
            needs_of_text(needs, text.data, text.length, json ? NEEDS_JSON : NEEDS_NATIVE);
        str_release(&text);
        free(path);
    }
    folder_list_free(&list);
    return looked;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void needs_text(struct needs *needs, struct str *out)
{
    if (needs->lines.count > 1)
        qsort(needs->lines.items, needs->lines.count, sizeof *needs->lines.items, by_text);
    for (size_t i = 0; i < needs->lines.count; i++)
        if (i == 0 || !text_equal(needs->lines.items[i], needs->lines.items[i - 1]))
            str_addf(out, "%s\n", needs->lines.items[i]);
}
