/* SPDX-License-Identifier: ISC */
/* What keeps commits: which ones the rows of the store need, and what that says about the pins of a mirror. */
#include "engine/effects.h"

#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/engine.h"
#include "berth/store.h"

#include <stdlib.h>
#include <string.h>

#define RUNS_PREFIX "runs/"
#define POLICY_PIN "policy"
#define RELEASES_NAMED 1000 /* so many of an environment can be rolled back to: as many as a command finds */
#define COMMIT_DIGITS 40

struct need {
    const char *repository, *commit, *run; /* the run whose name its pin takes */
    const char *why;
};
struct engine_pins {
    struct arena arena;
    struct map needs;        /* "REPOSITORY COMMIT" -> struct need */
    struct map open;         /* runs that have not ended, by their id */
    struct map repositories; /* of those runs and needs: a set */
    const struct config *config;
};
struct loading {
    struct engine_pins *pins;
    struct store *store;
    const struct environment *environment; /* whose rows are read */
    int64_t now_ms;
    struct error *error;
    bool failed;
};

/* --- what is needed ------------------------------------------------------------------------------------------------ */

static const char *key_of(struct arena *arena, const char *repository, const char *commit)
{
    return arena_printf(arena, "%s %s", repository, commit);
}

static bool is_commit(const char *text)
{
    return text != NULL && strlen(text) == COMMIT_DIGITS && strspn(text, "0123456789abcdef") == COMMIT_DIGITS;
}

static void need(struct engine_pins *pins, const char *repository, const char *commit, const char *run, const char *why)
{
    const char *key;
    struct need *needed;

    if (text_empty(repository) || !is_commit(commit))
        return;
    key = key_of(&pins->arena, repository, commit);
    if (map_get(&pins->needs, key) != NULL)
        return;
    needed = arena_alloc(&pins->arena, sizeof *needed);
    *needed = (struct need){.repository = arena_strdup(&pins->arena, repository),
                            .commit = arena_strdup(&pins->arena, commit),
                            .run = arena_strdup(&pins->arena, run),
                            .why = why};
    (void)map_set(&pins->needs, key, needed);
    (void)map_set(&pins->repositories, needed->repository, pins);
}

/* Of each of `sources`: [{"repository","ref","commit"}]. */
static void need_sources(struct engine_pins *pins, const char *sources, const char *run, const char *why)
{
    json_t *list = json_column(sources), *source;
    size_t at;

    json_array_foreach(list, at, source)
        need(pins, json_get_text(source, "repository"), json_get_text(source, "commit"), run, why);
    json_decref(list);
}

static bool visit_resource(const void *row, void *context)
{
    const struct resource *resource = row;
    struct loading *loading = context;
    struct engine_pins *pins = loading->pins;

    need_sources(
        pins, resource->sources, resource->applied_run,
        arena_printf(&pins->arena, "%s of %s is undone from it", resource->address, loading->environment->name));
    return true;
}

static bool visit_release(const void *row, void *context)
{
    const struct release *release = row;
    struct loading *loading = context;
    struct engine_pins *pins = loading->pins;
    const char *why =
        arena_printf(&pins->arena, "release v%lld of %s", (long long)release->version, loading->environment->name);

    need_sources(pins, release->sources, release->run, why);
    need(pins, loading->environment->repository, release->commit, release->run, why);
    return true;
}

/* The newest that was to change the environment: if it failed it may be tried again, and goes on from the commit that it has. */
static bool visit_newest(const void *row, void *context)
{
    const struct run *run = row;
    struct loading *loading = context;
    struct engine_pins *pins = loading->pins;

    if (run->workflow == WORKFLOW_PLAN || run->workflow == WORKFLOW_EXEC)
        return true;
    if (run->status == RUN_FAILED)
        need_sources(pins, run->sources, run->id,
                     arena_printf(&pins->arena, "run %s of %s failed, and may be tried again", run->id,
                                  loading->environment->name));
    return false;
}

