/* SPDX-License-Identifier: ISC */
/* What a module needs to be initialised, and that those of a run that need the same are initialised once: with the real tool, and without it. */
#include "terraform_setting.h"

#include "provider/terraform/needs.h"

#include <unistd.h>

#define OTHER "other"
#define CALLS_PART "module \"part\" {\n  source = \"../part\"\n}\n"
#define QUITE "resource \"terraform_data\" \"quite\" {}\n"

static const char *needs_said(struct setting *setting, const char *text, enum needs_language language, unsigned *flags)
{
    struct needs needs = {0};
    struct str out = STR_INIT;
    needs_of_text(&needs, text, strlen(text), language);
    needs_text(&needs, &out);
    const char *said = arena_strdup(&setting->place.arena, out.data);
    if (flags)
        *flags = needs.flags;
    needs_release(&needs);
    str_release(&out);
    return said;
}

static void needs__are_the_plugins_that_headers_name(void **state)
{
    struct setting *setting = *state;
    assert_string_equal(needs_said(setting,
                                   "variable \"a\" {\n  default = \"b\"\n}\n"
                                   "resource \"aws_instance\" \"web\" {\n  ami = \"resource\"\n}\n"
                                   "\tresource aws_s3_bucket logs {}\r\n"
                                   "data \"http\" \"page\" {\n  url = path.module\n}\n",
                                   NEEDS_NATIVE, NULL),
                        "data http\nresource aws\n");
    assert_string_equal(needs_said(setting, "\xef\xbb\xbfresource \"tls_key\" \"a\" {\n}", NEEDS_NATIVE, NULL),
                        "resource tls\n");
}

static void needs__of_a_file_where_headers_are_not_enough_are_the_file(void **state)
{
    static const char *const whole[] = {
        "/* */ resource \"aws_instance\" \"web\" {}\n",
        "provider \"aws\" {}\n",
        "resource \"aws_instance\" \"web\" {\n  provider = other.west\n}\n",
        "terraform {\n  required_providers {\n  }\n}\n",
        "output \"a\" { value = provider::aws::arn_parse(\"x\") }\n",
    };
    struct setting *setting = *state;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        const char *said = needs_said(setting, whole[i], NEEDS_NATIVE, NULL);
        assert_true(text_starts(said, "file "));
        assert_string_not_equal(
            said, needs_said(setting, arena_printf(&setting->place.arena, "%s\n", whole[i]), NEEDS_NATIVE, NULL));
    }
    assert_true(text_starts(needs_said(setting, "{\"resource\":{}}", NEEDS_JSON, NULL), "file "));
}

static void needs__tell_of_modules_and_backends(void **state)
{
    struct setting *setting = *state;
    unsigned flags = 0;
    (void)needs_said(setting, "locals {\n  a = path.module\n}\n", NEEDS_NATIVE, &flags);
    assert_int_equal(flags, 0);
    (void)needs_said(setting, "module \"net\" {\n  source = \"../net\"\n}\n", NEEDS_NATIVE, &flags);
    assert_int_equal(flags, NEEDS_MODULES);
    (void)needs_said(setting, "terraform {\n  backend \"s3\" {}\n}\n", NEEDS_NATIVE, &flags);
    assert_int_equal(flags, NEEDS_BACKEND);
    (void)needs_said(setting, "{\"terraform\":{\"cloud\":{}}}", NEEDS_JSON, &flags);
    assert_int_equal(flags, NEEDS_BACKEND);
}

