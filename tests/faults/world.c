/* SPDX-License-Identifier: ISC */
/* The small real world that tests of berthd play in. */
#include "faults/world.h"
#include "faults/shop.h"

#include "berth/base/file.h"
#include "berth/base/hash.h"
#include "berth/base/str.h"
#include "berth/base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_LIMIT_MS 30000
#define POLL_MS 50
#define JOURNAL_LIMIT (1u << 20)

static const char policy_text[] = "version: 1\n"
                                  "workspace: faults\n"
                                  "trusted: { repository: app, ref: main }\n"
                                  "repositories:\n"
                                  "  app: { provider: git, url: . }\n"
                                  "targets:\n"
                                  "  here: { provider: local }\n"
                                  "  there: { provider: local }\n"
                                  "environments:\n"
                                  "  - name: \"review/${{ branch.slug }}\"\n"
                                  "    tier: review\n"
                                  "    source: { branches: [\"feature/**\"] }\n"
                                  "    templates: [shop]\n"
                                  "    target: here\n"
                                  "    allow: { executors: [exec, terraform], secrets: [\"env.FAULTS_*\"] }\n";

static void die(const char *what, const struct error *error)
{
    char line[2200] = "";
    printf("Bail out! %s: %s\n", what, error ? error_line(error, line, sizeof line) : strerror(errno));
    exit(1);
}

void world_command_line(const char *folder, const char *const *argv)
{
    struct error error = {0};
    struct process process;
    int status = 0;
    struct process_spec spec = {
        .argv = argv, .folder = folder, .input_fd = -1, .output_fd = -1, .error_fd = STDERR_FILENO};
    if (!process_start(&spec, &process, &error) || !process_wait(&process, &status, &error))
        die(argv[0], &error);
    process_release(&process);
    if (status != 0)
        die(argv[1], NULL);
}

void world_git(struct world *world, const char *a, const char *b, const char *c)
{
    const char *argv[] = {
        "git", "-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main", a, b,
        c,     NULL};
    world_command_line(world->repository, argv);
}

void world_write(struct world *world, const char *path, const char *text, bool executable)
{
    struct error error = {0};
    char *whole = path_join(world->repository, path);
    if (!file_replace(whole, text, strlen(text), executable ? 0755 : 0644, FILE_RELAXED, &error))
        die(path, &error);
    free(whole);
}

static void write_tool(struct world *world, enum world_executor executor)
{
    struct str text = STR_INIT;
    shop_tool(&text, executor, world->folder);
    world_write(world, "tool", text.data, true);
    str_clear(&text);
    if (executor == WORLD_CLEARED) {
        char *idle = path_join(world->folder, "idle");
        shop_cleared_tool(&text, world->folder);
        world_write(world, "../" SHOP_CLEARED, text.data, false);
        if (mkfifo(idle, 0600) != 0)
            die(idle, NULL);
        free(idle);
    }
    str_release(&text);
}

/* One process for all of them. */
char *world_more_branches(struct world *world, size_t count)
{
    struct error error = {0};
    struct str head = STR_INIT, refs = STR_INIT;
    char *main_ref = path_join(world->repository, ".git/refs/heads/main");
    char *packed = path_join(world->repository, ".git/packed-refs");
    if (!file_read(main_ref, 100, &head, &error))
        die(main_ref, &error);
    head.data[strcspn(head.data, "\n")] = '\0';
    str_add(&refs, "# pack-refs with: peeled fully-peeled sorted \n");
    for (size_t i = 0; i < count; i++)
        str_addf(&refs, "%s refs/heads/more/%06zu\n", head.data, i + 1);
    if (!file_replace(packed, refs.data, refs.length, 0644, FILE_RELAXED, &error))
        die(packed, &error);
    str_release(&refs);
    free(main_ref);
    free(packed);
    return str_take(&head);
}

