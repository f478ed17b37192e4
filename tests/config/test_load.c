/* SPDX-License-Identifier: ISC */
/* berth.yaml: what is read, and what is refused where. */
#include "prelude.h"

#include "berth/base/time.h"

struct reading {
    struct arena arena;
    struct problems problems;
    struct config *config;
};

static void load(struct reading *reading, const char *text)
{
    *reading = (struct reading){0};
    problems_init(&reading->problems, &reading->arena);
    reading->config = config_load("berth.yaml", text, strlen(text), &reading->problems);
}

static void load_small(struct reading *reading, const char *root, const char *entry)
{
    struct str text = STR_INIT;

    small_config(&text, root, entry);
    load(reading, text.data);
    str_release(&text);
}

static void forget(struct reading *reading)
{
    config_free(reading->config);
    problems_release(&reading->problems);
    arena_release(&reading->arena);
}

static void check_entry_error(const char *entry, int line, const char *words)
{
    struct reading reading;

    load_small(&reading, "", entry);
    assert_null(reading.config);
    expect_error(&reading.problems, line, words);
    forget(&reading);
}

static void check_root_error(const char *root, int line, const char *words)
{
    struct reading reading;

    load_small(&reading, root, SMALL_SOURCE);
    assert_null(reading.config);
    expect_error(&reading.problems, line, words);
    forget(&reading);
}

static void load__reads_the_shop_whole(void **state)
{
    struct reading reading;
    struct str text = STR_INIT;
    const struct config_entry *entry;

    (void)state;
    read_whole(TEST_SRCDIR "/examples/shop/berth.yaml", &text);
    load(&reading, text.data);
    expect_no_error(&reading.problems);
    assert_non_null(reading.config);
    assert_string_equal(reading.config->workspace, "shop");
    assert_string_equal(reading.config->trusted_repository, "app");
    assert_string_equal(reading.config->trusted_ref, "main");
    assert_int_equal(reading.config->person_count, 2);
    assert_string_equal(reading.config->people[1].unix_name, "bob");
    assert_string_equal(reading.config->people[1].email.items[0], "bob@acme.org");
    assert_int_equal(reading.config->groups[0].members.count, 2);
    assert_int_equal(reading.config->access[0].role, ROLE_ADMIN);
    assert_int_equal(reading.config->environment_count, 4);
    entry = &reading.config->environments[0];
    assert_int_equal(entry->tier, TIER_REVIEW);
    assert_int_equal(entry->sources, 1u << SOURCE_BRANCHES);
    assert_int_equal(entry->branches.count, 3);
    assert_int_equal(entry->deploy_on, TRIGGER_PUSH);
    assert_true(entry->allow_present);
    assert_string_equal(entry->allow_executors.items[1], "terraform");
    assert_int_equal(entry->ttl_default_ms, 2 * MS_DAY);
    assert_int_equal(entry->ttl_extensions, 3);
    assert_string_equal(entry->ttl_from, "last_push");
    assert_true(entry->destroy_with_branch);
    assert_int_equal(entry->destroy_after_ms, 10 * MS_MINUTE);
    assert_string_equal(entry->data_policy, "wipe");
    assert_string_equal(entry->repository, "app");
    entry = config_entry_named(reading.config, "prod");
    assert_non_null(entry);
    assert_int_equal(entry->sources, 1u << SOURCE_PROMOTE);
    assert_string_equal(entry->promote_from, "staging");
    assert_true(entry->gate.present && entry->gate.not_author);
    assert_int_equal(entry->gate.approvals, 2);
    assert_int_equal(entry->gate.window_count, 1);
    assert_string_equal(window_text(entry->gate.windows[0]), "Mon-Fri 09:00-16:00 Europe/Berlin");
    assert_true(entry->rollback.gate_none && entry->rollback.ignore_windows);
    assert_int_equal(entry->break_glass_ms, 30 * MS_MINUTE);
    assert_non_null(entry->drift);
    assert_true(entry->permanent);
    assert_int_equal(entry->on_failure, ANSWER_ROLLBACK);
    entry = &reading.config->environments[3];
    assert_int_equal(entry->input_count, 1);
    assert_true(entry->inputs[0].required);
    assert_string_equal(entry->default_ref, "main");
    assert_int_equal(reading.config->limits.remove_share_percent, 20);
    assert_int_equal(reading.config->notify_count, 2);
    assert_true(reading.config->notify[0].section.built);
    assert_true(reading.config->notify[1].section.built);
    str_release(&text);
    forget(&reading);
}

