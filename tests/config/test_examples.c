/* SPDX-License-Identifier: ISC */
/*
 * The examples are accepted, and every key of them is meant: each is changed in name and in type, one at a time, and an error
 * at its line must be seen. Names come in two kinds: those the schema knows get a letter more; those a person chose may be called
 * otherwise, so they get a name that nothing may have.
 */
#include "prelude.h"

static const char *const teams[] = {"chronicle", "environment-service", "notejam", "pangeo-forge", "pipeline", "shop"};
#define TEAMS (sizeof(teams) / sizeof(teams[0]))

/* Maps whose keys are a person's choice. */
static const char *const free_maps[] = {"repositories", "secrets",    "people",    "groups", "targets",
                                        "runners",      "registries", "queues",    "map",    "with",
                                        "inputs",       "parameters", "resources", "vars",   "values",
                                        "backend",      "owns",       "payload",   "env",    "per_target"};
/* Maps whose values may be anything but nothing. */
static const char *const any_maps[] = {"vars", "values", "payload"};

enum change { CHANGE_NONE, CHANGE_NAME, CHANGE_TYPE };
struct place { /* one key: the how-manieth of the file, and how it is to be changed */
    size_t number;
    enum change change;
    size_t seen;
    int line; /* of the text written, from 1 */
    int changed_line;
    bool chosen, anything; /* what the key to be changed is */
    char name[128];
};
struct tried {
    size_t names, chosen, types;
};

static bool one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static void write_scalar(struct str *out, const struct node *node)
{
    if (node->kind != NODE_TEXT) {
        str_add(out, node->kind == NODE_NULL ? "null" : node->text);
        return;
    }
    str_add_char(out, '"');
    for (const char *at = node->text; *at; at++) {
        if (*at == '"' || *at == '\\')
            str_add_char(out, '\\');
        str_add_char(out, *at);
    }
    str_add_char(out, '"');
}

static void write_node(struct str *out, const struct node *node, const char *parent, bool anything,
                       struct place *place);

static void write_changed_value(struct str *out, const struct node *node, bool anything)
{
    if (anything)
        str_add(out, "null");
    else if (node->kind == NODE_MAP)
        str_add(out, "\"text\"");
    else if (node->kind == NODE_LIST)
        str_add(out, "{ \"key\": 1 }");
    else
        str_add(out, "[ [ 1 ] ]");
}

static void write_pair(struct str *out, const struct node_pair *pair, const char *parent, bool anything,
                       struct place *place)
{
    const bool here = ++place->seen == place->number;
    const bool chosen = anything || one_of(parent, free_maps, sizeof(free_maps) / sizeof(free_maps[0]));
    const bool any = anything || one_of(parent, any_maps, sizeof(any_maps) / sizeof(any_maps[0]));

    str_add_char(out, '\n');
    place->line++;
    if (here) {
        place->changed_line = place->line;
        place->chosen = chosen;
        place->anything = any;
        text_copy(place->name, sizeof(place->name), pair->key->text);
    }
    if (here && place->change == CHANGE_NAME)
        str_addf(out, chosen ? "\"$%s\": " : "\"%sx\": ", pair->key->text);
    else
        str_addf(out, "\"%s\": ", pair->key->text);
    if (here && place->change == CHANGE_TYPE)
        write_changed_value(out, pair->value, any);
    else
        write_node(out, pair->value, pair->key->text, any, place);
}

/* The tree as text, one key a line, with at most one change. */
static void write_node(struct str *out, const struct node *node, const char *parent, bool anything, struct place *place)
{
    if (node->kind == NODE_MAP) {
        str_add(out, "{");
        for (size_t i = 0; i < node->count; i++) {
            if (i > 0)
                str_add(out, ",");
            write_pair(out, &node->pairs[i], parent, anything, place);
        }
        str_add(out, "}");
    } else if (node->kind == NODE_LIST) {
        str_add(out, "[");
        for (size_t i = 0; i < node->count; i++) {
            if (i > 0)
                str_add(out, ", ");
            write_node(out, node->items[i], "", anything, place);
        }
        str_add(out, "]");
    } else {
        write_scalar(out, node);
    }
}

static void check_text(const char *file, const char *text, size_t length, struct problems *problems)
{
    if (strstr(file, "berthd.yaml"))
        host_config_free(host_config_load(file, text, length, problems));
    else if (strstr(file, "berth.yaml"))
        config_free(config_load(file, text, length, problems));
    else
        template_free(template_load(file, text, length, problems));
}

/* One change; false when the file has no such key. */
static bool change_one(const char *file, const struct node *root, size_t number, enum change change,
                       struct tried *tried)
{
    struct place place = {.number = number, .change = change, .line = 1};
    struct arena arena = {0};
    struct problems problems;
    struct str text = STR_INIT;

