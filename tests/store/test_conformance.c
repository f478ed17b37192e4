/* SPDX-License-Identifier: ISC */
/* What every store promises, asked of each: memory, sqlite, and both behind the checking wrapper. */
#include "berth/store.h"

#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/model/environment.h"
#include "berth/model/ledger.h"
#include "berth/model/run.h"
#include "fill.h"
#include "ok.h"
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct variant {
    const char *name;
    bool sqlite, checked;
};
static const struct variant variants[] = {
    {"memory", false, false},
    {"sqlite", true, false},
    {"checked memory", false, true},
    {"checked sqlite", true, true},
};

struct bench {
    struct store *store;
    char *folder;
    struct arena arena;
};

static int set_up(void **state)
{
    const struct variant *variant = *state;
    struct bench *bench = mem_zero(1, sizeof *bench);
    struct error error = {0};
    if (variant->sqlite) {
        bench->folder = place_make();
        bench->store = store_open(bench->folder, STORE_OWNER, &error);
        assert_non_null(bench->store);
    } else {
        bench->store = store_open_memory();
    }
    if (variant->checked)
        bench->store = store_open_checked(bench->store);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    store_close(bench->store);
    if (bench->folder)
        place_remove(bench->folder);
    arena_release(&bench->arena);
    free(bench);
    return 0;
}

static int64_t put_one(struct store *store, const struct record_type *type, const void *row)
{
    int64_t revision;
    OK(store_begin(store, STORE_RELAXED, &error));
    OK(store_put(store, type, row, &error));
    OK(store_commit(store, &revision, &error));
    return revision;
}

static int64_t remove_one(struct store *store, const struct record_type *type, const char *id)
{
    int64_t revision;
    OK(store_begin(store, STORE_RELAXED, &error));
    OK(store_remove(store, type, id, &error));
    OK(store_commit(store, &revision, &error));
    return revision;
}

static struct branch branch_row(const char *id, const char *repository, int64_t committed_at)
{
    return (struct branch){
        .id = id, .repository = repository, .name = id, .committed_at = committed_at, .ahead = -1, .behind = -1};
}

/* --- rows and revisions ----------------------------------------------------------------------------------------- */

static void put__gives_back_every_table_and_byte(void **state)
{
    struct bench *bench = *state;
    struct dice dice = {1};
    size_t count;
    const struct record_type *const *types = record_types(&count);
    for (size_t t = 0; t < count; t++) {
        if (types[t] == &audit_type)
            continue;
        for (int i = 0; i < 8; i++) {
            char id[40];
            snprintf(id, sizeof id, "row'%d\"é", i);
            void *row = arena_alloc(&bench->arena, types[t]->size), *back = arena_alloc(&bench->arena, types[t]->size);
            fill_row(&dice, types[t], id, FILL_ANY_BYTES, &bench->arena, row);
            if (types[t] == &command_type)
                ((struct command *)row)->key = "";
            int64_t revision = put_one(bench->store, types[t], row);
            assert_int_equal(store_get(bench->store, types[t], id, &bench->arena, back, NULL), STORE_FOUND);
            assert_int_equal(record_compare(types[t], row, back), RECORD_SAME);
            assert_int_equal(record_revision(types[t], back), revision);
        }
    }
}

static void get__of_nothing_is_missing(void **state)
{
    struct bench *bench = *state;
    struct run run;
    assert_int_equal(store_get(bench->store, &run_type, "1", &bench->arena, &run, NULL), STORE_MISSING);
    assert_int_equal(store_get(bench->store, &run_type, NULL, &bench->arena, &run, NULL), STORE_MISSING);
}

