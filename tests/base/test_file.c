/* SPDX-License-Identifier: ISC */
/* Files, folders, paths and locks. */
#include "prelude.h"

#include "berth/base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void drop(char *folder)
{
    assert_true(folder_remove(folder, NULL));
    assert_false(folder_exists(folder));
    free(folder);
}

static void file_replace__puts_whole_contents_and_mode_and_leaves_nothing_else(void **state)
{
    (void)state;
    char *folder = test_folder(), *path = path_join(folder, "state");
    struct error error = {0};
    struct str text = STR_INIT;
    struct folder_list list;
    struct stat status;
    assert_true(file_replace(path, "one", 3, 0640, FILE_SYNCED, &error));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    assert_true(file_replace(path, "second", 6, 0600, FILE_RELAXED, &error));
    assert_true(file_read(path, 6, &text, &error));
    assert_string_equal(text.data, "second");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_true(folder_list(folder, &list, &error));
    assert_int_equal(list.count, 1);
    folder_list_free(&list);
    assert_false(file_read(path, 5, &text, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_string_equal(text.data, "second"); /* what was there before the failure, no more */
    free(path);
    path = path_join(folder, "no/such/file");
    assert_false(file_read(path, 5, &text, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_false(file_replace(path, "x", 1, 0600, FILE_SYNCED, &error));
    str_release(&text);
    free(path);
    drop(folder);
}

static void file_replace__that_fails_keeps_the_old_file(void **state)
{
    (void)state;
    char *folder = test_folder(), *path = path_join(folder, "taken");
    struct error error = {0};
    struct folder_list list;
    assert_true(folder_make(path, 0700, &error));
    assert_false(file_replace(path, "x", 1, 0600, FILE_RELAXED, &error)); /* a folder has the name */
    assert_true(folder_exists(path));
    assert_true(folder_list(folder, &list, &error));
    assert_int_equal(list.count, 1); /* the temporary file is gone */
    folder_list_free(&list);
    free(path);
    drop(folder);
}

static void folder_sync__takes_all_levels_and_follows_no_link(void **state)
{
    (void)state;
    char *folder = test_folder(), *deep = path_join(folder, "a/b"), *file = path_join(deep, "c");
    char *link = path_join(folder, "link");
    struct error error = {0};
    assert_true(folder_make(deep, 0700, &error));
    assert_true(file_replace(file, "x", 1, 0400, FILE_RELAXED, &error));
    assert_int_equal(symlink("/nowhere", link), 0);
    assert_true(folder_sync(folder, &error));
    assert_true(file_sync_name(deep, &error));
    assert_false(folder_sync("/nowhere", &error));
    assert_int_equal(error.code, ERROR_IO);
    free(deep);
    free(file);
    free(link);
    drop(folder);
}

static void folder_make__makes_all_levels_and_accepts_what_is_there(void **state)
{
    (void)state;
    char *folder = test_folder(), *deep = path_join(folder, "a/b//c/");
    struct error error = {0};
    assert_true(folder_make(deep, 0700, &error));
    assert_true(folder_make(deep, 0700, &error));
    assert_true(folder_exists(deep));
    char *file = path_join(folder, "a/file"), *below = path_join(file, "x");
    assert_true(file_replace(file, "", 0, 0600, FILE_RELAXED, &error));
    assert_false(folder_make(below, 0700, &error));
    assert_int_equal(error.code, ERROR_IO);
    assert_non_null(strstr(error.detail, "Not a directory"));
    free(below);
    free(file);
    free(deep);
    drop(folder);
}

static void folder_remove__does_not_follow_links_and_takes_read_only_folders(void **state)
{
    (void)state;
    char *folder = test_folder(), *kept = test_folder(), *inner = path_join(folder, "a/b"),
         *link = path_join(folder, "a/link"), *file = path_join(kept, "precious");
    struct error error = {0};
    assert_true(folder_make(inner, 0700, &error));
    assert_int_equal(symlink(kept, link), 0);
    assert_true(file_replace(file, "x", 1, 0600, FILE_RELAXED, &error));
    assert_int_equal(chmod(inner, 0500), 0);
    drop(folder);
    assert_true(file_exists(file));
    assert_true(folder_remove(kept, &error));
    assert_true(folder_remove(kept, &error)); /* missing is fine */
    free(inner);
    free(link);
    free(file);
    free(kept);
}

static void folder_list__is_sorted(void **state)
{
    (void)state;
    static const char *const names[] = {"b", "a", "C", ".hidden"};
    char *folder = test_folder();
    struct error error = {0};
    struct folder_list list;
    for (size_t i = 0; i < 4; i++) {
        char *path = path_join(folder, names[i]);
        assert_true(file_replace(path, "", 0, 0600, FILE_RELAXED, &error));
        free(path);
    }
    assert_true(folder_list(folder, &list, &error));
    assert_int_equal(list.count, 4);
    assert_string_equal(list.names[0], ".hidden");
    assert_string_equal(list.names[1], "C");
    assert_string_equal(list.names[3], "b");
    folder_list_free(&list);
    assert_false(folder_list("/no/such", &list, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    drop(folder);
}

static void path_inside__lets_nothing_out(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "a/b", "a/..b", "...", "a//b", "./a", "..a/b"};
    static const char *const bad[] = {"", "/", "/a", "..", "../a", "a/..", "a/../b", "a/b/../../..", NULL};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(path_inside(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(path_inside(bad[i]));
}

static void check_join(const char *folder, const char *name, const char *expected)
{
    char *joined = path_join(folder, name);
    assert_string_equal(joined, expected);
    free(joined);
}

static void path_join__uses_one_slash(void **state)
{
    (void)state;
    check_join("a", "b", "a/b");
    check_join("a//", "b", "a/b");
    check_join("/", "b", "/b");
    check_join("a", "/b", "/b");
    check_join("", "b", "b");
}

static void path_homes__follow_xdg_and_ignore_relative_ones(void **state)
{
    (void)state;
    struct error error = {0};
    setenv("HOME", "/home/a", 1);
    setenv("XDG_STATE_HOME", "/state", 1);
    setenv("XDG_CONFIG_HOME", "relative", 1);
    char *states = path_state_home(&error), *config = path_config_home(&error);
    assert_string_equal(states, "/state/berth");
    assert_string_equal(config, "/home/a/.config/berth");
    free(states);
    free(config);
}

static void file_lock__second_taker_gets_conflict_until_it_is_free(void **state)
{
    (void)state;
    char *folder = test_folder(), *path = path_join(folder, "store.write");
    struct error error = {0};
    struct file_lock first, second;
    assert_false(file_locked(path)); /* not even there */
    assert_true(file_lock(&first, path, LOCK_TRY, &error));
    assert_true(file_locked(path));
    assert_false(file_lock(&second, path, LOCK_TRY, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_int_equal(second.fd, -1);
    assert_int_equal(fcntl(first.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    file_unlock(&first);
    assert_false(file_locked(path));
    assert_true(file_lock(&second, path, LOCK_TRY, &error));
    file_unlock(&second);
    file_unlock(&second);
    free(path);
    drop(folder);
}

static void file_lock__ends_with_its_process(void **state)
{
    (void)state;
    char *folder = test_folder(), *path = path_join(folder, "lock");
    struct error error = {0};
    struct file_lock lock;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ready[0]);
        struct file_lock held;
        if (file_lock(&held, path, LOCK_TRY, NULL) && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_false(file_lock(&lock, path, LOCK_TRY, &error));
    kill(child, SIGKILL);
    assert_true(file_lock(&lock, path, LOCK_BLOCK, &error));
    file_unlock(&lock);
    waitpid(child, NULL, 0);
    close(ready[0]);
    free(path);
    drop(folder);
}

static void folder_is_local__is_true_here_and_false_for_a_missing_one(void **state)
{
    (void)state;
    struct error error = {0};
    char *folder = test_folder();
    assert_true(folder_is_local(folder, &error));
    assert_true(folder_is_local("/proc", &error));
    assert_false(folder_is_local("/no/such", &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    drop(folder);
}

static void folder_is_local__refuses_pretended_network_file_systems(void **state)
{
    (void)state;
#ifndef BERTH_FAULTS
    skip();
#else
    static const char *const network[] = {"nfs", "nfs4", "cifs", "fuse.sshfs", "9p", "fuse.unknown", "ceph", "lustre"};
    static const char *const local[] = {"ext4", "btrfs", "xfs", "tmpfs", "fuseblk", "overlay"};
    struct error error = {0};
    for (size_t i = 0; i < sizeof network / sizeof *network; i++) {
        setenv("BERTH_FSTYPE", network[i], 1);
        assert_false(folder_is_local("/tmp", &error));
        assert_int_equal(error.code, ERROR_UNSUPPORTED);
        assert_non_null(strstr(error.detail, network[i]));
    }
    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        setenv("BERTH_FSTYPE", local[i], 1);
        assert_true(folder_is_local("/tmp", &error));
    }
    unsetenv("BERTH_FSTYPE");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_replace__puts_whole_contents_and_mode_and_leaves_nothing_else),
        cmocka_unit_test(file_replace__that_fails_keeps_the_old_file),
        cmocka_unit_test(folder_sync__takes_all_levels_and_follows_no_link),
        cmocka_unit_test(folder_make__makes_all_levels_and_accepts_what_is_there),
        cmocka_unit_test(folder_remove__does_not_follow_links_and_takes_read_only_folders),
        cmocka_unit_test(folder_list__is_sorted),
        cmocka_unit_test(path_inside__lets_nothing_out),
        cmocka_unit_test(path_join__uses_one_slash),
        cmocka_unit_test(path_homes__follow_xdg_and_ignore_relative_ones),
        cmocka_unit_test(file_lock__second_taker_gets_conflict_until_it_is_free),
        cmocka_unit_test(file_lock__ends_with_its_process),
        cmocka_unit_test(folder_is_local__is_true_here_and_false_for_a_missing_one),
        cmocka_unit_test(folder_is_local__refuses_pretended_network_file_systems),
    };
    return TESTS_RUN(tests);
}
