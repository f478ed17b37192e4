/* SPDX-License-Identifier: ISC */
/* Laying out a module's folders, running its tool, looking at its state. */
#include "provider/terraform/module.h"

#include "provider/job.h"
#include "provider/terraform/init.h"
#include "provider/terraform/lock.h"
#include "provider/terraform/layout.h"
#include "provider/terraform/secrets.h"
#include "provider/terraform/shown.h"
#include "provider/terraform/state.h"
#include "provider/terraform/tool.h"
#include "provider/terraform/version.h"

#include "berth/base/file.h"
#include "berth/base/hash.h"
#include "berth/base/text.h"
#include "berth/base/time.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLUG_BYTES 80
#define STATE_FILE "terraform.tfstate"
#define ERRORED_FILE "errored.tfstate"
#define CONFIG_LIMIT ((size_t)1 << 20)
/* When it is looked again who holds the lock that is waited for: each time after twice as long. */
#define LOCK_LOOK_FIRST_MS (5 * MS_SECOND)
#define LOCK_LOOK_MOST_MS MS_MINUTE

/* --- what the spec says -------------------------------------------------------------------------------------- */

static bool check_dir(const struct executor_task *task, struct error *error)
{
    const char *dir = json_get_text(task->spec, "dir");
    if (!dir[0] || (!text_equal(dir, ".") && !path_inside(dir))) {
        error_set(error, ERROR_CONFIG, "`dir` '%s' names no folder of the repository", dir);
        return error_hint(error, "say where its module is: dir: infra");
    }
    char *full = path_join(task->tree, dir);
    bool there = folder_exists(full);
    free(full);
    if (there)
        return true;
    error_set(error, ERROR_NOT_FOUND, "the module's folder '%s' is not in the commit", dir);
    return error_hint(error, "add it to the repository, or correct `dir`");
}

static bool check_files(const struct executor_task *task, struct error *error)
{
    size_t at;
    json_t *item;
    json_array_foreach(json_object_get(task->spec, "var_files"), at, item)
    {
        const char *name = json_string_value(item);
        char *full = name && path_inside(name) ? path_join(task->tree, name) : NULL;
        bool there = full && file_exists(full);
        free(full);
        if (there)
            continue;
        error_set(error, ERROR_NOT_FOUND, "the file of variables '%s' is not in the commit", name ? name : "");
        return error_hint(error, "add it to the repository, or correct `var_files`; paths begin at its root");
    }
    return true;
}

/* What would change where the state is, what is run, or put what is secret into logs. */
static bool check_environment(const struct executor_task *task, struct error *error)
{
    static const char *const own[] = {"TF_DATA_DIR", "TF_CLI_ARGS", "TF_LOG",          "TF_WORKSPACE",
                                      "TF_INPUT",    "TF_IN_AUTO",  "TF_PLUGIN_CACHE", "TF_VAR_"};
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(task->spec, "env"), name, value)
    {
        for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
            if (!text_starts(name, own[i]))
                continue;
            error_set(error, ERROR_CONFIG, "`env` sets '%s', which is berth's own", name);
            return error_hint(error, "`vars`, `backend`, `parallelism` and `lock_timeout` say what berth passes on");
        }
    }
    return job_check_environment(task, error);
}

bool module_check(const struct executor_task *task, struct error *error)
{
    const json_t *tool = json_object_get(task->spec, "tool");
    const char *version = json_get_text(tool, "version"), *path = json_get_text(tool, "path");
    if (version[0] && !version_constraints_valid(version)) {
        error_set(error, ERROR_CONFIG, "the version '%s' of the tool cannot be read", version);
        return error_hint(error, "write it as 1.9.8, or as constraints: \">= 1.5, < 2.0\"");
    }
    if (path[0] && path[0] != '/') {
        error_set(error, ERROR_CONFIG, "the path '%s' of the tool is not absolute", path);
        return error_hint(error, "name it from the root, or leave it out: it is then looked for on PATH");
    }
    return check_dir(task, error) && check_files(task, error) && check_environment(task, error);
}

