/* SPDX-License-Identifier: ISC */
/* Turns a checked berth.yaml into a struct config. */
#include "config/load.h"
#include "config/check.h"
#include "config/expression.h"
#include "config/read.h"
#include "config/salvage.h"
#include "config/scalar.h"

#include "berth/base/hash.h"
#include "berth/base/str.h"
#include "berth/base/time.h"

#include <stdlib.h>

#define AUDIT_REF "refs/heads/berth/audit" /* the schema of the provider git says the same */

static struct config_section read_section(struct loaded *loaded, const char *capability, const char *name,
                                          const struct node *node)
{
    const char *provider = read_text(node, "provider", "");
    const struct provider_section *known = schema_section(loaded->schema, capability, provider);

    return (struct config_section){
        .name = name,
        .provider = provider,
        .pool = read_text(node, "pool", ""),
        .is_protected = read_bool(node, "protected"),
        .built = known && known->built,
        .line = node->line,
        .node = node,
    };
}

static struct config_sections read_sections(struct loaded *loaded, const char *key, const char *capability)
{
    const struct node *map = node_get(loaded->config.root, key);
    struct config_section *items;

    if (!map)
        return (struct config_sections){0};
    items = arena_alloc(&loaded->config.arena, (map->count + 1) * sizeof(*items));
    for (size_t i = 0; i < map->count; i++) {
        items[i] = read_section(loaded, capability, map->pairs[i].key->text, map->pairs[i].value);
        items[i].line = map->pairs[i].key->line;
    }
    return (struct config_sections){items, map->count};
}

static void read_people(struct loaded *loaded)
{
    struct config *config = &loaded->config;
    const struct node *people = node_get(config->root, "people"), *groups = node_get(config->root, "groups");
    struct config_person *persons = arena_alloc(&config->arena, (people ? people->count + 1 : 1) * sizeof(*persons));
    struct config_group *teams = arena_alloc(&config->arena, (groups ? groups->count + 1 : 1) * sizeof(*teams));

    config->person_count = people ? people->count : 0;
    config->people = persons;
    for (size_t i = 0; i < config->person_count; i++) {
        const struct node *node = people->pairs[i].value;

        persons[i] = (struct config_person){
            .name = people->pairs[i].key->text,
            .email = read_names(&config->arena, node, "email"),
            .github = read_text(node, "github", ""),
            .slack = read_text(node, "slack", ""),
            .unix_name = read_text(node, "unix", ""),
            .heroku = read_text(node, "heroku", ""),
            .line = people->pairs[i].key->line,
        };
    }
    config->group_count = groups ? groups->count : 0;
    config->groups = teams;
    for (size_t i = 0; i < config->group_count; i++) {
        teams[i].name = groups->pairs[i].key->text;
        teams[i].members = read_names(&config->arena, groups, teams[i].name);
        teams[i].line = groups->pairs[i].key->line;
    }
}

static void read_access(struct loaded *loaded)
{
    struct config *config = &loaded->config;
    const struct node *list = node_get(config->root, "access");
    struct config_access *items = arena_alloc(&config->arena, (list ? list->count + 1 : 1) * sizeof(*items));

    config->access_count = list ? list->count : 0;
    config->access = items;
    for (size_t i = 0; i < config->access_count; i++) {
        const struct node *node = list->items[i];

        items[i] = (struct config_access){
            .who = read_names(&config->arena, node, "who"),
            .role = (enum role)word_value(role_names, read_text(node, "role", "")),
            .tiers = read_names(&config->arena, node, "tiers"),
            .environments = read_names(&config->arena, node, "environments"),
            .tags = read_names(&config->arena, node, "tags"),
            .line = node->line,
        };
    }
}

/* Who is meant, whatever stands around it: what was to be told to one receiver must never reach another because a list was edited. */
static const char *receiver_id(struct arena *arena, const struct config_section *section)
{
    struct str said = STR_INIT;
    char hex[HASH_HEX_SIZE];

    for (size_t i = 0; i < section->node->count; i++) {
        const char *key = section->node->pairs[i].key->text;

        if (text_equal(key, "events") || text_equal(key, "tiers"))
            continue;
        str_addf(&said, "%s=", key);
        node_to_json(section->node->pairs[i].value, &said);
        str_add_char(&said, '\n');
    }
    hash_sha256(said.data, said.length, hex);
    str_release(&said);
    return arena_printf(arena, "%s:%.16s", section->provider, hex);
}

