/* SPDX-License-Identifier: ISC */
/* The rules of safety of everything that acts, as sentences. */
#include "scene.h"

#include <jansson.h>

#define GUARD_MS 500

static size_t command_count(struct scene *scene)
{
    struct arena arena = {0};
    struct command *commands;
    size_t count = scene_commands(scene, &arena, &commands);
    arena_release(&arena);
    return count;
}

static void a_capital__never_acts_at_once(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    for (char key = 'A'; key <= 'Z'; key++) {
        char keys[2] = {key, '\0'};
        if (key == 'Q')
            continue;
        scene_type(&scene, "1");
        scene_type(&scene, keys);
        assert_int_equal(command_count(&scene), 0);
        scene_type(&scene, "<esc><esc>");
    }
    scene_close(&scene);
}

static void keys_typed_before_it_opened__are_dropped(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "2");
    scene_type(&scene, "Dyyy");
    assert_int_equal(command_count(&scene), 0);
    assert_shows(&scene, "3 keystrokes typed before this dialog opened were dropped");
    scene_close(&scene);
}

static void a_key_that_comes_too_soon__does_not_confirm(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "2");
    scene_type(&scene, "D");
    scene_type(&scene, "y");
    assert_int_equal(command_count(&scene), 0);
    assert_shows(&scene, "a moment");
    scene_pass(&scene, GUARD_MS);
    assert_hides(&scene, "a moment");
    assert_shows(&scene, "y: deploy");
    scene_type(&scene, "y");
    assert_int_equal(command_count(&scene), 1);
    scene_close(&scene);
}

static void cancel__has_the_focus_and_enter_takes_it(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "2");
    scene_type(&scene, "D");
    assert_shows(&scene, "[>Cancel<]");
    scene_pass(&scene, GUARD_MS);
    scene_type(&scene, "<enter>");
    assert_hides(&scene, "Cancel");
    assert_hides(&scene, "DEPLOY");
    assert_shows(&scene, "deploy: cancelled, nothing was asked");
    assert_int_equal(command_count(&scene), 0);
    scene_close(&scene);
}

static void the_dialog_that_cancels_a_run__has_one_button_that_says_so(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, ":cancel 18<enter>");
    assert_shows(&scene, "[>Go back<]   [ cancel ]");
    scene_pass(&scene, GUARD_MS);
    scene_type(&scene, "<enter>");
    assert_shows(&scene, "cancel: left as it is, nothing was asked");
    assert_int_equal(command_count(&scene), 0);
    scene_close(&scene);
}

static void a_confirmed_deploy__is_one_command_row_of_the_tui(void **state)
{
    struct scene scene;
    struct arena arena = {0};
    struct command *commands;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "2");
    scene_type(&scene, "D");
    scene_pass(&scene, GUARD_MS);
    scene_type(&scene, "<tab>because<backtab>y");
    assert_int_equal(scene_commands(&scene, &arena, &commands), 1);
    assert_string_equal(commands[0].verb, "deploy");
    assert_string_equal(commands[0].subject, "review/checkout");
    assert_string_equal(commands[0].arguments, "{\"ref\":\"fix/checkout\"}");
    assert_string_equal(commands[0].via, "tui");
    assert_string_equal(commands[0].actor, "uid:1000");
    assert_string_equal(commands[0].reason, "because");
    assert_false(commands[0].dry_run);
    arena_release(&arena);
    scene_close(&scene);
}

static void enter__never_confirms_a_removal(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "1");
    scene_type(&scene, "X");
    scene_pass(&scene, GUARD_MS);
    scene_type(&scene, "<tab>review/checkout<enter><enter><enter>");
    assert_int_equal(command_count(&scene), 0);
    assert_shows(&scene, "Enter never confirms a removal");
    scene_close(&scene);
}

static void a_destroy__needs_the_typed_name(void **state)
{
    struct scene scene;
    struct arena arena = {0};
    struct command *commands;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "1");
    scene_type(&scene, "X");
    scene_pass(&scene, GUARD_MS);
    scene_type(&scene, "<tab>review/check<tab><tab>y");
    assert_int_equal(command_count(&scene), 0);
    scene_type(&scene, "<tab><tab>out<tab><tab>y");
    assert_int_equal(scene_commands(&scene, &arena, &commands), 1);
    assert_string_equal(commands[0].verb, "destroy");
    assert_string_equal(commands[0].subject, "review/checkout");
    assert_string_equal(commands[0].arguments, "{\"confirm\":\"review/checkout\"}");
    arena_release(&arena);
    scene_close(&scene);
}