/* --- the folders --------------------------------------------------------------------------------------------- */

/* A name for a file or folder, of anything: ids of environments and plain addresses stay as they are. */
static const char *slug(struct arena *arena, const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    struct str text = STR_INIT;
    if (name[0] && strlen(name) <= SLUG_BYTES && name[strspn(name, plain)] == '\0')
        return name;
    text_slug(&text, name, SLUG_BYTES);
    const char *copy = arena_strdup(arena, text.data);
    str_release(&text);
    return copy;
}

/* WORK/state: the tool reaches its local state by a path that is the same for each resource, see init.c. */
static bool link_state(const struct module *module, struct error *error)
{
    const char *path = arena_printf(module->arena, "%s/state", module->work);
    return symlink(module->state_folder, path) == 0 || errno == EEXIST ||
           error_errno(error, ERROR_IO, errno, "cannot make the link %s", path);
}

static bool lay_out(struct module *module, struct error *error)
{
    const struct executor_task *task = module->task;
    const char *dir = json_get_text(task->spec, "dir");
    const char *environment = text_empty(task->environment_id) ? task->environment : task->environment_id;
    const char *name = slug(module->arena, task->address);
    if (text_empty(module->context->run_folder)) {
        error_set(error, ERROR_UNSUPPORTED, "'%s' cannot be worked on outside a run", task->address);
        return error_hint(error, "start a run that looks at it");
    }
    module->work = arena_printf(module->arena, "%s/terraform-%s-%.12s", module->context->run_folder, name,
                                task->commit ? task->commit : "");
    const char *mirror = arena_printf(module->arena, "%s/tree", module->work);
    const char *pool = arena_printf(module->arena, "%s/terraform-links", module->context->run_folder);
    module->root = text_equal(dir, ".") ? mirror : arena_printf(module->arena, "%s/%s", mirror, dir);
    module->plan = arena_printf(module->arena, "%s/plan", module->work);
    module->text = arena_printf(module->arena, "%s/plan.txt", module->work);
    module->variables = arena_printf(module->arena, "%s/berth.tfvars.json", module->work);
    module->state_name =
        arena_printf(module->arena, "%s/%s", slug(module->arena, environment ? environment : ""), name);
    module->state_folder =
        arena_printf(module->arena, "%s/terraform/%s", module->context->store_folder, module->state_name);
    module->state = arena_printf(module->arena, "%s/" STATE_FILE, module->state_folder);
    return folder_make(module->work, 0700, error) && folder_make(module->state_folder, 0700, error) &&
           link_state(module, error) && (folder_exists(mirror) || layout_mirror(task->tree, dir, mirror, pool, error));
}

bool module_write_json(const char *path, const json_t *value, struct error *error)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    bool written = text && file_replace(path, text, strlen(text), 0600, FILE_RELAXED, error);
    free(text);
    return written;
}

static void set(json_t *environment, const char *name, const char *value)
{
    json_object_set_new(environment, name, json_string(value));
}

/* Whether the tool's own configuration names a cache of plugins. */
static bool has_cache(const char *config)
{
    struct str text = STR_INIT;
    const char *home = getenv("HOME");
    char *path = !text_empty(config) ? mem_strdup(config) : path_printf("%s/.terraformrc", home ? home : "");
    bool has = file_read(path, CONFIG_LIMIT, &text, NULL) && strstr(text.data, "plugin_cache_dir");
    str_release(&text);
    free(path);
    return has;
}

