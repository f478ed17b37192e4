/* SPDX-License-Identifier: ISC */
/*
 * Finding the workspace: berth.yaml upwards from here; its name and trusted repository, read leniently, for policy is not read here. A store notes
 * from which work tree it was opened, so that a berth.yaml that somebody is in the middle of editing stops nothing.
 */
#include "cli/output.h"

#include "berth/base/file.h"
#include "berth/base/log.h"
#include "berth/base/node.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BERTH_YAML "berth.yaml"
#define BERTH_YAML_LIMIT (16u << 20)
#define NOTE "workspace.json" /* in the store's folder: whose it is */
#define NOTE_LIMIT (64u << 10)

/* "/a/b" -> "/a" -> "/"; false at the root. */
static bool go_up(char *folder)
{
    char *slash = strrchr(folder, '/');

    if (slash == NULL || text_equal(folder, "/"))
        return false;
    slash[slash == folder ? 1 : 0] = '\0';
    return true;
}

static bool holds(const char *folder, const char *name)
{
    char *path = path_join(folder, name);
    struct stat status;
    bool there = stat(path, &status) == 0;

    free(path);
    return there;
}

static bool find_file(struct cli *cli, struct error *error)
{
    char *folder = path_canonical(cli->folder, error), *path;
    const char *start = folder != NULL ? arena_strdup(&cli->arena, folder) : "";

    if (folder == NULL)
        return false;
    while (!holds(folder, BERTH_YAML)) {
        if (go_up(folder))
            continue;
        free(folder);
        error_set(error, ERROR_NOT_FOUND, "there is no berth.yaml in %s or above it", start);
        return error_hint(error, "berth init writes a first one; berth demo makes a workspace to play with");
    }
    path = path_join(folder, BERTH_YAML);
    cli->file = arena_strdup(&cli->arena, path);
    cli->folder = arena_strdup(&cli->arena, folder);
    free(path);
    free(folder);
    return true;
}

static bool is_url(const char *text)
{
    const char *colon = strchr(text, ':'), *slash = strchr(text, '/');

    /* a scheme, or scp's user@host:path */
    return strstr(text, "://") != NULL || (colon != NULL && (slash == NULL || colon < slash));
}

/* A path below a repository is that repository: up to the folder that holds .git; a bare one is itself. */
static char *repository_root(const char *path, struct error *error)
{
    char *folder = path_canonical(path, error), *start;

    if (folder == NULL)
        return NULL;
    start = mem_strdup(folder);
    while (!holds(folder, ".git") && !(holds(folder, "HEAD") && holds(folder, "objects"))) {
        if (go_up(folder))
            continue;
        free(folder);
        return start; /* berthd says that it is not a repository */
    }
    free(start);
    return folder;
}

static const char *scalar(const struct node *node, const char *key)
{
    const struct node *value = node_get(node, key);

    return value != NULL && value->kind != NODE_MAP && value->kind != NODE_LIST ? value->text : "";
}

static bool find_repository(struct cli *cli, const struct node *root, struct error *error)
{
    const struct node *repositories = node_get(root, "repositories");
    const char *name = scalar(node_get(root, "trusted"), "repository");
    const struct node *section = text_empty(name) ? NULL : node_get(repositories, name);
    const char *url;
    char *path, *canonical;

    if (section == NULL && text_empty(name) && repositories != NULL && repositories->kind == NODE_MAP &&
        repositories->count > 0)
        section = repositories->pairs[0].value;
    if (section == NULL) {
        error_set(error, ERROR_CONFIG, "%s does not say which repository is trusted", cli->file);
        return error_hint(error, "berth check tells what is wrong in it");
    }
    url = scalar(section, "url");
    if (text_empty(url) && !text_empty(scalar(section, "slug")))
        url = arena_printf(&cli->arena, "https://github.com/%s.git", scalar(section, "slug"));
    if (text_empty(url))
        url = ".";
    if (is_url(url)) {
        cli->repository = arena_strdup(&cli->arena, url);
        return true;
    }
    path = path_join(cli->folder, url);
    canonical = repository_root(path, error);
    free(path);
    if (canonical == NULL)
        return error_context(error, "cannot find the trusted repository of %s", cli->file);
    cli->repository = arena_strdup(&cli->arena, canonical);
    free(canonical);
    return true;
}

/* What berth.yaml in the work tree says of the workspace: its name and trusted repository. */
static bool read_file(struct cli *cli, struct error *error)
{
    struct problems problems;
    struct str text = STR_INIT;
    struct node *root = NULL;
    bool done = false;

    problems_init(&problems, &cli->arena);
    if (file_read(cli->file, BERTH_YAML_LIMIT, &text, error)) {
        root = node_parse(&cli->arena, cli->file, text.data, text.length, &problems);
        if (root == NULL)
            problems_error(&problems, error);
    }
    if (root != NULL) {
        cli->workspace = arena_strdup(&cli->arena, scalar(root, "workspace"));
        if (text_empty(cli->workspace)) {
            error_set(error, ERROR_CONFIG, "%s does not name its workspace", cli->file);
            error_hint(error, "add \"workspace: NAME\"; berth check tells what else is wrong");
        } else {
            done = find_repository(cli, root, error);
        }
    }
    str_release(&text);
    problems_release(&problems);
    return done;
}

