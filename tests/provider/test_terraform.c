/* SPDX-License-Identifier: ISC */
/* The executor terraform with the real tool: what is planned is told and kept, and exactly that is applied. */
#include "terraform_setting.h"

#include "berth/base/time.h"

#include <sys/stat.h>
#include <unistd.h>

/* --- its life ------------------------------------------------------------------------------------------------ */

/* Nobody else reads a state or what the tool leaves beside it. */
static void expect_private(struct setting *setting)
{
    struct folder_list list = {0};
    struct stat status;
    char *folder = path_printf("%s/terraform/%s/infra", setting->place.store, setting->task.environment_id);
    must(folder_list(folder, &list, &setting->place.error), &setting->place.error);
    assert_true(list.count > 1); /* a copy of the state before */
    for (size_t i = 0; i < list.count; i++) {
        char *path = path_join(folder, list.names[i]);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
        free(path);
    }
    folder_list_free(&list);
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    free(folder);
}

static void life__from_nothing_to_nothing(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    json_array_append_new(setting->outputs, json_string("name"));
    json_array_append_new(setting->outputs, json_string("id"));
    json_array_append_new(setting->outputs, json_string("shape"));
    module_file(setting, TWO);
    set_vars(setting, "one ${two} %{three}", 2);
    assert_int_equal(plan(setting), PLAN_CREATE);
    assert_string_equal(setting->plan.summary, "3 to create");
    assert_string_equal(changes(setting, setting->plan.changes),
                        "create terraform_data.a, create terraform_data.b[0], create terraform_data.b[1]");
    assert_string_equal(json_get_text(json_object_get(setting->plan.outputs, "name"), "value"), "one ${two} %{three}");
    assert_true(json_is_true(json_object_get(json_object_get(setting->plan.outputs, "id"), "unknown")));
    assert_false(state_has(setting, "terraform_data"));
    apply(setting);
    assert_true(state_has(setting, "one ${two} %{three}"));
    assert_string_equal(inner(setting, setting->result.inner),
                        "terraform_data.a ok, terraform_data.b[0] ok, terraform_data.b[1] ok");
    assert_string_equal(json_get_text(setting->result.outputs, "name"), "one ${two} %{three}");
    assert_string_equal(json_get_text(setting->result.outputs, "shape"), "{\"a\":1,\"b\":[true]}");
    assert_int_equal(strlen(json_get_text(setting->result.outputs, "id")), 36);
    assert_true(strlen(setting->result.base) > 36);
    assert_int_equal(plan(setting), PLAN_NONE);
    assert_string_equal(setting->plan.base, setting->result.base);
    setting->task.recorded = NULL; /* as of a store that is new: what is there is taken note of */
    assert_int_equal(plan(setting), PLAN_UPDATE);
    apply(setting);
    assert_string_equal(json_get_text(setting->result.outputs, "name"), "one ${two} %{three}");
    assert_int_equal(plan(setting), PLAN_NONE);
    set_vars(setting, "other", 2);
    assert_int_equal(plan(setting), PLAN_UPDATE);
    assert_string_equal(setting->plan.summary, "3 to update");
    assert_string_equal(json_get_text(attribute(setting->plan.changes, "terraform_data.a", "input"), "before"),
                        "one ${two} %{three}");
    assert_string_equal(json_get_text(attribute(setting->plan.changes, "terraform_data.a", "input"), "after"), "other");
    assert_null(attribute(setting->plan.changes, "terraform_data.a", "id"));
    apply(setting);
    set_vars(setting, "other", 1);
    assert_int_equal(plan(setting), PLAN_REPLACE); /* something inside goes: never without being asked */
    assert_string_equal(changes(setting, setting->plan.changes), "destroy terraform_data.b[1]");
    apply(setting);
    assert_string_equal(inner(setting, setting->result.inner), "terraform_data.b[1] gone");
    expect_private(setting);
    go_away(setting);
    assert_int_equal(plan(setting), PLAN_DESTROY);
    apply(setting);
    assert_string_equal(inner(setting, setting->result.inner), "terraform_data.a gone, terraform_data.b[0] gone");
    char *folder = path_printf("%s/terraform/%s", setting->place.store, setting->task.environment_id);
    assert_false(folder_exists(folder));
    free(folder);
    assert_int_equal(plan(setting), PLAN_FORGET);
}