static void name_typed_beside_its_field__stays_in_the_dialog(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "1");
    scene_type(&scene, "X");
    scene_pass(&scene, GUARD_MS);
    scene_type(&scene, "quick-nDy");
    assert_shows(&scene, "type its name");
    assert_int_equal(command_count(&scene), 0);
    scene_type(&scene, "<tab>review/");
    assert_shows(&scene, "type the environment's name");
    assert_hides(&scene, "Tab goes to the field"); /* from here it leaves it */
    scene_type(&scene, "checkout");
    assert_shows(&scene, "Tab to the button, there y: destroy"); /* a letter is typed here */
    scene_type(&scene, "<tab><tab>");
    assert_shows(&scene, "[>destroy<]   y: destroy");
    scene_type(&scene, "<esc>");
    assert_hides(&scene, "type its name");
    scene_close(&scene);
}

static void dry_run__stays_in_a_dialog_that_asks_for_a_name(void **state)
{
    struct scene scene;
    struct arena arena = {0};
    struct command *commands;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "1");
    scene_type(&scene, "X");
    scene_pass(&scene, GUARD_MS);
    scene_type(&scene,
               "dev-Q"); /* a name, typed beside its field: its d asks for a dry run, its rest reaches no list */
    assert_int_equal(scene_commands(&scene, &arena, &commands), 1);
    assert_true(commands[0].dry_run);
    assert_shows(&scene, "type its name");
    assert_shows(&scene, "destroy review/checkout: asked");
    scene_type(&scene, "<tab>review/checkout<tab><tab>y");
    assert_int_equal(scene_commands(&scene, &arena, &commands), 2);
    assert_hides(&scene, "type its name");
    arena_release(&arena);
    scene_close(&scene);
}

static void an_approval__names_the_digest_that_was_shown(void **state)
{
    struct scene scene;
    struct arena arena = {0};
    struct command *commands;
    json_t *arguments;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "4<enter>");
    scene_type(&scene, "A");
    assert_shows(&scene, "database_old");
    scene_pass(&scene, GUARD_MS);
    scene_type(&scene, "y");
    assert_int_equal(scene_commands(&scene, &arena, &commands), 1);
    assert_string_equal(commands[0].verb, "approve");
    assert_string_equal(commands[0].subject, "18");
    arguments = json_column(commands[0].arguments);
    assert_string_equal(json_get_text(arguments, "digest"), scene_gate_run().digest);
    json_decref(arguments);
    arena_release(&arena);
    scene_close(&scene);
}

static void an_approval__must_be_read_to_its_end(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 15, 40, 0);
    scene_type(&scene, "4<enter>");
    scene_type(&scene, "A");
    scene_pass(&scene, GUARD_MS);
    scene_type(&scene, "y");
    assert_int_equal(command_count(&scene), 0);
    scene_type(&scene, "G");
    scene_type(&scene, "y");
    assert_int_equal(command_count(&scene), 1);
    scene_close(&scene);
}

static void approve_on_a_branch__opens_the_gate_under_the_dialog(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "2/main<enter>A");
    assert_shows(&scene, "APPROVE 18");
    scene_type(&scene, "<esc><esc>");
    assert_shows(&scene, "Approval of run 18");
    scene_close(&scene);
}

static void a_dialog__shows_the_command_line_and_nothing_that_is_not_served(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 24, 80, 0);
    scene_type(&scene, "1/checkout<enter>X");
    scene_type(&scene, "c");
    assert_shows(&scene, "berth destroy review/checkout");
    assert_hides(&scene, "REST");
    assert_hides(&scene, "/api/");
    scene_close(&scene);
}

static void a_grey_key__says_why_when_it_is_pressed(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "1");
    scene_type(&scene, "C");
    assert_shows(&scene, "run 17 is failed, step 17.apply.migrate failed: exit 1: there is nothing to cancel");
    assert_int_equal(command_count(&scene), 0);
    scene_type(&scene, "w");
    assert_shows(&scene, "Why not");
    assert_shows(&scene, "yes   role");
    assert_shows(&scene, "NO    state");
    scene_close(&scene);
}

/* What the key says is what `berth why` says and what berthd would answer: one function of policy. */
static void a_key__says_what_the_command_line_says(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "1R"); /* a failed run can be retried */
    assert_shows(&scene, "RETRY 17");
    scene_type(&scene, "<esc>T");
    assert_shows(&scene, "EXTEND review/checkout");
    scene_type(&scene, "<esc><esc>/search<enter>T");
    assert_shows(&scene, "T extend: not now. 'review/search' has no end to extend");
    scene_type(&scene, "<esc>B");
    assert_shows(&scene, "B rollback: not now. 'review/search' has no good release before the one it has");
    scene_type(&scene, "<esc><esc>/prod<enter>X");
    assert_shows(&scene, "protected: its name has to be typed, and an approver has to approve");
    scene_close(&scene);
}

