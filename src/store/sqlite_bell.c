/* SPDX-License-Identifier: ISC */
/*
 * Waking up: a byte to `bell` after COMMIT returned, inotify on it, and SQLite's data version to know. Nobody watches the -wal
 * file: it changes before the commit can be seen, so a reader that looks then would sleep through it.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define BELL_LIMIT 4096 /* bytes before the file is cut to nothing again */

static int bell_open(const struct sqlite *sqlite)
{
    return open(sqlite->bell_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

bool sqlite_bell_make(struct sqlite *sqlite, struct error *error)
{
    sqlite->bell_fd = bell_open(sqlite);
    if (sqlite->bell_fd >= 0)
        return true;
    int why = errno;
    error_errno(error, ERROR_IO, why, "cannot write in the store %s", sqlite->folder);
    return error_hint(error, "%s", why == EROFS || why == EACCES ? sqlite_hint_read_only : "");
}

/* The commit is done: a bell that cannot be rung only makes readers later (they look once a second). */
void sqlite_ring(struct backend *backend)
{
    struct sqlite *sqlite = sqlite_of(backend);
    struct stat status;
    sqlite->own_commits++;
    if (sqlite->bell_fd < 0)
        sqlite->bell_fd = bell_open(sqlite);
    if (sqlite->bell_fd < 0)
        return;
    if (fstat(sqlite->bell_fd, &status) == 0 && status.st_size >= BELL_LIMIT && ftruncate(sqlite->bell_fd, 0) < 0)
        return;
    while (write(sqlite->bell_fd, "!", 1) < 0 && errno == EINTR)
        continue;
}

int sqlite_bell(struct backend *backend)
{
    struct sqlite *sqlite = sqlite_of(backend);
    if (sqlite->watch_fd >= 0)
        return sqlite->watch_fd;
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd >= 0 && inotify_add_watch(fd, sqlite->bell_path, IN_MODIFY) < 0) {
        close(fd);
        fd = -1;
    }
    return sqlite->watch_fd = fd;
}

bool sqlite_changed(struct backend *backend)
{
    struct sqlite *sqlite = sqlite_of(backend);
    char events[4096];
    while (sqlite->watch_fd >= 0 && read(sqlite->watch_fd, events, sizeof events) > 0)
        continue;
    struct statement *statement = statement_take(sqlite, "PRAGMA data_version", NULL);
    if (!statement)
        return true;
    bool known = sqlite3_step(statement->handle) == SQLITE_ROW;
    int64_t version = known ? sqlite3_column_int64(statement->handle, 0) : -1;
    statement_done(statement);
    bool changed = !known || version != sqlite->data_version || sqlite->own_commits != sqlite->seen_commits;
    sqlite->data_version = version;
    sqlite->seen_commits = sqlite->own_commits;
    return changed;
}

void sqlite_bell_release(struct sqlite *sqlite)
{
    if (sqlite->bell_fd >= 0)
        close(sqlite->bell_fd);
    if (sqlite->watch_fd >= 0)
        close(sqlite->watch_fd);
    sqlite->bell_fd = sqlite->watch_fd = -1;
}