static void read_notify(struct loaded *loaded)
{
    struct config *config = &loaded->config;
    const struct node *list = node_get(config->root, "notify");
    struct config_notify *items = arena_alloc(&config->arena, (list ? list->count + 1 : 1) * sizeof(*items));

    config->notify_count = list ? list->count : 0;
    config->notify = items;
    for (size_t i = 0; i < config->notify_count; i++) {
        items[i].section = read_section(loaded, "notify", "", list->items[i]);
        items[i].id = receiver_id(&config->arena, &items[i].section);
        items[i].events = read_names(&config->arena, list->items[i], "events");
        items[i].tiers = read_names(&config->arena, list->items[i], "tiers");
        items[i].repository = items[i].ref = "";
        if (text_equal(items[i].section.provider, "git")) {
            items[i].repository = read_text(list->items[i], "repository", "");
            items[i].ref = read_text(list->items[i], "ref", AUDIT_REF);
        }
    }
}

static void read_freezes(struct loaded *loaded)
{
    struct config *config = &loaded->config;
    const struct node *list = node_get(config->root, "freezes");
    struct config_freeze *items = arena_alloc(&config->arena, (list ? list->count + 1 : 1) * sizeof(*items));

    config->freeze_count = list ? list->count : 0;
    config->freezes = items;
    for (size_t i = 0; i < config->freeze_count; i++) {
        const struct node *node = list->items[i];

        items[i].name = read_text(node, "name", "");
        items[i].tiers = read_names(&config->arena, node, "tiers");
        items[i].except = read_names(&config->arena, node, "except");
        items[i].line = node->line;
        if (!instant_parse(read_text(node, "from", ""), &items[i].from, NULL) ||
            !instant_parse(read_text(node, "to", ""), &items[i].until, NULL))
            items[i].from = items[i].until = 0; /* the check has seen both */
    }
}

/* `eks: 6` are steps, `eks: { runs: 2, steps: 6 }` both. */
static struct config_limit read_limit(struct config_limits *limits, const struct node_pair *pair)
{
    const bool plain = pair->value->kind == NODE_INT;
    const struct config_limit limit = {
        .name = pair->key->text,
        .runs = plain ? 0 : (int)read_int(pair->value, "runs", 0),
        .steps = (int)(plain ? pair->value->number : read_int(pair->value, "steps", 0)),
        .line = pair->key->line,
    };

    limits->divides_runs |= limit.runs > 0;
    limits->divides_steps |= limit.steps > 0;
    return limit;
}

static void read_divided(struct config *config, const struct node *limits)
{
    const struct node *targets = node_get(limits, "per_target"), *tiers = node_get(limits, "per_tier"),
                      *most = node_get(limits, "environments");
    struct config_limit *items = arena_alloc(&config->arena, (targets ? targets->count + 1 : 1) * sizeof(*items));

    config->limits.targets = items;
    config->limits.target_count = targets ? targets->count : 0;
    for (size_t i = 0; i < config->limits.target_count; i++)
        items[i] = read_limit(&config->limits, &targets->pairs[i]);
    for (size_t i = 0; tiers && i < tiers->count; i++)
        config->limits.tiers[word_value(tier_names, tiers->pairs[i].key->text)] =
            read_limit(&config->limits, &tiers->pairs[i]);
    for (int tier = TIER_NONE; tier <= TIER_PROD; tier++)
        config->limits.environments[tier] = (int)read_int(most, word_name(tier_names, tier), -1);
    config->limits.environments_line = most ? most->line : 0;
}

static void read_limits(struct config *config)
{
    const struct node *limits = node_get(config->root, "limits");

    config->limits.runs = (int)read_int(limits, "runs", 4);
    config->limits.steps = (int)read_int(limits, "steps", 8);
    config->limits.remove_at_once = (int)read_int(limits, "remove_at_once", 5);
    if (!share_parse(read_text(limits, "remove_share", ""), &config->limits.remove_share_percent))
        config->limits.remove_share_percent = 0;
    config->limits.line = limits ? limits->line : 0;
    read_divided(config, limits);
}

