/* SPDX-License-Identifier: ISC */
/* The logs of runs: append-only files, written by workers, read by offset through the run's index. */
#include "berth/store_log.h"

#include "berth/base/file.h"
#include "berth/base/hash.h"
#include "berth/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_READABLE 80 /* bytes of an id that stay readable in its name */
#define NAME_LIMIT 200   /* of all of it; the format of a line of the index says the same */
#define INDEX_FILE "index"
#define INDEX_LIMIT (64u << 20) /* of a run: 300,000 attempts */
#define FILE_ENDING ".log"

/* An id as a name: its harmless bytes, and a hash where one was not harmless or did not fit. */
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

static char *run_folder(const char *folder, const char *run)
{
    struct str path = STR_INIT;
    str_addf(&path, "%s/logs/", folder);
    add_file_name(&path, run);
    return str_take(&path);
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

static int open_to_append(const char *run_folder, const char *name, struct error *error)
{
    char *path = path_join(run_folder, name);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        error_errno(error, ERROR_IO, errno, "cannot open the log %s", path);
    free(path);
    return fd;
}

/* The files of a run; those of the run before are closed. */
static bool open_run(struct run_log *log, char *run_folder, struct error *error)
{
    char name[32];
    run_log_close(log);
    log->run_folder = run_folder;
    snprintf(name, sizeof name, "%ld" FILE_ENDING, (long)getpid());
    if (!folder_make(run_folder, 0700, error))
        return false;
    log->index_fd = open_to_append(run_folder, INDEX_FILE, error);
    if (log->index_fd >= 0)
        log->fd = open_to_append(run_folder, name, error);
    return log->fd >= 0;
}

static bool begin_step(struct run_log *log, const char *step, struct error *error)
{
    struct str line = STR_INIT;
    log->start = lseek(log->fd, 0, SEEK_END);
    log->size = 0;
    log->full = false;
    if (log->start < 0)
        return error_errno(error, ERROR_IO, errno, "cannot open the log of a step in %s", log->run_folder);
    str_add_char(&line, '\n'); /* whatever a full disk left of the line before */
    add_file_name(&line, step);
    str_addf(&line, " %ld %" PRId64 "\n", (long)getpid(), log->start);
    bool noted = file_write_all(log->index_fd, line.data, line.length, error);
    str_release(&line);
    return noted || error_context(error, "cannot begin the log of a step");
}

bool run_log_open(struct run_log *log, const char *folder, const char *run, const char *step, struct error *error)
{
    char *path = run_folder(folder, run);
    bool same = log->fd >= 0 && text_equal(log->run_folder, path);
    if (same)
        free(path);
    if ((same || open_run(log, path, error)) && begin_step(log, step, error))
        return true;
    run_log_close(log);
    return false;
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
    if (log->index_fd >= 0)
        close(log->index_fd);
    free(log->run_folder);
    *log = (struct run_log)RUN_LOG_INIT;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

/* What one attempt at the step wrote: a piece of the file of the process that made it. */
struct piece {
    long process;
    int64_t start, end; /* end -1: to the end of the file, nothing was begun there since */
};
struct pieces {
    VEC(struct piece) list;
};

/* One line of the index: the piece before it in that file ends where this one begins. */
static void add_line(struct pieces *pieces, const char *line, const char *name)
{
    char of[NAME_LIMIT];
    struct piece piece = {.end = -1};
    if (sscanf(line, "%199s %ld %" SCNd64, of, &piece.process, &piece.start) != 3 || piece.start < 0)
        return;
    for (size_t i = 0; i < pieces->list.count; i++) {
        struct piece *before = &pieces->list.items[i];
        if (before->process == piece.process && before->end < 0)
            before->end = piece.start;
    }
    if (text_equal(of, name))
        vec_push(&pieces->list, piece);
}

static bool read_index(const char *run_folder, const char *name, struct pieces *pieces, size_t *length,
                       struct error *error)
{
    struct str text = STR_INIT;
    struct error missing = {0};
    char *path = path_join(run_folder, INDEX_FILE);
    vec_clear(&pieces->list);
    bool read = file_read(path, INDEX_LIMIT, &text, &missing) || missing.code == ERROR_NOT_FOUND;
    if (!read && error)
        *error = missing;
    *length = text.length;
    const char *last = text.data + text.length;
    for (char *line = text.data, *end; read && (end = memchr(line, '\n', (size_t)(last - line))); line = end + 1) {
        *end = '\0';
        add_line(pieces, line, name);
    }
    str_release(&text);
    free(path);
    return read;
}

static char *piece_path(const char *run_folder, const struct piece *piece)
{
    return path_printf("%s/%ld" FILE_ENDING, run_folder, piece->process);
}

static int64_t size_of(char *path)
{
    struct stat status;
    int64_t size = lstat(path, &status) == 0 ? status.st_size : 0;
    free(path);
    return size;
}

/* A power cut may have taken what the index speaks of: no piece is longer than its file. */
static void end_pieces(const char *run_folder, struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->list.count; i++) {
        struct piece *piece = &pieces->list.items[i];
        int64_t size = size_of(piece_path(run_folder, piece));
        if (piece->end < 0 || piece->end > size)
            piece->end = size;
        if (piece->end < piece->start)
            piece->end = piece->start;
    }
}

/* A file may have gone on with another step between the look at the index and the look at its size: then the index has grown. */
static bool find_pieces(const char *run_folder, const char *step, struct pieces *pieces, struct error *error)
{
    struct str name = STR_INIT;
    size_t length = 0;
    bool found;
    add_file_name(&name, step);
    do {
        found = read_index(run_folder, name.data, pieces, &length, error);
        if (found)
            end_pieces(run_folder, pieces);
    } while (found && pieces->list.count > 0 && (size_t)size_of(path_join(run_folder, INDEX_FILE)) != length);
    str_release(&name);
    return found;
}

int64_t run_log_size(const char *folder, const char *run, const char *step)
{
    struct pieces pieces = {0};
    char *path = run_folder(folder, run);
    int64_t size = 0;
    if (find_pieces(path, step, &pieces, NULL))
        for (size_t i = 0; i < pieces.list.count; i++)
            size += pieces.list.items[i].end - pieces.list.items[i].start;
    vec_release(&pieces.list);
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

/* Up to `limit` bytes of a piece, from `offset` within it. */
static bool read_piece(const char *run_folder, const struct piece *piece, int64_t offset, size_t limit, struct str *out,
                       struct error *error)
{
    char *path = piece_path(run_folder, piece);
    int64_t left = piece->end - piece->start - offset;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool done = fd >= 0 || errno == ENOENT || error_errno(error, ERROR_IO, errno, "cannot open the log %s", path);
    if (fd >= 0) {
        done = read_at(fd, piece->start + offset, (uint64_t)left < limit ? (size_t)left : limit, out, error);
        close(fd);
    }
    free(path);
    return done;
}

bool run_log_read(const char *folder, const char *run, const char *step, int64_t offset, size_t limit, struct str *out,
                  struct error *error)
{
    struct pieces pieces = {0};
    char *path = run_folder(folder, run);
    size_t full = out->length + (limit < RUN_LOG_READ_LIMIT ? limit : RUN_LOG_READ_LIMIT);
    bool done = find_pieces(path, step, &pieces, error);
    if (offset < 0)
        offset = 0;
    for (size_t i = 0; done && i < pieces.list.count && out->length < full; i++) {
        const struct piece *piece = &pieces.list.items[i];
        int64_t size = piece->end - piece->start;
        if (offset < size)
            done = read_piece(path, piece, offset, full - out->length, out, error);
        offset = offset > size ? offset - size : 0;
    }
    vec_release(&pieces.list);
    free(path);
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
    char *path = run_folder(folder, run);
    int fd = folder_make(path, 0700, NULL) ? inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -1;
    if (fd >= 0 && inotify_add_watch(fd, path, IN_MODIFY | IN_CREATE) < 0) {
        close(fd);
        fd = -1;
    }
    free(path);
    return fd;
}

void run_log_woken(int watch_fd)
{
    char events[4096];
    while (watch_fd >= 0 && read(watch_fd, events, sizeof events) > 0)
        continue;
}
