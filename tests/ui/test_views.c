/* SPDX-License-Identifier: ISC */
/* Each view over a known workspace: golden screens at every size, in UTF-8 and ASCII, and what is said when things are missing. */
#include "scene.h"

static void golden_of(const char *view, const char *keys, unsigned more)
{
    static const struct {
        int rows, columns;
        unsigned flags;
        const char *size;
    } sizes[] = {{24, 80, SCENE_ASCII, "80x24.ascii"},
                 {36, 120, SCENE_ASCII, "120x36.ascii"},
                 {24, 80, 0, "80x24"},
                 {36, 120, 0, "120x36"},
                 {50, 200, 0, "200x50"},
                 {15, 40, 0, "40x15"}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct scene scene;
        char name[100];
        scene_open(&scene, sizes[i].rows, sizes[i].columns, sizes[i].flags | more);
        scene_type(&scene, keys);
        scene_pass(&scene, 700);
        snprintf(name, sizeof name, "%s.%s", view, sizes[i].size);
        scene_golden(&scene, name);
        scene_close(&scene);
    }
}

static void golden(const char *view, const char *keys)
{
    golden_of(view, keys, 0);
}

static void environments__golden_at_every_size(void **state)
{
    (void)state;
    golden("environments", "1");
}

static void branches__golden_at_every_size(void **state)
{
    (void)state;
    golden("branches", "2");
}

static void approvals__golden_at_every_size(void **state)
{
    (void)state;
    golden("approvals", "4");
}

static void runs__golden_at_every_size(void **state)
{
    (void)state;
    golden("runs", "5");
}

static void environment__golden_at_every_size(void **state)
{
    (void)state;
    golden("environment", "1<enter>jjj");
    golden_of("parts", "1<enter>jjjjE", SCENE_MODULE);
    golden_of("ending", "1/search<enter>", SCENE_ENDING);
    golden_of("ending.detail", "1/search<enter><enter>", SCENE_ENDING);
    golden_of("rolled-back", "1/back<enter><enter>", SCENE_ENDING);
    golden_of("releases", "1/checkout<enter>B<esc>", SCENE_RELEASES);
}

static void gate__golden_at_every_size(void **state)
{
    (void)state;
    golden("gate", "4<enter>j<enter>");
}

static void plan_of_a_module__golden_at_every_size(void **state)
{
    (void)state;
    golden_of("module", "4<enter>", SCENE_MODULE);
    golden_of("module.all", "4<enter>E", SCENE_MODULE);
    golden_of("delta", "4<enter>", SCENE_MODULE | SCENE_DELTA);
    golden_of("delta.alone", "4<enter>r", SCENE_MODULE | SCENE_DELTA);
}

static void run__golden_at_every_size(void **state)
{
    (void)state;
    golden("run", "5j<enter>");
}

static void help__golden_at_every_size(void **state)
{
    (void)state;
    golden("help", "1?");
}

static void dialogs__golden_at_every_size(void **state)
{
    (void)state;
    golden("deploy", "2D");
    golden("destroy", "1X");
    golden("approve", "4<enter>A");
}

static void roles__golden_for_status_keys_and_dialogs(void **state)
{
    static const struct {
        const char *keys, *name;
    } screens[] = {{"1", "environments.roles"},
                   {"1<enter>", "environment.roles"},
                   {"4<enter>", "gate.roles"},
                   {"4<enter>r", "delta.roles"},
                   {"1X", "destroy.roles"}};
    (void)state;
    for (size_t i = 0; i < sizeof screens / sizeof *screens; i++) {
        struct scene scene;
        scene_open(&scene, 36, 120, strstr(screens[i].name, "delta") ? SCENE_MODULE | SCENE_DELTA : 0);
        scene_type(&scene, screens[i].keys);
        scene_golden_styles(&scene, screens[i].name);
        scene_close(&scene);
    }
}

