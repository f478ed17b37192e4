/* SPDX-License-Identifier: ISC */
/* Child processes: how they start, end and are found. */
#include "prelude.h"

#include "berth/base/file.h"
#include "berth/base/process.h"
#include "berth/base/time.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static struct process_spec spec_of(const char *const *argv)
{
    return (struct process_spec){.argv = argv, .input_fd = -1, .output_fd = -1, .error_fd = -1};
}

/* The variable by which a test finds its processes again: nobody else's, for it ends whatever carries it. */
static const char *mark_of(char (*mark)[64], const char *step)
{
    snprintf(*mark, sizeof *mark, "BERTH_STEP=run-%d.%s", (int)getpid(), step);
    return *mark;
}

/* Runs it to its end; what it wrote to its output. */
static int run(struct process_spec *spec, struct str *output)
{
    int ends[2], status;
    struct process process;
    struct error error = {0};
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    spec->output_fd = ends[1];
    if (!process_start(spec, &process, &error))
        fail_msg("%s: %s", error.message, error.detail);
    close(ends[1]);
    for (ssize_t got = 1; got > 0;) {
        got = read(ends[0], str_reserve(output, 4096), 4096);
        if (got > 0)
            str_grew(output, (size_t)got);
    }
    close(ends[0]);
    assert_true(process_wait(&process, &status, &error));
    process_release(&process);
    return status;
}

static void process__gets_arguments_environment_folder_and_null_input(void **state)
{
    (void)state;
    static const char *const argv[] = {"sh", "-c", "cat; pwd; printf '%s|' \"$@\"; env", "sh", "a b", "$(id)",
                                       "",   NULL};
    static const char *const environment[] = {"PATH=/usr/bin:/bin", "ONE=1=2", NULL};
    struct str output = STR_INIT;
    struct process_spec spec = spec_of(argv);
    spec.environment = environment;
    spec.folder = "/usr";
    int status = run(&spec, &output);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(text_starts(output.data, "/usr\na b|$(id)||"));
    assert_non_null(strstr(output.data, "ONE=1=2\n"));
    assert_null(strstr(output.data, "HOME="));
    str_release(&output);
}

static void process__sees_no_descriptor_but_those_named(void **state)
{
    (void)state;
    static const char *const argv[] = {"/bin/sh", "-c", "cat <&3; cat <&4; ls /proc/self/fd | wc -l", NULL};
    int leaked = open("/dev/null", O_RDONLY), first[2], second[2]; /* leaked: not close-on-exec */
    assert_true(leaked >= 0 && pipe(first) == 0 && pipe(second) == 0);
    assert_int_equal(write(first[1], "first ", 6) + write(second[1], "second ", 7), 13);
    close(first[1]);
    close(second[1]);
    int extra[] = {second[0], first[0]};
    struct str output = STR_INIT;
    struct process_spec spec = spec_of(argv);
    spec.extra_fds = extra;
    spec.extra_count = 2;
    run(&spec, &output);
    /* 0, 1, 2, 3, 4 and the one with which ls reads the folder */
    assert_string_equal(output.data, "second first 6\n");
    close(first[0]);
    close(second[0]);
    close(leaked);
    str_release(&output);
}

/* Descriptors that stand in each other's way: what becomes 3 is 4, what becomes 4 is 3. */
static void process__can_swap_low_descriptors(void **state)
{
    (void)state;
    static const char *const argv[] = {"/bin/sh", "-c", "printf zero >&3; printf one >&4", NULL};
    int zero[2], one[2];
    assert_true(pipe(zero) == 0 && pipe(one) == 0);
    int keep_zero = dup(4), keep_one = dup(3);
    assert_true(dup2(zero[1], 4) == 4 && dup2(one[1], 3) == 3);
    int extra[] = {4, 3};
    struct process process;
    struct process_spec spec = spec_of(argv);
    spec.extra_fds = extra;
    spec.extra_count = 2;
    bool started = process_start(&spec, &process, NULL);
    if (keep_zero >= 0)
        dup2(keep_zero, 4);
    if (keep_one >= 0)
        dup2(keep_one, 3);
    assert_true(started);
    int status;
    char buffer[8] = "";
    assert_true(process_wait(&process, &status, NULL));
    process_release(&process);
    assert_int_equal(read(zero[0], buffer, sizeof buffer), 4);
    assert_memory_equal(buffer, "zero", 4);
    assert_int_equal(read(one[0], buffer, sizeof buffer), 3);
    assert_memory_equal(buffer, "one", 3);
}

