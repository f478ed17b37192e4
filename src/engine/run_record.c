/* SPDX-License-Identifier: ISC */
/* The record of a run that ended, for receivers that keep one of each (the audit in git): rows as JSON, and the words of the commit's message. */
#include "engine/turn.h"

#include "berth/base/str.h"
#include "berth/base/text.h"
#include "berth/base/time.h"
#include "berth/base/wording.h"
#include "berth/config.h"
#include "berth/model/run_record.h"

#include <stdlib.h>

#define RECORD_FORMAT 1
#define OUTPUTS_SHOWN 40 /* in the message; the record has them all */
#define VALUE_SHOWN 200  /* bytes of a value there */
#define FAILED_SHOWN 10

/* Columns that never change again once the run has ended, unless it is retried: whoever checks the record compares them with the rows. */
static const char *const run_columns[] = {
    "id",      "number",      "environment_name", "entry",         "workflow",     "status",     "status_reason",
    "origin",  "actor",       "person",           "via",           "reason",       "repository", "ref",
    "commit",  "subject",     "sources",          "inputs",        "with",         "authors",    "digest",
    "creates", "updates",     "replaces",         "destroys",      "deferred",     "created_at", "started_at",
    "gate_at", "approved_at", "applying_at",      "ended_at",      "touches_data", "on_failure", "cancel_by",
    "parent",  "untrusted",   "pull_request",     "policy_commit", "command",      NULL};
static const char *const step_columns[] = {"id",          "phase",  "status", "status_reason", "address",    "template",
                                           "executor",    "runner", "target", "attempt",       "started_at", "ended_at",
                                           "exit_status", NULL};
static const char *const plan_columns[] = {"id",      "address", "template", "executor", "action",
                                           "summary", "reason",  "digest",   "data",     NULL};
static const char *const approval_columns[] = {"id",  "digest", "verdict", "actor",      "person",
                                               "via", "reason", "at",      "expires_at", NULL};
static const char *const release_columns[] = {"id",     "version",   "run",       "commit", "sources",
                                              "inputs", "templates", "resources", NULL};

/* --- the record ------------------------------------------------------------------------------------------------- */

static json_t *chosen(const struct record_type *type, const void *row, const char *const *columns)
{
    json_t *whole = record_to_json(type, row), *part = json_object();

    for (; *columns != NULL; columns++)
        json_object_set(part, *columns, json_object_get(whole, *columns));
    json_decref(whole);
    return part;
}

