/* SPDX-License-Identifier: ISC */
/* Going back: the releases of an environment, what each would change, and the command that is asked for. */
#include "scene.h"

static void b__shows_the_releases_before_it_asks(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_RELEASES);
    scene_type(&scene, "1/checkout<enter>B");
    assert_shows(&scene, "releases 4   current v3   excluded bad0bad0");
    assert_shows(&scene, "v4             ✗ rolled back");
    assert_shows(&scene, "going back to v2"); /* the newest good one below the present */
    assert_shows(&scene, "2 resources change (database, server)");
    assert_hides(&scene, "ROLLBACK");
    scene_close(&scene);
}

static void a_release__says_what_would_go_come_and_change(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_RELEASES);
    scene_type(&scene, "1/checkout<enter>Bj");
    assert_shows(&scene, "2 resources change (database, server), 1 resource would go (migrate), 1 resource would come "
                         "back (queue)");
    assert_shows(&scene, "template shop 2 > 1");
    scene_type(&scene, "gg");
    assert_shows(&scene, "its commit is not deployed by itself any more");
    assert_shows(&scene, "not recorded: the plan of the roll-back will say it");
    scene_close(&scene);
}

static void b_on_a_release__asks_for_that_one(void **state)
{
    struct scene scene;
    struct arena arena = {0};
    struct command *commands;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_RELEASES);
    scene_type(&scene, "1/checkout<enter>BjB");
    scene_pass(&scene, 700);
    assert_shows(&scene, "ROLLBACK review/checkout");
    assert_shows(&scene, "v1 77d0e21a, good");
    assert_shows(&scene, "migrate");
    scene_type(&scene, "y");
    assert_int_equal(scene_commands(&scene, &arena, &commands), 1);
    assert_string_equal(commands[0].verb, "rollback");
    assert_string_equal(commands[0].subject, "review/checkout");
    assert_string_equal(commands[0].arguments, "{\"to\":\"v1\"}");
    arena_release(&arena);
    scene_close(&scene);
}

static void b_on_what_is_there_now__says_why_not(void **state)
{
    struct scene scene;
    struct arena arena = {0};
    struct command *commands;
    (void)state;
    struct environment failed = scene_environment("E1", "review/checkout", TIER_REVIEW, ENVIRONMENT_FAILED);
    scene_open(&scene, 36, 120, SCENE_RELEASES);
    scene_type(&scene, "1/checkout<enter>B");
    assert_shows(&scene, "going back to v2");
    scene_type(&scene, "kB");
    assert_shows(&scene, "'review/checkout' is at v3");
    failed.release = 3;
    scene_put(&scene, &environment_type, &failed);
    scene_turn(&scene);
    scene_type(&scene, "<esc><esc>BB"); /* a deploy failed since: back to what it had */
    assert_shows(&scene, "ROLLBACK review/checkout");
    assert_shows(&scene, "v3");
    assert_int_equal(scene_commands(&scene, &arena, &commands), 0);
    arena_release(&arena);
    scene_close(&scene);
}

static void b_without_a_release__says_that_there_is_none(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "1/search<enter>B");
    assert_shows(&scene, "'review/search' has no good release before the one it has");
    scene_close(&scene);
}

/* --- environments that end -------------------------------------------------------------------------------- */

static void the_cleaners_question__is_seen_with_its_evidence_and_answers(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_ENDING);
    assert_shows(&scene, "the cleaner asks about 1");
    scene_type(&scene, "1/search<enter>");
    assert_shows(&scene, "asks !");
    assert_shows(&scene, "the cleaner: shall it go? feature/search is gone since 14:03");
    scene_type(&scene, "<enter>");
    assert_shows(&scene, "limits.remove_at_once is 10 (berth.yaml:5)");
    assert_shows(&scene, "X destroys it; L holds it, :protect review/search keeps it");
    assert_shows(&scene, "in 22m: feature/search is gone since 14:03, seen twice; grace of 1h (berth.yaml:14)");
    scene_close(&scene);
}

static void a_destroy_that_touched_nothing__is_offered_back(void **state)
{
    struct scene scene;
    struct arena arena = {0};
    struct command *commands;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_ENDING);
    scene_type(&scene, "1/login<enter><enter>");
    assert_shows(&scene, "run 20 is about to destroy it, nothing is touched yet: Z takes it back");
    scene_type(&scene, "Z");
    scene_pass(&scene, 700);
    scene_type(&scene, "y");
    assert_int_equal(scene_commands(&scene, &arena, &commands), 1);
    assert_string_equal(commands[0].verb, "undo");
    assert_string_equal(commands[0].subject, "20");
    arena_release(&arena);
    scene_close(&scene);
}

