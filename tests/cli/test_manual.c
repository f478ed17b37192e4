/* SPDX-License-Identifier: ISC */
/* The manual page's COMMANDS and KEYS, and doc/commands.md, are those of the tables. BERTH_UPDATE=1 writes them. */
#include "berth/command.h"
#include "berth/ui.h"

#include "berth/base/file.h"
#include "berth/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PAGE TEST_SRCDIR "/doc/berth.1"
#define REFERENCE TEST_SRCDIR "/doc/commands.md"
#define PAGE_LIMIT (1u << 20)

static void manual__holds_the_commands_and_keys_of_the_tables(void **state)
{
    struct str page = STR_INIT, manual = STR_INIT, whole = STR_INIT;
    const char *begin, *end;

    (void)state;
    assert_true(file_read(PAGE, PAGE_LIMIT, &page, NULL));
    begin = strstr(page.data, ".SH COMMANDS\n");
    end = strstr(page.data, ".SH FILES\n");
    assert_true(begin != NULL && end != NULL && begin < end);
    verbs_manual(&manual);
    str_add(&manual, ".SH KEYS\n");
    ui_keys_manual(&manual);
    if (manual.data[manual.length - 1] != '\n')
        str_add_char(&manual, '\n');
    str_add_bytes(&whole, page.data, (size_t)(begin - page.data));
    str_add(&whole, manual.data);
    str_add(&whole, end);
    if (getenv("BERTH_UPDATE") != NULL)
        assert_true(file_replace(PAGE, whole.data, whole.length, 0644, FILE_RELAXED, NULL));
    else if (strcmp(page.data, whole.data) != 0)
        fail_msg("doc/berth.1 is not what the tables say: BERTH_UPDATE=1 tests/cli/test_manual writes it");
    str_release(&page);
    str_release(&manual);
    str_release(&whole);
}

static void reference__is_what_the_table_says(void **state)
{
    struct str page = STR_INIT, wanted = STR_INIT;

    (void)state;
    verbs_reference(&wanted);
    if (getenv("BERTH_UPDATE") != NULL)
        assert_true(file_replace(REFERENCE, wanted.data, wanted.length, 0644, FILE_RELAXED, NULL));
    assert_true(file_read(REFERENCE, PAGE_LIMIT, &page, NULL));
    if (strcmp(page.data, wanted.data) != 0)
        fail_msg("doc/commands.md is not what the table says: BERTH_UPDATE=1 tests/cli/test_manual writes it");
    str_release(&page);
    str_release(&wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(manual__holds_the_commands_and_keys_of_the_tables),
        cmocka_unit_test(reference__is_what_the_table_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
