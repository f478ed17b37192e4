/* SPDX-License-Identifier: ISC */
/* What acts: policy, preview, command row. */
#include "ui/action.h"

#include "berth/base/fault.h"
#include "berth/base/text.h"
#include "berth/config.h"
#include "berth/store.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- who and by which policy ------------------------------------------------------------------------------ */

static void learn_who(struct dashboard *dashboard)
{
    struct stat folder;
    char buffer[4096];
    struct passwd entry, *found = NULL;
    if (dashboard->actor[0])
        return;
    snprintf(dashboard->actor, sizeof dashboard->actor, "uid:%ld", (long)getuid());
    if (getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found) == 0 && found)
        text_copy(dashboard->login, sizeof dashboard->login, found->pw_name);
    const char *path = store_folder(dashboard->reader);
    dashboard->is_owner = text_empty(path) || (stat(path, &folder) == 0 && folder.st_uid == getuid());
}

void action_learn(struct dashboard *dashboard)
{
    const struct policy_row *known = picture_surroundings(dashboard->picture)->policy;
    struct arena arena = {0};
    struct policy_row row;
    struct error error = {0};
    learn_who(dashboard);
    if (!known || (dashboard->config && text_equal(dashboard->config_commit, known->commit)))
        return;
    if (store_get(dashboard->reader, &policy_type, known->id, &arena, &row, &error) == STORE_FOUND) {
        struct problems problems;
        problems_init(&problems, &arena);
        struct config *config = config_load(row.path, row.text, strlen(row.text), &problems);
        problems_release(&problems);
        if (config) {
            config->commit = arena_strdup(&config->arena, row.commit);
            config_free(dashboard->config);
            dashboard->config = config;
            free(dashboard->config_commit);
            dashboard->config_commit = mem_strdup(row.commit);
        }
    }
    arena_release(&arena);
}

/* --- the question ----------------------------------------------------------------------------------------- */

static void ask(struct dashboard *dashboard, const struct verb *verb, const char *name,
                const struct environment *environment, const struct config_entry *entry, struct arena *arena,
                struct policy_question *question)
{
    const struct surroundings *around = picture_surroundings(dashboard->picture);
    const struct hold **holds = arena_alloc(arena, (around->hold_count + 1) * sizeof *holds);
    const struct freeze **freezes = arena_alloc(arena, (around->freeze_count + 1) * sizeof *freezes);
    size_t hold_count = 0;
    for (size_t i = 0; environment && i < around->hold_count; i++) {
        if (text_equal(around->holds[i].environment, environment->id))
            holds[hold_count++] = &around->holds[i];
    }
    for (size_t i = 0; i < around->freeze_count; i++)
        freezes[i] = &around->freezes[i];
    *question = (struct policy_question){
        .config = dashboard->config,
        .entry = entry,
        .environment = environment,
        .environment_name = name,
        .tier = environment ? (enum tier)environment->tier
                : entry     ? entry->tier
                            : TIER_NONE,
        .verb = verb->name,
        .role = verb->role,
        .flags = verb->policy_flags | (dashboard->is_owner ? (unsigned)POLICY_OWNER : 0),
        .actor = dashboard->actor,
        .person = policy_person(dashboard->config, dashboard->actor, dashboard->login),
        .commit = "",
        .ref_kind = "",
        .holds = holds,
        .hold_count = hold_count,
        .freezes = freezes,
        .freeze_count = around->freeze_count,
        .now_ms = dashboard->now_ms,
    };
}

static bool goes_back(const struct verb *verb)
{
    return text_equal(verb->name, "rollback");
}

