/* SPDX-License-Identifier: ISC */
/* Commands that begin a run: deploy, plan, rollback, destroy; and how any run begins. */
#include "engine/accept.h"

#include "berth/base/str.h"
#include "berth/config.h"

/* --- which commit ---------------------------------------------------------------------------------------------- */

static const char *pairs_text(struct request *request, json_t *pairs)
{
    const char *text = json_object_size(pairs) > 0 ? json_text(request->turn->arena, pairs) : "";

    json_decref(pairs);
    return text;
}

/* The ref, by hand or of a machine; only a machine that saw a branch move says which commit it saw. False: refused already. */
static bool wish_of_ref(struct request *request, bool by_branch, struct wish *wish)
{
    struct engine_turn *turn = request->turn;
    struct ref_wish ref = {
        .config = turn->facts->config,
        .command = request->command,
        .environment = turn->environment,
        .name = request->subject.environment,
        .branch = turn->facts->branch,
        .ref_branch = turn->facts->ref_branch,
        .by_branch = by_branch,
        .commit = "",
    };
    int trigger;

    if (!subject_ref(&ref, request->subject.entry, argument_text(request, "ref"), turn->arena)) {
        answer_refused(request, ERROR_DENIED, NULL, ref.refusal, ref.next);
        return false;
    }
    wish->ref = arena_strdup(turn->arena, ref.ref);
    wish->commit = origin_of(request->command, &trigger) != ORIGIN_COMMAND ? argument_text(request, "commit")
                                                                           : arena_strdup(turn->arena, ref.commit);
    return true;
}

static bool wish_of(struct request *request, struct wish *wish)
{
    const struct branch *branch = request->turn->facts->branch;
    const struct config_entry *entry = request->subject.entry;
    bool by_branch = branch != NULL && (text_equal(request->command->subject, branch->name) ||
                                        text_equal(request->command->subject, branch->id));
    int64_t number = json_get_int(request->arguments, "pr");
    long long parsed;
    int64_t latest;

    *wish = (struct wish){.pull_request = number};
    if (number == 0 && text_to_int(argument_text(request, "pr"), &parsed))
        wish->pull_request = parsed;
    if (!wish_of_ref(request, by_branch, wish))
        return false;
    wish->repository = arena_strdup(request->turn->arena, by_branch ? branch->repository : entry->repository);
    if (text_empty(wish->repository))
        wish->repository = request->turn->facts->config->trusted_repository;
    wish->with = wish->inputs = pairs_text(request, subject_pairs(request->command));
    if (!argument_duration(request, "ttl", &wish->ttl_ms))
        return false;
    latest = life_latest(request->turn, entry);
    if (wish->ttl_ms > 0 && request->turn->facts->now_ms + wish->ttl_ms > latest) {
        answer_refused(request, ERROR_LIMIT, NULL,
                       life_latest_text(request->turn, entry, request->subject.environment, latest), "ask for less");
        return false;
    }
    if (text_empty(wish->ref) && text_empty(wish->commit)) {
        answer_refused(request, ERROR_USAGE, NULL,
                       arena_printf(request->turn->arena, "nothing says which commit '%s' should have",
                                    request->subject.environment),
                       "name the branch instead, or add --ref");
        return false;
    }
    return true;
}

/* --- the run --------------------------------------------------------------------------------------------------------- */

struct run *new_run(struct request *request, int workflow, const struct wish *wish)
{
    struct engine_turn *turn = request->turn;
    const struct command *command = request->command;
    struct run *run = arena_alloc(turn->arena, sizeof *run);
    int trigger;

    *run = (struct run){
        .number = turn->facts->next_run,
        .environment = turn->environment != NULL ? turn->environment->id : "",
        .environment_name = request->subject.environment,
        .entry = request->subject.entry != NULL ? request->subject.entry->name
                 : turn->environment != NULL    ? turn->environment->entry
                                                : "",
        .workflow = workflow,
        .status = RUN_QUEUED,
        .origin = origin_of(command, &trigger),
        .command = command->id,
        .actor = command->actor,
        .person = request->person,
        .via = command->via,
        .reason = command->reason,
        .repository = wish->repository,
        .ref = wish->ref,
        .commit = wish->commit,
        .inputs = wish->inputs,
        .with = wish->with,
        .on_failure = request->subject.entry != NULL ? (int)request->subject.entry->on_failure : ANSWER_HOLD,
        .ttl_ms = wish->ttl_ms,
        .pull_request = wish->pull_request,
        .policy_commit = turn->facts->policy_commit,
        .created_at = turn->facts->now_ms,
        .epoch = turn->facts->epoch,
    };
    run->id = arena_printf(turn->arena, "%lld", (long long)run->number);
    run->log_folder = run->id;
    return run;
}