static void limits__of_targets_and_tiers_are_read(void **state)
{
    struct reading reading;
    const struct config_limits *limits;

    (void)state;
    load_small(&reading,
               "limits:\n"
               "  per_target: { here: 3 }\n"
               "  per_tier: { review: { runs: 2, steps: 4 }, prod: { runs: 1 } }\n"
               "  environments: { review: 60 }\n",
               SMALL_SOURCE);
    expect_no_error(&reading.problems);
    limits = &reading.config->limits;
    assert_int_equal(limits->target_count, 1);
    assert_string_equal(limits->targets[0].name, "here");
    assert_int_equal(limits->targets[0].steps, 3);
    assert_int_equal(limits->targets[0].runs, 0);
    assert_int_equal(limits->tiers[TIER_REVIEW].runs, 2);
    assert_int_equal(limits->tiers[TIER_REVIEW].steps, 4);
    assert_int_equal(limits->tiers[TIER_PROD].runs, 1);
    assert_int_equal(limits->tiers[TIER_PROD].steps, 0);
    assert_true(limits->divides_runs && limits->divides_steps);
    assert_int_equal(limits->environments[TIER_REVIEW], 60);
    assert_int_equal(limits->environments[TIER_DEV], -1);
    forget(&reading);
    check_root_error("limits: { per_target: { nowhere: 3 } }\n", 14, "nowhere");
    check_root_error("limits: { per_tier: { review: 0 } }\n", 14, "from 1 to 1000");
    check_root_error("limits: { per_tier: { review: {} } }\n", 14, "");
}

static void check_receiver(const char *section, const char *id, bool same)
{
    struct reading reading;
    char *root = path_printf("notify:\n  - { provider: webhook, url: \"http://127.0.0.1:1/\" }\n  - %s\n", section);

    load_small(&reading, root, SMALL_SOURCE);
    expect_no_error(&reading.problems);
    assert_int_equal(config_notify_named(reading.config, id) == &reading.config->notify[1], same);
    free(root);
    forget(&reading);
}

static void notify__receiver_is_known_by_what_it_is_not_where_it_stands(void **state)
{
    struct reading reading;
    char *id;

    (void)state;
    load_small(&reading, "notify: [ { provider: webhook, url: \"http://127.0.0.1:9/\" } ]\n", SMALL_SOURCE);
    id = mem_strdup(reading.config->notify[0].id);
    assert_ptr_equal(config_notify_named(reading.config, id), reading.config->notify);
    forget(&reading);
    check_receiver("{ provider: webhook, url: \"http://127.0.0.1:9/\" }", id, true);
    check_receiver("{ provider: webhook, events: [failed], url: \"http://127.0.0.1:9/\", tiers: [prod] }", id, true);
    check_receiver("{ provider: webhook, url: \"http://127.0.0.1:9/b\" }", id, false);
    free(id);
}

static void load__names_all_errors_at_once_with_their_places(void **state)
{
    static const char text[] = "version: 2\n"
                               "workspace: shop\n"
                               "repositorys:\n"
                               "  app: { provider: git, url: . }\n"
                               "environments:\n"
                               "  - name: one\n"
                               "    tier: stagin\n"
                               "    source: { branches: main }\n"
                               "    templates: [web]\n"
                               "    target: here\n"
                               "    ttl: { default: soon }\n"
                               "    permanent: yes\n";
    struct reading reading;

    (void)state;
    load(&reading, text);
    assert_null(reading.config);
    expect_error(&reading.problems, 1, "version: expected a whole number from 1 to 1, found 2");
    expect_error(&reading.problems, 1, "the key \"repositories\" is missing");
    expect_error(&reading.problems, 3, "unknown key \"repositorys\"");
    assert_string_equal(find_problem(&reading.problems, false, 3, "unknown")->hint, "did you mean \"repositories\"?");
    assert_int_equal(find_problem(&reading.problems, false, 3, "unknown")->column, 1);
    expect_error(&reading.problems, 7,
                 "tier: expected local, review, ephemeral, dev, test, staging or prod, found \"stagin\"");
    assert_string_equal(find_problem(&reading.problems, false, 7, "tier")->hint, "did you mean \"staging\"?");
    assert_int_equal(find_problem(&reading.problems, false, 7, "tier")->column, 11);
    expect_error(&reading.problems, 8, "branches: expected a list, found \"main\"");
    expect_error(&reading.problems, 10, "target: there is no \"here\" in targets");
    expect_error(&reading.problems, 11, "default: expected a duration such as 90s, 10m, 8h or 2d, found \"soon\"");
    expect_error(&reading.problems, 12, "permanent: expected true or false, found \"yes\"");
    assert_int_equal(reading.problems.errors, 8);
    forget(&reading);
}