    problems_init(&problems, &arena);
    write_node(&text, root, "", false, &place);
    if (place.changed_line > 0) {
        check_text(file, text.data, text.length, &problems);
        if (change == CHANGE_NONE)
            expect_no_error(&problems);
        else if (!find_problem(&problems, false, place.changed_line, "")) {
            print_problems(&problems);
            fail_msg("%s: \"%s\" changed in %s at line %d and no error is there\n%s", file, place.name,
                     change == CHANGE_NAME ? "name" : "type", place.changed_line, text.data);
        }
        if (change == CHANGE_TYPE)
            tried->types++;
        else if (change == CHANGE_NAME && place.chosen)
            tried->chosen++;
        else if (change == CHANGE_NAME)
            tried->names++;
    }
    str_release(&text);
    problems_release(&problems);
    arena_release(&arena);
    return place.changed_line > 0;
}

static void change_all(const char *file, struct tried *tried)
{
    struct arena arena = {0};
    struct problems problems;
    struct str text = STR_INIT;
    struct node *root;
    const size_t step = getenv("BERTH_UNDER_VALGRIND") ? 23 : 1; /* all of them would take valgrind minutes */

    problems_init(&problems, &arena);
    read_whole(file, &text);
    root = node_parse(&arena, file, text.data, text.length, &problems);
    assert_non_null(root);
    assert_true(change_one(file, root, 1, CHANGE_NONE, tried));
    for (size_t number = 1; change_one(file, root, number, CHANGE_NAME, tried); number += step)
        change_one(file, root, number, CHANGE_TYPE, tried);
    str_release(&text);
    problems_release(&problems);
    arena_release(&arena);
}

typedef void on_file(const char *path, void *context);

static void each_template(const char *team, on_file *visit, void *context)
{
    char *folder = path_printf("%s/examples/%s/templates", TEST_SRCDIR, team);
    struct folder_list list;
    struct error error;

    if (!folder_list(folder, &list, &error))
        fail_msg("%s", error.message);
    for (size_t i = 0; i < list.count; i++) {
        char *path = path_printf("%s/%s", folder, list.names[i]);

        visit(path, context);
        free(path);
    }
    folder_list_free(&list);
    free(folder);
}

static void change_file(const char *path, void *context)
{
    change_all(path, context);
}

static void examples__every_key_is_meant(void **state)
{
    struct tried tried = {0};

    (void)state;
    for (size_t i = 0; i < TEAMS; i++) {
        char *path = path_printf("%s/examples/%s/berth.yaml", TEST_SRCDIR, teams[i]);

        change_all(path, &tried);
        free(path);
        each_template(teams[i], change_file, &tried);
    }
    change_all(TEST_SRCDIR "/examples/environment-service/berthd.yaml", &tried);
    print_message(
        "# %zu keys of the schema and %zu chosen names changed in name, %zu values in type: each seen at its line\n",
        tried.names, tried.chosen, tried.types);
    assert_true(getenv("BERTH_UNDER_VALGRIND") || (tried.names > 900 && tried.types > 1200));
}

struct team {
    struct problems problems;
    struct template *templates[16];
    size_t count;
};

static void load_template(const char *path, void *context)
{
    struct team *team = context;
    struct str text = STR_INIT;
    struct template *template;

    read_whole(path, &text);
    template = template_load(path, text.data, text.length, &team->problems);
    if (template)
        team->templates[team->count++] = template;
    str_release(&text);
}

static size_t count_unbuilt(const struct problems *problems)
{
    size_t count = 0;

    for (size_t i = 0; i < problems->list.count; i++)
        count += problems->list.items[i].warning && strstr(problems->list.items[i].message, "not in this version");
    return count;
}

static void examples__are_accepted_with_their_templates(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEAMS; i++) {
        struct team team = {0};
        struct arena arena = {0};
        struct str text = STR_INIT;
        char *path = path_printf("%s/examples/%s/berth.yaml", TEST_SRCDIR, teams[i]);
        struct config *config;

        problems_init(&team.problems, &arena);
        read_whole(path, &text);
        config = config_load(path, text.data, text.length, &team.problems);
        each_template(teams[i], load_template, &team);
        if (config)
            config_check_templates(config, team.templates, team.count, &team.problems);
        expect_no_error(&team.problems);
        assert_int_equal(count_unbuilt(&team.problems), 1);
        for (size_t t = 0; t < team.count; t++)
            template_free(team.templates[t]);
        config_free(config);
        problems_release(&team.problems);
        arena_release(&arena);
        str_release(&text);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples__are_accepted_with_their_templates),
        cmocka_unit_test(examples__every_key_is_meant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