static void revision__is_one_a_transaction_and_only_for_changes(void **state)
{
    struct bench *bench = *state;
    struct step step = {.id = "1.apply.x", .run = "1", .progress = 1};
    int64_t first = put_one(bench->store, &step_type, &step);
    assert_int_equal(put_one(bench->store, &step_type, &step), first); /* unchanged */
    step.progress = 50;
    step.progress_text = "half";
    assert_int_equal(put_one(bench->store, &step_type, &step), first); /* quiet */
    struct step back;
    assert_int_equal(store_get(bench->store, &step_type, "1.apply.x", &bench->arena, &back, NULL), STORE_FOUND);
    assert_int_equal(back.progress, 50);
    assert_int_equal(back.revision, first);
    step.status = STEP_DONE;
    struct run run = {.id = "1", .number = 1};
    int64_t second;
    OK(store_begin(bench->store, STORE_DURABLE, &error));
    OK(store_put(bench->store, &step_type, &step, &error));
    OK(store_put(bench->store, &run_type, &run, &error));
    OK(store_commit(bench->store, &second, &error));
    assert_int_equal(second, first + 1);
    assert_int_equal(store_get(bench->store, &step_type, "1.apply.x", &bench->arena, &back, NULL), STORE_FOUND);
    assert_int_equal(back.revision, second);
    struct store_cursor cursor;
    OK(store_cursor(bench->store, &cursor, &error));
    assert_int_equal(cursor.revision, second);
    assert_int_equal(strlen(cursor.store_id), 26);
}

static void transaction__sees_its_own_writes_and_abandon_undoes_all(void **state)
{
    struct bench *bench = *state;
    struct environment a = {.id = "a", .name = "a"}, b = {.id = "b", .name = "b"}, back;
    put_one(bench->store, &environment_type, &a);
    struct store_cursor before, after;
    OK(store_cursor(bench->store, &before, &error));
    int64_t number;
    OK(store_begin(bench->store, STORE_RELAXED, &error));
    a.name = "other";
    OK(store_put(bench->store, &environment_type, &a, &error));
    OK(store_put(bench->store, &environment_type, &b, &error));
    OK(store_next(bench->store, "run", &number, &error));
    assert_int_equal(store_get(bench->store, &environment_type, "a", &bench->arena, &back, NULL), STORE_FOUND);
    assert_string_equal(back.name, "other");
    OK(store_remove(bench->store, &environment_type, "a", &error));
    assert_int_equal(store_get(bench->store, &environment_type, "a", &bench->arena, &back, NULL), STORE_MISSING);
    struct audit entry = {.action = "deploy"};
    OK(store_audit(bench->store, &entry, &error));
    store_abandon(bench->store);
    assert_int_equal(store_get(bench->store, &environment_type, "a", &bench->arena, &back, NULL), STORE_FOUND);
    assert_string_equal(back.name, "a");
    assert_int_equal(store_get(bench->store, &environment_type, "b", &bench->arena, &back, NULL), STORE_MISSING);
    OK(store_cursor(bench->store, &after, &error));
    assert_int_equal(before.revision, after.revision);
    int64_t entries;
    OK(store_verify_audit(bench->store, &entries, &error));
    assert_int_equal(entries, 0);
    OK(store_begin(bench->store, STORE_RELAXED, &error));
    OK(store_next(bench->store, "run", &number, &error));
    OK(store_commit(bench->store, NULL, &error));
    assert_int_equal(number, 1);
}

static void next__counts_from_one_without_gaps(void **state)
{
    struct bench *bench = *state;
    for (int64_t expected = 1; expected < 5; expected++) {
        int64_t run, other;
        OK(store_begin(bench->store, STORE_RELAXED, &error));
        OK(store_next(bench->store, "run", &run, &error));
        if (expected == 3)
            OK(store_next(bench->store, "other", &other, &error));
        OK(store_commit(bench->store, NULL, &error));
        assert_int_equal(run, expected);
    }
}

static void put__with_an_unknown_word_or_no_id_fails_the_transaction(void **state)
{
    struct bench *bench = *state;
    struct error refused = {0};
    struct run good = {.id = "1"}, bad = {.id = "2", .status = 77}, back;
    OK(store_begin(bench->store, STORE_RELAXED, &error));
    OK(store_put(bench->store, &run_type, &good, &error));
    assert_false(store_put(bench->store, &run_type, &bad, &refused));
    assert_int_equal(refused.code, ERROR_STORE);
    assert_false(store_put(bench->store, &run_type, &good, NULL));
    assert_false(store_commit(bench->store, NULL, &refused));
    assert_int_equal(store_get(bench->store, &run_type, "1", &bench->arena, &back, NULL), STORE_MISSING);
}

