/* SPDX-License-Identifier: ISC */
/* Sets refs. libgit2 makes NAME.lock and renames it; killed in between it leaves the lock, and everybody after it would wait for nobody. */
#include "provider/git/ref.h"

#include "berth/base/file.h"
#include "berth/base/str.h"
#include "berth/base/time.h"

#include <poll.h>
#include <stdlib.h>
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

static int set_once(git_repository *repository, const char *name, const git_oid *commit, bool compares,
                    const git_oid *was, const char *message)
{
    git_reference *made = NULL;
    int code = compares ? git_reference_create_matching(&made, repository, name, commit, was != NULL, was, message)
                        : git_reference_create(&made, repository, name, commit, 1, message);
    git_reference_free(made);
    return code;
}

int ref_set(git_repository *repository, const char *name, const git_oid *commit, bool compares, const git_oid *was,
            const char *message)
{
    struct lock lock = {.path = path_printf("%s/%s.lock", git_repository_commondir(repository), name)};
    int64_t until = time_monotonic_ms() + LEFT_MS + LEFT_MS / 2;
    int code;
    while ((code = set_once(repository, name, commit, compares, was, message)) == GIT_ELOCKED &&
           time_monotonic_ms() < until) {
        if (is_unchanged(&lock, commit) && time_monotonic_ms() - lock.since_ms >= LEFT_MS)
            (void)unlink(lock.path);
        else
            poll(NULL, 0, LOOK_MS);
    }
    free(lock.path);
    return code;
}
