/* SPDX-License-Identifier: ISC */
/*
 * The first listing of 100,000 packed branches into the store, against `git for-each-ref --sort=-committerdate` with the same fields in the same run; and a
 * refresh after 10 of them moved. Prints medians and ratios;
 * non-zero when one is missed, unless the peer's own runs differ too much to say anything.
 */
#include "berth/base/file.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/provider.h"
#include "berth/store.h"
#include "measure.h"
#include "repository.h"

#include <stdio.h>
#include <stdlib.h>

#define MOVED 10
#define ROUNDS 5
#define BATCH_US 5000 /* of one transaction, as the supervisor cuts them */
#define RATIO_LIMIT 1.5
#define REFRESH_LIMIT_MS 100.0
#define NOISY 2.0

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
    struct node url = {.kind = NODE_TEXT, .text = REPOSITORY_PATH};
    struct node_pair pair = {.key = (struct node *)(uintptr_t)&key, .value = &url};
    const struct node map = {.kind = NODE_MAP, .pairs = &pair, .count = 1};
    const struct config_section section = {.name = "app", .provider = "git", .node = &map};
    const struct provider_context context = {
        .section = &section, .store_folder = "", .run_folder = "", .token = "", .stop_fd = -1};
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
    if (!complete || listing->rows != REPOSITORY_BRANCHES) {
        fprintf(stderr, "%zu of %d branches were listed\n", listing->rows, REPOSITORY_BRANCHES);
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
    struct listing listing = {.known = known};
    repository_move(MOVED);
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
    struct samples theirs = {0}, alone = {0}, stored = {0}, again = {0};
    repository_make();
    repository_peer();
    for (int round = 0; round < ROUNDS; round++) {
        struct map known = {0};
        struct listing only = {.store = NULL};
        samples_add(&theirs, repository_peer());
        samples_add(&alone, list(&only, NULL));
        samples_add(&stored, list_into_store(&known));
        samples_add(&again, refresh(&known));
        release(&known);
    }
    repository_pack();
    samples_sort(&theirs);
    samples_sort(&alone);
    samples_sort(&stored);
    samples_sort(&again);
    double peer_ms = samples_ms(&theirs, 50), stored_ms = samples_ms(&stored, 50), again_ms = samples_ms(&again, 50);
    bool noisy = samples_ms(&theirs, 100) > NOISY * samples_ms(&theirs, 0);
    bool missed = stored_ms > RATIO_LIMIT * peer_ms || again_ms > REFRESH_LIMIT_MS;
    printf("git for-each-ref of %d branches      %8.1f ms\n", REPOSITORY_BRANCHES, peer_ms);
    printf("listing alone                          %8.1f ms  %.2f times\n", samples_ms(&alone, 50),
           samples_ms(&alone, 50) / peer_ms);
    printf("first listing into the store           %8.1f ms  %.2f times (limit %.1f)\n", stored_ms, stored_ms / peer_ms,
           RATIO_LIMIT);
    printf("refresh with %d moved                  %8.1f ms  (limit %.0f ms)\n", MOVED, again_ms, REFRESH_LIMIT_MS);
    if (missed)
        printf("%s\n", noisy ? "missed, but the run was noisy: git's own runs differ by more than twice" : "MISSED");
    return missed && !noisy;
}
