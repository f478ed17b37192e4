/* SPDX-License-Identifier: ISC */
/* The audit ref of a remote: found in the policy, fetched and read by the program git with argument lists, in a folder that is removed again. */
#include "cli/audit_ref.h"

#include "berth/base/file.h"
#include "berth/base/time.h"
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define REF_DEFAULT "refs/heads/berth/audit"
#define FETCHED_REF "refs/fetched"
#define LOG_LIMIT ((size_t)256 << 20)      /* bytes of git's list of commits */
#define OBJECTS_LIMIT ((size_t)2048 << 20) /* of all records and commits */
#define SAID_LIMIT 4096

/* --- which one ------------------------------------------------------------------------------------------------- */

static bool is_url(const char *text)
{
    const char *colon = strchr(text, ':'), *slash = strchr(text, '/');

    return strstr(text, "://") != NULL || (colon != NULL && (slash == NULL || colon < slash));
}

static const char *scalar_of(const struct config_section *section, const char *key)
{
    const struct node *node = node_get(section->node, key);

    return node != NULL && node->kind != NODE_MAP && node->kind != NODE_LIST ? node->text : "";
}

/* Paths in berth.yaml are from the trusted repository. */
static const char *absolute(struct cli *cli, const char *url)
{
    char *path;
    const char *kept;

    if (is_url(url) || url[0] == '/')
        return url;
    if (text_equal(url, ".") || is_url(cli->repository))
        return text_equal(url, ".") ? cli->repository : url;
    path = path_join(cli->repository, url);
    kept = arena_strdup(&cli->arena, path);
    free(path);
    return kept;
}

static const char *url_of(struct cli *cli, const char *repository)
{
    const struct config_section *section = config_section_named(&cli->config->repositories, repository);

    if (section == NULL)
        return "";
    if (!text_empty(scalar_of(section, "slug")))
        return arena_printf(&cli->arena, "https://github.com/%s.git", scalar_of(section, "slug"));
    return absolute(cli, scalar_of(section, "url"));
}

static const struct config_notify *receiver(const struct cli *cli, const char *repository)
{
    for (size_t i = 0; cli->config != NULL && i < cli->config->notify_count; i++) {
        const struct config_notify *notify = &cli->config->notify[i];

        if (!text_empty(notify->ref) && (text_empty(repository) || text_equal(notify->repository, repository)))
            return notify;
    }
    return NULL;
}

/* --- the program ------------------------------------------------------------------------------------------------ */

struct git {
    struct cli *cli;
    char *folder; /* a bare repository and the files that git's output goes to */
};

static int open_file(const char *path, int flags)
{
    return open(path, flags | O_CLOEXEC, 0600);
}

static bool run_git(const struct git *git, const char *const *argv, const char *input, const char *output, int *status,
                    struct error *error)
{
    char *in = input != NULL ? path_join(git->folder, input) : NULL, *out = path_join(git->folder, output);
    char *said = path_join(git->folder, "said");
    struct process_spec spec = {.argv = argv,
                                .input_fd = in != NULL ? open_file(in, O_RDONLY) : -1,
                                .output_fd = open_file(out, O_WRONLY | O_CREAT | O_TRUNC),
                                .error_fd = open_file(said, O_WRONLY | O_CREAT | O_TRUNC)};
    struct process process;
    bool done = process_start(&spec, &process, error) && process_wait(&process, status, error);

    if (!done)
        error_context(error, "cannot read the audit ref without the program git");
    process_release(&process);
    if (spec.input_fd >= 0)
        close(spec.input_fd);
    close(spec.output_fd);
    close(spec.error_fd);
    free(in);
    free(out);
    free(said);
    return done;
}

static bool git_refused(const struct git *git, const char *what, const char *url, struct error *error)
{
    char *path = path_join(git->folder, "said");
    struct str said = STR_INIT;
    const char *line;

    if (!file_read(path, SAID_LIMIT, &said, NULL)) /* git said a great deal, or nothing */
        str_clear(&said);
    line = shown(git->cli, arena_strndup(&git->cli->arena, said.data, strcspn(said.data, "\n")));
    error_set(error, ERROR_UNREACHABLE, "cannot %s %s", what, url);
    error_detail(error, "%s", text_empty(line) ? "git does not say why" : line);
    error_hint(error, "try it yourself: git ls-remote %s", url);
    str_release(&said);
    free(path);
    return false;
}

/* The output of a command of git that must end well. */
static bool ask_git(const struct git *git, const char *const *argv, const char *what, const char *about,
                    struct str *out, struct error *error)
{
    char *path = path_join(git->folder, "out");
    int status = 0;
    bool done = run_git(git, argv, NULL, "out", &status, error) &&
                (status == 0 || git_refused(git, what, about, error)) && file_read(path, LOG_LIMIT, out, error);

    free(path);
    return done;
}