static bool load_environment(struct loading *loading, const struct environment *environment)
{
    static const char *const of_resource[] = {"id", "address", "sources", "applied_run", NULL};
    static const char *const of_release[] = {"id", "version", "run", "commit", "sources", NULL};
    static const char *const of_run[] = {"id", "workflow", "status", "sources", NULL};
    const struct store_query resources = {
        .type = &resource_type, .index = "environment", .equal = {environment->id}, .columns = of_resource};
    const struct store_query releases = {.type = &release_type,
                                         .index = "environment",
                                         .equal = {environment->id},
                                         .descending = true,
                                         .limit = RELEASES_NAMED,
                                         .columns = of_release};
    const struct store_query runs = {
        .type = &run_type, .index = "environment", .equal = {environment->id}, .descending = true, .columns = of_run};

    loading->environment = environment;
    return store_each(loading->store, &resources, visit_resource, loading, loading->error) &&
           store_each(loading->store, &releases, visit_release, loading, loading->error) &&
           store_each(loading->store, &runs, visit_newest, loading, loading->error);
}

struct environments {
    struct arena *arena;
    VEC(const struct environment *) rows;
};

static bool visit_environment(const void *row, void *context)
{
    struct environments *environments = context;

    vec_push(&environments->rows, record_copy(&environment_type, row, environments->arena));
    return true;
}

static bool load_environments(struct loading *loading)
{
    static const char *const columns[] = {"id", "name", "status", "repository", "commit", NULL};
    struct environments environments = {.arena = &loading->pins->arena};
    bool loaded = true;

    for (int status = 0; loaded && environment_status_names[status] != NULL; status++) {
        const struct store_query query = {.type = &environment_type,
                                          .index = "status",
                                          .equal = {word_name(environment_status_names, status)},
                                          .columns = columns};

        loaded = status == ENVIRONMENT_DESTROYED ||
                 store_each(loading->store, &query, visit_environment, &environments, loading->error);
    }
    for (size_t i = 0; loaded && i < environments.rows.count; i++)
        loaded = load_environment(loading, environments.rows.items[i]);
    for (size_t i = 0; loaded && i < environments.rows.count;
         i++) /* last: what has a run to be named after comes first */
        need(loading->pins, environments.rows.items[i]->repository, environments.rows.items[i]->commit, "",
             arena_printf(&loading->pins->arena, "%s has it", environments.rows.items[i]->name));
    vec_release(&environments.rows);
    return loaded;
}

static bool visit_open_run(const void *row, void *context)
{
    const struct run *run = row;
    struct loading *loading = context;
    struct engine_pins *pins = loading->pins;

    (void)map_set(&pins->open, run->id, pins);
    if (!text_empty(run->repository))
        (void)map_set(&pins->repositories, run->repository, pins);
    /* until it is prepared only its worker sets its pin: it may be at another commit by now than its row */
    need_sources(pins, run->sources, run->status == RUN_QUEUED || run->status == RUN_PREPARING ? "" : run->id,
                 arena_printf(&pins->arena, "run %s is %s", run->id, word_name(run_status_names, run->status)));
    return true;
}

static bool load_open_runs(struct loading *loading)
{
    static const char *const columns[] = {"id", "status", "repository", "sources", NULL};

    for (int status = RUN_QUEUED; status < RUN_DONE; status++) {
        const struct store_query query = {
            .type = &run_type, .index = "status", .equal = {word_name(run_status_names, status)}, .columns = columns};

        if (!store_each(loading->store, &query, visit_open_run, loading, loading->error))
            return false;
    }
    return true;
}

/* A wait that is longer than any is of a clock that went back: until it is right again nothing goes for it. */
static bool is_over(const struct recipe *recipe, int64_t now_ms)
{
    return recipe->kept_until <= now_ms && recipe->destroyed_at <= now_ms;
}

static bool visit_recipe(const void *row, void *context)
{
    const struct recipe *recipe = row;
    struct loading *loading = context;
    struct engine_pins *pins = loading->pins;

    if (!is_over(recipe, loading->now_ms))
        need_sources(pins, recipe->sources, recipe->run,
                     arena_printf(&pins->arena, "the recipe of %s, until %s", recipe->name,
                                  instant_text(&pins->arena, recipe->kept_until)));
    return true;
}

