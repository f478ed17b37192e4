/* SPDX-License-Identifier: ISC */
/* An open store and the policy in it: finding environments and runs by what a person calls them, and asking policy. */
#include "cli/names.h"
#include "cli/output.h"

#include "berth/base/text.h"
#include "berth/base/time.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTING_LIMIT_MS (10 * MS_SECOND)

const char *cli_argument(const struct cli *cli, const char *name)
{
    return json_get_text(cli->call.arguments, name);
}

size_t cli_limit(const struct cli *cli, size_t preset)
{
    long long limit;

    return text_to_int(cli_argument(cli, "limit"), &limit) && limit >= 0 ? (size_t)limit : preset;
}

/* The policy as berthd took it from the trusted ref. One that this program cannot read counts as none. */
static bool load_policy(struct cli *cli, struct error *error)
{
    struct problems problems;
    enum store_found found = store_get(cli->store, &policy_type, "berth.yaml", &cli->arena, &cli->policy, error);

    if (found == STORE_ERROR)
        return false;
    if (found == STORE_MISSING || text_empty(cli->policy.text))
        return true;
    problems_init(&problems, &cli->arena);
    cli->config = config_load(text_empty(cli->policy.path) ? "berth.yaml" : cli->policy.path, cli->policy.text,
                              strlen(cli->policy.text), &problems);
    problems_release(&problems);
    return true;
}

/* Whether the berthd of now has looked at the trusted ref; what one before it could not read may be there by now. */
static bool has_looked(struct cli *cli)
{
    struct daemon daemon;

    return store_get(cli->store, &daemon_type, "berthd", &cli->arena, &daemon, NULL) == STORE_FOUND &&
           (text_equal(daemon.state, "serving") || text_equal(daemon.state, "draining")) &&
           (kill((pid_t)daemon.pid, 0) == 0 || errno == EPERM);
}

/* Whether every repository was listed once, or failed to be; without a policy there is nothing to list. */
static bool is_listed(struct cli *cli)
{
    struct policy_row policy;
    struct repository *rows;
    size_t count;
    bool listed;

    if (store_get(cli->store, &policy_type, "berth.yaml", &cli->arena, &policy, NULL) == STORE_FOUND &&
        text_empty(policy.text) && !text_empty(policy.error))
        return has_looked(cli);
    if (!session_list(cli, &repository_type, NULL, NULL, false, 0, &rows, &count, NULL))
        return true; /* the next read tells what is wrong */
    listed = count > 0;
    for (size_t i = 0; i < count; i++)
        listed &= rows[i].listed || !text_empty(rows[i].error);
    return listed;
}

/* The first answer of a new workspace would be empty: a moment's patience gives the real one. */
static void wait_for_listing(struct cli *cli)
{
    int64_t deadline = time_monotonic_ms() + LISTING_LIMIT_MS;

    while (!is_listed(cli) && daemon_runs(cli->store_folder)) {
        int64_t left = deadline - time_monotonic_ms();

        if (left <= 0)
            return;
        wait_for_bell(cli->store, left);
    }
}

/* What is decided and shown stands on an older policy than the trusted ref has: said beside the answer, which it does not change. */
static void say_old_policy(struct cli *cli)
{
    if (text_empty(cli->policy.text) || text_empty(cli->policy.error))
        return;
    fprintf(stderr, "berth: the policy of %s stays in force, a newer one was not taken: %s\n",
            shown_commit(cli, cli->policy.commit), shown(cli, cli->policy.error));
}

/* There is none yet, or one that an older berth wrote: a berthd of this version makes it, or brings it up to date. */
static bool can_be_made(const struct error *error)
{
    return error->code == ERROR_NOT_FOUND || (error->code == ERROR_VERSION && error->retry);
}

/* A new store is about to be made for a repository that had one. */
static void say_moved(struct cli *cli)
{
    const char *store, *before = workspace_before(cli, &store);

    if (before != NULL)
        fprintf(stderr,
                "berth: this repository lay in %s before; its store stays in %s, and a new one begins here\n"
                "  %s berth doctor says how to go on with the old one\n",
                shown(cli, before), shown(cli, store), cli->ascii ? "->" : "→");
}

