/* SPDX-License-Identifier: ISC */
/* Text from outside: what may reach a terminal, how wide it is, slugs and quotes. */
#include "prelude.h"

#include "berth/base/text.h"

#include <utf8proc.h>

struct pair {
    const char *in, *out;
};

static void check_visible(const char *in, size_t count, enum text_form form, const char *expected)
{
    struct str out = STR_INIT;
    text_visible(&out, in, count, form);
    assert_string_equal(out.data, expected);
    assert_int_equal(out.length, strlen(expected));
    str_release(&out);
}

static void check_pairs(const struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_visible(pairs[i].in, strlen(pairs[i].in), TEXT_ONE_LINE, pairs[i].out);
}
#define CHECK_PAIRS(pairs) check_pairs(pairs, sizeof(pairs) / sizeof *(pairs))

static void visible__leaves_ordinary_text_alone(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"", ""},
        {"feature/login page", "feature/login page"},
        {"Grüße, naïve café — ½", "Grüße, naïve café — ½"},
        {"日本語 한국어 العربية עברית हिन्दी", "日本語 한국어 العربية עברית हिन्दी"},
        {"e\xcc\x81", "e\xcc\x81"},
        {"back\\slash `${{ }}` $(rm) 'q\"", "back\\slash `${{ }}` $(rm) 'q\""},
    };
    CHECK_PAIRS(pairs);
}

static void visible__escapes_every_c0_control_and_del(void **state)
{
    (void)state;
    for (int c = 0; c < 0x20; c++) {
        char in[3] = {'a', (char)c, 'b'}, expected[16];
        snprintf(expected, sizeof expected, "a\\x%02xb", (unsigned)c);
        check_visible(in, 3, TEXT_ONE_LINE, expected);
        if (c != '\n' && c != '\t')
            check_visible(in, 3, TEXT_LINES, expected);
    }
    check_visible("\x7f", 1, TEXT_ONE_LINE, "\\x7f");
    check_visible("\x1b]0;title\x07", 10, TEXT_ONE_LINE, "\\x1b]0;title\\x07");
}

static void visible__escapes_c1_as_bytes_and_as_characters(void **state)
{
    (void)state;
    for (unsigned c = 0x80; c < 0xa0; c++) {
        char byte = (char)c, two[2] = {'\xc2', (char)c}, expected[16];
        snprintf(expected, sizeof expected, "\\x%02x", c);
        check_visible(&byte, 1, TEXT_ONE_LINE, expected);
        snprintf(expected, sizeof expected, "\\u{%04x}", c);
        check_visible(two, 2, TEXT_LINES, expected);
    }
}

static void visible__escapes_bidi_marks_zero_widths_tags_and_separators(void **state)
{
    (void)state;
    static const int32_t harmful[] = {
        0x00ad,   0x061c, 0x180e, 0x200b, 0x200c, 0x200d,  0x200e,  0x200f,  0x2028,  0x2029,  0x202a,  0x202b,
        0x202c,   0x202d, 0x202e, 0x2060, 0x2061, 0x2066,  0x2067,  0x2068,  0x2069,  0x206a,  0xfeff,  0xfff9,
        0xfffe,   0xffff, 0xfdd0, 0xe000, 0xf8ff, 0xe0001, 0xe0041, 0xe007f, 0xe0100, 0x1fffe, 0x2ffff, 0xf0000,
        0x10ffff, 0x0378, 0x3164, 0xffa0, 0x115f, 0x2800,  0x034f,  0xfe00,  0xfe0f,  0x1d173,
    };
    for (size_t i = 0; i < sizeof harmful / sizeof *harmful; i++) {
        struct str in = STR_INIT;
        char expected[32];
        utf8proc_uint8_t bytes[4];
        utf8proc_ssize_t length = utf8proc_encode_char(harmful[i], bytes);
        str_add(&in, "ab");
        str_add_bytes(&in, bytes, (size_t)length);
        str_add(&in, "c");
        snprintf(expected, sizeof expected, "ab\\u{%04x}c", (unsigned)harmful[i]);
        check_visible(in.data, in.length, TEXT_ONE_LINE, expected);
        check_visible(in.data, in.length, TEXT_LINES, expected);
        str_release(&in);
    }
}