static const void *pointers(struct arena *arena, const void *rows, size_t count, size_t size)
{
    const void **list = arena_alloc(arena, (count + 1) * sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = (const char *)rows + i * size;
    return list;
}

/* The run's whole row and its answers, read once for each change of the store. */
static const struct gate_rows *gate_rows(struct dashboard *dashboard, const char *run_id)
{
    struct gate_rows *rows = &dashboard->gate_rows;
    struct store_query query = {.type = &approval_type, .index = "run", .equal = {run_id}};
    if (rows->run.id && rows->moment == dashboard->moment && text_equal(rows->run.id, run_id))
        return rows;
    char *id = mem_strdup(run_id); /* it may lie in what is released */
    struct approval *approvals;
    arena_release(&rows->arena);
    *rows = (struct gate_rows){.moment = dashboard->moment};
    query.equal[0] = id;
    if (store_get(dashboard->reader, &run_type, id, &rows->arena, &rows->run, NULL) != STORE_FOUND ||
        !store_list(dashboard->reader, &query, &rows->arena, &approvals, &rows->count, NULL))
        rows->run.id = NULL;
    else
        rows->approvals = pointers(&rows->arena, approvals, rows->count, sizeof *approvals);
    free(id);
    return rows->run.id ? rows : NULL;
}

/* The releases of an environment, newest first, read once for each change of the store. */
static const struct release_rows *release_rows(struct dashboard *dashboard, const char *environment)
{
    struct release_rows *rows = &dashboard->release_rows;
    struct store_query query = {
        .type = &release_type, .index = "environment", .equal = {environment}, .descending = true};
    if (rows->environment && rows->moment == dashboard->moment && text_equal(rows->environment, environment))
        return rows;
    char *id = mem_strdup(environment);
    struct release *releases;
    arena_release(&rows->arena);
    *rows = (struct release_rows){.moment = dashboard->moment};
    query.equal[0] = id;
    if (store_list(dashboard->reader, &query, &rows->arena, &releases, &rows->count, NULL)) {
        rows->releases = pointers(&rows->arena, releases, rows->count, sizeof *releases);
        rows->environment = arena_strdup(&rows->arena, id);
    }
    free(id);
    return rows->environment ? rows : NULL;
}

struct intent { /* what is asked about */
    const struct verb *verb;
    const char *name; /* of the environment */
    const struct environment *environment;
    const struct config_entry *entry;
    const struct run *run;
    const struct release *release;
};

static const struct why *state_no(struct arena *arena, const char *reason, const char *next)
{
    struct why *why = arena_alloc(arena, sizeof *why);
    *why = (struct why){
        .kind = WHY_RULE, .verdict = POLICY_NO, .rule = "state", .reason = reason, .source = "", .next = next};
    return why;
}

/* The same answer as `berth why`; only what this dashboard alone knows is added. NULL: the policy is not known yet. */
static const struct why *may(struct dashboard *dashboard, const struct intent *intent, struct arena *arena)
{
    const struct verb *verb = intent->verb;
    const struct config_entry *entry = intent->entry;
    struct policy_question question;
    struct policy_about about = {.needs_environment = verb_needs_environment(verb), .to = intent->release};
    if (dashboard->options->read_only)
        return state_no(arena, "this dashboard was opened read-only", "open it without --read-only");
    if (verb_is_about_run(verb) && !intent->run)
        return state_no(arena, "there is no run to answer", "D starts one");
    if (!dashboard->config)
        return NULL;
    if (!entry)
        entry = config_entry_of(dashboard->config, intent->environment, intent->name);
    ask(dashboard, verb, intent->name, intent->environment, entry, arena, &question);
    if (verb_is_about_run(verb) && intent->run) {
        const struct gate_rows *rows =
            verb->policy_flags & POLICY_ANSWERS_GATE ? gate_rows(dashboard, intent->run->id) : NULL;
        about.run = rows ? &rows->run : intent->run;
        about.approvals = rows ? rows->approvals : NULL;
        about.approval_count = rows ? rows->count : 0;
    } else if (intent->environment && goes_back(verb)) {
        const struct release_rows *rows = release_rows(dashboard, intent->environment->id);
        about.releases = rows ? rows->releases : NULL;
        about.release_count = rows ? rows->count : 0;
    }
    return policy_ask(&question, &about, arena);
}

/* --- which environment a branch means --------------------------------------------------------------------- */

struct entries {
    const struct config_entry **items;
    size_t count;
};

/* All that take it, in the order of berth.yaml; none while the policy is not known. */
static struct entries entries_of_branch(struct dashboard *dashboard, const struct branch_row *branch,
                                        struct arena *arena)
{
    const struct config *config = dashboard->config;
    struct entries entries = {0};
    if (!config)
        return entries;
    size_t length = (size_t)(branch->name - branch->id);
    const char *repository = arena_printf(arena, "%.*s", length ? (int)length - 1 : 0, branch->id);
    entries.items = arena_alloc(arena, (config->environment_count + 1) * sizeof *entries.items);
    entries.count = config_match_branch(config, repository, branch->name, entries.items, config->environment_count);
    return entries;
}

/* --- actions ---------------------------------------------------------------------------------------------- */

/* Of an environment the newest run that the verb can be about, as on the command line; where a run is selected, that one. */
static const struct run *run_meant(struct dashboard *dashboard, const struct verb *verb, const struct subject *subject)
{
    const struct run *run = subject->run, *found = NULL;
    bool of_environment = (subject->scopes & (SCOPE_ENVIRONMENT | SCOPE_BRANCH)) != 0;
    if (!verb_is_about_run(verb) || !run || !of_environment || policy_run_takes(run, verb->name))
        return run;
    for (size_t i = 0; i < picture_count(dashboard->picture, PICTURE_RUNS_PART); i++) {
        const struct run *row = picture_run_at(dashboard->picture, i);
        if (row && text_equal(row->environment_name, run->environment_name) && policy_run_takes(row, verb->name) &&
            (!found || row->number > found->number))
            found = row;
    }
    return found ? found : run;
}

static void copy_rows(struct action *action, const struct subject *subject)
{
    if (subject->environment)
        action->environment = record_copy(&environment_type, subject->environment, &action->arena);
    if (subject->run)
        action->run = record_copy(&run_type, subject->run, &action->arena);
    if (subject->release) {
        action->release = record_copy(&release_type, subject->release, &action->arena);
        action->release_change = arena_strdup(&action->arena, subject->release_change ? subject->release_change : "");
    }
    if (subject->branch) {
        struct branch_row *copy = arena_copy(&action->arena, subject->branch, sizeof *copy);
        copy->id = arena_strdup(&action->arena, subject->branch->id);
        copy->name = copy->id + (subject->branch->name - subject->branch->id);
        copy->subject = arena_strdup(&action->arena, subject->branch->subject);
        copy->author = arena_strdup(&action->arena, subject->branch->author);
        action->branch = copy;
    }
}

static void fill_arguments(struct action *action)
{
    const struct verb *verb = action->verb;
    if (action->release && goes_back(verb))
        json_object_set_new(action->arguments, "to",
                            json_string(arena_printf(&action->arena, "v%lld", (long long)action->release->version)));
    if (action->branch && verb_argument_named(verb, "ref"))
        json_object_set_new(action->arguments, "ref", json_string(action->branch->name));
    if (action->run && verb_argument_named(verb, "digest"))
        json_object_set_new(action->arguments, "digest", json_string(action->run->digest));
}

struct action *action_new(struct dashboard *dashboard, const struct verb *verb, const struct subject *subject,
                          const char *environment_name)
{
    struct action *action = mem_zero(1, sizeof *action);
    const struct config_entry *entry = NULL;
    action->verb = verb;
    action->arguments = json_object();
    struct subject meant = *subject;
    meant.run = run_meant(dashboard, verb, subject);
    copy_rows(action, &meant);
    if (action->run && !action->environment) {
        const struct environment *row = picture_environment_named(dashboard->picture, action->run->environment_name);
        action->environment = row ? record_copy(&environment_type, row, &action->arena) : NULL;
    }
    action->environment_name = environment_name      ? arena_strdup(&action->arena, environment_name)
                               : action->environment ? action->environment->name
                               : action->run         ? action->run->environment_name
                                                     : "";
    if (dashboard->config && !action->environment && !text_empty(action->environment_name))
        entry = config_entry_for_name(dashboard->config, action->environment_name);
    action->tier = action->environment ? (enum tier)action->environment->tier : entry ? entry->tier : TIER_NONE;
    action->subject = verb_is_about_run(verb) && action->run  ? action->run->id
                      : !text_empty(action->environment_name) ? action->environment_name
                      : action->branch                        ? action->branch->name
                                                              : "";
    fill_arguments(action);
    const struct intent intent = {verb,        action->environment_name, action->environment, entry,
                                  action->run, action->release};
    action->why = may(dashboard, &intent, &action->arena);
    return action;
}

/* Where no name of an environment is to be had for a branch: none takes it, or several do. */
static const struct why *no_entry(struct dashboard *dashboard, const struct branch_row *branch, struct entries entries,
                                  struct arena *arena)
{
    struct str names = STR_INIT;
    const struct why *why;
    if (entries.count == 0)
        return state_no(arena, arena_printf(arena, "no environment in berth.yaml takes the branch %s", branch->name),
                        "add it to source.branches of an entry on the trusted ref");
    for (size_t i = 0; i < entries.count; i++)
        str_addf(&names, "%s%s", i ? ", " : "",
                 config_entry_branch_name(dashboard->config, entries.items[i], branch->name, NULL, arena));
    why = state_no(arena, arena_printf(arena, "the branch %s fits several environments: %s", branch->name, names.data),
                   "name one of them");
    str_release(&names);
    return why;
}

/* A listed branch of that name in any repository. */
static const struct branch_row *branch_named(struct dashboard *dashboard, const char *name)
{
    const struct surroundings *around = picture_surroundings(dashboard->picture);
    const struct branch_row *found = NULL;
    struct str id = STR_INIT;
    for (size_t i = 0; i < around->repository_count && !found; i++) {
        str_clear(&id);
        str_addf(&id, "%s:%s", around->repositories[i].id, name);
        found = picture_branch(dashboard->picture, id.data);
    }
    str_release(&id);
    return found;
}

void action_subject(struct dashboard *dashboard, const struct verb *verb, const char *name, struct subject *subject)
{
    *subject = (struct subject){.environment = picture_environment_named(dashboard->picture, name)};
    if (verb_is_about_run(verb)) {
        subject->run = picture_run(dashboard->picture, name);
        if (!subject->run) {
            subject->scopes = SCOPE_ENVIRONMENT;
            subject->run = picture_run_of(dashboard->picture, name);
        }
    } else if (!subject->environment) {
        subject->branch = branch_named(dashboard, name);
    }
}

static const struct release *release_named(struct dashboard *dashboard, const char *environment, const char *name)
{
    const struct release_rows *rows = *name ? release_rows(dashboard, environment) : NULL;
    long long version;
    if (!rows || !text_to_int(name + (*name == 'v'), &version))
        return NULL;
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->releases[i]->version == version)
            return rows->releases[i];
    }
    return NULL;
}

