/* SPDX-License-Identifier: ISC */
/*
 * The dashboard's first useful frame over 100,000 branches and 1,000 environments: from just before execve in the child to the moment when a row
 * is on its pseudo terminal; the same for `less` on a file with one line a branch, which reads only what it shows. Also a key: from write to the first byte back.
 */
#include "berth/base/file.h"
#include "berth/base/process.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/model/environment.h"
#include "berth/model/ledger.h"
#include "berth/store.h"
#include "measure.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define BRANCHES 100000
#define ENVIRONMENTS 1000
#define RUNS 21
#define KEYS 100
#define LIMIT_MS 20.0
#define PATIENCE_MS 10000
#define BATCH 2000
#define AT INT64_C(1763733909000)

static void put(struct store *store, const struct record_type *type, const void *row)
{
    struct error error = {0};
    require(store_put(store, type, row, &error), &error);
}

static void fill(struct store *store)
{
    struct error error = {0};
    struct arena arena = {0};
    uint64_t ticks = 0;
    process_start_ticks(getpid(), &ticks);
    require(store_begin(store, STORE_RELAXED, &error), &error);
    put(store, &repository_type,
        &(struct repository){
            .id = "app", .provider = "git", .url = ".", .complete = true, .listed = true, .branches = BRANCHES});
    put(store, &daemon_type,
        &(struct daemon){
            .id = "berthd", .pid = getpid(), .start_ticks = (int64_t)ticks, .epoch = 1, .state = "serving"});
    for (int i = 0; i < ENVIRONMENTS; i++) {
        struct environment row = {.id = arena_printf(&arena, "E%04d", i),
                                  .name = arena_printf(&arena, "review/change-%d", i),
                                  .slug = arena_printf(&arena, "review-change-%d", i),
                                  .tier = TIER_REVIEW,
                                  .entry = "review",
                                  .repository = "app",
                                  .branch = arena_printf(&arena, "feature/change-%d", i),
                                  .status = ENVIRONMENT_OK,
                                  .created_at = AT,
                                  .deployed_at = AT};
        put(store, &environment_type, &row);
    }
    require(store_commit(store, NULL, &error), &error);
    for (int i = 0; i < BRANCHES; i++) {
        if (i % BATCH == 0)
            require(store_begin(store, STORE_RELAXED, &error), &error);
        struct branch row = {.id = arena_printf(&arena, "app:feature/change-%d", i),
                             .repository = "app",
                             .name = arena_printf(&arena, "feature/change-%d", i),
                             .commit = "0123456789012345678901234567890123456789",
                             .subject = arena_printf(&arena, "Change number %d so that it holds", i),
                             .author = "Person",
                             .committed_at = AT - i * MS_MINUTE,
                             .pushed_at = AT,
                             .ahead = -1,
                             .behind = -1};
        put(store, &branch_type, &row);
        if (i % BATCH == BATCH - 1)
            require(store_commit(store, NULL, &error), &error);
    }
    arena_release(&arena);
}

/* Reads until `needle` (NULL: any byte) came; the monotonic instant, or -1. */
static int64_t read_until(int fd, const char *needle, struct str *seen)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    char bytes[65536];
    str_clear(seen);
    while (poll(&poll_fd, 1, PATIENCE_MS) > 0) {
        ssize_t count = read(fd, bytes, sizeof bytes);
        int64_t now = time_monotonic_us();
        if (count <= 0)
            return -1;
        str_add_bytes(seen, bytes, (size_t)count);
        if (!needle || memmem(seen->data, seen->length, needle, strlen(needle)))
            return now;
    }
    return -1;
}

static void drain(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    char bytes[65536];
    while (poll(&poll_fd, 1, 30) > 0 && read(fd, bytes, sizeof bytes) > 0)
        ;
}

/* One run: start, first frame, some keys, quit. */
static bool run_once(char *const argv[], const char *needle, struct samples *frames, struct samples *keys)
{
    struct winsize size = {.ws_row = 40, .ws_col = 120};
    struct str seen = STR_INIT;
    int fd, status;
    int64_t start = time_monotonic_us();
    pid_t pid = forkpty(&fd, NULL, NULL, &size);
    if (pid == 0) {
        execvp(argv[0], argv);
        _exit(127);
    }
    int64_t shown = pid < 0 ? -1 : read_until(fd, needle, &seen);
    if (shown >= 0)
        samples_add(frames, shown - start);
    for (int i = 0; shown >= 0 && keys && i < KEYS; i++) {
        drain(fd);
        int64_t pressed = time_monotonic_us();
        if (write(fd, "j", 1) != 1)
            break;
        int64_t answered = read_until(fd, NULL, &seen);
        if (answered >= 0)
            samples_add(keys, answered - pressed);
    }
    if (pid > 0) {
        if (write(fd, "Q", 1) != 1 || shown < 0)
            kill(pid, SIGTERM);
        while (read(fd, seen.data, seen.length) > 0)
            ;
        waitpid(pid, &status, 0);
        close(fd);
    }
    str_release(&seen);
    return shown >= 0;
}

