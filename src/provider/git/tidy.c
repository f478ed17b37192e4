/* SPDX-License-Identifier: ISC */
/*
 * Keeping mirrors small. First everything that a ref needs is packed into one new pack, while others read, copy and fetch as they like (they share the folder);
 * then, alone for a moment, what came meanwhile is packed too, and only what was there before the beginning is taken away. Killed at any point it has lost nothing:
 * until the new packs are on the disk nothing goes, and what goes then is either in them or needed by no ref.
 */
#include "provider/git/tidy.h"

#include "provider/git/objects.h"
#include "provider/git/open.h"
#include "provider/git/pack.h"
#include "provider/git/place.h"

#include "berth/base/fault.h"
#include "berth/base/hash.h"
#include "berth/base/time.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACKS_MOST 50                  /* each is looked through for an object: git's own limit */
#define LOOSE_MOST 2000                /* one file each */
#define RELEASED_FILE "berth-released" /* in a mirror: since when it may hold what nobody needs */
#define RELEASED_MS MS_DAY             /* so long that may stay, for packing anew takes a while in a large repository */
#define TRIED_FILE "berth-tidied"      /* in a mirror: when packing it was begun last */
#define AGAIN_MS (10 * MS_MINUTE)
#define ALONE_MS 2000 /* so long it is waited for nobody else to use a mirror */
#define REMOVED_PREFIX ".removed-"
#define MIRRORS "mirrors" /* folder of the store */
#define ENDING ".git"

/* How long ago the file was written, in milliseconds of the wall clock; -1: it is not there. A clock that went back says nothing: then it was long ago. */
static int64_t age_of(const char *folder, const char *name)
{
    struct stat status;
    char *path = path_join(folder, name);
    int64_t age = -1;
    if (stat(path, &status) == 0) {
        age = time_now_ms() - (int64_t)status.st_mtim.tv_sec * MS_SECOND;
        if (age < -MS_MINUTE)
            age = INT64_MAX;
        else if (age < 0)
            age = 0;
    }
    free(path);
    return age;
}

static bool mark(const char *folder, const char *name, struct error *error)
{
    char *path = path_join(folder, name);
    bool marked = file_replace(path, "", 0, 0600, FILE_RELAXED, error);
    free(path);
    return marked;
}

bool tidy_note_released(git_repository *mirror, struct error *error)
{
    const char *folder = git_repository_path(mirror);
    return age_of(folder, RELEASED_FILE) >= 0 || mark(folder, RELEASED_FILE, error);
}

/* --- which there are ----------------------------------------------------------------------------------------- */

static char *mirrors_folder(const struct provider_context *context)
{
    return path_join(context->store_folder, MIRRORS);
}

bool tidy_mirrors(const struct provider_context *context, provider_visit_mirror *visit, void *owner,
                  struct error *error)
{
    struct folder_list list = {0};
    char *folder = mirrors_folder(context);
    bool listed = !folder_exists(folder) || folder_list(folder, &list, error);
    for (size_t i = 0; listed && i < list.count; i++) {
        if (list.names[i][0] == '.' || !text_ends(list.names[i], ENDING))
            continue;
        list.names[i][strlen(list.names[i]) - strlen(ENDING)] = '\0';
        if (!visit(list.names[i], owner))
            listed = error_set(error, ERROR_CANCELLED, "listing the mirrors was stopped");
    }
    folder_list_free(&list);
    free(folder);
    return listed;
}

/* The maker of "NAME.git.PID.new" has ended. */
static bool is_left_half_made(const char *name)
{
    static const char ending[] = ".new";
    long long pid = 0;
    const char *before = strstr(name, ENDING ".");
    if (!before || !text_ends(name, ending))
        return false;
    before += strlen(ENDING ".");
    char *digits = path_printf("%.*s", (int)(strlen(before) - strlen(ending)), before);
    char *process = path_printf("/proc/%s", digits);
    bool is = text_to_int(digits, &pid) && pid > 0 && !folder_exists(process);
    free(process);
    free(digits);
    return is;
}

