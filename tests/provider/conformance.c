/* SPDX-License-Identifier: ISC */
/*
 * What every provider must keep, whatever it talks to. A table says which provider is tried for which capability and how its outside is set up; each
 * row is one test. Around each single call the suite checks: no descriptor and no child is left, nothing was printed, and an error says what, why and
 * what to do. A new provider adds a row.
 */
#include "http_server.h"
#include "prelude.h"

#include "berth/base/process.h"
#include "berth/base/time.h"
#include "berth/model/ledger.h"
#include "provider/skeleton/skeleton.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct subject { /* a provider being tried */
    const struct provider *provider;
    const char *variant;
    void (*prepare)(struct subject *subject);
    struct place place;
    struct http_server server;
    bool has_server;
    json_t *spec;
    const char *good_key, *bad_key, *needs; /* a program a machine may lack */
    struct config *config;                  /* NULL: none is needed */
    const char *payload;                    /* of a delivery */
    int stop[2], printed, kept_output, kept_error;
    size_t descriptors;
};

/* --- around each call ---------------------------------------------------------------------------------------- */

static int count_children(struct subject *subject)
{
    int count = 0;
    char *path = path_printf("/proc/self/task/%ld/children", (long)getpid());
    FILE *file = fopen(path, "re");
    long pid;
    while (file && fscanf(file, "%ld", &pid) == 1)
        count += !(subject->has_server && pid == subject->server.pid);
    if (file)
        fclose(file);
    free(path);
    return count;
}

static void before_call(struct subject *subject)
{
    error_clear(&subject->place.error);
    fflush(NULL);
    subject->kept_output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
    subject->kept_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    assert_int_equal(ftruncate(subject->printed, 0), 0);
    dup2(subject->printed, STDOUT_FILENO);
    dup2(subject->printed, STDERR_FILENO);
    subject->descriptors = open_descriptors();
}

static bool after_call(struct subject *subject, bool done)
{
    struct stat status;
    const struct error *error = &subject->place.error;
    fflush(NULL);
    dup2(subject->kept_output, STDOUT_FILENO);
    dup2(subject->kept_error, STDERR_FILENO);
    assert_int_equal(open_descriptors(), subject->descriptors);
    close(subject->kept_output);
    close(subject->kept_error);
    assert_int_equal(fstat(subject->printed, &status), 0);
    assert_int_equal(status.st_size, 0);
    assert_int_equal(count_children(subject), 0);
    if (!done) {
        assert_int_not_equal(error->code, ERROR_NONE);
        assert_true(error->message[0] && !strchr(error->message, '\n'));
        if (error->code != ERROR_CANCELLED && !error->hint[0])
            fail_msg("no hint: %s: %s", error->message, error->detail);
    }
    return done;
}

#define DO(call) (before_call(subject), after_call(subject, (call)))
#define MUST(call) must(DO(call), &subject->place.error)
#define CONTEXT (&subject->place.context)
#define ERROR (&subject->place.error)
#define ARENA (&subject->place.arena)

static void expect_error(struct subject *subject, bool done, enum error_code code)
{
    assert_false(done);
    if (subject->place.error.code != code)
        fail_msg("%s, expected %s: %s", error_info(subject->place.error.code)->name, error_info(code)->name,
                 subject->place.error.message);
}

static void stop_it(struct subject *subject)
{
    assert_int_equal(write(subject->stop[1], "x", 1), 1);
    subject->place.context.stop_fd = subject->stop[0];
}

static void go_on(struct subject *subject)
{
    char byte;
    if (subject->place.context.stop_fd >= 0)
        assert_int_equal(read(subject->stop[0], &byte, 1), 1);
    subject->place.context.stop_fd = -1;
    subject->place.context.deadline_ms = 0;
}

static void end_time(struct subject *subject)
{
    subject->place.context.deadline_ms = time_monotonic_ms() - 1;
}

/* --- branches ------------------------------------------------------------------------------------------------ */

struct seen {
    struct arena *arena;
    struct map known;
    size_t rows, facts;
    bool has_default, refuse;
};