static void what_cannot_be_undone__says_why(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_ENDING);
    struct run run = {.id = "20",
                      .number = 20,
                      .environment = "E4",
                      .environment_name = "review/login",
                      .workflow = WORKFLOW_DESTROY,
                      .status = RUN_APPLYING,
                      .applying_at = SCENE_NOW};
    scene_put(&scene, &run_type, &run);
    scene_type(&scene, "1/login<enter><enter>");
    assert_hides(&scene, "Z takes it back");
    scene_type(&scene, "Z");
    assert_shows(&scene, "run 20 has begun to remove resources");
    scene_close(&scene);
    scene_open(&scene, 36, 120, SCENE_ENDING);
    scene_type(&scene, "1/back<enter>Z");
    assert_shows(&scene, "run 22 is no destroy that could be undone");
    scene_close(&scene);
}

static void a_roll_back__names_what_it_answers_and_what_is_excluded(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_ENDING);
    scene_type(&scene, "1/back<enter><enter>");
    assert_shows(&scene, "run 22 done: back at release v2; it answers run 21 (rolled back)");
    assert_shows(&scene, "bad0bad0 was rolled back: it is not deployed by itself");
    scene_close(&scene);
}

static void a_question_of_the_cleaner__is_explained_in_the_list_too(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_ENDING);
    scene_type(&scene, "1/search<enter>w");
    assert_shows(&scene, "the cleaner: shall it go? feature/search is gone");
    assert_shows(&scene, "X destroys it; L holds it, :protect review/search keeps it");
    scene_close(&scene);
}

static void a_life_that_is_over__is_called_so(void **state)
{
    struct scene scene;
    struct environment over = scene_environment("E7", "review/over", TIER_REVIEW, ENVIRONMENT_OK);
    (void)state;
    over.ends_at = SCENE_NOW - MINUTES(40);
    scene_open(&scene, 36, 120, 0);
    scene_put(&scene, &environment_type, &over);
    scene_type(&scene, "1/over<enter>");
    assert_shows(&scene, "  ended  ");
    scene_type(&scene, "<enter>");
    assert_shows(&scene, "its life ended 40m ago");
    scene_close(&scene);
}

/* Another entry fits its name: it is not that one's. */
static void what_no_entry_makes_any_more__is_said_and_can_be_destroyed(void **state)
{
    struct scene scene;
    struct environment left = scene_environment("E8", "review/left", TIER_REVIEW, ENVIRONMENT_OK);
    (void)state;
    left.entry = "old/${{ branch.slug }}";
    scene_open(&scene, 36, 120, 0);
    scene_put(&scene, &environment_type, &left);
    scene_type(&scene, "1/left<enter>");
    assert_shows(&scene, "review/left (no entry)");
    assert_shows(&scene, "1 without an entry");
    assert_shows(&scene, "no entry of berth.yaml makes it any more (old/${{ branch.slug }} did)");
    scene_type(&scene, "w");
    assert_shows(&scene, "did): nothing deploys or extends it");
    scene_type(&scene, "<esc>D");
    assert_shows(&scene, "no entry of berth.yaml makes review/left");
    scene_type(&scene, "<esc>X");
    assert_shows(&scene, "DESTROY review/left");
    scene_type(&scene, "<esc><enter>");
    assert_shows(&scene, "OK, no entry");
    scene_type(&scene, "<esc><esc><esc>/entry:(none)<enter>");
    assert_shows(&scene, "review/left");
    assert_hides(&scene, "review/checkout");
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(b__shows_the_releases_before_it_asks),
        cmocka_unit_test(a_release__says_what_would_go_come_and_change),
        cmocka_unit_test(b_on_a_release__asks_for_that_one),
        cmocka_unit_test(b_on_what_is_there_now__says_why_not),
        cmocka_unit_test(the_cleaners_question__is_seen_with_its_evidence_and_answers),
        cmocka_unit_test(a_destroy_that_touched_nothing__is_offered_back),
        cmocka_unit_test(what_cannot_be_undone__says_why),
        cmocka_unit_test(a_roll_back__names_what_it_answers_and_what_is_excluded),
        cmocka_unit_test(b_without_a_release__says_that_there_is_none),
        cmocka_unit_test(a_question_of_the_cleaner__is_explained_in_the_list_too),
        cmocka_unit_test(a_life_that_is_over__is_called_so),
        cmocka_unit_test(what_no_entry_makes_any_more__is_said_and_can_be_destroyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
