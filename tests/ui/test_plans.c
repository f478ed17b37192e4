/* SPDX-License-Identifier: ISC */
/* Plans on the screen: the tree and its order, values that must not be seen, thousands of changes, the tool's own text. */
#include "scene.h"

#include "berth/base/file.h"
#include "berth/store_log.h"
#include "ui/plan_tree.h"

#include <unistd.h>

static long row_of(struct scene *scene, const char *text)
{
    char *screen = scene_text(scene), *found = strstr(screen, text);
    long row = found ? 0 : -1;
    for (char *at = screen; found && at < found; at++)
        row += *at == '\n';
    free(screen);
    return row;
}

static void what_takes_away__comes_first_on_each_level(void **state)
{
    static const char *const order[] = {
        "infra ",       "module.net[0]", "aws_db_instance", "aws_ecs_service", "aws_s3_bucket.",
        "aws_iam_role", "database_old",  "server ",         "cache ",          "worker ",
        "dns "};
    struct scene scene;
    (void)state;
    scene_open(&scene, 60, 120, SCENE_MODULE);
    scene_type(&scene, "4<enter>E");
    for (size_t i = 1; i < sizeof order / sizeof *order; i++)
        if (row_of(&scene, order[i - 1]) >= row_of(&scene, order[i]) || row_of(&scene, order[i - 1]) < 0)
            fail_msg("%s is not above %s", order[i - 1], order[i]);
    scene_close(&scene);
}

static void a_replace__is_open_and_says_what_forces_it(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_MODULE);
    scene_type(&scene, "4<enter>");
    assert_shows(&scene, "forced by engine_version");
    assert_shows(&scene, "\"13.9\" → \"15.4\"");
    assert_shows(&scene, "forces replacement");
    assert_shows(&scene, "(known after apply)");
    assert_shows(&scene, "inner parts +1 ~1 -/+1 -1 other 1");
    scene_close(&scene);
}

static void a_sensitive_value__is_never_on_the_screen(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 60, 120, SCENE_MODULE);
    struct plan plan = {.id = "18/vault",
                        .run = "18",
                        .environment = "E2",
                        .address = "vault",
                        .executor = "exec",
                        .action = PLAN_DESTROY,
                        .changes =
                            "[{\"path\":\"token\",\"before\":\"PLANTED\",\"after\":\"PLANTED\",\"sensitive\":true}]",
                        .position = 0};
    struct run run = scene_gate_run();
    run.status_reason = "planned again";
    scene_put(&scene, &plan_type, &plan);
    scene_put(&scene, &run_type, &run);
    scene_type(&scene, "4<enter>");
    assert_shows(&scene, "token (sensitive)");
    assert_hides(&scene, "PLANTED");
    scene_type(&scene, "ggj<enter>");
    assert_shows(&scene, "token of vault");
    assert_hides(&scene, "PLANTED");
    scene_close(&scene);
}

static void a_commands_gate__says_what_is_run_and_promises_no_release(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 60, 120, 0);
    struct plan plan = {.id = "18/infra",
                        .run = "18",
                        .environment = "E2",
                        .address = "infra",
                        .executor = "terraform",
                        .action = PLAN_RUN,
                        .summary = "terraform state rm a",
                        .reason = "it may change the state"};
    struct run run = scene_gate_run();
    run.workflow = WORKFLOW_EXEC;
    scene_put(&scene, &plan_type, &plan);
    scene_put(&scene, &run_type, &run);
    scene_type(&scene, "4<enter>");
    assert_shows(&scene, "terraform state rm a");
    assert_shows(&scene, "exactly this is run, once, under the environment's lock");
    assert_shows(&scene, "nothing is taken back; the environment keeps its status");
    assert_hides(&scene, "then checks and a release");
    scene_close(&scene);
}