static bool see(const struct branch *branch, void *owner)
{
    struct seen *seen = owner;
    assert_string_equal(branch->repository, "app");
    assert_true(text_starts(branch->id, "app:") && text_equal(branch->id + 4, branch->name));
    assert_int_equal(strlen(branch->commit), 40);
    seen->rows++;
    seen->facts += branch->subject != NULL;
    seen->has_default = seen->has_default || branch->is_default;
    map_set(&seen->known, branch->name, arena_strdup(seen->arena, branch->commit));
    return !seen->refuse;
}

static void try_listing(struct subject *subject)
{
    const struct provider *provider = subject->provider;
    struct seen first = {.arena = ARENA}, second = {.arena = ARENA}, third = {.arena = ARENA, .refuse = true};
    const char *default_branch = NULL;
    bool complete = false;
    MUST(provider_call_list(provider, CONTEXT, "app", NULL, see, &first, &complete, &default_branch, ARENA, ERROR));
    assert_true(complete && first.rows > 0 && first.facts == first.rows && first.has_default);
    assert_non_null(map_get(&first.known, default_branch));
    MUST(provider_call_list(provider, CONTEXT, "app", &first.known, see, &second, &complete, &default_branch, ARENA,
                            ERROR));
    assert_true(complete && second.rows == first.rows && second.facts == 0);
    expect_error(
        subject,
        DO(provider_call_list(provider, CONTEXT, "app", NULL, see, &third, &complete, &default_branch, ARENA, ERROR)),
        ERROR_CANCELLED);
    assert_false(complete);
    complete = true;
    stop_it(subject);
    expect_error(
        subject,
        DO(provider_call_list(provider, CONTEXT, "app", NULL, see, &second, &complete, &default_branch, ARENA, ERROR)),
        ERROR_CANCELLED);
    assert_false(complete);
    go_on(subject);
    end_time(subject);
    expect_error(
        subject,
        DO(provider_call_list(provider, CONTEXT, "app", NULL, see, &second, &complete, &default_branch, ARENA, ERROR)),
        ERROR_TIMEOUT);
    go_on(subject);
    map_release(&first.known);
    map_release(&second.known);
    map_release(&third.known);
}

static void try_following(struct subject *subject)
{
    struct str first = STR_INIT, second = STR_INIT;
    int fd = -1;
    must(provider_call_follow(subject->provider, CONTEXT, &first, &fd, ERROR),
         ERROR); /* may keep one descriptor, the caller's */
    MUST(provider_call_follow(subject->provider, CONTEXT, &second, &fd, ERROR));
    assert_true(first.length > 0);
    assert_string_equal(first.data, second.data);
    if (fd >= 0)
        close(fd);
    str_release(&first);
    str_release(&second);
}

static void try_commit(struct subject *subject, const char *commit)
{
    const struct provider *provider = subject->provider;
    static const char missing[] = "0123456789012345678901234567890123456789";
    struct branch facts;
    const char *committer = NULL;
    struct str out = STR_INIT;
    char *folder = path_join(subject->place.folder, "out"), *file = path_join(folder, "readme");
    MUST(provider_call_pin(provider, CONTEXT, "app", commit, "runs/1", ERROR));
    MUST(provider_call_pin(provider, CONTEXT, "app", commit, "runs/1", ERROR));
    expect_error(subject, DO(provider_call_pin(provider, CONTEXT, "app", missing, "runs/2", ERROR)), ERROR_NOT_FOUND);
    MUST(provider_call_describe(provider, CONTEXT, "app", commit, ARENA, &facts, &committer, ERROR));
    assert_true(!text_empty(facts.subject) && !text_empty(committer));
    expect_error(subject,
                 DO(provider_call_describe(provider, CONTEXT, "app", missing, ARENA, &facts, &committer, ERROR)),
                 ERROR_NOT_FOUND);
    MUST(provider_call_read(provider, CONTEXT, "app", commit, "readme", 1000, &out, ERROR));
    assert_true(out.length > 1);
    expect_error(subject, DO(provider_call_read(provider, CONTEXT, "app", commit, "readme", 1, &out, ERROR)),
                 ERROR_LIMIT);
    expect_error(subject, DO(provider_call_read(provider, CONTEXT, "app", commit, "missing", 1000, &out, ERROR)),
                 ERROR_NOT_FOUND);
    MUST(provider_call_export(provider, CONTEXT, "app", commit, folder, ERROR));
    assert_true(file_exists(file));
    expect_error(subject, DO(provider_call_export(provider, CONTEXT, "app", commit, folder, ERROR)), ERROR_CONFLICT);
    MUST(provider_call_unpin(provider, CONTEXT, "app", "runs/1", ERROR));
    MUST(provider_call_unpin(provider, CONTEXT, "app", "runs/1", ERROR));
    MUST(provider_call_unpin(provider, CONTEXT, "app", "never/pinned", ERROR));
    str_release(&out);
    free(folder);
    free(file);
}

