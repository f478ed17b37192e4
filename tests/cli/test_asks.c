/* SPDX-License-Identifier: ISC */
/* Questions on a terminal, and init and check: what a person types decides, what is wrong has its place. */
#include "owner.h"

#include "berth/cli.h"

#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

#define DIGEST "aaaabbbbccccddddaaaabbbbccccddddaaaabbbbccccddddaaaabbbbccccdddd"

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
                           "    deploy_on: [manual]\n";

static struct owner owner;

static int setup(void **state)
{
    const struct environment environment = {
        .id = "E1", .name = "prod", .slug = "prod", .tier = TIER_PROD, .entry = "prod", .status = ENVIRONMENT_OK};
    const struct resource resource = {
        .id = "E1/db", .environment = "E1", .address = "db", .executor = "exec", .data = true, .status = RESOURCE_OK};
    const struct run run = {.id = "2",
                            .number = 2,
                            .environment = "E1",
                            .environment_name = "prod",
                            .workflow = WORKFLOW_DEPLOY,
                            .status = RUN_GATE,
                            .digest = DIGEST,
                            .creates = 1,
                            .subject = "evil \033[2J"};
    const struct plan plan = {.id = "2/db",
                              .run = "2",
                              .address = "db",
                              .action = PLAN_CREATE,
                              .summary = "runs ./db",
                              .reason = "it is new"};

    (void)state;
    owner_start(&owner, yaml);
    owner_put(&owner, &environment_type, &environment);
    owner_put(&owner, &resource_type, &resource);
    owner_put(&owner, &run_type, &run);
    owner_put(&owner, &plan_type, &plan);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    owner_end(&owner);
    return 0;
}

static bool accept(struct store *store, struct command *command)
{
    (void)store;
    command->status = COMMAND_ACCEPTED;
    command->answer = "{\"message\":\"accepted\"}";
    return true;
}

static int64_t command_count(void)
{
    const struct store_query query = {.type = &command_type};
    int64_t count;

    assert_true(store_count(owner.store, &query, &count, NULL));
    return count;
}

/* Runs berth with a terminal as its input and error, on which `typed` was typed already. */
static int berth_on_terminal(const char *words, const char *typed)
{
    int master, slave, saved_in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10), status, saved_error;
    struct termios mode;

    assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
    assert_int_equal(tcgetattr(slave, &mode), 0);
    mode.c_lflag &= ~(tcflag_t)ECHO;
    assert_int_equal(tcsetattr(slave, TCSANOW, &mode), 0);
    assert_true(write(master, typed, strlen(typed)) == (ssize_t)strlen(typed));
    assert_true(dup2(slave, STDIN_FILENO) >= 0);
    clearerr(stdin);
    owner.terminal_fd = slave;
    status = owner_berth(&owner, words);
    owner.terminal_fd = -1;
    (void)fflush(stdin);
    saved_error = fcntl(master, F_SETFL, O_NONBLOCK);
    assert_int_equal(saved_error, 0);
    str_clear(&owner.error);
    for (;;) {
        ssize_t length = read(master, str_reserve(&owner.error, 4096), 4096);

        if (length <= 0)
            break;
        str_grew(&owner.error, (size_t)length);
    }
    assert_true(dup2(saved_in, STDIN_FILENO) >= 0);
    close(saved_in);
    close(master);
    close(slave);
    return status;
}

static void destroy__is_done_only_when_its_name_was_typed(void **state)
{
    int64_t before = command_count();

    (void)state;
    owner_answers(&owner, accept);
    assert_int_equal(berth_on_terminal("destroy prod", "yes\n"), 1);
    assert_int_equal(berth_on_terminal("destroy prod", "\n"), 1);
    assert_int_equal(berth_on_terminal("destroy prod", "Prod\n"), 1);
    assert_int_equal(berth_on_terminal("destroy prod", "\004"), 1); /* end of input */
    assert_int_equal(command_count(), before);
    assert_int_equal(berth_on_terminal("destroy prod", "prod\n"), 0);
    assert_int_equal(command_count(), before + 1);
    assert_non_null(strstr(owner.error.data, "- db"));
    assert_non_null(strstr(owner.error.data, "(data)"));
}

