/* SPDX-License-Identifier: ISC */
/* What must never be, whatever happened: illegal states in a set of rows, a sentence each. */
#include "engine/exec.h"

#include "berth/base/str.h"

struct finding {
    const struct engine_facts *facts;
    struct str *out;
    size_t count;
};

static void found(struct finding *finding, const char *format, ...) BERTH_PRINTF(2, 3);
static void found(struct finding *finding, const char *format, ...)
{
    va_list arguments;

    finding->count++;
    va_start(arguments, format);
    str_addv(finding->out, format, arguments);
    va_end(arguments);
    str_add_char(finding->out, '\n');
}

static bool works(int status)
{
    return status == RUN_APPLYING || status == RUN_VALIDATING;
}

static const struct run *run_named(const struct engine_facts *facts, const char *id)
{
    if (facts->run != NULL && text_equal(facts->run->id, id))
        return facts->run;
    for (size_t i = 0; i < facts->runs.count; i++)
        if (text_equal(facts->runs.items[i]->id, id))
            return facts->runs.items[i];
    return NULL;
}

/* --- locks ------------------------------------------------------------------------------------------------------- */

static void check_lock_of(struct finding *finding, const struct run *run)
{
    const struct environment *environment = finding->facts->environment;

    if (!works(run->status))
        return;
    if (environment == NULL)
        found(finding, "run %s is %s without an environment", run->id, word_name(run_status_names, run->status));
    else if (!text_equal(environment->lock_run, run->id))
        found(finding, "run %s is %s but the lock is held by '%s'", run->id, word_name(run_status_names, run->status),
              environment->lock_run != NULL ? environment->lock_run : "");
}

static void check_locks(struct finding *finding)
{
    const struct environment *environment = finding->facts->environment;
    const struct run *holder;

    for (size_t i = 0; i < finding->facts->runs.count; i++)
        check_lock_of(finding, finding->facts->runs.items[i]);
    if (environment == NULL || text_empty(environment->lock_run))
        return;
    holder = run_named(finding->facts, environment->lock_run);
    if (holder == NULL)
        found(finding, "the lock is held by run %s, which ended or is not there", environment->lock_run);
    else if (!works(holder->status))
        found(finding, "the lock is held by run %s, which is %s", holder->id,
              word_name(run_status_names, holder->status));
}

/* --- environment --------------------------------------------------------------------------------------------------- */

/* An inner part is there only with its resource, and nothing works on it but what works on that. */
static void check_inner(struct finding *finding)
{
    const struct engine_facts *facts = finding->facts;

    for (size_t i = 0; i < facts->resources.count; i++) {
        const struct resource *part = facts->resources.items[i], *parent = NULL;

        for (size_t k = 0; !text_empty(part->parent) && parent == NULL && k < facts->resources.count; k++)
            if (text_equal(facts->resources.items[k]->address, part->parent))
                parent = facts->resources.items[k];
        if (text_empty(part->parent))
            continue;
        if (parent == NULL || parent->status == RESOURCE_GONE)
            found(finding, "%s is there without %s", part->address, part->parent);
        else if (parent->status == RESOURCE_OK && part->status != RESOURCE_OK)
            found(finding, "%s is ok but %s is %s", parent->address, part->address,
                  word_name(resource_status_names, part->status));
    }
}

