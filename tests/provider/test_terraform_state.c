/* SPDX-License-Identifier: ISC */
/* The executor terraform with the real tool: secrets stay nowhere, the state lies where it should, its lock is shown and released. */
#include "http_server.h"
#include "terraform_setting.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLANTED "pa55-\"word\"-of-nobody"         /* known to the redactor: a secret of the policy */
#define MODULE_SECRET "hidden-in-the-module-only" /* known to terraform alone */

/* --- secrets ------------------------------------------------------------------------------------------------- */

static void search_folder(struct setting *setting, const char *folder, const char *const *words);

static void search_file(struct setting *setting, const char *path, const char *const *words)
{
    struct str text = STR_INIT;
    if (text_ends(path, "/terraform.tfstate") || text_ends(path, ".tfstate.backup")) {
        struct stat status;
        assert_int_equal(stat(path, &status), 0);
        if (!strstr(path, "/data/")) /* the tool's own note of its backend, in the run's folder */
            assert_int_equal(status.st_mode & 07777, 0600);
        return;
    }
    must(file_read(path, (size_t)64 << 20, &text, &setting->place.error), &setting->place.error);
    for (size_t i = 0; words[i]; i++)
        if (memmem(text.data, text.length, words[i], strlen(words[i])))
            fail_msg("%s holds %s", path, words[i]);
    str_release(&text);
}

static void search_folder(struct setting *setting, const char *folder, const char *const *words)
{
    struct folder_list list = {0};
    must(folder_list(folder, &list, &setting->place.error), &setting->place.error);
    for (size_t i = 0; i < list.count; i++) {
        char *path = path_join(folder, list.names[i]);
        struct stat status;
        assert_int_equal(lstat(path, &status), 0);
        if (S_ISDIR(status.st_mode))
            search_folder(setting, path, words);
        else if (S_ISREG(status.st_mode))
            search_file(setting, path, words);
        free(path);
    }
    folder_list_free(&list);
}

/* All that berth wrote; the tree is the commit's. */
static void search_kept(struct setting *setting, const char *const *words)
{
    search_folder(setting, setting->place.store, words);
    search_folder(setting, setting->place.run, words);
    search_file(setting, setting->place.log, words);
}

/* A saved plan holds what it would write, compressed: no search finds it, so it may not be there at all. */
static void expect_no_plan(struct setting *setting)
{
    char *path = path_printf("%s/terraform-infra-111111111111/plan", setting->place.run);
    assert_false(file_exists(path));
    free(path);
}

static void search_json(struct setting *setting, const json_t *value, const char *const *words)
{
    const char *text = value ? json_text(&setting->place.arena, value) : "";
    for (size_t i = 0; words[i]; i++)
        if (strstr(text, words[i]))
            fail_msg("a result holds %s: %s", words[i], text);
}

/* Values as they are, the part that no escaping touches, base64 at the three places a byte can have, and URL-encoded. */
static const char *const planted[] = {PLANTED,    "word\\\"-of", "pa55-",        "cGE1NS0i",  "YTU1LSJ3", "NTUtIndv",
                                      "pa55-%22", MODULE_SECRET, "aGlkZGVuLWlu", "hidden-in", NULL};