static bool make_environment(struct module *module, struct error *error)
{
    const char *config = getenv("TF_CLI_CONFIG_FILE"), *cache = getenv("TF_PLUGIN_CACHE_DIR");
    bool made = true;
    json_t *environment = job_environment(module->task);
    set(environment, "TF_IN_AUTOMATION", "1");
    set(environment, "TF_INPUT", "0");
    set(environment, "CHECKPOINT_DISABLE", "1");
    set(environment, TERRAFORM_STATE_VARIABLE, module->state_name);
    if (!text_empty(config) && !json_object_get(environment, "TF_CLI_CONFIG_FILE"))
        set(environment, "TF_CLI_CONFIG_FILE", config);
    if (text_empty(cache) && !has_cache(config)) { /* each run would fetch its plugins again */
        cache =
            arena_printf(module->arena, "%s/cache/%s-plugins", module->context->store_folder, tool_name(module->task));
        made = folder_make(cache, 0700, error);
    }
    if (!text_empty(cache))
        set(environment, "TF_PLUGIN_CACHE_DIR", cache);
    module->environment = environment;
    return made;
}

/* --- running it ---------------------------------------------------------------------------------------------- */

struct text_run {
    struct module *module;
    FILE *text; /* NULL: not kept */
};

static void take_line(const char *line, size_t length, void *owner)
{
    struct text_run *run = owner;
    const struct provider_context *context = run->module->context;
    struct str whole = STR_INIT, clean = STR_INIT;
    diagnostic_line(&run->module->failed, line, length);
    str_add_bytes(&whole, line, length);
    if (context->redactor)
        redact_text(context->redactor, whole.data, &clean);
    else
        str_add(&clean, whole.data);
    provider_log(context, "%s", clean.data);
    if (run->text)
        (void)fprintf(run->text, "%s\n", clean.data);
    str_release(&whole);
    str_release(&clean);
}

static const char *const *arguments(struct module *module, const char *const *words)
{
    size_t count = 0;
    while (words[count])
        count++;
    const char **argv = arena_alloc(module->arena, (count + 2) * sizeof *argv);
    argv[0] = module->program;
    memcpy(argv + 1, words, count * sizeof *argv);
    return argv;
}

static bool start(struct module *module, const struct runner_job *job, struct runner_outcome *outcome,
                  struct error *error)
{
    struct error problem = {0};
    const struct executor_task *task = module->task;
    *outcome = (struct runner_outcome){.exit_status = -1};
    if (!task->runner) {
        error_set(error, ERROR_UNSUPPORTED, "'%s' has no runner to run %s with", task->address, module->program);
        return error_hint(error, "this is a fault of berth: please report it");
    }
    if (task->runner->run(task->runner_context, job, outcome, &problem))
        return true;
    if (problem.code == ERROR_NOT_FOUND)
        return tool_is_missing(module, error);
    if (error)
        *error = problem;
    return false;
}

/* Nothing of it is secret: what may be comes in files. */
static void log_command(const struct provider_context *context, const char *const *argv)
{
    struct str text = STR_INIT;
    for (size_t i = 0; argv[i]; i++) {
        str_add(&text, i > 0 ? " " : "");
        text_shell_quote(&text, argv[i]);
    }
    provider_log(context, "$ %s", text.data);
    str_release(&text);
}

void module_log_command(struct module *module, const char *const *words)
{
    log_command(module->context, arguments(module, words));
}

bool module_follow(struct module *module, const char *const *words,
                   void (*line)(const char *line, size_t length, void *owner), void *owner,
                   struct runner_outcome *outcome, struct error *error)
{
    module_log_command(module, words);
    return module_follow_quietly(module, words, line, owner, outcome, error);
}

bool module_follow_quietly(struct module *module, const char *const *words,
                           void (*line)(const char *line, size_t length, void *owner), void *owner,
                           struct runner_outcome *outcome, struct error *error)
{
    struct runner_job job = {
        .argv = arguments(module, words),
        .folder = module->root,
        .environment = module->environment,
        .grace_ms = 2 * MS_MINUTE, /* it finishes what it has begun and writes the state */
        .line = line,
        .owner = owner,
    };
    diagnostic_release(&module->failed);
    diagnostic_init(&module->failed);
    return start(module, &job, outcome, error);
}

