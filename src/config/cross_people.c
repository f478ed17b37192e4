/* SPDX-License-Identifier: ISC */
/* Access rules that name nobody, groups without members, gates that somebody can never pass. */
#include "config/cross.h"
#include "config/read.h"

#include "berth/base/str.h"

#include <string.h>

/* Who a list of members stands for. */
struct crowd {
    struct map persons;  /* by name */
    struct map with_uid; /* those of them with a login name here */
    bool foreign;        /* also members that only a forge knows */
};

static void add_person(struct crowd *crowd, const struct cross *cross, const char *name)
{
    const struct config_person *person = map_get(&cross->people, name);

    if (strchr(name, ':'))
        crowd->foreign = true;
    if (!person)
        return;
    map_set(&crowd->persons, name, crowd);
    if (*person->unix_name)
        map_set(&crowd->with_uid, person->unix_name, crowd);
}

static void add_members(struct crowd *crowd, const struct cross *cross, const struct name_list *names)
{
    for (size_t i = 0; i < names->count; i++) {
        const struct config_group *group = map_get(&cross->groups, names->items[i]);

        add_person(crowd, cross, names->items[i]);
        for (size_t m = 0; group && m < group->members.count; m++)
            add_person(crowd, cross, group->members.items[m]);
    }
}

static void crowd_release(struct crowd *crowd)
{
    map_release(&crowd->persons);
    map_release(&crowd->with_uid);
}

static void check_access(struct cross *cross)
{
    for (size_t i = 0; i < cross->config->access_count; i++) {
        const struct config_access *access = &cross->config->access[i];
        struct crowd crowd = {0};

        add_members(&crowd, cross, &access->who);
        if (!crowd.foreign && crowd.persons.count == 0)
            cross_warning(cross, access->line, "name a group, a person, token:NAME or mtls:IDENTITY",
                          "this access rule names nobody");
        crowd_release(&crowd);
        for (size_t n = 0; n < access->environments.count; n++) {
            const char *pattern = access->environments.items[n];

            if (!strpbrk(pattern, "*?") && !config_entry_for_name(cross->config, pattern))
                cross_warning(cross, access->line, "",
                              "this access rule names the environment \"%s\", which no entry yields", pattern);
        }
    }
}

/* Everybody whose role may answer a gate: where `by` is empty. */
static void add_approvers(struct crowd *crowd, const struct cross *cross)
{
    for (size_t i = 0; i < cross->config->access_count; i++) {
        if (cross->config->access[i].role >= ROLE_APPROVER)
            add_members(crowd, cross, &cross->config->access[i].who);
    }
}

static void check_gate(struct cross *cross, const struct config_entry *entry)
{
    const struct config_gate *gate = &entry->gate;
    struct crowd crowd = {0};
    size_t needed = (size_t)gate->approvals, persons, uids;

    add_members(&crowd, cross, &gate->by);
    if (gate->by.count == 0)
        add_approvers(&crowd, cross);
    persons = crowd.persons.count;
    uids = crowd.with_uid.count;
    if (crowd.foreign || (gate->by.count == 0 && persons == 0)) {
        crowd_release(&crowd);
        return; /* who they are is known only elsewhere, or to the owner of the store */
    }
    if (persons < needed)
        cross_warning(cross, gate->line, "add persons to the group, or ask for fewer approvals",
                      "the gate of \"%s\" can never be passed: it needs %zu approvals, and %zu of people may give one",
                      entry->name, needed, persons);
    else if (gate->not_author && persons < needed + 1)
        cross_warning(
            cross, gate->line, "add persons to the group",
            "the gate of \"%s\" can never be passed for a change by one of its own people: %zu approvals that "
            "are not the author's, and there are %zu of them",
            entry->name, needed, persons);
    else if (uids < needed)
        cross_warning(cross, gate->line, "add unix: to the people",
                      "the gate of \"%s\" can never be passed without a server: %zu approvals count by login name, and "
                      "%zu of its people have one",
                      entry->name, needed, uids);
    crowd_release(&crowd);
}

static bool names_group(const struct name_list *names, const char *group)
{
    for (size_t i = 0; i < names->count; i++) {
        if (text_equal(names->items[i], group))
            return true;
    }
    return false;
}

/* A group or person that no rule, gate or group names is granted nothing. */
static bool is_used(const struct cross *cross, const char *name)
{
    const struct config *config = cross->config;
    bool used = false;

    for (size_t i = 0; i < config->access_count; i++)
        used |= names_group(&config->access[i].who, name);
    for (size_t i = 0; i < config->environment_count; i++)
        used |= names_group(&config->environments[i].gate.by, name) ||
                names_group(&config->environments[i].break_glass_by, name);
    for (size_t i = 0; i < config->group_count; i++)
        used |= names_group(&config->groups[i].members, name);
    return used;
}

static void check_unused(struct cross *cross)
{
    const struct config *config = cross->config;

    if (config->access_count == 0) /* without rules nobody is granted anything by a group either */
        return;
    for (size_t i = 0; i < config->group_count; i++) {
        if (!is_used(cross, config->groups[i].name))
            cross_warning(cross, config->groups[i].line, "name it in access:, or in by: of a gate; or take it out",
                          "nothing names the group \"%s\"", config->groups[i].name);
    }
    for (size_t i = 0; i < config->person_count; i++) {
        if (!is_used(cross, config->people[i].name))
            cross_warning(cross, config->people[i].line, "name them in a group or in access:",
                          "nothing names the person \"%s\", who may look and nothing else", config->people[i].name);
    }
}

void cross_people(struct cross *cross)
{
    check_access(cross);
    check_unused(cross);
    for (size_t i = 0; i < cross->config->group_count; i++) {
        if (cross->config->groups[i].members.count == 0)
            cross_warning(cross, cross->config->groups[i].line, "", "the group \"%s\" has no members",
                          cross->config->groups[i].name);
    }
    for (size_t i = 0; i < cross->config->environment_count; i++) {
        if (cross->config->environments[i].gate.present && cross->config->environments[i].gate.approvals > 0)
            check_gate(cross, &cross->config->environments[i]);
    }
}
