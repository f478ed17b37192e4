/* SPDX-License-Identifier: ISC */
/* berth doctor: what is missing or wrong for this workspace, and what to do about it. Changes nothing. */
#include "cli/output.h"

#include "berth/base/file.h"
#include "berth/base/process.h"
#include "berth/base/time.h"
#include "berth/store_trouble.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DISK_LOW_BYTES (INT64_C(1) << 30)
#define CLOCK_SLACK_MS MS_MINUTE
#define TOOL_LIMIT_MS (5 * MS_SECOND)
#define WRITING_LIMIT_MS MS_SECOND
#define ROWS_SHOWN 20  /* of those that cannot be read */
#define LINE_LIMIT 256 /* of what a tool says of its version */

enum finding { FINDING_GOOD, FINDING_WARNING, FINDING_BAD };
struct report {
    struct cli *cli;
    json_t *list; /* of {"check","state","found","next"} */
    bool bad;
};

static void find(struct report *report, enum finding finding, const char *check, const char *next, const char *format,
                 ...) BERTH_PRINTF(5, 6);
static void find(struct report *report, enum finding finding, const char *check, const char *next, const char *format,
                 ...)
{
    static const char *const states[] = {"ok", "warning", "missing"};
    struct str found = STR_INIT;
    json_t *item = json_object();
    va_list arguments;

    va_start(arguments, format);
    str_addv(&found, format, arguments);
    va_end(arguments);
    json_object_set_new(item, "check", json_string(check));
    json_object_set_new(item, "state", json_string(states[finding]));
    json_object_set_new(item, "found", json_string(shown(report->cli, found.data)));
    json_object_set_new(item, "next", json_string(next));
    json_array_append_new(report->list, item);
    report->bad |= finding == FINDING_BAD;
    str_release(&found);
}