static void old_news__is_drawn_as_old(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, SCENE_NO_DAEMON);
    scene_golden_styles(&scene, "old.roles");
    scene_close(&scene);
}

/* A person who leans on the keyboard while the store changes and the window is dragged: nothing breaks, nothing is asked by chance
 * without its whole confirmation. */
static void random_keys__never_break_it(void **state)
{
    static const int keys[] = {'j',
                               'k',
                               'g',
                               'G',
                               'l',
                               'd',
                               'w',
                               'z',
                               'f',
                               'p',
                               't',
                               's',
                               '/',
                               ':',
                               '?',
                               '1',
                               '2',
                               '4',
                               '5',
                               'q',
                               'D',
                               'A',
                               'C',
                               'R',
                               'X',
                               'L',
                               'T',
                               'e',
                               'b',
                               'r',
                               'n',
                               'N',
                               ' ',
                               'x',
                               '-',
                               PRESS_ENTER,
                               PRESS_ESCAPE,
                               PRESS_TAB,
                               PRESS_BACK_TAB,
                               PRESS_UP,
                               PRESS_DOWN,
                               PRESS_LEFT,
                               PRESS_RIGHT,
                               PRESS_HOME,
                               PRESS_END,
                               PRESS_PAGE_UP,
                               PRESS_PAGE_DOWN,
                               PRESS_BACKSPACE,
                               PRESS_DELETE,
                               0x6f22,
                               CONTROL('d'),
                               CONTROL('u'),
                               CONTROL('r'),
                               CONTROL('w'),
                               CONTROL('c'),
                               PRESS_F1};
    uint32_t seed = 7;
    (void)state;
    for (int round = 0, rounds = getenv("BERTH_UNDER_VALGRIND") ? 4 : 20; round < rounds; round++) {
        struct scene scene;
        scene_open(&scene, 24, 80, SCENE_HOSTILE | (round % 2 ? SCENE_ASCII : 0));
        for (int i = 0; i < 400; i++) {
            seed = seed * 1664525u + 1013904223u;
            dashboard_press(&scene.dashboard, keys[(seed >> 10) % (sizeof keys / sizeof *keys)]);
            scene.dashboard.quit = false;
            if ((seed >> 24) % 16 == 0)
                terminal_memory_resize(scene.terminal, 1 + (int)((seed >> 12) % 60), 1 + (int)((seed >> 5) % 200));
            if ((seed >> 24) % 8 == 1) {
                struct environment row =
                    scene_environment("E1", "review/checkout", TIER_REVIEW, (enum environment_status)((seed >> 8) % 8));
                scene_put(&scene, &environment_type, &row);
            }
            scene_pass(&scene, 37);
        }
        scene_close(&scene);
    }
}

static void first_screen__is_branches_while_there_is_no_environment(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 24, 80, SCENE_EMPTY);
    assert_shows(&scene, "Branches 0");
    assert_shows(&scene, "no branch yet");
    scene_close(&scene);
}

static void no_berthd__is_said_plainly(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 24, 80, SCENE_NO_DAEMON | SCENE_ASCII);
    assert_shows(&scene, "[WARN] no berthd serving");
    assert_shows(&scene, "commands wait");
    scene_close(&scene);
}

struct starts {
    int count;
    bool fails;
};

static bool count_start(void *context, struct error *error)
{
    struct starts *starts = context;
    starts->count++;
    return !starts->fails || error_set(error, ERROR_NOT_FOUND, "cannot start berthd");
}

static struct daemon a_daemon(const char *state, int64_t pid)
{
    return (struct daemon){.id = "berthd", .pid = pid, .start_ticks = 1, .epoch = 2, .state = state};
}

