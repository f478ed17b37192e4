/* SPDX-License-Identifier: ISC */
/* plan --delta: which plan is looked at, what it is compared with, what is said of it; sensitive values are told to differ and no more. */
#include "owner.h"

#include "berth/model/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char yaml[] = "version: 1\n"
                           "workspace: shop\n"
                           "trusted: { repository: app, ref: main }\n"
                           "repositories: { app: { provider: git, url: . } }\n"
                           "targets: { here: { provider: local } }\n"
                           "environments:\n"
                           "  - name: prod\n"
                           "    tier: prod\n"
                           "    source: { branches: [main] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "    deploy_on: [manual]\n"
                           "    gate: { approvals: 1 }\n";
static const char gate[] =
    "{\"kind\":\"all\",\"verdict\":\"wait\",\"rule\":\"gate\",\"reason\":\"\",\"children\":[{\"kind\":\"rule\",\"verdict\":\"wait\","
    "\"rule\":\"approvals\",\"reason\":\"0 of 1 approvals\"}]}";

#define INNER(path, action, attributes) \
    "{\"path\":\"" path "\",\"action\":\"" action "\",\"kind\":\"k\",\"attributes\":[" attributes "]}"
#define PASSWORD(before, after) \
    "{\"path\":\"pw\",\"before\":\"hmac:" before "\",\"after\":\"hmac:" after "\",\"sensitive\":true}"

static struct owner owner;

static void put_run(const char *id, int workflow, int status, const char *digest, const char *approved)
{
    const struct run run = {.id = id,
                            .number = strtoll(id, NULL, 10),
                            .environment = "E1",
                            .environment_name = "prod",
                            .workflow = workflow,
                            .status = status,
                            .digest = digest,
                            .approved_digest = approved,
                            .gate = status == RUN_GATE ? gate : "",
                            .applying_at = status == RUN_DONE && workflow != WORKFLOW_PLAN ? 5 : 0,
                            .ended_at = status == RUN_DONE ? 1763733909000 : 0,
                            .created_at = 1};

    owner_put(&owner, &run_type, &run);
}

static void put_plan(const char *run, const char *address, int action, const char *changes, int64_t position)
{
    char id[100];
    const struct plan row = {.id = id,
                             .run = run,
                             .address = address,
                             .action = action,
                             .changes = changes,
                             .digest = changes,
                             .position = position};

    snprintf(id, sizeof id, "%s/%s", run, address);
    owner_put(&owner, &plan_type, &row);
}

static void put_approved(const char *run, const char *address, const char *whole, int action, const char *changes)
{
    char id[100];
    const struct approved_plan row = {.id = id,
                                      .run = run,
                                      .whole = whole,
                                      .address = address,
                                      .action = action,
                                      .changes = changes,
                                      .digest = changes};

    snprintf(id, sizeof id, "%s/%s", run, address);
    owner_put(&owner, &approved_plan_type, &row);
}

