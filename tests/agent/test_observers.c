/* SPDX-License-Identifier: ISC */
/* The real berthd: what its observers and its notifier do about what does not answer. */
#include "faults/receiver.h"
#include "faults/world.h"

#include "berth/base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <cmocka.h>

#define TEST(test) cmocka_unit_test_teardown(test, tear_down)
#define SLOW_RESOURCES 6
#define LOOKS 6
#define FRESH_MS 10000
#define ENDING_MS 20000
#define REPOSITORIES 70
#define WAITING "observer.waiting"

static struct world world;
static struct receiver receiver;
static int silent = -1; /* takes connections and never answers */

static int tear_down(void **state)
{
    (void)state;
    world_close(&world);
    receiver_stop(&receiver);
    memset(&receiver, 0, sizeof receiver);
    if (silent >= 0)
        close(silent);
    silent = -1;
    return 0;
}

/* --- shorthand ---------------------------------------------------------------------------------------------------- */

/* The port of a server that takes connections and says nothing. */
static int listen_silently(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(silent >= 0);
    assert_int_equal(bind(silent, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(silent, 4096), 0);
    assert_int_equal(getsockname(silent, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

static bool is_listed(struct world *looked, void *id)
{
    struct branch row;
    return store_get(looked->store, &branch_type, id, &looked->arena, &row, NULL) == STORE_FOUND;
}

static void start(void)
{
    world_start(&world);
    assert_true(world_wait(&world, is_listed, (void *)(uintptr_t) "app:feature/x"));
}

static void deployed(void)
{
    const struct command *command = world_ask(&world, "deploy", "feature/x", "");
    assert_non_null(command);
    assert_int_equal(command->status, COMMAND_ACCEPTED);
    const struct run *run = world_wait_run(&world, 1u << RUN_GATE);
    assert_non_null(run);
    command = world_ask(&world, "approve", run->id, arena_printf(&world.arena, "{\"digest\":\"%s\"}", run->digest));
    assert_non_null(command);
    assert_int_not_equal(command->status, COMMAND_REFUSED);
    assert_non_null(world_wait_run(&world, 1u << RUN_DONE));
}

/* --- probes -------------------------------------------------------------------------------------------------------- */

struct looks {
    int64_t last_ms, longest_ms;
    int count;
    size_t slow_seen; /* of those that do not answer: looked at in the end */
};

static bool note_look(const void *row, void *context)
{
    const struct resource *resource = row;
    struct looks *looks = context;
    if (!text_equal(resource->name, "well")) {
        looks->slow_seen += resource->observed_at > 0 && text_equal(resource->observed_by, "probes");
        return true;
    }
    if (resource->observed_at == 0 || resource->observed_at == looks->last_ms)
        return true;
    if (looks->last_ms > 0 && resource->observed_at - looks->last_ms > looks->longest_ms)
        looks->longest_ms = resource->observed_at - looks->last_ms;
    looks->last_ms = resource->observed_at;
    looks->count++;
    return true;
}

static bool is_looked_at(struct world *looked, void *context)
{
    struct looks *looks = context;
    struct store_query query = {.type = &resource_type};
    looks->slow_seen = 0;
    assert_true(store_each(looked->store, &query, note_look, looks, NULL));
    return looks->count >= LOOKS && looks->slow_seen == SLOW_RESOURCES;
}

static char *silent_template(int port)
{
    struct str text = STR_INIT;
    str_addf(&text,
             "template: shop\nversion: 1\nresources:\n"
             "  well: { executor: exec, run: [./tool, up, well], undo: [./tool, down, well], "
             "probes: [ { tcp: \"127.0.0.1:%d\", every: 1s } ] }\n",
             port);
    for (int i = 0; i < SLOW_RESOURCES; i++)
        str_addf(&text,
                 "  slow%d: { executor: exec, run: [./tool, up, s%d], undo: [./tool, down, s%d], "
                 "probes: [ { http: \"http://127.0.0.1:%d/\", every: 1s } ] }\n",
                 i, i, i, port);
    return str_take(&text);
}

static void probe__that_answers_stays_fresh_beside_six_that_never_do(void **state)
{
    (void)state;
    struct looks looks = {0};
    char *template = silent_template(listen_silently());
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC, .template_text = template});
    free(template);
    start();
    deployed();
    assert_true(world_wait(&world, is_looked_at, &looks));
    assert_in_range(looks.longest_ms, 0, FRESH_MS);
}

/* --- repositories --------------------------------------------------------------------------------------------------- */

static void put_policy(const char *text)
{
    world_write(&world, "berth.yaml", text, false);
    world_git(&world, "commit", "-qamchange", NULL);
}

static bool has_first_policy(struct world *looked, void *context)
{
    struct policy_row row;
    (void)context;
    return store_get(looked->store, &policy_type, "berth.yaml", &looked->arena, &row, NULL) == STORE_FOUND &&
           !strstr(row.text, "  r0: {");
}

/* Each repository that is followed costs the observer a watch. */
static bool has_let_go(struct world *looked, void *context)
{
    char *path = path_printf("/proc/%d/fd", (int)world_child(looked, "observer:branches"));
    DIR *list = opendir(path);
    int open = 0;
    (void)context;
    while (list && readdir(list))
        open++;
    if (list)
        closedir(list);
    free(path);
    return open > 0 && open < REPOSITORIES;
}

static void repositories__are_those_of_the_policy_however_many(void **state)
{
    (void)state;
    struct error error = {0};
    struct str before = STR_INIT, policy = STR_INIT;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    char *path = path_join(world.repository, "berth.yaml");
    assert_true(file_read(path, 1u << 20, &before, &error));
    const char *list = strstr(before.data, "  app: {"), *templates = strstr(before.data, "templates: [");
    assert_true(list && templates);
    str_add_bytes(&policy, before.data, (size_t)(list - before.data));
    for (size_t i = 0; i < REPOSITORIES; i++)
        str_addf(&policy, "  r%zu: { provider: git, url: . }\n", i);
    str_add_bytes(&policy, list, (size_t)(templates - list));
    str_add(&policy, "repository: app\n    "); /* which is no longer the only one */
    str_add(&policy, templates);
    put_policy(policy.data);
    start();
    assert_true(world_wait(&world, is_listed, (void *)(uintptr_t) "r69:feature/x"));
    put_policy(before.data);
    assert_true(world_wait(&world, has_first_policy, NULL));
    assert_true(world_wait(&world, has_let_go, NULL));
    str_release(&before);
    str_release(&policy);
    free(path);
}

static bool read_repository(struct world *looked, struct repository *row)
{
    return store_get(looked->store, &repository_type, "far", &looked->arena, row, NULL) == STORE_FOUND;
}

static bool far_is_whole(struct world *looked, void *context)
{
    struct repository row;
    (void)context;
    return read_repository(looked, &row) && row.complete && row.error[0] == '\0';
}

static bool far_is_unreachable(struct world *looked, void *context)
{
    struct repository row;
    (void)context;
    return read_repository(looked, &row) && !row.complete && strstr(row.error, "cannot fetch from");
}

/* What is left of an earlier fetch is no listing: it is neither called one, nor proof that a branch is gone. */
static void mirror__whose_remote_is_away_is_said_to_be_unreachable_and_comes_back(void **state)
{
    (void)state;
    struct error error = {0};
    struct str policy = STR_INIT;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    char *path = path_join(world.repository, "berth.yaml"), *remote = path_join(world.folder, "far.git");
    char *away = path_join(world.folder, "away.git"),
         *line = path_printf("  far: { provider: git, url: \"file://%s\" }\n", remote);
    world_git(&world, "init", "--bare", remote);
    world_git(&world, "push", remote, "feature/x");
    assert_true(file_read(path, 1u << 20, &policy, &error));
    const char *list = strstr(policy.data, "  app: {"), *templates = strstr(policy.data, "templates: [");
    assert_true(list && templates);
    char *text = path_printf("%.*s%s%.*srepository: app\n    %s", (int)(list - policy.data), policy.data, line,
                             (int)(templates - list), list, templates);
    put_policy(text);
    start();
    assert_true(world_wait(&world, is_listed, (void *)(uintptr_t) "far:feature/x"));
    assert_true(world_wait(&world, far_is_whole, NULL));
    world_kill(&world, SIGTERM);
    assert_int_equal(rename(remote, away), 0);
    (void)world_keep(&world); /* a new one looks at once */
    assert_true(world_wait(&world, far_is_unreachable, NULL));
    assert_true(is_listed(&world, (void *)(uintptr_t) "far:feature/x"));
    assert_int_equal(rename(away, remote), 0);
    assert_true(world_wait(&world, far_is_whole, NULL));
    str_release(&policy);
    free(text);
    free(line);
    free(away);
    free(remote);
    free(path);
}

/* --- a store that somebody holds ------------------------------------------------------------------------------------ */

static void held_store__keeps_nobody_from_ending_berthd(void **state)
{
    (void)state;
    struct file_lock lock;
    struct error error = {0};
    int status, left = ENDING_MS / 10;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    start();
    char *path = path_join(world.store_folder, "store.write");
    assert_true(file_lock(&lock, path, LOCK_BLOCK, &error));
    world_git(&world, "branch", "moved", NULL); /* it has something to write */
    process_signal(&world.daemon, SIGTERM);
    while (!process_poll(&world.daemon, &status) && left-- > 0)
        poll(NULL, 0, 10);
    file_unlock(&lock);
    free(path);
    assert_true(left > 0);
}

/* --- a berthd that is stopped ----------------------------------------------------------------------------------------- */

static void stopped_berthd__is_named_to_who_waits_for_it(void **state)
{
    (void)state;
    struct error error = {0};
    struct process asking;
    int status = -1, left = ENDING_MS / 10;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    start();
    char *path = path_join(world.folder, "said"), *berth = path_join(TEST_BUILDDIR, "src/berth"), said[64];
    const char *argv[] = {berth, "-C", world.repository, "deploy", "feature/x", NULL};
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct process_spec spec = {.argv = argv, .input_fd = -1, .output_fd = file, .error_fd = file};
    process_signal(&world.daemon, SIGSTOP);
    assert_true(file >= 0 && process_start(&spec, &asking, &error));
    snprintf(said, sizeof said, "is stopped: kill -CONT %d", (int)world.daemon.pid);
    bool told = false;
    for (; !told && left > 0; left--) {
        struct str text = STR_INIT;
        told = file_read(path, 1u << 20, &text, &error) && strstr(text.data, said);
        str_release(&text);
        poll(NULL, 0, 10);
    }
    process_signal(&world.daemon, SIGCONT);
    assert_true(process_wait(&asking, &status, &error));
    process_release(&asking);
    close(file);
    free(berth);
    free(path);
    assert_true(told);
    assert_int_equal(status, 0);
}

/* --- children that hang ------------------------------------------------------------------------------------------------ */

struct replaced {
    const char *kind;
    pid_t stopped, now;
};

static bool is_another(struct world *looked, void *context)
{
    struct replaced *replaced = context;
    replaced->now = world_child(looked, replaced->kind);
    return replaced->now != 0 && replaced->now != replaced->stopped;
}

/* The one that stopped itself at the point. */
static bool has_stopped(struct world *looked, void *context)
{
    struct replaced *replaced = context;
    replaced->stopped = world_fired(looked, WAITING);
    return replaced->stopped != 0;
}

/* Stopped from here an observer of branches may be in the middle of a look, and a look may take its time: it stops itself where it is idle. */
static void idle_observer__that_is_stopped_is_replaced(void **state)
{
    (void)state;
    struct replaced branches = {.kind = "observer:branches"}, probes = {.kind = "observer:probes"};
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world_configure(&world, "hung_after: 2s\nlinger: 10m\n");
    world.fault = WAITING ":2=stop"; /* the first time it has no policy yet */
    start();
    assert_true(world_wait(&world, has_stopped, &branches));
    assert_true(world_wait(&world, is_another, &probes));
    probes.stopped = probes.now;
    assert_int_equal(kill(probes.stopped, SIGSTOP), 0);
    assert_true(world_wait(&world, is_another, &branches));
    assert_true(world_wait(&world, is_another, &probes));
    assert_int_equal(world.starts, 1);
    world_git(&world, "branch", "feature/later", NULL);
    assert_true(world_wait(&world, is_listed, (void *)(uintptr_t) "app:feature/later"));
}

/* Who is at work between two questions answers them. */
static void idle_observer__that_answers_stays(void **state)
{
    (void)state;
    struct replaced probes = {.kind = "observer:probes"};
    struct daemon before, now;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world_configure(&world, "hung_after: 2s\nlinger: 10m\n");
    start();
    assert_true(world_wait(&world, is_another, &probes));
    probes.stopped = probes.now;
    assert_int_equal(store_get(world.store, &daemon_type, "berthd", &world.arena, &before, NULL), STORE_FOUND);
    poll(NULL, 0, 6000); /* it must not happen in this time: nothing else can be waited for */
    assert_int_equal(world_child(&world, probes.kind), probes.stopped);
    assert_int_equal(store_get(world.store, &daemon_type, "berthd", &world.arena, &now, NULL), STORE_FOUND);
    assert_int_equal(now.pid, before.pid);
}

struct told {
    size_t rows, waiting, came, least, most;
    int64_t attempts; /* the most of one */
};

static bool note_delivery(const void *row, void *context)
{
    const struct delivery *delivery = row;
    struct told *told = context;
    size_t came = receiver_count(&receiver, delivery->id);
    told->rows++;
    told->waiting += delivery->status == DELIVERY_WAITING;
    told->came += came;
    told->least = came < told->least ? came : told->least;
    told->most = came > told->most ? came : told->most;
    told->attempts = delivery->attempts > told->attempts ? delivery->attempts : told->attempts;
    return true;
}

static bool all_told(struct world *looked, void *context)
{
    struct told *told = context;
    struct store_query query = {.type = &delivery_type};
    *told = (struct told){.least = SIZE_MAX};
    return store_each(looked->store, &query, note_delivery, told, NULL) && told->rows > 0 && told->waiting == 0;
}

/* A deploy whose notifier stops at the point at its first delivery. */
static void deploy_and_tell(const char *fault, struct told *told)
{
    char *more;
    receiver_start(&receiver);
    more = path_printf("notify: [ { provider: webhook, url: \"http://127.0.0.1:%d/\" } ]\n", receiver.port);
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC, .policy_more = more});
    world_configure(&world, "hung_after: 2s\nlinger: 10m\n");
    world.fault = fault;
    start();
    deployed();
    assert_true(world_wait(&world, all_told, told));
    assert_int_equal(world.starts, 1);
    assert_true(told->rows > 1);
    free(more);
}

