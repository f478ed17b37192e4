/* SPDX-License-Identifier: ISC */
/* Templates: what a file alone shows, what the entry that uses it shows, and what they want when expanded. */
#include "prelude.h"

#include "berth/model/result.h"

struct trial {
    struct arena arena;
    struct problems problems;
    struct config *config;
    struct template *templates[4];
    size_t count;
    struct scope *scope;
    struct prepare_result result;
};

static void begin(struct trial *trial, const char *entry)
{
    struct str text = STR_INIT;

    *trial = (struct trial){0};
    problems_init(&trial->problems, &trial->arena);
    small_config(&text, "", SMALL_SOURCE);
    str_add(&text, entry);
    trial->config = config_load("berth.yaml", text.data, text.length, &trial->problems);
    expect_no_error(&trial->problems);
    trial->scope = scope_new();
    scope_set(trial->scope, "env.name", "one");
    scope_set(trial->scope, "commit.id", "c0ffee");
    str_release(&text);
}

static bool add(struct trial *trial, const char *text)
{
    struct template *template = template_load("t.yaml", text, strlen(text), &trial->problems);

    if (template)
        trial->templates[trial->count++] = template;
    return template != NULL;
}

/* What an earlier one gave goes. */
static bool expand_entry(struct trial *trial, const struct config_entry *entry)
{
    template_expand_release(&trial->result);
    memset(&trial->result, 0, sizeof trial->result);
    return template_expand(trial->config, entry, trial->templates, trial->count, trial->scope, &trial->arena,
                           &trial->result, &trial->problems);
}

static bool expand(struct trial *trial)
{
    return expand_entry(trial, &trial->config->environments[0]);
}

static void end(struct trial *trial)
{
    template_expand_release(&trial->result);
    scope_free(trial->scope);
    for (size_t i = 0; i < trial->count; i++)
        template_free(trial->templates[i]);
    config_free(trial->config);
    problems_release(&trial->problems);
    arena_release(&trial->arena);
}

static const struct wanted_resource *wanted(const struct trial *trial, const char *address)
{
    for (size_t i = 0; i < trial->result.wanted.count; i++) {
        if (strcmp(trial->result.wanted.items[i].address, address) == 0)
            return &trial->result.wanted.items[i];
    }
    fail_msg("%s is not wanted", address);
    return NULL;
}

static void check_json(const json_t *json, const char *expected)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

    assert_string_equal(text, expected);
    free(text);
}

static void check_file_error(const char *text, int line, const char *words)
{
    struct trial trial;

    begin(&trial, "");
    assert_false(add(&trial, text));
    expect_error(&trial.problems, line, words);
    end(&trial);
}

/* The template is well, and wrong for the entry: config_check_templates and template_expand both say so. */
static void check_use_error(const char *entry, const char *text, int line, const char *words)
{
    struct trial trial;

    begin(&trial, entry);
    if (!add(&trial, text))
        print_problems(&trial.problems);
    assert_int_equal(trial.count, 1);
    config_check_templates(trial.config, trial.templates, trial.count, &trial.problems);
    expect_error(&trial.problems, line, words);
    assert_false(expand(&trial));
    end(&trial);
}

#define WEB "template: web\nversion: 1\n"
#define RUN "executor: exec, run: [\"true\"]"

