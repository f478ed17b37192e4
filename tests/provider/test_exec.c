/* SPDX-License-Identifier: ISC */
/* The executor exec: when it runs and why, what it is told, what it gives back. */
#include "prelude.h"

#include "provider/exec/digest.h"
#include "provider/exec/outputs.h"

#include <unistd.h>

#define COMMIT_A "1111111111111111111111111111111111111111"
#define COMMIT_B "2222222222222222222222222222222222222222"

struct setting {
    struct place place;
    struct wanted_resource wanted;
    struct resource recorded;
    struct executor_task task;
    json_t *spec, *variables, *outputs;
};

static const struct provider *exec(void)
{
    return provider_named("exec");
}

static int setup(void **state)
{
    struct setting *setting = calloc(1, sizeof *setting);
    place_make(&setting->place, "local");
    setting->spec = json_pack("{s:[s,s], s:[s,s]}", "run", "./up", "one", "undo", "./down", "one");
    setting->variables = json_pack("{s:s, s:s}", "BERTH_RUN", "1", "BERTH_INPUT_NAME", "x");
    setting->outputs = json_array();
    setting->wanted = (struct wanted_resource){.address = "server", .spec = setting->spec, .outputs = setting->outputs};
    setting->task = (struct executor_task){
        .wanted = &setting->wanted,
        .spec = setting->spec,
        .environment = "review/x",
        .address = "server",
        .tree = setting->place.tree,
        .commit = COMMIT_A,
        .variables = setting->variables,
        .runner = provider_named("local")->runner,
        .runner_context = &setting->place.context,
    };
    place_file(&setting->place, "tree/up",
               "#!/bin/sh\necho \"up $*\" >>../did\nenv | grep ^BERTH_INPUT\necho url=http://x >>$BERTH_OUTPUTS\n",
               0755);
    place_file(&setting->place, "tree/down", "#!/bin/sh\necho \"down $*\" >>../did\n", 0755);
    *state = setting;
    return 0;
}

static int teardown(void **state)
{
    struct setting *setting = *state;
    json_decref(setting->spec);
    json_decref(setting->variables);
    json_decref(setting->outputs);
    place_remove(&setting->place);
    free(setting);
    return 0;
}

static struct plan_result planned(struct setting *setting)
{
    struct place *place = &setting->place;
    struct plan_result result = {0};
    must(provider_call_plan(exec(), &place->context, &setting->task, &place->arena, &result, &place->error),
         &place->error);
    json_decref(result.changes);
    result.changes = NULL;
    return result;
}

/* As the engine records what was applied. */
static void record(struct setting *setting)
{
    setting->recorded = (struct resource){
        .address = "server",
        .status = RESOURCE_OK,
        .spec = json_text(&setting->place.arena, setting->spec),
        .spec_digest = planned(setting).spec_digest,
        .sources = "[{\"repository\":\"app\",\"ref\":\"x\",\"commit\":\"" COMMIT_A "\"}]",
    };
    setting->task.recorded = &setting->recorded;
}

static const char *did(struct setting *setting)
{
    struct str text = STR_INIT;
    char *path = path_join(setting->place.folder, "did");
    (void)!file_read(path, 4096, &text, NULL);
    const char *copy = arena_strdup(&setting->place.arena, text.data);
    free(path);
    str_release(&text);
    return copy;
}

static void plan__creates_then_does_nothing(void **state)
{
    struct setting *setting = *state;
    struct plan_result result = planned(setting);
    assert_int_equal(result.action, PLAN_CREATE);
    assert_string_equal(result.summary, "runs ./up one");
    record(setting);
    result = planned(setting);
    assert_int_equal(result.action, PLAN_NONE);
    assert_string_equal(result.spec_digest, setting->recorded.spec_digest);
    assert_string_equal(did(setting), "");
}

