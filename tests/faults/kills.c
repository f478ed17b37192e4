/* SPDX-License-Identifier: ISC */
/* The table of kills, made from: the processes, the moments of a deploy, the executors. */
#include "faults/kills.h"

#include "berth/base/str.h"

#include <string.h>

const char *const kill_moment_names[] = {
    "before a command is accepted",
    "after a command was accepted",
    "before a claim",
    "after a claim",
    "while preparing",
    "while planning",
    "at the gate",
    "mid-apply",
    "after the tool ended",
    "after the result was sent",
    "while checking",
    "before a delivery",
    "after a delivery, before it is recorded",
    "while pruning",
    "while destroying",
    "in the middle of a listing",
    NULL,
};
const char *const world_executor_names[] = {"exec", "exec, retries", "external", NULL};

/* A process at a moment, for every executor. */
struct kill_row {
    const char *process;
    enum kill_moment moment;
    enum kill_way way;
    const char *point;
    bool interrupts; /* a step of an exec resource is interrupted: it holds unless `retries` are declared */
    const char *why;
};

static const struct kill_row rows[] = {
    {"supervisor", AT_ACCEPT, KILL_AT_POINT, "supervisor.before_accept", false, NULL},
    {"supervisor", AT_ACCEPTED, KILL_AT_POINT, "supervisor.after_accept", false, NULL},
    {"supervisor", AT_CLAIM, KILL_AT_POINT, "supervisor.before_claim", false, NULL},
    {"supervisor", AT_AFTER_CLAIM, KILL_AT_POINT, "supervisor.after_claim", false, NULL},
    {"supervisor", AT_PREPARE, KILL_FROM_TEST, "worker.mid_prepare", false, NULL},
    {"supervisor", AT_PLAN, KILL_FROM_TEST, "worker.mid_plan", false, NULL},
    {"supervisor", AT_GATE, KILL_FROM_TEST, NULL, false, NULL},
    {"supervisor", AT_APPLY, KILL_FROM_TEST, NULL, false, NULL},
    {"supervisor", AT_AFTER_TOOL, KILL_AT_POINT, "supervisor.before_commit", false, NULL},
    {"supervisor", AT_AFTER_RESULT, KILL_AT_POINT, "supervisor.after_commit", false, NULL},
    {"supervisor", AT_CHECK, KILL_FROM_TEST, NULL, false, NULL},
    {"supervisor", AT_PRUNE, KILL_FROM_TEST, NULL, false, NULL},
    {"supervisor", AT_DESTROY, KILL_FROM_TEST, NULL, false, NULL},
    {SUPERVISOR_TWICE, AT_APPLY, KILL_FROM_TEST, NULL, false, NULL},
    {SUPERVISOR_TWICE, AT_DESTROY, KILL_FROM_TEST, NULL, false, NULL},
    {SUPERVISOR_AND_WORKER, AT_APPLY, KILL_FROM_TEST, NULL, true, NULL},
    {SUPERVISOR_AND_WORKER, AT_PRUNE, KILL_FROM_TEST, NULL, true, NULL},
    {SUPERVISOR_AND_WORKER, AT_DESTROY, KILL_FROM_TEST, NULL, true, NULL},
    {THE_MACHINE, AT_APPLY, KILL_FROM_TEST, NULL, true, NULL},
    {THE_MACHINE, AT_DESTROY, KILL_FROM_TEST, NULL, true, NULL},
    {"worker", AT_ACCEPT, KILL_IMPOSSIBLE, NULL, false, "a worker has nothing to do before a command is accepted"},
    {"worker", AT_CLAIM, KILL_FROM_TEST, NULL, false, NULL},
    {"worker", AT_AFTER_CLAIM, KILL_AT_POINT, "worker.before_prepare", false, NULL},
    {"worker", AT_PREPARE, KILL_AT_POINT, "worker.mid_prepare", false, NULL},
    {"worker", AT_PLAN, KILL_AT_POINT, "worker.mid_plan", false, NULL},
    {"worker", AT_GATE, KILL_FROM_TEST, NULL, false, NULL},
    {"worker", AT_APPLY, KILL_AT_POINT, "tool.running", true, NULL},
    {"worker", AT_AFTER_TOOL, KILL_AT_POINT, "worker.after_tool", true, NULL},
    {"worker", AT_AFTER_RESULT, KILL_AT_POINT, "worker.after_result", false, NULL},
    {"worker", AT_CHECK, KILL_AT_POINT, "worker.before_check", true, NULL},
    {"worker", AT_PRUNE, KILL_AT_POINT, "worker.mid_destroy", true, NULL},
    {"worker", AT_DESTROY, KILL_AT_POINT, "worker.mid_destroy", true, NULL},
    {"tool", AT_ACCEPT, KILL_IMPOSSIBLE, NULL, false, "no tool runs before an apply"},
    {"tool", AT_CLAIM, KILL_IMPOSSIBLE, NULL, false, "no tool runs before an apply"},
    {"tool", AT_AFTER_CLAIM, KILL_IMPOSSIBLE, NULL, false, "no tool runs before an apply"},
    {"tool", AT_PREPARE, KILL_IMPOSSIBLE, NULL, false, "no tool runs before an apply"},
    {"tool", AT_PLAN, KILL_IMPOSSIBLE, NULL, false, "exec plans without its tool"},
    {"tool", AT_GATE, KILL_IMPOSSIBLE, NULL, false, "no tool runs at the gate"},
    {"tool", AT_APPLY, KILL_FROM_TEST, NULL, true, NULL},
    {"tool", AT_AFTER_TOOL, KILL_IMPOSSIBLE, NULL, false, "it has ended"},
    {"tool", AT_AFTER_RESULT, KILL_IMPOSSIBLE, NULL, false, "it has ended"},
    {"tool", AT_CHECK, KILL_FROM_TEST, NULL, true, NULL},
    {"tool", AT_PRUNE, KILL_FROM_TEST, NULL, true, NULL},
    {"tool", AT_DESTROY, KILL_FROM_TEST, NULL, true, NULL},
    {"observer:branches", AT_ACCEPT, KILL_AT_POINT, "observer.after_listing", false, NULL},
    {"observer:branches", AT_LISTING, KILL_AT_POINT, "observer.mid_listing", false, NULL},
    {"observer:branches", AT_GATE, KILL_FROM_TEST, NULL, false, NULL},
    {"observer:branches", AT_APPLY, KILL_FROM_TEST, NULL, false, NULL},
    {"observer:branches", AT_DESTROY, KILL_FROM_TEST, NULL, false, NULL},
    {"observer:probes", AT_GATE, KILL_FROM_TEST, NULL, false, NULL},
    {"observer:probes", AT_APPLY, KILL_FROM_TEST, NULL, false, NULL},
    {"observer:probes", AT_DESTROY, KILL_FROM_TEST, NULL, false, NULL},
    {"notifier", AT_DELIVER, KILL_AT_POINT, "notifier.before_delivery", false, NULL},
    {"notifier", AT_DELIVERED, KILL_AT_POINT, "notifier.after_delivery", false, NULL},
    {"dashboard", AT_ACCEPT, KILL_AT_POINT, "dashboard.after_insert", false, NULL},
    {"dashboard", AT_GATE, KILL_FROM_TEST, NULL, false, NULL},
    {"dashboard", AT_APPLY, KILL_FROM_TEST, NULL, false, NULL},
    {"dashboard", AT_DESTROY, KILL_FROM_TEST, NULL, false, NULL},
};

