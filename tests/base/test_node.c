/* SPDX-License-Identifier: ISC */
/* YAML with positions, its limits, and lists of problems. */
#include "prelude.h"

#include "berth/base/node.h"
#include "berth/base/str.h"

struct reading {
    struct arena arena;
    struct problems problems;
    struct node *root;
};

static void read_text(struct reading *reading, const char *text, size_t length)
{
    *reading = (struct reading){0};
    problems_init(&reading->problems, &reading->arena);
    reading->root = node_parse(&reading->arena, "f.yaml", text, length, &reading->problems);
}

static void forget(struct reading *reading)
{
    problems_release(&reading->problems);
    arena_release(&reading->arena);
}

static void check_json(const char *yaml, const char *expected)
{
    struct reading reading;
    struct str out = STR_INIT;
    read_text(&reading, yaml, strlen(yaml));
    if (!reading.root)
        fail_msg("%s: %s", yaml, reading.problems.list.items[0].message);
    node_to_json(reading.root, &out);
    assert_string_equal(out.data, expected);
    str_release(&out);
    forget(&reading);
}

/* The first problem lies at line:column and its message holds the words. */
static void check_problem(const char *yaml, int line, int column, const char *words)
{
    struct reading reading;
    read_text(&reading, yaml, strlen(yaml));
    assert_null(reading.root);
    assert_true(reading.problems.list.count >= 1);
    const struct problem *problem = &reading.problems.list.items[0];
    if (problem->line != line || problem->column != column || !strstr(problem->message, words))
        fail_msg("%s: got %d:%d: %s", yaml, problem->line, problem->column, problem->message);
    forget(&reading);
}

static void node__reads_the_core_schema_and_nothing_else(void **state)
{
    (void)state;
    check_json("", "null");
    check_json("# only a comment\n", "null");
    check_json("[null, ~, Null, NULL, '', ]", "[null,null,null,null,\"\"]");
    check_json("[true, True, FALSE, yes, on, off, y]", "[true,true,false,\"yes\",\"on\",\"off\",\"y\"]");
    check_json("[0, -7, +12, 0x1F, 0o17, 017, 9223372036854775807]", "[0,-7,12,31,15,17,9223372036854775807]");
    check_json("[1.5, .5, 1., -1e3, 1e400, .inf, -.INF, .nan]",
               "[1.5,0.5,1,-1000,\"1e400\",\".inf\",\"-.INF\",\".nan\"]");
    check_json("['1', \"true\", '~', 1_000, 0x, 1e, ., -, +, 1.2.3, 12:30, -.nan]",
               "[\"1\",\"true\",\"~\",\"1_000\",\"0x\",\"1e\",\".\",\"-\",\"+\",\"1.2.3\",\"12:30\",\"-.nan\"]");
    check_json("[99999999999999999999, -0, -0.0]", "[1e+20,0,0]");
    check_json("[!!str 12, !!float 3, !!int '4', ! 5]", "[\"12\",3,4,\"5\"]");
}

static void node__takes_json_and_sorts_it(void **state)
{
    (void)state;
    check_json("{\"b\": [1, {\"z\": null, \"a\": \"\\u00e9\\n\"}], \"a\": -0.25e1}",
               "{\"a\":-2.5,\"b\":[1,{\"a\":\"é\\n\",\"z\":null}]}");
    check_json("b: 1\na:\n  - x\n  - c: |\n      text\n", "{\"a\":[\"x\",{\"c\":\"text\\n\"}],\"b\":1}");
}

static void node__knows_where_each_value_stands(void **state)
{
    (void)state;
    static const char text[] = "version: 1\n"
                               "environments:\n"
                               "  - name: dev\n"
                               "    é: [a, bb]\n";
    struct reading reading;
    read_text(&reading, text, strlen(text));
    assert_non_null(reading.root);
    const struct node *list = node_get(reading.root, "environments"), *first = list->items[0];
    assert_int_equal(node_get(reading.root, "version")->line, 1);
    assert_int_equal(node_get(reading.root, "version")->column, 10);
    assert_int_equal(node_get(reading.root, "version")->number, 1);
    assert_int_equal(first->pairs[0].key->line, 3);
    assert_int_equal(first->pairs[0].key->column, 5);
    const struct node *bb = node_get(first, "é")->items[1];
    assert_int_equal(bb->line, 4);
    assert_int_equal(bb->column, 12); /* characters, not bytes */
    assert_null(node_get(first, "nothing"));
    assert_null(node_get(bb, "x"));
    assert_null(node_get(NULL, "x"));
    forget(&reading);
}

