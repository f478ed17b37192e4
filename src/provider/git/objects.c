/* SPDX-License-Identifier: ISC */
/* The files of a mirror's objects, and what is left between them. */
#include "provider/git/objects.h"

#include "berth/base/fault.h"
#include "berth/base/file.h"
#include "berth/base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACKS "objects/pack"
#define PACK_PREFIX "pack-"
#define INDEX_ENDING ".idx"
#define FANS 256
#define DEPTH_LIMIT 64 /* of the folders of refs */

static bool remove_file(const char *path, struct error *error)
{
    return unlink(path) == 0 || errno == ENOENT || error_errno(error, ERROR_IO, errno, "cannot remove %s", path);
}

/* --- which there are ----------------------------------------------------------------------------------------- */

static bool is_there(const char *folder, const char *stem, const char *ending)
{
    char *path = path_printf("%s/" PACKS "/%s%s", folder, stem, ending);
    bool is = file_exists(path);
    free(path);
    return is;
}

static bool look_at_packs(const char *folder, struct objects *objects, struct error *error)
{
    struct folder_list list = {0};
    char *path = path_join(folder, PACKS);
    bool listed = !folder_exists(path) || folder_list(path, &list, error);
    for (size_t i = 0; listed && i < list.count; i++) {
        if (!text_starts(list.names[i], PACK_PREFIX) || !text_ends(list.names[i], INDEX_ENDING))
            continue;
        char *stem = path_printf("%.*s", (int)(strlen(list.names[i]) - strlen(INDEX_ENDING)), list.names[i]);
        if (is_there(folder, stem, ".keep"))
            free(stem);
        else
            vec_push(&objects->packs, stem);
    }
    folder_list_free(&list);
    free(path);
    return listed;
}

static bool look_at_fan(const char *folder, unsigned fan, struct objects *objects, struct error *error)
{
    struct folder_list list = {0};
    char *path = path_printf("%s/objects/%02x", folder, fan);
    bool listed = !folder_exists(path) || folder_list(path, &list, error);
    for (size_t i = 0; listed && i < list.count; i++)
        if (strspn(list.names[i], "0123456789abcdef") == strlen(list.names[i]))
            vec_push(&objects->loose, path_printf("%02x/%s", fan, list.names[i]));
    folder_list_free(&list);
    free(path);
    return listed;
}

bool objects_look(const char *folder, struct objects *objects, struct error *error)
{
    bool looked = look_at_packs(folder, objects, error);
    for (unsigned fan = 0; looked && fan < FANS; fan++)
        looked = look_at_fan(folder, fan, objects, error);
    return looked;
}

void objects_release(struct objects *objects)
{
    for (size_t i = 0; i < objects->packs.count; i++)
        free(objects->packs.items[i]);
    for (size_t i = 0; i < objects->loose.count; i++)
        free(objects->loose.items[i]);
    vec_release(&objects->packs);
    vec_release(&objects->loose);
}

/* --- taking away --------------------------------------------------------------------------------------------- */

static bool is_one_of(const char *name, const char *const *names)
{
    for (size_t i = 0; names[i]; i++)
        if (text_equal(names[i], name))
            return true;
    return false;
}

static bool remove_pack(const char *folder, const char *stem, struct error *error)
{
    static const char *const endings[] = {INDEX_ENDING, ".rev", ".bitmap", ".mtimes", ".promisor", ".pack"};
    bool removed = true;
    for (size_t i = 0; removed && i < sizeof endings / sizeof *endings; i++) {
        char *path = path_printf("%s/" PACKS "/%s%s", folder, stem, endings[i]);
        removed = remove_file(path, error);
        free(path);
        fault_point("keeper.mid_removal");
    }
    return removed;
}

bool objects_remove(const char *folder, const struct objects *objects, const char *const *kept, struct error *error)
{
    bool removed = true;
    for (size_t i = 0; removed && i < objects->packs.count; i++)
        removed = is_one_of(objects->packs.items[i], kept) || remove_pack(folder, objects->packs.items[i], error);
    for (size_t i = 0; removed && i < objects->loose.count; i++) {
        char *path = path_printf("%s/objects/%s", folder, objects->loose.items[i]);
        removed = remove_file(path, error);
        free(path);
        fault_point("keeper.mid_removal");
    }
    return removed;
}

/* --- what was left half written ------------------------------------------------------------------------------ */

/* git's names for them, and libgit2's. */
static bool is_temporary(const char *folder, const char *name)
{
    (void)folder;
    return text_starts(name, "tmp_") || text_starts(name, ".tmp-") || strstr(name, "_git2_");
}

/* A pack that has lost its index, or never had one. */
static bool is_left_of_pack(const char *folder, const char *name)
{
    const char *dot = strrchr(name, '.');
    if (text_starts(name, "multi-pack-index"))
        return true;
    if (!text_starts(name, PACK_PREFIX) || !dot || text_equal(dot, INDEX_ENDING))
        return false;
    char *index = path_printf("%s/%.*s" INDEX_ENDING, folder, (int)(dot - name), name);
    bool is = !file_exists(index);
    free(index);
    return is;
}

static bool is_lock(const char *folder, const char *name)
{
    (void)folder;
    return text_ends(name, ".lock");
}

/* In a folder (that may be missing), and `depth` folders below it. */
static bool sweep(const char *folder, bool (*is_left)(const char *folder, const char *name), int depth,
                  struct error *error)
{
    struct folder_list list = {0};
    struct stat status;
    bool swept = !folder_exists(folder) || folder_list(folder, &list, error);
    for (size_t i = 0; swept && i < list.count; i++) {
        char *path = path_join(folder, list.names[i]);
        bool is_folder = lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
        if (is_folder && depth > 0)
            swept = sweep(path, is_left, depth - 1, error);
        else if (!is_folder && is_left(folder, list.names[i]))
            swept = remove_file(path, error);
        free(path);
    }
    folder_list_free(&list);
    return swept;
}

bool objects_sweep(const char *folder, struct error *error)
{
    char *objects = path_join(folder, "objects"), *packs = path_join(folder, PACKS), *refs = path_join(folder, "refs");
    char *graph = path_join(folder, "objects/info/commit-graph"), *graphs = path_printf("%ss", graph);
    bool swept = sweep(packs, is_left_of_pack, 0, error) && sweep(objects, is_temporary, 1, error) &&
                 sweep(refs, is_lock, DEPTH_LIMIT, error) && sweep(folder, is_lock, 0, error) &&
                 remove_file(graph, error) && folder_remove(graphs, error);
    free(objects);
    free(packs);
    free(refs);
    free(graph);
    free(graphs);
    return swept;
}
