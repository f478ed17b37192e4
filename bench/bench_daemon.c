/* SPDX-License-Identifier: ISC */
/*
 * The real berthd over 100,000 branches and 1,000 environments: its first listing against git for-each-ref in the same run, how long commands
 * wait meanwhile, a refresh after 10 branches moved, commands while nothing else happens, and the memory of all its processes at the end.
 */
#include "berth/base/file.h"
#include "berth/base/process.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/model/environment.h"
#include "berth/model/ledger.h"
#include "berth/store.h"
#include "measure.h"
#include "repository.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ENVIRONMENTS 1000
#define LISTINGS 5
#define REFRESHES 7
#define COMMANDS 200
#define MOVED 10
#define PATIENCE_MS 120000
#define LOOK_AGAIN_MS 100
#define COMMAND_EVERY_MS 20
#define SETTLED_MS 1500

#define LISTING_RATIO 1.5
#define LISTING_COMMAND_MS 50.0
#define REFRESH_MS 100.0
#define COMMAND_P50_MS 2.0
#define COMMAND_P99_MS 5.0
#define MEMORY_MB 80.0
#define NOISY 2.0
#define NOISE 5.0 /* p99 of the syncs over their p50 */

struct bench {
    char *folder, *store_folder, *repository;
    struct process daemon;
    struct store *store;
    size_t asked;
};

/* --- berthd ------------------------------------------------------------------------------------------------------ */

static void put_environments(struct bench *bench)
{
    struct error error = {0};
    struct arena arena = {0};
    struct store *store = store_open(bench->store_folder, STORE_OWNER, &error);
    require(store && store_begin(store, STORE_RELAXED, &error), &error);
    for (int i = 0; i < ENVIRONMENTS; i++) {
        struct environment row = {.id = arena_printf(&arena, "E%04d", i),
                                  .name = arena_printf(&arena, "review/change-%d", i),
                                  .slug = arena_printf(&arena, "review-change-%d", i),
                                  .tier = TIER_REVIEW,
                                  .entry = "review/${{ branch.slug }}",
                                  .repository = "app",
                                  .branch = arena_printf(&arena, "feature/change-%d", i),
                                  .status = ENVIRONMENT_OK,
                                  .created_at = time_now_ms(),
                                  .deployed_at = time_now_ms()};
        require(store_put(store, &environment_type, &row, &error), &error);
    }
    require(store_commit(store, NULL, &error), &error);
    store_close(store);
    arena_release(&arena);
}

static void start(struct bench *bench)
{
    struct error error = {0};
    const char *program = getenv("BERTHD") ? getenv("BERTHD") : "src/berthd";
    const char *argv[] = {program,           "--store",     bench->store_folder,  "--repository",
                          bench->repository, "--workspace", REPOSITORY_WORKSPACE, NULL};
    struct process_spec spec = {
        .argv = argv, .input_fd = -1, .output_fd = -1, .error_fd = -1, .flags = PROCESS_NEW_SESSION};
    require(process_start(&spec, &bench->daemon, &error), &error);
    bench->store = store_open(bench->store_folder, STORE_CLIENT, &error);
    require(bench->store != NULL, &error);
}

static void stop(struct bench *bench)
{
    int status;
    struct error error = {0};
    process_signal(&bench->daemon, SIGTERM);
    require(process_wait(&bench->daemon, &status, &error), &error);
    process_release(&bench->daemon);
    store_close(bench->store);
    measure_remove(bench->folder);
    free(bench->store_folder);
    free(bench->repository);
}

static void open_bench(struct bench *bench)
{
    struct error error = {0};
    *bench = (struct bench){.folder = measure_folder(), .repository = path_canonical(REPOSITORY_PATH, &error)};
    char *folder = path_canonical(bench->folder, &error);
    bench->store_folder = path_join(folder, "store");
    free(folder);
    put_environments(bench);
}

/* Waits for the bell until `holds`. */
static void wait_until(struct bench *bench, bool (*holds)(struct bench *bench, void *context), void *context,
                       int64_t limit_ms)
{
    int64_t until = time_monotonic_ms() + limit_ms;
    for (int64_t now; !holds(bench, context) && (now = time_monotonic_ms()) < until;) {
        struct pollfd bell = {.fd = store_bell(bench->store), .events = POLLIN};
        (void)poll(&bell, 1, until - now < LOOK_AGAIN_MS ? (int)(until - now) : LOOK_AGAIN_MS);
        (void)store_changed(bench->store);
    }
}

/* --- what is waited for -------------------------------------------------------------------------------------------- */

static bool found(struct bench *bench, const struct record_type *type, const char *id, struct arena *arena, void *row)
{
    return store_get(bench->store, type, id, arena, row, NULL) == STORE_FOUND;
}

