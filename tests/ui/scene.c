/* SPDX-License-Identifier: ISC */
/* Fills a store with the rows of a small shop and drives a dashboard over it. */
#include "scene.h"

#include "berth/base/file.h"
#include "berth/base/process.h"
#include "berth/model/ledger.h"

#include <unistd.h>

static const char policy_text[] = "version: 1\n"
                                  "workspace: shop\n"
                                  "repositories:\n"
                                  "  app: { provider: git, url: . }\n"
                                  "targets:\n"
                                  "  here: { provider: local }\n"
                                  "environments:\n"
                                  "  - name: \"review/${{ branch.slug }}\"\n"
                                  "    tier: review\n"
                                  "    source: { branches: [\"feature/**\", \"fix/**\"] }\n"
                                  "    templates: [shop]\n"
                                  "    target: here\n"
                                  "    deploy_on: [manual]\n"
                                  "    on_failure: hold\n"
                                  "  - name: prod\n"
                                  "    tier: prod\n"
                                  "    source: { branches: [main] }\n"
                                  "    templates: [shop]\n"
                                  "    target: here\n"
                                  "    deploy_on: [manual]\n"
                                  "    gate: { approvals: 1 }\n"
                                  "    permanent: true\n";

void scene_put(struct scene *scene, const struct record_type *type, const void *row)
{
    struct error error = {0};
    assert_true(store_begin(scene->store, STORE_RELAXED, &error));
    if (!store_put(scene->store, type, row, &error))
        fail_msg("put %s: %s: %s", type->name, error.message, error.detail);
    assert_true(store_commit(scene->store, NULL, &error));
}

struct environment scene_environment(const char *id, const char *name, enum tier tier, enum environment_status status)
{
    return (struct environment){
        .id = id,
        .name = name,
        .slug = id,
        .tier = (int)tier,
        .entry = tier == TIER_PROD ? "prod" : "review/${{ branch.slug }}",
        .repository = "app",
        .target = "here",
        .owner = "anna",
        .status = (int)status,
        .created_at = SCENE_NOW - MINUTES(3000),
    };
}

struct run scene_gate_run(void)
{
    return (struct run){
        .id = "18",
        .number = 18,
        .environment = "E2",
        .environment_name = "prod",
        .entry = "prod",
        .workflow = WORKFLOW_DEPLOY,
        .status = RUN_GATE,
        .status_reason = "waits for 1 approval of approvers",
        .actor = "uid:1000",
        .person = "bob",
        .via = "cli",
        .repository = "app",
        .ref = "main",
        .commit = "5d1e0aa1c2d3e4f5",
        .subject = "raise the limits",
        .digest = "7c1f22334455667788990011223344556677889900112233445566778899aae2",
        .creates = 1,
        .updates = 1,
        .destroys = 1,
        .created_at = SCENE_NOW - MINUTES(6),
        .gate_at = SCENE_NOW - MINUTES(5),
        .gate_expires_at = SCENE_NOW + MINUTES(54),
        .gate =
            "{\"kind\":\"all\",\"verdict\":\"wait\",\"rule\":\"gate\",\"reason\":\"\",\"children\":["
            "{\"kind\":\"rule\",\"verdict\":\"yes\",\"rule\":\"window\",\"reason\":\"no window is set\",\"source\":\"berth.yaml:21\"},"
            "{\"kind\":\"rule\",\"verdict\":\"wait\",\"rule\":\"approvals\",\"reason\":\"0 of 1 approvals\",\"source\":\"berth.yaml:21\","
            "\"next\":\"ask somebody who is approver here\"}]}",
    };
}

static void put_branch(struct scene *scene, const char *name, const char *subject, int64_t minutes)
{
    char id[700];
    snprintf(id, sizeof id, "app:%s", name);
    struct branch row = {.id = id,
                         .repository = "app",
                         .name = name,
                         .commit = "9f3c1abdeadbeef0",
                         .subject = subject,
                         .author = "anna",
                         .author_email = "anna@acme.org",
                         .committed_at = SCENE_NOW - MINUTES(minutes),
                         .pushed_at = SCENE_NOW - MINUTES(minutes),
                         .ahead = 3,
                         .behind = 0,
                         .is_default = strcmp(name, "main") == 0};
    scene_put(scene, &branch_type, &row);
}

