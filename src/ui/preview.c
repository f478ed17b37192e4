/* SPDX-License-Identifier: ISC */
/* What a preview says, from rows alone. */
#include "berth/base/text.h"
#include "berth/base/wording.h"
#include "berth/store.h"
#include "ui/dialog.h"
#include "ui/gate_delta.h"

static void fact(struct str *out, const char *name, const char *format, ...) BERTH_PRINTF(3, 4);
static void fact(struct str *out, const char *name, const char *format, ...)
{
    struct str text = STR_INIT;
    va_list arguments;
    va_start(arguments, format);
    str_addv(&text, format, arguments);
    va_end(arguments);
    struct str visible = STR_INIT; /* one fact, one line: text from outside must not add any */
    text_visible(&visible, text.data, text.length, TEXT_ONE_LINE);
    str_addf(out, "%s\t%s\n", name, visible.data);
    str_release(&visible);
    str_release(&text);
}

/* The branch that was chosen, else that of the environment: what a deploy takes when nothing else is said. */
static const struct branch_row *branch_meant(struct dashboard *dashboard, const struct action *action)
{
    const struct environment *row = action->environment;
    struct str id = STR_INIT;
    if (action->branch || !row || text_empty(row->branch) || !verb_argument_named(action->verb, "ref"))
        return action->branch;
    str_addf(&id, "%s:%s", row->repository, row->branch);
    const struct branch_row *branch = picture_branch(dashboard->picture, id.data);
    str_release(&id);
    return branch;
}

/* The words of an operator's command, as one would type them. */
static void write_words(const struct action *action, struct str *out)
{
    const json_t *words = json_object_get(action->arguments, "command");
    struct str line = STR_INIT;
    for (size_t i = 0; i < json_array_size(words); i++) {
        const char *word = json_string_value(json_array_get(words, i));
        str_add(&line, i > 0 ? " " : "");
        text_shell_quote(&line, word ? word : "");
    }
    if (line.length > 0)
        fact(out, "command", "%s", line.data);
    str_release(&line);
}

static void write_what(struct dashboard *dashboard, const struct action *action, struct str *out)
{
    const struct branch_row *branch = branch_meant(dashboard, action);
    fact(out, "will", "%s", action->verb->help);
    write_words(action, out);
    if (branch)
        fact(out, "commit", "%s of %s by %s: %s", branch->commit, branch->name, branch->author, branch->subject);
    if (action->run && text_equal(action->subject, action->run->id))
        fact(out, "run", "%s %s: %s, %.*s %s", action->run->id, word_name(workflow_names, action->run->workflow),
             word_name(run_status_names, action->run->status), COMMIT_SHOWN, action->run->commit, action->run->subject);
}

/* What is there after going back. */
static void write_release(const struct action *action, struct str *out)
{
    const struct release *release = action->release;
    struct str commit = STR_INIT;
    if (!release || !json_object_get(action->arguments, "to"))
        return;
    wording_commit(&commit, release->commit);
    fact(out, "back to", "v%lld %s, %s", (long long)release->version, commit.data, release->verdict);
    if (*action->release_change)
        fact(out, "changes", "%s", action->release_change);
    str_release(&commit);
}

static void write_where(struct dashboard *dashboard, const struct action *action, struct str *out)
{
    const struct environment *row = action->environment;
    struct str text = STR_INIT;
    if (!row) {
        if (!text_empty(action->environment_name))
            fact(out, "where", "%s: it does not exist yet, this makes it", action->environment_name);
        return;
    }
    str_addf(&text, "%s, target %s, tier %s", row->name, text_empty(row->target) ? "(the entry's)" : row->target,
             word_name(tier_names, row->tier));
    if (row->permanent || row->is_protected)
        str_addf(&text, "  %s%s", row->permanent ? "PERMANENT " : "", row->is_protected ? "PROTECTED" : "");
    fact(out, "where", "%s", text.data);
    str_clear(&text);
    serving_status(dashboard, &text, environment_sign(row), environment_word(row));
    if (row->release)
        str_addf(&text, ", release v%lld %.*s", (long long)row->release, COMMIT_SHOWN, row->commit);
    if (!text_empty(row->lock_run))
        str_addf(&text, ", locked by run %s", row->lock_run);
    fact(out, "is now", "%s%s", text.data, dashboard->serving.is ? "" : "  (as last seen)");
    str_release(&text);
}

struct removal {
    struct str order, data;
    size_t count;
};

static bool take_resource(const void *row, void *context)
{
    const struct resource *resource = row;
    struct removal *removal = context;
    if (resource->status == RESOURCE_GONE || resource->status == RESOURCE_ABSENT || resource->external ||
        !text_empty(resource->shared_environment) || !text_empty(resource->parent))
        return true;
    str_addf(&removal->order, "%s%s", removal->count++ ? " > " : "", resource->address);
    if (resource->data)
        str_addf(&removal->data, "%s%s", removal->data.length ? ", " : "", resource->address);
    return true;
}

static bool take_sharer(const void *row, void *context)
{
    const struct resource *resource = row;
    struct str *out = context;
    str_addf(out, "%s%s of %s", out->length ? ", " : "", resource->address, resource->environment);
    return true;
}