static void approve__shows_the_plan_and_takes_only_yes(void **state)
{
    int64_t before = command_count();

    (void)state;
    owner_answers(&owner, accept);
    assert_int_equal(berth_on_terminal("approve 2", "n\n"), 1);
    assert_int_equal(command_count(), before);
    assert_non_null(strstr(owner.error.data, "+   create"));
    assert_null(strstr(owner.error.data, "\033[2J"));
    assert_int_equal(berth_on_terminal("approve prod", "yes\n"), 0);
    assert_int_equal(command_count(), before + 1);
}

static void stop_all__asks_on_a_terminal(void **state)
{
    int64_t before = command_count();

    (void)state;
    owner_answers(&owner, accept);
    assert_int_equal(berth_on_terminal("stop-all", "no\n"), 1);
    assert_int_equal(command_count(), before);
    assert_int_equal(owner_berth(&owner, "stop-all"), 0);
}

static void write_yaml(const char *text)
{
    char *file = path_join(owner.repository, "berth.yaml");

    assert_true(file_replace(file, text, strlen(text), 0600, FILE_RELAXED, NULL));
    free(file);
}

static void check__names_every_problem_at_its_place(void **state)
{
    struct str broken = STR_INIT, wanted = STR_INIT;
    json_t *json;

    (void)state;
    str_add(&broken, yaml);
    str_add(&broken, "    on_failure: explode\n    unknown_key: 1\n");
    write_yaml(broken.data);
    assert_int_equal(owner_berth(&owner, "check"), 1);
    str_addf(&wanted, "%s/berth.yaml:13:17: error: ", owner.repository);
    assert_non_null(strstr(owner.out.data, wanted.data));
    str_clear(&wanted);
    str_addf(&wanted, "%s/berth.yaml:14:5: error: ", owner.repository);
    assert_non_null(strstr(owner.out.data, wanted.data));
    assert_int_equal(owner_berth(&owner, "check --json"), 1);
    json = json_loads(owner.out.data, 0, NULL);
    assert_true(json_array_size(json) >= 2);
    json_decref(json);
    assert_int_equal(owner_berth(&owner, "envs"), 0); /* the policy in force is the store's */
    write_yaml("workspace: [\n");
    assert_int_equal(owner_berth(&owner, "envs"), 0);
    assert_non_null(strstr(owner.error.data, "berth.yaml:"));
    assert_non_null(strstr(owner.error.data, "stays in force"));
    assert_int_equal(owner_berth(&owner, "check"), 1);
    write_yaml("version: 1\n");
    assert_int_equal(owner_berth(&owner, "runs"), 0);
    assert_non_null(strstr(owner.error.data, "does not name its workspace"));
    write_yaml(yaml);
    assert_int_equal(owner_berth(&owner, "envs"), 0);
    assert_string_equal(owner.error.data, "");
    str_release(&broken);
    str_release(&wanted);
}

static void schema__is_printed(void **state)
{
    static const char *const kinds[] = {"berth", "template", "berthd"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct str words = STR_INIT;
        json_t *json;

        str_addf(&words, "check --schema %s", kinds[i]);
        assert_int_equal(owner_berth(&owner, words.data), 0);
        json = json_loads(owner.out.data, 0, NULL);
        assert_string_equal(json_get_text(json, "$schema"), "https://json-schema.org/draft/2020-12/schema");
        json_decref(json);
        str_release(&words);
    }
}

static void init__leaves_alone_what_is_there(void **state)
{
    struct str text = STR_INIT;
    char *file = path_join(owner.repository, "berth.yaml");

    (void)state;
    assert_int_equal(owner_berth(&owner, "init"), 0);
    assert_true(file_read(file, 1 << 20, &text, NULL));
    assert_string_equal(text.data, yaml);
    assert_non_null(strstr(owner.out.data, "wrote templates/app.yaml"));
    assert_non_null(strstr(owner.out.data, "berth.yaml is there already"));
    str_release(&text);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destroy__is_done_only_when_its_name_was_typed),
        cmocka_unit_test(approve__shows_the_plan_and_takes_only_yes),
        cmocka_unit_test(stop_all__asks_on_a_terminal),
        cmocka_unit_test(check__names_every_problem_at_its_place),
        cmocka_unit_test(schema__is_printed),
        cmocka_unit_test(init__leaves_alone_what_is_there),
    };

    setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, setup, teardown);
}
