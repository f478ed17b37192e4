/* SPDX-License-Identifier: ISC */
/* Facts from a store: for a command, and for a run. */
#include "engine/accept.h"

#include "berth/base/hash.h"
#include "berth/base/str.h"
#include "berth/base/text.h"
#include "berth/config.h"
#include "berth/store.h"

#include <stdlib.h>

#define RELEASES_BACK 8 /* so many releases are looked at, but where one is named */
#define RELEASES_NAMED 1000
#define WAITING_LIMIT 256 /* so many waiting runs are touched at once; the rest when those went on */

struct loading {
    struct store *store;
    struct arena *arena;
    struct engine_facts *facts;
    struct error *error;
    int64_t releases;           /* so many are loaded */
    struct limit_counts counts; /* of runs at work, but for the one in question; no `config`: no such limits */
};
struct rows {
    const void **items;
    size_t count, room;
};

struct collecting {
    const struct record_type *type;
    struct arena *arena;
    struct rows rows;
};

static bool collect(const void *row, void *context)
{
    struct collecting *collecting = context;

    vec_push(&collecting->rows, record_copy(collecting->type, row, collecting->arena));
    return true;
}

static bool load_rows(struct loading *loading, const struct store_query *query, struct rows *rows)
{
    struct collecting collecting = {.type = query->type, .arena = loading->arena, .rows = *rows};
    bool loaded = store_each(loading->store, query, collect, &collecting, loading->error);

    *rows = collecting.rows;
    return loaded;
}
#define LOAD(vec, ...) \
    load_into(loading, &(struct store_query){__VA_ARGS__}, (void *)&(vec)->items, &(vec)->count, &(vec)->room)

static bool load_into(struct loading *loading, const struct store_query *query, void *items, size_t *count,
                      size_t *room)
{
    struct rows rows = {*(const void ***)items, *count, *room};
    bool loaded = load_rows(loading, query, &rows);

    *(const void ***)items = rows.items;
    *count = rows.count;
    *room = rows.room;
    return loaded;
}

/* --- one row ---------------------------------------------------------------------------------------------------- */

/* NULL when there is none; false on an error. */
static bool get(struct loading *loading, const struct record_type *type, const char *id, const void **row)
{
    void *place = arena_alloc(loading->arena, type->size);
    enum store_found found;

    *row = NULL;
    if (text_empty(id))
        return true;
    found = store_get(loading->store, type, id, loading->arena, place, loading->error);
    if (found == STORE_FOUND)
        *row = place;
    return found != STORE_ERROR;
}

static bool load_living(struct loading *loading, const char *name)
{
    VEC(const struct environment *) rows = {0};
    bool loaded = text_empty(name) ||
                  LOAD(&rows, .type = &environment_type, .index = "name", .equal = {name}, .descending = true);

    for (size_t i = 0; i < rows.count; i++)
        if (rows.items[i]->status != ENVIRONMENT_DESTROYED && loading->facts->environment == NULL)
            loading->facts->environment = rows.items[i];
    vec_release(&rows);
    return loaded;
}

/* The branch of that id, or of that name in any repository; NULL when there is none. */
static bool find_branch(struct loading *loading, const struct config *config, const char *name,
                        const struct branch **branch)
{
    const void *row = NULL;

    if (!text_empty(name) && !get(loading, &branch_type, name, &row))
        return false;
    for (size_t i = 0; row == NULL && !text_empty(name) && config != NULL && i < config->repositories.count; i++) {
        const char *id = arena_printf(loading->arena, "%s:%s", config->repositories.items[i].name, name);

        if (!get(loading, &branch_type, id, &row))
            return false;
    }
    *branch = row;
    return true;
}

static bool load_branch_named(struct loading *loading, const struct config *config, const char *name)
{
    return loading->facts->branch != NULL || find_branch(loading, config, name, &loading->facts->branch);
}

/* --- the environment's rows ------------------------------------------------------------------------------------------ */

