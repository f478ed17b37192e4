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
    "a step was sent, its worker has not begun",
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
    "with a confirmation half typed",
    "while destroying",
    "in the middle of a first listing",
    "in the middle of a later listing",
    NULL,
};
const char *const world_executor_names[WORLD_EXECUTORS] = {"exec", "exec, `retries`", "beside an external resource",
                                                           "exec with a secret and a probe",
                                                           "a tool that empties its environment and forks"};

/* A process at a moment, for every executor. */
struct kill_row {
    const char *process;
    enum kill_moment moment;
    enum kill_way way;
    const char *point;
    enum kill_outcome
        outcome; /* KILL_HOLDS: a step of an exec resource is interrupted; it goes on where `retries` are declared */
    const char *why;
};

static const struct kill_row rows[] = {
    {"supervisor", AT_ACCEPT, KILL_AT_POINT, "supervisor.before_accept", KILL_CONTINUES, NULL},
    {"supervisor", AT_ACCEPTED, KILL_AT_POINT, "supervisor.after_accept", KILL_CONTINUES, NULL},
    {"supervisor", AT_CLAIM, KILL_AT_POINT, "supervisor.before_claim", KILL_CONTINUES, NULL},
    {"supervisor", AT_AFTER_CLAIM, KILL_AT_POINT, "supervisor.after_claim", KILL_CONTINUES, NULL},
    {"supervisor", AT_HANDED, KILL_FROM_TEST, "worker.before_start", KILL_CONTINUES, NULL},
    {"supervisor", AT_PREPARE, KILL_FROM_TEST, "worker.mid_prepare", KILL_CONTINUES, NULL},
    {"supervisor", AT_PLAN, KILL_FROM_TEST, "worker.mid_plan", KILL_CONTINUES, NULL},
    {"supervisor", AT_GATE, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"supervisor", AT_APPLY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"supervisor", AT_AFTER_TOOL, KILL_AT_POINT, "supervisor.before_commit", KILL_CONTINUES, NULL},
    {"supervisor", AT_AFTER_RESULT, KILL_AT_POINT, "supervisor.after_commit", KILL_CONTINUES, NULL},
    {"supervisor", AT_CHECK, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"supervisor", AT_PRUNE, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"supervisor", AT_DESTROY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {SUPERVISOR_TWICE, AT_APPLY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {SUPERVISOR_TWICE, AT_DESTROY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {SUPERVISOR_AND_WORKER, AT_HANDED, KILL_FROM_TEST, "worker.before_start", KILL_CONTINUES, NULL},
    {SUPERVISOR_AND_WORKER, AT_PREPARE, KILL_FROM_TEST, "worker.mid_prepare", KILL_CONTINUES, NULL},
    {SUPERVISOR_AND_WORKER, AT_PLAN, KILL_FROM_TEST, "worker.mid_plan", KILL_CONTINUES, NULL},
    {SUPERVISOR_AND_WORKER, AT_GATE, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {SUPERVISOR_AND_WORKER, AT_APPLY, KILL_FROM_TEST, NULL, KILL_HOLDS, NULL},
    {SUPERVISOR_AND_WORKER, AT_AFTER_TOOL, KILL_FROM_TEST, "worker.after_tool", KILL_HOLDS, NULL},
    {SUPERVISOR_AND_WORKER, AT_CHECK, KILL_FROM_TEST, NULL, KILL_HOLDS, NULL},
    {SUPERVISOR_AND_WORKER, AT_PRUNE, KILL_FROM_TEST, NULL, KILL_HOLDS, NULL},
    {SUPERVISOR_AND_WORKER, AT_DESTROY, KILL_FROM_TEST, NULL, KILL_HOLDS, NULL},
    {THE_MACHINE, AT_APPLY, KILL_FROM_TEST, NULL, KILL_HOLDS, NULL},
    {THE_MACHINE, AT_DESTROY, KILL_FROM_TEST, NULL, KILL_HOLDS, NULL},
    {"worker", AT_ACCEPT, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES,
     "a worker has nothing to do before a command is accepted"},
    {"worker", AT_CLAIM, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"worker", AT_AFTER_CLAIM, KILL_AT_POINT, "worker.before_prepare", KILL_CONTINUES, NULL},
    {"worker", AT_HANDED, KILL_AT_POINT, "worker.before_start", KILL_CONTINUES, NULL},
    {"worker", AT_PREPARE, KILL_AT_POINT, "worker.mid_prepare", KILL_CONTINUES, NULL},
    {"worker", AT_PLAN, KILL_AT_POINT, "worker.mid_plan", KILL_CONTINUES, NULL},
    {"worker", AT_GATE, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"worker", AT_APPLY, KILL_AT_POINT, "tool.running", KILL_HOLDS, NULL},
    {"worker", AT_AFTER_TOOL, KILL_AT_POINT, "worker.after_tool", KILL_HOLDS, NULL},
    {"worker", AT_AFTER_RESULT, KILL_AT_POINT, "worker.after_result", KILL_CONTINUES, NULL},
    {"worker", AT_CHECK, KILL_AT_POINT, "worker.before_check", KILL_HOLDS, NULL},
    {"worker", AT_PRUNE, KILL_AT_POINT, "worker.mid_destroy", KILL_HOLDS, NULL},
    {"worker", AT_DESTROY, KILL_AT_POINT, "worker.mid_destroy", KILL_HOLDS, NULL},
    {"tool", AT_ACCEPT, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES,
     "no tool runs before a plan, and then only one that `plan:` names"},
    {"tool", AT_CLAIM, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES,
     "no tool runs before a plan, and then only one that `plan:` names"},
    {"tool", AT_AFTER_CLAIM, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES,
     "no tool runs before a plan, and then only one that `plan:` names"},
    {"tool", AT_PREPARE, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES,
     "no tool runs before a plan, and then only one that `plan:` names"},
    {"tool", AT_PLAN, KILL_FROM_TEST, NULL, KILL_FAILS, NULL},
    {"tool", AT_GATE, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES, "no tool runs at the gate"},
    {"tool", AT_APPLY, KILL_FROM_TEST, NULL, KILL_HOLDS, NULL},
    {"tool", AT_AFTER_TOOL, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES, "it has ended"},
    {"tool", AT_AFTER_RESULT, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES, "it has ended"},
    {"tool", AT_CHECK, KILL_FROM_TEST, NULL, KILL_HOLDS, NULL},
    {"tool", AT_PRUNE, KILL_FROM_TEST, NULL, KILL_HOLDS, NULL},
    {"tool", AT_DESTROY, KILL_FROM_TEST, NULL, KILL_HOLDS, NULL},
    {"observer:branches", AT_ACCEPT, KILL_AT_POINT, "observer.after_listing", KILL_CONTINUES, NULL},
    {"observer:branches", AT_LISTING, KILL_AT_POINT, "observer.mid_listing", KILL_CONTINUES, NULL},
    {"observer:branches", AT_LATER_LISTING, KILL_AT_POINT, "observer.mid_listing", KILL_CONTINUES, NULL},
    {"observer:branches", AT_CLAIM, KILL_FROM_TEST, "supervisor.before_claim", KILL_CONTINUES, NULL},
    {"observer:branches", AT_AFTER_CLAIM, KILL_FROM_TEST, "supervisor.after_claim", KILL_CONTINUES, NULL},
    {"observer:branches", AT_PREPARE, KILL_FROM_TEST, "worker.mid_prepare", KILL_CONTINUES, NULL},
    {"observer:branches", AT_PLAN, KILL_FROM_TEST, "worker.mid_plan", KILL_CONTINUES, NULL},
    {"observer:branches", AT_GATE, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"observer:branches", AT_APPLY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"observer:branches", AT_AFTER_TOOL, KILL_FROM_TEST, "worker.after_tool", KILL_CONTINUES, NULL},
    {"observer:branches", AT_DESTROY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"observer:probes", AT_CLAIM, KILL_FROM_TEST, "supervisor.before_claim", KILL_CONTINUES, NULL},
    {"observer:probes", AT_AFTER_CLAIM, KILL_FROM_TEST, "supervisor.after_claim", KILL_CONTINUES, NULL},
    {"observer:probes", AT_PREPARE, KILL_FROM_TEST, "worker.mid_prepare", KILL_CONTINUES, NULL},
    {"observer:probes", AT_PLAN, KILL_FROM_TEST, "worker.mid_plan", KILL_CONTINUES, NULL},
    {"observer:probes", AT_GATE, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"observer:probes", AT_APPLY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"observer:probes", AT_AFTER_TOOL, KILL_FROM_TEST, "worker.after_tool", KILL_CONTINUES, NULL},
    {"observer:probes", AT_DESTROY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"notifier", AT_CLAIM, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES,
     "it is started for the first delivery, which is that of the gate"},
    {"notifier", AT_AFTER_CLAIM, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES,
     "it is started for the first delivery, which is that of the gate"},
    {"notifier", AT_PREPARE, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES,
     "it is started for the first delivery, which is that of the gate"},
    {"notifier", AT_PLAN, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES,
     "it is started for the first delivery, which is that of the gate"},
    {"notifier", AT_GATE, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"notifier", AT_APPLY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"notifier", AT_AFTER_TOOL, KILL_FROM_TEST, "worker.after_tool", KILL_CONTINUES, NULL},
    {"notifier", AT_DESTROY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"notifier", AT_DELIVER, KILL_AT_POINT, "notifier.before_delivery", KILL_CONTINUES, NULL},
    {"notifier", AT_DELIVERED, KILL_AT_POINT, "notifier.after_delivery", KILL_CONTINUES, NULL},
    {"dashboard", AT_ACCEPT, KILL_AT_POINT, "dashboard.after_insert", KILL_CONTINUES, NULL},
    {"dashboard", AT_CLAIM, KILL_FROM_TEST, "supervisor.before_claim", KILL_CONTINUES, NULL},
    {"dashboard", AT_AFTER_CLAIM, KILL_FROM_TEST, "supervisor.after_claim", KILL_CONTINUES, NULL},
    {"dashboard", AT_PREPARE, KILL_FROM_TEST, "worker.mid_prepare", KILL_CONTINUES, NULL},
    {"dashboard", AT_PLAN, KILL_FROM_TEST, "worker.mid_plan", KILL_CONTINUES, NULL},
    {"dashboard", AT_GATE, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"dashboard", AT_APPLY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"dashboard", AT_AFTER_TOOL, KILL_FROM_TEST, "worker.after_tool", KILL_CONTINUES, NULL},
    {"dashboard", AT_CONFIRM, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"dashboard", AT_DESTROY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
};

size_t kill_cells(struct kill_cell *cells, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int executor = WORLD_EXEC; executor < WORLD_EXECUTORS && count < room; executor++) {
            const struct kill_row *row = &rows[i];
            /* the check declares no `retries` */
            bool retries = executor == WORLD_EXEC_RETRIES && row->moment != AT_CHECK;
            cells[count++] = (struct kill_cell){
                .process = row->process,
                .moment = row->moment,
                .executor = (enum world_executor)executor,
                .way = row->way,
                .point = row->point,
                .outcome = row->outcome == KILL_HOLDS && retries ? KILL_CONTINUES : row->outcome,
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
    "came, no\n"
    "file of the store holds the secret, and the run reached its end or said what it waits for. Tools run on the runner `local`. `BERTH_UPDATE=1` writes this page anew.\n\n";

static const char *outcome_text(const struct kill_cell *cell)
{
    switch (cell->outcome) {
    case KILL_CONTINUES: return "goes on by itself";
    case KILL_FAILS: return "fails untouched, says why; deploy again";
    case KILL_HOLDS: return "held, asks; `retry` ends it";
    }
    return "unknown";
}

void kill_table(struct str *out)
{
    struct kill_cell cells[KILL_CELLS];
    size_t count = kill_cells(cells, KILL_CELLS);
    str_add(out, page_head);
    str_add(out, "| process killed | moment |");
    for (int executor = WORLD_EXEC; executor < WORLD_EXECUTORS; executor++)
        str_addf(out, " %s |", world_executor_names[executor]);
    str_add(out, "\n| --- | --- |");
    for (int executor = WORLD_EXEC; executor < WORLD_EXECUTORS; executor++)
        str_add(out, " --- |");
    for (size_t i = 0; i < count; i++) {
        const struct kill_cell *cell = &cells[i];
        if (cell->executor == WORLD_EXEC)
            str_addf(out, "\n| %s | %s |", cell->process, kill_moment_names[cell->moment]);
        if (cell->way != KILL_IMPOSSIBLE)
            str_addf(out, " %s |", outcome_text(cell));
        else if (cell->executor == WORLD_EXEC)
            str_addf(out, " impossible: %s |", cell->why);
        else
            str_add(out, " |");
    }
    str_add_char(out, '\n');
}