static void check_environment(struct finding *finding)
{
    const struct engine_facts *facts = finding->facts;
    const struct environment *environment = facts->environment;
    const struct run *holder;
    bool working;

    if (environment == NULL)
        return;
    working = environment->status == ENVIRONMENT_DEPLOYING || environment->status == ENVIRONMENT_VALIDATING ||
              environment->status == ENVIRONMENT_DESTROYING;
    check_inner(finding);
    if (environment->status == ENVIRONMENT_DESTROYED && facts->resources.count > 0)
        found(finding, "the environment is destroyed but %zu resources are recorded", facts->resources.count);
    if (environment->status == ENVIRONMENT_OK && environment->release == 0)
        found(finding, "the environment is OK without a release");
    holder = text_empty(environment->lock_run) ? NULL : run_named(facts, environment->lock_run);
    if (!working && environment->status != ENVIRONMENT_OK && environment->status != ENVIRONMENT_DESTROYED &&
        holder != NULL && !run_is_exec(holder))
        found(finding, "the environment is %s under a lock", word_name(environment_status_names, environment->status));
    for (size_t i = 0; environment->status == ENVIRONMENT_OK && i < facts->resources.count; i++) {
        const struct resource *resource = facts->resources.items[i];

        if (!text_empty(resource->parent))
            continue;
        if (resource->status == RESOURCE_FAILED || resource->status == RESOURCE_WAITING ||
            resource->status == RESOURCE_CREATING || resource->status == RESOURCE_UPDATING ||
            resource->status == RESOURCE_DESTROYING || resource->status == RESOURCE_GONE)
            found(finding, "the environment is OK but %s is %s", resource->address,
                  word_name(resource_status_names, resource->status));
    }
    for (size_t i = 0; i < facts->releases.count; i++) {
        if (!facts->releases.items[i]->validated)
            found(finding, "release v%lld was not validated", (long long)facts->releases.items[i]->version);
        if (facts->releases.items[i]->version > environment->release && environment->status != ENVIRONMENT_DESTROYED &&
            !text_equal(facts->releases.items[i]->verdict, "rolled back"))
            found(finding, "release v%lld is newer than the environment's v%lld",
                  (long long)facts->releases.items[i]->version, (long long)environment->release);
    }
}

/* --- steps ------------------------------------------------------------------------------------------------------------ */

static const struct step *step_named(const struct engine_facts *facts, const char *id)
{
    for (size_t i = 0; i < facts->steps.count; i++)
        if (text_equal(facts->steps.items[i]->id, id))
            return facts->steps.items[i];
    return NULL;
}

static void check_needs(struct finding *finding, const struct step *step)
{
    json_t *needs, *need;
    size_t at;

    if (text_empty(step->needs) || (step->status != STEP_RUNNING && step->status != STEP_DONE))
        return;
    needs = json_column(step->needs);
    json_array_foreach(needs, at, need)
    {
        const struct step *needed = step_named(finding->facts, json_string_value(need));

        if (needed == NULL)
            found(finding, "step %s needs %s, which is not there", step->id, json_string_value(need));
        else if (needed->status != STEP_DONE)
            found(finding, "step %s is %s before %s, which it needs", step->id,
                  word_name(step_status_names, step->status), needed->id);
    }
    json_decref(needs);
}

static void check_row_of(struct finding *finding, const struct step *step)
{
    const struct engine_facts *facts = finding->facts;

    for (size_t i = 0; i < facts->resources.count; i++) {
        const struct resource *resource = facts->resources.items[i];

        if (!text_equal(resource->address, step->address) || !text_equal(resource->applied_run, step->run))
            continue;
        if (resource->status == RESOURCE_OK && step->phase == PHASE_APPLY && step->status == STEP_FAILED)
            found(finding, "%s is ok although step %s failed", resource->address, step->id);
        if (step->phase == PHASE_DESTROY && step->status == STEP_DONE && resource->status != RESOURCE_GONE &&
            text_equal(facts->environment->lock_run, step->run))
            found(finding, "%s is %s although step %s destroyed it", resource->address,
                  word_name(resource_status_names, resource->status), step->id);
    }
}

