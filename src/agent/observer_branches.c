/* SPDX-License-Identifier: ISC */
/*
 * The observer of branches: reads the policy of the trusted ref, lists every repository, follows them, and sends only what changed: rows in small
 * batches, then the end of the listing with what it missed. What is known it has from the store at its start, so a restart sends nothing again.
 */
#include "agent/observer.h"

#include "agent/protocol.h"
#include "berth/base/fault.h"
#include "berth/base/log.h"
#include "berth/base/time.h"
#include "berth/model/environment.h"
#include "berth/provider.h"
#include "berth/store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH_ROWS 1000
#define POLL_MS 30000         /* of what cannot be watched */
#define WATCHED_POLL_MS 60000 /* of what can: a watch may miss */
#define AGAIN_MS 1000         /* after a listing that missed a branch, or the first that failed */
#define SETTLE_MS 20          /* refs change in bursts */
#define POLICY_FILE "berth.yaml"
#define POLICY_LIMIT (16u << 20)

struct known {
    char commit[65]; /* first: the provider reads it as the map's text */
    uint64_t seen;   /* the number of the listing that saw it last */
};

struct watched { /* one repository */
    char *name;
    struct map known;   /* branch name -> struct known, owned */
    struct map missing; /* branch name -> itself: missed once */
    struct str state;   /* of `follow` at the last listing */
    int fd;
    int64_t next_ms;   /* monotonic */
    int64_t said_ms;   /* the same: that a listing ended, or still holds */
    uint64_t listings; /* begun */
    int failures;      /* looks that failed one after the other */
    bool loaded;       /* `known` has been read from the store */
};

struct branches {
    struct observer observer;
    VEC(struct watched) repositories;
    char *policy_commit;
};

/* --- known branches -------------------------------------------------------------------------------------------------- */

static void forget(struct map *map, const char *key)
{
    free(map_remove(map, key));
}

static void release_map(struct map *map)
{
    size_t at = 0;
    const char *key;
    void *value;
    while (map_next(map, &at, &key, &value))
        free(value);
    map_release(map);
}

static void know(struct watched *watched, const char *name, const char *commit)
{
    struct known *known = map_get(&watched->known, name);
    if (!known) {
        known = mem_zero(1, sizeof *known);
        map_set(&watched->known, name, known);
    }
    text_copy(known->commit, sizeof known->commit, commit);
    known->seen = watched->listings;
}

static bool visit_known(const void *row, void *context)
{
    const struct branch *branch = row;
    struct watched *watched = context;
    if (branch->gone_at == 0 && branch->misses == 0)
        know(watched, branch->name, branch->commit);
    else if (branch->gone_at == 0)
        free(map_set(&watched->missing, branch->name, mem_strdup(branch->name)));
    return true;
}

/* It counts as new: what is listed of it writes the row again. */
static void forget_damaged(const char *id, const struct error *error, void *context)
{
    char line[2200];
    (void)context;
    log_line("agent", LOG_WARNING, "branch %s is read anew: %s", id, error_line(error, line, sizeof line));
}

static void load_known(struct branches *branches, struct watched *watched)
{
    static const char *const columns[] = {"id", "name", "commit", "gone_at", "misses", NULL};
    struct error error = {0};
    struct store *store = store_open(branches->observer.setup.options->store_folder, STORE_READER, &error);
    struct store_query query = {.type = &branch_type,
                                .index = "repository",
                                .equal = {watched->name},
                                .columns = columns,
                                .damaged = forget_damaged};
    watched->loaded = store && store_each(store, &query, visit_known, watched, &error);
    if (!watched->loaded)
        log_error("agent", LOG_WARNING, &error);
    store_close(store);
}

/* --- a listing -------------------------------------------------------------------------------------------------------- */

struct listing {
    struct branches *branches;
    struct watched *watched;
    struct str batch;
    size_t rows, count;
};

static bool send_batch(struct listing *listing)
{
    bool sent =
        listing->rows == 0 || observer_send_bytes(&listing->branches->observer, FRAME_BRANCHES, &listing->batch);
    str_clear(&listing->batch);
    listing->rows = 0;
    return sent;
}

static bool visit_branch(const struct branch *branch, void *owner)
{
    struct listing *listing = owner;
    struct known *known = map_get(&listing->watched->known, branch->name);
    listing->count++;
    if (known && text_equal(known->commit, branch->commit)) {
        known->seen = listing->watched->listings;
        return true;
    }
    record_pack(&branch_type, branch, &listing->batch);
    know(listing->watched, branch->name, branch->commit);
    forget(&listing->watched->missing, branch->name);
    if (++listing->rows < BATCH_ROWS)
        return true;
    fault_point("observer.mid_listing");
    return send_batch(listing);
}