static const char *verb_and_environment(const struct request *request)
{
    return arena_printf(request->turn->arena, "%s %s", request->command->verb, request->subject.environment);
}

void begin_run(struct request *request, struct run *run, const struct why *why, const char *what)
{
    struct engine_turn *turn = request->turn;

    if (request->command->dry_run) {
        answer_done(request, COMMAND_DONE, "", why, what);
        return;
    }
    answer_done(request, COMMAND_ACCEPTED, run->id, why, arena_printf(turn->arena, "run %s: %s", run->id, what));
    turn->new_run = true;
    turn->effects->took_run_number = true;
    turn_set_run(turn, run);
    (void)turn_add(&turn->runs, run);
    turn->runs.states.items[turn->runs.states.count - 1] = ROW_AS_READ; /* put as turn->run */
    turn_advance(turn);
    if (turn->effects->wake_at > 0) /* the caller knows the run only from here on: it asks again, and hears when */
        turn_touch(turn, run->id);
}

static bool is_unapproved(const struct run *run)
{
    return run->approved_at == 0 && (run->status == RUN_QUEUED || run->status == RUN_PREPARING ||
                                     run->status == RUN_PLANNING || run->status == RUN_GATE);
}

/* Deploys that nobody approved yet give way to the newer one; what was approved or is at work is not replaced. */
static void supersede_unapproved(struct request *request, const struct run *by)
{
    struct engine_turn *turn = request->turn;

    for (size_t i = 0; i < turn->runs.rows.count; i++) {
        const struct run *other = run_at(turn, i);

        if (other == NULL || other->workflow != WORKFLOW_DEPLOY || !is_unapproved(other) || other->applying_at != 0 ||
            text_equal(other->id, by->id))
            continue;
        run_edit(turn, i)->superseded_by = by->id;
        turn_touch(turn, other->id);
    }
}

/* Of a branch that a machine plans at each push only the newest is worth a plan; one that has begun ends. */
static void supersede_unstarted_plans(struct request *request, const struct run *by)
{
    struct engine_turn *turn = request->turn;

    for (size_t i = 0; i < turn->runs.rows.count; i++) {
        const struct run *other = run_at(turn, i);

        if (other == NULL || other->workflow != WORKFLOW_PLAN || other->origin != by->origin ||
            other->status != RUN_QUEUED || !text_equal(other->repository, by->repository) ||
            !text_equal(other->ref, by->ref) || text_equal(other->id, by->id))
            continue;
        run_edit(turn, i)->superseded_by = by->id;
        turn_touch(turn, other->id);
    }
}

static const char *commit_of_wish(const struct request *request, const struct wish *wish)
{
    const struct branch *branch = request->turn->facts->branch;

    if (!text_empty(wish->commit))
        return wish->commit;
    return branch != NULL && text_equal(branch->name, wish->ref) ? branch->commit : "";
}

/* A run that is under way for exactly this commit, these inputs and, of a roll-back, these values. */
static const struct run *same_run(struct request *request, int workflow, const struct wish *wish)
{
    const char *commit = commit_of_wish(request, wish);

    for (size_t i = 0; i < request->turn->runs.rows.count; i++) {
        const struct run *other = run_at(request->turn, i);

        if (other != NULL && other->workflow == workflow && other->status != RUN_HELD &&
            !run_ended((enum run_status)other->status) && text_empty(other->superseded_by) &&
            text_empty(other->cancel_by) && !text_empty(commit) && text_equal(other->commit, commit) &&
            text_equal(other->inputs, wish->inputs) && settings_agree(other->settings, wish->settings))
            return other;
    }
    return NULL;
}

/* The newest run that answers a failure, of those that have not ended. */
static const struct run *answer_to(const struct engine_turn *turn, const struct run *failed)
{
    for (size_t i = turn->runs.rows.count; i-- > 0;)
        if (run_at(turn, i) != NULL && text_equal(run_at(turn, i)->parent, failed->id))
            return run_at(turn, i);
    return NULL;
}

