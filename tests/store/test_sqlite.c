/* SPDX-License-Identifier: ISC */
/* SQLite as a store: who may open what, versions, and each way in which a file or a disk can fail. */
#include "store/sqlite.h"

#include "berth/model/environment.h"
#include "berth/model/ledger.h"
#include "berth/model/run.h"
#include "ok.h"
#include "place.h"
#include "store/private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static int set_up(void **state)
{
    *state = place_make();
    return 0;
}

static int tear_down(void **state)
{
    place_remove(*state);
    return 0;
}

static struct store *open_as(const char *folder, enum store_role role)
{
    struct error opened = {0};
    struct store *store = store_open(folder, role, &opened);
    if (!store)
        fail_msg("%s: %s", opened.message, opened.detail);
    return store;
}

static struct error refuse(const char *folder, enum store_role role, enum error_code code)
{
    struct error refused = {0};
    assert_null(store_open(folder, role, &refused));
    if (refused.code != code)
        fail_msg("%s: %s: %s", error_info(refused.code)->name, refused.message, refused.detail);
    return refused;
}

static void put_run(struct store *store, const char *id)
{
    struct run run = {.id = id, .number = 1};
    OK(store_begin(store, STORE_DURABLE, &error));
    OK(store_put(store, &run_type, &run, &error));
    OK(store_commit(store, NULL, &error));
}

static bool has_run(struct store *store, const char *id)
{
    struct arena arena = {0};
    struct run run;
    enum store_found found = store_get(store, &run_type, id, &arena, &run, NULL);
    arena_release(&arena);
    return found == STORE_FOUND;
}

static void with_database(const char *folder, const char *sql)
{
    char *path = path_join(folder, "store.db");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    free(path);
}

/* --- who may open ---------------------------------------------------------------------------------------------------- */

static void reader__sees_while_the_owner_lives_and_after(void **state)
{
    refuse(*state, STORE_READER, ERROR_NOT_FOUND);
    refuse(*state, STORE_CLIENT, ERROR_NOT_FOUND);
    struct store *owner = open_as(*state, STORE_OWNER);
    struct store *reader = open_as(*state, STORE_READER);
    put_run(owner, "1");
    assert_true(has_run(reader, "1"));
    store_close(owner);
    put_run(owner = open_as(*state, STORE_OWNER), "2");
    assert_true(has_run(reader, "2"));
    store_close(reader);
    store_close(owner);
    reader = open_as(*state, STORE_READER);
    assert_true(has_run(reader, "1"));
    assert_true(has_run(reader, "2"));
    store_close(reader);
    char *wal = path_join(*state, "store.db-wal"), *shm = path_join(*state, "store.db-shm");
    unlink(wal); /* a copied store has neither; everything is in the file after the owner's close */
    unlink(shm);
    reader = open_as(*state, STORE_READER);
    assert_true(has_run(reader, "2"));
    store_close(reader);
    free(wal);
    free(shm);
}

static void bracket__is_one_moment_whatever_others_commit(void **state)
{
    struct store *owner = open_as(*state, STORE_OWNER), *reader = open_as(*state, STORE_READER);
    put_run(owner, "1");
    OK(store_read_begin(reader, &error));
    assert_true(has_run(reader, "1"));
    put_run(owner, "2");
    assert_false(has_run(reader, "2"));
    store_read_end(reader);
    assert_true(has_run(reader, "2"));
    store_close(reader);
    store_close(owner);
}

static void owner__wants_the_folder_for_itself(void **state)
{
    char *folder = path_join(*state, "own"), *link = path_join(*state, "link");
    store_close(open_as(folder, STORE_OWNER));
    assert_int_equal(chmod(folder, 0750), 0);
    struct error error = refuse(folder, STORE_OWNER, ERROR_DENIED);
    assert_non_null(strstr(error.hint, "chmod 700"));
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(symlink(folder, link), 0);
    error = refuse(link, STORE_OWNER, ERROR_DENIED);
    assert_non_null(strstr(error.message, "a link"));
    store_close(open_as(folder, STORE_OWNER));
    free(link);
    free(folder);
}

static void client__submits_and_the_owner_sees(void **state)
{
    struct store *owner = open_as(*state, STORE_OWNER), *client = open_as(*state, STORE_CLIENT);
    assert_true(store_changed(owner));
    assert_false(store_changed(owner));
    struct arena arena = {0};
    struct command command = {.verb = "deploy"}, back;
    OK(store_submit(client, &command, &arena, &error));
    assert_true(store_changed(owner));
    assert_int_equal(store_get(owner, &command_type, command.id, &arena, &back, NULL), STORE_FOUND);
    arena_release(&arena);
    store_close(client);
    store_close(owner);
}