static void check_refused(const char *program, const char *folder, enum error_code code, const char *words)
{
    const char *argv[] = {program, NULL};
    struct process_spec spec = spec_of(argv);
    struct process process;
    struct error error = {0};
    char line[2200];
    spec.folder = folder;
    assert_false(process_start(&spec, &process, &error));
    assert_int_equal(process.pid, 0);
    if (error.code != code || !strstr(error_line(&error, line, sizeof line), words))
        fail_msg("%s: %s", program, error_line(&error, line, sizeof line));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie is left */
}

static void process__that_cannot_run_is_an_error_and_not_an_exit_status(void **state)
{
    (void)state;
    char *folder = test_folder(), *script = path_join(folder, "script"), *plain = path_join(folder, "plain"),
         *broken = path_join(folder, "broken");
    assert_true(file_replace(script, "echo hello\n", 11, 0755, FILE_RELAXED, NULL));
    assert_true(file_replace(plain, "x", 1, 0644, FILE_RELAXED, NULL));
    assert_true(file_replace(broken, "#!/no/such/shell\n", 17, 0755, FILE_RELAXED, NULL));
    check_refused("no-such-program-at-all", NULL, ERROR_NOT_FOUND, "no such program in");
    check_refused("/no/such/program", NULL, ERROR_NOT_FOUND, "No such file");
    check_refused("", NULL, ERROR_NOT_FOUND, "no such program");
    check_refused("true", "/no/such/folder", ERROR_NOT_FOUND, "/no/such/folder");
    check_refused(plain, NULL, ERROR_IO, "chmod");
    if (!text_starts(getenv("BERTH_TEST_WRAPPER"), "valgrind")) { /* which does such execve calls in its own way */
        check_refused(script, NULL, ERROR_IO, "#!/bin/sh");
        check_refused(broken, NULL, ERROR_NOT_FOUND, "interpreter");
    }
    check_refused(folder, NULL, ERROR_IO, "Permission denied");
    assert_true(folder_remove(folder, NULL));
    free(folder);
    free(script);
    free(plain);
    free(broken);
}

static void process__starts_with_default_signals_whatever_the_parent_has(void **state)
{
    (void)state;
    static const char *const argv[] = {"/bin/sh", "-c", "kill -PIPE $$; echo lived", NULL};
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sigset_t blocked, mask;
    sigaction(SIGPIPE, &ignore, &before);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGPIPE);
    sigprocmask(SIG_BLOCK, &blocked, &mask);
    struct str output = STR_INIT, text = STR_INIT;
    struct process_spec spec = spec_of(argv);
    int status = run(&spec, &output);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    sigaction(SIGPIPE, &before, NULL);
    process_status_text(&text, status);
    assert_string_equal(text.data, "killed by SIGPIPE");
    assert_string_equal(output.data, "");
    str_release(&output);
    str_release(&text);
}

static void process_status__is_said_in_words(void **state)
{
    (void)state;
    struct str text = STR_INIT;
    process_status_text(&text, 3 << 8);
    str_add_char(&text, ' ');
    process_status_text(&text, SIGKILL);
    str_add_char(&text, ' ');
    process_status_text(&text, 0);
    str_add_char(&text, ' ');
    process_status_text(&text, PROCESS_STATUS_UNKNOWN);
    assert_string_equal(text.data, "exit 3 killed by SIGKILL exit 0 ended, nobody knows how");
    str_release(&text);
}