static bool git_begin(struct cli *cli, struct git *git, struct error *error)
{
    const char *place = getenv("TMPDIR");
    struct str out = STR_INIT;
    bool made;

    git->cli = cli;
    git->folder = path_printf("%s/berth-audit-XXXXXX", text_empty(place) ? "/tmp" : place);
    if (mkdtemp(git->folder) == NULL)
        return error_errno(error, ERROR_IO, errno, "cannot make the folder %s", git->folder);
    {
        const char *const argv[] = {"git", "init", "-q", "--bare", git->folder, NULL};

        made = ask_git(git, argv, "make a repository in", git->folder, &out, error);
    }
    str_release(&out);
    return made;
}

static void git_end(struct git *git)
{
    struct error error = {0};

    if (git->folder != NULL && !folder_remove(git->folder, &error))
        say_error(git->cli, &error);
    free(git->folder);
}

/* --- which one, once more ------------------------------------------------------------------------------------------ */

/* The URL of a remote of a repository that is a path. */
static bool remote_url(struct cli *cli, const char *repository, const char *remote, const char **url,
                       struct error *error)
{
    const char *const argv[] = {"git", "-C", repository, "remote", "get-url", "--", remote, NULL};
    struct git git = {0};
    struct str out = STR_INIT;
    bool found = git_begin(cli, &git, error) && ask_git(&git, argv, "find the remote", remote, &out, error);

    if (found)
        *url = arena_strndup(&cli->arena, out.data, strcspn(out.data, "\n"));
    str_release(&out);
    git_end(&git);
    return found;
}