static void needs__of_a_folder_see_what_may_be_a_backend(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    static const struct {
        const char *text;
        bool may;
    } cases[] = {{"terraform {\n  backend \"s3\" {}\n}", true},
                 {"terraform { cloud {} }", true},
                 {"resource \"x\" \"backends\" {}\nvariable \"my_backend\" {}\n# cloudy", false},
                 {"# no backend here", true},
                 {"", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct needs needs = {0};
        place_file(place, "tree/infra/main.tf", cases[i].text, 0644);
        place_file(place, "tree/infra/notes.txt", "backend", 0644);
        char *folder = path_join(place->tree, "infra");
        must(needs_of_folder(&needs, folder, &place->error), &place->error);
        assert_int_equal(needs.flags, cases[i].may ? NEEDS_BACKEND : 0);
        needs_release(&needs);
        free(folder);
    }
}

/* --- with the tool ------------------------------------------------------------------------------------------------------- */

static size_t times_said(struct setting *setting, const char *words)
{
    size_t count = 0;
    for (const char *at = place_log(&setting->place); (at = strstr(at, words)) != NULL; at++)
        count++;
    return count;
}

static void work_on(struct setting *setting, const char *address)
{
    setting->task.address = setting->wanted.address = address;
    setting->task.recorded = NULL;
    json_object_set_new(setting->spec, "dir", json_string(address));
}

static void plan_and_apply(struct setting *setting)
{
    assert_int_equal(plan(setting), PLAN_CREATE);
    apply(setting);
}

static bool other_state_has(struct setting *setting, const char *word)
{
    struct str text = STR_INIT;
    char *path =
        path_printf("%s/terraform/%s/" OTHER "/terraform.tfstate", setting->place.store, setting->task.environment_id);
    bool has = file_read(path, (size_t)1 << 20, &text, NULL) && strstr(text.data, word);
    str_release(&text);
    free(path);
    return has;
}

static void init__is_run_once_for_modules_that_need_the_same(void **state)
{
    struct setting *setting = *state;
    if (!has_program("terraform"))
        skip();
    module_file(setting, TWO);
    place_file(&setting->place, "tree/" OTHER "/main.tf", "resource \"terraform_data\" \"quite\" { input = 1 }\n",
               0644);
    plan_and_apply(setting);
    work_on(setting, OTHER);
    plan_and_apply(setting);
    assert_int_equal(times_said(setting, "$ terraform init"), 1);
    assert_int_equal(times_said(setting, "$ terraform apply"), 2);
    assert_true(state_has(setting, "\"b\"") && !state_has(setting, "quite")); /* each has its own state */
    assert_true(other_state_has(setting, "quite") && !other_state_has(setting, "\"b\""));
}

static void init__is_run_for_each_that_needs_something_else(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    if (!has_program("terraform"))
        skip();
    module_file(setting, TWO);
    place_file(place, "tree/" OTHER "/main.tf", CALLS_PART, 0644);
    place_file(place, "tree/part/main.tf", QUITE, 0644);
    place_file(place, "tree/deep/er/main.tf", QUITE, 0644);
    plan_and_apply(setting);
    work_on(setting, OTHER);
    plan_and_apply(setting);
    assert_true(other_state_has(setting, "module.part"));
    assert_int_equal(times_said(setting, "$ terraform init"), 2);
    work_on(setting, "deep/er"); /* its state is elsewhere, seen from there */
    plan_and_apply(setting);
    assert_int_equal(times_said(setting, "$ terraform init"), 3);
    json_object_set_new(setting->spec, "env", json_pack("{s:s}", "TF_REGISTRY_CLIENT_TIMEOUT", "9"));
    work_on(setting, "infra");
    setting->task.address = setting->wanted.address = "again";
    plan_and_apply(setting);
    assert_int_equal(times_said(setting, "$ terraform init"), 4);
    for (int i = 0; i < 2; i++) { /* the same words, but they call what lies beside them */
        const char *side = i == 0 ? "left" : "right";
        place_file(place, arena_printf(&place->arena, "tree/%s/one/main.tf", side), CALLS_PART, 0644);
        place_file(place, arena_printf(&place->arena, "tree/%s/part/main.tf", side), QUITE, 0644);
        work_on(setting, arena_printf(&place->arena, "%s/one", side));
        plan_and_apply(setting);
    }
    assert_int_equal(times_said(setting, "$ terraform init"), 6);
}

/* What is in a state needs its plugins, whatever the module says by now. */
static void init__looks_at_what_is_in_the_state(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    if (!has_program("terraform"))
        skip();
    module_file(setting, TWO);
    place_file(place, "tree/" OTHER "/main.tf", TWO, 0644);
    plan_and_apply(setting);
    must(folder_remove(place->run, &place->error) && folder_make(place->run, 0700, &place->error), &place->error);
    size_t before = times_said(setting, "$ terraform init");
    set_vars(setting, "another", 3);
    (void)plan(setting);
    work_on(setting, OTHER);
    assert_int_equal(plan(setting), PLAN_CREATE);
    assert_int_equal(times_said(setting, "$ terraform init"), before + 2);
}

static void init__gives_the_lock_file_that_it_made_to_the_others(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    module_file(setting, TWO);
    place_file(place, "tree/" OTHER "/main.tf", QUITE, 0644);
    place_file(place, "bin/terraform", /* as the tool does for a module with a plugin */
               "#!/bin/sh\ncase $1 in\n"
               "init) echo made >.terraform.lock.hcl; echo init ;;\n"
               "plan) echo \"locked by $(cat .terraform.lock.hcl) in $TF_DATA_DIR\"; exit 1 ;;\n"
               "esac\n",
               0755);
    json_object_set_new(setting->spec, "tool",
                        json_pack("{s:o}", "path", json_sprintf("%s/bin/terraform", place->folder)));
    assert_false(try_plan(setting));
    work_on(setting, OTHER);
    assert_false(try_plan(setting));
    assert_int_equal(times_said(setting, "locked by made in "), 2);
    assert_int_equal(times_said(setting, "/terraform-init-"), 2);
    assert_int_equal(times_said(setting, "\ninit\n"), 1);
}

static void tool__is_asked_for_its_version_once_in_a_run_and_again_when_it_is_another(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    static const char script[] = "#!/bin/sh\ncase $1 in\n"
                                 "version) echo asked >>'%s/asked'; echo '{\"terraform_version\":\"1.%d.0\"}' ;;\n"
                                 "init) ;;\n*) exit 1 ;;\nesac\n";
    module_file(setting, TWO);
    place_file(place, "bin/terraform", arena_printf(&place->arena, script, place->folder, 5), 0755);
    json_object_set_new(
        setting->spec, "tool",
        json_pack("{s:o, s:s}", "path", json_sprintf("%s/bin/terraform", place->folder), "version", "~> 1.5"));
    expect(setting, try_plan(setting), ERROR_TOOL, "exit 1");
    expect(setting, try_plan(setting), ERROR_TOOL, "exit 1");
    struct str asked = STR_INIT;
    char *path = path_join(place->folder, "asked");
    must(file_read(path, 100, &asked, &place->error), &place->error);
    assert_string_equal(asked.data, "asked\n");
    place_file(place, "bin/terraform", arena_printf(&place->arena, script, place->folder, 4), 0755);
    expect(setting, try_plan(setting), ERROR_VERSION, "1.4.0");
    str_release(&asked);
    free(path);
}

/* Each call of the tool costs as much as many a plan: no more of them than there must be. */
static void tool__is_called_four_times_for_what_is_new(void **state)
{
    struct setting *setting = *state;
    struct place *place = &setting->place;
    struct str called = STR_INIT;
    if (!has_program("terraform"))
        skip();
    module_file(setting, TWO);
    place_file(place, "bin/terraform",
               arena_printf(&place->arena, "#!/bin/sh\nprintf '%%s ' \"$1\" >>'%s/called'\nexec terraform \"$@\"\n",
                            place->folder),
               0755);
    json_object_set_new(setting->spec, "tool",
                        json_pack("{s:o}", "path", json_sprintf("%s/bin/terraform", place->folder)));
    plan_and_apply(setting);
    char *path = path_join(place->folder, "called");
    must(file_read(path, 1000, &called, &place->error), &place->error);
    assert_string_equal(called.data, "init plan show apply ");
    str_release(&called);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(needs__are_the_plugins_that_headers_name),
        TEST(needs__of_a_file_where_headers_are_not_enough_are_the_file),
        TEST(needs__tell_of_modules_and_backends),
        TEST(needs__of_a_folder_see_what_may_be_a_backend),
        TEST(init__is_run_once_for_modules_that_need_the_same),
        TEST(init__is_run_for_each_that_needs_something_else),
        TEST(init__looks_at_what_is_in_the_state),
        TEST(init__gives_the_lock_file_that_it_made_to_the_others),
        TEST(tool__is_asked_for_its_version_once_in_a_run_and_again_when_it_is_another),
        TEST(tool__is_called_four_times_for_what_is_new),
    };
    return TESTS_RUN(tests);
}
