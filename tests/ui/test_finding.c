/* SPDX-License-Identifier: ISC */
/* Finding things: filters, order, what is left out of lists, marks and comparing, copying, completing. */
#include "scene.h"

#include "berth/base/file.h"
#include "berth/base/time.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/* What was destroyed goes out of the way; a filter or ~ shows it, and its releases are there still. */
static void what_was_destroyed__leaves_the_list_after_a_while(void **state)
{
    struct scene scene;
    struct environment gone = scene_environment("E3", "review/search", TIER_REVIEW, ENVIRONMENT_DESTROYED);
    (void)state;
    scene_open(&scene, 36, 120, 0);
    gone.destroyed_at = SCENE_NOW - MINUTES(1);
    scene_put(&scene, &environment_type, &gone);
    scene_turn(&scene);
    scene_type(&scene, "1");
    assert_shows(&scene, "review/search    review  ○ Destroyed");
    scene_pass(&scene, MINUTES(11));
    assert_hides(&scene, "review/search");
    assert_shows(&scene, "Environments 2   sort status   1 destroyed (~ shows)");
    scene_type(&scene, "/status:destr<enter>");
    assert_shows(&scene, "review/search");
    scene_type(&scene, "<enter>");
    assert_shows(&scene, "Environments > review/search");
    scene_type(&scene, "gv");
    assert_shows(&scene, "Environments > review/search > releases");
    scene_type(&scene, "<esc><esc><esc>");
    assert_hides(&scene, "review/search");
    scene_type(&scene, "~");
    assert_shows(&scene, "review/search");
    scene_type(&scene, "~");
    assert_hides(&scene, "review/search");
    scene_close(&scene);
}

static void filters__compare_times_and_numbers(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "1/ttl<lt>2h<enter>");
    assert_shows(&scene, "Environments 1 of 3");
    scene_type(&scene, "<esc>/deployed>10h release>5<enter>");
    assert_shows(&scene, "Environments 1 of 3");
    assert_shows(&scene, "prod             PROD");
    scene_type(&scene, "2/age>1d<enter>");
    assert_shows(&scene, "Branches 2 of 5");
    scene_type(&scene, "5/age<lt>10m<enter>");
    assert_shows(&scene, "Runs 1 of 2");
    scene_close(&scene);
}

/* The order holds while rows change under it, and the cursor stays on its row. */
static void an_order__is_kept_when_rows_change(void **state)
{
    struct scene scene;
    struct environment fails = scene_environment("E3", "review/search", TIER_REVIEW, ENVIRONMENT_FAILED);
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "2sb"); /* branches by the status of their environments */
    assert_shows(&scene, "sort status");
    char *before = scene_text(&scene);
    assert_true(strstr(before, "main ") < strstr(before, "feature/search "));
    free(before);
    scene_type(&scene, "ggjj");
    assert_shows(&scene, "▸feature/search");
    fails.branch = "feature/search";
    scene_put(&scene, &environment_type, &fails);
    scene_pass(&scene, 2000);
    char *after = scene_text(&scene);
    assert_true(strstr(after, "main ") > strstr(after, "▸feature/search "));
    free(after);
    scene_type(&scene, "12");
    assert_shows(&scene, "sort status");
    assert_shows(&scene, "▸feature/search");
    scene_close(&scene);
}

/* A list that was covered is of now from its first frame; rows that a person sees stay where they are for a moment after a key. */
static void a_list_that_comes_back__shows_what_came_meanwhile_at_once(void **state)
{
    struct scene scene;
    struct run run = scene_gate_run();
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "5");
    assert_shows(&scene, "Runs 2");
    scene_type(&scene, "1");
    run.id = "19";
    run.number = 19;
    scene_put(&scene, &run_type, &run);
    scene_turn(&scene);
    scene_type(&scene, "5");
    assert_shows(&scene, "Runs 3");
    scene_type(&scene, "<enter>");
    run.id = "20";
    run.number = 20;
    scene_put(&scene, &run_type, &run);
    scene_turn(&scene);
    scene_type(&scene, "<esc>");
    assert_shows(&scene, "Runs 4");
    run.id = "21";
    run.number = 21;
    scene_put(&scene, &run_type, &run);
    scene_turn(&scene);
    scene_type(&scene, "5");
    assert_shows(&scene, "Runs 4");
    scene_pass(&scene, 1000);
    assert_shows(&scene, "Runs 5");
    scene_close(&scene);
}