static void file__is_refused_where_it_is_wrong(void **state)
{
    (void)state;
    check_file_error(WEB "resources: { a: { run: [\"true\"] } }\n", 3, "the key \"executor\" is missing");
    check_file_error(WEB "resources: { a: { executor: exec } }\n", 3, "the key \"run\" is missing");
    check_file_error(WEB "resources: { a: { executor: exec, run: true } }\n", 3, "run: expected a list, found true");
    check_file_error(WEB "resources: { a: { executor: exec, run: [] } }\n", 3, "expected at least 1, found 0");
    check_file_error(WEB "resources: { a: { executor: exec, run: [1] } }\n", 3, "run: expected text, found 1");
    check_file_error(WEB "resources: { a: { executor: bash, run: [\"x\"] } }\n", 3,
                     "there is no executor provider \"bash\"");
    check_file_error(WEB "resources: { a: { " RUN ", dir: ../x } }\n", 3, "dir: expected a path inside the repository");
    check_file_error(WEB "resources: { a: { " RUN ", dir: /etc } }\n", 3, "dir: expected a path inside the repository");
    check_file_error(WEB "resources: { a: { " RUN ", env: { \"A B\": x } } }\n", 3, "environment variable");
    check_file_error(WEB "resources:\n  a: { " RUN ", needs: [b] }\n", 4, "there is no \"b\" in resources");
    check_file_error(WEB "resources: { a: { " RUN ", probes: [ { every: 5s } ] } }\n", 3,
                     "none of its keys names a probe");
    check_file_error(WEB "resources: { a: { " RUN ", probes: [ { tcp: nowhere } ] } }\n", 3, "tcp: expected HOST:PORT");
    check_file_error(WEB "resources: { a: { " RUN ", probes: [ { http: \"http://x/\", every: 1ms } ] } }\n", 3,
                     "every: expected a duration");
    check_file_error(WEB "resources: {}\n", 3, "expected at least 1");
    check_file_error("template: ../web\nversion: 1\nresources: { a: { " RUN " } }\n", 1, "template: expected a name");
}

static void file__names_only_what_it_has(void **state)
{
    (void)state;
    check_file_error(WEB "resources:\n  a: { " RUN
                         ", dir: d, env: { X: \"${{ param.nme }}\" } }\nparameters: { name: { type: string } }\n",
                     4, "has no parameter \"nme\"");
    check_file_error(WEB "resources:\n  a: { " RUN ", env: { X: \"${{ resource.b.outputs.c }}\" } }\n", 4,
                     "there is no resource \"b\"");
    check_file_error(WEB "resources:\n  a: { " RUN ", outputs: [url] }\n  b: { " RUN
                         ", env: { X: \"${{ resource.a.outputs.uri }}\" } }\n",
                     5, "\"a\" does not name it in its outputs");
    check_file_error(WEB "resources:\n  a: { " RUN ", when: \"${{ secret.env.X }}\" }\n", 4,
                     "\"secret\" cannot be named here");
    check_file_error(WEB "resources:\n  a: { " RUN ", when: \"${{ resource.b.outputs.c }}\" }\n", 4,
                     "\"resource\" cannot be named here");
    check_file_error(WEB "resources:\n  a: { " RUN " }\nparameters: { n: { type: int, default: 3, max: 2 } }\n", 5,
                     "default of n: expected at most 2");
    check_file_error(WEB "resources:\n  a: { " RUN " }\nparameters: { n: { type: string, pattern: \"(\" } }\n", 5,
                     "pattern: expected a regular expression");
}

static void file__needs_cannot_run_in_a_circle(void **state)
{
    (void)state;
    check_file_error(WEB "resources:\n  a: { " RUN ", needs: [b] }\n  b: { " RUN ", needs: [a] }\n", 4,
                     "run in a circle: a -> b -> a");
    check_file_error(WEB "resources:\n  a: { " RUN ", needs: [a] }\n", 4, "run in a circle");
    check_file_error(WEB "resources:\n  a: { " RUN ", outputs: [x], env: { Y: \"${{ resource.b.outputs.y }}\" } }\n"
                         "  b: { executor: exec, run: [\"true\", \"${{ resource.a.outputs.x }}\"], outputs: [y] }\n",
                     4, "run in a circle: a -> b -> a");
    check_file_error(WEB "groups: { g: { needs: [h] }, h: {} }\nresources:\n  a: { " RUN ", group: g }\n"
                         "  b: { " RUN ", group: h, needs: [a] }\n",
                     5, "run in a circle: a -> b -> a");
}