static void gate_of_a_destroy__names_what_is_removed_in_its_order_and_no_release(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    const char *const addresses[] = {"server", "database_old", "cache"}; /* as they are removed */
    const char *const ids[] = {"18/server", "18/database_old", "18/cache"};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct plan plan = {.id = ids[i],
                            .run = "18",
                            .environment = "E2",
                            .address = addresses[i],
                            .executor = "exec",
                            .action = PLAN_DESTROY,
                            .position = (int64_t)i};
        scene_put(&scene, &plan_type, &plan);
    }
    struct plan forgotten = {.id = "18/dns",
                             .run = "18",
                             .environment = "E2",
                             .address = "dns",
                             .executor = "exec",
                             .action = PLAN_FORGET,
                             .summary = "berth forgets it",
                             .position = 3};
    struct run run = scene_gate_run();
    run.workflow = WORKFLOW_DESTROY;
    scene_put(&scene, &plan_type, &forgotten);
    scene_put(&scene, &run_type, &run);
    scene_type(&scene, "4<enter>");
    assert_shows(&scene, "order       removed: server > database_old > cache  ");
    assert_hides(&scene, "then checks and a release");
    scene_close(&scene);
}

static void what_is_deferred__says_what_it_waits_for_and_what_then(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 60, 120, SCENE_MODULE);
    scene_type(&scene, "4<enter>");
    assert_shows(&scene, "waits for infra (update)");
    assert_shows(&scene, "would destroy or replace comes to the gate again");
    assert_shows(&scene, "1 deferred");
    scene_close(&scene);
}

static void folds__open_by_plus_close_by_minus_and_all_by_e(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 60, 120, SCENE_MODULE);
    scene_type(&scene, "4<enter>");
    assert_shows(&scene, "module.net[0]");
    scene_type(&scene, "-");
    assert_hides(&scene, "module.net[0]");
    assert_hides(&scene, "engine_version");
    scene_type(&scene, "+");
    assert_shows(&scene, "module.net[0]");
    scene_type(&scene, "jj"); /* the replaced database */
    scene_type(&scene, "j-");
    assert_hides(&scene, "\"13.9\"");
    scene_type(&scene, "E");
    assert_shows(&scene, "\"13.9\"");
    assert_shows(&scene, "shop-logs");
    assert_shows(&scene, "replicas");
    scene_type(&scene, "E");
    assert_hides(&scene, "module.net[0]");
    assert_hides(&scene, "replicas");
    scene_type(&scene, "E");
    assert_shows(&scene, "shop-logs");
    scene_close(&scene);
}

static void who_may_and_what_a_failure_does__are_said(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_MODULE);
    scene_type(&scene, "4<enter>");
    assert_shows(&scene, "whoever is approver here; you may (A)");
    assert_shows(&scene, "back to release v12, by a run of its own");
    assert_shows(&scene, "order       infra > server > cache > worker; removed: database_old");
    struct run run = scene_gate_run();
    run.on_failure = ANSWER_HOLD;
    scene_put(&scene, &run_type, &run);
    scene_turn(&scene);
    assert_shows(&scene, "it is held where it is");
    scene_close(&scene);
}

static void what_an_approval_does__is_said_whole_on_the_smallest_screen(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 24, 80, 0);
    scene_type(&scene, "4<enter>");
    assert_shows(&scene, "exactly this plan (7c1f22334455) is applied, or less, never more");
    assert_shows(&scene, "it is held where it is, not taken back: R goes on, C gives up");
    scene_close(&scene);
}

#define MANY 5000
static char *many_changes(void)
{
    struct str text = STR_INIT;
    str_add_char(&text, '[');
    for (int i = 0; i < MANY; i++)
        str_addf(
            &text,
            "%s{\"path\":\"terraform_data.x[%d]\",\"action\":\"%s\",\"kind\":\"terraform_data\",\"attributes\":["
            "{\"path\":\"input\",\"before\":%d,\"after\":%d},{\"path\":\"id\",\"before\":null,\"after\":null,\"unknown\":true}]}",
            i ? "," : "", i,
            i == MANY - 1 ? "destroy"
            : i % 2       ? "create"
                          : "update",
            i, i + 1);
    str_add_char(&text, ']');
    return str_take(&text);
}

