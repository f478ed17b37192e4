/* SPDX-License-Identifier: ISC */
/* Does the gate open: approvals that bind, authors, expiry, windows, holds, lock; and that one more approval never closes it. */
#include "fixture.h"

#include "berth/base/str.h"
#include "berth/base/time.h"

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

#define APPROVALS 8
struct scene {
    struct config config;
    struct run run;
    struct approval rows[APPROVALS];
    const struct approval *approvals[APPROVALS];
    struct policy_gate gate;
};

static void set_scene(struct scene *scene, int entry)
{
    *scene = (struct scene){.config = fixture_config()};
    scene->run = (struct run){.id = "17",
                              .workflow = WORKFLOW_DEPLOY,
                              .origin = ORIGIN_COMMAND,
                              .digest = "d1g357",
                              .commit = "c0ffee",
                              .actor = "uid:1003",
                              .person = "carol",
                              .authors = "[\"carol\"]"};
    scene->gate = (struct policy_gate){.question = fixture_question(&scene->config, entry, "x"),
                                       .run = &scene->run,
                                       .approvals = scene->approvals,
                                       .lock_free = true,
                                       .lock_holder = "",
                                       .base_holds = true};
}

static struct approval *approve(struct scene *scene, const char *person, const char *digest)
{
    struct approval *row = &scene->rows[scene->gate.approval_count];

    *row = (struct approval){.id = "A",
                             .run = "17",
                             .digest = digest,
                             .verdict = VERDICT_APPROVE,
                             .actor = "uid:7",
                             .person = person,
                             .at = NOW};
    scene->approvals[scene->gate.approval_count++] = row;
    return row;
}

static enum verdict verdict(const struct scene *scene)
{
    return policy_gate(&scene->gate, &arena)->verdict;
}

static const char *first(const struct scene *scene)
{
    return why_first(policy_gate(&scene->gate, &arena))->rule;
}

static void approvals__bind_to_the_digest_and_count_each_person_once(void **state)
{
    struct scene scene;

    (void)state;
    set_scene(&scene, PROD);
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    assert_string_equal(first(&scene), "approvals");
    approve(&scene, "alice", "d1g357");
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    approve(&scene, "alice", "d1g357");
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    approve(&scene, "bob", "another");
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    approve(&scene, "bob", "d1g357");
    assert_int_equal(verdict(&scene), POLICY_YES);
    scene.run.digest = "moved";
    assert_int_equal(verdict(&scene), POLICY_WAIT);
}

static void approvals__an_empty_digest_never_matches(void **state)
{
    struct scene scene;

    (void)state;
    set_scene(&scene, STAGING);
    scene.run.digest = "";
    approve(&scene, "alice", "");
    assert_int_equal(verdict(&scene), POLICY_WAIT);
}

static void approvals__by_somebody_who_may_not_do_not_count(void **state)
{
    struct scene scene;

    (void)state;
    set_scene(&scene, STAGING);
    approve(&scene, "dave", "d1g357");
    approve(&scene, "", "d1g357");
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    approve(&scene, "bob", "d1g357");
    assert_int_equal(verdict(&scene), POLICY_YES);
}

static void approvals__of_an_author_under_any_identity_do_not_count(void **state)
{
    static const char *const authors[] = {"[\"alice\"]", "[\"alice@acme.org\"]", "[\"x\",\"ALICE@home.org\"]",
                                          "[\"github:alice-gh\"]", "[\"uid:7\"]"};
    struct scene scene;

    (void)state;
    for (size_t i = 0; i < sizeof authors / sizeof *authors; i++) {
        set_scene(&scene, PROD);
        scene.run.authors = authors[i];
        approve(&scene, "alice", "d1g357");
        approve(&scene, "bob", "d1g357")->actor = "uid:8";
        assert_int_equal(verdict(&scene), POLICY_WAIT);
    }
    set_scene(&scene, PROD);
    scene.run.person = "bob"; /* the starter counts as an author */
    approve(&scene, "alice", "d1g357");
    approve(&scene, "bob", "d1g357");
    assert_int_equal(verdict(&scene), POLICY_WAIT);
}