static void plan__says_why_it_runs_again(void **state)
{
    struct setting *setting = *state;
    record(setting);
    setting->task.commit = COMMIT_B;
    struct plan_result result = planned(setting);
    assert_int_equal(result.action, PLAN_UPDATE);
    assert_string_equal(result.reason, "its commit changed (111111111111 → 222222222222)");
    setting->task.commit = COMMIT_A;
    json_object_set_new(setting->spec, "run", json_pack("[s,s]", "./up", "two"));
    assert_string_equal(planned(setting).reason, "its arguments changed");
    json_object_set_new(setting->spec, "run", json_pack("[s,s]", "./up", "one"));
    json_object_set_new(setting->spec, "env", json_pack("{s:s}", "A", "1"));
    assert_string_equal(planned(setting).reason, "its environment variables changed");
    json_object_del(setting->spec, "env");
    json_object_set_new(setting->variables, "BERTH_INPUT_NAME", json_string("y"));
    assert_string_equal(planned(setting).reason, "an input changed");
    json_object_set_new(setting->variables, "BERTH_INPUT_NAME", json_string("x"));
    json_object_set_new(setting->variables, "BERTH_RUN", json_string("2"));
    assert_int_equal(planned(setting).action, PLAN_NONE);
    setting->recorded.status = RESOURCE_FAILED;
    assert_string_equal(planned(setting).reason, "it failed the last time");
    setting->recorded.status = RESOURCE_GONE;
    assert_int_equal(planned(setting).action, PLAN_CREATE);
}

static void plan__looks_only_at_the_files_of_changed(void **state)
{
    struct setting *setting = *state;
    json_object_set_new(setting->spec, "changed", json_pack("[s,s]", "lib/**", "up"));
    place_file(&setting->place, "tree/lib/deep/a", "1", 0644);
    record(setting);
    setting->task.commit = COMMIT_B;
    place_file(&setting->place, "tree/other", "1", 0644);
    assert_int_equal(planned(setting).action, PLAN_NONE);
    place_file(&setting->place, "tree/lib/deep/a", "2", 0644);
    assert_string_equal(planned(setting).reason, "files named by `changed` differ");
    place_file(&setting->place, "tree/lib/deep/a", "1", 0755);
    assert_int_equal(planned(setting).action, PLAN_UPDATE);
    place_file(&setting->place, "tree/lib/deep/a", "1", 0644);
    assert_int_equal(planned(setting).action, PLAN_NONE);
    place_file(&setting->place, "tree/lib/b", "", 0644);
    assert_int_equal(planned(setting).action, PLAN_UPDATE);
}

static void plan__shows_placeholders_and_never_their_values(void **state)
{
    struct setting *setting = *state;
    json_t *wanted =
        json_pack("{s:[s,{s:[s,{s:s}]}]}", "run", "./up", "$parts", "--password=", "path", "secret.env.PW");
    json_object_set_new(setting->spec, "run", json_pack("[s,s]", "./up", "--password=hunter2"));
    setting->wanted.spec = wanted;
    struct plan_result result = {0};
    struct place *place = &setting->place;
    must(provider_call_plan(exec(), &place->context, &setting->task, &place->arena, &result, &place->error),
         &place->error);
    char *changes = json_dumps(result.changes, 0);
    assert_string_equal(result.summary, "runs ./up --password=${{ secret.env.PW }}");
    assert_null(strstr(changes, "hunter2"));
    assert_null(strstr(result.spec_digest, "hunter2"));
    free(changes);
    json_decref(result.changes);
    json_decref(wanted);
}

static void digest__depends_on_the_workspace_key(void **state)
{
    struct setting *setting = *state;
    const char *first = planned(setting).spec_digest;
    char *key = path_join(setting->place.store, "key");
    assert_int_equal(unlink(key), 0);
    assert_string_not_equal(planned(setting).spec_digest, first);
    assert_int_equal(exec_digest_difference(first, planned(setting).spec_digest), (1u << DIGEST_PARTS) - 1);
    free(key);
}

static void plan__forgets_what_has_no_undo(void **state)
{
    struct setting *setting = *state;
    record(setting);
    setting->task.wanted = NULL;
    struct plan_result result = planned(setting);
    assert_int_equal(result.action, PLAN_DESTROY);
    assert_string_equal(result.summary, "runs ./down one");
    json_object_del(setting->spec, "undo");
    setting->recorded.spec = json_text(&setting->place.arena, setting->spec);
    result = planned(setting);
    assert_int_equal(result.action, PLAN_FORGET);
    assert_non_null(strstr(result.reason, "undo"));
}

