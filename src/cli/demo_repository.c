/* SPDX-License-Identifier: ISC */
/* The demo's git repository: its files and a dozen branches as one stream for git fast-import. */
#include "cli/demo.h"

#include "berth/base/file.h"
#include "berth/base/time.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LIMIT (1u << 20)
#define SERVICE_MARK "@SERVICE@"

static const struct {
    const char *path;
    const char *mode; /* git's */
} files[] = {
    {"berth.yaml", "100644"},      {"templates/shop.yaml", "100644"}, {"scripts/thing", "100755"},
    {"scripts/migrate", "100755"}, {"scripts/server", "100755"},      {"scripts/smoke", "100755"},
};

/* Each branch has one commit of its own on main. */
static const struct {
    const char *name, *subject, *author, *email;
    int64_t age_ms;
    bool broken;
} branches[] = {
    {"feature/checkout", "Let customers pay in one step", "Ada Verne", "ada@example.org", 12 * MS_MINUTE, false},
    {"feature/search", "Search while typing", "Omar Said", "omar@example.org", 47 * MS_MINUTE, false},
    {"feature/new-look", "Show larger pictures", "Lea Brun", "lea@example.org", 3 * MS_HOUR, false},
    {"feature/gift-cards", "Sell gift cards", "Ada Verne", "ada@example.org", 26 * MS_HOUR, false},
    {"feature/wip-recommendations", "Try recommendations", "Joe Park", "joe@example.org", 4 * MS_DAY, false},
    {"fix/broken-migration", "Add totals to carts (fails on purpose)", "Joe Park", "joe@example.org", 25 * MS_MINUTE,
     true},
    {"fix/rounding", "Round prices once, at the end", "Lea Brun", "lea@example.org", 2 * MS_HOUR, false},
    {"fix/slow-cart", "Load carts in one query", "Omar Said", "omar@example.org", 9 * MS_HOUR, false},
    {"docs/install", "Explain how to install", "Ada Verne", "ada@example.org", 2 * MS_DAY, false},
    {"chore/update-libraries", "Update libraries", "Build robot", "robot@example.org", 5 * MS_DAY, false},
    {"experiment/other-database", "Try another database", "Joe Park", "joe@example.org", 21 * MS_DAY, false},
};

bool demo_run(const char *const *argv, const char *folder, int input_fd, int output_fd, struct error *error)
{
    struct process_spec spec = {
        .argv = argv, .folder = folder, .input_fd = input_fd, .output_fd = output_fd, .error_fd = STDERR_FILENO};
    struct process process;
    struct str how = STR_INIT;
    int status = 0;
    bool done;

    if (!process_start(&spec, &process, error))
        return false;
    done = process_wait(&process, &status, error);
    process_release(&process);
    if (!done || status == 0)
        return done;
    process_status_text(&how, status);
    error_set(error, ERROR_TOOL, "%s failed: %s", argv[0], how.data);
    str_release(&how);
    return false;
}

/* Where the demo's files are: installed, else in the source tree. */
static const char *files_folder(struct error *error)
{
    if (file_exists(BERTH_DEMODIR "/berth.yaml"))
        return BERTH_DEMODIR;
    if (file_exists(BERTH_SOURCE_DEMODIR "/berth.yaml"))
        return BERTH_SOURCE_DEMODIR;
    error_set(error, ERROR_NOT_FOUND, "the demo's files are not in %s", BERTH_DEMODIR);
    error_hint(error, "install berth with make install, or run it from its source tree");
    return NULL;
}

static void add_data(struct str *out, const char *text, size_t length)
{
    str_addf(out, "data %zu\n", length);
    str_add_bytes(out, text, length);
    str_add_char(out, '\n');
}

/* One file of the demo, with the service's path where it is marked. */
static bool add_file(struct str *out, const char *folder, const char *from, const char *path, const char *mode,
                     const char *service, struct error *error)
{
    char *source = path_join(folder, from);
    struct str text = STR_INIT, filled = STR_INIT;
    const char *at, *mark;
    bool read = file_read(source, FILE_LIMIT, &text, error);

    for (at = text.data; (mark = strstr(at, SERVICE_MARK)) != NULL; at = mark + strlen(SERVICE_MARK)) {
        str_add_bytes(&filled, at, (size_t)(mark - at));
        str_add(&filled, service);
    }
    str_add(&filled, at);
    if (read) {
        str_addf(out, "M %s inline %s\n", mode, path);
        add_data(out, filled.data, filled.length);
    }
    str_release(&filled);
    str_release(&text);
    free(source);
    return read;
}

static void add_commit(struct str *out, const char *branch, const char *author, const char *email, int64_t at_ms,
                       const char *subject)
{
    str_addf(out, "commit refs/heads/%s\nauthor %s <%s> %lld +0000\ncommitter %s <%s> %lld +0000\n", branch, author,
             email, (long long)(at_ms / MS_SECOND), author, email, (long long)(at_ms / MS_SECOND));
    add_data(out, subject, strlen(subject));
}

static bool add_stream(struct str *out, const char *service, struct error *error)
{
    const char *folder = files_folder(error);
    int64_t now = time_now_ms();

    if (folder == NULL)
        return false;
    add_commit(out, "main", "Ada Verne", "ada@example.org", now - 40 * MS_DAY, "Open the shop");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (!add_file(out, folder, files[i].path, files[i].path, files[i].mode, service, error))
            return false;
    }
    for (size_t i = 0; i < sizeof branches / sizeof *branches; i++) {
        add_commit(out, branches[i].name, branches[i].author, branches[i].email, now - branches[i].age_ms,
                   branches[i].subject);
        str_add(out, "from refs/heads/main\nM 100644 inline CHANGES\n");
        add_data(out, branches[i].subject, strlen(branches[i].subject));
        if (branches[i].broken &&
            !add_file(out, folder, "scripts/migrate.broken", "scripts/migrate", "100755", service, error))
            return false;
    }
    str_add(out, "done\n");
    return true;
}

bool demo_repository(struct cli *cli, const char *folder, const char *service, struct error *error)
{
    const char *const init[] = {"git", "init", "-q", "-b", "main", ".", NULL};
    const char *const import[] = {"git", "fast-import", "--quiet", "--done", NULL};
    const char *const checkout[] = {"git", "reset", "-q", "--hard", "main", NULL};
    const char *stream_path = arena_printf(&cli->arena, "%s/.git/demo-stream", folder);
    struct str stream = STR_INIT;
    bool done = add_stream(&stream, service, error) && demo_run(init, folder, -1, -1, error) &&
                file_replace(stream_path, stream.data, stream.length, 0600, FILE_RELAXED, error);
    FILE *input = done ? fopen(stream_path, "re") : NULL;

    done = done && input != NULL && demo_run(import, folder, fileno(input), -1, error) &&
           demo_run(checkout, folder, -1, -1, error);
    if (input != NULL)
        fclose(input);
    unlink(stream_path);
    str_release(&stream);
    if (!done && error->code == ERROR_NOT_FOUND)
        error_hint(error, "the demo makes a repository with git: install git");
    return done;
}