static bool is_seen(const struct watched *watched, const char *name)
{
    const struct known *known = map_get(&watched->known, name);
    return known && known->seen == watched->listings;
}

/* What was known, or missed once before, and was not seen now. */
static json_t *collect_missing(struct listing *listing)
{
    struct watched *watched = listing->watched;
    json_t *missing = json_array();
    struct map first = {0};
    size_t at = 0;
    const char *name;
    void *value;
    while (map_next(&watched->missing, &at, &name, &value))
        if (!is_seen(watched, name))
            json_array_append_new(missing, json_sprintf("%s:%s", watched->name, name));
    release_map(&watched->missing);
    at = 0;
    while (map_next(&watched->known, &at, &name, &value)) {
        const struct known *known = value;
        if (known->seen == watched->listings)
            continue;
        json_array_append_new(missing, json_sprintf("%s:%s", watched->name, name));
        map_set(&first, name, mem_strdup(name));
    }
    at = 0;
    while (map_next(&first, &at, &name, &value))
        forget(&watched->known, name);
    watched->missing = first;
    return missing;
}

static struct provider_context context_for(struct branches *branches, const struct config_section *section)
{
    return (struct provider_context){
        .config = branches->observer.setup.config,
        .section = section,
        .store_folder = branches->observer.setup.options->store_folder,
        .run_folder = "",
        .token = "",
        .stop_fd = -1,
    };
}

static void send_listed(struct listing *listing, const struct config_section *section, bool complete,
                        const char *default_branch, const struct error *error, int64_t took_ms)
{
    char line[2200] = "";
    const struct node *url = node_get(section->node, "url");
    if (error->code != ERROR_NONE)
        error_line(error, line, sizeof line);
    json_t *missing = complete ? collect_missing(listing) : json_array();
    if (json_array_size(missing) > 0 && listing->watched->missing.count > 0)
        listing->watched->next_ms = time_monotonic_ms() + AGAIN_MS;
    json_t *message = json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:I, s:I, s:o}", "repository", listing->watched->name,
                                "provider", section->provider, "url", url ? url->text : "", "complete", complete,
                                "default_branch", default_branch ? default_branch : "", "error", line, "count",
                                (json_int_t)listing->count, "took_ms", (json_int_t)took_ms, "missing", missing);
    observer_send(&listing->branches->observer, FRAME_LISTED, message);
    listing->watched->said_ms = time_monotonic_ms();
}

/* Nothing moved since the listing: what is shown is as old as this look. Refs are touched in storms that change nothing. */
static void send_unchanged(struct branches *branches, struct watched *watched)
{
    const int64_t now = time_monotonic_ms();
    if (watched->failures > 0 || now - watched->said_ms < AGAIN_MS)
        return;
    observer_send(&branches->observer, FRAME_LISTED,
                  json_pack("{s:s, s:b}", "repository", watched->name, "unchanged", 1));
    watched->said_ms = now;
}

/* What fails is asked again soon, then ever more rarely: a remote that refuses is not to be pressed. */
static void look_again_soon(struct watched *watched)
{
    int64_t wait_ms = AGAIN_MS;
    for (int i = 0; i < watched->failures && wait_ms < POLL_MS; i++)
        wait_ms *= 2;
    watched->failures++;
    watched->next_ms = time_monotonic_ms() + (wait_ms < POLL_MS ? wait_ms : POLL_MS);
}

static void list_repository(struct branches *branches, struct watched *watched, const struct config_section *section,
                            const struct provider *provider)
{
    struct listing listing = {.branches = branches, .watched = watched, .batch = STR_INIT};
    struct provider_context context = context_for(branches, section);
    struct arena arena = {0};
    struct error error = {0};
    const char *default_branch = NULL;
    bool complete = false;
    int64_t began = time_monotonic_ms();
    watched->listings++;
    bool listed = provider_call_list(provider, &context, watched->name, &watched->known, visit_branch, &listing,
                                     &complete, &default_branch, &arena, &error) &&
                  send_batch(&listing);
    fault_point("observer.after_listing");
    if (listed && complete)
        watched->failures = 0;
    else
        look_again_soon(watched);
    if (!branches->observer.ended)
        send_listed(&listing, section, listed && complete, default_branch, &error, time_monotonic_ms() - began);
    str_release(&listing.batch);
    arena_release(&arena);
}

