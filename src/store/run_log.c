/* SPDX-License-Identifier: ISC */
/* The logs of runs: append-only files, written by workers, read by offset. */
#include "berth/store_log.h"

#include "berth/base/file.h"
#include "berth/base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_READABLE 80 /* bytes of an id that stay readable in its file name */

/* An id as a file name: its harmless bytes, and a hash where one was not harmless or did not fit. */
static void add_file_name(struct str *out, const char *id)
{
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t length = strlen(id);
    bool exact = length > 0 && length <= NAME_READABLE && id[0] != '.' && strspn(id, harmless) == length;
    for (size_t i = 0; i < length && i < NAME_READABLE; i++)
        str_add_char(out, strchr(harmless, id[i]) && !(i == 0 && id[i] == '.') ? id[i] : '-');
    if (exact)
        return;
    char hex[HASH_HEX_SIZE];
    hash_sha256(id, length, hex);
    str_addf(out, "~%.12s", hex); /* no exact name holds a '~' */
}

char *run_log_folder(const char *run)
{
    struct str path = STR_INIT;
    str_add(&path, "logs/");
    add_file_name(&path, run);
    return str_take(&path);
}

char *run_log_path(const char *folder, const char *run, const char *step)
{
    struct str path = STR_INIT;
    str_addf(&path, "%s/logs/", folder);
    add_file_name(&path, run);
    str_add_char(&path, '/');
    add_file_name(&path, step);
    str_add(&path, ".log");
    return str_take(&path);
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

static bool make_folder(const char *folder, const char *run, struct error *error)
{
    char *below = run_log_folder(run), *path = path_join(folder, below);
    bool done = folder_make(path, 0700, error);
    free(path);
    free(below);
    return done;
}

bool run_log_open(struct run_log *log, const char *folder, const char *run, const char *step, struct error *error)
{
    struct stat status;
    *log = (struct run_log){.fd = -1};
    if (!make_folder(folder, run, error))
        return false;
    char *path = run_log_path(folder, run, step);
    log->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log->fd < 0 || fstat(log->fd, &status) < 0) {
        error_errno(error, ERROR_IO, errno, "cannot open the log %s", path);
        run_log_close(log);
        free(path);
        return false;
    }
    free(path);
    log->size = status.st_size;
    log->full = log->size >= RUN_LOG_LIMIT;
    return true;
}

bool run_log_append(struct run_log *log, const void *bytes, size_t count, struct error *error)
{
    static const char note[] = "\nberth: this log is longer than 1 GiB, the rest is not kept\n";
    if (log->full || count == 0)
        return true;
    size_t room = (size_t)(RUN_LOG_LIMIT - log->size);
    size_t kept = count < room ? count : room;
    if (!file_write_all(log->fd, bytes, kept, error))
        return error_context(error, "cannot write the log of a step");
    log->size += (int64_t)kept;
    if (kept == count)
        return true;
    log->full = true;
    log->size += (int64_t)sizeof note - 1;
    return file_write_all(log->fd, note, sizeof note - 1, error);
}

void run_log_close(struct run_log *log)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

/* -1 without an error when there is no file yet. */
static int open_to_read(const char *folder, const char *run, const char *step, bool *failed, struct error *error)
{
    char *path = run_log_path(folder, run, step);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    *failed = fd < 0 && errno != ENOENT;
    if (*failed)
        error_errno(error, ERROR_IO, errno, "cannot open the log %s", path);
    free(path);
    return fd;
}

int64_t run_log_size(const char *folder, const char *run, const char *step)
{
    struct stat status;
    char *path = run_log_path(folder, run, step);
    int64_t size = stat(path, &status) == 0 ? status.st_size : 0;
    free(path);
    return size;
}

static bool read_at(int fd, int64_t offset, size_t limit, struct str *out, struct error *error)
{
    while (limit > 0) {
        size_t chunk = limit < 65536 ? limit : 65536;
        char *room = str_reserve(out, chunk);
        ssize_t count = pread(fd, room, chunk, offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return error_errno(error, ERROR_IO, errno, "cannot read the log of a step");
        if (count == 0)
            return true;
        str_grew(out, (size_t)count);
        offset += count;
        limit -= (size_t)count;
    }
    return true;
}

bool run_log_read(const char *folder, const char *run, const char *step, int64_t offset, size_t limit, struct str *out,
                  struct error *error)
{
    bool failed;
    int fd = open_to_read(folder, run, step, &failed, error);
    if (fd < 0)
        return !failed;
    bool done =
        read_at(fd, offset < 0 ? 0 : offset, limit < RUN_LOG_READ_LIMIT ? limit : RUN_LOG_READ_LIMIT, out, error);
    close(fd);
    return done;
}

bool run_log_tail(const char *folder, const char *run, const char *step, size_t lines, int64_t *offset,
                  struct error *error)
{
    int64_t size = run_log_size(folder, run, step);
    int64_t start = size > (int64_t)RUN_LOG_READ_LIMIT ? size - (int64_t)RUN_LOG_READ_LIMIT : 0;
    struct str text = STR_INIT;
    *offset = size;
    bool done = run_log_read(folder, run, step, start, (size_t)(size - start), &text, error);
    size_t at = text.length, left = lines;
    if (at > 0 && text.data[at - 1] == '\n')
        at--; /* the end of the last line begins none */
    while (done && left > 0) {
        while (at > 0 && text.data[at - 1] != '\n')
            at--;
        *offset = start + (int64_t)at;
        if (at == 0)
            break;
        left--;
        at--;
    }
    str_release(&text);
    return done;
}

int run_log_watch(const char *folder, const char *run)
{
    if (!make_folder(folder, run, NULL))
        return -1;
    char *below = run_log_folder(run), *path = path_join(folder, below);
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd >= 0 && inotify_add_watch(fd, path, IN_MODIFY | IN_CREATE) < 0) {
        close(fd);
        fd = -1;
    }
    free(path);
    free(below);
    return fd;
}

void run_log_woken(int watch_fd)
{
    char events[4096];
    while (watch_fd >= 0 && read(watch_fd, events, sizeof events) > 0)
        continue;
}
