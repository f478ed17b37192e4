/* SPDX-License-Identifier: ISC */
/* The local runner: what a tool sees, what is kept of what it says, and what is left of it. */
#include "prelude.h"

#include "berth/base/process.h"
#include "berth/base/time.h"

#include <fcntl.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct provider_runner *runner(void)
{
    return provider_named("local")->runner;
}

static struct runner_outcome run_job(struct place *place, struct runner_job *job)
{
    struct runner_outcome outcome;
    if (!job->folder)
        job->folder = place->tree;
    must(runner()->run(&place->context, job, &outcome, &place->error), &place->error);
    return outcome;
}

static struct runner_outcome run_shell(struct place *place, const char *script)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    struct runner_job job = {.argv = argv};
    return run_job(place, &job);
}

static int setup(void **state)
{
    static struct place place;
    place_make(&place, "local");
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    place_remove(*state);
    return 0;
}

static pid_t pid_in(struct place *place, const char *file)
{
    struct str text = STR_INIT;
    char *path = path_join(place->tree, file);
    long long pid = 0;
    for (int64_t until = time_monotonic_ms() + PATIENCE_MS; pid == 0;) {
        str_clear(&text);
        if (file_read(path, 100, &text, NULL) && text.length > 0 && text.data[text.length - 1] == '\n') {
            str_cut(&text, text.length - 1);
            assert_true(text_to_int(text.data, &pid));
        }
        assert_true(time_monotonic_ms() < until);
    }
    free(path);
    str_release(&text);
    return (pid_t)pid;
}

/* An ended process that nobody reaped yet counts as gone. */
static bool is_gone(pid_t pid)
{
    uint64_t ticks;
    return !process_start_ticks(pid, &ticks) || !process_alive(pid, ticks);
}

static void run__gives_exit_status_and_last_line(void **state)
{
    struct runner_outcome outcome = run_shell(*state, "echo first; echo 'it broke' >&2; echo; exit 3");
    assert_int_equal(outcome.exit_status, 3);
    assert_false(outcome.cancelled || outcome.timed_out);
    assert_string_equal(outcome.last_line, "it broke");
    assert_string_equal(place_log(*state), "first\nit broke\n\n");
    outcome = run_shell(*state, "kill -9 $$");
    assert_int_equal(outcome.exit_status, 128 + SIGKILL);
}

static void run__gives_a_clean_environment(void **state)
{
    struct place *place = *state;
    const char *const argv[] = {"env", NULL};
    json_t *environment = json_pack("{s:s, s:s}", "BERTH_SLUG", "x y", "LANG", "C");
    struct runner_job job = {.argv = argv, .environment = environment, .outputs_file = "/somewhere"};
    setenv("SHOULD_NOT_BE_SEEN", "1", 1);
    assert_int_equal(run_job(place, &job).exit_status, 0);
    const char *log = place_log(place);
    assert_null(strstr(log, "SHOULD_NOT_BE_SEEN"));
    assert_non_null(strstr(log, "BERTH_SLUG=x y\n"));
    assert_non_null(strstr(log, arena_printf(&place->arena, "BERTH_STEP_TOKEN=%s\n", place->context.token)));
    assert_non_null(strstr(log, "BERTH_OUTPUTS=/somewhere\n"));
    assert_non_null(strstr(log, "LANG=C\n"));
    assert_non_null(strstr(log, "PATH="));
    json_decref(environment);
}

static void run__says_when_a_program_is_missing(void **state)
{
    struct place *place = *state;
    const char *const argv[] = {"./not-there", NULL};
    struct runner_job job = {.argv = argv, .folder = place->tree};
    struct runner_outcome outcome;
    assert_false(runner()->run(&place->context, &job, &outcome, &place->error));
    assert_int_equal(place->error.code, ERROR_NOT_FOUND);
    assert_int_equal(outcome.exit_status, -1);
}