static void process__is_named_by_pid_and_start(void **state)
{
    (void)state;
    static const char *const argv[] = {"sleep", "1000", NULL};
    struct process_spec spec = spec_of(argv);
    struct process process;
    int status = 0;
    uint64_t ticks;
    assert_true(process_start(&spec, &process, NULL));
    assert_true(process_start_ticks(process.pid, &ticks));
    assert_int_equal(ticks, process.start_ticks);
    assert_true(process_alive(process.pid, ticks));
    assert_false(process_alive(process.pid, ticks + 1));
    assert_false(process_poll(&process, &status));
    assert_true(process_signal(&process, SIGTERM));
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)process.pid, &info, WEXITED | WNOWAIT), 0);
    assert_false(process_alive(process.pid, ticks)); /* a zombie is not */
    assert_true(process_poll(&process, &status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
    assert_false(process_signal(&process, SIGTERM)); /* nobody else gets it */
    assert_true(process_poll(&process, &status));
    assert_int_equal(status, PROCESS_STATUS_UNKNOWN);
    process_release(&process);
    process_release(&process);
    assert_false(process_start_ticks(999999999, &ticks));
}

static void process__is_known_whatever_its_name_holds(void **state)
{
    (void)state;
    uint64_t before, after;
    assert_true(process_start_ticks(getpid(), &before));
    assert_int_equal(prctl(PR_SET_NAME, "a) Z 1 (b)"), 0);
    assert_true(process_start_ticks(getpid(), &after));
    assert_int_equal(before, after);
    assert_true(process_alive(getpid(), after));
}

static void refuse_self(pid_t pid, void *context)
{
    (void)context;
    assert_int_not_equal(pid, getpid());
}

static void process_find__leaves_its_caller_out(void **state)
{
    (void)state;
    process_find(NULL, getsid(0), refuse_self, NULL);
}

static void process__in_a_session_of_its_own_is_found_by_it(void **state)
{
    (void)state;
    static const char *const argv[] = {"/bin/sh", "-c", "sleep 1000 & sleep 1000", NULL};
    struct process_spec spec = spec_of(argv);
    struct process process;
    struct error error = {0};
    int status;
    spec.flags = PROCESS_NEW_SESSION;
    assert_true(process_start(&spec, &process, &error));
    assert_int_equal(getsid(process.pid), process.pid);
    for (int64_t end_ms = time_monotonic_ms() + PATIENCE_MS; process_find(NULL, process.pid, NULL, NULL) < 3;)
        assert_true(time_monotonic_ms() < end_ms);
    assert_true(process_end_all(NULL, process.pid, SIGTERM, PATIENCE_MS, PATIENCE_MS, &error));
    assert_int_equal(process_find(NULL, process.pid, NULL, NULL), 0);
    assert_true(process_wait(&process, &status, &error));
    process_release(&process);
}

/* A tool that ignores the first signal, whose children left the session, and that goes on forking. */
static void process_end_all__ends_what_forks_ignores_and_detaches(void **state)
{
    (void)state;
    static const char *const argv[] = {
        "/bin/sh", "-c", "trap '' INT TERM; setsid sleep 1000 & while :; do setsid sleep 1000 & sleep 0.01; done",
        NULL};
    char mark[64], other[64];
    const char *const environment[] = {"PATH=/usr/bin:/bin", mark_of(&mark, "server"), NULL};
    struct process_spec spec = spec_of(argv);
    struct process process;
    struct error error = {0};
    int status;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    spec.environment = environment;
    assert_true(process_start(&spec, &process, &error));
    for (int64_t end_ms = time_monotonic_ms() + PATIENCE_MS; process_find(mark, 0, NULL, NULL) < 10;)
        assert_true(time_monotonic_ms() < end_ms);
    assert_int_equal(process_find(mark_of(&other, "serve"), 0, NULL, NULL), 0); /* whole entries only */
    assert_int_equal(process_find(mark_of(&other, "server2"), 0, NULL, NULL), 0);
    assert_int_equal(process_find(mark + strlen("BERTH_"), 0, NULL, NULL), 0);
    assert_true(process_end_all(mark, 0, SIGINT, 50, PATIENCE_MS, &error));
    assert_int_equal(process_find(mark, 0, NULL, NULL), 0);
    assert_true(process_wait(&process, &status, &error));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    process_release(&process);
    while (waitpid(-1, NULL, 0) > 0) {
    }
}

static void process_end_all__gives_time_and_wakes_the_stopped(void **state)
{
    (void)state;
    static const char *const argv[] = {"/bin/sh", "-c", "trap 'exit 9' INT; echo; while :; do sleep 0.01; done", NULL};
    char mark[64];
    const char *const environment[] = {"PATH=/usr/bin:/bin", mark_of(&mark, "x"), NULL};
    struct process_spec spec = spec_of(argv);
    struct process process;
    struct error error = {0};
    int status, ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    spec.environment = environment;
    spec.output_fd = ends[1];
    assert_true(process_start(&spec, &process, &error));
    assert_int_equal(read(ends[0], &byte, 1), 1); /* the trap is set */
    assert_true(process_signal(&process, SIGSTOP));
    assert_true(process_end_all(mark, 0, SIGINT, PATIENCE_MS, PATIENCE_MS, &error));
    assert_true(process_wait(&process, &status, &error));
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 9);
    process_release(&process);
    close(ends[0]);
    close(ends[1]);
}

