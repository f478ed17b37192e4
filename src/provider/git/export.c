/* SPDX-License-Identifier: ISC */
/*
 * Exporting a tree. Its names come from outside: each is created relative to the descriptor of its real folder, never through a path that a link
 * could bend, and what could leave the folder, or hide git's own, is refused.
 */
#include "provider/git/export.h"

#include "berth/base/file.h"
#include "berth/base/hash.h"
#include "berth/base/log.h"
#include "berth/base/text.h"
#include "provider/git/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_LIMIT 256
#define STOP_EVERY 256

struct export
{
    const struct provider_context *context;
    git_repository *mirror;
    git_odb *objects;
    const char *commit;
    size_t files;
    struct str path; /* of the entry at work, for messages */
};

bool export_link_stays(const char *target, size_t length, int depth)
{
    bool at_front = true;
    if (length == 0 || length >= PATH_MAX || target[0] == '/' || memchr(target, '\0', length))
        return false;
    for (size_t at = 0; at < length;) {
        const char *slash = memchr(target + at, '/', length - at);
        size_t count = slash ? (size_t)(slash - target) - at : length - at;
        bool up = count == 2 && target[at] == '.' && target[at + 1] == '.';
        if (up && (!at_front || --depth < 0))
            return false;
        at_front = at_front && (up || count == 0 || (count == 1 && target[at] == '.'));
        at += count + 1;
    }
    return true;
}

static bool refuse(const struct export *export, const char *why, struct error *error)
{
    struct str shown = STR_INIT;
    text_visible(&shown, export->path.data, export->path.length, TEXT_ONE_LINE);
    error_set(error, ERROR_DENIED, "commit %.12s cannot be laid out: '%s' %s", export->commit, shown.data, why);
    str_release(&shown);
    return error_hint(error, "take it out of the repository");
}

static bool name_is_good(const char *name)
{
    return name[0] != '\0' && !strchr(name, '/') && !text_equal(name, ".") && !text_equal(name, "..") &&
           strcasecmp(name, ".git") != 0;
}

static bool stopped(struct export *export, struct error *error)
{
    if (export->files++ % STOP_EVERY != 0)
        return false;
    if (provider_stopped(export->context)) {
        error_set(error, ERROR_CANCELLED, "laying out commit %.12s was cancelled", export->commit);
        return true;
    }
    if (provider_left_ms(export->context) == 0) {
        error_set(error, ERROR_TIMEOUT, "laying out commit %.12s took too long", export->commit);
        error_hint(error, "it is tried again; `timeout` says how long it may take");
        return true;
    }
    return false;
}

static bool failed(const struct export *export, int errno_value, struct error *error)
{
    return error_errno(error, ERROR_IO, errno_value, "cannot write '%s' of commit %.12s", export->path.data,
                       export->commit);
}

static bool write_file(struct export *export, int folder, const char *name, mode_t mode, git_odb_object *object,
                       struct error *error)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return errno == EEXIST ? refuse(export, "is there twice", error) : failed(export, errno, error);
    bool written = fchmod(fd, mode) == 0 || failed(export, errno, error);
    written = written && file_write_all(fd, git_odb_object_data(object), git_odb_object_size(object), error);
    return close(fd) == 0 ? written : written && failed(export, errno, error);
}

static bool write_link(struct export *export, int folder, const char *name, int depth, git_odb_object *object,
                       struct error *error)
{
    const char *target = git_odb_object_data(object);
    size_t length = git_odb_object_size(object);
    if (!export_link_stays(target, length, depth))
        return refuse(export, "is a link that leads out of the repository", error);
    char *text = mem_zero(length + 1, 1);
    memcpy(text, target, length);
    bool made = symlinkat(text, folder, name) == 0;
    int made_errno = errno;
    free(text);
    return made || (made_errno == EEXIST ? refuse(export, "is there twice", error) : failed(export, made_errno, error));
}

static bool write_blob(struct export *export, int folder, const git_tree_entry *entry, int depth, struct error *error)
{
    git_odb_object *object = NULL;
    const char *name = git_tree_entry_name(entry);
    git_filemode_t mode = git_tree_entry_filemode(entry);
    if (git_odb_read(&object, export->objects, git_tree_entry_id(entry)) != 0)
        return git_failed(error, ERROR_CORRUPT, "cannot read '%s' of commit %.12s", export->path.data, export->commit);
    bool written =
        mode == GIT_FILEMODE_LINK
            ? write_link(export, folder, name, depth, object, error)
            : write_file(export, folder, name, mode == GIT_FILEMODE_BLOB_EXECUTABLE ? 0755 : 0644, object, error);
    git_odb_object_free(object);
    return written;
}