static double measure(const char *name, char *const argv[], const char *needle, bool with_keys)
{
    struct samples frames = {0}, keys = {0};
    double p50 = -1;
    for (int i = 0; i < RUNS; i++) {
        if (!run_once(argv, needle, &frames, with_keys && i == 0 ? &keys : NULL)) {
            printf("%-40s no useful frame\n", name);
            samples_release(&frames);
            return -1;
        }
    }
    samples_sort(&frames);
    p50 = samples_ms(&frames, 50);
    printf("%-40s first useful frame p50 %.1f ms, p99 %.1f ms", name, p50, samples_ms(&frames, 99));
    if (keys.count) {
        samples_sort(&keys);
        printf("; key to first byte p50 %.2f ms, p99 %.2f ms", samples_ms(&keys, 50), samples_ms(&keys, 99));
    }
    printf("\n");
    samples_release(&frames);
    samples_release(&keys);
    return p50;
}

static char *write_lines(const char *folder)
{
    struct str text = STR_INIT;
    struct error error = {0};
    char *path = path_join(folder, "branches.txt");
    for (int i = 0; i < BRANCHES; i++)
        str_addf(&text, "feature/change-%d 01234567 Person Change number %d so that it holds\n", i, i);
    require(file_replace(path, text.data, text.length, 0600, FILE_RELAXED, &error), &error);
    str_release(&text);
    return path;
}

static void make_workspace(const char *folder)
{
    static const char yaml[] =
        "version: 1\nworkspace: bench\nrepositories: { app: { provider: git, url: . } }\n"
        "environments: [ { name: dev, tier: dev, source: { branches: [main] }, templates: [t] } ]\n";
    struct error error = {0};
    char *file = path_join(folder, "berth.yaml"), *git = path_join(folder, ".git");
    require(folder_make(git, 0700, &error), &error);
    require(file_replace(file, yaml, sizeof yaml - 1, 0600, FILE_RELAXED, &error), &error);
    free(file);
    free(git);
}

/* More wants to run than there are processors: a first frame waits for its turn, whoever draws it. */
static bool is_noisy(void)
{
    double load = 0;
    return getloadavg(&load, 1) == 1 && load > (double)sysconf(_SC_NPROCESSORS_ONLN);
}

int main(void)
{
    struct error error = {0};
    struct file_lock lock;
    char *root = measure_folder(), *canonical = path_canonical(root, &error);
    require(canonical != NULL, &error);
    setenv("XDG_STATE_HOME", canonical, 1);
    setenv("TERM", "xterm-256color", 0);
    setenv("LC_ALL", "C.UTF-8", 1);
    make_workspace(canonical);
    char *store_path = store_folder_for(canonical, "bench", &error);
    require(store_path != NULL, &error);
    struct store *store = store_open(store_path, STORE_OWNER, &error);
    require(store != NULL, &error);
    fill(store);
    char *lock_path = path_join(store_path, "berthd.lock"); /* held here: berth sees a berthd that serves */
    require(file_lock(&lock, lock_path, LOCK_TRY, &error), &error);

    const char *berth = getenv("BERTH");
    char *program = mem_strdup(berth ? berth : "src/berth"), *lines = write_lines(canonical);
    char view[] = "--view", branches[] = "branches", environments[] = "environments", folder[] = "-C", less[] = "less";
    char *first[] = {program, folder, canonical, view, environments, NULL},
         *second[] = {program, folder, canonical, view, branches, NULL};
    char *peer[] = {less, lines, NULL};
    double ours = measure("berth, environments (1,000)", first, "change-10", true);
    double list = measure("berth, branches (100,000)", second, "change-10", true);
    double theirs = measure("less, a file of 100,000 lines", peer, "change-10", false);
    if (theirs > 0 && ours > 0)
        printf("berth against less: %.1f; limit %.0f ms\n", (ours > list ? ours : list) / theirs, LIMIT_MS);
    bool missed = ours > LIMIT_MS || list > LIMIT_MS, noisy = is_noisy();
    if (missed)
        printf("the limit is missed%s\n",
               noisy ? ", but the machine is busy: noisy, measure again on an idle one" : "");
    file_unlock(&lock);
    store_close(store);
    measure_remove(root);
    free(canonical);
    free(store_path);
    free(lock_path);
    free(program);
    free(lines);
    return ours < 0 || list < 0 || (missed && !noisy);
}
