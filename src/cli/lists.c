/* SPDX-License-Identifier: ISC */
/* Tables of environments, branches and releases. */
#include "cli/output.h"

#include "berth/base/time.h"

#include <stdlib.h>
#include <string.h>

#define BRANCHES_SHOWN 50 /* unless --limit says otherwise */

static bool environment_wanted(const struct cli *cli, const struct environment *environment)
{
    const char *tier = cli_argument(cli, "tier");

    if (environment->status == ENVIRONMENT_DESTROYED && !json_is_true(json_object_get(cli->call.arguments, "all")))
        return false;
    return text_empty(tier) || text_equal(tier, "all") || text_equal(tier, word_name(tier_names, environment->tier));
}

static const char *ends_in(struct cli *cli, const struct environment *environment, bool is_asked, int64_t now)
{
    const enum life_end end = environment_life_end(environment, is_asked, now);

    return end == LIFE_GOES_ON ? shown_age(cli, environment_ends_at(environment), now) : life_end_names[end];
}

bool cli_envs(struct cli *cli, int *status, struct error *error)
{
    static const char *const headers[] = {"ENVIRONMENT", "TIER",    "STATUS", "BRANCH", "COMMIT",
                                          "RELEASE",     "ENDS IN", "URL",    NULL};
    int64_t now = time_now_ms();
    struct environment *rows;
    struct hold *holds;
    size_t count, hold_count, kept = 0;
    struct table table;

    (void)status;
    if (!session_open(cli, STORE_READER, SESSION_START, error) ||
        !session_list(cli, &environment_type, "name", NULL, false, 0, &rows, &count, error) ||
        !session_list(cli, &hold_type, NULL, NULL, false, 0, &holds, &hold_count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (environment_wanted(cli, &rows[i]))
            rows[kept++] = rows[i];
    }
    if (cli->call.json) {
        print_json(mark_served(cli, rows_to_json(&environment_type, rows, kept)));
        return kept > 0 || session_need_policy(cli, error);
    }
    table_begin(&table, cli, headers);
    for (size_t i = 0; i < kept; i++) {
        enum style style;
        const char *text = shown_environment_status(cli, &rows[i], now, &style);

        table_add(&table, STYLE_STRONG, rows[i].name);
        table_put(&table, STYLE_PLAIN, word_name(tier_names, rows[i].tier));
        table_put(&table, style, text);
        table_add(&table, STYLE_PLAIN, rows[i].branch);
        table_put(&table, STYLE_MUTED, shown_commit(cli, rows[i].commit));
        table_putf(&table, STYLE_PLAIN, rows[i].release > 0 ? "v%lld" : "-", (long long)rows[i].release);
        table_put(&table, STYLE_PLAIN,
                  ends_in(cli, &rows[i], hold_question(holds, hold_count, rows[i].id) != NULL, now));
        table_add(&table, STYLE_PLAIN, rows[i].entrypoint);
    }
    table_end(&table, "no environments yet: berth branches lists what can be deployed, berth deploy BRANCH makes one");
    say_absent(cli, kept > 0 ? "what is shown is as it was" : "");
    return kept > 0 || session_need_policy(cli, error);
}

static int newest_first(const void *a, const void *b)
{
    const struct branch *first = a, *second = b;

    if (first->committed_at != second->committed_at)
        return first->committed_at < second->committed_at ? 1 : -1;
    return strcmp(first->id, second->id);
}

/* The first environment of each branch, by the branch's id. */
static bool map_environments(struct cli *cli, struct map *map, struct error *error)
{
    struct environment *rows;
    size_t count;

    if (!session_list(cli, &environment_type, "name", NULL, false, 0, &rows, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *key = arena_printf(&cli->arena, "%s:%s", rows[i].repository, rows[i].branch);

        if (!text_empty(rows[i].branch) && rows[i].status != ENVIRONMENT_DESTROYED && map_get(map, key) == NULL)
            map_set(map, key, &rows[i]);
    }
    return true;
}

static void add_branch(struct table *table, const struct branch *branch, bool several, const struct map *environments,
                       int64_t now)
{
    struct cli *cli = table->cli;
    const struct environment *environment = map_get(environments, branch->id);
    enum style style = STYLE_MUTED;
    const char *state = environment != NULL ? shown_environment_status(cli, environment, now, &style) : "-";

    table_add(table, branch->gone_at != 0 ? STYLE_MUTED : STYLE_STRONG, branch->name);
    if (several)
        table_add(table, STYLE_MUTED, branch->repository);
    table_put(table, STYLE_MUTED, shown_commit(cli, branch->commit));
    if (branch->ahead < 0)
        table_put(table, STYLE_MUTED, "-");
    else
        table_putf(table, STYLE_PLAIN, "+%lld -%lld", (long long)branch->ahead, (long long)branch->behind);
    table_put(table, STYLE_PLAIN, shown_age(cli, branch->committed_at, now));
    table_add(table, STYLE_PLAIN, environment != NULL ? environment->name : "");
    table_put(table, style, branch->gone_at != 0 ? arena_printf(&cli->arena, "%s (gone)", state) : state);
    table_add(table, STYLE_PLAIN, branch->author);
    table_add(table, STYLE_PLAIN, branch->subject);
}

/* What the last listings said, so that an old or partial one is not taken for the truth. */
static bool say_repositories(struct cli *cli, int64_t now, struct error *error)
{
    struct repository *rows;
    size_t count;

    if (!session_list(cli, &repository_type, NULL, NULL, false, 0, &rows, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!text_empty(rows[i].error))
            print_styled(cli, STYLE_WAITING,
                         arena_printf(&cli->arena, "%s: the last listing failed %s: %s\n", shown(cli, rows[i].id),
                                      shown_ago(cli, rows[i].listed_at, now), shown(cli, rows[i].error)));
        else if (!rows[i].complete)
            print_styled(cli, STYLE_WAITING,
                         arena_printf(&cli->arena, "%s: not listed whole yet\n", shown(cli, rows[i].id)));
    }
    return true;
}

struct branches {
    VEC(struct branch) rows;
    int64_t total; /* how many there are */
    bool several;  /* of more than one repository */
};

/* The newest of each repository, by the index: a workspace with 100,000 branches is listed as fast as a small one. */
static bool load_branches(struct cli *cli, size_t limit, struct branches *branches, struct error *error)
{
    struct repository *repositories;
    size_t count;

    if (!session_list(cli, &repository_type, NULL, NULL, false, 0, &repositories, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct store_query query = {.type = &branch_type, .index = "repository", .equal = {repositories[i].id}};
        struct branch *rows;
        size_t found;
        int64_t total;

        if (!session_list(cli, &branch_type, "repository", repositories[i].id, true, limit, &rows, &found, error) ||
            !store_count(cli->store, &query, &total, error))
            return false;
        for (size_t k = 0; k < found; k++)
            vec_push(&branches->rows, rows[k]);
        branches->several = branches->several || (found > 0 && branches->total > 0);
        branches->total += total;
    }
    if (branches->rows.count > 0)
        qsort(branches->rows.items, branches->rows.count, sizeof *branches->rows.items, newest_first);
    if (limit != 0 && branches->rows.count > limit)
        branches->rows.count = limit;
    return true;
}

static bool print_branches(struct cli *cli, const struct branches *branches, struct error *error)
{
    static const char *const headers[] = {"BRANCH",      "REPOSITORY", "COMMIT", "AHEAD",   "AGE",
                                          "ENVIRONMENT", "STATUS",     "AUTHOR", "SUBJECT", NULL};
    static const char *const of_one[] = {"BRANCH", "COMMIT", "AHEAD",   "AGE", "ENVIRONMENT",
                                         "STATUS", "AUTHOR", "SUBJECT", NULL};
    int64_t now = time_now_ms();
    struct map environments = {0};
    struct table table;
    bool done = map_environments(cli, &environments, error) && say_repositories(cli, now, error);

    if (done) {
        table_begin(&table, cli, branches->several ? headers : of_one);
        for (size_t i = 0; i < branches->rows.count; i++)
            add_branch(&table, &branches->rows.items[i], branches->several, &environments, now);
        table_end(&table, "no branches are listed yet");
        if ((int64_t)branches->rows.count < branches->total)
            printf("%lld more: --limit 0 shows all\n", (long long)(branches->total - (int64_t)branches->rows.count));
    }
    map_release(&environments);
    return done;
}

bool cli_branches(struct cli *cli, int *status, struct error *error)
{
    struct branches branches = {0};
    bool done;

    (void)status;
    if (!session_open(cli, STORE_READER, SESSION_START, error))
        return false;
    done = load_branches(cli, cli_limit(cli, cli->call.json ? 0 : BRANCHES_SHOWN), &branches, error);
    if (done && cli->call.json)
        print_json(rows_to_json(&branch_type, branches.rows.items, branches.rows.count));
    else if (done)
        done = print_branches(cli, &branches, error);
    done = done && (branches.total > 0 || session_need_policy(cli, error));
    vec_release(&branches.rows);
    return done;
}

bool cli_releases(struct cli *cli, int *status, struct error *error)
{
    static const char *const headers[] = {"RELEASE", "COMMIT", "RUN", "VERDICT", "VALIDATED", "MADE", NULL};
    struct environment environment;
    struct release *rows;
    size_t count;
    struct table table;

    (void)status;
    if (!session_open(cli, STORE_READER, SESSION_AS_IT_IS, error) ||
        !session_need_environment(cli, cli->call.subject, &environment, error) ||
        !session_list(cli, &release_type, "environment", environment.id, true, 0, &rows, &count, error))
        return false;
    if (cli->call.json) {
        print_json(rows_to_json(&release_type, rows, count));
        return true;
    }
    table_begin(&table, cli, headers);
    for (size_t i = 0; i < count; i++) {
        table_putf(&table, rows[i].version == environment.release ? STYLE_GOOD : STYLE_PLAIN, "v%lld%s",
                   (long long)rows[i].version, rows[i].version == environment.release ? " (current)" : "");
        table_put(&table, STYLE_MUTED, shown_commit(cli, rows[i].commit));
        table_add(&table, STYLE_PLAIN, rows[i].run);
        table_add(&table, STYLE_PLAIN, rows[i].verdict);
        table_put(&table, STYLE_PLAIN, rows[i].validated ? "yes" : "no");
        table_put(&table, STYLE_PLAIN, shown_instant(cli, rows[i].created_at));
    }
    table_end(&table, "no releases yet");
    return true;
}