static void branches(void **state)
{
    struct subject *subject = *state;
    const char *commit = NULL, *kind = NULL, *branch = NULL, *again = NULL;
    try_listing(subject);
    try_following(subject);
    MUST(provider_call_resolve(subject->provider, CONTEXT, "app", "", ARENA, &commit, &kind, &branch, ERROR));
    assert_string_equal(kind, "branch");
    MUST(provider_call_resolve(subject->provider, CONTEXT, "app", branch, ARENA, &again, &kind, &branch, ERROR));
    assert_string_equal(again, commit);
    MUST(provider_call_resolve(subject->provider, CONTEXT, "app", commit, ARENA, &again, &kind, &branch, ERROR));
    assert_string_equal(again, commit);
    assert_string_equal(kind, "commit");
    expect_error(subject,
                 DO(provider_call_resolve(subject->provider, CONTEXT, "app", "no-such-branch", ARENA, &commit, &kind,
                                          &branch, ERROR)),
                 ERROR_NOT_FOUND);
    try_commit(subject, again);
}

/* --- executor ------------------------------------------------------------------------------------------------ */

/* Its call either does its work whole or says that it did not. */
static void expect_whole_or(struct subject *subject, bool done, enum error_code code)
{
    if (!done)
        assert_int_equal(subject->place.error.code, code);
}

static struct plan_result plan_once(struct subject *subject, const struct executor_task *task)
{
    struct plan_result plan = {0};
    MUST(provider_call_plan(subject->provider, CONTEXT, task, ARENA, &plan, ERROR));
    assert_true(!text_empty(plan.summary) && !text_empty(plan.reason) && plan.spec_digest);
    plan_result_release(&plan);
    return plan;
}

static void executor(void **state)
{
    struct subject *subject = *state;
    if (subject->needs && !has_program(subject->needs))
        skip();
    const struct provider *provider = subject->provider;
    struct wanted_resource wanted = {.address = "thing[1]", .spec = subject->spec};
    struct executor_task task = {.wanted = &wanted,
                                 .spec = subject->spec,
                                 .address = "thing[1]",
                                 .environment = "review/x",
                                 .tree = subject->place.tree,
                                 .commit = "1111111111111111111111111111111111111111",
                                 .runner = provider_named("local")->runner,
                                 .runner_context = CONTEXT};
    struct apply_result result = {0};
    struct resource recorded = {.address = "thing[1]", .status = RESOURCE_OK}, seen = {0};
    MUST(provider_call_check(provider, CONTEXT, &task, ERROR));
    struct plan_result first = plan_once(subject, &task), second = plan_once(subject, &task);
    assert_string_equal(first.spec_digest, second.spec_digest);
    assert_int_equal(first.action, second.action);
    task.artifact = second.artifact;
    task.planned_spec_digest = second.spec_digest;
    stop_it(subject);
    expect_whole_or(subject, DO(provider_call_apply(provider, CONTEXT, &task, ARENA, &result, ERROR)), ERROR_CANCELLED);
    apply_result_release(&result);
    go_on(subject);
    end_time(subject);
    result = (struct apply_result){0};
    expect_whole_or(subject, DO(provider_call_apply(provider, CONTEXT, &task, ARENA, &result, ERROR)), ERROR_TIMEOUT);
    apply_result_release(&result);
    go_on(subject);
    result = (struct apply_result){0};
    MUST(provider_call_apply(provider, CONTEXT, &task, ARENA, &result, ERROR));
    assert_string_equal(result.spec_digest, first.spec_digest);
    apply_result_release(&result);
    recorded.spec = json_text(ARENA, subject->spec);
    recorded.spec_digest = result.spec_digest;
    task.recorded = &recorded;
    assert_int_equal(plan_once(subject, &task).action, PLAN_NONE);
    if (provider->executor->observe) {
        MUST(provider_call_observe(provider, CONTEXT, &task, ARENA, &seen, ERROR));
        assert_true(!text_empty(seen.status_reason));
    }
    task.wanted = NULL;
    struct plan_result away = plan_once(subject, &task);
    assert_true(away.action == PLAN_DESTROY || away.action == PLAN_FORGET);
    task.artifact = away.artifact;
    task.planned_spec_digest = away.spec_digest;
    for (int i = 0; i < 2; i++) { /* destroying nothing is fine */
        result = (struct apply_result){0};
        MUST(provider_call_destroy(provider, CONTEXT, &task, ARENA, &result, ERROR));
        apply_result_release(&result);
    }
}