static void put_resource(struct scene *scene, const char *environment, const char *name, const char *group,
                         const char *needs, enum resource_status status, const char *reason, int64_t position)
{
    char id[200];
    snprintf(id, sizeof id, "%s/%s", environment, name);
    struct resource row = {.id = id,
                           .environment = environment,
                           .address = name,
                           .name = name,
                           .template = "shop",
                           .template_version = "3",
                           .executor = "exec",
                           .group = group,
                           .needs = needs,
                           .status = (int)status,
                           .status_reason = reason,
                           .ready = status == RESOURCE_OK ? "1/1" : "0/1",
                           .position = position,
                           .applied_run = "16",
                           .applied_at = SCENE_NOW - MINUTES(14),
                           .observed_at = SCENE_NOW - 2000,
                           .observed_by = "exec",
                           .data = strcmp(name, "database") == 0};
    scene_put(scene, &resource_type, &row);
}

/* Of run 18; what the plan does not say itself is filled in. */
static void put_plan_row(struct scene *scene, struct plan row)
{
    char id[200];
    snprintf(id, sizeof id, "18/%s", row.address);
    row.id = id;
    row.run = "18";
    row.environment = "E2";
    row.template = "shop";
    scene_put(scene, &plan_type, &row);
}

static void put_plan(struct scene *scene, const char *address, enum plan_action action, const char *summary,
                     const char *changes, int64_t position)
{
    const char *reason = action == PLAN_DESTROY ? "vanished from the template" : "its commit changed";
    put_plan_row(scene, (struct plan){.address = address,
                                      .executor = "exec",
                                      .action = (int)action,
                                      .summary = summary,
                                      .reason = reason,
                                      .changes = changes,
                                      .position = position,
                                      .data = action == PLAN_DESTROY});
}

/* What Terraform says of a module: a database that is replaced, a rule that goes, a bucket that comes, and what waits for it. */
static const char module_changes[] =
    "[{\"path\":\"aws_s3_bucket.logs\",\"action\":\"create\",\"kind\":\"aws_s3_bucket\",\"before\":null,\"after\":null,"
    "\"attributes\":[{\"path\":\"bucket\",\"before\":null,\"after\":\"shop-logs\"},"
    "{\"path\":\"arn\",\"before\":null,\"after\":null,\"unknown\":true}]},"
    "{\"path\":\"aws_db_instance.main\",\"action\":\"replace\",\"kind\":\"aws_db_instance\",\"before\":null,\"after\":null,"
    "\"attributes\":[{\"path\":\"engine_version\",\"before\":\"13.9\",\"after\":\"15.4\",\"forces\":true},"
    "{\"path\":\"endpoint\",\"before\":\"db-1.abc.eu-west-1.rds.example.org:5432\",\"after\":null,\"unknown\":true},"
    "{\"path\":\"password\",\"before\":\"hmac:91e0\",\"after\":\"hmac:44ad\",\"sensitive\":true},"
    "{\"path\":\"parameters[\\\"max_connections\\\"]\",\"before\":100,\"after\":200}]},"
    "{\"path\":\"module.net[0].aws_security_group_rule.legacy\",\"action\":\"destroy\",\"kind\":\"aws_security_group_rule\","
    "\"before\":null,\"after\":null,\"reason\":\"delete_because_no_resource_config\","
    "\"attributes\":[{\"path\":\"from_port\",\"before\":22,\"after\":null}]},"
    "{\"path\":\"aws_ecs_service.api\",\"action\":\"update\",\"kind\":\"aws_ecs_service\",\"before\":null,\"after\":null,"
    "\"attributes\":[{\"path\":\"task_definition\",\"before\":\"41\",\"after\":\"42\"}]},"
    "{\"path\":\"aws_iam_role.api\",\"action\":\"move\",\"kind\":\"aws_iam_role\",\"was\":\"aws_iam_role.old\","
    "\"before\":null,\"after\":null,\"attributes\":[]}]";

