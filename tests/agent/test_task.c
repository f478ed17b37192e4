/* SPDX-License-Identifier: ISC */
/* A step on its way to a worker. */
#include "agent/task.h"

#include "berth/base/str.h"
#include "berth/base/text.h"
#include "berth/engine.h"
#include "berth/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct environment environment = {.id = "E", .name = "review/x", .slug = "review-x", .tier = TIER_REVIEW};
static const struct run run = {.id = "17",
                               .number = 17,
                               .environment = "E",
                               .ref = "x",
                               .repository = "app",
                               .wanted = "[1]",
                               .gate = "{}",
                               .base = "{}"};
static const struct branch branch = {.id = "app:x", .name = "x", .repository = "app", .commit = "c0ffee"};
static const struct resource db = {.id = "E/db", .environment = "E", .address = "db", .outputs = "{\"port\":\"1\"}"};

static struct store *filled(void)
{
    struct error error = {0};
    struct store *store = store_open_memory();
    assert_true(store_begin(store, STORE_DURABLE, &error) &&
                store_put(store, &environment_type, &environment, &error) &&
                store_put(store, &branch_type, &branch, &error) && store_put(store, &resource_type, &db, &error) &&
                store_commit(store, NULL, &error));
    return store;
}

static void written(struct store *store, const struct engine_facts *facts, const struct step *step, struct str *out)
{
    struct error error = {0};
    assert_true(store_read_begin(store, &error));
    assert_true(task_write(store, facts, step, out, &error));
    store_read_end(store);
}

static void task__arrives_with_its_rows_and_the_outputs_it_names(void **state)
{
    const struct step step = {
        .id = "17.apply.web",
        .run = "17",
        .environment = "E",
        .phase = PHASE_APPLY,
        .spec = "{\"wanted\":{\"spec\":{\"run\":[\"serve\",{\"$parts\":[{\"path\":\"resource.db.outputs.port\"}]}]}}}"};
    struct engine_facts facts = {.run = &run};
    struct store *store = filled();
    struct arena arena = {0};
    struct error error = {0};
    struct str out = STR_INIT;
    struct task task;
    (void)state;
    written(store, &facts, &step, &out); /* the environment from the store */
    assert_true(task_read(out.data, out.length, &arena, &task, &error));
    assert_string_equal(task.step.id, step.id);
    assert_int_equal(task.step.phase, PHASE_APPLY);
    assert_int_equal(task.run.number, 17);
    assert_true(task.has_environment);
    assert_string_equal(task.environment.slug, "review-x");
    assert_int_equal(task.environment.tier, TIER_REVIEW);
    assert_false(task.has_branch);
    assert_true(json_is_object(json_object_get(task.spec, "wanted")));
    assert_string_equal(json_get_text(json_object_get(task.outputs, "db"), "port"), "1");
    assert_true(text_empty(task.run.wanted) && text_empty(task.run.gate) && text_empty(task.run.base));
    task_release(&task);
    arena_release(&arena);
    str_release(&out);
    store_close(store);
}

static void task__cut_off_anywhere_is_refused(void **state)
{
    const struct step step = {.id = "17.prepare.main", .run = "17", .phase = PHASE_PREPARE, .spec = "{\"a\":1}"};
    struct engine_facts facts = {.run = &run, .environment = &environment};
    struct store *store = filled();
    struct arena arena = {0};
    struct str out = STR_INIT;
    struct error error = {0};
    struct task task;
    (void)state;
    written(store, &facts, &step, &out);
    assert_true(task_read(out.data, out.length, &arena, &task, &error));
    assert_true(task.has_branch);
    assert_string_equal(task.branch.commit, "c0ffee");
    assert_null(task.outputs);
    task_release(&task);
    for (size_t length = 0; length < out.length; length++)
        assert_false(task_read(out.data, length, &arena, &task, &error));
    arena_release(&arena);
    str_release(&out);
    store_close(store);
}