bool session_open(struct cli *cli, enum store_role role, enum session_start start, struct error *error)
{
    struct error first = {0};

    if (!workspace_find(cli, error))
        return false;
    cli->store = store_open(cli->store_folder, role, &first);
    if (cli->store == NULL && (!can_be_made(&first) || start == SESSION_AS_IT_IS)) {
        *error = first;
        if (first.code == ERROR_NOT_FOUND)
            error_hint(error, "nothing was recorded for this workspace yet: berth envs starts its berthd");
        return false;
    }
    if (cli->store == NULL && first.code == ERROR_VERSION && daemon_runs(cli->store_folder)) {
        *error = first;
        return error_hint(
            error, "an older berthd serves it still: end that one (berth stop of its version, or SIGTERM), then again");
    }
    if (cli->store == NULL && first.code == ERROR_NOT_FOUND)
        say_moved(cli);
    if (start != SESSION_AS_IT_IS && !daemon_runs(cli->store_folder)) {
        if (!daemon_start(cli, error))
            return false;
        if (cli->store != NULL)
            daemon_settle(cli);
    }
    if (cli->store == NULL) {
        if (!daemon_wait(cli, error))
            return false;
        cli->store = store_open(cli->store_folder, role, error);
        if (cli->store == NULL)
            return false;
    }
    workspace_note(cli);
    if (start == SESSION_START)
        wait_for_listing(cli);
    cli->unserved = !daemon_runs(cli->store_folder);
    if (!load_policy(cli, error))
        return false;
    if (start == SESSION_START)
        say_old_policy(cli);
    return true;
}

void session_close(struct cli *cli)
{
    config_free(cli->config);
    cli->config = NULL;
    store_close(cli->store);
    cli->store = NULL;
}

bool session_need_policy(struct cli *cli, struct error *error)
{
    if (!text_empty(cli->policy.text))
        return true;
    error_set(error, ERROR_CONFIG, "no berth.yaml was read from the trusted ref of %s", cli->repository);
    error_detail(error, "%s", text_empty(cli->policy.error) ? "" : cli->policy.error);
    return error_hint(error, "commit berth.yaml on the trusted ref; berth doctor says what else is wrong");
}

static void say_unread(const char *id, const struct error *error, void *context)
{
    struct cli *cli = context;
    (void)id;
    cli->unread++;
    fprintf(stderr, "berth: %s: %s; what depends on it is held aside, see berth doctor\n", shown(cli, error->message),
            shown(cli, error->detail));
}

bool session_list(struct cli *cli, const struct record_type *type, const char *index, const char *equal,
                  bool descending, size_t limit, void *rows, size_t *count, struct error *error)
{
    const struct store_query query = {.type = type,
                                      .index = index,
                                      .equal = {equal},
                                      .descending = descending,
                                      .limit = limit,
                                      .damaged = say_unread,
                                      .damaged_context = cli};

    return store_list(cli->store, &query, &cli->arena, rows, count, error);
}

/* What is there and cannot be read is not missing. */
static bool cannot_read(const char *name, struct error *error)
{
    error_set(error, ERROR_DAMAGED, "what is recorded of \"%s\" cannot be read", name);
    return error_hint(error, "berth doctor names each such row; nothing is done with them until they can be read");
}

enum store_found session_environment(struct cli *cli, const char *name, struct environment *environment,
                                     struct error *error)
{
    struct environment *rows;
    size_t count, chosen = 0, unread = cli->unread;

    if (!session_list(cli, &environment_type, "name", name, true, 0, &rows, &count, error))
        return STORE_ERROR;
    if (count == 0 && cli->unread > unread) {
        cannot_read(name, error);
        return STORE_ERROR;
    }
    if (count == 0)
        return STORE_MISSING;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].status != ENVIRONMENT_DESTROYED) {
            chosen = i;
            break;
        }
    }
    *environment = rows[chosen];
    return STORE_FOUND;
}

