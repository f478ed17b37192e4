/* SPDX-License-Identifier: ISC */
/* The stores of secrets, and sections of the policy that name them. */
#include "prelude.h"

#include "provider/section.h"

#include <unistd.h>

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    place_make(place, "env");
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    place_remove(*state);
    free(*state);
    return 0;
}

static enum error_code resolve(struct place *place, const char *provider, const char *key, const char *wanted)
{
    struct str value = STR_INIT;
    error_clear(&place->error);
    bool got = provider_call_secret(provider_named(provider), &place->context, key, &value, &place->error);
    if (wanted && got)
        assert_string_equal(value.data, wanted);
    assert_true(got == (wanted != NULL));
    assert_true(got || value.length == 0);
    str_release(&value);
    return place->error.code;
}

static void env__gives_variables(void **state)
{
    struct place *place = *state;
    setenv("TEST_SECRET", "value", 1);
    setenv("TEST_BYTES", "\xff", 1);
    unsetenv("TEST_MISSING");
    assert_int_equal(resolve(place, "env", "TEST_SECRET", "value"), ERROR_NONE);
    assert_int_equal(resolve(place, "env", "TEST_MISSING", NULL), ERROR_NOT_FOUND);
    assert_int_equal(resolve(place, "env", "TEST_BYTES", NULL), ERROR_CONFIG);
    assert_int_equal(resolve(place, "env", "", NULL), ERROR_CONFIG);
    assert_int_equal(resolve(place, "env", "A=B", NULL), ERROR_CONFIG);
    place_key(place, "prefix", "TEST_");
    assert_int_equal(resolve(place, "env", "SECRET", "value"), ERROR_NONE);
}

static void file__gives_files_within_its_limits(void **state)
{
    struct place *place = *state;
    place_file(place, "s/plain", "value", 0600);
    place_file(place, "s/ended", "value\r\n", 0600);
    place_file(place, "s/pem", "a\nb\n\n", 0600);
    place_file(place, "s/bytes", "\xff\xfe", 0600);
    char *folder = path_join(place->folder, "s"), *big = path_join(folder, "big"), *plain = path_join(folder, "plain");
    assert_int_equal(symlink("/dev/zero", big), 0);
    assert_int_equal(resolve(place, "file", plain, "value"), ERROR_NONE);
    assert_int_equal(resolve(place, "file", "s/plain", NULL), ERROR_CONFIG);
    assert_int_equal(resolve(place, "file", big, NULL), ERROR_CONFIG);
    place_key(place, "dir", folder);
    assert_int_equal(resolve(place, "file", "ended", "value"), ERROR_NONE);
    assert_int_equal(resolve(place, "file", "pem", "a\nb\n"), ERROR_NONE);
    assert_int_equal(resolve(place, "file", "bytes", NULL), ERROR_CONFIG);
    assert_int_equal(resolve(place, "file", "gone", NULL), ERROR_NOT_FOUND);
    assert_int_equal(resolve(place, "file", "../log", NULL), ERROR_CONFIG);
    assert_int_equal(resolve(place, "file", plain, NULL), ERROR_CONFIG);
    char *large = mem_zero((1 << 20) + 2, 1);
    memset(large, 'x', (1 << 20) + 1);
    place_file(place, "s/large", large, 0600);
    assert_int_equal(resolve(place, "file", "large", NULL), ERROR_LIMIT);
    free(large);
    free(folder);
    free(big);
    free(plain);
}

static void section__resolves_secrets_and_tells_the_redactor(void **state)
{
    struct place *place = *state;
    struct str value = STR_INIT, shown = STR_INIT;
    setenv("TEST_SECRET", "tell-nobody", 1);
    place->context.redactor = redactor_new();
    place_key(place, "url", "https://x/${{ secret.env.TEST_SECRET }}?a=1");
    must(section_text(&place->context, "url", &value, &place->error), &place->error);
    assert_string_equal(value.data, "https://x/tell-nobody?a=1");
    redact_text(place->context.redactor, value.data, &shown);
    assert_string_equal(shown.data, "https://x/***?a=1");
    str_clear(&value);
    must(section_text(&place->context, "none", &value, &place->error), &place->error);
    assert_string_equal(value.data, "");
    static const char *const wrong[] = {"${{ secret.env.TEST_MISSING }}", "${{ secret.nowhere.X }}",
                                        "${{ branch.name }}", "${{ resource.a.outputs.b }}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        place_key(place, "url", wrong[i]);
        assert_false(section_text(&place->context, "url", &value, &place->error));
        assert_true(place->error.message[0]);
    }
    redactor_free(place->context.redactor);
    str_release(&value);
    str_release(&shown);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(env__gives_variables),
        TEST(file__gives_files_within_its_limits),
        TEST(section__resolves_secrets_and_tells_the_redactor),
    };
    return TESTS_RUN(tests);
}
