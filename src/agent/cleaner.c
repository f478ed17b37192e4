/* SPDX-License-Identifier: ISC */
/*
 * Looks after environments that end by themselves: loads what the engine wants to know of all of them, and writes what it decides. A look follows
 * whatever may have changed an end (a listing, a command, an environment's row, another policy) and the instants the engine named, at most once a second.
 */
#include "agent/supervisor.h"

#include "berth/base/log.h"
#include "berth/base/fault.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/store.h"

#define LOOK_EVERY_MS 1000
#define JUMP_MS \
    (10 *       \
     MS_MINUTE) /* the wall clock may drift so far from the one that counts since boot, asleep or not, between two looks */
#define SWEEP_ID "cleaner/environments"

struct loading {
    struct supervisor *supervisor;
    struct arena *arena;
    struct clean_facts *facts;
};

static bool collect_environment(const void *row, void *context)
{
    struct loading *loading = context;
    const struct environment *environment = row;
    if (environment->status == ENVIRONMENT_DESTROYED && environment->destroyed_at > loading->facts->now_ms - MS_HOUR &&
        environment->ends_at != 0 && environment->ends_at <= environment->destroyed_at)
        loading->facts->ended_lately++;
    if (environment->status != ENVIRONMENT_DESTROYED && environment->status != ENVIRONMENT_ABSENT) {
        const struct environment *copy = record_copy(&environment_type, row, loading->arena);
        vec_push(&loading->facts->environments, copy);
    }
    return true;
}

static bool collect_repository(const void *row, void *context)
{
    struct loading *loading = context;
    if (listing_is_fresh(loading->supervisor, ((const struct repository *)row)->id)) {
        const struct repository *copy = record_copy(&repository_type, row, loading->arena);
        vec_push(&loading->facts->repositories, copy);
    }
    return true;
}

static bool collect_hold(const void *row, void *context)
{
    struct loading *loading = context;
    const struct hold *copy = record_copy(&hold_type, row, loading->arena);
    vec_push(&loading->facts->holds, copy);
    return true;
}

