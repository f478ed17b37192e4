/* SPDX-License-Identifier: ISC */
/* berth check: berth.yaml, berthd.yaml and templates, every problem at its place. Needs no store. */
#include "cli/check_tree.h"
#include "cli/output.h"

#include "berth/base/file.h"
#include "berth/base/node.h"

#include <stdlib.h>

#define FILE_LIMIT (16u << 20)

struct checked {
    struct cli *cli;
    struct problems problems;
    VEC(struct template *) templates;
    VEC(char *) texts; /* files that problems and models may point into */
};

static const char *read_text(struct checked *checked, const char *path, size_t *length, struct error *error)
{
    struct str text = STR_INIT;

    if (!file_read(path, FILE_LIMIT, &text, error)) {
        str_release(&text);
        return NULL;
    }
    *length = text.length;
    vec_push(&checked->texts, str_take(&text));
    return checked->texts.items[checked->texts.count - 1];
}

/* As a person names it: below the folder that is checked. */
static const char *display(struct checked *checked, const char *folder, const char *name)
{
    return text_equal(folder, ".") ? arena_strdup(&checked->cli->arena, name)
                                   : arena_printf(&checked->cli->arena, "%s/%s", folder, name);
}

static bool load_template(struct checked *checked, const char *folder, const char *name, struct error *error)
{
    const char *file = arena_printf(&checked->cli->arena, "%s/templates/%s", folder, name), *text, *shown_file;
    struct template *template;
    size_t length;

    shown_file = display(checked, folder, arena_printf(&checked->cli->arena, "templates/%s", name));
    if (text_ends(name, ".yml"))
        check_other_name(checked->cli, shown_file, name, &checked->problems);
    if (!text_ends(name, ".yaml"))
        return true;
    text = read_text(checked, file, &length, error);
    if (text == NULL)
        return false;
    template = template_load(shown_file, text, length, &checked->problems);
    if (template != NULL) {
        vec_push(&checked->templates, template);
        check_programs(checked->cli, folder, template, &checked->problems);
    }
    return true;
}

static bool load_templates(struct checked *checked, const char *folder, struct error *error)
{
    char *path = path_join(folder, "templates");
    struct folder_list list = {0};
    bool done = true;

    if (folder_exists(path))
        done = folder_list(path, &list, error);
    for (size_t i = 0; i < list.count && done; i++)
        done = load_template(checked, folder, list.names[i], error);
    folder_list_free(&list);
    free(path);
    return done;
}

static bool load_all(struct checked *checked, const char *folder, struct config **config, struct error *error)
{
    char *path = path_join(folder, "berth.yaml"), *host_path = path_join(folder, "berthd.yaml");
    size_t length;
    const char *text = read_text(checked, path, &length, error);
    bool done = text != NULL && load_templates(checked, folder, error);

    if (done) {
        *config = config_load(display(checked, folder, "berth.yaml"), text, length, &checked->problems);
        if (*config != NULL) {
            config_check_templates(*config, checked->templates.items, checked->templates.count, &checked->problems);
            check_trusted_ref(checked->cli, folder, *config, &checked->problems);
        }
    } else if (text == NULL) {
        error_context(error, "cannot check %s", folder);
        error_hint(error, "berth init writes a first berth.yaml");
    }
    if (done && file_exists(host_path)) {
        text = read_text(checked, host_path, &length, error);
        done = text != NULL;
        if (done)
            host_config_free(
                host_config_load(display(checked, folder, "berthd.yaml"), text, length, &checked->problems));
    }
    free(path);
    free(host_path);
    return done;
}

static void print_problems(struct cli *cli, const struct problems *problems)
{
    for (size_t i = 0; i < problems->list.count; i++) {
        const struct problem *problem = &problems->list.items[i];

        printf("%s:%d:%d: ", shown(cli, problem->file), problem->line, problem->column);
        print_styled(cli, problem->warning ? STYLE_WAITING : STYLE_BAD, problem->warning ? "warning" : "error");
        printf(": %s%s%s%s\n", shown(cli, problem->message), text_empty(problem->hint) ? "" : " (",
               shown(cli, problem->hint), text_empty(problem->hint) ? "" : ")");
    }
    if (problems->list.count < problems->errors + problems->warnings)
        printf("and %zu more\n", problems->errors + problems->warnings - problems->list.count);
}

static json_t *problems_to_json(const struct problems *problems)
{
    json_t *list = json_array();

    for (size_t i = 0; i < problems->list.count; i++) {
        const struct problem *problem = &problems->list.items[i];

        json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:s, s:s*, s:s*}", "file", problem->file, "line",
                                              problem->line, "column", problem->column, "kind",
                                              problem->warning ? "warning" : "error", "message", problem->message,
                                              "hint", text_empty(problem->hint) ? NULL : problem->hint));
    }
    return list;
}

static void print_schema(const char *which)
{
    struct str text = STR_INIT;

    schema_publish(text_equal(which, "template") ? SCHEMA_TEMPLATE
                   : text_equal(which, "berthd") ? SCHEMA_HOST
                                                 : SCHEMA_BERTH,
                   &text);
    fputs(text.data, stdout);
    str_release(&text);
}

static bool holds_berth_yaml(const char *folder)
{
    char *path = path_join(folder, "berth.yaml");
    bool there = file_exists(path);

    free(path);
    return there;
}

/* A folder that was named and is not there is a call used wrongly. */
static bool is_named_well(const struct cli *cli, struct error *error)
{
    const char *folder = cli->call.subject;

    if (text_empty(folder) || folder_exists(folder))
        return true;
    error_set(error, ERROR_USAGE, "there is no folder %s", folder);
    return error_hint(error, "berth check FOLDER checks the berth.yaml and the templates in it");
}

static void release(struct checked *checked)
{
    for (size_t i = 0; i < checked->templates.count; i++)
        template_free(checked->templates.items[i]);
    for (size_t i = 0; i < checked->texts.count; i++)
        free(checked->texts.items[i]);
    vec_release(&checked->templates);
    vec_release(&checked->texts);
    problems_release(&checked->problems);
}

bool cli_check(struct cli *cli, int *status, struct error *error)
{
    struct checked checked = {.cli = cli};
    const char *folder = text_empty(cli->call.subject) ? cli->folder : cli->call.subject;
    struct config *config = NULL;
    bool done;

    if (!text_empty(cli_argument(cli, "schema"))) {
        print_schema(cli_argument(cli, "schema"));
        return true;
    }
    if (!is_named_well(cli, error))
        return false;
    if (text_empty(cli->call.subject) && !holds_berth_yaml(folder) &&
        workspace_find(cli, NULL)) /* from a folder below */
        folder = cli->folder;
    problems_init(&checked.problems, &cli->arena);
    done = load_all(&checked, folder, &config, error);
    if (done) {
        problems_sort(&checked.problems);
        if (cli->call.json)
            print_json(problems_to_json(&checked.problems));
        else
            print_problems(cli, &checked.problems);
        if (!cli->call.json)
            printf("%zu error%s, %zu warning%s\n", checked.problems.errors, checked.problems.errors == 1 ? "" : "s",
                   checked.problems.warnings, checked.problems.warnings == 1 ? "" : "s");
        *status = checked.problems.errors > 0;
    }
    config_free(config);
    release(&checked);
    return done;
}