static void plan__keeps_what_a_plan_command_says(void **state)
{
    struct setting *setting = *state;
    struct str text = STR_INIT;
    place_file(&setting->place, "tree/show", "#!/bin/sh\necho would do things\n", 0755);
    json_object_set_new(setting->spec, "plan", json_pack("[s]", "./show"));
    struct plan_result result = planned(setting);
    char *path = path_join(setting->place.run, result.text);
    must(file_read(path, 1000, &text, &setting->place.error), &setting->place.error);
    assert_non_null(strstr(text.data, "would do things\n"));
    free(path);
    str_release(&text);
}

static bool apply(struct setting *setting, struct apply_result *result)
{
    *result = (struct apply_result){0};
    return provider_call_apply(exec(), &setting->place.context, &setting->task, &setting->place.arena, result,
                               &setting->place.error);
}

static void apply__runs_and_keeps_declared_outputs(void **state)
{
    struct setting *setting = *state;
    struct apply_result result;
    json_array_append_new(setting->outputs, json_string("url"));
    must(apply(setting, &result), &setting->place.error);
    assert_string_equal(did(setting), "up one\n");
    assert_string_equal(json_get_text(result.outputs, "url"), "http://x");
    assert_int_equal(result.exit_status, 0);
    assert_string_equal(result.spec_digest, planned(setting).spec_digest);
    assert_non_null(strstr(place_log(&setting->place), "$ ./up one\n"));
    assert_non_null(strstr(place_log(&setting->place), "BERTH_INPUT_NAME=x\n"));
    json_decref(result.outputs);
    json_array_append_new(setting->outputs, json_string("missing"));
    assert_false(apply(setting, &result));
    assert_int_equal(setting->place.error.code, ERROR_TOOL);
    assert_non_null(strstr(setting->place.error.message, "missing"));
    json_array_clear(setting->outputs);
    must(apply(setting, &result), &setting->place.error);
    assert_int_equal(json_object_size(result.outputs), 0);
    json_decref(result.outputs);
}

static void apply__says_how_the_tool_failed(void **state)
{
    struct setting *setting = *state;
    struct apply_result result;
    place_file(&setting->place, "tree/up", "#!/bin/sh\necho 'no room'\nexit 4\n", 0755);
    assert_false(apply(setting, &result));
    assert_int_equal(setting->place.error.code, ERROR_TOOL);
    assert_string_equal(setting->place.error.message, "'./up' ended with exit 4");
    assert_string_equal(setting->place.error.detail, "no room");
    assert_int_equal(result.exit_status, 4);
}

static void apply__runs_only_what_was_approved(void **state)
{
    struct setting *setting = *state;
    struct apply_result result;
    setting->task.planned_spec_digest = planned(setting).spec_digest;
    json_object_set_new(setting->spec, "env", json_pack("{s:s}", "PASSWORD", "rotated"));
    assert_false(apply(setting, &result));
    assert_int_equal(setting->place.error.code, ERROR_CONFLICT);
    assert_non_null(strstr(setting->place.error.detail, "a secret"));
    assert_string_equal(did(setting), "");
    json_object_del(setting->spec, "env");
    must(apply(setting, &result), &setting->place.error);
    assert_string_equal(did(setting), "up one\n");
    json_decref(result.outputs);
}

static void destroy__runs_undo(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    struct apply_result result = {0};
    setting->task.wanted = NULL;
    must(provider_call_destroy(exec(), &place->context, &setting->task, &place->arena, &result, &place->error),
         &place->error);
    assert_string_equal(did(setting), "down one\n");
    json_object_del(setting->spec, "undo");
    must(provider_call_destroy(exec(), &place->context, &setting->task, &place->arena, &result, &place->error),
         &place->error);
    assert_string_equal(did(setting), "down one\n");
}