/* The waiting run with a plan of more than one resource. */
static struct run module_run(void)
{
    struct run run = scene_gate_run();
    run.updates = 2;
    run.creates = 1;
    run.destroys = 1;
    run.deferred = 1;
    run.touches_data = true;
    return run;
}

static void put_module(struct scene *scene)
{
    struct run run = module_run();
    run.on_failure = ANSWER_ROLLBACK;
    scene_put(scene, &run_type, &run);
    put_plan_row(scene, (struct plan){.address = "infra",
                                      .executor = "terraform",
                                      .action = PLAN_UPDATE,
                                      .summary = "1 to create, 1 to change, 1 to replace, 1 to destroy",
                                      .reason = "its plan changes something",
                                      .changes = module_changes,
                                      .position = 1,
                                      .data = true});
    put_plan_row(scene, (struct plan){.address = "worker",
                                      .executor = "terraform",
                                      .action = PLAN_DEFERRED,
                                      .summary = "is planned when what it uses is there",
                                      .reason = "it uses an output of a resource that changes",
                                      .needs = "[\"infra\"]",
                                      .position = 5});
}

/* What it was approved for before it was interrupted: no rule went, the database was changed in its place, a queue came, the old database stayed. */
static const char approved_changes[] =
    "[{\"path\":\"aws_s3_bucket.logs\",\"action\":\"create\",\"kind\":\"aws_s3_bucket\",\"before\":null,\"after\":null,"
    "\"attributes\":[{\"path\":\"bucket\",\"before\":null,\"after\":\"shop-logs\"},"
    "{\"path\":\"arn\",\"before\":null,\"after\":null,\"unknown\":true}]},"
    "{\"path\":\"aws_sqs_queue.capture\",\"action\":\"create\",\"kind\":\"aws_sqs_queue\",\"before\":null,\"after\":null,"
    "\"attributes\":[]},"
    "{\"path\":\"aws_db_instance.main\",\"action\":\"update\",\"kind\":\"aws_db_instance\",\"before\":null,\"after\":null,"
    "\"attributes\":[{\"path\":\"engine_version\",\"before\":\"13.9\",\"after\":\"13.11\"},"
    "{\"path\":\"password\",\"before\":\"hmac:91e0\",\"after\":\"hmac:5500\",\"sensitive\":true},"
    "{\"path\":\"parameters[\\\"max_connections\\\"]\",\"before\":100,\"after\":200}]},"
    "{\"path\":\"aws_ecs_service.api\",\"action\":\"update\",\"kind\":\"aws_ecs_service\",\"before\":null,\"after\":null,"
    "\"attributes\":[{\"path\":\"task_definition\",\"before\":\"41\",\"after\":\"42\"}]},"
    "{\"path\":\"aws_iam_role.api\",\"action\":\"move\",\"kind\":\"aws_iam_role\",\"was\":\"aws_iam_role.old\","
    "\"before\":null,\"after\":null,\"attributes\":[]}]";
#define APPROVED_WHOLE "5500aa1c2d3e4f50"

static void put_approved(struct scene *scene, const char *address, enum plan_action action, const char *changes,
                         int64_t position)
{
    char id[200];
    snprintf(id, sizeof id, "18/%s", address);
    struct approved_plan row = {.id = id,
                                .run = "18",
                                .whole = APPROVED_WHOLE,
                                .address = address,
                                .template = "shop",
                                .action = (int)action,
                                .changes = changes,
                                .position = position};
    scene_put(scene, &approved_plan_type, &row);
}

static void put_delta(struct scene *scene)
{
    struct run run = module_run();
    run.approved_digest = APPROVED_WHOLE;
    run.applying_at = SCENE_NOW - MINUTES(11);
    scene_put(scene, &run_type, &run);
    put_approved(scene, "infra", PLAN_UPDATE, approved_changes, 1);
    put_approved(scene, "server", PLAN_UPDATE,
                 "[{\"path\":\"replicas\",\"before\":2,\"after\":3},"
                 "{\"path\":\"password\",\"before\":\"x\",\"after\":\"z\",\"sensitive\":true}]",
                 1);
    put_approved(scene, "cache", PLAN_CREATE, "[]", 2);
    put_approved(scene, "worker", PLAN_DEFERRED, "", 5);
    put_approved(scene, "metrics", PLAN_RUN, "[]", 6);
    struct approval given = {.id = "A1",
                             .run = "18",
                             .environment = "E2",
                             .digest = APPROVED_WHOLE,
                             .verdict = VERDICT_APPROVE,
                             .actor = "uid:1001",
                             .person = "alice",
                             .at = SCENE_NOW - MINUTES(12)};
    struct approval cleared = {.id = "A2",
                               .run = "18",
                               .environment = "E2",
                               .digest = APPROVED_WHOLE,
                               .verdict = VERDICT_CLEARED,
                               .actor = "berth",
                               .at = SCENE_NOW - MINUTES(5)};
    scene_put(scene, &approval_type, &given);
    scene_put(scene, &approval_type, &cleared);
}