static void client__speaks_for_nobody_but_its_own_user(void **state)
{
    static const char *const others[] = {"trigger:push", "berth", "token:ci", "uid:4242424", "alice"};
    struct store *owner = open_as(*state, STORE_OWNER), *client = open_as(*state, STORE_CLIENT);
    struct arena arena = {0};
    struct command back;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct command forged = {.id = "FORGED", .verb = "deploy", .actor = others[i], .via = "push"};
        struct error refused = {0};
        assert_false(store_submit(client, &forged, &arena, &refused));
        assert_int_equal(refused.code, ERROR_DENIED);
        assert_int_equal(store_get(owner, &command_type, "FORGED", &arena, &back, NULL), STORE_MISSING);
    }
    struct command answered = {
        .verb = "deploy", .status = COMMAND_DONE, .run = "17", .answer = "{}", .answered_at = 1, .via = "cli"};
    OK(store_submit(client, &answered, &arena, &error));
    assert_int_equal(store_get(owner, &command_type, answered.id, &arena, &back, NULL), STORE_FOUND);
    assert_int_equal(back.status, COMMAND_WAITING);
    assert_int_equal(back.answered_at, 0);
    assert_string_equal(back.run, "");
    assert_string_equal(back.answer, "");
    assert_string_equal(back.actor, arena_printf(&arena, "uid:%lld", (long long)geteuid()));
    arena_release(&arena);
    store_close(client);
    store_close(owner);
}

static void files__are_the_owners_alone(void **state)
{
    char *folder = path_join(*state, "new/store");
    struct store *owner = open_as(folder, STORE_OWNER);
    put_run(owner, "1");
    static const char *const names[] = {"store.db", "store.db-wal", "store.db-shm", "store.write", "bell"};
    struct stat status;
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = path_join(folder, names[i]);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
        free(path);
    }
    store_close(owner);
    free(folder);
}

static void epoch__taken_by_another_stops_the_one_before(void **state)
{
    struct store *first = open_as(*state, STORE_OWNER), *second = open_as(*state, STORE_OWNER);
    int64_t epoch;
    OK(store_new_epoch(first, &epoch, &error));
    put_run(first, "1");
    OK(store_new_epoch(second, &epoch, &error));
    assert_int_equal(epoch, 2);
    struct error refused = {0};
    assert_false(store_begin(first, STORE_DURABLE, &refused));
    assert_int_equal(refused.code, ERROR_CONFLICT);
    put_run(second, "2");
    store_close(first);
    store_close(second);
}

static void folder_for__is_one_for_one_place_and_workspace(void **state)
{
    char *real = path_join(*state, "repo"), *link = path_join(*state, "link");
    OK(folder_make(real, 0700, &error));
    assert_int_equal(symlink(real, link), 0);
    char *a = store_folder_for(real, "shop", NULL), *b = store_folder_for(link, "shop", NULL);
    char *c = store_folder_for(real, "other", NULL),
         *d = store_folder_for("https://example.org/shop.git", "shop", NULL);
    assert_non_null(d);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
    assert_string_not_equal(a, d);
    struct error refused = {0};
    assert_null(store_folder_for("/nowhere/at/all", "shop", &refused));
    free(a);
    free(b);
    free(c);
    free(d);
    free(link);
    free(real);
}

/* --- versions ---------------------------------------------------------------------------------------------------------- */

static void newer_store__is_refused_unless_it_says_we_may(void **state)
{
    store_close(open_as(*state, STORE_OWNER));
    with_database(*state, "PRAGMA user_version = 99; UPDATE meta SET number = 2 WHERE name = 'writer.version'");
    store_close(open_as(*state, STORE_READER)); /* it only added things: reading is fine */
    struct error refused = refuse(*state, STORE_CLIENT, ERROR_VERSION);
    assert_string_equal(refused.hint, "use the newer berth");
    refuse(*state, STORE_OWNER, ERROR_VERSION);
    with_database(*state, "UPDATE meta SET number = 2 WHERE name = 'reader.version'");
    refused = refuse(*state, STORE_READER, ERROR_VERSION);
    assert_non_null(strstr(refused.detail, "99"));
}