static void make_repository(struct world *world, const struct world_spec *spec)
{
    struct error error = {0};
    struct str template = STR_INIT, policy = STR_INIT;
    if (spec->template_text)
        str_add(&template, spec->template_text);
    else
        shop_template(&template, spec->executor, SHOP_WHOLE, spec->port);
    str_addf(&policy, "%s    deploy_on: [%s]\n    gate: { approvals: 1%s%s }\n    on_failure: %s\n%s%s", policy_text,
             spec->deploy_on ? spec->deploy_on : "manual", spec->gate_expires ? ", expires: " : "",
             spec->gate_expires ? spec->gate_expires : "", spec->on_failure ? spec->on_failure : "hold",
             spec->entry_more ? spec->entry_more : "", spec->policy_more ? spec->policy_more : "");
    char *templates = path_join(world->repository, "templates");
    if (!folder_make(templates, 0755, &error))
        die("templates", &error);
    free(templates);
    world_git(world, "init", "-q", ".");
    world_write(world, "berth.yaml", policy.data, false);
    world_write(world, "templates/shop.yaml", template.data, false);
    write_tool(world, spec->executor);
    world_git(world, "add", "-A", ".");
    world_git(world, "commit", "-q", "-m begin");
    world_git(world, "branch", "feature/x", "main");
    if (spec->branches > 0)
        free(world_more_branches(world, spec->branches));
    str_release(&template);
    str_release(&policy);
}

static void end_one(pid_t pid, void *context)
{
    (void)context;
    kill(pid, SIGKILL);
}

/* Ends everything of the world and removes it, when the process that opened it has closed it or died. */
static void BERTH_NORETURN watch_over(struct world *world, int alive)
{
    struct error error = {0};
    char byte, *home = path_printf("HOME=%s", world->folder);
    setsid();
    while (read(alive, &byte, 1) < 0 && errno == EINTR)
        continue;
    char *state = path_join(world->folder, "state");
    bool ended = process_end_all(home, 0, SIGKILL, 0, 5000, &error);
    umount2(state, MNT_DETACH); /* a test may have mounted one */
    for (int tries = 0; tries < 100 && world_tools(world, end_one, NULL) > 0; tries++)
        poll(NULL, 0, 1);
    ended = folder_remove(world->folder, &error) && ended;
    if (!ended)
        fprintf(stderr, "# something of the world is left: %s\n", error.message);
    _exit(ended ? 0 : 1);
}

static void start_watcher(struct world *world)
{
    int ends[2];
    fflush(NULL);
    if (pipe2(ends, O_CLOEXEC) != 0 || (world->watcher = fork()) < 0)
        die("a watcher", NULL);
    if (world->watcher == 0) {
        /* the write ends of other worlds' pipes came along: kept open here, nobody would ever see those worlds end */
        if (ends[0] > 3)
            (void)close_range(3, (unsigned)ends[0] - 1, 0);
        (void)close_range((unsigned)ends[0] + 1, ~0u, 0);
        watch_over(world, ends[0]);
    }
    close(ends[0]);
    world->alive = ends[1];
}

void world_open(struct world *world, const struct world_spec *spec)
{
    struct error error = {0};
    char template[] = "/tmp/berth-world-XXXXXX";
    memset(world, 0, sizeof *world);
    world->daemon.pid_fd = -1;
    world->fault = "";
    if (!mkdtemp(template))
        die("mkdtemp", NULL);
    world->folder = mem_strdup(template);
    start_watcher(world);
    world->repository = path_join(template, "app");
    char *state = path_join(template, "state"), *faults = path_join(template, "faults");
    if (!folder_make(world->repository, 0755, &error) || !folder_make(faults, 0700, &error))
        die("folders", &error);
    setenv("XDG_STATE_HOME", state, 1);
    setenv("HOME", template, 1);
    world->store_folder = store_folder_for(world->repository, "faults", &error);
    if (!world->store_folder)
        die("state", &error);
    free(faults);
    free(state);
    make_repository(world, spec);
    world_configure(world, "linger: 10m\n"); /* on a busy machine a test's step takes longer than berthd waits idle */
}