static void use__names_entry_and_line_of_what_is_not_allowed(void **state)
{
    (void)state;
    check_use_error("    allow: { executors: [terraform] }\n", WEB "resources:\n  a: { " RUN " }\n", 4,
                    "the entry \"one\" (berth.yaml:9) does not allow the executor \"exec\"");
    check_use_error("    allow: { secrets: [env.REVIEW_*] }\n",
                    WEB "resources:\n  a: { " RUN ", env: { X: \"${{ secret.env.PROD_KEY }}\" } }\n", 4,
                    "${{ secret.env.PROD_KEY }}: the entry \"one\" (berth.yaml:9) does not allow this secret");
    check_use_error("", WEB "resources:\n  a: { " RUN ", env: { X: \"${{ secret.valt.x }}\" } }\n", 4,
                    "there is no secret store \"valt\"");
    check_use_error("", WEB "resources:\n  a: { " RUN ", target: far }\n", 4, "the target \"far\" is protected");
    check_use_error("", WEB "resources:\n  a: { " RUN ", target: farr }\n", 4, "there is no target \"farr\"");
    check_use_error("", WEB "resources:\n  a: { " RUN ", runner: x }\n", 4, "there is no runner \"x\"");
    check_use_error("", WEB "resources:\n  a: { " RUN ", repository: x }\n", 4, "there is no repository \"x\"");
    check_use_error("", WEB "requires: [base]\nresources:\n  a: { " RUN " }\n", 3, "the template \"base\" is required");
    check_use_error("", WEB "requires: [base]\nresources:\n  a: { " RUN ", needs: [zone] }\n", 5, "a needs \"zone\"");
    check_use_error("", WEB "parameters: { n: { type: int, required: true } }\nresources:\n  a: { " RUN " }\n", 9,
                    "does not set the parameter \"n\"");
    check_use_error("    with: { m: 1 }\n", WEB "parameters: { n: { type: int } }\nresources:\n  a: { " RUN " }\n", 14,
                    "no template of \"one\" has a parameter \"m\"");
    check_use_error("    with: { n: x }\n", WEB "parameters: { n: { type: int } }\nresources:\n  a: { " RUN " }\n", 14,
                    "n: expected int, found \"x\"");
}

static void use__a_young_environment_gets_no_secret_without_leave(void **state)
{
    struct config_entry entry = {.tier = TIER_REVIEW};
    const char *patterns[] = {"env.REVIEW_*", "vault", "gcp.team/*"};

    (void)state;
    assert_false(config_allows_secret(&entry, "env.X"));
    entry.tier = TIER_EPHEMERAL;
    assert_false(config_allows_secret(&entry, "env.X"));
    entry.tier = TIER_STAGING;
    assert_true(config_allows_secret(&entry, "env.X"));
    entry.tier = TIER_REVIEW;
    entry.allow_present = true;
    entry.allow_secrets = (struct name_list){patterns, 3};
    assert_true(config_allows_secret(&entry, "env.REVIEW_KEY"));
    assert_false(config_allows_secret(&entry, "env.KEY"));
    assert_true(config_allows_secret(&entry, "vault"));
    assert_true(config_allows_secret(&entry, "vault.any/thing"));
    assert_false(config_allows_secret(&entry, "vaulted.any"));
    assert_true(config_allows_secret(&entry, "gcp.team/a"));
    assert_false(config_allows_secret(&entry, "gcp.team/a/b"));
    assert_true(config_allows_executor(&entry, "external"));
}

static void use__a_pattern_is_of_the_whole_value(void **state)
{
    struct config_input input = {.name = "x", .type = "string", .pattern = "[a-z]+|[0-9]+", .min = "", .max = ""};

    (void)state;
    assert_true(config_input_fits(&input, "abc", NULL));
    assert_true(config_input_fits(&input, "123", NULL));
    assert_false(config_input_fits(&input, "abc!", NULL));
    assert_false(config_input_fits(&input, "!abc", NULL));
    assert_false(config_input_fits(&input, "abc\n", NULL));
}