/* Left open while a run was applying: the words that are still in the rows say who worked on it, nobody does now. */
static void a_berthd_that_dies__leaves_nothing_that_looks_worked_on(void **state)
{
    struct scene scene;
    struct daemon dead = a_daemon("serving", 1);
    struct run run = scene_gate_run();
    struct environment deploying = scene_environment("E5", "review/busy", TIER_REVIEW, ENVIRONMENT_DEPLOYING);
    (void)state;
    run.id = "30";
    run.number = 30;
    run.environment = deploying.id;
    run.environment_name = deploying.name;
    run.status = RUN_APPLYING;
    scene_open(&scene, 36, 120, SCENE_ASCII);
    scene_put(&scene, &environment_type, &deploying);
    scene_put(&scene, &run_type, &run);
    scene_type(&scene, "5");
    scene_pass(&scene, 1000);
    assert_shows(&scene, "[RUN] applying");
    assert_shows(&scene, "1 running");
    scene_put(&scene, &daemon_type, &dead);
    scene_pass(&scene, 1000);
    assert_hides(&scene, "[RUN]");
    assert_shows(&scene, "[??] applying");
    assert_shows(&scene, "1 unfinished");
    assert_shows(&scene, "Nobody works on run 30");
    scene_type(&scene, "<home><enter>");
    assert_shows(&scene, "[??] applying");
    scene_type(&scene, "1/busy<enter>");
    assert_shows(&scene, "[??] Deploying");
    scene_type(&scene, "<enter>");
    assert_hides(&scene, "[RUN]");
    scene_close(&scene);
}

static void a_berthd_that_dies__is_started_again_with_a_growing_wait(void **state)
{
    struct scene scene;
    struct starts starts = {0};
    struct daemon dead = a_daemon("serving", 1);
    (void)state;
    scene_open(&scene, 24, 80, 0);
    scene.options.start_daemon = count_start;
    scene.options.context = &starts;
    scene_put(&scene, &daemon_type, &dead);
    scene_pass(&scene, 100);
    assert_int_equal(starts.count, 1); /* at once */
    assert_shows(&scene, "berthd died: starting it again (try 1");
    scene_pass(&scene, 1000);
    assert_int_equal(starts.count, 1);
    scene_pass(&scene, 1000);
    assert_int_equal(starts.count, 2);
    scene_pass(&scene, 3000);
    assert_int_equal(starts.count, 2); /* now it waits twice as long */
    scene_pass(&scene, 1000);
    assert_int_equal(starts.count, 3);
    scene_type(&scene, "r");
    assert_int_equal(starts.count, 4);
    scene_close(&scene);
}

static void a_berthd_that_ended__is_left_alone_until_something_is_asked(void **state)
{
    struct scene scene;
    struct starts starts = {.fails = true};
    struct daemon ended = a_daemon("ended", 1);
    (void)state;
    scene_open(&scene, 24, 80, 0);
    scene.options.start_daemon = count_start;
    scene.options.context = &starts;
    scene_put(&scene, &daemon_type, &ended);
    scene_pass(&scene, 100000);
    assert_int_equal(starts.count, 0);
    assert_shows(&scene, "berthd has ended");
    scene_type(&scene, "2D");
    scene_pass(&scene, 700);
    scene_type(&scene, "y");
    assert_int_equal(starts.count, 1);
    scene_type(&scene, "<esc>r");
    assert_int_equal(starts.count, 2);
    assert_shows(&scene, "cannot start berthd");
    scene_close(&scene);
}

static void an_unknown_status__never_shows_as_well(void **state)
{
    struct scene scene;
    struct environment row = scene_environment("E9", "odd", TIER_DEV, ENVIRONMENT_UNKNOWN);
    (void)state;
    scene_open(&scene, 36, 120, SCENE_ASCII);
    scene_put(&scene, &environment_type, &row);
    scene_pass(&scene, 1000);
    assert_shows(&scene, "[??] unknown");
    scene_close(&scene);
}

