/* SPDX-License-Identifier: ISC */
/*
 * Trouble with the store while the real berth and the real berthd use it: held by somebody, damaged, of a newer berth, read-only, no room left. Each gives a
 * message that says what to do and an exit status, nothing recorded is lost, and once the cause is gone the story goes on.
 */
#include "faults/cases.h"
#include "faults/story.h"

#include "berth/base/file.h"
#include "berth/base/time.h"
#include "e2e/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOCKED_MS 3000
#define MOST_COPY (16u << 20)
#define MOST_PROGRAM ((size_t)256 << 20)

static void expect_words(const char *who, int status, const char *said, const char *word, const char *advice,
                         struct str *trouble)
{
    if (status == 0 || !strstr(said, word) || !strstr(said, advice))
        str_addf(trouble, "%s ends with %d and says: %s; ", who, status, said);
}

/* The command line and doctor say the word and what to do, and end with a failure. */
static void expect_said(struct world *world, const char *const *arguments, const char *word, const char *advice,
                        struct str *trouble)
{
    struct str said = STR_INIT;
    int status = world_berth(world, arguments, &said);
    expect_words(arguments[0], status, said.data, word, advice, trouble);
    str_release(&said);
}

/* The dashboard says it too, on its screen or as its last line. */
static void expect_on_screen(struct world *world, const char *word, struct str *trouble)
{
    struct screen screen;
    char program[] = TEST_BUILDDIR "/src/berth";
    char *argv[] = {getenv("BERTH") ? getenv("BERTH") : program, NULL};
    screen_start(&screen, 36, 120, world->repository, argv);
    if (!screen_wait(&screen, word))
        str_addf(trouble, "the dashboard does not say: %s; ", word);
    screen_stop(&screen);
}

/* berthd does not serve such a store, and says so in its exit status. */
static void expect_no_daemon(struct world *world, struct str *trouble)
{
    int status = 0;
    world_keep(world);
    if (!process_wait(&world->daemon, &status, NULL) || !WIFEXITED(status) || WEXITSTATUS(status) == 0)
        str_addf(trouble, "berthd serves it all the same, or ends with status 0x%x; ", (unsigned)status);
    process_release(&world->daemon);
    world->daemon.pid = 0;
}

static void expect_refusal(struct world *world, const char *word, const char *advice, struct str *trouble)
{
    expect_said(world, (const char *const[]){"runs", NULL}, word, advice, trouble);
    expect_said(world, (const char *const[]){"doctor", NULL}, word, advice, trouble);
    expect_on_screen(world, word, trouble);
}

static void end_daemon(struct world *world)
{
    int status;
    world_kill(world, SIGKILL);
    if (!process_wait(&world->daemon, &status, NULL))
        status = 0;
    process_release(&world->daemon);
    world->daemon.pid = 0;
    store_close(world->store);
    world->store = NULL;
}

/* `berth` starts a berthd of its own where none serves. */
static void end_other_daemons(struct world *world, struct str *trouble)
{
    struct error error = {0};
    char *home = path_printf("HOME=%s", world->folder);
    if (!process_end_all(home, 0, SIGKILL, 0, 5000, &error))
        str_addf(trouble, "%s; ", error.message);
    free(home);
}

static char *store_file(struct world *world, const char *name)
{
    return path_join(world->store_folder, name);
}

/* Writes over the file's head; what was there is given back by `again`. */
static void damage(struct world *world, bool again, char head[100])
{
    static const char rubbish[100] = "this is no database at all, and it is longer than a header of one would be";
    char *path = store_file(world, "store.db");
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ssize_t done = again ? pwrite(fd, head, 100, 0) : pread(fd, head, 100, 0);
    if (done == 100 && !again)
        done = pwrite(fd, rubbish, sizeof rubbish, 0);
    if (done != 100)
        printf("# the store cannot be damaged\n");
    close(fd);
    free(path);
}

static void corrupt(struct world *world, struct str *trouble)
{
    char head[100], *wal = store_file(world, "store.db-wal"), *aside = store_file(world, "aside");
    end_daemon(world);
    damage(world, false, head);
    if (rename(wal, aside) != 0)
        str_add(trouble, "no -wal; ");
    expect_refusal(world, "not a database", "restore a copy", trouble);
    expect_no_daemon(world, trouble);
    end_other_daemons(world, trouble);
    damage(world, true, head);
    if (rename(aside, wal) != 0)
        str_add(trouble, "no -wal again; ");
    free(wal);
    free(aside);
    world_start(world);
}

