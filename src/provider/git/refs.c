/* SPDX-License-Identifier: ISC */
/* Reading packed-refs and the files below refs/heads. */
#include "provider/git/refs.h"

#include "berth/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX 40
#define HEADS "refs/heads/"
#define PACKED_LIMIT ((size_t)512 << 20)
#define REF_LIMIT 4096 /* bytes of a loose ref */
#define DEPTH_LIMIT 64
#define SYMBOLIC_LIMIT 5

void refs_release(struct refs *refs)
{
    str_release(&refs->packed);
    arena_release(&refs->arena);
    vec_release(&refs->loose);
}

/* Without a branch for each digit: a listing asks it a hundred thousand times. */
static bool is_hex(const char *text)
{
    unsigned bad = 0;
    for (int i = 0; i < HEX; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0', letter = (unsigned)(unsigned char)text[i] - 'a';
        bad |= (unsigned)(digit > 9) & (unsigned)(letter > 5);
    }
    return !bad;
}

/* --- loose --------------------------------------------------------------------------------------------------- */

enum loose { LOOSE_READ, LOOSE_GONE, LOOSE_BROKEN };

static enum loose read_loose(int folder, const char *name, char text[REF_LIMIT])
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? LOOSE_GONE : LOOSE_BROKEN;
    ssize_t got = read(fd, text, REF_LIMIT - 1);
    close(fd);
    if (got < 0)
        return LOOSE_BROKEN;
    text[got] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    return LOOSE_READ;
}

struct walk {
    struct refs *refs;
    const char *common_folder;
};

static bool walk_folder(struct walk *walk, const char *prefix, int depth, struct error *error);

static bool walk_entry(struct walk *walk, int folder, const struct dirent *entry, const char *prefix, int depth,
                       struct error *error)
{
    char text[REF_LIMIT];
    const char *name = arena_printf(&walk->refs->arena, "%s%s", prefix, entry->d_name);
    unsigned char type = entry->d_type;
    struct stat status;
    if (text_ends(entry->d_name, ".lock"))
        return true;
    if (type == DT_UNKNOWN && fstatat(folder, entry->d_name, &status, 0) == 0)
        type = S_ISDIR(status.st_mode) ? DT_DIR : DT_REG;
    if (type == DT_DIR)
        return walk_folder(walk, arena_printf(&walk->refs->arena, "%s/", name), depth + 1, error);
    enum loose found = read_loose(folder, entry->d_name, text);
    if (found == LOOSE_GONE)
        return true;
    struct ref ref = {.name = name}; /* a broken one is kept too: it hides the packed one of its name */
    if (found == LOOSE_READ && text_starts(text, "ref: "))
        ref.target = arena_strdup(&walk->refs->arena, text + 5);
    else if (found == LOOSE_READ && strlen(text) == HEX && is_hex(text))
        memcpy(ref.commit, text, HEX_SIZE);
    else
        walk->refs->broken++;
    vec_push(&walk->refs->loose, ref);
    return true;
}

static bool walk_folder(struct walk *walk, const char *prefix, int depth, struct error *error)
{
    char *path = path_printf("%s/" HEADS "%s", walk->common_folder, prefix);
    DIR *folder = opendir(path);
    int opened_errno = errno;
    bool walked = true;
    if (!folder && opened_errno != ENOENT)
        walked = error_errno(error, ERROR_IO, opened_errno, "cannot read the branches in %s", path);
    else if (depth > DEPTH_LIMIT)
        walked = error_set(error, ERROR_LIMIT, "branches deeper than %d folders in %s", DEPTH_LIMIT, path);
    free(path);
    for (struct dirent *entry; walked && folder && (entry = readdir(folder));)
        if (!text_equal(entry->d_name, ".") && !text_equal(entry->d_name, ".."))
            walked = walk_entry(walk, dirfd(folder), entry, prefix, depth, error);
    if (folder)
        closedir(folder);
    return walked;
}