static void expand__counts_and_addresses(void **state)
{
    struct trial trial;

    (void)state;
    begin(&trial, "    with: { n: 2 }\n");
    assert_true(add(&trial, WEB "parameters: { n: { type: int, default: 1 } }\nresources:\n"
                                "  db: { executor: exec, run: [\"true\"], outputs: [url] }\n"
                                "  server: { executor: exec, count: \"${{ param.n }}\", outputs: [port],\n"
                                "            run: [\"s\", \"${{ item.index }}\", \"${{ resource.db.outputs.url }}\"],\n"
                                "            probes: [ { tcp: \"127.0.0.1:${{ resource.server.outputs.port }}\" } ] }\n"
                                "  one: { executor: exec, count: 1, run: [\"true\"] }\n"
                                "  none: { executor: exec, count: 0, run: [\"true\"] }\n"
                                "  last: { executor: exec, run: [\"true\"], needs: [server, none] }\n"));
    if (!expand(&trial))
        print_problems(&trial.problems);
    assert_int_equal(trial.result.wanted.count, 5);
    assert_int_equal(wanted(&trial, "server[1]")->item, 1);
    assert_int_equal(wanted(&trial, "server[1]")->count, 2);
    assert_int_equal(wanted(&trial, "one[0]")->count, 1);
    check_json(wanted(&trial, "server[1]")->spec,
               "{\"run\":[\"s\",1,{\"$parts\":[{\"path\":\"resource.db.outputs.url\"}]}]}");
    check_json(wanted(&trial, "server[1]")->needs, "[\"db\"]");
    check_json(wanted(&trial, "server[1]")->probes,
               "[{\"tcp\":{\"$parts\":[\"127.0.0.1:\",{\"path\":\"resource.server[1].outputs.port\"}]}}]");
    check_json(wanted(&trial, "last")->needs, "[\"server[0]\",\"server[1]\"]");
    end(&trial);
}

static void expand__what_is_not_wanted_satisfies_needs_and_keeps_order(void **state)
{
    struct trial trial;

    (void)state;
    begin(&trial, "");
    assert_true(add(&trial, WEB "resources:\n  a: { " RUN " }\n"
                                "  b: { " RUN ", needs: [a], when: \"${{ env.tier == 'prod' }}\" }\n"
                                "  c: { " RUN ", needs: [b] }\n"));
    assert_true(expand(&trial));
    assert_int_equal(trial.result.wanted.count, 2);
    check_json(wanted(&trial, "c")->needs, "[\"a\"]");
    end(&trial);
}

static void expand__an_output_of_what_is_not_wanted_is_an_error(void **state)
{
    struct trial trial;

    (void)state;
    begin(&trial, "");
    assert_true(add(&trial, WEB "resources:\n  a: { " RUN ", outputs: [u], when: false }\n"
                                "  b: { " RUN ", env: { U: \"${{ resource.a.outputs.u }}\" } }\n"));
    assert_false(expand(&trial));
    expect_error(&trial.problems, 5, "the resource \"a\" is not wanted here");
    end(&trial);
}

static void expand__one_of_many_must_be_said(void **state)
{
    struct trial trial;

    (void)state;
    begin(&trial, "");
    assert_true(add(&trial, WEB "resources:\n  a: { " RUN ", outputs: [u], count: 2 }\n"
                                "  b: { " RUN ", env: { U: \"${{ resource.a.outputs.u }}\" } }\n"
                                "  c: { " RUN ", env: { U: \"${{ resource.a[1].outputs.u }}\" } }\n"
                                "  d: { " RUN ", env: { U: \"${{ resource.a[2].outputs.u }}\" } }\n"));
    assert_false(expand(&trial));
    expect_error(&trial.problems, 5, "there are 2 of \"a\", say which");
    expect_error(&trial.problems, 7, "there are 2 of \"a\"");
    assert_null(find_problem(&trial.problems, false, 6, ""));
    end(&trial);
}

static void file__a_resource_cannot_need_itself(void **state)
{
    (void)state;
    check_file_error(WEB "resources:\n  a: { " RUN ", outputs: [u], env: { U: \"${{ resource.a.outputs.u }}\" } }\n", 4,
                     "run in a circle: a -> a");
}

static void expand__outputs_and_groups_add_needs(void **state)
{
    struct trial trial;

    (void)state;
    begin(&trial, "");
    assert_true(add(&trial, WEB "groups: { first: {}, then: { needs: [first], tags: [t] } }\nresources:\n"
                                "  a: { " RUN ", group: first }\n  b: { " RUN ", group: then }\n"
                                "  c: { " RUN ", outputs: [u] }\n"
                                "  d: { " RUN ", env: { U: \"${{ resource.c.outputs.u }}\" } }\n"));
    assert_true(expand(&trial));
    check_json(wanted(&trial, "b")->needs, "[\"a\"]");
    check_json(wanted(&trial, "d")->needs, "[\"c\"]");
    check_json(json_object_get(json_array_get(trial.result.groups, 1), "members"),
               "[{\"name\":\"b\",\"template\":\"web\"}]");
    end(&trial);
}