static void node__expands_aliases_by_reference(void **state)
{
    (void)state;
    check_json("a: &x {k: [1, 2]}\nb: *x\nc: [*x, *x]\n",
               "{\"a\":{\"k\":[1,2]},\"b\":{\"k\":[1,2]},\"c\":[{\"k\":[1,2]},{\"k\":[1,2]}]}");
    check_json("[&k name, {*k : 1}]", "[\"name\",{\"name\":1}]");
    check_json("[&a 1, *a, &a 2, *a]", "[1,1,2,2]");
}

static void node__refuses_with_the_position(void **state)
{
    (void)state;
    check_problem("a: 1\nb: 2\na: 3\n", 3, 1, "\"a\" is there twice");
    check_problem("x: &d {a: 1}\ny:\n  <<: *d\n", 3, 3, "merge keys");
    check_problem("a: !ruby/object:Gem::Installer x\n", 1, 4, "tag");
    check_problem("a: !!binary aGk=\n", 1, 4, "tag");
    check_problem("a: !!int x\n", 1, 4, "tagged as a whole number");
    check_problem("a: !!seq {}\n", 1, 4, "tag");
    check_problem("a: 1\n---\nb: 2\n", 2, 1, "second document");
    check_problem("[a]: 1\n", 1, 1, "a key is a list");
    check_problem("? {a: 1}\n: 1\n", 1, 3, "a key is a map");
    check_problem("a: *nowhere\n", 1, 4, "no anchor");
    check_problem("a: &x [1, *x]\n", 1, 11, "inside of what it names");
    check_problem("a: \"x\\0y\"\n", 1, 4, "NUL");
    check_problem("a: [1, 2\nb: 3\n", 2, 2, "");
    check_problem("a: 'open\n", 2, 1, "quoted scalar");
    check_problem("a: b: c\n", 1, 5, "");
    check_problem("é: ok\nb: \xff\n", 2, 4, "");
    check_problem("\xc3\xa9\xc3\xa9: \xff\n", 1, 5, "");
    check_problem("a: \x1b[1m\n", 1, 4, "control characters");
}

static void node__reports_all_problems_not_the_first_alone(void **state)
{
    (void)state;
    static const char text[] = "a: 1\na: 2\nb: !x 3\nc: *no\nd: {k: 1, k: 2}\n";
    struct reading reading;
    read_text(&reading, text, strlen(text));
    assert_null(reading.root);
    assert_int_equal(reading.problems.errors, 4);
    forget(&reading);
}

static void node__finds_duplicates_in_large_maps(void **state)
{
    (void)state;
    struct str text = STR_INIT;
    for (int i = 0; i < 5000; i++)
        str_addf(&text, "key-%d: %d\n", i, i);
    struct reading reading;
    read_text(&reading, text.data, text.length);
    assert_non_null(reading.root);
    assert_int_equal(reading.root->count, 5000);
    forget(&reading);
    str_add(&text, "key-7: again\nkey-4999: again\n");
    read_text(&reading, text.data, text.length);
    assert_int_equal(reading.problems.errors, 2);
    assert_int_equal(reading.problems.list.items[0].line, 5001);
    forget(&reading);
    str_release(&text);
}

static void node__refuses_alias_bombs_without_building_them(void **state)
{
    (void)state;
    struct str text = STR_INIT;
    str_add(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++)
        str_addf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    struct reading reading;
    read_text(&reading, text.data, text.length);
    assert_null(reading.root);
    assert_non_null(strstr(reading.problems.list.items[0].message, "aliases expanded"));
    assert_int_equal(reading.problems.list.items[0].line, 6); /* 10^5 and what came before are in, then it ends */
    assert_true(reading.arena.used_bytes < 100000);
    forget(&reading);
    str_release(&text);
}

/* An alias adds its depth: 40 levels inside of 40 levels are 80. */
static void node__counts_depth_through_aliases(void **state)
{
    (void)state;
    struct reading reading;
    struct str text = STR_INIT;
    for (int inner = 30; inner <= 40; inner += 10) {
        str_clear(&text);
        str_add(&text, "[&a ");
        str_add_fill(&text, '[', (size_t)inner);
        str_add_fill(&text, ']', (size_t)inner);
        str_add(&text, ", ");
        str_add_fill(&text, '[', 30);
        str_add(&text, "*a");
        str_add_fill(&text, ']', 31);
        read_text(&reading, text.data, text.length);
        assert_true(inner == 30 ? reading.root != NULL : reading.root == NULL);
        forget(&reading);
    }
    str_release(&text);
}

