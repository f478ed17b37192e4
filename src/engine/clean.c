/* SPDX-License-Identifier: ISC */
/*
 * Environments that end by themselves: a life that is over, a branch that is gone. Pure, over all living environments at once, because the brakes are
 * about all of them: when too many would go together, or the clock jumped, nothing goes and a person is asked. What it decides becomes a command
 * like any other; policy has the last word.
 */
#include "engine/turn.h"

#include "berth/base/hash.h"
#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"

#define SOON_MS (10 * MS_MINUTE) /* what ends within that counts as ending together */
#define EXPIRING_MS \
    (2 * MS_HOUR) /* so long before its end an environment is marked, but only in the last quarter of its life */

/* Before the end its owner is told so often. */
static const int64_t warnings[] = {2 * MS_DAY, 2 * MS_HOUR, 30 * MS_MINUTE};

struct ending { /* of one environment */
    const struct environment *environment;
    const struct config_entry *entry;
    int64_t at;             /* when it ends, 0 never */
    bool unknown;           /* its branch went, and the last listing does not tell whether it is back */
    bool branch_gone;       /* the rule is the branch's, else the life's */
    const char *rule;       /* which, since when; "" none */
    const char *evidence;   /* the same with what was seen last */
    const struct hold *ask; /* the cleaner's question about it, or NULL */
};
struct cleaning {
    const struct clean_facts *facts;
    struct engine_effects *effects;
    struct arena *arena;
    VEC(struct ending) due;
    size_t soon, going; /* that end soon; whose destroy is under way by itself */
    size_t ids_used;
};

/* --- what is known of it --------------------------------------------------------------------------------------------- */

/* A person lets it stay: nothing is asked and nothing is commanded. */
static bool is_let_stay(const struct cleaning *cleaning, const struct ending *ending)
{
    const struct environment *environment = ending->environment;

    if (environment->permanent || environment->is_protected || (ending->entry != NULL && ending->entry->permanent))
        return true;
    for (size_t i = 0; i < cleaning->facts->holds.count; i++) {
        const struct hold *hold = cleaning->facts->holds.items[i];

        if (text_equal(hold->environment, environment->id) && !text_equal(hold->kind, CLEANER_ASKS) &&
            text_empty(hold->commit) && (hold->until == 0 || hold->until > cleaning->facts->now_ms))
            return true;
    }
    return false;
}

static const struct hold *question_about(const struct cleaning *cleaning, const struct environment *environment)
{
    for (size_t i = 0; i < cleaning->facts->holds.count; i++) {
        const struct hold *hold = cleaning->facts->holds.items[i];

        if (text_equal(hold->environment, environment->id) && text_equal(hold->kind, CLEANER_ASKS))
            return hold;
    }
    return NULL;
}

/* The last listing of it was whole: only then what is missing is missing. */
static const struct repository *whole_repository(const struct cleaning *cleaning, const char *name)
{
    for (size_t i = 0; i < cleaning->facts->repositories.count; i++) {
        const struct repository *repository = cleaning->facts->repositories.items[i];

        if (text_equal(repository->id, name))
            return repository->complete && repository->listed && repository->branches > 0 ? repository : NULL;
    }
    return NULL;
}

static const char *instant_text(struct arena *arena, int64_t at_ms)
{
    struct str text = STR_INIT;
    const char *copy;

    instant_format(&text, at_ms);
    copy = arena_strdup(arena, text.data);
    str_release(&text);
    return copy;
}

static void end_with_life(struct cleaning *cleaning, struct ending *ending)
{
    int64_t at = ending->environment->planned_destruction_at;

    if (at == 0)
        return;
    ending->at = at;
    ending->rule =
        ending->entry != NULL ? arena_printf(cleaning->arena, "ttl, from %s", ending->entry->ttl_from) : "ttl";
    ending->evidence =
        arena_printf(cleaning->arena, "its life ended at %s (%s)", instant_text(cleaning->arena, at), ending->rule);
}

static void end_with_branch(struct cleaning *cleaning, struct ending *ending, const struct branch *branch)
{
    const struct environment *environment = ending->environment;
    const struct config_entry *entry = ending->entry;
    const struct repository *repository = whole_repository(cleaning, environment->repository);
    struct str grace = STR_INIT;
    int64_t at;

    if (entry == NULL || !entry->destroy_with_branch || branch == NULL || branch->gone_at == 0)
        return;
    ending->unknown = repository == NULL;
    if (ending->unknown)
        return;
    at = branch->gone_at + entry->destroy_after_ms;
    if (ending->at != 0 && ending->at <= at)
        return;
    ending->at = at;
    ending->branch_gone = true;
    duration_format(&grace, entry->destroy_after_ms);
    ending->rule = arena_printf(cleaning->arena, "branch %s:%s gone since %s, destroy_with_branch after %s",
                                environment->repository, environment->branch,
                                instant_text(cleaning->arena, branch->gone_at), grace.data);
    ending->evidence =
        arena_printf(cleaning->arena, "%s (missing in %lld whole listings, the last at %s)", ending->rule,
                     (long long)branch->misses, instant_text(cleaning->arena, repository->listed_at));
    str_release(&grace);
}

