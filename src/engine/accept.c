/* SPDX-License-Identifier: ISC */
/* Everything that acts enters here: a command is answered once, by policy and rows alone, and audited whatever the answer. */
#include "engine/accept.h"

#include "berth/base/str.h"
#include "berth/base/time.h"
#include "berth/command.h"
#include "berth/config.h"

#include <stdlib.h>

const char *argument_text(const struct request *request, const char *name)
{
    return arena_strdup(request->turn->arena, json_get_text(request->arguments, name));
}

/* --- answers ---------------------------------------------------------------------------------------------------- */

static const char *answer_text(struct request *request, enum error_code code, const struct why *why,
                               const char *message, const char *next)
{
    json_t *answer = json_object();
    const char *text;

    json_object_set_new(answer, "message", json_string(message));
    json_object_set_new(answer, "code", json_string(error_info(code)->name));
    json_object_set_new(answer, "next", json_string(next));
    if (why != NULL)
        json_object_set_new(answer, "why", why_to_json(why));
    text = json_text(request->turn->arena, answer);
    json_decref(answer);
    return text;
}

static void answer(struct request *request, enum command_status status, const char *run, const char *text)
{
    struct command *command = arena_copy(request->turn->arena, request->command, sizeof *request->command);

    command->status = (int)status;
    command->run = run;
    command->answer = text;
    command->answered_at = request->turn->facts->now_ms;
    turn_put(request->turn, &command_type, command);
    if (status == COMMAND_ACCEPTED)
        request->turn->command = command;
}

static void audit_request(struct request *request, const char *what, const char *result, const char *reason,
                          const char *run, const struct why *why)
{
    struct engine_turn *turn = request->turn;
    const struct command *command = request->command;
    struct audit entry;

    if (request->line != NULL && strstr(reason, request->line) == NULL)
        reason = arena_printf(turn->arena, "%s: %s", request->line, reason);

    entry = (struct audit){
        .at = turn->facts->now_ms,
        .action = arena_printf(turn->arena, "%s%s", command->verb, what),
        .actor = command->actor,
        .person = request->person,
        .via = command->via,
        .target = !text_empty(request->subject.environment) ? request->subject.environment : command->subject,
        .environment = turn->environment != NULL ? turn->environment->id : "",
        .run = run,
        .result = result,
        .reason = reason,
        .epoch = turn->facts->epoch,
    };
    if (why != NULL) {
        json_t *tree = why_to_json(why);

        entry.detail = json_text(turn->arena, tree);
        json_decref(tree);
    }
    effects_audit(turn->effects, &entry);
}

/* What a person does with an environment, but for what is about its end. */
static void note_use(struct request *request, enum command_status status)
{
    static const char *const uses[] = {"deploy", "plan", "rollback", "exec", "retry", "approve", "extend"};
    struct environment *environment = request->turn->environment;
    int trigger;

    if (request->command->dry_run || environment == NULL || environment->status == ENVIRONMENT_ABSENT ||
        environment->status == ENVIRONMENT_DESTROYED || environment->status == ENVIRONMENT_DESTROYING ||
        status == COMMAND_REFUSED || origin_of(request->command, &trigger) != ORIGIN_COMMAND)
        return;
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if (text_equal(request->command->verb, uses[i]))
            life_used(request->turn, config_entry_named(request->turn->facts->config, environment->entry),
                      arena_printf(request->turn->arena, "%s by %s", uses[i],
                                   text_empty(request->person) ? request->command->actor : request->person));
}

void answer_done(struct request *request, enum command_status status, const char *run, const struct why *why,
                 const char *message)
{
    note_use(request, status);
    if (!request->command->dry_run)
        audit_request(request, "", "ok", text_empty(request->command->reason) ? message : request->command->reason, run,
                      NULL);
    answer(request, status, run,
           answer_text(request, ERROR_NONE, why,
                       request->command->dry_run ? arena_printf(request->turn->arena, "may: %s", message) : message,
                       ""));
}