static void visible__escapes_each_byte_that_is_no_utf8(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"\xff", "\\xff"},
        {"\xc0\x80", "\\xc0\\x80"},                            /* overlong NUL */
        {"\xc1\x9b", "\\xc1\\x9b"},                            /* overlong [ */
        {"\xe0\x80\x9b", "\\xe0\\x80\\x9b"},                   /* overlong, holds a C1 byte */
        {"\xf0\x80\x80\x9b", "\\xf0\\x80\\x80\\x9b"},          /* overlong */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},                   /* surrogate */
        {"\xed\xbf\xbf", "\\xed\\xbf\\xbf"},                   /* surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},          /* beyond U+10FFFF */
        {"a\xe2\x82", "a\\xe2\\x82"},                          /* cut short */
        {"caf\xe9 ole", "caf\\xe9 ole"},                       /* Latin-1 */
        {"\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80"}, /* five bytes */
    };
    CHECK_PAIRS(pairs);
    check_visible("a\0b", 3, TEXT_ONE_LINE, "a\\x00b");
}

static void visible__keeps_emoji_with_joiners_tones_and_selectors(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"🐋", "🐋"},
        {"👩‍🚀 ok", "👩‍🚀 ok"},
        {"👩🏽‍🚀", "👩🏽‍🚀"},
        {"👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"},
        {"❤\xef\xb8\x8f", "❤\xef\xb8\x8f"},
        {"🏳\xef\xb8\x8f\xe2\x80\x8d🌈", "🏳\xef\xb8\x8f\xe2\x80\x8d🌈"},
        {"1\xef\xb8\x8f\xe2\x83\xa3", "1\xef\xb8\x8f\xe2\x83\xa3"},
        {"🇩🇪", "🇩🇪"},
        /* a joiner that joins nothing */
        {"👩\xe2\x80\x8d", "👩\\u{200d}"},
        {"👩\xe2\x80\x8d\xe2\x80\x8d🚀", "👩\\u{200d}\\u{200d}🚀"},
        {"a\xe2\x80\x8d🚀", "a\\u{200d}🚀"},
        {"👩\xe2\x80\x8d"
         "a",
         "👩\\u{200d}a"},
        {"a\xef\xb8\x8f", "a\\u{fe0f}"},
        {"1\xef\xb8\x8f", "1\\u{fe0f}"},
    };
    CHECK_PAIRS(pairs);
}

static void visible__escapes_marks_without_base_and_past_the_eighth(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"\xcc\x81x", "\\u{0301}x"},
        {"a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81"
         "b\xcc\x81",
         "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\\u{0301}"
         "b\xcc\x81"},
    };
    CHECK_PAIRS(pairs);
    check_visible("a\n\xcc\x81", 4, TEXT_LINES, "a\n\\u{0301}");
}

static void visible__keeps_lines_and_expands_tabs_when_asked(void **state)
{
    (void)state;
    check_visible("a\tb\n\tc\r\n", 8, TEXT_LINES, "a       b\n        c\\x0d\n");
    check_visible("12345678\tx", 10, TEXT_LINES, "12345678        x");
    check_visible("日\tx", 5, TEXT_LINES, "日      x");
    check_visible("a\tb\n", 4, TEXT_ONE_LINE, "a\\x09b\\x0a");
}

/* What must never come out, said without the code under test. */
static void assert_harmless(const struct str *out)
{
    assert_true(text_valid(out->data, out->length));
    int32_t before = -1;
    int marks = 0;
    for (size_t at = 0; at < out->length;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t length =
            utf8proc_iterate((const utf8proc_uint8_t *)out->data + at, (utf8proc_ssize_t)(out->length - at), &c);
        assert_true(length > 0);
        at += (size_t)length;
        assert_true(c >= 0x20 && !(c >= 0x7f && c < 0xa0));
        utf8proc_category_t category = utf8proc_category(c);
        assert_true(category != UTF8PROC_CATEGORY_CN && category != UTF8PROC_CATEGORY_CO);
        assert_true(category != UTF8PROC_CATEGORY_ZL && category != UTF8PROC_CATEGORY_ZP);
        assert_true(category != UTF8PROC_CATEGORY_CF || (c == 0x200d && before > 0x80));
        marks = category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME ? marks + 1 : 0;
        assert_true(marks <= 10);
        before = c;
    }
}

