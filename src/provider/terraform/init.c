/* SPDX-License-Identifier: ISC */
/* Running init, once for all that it would do the same for. */
#include "provider/terraform/init.h"

#include "provider/key.h"
#include "provider/terraform/needs.h"
#include "provider/terraform/tool.h"
#include "provider/terraform/version.h"

#include "berth/base/file.h"
#include "berth/base/hash.h"

#include <poll.h>
#include <stdlib.h>

#define INIT_POLL_MS 10
#define KEY_DIGITS 16
#define BACKEND_LIMIT ((size_t)4 << 20)
#define LOCK_FILE ".terraform.lock.hcl"
#define LOCK_FILE_LIMIT ((size_t)4 << 20)
#define OWN "own"     /* the module's backend has the state */
#define STORE "store" /* the store has it */

struct init {
    struct module *module;
    const char *shared; /* the folder of what init makes */
    const char *kind;   /* path: OWN or STORE, once it is whole */
    const char *locked; /* path: the lock file that init made where the module has none */
    unsigned flags;     /* enum needs_flag */
};

/* --- what it would do the same for ------------------------------------------------------------------------------- */

/* Where the local state is, seen from where the tool runs: the same words for all modules as deep as this one. */
static const char *state_path(const struct module *module)
{
    const char *path = "../state/terraform.tfstate";
    for (const char *at = json_get_text(module->task->spec, "dir"); *at;) {
        size_t length = strcspn(at, "/");
        if (length > 0 && !(length == 1 && at[0] == '.'))
            path = arena_printf(module->arena, "../%s", path);
        at += length + (at[length] == '/');
    }
    return path;
}

static void add_file(struct needs *needs, const char *kind, const char *path)
{
    char hex[HASH_HEX_SIZE] = "none";
    struct str text = STR_INIT;
    if (file_read(path, LOCK_FILE_LIMIT, &text, NULL))
        hash_sha256(text.data, text.length, hex);
    needs_add(needs, kind, hex);
    str_release(&text);
}

static void add_json(struct needs *needs, const char *kind, const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;
    needs_add(needs, kind, text ? text : "");
    free(text);
}

/* What is in the state needs its plugins, also when the module does not speak of it any more. */
static void add_state(struct needs *needs, const struct module *module)
{
    json_t *state = module_read_state(module), *resource;
    size_t at;
    json_array_foreach(json_object_get(state, "resources"), at, resource)
        needs_add(needs, "state", json_get_text(resource, "provider"));
    json_decref(state);
}

static bool open_shared(struct init *init, const unsigned char key[KEY_BYTES], struct error *error)
{
    struct module *module = init->module;
    const struct executor_task *task = module->task;
    struct needs needs = {0};
    struct str text = STR_INIT;
    char hex[HASH_HEX_SIZE];
    const json_t *backend = json_object_get(task->spec, "backend");
    bool looked = needs_of_folder(&needs, module->root, error);
    init->flags = needs.flags | (json_object_size(backend) > 0 ? NEEDS_BACKEND : 0);
    if (init->flags) {
        needs_add(&needs, "commit", task->commit ? task->commit : "");
        needs_add(&needs, "dir", json_get_text(task->spec, "dir"));
    }
    needs_add(&needs, "tool", tool_identity(module));
    needs_add(&needs, "path", state_path(module));
    needs_add(&needs, "cache", json_get_text(module->environment, "TF_PLUGIN_CACHE_DIR"));
    add_json(&needs, "env", json_object_get(task->spec, "env"));
    add_json(&needs, "backend", backend);
    add_file(&needs, "lock", arena_printf(module->arena, "%s/" LOCK_FILE, module->root));
    add_state(&needs, module);
    needs_text(&needs, &text);
    hash_hmac(key, KEY_BYTES, text.data, text.length, hex);
    init->shared = arena_printf(module->arena, "%s/terraform-init-%.*s", module->context->run_folder, KEY_DIGITS, hex);
    needs_release(&needs);
    str_release(&text);
    return looked;
}