/* A made-up next version: runs have one column more, and there is SQL to run. */
static void older_store__is_migrated_by_its_owner_alone(void **state)
{
    struct store *owner = open_as(*state, STORE_OWNER);
    put_run(owner, "1");
    store_close(owner);
    struct schema now;
    schema_now(&now);
    const struct record_type *types[64];
    struct record_type wider = policy_type;
    struct column columns[20];
    memcpy(columns, policy_type.columns, policy_type.column_count * sizeof *columns);
    columns[wider.column_count] = columns[1];
    columns[wider.column_count].name = "new_column";
    wider.columns = columns;
    wider.column_count++;
    for (size_t i = 0; i < now.type_count; i++)
        types[i] = now.types[i] == &policy_type ? &wider : now.types[i];
    const struct schema_step steps[] = {
        {.version = 1, .sql = "this was done long ago;"},
        {.version = now.version + 1, .table = "policies", .column = "new_column"},
        {.version = now.version + 2, .sql = "UPDATE runs SET reason = 'migrated';"},
    };
    struct schema next = now;
    next.types = types;
    next.version = now.version + 2;
    next.steps = steps;
    next.step_count = 3;
    struct sqlite_options options = {.schema = &next};
    struct error refused = {0};
    assert_null(store_open_with(*state, STORE_CLIENT, &options, &refused));
    assert_int_equal(refused.code, ERROR_VERSION);
    assert_non_null(strstr(refused.hint, "berthd"));
    struct error opened = {0};
    owner = store_open_with(*state, STORE_OWNER, &options, &opened);
    assert_non_null(owner);
    struct policy_row row = {.id = "berth.yaml", .repository = "app"};
    OK(store_begin(owner, STORE_DURABLE, &error));
    OK(store_put(owner, &wider, &row, &error));
    OK(store_commit(owner, NULL, &error));
    struct arena arena = {0};
    struct run run;
    assert_int_equal(store_get(owner, &run_type, "1", &arena, &run, NULL), STORE_FOUND);
    assert_string_equal(run.reason, "migrated");
    arena_release(&arena);
    store_close(owner);
    owner = open_as(*state, STORE_OWNER); /* this berth again: only columns were added */
    put_run(owner, "2");
    store_close(owner);
    with_database(*state, "CREATE TABLE proof AS SELECT new_column FROM policies");
}

static void failed_migration__leaves_the_older_store(void **state)
{
    struct store *owner = open_as(*state, STORE_OWNER);
    put_run(owner, "1");
    store_close(owner);
    struct schema next;
    schema_now(&next);
    const struct schema_step steps[] = {
        {.version = next.version + 1, .sql = "UPDATE runs SET reason = 'half'; nonsense;"}};
    next.version++;
    next.steps = steps;
    next.step_count = 1;
    struct sqlite_options options = {.schema = &next};
    struct error refused = {0};
    assert_null(store_open_with(*state, STORE_OWNER, &options, &refused));
    owner = open_as(*state, STORE_OWNER);
    struct arena arena = {0};
    struct run run;
    assert_int_equal(store_get(owner, &run_type, "1", &arena, &run, NULL), STORE_FOUND);
    assert_string_equal(run.reason, "");
    arena_release(&arena);
    store_close(owner);
}

/* --- damage ------------------------------------------------------------------------------------------------------------- */

static void strange_file__is_refused_with_what_to_do(void **state)
{
    char *path = path_join(*state, "store.db");
    OK(file_replace(path, "this is no database, only a text that somebody put here\n", 56, 0600, FILE_RELAXED, &error));
    struct error refused = refuse(*state, STORE_READER, ERROR_CORRUPT);
    assert_true(refused.hint[0] != '\0');
    refuse(*state, STORE_OWNER, ERROR_CORRUPT);
    unlink(path);
    with_database(*state, "PRAGMA application_id = 77; CREATE TABLE theirs (x)");
    refused = refuse(*state, STORE_OWNER, ERROR_CORRUPT);
    assert_non_null(strstr(refused.message, "another program"));
    free(path);
}

