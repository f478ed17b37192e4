/* SPDX-License-Identifier: ISC */
/* The acting commands against an owner that answers as berthd would: rows, answers, exit statuses, confirmations, --wait, --dry-run. */
#include "owner.h"

#include "berth/base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define DIGEST "aaaabbbbccccddddaaaabbbbccccddddaaaabbbbccccddddaaaabbbbccccdddd"

static const char yaml[] = "version: 1\n"
                           "workspace: shop\n"
                           "trusted: { repository: app, ref: main }\n"
                           "repositories: { app: { provider: git, url: . } }\n"
                           "targets: { here: { provider: local } }\n"
                           "environments:\n"
                           "  - name: \"review/${{ branch.slug }}\"\n"
                           "    tier: review\n"
                           "    source: { branches: [\"feature/**\"] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "    deploy_on: [manual]\n"
                           "    gate: { approvals: 1 }\n";
static const char gate[] =
    "{\"kind\":\"all\",\"verdict\":\"wait\",\"rule\":\"gate\",\"reason\":\"\",\"children\":[{\"kind\":\"rule\",\"verdict\":\"wait\","
    "\"rule\":\"approvals\",\"reason\":\"0 of 1 approvals\"}]}";
static const char window[] =
    "{\"kind\":\"all\",\"verdict\":\"wait\",\"rule\":\"gate\",\"reason\":\"\",\"children\":[{\"kind\":\"rule\",\"verdict\":\"wait\","
    "\"rule\":\"window\",\"reason\":\"closed\"}]}";

static struct owner owner;

static void put_run(const char *id, int status, const char *tree)
{
    const struct run run = {.id = id,
                            .number = strtoll(id, NULL, 10),
                            .environment = "E1",
                            .environment_name = "review/x",
                            .workflow = WORKFLOW_DEPLOY,
                            .status = status,
                            .digest = DIGEST,
                            .gate = tree,
                            .created_at = 1};

    owner_put(&owner, &run_type, &run);
}

static int setup(void **state)
{
    const struct environment environment = {.id = "E1",
                                            .name = "review/x",
                                            .slug = "x",
                                            .tier = TIER_REVIEW,
                                            .entry = "review/${{ branch.slug }}",
                                            .status = ENVIRONMENT_OK};

    (void)state;
    owner_start(&owner, yaml);
    owner_put(&owner, &environment_type, &environment);
    owner_put(&owner, &branch_type, &(struct branch){.id = "app:feature/x", .repository = "app", .name = "feature/x"});
    owner_put(&owner, &branch_type,
              &(struct branch){.id = "app:nothing-fits", .repository = "app", .name = "nothing-fits"});
    owner_put(&owner, &plan_type,
              &(struct plan){.id = "2/db", .run = "2", .address = "db", .action = PLAN_CREATE, .summary = "runs ./db"});
    put_run("1", RUN_DONE, "");
    put_run("2", RUN_GATE, gate);
    put_run("3", RUN_FAILED, "");
    put_run("4", RUN_GATE, window);
    put_run("5", RUN_HELD, "");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    owner_end(&owner);
    return 0;
}

/* Accepts everything; the run of a deploy is named by its --ref, so that a test can choose. */
static bool accept(struct store *store, struct command *command)
{
    static const char message[] = "{\"message\":\"accepted\"}";
    json_t *arguments = json_loads(command->arguments, 0, NULL);
    const char *ref = json_get_text(arguments, "ref");
    const char *run;

    (void)store;
    command->status = COMMAND_ACCEPTED;
    command->answer = message;
    run = ref[0] == '1'   ? "1"
          : ref[0] == '2' ? "2"
          : ref[0] == '3' ? "3"
          : ref[0] == '4' ? "4"
          : ref[0] == '5' ? "5"
          : ref[0] == '6' ? "6"
                          : "";
    command->run = run;
    json_decref(arguments);
    return true;
}