/* By the names that the tool itself has for them, whatever was worked on. */
static void apply__names_all_that_is_there(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    place_file(&setting->place, "tree/modules/part/main.tf", "resource \"terraform_data\" \"p\" {}\n", 0644);
    module_file(setting, "variable \"name\" { default = \"\" }\nvariable \"parts\" { default = 1 }\n"
                         "module \"m\" {\n  source = \"../modules/part\"\n  for_each = toset([\"a\\\"$${b}\"])\n}\n"
                         "resource \"terraform_data\" \"a\" { input = var.name }\n"
                         "resource \"terraform_data\" \"b\" {\n  count = var.parts\n"
                         "  input = terraform_data.a.output\n}\n");
    (void)plan(setting);
    apply(setting);
    assert_string_equal(inner(setting, setting->result.there), inner(setting, setting->result.inner));
    set_vars(setting, "", 2);
    (void)plan(setting);
    apply(setting);
    assert_string_equal(inner(setting, setting->result.inner), "terraform_data.b[1] ok");
    assert_string_equal(inner(setting, setting->result.there),
                        "module.m[\"a\\\"$${b}\"].terraform_data.p ok, terraform_data.a ok, terraform_data.b[0] ok, "
                        "terraform_data.b[1] ok");
    assert_string_equal(
        json_text(&setting->place.arena, json_object_get(json_array_get(setting->result.there, 2), "needs")),
        "[\"terraform_data.a\"]");
    assert_int_equal(plan(setting), PLAN_NONE);
    assert_string_equal(inner(setting, setting->plan.inner), inner(setting, setting->result.there));
}

static void plan__is_the_same_for_the_same(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    module_file(setting, TWO);
    assert_int_equal(plan(setting), PLAN_CREATE);
    const char *digest = setting->plan.spec_digest, *artifact = setting->plan.artifact;
    const char *first = json_text(&setting->place.arena, setting->plan.changes);
    (void)plan(setting);
    assert_string_equal(json_text(&setting->place.arena, setting->plan.changes), first);
    assert_string_equal(setting->plan.spec_digest, digest);
    assert_string_equal(setting->plan.artifact, artifact);
    set_vars(setting, "x", 3);
    (void)plan(setting);
    assert_string_not_equal(setting->plan.artifact, artifact);
    assert_string_not_equal(setting->plan.spec_digest, digest);
}

static void plan__tells_its_words_and_its_command_apart(void **state)
{
    struct setting *setting = *state;
    struct str text = STR_INIT;
    struct stat status;
    if (!has_program("terraform"))
        skip();
    module_file(setting, TWO);
    set_vars(setting, "visible-only-in-a-file", 2);
    (void)plan(setting);
    char *path = path_join(setting->place.run, setting->plan.text);
    must(file_read(path, 1 << 20, &text, &setting->place.error), &setting->place.error);
    assert_non_null(strstr(text.data, "Plan: 3 to add, 0 to change, 0 to destroy."));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_non_null(strstr(place_log(&setting->place), "$ terraform plan -input=false"));
    free(path);
    path = path_printf("%s/terraform-infra-111111111111", setting->place.run);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    free(path);
    /* the tree is as it was exported */
    struct folder_list list = {0};
    char *folder = path_join(setting->place.tree, "infra");
    must(folder_list(folder, &list, &setting->place.error), &setting->place.error);
    assert_int_equal(list.count, 1);
    folder_list_free(&list);
    free(folder);
    str_release(&text);
}

static void apply__only_what_was_planned(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    module_file(setting, TWO);
    (void)plan(setting);
    const char *first = setting->task.artifact;
    setting->task.artifact = NULL;
    expect(setting, try_apply(setting), ERROR_CONFLICT, "no saved plan");
    setting->task.artifact = first;
    setting->task.address = "other";
    expect(setting, try_apply(setting), ERROR_CORRUPT, "saved plan of 'other'");
    setting->task.address = "infra";
    setting->task.wanted = NULL; /* a plan to make is none to destroy: nothing is there, and nothing is done */
    must(try_apply(setting), &setting->place.error);
    assert_false(state_has(setting, "terraform_data"));
    setting->task.wanted = &setting->wanted;
    apply(setting);
    setting->task.wanted = NULL;
    expect(setting, try_apply(setting), ERROR_CORRUPT, "saved plan");
    setting->task.wanted = &setting->wanted;
    expect(setting, try_apply(setting), ERROR_CONFLICT, "changed after it was planned");
    assert_true(state_has(setting, "terraform_data"));
}

