/* SPDX-License-Identifier: ISC */
/* Laying out a module's folders, choosing its tool, initialising it. */
#include "provider/terraform/module.h"

#include "provider/job.h"
#include "provider/terraform/layout.h"
#include "provider/terraform/shown.h"
#include "provider/terraform/version.h"

#include "berth/base/file.h"
#include "berth/base/hash.h"
#include "berth/base/text.h"
#include "berth/base/time.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLUG_BYTES 80
#define INIT_POLL_MS 50
#define STATE_FILE "terraform.tfstate"
#define ERRORED_FILE "errored.tfstate"
#define CONFIG_LIMIT ((size_t)1 << 20)
#define BACKEND_LIMIT ((size_t)4 << 20)

/* --- what the spec says -------------------------------------------------------------------------------------- */

static const char *tool_name(const struct executor_task *task)
{
    const char *name = json_get_text(json_object_get(task->spec, "tool"), "name");
    return name[0] ? name : "terraform";
}

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
           (folder_exists(mirror) || layout_mirror(task->tree, dir, mirror, error));
}

static bool write_json(const char *path, const json_t *value, struct error *error)
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
    set(environment, "TF_DATA_DIR", arena_printf(module->arena, "%s/data", module->work));
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

/* --- the tool ------------------------------------------------------------------------------------------------ */

static bool not_there(const struct module *module, struct error *error)
{
    const char *path = getenv("PATH"), *name = tool_name(module->task);
    if (module->program[0] == '/') {
        error_set(error, ERROR_NOT_FOUND, "there is no program %s", module->program);
        return error_hint(error, "correct `tool.path` of '%s'", module->task->address);
    }
    error_set(error, ERROR_NOT_FOUND, "%s is not installed where the runner runs it", module->program);
    error_detail(error, "looked for in %s", path ? path : "(no PATH)");
    return error_hint(error, "install %s there, name it in `tool.path`, or use %s with `tool: { name: %s }`", name,
                      text_equal(name, "tofu") ? "terraform" : "OpenTofu",
                      text_equal(name, "tofu") ? "terraform" : "tofu");
}

/* The version of module->program, or NULL with an error. */
static const char *ask_version(struct module *module, struct error *error)
{
    struct str output = STR_INIT;
    const char *version = NULL;
    if (module_ask(module, (const char *const[]){"version", "-json", NULL}, &output, error)) {
        json_t *said = json_loadb(output.data, output.length, 0, NULL);
        version = arena_strdup(module->arena, json_get_text(said, "terraform_version"));
        json_decref(said);
    }
    str_release(&output);
    return version;
}