static void approvals__expire_and_are_cleared(void **state)
{
    struct scene scene;

    (void)state;
    set_scene(&scene, STAGING);
    approve(&scene, "alice", "d1g357")->expires_at = NOW;
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    scene.rows[0].expires_at = NOW + 1;
    assert_int_equal(verdict(&scene), POLICY_YES);
    assert_int_equal(policy_gate_next(&scene.gate), NOW + 1);
    approve(&scene, "berth", "")->verdict = VERDICT_CLEARED;
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    approve(&scene, "bob", "d1g357");
    assert_int_equal(verdict(&scene), POLICY_YES);
}

static void rejection__ends_it_whoever_approved(void **state)
{
    struct scene scene;

    (void)state;
    set_scene(&scene, STAGING);
    approve(&scene, "alice", "d1g357");
    approve(&scene, "bob", "d1g357")->verdict = VERDICT_REJECT;
    assert_int_equal(verdict(&scene), POLICY_NO);
    assert_string_equal(first(&scene), "approvals");
}

static void gate__expires_moves_waits_for_lock_hold_and_freeze(void **state)
{
    const struct hold hold = {.id = "H", .kind = "hold", .by = "bob", .until = NOW + 50};
    const struct hold *holds[] = {&hold};
    const struct freeze freeze = {.id = "F", .tiers = "[]", .until = NOW + 40};
    const struct freeze *freezes[] = {&freeze};
    struct scene scene;

    (void)state;
    set_scene(&scene, REVIEW);
    assert_int_equal(verdict(&scene), POLICY_YES);
    scene.run.gate_expires_at = NOW + 1;
    assert_int_equal(verdict(&scene), POLICY_YES);
    scene.run.gate_expires_at = NOW;
    assert_int_equal(verdict(&scene), POLICY_NO);
    scene.run.gate_expires_at = 0;
    scene.gate.base_holds = false;
    assert_int_equal(verdict(&scene), POLICY_NO);
    assert_string_equal(first(&scene), "digest");
    scene.gate.base_holds = true;
    scene.gate.lock_free = false;
    scene.gate.lock_holder = "16";
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    assert_string_equal(first(&scene), "lock");
    scene.gate.lock_free = true;
    scene.gate.question.holds = holds;
    scene.gate.question.hold_count = 1;
    assert_string_equal(first(&scene), "hold");
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    assert_int_equal(policy_gate_next(&scene.gate), NOW + 50);
    scene.gate.question.hold_count = 0;
    scene.gate.question.freezes = freezes;
    scene.gate.question.freeze_count = 1;
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    assert_int_equal(policy_gate_next(&scene.gate), NOW + 40);
}

static void window__closed_waits_and_names_the_next_opening(void **state)
{
    struct window *window = window_parse("Mon-Fri 09:00-16:00 Europe/Berlin", NULL);
    const struct window *windows[] = {window};
    struct config_entry entry = fixture_entries[REVIEW];
    const int64_t monday = INT64_C(1795420800000); /* 2026-11-23T08:00:00Z */
    const struct why *why;
    struct scene scene;

    (void)state;
    assert_non_null(window);
    set_scene(&scene, REVIEW);
    entry.gate = (struct config_gate){.present = true, .windows = windows, .window_count = 1, .line = 33};
    scene.gate.question.entry = &entry;
    why = why_first(policy_gate(&scene.gate, &arena));
    assert_string_equal(why->rule, "window");
    assert_string_equal(why->source, "berth.yaml:33");
    assert_string_equal(why->next, "wait until 2026-11-23T08:00:00Z");
    assert_int_equal(policy_gate_next(&scene.gate), monday);
    scene.gate.question.now_ms = monday;
    assert_int_equal(verdict(&scene), POLICY_YES);
    scene.gate.question.now_ms = NOW;
    scene.run.workflow = WORKFLOW_ROLLBACK;
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    entry.rollback.ignore_windows = true;
    assert_int_equal(verdict(&scene), POLICY_YES);
    scene.run.workflow = WORKFLOW_EXEC;
    scene.gate.question.verb = "exec";
    approve(&scene, "bob", "d1g357");
    assert_string_equal(first(&scene), "window");
    scene.gate.question.verb = "unlock"; /* the state stays as it is */
    assert_int_equal(verdict(&scene), POLICY_YES);
    window_free(window);
}

