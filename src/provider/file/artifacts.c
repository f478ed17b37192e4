/* SPDX-License-Identifier: ISC */
/* Keeping sealed bytes in files. */
#include "provider/file/artifacts.h"

#include "berth/base/file.h"
#include "provider/section.h"

#include <stdlib.h>

/* The folder of a run's artifacts, or NULL with an error. The caller frees. */
static char *folder_of(const struct provider_context *context, const char *run, struct error *error)
{
    struct str dir = STR_INIT;
    char *folder = NULL;
    if (!path_inside(run)) {
        error_set(error, ERROR_CONFIG, "'%s' is no name of a run", run);
        error_hint(error, "runs are numbers");
    } else if (section_text(context, "dir", &dir, error)) {
        folder = dir.length == 0 ? path_printf("%s/runs/%s/artifacts", context->store_folder, run)
                                 : path_printf("%s/%s", dir.data, run);
    }
    str_release(&dir);
    return folder;
}

static bool put(const struct provider_context *context, const char *run, const char *name, const void *bytes,
                size_t count, struct error *error)
{
    char *folder = folder_of(context, run, error);
    char *path = folder ? path_join(folder, name) : NULL;
    bool kept = path && folder_make(folder, 0700, error) && file_replace(path, bytes, count, 0600, FILE_SYNCED, error);
    if (path && !kept)
        error_hint(error, "see whether berthd may write to %s", folder);
    free(path);
    free(folder);
    return kept;
}

static bool get(const struct provider_context *context, const char *run, const char *name, size_t limit,
                struct str *bytes, struct error *error)
{
    char *folder = folder_of(context, run, error);
    char *path = folder ? path_join(folder, name) : NULL;
    bool got = path && file_read(path, limit, bytes, error);
    if (path && !got)
        error_hint(error, "plan again");
    free(path);
    free(folder);
    return got;
}

static bool remove_run(const struct provider_context *context, const char *run, struct error *error)
{
    char *folder = folder_of(context, run, error);
    bool removed = folder && folder_remove(folder, error);
    if (folder && !removed)
        error_hint(error, "see whether berthd may write to %s", folder);
    free(folder);
    return removed;
}

const struct provider_artifacts file_artifacts = {
    .put = put,
    .get = get,
    .remove = remove_run,
};