/* Reads to the end, for a tool that cannot write the rest of what it says fails; of it only the beginning is kept. */
static void read_all(int fd, char *text, size_t size, int64_t deadline)
{
    char rest[LINE_LIMIT];
    size_t used = 0;

    for (;;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int64_t left = deadline - time_monotonic_ms();
        bool fits = used + 1 < size;
        ssize_t length;

        if (left <= 0 || poll(&ready, 1, (int)left) != 1)
            break;
        length = fits ? read(fd, text + used, size - 1 - used) : read(fd, rest, sizeof rest);
        if (length <= 0)
            break;
        used += fits ? (size_t)length : 0;
    }
    text[used] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

/* The first line of what a program says; false when it is not there, fails or says nothing in time. */
static bool first_line(struct cli *cli, const char *name, const char *option, const char **line)
{
    const char *argv[] = {name, option, NULL};
    struct process_spec spec = {.argv = argv, .input_fd = -1, .error_fd = -1};
    struct process process = {.pid_fd = -1};
    int64_t deadline = time_monotonic_ms() + TOOL_LIMIT_MS;
    struct error error;
    char text[LINE_LIMIT] = "";
    int ends[2], status = 1;
    bool done;

    *line = "";
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    spec.output_fd = ends[1];
    done = process_start(&spec, &process, &error);
    close(ends[1]);
    if (done)
        read_all(ends[0], text, sizeof text, deadline);
    close(ends[0]);
    if (done && time_monotonic_ms() >= deadline)
        process_signal(&process, SIGKILL);
    done = done && process_wait(&process, &status, &error) && status == 0;
    process_release(&process);
    *line = arena_strdup(&cli->arena, text);
    return done;
}

static void look_at_program(struct report *report, const char *name, const char *option, const char *why)
{
    struct cli *cli = report->cli;
    const char *line;

    if (first_line(cli, name, option, &line))
        find(report, FINDING_GOOD, name, "", "%s", line);
    else
        find(report, FINDING_WARNING, name, arena_printf(&cli->arena, "install %s; %s", name, why),
             "not found, or it fails");
}

static void look_at_terminal(struct report *report)
{
    struct cli *cli = report->cli;
    const char *term = getenv("TERM");

    find(report, cli->ascii ? FINDING_WARNING : FINDING_GOOD, "terminal",
         cli->ascii ? "set LANG to a UTF-8 locale (C.UTF-8 is always there) to see names as they are" : "",
         "%s, TERM=%s, %s, %s", cli->terminal ? "standard output is one" : "standard output is none",
         text_empty(term) ? "" : term, cli->ascii ? "no UTF-8" : "UTF-8", cli->colour ? "colours" : "no colours");
}

static void look_at_disk(struct report *report)
{
    const char *folder = report->cli->store_folder;
    struct statvfs space;
    struct error error;

    if (!folder_is_local(folder, &error)) {
        find(report, FINDING_BAD, "disk", error.hint, "%s", error.message);
        return;
    }
    if (statvfs(folder, &space) != 0) {
        find(report, FINDING_BAD, "disk", "", "cannot look at %s", folder);
        return;
    }
    if (access(folder, W_OK) != 0) {
        find(report, FINDING_BAD, "disk", "make it writable, or look with another user", "cannot write in %s: %s",
             folder, strerror(errno));
        return;
    }
    {
        int64_t free_bytes = (int64_t)space.f_bavail * (int64_t)space.f_frsize;

        find(report, free_bytes < DISK_LOW_BYTES ? FINDING_WARNING : FINDING_GOOD, "disk",
             free_bytes < DISK_LOW_BYTES ? "make room: logs and mirrors need some" : "", "%lld MB free where %s lies",
             (long long)(free_bytes >> 20), folder);
    }
}

static void look_at_trouble(struct report *report, const struct daemon *daemon, int64_t now)
{
    struct cli *cli = report->cli;
    struct trouble trouble;
    bool over;

    if (!trouble_read(cli->store_folder, &cli->arena, &trouble))
        return;
    /* one that began after it serves, so what hindered the start is over too */
    over = trouble.over_at != 0 || (text_equal(daemon->state, "serving") && daemon->started_at > trouble.last_at);
    if (over)
        find(report, FINDING_GOOD, "last error", "", "%s, over since then: %s", shown_ago(cli, trouble.last_at, now),
             trouble.text);
    else
        find(report, FINDING_WARNING, "last error",
             arena_printf(&cli->arena, "berthd tries again by itself; all it said is in %s/berthd.log",
                          cli->store_folder),
             "%s, %lld times since %s: %s", shown_ago(cli, trouble.last_at, now), (long long)trouble.times,
             shown_instant(cli, trouble.first_at), trouble.text);
}

/* Every writer waits for it: held for long, nothing is stored. */
static void look_at_writing(struct report *report)
{
    char *path = path_join(report->cli->store_folder, "store.write");
    struct file_lock lock;
    struct error error = {0};

    if (!file_locked(path)) {
        free(path);
        return;
    }
    if (file_lock_within(&lock, path, WRITING_LIMIT_MS, &error))
        file_unlock(&lock);
    else
        find(report, FINDING_BAD, "writing", "nothing can be stored before it lets go", "%s", error.message);
    free(path);
}

static void look_at_daemon(struct report *report, int64_t now)
{
    struct cli *cli = report->cli;
    struct daemon daemon = {.state = "", .version = "", .ends_when = ""};
    const char *absent = daemon_absent(cli);
    struct error error;
    bool known = store_get(cli->store, &daemon_type, "berthd", &cli->arena, &daemon, &error) == STORE_FOUND;

    if (!text_empty(absent))
        find(report, FINDING_GOOD, "berthd", "the next command that needs it starts one", "%s", absent);
    else if (!known || text_equal(daemon.state, "ended") || text_equal(daemon.state, "starting"))
        find(report, FINDING_GOOD, "berthd", "", "starting");
    else if (daemon_is_stopped(&daemon))
        find(report, FINDING_BAD, "berthd", arena_printf(&cli->arena, "kill -CONT %lld", (long long)daemon.pid),
             "process %lld is stopped: it answers nothing", (long long)daemon.pid);
    else
        find(report, FINDING_GOOD, "berthd", "", "%s since %s (%s), version %s, process %lld, epoch %lld%s%s",
             daemon.state, shown_instant(cli, daemon.started_at), shown_ago(cli, daemon.started_at, now),
             daemon.version, (long long)daemon.pid, (long long)daemon.epoch,
             text_empty(daemon.ends_when) ? "" : "; stays for: ", text_empty(daemon.ends_when) ? "" : daemon.ends_when);
    if (text_empty(absent) && known && !text_equal(daemon.version, PACKAGE_VERSION))
        find(report, FINDING_WARNING, "versions", "berth stop; the next command starts the new one",
             "berth %s, berthd %s", PACKAGE_VERSION, daemon.version);
    look_at_trouble(report, &daemon, now);
}

/* What was recorded cannot lie in the future. */
static void look_at_clock(struct report *report, int64_t now)
{
    struct cli *cli = report->cli;
    struct audit *rows;
    size_t count;
    struct error error;

    if (session_list(cli, &audit_type, NULL, NULL, true, 1, &rows, &count, &error) && count == 1 &&
        rows[0].at > now + CLOCK_SLACK_MS)
        find(report, FINDING_WARNING, "clock", "look at the clock of this machine (timedatectl)",
             "%s, but the audit's last entry is of %s", shown_instant(cli, now), shown_instant(cli, rows[0].at));
    else
        find(report, FINDING_GOOD, "clock", "", "%s", shown_instant(cli, now));
}

static void look_at_policy(struct report *report)
{
    struct cli *cli = report->cli;

    if (text_empty(cli->policy.text))
        find(report, FINDING_BAD, "policy",
             "commit berth.yaml on the trusted ref; berth check tells what is wrong in it",
             "no berth.yaml was read from the trusted ref%s%s", text_empty(cli->policy.error) ? "" : ": ",
             text_empty(cli->policy.error) ? "" : cli->policy.error);
    else if (!text_empty(cli->policy.error))
        find(report, FINDING_WARNING, "policy", "mend berth.yaml on the trusted ref; berth check tells where",
             "that of %s is in force; a newer one was not taken: %s", shown_commit(cli, cli->policy.commit),
             cli->policy.error);
    else if (cli->config == NULL)
        find(report, FINDING_BAD, "policy", "use the berth that fits this berthd",
             "this berth cannot read the policy in force");
    else
        find(report, FINDING_GOOD, "policy", "", "%s at %s of %s", cli->policy.path,
             shown_commit(cli, cli->policy.commit), cli->policy.ref);
    if (cli->config != NULL && (cli->config->person_count == 0 || cli->config->access_count == 0))
        find(report, FINDING_GOOD, "trust", "",
             "berth.yaml maps nobody: the uid that owns this store is admin, and runs the code it deploys");
}

static void look_at_sweep(struct report *report, const struct sweep *sweep, int64_t now)
{
    struct cli *cli = report->cli;
    const char *next = sweep->next_at > now ? shown_ago(cli, sweep->next_at, now) : "as soon as somebody serves";

    if (sweep->failures > 0)
        find(report, FINDING_WARNING, "observer", arena_printf(&cli->arena, "it looks again %s", next),
             "%s failed %lld times, last %s: %s", sweep->id, (long long)sweep->failures, shown_ago(cli, sweep->at, now),
             text_empty(sweep->error) ? "it did not say why" : sweep->error);
    else
        find(report, FINDING_GOOD, "observer", "", "%s looked %s: %lld, in %s%s", sweep->id,
             shown_ago(cli, sweep->at, now), (long long)sweep->count,
             shown_took(cli, 1, 1 + (sweep->took_ms > 0 ? sweep->took_ms : 0)),
             sweep->complete ? "" : ", not all of it");
}

static void look_at_listings(struct report *report, int64_t now)
{
    struct cli *cli = report->cli;
    struct repository *rows;
    struct sweep *sweeps;
    size_t count;
    struct error error;

    if (session_list(cli, &repository_type, NULL, NULL, false, 0, &rows, &count, &error)) {
        for (size_t i = 0; i < count; i++)
            find(report, text_empty(rows[i].error) ? FINDING_GOOD : FINDING_WARNING, "repository",
                 text_empty(rows[i].error) ? "" : "look at its url and credentials",
                 "%s: %s, %lld branches, listed %s%s%s", rows[i].id,
                 text_empty(rows[i].error) ? "reachable" : "not reachable", (long long)rows[i].branches,
                 shown_ago(cli, rows[i].listed_at, now), text_empty(rows[i].error) ? "" : ": ",
                 text_empty(rows[i].error) ? "" : rows[i].error);
    }
    if (session_list(cli, &sweep_type, NULL, NULL, false, 0, &sweeps, &count, &error)) {
        for (size_t i = 0; i < count; i++)
            look_at_sweep(report, &sweeps[i], now);
    }
}

struct unread {
    struct report *report;
    const struct record_type *type;
    int64_t rows, damaged;
};

static bool count_row(const void *row, void *context)
{
    struct unread *unread = context;

    (void)row;
    unread->rows++;
    return true;
}

static void find_damaged(const char *id, const struct error *error, void *context)
{
    struct unread *unread = context;

    (void)id;
    const bool freezes = unread->type == &freeze_type;

    if (unread->damaged++ < ROWS_SHOWN)
        find(unread->report, FINDING_BAD, "rows", freezes ? "take it away: berth unfreeze all" : error->hint,
             "%s: %s; %s", error->message, error->detail,
             freezes ? "until it is gone it freezes everything" : "what depends on it is held aside");
}

/* Every row of every table is read once. */
static void look_at_rows(struct report *report)
{
    struct unread unread = {.report = report};
    struct error error;
    size_t count;
    const struct record_type *const *types = record_types(&count);

    for (size_t i = 0; i < count; i++) {
        unread.type = types[i];
        const struct store_query query = {.type = types[i], .damaged = find_damaged, .damaged_context = &unread};

        if (!store_each(report->cli->store, &query, count_row, &unread, &error)) {
            find(report, FINDING_BAD, "rows", error.hint, "%s: %s", error.message, error.detail);
            return;
        }
    }
    if (unread.damaged > ROWS_SHOWN)
        find(report, FINDING_BAD, "rows", "", "%lld more cannot be read", (long long)(unread.damaged - ROWS_SHOWN));
    if (unread.damaged == 0)
        find(report, FINDING_GOOD, "rows", "", "all %lld can be read", (long long)unread.rows);
}

/* A lock belongs to a run that works; one whose run has ended would stop everything after it. */
static void look_at_locks(struct report *report)
{
    struct cli *cli = report->cli;
    struct environment *rows;
    size_t count, held = 0, stale = 0;
    struct error error;

    if (!session_list(cli, &environment_type, NULL, NULL, false, 0, &rows, &count, &error))
        return;
    for (size_t i = 0; i < count; i++) {
        struct run run;

        if (text_empty(rows[i].lock_run))
            continue;
        held++;
        if (store_get(cli->store, &run_type, rows[i].lock_run, &cli->arena, &run, &error) == STORE_FOUND &&
            !run_ended((enum run_status)run.status))
            continue;
        stale++;
        find(report, FINDING_BAD, "locks", "berth stop, then any command: the next berthd sets it right",
             "%s is locked by run %s, which has ended", rows[i].name, rows[i].lock_run);
    }
    if (stale == 0)
        find(report, FINDING_GOOD, "locks", "", "%zu of %zu environments are locked, each by a run that works", held,
             count);
}

/* Bytes of the files that SQLite keeps, and of the logs is not asked: they are many. */
static int64_t size_of_store(struct cli *cli)
{
    static const char *const names[] = {"store.db", "store.db-wal", "berthd.log"};
    int64_t size = 0;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = path_join(cli->store_folder, names[i]);
        struct stat status;

        if (stat(path, &status) == 0)
            size += status.st_size;
        free(path);
    }
    return size;
}

