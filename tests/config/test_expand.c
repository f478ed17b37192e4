/* SPDX-License-Identifier: ISC */
/* ${{ }}: replaced once, inside scalars only. */
#include "prelude.h"

#include <jansson.h>

struct trial {
    struct arena arena;
    struct problems problems;
    struct scope *scope;
    struct node *node;
};

static void begin(struct trial *trial, const char *yaml)
{
    *trial = (struct trial){0};
    problems_init(&trial->problems, &trial->arena);
    trial->scope = scope_new();
    scope_set(trial->scope, "branch.slug", "feature-x");
    scope_set(trial->scope, "branch.name", "feature/${{ secret.env.TOKEN }}");
    scope_set(trial->scope, "param.empty", "");
    scope_set(trial->scope, "param.yaml", "a: [1, 2]\nb: c");
    scope_set_typed(trial->scope, "param.replicas", "3", NODE_INT);
    scope_set_typed(trial->scope, "param.debug", "false", NODE_BOOL);
    trial->node = node_parse(&trial->arena, "t.yaml", yaml, strlen(yaml), &trial->problems);
    assert_non_null(trial->node);
}

static void end(struct trial *trial)
{
    scope_free(trial->scope);
    problems_release(&trial->problems);
    arena_release(&trial->arena);
}

static void check_text(const char *yaml, const char *expected)
{
    struct trial trial;
    struct str out = STR_INIT;

    begin(&trial, yaml);
    if (!expand_text(trial.scope, "t.yaml", trial.node, &out, &trial.problems))
        print_problems(&trial.problems);
    assert_string_equal(out.data, expected);
    str_release(&out);
    end(&trial);
}

static void check_fails(const char *yaml, const char *words)
{
    struct trial trial;
    struct str out = STR_INIT;

    begin(&trial, yaml);
    assert_false(expand_text(trial.scope, "t.yaml", trial.node, &out, &trial.problems));
    expect_error(&trial.problems, 1, words);
    str_release(&out);
    end(&trial);
}

static void check_condition(const char *yaml, bool expected)
{
    struct trial trial;
    bool yes = !expected;

    begin(&trial, yaml);
    if (!expand_condition(trial.scope, "t.yaml", trial.node, &yes, &trial.problems))
        print_problems(&trial.problems);
    if (yes != expected)
        fail_msg("%s is %d", yaml, yes);
    end(&trial);
}

static void check_tree(const char *yaml, enum expand_mode mode, const char *expected)
{
    struct trial trial;
    json_t *json;
    char *text;

    begin(&trial, yaml);
    json = expand_tree(trial.scope, "t.yaml", trial.node, mode, &trial.problems);
    expect_no_error(&trial.problems);
    text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    assert_string_equal(text, expected);
    free(text);
    json_decref(json);
    end(&trial);
}

static void text__replaces_paths_and_keeps_the_rest(void **state)
{
    (void)state;
    check_text("\"review/${{ branch.slug }}\"", "review/feature-x");
    check_text("\"${{branch.slug}}-${{   branch.slug\t}}\"", "feature-x-feature-x");
    check_text("plain $ {{ text }} $$", "plain $ {{ text }} $$");
    check_text("\"a${{ param.empty }}b\"", "ab");
    check_text("\"${{ 'it''s' }}\"", "it's");
    check_text("'${{ \"say \"\"x\"\"\" }}'", "say \"x\"");
    check_text("\"${{ '}}' }}!\"", "}}!");
    check_text("\"${{ '${{' }} literally\"", "${{ literally");
}

static void text__a_value_is_never_expanded_again(void **state)
{
    (void)state;
    check_text("\"${{ branch.name }}\"", "feature/${{ secret.env.TOKEN }}");
    check_text("\"${{ branch.name }}/${{ branch.slug }}\"", "feature/${{ secret.env.TOKEN }}/feature-x");
}

static void text__says_what_was_expected(void **state)
{
    (void)state;
    check_fails("\"${{ branch.slog }}\"", "${{ branch.slog }}: it has no value here");
    check_fails("\"${{ branch.slug\"", "expected }} or an operator");
    check_fails("\"${{ }}\"", "expected a path, a number or a 'text', found the end of ${{ }}");
    check_fails("\"${{ branch }}\"", "expected a path such as env.slug");
    check_fails("\"${{ branch. }}\"", "expected a path such as env.slug");
    check_fails("\"${{ 'open }}\"", "expected the closing '");
    check_fails("\"${{ (true }}\"", "expected )");
    check_fails("\"${{ true false }}\"", "expected }} or an operator");
    check_fails("\"${{ 1a.b }}\"", "expected a path, a number");
    check_fails("\"${{ env.a == }}\"", "expected a path, a number");
    check_fails("\"${{ ((((((((((((((((((((((((((((((((((((true)))))))))))))))))))))))))))))))))))) }}\"",
                "nested deeper");
    check_fails("[a]", "expected text, found a list");
}

