/* SPDX-License-Identifier: ISC */
/* Opening repositories and mirrors, and saying in plain words why one cannot be opened. */
#include "provider/git/place.h"

#include "berth/base/file.h"
#include "berth/config.h"
#include "provider/git/open.h"
#include "provider/section.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FETCHED_FILE "berth-fetched" /* in a mirror: it was fetched once, whole */
#define MIRROR_MODE 0700
#define HELD_LOOK_MS 200 /* so often who waits for a mirror looks whether it still should */

bool git_failed(struct error *error, enum error_code code, const char *format, ...)
{
    const git_error *last = git_error_last();
    struct str message = STR_INIT;
    va_list arguments;
    va_start(arguments, format);
    str_addv(&message, format, arguments);
    va_end(arguments);
    error_set(error, code, "%s", message.data);
    error_detail(error, "%s", last && last->message ? last->message : "libgit2 gives no reason");
    str_release(&message);
    return false;
}

bool place_url(const struct provider_context *context, struct str *url, struct error *error)
{
    if (!section_text(context, "url", url, error))
        return false;
    if (url->length > 0)
        return true;
    error_set(error, ERROR_CONFIG, "the repository '%s' has no `url`", context->section ? context->section->name : "");
    return error_hint(error, "say where it is: url: . or url: https://…");
}

bool place_is_url(const char *url)
{
    const char *colon = strchr(url, ':'), *slash = strchr(url, '/');
    return strstr(url, "://") || (colon && (!slash || colon < slash));
}

/* Made under another name and renamed, so that two who make it at once agree; whole on the disk before it has its name, since nobody would make
 * it again after a power cut. */
static bool make_mirror(const char *path, struct error *error)
{
    char *folder = path_printf("%.*s", (int)(strrchr(path, '/') - path), path);
    char *own = path_printf("%s.%ld.new", path, (long)getpid());
    git_repository_init_options options;
    git_repository *made = NULL;
    open_begin();
    git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
    options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKDIR;
    options.mode = MIRROR_MODE;
    bool good = folder_make(folder, MIRROR_MODE, error) && folder_remove(own, error);
    if (good && git_repository_init_ext(&made, own, &options) != 0)
        good = git_failed(error, ERROR_IO, "cannot make the mirror %s", path);
    git_repository_free(made);
    good = good && folder_sync(own, error);
    if (good && rename(own, path) != 0 && !folder_exists(path))
        good = error_set(error, ERROR_IO, "cannot make the mirror %s", path);
    good = good && file_sync_name(path, error);
    if (folder_exists(own) && !folder_remove(own, good ? error : NULL))
        good = false;
    free(own);
    free(folder);
    return good;
}

char *place_mirror_folder(const struct provider_context *context, const char *repository, struct error *error)
{
    if (path_inside(repository) && !strchr(repository, '/') && repository[0] != '.')
        return path_printf("%s/mirrors/%s.git", context->store_folder, repository);
    error_set(error, ERROR_CONFIG, "'%s' cannot be the name of a repository", repository);
    return NULL;
}

/* Whether it is worth to wait on. */
static bool may_wait(const struct provider_context *context, const char *repository, struct error *error)
{
    if (provider_stopped(context))
        return error_set(error, ERROR_CANCELLED, "waiting for the mirror of '%s' was cancelled", repository);
    if (provider_left_ms(context) > 0)
        return true;
    error_set(error, ERROR_TIMEOUT, "the mirror of '%s' is being packed, and that takes too long", repository);
    return error_hint(error, "it is tried again; a git that hangs in %s/mirrors can be ended", context->store_folder);
}

/* Shares the folder that is at `path` now: while it is waited for, a mirror that nobody needs may go, and another come. */
static bool hold_mirror(const struct provider_context *context, const char *repository, const char *path,
                        struct file_lock *lock, struct error *error)
{
    struct error held = {0};
    for (;;) {
        if (!folder_exists(path) && !make_mirror(path, error))
            return false;
        if (folder_share(lock, path, HELD_LOOK_MS, &held)) {
            if (file_lock_is_at(lock, path))
                return true;
            file_unlock(lock);
        } else if (held.code != ERROR_CONFLICT && folder_exists(path)) {
            if (error)
                *error = held;
            return false;
        }
        if (!may_wait(context, repository, error))
            return false;
    }
}