/* As berthd does: an environment that is, a listed branch, and then what an entry's pattern would make. */
const char *session_environment_of(struct cli *cli, const char *subject)
{
    const struct config_entry *entries[2];
    const char *repository, *name;
    struct environment environment;
    struct branch branch;

    if (cli->config == NULL || cli->config->repositories.count == 0)
        return subject;
    repository = text_empty(cli->config->trusted_repository) ? cli->config->repositories.items[0].name
                                                             : cli->config->trusted_repository;
    if ((session_environment(cli, subject, &environment, NULL) == STORE_FOUND &&
         environment.status != ENVIRONMENT_DESTROYED) ||
        !config_name_means_branch(cli->config, repository, subject) ||
        config_match_branch(cli->config, repository, subject, entries, 2) != 1)
        return subject;
    if (config_entry_for_name(cli->config, subject) != NULL &&
        store_get(cli->store, &branch_type, arena_printf(&cli->arena, "%s:%s", repository, subject), &cli->arena,
                  &branch, NULL) != STORE_FOUND)
        return subject; /* no listed branch: the name that the pattern makes */
    name = config_entry_branch_name(cli->config, entries[0], subject, NULL, &cli->arena);
    return text_empty(name) ? subject : name;
}

bool session_need_environment(struct cli *cli, const char *name, struct environment *environment, struct error *error)
{
    switch (session_environment(cli, name, environment, error)) {
    case STORE_FOUND: return true;
    case STORE_ERROR: return false;
    case STORE_MISSING: break;
    }
    return name_unknown(cli, NAME_OF_ENVIRONMENT, name, error);
}

bool session_need_run(struct cli *cli, const char *subject, const char *verb, struct run *run, struct error *error)
{
    long long number;
    struct run *rows;
    size_t count, unread = cli->unread;

    if (text_to_int(subject, &number)) {
        enum store_found found = store_get(cli->store, &run_type, subject, &cli->arena, run, error);

        if (found == STORE_MISSING) {
            error_set(error, ERROR_USAGE, "there is no run %s", subject);
            error_hint(error, "berth runs lists them");
        }
        return found == STORE_FOUND;
    }
    if (!session_list(cli, &run_type, "environment_name", subject, true, 0, &rows, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (verb == NULL || policy_run_takes(&rows[i], verb)) {
            *run = rows[i];
            return true;
        }
    }
    if (count == 0 && cli->unread > unread)
        return cannot_read(subject, error);
    if (count == 0 && !name_is_known(cli, subject))
        return name_unknown(cli, NAME_OF_ENVIRONMENT, subject, error);
    if (count > 0) {
        const struct why *state = policy_run_state(&rows[0], verb, &cli->arena);

        error_set(error, ERROR_CONFLICT, "%s", state->reason);
        return error_hint(error, "%s", state->next);
    }
    error_set(error, verb != NULL ? ERROR_CONFLICT : ERROR_NOT_FOUND, "\"%s\" has no run yet", subject);
    return error_hint(error, "berth runs lists them");
}

bool session_is_owner(const struct cli *cli)
{
    struct stat status;

    return stat(store_folder(cli->store), &status) == 0 && status.st_uid == getuid();
}

const char *session_actor(struct cli *cli)
{
    return arena_printf(&cli->arena, "uid:%ld", (long)getuid());
}

const char *session_login(struct cli *cli)
{
    const struct passwd *entry = getpwuid(getuid());

    return entry != NULL ? arena_strdup(&cli->arena, entry->pw_name) : "";
}

/* Rows as pointers to rows, as policy wants them. */
static const void *pointers_to(struct cli *cli, const void *rows, size_t count, size_t size)
{
    const void **list = arena_alloc(&cli->arena, (count + 1) * sizeof *list);

    for (size_t i = 0; i < count; i++)
        list[i] = (const char *)rows + i * size;
    return list;
}

static bool fill_question(struct cli *cli, const struct verb *verb, const char *environment_name,
                          const struct environment *environment, struct policy_question *question, struct error *error)
{
    struct hold *holds = NULL;
    struct freeze *freezes;
    size_t hold_count = 0, freeze_count;

    if (environment != NULL &&
        !session_list(cli, &hold_type, "environment", environment->id, false, 0, &holds, &hold_count, error))
        return false;
    if (!store_freezes(cli->store, &cli->arena, &freezes, &freeze_count, error))
        return false;
    *question = (struct policy_question){
        .config = cli->config,
        .environment = environment,
        .environment_name = environment_name,
        .verb = verb->name,
        .role = verb->role,
        .flags = verb->policy_flags | (session_is_owner(cli) ? POLICY_OWNER : 0u) |
                 (text_empty(cli_argument(cli, "confirm")) ? 0u : POLICY_CONFIRMED),
        .actor = session_actor(cli),
        .person = "",
        .holds = pointers_to(cli, holds, hold_count, sizeof *holds),
        .hold_count = hold_count,
        .freezes = pointers_to(cli, freezes, freeze_count, sizeof *freezes),
        .freeze_count = freeze_count,
        .now_ms = time_now_ms(),
    };
    if (cli->config != NULL) {
        question->entry = config_entry_of(cli->config, environment, environment_name);
        question->person = policy_person(cli->config, question->actor, session_login(cli));
    }
    question->tier = environment != NULL       ? (enum tier)environment->tier
                     : question->entry != NULL ? question->entry->tier
                                               : TIER_NONE;
    return true;
}

static const struct release *release_named(const struct release *releases, size_t count, const char *name)
{
    long long version;

    if (!text_to_int(name + (*name == 'v'), &version))
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (releases[i].version == version)
            return &releases[i];
    }
    return NULL;
}