/* --- artifacts ----------------------------------------------------------------------------------------------- */

static void artifacts(void **state)
{
    struct subject *subject = *state;
    const struct provider *provider = subject->provider;
    struct str bytes = STR_INIT;
    expect_error(subject, DO(provider_call_get(provider, CONTEXT, "7", "plan-a", 100, &bytes, ERROR)), ERROR_NOT_FOUND);
    MUST(provider_call_put(provider, CONTEXT, "7", "plan-a", "one\0two", 7, ERROR));
    MUST(provider_call_put(provider, CONTEXT, "7", "plan-a", "three\0four", 10, ERROR));
    MUST(provider_call_put(provider, CONTEXT, "8", "plan-a", "other", 5, ERROR));
    MUST(provider_call_get(provider, CONTEXT, "7", "plan-a", 100, &bytes, ERROR));
    assert_int_equal(bytes.length, 10);
    assert_memory_equal(bytes.data, "three\0four", 10);
    expect_error(subject, DO(provider_call_get(provider, CONTEXT, "7", "plan-a", 5, &bytes, ERROR)), ERROR_LIMIT);
    MUST(provider_call_remove(provider, CONTEXT, "7", ERROR));
    MUST(provider_call_remove(provider, CONTEXT, "7", ERROR));
    str_clear(&bytes);
    expect_error(subject, DO(provider_call_get(provider, CONTEXT, "7", "plan-a", 100, &bytes, ERROR)), ERROR_NOT_FOUND);
    MUST(provider_call_get(provider, CONTEXT, "8", "plan-a", 100, &bytes, ERROR));
    str_release(&bytes);
}

/* --- runner -------------------------------------------------------------------------------------------------- */

static void runner(void **state)
{
    struct subject *subject = *state;
    const char *const good[] = {"sh", "-c", "echo said; exit 5", NULL}, *const endless[] = {"sleep", "300", NULL};
    const char *const missing[] = {"no-such-program-anywhere", NULL};
    struct runner_job job = {.argv = good, .folder = subject->place.tree, .grace_ms = 100};
    struct runner_outcome outcome;
    MUST(provider_call_run(subject->provider, CONTEXT, &job, &outcome, ERROR));
    assert_int_equal(outcome.exit_status, 5);
    assert_non_null(strstr(place_log(&subject->place), "said\n"));
    job.argv = missing;
    expect_error(subject, DO(provider_call_run(subject->provider, CONTEXT, &job, &outcome, ERROR)), ERROR_NOT_FOUND);
    job.argv = endless;
    job.timeout_ms = 50;
    MUST(provider_call_run(subject->provider, CONTEXT, &job, &outcome, ERROR));
    assert_true(outcome.timed_out && !outcome.cancelled);
    stop_it(subject);
    MUST(provider_call_run(subject->provider, CONTEXT, &job, &outcome, ERROR));
    assert_true(outcome.cancelled && !outcome.timed_out);
    go_on(subject);
    end_time(subject);
    MUST(provider_call_run(subject->provider, CONTEXT, &job, &outcome, ERROR));
    assert_true(outcome.timed_out);
}

/* --- the small ones ------------------------------------------------------------------------------------------ */

