/* SPDX-License-Identifier: ISC */
/* The files that say whether an attempt at a step was begun, and what it left. */
#include "agent/marker.h"

#include "berth/base/file.h"
#include "berth/base/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const struct marker nobody, worker = {.pid = 7, .start_ticks = 9, .boot = "b"};

static int make_folder(void **state)
{
    char template[] = "/tmp/berth-marker-XXXXXX";
    *state = mkdtemp(template) ? strdup(template) : NULL;
    return *state ? 0 : -1;
}

static int remove_folder(void **state)
{
    bool removed = folder_remove(*state, NULL);
    free(*state);
    return removed ? 0 : -1;
}

static void marker__only_one_of_two_can_take_an_attempt(void **state)
{
    struct error error = {0};
    assert_int_equal(marker_take(*state, "17", "17.apply.a[0]", 1, &worker, NULL, &error), MARKER_TAKEN);
    assert_int_equal(marker_take(*state, "17", "17.apply.a[0]", 1, &nobody, NULL, &error), MARKER_WAS_THERE);
    assert_int_equal(marker_take(*state, "17", "17.apply.a[0]", 2, &nobody, NULL, &error), MARKER_TAKEN);
}

static void marker__further_ones_of_a_process_are_as_exclusive(void **state)
{
    struct error error = {0};
    struct marker marker;
    struct marker_file placed = MARKER_FILE_INIT;
    assert_int_equal(marker_take(*state, "17", "a", 1, &worker, &placed, &error), MARKER_TAKEN);
    assert_int_equal(marker_take(*state, "17", "b", 1, &nobody, NULL, &error), MARKER_TAKEN);
    assert_int_equal(marker_take(*state, "17", "b", 1, &worker, &placed, &error), MARKER_WAS_THERE);
    assert_int_equal(marker_take(*state, "18", "b", 1, &worker, &placed, &error), MARKER_TAKEN);
    assert_int_equal(marker_take(*state, "18", "b", 1, &nobody, NULL, &error), MARKER_WAS_THERE);
    assert_true(marker_read(*state, "18", "b", 1, &marker, &error));
    assert_int_equal(marker.pid, worker.pid);
    assert_true(marker_read(*state, "17", "b", 1, &marker, &error));
    assert_int_equal(marker.pid, 0);
    marker_file_release(&placed);
}

static void marker__steps_of_similar_names_are_apart(void **state)
{
    struct error error = {0};
    assert_int_equal(marker_take(*state, "17", "17.apply.a/b", 1, &nobody, NULL, &error), MARKER_TAKEN);
    assert_int_equal(marker_take(*state, "17", "17.apply.a.b", 1, &nobody, NULL, &error), MARKER_TAKEN);
    assert_int_equal(marker_take(*state, "17", "17.apply.../../x", 1, &nobody, NULL, &error), MARKER_TAKEN);
}

static void marker__says_who_began(void **state)
{
    struct error error = {0};
    struct marker marker;
    uint64_t ticks = 0;
    char boot[40];
    struct marker self;
    marker_of_process(&self);
    assert_int_equal(marker_take(*state, "17", "s", 1, &self, NULL, &error), MARKER_TAKEN);
    assert_true(marker_read(*state, "17", "s", 1, &marker, &error));
    assert_true(process_start_ticks(getpid(), &ticks));
    process_boot_id(boot);
    assert_int_equal(marker.pid, getpid());
    assert_int_equal(marker.start_ticks, ticks);
    assert_string_equal(marker.boot, boot);
    assert_true(process_alive(marker.pid, marker.start_ticks));
}

static void marker__one_that_is_missing_is_not_found(void **state)
{
    struct error error = {0};
    struct marker marker;
    assert_false(marker_read(*state, "17", "s", 1, &marker, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static void marker__one_that_is_empty_is_corrupt_and_not_missing(void **state)
{
    struct error error = {0};
    struct marker marker;
    assert_int_equal(marker_take(*state, "17", "s", 1, &worker, NULL, &error), MARKER_TAKEN);
    char *folder = path_join(*state, "runs/17");
    struct folder_list list;
    assert_true(folder_list(folder, &list, &error));
    assert_int_equal(list.count, 1);
    char *path = path_join(folder, list.names[0]);
    assert_int_equal(truncate(path, 0), 0);
    assert_false(marker_read(*state, "17", "s", 1, &marker, &error));
    assert_int_equal(error.code, ERROR_CORRUPT);
    folder_list_free(&list);
    free(path);
    free(folder);
}

static void marker__a_tool_is_noted_for_its_attempt_and_boot_alone(void **state)
{
    struct marker_file placed = MARKER_FILE_INIT;
    struct process self = {.pid = getpid()}, other;
    struct error error = {0};
    struct marker marker;
    assert_true(process_start_ticks(self.pid, &self.start_ticks));
    other = self;
    other.start_ticks++;
    assert_false(marker_note_tool(&placed, "T1", &self, "b", &error));
    assert_int_equal(marker_take(*state, "17", "s", 1, &worker, &placed, &error), MARKER_TAKEN);
    assert_int_equal(marker_read_tool(*state, "17", "s", 1, "T1", "b"), 0);
    assert_true(marker_note_tool(&placed, "T1-which-is-longer-than-the-next", &self, "b", &error));
    assert_int_equal(marker_take(*state, "17", "t", 1, &worker, &placed, &error), MARKER_TAKEN);
    assert_int_equal(marker_read_tool(*state, "17", "t", 1, "T2", "b"), 0); /* that of the step before */
    assert_true(marker_note_tool(&placed, "T2", &self, "b", &error));
    assert_int_equal(marker_read_tool(*state, "17", "t", 1, "T2", "b"), self.pid);
    assert_int_equal(marker_read_tool(*state, "17", "t", 1, "T2", "c"), 0);
    assert_true(marker_note_tool(&placed, "T2", &other, "b", &error)); /* its number is another's by now */
    assert_int_equal(marker_read_tool(*state, "17", "t", 1, "T2", "b"), 0);
    assert_true(marker_read(*state, "17", "t", 1, &marker, &error));
    assert_int_equal(marker.pid, worker.pid);
    marker_file_release(&placed);
}

static void marker__a_result_is_left_read_and_dropped(void **state)
{
    struct error error = {0};
    struct str json = STR_INIT;
    char *folder = marker_run_folder(*state, "17", &error);
    assert_non_null(folder);
    assert_false(marker_read_result(*state, "17", "s", 1, &json, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_true(marker_leave_result(*state, "17", "s", 1, "{\"a\":1}", &error));
    assert_true(marker_read_result(*state, "17", "s", 1, &json, &error));
    assert_string_equal(json.data, "{\"a\":1}");
    marker_drop_result(*state, "17", "s", 1);
    assert_false(marker_read_result(*state, "17", "s", 1, &json, &error));
    free(folder);
    str_release(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(marker__only_one_of_two_can_take_an_attempt, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(marker__further_ones_of_a_process_are_as_exclusive, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(marker__steps_of_similar_names_are_apart, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(marker__says_who_began, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(marker__one_that_is_missing_is_not_found, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(marker__one_that_is_empty_is_corrupt_and_not_missing, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(marker__a_tool_is_noted_for_its_attempt_and_boot_alone, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(marker__a_result_is_left_read_and_dropped, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
