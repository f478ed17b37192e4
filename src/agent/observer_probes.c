/* SPDX-License-Identifier: ISC */
/*
 * The observer of probes: looks at every probe of every recorded resource at its interval, spread over time, and sends what it saw in one message a
 * sweep. A probe that never answers ends by its own deadline and costs only its turn.
 */
#include "agent/observer.h"

#include "agent/protocol.h"
#include "berth/base/log.h"
#include "berth/base/time.h"
#include "berth/model/environment.h"
#include "berth/provider.h"
#include "berth/store.h"

#include <stdlib.h>
#include <string.h>

#define EVERY_MS 15000
#define EVERY_LEAST_MS 1000
#define PROBE_DEADLINE_MS 5000
#define IDLE_MS 60000

struct probe {
    char *resource, *spec; /* ids and JSON, owned */
    json_t *parsed;
    const struct provider *provider;
    int64_t every_ms, next_ms;
    bool kept; /* still there at the last reading of the store */
};

struct probes {
    struct observer observer;
    struct store *store;
    VEC(struct probe) list;
};

static int64_t interval_of(const json_t *spec)
{
    int64_t every = EVERY_MS;
    const char *text = json_get_text(spec, "every");
    if (!text_empty(text) && !duration_parse(text, &every, NULL))
        every = EVERY_MS;
    return every < EVERY_LEAST_MS ? EVERY_LEAST_MS : every;
}

static void keep_probe(struct probes *probes, const char *resource, json_t *spec)
{
    char *text = json_dumps(spec, JSON_COMPACT | JSON_SORT_KEYS);
    for (size_t i = 0; i < probes->list.count; i++) {
        struct probe *probe = &probes->list.items[i];
        if (text_equal(probe->resource, resource) && text_equal(probe->spec, text)) {
            probe->kept = true;
            free(text);
            return;
        }
    }
    struct probe probe = {
        .resource = mem_strdup(resource),
        .spec = text,
        .parsed = json_incref(spec),
        .provider = setup_probe(spec),
        .every_ms = interval_of(spec),
        .kept = true,
    };
    vec_push(&probes->list, probe);
}

/* What is being made, changed or taken away is not looked at; nor what was never applied, unless it is not ours. */
static bool worth_probing(const struct resource *resource)
{
    if (resource->external)
        return resource->status != RESOURCE_GONE;
    if (resource->status == RESOURCE_FAILED) /* by a probe, not by its apply */
        return text_equal(resource->observed_by, "probes");
    return resource->applied_at > 0 && (resource->status == RESOURCE_OK || resource->status == RESOURCE_DEGRADED ||
                                        resource->status == RESOURCE_UNKNOWN);
}

static bool visit_resource(const void *row, void *context)
{
    const struct resource *resource = row;
    size_t at;
    json_t *spec;
    if (text_empty(resource->probes) || !worth_probing(resource))
        return true;
    json_t *list = json_column(resource->probes);
    json_array_foreach(list, at, spec) if (json_is_object(spec)) keep_probe(context, resource->id, spec);
    json_decref(list);
    return true;
}

static void release_probe(struct probe *probe)
{
    free(probe->resource);
    free(probe->spec);
    json_decref(probe->parsed);
}

static void read_probes(struct probes *probes)
{
    static const char *const columns[] = {"id", "status", "external", "applied_at", "probes", "observed_by", NULL};
    struct error error = {0};
    struct store_query query = {.type = &resource_type, .columns = columns};
    for (size_t i = 0; i < probes->list.count; i++)
        probes->list.items[i].kept = false;
    if (!store_each(probes->store, &query, visit_resource, probes, &error)) {
        log_error("agent", LOG_WARNING, &error);
        return;
    }
    for (size_t i = 0; i < probes->list.count;) {
        if (probes->list.items[i].kept) {
            i++;
            continue;
        }
        release_probe(&probes->list.items[i]);
        probes->list.items[i] = probes->list.items[--probes->list.count];
    }
}

