/* SPDX-License-Identifier: ISC */
/*
 * The provider git alone: a listing of 100,000 packed branches, with `git for-each-ref --sort=-committerdate` and the same fields beside it; and a
 * refresh after 10 of them moved. What berthd makes of it in the store is judged by bench_daemon. Prints medians; non-zero when
 * the refresh takes too long.
 */
#include "berth/base/file.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/provider.h"
#include "measure.h"
#include "repository.h"

#include <stdio.h>
#include <stdlib.h>

#define MOVED 10
#define ROUNDS 5
#define REFRESH_LIMIT_MS 100.0

/* --- our side ------------------------------------------------------------------------------------------------- */

struct listing {
    struct map *known; /* NULL: what was seen is not kept */
    size_t rows, changed;
};

static bool take(const struct branch *branch, void *owner)
{
    struct listing *listing = owner;
    listing->rows++;
    if (!branch->subject)
        return true;
    listing->changed++;
    if (listing->known)
        free(map_set(listing->known, branch->name, mem_strdup(branch->commit)));
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
    int64_t took_us = time_monotonic_us() - began_us;
    arena_release(&arena);
    if (!complete || listing->rows != REPOSITORY_BRANCHES) {
        fprintf(stderr, "%zu of %d branches were listed\n", listing->rows, REPOSITORY_BRANCHES);
        exit(1);
    }
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
    struct samples theirs = {0}, alone = {0}, again = {0};
    repository_make();
    repository_peer();
    for (int round = 0; round < ROUNDS; round++) {
        struct map known = {0};
        struct listing first = {.known = &known};
        samples_add(&theirs, repository_peer());
        samples_add(&alone, list(&first, NULL));
        samples_add(&again, refresh(&known));
        release(&known);
    }
    repository_pack();
    samples_sort(&theirs);
    samples_sort(&alone);
    samples_sort(&again);
    double peer_ms = samples_ms(&theirs, 50), alone_ms = samples_ms(&alone, 50), again_ms = samples_ms(&again, 50);
    printf("git for-each-ref of %d branches      %8.1f ms\n", REPOSITORY_BRANCHES, peer_ms);
    printf("listing by the provider alone          %8.1f ms  %.2f times\n", alone_ms, alone_ms / peer_ms);
    printf("refresh with %d moved                  %8.1f ms  (limit %.0f ms)\n", MOVED, again_ms, REFRESH_LIMIT_MS);
    if (again_ms > REFRESH_LIMIT_MS)
        printf("MISSED\n");
    return again_ms > REFRESH_LIMIT_MS;
}