/* None yet: can one be made? The nearest folder that is there decides. */
static void look_at_place(struct report *report)
{
    struct cli *cli = report->cli;
    char *folder = mem_strdup(cli->store_folder), *slash;
    struct error error;

    while (!folder_exists(folder) && (slash = strrchr(folder, '/')) != NULL && slash != folder)
        *slash = '\0';
    if (!folder_exists(folder))
        find(report, FINDING_BAD, "store", "make that folder, or set XDG_STATE_HOME", "%s is no folder", folder);
    else if (!folder_is_local(folder, &error))
        find(report, FINDING_BAD, "store", error.hint, "cannot be made: %s", error.message);
    else if (access(folder, W_OK | X_OK) != 0)
        find(report, FINDING_BAD, "store", "give yourself the right to write there, or set XDG_STATE_HOME",
             "cannot be made: uid %ld may not write in %s: %s", (long)getuid(), folder, strerror(errno));
    else
        find(report, FINDING_GOOD, "store", "berth envs makes it", "none yet in %s", cli->store_folder);
    free(folder);
}

/* The folder is the boundary: who can write in it acts with berth's rights. */
static void look_at_folder(struct report *report)
{
    struct cli *cli = report->cli;
    struct error error = {0};

    if (!folder_exists(cli->store_folder))
        return;
    if (folder_is_private(cli->store_folder, &error))
        find(report, FINDING_GOOD, "folder", "", "%s is yours alone", cli->store_folder);
    else
        find(report, FINDING_BAD, "folder", error.hint, "%s: berthd refuses it", error.message);
}

