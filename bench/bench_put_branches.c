/* SPDX-License-Identifier: ISC */
/*
 * The store's half of a first listing: 100,000 branches put by an owner in batches of a few milliseconds, put again unchanged, ten of
 * them changed; then what the dashboard reads: the newest 50, and all of them with the columns of its table.
 */
#include "berth/base/file.h"
#include "berth/base/hash.h"
#include "berth/base/memory.h"
#include "berth/base/time.h"
#include "berth/model/environment.h"
#include "berth/model/ledger.h"
#include "berth/store.h"
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>

#define BRANCHES 100000
#define BATCH_US 5000
#define SCAN_LIMIT 65000 /* us, the page's promise for all rows in memory */

static void fill_branch(struct arena *arena, int64_t number, struct branch *branch)
{
    char hex[HASH_HEX_SIZE];
    hash_sha256(&number, sizeof number, hex);
    *branch = (struct branch){
        .id = arena_printf(arena, "app:feature/team-%d/change-%.6s-%d", (int)(number % 40), hex, (int)number),
        .repository = "app",
        .name = arena_printf(arena, "feature/team-%d/change-%.6s-%d", (int)(number % 40), hex, (int)number),
        .commit = arena_strndup(arena, hex, 40),
        .subject = arena_printf(arena, "Change the %.8s of the %.8s so that it holds", hex + 8, hex + 20),
        .author = arena_printf(arena, "Person %d", (int)(number % 500)),
        .author_email = arena_printf(arena, "person%d@example.org", (int)(number % 500)),
        .committed_at = INT64_C(1700000000000) + (int64_t)strtoul(arena_strndup(arena, hex + 30, 7), NULL, 16),
        .pushed_at = INT64_C(1700000000000),
        .ahead = -1,
        .behind = -1,
    };
}

/* A listing comes in the order of names. */
static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct branch *)a)->id, ((const struct branch *)b)->id);
}

static void put_all(struct store *store, const struct branch *branches, struct samples *batches)
{
    struct error error = {0};
    size_t at = 0;
    while (at < BRANCHES) {
        int64_t start = time_monotonic_us();
        require(store_begin(store, STORE_RELAXED, &error), &error);
        do
            require(store_put(store, &branch_type, &branches[at++], &error), &error);
        while (at < BRANCHES && time_monotonic_us() - start < BATCH_US);
        require(store_commit(store, NULL, &error), &error);
        samples_add(batches, time_monotonic_us() - start);
    }
}

static bool touch(const void *row, void *context)
{
    const struct branch *branch = row;
    *(size_t *)context += strlen(branch->name) + strlen(branch->subject);
    return true;
}

static int64_t scan(struct store *store)
{
    static const char *const columns[] = {"id", "name", "commit", "subject", "author", "committed_at", "gone_at", NULL};
    struct store_query query = {.type = &branch_type, .columns = columns};
    struct error error = {0};
    size_t bytes = 0;
    int64_t start = time_monotonic_us();
    require(store_each(store, &query, touch, &bytes, &error), &error);
    return time_monotonic_us() - start;
}

static int64_t first_page(struct store *store)
{
    struct store_query query = {
        .type = &branch_type, .index = "repository", .equal = {"app"}, .descending = true, .limit = 50};
    struct error error = {0};
    size_t bytes = 0;
    int64_t start = time_monotonic_us();
    require(store_each(store, &query, touch, &bytes, &error), &error);
    return time_monotonic_us() - start;
}

int main(void)
{
    struct error error = {0};
    char *folder = measure_folder();
    struct store *owner = store_open(folder, STORE_OWNER, &error);
    require(owner != NULL, &error);
    struct arena arena = {0};
    struct branch *branches = mem_alloc(BRANCHES * sizeof *branches);
    for (int64_t i = 0; i < BRANCHES; i++)
        fill_branch(&arena, i, &branches[i]);
    qsort(branches, BRANCHES, sizeof *branches, by_id);

    struct samples batches = {0};
    int64_t start = time_monotonic_us();
    put_all(owner, branches, &batches);
    int64_t first = time_monotonic_us() - start;
    samples_sort(&batches);
    printf("put %d new branches: %.0f ms in %zu batches (p50 %.1f ms, p99 %.1f ms, longest %.1f ms)\n", BRANCHES,
           (double)first / 1e3, batches.count, samples_ms(&batches, 50), samples_ms(&batches, 99),
           samples_ms(&batches, 100));

    struct samples again = {0};
    start = time_monotonic_us();
    put_all(owner, branches, &again);
    printf("put them again unchanged: %.0f ms\n", (double)(time_monotonic_us() - start) / 1e3);

    start = time_monotonic_us();
    require(store_begin(owner, STORE_RELAXED, &error), &error);
    for (size_t i = 0; i < 10; i++) {
        branches[i * 9973].commit = "0123456789012345678901234567890123456789";
        require(store_put(owner, &branch_type, &branches[i * 9973], &error), &error);
    }
    require(store_commit(owner, NULL, &error), &error);
    printf("put 10 changed ones: %.2f ms\n", (double)(time_monotonic_us() - start) / 1e3);

    struct store *reader = store_open(folder, STORE_READER, &error);
    require(reader != NULL, &error);
    int64_t page = first_page(reader), cold = scan(reader), best = cold;
    for (int i = 0; i < 5; i++) {
        int64_t took = scan(reader);
        best = took < best ? took : best;
    }
    printf("read: newest 50 in %.2f ms; all, 7 columns: first %.1f ms, best %.1f ms (limit %d ms)\n",
           (double)page / 1e3, (double)cold / 1e3, (double)best / 1e3, SCAN_LIMIT / 1000);
    store_close(reader);
    store_close(owner);
    samples_release(&batches);
    samples_release(&again);
    arena_release(&arena);
    free(branches);
    measure_remove(folder);
    return best > SCAN_LIMIT;
}