static void append_only__rows_never_change_or_go(void **state)
{
    struct bench *bench = *state;
    struct error refused = {0};
    struct approval approval = {.id = "a", .run = "1"}, back;
    int64_t revision = put_one(bench->store, &approval_type, &approval);
    OK(store_begin(bench->store, STORE_RELAXED, &error));
    OK(store_put(bench->store, &approval_type, &approval, &error));
    approval.verdict = VERDICT_REJECT;
    assert_false(store_put(bench->store, &approval_type, &approval, &refused));
    assert_int_equal(refused.code, ERROR_CONFLICT);
    assert_false(store_remove(bench->store, &approval_type, "a", &refused));
    int64_t after;
    OK(store_commit(bench->store, &after, &error));
    assert_int_equal(after, revision);
    assert_int_equal(store_get(bench->store, &approval_type, "a", &bench->arena, &back, NULL), STORE_FOUND);
    assert_int_equal(back.verdict, VERDICT_APPROVE);
}

/* --- queries ------------------------------------------------------------------------------------------------------ */

static void fill_branches(struct store *store)
{
    static const struct {
        const char *id, *repository;
        int64_t at;
    } rows[] = {
        {"app:a", "app", 30}, {"app:b", "app", 10}, {"app:c", "app", 10}, {"lib:a", "lib", 5}, {"app:d", "app", 99}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct branch row = branch_row(rows[i].id, rows[i].repository, rows[i].at);
        put_one(store, &branch_type, &row);
    }
}

static const char *ids_of(struct bench *bench, const struct store_query *query)
{
    struct str out = STR_INIT;
    struct branch *rows;
    size_t count;
    OK(store_list(bench->store, query, &bench->arena, &rows, &count, &error));
    for (size_t i = 0; i < count; i++)
        str_addf(&out, "%s%s", i > 0 ? " " : "", rows[i].id);
    const char *ids = arena_strdup(&bench->arena, out.data);
    str_release(&out);
    return ids;
}

static void query__by_id_and_by_index_is_ordered_both_ways(void **state)
{
    struct bench *bench = *state;
    fill_branches(bench->store);
    struct store_query query = {.type = &branch_type};
    assert_string_equal(ids_of(bench, &query), "app:a app:b app:c app:d lib:a");
    query.descending = true;
    assert_string_equal(ids_of(bench, &query), "lib:a app:d app:c app:b app:a");
    query = (struct store_query){.type = &branch_type, .index = "repository", .equal = {"app"}};
    assert_string_equal(ids_of(bench, &query), "app:b app:c app:a app:d");
    query.descending = true;
    assert_string_equal(ids_of(bench, &query), "app:d app:a app:c app:b");
    query = (struct store_query){.type = &branch_type, .index = "repository", .equal = {"app", "10"}};
    assert_string_equal(ids_of(bench, &query), "app:b app:c");
    query = (struct store_query){.type = &branch_type, .index = "repository"};
    assert_string_equal(ids_of(bench, &query), "app:b app:c app:a app:d lib:a");
    query = (struct store_query){.type = &branch_type, .index = "repository", .equal = {"'; DROP TABLE branches;--"}};
    assert_string_equal(ids_of(bench, &query), "");
}

static void query__pages_by_the_row_before(void **state)
{
    struct bench *bench = *state;
    fill_branches(bench->store);
    struct store_query query = {.type = &branch_type, .index = "repository", .equal = {"app"}, .limit = 2};
    assert_string_equal(ids_of(bench, &query), "app:b app:c");
    query.after = "app:c";
    assert_string_equal(ids_of(bench, &query), "app:a app:d");
    query.after = "app:d";
    assert_string_equal(ids_of(bench, &query), "");
    query.descending = true;
    assert_string_equal(ids_of(bench, &query), "app:a app:c");
    query = (struct store_query){.type = &branch_type, .after = "app:bb", .limit = 2}; /* by id it may be gone */
    assert_string_equal(ids_of(bench, &query), "app:c app:d");
    query = (struct store_query){.type = &branch_type, .index = "repository", .after = "gone"};
    struct error refused = {0};
    struct branch *rows;
    size_t count;
    assert_false(store_list(bench->store, &query, &bench->arena, &rows, &count, &refused));
    assert_int_equal(refused.code, ERROR_NOT_FOUND);
}