static bool load_environment_rows(struct loading *loading)
{
    struct engine_facts *facts = loading->facts;
    const char *id = facts->environment != NULL ? facts->environment->id : NULL;

    return id == NULL ||
           (LOAD(&facts->resources, .type = &resource_type, .index = "environment", .equal = {id}) &&
            LOAD(&facts->releases, .type = &release_type, .index = "environment", .equal = {id}, .descending = true,
                 .limit = loading->releases) &&
            LOAD(&facts->holds, .type = &hold_type, .index = "environment", .equal = {id}) &&
            LOAD(&facts->entrypoints, .type = &entrypoint_type, .index = "environment", .equal = {id}) &&
            LOAD(&facts->templates, .type = &environment_template_type, .index = "environment", .equal = {id}) &&
            LOAD(&facts->groups, .type = &resource_group_type, .index = "environment", .equal = {id}));
}

static int by_number(const void *a, const void *b)
{
    int64_t left = (*(const struct run *const *)a)->number, right = (*(const struct run *const *)b)->number;

    return (left > right) - (left < right);
}

/* Those that have not ended, oldest first: a handful, however many have. */
static bool load_open_runs(struct loading *loading, const char *name)
{
    struct engine_facts *facts = loading->facts;

    for (int status = RUN_QUEUED; status < RUN_DONE; status++)
        if (!LOAD(&facts->runs, .type = &run_type, .index = "open",
                  .equal = {name, word_name(run_status_names, status)}))
            return false;
    if (facts->runs.count > 1)
        qsort(facts->runs.items, facts->runs.count, sizeof *facts->runs.items, by_number);
    return true;
}

static bool visit_applied(const void *row, void *context)
{
    const struct run *run = row;
    struct loading *loading = context;

    if (run->applying_at != 0) {
        loading->facts->applied_at = run->applying_at;
        loading->facts->applied_run = arena_strdup(loading->arena, run->id);
    }
    return false;
}

static bool load_runs(struct loading *loading, const char *name)
{
    static const char *const columns[] = {"id", "applying_at", NULL};
    const struct environment *environment = loading->facts->environment;
    struct store_query applied = {
        .type = &run_type, .index = "applied", .descending = true, .limit = 1, .columns = columns};

    if (text_empty(name))
        return true;
    applied.equal[0] = environment != NULL ? environment->id : NULL;
    return load_open_runs(loading, name) &&
           (environment == NULL || store_each(loading->store, &applied, visit_applied, loading, loading->error));
}

static bool load_slug(struct loading *loading, const struct config *config, const char *name)
{
    struct engine_facts *facts = loading->facts;
    const struct config_entry *entry = config != NULL ? config_entry_for_name(config, name) : NULL;
    VEC(const struct environment *) rows = {0};
    struct str slug = STR_INIT;
    bool loaded;

    if (facts->environment != NULL || text_empty(name))
        return true;
    config_entry_slug(entry, name, &slug);
    facts->slug = arena_strdup(loading->arena, slug.data);
    str_release(&slug);
    loaded = LOAD(&rows, .type = &environment_type, .index = "slug", .equal = {facts->slug});
    for (size_t i = 0; i < rows.count; i++)
        facts->slug_taken |= rows.items[i]->status != ENVIRONMENT_DESTROYED;
    vec_release(&rows);
    return loaded;
}

struct living {
    struct loading *loading;
    const struct config *config;
    const char *own; /* name of the environment in question */
    int tier;
    VEC(const char *) coming; /* names that a run is going to make */
};

static bool visit_living(const void *row, void *context)
{
    const struct environment *environment = row;
    struct living *living = context;

    living->loading->facts->living_in_tier += environment->tier == living->tier &&
                                              environment->status != ENVIRONMENT_DESTROYED &&
                                              environment->status != ENVIRONMENT_ABSENT;
    return true;
}

/* A plan leaves no environment. */
static bool visit_coming(const void *row, void *context)
{
    const struct run *run = row;
    struct living *living = context;
    const struct config_entry *entry = config_entry_named(living->config, run->entry);

    if (run->workflow != WORKFLOW_DEPLOY || run->applying_at != 0 || entry == NULL ||
        (int)entry->tier != living->tier || text_equal(run->environment_name, living->own))
        return true;
    for (size_t i = 0; i < living->coming.count; i++)
        if (text_equal(living->coming.items[i], run->environment_name))
            return true;
    vec_push(&living->coming, arena_strdup(living->loading->arena, run->environment_name));
    return true;
}