static bool refuse(struct store *store, struct command *command)
{
    (void)store;
    command->status = COMMAND_REFUSED;
    command->answer =
        "{\"message\":\"it is frozen\",\"code\":\"denied\",\"why\":{\"kind\":\"all\",\"verdict\":\"no\",\"rule\":\"deploy\",\"reason\":\"\","
        "\"children\":[{\"kind\":\"rule\",\"verdict\":\"no\",\"rule\":\"freeze\",\"reason\":\"frozen by bob\",\"next\":\"ask "
        "bob\"}]}}";
    return true;
}

static bool conflict(struct store *store, struct command *command)
{
    (void)store;
    command->status = COMMAND_REFUSED;
    command->answer = "{\"message\":\"it moved\",\"code\":\"conflict\"}";
    return true;
}

/* The newest command, its text in `arena`; false when there is none of that verb. */
static bool last_command(const char *verb, struct arena *arena, struct command *command)
{
    const struct store_query query = {.type = &command_type, .descending = true, .limit = 1};
    struct command *rows;
    size_t count;

    assert_true(store_list(owner.store, &query, arena, &rows, &count, NULL));
    if (count == 0 || strcmp(rows[0].verb, verb) != 0)
        return false;
    *command = rows[0];
    return true;
}

static int64_t command_count(void)
{
    const struct store_query query = {.type = &command_type};
    int64_t count;

    assert_true(store_count(owner.store, &query, &count, NULL));
    return count;
}

static void deploy__becomes_a_row_and_its_answer_is_told(void **state)
{
    struct arena arena = {0};
    struct command command;
    char actor[32];

    (void)state;
    owner_answers(&owner, accept);
    assert_int_equal(owner_berth(&owner, "deploy feature/x --ref main --with a=1 --reason because --key k1"), 0);
    assert_string_equal(owner.out.data, "accepted\n");
    assert_true(last_command("deploy", &arena, &command));
    snprintf(actor, sizeof actor, "uid:%ld", (long)getuid());
    assert_string_equal(command.subject, "feature/x");
    assert_string_equal(command.arguments, "{\"ref\":\"main\",\"with\":[\"a=1\"]}");
    assert_string_equal(command.actor, actor);
    assert_string_equal(command.via, "cli");
    assert_string_equal(command.reason, "because");
    assert_string_equal(command.key, "k1");
    arena_release(&arena);
}

static void key__the_same_is_taken_once(void **state)
{
    int64_t before;

    (void)state;
    owner_answers(&owner, accept);
    assert_int_equal(owner_berth(&owner, "deploy feature/x --key k2"), 0);
    before = command_count();
    assert_int_equal(owner_berth(&owner, "deploy feature/x --key k2"), 0);
    assert_int_equal(command_count(), before);
}

static void refusal__tells_the_tree_and_exits_by_its_code(void **state)
{
    (void)state;
    owner_answers(&owner, refuse);
    assert_int_equal(owner_berth(&owner, "deploy feature/x"), 4);
    assert_non_null(strstr(owner.error.data, "NO    freeze: frozen by bob"));
    assert_non_null(strstr(owner.error.data, "it is frozen"));
    owner_answers(&owner, conflict);
    assert_int_equal(owner_berth(&owner, "deploy feature/x"), 5);
}

static void wait__follows_to_the_end_and_says_how_it_was(void **state)
{
    static const struct {
        const char *words;
        int status;
    } cases[] = {
        {"deploy x --ref 1 --wait", 0},                /* done */
        {"deploy x --ref 2 --wait", 3},                /* at a gate for an approval */
        {"deploy x --ref 3 --wait", 1},                /* failed */
        {"deploy x --ref 4 --wait --timeout 50ms", 6}, /* at a gate for a window */
        {"deploy x --ref 5 --wait", 1},                /* held */
        {"deploy x --ref 3", 0},
    };

    (void)state;
    owner_answers(&owner, accept);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (owner_berth(&owner, cases[i].words) != cases[i].status)
            fail_msg("%s: %s%s", cases[i].words, owner.out.data, owner.error.data);
    }
    owner_berth(&owner, "deploy x --ref 2 --wait");
    assert_non_null(strstr(owner.out.data, "berth approve 2 --digest " DIGEST));
    assert_non_null(strstr(owner.out.data, "+   create    db"));
}

