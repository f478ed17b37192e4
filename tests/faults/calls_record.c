/* SPDX-License-Identifier: ISC */
/* Writes down each change of a file below one folder, so that disk.c can tell what a power cut at any moment leaves. */
#include "faults/calls_library.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define OWN_DESCRIPTOR 600 /* out of the way of those that are handed to children by number */
#define KNOWN 1024

enum known { NOT_KNOWN, NOT_OURS, OURS };

static struct {
    int out; /* 0: nothing is written down */
    const char *root;
    size_t root_length;
    struct {
        uint64_t inode;
        uint8_t known;
    } files[KNOWN];
} record;

void record_start(const char *changes, const char *root)
{
    if (!changes || !root)
        return;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, changes, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    record.out = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, OWN_DESCRIPTOR);
    syscall(SYS_close, fd);
    record.root = root;
    record.root_length = strlen(root);
}

bool record_on(void)
{
    return record.out > 0;
}

/* One write a change: so the order in the file is the order in which they became true. */
static void add(const struct disk_record *change, const void *text)
{
    struct iovec parts[] = {{(void *)(uintptr_t)change, sizeof *change}, {(void *)(uintptr_t)text, change->length}};
    struct calls *calls = library_calls();
    int before = errno;
    syscall(SYS_writev, record.out, parts, change->length > 0 ? 2 : 1);
    uint64_t number = calls ? atomic_fetch_add(&calls->changes, 1) + 1 : 0;
    if (calls && calls->stop_at > 0 && number >= calls->stop_at) {
        atomic_store(&calls->fired, 1);
        kill(getpid(), SIGSTOP);
    }
    errno = before;
}

/* The path below the root, or NULL when it is not there. */
static const char *below(int folder, const char *path, char whole[PATH_MAX])
{
    char link[40];
    size_t length = 0;
    if (path[0] != '/') {
        snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
        ssize_t got = readlink(link, whole, PATH_MAX - 1);
        if (got <= 0)
            return NULL;
        length = (size_t)got;
        whole[length++] = '/';
    }
    if (length + strlen(path) + 1 > PATH_MAX)
        return NULL;
    memcpy(whole + length, path, strlen(path) + 1);
    if (strncmp(whole, record.root, record.root_length) != 0 || whole[record.root_length] != '/')
        return NULL;
    return whole + record.root_length + 1;
}

bool record_is_there(int folder, const char *path)
{
    struct stat status;
    int before = errno;
    bool there = fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
    errno = before;
    return there;
}

void record_path(enum disk_change change, int folder, const char *path, uint64_t inode, mode_t mode)
{
    char whole[PATH_MAX];
    struct stat status;
    int before = errno;
    const char *name = below(folder, path, whole);
    if (name) {
        if (inode == 0 && change != DISK_REMOVE)
            inode = fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status.st_ino : 0;
        struct disk_record entry = {
            .change = change, .length = (uint32_t)strlen(name) + 1, .inode = inode, .mode = mode & 07777};
        add(&entry, name);
    }
    errno = before;
}

static void add_two(enum disk_change change, const char *first, const char *second)
{
    char both[2 * PATH_MAX];
    size_t length = strlen(first) + 1, more = strlen(second) + 1;
    memcpy(both, first, length);
    memcpy(both + length, second, more);
    struct disk_record entry = {.change = change, .length = (uint32_t)(length + more)};
    add(&entry, both);
}

void record_paths(enum disk_change change, int from_folder, const char *from, int to_folder, const char *to)
{
    char whole_from[PATH_MAX], whole_to[PATH_MAX];
    int before = errno;
    const char *first = below(from_folder, from, whole_from), *second = below(to_folder, to, whole_to);
    if (first && second)
        add_two(change, first, second);
    errno = before;
}

void record_symlink(const char *target, int folder, const char *path)
{
    char whole[PATH_MAX];
    int before = errno;
    const char *name = below(folder, path, whole);
    if (name)
        add_two(DISK_SYMLINK, name, target);
    errno = before;
}

/* --- descriptors ------------------------------------------------------------------------------------------------------- */

/* The -shm of a database is memory that processes share: nothing of it is looked at after a restart. */
static bool is_memory(const char *path)
{
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, "-shm") == 0;
}

static bool look(int fd)
{
    char link[40], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return false;
    path[length] = '\0';
    return strncmp(path, record.root, record.root_length) == 0 &&
           (path[record.root_length] == '/' || path[record.root_length] == '\0') && !is_memory(path);
}

/* What a number stands for may change unseen (closedir, dup): the file that it is decides whether what is known of it still holds. */
static bool is_ours(int fd, uint64_t *inode)
{
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0 || !(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)))
        return false;
    *inode = status.st_ino;
    if (fd >= KNOWN)
        return look(fd);
    if (record.files[fd].known == NOT_KNOWN || record.files[fd].inode != status.st_ino) {
        record.files[fd].known = look(fd) ? OURS : NOT_OURS;
        record.files[fd].inode = status.st_ino;
    }
    return record.files[fd].known == OURS;
}

void record_closed(int fd)
{
    if (fd >= 0 && fd < KNOWN)
        record.files[fd].known = NOT_KNOWN;
}

void record_opened(int fd, bool was_there, int flags, mode_t mode, int folder, const char *path)
{
    int before = errno;
    uint64_t inode;
    record_closed(fd);
    if (is_ours(fd, &inode)) {
        if (!was_there && (flags & O_CREAT))
            record_path(DISK_CREATE, folder, path, inode, mode);
        else if (flags & O_TRUNC)
            record_cut(fd, 0);
    }
    errno = before;
}

void record_write(int fd, const void *bytes, size_t count, int64_t offset)
{
    int before = errno;
    struct disk_record entry = {.change = DISK_WRITE, .length = (uint32_t)count, .offset = offset};
    if (is_ours(fd, &entry.inode)) {
        if (offset < 0)
            entry.offset = (int64_t)syscall(SYS_lseek, fd, 0L, SEEK_CUR) - (int64_t)count;
        add(&entry, bytes);
    }
    errno = before;
}

void record_cut(int fd, int64_t length)
{
    int before = errno;
    struct disk_record entry = {.change = DISK_CUT, .offset = length};
    if (is_ours(fd, &entry.inode))
        add(&entry, NULL);
    errno = before;
}

void record_mode(int fd, mode_t mode)
{
    int before = errno;
    struct disk_record entry = {.change = DISK_MODE, .mode = mode & 07777};
    if (is_ours(fd, &entry.inode))
        add(&entry, NULL);
    errno = before;
}

bool record_sync(int fd)
{
    int before = errno;
    struct disk_record entry = {.change = DISK_SYNC};
    bool ours = is_ours(fd, &entry.inode);
    if (ours)
        add(&entry, NULL);
    errno = before;
    return ours;
}
