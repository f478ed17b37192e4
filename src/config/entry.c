/* SPDX-License-Identifier: ISC */
/* Turns the items of `environments` into typed entries. */
#include "config/expression.h"
#include "config/load.h"
#include "config/read.h"

#include "berth/base/str.h"
#include "berth/base/time.h"

#include <string.h>

static unsigned read_triggers(struct arena *arena, const struct node *node, const char *key, unsigned otherwise,
                              struct name_list *queues)
{
    static const struct {
        const char *name;
        enum trigger trigger;
    } triggers[] = {{"push", TRIGGER_PUSH},       {"pull_request", TRIGGER_PULL_REQUEST}, {"checks", TRIGGER_CHECKS},
                    {"comment", TRIGGER_COMMENT}, {"promote", TRIGGER_PROMOTE},           {"manual", TRIGGER_MANUAL}};
    struct name_list names = read_names(arena, node, key);
    const char **found = arena_alloc(arena, (names.count + 1) * sizeof(*found));
    unsigned bits = 0;

    queues->items = found;
    if (!node_get(node, key))
        return otherwise;
    for (size_t i = 0; i < names.count; i++) {
        if (text_starts(names.items[i], "queue:")) {
            bits |= TRIGGER_QUEUE;
            found[queues->count++] = names.items[i] + strlen("queue:");
        }
        for (size_t t = 0; t < sizeof(triggers) / sizeof(triggers[0]); t++) {
            if (text_equal(triggers[t].name, names.items[i]))
                bits |= (unsigned)triggers[t].trigger;
        }
    }
    return bits;
}

static void read_source(struct arena *arena, const struct node *source, struct config_entry *entry)
{
    const struct node *manual = node_get(source, "manual");

    if (node_get(source, "branches"))
        entry->sources |= 1u << SOURCE_BRANCHES;
    if (node_get(source, "pull_requests"))
        entry->sources |= 1u << SOURCE_PULL_REQUESTS;
    if (node_get(source, "promote_from"))
        entry->sources |= 1u << SOURCE_PROMOTE;
    if (manual)
        entry->sources |= 1u << SOURCE_MANUAL;
    if (read_bool(source, "worktree"))
        entry->sources |= 1u << SOURCE_WORKTREE;
    entry->branches = read_names(arena, source, "branches");
    entry->refs = read_names(arena, manual, "refs");
    entry->default_ref = read_text(manual, "default", "");
    entry->promote_from = read_text(source, "promote_from", "");
    entry->promote_by = read_text(source, "by", "commit");
}

static void read_gate(struct loaded *loaded, const struct node *gate, struct config_gate *into)
{
    struct arena *arena = &loaded->config.arena;
    struct name_list texts = read_names(arena, gate, "windows");
    const struct window **windows = arena_alloc(arena, (texts.count + 1) * sizeof(*windows));

    into->by = read_names(arena, gate, "by");
    into->require = read_names(arena, gate, "require");
    into->windows = windows;
    if (!gate)
        return;
    into->present = true;
    into->approvals = (int)read_int(gate, "approvals", 1);
    into->not_author = read_bool(gate, "not_author");
    into->expires_ms = read_duration(gate, "expires", 0);
    into->line = gate->line;
    for (size_t i = 0; i < texts.count; i++) {
        struct window *window = window_parse(texts.items[i], NULL);

        if (!window)
            continue;
        vec_push(&loaded->windows, window);
        windows[into->window_count++] = window;
    }
}

static void read_failure(struct arena *arena, const struct node *node, struct config_entry *entry)
{
    const struct node *rollback = node_get(node, "rollback"), *glass = node_get(node, "break_glass");
    int answer = word_value(failure_answer_names, read_text(node, "on_failure", "hold"));

    entry->on_failure = answer < 0 ? ANSWER_HOLD : (enum failure_answer)answer;
    entry->rollback.gate_none = text_equal(read_text(rollback, "gate", ""), "none");
    entry->rollback.ignore_windows = text_equal(read_text(rollback, "windows", ""), "ignore");
    entry->rollback.ask_if = read_names(arena, rollback, "ask_if");
    entry->rollback.line = rollback ? rollback->line : 0;
    entry->break_glass = glass != NULL;
    entry->break_glass_by = read_names(arena, glass, "by");
    entry->break_glass_ms = read_duration(glass, "for", 0);
}