static void change(struct world *world, const char *sql, struct str *trouble)
{
    char *path = store_file(world, "store.db"), *message = NULL;
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        str_addf(trouble, "the store cannot be changed: %s; ", message ? message : "not opened");
    sqlite3_free(message);
    sqlite3_close(db);
    free(path);
}

static int read_number(void *number, int count, char **values, char **names)
{
    (void)names;
    *(long long *)number = count > 0 && values[0] ? strtoll(values[0], NULL, 10) : -1;
    return 0;
}

static long long schema_of(struct world *world)
{
    char *path = store_file(world, "store.db");
    long long version = -1;
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) == SQLITE_OK)
        sqlite3_exec(db, "PRAGMA user_version", read_number, &version, NULL);
    sqlite3_close(db);
    free(path);
    return version;
}

static void newer(struct world *world, struct str *trouble)
{
    struct str back = STR_INIT;
    end_daemon(world);
    str_addf(&back, "PRAGMA user_version = %lld; UPDATE meta SET number = number - 1000 WHERE name LIKE '%%version'",
             schema_of(world));
    change(world, "PRAGMA user_version = 1000; UPDATE meta SET number = number + 1000 WHERE name LIKE '%version'",
           trouble);
    expect_refusal(world, "newer berth wrote it", "use the newer berth", trouble);
    expect_no_daemon(world, trouble);
    change(world, back.data, trouble);
    world_start(world);
    str_release(&back);
}

/* All of the database is in its one file, which is copied; given back by put_back. */
static void take_copy(struct world *world, struct str *copy, struct str *trouble)
{
    struct error error = {0};
    char *path = store_file(world, "store.db");
    end_daemon(world);
    change(world, "PRAGMA wal_checkpoint(TRUNCATE)", trouble);
    if (!file_read(path, MOST_COPY, copy, &error))
        str_addf(trouble, "%s; ", error.message);
    free(path);
}

static void write_store(struct world *world, const char *name, const char *bytes, size_t count, struct str *trouble)
{
    char *path = store_file(world, name);
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0 || write(fd, bytes, count) != (ssize_t)count)
        str_addf(trouble, "%s cannot be written; ", name);
    close(fd);
    free(path);
}

static void put_back(struct world *world, struct str *copy, struct str *trouble)
{
    char *wal = store_file(world, "store.db-wal"), *shm = store_file(world, "store.db-shm");
    end_other_daemons(world, trouble);
    unlink(wal);
    unlink(shm);
    free(wal);
    free(shm);
    write_store(world, "store.db", copy->data, copy->length, trouble);
    str_release(copy);
    world_start(world);
}

