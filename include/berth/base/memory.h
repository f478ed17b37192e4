/* SPDX-License-Identifier: ISC */
/*
 * Memory: allocation that aborts, arenas, growing vectors and a string map. Out of memory aborts the process:
 * state is in the store and processes restart; every buffer that the outside can fill has a limit of its own.
 */
#ifndef BERTH_BASE_MEMORY_H
#define BERTH_BASE_MEMORY_H

#include "berth/base/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* As malloc, calloc, realloc and strdup; never NULL (size 0 gives one byte). The caller frees. */
void *mem_alloc(size_t size) BERTH_MUST_CHECK;
void *mem_zero(size_t count, size_t size) BERTH_MUST_CHECK;
void *mem_resize(void *memory, size_t size) BERTH_MUST_CHECK;
void *mem_copy(const void *memory, size_t size) BERTH_MUST_CHECK;
char *mem_strdup(const char *text) BERTH_MUST_CHECK;

/* --- arena: many small objects that die together ---------------------------------------------------------- */

struct arena_block;
/* zero-initialised is empty and usable */
struct arena {
    struct arena_block *blocks;
    size_t used_bytes; /* handed out so far, for accounting */
};
void arena_init(struct arena *arena);
/* Frees everything; the arena is empty and usable again. */
void arena_release(struct arena *arena);
/* Zeroed, aligned for any type; lives until arena_release. */
void *arena_alloc(struct arena *arena, size_t size) BERTH_MUST_CHECK;
/* A copy; NULL gives "". */
char *arena_strdup(struct arena *arena, const char *text) BERTH_MUST_CHECK;
char *arena_strndup(struct arena *arena, const char *text, size_t length) BERTH_MUST_CHECK;
void *arena_copy(struct arena *arena, const void *memory, size_t size) BERTH_MUST_CHECK;
char *arena_printf(struct arena *arena, const char *format, ...) BERTH_PRINTF(2, 3) BERTH_MUST_CHECK;

/* --- vector: VEC(struct thing) things = {0}; vec_push(&things, thing); … vec_release(&things) ------------------ */

#define VEC(type)           \
    struct {                \
        type *items;        \
        size_t count, room; \
    }
/* Makes room for one more and puts `item` (an expression of the item type) at the end. */
#define vec_push(vec, item)                                                                      \
    do {                                                                                         \
        (vec)->items = vec_grow((vec)->items, (vec)->count, &(vec)->room, sizeof *(vec)->items); \
        (vec)->items[(vec)->count++] = (item);                                                   \
    } while (0)
#define vec_clear(vec) ((void)((vec)->count = 0))
#define vec_release(vec)                \
    do {                                \
        vec_free((vec)->items);         \
        (vec)->items = NULL;            \
        (vec)->count = (vec)->room = 0; \
    } while (0)
/* For the macros. */
void *vec_grow(void *items, size_t count, size_t *room, size_t item_size) BERTH_MUST_CHECK;
void vec_free(void *items);

/* --- map: text key to pointer ----------------------------------------------------------------------------- */

struct map_slot;
/* zero-initialised is empty and usable; keys are copied, values borrowed */
struct map {
    struct map_slot *slots;
    size_t count, room;
};
void map_release(struct map *map);
/* The value, or NULL. */
void *map_get(const struct map *map, const char *key);
/* Sets, replaces; returns the value that was there before, or NULL. */
void *map_set(struct map *map, const char *key, void *value);
/* Takes out; returns the value that was there, or NULL. */
void *map_remove(struct map *map, const char *key);
/* Walks in no particular order: `size_t at = 0; while (map_next(map, &at, &key, &value))`. Do not change it meanwhile. */
bool map_next(const struct map *map, size_t *at, const char **key, void **value);

#endif
