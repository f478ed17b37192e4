/* SPDX-License-Identifier: ISC */
/* Checks the arguments of a call, wherever they came from: types, choices, what is required, what is unknown. */
#include "command/table.h"

#include "berth/base/str.h"
#include "berth/base/text.h"
#include "berth/base/time.h"

#include <string.h>

#define ARGUMENT_LIMIT 4096u /* bytes of one argument */
#define DIGEST_SHORTEST 8
#define DIGEST_LONGEST 64

static bool digits_at(const char *text, size_t count)
{
    return count > 0 && strspn(text, "0123456789") >= count;
}

static bool is_digest(const char *text)
{
    size_t length = strlen(text);

    return length >= DIGEST_SHORTEST && length <= DIGEST_LONGEST && strspn(text, "0123456789abcdef") == length;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);

    while (choices != NULL) {
        const char *end = strchr(choices, '|');
        size_t size = end != NULL ? (size_t)(end - choices) : strlen(choices);

        if (size == length && strncmp(choices, text, length) == 0)
            return true;
        choices = end != NULL ? end + 1 : NULL;
    }
    return false;
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return true;
    }
    return false;
}

/* Any instant, or how long from now: "2h". */
static bool check_instant(const char *text, struct error *error)
{
    int64_t at;

    return duration_parse(text, &at, NULL) || instant_parse(text, &at, error);
}

static bool check_shape(const struct verb_argument *argument, const char *text, struct error *error)
{
    const char *dot = strchr(text, '.');
    long long number;
    int64_t ms;
    struct cron *cron;

    switch (argument->type) {
    case ARGUMENT_RUN_STEP:
        return digits_at(text, dot != NULL ? (size_t)(dot - text) : strlen(text)) ||
               error_set(error, ERROR_USAGE, "\"%s\" is no run: expected a number, or NUMBER.STEP", text);
    case ARGUMENT_DURATION: return duration_parse(text, &ms, error);
    case ARGUMENT_INSTANT: return check_instant(text, error);
    case ARGUMENT_PAIR:
        return (strchr(text, '=') != NULL && *text != '=') ||
               error_set(error, ERROR_USAGE, "\"%s\" is no pair: expected key=value", text);
    case ARGUMENT_NUMBER:
        return (text_to_int(text, &number) && number >= 0) ||
               error_set(error, ERROR_USAGE, "\"%s\" is no number", text);
    case ARGUMENT_CHOICE:
        return is_choice(argument->choices, text) ||
               error_set(error, ERROR_USAGE, "\"%s\" is none of %s", text, argument->choices);
    case ARGUMENT_CRON:
        cron = cron_parse(text, error);
        cron_free(cron);
        return cron != NULL;
    case ARGUMENT_TIER:
        return text_equal(text, "all") || word_value(tier_names, text) > TIER_NONE ||
               error_set(error, ERROR_USAGE,
                         "\"%s\" is no tier: expected local, review, ephemeral, dev, test, staging, prod or all", text);
    case ARGUMENT_DIGEST:
        return is_digest(text) || error_set(error, ERROR_USAGE, "\"%s\" is no digest: expected at least %d hex digits",
                                            text, DIGEST_SHORTEST);
    case ARGUMENT_TEXT:
    case ARGUMENT_ENVIRONMENT:
    case ARGUMENT_BRANCH_OR_ENVIRONMENT:
    case ARGUMENT_RUN:
    case ARGUMENT_REF:
    case ARGUMENT_FLAG:
    case ARGUMENT_REST: break;
    }
    return true;
}

static bool check_text(const struct verb_argument *argument, const char *text, struct error *error)
{
    if (strlen(text) > ARGUMENT_LIMIT)
        return error_set(error, ERROR_USAGE, "%s is longer than %u bytes", argument->name, ARGUMENT_LIMIT);
    if (argument->type != ARGUMENT_TEXT && *text == '\0')
        return error_set(error, ERROR_USAGE, "%s is empty", argument->name);
    if (argument->type != ARGUMENT_TEXT && argument->type != ARGUMENT_PAIR && has_control(text))
        return error_set(error, ERROR_USAGE, "%s holds control characters", argument->name);
    if (check_shape(argument, text, error))
        return true;
    if (error != NULL)
        error->code = ERROR_USAGE;
    return error_context(error, "%s%s is wrong", argument->positional ? "" : "--", argument->name);
}

static bool check_value(const struct verb_argument *argument, const json_t *value, struct error *error)
{
    if (argument->repeated) {
        if (!json_is_array(value) || json_array_size(value) == 0)
            return error_set(error, ERROR_USAGE, "%s must be a list", argument->name);
        for (size_t i = 0; i < json_array_size(value); i++) {
            const json_t *item = json_array_get(value, i);

            if (!json_is_string(item))
                return error_set(error, ERROR_USAGE, "%s must be a list of texts", argument->name);
            if (!check_text(argument, json_string_value(item), error))
                return false;
        }
        return true;
    }
    if (argument->type == ARGUMENT_FLAG)
        return json_is_boolean(value) || error_set(error, ERROR_USAGE, "%s is yes or no", argument->name);
    if (!json_is_string(value))
        return error_set(error, ERROR_USAGE, "%s must be a text", argument->name);
    return check_text(argument, json_string_value(value), error);
}

static const struct verb_argument *known_argument(const struct verb *verb, const char *name)
{
    const struct verb_argument *argument = verb_argument_named(verb, name);

    if (argument != NULL)
        return argument;
    for (argument = shared_arguments(); argument->name != NULL; argument++) {
        if (argument->type != ARGUMENT_FLAG && text_equal(argument->name, name) && has_shared(verb, argument))
            return argument;
    }
    return NULL;
}

bool call_check(const struct verb *verb, const char *subject, const json_t *arguments, struct error *error)
{
    const struct verb_argument *first = NULL;
    const char *name;
    json_t *value;

    for (const struct verb_argument *argument = verb->arguments; argument->name != NULL; argument++) {
        bool is_subject = argument->positional && first == NULL;

        if (is_subject)
            first = argument;
        if (argument->required &&
            (is_subject ? text_empty(subject) : json_object_get(arguments, argument->name) == NULL)) {
            error_set(error, ERROR_USAGE, "%s needs %s%s", verb->name, argument->positional ? "" : "--",
                      argument->name);
            return error_hint(error, "%s", argument->help);
        }
    }
    if (!text_empty(subject)) {
        if (first == NULL)
            return error_set(error, ERROR_USAGE, "%s takes no \"%s\"", verb->name, subject);
        if (!check_text(first, subject, error))
            return false;
    }
    json_object_foreach((json_t *)arguments, name, value)
    {
        const struct verb_argument *argument = known_argument(verb, name);

        if (argument == NULL)
            return error_set(error, ERROR_USAGE, "%s has no argument %s", verb->name, name);
        if (!check_value(argument, value, error))
            return false;
    }
    return true;
}
