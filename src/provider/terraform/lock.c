/* SPDX-License-Identifier: ISC */
/* Proving that nobody holds a lock any more, and releasing it. */
#include "provider/terraform/lock.h"

#include "provider/terraform/module.h"

#include "berth/base/file.h"
#include "berth/base/process.h"

#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLOCK_SLACK_MS 2000 /* its instants are whole seconds */

static void count_found(pid_t pid, void *context)
{
    (void)pid;
    (*(size_t *)context)++;
}

/* Who the tool calls itself on this machine: USER@HOST. */
static void own_name(struct str *name)
{
    char host[256] = "";
    const struct passwd *user = getpwuid(geteuid());
    (void)gethostname(host, sizeof host - 1);
    str_addf(name, "%s@%s", user ? user->pw_name : "", host);
}

static bool is_tool(const char *command)
{
    return text_starts(command, "terraform") || text_starts(command, "tofu") || text_starts(command, "opentofu");
}

/* It has ended, and its parent has not looked yet: it holds nothing. */
static bool is_zombie(const char *pid)
{
    struct str stat = STR_INIT;
    char *path = path_printf("/proc/%s/stat", pid);
    const char *name_end = file_read(path, 4096, &stat, NULL) ? strrchr(stat.data, ')') : NULL;
    bool is = name_end && text_starts(name_end, ") Z");
    str_release(&stat);
    free(path);
    return is;
}

/* Tools of the kind that berth did not start: whose environment does not say which state they work on, or may not be read. */
static size_t foreign_tools(void)
{
    struct folder_list list = {0};
    size_t count = 0;
    if (!folder_list("/proc", &list, NULL))
        return 1;
    for (size_t i = 0; i < list.count; i++) {
        struct str command = STR_INIT;
        char *path = path_printf("/proc/%s/comm", list.names[i]);
        long long pid;
        if (text_to_int(list.names[i], &pid) && file_read(path, 64, &command, NULL) && is_tool(command.data) &&
            !is_zombie(list.names[i]))
            count += !process_has_variable((pid_t)pid, TERRAFORM_STATE_VARIABLE);
        free(path);
        str_release(&command);
    }
    folder_list_free(&list);
    return count;
}

bool lock_holder_is_dead(const struct state_lock *lock, const char *state_name, int64_t since_ms, struct error *error)
{
    struct str own = STR_INIT, variable = STR_INIT;
    size_t ours = 0;
    bool dead = false;
    own_name(&own);
    str_addf(&variable, TERRAFORM_STATE_VARIABLE "=%s", state_name);
    (void)process_find(variable.data, 0, count_found, &ours);
    error_set(error, ERROR_CONFLICT, "it is not proven that the holder of lock %s is dead", lock->id);
    if (text_empty(lock->id))
        error_detail(error, "the tool did not say which lock it is");
    else if (!text_equal(lock->who, own.data))
        error_detail(error, "it is held by %s; this is %s", lock->who, own.data);
    else if (lock->since_ms == 0 || lock->since_ms + CLOCK_SLACK_MS < since_ms)
        error_detail(error, "it was taken before the attempt began that may have left it");
    else if (ours > 0)
        error_detail(error, "a tool that works on this state still runs");
    else if (foreign_tools() > 0)
        error_detail(error, "a tool that somebody started by hand runs on this machine");
    else
        dead = true;
    if (dead)
        error_clear(error);
    else
        error_hint(error, "see who holds it; a person may have it released by its id");
    str_release(&own);
    str_release(&variable);
    return dead;
}

/* A local state's lock is the kernel's: it ends with its holder, and nothing is to be released. */
static bool release_local(const struct module *module, struct error *error)
{
    if (!file_locked(module->state))
        return true;
    error_set(error, ERROR_CONFLICT, "the state of '%s' is still locked by a process that lives",
              module->task->address);
    return error_hint(error, "wait until it ends, or cancel what it does");
}

bool terraform_unlock(const struct provider_context *context, const struct executor_task *task,
                      const struct lock_release *release, struct error *error)
{
    struct module module;
    bool released = false;
    struct arena arena = {0};
    const struct state_lock *lock = release->lock;
    if (text_empty(lock->id) ||
        lock->id[strspn(lock->id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.:/")] != '\0' ||
        lock->id[0] == '-') {
        error_set(error, ERROR_USAGE, "no lock is named");
        return error_hint(error, "give the id that the failed step shows");
    }
    if (module_begin(&module, context, task, &arena, error) &&
        (release->asked || lock_holder_is_dead(lock, module.state_name, release->since_ms, error))) {
        released = module.own_backend
                       ? module_run(&module, (const char *const[]){"force-unlock", "-force", lock->id, NULL}, 0, error)
                       : release_local(&module, error);
        if (released)
            provider_log(context, "berth: the lock %s of '%s' is released: %s", lock->id, task->address,
                         release->asked ? "a person asked for it" : "its holder is dead");
    }
    module_release(&module);
    arena_release(&arena);
    return released;
}

/* --- looking ------------------------------------------------------------------------------------------------- */

/* No command of the tool only looks at the lock. This one takes it, finds nothing to do, and lets go. */
static bool try_lock(struct module *module, struct error *error)
{
    return module_run(module,
                      (const char *const[]){"untaint", "-no-color", "-allow-missing", "-lock-timeout=0s",
                                            "terraform_data.berth_looks_at_the_lock", NULL},
                      0, error);
}

static bool ends_with_its_holder(const struct module *module, struct error *error)
{
    error_set(error, ERROR_UNSUPPORTED,
              "the state of '%s' is a file here, locked%s%s: such a lock ends with its holder", module->task->address,
              module->lock.who[0] ? " by " : "", module->lock.who);
    return error_hint(error, "wait until that process ends, or cancel what it does");
}

bool terraform_look_at_lock(const struct provider_context *context, const struct executor_task *task, int64_t since_ms,
                            struct arena *arena, struct lock_seen *seen, struct error *error)
{
    struct module module;
    struct error problem = {0};
    *seen = (struct lock_seen){.why = ""};
    bool looked = module_begin(&module, context, task, arena, error);
    if (looked) {
        seen->held = !try_lock(&module, error);
        looked = !seen->held || module.locked;
    }
    if (looked && seen->held && !module.own_backend)
        looked = ends_with_its_holder(&module, error);
    else if (looked && seen->held) {
        error_clear(error);
        seen->lock = module.lock;
        seen->dead = lock_holder_is_dead(&seen->lock, module.state_name, since_ms, &problem);
        seen->why = arena_strdup(arena, problem.detail);
    }
    module_release(&module);
    return looked;
}