static void destroy__of_what_is_kept_needs_an_approval_of_its_own(void **state)
{
    struct environment environment = {.name = "x", .is_protected = true};
    struct scene scene;

    (void)state;
    set_scene(&scene, REVIEW);
    scene.run.workflow = WORKFLOW_DESTROY;
    assert_int_equal(verdict(&scene), POLICY_YES);
    scene.gate.question.environment = &environment;
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    approve(&scene, "bob", "d1g357");
    assert_int_equal(verdict(&scene), POLICY_YES);
    set_scene(&scene, STAGING);
    scene.run.workflow = WORKFLOW_DESTROY;
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    scene.run.origin = scene.gate.question.origin = ORIGIN_TTL; /* no approval makes one that nobody asked for right */
    assert_int_equal(verdict(&scene), POLICY_NO);
    assert_string_equal(first(&scene), "protected");
}

static void destroy__by_itself_goes_while_its_end_is_so_and_nothing_is_touched(void **state)
{
    struct environment environment = {.name = "x", .planned_destruction_at = NOW};
    struct scene scene;

    (void)state;
    set_scene(&scene, REVIEW);
    scene.gate.question.environment = &environment;
    scene.run.workflow = WORKFLOW_DESTROY;
    assert_null(policy_gate_end(&scene.gate, &arena)); /* a person asked */
    scene.run.origin = scene.gate.question.origin = ORIGIN_TTL;
    assert_int_equal(verdict(&scene), POLICY_YES);
    environment.planned_destruction_at = NOW + 1;
    assert_int_equal(verdict(&scene), POLICY_NO);
    scene.gate.question.asked_at = NOW + 1; /* it was over by the clock of then */
    assert_int_equal(verdict(&scene), POLICY_YES);
    scene.gate.question.asked_at = 0;
    scene.run.applying_at = NOW;
    assert_int_equal(verdict(&scene), POLICY_YES);
}

static void destroy__that_waits_is_not_let_through_by_the_end_of_a_protection(void **state)
{
    const struct hold protection = {.kind = "protect", .until = NOW + MS_HOUR};
    const struct hold *holds[] = {&protection};
    struct scene scene;

    (void)state;
    set_scene(&scene, REVIEW);
    scene.run.workflow = WORKFLOW_DESTROY;
    scene.run.created_at = NOW;
    scene.gate.question.holds = holds;
    scene.gate.question.hold_count = 1;
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    scene.gate.question.now_ms = NOW + 2 * MS_HOUR;
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    scene.run.created_at = NOW + 2 * MS_HOUR;
    assert_int_equal(verdict(&scene), POLICY_YES);
}

static void rollback__passes_without_approval_where_berth_yaml_says_so(void **state)
{
    struct scene scene;

    (void)state;
    set_scene(&scene, STAGING);
    scene.run.workflow = WORKFLOW_ROLLBACK;
    assert_int_equal(verdict(&scene), POLICY_YES);
    set_scene(&scene, PROD);
    scene.run.workflow = WORKFLOW_ROLLBACK;
    assert_int_equal(verdict(&scene), POLICY_WAIT);
}

static void rollback__asks_for_what_berth_yaml_names_and_for_what_was_there_before(void **state)
{
    struct config_entry entry = fixture_entries[STAGING];
    struct scene scene;

    (void)state;
    set_scene(&scene, STAGING);
    scene.run.workflow = WORKFLOW_ROLLBACK;
    scene.gate.question.entry = &entry;
    scene.run.destroys = 1;
    scene.run.touches_data = true;
    assert_int_equal(verdict(&scene), POLICY_YES);
    entry.rollback.ask_if = (struct name_list)LIST("destroys");
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    assert_string_equal(first(&scene), "rollback");
    entry.rollback.ask_if = (struct name_list)LIST("data");
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    scene.run.touches_data = false;
    assert_int_equal(verdict(&scene), POLICY_YES);
    scene.gate.takes_older = "it would destroy database, which run 4 did not create";
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    approve(&scene, "alice", "another");
    assert_int_equal(verdict(&scene), POLICY_WAIT);
    approve(&scene, "bob", "d1g357");
    assert_int_equal(verdict(&scene), POLICY_YES);
}