static void wait__follows_the_run_that_answers_a_failure(void **state)
{
    const struct run failed = {
        .id = "6", .number = 6, .environment_name = "review/y", .status = RUN_ROLLING_BACK, .created_at = 1};
    const struct run answer = {.id = "7",
                               .number = 7,
                               .environment_name = "review/y",
                               .workflow = WORKFLOW_ROLLBACK,
                               .status = RUN_GATE,
                               .parent = "6",
                               .digest = DIGEST,
                               .gate = gate,
                               .created_at = 1};

    (void)state;
    owner_put(&owner, &run_type, &failed);
    owner_put(&owner, &run_type, &answer);
    owner_answers(&owner, accept);
    assert_int_equal(owner_berth(&owner, "deploy x --ref 6 --wait --timeout 5s"), 3);
    assert_non_null(strstr(owner.out.data, "run 7 waits for an approval: berth approve 7 --digest " DIGEST));
}

static void approve__needs_a_digest_and_sends_the_whole(void **state)
{
    struct arena arena = {0};
    struct command command;
    int64_t before = command_count();

    (void)state;
    owner_answers(&owner, accept);
    assert_int_equal(owner_berth(&owner, "approve 2"), 2);
    assert_int_equal(command_count(), before);
    assert_non_null(strstr(owner.error.data, "--digest " DIGEST));
    assert_int_equal(owner_berth(&owner, "approve 2 --digest aaaabbbb"), 0);
    assert_true(last_command("approve", &arena, &command));
    assert_string_equal(command.subject, "2");
    assert_string_equal(command.arguments, "{\"digest\":\"" DIGEST "\"}");
    assert_int_equal(owner_berth(&owner, "approve review/x --digest 00000000"),
                     0); /* berthd refuses another digest, not we */
    assert_true(last_command("approve", &arena, &command));
    assert_string_equal(command.subject, "4"); /* the newest at a gate */
    assert_string_equal(command.arguments, "{\"digest\":\"00000000\"}");
    arena_release(&arena);
}

static void destroy__is_never_sent_without_the_name_twice(void **state)
{
    int64_t before = command_count();

    (void)state;
    owner_answers(&owner, accept);
    assert_int_equal(owner_berth(&owner, "destroy review/x"), 2);
    assert_int_equal(owner_berth(&owner, "destroy review/x --confirm review/y"), 2);
    assert_int_equal(command_count(), before);
    assert_int_equal(owner_berth(&owner, "destroy review/x --confirm review/x"), 0);
    assert_int_equal(command_count(), before + 1);
}

static void dry_run__sends_nothing_and_says_what_policy_says(void **state)
{
    int64_t before = command_count();

    (void)state;
    assert_int_equal(owner_berth(&owner, "deploy feature/x --dry-run --ref main"), 0);
    assert_non_null(strstr(owner.out.data, "would submit: berth deploy feature/x --ref main"));
    assert_non_null(strstr(owner.out.data, "yes   role"));
    assert_non_null(strstr(owner.out.data, "berth plan feature/x --ref main shows what it would change"));
    (void)owner_berth(&owner, "rollback review/x --to v1 --dry-run");
    assert_non_null(strstr(owner.out.data, "would submit: berth rollback review/x --to v1"));
    assert_null(strstr(owner.out.data, "shows what it would change")); /* berth plan is of another commit */
    assert_int_equal(owner_berth(&owner, "deploy nothing-fits --dry-run"), 4);
    assert_int_equal(owner_berth(&owner, "deploy feature/xx --dry-run"), 2);
    assert_non_null(strstr(owner.error.data, "there is no environment or branch \"feature/xx\""));
    assert_non_null(strstr(owner.error.data, "did you mean \"feature/x\""));
    assert_int_equal(owner_berth(&owner, "hold review/nothing --dry-run"), 2);
    assert_int_equal(owner_berth(&owner, "destroy review/x --dry-run"), 0);
    assert_int_equal(owner_berth(&owner, "deploy feature/x --dry-run --json"), 0);
    assert_non_null(strstr(owner.out.data, "\"why\""));
    assert_int_equal(command_count(), before);
}