static void check_depth_of(size_t depth, bool accepted)
{
    struct reading reading;
    struct str text = STR_INIT;
    str_add_fill(&text, '[', depth);
    str_add_fill(&text, ']', depth);
    read_text(&reading, text.data, text.length);
    assert_true(accepted == (reading.root != NULL));
    forget(&reading);
    str_release(&text);
}

static void node__limits_depth_bytes_and_values(void **state)
{
    (void)state;
    check_depth_of(NODE_LIMIT_DEPTH, true);
    check_depth_of(NODE_LIMIT_DEPTH + 1, false);
    check_depth_of(100000, false);
    struct reading reading;
    struct str text = STR_INIT;
    str_add_char(&text, '[');
    for (unsigned i = 0; i < NODE_LIMIT_NODES; i++)
        str_add(&text, "1,");
    str_add_char(&text, ']');
    read_text(&reading, text.data, text.length);
    assert_null(reading.root);
    forget(&reading);
    str_clear(&text);
    str_add_fill(&text, 'x', NODE_LIMIT_BYTES + 1);
    read_text(&reading, text.data, text.length);
    assert_null(reading.root);
    assert_int_equal(reading.problems.errors, 1);
    forget(&reading);
    str_release(&text);
}

static void node__reads_ten_megabytes(void **state)
{
    (void)state;
    struct str text = STR_INIT;
    while (text.length < (size_t)10 << 20) {
        str_addf(&text, "key%zu: \"", text.length);
        str_add_fill(&text, 'v', 200);
        str_add(&text, "\"\n");
    }
    struct reading reading;
    read_text(&reading, text.data, text.length);
    assert_non_null(reading.root);
    forget(&reading);
    str_release(&text);
}

static void problems__are_sorted_and_counted_past_their_limit(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct problems problems;
    struct error error = {0};
    problems_init(&problems, &arena);
    problem_add(&problems, PROBLEM_WARNING, "a.yaml", 1, 1, "", "warned");
    problem_add(&problems, PROBLEM_ERROR, "b.yaml", 2, 1, "", "last");
    problem_add(&problems, PROBLEM_ERROR, "a.yaml", 9, 5, "write it", "found %d", 7);
    problem_add(&problems, PROBLEM_ERROR, "a.yaml", 9, 2, "", "before it");
    problem_add(&problems, PROBLEM_ERROR, "a.yaml", 9, 5, "", "same place, said later");
    problems_sort(&problems);
    assert_string_equal(problems.list.items[1].message, "before it");
    assert_string_equal(problems.list.items[2].message, "found 7");
    assert_string_equal(problems.list.items[3].message, "same place, said later");
    assert_string_equal(problems.list.items[4].file, "b.yaml");
    assert_false(problems_error(&problems, &error));
    assert_int_equal(error.code, ERROR_CONFIG);
    assert_string_equal(error.message, "a.yaml:9:2: before it");
    assert_string_equal(error.hint, "3 more errors follow");
    for (int i = 0; i < 2 * PROBLEMS_LIMIT; i++)
        problem_add(&problems, PROBLEM_ERROR, "c.yaml", i, 1, NULL, "x");
    assert_int_equal(problems.list.count, PROBLEMS_LIMIT);
    assert_int_equal(problems.errors, 2 * PROBLEMS_LIMIT + 4);
    problems_release(&problems);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(node__reads_the_core_schema_and_nothing_else),
        cmocka_unit_test(node__takes_json_and_sorts_it),
        cmocka_unit_test(node__knows_where_each_value_stands),
        cmocka_unit_test(node__expands_aliases_by_reference),
        cmocka_unit_test(node__refuses_with_the_position),
        cmocka_unit_test(node__reports_all_problems_not_the_first_alone),
        cmocka_unit_test(node__finds_duplicates_in_large_maps),
        cmocka_unit_test(node__refuses_alias_bombs_without_building_them),
        cmocka_unit_test(node__counts_depth_through_aliases),
        cmocka_unit_test(node__limits_depth_bytes_and_values),
        cmocka_unit_test(node__reads_ten_megabytes),
        cmocka_unit_test(problems__are_sorted_and_counted_past_their_limit),
    };
    return TESTS_RUN(tests);
}