/* --- berthd ------------------------------------------------------------------------------------------------------- */

static bool has_policy(struct world *world, void *context)
{
    struct policy_row row;
    (void)context;
    return store_get(world->store, &policy_type, "berth.yaml", &world->arena, &row, NULL) == STORE_FOUND &&
           !text_empty(row.text);
}

void world_configure(struct world *world, const char *yaml)
{
    struct error error = {0};
    free(world->host_config);
    world->host_config = path_join(world->folder, "berthd.yaml");
    if (!file_replace(world->host_config, yaml, strlen(yaml), 0600, FILE_RELAXED, &error))
        die("berthd.yaml", &error);
}

static void start_process(struct world *world)
{
    struct error error = {0};
    char *fault = path_printf("BERTH_FAULT=%s", world->fault),
         *folder = path_printf("BERTH_FAULT_FOLDER=%s/faults", world->folder);
    char *path = path_printf("PATH=%s", getenv("PATH")), *home = path_printf("HOME=%s", world->folder);
    const char *environment[9 + WORLD_VARIABLES] = {
        fault, folder, path, home, "LC_ALL=C.UTF-8", "TZ=UTC", "FAULTS_SECRET=" WORLD_SECRET};
    size_t count = 7;
    if (getenv("ASAN_OPTIONS"))
        environment[count++] = "ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0";
    for (size_t i = 0; i < WORLD_VARIABLES && world->variables[i]; i++)
        environment[count++] = world->variables[i];
    const char *program = getenv("BERTHD") ? getenv("BERTHD") : TEST_BUILDDIR "/src/berthd";
    const char *argv[] = {program,
                          "--store",
                          world->store_folder,
                          "--repository",
                          world->repository,
                          "--workspace",
                          "faults",
                          "-v",
                          world->host_config ? "--config" : NULL,
                          world->host_config,
                          NULL};
    char *said = path_join(world->folder, "said");
    struct process_spec spec = {.argv = argv,
                                .environment = environment,
                                .input_fd = -1,
                                .output_fd = -1,
                                .error_fd = open(said, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600),
                                .flags = PROCESS_NEW_SESSION};
    if (!process_start(&spec, &world->daemon, &error))
        die("berthd", &error);
    close(spec.error_fd);
    free(said);
    world->starts++;
    free(fault);
    free(folder);
    free(path);
    free(home);
}

bool world_keep(struct world *world)
{
    int status = 0;
    if (world->daemon.pid != 0 && !process_poll(&world->daemon, &status))
        return false;
    process_release(&world->daemon);
    start_process(world);
    return true;
}

void world_start(struct world *world)
{
    struct error error = {0};
    int64_t limit = time_monotonic_ms() + WAIT_LIMIT_MS;
    char *log = path_join(world->store_folder, "store.db-wal");
    world_keep(world);
    while (!world->store && time_monotonic_ms() < limit) {
        if (file_exists(log)) /* berthd made it: of what this process makes nobody writes the changes down */
            world->store = store_open(world->store_folder, STORE_CLIENT, &error);
        if (!world->store) {
            world_keep(world);
            poll(NULL, 0, POLL_MS / 5);
        }
    }
    free(log);
    if (!world->store || !world_wait(world, has_policy, NULL))
        die("berthd does not serve", &error);
}

void world_kill(struct world *world, int signal_number)
{
    if (world->daemon.pid != 0)
        process_signal(&world->daemon, signal_number);
}

struct child_search {
    pid_t parent, found;
    const char *kind;
};

static bool is_child(pid_t pid, const struct child_search *search)
{
    struct str line = STR_INIT;
    char *path = path_printf("/proc/%d/cmdline", (int)pid);
    bool is = false;
    if (file_read(path, 65536, &line, NULL))
        for (size_t at = 0; at < line.length && !is; at += strlen(line.data + at) + 1)
            is = text_equal(line.data + at, search->kind);
    free(path);
    str_clear(&line);
    path = path_printf("/proc/%d/stat", (int)pid);
    if (is && file_read(path, 4096, &line, NULL)) {
        const char *after = strrchr(line.data, ')');
        int parent = 0;
        char state;
        is = after && sscanf(after + 1, " %c %d", &state, &parent) == 2 && parent == search->parent && state != 'Z';
    }
    free(path);
    str_release(&line);
    return is;
}

