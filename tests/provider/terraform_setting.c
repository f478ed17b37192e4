/* SPDX-License-Identifier: ISC */
/* A module and the words to plan and apply it with. */
#include "terraform_setting.h"

#include <fcntl.h>
#include <unistd.h>

#define COMMIT "1111111111111111111111111111111111111111"

const struct provider *terraform(void)
{
    return provider_named("terraform");
}

int setup(void **state)
{
    struct setting *setting = calloc(1, sizeof *setting);
    struct place *place = &setting->place;
    place_make(place, "local");
    assert_int_equal(pipe2(setting->stop, O_CLOEXEC), 0);
    setting->redactor = redactor_new();
    place->context.redactor = setting->redactor;
    place->context.owner = setting;
    setting->spec = json_pack("{s:s, s:s}", "dir", "infra", "lock_timeout", "1s");
    setting->outputs = json_array();
    setting->wanted = (struct wanted_resource){.address = "infra", .spec = setting->spec, .outputs = setting->outputs};
    setting->task = (struct executor_task){
        .wanted = &setting->wanted,
        .spec = setting->spec,
        .environment = "review/x",
        .environment_id = strrchr(place->folder, '-') + 1, /* nobody else's, as a real one: its tools are found by it */
        .address = "infra",
        .tree = place->tree,
        .commit = COMMIT,
        .runner = provider_named("local")->runner,
        .runner_context = &place->context,
    };
    unsetenv("TF_CLI_CONFIG_FILE");
    *state = setting;
    return 0;
}

int teardown(void **state)
{
    struct setting *setting = *state;
    plan_result_release(&setting->plan);
    apply_result_release(&setting->result);
    json_decref(setting->spec);
    json_decref(setting->outputs);
    redactor_free(setting->redactor);
    close(setting->stop[0]);
    close(setting->stop[1]);
    place_remove(&setting->place);
    free(setting);
    return 0;
}

/* --- short words for what every test does -------------------------------------------------------------------- */

void module_file(struct setting *setting, const char *text)
{
    place_file(&setting->place, "tree/infra/main.tf", text, 0644);
}

bool try_plan(struct setting *setting)
{
    struct place *place = &setting->place;
    plan_result_release(&setting->plan);
    setting->plan = (struct plan_result){0};
    error_clear(&place->error);
    bool planned =
        provider_call_plan(terraform(), &place->context, &setting->task, &place->arena, &setting->plan, &place->error);
    setting->task.artifact = setting->plan.artifact;
    setting->task.planned_spec_digest = setting->plan.spec_digest;
    return planned;
}

enum plan_action plan(struct setting *setting)
{
    must(try_plan(setting), &setting->place.error);
    return setting->plan.action;
}

bool try_apply(struct setting *setting)
{
    struct place *place = &setting->place;
    apply_result_release(&setting->result);
    setting->result = (struct apply_result){0};
    error_clear(&place->error);
    return setting->task.wanted ? provider_call_apply(terraform(), &place->context, &setting->task, &place->arena,
                                                      &setting->result, &place->error)
                                : provider_call_destroy(terraform(), &place->context, &setting->task, &place->arena,
                                                        &setting->result, &place->error);
}

/* Applies what was planned, and records it as the engine does. */
void apply(struct setting *setting)
{
    struct place *place = &setting->place;
    must(try_apply(setting), &place->error);
    setting->recorded = (struct resource){.address = "infra",
                                          .status = RESOURCE_OK,
                                          .spec = json_text(&place->arena, setting->spec),
                                          .spec_digest = setting->result.spec_digest,
                                          .outputs = json_text(&place->arena, setting->result.outputs)};
    setting->task.recorded = &setting->recorded;
}

void go_away(struct setting *setting)
{
    setting->task.wanted = NULL;
}

void expect(struct setting *setting, bool done, enum error_code code, const char *words)
{
    const struct error *error = &setting->place.error;
    assert_false(done);
    if (error->code != code || !strstr(error->message, words))
        fail_msg("%s: %s (%s)", error_info(error->code)->name, error->message, error->detail);
    assert_true(error->hint[0] || code == ERROR_CANCELLED);
}

/* "create terraform_data.a" of each change, in a line. */
const char *changes(struct setting *setting, const json_t *list)
{
    const char *text = "";
    size_t at;
    json_t *change;
    json_array_foreach(list, at, change) text =
        arena_printf(&setting->place.arena, "%s%s%s %s", text, at ? ", " : "", json_get_text(change, "action"),
                     json_get_text(change, "path"));
    return text;
}

const char *inner(struct setting *setting, const json_t *list)
{
    const char *text = "";
    size_t at;
    json_t *part;
    json_array_foreach(list, at, part) text =
        arena_printf(&setting->place.arena, "%s%s%s %s", text, at ? ", " : "", json_get_text(part, "address"),
                     json_get_text(part, "status"));
    return text;
}

const json_t *attribute(const json_t *list, const char *address, const char *path)
{
    size_t at, attribute_at;
    json_t *change, *attribute;
    json_array_foreach(list, at, change)
    {
        if (!text_equal(json_get_text(change, "path"), address))
            continue;
        json_array_foreach(json_object_get(change, "attributes"), attribute_at, attribute)
        {
            if (text_equal(json_get_text(attribute, "path"), path))
                return attribute;
        }
    }
    return NULL;
}

/* Where the state of the resource `infra` is kept; NULL when nowhere. The caller frees. */
char *state_path(struct setting *setting)
{
    struct folder_list list = {0};
    char *top = path_join(setting->place.store, "terraform"), *path = NULL;
    bool listed = folder_list(top, &list, NULL);
    for (size_t i = 0; listed && i < list.count && !path; i++)
        if (!text_equal(list.names[i], "init.lock"))
            path = path_printf("%s/%s/infra/terraform.tfstate", top, list.names[i]);
    folder_list_free(&list);
    free(top);
    return path;
}

bool state_has(struct setting *setting, const char *word)
{
    struct str text = STR_INIT;
    char *path = state_path(setting);
    bool has = path && file_read(path, 1 << 20, &text, NULL) && strstr(text.data, word);
    free(path);
    str_release(&text);
    return has;
}

void set_vars(struct setting *setting, const char *name, int parts)
{
    json_object_set_new(setting->spec, "vars", json_pack("{s:s, s:i}", "name", name, "parts", parts));
}

void expect_literal_backend(struct setting *setting)
{
    const char *path = arena_printf(&setting->place.arena, "%s/u${1} p%%{2} $${3}.tfstate", setting->place.folder);
    module_file(setting, "terraform {\n  backend \"local\" {}\n}\n" TWO);
    json_object_set_new(setting->spec, "backend", json_pack("{s:s}", "path", path));
    (void)plan(setting);
    apply(setting);
    assert_true(file_exists(path));
}