static json_t *record_steps(const struct engine_turn *turn)
{
    json_t *list = json_array();

    for (size_t i = 0; i < turn->steps.rows.count; i++) {
        const struct step *step = step_at(turn, i);
        json_t *item, *result;

        if (step == NULL)
            continue;
        item = chosen(&step_type, step, step_columns);
        result = json_column(step->result);
        if (json_object_size(json_object_get(result, "outputs")) > 0)
            json_object_set(item, "outputs", json_object_get(result, "outputs"));
        json_decref(result);
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *record_plans(const struct engine_turn *turn)
{
    json_t *list = json_array();

    for (size_t i = 0; i < turn->plans.rows.count; i++)
        if (plan_at(turn, i) != NULL)
            json_array_append_new(list, chosen(&plan_type, plan_at(turn, i), plan_columns));
    return list;
}

static json_t *record_approvals(const struct engine_turn *turn)
{
    json_t *list = json_array();

    for (size_t i = 0; i < turn->approvals.count; i++)
        json_array_append_new(list, chosen(&approval_type, turn->approvals.items[i], approval_columns));
    return list;
}

/* What the environment gives now; nothing where the run changed nothing, or took it away. */
static json_t *record_outputs(const struct engine_turn *turn)
{
    json_t *outputs = json_object();

    for (size_t i = 0; changed_anything(turn) && !run_destroys(turn->run) && i < turn->resources.rows.count; i++) {
        const struct resource *resource = resource_at(turn, i);
        json_t *own = resource != NULL ? json_column(resource->outputs) : NULL;

        if (json_object_size(own) > 0)
            json_object_set(outputs, resource->address, own);
        json_decref(own);
    }
    return outputs;
}

/* The release that the run made, or NULL. */
static const struct release *release_made(const struct engine_turn *turn)
{
    for (size_t i = 0; i < turn->effects->puts.count; i++) {
        const struct engine_put *put = &turn->effects->puts.items[i];

        if (put->type == &release_type && put->row != NULL && release_is_of(put->row, turn->run))
            return put->row;
    }
    return NULL;
}

static int64_t release_before(const struct engine_turn *turn)
{
    return turn->facts->environment != NULL ? turn->facts->environment->release : 0;
}

static int64_t release_after(const struct engine_turn *turn)
{
    return turn->environment != NULL ? turn->environment->release : release_before(turn);
}

static json_t *record_releases(const struct engine_turn *turn)
{
    const struct release *made = release_made(turn);
    json_t *releases = json_object();

    json_object_set_new(releases, "from", json_integer(release_before(turn)));
    json_object_set_new(releases, "to", json_integer(release_after(turn)));
    json_object_set_new(releases, "made", made != NULL ? chosen(&release_type, made, release_columns) : json_null());
    return releases;
}

static json_t *record_file(const struct engine_turn *turn, const char *tier)
{
    json_t *file = json_object();

    json_object_set_new(file, "format", json_integer(RECORD_FORMAT));
    json_object_set_new(file, "workspace", json_string(turn->facts->config->workspace));
    json_object_set_new(file, "tier", json_string(tier));
    json_object_set_new(file, "run", chosen(&run_type, turn->run, run_columns));
    json_object_set_new(file, "plans", record_plans(turn));
    json_object_set_new(file, "approvals", record_approvals(turn));
    json_object_set_new(file, "steps", record_steps(turn));
    json_object_set_new(file, "releases", record_releases(turn));
    json_object_set_new(file, "outputs", record_outputs(turn));
    return file;
}

/* --- the message ------------------------------------------------------------------------------------------------ */

/* One line of text from anywhere: nothing in it ends the line, so none can begin with what a trailer begins with. */
static void add_shown(struct str *out, const char *text)
{
    size_t length = text != NULL ? strlen(text) : 0, shown = length;

    if (shown > VALUE_SHOWN)
        for (shown = VALUE_SHOWN; shown > 0 && ((unsigned char)text[shown] & 0xc0) == 0x80;)
            shown--;
    text_visible(out, text != NULL ? text : "", shown, TEXT_ONE_LINE);
    if (shown < length)
        str_add(out, "…");
}

static void add_label(struct str *out, const char *label)
{
    str_addf(out, "%-13s", label);
}

static void add_release(struct str *out, const struct engine_turn *turn)
{
    int64_t from = release_before(turn), to = release_after(turn);

    if (from == 0 && to == 0)
        return;
    add_label(out, "Release:");
    if (from != 0)
        str_addf(out, "v%lld", (long long)from);
    if (from != to)
        str_add(out, from == 0 ? "none → " : " → ");
    if (from != to && to != 0)
        str_addf(out, "v%lld", (long long)to);
    str_add(out, from == to ? " (as before)\n" : to == 0 ? "none\n" : "\n");
}

static void add_who(struct str *out, const struct engine_turn *turn)
{
    const struct run *run = turn->run;

    add_label(out, "Asked by:");
    add_shown(out, text_empty(run->person) ? run->actor : run->person);
    if (!text_empty(run->via)) {
        str_add(out, " (");
        add_shown(out, run->via);
        str_add_char(out, ')');
    }
    if (!text_empty(run->reason)) {
        str_add(out, ": ");
        add_shown(out, run->reason);
    }
    str_add_char(out, '\n');
    for (size_t i = 0; i < turn->approvals.count; i++) {
        const struct approval *approval = turn->approvals.items[i];

        if (approval->verdict != VERDICT_APPROVE && approval->verdict != VERDICT_REJECT)
            continue;
        add_label(out, approval->verdict == VERDICT_APPROVE ? "Approved by:" : "Rejected by:");
        add_shown(out, text_empty(approval->person) ? approval->actor : approval->person);
        str_addf(out, ", digest %.*s\n", DIGEST_SHOWN, approval->digest != NULL ? approval->digest : "");
    }
}

static void add_when(struct str *out, const struct run *run)
{
    add_label(out, "Took:");
    wording_took(out, run->created_at, run->ended_at);
    str_add(out, ", ");
    instant_format(out, run->created_at);
    str_add(out, " to ");
    instant_format(out, run->ended_at);
    str_add_char(out, '\n');
}

static void add_what(struct str *out, const struct engine_turn *turn, const char *tier)
{
    const struct run *run = turn->run;

    add_label(out, "Workflow:");
    str_addf(out, "%s\n", word_name(workflow_names, run->workflow));
    add_label(out, "Environment:");
    add_shown(out, run->environment_name);
    str_addf(out, " (%s)\n", tier);
    if (!text_empty(run->commit)) {
        add_label(out, "Commit:");
        add_shown(out, run->repository);
        str_addf(out, " %.12s ", run->commit);
        add_shown(out, run->subject);
        str_add_char(out, '\n');
    }
    add_release(out, turn);
    add_who(out, turn);
    add_when(out, run);
    add_label(out, "Result:");
    str_add(out, word_name(run_status_names, run->status));
    if (!text_empty(run->status_reason)) {
        str_add(out, ": ");
        add_shown(out, run->status_reason);
    }
    str_add_char(out, '\n');
    if (text_empty(run->digest))
        return;
    add_label(out, "Plan:");
    str_addf(out, "%lld to create, %lld to update, %lld to replace, %lld to destroy, %lld deferred, digest %.*s\n",
             (long long)run->creates, (long long)run->updates, (long long)run->replaces, (long long)run->destroys,
             (long long)run->deferred, DIGEST_SHOWN, run->digest);
}

static void add_failed(struct str *out, const struct engine_turn *turn)
{
    size_t shown = 0;

    for (size_t i = 0; i < turn->steps.rows.count && shown < FAILED_SHOWN; i++) {
        const struct step *step = step_at(turn, i);

        if (step == NULL || (step->status != STEP_FAILED && step->status != STEP_INTERRUPTED))
            continue;
        str_add(out, shown++ == 0 ? "\nFailed:\n  " : "  ");
        add_shown(out, step->id);
        str_add(out, ": ");
        add_shown(out, step->status_reason);
        str_add_char(out, '\n');
    }
}

static void add_outputs(struct str *out, const json_t *outputs)
{
    const char *address, *name;
    json_t *own, *value;
    size_t shown = 0;

    json_object_foreach((json_t *)(uintptr_t)outputs, address, own) json_object_foreach(own, name, value)
    {
        char *other = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);

        if (shown++ < OUTPUTS_SHOWN) {
            str_add(out, shown == 1 ? "\nOutputs:\n  " : "  ");
            add_shown(out, address);
            str_add_char(out, '.');
            add_shown(out, name);
            str_add(out, " = ");
            add_shown(out, other != NULL ? other : json_string_value(value));
            str_add_char(out, '\n');
        }
        free(other);
    }
    if (shown > OUTPUTS_SHOWN)
        str_addf(out, "  and %zu more\n", shown - OUTPUTS_SHOWN);
}

static const char *message_of(struct engine_turn *turn, const char *tier, const json_t *outputs)
{
    struct str text = STR_INIT;
    const struct run *run = turn->run;
    int64_t from = release_before(turn), to = release_after(turn);
    const char *message;

    add_shown(&text, run->environment_name);
    str_addf(&text, ": %s %s", word_name(workflow_names, run->workflow), word_name(run_status_names, run->status));
    if (from != to && to != 0)
        str_addf(&text, ", v%lld", (long long)to);
    str_addf(&text, " (run %s)\n\n", run->id);
    add_what(&text, turn, tier);
    add_failed(&text, turn);
    add_outputs(&text, outputs);
    message = arena_strdup(turn->arena, text.data);
    str_release(&text);
    return message;
}

/* --- the author ------------------------------------------------------------------------------------------------- */

/* What git's format gives a meaning, and what is no character for a name, becomes a blank. */
static const char *plain(struct engine_turn *turn, const char *text, const char *otherwise)
{
    struct str shown = STR_INIT;
    const char *plain;

    add_shown(&shown, text);
    for (char *at = shown.data; *at != '\0'; at++)
        if (*at == '<' || *at == '>' || *at == '\\')
            *at = ' ';
    plain = arena_strdup(turn->arena, shown.data + strspn(shown.data, " "));
    str_release(&shown);
    return text_empty(plain) ? otherwise : plain;
}

static const char *email_of(const struct engine_turn *turn, const char *person)
{
    const struct config *config = turn->facts->config;

    for (size_t i = 0; i < config->person_count; i++)
        if (text_equal(config->people[i].name, person) && config->people[i].email.count > 0)
            return config->people[i].email.items[0];
    return RECORD_EMAIL;
}

static json_t *author_of(struct engine_turn *turn)
{
    const struct run *run = turn->run;

    return json_pack("{s:s, s:s}", "name", plain(turn, text_empty(run->person) ? run->actor : run->person, "berth"),
                     "email", plain(turn, email_of(turn, run->person), RECORD_EMAIL));
}

/* --- the deliveries --------------------------------------------------------------------------------------------- */

static bool names(const struct name_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (text_equal(list->items[i], name))
            return true;
    return list->count == 0;
}

static bool is_told(const struct engine_turn *turn, const struct config_notify *notify, const char *tier)
{
    bool event = names(&notify->events, turn->ended) ||
                 (run_destroys(turn->run) && turn->run->status == RUN_DONE && names(&notify->events, "destroyed"));

    return !text_empty(notify->ref) && event && names(&notify->tiers, tier);
}

static const char *payload_of(struct engine_turn *turn, const char *tier)
{
    json_t *file = record_file(turn, tier), *payload = json_object();
    const char *text, *message = message_of(turn, tier, json_object_get(file, "outputs"));

    json_object_set_new(payload, "author", author_of(turn));
    json_object_set_new(payload, "message", json_string(message));
    json_object_set_new(payload, "file", file);
    text = json_text(turn->arena, payload);
    json_decref(payload);
    return text;
}

void run_record_put(struct engine_turn *turn)
{
    const struct config *config = turn->facts->config;
    const char *payload = NULL, *tier = turn_tier(turn);

    for (size_t i = 0; config != NULL && turn->ended != NULL && i < config->notify_count; i++) {
        const struct config_notify *notify = &config->notify[i];
        struct delivery *delivery;

        if (!is_told(turn, notify, tier))
            continue;
        if (payload == NULL)
            payload = payload_of(turn, tier);
        delivery = arena_alloc(turn->arena, sizeof *delivery);
        *delivery = (struct delivery){
            .id = arena_printf(turn->arena, "%s." DELIVERY_RECORD ".%lld.%zu", turn->run->id,
                               (long long)turn->facts->now_ms, i),
            .event = DELIVERY_RECORD,
            .environment = turn->run->environment,
            .run = turn->run->id,
            .receiver = notify->id,
            .provider = notify->section.provider,
            .payload = payload,
            .status = DELIVERY_WAITING,
            .created_at = turn->facts->now_ms,
            .next_at = turn->facts->now_ms,
        };
        turn_put(turn, &delivery_type, delivery);
    }
}