void place_close(struct place *place)
{
    git_repository_free(place->repository);
    file_unlock(&place->lock); /* last: what is open may be read until it is freed */
    place->repository = NULL;
}

bool place_mirror(const struct provider_context *context, const char *repository, struct place *mirror,
                  struct error *error)
{
    *mirror = (struct place)PLACE_INIT;
    char *path = place_mirror_folder(context, repository, error);
    bool opened = path && hold_mirror(context, repository, path, &mirror->lock, error) &&
                  open_repository(path, &mirror->repository, error);
    if (!opened)
        place_close(mirror);
    free(path);
    return opened;
}

/* --- fetching ------------------------------------------------------------------------------------------------ */

static int give_credential(git_credential **out, const char *url, const char *user, unsigned allowed, void *payload)
{
    struct place_remote *with = payload;
    (void)url;
    if (with->asked++ > 1) {
        git_error_set_str(GIT_ERROR_NET, "the credentials were refused");
        return GIT_EAUTH;
    }
    if ((allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT) && with->token.length > 0)
        return git_credential_userpass_plaintext_new(out, user ? user : "x-access-token", with->token.data);
    if ((allowed & GIT_CREDENTIAL_SSH_MEMORY) && with->key.length > 0)
        return git_credential_ssh_key_memory_new(out, user ? user : "git", NULL, with->key.data, NULL);
    if (allowed & GIT_CREDENTIAL_SSH_KEY)
        return git_credential_ssh_key_from_agent(out, user ? user : "git");
    git_error_set_str(GIT_ERROR_NET, "it wants credentials, and the repository has no `token` or `key` of that kind");
    return GIT_EAUTH;
}

static int look_whether_stopped(const git_indexer_progress *progress, void *payload)
{
    const struct place_remote *with = payload;
    (void)progress;
    return provider_stopped(with->context) || provider_left_ms(with->context) == 0 ? GIT_EUSER : 0;
}

void place_remote_callbacks(struct place_remote *with, git_remote_callbacks *callbacks)
{
    callbacks->credentials = give_credential;
    callbacks->transfer_progress = look_whether_stopped;
    callbacks->payload = with;
    with->asked = 0;
}

bool place_remote_failed(const struct place_remote *with, int code, const char *what, struct error *error)
{
    const char *url = git_remote_url(with->remote);
    if (provider_stopped(with->context))
        return error_set(error, ERROR_CANCELLED, "cannot %s %s: it was cancelled", what, url);
    git_failed(error, code == GIT_EAUTH ? ERROR_DENIED : ERROR_UNREACHABLE, "cannot %s %s", what, url);
    if (error)
        error->retry = code != GIT_EAUTH;
    if (code == GIT_ECERTIFICATE)
        return error_hint(error, "let who runs berthd know the host: ssh-keyscan prints what ~/.ssh/known_hosts is to "
                                 "have; for https $GIT_SSL_CAINFO may name the authorities");
    return error_hint(error, code == GIT_EAUTH ? "give the repository a `token` or `key` that may"
                                               : "see whether git ls-remote answers from here");
}

/* The remote's HEAD becomes the mirror's: it names the default branch. */
static void take_default(git_repository *mirror, git_remote *remote)
{
    git_buf name = GIT_BUF_INIT;
    if (git_remote_default_branch(&name, remote) == 0)
        (void)git_repository_set_head(mirror, name.ptr);
    git_buf_dispose(&name);
}