/* Two good releases, one that was rolled back, and what each left. */
static void put_releases(struct scene *scene)
{
    static const struct {
        int64_t version;
        const char *run, *commit, *verdict, *resources, *templates;
    } releases[] = {
        {1, "11", "77d0e21aa1", "good",
         "[{\"address\":\"database\",\"spec_digest\":\"d1\"},{\"address\":\"server\",\"spec_digest\":\"s1\"},"
         "{\"address\":\"queue\",\"spec_digest\":\"q1\"}]",
         "[{\"name\":\"shop\",\"version\":\"1\"}]"},
        {2, "12", "88e1f32bb2", "good",
         "[{\"address\":\"database\",\"spec_digest\":\"d2\"},{\"address\":\"server\",\"spec_digest\":\"s2\"},"
         "{\"address\":\"migrate\",\"spec_digest\":\"\"}]",
         "[{\"name\":\"shop\",\"version\":\"2\"}]"},
        {3, "13", "9f3c1abdea", "good",
         "[{\"address\":\"database\",\"spec_digest\":\"\"},{\"address\":\"server\",\"spec_digest\":\"\"},"
         "{\"address\":\"migrate\",\"spec_digest\":\"\"}]",
         "[{\"name\":\"shop\",\"version\":\"2\"}]"},
        {4, "14", "bad0bad0ba", "rolled back", "[]", "[{\"name\":\"shop\",\"version\":\"2\"}]"}};
    for (size_t i = 0; i < sizeof releases / sizeof *releases; i++) {
        char id[40];
        snprintf(id, sizeof id, "E1/v%d", (int)releases[i].version);
        struct release row = {.id = id,
                              .environment = "E1",
                              .version = releases[i].version,
                              .run = releases[i].run,
                              .commit = releases[i].commit,
                              .resources = releases[i].resources,
                              .templates = releases[i].templates,
                              .validated = true,
                              .verdict = releases[i].verdict,
                              .created_at = SCENE_NOW - MINUTES(3000 - 500 * (int64_t)i)};
        struct run run = {.id = releases[i].run,
                          .number = 11 + (int64_t)i,
                          .environment = "E1",
                          .environment_name = "review/checkout",
                          .workflow = WORKFLOW_DEPLOY,
                          .status = RUN_DONE,
                          .person = "anna",
                          .actor = "uid:1000",
                          .commit = releases[i].commit,
                          .subject = "retry card capture",
                          .created_at = SCENE_NOW - MINUTES(3000 - 500 * (int64_t)i)};
        scene_put(scene, &release_type, &row);
        scene_put(scene, &run_type, &run);
    }
    struct environment row = scene_environment("E1", "review/checkout", TIER_REVIEW, ENVIRONMENT_OK);
    row.branch = "fix/checkout";
    row.commit = "9f3c1abdeadbeef0";
    row.release = 3;
    row.excluded_commit = "bad0bad0ba";
    row.deployed_at = SCENE_NOW - MINUTES(13);
    scene_put(scene, &environment_type, &row);
}

