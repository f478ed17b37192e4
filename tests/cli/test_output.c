/* SPDX-License-Identifier: ISC */
/* What is printed on a terminal: sentences wrapped and never cut, names that no locale can lose. */
#include "cli/output.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void assert_wrapped(int width, const char *text, const char *wanted)
{
    struct cli cli = {.width = width};
    char *printed = NULL;
    size_t size;
    FILE *out = open_memstream(&printed, &size);

    assert_non_null(out);
    print_wrapped(&cli, text, out);
    fclose(out);
    assert_string_equal(printed, wanted);
    free(printed);
    arena_release(&cli.arena);
}

static void sentence__is_wrapped_between_words_and_whole(void **state)
{
    (void)state;
    assert_wrapped(0, "as long as it is", "as long as it is\n");
    assert_wrapped(12, "as long as it is", "as long as\n  it is\n");
    assert_wrapped(16, "as long as it is", "as long as it is\n");
    assert_wrapped(8, "aaaaaaaaaaaaaaaa b", "aaaaaaaaaaaaaaaa\n  b\n"); /* a word is never broken */
    assert_wrapped(20, "one\ntwo", "one\ntwo\n");
}

static void tree__keeps_its_columns_when_wrapped(void **state)
{
    (void)state;
    assert_wrapped(30, "yes   role   anna has admin by berth.yaml",
                   "yes   role   anna has admin by\n             berth.yaml\n");
    assert_wrapped(30, "  NO  source  nothing brings it there",
                   "  NO  source  nothing brings\n              it there\n");
    assert_wrapped(12, "  é      ü ü ü ü",
                   "  é      ü ü\n    ü ü\n"); /* cells, not bytes; too far right: near the edge */
}

static void name__on_a_terminal_without_utf8_is_an_escape(void **state)
{
    struct cli cli = {.ascii = true, .terminal = true};

    (void)state;
    assert_string_equal(shown(&cli, "fix/é"), "fix/\\u{e9}");
    assert_string_equal(shown(&cli, "fix/😀"), "fix/\\u{1f600}");
    cli.terminal = false;
    assert_string_equal(shown(&cli, "fix/é"), "fix/é");
    arena_release(&cli.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentence__is_wrapped_between_words_and_whole),
        cmocka_unit_test(tree__keeps_its_columns_when_wrapped),
        cmocka_unit_test(name__on_a_terminal_without_utf8_is_an_escape),
    };

    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
