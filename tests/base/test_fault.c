/* SPDX-License-Identifier: ISC */
/* Fault points and diagnostic lines. */
#include "prelude.h"

#include "berth/base/fault.h"
#include "berth/base/file.h"
#include "berth/base/log.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_known_process(const char *name)
{
    static const char *const known[] = {"any",    "supervisor", "worker", "observer", "notifier",
                                        "keeper", "dashboard",  "tool",   "server"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (text_equal(name, known[i]))
            return true;
    }
    return false;
}

static void fault_table__has_names_of_process_and_moment(void **state)
{
    (void)state;
    size_t count;
    const struct fault_point *points = fault_points(&count);
    assert_true(count >= 24);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(strchr(points[i].name, '.'));
        assert_true(strlen(points[i].moment) > 10);
        assert_true(is_known_process(points[i].process));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(points[i].name, points[j].name);
    }
}

#ifdef BERTH_FAULTS
static void fault_fails__at_the_nth_time_only(void **state)
{
    (void)state;
    unsetenv("BERTH_FAULT_FOLDER");
    setenv("BERTH_FAULT", "store.write:3=fail,store.read:2+=fail", 1);
    for (int i = 1; i <= 5; i++)
        assert_int_equal(fault_fails("store.write"), i == 3);
    for (int i = 1; i <= 5; i++)
        assert_int_equal(fault_fails("store.read"), i >= 2);
    assert_false(fault_fails("provider.call"));
    unsetenv("BERTH_FAULT");
    assert_false(fault_fails("store.read"));
}

/* What becomes of a child that reaches the point three times. */
static int reach_in_child(const char *point)
{
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 3; i++)
            fault_point(point);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    if (WIFSTOPPED(status)) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return status;
}

static void fault_point__kills_stops_and_exits(void **state)
{
    (void)state;
    unsetenv("BERTH_FAULT_FOLDER");
    setenv("BERTH_FAULT", "worker.after_tool", 1);
    assert_int_equal(WTERMSIG(reach_in_child("worker.after_tool")), SIGKILL);
    assert_int_equal(reach_in_child("worker.after_result"), 0);
    setenv("BERTH_FAULT", "worker.after_tool:2=stop", 1);
    assert_true(WIFSTOPPED(reach_in_child("worker.after_tool")));
    setenv("BERTH_FAULT", "store.read:1=fail,worker.after_tool:3=exit", 1);
    assert_int_equal(WEXITSTATUS(reach_in_child("worker.after_tool")), 70);
    setenv("BERTH_FAULT", "worker.after_tool:4", 1);
    assert_int_equal(reach_in_child("worker.after_tool"), 0);
    unsetenv("BERTH_FAULT");
}

static void fault_folder__counts_over_processes_and_fires_once(void **state)
{
    (void)state;
    char folder[] = "/tmp/berth-test-XXXXXX", mark[64], count[64]; /* on the stack: the children leave them behind */
    assert_non_null(mkdtemp(folder));
    snprintf(mark, sizeof mark, "%s/tool.running.fired", folder);
    snprintf(count, sizeof count, "%s/tool.running.count", folder);
    setenv("BERTH_FAULT_FOLDER", folder, 1);
    setenv("BERTH_FAULT", "tool.running:5", 1);
    assert_int_equal(reach_in_child("tool.running"), 0); /* 1, 2, 3 */
    assert_false(file_exists(mark));
    assert_int_equal(WTERMSIG(reach_in_child("tool.running")), SIGKILL); /* 4, 5 */
    assert_true(file_exists(mark));
    assert_int_equal(reach_in_child("tool.running"), 0);
    struct str text = STR_INIT;
    assert_true(file_read(count, 64, &text, NULL));
    assert_string_equal(text.data, "8\n");
    unsetenv("BERTH_FAULT");
    unsetenv("BERTH_FAULT_FOLDER");
    assert_true(folder_remove(folder, NULL));
    str_release(&text);
}
#endif

static void log_line__is_one_harmless_line_of_the_rooms_asked_for(void **state)
{
    (void)state;
    int ends[2];
    char buffer[4096] = "";
    struct error error;
    assert_int_equal(pipe(ends), 0);
    log_setup(ends[1], LOG_WARNING, "engine,store");
    log_line("ui", LOG_INFO, "not asked for");
    log_line("stor", LOG_TRACE, "not asked for");
    log_line("store", LOG_TRACE, "traced %d\n\x1b[1m", 7);
    error_set(&error, ERROR_IO, "cannot read");
    error_detail(&error, "it burns");
    log_error("ui", LOG_ERROR, &error);
    log_setup(ends[1], LOG_WARNING, "all");
    log_line("anything", LOG_TRACE, "all of them");
    log_setup(2, LOG_WARNING, NULL);
    assert_true(read(ends[0], buffer, sizeof buffer - 1) > 0);
    assert_null(strstr(buffer, "not asked for"));
    assert_non_null(strstr(buffer, "Z store trace traced 7\\x0a\\x1b[1m\n"));
    assert_non_null(strstr(buffer, "Z ui error cannot read: it burns\n"));
    assert_non_null(strstr(buffer, "Z anything trace all of them\n"));
    assert_true(buffer[4] == '-' && buffer[19] == '.' && buffer[23] == 'Z');
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fault_table__has_names_of_process_and_moment),
#ifdef BERTH_FAULTS
        cmocka_unit_test(fault_fails__at_the_nth_time_only),
        cmocka_unit_test(fault_point__kills_stops_and_exits),
        cmocka_unit_test(fault_folder__counts_over_processes_and_fires_once),
#endif
        cmocka_unit_test(log_line__is_one_harmless_line_of_the_rooms_asked_for),
    };
    return TESTS_RUN(tests);
}