static void trust__an_untrusted_commit_waits_for_a_person(void **state)
{
    struct scene scene;

    (void)state;
    set_scene(&scene, REVIEW);
    scene.run.untrusted = true;
    scene.run.digest = "";
    assert_string_equal(first(&scene), "trust");
    assert_int_equal(policy_may_approve(&scene.gate, "uid:7", "bob", false, "c0ffee", &arena)->verdict, POLICY_YES);
    approve(&scene, "carol", "c0ffee"); /* deployer only */
    assert_string_equal(first(&scene), "trust");
    approve(&scene, "bob", "c0ffee");
    assert_string_equal(first(&scene), "digest");
}

static void forge__what_is_not_known_is_never_taken_for_yes(void **state)
{
    struct config_entry entry = fixture_entries[REVIEW];
    struct scene scene;

    (void)state;
    set_scene(&scene, REVIEW);
    entry.gate = (struct config_gate){.present = true, .require = LIST("mergeable")};
    scene.gate.question.entry = &entry;
    assert_int_equal(verdict(&scene), POLICY_WAIT);
}

static void answer__is_taken_from_who_may_for_what_was_seen(void **state)
{
    static const struct {
        const char *person, *digest;
        enum verdict verdict;
        const char *rule;
    } cases[] = {
        {"alice", "d1g357", POLICY_YES, ""},  {"alice", "", POLICY_NO, "digest"},
        {"alice", "d1", POLICY_NO, "digest"}, {"carol", "d1g357", POLICY_NO, "role"},
        {"", "d1g357", POLICY_NO, "role"},    {"dave", "d1g357", POLICY_NO, "role"},
    };
    struct scene scene;
    const struct why *why;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_scene(&scene, PROD);
        why = policy_may_approve(&scene.gate, "uid:7", cases[i].person, true, cases[i].digest, &arena);
        if (why->verdict != cases[i].verdict)
            fail_msg("case %zu", i);
        if (why->verdict != POLICY_YES)
            assert_string_equal(why_first(why)->rule, cases[i].rule);
    }
    set_scene(&scene, PROD);
    scene.run.authors = "[\"alice@acme.org\"]";
    why = policy_may_approve(&scene.gate, "uid:7", "alice", false, "d1g357", &arena);
    assert_string_equal(why_first(why)->rule, "not_author");
}

static void embedded__the_owner_answers_once_and_counts_by_uid(void **state)
{
    struct scene scene;

    (void)state;
    set_scene(&scene, STAGING);
    scene.config.person_count = 0;
    scene.run.actor = "uid:1000";
    scene.run.person = "";
    scene.run.authors = "[]";
    assert_int_equal(policy_may_approve(&scene.gate, "uid:1000", "", true, "d1g357", &arena)->verdict, POLICY_YES);
    assert_int_equal(policy_may_approve(&scene.gate, "uid:1001", "", false, "d1g357", &arena)->verdict, POLICY_NO);
    approve(&scene, "", "d1g357")->actor = "uid:1000";
    assert_int_equal(verdict(&scene), POLICY_YES);
    set_scene(&scene, PROD);
    scene.config.person_count = 0;
    approve(&scene, "", "d1g357")->actor = "uid:1000";
    approve(&scene, "", "d1g357")->actor = "uid:1000";
    assert_int_equal(verdict(&scene), POLICY_WAIT);
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void property__one_more_approval_never_closes_a_gate(void **state)
{
    static const char *const people[] = {"alice", "bob", "carol", "dave", ""};
    static const char *const digests[] = {"d1g357", "other", ""};
    unsigned seed = 3, opened = 0;
    struct scene scene;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        enum verdict before;

        set_scene(&scene, (int)(next_random(&seed) % 4));
        scene.run.workflow = (int)(WORKFLOW_DEPLOY + next_random(&seed) % 3);
        scene.run.gate_expires_at = next_random(&seed) % 4 == 0 ? NOW + (int64_t)(next_random(&seed) % 3) - 1 : 0;
        scene.run.untrusted = next_random(&seed) % 4 == 0;
        scene.gate.lock_free = next_random(&seed) % 4 != 0;
        before = verdict(&scene);
        for (int i = 0; i < APPROVALS - 1; i++) {
            enum verdict now;

            approve(&scene, people[next_random(&seed) % 5], digests[next_random(&seed) % 3])->expires_at =
                next_random(&seed) % 3 == 0 ? NOW : 0;
            now = verdict(&scene);
            assert_true(now <= before);
            opened += now < before;
            before = now;
        }
        approve(&scene, "bob", "d1g357")->verdict = VERDICT_REJECT;
        assert_int_equal(verdict(&scene), POLICY_NO);
        arena_release(&arena);
    }
    assert_true(opened > 500);
}

