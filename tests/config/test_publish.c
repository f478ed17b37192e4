/* SPDX-License-Identifier: ISC */
/*
 * What is published of the schemas is what they are: the JSON Schemas and the key references in doc/. With BERTH_UPDATE=1 in the
 * environment the files are written instead of compared.
 */
#include "prelude.h"
#include "reference.h"

#include "config/embedded.h"
#include "config/schema.h"

#include <jansson.h>

static void write_file(const char *path, const struct str *text)
{
    struct error error;

    if (!file_replace(path, text->data, text->length, 0644, FILE_RELAXED, &error))
        fail_msg("%s: %s", path, error.message);
}

static void check_file(const char *path, const struct str *expected)
{
    struct str found = STR_INIT;

    if (getenv("BERTH_UPDATE"))
        write_file(path, expected);
    read_whole(path, &found);
    if (strcmp(found.data, expected->data) != 0)
        fail_msg("%s is not what the schemas say: run BERTH_UPDATE=1 tests/config/test_publish", path);
    str_release(&found);
}

/* The part of a file between two marks. */
static void check_part(const char *path, const char *begin, const char *end, const struct str *expected)
{
    struct str found = STR_INIT, whole = STR_INIT;
    char *from, *to;

    read_whole(path, &found);
    from = strstr(found.data, begin);
    to = from ? strstr(from, end) : NULL;
    if (!to)
        fail_msg("%s has no marks", path);
    from += strlen(begin);
    str_add_bytes(&whole, found.data, (size_t)(from - found.data));
    str_add(&whole, expected->data);
    str_add(&whole, to);
    check_file(path, &whole);
    str_release(&found);
    str_release(&whole);
}

static void publish__json_schemas_are_those_in_doc(void **state)
{
    static const struct {
        enum schema_kind kind;
        const char *path;
    } files[] = {{SCHEMA_BERTH, TEST_SRCDIR "/doc/berth.schema.json"},
                 {SCHEMA_TEMPLATE, TEST_SRCDIR "/doc/template.schema.json"},
                 {SCHEMA_HOST, TEST_SRCDIR "/doc/berthd.schema.json"}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct str text = STR_INIT;
        json_t *json;

        schema_publish(files[i].kind, &text);
        json = json_loads(text.data, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(json);
        assert_string_equal(json_string_value(json_object_get(json, "$schema")),
                            "https://json-schema.org/draft/2020-12/schema");
        json_decref(json);
        check_file(files[i].path, &text);
        str_release(&text);
    }
}

static void publish__the_manual_has_every_key(void **state)
{
    struct str text = STR_INIT;

    (void)state;
    reference_manual(&text);
    check_part(TEST_SRCDIR "/doc/berth.yaml.5", ".\\\" keys: begin\n", ".\\\" keys: end\n", &text);
    str_release(&text);
}

static void publish__the_table_of_providers_is_whole(void **state)
{
    struct str text = STR_INIT;

    (void)state;
    reference_providers(&text);
    check_part(TEST_SRCDIR "/doc/configuration.md", "<!-- providers: begin -->\n", "<!-- providers: end -->\n", &text);
    str_release(&text);
}

static void check_docs(const struct shape *shape, const char *where)
{
    for (size_t i = 0; i < shape->key_count; i++) {
        if (strlen(shape->keys[i].doc) < 4)
            fail_msg("%s: the key %s has no sentence", where, shape->keys[i].name);
        check_docs(shape->keys[i].shape, shape->keys[i].name);
    }
    if (shape->item)
        check_docs(shape->item, where);
    for (size_t i = 0; i < shape->shape_count; i++)
        check_docs(shape->shapes[i], where);
}

/* Each file of a provider compiles, each of its capabilities is found, and each key has its sentence. */
static void schema__every_file_compiles_and_explains_itself(void **state)
{
    struct arena arena = {0};
    size_t count, sections = 0;
    const struct embedded_file *files = embedded_files(&count);
    struct schema *schema = schema_load(&arena, SCHEMA_BERTH);
    struct name_list capabilities = schema_capabilities(schema);

    (void)state;
    check_docs(schema_root(schema), "berth.yaml");
    check_docs(schema_root(schema_load(&arena, SCHEMA_TEMPLATE)), "a template");
    check_docs(schema_root(schema_load(&arena, SCHEMA_HOST)), "berthd.yaml");
    for (size_t i = 0; i < count; i++) {
        struct problems problems;
        const struct node *root, *own;

        if (!text_starts(files[i].name, "src/provider/"))
            continue;
        problems_init(&problems, &arena);
        root = node_parse(&arena, files[i].name, files[i].text, files[i].size, &problems);
        assert_int_equal(problems.errors, 0);
        own = node_get(root, "capabilities");
        for (size_t c = 0; c < own->count; c++) {
            const struct provider_section *section =
                schema_section(schema, own->pairs[c].key->text, node_get(root, "provider")->text);

            if (!section)
                fail_msg("%s: %s is not found", files[i].name, own->pairs[c].key->text);
            assert_true(strlen(section->doc) > 4);
            check_docs(section->shape, files[i].name);
            sections++;
        }
        problems_release(&problems);
    }
    for (size_t c = 0; c < capabilities.count; c++)
        sections -= schema_capability(schema, capabilities.items[c])->providers.count;
    assert_int_equal(sections, 0);
    arena_release(&arena);
}

static void check_built(struct schema *schema, const char *capability, const char *provider, bool built)
{
    const struct provider_section *section = schema_section(schema, capability, provider);

    if (!section || section->built != built)
        fail_msg("%s %s is %s", capability, provider, section ? "built otherwise" : "not there");
}

static void schema__knows_what_is_built(void **state)
{
    struct arena arena = {0};
    struct schema *schema = schema_load(&arena, SCHEMA_BERTH);

    (void)state;
    check_built(schema, "branches", "git", true);
    check_built(schema, "branches", "github", false);
    check_built(schema, "executor", "exec", true);
    check_built(schema, "executor", "external", true);
    check_built(schema, "executor", "terraform", true);
    check_built(schema, "probe", "http", true);
    check_built(schema, "probe", "tcp", true);
    check_built(schema, "probe", "dns", false);
    check_built(schema, "secrets", "env", true);
    check_built(schema, "secrets", "file", true);
    check_built(schema, "artifacts", "file", true);
    check_built(schema, "artifacts", "s3", false);
    check_built(schema, "runner", "local", true);
    check_built(schema, "targets", "local", true);
    check_built(schema, "notify", "webhook", true);
    check_built(schema, "notify", "git", true);
    check_built(schema, "secrets", "vault", false);
    check_built(schema, "executor", "vault", false);
    check_built(schema, "targets", "vault", false);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publish__json_schemas_are_those_in_doc),
        cmocka_unit_test(publish__the_manual_has_every_key),
        cmocka_unit_test(publish__the_table_of_providers_is_whole),
        cmocka_unit_test(schema__every_file_compiles_and_explains_itself),
        cmocka_unit_test(schema__knows_what_is_built),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