static void run__redacts_what_the_tool_says(void **state)
{
    struct place *place = *state;
    place->context.redactor = redactor_new();
    redactor_add(place->context.redactor, "hunter2hunter2", 14);
    struct runner_outcome outcome =
        run_shell(place, "printf hunter2; printf 'hunter2 and\\0more\\n'; echo end hunter2hunter2");
    assert_string_equal(outcome.last_line, "end ***");
    struct str text = STR_INIT;
    must(file_read(place->log, 1000, &text, &place->error), &place->error);
    assert_int_equal(text.length, strlen("*** and") + 1 + strlen("more\nend ***\n"));
    assert_memory_equal(text.data, "*** and\0more\nend ***\n", text.length);
    str_release(&text);
    redactor_free(place->context.redactor);
    place->context.redactor = NULL;
}

static void run__takes_a_hundred_megabytes_in_one_line(void **state)
{
    struct place *place = *state;
    int64_t began = time_monotonic_ms();
    place->context.redactor = redactor_new();
    redactor_add(place->context.redactor, "hunter2hunter2", 14);
    assert_int_equal(run_shell(place, "head -c 104857600 /dev/zero | tr '\\0' x").exit_status, 0);
    print_message("# 100 MB in %lld ms\n", (long long)(time_monotonic_ms() - began));
    assert_int_equal(lseek(place->written.fd, 0, SEEK_END), 104857600);
    redactor_free(place->context.redactor);
    place->context.redactor = NULL;
}

static void run__keeps_no_more_of_a_log_than_its_limit(void **state)
{
    struct place *place = *state;
    place->written.size = RUN_LOG_LIMIT - 10;
    assert_int_equal(run_shell(place, "head -c 100000 /dev/zero | tr '\\0' x").exit_status, 0);
    provider_log(&place->context, "no more of this either");
    const char *log = place_log(place);
    assert_memory_equal(log, "xxxxxxxxxx\nberth: this log is longer than 1 GiB", 47);
    assert_true(strlen(log) < 100);
}

static void run__time_is_over_for_one_that_writes_without_a_pause(void **state)
{
    struct place *place = *state;
    place->written.size = RUN_LOG_LIMIT;
    place->context.deadline_ms = time_monotonic_ms() + 200;
    assert_true(run_shell(place, "yes").timed_out);
}

static void run__leaves_what_was_detached_and_does_not_wait_for_it(void **state)
{
    struct place *place = *state;
    int64_t began = time_monotonic_ms();
    struct runner_outcome outcome = run_shell(place, "setsid sh -c 'echo $$ >detached; exec sleep 300' & exit 0");
    assert_int_equal(outcome.exit_status, 0);
    assert_true(time_monotonic_ms() - began < 5000);
    pid_t pid = pid_in(place, "detached");
    assert_false(is_gone(pid));
    assert_int_equal(kill(pid, SIGKILL), 0);
    while (waitpid(pid, NULL, 0) < 0) {
    }
}

static void run__gives_what_is_about_to_detach_a_moment(void **state)
{
    struct place *place = *state;
    const char *script = "(sleep 0.05; exec setsid sh -c 'echo $$ >detached; exec sleep 300') >/dev/null 2>&1 & exit 0";
    assert_int_equal(run_shell(place, script).exit_status, 0);
    pid_t pid = pid_in(place, "detached");
    assert_false(is_gone(pid));
    assert_int_equal(kill(pid, SIGKILL), 0);
    while (waitpid(pid, NULL, 0) < 0) {
    }
}

static void run__loses_nothing_that_only_looks_like_a_secret(void **state)
{
    struct place *place = *state;
    place->context.redactor = redactor_new();
    redactor_add(place->context.redactor, "hunter2hunter2", 14);
    struct runner_outcome outcome = run_shell(place, "printf 'the end: hunter2hunt'");
    assert_string_equal(place_log(place), "the end: hunter2hunt");
    assert_string_equal(outcome.last_line, "the end: hunter2hunt");
    redactor_free(place->context.redactor);
    place->context.redactor = NULL;
}