static void five_thousand_changes__are_all_there(void **state)
{
    struct scene scene;
    char *changes = many_changes();
    (void)state;
    scene_open(&scene, 36, 120, 0);
    struct plan plan = {.id = "18/many",
                        .run = "18",
                        .environment = "E2",
                        .address = "many",
                        .executor = "terraform",
                        .action = PLAN_UPDATE,
                        .changes = changes,
                        .position = 0};
    scene_put(&scene, &plan_type, &plan);
    scene_type(&scene, "4<enter>gg");
    assert_shows(&scene, "inner parts +2499 ~2500 -/+0 -1");
    scene_type(&scene, "+j");
    assert_shows(&scene, "terraform_data.x[4999]"); /* the one that goes is the first */
    scene_type(&scene, "EG");
    assert_shows(&scene, "dns");
    for (int i = 0; i < 200; i++)
        scene_type(&scene, "k");
    assert_shows(&scene, "(known after apply)");
    scene_close(&scene);
    free(changes);
}

static void a_hostile_plan__is_data(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_ASCII);
    struct plan plan = {
        .id = "18/evil",
        .run = "18",
        .environment = "E2",
        .address = "evil\x1b[2J\nplan 0 destroy",
        .executor = "exec",
        .action = PLAN_REPLACE,
        .summary = "\xe2\x80\xae reversed",
        .changes = "[{\"path\":\"a\\u001b]0;owned\\u0007\\nb\",\"action\":\"\\u001b[31m\",\"attributes\":["
                   "{\"path\":\"x\\ty\",\"before\":\"\\u009b31m\",\"after\":{\"k\":[1,\"\\u202e\"]},\"forces\":true},"
                   "7,null,\"text\"]},3,null,[],{\"attributes\":9},{\"path\":5}]",
        .position = 0};
    scene_put(&scene, &plan_type, &plan);
    scene_type(&scene, "4<enter>Ejjj<enter>");
    char *screen = scene_text(&scene);
    for (char *at = screen; *at; at++)
        if ((unsigned char)*at < ' ' && *at != '\n')
            fail_msg("a control character is on the screen:\n%s", screen);
    free(screen);
    scene_close(&scene);
}

/* --- parts of a resource ---------------------------------------------------------------------------------- */

static void parts_of_a_resource__fold_below_it_and_are_live(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_MODULE);
    scene_type(&scene, "1<enter>");
    assert_hides(&scene, "terraform_data.a");
    assert_shows(&scene, "40% terraform_data.b: creating");
    scene_type(&scene, "jjjj+");
    assert_shows(&scene, "terraform_data.c[\"x\"]");
    assert_shows(&scene, "↻ creating");
    struct resource part = {.id = "E1/server//terraform_data.b",
                            .environment = "E1",
                            .address = "server//terraform_data.b",
                            .name = "terraform_data.b",
                            .parent = "server",
                            .kind = "terraform_data",
                            .group = "app",
                            .status = RESOURCE_FAILED,
                            .position = 5};
    scene_put(&scene, &resource_type, &part);
    scene_turn(&scene);
    assert_hides(&scene, "↻ creating");
    scene_type(&scene, "j-");
    assert_hides(&scene, "terraform_data.a");
    scene_close(&scene);
}

static void progress__is_read_again_though_nobody_tells_of_it(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_MODULE);
    scene_type(&scene, "1<enter>");
    struct step step = {.id = "17.apply.server",
                        .run = "17",
                        .environment = "E1",
                        .phase = PHASE_APPLY,
                        .status = STEP_RUNNING,
                        .address = "server",
                        .progress = 80,
                        .progress_text = "terraform_data.c: creating",
                        .started_at = SCENE_NOW - MINUTES(1)};
    scene_put(&scene, &step_type, &step);
    scene_pass(&scene, 1100);
    assert_shows(&scene, "80% terraform_data.c: creating");
    scene_close(&scene);
}

static void parts__that_name_each_other_do_no_harm(void **state)
{
    struct scene scene;
    static const char *const parents[][2] = {{"r1", "r2"}, {"r2", "r3"}, {"r3", "r1"}, {"r4", "r4"}, {"r5", "nobody"}};
    (void)state;
    scene_open(&scene, 36, 120, 0);
    for (size_t i = 0; i < sizeof parents / sizeof *parents; i++) {
        char id[20];
        snprintf(id, sizeof id, "E1/%s", parents[i][0]);
        struct resource row = {.id = id,
                               .environment = "E1",
                               .address = parents[i][0],
                               .parent = parents[i][1],
                               .group = "app",
                               .position = 50 + (int64_t)i};
        scene_put(&scene, &resource_type, &row);
    }
    scene_type(&scene, "1<enter>E");
    for (size_t i = 0; i < sizeof parents / sizeof *parents; i++)
        assert_shows(&scene, parents[i][0]);
    scene_close(&scene);
}