static bool has_policy(struct bench *bench, void *context)
{
    struct arena arena = {0};
    struct policy_row row;
    bool has = found(bench, &policy_type, "berth.yaml", &arena, &row) && !text_empty(row.text);
    (void)context;
    arena_release(&arena);
    return has;
}

static bool is_listed(struct bench *bench, void *context)
{
    struct arena arena = {0};
    struct repository row;
    bool listed = found(bench, &repository_type, "app", &arena, &row) && row.listed;
    (void)context;
    arena_release(&arena);
    return listed;
}

static bool is_answered(struct bench *bench, void *context)
{
    struct arena arena = {0};
    struct command row;
    bool answered = found(bench, &command_type, context, &arena, &row) && row.status != COMMAND_WAITING;
    arena_release(&arena);
    return answered;
}

static int64_t ask(struct bench *bench)
{
    struct error error = {0};
    struct arena arena = {0};
    size_t number = bench->asked++;
    struct command command = {.verb = number % 2 ? "unhold" : "hold",
                              .actor = arena_printf(&arena, "uid:%d", (int)getuid()),
                              .via = "cli",
                              .subject = arena_printf(&arena, "review/change-%zu", number / 2 % ENVIRONMENTS),
                              .arguments = "{}"};
    int64_t began = time_monotonic_us();
    require(store_submit(bench->store, &command, &arena, &error), &error);
    wait_until(bench, is_answered, (void *)(uintptr_t)command.id, PATIENCE_MS);
    int64_t took = time_monotonic_us() - began;
    arena_release(&arena);
    return took;
}

/* --- the parts ------------------------------------------------------------------------------------------------------- */

/* From the start of the process to the row that says that all is listed. */
static int64_t first_listing(struct bench *bench)
{
    int64_t began = time_monotonic_us();
    start(bench);
    wait_until(bench, is_listed, NULL, PATIENCE_MS);
    return time_monotonic_us() - began;
}

/* The same with commands meanwhile, one after the other: how long each waits. */
static void ask_while_listing(struct bench *bench, struct samples *commands)
{
    start(bench);
    wait_until(bench, has_policy, NULL, PATIENCE_MS);
    while (!is_listed(bench, NULL)) {
        int64_t took = ask(bench);
        if (!is_listed(bench, NULL))
            samples_add(commands, took);
        wait_until(bench, is_listed, NULL, COMMAND_EVERY_MS);
    }
}

struct moved {
    struct arena arena;
    const char *ids[MOVED], *commits[MOVED];
};

static bool all_moved(struct bench *bench, void *context)
{
    struct moved *moved = context;
    struct arena arena = {0};
    bool all = true;
    for (size_t i = 0; i < MOVED && all; i++) {
        struct branch row;
        all = found(bench, &branch_type, moved->ids[i], &arena, &row) && !text_equal(row.commit, moved->commits[i]);
    }
    arena_release(&arena);
    return all;
}

/* From the end of git's update of the refs to the changed rows. */
static int64_t refresh(struct bench *bench)
{
    struct moved moved = {0};
    for (int i = 0; i < MOVED; i++) {
        char name[REPOSITORY_NAME_SIZE];
        struct branch row;
        moved.ids[i] =
            arena_printf(&moved.arena, "app:%s", repository_ref(name, repository_moved(i)) + strlen("refs/heads/"));
        bool there = found(bench, &branch_type, moved.ids[i], &moved.arena, &row);
        BUG_ON(!there);
        moved.commits[i] = row.commit;
    }
    repository_move(MOVED);
    int64_t began = time_monotonic_us();
    wait_until(bench, all_moved, &moved, PATIENCE_MS);
    int64_t took = time_monotonic_us() - began;
    arena_release(&moved.arena);
    return took;
}

static int64_t pss_kb(pid_t pid)
{
    struct str text = STR_INIT;
    int64_t kb = 0;
    char *path = path_printf("/proc/%ld/smaps_rollup", (long)pid);
    const char *line = file_read(path, 65536, &text, NULL) ? strstr(text.data, "\nPss:") : NULL;
    if (line)
        kb = strtoll(line + strlen("\nPss:"), NULL, 10);
    free(path);
    str_release(&text);
    return kb;
}

struct memory {
    struct bench *bench;
    int64_t kb;
};

static void add_process(struct memory *memory, pid_t pid, const struct str *command_line)
{
    int64_t kb = pss_kb(pid);
    const char *kind = memmem(command_line->data, command_line->length, "--child", sizeof "--child");
    memory->kb += kb;
    printf("    %-20s %6.1f MB\n", kind ? kind + sizeof "--child" : "supervisor", (double)kb / 1024);
}