/* --- init itself --------------------------------------------------------------------------------------------------- */

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
    char *locked = path_join(module->root, LOCK_FILE);
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
static const char *backend_found(const struct init *init)
{
    struct str text = STR_INIT;
    struct arena *arena = init->module->arena;
    const char *path = arena_printf(arena, "%s/data/terraform.tfstate", init->shared), *type = "";
    if (file_read(path, BACKEND_LIMIT, &text, NULL)) {
        json_t *noted = json_loadb(text.data, text.length, 0, NULL);
        const json_t *backend = json_object_get(noted, "backend");
        const char *place = json_get_text(json_object_get(backend, "config"), "path");
        type = arena_strdup(arena, json_get_text(backend, "type"));
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
    json_t *override = json_pack("{s:{s:{s:{s:s}}}}", "terraform", "backend", "local", "path", state_path(module));
    const char *path = arena_printf(module->arena, "%s/berth_override.tf.json", module->root);
    bool written = module_write_json(path, override, error);
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
    const char *version = text_equal(tool_name(module->task), "tofu") ? tool_version(module, &error) : NULL;
    return version && !version_fits("< 1.8", version);
}

static bool write_backend(struct module *module, const json_t *backend, struct error *error)
{
    const char *path = arena_printf(module->arena, "%s/backend.json", module->work);
    json_t *settings = as_template(backend);
    bool same = json_equal(settings, backend);
    bool written = module_write_json(path, same || !evaluates_backend(module) ? backend : settings, error);
    json_decref(settings);
    return written;
}

static bool initialise(const struct init *init, struct error *error)
{
    struct module *module = init->module;
    const json_t *backend = json_object_get(module->task->spec, "backend");
    bool given = json_object_size(backend) > 0;
    if (given && !write_backend(module, backend, error))
        return false;
    if (init->flags & NEEDS_BACKEND) {
        if (!run_init(module, given, error))
            return false;
        module->own_backend = backend_found(init)[0] != '\0';
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

/* --- sharing what it made ---------------------------------------------------------------------------------------------- */

static bool copy_file(const char *from, const char *to, struct error *error)
{
    struct str text = STR_INIT;
    bool copied = file_read(from, LOCK_FILE_LIMIT, &text, error) &&
                  file_replace(to, text.data, text.length, 0600, FILE_RELAXED, error);
    str_release(&text);
    return copied;
}

/* What init made is whole, and so is known to all. */
static bool give(const struct init *init, struct error *error)
{
    const char *word = init->module->own_backend ? OWN : STORE;
    const char *made = arena_printf(init->module->arena, "%s/" LOCK_FILE, init->module->root);
    return (!file_exists(made) || copy_file(made, init->locked, error)) &&
           file_replace(init->kind, word, strlen(word), 0600, FILE_RELAXED, error);
}

enum taken { TAKEN, NOT_THERE, TAKE_FAILED };

/* What init made for this one or for another, and beside the module's files what it would have made there. */
static enum taken take(const struct init *init, struct error *error)
{
    struct module *module = init->module;
    struct str kind = STR_INIT;
    const char *own = arena_printf(module->arena, "%s/" LOCK_FILE, module->root);
    bool there = file_read(init->kind, 16, &kind, NULL);
    module->own_backend = there && text_equal(kind.data, OWN);
    str_release(&kind);
    if (!there)
        return NOT_THERE;
    bool taken = (module->own_backend || write_override(module, error)) &&
                 (file_exists(own) || !file_exists(init->locked) || copy_file(init->locked, own, error));
    return taken ? TAKEN : TAKE_FAILED;
}

static bool make_or_take(const struct init *init, struct error *error)
{
    struct file_lock lock = {.fd = -1};
    enum taken taken = take(init, error);
    if (taken == NOT_THERE) {
        if (!lock_plugins(init->module, &lock, error))
            return false;
        taken = take(init, error); /* made by another step, while we waited */
        if (taken == NOT_THERE)
            taken = initialise(init, error) && give(init, error) ? TAKEN : TAKE_FAILED;
        file_unlock(&lock);
    }
    return taken == TAKEN;
}

static void enter(struct init *init)
{
    struct module *module = init->module;
    init->kind = arena_printf(module->arena, "%s/kind", init->shared);
    init->locked = arena_printf(module->arena, "%s/lock", init->shared);
    json_object_set_new(module->environment, "TF_DATA_DIR",
                        json_string(arena_printf(module->arena, "%s/data", init->shared)));
}

bool init_module(struct module *module, struct error *error)
{
    struct init init = {.module = module};
    unsigned char key[KEY_BYTES];
    struct str noted = STR_INIT;
    const char *note = arena_printf(module->arena, "%s/initialised", module->work); /* in which folder */
    bool was = file_read(note, 4096, &noted, NULL);
    if (was) {
        init.shared = arena_strdup(module->arena, noted.data);
        enter(&init);
        was = take(&init, NULL) == TAKEN;
    }
    str_release(&noted);
    if (was)
        return true;
    if (!provider_key(module->context->store_folder, key, error) || !open_shared(&init, key, error) ||
        !folder_make(init.shared, 0700, error))
        return false;
    enter(&init);
    return make_or_take(&init, error) &&
           file_replace(note, init.shared, strlen(init.shared), 0600, FILE_RELAXED, error);
}
