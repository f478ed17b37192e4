/* SPDX-License-Identifier: ISC */
/*
 * The first listing of 100,000 packed branches into the store, against `git for-each-ref --sort=-committerdate` with the same fields in the same run; and a
 * refresh after 10 of them moved. The repository is made once by git fast-import and kept beside the benchmark. Prints medians and ratios;
 * non-zero when one is missed, unless the peer's own runs differ too much to say anything.
 */
#include "berth/base/file.h"
#include "berth/base/process.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/provider.h"
#include "berth/store.h"
#include "measure.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BRANCHES 100000
#define MOVED 10
#define ROUNDS 5
#define BATCH_US 5000 /* of one transaction, as the supervisor cuts them */
#define RATIO_LIMIT 1.5
#define REFRESH_LIMIT_MS 100.0
#define NOISY 2.0
#define REPOSITORY "bench-git-list.git"

static const char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin",
                                          "HOME=/nonexistent",
                                          "GIT_CONFIG_GLOBAL=/dev/null",
                                          "GIT_CONFIG_NOSYSTEM=1",
                                          "GIT_AUTHOR_NAME=A",
                                          "GIT_AUTHOR_EMAIL=a@example.org",
                                          "GIT_COMMITTER_NAME=A",
                                          "GIT_COMMITTER_EMAIL=a@example.org",
                                          NULL};

/* Runs git to its end, its input from a descriptor (-1 none), what it says read and counted. */
static size_t run_git(const char *const *argv, int input)
{
    char buffer[65536];
    struct error error = {0};
    struct process process;
    size_t total = 0;
    int ends[2], status = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    struct process_spec spec = {
        .argv = argv, .environment = environment, .input_fd = input, .output_fd = ends[1], .error_fd = STDERR_FILENO};
    require(process_start(&spec, &process, &error), &error);
    close(ends[1]);
    for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;)
        total += (size_t)got;
    close(ends[0]);
    require(process_wait(&process, &status, &error), &error);
    process_release(&process);
    if (status != 0) {
        fprintf(stderr, "git %s failed\n", argv[3]);
        exit(1);
    }
    return total;
}

/* --- the repository ------------------------------------------------------------------------------------------- */

#define NAME_SIZE 96

static const char *ref_name(char name[NAME_SIZE], int number)
{
    (void)snprintf(name, NAME_SIZE, "refs/heads/feature/team-%d/change-%06llx-%d", number % 40,
                   number * 104729LL % 0xffffff, number);
    return name;
}

static void write_stream(FILE *out)
{
    char name[NAME_SIZE];
    fprintf(out,
            "commit refs/heads/main\nmark :1\ncommitter Main <main@example.org> 1600000000 +0000\ndata 5\nfirst\n");
    fprintf(out, "M 100644 inline readme\ndata 6\nhello\n\n");
    for (int i = 0; i < BRANCHES - 1; i++) {
        char message[200];
        int length =
            snprintf(message, sizeof message, "Change the part %d so that it holds\n\nBecause of what %d said.\n",
                     (int)(i * 7919LL % 10007), i);
        fprintf(out, "commit %s\n", ref_name(name, i));
        fprintf(out, "author Person %d <person%d@example.org> %d +0000\n", i % 500, i % 500, 1650000000 + i);
        fprintf(out, "committer Person %d <person%d@example.org> %d +0000\n", i % 300, i % 300,
                1650000000 + (int)(i * 7919LL % 9999991));
        fprintf(out, "data %d\n%sfrom :1\n\n", length, message);
    }
}

static void make_repository(void)
{
    static const char stream[] = "bench-git-list.stream";
    const char *const init[] = {"git", "init", "-q", "--bare", REPOSITORY ".new", NULL};
    const char *const head[] = {"git", "--git-dir", REPOSITORY ".new", "symbolic-ref", "HEAD", "refs/heads/main", NULL};
    const char *const import[] = {"git", "--git-dir", REPOSITORY ".new", "fast-import", "--quiet", NULL};
    const char *const pack[] = {"git", "--git-dir", REPOSITORY ".new", "pack-refs", "--all", NULL};
    struct error error = {0};
    if (folder_exists(REPOSITORY))
        return;
    require(folder_remove(REPOSITORY ".new", &error), &error);
    run_git(init, -1);
    run_git(head, -1);
    FILE *out = fopen(stream, "we");
    if (!out)
        abort();
    write_stream(out);
    fclose(out);
    int input = open(stream, O_RDONLY | O_CLOEXEC);
    run_git(import, input);
    close(input);
    unlink(stream);
    run_git(pack, -1);
    if (rename(REPOSITORY ".new", REPOSITORY) != 0)
        abort();
}

/* --- our side ------------------------------------------------------------------------------------------------- */

struct listing {
    struct store *store; /* NULL: the listing alone */
    struct map *known;
    size_t rows, changed;
    int64_t batch_us; /* when the transaction began, 0: none is open */
};

static void end_batch(struct listing *listing)
{
    struct error error = {0};
    if (listing->batch_us > 0)
        require(store_commit(listing->store, NULL, &error), &error);
    listing->batch_us = 0;
}

