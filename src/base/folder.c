/* SPDX-License-Identifier: ISC */
/* Making, removing and listing folders. */
#include "berth/base/file.h"

#include "berth/base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_LIMIT 512

bool folder_make(const char *path, mode_t mode, struct error *error)
{
    if (folder_exists(path)) /* mkdir would lock every folder on the way, and others make files there */
        return true;
    char *partial = mem_strdup(path);
    bool made = true;
    for (char *slash = partial; made && slash;) {
        slash = strchr(slash + 1, '/');
        if (slash)
            *slash = '\0';
        int problem = mkdir(partial, mode) != 0 ? errno : 0;
        if (problem)
            made = folder_exists(partial); /* EROFS and EACCES also come for those that are there */
        if (!made)
            error_errno(error, ERROR_IO, problem == EEXIST ? ENOTDIR : problem, "cannot make the folder %s", partial);
        if (slash)
            *slash = '/';
    }
    free(partial);
    return made;
}

bool folder_is_private(const char *path, struct error *error)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return error_errno(error, ERROR_IO, errno, "cannot look at the folder %s", path);
    if (S_ISDIR(status.st_mode) && status.st_uid == geteuid() && (status.st_mode & 077) == 0)
        return true;
    if (!S_ISDIR(status.st_mode)) {
        error_set(error, ERROR_DENIED, "%s is %s", path, S_ISLNK(status.st_mode) ? "a link" : "no folder");
        return error_hint(error, "move it away, or put the folder itself there");
    }
    if (status.st_uid != geteuid()) {
        error_set(error, ERROR_DENIED, "the folder %s belongs to the user %ld", path, (long)status.st_uid);
        return error_hint(error, "move it away: berth makes one of its own");
    }
    error_set(error, ERROR_DENIED, "the folder %s is open to others (mode %03o)", path,
              (unsigned)status.st_mode & 0777u);
    return error_hint(error, "chmod 700 '%s'", path);
}

static bool remove_inside(int parent, const char *name, int depth, const char *path, struct error *error);

/* Everything in the open folder, which is closed. */
static bool remove_entries(int fd, int depth, const char *path, struct error *error)
{
    DIR *folder = fdopendir(fd);
    if (!folder) {
        close(fd);
        return error_errno(error, ERROR_IO, errno, "cannot read the folder %s", path);
    }
    bool removed = true;
    for (struct dirent *entry; removed && (entry = readdir(folder));) {
        if (!text_equal(entry->d_name, ".") && !text_equal(entry->d_name, ".."))
            removed = remove_inside(dirfd(folder), entry->d_name, depth + 1, path, error);
    }
    closedir(folder);
    return removed;
}

/* Links are removed, never followed: a name is opened only with O_NOFOLLOW. */
static bool remove_inside(int parent, const char *name, int depth, const char *path, struct error *error)
{
    if (depth > DEPTH_LIMIT)
        return error_set(error, ERROR_LIMIT, "cannot remove %s: it is deeper than %d folders", path, DEPTH_LIMIT);
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR && errno != EPERM)
        return error_errno(error, ERROR_IO, errno, "cannot remove %s in %s", name, path);
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0)
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || error_errno(error, ERROR_IO, errno, "cannot remove %s in %s", name, path);
    (void)fchmod(fd, 0700); /* a tool may have left it read-only */
    if (!remove_entries(fd, depth, path, error))
        return false;
    if (unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        return error_errno(error, ERROR_IO, errno, "cannot remove %s in %s", name, path);
    return true;
}

bool folder_remove(const char *path, struct error *error)
{
    return remove_inside(AT_FDCWD, path, 0, path, error);
}

static bool sync_inside(int parent, const char *name, int depth, const char *path, struct error *error);

static bool sync_entries(DIR *folder, int depth, const char *path, struct error *error)
{
    bool synced = true;
    for (struct dirent *entry; synced && (entry = readdir(folder));) {
        bool has_content = entry->d_type == DT_REG || entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
        if (has_content && !text_equal(entry->d_name, ".") && !text_equal(entry->d_name, ".."))
            synced = sync_inside(dirfd(folder), entry->d_name, depth + 1, path, error);
    }
    return synced;
}

/* What is inside first, so that a folder that is there is whole. */
static bool sync_inside(int parent, const char *name, int depth, const char *path, struct error *error)
{
    if (depth > DEPTH_LIMIT)
        return error_set(error, ERROR_LIMIT, "cannot sync %s: it is deeper than %d folders", path, DEPTH_LIMIT);
    int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ELOOP || error_errno(error, ERROR_IO, errno, "cannot sync %s in %s", name, path);
    DIR *folder = fdopendir(fd);
    bool synced = (folder || errno == ENOTDIR || error_errno(error, ERROR_IO, errno, "cannot sync %s", path)) &&
                  (!folder || sync_entries(folder, depth, path, error)) &&
                  (fsync(fd) == 0 || error_errno(error, ERROR_IO, errno, "cannot sync %s in %s", name, path));
    if (folder)
        closedir(folder);
    else
        close(fd);
    return synced;
}

bool folder_sync(const char *path, struct error *error)
{
    return sync_inside(AT_FDCWD, path, 0, path, error);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool folder_list(const char *path, struct folder_list *list, struct error *error)
{
    *list = (struct folder_list){0};
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        error_errno(error, missing ? ERROR_NOT_FOUND : ERROR_IO, errno, "cannot read the folder %s", path);
        if (fd >= 0)
            close(fd);
        return false;
    }
    VEC(char *) names = {0};
    errno = 0;
    for (struct dirent *entry; (entry = readdir(folder)); errno = 0) {
        if (!text_equal(entry->d_name, ".") && !text_equal(entry->d_name, ".."))
            vec_push(&names, mem_strdup(entry->d_name));
    }
    int failure = errno;
    closedir(folder);
    list->names = names.items;
    list->count = names.count;
    if (failure) {
        folder_list_free(list);
        return error_errno(error, ERROR_IO, failure, "cannot read the folder %s", path);
    }
    if (list->count)
        qsort(list->names, list->count, sizeof *list->names, compare_names);
    return true;
}

void folder_list_free(struct folder_list *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    vec_free(list->names);
    *list = (struct folder_list){0};
}