static void text__hints_at_what_was_meant(void **state)
{
    struct trial trial;
    struct str out = STR_INIT;

    (void)state;
    begin(&trial, "\"${{ branch.slog }}\"");
    assert_false(expand_text(trial.scope, "t.yaml", trial.node, &out, &trial.problems));
    assert_string_equal(trial.problems.list.items[0].hint, "did you mean \"branch.slug\"?");
    str_release(&out);
    end(&trial);
}

static void text__has_limits(void **state)
{
    struct trial trial;
    struct str yaml = STR_INIT, out = STR_INIT, large = STR_INIT;

    (void)state;
    str_add(&yaml, "\"");
    for (int i = 0; i < 300; i++)
        str_add(&yaml, "${{ branch.slug }}");
    str_add(&yaml, "\"");
    begin(&trial, yaml.data);
    assert_false(expand_text(trial.scope, "t.yaml", trial.node, &out, &trial.problems));
    expect_error(&trial.problems, 1, "more than 256 terms");
    end(&trial);
    str_clear(&out);
    begin(&trial, "\"${{ param.large }}${{ param.large }}${{ param.large }}\"");
    str_add_fill(&large, 'x', 500000);
    scope_set(trial.scope, "param.large", large.data);
    assert_false(expand_text(trial.scope, "t.yaml", trial.node, &out, &trial.problems));
    expect_error(&trial.problems, 1, "longer than 1 MB");
    end(&trial);
    str_release(&yaml);
    str_release(&out);
    str_release(&large);
}

static void condition__compares_and_joins(void **state)
{
    (void)state;
    check_condition("true", true);
    check_condition("false", false);
    check_condition("\"${{ branch.slug == 'feature-x' }}\"", true);
    check_condition("\"${{ branch.slug != 'feature-x' }}\"", false);
    check_condition("\"${{ param.replicas == 3 }}\"", true);
    check_condition("\"${{ param.empty }}\"", false);
    check_condition("\"${{ '0' }}\"", false);
    check_condition("\"${{ '00' }}\"", true);
    check_condition("\"${{ !param.empty }}\"", true);
    check_condition("\"${{ !!param.empty }}\"", false);
    check_condition("\"${{ param.debug }}\"", false);
    check_condition("\"${{ param.debug == false }}\"", true);
    check_condition("\"${{ true || false && false }}\"", true);
    check_condition("\"${{ (true || false) && false }}\"", false);
    check_condition("\"${{ false && param.unknown == 'x' }}\"", false);
    check_condition("\"${{ true || param.unknown }}\"", true);
    check_condition("\"${{ branch.slug=='feature-x'&&!(param.replicas!=3) }}\"", true);
}

static void tree__keeps_types_and_never_makes_structure(void **state)
{
    (void)state;
    check_tree("{ a: 1, b: true, c: 1.5, d: \"1\", e: [x, 2] }", EXPAND_ALL,
               "{\"a\":1,\"b\":true,\"c\":1.5,\"d\":\"1\",\"e\":[\"x\",2]}");
    check_tree("{ a: \"${{ param.yaml }}\" }", EXPAND_ALL, "{\"a\":\"a: [1, 2]\\nb: c\"}");
    check_tree("{ a: \"${{ param.replicas }}\", b: \"${{ param.replicas }}x\", c: \"${{ param.debug }}\" }", EXPAND_ALL,
               "{\"a\":3,\"b\":\"3x\",\"c\":false}");
}

static void tree__early_leaves_what_is_known_later_as_parts(void **state)
{
    (void)state;
    check_tree("{ a: \"x-${{ resource.db.outputs.url }}-${{ branch.slug }}\" }", EXPAND_EARLY,
               "{\"a\":{\"$parts\":[\"x-\",{\"path\":\"resource.db.outputs.url\"},\"-feature-x\"]}}");
    check_tree("{ a: \"${{ secret.vault.github/token }}\" }", EXPAND_EARLY,
               "{\"a\":{\"$parts\":[{\"path\":\"secret.vault.github/token\"}]}}");
    check_tree("[\"${{ secret.file./etc/berth/github.pem }}\", \"${{ secret.deployment }}\"]", EXPAND_EARLY,
               "[{\"$parts\":[{\"path\":\"secret.file./etc/berth/github.pem\"}]},{\"$parts\":[{\"path\":\"secret."
               "deployment\"}]}]");
}

