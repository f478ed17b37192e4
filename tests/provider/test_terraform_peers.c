/* SPDX-License-Identifier: ISC */
/* The executor terraform with what a machine may lack: a provider that is a program of its own, and OpenTofu. */
#include "terraform_setting.h"

#include <unistd.h>

#define PLUGIN "terraform-provider-local_v1.4.0"
#define SOURCE "peers.test/peers/local"
#define LOCKED "tree/infra/.terraform.lock.hcl"

/* Where the plugin was built: the folder that $BERTH_TEST_PLUGINS names. */
static char *plugin_path(void)
{
    const char *folder = getenv("BERTH_TEST_PLUGINS");
    char *path = path_join(folder ? folder : "/nonexistent", PLUGIN);
    if (has_program("terraform") && access(path, X_OK) == 0)
        return path;
    printf("# skipped: BERTH_TEST_PLUGINS names no folder with %s\n", PLUGIN);
    free(path);
    return NULL;
}

/* A mirror with the plugin in it, the tool's configuration that names it, and a module that makes a file by it. */
static void plugin_module(struct setting *setting, const char *plugin)
{
    struct place *place = &setting->place;
    const char *version = arena_printf(&place->arena, "%s/mirror/" SOURCE "/1.4.0/linux_amd64", place->folder);
    const char *config = arena_printf(&place->arena, "%s/terraformrc", place->folder);
    must(folder_make(version, 0700, &place->error), &place->error);
    assert_int_equal(symlink(plugin, arena_printf(&place->arena, "%s/" PLUGIN, version)), 0);
    place_file(place, "terraformrc",
               arena_printf(&place->arena,
                            "provider_installation {\n  filesystem_mirror {\n    path = \"%s/mirror\"\n  }\n}\n",
                            place->folder),
               0600);
    setenv("TF_CLI_CONFIG_FILE", config, 1);
    module_file(setting, "terraform {\n  required_providers {\n    local = {\n      source = \"" SOURCE "\"\n"
                         "      version = \"1.4.0\"\n    }\n  }\n}\n"
                         "variable \"file\" {}\nvariable \"text\" {}\n"
                         "resource \"local_file\" \"f\" {\n  filename = var.file\n  content = var.text\n}\n");
}

static void write_this(struct setting *setting, const char *text)
{
    json_object_set_new(setting->spec, "vars",
                        json_pack("{s:s, s:s}", "file",
                                  arena_printf(&setting->place.arena, "%s/made", setting->place.folder), "text", text));
}

static bool made(struct setting *setting, const char *text)
{
    struct str read = STR_INIT;
    char *path = path_join(setting->place.folder, "made");
    bool is = file_read(path, 1000, &read, NULL) && text_equal(read.data, text);
    str_release(&read);
    free(path);
    return is;
}

static void plugin__makes_changes_and_removes_what_is_real(void **state)
{
    struct setting *setting = *state;
    char *plugin = plugin_path();
    if (!plugin)
        skip();
    plugin_module(setting, plugin);
    write_this(setting, "one");
    assert_int_equal(plan(setting), PLAN_CREATE);
    assert_string_equal(changes(setting, setting->plan.changes), "create local_file.f");
    apply(setting);
    assert_true(made(setting, "one"));
    assert_int_equal(plan(setting), PLAN_NONE);
    write_this(setting, "two");
    assert_int_equal(plan(setting), PLAN_REPLACE);
    apply(setting);
    assert_true(made(setting, "two"));
    char *path = path_join(setting->place.folder, "made");
    assert_int_equal(unlink(path), 0); /* somebody else took it away */
    assert_int_equal(plan(setting), PLAN_CREATE);
    apply(setting);
    assert_true(made(setting, "two"));
    go_away(setting);
    assert_int_equal(plan(setting), PLAN_DESTROY);
    apply(setting);
    assert_int_not_equal(access(path, F_OK), 0);
    free(path);
    free(plugin);
}