bool audit_ref_find(struct cli *cli, const char *against, struct audit_ref *ref, struct error *error)
{
    const struct config_notify *notify = receiver(cli, "");
    bool by_name = !text_empty(against) && cli->config != NULL && !text_empty(url_of(cli, against));

    *ref = (struct audit_ref){.tip = ""};
    if (by_name)
        notify = receiver(cli, against);
    ref->ref = notify != NULL ? notify->ref : REF_DEFAULT;
    if (!text_empty(against)) {
        ref->url = by_name ? url_of(cli, against) : against;
        return true;
    }
    if (notify == NULL)
        return true;
    ref->url = url_of(cli, notify->repository);
    if (text_empty(scalar_of(&notify->section, "push")))
        return true;
    if (is_url(scalar_of(&notify->section, "push")) || strchr(scalar_of(&notify->section, "push"), '/') != NULL) {
        ref->url = scalar_of(&notify->section, "push");
        return true;
    }
    return remote_url(cli, ref->url, scalar_of(&notify->section, "push"), &ref->url, error);
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

static bool fetch(const struct git *git, struct audit_ref *ref, struct error *error)
{
    struct arena *arena = &git->cli->arena;
    const char *const look[] = {"git", "ls-remote", "--exit-code", "--", ref->url, ref->ref, NULL};
    const char *spec = arena_printf(arena, "+%s:" FETCHED_REF, ref->ref);
    const char *const get[] = {"git", "-C", git->folder, "fetch", "-q", "--no-tags", "--", ref->url, spec, NULL};
    struct str out = STR_INIT;
    int status = 0;
    bool done = run_git(git, look, NULL, "out", &status, error);

    if (done && WIFEXITED(status) && WEXITSTATUS(status) == 2)
        return true; /* no such ref there */
    done = done && (status == 0 || git_refused(git, "read the audit of", ref->url, error)) &&
           ask_git(git, get, "fetch the audit of", ref->url, &out, error);
    if (done)
        ref->tip = "there";
    str_release(&out);
    return done;
}

/* ":000000 100644 0000… BLOB A\tPATH": the one line that a commit of ours has. */
static void take_change(struct cli *cli, struct audit_commit *commit, const char *line)
{
    static const char added[] = ":000000 100644 ";
    const char *tab = strchr(line, '\t'), *blob = line + strlen(added) + 41;

    if (!text_empty(commit->path) || !text_empty(commit->odd) || tab == NULL || !text_starts(line, added) ||
        (size_t)(tab - line) != strlen(added) + 2 * 41 + 1 || tab[-1] != 'A') {
        commit->odd = arena_printf(&cli->arena, "changes %s", tab != NULL ? tab + 1 : line);
        commit->path = "";
        return;
    }
    commit->blob = arena_strndup(&cli->arena, blob, 40);
    commit->path = arena_strdup(&cli->arena, tab + 1);
}

static void take_log(struct cli *cli, struct audit_ref *ref, char *log)
{
    struct audit_commit *commit = NULL;

    for (char *line = log, *end; *line != '\0'; line = end) {
        end = line + strcspn(line, "\n");
        if (*end != '\0')
            *end++ = '\0';
        if (text_starts(line, "commit ")) {
            struct audit_commit next = {.path = "", .odd = "", .blob = "", .file = "", .text = ""};

            next.id = arena_strndup(&cli->arena, line + strlen("commit "), 40);
            if (strlen(line) > strlen("commit ") + 2 * 41)
                next.odd = "is a merge";
            vec_push(&ref->commits, next);
            commit = &ref->commits.items[ref->commits.count - 1];
        } else if (line[0] == ':' && commit != NULL) {
            take_change(cli, commit, line);
        }
    }
    for (size_t i = 0; i < ref->commits.count; i++)
        if (text_empty(ref->commits.items[i].path) && text_empty(ref->commits.items[i].odd))
            ref->commits.items[i].odd = "adds nothing";
}

static bool read_log(const struct git *git, struct audit_ref *ref, struct error *error)
{
    const char *const argv[] = {"git",
                                "-C",
                                git->folder,
                                "-c",
                                "log.showSignature=false",
                                "log",
                                "--raw",
                                "--no-renames",
                                "--root",
                                "--no-abbrev",
                                "--reverse",
                                "--no-color",
                                "--topo-order",
                                "-m",
                                "--first-parent",
                                "--format=commit %H %P",
                                FETCHED_REF,
                                "--",
                                NULL};
    struct str out = STR_INIT;
    bool read = ask_git(git, argv, "list the commits of", ref->url, &out, error);

    if (read)
        take_log(git->cli, ref, out.data);
    if (ref->commits.count > 0)
        ref->tip = ref->commits.items[ref->commits.count - 1].id;
    str_release(&out);
    return read;
}

/* One answer of `git cat-file --batch`: "ID TYPE SIZE\n", the bytes, "\n". */
static bool take_object(struct cli *cli, const struct str *answers, size_t *at, const char **bytes, size_t *length)
{
    const char *line = answers->data + *at, *end = memchr(line, '\n', answers->length - *at), *size;
    long long count = 0;
    char number[24];

    if (end == NULL)
        return false;
    for (size = end; size > line && size[-1] != ' '; size--)
        ;
    if (!text_copy(number, sizeof number, arena_strndup(&cli->arena, size, (size_t)(end - size))) ||
        !text_to_int(number, &count) || count < 0 ||
        (size_t)count >= answers->length - (size_t)(end + 1 - answers->data))
        return false;
    *bytes = arena_strndup(&cli->arena, end + 1, (size_t)count);
    *length = (size_t)count;
    *at = (size_t)(end + 1 - answers->data) + (size_t)count + 1;
    return true;
}

/* Tree and parent are git's own; the rest comes from the record. */
static void without_place(struct audit_commit *commit)
{
    for (;;) {
        const char *end = memchr(commit->text, '\n', commit->text_length);

        if (end == NULL || (!text_starts(commit->text, "tree ") && !text_starts(commit->text, "parent ")))
            return;
        commit->text_length -= (size_t)(end + 1 - commit->text);
        commit->text = end + 1;
    }
}

static bool read_objects(const struct git *git, struct audit_ref *ref, struct error *error)
{
    const char *const argv[] = {"git", "-C", git->folder, "cat-file", "--batch", NULL};
    char *wanted = path_join(git->folder, "wanted"), *objects = path_join(git->folder, "records");
    struct str list = STR_INIT, answers = STR_INIT;
    size_t at = 0;
    int status = 0;
    bool read;

    for (size_t i = 0; i < ref->commits.count; i++) {
        str_addf(&list, "%s\n", ref->commits.items[i].id);
        if (!text_empty(ref->commits.items[i].path))
            str_addf(&list, "%s\n", ref->commits.items[i].blob);
    }
    read = file_replace(wanted, list.data, list.length, 0600, FILE_RELAXED, error) &&
           run_git(git, argv, "wanted", "records", &status, error) &&
           (status == 0 || git_refused(git, "read the records of", ref->url, error)) &&
           file_read(objects, OBJECTS_LIMIT, &answers, error);
    for (size_t i = 0; read && i < ref->commits.count; i++) {
        struct audit_commit *commit = &ref->commits.items[i];

        read = take_object(git->cli, &answers, &at, &commit->text, &commit->text_length) &&
               (text_empty(commit->path) || take_object(git->cli, &answers, &at, &commit->file, &commit->file_length));
        if (!read)
            error_set(error, ERROR_CORRUPT, "commit %.12s of %s cannot be read", commit->id, ref->url);
        else
            without_place(commit);
    }
    str_release(&list);
    str_release(&answers);
    free(wanted);
    free(objects);
    return read;
}

bool audit_ref_read(struct cli *cli, struct audit_ref *ref, struct error *error)
{
    struct git git = {0};
    bool read;

    ref->read_at = time_now_ms();
    read = git_begin(cli, &git, error) && fetch(&git, ref, error);
    if (read && !text_empty(ref->tip))
        read = read_log(&git, ref, error) && read_objects(&git, ref, error);
    git_end(&git);
    return read;
}

void audit_ref_release(struct audit_ref *ref)
{
    vec_release(&ref->commits);
}
