/* SPDX-License-Identifier: ISC */
/* Finding the plan that was approved, or applied, before the one that is looked at. */
#include "berth/store_approved.h"

#include "berth/base/str.h"
#include "berth/base/wording.h"
#include "berth/store.h"

#define RUNS_BACK 50 /* so many runs of the environment are looked at */

bool run_passed_gate(const struct run *run)
{
    return !text_empty(run->digest) && (run->approved_at || (run->applying_at && text_empty(run->gate)));
}

/* --- who ---------------------------------------------------------------------------------------------------- */

static bool is_named(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = strstr(names, name); at; at = strstr(at + 1, name)) {
        bool begins = at == names || at[-1] == ' ', ends = at[length] == '\0' || at[length] == ',';
        if (begins && ends)
            return true;
    }
    return false;
}

static bool read_approvals(struct store *store, struct approved *approved, struct arena *arena, struct error *error)
{
    struct store_query query = {.type = &approval_type, .index = "run", .equal = {approved->run}};
    struct approval *rows;
    size_t count;
    struct str names = STR_INIT, name = STR_INIT;
    if (!store_list(store, &query, arena, &rows, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].verdict != VERDICT_APPROVE || !text_equal(rows[i].digest, approved->digest))
            continue;
        str_clear(&name);
        wording_person(&name, rows[i].person, rows[i].actor);
        if (!is_named(names.data, name.data))
            str_addf(&names, "%s%s", names.length ? ", " : "", name.data);
        approved->at = rows[i].at;
    }
    approved->by = arena_strdup(arena, names.data);
    if (approved->how != APPROVED_AND_APPLIED)
        approved->how = names.length ? APPROVED_BY_PERSONS : APPROVED_BY_POLICY;
    str_release(&name);
    str_release(&names);
    return true;
}

/* --- plans -------------------------------------------------------------------------------------------------- */

static bool read_kept(struct store *store, const struct run *run, struct arena *arena, struct approved *approved,
                      struct error *error)
{
    struct store_query query = {.type = &approved_plan_type, .index = "run", .equal = {run->id}};
    struct approved_plan *rows;
    size_t count;
    if (!store_list(store, &query, arena, &rows, &count, error))
        return false;
    approved->plans = arena_alloc(arena, (count + 1) * sizeof *approved->plans);
    for (size_t i = 0; i < count; i++) {
        const struct approved_plan *row = &rows[i];
        if (!text_equal(row->whole, run->approved_digest))
            continue;
        approved->plans[approved->count++] = (struct plan){
            .id = row->id,
            .run = row->run,
            .address = row->address,
            .template = row->template,
            .executor = row->executor,
            .action = row->action,
            .summary = row->summary,
            .reason = row->reason,
            .changes = row->changes,
            .digest = row->digest,
            .data = row->data,
            .position = row->position,
            .created_at = row->created_at,
        };
    }
    approved->digest = run->approved_digest;
    approved->at = run->applying_at;
    return true;
}

static bool read_plans(struct store *store, const struct run *run, struct arena *arena, struct approved *approved,
                       struct error *error)
{
    struct store_query query = {.type = &plan_type, .index = "run", .equal = {run->id}};
    approved->digest = run->digest;
    approved->at = run->applying_at;
    approved->how = run->status == RUN_DONE ? APPROVED_AND_APPLIED : APPROVED_BY_POLICY;
    return store_list(store, &query, arena, &approved->plans, &approved->count, error);
}

/* --- which -------------------------------------------------------------------------------------------------- */

struct looking {
    const struct run *run; /* the one that is compared */
    struct arena *arena;
    struct run found;
    size_t seen;
};

/* Its plan says how the environment shall be. */
static bool makes(const struct run *run)
{
    return run->workflow != WORKFLOW_PLAN && run->workflow != WORKFLOW_DESTROY && run->workflow != WORKFLOW_EXEC;
}

static bool look(const void *row, void *context)
{
    const struct run *run = row;
    struct looking *looking = context;
    if (run->number >= looking->run->number)
        return true;
    if (run->workflow == WORKFLOW_DESTROY && run->status == RUN_DONE)
        return false;
    if (makes(run) && (run_passed_gate(run) || !text_empty(run->approved_digest))) {
        looking->found = *(const struct run *)record_copy(&run_type, run, looking->arena);
        return false;
    }
    return ++looking->seen < RUNS_BACK;
}

static bool find_before(struct store *store, struct looking *looking, struct error *error)
{
    static const char *const columns[] = {"id",     "number",          "workflow",    "status",
                                          "digest", "approved_at",     "applying_at", "ended_at",
                                          "gate",   "approved_digest", NULL};
    struct store_query query = {.type = &run_type,
                                .index = "environment_name",
                                .equal = {looking->run->environment_name},
                                .descending = true,
                                .columns = columns};
    bool may = makes(looking->run) || looking->run->workflow == WORKFLOW_PLAN;
    return !may || store_each(store, &query, look, looking, error);
}

bool store_approved(struct store *store, const struct run *run, struct arena *arena, struct approved *approved,
                    struct error *error)
{
    struct looking looking = {.run = run, .arena = arena, .found = {.id = ""}};
    bool found;
    *approved = (struct approved){.run = "", .digest = "", .by = ""};
    if (!text_empty(run->approved_digest)) {
        approved->is_own = true;
        approved->run = arena_strdup(arena, run->id);
        found = read_kept(store, run, arena, approved, error);
    } else {
        if (!find_before(store, &looking, error))
            return false;
        if (text_empty(looking.found.id))
            return true;
        approved->run = looking.found.id;
        found = run_passed_gate(&looking.found) ? read_plans(store, &looking.found, arena, approved, error)
                                                : read_kept(store, &looking.found, arena, approved, error);
    }
    if (!found || !read_approvals(store, approved, arena, error))
        return false;
    if (approved->how == APPROVED_AND_APPLIED)
        approved->at = looking.found.ended_at;
    return true;
}

void approved_say(const struct approved *approved, const char *when, struct str *out)
{
    switch (approved->how) {
    case APPROVED_NEVER: str_add(out, "as approved"); return;
    case APPROVED_BY_PERSONS:
        str_addf(out, "as approved by %s", approved->by);
        if (!approved->is_own)
            str_addf(out, " in run %s", approved->run);
        break;
    case APPROVED_BY_POLICY:
        str_add(out, "as planned before");
        if (!approved->is_own)
            str_addf(out, " in run %s", approved->run);
        break;
    case APPROVED_AND_APPLIED: str_addf(out, "as run %s applied", approved->run); break;
    }
    str_addf(out, " %s", when);
}