static void take_inner(const struct provider_context *context, const struct inner_progress *part)
{
    struct setting *setting = context->owner;
    size_t length = strlen(setting->told);
    (void)snprintf(setting->told + length, sizeof setting->told - length, "%s %s; ", part->address,
                   word_name(resource_status_names, (int)part->status));
    if (setting->stop_at_creating && part->status == RESOURCE_CREATING && text_equal(part->address, "terraform_data.b"))
        assert_int_equal(write(setting->stop[1], "x", 1), 1);
}

static void take_progress(const struct provider_context *context, int percent, const char *text)
{
    struct setting *setting = context->owner;
    size_t length = strlen(setting->told);
    (void)text;
    (void)snprintf(setting->told + length, sizeof setting->told - length, "%d%% ", percent);
}

static void apply__tells_each_part_as_it_comes(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    module_file(setting, "resource \"terraform_data\" \"a\" { input = 1 }\n"
                         "resource \"terraform_data\" \"b\" { input = terraform_data.a.output }\n");
    (void)plan(setting);
    setting->place.context.inner = take_inner;
    setting->place.context.progress = take_progress;
    apply(setting);
    assert_string_equal(setting->told,
                        "0% terraform_data.a waiting; 0% terraform_data.b waiting; 0% terraform_data.a creating; "
                        "50% terraform_data.a ok; 50% terraform_data.b creating; 100% terraform_data.b ok; ");
    assert_non_null(strstr(place_log(&setting->place), "terraform_data.b: Creation complete"));
    assert_null(strstr(place_log(&setting->place), "@level"));
}

static void apply__that_fails_says_why_and_what_is_there(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    module_file(setting, "resource \"terraform_data\" \"a\" { input = 1 }\n"
                         "resource \"terraform_data\" \"b\" {\n  input = terraform_data.a.output\n"
                         "  provisioner \"local-exec\" { command = \"echo no such thing; exit 3\" }\n}\n");
    (void)plan(setting);
    expect(setting, try_apply(setting), ERROR_TOOL, "terraform apply of 'infra' failed: local-exec provisioner error");
    assert_non_null(strstr(setting->place.error.detail, "exit status 3"));
    assert_non_null(strstr(setting->place.error.detail, "on main.tf line 4, in terraform_data.b"));
    assert_string_equal(inner(setting, setting->result.inner), "terraform_data.a ok, terraform_data.b failed");
    assert_int_equal(setting->result.exit_status, 1);
    setting->recorded = (struct resource){.address = "infra", .status = RESOURCE_FAILED};
    setting->task.recorded = &setting->recorded;
    assert_int_equal(plan(setting), PLAN_REPLACE);
    assert_string_equal(changes(setting, setting->plan.changes), "replace terraform_data.b");
    assert_int_equal(json_array_size(setting->plan.inner), 2);
}

static void apply__that_is_cancelled_keeps_what_is_done(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    module_file(setting, "resource \"terraform_data\" \"a\" { input = 1 }\n"
                         "resource \"terraform_data\" \"b\" {\n  input = terraform_data.a.output\n"
                         "  provisioner \"local-exec\" { command = \"sleep 300\" }\n}\n"
                         "resource \"terraform_data\" \"c\" { input = terraform_data.b.output }\n");
    (void)plan(setting);
    setting->place.context.inner = take_inner;
    setting->place.context.stop_fd = setting->stop[0];
    setting->stop_at_creating = true;
    expect(setting, try_apply(setting), ERROR_CANCELLED, "cancelled");
    setting->place.context.stop_fd = -1;
    assert_true(state_has(setting, "\"name\": \"a\""));
    assert_false(state_has(setting, "\"name\": \"c\""));
    module_file(setting, TWO);
    struct resource seen = {0};
    must(provider_call_observe(terraform(), &setting->place.context, &setting->task, &setting->place.arena, &seen,
                               &setting->place.error),
         &setting->place.error);
    assert_true(seen.status == RESOURCE_OK || seen.status == RESOURCE_FAILED); /* b may be there, tainted */
    assert_true(plan(setting) == PLAN_UPDATE || setting->plan.action == PLAN_REPLACE);
}

/* --- drift --------------------------------------------------------------------------------------------------- */

