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

#define COUNT(list) (sizeof(list) / sizeof *(list))

struct file {
    const char *path, *mode, *from; /* mode as git writes it; from NULL: it is called so */
};
static const struct file files[] = {
    {"berth.yaml", "100644", NULL},      {"templates/shop.yaml", "100644", NULL}, {"scripts/thing", "100755", NULL},
    {"scripts/migrate", "100755", NULL}, {"scripts/server", "100755", NULL},      {"scripts/smoke", "100755", NULL},
};
static const struct file with_tool[] = {{"templates/platform.yaml", "100644", NULL}, {"infra/main.tf", "100644", NULL}};
static const struct file without_tool[] = {{"templates/platform.yaml", "100644", "templates/platform.exec.yaml"}};
static const struct file broken = {"scripts/migrate", "100755", "scripts/migrate.broken"};

struct person {
    const char *name, *email;
};
static const struct person ada = {"Ada", "ada@example.org"}, joe = {"Joe", "joe@example.org"},
                           lea = {"Lea", "lea@example.org"}, omar = {"Omar", "omar@example.org"},
                           robot = {"robot", "robot@example.org"};

/* Each branch has one commit of its own on main. */
static const struct {
    const char *name, *subject;
    const struct person *author;
    int64_t age_ms;
} branches[] = {
    {"checkout", "Let customers pay in one step", &ada, 12 * MS_MINUTE},
    {"search", "Search while typing", &omar, 47 * MS_MINUTE},
    {"rounding", "Round prices once, at the end", &lea, 2 * MS_HOUR},
    {"larger-pictures", "Show larger pictures", &lea, 3 * MS_HOUR},
    {"faster-cart", "Load carts in one query", &omar, 9 * MS_HOUR},
    {DEMO_BROKEN, "Count carts by day", &joe, 26 * MS_HOUR},
    {"gift-cards", "Sell gift cards", &ada, 30 * MS_HOUR},
    {"docs-install", "Explain how to install", &ada, 2 * MS_DAY},
    {"wip-ratings", "Try ratings", &joe, 4 * MS_DAY},
    {"chore-libraries", "Update libraries", &robot, 5 * MS_DAY},
    {DEMO_LEAVES, "Show a banner all summer", &lea, 21 * MS_DAY},
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

/* What stands between two @ in a file of the demo; NULL: nothing that is known. */
static const char *filling(const struct demo *demo, const char *name, size_t length)
{
    const struct {
        const char *name, *text;
    } fillings[] = {
        {"SERVICE", demo->service}, {"TOOL", demo->tool}, {"GRACE", demo->grace}, {"LOGIN", session_login(demo->cli)}};

    for (size_t i = 0; i < sizeof fillings / sizeof *fillings; i++) {
        if (strlen(fillings[i].name) == length && memcmp(fillings[i].name, name, length) == 0)
            return fillings[i].text;
    }
    return NULL;
}

static void add_filled(struct str *out, const struct demo *demo, const char *text)
{
    const char *mark, *end, *value;

    while ((mark = strchr(text, '@')) != NULL) {
        end = strchr(mark + 1, '@');
        value = end != NULL ? filling(demo, mark + 1, (size_t)(end - mark - 1)) : NULL;
        str_add_bytes(out, text, (size_t)(mark - text) + (value == NULL));
        if (value != NULL)
            str_add(out, value);
        text = value != NULL ? end + 1 : mark + 1;
    }
    str_add(out, text);
}

/* One file of the demo, filled in. */
static bool add_file(struct str *out, const struct demo *demo, const struct file *file, struct error *error)
{
    const char *folder = files_folder(error);
    struct str text = STR_INIT, filled = STR_INIT;
    char *source = folder != NULL ? path_join(folder, file->from != NULL ? file->from : file->path) : NULL;
    bool read = source != NULL && file_read(source, FILE_LIMIT, &text, error);

    if (read) {
        add_filled(&filled, demo, text.data);
        str_addf(out, "M %s inline %s\n", file->mode, file->path);
        add_data(out, filled.data, filled.length);
    }
    str_release(&filled);
    str_release(&text);
    free(source);
    return read;
}

static bool add_files(struct str *out, const struct demo *demo, const struct file *list, size_t count,
                      struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!add_file(out, demo, &list[i], error))
            return false;
    }
    return true;
}

static void add_commit(struct str *out, const char *ref, const struct person *author, int64_t at_ms,
                       const char *subject)
{
    str_addf(out, "commit %s\nauthor %s <%s> %lld +0000\ncommitter %s <%s> %lld +0000\n", ref, author->name,
             author->email, (long long)(at_ms / MS_SECOND), author->name, author->email,
             (long long)(at_ms / MS_SECOND));
    add_data(out, subject, strlen(subject));
}

static void add_change(struct str *out, const char *parent, const char *text)
{
    str_addf(out, "from %s\nM 100644 inline CHANGES\n", parent);
    add_data(out, text, strlen(text));
}

static bool add_stream(struct str *out, const struct demo *demo, struct error *error)
{
    const int64_t now = time_now_ms();
    const char *next = "Cart totals, fails on purpose";
    const bool has_tool = !text_empty(demo->tool);

    add_commit(out, "refs/heads/main", &ada, now - 40 * MS_DAY, "Open the shop");
    if (!add_files(out, demo, files, COUNT(files), error) ||
        !add_files(out, demo, has_tool ? with_tool : without_tool, has_tool ? COUNT(with_tool) : COUNT(without_tool),
                   error))
        return false;
    for (size_t i = 0; i < COUNT(branches); i++) {
        add_commit(out, arena_printf(&demo->cli->arena, "refs/heads/%s", branches[i].name), branches[i].author,
                   now - branches[i].age_ms, branches[i].subject);
        add_change(out, "refs/heads/main", branches[i].subject);
    }
    add_commit(out, DEMO_BROKEN_NEXT, &joe, now - 25 * MS_MINUTE, next);
    add_change(out, "refs/heads/" DEMO_BROKEN, next);
    if (!add_file(out, demo, &broken, error))
        return false;
    str_add(out, "done\n");
    return true;
}

bool demo_repository(const struct demo *demo, struct error *error)
{
    const char *const init[] = {"git", "init", "-q", "-b", "main", ".", NULL};
    const char *const import[] = {"git", "fast-import", "--quiet", "--done", NULL};
    const char *const checkout[] = {"git", "reset", "-q", "--hard", "main", NULL};
    const char *folder = demo->repository;
    const char *stream_path = arena_printf(&demo->cli->arena, "%s/.git/demo-stream", folder);
    struct str stream = STR_INIT;
    bool done = add_stream(&stream, demo, error) && demo_run(init, folder, -1, -1, error) &&
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