static void damaged_pages__are_found_and_said(void **state)
{
    struct store *owner = open_as(*state, STORE_OWNER);
    char id[16];
    OK(store_begin(owner, STORE_DURABLE, &error));
    for (int i = 0; i < 3000; i++) {
        snprintf(id, sizeof id, "%d", i);
        struct run run = {.id = id, .number = i, .reason = "a reason that takes some room on its page"};
        OK(store_put(owner, &run_type, &run, &error));
    }
    OK(store_commit(owner, NULL, &error));
    store_close(owner);
    char *path = path_join(*state, "store.db");
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    char noise[4096];
    memset(noise, 0xa5, sizeof noise);
    for (off_t at = 4096 * 80; at < status.st_size; at += 4096 * 3)
        assert_int_equal(pwrite(fd, noise, sizeof noise, at), sizeof noise);
    close(fd);
    free(path);
    struct store *reader = open_as(*state, STORE_READER);
    struct error refused = {0};
    assert_false(store_verify(reader, &refused));
    assert_int_equal(refused.code, ERROR_CORRUPT);
    struct store_query query = {.type = &run_type, .index = "number"};
    struct arena arena = {0};
    struct run *rows;
    size_t count;
    error_clear(&refused);
    assert_false(store_list(reader, &query, &arena, &rows, &count, &refused));
    assert_int_equal(refused.code, ERROR_CORRUPT);
    assert_true(refused.hint[0] != '\0');
    arena_release(&arena);
    store_close(reader);
}

static void unknown_word__in_a_row_is_damage_and_named(void **state)
{
    struct store *owner = open_as(*state, STORE_OWNER);
    put_run(owner, "1");
    store_close(owner);
    with_database(*state, "UPDATE runs SET status = 'splendid'");
    struct store *reader = open_as(*state, STORE_READER);
    struct arena arena = {0};
    struct run run;
    struct error refused = {0};
    assert_int_equal(store_get(reader, &run_type, "1", &arena, &run, &refused), STORE_ERROR);
    assert_int_equal(refused.code, ERROR_DAMAGED);
    assert_string_equal(refused.message, "runs 1 cannot be read");
    assert_string_equal(refused.detail, "its status is 'splendid', which no berth wrote");
    arena_release(&arena);
    store_close(reader);
}

/* Puts rows until one transaction fails; the error of it. `*kept` were committed. */
static struct error fill_up(struct store *store, int *kept)
{
    struct error refused = {0};
    char *fat = mem_alloc(100001);
    memset(fat, 'x', 100000);
    fat[100000] = '\0';
    for (*kept = 0; *kept < 1000; ++*kept) {
        char id[16];
        snprintf(id, sizeof id, "%d", *kept);
        struct policy_row row = {.id = id, .text = fat};
        if (!store_begin(store, STORE_DURABLE, &refused))
            break;
        bool put = store_put(store, &policy_type, &row, &refused);
        if (!put)
            store_abandon(store);
        if (!put || !store_commit(store, NULL, &refused))
            break;
    }
    free(fat);
    return refused;
}

static void full_disk__keeps_what_was_committed_and_goes_on(void **state)
{
    struct error opened = {0};
    struct sqlite_options options = {.page_limit = 600};
    struct store *owner = store_open_with(*state, STORE_OWNER, &options, &opened);
    assert_non_null(owner);
    int kept;
    struct error refused = fill_up(owner, &kept);
    assert_int_equal(refused.code, ERROR_FULL);
    assert_true(refused.hint[0] != '\0');
    assert_true(kept > 5);
    struct store_query query = {.type = &policy_type};
    int64_t count;
    OK(store_count(owner, &query, &count, &error));
    assert_int_equal(count, kept);
    OK(store_begin(owner, STORE_DURABLE, &error));
    OK(store_remove(owner, &policy_type, "0", &error));
    OK(store_commit(owner, NULL, &error));
    put_run(owner, "1"); /* there is room again */
    OK(store_verify(owner, &error));
    store_close(owner);
}

static void file_size_limit__is_a_failure_like_any_other(void **state)
{
    store_close(open_as(*state, STORE_OWNER));
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit limit = {.rlim_cur = 2000000, .rlim_max = 2000000};
        struct sigaction ignore = {.sa_handler = SIG_IGN};
        sigaction(SIGXFSZ, &ignore, NULL);
        setrlimit(RLIMIT_FSIZE, &limit);
        struct store *store = store_open(*state, STORE_OWNER, NULL);
        int kept;
        struct error refused = fill_up(store, &kept);
        store_close(store);
        _exit(refused.code == ERROR_FULL || refused.code == ERROR_IO ? kept : 255);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) > 3 && WEXITSTATUS(status) < 255);
    struct store *owner = open_as(*state, STORE_OWNER);
    struct store_query query = {.type = &policy_type};
    int64_t count;
    OK(store_count(owner, &query, &count, &error));
    assert_int_equal(count, WEXITSTATUS(status));
    OK(store_verify(owner, &error));
    store_close(owner);
}