static void drift__tells_the_parts_and_what_they_need(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    struct executor_drift drift = {0};
    struct resource seen = {0};
    if (!has_program("terraform"))
        skip();
    module_file(setting, TWO);
    must(provider_call_observe(terraform(), &place->context, &setting->task, &place->arena, &seen, &place->error),
         &place->error);
    assert_int_equal(seen.status, RESOURCE_GONE);
    (void)plan(setting);
    apply(setting);
    must(provider_call_observe(terraform(), &place->context, &setting->task, &place->arena, &seen, &place->error),
         &place->error);
    assert_int_equal(seen.status, RESOURCE_OK);
    assert_string_equal(seen.ready, "3/3");
    must(provider_call_drift(terraform(), &place->context, &setting->task, &place->arena, &drift, &place->error),
         &place->error);
    assert_int_equal(json_array_size(drift.changes), 0);
    assert_string_equal(inner(setting, drift.inner),
                        "terraform_data.a ok, terraform_data.b[0] ok, terraform_data.b[1] ok");
    assert_string_equal(json_string_value(json_array_get(json_object_get(json_array_get(drift.inner, 1), "needs"), 0)),
                        "terraform_data.a");
    assert_string_equal(drift.base, setting->result.base);
    json_decref(drift.changes);
    json_decref(drift.inner);
}

/* --- the tool ------------------------------------------------------------------------------------------------ */

static void tool__that_is_missing_is_named(void **state)
{
    struct setting *setting = *state;
    char *path = strdup(getenv("PATH"));
    module_file(setting, TWO);
    setenv("PATH", "/nonexistent/bin", 1);
    bool planned = try_plan(setting);
    setenv("PATH", path, 1);
    free(path);
    expect(setting, planned, ERROR_NOT_FOUND, "terraform is not installed");
    assert_string_equal(setting->place.error.detail, "looked for in /nonexistent/bin");
    assert_non_null(strstr(setting->place.error.hint, "tool: { name: tofu }"));
    json_object_set_new(setting->spec, "tool", json_pack("{s:s}", "path", "/nonexistent/terraform"));
    expect(setting, try_plan(setting), ERROR_NOT_FOUND, "there is no program /nonexistent/terraform");
}

static void tool__of_another_version_is_refused(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    module_file(setting, TWO);
    json_object_set_new(setting->spec, "tool", json_pack("{s:s}", "version", "0.12.1"));
    expect(setting, try_plan(setting), ERROR_VERSION, "'infra' wants terraform 0.12.1, but what is on PATH is 1.");
    assert_non_null(strstr(setting->place.error.hint, "terraform-0.12.1"));
    json_object_set_new(setting->spec, "tool", json_pack("{s:s}", "version", ">= 1.0, < 2"));
    assert_int_equal(plan(setting), PLAN_CREATE);
}

/* The same executor with another program: one that is there under the name. */
static void tool__may_be_opentofu(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    if (!has_program("terraform"))
        skip();
    module_file(setting, TWO);
    place_file(place, "bin/tofu", "#!/bin/sh\nexec terraform \"$@\"\n", 0755);
    char *path = strdup(getenv("PATH")), *with = path_printf("%s/bin:%s", place->folder, path);
    setenv("PATH", with, 1);
    json_object_set_new(setting->spec, "tool", json_pack("{s:s}", "name", "tofu"));
    bool planned = try_plan(setting);
    setenv("PATH", path, 1);
    must(planned, &place->error);
    assert_non_null(strstr(place_log(place), "$ tofu plan -input=false"));
    free(path);
    free(with);
}

