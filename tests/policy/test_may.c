/* SPDX-License-Identifier: ISC */
/* May a verb start: each rule by cases, the tree's forms, and that a higher role never turns a yes into a no. */
#include "fixture.h"

#include "berth/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static const struct why *ask(const struct policy_question *question)
{
    return policy_may(question, &arena);
}

static void role__needs_what_the_verb_needs(void **state)
{
    const struct config config = fixture_config();
    static const struct {
        const char *person;
        int entry;
        enum role role;
        enum verdict verdict;
        const char *source;
    } cases[] = {
        {"alice", STAGING, ROLE_ADMIN, POLICY_YES, "berth.yaml:22"},
        {"carol", REVIEW, ROLE_DEPLOYER, POLICY_YES, "berth.yaml:21"},
        {"carol", STAGING, ROLE_DEPLOYER, POLICY_NO, "berth.yaml:20"},
        {"carol", STAGING, ROLE_VIEWER, POLICY_YES, "berth.yaml:20"},
        {"", REVIEW, ROLE_VIEWER, POLICY_NO, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy_question question = fixture_question(&config, cases[i].entry, "x");
        const struct why *why;

        question.person = cases[i].person;
        question.role = cases[i].role;
        why = ask(&question);
        assert_int_equal(fixture_rule(why, "role"), cases[i].verdict);
        assert_string_equal(why->children[0]->source, cases[i].source);
        assert_int_equal(why->verdict, cases[i].verdict);
    }
}

static void role__a_gates_by_may_name_who_has_less(void **state)
{
    const struct config config = fixture_config();
    struct config_entry entry = fixture_entries[STAGING];
    struct policy_question question = fixture_question(&config, STAGING, "staging");

    (void)state;
    entry.gate.by = (struct name_list){(const char *const[]){"carol"}, 1};
    question.entry = &entry;
    question.person = "carol";
    question.verb = "approve";
    question.role = ROLE_APPROVER;
    question.flags = POLICY_ANSWERS_GATE;
    assert_int_equal(ask(&question)->verdict, POLICY_YES);
    question.flags = POLICY_DEPLOYS;
    assert_int_equal(ask(&question)->verdict, POLICY_NO);
}

static void owner__is_admin_only_where_berth_yaml_maps_nobody(void **state)
{
    struct config config = fixture_config();
    struct policy_question question = fixture_question(&config, STAGING, "staging");

    (void)state;
    question.person = "";
    question.flags |= POLICY_OWNER;
    assert_int_equal(ask(&question)->verdict, POLICY_NO);
    config.person_count = 0;
    assert_int_equal(ask(&question)->verdict, POLICY_YES);
    question.flags &= ~(unsigned)POLICY_OWNER;
    assert_int_equal(ask(&question)->verdict, POLICY_NO);
}

static void promotion__nothing_else_reaches_a_promote_only_environment(void **state)
{
    const struct config config = fixture_config();
    struct policy_question question = fixture_question(&config, PROD, "prod");
    const struct why *why = ask(&question);

    (void)state;
    assert_int_equal(why->verdict, POLICY_NO);
    assert_string_equal(why_first(why)->rule, "source");
    assert_string_equal(why_first(why)->source, "berth.yaml:50");
    question.verb = "promote";
    assert_int_equal(ask(&question)->verdict, POLICY_YES);
    question.verb = "rollback";
    assert_int_equal(ask(&question)->verdict, POLICY_YES);
    question.verb = "retry";
    assert_int_equal(ask(&question)->verdict, POLICY_YES);
}

static void trigger__deploy_on_decides_by_itself_and_a_person_may_always_ask(void **state)
{
    const struct config config = fixture_config();
    static const struct {
        int entry;
        unsigned flags;
        int trigger;
        const char *verb;
        enum verdict verdict;
    } cases[] = {
        {REVIEW, POLICY_DEPLOYS | POLICY_BY_ITSELF, TRIGGER_PUSH, "deploy", POLICY_YES},
        {REVIEW, POLICY_DEPLOYS | POLICY_BY_ITSELF, TRIGGER_QUEUE, "deploy", POLICY_NO},
        {REVIEW, POLICY_DEPLOYS | POLICY_BY_ITSELF, 0, "deploy", POLICY_NO},
        {TRY, POLICY_DEPLOYS | POLICY_BY_ITSELF, TRIGGER_PUSH, "deploy", POLICY_NO},
        {TRY, POLICY_DEPLOYS, 0, "deploy", POLICY_YES},
        {STAGING, POLICY_READS | POLICY_BY_ITSELF, TRIGGER_PULL_REQUEST, "plan", POLICY_YES},
        {STAGING, POLICY_READS | POLICY_BY_ITSELF, TRIGGER_PUSH, "plan", POLICY_NO},
        {STAGING, POLICY_READS, 0, "plan", POLICY_YES},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy_question question = fixture_question(&config, cases[i].entry, "x");

        question.flags = cases[i].flags;
        question.trigger = cases[i].trigger;
        question.verb = cases[i].verb;
        assert_int_equal(ask(&question)->verdict, cases[i].verdict);
    }
}

static void source__a_ref_of_another_kind_is_named(void **state)
{
    const struct config config = fixture_config();
    struct policy_question question = fixture_question(&config, TRY, "try/a");

    (void)state;
    assert_int_equal(ask(&question)->verdict, POLICY_YES);
    question.ref_kind = "commit";
    assert_string_equal(why_first(ask(&question))->rule, "source");
    question.ref_kind = "";
    assert_int_equal(ask(&question)->verdict, POLICY_YES);
    question.entry = NULL;
    assert_int_equal(ask(&question)->verdict, POLICY_NO);
}

static void excluded__a_commit_rolled_back_is_deployed_by_hand_only(void **state)
{
    const struct config config = fixture_config();
    const struct environment environment = {.name = "review/x", .excluded_commit = "c0ffee"};
    struct policy_question question = fixture_question(&config, REVIEW, "review/x");

    (void)state;
    question.environment = &environment;
    assert_int_equal(ask(&question)->verdict, POLICY_YES);
    question.flags |= POLICY_BY_ITSELF;
    question.trigger = TRIGGER_PUSH;
    assert_int_equal(ask(&question)->verdict, POLICY_NO);
    question.commit = "newer";
    assert_int_equal(ask(&question)->verdict, POLICY_YES);
}

static const struct branch went = {.repository = "app", .name = "x", .misses = 2, .gone_at = NOW};
static const struct repository whole = {.id = "app", .complete = true, .listed = true, .branches = 3};

/* Its branch went, for so long that no grace is left. */
static void branch_went(struct policy_question *question)
{
    question->origin = ORIGIN_CLEANER;
    question->branch = &went;
    question->repository = &whole;
}

static void hold__stops_what_its_kind_says_until_it_ends(void **state)
{
    const struct config config = fixture_config();
    const unsigned machine = POLICY_BY_ITSELF;
    static const struct {
        const char *kind, *commit;
        int64_t until;
        unsigned flags;
        enum verdict verdict;
    } cases[] = {
        {"hold", "", 0, POLICY_DEPLOYS, POLICY_NO},
        {"hold", "", NOW + 1, POLICY_DEPLOYS, POLICY_NO},
        {"hold", "", NOW, POLICY_DEPLOYS, POLICY_YES},
        {"hold", "", 0, POLICY_READS, POLICY_YES},
        {"hold", "", 0, POLICY_DESTROYS | POLICY_CONFIRMED, POLICY_NO},
        {"hold", "c0ffee", 0, POLICY_DEPLOYS, POLICY_YES},
        {"hold", "c0ffee", 0, POLICY_DEPLOYS | POLICY_BY_ITSELF, POLICY_NO},
        {"hold", "other", 0, POLICY_DEPLOYS | POLICY_BY_ITSELF, POLICY_YES},
        {"evidence", "", 0, POLICY_DEPLOYS, POLICY_YES},
        {"evidence", "", 0, POLICY_DESTROYS | POLICY_CONFIRMED, POLICY_YES},
        {"evidence", "", 0, POLICY_DESTROYS | POLICY_BY_ITSELF, POLICY_NO},
        {"foreign_run", "", 0, POLICY_DEPLOYS, POLICY_WAIT},
        {"protect", "", 0, POLICY_DEPLOYS, POLICY_YES},
        {"protect", "", 0, POLICY_DESTROYS, POLICY_NO},
        {"protect", "", 0, POLICY_DESTROYS | POLICY_CONFIRMED, POLICY_YES},
        {"protect", "", 0, POLICY_DESTROYS | POLICY_BY_ITSELF, POLICY_NO},
        {"protect", "", NOW, POLICY_DESTROYS | POLICY_BY_ITSELF, POLICY_YES},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct hold hold = {
            .id = "H", .kind = cases[i].kind, .by = "bob", .until = cases[i].until, .commit = cases[i].commit};
        const struct hold *holds[] = {&hold};
        const struct environment deserted = {.id = "E", .name = "review/x", .marks = MARK_BRANCH_GONE};
        struct policy_question question = fixture_question(&config, REVIEW, "review/x");

        question.environment = &deserted;
        question.flags = cases[i].flags;
        question.trigger = cases[i].flags & machine ? TRIGGER_PUSH : 0;
        question.holds = holds;
        question.hold_count = 1;
        branch_went(&question);
        if (ask(&question)->verdict != cases[i].verdict)
            fail_msg("case %zu: %s", i, cases[i].kind);
    }
}

static const struct config_freeze written[] = {{.name = "conference",
                                                .tiers = LIST("staging"),
                                                .except = LIST("rollback"),
                                                .from = NOW - 10,
                                                .until = NOW + 10,
                                                .line = 70}};
static void freeze__rows_and_berth_yaml_bind_by_tier_verb_and_time(void **state)
{
    static const struct {
        const char *tiers, *except;
        bool machines;
        int64_t from, until;
        unsigned flags;
        const char *verb;
        enum verdict verdict;
    } cases[] = {
        {"[]", "", false, 0, 0, POLICY_DEPLOYS, "deploy", POLICY_NO},
        {"[\"review\"]", "", false, 0, 0, POLICY_DEPLOYS, "deploy", POLICY_NO},
        {"[\"prod\"]", "", false, 0, 0, POLICY_DEPLOYS, "deploy", POLICY_YES},
        {"[]", "[\"deploy\"]", false, 0, 0, POLICY_DEPLOYS, "deploy", POLICY_YES},
        {"[]", "", false, NOW + 1, 0, POLICY_DEPLOYS, "deploy", POLICY_YES},
        {"[]", "", false, 0, NOW, POLICY_DEPLOYS, "deploy", POLICY_YES},
        {"[]", "", false, 0, NOW + 1, POLICY_DEPLOYS, "deploy", POLICY_NO},
        {"[]", "", false, 0, 0, POLICY_READS, "plan", POLICY_YES},
        {"[]", "", true, 0, 0, POLICY_DEPLOYS, "deploy", POLICY_YES},
        {"[]", "", true, 0, 0, POLICY_DEPLOYS | POLICY_BY_ITSELF, "deploy", POLICY_NO},
    };
    struct config config = fixture_config();
    struct policy_question question;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct freeze freeze = {.id = "F",
                                      .tiers = cases[i].tiers,
                                      .except = cases[i].except,
                                      .machines = cases[i].machines,
                                      .from = cases[i].from,
                                      .until = cases[i].until};
        const struct freeze *freezes[] = {&freeze};

        question = fixture_question(&config, REVIEW, "review/x");
        question.flags = cases[i].flags;
        question.verb = cases[i].verb;
        question.trigger = cases[i].flags & POLICY_BY_ITSELF ? TRIGGER_PUSH : 0;
        question.freezes = freezes;
        question.freeze_count = 1;
        if (ask(&question)->verdict != cases[i].verdict)
            fail_msg("case %zu", i);
    }
    config.freezes = written;
    config.freeze_count = 1;
    question = fixture_question(&config, STAGING, "staging");
    assert_string_equal(why_first(ask(&question))->source, "berth.yaml:70");
    question.verb = "rollback";
    assert_int_equal(ask(&question)->verdict, POLICY_YES);
    question = fixture_question(&config, REVIEW, "review/x");
    assert_int_equal(ask(&question)->verdict, POLICY_YES);
}