/* One that ends with its branch and about which the cleaner asks, one that is about to go, one that went back. */
static void put_ending(struct scene *scene)
{
    struct environment row = scene_environment("E3", "review/search", TIER_REVIEW, ENVIRONMENT_OK);
    row.branch = "feature/search";
    row.marks = MARK_BRANCH_GONE | MARK_EXPIRING;
    row.ends_at = SCENE_NOW + MINUTES(22);
    row.ends_why = "feature/search is gone since 14:03, seen twice; grace of 1h (berth.yaml:14)";
    row.deployed_at = SCENE_NOW - MINUTES(90);
    scene_put(scene, &environment_type, &row);
    struct hold hold = {.id = "H1",
                        .environment = "E3",
                        .kind = "cleaner",
                        .reason = "feature/search is gone since 14:03, seen twice; 12 environments end by "
                                  "themselves within an hour (12 now), limits.remove_at_once is 10 (berth.yaml:5)",
                        .by = "the cleaner",
                        .since = SCENE_NOW - MINUTES(2)};
    scene_put(scene, &hold_type, &hold);
    struct environment going = scene_environment("E4", "review/login", TIER_REVIEW, ENVIRONMENT_OK);
    going.branch = "feature/login";
    scene_put(scene, &environment_type, &going);
    struct run destroy = {.id = "20",
                          .number = 20,
                          .environment = "E4",
                          .environment_name = "review/login",
                          .entry = "review/${{ branch.slug }}",
                          .workflow = WORKFLOW_DESTROY,
                          .status = RUN_QUEUED,
                          .origin = ORIGIN_TTL,
                          .actor = "ttl",
                          .via = "ttl",
                          .created_at = SCENE_NOW - MINUTES(1)};
    scene_put(scene, &run_type, &destroy);
    struct environment back = scene_environment("E5", "review/back", TIER_REVIEW, ENVIRONMENT_OK);
    back.branch = "fix/checkout";
    back.release = 2;
    back.excluded_commit = "bad0bad0ba";
    scene_put(scene, &environment_type, &back);
    struct run failed = {.id = "21",
                         .number = 21,
                         .environment = "E5",
                         .environment_name = "review/back",
                         .workflow = WORKFLOW_DEPLOY,
                         .status = RUN_ROLLED_BACK,
                         .actor = "push",
                         .commit = "bad0bad0ba",
                         .created_at = SCENE_NOW - MINUTES(9),
                         .ended_at = SCENE_NOW - MINUTES(3)};
    struct run answer = {.id = "22",
                         .number = 22,
                         .environment = "E5",
                         .environment_name = "review/back",
                         .workflow = WORKFLOW_ROLLBACK,
                         .status = RUN_DONE,
                         .status_reason = "back at release v2",
                         .actor = "on_failure",
                         .parent = "21",
                         .created_at = SCENE_NOW - MINUTES(5),
                         .ended_at = SCENE_NOW - MINUTES(3)};
    scene_put(scene, &run_type, &failed);
    scene_put(scene, &run_type, &answer);
}

static void put_part(struct scene *scene, const char *name, enum resource_status status, int64_t position)
{
    char id[200], address[200];
    snprintf(id, sizeof id, "E1/server//%s", name);
    snprintf(address, sizeof address, "server//%s", name);
    struct resource row = {.id = id,
                           .environment = "E1",
                           .address = address,
                           .name = name,
                           .parent = "server",
                           .executor = "terraform",
                           .kind = "terraform_data",
                           .group = "app",
                           .status = (int)status,
                           .applied_at = SCENE_NOW - MINUTES(1),
                           .position = position};
    scene_put(scene, &resource_type, &row);
}

static void put_parts(struct scene *scene)
{
    struct step step = {.id = "17.apply.server",
                        .run = "17",
                        .environment = "E1",
                        .phase = PHASE_APPLY,
                        .status = STEP_RUNNING,
                        .address = "server",
                        .progress = 40,
                        .progress_text = "terraform_data.b: creating",
                        .started_at = SCENE_NOW - MINUTES(1)};
    scene_put(scene, &step_type, &step);
    put_part(scene, "terraform_data.a", RESOURCE_OK, 4);
    put_part(scene, "terraform_data.b", RESOURCE_CREATING, 5);
    put_part(scene, "terraform_data.c[\"x\"]", RESOURCE_WAITING, 6);
}

