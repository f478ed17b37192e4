/* SPDX-License-Identifier: ISC */
/*
 * Environments that end by themselves: a life that is over, a branch that is gone. Pure, over all living environments at once, because the brakes are
 * about all of them: when too many would go together, or the clock jumped, nothing goes and a person is asked. What it decides becomes a command
 * like any other; policy has the last word.
 */
#include "engine/turn.h"

#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/config.h"
#include "berth/policy/life.h"

#define SOON_MS (10 * MS_MINUTE) /* what ends within that counts as ending together */
#define EXPIRING_MS \
    (2 * MS_HOUR) /* so long before its end an environment is marked, but only in the last quarter of its life */

#define TRIES 8                /* commands for one end that come to nothing by themselves: then a person has to look */
#define TRY_AGAIN_MS MS_MINUTE /* after the first of them, twice as long after each */

/* Before the end its owner is told so often. */
static const int64_t warnings[] = {2 * MS_DAY, 2 * MS_HOUR, 30 * MS_MINUTE};

struct ending { /* of one environment */
    const struct environment *environment;
    const struct config_entry *entry;
    const struct branch *branch;         /* its own, or NULL */
    const struct repository *repository; /* of that, or NULL */
    const char *fed_by;                  /* another branch that lives and brings commits to it, or "" */
    int64_t at;                          /* when it ends, 0 never */
    bool unknown;                        /* its branch went, and the last listing does not tell whether it is back */
    bool branch_gone;                    /* the rule is the branch's, else the life's */
    const char *rule;                    /* which, since when; "" none */
    const char *evidence;                /* the same with what was seen last */
    const struct hold *ask;              /* the cleaner's question about it, or NULL */
    struct clean_asked asked;            /* for this end */
};
/* Rows by the environment they are of: the newest place of each, and before each the next older one; places count from 1. */
struct by_environment {
    struct map newest;
    VEC(size_t) older;
};
struct cleaning {
    const struct clean_facts *facts;
    struct engine_effects *effects;
    struct arena *arena;
    struct id_supply ids;
    struct by_environment holds, runs;
    VEC(struct ending) due;
    size_t soon, going; /* that end soon; whose destroy is under way by itself */
};

/* --- what is known of it --------------------------------------------------------------------------------------------- */

static void by_environment_add(struct by_environment *index, const char *environment)
{
    size_t place = index->older.count + 1;
    size_t before = (uintptr_t)map_set(&index->newest, environment, (void *)(uintptr_t)place);

    vec_push(&index->older, before);
}

static size_t newest_of(const struct by_environment *index, const struct environment *environment)
{
    return (uintptr_t)map_get(&index->newest, environment->id);
}

static void by_environment_release(struct by_environment *index)
{
    map_release(&index->newest);
    vec_release(&index->older);
}

static const struct hold *question_about(const struct cleaning *cleaning, const struct environment *environment)
{
    for (size_t at = newest_of(&cleaning->holds, environment); at != 0; at = cleaning->holds.older.items[at - 1])
        if (text_equal(cleaning->facts->holds.items[at - 1]->kind, CLEANER_ASKS))
            return cleaning->facts->holds.items[at - 1];
    return NULL;
}

static const struct repository *repository_of(const struct cleaning *cleaning, const struct environment *environment)
{
    for (size_t i = 0; i < cleaning->facts->repositories.count; i++)
        if (text_equal(cleaning->facts->repositories.items[i]->id, environment->repository))
            return cleaning->facts->repositories.items[i];
    return NULL;
}

static const struct hold **holds_of(const struct cleaning *cleaning, const struct environment *environment,
                                    size_t *count)
{
    const struct hold **holds;
    size_t at;

    *count = 0;
    for (at = newest_of(&cleaning->holds, environment); at != 0; at = cleaning->holds.older.items[at - 1])
        ++*count;
    holds = arena_alloc(cleaning->arena, (*count + 1) * sizeof *holds);
    *count = 0;
    for (at = newest_of(&cleaning->holds, environment); at != 0; at = cleaning->holds.older.items[at - 1])
        holds[(*count)++] = cleaning->facts->holds.items[at - 1];
    return holds;
}

