/* SPDX-License-Identifier: ISC */
/* The dashboard as a person meets it: the real programs, a real repository, a real pseudo terminal, from a branch to a running environment and back. */
#include "berth/base/file.h"
#include "berth/base/memory.h"
#include "berth/base/process.h"
#include "berth/base/str.h"
#include "screen.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
/* after the four that it needs */
#include <cmocka.h>

struct workspace {
    char *root, *folder, *berth;
};

static void write_file(const char *folder, const char *name, const char *text, mode_t mode)
{
    struct error error = {0};
    char *path = path_join(folder, name);
    assert_true(file_replace(path, text, strlen(text), mode, FILE_RELAXED, &error));
    assert_int_equal(chmod(path, mode), 0);
    free(path);
}

static void run(const char *folder, const char *const argv[])
{
    struct error error = {0};
    struct process process = {0};
    int status;
    struct process_spec spec = {.argv = argv, .folder = folder, .input_fd = -1, .output_fd = -1, .error_fd = 2};
    if (!process_start(&spec, &process, &error))
        fail_msg("%s: %s", argv[0], error.message);
    assert_true(process_wait(&process, &status, &error));
    process_release(&process);
    if (status != 0)
        fail_msg("%s %s ended with %d", argv[0], argv[1], status);
}

static const char berth_yaml[] = "version: 1\n"
                                 "workspace: story\n"
                                 "trusted: { repository: app, ref: main }\n"
                                 "repositories: { app: { provider: git, url: . } }\n"
                                 "targets: { here: { provider: local } }\n"
                                 "environments:\n"
                                 "  - name: \"review/${{ branch.slug }}\"\n"
                                 "    tier: review\n"
                                 "    source: { branches: [\"feature/**\"] }\n"
                                 "    templates: [app]\n"
                                 "    target: here\n"
                                 "    deploy_on: [manual]\n"
                                 "    gate: { approvals: 1 }\n"
                                 "    on_failure: hold\n";
static const char template_yaml[] =
    "template: app\n"
    "version: 1\n"
    "resources:\n"
    "  database: { executor: exec, run: [\"./thing\", \"up\", \"database\"], undo: [\"./thing\", \"down\", \"database\"] }\n"
    "  server:\n"
    "    executor: exec\n"
    "    run: [\"./thing\", \"up\", \"server\"]\n"
    "    undo: [\"./thing\", \"down\", \"server\"]\n"
    "    needs: [database]\n";
static const char thing[] = "#!/bin/sh\nprintf 'the \\033[31mthing\\033[0m goes %s: %s\\n' \"$1\" \"$2\"\n";