static void notifier__stopped_before_it_delivers_is_replaced_and_nothing_is_doubled(void **state)
{
    (void)state;
    struct told told;
    deploy_and_tell("notifier.before_delivery=stop", &told);
    assert_int_equal(told.least, 1);
    assert_int_equal(told.most, 1);
    assert_int_equal(told.attempts, 2);
}

static void notifier__stopped_after_it_delivered_tells_that_one_twice(void **state)
{
    (void)state;
    struct told told;
    deploy_and_tell("notifier.after_delivery=stop", &told);
    assert_int_equal(told.least, 1);
    assert_int_equal(told.most, 2);
    assert_int_equal(told.came, told.rows + 1);
}

/* An earlier end of this run left something to be removed: put here by hand, and removed when a retry is under way. */
static void put_forget(const char *run)
{
    char *path = path_join(world.store_folder, "store.db");
    char *text =
        path_printf("INSERT INTO deliveries (id, event, run) VALUES ('%s.artifacts.1', 'artifacts', '%s')", run, run);
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(database, ENDING_MS), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    free(text);
    free(path);
}

static bool has_begun(struct world *looked, void *line)
{
    return world_journal(looked, line) > 0;
}

static bool is_removing(struct world *looked, void *context)
{
    (void)context;
    return world_fired(looked, "notifier.before_delivery") != 0;
}

