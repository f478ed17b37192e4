/* SPDX-License-Identifier: ISC */
/* Starting berthd in the background, as tmux starts its server, and waiting until it serves. */
#include "cli/output.h"

#include "berth/base/file.h"
#include "berth/base/log.h"
#include "berth/base/process.h"
#include "berth/base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERVING_LIMIT_MS (30 * MS_SECOND) /* a first listing of a large repository is not waited for, only serving */
#define LOG_SHOWN 800                     /* bytes of berthd.log in an error */
#define LOG_LIMIT (64u << 20)
#define LOOK_AGAIN_MS 50
#define SETTLE_LIMIT_MS (2 * MS_SECOND)
#define SETTLE_AGAIN_MS 5
#define STARTS_MOST 5 /* by one command */

bool daemon_runs(const char *store_folder)
{
    char *path = path_join(store_folder, "berthd.lock");
    bool locked = file_locked(path);

    free(path);
    return locked;
}

const char *daemon_absent(struct cli *cli)
{
    struct daemon daemon;

    if (daemon_runs(cli->store_folder))
        return "";
    if (store_get(cli->store, &daemon_type, "berthd", &cli->arena, &daemon, NULL) != STORE_FOUND)
        return "nobody serves this workspace: no berthd ever did";
    if (daemon.ended_at != 0)
        return arena_printf(&cli->arena, "nobody serves this workspace since %s (%s)",
                            shown_instant(cli, daemon.ended_at), shown_ago(cli, daemon.ended_at, time_now_ms()));
    return arena_printf(&cli->arena, "nobody serves this workspace: the berthd of %s ended without a word",
                        shown_instant(cli, daemon.started_at));
}

bool daemon_is_stopped(const struct daemon *daemon)
{
    return daemon->ended_at == 0 && process_stopped((pid_t)daemon->pid, (uint64_t)daemon->start_ticks);
}

const char *daemon_silent(struct cli *cli)
{
    struct daemon daemon;

    if (store_get(cli->store, &daemon_type, "berthd", &cli->arena, &daemon, NULL) != STORE_FOUND ||
        daemon.ended_at != 0)
        return "berthd is starting";
    if (daemon_is_stopped(&daemon))
        return arena_printf(&cli->arena, "berthd (pid %lld) is stopped: kill -CONT %lld", (long long)daemon.pid,
                            (long long)daemon.pid);
    return arena_printf(&cli->arena, "berthd (pid %lld) works on something else, or cannot write: berth doctor",
                        (long long)daemon.pid);
}

/* Beside this program; else where it is installed; else by PATH. */
static const char *daemon_program(struct cli *cli)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    const char *installed[] = {BERTH_BINDIR "/berthd", BERTH_LIBEXECDIR "/berth/berthd"};

    if (length > 0) {
        char *slash;

        self[length] = '\0';
        slash = strrchr(self, '/');
        if (slash != NULL) {
            const char *beside = arena_printf(&cli->arena, "%.*s/berthd", (int)(slash - self), self);

            if (access(beside, X_OK) == 0)
                return beside;
        }
    }
    for (size_t i = 0; i < sizeof installed / sizeof *installed; i++) {
        if (access(installed[i], X_OK) == 0)
            return installed[i];
    }
    return "berthd";
}

void daemon_forget(struct cli *cli)
{
    if (cli->daemon.pid != 0) /* zeroed, it owns no descriptor */
        process_release(&cli->daemon);
    cli->daemon = (struct process){0};
}