size_t world_kill_workers(struct world *world)
{
    size_t killed = 0;
    for (pid_t worker; (worker = world_child(world, "worker")) != 0; killed++) {
        kill(worker, SIGKILL);
        while (kill(worker, 0) == 0 && world_child(world, "worker") == worker)
            poll(NULL, 0, 1);
    }
    return killed;
}

pid_t world_child(struct world *world, const char *kind)
{
    struct folder_list list;
    struct child_search search = {.parent = world->daemon.pid, .kind = kind};
    if (!folder_list("/proc", &list, NULL))
        return 0;
    for (size_t i = 0; i < list.count && search.found == 0; i++) {
        long long pid;
        if (text_to_int(list.names[i], &pid) && is_child((pid_t)pid, &search))
            search.found = (pid_t)pid;
    }
    folder_list_free(&list);
    return search.found;
}

/* --- asking and waiting ---------------------------------------------------------------------------------------------- */

const char *world_submit(struct world *world, const char *verb, const char *subject, const char *arguments)
{
    struct error error = {0};
    char actor[32];
    snprintf(actor, sizeof actor, "uid:%d", (int)getuid());
    struct command command = {.verb = verb, .subject = subject, .arguments = arguments, .actor = actor, .via = "cli"};
    if (!store_submit(world->store, &command, &world->arena, &error))
        die("submit", &error);
    return arena_strdup(&world->arena, command.id);
}

bool world_wait(struct world *world, world_condition *holds, void *context)
{
    int64_t limit = time_monotonic_ms() + WAIT_LIMIT_MS;
    while (!holds(world, context)) {
        struct pollfd bell = {.fd = store_bell(world->store), .events = POLLIN};
        world_keep(world);
        if (time_monotonic_ms() > limit)
            return false;
        poll(&bell, 1, POLL_MS);
        store_changed(world->store);
    }
    return true;
}

static const void *row_of(struct world *world, const struct record_type *type, const char *id)
{
    void *row = arena_alloc(&world->arena, type->size);
    return store_get(world->store, type, id, &world->arena, row, NULL) == STORE_FOUND ? row : NULL;
}

const struct run *world_run(struct world *world, const char *id)
{
    return row_of(world, &run_type, id);
}

const struct command *world_command(struct world *world, const char *id)
{
    return row_of(world, &command_type, id);
}

static bool is_answered(struct world *world, void *context)
{
    const struct command *command = world_command(world, context);
    return command && command->status != COMMAND_WAITING;
}

const struct command *world_ask(struct world *world, const char *verb, const char *subject, const char *arguments)
{
    const char *id = world_submit(world, verb, subject, arguments);
    return world_wait(world, is_answered, (void *)(uintptr_t)id) ? world_command(world, id) : NULL;
}

struct last {
    struct world *world;
    const struct record_type *type;
    const void *row;
};

static bool take_row(const void *row, void *context)
{
    struct last *last = context;
    last->row = record_copy(last->type, row, &last->world->arena);
    return false;
}

const struct run *world_last_run(struct world *world)
{
    struct last last = {.world = world, .type = &run_type};
    struct store_query query = {.type = &run_type, .index = "number", .descending = true, .limit = 1};
    return store_each(world->store, &query, take_row, &last, NULL) ? last.row : NULL;
}

const struct environment *world_environment(struct world *world, const char *name)
{
    struct last last = {.world = world, .type = &environment_type};
    struct store_query query = {
        .type = &environment_type, .index = "name", .equal = {name}, .descending = true, .limit = 1};
    return store_each(world->store, &query, take_row, &last, NULL) ? last.row : NULL;
}

struct run_wait {
    unsigned statuses;
    const struct run *run;
};

