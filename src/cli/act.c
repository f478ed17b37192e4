/* SPDX-License-Identifier: ISC */
/* Every verb that acts: confirmed, submitted as a command row, answered by berthd, and with --wait followed to the end. */
#include "cli/ask.h"
#include "cli/names.h"
#include "cli/output.h"

#include "berth/base/time.h"

#define ANSWER_LIMIT_MS \
    (60 * MS_SECOND) /* berthd answers within milliseconds; this long when it has just been started */

#define SILENT_MS (2 * MS_SECOND) /* then it says what it waits for */

/* Verbs about runs take an environment's name for its run. */
static bool resolve_subject(struct cli *cli, const char **subject, struct run *run, struct error *error)
{
    const struct verb *verb = cli->call.verb;

    *subject = cli->call.subject;
    *run = (struct run){0};
    if (!verb_is_about_run(verb))
        return true;
    if (!session_need_run(cli, cli->call.subject, verb->name, run, error))
        return false;
    *subject = run->id;
    return true;
}

/* "2h" from now, or an instant of any zone: as UTC. */
static bool resolve_until(struct cli *cli, struct error *error)
{
    const char *given = cli_argument(cli, "until");
    int64_t at;

    if (text_empty(given))
        return true;
    if (duration_parse(given, &at, NULL))
        at += time_now_ms();
    else if (!instant_parse(given, &at, error))
        return false;
    if (at <= time_now_ms())
        return error_set(error, ERROR_USAGE, "--until %s is past", given);
    json_object_set_new(cli->call.arguments, "until", json_string(shown_instant(cli, at)));
    return true;
}

static void fill_command(struct cli *cli, const char *subject, struct command *command)
{
    json_t *arguments = json_deep_copy(cli->call.arguments);

    *command = (struct command){
        .verb = cli->call.verb->name,
        .subject = subject,
        .actor = session_actor(cli),
        .via = "cli",
        .key = cli_argument(cli, "key"),
        .reason = cli_argument(cli, "reason"),
        .dry_run = cli->call.dry_run,
    };
    json_object_del(arguments, "key");
    json_object_del(arguments, "reason");
    json_object_del(arguments, "timeout");
    json_object_del(arguments, "delta");
    command->arguments = json_text(&cli->arena, arguments);
    json_decref(arguments);
}

/* What the command would end with: there is nothing to act on, or one may not. */
static int status_of_why(const struct why *why)
{
    const struct why *first = why_first(why);

    if (why->verdict != POLICY_NO)
        return 0;
    return error_info(first != NULL && text_equal(first->rule, "state") ? ERROR_CONFLICT : ERROR_DENIED)->exit_status;
}

static bool dry_run(struct cli *cli, const char *subject, const struct run *run, struct command *command, int *status,
                    struct error *error)
{
    const struct verb *verb = cli->call.verb;
    const char *about = verb_is_about_run(verb) ? run->environment_name : session_environment_of(cli, subject);
    const struct why *why;
    struct str shell = STR_INIT;

    if (!verb_is_about_run(verb) && !(verb->scopes & SCOPE_WORKSPACE) && !name_is_known(cli, about))
        return name_unknown(cli, NAME_OF_ENVIRONMENT_OR_BRANCH, subject, error);
    why = session_why(cli, verb, about, run, error);
    if (why == NULL)
        return false;
    *status = status_of_why(why);
    if (cli->call.json) {
        json_t *answer = json_object();

        json_object_set_new(answer, "command", record_to_json(&command_type, command));
        json_object_set_new(answer, "why", why_to_json(why));
        print_json(answer);
        return true;
    }
    call_shell(verb, subject, cli->call.arguments, &shell);
    print_wrapped(cli, arena_printf(&cli->arena, "would submit: %s", shown(cli, shell.data)), stdout);
    str_clear(&shell);
    print_why(cli, why, stdout);
    if (text_equal(verb->name, "deploy")) { /* the same options; of a rollback or a retry no plan can be had before */
        call_shell(verb_named("plan"), subject, cli->call.arguments, &shell);
        print_wrapped(cli, arena_printf(&cli->arena, "%s shows what it would change", shown(cli, shell.data)), stdout);
    }
    str_release(&shell);
    return true;
}

/* Waits until berthd has answered; starts one when the one that served has ended meanwhile. */
static bool wait_for_answer(struct cli *cli, struct command *command, struct error *error)
{
    int64_t deadline = time_monotonic_ms() + ANSWER_LIMIT_MS, say_at = time_monotonic_ms() + SILENT_MS;

    for (;;) {
        int64_t now = time_monotonic_ms(), left = deadline - now;

        if (store_get(cli->store, &command_type, command->id, &cli->arena, command, error) != STORE_FOUND)
            return error_context(error, "cannot read the answer to %s", command->verb);
        if (command->status != COMMAND_WAITING)
            return true;
        if (left <= 0) {
            error_set(error, ERROR_TIMEOUT, "berthd has not answered %s of %s yet", command->verb, command->subject);
            return error_hint(error, "it stays submitted as %s; berth doctor says how berthd is", command->id);
        }
        if (!daemon_ensure(cli, error))
            return false;
        if (now >= say_at && say_at != 0) {
            fprintf(stderr, "berth: waiting for an answer: %s\n", daemon_silent(cli));
            say_at = 0;
        }
        wait_for_bell(cli->store, say_at != 0 && say_at - now < left ? say_at - now : left);
    }
}

/* A name that is not there is a call used wrongly, as it is where berthd is not asked. */
static enum error_code code_of_refusal(const char *name)
{
    enum error_code code = error_code_from_name(name);

