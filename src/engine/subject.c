/* SPDX-License-Identifier: ISC */
/* What the subject of a command means: an environment by its name, or the one that a branch makes. */
#include "engine/accept.h"

#include "berth/base/str.h"
#include "berth/config.h"

bool subject_is_run(const char *verb)
{
    return text_equal(verb, "approve") || text_equal(verb, "reject") || text_equal(verb, "cancel") ||
           text_equal(verb, "retry") || text_equal(verb, "undo");
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

static const char *expanded_name(const struct config *config, const struct command *command,
                                 const struct config_entry *entry, const struct branch *branch, struct arena *arena)
{
    json_t *pairs = subject_pairs(command);
    const char *name = config_entry_branch_name(config, entry, branch->name, pairs, arena);

    json_decref(pairs);
    return name;
}

static void resolve_branch(const struct config *config, const struct command *command, const struct branch *branch,
                           struct arena *arena, struct subject *subject)
{
    const struct config_entry **entries = arena_alloc(arena, config->environment_count * sizeof *entries);
    size_t count = config_match_branch(config, branch->repository, branch->name, entries, config->environment_count);
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

static bool is_of_branches(const struct config_entry *entry)
{
    return (entry->sources & (1u << SOURCE_BRANCHES)) && !(entry->sources & (1u << SOURCE_MANUAL));
}

/* A pattern that names one branch only. */
static const char *literal_branch(const struct config_entry *entry)
{
    if (!(entry->sources & (1u << SOURCE_BRANCHES)) || entry->branches.count != 1 ||
        strpbrk(entry->branches.items[0], "*?[{!") != NULL)
        return "";
    return entry->branches.items[0];
}

/* Other commits than its branches' may be planned there, where the policy plans them by itself. */
static bool plans_others(const struct ref_wish *wish, const struct config_entry *entry)
{
    return text_equal(wish->command->verb, "plan") && entry->plan_on != 0 &&
           (wish->environment != NULL || text_equal(entry->name, wish->name));
}

static bool refuse_ref(struct ref_wish *wish, const char *refusal, const char *next)
{
    wish->ref = wish->commit = "";
    wish->refusal = refusal;
    wish->next = next;
    return false;
}

/* The branch makes exactly this environment, now or when it was made: a stored name is never computed again. */
static bool makes_environment(struct ref_wish *wish, const struct config_entry *entry, struct arena *arena)
{
    const struct environment *environment = wish->environment;
    json_t *pairs;
    const char *name;

    if (!config_entry_takes(entry, entry->repository, wish->ref))
        return refuse_ref(
            wish,
            arena_printf(arena, "the branch '%s' is none of those that '%s' takes (%s:%d)", wish->ref, wish->name,
                         wish->config->file, entry->line),
            arena_printf(arena,
                         "deploy the branch where it belongs: berth deploy %s, or change `branches` on the "
                         "trusted ref",
                         wish->ref));
    if (environment != NULL && text_equal(environment->branch, wish->ref))
        return true;
    pairs = subject_pairs(wish->command);
    name = config_entry_branch_name(wish->config, entry, wish->ref, pairs, arena);
    json_decref(pairs);
    if (text_equal(name, wish->name))
        return true;
    return refuse_ref(wish,
                      arena_printf(arena, "the environment of the branch '%s' is '%s', not '%s' (%s:%d)", wish->ref,
                                   name, wish->name, wish->config->file, entry->line),
                      arena_printf(arena, "berth %s %s", wish->command->verb, wish->ref));
}

static const char *owner_of(const struct ref_wish *wish, const struct config_entry *entry)
{
    if (wish->by_branch)
        return wish->branch->name;
    if (wish->environment != NULL && config_entry_takes(entry, entry->repository, wish->environment->branch))
        return wish->environment->branch;
    return literal_branch(entry); /* berth.yaml may name another branch by now */
}

bool subject_ref(struct ref_wish *wish, const struct config_entry *entry, const char *asked, struct arena *arena)
{
    const char *owner = owner_of(wish, entry);
    bool is_branch = (wish->branch != NULL && text_equal(wish->branch->name, asked)) ||
                     (wish->ref_branch != NULL && text_equal(wish->ref_branch->name, asked));

    wish->refusal = wish->next = "";
    wish->ref = !text_empty(asked) ? asked : !text_empty(owner) ? owner : entry->default_ref;
    if (!is_of_branches(entry) || text_empty(wish->ref) || plans_others(wish, entry))
        return true;
    if (is_branch || text_empty(asked) || text_equal(asked, owner))
        return makes_environment(wish, entry, arena);
    if (text_empty(owner))
        return config_entry_takes(entry, entry->repository, asked)
                   ? makes_environment(wish, entry, arena) /* not listed yet; who resolves it sees whether it is one */
                   : refuse_ref(wish,
                                arena_printf(arena, "nothing says of which branch of '%s' '%s' is", wish->name, asked),
                                "name the branch: berth deploy BRANCH --ref COMMIT");
    wish->ref = owner;
    if (!makes_environment(wish, entry, arena))
        return false;
    wish->commit = asked; /* a tag or commit of that branch: who resolves it sees whether it is */
    return true;
}

/* By its id, or by its name where no environment that is yet to be is meant. */
static bool means_branch(const struct config *config, const char *subject, const struct branch *branch)
{
    if (branch == NULL)
        return false;
    return text_equal(subject, branch->id) ||
           (text_equal(subject, branch->name) && config_name_means_branch(config, branch->repository, branch->name));
}

void subject_resolve(const struct config *config, const struct command *command, const struct environment *environment,
                     const struct branch *branch, struct arena *arena, struct subject *subject)
{
    *subject = (struct subject){.environment = "", .refusal = "", .next = ""};
    if (environment != NULL) {
        subject->environment = environment->name;
        subject->entry = config != NULL ? config_entry_of(config, environment, NULL) : NULL;
        return;
    }
    if (config == NULL)
        return;
    if (means_branch(config, command->subject, branch)) {
        subject->by_branch = true;
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
