/* SPDX-License-Identifier: ISC */
/* The one warning that names all providers which a configuration uses and this version does not have. */
#include "config/check.h"

#include "berth/base/str.h"

#include <string.h>

static const char start[] = "these providers are not in this version of berth yet: ";

static struct problem *find_warning(struct problems *problems, const char *file)
{
    for (size_t i = 0; i < problems->list.count; i++) {
        struct problem *problem = &problems->list.items[i];

        if (problem->warning && text_equal(problem->file, file) && text_starts(problem->message, start))
            return problem;
    }
    return NULL;
}

static bool is_named(const char *list, const char *name)
{
    const char *found = strstr(list, name);

    return found && (found == list || found[-1] == ' ') && strchr(", ", found[strlen(name)]);
}

void warn_unbuilt(struct problems *problems, const char *file, int line, const struct name_list *names)
{
    struct problem *there = find_warning(problems, file);
    struct str message = STR_INIT;

    if (names->count == 0)
        return;
    str_add(&message, there ? there->message : start);
    for (size_t i = 0; i < names->count; i++) {
        if (!is_named(message.data + sizeof(start) - 1, names->items[i]))
            str_addf(&message, "%s%s", message.length > sizeof(start) - 1 ? ", " : "", names->items[i]);
    }
    if (there)
        there->message = arena_strndup(problems->arena, message.data, message.length);
    else
        problem_add(problems, PROBLEM_WARNING, file, line, 1,
                    "what names them is checked and kept, and fails when it is used", "%s", message.data);
    str_release(&message);
}
