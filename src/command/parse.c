/* SPDX-License-Identifier: ISC */
/* Parses a command line into a call of a verb; what is misspelt gets "did you mean". */
#include "command/table.h"

#include "berth/base/str.h"
#include "berth/base/text.h"

#include <string.h>

#define OPTIONS_MOST (VERB_ARGUMENTS + 16)

struct parser {
    struct call *call;
    struct arena *arena;
    struct error *error;
    size_t positionals; /* seen so far */
    bool plain;         /* after "--" */
};

static bool usage_error(const struct verb *verb, struct error *error)
{
    struct str line = STR_INIT;

    verb_usage(verb, &line);
    error_hint(error, "%s%s%s", error != NULL ? error->hint : "", error != NULL && error->hint[0] != '\0' ? "; " : "",
               line.data);
    str_release(&line);
    return false;
}

static const struct verb_argument *option_named(const struct verb *verb, const char *name, size_t length)
{
    for (const struct verb_argument *argument = verb->arguments; argument->name != NULL; argument++) {
        if (!argument->positional && strlen(argument->name) == length && strncmp(argument->name, name, length) == 0)
            return argument;
    }
    for (const struct verb_argument *argument = shared_arguments(); argument->name != NULL; argument++) {
        if (has_shared(verb, argument) && strlen(argument->name) == length &&
            strncmp(argument->name, name, length) == 0)
            return argument;
    }
    return NULL;
}

static const struct verb_argument *option_lettered(const struct verb *verb, char letter)
{
    for (const struct verb_argument *argument = verb->arguments; argument->name != NULL; argument++) {
        if (!argument->positional && argument->letter == letter)
            return argument;
    }
    for (const struct verb_argument *argument = shared_arguments(); argument->name != NULL; argument++) {
        if (has_shared(verb, argument) && argument->letter == letter)
            return argument;
    }
    return NULL;
}

static bool unknown_option(const struct parser *parser, const char *text, size_t length)
{
    const struct verb *verb = parser->call->verb;
    const char *names[OPTIONS_MOST];
    size_t count = 0;
    const char *word = arena_strndup(parser->arena, text, length), *nearest;

    for (const struct verb_argument *argument = verb->arguments; argument->name != NULL; argument++) {
        if (!argument->positional && count < OPTIONS_MOST)
            names[count++] = argument->name;
    }
    for (const struct verb_argument *argument = shared_arguments(); argument->name != NULL; argument++) {
        if (has_shared(verb, argument) && count < OPTIONS_MOST)
            names[count++] = argument->name;
    }
    nearest = text_nearest(word, names, count);
    error_set(parser->error, ERROR_USAGE, "%s has no option %s%s", verb->name, length == 1 ? "-" : "--", word);
    if (nearest != NULL)
        error_hint(parser->error, "did you mean --%s?", nearest);
    return usage_error(verb, parser->error);
}

static void take_flag(struct call *call, const struct verb_argument *argument)
{
    if (text_equal(argument->name, "json"))
        call->json = true;
    else if (text_equal(argument->name, "wait"))
        call->wait = true;
    else if (text_equal(argument->name, "dry-run"))
        call->dry_run = true;
    else if (text_equal(argument->name, "help"))
        call->help = true;
    else if (text_equal(argument->name, "verbose"))
        call->verbose++;
    else
        json_object_set_new(call->arguments, argument->name, json_true());
}

static bool take_value(const struct parser *parser, const struct verb_argument *argument, const char *text)
{
    struct call *call = parser->call;
    json_t *value = json_string(text), *list;

    if (value == NULL) {
        error_set(parser->error, ERROR_USAGE, "%s is not valid UTF-8", argument->name);
        return usage_error(call->verb, parser->error);
    }
    if (!argument->repeated && json_object_get(call->arguments, argument->name) != NULL) {
        json_decref(value);
        error_set(parser->error, ERROR_USAGE, "%s%s was given twice", argument->positional ? "" : "--", argument->name);
        return usage_error(call->verb, parser->error);
    }
    if (!argument->repeated) {
        json_object_set_new(call->arguments, argument->name, value);
        return true;
    }
    list = json_object_get(call->arguments, argument->name);
    if (list == NULL) {
        list = json_array();
        json_object_set_new(call->arguments, argument->name, list);
    }
    json_array_append_new(list, value);
    return true;
}