static void secrets__stay_nowhere(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    struct str value = STR_INIT;
    if (!has_program("terraform"))
        skip();
    redactor_add(setting->redactor, PLANTED, strlen(PLANTED));
    module_file(setting, "variable \"open\" {}\nvariable \"closed\" { sensitive = true }\n"
                         "variable \"module\" {\n  sensitive = true\n  default = \"" MODULE_SECRET "\"\n}\n"
                         "resource \"terraform_data\" \"a\" {\n  input = { open = var.open, closed = var.closed, "
                         "coded = base64encode(var.open), url = urlencode(var.open), m = var.module }\n"
                         "  provisioner \"local-exec\" {\n    command = \"printf '%s' \\\"$A\\\"\"\n"
                         "    environment = { A = var.open }\n  }\n}\n"
                         "output \"open\" { value = var.open }\n"
                         "output \"closed\" {\n  value = \"${var.closed}${var.module}\"\n  sensitive = true\n}\n");
    json_object_set_new(setting->spec, "vars", json_pack("{s:s, s:s}", "open", PLANTED, "closed", PLANTED));
    json_object_set_new(setting->spec, "env", json_pack("{s:s}", "TOKEN", PLANTED));
    json_array_append_new(setting->outputs, json_string("open"));
    json_array_append_new(setting->outputs, json_string("closed"));
    (void)plan(setting);
    search_json(setting, setting->plan.changes, planted);
    search_json(setting, setting->plan.outputs, planted);
    assert_true(
        json_is_true(json_object_get(attribute(setting->plan.changes, "terraform_data.a", "input.m"), "sensitive")));
    assert_true(json_is_true(
        json_object_get(attribute(setting->plan.changes, "terraform_data.a", "input.coded"), "sensitive")));
    const char *mark =
        arena_strdup(&place->arena, json_get_text(json_object_get(setting->plan.outputs, "closed"), "sensitive"));
    search_kept(setting, planted);
    expect_no_plan(setting);
    apply(setting);
    expect_no_plan(setting);
    search_json(setting, setting->result.outputs, planted);
    search_json(setting, setting->result.sensitive, planted);
    search_json(setting, setting->result.inner, planted);
    search_kept(setting, planted);
    assert_int_equal(json_object_size(setting->result.outputs), 0);
    assert_true(text_starts(mark, "hmac:"));
    assert_string_equal(json_get_text(setting->result.sensitive, "closed"), mark);
    assert_true(state_has(setting, MODULE_SECRET));                   /* terraform insists; the state is private */
    provider_log(&place->context, "told: %s", PLANTED MODULE_SECRET); /* what was read is known from then on */
    search_kept(setting, planted);
    /* and yet it can be used by another resource, whose worker has not heard of it */
    redactor_free(setting->redactor);
    setting->redactor = redactor_new();
    place->context.redactor = setting->redactor;
    must(provider_call_output(terraform(), &place->context, &setting->task, "closed", &value, &place->error),
         &place->error);
    assert_string_equal(value.data, PLANTED MODULE_SECRET);
    assert_false(provider_call_output(terraform(), &place->context, &setting->task, "none", &value, &place->error));
    assert_int_equal(place->error.code, ERROR_NOT_FOUND);
    provider_log(&place->context, "told: %s", value.data);
    search_kept(setting, planted);
    redactor_add(setting->redactor, PLANTED, strlen(PLANTED));
    assert_int_equal(plan(setting), PLAN_NONE); /* what is sensitive does not make it seem changed */
    str_release(&value);
}

static void secrets__of_a_failure_are_not_in_the_error(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    redactor_add(setting->redactor, PLANTED, strlen(PLANTED));
    module_file(setting, "variable \"pw\" {\n  validation {\n    condition = length(var.pw) < 3\n"
                         "    error_message = \"it is ${var.pw}\"\n  }\n}\n");
    json_object_set_new(setting->spec, "vars", json_pack("{s:s}", "pw", PLANTED));
    expect(setting, try_plan(setting), ERROR_TOOL, "failed");
    assert_null(strstr(place_log(&setting->place), "pa55-"));
    search_kept(setting, planted);
}

/* --- state, locks, backends ---------------------------------------------------------------------------------- */

static void lock__is_shown_with_its_holder(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    module_file(setting, TWO);
    (void)plan(setting);
    char *path = state_path(setting), *folder = strdup(path);
    *strrchr(folder, '/') = '\0';
    char *info = path_join(folder, ".terraform.tfstate.lock.info");
    const char *said = "{\"ID\":\"12345678-1234-1234-1234-123456789012\",\"Operation\":\"OperationTypeApply\","
                       "\"Who\":\"bob@elsewhere\",\"Version\":\"1.11.4\",\"Created\":\"2026-11-21T10:00:00Z\"}";
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0 && fcntl(fd, F_OFD_SETLK, &whole) == 0); /* it stays when the state is read here */
    must(file_replace(info, said, strlen(said), 0600, FILE_RELAXED, &setting->place.error), &setting->place.error);
    expect(setting, try_plan(setting), ERROR_CONFLICT,
           "the state of 'infra' is locked by bob@elsewhere since 2026-11-21T10:00:00Z, for Apply");
    assert_true(setting->place.error.retry);
    assert_non_null(strstr(setting->place.error.detail, "12345678-1234-1234-1234-123456789012"));
    assert_string_equal(json_get_text(setting->plan.lock, "who"), "bob@elsewhere");
    assert_string_equal(json_get_text(setting->plan.lock, "id"), "12345678-1234-1234-1234-123456789012");
    close(fd);
    assert_int_equal(plan(setting), PLAN_CREATE);
    free(info);
    free(folder);
    free(path);
}

