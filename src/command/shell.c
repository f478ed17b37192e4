/* SPDX-License-Identifier: ISC */
/* A call as a person would type it, quoted for a shell: for showing and copying, never for running. */
#include "command/table.h"

#include "berth/base/str.h"
#include "berth/base/text.h"

#include <string.h>

static void add_option(const struct verb_argument *argument, const json_t *value, struct str *out)
{
    if (json_is_true(value)) {
        str_addf(out, " --%s", argument->name);
        return;
    }
    if (json_is_string(value)) {
        str_addf(out, " --%s ", argument->name);
        text_shell_quote(out, json_string_value(value));
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        add_option(argument, json_array_get(value, i), out);
}

static void add_words(const json_t *value, size_t from, struct str *out)
{
    if (json_is_string(value)) {
        str_add_char(out, ' ');
        text_shell_quote(out, json_string_value(value));
    }
    for (size_t i = from; i < json_array_size(value); i++)
        add_words(json_array_get(value, i), 0, out);
}

/* A word that begins with '-' would be read as an option. */
static bool looks_like_option(const char *subject, const json_t *arguments, const struct verb *verb)
{
    if (text_starts(subject, "-"))
        return true;
    for (const struct verb_argument *argument = verb->arguments; argument->name != NULL; argument++) {
        const json_t *value = json_object_get(arguments, argument->name);

        if (!argument->positional)
            continue;
        if (json_is_string(value) && text_starts(json_string_value(value), "-"))
            return true;
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (text_starts(json_string_value(json_array_get(value, i)), "-"))
                return true;
        }
    }
    return false;
}

void call_shell(const struct verb *verb, const char *subject, const json_t *arguments, struct str *out)
{
    bool guarded = looks_like_option(subject, arguments, verb), first = true;

    str_addf(out, "berth %s", verb->name);
    if (guarded) { /* options before "--", words after it */
        for (const struct verb_argument *argument = verb->arguments; argument->name != NULL; argument++) {
            if (!argument->positional)
                add_option(argument, json_object_get(arguments, argument->name), out);
        }
        str_add(out, " --");
    }
    if (!text_empty(subject)) {
        str_add_char(out, ' ');
        text_shell_quote(out, subject);
    }
    for (const struct verb_argument *argument = verb->arguments; argument->name != NULL; argument++) {
        const json_t *value = json_object_get(arguments, argument->name);

        if (argument->positional) /* the first of a repeated subject is the subject */
            add_words(value, first ? 1 : 0, out);
        else if (!guarded)
            add_option(argument, value, out);
        first = first && !argument->positional;
    }
}