static void refuse_same(struct request *request, const struct why *why, const struct run *same)
{
    struct arena *arena = request->turn->arena;
    const struct run *answer = same->status == RUN_ROLLING_BACK ? answer_to(request->turn, same) : NULL;
    const char *does =
        run_destroys(same) ? arena_printf(arena, "destroys '%s'", same->environment_name) : "does this already";

    if (answer != NULL) {
        answer_refused(request, ERROR_CONFLICT, why,
                       arena_printf(arena, "run %s did this and failed: run %s goes back, and is %s", same->id,
                                    answer->id, word_name(run_status_names, answer->status)),
                       answer->status == RUN_GATE
                           ? arena_printf(arena,
                                          "berth approve %s --digest %.12s, or berth cancel %s and then deploy again",
                                          answer->id, answer->digest, answer->id)
                           : arena_printf(arena, "follow it: berth log %s -f; then deploy again", answer->id));
        return;
    }
    answer_refused(
        request, ERROR_CONFLICT, why,
        arena_printf(arena, "run %s %s: it is %s", same->id, does, word_name(run_status_names, same->status)),
        arena_printf(arena, "follow it: berth log %s -f", same->id));
}

/* A first deploy makes one environment more, and its tier may have enough. False: refused already. */
static bool tier_has_room(struct request *request, int workflow, const struct why *why)
{
    struct engine_turn *turn = request->turn;
    const struct config *config = turn->facts->config;
    const enum tier tier = request->subject.entry->tier;
    const int most = config->limits.environments[tier];

    if (workflow != WORKFLOW_DEPLOY || most < 0 || turn->facts->living_in_tier < most ||
        (turn->environment != NULL && turn->environment->status != ENVIRONMENT_ABSENT))
        return true;
    answer_refused(request, ERROR_LIMIT, why,
                   arena_printf(turn->arena, "tier %s has %lld of %d environments (limits.environments, %s:%d)",
                                word_name(tier_names, (int)tier), (long long)turn->facts->living_in_tier, most,
                                config->file, config->limits.environments_line),
                   "destroy one that nobody needs: berth envs lists them");
    return false;
}

static void begin_from_ref(struct request *request, int workflow)
{
    struct engine_turn *turn = request->turn;
    const struct why *why;
    const struct run *same;
    struct wish wish;
    struct run *run;

    turn->run = NULL;
    if (!text_empty(request->subject.refusal)) {
        answer_refused(request, ERROR_NOT_FOUND, NULL, request->subject.refusal, request->subject.next);
        return;
    }
    if (!policy_allows(request, &why))
        return;
    if (request->subject.entry == NULL) {
        answer_refused(
            request, ERROR_NOT_FOUND, why,
            arena_printf(turn->arena, "no entry of berth.yaml makes '%s' any more", request->subject.environment),
            "add the entry again on the trusted ref, or destroy it");
        return;
    }
    if (!tier_has_room(request, workflow, why) || !wish_of(request, &wish))
        return;
    same = same_run(request, workflow, &wish);
    if (same != NULL) {
        refuse_same(request, why, same);
        return;
    }
    run = new_run(request, workflow, &wish);
    if (workflow == WORKFLOW_DEPLOY && !request->command->dry_run)
        supersede_unapproved(request, run);
    if (workflow == WORKFLOW_PLAN && run->origin != ORIGIN_COMMAND && !request->command->dry_run)
        supersede_unstarted_plans(request, run);
    begin_run(request, run, why, verb_and_environment(request));
}

void accept_deploy(struct request *request)
{
    begin_from_ref(request, WORKFLOW_DEPLOY);
}

void accept_plan(struct request *request)
{
    begin_from_ref(request, WORKFLOW_PLAN);
}

bool is_named(struct request *request)
{
    if (request->turn->environment != NULL || text_empty(request->subject.refusal))
        return true;
    answer_refused(request, ERROR_NOT_FOUND, NULL, request->subject.refusal, request->subject.next);
    return false;
}

bool is_there(struct request *request, const struct why *why)
{
    const struct engine_turn *turn = request->turn;
    const struct environment *environment = turn->environment;
    const bool absent =
        environment != NULL && environment->status == ENVIRONMENT_ABSENT && turn->facts->resources.count == 0;
    const struct why *state = policy_there_state(absent ? NULL : environment, request->subject.environment,
                                                 request->command->verb, turn->arena);

    if (state != NULL)
        answer_refused(request, ERROR_CONFLICT, why, state->reason, state->next);
    return state == NULL;
}

static const struct run *destroying_run(struct request *request)
{
    for (size_t i = 0; i < request->turn->runs.rows.count; i++) {
        const struct run *other = run_at(request->turn, i);

        if (other != NULL && run_destroys(other) && other->status != RUN_HELD && text_empty(other->cancel_by))
            return other;
    }
    return NULL;
}

/* --- rollback ----------------------------------------------------------------------------------------------------------- */

/* "v3" or "3"; 0 when it is neither. */
static int64_t version_of(const char *text)
{
    long long version;

    return text_to_int(text + (*text == 'v'), &version) && version > 0 ? version : 0;
}

