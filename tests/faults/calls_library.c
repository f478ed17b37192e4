/* SPDX-License-Identifier: ISC */
/*
 * A library that tests load into berth and berthd (LD_PRELOAD): it counts their system calls, lets one of them fail, notes what crashes, and hands
 * changes of files to calls_record.c. In every other program it does nothing. See calls.h.
 */
#include "faults/calls_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SHORT (-1) /* instead of an errno: half of the bytes */
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* What a process knows of itself; a library has nowhere else to keep it. */
static struct {
    struct calls *calls;
    enum calls_process process;
    const char *boot;
} library;

struct calls *library_calls(void)
{
    return library.calls;
}

/* --- which call fails ----------------------------------------------------------------------------------------------- */

enum subject { ON_FILE, ON_STREAM, SUBJECTS };
/* What each may really give on Linux; 0 ends a list. */
static const int outcomes[CALLS_KINDS][SUBJECTS][CALLS_OUTCOMES] = {
    [CALLS_OPEN] = {{EMFILE, EIO}, {EMFILE, ENOSPC, EIO}}, /* the second: one that makes the file */
    [CALLS_READ] = {{EIO}, {EINTR, SHORT}},
    [CALLS_WRITE] = {{ENOSPC, EIO, SHORT}, {EINTR, SHORT}},
    [CALLS_SYNC] = {{EIO, ENOSPC}, {EIO}},
    [CALLS_RENAME] = {{ENOSPC, EIO}},
    [CALLS_LINK] = {{ENOSPC, EMLINK, EIO}},
    [CALLS_MKDIR] = {{ENOSPC, EIO}},
    [CALLS_UNLINK] = {{EIO, EROFS}},
    [CALLS_TRUNCATE] = {{EIO, ENOSPC}},
    [CALLS_LOCK] = {{ENOLCK}, {EINTR, ENOLCK}}, /* the second: one that waits */
    [CALLS_FORK] = {{EAGAIN, ENOMEM}},
    [CALLS_DESCRIPTOR] = {{EMFILE, ENFILE, ENOMEM}},
    [CALLS_WATCH] = {{ENOSPC, ENOMEM}},
    [CALLS_MAP] = {{ENOMEM}},
    [CALLS_POLL] = {{EINTR}},
};

static int pick(enum calls_kind kind, enum subject subject, uint32_t wanted)
{
    const int *list = outcomes[kind][subject][0] ? outcomes[kind][subject] : outcomes[kind][ON_FILE];
    uint32_t count = 0;
    while (count < CALLS_OUTCOMES && list[count])
        count++;
    return list[wanted % count];
}

/* 0: the call is made; else what it gives instead. */
static int reach(enum calls_kind kind, enum subject subject, int fd, const char *path)
{
    struct calls *calls = library.calls;
    if (!calls)
        return 0;
    uint32_t number = atomic_fetch_add(&calls->counts[library.process][kind], 1) + 1;
    if (calls->process != (int32_t)library.process || calls->kind != (int32_t)kind || calls->number != number)
        return 0;
    int before = errno, given = pick(kind, subject, calls->outcome);
    char link[32], name[sizeof calls->about] = "";
    if (!path && fd >= 0) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        path = readlink(link, name, sizeof name - 1) > 0 ? name : "";
    }
    calls->errno_given = given;
    snprintf(calls->about, sizeof calls->about, "%s", path ? path : "");
    atomic_store(&calls->fired, 1);
    errno = before;
    return given;
}

static enum subject subject_of(int fd)
{
    struct stat status;
    int before = errno;
    bool is_file = fstat(fd, &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);
    errno = before;
    return is_file ? ON_FILE : ON_STREAM;
}

/* How many bytes of `count` are moved; 0: none, errno says why. */
static size_t share(enum calls_kind kind, int fd, size_t count)
{
    if (!library.calls)
        return count;
    int given = reach(kind, subject_of(fd), fd, NULL);
    if (given == SHORT && count > 1)
        return count / 2;
    if (given == 0)
        return count;
    errno = given != SHORT ? given : EINTR;
    return 0;
}

static bool fails(enum calls_kind kind, enum subject subject, int fd, const char *path)
{
    int given = reach(kind, subject, fd, path);
    if (given == 0)
        return false;
    errno = given != SHORT ? given : EIO;
    return true;
}

/* --- the process ------------------------------------------------------------------------------------------------------ */

