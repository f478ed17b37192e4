/* SPDX-License-Identifier: ISC */
/*
 * The executor terraform: a resource is a root module. Its plan is saved and exactly that is applied, sealed in between; what the plan would do is told inner resource by
 * inner resource with nothing sensitive in it. The same for OpenTofu.
 */
#include "provider/registry.h"
#include "provider/terraform/command.h"
#include "provider/terraform/events.h"
#include "provider/terraform/lock.h"
#include "provider/terraform/module.h"
#include "provider/terraform/shown.h"
#include "provider/terraform/state.h"

#include "berth/base/fault.h"
#include "berth/base/file.h"
#include "berth/base/hash.h"

#include <stdlib.h>
#include <unistd.h>

#define FORM "t1-"
#define PLAN_LIMIT ((size_t)256 << 20) /* bytes of a saved plan */
#define NAME_DIGITS 16

/* --- names and digests --------------------------------------------------------------------------------------- */

static void add_json(struct str *out, const char *name, const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;
    str_addf(out, "%s ", name);
    str_add(out, text ? text : "");
    str_add_char(out, '\n');
    free(text);
}

/* Of what the resource is made of. Where the state is and who may get there (backend, env) with their placeholders: a renewed password changes nothing that was
 * approved. */
static const char *digest_of(const struct executor_task *task, const unsigned char key[KEY_BYTES], struct arena *arena)
{
    static const char *const resolved[] = {"dir", "vars", "var_files", "owns"}, *const as_written[] = {"backend",
                                                                                                       "env"};
    struct str text = STR_INIT;
    char hex[HASH_HEX_SIZE];
    json_t *recorded = json_column(!task->wanted && task->recorded ? task->recorded->spec : NULL);
    const json_t *written = task->wanted ? task->wanted->spec : recorded;
    for (size_t i = 0; i < sizeof resolved / sizeof *resolved; i++)
        add_json(&text, resolved[i], json_object_get(task->spec, resolved[i]));
    for (size_t i = 0; i < sizeof as_written / sizeof *as_written; i++)
        add_json(&text, as_written[i], json_object_get(written, as_written[i]));
    hash_hmac(key, KEY_BYTES, text.data, text.length, hex);
    json_decref(recorded);
    str_release(&text);
    return arena_printf(arena, FORM "%.48s", hex);
}

/* Two plans that would do the same have the same name: what was approved is found by what it does. */
static const char *artifact_name(const struct executor_task *task, const struct shown_plan *shown,
                                 const unsigned char key[KEY_BYTES], struct arena *arena)
{
    struct str text = STR_INIT;
    char address[HASH_HEX_SIZE], hex[HASH_HEX_SIZE];
    add_json(&text, "changes", shown->changes);
    add_json(&text, "outputs", shown->outputs);
    hash_sha256(task->address, strlen(task->address), address);
    hash_hmac(key, KEY_BYTES, text.data, text.length, hex);
    str_release(&text);
    return arena_printf(arena, "plan-%.*s-%.*s", NAME_DIGITS, address, 2 * NAME_DIGITS, hex);
}

/* What a sealed plan belongs to. */
static const char *about_of(const struct executor_task *task, const char *spec_digest, bool destroys,
                            struct arena *arena)
{
    return arena_printf(arena, "%s\n%s\n%s\n%s", task->environment_id ? task->environment_id : "", task->address,
                        spec_digest, destroys ? "destroy" : "apply");
}

/* --- plan ---------------------------------------------------------------------------------------------------- */

static bool try_plan(struct module *module, void *owner, struct error *error)
{
    return module_run(module, owner, MODULE_KEEP_TEXT, error);
}

/* Plans into module->plan and reads back what it would do. `mode`: NULL, "-destroy" or "-refresh-only". */
static bool make_plan(struct module *module, const char *mode, const struct fingerprints *with,
                      struct shown_plan *shown, struct error *error)
{
    const char *words[MODULE_WORDS] = {"plan", "-input=false", "-no-color", ""};
    const char *show[] = {"show", "-json", "-no-color", module->plan, NULL};
    json_int_t parallelism = json_integer_value(json_object_get(module->task->spec, "parallelism"));
    struct str output = STR_INIT;
    size_t count = 4;
    words[count++] = arena_printf(module->arena, "-out=%s", module->plan);
    if (mode)
        words[count++] = mode;
    if (parallelism > 0)
        words[count++] = arena_printf(module->arena, "-parallelism=%lld", (long long)parallelism);
    (void)module_look(module, NULL); /* the plan itself says why it cannot be had */
    /* the file is there with its rights before the tool fills it */
    bool planned = module_add_variables(module, words, &count, error) &&
                   file_replace(module->plan, "", 0, 0600, FILE_RELAXED, error) &&
                   module_await_lock(module, &words[3], try_plan, words, error);
    (void)unlink(module->variables);
    (void)module_tidy(module);
    planned = planned && module_ask(module, show, &output, error) &&
              shown_plan_read(output.data, output.length, with, module->arena, shown, error);
    str_release(&output);
    return planned;
}

