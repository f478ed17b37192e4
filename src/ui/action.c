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

#define MOST_ENTRIES 9 /* of a branch, in the menu that asks which */

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
        .flags = verb->policy_flags | (dashboard->is_owner ? (unsigned)POLICY_OWNER : 0) |
                 (verb->confirm == CONFIRM_NAME ? (unsigned)POLICY_CONFIRMED : 0),
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

/* The run's whole row and its answers, read once for each change of the store. */
static const struct gate_rows *gate_rows(struct dashboard *dashboard, const char *run_id)
{
    struct gate_rows *rows = &dashboard->gate_rows;
    struct store_query query = {.type = &approval_type, .index = "run", .equal = {run_id}};
    if (rows->run.id && rows->moment == dashboard->moment && text_equal(rows->run.id, run_id))
        return rows;
    char *id = mem_strdup(run_id); /* it may lie in what is released */
    arena_release(&rows->arena);
    *rows = (struct gate_rows){.moment = dashboard->moment};
    query.equal[0] = id;
    if (store_get(dashboard->reader, &run_type, id, &rows->arena, &rows->run, NULL) != STORE_FOUND ||
        !store_list(dashboard->reader, &query, &rows->arena, &rows->approvals, &rows->count, NULL))
        rows->run.id = NULL;
    free(id);
    return rows->run.id ? rows : NULL;
}

/* Whether this person's answer would be taken: asked with the run's whole row. */
static const struct why *ask_gate(struct dashboard *dashboard, const struct policy_question *question,
                                  const char *run_id, struct arena *arena)
{
    const struct gate_rows *rows = gate_rows(dashboard, run_id);
    if (!rows)
        return policy_may(question, arena);
    const struct run *run = &rows->run;
    size_t count = rows->count;
    const struct approval **approvals = arena_alloc(arena, (count + 1) * sizeof *approvals);
    for (size_t i = 0; i < count; i++)
        approvals[i] = &rows->approvals[i];
    struct policy_gate gate = {
        .question = *question,
        .run = run,
        .approvals = approvals,
        .approval_count = count,
        .lock_free = true,
        .lock_holder = "",
        .base_holds = true,
    };
    return policy_may_approve(&gate, question->actor, question->person, dashboard->is_owner, run->digest, arena);
}

static const struct why *may(struct dashboard *dashboard, const struct verb *verb, const char *name,
                             const struct environment *environment, const struct config_entry *entry,
                             const struct run *run, struct arena *arena)
{
    struct policy_question question;
    if (!dashboard->config)
        return NULL;
    if (!entry && environment)
        entry = config_entry_named(dashboard->config, environment->entry);
    if (!entry && !text_empty(name))
        entry = config_entry_for_name(dashboard->config, name);
    ask(dashboard, verb, name, environment, entry, arena, &question);
    if ((verb->policy_flags & POLICY_ANSWERS_GATE) && run)
        return ask_gate(dashboard, &question, run->id, arena);
    return policy_may(&question, arena);
}

/* --- which environment a branch means --------------------------------------------------------------------- */

static size_t entries_of_branch(struct dashboard *dashboard, const struct branch_row *branch,
                                const struct config_entry *entries[MOST_ENTRIES], char repository[128])
{
    size_t length = (size_t)(branch->name - branch->id);
    snprintf(repository, 128, "%.*s", length ? (int)length - 1 : 0, branch->id);
    if (!dashboard->config)
        return 0;
    return config_match_branch(dashboard->config, repository, branch->name, entries, MOST_ENTRIES);
}

/* --- actions ---------------------------------------------------------------------------------------------- */

static bool about_run(const struct verb *verb)
{
    return verb->arguments[0].name && verb->arguments[0].type == ARGUMENT_RUN;
}

