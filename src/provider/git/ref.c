/* SPDX-License-Identifier: ISC */
/* Sets refs. libgit2 makes NAME.lock and renames it; killed in between it leaves the lock, and everybody after it would wait for nobody. */
#include "provider/git/ref.h"

#include "berth/base/file.h"
#include "berth/base/str.h"
#include "berth/base/time.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEFT_MS 3000 /* a lock that does not change for so long is nobody's any more */
#define LOOK_MS 10

struct lock {
    char *path;
    ino_t inode;
    struct timespec at;
    int64_t since_ms; /* seen as it is; 0: not there */
};

/* What berth leaves when it is killed: nothing yet, or the commit that is set again now. */
static bool may_be_ours(const char *path, const git_oid *commit)
{
    char hex[GIT_OID_HEXSZ + 1];
    struct str text = STR_INIT;
    bool may = file_read(path, GIT_OID_HEXSZ + 1, &text, NULL) &&
               (text.length == 0 || text_starts(text.data, git_oid_tostr(hex, sizeof hex, commit)));
    str_release(&text);
    return may;
}

/* Looks at the lock again; true when it is as it was, and may be ours. */
static bool is_unchanged(struct lock *lock, const git_oid *commit)
{
    struct stat status;
    if (stat(lock->path, &status) != 0 || !may_be_ours(lock->path, commit)) {
        lock->since_ms = 0;
        return false;
    }
    bool same = lock->since_ms != 0 && status.st_ino == lock->inode && status.st_mtim.tv_sec == lock->at.tv_sec &&
                status.st_mtim.tv_nsec == lock->at.tv_nsec;
    if (!same) {
        lock->inode = status.st_ino;
        lock->at = status.st_mtim;
        lock->since_ms = time_monotonic_ms();
    }
    return same;
}

/* Tries again while somebody holds the ref's lock, which goes when it is nobody's any more. */
static int until_unlocked(git_repository *repository, const char *name, const git_oid *commit,
                          int (*act)(const void *owner), const void *owner)
{
    struct lock lock = {.path = path_printf("%s/%s.lock", git_repository_commondir(repository), name)};
    int64_t until = time_monotonic_ms() + LEFT_MS + LEFT_MS / 2;
    int code;
    while ((code = act(owner)) == GIT_ELOCKED && time_monotonic_ms() < until) {
        if (is_unchanged(&lock, commit) && time_monotonic_ms() - lock.since_ms >= LEFT_MS)
            (void)unlink(lock.path);
        else
            poll(NULL, 0, LOOK_MS);
    }
    free(lock.path);
    return code;
}

struct setting {
    git_repository *repository;
    const char *name, *message;
    const git_oid *commit, *was;
    bool compares;
};

static int set_once(const void *owner)
{
    const struct setting *set = owner;
    git_reference *made = NULL;
    int code = set->compares ? git_reference_create_matching(&made, set->repository, set->name, set->commit,
                                                             set->was != NULL, set->was, set->message)
                             : git_reference_create(&made, set->repository, set->name, set->commit, 1, set->message);
    git_reference_free(made);
    return code;
}

int ref_set(git_repository *repository, const char *name, const git_oid *commit, bool compares, const git_oid *was,
            const char *message)
{
    const struct setting set = {repository, name, message, commit, was, compares};
    return until_unlocked(repository, name, commit, set_once, &set);
}

static int remove_once(const void *owner)
{
    const struct setting *set = owner;
    return git_reference_remove(set->repository, set->name);
}

int ref_remove(git_repository *repository, const char *name)
{
    const struct setting set = {.repository = repository, .name = name};
    git_oid now;
    if (git_reference_name_to_id(&now, repository, name) != 0) /* not there, or it names nothing */
        memset(&now, 0, sizeof now);
    int code = until_unlocked(repository, name, &now, remove_once, &set);
    return code == GIT_ENOTFOUND ? 0 : code;
}
