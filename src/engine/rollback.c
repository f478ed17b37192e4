/* SPDX-License-Identifier: ISC */
/*
 * The way back: a run that failed is answered by another that deploys the last good release, with a plan and a gate of its own. The failed one waits for
 * that answer and ends as it does; nothing answers a roll-back that fails but a person.
 */
#include "engine/inner.h"

#include "berth/base/str.h"
#include "berth/config.h"

bool run_rolls_back(const struct run *run)
{
    return run->workflow == WORKFLOW_ROLLBACK;
}

static bool is_good(const struct release *release)
{
    return release->validated && text_equal(release->verdict, "good");
}

bool release_is_of(const struct release *release, const struct run *run)
{
    return text_equal(release->commit, run->commit) && text_equal(release->inputs, run->inputs) &&
           settings_agree(release->settings, run->settings);
}

/* --- after a failure ------------------------------------------------------------------------------------------------ */

/* The release that the environment has, where it is good and another than what failed. */
static const struct release *last_good(const struct engine_turn *turn)
{
    for (size_t i = 0; i < turn->facts->releases.count; i++) {
        const struct release *release = turn->facts->releases.items[i];

        if (release->version == turn->environment->release)
            return is_good(release) && !release_is_of(release, turn->run) ? release : NULL;
    }
    return NULL;
}

bool rollback_answers(struct engine_turn *turn)
{
    return turn->run->on_failure == ANSWER_ROLLBACK && turn->run->workflow == WORKFLOW_DEPLOY &&
           turn->environment != NULL && last_good(turn) != NULL;
}

const char *rollback_missing(const struct engine_turn *turn)
{
    if (turn->run->on_failure != ANSWER_ROLLBACK || turn->run->workflow != WORKFLOW_DEPLOY)
        return "";
    if (last_good(turn) != NULL)
        return "an interrupted step is looked at by a person before anything is rolled back";
    return turn->environment->release == 0
               ? "nothing to roll back to: no release of it was validated yet"
               : arena_printf(turn->arena, "nothing to roll back to: v%lld is what failed, or was rolled back itself",
                              (long long)turn->environment->release);
}

/* The branch, tag or commit that the release came from: what names its environment. */
static const char *ref_of(struct engine_turn *turn, const struct release *release)
{
    json_t *sources = json_column(release->sources);
    const char *ref = arena_strdup(turn->arena, json_get_text(json_array_get(sources, 0), "ref"));

    json_decref(sources);
    return text_empty(ref) ? turn->environment->branch : ref;
}

/* A release from before its settings were kept: the plan is made with today's, and whoever looks at it is told. */
static void say_todays(struct engine_turn *turn, struct run *run, const struct release *release)
{
    const char *text =
        arena_printf(turn->arena, "v%lld is older than the record of its values: those of today's berth.yaml are used",
                     (long long)release->version);

    run->reason = text_empty(run->reason) ? text : arena_printf(turn->arena, "%s; %s", run->reason, text);
}

void rollback_fill(struct engine_turn *turn, struct run *run, const struct release *release)
{
    run->workflow = WORKFLOW_ROLLBACK;
    run->repository = turn->environment->repository;
    run->ref = ref_of(turn, release);
    run->commit = release->commit;
    run->sources = release->sources;
    run->inputs = run->with = release->inputs;
    run->settings = release->settings;
    run->on_failure = ANSWER_HOLD;
    if (text_empty(run->settings))
        say_todays(turn, run, release);
}

void rollback_start(struct engine_turn *turn)
{
    const struct release *release = last_good(turn);
    struct run *failed = turn->run;
    struct run *run = run_of_answer(turn);

    rollback_fill(turn, run, release);
    leave_failed(turn);
    turn->environment->excluded_commit = failed->commit;
    failed->status_reason = arena_printf(turn->arena, "%s; run %s goes back to v%lld", failed->status_reason, run->id,
                                         (long long)release->version);
    turn_audit(turn, "rollback.on_failure", "", "ok",
               arena_printf(turn->arena, "run %s, to v%lld", run->id, (long long)release->version), NULL);
}

bool rollback_changed_nothing(struct engine_turn *turn)
{
    return turn->facts->answer != NULL && turn->facts->answer->applying_at == 0;
}

void rollback_look(struct engine_turn *turn)
{
    const struct run *answer = turn->facts->answer;

    if (answer == NULL)
        return;
    if (answer->status == RUN_DONE)
        (void)turn_fire(turn, "rolled back",
                        arena_printf(turn->arena, "rolled back by run %s: %s", answer->id, answer->status_reason));
    else if (answer->status == RUN_SUPERSEDED)
        (void)turn_fire(turn, "supersede", answer->status_reason);
    else if (answer->status == RUN_HELD || run_ended((enum run_status)answer->status))
        (void)turn_fire(turn, "not rolled back",
                        arena_printf(turn->arena, "its roll-back, run %s, is %s: %s", answer->id,
                                     word_name(run_status_names, answer->status), answer->status_reason));
}