static bool load_freezes(struct loading *loading, struct error *error)
{
    struct freeze *rows;
    size_t count;
    if (!store_freezes(loading->supervisor->store, loading->arena, &rows, &count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        vec_push(&loading->facts->freezes, &rows[i]);
    return true;
}

static bool collect_run(const void *row, void *context)
{
    struct loading *loading = context;
    const struct run *copy = record_copy(&run_type, row, loading->arena);
    vec_push(&loading->facts->runs, copy);
    return true;
}

/* Its own; NULL: there is none. */
static bool get_branch(struct loading *loading, const struct environment *environment, const struct branch **branch,
                       struct error *error)
{
    struct branch *row = arena_alloc(loading->arena, sizeof *row);
    const char *id = arena_printf(loading->arena, "%s:%s", environment->repository, environment->branch);
    enum store_found found = text_empty(environment->branch)
                                 ? STORE_MISSING
                                 : store_get(loading->supervisor->store, &branch_type, id, loading->arena, row, error);
    *branch = found == STORE_FOUND ? row : NULL;
    return found != STORE_ERROR;
}

static bool load_branches(struct loading *loading, struct error *error)
{
    for (size_t i = 0; i < loading->facts->environments.count; i++) {
        const struct environment *environment = loading->facts->environments.items[i];
        const struct branch *own;
        const char *fed_by = "";
        if (!get_branch(loading, environment, &own, error) ||
            (own && own->gone_at != 0 &&
             !engine_load_fed_by(loading->supervisor->store, environment, loading->arena, &fed_by, error)))
            return false;
        vec_push(&loading->facts->branches, own);
        vec_push(&loading->facts->fed_by, fed_by);
    }
    return true;
}

static bool load_runs(struct loading *loading, struct error *error)
{
    for (int status = RUN_QUEUED; status < RUN_DONE; status++) {
        struct store_query query = {
            .type = &run_type, .index = "status", .equal = {word_name(run_status_names, status)}};
        if (!store_each(loading->supervisor->store, &query, collect_run, loading, error))
            return false;
    }
    return true;
}

struct key_search {
    struct arena *arena;
    struct command *command; /* that has the key, or NULL */
};

static bool take_command(const void *row, void *context)
{
    struct key_search *search = context;
    search->command = record_copy(&command_type, row, search->arena);
    return false;
}

/* The command of that key, or NULL; in the arena. */
static bool find_key(struct supervisor *supervisor, const char *key, struct arena *arena,
                     const struct command **command, struct error *error)
{
    static const char *const columns[] = {"id", "status", "run", "answered_at", NULL};
    struct key_search search = {.arena = arena};
    struct store_query query = {.type = &command_type, .index = "key", .equal = {key}, .columns = columns, .limit = 1};
    bool found = store_each(supervisor->store, &query, take_command, &search, error);
    *command = search.command;
    return found;
}

/* What became of its end, as the last look wrote it, when it is over. */
static bool load_asked(struct loading *loading, const struct environment *environment, struct clean_asked *asked,
                       struct error *error)
{
    const struct command *command;
    bool next = environment->ends_at != 0 && environment->ends_at <= loading->facts->now_ms;
    while (next) {
        struct run run;
        const char *key = engine_clean_key(loading->arena, environment, environment->ends_at, asked->tries);
        if (!find_key(loading->supervisor, key, loading->arena, &command, error))
            return false;
        if (!command)
            return true;
        struct error unread = {0};
        enum store_found found = text_empty(command->run) ? STORE_MISSING
                                                          : store_get(loading->supervisor->store, &run_type,
                                                                      command->run, loading->arena, &run, &unread);
        if (found == STORE_ERROR &&
            unread.code != ERROR_DAMAGED) { /* damaged: it is let alone, as what went another way */
            if (error)
                *error = unread;
            return false;
        }
        loading->facts->asked_for += command->status == COMMAND_WAITING;
        next = engine_clean_asked(command, found == STORE_FOUND ? &run : NULL, asked);
    }
    return true;
}

/* An environment that cannot be read is let alone: nothing is known of its life. */
static void leave_out(const char *id, const struct error *error, void *context)
{
    char line[2200];
    (void)context;
    log_line("agent", LOG_ERROR, "the cleaner lets environment %s alone: %s", id, error_line(error, line, sizeof line));
}

static bool load(struct loading *loading, struct error *error)
{
    struct store *store = loading->supervisor->store;
    struct clean_facts *facts = loading->facts;
    const struct store_query environments = {.type = &environment_type, .damaged = leave_out},
                             repositories = {.type = &repository_type}, holds = {.type = &hold_type};
    if (!store_each(store, &environments, collect_environment, loading, error) ||
        !store_each(store, &repositories, collect_repository, loading, error) ||
        !store_each(store, &holds, collect_hold, loading, error) || !load_freezes(loading, error) ||
        !load_runs(loading, error))
        return false;
    if (!load_branches(loading, error))
        return false;
    for (size_t i = 0; i < facts->environments.count; i++) {
        struct clean_asked asked = {.answered = false};
        if (!load_asked(loading, facts->environments.items[i], &asked, error))
            return false;
        vec_push(&facts->asked, asked);
    }
    return true;
}

/* A command whose key is known was asked before. */
static bool is_known(struct supervisor *supervisor, const struct engine_put *put)
{
    struct arena arena = {0};
    const struct command *before = NULL;
    bool known = put->type == &command_type && put->row &&
                 find_key(supervisor, ((const struct command *)put->row)->key, &arena, &before, NULL) && before;
    arena_release(&arena);
    return known;
}

static void drop_known(struct supervisor *supervisor, struct engine_effects *effects)
{
    size_t kept = 0;
    for (size_t i = 0; i < effects->puts.count; i++) {
        if (is_known(supervisor, &effects->puts.items[i]))
            continue;
        supervisor->look_at_commands |= effects->puts.items[i].type == &command_type;
        effects->puts.items[kept++] = effects->puts.items[i];
    }
    effects->puts.count = kept;
}

/* When it looked last is kept: what was due before that was said then, and a clock that went back is seen after a restart too. */
static bool note_look(struct supervisor *supervisor, const struct clean_facts *facts, struct error *error)
{
    struct sweep sweep = {.id = SWEEP_ID,
                          .provider = "cleaner",
                          .what = "environments",
                          .complete = true,
                          .at = facts->now_ms,
                          .count = (int64_t)facts->environments.count};
    supervisor->look.at_ms = facts->now_ms;
    supervisor->look.boot_ms = time_boot_ms();
    supervisor->look.taken = true;
    return store_put(supervisor->store, &sweep_type, &sweep, error);
}

static bool load_last_look(struct supervisor *supervisor, struct arena *arena, struct error *error)
{
    struct sweep sweep;
    if (supervisor->cleaned_at_ms != 0)
        return true;
    enum store_found found = store_get(supervisor->store, &sweep_type, SWEEP_ID, arena, &sweep, error);
    if (found == STORE_FOUND)
        supervisor->cleaned_at_ms = sweep.at;
    return found != STORE_ERROR;
}

/* Within one life of this process the two clocks go alike; before it only going back can be seen. */
static bool clock_jumped(const struct supervisor *supervisor, int64_t now_ms)
{
    int64_t passed = now_ms - supervisor->cleaned_at_ms;
    if (supervisor->cleaned_boot_ms == 0)
        return passed < -JUMP_MS;
    int64_t really = time_boot_ms() - supervisor->cleaned_boot_ms;
    return passed - really > JUMP_MS || really - passed > JUMP_MS;
}

static bool decides(const struct engine_effects *effects)
{
    for (size_t i = 0; i < effects->puts.count; i++)
        if (effects->puts.items[i].row &&
            (effects->puts.items[i].type == &command_type || effects->puts.items[i].type == &hold_type))
            return true;
    return false;
}

static bool clean(struct supervisor *supervisor, struct arena *arena, struct error *error)
{
    struct clean_facts facts = {0};
    struct engine_facts ids;
    struct engine_effects effects;
    struct loading loading = {.supervisor = supervisor, .arena = arena, .facts = &facts};
    memset(&ids, 0, sizeof ids);
    supervisor_fill_facts(supervisor, &ids);
    facts.now_ms = ids.now_ms;
    facts.epoch = supervisor->epoch;
    facts.config = supervisor->config;
    facts.new_id = ids.new_id;
    facts.new_id_count = ids.new_id_count;
    engine_effects_init(&effects, arena);
    bool done = load_last_look(supervisor, arena, error) && load(&loading, error);
    if (done) {
        facts.looked_at = supervisor->cleaned_at_ms;
        facts.clock_jumped = clock_jumped(supervisor, facts.now_ms); /* what is asked for it then stays asked */
        supervisor->due_everything |= facts.clock_jumped;            /* windows may be open, waits be over */
        engine_clean(&facts, &effects);
        drop_known(supervisor, &effects);
        done = supervisor_apply(supervisor, &effects, error) && note_look(supervisor, &facts, error);
        supervisor->look.next_ms = effects.wake_at;
        for (size_t i = 0; i < effects.touched_runs.count; i++)
            supervisor_due(supervisor, effects.touched_runs.items[i], 0);
        if (decides(&effects))
            fault_point("supervisor.mid_clean");
    }
    engine_effects_release(&effects);
    clean_facts_release(&facts);
    return done;
}

bool cleaner_is_due(const struct supervisor *supervisor)
{
    int64_t now = time_now_ms();
    bool wanted = supervisor->look_at_lives || (supervisor->clean_at_ms != 0 && supervisor->clean_at_ms <= now) ||
                  (supervisor->cleaned_boot_ms != 0 && clock_jumped(supervisor, now));
    return wanted && time_boot_ms() - supervisor->cleaned_boot_ms >= LOOK_EVERY_MS;
}

bool cleaner_look(struct supervisor *supervisor, struct error *error)
{
    struct arena arena = {0};
    bool looked = clean(supervisor, &arena, error);
    arena_release(&arena);
    return looked;
}

void cleaner_looked(struct supervisor *supervisor)
{
    const struct look *look = &supervisor->look;
    if (!look->taken)
        return;
    supervisor->cleaned_at_ms = look->at_ms;
    supervisor->cleaned_boot_ms = look->boot_ms;
    supervisor->clean_at_ms = look->next_ms;
    supervisor->look_at_lives = false; /* it was the turn's last: what it wrote itself changes no end */
    cleaner_forget(supervisor);
}

void cleaner_forget(struct supervisor *supervisor)
{
    supervisor->look = (struct look){.taken = false};
}