bool module_run(struct module *module, const char *const *words, unsigned flags, struct error *error)
{
    struct text_run run = {.module = module};
    struct runner_outcome outcome;
    if (flags & MODULE_KEEP_TEXT) {
        run.text = fopen(module->text, "we");
        if (!run.text || chmod(module->text, 0600) != 0)
            provider_log(module->context, "berth: the plan's text cannot be kept in %s", module->text);
    }
    bool ran = module_follow(module, words, take_line, &run, &outcome, error);
    if (run.text)
        (void)fclose(run.text);
    if (ran && outcome.exit_status == 0 && !outcome.cancelled && !outcome.timed_out)
        return true;
    return ran && module_explain(module, &module->failed, &outcome, words[0], error);
}

bool module_capture(struct module *module, const char *const *words, struct str *output, struct runner_outcome *outcome,
                    struct error *error)
{
    struct runner_job job = {
        .argv = arguments(module, words),
        .folder = module->root,
        .environment = module->environment,
        .output = output,
        .output_limit = SHOWN_LIMIT,
    };
    diagnostic_release(&module->failed);
    diagnostic_init(&module->failed);
    return start(module, &job, outcome, error);
}

bool module_ask(struct module *module, const char *const *words, struct str *output, struct error *error)
{
    struct runner_outcome outcome;
    return module_capture(module, words, output, &outcome, error) &&
           ((outcome.exit_status == 0 && !outcome.cancelled) ||
            module_explain(module, &module->failed, &outcome, words[0], error));
}

/* " by WHO since WHEN, for WHAT": what is known of it. */
static void add_holder(struct module *module, struct str *out, const char *by)
{
    const struct state_lock *lock = &module->lock;
    if (lock->who[0])
        str_addf(out, "%s%s", by, lock->who);
    if (lock->since_ms > 0)
        str_addf(out, " since %s", instant_text(module->arena, lock->since_ms));
    if (lock->operation[0])
        str_addf(out, ", for %s", lock->operation);
}

static bool explain_lock(struct module *module, struct error *error)
{
    const struct state_lock *lock = &module->lock;
    struct str holder = STR_INIT;
    module->locked = true;
    if (!module->own_backend) /* it says it as it was told: from where it runs */
        module->lock.path = module->state;
    add_holder(module, &holder, " by ");
    error_set(error, ERROR_CONFLICT, "the state of '%s' is locked%s", module->task->address, holder.data);
    if (lock->id[0])
        error_detail(error, "lock %s%s%s", lock->id, lock->path[0] ? " of " : "", lock->path);
    error_hint(error, "wait until it is released; berth unlock %s --resource %s looks whether its holder is dead",
               module->task->environment ? module->task->environment : "ENV", module->task->address);
    if (error)
        error->retry = true;
    str_release(&holder);
    return false;
}

bool module_explain(struct module *module, const struct diagnostic *failed, const struct runner_outcome *outcome,
                    const char *what, struct error *error)
{
    const char *program = module->program;
    if (!outcome->cancelled && !outcome->timed_out && outcome->exit_status != 0) {
        if (diagnostic_lock(failed, module->arena, &module->lock))
            return explain_lock(module, error);
        if (diagnostic_stale(failed)) {
            error_set(error, ERROR_CONFLICT, "the state of '%s' changed after it was planned", module->task->address);
            return error_hint(error, "plan again to see and approve what is to be done now");
        }
        if (failed->summary[0]) {
            error_set(error, ERROR_TOOL, "%s %s of '%s' failed: %s", program, what, module->task->address,
                      failed->summary);
            if (failed->detail.length > 0)
                error_detail(error, "%s", diagnostic_in_a_line(failed, module->arena));
            return error_hint(error, "see its log; mend it and try again");
        }
    }
    (void)!job_ended_well(outcome, program, "try", error);
    return false;
}