static void query__since_gives_only_younger_rows(void **state)
{
    struct bench *bench = *state;
    fill_branches(bench->store);
    struct store_cursor cursor;
    OK(store_cursor(bench->store, &cursor, &error));
    struct branch row = branch_row("app:b", "app", 11);
    put_one(bench->store, &branch_type, &row);
    struct store_query query = {.type = &branch_type, .since = cursor.revision};
    assert_string_equal(ids_of(bench, &query), "app:b");
    query.since = cursor.revision - 1;
    query.index = "repository";
    assert_string_equal(ids_of(bench, &query), "app:b app:d");
    int64_t count;
    OK(store_count(bench->store, &query, &count, &error));
    assert_int_equal(count, 2);
}

static bool only_asked(const void *row, void *context)
{
    const struct branch *branch = row;
    assert_string_equal(branch->subject, "");
    assert_int_equal(branch->ahead, 0);
    assert_true(branch->committed_at > 0);
    assert_true(branch->revision > 0);
    ++*(int *)context;
    return *(int *)context < 3;
}

static void query__fills_only_the_columns_asked_and_stops_when_told(void **state)
{
    struct bench *bench = *state;
    fill_branches(bench->store);
    static const char *const columns[] = {"id", "committed_at", NULL};
    struct store_query query = {.type = &branch_type, .columns = columns};
    int visited = 0;
    OK(store_each(bench->store, &query, only_asked, &visited, &error));
    assert_int_equal(visited, 3);
}

static bool other_asked(const void *row, void *context)
{
    const struct branch *branch = row;
    *(bool *)context = branch->committed_at == 0 && text_equal(branch->repository, "app");
    return false;
}

static void query__alike_but_for_its_columns_is_another(void **state)
{
    struct bench *bench = *state;
    fill_branches(bench->store);
    static const char *const dates[] = {"id", "committed_at", NULL}, *const places[] = {"id", "repository", NULL};
    struct store_query query = {.type = &branch_type, .columns = dates};
    int visited = 0;
    bool other = false;
    OK(store_each(bench->store, &query, only_asked, &visited, &error));
    query.columns = places;
    OK(store_each(bench->store, &query, other_asked, &other, &error));
    assert_true(other);
}

static void query__by_words_numbers_and_unique_keys(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i < 12; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        struct run run = {.id = id, .number = i, .status = i % 2 ? RUN_GATE : RUN_DONE, .environment = "e"};
        put_one(bench->store, &run_type, &run);
    }
    struct store_query query = {
        .type = &run_type, .index = "status", .equal = {"at the gate"}, .descending = true, .limit = 2};
    struct run *runs;
    size_t count;
    OK(store_list(bench->store, &query, &bench->arena, &runs, &count, &error));
    assert_int_equal(count, 2);
    assert_int_equal(runs[0].number, 11);
    assert_int_equal(runs[1].number, 9);
    query = (struct store_query){.type = &run_type, .index = "number", .equal = {"7"}};
    OK(store_list(bench->store, &query, &bench->arena, &runs, &count, &error));
    assert_int_equal(count, 1);
    assert_string_equal(runs[0].id, "7");
    struct command first = {.id = "c1", .key = "k"}, second = {.id = "c2", .key = "k"}, third = {.id = "c3"},
                   fourth = {.id = "c4"};
    put_one(bench->store, &command_type, &first);
    put_one(bench->store, &command_type, &third);
    put_one(bench->store, &command_type, &fourth);
    struct error refused = {0};
    OK(store_begin(bench->store, STORE_RELAXED, &error));
    assert_false(store_put(bench->store, &command_type, &second, &refused));
    assert_int_equal(refused.code, ERROR_CONFLICT);
    OK(store_commit(bench->store, NULL, &error));
    query = (struct store_query){.type = &command_type, .index = "key", .equal = {"k"}};
    struct command *commands;
    OK(store_list(bench->store, &query, &bench->arena, &commands, &count, &error));
    assert_int_equal(count, 1);
    query.equal[0] = "";
    OK(store_list(bench->store, &query, &bench->arena, &commands, &count, &error));
    assert_int_equal(count, 2);
}