/* What is deployed for the first time, and not there yet. */
static bool count_coming(struct living *living)
{
    static const char *const columns[] = {"id", "workflow", "entry", "environment_name", "applying_at", NULL};
    struct loading *loading = living->loading;
    VEC(const struct environment *) rows = {0};
    bool counted = true;

    for (int status = RUN_QUEUED; counted && status < RUN_DONE; status++) {
        struct store_query query = {
            .type = &run_type, .index = "status", .equal = {word_name(run_status_names, status)}, .columns = columns};

        counted = store_each(loading->store, &query, visit_coming, living, loading->error);
    }
    for (size_t i = 0; counted && i < living->coming.count; i++) {
        bool there = false;

        vec_clear(&rows);
        counted = LOAD(&rows, .type = &environment_type, .index = "name", .equal = {living->coming.items[i]});
        for (size_t r = 0; r < rows.count; r++)
            there |= rows.items[r]->status != ENVIRONMENT_DESTROYED && rows.items[r]->status != ENVIRONMENT_ABSENT;
        loading->facts->living_in_tier += !there;
    }
    vec_release(&rows);
    return counted;
}

/* Only where a first deploy may be one too many. */
static bool load_tier(struct loading *loading, const struct config *config, const struct subject *subject)
{
    static const char *const columns[] = {"id", "tier", "status", NULL};
    const struct environment *own = loading->facts->environment;
    const struct config_entry *entry = subject->entry;
    struct living living = {.loading = loading, .config = config, .own = subject->environment};
    struct store_query query = {.type = &environment_type, .columns = columns};
    bool counted;

    if (config == NULL || entry == NULL || config->limits.environments[entry->tier] < 0 ||
        (own != NULL && own->status != ENVIRONMENT_ABSENT))
        return true; /* it is there already */
    living.tier = (int)entry->tier;
    counted = store_each(loading->store, &query, visit_living, &living, loading->error) && count_coming(&living);
    vec_release(&living.coming);
    return counted;
}

/* --- the workspace ------------------------------------------------------------------------------------------------------ */

static bool visit_active(const void *row, void *context)
{
    const struct run *run = row;
    struct loading *loading = context;
    const struct engine_active active = {.run = arena_strdup(loading->arena, run->id),
                                         .entry = arena_strdup(loading->arena, run->entry)};

    vec_push(&loading->facts->active, active);
    return true;
}

/* One by one where a target or tier has a limit of its own. */
static bool count_active(struct loading *loading, const struct config *config)
{
    static const char *const columns[] = {"id", "entry", NULL};
    const bool divided = config != NULL && config->limits.divides_runs;

    for (int status = RUN_QUEUED; status < RUN_DONE; status++) {
        struct store_query query = {
            .type = &run_type, .index = "status", .equal = {word_name(run_status_names, status)}, .columns = columns};
        int64_t count = 0;

        if (!run_is_active(status))
            continue;
        if (divided && !store_each(loading->store, &query, visit_active, loading, loading->error))
            return false;
        if (!store_count(loading->store, &query, &count, loading->error))
            return false;
        loading->facts->runs_active += count;
    }
    if (divided)
        runs_count(loading->facts, loading->facts->run != NULL ? loading->facts->run->id : "", &loading->counts,
                   loading->arena);
    return true;
}

/* Who waits for a limit of its own target or tier gains nothing when another's slot comes free. */
static bool may_have_slot(const struct loading *loading, const struct run *run)
{
    const struct limit_counts *counts = &loading->counts;
    const struct config_entry *entry = counts->config != NULL ? config_entry_named(counts->config, run->entry) : NULL;

    return entry == NULL || !limit_reached(counts, entry->target, (int)entry->tier);
}

static bool visit_id(const void *row, void *context)
{
    const struct run *run = row;
    struct loading *loading = context;

    vec_push(&loading->facts->waiting, arena_strdup(loading->arena, run->id));
    return loading->facts->waiting.count < WAITING_LIMIT;
}

static bool visit_queued(const void *row, void *context)
{
    return !may_have_slot(context, row) || visit_id(row, context);
}

static bool visit_slot_waiter(const void *row, void *context)
{
    const struct run *run = row;

    return !text_starts(run->status_reason, WAITS_FOR_SLOT) || visit_queued(row, context);
}