/* --- the whole ----------------------------------------------------------------------------------------------- */

bool module_begin(struct module *module, const struct provider_context *context, const struct executor_task *task,
                  struct arena *arena, struct error *error)
{
    *module = (struct module){.context = context, .task = task, .arena = arena, .program = tool_name(task)};
    module->shorts = json_object();
    diagnostic_init(&module->failed);
    if (provider_stopped(context))
        return error_set(error, ERROR_CANCELLED, "working on '%s' was cancelled", task->address);
    if (provider_left_ms(context) == 0) {
        error_set(error, ERROR_TIMEOUT, "there was no time left to work on '%s'", task->address);
        return error_hint(error, "it is tried again; `timeout` says how long it may take");
    }
    if (!module_check(task, error) || !lay_out(module, error))
        return false;
    return make_environment(module, error) && tool_choose(module, error) && init_module(module, error);
}

void module_release(struct module *module)
{
    json_decref(module->environment);
    json_decref(module->seen);
    json_decref(module->shorts);
    diagnostic_release(&module->failed);
}

static int64_t lock_timeout_ms(const struct module *module)
{
    const json_t *given = json_object_get(module->task->spec, "lock_timeout");
    int64_t ms = MS_MINUTE;
    if (json_is_integer(given))
        ms = json_integer_value(given);
    else if (json_is_string(given) && !duration_parse(json_string_value(given), &ms, NULL))
        ms = MS_MINUTE;
    return ms;
}

static const char *lock_option(const struct module *module, int64_t ms)
{
    return arena_printf(module->arena, "-lock-timeout=%llds", (long long)((ms + MS_SECOND - 1) / MS_SECOND));
}

const char *module_lock_timeout(const struct module *module)
{
    return lock_option(module, lock_timeout_ms(module));
}

static void tell_wait(struct module *module)
{
    const struct provider_context *context = module->context;
    const struct state_lock *lock = &module->lock;
    struct str reason = STR_INIT;
    str_add(&reason, "waits for the lock of its state");
    add_holder(module, &reason, ", held by ");
    if (lock->id[0])
        str_addf(&reason, " (lock %s)", lock->id);
    provider_log(context, "berth: %s", reason.data);
    if (context->waits)
        context->waits(context, reason.data);
    str_release(&reason);
}

/* Nobody will release it but whoever began what left it. */
static bool waits_for_the_dead(const struct module *module)
{
    const struct executor_task *task = module->task;
    struct error problem = {0};
    return task->earlier_ms != 0 && lock_holder_is_dead(&module->lock, module->state_name, task->earlier_ms, &problem);
}

bool module_await_lock(struct module *module, const char **option,
                       bool (*attempt)(struct module *module, void *owner, struct error *error), void *owner,
                       struct error *error)
{
    int64_t left = lock_timeout_ms(module), wait = 0, next = LOCK_LOOK_FIRST_MS;
    bool told = false, done;
    for (;;) {
        *option = lock_option(module, wait);
        done = attempt(module, owner, error);
        if (done || !module->locked || left <= 0 || waits_for_the_dead(module))
            break;
        tell_wait(module);
        told = true;
        module->locked = false;
        error_clear(error);
        wait = left < next ? left : next;
        left -= wait;
        next = next < LOCK_LOOK_MOST_MS / 2 ? 2 * next : LOCK_LOOK_MOST_MS;
    }
    if (told && module->context->waits)
        module->context->waits(module->context, "");
    return done;
}