/* The question that policy answers: may a destroy that says this was its end go on, asked for at that instant. */
static struct policy_question question_of(struct cleaning *cleaning, const struct ending *ending, int origin,
                                          int64_t asked_at)
{
    const struct environment *environment = ending->environment;
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
        .freezes = cleaning->facts->freezes.items,
        .freeze_count = cleaning->facts->freezes.count,
        .now_ms = cleaning->facts->now_ms,
        .origin = origin,
        .asked_at = asked_at,
        .branch = ending->branch,
        .repository = ending->repository,
        .fed_by = ending->fed_by,
    };

    question.holds = holds_of(cleaning, environment, &question.hold_count);
    return question;
}

/* What a person keeps, holds or freezes is neither commanded nor asked about; it is when that is over. */
static bool may_end(struct cleaning *cleaning, const struct ending *ending)
{
    struct policy_question question =
        question_of(cleaning, ending, ending->branch_gone ? ORIGIN_CLEANER : ORIGIN_TTL, cleaning->facts->now_ms);

    return policy_may(&question, cleaning->arena)->verdict == POLICY_YES;
}

/* Nothing ends it by itself then, and a question of the cleaner's is answered; where the protection ends, it is asked anew. */
static bool is_protected(struct cleaning *cleaning, const struct ending *ending)
{
    struct policy_question question = question_of(cleaning, ending, ORIGIN_TTL, cleaning->facts->now_ms);

    return policy_is_protected(&question);
}

/* "ttl, from last_use (deploy by alice at 2026-11-21T14:00:00Z), extended by 3h" */
static const char *life_rule(const struct cleaning *cleaning, const struct ending *ending)
{
    struct arena *arena = cleaning->arena;
    const struct environment *environment = ending->environment;
    const struct config_entry *entry = ending->entry;
    const char *rule;
    int64_t base;

    if (entry == NULL)
        return "ttl";
    if (policy_life_is_given(environment))
        return "ttl, as its deploy asked";
    base = policy_life_base(entry, environment, ending->branch);
    rule = arena_printf(arena, "ttl, from %s", entry->ttl_from);
    if (text_equal(entry->ttl_from, "last_use") && environment->used_at != 0 && environment->used_at == base)
        rule = arena_printf(arena, "%s (%s at %s)", rule, environment->used_by, instant_text(arena, base));
    else if (base != 0)
        rule = arena_printf(arena, "%s (%s)", rule, instant_text(arena, base));
    return environment->extended_ms == 0
               ? rule
               : arena_printf(arena, "%s, extended by %s", rule, duration_text(arena, environment->extended_ms));
}

static void end_with_life(struct cleaning *cleaning, struct ending *ending)
{
    int64_t at = ending->environment->planned_destruction_at;

    if (at == 0)
        return;
    ending->at = at;
    ending->rule = life_rule(cleaning, ending);
    ending->evidence =
        arena_printf(cleaning->arena, "its life ended at %s (%s)", instant_text(cleaning->arena, at), ending->rule);
}

static void end_with_branch(struct cleaning *cleaning, struct ending *ending)
{
    const struct environment *environment = ending->environment;
    const struct config_entry *entry = ending->entry;
    const struct branch *branch = ending->branch;
    int64_t at;

    if (entry == NULL || !entry->destroy_with_branch || branch == NULL || branch->gone_at == 0 ||
        !text_empty(ending->fed_by))
        return;
    ending->unknown = ending->repository == NULL || !repository_is_whole(ending->repository);
    if (ending->unknown)
        return;
    at = branch->gone_at + entry->destroy_after_ms;
    if (ending->at != 0 && ending->at <= at)
        return;
    ending->at = at;
    ending->branch_gone = true;
    ending->rule =
        arena_printf(cleaning->arena, "branch %s:%s gone since %s, destroy_with_branch after %s",
                     environment->repository, environment->branch, instant_text(cleaning->arena, branch->gone_at),
                     duration_text(cleaning->arena, entry->destroy_after_ms));
    ending->evidence =
        arena_printf(cleaning->arena, "%s (missing in %lld whole listings, the last at %s)", ending->rule,
                     (long long)branch->misses, instant_text(cleaning->arena, ending->repository->listed_at));
}

/* --- marks, warnings, the next look ------------------------------------------------------------------------------------ */

static void wake(struct cleaning *cleaning, int64_t at_ms)
{
    if (at_ms > cleaning->facts->now_ms)
        effects_wake(cleaning->effects, at_ms);
}

/* When its present life began: one that no deploy of went well has lived since it was made. */
static int64_t life_began(const struct environment *environment)
{
    return environment->deployed_at != 0 ? environment->deployed_at : environment->created_at;
}