static void copying__takes_names_to_the_clipboard_and_shows_what_is_not_plain(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "1c");
    assert_shows(&scene, "name          review/checkout");
    scene_type(&scene, "n");
    assert_string_equal(terminal_memory_copied(scene.terminal), "review/checkout");
    assert_shows(&scene, "copied the name: review/checkout");
    scene_type(&scene, "/prod<enter>cn"); /* typed at once: the row that is seen then */
    assert_string_equal(terminal_memory_copied(scene.terminal), "prod");
    scene_type(&scene, "<esc><esc>");
    scene_type(&scene, "ggcu");
    assert_string_equal(terminal_memory_copied(scene.terminal), "http://127.0.0.1:8080/");
    scene_type(&scene, "ce");
    assert_string_equal(terminal_memory_copied(scene.terminal), "berth env review/checkout");
    scene_type(&scene, "cj"); /* holds text of tools: shown */
    assert_shows(&scene, "Everything recorded");
    assert_string_equal(terminal_memory_copied(scene.terminal), "berth env review/checkout");
    scene_type(&scene, "<esc>5ci");
    assert_string_equal(terminal_memory_copied(scene.terminal), "18");
    terminal_memory_no_clipboard(scene.terminal);
    scene_type(&scene, "1cn");
    assert_shows(&scene, "this terminal has no clipboard");
    assert_string_equal(terminal_memory_copied(scene.terminal), "18");
    scene_close(&scene);
}

static void copying__never_sends_a_hostile_name(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_HOSTILE);
    scene_type(&scene, "2/owned<enter>cn");
    assert_null(terminal_memory_copied(scene.terminal));
    assert_shows(&scene, "Not copied");
    assert_shows(&scene, "\\x1b[31mred");
    scene_close(&scene);
}

static void two_marked_environments__are_shown_beside_each_other(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "1v");
    assert_shows(&scene, "m marks an environment, then another");
    scene_type(&scene, "<esc>m");
    assert_shows(&scene, "review/checkout *");
    scene_type(&scene, "jjmv");
    assert_shows(&scene, "Compare review/checkout with review/search   ~ differs");
    assert_shows(&scene, "~ status          Failed                          OK");
    assert_shows(&scene, "  target          here                            here");
    assert_shows(&scene, "~ database        ok                              -");
    assert_shows(&scene, "one of them was never deployed whole");
    scene_type(&scene, "<esc><esc>m");
    assert_shows(&scene, "review/search is not marked any more");
    scene_close(&scene);
}

static void the_palette__completes_names_wherever_the_word_is_in_them(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, ":deploy checko<tab>");
    assert_shows(&scene, "review/checkout");
    assert_shows(&scene, "fix/checkout     retry card capture");
    scene_type(&scene, "<esc>:why des<tab>");
    assert_shows(&scene, ":why destroy");
    scene_type(&scene, "sear<tab>");
    assert_shows(&scene, ":why destroy review/search");
    scene_type(&scene, "<enter>");
    assert_shows(&scene, "its name has to be typed");
    scene_type(&scene, "<esc>:freeze pro<tab>");
    assert_shows(&scene, ":freeze prod");
    scene_type(&scene, "<esc>:cancel 1<tab>");
    assert_shows(&scene, "deploy prod: at the gate");
    scene_close(&scene);
}

/* A browser that writes down how it was called. */
static char *put_browser(const struct scene *scene, const char *name, const char *last)
{
    char *path = path_join(scene->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\nfor word; do echo \"<$word>\"; done >\"$0.part\"; mv \"$0.part\" \"$0.said\"\n%s\n",
            last);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0700), 0);
    return path;
}

static void assert_browser_said(const char *browser, const char *words)
{
    char *path = path_printf("%s.said", browser);
    struct str said = STR_INIT;
    const int64_t deadline = time_monotonic_ms() + 20 * MS_SECOND;
    while (!file_read(path, 1000, &said, NULL) && time_monotonic_ms() < deadline)
        poll(NULL, 0, 5);
    assert_string_equal(said.data, words);
    unlink(path);
    str_release(&said);
    free(path);
}

/* Goes down to the row that has this address. */
static void select_address(struct scene *scene, const char *url)
{
    for (int row = 0; row < 60; row++) {
        struct subject subject = dashboard_subject(&scene->dashboard);
        if (subject.url && text_equal(subject.url, url))
            return;
        scene_type(scene, "j");
    }
    fail_msg("no row has the address %s", url);
}

static void an_address__is_opened_by_the_browser_without_a_shell(void **state)
{
    static const char wiki[] = "https://wiki.acme.org/?a=$(touch x);b&c='d'";
    const struct entrypoint link = {
        .id = "E1/link/wiki", .environment = "E1", .kind = "link", .name = "wiki", .url = wiki};
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_FOLDER);
    scene_put(&scene, &entrypoint_type, &link);
    char *browser = put_browser(&scene, "browser", ""),
         *named = path_printf("/nonexistent/none:%s --new %%s x", browser);
    setenv("BROWSER", named, 1);
    scene_type(&scene, "1/checkout<enter>o");
    assert_shows(&scene, "opening http://127.0.0.1:8080/");
    assert_browser_said(browser, "<--new>\n<http://127.0.0.1:8080/>\n<x>\n");
    setenv("BROWSER", browser, 1);
    scene_type(&scene, "<enter>");
    select_address(&scene, wiki);
    scene_type(&scene, "o");
    assert_browser_said(browser, "<https://wiki.acme.org/?a=$(touch x);b&c='d'>\n");
    assert_null(terminal_memory_copied(scene.terminal));
    unsetenv("BROWSER");
    scene_close(&scene);
    free(named);
    free(browser);
}

