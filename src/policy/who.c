/* SPDX-License-Identifier: ISC */
/* Persons, groups and roles: one person under all their identities, groups of groups, the highest role that applies. */
#include "policy/who.h"

#include "berth/base/str.h"
#include "berth/model/record.h"

#include <string.h>
#include <strings.h>

#define GROUP_DEPTH 16 /* groups of groups; a cycle ends here and grants nothing */

bool name_in_list(struct name_list names, const char *name)
{
    for (size_t i = 0; i < names.count; i++) {
        if (text_equal(names.items[i], name))
            return true;
    }
    return false;
}

bool name_fits_list(struct name_list patterns, const char *name)
{
    for (size_t i = 0; i < patterns.count; i++) {
        if (text_glob(patterns.items[i], name))
            return true;
    }
    return false;
}

const char *names_text(struct arena *arena, struct name_list names)
{
    struct str text = STR_INIT;
    const char *copy;

    for (size_t i = 0; i < names.count; i++)
        str_addf(&text, "%s%s", i > 0 ? ", " : "", names.items[i]);
    copy = arena_strdup(arena, text.data);
    str_release(&text);
    return copy;
}

bool maps_nobody(const struct config *config)
{
    return config->person_count == 0 || config->access_count == 0;
}

static bool same_email(struct name_list emails, const char *identity)
{
    for (size_t i = 0; i < emails.count; i++) {
        if (strcasecmp(emails.items[i], identity) == 0)
            return true;
    }
    return false;
}

static bool is_identity_of(const struct config_person *person, const char *identity, const char *login)
{
    if (text_starts(identity, "uid:"))
        return !text_empty(login) && text_equal(person->unix_name, login);
    if (text_starts(identity, "github:"))
        return !text_empty(person->github) && strcasecmp(person->github, identity + strlen("github:")) == 0;
    if (text_starts(identity, "slack:"))
        return !text_empty(person->slack) && text_equal(person->slack, identity + strlen("slack:"));
    if (text_starts(identity, "heroku:"))
        return !text_empty(person->heroku) && strcasecmp(person->heroku, identity + strlen("heroku:")) == 0;
    return strchr(identity, '@') != NULL && same_email(person->email, identity);
}

static bool names_itself(const char *identity)
{
    return text_starts(identity, "token:") || text_starts(identity, "mtls:") || text_starts(identity, "trigger:") ||
           text_equal(identity, "berth");
}

const char *policy_person(const struct config *config, const char *identity, const char *login)
{
    if (text_empty(identity))
        return "";
    if (names_itself(identity))
        return identity;
    for (size_t i = 0; config != NULL && i < config->person_count; i++) {
        if (is_identity_of(&config->people[i], identity, login))
            return config->people[i].name;
    }
    return "";
}

static const struct config_group *group_named(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->group_count; i++) {
        if (text_equal(config->groups[i].name, name))
            return &config->groups[i];
    }
    return NULL;
}

static bool in_group(const struct config *config, const char *person, const char *name, int depth)
{
    const struct config_group *group = group_named(config, name);

    if (group == NULL || depth > GROUP_DEPTH)
        return false;
    if (name_in_list(group->members, person))
        return true;
    for (size_t i = 0; i < group->members.count; i++) {
        if (in_group(config, person, group->members.items[i], depth + 1))
            return true;
    }
    return false;
}

bool policy_in_group(const struct config *config, const char *person, const char *group)
{
    return config != NULL && !text_empty(person) && in_group(config, person, group, 0);
}

bool person_in_list(const struct config *config, const char *person, struct name_list names)
{
    if (text_empty(person))
        return false;
    for (size_t i = 0; i < names.count; i++) {
        if (text_equal(names.items[i], person) || policy_in_group(config, person, names.items[i]))
            return true;
    }
    return false;
}

bool person_is_author(const struct config *config, const char *authors, const char *actor, const char *person)
{
    json_t *list = json_column(authors);
    bool found = false;

    for (size_t i = 0; i < json_array_size(list) && !found; i++) {
        const char *identity = json_string_value(json_array_get(list, i));

        if (text_empty(identity))
            continue;
        found = text_equal(identity, actor) ||
                (!text_empty(person) &&
                 (text_equal(identity, person) || text_equal(policy_person(config, identity, ""), person)));
    }
    json_decref(list);
    return found;
}

static bool has_tag(struct name_list wanted, const json_t *tags)
{
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const char *tag = json_string_value(json_array_get(tags, i));

        if (tag != NULL && name_fits_list(wanted, tag))
            return true;
    }
    return false;
}

static bool access_applies(const struct config_access *access, enum tier tier, const char *environment,
                           const json_t *tags)
{
    if (access->tiers.count > 0 && !name_in_list(access->tiers, word_name(tier_names, (int)tier)))
        return false;
    if (access->environments.count > 0 && !name_fits_list(access->environments, environment))
        return false;
    return access->tags.count == 0 || has_tag(access->tags, tags);
}

enum role policy_role(const struct config *config, const char *person, enum tier tier, const char *environment,
                      const char *tags_json, int *line)
{
    enum role role = ROLE_NONE;
    json_t *tags = json_column(tags_json);

    if (line != NULL)
        *line = 0;
    for (size_t i = 0; config != NULL && i < config->access_count; i++) {
        const struct config_access *access = &config->access[i];

        if (access->role <= role || !person_in_list(config, person, access->who) ||
            !access_applies(access, tier, environment, tags))
            continue;
        role = access->role;
        if (line != NULL)
            *line = access->line;
    }
    json_decref(tags);
    return role;
}