static void until__is_sent_as_an_instant(void **state)
{
    struct arena arena = {0};
    struct command command;

    (void)state;
    owner_answers(&owner, accept);
    assert_int_equal(owner_berth(&owner, "freeze prod --until 2h"), 0);
    assert_true(last_command("freeze", &arena, &command));
    assert_non_null(strstr(command.arguments, "Z\"}"));
    assert_int_equal(owner_berth(&owner, "freeze prod --until 2001-01-01T00:00:00Z"), 2);
    arena_release(&arena);
}

static void cancel__takes_an_environment_for_its_run(void **state)
{
    struct arena arena = {0};
    struct command command;

    (void)state;
    owner_answers(&owner, accept);
    assert_int_equal(owner_berth(&owner, "cancel review/x"), 0);
    assert_true(last_command("cancel", &arena, &command));
    assert_string_equal(command.subject, "5");
    assert_int_equal(owner_berth(&owner, "retry review/x"), 0);
    assert_true(last_command("retry", &arena, &command));
    assert_string_equal(command.subject, "5");
    assert_int_equal(owner_berth(&owner, "cancel review/none"), 2);
    arena_release(&arena);
}

/* Asked about a name or a number, sent or not: where there is nothing to act on that is a conflict, in the words of the refusal. */
static void nothing_to_act_on__is_a_conflict(void **state)
{
    static const struct {
        const char *words, *sentence;
    } nothing[] = {
        {"undo review/x", "run 5 is no destroy that could be undone"},
        {"undo 1 --dry-run", "run 1 is no destroy that could be undone"},
        {"cancel 1 --dry-run", "run 1 is done: there is nothing to cancel"},
        {"retry 1 --dry-run", "run 1 is done: there is nothing to retry"},
        {"reject 5 --dry-run", "run 5 is held: there is nothing to reject"},
        {"rollback review/x --dry-run", "has no good release before the one it has"},
        {"retry review/idle", "\"review/idle\" has no run yet"},
        {"approve review/idle", "\"review/idle\" has no run yet"},
    };
    const struct environment idle = {.id = "E2",
                                     .name = "review/idle",
                                     .slug = "idle",
                                     .tier = TIER_REVIEW,
                                     .entry = "review/${{ branch.slug }}",
                                     .status = ENVIRONMENT_OK};

    (void)state;
    owner_put(&owner, &environment_type, &idle);
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        int status = owner_berth(&owner, nothing[i].words);

        if (status != 5 ||
            (!strstr(owner.out.data, nothing[i].sentence) && !strstr(owner.error.data, nothing[i].sentence)))
            fail_msg("berth %s: exit %d, %s%s", nothing[i].words, status, owner.out.data, owner.error.data);
    }
}

static void json__of_an_act_holds_command_and_run(void **state)
{
    json_t *json;

    (void)state;
    owner_answers(&owner, accept);
    assert_int_equal(owner_berth(&owner, "deploy x --ref 1 --wait --json"), 0);
    json = json_loads(owner.out.data, 0, NULL);
    assert_non_null(json_object_get(json, "command"));
    assert_string_equal(json_get_text(json_object_get(json, "run"), "status"), "done");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deploy__becomes_a_row_and_its_answer_is_told),
        cmocka_unit_test(key__the_same_is_taken_once),
        cmocka_unit_test(refusal__tells_the_tree_and_exits_by_its_code),
        cmocka_unit_test(wait__follows_to_the_end_and_says_how_it_was),
        cmocka_unit_test(wait__follows_the_run_that_answers_a_failure),
        cmocka_unit_test(approve__needs_a_digest_and_sends_the_whole),
        cmocka_unit_test(destroy__is_never_sent_without_the_name_twice),
        cmocka_unit_test(dry_run__sends_nothing_and_says_what_policy_says),
        cmocka_unit_test(until__is_sent_as_an_instant),
        cmocka_unit_test(cancel__takes_an_environment_for_its_run),
        cmocka_unit_test(nothing_to_act_on__is_a_conflict),
        cmocka_unit_test(json__of_an_act_holds_command_and_run),
    };

    setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, setup, teardown);
}
