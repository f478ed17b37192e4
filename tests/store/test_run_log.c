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
#include <fcntl.h>
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
    struct run_log log = RUN_LOG_INIT;
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
    char longest[5001] = "", one_longer[5002] = "";
    memset(longest, 'a', sizeof longest - 1);
    memset(one_longer, 'a', sizeof one_longer - 1);
    const char *const ids[] = {
        "17.apply.server[1]",
        "17.apply.server(1)",
        "17.apply.server-1-",
        "../../etc/passwd",
        "..",
        ".",
        "",
        "a/b",
        "a\nb",
        "a\n17.apply.x 1 0\nb",
        "17.apply.x 1 0",
        "17.apply.shop:server",
        "\xff\xfe",
        "~x",
        "-x~77cf3aa5c5d1",
        longest,
        one_longer,
    };
    struct str out = STR_INIT;
    struct folder_list list = {0};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) { /* each is a step of run 17, and a run */
        struct run_log log = RUN_LOG_INIT;
        append(folder, ids[i], ids[i]);
        OK(run_log_open(&log, folder, ids[i], "s", &error));
        OK(run_log_append(&log, ids[i], strlen(ids[i]), &error));
        run_log_close(&log);
    }
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        str_clear(&out);
        OK(run_log_read(folder, "17", ids[i], 0, 10000, &out, &error));
        assert_string_equal(out.data, ids[i]);
        str_clear(&out);
        OK(run_log_read(folder, ids[i], "s", 0, 10000, &out, &error));
        assert_string_equal(out.data, ids[i]);
    }
    char *logs = path_join(folder, "logs");
    OK(folder_list(logs, &list, &error));
    assert_int_equal(list.count, 1 + sizeof ids / sizeof ids[0]);
    folder_list_free(&list);
    free(logs);
    str_release(&out);
}

static void files__are_the_owners_alone(void **state)
{
    const char *folder = *state;
    struct folder_list list = {0};
    struct stat status;
    append(folder, "17.apply.x", "x");
    char *path = path_join(folder, "logs/17");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    OK(folder_list(path, &list, &error));
    assert_int_equal(list.count, 2);
    for (size_t i = 0; i < list.count; i++) {
        char *file = path_join(path, list.names[i]);
        assert_int_equal(stat(file, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
        free(file);
    }
    folder_list_free(&list);
    free(path);
}

static void log__of_a_step_ends_where_its_worker_began_the_next(void **state)
{
    const char *folder = *state;
    struct run_log log = RUN_LOG_INIT;
    struct str out = STR_INIT;
    static const char *const steps[] = {"a", "b", "a", "c"};
    for (size_t i = 0; i < 4; i++) {
        OK(run_log_open(&log, folder, "17", steps[i], &error));
        OK(run_log_append(&log, "12345", i + 1, &error));
        assert_int_equal(log.size, i + 1);
    }
    assert_int_equal(run_log_size(folder, "17", "a"), 4);
    OK(run_log_read(folder, "17", "a", 0, 100, &out, &error));
    assert_string_equal(out.data, "1123");
    str_clear(&out);
    OK(run_log_read(folder, "17", "b", 1, 100, &out, &error));
    assert_string_equal(out.data, "2");
    OK(run_log_open(&log, folder, "18", "a", &error));
    OK(run_log_append(&log, "other", 5, &error));
    assert_int_equal(run_log_size(folder, "17", "c"), 4);
    assert_int_equal(run_log_size(folder, "18", "a"), 5);
    run_log_close(&log);
    str_release(&out);
}

/* A full disk and a power cut leave such things. */
static void log__is_read_beside_lines_of_the_index_that_are_broken(void **state)
{
    const char *folder = *state;
    struct str out = STR_INIT;
    append(folder, "a", "before");
    char *path = path_join(folder, "logs/17/index");
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "\0\0\0\na 99999 5\na x\na 1 -1\nhalf", 30), 30);
    close(fd);
    append(folder, "a", " after");
    OK(run_log_read(folder, "17", "a", 0, 100, &out, &error));
    assert_string_equal(out.data, "before after");
    str_release(&out);
    free(path);
}

static void line__of_100_mb_is_written_and_read_in_parts(void **state)
{
    const char *folder = *state;
    const size_t part = 1 << 20, parts = 100;
    char *bytes = mem_alloc(part);
    memset(bytes, 'x', part);
    struct run_log log = RUN_LOG_INIT;
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
    struct run_log log = RUN_LOG_INIT;
    OK(run_log_open(&log, folder, "17", "s", &error));
    assert_int_equal(ftruncate(log.fd, RUN_LOG_LIMIT - 3), 0); /* a hole: nothing is really written */
    log.size = RUN_LOG_LIMIT - 3;
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
        IN_A_FOLDER(log__of_a_step_ends_where_its_worker_began_the_next),
        IN_A_FOLDER(log__is_read_beside_lines_of_the_index_that_are_broken),
        IN_A_FOLDER(line__of_100_mb_is_written_and_read_in_parts),
        IN_A_FOLDER(log__past_its_limit_says_so_and_drops),
        IN_A_FOLDER(tail__finds_where_the_last_lines_begin),
        IN_A_FOLDER(watch__wakes_when_a_log_grows_or_appears),
    };
    return cmocka_run_group_tests_name("run_log", tests, NULL, NULL);
}