static int64_t expiring_before(const struct ending *ending)
{
    int64_t quarter = (ending->at - life_began(ending->environment)) / 4;

    return quarter > 0 && quarter < EXPIRING_MS ? quarter : EXPIRING_MS;
}

/* Marks it, and says beside it when it ends and why. */
static void mark(struct cleaning *cleaning, struct ending *ending)
{
    const struct environment *environment = ending->environment;
    unsigned marks = environment->marks & ~(unsigned)(MARK_EXPIRING | MARK_BRANCH_GONE);
    struct environment *marked;

    if (ending->branch != NULL && ending->branch->gone_at != 0)
        marks |= MARK_BRANCH_GONE;
    if (ending->at != 0 && !is_protected(cleaning, ending) &&
        ending->at - cleaning->facts->now_ms <= expiring_before(ending))
        marks |= MARK_EXPIRING;
    if (marks == environment->marks && ending->at == environment->ends_at &&
        text_equal(ending->rule, environment->ends_why))
        return;
    marked = arena_copy(cleaning->arena, environment, sizeof *environment);
    marked->marks = marks;
    marked->ends_at = ending->at;
    marked->ends_why = ending->rule;
    ending->environment = marked;
    effects_put(cleaning->effects, &environment_type, marked);
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
        if (last < at && at <= now && ending->at > now && at > life_began(ending->environment))
            notify(cleaning, ending, "expiring",
                   arena_printf(cleaning->arena, "it ends at %s", instant_text(cleaning->arena, ending->at)));
    }
    wake(cleaning, ending->at - expiring_before(ending));
    wake(cleaning, ending->at);
}

/* --- what it asks for ---------------------------------------------------------------------------------------------------- */

/* The key makes it one command an end: what was undone or failed is not asked for again until that end moves. */
static void command(struct cleaning *cleaning, struct command asked, bool branch_gone)
{
    struct command *row = arena_alloc(cleaning->arena, sizeof *row);

    *row = asked;
    row->id = id_take(&cleaning->ids, cleaning->arena);
    row->actor = "berth";
    row->via = branch_gone ? "cleaner" : "ttl";
    row->status = COMMAND_WAITING;
    row->submitted_at = cleaning->facts->now_ms;
    effects_put(cleaning->effects, &command_type, row);
}

static const struct run *ending_run(const struct cleaning *cleaning, const struct environment *environment)
{
    for (size_t at = newest_of(&cleaning->runs, environment); at != 0; at = cleaning->runs.older.items[at - 1]) {
        const struct run *run = cleaning->facts->runs.items[at - 1];

        if (run_destroys(run) && !run_ended((enum run_status)run->status))
            return run;
    }
    return NULL;
}

static bool is_by_itself(const struct run *run)
{
    return run->origin == ORIGIN_CLEANER || run->origin == ORIGIN_TTL;
}

/* While nothing was touched it is called back when what made it begin is proven not to be so any more; its gate, which may wait for that, looks again. */
static void look_at_run(struct cleaning *cleaning, const struct ending *ending, const struct run *run)
{
    struct policy_question question;
    const struct why *end;

    if (!is_by_itself(run))
        return;
    cleaning->going++;
    if (run->applying_at != 0 || !text_empty(run->cancel_by))
        return;
    question = question_of(cleaning, ending, run->origin, run->created_at);
    end = policy_end(&question, cleaning->arena);
    if (end->verdict == POLICY_NO)
        command(cleaning,
                (struct command){.verb = "cancel",
                                 .subject = run->id,
                                 .key = arena_printf(cleaning->arena, "call back %s", run->id),
                                 .reason = end->reason},
                run->origin == ORIGIN_CLEANER);
    else if (run->status == RUN_GATE)
        effects_touch(cleaning->effects, run->id);
}

/* Questions that nobody needs to answer any more go. */
static void drop_question(struct cleaning *cleaning, const struct ending *ending)
{
    if (ending->ask != NULL)
        effects_remove(cleaning->effects, &hold_type, ending->ask->id);
}

static struct ending ending_of(struct cleaning *cleaning, size_t at)
{
    const struct clean_facts *facts = cleaning->facts;
    const struct environment *environment = facts->environments.items[at];
    struct ending ending = {
        .environment = environment,
        .entry = config_entry_named(facts->config, environment->entry),
        .branch = facts->branches.items[at],
        .repository = repository_of(cleaning, environment),
        .fed_by = at < facts->fed_by.count ? facts->fed_by.items[at] : "",
        .rule = "",
        .ask = question_about(cleaning, environment),
    };