static void check__says_what_is_wrong_before_anything_runs(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    module_file(setting, TWO);
    must(provider_call_check(terraform(), &place->context, &setting->task, &place->error), &place->error);
    static const struct {
        const char *key, *value, *words;
        enum error_code code;
    } cases[] = {{"dir", "\"../x\"", "names no folder", ERROR_CONFIG},
                 {"dir", "\"none\"", "not in the commit", ERROR_NOT_FOUND},
                 {"tool", "{\"version\":\">> 1\"}", "cannot be read", ERROR_CONFIG},
                 {"tool", "{\"path\":\"bin/terraform\"}", "not absolute", ERROR_CONFIG},
                 {"var_files", "[\"infra/none.tfvars\"]", "infra/none.tfvars", ERROR_NOT_FOUND},
                 {"var_files", "[\"../etc/passwd\"]", "passwd", ERROR_NOT_FOUND},
                 {"env", "{\"TF_LOG\":\"TRACE\"}", "TF_LOG", ERROR_CONFIG},
                 {"env", "{\"TF_DATA_DIR\":\"/tmp\"}", "TF_DATA_DIR", ERROR_CONFIG},
                 {"env", "{\"BERTH_X\":\"1\"}", "BERTH_X", ERROR_CONFIG}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *before = json_incref(json_object_get(setting->spec, cases[i].key));
        json_object_set_new(setting->spec, cases[i].key, json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
        expect(setting, provider_call_check(terraform(), &place->context, &setting->task, &place->error), cases[i].code,
               cases[i].words);
        if (before)
            json_object_set_new(setting->spec, cases[i].key, before);
        else
            json_object_del(setting->spec, cases[i].key);
    }
}

static void vars__win_over_their_files(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    module_file(setting, TWO);
    place_file(&setting->place, "tree/settings/base.tfvars", "name = \"file\"\nparts = 0\n", 0644);
    json_object_set_new(setting->spec, "var_files", json_pack("[s]", "settings/base.tfvars"));
    (void)plan(setting);
    assert_string_equal(changes(setting, setting->plan.changes), "create terraform_data.a");
    assert_string_equal(json_get_text(attribute(setting->plan.changes, "terraform_data.a", "input"), "after"), "file");
    json_object_set_new(setting->spec, "vars", json_pack("{s:s}", "name", "var"));
    (void)plan(setting);
    assert_string_equal(json_get_text(attribute(setting->plan.changes, "terraform_data.a", "input"), "after"), "var");
}

static void command__works_on_the_state_of_the_resource(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    struct executor_command list = {.words = (const char *const[]){"state", "list", NULL}, .rehearse = true};
    struct executor_command show = {.words = (const char *const[]){"state", "show", "terraform_data.none", NULL}};
    if (!has_program("terraform"))
        skip();
    module_file(setting, TWO);
    (void)plan(setting);
    apply(setting);
    must(provider_call_command(terraform(), &place->context, &setting->task, &list, &place->error), &place->error);
    assert_int_equal(list.exit_status, -1);
    assert_non_null(strstr(place_log(place), "$ terraform state list\n"));
    assert_null(strstr(place_log(place), "\nterraform_data.a\n")); /* rehearsed, not run */
    list.rehearse = false;
    must(provider_call_command(terraform(), &place->context, &setting->task, &list, &place->error), &place->error);
    assert_int_equal(list.exit_status, 0);
    assert_non_null(strstr(place_log(place), "$ terraform state list\nterraform_data.a\nterraform_data.b[0]\n"));
    must(provider_call_command(terraform(), &place->context, &setting->task, &show, &place->error), &place->error);
    assert_int_equal(show.exit_status, 1);
}

static void init__is_one_at_a_time_and_keeps_the_lock_file(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    struct file_lock lock = {.fd = -1};
    if (!has_program("terraform"))
        skip();
    module_file(setting, TWO);
    char *folder = path_join(place->store, "cache/terraform-plugins"), *path = path_join(folder, ".berth-init.lock");
    unsetenv("TF_PLUGIN_CACHE_DIR");
    must(folder_make(folder, 0700, &place->error) && file_lock(&lock, path, LOCK_TRY, &place->error), &place->error);
    place->context.deadline_ms = time_monotonic_ms() + 200;
    expect(setting, try_plan(setting), ERROR_TIMEOUT, "another init took too long");
    assert_null(strstr(place_log(place), "$ terraform init"));
    place->context.deadline_ms = 0;
    file_unlock(&lock);
    place_file(place, "tree/infra/.terraform.lock.hcl", "", 0644);
    must(folder_remove(place->run, &place->error) && folder_make(place->run, 0700, &place->error), &place->error);
    assert_int_equal(plan(setting), PLAN_CREATE);
    assert_non_null(strstr(place_log(place), " -lockfile=readonly\n"));
    free(folder);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(life__from_nothing_to_nothing),
        TEST(apply__names_all_that_is_there),
        TEST(plan__is_the_same_for_the_same),
        TEST(plan__tells_its_words_and_its_command_apart),
        TEST(apply__only_what_was_planned),
        TEST(apply__tells_each_part_as_it_comes),
        TEST(apply__that_fails_says_why_and_what_is_there),
        TEST(apply__that_is_cancelled_keeps_what_is_done),
        TEST(drift__tells_the_parts_and_what_they_need),
        TEST(tool__that_is_missing_is_named),
        TEST(tool__of_another_version_is_refused),
        TEST(tool__may_be_opentofu),
        TEST(check__says_what_is_wrong_before_anything_runs),
        TEST(vars__win_over_their_files),
        TEST(command__works_on_the_state_of_the_resource),
        TEST(init__is_one_at_a_time_and_keeps_the_lock_file),
    };
    return TESTS_RUN(tests);
}