/* What a destroy would remove, in its order; what it would take from others. */
static void write_removal(struct dashboard *dashboard, const struct action *action, struct str *out)
{
    struct removal removal = {STR_INIT, STR_INIT, 0};
    struct str sharers = STR_INIT;
    struct store_query query = {.type = &resource_type, .index = "environment", .descending = true};
    struct store_query sharing = {.type = &resource_type, .index = "shared"};
    struct error error = {0};
    if (!(action->verb->policy_flags & POLICY_DESTROYS) || !action->environment)
        return;
    query.equal[0] = sharing.equal[0] = action->environment->id;
    if (!store_each(dashboard->reader, &query, take_resource, &removal, &error) ||
        !store_each(dashboard->reader, &sharing, take_sharer, &sharers, &error)) {
        fact(out, "order", "not known: %s", error.message);
    } else {
        fact(out, "removes", "%zu resource%s in this order: %s", removal.count, removal.count == 1 ? "" : "s",
             removal.count ? removal.order.data : "none");
        if (removal.data.length)
            fact(out, "DATA", "is lost with %s", removal.data.data);
        fact(out, "others", "%s", sharers.length ? sharers.data : "no other environment uses these resources");
        fact(out, "keeps", "runs, releases, logs, the audit, and the recipe that re-creates it");
    }
    str_release(&removal.order);
    str_release(&removal.data);
    str_release(&sharers);
}

static bool take_plan(const void *row, void *context)
{
    const struct plan *plan = row;
    if (plan->action != PLAN_NONE)
        fact(context, word_name(plan_action_names, plan->action), "%s   %s   %s%s", plan->address, plan->summary,
             plan->reason, plan->data ? "   DATA" : "");
    return true;
}

/* How much of it was approved before, of a run that asks again. */
static void write_since(struct dashboard *dashboard, const char *id, struct str *out)
{
    struct store_query query = {.type = &plan_type, .index = "run", .equal = {id}};
    struct gate_delta since = {0};
    struct arena arena = {0};
    struct error error = {0};
    struct str text = STR_INIT;
    struct run run;
    struct plan *plans;
    size_t count;
    bool read = store_get(dashboard->reader, &run_type, id, &arena, &run, &error) == STORE_FOUND &&
                !text_empty(run.approved_digest) &&
                store_list(dashboard->reader, &query, &arena, &plans, &count, &error) &&
                gate_delta_read(&since, dashboard->reader, &run, plans, count, &arena, &error);
    if (read && gate_delta_speaks(&since)) {
        gate_delta_say(&since, dashboard, &text);
        fact(out, "before", "%s", text.data);
    }
    gate_delta_release(&since);
    str_release(&text);
    arena_release(&arena);
}

/* What an approval says yes to: every part of the plan, and the digest it binds to. */
static void write_plan(struct dashboard *dashboard, const struct action *action, struct str *out)
{
    struct store_query query = {.type = &plan_type, .index = "run"};
    struct error error = {0};
    const struct run *run = action->run;
    if (!(action->verb->policy_flags & POLICY_ANSWERS_GATE) || !run)
        return;
    fact(out, "plan", "%lld create, %lld change, %lld replace, %lld destroy, %lld deferred%s", (long long)run->creates,
         (long long)run->updates, (long long)run->replaces, (long long)run->destroys, (long long)run->deferred,
         run->touches_data ? "; touches DATA" : "");
    write_since(dashboard, run->id, out);
    fact(out, "digest", "%s", run->digest);
    query.equal[0] = run->id;
    if (!store_each(dashboard->reader, &query, take_plan, out, &error))
        fact(out, "plan", "not known: %s", error.message);
}

static void write_rules(const struct why *why, struct str *out)
{
    if (why->kind == WHY_RULE && !text_equal(why->rule, "confirm")) /* the dialog itself asks for that */

        fact(out,
             why->verdict == POLICY_YES    ? "yes"
             : why->verdict == POLICY_WAIT ? "wait"
                                           : "NO",
             "%s: %s%s%s%s%s%s", why->rule, why->reason, *why->next ? "; " : "", why->next, *why->source ? "  (" : "",
             why->source, *why->source ? ")" : "");
    for (size_t i = 0; i < why->count; i++)
        write_rules(why->children[i], out);
}

void preview_write(struct dashboard *dashboard, const struct action *action, struct str *out)
{
    const struct verb *verb = action->verb;
    write_what(dashboard, action, out);
    write_release(action, out);
    write_where(dashboard, action, out);
    write_removal(dashboard, action, out);
    write_plan(dashboard, action, out);
    if (action->why)
        write_rules(action->why, out);
    else
        fact(out, "rules", "the policy is not loaded yet: berthd decides when it takes the command");
    if (verb->policy_flags & POLICY_DEPLOYS)
        fact(out, "undo",
             "C cancels the run while it works; a gate waits before anything is applied where berth.yaml has one");
    else if (verb->policy_flags & POLICY_DESTROYS)
        fact(out, "undo", "nothing brings back what is removed; a deploy makes it anew");
    else if (!text_empty(verb->undo))
        fact(out, "undo", ":%s %s", verb->undo, action->subject);
    if (!dashboard->serving.is)
        fact(out, "note", "no berthd serves this workspace: the command waits until one does");
}