/* Mirrors that somebody who died was making or taking away. */
static bool remove_left(const struct provider_context *context, struct error *error)
{
    struct folder_list list = {0};
    char *folder = mirrors_folder(context);
    bool removed = !folder_exists(folder) || folder_list(folder, &list, error);
    for (size_t i = 0; removed && i < list.count; i++) {
        if (!text_starts(list.names[i], REMOVED_PREFIX) && !is_left_half_made(list.names[i]))
            continue;
        char *path = path_join(folder, list.names[i]);
        removed = folder_remove(path, error);
        free(path);
    }
    folder_list_free(&list);
    free(folder);
    return removed;
}

/* --- packing ------------------------------------------------------------------------------------------------- */

struct tidying {
    const struct provider_context *context;
    const char *repository;
    const char *const *held;
    char *folder;
    struct objects before;
    struct pack_tips first, later;
    struct str pack, more; /* names of the new packs */
};

static bool is_worth_it(const struct tidying *tidying)
{
    int64_t tried = age_of(tidying->folder, TRIED_FILE);
    if (tried >= 0 && tried < AGAIN_MS)
        return false;
    return tidying->before.packs.count > PACKS_MOST || tidying->before.loose.count > LOOSE_MOST ||
           age_of(tidying->folder, RELEASED_FILE) >= RELEASED_MS;
}

/* Beside whoever uses it. `*worth` false: nothing is to be done. */
static bool pack_shared(struct tidying *tidying, bool *worth, struct error *error)
{
    struct place mirror;
    if (!place_mirror(tidying->context, tidying->repository, &mirror, error))
        return false;
    bool packed = objects_look(tidying->folder, &tidying->before, error);
    *worth = packed && is_worth_it(tidying);
    if (*worth)
        packed =
            mark(tidying->folder, TRIED_FILE, error) &&
            pack_tips_read(mirror.repository, tidying->held, &tidying->first, error) &&
            pack_write(tidying->context, tidying->folder, &tidying->first, NULL, mirror.lock.fd, &tidying->pack, error);
    place_close(&mirror);
    return packed;
}

static bool has_new(const struct pack_tips *later, const struct pack_tips *first)
{
    size_t at = 0;
    const char *id;
    void *value;
    while (map_next(&later->ids, &at, &id, &value))
        if (!map_get(&first->ids, id))
            return true;
    return false;
}

/* What refs name by now that they did not name at the beginning, which may stand on nothing but what is about to go. */
static bool pack_news(struct tidying *tidying, const struct file_lock *alone, struct error *error)
{
    git_repository *mirror = NULL;
    bool packed =
        open_repository(tidying->folder, &mirror, error) && pack_tips_read(mirror, NULL, &tidying->later, error);
    git_repository_free(mirror);
    return packed && (!has_new(&tidying->later, &tidying->first) ||
                      pack_write(tidying->context, tidying->folder, &tidying->later, &tidying->first, alone->fd,
                                 &tidying->more, error));
}

/* The new packs' names are on the disk before anything else goes from it; git has synced what is in them. */
static bool sync_packs(const struct tidying *tidying, struct error *error)
{
    char *any = path_printf("%s/objects/pack/%s.pack", tidying->folder, tidying->pack.data);
    bool synced = file_sync_name(any, error);
    free(any);
    return synced;
}

static bool remove_old(struct tidying *tidying, struct error *error)
{
    const char *const kept[] = {tidying->pack.data, tidying->more.data, NULL};
    char *released = path_join(tidying->folder, RELEASED_FILE);
    fault_point("keeper.mid_tidy");
    bool removed =
        objects_remove(tidying->folder, &tidying->before, kept, error) && objects_sweep(tidying->folder, error);
    if (removed)
        (void)unlink(released); /* it says no more than that this is worth trying */
    free(released);
    return removed;
}