static void expand__several_templates_have_their_own_addresses_and_order(void **state)
{
    const char *names[] = {"web", "base"};
    struct trial trial;

    (void)state;
    begin(&trial, "");
    struct config_entry entry = trial.config->environments[0];
    entry.templates = (struct name_list){names, 2};
    assert_true(
        add(&trial, "template: base\nversion: 1\nresources:\n  db: { " RUN ", outputs: [url] }\n  net: { " RUN " }\n"));
    assert_true(add(&trial, WEB "requires: [base]\nresources:\n  net: { " RUN " }\n"
                                "  app: { " RUN ", needs: [net], env: { U: \"${{ resource.db.outputs.url }}\" } }\n"));
    if (!expand_entry(&trial, &entry))
        print_problems(&trial.problems);
    assert_int_equal(trial.result.wanted.count, 4);
    check_json(wanted(&trial, "web:net")->needs, "[\"db\",\"base:net\"]");
    check_json(wanted(&trial, "app")->needs, "[\"web:net\",\"db\"]");
    end(&trial);
}

static void expand__a_template_that_calls_itself_otherwise_is_refused(void **state)
{
    struct trial trial;

    (void)state;
    begin(&trial, "");
    assert_true(add(&trial, "template: other\nversion: 1\nresources: { a: { " RUN " } }\n"));
    assert_false(expand(&trial));
    expect_error(&trial.problems, 1, "the template calls itself \"other\", which is none of the templates of \"one\"");
    end(&trial);
}

static void expand__inputs_are_asked_for_and_checked(void **state)
{
    struct trial trial;

    (void)state;
    begin(
        &trial,
        "    inputs: { name: { type: string, required: true, pattern: \"^[a-z]+$\" }, n: { type: int, default: 4 } }\n"
        "    with: { name: \"${{ input.name }}\", n: \"${{ input.n }}\" }\n");
    assert_true(add(&trial, WEB "parameters: { name: { type: string }, n: { type: int } }\nresources:\n"
                                "  a: { " RUN ", env: { N: \"${{ param.name }}\", C: \"${{ param.n }}\" } }\n"));
    assert_false(expand(&trial));
    expect_error(&trial.problems, 14, "the input \"name\" of one is required");
    scope_set(trial.scope, "input.name", "");
    assert_false(expand(&trial));
    assert_int_equal(trial.problems.errors, 2);
    scope_set(trial.scope, "input.name", "UPPER");
    assert_false(expand(&trial));
    expect_error(&trial.problems, 14, "name: \"UPPER\" does not match");
    scope_set(trial.scope, "input.name", "lower");
    assert_true(expand(&trial));
    check_json(wanted(&trial, "a")->spec, "{\"env\":{\"C\":4,\"N\":\"lower\"},\"run\":[\"true\"]}");
    end(&trial);
}

static void expand__what_a_release_had_stands_over_everything(void **state)
{
    struct trial trial;

    (void)state;
    begin(&trial, "    inputs: { x: { type: string, default: new } }\n    with: { n: 2 }\n");
    assert_true(add(&trial, WEB "parameters: { n: { type: int }, m: { type: string, default: d } }\nresources:\n"
                                "  a: { " RUN ", env: { N: \"${{ param.n }}\", X: \"${{ input.x }}\" } }\n"));
    assert_true(expand(&trial));
    check_json(
        trial.result.settings,
        "{\"inputs\":{\"x\":\"new\"},\"parameters\":{\"web\":{\"m\":\"d\",\"n\":\"2\"}},\"templates\":[\"web\"]}");
    scope_set(trial.scope, "with.n", "4");
    scope_set(trial.scope, "setting.web.n", "1");
    scope_set(trial.scope, "setting.other.m", "not of this template");
    scope_set(trial.scope, "input.x", "old");
    assert_true(expand(&trial));
    check_json(wanted(&trial, "a")->spec, "{\"env\":{\"N\":1,\"X\":\"old\"},\"run\":[\"true\"]}");
    check_json(
        trial.result.settings,
        "{\"inputs\":{\"x\":\"old\"},\"parameters\":{\"web\":{\"m\":\"d\",\"n\":\"1\"}},\"templates\":[\"web\"]}");
    end(&trial);
}

