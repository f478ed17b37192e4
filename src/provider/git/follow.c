/* SPDX-License-Identifier: ISC */
/*
 * Following refs. Of a local repository: inotify on its folder (packed-refs and HEAD are renamed into it) and on every folder below refs/heads; of a
 * URL: a fetch. The state is a hash over what every change of a ref changes.
 */
#include "provider/git/follow.h"

#include "berth/base/file.h"
#include "berth/base/hash.h"
#include "berth/config.h"
#include "provider/git/place.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_LIMIT 64
#define WATCHED (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_ONLYDIR)
#define WATCHED_TOP (IN_MOVED_TO | IN_ONLYDIR) /* the folder itself also sees index and locks come and go */

struct watch {
    int fd;      /* -1: nothing is watched */
    bool failed; /* a folder cannot be watched: the caller must poll */
    struct str text;
};

static void drain(int fd)
{
    char buffer[16384];
    while (read(fd, buffer, sizeof buffer) > 0) {
    }
}

static void watch_folder(struct watch *watch, const char *path, uint32_t mask)
{
    if (watch->fd >= 0 && inotify_add_watch(watch->fd, path, mask) < 0 && errno != ENOENT)
        watch->failed = true;
}

/* A ref is replaced by a rename: another inode, another time. */
static void add_file(struct watch *watch, const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0)
        str_addf(&watch->text, "%s %llu %lld %lld.%09ld\n", path, (unsigned long long)status.st_ino,
                 (long long)status.st_size, (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

/* Watched first, then looked at: what changes in between is seen or wakes. */
static void add_folder(struct watch *watch, const char *path, int depth)
{
    struct folder_list list = {0};
    watch_folder(watch, path, WATCHED);
    if (depth > DEPTH_LIMIT || !folder_list(path, &list, NULL))
        return;
    for (size_t i = 0; i < list.count; i++) {
        char *below = path_join(path, list.names[i]);
        if (folder_exists(below))
            add_folder(watch, below, depth + 1);
        else if (!text_ends(below, ".lock"))
            add_file(watch, below);
        free(below);
    }
    folder_list_free(&list);
}

static void look(struct watch *watch, git_repository *source)
{
    static const char *const files[] = {"packed-refs", "HEAD", "refs/remotes/origin/HEAD"};
    const char *common = git_repository_commondir(source);
    char *heads = path_join(common, "refs/heads");
    watch_folder(watch, common, WATCHED_TOP);
    add_folder(watch, heads, 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = path_join(common, files[i]);
        add_file(watch, path);
        free(path);
    }
    free(heads);
}

static bool refresh(const struct provider_context *context, git_repository *source, bool is_url, const char *url,
                    struct error *error)
{
    return !is_url || place_fetch(context, source, url, error);
}

bool follow_refs(const struct provider_context *context, struct str *state, int *fd, struct error *error)
{
    struct str url = STR_INIT;
    struct place source = PLACE_INIT;
    char hex[HASH_HEX_SIZE];
    bool opened = place_url(context, &url, error);
    bool is_url = opened && place_is_url(url.data);
    if (opened && is_url)
        opened = place_mirror(context, context->section->name, &source, error);
    else if (opened)
        opened = place_source(context, context->section->name, &source, error);
    opened = opened && refresh(context, source.repository, is_url, url.data, error);
    struct watch watch = {.fd = *fd, .text = STR_INIT};
    if (opened) {
        if (watch.fd >= 0)
            drain(watch.fd);
        else if (!is_url)
            watch.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        look(&watch, source.repository);
        hash_sha256(watch.text.data, watch.text.length, hex);
        str_add(state, hex);
        if (watch.failed) {
            close(watch.fd);
            watch.fd = -1;
        }
        *fd = watch.fd;
    }
    place_close(&source);
    str_release(&watch.text);
    str_release(&url);
    return opened;
}