static void read_only_folder__is_said_in_words(void **state)
{
    store_close(open_as(*state, STORE_OWNER));
    char *path = path_join(*state, "store.db");
    assert_int_equal(chmod(path, 0444), 0);
    free(path);
    assert_int_equal(chmod(*state, 0500), 0);
    assert_int_equal(geteuid() == 0 ? chown(*state, 65534, (gid_t)-1) : 0, 0); /* whose it is by then */
    pid_t pid = fork();
    if (pid == 0) {
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(2);
        struct error refused = {0};
        struct store *store = store_open(*state, STORE_OWNER, &refused);
        bool said = !store && refused.code == ERROR_IO && refused.message[0] && refused.detail[0];
        _exit(said ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(geteuid() == 0 ? chown(*state, 0, (gid_t)-1) : 0, 0);
    assert_int_equal(chmod(*state, 0700), 0);
}

/* --- plans ---------------------------------------------------------------------------------------------------------------- */

static bool ignore_row(const void *row, void *context)
{
    (void)row, (void)context;
    return true;
}

static void assert_no_sorting(struct sqlite *sqlite)
{
    size_t at = 0;
    const char *sql;
    void *value;
    while (map_next(&sqlite->statements, &at, &sql, &value)) {
        if (strncmp(sql, "SELECT \"id\"", 11) != 0)
            continue;
        struct str explain = STR_INIT;
        str_addf(&explain, "EXPLAIN QUERY PLAN %s", sql);
        sqlite3_stmt *handle;
        assert_int_equal(sqlite3_prepare_v2(sqlite->db, explain.data, -1, &handle, NULL), SQLITE_OK);
        while (sqlite3_step(handle) == SQLITE_ROW) {
            const char *line = (const char *)sqlite3_column_text(handle, 3);
            if (strstr(line, "TEMP B-TREE") || (strstr(sql, "WHERE") && strncmp(line, "SCAN", 4) == 0))
                fail_msg("%s: %s", sql, line);
        }
        sqlite3_finalize(handle);
        str_release(&explain);
    }
}

static void queries__by_every_index_search_and_never_sort(void **state)
{
    struct store *owner = open_as(*state, STORE_OWNER);
    size_t count;
    const struct record_type *const *types = record_types(&count);
    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; i < types[t]->index_count; i++) {
            const struct record_index *index = &types[t]->indexes[i];
            struct store_query query = {.type = types[t], .index = index->name, .limit = 5};
            for (size_t equal = 0; equal < RECORD_INDEX_COLUMNS && index->columns[equal]; equal++) {
                if (equal > 0 || !index->unique)
                    OK(store_each(owner, &query, ignore_row, NULL, &error));
                query.descending = !query.descending;
                const struct column *column = record_column(types[t], index->columns[equal]);
                query.equal[equal] = cell_is_text(column) || column->type == COLUMN_ENUM ? "x" : "1";
            }
            OK(store_each(owner, &query, ignore_row, NULL, &error));
        }
    }
    assert_no_sorting(sqlite_of(owner->backend));
    store_close(owner);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(reader__sees_while_the_owner_lives_and_after),
        IN_A_FOLDER(bracket__is_one_moment_whatever_others_commit),
        IN_A_FOLDER(owner__wants_the_folder_for_itself),
        IN_A_FOLDER(client__submits_and_the_owner_sees),
        IN_A_FOLDER(client__speaks_for_nobody_but_its_own_user),
        IN_A_FOLDER(files__are_the_owners_alone),
        IN_A_FOLDER(epoch__taken_by_another_stops_the_one_before),
        IN_A_FOLDER(folder_for__is_one_for_one_place_and_workspace),
        IN_A_FOLDER(newer_store__is_refused_unless_it_says_we_may),
        IN_A_FOLDER(older_store__is_migrated_by_its_owner_alone),
        IN_A_FOLDER(failed_migration__leaves_the_older_store),
        IN_A_FOLDER(strange_file__is_refused_with_what_to_do),
        IN_A_FOLDER(damaged_pages__are_found_and_said),
        IN_A_FOLDER(unknown_word__in_a_row_is_damage_and_named),
        IN_A_FOLDER(full_disk__keeps_what_was_committed_and_goes_on),
        IN_A_FOLDER(file_size_limit__is_a_failure_like_any_other),
        IN_A_FOLDER(read_only_folder__is_said_in_words),
        IN_A_FOLDER(queries__by_every_index_search_and_never_sort),
    };
    return cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
}
