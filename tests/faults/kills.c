/* SPDX-License-Identifier: ISC */
/* The tables of kills, made from: the processes, the moments of a story, the executors. */
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
    "the deploy has failed, nothing of it is stored",
    "release chosen, roll-back recorded, commit excluded",
    "while the roll-back is prepared",
    "while the roll-back is planned",
    "mid-apply of the roll-back",
    "the roll-back has ended, nothing of it is stored",
    "the roll-back's end is stored",
    "while a run's record is written to git",
    "the branch is missed once",
    "the branch is missed twice",
    "its end is set, the grace runs",
    "evidence and destroy are decided, nothing is stored",
    "the destroy is asked for, not accepted",
    "the destroy is recorded",
    "while the destroy is planned",
    "the first resource is touched",
    "the last resource is gone, nothing of it is stored",
    "the row says Destroyed",
    "an undo is asked for, not accepted",
    "an undo is accepted",
    "the branch is there again",
    "too many would go: the question is decided, nothing is stored",
    "the question is asked",
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

static const struct kill_row deploy_rows[] = {
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
    {"notifier", AT_CLAIM, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES,
     "it is started for the first delivery, which is that of the gate"},
    {"notifier", AT_AFTER_CLAIM, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES,
     "it is started for the first delivery, which is that of the gate"},
    {"notifier", AT_PREPARE, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES,
     "it is started for the first delivery, which is that of the gate"},
    {"notifier", AT_PLAN, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES,
     "it is started for the first delivery, which is that of the gate"},
    {"notifier", AT_DELIVER, KILL_AT_POINT, "notifier.before_delivery", KILL_CONTINUES, NULL},
    {"notifier", AT_DELIVERED, KILL_AT_POINT, "notifier.after_delivery", KILL_CONTINUES, NULL},
    {"dashboard", AT_ACCEPT, KILL_AT_POINT, "dashboard.after_insert", KILL_CONTINUES, NULL},
    {"dashboard", AT_CONFIRM, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
};

/* Who has no part in a run, at each of its moments: their deaths change nothing. */
static const struct {
    const char *process;
    enum kill_moment from;
} bystanders[] = {
    {"observer:branches", AT_CLAIM},
    {"observer:probes", AT_CLAIM},
    {"notifier", AT_GATE},
    {"dashboard", AT_CLAIM},
};
static const struct kill_row bystander_rows[] = {
    {NULL, AT_CLAIM, KILL_FROM_TEST, "supervisor.before_claim", KILL_CONTINUES, NULL},
    {NULL, AT_AFTER_CLAIM, KILL_FROM_TEST, "supervisor.after_claim", KILL_CONTINUES, NULL},
    {NULL, AT_PREPARE, KILL_FROM_TEST, "worker.mid_prepare", KILL_CONTINUES, NULL},
    {NULL, AT_PLAN, KILL_FROM_TEST, "worker.mid_plan", KILL_CONTINUES, NULL},
    {NULL, AT_GATE, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {NULL, AT_APPLY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {NULL, AT_AFTER_TOOL, KILL_FROM_TEST, "worker.after_tool", KILL_CONTINUES, NULL},
    {NULL, AT_DESTROY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
};

static const struct kill_row rollback_rows[] = {
    {"supervisor", AT_FAILURE, KILL_AT_POINT, "supervisor.before_commit", KILL_CONTINUES, NULL},
    {"supervisor", AT_ROLLBACK, KILL_AT_POINT, "supervisor.after_commit", KILL_CONTINUES, NULL},
    {"supervisor", AT_ROLLBACK_PREPARE, KILL_FROM_TEST, "worker.mid_prepare", KILL_CONTINUES, NULL},
    {"supervisor", AT_ROLLBACK_PLAN, KILL_FROM_TEST, "worker.mid_plan", KILL_CONTINUES, NULL},
    {"supervisor", AT_ROLLBACK_APPLY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"supervisor", AT_ROLLBACK_END, KILL_AT_POINT, "supervisor.before_commit", KILL_CONTINUES, NULL},
    {"supervisor", AT_ROLLED_BACK, KILL_AT_POINT, "supervisor.after_commit", KILL_CONTINUES, NULL},
    {SUPERVISOR_TWICE, AT_ROLLBACK_APPLY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {SUPERVISOR_AND_WORKER, AT_FAILURE, KILL_FROM_TEST, NULL, KILL_HOLDS, NULL},
    {SUPERVISOR_AND_WORKER, AT_ROLLBACK_PREPARE, KILL_FROM_TEST, "worker.mid_prepare", KILL_CONTINUES, NULL},
    {SUPERVISOR_AND_WORKER, AT_ROLLBACK_PLAN, KILL_FROM_TEST, "worker.mid_plan", KILL_CONTINUES, NULL},
    {SUPERVISOR_AND_WORKER, AT_ROLLBACK_APPLY, KILL_FROM_TEST, NULL, KILL_HOLDS, NULL},
    {THE_MACHINE, AT_ROLLBACK_APPLY, KILL_FROM_TEST, NULL, KILL_HOLDS, NULL},
    {"worker", AT_FAILURE, KILL_AT_POINT, "worker.after_tool", KILL_HOLDS, NULL},
    {"worker", AT_ROLLBACK, KILL_AT_POINT, "worker.after_result", KILL_CONTINUES, NULL},
    {"worker", AT_ROLLBACK_PREPARE, KILL_AT_POINT, "worker.mid_prepare", KILL_CONTINUES, NULL},
    {"worker", AT_ROLLBACK_PLAN, KILL_AT_POINT, "worker.mid_plan", KILL_CONTINUES, NULL},
    {"worker", AT_ROLLBACK_APPLY, KILL_AT_POINT, "tool.running", KILL_HOLDS, NULL},
    {"worker", AT_ROLLBACK_END, KILL_AT_POINT, "worker.after_tool", KILL_HOLDS, NULL},
    {"tool", AT_FAILURE, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"tool", AT_ROLLBACK_PREPARE, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES, "no tool runs before a plan"},
    {"tool", AT_ROLLBACK_APPLY, KILL_FROM_TEST, NULL, KILL_HOLDS, NULL},
    {"tool", AT_ROLLBACK_END, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES, "it has ended"},
    {"observer:branches", AT_FAILURE, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"observer:branches", AT_ROLLBACK_APPLY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"observer:probes", AT_ROLLBACK_APPLY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"notifier", AT_ROLLBACK_APPLY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"notifier", AT_RECORD, KILL_AT_POINT, "notifier.mid_record", KILL_CONTINUES, NULL},
    {"dashboard", AT_ROLLBACK_APPLY, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
};

static const struct kill_row cleaner_rows[] = {
    {"supervisor", AT_GONE_ONCE, KILL_FROM_TEST, "observer.after_listing", KILL_CONTINUES, NULL},
    {"supervisor", AT_GONE_TWICE, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"supervisor", AT_GRACE, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"supervisor", AT_DECIDED, KILL_AT_POINT, "supervisor.mid_clean", KILL_CONTINUES, NULL},
    {"supervisor", AT_ASKED, KILL_AT_POINT, "supervisor.before_accept", KILL_CONTINUES, NULL},
    {"supervisor", AT_ENDING, KILL_AT_POINT, "supervisor.after_accept", KILL_CONTINUES, NULL},
    {"supervisor", AT_ENDING_PLAN, KILL_FROM_TEST, "worker.mid_plan", KILL_CONTINUES, NULL},
    {"supervisor", AT_FIRST_TOUCH, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"supervisor", AT_LAST_GONE, KILL_AT_POINT, "supervisor.before_commit", KILL_CONTINUES, NULL},
    {"supervisor", AT_ENDED, KILL_AT_POINT, "supervisor.after_commit", KILL_CONTINUES, NULL},
    {"supervisor", AT_UNDO, KILL_AT_POINT, "supervisor.before_accept", KILL_CONTINUES, NULL},
    {"supervisor", AT_UNDONE, KILL_AT_POINT, "supervisor.after_accept", KILL_CONTINUES, NULL},
    {"supervisor", AT_BACK, KILL_FROM_TEST, "worker.mid_plan", KILL_CONTINUES, NULL},
    {"supervisor", AT_TOO_MANY, KILL_AT_POINT, "supervisor.mid_clean", KILL_CONTINUES, NULL},
    {"supervisor", AT_QUESTION, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {SUPERVISOR_TWICE, AT_GRACE, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {SUPERVISOR_TWICE, AT_FIRST_TOUCH, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {SUPERVISOR_AND_WORKER, AT_ENDING_PLAN, KILL_FROM_TEST, "worker.mid_plan", KILL_CONTINUES, NULL},
    {SUPERVISOR_AND_WORKER, AT_FIRST_TOUCH, KILL_FROM_TEST, NULL, KILL_HOLDS, NULL},
    {SUPERVISOR_AND_WORKER, AT_BACK, KILL_FROM_TEST, "worker.mid_plan", KILL_CONTINUES, NULL},
    {THE_MACHINE, AT_FIRST_TOUCH, KILL_FROM_TEST, NULL, KILL_HOLDS, NULL},
    {"worker", AT_GRACE, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"worker", AT_ENDING_PLAN, KILL_AT_POINT, "worker.mid_plan", KILL_CONTINUES, NULL},
    {"worker", AT_FIRST_TOUCH, KILL_AT_POINT, "worker.mid_destroy", KILL_HOLDS, NULL},
    {"worker", AT_LAST_GONE, KILL_AT_POINT, "worker.after_tool", KILL_HOLDS, NULL},
    {"worker", AT_ENDED, KILL_AT_POINT, "worker.after_result", KILL_CONTINUES, NULL},
    {"worker", AT_UNDO, KILL_FROM_TEST, "worker.mid_plan", KILL_CONTINUES, NULL},
    {"worker", AT_BACK, KILL_FROM_TEST, "worker.mid_plan", KILL_CONTINUES, NULL},
    {"tool", AT_FIRST_TOUCH, KILL_FROM_TEST, NULL, KILL_HOLDS, NULL},
    {"tool", AT_LAST_GONE, KILL_IMPOSSIBLE, NULL, KILL_CONTINUES, "it has ended"},
    {"observer:branches", AT_GONE_ONCE, KILL_AT_POINT, "observer.after_listing", KILL_CONTINUES, NULL},
    {"observer:branches", AT_GONE_TWICE, KILL_AT_POINT, "observer.after_listing", KILL_CONTINUES, NULL},
    {"observer:branches", AT_GRACE, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"observer:branches", AT_FIRST_TOUCH, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"observer:branches", AT_BACK, KILL_FROM_TEST, "worker.mid_plan", KILL_CONTINUES, NULL},
    {"observer:branches", AT_QUESTION, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"notifier", AT_FIRST_TOUCH, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
    {"notifier", AT_RECORD, KILL_AT_POINT, "notifier.mid_record", KILL_CONTINUES, NULL},
    {"dashboard", AT_FIRST_TOUCH, KILL_FROM_TEST, NULL, KILL_CONTINUES, NULL},
};

static const struct kill_table {
    const struct kill_row *rows;
    size_t count;
    int executors; /* the first so many */
} tables[KILL_STORIES] = {
    [KILL_DEPLOY] = {deploy_rows, sizeof deploy_rows / sizeof *deploy_rows, WORLD_EXECUTORS},
    [KILL_ROLLBACK] = {rollback_rows, sizeof rollback_rows / sizeof *rollback_rows, WORLD_EXEC_RETRIES + 1},
    [KILL_CLEANER] = {cleaner_rows, sizeof cleaner_rows / sizeof *cleaner_rows, WORLD_EXEC_RETRIES + 1},
};

struct cells {
    struct kill_cell *at;
    size_t count, room;
};

/* A check does not, nor the resource that fails on purpose. */
static bool declares_no_retries(enum kill_moment moment)
{
    return moment == AT_CHECK || moment == AT_ROLLBACK_END || moment == AT_FAILURE;
}

static void add_row(struct cells *cells, enum kill_story story, const char *process, const struct kill_row *row)
{
    for (int executor = WORLD_EXEC; executor < tables[story].executors && cells->count < cells->room; executor++) {
        bool retries = executor == WORLD_EXEC_RETRIES && !declares_no_retries(row->moment);
        cells->at[cells->count++] = (struct kill_cell){
            .story = story,
            .process = process,
            .moment = row->moment,
            .executor = (enum world_executor)executor,
            .way = row->way,
            .point = row->point,
            .outcome = row->outcome == KILL_HOLDS && retries ? KILL_CONTINUES : row->outcome,
            .why = row->why,
        };
    }
}

size_t kill_cells(struct kill_cell *cells, size_t room)
{
    struct cells all = {.at = cells, .room = room};
    for (int story = KILL_DEPLOY; story < KILL_STORIES; story++)
        for (size_t i = 0; i < tables[story].count; i++)
            add_row(&all, (enum kill_story)story, tables[story].rows[i].process, &tables[story].rows[i]);
    for (size_t who = 0; who < sizeof bystanders / sizeof *bystanders; who++)
        for (size_t i = 0; i < sizeof bystander_rows / sizeof *bystander_rows; i++)
            if (bystander_rows[i].moment >= bystanders[who].from)
                add_row(&all, KILL_DEPLOY, bystanders[who].process, &bystander_rows[i]);
    return all.count;
}

static const char page_head[] =
    "# What is killed, when, and what holds\n\n"
    "Written by `tests/faults/test_kills`, which plays the cells with the real programs: a story, and SIGKILL to one process at one moment of it. After each: nothing\n"
    "that was recorded as finished ran again, nothing interrupted ran again without being asked, no gate was skipped, no tool is left, no lock stays, the\n"
    "audit verifies, every branch is listed, every notification came, no file of the store holds the secret, and the run reached its end or said what it waits\n"
    "for. Tools run on the runner `local`. CI plays the first table whole and of the others a choice (`BERTH_SEED`); `make torture` plays all. `BERTH_UPDATE=1`\n"
    "writes this page anew.\n";

static const char *const story_heads[KILL_STORIES] = {
    [KILL_DEPLOY] = "## A deploy and a destroy\n\n"
                    "A deploy with its gate and a check, then a destroy (pruning: a second deploy in between).\n\n",
    [KILL_ROLLBACK] =
        "## A roll-back\n\n"
        "A release; a push whose apply fails, `on_failure: rollback`; then the branch goes and comes back at the bad commit. After each: one roll-back and no more,\n"
        "the environment at its old release with its old commit applied once more, the bad commit excluded and not deployed again, each run one commit on the\n"
        "audit ref.\n\n",
    [KILL_CLEANER] =
        "## An environment that goes with its branch\n\n"
        "A release; the branch goes, `destroy_with_branch` after a grace. After each: destroyed once, after the grace, with the evidence in the run's reason; or, where\n"
        "somebody said undo, the branch came back, or too many would go: nothing was touched, and it is not asked for again.\n\n",
};

const struct kill_terraform kill_terraform[KILL_TERRAFORM_CASES] = {
    {"terraform", "mid-apply", "held, asks; `retry` plans again: it is what was approved, and done"},
    {"terraform", "mid-apply, and what it had made is spoilt",
     "held; `retry` plans more than was approved, and asks for it at the gate"},
    {"worker", "mid-apply", "its tools end; planned again, covered, goes on by itself"},
    {"supervisor", "mid-apply", "the worker finishes it; nothing is planned again"},
    {"supervisor and worker together", "mid-apply", "its tools end; planned again, covered, goes on by itself"},
    {"supervisor and worker together", "all is made, and nobody knows",
     "planned again: nothing is left to do; every inner part is seen"},
    {"terraform", "while destroying", "held, asks; `retry` destroys the rest"},
    {"worker", "while destroying", "its tools end; goes on by itself"},
    {"supervisor", "while destroying", "the worker finishes it"},
    {"supervisor and worker together", "while destroying", "its tools end; goes on by itself"},
};
static const char terraform_head[] =
    "\n## Terraform\n\n"
    "Played by `tests/faults/test_terraform`: three resources in a chain, the second is being made, or taken away, when the kill comes. After each: what was finished is\n"
    "in the state and seen in the store, no child of terraform lives, no state lock stays; then all is made, and destroyed: no state and no inner part is left.\n\n"
    "| process killed | moment | what holds |\n| --- | --- | --- |\n";

static const char *outcome_text(const struct kill_cell *cell)
{
    switch (cell->outcome) {
    case KILL_CONTINUES: return "goes on by itself";
    case KILL_FAILS: return "fails untouched, says why; deploy again";
    case KILL_HOLDS: return "held, asks; `retry` ends it";
    }
    return "unknown";
}

static void add_cell(struct str *out, const struct kill_cell *cell)
{
    if (cell->executor == WORLD_EXEC)
        str_addf(out, "\n| %s | %s |", cell->process, kill_moment_names[cell->moment]);
    if (cell->way != KILL_IMPOSSIBLE)
        str_addf(out, " %s |", outcome_text(cell));
    else if (cell->executor == WORLD_EXEC)
        str_addf(out, " impossible: %s |", cell->why);
    else
        str_add(out, " |");
}

static void add_table(struct str *out, enum kill_story story, const struct kill_cell *cells, size_t count)
{
    str_addf(out, "\n%s| process killed | moment |", story_heads[story]);
    for (int executor = WORLD_EXEC; executor < tables[story].executors; executor++)
        str_addf(out, " %s |", world_executor_names[executor]);
    str_add(out, "\n| --- | --- |");
    for (int executor = WORLD_EXEC; executor < tables[story].executors; executor++)
        str_add(out, " --- |");
    for (size_t i = 0; i < count; i++)
        if (cells[i].story == story)
            add_cell(out, &cells[i]);
    str_add_char(out, '\n');
}

void kill_table(struct str *out)
{
    struct kill_cell cells[KILL_CELLS];
    size_t count = kill_cells(cells, KILL_CELLS);
    str_add(out, page_head);
    for (int story = KILL_DEPLOY; story < KILL_STORIES; story++)
        add_table(out, (enum kill_story)story, cells, count);
    str_add(out, terraform_head);
    for (size_t i = 0; i < KILL_TERRAFORM_CASES; i++)
        str_addf(out, "| %s | %s | %s |\n", kill_terraform[i].process, kill_terraform[i].moment,
                 kill_terraform[i].holds);
}