static void secrets(void **state)
{
    struct subject *subject = *state;
    struct str value = STR_INIT;
    str_add(&value, "kept:");
    MUST(provider_call_secret(subject->provider, CONTEXT, subject->good_key, &value, ERROR));
    assert_true(text_starts(value.data, "kept:") && value.length > 5);
    size_t length = value.length;
    assert_false(DO(provider_call_secret(subject->provider, CONTEXT, subject->bad_key, &value, ERROR)));
    assert_int_equal(value.length, length);
    assert_null(strstr(place_log(&subject->place), value.data + 5));
    str_release(&value);
}

static void probe(void **state)
{
    struct subject *subject = *state;
    struct resource seen = {0};
    json_t *broken = json_pack("{s:s}", subject->provider->name, "");
    MUST(provider_call_probe(subject->provider, CONTEXT, subject->spec, ARENA, &seen, ERROR));
    assert_int_equal(seen.status, RESOURCE_OK);
    const char *reason = arena_strdup(ARENA, seen.status_reason);
    MUST(provider_call_probe(subject->provider, CONTEXT, subject->spec, ARENA, &seen, ERROR));
    assert_string_equal(seen.status_reason, reason); /* no news is no revision */
    MUST(provider_call_probe(subject->provider, CONTEXT, broken, ARENA, &seen, ERROR));
    assert_int_equal(seen.status, RESOURCE_UNKNOWN);
    assert_true(!text_empty(seen.status_reason));
    stop_it(subject);
    MUST(provider_call_probe(subject->provider, CONTEXT, subject->spec, ARENA, &seen, ERROR));
    assert_int_equal(seen.status, RESOURCE_UNKNOWN);
    go_on(subject);
    end_time(subject);
    MUST(provider_call_probe(subject->provider, CONTEXT, subject->spec, ARENA, &seen, ERROR));
    assert_int_equal(seen.status, RESOURCE_UNKNOWN);
    json_decref(broken);
}

static void notify(void **state)
{
    struct subject *subject = *state;
    struct delivery delivery = {.id = "01D", .event = "failed", .payload = "{\"event\":\"failed\"}"};
    if (subject->config) {
        delivery.receiver = subject->config->notify[0].id;
        delivery.payload = subject->payload;
    }
    for (int i = 0; i < 2; i++)
        MUST(provider_call_deliver(subject->provider, CONTEXT, &delivery, "KEY", ERROR));
    stop_it(subject);
    expect_error(subject, DO(provider_call_deliver(subject->provider, CONTEXT, &delivery, "KEY", ERROR)),
                 ERROR_CANCELLED);
    go_on(subject);
    end_time(subject);
    expect_error(subject, DO(provider_call_deliver(subject->provider, CONTEXT, &delivery, "KEY", ERROR)),
                 ERROR_TIMEOUT);
}

static void all(void **state)
{
    struct subject *subject = *state;
    const struct provider *provider = subject->provider;
    struct str value = STR_INIT;
    assert_true(provider->name[0]);
    assert_true(provider->branches || provider->executor || provider->runner || provider->secrets || provider->probe ||
                provider->notify || provider->artifacts);
    if (!provider->secrets)
        expect_error(subject, DO(provider_call_secret(provider, CONTEXT, "x", &value, ERROR)), ERROR_UNSUPPORTED);
    if (provider->executor)
        assert_true(provider->executor->check && provider->executor->plan && provider->executor->apply &&
                    provider->executor->destroy);
    assert_true(!(provider->executor && (provider->executor->flags & EXECUTOR_OBSERVES)) ||
                provider->executor->observe);
}

/* --- the outsides -------------------------------------------------------------------------------------------- */

static void with_repository(struct subject *subject)
{
    struct place *place = &subject->place;
    char *repo = path_join(place->folder, "repo"), *url = path_printf("file://%s", repo);
    git(place, place->folder, "init", "-q", "repo", NULL);
    place_file(place, "repo/readme", "hello\n", 0644);
    git(place, repo, "add", "-A", NULL);
    git(place, repo, "commit", "-q", "-m", "First", NULL);
    git(place, repo, "branch", "other", NULL);
    place_key(place, "url", text_equal(subject->variant, "url") ? url : repo);
    free(repo);
    free(url);
}

