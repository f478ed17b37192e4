/* SPDX-License-Identifier: ISC */
/* The policy in a child, and the sections providers get. */
#include "agent/setup.h"

#include "berth/base/file.h"
#include "berth/base/str.h"
#include "berth/model/record.h"
#include "berth/provider.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define BOOTSTRAP_NAME "trusted"
#define POLICY_FILE "berth.yaml"

static bool is_url(const char *place)
{
    return strstr(place, "://") || (strchr(place, ':') && !strchr(place, '/'));
}

/* A map node like `from` (may be NULL) whose `url` is `url`. */
static const struct node *node_with_url(struct arena *arena, const struct node *from, const char *url)
{
    size_t count = from ? from->count : 0, kept = 0;
    struct node *map = arena_alloc(arena, sizeof *map);
    struct node *key = arena_alloc(arena, sizeof *key), *value = arena_alloc(arena, sizeof *value);
    *key = (struct node){.kind = NODE_TEXT, .text = "url"};
    *value = (struct node){.kind = NODE_TEXT, .text = arena_strdup(arena, url), .quoted = true};
    map->kind = NODE_MAP;
    map->pairs = arena_alloc(arena, (count + 1) * sizeof *map->pairs);
    for (size_t i = 0; i < count; i++)
        if (!text_equal(from->pairs[i].key->text, "url"))
            map->pairs[kept++] = from->pairs[i];
    map->pairs[kept++] = (struct node_pair){.key = key, .value = value};
    map->count = kept;
    return map;
}

void setup_init(struct setup *setup, const struct agent_options *options)
{
    memset(setup, 0, sizeof *setup);
    setup->options = options;
    setup->bootstrap = (struct config_section){
        .name = BOOTSTRAP_NAME,
        .provider = "git",
        .pool = "",
        .built = true,
        .node = node_with_url(&setup->own, NULL, options->repository),
    };
}

static void forget_policy(struct setup *setup)
{
    config_free(setup->config);
    map_release(&setup->sections);
    arena_release(&setup->arena);
    setup->config = NULL;
}

void setup_release(struct setup *setup)
{
    forget_policy(setup);
    arena_release(&setup->own);
}

bool setup_take(struct setup *setup, const char *json, size_t length, struct error *error)
{
    json_t *message = json_loadb(json, length, 0, NULL);
    const char *text = json_get_text(message, "text");
    bool taken = message || error_set(error, ERROR_CORRUPT, "a setup message is not JSON");
    if (taken && !text_empty(text)) {
        struct arena arena = {0};
        struct problems problems;
        problems_init(&problems, &arena);
        struct config *config = config_load(POLICY_FILE, text, strlen(text), &problems);
        if (config) {
            forget_policy(setup);
            setup->config = config;
            config->commit = arena_strdup(&config->arena, json_get_text(message, "commit"));
        } else {
            taken = problems_error(&problems, error);
        }
        problems_release(&problems);
        arena_release(&arena);
    }
    json_decref(message);
    return taken;
}

const struct config_section *setup_repository(struct setup *setup, const char *name, struct error *error)
{
    if (!setup->config)
        return &setup->bootstrap;
    const struct config_section *section = config_section_named(&setup->config->repositories, name);
    if (!section) {
        error_set(error, ERROR_NOT_FOUND, "no repository is called '%s'", name);
        error_hint(error, "name one of `repositories` of %s", setup->config->file);
        return NULL;
    }
    const struct node *url = node_get(section->node, "url");
    if (!url || is_url(url->text))
        return section;
    struct config_section *absolute = map_get(&setup->sections, name);
    if (absolute)
        return absolute;
    absolute = arena_alloc(&setup->arena, sizeof *absolute);
    *absolute = *section;
    char *path = is_url(setup->options->repository) && text_equal(url->text, ".")
                     ? mem_strdup(setup->options->repository)
                     : path_join(setup->options->repository, url->text);
    absolute->node = node_with_url(&setup->arena, section->node, path);
    free(path);
    map_set(&setup->sections, name, absolute);
    return absolute;
}

void setup_write(struct str *out, const char *text, const char *commit)
{
    json_t *message = json_pack("{s:s, s:s}", "text", text ? text : "", "commit", commit ? commit : "");
    char *json = json_dumps(message, JSON_COMPACT);
    str_add(out, json ? json : "{}");
    free(json);
    json_decref(message);
}

const struct provider *setup_probe(const json_t *spec)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)spec, key, value)
    {
        const struct provider *provider = provider_named(key);
        if (provider && provider->probe)
            return provider;
    }
    return NULL;
}