/* A key on an environment is about the newest run that it can be about, as the command line is. */
static void a_key_on_an_environment__means_the_run_that_it_can_be_about(void **state)
{
    struct scene scene;
    struct run queued = scene_gate_run();
    (void)state;
    scene_open(&scene, 36, 120, 0);
    queued.id = "19";
    queued.number = 19;
    queued.status = RUN_REJECTED;
    queued.environment = "E1";
    queued.environment_name = "review/checkout";
    scene_put(&scene, &run_type, &queued);
    scene_turn(&scene);
    scene_type(&scene, "1R");
    assert_shows(&scene, "RETRY 17");
    scene_close(&scene);
}

static void an_operators_command__is_asked_for_with_its_words_in_sight(void **state)
{
    struct scene scene;
    struct arena arena = {0};
    struct command *commands;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, ":exec review/search -- terraform state mv 'a b' c<enter>");
    assert_shows(&scene, "EXEC review/search");
    assert_shows(&scene, "command   terraform state mv 'a b' c");
    scene_pass(&scene, GUARD_MS);
    scene_type(&scene, "y");
    assert_int_equal(scene_commands(&scene, &arena, &commands), 1);
    assert_string_equal(commands[0].verb, "exec");
    assert_string_equal(commands[0].subject, "review/search");
    assert_non_null(strstr(commands[0].arguments, "[\"terraform\",\"state\",\"mv\",\"a b\",\"c\"]"));
    arena_release(&arena);
    scene_close(&scene);
}

static void what_was_destroyed__can_be_deployed_again_and_nothing_else(void **state)
{
    struct scene scene;
    struct environment gone = scene_environment("E3", "review/search", TIER_REVIEW, ENVIRONMENT_DESTROYED);
    (void)state;
    scene_open(&scene, 36, 120, 0);
    gone.branch = "feature/search";
    gone.destroyed_at = SCENE_NOW;
    scene_put(&scene, &environment_type, &gone);
    scene_turn(&scene);
    scene_type(&scene, ":destroy review/search<enter>");
    assert_shows(&scene, "'review/search' is destroyed: there is nothing to destroy");
    scene_type(&scene, "<esc>:hold review/search<enter>");
    assert_shows(&scene, "'review/search' is destroyed: there is nothing to hold");
    scene_type(&scene, "<esc>:deploy feature/search<enter>");
    assert_shows(&scene, "DEPLOY feature/search");
    assert_shows(&scene, "yes       source");
    scene_close(&scene);
}

static void read_only__greys_every_key_that_acts(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene.options.read_only = true;
    scene_type(&scene, "1");
    scene_type(&scene, "D");
    assert_shows(&scene, "opened read-only");
    assert_shows(&scene, "anna RO");
    scene_type(&scene, "<esc>:deploy review/search<enter>");
    assert_shows(&scene, "opened read-only");
    scene_close(&scene);
}

static void a_refusal__is_told_with_its_reason_when_the_answer_comes(void **state)
{
    struct scene scene;
    struct arena arena = {0};
    struct command *commands;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "2");
    scene_type(&scene, "D");
    scene_pass(&scene, GUARD_MS);
    scene_type(&scene, "y");
    assert_int_equal(scene_commands(&scene, &arena, &commands), 1);
    struct command answered = commands[0];
    answered.status = COMMAND_REFUSED;
    answered.answer =
        "{\"message\":\"frozen until monday\",\"why\":{\"kind\":\"rule\",\"verdict\":\"no\",\"rule\":\"freeze\","
        "\"reason\":\"frozen by ops\",\"next\":\"wait\"}}";
    scene_put(&scene, &command_type, &answered);
    scene_turn(&scene);
    assert_shows(&scene, "refused. frozen until monday");
    scene_type(&scene, "w");
    assert_shows(&scene, "frozen by ops");
    arena_release(&arena);
    scene_close(&scene);
}

static void a_filter_and_a_capital_typed_at_once__act_on_the_filtered_row(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "2/login<enter>D");
    assert_shows(&scene, "DEPLOY review/feature-login");
    scene_close(&scene);
}

static void the_palette__greys_what_cannot_be_done_and_says_why(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "1/search<enter>:a<tab>");
    assert_shows(&scene, "approve");
    assert_shows(&scene, "not now: there is no run to answer");
    scene_type(&scene, "<esc>:<tab>");
    assert_shows(&scene, "Plan, wait at the gate, apply.");
    assert_hides(&scene, "audit");
    scene_close(&scene);
}

static void the_palette__opens_the_same_preview(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, ":destroy review/search<enter>");
    assert_shows(&scene, "DESTROY review/search");
    assert_shows(&scene, "type its name");
    scene_type(&scene, "<esc><esc>:nonsense<enter>");
    assert_shows(&scene, "nonsense");
    assert_int_equal(command_count(&scene), 0);
    scene_close(&scene);
}