static void a_changed_row__stays_under_the_cursor(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "jj");
    scene_pass(&scene, 1000);
    struct subject before = {0}, after = {0};
    struct view *view = dashboard_view(&scene.dashboard);
    view->ops->subject(view, &before);
    assert_string_equal(before.environment->name, "review/search");
    struct environment row = scene_environment("E3", "review/search", TIER_REVIEW, ENVIRONMENT_FAILED);
    scene_put(&scene, &environment_type, &row); /* now sorts first */
    scene_pass(&scene, 1000);
    view->ops->subject(view, &after);
    assert_string_equal(after.environment->name, "review/search");
    assert_int_equal(after.environment->status, ENVIRONMENT_FAILED);
    scene_close(&scene);
}

static void a_filter__shows_only_what_fits_and_esc_clears_it(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 24, 80, 0);
    scene_type(&scene, "2/search<enter>");
    assert_shows(&scene, "Branches 1 of 5");
    assert_hides(&scene, "docs/typo");
    scene_type(&scene, "<esc>");
    assert_shows(&scene, "docs/typo");
    scene_close(&scene);
}

static void times__follow_one_switch(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 24, 80, 0);
    scene_type(&scene, "2");
    assert_shows(&scene, "41m");
    scene_type(&scene, "t");
    assert_shows(&scene, "13:24:09Z");
    scene_close(&scene);
}

static void an_answered_gate__says_who_answered_it(void **state)
{
    struct scene scene;
    struct run run = scene_gate_run();
    struct approval approval = {.id = "01A",
                                .run = "18",
                                .environment = "E2",
                                .digest = run.digest,
                                .verdict = VERDICT_APPROVE,
                                .actor = "uid:1001",
                                .person = "carol",
                                .via = "cli",
                                .reason = "read it with bob",
                                .at = SCENE_NOW - MINUTES(2)};
    (void)state;
    scene_open(&scene, 24, 80, 0);
    run.status = RUN_DONE;
    run.status_reason = "release v2";
    run.gate = "";
    scene_put(&scene, &run_type, &run);
    scene_put(&scene, &approval_type, &approval);
    scene_pass(&scene, 100);
    scene_type(&scene, "5gp");
    assert_shows(&scene, "approved by carol via cli 2m");
    assert_shows(&scene, "plan 7c1f22334455: read it with bob");
    assert_shows(&scene, "what became of it");
    assert_hides(&scene, "no gate");
    scene_close(&scene);
}

static void an_entrypoint_nobody_looks_at__is_called_so(void **state)
{
    struct scene scene;
    struct entrypoint row = {.id = "E1/entrypoint/metrics",
                             .environment = "E1",
                             .name = "metrics",
                             .kind = "entrypoint",
                             .url = "http://127.0.0.1:9090/",
                             .status = RESOURCE_UNKNOWN};
    (void)state;
    scene_open(&scene, 24, 80, 0);
    scene_put(&scene, &entrypoint_type, &row);
    scene_pass(&scene, 100);
    scene_type(&scene, "1/checkout<enter><enter>");
    assert_shows(&scene, "not watched");
    assert_hides(&scene, "? unknown");
    scene_close(&scene);
}

static void what_a_failed_run_never_began__is_in_the_environment_too(void **state)
{
    struct scene scene;
    struct run run = {.id = "19",
                      .number = 19,
                      .environment = "E1",
                      .environment_name = "review/checkout",
                      .workflow = WORKFLOW_DEPLOY,
                      .status = RUN_FAILED,
                      .created_at = SCENE_NOW - MINUTES(2),
                      .applying_at = SCENE_NOW - MINUTES(1)};
    struct step step = {.id = "19.plan.search-index",
                        .run = "19",
                        .environment = "E1",
                        .phase = PHASE_PLAN,
                        .status = STEP_DONE,
                        .address = "search-index",
                        .executor = "exec",
                        .spec = "{\"wanted\":{\"address\":\"search-index\",\"group\":\"data\"},\"recorded\":null}"};
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_put(&scene, &run_type, &run);
    scene_put(&scene, &step_type, &step);
    scene_pass(&scene, 100);
    scene_type(&scene, "1/checkout<enter><enter>");
    assert_shows(&scene, "search-index");
    assert_shows(&scene, "not begun: run 19 is failed");
    run.status = RUN_APPLYING;
    scene_put(&scene, &run_type, &run);
    scene_pass(&scene, 100);
    assert_shows(&scene, "not begun yet in run 19");
    scene_close(&scene);
}

