/* SPDX-License-Identifier: ISC */
/* Finding by words over environments, branches, resources and runs; needs:NAME over the graph. Every word must fit. */
#include "cli/output.h"

#include <stdlib.h>
#include <string.h>

#define FOUND_MOST 200 /* of one kind */

struct search {
    struct cli *cli;
    json_t *words; /* borrowed */
    json_t *found; /* list of {"kind","name","text"} */
    size_t of_kind;
};

/* Every word is in one of the texts, whatever its case; words with a prefix are left to the caller. */
static bool fits(const struct search *search, const char *const *texts)
{
    for (size_t i = 0; i < json_array_size(search->words); i++) {
        const char *word = json_string_value(json_array_get(search->words, i));
        bool found = text_starts(word, "needs:");

        for (size_t k = 0; texts[k] != NULL && !found; k++)
            found = strcasestr(texts[k], word) != NULL;
        if (!found)
            return false;
    }
    return true;
}

static bool needs_all(const struct search *search, const struct resource *resource)
{
    json_t *needs = json_column(resource->needs);
    bool all = true;

    for (size_t i = 0; i < json_array_size(search->words) && all; i++) {
        const char *word = json_string_value(json_array_get(search->words, i));
        bool found = !text_starts(word, "needs:");

        for (size_t k = 0; k < json_array_size(needs) && !found; k++) {
            const char *address = json_string_value(json_array_get(needs, k)), *name = word + strlen("needs:");

            found = text_equal(address, name) || (text_starts(address, name) && address[strlen(name)] == '[');
        }
        all = found;
    }
    json_decref(needs);
    return all;
}

static bool asks_needs(const struct search *search)
{
    for (size_t i = 0; i < json_array_size(search->words); i++) {
        if (text_starts(json_string_value(json_array_get(search->words, i)), "needs:"))
            return true;
    }
    return false;
}

static bool add(struct search *search, const char *kind, const char *name, const char *text)
{
    json_t *item = json_object();

    json_object_set_new(item, "kind", json_string(kind));
    json_object_set_new(item, "name", json_string(shown(search->cli, name)));
    json_object_set_new(item, "text", json_string(shown(search->cli, text)));
    json_array_append_new(search->found, item);
    return ++search->of_kind < FOUND_MOST;
}

static const char *text_of(const char *text)
{
    return text != NULL ? text : "";
}

static bool see_environment(const void *row, void *context)
{
    const struct environment *environment = row;
    const char *const texts[] = {
        environment->name,          text_of(environment->description), text_of(environment->branch),
        text_of(environment->tags), text_of(environment->commit),      NULL};

    if (environment->status == ENVIRONMENT_DESTROYED || !fits(context, texts))
        return true;
    return add(context, "environment", environment->name, word_name(environment_status_names, environment->status));
}

static bool see_branch(const void *row, void *context)
{
    const struct branch *branch = row;
    const char *const texts[] = {branch->name, text_of(branch->subject), text_of(branch->author),
                                 text_of(branch->commit), NULL};

    return fits(context, texts) ? add(context, "branch", branch->name, branch->subject) : true;
}

static bool see_resource(const void *row, void *context)
{
    struct search *search = context;
    const struct resource *resource = row;
    const char *const texts[] = {
        resource->address,           text_of(resource->template), text_of(resource->description),
        text_of(resource->executor), text_of(resource->tags),     NULL};
    struct environment environment;

    if (resource->status == RESOURCE_GONE || !fits(search, texts) || !needs_all(search, resource))
        return true;
    if (store_get(search->cli->store, &environment_type, resource->environment, &search->cli->arena, &environment,
                  NULL) != STORE_FOUND)
        return true;
    return add(search, "resource", arena_printf(&search->cli->arena, "%s %s", environment.name, resource->address),
               word_name(resource_status_names, resource->status));
}

static bool see_run(const void *row, void *context)
{
    const struct run *run = row;
    const char *const texts[] = {run->environment_name,
                                 text_of(run->subject),
                                 text_of(run->actor),
                                 text_of(run->person),
                                 text_of(run->reason),
                                 text_of(run->commit),
                                 NULL};

    if (!fits(context, texts))
        return true;
    return add(context, "run", run->id,
               arena_printf(&((struct search *)context)->cli->arena, "%s of %s: %s",
                            word_name(workflow_names, run->workflow), run->environment_name,
                            word_name(run_status_names, run->status)));
}

static bool look_through(struct search *search, const struct record_type *type, const char *index, store_visit *visit,
                         struct error *error)
{
    const struct store_query query = {.type = type, .index = index, .descending = index != NULL};

    search->of_kind = 0;
    return store_each(search->cli->store, &query, visit, search, error);
}

bool cli_find(struct cli *cli, int *status, struct error *error)
{
    static const char *const headers[] = {"KIND", "NAME", "WHAT", NULL};
    struct search search = {.cli = cli, .words = json_object_get(cli->call.arguments, "words")};
    struct table table;
    bool done;

    if (!session_open(cli, STORE_READER, SESSION_AS_IT_IS, error) || !store_read_begin(cli->store, error))
        return false;
    search.found = json_array();
    done = (asks_needs(&search) || (look_through(&search, &environment_type, NULL, see_environment, error) &&
                                    look_through(&search, &branch_type, NULL, see_branch, error) &&
                                    look_through(&search, &run_type, "number", see_run, error))) &&
           look_through(&search, &resource_type, NULL, see_resource, error);
    store_read_end(cli->store);
    *status = json_array_size(search.found) == 0; /* as grep */
    if (!done || cli->call.json) {
        if (done)
            print_json(json_incref(search.found));
        json_decref(search.found);
        return done;
    }
    table_begin(&table, cli, headers);
    for (size_t i = 0; i < json_array_size(search.found); i++) {
        const json_t *item = json_array_get(search.found, i);

        table_put(&table, STYLE_MUTED, arena_strdup(&cli->arena, json_get_text(item, "kind")));
        table_put(&table, STYLE_STRONG, arena_strdup(&cli->arena, json_get_text(item, "name")));
        table_put(&table, STYLE_PLAIN, arena_strdup(&cli->arena, json_get_text(item, "text")));
    }
    table_end(&table, "nothing fits");
    json_decref(search.found);
    return true;
}
