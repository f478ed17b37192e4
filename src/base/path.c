/* SPDX-License-Identifier: ISC */
/* Paths: joining, canonical forms, where a user's state and configuration live. */
#include "berth/base/file.h"

#include "berth/base/memory.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PASSWD_LIMIT 65536

char *path_printf(const char *format, ...)
{
    struct str path = STR_INIT;
    va_list arguments;
    va_start(arguments, format);
    str_addv(&path, format, arguments);
    va_end(arguments);
    return str_take(&path);
}

char *path_join(const char *folder, const char *name)
{
    if (*name == '/' || !*folder)
        return mem_strdup(name);
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/')
        length--;
    return path_printf("%.*s%s%s", (int)length, folder, folder[length - 1] == '/' ? "" : "/", name);
}

bool path_inside(const char *relative)
{
    if (text_empty(relative) || *relative == '/')
        return false;
    for (const char *part = relative; *part;) {
        size_t length = strcspn(part, "/");
        if (length == 2 && part[0] == '.' && part[1] == '.')
            return false;
        part += length + (part[length] == '/');
    }
    return true;
}

char *path_canonical(const char *path, struct error *error)
{
    char *canonical = realpath(path, NULL);
    if (!canonical) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        error_errno(error, missing ? ERROR_NOT_FOUND : ERROR_IO, errno, "cannot find %s", path);
    }
    return canonical;
}

/* HOME, or what the user database says; NULL when neither is an absolute path. */
static char *home(void)
{
    const char *named = getenv("HOME");
    if (named && *named == '/')
        return mem_strdup(named);
    char *memory = mem_alloc(PASSWD_LIMIT), *found = NULL;
    struct passwd entry, *result = NULL;
    if (getpwuid_r(geteuid(), &entry, memory, PASSWD_LIMIT, &result) == 0 && result && *result->pw_dir == '/')
        found = mem_strdup(result->pw_dir);
    free(memory);
    return found;
}

/* The XDG rule: the variable when it is absolute, else the place below the home folder. */
static char *xdg_folder(const char *variable, const char *below_home, struct error *error)
{
    const char *named = getenv(variable);
    if (named && *named == '/')
        return path_join(named, "berth");
    char *user = home();
    if (!user) {
        error_set(error, ERROR_NOT_FOUND, "cannot tell where your home folder is");
        error_hint(error, "set HOME or %s to an absolute path", variable);
        return NULL;
    }
    char *path = path_printf("%s/%s/berth", user, below_home);
    free(user);
    return path;
}

char *path_state_home(struct error *error)
{
    return xdg_folder("XDG_STATE_HOME", ".local/state", error);
}

char *path_config_home(struct error *error)
{
    return xdg_folder("XDG_CONFIG_HOME", ".config", error);
}