static bool load_recipes(struct loading *loading)
{
    static const char *const columns[] = {"id", "name", "sources", "run", "destroyed_at", "kept_until", NULL};
    const struct store_query query = {.type = &recipe_type, .columns = columns};

    return store_each(loading->store, &query, visit_recipe, loading, loading->error);
}

struct engine_pins *engine_pins_load(struct store *store, const struct config *config, int64_t now_ms,
                                     struct error *error)
{
    struct engine_pins *pins = mem_zero(1, sizeof *pins);
    struct loading loading = {.pins = pins, .store = store, .now_ms = now_ms, .error = error};

    pins->config = config;
    if (load_open_runs(&loading) && load_environments(&loading) && load_recipes(&loading))
        return pins;
    engine_pins_free(pins);
    return NULL;
}

void engine_pins_free(struct engine_pins *pins)
{
    if (pins == NULL)
        return;
    map_release(&pins->needs);
    map_release(&pins->open);
    map_release(&pins->repositories);
    arena_release(&pins->arena);
    vec_free(pins);
}

static const struct need *need_of(const struct engine_pins *pins, const char *repository, const char *commit,
                                  struct arena *arena)
{
    return map_get(&pins->needs, key_of(arena, repository, commit));
}

const char *engine_pins_needs(const struct engine_pins *pins, const char *repository, const char *commit)
{
    struct arena arena = {0};
    const struct need *needed = need_of(pins, repository, commit, &arena);

    arena_release(&arena);
    return needed != NULL ? needed->why : NULL;
}

/* --- what that says about pins --------------------------------------------------------------------------------------- */

struct judged {
    const struct engine_pin *pin;
    long long run; /* 0: it is no run's */
};

static long long run_of(const char *name)
{
    long long run;

    return text_starts(name, RUNS_PREFIX) && text_to_int(name + strlen(RUNS_PREFIX), &run) && run > 0 ? run : 0;
}

static int by_run(const void *a, const void *b)
{
    const struct judged *left = a, *right = b;

    return (left->run > right->run) - (left->run < right->run);
}

static void release(struct engine_pins_verdict *verdict, const struct engine_pin *pin, const char *why)
{
    const struct engine_pin released = {.name = pin->name, .commit = pin->commit, .why = why};

    vec_push(&verdict->release, released);
}

/* `held`: the commits that a pin before this one holds, with its name. */
static void judge_run(const struct engine_pins *pins, const char *repository, const struct judged *judged,
                      struct map *held, struct arena *arena, struct engine_pins_verdict *verdict)
{
    const char *run = arena_printf(arena, "%lld", judged->run), *commit = judged->pin->commit;
    bool needed = need_of(pins, repository, commit, arena) != NULL, open = map_get(&pins->open, run) != NULL;
    const char *by = map_get(held, commit);

    if (open || (needed && by == NULL)) {
        if (by == NULL)
            (void)map_set(held, commit, (void *)(uintptr_t)judged->pin->name);
        verdict->kept++;
    } else {
        release(verdict, judged->pin,
                needed ? arena_printf(arena, "run %s has ended, and %s holds the same commit", run, by)
                       : arena_printf(arena, "run %s has ended, and nothing needs its commit", run));
    }
}

static bool is_trusted(const struct engine_pins *pins, const char *repository)
{
    return pins->config == NULL || text_equal(pins->config->trusted_repository, repository);
}

static void judge_listed(const struct engine_pins *pins, const char *repository, const struct judged *judged,
                         size_t count, struct map *held, struct arena *arena, struct engine_pins_verdict *verdict)
{
    for (size_t i = 0; i < count; i++) {
        const struct engine_pin *pin = judged[i].pin;

        if (judged[i].run != 0)
            judge_run(pins, repository, &judged[i], held, arena, verdict);
        else if (text_equal(pin->name, POLICY_PIN) && !is_trusted(pins, repository))
            release(verdict, pin, "the policy is read elsewhere");
        else
            verdict->kept++;
    }
}

