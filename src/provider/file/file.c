/* SPDX-License-Identifier: ISC */
/* The store of secrets file: files of berthd's machine, by absolute path or below `dir`; and artifacts as files. */
#include "berth/base/file.h"
#include "berth/base/log.h"
#include "berth/base/text.h"
#include "provider/file/artifacts.h"
#include "provider/registry.h"
#include "provider/section.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_LIMIT ((size_t)1 << 20)

/* The path of a key, or NULL with an error. The caller frees. */
static char *path_of(const struct provider_context *context, const char *key, struct error *error)
{
    struct str dir = STR_INIT;
    char *path = NULL;
    if (!section_text(context, "dir", &dir, error)) {
        /* told already */
    } else if (dir.length > 0 && path_inside(key)) {
        path = path_join(dir.data, key);
    } else if (dir.length > 0) {
        error_set(error, ERROR_CONFIG, "the key '%s' leads out of the folder %s", key, dir.data);
    } else if (key[0] == '/') {
        path = mem_strdup(key);
    } else {
        error_set(error, ERROR_CONFIG, "'%s' is no absolute path", key);
        error_hint(error, "write ${{ secret.file./PATH }}, or declare a store with `dir`");
    }
    str_release(&dir);
    return path;
}

/* Looks before it reads: a pipe or a device would never end. */
static bool read_secret(const char *path, struct str *value, struct error *error)
{
    struct stat status;
    struct str bytes = STR_INIT;
    if (stat(path, &status) != 0) {
        error_errno(error, errno == ENOENT || errno == ENOTDIR ? ERROR_NOT_FOUND : ERROR_IO, errno,
                    "cannot read the secret in %s", path);
        return error_hint(error, "make the file where berthd runs, readable by its user alone");
    }
    if (!S_ISREG(status.st_mode))
        return error_set(error, ERROR_CONFIG, "the secret %s is no ordinary file", path);
    if (status.st_mode & (S_IROTH | S_IWOTH))
        log_line("provider", LOG_WARNING, "every user of this machine can read the secret %s: chmod 600 it", path);
    bool read = file_read(path, SECRET_LIMIT, &bytes, error);
    if (read && bytes.length > 0 && bytes.data[bytes.length - 1] == '\n') /* an editor's, not the secret's */
        str_cut(&bytes, bytes.length - (bytes.length > 1 && bytes.data[bytes.length - 2] == '\r' ? 2 : 1));
    if (read && (!text_valid(bytes.data, bytes.length) || memchr(bytes.data, '\0', bytes.length))) {
        read = error_set(error, ERROR_CONFIG, "the secret %s is no text", path);
        error_hint(error, "keep bytes as base64 and decode them where they are used");
    }
    if (read)
        str_add_bytes(value, bytes.data, bytes.length);
    str_release(&bytes);
    return read;
}

static bool resolve(const struct provider_context *context, const char *key, struct str *value, struct error *error)
{
    char *path = path_of(context, key, error);
    bool resolved = path && read_secret(path, value, error);
    free(path);
    return resolved;
}

static const struct provider_secrets secrets = {
    .resolve = resolve,
};

const struct provider file_provider = {
    .name = "file",
    .secrets = &secrets,
    .artifacts = &file_artifacts,
};