static bool fetch_all(struct place_remote *with, git_repository *mirror, struct error *error)
{
    char heads[] = "+refs/heads/*:refs/heads/*", tags[] = "+refs/tags/*:refs/tags/*";
    char *specs[] = {heads, tags};
    const git_strarray refspecs = {.strings = specs, .count = 2};
    git_fetch_options options;
    git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
    options.prune = GIT_FETCH_PRUNE;
    options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
    place_remote_callbacks(with, &options.callbacks);
    int code = git_remote_connect(with->remote, GIT_DIRECTION_FETCH, &options.callbacks, NULL, NULL);
    if (code == 0) {
        take_default(mirror, with->remote);
        code = git_remote_fetch(with->remote, &refspecs, &options, "berth");
    }
    return code == 0 || place_remote_failed(with, code, "fetch from", error);
}

bool place_remote_open(const struct provider_context *context, git_repository *repository, const char *url,
                       struct place_remote *with, struct error *error)
{
    git_remote_create_options options;
    struct str rewritten = STR_INIT;
    *with = (struct place_remote){.context = context, .token = STR_INIT, .key = STR_INIT};
    git_remote_create_options_init(&options, GIT_REMOTE_CREATE_OPTIONS_VERSION);
    options.repository = repository;
    options.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC;
    open_rewrite(url, &rewritten);
    bool opened =
        section_text(context, "token", &with->token, error) && section_text(context, "key", &with->key, error);
    if (opened && git_remote_create_with_opts(&with->remote, rewritten.data, &options) != 0)
        opened = git_failed(error, ERROR_CONFIG, "'%s' is no URL that can be reached", url);
    str_release(&rewritten);
    return opened;
}

void place_remote_close(struct place_remote *with)
{
    git_remote_free(with->remote);
    str_release(&with->token);
    str_release(&with->key);
}

bool place_fetch(const struct provider_context *context, git_repository *mirror, const char *url, struct error *error)
{
    struct place_remote with;
    bool fetched = place_remote_open(context, mirror, url, &with, error) && fetch_all(&with, mirror, error);
    if (fetched) {
        char *mark = path_join(git_repository_path(mirror), FETCHED_FILE);
        fetched = file_exists(mark) || file_replace(mark, "", 0, 0600, FILE_RELAXED, error);
        free(mark);
    }
    place_remote_close(&with);
    return fetched;
}

bool place_was_fetched(git_repository *mirror)
{
    char *mark = path_join(git_repository_path(mirror), FETCHED_FILE);
    bool was = file_exists(mark);
    free(mark);
    return was;
}

bool place_source(const struct provider_context *context, const char *repository, struct place *source,
                  struct error *error)
{
    struct str url = STR_INIT;
    *source = (struct place)PLACE_INIT;
    bool opened = place_url(context, &url, error);
    if (opened && !place_is_url(url.data)) {
        opened = open_repository(url.data, &source->repository, error);
    } else if (opened) {
        opened = place_mirror(context, repository, source, error);
        if (opened && !place_was_fetched(source->repository))
            opened = place_fetch(context, source->repository, url.data, error);
    }
    if (!opened)
        place_close(source);
    str_release(&url);
    return opened;
}

/* --- the default branch -------------------------------------------------------------------------------------- */

static bool has_branch(git_repository *source, const char *name)
{
    git_reference *found = NULL;
    bool has = git_branch_lookup(&found, source, name, GIT_BRANCH_LOCAL) == 0;
    git_reference_free(found);
    return has;
}

/* What a symbolic ref points at, without `prefix`; NULL when it is none, or points elsewhere. */
static const char *points_at(git_repository *source, const char *ref, const char *prefix, struct arena *arena)
{
    git_reference *found = NULL;
    const char *target = NULL;
    if (git_reference_lookup(&found, source, ref) == 0)
        target = git_reference_symbolic_target(found);
    target = target && text_starts(target, prefix) ? arena_strdup(arena, target + strlen(prefix)) : NULL;
    git_reference_free(found);
    return target;
}

const char *place_default_branch(git_repository *source, struct arena *arena)
{
    const char *head = points_at(source, "HEAD", HEADS_PREFIX, arena);
    const char *remote = points_at(source, "refs/remotes/origin/HEAD", "refs/remotes/origin/", arena);
    const char *const names[] = {remote, open_is_bare(source) ? head : NULL, "main", "master", head};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i] && has_branch(source, names[i]))
            return names[i];
    return "";
}