static void say_done(const struct tidying *tidying, struct str *done)
{
    struct stat status;
    char *pack = path_printf("%s/objects/pack/%s.pack", tidying->folder, tidying->pack.data);
    long long bytes = stat(pack, &status) == 0 ? (long long)status.st_size : 0;
    str_addf(done, "packed %zu packs and %zu loose objects into one of %lld kB", tidying->before.packs.count,
             tidying->before.loose.count, (bytes + 1023) / 1024);
    free(pack);
}

static bool remove_alone(struct tidying *tidying, struct str *done, struct error *error)
{
    struct file_lock alone;
    struct error busy = {0};
    if (!folder_lock(&alone, tidying->folder, ALONE_MS, &busy)) {
        if (busy.code == ERROR_CONFLICT) {
            str_add(done, "packed; what is packed goes another time, for somebody uses the mirror");
            return true;
        }
        if (error)
            *error = busy;
        return false;
    }
    bool removed = pack_news(tidying, &alone, error) && sync_packs(tidying, error) && remove_old(tidying, error);
    file_unlock(&alone);
    if (removed)
        say_done(tidying, done);
    return removed;
}

bool tidy_mirror(const struct provider_context *context, const char *repository, const char *const *held,
                 struct str *done, struct error *error)
{
    struct tidying tidying = {.context = context,
                              .repository = repository,
                              .held = held,
                              .first.cut = STR_INIT,
                              .later.cut = STR_INIT,
                              .pack = STR_INIT,
                              .more = STR_INIT};
    bool worth = false;
    tidying.folder = place_mirror_folder(context, repository, error);
    bool tidied = tidying.folder && remove_left(context, error) && pack_shared(&tidying, &worth, error) &&
                  (!worth || remove_alone(&tidying, done, error));
    objects_release(&tidying.before);
    pack_tips_release(&tidying.first);
    pack_tips_release(&tidying.later);
    str_release(&tidying.pack);
    str_release(&tidying.more);
    free(tidying.folder);
    return tidied;
}

/* --- a mirror that nobody needs ------------------------------------------------------------------------------ */

/* Between the question and now a run may have pinned. */
static bool has_pins(const char *folder, bool *has, struct error *error)
{
    git_repository *mirror = NULL;
    git_reference_iterator *each = NULL;
    const char *name;
    bool opened = open_repository(folder, &mirror, error);
    int code = opened ? git_reference_iterator_glob_new(&each, mirror, PIN_PREFIX "*") : 0;
    if (opened && code == 0)
        code = git_reference_next_name(&name, each);
    *has = code == 0;
    if (opened && code != 0 && code != GIT_ITEROVER)
        opened = git_failed(error, ERROR_IO, "cannot list the pins of %s", folder);
    git_reference_iterator_free(each);
    git_repository_free(mirror);
    return opened;
}

static bool move_aside(const char *folder, char **aside, struct error *error)
{
    uint64_t unique;
    random_bytes(&unique, sizeof unique);
    *aside = path_printf("%.*s/" REMOVED_PREFIX "%016llx", (int)(strrchr(folder, '/') - folder), folder,
                         (unsigned long long)unique);
    return rename(folder, *aside) == 0 || error_set(error, ERROR_IO, "cannot take the mirror %s away", folder);
}

bool tidy_forget(const struct provider_context *context, const char *repository, struct str *done, struct error *error)
{
    struct file_lock alone = {.fd = -1};
    char *folder = place_mirror_folder(context, repository, error), *aside = NULL;
    struct error busy = {0};
    bool needed = true, good = folder != NULL;
    if (good && folder_exists(folder) && folder_lock(&alone, folder, ALONE_MS, &busy))
        good = has_pins(folder, &needed, error);
    if (good && !needed)
        good = move_aside(folder, &aside, error);
    file_unlock(&alone);
    if (good && aside) {
        good = folder_remove(aside, error);
        str_add(done, "removed the mirror");
    }
    free(aside);
    free(folder);
    return good;
}
