/* SPDX-License-Identifier: ISC */
/*
 * Trouble with the store while the real berth and the real berthd use it: held by somebody, damaged, of a newer berth, read-only, no room left. Each gives a
 * message that says what to do and an exit status, nothing recorded is lost, and once the cause is gone the story goes on.
 */
#include "faults/cases.h"
#include "faults/story.h"

#include "berth/base/file.h"
#include "berth/base/time.h"

#include <fcntl.h>
#include <poll.h>
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

/* Both programs say one of these words and what to do. */
static void expect_refusal(struct world *world, const char *word, const char *advice, struct str *trouble)
{
    struct str said = STR_INIT;
    int status = world_berth(world, (const char *const[]){"envs", NULL}, &said);
    if (status == 0 || !strstr(said.data, word) || !strstr(said.data, advice))
        str_addf(trouble, "berth ends with %d and says: %s; ", status, said.data);
    str_release(&said);
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
    change(world, back.data, trouble);
    world_start(world);
    str_release(&back);
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

/* berth cannot store a command: it says so, and ends with a failure. */
static void full(struct world *world, struct str *trouble)
{
    struct str said = STR_INIT;
    char *path = path_join(world->folder, "state/ballast");
    fill(path);
    int status = world_berth(world, (const char *const[]){"hold", STORY_ENVIRONMENT, NULL}, &said);
    if (status == 0 || !strstr(said.data, "cannot"))
        str_addf(trouble, "without room berth ends with %d and says: %s; ", status, said.data);
    unlink(path);
    free(path);
    str_release(&said);
}

static const struct trouble_case {
    const char *name;
    void (*make)(struct world *world, struct str *trouble);
    bool small; /* on a file system of few megabytes */
} cases[] = {
    {"a damaged store is refused by both programs", corrupt, false},
    {"a store of a newer berth is refused by both programs", newer, false},
    {"the writers' lock is held by somebody", locked, false},
    {"there is no room left", full, true},
};

static void play(size_t index, void *context, struct str *trouble, struct str *note)
{
    const struct trouble_case *this = &cases[index];
    struct world world;
    (void)context;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    char *state = path_join(world.folder, "state");
    bool mounted = this->small && mkdir(state, 0700) == 0 && mount("none", state, "tmpfs", 0, "size=8m") == 0;
    if (this->small && !mounted)
        str_add(note, "SKIP this user may not mount");
    world_start(&world);
    if (story_to_gate(&world, trouble)) {
        if (mounted || !this->small)
            this->make(&world, trouble);
        if (story_to_end(&world, trouble))
            story_destroy(&world, trouble);
    }
    story_check(&world, trouble);
    if (mounted) {
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