static bool take(const struct branch *branch, void *owner)
{
    struct listing *listing = owner;
    struct error error = {0};
    listing->rows++;
    if (!branch->subject)
        return true;
    listing->changed++;
    if (listing->known)
        free(map_set(listing->known, branch->name, mem_strdup(branch->commit)));
    if (!listing->store)
        return true;
    if (listing->batch_us == 0) {
        require(store_begin(listing->store, STORE_RELAXED, &error), &error);
        listing->batch_us = time_monotonic_us();
    }
    require(store_put(listing->store, &branch_type, branch, &error), &error);
    if (time_monotonic_us() - listing->batch_us > BATCH_US)
        end_batch(listing);
    return true;
}

/* Lists; how long it took. */
static int64_t list(struct listing *listing, const struct map *known)
{
    static const struct node key = {.kind = NODE_TEXT, .text = "url"};
    struct node url = {.kind = NODE_TEXT, .text = REPOSITORY};
    struct node_pair pair = {.key = (struct node *)(uintptr_t)&key, .value = &url};
    const struct node map = {.kind = NODE_MAP, .pairs = &pair, .count = 1};
    const struct config_section section = {.name = "app", .provider = "git", .node = &map};
    const struct provider_context context = {
        .section = &section, .store_folder = "", .run_folder = "", .token = "", .stop_fd = -1, .log_fd = -1};
    struct arena arena = {0};
    struct error error = {0};
    const char *default_branch;
    bool complete;
    int64_t began_us = time_monotonic_us();
    require(provider_call_list(provider_named("git"), &context, "app", known, take, listing, &complete, &default_branch,
                               &arena, &error),
            &error);
    end_batch(listing);
    int64_t took_us = time_monotonic_us() - began_us;
    arena_release(&arena);
    if (!complete || listing->rows != BRANCHES) {
        fprintf(stderr, "%zu of %d branches were listed\n", listing->rows, BRANCHES);
        exit(1);
    }
    return took_us;
}

static int64_t list_into_store(struct map *known)
{
    struct error error = {0};
    char *folder = measure_folder();
    struct listing listing = {.store = store_open(folder, STORE_OWNER, &error), .known = known};
    require(listing.store != NULL, &error);
    int64_t took_us = list(&listing, NULL);
    store_close(listing.store);
    measure_remove(folder);
    return took_us;
}

/* Moves some branches to another commit, and sees them in a listing that knows the rest. */
static int64_t refresh(struct map *known)
{
    char name[NAME_SIZE], other[NAME_SIZE];
    struct listing listing = {.known = known};
    for (int i = 0; i < MOVED; i++) {
        ref_name(name, 1000 * i + 17);
        ref_name(other, 20000 + (int)((time_now_ms() / 10 + i * 101) % 70000)); /* another than in earlier runs */
        const char *const argv[] = {"git", "--git-dir", REPOSITORY, "update-ref", name, other, NULL};
        run_git(argv, -1);
    }
    int64_t took_us = list(&listing, known);
    if (listing.changed != MOVED) {
        fprintf(stderr, "%zu of %d moved branches were seen\n", listing.changed, MOVED);
        exit(1);
    }
    return took_us;
}

static void release(struct map *known)
{
    size_t at = 0;
    const char *name;
    void *commit;
    while (map_next(known, &at, &name, &commit))
        free(commit);
    map_release(known);
}

int main(void)
{
    const char *const peer[] = {
        "git",
        "--git-dir",
        REPOSITORY,
        "for-each-ref",
        "--sort=-committerdate",
        "--format=%(refname)%00%(objectname)%00%(subject)%00%(authorname)%00%(authoremail)%00%(committerdate:unix)",
        "refs/heads",
        NULL};
    struct samples theirs = {0}, alone = {0}, stored = {0}, again = {0};
    make_repository();
    run_git(peer, -1);
    for (int round = 0; round < ROUNDS; round++) {
        struct map known = {0};
        struct listing only = {.store = NULL};
        int64_t began_us = time_monotonic_us();
        run_git(peer, -1);
        samples_add(&theirs, time_monotonic_us() - began_us);
        samples_add(&alone, list(&only, NULL));
        samples_add(&stored, list_into_store(&known));
        samples_add(&again, refresh(&known));
        release(&known);
    }
    const char *const pack[] = {"git", "--git-dir", REPOSITORY, "pack-refs", "--all", NULL};
    run_git(pack, -1);
    samples_sort(&theirs);
    samples_sort(&alone);
    samples_sort(&stored);
    samples_sort(&again);
    double peer_ms = samples_ms(&theirs, 50), stored_ms = samples_ms(&stored, 50), again_ms = samples_ms(&again, 50);
    bool noisy = samples_ms(&theirs, 100) > NOISY * samples_ms(&theirs, 0);
    bool missed = stored_ms > RATIO_LIMIT * peer_ms || again_ms > REFRESH_LIMIT_MS;
    printf("git for-each-ref of %d branches      %8.1f ms\n", BRANCHES, peer_ms);
    printf("listing alone                          %8.1f ms  %.2f times\n", samples_ms(&alone, 50),
           samples_ms(&alone, 50) / peer_ms);
    printf("first listing into the store           %8.1f ms  %.2f times (limit %.1f)\n", stored_ms, stored_ms / peer_ms,
           RATIO_LIMIT);
    printf("refresh with %d moved                  %8.1f ms  (limit %.0f ms)\n", MOVED, again_ms, REFRESH_LIMIT_MS);
    if (missed)
        printf("%s\n", noisy ? "missed, but the run was noisy: git's own runs differ by more than twice" : "MISSED");
    return missed && !noisy;
}