void answer_refused(struct request *request, enum error_code code, const struct why *why, const char *message,
                    const char *next)
{
    bool denied = code == ERROR_DENIED;
    const char *run = request->turn->run != NULL && !request->turn->new_run ? request->turn->run->id : "";

    audit_request(request, denied ? ".denied" : ".refused", denied ? "denied" : error_info(code)->name, message, run,
                  why);
    answer(request, COMMAND_REFUSED, run, answer_text(request, code, why, message, next));
}

/* --- policy ------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *via;
    int trigger;
    int origin;
} machines[] = {
    {"push", TRIGGER_PUSH, ORIGIN_PUSH},
    {"pull_request", TRIGGER_PULL_REQUEST, ORIGIN_PUSH},
    {"checks", TRIGGER_CHECKS, ORIGIN_PUSH},
    {"ttl", 0, ORIGIN_TTL},
    {"cron", 0, ORIGIN_CRON},
    {"cleaner", 0, ORIGIN_CLEANER},
    {"on_failure", 0, ORIGIN_ON_FAILURE},
};

/* Only berthd itself inserts commands of these: the store's door takes none of them from a client. */
static bool is_machine(const struct command *command)
{
    return text_starts(command->actor, "trigger:") || text_equal(command->actor, "berth");
}

static long machine_of(const char *via)
{
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        if (text_equal(via, machines[i].via))
            return (long)i;
    return -1;
}

int origin_of(const struct command *command, int *trigger)
{
    long at = machine_of(command->via);

    *trigger = 0;
    if (!is_machine(command))
        return ORIGIN_COMMAND;
    if (at < 0) /* a machine that names no cause is still none of the people */
        return ORIGIN_CLEANER;
    *trigger = machines[at].trigger;
    return machines[at].origin;
}

/* Who it is says how it came in: a person's command that claims to be a trigger's would be asked for less. */
static bool claims_to_be_a_machine(const struct command *command)
{
    return !is_machine(command) && machine_of(command->via) >= 0;
}

static void ask_policy(struct request *request)
{
    struct engine_turn *turn = request->turn;
    const struct environment *environment = turn->environment;
    const struct subject *subject = &request->subject;
    struct policy_question *question = &request->question;
    int origin;

    *question = (struct policy_question){
        .config = turn->facts->config,
        .entry = subject->entry,
        .environment = environment,
        .environment_name = subject->environment,
        .tier = environment != NULL      ? (enum tier)environment->tier
                : subject->entry != NULL ? subject->entry->tier
                                         : TIER_NONE,
        .verb = request->command->verb,
        .role = request->verb->role,
        .flags = request->verb->policy_flags,
        .actor = request->command->actor,
        .person = request->person,
        .commit = argument_text(request, "commit"),
        .ref_kind = argument_text(request, "ref_kind"),
    };
    origin = origin_of(request->command, &question->trigger);
    if (request->owner)
        question->flags |= POLICY_OWNER;
    if (origin != ORIGIN_COMMAND)
        question->flags |= POLICY_BY_ITSELF;
    if (!text_empty(subject->environment) && text_equal(argument_text(request, "confirm"), subject->environment))
        question->flags |= POLICY_CONFIRMED;
    question_add_blocks(turn, question);
    question_add_end(turn, question, origin, request->command->submitted_at);
}

bool policy_allows(struct request *request, const struct why **why)
{
    const struct why *first;

    *why = policy_may(&request->question, request->turn->arena);
    if ((*why)->verdict == POLICY_YES)
        return true;
    first = why_first(*why);
    answer_refused(request, ERROR_DENIED, *why, first != NULL ? first->reason : "policy refused it",
                   first != NULL ? first->next : "");
    return false;
}

/* --- arguments ------------------------------------------------------------------------------------------------------ */

bool argument_duration(struct request *request, const char *name, int64_t *ms)
{
    const char *text = argument_text(request, name);
    struct error error;

    *ms = 0;
    if (text_empty(text))
        return true;
    if (duration_parse(text, ms, &error) && *ms > 0)
        return true;
    answer_refused(request, ERROR_USAGE, NULL,
                   arena_printf(request->turn->arena, "'%s' is no duration for %s", text, name),
                   "write it as 2d or 8h");
    return false;
}