/* The style of the sign on the row that has the text. */
static int style_of_sign(struct scene *scene, const char *text, const char *sign)
{
    const struct grid *grid = terminal_memory_grid(scene->terminal);
    for (int row = 0; row < grid->rows; row++) {
        struct str line = STR_INIT;
        grid_row_text(grid, row, &line);
        bool found = strstr(line.data, text) && strstr(line.data, sign);
        str_release(&line);
        for (int column = 0; found && column < grid->columns; column++) {
            if (strcmp(grid_cell(grid, row, column)->text, sign) == 0)
                return grid_cell(grid, row, column)->style;
        }
    }
    return -1;
}

static void a_group__of_what_is_gone_waits_for_nothing(void **state)
{
    struct scene scene;
    struct resource row = {.id = "E3/old",
                           .environment = "E3",
                           .address = "old",
                           .name = "old",
                           .executor = "exec",
                           .group = "cache",
                           .status = RESOURCE_GONE};
    struct resource_group group = {.id = "E3/cache", .environment = "E3", .name = "cache"};
    (void)state;
    scene_open(&scene, 36, 120, SCENE_ASCII);
    scene_put(&scene, &resource_group_type, &group);
    scene_put(&scene, &resource_type, &row);
    scene_type(&scene, "1/search<enter><enter>");
    assert_shows(&scene, "cache [GONE] gone");
    assert_hides(&scene, "0/");
    row.status = RESOURCE_ABSENT;
    scene_put(&scene, &resource_type, &row);
    scene_pass(&scene, 100);
    assert_shows(&scene, "cache [GONE] absent");
    assert_shows(&scene, "0/1");
    scene_close(&scene);
}

static void what_was_not_seen_for_long__is_drawn_as_old_with_who_saw_it(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "1/checkout<enter><enter>");
    assert_shows(&scene, "exec 2s");
    assert_int_equal(style_of_sign(&scene, "database", "✓"), STYLE_OK);
    scene_pass(&scene, MINUTES(6));
    assert_int_equal(style_of_sign(&scene, "database", "✓"), STYLE_STALE);
    scene_close(&scene);
}

static void why__has_an_answer_in_every_list(void **state)
{
    static const char *const keys[] = {"1w", "2w", "2Gw", "4w", "5w", "4<enter>w", "5<enter>w", "1<enter>w"};
    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct scene scene;
        scene_open(&scene, 36, 120, 0);
        scene_type(&scene, keys[i]);
        assert_hides(&scene, "nothing to explain");
        assert_int_equal(dashboard_view(&scene.dashboard)->ops->kind, VIEW_TEXT);
        scene_close(&scene);
    }
}

static void branches__are_filtered_by_what_their_environment_is(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 24, 80, 0);
    scene_type(&scene, "2/status:failed<enter>");
    assert_shows(&scene, "Branches 1 of 5");
    assert_shows(&scene, "fix/checkout");
    scene_type(&scene, "<esc>/tier:prod<enter>");
    assert_shows(&scene, "Branches 1 of 5");
    scene_close(&scene);
}

static void branches_of_several_repositories__say_whose_they_are(void **state)
{
    struct scene scene;
    const struct repository second = {.id = "policy", .provider = "git", .url = ".", .complete = true, .listed = true};
    (void)state;
    scene_open(&scene, 24, 80, 0);
    scene_type(&scene, "2");
    assert_hides(&scene, "app:fix/checkout");
    scene_put(&scene, &repository_type, &second);
    scene_pass(&scene, 1000);
    assert_shows(&scene, "app:fix/checkout");
    scene_close(&scene);
}