/* --- the tool's own text ---------------------------------------------------------------------------------- */

static void open_with_text(struct scene *scene, const char *text)
{
    scene_open(scene, 36, 120, SCENE_FOLDER);
    struct plan plan = {.id = "18/infra",
                        .run = "18",
                        .environment = "E2",
                        .address = "infra",
                        .executor = "terraform",
                        .action = PLAN_REPLACE,
                        .text = text,
                        .position = 0};
    scene_put(scene, &plan_type, &plan);
}

static void write_file(struct scene *scene, const char *below, const char *text)
{
    struct error error = {0};
    char *path = path_printf("%s/%s", scene->folder, below), *end = strrchr(path, '/');
    *end = '\0';
    assert_true(folder_make(path, 0700, &error));
    *end = '/';
    assert_true(file_replace(path, text, strlen(text), 0600, FILE_RELAXED, &error));
    free(path);
}

static void y__shows_the_tools_own_text(void **state)
{
    struct scene scene;
    (void)state;
    open_with_text(&scene, "infra/plan.txt");
    write_file(&scene, "runs/18/infra/plan.txt", "Terraform will perform\x1b[1m the following actions\n");
    scene_type(&scene, "4<enter>ggjy");
    assert_shows(&scene, "infra: the tool's own words about the plan of run 18");
    assert_shows(&scene, "Terraform will perform the following actions");
    scene_close(&scene);
}

static void y__shows_the_log_of_the_plan_where_there_is_no_text(void **state)
{
    struct scene scene;
    struct run_log log = RUN_LOG_INIT;
    struct error error = {0};
    (void)state;
    open_with_text(&scene, "infra/gone.txt");
    assert_true(run_log_open(&log, scene.folder, "18", "18.plan.infra", &error));
    assert_true(run_log_append(&log, "would run it\n", 13, &error));
    run_log_close(&log);
    scene_type(&scene, "4<enter>ggjy");
    assert_shows(&scene, "infra: the log of the plan of run 18");
    assert_shows(&scene, "would run it");
    scene_type(&scene, "qjy");
    assert_shows(&scene, "left no text of its own in run 18");
    scene_close(&scene);
}

static void y__reads_nothing_outside_the_runs_folder(void **state)
{
    struct scene scene;
    (void)state;
    open_with_text(&scene, "../../outside.txt");
    write_file(&scene, "outside.txt", "PLANTED");
    scene_type(&scene, "4<enter>ggjy");
    assert_shows(&scene, "its text is outside the run's folder, it is not read");
    assert_hides(&scene, "PLANTED");
    scene_close(&scene);
}

/* --- what differs from an approved plan --------------------------------------------------------------------- */

static void r__shows_what_differs_alone_and_the_whole_again(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_MODULE | SCENE_DELTA);
    scene_type(&scene, "4<enter>");
    assert_shows(&scene,
                 "5 of 9 as approved by alice 12m ago; 2 new, 2 different (3 remove), 2 not now  r these alone");
    assert_shows(&scene, "aws_s3_bucket.logs");
    scene_type(&scene, "r");
    assert_shows(&scene, "r the whole plan");
    scene_type(&scene, "A");
    assert_shows(&scene, "before    5 of 9 as approved by alice 12m ago");
    scene_type(&scene, "<esc>");
    assert_hides(&scene, "aws_s3_bucket.logs");
    assert_hides(&scene, "worker       is planned");
    assert_shows(&scene, "aws_sqs_queue.capture");
    assert_true(row_of(&scene, "aws_security_group_rule") < row_of(&scene, "aws_db_instance"));
    assert_true(row_of(&scene, "aws_db_instance") < row_of(&scene, "aws_sqs_queue.capture"));
    assert_true(row_of(&scene, "database_old") < row_of(&scene, "2 values differ"));
    scene_type(&scene, "r");
    assert_shows(&scene, "aws_s3_bucket.logs");
    assert_hides(&scene, "aws_sqs_queue.capture");
    scene_close(&scene);
}