static void read_all(struct loaded *loaded)
{
    struct config *config = &loaded->config;
    const struct node *trusted = node_get(config->root, "trusted"), *artifacts = node_get(config->root, "artifacts");

    config->workspace = read_text(config->root, "workspace", "");
    config->repositories = read_sections(loaded, "repositories", "branches");
    config->trusted_repository = read_text(trusted, "repository", config->repositories.items[0].name);
    config->trusted_ref = read_text(trusted, "ref", "");
    config->secrets = read_sections(loaded, "secrets", "secrets");
    config->targets = read_sections(loaded, "targets", "targets");
    config->runners = read_sections(loaded, "runners", "runner");
    config->queues = read_sections(loaded, "queues", "queue");
    config->registries = read_sections(loaded, "registries", "images");
    if (artifacts) {
        struct config_section *section = arena_alloc(&config->arena, sizeof(*section));

        *section = read_section(loaded, "artifacts", "artifacts", artifacts);
        config->artifacts = section;
    }
    read_people(loaded);
    read_access(loaded);
    read_notify(loaded);
    read_freezes(loaded);
    read_limits(config);
    load_entries(loaded);
}

/* What lies behind the errors of a file: told with them. The configuration is thrown away afterwards. */
static void check_behind(struct loaded *loaded, const struct check *check, size_t first)
{
    static const char *const keys[SALVAGE_KEYS] = {"repositories", "trusted", "environments"};
    struct salvage salvage;

    if (salvage_begin(&salvage, check, first, keys)) {
        loaded->config.root = salvage.root;
        read_all(loaded);
        cross_check(loaded, &salvage.found);
        salvage_tell(&salvage);
    }
    salvage_release(&salvage);
}

struct config *config_load(const char *file, const char *text, size_t length, struct problems *problems)
{
    struct loaded *loaded = mem_zero(1, sizeof(*loaded));
    struct config *config = &loaded->config;
    size_t before = problems->errors, first = problems->list.count;
    struct check check;

    arena_init(&config->arena);
    loaded->file = file;
    config->file = arena_strdup(&config->arena, file);
    config->commit = "";
    config->root = node_parse(&config->arena, file, text, length, problems);
    if (config->root && problems->errors == before) {
        loaded->schema = schema_load(&config->arena, SCHEMA_BERTH);
        check = (struct check){.arena = &config->arena,
                               .schema = loaded->schema,
                               .file = file,
                               .root = config->root,
                               .problems = problems};
        check_tree(&check);
        if (problems->errors == before) {
            read_all(loaded);
            cross_check(loaded, problems);
        } else {
            check_behind(loaded, &check, first);
        }
        warn_unbuilt(problems, file, check.unbuilt_line, &check.unbuilt);
    }
    problems_sort(problems);
    if (problems->errors == before && config->root)
        return config;
    config_free(config);
    return NULL;
}

void config_free(struct config *config)
{
    struct loaded *loaded = (struct loaded *)(void *)config;

    if (!config)
        return;
    for (size_t i = 0; i < loaded->windows.count; i++)
        window_free(loaded->windows.items[i]);
    for (size_t i = 0; i < loaded->crons.count; i++)
        cron_free(loaded->crons.items[i]);
    vec_release(&loaded->windows);
    vec_release(&loaded->crons);
    arena_release(&config->arena);
    free(loaded);
}

const struct config_notify *config_notify_named(const struct config *config, const char *id)
{
    for (size_t i = 0; config && i < config->notify_count; i++) {
        if (text_equal(config->notify[i].id, id))
            return &config->notify[i];
    }
    return NULL;
}

const struct config_section *config_section_named(const struct config_sections *sections, const char *name)
{
    for (size_t i = 0; i < sections->count; i++) {
        if (text_equal(sections->items[i].name, name))
            return &sections->items[i];
    }
    return NULL;
}

const struct config_entry *config_entry_named(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->environment_count; i++) {
        if (text_equal(config->environments[i].name, name))
            return &config->environments[i];
    }
    return NULL;
}