struct action *action_from_call(struct dashboard *dashboard, const struct verb *verb, const char *name,
                                json_t *arguments)
{
    struct subject about;
    struct entries entries = {0};
    struct arena arena = {0};
    action_subject(dashboard, verb, name, &about);
    const char *environment_name = about.environment || about.run ? NULL : name;
    if (about.branch)
        entries = entries_of_branch(dashboard, about.branch, &arena);
    if (entries.count == 1) {
        environment_name =
            config_entry_branch_name(dashboard->config, entries.items[0], about.branch->name, NULL, &arena);
        about.environment = picture_environment_named(dashboard->picture, environment_name);
    }
    if (about.environment && goes_back(verb))
        about.release = release_named(dashboard, about.environment->id, json_get_text(arguments, "to"));
    struct action *action = action_new(dashboard, verb, &about, environment_name);
    if (about.branch && dashboard->config && entries.count != 1)
        action->why = no_entry(dashboard, about.branch, entries, &action->arena);
    action->subject = arena_strdup(&action->arena, name);
    json_object_update(action->arguments, arguments);
    arena_release(&arena);
    return action;
}

void action_free(struct action *action)
{
    if (!action)
        return;
    json_decref(action->arguments);
    arena_release(&action->arena);
    free(action);
}

/* The environment that an entry makes of a branch: the one that it made, where that is there, else the name that it would give. */
static const char *name_by_entry(struct dashboard *dashboard, const struct config_entry *entry,
                                 const struct branch_row *branch, struct arena *arena)
{
    const struct environment *row = picture_environment_of_branch(dashboard->picture, branch->id);
    return row && text_equal(row->entry, entry->name)
               ? row->name
               : config_entry_branch_name(dashboard->config, entry, branch->name, NULL, arena);
}

