/* SPDX-License-Identifier: ISC */
/* The looking commands over a store: tables, JSON, graph, log, audit, why, find; hostile names stay harmless. */
#include "owner.h"

#include "cli/dispatch.h"

#include "berth/base/time.h"
#include "berth/store_log.h"
#include "berth/store_trouble.h"

#include <locale.h>
#include "berth/base/process.h"

#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sys/stat.h>
#include <unistd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define HOSTILE        \
    "feature/\xc2\x9b" \
    "31m$(x)\xe2\x80\xae"

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
                           "  - name: prod\n"
                           "    tier: prod\n"
                           "    source: { promote_from: staging, by: commit }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "    deploy_on: [promote]\n"
                           "    permanent: true\n"
                           "  - name: staging\n"
                           "    tier: staging\n"
                           "    source: { branches: [main] }\n"
                           "    templates: [shop]\n"
                           "    target: here\n"
                           "    deploy_on: [push]\n";

static struct owner owner;

static void put_resources(int64_t now)
{
    static const char *const needs[] = {"[]", "[\"db\"]", "[\"db\",\"app\"]"};
    static const char *const names[] = {"db", "app", "web"};
    static const int statuses[] = {RESOURCE_OK, RESOURCE_FAILED, RESOURCE_UNKNOWN};

    for (size_t i = 0; i < 3; i++) {
        char id[32];
        struct resource resource = {.environment = "E1",
                                    .address = names[i],
                                    .name = names[i],
                                    .executor = "exec",
                                    .needs = needs[i],
                                    .status = statuses[i],
                                    .position = 3 - (int64_t)i,
                                    .observed_at = now - MS_MINUTE};

        snprintf(id, sizeof id, "E1/%s", names[i]);
        resource.id = id;
        owner_put(&owner, &resource_type, &resource);
    }
}

static int setup(void **state)
{
    int64_t now = time_now_ms();
    const struct environment environment = {.id = "E1",
                                            .name = "review/x",
                                            .slug = "review-x",
                                            .tier = TIER_REVIEW,
                                            .entry = "review/${{ branch.slug }}",
                                            .repository = "app",
                                            .branch = HOSTILE,
                                            .status = ENVIRONMENT_OK,
                                            .created_at = now - MS_HOUR,
                                            .observed_at = now - 3 * MS_HOUR,
                                            .release = 2,
                                            .commit = "c0ffee00c0ffee00",
                                            .entrypoint = "http://127.0.0.1:1/"};
    const struct environment gone = {
        .id = "E0", .name = "review/gone", .slug = "gone", .tier = TIER_REVIEW, .status = ENVIRONMENT_DESTROYED};
    const struct environment before = {
        .id = "E9", .name = "review/x", .slug = "x-9", .status = ENVIRONMENT_DESTROYED, .created_at = now};
    const struct step big = {
        .id = "1.apply.big", .run = "1", .environment = "E1", .phase = PHASE_APPLY, .status = STEP_DONE};
    const struct branch branch = {.id = "app:" HOSTILE,
                                  .repository = "app",
                                  .name = HOSTILE,
                                  .commit = "c0ffee00c0ffee00",
                                  .subject = "evil \033]0;title\a subject",
                                  .author = "Mallory",
                                  .committed_at = now - MS_HOUR,
                                  .ahead = 1,
                                  .behind = 2};
    const struct branch two_lines = {
        .id = "app:a\nb", .repository = "app", .name = "a\nb", .committed_at = 1, .ahead = -1};
    const struct run run = {.id = "1",
                            .number = 1,
                            .environment = "E1",
                            .environment_name = "review/x",
                            .workflow = WORKFLOW_DEPLOY,
                            .status = RUN_DONE,
                            .commit = "c0ffee00c0ffee00",
                            .subject = "s",
                            .created_at = now - MS_HOUR,
                            .digest = "d1g357d1g357"};
    const struct step step = {.id = "1.apply.db",
                              .run = "1",
                              .environment = "E1",
                              .phase = PHASE_APPLY,
                              .status = STEP_DONE,
                              .address = "db"};
    struct run_log log = RUN_LOG_INIT;

    (void)state;
    owner_start(&owner, yaml);
    owner_put(&owner, &environment_type, &environment);
    owner_put(&owner, &environment_type, &gone);
    owner_put(&owner, &environment_type, &before);
    owner_put(&owner, &step_type, &big);
    owner_put(&owner, &branch_type, &branch);
    owner_put(&owner, &branch_type, &two_lines);
    owner_put(&owner, &run_type, &run);
    owner_put(&owner, &step_type, &step);
    put_resources(now);
    assert_true(run_log_open(&log, owner.store_folder, "1", "1.apply.db", NULL));
    assert_true(run_log_append(&log, "making db\n\033[2Jgone\n\xc3", 20, NULL) &&
                run_log_append(&log, "\xa9 end\n", 6, NULL));
    run_log_close(&log);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    owner_end(&owner);
    return 0;
}