static void query__that_does_not_fit_is_told(void **state)
{
    struct bench *bench = *state;
    static const char *const columns[] = {"nonsense", NULL};
    const struct store_query queries[] = {
        {.type = &run_type, .index = "nonsense"},
        {.type = &run_type, .equal = {"x"}},
        {.type = &run_type, .index = "number", .equal = {"twelve"}},
        {.type = &run_type, .index = "number", .equal = {"1", "2"}},
        {.type = &run_type, .columns = columns},
    };
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        struct error refused = {0};
        int64_t count;
        assert_false(store_count(bench->store, &queries[i], &count, &refused));
        assert_int_equal(refused.code, ERROR_STORE);
    }
}

struct nested {
    struct bench *bench;
    int inner;
};

static bool count_inner(const void *row, void *context)
{
    (void)row;
    ++*(int *)context;
    return true;
}

static bool query_again(const void *row, void *context)
{
    struct nested *nested = context;
    struct store_query query = {.type = &branch_type};
    OK(store_each(nested->bench->store, &query, count_inner, &nested->inner, &error));
    struct branch back;
    assert_int_equal(store_get(nested->bench->store, &branch_type, record_id(row), &nested->bench->arena, &back, NULL),
                     STORE_FOUND);
    return true;
}

static void query__may_be_asked_within_a_visit(void **state)
{
    struct bench *bench = *state;
    fill_branches(bench->store);
    struct nested nested = {.bench = bench};
    struct store_query query = {.type = &branch_type};
    OK(store_read_begin(bench->store, &error));
    OK(store_each(bench->store, &query, query_again, &nested, &error));
    store_read_end(bench->store);
    assert_int_equal(nested.inner, 25);
}

/* --- commands ------------------------------------------------------------------------------------------------------ */

static void submit__fills_what_is_empty_and_honours_the_key(void **state)
{
    struct bench *bench = *state;
    struct command command = {.verb = "deploy", .subject = "review/x", .key = "once"};
    OK(store_submit(bench->store, &command, &bench->arena, &error));
    assert_int_equal(strlen(command.id), 26);
    assert_true(command.submitted_at > 0);
    assert_true(command.revision > 0);
    struct command again = {.verb = "destroy", .subject = "other", .key = "once"}, free_one = {.verb = "plan"};
    OK(store_submit(bench->store, &again, &bench->arena, &error));
    assert_string_equal(again.id, command.id);
    assert_string_equal(again.verb, "deploy");
    OK(store_submit(bench->store, &free_one, &bench->arena, &error));
    assert_string_not_equal(free_one.id, command.id);
    struct store_query query = {.type = &command_type};
    int64_t count;
    OK(store_count(bench->store, &query, &count, &error));
    assert_int_equal(count, 2);
    struct command same_id = {.id = free_one.id, .verb = "destroy"};
    struct error refused = {0};
    assert_false(store_submit(bench->store, &same_id, &bench->arena, &refused));
    assert_int_equal(refused.code, ERROR_CONFLICT);
}

/* --- the feed -------------------------------------------------------------------------------------------------------- */

static bool see_change(const struct feed_change *change, void *context)
{
    struct str *out = context;
    str_addf(out, "%s%s:%s", change->kind == FEED_PUT ? "+" : "-", change->type->name, change->id);
    assert_true((change->row != NULL) == (change->kind == FEED_PUT));
    str_add(out, " ");
    return true;
}

