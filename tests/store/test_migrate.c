/* SPDX-License-Identifier: ISC */
/*
 * Stores of every released version, filled with rows, brought to today's: whatever can be asked of one gets the answer of a store in memory that took the same
 * rows. And a power cut at any write of a migration leaves the old store or the new one, never something between.
 */
#include "berth/store.h"

#include "berth/base/file.h"
#include "berth/model/environment.h"
#include "berth/model/ledger.h"
#include "fill.h"
#include "forget_vfs.h"
#include "ok.h"
#include "place.h"
#include "store/private.h"
#include "store/schema.h"
#include "store/sqlite.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define ROWS 6 /* a table */
#define SCHEMA_LIMIT (1u << 20)
#define SEEDS 3 /* of what a cut may leave, beside nothing */

struct old {
    int version;
    struct str schema;    /* as it was released */
    struct store *memory; /* what it should be read as */
    struct dice dice;
    struct arena arena;
};

static void run_sql(sqlite3 *database, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(database, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %.200s", message, sql);
}

static sqlite3_stmt *prepared(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %.200s", sqlite3_errmsg(database), sql);
    return statement;
}

static int64_t number_of(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement = prepared(database, sql);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

/* --- what an old berth would have written ------------------------------------------------------------------------- */

static bool had_column(sqlite3 *database, const struct record_type *type, const struct column *column)
{
    sqlite3_stmt *statement = prepared(database, "SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2");
    sqlite3_bind_text(statement, 1, type->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, column->name, -1, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    bool had = sqlite3_column_int(statement, 0) > 0;
    sqlite3_finalize(statement);
    return had;
}

/* Columns that came later are as a migration makes them. */
static void empty_later_columns(sqlite3 *database, const struct record_type *type, void *row)
{
    for (size_t i = 0; i < type->column_count; i++) {
        const struct column *column = &type->columns[i];
        if (had_column(database, type, column))
            continue;
        if (cell_is_text(column))
            cell_set_text(column, row, "");
        else
            cell_set_number(column, row, 0);
    }
}

static void put_one(struct old *old, const struct record_type *type, const void *row)
{
    OK(store_begin(old->memory, STORE_DURABLE, &error));
    if (type == &audit_type)
        OK(store_audit(old->memory, row, &error));
    else
        OK(store_put(old->memory, type, row, &error));
    OK(store_commit(old->memory, NULL, &error));
}

static void fill_memory(struct old *old)
{
    size_t count;
    const struct record_type *const *types = record_types(&count);
    sqlite3 *columns = NULL;
    assert_int_equal(sqlite3_open(":memory:", &columns), SQLITE_OK);
    run_sql(columns, old->schema.data);
    for (size_t i = 0; i < count * ROWS; i++) {
        const struct record_type *type = types[i % count];
        char id[40];
        if (!had_column(columns, type, &type->columns[0]))
            continue; /* a table that came later is empty */
        snprintf(id, sizeof id, "row'%zu\"é", i / count);
        void *row = arena_alloc(&old->arena, type->size);
        fill_row(&old->dice, type, id, FILL_ANY_BYTES, &old->arena, row);
        if (type == &command_type)
            ((struct command *)row)->key = id; /* unique */
        empty_later_columns(columns, type, row);
        put_one(old, type, row);
    }
    sqlite3_close(columns);
}

static void bind_cell(sqlite3_stmt *statement, int place, const struct column *column, const void *row)
{
    if (cell_is_text(column))
        sqlite3_bind_text(statement, place, cell_text(column, row), -1, SQLITE_TRANSIENT);
    else if (column->type == COLUMN_ENUM)
        sqlite3_bind_text(statement, place, column->names[cell_number(column, row)], -1, SQLITE_STATIC);
    else
        sqlite3_bind_int64(statement, place, cell_number(column, row));
}

struct writing {
    sqlite3 *database;
    const struct record_type *type;
};

static void pack_number(struct str *out, int64_t number)
{
    uint64_t rest = (uint64_t)number << 1 ^ (uint64_t)(number < 0 ? -1 : 0);
    for (; rest >= 0x80; rest >>= 7)
        str_add_char(out, (char)(rest | 0x80));
    str_add_char(out, (char)rest);
}

static void pack_text(struct str *out, const char *text)
{
    pack_number(out, (int64_t)strlen(text));
    str_add(out, text);
}

/* As that version packed it: the columns that it had. */
static void pack_old(const struct writing *writing, const void *row, struct str *out)
{
    size_t number = 0, count, columns = 0;
    const struct record_type *type = writing->type, *const *types = record_types(&count);
    for (size_t i = 0; i < count; i++)
        number = types[i] == type ? i : number;
    for (size_t i = 0; i < type->column_count; i++)
        columns += had_column(writing->database, type, &type->columns[i]);
    pack_number(out, (int64_t)number);
    pack_number(out, (int64_t)columns);
    pack_number(out, record_revision(type, row));
    for (size_t i = 0; i < type->column_count; i++) {
        const struct column *column = &type->columns[i];
        if (!had_column(writing->database, type, column))
            continue;
        if (cell_is_text(column))
            pack_text(out, cell_text(column, row));
        else if (column->type == COLUMN_ENUM)
            pack_text(out, column->names[cell_number(column, row)]);
        else
            pack_number(out, cell_number(column, row));
    }
}

static void write_value(const struct writing *writing, const void *row)
{
    const struct record_type *type = writing->type;
    struct str bytes = STR_INIT;
    pack_old(writing, row, &bytes);
    sqlite3_stmt *statement =
        prepared(writing->database, "INSERT INTO history (type, id, revision, at, value) VALUES (?1, ?2, ?3, ?3, ?4)");
    sqlite3_bind_text(statement, 1, type->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, record_id(row), -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 3, record_revision(type, row));
    sqlite3_bind_blob(statement, 4, bytes.data, (int)bytes.length, SQLITE_TRANSIENT);
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
    str_release(&bytes);
}

static bool write_row(const void *row, void *context)
{
    const struct writing *writing = context;
    const struct record_type *type = writing->type;
    struct str sql = STR_INIT, values = STR_INIT;
    int place = 0;
    str_addf(&sql, "INSERT INTO \"%s\" (", type->name);
    for (size_t i = 0; i < type->column_count; i++) {
        if (!had_column(writing->database, type, &type->columns[i]))
            continue;
        str_addf(&sql, "\"%s\", ", type->columns[i].name);
        str_add(&values, "?, ");
    }
    str_addf(&sql, "revision) VALUES (%s?)", values.data);
    sqlite3_stmt *statement = prepared(writing->database, sql.data);
    for (size_t i = 0; i < type->column_count; i++)
        if (had_column(writing->database, type, &type->columns[i]))
            bind_cell(statement, ++place, &type->columns[i], row);
    sqlite3_bind_int64(statement, ++place, record_revision(type, row));
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
    if (type->flags & RECORD_HISTORY)
        write_value(writing, row);
    str_release(&sql);
    str_release(&values);
    return true;
}

static void write_meta(sqlite3 *database, const char *name, int64_t number, const char *text)
{
    sqlite3_stmt *statement = prepared(database, "INSERT INTO meta (name, number, text) VALUES (?1, ?2, ?3)");
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, number);
    sqlite3_bind_text(statement, 3, text, -1, SQLITE_TRANSIENT);
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
}

static void write_numbers(struct old *old, sqlite3 *database)
{
    struct store_cursor cursor;
    struct audit *entries;
    size_t count;
    struct store_query all = {.type = &audit_type};
    OK(store_cursor(old->memory, &cursor, &error));
    OK(store_list(old->memory, &all, &old->arena, &entries, &count, &error));
    write_meta(database, NUMBER_REVISION, cursor.revision, "");
    write_meta(database, NUMBER_EPOCH, cursor.epoch, "");
    write_meta(database, NUMBER_READER_VERSION, 1, "");
    write_meta(database, NUMBER_WRITER_VERSION, 1, "");
    write_meta(database, TEXT_STORE_ID, 0, cursor.store_id);
    write_meta(database, NUMBER_AUDIT_COUNT, (int64_t)count, "");
    write_meta(database, TEXT_AUDIT_HEAD, 0, entries[count - 1].hash);
}

static void write_old(struct old *old, const char *folder, const char *vfs)
{
    size_t count;
    const struct record_type *const *types = record_types(&count);
    char *path = path_join(folder, "store.db"), pragmas[160];
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs), SQLITE_OK);
    run_sql(database, "PRAGMA journal_mode = wal; PRAGMA synchronous = full; BEGIN");
    run_sql(database, old->schema.data);
    for (size_t i = 0; i < count; i++) {
        struct writing writing = {.database = database, .type = types[i]};
        struct store_query all = {.type = types[i]};
        OK(store_each(old->memory, &all, write_row, &writing, &error));
    }
    write_numbers(old, database);
    snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
             SCHEMA_APPLICATION_ID, old->version);
    run_sql(database, pragmas);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    free(path);
}