static bool load_waiting(struct loading *loading, int status, store_visit *visit)
{
    static const char *const columns[] = {"id", "entry", "status_reason", NULL};
    struct store_query query = {
        .type = &run_type, .index = "status", .equal = {word_name(run_status_names, status)}, .columns = columns};

    return store_each(loading->store, &query, visit, loading, loading->error);
}

static bool load_waiting_for_slots(struct loading *loading, const struct config *config)
{
    return (config == NULL || config->limits.runs == 0 || load_waiting(loading, RUN_GATE, visit_slot_waiter)) &&
           load_waiting(loading, RUN_QUEUED, visit_queued);
}

static bool load_freezes(struct loading *loading)
{
    struct engine_facts *facts = loading->facts;
    struct freeze *rows;
    size_t count;

    if (!store_freezes(loading->store, loading->arena, &rows, &count, loading->error))
        return false;
    for (size_t i = 0; i < count; i++)
        vec_push(&facts->freezes, &rows[i]);
    return true;
}

static bool load_workspace(struct loading *loading, const char *name, const struct config *config)
{
    return load_environment_rows(loading) && load_runs(loading, name) && load_slug(loading, config, name) &&
           count_active(loading, config) && load_waiting_for_slots(loading, config) && load_freezes(loading);
}

/* --- who feeds an environment ------------------------------------------------------------------------------------------ */

#define FEEDING_RELEASES 64

struct feeding {
    struct loading *loading;
    const struct environment *environment;
    const char *by;
    bool failed;
};

/* Of its own repository: what else a run takes from others belongs to no branch there. */
static void look_at_feeder(struct feeding *feeding, const char *repository, const char *ref)
{
    const void *row = NULL;
    const struct branch *branch;

    if (feeding->failed || *feeding->by != '\0' || text_empty(ref) || text_equal(ref, feeding->environment->branch) ||
        !text_equal(repository, feeding->environment->repository))
        return;
    feeding->failed =
        !get(feeding->loading, &branch_type, arena_printf(feeding->loading->arena, "%s:%s", repository, ref), &row);
    branch = row;
    if (branch != NULL && branch->gone_at == 0)
        feeding->by = branch->name;
}

static bool visit_feeding_run(const void *row, void *context)
{
    const struct run *run = row;
    struct feeding *feeding = context;

    if (run->workflow == WORKFLOW_DEPLOY && text_empty(run->superseded_by))
        look_at_feeder(feeding, run->repository, run->ref);
    return !feeding->failed && *feeding->by == '\0';
}

static bool visit_feeding_release(const void *row, void *context)
{
    struct feeding *feeding = context;
    json_t *sources = json_column(((const struct release *)row)->sources), *source;
    size_t at;

    json_array_foreach(sources, at, source)
    {
        const char *repository = json_get_text(source, "repository"), *ref = json_get_text(source, "ref");

        look_at_feeder(feeding, repository, ref);
    }
    json_decref(sources);
    return !feeding->failed && *feeding->by == '\0';
}

static bool each_feeding(struct feeding *feeding, const struct store_query *query, store_visit *visit)
{
    return store_each(feeding->loading->store, query, visit, feeding, feeding->loading->error) && !feeding->failed;
}

bool engine_load_fed_by(struct store *store, const struct environment *environment, struct arena *arena,
                        const char **fed_by, struct error *error)
{
    static const char *const of_run[] = {"id", "workflow", "repository", "ref", "superseded_by", NULL};
    static const char *const of_release[] = {"id", "sources", NULL};
    struct loading loading = {.store = store, .arena = arena, .error = error};
    struct feeding feeding = {.loading = &loading, .environment = environment, .by = ""};
    const struct store_query releases = {.type = &release_type,
                                         .index = "environment",
                                         .equal = {environment->id},
                                         .columns = of_release,
                                         .descending = true,
                                         .limit = FEEDING_RELEASES};
    bool loaded = true;

    for (int status = RUN_QUEUED; loaded && status < RUN_HELD; status++) {
        const struct store_query runs = {.type = &run_type,
                                         .index = "open",
                                         .equal = {environment->name, word_name(run_status_names, status)},
                                         .columns = of_run};

        loaded = each_feeding(&feeding, &runs, visit_feeding_run);
    }
    loaded = loaded && (*feeding.by != '\0' || each_feeding(&feeding, &releases, visit_feeding_release));
    *fed_by = feeding.by;
    return loaded;
}