static bool says(const char *text)
{
    return strstr(owner.out.data, text) != NULL;
}

static void look__prints_no_control_character_whatever_the_names(void **state)
{
    static const char *const looks[] = {"envs",
                                        "branches",
                                        "env review/x",
                                        "runs",
                                        "runs 1",
                                        "graph review/x",
                                        "graph review/x --format dot",
                                        "graph review/x --format mermaid",
                                        "log 1",
                                        "find evil",
                                        "changes review/x",
                                        "audit",
                                        "doctor",
                                        "envs --json",
                                        "branches --json",
                                        "why deploy review/x",
                                        "deploy " HOSTILE " --dry-run",
                                        "completion --names branches"};

    (void)state;
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        owner_berth(&owner, looks[i]);
        for (size_t k = 0; k < owner.out.length; k++) {
            unsigned char byte = (unsigned char)owner.out.data[k];

            if ((byte < ' ' && byte != '\n') || byte == 0x7f ||
                (byte == 0xc2 && (unsigned char)owner.out.data[k + 1] < 0xa0))
                fail_msg("%s: byte %02x at %zu", looks[i], byte, k);
        }
        assert_null(strstr(owner.out.data, "\xe2\x80\xae"));
    }
}

static void look__answers_zero_and_json_parses(void **state)
{
    static const char *const looks[] = {"envs",
                                        "env review/x",
                                        "branches",
                                        "runs",
                                        "runs 1",
                                        "releases review/x",
                                        "graph review/x",
                                        "audit",
                                        "audit verify",
                                        "why plan review/x",
                                        "changes review/x",
                                        "find db",
                                        "doctor",
                                        "version"};

    (void)state;
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        struct str words = STR_INIT;
        json_t *json;

        str_addf(&words, "%s --json", looks[i]);
        if (owner_berth(&owner, words.data) != 0)
            fail_msg("%s: %s", looks[i], owner.error.data);
        json = json_loads(owner.out.data, 0, NULL);
        assert_non_null(json);
        json_decref(json);
        assert_int_equal(owner_berth(&owner, looks[i]), 0);
        assert_true(owner.out.length > 0);
        str_release(&words);
    }
}

static void envs__show_old_news_as_old_and_destroyed_ones_only_when_asked(void **state)
{
    (void)state;
    assert_int_equal(owner_berth(&owner, "envs"), 0);
    assert_true(says("review/x") && says("seen 3h ago") && says("v2") && !says("review/gone"));
    owner_berth(&owner, "envs --all");
    assert_true(says("review/gone"));
    owner_berth(&owner, "envs --tier prod");
    assert_true(!says("review/x"));
}

