/* SPDX-License-Identifier: ISC */
/* Confirmations: an approval shows the plan it binds to, a destroy wants the name typed. */
#include "cli/ask.h"

#include "cli/delta.h"
#include "cli/names.h"
#include "cli/output.h"

#include "berth/base/wording.h"

#include <stdlib.h>

const char *ask_line(struct cli *cli, const char *question)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    const char *answer = NULL;

    if (!cli->asks)
        return NULL;
    fflush(stdout);
    fprintf(stderr, "%s ", question);
    fflush(stderr);
    length = getline(&line, &room, stdin);
    if (length >= 0)
        answer = arena_strndup(&cli->arena, line, (size_t)length - (length > 0 && line[length - 1] == '\n'));
    free(line);
    return answer;
}

const char *plan_sign(int action)
{
    switch ((enum plan_action)action) {
    case PLAN_CREATE: return "+";
    case PLAN_UPDATE: return "~";
    case PLAN_REPLACE: return "-/+";
    case PLAN_DESTROY: return "-";
    case PLAN_DEFERRED: return "?";
    case PLAN_RUN: return ">";
    case PLAN_FORGET: return "x";
    case PLAN_NONE: break;
    }
    return " ";
}

/* A run that asks again: how much of its plan was approved before. */
static bool print_since(struct cli *cli, const struct run *run, FILE *out, struct error *error)
{
    struct approved approved;
    struct delta delta;
    struct str line = STR_INIT;

    if (!delta_read(cli, run, &approved, &delta, error))
        return false;
    str_add(&line, "  ");
    delta_sentence(cli, &approved, &delta, &line);
    if (run->status == RUN_GATE && !delta_is_covered(&delta))
        str_addf(&line, "; berth plan %s --delta shows these", run->environment_name);
    print_wrapped(cli, shown(cli, line.data), out);
    str_release(&line);
    delta_release(&delta);
    return true;
}

bool print_plan(struct cli *cli, const struct run *run, FILE *out, struct error *error)
{
    struct plan *plans;
    size_t count;

    if (!session_list(cli, &plan_type, "run", run->id, false, 0, &plans, &count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  %-3s %-9s %-24s %s%s%s\n", plan_sign(plans[i].action),
                word_name(plan_action_names, plans[i].action), shown(cli, plans[i].address),
                shown(cli, plans[i].summary), text_empty(plans[i].reason) ? "" : ": ", shown(cli, plans[i].reason));
    fprintf(out, "  %lld to create, %lld to update, %lld to replace, %lld to destroy, %lld deferred%s\n",
            (long long)run->creates, (long long)run->updates, (long long)run->replaces, (long long)run->destroys,
            (long long)run->deferred, run->touches_data ? "; touches data" : "");
    return text_empty(run->approved_digest) || print_since(cli, run, out, error);
}

static bool cancelled(struct error *error)
{
    return error_set(error, ERROR_CANCELLED, "nothing was done");
}

static bool set_digest(struct cli *cli, const char *digest)
{
    json_object_set_new(cli->call.arguments, "digest", json_string(digest));
    return true;
}

/* The digest that an approval must name: the plan's, or of an untrusted commit that is not planned yet the commit itself. */
static bool confirm_approve(struct cli *cli, const char *subject, struct error *error)
{
    const char *given = cli_argument(cli, "digest"), *wanted, *answer;
    struct run run;

    if (!session_need_run(cli, subject, NULL, &run, error))
        return false;
    wanted = text_empty(run.digest) && run.untrusted ? run.commit : run.digest;
    if (!text_empty(given)) /* a prefix stands for the whole; anything else is berthd's to refuse */
        return text_starts(wanted, given) ? set_digest(cli, wanted) : true;
    if (text_empty(wanted))
        return error_set(error, ERROR_CONFLICT, "run %s has no plan yet", run.id);
    if (!cli->asks) {
        error_set(error, ERROR_USAGE, "approve without a terminal needs --digest");
        return error_hint(error, "look at the plan with berth runs %s, then: berth approve %s --digest %s", run.id,
                          run.id, wanted);
    }
    fprintf(stderr, "run %s: %s of %s, commit %s %s\n", run.id, word_name(workflow_names, run.workflow),
            shown(cli, run.environment_name), shown_commit(cli, run.commit), shown(cli, run.subject));
    if (!print_plan(cli, &run, stderr, error))
        return false;
    answer = ask_line(cli, arena_printf(&cli->arena, "approve plan %.*s? (yes/no)", DIGEST_SHOWN, wanted));
    if (!text_equal(answer, "yes") && !text_equal(answer, "y"))
        return cancelled(error);
    return set_digest(cli, wanted);
}

static bool show_resources(struct cli *cli, const char *name, struct error *error)
{
    struct environment environment;
    struct resource *resources;
    size_t count;

    if (!session_need_environment(cli, name, &environment, error) ||
        !session_list(cli, &resource_type, "environment", environment.id, true, 0, &resources, &count, error))
        return false;
    fprintf(stderr, "destroys %s (%s), in this order:\n", shown(cli, environment.name),
            word_name(tier_names, environment.tier));
    for (size_t i = 0; i < count; i++) {
        if (!resources[i].external && text_empty(resources[i].parent) && resources[i].status != RESOURCE_GONE)
            fprintf(stderr, "  - %-24s %s%s\n", shown(cli, resources[i].address), resources[i].executor,
                    resources[i].data ? "  (data)" : "");
    }
    return true;
}

static bool confirm_name(struct cli *cli, const char *subject, struct error *error)
{
    const char *given = cli_argument(cli, "confirm");

    if (!name_is_known(cli, subject))
        return name_unknown(cli, NAME_OF_ENVIRONMENT, subject, error);
    if (text_empty(given) && !cli->asks) {
        error_set(error, ERROR_USAGE, "destroy without a terminal needs --confirm %s", subject);
        return error_hint(error, "nothing is destroyed unless its name is given twice");
    }
    if (text_empty(given)) {
        if (!show_resources(cli, subject, error))
            return false;
        given = ask_line(cli, arena_printf(&cli->arena, "type the name %s to destroy it:", shown(cli, subject)));
        if (!text_equal(given, subject))
            return cancelled(error);
    }
    if (!text_equal(given, subject))
        return error_set(error, ERROR_USAGE, "--confirm %s does not name %s", given, subject);
    json_object_set_new(cli->call.arguments, "confirm", json_string(given));
    return true;
}

static bool confirm_yes(struct cli *cli, const char *subject, struct error *error)
{
    const char *answer;

    if (!cli->asks) /* its call says all there is to know */
        return true;
    answer = ask_line(cli, arena_printf(&cli->arena, "%s %s? (yes/no)", cli->call.verb->name, shown(cli, subject)));
    return text_equal(answer, "yes") || text_equal(answer, "y") || cancelled(error);
}

bool ask_confirmation(struct cli *cli, const char *subject, struct error *error)
{
    if (text_equal(cli->call.verb->name, "approve"))
        return confirm_approve(cli, subject, error);
    if (cli->call.verb->confirm == CONFIRM_NAME)
        return confirm_name(cli, subject, error);
    if (cli->call.verb->confirm == CONFIRM_SUMMARY)
        return confirm_yes(cli, subject, error);
    return true;
}