/* Whether the verb is about what the entries make of a branch, and not about the environment that it has. */
static bool is_about_entries(const struct verb *verb, const struct subject *subject)
{
    return subject->branch && (!subject->environment || !verb_needs_environment(verb)) && !verb_is_about_run(verb);
}

/* What the first entry says that does not say no, else the first. */
static const struct why *may_of_branch(struct dashboard *dashboard, struct intent intent,
                                       const struct branch_row *branch, struct arena *arena)
{
    struct entries entries = entries_of_branch(dashboard, branch, arena);
    const struct why *first = NULL;
    if (entries.count == 0)
        return no_entry(dashboard, branch, entries, arena);
    for (size_t i = 0; i < entries.count; i++) {
        intent.entry = entries.items[i];
        intent.name = name_by_entry(dashboard, entries.items[i], branch, arena);
        intent.environment = picture_environment_named(dashboard->picture, intent.name);
        const struct why *why = may(dashboard, &intent, arena);
        if (!why || why->verdict != POLICY_NO)
            return why;
        first = first ? first : why;
    }
    return first;
}

const struct why *action_why(struct dashboard *dashboard, const struct verb *verb, const struct subject *subject,
                             struct arena *arena)
{
    struct intent intent = {.verb = verb,
                            .environment = subject->environment,
                            .run = run_meant(dashboard, verb, subject),
                            .release = subject->release};
    intent.name = subject->environment ? subject->environment->name : intent.run ? intent.run->environment_name : "";
    if (!intent.environment && intent.run)
        intent.environment = picture_environment_named(dashboard->picture, intent.name);
    if (dashboard->config && is_about_entries(verb, subject))
        return may_of_branch(dashboard, intent, subject->branch, arena);
    return may(dashboard, &intent, arena);
}

