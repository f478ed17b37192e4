/* SPDX-License-Identifier: ISC */
/* What is about this program: version, help, completion. */
#include "cli/output.h"

#include "berth/base/text.h"

#include <string.h>

bool cli_version(struct cli *cli, int *status, struct error *error)
{
    (void)status;
    (void)error;
    if (cli->call.json)
        print_json(json_pack("{s:s, s:i, s:i}", "version", PACKAGE_VERSION, "store_reader", STORE_READER_VERSION,
                             "store_writer", STORE_WRITER_VERSION));
    else
        printf("berth %s\n", PACKAGE_VERSION);
    return true;
}

bool cli_help(struct cli *cli, int *status, struct error *error)
{
    const struct verb *verb = verb_named(cli->call.subject);
    struct str text = STR_INIT;

    (void)status;
    if (!text_empty(cli->call.subject) && verb == NULL)
        return verb_unknown(cli->call.subject, error);
    if (verb != NULL)
        verb_help(verb, &text);
    else
        verbs_overview(&text);
    fputs(shown_lines(cli, text.data), stdout);
    str_release(&text);
    return true;
}

/* A name goes to a shell's prompt as it is: only one that is harmless there, and one line. */
static bool is_harmless(const char *name)
{
    struct str visible = STR_INIT;
    bool same;

    text_visible(&visible, name, strlen(name), TEXT_ONE_LINE);
    same = text_equal(visible.data, name);
    str_release(&visible);
    return same;
}

static bool print_environment(const void *row, void *context)
{
    const struct environment *environment = row;

    (void)context;
    if (environment->status != ENVIRONMENT_DESTROYED && is_harmless(environment->name))
        printf("%s\n", environment->name);
    return true;
}

static bool print_branch(const void *row, void *context)
{
    const struct branch *branch = row;

    (void)context;
    if (branch->gone_at == 0 && is_harmless(branch->name))
        printf("%s\n", branch->name);
    return true;
}

static bool print_run(const void *row, void *context)
{
    (void)context;
    printf("%s\n", ((const struct run *)row)->id);
    return true;
}

static bool print_rows(struct cli *cli, const struct record_type *type, const char *index, size_t limit,
                       store_visit *visit)
{
    const struct store_query query = {.type = type, .index = index, .descending = index != NULL, .limit = limit};

    return store_each(cli->store, &query, visit, NULL, NULL);
}

/* Names for a shell's completion. It must never disturb a prompt: where there is nothing to say it is silent. */
static bool print_names(struct cli *cli, const char *kind)
{
    struct error ignored;

    if (!session_open(cli, STORE_READER, SESSION_AS_IT_IS, &ignored))
        return true;
    if ((text_equal(kind, "environments") || text_equal(kind, "targets")) &&
        !print_rows(cli, &environment_type, NULL, 0, print_environment))
        return true;
    if ((text_equal(kind, "branches") || text_equal(kind, "targets")) &&
        !print_rows(cli, &branch_type, NULL, 0, print_branch))
        return true;
    if (text_equal(kind, "runs") && !print_rows(cli, &run_type, "number", 50, print_run))
        return true;
    return true;
}

bool cli_completion(struct cli *cli, int *status, struct error *error)
{
    const char *names = cli_argument(cli, "names");
    struct str text = STR_INIT;

    (void)status;
    if (!text_empty(names))
        return print_names(cli, names);
    if (text_empty(cli->call.subject)) {
        error_set(error, ERROR_USAGE, "completion needs a shell");
        return error_hint(error, "bash: source <(berth completion bash)");
    }
    verbs_completion(cli->call.subject, &text);
    fputs(text.data, stdout);
    str_release(&text);
    return true;
}