static void put_run_17(struct scene *scene)
{
    struct run run = {.id = "17",
                      .number = 17,
                      .environment = "E1",
                      .environment_name = "review/checkout",
                      .workflow = WORKFLOW_DEPLOY,
                      .entry = "review/${{ branch.slug }}",
                      .status = RUN_FAILED,
                      .status_reason = "step 17.apply.migrate failed: exit 1",
                      .actor = "uid:1000",
                      .person = "anna",
                      .via = "tui",
                      .repository = "app",
                      .ref = "fix/checkout",
                      .commit = "9f3c1abdeadbeef0",
                      .subject = "retry card capture",
                      .created_at = SCENE_NOW - MINUTES(15),
                      .ended_at = SCENE_NOW - MINUTES(13)};
    scene_put(scene, &run_type, &run);
    const struct {
        const char *id, *address;
        enum step_phase phase;
        enum step_status status;
    } steps[] = {{"17.prepare.main", "main", PHASE_PREPARE, STEP_DONE},
                 {"17.plan.database", "database", PHASE_PLAN, STEP_DONE},
                 {"17.apply.database", "database", PHASE_APPLY, STEP_DONE},
                 {"17.apply.migrate", "migrate", PHASE_APPLY, STEP_FAILED},
                 {"17.apply.server", "server", PHASE_APPLY, STEP_SKIPPED}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct step step = {.id = steps[i].id,
                            .run = "17",
                            .environment = "E1",
                            .phase = (int)steps[i].phase,
                            .status = (int)steps[i].status,
                            .address = steps[i].address,
                            .position = (int64_t)i,
                            .attempt = 1,
                            .attempts = 1,
                            .progress = -1,
                            .status_reason = steps[i].status == STEP_FAILED ? "exit 1" : "",
                            .started_at =
                                steps[i].status == STEP_SKIPPED ? 0 : SCENE_NOW - MINUTES(15) + (int64_t)i * 10000,
                            .ended_at = SCENE_NOW - MINUTES(15) + (int64_t)i * 10000 + 7000};
        scene_put(scene, &step_type, &step);
    }
}

static void put_environments(struct scene *scene)
{
    struct environment failed = scene_environment("E1", "review/checkout", TIER_REVIEW, ENVIRONMENT_FAILED);
    failed.branch = "fix/checkout";
    failed.commit = "9f3c1abdeadbeef0";
    failed.release = 3;
    failed.status_reason = "migrate: exit 1, server waits for it";
    failed.deployed_at = SCENE_NOW - MINUTES(13);
    failed.planned_destruction_at = SCENE_NOW + MINUTES(38);
    failed.entrypoint = "http://127.0.0.1:8080/";
    scene_put(scene, &environment_type, &failed);
    struct environment prod = scene_environment("E2", "prod", TIER_PROD, ENVIRONMENT_OK);
    prod.branch = "main";
    prod.release = 12;
    prod.permanent = true;
    prod.marks = MARK_WAITING;
    prod.deployed_at = SCENE_NOW - MINUTES(700);
    scene_put(scene, &environment_type, &prod);
    struct environment fine = scene_environment("E3", "review/search", TIER_REVIEW, ENVIRONMENT_OK);
    fine.branch = "feature/search";
    fine.deployed_at = SCENE_NOW - MINUTES(90);
    scene_put(scene, &environment_type, &fine);
    struct resource_group group = {
        .id = "E1/data", .environment = "E1", .name = "data", .description = "what a wipe removes"};
    scene_put(scene, &resource_group_type, &group);
    put_resource(scene, "E1", "database", "data", "[]", RESOURCE_OK, "", 1);
    put_resource(scene, "E1", "migrate", "data", "[\"database\"]", RESOURCE_FAILED, "exit 1 (1 of 1 tries)", 2);
    put_resource(scene, "E1", "server", "app", "[\"migrate\"]", RESOURCE_WAITING, "waits for migrate", 3);
    struct entrypoint web = {.id = "E1/entrypoint/web",
                             .environment = "E1",
                             .name = "web",
                             .kind = "entrypoint",
                             .url = "http://127.0.0.1:8080/",
                             .status = RESOURCE_DEGRADED,
                             .observed_at = SCENE_NOW - 3000};
    scene_put(scene, &entrypoint_type, &web);
    struct release release = {.id = "E1/v3",
                              .environment = "E1",
                              .version = 3,
                              .run = "16",
                              .commit = "77d0e21aa",
                              .validated = true,
                              .verdict = "good",
                              .created_at = SCENE_NOW - MINUTES(1500)};
    scene_put(scene, &release_type, &release);
}