size_t kill_cells(struct kill_cell *cells, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int executor = WORLD_EXEC; executor <= WORLD_EXTERNAL && count < room; executor++) {
            const struct kill_row *row = &rows[i];
            /* the check declares no `retries` */
            bool holds = row->interrupts && (executor != WORLD_EXEC_RETRIES || row->moment == AT_CHECK);
            cells[count++] = (struct kill_cell){
                .process = row->process,
                .moment = row->moment,
                .executor = (enum world_executor)executor,
                .way = row->way,
                .point = row->point,
                .outcome = holds ? KILL_HOLDS : KILL_CONTINUES,
                .why = row->why,
            };
        }
    }
    return count;
}

static const char page_head[] =
    "# What is killed, when, and what holds\n\n"
    "Written by `tests/faults/test_kills`, which plays every cell with the real programs: a deploy with its gate and a check, then a destroy "
    "(pruning: a second\n"
    "deploy in between), and SIGKILL to one process at one moment. After each story: nothing that was recorded as finished ran again, nothing "
    "interrupted ran again\n"
    "without being asked, no gate was skipped, no tool is left, no lock stays, the audit verifies, every branch is listed, every notification "
    "came, and\n"
    "the run reached its end or said what it waits for. `BERTH_UPDATE=1` writes this page anew.\n\n";

static const char *outcome_text(const struct kill_cell *cell)
{
    if (cell->way == KILL_IMPOSSIBLE)
        return "impossible";
    return cell->outcome == KILL_HOLDS ? "held, asks; `retry` ends it" : "goes on by itself";
}

void kill_table(struct str *out)
{
    str_add(out, page_head);
    struct kill_cell cells[256];
    size_t count = kill_cells(cells, 256);
    str_add(out, "| process killed | moment | exec | exec, `retries` | beside an external resource |\n");
    str_add(out, "| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i + 2 < count; i += 3) {
        const struct kill_cell *cell = &cells[i];
        str_addf(out, "| %s | %s |", cell->process, kill_moment_names[cell->moment]);
        if (cell->way == KILL_IMPOSSIBLE)
            str_addf(out, " impossible: %s | | |\n", cell->why);
        else
            str_addf(out, " %s | %s | %s |\n", outcome_text(&cells[i]), outcome_text(&cells[i + 1]),
                     outcome_text(&cells[i + 2]));
    }
}
