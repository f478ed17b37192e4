/* SPDX-License-Identifier: ISC */
/* What is kept sealed between a plan and its apply. */
#include "prelude.h"

#include "berth/base/seal.h"

#include <sys/stat.h>

#define SECRET "correct horse battery staple"

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    place_make(place, "file");
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    place_remove(*state);
    free(*state);
    return 0;
}

static void seal__opens_only_what_was_sealed(void **state)
{
    unsigned char key[SEAL_KEY_BYTES] = {1, 2, 3}, other[SEAL_KEY_BYTES] = {1, 2, 4};
    struct str sealed = STR_INIT, again = STR_INIT, opened = STR_INIT;
    struct error error = {0};
    (void)state;
    must(seal(key, "about", SECRET, sizeof SECRET, &sealed, &error), &error);
    must(seal(key, "about", SECRET, sizeof SECRET, &again, &error), &error);
    assert_true(sealed.length == again.length && memcmp(sealed.data, again.data, sealed.length) != 0);
    assert_null(memmem(sealed.data, sealed.length, "horse", 5));
    must(unseal(key, "about", sealed.data, sealed.length, &opened, &error), &error);
    assert_int_equal(opened.length, sizeof SECRET);
    assert_string_equal(opened.data, SECRET);
    str_clear(&opened);
    assert_false(unseal(key, "About", sealed.data, sealed.length, &opened, &error));
    assert_false(unseal(other, "about", sealed.data, sealed.length, &opened, &error));
    assert_int_equal(error.code, ERROR_CORRUPT);
    for (size_t length = 0; length < sealed.length; length++)
        assert_false(unseal(key, "about", sealed.data, length, &opened, &error));
    for (size_t at = 0; at < sealed.length; at++) {
        sealed.data[at] ^= 1;
        assert_false(unseal(key, "about", sealed.data, sealed.length, &opened, &error));
        sealed.data[at] ^= 1;
    }
    assert_int_equal(opened.length, 0);
    must(unseal(key, "about", sealed.data, sealed.length, &opened, &error), &error);
    str_clear(&sealed);
    str_clear(&opened);
    must(seal(key, "", "", 0, &sealed, &error) && unseal(key, "", sealed.data, sealed.length, &opened, &error), &error);
    assert_int_equal(opened.length, 0);
    str_release(&sealed);
    str_release(&again);
    str_release(&opened);
}

static const char *stored(struct place *place, const char *name)
{
    return arena_printf(&place->arena, "%s/runs/1/artifacts/%s", place->store, name);
}

static void artifact__is_kept_private_and_sealed(void **state)
{
    struct place *place = *state;
    struct str bytes = STR_INIT;
    struct stat status;
    must(artifact_keep(&place->context, "plan-a", "server", SECRET, strlen(SECRET), &place->error), &place->error);
    must(file_read(stored(place, "plan-a"), 1000, &bytes, &place->error), &place->error);
    assert_null(memmem(bytes.data, bytes.length, "horse", 5));
    assert_int_equal(stat(stored(place, "plan-a"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(stat(stored(place, ""), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    str_clear(&bytes);
    must(artifact_fetch(&place->context, "plan-a", "server", &bytes, &place->error), &place->error);
    assert_string_equal(bytes.data, SECRET);
    str_release(&bytes);
}

static void artifact__of_one_thing_does_not_open_for_another(void **state)
{
    struct place *place = *state;
    struct str bytes = STR_INIT;
    must(artifact_keep(&place->context, "plan-a", "server", "1", 1, &place->error), &place->error);
    assert_false(artifact_fetch(&place->context, "plan-a", "database", &bytes, &place->error));
    assert_int_equal(place->error.code, ERROR_CORRUPT);
    assert_int_equal(rename(stored(place, "plan-a"), stored(place, "plan-b")), 0);
    assert_false(artifact_fetch(&place->context, "plan-b", "server", &bytes, &place->error));
    assert_int_equal(place->error.code, ERROR_CORRUPT);
    assert_false(artifact_fetch(&place->context, "plan-a", "server", &bytes, &place->error));
    assert_int_equal(place->error.code, ERROR_NOT_FOUND);
    assert_int_equal(bytes.length, 0);
    str_release(&bytes);
}

static void artifact__is_gone_when_its_run_is_forgotten(void **state)
{
    struct place *place = *state;
    struct str bytes = STR_INIT;
    must(artifact_keep(&place->context, "plan-a", "server", "1", 1, &place->error), &place->error);
    must(artifacts_forget(&place->context, "1", &place->error), &place->error);
    must(artifacts_forget(&place->context, "1", &place->error), &place->error);
    assert_false(file_exists(stored(place, "plan-a")));
    assert_false(artifact_fetch(&place->context, "plan-a", "server", &bytes, &place->error));
    assert_false(artifacts_forget(&place->context, "../..", &place->error));
    assert_true(folder_exists(place->store));
    str_release(&bytes);
}

static void artifact__names_are_plain_and_belong_to_a_run(void **state)
{
    struct place *place = *state;
    static const char *const bad[] = {"", "..", "../x", "a/b", ".a", "A", "a b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(artifact_keep(&place->context, bad[i], "x", "1", 1, &place->error));
    place->context.run = "";
    assert_false(artifact_keep(&place->context, "a", "x", "1", 1, &place->error));
    assert_int_equal(place->error.code, ERROR_UNSUPPORTED);
}

static void artifact__of_a_provider_that_is_not_built_is_refused(void **state)
{
    struct place *place = *state;
    struct config_section section = {.name = "artifacts", .provider = "s3"};
    struct config config = {.artifacts = &section};
    place->context.config = &config;
    assert_false(artifact_keep(&place->context, "a", "x", "1", 1, &place->error));
    assert_int_equal(place->error.code, ERROR_UNSUPPORTED);
    assert_non_null(strstr(place->error.message, "s3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seal__opens_only_what_was_sealed),
        cmocka_unit_test_setup_teardown(artifact__is_kept_private_and_sealed, setup, teardown),
        cmocka_unit_test_setup_teardown(artifact__of_one_thing_does_not_open_for_another, setup, teardown),
        cmocka_unit_test_setup_teardown(artifact__is_gone_when_its_run_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(artifact__names_are_plain_and_belong_to_a_run, setup, teardown),
        cmocka_unit_test_setup_teardown(artifact__of_a_provider_that_is_not_built_is_refused, setup, teardown),
    };
    return TESTS_RUN(tests);
}