static void feed__tells_each_changed_row_once_and_removals(void **state)
{
    struct bench *bench = *state;
    struct store_cursor cursor;
    OK(store_cursor(bench->store, &cursor, &error));
    struct environment a = {.id = "a", .name = "1"}, b = {.id = "b"};
    put_one(bench->store, &environment_type, &a);
    put_one(bench->store, &environment_type, &b);
    a.name = "2";
    put_one(bench->store, &environment_type, &a);
    struct str out = STR_INIT;
    OK(feed_since(bench->store, &cursor, see_change, &out, &error));
    assert_string_equal(out.data, "+environments:a +environments:b ");
    str_clear(&out);
    OK(feed_since(bench->store, &cursor, see_change, &out, &error));
    assert_string_equal(out.data, "");
    remove_one(bench->store, &environment_type, "a");
    remove_one(bench->store, &environment_type, "never there");
    OK(feed_since(bench->store, &cursor, see_change, &out, &error));
    assert_string_equal(out.data, "-environments:a ");
    struct store_cursor old = cursor;
    put_one(bench->store, &environment_type, &a);
    str_clear(&out);
    OK(feed_since(bench->store, &cursor, see_change, &out, &error));
    assert_string_equal(out.data, "+environments:a ");
    str_clear(&out);
    OK(feed_since(bench->store, &old, see_change, &out, &error));
    assert_string_equal(out.data, "+environments:a "); /* no tombstone beside the row */
    struct store_cursor zero = {0};
    str_clear(&out);
    OK(feed_since(bench->store, &zero, see_change, &out, &error));
    assert_string_equal(out.data, "+environments:a +environments:b ");
    assert_int_equal(zero.revision, cursor.revision);
    str_release(&out);
}

static bool stop_at_once(const struct feed_change *change, void *context)
{
    (void)change, (void)context;
    return false;
}

static void feed__of_a_strange_cursor_says_reload(void **state)
{
    struct bench *bench = *state;
    struct environment a = {.id = "a"};
    put_one(bench->store, &environment_type, &a);
    int64_t epoch;
    OK(store_new_epoch(bench->store, &epoch, &error));
    assert_int_equal(epoch, 1);
    struct store_cursor now;
    OK(store_cursor(bench->store, &now, &error));
    assert_int_equal(now.epoch, 1);
    struct store_cursor other = now, ahead = now, later = now, lost = now;
    other.store_id[0] = other.store_id[0] == '0' ? '1' : '0';
    ahead.revision++;
    later.epoch++;
    lost.epoch = 0; /* of an epoch before this one, but with a revision that this one does not know */
    lost.revision = now.revision;
    a.name = "b";
    struct store_cursor stopped = now;
    put_one(bench->store, &environment_type, &a);
    lost.revision = now.revision + 1;
    struct store_cursor *strange[] = {&other, &later, &lost};
    struct str out = STR_INIT;
    for (size_t i = 0; i < 3; i++) {
        struct error refused = {0};
        assert_false(feed_since(bench->store, strange[i], see_change, &out, &refused));
        assert_int_equal(refused.code, ERROR_CONFLICT);
    }
    ahead.revision += 5;
    assert_false(feed_since(bench->store, &ahead, see_change, &out, NULL));
    OK(feed_since(bench->store, &stopped, stop_at_once, NULL, &error));
    assert_int_equal(stopped.revision, now.revision); /* who stopped has not seen all */
    str_release(&out);
}

static bool see_value(const struct feed_value *value, void *context)
{
    struct str *out = context;
    const struct environment *row = value->row;
    str_addf(out, "%s=%s ", value->id, row ? row->name : "gone");
    return true;
}

