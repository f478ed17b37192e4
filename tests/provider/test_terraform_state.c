/* SPDX-License-Identifier: ISC */
/* The executor terraform with the real tool: secrets stay nowhere, the state lies where it should, its lock is shown and released. */
#include "http_server.h"
#include "terraform_setting.h"

#include <fcntl.h>
#include <sys/stat.h>
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
    assert_true(fd >= 0 && fcntl(fd, F_SETLK, &whole) == 0);
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
        TEST(state__that_cannot_be_written_is_kept),
        TEST(backend__settings_without_a_backend_are_refused),
        TEST(backend__that_is_local_lies_in_the_store),
        TEST(backend__settings_are_taken_as_they_are),
        TEST(module__serves_two_resources_at_once),
    };
    return TESTS_RUN(tests);
}
