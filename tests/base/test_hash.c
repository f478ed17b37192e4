/* SPDX-License-Identifier: ISC */
/* Hashes against published vectors; identifiers. */
#include "prelude.h"

#include "berth/base/hash.h"

static void sha256__gives_the_published_values(void **state)
{
    (void)state;
    char hex[HASH_HEX_SIZE];
    hash_sha256("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_sha256(NULL, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void hmac__gives_the_published_values(void **state)
{
    (void)state;
    char hex[HASH_HEX_SIZE]; /* RFC 4231, cases 1 and 2 */
    hash_hmac("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b", 20, "Hi There", 8,
              hex);
    assert_string_equal(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    hash_hmac("Jefe", 4, "what do ya want for nothing?", 28, hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    hash_hmac(NULL, 0, NULL, 0, hex);
    assert_string_equal(hex, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void id__has_26_characters_and_sorts_by_time(void **state)
{
    (void)state;
    char earlier[ID_SIZE], later[ID_SIZE], same[ID_SIZE];
    id_new(earlier, INT64_C(1469918176385));
    assert_memory_equal(earlier, "01ARYZ6S41", 10); /* the ULID specification's example */
    assert_int_equal(strlen(earlier), 26);
    assert_int_equal(strspn(earlier, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 26);
    for (int64_t step = 1; step < INT64_C(1) << 40; step *= 3) {
        id_new(later, INT64_C(1469918176385) + step);
        assert_true(strcmp(earlier, later) < 0);
    }
    id_new(same, INT64_C(1469918176385));
    assert_string_not_equal(same, earlier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256__gives_the_published_values),
        cmocka_unit_test(hmac__gives_the_published_values),
        cmocka_unit_test(id__has_26_characters_and_sorts_by_time),
    };
    return TESTS_RUN(tests);
}
