/* SPDX-License-Identifier: ISC */
/* Names as a person gives them: whether there is such an environment, branch or run, and which ones were nearly meant. */
#include "cli/names.h"

#include "cli/output.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MOST 5000 /* looked at for "did you mean" */
#define NEAR_MOST 3

struct names {
    VEC(const char *) list;
    struct cli *cli;
};

static bool take_environment(const void *row, void *context)
{
    struct names *names = context;
    const struct environment *environment = row;

    if (environment->status != ENVIRONMENT_DESTROYED)
        vec_push(&names->list, arena_strdup(&names->cli->arena, environment->name));
    return names->list.count < NAMES_MOST;
}

static bool take_branch(const void *row, void *context)
{
    struct names *names = context;
    const struct branch *branch = row;

    if (branch->gone_at == 0)
        vec_push(&names->list, arena_strdup(&names->cli->arena, branch->name));
    return names->list.count < 2 * NAMES_MOST;
}

/* Environments that are, those that berth.yaml writes out, and branches. */
static void collect(struct names *names, enum name_kind kind)
{
    const struct store_query environments = {.type = &environment_type, .index = "name", .limit = NAMES_MOST};
    const struct store_query branches = {.type = &branch_type, .limit = NAMES_MOST};
    const struct config *config = names->cli->config;

    if (!store_each(names->cli->store, &environments, take_environment, names, NULL))
        return; /* the hint is short of them; the error says what is wrong */
    if (kind != NAME_OF_ENVIRONMENT_OR_BRANCH || !store_each(names->cli->store, &branches, take_branch, names, NULL))
        return;
    for (size_t i = 0; config != NULL && i < config->environment_count; i++) {
        if (strstr(config->environments[i].name, "${{") == NULL)
            vec_push(&names->list, config->environments[i].name);
    }
}

/* `"a"`, `"a" or "b"`; the one found is taken out of the list, so that the next nearest is found after it. */
static const char *nearest_of(struct names *names, const char *name)
{
    struct cli *cli = names->cli;
    const char *text = "";

    for (int found = 0; found < NEAR_MOST; found++) {
        const char *nearest = text_nearest(name, names->list.items, names->list.count);

        if (nearest == NULL)
            break;
        text = arena_printf(&cli->arena, "%s%s\"%s\"", text, found == 0 ? "" : " or ", shown(cli, nearest));
        for (size_t i = 0; i < names->list.count;) {
            if (text_equal(names->list.items[i], nearest))
                names->list.items[i] = names->list.items[--names->list.count];
            else
                i++;
        }
    }
    return text;
}

bool name_unknown(struct cli *cli, enum name_kind kind, const char *name, struct error *error)
{
    const bool branches = kind == NAME_OF_ENVIRONMENT_OR_BRANCH;
    struct names names = {.cli = cli};
    const char *nearest;

    collect(&names, kind);
    nearest = nearest_of(&names, name);
    vec_release(&names.list);
    error_set(error, ERROR_USAGE, "there is no environment%s \"%s\"", branches ? " or branch" : "", name);
    return name_hint(error, nearest, branches);
}

bool name_hint(struct error *error, const char *nearest, bool branches)
{
    const char *lists = branches ? "berth envs and berth branches list them"
                                 : "berth envs lists all; a branch gets one when it is deployed: berth deploy BRANCH";

    if (*nearest == '\0')
        return error_hint(error, "%s", lists);
    return error_hint(error, "did you mean %s? %s", nearest,
                      branches ? "berth envs and berth branches list all" : "berth envs lists all");
}

struct branch_search {
    struct cli *cli;
    const struct config_entry *entry; /* NULL: any branch of that name */
    const char *name;
    bool found;
};

static bool see_branch(const void *row, void *context)
{
    struct branch_search *search = context;
    const struct branch *branch = row;
    struct arena arena = {0};

    if (branch->gone_at != 0)
        return true;
    if (search->entry == NULL)
        search->found = text_equal(branch->name, search->name);
    else if (config_entry_takes(search->entry, branch->repository, branch->name))
        search->found = text_equal(
            config_entry_branch_name(search->cli->config, search->entry, branch->name, NULL, &arena), search->name);
    arena_release(&arena);
    return !search->found;
}

/* Whether a listed branch has that name, or by `entry` makes an environment of that name. */
static bool some_branch(struct cli *cli, const struct config_entry *entry, const char *name)
{
    static const char *const columns[] = {"id", "repository", "name", "gone_at", NULL};
    const struct store_query query = {.type = &branch_type, .columns = columns};
    struct branch_search search = {.cli = cli, .entry = entry, .name = name};

    return !store_each(cli->store, &query, see_branch, &search, NULL) || search.found; /* unread: berthd tells */
}

bool name_is_known(struct cli *cli, const char *name)
{
    struct environment environment;
    const struct config_entry *entry = cli->config != NULL ? config_entry_for_name(cli->config, name) : NULL;

    if (session_environment(cli, name, &environment, NULL) != STORE_MISSING)
        return true;
    if (entry != NULL && (text_equal(entry->name, name) || (entry->sources & (1u << SOURCE_MANUAL)) != 0))
        return true;
    return (entry != NULL && some_branch(cli, entry, name)) || some_branch(cli, NULL, name);
}