static void destroy__needs_a_policy_or_the_name_typed(void **state)
{
    const struct config config = fixture_config();
    const struct environment ended = {.name = "x", .planned_destruction_at = NOW},
                             alive = {.name = "x", .planned_destruction_at = NOW + 1},
                             deserted = {.name = "x", .marks = MARK_BRANCH_GONE};
    static const struct {
        int entry;
        unsigned flags;
        int environment; /* 0 none, 1 its life ended, 2 alive, 3 its branch is gone, 4 a deploy failed */
        enum verdict verdict;
        const char *rule;
    } cases[] = {
        {REVIEW, POLICY_DESTROYS, 0, POLICY_NO, "confirm"},
        {REVIEW, POLICY_DESTROYS | POLICY_CONFIRMED, 0, POLICY_YES, ""},
        {REVIEW, POLICY_DESTROYS | POLICY_BY_ITSELF, 0, POLICY_NO, "source"}, /* its branch is there */
        {REVIEW, POLICY_DESTROYS | POLICY_BY_ITSELF, 3, POLICY_YES, ""},      /* destroy_with_branch */
        {TRY, POLICY_DESTROYS | POLICY_BY_ITSELF, 4, POLICY_YES, ""},         /* on_failure: destroy */
        {TRY, POLICY_DESTROYS | POLICY_BY_ITSELF, 0, POLICY_NO, "source"},    /* but nothing failed */
        {TRY, POLICY_DESTROYS | POLICY_BY_ITSELF, 3, POLICY_NO, "source"},
        {STAGING, POLICY_DESTROYS, 0, POLICY_NO, "protected"},
        {STAGING, POLICY_DESTROYS | POLICY_CONFIRMED, 0, POLICY_YES, ""},
        {STAGING, POLICY_DESTROYS | POLICY_BY_ITSELF, 1, POLICY_NO, "protected"},
        {STAGING, POLICY_DESTROYS | POLICY_BY_ITSELF, 2, POLICY_NO, "protected"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy_question question = fixture_question(&config, cases[i].entry, "x");
        const struct why *why;

        question.verb = "destroy";
        question.flags = cases[i].flags;
        question.origin = cases[i].environment == 4 ? ORIGIN_ON_FAILURE : ORIGIN_TTL;
        if (cases[i].environment == 3)
            branch_went(&question);
        question.environment = cases[i].environment == 0   ? NULL
                               : cases[i].environment == 1 ? &ended
                               : cases[i].environment == 2 ? &alive
                                                           : &deserted;
        why = ask(&question);
        if (why->verdict != cases[i].verdict)
            fail_msg("case %zu", i);
        if (why->verdict == POLICY_NO)
            assert_string_equal(why_first(why)->rule, cases[i].rule);
    }
}

static void destroy__by_itself_only_when_its_life_ended(void **state)
{
    const struct config config = fixture_config();
    struct environment environment = {.name = "x", .planned_destruction_at = NOW};
    struct config_entry entry = {.name = "x", .tier = TIER_REVIEW, .on_failure = ANSWER_HOLD, .line = 5};
    struct policy_question question = fixture_question(&config, REVIEW, "x");

    (void)state;
    question.entry = &entry;
    question.environment = &environment;
    question.verb = "destroy";
    question.flags = POLICY_DESTROYS | POLICY_BY_ITSELF;
    question.origin = ORIGIN_TTL;
    assert_int_equal(ask(&question)->verdict, POLICY_YES);
    environment.planned_destruction_at = NOW + 1;
    assert_int_equal(ask(&question)->verdict, POLICY_NO);
    environment.planned_destruction_at = 0;
    assert_int_equal(ask(&question)->verdict, POLICY_NO);
    environment.planned_destruction_at = NOW;
    environment.is_protected = true;
    assert_int_equal(ask(&question)->verdict, POLICY_NO);
}

static void destroy__with_the_branch_only_when_it_is_proven_gone(void **state)
{
    const struct config config = fixture_config();
    const struct environment environment = {.name = "x"};
    struct config_entry entry = {.name = "x", .tier = TIER_REVIEW, .destroy_with_branch = true, .destroy_after_ms = 10};
    struct policy_question question = fixture_question(&config, REVIEW, "x");
    struct branch branch = {.misses = 2, .gone_at = NOW - 10};
    struct repository repository = whole;

    (void)state;
    question.entry = &entry;
    question.environment = &environment;
    question.verb = "destroy";
    question.flags = POLICY_DESTROYS | POLICY_BY_ITSELF;
    question.origin = ORIGIN_CLEANER;
    question.branch = &branch;
    question.repository = &repository;
    assert_int_equal(policy_end(&question, &arena)->verdict, POLICY_YES);
    question.fed_by = "feature/y";
    assert_int_equal(policy_end(&question, &arena)->verdict, POLICY_NO);
    question.fed_by = "";
    branch.gone_at = NOW - 9; /* within the grace */
    assert_int_equal(policy_end(&question, &arena)->verdict, POLICY_NO);
    branch.gone_at = NOW - 10;
    branch.misses = 1;
    assert_int_equal(policy_end(&question, &arena)->verdict, POLICY_NO);
    branch.misses = 2;
    repository.complete = false;
    assert_int_equal(policy_end(&question, &arena)->verdict, POLICY_WAIT);
    assert_int_equal(ask(&question)->verdict, POLICY_YES); /* it is asked again at the gate */
    repository.complete = true;
    repository.branches = 0;
    assert_int_equal(policy_end(&question, &arena)->verdict, POLICY_WAIT);
    question.repository = NULL;
    assert_int_equal(policy_end(&question, &arena)->verdict, POLICY_WAIT);
    question.branch = NULL;
    assert_int_equal(policy_end(&question, &arena)->verdict, POLICY_WAIT);
    question.branch = &branch;
    branch.gone_at = 0; /* seen: that needs no whole listing */
    assert_int_equal(policy_end(&question, &arena)->verdict, POLICY_NO);
    entry.destroy_with_branch = false;
    branch.gone_at = NOW - 10;
    assert_int_equal(policy_end(&question, &arena)->verdict, POLICY_NO);
}

static void branch__that_is_gone_is_told_before_a_deploy_is_asked_for(void **state)
{
    const struct config config = fixture_config();
    const struct environment environment = {.name = "review/x", .branch = "feature/x", .marks = MARK_BRANCH_GONE};
    struct policy_question question = fixture_question(&config, REVIEW, "review/x");
    struct policy_about about = {.names_ref = false};
    const struct why *why;

    (void)state;
    question.environment = &environment;
    question.verb = "deploy";
    question.flags = POLICY_DEPLOYS;
    why = policy_ask(&question, &about, &arena);
    assert_int_equal(why->verdict, POLICY_WAIT);
    assert_string_equal(why_first(why)->reason,
                        "the branch 'feature/x' is gone: its run finds no commit unless it is back by then");
    about.names_ref = true;
    assert_int_equal(policy_ask(&question, &about, &arena)->verdict, POLICY_YES);
    about.names_ref = false;
    question.verb = "rollback"; /* its commit is kept */
    assert_int_equal(policy_ask(&question, &about, &arena)->verdict, POLICY_YES);
}

static void extend__ends_with_the_entrys_extensions(void **state)
{
    const struct config config = fixture_config();
    struct environment environment = {.name = "review/x", .extensions = 1};
    struct policy_question question = fixture_question(&config, REVIEW, "review/x");

    (void)state;
    question.verb = "extend";
    question.flags = 0;
    question.environment = &environment;
    assert_int_equal(ask(&question)->verdict, POLICY_YES);
    question.entry = NULL; /* nothing says any more how often */
    assert_int_equal(ask(&question)->verdict, POLICY_NO);
    question.entry = &fixture_entries[REVIEW];
    environment.extensions = 2;
    assert_string_equal(why_first(ask(&question))->rule, "limit");
}

static void drift__blocks_what_the_entry_says(void **state)
{
    const struct config config = fixture_config();
    const struct environment environment = {.name = "prod", .marks = MARK_DRIFTED};
    struct policy_question question = fixture_question(&config, PROD, "prod");

    (void)state;
    question.verb = "promote";
    assert_int_equal(ask(&question)->verdict, POLICY_YES);
    question.environment = &environment;
    assert_string_equal(why_first(ask(&question))->rule, "drift");
    question.verb = "rollback";
    assert_int_equal(ask(&question)->verdict, POLICY_YES);
}

static void trust__without_a_policy_nothing_is_allowed(void **state)
{
    struct policy_question question = fixture_question(NULL, REVIEW, "x");

    (void)state;
    question.flags |= POLICY_OWNER;
    assert_int_equal(ask(&question)->verdict, POLICY_NO);
    assert_string_equal(why_first(ask(&question))->rule, "trust");
}

static void tree__survives_json_and_prints_one_rule_a_line(void **state)
{
    const struct config config = fixture_config();
    struct policy_question question = fixture_question(&config, PROD, "prod");
    const struct why *why = ask(&question);
    json_t *json = why_to_json(why);
    const struct why *again = why_from_json(json, &arena);
    struct str a = STR_INIT, b = STR_INIT;

    (void)state;
    assert_non_null(again);
    why_text(why, &a);
    why_text(again, &b);
    assert_string_equal(a.data, b.data);
    assert_string_equal(
        a.data, "NO    deploy: prod\n"
                "  yes   role: alice may deploy here: admin [berth.yaml:22]\n"
                "  NO    source: nothing but a promotion from staging reaches prod [berth.yaml:50] -> deploy to "
                "staging, then promote from there\n"
                "  yes   hold: nobody holds it\n"
                "  yes   freeze: nothing is frozen here\n");
    str_release(&a);
    str_release(&b);
    json_decref(json);
}

static void tree__what_is_no_tree_is_refused(void **state)
{
    static const char *const texts[] = {"{}", "[]", "{\"kind\":\"rule\"}", "{\"kind\":\"all\",\"verdict\":\"maybe\"}",
                                        "{\"kind\":\"all\",\"verdict\":\"yes\",\"children\":[1]}"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *json = json_loads(texts[i], 0, NULL);

        assert_null(why_from_json(json, &arena));
        json_decref(json);
    }
    assert_null(why_from_json(NULL, &arena));
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Whatever the question: more role or a confirmation never turns a yes into a no, and machines never destroy what is kept. */
static void property__a_higher_role_never_turns_a_yes_into_a_no(void **state)
{
    static const char *const verbs[] = {"deploy", "destroy", "plan", "extend", "promote", "rollback"};
    static const unsigned kinds[] = {POLICY_DEPLOYS, POLICY_DESTROYS, POLICY_READS, 0, POLICY_DEPLOYS, POLICY_DEPLOYS};
    struct config config = fixture_config();
    unsigned seed = 7, yes = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct config_access access = {.who = LIST("carol"), .role = ROLE_NONE, .line = 9};
        unsigned pick = next_random(&seed) % 6;
        struct policy_question question = fixture_question(&config, (int)(next_random(&seed) % 4), "x");
        struct environment environment = {.name = "x",
                                          .is_protected = next_random(&seed) % 2,
                                          .planned_destruction_at = NOW + (int64_t)(next_random(&seed) % 3) - 1,
                                          .extensions = next_random(&seed) % 4};
        struct hold hold = {.id = "H",
                            .by = "b",
                            .kind = next_random(&seed) % 2 ? "hold" : "evidence",
                            .until = NOW + (int64_t)(next_random(&seed) % 2)};
        const struct hold *holds[] = {&hold};
        enum verdict before = POLICY_NO;

        config.access = &access;
        config.access_count = 1;
        question.person = "carol";
        question.environment = &environment;
        question.verb = verbs[pick];
        question.flags = kinds[pick] | (next_random(&seed) % 2 ? POLICY_BY_ITSELF : 0) |
                         (next_random(&seed) % 2 ? POLICY_CONFIRMED : 0);
        question.trigger = 1 << next_random(&seed) % 7;
        question.role = (enum role)(next_random(&seed) % 5);
        question.holds = holds;
        question.hold_count = next_random(&seed) % 2;
        for (int role = ROLE_NONE; role <= ROLE_ADMIN; role++) {
            enum verdict now;

            access.role = (enum role)role;
            now = ask(&question)->verdict;
            assert_true(now <= before || before == POLICY_NO);
            before = now;
            yes += now == POLICY_YES;
        }
        if ((question.flags & POLICY_DESTROYS) && (question.flags & POLICY_BY_ITSELF) && environment.is_protected)
            assert_int_equal(before, POLICY_NO);
        question.flags |= POLICY_CONFIRMED;
        assert_true(ask(&question)->verdict <= before);
        arena_release(&arena);
    }
    assert_true(yes > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(role__needs_what_the_verb_needs, teardown),
        cmocka_unit_test_teardown(role__a_gates_by_may_name_who_has_less, teardown),
        cmocka_unit_test_teardown(owner__is_admin_only_where_berth_yaml_maps_nobody, teardown),
        cmocka_unit_test_teardown(promotion__nothing_else_reaches_a_promote_only_environment, teardown),
        cmocka_unit_test_teardown(trigger__deploy_on_decides_by_itself_and_a_person_may_always_ask, teardown),
        cmocka_unit_test_teardown(source__a_ref_of_another_kind_is_named, teardown),
        cmocka_unit_test_teardown(excluded__a_commit_rolled_back_is_deployed_by_hand_only, teardown),
        cmocka_unit_test_teardown(hold__stops_what_its_kind_says_until_it_ends, teardown),
        cmocka_unit_test_teardown(freeze__rows_and_berth_yaml_bind_by_tier_verb_and_time, teardown),
        cmocka_unit_test_teardown(destroy__needs_a_policy_or_the_name_typed, teardown),
        cmocka_unit_test_teardown(destroy__by_itself_only_when_its_life_ended, teardown),
        cmocka_unit_test_teardown(destroy__with_the_branch_only_when_it_is_proven_gone, teardown),
        cmocka_unit_test_teardown(branch__that_is_gone_is_told_before_a_deploy_is_asked_for, teardown),
        cmocka_unit_test_teardown(extend__ends_with_the_entrys_extensions, teardown),
        cmocka_unit_test_teardown(drift__blocks_what_the_entry_says, teardown),
        cmocka_unit_test_teardown(trust__without_a_policy_nothing_is_allowed, teardown),
        cmocka_unit_test_teardown(tree__survives_json_and_prints_one_rule_a_line, teardown),
        cmocka_unit_test_teardown(tree__what_is_no_tree_is_refused, teardown),
        cmocka_unit_test_teardown(property__a_higher_role_never_turns_a_yes_into_a_no, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