/* --- whether the answers agree ------------------------------------------------------------------------------------ */

static void expect_same_list(struct old *old, struct store *migrated, const struct store_query *query)
{
    struct arena arena = {0};
    const struct record_type *type = query->type;
    char *there, *here;
    size_t there_count, here_count;
    int64_t counted;
    OK(store_list(old->memory, query, &arena, &there, &there_count, &error));
    OK(store_list(migrated, query, &arena, &here, &here_count, &error));
    assert_int_equal(there_count, here_count);
    for (size_t i = 0; i < there_count; i++) {
        const void *a = there + i * type->size, *b = here + i * type->size;
        assert_string_equal(record_id(a), record_id(b));
        for (size_t c = 0; c < type->column_count; c++)
            if (!cell_equal(&type->columns[c], a, b))
                fail_msg("%s %s of version %d: another %s", type->name, record_id(a), old->version,
                         type->columns[c].name);
        assert_int_equal(record_revision(type, a), record_revision(type, b));
    }
    OK(store_count(migrated, query, &counted, &error));
    assert_int_equal(counted, there_count);
    arena_release(&arena);
}

static void expect_same_table(struct old *old, struct store *migrated, const struct record_type *type)
{
    struct store_cursor cursor;
    struct store_query half = {.type = type, .limit = ROWS / 2};
    struct arena arena = {0};
    char *rows;
    size_t count;
    OK(store_cursor(old->memory, &cursor, &error));
    OK(store_list(old->memory, &half, &arena, &rows, &count, &error));
    const char *middle =
        count ? record_id(rows + (count - 1) * type->size) : NULL; /* none in a table that came later */
    for (size_t i = 0; i <= type->index_count; i++) {
        for (unsigned part = 0; part < 8; part++) {
            struct store_query query = {.type = type,
                                        .index = i > 0 ? type->indexes[i - 1].name : NULL,
                                        .descending = part & 1,
                                        .after = part & 2 ? middle : NULL,
                                        .since = part & 4 ? cursor.revision / 2 : 0};
            expect_same_list(old, migrated, &query);
        }
    }
    arena_release(&arena);
}

