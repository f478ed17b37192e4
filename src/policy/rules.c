/* SPDX-License-Identifier: ISC */
/* Rules that more than one question asks: roles, holds, freezes (rows and berth.yaml's), permanence. */
#include "policy/rules.h"

#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/model/environment.h"
#include "berth/model/ledger.h"
#include "berth/model/record.h"

#include <string.h>

const char *who_text(const char *actor, const char *person)
{
    if (!text_empty(person))
        return person;
    return text_empty(actor) ? "nobody" : actor;
}

/* Tags of the row, else those the entry writes out in full. */
static const char *tags_of(const struct policy_question *question, struct arena *arena)
{
    json_t *tags;
    const char *text;

    if (question->environment != NULL && !text_empty(question->environment->tags))
        return question->environment->tags;
    if (question->entry == NULL || question->entry->tags.count == 0)
        return "";
    tags = json_array();
    for (size_t i = 0; i < question->entry->tags.count; i++) {
        if (strstr(question->entry->tags.items[i], "${{") == NULL)
            json_array_append_new(tags, json_string(question->entry->tags.items[i]));
    }
    text = json_text(arena, tags);
    json_decref(tags);
    return text;
}

enum role role_of(const struct policy_question *question, const char *person, bool owner, struct arena *arena,
                  int *line)
{
    *line = 0;
    if (owner && maps_nobody(question->config))
        return ROLE_ADMIN;
    return policy_role(question->config, person, question->tier, question->environment_name, tags_of(question, arena),
                       line);
}

bool policy_is_protected(const struct policy_question *question)
{
    if (question->environment != NULL && question->environment->is_protected)
        return true;
    for (size_t i = 0; i < question->hold_count; i++) {
        const struct hold *hold = question->holds[i];

        if (text_equal(hold->kind, "protect") && (hold->until == 0 || hold->until > question->now_ms))
            return true;
    }
    return false;
}

bool is_kept(const struct policy_question *question)
{
    return policy_is_protected(question) || (question->environment != NULL && question->environment->permanent) ||
           (question->entry != NULL && question->entry->permanent);
}

/* A hold stops everybody; kept evidence stops only what would remove it by itself; another system's run stops both until it ends. */
static bool hold_applies(const struct policy_question *question, const struct hold *hold)
{
    if (hold->until != 0 && hold->until <= question->now_ms)
        return false;
    if (text_equal(hold->kind, "hold"))
        /* with a commit it excludes that commit alone, and only from what happens by itself */
        return text_empty(hold->commit) ||
               ((question->flags & POLICY_BY_ITSELF) && text_equal(hold->commit, question->commit));
    if (text_equal(hold->kind, "evidence"))
        return (question->flags & POLICY_BY_ITSELF) && (question->flags & POLICY_DESTROYS);
    return text_equal(hold->kind, "foreign_run");
}

static const char *until_text(struct arena *arena, int64_t until)
{
    return until == 0 ? "" : arena_printf(arena, " until %s", instant_text(arena, until));
}

void add_holds(struct why_builder *builder, const struct policy_question *question, enum verdict verdict)
{
    struct arena *arena = builder->arena;
    bool any = false;

    for (size_t i = 0; i < question->hold_count; i++) {
        const struct hold *hold = question->holds[i];
        bool foreign = text_equal(hold->kind, "foreign_run");

        if (!hold_applies(question, hold))
            continue;
        any = true;
        why_add(builder, foreign ? POLICY_WAIT : verdict, "hold", arena_printf(arena, "hold %s", hold->id),
                foreign ? "wait until it ended"
                        : arena_printf(arena, "berth unhold %s, or ask %s", question->environment_name, hold->by),
                "%s by %s%s%s%s", foreign ? "another system deploys here, seen" : "held", hold->by,
                until_text(arena, hold->until), text_empty(hold->reason) ? "" : ": ",
                text_empty(hold->reason) ? "" : hold->reason);
    }
    if (!any)
        why_add(builder, POLICY_YES, "hold", "", "", "nobody holds it");
}

static bool freeze_applies(const struct policy_question *question, const struct freeze *freeze)
{
    json_t *tiers, *except;
    bool applies;

    if ((freeze->from != 0 && question->now_ms < freeze->from) ||
        (freeze->until != 0 && question->now_ms >= freeze->until))
        return false;
    if (freeze->machines && !(question->flags & POLICY_BY_ITSELF))
        return false;
    tiers = json_column(freeze->tiers);
    except = json_column(freeze->except);
    applies = json_array_size(tiers) == 0;
    for (size_t i = 0; i < json_array_size(tiers); i++)
        applies |= text_equal(json_string_value(json_array_get(tiers, i)), word_name(tier_names, (int)question->tier));
    for (size_t i = 0; i < json_array_size(except); i++)
        applies &= !text_equal(json_string_value(json_array_get(except, i)), question->verb);
    json_decref(tiers);
    json_decref(except);
    return applies;
}