static void lock__of_a_remote_state_is_released_by_its_id(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    struct http_server server;
    static const char held[] = "{\"ID\":\"abc-1\",\"Operation\":\"OperationTypePlan\",\"Who\":\"bob@elsewhere\","
                               "\"Version\":\"1.11.4\",\"Created\":\"2026-11-21T10:00:00Z\"}";
    const char *const answers[] = {
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", /* init looks for a state */
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", /* what it calls sensitive */
        arena_printf(&place->arena,
                     "HTTP/1.1 423 Locked\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n%s",
                     strlen(held), held),
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", NULL};
    struct state_lock lock = {.id = "abc-1", .who = "bob@elsewhere", .operation = "Plan", .path = "", .version = ""};
    struct lock_release release = {.lock = &lock};
    struct str asked = STR_INIT;
    if (!has_program("terraform"))
        skip();
    http_server_start(&server, place->folder, answers);
    module_file(setting, "terraform {\n  backend \"http\" {}\n}\n" TWO);
    json_object_set_new(setting->spec, "lock_timeout", json_string("0s"));
    json_object_set_new(setting->spec, "backend",
                        json_pack("{s:o, s:o, s:o, s:s, s:s, s:s}", "address",
                                  json_sprintf("http://127.0.0.1:%d/state", server.port), "lock_address",
                                  json_sprintf("http://127.0.0.1:%d/lock", server.port), "unlock_address",
                                  json_sprintf("http://127.0.0.1:%d/lock", server.port), "retry_max", "0", "username",
                                  "u${1}", "password", "p%{2}"));
    expect(setting, try_plan(setting), ERROR_CONFLICT, "the state of 'infra' is locked");
    assert_string_equal(json_get_text(setting->plan.lock, "id"), "abc-1"); /* of the holder, not of who asked */
    assert_string_equal(json_get_text(setting->plan.lock, "who"), "");
    release.since_ms = 1;
    assert_false(provider_call_unlock(terraform(), &place->context, &setting->task, &release, &place->error));
    assert_int_equal(place->error.code, ERROR_CONFLICT);
    assert_non_null(strstr(place->error.detail, "bob@elsewhere"));
    release.asked = true;
    must(provider_call_unlock(terraform(), &place->context, &setting->task, &release, &place->error), &place->error);
    must(file_read(server.asked, 1 << 20, &asked, &place->error), &place->error);
    assert_non_null(strstr(asked.data, "UNLOCK /lock"));
    assert_non_null(strstr(asked.data, "Authorization: Basic dSR7MX06cCV7Mn0=")); /* u${1}:p%{2}: nothing is expanded */
    assert_false(state_has(setting, "{"));
    http_server_stop(&server);
    str_release(&asked);
}

#define HTTP_200 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define HTTP_404 "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

/* A module whose state is with the server, nothing in it. */
static void remote_module(struct setting *setting, const struct http_server *server)
{
    module_file(setting, "terraform {\n  backend \"http\" {}\n}\n" TWO);
    json_object_set_new(setting->spec, "backend",
                        json_pack("{s:o, s:o, s:o, s:s}", "address",
                                  json_sprintf("http://127.0.0.1:%d/state", server->port), "lock_address",
                                  json_sprintf("http://127.0.0.1:%d/lock", server->port), "unlock_address",
                                  json_sprintf("http://127.0.0.1:%d/lock", server->port), "retry_max", "0"));
}

static void lock__is_looked_at_by_taking_it_for_a_moment(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    struct http_server server;
    const char *const answers[] = {HTTP_404, HTTP_200, HTTP_404, HTTP_200, NULL}; /* init; lock, read, unlock */
    struct lock_seen seen;
    struct str asked = STR_INIT;
    if (!has_program("terraform"))
        skip();
    http_server_start(&server, place->folder, answers);
    remote_module(setting, &server);
    must(provider_call_look_at_lock(terraform(), &place->context, &setting->task, 1, &place->arena, &seen,
                                    &place->error),
         &place->error);
    assert_false(seen.held);
    must(file_read(server.asked, 1 << 20, &asked, &place->error), &place->error);
    assert_non_null(strstr(asked.data, "UNLOCK /lock"));
    assert_null(strstr(asked.data, "POST /state")); /* nothing is written */
    http_server_stop(&server);
    str_release(&asked);
}

static void lock__of_somebody_is_shown_with_what_speaks_against_his_death(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    struct http_server server;
    static const char held[] = "{\"ID\":\"abc-1\",\"Who\":\"bob@elsewhere\"}";
    const char *const answers[] = {
        HTTP_404,
        arena_printf(&place->arena, "HTTP/1.1 423 Locked\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                     strlen(held), held),
        NULL};
    struct lock_seen seen;
    if (!has_program("terraform"))
        skip();
    http_server_start(&server, place->folder, answers);
    remote_module(setting, &server);
    must(provider_call_look_at_lock(terraform(), &place->context, &setting->task, 1, &place->arena, &seen,
                                    &place->error),
         &place->error);
    assert_true(seen.held);
    assert_false(seen.dead);
    assert_string_equal(seen.lock.id, "abc-1");
    assert_non_null(strstr(seen.why, "it is held by")); /* this tool's http does not tell by whom */
    http_server_stop(&server);
}

static void lock__of_a_file_ends_with_its_holder(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    struct lock_seen seen;
    if (!has_program("terraform"))
        skip();
    module_file(setting, TWO);
    (void)plan(setting);
    must(provider_call_look_at_lock(terraform(), &place->context, &setting->task, 1, &place->arena, &seen,
                                    &place->error),
         &place->error);
    assert_false(seen.held);
    char *path = state_path(setting);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0 && fcntl(fd, F_SETLK, &whole) == 0);
    expect(setting,
           provider_call_look_at_lock(terraform(), &place->context, &setting->task, 1, &place->arena, &seen,
                                      &place->error),
           ERROR_UNSUPPORTED, "such a lock ends with its holder");
    close(fd);
    free(path);
}

/* A process that holds the lock of the local state as somebody's tool would, until somebody says that he waits for it. */
struct holding {
    struct setting *setting;
    pid_t holder;
    const char *said; /* by the first who waited; in the arena */
    int words, ends;
};

static void hold_state(struct holding *holding)
{
    struct setting *setting = holding->setting;
    char *path = state_path(setting), *folder = path_join(setting->place.store, "terraform");
    char *info = path_printf("%s/%s/infra/.terraform.tfstate.lock.info", folder, setting->task.environment_id);
    const char *text = "{\"ID\":\"abc-7\",\"Operation\":\"OperationTypeApply\",\"Info\":\"\",\"Who\":\"bob@away\","
                       "\"Version\":\"1.11.4\",\"Created\":\"2026-11-20T09:08:07.5Z\",\"Path\":\"terraform.tfstate\"}";
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int holds[2];
    char byte;
    assert_int_equal(pipe2(holds, O_CLOEXEC), 0);
    holding->holder = fork();
    if (holding->holder == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        int fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0 || fcntl(fd, F_SETLK, &whole) != 0 || write(holds[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(holds[1]);
    assert_int_equal(read(holds[0], &byte, 1), 1);
    close(holds[0]);
    must(file_replace(info, text, strlen(text), 0600, FILE_RELAXED, &setting->place.error), &setting->place.error);
    free(info);
    free(folder);
    free(path);
}

static void let_state_go(const struct provider_context *context, const char *reason)
{
    struct holding *holding = context->owner;
    holding->words++;
    holding->ends += reason[0] == '\0';
    if (holding->holder > 0) {
        holding->said = arena_strdup(&holding->setting->place.arena, reason);
        kill(holding->holder, SIGKILL);
        waitpid(holding->holder, NULL, 0);
        holding->holder = 0;
    }
}

static void lock__that_is_waited_for_is_told_with_its_holder(void **state)
{
    struct setting *setting = *state;
    struct holding holding = {.setting = setting};
    if (!has_program("terraform"))
        skip();
    module_file(setting, TWO);
    (void)plan(setting);
    apply(setting);
    setting->place.context.owner = &holding;
    setting->place.context.waits = let_state_go;
    json_object_set_new(setting->spec, "lock_timeout", json_string("2m"));
    set_vars(setting, "x", 3);
    hold_state(&holding);
    assert_int_equal(plan(setting), PLAN_UPDATE);
    assert_non_null(holding.said);
    assert_string_equal(holding.said,
                        "waits for the lock of its state, held by bob@away since 2026-11-20T09:08:07Z, for "
                        "Apply (lock abc-7)");
    assert_int_equal(holding.words, 2); /* and that it goes on */
    assert_int_equal(holding.ends, 1);
    hold_state(&holding);
    apply(setting);
    assert_int_equal(holding.words, 4);
    assert_int_equal(holding.ends, 2);
    assert_string_equal(inner(setting, setting->result.inner), "terraform_data.b[2] ok");
    assert_int_equal(plan(setting), PLAN_NONE);
    assert_int_equal(holding.words, 4); /* nobody holds it */
}

/* --- an operator's command ----------------------------------------------------------------------------------- */

static bool run_words(struct setting *setting, const char *const *words, int64_t *exit_status)
{
    struct executor_command command = {.words = words};
    error_clear(&setting->place.error);
    bool ran =
        provider_call_command(terraform(), &setting->place.context, &setting->task, &command, &setting->place.error);
    *exit_status = command.exit_status;
    return ran;
}
#define RUN(...) run_words(setting, (const char *const[]){__VA_ARGS__, NULL}, &exit_status)

/* As a worker that has just begun. */
static void hear_of_nothing(struct setting *setting)
{
    redactor_free(setting->redactor);
    setting->redactor = redactor_new();
    setting->place.context.redactor = setting->redactor;
}

/* terraform_data tells its input once more as its output, which nobody marks. */
static void secrets__that_the_state_marks_are_hidden_where_a_copy_stands(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    module_file(
        setting,
        "resource \"terraform_data\" \"a\" {\n  input = sensitive(\"" MODULE_SECRET "\")\n"
        "  provisioner \"local-exec\" {\n    when = destroy\n    command = \"echo told ${self.output}\"\n  }\n}\n"
        "resource \"terraform_data\" \"b\" { input = { open = \"seen\", closed = [\"in-the-open\", "
        "sensitive(\"of-a-list-" MODULE_SECRET "\")] } }\n");
    (void)plan(setting);
    apply(setting);
    hear_of_nothing(setting);
    const size_t before = strlen(place_log(&setting->place));
    setting->task.wanted = NULL;
    assert_int_equal(plan(setting), PLAN_DESTROY);
    const char *said = place_log(&setting->place) + before;
    char *changes = json_dumps(setting->plan.changes, JSON_SORT_KEYS);
    assert_non_null(strstr(said, "will be destroyed"));
    assert_true(strstr(said, "seen") && strstr(said, "in-the-open"));
    assert_null(strstr(said, MODULE_SECRET));
    assert_non_null(strstr(changes, "hmac:"));
    assert_null(strstr(changes, MODULE_SECRET));
    free(changes);
    hear_of_nothing(setting);
    apply(setting);
    assert_non_null(strstr(place_log(&setting->place), "told ***"));
    assert_null(strstr(place_log(&setting->place), MODULE_SECRET));
    search_kept(setting, planted);
}

/* Too short to be blotted out of a text, but not where it is all that stands there. */
static void secrets__that_are_short_are_hidden_where_they_are_a_whole_value(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    module_file(setting, "resource \"terraform_data\" \"a\" { input = sensitive(\"x7z\") }\n"
                         "resource \"terraform_data\" \"b\" { input = \"in x7z\" }\n");
    (void)plan(setting);
    apply(setting);
    module_file(setting, "resource \"terraform_data\" \"a\" { input = sensitive(\"other-one\") }\n");
    (void)plan(setting);
    assert_true(
        text_starts(json_get_text(attribute(setting->plan.changes, "terraform_data.a", "output"), "before"), "hmac:"));
    assert_string_equal(json_get_text(attribute(setting->plan.changes, "terraform_data.b", "input"), "before"),
                        "in x7z");
}

static void command__prints_nothing_that_the_state_calls_sensitive(void **state)
{
    struct setting *setting = *state;
    int64_t exit_status;
    if (!has_program("terraform"))
        skip();
    module_file(setting, "resource \"terraform_data\" \"a\" {\n"
                         "  input = { open = \"seen\", lines = sensitive(\"first-of-two\\nsecond-of-two\"), "
                         "closed = [sensitive(\"" MODULE_SECRET "\")] }\n}\n"
                         "output \"open\" { value = \"seen\" }\n"
                         "output \"closed\" {\n  value = terraform_data.a.output.closed[0]\n  sensitive = true\n}\n");
    (void)plan(setting);
    apply(setting);
    hear_of_nothing(setting);
    must(RUN("show", "-json"), &setting->place.error);
    must(RUN("state", "pull"), &setting->place.error);
    must(RUN("output", "-json"), &setting->place.error);
    must(RUN("state", "show", "terraform_data.a"), &setting->place.error);
    must(RUN("output", "open"), &setting->place.error);
    expect(setting, RUN("output", "closed"), ERROR_DENIED, "is sensitive: it is printed nowhere");
    expect(setting, RUN("output", "-raw", "closed"), ERROR_DENIED, "is sensitive: it is printed nowhere");
    assert_null(strstr(place_log(&setting->place), MODULE_SECRET));
    assert_null(strstr(place_log(&setting->place), "second-of-two"));
    assert_non_null(strstr(place_log(&setting->place), "seen"));
    search_kept(setting, planted);
}

static void file_of_inner_module(struct setting *setting, const char *text)
{
    char *folder = path_join(setting->task.tree, "infra/inner"), *path = path_join(folder, "main.tf");
    assert_true(folder_make(folder, 0755, NULL) && file_replace(path, text, strlen(text), 0644, FILE_RELAXED, NULL));
    free(path);
    free(folder);
}

static void command__hides_what_inner_modules_hold_and_says_only_what_was_asked_for(void **state)
{
    struct setting *setting = *state;
    int64_t exit_status;
    if (!has_program("terraform"))
        skip();
    file_of_inner_module(setting,
                         "resource \"terraform_data\" \"deep\" { input = sensitive(\"" MODULE_SECRET "\") }\n");
    module_file(setting, "module \"inner\" { source = \"./inner\" }\n");
    (void)plan(setting);
    apply(setting);
    hear_of_nothing(setting);
    const size_t before = strlen(place_log(&setting->place));
    setenv("TF_CLI_CONFIG_FILE", "/nonexistent/terraformrc", 1); /* every call of the tool warns of it */
    must(RUN("state", "show", "module.inner.terraform_data.deep"), &setting->place.error);
    unsetenv("TF_CLI_CONFIG_FILE");
    const char *said = strstr(place_log(&setting->place) + before, "Unable to open CLI");
    assert_non_null(said);
    assert_null(strstr(said + 1, "Unable to open CLI")); /* nothing of what berth itself asks the tool */
    must(RUN("show", "-json"), &setting->place.error);
    must(RUN("state", "pull"), &setting->place.error);
    assert_null(strstr(place_log(&setting->place), MODULE_SECRET));
    search_kept(setting, planted);
}

static void command__hides_a_value_of_several_lines_that_comes_raw(void **state)
{
    struct setting *setting = *state;
    int64_t exit_status;
    if (!has_program("terraform"))
        skip();
    module_file(setting, "locals { key = \"abc\\nkey-of-lines\\nxyz\" }\n"
                         "resource \"terraform_data\" \"a\" { input = sensitive(local.key) }\n"
                         "output \"open\" { value = local.key }\n");
    (void)plan(setting);
    apply(setting);
    const size_t before = strlen(place_log(&setting->place));
    must(RUN("output", "-raw", "open"), &setting->place.error);
    const char *said = place_log(&setting->place) + before;
    assert_null(strstr(said, "abc"));
    assert_null(strstr(said, "xyz"));
}

static void command__does_not_print_what_is_too_short_to_be_hidden(void **state)
{
    struct setting *setting = *state;
    int64_t exit_status;
    if (!has_program("terraform"))
        skip();
    module_file(setting, "output \"short\" {\n  value = \"xyz\"\n  sensitive = true\n}\n");
    must(RUN("show", "-json"), &setting->place.error); /* there is nothing in the state */
    (void)plan(setting);
    apply(setting);
    expect(setting, RUN("show", "-json"), ERROR_DENIED, "too short to be blotted out");
    expect(setting, RUN("state", "pull"), ERROR_DENIED, "too short to be blotted out");
    expect(setting, RUN("output", "-json"), ERROR_DENIED, "too short to be blotted out");
    must(RUN("output"), &setting->place.error); /* the tool hides it itself */
    must(RUN("state", "list"), &setting->place.error);
    assert_null(strstr(place_log(&setting->place), "xyz"));
}

static void command__has_the_variables_and_the_lock_of_the_steps(void **state)
{
    struct setting *setting = *state;
    int64_t exit_status;
    if (!has_program("terraform"))
        skip();
    module_file(setting, "variable \"must\" {}\nresource \"terraform_data\" \"a\" { input = var.must }\n");
    json_object_set_new(setting->spec, "vars", json_pack("{s:s}", "must", "be given"));
    (void)plan(setting);
    apply(setting);
    must(RUN("plan", "-detailed-exitcode"), &setting->place.error);
    assert_int_equal(exit_status, 0); /* no variable is asked for, and nothing would change */
    must(RUN("state", "rm", "terraform_data.a"), &setting->place.error);
    assert_false(state_has(setting, "be given"));
    must(RUN("plan", "-detailed-exitcode"), &setting->place.error);
    assert_int_equal(exit_status, 2);
    char *path = path_printf("%s/terraform-infra-111111111111/berth.tfvars.json", setting->place.run);
    assert_false(file_exists(path));
    free(path);
}

static void expect_there(struct setting *setting, const char *const *words, bool changes, const char *there)
{
    struct executor_command command = {.words = words, .changes = changes};
    error_clear(&setting->place.error);
    (void)!provider_call_command(terraform(), &setting->place.context, &setting->task, &command, &setting->place.error);
    assert_true(command.began);
    assert_string_equal(command.there ? inner(setting, command.there) : "not known", there);
    json_decref(command.there);
}
#define THERE(there, ...) expect_there(setting, (const char *const[]){__VA_ARGS__, NULL}, true, there)

static void command__that_may_change_the_state_says_what_is_there_behind_it(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    module_file(setting, "resource \"terraform_data\" \"a\" {}\nresource \"terraform_data\" \"b\" {}\n");
    (void)plan(setting);
    apply(setting);
    THERE("terraform_data.a failed, terraform_data.b ok", "taint", "terraform_data.a");
    THERE("terraform_data.a ok, terraform_data.b ok", "untaint", "terraform_data.a");
    THERE("terraform_data.b ok, terraform_data.c ok", "state", "mv", "terraform_data.a", "terraform_data.c");
    THERE("terraform_data.b ok, terraform_data.c ok", "state", "rm", "terraform_data.none");
    THERE("terraform_data.b ok", "state", "rm", "terraform_data.c");
    expect_there(setting, (const char *const[]){"state", "list", NULL}, false, "not known");
}

/* The tool colours what it says even where no terminal is. */
static void command__says_its_words_without_the_codes_of_colours(void **state)
{
    struct setting *setting = *state;
    int64_t exit_status;
    if (!has_program("terraform"))
        skip();
    module_file(setting, "resource \"terraform_data\" \"a\" { input = \"x\" }\n");
    (void)plan(setting);
    apply(setting);
    must(RUN("plan", "-destroy"), &setting->place.error);
    must(RUN("validate"), &setting->place.error);
    must(RUN("show", "-json", "-no-color"), &setting->place.error);
    must(RUN("state", "show", "terraform_data.a"), &setting->place.error);
    must(RUN("workspace", "list"), &setting->place.error);
    must(RUN("taint", "terraform_data.a"), &setting->place.error);
    assert_int_equal(exit_status, 0);
    assert_non_null(strstr(place_log(&setting->place), "The configuration is valid"));
    assert_null(strstr(place_log(&setting->place), "\x1b"));
    assert_null(strstr(place_log(&setting->place), "\\x1b"));
}

static void state__that_cannot_be_written_is_kept(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    struct http_server server;
    static const char *const answers[] = {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                                          NULL};
    struct str text = STR_INIT;
    if (!has_program("terraform"))
        skip();
    http_server_start(&server, place->folder, answers);
    module_file(setting, "terraform {\n  backend \"http\" {}\n}\n" TWO);
    json_object_set_new(
        setting->spec, "backend",
        json_pack("{s:o, s:s}", "address", json_sprintf("http://127.0.0.1:%d/state", server.port), "retry_max", "0"));
    assert_int_equal(plan(setting), PLAN_CREATE);
    expect(setting, try_apply(setting), ERROR_TOOL, "Failed to save state");
    const char *path = strstr(place->error.hint, place->store);
    assert_non_null(path);
    const char *kept = arena_strndup(&place->arena, path, strcspn(path, ":"));
    struct stat status;
    assert_int_equal(stat(kept, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    must(file_read(kept, 1 << 20, &text, &place->error), &place->error);
    assert_non_null(strstr(text.data, "terraform_data"));
    http_server_stop(&server);
    str_release(&text);
}

/* The state says what there was before: of what the tool made since nobody may say that it is not there. */
static void state__that_cannot_be_written_says_nothing_of_what_is_there(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    module_file(setting, "resource \"terraform_data\" \"a\" {}\n");
    (void)plan(setting);
    apply(setting);
    module_file(setting,
                "resource \"terraform_data\" \"a\" {}\nresource \"terraform_data\" \"b\" {\n"
                "  provisioner \"local-exec\" {\n    command = \"echo '{}' >errored.tfstate; exit 1\"\n  }\n}\n");
    (void)plan(setting);
    expect(setting, try_apply(setting), ERROR_TOOL, "local-exec");
    assert_non_null(strstr(setting->place.error.hint, "the state is kept in"));
    assert_null(setting->result.there);
}

static void backend__settings_without_a_backend_are_refused(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    module_file(setting, TWO);
    json_object_set_new(setting->spec, "backend", json_pack("{s:s}", "path", "x"));
    expect(setting, try_plan(setting), ERROR_CONFIG, "names no backend");
}

static void backend__that_is_local_lies_in_the_store(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    module_file(setting, "terraform {\n  backend \"local\" {}\n}\n" TWO);
    (void)plan(setting);
    apply(setting);
    assert_true(state_has(setting, "terraform_data"));
}

static void backend__settings_are_taken_as_they_are(void **state)
{
    if (!has_program("terraform"))
        skip();
    expect_literal_backend(*state);
}

static void module__serves_two_resources_at_once(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    place_file(&setting->place, "tree/modules/part/main.tf",
               "resource \"terraform_data\" \"p\" { input = file(\"${path.module}/../../data\") }\n", 0644);
    place_file(&setting->place, "tree/data", "shared", 0644);
    module_file(setting, "module \"m\" { source = \"../modules/part\" }\n");
    (void)plan(setting);
    assert_string_equal(changes(setting, setting->plan.changes), "create module.m.terraform_data.p");
    apply(setting);
    setting->task.address = setting->wanted.address = "other[1]";
    setting->task.recorded = NULL;
    assert_int_equal(plan(setting), PLAN_CREATE);
    apply(setting);
    setting->task.address = setting->wanted.address = "infra";
    assert_int_equal(plan(setting), PLAN_NONE);
    setting->task.recorded = NULL;
    assert_int_equal(plan(setting), PLAN_UPDATE); /* only what is applied is recorded */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(secrets__stay_nowhere),
        TEST(secrets__of_a_failure_are_not_in_the_error),
        TEST(lock__is_shown_with_its_holder),
        TEST(lock__of_a_remote_state_is_released_by_its_id),
        TEST(lock__is_looked_at_by_taking_it_for_a_moment),
        TEST(lock__of_somebody_is_shown_with_what_speaks_against_his_death),
        TEST(lock__of_a_file_ends_with_its_holder),
        TEST(lock__that_is_waited_for_is_told_with_its_holder),
        TEST(secrets__that_are_short_are_hidden_where_they_are_a_whole_value),
        TEST(command__prints_nothing_that_the_state_calls_sensitive),
        TEST(secrets__that_the_state_marks_are_hidden_where_a_copy_stands),
        TEST(command__hides_what_inner_modules_hold_and_says_only_what_was_asked_for),
        TEST(command__hides_a_value_of_several_lines_that_comes_raw),
        TEST(command__does_not_print_what_is_too_short_to_be_hidden),
        TEST(command__has_the_variables_and_the_lock_of_the_steps),
        TEST(command__that_may_change_the_state_says_what_is_there_behind_it),
        TEST(command__says_its_words_without_the_codes_of_colours),
        TEST(state__that_cannot_be_written_is_kept),
        TEST(state__that_cannot_be_written_says_nothing_of_what_is_there),
        TEST(backend__settings_without_a_backend_are_refused),
        TEST(backend__that_is_local_lies_in_the_store),
        TEST(backend__settings_are_taken_as_they_are),
        TEST(module__serves_two_resources_at_once),
    };
    return TESTS_RUN(tests);
}
