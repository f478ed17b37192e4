/* SPDX-License-Identifier: ISC */
/* The one table of named points at which tests kill, stop or fail a process, and what happens there. */
#include "berth/base/fault.h"

static const struct fault_point points[] = {
    {"dashboard.after_insert", "dashboard", "the command row is committed, no answer is seen yet"},
    {"supervisor.before_accept", "supervisor", "a command row is seen, not yet accepted"},
    {"supervisor.after_accept", "supervisor", "a command is accepted and its run committed"},
    {"supervisor.before_claim", "supervisor", "a step is ready, not yet claimed"},
    {"supervisor.after_claim", "supervisor", "a claim is committed, its step not yet sent to a worker"},
    {"supervisor.before_commit", "supervisor", "a result has come, not yet committed"},
    {"supervisor.after_commit", "supervisor", "a result is committed, not yet acknowledged"},
    {"supervisor.mid_clean", "supervisor", "the cleaner decided to end something or to ask, not yet committed"},
    {"supervisor.after_unlock", "supervisor", "nothing was to come: the lock is let go, the last look not yet taken"},
    {"worker.before_start", "worker", "a task was received, its beginning not yet noted"},
    {"worker.before_prepare", "worker", "a prepare step was received, nothing done yet"},
    {"worker.mid_prepare", "worker", "the commit is pinned, the templates are not yet read"},
    {"worker.before_plan", "worker", "a plan step was received, nothing done yet"},
    {"worker.mid_plan", "worker", "the executor is planning"},
    {"worker.before_apply", "worker", "an apply step was received, its tool not yet started"},
    {"worker.before_destroy", "worker", "a destroy step was received, its tool not yet started"},
    {"worker.before_exec", "worker", "an operator's command was received, nothing done yet"},
    {"worker.mid_exec", "worker", "an operator's command is about to be run"},
    {"worker.before_check", "worker", "a check step was received, nothing done yet"},
    {"worker.after_tool", "worker", "the tool has ended, its result is not yet sent"},
    {"worker.after_result", "worker", "the result is sent, not yet acknowledged"},
    {"worker.mid_destroy", "worker", "a destroy is begun, its tool not yet started"},
    {"observer.mid_listing", "observer", "a part of a listing is sent"},
    {"observer.after_listing", "observer", "a whole listing is sent, not yet acknowledged"},
    {"observer.waiting", "observer", "all that was to be looked at is told, it waits for news"},
    {"notifier.before_delivery", "notifier", "a delivery is taken from the outbox, not yet made"},
    {"notifier.mid_record", "notifier", "the commit of a run's record is made, nothing names it yet"},
    {"notifier.after_delivery", "notifier", "a delivery is made, not yet recorded"},
    {"keeper.before_release", "keeper", "pins are to be released, none is yet"},
    {"keeper.mid_release", "keeper", "a pin is released, the others are not yet"},
    {"keeper.after_release", "keeper", "the pins are released, nobody has been told"},
    {"keeper.mid_tidy", "keeper", "a mirror's new packs are made, nothing of the old is removed yet"},
    {"keeper.mid_removal", "keeper", "a part of a mirror's old files is removed"},
    {"store.write", "any", "the Nth write of the store (fails)"},
    {"store.read", "any", "the Nth read of the store (fails)"},
    {"tool.running", "worker", "a tool was started and runs"},
    {"provider.call", "any", "the Nth call of a provider (fails)"},
    {"system.call", "any", "the Nth system call that the code can see fail (fails)"},
};

const struct fault_point *fault_points(size_t *count)
{
    *count = sizeof points / sizeof *points;
    return points;
}

#ifdef BERTH_FAULTS

#include "berth/base/error.h"
#include "berth/base/file.h"
#include "berth/base/memory.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum action { ACTION_KILL, ACTION_STOP, ACTION_FAIL, ACTION_EXIT };

/* How often this process reached each point; used while no folder is shared. Only in test builds. */
static atomic_ulong counts[sizeof points / sizeof *points];