/* Bytes that like to be harmful, in all orders that a fixed generator finds. */
static void visible__never_lets_a_control_through_whatever_comes(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "a",
        "\x1b",
        "\x9b",
        "\xc2\x9b",
        "\xe2\x80\xae",
        "\xe2\x80\x8d",
        "👩",
        "🚀",
        "\xcc\x81",
        "\xef\xb8\x8f",
        "\xef\xb8\x8e",
        "\xf3\xa0\x81\x81",
        "\xed\xa0\x80",
        "\xff",
        "\n",
        "\t",
        "\xc2",
        "\xe2\x80",
        "\xf0\x9f",
        "🏽",
        "1",
        "\xe2\x83\xa3",
        "🇩",
        "\x7f",
        "\r",
        "\xef\xbf\xbf",
        "日",
    };
    uint32_t random = 1;
    struct str in = STR_INIT, out = STR_INIT;
    for (int round = 0; round < 20000; round++) {
        str_clear(&in);
        str_clear(&out);
        for (int i = 0; i < 40; i++) {
            random = random * 1664525 + 1013904223;
            str_add(&in, pieces[(random >> 16) % (sizeof pieces / sizeof *pieces)]);
        }
        text_visible(&out, in.data, in.length, TEXT_ONE_LINE);
        assert_harmless(&out);
        str_clear(&out);
        text_visible(&out, in.data, in.length, TEXT_LINES);
        for (char *line = out.data, *end; line; line = end) {
            end = strchr(line, '\n');
            struct str one = STR_INIT;
            str_add_bytes(&one, line, end ? (size_t)(end - line) : strlen(line));
            assert_harmless(&one);
            str_release(&one);
            end = end ? end + 1 : NULL;
        }
    }
    str_release(&in);
    str_release(&out);
}

static void visible__takes_names_of_200_hostile_bytes(void **state)
{
    (void)state;
    char in[200];
    struct str out = STR_INIT;
    memset(in, 0x9b, sizeof in);
    text_visible(&out, in, sizeof in, TEXT_ONE_LINE);
    assert_int_equal(out.length, 800);
    assert_harmless(&out);
    str_release(&out);
}

static void valid__refuses_overlong_forms_and_surrogates(void **state)
{
    (void)state;
    assert_true(text_valid("", 0));
    assert_true(text_valid("aé日🐋", strlen("aé日🐋")));
    assert_false(text_valid("\xc0\xaf", 2));
    assert_false(text_valid("\xed\xa0\x80", 3));
    assert_false(text_valid("a\xe2\x82", 3));
    assert_false(text_valid("\xf4\x90\x80\x80", 4));
}

static void width__counts_cells_of_clusters(void **state)
{
    (void)state;
    assert_int_equal(text_width(""), 0);
    assert_int_equal(text_width(NULL), 0);
    assert_int_equal(text_width("abc"), 3);
    assert_int_equal(text_width("é"), 1);
    assert_int_equal(text_width("e\xcc\x81"), 1);
    assert_int_equal(text_width("日本"), 4);
    assert_int_equal(text_width("🐋"), 2);
    assert_int_equal(text_width("👩‍🚀"), 2);
    assert_int_equal(text_width("👩🏽‍🚀"), 2);
    assert_int_equal(text_width("🇩🇪"), 2);
    assert_int_equal(text_width("a🐋b"), 4);
}

static void check_fit(const char *text, int width, bool ascii, const char *expected, int cells)
{
    struct str out = STR_INIT;
    assert_int_equal(text_fit(&out, text, width, ascii), cells);
    assert_string_equal(out.data, expected);
    str_release(&out);
}

static void fit__marks_the_cut_and_never_passes_the_width(void **state)
{
    (void)state;
    check_fit("hello", 5, false, "hello", 5);
    check_fit("hello", 4, false, "hel…", 4);
    check_fit("hello", 4, true, "hel>", 4);
    check_fit("hello", 1, false, "…", 1);
    check_fit("hello", 0, false, "", 0);
    check_fit("hello", -3, false, "", 0);
    check_fit("", 4, false, "", 0);
    check_fit("日本語", 6, false, "日本語", 6);
    check_fit("日本語", 5, false, "日本…", 5);
    check_fit("日本語", 4, false, "日…", 3);
    check_fit("ae\xcc\x81i", 2, false, "a…", 2);
    static const char mixed[] = "a日🐋e\xcc\x81👩‍🚀zz日";
    for (int width = 0; width < 15; width++) {
        struct str out = STR_INIT;
        int cells = text_fit(&out, mixed, width, false);
        assert_int_equal(cells, text_width(out.data));
        assert_true(cells <= width && (cells >= width - 1 || cells == text_width(mixed)));
        str_release(&out);
    }
}

static void shell_quote__shows_one_argument(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"plain-1.2/x=y", "plain-1.2/x=y"}, {"", "''"}, {"a b", "'a b'"}, {"it's", "'it'\\''s'"}, {"$(x)", "'$(x)'"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct str out = STR_INIT;
        text_shell_quote(&out, pairs[i].in);
        assert_string_equal(out.data, pairs[i].out);
        str_release(&out);
    }
}