/* --- what it may do by itself --------------------------------------------------------------------------------------- */

static const struct plan *failed_plan(const struct engine_turn *turn, const char *address)
{
    for (size_t i = 0; i < turn->facts->failed_plans.count; i++)
        if (text_equal(turn->facts->failed_plans.items[i]->address, address))
            return turn->facts->failed_plans.items[i];
    return NULL;
}

/* The failed run made it, from nothing: what an executor found there already is not its own. */
static bool was_made_by_failed(const struct engine_turn *turn, const struct resource *resource)
{
    const struct run *failed = turn->facts->failed;
    const struct plan *plan = failed_plan(turn, resource->address);

    return failed != NULL && resource->created_at >= failed->applying_at && plan != NULL &&
           plan->action == PLAN_CREATE && strstr(plan->changes, "\"imports\"") == NULL;
}

/* The failed run was to make that part from nothing, and was the last at work on it. */
static bool part_was_made_by_failed(const struct engine_turn *turn, const char *address, const json_t *planned,
                                    const json_t *change)
{
    const char *path = json_get_text(change, "path");
    const struct resource *part = inner_part(turn, address, path);
    size_t at;
    json_t *was;

    if (part == NULL || !text_equal(part->applied_run, turn->facts->failed->id) || json_object_get(change, "deposed"))
        return false;
    json_array_foreach(planned, at, was)
    {
        if (text_equal(json_get_text(was, "path"), path))
            return text_equal(json_get_text(was, "action"), "create") && !json_object_get(was, "imports") &&
                   !json_object_get(was, "deposed");
    }
    return false;
}

/* The resource was there before and stays; all that would go of its inner parts is what the failed run made. */
static bool takes_parts_of_failed(const struct engine_turn *turn, const struct plan *plan)
{
    const struct plan *failed = failed_plan(turn, plan->address);
    json_t *planned, *changes, *change;
    size_t at, parts = 0, made = 0;

    if (plan->action != PLAN_REPLACE || turn->facts->failed == NULL || failed == NULL)
        return false;
    planned = json_column(failed->changes);
    changes = json_column(plan->changes);
    json_array_foreach(changes, at, change)
    {
        if (!plan_takes_away(word_value(plan_action_names, json_get_text(change, "action"))))
            continue;
        parts++;
        made += part_was_made_by_failed(turn, plan->address, planned, change);
    }
    json_decref(changes);
    json_decref(planned);
    return parts > 0 && made == parts;
}

static bool takes_away(const struct plan *plan)
{
    return plan != NULL && plan_takes_away(plan->action);
}

const char *rollback_takes_older(const struct engine_turn *turn)
{
    if (!run_rolls_back(turn->run) || turn->run->origin != ORIGIN_ON_FAILURE)
        return "";
    for (size_t i = 0; i < turn->plans.rows.count; i++) {
        const struct plan *plan = plan_at(turn, i);
        long at = takes_away(plan) ? resource_find(turn, plan->address) : -1;

        if (at >= 0 && !was_made_by_failed(turn, resource_at(turn, (size_t)at)) && !takes_parts_of_failed(turn, plan))
            return arena_printf(turn->arena, "it would %s %s, which run %s did not create",
                                plan->action == PLAN_DESTROY ? "destroy" : "replace", plan->address, turn->run->parent);
    }
    return "";
}

/* --- done --------------------------------------------------------------------------------------------------------------- */

static void judge(struct engine_turn *turn, const struct release *release, const char *verdict)
{
    struct release *judged;

    if (text_equal(release->verdict, verdict))
        return;
    judged = arena_copy(turn->arena, release, sizeof *release);
    judged->verdict = verdict;
    turn_put(turn, &release_type, judged);
}

static const struct release *release_of_run(const struct engine_turn *turn)
{
    for (size_t i = 0; i < turn->facts->releases.count; i++)
        if (turn->facts->releases.items[i]->validated && release_is_of(turn->facts->releases.items[i], turn->run))
            return turn->facts->releases.items[i];
    return NULL;
}

bool rollback_done(struct engine_turn *turn)
{
    const struct release *release = release_of_run(turn);

    if (release == NULL)
        return false;
    for (size_t i = 0; i < turn->facts->releases.count; i++)
        if (turn->facts->releases.items[i]->version > release->version)
            judge(turn, turn->facts->releases.items[i], "rolled back");
    judge(turn, release, "good");
    turn->environment->release = release->version;
    if (!text_equal(turn->environment->commit, turn->run->commit)) /* by hand; what failed was excluded when it did */
        turn->environment->excluded_commit = turn->environment->commit;
    else if (text_equal(turn->environment->excluded_commit, turn->run->commit))
        turn->environment->excluded_commit = ""; /* it is what is there now */
    turn->run->status_reason = arena_printf(turn->arena, "back at release v%lld", (long long)release->version);
    return true;
}