static void load__refuses_unknown_references(void **state)
{
    (void)state;
    check_entry_error(SMALL_SOURCE "    runner: fast\n", 14, "runner: there is no \"fast\" in runners");
    check_entry_error("    source: { promote_from: tow }\n", 13, "there is no \"tow\" in environments");
    check_entry_error(SMALL_SOURCE "    gate: { by: [opps] }\n", 14, "there is no \"opps\" in people or groups");
    check_entry_error(SMALL_SOURCE "    deploy_on: [\"queue:in\"]\n", 14, "there is no \"in\" in queues");
    check_entry_error(SMALL_SOURCE "    deploy_on: [pusch]\n", 14, "found \"pusch\"");
    check_entry_error(SMALL_SOURCE "    repository: ap\n", 14, "there is no \"ap\" in repositories");
    check_entry_error(SMALL_SOURCE "    require: { image: \"images:dev\" }\n", 14,
                      "there is no \"images\" in registries");
    check_root_error("access: [ { who: [carol], role: admin } ]\n", 14, "there is no \"carol\"");
    check_root_error("trusted: { repository: web }\n", 14, "there is no \"web\" in repositories");
    check_root_error("notify: [ { provider: queue, queue: out } ]\n", 14, "there is no \"out\" in queues");
}

static void load__a_template_name_is_no_path(void **state)
{
    static const char text[] =
        "version: 1\nworkspace: w\nrepositories: { a: { provider: git, url: . } }\n"
        "targets: { here: { provider: local } }\nenvironments:\n  - name: one\n    tier: dev\n"
        "    source: { branches: [main] }\n    templates: [\"../../etc/passwd\"]\n    target: here\n";
    struct reading reading;

    (void)state;
    load(&reading, text);
    assert_null(reading.config);
    expect_error(&reading.problems, 9, "passwd");
    forget(&reading);
}

static void load__refuses_what_a_provider_does_not_have(void **state)
{
    (void)state;
    check_root_error("runners: { r: { provider: local, image: x } }\n", 14, "unknown key \"image\"");
    check_root_error("runners: { r: { provider: locale } }\n", 14, "there is no runner provider \"locale\"");
    check_root_error("runners: { r: { sandbox: none } }\n", 14, "the key \"provider\" is missing");
    check_root_error("runners: { r: { provider: kubernetes_job, context: c, namespace: n } }\n", 14,
                     "the key \"image\" is missing");
    check_root_error("queues: { q: { provider: vault, direction: in } }\n", 14, "there is no queue provider \"vault\"");
}

static void load__one_warning_names_all_that_is_not_built(void **state)
{
    struct reading reading;
    const struct problem *problem;

    (void)state;
    load_small(&reading,
               "secrets: { v: { provider: sops, file: s.yaml }, w: { provider: sops, file: t.yaml } }\n"
               "runners: { r: { provider: aws_batch, job_definition: d, job_queue: q } }\n",
               SMALL_SOURCE);
    expect_no_error(&reading.problems);
    assert_non_null(reading.config);
    assert_int_equal(reading.problems.warnings, 1);
    problem = find_problem(&reading.problems, true, 0, "not in this version");
    assert_non_null(problem);
    assert_non_null(strstr(problem->message, "sops (secrets), aws_batch (runner)"));
    forget(&reading);
}

static void load__refuses_hostile_names(void **state)
{
    (void)state;
    check_root_error("runners: { \"$parts\": { provider: local } }\n", 14, "found \"$parts\"");
    check_root_error("runners: { \"a\\u0007b\": { provider: local } }\n", 14, "a key: expected a name");
    check_root_error("runners: { \"a\\0b\": { provider: local } }\n", 14, "");
    check_root_error("runners: { \"\": { provider: local } }\n", 14, "a key: expected a name");
    check_root_error("runners: { \"${{ env.name }}\": { provider: local } }\n", 14, "${{ }} cannot stand here");
    check_entry_error(SMALL_SOURCE "    with: { $parts: 1 }\n", 14, "found \"$parts\"");
    check_entry_error(SMALL_SOURCE "    description: \"a\\u001b[2Jb\"\n", 14, "description: expected text");
    check_entry_error(SMALL_SOURCE "    description: \"a\\u009bb\"\n", 14, "description: expected text");
}

static void load__refuses_yaml_that_lies(void **state)
{
    (void)state;
    check_root_error("workspace: again\n", 14, "twice");
    check_root_error("? [a, b]\n: c\n", 14, "");
    check_root_error("limits: { runs: 010x }\n", 14, "runs: expected a whole number");
    check_root_error("limits: { runs: 99999999999999999999 }\n", 14, "runs: expected a whole number");
    check_root_error("limits: { runs: 1.5 }\n", 14, "runs: expected a whole number");
    check_root_error("limits:\n", 14, "limits: expected a map, found no value");
    check_root_error("people: 3\n", 14, "");
}

