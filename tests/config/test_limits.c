/* SPDX-License-Identifier: ISC */
/* Files made to hurt: checked or refused, within two seconds of the processor. */
#include "prelude.h"

#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWER 10 /* a sanitizer's own cost */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLOWER 10
#endif
#endif
#ifndef SLOWER
#define SLOWER 1
#endif
#define LONG                                                                                                         \
    "a description that is long enough for a file of ten megabytes to stay below the number of nodes that one file " \
    "may have, so that what looks at each of its sections has all of them to look at, and has to be quick about it"

/* Ten megabytes; valgrind, under which time says nothing, gets one. */
static size_t ten_mb(void)
{
    return getenv("BERTH_UNDER_VALGRIND") ? 1u << 20 : 10u << 20;
}

static double processor_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

enum outcome { ACCEPTED, REFUSED };

static void check_time(const char *name, const struct str *text, enum outcome outcome)
{
    struct arena arena = {0};
    struct problems problems;
    struct config *config;
    const char *valgrind = getenv("BERTH_UNDER_VALGRIND");
    double start = processor_seconds(), took;

    problems_init(&problems, &arena);
    config = config_load("berth.yaml", text->data, text->length, &problems);
    took = processor_seconds() - start;
    print_message("# %s: %.1f MB, %zu errors, %.2f s\n", name, (double)text->length / 1e6, problems.errors, took);
    assert_true((config != NULL) == (outcome == ACCEPTED));
    assert_true(problems.list.count <= PROBLEMS_LIMIT);
    if (!valgrind)
        assert_true(took < 2.0 * SLOWER);
    config_free(config);
    problems_release(&problems);
    arena_release(&arena);
}

static void fill(struct str *text, const char *start, const char *format)
{
    small_config(text, start, SMALL_SOURCE);
    for (size_t i = 0; text->length < ten_mb(); i++) {
        char item[24];
        size_t before = strcspn(format, "#");

        str_add_bytes(text, format, before);
        snprintf(item, sizeof(item), "%zu", i);
        str_add(text, item);
        str_add(text, format + before + 1);
    }
}

static void limits__ten_megabytes_of_unknown_keys(void **state)
{
    struct str text = STR_INIT;

    (void)state;
    fill(&text, "", "unknown_key_number_#: some value of it that is a little longer\n");
    check_time("unknown keys", &text, REFUSED);
    str_release(&text);
}

static void limits__ten_megabytes_of_references(void **state)
{
    struct str text = STR_INIT;

    (void)state;
    fill(&text, "access:\n", "  - { who: [alice], role: viewer, tags: [\"a-tag-with-a-number-#\"] }\n");
    check_time("references", &text, REFUSED);
    str_clear(&text);
    fill(&text, "access:\n  - who:\n", "    - person-number-#-whom-nobody-knows-at-all-whoever-is-asked\n");
    str_add(&text, "    role: viewer\n");
    check_time("wrong references", &text, REFUSED);
    str_release(&text);
}

static void limits__ten_megabytes_of_people(void **state)
{
    struct str text = STR_INIT;

    (void)state;
    fill(&text, "runners:\n", "  runner-number-#-with-a-long-name: { provider: local, description: \"" LONG "\" }\n");
    check_time("sections", &text, REFUSED);
    str_release(&text);
}

static void limits__ten_megabytes_of_environments(void **state)
{
    struct str text = STR_INIT;

    (void)state;
    fill(
        &text, "",
        "  - { name: \"e#/${{ branch.slug }}\", tier: dev, source: { branches: [main] }, templates: [t], target: here, description: \"" LONG
        "\" }\n");
    check_time("environments", &text, REFUSED);
    str_release(&text);
}

static void limits__one_scalar_of_ten_megabytes(void **state)
{
    struct str text = STR_INIT;

    (void)state;
    small_config(&text, "", SMALL_SOURCE "    description: \"");
    str_add_fill(&text, 'x', ten_mb());
    str_add(&text, "\"\n");
    check_time("one scalar", &text, ACCEPTED);
    small_config(&text, "", SMALL_SOURCE "    description: \"");
    while (text.length < ten_mb())
        str_add(&text, "${{ branch.name }}");
    str_add(&text, "\"\n");
    check_time("one scalar of expressions", &text, REFUSED);
    str_release(&text);
}

static void limits__an_alias_bomb(void **state)
{
    struct str text = STR_INIT;

    (void)state;
    small_config(&text, "a: &a [x, x, x, x, x, x, x, x, x, x]\n", SMALL_SOURCE);
    for (char name = 'b'; name < 'z'; name++)
        str_addf(&text, "%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", name, name, name - 1, name - 1,
                 name - 1, name - 1, name - 1, name - 1, name - 1, name - 1, name - 1, name - 1);
    check_time("alias bomb", &text, REFUSED);
    str_release(&text);
}

static void limits__deep_nesting(void **state)
{
    struct str text = STR_INIT;

    (void)state;
    str_add_fill(&text, '[', 1000000);
    check_time("nesting", &text, REFUSED);
    str_release(&text);
}

static void limits__a_pattern_that_backtracks(void **state)
{
    struct config_input input = {.name = "x", .type = "string", .pattern = "(a+)+b", .min = "", .max = ""};
    struct str value = STR_INIT;
    double start = processor_seconds();

    (void)state;
    str_add_fill(&value, 'a', 5000);
    assert_false(config_input_fits(&input, value.data, NULL));
    assert_true(processor_seconds() - start < 2.0 * SLOWER);
    str_release(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits__ten_megabytes_of_unknown_keys),
        cmocka_unit_test(limits__ten_megabytes_of_references),
        cmocka_unit_test(limits__ten_megabytes_of_people),
        cmocka_unit_test(limits__ten_megabytes_of_environments),
        cmocka_unit_test(limits__one_scalar_of_ten_megabytes),
        cmocka_unit_test(limits__an_alias_bomb),
        cmocka_unit_test(limits__deep_nesting),
        cmocka_unit_test(limits__a_pattern_that_backtracks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