static void put_hostile(struct scene *scene)
{
    char long_name[201];
    memset(long_name, 'x', 200);
    memcpy(long_name, "feature/", 8);
    long_name[200] = '\0';
    put_branch(scene, "feature/\x1b[31mred\x1b]0;owned\a",
               "subject with \xc2\x9b"
               "31m C1",
               1);
    put_branch(scene,
               "feature/\xe2\x80\xae"
               "evil-bidi",
               "\xe2\x80\x8fright", 2);
    put_branch(scene, "feature/\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97-wide", "\xe6\xbc\xa2\xe5\xad\x97", 3);
    put_branch(scene, "feature/\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd-emoji",
               "\xf0\x9f\x8e\x89 party", 4);
    put_branch(scene, "feature/bad\xff\xfe-utf8", "\xff\xfe", 5);
    put_branch(scene, long_name, "two hundred bytes", 6);
}

static void fill(struct scene *scene, unsigned flags)
{
    uint64_t ticks = 0;
    process_start_ticks(getpid(), &ticks);
    struct repository repository = {
        .id = "app", .provider = "git", .url = ".", .default_branch = "main", .complete = true, .listed = true};
    struct daemon daemon = {
        .id = "berthd", .pid = getpid(), .start_ticks = (int64_t)ticks, .epoch = 1, .state = "serving"};
    struct policy_row policy = {.id = "berth.yaml",
                                .repository = "app",
                                .ref = "main",
                                .commit = "abc",
                                .path = "berth.yaml",
                                .text = policy_text};
    struct sweep sweep = {.id = "git/app", .provider = "git", .what = "app", .complete = true, .at = SCENE_NOW - 3000};
    scene_put(scene, &repository_type, &repository);
    if (!(flags & SCENE_NO_DAEMON))
        scene_put(scene, &daemon_type, &daemon);
    scene_put(scene, &policy_type, &policy);
    scene_put(scene, &sweep_type, &sweep);
    if (flags & SCENE_EMPTY)
        return;
    put_environments(scene);
    put_branch(scene, "main", "merge the checkout", 300);
    put_branch(scene, "fix/checkout", "retry card capture", 41);
    put_branch(scene, "feature/search", "rank by price", 90);
    put_branch(scene, "feature/login", "sign in with a key", 2900);
    put_branch(scene, "docs/typo", "a comma", 9000);
    put_run_17(scene);
    struct run gate = scene_gate_run();
    scene_put(scene, &run_type, &gate);
    put_plan(
        scene, "server", PLAN_UPDATE, "runs ./scripts/server up",
        "[{\"path\":\"replicas\",\"before\":2,\"after\":4},{\"path\":\"password\",\"before\":\"x\",\"after\":\"y\",\"sensitive\":true}]",
        1);
    put_plan(scene, "cache", PLAN_CREATE, "runs ./scripts/cache up", "[]", 2);
    put_plan(scene, "database_old", PLAN_DESTROY, "runs ./scripts/db down", "[]", 3);
    put_plan(scene, "dns", PLAN_NONE, "", "[]", 4);
    if (flags & SCENE_MODULE) {
        put_module(scene);
        put_parts(scene);
    }
    if (flags & SCENE_DELTA)
        put_delta(scene);
    if (flags & SCENE_ENDING)
        put_ending(scene);
    if (flags & SCENE_RELEASES)
        put_releases(scene);
    if (flags & SCENE_HOSTILE)
        put_hostile(scene);
}

void scene_turn(struct scene *scene)
{
    for (int i = 0; i < 1000 && dashboard_turn(&scene->dashboard); i++)
        ;
    dashboard_turn(&scene->dashboard);
}

static struct store *open_in_folder(struct scene *scene)
{
    char folder[] = "/tmp/berth-scene-XXXXXX";
    struct error error = {0};
    assert_non_null(mkdtemp(folder));
    scene->folder = mem_strdup(folder);
    struct store *store = store_open(folder, STORE_OWNER, &error);
    if (!store)
        fail_msg("%s: %s", error.message, error.detail);
    return store;
}