static void history__tells_rows_as_they_were(void **state)
{
    struct bench *bench = *state;
    struct environment a = {.id = "a", .name = "one"}, b = {.id = "b", .name = "x"}, back;
    put_one(bench->store, &environment_type, &a);
    put_one(bench->store, &environment_type, &b);
    a.name = "two";
    put_one(bench->store, &environment_type, &a);
    remove_one(bench->store, &environment_type, "b");
    struct str out = STR_INIT;
    OK(feed_history(bench->store, &environment_type, "a", 0, 0, see_value, &out, &error));
    assert_string_equal(out.data, "a=two a=one ");
    str_clear(&out);
    OK(feed_history(bench->store, &environment_type, NULL, 0, 2, see_value, &out, &error));
    assert_string_equal(out.data, "b=gone a=two ");
    int64_t now = time_now_ms();
    assert_int_equal(feed_at(bench->store, &environment_type, "a", now, &bench->arena, &back, NULL), STORE_FOUND);
    assert_string_equal(back.name, "two");
    assert_int_equal(feed_at(bench->store, &environment_type, "b", now, &bench->arena, &back, NULL), STORE_MISSING);
    assert_int_equal(feed_at(bench->store, &environment_type, "a", now - MS_HOUR, &bench->arena, &back, NULL),
                     STORE_MISSING);
    str_release(&out);
}

static void trim__forgets_what_is_beyond_the_horizon_and_no_more(void **state)
{
    struct bench *bench = *state;
    struct environment a = {.id = "a", .name = "one"}, b = {.id = "b"}, back;
    put_one(bench->store, &environment_type, &a);
    put_one(bench->store, &environment_type, &b);
    struct store_cursor old;
    OK(store_cursor(bench->store, &old, &error));
    a.name = "two";
    put_one(bench->store, &environment_type, &a);
    remove_one(bench->store, &environment_type, "b");
    int64_t later = time_now_ms() + MS_MINUTE;
    bool more = true;
    OK(store_trim(bench->store, later, &more, &error)); /* nothing is old yet */
    assert_false(more);
    struct str out = STR_INIT;
    struct store_cursor cursor = old;
    OK(feed_since(bench->store, &cursor, see_change, &out, &error));
    assert_string_equal(out.data, "-environments:b +environments:a ");
    OK(store_trim(bench->store, later + STORE_HORIZON_MS, &more, &error));
    assert_false(more); /* all that was old went */
    str_clear(&out);
    OK(feed_history(bench->store, &environment_type, NULL, 0, 0, see_value, &out, &error));
    assert_string_equal(out.data, "a=two "); /* the value in force stays */
    assert_int_equal(feed_at(bench->store, &environment_type, "a", later, &bench->arena, &back, NULL), STORE_FOUND);
    struct error refused = {0};
    assert_false(feed_since(bench->store, &old, see_change, &out, &refused));
    assert_int_equal(refused.code, ERROR_CONFLICT);
    OK(feed_since(bench->store, &cursor, see_change, &out, &error));
    str_release(&out);
}

static void trim__says_that_there_is_more_until_a_batch_is_not_full(void **state)
{
    struct bench *bench = *state;
    struct environment a = {.id = "a"};
    char name[24];
    for (int i = 0; i < 1100; i++) {
        snprintf(name, sizeof name, "%d", i);
        a.name = name;
        put_one(bench->store, &environment_type, &a);
    }
    int64_t later = time_now_ms() + MS_MINUTE + STORE_HORIZON_MS;
    bool more = false;
    int batches = 0;
    do
        OK(store_trim(bench->store, later, &more, &error));
    while (batches++ < 10 && more);
    assert_int_equal(batches, 3); /* of 500 */
    struct str out = STR_INIT;
    OK(feed_history(bench->store, &environment_type, NULL, 0, 0, see_value, &out, &error));
    assert_string_equal(out.data, "a=1099 ");
    str_release(&out);
}

/* --- the audit ---------------------------------------------------------------------------------------------------------- */