/* --- marks, warnings, the next look ------------------------------------------------------------------------------------ */

static void put(struct cleaning *cleaning, const struct record_type *type, const void *row)
{
    struct engine_put one = {.type = type, .row = row, .id = record_id(row)};

    vec_push(&cleaning->effects->puts, one);
}

static void wake(struct cleaning *cleaning, int64_t at_ms)
{
    if (at_ms > cleaning->facts->now_ms && (cleaning->effects->wake_at == 0 || at_ms < cleaning->effects->wake_at))
        cleaning->effects->wake_at = at_ms;
}

static int64_t expiring_before(const struct ending *ending)
{
    int64_t quarter = (ending->at - ending->environment->deployed_at) / 4;

    return quarter > 0 && quarter < EXPIRING_MS ? quarter : EXPIRING_MS;
}

/* Marks it, and says beside it when it ends and why. */
static void mark(struct cleaning *cleaning, struct ending *ending, bool gone)
{
    const struct environment *environment = ending->environment;
    unsigned marks = environment->marks & ~(unsigned)(MARK_EXPIRING | MARK_BRANCH_GONE);
    struct environment *marked;

    if (gone)
        marks |= MARK_BRANCH_GONE;
    if (ending->at != 0 && ending->at - cleaning->facts->now_ms <= expiring_before(ending))
        marks |= MARK_EXPIRING;
    if (marks == environment->marks && ending->at == environment->ends_at &&
        text_equal(ending->rule, environment->ends_why))
        return;
    marked = arena_copy(cleaning->arena, environment, sizeof *environment);
    marked->marks = marks;
    marked->ends_at = ending->at;
    marked->ends_why = ending->rule;
    ending->environment = marked;
    put(cleaning, &environment_type, marked);
}

static void notify(struct cleaning *cleaning, const struct ending *ending, const char *event, const char *text)
{
    const struct environment *environment = ending->environment;
    const struct notice notice = {
        .config = cleaning->facts->config,
        .event = event,
        .tier = word_name(tier_names, environment->tier),
        .environment = environment->id,
        .id = arena_printf(cleaning->arena, "%s.%s.%lld", environment->id, event, (long long)ending->at),
        .payload = json_pack("{s:s, s:s, s:s, s:s, s:s}", "event", event, "workspace",
                             cleaning->facts->config->workspace, "environment", environment->name, "reason", text,
                             "owner", environment->owner != NULL ? environment->owner : ""),
        .now_ms = cleaning->facts->now_ms,
    };

    notice_put(cleaning->effects, &notice);
    json_decref(notice.payload);
}

static void warn(struct cleaning *cleaning, const struct ending *ending)
{
    const int64_t now = cleaning->facts->now_ms, last = cleaning->facts->looked_at;

    for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++) {
        int64_t at = ending->at - warnings[i];

        wake(cleaning, at);
        if (last < at && at <= now && ending->at > now && at > ending->environment->deployed_at)
            notify(cleaning, ending, "expiring",
                   arena_printf(cleaning->arena, "it ends at %s", instant_text(cleaning->arena, ending->at)));
    }
    wake(cleaning, ending->at - expiring_before(ending));
    wake(cleaning, ending->at);
}

/* --- what it asks for ---------------------------------------------------------------------------------------------------- */

static const char *new_id(struct cleaning *cleaning)
{
    size_t at = cleaning->ids_used++;
    char hex[HASH_HEX_SIZE];
    const char *seed;

    if (at < cleaning->facts->new_id_count)
        return arena_strdup(cleaning->arena, cleaning->facts->new_id[at]);
    seed = arena_printf(cleaning->arena, "clean/%lld/%lld/%zu", (long long)cleaning->facts->epoch,
                        (long long)cleaning->facts->now_ms, at);
    hash_sha256(seed, strlen(seed), hex);
    return arena_strndup(cleaning->arena, hex, ID_SIZE - 1);
}

static void audit(struct cleaning *cleaning, const char *action, const struct environment *environment,
                  const char *result, const char *reason)
{
    struct audit *entry = arena_alloc(cleaning->arena, sizeof *entry);

    *entry = (struct audit){
        .at = cleaning->facts->now_ms,
        .action = action,
        .actor = "berth",
        .via = "cleaner",
        .target = environment->name,
        .environment = environment->id,
        .result = result,
        .reason = reason,
        .epoch = cleaning->facts->epoch,
    };
    vec_push(&cleaning->effects->audits, entry);
}