static void check__refuses_what_cannot_run(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    static const struct {
        const char *run, *dir;
        enum error_code code;
    } cases[] = {
        {"./up", NULL, ERROR_NONE},        {"./gone", NULL, ERROR_NOT_FOUND},
        {"../up", NULL, ERROR_CONFIG},     {"./sub/../../up", NULL, ERROR_CONFIG},
        {"./plain", NULL, ERROR_CONFIG},   {"./up", "sub", ERROR_NOT_FOUND},
        {"./up", "gone", ERROR_NOT_FOUND}, {"./up", "../x", ERROR_CONFIG},
        {"true", NULL, ERROR_NONE},        {"/bin/true", NULL, ERROR_NONE},
        {"", NULL, ERROR_CONFIG},          {"./up", ".", ERROR_NONE},
    };
    place_file(place, "tree/plain", "x", 0644);
    place_file(place, "tree/sub/file", "x", 0644);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_object_set_new(setting->spec, "run", json_pack("[s]", cases[i].run));
        json_object_del(setting->spec, "dir");
        if (cases[i].dir)
            json_object_set_new(setting->spec, "dir", json_string(cases[i].dir));
        error_clear(&place->error);
        bool good = provider_call_check(exec(), &place->context, &setting->task, &place->error);
        assert_int_equal(place->error.code, cases[i].code);
        assert_true(good == (cases[i].code == ERROR_NONE));
        assert_true(good || place->error.hint[0]);
    }
    json_object_set_new(setting->spec, "run", json_pack("[s]", "./up"));
    json_object_set_new(setting->spec, "dir", json_string("."));
    json_object_set_new(setting->spec, "env", json_pack("{s:s}", "BERTH_STEP_TOKEN", "x"));
    assert_false(provider_call_check(exec(), &place->context, &setting->task, &place->error));
}

static void outputs__take_lines_or_json_and_refuse_the_rest(void **state)
{
    (void)state;
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"a=1\nB_2=x=y\r\n\n# no\nempty=", "{\"B_2\":\"x=y\",\"a\":\"1\",\"empty\":\"\"}"},
        {" {\"a\": 1, \"b\": \"x\", \"c\": true}", "{\"a\":\"1\",\"b\":\"x\",\"c\":\"true\"}"},
        {"", "{}"},
        {"no equals", NULL},
        {"1a=x", NULL},
        {"a-b=x", NULL},
        {"a=\xff", NULL},
        {"{\"a\":1,\"a\":2}", NULL},
        {"{\"a b\":1}", NULL},
        {"{broken", NULL},
        {"\x1b[31m=x", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {0};
        json_t *outputs = outputs_parse(cases[i].text, strlen(cases[i].text), &error);
        char *json = outputs ? json_dumps(outputs, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        if (cases[i].json)
            assert_string_equal(json, cases[i].json);
        else
            assert_true(!json && error.code == ERROR_TOOL && !strchr(error.message, '\x1b'));
        free(json);
        json_decref(outputs);
    }
}

static void outputs__have_a_limit_and_must_be_a_file(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    struct apply_result result;
    place_file(place, "tree/up", "#!/bin/sh\nhead -c 70000 /dev/zero | tr '\\0' a >$BERTH_OUTPUTS\n", 0755);
    assert_false(apply(setting, &result));
    assert_int_equal(place->error.code, ERROR_LIMIT);
    place_file(place, "tree/up", "#!/bin/sh\nmkfifo $BERTH_OUTPUTS\n", 0755);
    assert_false(apply(setting, &result));
    assert_int_equal(place->error.code, ERROR_TOOL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plan__creates_then_does_nothing),
        TEST(plan__says_why_it_runs_again),
        TEST(plan__looks_only_at_the_files_of_changed),
        TEST(plan__shows_placeholders_and_never_their_values),
        TEST(digest__depends_on_the_workspace_key),
        TEST(plan__forgets_what_has_no_undo),
        TEST(plan__keeps_what_a_plan_command_says),
        TEST(apply__runs_and_keeps_declared_outputs),
        TEST(apply__says_how_the_tool_failed),
        TEST(apply__runs_only_what_was_approved),
        TEST(destroy__runs_undo),
        TEST(check__refuses_what_cannot_run),
        TEST(outputs__have_a_limit_and_must_be_a_file),
        cmocka_unit_test(outputs__take_lines_or_json_and_refuse_the_rest),
    };
    return TESTS_RUN(tests);
}