static bool config_freeze_applies(const struct policy_question *question, const struct config_freeze *freeze)
{
    if ((freeze->from != 0 && question->now_ms < freeze->from) ||
        (freeze->until != 0 && question->now_ms >= freeze->until))
        return false;
    return (freeze->tiers.count == 0 || name_in_list(freeze->tiers, word_name(tier_names, (int)question->tier))) &&
           !name_in_list(freeze->except, question->verb);
}

/* The caller may have turned berth.yaml's freezes into rows named config:NAME; those are not told twice. */
static bool has_row(const struct policy_question *question, const struct config_freeze *freeze)
{
    for (size_t i = 0; i < question->freeze_count; i++) {
        const char *id = question->freezes[i]->id;

        if (text_starts(id, "config:") && text_equal(id + strlen("config:"), freeze->name))
            return true;
    }
    return false;
}

static int freeze_line(const struct policy_question *question, const struct freeze *freeze)
{
    const struct config *config = question->config;

    for (size_t i = 0; text_starts(freeze->id, "config:") && i < config->freeze_count; i++) {
        if (text_equal(freeze->id + strlen("config:"), config->freezes[i].name))
            return config->freezes[i].line;
    }
    return 0;
}

static void add_freeze_row(struct why_builder *builder, const struct policy_question *question,
                           const struct freeze *freeze, enum verdict verdict)
{
    struct arena *arena = builder->arena;
    int line = freeze_line(question, freeze);
    const char *source =
        line > 0 ? why_line(arena, question->config, line) : arena_printf(arena, "freeze %s", freeze->id);
    const char *by = text_empty(freeze->by) ? "" : arena_printf(arena, " by %s", freeze->by);
    const char *why = text_empty(freeze->reason) ? "" : arena_printf(arena, ": %s", freeze->reason);

    if (freeze->machines)
        why_add(builder, verdict, "freeze", source, "berth resume-all, or ask by hand",
                "the machines are stopped%s%s%s", by, until_text(arena, freeze->until), why);
    else
        why_add(builder, verdict, "freeze", source,
                freeze->until == 0 ? "ask an admin to berth unfreeze"
                                   : "wait for its end, or ask an admin to berth unfreeze",
                "frozen%s%s%s%s%s", text_empty(freeze->name) ? "" : " for ",
                text_empty(freeze->name) ? "" : freeze->name, by, until_text(arena, freeze->until), why);
}

void add_freezes(struct why_builder *builder, const struct policy_question *question, enum verdict verdict)
{
    struct arena *arena = builder->arena;
    const struct config *config = question->config;
    size_t before = builder->children.count;

    for (size_t i = 0; i < question->freeze_count; i++) {
        if (freeze_applies(question, question->freezes[i]))
            add_freeze_row(builder, question, question->freezes[i], verdict);
    }
    for (size_t i = 0; i < config->freeze_count; i++) {
        const struct config_freeze *freeze = &config->freezes[i];

        if (config_freeze_applies(question, freeze) && !has_row(question, freeze))
            why_add(builder, verdict, "freeze", why_line(arena, config, freeze->line),
                    "wait for its end, or change berth.yaml on the trusted ref", "frozen for %s%s", freeze->name,
                    until_text(arena, freeze->until));
    }
    if (builder->children.count == before)
        why_add(builder, POLICY_YES, "freeze", "", "", "nothing is frozen here");
}

static int64_t earlier(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return a == 0 ? b : a;
    return a < b ? a : b;
}

int64_t blocks_end(const struct policy_question *question)
{
    int64_t end = 0;

    for (size_t i = 0; i < question->hold_count; i++) {
        if (hold_applies(question, question->holds[i]))
            end = earlier(end, question->holds[i]->until);
    }
    for (size_t i = 0; i < question->freeze_count; i++) {
        if (freeze_applies(question, question->freezes[i]))
            end = earlier(end, question->freezes[i]->until);
    }
    for (size_t i = 0; question->config != NULL && i < question->config->freeze_count; i++) {
        if (config_freeze_applies(question, &question->config->freezes[i]))
            end = earlier(end, question->config->freezes[i].until);
    }
    return end;
}