static void with_audit(struct subject *subject)
{
    static const char policy[] = "version: 1\nworkspace: w\nrepositories: { app: { provider: git, url: . } }\n"
                                 "targets: { here: { provider: local } }\nenvironments:\n"
                                 "  - { name: e, tier: dev, source: { branches: [x] }, templates: [t], target: here }\n"
                                 "notify: [ { provider: git, repository: app } ]\n";
    struct problems problems;
    with_repository(subject);
    problems_init(&problems, ARENA);
    subject->config = config_load("berth.yaml", policy, sizeof policy - 1, &problems);
    problems_release(&problems);
    assert_non_null(subject->config);
    subject->place.context.config = subject->config;
    subject->payload = "{\"run\":\"1\",\"path\":\"runs/S/2026/11/000001.json\",\"file\":\"{}\","
                       "\"commit\":\"author A <a@b> 1 +0000\\ncommitter A <a@b> 1 +0000\\n\\nrun 1\\n\"}";
}

static void with_program(struct subject *subject)
{
    place_file(&subject->place, "tree/do", "#!/bin/sh\nexit 0\n", 0755);
    subject->spec = json_pack("{s:[s,s], s:[s,s]}", "run", "./do", "up", "undo", "./do", "down");
}

static void with_keys(struct subject *subject)
{
    subject->spec = json_pack("{s:s}", "key", "value");
}

static void with_endpoint(struct subject *subject)
{
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", NULL};
    char *url;
    http_server_start(&subject->server, subject->place.folder, answers);
    subject->has_server = true;
    url = path_printf("http://127.0.0.1:%d/", subject->server.port);
    place_key(&subject->place, "url", url);
    if (text_equal(subject->provider->name, "tcp"))
        subject->spec = json_pack("{s:o}", "tcp", json_sprintf("127.0.0.1:%d", subject->server.port));
    else
        subject->spec = json_pack("{s:s}", subject->provider->name, url);
    free(url);
}

static void with_name(struct subject *subject)
{
    subject->spec = json_pack("{s:s}", subject->provider->name, "something");
}

static void with_secret(struct subject *subject)
{
    subject->good_key = "known";
    subject->bad_key = "unknown";
    setenv("known", "a value that is known", 1);
    unsetenv("unknown");
    place_file(&subject->place, "secrets/known", "a value that is known", 0600);
    if (text_equal(subject->provider->name, "file")) {
        char *folder = path_join(subject->place.folder, "secrets");
        place_key(&subject->place, "dir", folder);
        free(folder);
    }
}

static void with_module(struct subject *subject)
{
    subject->needs = "terraform";
    place_file(&subject->place, "tree/infra/main.tf", "resource \"terraform_data\" \"one\" {\n  input = 1\n}\n", 0644);
    subject->spec = json_pack("{s:s}", "dir", "infra");
}

static void with_folder(struct subject *subject)
{
    char *folder = path_join(subject->place.folder, "artifacts");
    place_key(&subject->place, "dir", folder);
    free(folder);
}

static void with_nothing(struct subject *subject)
{
    (void)subject;
}

/* --- the table ----------------------------------------------------------------------------------------------- */

static const struct row {
    const char *provider, *variant, *capability;
    void (*test)(void **state);
    void (*prepare)(struct subject *subject);
} rows[] = {
    {"env", "", "secrets", secrets, with_secret},
    {"exec", "", "executor", executor, with_program},
    {"external", "", "executor", executor, with_keys},
    {"file", "", "artifacts", artifacts, with_nothing},
    {"file", "", "secrets", secrets, with_secret},
    {"file", "dir", "artifacts", artifacts, with_folder},
    {"git", "", "notify", notify, with_audit},
    {"git", "path", "branches", branches, with_repository},
    {"git", "url", "branches", branches, with_repository},
    {"http", "", "probe", probe, with_endpoint},
    {"local", "", "runner", runner, with_nothing},
    {"skeleton", "", "branches", branches, with_nothing},
    {"skeleton", "", "executor", executor, with_keys},
    {"skeleton", "", "notify", notify, with_nothing},
    {"skeleton", "", "probe", probe, with_name},
    {"skeleton", "", "runner", runner, with_nothing},
    {"skeleton", "", "secrets", secrets, with_secret},
    {"tcp", "", "probe", probe, with_endpoint},
    {"terraform", "", "executor", executor, with_module},
    {"webhook", "", "notify", notify, with_endpoint},
};
#define ROWS (sizeof rows / sizeof *rows)