static void a_narrow_footer__keeps_what_can_be_done(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 24, 80, 0);
    scene_type(&scene, "1");
    assert_shows(&scene, "X destroy");
    assert_shows(&scene, "D deploy");
    assert_hides(&scene, "C cancel"); /* nothing works there: it is grey, and there is no room */
    scene_close(&scene);
}

static void a_number_without_a_view__says_which_there_are(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 24, 80, 0);
    scene_type(&scene, "3");
    assert_shows(&scene, "there is no view 3");
    scene_close(&scene);
}

static void a_long_message__is_wrapped_not_cut(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 24, 80, 0);
    dashboard_say(
        &scene.dashboard, STYLE_OK,
        "a dry run would plan the twelve resources of this environment, wait for two approvals, apply them in "
        "the order of the graph and end with this last word: harbour");
    scene_turn(&scene);
    assert_shows(&scene, "harbour");
    scene_close(&scene);
}

static void a_deploy_from_the_environment__says_which_commit(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_type(&scene, "1/checkout<enter>D");
    assert_shows(&scene, "DEPLOY review/checkout");
    assert_shows(&scene, "9f3c1abd of fix/checkout by anna");
    scene_close(&scene);
}

/* Who looks at a list of branches asks how old the listing is, all else how old the last look at what runs. */
static void the_age__is_that_of_what_is_shown(void **state)
{
    struct scene scene;
    struct sweep probes = {.id = "probes/all", .provider = "probes", .what = "all", .at = SCENE_NOW - MINUTES(7)};
    struct sweep cleaner = {.id = "cleaner", .provider = "cleaner", .what = "environments", .at = SCENE_NOW - 1000};
    const struct repository second = {.id = "policy", .provider = "git", .url = ".", .complete = true, .listed = true};
    struct sweep listing = {.id = "branches/policy", .provider = "git", .what = "policy", .at = SCENE_NOW - MINUTES(5)};
    (void)state;
    scene_open(&scene, 36, 120, 0);
    scene_put(&scene, &sweep_type, &probes);
    scene_put(&scene, &sweep_type, &cleaner);
    scene_type(&scene, "2");
    assert_shows(&scene, "as of 3s ago");
    scene_type(&scene, "1");
    assert_shows(&scene, "as of 7m ago");
    scene_put(&scene, &repository_type, &second); /* of several the oldest: what is shown is no fresher */
    scene_put(&scene, &sweep_type, &listing);
    scene_type(&scene, "2");
    assert_shows(&scene, "as of 5m ago");
    scene_close(&scene);
}

static void a_message_of_two_rows__leaves_the_frame_whole(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, 24, 80, SCENE_ASCII);
    scene_type(&scene, "1");
    dashboard_say(&scene.dashboard, STYLE_WARNING, "%s",
                  "a message that is so long that it takes two rows of the screen, and so would lie over the border of "
                  "the list above it");
    dashboard_draw(&scene.dashboard);
    char *screen = scene_text(&scene), *row = screen;
    for (int i = 0; i < 19; i++)
        row = strchr(row, '\n') + 1;
    if (strncmp(row, "+---", 4) != 0)
        fail_msg("the border is not above the message:\n%s", screen);
    free(screen);
    scene_close(&scene);
}

static void hostile_names__keep_columns_aligned_and_harmless(void **state)
{
    static const unsigned flags[] = {SCENE_HOSTILE, SCENE_HOSTILE | SCENE_ASCII};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene scene;
        scene_open(&scene, 36, 120, flags[i]);
        scene_type(&scene, "2");
        const struct grid *grid = terminal_memory_grid(scene.terminal);
        for (int row = 0; row < grid->rows; row++) {
            int cells = 0;
            for (int column = 0; column < grid->columns; column++) {
                const struct cell *cell = grid_cell(grid, row, column);
                cells += cell->width;
                for (const char *at = cell->text; *at; at++)
                    assert_true((unsigned char)*at >= 0x20 && (unsigned char)*at != 0x7f);
                assert_false((unsigned char)cell->text[0] == 0xc2 && (unsigned char)cell->text[1] < 0xa0); /* C1 */
                assert_false((flags[i] & SCENE_ASCII) && (unsigned char)cell->text[0] >= 0x80);
            }
            assert_int_equal(cells, grid->columns);
        }
        scene_golden(&scene, i ? "hostile.120x36.ascii" : "hostile.120x36");
        scene_close(&scene);
    }
}

