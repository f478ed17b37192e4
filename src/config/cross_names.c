/* SPDX-License-Identifier: ISC */
/* Names that two entries would yield, and branch patterns that let nothing through. */
#include "config/cross.h"
#include "config/expression.h"

#include "berth/base/str.h"

#include <string.h>

/* The name with each ${{ }} as one byte that no name holds: equal skeletons can yield equal names. */
static const char *skeleton(struct cross *cross, const struct config_entry *entry)
{
    struct str text = STR_INIT;
    const char *copy;

    for (size_t i = 0; i < entry->name_expression->count; i++)
        str_add(&text, entry->name_expression->pieces[i].text ? entry->name_expression->pieces[i].text : "\x01");
    copy = arena_strdup(cross->arena, text.data);
    str_release(&text);
    return copy;
}

static bool is_plain_name(const struct config_entry *entry)
{
    for (size_t i = 0; i < entry->name_expression->count; i++) {
        if (!entry->name_expression->pieces[i].text)
            return false;
    }
    return true;
}

static void check_same(struct cross *cross, struct map *seen, const struct config_entry *entry)
{
    const char *shape = skeleton(cross, entry);
    const struct config_entry *other = map_get(seen, shape);

    if (!other) {
        map_set(seen, shape, (void *)entry);
    } else if (text_equal(other->name, entry->name)) {
        cross_error(cross, node_get(entry->node, "name"), "give one of them another name",
                    "the name \"%s\" is taken: the entry at line %d yields the same environments", entry->name,
                    other->line);
    } else {
        cross_warning(cross, entry->line, "give one of them another beginning",
                      "\"%s\" and \"%s\" (line %d) can yield the same name; who comes first has it", entry->name,
                      other->name, other->line);
    }
}

/* A written-out name that a pattern of another entry can yield too. */
static void check_shadowed(struct cross *cross, const struct config_entry *entry)
{
    for (size_t i = 0; i < cross->config->environment_count; i++) {
        const struct config_entry *other = &cross->config->environments[i];

        if (other != entry && !is_plain_name(other) && name_pattern_fits(other, entry->name))
            cross_warning(cross, entry->line, "give one of them another beginning",
                          "\"%s\" can also be yielded by \"%s\" (line %d)", entry->name, other->name, other->line);
    }
}

/* Whether what `pattern` lets through is all taken out again by `excluded`: said only where it is certain. */
static bool covers(const char *excluded, const char *pattern)
{
    size_t length = strlen(excluded);

    if (text_equal(excluded, "**") || text_equal(excluded, pattern))
        return true;
    /* a folder with all below it covers what begins with the folder, when the folder holds no star of its own */
    return length > 3 && text_ends(excluded, "/**") && strcspn(excluded, "*?") == length - 2 &&
           strncmp(excluded, pattern, length - 2) == 0;
}

static bool is_reachable(const struct name_list *patterns)
{
    for (size_t i = 0; i < patterns->count; i++) {
        bool taken = *patterns->items[i] == '!';

        for (size_t k = i + 1; k < patterns->count && !taken; k++)
            taken = *patterns->items[k] == '!' && covers(patterns->items[k] + 1, patterns->items[i]);
        if (!taken)
            return true;
    }
    return false;
}

static void check_patterns(struct cross *cross, const struct config_entry *entry)
{
    const struct name_list *patterns = &entry->branches;

    if (patterns->count > 0 && !is_reachable(patterns))
        cross_warning(cross, entry_at(entry, "source.branches")->line,
                      "the last pattern that fits decides: put the one that lets through after the \"!\"",
                      "no branch can match \"%s\": its patterns exclude everything", entry->name);
}

void cross_names(struct cross *cross)
{
    struct map seen = {0};

    for (size_t i = 0; i < cross->config->environment_count; i++) {
        const struct config_entry *entry = &cross->config->environments[i];

        check_same(cross, &seen, entry);
        check_patterns(cross, entry);
        if (is_plain_name(entry))
            check_shadowed(cross, entry);
    }
    map_release(&seen);
}