/* An invariant that is broken, or memory. Told with where it happened, then the process dies as it would have. */
static void on_crash(int number)
{
    void *frames[40];
    atomic_store(&library.calls->crashed, (uint32_t)number);
    const char *file = getenv("BERTH_CALLS");
    char path[4096];
    snprintf(path, sizeof path, "%s.crash", file ? file : "");
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0)
        backtrace_symbols_fd(frames, backtrace(frames, 40), fd);
    raise(number);
}

static void on_end(int status, void *context)
{
    (void)context;
    if (status != 0 && library.calls)
        atomic_fetch_add(&library.calls->exits[library.process], 1);
}

static enum calls_process process_of(const char *arguments, size_t length)
{
    for (const char *at = arguments; at < arguments + length; at += strlen(at) + 1) {
        if (strcmp(at, "worker") == 0)
            return CALLS_WORKER;
        if (strncmp(at, "observer", 8) == 0)
            return CALLS_OBSERVER;
        if (strcmp(at, "notifier") == 0)
            return CALLS_NOTIFIER;
    }
    return CALLS_SUPERVISOR;
}

static struct calls *map_calls(const char *path)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    void *at = MAP_FAILED;
    if (fd >= 0)
        at = (void *)syscall(SYS_mmap, NULL, sizeof(struct calls), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0L);
    if (fd >= 0)
        syscall(SYS_close, fd);
    return at == MAP_FAILED ? NULL : at;
}

static void __attribute__((constructor)) library_start(void)
{
    static const int numbers[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
    const char *path = getenv("BERTH_CALLS"), *name = program_invocation_short_name;
    char arguments[8192] = "";
    if (!path || (strcmp(name, "berth") != 0 && strcmp(name, "berthd") != 0))
        return;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    long length = fd >= 0 ? syscall(SYS_read, fd, arguments, sizeof arguments - 1) : 0;
    if (fd >= 0)
        syscall(SYS_close, fd);
    library.process = strcmp(name, "berth") == 0 ? CALLS_BERTH : process_of(arguments, length > 0 ? (size_t)length : 0);
    library.boot = getenv("BERTH_CALLS_BOOT");
    record_start(getenv("BERTH_CALLS_DISK"), getenv("BERTH_CALLS_ROOT"));
    library.calls = map_calls(path);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaction(numbers[i], &(struct sigaction){.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND}, NULL);
    on_exit(on_end, NULL);
}

/* --- the calls: each is counted, may fail, is made, and is written down ------------------------------------------------- */

#define REAL(name)                        \
    static __typeof__(name) *real_##name; \
    if (!real_##name)                     \
    real_##name = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static int open_any(int folder, const char *path, int flags, mode_t mode)
{
    bool makes = flags & O_CREAT, on = record_on() && (flags & (O_CREAT | O_TRUNC));
    if (library.boot && strcmp(path, BOOT_ID) == 0)
        path = library.boot;
    if (fails(CALLS_OPEN, makes ? ON_STREAM : ON_FILE, -1, path))
        return -1;
    bool was_there = on && record_is_there(folder, path);
    int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
    if (fd >= 0 && on)
        record_opened(fd, was_there, flags, mode, folder, path);
    return fd;
}

static mode_t mode_of(int flags, va_list list)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, mode_t) : 0;
}

#define OPEN(name)                                    \
    int name(const char *path, int flags, ...)        \
    {                                                 \
        va_list list;                                 \
        va_start(list, flags);                        \
        mode_t mode = mode_of(flags, list);           \
        va_end(list);                                 \
        return open_any(AT_FDCWD, path, flags, mode); \
    }
#define OPENAT(name)                                       \
    int name(int folder, const char *path, int flags, ...) \
    {                                                      \
        va_list list;                                      \
        va_start(list, flags);                             \
        mode_t mode = mode_of(flags, list);                \
        va_end(list);                                      \
        return open_any(folder, path, flags, mode);        \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int folder, const char *path, int flags);
int __open_2(const char *path, int flags)
{
    return open_any(AT_FDCWD, path, flags, 0);
}
int __open64_2(const char *path, int flags)
{
    return open_any(AT_FDCWD, path, flags, 0);
}
int __openat_2(int folder, const char *path, int flags)
{
    return open_any(folder, path, flags, 0);
}

int mkostemp(char *template, int flags)
{
    REAL(mkostemp);
    if (fails(CALLS_OPEN, ON_STREAM, -1, template))
        return -1;
    int fd = real_mkostemp(template, flags);
    if (fd >= 0 && record_on())
        record_opened(fd, false, O_CREAT, 0600, AT_FDCWD, template);
    return fd;
}

