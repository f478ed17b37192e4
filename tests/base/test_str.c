/* SPDX-License-Identifier: ISC */
/* The growing string and the questions asked of text. */
#include "prelude.h"

#include "berth/base/str.h"

static void str__is_empty_and_terminated_from_the_start(void **state)
{
    (void)state;
    struct str str = STR_INIT;
    assert_string_equal(str.data, "");
    str_clear(&str);
    str_cut(&str, 0);
    str_consume(&str, 0);
    str_add(&str, NULL);
    str_add_bytes(&str, NULL, 0);
    str_addf(&str, "%s", "");
    assert_ptr_equal(str.data, str_empty);
    char *taken = str_take(&str);
    assert_string_equal(taken, "");
    free(taken);
    str_release(&str);
}

static void str__adds_cuts_consumes_and_holds_any_byte(void **state)
{
    (void)state;
    struct str str;
    str_init(&str);
    str_add(&str, "abc");
    str_add_char(&str, '\0');
    str_add_bytes(&str, "d\0e", 3);
    assert_int_equal(str.length, 7);
    assert_memory_equal(str.data, "abc\0d\0e", 8);
    str_consume(&str, 4);
    assert_memory_equal(str.data, "d\0e", 4);
    str_cut(&str, 1);
    assert_string_equal(str.data, "d");
    str_add_fill(&str, '-', 3);
    for (int i = 0; i < 200; i++)
        str_addf(&str, "%d,", i);
    assert_true(strncmp(str.data, "d---0,1,2,", 10) == 0);
    assert_true(text_ends(str.data, "198,199,"));
    assert_int_equal(str.length, strlen(str.data));
    char *end = str_reserve(&str, 2);
    end[0] = 'x';
    str_grew(&str, 1);
    assert_true(text_ends(str.data, "199,x"));
    char *taken = str_take(&str);
    assert_int_equal(str.length, 0);
    free(taken);
}

static void text_copy__never_cuts_a_character_in_two(void **state)
{
    (void)state;
    char buffer[6];
    assert_true(text_copy(buffer, sizeof buffer, "abcde"));
    assert_false(text_copy(buffer, sizeof buffer, "abcdef"));
    assert_string_equal(buffer, "abcde");
    assert_false(text_copy(buffer, sizeof buffer, "abcd\xc3\xa9"));
    assert_string_equal(buffer, "abcd");
    assert_false(text_copy(buffer, sizeof buffer, "ab\xf0\x9f\x90\x8b"));
    assert_string_equal(buffer, "ab");
    assert_true(text_copy(buffer, sizeof buffer, NULL));
    assert_string_equal(buffer, "");
}

static void text_to_int__takes_whole_numbers_only(void **state)
{
    (void)state;
    long long number = 7;
    assert_true(text_to_int("0", &number) && number == 0);
    assert_true(text_to_int("-42", &number) && number == -42);
    assert_true(text_to_int("+9223372036854775807", &number) && number == INT64_MAX);
    const char *const bad[] = {"", "-", " 1", "1 ", "1x", "0x10", "1.0", "9223372036854775808", NULL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        number = 7;
        assert_false(text_to_int(bad[i], &number));
        assert_int_equal(number, 7);
    }
}

static void text_questions__count_null_as_empty(void **state)
{
    (void)state;
    assert_true(text_equal(NULL, ""));
    assert_true(text_empty(NULL) && text_empty("") && !text_empty(" "));
    assert_true(text_starts("feature/x", "feature/") && !text_starts("feat", "feature"));
    assert_true(text_ends("a.yaml", ".yaml") && !text_ends("aml", ".yaml") && text_ends(NULL, NULL));
}

struct glob {
    const char *pattern, *text;
    bool matches;
};