static void branches__show_the_newest_and_count_the_rest(void **state)
{
    json_t *json;

    (void)state;
    assert_int_equal(owner_berth(&owner, "branches --limit 1"), 0);
    assert_true(says("Mallory") && says("1 more"));
    assert_int_equal(owner_berth(&owner, "branches --json -n 1"), 0);
    json = json_loads(owner.out.data, 0, NULL);
    assert_int_equal(json_array_size(json), 1);
    json_decref(json);
    assert_int_equal(owner_berth(&owner, "branches --json"), 0);
    json = json_loads(owner.out.data, 0, NULL);
    assert_int_equal(json_array_size(json), 2);
    json_decref(json);
}

static void branches__of_several_repositories_say_whose_they_are(void **state)
{
    const struct repository second = {.id = "policy", .provider = "git", .complete = true, .listed = true};
    const struct branch main = {.id = "policy:main", .repository = "policy", .name = "main", .ahead = -1};
    (void)state;
    owner_berth(&owner, "branches");
    assert_false(says("REPOSITORY"));
    owner_put(&owner, &repository_type, &second);
    owner_put(&owner, &branch_type, &main);
    assert_int_equal(owner_berth(&owner, "branches"), 0);
    assert_true(says("REPOSITORY") && says("policy"));
}

static void output__is_ascii_where_the_locale_is(void **state)
{
    (void)state;
    setenv("LC_ALL", "C", 1);
    owner_berth(&owner, "envs");
    setenv("LC_ALL", "C.UTF-8", 1);
    assert_true(says("[OK] OK"));
    for (size_t i = 0; i < owner.out.length; i++)
        assert_true((unsigned char)owner.out.data[i] < 0x80);
    owner_berth(&owner, "envs");
    assert_true(says("● OK"));
}

static void graph__speaks_four_forms(void **state)
{
    (void)state;
    owner_berth(&owner, "graph review/x");
    assert_true(text_starts(owner.out.data, "db") && says("\n  app") && says("needs db, app"));
    owner_berth(&owner, "graph review/x --format dot");
    assert_true(says("digraph \"review/x\"") && says("n1 -> n2;"));
    owner_berth(&owner, "graph review/x --format mermaid");
    assert_true(says("graph LR") && says("n0 --> n1"));
    owner_berth(&owner, "graph review/x --format json");
    assert_true(says("\"needs\": \"db\""));
}

static void log__joins_a_character_split_over_writes(void **state)
{
    (void)state;
    assert_int_equal(owner_berth(&owner, "log 1.apply.db"), 0);
    assert_string_equal(owner.out.data, "making db\n\\x1b[2Jgone\né end\n");
    assert_int_equal(owner_berth(&owner, "log 1.db"), 0);
    assert_int_equal(owner_berth(&owner, "log 1 -f"), 0);
    assert_true(says("== 1.apply.db =="));
    assert_int_equal(owner_berth(&owner, "log 1.apply.nothing"), 2);
    assert_int_equal(owner_berth(&owner, "log 9"), 2);
}

static void log__joins_a_character_split_over_reads(void **state)
{
    struct str text = STR_INIT;
    struct run_log log = RUN_LOG_INIT;

    (void)state;
    str_add_fill(&text, 'x', RUN_LOG_READ_LIMIT - 1);
    str_add(&text, "é\n");
    assert_true(run_log_open(&log, owner.store_folder, "1", "1.apply.big", NULL));
    assert_true(run_log_append(&log, text.data, text.length, NULL));
    run_log_close(&log);
    assert_int_equal(owner_berth(&owner, "log 1.apply.big"), 0);
    assert_int_equal(owner.out.length, text.length);
    assert_true(says("xé\n"));
    str_release(&text);
}

static void why__says_yes_or_no_with_its_exit_status(void **state)
{
    (void)state;
    assert_int_equal(owner_berth(&owner, "why deploy review/x"), 0);
    assert_true(says("yes   role"));
    assert_int_equal(owner_berth(&owner, "why deploy prod"), 4);
    assert_true(says("NO    source") && says("berth.yaml:13"));
    assert_int_equal(owner_berth(&owner, "why destroy review/x"), 0);
    assert_true(says("its name has to be typed") && !says("was typed"));
    assert_int_equal(owner_berth(&owner, "why destroy prod"), 4);
    assert_true(says("and an approver has to approve"));
    assert_true(says("NO    state: 'prod' was never deployed: there is nothing to destroy"));
    assert_int_equal(owner_berth(&owner, "why explode review/x"), 2);
}