static int make_folder(struct export *export, int folder, const char *name, struct error *error)
{
    if (mkdirat(folder, name, 0755) != 0) {
        (void)(errno == EEXIST ? refuse(export, "is there twice", error) : failed(export, errno, error));
        return -1;
    }
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        failed(export, errno, error);
    return fd;
}

static bool write_tree(struct export *export, int folder, const git_oid *id, int depth, struct error *error);

static bool write_entry(struct export *export, int folder, const git_tree_entry *entry, int depth, struct error *error)
{
    const char *name = git_tree_entry_name(entry);
    git_object_t type = git_tree_entry_type(entry);
    if (stopped(export, error))
        return false;
    if (!name_is_good(name))
        return refuse(export, "has a name that is not allowed", error);
    if (type == GIT_OBJECT_BLOB)
        return write_blob(export, folder, entry, depth, error);
    int below = make_folder(export, folder, name, error); /* a submodule's commit leaves it empty, as git does */
    if (below < 0)
        return false;
    bool written = type != GIT_OBJECT_TREE || write_tree(export, below, git_tree_entry_id(entry), depth + 1, error);
    close(below);
    return written;
}

static bool write_tree(struct export *export, int folder, const git_oid *id, int depth, struct error *error)
{
    git_tree *tree = NULL;
    size_t length = export->path.length;
    if (depth > DEPTH_LIMIT)
        return error_set(error, ERROR_LIMIT, "folders deeper than %d in commit %.12s", DEPTH_LIMIT, export->commit);
    if (git_tree_lookup(&tree, export->mirror, id) != 0)
        return git_failed(error, ERROR_CORRUPT, "cannot read a folder of commit %.12s", export->commit);
    bool written = true;
    for (size_t i = 0; written && i < git_tree_entrycount(tree); i++) {
        const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
        str_addf(&export->path, "%s%s", length > 0 ? "/" : "", git_tree_entry_name(entry));
        written = write_entry(export, folder, entry, depth, error);
        str_cut(&export->path, length);
    }
    git_tree_free(tree);
    return written;
}

static bool write_into(struct export *export, const char *folder, struct error *error)
{
    git_oid id;
    git_commit *commit = NULL;
    if (git_oid_fromstr(&id, export->commit) != 0 || git_commit_lookup(&commit, export->mirror, &id) != 0)
        return git_failed(error, ERROR_NOT_FOUND, "commit %.12s is not in the mirror", export->commit);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool written = fd >= 0 || error_errno(error, ERROR_IO, errno, "cannot open %s", folder);
    written = written && (git_repository_odb(&export->objects, export->mirror) == 0 ||
                          git_failed(error, ERROR_IO, "cannot open the mirror's objects"));
    written = written && write_tree(export, fd, git_commit_tree_id(commit), 0, error);
    if (fd >= 0)
        close(fd);
    git_odb_free(export->objects);
    git_commit_free(commit);
    return written;
}

static void remove_remains(const char *folder)
{
    struct error error = {0};
    if (!folder_remove(folder, &error))
        log_error("provider", LOG_WARNING, &error);
}

bool export_commit(const struct provider_context *context, const char *repository, const char *commit,
                   const char *folder, struct error *error)
{
    struct export export = {.context = context, .commit = commit, .path = STR_INIT};
    uint64_t mark;
    random_bytes(&mark, sizeof mark);
    struct place mirror;
    if (!place_mirror(context, repository, &mirror, error))
        return false;
    export.mirror = mirror.repository;
    char *own = path_printf("%s.%016llx.new", folder, (unsigned long long)mark);
    bool exported = folder_make(own, 0755, error) && write_into(&export, own, error);
    if (exported && rename(own, folder) != 0) {
        exported = error_errno(error, errno == EEXIST || errno == ENOTEMPTY ? ERROR_CONFLICT : ERROR_IO, errno,
                               "cannot lay out commit %.12s as %s", commit, folder);
        error_hint(error, "the folder must not be there yet");
    }
    if (!exported)
        remove_remains(own);
    free(own);
    place_close(&mirror);
    str_release(&export.path);
    return exported;
}