    end_with_life(cleaning, &ending);
    end_with_branch(cleaning, &ending);
    if (at < facts->asked.count && ending.at == environment->ends_at)
        ending.asked = facts->asked.items[at];
    return ending;
}

static void look_at(struct cleaning *cleaning, size_t at)
{
    const int64_t now = cleaning->facts->now_ms;
    struct ending ending = ending_of(cleaning, at);
    const struct run *run = ending_run(cleaning, ending.environment);
    const bool unknown = ending.unknown && (ending.at == 0 || ending.at > now);

    /* what is not known changes nothing; what is being destroyed keeps the end that it goes by: the brakes count it */
    if (!unknown && (run == NULL || run->applying_at == 0))
        mark(cleaning, &ending);
    if (run != NULL) {
        look_at_run(cleaning, &ending, run);
        return;
    }
    if (unknown)
        return;
    if (ending.at != 0 && is_protected(cleaning, &ending)) {
        drop_question(cleaning, &ending);
        return;
    }
    if (ending.at != 0)
        warn(cleaning, &ending);
    if (ending.at == 0 || ending.at > now) {
        cleaning->soon += ending.at != 0 && ending.at <= now + SOON_MS;
        drop_question(cleaning, &ending);
    } else if (!ending.asked.answered && may_end(cleaning, &ending)) {
        wake(cleaning, ending.asked.not_before);
        if (ending.asked.not_before <= now)
            vec_push(&cleaning->due, ending);
    }
}

/* --- brakes -------------------------------------------------------------------------------------------------------------- */

/* "6 environments end by themselves within an hour (2 now, 1 in the next 10m, 1 under way, 2 gone)"; `how_many` as a person says it. */
static const char *together_words(const struct cleaning *cleaning, const char *how_many)
{
    const struct {
        size_t count;
        const char *words;
    } parts[] = {
        {cleaning->due.count, "now"},
        {cleaning->soon, arena_printf(cleaning->arena, "in the next %s", duration_text(cleaning->arena, SOON_MS))},
        {cleaning->facts->asked_for + cleaning->going, "under way"},
        {cleaning->facts->ended_lately, "gone"}};
    const char *words = arena_printf(cleaning->arena, "%s environments end by themselves within an hour", how_many);
    const char *separator = " (";

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].count == 0)
            continue;
        words = arena_printf(cleaning->arena, "%s%s%zu %s", words, separator, parts[i].count, parts[i].words);
        separator = ", ";
    }
    return arena_printf(cleaning->arena, "%s)", words);
}

/* Why nothing may go by itself; "" when it may. What goes soon, is asked for, is going and went within the hour counts with what is due: nobody gets past
 * by going one after the other. One alone is always few enough. */
static const char *brake(const struct cleaning *cleaning)
{
    const struct clean_facts *facts = cleaning->facts;
    const struct config_limits *limits = &facts->config->limits;
    const size_t together =
        cleaning->due.count + cleaning->soon + facts->asked_for + cleaning->going + facts->ended_lately;
    const size_t all = facts->environments.count + facts->ended_lately;

    if (cleaning->due.count == 0)
        return "";
    if (facts->clock_jumped)
        return "the clock jumped, so nobody knows whether it is really over";
    if (limits->remove_at_once > 0 && together > (size_t)limits->remove_at_once)
        return arena_printf(cleaning->arena, "%s, limits.remove_at_once is %d (%s:%d)",
                            together_words(cleaning, arena_printf(cleaning->arena, "%zu", together)),
                            limits->remove_at_once, facts->config->file, limits->line);
    if (limits->remove_share_percent > 0 && together > 1 && together * 100 > (size_t)limits->remove_share_percent * all)
        return arena_printf(cleaning->arena, "%s, limits.remove_share is %d%% (%s:%d)",
                            together_words(cleaning, arena_printf(cleaning->arena, "%zu of %zu", together, all)),
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
        .id = id_take(&cleaning->ids, cleaning->arena),
        .environment = ending->environment->id,
        .kind = CLEANER_ASKS,
        .reason = reason,
        .by = "the cleaner",
        .since = cleaning->facts->now_ms,
    };
    effects_put(cleaning->effects, &hold_type, hold);
    effects_audit(cleaning->effects, &(struct audit){
                                         .at = cleaning->facts->now_ms,
                                         .action = "clean.held",
                                         .actor = "berth",
                                         .via = "cleaner",
                                         .target = ending->environment->name,
                                         .environment = ending->environment->id,
                                         .result = "denied",
                                         .reason = reason,
                                         .epoch = cleaning->facts->epoch,
                                     });
    notify(cleaning, ending, "held", reason);
}

