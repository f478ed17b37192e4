/* SPDX-License-Identifier: ISC */
/* berth doctor: what is missing or wrong for this workspace, and what to do about it. Changes nothing. */
#include "cli/output.h"

#include "berth/base/file.h"
#include "berth/base/time.h"

#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DISK_LOW_BYTES (INT64_C(1) << 30)

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

static void look_at_program(struct report *report, const char *name, const char *why)
{
    const char *argv[] = {name, "--version", NULL};
    struct process_spec spec = {.argv = argv, .input_fd = -1, .output_fd = -1, .error_fd = -1};
    struct process process = {.pid_fd = -1};
    struct error error;
    int status = 1;

    if (!process_start(&spec, &process, &error) || !process_wait(&process, &status, &error))
        find(report, FINDING_WARNING, name, arena_printf(&report->cli->arena, "install %s", name), "not found: %s",
             why);
    else
        find(report, status == 0 ? FINDING_GOOD : FINDING_WARNING, name, "",
             status == 0 ? "found" : "found, but it fails");
    process_release(&process);
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
    {
        int64_t free_bytes = (int64_t)space.f_bavail * (int64_t)space.f_frsize;

        find(report, free_bytes < DISK_LOW_BYTES ? FINDING_WARNING : FINDING_GOOD, "disk",
             free_bytes < DISK_LOW_BYTES ? "make room: logs and mirrors need some" : "", "%lld MB free where %s lies",
             (long long)(free_bytes >> 20), folder);
    }
}

static void look_at_daemon(struct report *report)
{
    struct cli *cli = report->cli;
    struct daemon daemon;
    struct error error;

    if (!daemon_runs(cli->store_folder)) {
        find(report, FINDING_GOOD, "berthd", "", "none serves now; the next command that needs it starts one");
        return;
    }
    if (store_get(cli->store, &daemon_type, "berthd", &cli->arena, &daemon, &error) != STORE_FOUND) {
        find(report, FINDING_WARNING, "berthd", "look at berthd.log in the store's folder",
             "starting, or older than its table");
        return;
    }
    if (text_equal(daemon.state, "ended")) {
        find(report, FINDING_GOOD, "berthd", "", "starting");
        return;
    }
    find(report, FINDING_GOOD, "berthd", "", "%s, started %s, process %lld, epoch %lld%s%s", daemon.state,
         shown_instant(cli, daemon.started_at), (long long)daemon.pid, (long long)daemon.epoch,
         text_empty(daemon.ends_when) ? "" : "; stays for: ", text_empty(daemon.ends_when) ? "" : daemon.ends_when);
    if (!text_equal(daemon.version, PACKAGE_VERSION))
        find(report, FINDING_WARNING, "versions", "berth stop; the next command starts the new one",
             "berth %s, berthd %s", PACKAGE_VERSION, daemon.version);
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
                 text_empty(rows[i].error) ? "" : "look at its url and credentials", "%s: %lld branches, listed %s%s%s",
                 rows[i].id, (long long)rows[i].branches, shown_ago(cli, rows[i].listed_at, now),
                 text_empty(rows[i].error) ? "" : ": ", text_empty(rows[i].error) ? "" : rows[i].error);
    }
    if (session_list(cli, &sweep_type, NULL, NULL, false, 0, &sweeps, &count, &error)) {
        for (size_t i = 0; i < count; i++) {
            if (sweeps[i].failures > 0)
                find(report, FINDING_WARNING, "observer", "", "%s failed %lld times: %s", sweeps[i].id,
                     (long long)sweeps[i].failures, text_empty(sweeps[i].error) ? "" : sweeps[i].error);
        }
    }
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

static void look_at_store(struct report *report)
{
    struct cli *cli = report->cli;
    struct error error;
    int64_t entries;

    cli->store = store_open(cli->store_folder, STORE_READER, &error);
    if (cli->store == NULL && error.code == ERROR_NOT_FOUND) {
        find(report, FINDING_GOOD, "store", "berth envs makes it", "none yet in %s", cli->store_folder);
        return;
    }
    if (cli->store == NULL) {
        find(report, FINDING_BAD, "store", error.hint, "%s: %s", error.message, error.detail);
        return;
    }
    session_close(cli);
    if (!session_open(cli, STORE_READER, SESSION_AS_IT_IS, &error) || !store_verify(cli->store, &error))
        find(report, FINDING_BAD, "store", error.hint, "%s: %s", error.message, error.detail);
    else
        find(report, FINDING_GOOD, "store", "", "whole, in %s", cli->store_folder);
    if (cli->store == NULL)
        return;
    if (!store_verify_audit(cli->store, &entries, &error))
        find(report, FINDING_BAD, "audit", "berth audit verify; compare with the audit ref", "%s", error.message);
    else
        find(report, FINDING_GOOD, "audit", "", "whole: %lld entries", (long long)entries);
    look_at_disk(report);
    look_at_daemon(report);
    look_at_policy(report);
    look_at_locks(report);
    look_at_listings(report, time_now_ms());
}

static void print_report(struct cli *cli, const json_t *list)
{
    static const char *const headers[] = {"CHECK", "STATE", "FOUND", "WHAT TO DO", NULL};
    struct table table;

    table_begin(&table, cli, headers);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *state = json_get_text(item, "state");

        table_put(&table, STYLE_STRONG, arena_strdup(&cli->arena, json_get_text(item, "check")));
        table_put(&table,
                  text_equal(state, "ok")        ? STYLE_GOOD
                  : text_equal(state, "warning") ? STYLE_WAITING
                                                 : STYLE_BAD,
                  arena_strdup(&cli->arena, state));
        table_put(&table, STYLE_PLAIN, arena_strdup(&cli->arena, json_get_text(item, "found")));
        table_put(&table, STYLE_PLAIN, arena_strdup(&cli->arena, json_get_text(item, "next")));
    }
    table_end(&table, "");
}

bool cli_doctor(struct cli *cli, int *status, struct error *error)
{
    struct report report = {.cli = cli, .list = json_array()};
    struct error found;

    (void)error;
    look_at_program(&report, "git", "berth demo needs it; berthd does not");
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