static void expand__what_a_command_gives_stands_over_with(void **state)
{
    struct trial trial;

    (void)state;
    begin(&trial, "    with: { n: 2 }\n");
    assert_true(add(&trial, WEB "parameters: { n: { type: int, max: 5 } }\nresources:\n"
                                "  a: { " RUN ", env: { N: \"${{ param.n }}\" } }\n"));
    scope_set(trial.scope, "with.n", "9");
    assert_false(expand(&trial));
    expect_error(&trial.problems, 0, "n: expected at most 5, found 9");
    scope_set(trial.scope, "with.n", "4");
    scope_set(trial.scope, "with.m", "4");
    assert_false(expand(&trial));
    expect_error(&trial.problems, 9, "has the parameter \"m\" that the command gives");
    scope_free(trial.scope);
    trial.scope = scope_new();
    scope_set(trial.scope, "env.name", "one");
    scope_set(trial.scope, "with.n", "4");
    assert_true(expand(&trial));
    check_json(wanted(&trial, "a")->spec, "{\"env\":{\"N\":4},\"run\":[\"true\"]}");
    end(&trial);
}

static void use__a_missing_template_is_an_error_of_its_own_repository(void **state)
{
    struct trial trial;

    (void)state;
    begin(&trial, "");
    config_check_templates(trial.config, trial.templates, 0, &trial.problems);
    expect_error(&trial.problems, 11, "uses the template \"web\", which is not there");
    end(&trial);
}

static void use__a_template_with_errors_of_its_own_is_not_called_missing(void **state)
{
    struct trial trial;

    (void)state;
    begin(&trial, "");
    assert_null(template_load("templates/web.yaml", "template: web\n", 14, &trial.problems));
    size_t errors = trial.problems.errors;
    assert_true(errors > 0);
    config_check_templates(trial.config, trial.templates, 0, &trial.problems);
    assert_int_equal(trial.problems.errors, errors);
    end(&trial);
}

/* Of two templates one is not there: what is wrong with the other is told, what the missing one may have is not called missing. */
static void use__of_some_templates_is_checked_as_far_as_it_can_be(void **state)
{
    static const char text[] = "version: 1\n"
                               "workspace: shop\n"
                               "repositories: { app: { provider: git, url: . } }\n"
                               "targets: { here: { provider: local } }\n"
                               "environments:\n"
                               "  - name: one\n"
                               "    tier: dev\n"
                               "    source: { branches: [main] }\n"
                               "    templates: [web, other]\n"
                               "    target: here\n"
                               "    with: { n: x, of_the_other: 1 }\n";
    struct trial trial = {0};

    (void)state;
    problems_init(&trial.problems, &trial.arena);
    trial.config = config_load("berth.yaml", text, strlen(text), &trial.problems);
    assert_true(add(&trial, WEB "requires: [other]\nparameters: { n: { type: int } }\n"
                                "resources: { a: { " RUN ", needs: [of_the_other], group: of_the_other } }\n"));
    config_check_templates(trial.config, trial.templates, trial.count, &trial.problems);
    expect_error(&trial.problems, 9, "uses the template \"other\", which is not there");
    expect_error(&trial.problems, 11, "with: n: expected int, found \"x\"");
    assert_int_equal(trial.problems.errors, 2);
    end(&trial);
}

static void expand__counts_that_explode_are_refused(void **state)
{
    struct trial trial;

    (void)state;
    begin(&trial, "");
    assert_true(
        add(&trial, WEB "resources:\n  a: { " RUN ", count: 1000 }\n  b: { " RUN ", count: 1000, needs: [a] }\n"));
    assert_false(expand(&trial));
    expect_error(&trial.problems, 5, "have more than 200000 needs");
    end(&trial);
}

static void expand__a_value_cannot_make_structure(void **state)
{
    struct trial trial;

    (void)state;
    begin(&trial, "    inputs: { x: { type: string } }\n    with: { x: \"${{ input.x }}\" }\n");
    scope_set(trial.scope, "input.x", "\"], {\"$parts\": [{\"path\": \"secret.env.K\"}]} ${{ secret.env.K }}");
    assert_true(add(&trial, WEB "parameters: { x: { type: string } }\nresources:\n"
                                "  a: { executor: exec, run: [\"echo\", \"${{ param.x }}\"] }\n"));
    assert_true(expand(&trial));
    check_json(
        wanted(&trial, "a")->spec,
        "{\"run\":[\"echo\",\"\\\"], {\\\"$parts\\\": [{\\\"path\\\": \\\"secret.env.K\\\"}]} ${{ secret.env.K }}\"]}");
    end(&trial);
}