static void a_browser__that_fails_is_told(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_FOLDER);
    char *browser = put_browser(&scene, "browser", "exit 3");
    setenv("BROWSER", browser, 1);
    scene_type(&scene, "1/checkout<enter>o");
    const int64_t deadline = time_monotonic_ms() + 20 * MS_SECOND;
    while (!scene_shows(&scene, "could not open it (exit 3)") && time_monotonic_ms() < deadline) {
        poll(NULL, 0, 5);
        scene_turn(&scene);
    }
    assert_shows(&scene, "the browser could not open it (exit 3): c u copies the address");
    unsetenv("BROWSER");
    scene_close(&scene);
    free(browser);
}

/* Over ssh a browser would come up on another screen; what is no address of the web goes to no browser at all. */
static void an_address__is_copied_where_there_is_no_browser(void **state)
{
    struct scene scene;
    struct environment row = scene_environment("E3", "review/search", TIER_REVIEW, ENVIRONMENT_OK);
    (void)state;
    scene_open(&scene, 36, 120, SCENE_FOLDER);
    char *browser = put_browser(&scene, "xdg-open", ""), *path = mem_strdup(getenv("PATH")),
         *with = path_printf("%s:%s", scene.folder, path);
    unsetenv("BROWSER");
    setenv("PATH", with, 1);
    setenv("DISPLAY", ":77", 1);
    unsetenv("SSH_TTY");
    unsetenv("SSH_CONNECTION");
    scene_type(&scene, "1/checkout<enter>o");
    assert_browser_said(browser, "<http://127.0.0.1:8080/>\n");
    setenv("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22", 1);
    scene_type(&scene, "o");
    assert_string_equal(terminal_memory_copied(scene.terminal), "http://127.0.0.1:8080/");
    assert_shows(&scene, "copied the URL");
    row.entrypoint = "file:///etc/passwd";
    scene_put(&scene, &environment_type, &row);
    scene_turn(&scene);
    setenv("BROWSER", browser, 1);
    scene_type(&scene, "<esc><esc>/search<enter>o");
    assert_shows(&scene, "Not copied");
    assert_shows(&scene, "file:///etc/passwd");
    scene_type(&scene, "<esc><esc>2/typo<enter>o");
    assert_shows(&scene, "there is no address to open here");
    unsetenv("BROWSER");
    unsetenv("DISPLAY");
    unsetenv("SSH_CONNECTION");
    setenv("PATH", path, 1);
    scene_close(&scene);
    free(with);
    free(path);
    free(browser);
}

static void a_view__is_saved_shown_again_and_forgotten(void **state)
{
    struct scene scene;
    struct str names = STR_INIT;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_FOLDER);
    setenv("XDG_CONFIG_HOME", scene.folder, 1);
    scene_type(&scene, "1/tier:prod<enter>sbsb:view save mine<enter>");
    assert_shows(&scene, "saved: :view mine shows it again");
    scene_type(&scene, "<esc><esc>/checkout<enter>sa:view save mine-2<enter>");
    scene_type(&scene, "2:view mine<enter>");
    assert_shows(&scene, "Environments 1 of 3   filter: tier:prod   sort tier (reversed)");
    scene_type(&scene, ":view load mine-2<enter>");
    assert_shows(&scene, "Environments 1 of 3   filter: checkout   sort environment");
    scene_type(&scene,
               "<esc><esc>/search<enter>:view save mine<enter><esc><esc>:view mine<enter>"); /* the name is its own */
    assert_shows(&scene, "filter: search");
    palette_complete(&scene.dashboard, "view m", &names);
    assert_string_equal(names.data, "mine-2\tsaved view\nmine\tsaved view\n");
    str_release(&names);
    scene_type(&scene, ":view forget mine<enter>:view mine<enter>");
    assert_shows(&scene, "there is no saved view mine");
    scene_type(&scene, ":view mine-2<enter>");
    assert_shows(&scene, "filter: checkout");
    scene_type(&scene, ":view save a/b<enter>");
    assert_shows(&scene, "a view's name is letters");
    scene_type(&scene, "<esc><enter>:view save here<enter>");
    assert_shows(&scene, "a view of a list is saved");
    unsetenv("XDG_CONFIG_HOME");
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_destroyed__leaves_the_list_after_a_while),
        cmocka_unit_test(filters__compare_times_and_numbers),
        cmocka_unit_test(an_order__is_kept_when_rows_change),
        cmocka_unit_test(a_list_that_comes_back__shows_what_came_meanwhile_at_once),
        cmocka_unit_test(copying__takes_names_to_the_clipboard_and_shows_what_is_not_plain),
        cmocka_unit_test(copying__never_sends_a_hostile_name),
        cmocka_unit_test(two_marked_environments__are_shown_beside_each_other),
        cmocka_unit_test(the_palette__completes_names_wherever_the_word_is_in_them),
        cmocka_unit_test(an_address__is_opened_by_the_browser_without_a_shell),
        cmocka_unit_test(a_browser__that_fails_is_told),
        cmocka_unit_test(an_address__is_copied_where_there_is_no_browser),
        cmocka_unit_test(a_view__is_saved_shown_again_and_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
