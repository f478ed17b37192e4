/* SPDX-License-Identifier: ISC */
/* Opening repositories, and saying in plain words why one cannot be opened. */
#include "provider/git/open.h"

#include "berth/base/file.h"
#include "provider/git/place.h"

#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* libgit2 counts who uses it; the first use in a process sets what holds for all: no object cache and no second hash of what is read (listings read
 * each commit once), and what is written is synced. */
void open_begin(void)
{
    if (git_libgit2_init() != 1)
        return;
    git_libgit2_opts(GIT_OPT_ENABLE_CACHING, 0);
    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
    git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
    const char *authorities = getenv("GIT_SSL_CAINFO"); /* as git has it: a company's own */
    if (!text_empty(authorities))
        git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, authorities, NULL);
}

/* --- whose it is --------------------------------------------------------------------------------------------- */

/* The user's and the system's configuration say which folders of others are trusted; a repository's own has no say. */
static bool is_trusted(const char *path)
{
    git_config *config = NULL;
    git_config_iterator *each = NULL;
    git_config_entry *entry = NULL;
    bool trusted = false;
    if (git_config_open_default(&config) == 0 && git_config_iterator_new(&each, config) == 0) {
        while (git_config_next(&entry, each) == 0) {
            if (!text_equal(entry->name, "safe.directory"))
                continue;
            if (text_empty(entry->value)) /* an empty one takes back those before it */
                trusted = false;
            else if (text_equal(entry->value, "*") || text_equal(entry->value, path))
                trusted = true;
        }
    }
    git_config_iterator_free(each);
    git_config_free(config);
    return trusted;
}

static bool check_owner(const char *path, const char *git_folder, struct error *error)
{
    struct stat status;
    if (stat(git_folder, &status) == 0 && (status.st_uid == geteuid() || is_trusted(path)))
        return true;
    error_set(error, ERROR_DENIED, "the repository %s belongs to another user", path);
    error_detail(error, "its owner could make berth run what he likes");
    return error_hint(error, "when you trust it: git config --global --add safe.directory %s", path);
}

/* --- what form it has ---------------------------------------------------------------------------------------- */

static bool refuse_extension(const char *path, const char *name, const char *value, struct error *error)
{
    if (strcasecmp(name, "refstorage") == 0) {
        error_set(error, ERROR_UNSUPPORTED, "the repository %s keeps its refs as a reftable, which berth cannot read",
                  path);
        error_hint(error, "git refs migrate --ref-format=files, or name a clone that keeps them as files");
    } else if (strcasecmp(name, "objectformat") == 0) {
        error_set(error, ERROR_UNSUPPORTED, "the repository %s uses SHA-256 objects, which berth cannot read", path);
        error_hint(error, "name a repository with SHA-1 objects");
    } else {
        error_set(error, ERROR_UNSUPPORTED, "the repository %s uses an extension of git that berth does not know",
                  path);
        error_hint(error, "name a clone made without it");
    }
    error_detail(error, "extensions.%s is %s", name, value);
    return false;
}

/* Of a reader's concern are refs and objects alone. */
static bool extension_is_harmless(const char *name, const char *value)
{
    static const char *const harmless[] = {"noop", "partialclone", "worktreeconfig", "preciousobjects",
                                           "relativeworktrees"};
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (strcasecmp(name, harmless[i]) == 0)
            return true;
    return (strcasecmp(name, "refstorage") == 0 && strcasecmp(value, "files") == 0) ||
           (strcasecmp(name, "objectformat") == 0 && strcasecmp(value, "sha1") == 0);
}

static bool check_extensions(const char *path, git_config *config, struct error *error)
{
    static const char prefix[] = "extensions.";
    git_config_iterator *each = NULL;
    git_config_entry *entry = NULL;
    int32_t version = 0;
    bool good = true;
    (void)git_config_get_int32(&version, config, "core.repositoryformatversion");
    if (version > 1) {
        error_set(error, ERROR_UNSUPPORTED, "the repository %s has the newer format %d", path, (int)version);
        return error_hint(error, "name a clone made by an older git");
    }
    if (git_config_iterator_new(&each, config) != 0)
        return git_failed(error, ERROR_IO, "cannot read the configuration of %s", path);
    while (good && git_config_next(&entry, each) == 0) {
        const char *name = entry->name + sizeof prefix - 1, *value = entry->value ? entry->value : "";
        if (text_starts(entry->name, prefix) && !extension_is_harmless(name, value))
            good = refuse_extension(path, name, value, error);
    }
    git_config_iterator_free(each);
    return good;
}

static git_config *own_configuration(git_repository *repository)
{
    char *file = path_join(git_repository_commondir(repository), "config");
    git_config *config = NULL;
    (void)git_config_open_ondisk(&config, file);
    free(file);
    return config;
}

bool open_is_bare(git_repository *repository)
{
    git_config *config = own_configuration(repository);
    int bare = 0;
    if (config)
        (void)git_config_get_bool(&bare, config, "core.bare");
    git_config_free(config);
    return bare != 0;
}

/* --- opening ------------------------------------------------------------------------------------------------- */

/* The folder with the objects and refs: PATH/.git, what a file PATH/.git names, or PATH itself. Parents are not looked at. */
static bool find_folder(const char *path, git_buf *found, struct error *error)
{
    char *parent = path_join(path, "..");
    int code = git_repository_discover(found, path, 0, parent);
    free(parent);
    if (code == 0)
        return true;
    git_failed(error, ERROR_NOT_FOUND, "%s is not a git repository", path);
    return error_hint(error, "correct `url`, or make one: git init");
}

bool open_repository(const char *path, git_repository **repository, struct error *error)
{
    git_buf found = GIT_BUF_INIT;
    open_begin();
    *repository = NULL;
    char *real = path_canonical(path, error);
    bool opened = real && find_folder(real, &found, error) && check_owner(real, found.ptr, error);
    if (!real)
        error_hint(error, "correct `url`");
    if (opened && git_repository_open_bare(repository, found.ptr) != 0)
        opened = git_failed(error, ERROR_IO, "cannot open the repository %s", path);
    git_config *config = opened ? own_configuration(*repository) : NULL;
    if (opened)
        opened = config ? check_extensions(path, config, error)
                        : git_failed(error, ERROR_IO, "cannot read the configuration of %s", path);
    if (!opened) {
        git_repository_free(*repository);
        *repository = NULL;
    }
    git_config_free(config);
    git_buf_dispose(&found);
    free(real);
    return opened;
}

void open_rewrite(const char *url, struct str *out)
{
    static const char prefix[] = "url.", suffix[] = ".insteadof";
    git_config *config = NULL;
    git_config_iterator *each = NULL;
    git_config_entry *entry = NULL;
    size_t longest = 0;
    open_begin();
    str_add(out, url);
    if (git_config_open_default(&config) == 0 && git_config_iterator_new(&each, config) == 0) {
        while (git_config_next(&entry, each) == 0) {
            size_t length = entry->value ? strlen(entry->value) : 0, name = strlen(entry->name);
            if (length <= longest || !text_starts(entry->name, prefix) || !text_ends(entry->name, suffix) ||
                !text_starts(url, entry->value) || name < sizeof prefix + sizeof suffix - 2)
                continue;
            longest = length;
            str_clear(out);
            str_add_bytes(out, entry->name + sizeof prefix - 1, name - (sizeof prefix - 1) - (sizeof suffix - 1));
            str_add(out, url + length);
        }
    }
    git_config_iterator_free(each);
    git_config_free(config);
}
