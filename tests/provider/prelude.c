/* SPDX-License-Identifier: ISC */
/* The workplace of the provider tests. */
#include "prelude.h"

#include "berth/base/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void must(bool done, const struct error *error)
{
    if (!done)
        fail_msg("%s: %s (%s)", error->message, error->detail, error->hint);
}

void place_make(struct place *place, const char *provider)
{
    char pattern[] = "/tmp/berth-test-XXXXXX";
    memset(place, 0, sizeof *place);
    assert_non_null(mkdtemp(pattern));
    place->folder = strdup(pattern);
    place->store = path_join(pattern, "store");
    place->run = path_join(pattern, "run");
    place->tree = path_join(pattern, "tree");
    place->log = path_join(pattern, "log");
    must(folder_make(place->store, 0700, &place->error), &place->error);
    must(folder_make(place->run, 0700, &place->error), &place->error);
    must(folder_make(place->tree, 0700, &place->error), &place->error);
    struct node *map = arena_alloc(&place->arena, sizeof *map);
    map->kind = NODE_MAP;
    map->pairs = arena_alloc(&place->arena, 16 * sizeof *map->pairs);
    place->section =
        (struct config_section){.name = "app", .provider = provider, .pool = "", .built = true, .node = map};
    place->context = (struct provider_context){
        .section = &place->section,
        .store_folder = place->store,
        .run_folder = place->run,
        .run = "1",
        .token = strrchr(place->folder, '/') + 1, /* nobody else's: what carries it is ended with its tool */
        .stop_fd = -1,
        .log = &place->written,
    };
    place->written = (struct run_log)RUN_LOG_INIT;
    place->written.fd = open(place->log, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(place->written.fd >= 0);
}

void place_remove(struct place *place)
{
    run_log_close(&place->written);
    must(folder_remove(place->folder, &place->error), &place->error);
    free(place->folder);
    free(place->store);
    free(place->run);
    free(place->tree);
    free(place->log);
    arena_release(&place->arena);
}

void place_key(struct place *place, const char *key, const char *value)
{
    struct node *map = (struct node *)(uintptr_t)place->section.node;
    struct node *text = arena_alloc(&place->arena, sizeof *text), *name = arena_alloc(&place->arena, sizeof *name);
    *text = (struct node){.kind = NODE_TEXT, .text = arena_strdup(&place->arena, value), .quoted = true, .line = 1};
    *name = (struct node){.kind = NODE_TEXT, .text = arena_strdup(&place->arena, key)};
    size_t at = 0;
    while (at < map->count && !text_equal(map->pairs[at].key->text, key))
        at++;
    assert_true(at < 16);
    map->pairs[at] = (struct node_pair){.key = name, .value = text};
    map->count += at == map->count;
}

const char *place_log(struct place *place)
{
    struct str text = STR_INIT;
    must(file_read(place->log, (size_t)256 << 20, &text, &place->error), &place->error);
    const char *copy = arena_strndup(&place->arena, text.data, text.length);
    str_release(&text);
    return copy;
}

void place_file(struct place *place, const char *path, const char *text, mode_t mode)
{
    char *full = path_join(place->folder, path), *folder = strdup(full);
    *strrchr(folder, '/') = '\0';
    must(folder_make(folder, 0700, &place->error), &place->error);
    must(file_replace(full, text, strlen(text), mode, FILE_RELAXED, &place->error), &place->error);
    assert_int_equal(chmod(full, mode), 0);
    free(full);
    free(folder);
}

/* Writes the input from this process while it reads the output: small inputs only. */
int run_program(const char *folder, const char *const *argv, const char *input, struct str *output)
{
    static const char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin",
                                              "HOME=/nonexistent",
                                              "LC_ALL=C.UTF-8",
                                              "GIT_CONFIG_GLOBAL=/dev/null",
                                              "GIT_CONFIG_NOSYSTEM=1",
                                              "GIT_AUTHOR_NAME=Alice",
                                              "GIT_AUTHOR_EMAIL=alice@acme.org",
                                              "GIT_AUTHOR_DATE=1700000000 +0100",
                                              "GIT_COMMITTER_NAME=Bob",
                                              "GIT_COMMITTER_EMAIL=bob@acme.org",
                                              "GIT_COMMITTER_DATE=1700000001 +0000",
                                              NULL};
    int out[2], in[2], status = 0;
    struct process process;
    struct error error = {0};
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    struct process_spec spec = {.argv = argv,
                                .environment = environment,
                                .folder = folder,
                                .input_fd = in[0],
                                .output_fd = out[1],
                                .error_fd = STDERR_FILENO};
    must(process_start(&spec, &process, &error), &error);
    close(out[1]);
    close(in[0]);
    if (input)
        must(file_write_all(in[1], input, strlen(input), &error), &error);
    close(in[1]);
    for (ssize_t got = 1; got > 0;) {
        got = read(out[0], str_reserve(output, 65536), 65536);
        if (got > 0)
            str_grew(output, (size_t)got);
    }
    close(out[0]);
    must(process_wait(&process, &status, &error), &error);
    process_release(&process);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

const char *git(struct place *place, const char *folder, ...)
{
    const char *argv[32] = {
        "git", "-c", "init.defaultBranch=main", "-c", "core.fsync=none", "-c", "core.safecrlf=false"};
    struct str output = STR_INIT;
    size_t count = 7;
    va_list arguments;
    va_start(arguments, folder);
    while ((argv[count] = va_arg(arguments, const char *)) != NULL)
        assert_true(++count < 31);
    va_end(arguments);
    int status = run_program(folder, argv, NULL, &output);
    if (status != 0)
        fail_msg("git %s: exit %d: %s", argv[7], status, output.data);
    if (output.length > 0 && output.data[output.length - 1] == '\n')
        str_cut(&output, output.length - 1);
    const char *copy = arena_strdup(&place->arena, output.data);
    str_release(&output);
    return copy;
}

bool has_program(const char *name)
{
    const char *path = getenv("PATH");
    bool has = false;
    for (const char *at = path ? path : ""; !has && *at;) {
        size_t length = strcspn(at, ":");
        char *full = path_printf("%.*s/%s", (int)length, at, name);
        has = access(full, X_OK) == 0;
        free(full);
        at += length + (at[length] ? 1 : 0);
    }
    if (!has)
        printf("# skipped: there is no %s on PATH\n", name);
    return has;
}

size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}