/* The key makes it one command an end: what was refused, undone or failed is not asked for again until that end moves. */
static void command(struct cleaning *cleaning, const char *verb, const char *subject, const char *key, bool branch_gone,
                    const char *reason)
{
    struct command *row = arena_alloc(cleaning->arena, sizeof *row);

    *row = (struct command){
        .id = new_id(cleaning),
        .verb = verb,
        .subject = subject,
        .actor = "berth",
        .via = branch_gone ? "cleaner" : "ttl",
        .key = key,
        .reason = reason,
        .status = COMMAND_WAITING,
        .submitted_at = cleaning->facts->now_ms,
    };
    put(cleaning, &command_type, row);
}

static const struct run *ending_run(const struct cleaning *cleaning, const struct environment *environment)
{
    for (size_t i = 0; i < cleaning->facts->runs.count; i++) {
        const struct run *run = cleaning->facts->runs.items[i];

        if (text_equal(run->environment, environment->id) && run_destroys(run) &&
            !run_ended((enum run_status)run->status))
            return run;
    }
    return NULL;
}

static bool is_by_itself(const struct run *run)
{
    return run->origin == ORIGIN_CLEANER || run->origin == ORIGIN_TTL;
}

/* What made it begin is proven not to be so any more: a whole listing shows the branch, somebody made the life longer. */
static bool is_called_back(const struct cleaning *cleaning, const struct ending *ending, const struct branch *branch,
                           const struct run *run)
{
    const struct environment *environment = ending->environment;

    if (run->origin == ORIGIN_CLEANER)
        return branch != NULL && branch->gone_at == 0 && whole_repository(cleaning, environment->repository) != NULL;
    return !cleaning->facts->clock_jumped && environment->planned_destruction_at > run->created_at &&
           environment->planned_destruction_at > cleaning->facts->now_ms;
}

/* Only while nothing was touched yet. */
static void look_at_run(struct cleaning *cleaning, const struct ending *ending, const struct branch *branch,
                        const struct run *run)
{
    if (!is_by_itself(run))
        return;
    cleaning->going++;
    if (run->applying_at == 0 && text_empty(run->cancel_by) && is_called_back(cleaning, ending, branch, run))
        command(cleaning, "cancel", run->id, arena_printf(cleaning->arena, "call back %s", run->id),
                run->origin == ORIGIN_CLEANER,
                run->origin == ORIGIN_CLEANER ? "its branch is there again" : "its life was made longer");
}

/* Questions that nobody needs to answer any more go. */
static void drop_question(struct cleaning *cleaning, const struct ending *ending)
{
    struct engine_put gone = {.type = &hold_type, .row = NULL};

    if (ending->ask == NULL)
        return;
    gone.id = ending->ask->id;
    vec_push(&cleaning->effects->puts, gone);
}

static void look_at(struct cleaning *cleaning, const struct environment *environment, const struct branch *branch,
                    bool answered)
{
    const struct run *run = ending_run(cleaning, environment);
    struct ending ending = {.environment = environment,
                            .entry = config_entry_named(cleaning->facts->config, environment->entry),
                            .rule = "",
                            .ask = question_about(cleaning, environment)};

    end_with_life(cleaning, &ending);
    end_with_branch(cleaning, &ending, branch);
    if (ending.unknown && (ending.at == 0 || ending.at > cleaning->facts->now_ms))
        return; /* what is not known changes nothing */
    mark(cleaning, &ending, branch != NULL && branch->gone_at != 0);
    if (run != NULL) {
        look_at_run(cleaning, &ending, branch, run);
        return;
    }
    if (ending.at != 0)
        warn(cleaning, &ending);
    if (ending.at == 0 || ending.at > cleaning->facts->now_ms) {
        cleaning->soon += ending.at != 0 && ending.at <= cleaning->facts->now_ms + SOON_MS;
        drop_question(cleaning, &ending);
    } else if (!answered && !is_let_stay(cleaning, &ending)) {
        vec_push(&cleaning->due, ending);
    }
}

/* --- brakes -------------------------------------------------------------------------------------------------------------- */

/* Why nothing may go by itself; "" when it may. What goes soon, is going and went within the hour counts with what is due: nobody gets past by going
 * one after the other. One alone is always few enough. */