/* An output that is declared, neither recorded nor sensitive: others wait for it. */
static bool lacks_output(const struct executor_task *task, const struct shown_plan *shown)
{
    json_t *recorded = json_column(task->recorded ? task->recorded->outputs : NULL);
    const json_t *declared = task->wanted ? task->wanted->outputs : NULL;
    bool lacks = false;
    size_t at;
    json_t *name;
    json_array_foreach(declared, at, name)
    {
        const json_t *output = json_object_get(shown->outputs, json_string_value(name));
        lacks = lacks || (json_object_get(output, "value") && !json_object_get(recorded, json_string_value(name)));
    }
    json_decref(recorded);
    return lacks;
}

static void say_wanted(const struct executor_task *task, const struct shown_plan *shown, struct plan_result *result)
{
    result->action = shown_action(shown);
    if (result->action == PLAN_NONE && (!task->recorded || lacks_output(task, shown))) {
        result->action = PLAN_UPDATE;
        result->reason = "it is as its module says; berth takes note of its outputs";
        return;
    }
    if (result->action == PLAN_NONE)
        result->reason = "it is as its module says";
    else if (result->action == PLAN_CREATE)
        result->reason = "it is not there yet";
    else if (result->action == PLAN_REPLACE)
        result->reason = "it would destroy something inside";
    else if (json_array_size(shown->drift) > 0)
        result->reason = "it differs from its module, and was changed outside";
    else
        result->reason = "it differs from its module";
}

static bool say_away(const struct module *module, const struct shown_plan *shown, struct plan_result *result,
                     struct error *error)
{
    const char *creates = shown_creates(shown);
    if (creates) {
        error_set(error, ERROR_CONFLICT, "the plan to destroy '%s' would create or change '%s'", module->task->address,
                  creates);
        return error_hint(error, "see its log; nothing was done");
    }
    result->action = shown->there || module->own_backend ? PLAN_DESTROY : PLAN_FORGET;
    result->reason = shown->there ? "it is to go away" : "there is nothing in its state";
    return true;
}

static bool keep_plan(const struct module *module, const char *name, const char *about, struct error *error)
{
    struct str bytes = STR_INIT;
    bool kept = file_read(module->plan, PLAN_LIMIT, &bytes, error) &&
                artifact_keep(module->context, name, about, bytes.data, bytes.length, error);
    str_release(&bytes);
    return kept || error_context(error, "the plan of '%s' cannot be kept", module->task->address);
}

/* Only what is declared may be used by others, and so is told. */
static json_t *declared_outputs(const struct executor_task *task, const struct shown_plan *shown)
{
    json_t *outputs = json_object(), *name;
    size_t at;
    json_array_foreach(task->wanted ? task->wanted->outputs : NULL, at, name)
    {
        json_t *output = json_object_get(shown->outputs, json_string_value(name));
        if (output)
            json_object_set(outputs, json_string_value(name), output);
    }
    return outputs;
}

static bool fill_plan(struct module *module, const unsigned char key[KEY_BYTES], struct shown_plan *shown,
                      struct plan_result *result, struct error *error)
{
    const struct executor_task *task = module->task;
    result->spec_digest = digest_of(task, key, module->arena);
    result->summary = shown_summary(shown, module->arena);
    if (task->wanted)
        say_wanted(task, shown, result);
    else if (!say_away(module, shown, result, error))
        return false;
    if (result->action != PLAN_NONE && result->action != PLAN_FORGET) {
        const char *about = about_of(task, result->spec_digest, !task->wanted, module->arena);
        result->artifact = artifact_name(task, shown, key, module->arena);
        if (!keep_plan(module, result->artifact, about, error))
            return false;
    }
    result->text = module->text + strlen(module->context->run_folder) + 1;
    result->base = state_base(module->seen, module->arena);
    result->outputs = declared_outputs(task, shown);
    result->changes = json_incref(shown->changes);
    result->drift = json_incref(shown->drift);
    result->inner = json_incref(shown->inner);
    return true;
}