static void audit__chains_and_verifies(void **state)
{
    struct bench *bench = *state;
    int64_t entries;
    OK(store_verify_audit(bench->store, &entries, &error));
    assert_int_equal(entries, 0);
    for (int i = 0; i < 5; i++) {
        struct audit entry = {
            .action = "deploy", .actor = "uid:1", .detail = i % 2 ? "{\"b\": 1, \"a\": 2}" : "not json"};
        OK(store_begin(bench->store, STORE_DURABLE, &error));
        OK(store_audit(bench->store, &entry, &error));
        OK(store_audit(bench->store, &entry, &error));
        OK(store_commit(bench->store, NULL, &error));
    }
    OK(store_verify_audit(bench->store, &entries, &error));
    assert_int_equal(entries, 10);
    struct store_query query = {.type = &audit_type};
    struct audit *rows;
    size_t count;
    OK(store_list(bench->store, &query, &bench->arena, &rows, &count, &error));
    assert_int_equal(count, 10);
    assert_string_equal(rows[0].id, "0000000000000001");
    assert_string_equal(rows[0].previous, "");
    assert_string_equal(rows[9].previous, rows[8].hash);
    assert_string_equal(rows[2].detail, "{\"a\":2,\"b\":1}");
    assert_int_equal(rows[9].sequence, 10);
    assert_true(rows[0].at > 0);
}

/* --- waking up ----------------------------------------------------------------------------------------------------------- */

static void changed__says_yes_once_for_each_commit(void **state)
{
    struct bench *bench = *state;
    assert_true(store_changed(bench->store));
    assert_false(store_changed(bench->store));
    struct environment a = {.id = "a"};
    put_one(bench->store, &environment_type, &a);
    assert_true(store_changed(bench->store));
    assert_false(store_changed(bench->store));
    put_one(bench->store, &environment_type, &a); /* nothing new */
    assert_false(store_changed(bench->store));
    a.observed_at = 5;
    put_one(bench->store, &environment_type, &a); /* quiet, but somebody may draw it */
    assert_true(store_changed(bench->store));
    OK(store_verify(bench->store, &error));
}

#define EACH(name)  \
    {               \
#name, name \
    }
static const struct {
    const char *name;
    CMUnitTestFunction run;
} promises[] = {
    EACH(put__gives_back_every_table_and_byte),
    EACH(get__of_nothing_is_missing),
    EACH(revision__is_one_a_transaction_and_only_for_changes),
    EACH(transaction__sees_its_own_writes_and_abandon_undoes_all),
    EACH(next__counts_from_one_without_gaps),
    EACH(put__with_an_unknown_word_or_no_id_fails_the_transaction),
    EACH(append_only__rows_never_change_or_go),
    EACH(query__by_id_and_by_index_is_ordered_both_ways),
    EACH(query__pages_by_the_row_before),
    EACH(query__since_gives_only_younger_rows),
    EACH(query__fills_only_the_columns_asked_and_stops_when_told),
    EACH(query__alike_but_for_its_columns_is_another),
    EACH(query__by_words_numbers_and_unique_keys),
    EACH(query__that_does_not_fit_is_told),
    EACH(query__may_be_asked_within_a_visit),
    EACH(submit__fills_what_is_empty_and_honours_the_key),
    EACH(feed__tells_each_changed_row_once_and_removals),
    EACH(feed__of_a_strange_cursor_says_reload),
    EACH(history__tells_rows_as_they_were),
    EACH(trim__forgets_what_is_beyond_the_horizon_and_no_more),
    EACH(trim__says_that_there_is_more_until_a_batch_is_not_full),
    EACH(audit__chains_and_verifies),
    EACH(changed__says_yes_once_for_each_commit),
};
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

int main(void)
{
    struct CMUnitTest tests[COUNT_OF(variants) * COUNT_OF(promises)];
    struct arena names = {0};
    size_t count = 0;
    for (size_t v = 0; v < COUNT_OF(variants); v++)
        for (size_t p = 0; p < COUNT_OF(promises); p++)
            tests[count++] = (struct CMUnitTest){
                .name = arena_printf(&names, "%s: %s", variants[v].name, promises[p].name),
                .test_func = promises[p].run,
                .setup_func = set_up,
                .teardown_func = tear_down,
                .initial_state = (void *)(uintptr_t)&variants[v],
            };
    int failed = cmocka_run_group_tests_name("conformance", tests, NULL, NULL);
    arena_release(&names);
    return failed;
}