static bool tell_change(const struct feed_change *change, void *context)
{
    struct str *out = context;
    str_addf(out, "%d %s %s %lld\n", change->kind, change->type->name, change->id, (long long)change->revision);
    if (change->row)
        record_pack(change->type, change->row, out);
    return true;
}

static bool tell_value(const struct feed_value *value, void *context)
{
    struct str *out = context;
    if (value->row)
        record_pack(&environment_type, value->row, out);
    return true;
}

static void expect_same_feed(struct old *old, struct store *migrated)
{
    struct store *stores[] = {old->memory, migrated};
    struct str told[2] = {STR_INIT, STR_INIT};
    for (int i = 0; i < 2; i++) {
        struct store_cursor cursor = {.revision = 0};
        OK(feed_since(stores[i], &cursor, tell_change, &told[i], &error));
        OK(feed_history(stores[i], &environment_type, NULL, 0, 0, tell_value, &told[i], &error));
    }
    assert_int_equal(told[0].length, told[1].length);
    assert_memory_equal(told[0].data, told[1].data, told[0].length);
    str_release(&told[0]);
    str_release(&told[1]);
}

/* A store of any version, brought to today's. */
static void expect_same(struct old *old, const char *folder, const char *vfs)
{
    size_t count;
    const struct record_type *const *types = record_types(&count);
    struct error opened = {0};
    struct sqlite_options options = {.vfs = vfs};
    int64_t entries;
    struct store *migrated = store_open_with(folder, STORE_OWNER, &options, &opened);
    if (!migrated)
        fail_msg("version %d: %s: %s", old->version, opened.message, opened.detail);
    OK(store_verify(migrated, &error));
    OK(store_verify_audit(migrated, &entries, &error));
    assert_int_equal(entries, ROWS);
    for (size_t i = 0; i < count; i++)
        expect_same_table(old, migrated, types[i]);
    expect_same_feed(old, migrated);
    store_close(migrated);
}

