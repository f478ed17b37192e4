/* SPDX-License-Identifier: ISC */
/* Arenas, vectors and the string map. */
#include "prelude.h"

#include "berth/base/memory.h"
#include "berth/base/str.h"

static void arena__gives_zeroed_aligned_memory(void **state)
{
    (void)state;
    struct arena arena = {0};
    for (size_t size = 0; size < 3000; size += 7) {
        unsigned char *memory = arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xff, size);
    }
    assert_true(arena.used_bytes > 600000);
    arena_release(&arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_string_equal(arena_strdup(&arena, "again"), "again");
    arena_release(&arena);
}

static void arena__keeps_what_came_before_a_huge_allocation(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char *first = arena_printf(&arena, "%s-%d", "first", 1);
    char *huge = arena_alloc(&arena, (size_t)3 << 20);
    memset(huge, 'x', (size_t)3 << 20);
    char *last = arena_strndup(&arena, "lasting", 4);
    assert_string_equal(first, "first-1");
    assert_string_equal(last, "last");
    assert_string_equal(arena_strdup(&arena, NULL), "");
    arena_release(&arena);
}

static void vector__grows_and_keeps_order(void **state)
{
    (void)state;
    VEC(int) numbers = {0};
    for (int i = 0; i < 1000; i++)
        vec_push(&numbers, i * 3);
    assert_int_equal(numbers.count, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(numbers.items[i], i * 3);
    vec_clear(&numbers);
    assert_int_equal(numbers.count, 0);
    vec_release(&numbers);
    assert_null(numbers.items);
}

/* Against a plain array as the model: sets, replaces and removes in a fixed pseudo-random order. */
static void map__agrees_with_a_plain_array_over_many_changes(void **state)
{
    (void)state;
    enum { KEYS = 500 };
    static int values[KEYS + 1];
    bool present[KEYS] = {false};
    struct map map = {0};
    uint32_t random = 12345;
    size_t count = 0;
    for (int round = 0; round < 50000; round++) {
        random = random * 1664525 + 1013904223;
        unsigned key = random >> 16 & 0x7fffffff;
        key %= KEYS;
        char name[32];
        snprintf(name, sizeof name, "feature/%u", key * 7919);
        void *before = present[key] ? &values[key] : NULL;
        if (random & 0x100) {
            assert_ptr_equal(map_set(&map, name, &values[key]), before);
            count += !present[key];
            present[key] = true;
        } else {
            assert_ptr_equal(map_remove(&map, name), before);
            count -= present[key];
            present[key] = false;
        }
        assert_int_equal(map.count, count);
    }
    for (unsigned key = 0; key < KEYS; key++) {
        char name[32];
        snprintf(name, sizeof name, "feature/%u", key * 7919);
        assert_ptr_equal(map_get(&map, name), present[key] ? &values[key] : NULL);
    }
    size_t at = 0, walked = 0;
    const char *key;
    void *value;
    while (map_next(&map, &at, &key, &value))
        walked++;
    assert_int_equal(walked, count);
    map_release(&map);
    assert_null(map_get(&map, "feature/0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena__gives_zeroed_aligned_memory),
        cmocka_unit_test(arena__keeps_what_came_before_a_huge_allocation),
        cmocka_unit_test(vector__grows_and_keeps_order),
        cmocka_unit_test(map__agrees_with_a_plain_array_over_many_changes),
    };
    return TESTS_RUN(tests);
}