/* Files of the commit first, so that `vars` wins. Never on the command line: others could read it there. */
bool module_add_variables(struct module *module, const char **words, size_t *count, struct error *error)
{
    const json_t *vars = json_object_get(module->task->spec, "vars");
    size_t at;
    json_t *item;
    json_array_foreach(json_object_get(module->task->spec, "var_files"), at, item)
    {
        if (*count + 8 > MODULE_WORDS) {
            error_set(error, ERROR_LIMIT, "'%s' has too many files of variables", module->task->address);
            return error_hint(error, "put them together");
        }
        words[(*count)++] = arena_printf(module->arena, "-var-file=%s/%s", module->task->tree, json_string_value(item));
    }
    if (json_object_size(vars) == 0)
        return true;
    words[(*count)++] = arena_printf(module->arena, "-var-file=%s", module->variables);
    return module_write_json(module->variables, vars, error);
}

/* --- the state ----------------------------------------------------------------------------------------------- */

json_t *module_read_state(const struct module *module)
{
    struct str text = STR_INIT;
    json_t *state =
        file_read(module->state, SHOWN_LIMIT, &text, NULL) ? json_loadb(text.data, text.length, 0, NULL) : NULL;
    str_release(&text);
    return state;
}

bool module_is_empty(const struct module *module)
{
    struct stat status;
    if (module->own_backend)
        return false;
    if (stat(module->state, &status) != 0 || status.st_size == 0)
        return true;
    json_t *state = module_read_state(module);
    const json_t *resources = json_object_get(state, "resources");
    bool empty = json_is_array(resources) && json_array_size(resources) == 0;
    json_decref(state);
    return empty;
}

/* A file that cannot be read as one may be encrypted, as OpenTofu does it: the tool is asked for it. One that is empty is ours, from before the first apply. */
static bool is_opaque(const struct module *module)
{
    return !json_is_array(json_object_get(module->seen, "resources")) && !module_is_empty(module);
}

static bool pull_state(struct module *module, struct error *error)
{
    struct str pulled = STR_INIT;
    bool pulled_it = module_ask(module, (const char *const[]){"state", "pull", NULL}, &pulled, error);
    json_decref(module->seen);
    module->seen = pulled_it ? json_loadb(pulled.data, pulled.length, 0, NULL) : NULL;
    if (pulled_it && pulled.length > 0 && !module->seen) {
        error_set(error, ERROR_TOOL, "the state of '%s' is no JSON", module->task->address);
        pulled_it = error_hint(error, "see its log for what the tool said");
    }
    str_release(&pulled);
    return pulled_it;
}

bool module_look(struct module *module, struct error *error)
{
    json_decref(module->seen);
    module->seen = module->own_backend ? NULL : module_read_state(module);
    if ((module->own_backend || is_opaque(module)) && !pull_state(module, error))
        return false;
    secrets_of_state(module->context->redactor, module->shorts, module->seen);
    return true;
}

json_t *module_there(struct module *module)
{
    struct state_parts parts;
    bool known =
        !module->errored && !module->locked && module_look(module, NULL) && state_parts(module->seen, &parts, NULL);
    return known ? parts.inner : NULL;
}

const char *module_tidy(struct module *module)
{
    struct folder_list list = {0};
    char id[ID_SIZE];
    if (folder_list(module->state_folder, &list, NULL)) {
        for (size_t i = 0; i < list.count; i++) {
            char *path = path_join(module->state_folder, list.names[i]);
            (void)chmod(path, 0600);
            free(path);
        }
    }
    folder_list_free(&list);
    const char *errored = arena_printf(module->arena, "%s/" ERRORED_FILE, module->root);
    if (!file_exists(errored))
        return NULL;
    id_new(id, time_now_ms());
    const char *kept = arena_printf(module->arena, "%s/errored-%s.tfstate", module->state_folder, id);
    struct str state = STR_INIT;
    /* copied: the run's folder may lie on another disk, and it goes with the run */
    bool copied = file_read(errored, SHOWN_LIMIT, &state, NULL) &&
                  file_replace(kept, state.data, state.length, 0600, FILE_SYNCED, NULL);
    str_release(&state);
    if (copied)
        (void)unlink(errored);
    module->errored = copied ? kept : errored;
    return module->errored;
}