static void old_begin(struct old *old, int version)
{
    char *path = path_printf(TEST_SRCDIR "/tests/store/schema-%d.sql", version);
    *old = (struct old){
        .version = version, .schema = STR_INIT, .memory = store_open_memory(), .dice = {(uint64_t)version}};
    OK(file_read(path, SCHEMA_LIMIT, &old->schema, &error));
    fill_memory(old);
    free(path);
}

static void old_end(struct old *old)
{
    store_close(old->memory);
    str_release(&old->schema);
    arena_release(&old->arena);
}

static int versions(void)
{
    struct schema schema;
    schema_now(&schema);
    return (int)schema.version;
}

static void migration__of_each_version_keeps_every_row_and_answer(void **state)
{
    (void)state;
    for (int version = 1; version <= versions(); version++) {
        struct old old;
        char *folder = place_make();
        old_begin(&old, version);
        write_old(&old, folder, NULL);
        expect_same(&old, folder, NULL);
        old_end(&old);
        place_remove(folder);
    }
}

/* --- power cuts in the middle of it ----------------------------------------------------------------------------------- */

struct cutting {
    struct old *old;
    struct forget *forget;
    int64_t cuts, found_old, found_new;
    bool on;
};

static void look_after_the_cut(struct cutting *cutting, enum forget_rest rest, uint64_t seed)
{
    char *folder = place_make(), *path = path_join(folder, "store.db");
    sqlite3 *database = NULL;
    forget_cut(cutting->forget, folder, rest, seed);
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    int64_t version = number_of(database, "PRAGMA user_version");
    int64_t later =
        number_of(database, "SELECT count(*) FROM pragma_table_info('environments') WHERE name = 'ends_at'") +
        number_of(database, "SELECT count(*) FROM pragma_table_info('resources') WHERE name = 'sensitive'") +
        number_of(database, "SELECT count(*) FROM pragma_table_info('runs') WHERE name = 'approved_digest'") +
        number_of(database, "SELECT count(*) FROM sqlite_master WHERE name = 'approved_plans.run'") +
        number_of(database, "SELECT count(*) FROM sqlite_master WHERE name = 'runs.applied'");
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    if (version != cutting->old->version && version != versions())
        fail_msg("version %lld was found", (long long)version);
    assert_int_equal(later, version == versions() ? 5 : 0);
    cutting->found_old += version == cutting->old->version;
    cutting->found_new += version == versions();
    cutting->cuts++;
    expect_same(cutting->old, folder, NULL);
    free(path);
    place_remove(folder);
}

/* All of them would take valgrind minutes. */
static int64_t seeds(void)
{
    return getenv("BERTH_UNDER_VALGRIND") ? 0 : SEEDS;
}

static void cut_here(void *context)
{
    struct cutting *cutting = context;
    if (!cutting->on)
        return;
    look_after_the_cut(cutting, FORGET_ALL, 0);
    for (int64_t seed = 1; seed <= seeds(); seed++)
        look_after_the_cut(cutting, FORGET_SOME, (uint64_t)seed);
}

static void migration__cut_at_any_write_is_whole_or_not_at_all(void **state)
{
    struct old old;
    struct cutting cutting = {.old = &old, .forget = forget_new("forget-migrate")};
    char *folder = place_make();
    struct error opened = {0};
    struct sqlite_options options = {.vfs = "forget-migrate"};
    (void)state;
    old_begin(&old, 1);
    write_old(&old, folder, options.vfs);
    forget_before_each_write(cutting.forget, cut_here, &cutting);
    cutting.on = true;
    struct store *migrated = store_open_with(folder, STORE_OWNER, &options, &opened);
    assert_non_null(migrated);
    cut_here(&cutting);
    cutting.on = false;
    store_close(migrated);
    print_message("# %lld cuts: %lld found the old store, %lld the new one\n", (long long)cutting.cuts,
                  (long long)cutting.found_old, (long long)cutting.found_new);
    assert_true(cutting.found_old > seeds() && cutting.found_new > seeds());
    forget_free(cutting.forget);
    old_end(&old);
    place_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(migration__of_each_version_keeps_every_row_and_answer),
        cmocka_unit_test(migration__cut_at_any_write_is_whole_or_not_at_all),
    };
    return cmocka_run_group_tests_name("migration", tests, NULL, NULL);
}
