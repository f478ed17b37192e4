/* SPDX-License-Identifier: ISC */
/* Random operations: memory and sqlite give the same answers, and who follows the feed has what a full read gives. */
#include "berth/store.h"

#include "berth/base/hash.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/model/ledger.h"
#include "fill.h"
#include "ok.h"
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define STORES 2
#define ROUNDS 400

struct pair {
    struct store *stores[STORES];
    struct store_cursor followed[STORES];
    struct map replica; /* "table\nid" to its packed row as a C string in hex, of store 1 */
    struct dice dice;
    struct arena arena;
};

static const struct record_type *any_type(struct dice *dice)
{
    size_t count;
    const struct record_type *const *types = record_types(&count);
    const struct record_type *type;
    do
        type = types[dice_roll(dice, count)];
    while (type == &audit_type);
    return type;
}

/* One operation within the transactions of both; the answers must be the same. */
static void change_something(struct pair *pair)
{
    struct arena arena = {0};
    const struct record_type *type = any_type(&pair->dice);
    char id[16];
    snprintf(id, sizeof id, "id-%d", (int)dice_roll(&pair->dice, 12));
    void *row = arena_alloc(&arena, type->size);
    fill_row(&pair->dice, type, id, FILL_ANY_BYTES, &arena, row);
    uint64_t what = dice_roll(&pair->dice, 10);
    bool done[STORES];
    struct error errors[STORES] = {{0}};
    int64_t numbers[STORES] = {0};
    for (int i = 0; i < STORES; i++) {
        if (what < 5) {
            done[i] = store_put(pair->stores[i], type, row, &errors[i]);
        } else if (what < 8) {
            done[i] = store_remove(pair->stores[i], type, id, &errors[i]);
        } else if (what == 8) {
            done[i] = store_next(pair->stores[i], "run", &numbers[i], &errors[i]);
        } else {
            struct audit entry = {.action = "test", .at = 5, .target = id};
            done[i] = store_audit(pair->stores[i], &entry, &errors[i]);
        }
    }
    assert_int_equal(done[0], done[1]);
    assert_int_equal(errors[0].code, errors[1].code);
    assert_int_equal(numbers[0], numbers[1]);
    arena_release(&arena);
}

static void run_transaction(struct pair *pair)
{
    for (int i = 0; i < STORES; i++)
        OK(store_begin(pair->stores[i], STORE_RELAXED, &error));
    uint64_t count = dice_roll(&pair->dice, 6);
    for (uint64_t i = 0; i < count; i++)
        change_something(pair);
    bool keep = dice_roll(&pair->dice, 5) != 0;
    int64_t revisions[STORES] = {0};
    for (int i = 0; i < STORES; i++) {
        if (keep)
            OK(store_commit(pair->stores[i], &revisions[i], &error));
        else
            store_abandon(pair->stores[i]);
    }
    assert_int_equal(revisions[0], revisions[1]);
}

struct telling {
    const struct record_type *type;
    struct str *out;
};

static bool tell_row(const void *row, void *context)
{
    struct telling *telling = context;
    record_pack(telling->type, row, telling->out);
    return true;
}

static void ask_something(struct pair *pair)
{
    struct arena arena = {0};
    const struct record_type *type = any_type(&pair->dice);
    struct store_query query = {
        .type = type, .limit = dice_roll(&pair->dice, 5), .descending = dice_roll(&pair->dice, 2)};
    if (type->index_count > 0 && dice_roll(&pair->dice, 3)) {
        const struct record_index *index = &type->indexes[dice_roll(&pair->dice, type->index_count)];
        query.index = index->name;
        for (size_t i = 0; i < RECORD_INDEX_COLUMNS && index->columns[i] && dice_roll(&pair->dice, 2); i++) {
            void *sample = arena_alloc(&arena, type->size);
            const struct column *column = record_column(type, index->columns[i]);
            fill_cell(&pair->dice, column, FILL_ANY_BYTES, &arena, sample);
            if (column->type == COLUMN_ENUM)
                query.equal[i] = column->names[cell_number(column, sample)];
            else if (cell_is_text(column))
                query.equal[i] = cell_text(column, sample);
            else
                query.equal[i] = arena_printf(&arena, "%lld", (long long)cell_number(column, sample));
        }
    }
    if (dice_roll(&pair->dice, 3) == 0)
        query.after = arena_printf(&arena, "id-%d", (int)dice_roll(&pair->dice, 12));
    if (dice_roll(&pair->dice, 4) == 0)
        query.since = (int64_t)dice_roll(&pair->dice, 100);
    struct str out[STORES] = {STR_INIT, STR_INIT};
    bool done[STORES], counted[STORES];
    int64_t counts[STORES] = {0};
    for (int i = 0; i < STORES; i++) {
        struct telling telling = {.type = type, .out = &out[i]};
        done[i] = store_each(pair->stores[i], &query, tell_row, &telling, NULL);
        counted[i] = store_count(pair->stores[i], &query, &counts[i], NULL);
    }
    assert_int_equal(done[0], done[1]);
    assert_int_equal(counted[0], done[0]);
    assert_int_equal(counted[1], done[0]);
    assert_int_equal(counts[0], counts[1]);
    assert_int_equal(out[0].length, out[1].length);
    assert_memory_equal(out[0].data, out[1].data, out[0].length);
    str_release(&out[0]);
    str_release(&out[1]);
    arena_release(&arena);
}

