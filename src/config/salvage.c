/* SPDX-License-Identifier: ISC */
/* A tree without its wrong parts. */
#include "config/salvage.h"

#include "berth/base/str.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS_MOST 6 /* leaving a wrong part out may leave what holds it incomplete, and so on outwards */

static int64_t place(int line, int column)
{
    return (int64_t)line << 32 | column;
}

static int by_place(const void *a, const void *b)
{
    const int64_t *one = a, *other = b;

    return *one < *other ? -1 : *one > *other;
}

static bool holds(const int64_t *places, size_t count, const struct node *node)
{
    int64_t wanted = place(node->line, node->column);

    return count > 0 && bsearch(&wanted, places, count, sizeof wanted, by_place) != NULL;
}

static bool is_bad(const struct salvage *salvage, const struct node *node)
{
    return holds(salvage->bad.items, salvage->bad.count, node);
}

/* A map and its first key have one place: what lacks a key is the map, anything else is the key. */
static bool lacks_a_key(const struct salvage *salvage, const struct node *node)
{
    return node->kind == NODE_MAP && holds(salvage->lacking.items, salvage->lacking.count, node);
}

static void sort(int64_t *places, size_t count)
{
    if (count > 0)
        qsort(places, count, sizeof *places, by_place);
}

/* The places of the errors from number `first` on. False: there is none. */
static bool collect(struct salvage *salvage, const struct problems *problems, size_t first)
{
    salvage->bad.count = salvage->lacking.count = 0;
    for (size_t i = first; i < problems->list.count; i++) {
        const struct problem *problem = &problems->list.items[i];

        if (problem->warning || !text_equal(problem->file, salvage->file))
            continue;
        if (strstr(problem->message, "\" is missing"))
            vec_push(&salvage->lacking, place(problem->line, problem->column));
        else
            vec_push(&salvage->bad, place(problem->line, problem->column));
    }
    sort(salvage->bad.items, salvage->bad.count);
    sort(salvage->lacking.items, salvage->lacking.count);
    return salvage->bad.count + salvage->lacking.count > 0;
}

/* What others may name it by. */
static void lose(struct salvage *salvage, const char *key, const struct node *value)
{
    const struct node *name = value->kind == NODE_MAP ? node_get(value, "name") : NULL;

    if (value->kind == NODE_MAP && key != NULL)
        vec_push(&salvage->lost, key);
    if (name != NULL)
        vec_push(&salvage->lost, name->text);
}

static struct node *without_bad(struct salvage *salvage, struct arena *arena, const struct node *node);

static void keep_pairs(struct salvage *salvage, struct arena *arena, const struct node *node, struct node *kept)
{
    kept->pairs = arena_alloc(arena, (node->count + 1) * sizeof *kept->pairs);
    for (size_t i = 0; i < node->count; i++) {
        const struct node_pair *pair = &node->pairs[i];
        bool is_left_out = is_bad(salvage, pair->key) || lacks_a_key(salvage, pair->value);
        struct node *value = is_left_out ? NULL : without_bad(salvage, arena, pair->value);

        if (value != NULL)
            kept->pairs[kept->count++] = (struct node_pair){pair->key, value};
        else if (pair->value->kind == NODE_MAP)
            lose(salvage, pair->key->text, pair->value);
        else
            vec_push(&salvage->touched, place(node->line, node->column));
    }
}

static void keep_items(struct salvage *salvage, struct arena *arena, const struct node *node, struct node *kept)
{
    kept->items = arena_alloc(arena, (node->count + 1) * sizeof *kept->items);
    for (size_t i = 0; i < node->count; i++) {
        struct node *item = lacks_a_key(salvage, node->items[i]) ? NULL : without_bad(salvage, arena, node->items[i]);

        if (item != NULL)
            kept->items[kept->count++] = item;
        else
            lose(salvage, NULL, node->items[i]);
    }
}

/* NULL: it is wrong itself. */
static struct node *without_bad(struct salvage *salvage, struct arena *arena, const struct node *node)
{
    struct node *kept;

    if (node->kind != NODE_MAP && node->kind != NODE_LIST)
        return is_bad(salvage, node) ? NULL : arena_copy(arena, node, sizeof *node);
    kept = arena_copy(arena, node, sizeof *node);
    kept->count = 0;
    if (node->kind == NODE_MAP)
        keep_pairs(salvage, arena, node, kept);
    else
        keep_items(salvage, arena, node, kept);
    return kept->count == node->count && is_bad(salvage, node) ? NULL : kept;
}

static bool has_all(const struct node *root, const char *const keys[SALVAGE_KEYS])
{
    for (size_t i = 0; keys[i] != NULL; i++) {
        if (node_get(root, keys[i]) == NULL)
            return false;
    }
    return true;
}

/* Whether all that is wrong is that the whole lacks a key. */
static bool only_root_lacks(const struct salvage *salvage)
{
    return salvage->bad.count == 0 && salvage->lacking.count > 0 &&
           salvage->lacking.items[salvage->lacking.count - 1] == salvage->lacking.items[0] &&
           salvage->lacking.items[0] == place(salvage->root->line, salvage->root->column);
}

bool salvage_begin(struct salvage *salvage, const struct check *check, size_t first,
                   const char *const keys[SALVAGE_KEYS])
{
    struct check again = *check;

    *salvage = (struct salvage){.problems = check->problems, .file = check->file};
    problems_init(&salvage->found, check->problems->arena);
    if (check->problems->errors >= PROBLEMS_LIMIT || !collect(salvage, check->problems, first))
        return false;
    for (int round = 0; round < ROUNDS_MOST; round++) {
        struct problems problems;
        bool more;

        salvage->root = without_bad(salvage, check->arena, again.root);
        if (salvage->root == NULL || !has_all(salvage->root, keys))
            return false;
        problems_init(&problems, check->problems->arena);
        again.root = salvage->root;
        again.problems = &problems;
        check_tree(&again);
        more = collect(salvage, &problems, 0);
        problems_release(&problems);
        if (!more || only_root_lacks(salvage))
            return true;
    }
    return false;
}

static bool is_touched(const struct salvage *salvage, const struct problem *problem)
{
    for (size_t i = 0; i < salvage->touched.count; i++) {
        if (salvage->touched.items[i] == place(problem->line, problem->column))
            return true;
    }
    return false;
}

static bool names_lost(const struct salvage *salvage, const struct problem *problem)
{
    for (size_t i = 0; i < salvage->lost.count; i++) {
        if (!text_empty(salvage->lost.items[i]) && strstr(problem->message, salvage->lost.items[i]) != NULL)
            return true;
    }
    return false;
}

void salvage_tell(struct salvage *salvage)
{
    for (size_t i = 0; i < salvage->found.list.count; i++) {
        const struct problem *problem = &salvage->found.list.items[i];

        if (!problem->warning && !is_touched(salvage, problem) && !names_lost(salvage, problem))
            problem_add(salvage->problems, PROBLEM_ERROR, problem->file, problem->line, problem->column, problem->hint,
                        "%s", problem->message);
    }
}

void salvage_release(struct salvage *salvage)
{
    problems_release(&salvage->found);
    vec_release(&salvage->bad);
    vec_release(&salvage->lacking);
    vec_release(&salvage->touched);
    vec_release(&salvage->lost);
}
