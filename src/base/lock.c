/* SPDX-License-Identifier: ISC */
/* Locks on whole files: open file description locks, which belong to the descriptor and not to the process. */
#include "berth/base/file.h"

#include "berth/base/memory.h"
#include "berth/base/process.h"
#include "berth/base/str.h"
#include "berth/base/time.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id /* older C libraries have the field but not its name */
#define sigev_notify_thread_id _sigev_un._tid
#endif
#define ALARM_SIGNAL (SIGRTMIN + 3)
#define ALARM_AGAIN_NS 20000000
#define FOLDER_AGAIN_MS 20
#define INFO_LIMIT 65536

static struct flock whole_file(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

enum locked { LOCKED, LOCK_HELD, LOCK_INTERRUPTED, LOCK_FAILED };

static enum locked set_lock(int fd, int operation)
{
    struct flock range = whole_file();
    if (fcntl(fd, operation, &range) == 0)
        return LOCKED;
    return errno == EAGAIN || errno == EACCES ? LOCK_HELD : errno == EINTR ? LOCK_INTERRUPTED : LOCK_FAILED;
}

static int open_lock(const char *path, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0)
        error_errno(error, ERROR_IO, errno, "cannot open the lock %s", path);
    return fd;
}

static bool take_lock(struct file_lock *lock, int fd, enum locked locked, const char *path, struct error *error)
{
    if (locked == LOCKED) {
        lock->fd = fd;
        return true;
    }
    if (locked == LOCK_FAILED)
        error_errno(error, ERROR_IO, errno, "cannot lock %s", path);
    else
        error_set(error, ERROR_CONFLICT, "somebody else holds the lock %s", path);
    close(fd);
    return false;
}

bool file_lock(struct file_lock *lock, const char *path, enum lock_wait wait, struct error *error)
{
    lock->fd = -1;
    int fd = open_lock(path, error);
    if (fd < 0)
        return false;
    enum locked locked;
    do
        locked = set_lock(fd, wait == LOCK_BLOCK ? F_OFD_SETLKW : F_OFD_SETLK);
    while (locked == LOCK_INTERRUPTED);
    return take_lock(lock, fd, locked, path, error);
}

static void on_alarm(int number)
{
    (void)number; /* only ends the wait with EINTR */
}

/* A timer of this thread that interrupts its system call, again and again: the first signal may come before the wait has begun. */
static bool start_alarm(timer_t *timer, int64_t wait_ms)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = ALARM_SIGNAL};
    struct itimerspec when = {.it_value = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000 + 1},
                              .it_interval = {.tv_nsec = ALARM_AGAIN_NS}};
    event.sigev_notify_thread_id = gettid();
    if (sigaction(ALARM_SIGNAL, &action, NULL) != 0 || timer_create(CLOCK_MONOTONIC, &event, timer) != 0)
        return false;
    timer_settime(*timer, 0, &when, NULL);
    return true;
}

bool file_lock_within(struct file_lock *lock, const char *path, int64_t limit_ms, struct error *error)
{
    lock->fd = -1;
    timer_t timer;
    int fd = open_lock(path, error);
    if (fd < 0)
        return false;
    int64_t deadline = time_monotonic_ms() + limit_ms;
    enum locked locked = set_lock(fd, F_OFD_SETLK);
    if (locked == LOCK_HELD && start_alarm(&timer, limit_ms)) {
        do
            locked = set_lock(fd, F_OFD_SETLKW);
        while (locked == LOCK_INTERRUPTED && time_monotonic_ms() < deadline);
        int code = errno;
        timer_delete(timer);
        errno = code;
    }
    if (take_lock(lock, fd, locked, path, error))
        return true;
    if (locked != LOCK_FAILED) {
        struct str holder = STR_INIT;
        file_lock_holder(path, &holder);
        error_set(error, ERROR_CONFLICT, "%s has been held for %lld s by %s", path, (long long)(limit_ms / 1000),
                  holder.data);
        if (error)
            error->retry = true;
        str_release(&holder);
    }
    return false;
}

