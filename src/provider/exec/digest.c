/* SPDX-License-Identifier: ISC */
/* What an exec resource's digest is made of. */
#include "provider/exec/digest.h"

#include "berth/base/file.h"
#include "berth/base/hash.h"
#include "berth/provider.h"
#include "provider/key.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART_DIGITS 24
#define FILE_LIMIT ((size_t)1 << 30)
#define DEPTH_LIMIT 128
#define FORM "1"

struct walk {
    const char *tree;
    const json_t *patterns;
    struct str *out; /* "PATH NUL MODE NUL HASH LF" of each file, in order */
    size_t files;
};

static bool is_named(const struct walk *walk, const char *path)
{
    size_t at;
    json_t *pattern;
    json_array_foreach(walk->patterns, at, pattern)
    {
        if (json_is_string(pattern) && text_glob(json_string_value(pattern), path))
            return true;
    }
    return false;
}

static bool add_content(struct walk *walk, const char *full, const struct stat *status, struct error *error)
{
    struct str bytes = STR_INIT;
    char hex[HASH_HEX_SIZE], target[PATH_MAX];
    bool read = true;
    if (S_ISLNK(status->st_mode)) {
        ssize_t length = readlink(full, target, sizeof target);
        read = length >= 0 || error_errno(error, ERROR_IO, errno, "cannot read the link %s", full);
        str_add_bytes(&bytes, target, read ? (size_t)length : 0);
    } else {
        read = file_read(full, FILE_LIMIT, &bytes, error);
    }
    hash_sha256(bytes.data, bytes.length, hex);
    str_add(walk->out, S_ISLNK(status->st_mode) ? "link" : (status->st_mode & S_IXUSR) ? "exec" : "file");
    str_add_char(walk->out, '\0');
    str_add(walk->out, hex);
    str_add_char(walk->out, '\n');
    str_release(&bytes);
    return read;
}

static bool add_folder(struct walk *walk, const char *path, int depth, struct error *error);

static bool add_entry(struct walk *walk, const char *path, int depth, struct error *error)
{
    struct stat status;
    char *full = path_join(walk->tree, path);
    bool added = lstat(full, &status) == 0 || error_errno(error, ERROR_IO, errno, "cannot look at %s", full);
    if (added && S_ISDIR(status.st_mode)) {
        added = add_folder(walk, path, depth + 1, error);
    } else if (added && is_named(walk, path)) {
        walk->files++;
        str_add(walk->out, path);
        str_add_char(walk->out, '\0');
        added = add_content(walk, full, &status, error);
    }
    free(full);
    return added;
}

static bool add_folder(struct walk *walk, const char *path, int depth, struct error *error)
{
    struct folder_list list = {0};
    char *full = path_join(walk->tree, path);
    bool added =
        depth < DEPTH_LIMIT || error_set(error, ERROR_LIMIT, "folders deeper than %d in %s", DEPTH_LIMIT, full);
    added = added && folder_list(full, &list, error);
    for (size_t i = 0; added && i < list.count; i++) {
        char *below = path[0] ? path_printf("%s/%s", path, list.names[i]) : mem_strdup(list.names[i]);
        added = add_entry(walk, below, depth, error);
        free(below);
    }
    folder_list_free(&list);
    free(full);
    return added;
}

/* The commit, or the files that `changed` narrows it to. */
static bool add_code(const struct executor_task *task, struct str *out, size_t *files, struct error *error)
{
    struct walk walk = {.tree = task->tree, .patterns = json_object_get(task->spec, "changed"), .out = out};
    *files = 0;
    if (!json_is_array(walk.patterns)) {
        str_addf(out, "commit %s", task->commit ? task->commit : "");
        return true;
    }
    str_add(out, "files\n");
    bool added = add_folder(&walk, "", 0, error);
    *files = walk.files;
    return added;
}

static void add_json(struct str *out, const char *name, const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;
    str_addf(out, "%s %s\n", name, text ? text : "");
    free(text);
}

/* Of the variables only what an operator gave: run and commit differ each time and are not what the resource is made of. */
static void add_inputs(struct str *out, const json_t *variables)
{
    json_t *inputs = json_object();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)variables, name, value)
    {
        if (text_starts(name, "BERTH_INPUT_"))
            json_object_set(inputs, name, value);
    }
    add_json(out, "inputs", inputs);
    json_decref(inputs);
}

const char *exec_digest(const struct provider_context *context, const struct executor_task *task, struct arena *arena,
                        size_t *files, struct error *error)
{
    struct str parts[DIGEST_PARTS] = {STR_INIT, STR_INIT, STR_INIT, STR_INIT}, digest = STR_INIT;
    unsigned char key[KEY_BYTES];
    const char *result = NULL;
    if (provider_key(context->store_folder, key, error) && add_code(task, &parts[DIGEST_CODE], files, error)) {
        add_json(&parts[DIGEST_ARGUMENTS], "run", json_object_get(task->spec, "run"));
        add_json(&parts[DIGEST_ARGUMENTS], "dir", json_object_get(task->spec, "dir"));
        add_json(&parts[DIGEST_ENVIRONMENT], "env", json_object_get(task->spec, "env"));
        add_inputs(&parts[DIGEST_INPUTS], task->variables);
        str_add(&digest, FORM);
        for (int i = 0; i < DIGEST_PARTS; i++) {
            char hex[HASH_HEX_SIZE];
            hash_hmac(key, sizeof key, parts[i].data, parts[i].length, hex);
            str_addf(&digest, "-%.*s", PART_DIGITS, hex);
        }
        result = arena_strdup(arena, digest.data);
    }
    for (int i = 0; i < DIGEST_PARTS; i++)
        str_release(&parts[i]);
    str_release(&digest);
    return result;
}

unsigned exec_digest_difference(const char *before, const char *after)
{
    size_t length = strlen(FORM) + DIGEST_PARTS * (PART_DIGITS + 1);
    unsigned different = 0;
    if (!before || strlen(before) != length || strlen(after) != length || !text_starts(before, FORM "-"))
        return (1u << DIGEST_PARTS) - 1;
    for (unsigned i = 0; i < DIGEST_PARTS; i++) {
        size_t at = strlen(FORM) + i * (PART_DIGITS + 1);
        if (memcmp(before + at, after + at, PART_DIGITS + 1) != 0)
            different |= 1u << i;
    }
    return different;
}