static void run__ends_what_stays_in_the_session(void **state)
{
    struct place *place = *state;
    /* its output is elsewhere, so the pipe says nothing; its group is its own, so only the session does */
    const char *script =
        "set -m; sh -c 'echo $$ >left; exec sleep 300' >/dev/null 2>&1 & while ! test -s left; do :; done";
    assert_int_equal(run_shell(place, script).exit_status, 0);
    assert_true(is_gone(pid_in(place, "left")));
}

static void run__stops_at_its_time_even_what_ignores_signals(void **state)
{
    struct place *place = *state;
    const char *const argv[] = {
        "sh", "-c",
        "trap '' INT TERM; setsid sh -c 'trap \"\" INT TERM; echo $$ >deep; while :; do sleep 1; done' & while :; do sleep 1; done",
        NULL};
    struct runner_job job = {.argv = argv, .timeout_ms = 300, .grace_ms = 50};
    place->context.deadline_ms = 0;
    struct runner_outcome outcome = run_job(place, &job);
    assert_true(outcome.timed_out);
    assert_int_equal(outcome.exit_status, 128 + SIGKILL);
    assert_true(is_gone(pid_in(place, "deep")));
}

static void run__interrupts_first_when_it_is_stopped(void **state)
{
    struct place *place = *state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const char *const argv[] = {
        "sh", "-c", "trap 'echo interrupted; exit 7' INT; echo $$ >started; while :; do sleep 0.05; done", NULL};
    struct runner_job job = {.argv = argv, .folder = place->tree};
    struct runner_outcome outcome = {0};
    place->context.stop_fd = ends[0];
    pid_t teller = fork();
    if (teller == 0) { /* tells it to stop as soon as it has started */
        (void)pid_in(place, "started");
        _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
    }
    must(runner()->run(&place->context, &job, &outcome, &place->error), &place->error);
    assert_true(outcome.cancelled);
    assert_false(outcome.timed_out);
    assert_int_equal(outcome.exit_status, 7);
    assert_non_null(strstr(place_log(place), "interrupted\n"));
    while (waitpid(teller, NULL, 0) < 0 && errno == EINTR) {
    }
    place->context.stop_fd = -1;
    close(ends[0]);
    close(ends[1]);
}

static void run__starts_nothing_when_it_is_stopped_before(void **state)
{
    struct place *place = *state;
    place->context.deadline_ms = 1;
    struct runner_outcome outcome = run_shell(place, "echo ran >ran");
    place->context.deadline_ms = 0;
    assert_true(outcome.timed_out);
    assert_int_equal(outcome.exit_status, -1);
    char *path = path_join(place->tree, "ran");
    assert_false(file_exists(path));
    free(path);
}

static void run__refuses_a_sandbox_it_has_not(void **state)
{
    struct place *place = *state;
    const char *const argv[] = {"true", NULL};
    struct runner_job job = {.argv = argv, .folder = place->tree};
    struct runner_outcome outcome;
    place_key(place, "sandbox", "bubblewrap");
    assert_false(runner()->run(&place->context, &job, &outcome, &place->error));
    assert_int_equal(place->error.code, ERROR_UNSUPPORTED);
}

