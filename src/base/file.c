/* SPDX-License-Identifier: ISC */
/* Reading, replacing and writing files. */
#include "berth/base/file.h"

#include "berth/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_all(int fd, const char *path, size_t limit, struct str *out, struct error *error)
{
    size_t before = out->length;
    for (;;) {
        size_t room = 65536;
        char *end = str_reserve(out, room);
        ssize_t got = read(fd, end, room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_errno(error, ERROR_IO, errno, "cannot read %s", path);
        if (got == 0)
            return true;
        str_grew(out, (size_t)got);
        if (out->length - before > limit)
            return error_set(error, ERROR_LIMIT, "%s is longer than %zu bytes", path, limit);
    }
}

bool file_read(const char *path, size_t limit, struct str *out, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        return error_errno(error, missing ? ERROR_NOT_FOUND : ERROR_IO, errno, "cannot read %s", path);
    }
    size_t before = out->length;
    bool whole = read_all(fd, path, limit, out, error);
    if (!whole)
        str_cut(out, before);
    close(fd);
    return whole;
}

bool file_write_all(int fd, const void *bytes, size_t count, struct error *error)
{
    for (size_t done = 0; done < count;) {
        ssize_t put = write(fd, (const char *)bytes + done, count - done);
        if (put < 0 && errno != EINTR) {
            bool gone = errno == EPIPE || errno == ECONNRESET;
            return error_errno(error, gone ? ERROR_UNREACHABLE : ERROR_IO, errno, "cannot write %zu bytes", count);
        }
        if (put > 0)
            done += (size_t)put;
    }
    return true;
}

bool file_sync_name(const char *path, struct error *error)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? path_printf("%.*s", slash == path ? 1 : (int)(slash - path), path) : mem_strdup(".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (!synced)
        error_errno(error, ERROR_IO, errno, "cannot sync the folder %s", folder);
    if (fd >= 0)
        close(fd);
    free(folder);
    return synced;
}

static bool fill_temporary(int fd, const void *bytes, size_t count, mode_t mode, enum file_durability durability,
                           const char *path, struct error *error)
{
    if (!file_write_all(fd, bytes, count, error))
        return error_context(error, "cannot write %s", path);
    if (fchmod(fd, mode) != 0)
        return error_errno(error, ERROR_IO, errno, "cannot set the mode of %s", path);
    if (durability == FILE_SYNCED && fsync(fd) != 0)
        return error_errno(error, ERROR_IO, errno, "cannot sync %s", path);
    return true;
}

bool file_replace(const char *path, const void *bytes, size_t count, mode_t mode, enum file_durability durability,
                  struct error *error)
{
    char *temporary = path_printf("%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    bool replaced = false;
    if (fd < 0) {
        error_errno(error, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, errno, "cannot write %s", path);
    } else {
        bool filled = fill_temporary(fd, bytes, count, mode, durability, path, error);
        if (close(fd) != 0 && filled)
            filled = error_errno(error, ERROR_IO, errno, "cannot write %s", path);
        replaced = filled && rename(temporary, path) == 0;
        if (filled && !replaced)
            error_errno(error, ERROR_IO, errno, "cannot replace %s", path);
        if (!replaced)
            unlink(temporary);
    }
    free(temporary);
    return replaced && (durability == FILE_RELAXED || file_sync_name(path, error));
}

bool file_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISDIR(status.st_mode);
}

bool folder_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}