static int setup(void **state)
{
    const struct environment environment = {
        .id = "E1", .name = "prod", .slug = "prod", .tier = TIER_PROD, .entry = "prod", .status = ENVIRONMENT_OK};

    (void)state;
    owner_start(&owner, yaml);
    owner_put(&owner, &environment_type, &environment);
    put_run("1", WORKFLOW_DEPLOY, RUN_DONE, "d1", "");
    put_plan("1", "infra", PLAN_UPDATE, "[" INNER("a", "create", "") "]", 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    owner_end(&owner);
    return 0;
}

/* Run 2 was approved by alice for another plan than the one it asks for now. */
static void put_asking(void)
{
    put_run("2", WORKFLOW_DEPLOY, RUN_GATE, "d2", "d0");
    put_plan(
        "2", "infra", PLAN_UPDATE,
        "[" INNER("a", "create", "") "," INNER("b", "update", PASSWORD("1", "3")) "," INNER("c", "destroy", "") "]", 0);
    put_approved(
        "2", "infra", "d0", PLAN_UPDATE,
        "[" INNER("a", "create", "") "," INNER("b", "update", PASSWORD("1", "2")) "," INNER("old", "create", "") "]");
    put_approved("2", "stale", "other", PLAN_DESTROY, "[]"); /* of an earlier approval */
    owner_put(&owner, &approval_type,
              &(struct approval){
                  .id = "A1", .run = "2", .digest = "d0", .actor = "uid:7", .person = "alice", .at = 1763733900000});
    owner_put(
        &owner, &approval_type,
        &(struct approval){
            .id = "A2", .run = "2", .digest = "d0", .verdict = VERDICT_CLEARED, .actor = "berth", .at = 1763733901000});
}

static void assert_out(const char *text)
{
    if (strstr(owner.out.data, text) == NULL)
        fail_msg("'%s' is not in:\n%s%s", text, owner.out.data, owner.error.data);
}

static void the_run_that_asks_again__is_compared_with_its_approval(void **state)
{
    (void)state;
    put_asking();
    assert_int_equal(owner_berth(&owner, "plan prod --delta"), 0);
    assert_out("1 of 3 as approved by alice ");
    assert_out("; 1 new, 1 different (1 removes), 1 not now");
    assert_out("new       -   destroy  infra c\n");
    assert_out("different ~   update   infra b\n      pw: changed, sensitive\n");
    assert_out("not now                infra old: was create\n");
    assert_out("berth approve 2 --digest d2");
    assert_null(strstr(owner.out.data, "hmac"));
    assert_null(strstr(owner.out.data, "stale"));
    assert_true(strstr(owner.out.data, "infra c") < strstr(owner.out.data, "infra b"));
}

static void the_json__says_against_what_and_part_by_part(void **state)
{
    (void)state;
    put_asking();
    assert_int_equal(owner_berth(&owner, "plan prod --delta --json"), 0);
    json_t *answer = json_loads(owner.out.data, 0, NULL);
    const json_t *against = json_object_get(answer, "against"), *parts = json_object_get(answer, "parts");
    assert_string_equal(json_get_text(against, "how"), "approved");
    assert_string_equal(json_get_text(against, "by"), "alice");
    assert_string_equal(json_get_text(against, "digest"), "d0");
    assert_string_equal(json_get_text(json_object_get(answer, "run"), "id"), "2");
    assert_int_equal(json_get_int(json_object_get(answer, "counts"), "removes"), 1);
    assert_int_equal(json_array_size(parts), 4);
    assert_string_equal(json_get_text(json_array_get(parts, 0), "part"), "c");
    assert_null(strstr(owner.out.data, "hmac"));
    json_decref(answer);
}

static void the_run_itself__says_how_much_was_approved_before(void **state)
{
    (void)state;
    put_asking();
    assert_int_equal(owner_berth(&owner, "runs 2"), 0);
    assert_out("1 of 3 as approved by alice ");
    assert_out("berth plan prod --delta shows these");
    assert_int_equal(owner_berth(&owner, "runs 1"), 0);
    assert_null(strstr(owner.out.data, "as approved"));
}

/* Answers a plan with a run that is done, and has one part that the applied one had, and one more. */
static bool make_plan(struct store *store, struct command *command)
{
    const struct run run = {.id = "9",
                            .number = 9,
                            .environment = "E1",
                            .environment_name = "prod",
                            .workflow = WORKFLOW_PLAN,
                            .status = RUN_DONE,
                            .digest = "d9",
                            .created_at = 1};
    const struct plan plan = {.id = "9/infra",
                              .run = "9",
                              .address = "infra",
                              .action = PLAN_UPDATE,
                              .changes = "[" INNER("a", "create", "") "," INNER("z", "destroy", "") "]"};

    command->status = COMMAND_DONE;
    command->answer = "{\"message\":\"accepted\"}";
    command->run = "9";
    assert_null(strstr(command->arguments, "delta")); /* berthd is asked for a plan and no more */
    return store_put(store, &run_type, &run, NULL) && store_put(store, &plan_type, &plan, NULL);
}

static void without_an_open_run__a_new_plan_is_compared_with_the_applied_one(void **state)
{
    (void)state;
    owner_answers(&owner, make_plan);
    assert_int_equal(owner_berth(&owner, "plan prod --delta"), 0);
    assert_out("run 9  plan of prod: 1 of 2 as run 1 applied ");
    assert_out("new       -   destroy  infra z\n");
    assert_null(strstr(owner.out.data, "approve"));
}

static void an_option__asks_for_another_plan_than_the_one_that_waits(void **state)
{
    (void)state;
    put_asking();
    owner_answers(&owner, make_plan);
    assert_int_equal(owner_berth(&owner, "plan prod --delta --ref main"), 0);
    assert_out("run 9  plan of prod: 1 of 2 as approved by alice in run 2 ");
}

static void a_held_run__is_planned_anew_and_compared_with_what_it_was_approved_for(void **state)
{
    (void)state;
    put_run("2", WORKFLOW_DEPLOY, RUN_HELD, "d2", "");
    put_plan("2", "infra", PLAN_UPDATE, "[" INNER("a", "create", "") "," INNER("z", "destroy", "") "]", 0);
    const struct run run = {.id = "2",
                            .number = 2,
                            .environment = "E1",
                            .environment_name = "prod",
                            .workflow = WORKFLOW_DEPLOY,
                            .status = RUN_HELD,
                            .digest = "d2",
                            .approved_at = 4,
                            .applying_at = 5};
    owner_put(&owner, &run_type, &run);
    owner_answers(&owner, make_plan);
    assert_int_equal(owner_berth(&owner, "plan prod --delta"), 0);
    assert_out("2 of 2 as planned before in run 2 ");
}

static void where_nothing_was_approved__all_is_new(void **state)
{
    (void)state;
    put_run("1", WORKFLOW_DEPLOY, RUN_REJECTED, "d1", "");
    owner_answers(&owner, make_plan);
    assert_int_equal(owner_berth(&owner, "plan prod --delta"), 0);
    assert_out("nothing was approved or applied there before, all of the plan is new");
    assert_int_equal(owner_berth(&owner, "plan prod --delta --json"), 0);
    assert_out("\"against\": null");
}

static void what_was_destroyed_since__is_compared_with_nothing(void **state)
{
    (void)state;
    put_run("2", WORKFLOW_DESTROY, RUN_DONE, "d2", "");
    owner_answers(&owner, make_plan);
    assert_int_equal(owner_berth(&owner, "plan prod --delta"), 0);
    assert_out("nothing was approved or applied there before, all of the plan is new");
}

int main(void)
{
#define DELTA(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        DELTA(the_run_that_asks_again__is_compared_with_its_approval),
        DELTA(the_json__says_against_what_and_part_by_part),
        DELTA(the_run_itself__says_how_much_was_approved_before),
        DELTA(without_an_open_run__a_new_plan_is_compared_with_the_applied_one),
        DELTA(an_option__asks_for_another_plan_than_the_one_that_waits),
        DELTA(a_held_run__is_planned_anew_and_compared_with_what_it_was_approved_for),
        DELTA(where_nothing_was_approved__all_is_new),
        DELTA(what_was_destroyed_since__is_compared_with_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