/* berthd and its children: every process that names the store. */
static double memory_mb(struct bench *bench)
{
    struct memory memory = {.bench = bench};
    struct folder_list list;
    struct error error = {0};
    require(folder_list("/proc", &list, &error), &error);
    for (size_t i = 0; i < list.count; i++) {
        struct str text = STR_INIT;
        long long pid;
        char *path = path_printf("/proc/%s/cmdline", list.names[i]);
        if (text_to_int(list.names[i], &pid) && pid != getpid() && file_read(path, 65536, &text, NULL) &&
            memmem(text.data, text.length, bench->store_folder, strlen(bench->store_folder) + 1))
            add_process(&memory, (pid_t)pid, &text);
        free(path);
        str_release(&text);
    }
    folder_list_free(&list);
    return (double)memory.kb / 1024;
}

/* --- the verdicts ------------------------------------------------------------------------------------------------------ */

static bool says(bool missed, bool noisy)
{
    printf("%s\n", !missed ? "" : noisy ? "  missed, but the run was noisy: no verdict" : "  MISSED");
    return missed && !noisy;
}

static bool report_listing(struct samples *peers, struct samples *listings, struct samples *commands)
{
    samples_sort(peers);
    samples_sort(listings);
    samples_sort(commands);
    bool noisy = samples_ms(peers, 100) > NOISY * samples_ms(peers, 0);
    double ratio = samples_ms(listings, 50) / samples_ms(peers, 50), longest = samples_ms(commands, 100);
    printf("first listing of %d branches: %.0f ms; git for-each-ref %.0f ms; %.2f times (limit %.1f)",
           REPOSITORY_BRANCHES, samples_ms(listings, 50), samples_ms(peers, 50), ratio, LISTING_RATIO);
    bool missed = says(ratio > LISTING_RATIO, noisy);
    printf("commands meanwhile: %zu, p50 %.1f ms, longest %.1f ms (limit %.0f ms)", commands->count,
           samples_ms(commands, 50), longest, LISTING_COMMAND_MS);
    return says(longest > LISTING_COMMAND_MS || commands->count == 0, noisy) || missed;
}

static bool report_refresh(struct bench *bench, bool noisy)
{
    struct samples samples = {0};
    for (int i = 0; i < REFRESHES; i++)
        samples_add(&samples, refresh(bench));
    samples_sort(&samples);
    double p50 = samples_ms(&samples, 50);
    printf("refresh after %d branches moved: p50 %.1f ms, longest %.1f ms (limit %.0f ms)", MOVED, p50,
           samples_ms(&samples, 100), REFRESH_MS);
    samples_release(&samples);
    return says(p50 > REFRESH_MS, noisy);
}

static bool report_commands(struct bench *bench)
{
    struct samples rounds = {0}, syncs = {0};
    for (int i = 0; i < COMMANDS; i++) {
        samples_add(&rounds, ask(bench));
        if (i % 10 == 0)
            measure_sync(bench->folder, 4, &syncs);
    }
    samples_sort(&rounds);
    samples_sort(&syncs);
    double sync50 = 2 * samples_ms(&syncs, 50), sync99 = 2 * samples_ms(&syncs, 99);
    double p50 = samples_ms(&rounds, 50), p99 = samples_ms(&rounds, 99);
    printf("command inserted, accepted, seen: p50 %.2f ms, p99 %.2f ms; two syncs of this disk %.2f and %.2f ms; "
           "beside them %.2f and %.2f ms (limits %.0f and %.0f)",
           p50, p99, sync50, sync99, p50 - sync50, p99 - sync99, COMMAND_P50_MS, COMMAND_P99_MS);
    samples_release(&rounds);
    samples_release(&syncs);
    return says(p50 - sync50 > COMMAND_P50_MS || p99 - sync99 > COMMAND_P99_MS, sync99 > NOISE * sync50);
}

static bool report_memory(struct bench *bench)
{
    (void)poll(NULL, 0, SETTLED_MS);
    printf("memory (PSS) with %d branches and %d environments:\n", REPOSITORY_BRANCHES, ENVIRONMENTS);
    double mb = memory_mb(bench);
    printf("    together             %6.1f MB (limit %.0f MB)", mb, MEMORY_MB);
    return says(mb > MEMORY_MB, false);
}

int main(void)
{
    struct bench bench;
    struct samples peers = {0}, listings = {0}, commands = {0};
    repository_make();
    repository_pack();
    repository_peer();
    for (int i = 0; i < LISTINGS; i++) {
        samples_add(&peers, repository_peer());
        open_bench(&bench);
        samples_add(&listings, first_listing(&bench));
        stop(&bench);
    }
    open_bench(&bench);
    ask_while_listing(&bench, &commands);
    bool missed = report_listing(&peers, &listings, &commands);
    missed = report_memory(&bench) || missed;
    missed = report_refresh(&bench, samples_ms(&peers, 100) > NOISY * samples_ms(&peers, 0)) || missed;
    missed = report_commands(&bench) || missed;
    stop(&bench);
    repository_pack();
    samples_release(&peers);
    samples_release(&listings);
    samples_release(&commands);
    return missed;
}