    return code == ERROR_NOT_FOUND ? ERROR_USAGE : code;
}

static bool refused(struct cli *cli, const struct command *command, struct error *error)
{
    json_t *answer = json_column(command->answer);
    const struct why *why = why_from_json(json_object_get(answer, "why"), &cli->arena);
    enum error_code code = code_of_refusal(json_get_text(answer, "code"));
    const char *message = json_get_text(answer, "message");

    if (why != NULL && why->verdict != POLICY_YES) {
        fflush(stdout);
        print_why(cli, why, stderr);
    }
    error_set(error, code == ERROR_NONE ? ERROR_DENIED : code, "%s", text_empty(message) ? "it was refused" : message);
    if (!text_empty(json_get_text(answer, "next")))
        error_hint(error, "%s", json_get_text(answer, "next"));
    else if (why != NULL && why_first(why) != NULL && !text_empty(why_first(why)->next))
        error_hint(error, "%s", why_first(why)->next);
    json_decref(answer);
    return false;
}

static int64_t wait_deadline(const struct cli *cli)
{
    int64_t timeout;

    return duration_parse(cli_argument(cli, "timeout"), &timeout, NULL) ? time_monotonic_ms() + timeout : 0;
}

/* A cancelled run is what cancel wanted; to it a failure is one that could not be stopped. */
static int status_for_verb(const struct cli *cli, const struct run *run, int status)
{
    if ((cli->call.verb->policy_flags & POLICY_CANCELS) && run->status == RUN_CANCELLED)
        return 0;
    return status;
}

/* A plan that was waited for is what was asked for; one at a gate is what the answer is about. */
static bool shows_plan(const struct cli *cli, const struct run *run, int status)
{
    return cli->call.wait && (run->status == RUN_GATE || (run->workflow == WORKFLOW_PLAN && status == 0));
}

static bool finish(struct cli *cli, const struct command *command, int *status, struct error *error)
{
    struct run run = {0};
    json_t *answer;

    if (!text_empty(command->run)) {
        if (cli->call.wait &&
            !wait_for_run(cli, command->run, wait_deadline(cli), cli->call.json ? NULL : stdout, status, error))
            return false;
        if (store_get(cli->store, &run_type, command->run, &cli->arena, &run, error) == STORE_ERROR)
            return false;
        if (cli->call.wait)
            *status = status_for_verb(cli, &run, *status);
    }
    if (!cli->call.json)
        return !shows_plan(cli, &run, *status) || print_plan(cli, &run, stdout, error);
    answer = json_object();
    json_object_set_new(answer, "command", record_to_json(&command_type, command));
    if (!text_empty(run.id))
        json_object_set_new(answer, "run", record_to_json(&run_type, &run));
    print_json(answer);
    return true;
}

/* Of these the operator wants the end, and what is printed is the tool's. */
static bool is_followed(const struct cli *cli)
{
    return text_equal(cli->call.verb->name, "exec") || text_equal(cli->call.verb->name, "unlock");
}

static void say_accepted(struct cli *cli, const struct command *command)
{
    FILE *out = is_followed(cli) ? stderr : stdout;
    json_t *answer = json_column(command->answer);
    const char *message = json_get_text(answer, "message");

    if (!text_empty(message))
        print_wrapped(cli, shown(cli, message), out);
    else if (!text_empty(command->run))
        fprintf(out, "%s %s: run %s\n", command->verb, shown(cli, command->subject), command->run);
    else
        fprintf(out, "%s %s: done\n", command->verb, shown(cli, command->subject));
    fflush(out);
    json_decref(answer);
}

/* The command as berthd answered it. False also where it refused. */
static bool submit(struct cli *cli, struct command *command, struct error *error)
{
    if (!session_need_policy(cli, error))
        return false;
    if (!store_submit(cli->store, command, &cli->arena, error) || !wait_for_answer(cli, command, error))
        return false;
    if (command->status != COMMAND_REFUSED)
        return true;
    if (cli->call.json)
        print_json(record_to_json(&command_type, command));
    return refused(cli, command, error);
}

bool act_silently(struct cli *cli, struct run *run, int *status, struct error *error)
{
    struct command command;

    *run = (struct run){.id = ""};
    fill_command(cli, cli->call.subject, &command);
    if (!submit(cli, &command, error) || text_empty(command.run))
        return text_empty(error->message);
    return wait_for_run(cli, command.run, wait_deadline(cli), NULL, status, error) &&
           store_get(cli->store, &run_type, command.run, &cli->arena, run, error) == STORE_FOUND;
}

bool act_submit(struct cli *cli, int *status, struct error *error)
{
    struct command command;
    const char *subject;
    struct run run;

    if (!resolve_until(cli, error) || !resolve_subject(cli, &subject, &run, error))
        return false;
    if (!cli->call.dry_run && !ask_confirmation(cli, subject, error))
        return false;
    fill_command(cli, subject, &command);
    if (cli->call.dry_run)
        return dry_run(cli, subject, &run, &command, status, error);
    if (!submit(cli, &command, error))
        return false;
    if (!cli->call.json)
        say_accepted(cli, &command);
    if (is_followed(cli) && !text_empty(command.run) && !exec_follow(cli, command.run, status, error))
        return false;
    if (is_followed(cli) && !cli->call.json)
        return true;
    return finish(cli, &command, status, error);
}

bool cli_act(struct cli *cli, int *status, struct error *error)
{
    bool delta = json_is_true(json_object_get(cli->call.arguments, "delta")) && !cli->call.dry_run;

    return session_open(cli, STORE_CLIENT, SESSION_START, error) &&
           (delta ? plan_delta(cli, status, error) : act_submit(cli, status, error));
}