static void tree__early_cannot_compare_what_is_known_later(void **state)
{
    struct trial trial;

    (void)state;
    begin(&trial, "{ a: \"${{ resource.db.outputs.url == 'x' }}\" }");
    assert_null(expand_tree(trial.scope, "t.yaml", trial.node, EXPAND_EARLY, &trial.problems));
    expect_error(&trial.problems, 1, "inserted, not compared");
    end(&trial);
}

static void tree__a_key_cannot_forge_parts(void **state)
{
    struct trial trial;

    (void)state;
    begin(&trial, "{ a: { \"$parts\": [ { path: secret.env.X } ] } }");
    assert_null(expand_tree(trial.scope, "t.yaml", trial.node, EXPAND_EARLY, &trial.problems));
    expect_error(&trial.problems, 1, "does not begin with $");
    end(&trial);
}

static void tree__bytes_that_are_no_text_are_told(void **state)
{
    struct trial trial;

    (void)state;
    begin(&trial, "{ a: \"x${{ branch.bad }}\", b: \"${{ branch.bad }}\" }");
    scope_set(trial.scope, "branch.bad", "caf\xe9");
    assert_null(expand_tree(trial.scope, "t.yaml", trial.node, EXPAND_EARLY, &trial.problems));
    expect_error(&trial.problems, 1, "not valid UTF-8");
    end(&trial);
}

static bool resolve(const char *path, struct str *value, void *context, struct error *error)
{
    int *asked = context;

    ++*asked;
    if (strcmp(path, "secret.env.NONE") == 0)
        return error_set(error, ERROR_NOT_FOUND, "there is no secret env.NONE");
    str_addf(value, "<%s ${{ branch.slug }}>", path);
    return true;
}

static void parts__are_resolved_once(void **state)
{
    json_t *tree =
        json_loads("{\"run\":[\"a\",{\"$parts\":[\"p-\",{\"path\":\"secret.env.X\"},\"-s\"]}],\"n\":1}", 0, NULL);
    struct error error = {0};
    int asked = 0;
    json_t *out = expand_parts(tree, resolve, &asked, &error);

    (void)state;
    assert_non_null(out);
    assert_string_equal(json_string_value(json_array_get(json_object_get(out, "run"), 1)),
                        "p-<secret.env.X ${{ branch.slug }}>-s");
    assert_int_equal(json_integer_value(json_object_get(out, "n")), 1);
    assert_int_equal(asked, 1);
    json_decref(out);
    json_decref(tree);
}

static void parts__an_unresolved_one_is_an_error(void **state)
{
    json_t *tree = json_loads("[{\"$parts\":[{\"path\":\"secret.env.NONE\"}]}]", 0, NULL);
    struct error error = {0};
    int asked = 0;

    (void)state;
    assert_null(expand_parts(tree, resolve, &asked, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    json_decref(tree);
    tree = json_loads("[{\"$parts\":[7]}]", 0, NULL);
    assert_null(expand_parts(tree, resolve, &asked, &error));
    assert_int_equal(error.code, ERROR_CORRUPT);
    json_decref(tree);
}

static void count_path(const char *path, void *context)
{
    struct str *paths = context;

    str_addf(paths, "%s;", path);
}

static void parts__paths_are_named_once_each(void **state)
{
    json_t *tree = json_loads("[{\"$parts\":[{\"path\":\"secret.env.X\"},{\"path\":\"resource.a.outputs.b\"}]},"
                              "{\"k\":{\"$parts\":[{\"path\":\"secret.env.X\"}]}}]",
                              0, NULL);
    struct str paths = STR_INIT;

    (void)state;
    expand_paths(tree, count_path, &paths);
    assert_string_equal(paths.data, "secret.env.X;resource.a.outputs.b;");
    str_release(&paths);
    json_decref(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text__replaces_paths_and_keeps_the_rest),
        cmocka_unit_test(text__a_value_is_never_expanded_again),
        cmocka_unit_test(text__says_what_was_expected),
        cmocka_unit_test(text__hints_at_what_was_meant),
        cmocka_unit_test(text__has_limits),
        cmocka_unit_test(condition__compares_and_joins),
        cmocka_unit_test(tree__keeps_types_and_never_makes_structure),
        cmocka_unit_test(tree__early_leaves_what_is_known_later_as_parts),
        cmocka_unit_test(tree__early_cannot_compare_what_is_known_later),
        cmocka_unit_test(tree__a_key_cannot_forge_parts),
        cmocka_unit_test(tree__bytes_that_are_no_text_are_told),
        cmocka_unit_test(parts__are_resolved_once),
        cmocka_unit_test(parts__an_unresolved_one_is_an_error),
        cmocka_unit_test(parts__paths_are_named_once_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