static bool plan(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                 struct plan_result *result, struct error *error)
{
    unsigned char key[KEY_BYTES];
    struct fingerprints with = {.key = key, .redactor = context->redactor};
    struct shown_plan shown = {0};
    struct module module;
    bool planned =
        module_begin(&module, context, task, arena, error) && provider_key(context->store_folder, key, error);
    if (planned)
        fault_point("terraform.before_plan");
    with.shorts = module.shorts;
    planned = planned && make_plan(&module, task->wanted ? NULL : "-destroy", &with, &shown, error) &&
              fill_plan(&module, key, &shown, result, error);
    if (module.plan)
        (void)unlink(module.plan);
    if (module.locked)
        result->lock = lock_to_json(&module.lock);
    shown_plan_release(&shown);
    module_release(&module);
    return planned;
}

/* --- apply and destroy --------------------------------------------------------------------------------------- */

/* The saved plan, opened into the work folder for this one call. */
static bool open_plan(const struct module *module, const char *spec_digest, bool destroys, struct error *error)
{
    const struct executor_task *task = module->task;
    const char *digest = text_empty(task->planned_spec_digest) ? spec_digest : task->planned_spec_digest;
    struct str bytes = STR_INIT;
    if (text_empty(task->artifact)) {
        error_set(error, ERROR_CONFLICT, "there is no saved plan of '%s'", task->address);
        return error_hint(error, "plan again: only what was planned is applied");
    }
    bool opened = artifact_fetch(module->context, task->artifact, about_of(task, digest, destroys, module->arena),
                                 &bytes, error) &&
                  file_replace(module->plan, bytes.data, bytes.length, 0600, FILE_RELAXED, error);
    str_release(&bytes);
    return opened || error_context(error, "the saved plan of '%s' cannot be used", task->address);
}

struct applying {
    const char *words[8];
    struct events *events;
    struct runner_outcome outcome;
};

static bool try_apply(struct module *module, void *owner, struct error *error)
{
    struct applying *applying = owner;
    struct events *events = applying->events;
    const struct runner_outcome *outcome = &applying->outcome;
    diagnostic_release(&events->failed); /* of a run before that did not get the lock */
    diagnostic_init(&events->failed);
    if (!module_follow(module, applying->words, events_line, events, &applying->outcome, error))
        return false;
    return (outcome->exit_status == 0 && !outcome->cancelled && !outcome->timed_out) ||
           module_explain(module, &events->failed, outcome, "apply", error);
}

static bool apply_plan(struct module *module, struct events *events, struct apply_result *result, struct error *error)
{
    json_int_t parallelism = json_integer_value(json_object_get(module->task->spec, "parallelism"));
    struct applying applying = {.words = {"apply", "-input=false", "-json", ""}, .events = events};
    size_t count = 4;
    if (parallelism > 0)
        applying.words[count++] = arena_printf(module->arena, "-parallelism=%lld", (long long)parallelism);
    applying.words[count] = module->plan;
    (void)module_look(module, NULL);
    bool done = module_await_lock(module, &applying.words[3], try_apply, &applying, error);
    (void)unlink(module->plan);
    const char *errored = module_tidy(module);
    result->exit_status = applying.outcome.exit_status;
    if (errored) {
        provider_log(module->context, "berth: the state could not be written where it belongs; it is kept in %s",
                     errored);
        error_hint(error, "the state is kept in %s: when its place can be written again, push it with `state push`",
                   errored);
    }
    return done;
}

/* The outputs of the state as it is now: object NAME: {"sensitive","value"}, or NULL with an error. */
static json_t *read_outputs(struct module *module, struct error *error)
{
    struct str output = STR_INIT;
    json_t *outputs = NULL;
    if (module_ask(module, (const char *const[]){"output", "-json", "-no-color", NULL}, &output, error)) {
        outputs = json_loadb(output.data, output.length, 0, NULL);
        if (!json_is_object(outputs)) {
            error_set(error, ERROR_TOOL, "the outputs of '%s' are no JSON object", module->task->address);
            error_hint(error, "see its log for what else it said");
            json_decref(outputs);
            outputs = NULL;
        }
    }
    str_release(&output);
    return outputs;
}