static const char *brake(const struct cleaning *cleaning)
{
    const struct clean_facts *facts = cleaning->facts;
    const struct config_limits *limits = &facts->config->limits;
    const size_t together = cleaning->due.count + cleaning->soon + cleaning->going + facts->ended_lately;
    const size_t all = facts->environments.count + facts->ended_lately;

    if (cleaning->due.count == 0)
        return "";
    if (facts->clock_jumped)
        return "the clock jumped, so nobody knows whether it is really over";
    if (limits->remove_at_once > 0 && together > (size_t)limits->remove_at_once)
        return arena_printf(cleaning->arena, "%zu environments end together, limits.remove_at_once is %d (%s:%d)",
                            together, limits->remove_at_once, facts->config->file, limits->line);
    if (limits->remove_share_percent > 0 && together > 1 && together * 100 > (size_t)limits->remove_share_percent * all)
        return arena_printf(cleaning->arena,
                            "%zu of %zu environments end together, limits.remove_share is %d%% (%s:%d)", together, all,
                            limits->remove_share_percent, facts->config->file, limits->line);
    return "";
}

static void ask(struct cleaning *cleaning, const struct ending *ending, const char *why)
{
    const char *reason = arena_printf(cleaning->arena, "%s; %s", ending->evidence, why);
    struct hold *hold;

    if (ending->ask != NULL)
        return;
    hold = arena_alloc(cleaning->arena, sizeof *hold);
    *hold = (struct hold){
        .id = new_id(cleaning),
        .environment = ending->environment->id,
        .kind = CLEANER_ASKS,
        .reason = reason,
        .by = "the cleaner",
        .since = cleaning->facts->now_ms,
    };
    put(cleaning, &hold_type, hold);
    audit(cleaning, "clean.held", ending->environment, "denied", reason);
    notify(cleaning, ending, "held", reason);
}

/* Whether policy would let it go now: what a hold, a freeze or a stop of the machines keeps is asked for when that is over. */
static bool may_end(struct cleaning *cleaning, const struct ending *ending)
{
    const struct environment *environment = ending->environment;
    const struct hold **holds = arena_alloc(cleaning->arena, (cleaning->facts->holds.count + 1) * sizeof *holds);
    struct policy_question question = {
        .config = cleaning->facts->config,
        .entry = ending->entry,
        .environment = environment,
        .environment_name = environment->name,
        .tier = (enum tier)environment->tier,
        .verb = "destroy",
        .flags = POLICY_DESTROYS | POLICY_BY_ITSELF,
        .actor = "berth",
        .commit = "",
        .ref_kind = "",
        .holds = holds,
        .freezes = cleaning->facts->freezes.items,
        .freeze_count = cleaning->facts->freezes.count,
        .now_ms = cleaning->facts->now_ms,
    };

    for (size_t i = 0; i < cleaning->facts->holds.count; i++)
        if (text_equal(cleaning->facts->holds.items[i]->environment, environment->id))
            holds[question.hold_count++] = cleaning->facts->holds.items[i];
    return policy_may(&question, cleaning->arena)->verdict == POLICY_YES;
}

static void end(struct cleaning *cleaning, const struct ending *ending)
{
    const char *key = engine_clean_key(cleaning->arena, ending->environment, ending->at);

    command(cleaning, "destroy", ending->environment->name, key, ending->branch_gone, ending->evidence);
}

/* What keeps something may end by time alone. */
static void wake_when_free(struct cleaning *cleaning)
{
    for (size_t i = 0; i < cleaning->facts->holds.count; i++)
        wake(cleaning, cleaning->facts->holds.items[i]->until);
    for (size_t i = 0; i < cleaning->facts->freezes.count; i++)
        wake(cleaning, cleaning->facts->freezes.items[i]->until);
}

void engine_clean(const struct clean_facts *facts, struct engine_effects *effects)
{
    struct cleaning cleaning = {.facts = facts, .effects = effects, .arena = effects->arena};
    const char *why;

    if (facts->config == NULL)
        return;
    for (size_t i = 0; i < facts->environments.count; i++)
        look_at(&cleaning, facts->environments.items[i], facts->branches.items[i],
                i < facts->answered.count && facts->answered.items[i]);
    wake_when_free(&cleaning);
    why = brake(&cleaning);
    for (size_t i = 0; i < cleaning.due.count; i++) {
        const struct ending *ending = &cleaning.due.items[i];

        if (!text_empty(why))
            ask(&cleaning, ending, why);
        else if (ending->ask == NULL &&
                 may_end(&cleaning, ending)) /* what was asked about waits for a person, also when fewer would go now */
            end(&cleaning, ending);
    }
    vec_release(&cleaning.due);
}

const char *engine_clean_key(struct arena *arena, const struct environment *environment, int64_t at_ms)
{
    return arena_printf(arena, "end %s at %lld", environment->id, (long long)at_ms);
}

void clean_facts_release(struct clean_facts *facts)
{
    vec_release(&facts->environments);
    vec_release(&facts->branches);
    vec_release(&facts->answered);
    vec_release(&facts->repositories);
    vec_release(&facts->holds);
    vec_release(&facts->freezes);
    vec_release(&facts->runs);
}