static json_t *read_note(const char *folder)
{
    char *path = path_join(folder, NOTE);
    struct str text = STR_INIT;
    json_t *note = file_read(path, NOTE_LIMIT, &text, NULL) ? json_column(text.data) : NULL;

    str_release(&text);
    free(path);
    return note;
}

/* One store's note of whose it is; true when it is of the repository that this work tree lies in. */
static bool is_noted(struct cli *cli, const char *folder, const char *repository)
{
    json_t *note = read_note(folder);
    const char *root = json_get_text(note, "root");
    bool fits = !text_empty(root) && text_equal(root, repository);

    if (fits) {
        cli->workspace = arena_strdup(&cli->arena, json_get_text(note, "workspace"));
        cli->repository = arena_strdup(&cli->arena, json_get_text(note, "repository"));
    }
    json_decref(note);
    return fits;
}

/* The one store that was opened from this work tree before. Two of them: who knows which is meant. */
static bool find_noted(struct cli *cli)
{
    char *home = path_state_home(NULL), *root = repository_root(cli->folder, NULL);
    struct folder_list list = {0};
    size_t found = 0;

    if (home != NULL && root != NULL && folder_exists(home) && folder_list(home, &list, NULL)) {
        for (size_t i = 0; i < list.count; i++)
            found += is_noted(cli, arena_printf(&cli->arena, "%s/%s", home, list.names[i]), root);
    }
    folder_list_free(&list);
    free(root);
    free(home);
    return found == 1;
}

/* What stays of a repository that is moved: the number of its git folder, which a copy does not have. "" where there is none. */
static const char *identity_of(struct cli *cli, const char *root)
{
    struct stat status;
    char *git = path_join(root, ".git");
    bool there = stat(git, &status) == 0 || stat(root, &status) == 0;

    free(git);
    return there ? arena_printf(&cli->arena, "%llu:%llu", (unsigned long long)status.st_dev,
                                (unsigned long long)status.st_ino)
                 : "";
}

/* A store of this workspace whose repository lay elsewhere, lies there no more, and was this one. */
static bool was_here(struct cli *cli, const char *folder, const char *identity, const char **root)
{
    json_t *note = read_note(folder);
    bool was = text_equal(json_get_text(note, "workspace"), cli->workspace) &&
               text_equal(json_get_text(note, "identity"), identity);

    *root = arena_strdup(&cli->arena, json_get_text(note, "root"));
    json_decref(note);
    return was && !text_equal(identity_of(cli, *root), identity);
}

const char *workspace_before(struct cli *cli, const char **store)
{
    char *home = path_state_home(NULL), *root = repository_root(cli->folder, NULL);
    const char *identity = root != NULL ? identity_of(cli, root) : "", *before = NULL;
    struct folder_list list = {0};

    if (home != NULL && !text_empty(identity) && folder_exists(home) && folder_list(home, &list, NULL)) {
        for (size_t i = 0; i < list.count && before == NULL; i++) {
            *store = arena_printf(&cli->arena, "%s/%s", home, list.names[i]);
            if (text_equal(*store, cli->store_folder) || !was_here(cli, *store, identity, &before))
                before = NULL;
        }
    }
    folder_list_free(&list);
    free(root);
    free(home);
    return before;
}

void workspace_note(struct cli *cli)
{
    char *path = path_join(cli->store_folder, NOTE), *root = repository_root(cli->folder, NULL);
    json_t *note = read_note(cli->store_folder);
    const char *text, *identity = root != NULL ? identity_of(cli, root) : "";
    /* a store that was moved along with its repository, or one of an older berth, is noted anew */
    bool noted = note != NULL && (root == NULL || text_equal(json_get_text(note, "identity"), identity) ||
                                  !text_empty(identity_of(cli, json_get_text(note, "root"))));

    noted = noted && !text_empty(json_get_text(note, "identity"));
    json_decref(note);
    if (!noted && root != NULL) {
        note = json_pack("{s:s, s:s, s:s, s:s}", "workspace", cli->workspace, "repository", cli->repository, "root",
                         root, "identity", identity);
        text = json_text(&cli->arena, note);
        if (!file_replace(path, text, strlen(text), 0600, FILE_RELAXED, NULL))
            log_line("cli", LOG_INFO, "cannot note in %s whose store it is", cli->store_folder);
        json_decref(note);
    }
    free(root);
    free(path);
}

bool workspace_find(struct cli *cli, struct error *error)
{
    char *store;

    if (!find_file(cli, error))
        return false;
    if (!read_file(cli, error)) {
        if (!find_noted(cli))
            return false;
        fprintf(stderr,
                "berth: %s\n  %s it is not read for policy: that of the store stays in force; berth check tells all\n",
                shown(cli, error->message), cli->ascii ? "->" : "→");
        error_clear(error);
    }
    store = store_folder_for(cli->repository, cli->workspace, error);
    if (store == NULL)
        return false;
    cli->store_folder = arena_strdup(&cli->arena, store);
    free(store);
    return true;
}