/* `count` entries that take the branch fix/checkout. */
static void put_entries(struct scene *scene, struct str *text, size_t count)
{
    struct policy_row policy = {.id = "berth.yaml", .repository = "app", .commit = "def", .path = "berth.yaml"};
    str_add(text, "version: 1\nworkspace: shop\nrepositories:\n  app: { provider: git, url: . }\n"
                  "targets:\n  here: { provider: local }\nenvironments:\n");
    for (size_t i = 0; i < count; i++)
        str_addf(text,
                 "  - name: \"e%02zu/${{ branch.slug }}\"\n    tier: review\n    source: { branches: [\"fix/**\"] }\n"
                 "    templates: [shop]\n    target: here\n",
                 i + 1);
    policy.text = text->data;
    scene_put(scene, &policy_type, &policy);
    scene_turn(scene);
}

static void a_branch_of_many_environments__is_asked_about_all_of_them(void **state)
{
    struct scene scene;
    struct str text = STR_INIT;
    struct environment first = scene_environment("E9", "e01/fix-checkout-548777", TIER_REVIEW, ENVIRONMENT_OK);
    const struct hold held = {
        .id = "H9", .environment = "E9", .kind = "hold", .reason = "somebody looks at it", .by = "uid:7", .since = 1};
    (void)state;
    scene_open(&scene, 24, 80, 0);
    put_entries(&scene, &text, 40);
    scene_type(&scene, "2/checkout<enter>D"); /* its environment is another entry's, which is gone */
    assert_shows(&scene, "1  e01/fix-checkout");
    assert_shows(&scene, "a  e10/fix-checkout");
    assert_shows(&scene, "1 of 40");
    assert_hides(&scene, "e40/fix-checkout");
    scene_type(&scene, "<end>");
    assert_shows(&scene, "e40/fix-checkout");
    assert_shows(&scene, "40 of 40");
    scene_type(&scene, "<enter>");
    assert_shows(&scene, "DEPLOY e40/fix-checkout");
    scene_type(&scene, "<esc>Db");
    assert_shows(&scene, "DEPLOY e11/fix-checkout");
    scene_type(&scene, "<esc>D<down><down><enter>");
    assert_shows(&scene, "DEPLOY e03/fix-checkout");
    scene_type(&scene, "<esc>");
    first.entry = "e01/${{ branch.slug }}";
    first.branch = "fix/checkout";
    scene_put(&scene, &environment_type, &first);
    scene_put(&scene, &hold_type, &held); /* what the first entry forbids, another may allow */
    scene_turn(&scene);
    scene_type(&scene, "D2");
    assert_shows(&scene, "DEPLOY e02/fix-checkout");
    scene_type(&scene, "<esc>D1");
    assert_shows(&scene, "somebody looks at it");
    str_release(&text);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_capital__never_acts_at_once),
        cmocka_unit_test(keys_typed_before_it_opened__are_dropped),
        cmocka_unit_test(a_key_that_comes_too_soon__does_not_confirm),
        cmocka_unit_test(cancel__has_the_focus_and_enter_takes_it),
        cmocka_unit_test(the_dialog_that_cancels_a_run__has_one_button_that_says_so),
        cmocka_unit_test(a_confirmed_deploy__is_one_command_row_of_the_tui),
        cmocka_unit_test(enter__never_confirms_a_removal),
        cmocka_unit_test(a_destroy__needs_the_typed_name),
        cmocka_unit_test(name_typed_beside_its_field__stays_in_the_dialog),
        cmocka_unit_test(dry_run__stays_in_a_dialog_that_asks_for_a_name),
        cmocka_unit_test(an_approval__names_the_digest_that_was_shown),
        cmocka_unit_test(an_approval__must_be_read_to_its_end),
        cmocka_unit_test(approve_on_a_branch__opens_the_gate_under_the_dialog),
        cmocka_unit_test(a_dialog__shows_the_command_line_and_nothing_that_is_not_served),
        cmocka_unit_test(a_grey_key__says_why_when_it_is_pressed),
        cmocka_unit_test(a_key__says_what_the_command_line_says),
        cmocka_unit_test(a_key_on_an_environment__means_the_run_that_it_can_be_about),
        cmocka_unit_test(an_operators_command__is_asked_for_with_its_words_in_sight),
        cmocka_unit_test(what_was_destroyed__can_be_deployed_again_and_nothing_else),
        cmocka_unit_test(read_only__greys_every_key_that_acts),
        cmocka_unit_test(a_refusal__is_told_with_its_reason_when_the_answer_comes),
        cmocka_unit_test(a_filter_and_a_capital_typed_at_once__act_on_the_filtered_row),
        cmocka_unit_test(the_palette__greys_what_cannot_be_done_and_says_why),
        cmocka_unit_test(the_palette__opens_the_same_preview),
        cmocka_unit_test(a_branch_of_many_environments__is_asked_about_all_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