static void check_step(struct finding *finding, const struct run *run, const struct step *step)
{
    bool changes = step->phase == PHASE_APPLY || step->phase == PHASE_DESTROY;

    if (step->status == STEP_RUNNING && (phases_of(run->status) & PHASES(step->phase)) == 0)
        found(finding, "step %s runs while run %s is %s", step->id, run->id, word_name(run_status_names, run->status));
    if (run_ended((enum run_status)run->status) && !step_ended((enum step_status)step->status))
        found(finding, "run %s has ended as %s but step %s is %s", run->id, word_name(run_status_names, run->status),
              step->id, word_name(step_status_names, step->status));
    if (changes && step->attempt > 0 && run->applying_at == 0)
        found(finding, "step %s was begun although the gate of run %s never opened", step->id, run->id);
    if (step->phase == PHASE_EXEC && !run_is_exec(run))
        found(finding, "run %s is no command but has the step %s", run->id, step->id);
    if (step->phase == PHASE_EXEC && step->attempt > 0 && !run_only_looks(run) && run->applying_at == 0 &&
        !run_unlocks(run))
        found(finding, "step %s was begun although the gate of run %s never opened", step->id, run->id);
    if (changes && (run_only_looks(run) || run_is_exec(run)))
        found(finding, "run %s applies nothing but has the step %s", run->id, step->id);
    if (run_destroys(run) && step->phase == PHASE_APPLY)
        found(finding, "run %s destroys but has the step %s", run->id, step->id);
    if (step->status == STEP_RUNNING && text_empty(step->token))
        found(finding, "step %s runs without a token", step->id);
    check_needs(finding, step);
    if (changes && finding->facts->environment != NULL)
        check_row_of(finding, step);
}

/* --- run ---------------------------------------------------------------------------------------------------------------- */

static size_t approvals_of_digest(const struct engine_facts *facts, const char *digest)
{
    size_t count = 0;

    for (size_t i = 0; i < facts->approvals.count; i++) {
        const struct approval *approval = facts->approvals.items[i];

        if (approval->verdict == VERDICT_CLEARED)
            count = 0;
        else if (approval->verdict == VERDICT_APPROVE && text_equal(approval->digest, digest))
            count++;
    }
    return count;
}

static void check_run(struct finding *finding, const struct run *run)
{
    struct tally tally;
    struct engine_turn turn = {.facts = finding->facts};

    if (run->approved_at != 0 && approvals_of_digest(finding->facts, run->digest) == 0)
        found(finding, "run %s counts as approved without an approval of its digest", run->id);
    if (works(run->status) && text_empty(run->digest))
        found(finding, "run %s is %s without a digest", run->id, word_name(run_status_names, run->status));
    if (run_ended((enum run_status)run->status) != (run->ended_at != 0))
        found(finding, "run %s is %s, ended at %lld", run->id, word_name(run_status_names, run->status),
              (long long)run->ended_at);
    for (size_t i = 0; i < finding->facts->steps.count; i++)
        check_step(finding, run, finding->facts->steps.items[i]);
    if (run->status != RUN_DONE && run->status != RUN_VALIDATING)
        return;
    for (size_t i = 0; i < finding->facts->steps.count; i++) {
        vec_push(&turn.steps.rows, finding->facts->steps.items[i]);
        vec_push(&turn.steps.states, ROW_AS_READ);
    }
    tally = steps_count(&turn, PHASES(PHASE_APPLY) | PHASES(PHASE_DESTROY) | PHASES(PHASE_EXEC) |
                                   (run->status == RUN_DONE ? PHASES(PHASE_CHECK) : 0));
    if (tally.done != tally.total)
        found(finding, "run %s is %s with %zu of %zu steps done", run->id, word_name(run_status_names, run->status),
              tally.done, tally.total);
    vec_release(&turn.steps.rows);
    vec_release(&turn.steps.states);
}

/* Whoever is not at work says what it waits for. */
static void check_waits(struct finding *finding, const struct run *run)
{
    if ((run->status == RUN_GATE || run->status == RUN_HELD || run->status == RUN_QUEUED ||
         run->status == RUN_ROLLING_BACK) &&
        text_empty(run->status_reason))
        found(finding, "run %s is %s and does not say why", run->id, word_name(run_status_names, run->status));
}

size_t engine_check(const struct engine_facts *facts, struct str *out)
{
    struct finding finding = {.facts = facts, .out = out};

    check_locks(&finding);
    check_environment(&finding);
    for (size_t i = 0; i < facts->runs.count; i++)
        check_waits(&finding, facts->runs.items[i]);
    if (facts->run != NULL)
        check_run(&finding, facts->run);
    return finding.count;
}
