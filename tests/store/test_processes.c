/* SPDX-License-Identifier: ISC */
/* Several processes at one store: writers take turns, ^Z waits, the bell wakes, and the Nth call fails. */
#include "berth/store.h"

#include "berth/base/file.h"
#include "berth/base/fault.h"
#include "berth/model/ledger.h"
#include "berth/model/run.h"
#include "ok.h"
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define RINGS 200
#define WRITERS 4
#define WRITES 50
#define PATIENCE_MS 20000

static int set_up(void **state)
{
    char *folder = place_make();
    struct error opened = {0};
    struct store *store = store_open(folder, STORE_OWNER, &opened);
    assert_non_null(store);
    store_close(store);
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    place_remove(*state);
    return 0;
}

static void end_well(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* --- taking turns ----------------------------------------------------------------------------------------------------- */

static void write_many(const char *folder)
{
    struct store *store = store_open(folder, STORE_OWNER, NULL);
    int64_t value;
    for (int i = 0; store && i < WRITES; i++) {
        bool done = store_begin(store, i % 2 ? STORE_DURABLE : STORE_RELAXED, NULL) &&
                    store_next(store, "turn", &value, NULL) && store_commit(store, NULL, NULL);
        if (!done)
            _exit(1);
    }
    _exit(store ? 0 : 2);
}

static void writers__take_turns_and_lose_nothing(void **state)
{
    pid_t writers[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        if ((writers[i] = fork()) == 0)
            write_many(*state);
    for (int i = 0; i < WRITERS; i++)
        end_well(writers[i]);
    struct store *store = store_open(*state, STORE_OWNER, NULL);
    int64_t value;
    OK(store_begin(store, STORE_DURABLE, &error));
    OK(store_next(store, "turn", &value, &error));
    store_abandon(store);
    assert_int_equal(value, WRITERS * WRITES + 1);
    store_close(store);
}

/* True when the process waits in fcntl: for the lock. */
static bool waits_for_a_lock(pid_t pid)
{
    char *path = path_printf("/proc/%d/syscall", (int)pid);
    struct str text = STR_INIT;
    char number[16];
    snprintf(number, sizeof number, "%d ", SYS_fcntl);
    bool waits = file_read(path, 4096, &text, NULL) && text_starts(text.data, number);
    str_release(&text);
    free(path);
    return waits;
}

static void locked_store__makes_the_caller_wait(void **state)
{
    int *released = mmap(NULL, sizeof *released, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(released != MAP_FAILED);
    char *path = path_join(*state, "store.write");
    struct file_lock lock;
    OK(file_lock(&lock, path, LOCK_TRY, &error));
    pid_t pid = fork();
    if (pid == 0) {
        struct store *client = store_open(*state, STORE_CLIENT, NULL);
        struct arena arena = {0};
        struct command command = {.verb = "deploy"};
        bool done = client && store_submit(client, &command, &arena, NULL);
        _exit(done && *released ? 0 : 1);
    }
    for (int waited = 0; !waits_for_a_lock(pid) && waited < PATIENCE_MS; waited++) {
        if (waitpid(pid, NULL, WNOHANG) == pid)
            fail_msg("it did not wait");
        poll(NULL, 0, 1);
    }
    assert_true(waits_for_a_lock(pid));
    *released = 1;
    file_unlock(&lock);
    end_well(pid);
    munmap(released, sizeof *released);
    free(path);
}

static void locked_store__makes_the_owner_give_up_and_say_who_holds_it(void **state)
{
    char *path = path_join(*state, "store.write"), holder[64];
    struct store *store = store_open(*state, STORE_OWNER, NULL);
    struct file_lock lock;
    struct error held = {0};
    OK(file_lock(&lock, path, LOCK_TRY, &error));
    assert_false(store_begin(store, STORE_DURABLE, &held));
    snprintf(holder, sizeof holder, "process %d (", (int)getpid());
    assert_non_null(strstr(held.message, holder));
    assert_true(held.retry);
    file_unlock(&lock);
    OK(store_begin(store, STORE_DURABLE, &error));
    store_abandon(store);
    store_close(store);
    free(path);
}

static bool stop_is_blocked(void)
{
    sigset_t set;
    sigprocmask(SIG_SETMASK, NULL, &set);
    return sigismember(&set, SIGTSTP);
}

static void stop_key__waits_while_the_lock_is_held(void **state)
{
    struct store *store = store_open(*state, STORE_OWNER, NULL);
    assert_false(stop_is_blocked());
    OK(store_begin(store, STORE_DURABLE, &error));
    assert_true(stop_is_blocked());
    struct run run = {.id = "1"};
    OK(store_put(store, &run_type, &run, &error));
    OK(store_commit(store, NULL, &error));
    assert_false(stop_is_blocked());
    OK(store_begin(store, STORE_DURABLE, &error));
    store_abandon(store);
    assert_false(stop_is_blocked());
    char *path = path_join(*state, "store.write");
    assert_false(file_locked(path));
    free(path);
    store_close(store);
}

static void killed_writer__leaves_no_lock_and_no_half(void **state)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct store *store = store_open(*state, STORE_OWNER, NULL);
        struct run run = {.id = "half"};
        bool done = store_begin(store, STORE_DURABLE, NULL) && store_put(store, &run_type, &run, NULL);
        if (!done || write(ends[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char byte;
    assert_int_equal(read(ends[0], &byte, 1), 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    struct store *store = store_open(*state, STORE_OWNER, NULL);
    struct arena arena = {0};
    struct run run;
    assert_int_equal(store_get(store, &run_type, "half", &arena, &run, NULL), STORE_MISSING);
    OK(store_begin(store, STORE_DURABLE, &error));
    store_abandon(store);
    arena_release(&arena);
    store_close(store);
    close(ends[0]);
    close(ends[1]);
}

/* --- the bell ------------------------------------------------------------------------------------------------------------ */

static void bell__wakes_a_reader_for_every_commit(void **state)
{
    char *bell = path_join(*state, "bell"), full[4090] = {0};
    OK(file_replace(bell, full, sizeof full, 0600, FILE_RELAXED, &error)); /* it is cut to nothing soon */
    free(bell);
    struct store *reader = store_open(*state, STORE_READER, NULL);
    struct pollfd ready = {.fd = store_bell(reader), .events = POLLIN};
    assert_true(ready.fd >= 0);
    assert_true(store_changed(reader));
    pid_t pid = fork();
    if (pid == 0) {
        struct store *client = store_open(*state, STORE_CLIENT, NULL);
        struct arena arena = {0};
        bool done = client != NULL;
        for (int i = 0; done && i < RINGS; i++) {
            struct command command = {.verb = "plan"};
            done = store_submit(client, &command, &arena, NULL);
        }
        _exit(done ? 0 : 1);
    }
    int64_t count = 0;
    struct store_query query = {.type = &command_type};
    while (count < RINGS) {
        assert_true(poll(&ready, 1, PATIENCE_MS) > 0); /* a lost wake-up would wait here for ever */
        if (store_changed(reader))
            OK(store_count(reader, &query, &count, &error));
    }
    end_well(pid);
    store_close(reader);
}

/* --- the Nth call -------------------------------------------------------------------------------------------------------- */

#ifdef BERTH_FAULTS
/* One small story. Every call may fail; what was acknowledged must be there. Returns the commits acknowledged, negative when
 * something is wrong. */
static int tell_story(const char *folder)
{
    struct store *store = store_open(folder, STORE_OWNER, NULL);
    int acknowledged = 0;
    for (int i = 0; store && i < 4; i++) {
        char id[8];
        snprintf(id, sizeof id, "%d", i);
        struct run run = {.id = id, .number = i};
        struct audit entry = {.action = "run", .run = id};
        if (!store_begin(store, STORE_DURABLE, NULL))
            continue;
        if (!store_put(store, &run_type, &run, NULL) || !store_audit(store, &entry, NULL)) {
            store_abandon(store);
            continue;
        }
        acknowledged += store_commit(store, NULL, NULL);
    }
    struct store_query query = {.type = &run_type};
    int64_t count;
    if (store && store_count(store, &query, &count, NULL) && count != acknowledged)
        return -1;
    store_close(store);
    return acknowledged;
}

static void nth_call__may_fail_and_nothing_acknowledged_is_lost(void **state)
{
    static const char *const points[] = {"store.write", "store.read"};
    for (size_t p = 0; p < 2; p++) {
        int tried = 0, last = 0;
        for (int nth = 1; nth < 100 && last < 4; nth++, tried++) {
            char *folder = path_printf("%s/%s-%d", (char *)*state, points[p], nth);
            pid_t pid = fork();
            if (pid == 0) {
                char fault[64];
                snprintf(fault, sizeof fault, "%s:%d=fail", points[p], nth);
                setenv("BERTH_FAULT", fault, 1);
                int acknowledged = tell_story(folder);
                _exit(acknowledged < 0 ? 100 : acknowledged);
            }
            int status;
            assert_int_equal(waitpid(pid, &status, 0), pid);
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 4);
            struct store *store = store_open(folder, STORE_OWNER, NULL);
            struct store_query query = {.type = &run_type};
            int64_t count, entries;
            OK(store_count(store, &query, &count, &error));
            OK(store_verify_audit(store, &entries, &error));
            assert_int_equal(count, WEXITSTATUS(status));
            assert_int_equal(entries, count);
            store_close(store);
            last = (int)count;
            free(folder);
        }
        print_message("%s: %d tried\n", points[p], tried);
        assert_true(last == 4);
    }
}

static void network_file_system__is_refused_by_name(void **state)
{
    setenv("BERTH_FSTYPE", "nfs", 1);
    for (int role = STORE_READER; role <= STORE_OWNER; role++) {
        struct error refused = {0};
        assert_null(store_open(*state, (enum store_role)role, &refused));
        assert_int_equal(refused.code, ERROR_UNSUPPORTED);
        assert_true(strstr(refused.message, "nfs") || strstr(refused.detail, "nfs"));
    }
    unsetenv("BERTH_FSTYPE");
}
#endif

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(writers__take_turns_and_lose_nothing),
        IN_A_FOLDER(locked_store__makes_the_caller_wait),
        IN_A_FOLDER(locked_store__makes_the_owner_give_up_and_say_who_holds_it),
        IN_A_FOLDER(stop_key__waits_while_the_lock_is_held),
        IN_A_FOLDER(killed_writer__leaves_no_lock_and_no_half),
        IN_A_FOLDER(bell__wakes_a_reader_for_every_commit),
#ifdef BERTH_FAULTS
        IN_A_FOLDER(nth_call__may_fail_and_nothing_acknowledged_is_lost),
        IN_A_FOLDER(network_file_system__is_refused_by_name),
#endif
    };
    return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}