/* The supervisor ends who looks for too long. */
static void say_sweeping(struct branches *branches, const char *repository)
{
    observer_send(&branches->observer, FRAME_SWEEPING, json_pack("{s:s}", "repository", repository));
}

/* Lists again when the refs may have changed since the last time. */
static void look_at_repository(struct branches *branches, struct watched *watched)
{
    struct str state = STR_INIT;
    struct error error = {0};
    const struct config_section *section = setup_repository(&branches->observer.setup, watched->name, &error);
    const struct provider *provider = section ? provider_named(section->provider) : NULL;
    if (!provider || !provider->branches) {
        watched->next_ms = time_monotonic_ms() + POLL_MS;
        return;
    }
    struct provider_context context = context_for(branches, section);
    int64_t began = time_monotonic_ms();
    bool followed = provider_call_follow(provider, &context, &state, &watched->fd, &error);
    bool again = watched->missing.count > 0;
    watched->next_ms = time_monotonic_ms() + (watched->fd >= 0 ? WATCHED_POLL_MS : POLL_MS);
    if (!followed) { /* what an earlier look left here is not what is there now */
        struct listing failed = {.branches = branches, .watched = watched, .batch = STR_INIT};
        str_clear(&watched->state);
        look_again_soon(watched);
        send_listed(&failed, section, false, NULL, &error, time_monotonic_ms() - began);
    } else if (again || !text_equal(state.data, watched->state.data)) {
        str_clear(&watched->state);
        str_add(&watched->state, state.data);
        list_repository(branches, watched, section, provider);
    } else {
        send_unchanged(branches, watched);
    }
    str_release(&state);
}

/* --- policy ------------------------------------------------------------------------------------------------------------ */

static void send_policy(struct branches *branches, const char *repository, const char *ref, const char *commit,
                        const char *text, const struct error *error)
{
    char line[2200] = "";
    if (error->code != ERROR_NONE)
        error_line(error, line, sizeof line);
    json_t *message = json_pack("{s:s, s:s, s:s, s:s, s:s%, s:s}", "repository", repository, "ref", ref, "commit",
                                commit, "path", POLICY_FILE, "text", text, strlen(text), "error", line);
    if (!message) { /* not valid UTF-8 */
        message = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "repository", repository, "ref", ref, "commit", commit,
                            "path", POLICY_FILE, "text", "", "error", POLICY_FILE " is not valid UTF-8");
    }
    observer_send(&branches->observer, FRAME_POLICY, message);
}

struct trusted {
    struct provider_context context;
    const struct provider *provider;
    const char *name, *ref, *commit, *kind, *branch;
};

static bool read_policy_at(struct trusted *trusted, const char *ref, struct arena *arena, struct str *text,
                           struct error *error)
{
    const struct provider *git = trusted->provider;
    str_clear(text);
    if (!provider_call_resolve(git, &trusted->context, trusted->name, ref, arena, &trusted->commit, &trusted->kind,
                               &trusted->branch, error) ||
        !provider_call_pin(git, &trusted->context, trusted->name, trusted->commit, "policy", error))
        return false;
    trusted->ref = text_empty(ref) ? trusted->branch : ref;
    if (provider_call_read(git, &trusted->context, trusted->name, trusted->commit, POLICY_FILE, POLICY_LIMIT, text,
                           error))
        return true;
    error_context(error, "cannot read the policy from %s of the trusted ref '%s'", POLICY_FILE,
                  trusted->ref ? trusted->ref : "");
    return error_hint(error, "commit a %s there: `berth init` writes a first one", POLICY_FILE);
}

/* The trusted ref that a policy names: its own `trusted.ref`, or "". */
static const char *ref_named_by(const struct str *text, struct arena *arena)
{
    struct problems problems;
    problems_init(&problems, arena);
    const struct node *root = node_parse(arena, POLICY_FILE, text->data, text->length, &problems);
    const struct node *ref = node_get(node_get(root, "trusted"), "ref");
    problems_release(&problems);
    return ref ? ref->text : "";
}