static bool any_sensitive(const json_t *declared, const json_t *said)
{
    size_t at;
    json_t *name;
    json_array_foreach(declared, at, name)
    {
        const json_t *output = json_object_get(said, json_string_value(name));
        if (json_is_true(json_object_get(output, "sensitive")))
            return true;
    }
    return false;
}

static void tell_redactor(const struct provider_context *context, const json_t *value)
{
    json_t *text = output_text(value);
    if (context->redactor)
        redactor_add(context->redactor, json_string_value(text), json_string_length(text));
    json_decref(text);
}

/* Of a sensitive output only a fingerprint is kept; whoever uses it asks for it then. */
static bool take_outputs(struct module *module, const struct fingerprints *with, json_t *said,
                         struct apply_result *result, struct error *error)
{
    const json_t *declared = module->task->wanted ? module->task->wanted->outputs : NULL;
    json_t *read = any_sensitive(declared, said) || !said ? read_outputs(module, error) : json_incref(said);
    size_t at;
    json_t *name;
    bool taken = read != NULL;
    result->outputs = json_object();
    result->sensitive = json_object();
    json_array_foreach(declared, at, name)
    {
        char mark[FINGERPRINT_SIZE];
        const char *key = json_string_value(name);
        const json_t *output = json_object_get(read, key), *value = json_object_get(output, "value");
        if (taken && !value) {
            taken = error_set(error, ERROR_TOOL, "'%s' did not give the output '%s' it declares", module->task->address,
                              key);
            error_hint(error, "add output \"%s\" to the module, or take it out of `outputs`", key);
        } else if (taken && (json_is_true(json_object_get(output, "sensitive")) || holds_secret(with, value))) {
            fingerprint(with, "output", key, value, mark);
            tell_redactor(module->context, value);
            json_object_set_new(result->sensitive, key, json_string(mark));
        } else if (taken) {
            json_object_set_new(result->outputs, key, output_text(value));
        }
    }
    json_decref(read);
    return taken;
}

/* What is there now, whoever made it: an attempt that was killed told nobody. Of one that failed only where it costs no run of the tool. */
static void take_there(struct module *module, bool done, struct apply_result *result)
{
    if (!done && module->own_backend)
        return;
    result->there = module_there(module);
    if (result->there)
        result->base = state_base(module->seen, module->arena);
}

static bool apply(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                  struct apply_result *result, struct error *error)
{
    unsigned char key[KEY_BYTES];
    struct fingerprints with = {.key = key, .redactor = context->redactor};
    struct events events;
    struct module module;
    events_init(&events, context, arena);
    result->exit_status = -1;
    bool done = module_begin(&module, context, task, arena, error) && provider_key(context->store_folder, key, error);
    if (done) {
        with.shorts = module.shorts;
        result->spec_digest = digest_of(task, key, arena);
        done = open_plan(&module, result->spec_digest, false, error);
    }
    if (done) {
        fault_point("terraform.before_apply");
        done = apply_plan(&module, &events, result, error);
        done = done && take_outputs(&module, &with, events.outputs, result, error);
        result->inner = shown_in_order(json_incref(events.inner));
        take_there(&module, done, result);
    }
    if (module.locked)
        result->lock = lock_to_json(&module.lock);
    events_release(&events);
    module_release(&module);
    return done;
}

/* Nothing is left over where nothing is left; what a failed writing of the state left stays. */
static void remove_state(const struct module *module)
{
    struct folder_list list = {0};
    bool keep = false;
    struct error problem = {0};
    if (!module_is_empty(module) || !folder_list(module->state_folder, &list, NULL))
        return;
    for (size_t i = 0; i < list.count; i++)
        keep = keep || text_starts(list.names[i], "errored-");
    folder_list_free(&list);
    if (keep)
        return;
    if (folder_remove(module->state_folder, &problem)) {
        char *environment = mem_strdup(module->state_folder);
        *strrchr(environment, '/') = '\0';
        (void)rmdir(environment); /* stays while another resource has a state in it */
        free(environment);
        return;
    }
    provider_log(module->context, "berth: the empty state of '%s' cannot be removed: %s", module->task->address,
                 problem.message);
}