int close(int fd)
{
    if (record_on())
        record_closed(fd);
    return (int)syscall(SYS_close, fd);
}

int dup2(int from, int to)
{
    if (record_on())
        record_closed(to);
    return (int)syscall(SYS_dup2, from, to);
}

ssize_t read(int fd, void *bytes, size_t count)
{
    size_t part = share(CALLS_READ, fd, count);
    return part == 0 && count > 0 ? -1 : syscall(SYS_read, fd, bytes, part);
}

/* A file is read whole or not at all; where a stream may give less. */
static ssize_t pread_any(int fd, void *bytes, size_t count, off_t offset)
{
    size_t part = share(CALLS_READ, fd, count);
    return part == 0 && count > 0 ? -1 : syscall(SYS_pread64, fd, bytes, part, offset);
}
ssize_t pread(int fd, void *bytes, size_t count, off_t offset)
{
    return pread_any(fd, bytes, count, offset);
}
ssize_t pread64(int fd, void *bytes, size_t count, off_t offset)
{
    return pread_any(fd, bytes, count, offset);
}

ssize_t recv(int fd, void *bytes, size_t count, int flags)
{
    size_t part = share(CALLS_READ, fd, count);
    return part == 0 && count > 0 ? -1 : syscall(SYS_recvfrom, fd, bytes, part, flags, NULL, NULL);
}

ssize_t write(int fd, const void *bytes, size_t count)
{
    size_t part = share(CALLS_WRITE, fd, count);
    ssize_t put = part == 0 && count > 0 ? -1 : syscall(SYS_write, fd, bytes, part);
    if (put > 0 && record_on())
        record_write(fd, bytes, (size_t)put, -1);
    return put;
}

static ssize_t pwrite_any(int fd, const void *bytes, size_t count, off_t offset)
{
    size_t part = share(CALLS_WRITE, fd, count);
    ssize_t put = part == 0 && count > 0 ? -1 : syscall(SYS_pwrite64, fd, bytes, part, offset);
    if (put > 0 && record_on())
        record_write(fd, bytes, (size_t)put, offset);
    return put;
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    return pwrite_any(fd, bytes, count, offset);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset)
{
    return pwrite_any(fd, bytes, count, offset);
}

ssize_t send(int fd, const void *bytes, size_t count, int flags)
{
    size_t part = share(CALLS_WRITE, fd, count);
    return part == 0 && count > 0 ? -1 : syscall(SYS_sendto, fd, bytes, part, flags, NULL, 0);
}

static int sync_any(int fd, long number)
{
    if (fails(CALLS_SYNC, ON_FILE, fd, NULL))
        return -1;
    return record_on() && record_sync(fd) ? 0 : (int)syscall(number, fd);
}
int fsync(int fd)
{
    return sync_any(fd, SYS_fsync);
}
int fdatasync(int fd)
{
    return sync_any(fd, SYS_fdatasync);
}

static int cut_any(int fd, off_t length)
{
    if (fails(CALLS_TRUNCATE, ON_FILE, fd, NULL))
        return -1;
    int result = (int)syscall(SYS_ftruncate, fd, length);
    if (result == 0 && record_on())
        record_cut(fd, length);
    return result;
}
int ftruncate(int fd, off_t length)
{
    return cut_any(fd, length);
}
int ftruncate64(int fd, off_t length)
{
    return cut_any(fd, length);
}

int fchmod(int fd, mode_t mode)
{
    int result = (int)syscall(SYS_fchmod, fd, mode);
    if (result == 0 && record_on())
        record_mode(fd, mode);
    return result;
}

