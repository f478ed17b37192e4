/* SPDX-License-Identifier: ISC */
/* Links around a module, and a look at its files. */
#include "provider/terraform/layout.h"

#include "berth/base/file.h"
#include "berth/base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OVERRIDE "berth_override.tf.json"
#define SOURCE_LIMIT ((size_t)8 << 20)

/* Links to all that is in `from`, but what is named. */
static bool link_all(const char *from, const char *to, const char *but, struct error *error)
{
    struct folder_list list = {0};
    bool linked = folder_make(to, 0700, error) && folder_list(from, &list, error);
    for (size_t i = 0; linked && i < list.count; i++) {
        const char *name = list.names[i];
        if (text_equal(name, but) || text_equal(name, ".terraform") || text_equal(name, OVERRIDE))
            continue;
        char *target = path_join(from, name), *path = path_join(to, name);
        linked = symlink(target, path) == 0 || error_errno(error, ERROR_IO, errno, "cannot make the link %s", path);
        free(target);
        free(path);
    }
    folder_list_free(&list);
    return linked;
}

/* Level by level down to `dir`. */
static bool link_levels(const char *tree, const char *dir, const char *mirror, struct error *error)
{
    char *from = mem_strdup(tree), *to = mem_strdup(mirror);
    bool linked = true;
    const char *rest = dir;
    while (linked) {
        while (*rest == '/' || (rest[0] == '.' && (rest[1] == '/' || rest[1] == '\0')))
            rest++;
        size_t length = strcspn(rest, "/");
        char *next = mem_zero(length + 1, 1);
        memcpy(next, rest, length);
        linked = link_all(from, to, next, error);
        if (length == 0) {
            free(next);
            break;
        }
        char *below_from = path_join(from, next), *below_to = path_join(to, next);
        free(next);
        free(from);
        free(to);
        from = below_from;
        to = below_to;
        rest += length;
    }
    free(from);
    free(to);
    return linked;
}

bool layout_mirror(const char *tree, const char *dir, const char *mirror, struct error *error)
{
    char *own = path_printf("%s.%ld", mirror, (long)getpid());
    bool made = folder_remove(own, error) && link_levels(tree, dir, own, error);
    if (made && rename(own, mirror) != 0) { /* another step that reads an output of it may have been first */
        made = errno == ENOTEMPTY || errno == EEXIST ||
               error_errno(error, ERROR_IO, errno, "cannot make the folder %s", mirror);
        made = made && folder_remove(own, error);
    }
    free(own);
    return made;
}

static bool is_word(unsigned char byte)
{
    return isalnum(byte) || byte == '_' || byte == '-';
}

static bool has_word(const char *text, size_t length, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = text; (at = memmem(at, length - (size_t)(at - text), word, size)) != NULL; at += size)
        if ((at == text || !is_word((unsigned char)at[-1])) && !is_word((unsigned char)at[size]))
            return true;
    return false;
}

bool layout_may_have_backend(const char *folder, struct error *error, bool *may)
{
    struct folder_list list = {0};
    *may = false;
    bool looked = folder_list(folder, &list, error);
    for (size_t i = 0; looked && !*may && i < list.count; i++) {
        const char *name = list.names[i];
        struct str text = STR_INIT;
        if (!text_ends(name, ".tf") && !text_ends(name, ".tf.json") && !text_ends(name, ".tofu") &&
            !text_ends(name, ".tofu.json"))
            continue;
        char *path = path_join(folder, name);
        looked = file_read(path, SOURCE_LIMIT, &text, error);
        *may = looked && (has_word(text.data, text.length, "backend") || has_word(text.data, text.length, "cloud"));
        str_release(&text);
        free(path);
    }
    folder_list_free(&list);
    return looked;
}