/* What the end of an environment is judged by. */
static bool load_own_branch(struct loading *loading)
{
    struct engine_facts *facts = loading->facts;
    const struct environment *environment = facts->environment;
    const void *row;

    if (environment == NULL || text_empty(environment->branch))
        return true;
    if (!get(loading, &branch_type, arena_printf(loading->arena, "%s:%s", environment->repository, environment->branch),
             &row))
        return false;
    facts->own_branch = row;
    if (!get(loading, &repository_type, environment->repository, &row))
        return false;
    facts->own_repository = row;
    return facts->own_branch == NULL || facts->own_branch->gone_at == 0 ||
           engine_load_fed_by(loading->store, environment, loading->arena, &facts->fed_by, loading->error);
}

static bool load_answer(struct loading *loading)
{
    const struct run *run = loading->facts->run;
    VEC(const struct run *) rows = {0};
    bool loaded = run->status != RUN_ROLLING_BACK ||
                  LOAD(&rows, .type = &run_type, .index = "parent", .equal = {run->id}, .descending = true, .limit = 1);

    if (rows.count > 0)
        loading->facts->answer = rows.items[0];
    vec_release(&rows);
    return loaded;
}

static bool load_failed(struct loading *loading)
{
    struct engine_facts *facts = loading->facts;
    const struct run *run = facts->run;
    const void *row;

    if (!run_rolls_back(run) || text_empty(run->parent))
        return true;
    if (!get(loading, &run_type, run->parent, &row))
        return false;
    facts->failed = row;
    return LOAD(&facts->failed_plans, .type = &plan_type, .index = "run", .equal = {run->parent});
}

static bool load_run_rows(struct loading *loading)
{
    struct engine_facts *facts = loading->facts;
    const char *run = facts->run != NULL ? facts->run->id : NULL;

    return run == NULL ||
           (LOAD(&facts->steps, .type = &step_type, .index = "run", .equal = {run}) &&
            LOAD(&facts->plans, .type = &plan_type, .index = "run", .equal = {run}) &&
            LOAD(&facts->approvals, .type = &approval_type, .index = "run", .equal = {run}) &&
            (!run_destroys(facts->run) || load_own_branch(loading)) && load_answer(loading) && load_failed(loading));
}

static void begin(struct loading *loading, struct store *store, const struct config *config, int64_t now_ms,
                  struct arena *arena, struct engine_facts *facts, struct error *error)
{
    *facts = (struct engine_facts){.now_ms = now_ms, .config = config, .owner_uid = -1, .applied_run = "", .slug = ""};
    *loading =
        (struct loading){.store = store, .arena = arena, .facts = facts, .error = error, .releases = RELEASES_BACK};
}

/* A deploy that is not planned yet stands on no environment: when the one it was asked for is destroyed it is about the name. */
static bool is_free_of(const struct run *run, const struct environment *environment)
{
    return environment != NULL && environment->status == ENVIRONMENT_DESTROYED && !run_destroys(run) &&
           !run_rolls_back(run) && (run->status == RUN_QUEUED || run->status == RUN_PREPARING);
}

static bool load_branch_of_run(struct loading *loading, const struct config *config, const struct run *run)
{
    return run == NULL || text_empty(run->ref) ||
           load_branch_named(loading, config, arena_printf(loading->arena, "%s:%s", run->repository, run->ref));
}

static bool load_run(struct loading *loading, const struct config *config, const char *id)
{
    struct engine_facts *facts = loading->facts;
    const void *row;

    if (!get(loading, &run_type, id, &row))
        return false;
    facts->run = row;
    if (row == NULL)
        return true;
    if (!get(loading, &environment_type, facts->run->environment, &row))
        return false;
    facts->environment = row;
    if (is_free_of(facts->run, facts->environment))
        facts->environment = NULL;
    if (facts->environment == NULL && !load_living(loading, facts->run->environment_name))
        return false;
    if (!get(loading, &command_type, facts->run->command, &row))
        return false;
    facts->command = row;
    return load_branch_of_run(loading, config, facts->run);
}