/* What the command would be refused with, by the same sentence. */
static void why__says_no_where_there_is_nothing_to_act_on(void **state)
{
    static const struct {
        const char *words, *sentence;
    } nothing[] = {
        {"why approve review/x", "NO    state: run 1 is done: there is nothing to approve"},
        {"why reject 1", "NO    state: run 1 is done: there is nothing to reject"},
        {"why cancel 1", "NO    state: run 1 is done: there is nothing to cancel"},
        {"why retry review/x", "NO    state: run 1 is done: there is nothing to retry"},
        {"why undo review/x", "NO    state: run 1 is no destroy that could be undone"},
        {"why rollback review/x", "NO    state: 'review/x' has no good release before the one it has"},
        {"why extend review/x", "NO    state: 'review/x' has no end to extend"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        int status = owner_berth(&owner, nothing[i].words);

        if (status != 4 || !says(nothing[i].sentence))
            fail_msg("berth %s: exit %d, %s", nothing[i].words, status, owner.out.data);
    }
}

static void find__takes_words_and_needs(void **state)
{
    (void)state;
    assert_int_equal(owner_berth(&owner, "find mallory EVIL"), 0);
    assert_true(says("branch"));
    assert_int_equal(owner_berth(&owner, "find needs:app"), 0);
    assert_true(says("review/x web") && !says("review/x app"));
    assert_int_equal(owner_berth(&owner, "find needs:nothing"), 1);
}

static void names__of_completion_are_single_lines(void **state)
{
    (void)state;
    assert_int_equal(owner_berth(&owner, "completion --names environments"), 0);
    assert_string_equal(owner.out.data, "review/x\n");
    assert_int_equal(owner_berth(&owner, "completion --names branches"), 0);
    assert_null(strstr(owner.out.data, "a\nb"));
    assert_int_equal(owner_berth(&owner, "completion --names runs"), 0);
    assert_string_equal(owner.out.data, "1\n");
}

static void missing__names_the_nearest_and_what_to_do(void **state)
{
    (void)state;
    assert_int_equal(owner_berth(&owner, "env review/y"), 2);
    assert_non_null(strstr(owner.error.data, "did you mean \"review/x\"?"));
    assert_int_equal(owner_berth(&owner, "runs 77"), 2);
    assert_int_equal(owner_berth(&owner, "envss"), 2);
    assert_non_null(strstr(owner.error.data, "did you mean \"envs\"?"));
    assert_int_equal(owner_berth(&owner, "help deploi"), 2);
    assert_non_null(strstr(owner.error.data, "did you mean \"deploy\"?"));
    assert_int_equal(owner_berth(&owner, "why deploi review/x"), 2);
    assert_non_null(strstr(owner.error.data, "did you mean \"deploy\"?"));
    assert_int_equal(owner_berth(&owner, ""), 2); /* the dashboard needs a terminal */
}

/* Every verb that takes a name says of one that is not there what was nearly meant, and that it was used wrongly. */
static void name__that_is_not_there_is_used_wrongly_by_every_verb(void **state)
{
    static const char *const wrong[] = {"env review/y",
                                        "graph review/y",
                                        "releases review/y",
                                        "changes review/y",
                                        "runs review/y",
                                        "audit --env review/y",
                                        "why deploy review/y",
                                        "why destroy review/y",
                                        "why hold review/y",
                                        "why approve review/y",
                                        "destroy review/y",
                                        "destroy review/y --confirm review/y",
                                        "cancel review/y",
                                        "retry review/y",
                                        "approve review/y",
                                        "reject review/y",
                                        "deploy review/y --dry-run",
                                        "plan review/y --dry-run",
                                        "hold review/y --dry-run",
                                        "unhold review/y --dry-run",
                                        "protect review/y --dry-run",
                                        "unprotect review/y --dry-run",
                                        "extend review/y 2d --dry-run"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int status = owner_berth(&owner, wrong[i]);

        if (status != 2 || strstr(owner.error.data, "\"review/x\"") == NULL)
            fail_msg("berth %s: exit %d, %s", wrong[i], status, owner.error.data);
    }
    assert_int_equal(owner_berth(&owner, "why freeze prod"), 0);
    assert_int_equal(owner_berth(&owner, "why freeze prood"), 2);
    assert_int_equal(owner_berth(&owner, "why deploy staging"), 0); /* written out in berth.yaml, not deployed yet */
}

static void runs__say_when_nobody_works_on_them(void **state)
{
    char *lock = path_join(owner.store_folder, "berthd.lock");
    struct run run = {.id = "2",
                      .number = 2,
                      .environment = "E1",
                      .environment_name = "review/x",
                      .workflow = WORKFLOW_DEPLOY,
                      .status = RUN_APPLYING,
                      .created_at = time_now_ms()};
    const struct daemon ended = {.id = "berthd", .ended_at = time_now_ms() - 5 * MS_MINUTE, .state = "ended"};

    (void)state;
    owner_put(&owner, &run_type, &run);
    owner_put(&owner, &daemon_type, &ended);
    assert_int_equal(owner_berth(&owner, "runs"), 0);
    assert_true(!says("nobody") && says("▶ applying"));
    owner_berth(&owner, "runs --json");
    assert_true(says("\"served\": true"));
    file_unlock(&owner.lock);
    assert_int_equal(owner_berth(&owner, "runs"), 0);
    assert_true(says("? applying"));
    assert_true(says("nobody works on those that have not ended: nobody serves this workspace since ") &&
                says("(5m ago)"));
    assert_int_equal(owner_berth(&owner, "runs 2"), 0);
    assert_true(says("nobody works on it"));
    owner_berth(&owner, "runs --json");
    assert_true(says("\"served\": false"));
    run.status = RUN_DONE;
    owner_put(&owner, &run_type, &run);
    assert_int_equal(owner_berth(&owner, "runs"), 0);
    assert_true(!says("nobody"));
    assert_true(file_lock(&owner.lock, lock, LOCK_TRY, NULL));
    free(lock);
}

/* As a hand or a disk would: behind berth's back. */
static void store_does(const char *sql)
{
    char *path = path_join(owner.store_folder, "store.db");
    sqlite3 *database = NULL;

    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    free(path);
}

static void rows__that_cannot_be_read_are_no_missing_ones(void **state)
{
    (void)state;
    store_does("UPDATE runs SET status = 'nonsense'; UPDATE environments SET tier = 'nonsense' WHERE id = 'E1'");
    assert_int_equal(owner_berth(&owner, "runs"), 0);
    assert_true(!says("no runs yet") && says("cannot be read, berth doctor names each"));
    assert_int_equal(owner_berth(&owner, "runs review/x"), 0);
    assert_true(says("cannot be read, berth doctor names each"));
    assert_int_equal(owner_berth(&owner, "why cancel review/x"), 1);
    assert_non_null(strstr(owner.error.data, "what is recorded of \"review/x\" cannot be read"));
    store_does("DELETE FROM environments WHERE id = 'E9'");
    assert_int_equal(owner_berth(&owner, "env review/x"), 1);
    assert_null(strstr(owner.error.data, "there is no environment"));
    assert_non_null(strstr(owner.error.data, "what is recorded of \"review/x\" cannot be read"));
}

static void doctor__tells_the_last_error_of_berthd(void **state)
{
    struct error error = {0};

    (void)state;
    error_set(&error, ERROR_FULL, "the store is full");
    trouble_note(owner.store_folder, &error, time_now_ms() - 5 * MS_MINUTE);
    assert_int_equal(owner_berth(&owner, "doctor"), 0);
    assert_true(says("warning  last error  5m ago") && says("the store is full"));
    trouble_over(owner.store_folder, time_now_ms());
    owner_berth(&owner, "doctor");
    assert_true(says("ok       last error  5m ago, over since then"));
}

static void doctor__tells_a_folder_that_others_can_open(void **state)
{
    (void)state;
    owner_berth(&owner, "doctor");
    assert_true(says("is yours alone"));
    assert_int_equal(chmod(owner.store_folder, 0755), 0);
    assert_int_equal(owner_berth(&owner, "doctor"), 1);
    assert_true(says("is open to others (mode 755)") && says("chmod 700"));
    assert_int_equal(chmod(owner.store_folder, 0700), 0);
    if (geteuid() == 0) { /* only root can give one away */
        assert_int_equal(chown(owner.store_folder, 1, (gid_t)-1), 0);
        assert_int_equal(owner_berth(&owner, "doctor"), 1);
        assert_true(says("belongs to the user 1"));
        assert_int_equal(chown(owner.store_folder, 0, (gid_t)-1), 0);
    }
}

static void doctor__says_why_a_store_cannot_be_made(void **state)
{
    (void)state;
    setenv("XDG_STATE_HOME", "/proc/1", 1);
    assert_int_equal(owner_berth(&owner, "doctor"), 1);
    setenv("XDG_STATE_HOME", owner.folder, 1);
    assert_true(says("cannot be made") && says("/proc/1"));
}

static void names__stay_utf8_in_a_pipe_whatever_the_locale(void **state)
{
    const struct branch branch = {
        .id = "app:feature/é", .repository = "app", .name = "feature/é", .committed_at = 2, .ahead = -1};
    const struct branch gone = {.id = "app:feature/é", .repository = "app", .name = "feature/é", .gone_at = 3};

    (void)state;
    owner_put(&owner, &branch_type, &branch);
    setenv("LC_ALL", "C", 1);
    owner_berth(&owner, "branches");
    setenv("LC_ALL", "C.UTF-8", 1);
    assert_true(says("feature/é"));
    owner_berth(&owner, "branches --json");
    assert_true(says("feature/\\u00E9"));
    owner_put(&owner, &branch_type, &gone);
}

static void doctor__tells_that_berthd_is_stopped_or_the_store_held(void **state)
{
    struct daemon daemon = {.id = "berthd", .version = PACKAGE_VERSION, .state = "serving", .started_at = 1};
    char *path = path_join(owner.store_folder, "store.write"), next[64];
    struct file_lock lock;
    uint64_t ticks = 0;
    pid_t pid = fork();

    (void)state;
    if (pid == 0)
        for (prctl(PR_SET_PDEATHSIG, SIGKILL);;) /* a test that fails leaves it to nobody */
            pause();
    assert_true(pid > 0 && process_start_ticks(pid, &ticks));
    daemon.pid = pid;
    daemon.start_ticks = (int64_t)ticks;
    owner_put(&owner, &daemon_type, &daemon);
    assert_int_equal(owner_berth(&owner, "doctor"), 0);
    kill(pid, SIGSTOP);
    assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
    assert_int_equal(owner_berth(&owner, "doctor"), 1);
    snprintf(next, sizeof next, "kill -CONT %d", (int)pid);
    assert_true(says("is stopped") && says(next));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(owner_berth(&owner, "doctor"), 0);
    assert_true(file_lock(&lock, path, LOCK_TRY, NULL));
    assert_int_equal(owner_berth(&owner, "doctor"), 1);
    snprintf(next, sizeof next, "process %d (", (int)getpid());
    assert_true(says("writing") && says(next));
    file_unlock(&lock);
    free(path);
}

static void doctor__finds_a_lock_whose_run_has_ended(void **state)
{
    const struct environment locked = {
        .id = "E7", .name = "review/locked", .slug = "locked", .status = ENVIRONMENT_OK, .lock_run = "1"};
    const struct environment freed = {
        .id = "E7", .name = "review/locked", .slug = "locked", .status = ENVIRONMENT_DESTROYED};

    (void)state;
    assert_int_equal(owner_berth(&owner, "doctor"), 0);
    owner_put(&owner, &environment_type, &locked);
    assert_int_equal(owner_berth(&owner, "doctor"), 1);
    assert_true(says("review/locked is locked by run 1, which has ended"));
    owner_put(&owner, &environment_type, &freed);
    assert_int_equal(owner_berth(&owner, "doctor"), 0);
}

static void env__tells_what_the_cleaner_asks_and_what_answers_it(void **state)
{
    const struct environment ending = {.id = "E8", .name = "review/ending", .slug = "ending", .status = ENVIRONMENT_OK};
    const struct environment gone = {
        .id = "E8", .name = "review/ending", .slug = "ending", .status = ENVIRONMENT_DESTROYED};
    const struct hold question = {.id = "H8",
                                  .environment = "E8",
                                  .kind = CLEANER_ASKS,
                                  .by = "the cleaner",
                                  .reason = "its branch is gone",
                                  .since = 1000,
                                  .commit = ""};

    (void)state;
    owner_put(&owner, &environment_type, &ending);
    owner_put(&owner, &hold_type, &question);
    assert_int_equal(owner_berth(&owner, "env review/ending"), 0);
    assert_true(says("the cleaner asks since 1970-01-01T00:00:01Z: shall it go? its branch is gone\n"));
    assert_true(says("  berth destroy review/ending lets it go, berth protect review/ending keeps it\n"));
    assert_int_equal(owner_berth(&owner, "envs"), 0);
    assert_true(says(" asks ! "));
    owner_put(&owner, &environment_type, &gone);
}

static void envs__say_which_life_is_over_and_what_no_entry_makes_any_more(void **state)
{
    struct environment row = {.id = "E6",
                              .name = "review/left",
                              .slug = "left",
                              .entry = "old/${{ branch.slug }}",
                              .status = ENVIRONMENT_OK,
                              .planned_destruction_at = 1000};

    (void)state;
    owner_put(&owner, &environment_type, &row);
    assert_int_equal(owner_berth(&owner, "envs"), 0);
    assert_true(says("OK (no entry)"));
    assert_true(says(" ended "));
    assert_int_equal(owner_berth(&owner, "env review/left"), 0);
    assert_true(
        says("no entry of berth.yaml makes it any more (old/${{ branch.slug }} did): nothing deploys or extends "
             "it, only the life that it has ends it\n  berth destroy review/left removes what is recorded"));
    row.permanent = true;
    owner_put(&owner, &environment_type, &row);
    assert_int_equal(owner_berth(&owner, "env review/left"), 0);
    assert_true(says("nothing ends it by itself"));
    row.status = ENVIRONMENT_DESTROYED;
    owner_put(&owner, &environment_type, &row);
    assert_int_equal(owner_berth(&owner, "env review/x"), 0);
    assert_false(says("no entry"));
}

static void workspace__is_found_from_a_folder_below(void **state)
{
    char *below = path_join(owner.repository, "a/b"), *saved = mem_strdup(owner.repository);

    (void)state;
    assert_true(folder_make(below, 0700, NULL));
    snprintf(owner.repository, sizeof owner.repository, "%s", below);
    assert_int_equal(owner_berth(&owner, "envs"), 0);
    assert_true(says("review/x"));
    snprintf(owner.repository, sizeof owner.repository, "%s", "/");
    assert_int_equal(owner_berth(&owner, "envs"), 1);
    assert_non_null(strstr(owner.error.data, "no berth.yaml"));
    snprintf(owner.repository, sizeof owner.repository, "%s", saved);
    free(below);
    free(saved);
}

static void verb__has_a_command_each(void **state)
{
    size_t count;
    const struct verb *all = verbs(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct str words = STR_INIT;

        assert_true(dispatch(&all[i]) != NULL);
        str_addf(&words, "%s --help", all[i].name);
        assert_int_equal(owner_berth(&owner, words.data), 0);
        assert_true(says("usage: berth"));
        str_release(&words);
    }
}

static void steps__stand_in_the_order_of_their_phases(void **state)
{
    const struct step plan = {
        .id = "1.plan.db", .run = "1", .environment = "E1", .phase = PHASE_PLAN, .status = STEP_DONE, .address = "db"};
    struct run_log log = RUN_LOG_INIT;
    const char *before, *after;

    (void)state;
    owner_put(&owner, &step_type, &plan);
    assert_true(run_log_open(&log, owner.store_folder, "1", plan.id, NULL));
    assert_true(run_log_append(&log, "planning db\n", 12, NULL));
    run_log_close(&log);
    assert_int_equal(owner_berth(&owner, "log 1"), 0);
    before = strstr(owner.out.data, "== 1.plan.db ==");
    after = strstr(owner.out.data, "== 1.apply.db ==");
    assert_true(before != NULL && after != NULL && before < after);
    assert_int_equal(owner_berth(&owner, "log 1.db"), 0); /* the last step that has the address */
    assert_true(says("making db"));
    assert_int_equal(owner_berth(&owner, "runs 1"), 0);
    before = strstr(owner.out.data, "1.plan.db");
    after = strstr(owner.out.data, "1.apply.db");
    assert_true(before != NULL && after != NULL && before < after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look__prints_no_control_character_whatever_the_names),
        cmocka_unit_test(look__answers_zero_and_json_parses),
        cmocka_unit_test(envs__show_old_news_as_old_and_destroyed_ones_only_when_asked),
        cmocka_unit_test(branches__show_the_newest_and_count_the_rest),
        cmocka_unit_test(branches__of_several_repositories_say_whose_they_are),
        cmocka_unit_test(output__is_ascii_where_the_locale_is),
        cmocka_unit_test(graph__speaks_four_forms),
        cmocka_unit_test(log__joins_a_character_split_over_writes),
        cmocka_unit_test(log__joins_a_character_split_over_reads),
        cmocka_unit_test(why__says_yes_or_no_with_its_exit_status),
        cmocka_unit_test(why__says_no_where_there_is_nothing_to_act_on),
        cmocka_unit_test(find__takes_words_and_needs),
        cmocka_unit_test(names__of_completion_are_single_lines),
        cmocka_unit_test(missing__names_the_nearest_and_what_to_do),
        cmocka_unit_test(name__that_is_not_there_is_used_wrongly_by_every_verb),
        cmocka_unit_test(runs__say_when_nobody_works_on_them),
        cmocka_unit_test(doctor__tells_the_last_error_of_berthd),
        cmocka_unit_test(doctor__tells_a_folder_that_others_can_open),
        cmocka_unit_test(doctor__says_why_a_store_cannot_be_made),
        cmocka_unit_test(names__stay_utf8_in_a_pipe_whatever_the_locale),
        cmocka_unit_test(doctor__finds_a_lock_whose_run_has_ended),
        cmocka_unit_test(doctor__tells_that_berthd_is_stopped_or_the_store_held),
        cmocka_unit_test(env__tells_what_the_cleaner_asks_and_what_answers_it),
        cmocka_unit_test(envs__say_which_life_is_over_and_what_no_entry_makes_any_more),
        cmocka_unit_test(steps__stand_in_the_order_of_their_phases),
        cmocka_unit_test(workspace__is_found_from_a_folder_below),
        cmocka_unit_test(verb__has_a_command_each),
        cmocka_unit_test(rows__that_cannot_be_read_are_no_missing_ones), /* the last: nothing is mended */
    };

    setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, setup, teardown);
}