bool argument_until(struct request *request, const char *name, int64_t *until)
{
    const char *text = argument_text(request, name);
    int64_t ms;
    struct error error;

    *until = 0;
    if (text_empty(text))
        return true;
    if (duration_parse(text, &ms, &error)) {
        *until = request->turn->facts->now_ms + ms;
        return true;
    }
    if (instant_parse(text, until, &error) && *until > request->turn->facts->now_ms)
        return true;
    answer_refused(request, ERROR_USAGE, NULL, arena_printf(request->turn->arena, "'%s' is no instant to come", text),
                   "write it as 2026-12-01T00:00Z, or as a duration from now");
    return false;
}

/* --- the door ------------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *verb;
    accept_verb *accept;
} acceptors[] = {
    {"deploy", accept_deploy},     {"plan", accept_plan},
    {"destroy", accept_destroy},   {"rollback", accept_rollback},
    {"undo", accept_undo},         {"approve", accept_approve},
    {"reject", accept_reject},     {"cancel", accept_cancel},
    {"retry", accept_retry},       {"extend", accept_extend},
    {"hold", accept_hold},         {"unhold", accept_unhold},
    {"protect", accept_protect},   {"unprotect", accept_unprotect},
    {"freeze", accept_freeze},     {"exec", accept_exec},
    {"unlock", accept_unlock},     {"unfreeze", accept_unfreeze},
    {"stop-all", accept_stop_all}, {"resume-all", accept_resume_all},
};

static accept_verb *acceptor_of(const char *verb)
{
    for (size_t i = 0; i < sizeof acceptors / sizeof *acceptors; i++)
        if (text_equal(acceptors[i].verb, verb))
            return acceptors[i].accept;
    return NULL;
}

static void find_person(struct request *request)
{
    const struct engine_facts *facts = request->turn->facts;
    const char *actor = request->command->actor;
    long long uid;
    const char *login;

    request->owner = text_starts(actor, "uid:") && text_to_int(actor + strlen("uid:"), &uid) && facts->owner_uid >= 0 &&
                     uid == facts->owner_uid;
    login = request->owner && facts->owner_login != NULL ? facts->owner_login : "";
    request->person = facts->config != NULL ? policy_person(facts->config, actor, login) : "";
}

static void find_subject(struct request *request)
{
    struct engine_turn *turn = request->turn;
    const struct command *command = request->command;

    if (turn->run != NULL && subject_is_run(command->verb)) {
        request->subject = (struct subject){
            .environment = turn->run->environment_name, .entry = turn->entry, .refusal = "", .next = ""};
        return;
    }
    subject_resolve(turn->facts->config, command, turn->environment, turn->facts->branch, turn->arena,
                    &request->subject);
}

void engine_accept(const struct engine_facts *facts, const struct command *command, struct engine_effects *effects)
{
    struct engine_turn turn;
    struct request request = {.turn = &turn, .command = command, .verb = verb_named(command->verb)};
    accept_verb *accept = acceptor_of(command->verb);

    turn_begin(&turn, facts, effects);
    request.arguments = json_column(command->arguments);
    if (!json_is_object(request.arguments)) {
        json_decref(request.arguments);
        request.arguments = json_object();
    }
    find_person(&request);
    find_subject(&request);
    if (facts->damaged != NULL) {
        answer_refused(&request, ERROR_DAMAGED, NULL, facts->damaged, "berth doctor names what cannot be read");
    } else if (accept == NULL || request.verb == NULL) {
        answer_refused(&request, ERROR_UNSUPPORTED, NULL,
                       arena_printf(turn.arena, "'%s' is not built yet", command->verb),
                       "berth --help lists the verbs");
    } else if (claims_to_be_a_machine(command)) {
        answer_refused(&request, ERROR_DENIED, NULL,
                       arena_printf(turn.arena, "%s says that this came by '%s', which only berthd itself may say",
                                    text_empty(command->actor) ? "nobody" : command->actor, command->via),
                       "ask by hand");
    } else {
        ask_policy(&request);
        accept(&request);
    }
    json_decref(request.arguments);
    turn_end(&turn);
}
