/* SPDX-License-Identifier: ISC */
/* Links around a module. */
#include "provider/terraform/layout.h"

#include "berth/base/file.h"
#include "berth/base/hash.h"
#include "berth/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OVERRIDE "berth_override.tf.json"

/* A symbolic link; another name of one that an earlier mirror made, where there is one: making files costs far more than naming them. */
static bool link_to(const char *target, const char *path, const char *pool, struct error *error)
{
    char hex[HASH_HEX_SIZE];
    hash_sha256(target, strlen(target), hex);
    char *pooled = path_join(pool, hex);
    bool linked = linkat(AT_FDCWD, pooled, AT_FDCWD, path, 0) == 0;
    if (!linked) {
        bool first = errno == ENOENT;
        linked = symlink(target, path) == 0 || error_errno(error, ERROR_IO, errno, "cannot make the link %s", path);
        if (linked && first)
            (void)!linkat(AT_FDCWD, path, AT_FDCWD, pooled, 0); /* else the next makes its own too */
    }
    free(pooled);
    return linked;
}

/* Links to all that is in `from`, but what is named. */
static bool link_all(const char *from, const char *to, const char *but, const char *pool, struct error *error)
{
    struct folder_list list = {0};
    bool linked = folder_make(to, 0700, error) && folder_list(from, &list, error);
    for (size_t i = 0; linked && i < list.count; i++) {
        const char *name = list.names[i];
        if (text_equal(name, but) || text_equal(name, ".terraform") || text_equal(name, OVERRIDE))
            continue;
        char *target = path_join(from, name), *path = path_join(to, name);
        linked = link_to(target, path, pool, error);
        free(target);
        free(path);
    }
    folder_list_free(&list);
    return linked;
}

/* Level by level down to `dir`. */
static bool link_levels(const char *tree, const char *dir, const char *mirror, const char *pool, struct error *error)
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
        linked = link_all(from, to, next, pool, error);
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

bool layout_mirror(const char *tree, const char *dir, const char *mirror, const char *pool, struct error *error)
{
    char *own = path_printf("%s.%ld", mirror, (long)getpid());
    bool made = folder_remove(own, error) && folder_make(pool, 0700, error) && link_levels(tree, dir, own, pool, error);
    if (made && rename(own, mirror) != 0) { /* another step that reads an output of it may have been first */
        made = errno == ENOTEMPTY || errno == EEXIST ||
               error_errno(error, ERROR_IO, errno, "cannot make the folder %s", mirror);
        made = made && folder_remove(own, error);
    }
    free(own);
    return made;
}