/* Only where a version is pinned the tool is asked for it: that costs as much as a small plan. */
static bool choose_tool(struct module *module, struct error *error)
{
    const json_t *tool = json_object_get(module->task->spec, "tool");
    const char *wanted = json_get_text(tool, "version"), *path = json_get_text(tool, "path");
    const char *name = tool_name(module->task), *exact = version_exact(wanted);
    module->program = path[0] ? path : name;
    if (!wanted[0])
        return true;
    struct error first = {0};
    const char *version = ask_version(module, &first);
    if (version && version_fits(wanted, version))
        return true;
    if (exact && !path[0]) { /* beside it, as people keep several: terraform-1.9.8 */
        module->program = arena_printf(module->arena, "%s-%s", name, exact);
        const char *other = ask_version(module, NULL);
        if (other && version_fits(wanted, other))
            return true;
        module->program = name;
    }
    if (!version) {
        if (error)
            *error = first;
        return false;
    }
    error_set(error, ERROR_VERSION, "'%s' wants %s %s, but %s is %s", module->task->address, name, wanted,
              path[0] ? path : "what is on PATH", version);
    return error_hint(error, "install %s %s%s%s, or change `tool.version`", name, wanted, exact ? " as " : "",
                      exact ? arena_printf(module->arena, "%s-%s", name, exact) : "");
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
        return not_there(module, error);
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

static bool explain_lock(struct module *module, struct error *error)
{
    const struct state_lock *lock = &module->lock;
    struct str since = STR_INIT;
    module->locked = true;
    if (lock->since_ms > 0)
        instant_format(&since, lock->since_ms);
    error_set(error, ERROR_CONFLICT, "the state of '%s' is locked%s%s%s%s%s%s", module->task->address,
              lock->who[0] ? " by " : "", lock->who, since.length > 0 ? " since " : "", since.data,
              lock->operation[0] ? ", for " : "", lock->operation);
    if (lock->id[0])
        error_detail(error, "lock %s%s%s", lock->id, lock->path[0] ? " of " : "", lock->path);
    error_hint(error, "wait until it is released; berth unlock %s --resource %s looks whether its holder is dead",
               module->task->environment ? module->task->environment : "ENV", module->task->address);
    if (error)
        error->retry = true;
    str_release(&since);
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

/* --- init ---------------------------------------------------------------------------------------------------- */

/* One init at a time for each cache of plugins: the tool does not lock it. Waiting ends with the call. */
static bool lock_plugins(struct module *module, struct file_lock *lock, struct error *error)
{
    const char *cache = json_get_text(module->environment, "TF_PLUGIN_CACHE_DIR");
    const char *path = cache[0] ? arena_printf(module->arena, "%s/.berth-init.lock", cache)
                                : arena_printf(module->arena, "%s/terraform/init.lock", module->context->store_folder);
    for (;;) {
        struct error problem = {0};
        if (provider_stopped(module->context))
            return error_set(error, ERROR_CANCELLED, "waiting for another init was cancelled");
        if (provider_left_ms(module->context) == 0) {
            error_set(error, ERROR_TIMEOUT, "another init took too long");
            return error_hint(error, "it is tried again; `timeout` says how long it may take");
        }
        if (file_lock(lock, path, LOCK_TRY, &problem))
            return true;
        if (problem.code != ERROR_CONFLICT) {
            if (error)
                *error = problem;
            return error_hint(error, "see whether berthd may write there");
        }
        struct pollfd stop = {.fd = module->context->stop_fd, .events = POLLIN};
        (void)poll(&stop, 1, INIT_POLL_MS);
    }
}

static bool run_init(struct module *module, bool backend_given, struct error *error)
{
    const char *backend = arena_printf(module->arena, "-backend-config=%s/backend.json", module->work);
    char *locked = path_join(module->root, ".terraform.lock.hcl");
    const char *words[8] = {"init", "-input=false", "-no-color", "-reconfigure"};
    size_t count = 4;
    if (file_exists(locked))
        words[count++] = "-lockfile=readonly";
    if (backend_given)
        words[count++] = backend;
    free(locked);
    return module_run(module, words, 0, error);
}

/* What the tool took for its backend: "" when it found none, or one that keeps the state in this folder. */
static const char *backend_found(struct module *module)
{
    struct str text = STR_INIT;
    const char *path = arena_printf(module->arena, "%s/data/" STATE_FILE, module->work), *type = "";
    if (file_read(path, BACKEND_LIMIT, &text, NULL)) {
        json_t *noted = json_loadb(text.data, text.length, 0, NULL);
        const json_t *backend = json_object_get(noted, "backend");
        const char *place = json_get_text(json_object_get(backend, "config"), "path");
        type = arena_strdup(module->arena, json_get_text(backend, "type"));
        if (text_equal(type, "local") && place[0] != '/')
            type = "";
        json_decref(noted);
    }
    str_release(&text);
    return type;
}

/* A module without a backend keeps its state in the store: said in a file of our own beside its files, which every command of the tool reads. */
static bool write_override(struct module *module, struct error *error)
{
    json_t *override = json_pack("{s:{s:{s:{s:s}}}}", "terraform", "backend", "local", "path", module->state);
    const char *path = arena_printf(module->arena, "%s/berth_override.tf.json", module->root);
    bool written = write_json(path, override, error);
    json_decref(override);
    if (written && !file_exists(module->state)) /* with its rights before the tool makes it with others */
        written = file_replace(module->state, "", 0, 0600, FILE_RELAXED, error);
    return written;
}

/* A copy in which every text stands as a template that says just that text. New reference. */
static json_t *as_template(const json_t *value)
{
    json_t *copy, *item;
    const char *key;
    size_t at;
    if (json_is_string(value)) {
        struct str text = STR_INIT;
        for (const char *c = json_string_value(value); *c; c++) {
            if ((c[0] == '$' || c[0] == '%') && c[1] == '{')
                str_add_char(&text, *c);
            str_add_char(&text, *c);
        }
        copy = json_string(text.data);
        str_release(&text);
    } else if (json_is_object(value)) {
        copy = json_object();
        json_object_foreach((json_t *)(uintptr_t)value, key, item) json_object_set_new(copy, key, as_template(item));
    } else if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach(value, at, item) json_array_append_new(copy, as_template(item));
    } else {
        copy = json_deep_copy(value);
    }
    return copy;
}

/* OpenTofu evaluates the settings of a backend from 1.8 on, terraform takes them as they are. */
static bool evaluates_backend(struct module *module)
{
    struct error error = {0};
    const char *version = text_equal(tool_name(module->task), "tofu") ? ask_version(module, &error) : NULL;
    return version && !version_fits("< 1.8", version);
}

static bool write_backend(struct module *module, const json_t *backend, struct error *error)
{
    const char *path = arena_printf(module->arena, "%s/backend.json", module->work);
    json_t *settings = as_template(backend);
    bool same = json_equal(settings, backend);
    bool written = write_json(path, same || !evaluates_backend(module) ? backend : settings, error);
    json_decref(settings);
    return written;
}

static bool initialise(struct module *module, struct error *error)
{
    const json_t *backend = json_object_get(module->task->spec, "backend");
    bool given = json_object_size(backend) > 0, may = given;
    if (given ? !write_backend(module, backend, error) : !layout_may_have_backend(module->root, error, &may))
        return false;
    if (may) {
        if (!run_init(module, given, error))
            return false;
        module->own_backend = backend_found(module)[0] != '\0';
        if (given && !module->own_backend) {
            error_set(error, ERROR_CONFIG, "'%s' has settings in `backend`, but its module names no backend",
                      module->task->address);
            return error_hint(error, "add terraform { backend \"s3\" {} } to the module, or take `backend` out");
        }
        if (module->own_backend)
            return true;
    }
    return write_override(module, error) && run_init(module, false, error);
}

static bool was_initialised(struct module *module, const char *mark)
{
    struct str kind = STR_INIT;
    bool was = file_read(mark, 16, &kind, NULL);
    if (was)
        module->own_backend = text_equal(kind.data, "own");
    str_release(&kind);
    return was;
}

static bool begin_init(struct module *module, struct error *error)
{
    const char *mark = arena_printf(module->arena, "%s/initialised", module->work);
    struct file_lock lock = {.fd = -1};
    if (was_initialised(module, mark))
        return true;
    if (!lock_plugins(module, &lock, error))
        return false;
    bool done = was_initialised(module, mark); /* by another step, while we waited */
    if (!done && initialise(module, error)) {
        const char *word = module->own_backend ? "own" : "store";
        done = file_replace(mark, word, strlen(word), 0600, FILE_RELAXED, error);
    }
    file_unlock(&lock);
    return done;
}

/* --- the whole ----------------------------------------------------------------------------------------------- */

bool module_begin(struct module *module, const struct provider_context *context, const struct executor_task *task,
                  struct arena *arena, struct error *error)
{
    *module = (struct module){.context = context, .task = task, .arena = arena, .program = tool_name(task)};
    diagnostic_init(&module->failed);
    if (provider_stopped(context))
        return error_set(error, ERROR_CANCELLED, "working on '%s' was cancelled", task->address);
    if (provider_left_ms(context) == 0) {
        error_set(error, ERROR_TIMEOUT, "there was no time left to work on '%s'", task->address);
        return error_hint(error, "it is tried again; `timeout` says how long it may take");
    }
    if (!module_check(task, error) || !lay_out(module, error))
        return false;
    return make_environment(module, error) && choose_tool(module, error) && begin_init(module, error);
}

void module_release(struct module *module)
{
    json_decref(module->environment);
    diagnostic_release(&module->failed);
}

const char *module_lock_timeout(const struct module *module)
{
    const json_t *given = json_object_get(module->task->spec, "lock_timeout");
    int64_t ms = MS_MINUTE;
    if (json_is_integer(given))
        ms = json_integer_value(given);
    else if (json_is_string(given) && !duration_parse(json_string_value(given), &ms, NULL))
        ms = MS_MINUTE;
    return arena_printf(module->arena, "-lock-timeout=%llds", (long long)((ms + MS_SECOND - 1) / MS_SECOND));
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
    return write_json(module->variables, vars, error);
}

/* --- the state ----------------------------------------------------------------------------------------------- */

/* The state file as JSON, or NULL: it is not there, is empty, or is no state. */
static json_t *read_state(const struct module *module)
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
    json_t *state = read_state(module);
    const json_t *resources = json_object_get(state, "resources");
    bool empty = json_is_array(resources) && json_array_size(resources) == 0;
    json_decref(state);
    return empty;
}

const char *module_base(struct module *module)
{
    struct str pulled = STR_INIT;
    json_t *state = NULL;
    const char *base = "";
    if (!module->own_backend)
        state = read_state(module);
    else if (module_ask(module, (const char *const[]){"state", "pull", NULL}, &pulled, NULL))
        state = json_loadb(pulled.data, pulled.length, 0, NULL);
    const char *lineage = json_get_text(state, "lineage");
    if (lineage[0])
        base = arena_printf(module->arena, "%s/%lld", lineage, (long long)json_get_int(state, "serial"));
    json_decref(state);
    str_release(&pulled);
    return base;
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
    return copied ? kept : errored;
}
