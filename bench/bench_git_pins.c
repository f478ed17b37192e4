/* SPDX-License-Identifier: ISC */
/*
 * A mirror with 10,000 pins: how long the keeper's list of them takes, beside `git for-each-ref` of the same; what a pin more and a release cost then. Prints
 * medians; non-zero when the list takes too long.
 */
#include "berth/base/file.h"
#include "berth/base/process.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/provider.h"
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>

#define PINS 10000
#define ROUNDS 9
#define LIST_LIMIT_MS 500.0

struct bench {
    char *folder, *repository, *mirror;
    struct provider_context context;
    char commit[41];
};

static void run(const char *folder, const char *const *argv, int output_fd)
{
    struct process_spec spec = {.argv = argv, .folder = folder, .input_fd = -1, .output_fd = output_fd, .error_fd = 2};
    struct process process;
    struct error error = {0};
    int status = 0;
    require(process_start(&spec, &process, &error) && process_wait(&process, &status, &error), &error);
    process_release(&process);
    if (status != 0) {
        fprintf(stderr, "%s %s failed\n", argv[0], argv[1]);
        exit(1);
    }
}

static void pin(struct bench *bench, int run)
{
    struct error error = {0};
    char *name = path_printf("runs/%d", run);
    require(provider_call_pin(provider_named("git"), &bench->context, "app", bench->commit, name, &error), &error);
    free(name);
}

static void unpin(struct bench *bench, int run)
{
    struct error error = {0};
    char *name = path_printf("runs/%d", run);
    require(provider_call_unpin(provider_named("git"), &bench->context, "app", name, &error), &error);
    free(name);
}

/* The first is pinned as berth does it; the other refs are files beside it. */
static void make_pins(struct bench *bench)
{
    struct error error = {0};
    char *line = path_printf("%s\n", bench->commit);
    pin(bench, 1);
    for (int i = 2; i <= PINS; i++) {
        char *path = path_printf("%s/refs/berth/pins/runs/%d", bench->mirror, i);
        require(file_replace(path, line, strlen(line), 0600, FILE_RELAXED, &error), &error);
        free(path);
    }
    free(line);
}

static void make(struct bench *bench)
{
    const char *const init[] = {"git", "init", "-q", "-b", "main", bench->repository, NULL};
    const char *const commit[] = {"git",    "-c", "user.name=A",   "-c",      "user.email=a@b",
                                  "commit", "-q", "--allow-empty", "-mfirst", NULL};
    struct error error = {0};
    struct str text = STR_INIT;
    char *head = path_printf("%s/.git/refs/heads/main", bench->repository);
    run(NULL, init, -1);
    run(bench->repository, commit, -1);
    require(file_read(head, 64, &text, &error), &error);
    text_copy(bench->commit, sizeof bench->commit, text.data);
    str_release(&text);
    free(head);
    make_pins(bench);
}

static bool count_pin(const char *name, const char *commit, void *owner)
{
    (void)name;
    (void)commit;
    ++*(int *)owner;
    return true;
}

static int64_t list(struct bench *bench)
{
    struct error error = {0};
    int count = 0;
    int64_t began_us = time_monotonic_us();
    require(provider_call_pins(provider_named("git"), &bench->context, "app", count_pin, &count, &error), &error);
    int64_t took_us = time_monotonic_us() - began_us;
    if (count != PINS) {
        fprintf(stderr, "%d of %d pins were listed\n", count, PINS);
        exit(1);
    }
    return took_us;
}

static int64_t list_by_git(struct bench *bench)
{
    const char *const argv[] = {"git", "for-each-ref", "--format=%(refname) %(objectname)", "refs/berth/pins", NULL};
    int64_t began_us = time_monotonic_us();
    run(bench->mirror, argv, -1);
    return time_monotonic_us() - began_us;
}

static int measure(struct bench *bench)
{
    struct samples ours = {0}, theirs = {0}, more = {0}, less = {0};
    for (int round = 0; round < ROUNDS; round++) {
        samples_add(&ours, list(bench));
        samples_add(&theirs, list_by_git(bench));
        int64_t began_us = time_monotonic_us();
        pin(bench, PINS + 1);
        samples_add(&more, time_monotonic_us() - began_us);
        began_us = time_monotonic_us();
        unpin(bench, PINS + 1);
        samples_add(&less, time_monotonic_us() - began_us);
    }
    struct samples *all[] = {&ours, &theirs, &more, &less};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        samples_sort(all[i]);
    double list_ms = samples_ms(&ours, 50);
    printf("list of %d pins                     %8.1f ms  (limit %.0f ms)\n", PINS, list_ms, LIST_LIMIT_MS);
    printf("git for-each-ref of the same           %8.1f ms\n", samples_ms(&theirs, 50));
    printf("a pin more, a release                  %8.1f ms, %.1f ms\n", samples_ms(&more, 50), samples_ms(&less, 50));
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        samples_release(all[i]);
    if (list_ms > LIST_LIMIT_MS)
        printf("MISSED\n");
    return list_ms > LIST_LIMIT_MS;
}

int main(void)
{
    struct bench bench = {.folder = measure_folder()};
    bench.repository = path_join(bench.folder, "app");
    bench.mirror = path_join(bench.folder, "mirrors/app.git");
    const struct node key = {.kind = NODE_TEXT, .text = "url"};
    struct node url = {.kind = NODE_TEXT, .text = bench.repository};
    struct node_pair pair = {.key = (struct node *)(uintptr_t)&key, .value = &url};
    const struct node map = {.kind = NODE_MAP, .pairs = &pair, .count = 1};
    const struct config_section section = {.name = "app", .provider = "git", .node = &map};
    bench.context = (struct provider_context){
        .section = &section, .store_folder = bench.folder, .run_folder = "", .token = "", .stop_fd = -1};
    make(&bench);
    int status = measure(&bench);
    measure_remove(bench.folder);
    free(bench.repository);
    free(bench.mirror);
    return status;
}
