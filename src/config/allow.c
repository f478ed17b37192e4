/* SPDX-License-Identifier: ISC */
/* What an entry's templates may use, and which values inputs and parameters take. */
#include "config/read.h"
#include "config/scalar.h"

#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"

#include <stdlib.h>
#include <string.h>

bool config_allows_executor(const struct config_entry *entry, const char *executor)
{
    if (text_equal(executor, "external") || !entry->allow_present ||
        !node_get(node_get(entry->node, "allow"), "executors"))
        return true;
    for (size_t i = 0; i < entry->allow_executors.count; i++) {
        if (text_glob(entry->allow_executors.items[i], executor))
            return true;
    }
    return false;
}

bool config_allows_secret(const struct config_entry *entry, const char *path)
{
    size_t store = strcspn(path, ".");

    if (!entry->allow_present)
        return entry->tier != TIER_REVIEW && entry->tier != TIER_EPHEMERAL;
    for (size_t i = 0; i < entry->allow_secrets.count; i++) {
        const char *pattern = entry->allow_secrets.items[i];

        if (text_glob(pattern, path) || (strlen(pattern) == store && strncmp(pattern, path, store) == 0))
            return true;
    }
    return false;
}

static bool begins_with(const char *const *words, const char *allowed)
{
    for (; *words != NULL; words++) {
        const size_t length = strcspn(allowed, " ");

        if (strlen(*words) != length || strncmp(*words, allowed, length) != 0)
            return false;
        allowed += length;
        allowed += strspn(allowed, " ");
        if (*allowed == '\0')
            return true;
    }
    return false;
}

bool config_allows_command(const struct config_entry *entry, const char *const *words)
{
    if (!entry->allow_present || !node_get(node_get(entry->node, "allow"), "commands"))
        return true;
    for (size_t i = 0; i < entry->allow_commands.count; i++)
        if (begins_with(words, entry->allow_commands.items[i]))
            return true;
    return false;
}

static bool fits_type(const char *type, const char *value)
{
    long long whole;
    int64_t ms;
    char *end;

    if (text_equal(type, "int"))
        return text_to_int(value, &whole);
    if (text_equal(type, "bool"))
        return text_equal(value, "true") || text_equal(value, "false");
    if (text_equal(type, "number")) {
        (void)strtod(value, &end);
        return *value && !*end && strspn(value, "+-.0123456789eE") == strlen(value);
    }
    if (text_equal(type, "duration"))
        return duration_parse(value, &ms, NULL);
    if (text_equal(type, "time"))
        return instant_parse(value, &ms, NULL);
    if (text_equal(type, "email"))
        return strchr(value, '@') && !strpbrk(value, " \t<>,;\"") && text_is_plain(value, PLAIN_LINE);
    if (text_equal(type, "ref"))
        return *value && *value != '-' && !strpbrk(value, " ~^:?*[\\") && !strstr(value, "..") &&
               text_is_plain(value, PLAIN_LINE);
    return text_is_plain(value, PLAIN_LINES);
}

static bool in_range(const struct config_input *input, const char *value, struct error *error)
{
    double number = strtod(value, NULL);

    if (*input->min && number < strtod(input->min, NULL))
        return error_set(error, ERROR_USAGE, "%s: expected at least %s, found %s", input->name, input->min, value);
    if (*input->max && number > strtod(input->max, NULL))
        return error_set(error, ERROR_USAGE, "%s: expected at most %s, found %s", input->name, input->max, value);
    return true;
}

bool config_input_fits(const struct config_input *input, const char *value, struct error *error)
{
    bool numeric = text_equal(input->type, "int") || text_equal(input->type, "number");

    if (!*value && !input->required && !text_equal(input->type, "bool") && input->values.count == 0)
        return true;
    if (!fits_type(input->type, value))
        return error_set(error, ERROR_USAGE, "%s: expected %s, found \"%.80s\"", input->name, input->type, value);
    if (input->values.count > 0 && !names_have(&input->values, value)) {
        error_set(error, ERROR_USAGE, "%s: \"%.80s\" is not one of its values", input->name, value);
        const char *nearest = text_nearest(value, input->values.items, input->values.count);

        if (nearest)
            error_hint(error, "did you mean \"%s\"?", nearest);
        return false;
    }
    if (numeric && !in_range(input, value, error))
        return false;
    if (*input->pattern && !pattern_fits(input->pattern, value))
        return error_set(error, ERROR_USAGE, "%s: \"%.80s\" does not match %s", input->name, value, input->pattern);
    return true;
}