static void refuse(struct dashboard *dashboard, const struct verb *verb, const struct why *why)
{
    const struct why *first = why_first(why);
    str_clear(&dashboard->why_text);
    why_text(why, &dashboard->why_text);
    dashboard_say(dashboard, STYLE_WARNING, "%c %s: not now. %s%s%s  (w: every rule)", verb->key ? verb->key : ':',
                  verb->name, first ? first->reason : "policy says no", first && *first->next ? "; " : "",
                  first ? first->next : "");
}

void action_preview(struct dashboard *dashboard, struct action *action)
{
    if (action->why && action->why->verdict == POLICY_NO) {
        refuse(dashboard, action->verb, action->why);
        action_free(action);
        return;
    }
    dialog_open(dashboard, action);
}

struct choosing {
    const struct verb *verb;
    struct arena arena; /* of the rest */
    const char *branch_id, **names;
    size_t count;
};

/* Of a branch in the environment that an entry makes of it, which may be there or not. */
static void preview_entry(struct dashboard *dashboard, const struct verb *verb, const struct branch_row *branch,
                          const char *name)
{
    const struct subject subject = {
        .scopes = SCOPE_BRANCH, .branch = branch, .environment = picture_environment_named(dashboard->picture, name)};
    action_preview(dashboard, action_new(dashboard, verb, &subject, name));
}

static void environment_chosen(struct dashboard *dashboard, size_t item, void *context)
{
    struct choosing *choosing = context;
    const struct branch_row *branch = picture_branch(dashboard->picture, choosing->branch_id);
    if (item < choosing->count && branch)
        preview_entry(dashboard, choosing->verb, branch, choosing->names[item]);
    arena_release(&choosing->arena);
    free(choosing);
}

/* A branch that fits several environments: which one is the person's to say. */
static void ask_which(struct dashboard *dashboard, const struct verb *verb, const struct branch_row *branch,
                      struct entries entries)
{
    static const char keys[] = "123456789abcdefghijklmnopqrstuvwxyz";
    struct choosing *choosing = mem_zero(1, sizeof *choosing);
    struct arena *arena = &choosing->arena;
    struct menu_item *items = arena_alloc(arena, entries.count * sizeof *items);
    choosing->verb = verb;
    choosing->branch_id = arena_strdup(arena, branch->id);
    choosing->names = arena_alloc(arena, entries.count * sizeof *choosing->names);
    choosing->count = entries.count;
    for (size_t i = 0; i < entries.count; i++) {
        choosing->names[i] = name_by_entry(dashboard, entries.items[i], branch, arena);
        items[i] = (struct menu_item){i < sizeof keys - 1 ? keys[i] : ' ', choosing->names[i]};
    }
    menu_open(dashboard, arena_printf(arena, "%s: which environment?", verb->hint), items, entries.count,
              environment_chosen, choosing);
}

/* Nobody answers a plan that is not on the screen: its gate opens under the dialog. */
static void show_gate(struct dashboard *dashboard, const struct verb *verb, const struct subject *subject)
{
    bool is_shown = dashboard_view(dashboard)->ops->kind == VIEW_GATE;
    if ((verb->policy_flags & POLICY_ANSWERS_GATE) && subject->run && !is_shown)
        dashboard_push(dashboard, &gate_view, subject->run->id);
}