static void plugin__is_the_one_of_the_lock_file_and_the_lock_file_stays(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    char *plugin = plugin_path();
    struct str text = STR_INIT;
    if (!plugin)
        skip();
    char *locked = path_join(place->folder, LOCKED);
    plugin_module(setting, plugin);
    write_this(setting, "one");
    char *infra = path_join(place->tree, "infra");
    const char *const init[] = {
        "env",          arena_printf(&place->arena, "TF_CLI_CONFIG_FILE=%s", getenv("TF_CLI_CONFIG_FILE")),
        "terraform",    "init",
        "-input=false", NULL};
    assert_int_equal(run_program(infra, init, NULL, &text), 0);
    str_clear(&text);
    must(file_read(locked, 10000, &text, &place->error), &place->error);
    assert_non_null(strstr(text.data, "h1:"));
    assert_int_equal(plan(setting), PLAN_CREATE);
    assert_non_null(strstr(place_log(place), " -lockfile=readonly\n"));
    apply(setting);
    /* a plugin that is another one than was locked is never run */
    char *hash = strstr(text.data, "h1:") + 3;
    *hash = *hash == 'A' ? 'B' : 'A';
    place_file(place, LOCKED, text.data, 0644);
    setting->task.commit = "2222222222222222222222222222222222222222";
    write_this(setting, "two");
    expect(setting, try_plan(setting), ERROR_TOOL, "terraform init of 'infra' failed: Failed to install provider");
    assert_non_null(strstr(setting->place.error.detail, "checksums"));
    assert_null(strchr(setting->place.error.detail, '\n'));
    assert_true(made(setting, "one"));
    str_clear(&text);
    must(file_read(locked, 10000, &text, &place->error), &place->error);
    assert_non_null(strstr(text.data, SOURCE));
    str_release(&text);
    free(infra);
    free(locked);
    free(plugin);
}

static void tofu__lives_as_terraform_does(void **state)
{
    struct setting *setting = *state;
    if (!has_program("tofu"))
        skip();
    json_object_set_new(setting->spec, "tool", json_pack("{s:s}", "name", "tofu"));
    json_array_append_new(setting->outputs, json_string("name"));
    module_file(setting, TWO);
    set_vars(setting, "one ${two}", 2);
    assert_int_equal(plan(setting), PLAN_CREATE);
    assert_string_equal(changes(setting, setting->plan.changes),
                        "create terraform_data.a, create terraform_data.b[0], create terraform_data.b[1]");
    assert_string_equal(json_get_text(json_object_get(setting->plan.outputs, "name"), "value"), "one ${two}");
    apply(setting);
    assert_string_equal(inner(setting, setting->result.inner),
                        "terraform_data.a ok, terraform_data.b[0] ok, terraform_data.b[1] ok");
    assert_string_equal(json_get_text(setting->result.outputs, "name"), "one ${two}");
    assert_non_null(strstr(place_log(&setting->place), "$ tofu apply"));
    assert_int_equal(plan(setting), PLAN_NONE);
    set_vars(setting, "other", 1);
    assert_int_equal(plan(setting), PLAN_REPLACE);
    apply(setting);
    go_away(setting);
    assert_int_equal(plan(setting), PLAN_DESTROY);
    apply(setting);
    assert_int_equal(plan(setting), PLAN_FORGET);
}

static void tofu__takes_settings_of_a_backend_as_they_are(void **state)
{
    struct setting *setting = *state;
    if (!has_program("tofu"))
        skip();
    json_object_set_new(setting->spec, "tool", json_pack("{s:s}", "name", "tofu"));
    expect_literal_backend(setting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plugin__makes_changes_and_removes_what_is_real),
        TEST(plugin__is_the_one_of_the_lock_file_and_the_lock_file_stays),
        TEST(tofu__lives_as_terraform_does),
        TEST(tofu__takes_settings_of_a_backend_as_they_are),
    };
    return TESTS_RUN(tests);
}