static void copy_rows(struct action *action, const struct subject *subject)
{
    if (subject->environment)
        action->environment = record_copy(&environment_type, subject->environment, &action->arena);
    if (subject->run)
        action->run = record_copy(&run_type, subject->run, &action->arena);
    if (subject->release) {
        action->release = record_copy(&release_type, subject->release, &action->arena);
        action->release_change = arena_strdup(&action->arena, subject->release_change);
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

static bool goes_back(const struct verb *verb)
{
    return text_equal(verb->name, "rollback");
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
    copy_rows(action, subject);
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
    action->subject = about_run(verb) && action->run          ? action->run->id
                      : !text_empty(action->environment_name) ? action->environment_name
                      : action->branch                        ? action->branch->name
                                                              : "";
    fill_arguments(action);
    action->why =
        may(dashboard, verb, action->environment_name, action->environment, entry, action->run, &action->arena);
    return action;
}

struct action *action_from_call(struct dashboard *dashboard, const struct verb *verb, const char *subject,
                                json_t *arguments)
{
    struct subject about = {.environment = picture_environment_named(dashboard->picture, subject),
                            .run = about_run(verb) ? picture_run(dashboard->picture, subject) : NULL};
    if (about_run(verb) && !about.run)
        about.run = picture_run_of(dashboard->picture, subject);
    struct action *action = action_new(dashboard, verb, &about, about.environment || about.run ? NULL : subject);
    action->subject = arena_strdup(&action->arena, subject);
    json_object_update(action->arguments, arguments);
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

static const struct why *state_no(struct arena *arena, const char *reason, const char *next)
{
    struct why *why = arena_alloc(arena, sizeof *why);
    *why = (struct why){
        .kind = WHY_RULE, .verdict = POLICY_NO, .rule = "state", .reason = reason, .source = "", .next = next};
    return why;
}

/* What the rows alone forbid, before any policy: nothing to approve, nothing to destroy. */
static const struct why *forbidden_by_state(struct dashboard *dashboard, const struct verb *verb,
                                            const struct subject *subject, struct arena *arena)
{
    const struct environment *environment = subject->environment;
    const struct run *run = subject->run;
    if (dashboard->options->read_only)
        return state_no(arena, "this dashboard was opened read-only", "open it without --read-only");
    if (about_run(verb)) {
        if (!run)
            return state_no(arena, "there is no run to answer", "D starts one");
        if ((verb->policy_flags & POLICY_ANSWERS_GATE) && run->status != RUN_GATE)
            return state_no(arena,
                            arena_printf(arena, "run %s does not wait at its gate: it is %s", run->id,
                                         word_name(run_status_names, run->status)),
                            "");
        if (text_equal(verb->name, "undo") && run->workflow != WORKFLOW_DESTROY)
            return state_no(arena, arena_printf(arena, "run %s is no destroy that could be taken back", run->id), "");
        if (text_equal(verb->name, "undo") && run->applying_at)
            return state_no(arena, arena_printf(arena, "run %s has begun to remove resources", run->id),
                            "C stops the rest");
        if (run_ended((enum run_status)run->status) && !(verb->policy_flags & POLICY_ANSWERS_GATE))
            return state_no(
                arena, arena_printf(arena, "run %s has ended: %s", run->id, word_name(run_status_names, run->status)),
                "D starts a new one");
        return NULL;
    }
    if ((verb->policy_flags & POLICY_DESTROYS) && !environment)
        return state_no(arena, "this branch has no environment", "D deploys one");
    if (environment && goes_back(verb) && !environment->release)
        return state_no(arena, arena_printf(arena, "%s has no release yet", environment->name), "D deploys one");
    if (environment && goes_back(verb) && subject->release && subject->release->version == environment->release)
        return state_no(arena, arena_printf(arena, "v%lld is what is there now", (long long)environment->release),
                        "select another release");
    if (environment && environment->status == ENVIRONMENT_DESTROYED)
        return state_no(arena, arena_printf(arena, "%s is destroyed already", environment->name), "");
    return NULL;
}

const struct why *action_why(struct dashboard *dashboard, const struct verb *verb, const struct subject *subject,
                             struct arena *arena)
{
    const struct why *state = forbidden_by_state(dashboard, verb, subject, arena);
    if (state)
        return state;
    const char *name = subject->environment ? subject->environment->name
                       : subject->run       ? subject->run->environment_name
                                            : "";
    const struct environment *environment = subject->environment;
    if (!environment && subject->run)
        environment = picture_environment_named(dashboard->picture, name);
    const struct config_entry *entries[MOST_ENTRIES], *entry = NULL;
    char repository[128];
    if (!environment && subject->branch && entries_of_branch(dashboard, subject->branch, entries, repository) > 0)
        entry = entries[0];
    if (!environment && subject->branch && dashboard->config && !entry)
        return state_no(arena,
                        arena_printf(arena, "no environment in berth.yaml takes the branch %s", subject->branch->name),
                        "add it to source.branches of an entry on the trusted ref");
    return may(dashboard, verb,
               entry ? config_entry_branch_name(dashboard->config, entry, subject->branch->name, NULL, arena) : name,
               environment, entry, subject->run, arena);
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
    char *branch_id, *names[MOST_ENTRIES];
};

static void environment_chosen(struct dashboard *dashboard, size_t item, void *context)
{
    struct choosing *choosing = context;
    struct subject subject = {.scopes = SCOPE_BRANCH,
                              .branch = picture_branch(dashboard->picture, choosing->branch_id)};
    if (item < MOST_ENTRIES && subject.branch && choosing->names[item]) {
        subject.environment = picture_environment_named(dashboard->picture, choosing->names[item]);
        action_preview(dashboard, action_new(dashboard, choosing->verb, &subject, choosing->names[item]));
    }
    for (size_t i = 0; i < MOST_ENTRIES; i++)
        free(choosing->names[i]);
    free(choosing->branch_id);
    free(choosing);
}

/* A branch that fits several environments: which one is the person's to say. */
static void ask_which(struct dashboard *dashboard, const struct verb *verb, const struct branch_row *branch,
                      const struct config_entry **entries, size_t count)
{
    struct choosing *choosing = mem_zero(1, sizeof *choosing);
    struct menu_item items[MOST_ENTRIES];
    struct arena arena = {0};
    choosing->verb = verb;
    choosing->branch_id = mem_strdup(branch->id);
    for (size_t i = 0; i < count; i++) {
        choosing->names[i] =
            mem_strdup(config_entry_branch_name(dashboard->config, entries[i], branch->name, NULL, &arena));
        items[i] = (struct menu_item){(char)('1' + i), choosing->names[i]};
    }
    menu_open(dashboard, arena_printf(&arena, "%s: which environment?", verb->hint), items, count, environment_chosen,
              choosing);
    arena_release(&arena);
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
    const struct config_entry *entries[MOST_ENTRIES];
    char repository[128];
    action_learn(dashboard);
    const struct why *why = action_why(dashboard, verb, subject, &arena);
    if (why && why->verdict == POLICY_NO) {
        refuse(dashboard, verb, why);
        arena_release(&arena);
        return;
    }
    bool about_branch = subject->branch && !(verb->policy_flags & (POLICY_DESTROYS | POLICY_ANSWERS_GATE));
    size_t count = about_branch ? entries_of_branch(dashboard, subject->branch, entries, repository) : 0;
    show_gate(dashboard, verb, subject);
    if (goes_back(verb) && subject->environment &&
        !subject->release) { /* nobody goes back to what is not on the screen */
        dashboard_push(dashboard, &releases_view, subject->environment->id);
        dashboard_say(dashboard, STYLE_MUTED, "B goes back to the release that is selected");
    } else if (count > 1)
        ask_which(dashboard, verb, subject->branch, entries, count);
    else if (count == 1 && !subject->environment)
        action_preview(dashboard, action_new(dashboard, verb, subject,
                                             config_entry_branch_name(dashboard->config, entries[0],
                                                                      subject->branch->name, NULL, &arena)));
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
        dashboard_say(dashboard, STYLE_FAILED, "%s %s: %s. %s%s", command->verb, command->subject,
                      command->status == COMMAND_REFUSED ? "refused" : "failed", text, why ? "  (w: every rule)" : "");
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