static int rename_any(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    if (fails(CALLS_RENAME, ON_FILE, -1, to))
        return -1;
    int result = (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    if (result == 0 && record_on())
        record_paths(DISK_RENAME, from_folder, from, to_folder, to);
    return result;
}
int rename(const char *from, const char *to)
{
    return rename_any(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    return rename_any(from_folder, from, to_folder, to, flags);
}

int link(const char *from, const char *to)
{
    if (fails(CALLS_LINK, ON_FILE, -1, to))
        return -1;
    int result = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (result == 0 && record_on())
        record_paths(DISK_LINK, AT_FDCWD, from, AT_FDCWD, to);
    return result;
}

int symlinkat(const char *target, int folder, const char *path)
{
    if (fails(CALLS_LINK, ON_FILE, -1, path))
        return -1;
    int result = (int)syscall(SYS_symlinkat, target, folder, path);
    if (result == 0 && record_on())
        record_symlink(target, folder, path);
    return result;
}

int mkdirat(int folder, const char *path, mode_t mode)
{
    if (fails(CALLS_MKDIR, ON_FILE, -1, path))
        return -1;
    int result = (int)syscall(SYS_mkdirat, folder, path, mode);
    if (result == 0 && record_on())
        record_path(DISK_MKDIR, folder, path, 0, mode);
    return result;
}
int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

int mknod(const char *path, mode_t mode, dev_t device)
{
    if (fails(CALLS_OPEN, ON_STREAM, -1, path))
        return -1;
    int result = (int)syscall(SYS_mknodat, AT_FDCWD, path, mode, device);
    if (result == 0 && record_on())
        record_path(DISK_CREATE, AT_FDCWD, path, 0, mode);
    return result;
}

int unlinkat(int folder, const char *path, int flags)
{
    if (fails(CALLS_UNLINK, ON_FILE, -1, path))
        return -1;
    int result = (int)syscall(SYS_unlinkat, folder, path, flags);
    if (result == 0 && record_on())
        record_path(DISK_REMOVE, folder, path, 0, 0);
    return result;
}
int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}
int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

static int control_any(int fd, int command, void *argument)
{
    bool waits = command == F_SETLKW || command == F_OFD_SETLKW;
    bool unlocks = (waits || command == F_SETLK || command == F_OFD_SETLK) && argument &&
                   ((const struct flock *)argument)->l_type == F_UNLCK;
    if ((waits || command == F_SETLK || command == F_OFD_SETLK) && !unlocks &&
        fails(CALLS_LOCK, waits ? ON_STREAM : ON_FILE, fd, NULL))
        return -1;
    return (int)syscall(SYS_fcntl, fd, command, argument);
}
#define CONTROL(name)                              \
    int name(int fd, int command, ...)             \
    {                                              \
        va_list list;                              \
        va_start(list, command);                   \
        void *argument = va_arg(list, void *);     \
        va_end(list);                              \
        return control_any(fd, command, argument); \
    }
CONTROL(fcntl)
CONTROL(fcntl64)

/* A child that borrows memory cannot return through this function: it gets its own. */
pid_t vfork(void)
{
    REAL(vfork);
    if (!library.calls)
        return fork();
    return fails(CALLS_FORK, ON_FILE, -1, NULL) ? -1 : fork();
}

#define DESCRIPTOR(result, name, parameters, arguments)  \
    result name parameters                               \
    {                                                    \
        REAL(name);                                      \
        if (fails(CALLS_DESCRIPTOR, ON_FILE, -1, #name)) \
            return -1;                                   \
        return real_##name arguments;                    \
    }
DESCRIPTOR(int, pipe2, (int ends[2], int flags), (ends, flags))
DESCRIPTOR(int, socketpair, (int domain, int type, int protocol, int ends[2]), (domain, type, protocol, ends))
DESCRIPTOR(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
DESCRIPTOR(int, eventfd, (unsigned count, int flags), (count, flags))
DESCRIPTOR(int, epoll_create1, (int flags), (flags))
DESCRIPTOR(int, inotify_init1, (int flags), (flags))
DESCRIPTOR(int, pidfd_open, (pid_t pid, unsigned flags), (pid, flags))

int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    REAL(inotify_add_watch);
    return fails(CALLS_WATCH, ON_FILE, -1, path) ? -1 : real_inotify_add_watch(fd, path, mask);
}

static void *map_any(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
    if (fd >= 0 && fails(CALLS_MAP, ON_FILE, fd, NULL))
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, length, protection, flags, fd, offset);
}
void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
    return map_any(at, length, protection, flags, fd, offset);
}
void *mmap64(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
    return map_any(at, length, protection, flags, fd, offset);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    REAL(poll);
    return fails(CALLS_POLL, ON_FILE, -1, "poll") ? -1 : real_poll(fds, count, timeout);
}
int epoll_wait(int fd, struct epoll_event *events, int most, int timeout)
{
    REAL(epoll_wait);
    return fails(CALLS_POLL, ON_FILE, -1, "epoll_wait") ? -1 : real_epoll_wait(fd, events, most, timeout);
}
int epoll_pwait(int fd, struct epoll_event *events, int most, int timeout, const sigset_t *mask)
{
    REAL(epoll_pwait);
    return fails(CALLS_POLL, ON_FILE, -1, "epoll_pwait") ? -1 : real_epoll_pwait(fd, events, most, timeout, mask);
}
