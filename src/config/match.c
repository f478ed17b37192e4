/* SPDX-License-Identifier: ISC */
/* Which entries a branch belongs to, and which entry an environment's name comes from. */
#include "config/cross.h"
#include "config/expression.h"
#include "config/read.h"

#include "berth/base/str.h"
#include "berth/base/text.h"
#include "berth/model/environment.h"

#include <jansson.h>
#include <string.h>

#define SLUG_LIMIT 63 /* of an environment whose entry is gone: as where an entry says nothing */

static bool branch_fits(const struct name_list *patterns, const char *branch)
{
    bool fits = false;

    for (size_t i = 0; i < patterns->count; i++) {
        const char *pattern = patterns->items[i];

        if (*pattern == '!' && fits && text_glob(pattern + 1, branch))
            fits = false;
        else if (*pattern != '!' && !fits && text_glob(pattern, branch))
            fits = true;
    }
    return fits;
}

bool config_entry_takes(const struct config_entry *entry, const char *repository, const char *branch)
{
    return (entry->sources & (1u << SOURCE_BRANCHES)) && text_equal(entry->repository, repository) &&
           branch_fits(&entry->branches, branch);
}

size_t config_match_branch(const struct config *config, const char *repository, const char *branch,
                           const struct config_entry **entries, size_t room)
{
    size_t used = 0;

    for (size_t i = 0; i < config->environment_count && used < room; i++) {
        const struct config_entry *entry = &config->environments[i];

        if (config_entry_takes(entry, repository, branch))
            entries[used++] = entry;
    }
    return used;
}

/* Whether pieces from `at` on can give `name`: literal text must be there, an expression may give any text but none. */
static bool pieces_fit(const struct expression *expression, const char *name)
{
    const char *rest = name;
    bool open = false; /* an expression stands before the next literal */

    for (size_t i = 0; i < expression->count; i++) {
        const char *literal = expression->pieces[i].text;
        const char *found;

        if (!literal) {
            open = true;
            continue;
        }
        if (!*literal)
            continue;
        if (!open) {
            if (strncmp(rest, literal, strlen(literal)) != 0)
                return false;
            rest += strlen(literal);
            continue;
        }
        if (i + 1 == expression->count)
            return strlen(rest) > strlen(literal) && text_ends(rest, literal);
        found = *rest ? strstr(rest + 1, literal) : NULL;
        if (!found)
            return false;
        rest = found + strlen(literal);
        open = false;
    }
    return open ? *rest != '\0' : *rest == '\0';
}

/* How much of the name is written out: of two patterns that fit, the one that says more is meant. */
static size_t literal_length(const struct expression *expression)
{
    size_t length = 0;

    for (size_t i = 0; i < expression->count; i++)
        length += expression->pieces[i].text ? strlen(expression->pieces[i].text) : 0;
    return length;
}

const struct config_entry *config_entry_for_name(const struct config *config, const char *environment_name)
{
    const struct config_entry *best = NULL;

    for (size_t i = 0; i < config->environment_count; i++) {
        const struct config_entry *entry = &config->environments[i];

        if (text_equal(entry->name, environment_name))
            return entry;
        if (!pieces_fit(entry->name_expression, environment_name))
            continue;
        if (!best || literal_length(entry->name_expression) > literal_length(best->name_expression))
            best = entry;
    }
    return best;
}

const struct config_entry *config_entry_of(const struct config *config, const struct environment *environment,
                                           const char *environment_name)
{
    if (environment != NULL)
        return config_entry_named(config, environment->entry);
    return text_empty(environment_name) ? NULL : config_entry_for_name(config, environment_name);
}

bool config_left_behind(const struct config *config, const struct environment *environment)
{
    return config != NULL && environment->status != ENVIRONMENT_DESTROYED &&
           config_entry_of(config, environment, NULL) == NULL;
}

void config_left_behind_say(const struct environment *environment, struct str *out)
{
    str_addf(out, "no entry of berth.yaml makes it any more (%s did): nothing deploys or extends it, ",
             text_empty(environment->entry) ? "one that it does not name" : environment->entry);
    if (environment->permanent || environment->is_protected || environment_ends_at(environment) == 0)
        str_add(out, "nothing ends it by itself");
    else
        str_add(out, "only the life that it has ends it");
}

bool config_name_means_branch(const struct config *config, const char *repository, const char *branch)
{
    const struct config_entry *entry = config_entry_for_name(config, branch), *taker;

    if (entry == NULL)
        return true;
    return !text_equal(entry->name, branch) && config_match_branch(config, repository, branch, &taker, 1) > 0;
}

bool name_pattern_fits(const struct config_entry *entry, const char *name)
{
    return pieces_fit(entry->name_expression, name);
}

size_t config_entry_slug_limit(const struct config_entry *entry)
{
    return entry && entry->slug_max > 0 ? (size_t)entry->slug_max : SLUG_LIMIT;
}

void config_entry_slug(const struct config_entry *entry, const char *name, struct str *out)
{
    text_slug(out, name, config_entry_slug_limit(entry));
}

void config_entry_set_branch(const struct config_entry *entry, const char *branch, struct scope *scope)
{
    struct str slug = STR_INIT;

    config_entry_slug(entry, branch, &slug);
    scope_set(scope, "branch.name", branch);
    scope_set(scope, "branch.slug", slug.data);
    str_release(&slug);
}

bool config_entry_expand_name(const struct config *config, const struct config_entry *entry, const struct scope *scope,
                              struct str *out, struct problems *problems)
{
    return expand_text(scope, config->file, node_get(entry->node, "name"), out, problems);
}

const char *config_entry_branch_name(const struct config *config, const struct config_entry *entry, const char *branch,
                                     const json_t *inputs, struct arena *arena)
{
    struct scope *scope = scope_new();
    struct problems problems;
    struct str name = STR_INIT;
    const char *key, *result = "";
    json_t *value;

    problems_init(&problems, arena);
    config_entry_set_branch(entry, branch, scope);
    json_object_foreach((json_t *)(uintptr_t)inputs, key, value)
    {
        if (json_is_string(value))
            scope_set(scope, arena_printf(arena, "input.%s", key), json_string_value(value));
    }
    if (config_entry_expand_name(config, entry, scope, &name, &problems))
        result = arena_strdup(arena, name.data);
    str_release(&name);
    problems_release(&problems);
    scope_free(scope);
    return result;
}
