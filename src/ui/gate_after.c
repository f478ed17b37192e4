/* SPDX-License-Identifier: ISC */
/* What happens once a gate is answered. */
#include "ui/gate_after.h"

#include "berth/base/text.h"
#include "berth/base/wording.h"
#include "berth/config.h"
#include "ui/action.h"

#include <stdlib.h>

#define NAMED_IN_ORDER 12 /* addresses of one order that are named */

static int by_position(const void *a, const void *b)
{
    const struct plan *const *left = a, *const *right = b;
    return (*left)->position < (*right)->position ? -1 : (*left)->position > (*right)->position;
}

static bool is_worked_on(const struct plan *plan, bool removes)
{
    return plan_acts(plan->action) && (plan->action == PLAN_DESTROY) == removes;
}

/* Those that are worked on, each after what it needs; what is removed before what it needs: both stand so in the plan. */
static size_t add_order(const struct plan *plans, size_t count, bool removes, struct str *out)
{
    const struct plan **order = mem_zero(count + 1, sizeof *order);
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        if (is_worked_on(&plans[i], removes))
            order[found++] = &plans[i];
    qsort(order, found, sizeof *order, by_position);
    for (size_t i = 0; i < found && i < NAMED_IN_ORDER; i++)
        str_addf(out, "%s%s", i ? " > " : "", order[i]->address);
    if (found > NAMED_IN_ORDER)
        str_addf(out, " > %zu more", found - NAMED_IN_ORDER);
    free(order);
    return found;
}

static void write_order(const struct run *run, const struct plan *plans, size_t count, struct str *out)
{
    struct str made = STR_INIT, removed = STR_INIT;
    bool makes = add_order(plans, count, false, &made) > 0, removes = add_order(plans, count, true, &removed) > 0;
    bool ends = run->workflow == WORKFLOW_DESTROY;
    str_addf(out, "order\t%s", makes ? made.data : ends ? "" : "nothing is made or changed");
    if (removes)
        str_addf(out, "%sremoved: %s", makes || !ends ? "; " : "", removed.data);
    str_add(out, !ends ? "; then checks and a release\n" : removes ? "\n" : "nothing is removed, all is forgotten\n");
    str_release(&made);
    str_release(&removed);
}

static void write_failure(struct dashboard *dashboard, const struct run *run, struct str *out)
{
    const struct environment *environment = picture_environment(dashboard->picture, run->environment);
    str_add(out, "if it fails\t");
    switch ((enum failure_answer)run->on_failure) {
    case ANSWER_HOLD: str_add(out, "it is held where it is, not taken back: R goes on, C gives up"); break;
    case ANSWER_DESTROY: str_add(out, "what there is of the environment is destroyed"); break;
    case ANSWER_ROLLBACK:
        if (!environment || !environment->release) {
            str_add(out, "no release to roll back to yet: it is held where it is");
            break;
        }
        str_addf(out, "back to release v%lld", (long long)environment->release);
        if (!text_empty(environment->commit)) {
            str_add(out, " of ");
            wording_commit(out, environment->commit);
        }
        str_add(out, ", by a run of its own that asks before it destroys what was there before this one");
        break;
    }
    str_add_char(out, '\n');
}

static void add_names(const struct name_list *names, struct str *out)
{
    for (size_t i = 0; i < names->count; i++)
        str_addf(out, "%s%s", i ? ", " : "", names->items[i]);
}

static void write_who(struct dashboard *dashboard, const struct run *run, struct str *out)
{
    const struct config_entry *entry = dashboard->config ? config_entry_named(dashboard->config, run->entry) : NULL;
    const struct verb *verb = verb_named("approve");
    struct subject subject = {0};
    struct arena arena = {0};
    subject_run(&subject, dashboard->picture, run);
    const struct why *why = action_why(dashboard, verb, &subject, &arena), *first = why ? why_first(why) : NULL;
    str_add(out, "who may\t");
    if (entry && entry->gate.by.count) {
        str_add(out, "people of ");
        add_names(&entry->gate.by, out);
    } else {
        str_add(out, "whoever is approver here");
    }
    if (entry && entry->gate.not_author)
        str_add(out, ", but no author of it");
    if (entry && entry->gate.approvals > 1)
        str_addf(out, ", %d of them", entry->gate.approvals);
    if (why && why->verdict == POLICY_NO)
        str_addf(out, "; not you: %s%s%s", first ? first->reason : "policy says no", first && *first->next ? "; " : "",
                 first ? first->next : "");
    else if (why)
        str_add(out, "; you may (A)");
    str_add_char(out, '\n');
    arena_release(&arena);
}

/* An operator's own command, or the release of a lock: what it does nobody planned. */
static void write_command(const struct run *run, struct str *out)
{
    if (run->status == RUN_GATE)
        str_addf(out, "then	exactly this is run, once, under the environment's lock (digest %.12s)\n", run->digest);
    str_add(out, "if it fails\tthe run fails, nothing is taken back; the environment keeps its status and release\n");
}

void gate_after_write(struct dashboard *dashboard, const struct run *run, const struct plan *plans, size_t count,
                      struct str *out)
{
    bool is_command = run->workflow == WORKFLOW_EXEC;
    if (run->status == RUN_GATE && !is_command)
        str_addf(out, "on approve\texactly this plan (%.12s) is applied, or less, never more\n", run->digest);
    else if (run->status != RUN_GATE) {
        str_add(out, "run\t");
        format_run_status(out, run);
        str_addf(out, "\nplan\tdigest %.12s\n", text_empty(run->digest) ? "-" : run->digest);
    }
    if (run_ended((enum run_status)run->status))
        return;
    if (run->status == RUN_GATE)
        write_who(dashboard, run, out);
    if (is_command) {
        write_command(run, out);
    } else {
        write_failure(dashboard, run, out);
        write_order(run, plans, count, out);
    }
    if (run->untrusted)
        str_add(out, "trust\tthe commit's author may not push here: nothing is done until a person agrees\n");
}
