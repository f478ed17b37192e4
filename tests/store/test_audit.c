/* SPDX-License-Identifier: ISC */
/* The audit chain under somebody else's hand: whatever is changed in the database is found, and where. */
#include "berth/store.h"

#include "berth/base/file.h"
#include "berth/model/ledger.h"
#include "ok.h"
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sqlite3.h>
#include <cmocka.h>

#define ENTRIES 6

static int set_up(void **state)
{
    char *folder = place_make();
    struct error opened = {0};
    struct store *store = store_open(folder, STORE_OWNER, &opened);
    assert_non_null(store);
    for (int i = 0; i < ENTRIES; i++) {
        struct audit entry = {.action = "go",
                              .actor = "u1",
                              .person = "alice",
                              .via = "tui",
                              .target = "x",
                              .environment = "E",
                              .run = "17",
                              .result = "ok",
                              .reason = "why",
                              .detail = "{\"n\":1e3}"};
        OK(store_begin(store, STORE_DURABLE, &error));
        OK(store_audit(store, &entry, &error));
        OK(store_commit(store, NULL, &error));
    }
    store_close(store);
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    place_remove(*state);
    return 0;
}

/* What somebody with the file in hand could do. */
static void tamper(const char *folder, const char *sql)
{
    char *path = path_join(folder, "store.db");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_true(sqlite3_total_changes(db) > 0);
    sqlite3_close(db);
    free(path);
}

/* The error of the check, which must fail; `*good` entries before the break. */
static struct error check(const char *folder, int64_t *good)
{
    struct error opened = {0}, refused = {0};
    struct store *store = store_open(folder, STORE_READER, &opened);
    assert_non_null(store);
    assert_false(store_verify_audit(store, good, &refused));
    assert_int_equal(refused.code, ERROR_CORRUPT);
    store_close(store);
    return refused;
}

static void one_byte__of_any_column_is_found_with_entry_and_column(void **state)
{
    const char *folder = *state;
    /* To name the byte many are tried, which takes valgrind minutes: there a few columns must do. */
    const size_t step = getenv("BERTH_UNDER_VALGRIND") ? 9 : 1;
    for (int sequence = 1; sequence <= ENTRIES; sequence += ENTRIES - 2) {
        for (size_t c = 0; c < audit_type.column_count; c += step) {
            const struct column *column = &audit_type.columns[c];
            if (strcmp(column->name, "previous") == 0 && sequence == 1)
                continue; /* empty: it has no byte */
            char id[32], sql[400], back[400], key[40];
            snprintf(id, sizeof id, "%016d", sequence);
            bool is_id = strcmp(column->name, "id") == 0;
            snprintf(key, sizeof key, is_id ? "sequence = %d" : "id = '%016d'", sequence);
            if (cell_is_text(column)) { /* the last byte, one higher; and back */
                snprintf(sql, sizeof sql,
                         "UPDATE audit SET \"%s\" = substr(\"%s\", 1, length(\"%s\") - 1) ||"
                         " char(unicode(substr(\"%s\", -1)) + 1) WHERE %s",
                         column->name, column->name, column->name, column->name, key);
                snprintf(back, sizeof back,
                         "UPDATE audit SET \"%s\" = substr(\"%s\", 1, length(\"%s\") - 1) ||"
                         " char(unicode(substr(\"%s\", -1)) - 1) WHERE %s",
                         column->name, column->name, column->name, column->name, key);
            } else {
                snprintf(sql, sizeof sql, "UPDATE audit SET \"%s\" = \"%s\" + 1 WHERE %s", column->name, column->name,
                         key);
                snprintf(back, sizeof back, "UPDATE audit SET \"%s\" = \"%s\" - 1 WHERE %s", column->name, column->name,
                         key);
            }
            if (is_id) { /* a changed id moves the entry; 'x' sorts after all, so its old place is empty */
                snprintf(sql, sizeof sql, "UPDATE audit SET id = '000000000000000x' WHERE %s", key);
                snprintf(back, sizeof back, "UPDATE audit SET id = '%s' WHERE %s", id, key);
            }
            tamper(folder, sql);
            int64_t good;
            struct error refused = check(folder, &good);
            assert_int_equal(good, sequence - 1);
            if (!strstr(refused.message, id))
                fail_msg("%s of entry %s: %s", column->name, id, refused.message);
            char named[64];
            snprintf(named, sizeof named, "column %s", column->name);
            if (!strstr(refused.detail, named))
                fail_msg("%s of entry %s: %s", column->name, id, refused.detail);
            tamper(folder, back);
        }
    }
    struct error opened = {0};
    struct store *store = store_open(folder, STORE_READER, &opened);
    int64_t entries;
    OK(store_verify_audit(store, &entries, &error));
    assert_int_equal(entries, ENTRIES);
    store_close(store);
}

