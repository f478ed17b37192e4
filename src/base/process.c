/* SPDX-License-Identifier: ISC */
/* Starting child processes and waiting for them. */
#include "berth/base/process.h"

#include "base/proc_stat.h"
#include "berth/base/file.h"
#include "berth/base/memory.h"
#include "berth/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char default_path[] = "/usr/local/bin:/usr/bin:/bin";

/* Everything the child needs, made before the fork: between fork and exec only async-signal-safe calls are allowed. */
struct launch {
    char *program;
    const struct process_spec *spec;
    char *const *environment;
    int *fds;   /* what becomes 0, 1, 2, 3, … */
    int *moved; /* the same, out of the way of these numbers */
    int fd_count;
    int report; /* where the child writes why it could not start */
    pid_t parent;
};
enum stage { STAGE_DESCRIPTORS, STAGE_FOLDER, STAGE_SESSION, STAGE_PROGRAM };
struct report {
    enum stage stage;
    int errno_value;
};

static const char *value_of(const char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; *environment; environment++) {
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    }
    return NULL;
}

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* The program's path by PATH, whose relative entries are left out. NULL when it is in none. The caller frees. */
static char *find_program(const char *name, const char *const *environment)
{
    if (strchr(name, '/'))
        return mem_strdup(name);
    const char *path = value_of(environment, "PATH");
    for (const char *at = path ? path : default_path; *at && *name;) {
        size_t length = strcspn(at, ":");
        if (*at == '/') {
            char *candidate = path_printf("%.*s/%s", (int)length, at, name);
            if (is_program(candidate))
                return candidate;
            free(candidate);
        }
        at += length + (at[length] == ':');
    }
    return NULL;
}

static void BERTH_NORETURN give_up(const struct launch *launch, enum stage stage)
{
    struct report report = {stage, errno};
    ssize_t ignored = write(launch->report, &report, sizeof report);
    (void)ignored;
    _exit(127);
}

static void reset_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &action, NULL); /* fails for SIGKILL, SIGSTOP and the C library's own */
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Moves all out of the way first, so that none is overwritten before it was duplicated. */
static void arrange_descriptors(struct launch *launch)
{
    int report = fcntl(launch->report, F_DUPFD_CLOEXEC, launch->fd_count);
    if (report < 0)
        give_up(launch, STAGE_DESCRIPTORS);
    launch->report = report;
    for (int i = 0; i < launch->fd_count; i++) {
        int fd = launch->fds[i] < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : launch->fds[i];
        launch->moved[i] = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, launch->fd_count);
        if (launch->moved[i] < 0)
            give_up(launch, STAGE_DESCRIPTORS);
    }
    for (int i = 0; i < launch->fd_count; i++) {
        if (dup2(launch->moved[i], i) < 0)
            give_up(launch, STAGE_DESCRIPTORS);
    }
    /* An old kernel without it loses only the net under what is close-on-exec already. */
    (void)close_range((unsigned)launch->fd_count, ~0U, CLOSE_RANGE_CLOEXEC);
}

static void BERTH_NORETURN run_child(struct launch *launch)
{
    const struct process_spec *spec = launch->spec;
    arrange_descriptors(launch);
    if ((spec->flags & PROCESS_NEW_SESSION) && setsid() < 0)
        give_up(launch, STAGE_SESSION);
    if (spec->flags & PROCESS_DIE_WITH_PARENT) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
            give_up(launch, STAGE_SESSION);
        if (getppid() != launch->parent)
            _exit(127); /* it died before it could be asked for */
    }
    if (spec->folder && chdir(spec->folder) != 0)
        give_up(launch, STAGE_FOLDER);
    reset_signals();
    execve(launch->program, (char *const *)(uintptr_t)spec->argv, launch->environment);
    give_up(launch, STAGE_PROGRAM);
}

static bool explain(const struct launch *launch, const struct report *report, struct error *error)
{
    const char *name = launch->spec->argv[0];
    int number = report->errno_value;
    bool missing = number == ENOENT || number == ENOTDIR;
    switch (report->stage) {
    case STAGE_DESCRIPTORS: return error_errno(error, ERROR_IO, number, "cannot start %s: its descriptors", name);
    case STAGE_SESSION: return error_errno(error, ERROR_IO, number, "cannot start %s: its session", name);
    case STAGE_FOLDER:
        return error_errno(error, missing ? ERROR_NOT_FOUND : ERROR_IO, number, "cannot start %s in %s", name,
                           launch->spec->folder);
    case STAGE_PROGRAM: break;
    }
    error_errno(error, missing ? ERROR_NOT_FOUND : ERROR_IO, number, "cannot start %s", name);
    if (number == ENOEXEC)
        return error_hint(error, "begin the script with a line such as #!/bin/sh");
    if (number == EACCES)
        return error_hint(error, "make it executable: chmod +x %s", name);
    if (number == ENOENT && strchr(name, '/'))
        return error_hint(error, "it is not there, or the interpreter of its first line is not");
    return false;
}