static void load__takes_anchors(void **state)
{
    struct reading reading;

    (void)state;
    load_small(&reading, "limits: { per_target: { here: &n 3, far: *n } }\n", SMALL_SOURCE);
    expect_no_error(&reading.problems);
    forget(&reading);
}

static void load__checks_expressions(void **state)
{
    (void)state;
    check_entry_error(SMALL_SOURCE "    description: \"${{ branch.nam }}\"\n", 14, "\"branch\" has no \"nam\"");
    check_entry_error(SMALL_SOURCE "    description: \"${{ secret.env.X }}\"\n", 14, "\"secret\" cannot be named here");
    check_entry_error(SMALL_SOURCE "    description: \"${{ branch.name\"\n", 14, "expected }}");
    check_entry_error(SMALL_SOURCE "    description: \"${{ branch..name }}\"\n", 14, "expected a path");
    check_entry_error(SMALL_SOURCE "    target: \"${{ branch.name }}\"\n", 14, "twice");
    check_entry_error(SMALL_SOURCE "    data: { policy: \"${{ branch.name }}\" }\n", 14, "${{ }} cannot stand here");
    check_entry_error(SMALL_SOURCE "    with: { a: \"${{ input.tag }}\" }\n", 14, "has no input \"tag\"");
    check_root_error("notify: [ { provider: webhook, url: \"${{ secret.vault.x }}\" } ]\n", 14,
                     "there is no secret store \"vault\"");
}

static void load__an_empty_file_says_what_it_lacks(void **state)
{
    struct reading reading;

    (void)state;
    load(&reading, "");
    assert_null(reading.config);
    expect_error(&reading.problems, 1, "expected a map, found no value");
    forget(&reading);
    load(&reading, "- a\n");
    assert_null(reading.config);
    expect_error(&reading.problems, 1, "expected a map, found a list");
    forget(&reading);
}

static void first__is_valid_and_warns_of_nothing_but_who_approves(void **state)
{
    static const char *const branches[] = {"main", "", "weird \"branch\"", "it's"};
    static const char *const names[] = {"shop", "", "Ümläut / Shop!", "$parts"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct str text = STR_INIT;
        struct reading reading;

        config_first(names[i], branches[i], &text);
        load(&reading, text.data);
        if (!reading.config || reading.problems.warnings > 0)
            print_problems(&reading.problems);
        assert_non_null(reading.config);
        assert_int_equal(reading.problems.warnings, 0);
        forget(&reading);
        str_release(&text);
    }
}

static void host__reads_the_example_and_has_defaults(void **state)
{
    struct arena arena = {0};
    struct problems problems;
    struct str text = STR_INIT;
    struct host_config *host;

    (void)state;
    problems_init(&problems, &arena);
    read_whole(TEST_SRCDIR "/examples/environment-service/berthd.yaml", &text);
    host = host_config_load("berthd.yaml", text.data, text.length, &problems);
    expect_no_error(&problems);
    assert_string_equal(host->store, "postgresql://berth@postgres.service.consul/berth");
    assert_int_equal(host->pools.count, 2);
    assert_string_equal(host->log, "json");
    host_config_free(host);
    host = host_config_load("berthd.yaml", "", 0, &problems);
    assert_non_null(host);
    assert_int_equal(host->linger_ms, 30 * MS_SECOND);
    host_config_free(host);
    host = host_config_default();
    assert_int_equal(host->poll_ms, 60 * MS_SECOND);
    assert_int_equal(host->hung_after_ms, 60 * MS_SECOND);
    assert_string_equal(host->log, "text");
    host_config_free(host);
    host = host_config_load("berthd.yaml", "worker: 3\n", 10, &problems);
    assert_null(host);
    expect_error(&problems, 1, "unknown key \"worker\"");
    problems_release(&problems);
    arena_release(&arena);
    str_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits__of_targets_and_tiers_are_read),
        cmocka_unit_test(load__reads_the_shop_whole),
        cmocka_unit_test(load__names_all_errors_at_once_with_their_places),
        cmocka_unit_test(load__refuses_unknown_references),
        cmocka_unit_test(load__a_template_name_is_no_path),
        cmocka_unit_test(load__refuses_what_a_provider_does_not_have),
        cmocka_unit_test(load__one_warning_names_all_that_is_not_built),
        cmocka_unit_test(load__refuses_hostile_names),
        cmocka_unit_test(load__refuses_yaml_that_lies),
        cmocka_unit_test(notify__receiver_is_known_by_what_it_is_not_where_it_stands),
        cmocka_unit_test(load__takes_anchors),
        cmocka_unit_test(load__checks_expressions),
        cmocka_unit_test(load__an_empty_file_says_what_it_lacks),
        cmocka_unit_test(first__is_valid_and_warns_of_nothing_but_who_approves),
        cmocka_unit_test(host__reads_the_example_and_has_defaults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