static void changed_byte__is_told_with_what_it_was(void **state)
{
    tamper(*state, "UPDATE audit SET person = 'alicf' WHERE sequence = 3");
    int64_t good;
    struct error refused = check(*state, &good);
    assert_string_equal(refused.detail, "column person: byte 5 is 0x66 and was 0x65");
    assert_string_equal(refused.message, "the audit is broken at entry 0000000000000003");
}

static void detail__in_another_form_of_the_same_value_is_found(void **state)
{
    tamper(*state, "UPDATE audit SET detail = replace(detail, '1000.0', '1000.00') WHERE sequence = 2");
    int64_t good;
    struct error refused = check(*state, &good);
    assert_int_equal(good, 1);
    assert_non_null(strstr(refused.detail, "detail"));
}

static void several_bytes__are_found_and_not_blamed_on_one_column(void **state)
{
    tamper(*state, "UPDATE audit SET person = 'mallory', reason = 'none' WHERE sequence = 4");
    int64_t good;
    struct error refused = check(*state, &good);
    assert_int_equal(good, 3);
    assert_non_null(strstr(refused.detail, "more than one byte"));
}

static void removed_entry__is_missed(void **state)
{
    tamper(*state, "DELETE FROM audit WHERE sequence = 3");
    int64_t good;
    struct error refused = check(*state, &good);
    assert_int_equal(good, 2);
    assert_non_null(strstr(refused.message, "0000000000000003"));
    assert_non_null(strstr(refused.detail, "removed"));
}

static void entries_cut_off_at_the_end__are_missed(void **state)
{
    tamper(*state, "DELETE FROM audit WHERE sequence > 4");
    int64_t good;
    struct error refused = check(*state, &good);
    assert_int_equal(good, 4);
    assert_string_equal(refused.detail, "6 entries were written, 4 are there");
}

static void entries_that_changed_places__are_found(void **state)
{
    tamper(*state, "UPDATE audit SET id = 'x' WHERE sequence = 2;"
                   "UPDATE audit SET id = '0000000000000002', sequence = 2 WHERE sequence = 3;"
                   "UPDATE audit SET id = '0000000000000003', sequence = 3 WHERE id = 'x'");
    int64_t good;
    check(*state, &good);
    assert_int_equal(good, 1);
}

static void chain_written_anew__is_found_by_its_head(void **state)
{
    /* A forger who knows the hash can make a whole chain, but must also write the head: then only the pushed ref tells. */
    tamper(*state, "UPDATE meta SET text = replace(text, substr(text, 1, 1), 'z') WHERE name = 'audit.head'");
    int64_t good;
    struct error refused = check(*state, &good);
    assert_int_equal(good, ENTRIES);
    assert_non_null(strstr(refused.detail, "last"));
}

#define TAMPERED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TAMPERED(one_byte__of_any_column_is_found_with_entry_and_column),
        TAMPERED(changed_byte__is_told_with_what_it_was),
        TAMPERED(detail__in_another_form_of_the_same_value_is_found),
        TAMPERED(several_bytes__are_found_and_not_blamed_on_one_column),
        TAMPERED(removed_entry__is_missed),
        TAMPERED(entries_cut_off_at_the_end__are_missed),
        TAMPERED(entries_that_changed_places__are_found),
        TAMPERED(chain_written_anew__is_found_by_its_head),
    };
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