static void a_sensitive_value_that_differs__is_told_so_and_no_more(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 60, 120, SCENE_MODULE | SCENE_DELTA);
    scene_type(&scene, "4<enter>r");
    assert_shows(&scene, "password       changed, sensitive");
    assert_shows(&scene, "approved \"13.9\" → \"13.11\"");
    assert_shows(&scene, "now      \"13.9\" → \"15.4\"");
    assert_hides(&scene, "hmac:");
    scene_type(&scene, "jjjjjjj<enter>");
    assert_shows(&scene, "password of infra");
    assert_shows(&scene, "as approved: before");
    assert_shows(&scene, "now: after");
    assert_hides(&scene, "hmac:");
    scene_close(&scene);
}

static void r_on_a_run__opens_its_plan_with_what_differs(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_MODULE | SCENE_DELTA);
    scene_type(&scene, "5gg<enter>r");
    assert_shows(&scene, "delta alone  2 new  2 different  2 not now");
    scene_type(&scene, ":plan prod --delta<enter>");
    assert_shows(&scene, "delta alone  2 new  2 different  2 not now");
    scene_close(&scene);
}

static void r__without_anything_approved_before_says_so(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_MODULE);
    scene_type(&scene, "4<enter>");
    assert_hides(&scene, "as approved");
    scene_type(&scene, "r");
    assert_shows(&scene, "no plan was approved or applied here before: all of this one is new");
    assert_shows(&scene, "aws_s3_bucket.logs");
    struct run run = {.id = "12",
                      .number = 12,
                      .environment = "E2",
                      .environment_name = "prod",
                      .workflow = WORKFLOW_DEPLOY,
                      .status = RUN_DONE,
                      .digest = "d12",
                      .applying_at = SCENE_NOW - MINUTES(3000),
                      .ended_at = SCENE_NOW - MINUTES(2990)};
    struct plan plan = {
        .id = "12/cache", .run = "12", .address = "cache", .action = PLAN_CREATE, .changes = "[]", .position = 2};
    scene_put(&scene, &run_type, &run);
    scene_put(&scene, &plan_type, &plan);
    scene_type(&scene, "r");
    assert_shows(&scene, "1 of 9 as run 12 applied 2d ago; 8 new (3 remove)");
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_takes_away__comes_first_on_each_level),
        cmocka_unit_test(a_replace__is_open_and_says_what_forces_it),
        cmocka_unit_test(a_sensitive_value__is_never_on_the_screen),
        cmocka_unit_test(a_commands_gate__says_what_is_run_and_promises_no_release),
        cmocka_unit_test(gate_of_a_destroy__names_what_is_removed_in_its_order_and_no_release),
        cmocka_unit_test(what_is_deferred__says_what_it_waits_for_and_what_then),
        cmocka_unit_test(folds__open_by_plus_close_by_minus_and_all_by_e),
        cmocka_unit_test(who_may_and_what_a_failure_does__are_said),
        cmocka_unit_test(what_an_approval_does__is_said_whole_on_the_smallest_screen),
        cmocka_unit_test(five_thousand_changes__are_all_there),
        cmocka_unit_test(a_hostile_plan__is_data),
        cmocka_unit_test(parts_of_a_resource__fold_below_it_and_are_live),
        cmocka_unit_test(progress__is_read_again_though_nobody_tells_of_it),
        cmocka_unit_test(parts__that_name_each_other_do_no_harm),
        cmocka_unit_test(y__shows_the_tools_own_text),
        cmocka_unit_test(y__shows_the_log_of_the_plan_where_there_is_no_text),
        cmocka_unit_test(y__reads_nothing_outside_the_runs_folder),
        cmocka_unit_test(r__shows_what_differs_alone_and_the_whole_again),
        cmocka_unit_test(a_sensitive_value_that_differs__is_told_so_and_no_more),
        cmocka_unit_test(r_on_a_run__opens_its_plan_with_what_differs),
        cmocka_unit_test(r__without_anything_approved_before_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