bool daemon_start(struct cli *cli, struct error *error)
{
    const char *argv[] = {daemon_program(cli), "--store",       cli->store_folder,
                          "--repository",      cli->repository, "--workspace",
                          cli->workspace,      "--foreground",  NULL};
    struct process_spec spec = {
        .argv = argv, .folder = "/", .input_fd = -1, .output_fd = -1, .flags = PROCESS_NEW_SESSION};
    char *log;
    bool started;

    if (!folder_make(cli->store_folder, 0700, error))
        return error_context(error, "cannot make the store's folder");
    log = path_join(cli->store_folder, "berthd.log");
    spec.error_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    free(log);
    if (spec.error_fd < 0)
        return error_errno(error, ERROR_IO, errno, "cannot write berthd.log in %s", cli->store_folder);
    log_line("cli", LOG_INFO, "starting %s for %s", argv[0], cli->store_folder);
    daemon_forget(cli);
    cli->daemon_starts++;
    started = process_start(&spec, &cli->daemon, error);
    close(spec.error_fd);
    if (!started) {
        error_context(error, "cannot start berthd");
        return error_hint(error, "install berthd beside berth, or put it in PATH");
    }
    return true;
}

static bool serves(struct cli *cli)
{
    struct error ignored;
    struct store *store = store_open(cli->store_folder, STORE_READER, &ignored);
    struct daemon daemon;
    bool yes;

    if (store == NULL)
        return false;
    yes = store_get(store, &daemon_type, "berthd", &cli->arena, &daemon, &ignored) == STORE_FOUND &&
          (text_equal(daemon.state, "serving") || text_equal(daemon.state, "draining"));
    store_close(store);
    return yes && daemon_runs(cli->store_folder);
}

static void add_log_end(struct cli *cli, struct error *error)
{
    char *path = path_join(cli->store_folder, "berthd.log");
    struct str text = STR_INIT;

    if (file_read(path, LOG_LIMIT, &text, NULL) && text.length > 0) {
        const char *end = text.data + (text.length > LOG_SHOWN ? text.length - LOG_SHOWN : 0);
        const char *line = end == text.data ? end : strchr(end, '\n');

        error_detail(error, "%s", line == NULL ? end : line + (*line == '\n'));
    }
    error_hint(error, "all it said is in %s", path);
    str_release(&text);
    free(path);
}

static bool did_not_serve(struct cli *cli, enum error_code code, const char *what, struct error *error)
{
    error_set(error, code, "berthd of %s %s", cli->workspace, what);
    add_log_end(cli, error);
    return false;
}

bool daemon_wait(struct cli *cli, struct error *error)
{
    int64_t deadline = time_monotonic_ms() + SERVING_LIMIT_MS;

    while (!serves(cli)) {
        int status;

        /* another one may have been faster and hold the lock */
        if (cli->daemon.pid != 0 && process_poll(&cli->daemon, &status) && !daemon_runs(cli->store_folder)) {
            if (serves(cli))
                return true;
            return did_not_serve(cli, ERROR_UNREACHABLE, "did not start", error);
        }
        if (time_monotonic_ms() > deadline)
            return did_not_serve(cli, ERROR_TIMEOUT, "does not serve yet", error);
        (void)poll(NULL, 0, LOOK_AGAIN_MS);
    }
    return true;
}

void daemon_settle(struct cli *cli)
{
    int64_t deadline = time_monotonic_ms() + SETTLE_LIMIT_MS;
    int status;

    while (!daemon_runs(cli->store_folder) && time_monotonic_ms() < deadline) {
        if (process_poll(&cli->daemon, &status)) {
            log_line("cli", LOG_WARNING, "berthd ended at once; what is shown may be old: look at %s/berthd.log",
                     cli->store_folder);
            return;
        }
        (void)poll(NULL, 0, SETTLE_AGAIN_MS);
    }
}

bool daemon_ensure(struct cli *cli, struct error *error)
{
    int status;

    if (daemon_runs(cli->store_folder) || (cli->daemon.pid != 0 && !process_poll(&cli->daemon, &status)))
        return true;
    if (daemon_runs(cli->store_folder)) /* another one was faster than ours */
        return true;
    if (cli->daemon_starts >= STARTS_MOST)
        return did_not_serve(cli, ERROR_UNREACHABLE, "does not stay up", error);
    return daemon_start(cli, error);
}