static const struct release *release_numbered(const struct engine_turn *turn, int64_t version)
{
    for (size_t i = 0; i < turn->facts->releases.count; i++)
        if (turn->facts->releases.items[i]->version == version)
            return turn->facts->releases.items[i];
    return NULL;
}

/* NULL: refused already. */
static const struct release *release_asked(struct request *request, const struct why *why)
{
    struct engine_turn *turn = request->turn;
    const char *to = argument_text(request, "to");
    const struct release *const *releases = turn->facts->releases.items;
    const size_t count = turn->facts->releases.count;
    const struct release *release = text_empty(to) ? policy_release_meant(turn->environment, releases, count)
                                                   : release_numbered(turn, version_of(to));
    const struct why *state = text_empty(to)    ? policy_rollback_state(turn->environment, releases, count, turn->arena)
                              : release != NULL ? policy_release_state(turn->environment, release, turn->arena)
                                                : NULL;

    if (state != NULL)
        answer_refused(request, ERROR_CONFLICT, why, state->reason, state->next);
    else if (release == NULL)
        answer_refused(request, ERROR_NOT_FOUND, why,
                       arena_printf(turn->arena, "'%s' has no release '%s'", turn->environment->name, to),
                       arena_printf(turn->arena, "berth releases %s lists them", turn->environment->name));
    return state != NULL ? NULL : release;
}

void accept_rollback(struct request *request)
{
    struct engine_turn *turn = request->turn;
    const struct release *release;
    const struct why *why;
    const struct run *same;
    struct wish wish = {0};
    struct run *run;

    turn->run = NULL;
    if (!is_named(request))
        return;
    if (!policy_allows(request, &why) || !is_there(request, why) || (release = release_asked(request, why)) == NULL)
        return;
    wish.commit = release->commit;
    wish.inputs = release->inputs;
    wish.settings = release->settings;
    same = destroying_run(request);
    if (same == NULL)
        same = same_run(request, WORKFLOW_ROLLBACK, &wish);
    if (same != NULL) {
        refuse_same(request, why, same);
        return;
    }
    run = new_run(request, WORKFLOW_ROLLBACK, &wish);
    rollback_fill(turn, run, release);
    if (!request->command->dry_run)
        supersede_unapproved(request, run);
    begin_run(request, run, why,
              arena_printf(turn->arena, "rollback %s to v%lld (%.12s)", request->subject.environment,
                           (long long)release->version, release->commit));
}

/* --- destroy ------------------------------------------------------------------------------------------------------------ */

static const char *confirmation(struct request *request)
{
    json_t *with = json_object();
    const char *text;

    if (text_empty(argument_text(request, "confirm"))) {
        json_decref(with);
        return "";
    }
    json_object_set_new(with, "confirm", json_string(argument_text(request, "confirm")));
    text = json_text(request->turn->arena, with);
    json_decref(with);
    return text;
}

/* A decision is about one environment; its name may be another's by the time it is answered. */
static bool means_another(struct request *request)
{
    const char *meant = argument_text(request, "environment");

    if (text_empty(meant) || (request->turn->environment != NULL && text_equal(request->turn->environment->id, meant)))
        return false;
    answer_refused(request, ERROR_CONFLICT, NULL,
                   arena_printf(request->turn->arena, "'%s' is not what was to end: it is another one by now",
                                request->command->subject),
                   "");
    return true;
}

void accept_destroy(struct request *request)
{
    struct engine_turn *turn = request->turn;
    const struct why *why;
    const struct run *same;
    struct wish wish = {0};
    struct run *run;

    turn->run = NULL;
    if (!is_named(request))
        return;
    if (means_another(request) || !policy_allows(request, &why) || !is_there(request, why))
        return;
    same = destroying_run(request);
    if (same != NULL) {
        answer_refused(request, ERROR_CONFLICT, why,
                       arena_printf(turn->arena, "run %s destroys it already: it is %s", same->id,
                                    word_name(run_status_names, same->status)),
                       arena_printf(turn->arena, "follow it: berth log %s -f", same->id));
        return;
    }
    wish.repository = turn->environment->repository;
    wish.ref = turn->environment->branch;
    wish.commit = turn->environment->commit;
    wish.with = confirmation(request);
    wish.inputs = turn->environment->inputs;
    run = new_run(request, WORKFLOW_DESTROY, &wish);
    run->on_failure = ANSWER_HOLD;
    if (!request->command->dry_run && run->origin == ORIGIN_COMMAND) /* no machine ends what somebody began */
        supersede_unapproved(request, run);
    begin_run(request, run, why, verb_and_environment(request));
}