static void task__of_what_is_planned_again_brings_what_was_approved(void **state)
{
    const struct plan plan = {.id = "17/db", .run = "17", .address = "db", .changes = "[{\"path\":\"a\"}]"};
    const struct step step = {.id = "17.apply.db",
                              .run = "17",
                              .environment = "E",
                              .address = "db",
                              .phase = PHASE_APPLY,
                              .spec = "{\"wanted\":{\"replans\":true}}"};
    struct engine_facts facts = {.run = &run};
    struct store *store = filled();
    struct arena arena = {0};
    struct error error = {0};
    struct str out = STR_INIT;
    struct task task;
    (void)state;
    assert_true(store_begin(store, STORE_DURABLE, &error) && store_put(store, &plan_type, &plan, &error) &&
                store_commit(store, NULL, &error));
    written(store, &facts, &step, &out);
    assert_true(task_read(out.data, out.length, &arena, &task, &error));
    assert_string_equal(json_get_text(json_array_get(task.approved, 0), "path"), "a");
    assert_null(task.outputs);
    task_release(&task);
    arena_release(&arena);
    str_release(&out);
    store_close(store);
}

/* What a step of this phase is told of the sensitive output `pw` of `vault`, whose plan (NULL: none) says that of its outputs. */
static json_t *told_of_sensitive(enum step_phase phase, const char *planned, char *giver, size_t size)
{
    const struct resource vault = {.id = "E/vault",
                                   .environment = "E",
                                   .address = "vault",
                                   .spec = "{\"dir\":\"v\"}",
                                   .outputs = "{\"name\":\"v\"}",
                                   .sensitive = "{\"pw\":\"hmac:1\"}"};
    const struct plan plan = {
        .id = "17/vault", .run = "17", .address = "vault", .action = PLAN_UPDATE, .spec = planned};
    const struct step step = {
        .id = "17.step.web",
        .run = "17",
        .environment = "E",
        .address = "web",
        .phase = (int)phase,
        .spec = "{\"wanted\":{\"spec\":{\"run\":[{\"$parts\":[{\"path\":\"resource.vault.outputs.pw\"}]}]}}}"};
    struct engine_facts facts = {.run = &run};
    struct store *store = filled();
    struct arena arena = {0};
    struct error error = {0};
    struct str out = STR_INIT;
    struct task task;
    assert_true(store_begin(store, STORE_DURABLE, &error) && store_put(store, &resource_type, &vault, &error));
    assert_true(!planned || store_put(store, &plan_type, &plan, &error));
    assert_true(store_commit(store, NULL, &error));
    written(store, &facts, &step, &out);
    assert_true(task_read(out.data, out.length, &arena, &task, &error));
    json_t *told = json_incref((json_t *)(uintptr_t)task_output(&task, "resource.vault.outputs.pw"));
    const json_t *row = json_object_get(task.givers, "vault");
    (void)text_copy(giver, size, row ? json_get_text(row, "address") : "");
    task_release(&task);
    arena_release(&arena);
    str_release(&out);
    store_close(store);
    return told;
}

static void task__of_a_sensitive_output_tells_whom_to_ask_and_no_value(void **state)
{
    char giver[32];
    json_t *told = told_of_sensitive(PHASE_APPLY, NULL, giver, sizeof giver);
    (void)state;
    assert_string_equal(json_get_text(told, "sensitive"), "hmac:1");
    assert_string_equal(giver, "vault");
    json_decref(told);
}

static void task__of_a_sensitive_output_that_will_change_says_nothing_while_planning(void **state)
{
    char giver[32];
    json_t *same =
        told_of_sensitive(PHASE_PLAN, "{\"outputs\":{\"pw\":{\"sensitive\":\"hmac:1\"}}}", giver, sizeof giver);
    json_t *other =
        told_of_sensitive(PHASE_PLAN, "{\"outputs\":{\"pw\":{\"sensitive\":\"hmac:2\"}}}", giver, sizeof giver);
    (void)state;
    assert_string_equal(json_get_text(same, "sensitive"), "hmac:1");
    assert_null(other);
    json_decref(same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(task__arrives_with_its_rows_and_the_outputs_it_names),
        cmocka_unit_test(task__of_a_sensitive_output_tells_whom_to_ask_and_no_value),
        cmocka_unit_test(task__of_a_sensitive_output_that_will_change_says_nothing_while_planning),
        cmocka_unit_test(task__of_what_is_planned_again_brings_what_was_approved),
        cmocka_unit_test(task__cut_off_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