void scene_open(struct scene *scene, int rows, int columns, unsigned flags)
{
    struct error error = {0};
    *scene = (struct scene){
        .options = {
            .store_folder = "", .workspace = "shop", .repository = "~/src/shop", .ascii = (flags & SCENE_ASCII) != 0}};
    scene->store = flags & SCENE_FOLDER ? open_in_folder(scene) : store_open_memory();
    fill(scene, flags);
    scene->terminal = terminal_open_memory(rows, columns);
    terminal_memory_clock(scene->terminal, SCENE_NOW);
    dashboard_init(&scene->dashboard, &scene->options, scene->terminal, scene->store);
    scene->dashboard.client_is_reader = true;
    if (!dashboard_open(&scene->dashboard, &error))
        fail_msg("%s: %s", error.message, error.detail);
    scene_turn(scene);
    text_copy(scene->dashboard.login, sizeof scene->dashboard.login, "anna");
    text_copy(scene->dashboard.actor, sizeof scene->dashboard.actor, "uid:1000");
    scene_turn(scene);
}

void scene_close(struct scene *scene)
{
    dashboard_release(&scene->dashboard);
    scene->terminal->ops->close(scene->terminal);
    store_close(scene->store);
    if (scene->folder)
        assert_true(folder_remove(scene->folder, NULL));
    free(scene->folder);
}

void scene_type(struct scene *scene, const char *keys)
{
    terminal_memory_type(scene->terminal, keys);
    scene_turn(scene);
}

void scene_pass(struct scene *scene, int64_t ms)
{
    terminal_memory_clock(scene->terminal, scene->terminal->ops->now_ms(scene->terminal) + ms);
    scene_turn(scene);
}

char *scene_text(struct scene *scene)
{
    struct str text = STR_INIT;
    grid_text(terminal_memory_grid(scene->terminal), &text);
    return str_take(&text);
}

bool scene_shows(struct scene *scene, const char *text)
{
    char *screen = scene_text(scene);
    bool shows = strstr(screen, text) != NULL;
    free(screen);
    return shows;
}

void scene_assert(struct scene *scene, const char *text, bool shows, const char *file, int line)
{
    if (scene_shows(scene, text) == shows)
        return;
    char *screen = scene_text(scene);
    print_error("the screen %s \"%s\":\n%s\n", shows ? "does not show" : "shows", text, screen);
    free(screen);
    _fail(file, line);
}

static void compare_golden(const char *text, const char *name)
{
    char *path = path_printf("%s/tests/ui/golden/%s", TEST_SRCDIR, name);
    struct str expected = STR_INIT;
    struct error error = {0};
    const char *mode = getenv("BERTH_GOLDEN");
    if (mode && strcmp(mode, "write") == 0)
        assert_true(file_replace(path, text, strlen(text), 0644, FILE_RELAXED, &error));
    if (!file_read(path, 1u << 20, &expected, &error))
        fail_msg("%s: %s (BERTH_GOLDEN=write writes it)", path, error.message);
    if (strcmp(expected.data, text) != 0) {
        print_error("%s differs; the screen is:\n%s\nexpected:\n%s\n", name, text, expected.data);
        fail();
    }
    str_release(&expected);
    free(path);
}

void scene_golden(struct scene *scene, const char *name)
{
    char *text = scene_text(scene);
    compare_golden(text, name);
    free(text);
}

void scene_golden_styles(struct scene *scene, const char *name)
{
    struct str text = STR_INIT;
    for (int i = 1; i < STYLE_COUNT; i++)
        str_addf(&text, "%c %s%s", 'a' + i - 1, style_names[i], i % 6 ? "  " : "\n");
    str_add(&text, "\n\n");
    grid_styles(terminal_memory_grid(scene->terminal), &text);
    compare_golden(text.data, name);
    str_release(&text);
}

size_t scene_commands(struct scene *scene, struct arena *arena, struct command **commands)
{
    size_t count = 0;
    struct store_query query = {.type = &command_type};
    assert_true(store_list(scene->store, &query, arena, commands, &count, NULL));
    return count;
}