bool engine_load_for_run(struct store *store, const char *run, const struct config *config, int64_t now_ms,
                         struct arena *arena, struct engine_facts *facts, struct error *error)
{
    struct loading loading;

    begin(&loading, store, config, now_ms, arena, facts, error);
    if (!load_run(&loading, config, run))
        return false;
    if (facts->run == NULL)
        return error_set(error, ERROR_NOT_FOUND, "there is no run '%s'", run);
    return load_workspace(&loading, facts->run->environment_name, config) && load_run_rows(&loading);
}

/* --- for a command ---------------------------------------------------------------------------------------------------- */

/* The run that "approve review/x" means: the newest of the environment that the verb can be about. */
static const struct run *run_meant(const struct engine_facts *facts, const char *verb)
{
    for (size_t i = facts->runs.count; i-- > 0;) {
        const struct run *run = facts->runs.items[i];

        if (policy_run_takes(run, verb))
            return run;
    }
    return facts->runs.count > 0 ? facts->runs.items[facts->runs.count - 1] : NULL;
}

static bool load_about_run(struct loading *loading, const struct command *command, const struct config *config)
{
    struct engine_facts *facts = loading->facts;
    const void *row = NULL;
    long long number;
    const char *name;

    if (text_to_int(command->subject, &number)) {
        if (!load_run(loading, config, command->subject))
            return false;
        name = facts->run != NULL ? facts->run->environment_name : "";
        return load_workspace(loading, name, config) && load_run_rows(loading);
    }
    if (!load_living(loading, command->subject) || !load_workspace(loading, command->subject, config))
        return false;
    facts->run = run_meant(facts, command->verb);
    if (facts->run != NULL && !get(loading, &command_type, facts->run->command, &row))
        return false;
    facts->command = facts->run != NULL ? row : NULL;
    return load_branch_of_run(loading, config, facts->run) && load_run_rows(loading);
}

static bool lifts_what_others_wait_for(const char *verb)
{
    return text_equal(verb, "unfreeze") || text_equal(verb, "resume-all") || text_equal(verb, "unhold") ||
           text_equal(verb, "unprotect");
}

static bool load_about_environment(struct loading *loading, const struct command *command, const struct config *config)
{
    struct engine_facts *facts = loading->facts;
    json_t *arguments = json_column(command->arguments);
    const char *ref = arena_strdup(loading->arena, json_get_text(arguments, "ref"));
    struct subject subject;

    json_decref(arguments);
    if (!load_living(loading, command->subject) || !find_branch(loading, config, ref, &facts->ref_branch))
        return false;
    if (facts->environment == NULL && !load_branch_named(loading, config, command->subject))
        return false;
    subject_resolve(config, command, facts->environment, facts->branch, loading->arena, &subject);
    if (!subject.by_branch)
        facts->branch = NULL; /* of the same name, no more */
    if (facts->environment == NULL && !load_living(loading, subject.environment))
        return false;
    if (text_empty(ref) && facts->environment != NULL && !text_empty(facts->environment->branch))
        ref = arena_printf(loading->arena, "%s:%s", facts->environment->repository, facts->environment->branch);
    if (!load_branch_named(loading, config, ref)) /* none yet: the subject is no branch */
        return false;
    return load_workspace(loading, subject.environment, config) &&
           (!text_equal(command->verb, "destroy") || load_own_branch(loading)) &&
           (!text_equal(command->verb, "deploy") || load_tier(loading, config, &subject)) &&
           (!lifts_what_others_wait_for(command->verb) || load_waiting(loading, RUN_GATE, visit_id));
}

bool engine_load_for_command(struct store *store, const struct command *command, const struct config *config,
                             int64_t now_ms, struct arena *arena, struct engine_facts *facts, struct error *error)
{
    struct loading loading;

    begin(&loading, store, config, now_ms, arena, facts, error);
    if (text_equal(command->verb, "rollback"))
        loading.releases = RELEASES_NAMED;
    return subject_is_run(command->verb) ? load_about_run(&loading, command, config)
                                         : load_about_environment(&loading, command, config);
}