static void gate__of_an_entry_that_is_gone_opens_for_a_destroy_alone(void **state)
{
    static const int workflows[] = {WORKFLOW_DEPLOY, WORKFLOW_ROLLBACK, WORKFLOW_PROMOTE};
    struct scene scene;

    (void)state;
    for (size_t i = 0; i < sizeof workflows / sizeof *workflows; i++) {
        set_scene(&scene, PROD);
        scene.gate.question.entry = NULL;
        scene.run.workflow = workflows[i];
        (void)approve(&scene, "alice", "d1g357");
        (void)approve(&scene, "bob", "d1g357");
        assert_int_equal(verdict(&scene), POLICY_NO);
        assert_string_equal(first(&scene), "source");
    }
    scene.run.workflow = WORKFLOW_DESTROY;
    scene.gate.question.flags = POLICY_DESTROYS;
    assert_int_equal(verdict(&scene), POLICY_YES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(approvals__bind_to_the_digest_and_count_each_person_once, teardown),
        cmocka_unit_test_teardown(approvals__an_empty_digest_never_matches, teardown),
        cmocka_unit_test_teardown(approvals__by_somebody_who_may_not_do_not_count, teardown),
        cmocka_unit_test_teardown(approvals__of_an_author_under_any_identity_do_not_count, teardown),
        cmocka_unit_test_teardown(approvals__expire_and_are_cleared, teardown),
        cmocka_unit_test_teardown(rejection__ends_it_whoever_approved, teardown),
        cmocka_unit_test_teardown(gate__expires_moves_waits_for_lock_hold_and_freeze, teardown),
        cmocka_unit_test_teardown(window__closed_waits_and_names_the_next_opening, teardown),
        cmocka_unit_test_teardown(destroy__of_what_is_kept_needs_an_approval_of_its_own, teardown),
        cmocka_unit_test_teardown(destroy__by_itself_goes_while_its_end_is_so_and_nothing_is_touched, teardown),
        cmocka_unit_test_teardown(destroy__that_waits_is_not_let_through_by_the_end_of_a_protection, teardown),
        cmocka_unit_test_teardown(rollback__passes_without_approval_where_berth_yaml_says_so, teardown),
        cmocka_unit_test_teardown(rollback__asks_for_what_berth_yaml_names_and_for_what_was_there_before, teardown),
        cmocka_unit_test_teardown(trust__an_untrusted_commit_waits_for_a_person, teardown),
        cmocka_unit_test_teardown(forge__what_is_not_known_is_never_taken_for_yes, teardown),
        cmocka_unit_test_teardown(answer__is_taken_from_who_may_for_what_was_seen, teardown),
        cmocka_unit_test_teardown(embedded__the_owner_answers_once_and_counts_by_uid, teardown),
        cmocka_unit_test_teardown(property__one_more_approval_never_closes_a_gate, teardown),
        cmocka_unit_test(gate__of_an_entry_that_is_gone_opens_for_a_destroy_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
