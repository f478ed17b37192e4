/* SPDX-License-Identifier: ISC */
/* What the subject of a command means: an environment by its name, or the one that a branch makes. */
#include "engine/accept.h"

#include "berth/base/str.h"
#include "berth/base/text.h"
#include "berth/config.h"

#define ENTRIES_LIMIT 32
#define SLUG_LIMIT 40

bool subject_is_run(const char *verb)
{
    return text_equal(verb, "approve") || text_equal(verb, "reject") || text_equal(verb, "cancel") ||
           text_equal(verb, "retry");
}

json_t *subject_pairs(const struct command *command)
{
    json_t *arguments = json_column(command->arguments), *pairs = json_object();
    json_t *with = json_object_get(arguments, "with"), *value;
    const char *key;
    size_t at;

    if (json_is_object(with)) {
        json_object_foreach(with, key, value) json_object_set(pairs, key, value);
    } else if (json_is_array(with)) {
        json_array_foreach(with, at, value)
        {
            const char *text = json_is_string(value) ? json_string_value(value) : "";
            const char *equals = strchr(text, '=');

            if (equals != NULL && equals > text) {
                char *name = mem_strdup(text);

                name[equals - text] = '\0';
                json_object_set_new(pairs, name, json_string(equals + 1));
                vec_free(name);
            }
        }
    }
    json_decref(arguments);
    return pairs;
}

static void set_branch_scope(struct scope *scope, const struct config_entry *entry, const struct branch *branch)
{
    struct str slug = STR_INIT;

    text_slug(&slug, branch->name, entry->slug_max > 0 ? (size_t)entry->slug_max : SLUG_LIMIT);
    scope_set(scope, "branch.name", branch->name);
    scope_set(scope, "branch.slug", slug.data);
    str_release(&slug);
}

static const char *expanded_name(const struct config *config, const struct command *command,
                                 const struct config_entry *entry, const struct branch *branch, struct arena *arena)
{
    struct scope *scope = scope_new();
    struct problems problems;
    struct str name = STR_INIT;
    json_t *pairs = subject_pairs(command), *value;
    const char *key, *text = "";

    problems_init(&problems, arena);
    set_branch_scope(scope, entry, branch);
    json_object_foreach(pairs, key, value) if (json_is_string(value))
        scope_set(scope, arena_printf(arena, "input.%s", key), json_string_value(value));
    if (config_entry_expand_name(config, entry, scope, &name, &problems))
        text = arena_strdup(arena, name.data);
    json_decref(pairs);
    str_release(&name);
    problems_release(&problems);
    scope_free(scope);
    return text;
}

static void resolve_branch(const struct config *config, const struct command *command, const struct branch *branch,
                           struct arena *arena, struct subject *subject)
{
    const struct config_entry *entries[ENTRIES_LIMIT];
    size_t count = config_match_branch(config, branch->repository, branch->name, entries, ENTRIES_LIMIT);
    const char *names = "";

    for (size_t i = 0; i < count; i++) {
        const char *name = expanded_name(config, command, entries[i], branch, arena);

        names = arena_printf(arena, "%s%s%s", names, i > 0 ? ", " : "", text_empty(name) ? entries[i]->name : name);
        subject->environment = name;
        subject->entry = entries[i];
    }
    if (count == 1 && !text_empty(subject->environment))
        return;
    subject->environment = "";
    subject->entry = NULL;
    if (count == 0) {
        subject->refusal = arena_printf(arena, "no environment of berth.yaml takes the branch '%s'", branch->name);
        subject->next = "name an environment, or add an entry that matches the branch on the trusted ref";
    } else {
        subject->refusal = arena_printf(arena, "the branch '%s' fits %zu environments: %s", branch->name, count, names);
        subject->next = arena_printf(arena, "name the environment: %s", names);
    }
}

void subject_resolve(const struct config *config, const struct command *command, const struct environment *environment,
                     const struct branch *branch, struct arena *arena, struct subject *subject)
{
    *subject = (struct subject){.environment = "", .refusal = "", .next = ""};
    if (environment != NULL) {
        subject->environment = environment->name;
        subject->entry = config != NULL ? config_entry_named(config, environment->entry) : NULL;
        return;
    }
    if (config == NULL)
        return;
    if (branch != NULL && config_entry_for_name(config, command->subject) == NULL) {
        resolve_branch(config, command, branch, arena, subject);
        return;
    }
    subject->entry = config_entry_for_name(config, command->subject);
    if (subject->entry != NULL) {
        subject->environment = command->subject;
        return;
    }
    subject->refusal = arena_printf(arena, "there is no environment and no branch '%s'", command->subject);
    subject->next = "berth envs and berth branches list them";
}