/* --- packed -------------------------------------------------------------------------------------------------- */

struct line {
    const char *commit, *name; /* NULL commit: a comment or a peeled tag */
    size_t name_length, taken;
};

static struct line next_line(const char *text, size_t left)
{
    const char *end = memchr(text, '\n', left);
    size_t length = end ? (size_t)(end - text) : left;
    struct line line = {.taken = length + (end ? 1 : 0)};
    if (length > HEX + 1 && text[HEX] == ' ' && is_hex(text) && memchr(text, '\0', length) == NULL) {
        line.commit = text;
        line.name = text + HEX + 1;
        line.name_length = length - HEX - 1;
    }
    return line;
}

static bool read_packed(struct refs *refs, const char *common_folder, struct error *error)
{
    struct error problem = {0};
    char *path = path_join(common_folder, "packed-refs");
    bool read = file_read(path, PACKED_LIMIT, &refs->packed, &problem) || problem.code == ERROR_NOT_FOUND;
    free(path);
    if (!read && error)
        *error = problem;
    return read;
}

static const char *find_packed(const struct refs *refs, const char *name)
{
    size_t length = strlen(name);
    struct line line;
    for (size_t at = 0; at < refs->packed.length; at += line.taken) {
        line = next_line(refs->packed.data + at, refs->packed.length - at);
        if (line.commit && line.name_length == length && memcmp(line.name, name, length) == 0)
            return line.commit;
    }
    return NULL;
}

static const struct ref *find_loose(const struct refs *refs, const char *name)
{
    for (size_t i = 0; i < refs->loose.count; i++)
        if (text_equal(refs->loose.items[i].name, name))
            return &refs->loose.items[i];
    return NULL;
}

/* One that points at no branch that is there has no commit and is no branch itself. */
static void resolve_symbolic(const struct refs *refs, struct ref *ref)
{
    const char *target = ref->target;
    for (int i = 0; i < SYMBOLIC_LIMIT && target; i++) {
        const struct ref *loose = text_starts(target, HEADS) ? find_loose(refs, target + sizeof HEADS - 1) : NULL;
        const char *commit = loose ? loose->commit : find_packed(refs, target);
        target = loose ? loose->target : NULL;
        if (commit && commit[0])
            memcpy(ref->commit, commit, HEX);
    }
}

bool refs_read(struct refs *refs, const char *common_folder, struct error *error)
{
    struct walk walk = {.refs = refs, .common_folder = common_folder};
    *refs = (struct refs){.packed = STR_INIT};
    if (!walk_folder(&walk, "", 0, error) || !read_packed(refs, common_folder, error))
        return false;
    for (size_t i = 0; i < refs->loose.count; i++)
        if (refs->loose.items[i].target)
            resolve_symbolic(refs, &refs->loose.items[i]);
    return true;
}

bool refs_each(struct refs *refs, bool (*visit)(const struct ref *ref, void *owner), void *owner)
{
    struct map loose = {0};
    struct line line;
    bool go_on = true;
    for (size_t i = 0; go_on && i < refs->loose.count; i++) {
        const struct ref *ref = &refs->loose.items[i];
        map_set(&loose, ref->name, refs);
        go_on = ref->commit[0] == '\0' || visit(ref, owner);
    }
    for (size_t at = 0; go_on && at < refs->packed.length; at += line.taken) {
        line = next_line(refs->packed.data + at, refs->packed.length - at);
        size_t prefix = sizeof HEADS - 1;
        if (!line.commit || line.name_length <= prefix || memcmp(line.name, HEADS, prefix) != 0)
            continue;
        struct ref ref = {.name = line.name + prefix};
        memcpy(ref.commit, line.commit, HEX);
        refs->packed.data[(size_t)(line.name - refs->packed.data) + line.name_length] = '\0';
        if (loose.count == 0 || !map_get(&loose, ref.name))
            go_on = visit(&ref, owner);
    }
    map_release(&loose);
    return go_on;
}