static size_t point_index(const char *name)
{
    size_t count = sizeof points / sizeof *points, i = 0;
    while (i < count && strcmp(points[i].name, name) != 0)
        i++;
    BUG_ON(i == count); /* each point has a row in the table above */
    return i;
}

/* One more in the folder's POINT.count; 0 when the folder cannot be used, and then nothing fires. */
static unsigned long count_in_folder(const char *folder, const char *name)
{
    struct file_lock lock;
    struct str text = STR_INIT;
    unsigned long reached = 0;
    char *guard = path_printf("%s/%s.lock", folder, name), *path = path_printf("%s/%s.count", folder, name);
    if (file_lock(&lock, guard, LOCK_BLOCK, NULL)) {
        if (file_read(path, 64, &text, NULL))
            reached = strtoul(text.data, NULL, 10);
        str_clear(&text);
        str_addf(&text, "%lu\n", ++reached);
        if (!file_replace(path, text.data, text.length, 0600, FILE_RELAXED, NULL))
            reached = 0;
        file_unlock(&lock);
    }
    str_release(&text);
    free(guard);
    free(path);
    return reached;
}

static unsigned long count_one(const char *name)
{
    size_t at = point_index(name);
    const char *folder = getenv("BERTH_FAULT_FOLDER");
    return folder && *folder ? count_in_folder(folder, name) : atomic_fetch_add(&counts[at], 1) + 1;
}

static void leave_mark(const char *name)
{
    const char *folder = getenv("BERTH_FAULT_FOLDER");
    if (!folder || !*folder)
        return;
    char *path = path_printf("%s/%s.fired", folder, name);
    char *pid = path_printf("%ld\n", (long)getpid());
    bool marked = file_replace(path, pid, strlen(pid), 0600, FILE_RELAXED, NULL);
    BUG_ON(!marked); /* the test would wait for ever */
    free(path);
    free(pid);
}

/* Reads POINT[:N[+]][=ACTION]. False when it is about another point. */
static bool read_entry(const char *entry, size_t length, const char *name, unsigned long *at, bool *onwards,
                       enum action *action)
{
    static const char *const names[] = {"kill", "stop", "fail", "exit"};
    size_t name_length = strlen(name);
    if (length < name_length || memcmp(entry, name, name_length) != 0)
        return false;
    const char *rest = entry + name_length, *end = entry + length;
    if (rest < end && *rest != ':' && *rest != '=')
        return false;
    *at = 1;
    *onwards = false;
    *action = ACTION_KILL;
    if (rest < end && *rest == ':') {
        char *after;
        *at = strtoul(rest + 1, &after, 10);
        *onwards = *after == '+';
        rest = after + *onwards;
    }
    if (rest < end && *rest == '=') {
        size_t which = 0;
        while (which < 4 && (strlen(names[which]) != (size_t)(end - rest - 1) ||
                             memcmp(names[which], rest + 1, (size_t)(end - rest - 1)) != 0))
            which++;
        BUG_ON(which == 4); /* BERTH_FAULT names an unknown action */
        *action = (enum action)which;
    }
    return true;
}

static bool act(enum action action)
{
    switch (action) {
    case ACTION_KILL:
        kill(getpid(), SIGKILL);
        pause();
        break;
    case ACTION_STOP: kill(getpid(), SIGSTOP); break;
    case ACTION_EXIT: _exit(70);
    case ACTION_FAIL: return true;
    }
    return false;
}

static bool reach(const char *name)
{
    const char *wanted = getenv("BERTH_FAULT");
    bool counted = false, fails = false;
    unsigned long reached = 0, at;
    for (const char *entry = wanted; entry && *entry;) {
        size_t length = strcspn(entry, ",");
        bool onwards;
        enum action action;
        if (read_entry(entry, length, name, &at, &onwards, &action)) {
            if (!counted)
                reached = count_one(name);
            counted = true;
            if (at > 0 && (reached == at || (onwards && reached > at))) {
                leave_mark(name);
                fails |= act(action);
            }
        }
        entry += length + (entry[length] == ',');
    }
    return fails;
}

void fault_point(const char *name)
{
    (void)reach(name);
}

bool fault_fails(const char *name)
{
    return reach(name);
}

#endif