static void json_quote__makes_valid_strings_of_any_bytes(void **state)
{
    (void)state;
    struct str out = STR_INIT;
    text_json_quote(&out, "a\"b\\c\n\t\x01\0é\xff/", 12);
    assert_string_equal(out.data, "\"a\\\"b\\\\c\\n\\t\\u0001\\u0000é\\ufffd\"");
    str_clear(&out);
    text_json_quote(&out, "\x7f\xc2\x9b\xe2\x80\xae\xe2\x80\xa8\xf3\xa0\x81\x81", 13);
    assert_string_equal(out.data, "\"\\u007f\\u009b\\u202e\\u2028\\udb40\\udc41\"");
    str_release(&out);
}

static void check_slug(const char *in, size_t max, const char *expected)
{
    struct str out = STR_INIT;
    text_slug(&out, in, max);
    assert_string_equal(out.data, expected);
    str_release(&out);
}

static void slug__keeps_what_is_one_and_marks_what_was_changed(void **state)
{
    (void)state;
    check_slug("main", 40, "main");
    check_slug("release-1", 40, "release-1");
    check_slug("feature/login", 40, "feature-login-df7c7a");
    check_slug("Main", 40, "main-eb814b");
    check_slug("Übergrößen", 40, "ubergrossen-bde2ac");
    check_slug("", 40, "x-e3b0c4");
    check_slug("日本", 40, "x-cf2abf");
    check_slug("1.2", 40, "x1-2-77ac31");
    check_slug("abc-123456", 40, "abc-123456-e76804"); /* looks hashed */
    check_slug("a-very-long-branch-name", 12, "a-ver-a6bbdc");
}

static void slug__keeps_distinct_inputs_distinct(void **state)
{
    (void)state;
    static const char *const heads[] = {"feature/", "Feature/", "feature-", "fix/", "", "ünï-", "feature//", "-", "9"};
    static const char *const tails[] = {"", "-", "/", "-4dd5a7", ".", "--", "X", "\xff"};
    enum { HEADS = sizeof heads / sizeof *heads, TAILS = sizeof tails / sizeof *tails, MIDDLES = 12 };
    char *slugs[HEADS * TAILS * MIDDLES], *inputs[HEADS * TAILS * MIDDLES];
    size_t count = 0;
    for (size_t h = 0; h < HEADS; h++) {
        for (size_t t = 0; t < TAILS; t++) {
            for (size_t m = 0; m < MIDDLES; m++) {
                struct str in = STR_INIT, out = STR_INIT;
                str_addf(&in, "%s%.*s%s", heads[h], (int)(m * 3), "login-page-for-everybody-of-the-team", tails[t]);
                text_slug(&out, in.data, 24);
                assert_true(out.length <= 24 && out.data[0] >= 'a' && out.data[0] <= 'z');
                assert_int_equal(strspn(out.data, "abcdefghijklmnopqrstuvwxyz0123456789-"), out.length);
                assert_int_not_equal(out.data[out.length - 1], '-');
                for (size_t i = 0; i < count; i++)
                    assert_true(text_equal(inputs[i], in.data) == text_equal(slugs[i], out.data));
                inputs[count] = str_take(&in);
                slugs[count++] = str_take(&out);
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        free(inputs[i]);
        free(slugs[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(visible__leaves_ordinary_text_alone),
        cmocka_unit_test(visible__escapes_every_c0_control_and_del),
        cmocka_unit_test(visible__escapes_c1_as_bytes_and_as_characters),
        cmocka_unit_test(visible__escapes_bidi_marks_zero_widths_tags_and_separators),
        cmocka_unit_test(visible__escapes_each_byte_that_is_no_utf8),
        cmocka_unit_test(visible__keeps_emoji_with_joiners_tones_and_selectors),
        cmocka_unit_test(visible__escapes_marks_without_base_and_past_the_eighth),
        cmocka_unit_test(visible__keeps_lines_and_expands_tabs_when_asked),
        cmocka_unit_test(visible__never_lets_a_control_through_whatever_comes),
        cmocka_unit_test(visible__takes_names_of_200_hostile_bytes),
        cmocka_unit_test(valid__refuses_overlong_forms_and_surrogates),
        cmocka_unit_test(width__counts_cells_of_clusters),
        cmocka_unit_test(fit__marks_the_cut_and_never_passes_the_width),
        cmocka_unit_test(shell_quote__shows_one_argument),
        cmocka_unit_test(json_quote__makes_valid_strings_of_any_bytes),
        cmocka_unit_test(slug__keeps_what_is_one_and_marks_what_was_changed),
        cmocka_unit_test(slug__keeps_distinct_inputs_distinct),
    };
    return TESTS_RUN(tests);
}
