/* SPDX-License-Identifier: ISC */
/* The audit: who did what, newest first; and its chain verified. */
#include "cli/output.h"

#define ENTRIES_SHOWN 50 /* unless --limit says otherwise */

static bool verify(struct cli *cli, struct error *error)
{
    int64_t entries = 0;
    bool whole = store_verify_audit(cli->store, &entries, error);

    if (cli->call.json) {
        json_t *answer = json_object();

        json_object_set_new(answer, "whole", json_boolean(whole));
        json_object_set_new(answer, "entries", json_integer(entries));
        print_json(answer);
    } else if (whole) {
        printf("the audit is whole: %lld entries\n", (long long)entries);
    } else {
        printf("%lld entries are good before the break\n", (long long)entries);
    }
    return whole;
}

static bool environment_id(struct cli *cli, const char **id, struct error *error)
{
    const char *name = cli_argument(cli, "env");
    struct environment environment;

    *id = NULL;
    if (text_empty(name))
        return true;
    if (!session_need_environment(cli, name, &environment, error))
        return false;
    *id = environment.id;
    return true;
}

bool cli_audit(struct cli *cli, int *status, struct error *error)
{
    static const char *const headers[] = {"#", "AT", "ACTION", "BY", "VIA", "TARGET", "RESULT", "WHY", NULL};
    struct audit *rows;
    size_t count;
    const char *environment;
    struct table table;

    (void)status;
    if (!session_open(cli, STORE_READER, SESSION_AS_IT_IS, error))
        return false;
    if (text_equal(cli->call.subject, "verify"))
        return verify(cli, error);
    if (!environment_id(cli, &environment, error) ||
        !session_list(cli, &audit_type, environment != NULL ? "environment" : NULL, environment, true,
                      cli_limit(cli, ENTRIES_SHOWN), &rows, &count, error))
        return false;
    if (cli->call.json) {
        print_json(rows_to_json(&audit_type, rows, count));
        return true;
    }
    table_begin(&table, cli, headers);
    for (size_t i = 0; i < count; i++) {
        bool denied = text_equal(rows[i].result, "denied") || text_equal(rows[i].result, "failed");

        table_putf(&table, STYLE_MUTED, "%lld", (long long)rows[i].sequence);
        table_put(&table, STYLE_PLAIN, shown_instant(cli, rows[i].at));
        table_add(&table, STYLE_STRONG, rows[i].action);
        table_put(&table, STYLE_PLAIN, shown_person(cli, rows[i].person, rows[i].actor));
        table_add(&table, STYLE_PLAIN, rows[i].via);
        table_add(&table, STYLE_PLAIN, rows[i].target);
        table_add(&table, denied ? STYLE_BAD : STYLE_PLAIN, rows[i].result);
        table_add(&table, STYLE_PLAIN, rows[i].reason);
    }
    table_end(&table, "nothing is recorded yet");
    return true;
}