/* It names the environment by its id: the name may be another's by the time it is answered. */
static void end(struct cleaning *cleaning, const struct ending *ending)
{
    const struct environment *environment = ending->environment;
    json_t *arguments = json_pack("{s:s}", "environment", environment->id);

    command(cleaning,
            (struct command){.verb = "destroy",
                             .subject = environment->name,
                             .arguments = json_text(cleaning->arena, arguments),
                             .key = engine_clean_key(cleaning->arena, environment, ending->at, ending->asked.tries),
                             .reason = ending->evidence},
            ending->branch_gone);
    json_decref(arguments);
}

/* What keeps something may end by time alone. */
static void wake_when_free(struct cleaning *cleaning)
{
    for (size_t i = 0; i < cleaning->facts->holds.count; i++)
        wake(cleaning, cleaning->facts->holds.items[i]->until);
    for (size_t i = 0; i < cleaning->facts->freezes.count; i++)
        wake(cleaning, cleaning->facts->freezes.items[i]->until);
}

static void begin(struct cleaning *cleaning)
{
    const struct clean_facts *facts = cleaning->facts;

    cleaning->ids = (struct id_supply){
        .ids = facts->new_id,
        .count = facts->new_id_count,
        .call = arena_printf(cleaning->arena, "clean/%lld/%lld", (long long)facts->epoch, (long long)facts->now_ms),
    };
    for (size_t i = 0; i < facts->holds.count; i++)
        by_environment_add(&cleaning->holds, facts->holds.items[i]->environment);
    for (size_t i = 0; i < facts->runs.count; i++)
        by_environment_add(&cleaning->runs, facts->runs.items[i]->environment);
}

void engine_clean(const struct clean_facts *facts, struct engine_effects *effects)
{
    struct cleaning cleaning = {.facts = facts, .effects = effects, .arena = effects->arena};
    const char *why;

    if (facts->config == NULL)
        return;
    begin(&cleaning);
    for (size_t i = 0; i < facts->environments.count; i++)
        look_at(&cleaning, i);
    wake_when_free(&cleaning);
    why = brake(&cleaning);
    for (size_t i = 0; i < cleaning.due.count; i++) {
        const struct ending *ending = &cleaning.due.items[i];

        if (!text_empty(why))
            ask(&cleaning, ending, why);
        else if (ending->ask == NULL) /* what was asked about waits for a person, also when fewer would go now */
            end(&cleaning, ending);
    }
    vec_release(&cleaning.due);
    by_environment_release(&cleaning.holds);
    by_environment_release(&cleaning.runs);
}

const char *engine_clean_key(struct arena *arena, const struct environment *environment, int64_t at_ms, int tries)
{
    const char *key = arena_printf(arena, "end %s at %lld", environment->id, (long long)at_ms);

    return tries == 0 ? key : arena_printf(arena, "%s again %d", key, tries);
}

/* Nobody but the machines said no: policy did before it began, or what made it begin was not so any more. */
static bool came_to_nothing(const struct command *command, const struct run *run)
{
    return command->status == COMMAND_REFUSED ||
           (run != NULL && run->status == RUN_CANCELLED && text_equal(run->cancel_by, "berth"));
}

bool engine_clean_asked(const struct command *command, const struct run *run, struct clean_asked *asked)
{
    const int64_t over_at = command->status == COMMAND_REFUSED ? command->answered_at : run != NULL ? run->ended_at : 0;

    asked->answered = !came_to_nothing(command, run);
    if (asked->answered)
        return false;
    asked->not_before = over_at + (TRY_AGAIN_MS << asked->tries);
    asked->answered = ++asked->tries == TRIES;
    return !asked->answered;
}

void clean_facts_release(struct clean_facts *facts)
{
    vec_release(&facts->environments);
    vec_release(&facts->branches);
    vec_release(&facts->asked);
    vec_release(&facts->fed_by);
    vec_release(&facts->repositories);
    vec_release(&facts->holds);
    vec_release(&facts->freezes);
    vec_release(&facts->runs);
}
