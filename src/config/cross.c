/* SPDX-License-Identifier: ISC */
/* What only several keys together show: lives and ends that contradict each other, freezes, images. */
#include "config/cross.h"
#include "config/check.h"
#include "config/expression.h"
#include "config/template.h"

#include "berth/base/str.h"

#include <string.h>

bool cross_error(struct cross *cross, const struct node *at, const char *hint, const char *format, ...)
{
    struct str message = STR_INIT;
    va_list arguments;

    va_start(arguments, format);
    str_addv(&message, format, arguments);
    va_end(arguments);
    problem_add(cross->problems, PROBLEM_ERROR, cross->file, at->line, at->column, hint, "%s", message.data);
    str_release(&message);
    return false;
}

bool cross_warning(struct cross *cross, int line, const char *hint, const char *format, ...)
{
    struct str message = STR_INIT;
    va_list arguments;

    va_start(arguments, format);
    str_addv(&message, format, arguments);
    va_end(arguments);
    problem_add(cross->problems, PROBLEM_WARNING, cross->file, line, 1, hint, "%s", message.data);
    str_release(&message);
    return false;
}

const struct node *entry_at(const struct config_entry *entry, const char *key)
{
    const struct node *node = entry->node;
    char step[64];

    while (*key) {
        size_t length = strcspn(key, ".");
        const struct node *inner;

        memcpy(step, key, length);
        step[length] = '\0';
        inner = node_get(node, step);
        if (!inner)
            break;
        node = inner;
        key += length + (key[length] == '.');
    }
    return node;
}

static void check_life(struct cross *cross, const struct config_entry *entry)
{
    if (entry->ttl_max_ms && entry->ttl_default_ms > entry->ttl_max_ms)
        cross_error(cross, entry_at(entry, "ttl.default"), "", "ttl of \"%s\": default is longer than max",
                    entry->name);
    if (!entry->permanent)
        return;
    if (entry->ttl_default_ms)
        cross_error(cross, entry_at(entry, "ttl"), "take one of the two out",
                    "\"%s\" is permanent and cannot have a ttl", entry->name);
    if (entry->destroy_with_branch)
        cross_error(cross, entry_at(entry, "destroy_with_branch"), "take one of the two out",
                    "\"%s\" is permanent and cannot go with its branch", entry->name);
    if (entry->on_failure == ANSWER_DESTROY)
        cross_error(cross, entry_at(entry, "on_failure"), "hold or rollback",
                    "\"%s\" is permanent and cannot be destroyed on failure", entry->name);
}

static void check_image(struct cross *cross, const struct config_entry *entry)
{
    const struct node *image = node_get(node_get(entry->node, "require"), "image");
    char registry[64];
    size_t length;

    if (!image)
        return;
    length = strcspn(image->text, "/:");
    if (length >= sizeof(registry) || !image->text[length])
        length = sizeof(registry) - 1;
    text_copy(registry, length + 1, image->text);
    if (!config_section_named(&cross->config->registries, registry))
        cross_error(cross, image, "", "image of \"%s\": there is no \"%s\" in registries", entry->name, registry);
}

static void check_freezes(struct cross *cross)
{
    const struct node *list = node_get(cross->config->root, "freezes");

    for (size_t i = 0; i < cross->config->freeze_count; i++) {
        if (cross->config->freezes[i].until <= cross->config->freezes[i].from)
            cross_error(cross, node_get(list->items[i], "to"), "", "the freeze \"%s\" ends before it begins",
                        cross->config->freezes[i].name);
    }
}

static void check_repository(struct cross *cross, const struct config_entry *entry)
{
    if (cross->config->repositories.count > 1 && !node_get(entry->node, "repository"))
        cross_error(cross, entry->node,
                    "add repository:", "\"%s\" does not say whose branches: there are %zu repositories", entry->name,
                    cross->config->repositories.count);
}

/* Tools are not shut in by this version: who asks for it must not believe that they are. */
static void check_sandboxes(struct cross *cross)
{
    const struct config_sections *runners = &cross->config->runners;

    for (size_t i = 0; i < runners->count; i++) {
        const struct node *sandbox = node_get(runners->items[i].node, "sandbox");

        if (sandbox && !text_equal(sandbox->text, "none"))
            cross_warning(cross, sandbox->line,
                          "take `sandbox` out to run its tools without one, or name another runner",
                          "the runner \"%s\" wants a %s sandbox, which is not in this version: it refuses every step",
                          runners->items[i].name, sandbox->text);
    }
}

static void index_names(struct cross *cross)
{
    const struct config *config = cross->config;

    for (size_t i = config->environment_count; i-- > 0;) /* of equal names the first stays */
        map_set(&cross->entries, config->environments[i].name, (void *)&config->environments[i]);
    for (size_t i = 0; i < config->person_count; i++)
        map_set(&cross->people, config->people[i].name, (void *)&config->people[i]);
    for (size_t i = 0; i < config->group_count; i++)
        map_set(&cross->groups, config->groups[i].name, (void *)&config->groups[i]);
}

void cross_check(struct loaded *loaded, struct problems *problems)
{
    struct cross cross = {
        .config = &loaded->config, .file = loaded->file, .arena = &loaded->config.arena, .problems = problems};

    index_names(&cross);

    for (size_t i = 0; i < loaded->config.environment_count; i++) {
        const struct config_entry *entry = &loaded->config.environments[i];

        check_life(&cross, entry);
        check_image(&cross, entry);
        check_repository(&cross, entry);
        fields_check(cross.arena, cross.file, node_get(entry->node, "inputs"), problems);
        if (entry->tier == TIER_PROD && !entry->gate.present)
            cross_warning(&cross, entry->line, "add gate: { approvals: 1 }",
                          "\"%s\" is of tier prod and has no gate: plans are applied as they come", entry->name);
    }
    check_freezes(&cross);
    check_sandboxes(&cross);
    cross_people(&cross);
    cross_names(&cross);
    cross_triggers(&cross);
    cross_paths(&cross);
    map_release(&cross.entries);
    map_release(&cross.people);
    map_release(&cross.groups);
}