static void look_at_move(struct report *report)
{
    struct cli *cli = report->cli;
    const char *store, *before = workspace_before(cli, &store);

    if (before == NULL)
        return;
    find(report, FINDING_WARNING, "moved",
         arena_printf(&cli->arena, "%s%smv -T '%s' '%s' goes on with that one",
                      daemon_runs(store) ? "end the berthd that serves it still; " : "",
                      folder_exists(cli->store_folder) ? arena_printf(&cli->arena, "berth stop; mv '%s' '%s.new'; ",
                                                                      cli->store_folder, cli->store_folder)
                                                       : "",
                      store, cli->store_folder),
         "this repository lay in %s before, and its store is in %s", before, store);
}

static void look_at_store(struct report *report)
{
    struct cli *cli = report->cli;
    int64_t now = time_now_ms();
    struct error error;
    int64_t entries;

    look_at_folder(report);
    look_at_move(report);
    cli->store = store_open(cli->store_folder, STORE_READER, &error);
    if (cli->store == NULL && error.code == ERROR_NOT_FOUND) {
        look_at_place(report);
        look_at_trouble(report, &(struct daemon){.state = ""}, now);
        return;
    }
    if (cli->store == NULL) {
        find(report, FINDING_BAD, "store", error.hint, "%s: %s", error.message, error.detail);
        look_at_trouble(report, &(struct daemon){.state = ""}, now);
        return;
    }
    session_close(cli);
    if (!session_open(cli, STORE_READER, SESSION_AS_IT_IS, &error) || !store_verify(cli->store, &error))
        find(report, FINDING_BAD, "store", error.hint, "%s: %s", error.message, error.detail);
    else
        find(report, FINDING_GOOD, "store", "", "whole, %lld KB, schema %d (readers) and %d (writers), in %s",
             (long long)(size_of_store(cli) >> 10), STORE_READER_VERSION, STORE_WRITER_VERSION, cli->store_folder);
    if (cli->store == NULL)
        return;
    if (!store_verify_audit(cli->store, &entries, &error))
        find(report, FINDING_BAD, "audit", "berth audit verify; compare with the audit ref", "%s", error.message);
    else
        find(report, FINDING_GOOD, "audit", "", "whole: %lld entries", (long long)entries);
    look_at_rows(report);
    look_at_disk(report);
    look_at_daemon(report, now);
    look_at_writing(report);
    look_at_clock(report, now);
    look_at_policy(report);
    look_at_locks(report);
    look_at_listings(report, now);
}

