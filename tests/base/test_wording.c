/* SPDX-License-Identifier: ISC */
/* Ages, what is left, commits and persons as people read them. */
#include "prelude.h"

#include "berth/base/time.h"
#include "berth/base/wording.h"

#define NOW (INT64_C(1795269909000))

static void assert_said(struct str *out, const char *wanted)
{
    assert_string_equal(out->data, wanted);
    str_clear(out);
}

static void age__is_one_unit_of_the_past_and_two_of_what_is_to_come(void **state)
{
    struct str out = STR_INIT;
    (void)state;
    wording_age(&out, 0, NOW);
    assert_said(&out, "-");
    wording_age(&out, NOW - 5, NOW);
    assert_said(&out, "now");
    wording_age(&out, NOW - 2 * MS_DAY + 1, NOW);
    assert_said(&out, "1d");
    wording_age(&out, NOW + 2 * MS_DAY - 1, NOW);
    assert_said(&out, "2d");
    wording_age(&out, NOW + 2 * MS_DAY - 31 * MS_MINUTE, NOW);
    assert_said(&out, "1d23h");
    str_release(&out);
}

static void ago__is_a_word_of_a_sentence(void **state)
{
    struct str out = STR_INIT;
    (void)state;
    wording_ago(&out, 0, NOW);
    assert_said(&out, "never");
    wording_ago(&out, NOW - 5, NOW);
    assert_said(&out, "now");
    wording_ago(&out, NOW - 41 * MS_MINUTE, NOW);
    assert_said(&out, "41m ago");
    wording_ago(&out, NOW + 3 * MS_HOUR, NOW);
    assert_said(&out, "in 3h");
    wording_ago(&out, NOW + 5, NOW);
    assert_said(&out, "now");
    str_release(&out);
}

static void left__is_never_an_hour_short_of_what_was_set(void **state)
{
    static const struct {
        int64_t ms;
        const char *said;
    } cases[] = {{-1, "now"},
                 {0, "now"},
                 {400, "now"},
                 {MS_SECOND, "1s"},
                 {10 * MS_MINUTE - 1, "10m"},
                 {37 * MS_MINUTE + 59 * MS_SECOND, "38m"},
                 {5 * MS_MINUTE + 10 * MS_SECOND, "5m10s"},
                 {8 * MS_HOUR - 1, "8h"},
                 {2 * MS_DAY - 20 * MS_SECOND, "2d"},
                 {MS_HOUR + 30 * MS_MINUTE, "1h30m"}};
    struct str out = STR_INIT;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wording_left(&out, cases[i].ms);
        assert_said(&out, cases[i].said);
    }
    str_release(&out);
}

static void took__keeps_the_milliseconds_of_a_short_step(void **state)
{
    struct str out = STR_INIT;
    (void)state;
    wording_took(&out, NOW, 0);
    assert_said(&out, "-");
    wording_took(&out, NOW, NOW + 340);
    assert_said(&out, "340ms");
    wording_took(&out, NOW, NOW);
    assert_said(&out, "0s");
    wording_took(&out, NOW, NOW + 130 * MS_SECOND);
    assert_said(&out, "2m10s");
    wording_took(&out, NOW, NOW - 1); /* the clock went back */
    assert_said(&out, "0s");
    str_release(&out);
}

static void commit__is_eight_digits_and_cut_at_a_character(void **state)
{
    struct str out = STR_INIT;
    (void)state;
    wording_commit(&out, "9f3c1abdeadbeef0");
    assert_said(&out, "9f3c1abd");
    wording_commit(&out, "");
    assert_said(&out, "-");
    wording_commit(&out, NULL);
    assert_said(&out, "-");
    wording_commit(&out, "abc");
    assert_said(&out, "abc");
    wording_commit(&out, "1234567\xc3\xa4");
    assert_said(&out, "1234567");
    str_release(&out);
}

static void person__is_the_name_else_the_actor(void **state)
{
    struct str out = STR_INIT;
    (void)state;
    wording_person(&out, "anna", "uid:1000");
    assert_said(&out, "anna");
    wording_person(&out, "", "uid:1000");
    assert_said(&out, "uid:1000");
    wording_person(&out, NULL, "");
    assert_said(&out, "-");
    str_release(&out);
}

static void because__says_no_status_twice(void **state)
{
    struct str out = STR_INIT;
    (void)state;
    wording_because(&out, "rolled back", "rolled back by run 7: back at release v3");
    assert_said(&out, " by run 7: back at release v3");
    wording_because(&out, "failed", "failed");
    assert_said(&out, "");
    wording_because(&out, "failed", "failed: exit 1");
    assert_said(&out, ": exit 1");
    wording_because(&out, "held", "heldover is missing");
    assert_said(&out, ": heldover is missing");
    wording_because(&out, "failed", "apply.server exited with 1");
    assert_said(&out, ": apply.server exited with 1");
    wording_because(&out, "done", "");
    assert_said(&out, "");
    wording_because(&out, "done", NULL);
    assert_said(&out, "");
    str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(age__is_one_unit_of_the_past_and_two_of_what_is_to_come),
        cmocka_unit_test(ago__is_a_word_of_a_sentence),
        cmocka_unit_test(left__is_never_an_hour_short_of_what_was_set),
        cmocka_unit_test(took__keeps_the_milliseconds_of_a_short_step),
        cmocka_unit_test(commit__is_eight_digits_and_cut_at_a_character),
        cmocka_unit_test(person__is_the_name_else_the_actor),
        cmocka_unit_test(because__says_no_status_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