static bool fork_and_exec(struct launch *launch, struct process *process, struct error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_errno(error, ERROR_IO, errno, "cannot start %s", launch->spec->argv[0]);
    launch->report = ends[1];
    launch->parent = getpid();
    sigset_t all, before; /* no handler of the parent may run in the child */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    /* Copying the parent's page tables would cost more than all the rest; the child borrows its memory until exec. */
    pid_t pid = vfork();
    if (pid == 0)
        run_child(launch);
    int fork_errno = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return error_errno(error, ERROR_IO, fork_errno, "cannot start %s", launch->spec->argv[0]);
    }
    struct report report;
    ssize_t got;
    do
        got = read(ends[0], &report, sizeof report);
    while (got < 0 && errno == EINTR);
    close(ends[0]);
    if (got == (ssize_t)sizeof report) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
        return explain(launch, &report, error);
    }
    process->pid = pid;
    process->pid_fd = pidfd_open(pid, 0); /* close-on-exec always */
    (void)process_start_ticks(pid, &process->start_ticks);
    return true;
}

bool process_start(const struct process_spec *spec, struct process *process, struct error *error)
{
    *process = (struct process){.pid_fd = -1};
    const char *const *environment = spec->environment ? spec->environment : (const char *const *)(uintptr_t)environ;
    struct launch launch = {.spec = spec, .environment = (char *const *)(uintptr_t)environment};
    launch.program = find_program(spec->program ? spec->program : spec->argv[0], environment);
    if (!launch.program) {
        const char *path = value_of(environment, "PATH");
        error_set(error, ERROR_NOT_FOUND, "cannot start %s", spec->argv[0]);
        error_detail(error, "no such program in %s", path ? path : default_path);
        return error_hint(error, "install it, or name it with its path");
    }
    BUG_ON(spec->extra_count > INT_MAX / 2);
    launch.fd_count = 3 + (int)spec->extra_count;
    launch.fds = mem_zero((size_t)launch.fd_count, 2 * sizeof *launch.fds);
    launch.moved = launch.fds + launch.fd_count;
    const int standard[] = {spec->input_fd, spec->output_fd, spec->error_fd};
    for (int i = 0; i < launch.fd_count; i++)
        launch.fds[i] = i < 3 ? standard[i] : spec->extra_fds[i - 3];
    bool started = fork_and_exec(&launch, process, error);
    free(launch.fds);
    free(launch.program);
    return started;
}

bool process_wait(struct process *process, int *status, struct error *error)
{
    pid_t reaped;
    do
        reaped = waitpid(process->pid, status, 0);
    while (reaped < 0 && errno == EINTR);
    return reaped == process->pid ||
           error_errno(error, ERROR_IO, errno, "cannot wait for the process %ld", (long)process->pid);
}

bool process_poll(struct process *process, int *status)
{
    pid_t reaped;
    do
        reaped = waitpid(process->pid, status, WNOHANG);
    while (reaped < 0 && errno == EINTR);
    if (reaped < 0)
        *status = PROCESS_STATUS_UNKNOWN;
    return reaped != 0;
}

bool process_signal(const struct process *process, int signal_number)
{
    if (process->pid <= 0)
        return false;
    if (process->pid_fd >= 0)
        return pidfd_send_signal(process->pid_fd, signal_number, NULL, 0) == 0;
    return process_alive(process->pid, process->start_ticks) && kill(process->pid, signal_number) == 0;
}

void process_release(struct process *process)
{
    if (process && process->pid_fd >= 0)
        close(process->pid_fd);
    if (process)
        *process = (struct process){.pid_fd = -1};
}

bool process_alive(pid_t pid, uint64_t start_ticks)
{
    struct proc_stat stat;
    return proc_stat_read(pid, &stat) && stat.start_ticks == start_ticks && !proc_stat_ended(&stat);
}

void process_endure(enum process_endures what)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGXFSZ, &ignore, NULL);
    if (what == PROCESS_PIPES)
        (void)sigaction(SIGPIPE, &ignore, NULL);
}

bool process_stopped(pid_t pid, uint64_t start_ticks)
{
    struct proc_stat stat;
    return proc_stat_read(pid, &stat) && stat.start_ticks == start_ticks && (stat.state == 'T' || stat.state == 't');
}

bool process_start_ticks(pid_t pid, uint64_t *start_ticks)
{
    struct proc_stat stat;
    if (!proc_stat_read(pid, &stat))
        return false;
    *start_ticks = stat.start_ticks;
    return true;
}

void process_boot_id(char boot[40])
{
    struct str text = STR_INIT;
    boot[0] = '\0';
    if (file_read("/proc/sys/kernel/random/boot_id", 128, &text, NULL)) {
        text_copy(boot, 40, text.data);
        boot[strcspn(boot, "\n")] = '\0';
    }
    str_release(&text);
}

void process_status_text(struct str *out, int status)
{
    if (status == PROCESS_STATUS_UNKNOWN) {
        str_add(out, "ended, nobody knows how");
    } else if (WIFEXITED(status)) {
        str_addf(out, "exit %d", WEXITSTATUS(status));
    } else if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        if (name)
            str_addf(out, "killed by SIG%s", name);
        else
            str_addf(out, "killed by signal %d", WTERMSIG(status));
    } else {
        str_addf(out, "status 0x%x", (unsigned)status);
    }
}