static void artifacts__that_are_being_removed_hold_the_steps_of_their_run(void **state)
{
    (void)state;
    struct delivery row;
    world_open(&world, &(struct world_spec){.executor = WORLD_EXEC});
    world_configure(&world, "hung_after: 4s\nlinger: 10m\n");
    world.fault = "notifier.before_delivery=stop";
    start();
    const struct command *command = world_ask(&world, "deploy", "feature/x", "");
    assert_non_null(command);
    const struct run *run = world_wait_run(&world, 1u << RUN_GATE);
    assert_non_null(run);
    put_forget(run->id);
    assert_true(world_wait(&world, is_removing, NULL));
    command = world_ask(&world, "approve", run->id, arena_printf(&world.arena, "{\"digest\":\"%s\"}", run->digest));
    assert_non_null(command);
    assert_true(world_wait(&world, has_begun, (void *)(uintptr_t) "begin up a"));
    assert_int_equal(store_get(world.store, &delivery_type, "1.artifacts.1", &world.arena, &row, NULL), STORE_FOUND);
    assert_true(row.attempts > 0); /* who removed it was ended before */
    assert_non_null(world_wait_run(&world, 1u << RUN_DONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(idle_observer__that_is_stopped_is_replaced),
        TEST(idle_observer__that_answers_stays),
        TEST(notifier__stopped_before_it_delivers_is_replaced_and_nothing_is_doubled),
        TEST(notifier__stopped_after_it_delivered_tells_that_one_twice),
        TEST(artifacts__that_are_being_removed_hold_the_steps_of_their_run),
        TEST(stopped_berthd__is_named_to_who_waits_for_it),
        TEST(held_store__keeps_nobody_from_ending_berthd),
        TEST(mirror__whose_remote_is_away_is_said_to_be_unreachable_and_comes_back),
        TEST(repositories__are_those_of_the_policy_however_many),
        TEST(probe__that_answers_stays_fresh_beside_six_that_never_do),
    };
    return cmocka_run_group_tests_name("agent observers", tests, NULL, NULL);
}