static void process_end_all__says_when_it_could_not(void **state)
{
    (void)state;
    static const char *const argv[] = {"/bin/sh", "-c", "trap '' INT; echo; while :; do sleep 0.01; done", NULL};
    char mark[64];
    const char *const environment[] = {"PATH=/usr/bin:/bin", mark_of(&mark, "x"), NULL};
    struct process_spec spec = spec_of(argv);
    struct process process;
    struct error error = {0};
    int status, ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    spec.environment = environment;
    spec.output_fd = ends[1];
    assert_true(process_start(&spec, &process, &error));
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_false(process_end_all(mark, 0, SIGINT, PATIENCE_MS, 0, &error)); /* grace beyond the limit */
    assert_int_equal(error.code, ERROR_TIMEOUT);
    assert_true(process_end_all(mark, 0, SIGINT, 0, PATIENCE_MS, &error));
    assert_true(process_wait(&process, &status, &error));
    process_release(&process);
    close(ends[0]);
    close(ends[1]);
}

static void process__dies_with_its_parent_when_asked(void **state)
{
    (void)state;
    static const char *const argv[] = {"sleep", "1000", NULL};
    int ends[2];
    struct {
        pid_t pid;
        uint64_t ticks;
    } child;
    memset(&child, 0, sizeof child);
    assert_int_equal(pipe(ends), 0);
    pid_t parent = fork();
    if (parent == 0) {
        struct process_spec spec = spec_of(argv);
        struct process process;
        spec.flags = PROCESS_DIE_WITH_PARENT;
        if (!process_start(&spec, &process, NULL))
            _exit(1);
        child.pid = process.pid;
        child.ticks = process.start_ticks;
        _exit(write(ends[1], &child, sizeof child) != sizeof child);
    }
    assert_int_equal(read(ends[0], &child, sizeof child), sizeof child);
    waitpid(parent, NULL, 0);
    for (int64_t end_ms = time_monotonic_ms() + PATIENCE_MS; process_alive(child.pid, child.ticks);)
        assert_true(time_monotonic_ms() < end_ms);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(process__gets_arguments_environment_folder_and_null_input),
        cmocka_unit_test(process__sees_no_descriptor_but_those_named),
        cmocka_unit_test(process__can_swap_low_descriptors),
        cmocka_unit_test(process__that_cannot_run_is_an_error_and_not_an_exit_status),
        cmocka_unit_test(process__starts_with_default_signals_whatever_the_parent_has),
        cmocka_unit_test(process_status__is_said_in_words),
        cmocka_unit_test(process__is_named_by_pid_and_start),
        cmocka_unit_test(process__is_known_whatever_its_name_holds),
        cmocka_unit_test(process_find__leaves_its_caller_out),
        cmocka_unit_test(process__in_a_session_of_its_own_is_found_by_it),
        cmocka_unit_test(process_end_all__ends_what_forks_ignores_and_detaches),
        cmocka_unit_test(process_end_all__gives_time_and_wakes_the_stopped),
        cmocka_unit_test(process_end_all__says_when_it_could_not),
        cmocka_unit_test(process__dies_with_its_parent_when_asked),
    };
    return TESTS_RUN(tests);
}