static void look_at_policy(struct branches *branches)
{
    struct arena arena = {0};
    struct error error = {0};
    struct str text = STR_INIT;
    const struct config *config = branches->observer.setup.config;
    const struct config_section *section =
        setup_repository(&branches->observer.setup, config ? config->trusted_repository : "", &error);
    struct trusted trusted = {.name = config ? config->trusted_repository : branches->observer.setup.bootstrap.name};
    trusted.provider = section ? provider_named(section->provider) : NULL;
    if (!trusted.provider || !trusted.provider->branches) {
        arena_release(&arena);
        return;
    }
    trusted.context = context_for(branches, section);
    bool read = read_policy_at(&trusted, config ? config->trusted_ref : "", &arena, &text, &error);
    if (read) {
        const char *named = arena_strdup(&arena, ref_named_by(&text, &arena));
        if (!text_empty(named) && !text_equal(named, trusted.ref))
            read = read_policy_at(&trusted, named, &arena, &text, &error);
    }
    if (!read || !text_equal(trusted.commit, branches->policy_commit)) {
        send_policy(branches, trusted.name, trusted.ref ? trusted.ref : "", read ? trusted.commit : "",
                    read ? text.data : "", &error);
        free(branches->policy_commit);
        branches->policy_commit = mem_strdup(read ? trusted.commit : "");
    }
    str_release(&text);
    arena_release(&arena);
}

/* --- the loop -------------------------------------------------------------------------------------------------------------- */

static bool is_watched(const struct branches *branches, const char *name)
{
    for (size_t i = 0; i < branches->repositories.count; i++)
        if (text_equal(branches->repositories.items[i].name, name))
            return true;
    return false;
}

static void watched_release(struct watched *watched)
{
    release_map(&watched->known);
    release_map(&watched->missing);
    str_release(&watched->state);
    free(watched->name);
    if (watched->fd >= 0)
        close(watched->fd);
}

/* As many as the policy names, and none that it names no more. */
static void watch_repositories(struct branches *branches)
{
    const struct config *config = branches->observer.setup.config;
    for (size_t i = 0; config && i < branches->repositories.count;) {
        if (config_section_named(&config->repositories, branches->repositories.items[i].name)) {
            i++;
            continue;
        }
        watched_release(&branches->repositories.items[i]);
        branches->repositories.items[i] = branches->repositories.items[--branches->repositories.count];
    }
    for (size_t i = 0; config && i < config->repositories.count; i++) {
        const struct config_section *section = &config->repositories.items[i];
        if (is_watched(branches, section->name))
            continue;
        struct watched watched = {.name = mem_strdup(section->name), .fd = -1, .state = STR_INIT};
        vec_push(&branches->repositories, watched);
    }
}

static int64_t next_look(const struct branches *branches)
{
    int64_t now = time_monotonic_ms(), wait = branches->repositories.count > 0 ? POLL_MS : AGAIN_MS;
    for (size_t i = 0; i < branches->repositories.count; i++)
        if (branches->repositories.items[i].next_ms - now < wait)
            wait = branches->repositories.items[i].next_ms - now;
    return wait > 0 ? wait : 0;
}

static void wait_for_news(struct branches *branches)
{
    int *fds = mem_zero(branches->repositories.count + 1, sizeof *fds);
    bool *ready = mem_zero(branches->repositories.count + 1, sizeof *ready), any = false;
    for (size_t i = 0; i < branches->repositories.count; i++)
        fds[i] = branches->repositories.items[i].fd;
    observer_wait(&branches->observer, fds, ready, branches->repositories.count, next_look(branches));
    for (size_t i = 0; i < branches->repositories.count; i++) {
        any = any || ready[i];
        if (ready[i])
            branches->repositories.items[i].next_ms = 0;
    }
    free(fds);
    free(ready);
    if (any)
        observer_wait(&branches->observer, NULL, NULL, 0, SETTLE_MS);
}

static void look_at_all(struct branches *branches)
{
    int64_t now = time_monotonic_ms();
    for (size_t i = 0; i < branches->repositories.count && !branches->observer.ended; i++) {
        struct watched *watched = &branches->repositories.items[i];
        if (!watched->loaded)
            load_known(branches, watched);
        if (watched->next_ms > now)
            continue;
        say_sweeping(branches, watched->name);
        look_at_repository(branches, watched);
    }
}

int observer_branches_main(const struct agent_options *options)
{
    struct branches branches = {.policy_commit = NULL};
    observer_init(&branches.observer, options);
    observer_wait(&branches.observer, NULL, NULL, 0, 0);
    while (!branches.observer.ended) {
        const struct config *config = branches.observer.setup.config;
        say_sweeping(&branches, config ? config->trusted_repository : branches.observer.setup.bootstrap.name);
        look_at_policy(&branches);
        watch_repositories(&branches);
        look_at_all(&branches);
        say_sweeping(&branches, "");
        fault_point("observer.waiting");
        if (!branches.observer.ended)
            wait_for_news(&branches);
    }
    for (size_t i = 0; i < branches.repositories.count; i++)
        watched_release(&branches.repositories.items[i]);
    vec_release(&branches.repositories);
    free(branches.policy_commit);
    observer_release(&branches.observer);
    return 0;
}