static int setup(void **state)
{
    const struct row *row = *state;
    struct subject *subject = calloc(1, sizeof *subject);
    subject->provider = text_equal(row->provider, "skeleton") ? &skeleton_provider : provider_named(row->provider);
    subject->variant = row->variant;
    assert_non_null(subject->provider);
    place_make(&subject->place, row->provider);
    assert_int_equal(pipe2(subject->stop, O_CLOEXEC), 0);
    char *path = path_join(subject->place.folder, "printed");
    subject->printed = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    free(path);
    row->prepare(subject);
    *state = subject;
    return 0;
}

static int teardown(void **state)
{
    struct subject *subject = *state;
    if (subject->has_server)
        http_server_stop(&subject->server);
    json_decref(subject->spec);
    config_free(subject->config);
    close(subject->stop[0]);
    close(subject->stop[1]);
    close(subject->printed);
    place_remove(&subject->place);
    free(subject);
    return 0;
}

/* Every registered provider has a row for each of its capabilities, or it is not tried at all. */
static void table__has_every_capability_of_every_provider(void **state)
{
    size_t count;
    const struct provider *const *registered = providers(&count);
    (void)state;
    assert_null(provider_named("skeleton"));
    for (size_t i = 0; i < count; i++) {
        const struct provider *provider = registered[i];
        const struct {
            const char *name;
            const void *has;
        } capabilities[] = {{"branches", provider->branches},  {"executor", provider->executor},
                            {"runner", provider->runner},      {"secrets", provider->secrets},
                            {"probe", provider->probe},        {"notify", provider->notify},
                            {"artifacts", provider->artifacts}};
        for (size_t k = 0; k < sizeof capabilities / sizeof *capabilities; k++) {
            bool found = capabilities[k].has == NULL;
            for (size_t at = 0; at < ROWS && !found; at++)
                found = text_equal(rows[at].provider, provider->name) &&
                        text_equal(rows[at].capability, capabilities[k].name);
            if (!found)
                fail_msg("%s has no row for %s", provider->name, capabilities[k].name);
        }
    }
}

static void note(const char *text, void *owner)
{
    str_add(owner, text);
}

static void traced__notes_each_call(void **state)
{
    struct place place;
    struct str notes = STR_INIT, value = STR_INIT;
    (void)state;
    place_make(&place, "skeleton");
    const struct provider *traced = provider_traced(&skeleton_provider, note, &notes);
    must(provider_call_secret(traced, &place.context, "known", &value, &place.error), &place.error);
    assert_true(text_starts(notes.data, "skeleton.secrets.resolve known: ok in "));
    str_clear(&notes);
    assert_false(provider_call_secret(traced, &place.context, "no", &value, &place.error));
    assert_true(text_starts(notes.data, "skeleton.secrets.resolve no: not_found in "));
    provider_unwrap(traced);
    str_release(&notes);
    str_release(&value);
    place_remove(&place);
}

int main(void)
{
    struct CMUnitTest tests[2 * ROWS + 2];
    struct str names[2 * ROWS];
    size_t count = 0;
    for (size_t i = 0; i < 2 * ROWS; i++) {
        const struct row *row = &rows[i / 2];
        str_init(&names[i]);
        str_addf(&names[i], "%s%s%s__%s", row->provider, row->variant[0] ? "_" : "", row->variant,
                 i % 2 ? row->capability : "declares_what_it_can");
        if (i % 2 == 0 && i > 0 && text_equal(row->provider, rows[i / 2 - 1].provider))
            continue;
        tests[count++] = (struct CMUnitTest){.name = names[i].data,
                                             .test_func = i % 2 ? row->test : all,
                                             .setup_func = setup,
                                             .teardown_func = teardown,
                                             .initial_state = (void *)(uintptr_t)row};
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(table__has_every_capability_of_every_provider);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(traced__notes_each_call);
    int failed = _cmocka_run_group_tests("conformance", tests, count, NULL, NULL);
    for (size_t i = 0; i < 2 * ROWS; i++)
        str_release(&names[i]);
    return failed;
}