static bool run_has_status(struct world *world, void *context)
{
    struct run_wait *wait = context;
    wait->run = world_last_run(world);
    return wait->run && (wait->statuses & 1u << wait->run->status);
}

const struct run *world_wait_run(struct world *world, unsigned statuses)
{
    struct run_wait wait = {.statuses = statuses};
    return world_wait(world, run_has_status, &wait) ? wait.run : NULL;
}

/* --- looking ----------------------------------------------------------------------------------------------------------- */

size_t world_journal(struct world *world, const char *text)
{
    struct str journal = STR_INIT;
    char *path = path_join(world->folder, "journal");
    size_t count = 0, length = strlen(text);
    if (file_read(path, JOURNAL_LIMIT, &journal, NULL))
        for (const char *line = journal.data; *line;
             line = strchr(line, '\n') ? strchr(line, '\n') + 1 : line + strlen(line))
            count += strncmp(line, text, length) == 0 && (line[length] == '\n' || line[length] == '\0');
    free(path);
    str_release(&journal);
    return count;
}

static char *pipe_path(struct world *world, const char *action, const char *name)
{
    return path_printf("%s/hold.%s.%s", world->folder, action, name);
}

void world_hold_tool(struct world *world, const char *action, const char *name)
{
    char *path = pipe_path(world, action, name);
    if (mkfifo(path, 0600) != 0)
        die(path, NULL);
    free(path);
}

void world_release_tool(struct world *world, const char *action, const char *name)
{
    char *path = pipe_path(world, action, name);
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    unlink(path);
    if (fd >= 0) {
        ssize_t written = write(fd, "go\n", 3);
        (void)written;
        poll(NULL, 0, POLL_MS); /* the reader takes the line before the pipe goes */
        close(fd);
    }
    free(path);
}

void world_forget_tool(struct world *world, const char *action, const char *name)
{
    char *path = pipe_path(world, action, name);
    unlink(path);
    free(path);
}

pid_t world_fired(struct world *world, const char *point)
{
    struct str pid = STR_INIT;
    long long number = 0;
    char *path = path_printf("%s/faults/%s.fired", world->folder, point);
    if (file_read(path, 64, &pid, NULL)) {
        pid.data[strcspn(pid.data, "\n")] = '\0';
        if (!text_to_int(pid.data, &number))
            die(path, NULL);
    }
    str_release(&pid);
    free(path);
    return (pid_t)number;
}

static bool file_holds(const char *path, const char *text, const char *more)
{
    struct str whole = STR_INIT;
    bool holds = file_read(path, 64u << 20, &whole, NULL) && memmem(whole.data, whole.length, text, strlen(text)) &&
                 memmem(whole.data, whole.length, more, strlen(more));
    str_release(&whole);
    return holds;
}

/* Tokens change from attempt to attempt: any process with a token whose surroundings are this world's, or of its tool without surroundings. */
static bool is_tool_of(const char *pid, const char *folder, const char *cleared)
{
    char *environment = path_printf("/proc/%s/environ", pid), *line = path_printf("/proc/%s/cmdline", pid);
    bool is = file_holds(environment, "BERTH_STEP_TOKEN=", folder) || file_holds(line, cleared, "");
    free(environment);
    free(line);
    return is;
}

size_t world_tools(struct world *world, void (*found)(pid_t pid, void *context), void *context)
{
    struct folder_list list;
    char *cleared = path_join(world->folder, SHOP_CLEARED);
    size_t tools = 0;
    if (!folder_list("/proc", &list, NULL)) {
        free(cleared);
        return 1;
    }
    for (size_t i = 0; i < list.count; i++) {
        long long pid;
        if (!text_to_int(list.names[i], &pid) || !is_tool_of(list.names[i], world->folder, cleared))
            continue;
        tools++;
        if (found)
            found((pid_t)pid, context);
    }
    folder_list_free(&list);
    free(cleared);
    return tools;
}

