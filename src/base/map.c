/* SPDX-License-Identifier: ISC */
/* The string map: open addressing, linear probing, a keyed hash so that names from outside cannot make it slow. */
#include "berth/base/memory.h"

#include <stdint.h>
#include <stdlib.h>

struct map_slot {
    char *key; /* NULL: free */
    uint64_t hash;
    void *value;
};

static uint64_t rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* SipHash-1-3; the key is where the table lies, which address randomisation hides from whoever chooses the names. */
static uint64_t hash_key(const struct map *map, const char *key)
{
    uint64_t secret = (uint64_t)(uintptr_t)map->slots, length = strlen(key);
    uint64_t v[4] = {secret ^ UINT64_C(0x736f6d6570736575), map->room ^ UINT64_C(0x646f72616e646f6d),
                     secret ^ UINT64_C(0x6c7967656e657261), map->room ^ UINT64_C(0x7465646279746573)};
    uint64_t word = 0, at = 0;
    for (; at + 8 <= length; at += 8) {
        memcpy(&word, key + at, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = length << 56;
    for (unsigned shift = 0; at < length; at++, shift += 8)
        word |= (uint64_t)(unsigned char)key[at] << shift;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The slot of the key, or the free one where it belongs. The table always has a free slot. */
static size_t find(const struct map *map, const char *key, uint64_t hash)
{
    size_t mask = map->room - 1, at = (size_t)hash & mask;
    while (map->slots[at].key && (map->slots[at].hash != hash || strcmp(map->slots[at].key, key) != 0))
        at = (at + 1) & mask;
    return at;
}

static void grow(struct map *map)
{
    struct map old = *map;
    map->room = old.room ? old.room * 2 : 16;
    map->slots = mem_zero(map->room, sizeof *map->slots);
    for (size_t i = 0; i < old.room; i++) {
        struct map_slot slot = old.slots[i];
        if (!slot.key)
            continue;
        slot.hash = hash_key(map, slot.key);
        map->slots[find(map, slot.key, slot.hash)] = slot;
    }
    free(old.slots);
}

void map_release(struct map *map)
{
    if (!map)
        return;
    for (size_t i = 0; i < map->room; i++)
        free(map->slots[i].key);
    free(map->slots);
    *map = (struct map){0};
}

void *map_get(const struct map *map, const char *key)
{
    if (!map->count)
        return NULL;
    const struct map_slot *slot = &map->slots[find(map, key, hash_key(map, key))];
    return slot->key ? slot->value : NULL;
}

void *map_set(struct map *map, const char *key, void *value)
{
    if (map->count + 1 > map->room / 4 * 3)
        grow(map);
    uint64_t hash = hash_key(map, key);
    struct map_slot *slot = &map->slots[find(map, key, hash)];
    void *before = slot->key ? slot->value : NULL;
    if (!slot->key) {
        slot->key = mem_strdup(key);
        slot->hash = hash;
        map->count++;
    }
    slot->value = value;
    return before;
}

void *map_remove(struct map *map, const char *key)
{
    if (!map->count)
        return NULL;
    size_t mask = map->room - 1, hole = find(map, key, hash_key(map, key));
    if (!map->slots[hole].key)
        return NULL;
    void *value = map->slots[hole].value;
    free(map->slots[hole].key);
    map->slots[hole] = (struct map_slot){0};
    map->count--;
    /* Those behind the hole move up where their own place is not after it, so that searches never stop short. */
    for (size_t at = (hole + 1) & mask; map->slots[at].key; at = (at + 1) & mask) {
        size_t home = (size_t)map->slots[at].hash & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        map->slots[hole] = map->slots[at];
        map->slots[at] = (struct map_slot){0};
        hole = at;
    }
    return value;
}

bool map_next(const struct map *map, size_t *at, const char **key, void **value)
{
    for (; *at < map->room; ++*at) {
        const struct map_slot *slot = &map->slots[*at];
        if (!slot->key)
            continue;
        if (key)
            *key = slot->key;
        if (value)
            *value = slot->value;
        ++*at;
        return true;
    }
    return false;
}
