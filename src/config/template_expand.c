/* SPDX-License-Identifier: ISC */
/* What an entry's templates want: resources counted and expanded, with their needs. */
#include "config/read.h"
#include "config/wants.h"

#include "berth/base/str.h"
#include "berth/model/graph.h"

#include <stdlib.h>

/* Keys that have a member of struct wanted_resource; all others are the executor's spec. */
static const char *const placed_keys[] = {"executor", "description", "needs",   "group",  "tags",    "data",
                                          "when",     "count",       "target",  "runner", "outputs", "timeout",
                                          "retries",  "at",          "contact", "probes", "links",   "resource"};

static bool is_placed(const char *key)
{
    for (size_t i = 0; i < sizeof(placed_keys) / sizeof(placed_keys[0]); i++) {
        if (text_equal(placed_keys[i], key))
            return true;
    }
    return false;
}

static json_t *expand_spec(struct wants *wants, const struct want *want, json_t *needs)
{
    const struct node *node = want->resource->node;
    json_t *spec = json_object();
    bool fine = true;

    for (size_t i = 0; fine && i < node->count; i++) {
        json_t *value;

        if (is_placed(node->pairs[i].key->text))
            continue;
        value = expand_tree(want->scope, want->template->file, node->pairs[i].value, EXPAND_EARLY, wants->problems);
        fine = value && json_object_set_new(spec, node->pairs[i].key->text, value) == 0 &&
               wants_resolve_paths(wants, value, want, NULL, needs, node->pairs[i].value);
    }
    if (!fine) {
        json_decref(spec);
        return NULL;
    }
    return spec;
}