/* Files below `folder` that hold the secret. */
static size_t count_secrets(const char *folder)
{
    struct folder_list list;
    struct stat status;
    size_t holding = 0;
    if (!folder_list(folder, &list, NULL))
        return 0;
    for (size_t i = 0; i < list.count; i++) {
        char *path = path_join(folder, list.names[i]);
        if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode))
            holding += count_secrets(path);
        else if (lstat(path, &status) == 0 && S_ISREG(status.st_mode) && file_holds(path, WORLD_SECRET, ""))
            holding++;
        free(path);
    }
    folder_list_free(&list);
    return holding;
}

static bool find_locked(const void *row, void *context)
{
    const struct environment *environment = row;
    *(size_t *)context += !text_empty(environment->lock_run);
    return true;
}

size_t world_breaches(struct world *world, struct str *out)
{
    struct error error = {0};
    char line[2200];
    int64_t entries = 0;
    size_t breaches = 0, locked = 0, tools = world_tools(world, NULL, NULL),
           secrets = count_secrets(world->store_folder);
    struct store_query environments = {.type = &environment_type};
    if (!store_verify_audit(world->store, &entries, &error)) {
        str_addf(out, "the audit is broken: %s; ", error_line(&error, line, sizeof line));
        breaches++;
    }
    if (tools > 0) {
        str_addf(out, "%zu tools are left behind; ", tools);
        breaches++;
    }
    if (!store_each(world->store, &environments, find_locked, &locked, NULL) || locked > 0) {
        str_addf(out, "%zu environments are still locked; ", locked);
        breaches++;
    }
    if (secrets > 0) {
        str_addf(out, "%zu files hold the secret; ", secrets);
        breaches++;
    }
    return breaches;
}

void world_push(struct world *world, const char *template_text)
{
    world_git(world, "checkout", "-q", "feature/x");
    world_write(world, "templates/shop.yaml", template_text, false);
    world_git(world, "commit", "-q", "-amchange");
    world_git(world, "checkout", "-q", "main");
}

int world_berth(struct world *world, const char *const *arguments, struct str *printed)
{
    struct error error = {0};
    struct process process;
    int status = 0, out = memfd_create("printed", MFD_CLOEXEC);
    const char *argv[24] = {getenv("BERTH") ? getenv("BERTH") : TEST_BUILDDIR "/src/berth"};
    for (size_t i = 0; arguments[i] && i < 22; i++)
        argv[i + 1] = arguments[i];
    struct process_spec spec = {
        .argv = argv, .folder = world->repository, .input_fd = -1, .output_fd = out, .error_fd = out};
    if (out < 0 || !process_start(&spec, &process, &error) || !process_wait(&process, &status, &error))
        die(argv[0], &error);
    process_release(&process);
    for (ssize_t got = 1; got > 0;) {
        got = pread(out, str_reserve(printed, 4096), 4096, (off_t)printed->length);
        str_grew(printed, got > 0 ? (size_t)got : 0);
    }
    close(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void world_close(struct world *world)
{
    int status = 0;
    if (world->daemon.pid != 0) {
        process_signal(&world->daemon, SIGKILL);
        if (!process_wait(&world->daemon, &status, NULL))
            status = 0;
    }
    process_release(&world->daemon);
    store_close(world->store);
    close(world->alive);
    if (waitpid(world->watcher, &status, 0) != world->watcher || status != 0)
        printf("# the world is not ended\n");
    free(world->folder);
    free(world->repository);
    free(world->store_folder);
    free(world->host_config);
    arena_release(&world->arena);
    memset(world, 0, sizeof *world);
}

bool world_has_terraform(void)
{
    const char *const argv[] = {"terraform", "version", NULL};
    struct process_spec spec = {.argv = argv, .input_fd = -1, .output_fd = -1, .error_fd = -1};
    struct process process;
    int status = 0;
    if (!process_start(&spec, &process, NULL))
        return false;
    bool has = waitpid(process.pid, &status, 0) == process.pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    process_release(&process);
    return has;
}