/* Sentences, not columns: what was found and what to do is never cut. */
static void print_report(struct cli *cli, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *next = json_get_text(item, "next");

        print_wrapped(cli,
                      arena_printf(&cli->arena, "%-7s  %-10s  %s", json_get_text(item, "state"),
                                   json_get_text(item, "check"), json_get_text(item, "found")),
                      stdout);
        if (!text_empty(next))
            print_wrapped(cli, arena_printf(&cli->arena, "%19s  %s %s", "", cli->ascii ? "->" : "→", shown(cli, next)),
                          stdout);
    }
}

bool cli_doctor(struct cli *cli, int *status, struct error *error)
{
    struct report report = {.cli = cli, .list = json_array()};
    struct error found;

    (void)error;
    look_at_program(&report, "git", "--version",
                    "berthd packs its mirrors with it (without it they only grow), and berth demo needs it");
    look_at_program(&report, "terraform", "version", "only a template with Terraform needs it");
    look_at_terminal(&report);
    if (workspace_find(cli, &found)) {
        find(&report, FINDING_GOOD, "workspace", "", "%s: %s trusts %s", cli->workspace, cli->file, cli->repository);
        look_at_store(&report);
    } else {
        find(&report, FINDING_BAD, "workspace", found.hint, "%s", found.message);
    }
    *status = report.bad;
    if (cli->call.json) {
        print_json(report.list);
        return true;
    }
    print_report(cli, report.list);
    json_decref(report.list);
    return true;
}