static int setup(void **state)
{
    struct workspace *workspace = mem_zero(1, sizeof *workspace);
    struct error error = {0};
    char pattern[] = "/tmp/berth-e2e-XXXXXX";
    const char *berth = getenv("BERTH");
    workspace->root = mem_strdup(mkdtemp(pattern));
    workspace->folder = path_join(workspace->root, "app");
    workspace->berth = berth ? mem_strdup(berth) : path_join(TEST_BUILDDIR, "src/berth");
    char *state_home = path_join(workspace->root, "state"), *templates = path_join(workspace->folder, "templates");
    setenv("XDG_STATE_HOME", state_home, 1);
    setenv("TERM", "xterm-256color", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("GIT_AUTHOR_DATE", "2025-11-20T10:00:00Z", 1);
    setenv("GIT_COMMITTER_DATE", "2025-11-20T10:00:00Z", 1);
    assert_true(folder_make(templates, 0700, &error));
    write_file(workspace->folder, "berth.yaml", berth_yaml, 0644);
    write_file(workspace->folder, "templates/app.yaml", template_yaml, 0644);
    write_file(workspace->folder, "thing", thing, 0755);
    run(workspace->folder, (const char *const[]){"git", "init", "-q", "-b", "main", NULL});
    run(workspace->folder, (const char *const[]){"git", "config", "user.email", "anna@example.org", NULL});
    run(workspace->folder, (const char *const[]){"git", "config", "user.name", "Anna", NULL});
    run(workspace->folder, (const char *const[]){"git", "add", ".", NULL});
    run(workspace->folder, (const char *const[]){"git", "commit", "-q", "-m", "begin", NULL});
    run(workspace->folder, (const char *const[]){"git", "branch", "feature/checkout", NULL});
    run(workspace->folder, (const char *const[]){"git", "branch", "feature/漢字-👩‍💻-❤️-é", NULL});
    free(state_home);
    free(templates);
    *state = workspace;
    return 0;
}

static int teardown(void **state)
{
    struct workspace *workspace = *state;
    struct error error = {0};
    run(workspace->folder, (const char *const[]){workspace->berth, "stop", NULL});
    bool removed = folder_remove(workspace->root, &error);
    free(workspace->root);
    free(workspace->folder);
    free(workspace->berth);
    free(workspace);
    return removed ? 0 : 1;
}

static void open_dashboard(struct screen *screen, const struct workspace *workspace)
{
    char view[] = "--view", branches[] = "branches";
    char *argv[] = {workspace->berth, view, branches, NULL};
    screen_start(screen, 36, 120, workspace->folder, argv);
    assert_true(screen_wait(screen, "Branches"));
    assert_true(screen_wait(screen, "feature/checkout"));
}

/* The name of the environment, as the dialog that makes it says it. */
static void read_name(struct screen *screen, char name[64])
{
    const char *at;
    assert_true(screen_has(screen, "DEPLOY review/"));
    at = strstr(screen->text, "DEPLOY review/") + strlen("DEPLOY ");
    size_t length = strcspn(at, " ");
    assert_true(length < 64);
    memcpy(name, at, length);
    name[length] = '\0';
}

static void a_branch__becomes_an_environment_and_is_gone_again(void **state)
{
    const struct workspace *workspace = *state;
    struct screen screen;
    char name[64];
    open_dashboard(&screen, workspace);
    screen_type(&screen, "/checkout\r");
    assert_true(screen_wait(&screen, "Branches 1 of"));
    screen_type(&screen, "D");
    assert_true(screen_wait(&screen, "y: deploy"));
    read_name(&screen, name);
    screen_type(&screen, "y");
    assert_true(screen_wait(&screen, "◆ needs approval"));
    screen_type(&screen, "gp");
    assert_true(screen_wait(&screen, "plan  2 create"));
    assert_true(screen_has(&screen, "0 of 1 approvals"));
    screen_type(&screen, "A");
    assert_true(screen_wait(&screen, "y: approve"));
    screen_type(&screen, "y");
    assert_true(screen_wait(&screen, "✓ done"));

    screen_type(&screen, "ge");
    assert_true(screen_wait(&screen, "✓ OK"));
    assert_true(screen_wait(&screen, "✓ ok"));
    screen_type(&screen, "l");
    assert_true(screen_wait(&screen, "the thing goes up: server")); /* its colour taken out */
    screen_type(&screen, "q");
    assert_true(screen_wait(&screen, "RESOURCES"));

    screen_type(&screen, "X");
    assert_true(screen_wait(&screen, "server > database"));
    screen_type(&screen, "\t");
    screen_type(&screen, name);
    screen_type(&screen, "\t\t");
    assert_true(screen_wait(&screen, "y: destroy"));
    screen_type(&screen, "y");
    assert_true(screen_wait(&screen, "○ Destroyed"));
    screen_type(&screen, "Q");
    assert_true(screen_wait_end(&screen));
    assert_int_equal(screen.status, 0);
    screen_stop(&screen);
}

static void a_resize__is_followed(void **state)
{
    struct screen screen;
    open_dashboard(&screen, *state);
    screen_resize(&screen, 24, 80);
    assert_true(screen_wait(&screen, "4 Appr"));
    screen_resize(&screen, 15, 40);
    assert_true(screen_wait_gone(&screen, "4 Appr"));
    screen_type(&screen, "Q");
    assert_true(screen_wait_end(&screen));
    screen_stop(&screen);
}

static void wide_names__keep_the_border_straight(void **state)
{
    struct screen screen;
    open_dashboard(&screen, *state);
    assert_true(screen_wait(&screen, "漢字"));
    assert_true(screen_wait(&screen, "q quit")); /* the last row came: what is above it is painted */
    for (int row = 4; row < 30; row++) {
        VTermScreenCell cell;
        vterm_screen_get_cell(screen.cells, (VTermPos){row, 119}, &cell);
        if (cell.chars[0] != 0x2502 && cell.chars[0] != 0x2524) /* the side, or a dividing line's end */
            fail_msg("row %d ends in U+%04X:\n%s", row, cell.chars[0], screen.text);
    }
    screen_type(&screen, "Q");
    assert_true(screen_wait_end(&screen));
    screen_stop(&screen);
}

static void sigterm__restores_the_terminal(void **state)
{
    struct screen screen;
    open_dashboard(&screen, *state);
    assert_int_equal(kill(screen.pid, SIGTERM), 0);
    assert_true(screen_wait_end(&screen));
    assert_true(WIFEXITED(screen.status));
    assert_false(screen_has(&screen, "Branches")); /* the screen that was there before is back */
    screen_stop(&screen);
}

static void control_c__never_quits(void **state)
{
    struct screen screen;
    open_dashboard(&screen, *state);
    screen_type(&screen, "\003");
    assert_true(screen_wait(&screen, "^c never quits"));
    screen_type(&screen, "Q");
    assert_true(screen_wait_end(&screen));
    screen_stop(&screen);
}

/* The pid of the berthd that serves, by what its command line names. */
static pid_t find_berthd(const struct workspace *workspace)
{
    char *state = path_join(workspace->root, "state");
    struct str line = STR_INIT;
    pid_t found = 0;
    DIR *processes = opendir("/proc");
    assert_non_null(processes);
    for (struct dirent *entry; (entry = readdir(processes)) && !found;) {
        char *path = path_printf("/proc/%s/cmdline", entry->d_name);
        str_clear(&line);
        bool read = file_read(path, 1u << 16, &line, NULL);
        free(path);
        if (read && memmem(line.data, line.length, state, strlen(state)) &&
            memmem(line.data, line.length, "--foreground", 12))
            found = (pid_t)strtol(entry->d_name, NULL, 10);
    }
    closedir(processes);
    str_release(&line);
    free(state);
    return found;
}

static void a_berthd_that_is_killed__is_started_again_by_the_dashboard(void **state)
{
    const struct workspace *workspace = *state;
    struct screen screen;
    open_dashboard(&screen, workspace);
    pid_t first = find_berthd(workspace);
    assert_true(first > 0);
    assert_int_equal(kill(first, SIGKILL), 0);
    screen_type(&screen, "/checkout\rD"); /* nobody but a new berthd can answer */
    assert_true(screen_wait(&screen, "y: deploy"));
    screen_type(&screen, "d");
    assert_true(screen_wait(&screen, "deploy"));
    assert_true(screen_wait_gone(&screen, "asked"));
    assert_true(screen_wait_gone(&screen, "berthd died"));
    pid_t second = find_berthd(workspace);
    assert_true(second > 0 && second != first);
    screen_type(&screen, "Q");
    assert_true(screen_wait_end(&screen));
    screen_stop(&screen);
}

static void a_paste__opens_nothing(void **state)
{
    struct screen screen;
    open_dashboard(&screen, *state);
    screen_type(&screen, "\033[200~DyQ:destroy x\r\033[201~");
    assert_true(screen_wait(&screen, "was dropped"));
    assert_false(screen_has(&screen, "DEPLOY"));
    screen_type(&screen, "/\033[200~check\033[201~out");
    assert_true(screen_wait(&screen, "Branches 1 of"));
    screen_type(&screen, "\rQ");
    assert_true(screen_wait_end(&screen));
    screen_stop(&screen);
}

static void a_storm_of_resizes__leaves_the_last_size(void **state)
{
    struct screen screen;
    open_dashboard(&screen, *state);
    for (int i = 0; i < 60; i++)
        screen_resize(&screen, 5 + i % 40, 20 + (i * 7) % 150);
    screen_resize(&screen, 24, 80);
    assert_true(screen_wait(&screen, "4 Appr"));
    assert_true(screen_wait(&screen, "feature/checkout"));
    screen_type(&screen, "Q");
    assert_true(screen_wait_end(&screen));
    screen_stop(&screen);
}

static void a_hang_up__ends_it(void **state)
{
    struct screen screen;
    open_dashboard(&screen, *state);
    assert_int_equal(kill(screen.pid, SIGHUP), 0);
    assert_true(screen_wait_end(&screen));
    assert_true(WIFEXITED(screen.status));
    screen_stop(&screen);
}

/* The grounds of the row that is selected, from its text on: how many there are. */
static int grounds_of_selected(const struct screen *screen)
{
    int row = 0, count = 0;
    VTermScreenCell cell, last = {0};
    for (; row < screen->rows; row++) {
        vterm_screen_get_cell(screen->cells, (VTermPos){row, 1}, &cell);
        if (cell.chars[0] == 0x25b8) /* ▸ */
            break;
    }
    for (int column = 2; column < screen->columns - 2; column++) {
        vterm_screen_get_cell(screen->cells, (VTermPos){row, column}, &cell);
        const VTermColor *ground = cell.attrs.reverse ? &cell.fg : &cell.bg,
                         *before = last.attrs.reverse ? &last.fg : &last.bg;
        count += column == 2 || !vterm_color_is_equal(ground, before);
        last = cell;
    }
    return count;
}

/* Where there are few colours the selected row is reversed: what is muted in it must not be a patch of another shade. */
static void few_colours__select_a_row_on_one_ground(void **state)
{
    static const char *const terminals[] = {"screen", "xterm-16color", "xterm-256color"};
    struct screen screen;
    for (size_t i = 0; i < sizeof terminals / sizeof *terminals; i++) {
        setenv("TERM", terminals[i], 1);
        open_dashboard(&screen, *state);
        if (grounds_of_selected(&screen) != 1)
            fail_msg("%s: %d grounds in the selected row", terminals[i], grounds_of_selected(&screen));
        screen_type(&screen, "Q");
        assert_true(screen_wait_end(&screen));
        screen_stop(&screen);
    }
    setenv("TERM", "xterm-256color", 1);
}

static void copying__is_said_where_the_terminal_can_and_shown_where_it_cannot(void **state)
{
    struct screen screen;
    open_dashboard(&screen, *state);
    screen_type(&screen, "/checkout\rcn");
    assert_true(screen_wait(&screen, "copied the name: feature/checkout"));
    screen_type(&screen, "Q");
    assert_true(screen_wait_end(&screen));
    screen_stop(&screen);
    setenv("TERM", "screen", 1); /* terminfo knows no Ms of it */
    open_dashboard(&screen, *state);
    screen_type(&screen, "/checkout\rcn");
    assert_true(screen_wait(&screen, "this terminal has no clipboard"));
    screen_type(&screen, "Q");
    assert_true(screen_wait_end(&screen));
    screen_stop(&screen);
    setenv("TERM", "xterm-256color", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resize__is_followed),
        cmocka_unit_test(wide_names__keep_the_border_straight),
        cmocka_unit_test(sigterm__restores_the_terminal),
        cmocka_unit_test(control_c__never_quits),
        cmocka_unit_test(a_storm_of_resizes__leaves_the_last_size),
        cmocka_unit_test(a_hang_up__ends_it),
        cmocka_unit_test(few_colours__select_a_row_on_one_ground),
        cmocka_unit_test(copying__is_said_where_the_terminal_can_and_shown_where_it_cannot),
        cmocka_unit_test(a_paste__opens_nothing),
        cmocka_unit_test(a_berthd_that_is_killed__is_started_again_by_the_dashboard),
        cmocka_unit_test(a_branch__becomes_an_environment_and_is_gone_again),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