static size_t first_page_of_runs(struct world *world, size_t *page_size)
{
    char *path = store_file(world, "store.db");
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    size_t page = 0;
    if (sqlite3_open(path, &db) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name = 'runs'",
                           -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        page = (size_t)sqlite3_column_int64(statement, 0);
        *page_size = (size_t)sqlite3_column_int64(statement, 1);
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    free(path);
    return page;
}

/* One byte of one page is another. */
static void one_byte(struct world *world, struct str *trouble)
{
    struct str copy = STR_INIT, damaged = STR_INIT;
    size_t page_size = 0, page;
    take_copy(world, &copy, trouble);
    page = first_page_of_runs(world, &page_size);
    str_add_bytes(&damaged, copy.data, copy.length);
    if (page < 2 || (page - 1) * page_size >= damaged.length) {
        str_add(trouble, "no page of runs; ");
    } else {
        damaged.data[(page - 1) * page_size] ^= 0x55;
        write_store(world, "store.db", damaged.data, damaged.length, trouble);
        expect_refusal(world, "restore a copy", "move it away", trouble);
    }
    str_release(&damaged);
    put_back(world, &copy, trouble);
}

static void cut_short(struct world *world, struct str *trouble)
{
    struct str copy = STR_INIT;
    take_copy(world, &copy, trouble);
    write_store(world, "store.db", copy.data, copy.length / 2, trouble);
    expect_refusal(world, "restore a copy", "move it away", trouble);
    put_back(world, &copy, trouble);
}

/* A byte of what was not yet taken into the database: SQLite takes it up to there, and the story goes on from there. */
static void damaged_wal(struct world *world, struct str *trouble)
{
    struct str wal = STR_INIT;
    char *path = store_file(world, "store.db-wal");
    end_daemon(world);
    if (!file_read(path, MOST_COPY, &wal, NULL) || wal.length < 100000) {
        str_add(trouble, "no -wal; ");
    } else {
        wal.data[wal.length - 5000] ^= 0x55;
        write_store(world, "store.db-wal", wal.data, wal.length, trouble);
    }
    free(path);
    str_release(&wal);
    world_start(world);
}

/* The store's file system is read-only for everybody, root too. */
static void read_only(struct world *world, struct str *trouble)
{
    char *state = path_join(world->folder, "state");
    end_daemon(world);
    if (mount(state, state, NULL, MS_BIND, NULL) != 0 ||
        mount(NULL, state, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0)
        str_addf(trouble, "it cannot be made read-only: %s; ", strerror(errno));
    expect_said(world, (const char *const[]){"hold", STORY_ENVIRONMENT, NULL}, "ead-only", "writable", trouble);
    expect_said(world, (const char *const[]){"doctor", NULL}, "ead-only", "writable", trouble);
    expect_on_screen(world, "ead-only", trouble);
    expect_no_daemon(world, trouble);
    end_other_daemons(world, trouble);
    if (umount2(state, MNT_DETACH) != 0)
        str_add(trouble, "it stays read-only; ");
    free(state);
    world_start(world);
}

/* Somebody holds the writers' lock for a while: everybody waits, nobody gives up. */
static void locked(struct world *world, struct str *trouble)
{
    char *path = store_file(world, "store.write");
    struct file_lock lock;
    struct error error = {0};
    if (!file_lock(&lock, path, LOCK_BLOCK, &error))
        str_addf(trouble, "%s; ", error.message);
    int64_t until = time_monotonic_ms() + LOCKED_MS;
    while (time_monotonic_ms() < until && !world_keep(world))
        poll(NULL, 0, 50);
    if (time_monotonic_ms() < until)
        str_add(trouble, "berthd ended because of a lock; ");
    file_unlock(&lock);
    free(path);
}

/* --- no room ------------------------------------------------------------------------------------------------------ */

/* Fills what is left of the small file system, and says when nothing more fits. */
static void fill(const char *path)
{
    static const char block[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (size_t size = sizeof block; size > 0; size /= 2)
        while (fd >= 0 && write(fd, block, size) > 0)
            continue;
    close(fd);
}

static bool tool_runs(struct world *world, void *context)
{
    return world_journal(world, context) > 0;
}

static void expect_warning(struct world *world, const char *word, struct str *trouble)
{
    struct str said = STR_INIT;
    int status = world_berth(world, (const char *const[]){"doctor", NULL}, &said);
    if (!strstr(said.data, word))
        str_addf(trouble, "doctor ends with %d and says: %s; ", status, said.data);
    str_release(&said);
}

/* A deploy asked for by keys cannot be stored: the dashboard says why and goes on. */
static void ask_on_screen(struct world *world, const char *word, struct str *trouble)
{
    static const char *const steps[][2] = {
        {"/feature\r", "Branches 1 of"}, {"D", "y: deploy"}, {"y", "annot"}, {"", NULL}};
    struct screen screen;
    char program[] = TEST_BUILDDIR "/src/berth", view[] = "--view", branches[] = "branches";
    char *argv[] = {getenv("BERTH") ? getenv("BERTH") : program, view, branches, NULL};
    screen_start(&screen, 36, 120, world->repository, argv);
    bool shown = screen_wait(&screen, "feature/x");
    for (size_t i = 0; shown && steps[i][1]; i++) {
        screen_type(&screen, steps[i][0]);
        shown = screen_wait(&screen, steps[i][1]);
    }
    if (!shown || !screen_has(&screen, word))
        str_addf(trouble, "the dashboard does not say: %s; ", word);
    screen_stop(&screen);
}

/* The mirror from before the policy was known: berthd takes it away soon after its start, and so makes room. */
static bool first_mirror_is_gone(struct world *world, void *context)
{
    char *path = path_join(world->store_folder, "mirrors/trusted.git");
    bool is_gone = !folder_exists(path);
    (void)context;
    free(path);
    return is_gone;
}

/* The disk fills while a tool works: its result waits until there is room, and is then stored once. */
static void full(struct world *world, struct str *trouble)
{
    char *path = path_join(world->folder, "state/ballast");
    world_hold_tool(world, "up", "a");
    story_approve(world, world_last_run(world));
    if (!world_wait(world, tool_runs, (void *)(uintptr_t) "begin up a"))
        story_trouble(world, trouble, "the tool never began");
    if (!world_wait(world, first_mirror_is_gone, NULL))
        story_trouble(world, trouble, "the mirror that nobody needs is still there");
    fill(path);
    world_release_tool(world, "up", "a");
    expect_said(world, (const char *const[]){"hold", STORY_ENVIRONMENT, NULL}, "cannot", "make room", trouble);
    expect_warning(world, "make room", trouble);
    ask_on_screen(world, "no room", trouble);
    if (!world_wait(world, tool_runs, (void *)(uintptr_t) "end up a"))
        story_trouble(world, trouble, "the tool did not end");
    unlink(path);
    free(path);
    const struct run *run = world_wait_run(world, RUNS_REST);
    if (!run || run->status != RUN_DONE)
        story_trouble(world, trouble, "with room again the run does not go on by itself");
}

/* berthd from a file of the world's own, which can be replaced. */
static void copy_program(struct world *world, struct str *trouble)
{
    struct str program = STR_INIT;
    struct error error = {0};
    char *path = path_join(world->folder, "berthd");
    if (!file_read(getenv("BERTHD") ? getenv("BERTHD") : TEST_BUILDDIR "/src/berthd", MOST_PROGRAM, &program, &error) ||
        !file_replace(path, program.data, program.length, 0755, FILE_RELAXED, &error))
        str_addf(trouble, "no copy of berthd: %s; ", error.message);
    setenv("BERTHD", path, 1);
    str_release(&program);
    free(path);
}

/* What a supervisor starts is what it is itself: two versions do not understand each other. */
static void upgraded(struct world *world, struct str *trouble)
{
    static const char other[] = "#!/bin/sh\nexit 1\n";
    char *path = path_join(world->folder, "berthd");
    if (!file_replace(path, other, strlen(other), 0755, FILE_RELAXED, NULL))
        str_add(trouble, "berthd cannot be replaced; ");
    if (world_kill_workers(world) == 0)
        str_add(trouble, "there is no worker; ");
    free(path);
}

static const struct trouble_case {
    const char *name;
    void (*make)(struct world *world, struct str *trouble);
    bool small;  /* on a file system of few megabytes */
    bool alone;  /* in a mount namespace of its own */
    bool copied; /* berthd is the world's own copy */
} cases[] = {
    {"an upgrade puts another program in berthd's place", upgraded, false, false, true},
    {"a store that is no database is refused by both programs", corrupt, false, false, false},
    {"a store with one byte changed is found damaged", one_byte, false, false, false},
    {"a store that was cut short is found damaged", cut_short, false, false, false},
    {"a log of the store with one byte changed loses only what came after", damaged_wal, false, false, false},
    {"a store of a newer berth is refused by both programs", newer, false, false, false},
    {"the writers' lock is held by somebody", locked, false, false, false},
    {"a read-only store is shown, and says why it takes nothing", read_only, false, true, false},
    {"the disk fills mid-apply", full, true, true, false},
};

static bool write_process(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return written;
}

/* Mounts that nobody else sees, as root or in a user namespace. */
static bool mount_alone(void)
{
    char users[64], groups[64];
    snprintf(users, sizeof users, "%u %u 1", getuid(), getuid());
    snprintf(groups, sizeof groups, "%u %u 1", getgid(), getgid());
    if (unshare(CLONE_NEWNS) != 0 &&
        (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || !write_process("/proc/self/uid_map", users) ||
         !write_process("/proc/self/setgroups", "deny") || !write_process("/proc/self/gid_map", groups)))
        return false;
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static void play(size_t index, void *context, struct str *trouble, struct str *note)
{
    const struct trouble_case *this = &cases[index];
    struct world world;
    (void)context;
    if (this->alone && !mount_alone()) {
        str_addf(note, "SKIP neither root nor a user namespace lets this process mount: %s", strerror(errno));
        return;
    }
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    char *state = path_join(world.folder, "state");
    if (this->small && (mkdir(state, 0700) != 0 || mount("none", state, "tmpfs", 0, "size=8m") != 0))
        str_addf(trouble, "no small file system: %s; ", strerror(errno));
    if (this->copied)
        copy_program(&world, trouble);
    world_start(&world);
    if (story_to_gate(&world, trouble)) {
        this->make(&world, trouble);
        const struct run *run = world_last_run(&world);
        if (run && (run->status == RUN_DONE || story_to_end(&world, trouble)))
            story_destroy(&world, trouble);
    }
    story_check(&world, trouble);
    if (this->small) {
        world_kill(&world, SIGKILL);
        umount2(state, MNT_DETACH);
    }
    free(state);
    world_close(&world);
}

int main(void)
{
    size_t count = sizeof cases / sizeof cases[0];
    struct case_result *results = cases_play(count, play, NULL);
    for (size_t i = 0; i < count; i++)
        cases_tell(i + 1, &results[i], "%s", cases[i].name);
    cases_free(results, count);
    printf("1..%zu\n", count);
    return 0;
}