void action_press(struct dashboard *dashboard, const struct verb *verb, const struct subject *subject)
{
    struct arena arena = {0};
    struct entries entries = {0};
    action_learn(dashboard);
    const struct why *why = action_why(dashboard, verb, subject, &arena);
    if (why && why->verdict == POLICY_NO) {
        refuse(dashboard, verb, why);
        arena_release(&arena);
        return;
    }
    if (is_about_entries(verb, subject))
        entries = entries_of_branch(dashboard, subject->branch, &arena);
    show_gate(dashboard, verb, subject);
    if (goes_back(verb) && subject->environment &&
        !subject->release) { /* nobody goes back to what is not on the screen */
        dashboard_push(dashboard, &releases_view, subject->environment->id);
        dashboard_say(dashboard, STYLE_MUTED, "B goes back to the release that is selected");
    } else if (entries.count > 1)
        ask_which(dashboard, verb, subject->branch, entries);
    else if (entries.count == 1)
        preview_entry(dashboard, verb, subject->branch,
                      name_by_entry(dashboard, entries.items[0], subject->branch, &arena));
    else
        action_preview(dashboard, action_new(dashboard, verb, subject, NULL));
    arena_release(&arena);
}

/* --- the command row -------------------------------------------------------------------------------------- */

static struct store *writer(struct dashboard *dashboard, struct error *error)
{
    if (dashboard->client_is_reader)
        return dashboard->reader;
    if (!dashboard->client)
        dashboard->client = store_open(store_folder(dashboard->reader), STORE_CLIENT, error);
    return dashboard->client;
}

bool action_submit(struct dashboard *dashboard, const struct action *action, const char *reason, bool dry_run,
                   struct error *error)
{
    struct arena arena = {0};
    struct store *store = writer(dashboard, error);
    if (!store)
        return false;
    struct command command = {
        .id = "",
        .verb = action->verb->name,
        .subject = action->subject,
        .arguments = json_text(&arena, action->arguments),
        .actor = dashboard->actor,
        .via = "tui",
        .reason = reason,
        .dry_run = dry_run,
    };
    bool fine = call_check(action->verb, action->subject, action->arguments, error) &&
                store_submit(store, &command, &arena, error);
    if (fine) {
        fault_point("dashboard.after_insert");
        free(dashboard->pending);
        dashboard->pending = mem_strdup(command.id);
        const char *later = dashboard->serving.is              ? ""
                            : dashboard->options->start_daemon ? "; berthd is started for it"
                                                               : "; it is taken as soon as a berthd serves this";
        dashboard_say(dashboard, STYLE_RUNNING, "%s %s: asked%s", action->verb->name, action->subject, later);
        serving_start(dashboard);
    }
    arena_release(&arena);
    return fine;
}

static void say_answer(struct dashboard *dashboard, const struct command *command)
{
    json_t *answer = json_column(command->answer);
    struct arena arena = {0};
    const struct why *why = why_from_json(json_object_get(answer, "why"), &arena);
    const char *text = json_get_text(answer, "message");
    if (command->status == COMMAND_REFUSED) {
        str_clear(&dashboard->why_text);
        if (why)
            why_text(why, &dashboard->why_text);
        dashboard_say(dashboard, STYLE_FAILED, "%s %s: refused. %s%s", command->verb, command->subject, text,
                      why ? "  (w: every rule)" : "");
    } else if (!text_empty(command->run)) {
        dashboard_say(dashboard, STYLE_OK, "%s%s  (l log, g p plan)", *text ? text : "run ", *text ? "" : command->run);
    } else {
        dashboard_say(dashboard, STYLE_OK, "%s %s: %s", command->verb, command->subject, *text ? text : "done");
    }
    json_decref(answer);
    arena_release(&arena);
}

void action_answer(struct dashboard *dashboard)
{
    struct arena arena = {0};
    struct command command;
    if (!dashboard->pending)
        return;
    if (store_get(dashboard->reader, &command_type, dashboard->pending, &arena, &command, NULL) == STORE_FOUND &&
        command.status != COMMAND_WAITING) {
        say_answer(dashboard, &command);
        free(dashboard->pending);
        dashboard->pending = NULL;
    }
    arena_release(&arena);
}