/* What is needed and held by nothing. A name that is taken is not moved: whoever has it may be about to need it. */
static void find_missing(const struct engine_pins *pins, const char *repository, const struct map *held,
                         const struct map *names, struct arena *arena, struct engine_pins_verdict *verdict)
{
    size_t at = 0;
    const char *key;
    void *value;

    while (map_next(&pins->needs, &at, &key, &value)) {
        const struct need *needed = value;
        struct engine_pin pin = {.commit = needed->commit, .why = needed->why};

        if (!text_equal(needed->repository, repository) || map_get(held, needed->commit) != NULL)
            continue;
        if (run_of(arena_printf(arena, RUNS_PREFIX "%s", needed->run)) == 0)
            continue; /* of what no run says: there is no name for it */
        pin.name = arena_printf(arena, RUNS_PREFIX "%s", needed->run);
        if (map_get(names, pin.name) == NULL)
            vec_push(&verdict->take, pin);
    }
}

void engine_pins_judge(const struct engine_pins *pins, const char *repository, const struct engine_pin *listed,
                       size_t count, struct arena *arena, struct engine_pins_verdict *verdict)
{
    struct judged *judged = arena_alloc(arena, (count + 1) * sizeof *judged);
    struct map held = {0}, names = {0};

    memset(verdict, 0, sizeof *verdict);
    for (size_t i = 0; i < count; i++) {
        judged[i] = (struct judged){.pin = &listed[i], .run = run_of(listed[i].name)};
        (void)map_set(&names, listed[i].name, judged);
    }
    qsort(judged, count, sizeof *judged, by_run);
    judge_listed(pins, repository, judged, count, &held, arena, verdict);
    find_missing(pins, repository, &held, &names, arena, verdict);
    verdict->wanted = pins->config == NULL || map_get(&pins->repositories, repository) != NULL ||
                      config_section_named(&pins->config->repositories, repository) != NULL;
    map_release(&held);
    map_release(&names);
}

void engine_pins_verdict_release(struct engine_pins_verdict *verdict)
{
    vec_release(&verdict->release);
    vec_release(&verdict->take);
}

/* --- rows that nothing refers to ---------------------------------------------------------------------------------------- */

struct sweeping {
    const struct engine_pins *pins;
    struct engine_effects *effects;
    int64_t now_ms;
    size_t limit, count;
};

static bool sweep(struct sweeping *sweeping, const struct record_type *type, const char *id)
{
    if (sweeping->count == sweeping->limit)
        return false;
    sweeping->count++;
    effects_remove(sweeping->effects, type, arena_strdup(sweeping->effects->arena, id));
    return true;
}

static bool sweep_recipe(const void *row, void *context)
{
    const struct recipe *recipe = row;
    struct sweeping *sweeping = context;

    return !is_over(recipe, sweeping->now_ms) || sweep(sweeping, &recipe_type, recipe->id);
}

static bool sweep_template(const void *row, void *context)
{
    const struct template_row *template = row;
    struct sweeping *sweeping = context;

    return engine_pins_needs(sweeping->pins, template->repository, template->commit) != NULL ||
           sweep(sweeping, &template_type, template->id);
}

bool engine_pins_sweep(struct store *store, const struct engine_pins *pins, int64_t now_ms, size_t limit,
                       struct engine_effects *effects, bool *more, struct error *error)
{
    static const char *const of_recipe[] = {"id", "destroyed_at", "kept_until", NULL};
    static const char *const of_template[] = {"id", "repository", "commit", NULL};
    const struct store_query recipes = {.type = &recipe_type, .columns = of_recipe};
    const struct store_query templates = {.type = &template_type, .columns = of_template};
    struct sweeping sweeping = {.pins = pins, .effects = effects, .now_ms = now_ms, .limit = limit};
    bool swept = store_each(store, &recipes, sweep_recipe, &sweeping, error) &&
                 store_each(store, &templates, sweep_template, &sweeping, error);

    *more = sweeping.count == limit;
    return swept;
}