/* A list of maps that may name the resource's own outputs; an empty list when absent. */
static json_t *expand_own(struct wants *wants, const struct want *want, const char *key, const char *address)
{
    const struct node *node = node_get(want->resource->node, key);
    json_t *list =
        node ? expand_tree(want->scope, want->template->file, node, EXPAND_EARLY, wants->problems) : json_array();

    if (list && node && !wants_resolve_paths(wants, list, want, address, NULL, node)) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static const char *expand_to_arena(struct wants *wants, const struct want *want, const struct node *node)
{
    struct str text = STR_INIT;
    const char *copy = "";

    if (node && expand_text(want->scope, want->template->file, node, &text, wants->problems))
        copy = arena_strndup(wants->arena, text.data, text.length);
    str_release(&text);
    return copy;
}

static const char *pool_of(const struct wants *wants, const char *target, const char *runner)
{
    const struct config_section *section = config_section_named(&wants->config->runners, runner);

    if (section && *section->pool)
        return section->pool;
    section = config_section_named(&wants->config->targets, target);
    return section ? section->pool : "";
}

static void fill_plain(struct wants *wants, const struct want *want, int64_t item, struct wanted_resource *wanted)
{
    const struct template_resource *resource = want->resource;
    const struct node *shared = node_get(resource->node, "resource");

    *wanted = (struct wanted_resource){
        .address = want_address(wants, want, item),
        .template = want->template->name,
        .template_version = want->template->version,
        .name = resource->name,
        .item = item,
        .count = want->count,
        .executor = resource->executor,
        .runner = *resource->runner ? resource->runner : wants->entry->runner,
        .target = *resource->target ? resource->target : wants->entry->target,
        .group = resource->group,
        .description = expand_to_arena(wants, want, node_get(resource->node, "description")),
        .contact = resource->contact,
        .external = resource->external,
        .data = resource->data,
        .shared_environment = expand_to_arena(wants, want, node_get(shared, "environment")),
        .shared_resource = expand_to_arena(wants, want, node_get(shared, "name")),
        .timeout_ms = resource->timeout_ms,
        .attempts = resource->attempts,
        .backoff_ms = resource->backoff_ms,
        .repeatable = resource->repeatable,
        .phase_hint = read_text(resource->node, "at", ""),
    };
    wanted->pool = pool_of(wants, wanted->target, wanted->runner);
}

static bool add_instance(struct wants *wants, const struct want *want, int64_t item)
{
    struct wanted_resource wanted;

    scope_set_typed(want->scope, "item.index", arena_printf(wants->arena, "%lld", (long long)item), NODE_INT);
    scope_set_typed(want->scope, "item.count", arena_printf(wants->arena, "%lld", (long long)want->count), NODE_INT);
    fill_plain(wants, want, item, &wanted);
    wanted.needs = json_array();
    wanted.tags = names_json(&want->resource->tags);
    wanted.outputs = names_json(&want->resource->outputs);
    if (wants_needs(wants, want, wanted.needs))
        wanted.spec = expand_spec(wants, want, wanted.needs);
    wanted.probes = expand_own(wants, want, "probes", wanted.address);
    wanted.links = expand_own(wants, want, "links", wanted.address);
    vec_push(&wants->result->wanted, wanted);
    return wanted.spec && wanted.probes && wanted.links;
}

static bool expand_resources(struct wants *wants)
{
    bool fine = true;

    for (size_t i = 0; i < wants->list.count; i++) {
        const struct want *want = &wants->list.items[i];

        for (int64_t item = 0; !want->dropped && item < want->count; item++) {
            if (wants->problems->errors >= PROBLEMS_LIMIT)
                return false;
            fine = add_instance(wants, want, item) && fine;
            wants->needs += json_array_size(wants->result->wanted.items[wants->result->wanted.count - 1].needs);
            if (wants->needs > WANTS_LIMIT_NEEDS)
                return problem_add(wants->problems, PROBLEM_ERROR, want->template->file, want->resource->line, 1, "",
                                   "the resources of %s have more than %u needs", wants->entry->name,
                                   WANTS_LIMIT_NEEDS);
        }
    }
    return fine;
}

/* Outputs of others, groups and required templates add needs: together they must not run in a circle either. */
static bool check_order(struct wants *wants)
{
    struct graph *graph = graph_new();
    struct str cycle = STR_INIT;
    size_t *order = mem_zero(wants->result->wanted.count + 1, sizeof(*order));
    bool fine;

    for (size_t i = 0; i < wants->result->wanted.count; i++)
        graph_add(graph, wants->result->wanted.items[i].address);
    for (size_t i = 0; i < wants->result->wanted.count; i++) {
        const json_t *needs = wants->result->wanted.items[i].needs;

        for (size_t n = 0; n < json_array_size(needs); n++) {
            long needed = graph_find(graph, json_string_value(json_array_get(needs, n)));

            BUG_ON(needed < 0);
            graph_need(graph, i, (size_t)needed);
        }
    }
    fine = graph_order(graph, order, &cycle);
    if (!fine)
        problem_add(wants->problems, PROBLEM_ERROR, wants->templates[0]->file, 1, 1, "",
                    "the needs of %s run in a circle: %s", wants->entry->name, cycle.data);
    free(order);
    str_release(&cycle);
    graph_free(graph);
    return fine;
}

static bool expand_tags(struct wants *wants, const struct scope *scope)
{
    const struct node *tags = node_get(wants->entry->node, "tags");

    wants->result->environment_tags =
        tags ? expand_tree(scope, wants->config->file, tags, EXPAND_ALL, wants->problems) : json_array();
    return wants->result->environment_tags != NULL;
}

bool template_expand(const struct config *config, const struct config_entry *entry, struct template *const *templates,
                     size_t count, struct scope *scope, struct arena *arena, struct prepare_result *result,
                     struct problems *problems)
{
    struct wants wants = {.config = config,
                          .entry = entry,
                          .templates = templates,
                          .template_count = count,
                          .arena = arena,
                          .problems = problems,
                          .result = result};
    size_t before = problems->errors;
    bool fine;

    check_entry_templates(config, entry, templates, count, TEMPLATES_ALL, problems);
    if (problems->errors > before)
        return false;
    wants.scopes = arena_alloc(arena, (count + 1) * sizeof(*wants.scopes));
    fine = wants_scopes(&wants, scope) && expand_tags(&wants, scope) && wants_count(&wants) &&
           expand_resources(&wants) && check_order(&wants) && wants_pages(&wants);
    for (size_t i = 0; i < count; i++)
        scope_free(wants.scopes[i]);
    vec_release(&wants.list);
    return fine;
}

void template_expand_release(struct prepare_result *result)
{
    for (size_t i = 0; i < result->wanted.count; i++) {
        struct wanted_resource *wanted = &result->wanted.items[i];

        json_decref(wanted->needs);
        json_decref(wanted->spec);
        json_decref(wanted->probes);
        json_decref(wanted->links);
        json_decref(wanted->tags);
        json_decref(wanted->outputs);
    }
    vec_release(&result->wanted);
    json_decref(result->environment_tags);
    json_decref(result->templates);
    json_decref(result->groups);
    json_decref(result->checks);
    json_decref(result->entrypoints);
    json_decref(result->links);
    json_decref(result->status_endpoints);
    json_decref(result->settings);
}
