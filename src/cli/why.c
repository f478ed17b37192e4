/* SPDX-License-Identifier: ISC */
/* May I, and if not, why not: policy's tree for a verb and an environment, or of a run's gate. */
#include "cli/names.h"
#include "cli/output.h"

static const int exit_of_verdict[] = {[POLICY_YES] = 0, [POLICY_WAIT] = 3, [POLICY_NO] = 4};

/* A verb about a run: the gate as it was last evaluated, and whether this person may answer. */
static bool tree_of_run(struct cli *cli, const struct verb *verb, const char *subject, const struct why **why,
                        struct error *error)
{
    struct run run;
    struct environment environment;
    struct policy_question question;
    struct policy_gate gate = {.run = &run, .lock_free = true, .lock_holder = "", .base_holds = true};
    struct approval *approvals;
    const struct approval **list;
    enum store_found found;

    if (!session_need_run(cli, subject, verb->name, &run, NULL) && !session_need_run(cli, subject, NULL, &run, error))
        return false;
    found = session_environment(cli, run.environment_name, &environment, error);
    if (found == STORE_ERROR || !session_question(cli, verb, run.environment_name,
                                                  found == STORE_FOUND ? &environment : NULL, &question, error))
        return false;
    if (!(verb->policy_flags & POLICY_ANSWERS_GATE)) {
        *why = policy_with_state(policy_may(&question, &cli->arena), policy_run_state(&run, verb->name, &cli->arena),
                                 &cli->arena);
        return true;
    }
    if (!session_list(cli, &approval_type, "run", run.id, false, 0, &approvals, &gate.approval_count, error))
        return false;
    list = arena_alloc(&cli->arena, (gate.approval_count + 1) * sizeof *list);
    for (size_t i = 0; i < gate.approval_count; i++)
        list[i] = &approvals[i];
    gate.approvals = list;
    gate.question = question;
    *why = policy_may_approve(&gate, question.actor, question.person, (question.flags & POLICY_OWNER) != 0, run.digest,
                              &cli->arena);
    *why = policy_with_state(*why, policy_run_state(&run, verb->name, &cli->arena), &cli->arena);
    return true;
}

/* What `berth rollback` or `berth extend` of an environment finds. */
static bool state_of(struct cli *cli, const struct verb *verb, const struct environment *environment,
                     const struct why **state, struct error *error)
{
    struct release *releases;
    const struct release **list;
    size_t count;

    *state = NULL;
    if (text_equal(verb->name, "extend"))
        *state = policy_extend_state(environment, &cli->arena);
    if (!text_equal(verb->name, "rollback"))
        return true;
    if (!session_list(cli, &release_type, "environment", environment->id, true, 0, &releases, &count, error))
        return false;
    list = arena_alloc(&cli->arena, (count + 1) * sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = &releases[i];
    *state = policy_rollback_state(environment, list, count, &cli->arena);
    return true;
}

/* Verbs about the whole workspace name a tier. */
static bool is_tier_of(const struct verb *verb, const char *name)
{
    return (verb->scopes & SCOPE_WORKSPACE) && (text_equal(name, "all") || word_value(tier_names, name) > TIER_NONE);
}

bool cli_why(struct cli *cli, int *status, struct error *error)
{
    const struct verb *verb = verb_named(cli->call.subject);
    const char *name = cli_argument(cli, "environment");
    bool about_run = verb != NULL && verb->kind == VERB_ACTS && verb->arguments[0].type == ARGUMENT_RUN;
    struct environment environment;
    struct policy_question question;
    const struct why *why, *state = NULL;
    enum store_found found;

    if (verb == NULL)
        return verb_unknown(cli->call.subject, error);
    if (!session_open(cli, STORE_READER, SESSION_START, error))
        return false;
    if (!about_run)
        name = session_environment_of(cli, name);
    if (about_run) {
        if (!tree_of_run(cli, verb, name, &why, error))
            return false;
    } else {
        if (!is_tier_of(verb, name) && !name_is_known(cli, name))
            return name_unknown(cli, NAME_OF_ENVIRONMENT_OR_BRANCH, cli_argument(cli, "environment"), error);
        found = session_environment(cli, name, &environment, error);
        if (found == STORE_ERROR ||
            !session_question(cli, verb, name, found == STORE_FOUND ? &environment : NULL, &question, error))
            return false;
        if (verb->policy_flags & POLICY_DESTROYS)
            question.flags |= POLICY_TO_CONFIRM;
        if (found == STORE_FOUND && !state_of(cli, verb, &environment, &state, error))
            return false;
        why = policy_with_state(policy_may(&question, &cli->arena), state, &cli->arena);
    }
    *status = exit_of_verdict[why->verdict];
    if (cli->call.json)
        print_json(why_to_json(why));
    else
        print_why(cli, why, stdout);
    return true;
}
