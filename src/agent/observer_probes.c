/* SPDX-License-Identifier: ISC */
/*
 * The observer of probes: has every probe of every recorded resource looked at when it is due, each resource by a short process of its own, and sends what
 * they saw as soon as it is known. A probe that never answers holds up no other: its looker ends by a deadline, it is looked at less often, and its kind has
 * at most half of the lookers. The observer itself calls no provider, so no provider can hang it.
 */
#include "agent/observer.h"

#include "agent/looker.h"
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
#define PROBE_SLOW_MS 2500   /* who takes longer is looked at less often … */
#define SLOW_EVERY_MS 15000  /* … down to this, or to its own interval */
#define LOOKERS_LIMIT 16     /* at once */
#define SLOW_LOOKERS_LIMIT 8 /* of them for who was slow the last time */
#define IDLE_MS 60000

struct probe {
    char *resource, *spec; /* ids and JSON, owned */
    json_t *parsed;
    const struct provider *provider;
    int64_t every_ms, next_ms;
    int64_t wait_ms; /* since it was slow; 0: it was not */
    bool kept;       /* still there at the last reading of the store */
};

struct probes {
    struct observer observer;
    struct store *store;
    VEC(struct probe) list;
    VEC(struct looker) lookers;
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

static void leave_out(const char *id, const struct error *error, void *context)
{
    char line[2200];
    (void)context;
    log_line("agent", LOG_WARNING, "resource %s is not looked at: %s", id, error_line(error, line, sizeof line));
}

static void read_probes(struct probes *probes)
{
    static const char *const columns[] = {"id", "status", "external", "applied_at", "probes", "observed_by", NULL};
    struct error error = {0};
    struct store_query query = {.type = &resource_type, .columns = columns, .damaged = leave_out};
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

/* In the looker: the worst of all probes of the resource, of which one is due. */
static json_t *look_at_resource(const char *resource, void *context)
{
    struct probes *probes = context;
    json_t *worst = NULL;
    for (size_t i = 0; i < probes->list.count; i++) {
        if (!text_equal(probes->list.items[i].resource, resource))
            continue;
        json_t *one = look(probes, &probes->list.items[i]);
        bool worse = !worst || badness(json_get_text(one, "status")) > badness(json_get_text(worst, "status"));
        json_decref(worse ? worst : one);
        worst = worse ? one : worst;
    }
    return worst;
}

/* --- lookers --------------------------------------------------------------------------------------------------------- */

static bool is_looked_at(const struct probes *probes, const char *resource)
{
    for (size_t i = 0; i < probes->lookers.count; i++)
        if (text_equal(probes->lookers.items[i].resource, resource))
            return true;
    return false;
}

static size_t slow_lookers(const struct probes *probes)
{
    size_t slow = 0;
    for (size_t i = 0; i < probes->lookers.count; i++)
        slow += probes->lookers.items[i].slow;
    return slow;
}

/* The probe that has waited longest of those that may be looked at now; NULL: none. */
static struct probe *next_due(struct probes *probes, int64_t now)
{
    struct probe *due = NULL;
    bool slow_too = slow_lookers(probes) < SLOW_LOOKERS_LIMIT;
    for (size_t i = 0; i < probes->list.count; i++) {
        struct probe *probe = &probes->list.items[i];
        if (probe->next_ms <= now && (!due || probe->next_ms < due->next_ms) && (slow_too || probe->wait_ms == 0) &&
            !is_looked_at(probes, probe->resource))
            due = probe;
    }
    return due;
}

/* A resource is looked at whole: the next look at each of its probes counts from the same end. */
static void set_next(struct probes *probes, const char *resource, int64_t took_ms)
{
    int64_t now = time_monotonic_ms();
    for (size_t i = 0; i < probes->list.count; i++) {
        struct probe *probe = &probes->list.items[i];
        if (!text_equal(probe->resource, resource))
            continue;
        int64_t most = probe->every_ms > SLOW_EVERY_MS ? probe->every_ms : SLOW_EVERY_MS;
        int64_t wait = probe->wait_ms > 0 ? 2 * probe->wait_ms : 2 * probe->every_ms;
        probe->wait_ms = took_ms < PROBE_SLOW_MS ? 0 : wait < most ? wait : most;
        probe->next_ms = now + (probe->wait_ms > 0 ? probe->wait_ms : probe->every_ms);
    }
}

static void start_due(struct probes *probes)
{
    struct probe *probe;
    struct error error = {0};
    int64_t now = time_monotonic_ms();
    while (probes->lookers.count < LOOKERS_LIMIT && (probe = next_due(probes, now))) {
        struct looker looker;
        int64_t until = now;
        for (size_t i = 0; i < probes->list.count; i++)
            if (text_equal(probes->list.items[i].resource, probe->resource))
                until += PROBE_DEADLINE_MS;
        if (!looker_start(&looker, probe->resource, until + PROBE_DEADLINE_MS, look_at_resource, probes, &error)) {
            log_error("agent", LOG_WARNING, &error);
            error_clear(&error);
            set_next(probes, probe->resource, 0);
            continue;
        }
        looker.slow = probe->wait_ms > 0;
        vec_push(&probes->lookers, looker);
    }
}

/* Sends in one message what all who are ready have seen. */
static void take_answers(struct probes *probes)
{
    int64_t slowest = 0;
    json_t *seen = json_array();
    for (size_t i = 0; i < probes->lookers.count;) {
        struct looker *looker = &probes->lookers.items[i];
        json_t *answer = looker_answer(looker);
        if (!answer) {
            i++;
            continue;
        }
        int64_t took = time_monotonic_ms() - looker->began_ms;
        slowest = took > slowest ? took : slowest;
        json_array_append_new(seen, answer);
        set_next(probes, looker->resource, took);
        looker_release(looker);
        probes->lookers.items[i] = probes->lookers.items[--probes->lookers.count];
    }
    if (json_array_size(seen) == 0)
        json_decref(seen);
    else
        observer_send(&probes->observer, FRAME_OBSERVED,
                      json_pack("{s:I, s:I, s:I, s:o}", "at", (json_int_t)time_now_ms(), "took_ms", (json_int_t)slowest,
                                "count", (json_int_t)probes->list.count, "seen", seen));
}

static int64_t next_wait(const struct probes *probes)
{
    int64_t now = time_monotonic_ms(), wait = IDLE_MS;
    bool full = probes->lookers.count >= LOOKERS_LIMIT, slow_full = slow_lookers(probes) >= SLOW_LOOKERS_LIMIT;
    for (size_t i = 0; i < probes->lookers.count; i++)
        if (probes->lookers.items[i].until_ms - now < wait)
            wait = probes->lookers.items[i].until_ms - now;
    for (size_t i = 0; i < probes->list.count && !full; i++) {
        const struct probe *probe = &probes->list.items[i];
        if (probe->next_ms - now < wait && !(slow_full && probe->wait_ms > 0) && !is_looked_at(probes, probe->resource))
            wait = probe->next_ms - now;
    }
    return wait > 0 ? wait : 0;
}

/* Waits for an answer, for what is due next, or (true) for the bell. */
static bool wait_for_news(struct probes *probes)
{
    int fds[1 + LOOKERS_LIMIT];
    bool ready[1 + LOOKERS_LIMIT] = {false};
    fds[0] = store_bell(probes->store);
    for (size_t i = 0; i < probes->lookers.count; i++)
        fds[i + 1] = probes->lookers.items[i].fd;
    observer_wait(&probes->observer, fds, ready, 1 + probes->lookers.count, next_wait(probes));
    for (size_t i = 0; i < probes->lookers.count; i++)
        if (ready[i + 1])
            looker_read(&probes->lookers.items[i]);
    return ready[0];
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
        if (changed)
            read_probes(&probes);
        start_due(&probes);
        bool rung = wait_for_news(&probes);
        take_answers(&probes);
        changed = store_changed(probes.store);
        if (rung) /* a run writes often: its probes can wait for the end of the burst */
            observer_wait(&probes.observer, NULL, NULL, 0, EVERY_LEAST_MS / 4);
    }
    for (size_t i = 0; i < probes.lookers.count; i++)
        looker_release(&probes.lookers.items[i]);
    for (size_t i = 0; i < probes.list.count; i++)
        release_probe(&probes.list.items[i]);
    vec_release(&probes.lookers);
    vec_release(&probes.list);
    store_close(probes.store);
    observer_release(&probes.observer);
    return 0;
}
