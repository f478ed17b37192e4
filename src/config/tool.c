/* SPDX-License-Identifier: ISC */
/* What a provider's schema file says of the tool that an operator may use on its resources. */
#include "berth/config.h"

#include "config/embedded.h"

#include "berth/base/node.h"
#include "berth/base/str.h"

#include <string.h>

#define ONE_WORD "WORD"
#define ANY_WORDS "WORDS"

static const struct node *tool_node(const char *executor, struct arena *arena)
{
    const char *name = arena_printf(arena, "src/provider/%s/schema.yaml", executor);
    const struct embedded_file *file = embedded_named(name);
    struct problems problems;
    const struct node *root;

    if (file == NULL || strstr(file->text, "\n    tool:") == NULL)
        return NULL;
    problems_init(&problems, arena);
    root = node_parse(arena, name, file->text, file->size, &problems);
    problems_release(&problems);
    BUG_ON(root == NULL);
    return node_get(node_get(node_get(root, "capabilities"), "executor"), "tool");
}

void config_tool_of(const char *executor, struct arena *arena, struct config_tool *tool)
{
    const struct node *names, *locks;
    const char **items;

    *tool = (struct config_tool){.node = tool_node(executor, arena)};
    names = node_get(tool->node, "names");
    locks = node_get(tool->node, "locks");
    if (names == NULL)
        return;
    items = arena_alloc(arena, (names->count + 1) * sizeof *items);
    for (size_t i = 0; i < names->count; i++)
        items[i] = names->items[i]->text;
    tool->names = (struct name_list){items, names->count};
    tool->locks = locks != NULL && locks->number != 0;
}

/* An option's name without its dashes and its value. */
static const char *option_name(const char *word, struct arena *arena)
{
    word += word[1] == '-' ? 2 : 1;
    return arena_strndup(arena, word, strcspn(word, "="));
}

static bool list_has(const struct node *list, const char *text)
{
    for (size_t i = 0; list != NULL && i < list->count; i++)
        if (text_equal(list->items[i]->text, text))
            return true;
    return false;
}

/* How many words the sub-command has when `words` (behind the tool's name) begin with it, else 0. */
static size_t begins_with(const char *const *words, const char *subcommand)
{
    size_t count = 0;

    for (;; count++, subcommand += strspn(subcommand, " ")) {
        const size_t length = strcspn(subcommand, " ");

        if (length == 0)
            return count;
        if (words[count] == NULL || strlen(words[count]) != length || strncmp(words[count], subcommand, length) != 0)
            return 0;
        subcommand += length;
    }
}

/* The key of the map that the words begin with, the longest; `length` its words. */
static const struct node_pair *subcommand_of(const struct node *map, const char *const *words, size_t *length)
{
    const struct node_pair *found = NULL;

    *length = 0;
    for (size_t i = 0; map != NULL && i < map->count; i++) {
        size_t count = begins_with(words, map->pairs[i].key->text);

        if (count <= *length)
            continue;
        *length = count;
        found = &map->pairs[i];
    }
    return found;
}

/* Every option is one that changes nothing, and there are no more words than it takes: another would be a file, or another place. */
static bool only_reads(const struct node *options, const char *const *words, struct arena *arena)
{
    size_t most = list_has(options, ANY_WORDS) ? (size_t)-1 : list_has(options, ONE_WORD) ? 1 : 0, count = 0;

    for (; *words != NULL; words++) {
        if ((*words)[0] != '-' || (*words)[1] == '\0')
            count++;
        else if (!list_has(options, option_name(*words, arena)))
            return false;
    }
    return count <= most;
}

static const char *forbidden_option(const struct node *never, const char *const *words, struct arena *arena)
{
    for (; *words != NULL; words++) {
        const char *name = (*words)[0] == '-' && (*words)[1] != '\0' ? option_name(*words, arena) : "";

        if (*name != '\0' && list_has(never, name))
            return name;
    }
    return "";
}

enum tool_leave config_tool_leave(const struct config_tool *tool, const char *const *words, struct arena *arena,
                                  const char **reason, const char **next)
{
    const char *name = words[0], *option = forbidden_option(node_get(tool->node, "never"), words, arena);
    const struct node_pair *found;
    size_t length;

    *reason = *next = "";
    if (*option != '\0') {
        *reason =
            arena_printf(arena, "-%s is berth's own: it says where the state is and what its variables are", option);
        *next = "leave it out; the command works on the resource's state with its variables";
        return TOOL_REFUSED;
    }
    if (words[1] == NULL || words[1][0] == '-') {
        *reason = arena_printf(arena, "nothing says what %s is to do", name);
        *next = arena_printf(arena, "the sub-command comes first: berth exec ENV -- %s state list", name);
        return TOOL_REFUSED;
    }
    found = subcommand_of(node_get(tool->node, "instead"), words + 1, &length);
    if (found != NULL) {
        *reason = arena_printf(arena, "%s %s is not run by hand here", name, found->key->text);
        *next = found->value->text;
        return TOOL_REFUSED;
    }
    found = subcommand_of(node_get(tool->node, "reads"), words + 1, &length);
    return found != NULL && only_reads(found->value, words + 1 + length, arena) ? TOOL_READS : TOOL_CHANGES;
}