static bool take_positional(struct parser *parser, const char *text)
{
    struct call *call = parser->call;
    const struct verb_argument *argument = call->verb->arguments;
    const struct verb_argument *last = NULL;
    size_t index = parser->positionals;

    for (; argument->name != NULL; argument++) {
        if (!argument->positional)
            continue;
        last = argument;
        if (index-- == 0)
            break;
    }
    if (argument->name == NULL)
        argument = last != NULL && last->repeated ? last : NULL;
    if (argument == NULL) {
        error_set(parser->error, ERROR_USAGE, "%s takes no \"%s\"", call->verb->name, text);
        return usage_error(call->verb, parser->error);
    }
    if (parser->positionals++ == 0) {
        call->subject = arena_strdup(parser->arena, text);
        if (!argument->repeated)
            return true;
    }
    return take_value(parser, argument, text);
}

/* One word that starts with '-'; `next` is the word after it. `*used` says how many words were taken. */
static bool take_option(struct parser *parser, const char *word, const char *next, int *used)
{
    const bool lettered = word[1] != '-';
    const char *name = word + (lettered ? 1 : 2), *equals = strchr(name, '=');
    size_t length = lettered ? 1 : equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct verb_argument *argument =
        lettered ? option_lettered(parser->call->verb, *name) : option_named(parser->call->verb, name, length);
    const char *value = lettered ? (name[1] != '\0' ? name + 1 : NULL) : equals != NULL ? equals + 1 : NULL;

    *used = 1;
    if (argument == NULL)
        return unknown_option(parser, name, length);
    if (argument->type == ARGUMENT_FLAG) {
        take_flag(parser->call, argument);
        if (lettered && value != NULL) { /* -vv, -fv */
            const char *rest = arena_printf(parser->arena, "-%s", value);

            return take_option(parser, rest, NULL, used);
        }
        if (value == NULL)
            return true;
        error_set(parser->error, ERROR_USAGE, "--%s takes no value", argument->name);
        return usage_error(parser->call->verb, parser->error);
    }
    if (value == NULL) {
        if (next == NULL) {
            error_set(parser->error, ERROR_USAGE, "--%s needs a value", argument->name);
            return usage_error(parser->call->verb, parser->error);
        }
        value = next;
        *used = 2;
    }
    return take_value(parser, argument, value);
}

bool verb_unknown(const char *word, struct error *error)
{
    const char **names = mem_alloc(verb_table.count * sizeof *names);
    const char *nearest;

    for (size_t i = 0; i < verb_table.count; i++)
        names[i] = verb_table.verbs[i].name;
    nearest = text_nearest(word, names, verb_table.count);
    error_set(error, ERROR_USAGE, "berth has no verb \"%s\"", word);
    if (nearest != NULL)
        error_hint(error, "did you mean \"%s\"? berth help lists all", nearest);
    else
        error_hint(error, "berth help lists all verbs");
    vec_free(names);
    return false;
}

/* Commands are stored and sent as JSON, which holds nothing else. */
static bool words_are_text(int argc, char **argv, struct error *error)
{
    for (int i = 1; i < argc; i++) {
        if (!text_valid(argv[i], strlen(argv[i]))) {
            error_set(error, ERROR_USAGE, "the word %d after %s is not UTF-8", i, argv[0]);
            return error_hint(error, "a branch whose name is not UTF-8 has to be renamed: git branch -m OLD NEW");
        }
    }
    return true;
}

bool call_parse(int argc, char **argv, struct arena *arena, struct call *call, struct error *error)
{
    struct parser parser = {.call = call, .arena = arena, .error = error};

    *call = (struct call){.subject = ""};
    if (argc < 1)
        return error_set(error, ERROR_USAGE, "no verb");
    call->verb = verb_named(argv[0]);
    if (call->verb == NULL)
        return verb_unknown(argv[0], error);
    call->arguments = json_object();
    if (!words_are_text(argc, argv, error))
        goto failed;
    for (int i = 1, used = 1; i < argc; i += used) {
        const char *word = argv[i];

        used = 1;
        if (!parser.plain && text_equal(word, "--")) {
            parser.plain = true;
            continue;
        }
        if (parser.plain || word[0] != '-' || word[1] == '\0') {
            if (!take_positional(&parser, word))
                goto failed;
        } else if (!take_option(&parser, word, i + 1 < argc ? argv[i + 1] : NULL, &used)) {
            goto failed;
        }
    }
    if (call->help || call_check(call->verb, call->subject, call->arguments, error))
        return true;
    usage_error(call->verb, error);
failed:
    json_decref(call->arguments);
    call->arguments = NULL;
    return false;
}
