/* SPDX-License-Identifier: ISC */
/* Locks on whole files: open file description locks, which belong to the descriptor and not to the process. */
#include "berth/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static struct flock whole_file(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

bool file_lock(struct file_lock *lock, const char *path, enum lock_wait wait, struct error *error)
{
    lock->fd = -1;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0)
        return error_errno(error, ERROR_IO, errno, "cannot open the lock %s", path);
    struct flock range = whole_file();
    int done;
    do
        done = fcntl(fd, wait == LOCK_BLOCK ? F_OFD_SETLKW : F_OFD_SETLK, &range);
    while (done != 0 && errno == EINTR);
    if (done == 0) {
        lock->fd = fd;
        return true;
    }
    bool held = errno == EAGAIN || errno == EACCES;
    if (held)
        error_set(error, ERROR_CONFLICT, "somebody else holds the lock %s", path);
    else
        error_errno(error, ERROR_IO, errno, "cannot lock %s", path);
    close(fd);
    return false;
}

void file_unlock(struct file_lock *lock)
{
    if (lock->fd >= 0) {
        /* By hand and not by close alone: a child between fork and exec may still share the description. */
        struct flock range = whole_file();
        range.l_type = F_UNLCK;
        (void)fcntl(lock->fd, F_OFD_SETLK, &range);
        close(lock->fd);
    }
    lock->fd = -1;
}

bool file_locked(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return false;
    struct flock range = whole_file();
    bool held = fcntl(fd, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
    close(fd);
    return held;
}
