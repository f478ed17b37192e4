/* SPDX-License-Identifier: ISC */
/* Finding the processes that a dead worker left, by their environment or session, and ending them. */
#include "base/proc_stat.h"
#include "berth/base/file.h"
#include "berth/base/memory.h"
#include "berth/base/process.h"
#include "berth/base/time.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ENVIRONMENT_LIMIT ((size_t)16 << 20)
#define CHILDREN_LIMIT ((size_t)1 << 20)
#define POLL_FIRST_MS 1
#define POLL_MOST_MS 20
#define CLEAN_SCANS \
    2 /* a process can fork behind a scan that has passed its child's number, and end before it is seen */

/* `variable` is "NAME=value", or with `any_value` the name alone. */
static bool environment_holds(pid_t pid, const char *variable, bool any_value)
{
    struct str environment = STR_INIT;
    char *path = path_printf("/proc/%ld/environ", (long)pid);
    bool found = false;
    if (file_read(path, ENVIRONMENT_LIMIT, &environment, NULL)) {
        size_t wanted = strlen(variable);
        for (size_t at = 0; at < environment.length && !found;) {
            size_t length = strlen(environment.data + at);
            found = (any_value ? length > wanted && environment.data[at + wanted] == '=' : length == wanted) &&
                    memcmp(environment.data + at, variable, wanted) == 0;
            at += length + 1;
        }
    }
    free(path);
    str_release(&environment);
    return found;
}

static bool is_wanted(pid_t pid, const char *variable, pid_t session)
{
    struct proc_stat stat;
    struct stat status;
    char *path = path_printf("/proc/%ld", (long)pid);
    bool mine = lstat(path, &status) == 0 && status.st_uid == geteuid();
    free(path);
    if (!mine || !proc_stat_read(pid, &stat) || proc_stat_ended(&stat))
        return false;
    return (session && stat.session == session) || (variable && environment_holds(pid, variable, false));
}

bool process_has_variable(pid_t pid, const char *name)
{
    return environment_holds(pid, name, true);
}

uint64_t process_ticks_now(void)
{
    struct timespec now;
    long a_second = sysconf(_SC_CLK_TCK);
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * (uint64_t)a_second + (uint64_t)now.tv_nsec / (1000000000u / (uint64_t)a_second);
}

/* Orphans are given to the first thread, and nobody else starts any. */
void process_children(pid_t parent, void (*found)(pid_t pid, uint64_t start_ticks, void *context), void *context)
{
    struct str list = STR_INIT;
    struct proc_stat stat;
    const long of = parent != 0 ? (long)parent : (long)getpid();
    char *path = path_printf("/proc/%ld/task/%ld/children", of, of);
    if (file_read(path, CHILDREN_LIMIT, &list, NULL)) {
        char *end;
        for (const char *at = list.data; *at; at = end) {
            pid_t pid = (pid_t)strtol(at, &end, 10);
            if (end == at)
                break;
            if (proc_stat_read(pid, &stat) && !proc_stat_ended(&stat))
                found(pid, stat.start_ticks, context);
            end += strspn(end, " \n");
        }
    }
    free(path);
    str_release(&list);
}

size_t process_find(const char *variable, pid_t session, void (*found)(pid_t pid, void *context), void *context)
{
    DIR *folder = opendir("/proc");
    size_t count = 0;
    if (!folder)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid == getpid() || !is_wanted(pid, variable, session))
            continue;
        count++;
        if (found)
            found(pid, context);
    }
    closedir(folder);
    return count;
}

struct target {
    pid_t pid;
    uint64_t start_ticks;
};
struct hunt {
    const char *variable;
    pid_t session;
    int signal_number;
    VEC(struct target) told; /* those that have had the first signal */
};

static void signal_one(int fd, pid_t pid, int signal_number)
{
    if (fd >= 0)
        (void)pidfd_send_signal(fd, signal_number, NULL, 0);
    else
        (void)kill(pid, signal_number);
}

/* Signals the process only if it still is the one that was found: numbers are used again. */
static void send(struct hunt *hunt, pid_t pid, int signal_number)
{
    int fd = pidfd_open(pid, 0);
    bool by_number = fd < 0 && errno == ENOSYS; /* nothing better there: the check and the signal lie close together */
    if ((fd >= 0 || by_number) && is_wanted(pid, hunt->variable, hunt->session)) {
        signal_one(fd, pid, signal_number);
        if (signal_number != SIGKILL) /* a stopped one must wake to obey */
            signal_one(fd, pid, SIGCONT);
    }
    if (fd >= 0)
        close(fd);
}

bool process_signal_exactly(pid_t pid, uint64_t start_ticks, int signal_number)
{
    int fd = pidfd_open(pid, 0);
    bool there = (fd >= 0 || errno == ENOSYS) && process_alive(pid, start_ticks);
    if (there)
        signal_one(fd, pid, signal_number);
    if (fd >= 0)
        close(fd);
    return there;
}

static void send_found(pid_t pid, void *context)
{
    struct hunt *hunt = context;
    if (hunt->signal_number != 0)
        send(hunt, pid, hunt->signal_number);
}

size_t process_signal_all(const char *variable, pid_t session, int signal_number)
{
    struct hunt hunt = {.variable = variable, .session = session, .signal_number = signal_number};
    return process_find(variable, session, send_found, &hunt);
}

static void tell(pid_t pid, void *context)
{
    struct hunt *hunt = context;
    struct target target = {.pid = pid};
    if (!process_start_ticks(pid, &target.start_ticks))
        return;
    if (hunt->signal_number != SIGKILL) {
        for (size_t i = 0; i < hunt->told.count; i++) {
            if (hunt->told.items[i].pid == pid && hunt->told.items[i].start_ticks == target.start_ticks)
                return;
        }
        vec_push(&hunt->told, target);
    }
    send(hunt, pid, hunt->signal_number);
}

bool process_end_all(const char *variable, pid_t session, int first_signal, int64_t grace_ms, int64_t limit_ms,
                     struct error *error)
{
    struct hunt hunt = {.variable = variable, .session = session};
    int64_t begun_ms = time_monotonic_ms();
    int pause_ms = POLL_FIRST_MS, clean = 0;
    size_t left = 0;
    while (clean < CLEAN_SCANS) {
        int64_t passed_ms = time_monotonic_ms() - begun_ms;
        hunt.signal_number = passed_ms < grace_ms ? first_signal : SIGKILL;
        left = process_find(variable, session, tell, &hunt);
        clean = left ? 0 : clean + 1;
        if (!left)
            continue;
        if (passed_ms >= limit_ms)
            break;
        (void)poll(NULL, 0, pause_ms);
        pause_ms = pause_ms * 2 > POLL_MOST_MS ? POLL_MOST_MS : pause_ms * 2;
    }
    vec_release(&hunt.told);
    return !left ||
           error_set(error, ERROR_TIMEOUT, "%zu processes did not end within %lld ms", left, (long long)limit_ms);
}