static bool starts_run(const struct verb *verb)
{
    return !verb_is_about_run(verb) &&
           ((verb->policy_flags & (POLICY_DEPLOYS | POLICY_DESTROYS)) != 0 || text_equal(verb->name, "plan"));
}

struct at_work {
    struct arena *arena;
    VEC(struct run) runs;
};

static bool collect_run(const void *row, void *context)
{
    struct at_work *at_work = context;
    struct run run = {.entry = arena_strdup(at_work->arena, ((const struct run *)row)->entry)};

    vec_push(&at_work->runs, run);
    return true;
}

/* The runs at work, as far as limits are about them. */
static bool fill_active(struct cli *cli, struct policy_about *about, struct error *error)
{
    static const char *const columns[] = {"id", "entry", NULL};
    struct at_work at_work = {.arena = &cli->arena};
    bool read = true;

    for (int status = RUN_QUEUED; read && status < RUN_DONE; status++) {
        struct store_query query = {
            .type = &run_type, .index = "status", .equal = {word_name(run_status_names, status)}, .columns = columns};

        read = !run_is_active(status) || store_each(cli->store, &query, collect_run, &at_work, error);
    }
    about->active_count = at_work.runs.count;
    if (at_work.runs.count > 0)
        about->active = arena_copy(&cli->arena, at_work.runs.items, at_work.runs.count * sizeof *at_work.runs.items);
    vec_release(&at_work.runs);
    return read;
}

/* The rows of the run, or of the environment, that the answer stands on. */
static bool fill_about(struct cli *cli, const struct verb *verb, const struct environment *environment,
                       const struct run *run, struct policy_about *about, struct error *error)
{
    struct approval *approvals = NULL;
    struct release *releases = NULL;

    *about = (struct policy_about){.needs_environment = verb_needs_environment(verb),
                                   .names_ref = !text_empty(cli_argument(cli, "ref"))};
    if (verb_is_about_run(verb)) {
        about->run = run;
        if (!session_list(cli, &approval_type, "run", run->id, false, 0, &approvals, &about->approval_count, error))
            return false;
        about->approvals = pointers_to(cli, approvals, about->approval_count, sizeof *approvals);
    } else if (environment != NULL && text_equal(verb->name, "rollback")) {
        if (!session_list(cli, &release_type, "environment", environment->id, true, 0, &releases, &about->release_count,
                          error))
            return false;
        about->releases = pointers_to(cli, releases, about->release_count, sizeof *releases);
        about->to = release_named(releases, about->release_count, cli_argument(cli, "to"));
    }
    return !starts_run(verb) || fill_active(cli, about, error);
}

const struct why *session_why(struct cli *cli, const struct verb *verb, const char *environment_name,
                              const struct run *run, struct error *error)
{
    struct environment environment;
    struct policy_question question;
    struct policy_about about;
    enum store_found found = STORE_MISSING;

    if (!(verb->scopes & SCOPE_WORKSPACE))
        found = session_environment(cli, environment_name, &environment, error);
    if (found == STORE_ERROR ||
        !fill_question(cli, verb, environment_name, found == STORE_FOUND ? &environment : NULL, &question, error) ||
        !fill_about(cli, verb, question.environment, run, &about, error))
        return NULL;
    return policy_ask(&question, &about, &cli->arena);
}