static void run__leaks_nothing_and_is_fast(void **state)
{
    struct place *place = *state;
    const char *const argv[] = {"true", NULL};
    size_t before = open_descriptors();
    int64_t began_us = time_monotonic_us();
    for (int i = 0; i < 500; i++) {
        struct runner_job job = {.argv = argv};
        assert_int_equal(run_job(place, &job).exit_status, 0);
    }
    int64_t ours_us = time_monotonic_us() - began_us;
    began_us = time_monotonic_us();
    for (int i = 0; i < 500; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            execlp("true", "true", (char *)NULL);
            _exit(127);
        }
        while (waitpid(pid, NULL, 0) < 0) {
        }
    }
    print_message("# %lld us a run, %lld us for fork, exec and wait alone\n", (long long)ours_us / 500,
                  (long long)(time_monotonic_us() - began_us) / 500);
    assert_int_equal(open_descriptors(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void run__gives_output_whole_to_who_asks_and_not_to_the_log(void **state)
{
    struct place *place = *state;
    const char *const argv[] = {"sh", "-c", "echo told >&2; printf 'one\\ntwo'; exit 3", NULL};
    struct str output = STR_INIT;
    struct runner_job job = {.argv = argv, .output = &output, .output_limit = 100};
    str_add(&output, "kept:");
    assert_int_equal(run_job(place, &job).exit_status, 3);
    assert_string_equal(output.data, "kept:one\ntwo");
    assert_string_equal(place_log(place), "told\n");
    str_release(&output);
}

static void run__refuses_output_over_the_limit(void **state)
{
    struct place *place = *state;
    const char *const argv[] = {"sh", "-c", "head -c 1000000 /dev/zero", NULL};
    struct str output = STR_INIT;
    struct runner_outcome outcome;
    struct runner_job job = {.argv = argv, .folder = place->tree, .output = &output, .output_limit = 999999};
    assert_false(runner()->run(&place->context, &job, &outcome, &place->error));
    assert_int_equal(place->error.code, ERROR_LIMIT);
    assert_int_equal(output.length, 999999);
    str_clear(&output);
    job.output_limit = 1000000;
    must(runner()->run(&place->context, &job, &outcome, &place->error), &place->error);
    assert_int_equal(output.length, 1000000);
    str_release(&output);
}

struct lines {
    size_t count, longest;
    struct str all;
};

static void take_line(const char *line, size_t length, void *owner)
{
    struct lines *lines = owner;
    lines->count++;
    lines->longest = length > lines->longest ? length : lines->longest;
    if (length < 100) {
        str_add_bytes(&lines->all, line, length);
        str_add_char(&lines->all, '|');
    }
}

static void run__hands_lines_over_one_by_one(void **state)
{
    struct place *place = *state;
    const char *const argv[] = {"sh", "-c",
                                "printf 'one\\n\\ntw'; sleep 0.05; printf 'o\\n'; echo told >&2; head -c 3000000 "
                                "/dev/zero; printf '\\nlast'",
                                NULL};
    struct lines lines = {.all = STR_INIT};
    struct runner_job job = {.argv = argv, .line = take_line, .owner = &lines};
    assert_int_equal(run_job(place, &job).exit_status, 0);
    assert_string_equal(lines.all.data, "one||two|told|last|");
    assert_int_equal(lines.count, 6);
    assert_int_equal(lines.longest, RUNNER_LINE_LIMIT);
    assert_string_equal(place_log(place), "");
    str_release(&lines.all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(run__gives_exit_status_and_last_line),
        TEST(run__gives_a_clean_environment),
        TEST(run__says_when_a_program_is_missing),
        TEST(run__redacts_what_the_tool_says),
        TEST(run__takes_a_hundred_megabytes_in_one_line),
        TEST(run__keeps_no_more_of_a_log_than_its_limit),
        TEST(run__time_is_over_for_one_that_writes_without_a_pause),
        TEST(run__leaves_what_was_detached_and_does_not_wait_for_it),
        TEST(run__gives_what_is_about_to_detach_a_moment),
        TEST(run__loses_nothing_that_only_looks_like_a_secret),
        TEST(run__ends_what_stays_in_the_session),
        TEST(run__stops_at_its_time_even_what_ignores_signals),
        TEST(run__interrupts_first_when_it_is_stopped),
        TEST(run__starts_nothing_when_it_is_stopped_before),
        TEST(run__hands_lines_over_one_by_one),
        TEST(run__refuses_output_over_the_limit),
        TEST(run__gives_output_whole_to_who_asks_and_not_to_the_log),
        TEST(run__refuses_a_sandbox_it_has_not),
        TEST(run__leaks_nothing_and_is_fast),
    };
    return TESTS_RUN(tests);
}