/* --- following ---------------------------------------------------------------------------------------------------- */

static const char *replica_key(struct pair *pair, const struct record_type *type, const char *id)
{
    return arena_printf(&pair->arena, "%s\n%s", type->name, id);
}

static char *row_hash(struct pair *pair, const struct record_type *type, const void *row)
{
    struct str bytes = STR_INIT;
    char hex[HASH_HEX_SIZE];
    record_pack(type, row, &bytes);
    hash_sha256(bytes.data, bytes.length, hex);
    str_release(&bytes);
    return arena_strdup(&pair->arena, hex);
}

static bool apply(const struct feed_change *change, void *context)
{
    struct pair *pair = context;
    const char *key = replica_key(pair, change->type, change->id);
    if (change->kind == FEED_REMOVED)
        map_remove(&pair->replica, key);
    else
        map_set(&pair->replica, key, row_hash(pair, change->type, change->row));
    return true;
}

struct check {
    struct pair *pair;
    const struct record_type *type;
    size_t rows;
};

static bool check_row(const void *row, void *context)
{
    struct check *check = context;
    const char *key = replica_key(check->pair, check->type, record_id(row));
    const char *have = map_get(&check->pair->replica, key);
    assert_non_null(have);
    assert_string_equal(have, row_hash(check->pair, check->type, row));
    check->rows++;
    return true;
}

/* Quiet columns may be older in a replica: they are zeroed on both sides by not being random here. */
static void follow_and_compare(struct pair *pair)
{
    struct store *store = pair->stores[1];
    OK(feed_since(store, &pair->followed[1], apply, pair, &error));
    size_t count, rows = 0;
    const struct record_type *const *types = record_types(&count);
    for (size_t i = 0; i < count; i++) {
        bool quiet = false;
        for (size_t c = 0; c < types[i]->column_count; c++)
            quiet |= (types[i]->columns[c].flags & COLUMN_QUIET) != 0;
        struct check check = {.pair = pair, .type = types[i]};
        struct store_query query = {.type = types[i]};
        int64_t there;
        OK(store_count(store, &query, &there, &error));
        rows += (size_t)there;
        if (!quiet)
            OK(store_each(store, &query, check_row, &check, &error));
    }
    assert_int_equal(rows, pair->replica.count);
}

static bool tell_change(const struct feed_change *change, void *context)
{
    struct str *out = context;
    str_addf(out, "%d %s %s %lld\n", change->kind, change->type->name, change->id, (long long)change->revision);
    if (change->row)
        record_pack(change->type, change->row, out);
    return true;
}

static void compare_feeds(struct pair *pair)
{
    struct str out[STORES] = {STR_INIT, STR_INIT};
    int64_t since = (int64_t)dice_roll(&pair->dice, 60);
    bool done[STORES]; /* false: both have forgotten too much */
    for (int i = 0; i < STORES; i++) {
        struct store_cursor cursor;
        OK(store_cursor(pair->stores[i], &cursor, &error));
        cursor.revision = cursor.revision > since ? cursor.revision - since : 1;
        done[i] = feed_since(pair->stores[i], &cursor, tell_change, &out[i], NULL);
    }
    assert_int_equal(done[0], done[1]);
    assert_int_equal(out[0].length, out[1].length);
    assert_memory_equal(out[0].data, out[1].data, out[0].length);
    str_release(&out[0]);
    str_release(&out[1]);
}

static void play(uint64_t seed)
{
    struct pair pair = {.dice = {seed}};
    char *folder = place_make();
    struct error opened = {0};
    pair.stores[0] = store_open_checked(store_open_memory());
    pair.stores[1] = store_open(folder, STORE_OWNER, &opened);
    assert_non_null(pair.stores[1]);
    pair.stores[1] = store_open_checked(pair.stores[1]);
    OK(store_cursor(pair.stores[1], &pair.followed[1], &error));
    for (int round = 0; round < ROUNDS; round++) {
        run_transaction(&pair);
        ask_something(&pair);
        if (dice_roll(&pair.dice, 20) == 0)
            follow_and_compare(&pair);
        if (dice_roll(&pair.dice, 20) == 0)
            compare_feeds(&pair);
        if (dice_roll(&pair.dice, 50) == 0) {
            follow_and_compare(&pair); /* or its cursor would fall behind the horizon */
            int64_t now = time_now_ms() + MS_MINUTE + (dice_roll(&pair.dice, 2) ? STORE_HORIZON_MS : 0);
            bool more[STORES];
            for (int i = 0; i < STORES; i++)
                OK(store_trim(pair.stores[i], now, &more[i], &error));
            for (int i = 1; i < STORES; i++)
                assert_int_equal(more[i], more[0]);
        }
    }
    follow_and_compare(&pair);
    for (int i = 0; i < STORES; i++) {
        int64_t entries;
        OK(store_verify_audit(pair.stores[i], &entries, &error));
        OK(store_verify(pair.stores[i], &error));
        store_close(pair.stores[i]);
    }
    map_release(&pair.replica);
    arena_release(&pair.arena);
    place_remove(folder);
}

static void random_operations__are_answered_alike_and_followed(void **state)
{
    (void)state;
    const char *torture = getenv("BERTH_TORTURE");
    uint64_t seeds = torture && torture[0] == '1' ? 500 : 6;
    for (uint64_t seed = 1; seed <= seeds; seed++)
        play(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_operations__are_answered_alike_and_followed)};
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
