/* SPDX-License-Identifier: ISC */
/* Lists of errors and warnings with their positions. */
#include "berth/base/node.h"

#include "berth/base/str.h"

#include <stdlib.h>
#include <string.h>

void problems_init(struct problems *problems, struct arena *arena)
{
    *problems = (struct problems){.arena = arena};
}

void problems_release(struct problems *problems)
{
    if (problems)
        vec_release(&problems->list);
}

bool problem_add(struct problems *problems, enum problem_kind kind, const char *file, int line, int column,
                 const char *hint, const char *format, ...)
{
    bool warning = kind == PROBLEM_WARNING;
    if (warning)
        problems->warnings++;
    else
        problems->errors++;
    if (problems->list.count >= PROBLEMS_LIMIT)
        return false;
    struct str message = STR_INIT;
    va_list arguments;
    va_start(arguments, format);
    str_addv(&message, format, arguments);
    va_end(arguments);
    struct problem problem = {.file = file, .line = line, .column = column, .warning = warning};
    problem.message = arena_strndup(problems->arena, message.data, message.length);
    problem.hint = arena_strdup(problems->arena, hint);
    vec_push(&problems->list, problem);
    str_release(&message);
    return false;
}

static int compare(const struct problem *a, const struct problem *b)
{
    int by_file = strcmp(a->file ? a->file : "", b->file ? b->file : "");
    if (by_file)
        return by_file;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->column > b->column) - (a->column < b->column);
}

/* A merge sort: qsort need not be stable. */
static void sort(struct problem *items, size_t count, struct problem *room)
{
    if (count < 2)
        return;
    size_t half = count / 2, left = 0, right = half, at = 0;
    sort(items, half, room);
    sort(items + half, count - half, room);
    memcpy(room, items, count * sizeof *items);
    while (left < half || right < count) {
        bool take_left = right == count || (left < half && compare(&room[left], &room[right]) <= 0);
        items[at++] = take_left ? room[left++] : room[right++];
    }
}

void problems_sort(struct problems *problems)
{
    struct problem *room = mem_zero(problems->list.count, sizeof *room);
    sort(problems->list.items, problems->list.count, room);
    free(room);
}

bool problems_error(const struct problems *problems, struct error *error)
{
    const struct problem *first = NULL;
    for (size_t i = 0; i < problems->list.count && !first; i++) {
        if (!problems->list.items[i].warning)
            first = &problems->list.items[i];
    }
    if (!first) /* only past the limit, behind warnings */
        return error_set(error, ERROR_CONFIG, "%zu errors were found", problems->errors);
    error_set(error, ERROR_CONFIG, "%s:%d:%d: %s", first->file, first->line, first->column, first->message);
    if (problems->errors > 1) /* after what helps with the first */
        error_hint(error, "%s%s%zu more error%s", first->hint, text_empty(first->hint) ? "" : " ", problems->errors - 1,
                   problems->errors == 2 ? " follows" : "s follow");
    else
        error_hint(error, "%s", first->hint);
    return false;
}
