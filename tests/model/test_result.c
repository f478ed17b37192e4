/* SPDX-License-Identifier: ISC */
/* The JSON forms of specs and results. */
#include "berth/model/result.h"

#include "berth/model/environment.h"
#include "berth/model/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void prepare__comes_back_whole(void **state)
{
    (void)state;
    struct source sources[] = {{"app", "main", "abc"}, {"lib", "v1", "def"}};
    json_t *spec = json_pack("{s:[s]}", "run", "./up"), *needs = json_pack("[s]", "db");
    struct wanted_resource wanted[] = {{
        .address = "server[1]",
        .template = "shop",
        .item = 1,
        .count = 2,
        .executor = "exec",
        .spec = spec,
        .needs = needs,
        .timeout_ms = 600000,
        .attempts = 2,
        .repeatable = true,
        .phase_hint = "seed",
    }};
    struct prepare_result result = {.environment_name = "review/x", .subject = "caf\xe9"};
    result.sources.items = sources;
    result.sources.count = 2;
    result.wanted.items = wanted;
    result.wanted.count = 1;
    json_t *json = prepare_result_to_json(&result);

    struct arena arena = {0};
    struct error error = {0};
    struct prepare_result back;
    assert_true(prepare_result_from_json(json, &arena, &back, &error));
    assert_string_equal(back.environment_name, "review/x");
    assert_string_equal(back.subject, "caf\\xe9");
    assert_string_equal(back.author, "");
    assert_int_equal(back.sources.count, 2);
    assert_string_equal(back.sources.items[1].commit, "def");
    assert_int_equal(back.wanted.count, 1);
    assert_string_equal(back.wanted.items[0].address, "server[1]");
    assert_true(json_equal(back.wanted.items[0].spec, spec));
    assert_true(json_equal(back.wanted.items[0].needs, needs));
    assert_null(back.wanted.items[0].probes);
    assert_int_equal(back.wanted.items[0].timeout_ms, 600000);
    assert_true(back.wanted.items[0].repeatable);
    assert_null(back.checks);
    arena_release(&arena);
    json_decref(json);
    json_decref(spec);
    json_decref(needs);
}

static void step__carries_status_error_and_body(void **state)
{
    (void)state;
    json_t *body = json_pack("{s:i}", "exit_status", 3);
    struct step_result result = {
        .step = "17.apply.x", .token = "t", .epoch = 4, .status = STEP_FAILED, .body = body, .log_bytes = 9};
    error_set(&result.error, ERROR_TOOL, "./up ended with exit 3");
    error_hint(&result.error, "look at the log");
    result.error.retry = true;
    json_t *json = step_result_to_json(&result);
    struct arena arena = {0};
    struct error error = {0};
    struct step_result back;
    assert_true(step_result_from_json(json, &arena, &back, &error));
    assert_int_equal(back.status, STEP_FAILED);
    assert_int_equal(back.epoch, 4);
    assert_int_equal(back.log_bytes, 9);
    assert_int_equal(back.error.code, ERROR_TOOL);
    assert_string_equal(back.error.hint, "look at the log");
    assert_true(back.error.retry);
    assert_true(json_equal(back.body, body));
    arena_release(&arena);
    json_decref(json);
    json_decref(body);
}

static void plan_and_apply__come_back(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error error = {0};
    struct plan_result plan = {.action = PLAN_REPLACE, .summary = "runs it", .spec_digest = "d"}, plan_back;
    json_t *json = plan_result_to_json(&plan);
    assert_true(plan_result_from_json(json, &arena, &plan_back, &error));
    assert_int_equal(plan_back.action, PLAN_REPLACE);
    assert_string_equal(plan_back.summary, "runs it");
    json_decref(json);
    struct apply_result apply = {.exit_status = -1, .ready = "2/3"}, apply_back;
    json = apply_result_to_json(&apply);
    assert_true(apply_result_from_json(json, &arena, &apply_back, &error));
    assert_int_equal(apply_back.exit_status, -1);
    assert_string_equal(apply_back.ready, "2/3");
    json_decref(json);
    arena_release(&arena);
}

static void wrong_types__are_refused_by_name(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[]",
        "{\"action\":\"explode\"}",
        "{\"summary\":4}",
        "{\"action\":7}",
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct error error = {0};
        struct plan_result plan;
        json_t *json = json_column(texts[i]);
        assert_false(plan_result_from_json(json, &arena, &plan, &error));
        assert_int_equal(error.code, ERROR_CORRUPT);
        json_decref(json);
    }
    struct error error = {0};
    struct step_result step;
    json_t *json = json_column("{\"error\":{\"code\":\"nonsense\"}}");
    assert_false(step_result_from_json(json, &arena, &step, &error));
    json_decref(json);
    arena_release(&arena);
}

/* Releases from before their templates were kept beside their values are no other releases for that. */
static void settings__that_do_not_say_all_agree_in_what_they_say(void **state)
{
    static const char old[] = "{\"inputs\":{\"a\":\"1\"}}",
                      one[] = "{\"inputs\":{\"a\":\"1\"},\"templates\":[\"shop\"]}";
    (void)state;
    assert_true(settings_agree(old, one) && settings_agree(one, old) && settings_agree(one, one));
    assert_true(settings_agree("", one) && settings_agree(one, ""));
    assert_false(settings_agree("{\"inputs\":{\"a\":\"2\"}}", one));
    assert_false(settings_agree("{\"inputs\":{\"a\":\"1\"},\"templates\":[\"shop\",\"more\"]}", one));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prepare__comes_back_whole),
        cmocka_unit_test(step__carries_status_error_and_body),
        cmocka_unit_test(plan_and_apply__come_back),
        cmocka_unit_test(wrong_types__are_refused_by_name),
        cmocka_unit_test(settings__that_do_not_say_all_agree_in_what_they_say),
    };
    return cmocka_run_group_tests_name("result", tests, NULL, NULL);
}
