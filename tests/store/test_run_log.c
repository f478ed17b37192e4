/* SPDX-License-Identifier: ISC */
/* The logs of runs. */
#include "berth/store_log.h"

#include "berth/base/file.h"
#include "berth/base/memory.h"
#include "ok.h"
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static int set_up(void **state)
{
    *state = place_make();
    return 0;
}

static int tear_down(void **state)
{
    place_remove(*state);
    return 0;
}

static void append(const char *folder, const char *step, const char *text)
{
    struct run_log log;
    OK(run_log_open(&log, folder, "17", step, &error));
    OK(run_log_append(&log, text, strlen(text), &error));
    run_log_close(&log);
}

static void log__is_read_by_offset_and_appended_by_the_next_attempt(void **state)
{
    const char *folder = *state;
    assert_int_equal(run_log_size(folder, "17", "17.apply.x"), 0);
    struct str out = STR_INIT;
    OK(run_log_read(folder, "17", "17.apply.x", 0, 100, &out, &error));
    assert_int_equal(out.length, 0);
    append(folder, "17.apply.x", "one\ntwo\n");
    append(folder, "17.apply.x", "three");
    assert_int_equal(run_log_size(folder, "17", "17.apply.x"), 13);
    OK(run_log_read(folder, "17", "17.apply.x", 4, 4, &out, &error));
    assert_string_equal(out.data, "two\n");
    OK(run_log_read(folder, "17", "17.apply.x", 13, 4, &out, &error));
    assert_int_equal(out.length, 4);
    str_release(&out);
}

static void names__of_any_id_stay_inside_and_apart(void **state)
{
    const char *folder = *state;
    static const char *const steps[] = {
        "17.apply.server[1]",
        "17.apply.server(1)",
        "17.apply.server-1-",
        "../../etc/passwd",
        "..",
        ".",
        "",
        "a/b",
        "a\nb",
        "17.apply.shop:server",
        "\xff\xfe",
        "~x",
        "-x~77cf3aa5c5d1",
    };
    VEC(char *) paths = {0};
    size_t length = strlen(folder) + strlen("/logs/17/");
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        char *path = run_log_path(folder, "17", steps[i]);
        assert_null(strchr(path + length, '/'));
        assert_true(path[length] != '.');
        for (size_t other = 0; other < paths.count; other++)
            assert_string_not_equal(path, paths.items[other]);
        vec_push(&paths, path);
    }
    for (size_t i = 0; i < paths.count; i++)
        free(paths.items[i]);
    vec_release(&paths);
    char *longest = mem_zero(1, 5001);
    memset(longest, 'a', 5000);
    char *path = run_log_path(folder, "17", longest);
    assert_true(strlen(path + length) < 200);
    free(path);
    free(longest);
    path = run_log_path("/s", "17", "17.apply.web-1");
    assert_string_equal(path, "/s/logs/17/17.apply.web-1.log");
    free(path);
}

static void files__are_the_owners_alone(void **state)
{
    const char *folder = *state;
    append(folder, "17.apply.x", "x");
    struct stat status;
    char *path = run_log_path(folder, "17", "17.apply.x");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    *strrchr(path, '/') = '\0';
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    free(path);
}

static void line__of_100_mb_is_written_and_read_in_parts(void **state)
{
    const char *folder = *state;
    const size_t part = 1 << 20, parts = 100;
    char *bytes = mem_alloc(part);
    memset(bytes, 'x', part);
    struct run_log log;
    OK(run_log_open(&log, folder, "1", "1.apply.x", &error));
    for (size_t i = 0; i < parts; i++)
        OK(run_log_append(&log, bytes, part, &error));
    assert_int_equal(log.size, part * parts);
    run_log_close(&log);
    assert_int_equal(run_log_size(folder, "1", "1.apply.x"), part * parts);
    struct str out = STR_INIT;
    OK(run_log_read(folder, "1", "1.apply.x", 50 << 20, SIZE_MAX, &out, &error));
    assert_int_equal(out.length, RUN_LOG_READ_LIMIT);
    int64_t offset;
    OK(run_log_tail(folder, "1", "1.apply.x", 10, &offset, &error));
    assert_int_equal(offset, part * parts - RUN_LOG_READ_LIMIT);
    str_release(&out);
    free(bytes);
}

static void log__past_its_limit_says_so_and_drops(void **state)
{
    const char *folder = *state;
    append(folder, "s", "x");
    char *path = run_log_path(folder, "17", "s");
    assert_int_equal(truncate(path, RUN_LOG_LIMIT - 3), 0); /* a hole: nothing is really written */
    free(path);
    struct run_log log;
    OK(run_log_open(&log, folder, "17", "s", &error));
    OK(run_log_append(&log, "abcdef", 6, &error));
    assert_true(log.full);
    int64_t size = log.size;
    OK(run_log_append(&log, "more", 4, &error));
    run_log_close(&log);
    assert_int_equal(run_log_size(folder, "17", "s"), size);
    struct str out = STR_INIT;
    OK(run_log_read(folder, "17", "s", RUN_LOG_LIMIT - 3, 100, &out, &error));
    assert_memory_equal(out.data, "abc\nberth: this log is longer", 28);
    str_release(&out);
    OK(run_log_open(&log, folder, "17", "s", &error));
    assert_true(log.full);
    run_log_close(&log);
}

static void tail__finds_where_the_last_lines_begin(void **state)
{
    const char *folder = *state;
    append(folder, "s", "one\ntwo\nthree\n");
    int64_t offset;
    OK(run_log_tail(folder, "17", "s", 1, &offset, &error));
    assert_int_equal(offset, 8);
    OK(run_log_tail(folder, "17", "s", 2, &offset, &error));
    assert_int_equal(offset, 4);
    OK(run_log_tail(folder, "17", "s", 99, &offset, &error));
    assert_int_equal(offset, 0);
    append(folder, "s", "part");
    OK(run_log_tail(folder, "17", "s", 2, &offset, &error));
    assert_int_equal(offset, 8);
    OK(run_log_tail(folder, "17", "nothing", 2, &offset, &error));
    assert_int_equal(offset, 0);
}

static void watch__wakes_when_a_log_grows_or_appears(void **state)
{
    const char *folder = *state;
    int fd = run_log_watch(folder, "17");
    assert_true(fd >= 0);
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 0), 0);
    append(folder, "s", "x");
    assert_int_equal(poll(&ready, 1, 5000), 1);
    run_log_woken(fd);
    assert_int_equal(poll(&ready, 1, 0), 0);
    append(folder, "s", "y");
    assert_int_equal(poll(&ready, 1, 5000), 1);
    close(fd);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(log__is_read_by_offset_and_appended_by_the_next_attempt),
        IN_A_FOLDER(names__of_any_id_stay_inside_and_apart),
        IN_A_FOLDER(files__are_the_owners_alone),
        IN_A_FOLDER(line__of_100_mb_is_written_and_read_in_parts),
        IN_A_FOLDER(log__past_its_limit_says_so_and_drops),
        IN_A_FOLDER(tail__finds_where_the_last_lines_begin),
        IN_A_FOLDER(watch__wakes_when_a_log_grows_or_appears),
    };
    return cmocka_run_group_tests_name("run_log", tests, NULL, NULL);
}