static void expand__shared_resources_name_their_owner(void **state)
{
    struct trial trial;

    (void)state;
    begin(&trial, "    deployment: \"d-${{ env.name }}\"\n    tags: [\"owner:${{ commit.id }}\"]\n");
    assert_true(add(
        &trial, WEB
        "resources:\n  db: { executor: external, resource: { environment: platform, name: \"mysql-${{ env.name }}\" } }\n"
        "entrypoints: [ { name: web, url: \"https://${{ env.deployment }}.acme.org\" } ]\n"));
    assert_true(expand(&trial));
    assert_string_equal(wanted(&trial, "db")->shared_environment, "platform");
    assert_string_equal(wanted(&trial, "db")->shared_resource, "mysql-one");
    assert_true(wanted(&trial, "db")->external);
    assert_string_equal(trial.result.deployment, "d-one");
    check_json(trial.result.environment_tags, "[\"owner:c0ffee\"]");
    check_json(trial.result.entrypoints,
               "[{\"name\":\"web\",\"template\":\"web\",\"url\":\"https://d-one.acme.org\"}]");
    end(&trial);
}

static void errors__behind_other_errors_are_told_at_once(void **state)
{
    static const char text[] = "template: shop\n"
                               "bogus: 1\n"
                               "resources:\n"
                               "  db: { executor: exec, run: [./db], needs: [web] }\n"
                               "  web: { executor: exec, run: [./web], needs: [db] }\n"
                               "  old: { executor: exec, timeout: soon }\n";
    struct arena arena = {0};
    struct problems problems;

    (void)state;
    problems_init(&problems, &arena);
    assert_null(template_load("shop.yaml", text, sizeof text - 1, &problems));
    expect_error(&problems, 1, "\"version\" is missing");
    expect_error(&problems, 2, "unknown key \"bogus\"");
    expect_error(&problems, 6, "\"run\" is missing");
    expect_error(&problems, 4, "the needs run in a circle: db -> web -> db");
    problems_release(&problems);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file__is_refused_where_it_is_wrong),
        cmocka_unit_test(file__names_only_what_it_has),
        cmocka_unit_test(file__needs_cannot_run_in_a_circle),
        cmocka_unit_test(use__names_entry_and_line_of_what_is_not_allowed),
        cmocka_unit_test(use__a_young_environment_gets_no_secret_without_leave),
        cmocka_unit_test(use__a_pattern_is_of_the_whole_value),
        cmocka_unit_test(expand__counts_and_addresses),
        cmocka_unit_test(expand__what_is_not_wanted_satisfies_needs_and_keeps_order),
        cmocka_unit_test(expand__an_output_of_what_is_not_wanted_is_an_error),
        cmocka_unit_test(expand__one_of_many_must_be_said),
        cmocka_unit_test(file__a_resource_cannot_need_itself),
        cmocka_unit_test(expand__outputs_and_groups_add_needs),
        cmocka_unit_test(expand__several_templates_have_their_own_addresses_and_order),
        cmocka_unit_test(expand__a_template_that_calls_itself_otherwise_is_refused),
        cmocka_unit_test(expand__inputs_are_asked_for_and_checked),
        cmocka_unit_test(expand__what_a_release_had_stands_over_everything),
        cmocka_unit_test(expand__what_a_command_gives_stands_over_with),
        cmocka_unit_test(use__a_missing_template_is_an_error_of_its_own_repository),
        cmocka_unit_test(use__a_template_with_errors_of_its_own_is_not_called_missing),
        cmocka_unit_test(use__of_some_templates_is_checked_as_far_as_it_can_be),
        cmocka_unit_test(expand__counts_that_explode_are_refused),
        cmocka_unit_test(expand__a_value_cannot_make_structure),
        cmocka_unit_test(expand__shared_resources_name_their_owner),
        cmocka_unit_test(errors__behind_other_errors_are_told_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
