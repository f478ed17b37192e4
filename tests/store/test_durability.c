/* SPDX-License-Identifier: ISC */
/*
 * Power cuts: what was durable when it was acknowledged is there, what was relaxed may be lost, and nothing is ever torn: the store
 * is found as after one of its commits.
 */
#include "berth/store.h"

#include "berth/base/file.h"
#include "berth/model/environment.h"
#include "berth/model/ledger.h"
#include "berth/model/run.h"
#include "fill.h"
#include "forget_vfs.h"
#include "ok.h"
#include "place.h"
#include "store/sqlite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define COMMITS 160
#define FAT_TEXT 60000 /* bytes a commit, so that the -wal is moved into the database more than once */

struct story {
    struct forget *forget;
    struct store *store;
    char *fat;
    int64_t commits, durable; /* made so far; the last that must not be lost */
};

/* Commit N puts two rows and counts: all of it or nothing may be found. */
static void commit_one(struct story *story, enum store_durability durability)
{
    char id[32];
    int64_t number;
    story->commits++;
    snprintf(id, sizeof id, "%lld", (long long)story->commits);
    struct run run = {.id = id, .number = story->commits, .wanted = story->fat};
    struct policy_row policy = {.id = id, .text = story->fat};
    struct audit entry = {.action = "commit", .run = id};
    OK(store_begin(story->store, durability, &error));
    OK(store_put(story->store, &run_type, &run, &error));
    OK(store_next(story->store, "commit", &number, &error));
    OK(store_put(story->store, &policy_type, &policy, &error));
    OK(store_audit(story->store, &entry, &error));
    OK(store_commit(story->store, NULL, &error));
    if (durability == STORE_DURABLE)
        story->durable = story->commits;
}

static bool count_rows(const void *row, void *context)
{
    (void)row;
    ++*(int64_t *)context;
    return true;
}

static void look_after_the_cut(const struct story *story, enum forget_rest rest, uint64_t seed)
{
    char *folder = place_make();
    forget_cut(story->forget, folder, rest, seed);
    struct error opened = {0};
    struct store *store = store_open(folder, STORE_OWNER, &opened);
    if (!store)
        fail_msg("after commit %lld: %s: %s", (long long)story->commits, opened.message, opened.detail);
    OK(store_verify(store, &error));
    static const char *const columns[] = {"number", NULL};
    struct store_query runs = {.type = &run_type, .columns = columns},
                       policies = {.type = &policy_type, .columns = (const char *const[]){"id", NULL}};
    int64_t run_count = 0, policy_count = 0, next, entries;
    OK(store_each(store, &runs, count_rows, &run_count, &error));
    OK(store_each(store, &policies, count_rows, &policy_count, &error));
    OK(store_verify_audit(store, &entries, &error));
    assert_int_equal(run_count, policy_count);
    assert_int_equal(run_count, entries);
    if (run_count < story->durable || run_count > story->commits)
        fail_msg("%lld commits are there, %lld were durable of %lld", (long long)run_count, (long long)story->durable,
                 (long long)story->commits);
    char id[32];
    snprintf(id, sizeof id, "%lld", (long long)run_count);
    struct arena arena = {0};
    struct run last;
    if (run_count > 0)
        assert_int_equal(store_get(store, &run_type, id, &arena, &last, NULL), STORE_FOUND);
    OK(store_begin(store, STORE_DURABLE, &error));
    OK(store_next(store, "commit", &next, &error));
    OK(store_commit(store, NULL, &error));
    assert_int_equal(next, run_count + 1);
    arena_release(&arena);
    store_close(store);
    place_remove(folder);
}

static void power_cut__loses_no_durable_commit_and_tears_none(void **state)
{
    (void)state;
    struct dice dice = {5};
    struct story story = {.forget = forget_new("forget"), .fat = mem_alloc(FAT_TEXT + 1)};
    memset(story.fat, 'x', FAT_TEXT);
    story.fat[0] = story.fat[FAT_TEXT - 1] = '"'; /* a JSON text */
    story.fat[FAT_TEXT] = '\0';
    char *folder = place_make();
    struct error opened = {0};
    struct sqlite_options options = {.vfs = "forget"};
    story.store = store_open_with(folder, STORE_OWNER, &options, &opened);
    assert_non_null(story.store);
    for (int i = 0; i < COMMITS; i++) {
        commit_one(&story, dice_roll(&dice, 3) ? STORE_RELAXED : STORE_DURABLE);
        if (dice_roll(&dice, 5) == 0) {
            look_after_the_cut(&story, FORGET_ALL, 0);
            look_after_the_cut(&story, FORGET_SOME, (uint64_t)i + 1);
        }
    }
    look_after_the_cut(&story, FORGET_ALL, 0);
    store_close(story.store);
    forget_free(story.forget);
    place_remove(folder);
    free(story.fat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(power_cut__loses_no_durable_commit_and_tears_none)};
    return cmocka_run_group_tests_name("durability", tests, NULL, NULL);
}
