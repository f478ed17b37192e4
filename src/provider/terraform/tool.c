/* SPDX-License-Identifier: ISC */
/* Choosing the program and asking it for its version. */
#include "provider/terraform/tool.h"

#include "provider/terraform/version.h"

#include "berth/base/file.h"
#include "berth/base/hash.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION_LIMIT 256

const char *tool_name(const struct executor_task *task)
{
    const char *name = json_get_text(json_object_get(task->spec, "tool"), "name");
    return name[0] ? name : "terraform";
}

bool tool_is_missing(const struct module *module, struct error *error)
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

/* --- which file it is ---------------------------------------------------------------------------------------- */

/* The file that a name on PATH means, status filled; NULL: none here. In the arena. */
static const char *find_program(const struct module *module, struct stat *status)
{
    const char *own = json_get_text(module->environment, "PATH"), *at = own[0] ? own : getenv("PATH");
    if (strchr(module->program, '/'))
        return stat(module->program, status) == 0 ? module->program : NULL;
    while (at && *at) {
        size_t length = strcspn(at, ":");
        const char *path = arena_printf(module->arena, "%.*s/%s", (int)length, at, module->program);
        if (length > 0 && stat(path, status) == 0 && S_ISREG(status->st_mode) && access(path, X_OK) == 0)
            return path;
        at += length + (at[length] == ':');
    }
    return NULL;
}

const char *tool_identity(const struct module *module)
{
    struct stat status;
    const char *path = find_program(module, &status);
    if (!path)
        return module->program;
    return arena_printf(module->arena, "%s %lld %lld %lld.%09ld", path, (long long)status.st_ino,
                        (long long)status.st_size, (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

/* --- its version --------------------------------------------------------------------------------------------- */

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

const char *tool_version(struct module *module, struct error *error)
{
    char hex[HASH_HEX_SIZE];
    struct str noted = STR_INIT;
    const char *identity = tool_identity(module), *version = NULL;
    hash_sha256(identity, strlen(identity), hex);
    const char *path = arena_printf(module->arena, "%s/terraform-version-%.16s", module->context->run_folder, hex);
    bool is_file = !text_equal(identity, module->program);
    if (is_file && file_read(path, VERSION_LIMIT, &noted, NULL))
        version = arena_strdup(module->arena, noted.data);
    str_release(&noted);
    if (version)
        return version;
    version = ask_version(module, error);
    if (version && is_file) /* else it is asked again */
        (void)!file_replace(path, version, strlen(version), 0600, FILE_RELAXED, NULL);
    return version;
}

bool tool_choose(struct module *module, struct error *error)
{
    const json_t *tool = json_object_get(module->task->spec, "tool");
    const char *wanted = json_get_text(tool, "version"), *path = json_get_text(tool, "path");
    const char *name = tool_name(module->task), *exact = version_exact(wanted);
    module->program = path[0] ? path : name;
    if (!wanted[0])
        return true;
    struct error first = {0};
    const char *version = tool_version(module, &first);
    if (version && version_fits(wanted, version))
        return true;
    if (exact && !path[0]) { /* beside it, as people keep several: terraform-1.9.8 */
        module->program = arena_printf(module->arena, "%s-%s", name, exact);
        const char *other = tool_version(module, NULL);
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