/* Whether a line of /proc/PID/fdinfo/FD tells of a lock on the file with this number. */
static bool tells_of_lock(const char *info, ino_t file)
{
    char number[32];
    snprintf(number, sizeof number, ":%llu 0 EOF", (unsigned long long)file);
    const char *line = strstr(info, "lock:");
    return line && strstr(line, "OFDLCK") && strstr(line, number) && !strstr(line, "->");
}

static bool process_holds(const char *pid, const struct stat *file)
{
    char *folder = path_printf("/proc/%s/fdinfo", pid);
    DIR *list = opendir(folder);
    struct dirent *entry;
    bool holds = false;
    while (list && !holds && (entry = readdir(list))) {
        struct str info = STR_INIT;
        char *path = path_join(folder, entry->d_name);
        holds = entry->d_name[0] != '.' && file_read(path, INFO_LIMIT, &info, NULL) &&
                tells_of_lock(info.data, file->st_ino);
        str_release(&info);
        free(path);
    }
    if (list)
        closedir(list);
    free(folder);
    return holds;
}

static void tell_process(const char *pid, struct str *out)
{
    struct str name = STR_INIT;
    uint64_t ticks = 0;
    char *path = path_printf("/proc/%s/comm", pid);
    pid_t number = (pid_t)strtol(pid, NULL, 10);
    if (file_read(path, 64, &name, NULL) && name.length > 0)
        str_cut(&name, name.length - 1);
    str_addf(out, "process %s (%s)", pid, name.data);
    if (process_start_ticks(number, &ticks) && process_stopped(number, ticks))
        str_addf(out, ", which is stopped: kill -CONT %s", pid);
    str_release(&name);
    free(path);
}

void file_lock_holder(const char *path, struct str *out)
{
    struct stat file;
    struct dirent *entry;
    DIR *processes = stat(path, &file) == 0 ? opendir("/proc") : NULL;
    size_t before = out->length;
    while (processes && out->length == before && (entry = readdir(processes)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && process_holds(entry->d_name, &file))
            tell_process(entry->d_name, out);
    if (processes)
        closedir(processes);
    if (out->length == before)
        str_add(out, "somebody");
}

void file_unlock(struct file_lock *lock)
{
    if (lock->fd >= 0) {
        /* By hand and not by close alone: a child between fork and exec may still share the description. */
        struct flock range = whole_file();
        range.l_type = F_UNLCK;
        (void)fcntl(lock->fd, F_OFD_SETLK, &range);
        (void)flock(lock->fd, LOCK_UN);
        close(lock->fd);
    }
    lock->fd = -1;
}

/* `how`: LOCK_EX or LOCK_SH of flock. */
static bool lock_folder(struct file_lock *lock, const char *path, int how, int64_t limit_ms, struct error *error)
{
    int64_t deadline = time_monotonic_ms() + limit_ms;
    bool held = true;
    lock->fd = -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(error, ERROR_IO, errno, "cannot open the folder %s", path);
    while (flock(fd, how | LOCK_NB) != 0 && (held = errno == EWOULDBLOCK || errno == EINTR) &&
           time_monotonic_ms() < deadline)
        poll(NULL, 0, FOLDER_AGAIN_MS);
    if (held && time_monotonic_ms() < deadline) {
        lock->fd = fd;
        return true;
    }
    if (held)
        error_set(error, ERROR_CONFLICT, "somebody else holds the folder %s", path);
    else
        error_errno(error, ERROR_IO, errno, "cannot lock the folder %s", path);
    close(fd);
    return false;
}

bool folder_lock(struct file_lock *lock, const char *path, int64_t limit_ms, struct error *error)
{
    return lock_folder(lock, path, LOCK_EX, limit_ms, error);
}

bool folder_share(struct file_lock *lock, const char *path, int64_t limit_ms, struct error *error)
{
    return lock_folder(lock, path, LOCK_SH, limit_ms, error);
}

bool file_lock_is_at(const struct file_lock *lock, const char *path)
{
    struct stat held, there;
    return lock->fd >= 0 && fstat(lock->fd, &held) == 0 && stat(path, &there) == 0 && held.st_dev == there.st_dev &&
           held.st_ino == there.st_ino;
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