static void read_life(struct arena *arena, const struct node *node, struct config_entry *entry)
{
    const struct node *ttl = node_get(node, "ttl"), *gone = node_get(node, "destroy_with_branch");
    const struct node *data = node_get(node, "data"), *require = node_get(node, "require");

    entry->ttl_default_ms = read_duration(ttl, "default", 0);
    entry->ttl_max_ms = read_duration(ttl, "max", 0);
    entry->ttl_from = read_text(ttl, "from", "created");
    entry->ttl_extensions = (int)read_int(ttl, "extensions", -1);
    entry->destroy_with_branch = gone != NULL;
    entry->destroy_after_ms = read_duration(gone, "after", 0);
    entry->data_policy = read_text(data, "policy", "");
    entry->data_seed = read_text(data, "seed", "");
    entry->require_checks = read_names(arena, require, "checks");
    entry->soak_ms = read_duration(require, "soak", 0);
    entry->slug_max = (int)read_int(node_get(node, "slug"), "max", 63);
    entry->permanent = read_bool(node, "permanent");
}

static void read_drift(struct loaded *loaded, const struct node *drift, struct config_entry *entry)
{
    struct cron *cron = drift ? cron_parse(read_text(drift, "schedule", ""), NULL) : NULL;

    entry->drift_blocks = read_names(&loaded->config.arena, drift, "blocks");
    entry->drift = cron;
    if (cron)
        vec_push(&loaded->crons, cron);
}

static void read_texts(struct config *config, const struct node *node, struct config_entry *entry)
{
    const struct node *name = node_get(node, "name");
    int tier = word_value(tier_names, read_text(node, "tier", ""));

    entry->name = name->text;
    entry->name_expression = expression_parse(&config->arena, name->text, NULL);
    entry->tier = tier < 0 ? TIER_NONE : (enum tier)tier;
    entry->description = read_text(node, "description", "");
    entry->deployment = read_text(node, "deployment", "");
    entry->repository = read_text(node, "repository", config->trusted_repository);
    entry->target = read_text(node, "target", "");
    entry->plan_target = read_text(node, "plan_target", "");
    entry->runner = read_text(node, "runner", "");
    entry->managed_by = read_text(node, "managed_by", "berth");
    entry->forks = read_text(node, "forks", "ask");
    entry->tags = read_names(&config->arena, node, "tags");
    entry->templates = read_names(&config->arena, node, "templates");
    entry->line = name->line;
    entry->node = node;
}

static void read_allow(struct arena *arena, const struct node *allow, struct config_entry *entry)
{
    entry->allow_present = allow != NULL;
    entry->allow_executors = read_names(arena, allow, "executors");
    entry->allow_secrets = read_names(arena, allow, "secrets");
    entry->allow_commands = read_names(arena, allow, "commands");
    entry->allow_targets = read_names(arena, allow, "targets");
    entry->allow_runners = read_names(arena, allow, "runners");
}

void load_entries(struct loaded *loaded)
{
    struct config *config = &loaded->config;
    struct arena *arena = &config->arena;
    const struct node *list = node_get(config->root, "environments");
    struct config_entry *entries = arena_alloc(arena, (list->count + 1) * sizeof(*entries));

    config->environments = entries;
    config->environment_count = list->count;
    for (size_t i = 0; i < list->count; i++) {
        const struct node *node = list->items[i];
        struct config_entry *entry = &entries[i];

        read_texts(config, node, entry);
        read_source(arena, node_get(node, "source"), entry);
        entry->deploy_on = read_triggers(arena, node, "deploy_on", TRIGGER_MANUAL, &entry->deploy_queues);
        entry->plan_on = read_triggers(arena, node, "plan_on", 0, &entry->plan_queues);
        entry->with = node_get(node, "with");
        entry->inputs = read_fields(arena, node, "inputs", &entry->input_count);
        read_allow(arena, node_get(node, "allow"), entry);
        read_gate(loaded, node_get(node, "gate"), &entry->gate);
        read_failure(arena, node, entry);
        read_life(arena, node, entry);
        read_drift(loaded, node_get(node, "drift"), entry);
    }
}
