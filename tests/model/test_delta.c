/* SPDX-License-Identifier: ISC */
/* What is different between two plans: each kind of difference, the order, what may not be seen, thousands of changes. */
#include "berth/model/delta.h"

#include "berth/base/str.h"
#include "berth/model/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#define MANY 5000
#if defined(__SANITIZE_ADDRESS__)
#define SLOWED 20
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLOWED 20
#endif
#endif
#ifndef SLOWED
#define SLOWED 1 /* times what it takes without a sanitizer */
#endif
#define MANY_LIMIT_US (20000 * SLOWED)

static struct plan plan_of(const char *address, int action, int64_t position, const char *changes)
{
    return (struct plan){.id = address,
                         .run = "1",
                         .address = address,
                         .action = action,
                         .position = position,
                         .changes = changes,
                         .digest = changes};
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A line a part: "kind address/part was>now*" (* it removes), each value below it as " kind path". */
static char *told(const struct plan *was, size_t was_count, const struct plan *now, size_t now_count)
{
    struct delta delta;
    struct str out = STR_INIT;
    delta_make(&delta, was, was_count, now, now_count);
    for (size_t i = 0; i < delta.parts.count; i++) {
        const struct delta_part *part = &delta.parts.items[i];
        str_addf(&out, "%s %s%s%s %s>%s%s\n", delta_kind_names[part->kind], part->address, *part->path ? "/" : "",
                 part->path, part->was_action, part->now_action, part->removes ? "*" : "");
        for (size_t k = 0; k < part->value_count; k++) {
            const struct delta_value *value = &delta.values.items[part->first_value + k];
            str_addf(&out, "  %s %s\n", delta_kind_names[value->kind], value->path);
        }
    }
    delta_release(&delta);
    return str_take(&out);
}

static void assert_told(const struct plan *was, size_t was_count, const struct plan *now, size_t now_count,
                        const char *expected)
{
    char *text = told(was, was_count, now, now_count);
    assert_string_equal(text, expected);
    free(text);
}

#define INNER(path, action, attributes) \
    "{\"action\":\"" action "\",\"attributes\":[" attributes "],\"kind\":\"k\",\"path\":\"" path "\"}"
#define VALUE(path, before, after) "{\"after\":" after ",\"before\":" before ",\"path\":\"" path "\"}"
#define SECRET(path, before, after) \
    "{\"after\":\"hmac:" after "\",\"before\":\"hmac:" before "\",\"path\":\"" path "\",\"sensitive\":true}"
#define LATER(path) "{\"after\":null,\"before\":null,\"path\":\"" path "\",\"unknown\":true}"

static void the_same_plan__is_as_approved(void **state)
{
    const struct plan plans[] = {
        plan_of("a", PLAN_RUN, 0, "[" VALUE("commit", "\"1\"", "\"2\"") "]"),
        plan_of("b", PLAN_UPDATE, 1, "[" INNER("x", "create", VALUE("v", "null", "1")) "]"),
        plan_of("c", PLAN_NONE, 2, ""),
    };
    struct delta delta;
    struct str text = STR_INIT;
    (void)state;
    assert_told(plans, 3, plans, 3, "same a run>run\nsame b/x create>create\n");
    delta_make(&delta, plans, 3, plans, 3);
    assert_true(delta_is_covered(&delta));
    delta_say(&delta, "as approved by alice now", &text);
    assert_string_equal(text.data, "2 of 2 as approved by alice now");
    delta_release(&delta);
    delta_make(&delta, plans, 3, plans, 0);
    str_clear(&text);
    delta_say(&delta, "as approved", &text);
    assert_string_equal(text.data, "nothing is planned now; before it was 2 as approved");
    str_release(&text);
    delta_release(&delta);
}

static void parts__that_came_and_went_are_named(void **state)
{
    const struct plan was[] = {
        plan_of("m", PLAN_UPDATE, 0, "[" INNER("x", "create", "") "," INNER("y", "update", "") "]"),
        plan_of("gone", PLAN_RUN, 1, "[]"), plan_of("stays", PLAN_RUN, 2, "[]")};
    const struct plan now[] = {
        plan_of("m", PLAN_UPDATE, 0, "[" INNER("x", "create", "") "," INNER("z", "create", LATER("id")) "]"),
        plan_of("gone", PLAN_NONE, 1, ""), plan_of("stays", PLAN_RUN, 2, "[]"),
        plan_of("new", PLAN_CREATE, 3, "[" VALUE("run", "null", "\"x\"") "]")};
    (void)state;
    assert_told(was, COUNT(was), now, COUNT(now),
                "new m/z >create\n  new id\ngone m/y update>\nsame m/x create>create\n"
                "new new >create\n  new run\n"
                "gone gone run>\n"
                "same stays run>run\n");
}

static void another_action__is_told_with_the_values_that_differ(void **state)
{
    const struct plan was[] = {
        plan_of("m", PLAN_UPDATE, 0, "[" INNER("x", "update", VALUE("a", "1", "2") "," VALUE("b", "1", "1")) "]"),
        plan_of("d", PLAN_DEFERRED, 1, "")};
    const struct plan now[] = {
        plan_of("m", PLAN_UPDATE, 0, "[" INNER("x", "replace", VALUE("a", "1", "3") "," VALUE("b", "1", "1")) "]"),
        plan_of("d", PLAN_REPLACE, 1, "[]")};
    (void)state;
    assert_told(was, 2, now, 2, "action m/x update>replace*\n  values a\naction d deferred>replace*\n");
}

static void other_values__are_told_by_path(void **state)
{
    const struct plan was[] = {
        plan_of("m", PLAN_UPDATE, 0,
                "[" INNER("x", "update",
                          VALUE("a", "1", "2") "," VALUE("b", "1", "2") "," VALUE("c", "1", "2") "," LATER("d")) "]"),
        plan_of("e", PLAN_RUN, 1, "[" VALUE("commit", "\"1\"", "\"2\"") "]")};
    const struct plan now[] = {plan_of("m", PLAN_UPDATE, 0,
                                       "[" INNER("x", "update",
                                                 VALUE("a", "1", "2") "," VALUE("b", "0", "2") "," VALUE(
                                                     "d", "null", "7") "," VALUE("f", "1", "2")) "]"),
                               plan_of("e", PLAN_RUN, 1, "[" VALUE("commit", "\"1\"", "\"3\"") "]")};
    (void)state;
    assert_told(was, 2, now, 2,
                "values m/x update>update\n  values b\n  new f\n  gone c\nvalues e run>run\n  values commit\n");
}

static void what_is_left_of_it__is_as_approved(void **state)
{
    const struct plan was[] = {plan_of("m", PLAN_UPDATE, 0,
                                       "[" INNER("x", "replace", VALUE("a", "1", "2") "," LATER("id")) "," INNER(
                                           "y", "create", LATER("id")) "]"),
                               plan_of("o", PLAN_UPDATE, 1, "[" INNER("z", "create", "") "]")};
    const struct plan now[] = {
        plan_of(
            "m", PLAN_UPDATE, 0,
            "[" INNER(
                "x", "create",
                VALUE(
                    "a", "null",
                    "2")) ","
                          "{\"action\":\"destroy\",\"attributes\":[],\"deposed\":\"77\",\"kind\":\"k\",\"path\":\"x\"}," INNER(
                              "y", "create", VALUE("id", "null", "\"i\"")) "]"),
        plan_of("o", PLAN_UPDATE, 1, "")};
    (void)state;
    assert_told(was, 2, now, 2,
                "gone o/z create>\nsame o update>update\n"
                "same m/x replace>destroy\n"
                "same m/x replace>create\nsame m/y create>create\n");
}

static void what_takes_away_and_is_new__comes_first(void **state)
{
    const struct plan was[] = {plan_of("a", PLAN_DESTROY, 0, "[]"),
                               plan_of("m", PLAN_UPDATE, 2, "[" INNER("q", "update", VALUE("v", "1", "2")) "]")};
    const struct plan now[] = {
        plan_of("a", PLAN_DESTROY, 0, "[]"), plan_of("b", PLAN_CREATE, 1, "[]"),
        plan_of("m", PLAN_UPDATE, 2,
                "[" INNER("p", "create", "") "," INNER("q", "update", VALUE("v", "1", "3")) "," INNER(
                    "r", "destroy", "") "," INNER("s", "replace", "") "]"),
        plan_of("z", PLAN_DESTROY, 3, "[]")};
    struct plan other_way[COUNT(now)];
    struct delta delta;
    struct str text = STR_INIT;
    (void)state;
    static const char expected[] =
        "new m/r >destroy*\nnew m/s >replace*\nvalues m/q update>update\n  values v\nnew m/p >create\n"
        "new z >destroy*\nnew b >create\nsame a destroy>destroy\n";
    assert_told(was, COUNT(was), now, COUNT(now), expected);
    for (size_t i = 0; i < COUNT(now); i++)
        other_way[i] = now[COUNT(now) - 1 - i];
    assert_told(was, COUNT(was), other_way, COUNT(now), expected);
    delta_make(&delta, was, COUNT(was), now, COUNT(now));
    delta_say(&delta, "as approved", &text);
    assert_string_equal(text.data, "1 of 7 as approved; 5 new, 1 different (3 remove)");
    assert_false(delta_is_covered(&delta));
    str_release(&text);
    delta_release(&delta);
}

static void a_sensitive_value__is_told_to_differ_and_no_more(void **state)
{
    const struct plan was[] = {
        plan_of("m", PLAN_UPDATE, 0, "[" INNER("x", "update", SECRET("pw", "1", "2") "," SECRET("key", "1", "2")) "]")};
    const struct plan now[] = {
        plan_of("m", PLAN_UPDATE, 0, "[" INNER("x", "update", SECRET("pw", "1", "3") "," SECRET("key", "1", "2")) "]")};
    struct delta delta;
    (void)state;
    assert_told(was, 1, now, 1, "values m/x update>update\n  values pw\n");
    delta_make(&delta, was, 1, now, 1);
    assert_true(delta_value_is_sensitive(&delta.values.items[0]));
    json_t *json = delta_to_json(&delta);
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    assert_null(strstr(text, "hmac"));
    assert_non_null(strstr(text, "{\"kind\":\"values\",\"path\":\"pw\",\"sensitive\":true}"));
    assert_non_null(
        strstr(text, "\"counts\":{\"different\":1,\"gone\":0,\"new\":0,\"planned\":1,\"removes\":0,\"same\":0}"));
    free(text);
    json_decref(json);
    delta_release(&delta);
}

static void a_hostile_plan__is_compared_as_data(void **state)
{
    static const char *const texts[] = {"",
                                        "[]",
                                        "7",
                                        "{}",
                                        "[1,null,\"x\",[],{\"attributes\":9},{\"path\":5,\"kind\":1}]",
                                        "not json",
                                        "[" INNER("x", "none", "7,null") "," INNER("x", "", "") "]"};
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        for (size_t k = 0; k < COUNT(texts); k++)
            for (int action = PLAN_NONE; action <= PLAN_FORGET; action++) {
                const struct plan was = plan_of("a", action, 0, texts[i]), now = plan_of("a", PLAN_UPDATE, 0, texts[k]);
                struct delta delta;
                delta_make(&delta, &was, 1, &now, 1);
                json_decref(delta_to_json(&delta));
                delta_release(&delta);
            }
}

static char *many(int shift)
{
    struct str text = STR_INIT;
    str_add_char(&text, '[');
    for (int i = 0; i < MANY; i++)
        str_addf(
            &text,
            "%s{\"action\":\"%s\",\"attributes\":[{\"after\":%d,\"before\":%d,\"path\":\"input\"},{\"after\":null,"
            "\"before\":null,\"path\":\"id\",\"unknown\":true}],\"kind\":\"terraform_data\",\"path\":\"terraform_data.x[%d]\"}",
            i ? "," : "", i % 3 ? "create" : "update", i + i % 2 * shift, i, i + i % 7 / 6 * shift * MANY);
    str_add_char(&text, ']');
    return str_take(&text);
}

/* What this thread took, whoever else is at work on the machine. */
static int64_t cpu_us(void)
{
    struct timespec at;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at), 0);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static void five_thousand_changes__take_no_time(void **state)
{
    char *was_text = many(0), *now_text = many(1);
    const struct plan was = plan_of("m", PLAN_UPDATE, 0, was_text), now = plan_of("m", PLAN_UPDATE, 0, now_text);
    json_t *was_list = json_column(was_text), *now_list = json_column(now_text);
    struct delta delta;
    int64_t best = INT64_MAX, best_whole = INT64_MAX;
    (void)state;
    for (int i = 0; i < 5; i++) {
        int64_t from = cpu_us();
        delta_of_changes(&delta, "m", was_list, now_list);
        int64_t took = cpu_us() - from;
        best = took < best ? took : best;
        assert_int_equal(delta.counts.planned, MANY);
        assert_int_equal(delta.counts.added, delta.counts.gone);
        assert_true(delta.counts.added > MANY / 8 && delta.counts.different > MANY / 3);
        delta_release(&delta);
        from = cpu_us();
        delta_make(&delta, &was, 1, &now, 1);
        took = cpu_us() - from;
        best_whole = took < best_whole ? took : best_whole;
        delta_release(&delta);
    }
    print_message("%d changes: compared in %lld us, read and compared in %lld us\n", MANY, (long long)best,
                  (long long)best_whole);
    if (!getenv("BERTH_UNDER_VALGRIND"))
        assert_true(best < MANY_LIMIT_US);
    json_decref(was_list);
    json_decref(now_list);
    free(was_text);
    free(now_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_plan__is_as_approved),
        cmocka_unit_test(parts__that_came_and_went_are_named),
        cmocka_unit_test(another_action__is_told_with_the_values_that_differ),
        cmocka_unit_test(other_values__are_told_by_path),
        cmocka_unit_test(what_is_left_of_it__is_as_approved),
        cmocka_unit_test(what_takes_away_and_is_new__comes_first),
        cmocka_unit_test(a_sensitive_value__is_told_to_differ_and_no_more),
        cmocka_unit_test(a_hostile_plan__is_compared_as_data),
        cmocka_unit_test(five_thousand_changes__take_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
