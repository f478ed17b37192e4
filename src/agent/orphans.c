/* SPDX-License-Identifier: ISC */
/*
 * What tools left behind them becomes the supervisor's child when their worker ends: it is their subreaper. Of a step that went well it is the resource
 * and stays. Of one whose worker died it has to end, also when it left the tool's session and cleaned its environment: it is known
 * by having come after the step began, and by not having been here before that worker died; nor does it lie where another worker's ended
 * steps left it, whose end may come in between.
 */
#include "agent/supervisor.h"

#include "berth/base/process.h"
#include "berth/base/time.h"

static bool is_own(const struct supervisor *supervisor, pid_t pid)
{
    for (size_t i = 0; i < supervisor->children.count; i++)
        if (supervisor->children.items[i]->process.pid == pid)
            return true;
    return false;
}

static bool is_adopted(const struct supervisor *supervisor, pid_t pid, uint64_t start_ticks)
{
    for (size_t i = 0; i < supervisor->adopted.count; i++)
        if (supervisor->adopted.items[i].pid == pid && supervisor->adopted.items[i].start_ticks == start_ticks)
            return true;
    return false;
}

/* A worker that is dead, or whose step is still being ended: who comes now may be its. */
static bool somebody_died(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->endings.count; i++)
        if (supervisor->endings.items[i].begun_ticks > 0)
            return true;
    for (size_t i = 0; i < supervisor->children.count; i++) {
        const struct child *child = supervisor->children.items[i];
        if (child->step && !process_alive(child->process.pid, child->process.start_ticks))
            return true;
    }
    return false;
}

static void adopt(pid_t pid, uint64_t start_ticks, void *context)
{
    struct supervisor *supervisor = context;
    struct orphan orphan = {.pid = pid, .start_ticks = start_ticks};
    if (!is_own(supervisor, pid))
        vec_push(&supervisor->adopted, orphan);
}

void orphans_adopt(struct supervisor *supervisor)
{
    if (somebody_died(supervisor))
        return;
    vec_clear(&supervisor->adopted);
    process_children(0, adopt, supervisor);
}

static void note_left(pid_t pid, uint64_t start_ticks, void *context)
{
    struct child *worker = context;
    struct orphan orphan = {.pid = pid, .start_ticks = start_ticks};
    vec_push(&worker->left, orphan);
}

void orphans_note(struct child *worker)
{
    vec_clear(&worker->left);
    process_children(worker->process.pid, note_left, worker);
}

void orphans_inherit(struct supervisor *supervisor, const struct child *worker)
{
    for (size_t i = 0; i < worker->left.count; i++)
        vec_push(&supervisor->adopted, worker->left.items[i]);
}

/* Its worker may have ended a moment ago, and nobody has told us yet. */
static bool was_left(const struct supervisor *supervisor, pid_t pid, uint64_t start_ticks)
{
    for (size_t i = 0; i < supervisor->children.count; i++) {
        const struct child *child = supervisor->children.items[i];
        for (size_t k = 0; k < child->left.count; k++)
            if (child->left.items[k].pid == pid && child->left.items[k].start_ticks == start_ticks)
                return true;
    }
    return false;
}

struct hunt {
    const struct supervisor *supervisor;
    uint64_t begun_ticks;
    int signal_number;
    size_t left;
};

/* One that carries a step's token is found by it: by this step's, or by another's, which then is none of ours. */
static void end_one(pid_t pid, uint64_t start_ticks, void *context)
{
    struct hunt *hunt = context;
    if (start_ticks < hunt->begun_ticks || is_own(hunt->supervisor, pid) ||
        is_adopted(hunt->supervisor, pid, start_ticks) || was_left(hunt->supervisor, pid, start_ticks) ||
        process_has_variable(pid, "BERTH_STEP_TOKEN"))
        return;
    hunt->left++;
    if (hunt->signal_number != 0)
        process_signal_exactly(pid, start_ticks, hunt->signal_number);
}

size_t orphans_signal(const struct supervisor *supervisor, uint64_t begun_ticks, int signal_number)
{
    struct hunt hunt = {.supervisor = supervisor, .begun_ticks = begun_ticks, .signal_number = signal_number};
    if (begun_ticks > 0)
        process_children(0, end_one, &hunt);
    return hunt.left;
}