static bool destroy(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                    struct apply_result *result, struct error *error)
{
    unsigned char key[KEY_BYTES];
    struct events events;
    struct module module;
    events_init(&events, context, arena);
    result->exit_status = -1;
    bool done = module_begin(&module, context, task, arena, error) && provider_key(context->store_folder, key, error);
    if (done && module_is_empty(&module)) {
        provider_log(context, "berth: there is nothing in the state of '%s'", task->address);
    } else if (done) {
        done = open_plan(&module, digest_of(task, key, arena), true, error);
        if (done)
            fault_point("terraform.before_destroy");
        done = done && apply_plan(&module, &events, result, error);
        result->inner = shown_in_order(json_incref(events.inner));
    }
    if (done)
        remove_state(&module);
    if (module.locked)
        result->lock = lock_to_json(&module.lock);
    events_release(&events);
    module_release(&module);
    return done;
}

/* --- looking ------------------------------------------------------------------------------------------------- */

static bool check(const struct provider_context *context, const struct executor_task *task, struct error *error)
{
    (void)context;
    return module_check(task, error);
}

/* The parts of the state as it is now; nothing is there where a local one is empty. */
static bool read_parts(struct module *module, struct state_parts *parts, struct error *error)
{
    return module_look(module, error) && state_parts(module->seen, parts, error);
}

/* What its state says. Whether that still holds outside is asked by drift. */
static bool observe(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                    struct resource *seen, struct error *error)
{
    struct state_parts parts;
    struct module module;
    bool looked = module_begin(&module, context, task, arena, error) && read_parts(&module, &parts, error);
    if (looked) {
        seen->status = parts.count == 0 ? RESOURCE_GONE : parts.tainted > 0 ? RESOURCE_FAILED : RESOURCE_OK;
        seen->ready = arena_printf(arena, "%zu/%zu", parts.count - parts.tainted, parts.count);
        seen->status_reason = parts.count == 0 ? "there is nothing in its state"
                              : parts.tainted > 0
                                  ? arena_printf(arena, "%zu inner resources are tainted", parts.tainted)
                                  : "its state is whole";
        json_decref(parts.inner);
    }
    module_release(&module);
    return looked;
}

static bool drift(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                  struct executor_drift *drift, struct error *error)
{
    unsigned char key[KEY_BYTES];
    struct fingerprints with = {.key = key, .redactor = context->redactor};
    struct shown_plan shown = {0};
    struct state_parts parts = {0};
    struct module module;
    *drift = (struct executor_drift){.base = ""};
    bool looked = module_begin(&module, context, task, arena, error) && provider_key(context->store_folder, key, error);
    with.shorts = module.shorts;
    looked =
        looked && make_plan(&module, "-refresh-only", &with, &shown, error) && state_parts(module.seen, &parts, error);
    if (module.plan)
        (void)unlink(module.plan);
    if (looked) {
        drift->changes = json_incref(shown.drift);
        drift->inner = json_incref(parts.inner);
        drift->base = state_base(module.seen, arena);
    }
    json_decref(parts.inner);
    shown_plan_release(&shown);
    module_release(&module);
    return looked;
}

static bool output(const struct provider_context *context, const struct executor_task *task, const char *name,
                   struct str *value, struct error *error)
{
    struct arena arena = {0};
    struct module module;
    json_t *outputs = module_begin(&module, context, task, &arena, error) ? read_outputs(&module, error) : NULL;
    const json_t *found = json_object_get(json_object_get(outputs, name), "value");
    if (found) {
        json_t *text = output_text(found);
        tell_redactor(context, found);
        str_add_bytes(value, json_string_value(text), json_string_length(text));
        json_decref(text);
    } else if (outputs) {
        error_set(error, ERROR_NOT_FOUND, "'%s' has no output '%s'", task->address, name);
        error_hint(error, "add output \"%s\" to the module and deploy it", name);
    }
    bool got = found != NULL;
    json_decref(outputs);
    module_release(&module);
    arena_release(&arena);
    return got;
}

static const struct provider_executor executor = {
    .flags = EXECUTOR_OBSERVES | EXECUTOR_REPLANS,
    .check = check,
    .plan = plan,
    .apply = apply,
    .destroy = destroy,
    .observe = observe,
    .drift = drift,
    .output = output,
    .unlock = terraform_unlock,
    .look_at_lock = terraform_look_at_lock,
    .command = terraform_command,
};

const struct provider terraform_provider = {
    .name = "terraform",
    .executor = &executor,
};