static void every_size__draws_without_harm(void **state)
{
    static const char *const keys[] = {
        "1", "2", "4", "5", "1<enter>", "4<enter>", "5<enter>", "1?", "1X", "1:de<tab><tab>", "1g", "1s"};
    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct scene scene;
        scene_open(&scene, 24, 80, SCENE_HOSTILE);
        scene_type(&scene, keys[i]);
        for (int rows = 1; rows < 60; rows += 3) {
            for (int columns = 1; columns < 220; columns += 13) {
                terminal_memory_resize(scene.terminal, rows, columns);
                dashboard_turn(&scene.dashboard);
                assert_int_equal(terminal_memory_grid(scene.terminal)->columns, columns);
            }
        }
        scene_close(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(environments__golden_at_every_size),
        cmocka_unit_test(branches__golden_at_every_size),
        cmocka_unit_test(approvals__golden_at_every_size),
        cmocka_unit_test(runs__golden_at_every_size),
        cmocka_unit_test(environment__golden_at_every_size),
        cmocka_unit_test(gate__golden_at_every_size),
        cmocka_unit_test(plan_of_a_module__golden_at_every_size),
        cmocka_unit_test(run__golden_at_every_size),
        cmocka_unit_test(help__golden_at_every_size),
        cmocka_unit_test(dialogs__golden_at_every_size),
        cmocka_unit_test(roles__golden_for_status_keys_and_dialogs),
        cmocka_unit_test(old_news__is_drawn_as_old),
        cmocka_unit_test(random_keys__never_break_it),
        cmocka_unit_test(first_screen__is_branches_while_there_is_no_environment),
        cmocka_unit_test(no_berthd__is_said_plainly),
        cmocka_unit_test(a_berthd_that_dies__leaves_nothing_that_looks_worked_on),
        cmocka_unit_test(a_berthd_that_dies__is_started_again_with_a_growing_wait),
        cmocka_unit_test(a_berthd_that_ended__is_left_alone_until_something_is_asked),
        cmocka_unit_test(an_unknown_status__never_shows_as_well),
        cmocka_unit_test(a_changed_row__stays_under_the_cursor),
        cmocka_unit_test(a_filter__shows_only_what_fits_and_esc_clears_it),
        cmocka_unit_test(times__follow_one_switch),
        cmocka_unit_test(an_answered_gate__says_who_answered_it),
        cmocka_unit_test(an_entrypoint_nobody_looks_at__is_called_so),
        cmocka_unit_test(what_a_failed_run_never_began__is_in_the_environment_too),
        cmocka_unit_test(a_group__of_what_is_gone_waits_for_nothing),
        cmocka_unit_test(what_was_not_seen_for_long__is_drawn_as_old_with_who_saw_it),
        cmocka_unit_test(why__has_an_answer_in_every_list),
        cmocka_unit_test(branches__are_filtered_by_what_their_environment_is),
        cmocka_unit_test(branches_of_several_repositories__say_whose_they_are),
        cmocka_unit_test(a_narrow_footer__keeps_what_can_be_done),
        cmocka_unit_test(a_number_without_a_view__says_which_there_are),
        cmocka_unit_test(a_long_message__is_wrapped_not_cut),
        cmocka_unit_test(a_deploy_from_the_environment__says_which_commit),
        cmocka_unit_test(the_age__is_that_of_what_is_shown),
        cmocka_unit_test(a_message_of_two_rows__leaves_the_frame_whole),
        cmocka_unit_test(hostile_names__keep_columns_aligned_and_harmless),
        cmocka_unit_test(every_size__draws_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