static void text_glob__follows_its_three_rules(void **state)
{
    (void)state;
    static const struct glob globs[] = {
        {"main", "main", true},
        {"main", "mains", false},
        {"main", "mai", false},
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "abc", true},
        {"*", "a/b", false},
        {"**", "a/b/c", true},
        {"**", "", true},
        {"feature/*", "feature/x", true},
        {"feature/*", "feature/", true},
        {"feature/*", "feature/x/y", false},
        {"feature/**", "feature/x/y", true},
        {"feature/**", "feature", false},
        {"**/wip-*", "a/b/wip-1", true},
        {"**/wip-*", "wip-1", false},
        {"**/wip-*", "a/wip-1/b", false},
        {"*a*b", "xaxaxb", true},
        {"*a*b", "xaxaxbc", false},
        {"*/x*b", "p/xqqb", true},
        {"**a*c", "a/b/a1c", true},
        {"**a*c", "a/b/a/c", false},
        {"***x", "a/x", true},
        {"?", "a", true},
        {"?", "/", false},
        {"?", "", false},
        {"?", "\xc3\xa9", true},
        {"a?c",
         "a\xf0\x9f\x90\x8b"
         "c",
         true},
        {"??", "\xc3\xa9", false},
        {"v?.*", "v1.2", true},
        {"[ab]", "a", false},
        {"[ab]", "[ab]", true},
        {"a.c", "abc", false},
    };
    for (size_t i = 0; i < sizeof globs / sizeof *globs; i++) {
        if (text_glob(globs[i].pattern, globs[i].text) != globs[i].matches)
            fail_msg("\"%s\" on \"%s\" should give %d", globs[i].pattern, globs[i].text, globs[i].matches);
    }
}

/* The definition itself, exponential: only for short texts. */
static bool glob_by_definition(const char *pattern, const char *text)
{
    if (!*pattern)
        return !*text;
    if (pattern[0] == '*' && pattern[1] == '*')
        return glob_by_definition(pattern + 2, text) || (*text && glob_by_definition(pattern, text + 1));
    if (pattern[0] == '*')
        return glob_by_definition(pattern + 1, text) ||
               (*text && *text != '/' && glob_by_definition(pattern, text + 1));
    return *text && (*pattern == *text || (*pattern == '?' && *text != '/')) &&
           glob_by_definition(pattern + 1, text + 1);
}

static void text_glob__agrees_with_its_definition_on_all_short_patterns(void **state)
{
    (void)state;
    const char letters[] = "a/*?", of_text[] = "a/";
    for (int p = 0; p < 1024; p++) {
        char pattern[6] = "";
        for (int i = 0; i < 5; i++)
            pattern[i] = letters[p >> (2 * i) & 3];
        for (int t = 0; t < 128; t++) {
            char text[8] = "";
            int length = t % 7;
            for (int i = 0; i < length; i++)
                text[i] = of_text[t >> i & 1];
            if (text_glob(pattern, text) != glob_by_definition(pattern, text))
                fail_msg("\"%s\" on \"%s\"", pattern, text);
        }
    }
}

static void text_glob__stays_quick_on_hostile_patterns(void **state)
{
    (void)state;
    char pattern[600], text[5001];
    for (size_t i = 0; i + 1 < sizeof pattern; i += 2)
        memcpy(pattern + i, "*a", 2);
    pattern[sizeof pattern - 2] = 'b';
    pattern[sizeof pattern - 1] = '\0';
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_false(text_glob(pattern, text)); /* a backtracking matcher would not come back */
}

static void text_nearest__finds_typos_and_nothing_else(void **state)
{
    (void)state;
    static const char *const names[] = {"deploy", "destroy", "rollback", "approve"};
    assert_int_equal(text_distance("deploy", "deploy"), 0);
    assert_int_equal(text_distance("deploy", "depoly"), 1);
    assert_int_equal(text_distance("", "abc"), 3);
    assert_int_equal(text_distance("kitten", "sitting"), 3);
    assert_string_equal(text_nearest("depoly", names, 4), "deploy");
    assert_string_equal(text_nearest("destory", names, 4), "destroy");
    assert_null(text_nearest("promote", names, 4));
    assert_null(text_nearest("", names, 4));
    char long_word[300];
    memset(long_word, 'x', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    assert_int_equal(text_distance(long_word, "y"), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(str__is_empty_and_terminated_from_the_start),
        cmocka_unit_test(str__adds_cuts_consumes_and_holds_any_byte),
        cmocka_unit_test(text_copy__never_cuts_a_character_in_two),
        cmocka_unit_test(text_to_int__takes_whole_numbers_only),
        cmocka_unit_test(text_questions__count_null_as_empty),
        cmocka_unit_test(text_glob__follows_its_three_rules),
        cmocka_unit_test(text_glob__agrees_with_its_definition_on_all_short_patterns),
        cmocka_unit_test(text_glob__stays_quick_on_hostile_patterns),
        cmocka_unit_test(text_nearest__finds_typos_and_nothing_else),
    };
    return TESTS_RUN(tests);
}
