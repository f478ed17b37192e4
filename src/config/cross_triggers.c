/* SPDX-License-Identifier: ISC */
/* Sources, triggers, queues and promotion that do not fit together. */
#include "config/cross.h"
#include "config/read.h"

#include "berth/base/str.h"

#include <string.h>

static bool has_source(const struct config_entry *entry, enum source_kind kind)
{
    return entry->sources & (1u << kind);
}

static void check_triggers(struct cross *cross, const struct config_entry *entry)
{
    const struct node *at = entry_at(entry, "deploy_on");

    if ((entry->deploy_on & TRIGGER_PROMOTE) && !has_source(entry, SOURCE_PROMOTE))
        cross_error(cross, at, "add source: { promote_from: ENVIRONMENT }",
                    "\"%s\" deploys on promote, and nothing is promoted to it", entry->name);
    if ((entry->deploy_on & TRIGGER_PUSH) && !has_source(entry, SOURCE_BRANCHES))
        cross_warning(cross, at->line, "add source: { branches: […] }",
                      "\"%s\" deploys on push, and no branch is its source", entry->name);
    if ((entry->deploy_on & TRIGGER_PULL_REQUEST) && !has_source(entry, SOURCE_PULL_REQUESTS))
        cross_warning(cross, at->line, "add source: { pull_requests: { base: […] } }",
                      "\"%s\" deploys on pull_request, and no pull request is its source", entry->name);
}

/* A plain git repository has branches and nothing else: what waits for more waits for ever. */
static void check_forge(struct cross *cross, const struct config_entry *entry)
{
    static const struct {
        unsigned trigger;
        const char *name;
    } triggers[] = {{TRIGGER_PULL_REQUEST, "pull_request"}, {TRIGGER_CHECKS, "checks"}, {TRIGGER_COMMENT, "comment"}};
    const struct config_section *repository = config_section_named(&cross->config->repositories, entry->repository);
    static const char hint[] = "use the provider of its forge (github), or take this out";

    if (!repository || !text_equal(repository->provider, "git"))
        return;
    if (has_source(entry, SOURCE_PULL_REQUESTS))
        cross_warning(
            cross, entry_at(entry, "source.pull_requests")->line, hint,
            "\"%s\" takes pull requests, and \"%s\" is plain git, which has none: no pull request ever reaches it",
            entry->name, entry->repository);
    for (size_t i = 0; i < sizeof(triggers) / sizeof(*triggers); i++) {
        if ((entry->deploy_on | entry->plan_on) & triggers[i].trigger)
            cross_warning(cross,
                          entry_at(entry, entry->deploy_on & triggers[i].trigger ? "deploy_on" : "plan_on")->line, hint,
                          "\"%s\" waits for %s, and \"%s\" is plain git, which cannot tell of one", entry->name,
                          triggers[i].name, entry->repository);
    }
    if (entry_at(entry, "forks") != entry->node)
        cross_warning(cross, entry_at(entry, "forks")->line, hint,
                      "\"%s\" says what forks may, and \"%s\" is plain git, which does not know a fork", entry->name,
                      entry->repository);
}

static void check_direction(struct cross *cross, const struct node *at, const char *queue, const char *wanted)
{
    const struct config_section *section = config_section_named(&cross->config->queues, queue);
    const char *direction = section ? read_text(section->node, "direction", "") : "both";

    if (!text_equal(direction, wanted) && !text_equal(direction, "both"))
        cross_error(cross, at, arena_printf(cross->arena, "its direction must be %s or both", wanted),
                    "the queue \"%s\" has direction %s", queue, direction);
}

static void check_queues(struct cross *cross, const struct config_entry *entry)
{
    const struct node *through = node_get(node_get(entry->node, "destroy_with_branch"), "through");

    for (size_t i = 0; i < entry->deploy_queues.count; i++)
        check_direction(cross, entry_at(entry, "deploy_on"), entry->deploy_queues.items[i], "in");
    for (size_t i = 0; i < entry->plan_queues.count; i++)
        check_direction(cross, entry_at(entry, "plan_on"), entry->plan_queues.items[i], "in");
    if (through)
        check_direction(cross, through, through->text, "out");
}

/* A promotion chain must come to an end. */
static void check_chain(struct cross *cross, const struct config_entry *entry)
{
    const struct config_entry *at = entry;

    for (size_t i = 0; i <= cross->config->environment_count; i++) {
        if (!at || !*at->promote_from)
            return;
        at = map_get(&cross->entries, at->promote_from);
        if (at == entry)
            break;
    }
    if (at == entry)
        cross_error(cross, entry_at(entry, "source.promote_from"), "",
                    "\"%s\" is promoted from itself, directly or through others", entry->name);
}

void cross_triggers(struct cross *cross)
{
    for (size_t i = 0; i < cross->config->environment_count; i++) {
        const struct config_entry *entry = &cross->config->environments[i];

        check_triggers(cross, entry);
        check_forge(cross, entry);
        check_queues(cross, entry);
        check_chain(cross, entry);
    }
    for (size_t i = 0; i < cross->config->notify_count; i++) {
        const struct config_section *section = &cross->config->notify[i].section;

        if (text_equal(section->provider, "queue"))
            check_direction(cross, node_get(section->node, "queue"), read_text(section->node, "queue", ""), "out");
    }
}
