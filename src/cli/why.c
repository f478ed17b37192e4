/* SPDX-License-Identifier: ISC */
/* May I, and if not, why not: policy's tree for a verb and an environment or a run. */
#include "cli/names.h"
#include "cli/output.h"

static const int exit_of_verdict[] = {[POLICY_YES] = 0, [POLICY_WAIT] = 3, [POLICY_NO] = 4};

/* Verbs about the whole workspace name a tier. */
static bool is_tier_of(const struct verb *verb, const char *name)
{
    return (verb->scopes & SCOPE_WORKSPACE) && (text_equal(name, "all") || word_value(tier_names, name) > TIER_NONE);
}

bool cli_why(struct cli *cli, int *status, struct error *error)
{
    const struct verb *verb = verb_named(cli->call.subject);
    const char *name = cli_argument(cli, "environment");
    const struct why *why;
    struct run run = {0};
    bool about_run;

    if (verb == NULL)
        return verb_unknown(cli->call.subject, error);
    if (!session_open(cli, STORE_READER, SESSION_START, error))
        return false;
    about_run = verb_is_about_run(verb);
    if (!about_run)
        name = session_environment_of(cli, name);
    if (about_run) {
        if (!session_need_run(cli, name, verb->name, &run, NULL) && !session_need_run(cli, name, NULL, &run, error))
            return false;
        name = run.environment_name;
    } else if (!is_tier_of(verb, name) && !name_is_known(cli, name)) {
        return name_unknown(cli, NAME_OF_ENVIRONMENT_OR_BRANCH, cli_argument(cli, "environment"), error);
    }
    why = session_why(cli, verb, name, &run, error);
    if (why == NULL)
        return false;
    *status = exit_of_verdict[why->verdict];
    if (cli->call.json)
        print_json(why_to_json(why));
    else
        print_why(cli, why, stdout);
    return true;
}
