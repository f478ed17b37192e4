/* SPDX-License-Identifier: ISC */
/* Allocation that aborts, arenas and growing vectors. */
#include "berth/base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_BLOCK_SIZE ((size_t)16 * 1024)
#define ARENA_BLOCK_MAX ((size_t)256 * 1024)

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    max_align_t bytes[];
};

static void BERTH_NORETURN out_of_memory(size_t size)
{
    fprintf(stderr, "out of memory: %zu bytes more were wanted\n", size);
    abort();
}

void *mem_alloc(size_t size)
{
    void *memory = malloc(size ? size : 1);
    if (!memory)
        out_of_memory(size);
    return memory;
}

void *mem_zero(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory)
        out_of_memory(size);
    return memory;
}

void *mem_resize(void *memory, size_t size)
{
    void *resized = realloc(memory, size ? size : 1);
    if (!resized)
        out_of_memory(size);
    return resized;
}

void *mem_copy(const void *memory, size_t size)
{
    void *copy = mem_alloc(size);
    if (size)
        memcpy(copy, memory, size);
    return copy;
}

char *mem_strdup(const char *text)
{
    return mem_copy(text, strlen(text) + 1);
}

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

void arena_release(struct arena *arena)
{
    if (!arena)
        return;
    for (struct arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    arena_init(arena);
}

/* Blocks grow with the arena, so that a small one stays small and a large one needs few of them. */
static struct arena_block *arena_add_block(struct arena *arena, size_t at_least)
{
    size_t size = arena->blocks ? arena->blocks->size * 2 : ARENA_BLOCK_SIZE;
    if (size > ARENA_BLOCK_MAX)
        size = ARENA_BLOCK_MAX;
    if (size < at_least)
        size = at_least;
    if (size > SIZE_MAX - sizeof(struct arena_block))
        out_of_memory(size);
    struct arena_block *block = mem_alloc(sizeof *block + size);
    block->used = 0;
    block->size = size;
    /* An oversized block goes behind the current one, whose rest stays in use. */
    if (arena->blocks && at_least > ARENA_BLOCK_MAX) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    if (size > SIZE_MAX - align)
        out_of_memory(size);
    size_t rounded = (size ? size + align - 1 : align) / align * align;
    struct arena_block *block = arena->blocks;
    if (!block || block->size - block->used < rounded)
        block = arena_add_block(arena, rounded);
    char *memory = (char *)block->bytes + block->used;
    block->used += rounded;
    arena->used_bytes += rounded;
    memset(memory, 0, rounded);
    return memory;
}

void *arena_copy(struct arena *arena, const void *memory, size_t size)
{
    void *copy = arena_alloc(arena, size);
    if (size)
        memcpy(copy, memory, size);
    return copy;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
    BUG_ON(length == SIZE_MAX);
    char *copy = arena_alloc(arena, length + 1);
    if (length)
        memcpy(copy, text, length);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, text ? strlen(text) : 0);
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    BUG_ON(length < 0);
    char *text = arena_alloc(arena, (size_t)length + 1);
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

void *vec_grow(void *items, size_t count, size_t *room, size_t item_size)
{
    if (count < *room)
        return items;
    size_t wanted = *room ? *room * 2 : 8;
    if (wanted < *room || wanted > SIZE_MAX / item_size)
        out_of_memory(wanted);
    *room = wanted;
    return mem_resize(items, wanted * item_size);
}

void vec_free(void *items)
{
    free(items);
}