static json_t *look(struct probes *probes, const struct probe *probe)
{
    struct arena arena = {0};
    struct error error = {0};
    char line[2200] = "";
    struct resource seen = {.status = RESOURCE_UNKNOWN};
    struct provider_context context = {
        .config = probes->observer.setup.config,
        .store_folder = probes->observer.setup.options->store_folder,
        .run_folder = "",
        .token = "",
        .deadline_ms = time_monotonic_ms() + PROBE_DEADLINE_MS,
        .stop_fd = -1,
    };
    if (!probe->provider)
        seen.status_reason = "no probe of this kind is built yet";
    else if (!provider_call_probe(probe->provider, &context, probe->parsed, &arena, &seen, &error)) {
        seen.status = RESOURCE_UNKNOWN;
        seen.status_reason = error_line(&error, line, sizeof line);
    }
    json_t *result = json_pack("{s:s, s:s, s:s, s:s}", "resource", probe->resource, "status",
                               word_name(resource_status_names, seen.status), "reason",
                               seen.status_reason ? seen.status_reason : "", "ready", seen.ready ? seen.ready : "");
    arena_release(&arena);
    return result;
}

/* The worst of a resource's probes is what it is: failed before degraded before unknown before ok. */
static int badness(const char *status)
{
    static const char *const order[] = {"ok", "unknown", "degraded", "failed"};
    for (int i = 0; i < 4; i++)
        if (text_equal(order[i], status))
            return i;
    return 1;
}

static void add_seen(json_t *seen, json_t *one)
{
    size_t at;
    json_t *other;
    json_array_foreach(seen, at, other)
    {
        if (!text_equal(json_get_text(other, "resource"), json_get_text(one, "resource")))
            continue;
        if (badness(json_get_text(one, "status")) > badness(json_get_text(other, "status")))
            json_array_set(seen, at, one);
        json_decref(one);
        return;
    }
    json_array_append_new(seen, one);
}

/* Looks at all probes of every resource of which one is due, so that the worst of them is known. */
static void sweep(struct probes *probes)
{
    int64_t began = time_monotonic_ms();
    json_t *seen = json_array();
    for (size_t i = 0; i < probes->list.count && !probes->observer.ended; i++) {
        struct probe *probe = &probes->list.items[i];
        if (probe->next_ms > began)
            continue;
        for (size_t j = 0; j < probes->list.count; j++)
            if (text_equal(probes->list.items[j].resource, probe->resource)) {
                add_seen(seen, look(probes, &probes->list.items[j]));
                probes->list.items[j].next_ms = time_monotonic_ms() + probes->list.items[j].every_ms;
            }
    }
    if (json_array_size(seen) == 0) {
        json_decref(seen);
        return;
    }
    observer_send(&probes->observer, FRAME_OBSERVED,
                  json_pack("{s:I, s:I, s:o}", "at", (json_int_t)time_now_ms(), "took_ms",
                            (json_int_t)(time_monotonic_ms() - began), "seen", seen));
}

static int64_t next_wait(const struct probes *probes)
{
    int64_t now = time_monotonic_ms(), wait = IDLE_MS;
    for (size_t i = 0; i < probes->list.count; i++)
        if (probes->list.items[i].next_ms - now < wait)
            wait = probes->list.items[i].next_ms - now;
    return wait > 0 ? wait : 0;
}

int observer_probes_main(const struct agent_options *options)
{
    struct probes probes = {.store = NULL};
    struct error error = {0};
    observer_init(&probes.observer, options);
    probes.store = store_open(options->store_folder, STORE_READER, &error);
    if (!probes.store)
        log_error("agent", LOG_ERROR, &error);
    bool changed = true;
    while (probes.store && !probes.observer.ended) {
        int bell = store_bell(probes.store);
        bool rung = false;
        if (changed)
            read_probes(&probes);
        sweep(&probes);
        observer_wait(&probes.observer, &bell, &rung, 1, next_wait(&probes));
        changed = store_changed(probes.store);
        if (rung) /* a run writes often: its probes can wait for the end of the burst */
            observer_wait(&probes.observer, NULL, NULL, 0, EVERY_LEAST_MS / 4);
    }
    for (size_t i = 0; i < probes.list.count; i++)
        release_probe(&probes.list.items[i]);
    vec_release(&probes.list);
    store_close(probes.store);
    observer_release(&probes.observer);
    return 0;
}
